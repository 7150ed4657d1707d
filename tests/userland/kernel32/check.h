/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file check.h  Checks of programs without a C library. A program's exit code is the number of checks that failed; each
 *  is told by its file, line and text. */
#ifndef KERNEL32_CHECK_H
#define KERNEL32_CHECK_H

#include <windows.h>

static int failed_checks;

static void put_text(const char *text)
{
  DWORD length = 0, written;
  while (text[length])
    length++;
  WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), text, length, &written, NULL);
}

static void put_number(unsigned long long value)
{
  char text[24];
  int at = sizeof(text) - 1;
  text[at] = 0;
  do
    text[--at] = (char)('0' + value % 10);
  while (value /= 10);
  put_text(text + at);
}

static void check_failed(const char *what, int line, DWORD error)
{
  failed_checks++;
  put_text("line ");
  put_number((unsigned)line);
  put_text(": ");
  put_text(what);
  put_text(" (last error ");
  put_number(error);
  put_text(")\n");
}

/** The condition holds. */
#define CHECK(condition)                                 \
  do {                                                   \
    if (!(condition))                                    \
      check_failed(#condition, __LINE__, GetLastError()); \
  } while (0)
/** The call fails, with this last error. */
#define CHECK_ERROR(call, error)                              \
  do {                                                        \
    SetLastError(0xDEAD);                                     \
    BOOL succeeded_ = (call) != 0;                            \
    if (succeeded_ || GetLastError() != (error))              \
      check_failed(#call " fails with " #error, __LINE__, GetLastError()); \
  } while (0)

void checks(void);
void start(void);
void start(void)
{
  checks();
  ExitProcess((UINT)failed_checks);
}

#endif
