/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file check.h  For guest programs that check the builtin DLLs: CHECK names what is wrong in a debug string, main's
 *  result is the exit code, 0 if all was right. */
#ifndef USERLAND_CHECK_H
#define USERLAND_CHECK_H

#include "ntdll.h"

static ULONG failures;

/** Fails with the condition's text and a number that is worth seeing. */
#define CHECK_NUMBER(condition, number)                                                                                \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      failures++;                                                                                                      \
      DbgPrintEx(0, 0xFFFFFFFF, "%s:%d: %s (%I64x)\n", __FILE__, __LINE__, #condition, (ULONG64)(number));             \
    }                                                                                                                  \
  } while (0)
#define CHECK(condition) CHECK_NUMBER(condition, 0)
#define CHECK_EQ(value, expected)                                                                                      \
  do {                                                                                                                 \
    ULONG64 value_ = (ULONG64)(value), expected_ = (ULONG64)(expected);                                                \
    if (value_ != expected_) {                                                                                         \
      failures++;                                                                                                      \
      DbgPrintEx(0, 0xFFFFFFFF, "%s:%d: %s is %I64x, not %s\n", __FILE__, __LINE__, #value, value_, #expected);        \
    }                                                                                                                  \
  } while (0)
#define CHECK_STATUS(value, expected) CHECK_EQ((ULONG)(value), (ULONG)(expected))

void check(void);

void __attribute__((noreturn)) start(void)
{
  check();
  RtlExitUserProcess(failures ? 1 : 0);
}

#endif
