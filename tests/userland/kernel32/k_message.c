/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FormatMessage with texts of the caller. */
#include "check.h"

static BOOL is(const char *text, const char *expected)
{
  return lstrcmpA(text, expected) == 0;
}

static DWORD format(char *buffer, DWORD flags, const char *text, ...)
{
  va_list arguments;
  va_start(arguments, text);
  DWORD length = FormatMessageA(FORMAT_MESSAGE_FROM_STRING | flags, text, 0, 0, buffer, 64, &arguments);
  va_end(arguments);
  return length;
}

void checks(void)
{
  char text[64], *allocated = NULL;
  WCHAR wide[64];
  DWORD_PTR array[2] = {(DWORD_PTR)L"second", (DWORD_PTR)L"first"};
  CHECK(format(text, 0, "%1 and %2", "one", "two") == 11 && is(text, "one and two"));
  CHECK(format(text, 0, "%2 %1!d! %3!04x!", -5, "b", 0xABC) == 9 && is(text, "b -5 0abc"));
  CHECK(format(text, 0, "%1!-4s!|%2!4s!|", "ab", "cd") == 10 && is(text, "ab  |  cd|"));
  CHECK(format(text, 0, "%1!I64u!%n%%%!%0 not this", 12345678901ull) == 15 && is(text, "12345678901\r\n%!"));
  CHECK(format(text, 0, "a\nb") == 4 && is(text, "a\r\nb"));
  CHECK(format(text, FORMAT_MESSAGE_MAX_WIDTH_MASK, "a\r\nb") == 3 && is(text, "a b"));
  CHECK(FormatMessageA(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_IGNORE_INSERTS, "%1 %2!d!", 0, 0, text, 64, NULL) == 8 &&
        is(text, "%1 %2!d!"));
  CHECK(FormatMessageW(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ARGUMENT_ARRAY, L"%2 %1", 0, 0, wide, 64,
                       (va_list *)array) == 12 && lstrcmpW(wide, L"first second") == 0);
  CHECK_ERROR(FormatMessageA(FORMAT_MESSAGE_FROM_STRING, "abcd", 0, 0, text, 4, NULL), ERROR_INSUFFICIENT_BUFFER);
  CHECK(FormatMessageA(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ALLOCATE_BUFFER, "abcd", 0, 0, (LPSTR)&allocated, 0,
                       NULL) == 4 && allocated && is(allocated, "abcd") && LocalFree(allocated) == NULL);
  CHECK_ERROR(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, 0x20001234, 0, text, 64, NULL), ERROR_MR_MID_NOT_FOUND);
  CHECK_ERROR(FormatMessageA(0, NULL, 0, 0, text, 64, NULL), ERROR_INVALID_PARAMETER);
}
