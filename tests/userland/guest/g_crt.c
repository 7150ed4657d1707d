/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The C library's functions in ntdll (Microsoft's C runtime reference). */
#include "check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static BOOLEAN printed(const char *expected, const char *format, ...)
{
  char buffer[100];
  va_list arguments;
  va_start(arguments, format);
  int length = _vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  if (length == (int)strlen(expected) && !strcmp(buffer, expected))
    return TRUE;
  DbgPrintEx(0, 0xFFFFFFFF, "<%s>, expected <%s>\n", buffer, expected);
  return FALSE;
}

static void print(void)
{
  char small[4] = {'.', '.', '.', '.'};
  WCHAR wide[20];
  CHECK(printed("42 -7 +3  5", "%d %i %+d % d", 42, -7, 3, 5));
  CHECK(printed("00ff 0XFF 17 007", "%04x %#X %o %.3d", 255, 255, 15, 7));
  CHECK(printed("   ab|ab   |abc", "%5s|%-5s|%.3s", "ab", "ab", "abcdef"));
  CHECK(printed("18446744073709551615 -1", "%I64u %lld", ~0ull, -1ll));
  CHECK(printed("000000000000ABCD %c", "%p %%c", (void *)0xABCD));
  CHECK(printed("wide narrow", "%ls %hs", L"wide", "narrow"));
  CHECK(printed("(null)    7", "%s %*d", NULL, 4, 7));
  /* What does not fit: -1, and no terminator. */
  CHECK_EQ((ULONG)_snprintf(small, 4, "%s", "abcdef"), (ULONG)-1);
  CHECK(!memcmp(small, "abcd", 4));
  CHECK_EQ(_snprintf(small, 4, "%s", "abcd"), 4);
  CHECK_EQ(_snwprintf(wide, 20, L"%s %hs %d", L"one", "two", 3), 9);
  CHECK(!wcscmp(wide, L"one two 3"));
}

static void texts(void)
{
  char buffer[16] = "abc";
  CHECK_EQ(strlen("hello"), 5);
  CHECK(strcmp("a", "b") < 0 && strcmp("b", "a") > 0 && !strcmp("", "") && strcmp("\xFF", "a") > 0);
  CHECK(!strncmp("abcd", "abxx", 2) && !_stricmp("HeLLo", "hEllO") && _strnicmp("abc", "ABD", 3) < 0);
  CHECK(!strcmp(strcat(buffer, "def"), "abcdef"));
  CHECK(strchr(buffer, 'c') == buffer + 2 && strchr(buffer, 0) == buffer + 6 && !strchr(buffer, 'x'));
  CHECK(strrchr("a/b/c", '/')[1] == 'c' && !strcmp(strstr(buffer, "cd"), "cdef") && !strstr(buffer, "dc"));
  CHECK(strspn("aabbc", "ab") == 4 && strcspn("hello, x", ", ") == 5 && *strpbrk("hello", "ol") == 'l');
  strncpy(buffer, "xy", 5);
  CHECK(!memcmp(buffer, "xy\0\0\0f", 6));
  CHECK(wcslen(L"four") == 4 && !_wcsicmp(L"ABC", L"abc") && wcschr(L"abc", 'b')[1] == 'c');
  CHECK(!memcmp(memmove(buffer + 1, memcpy(buffer, "12345678", 9), 8), "12345678", 8) && buffer[0] == '1');
  CHECK(tolower('Q') == 'q' && toupper('q') == 'Q' && isspace('\t') && !isspace('a') && isxdigit('F') &&
        !isxdigit('g'));
}

static int by_value(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static void numbers(void)
{
  char *end;
  int values[9] = {5, -3, 9, 0, 5, 7, 1, 100, -50}, key = 7;
  CHECK(atoi("  -12x") == -12 && strtol("0x1Fg", &end, 0) == 31 && *end == 'g');
  CHECK(strtol("077", NULL, 0) == 63 && strtol("zz", NULL, 36) == 35 * 36 + 35);
  CHECK(strtol("99999999999", NULL, 10) == 0x7FFFFFFF && strtol("-99999999999", NULL, 10) == -0x7FFFFFFF - 1);
  CHECK(strtoul("4294967295", NULL, 10) == 0xFFFFFFFF && _atoi64("-9000000000") == -9000000000ll);
  const char *none = "abc";
  CHECK(strtol(none, &end, 10) == 0 && end == none);
  CHECK(_wtoi(L"77") == 77);
  qsort(values, 9, sizeof *values, by_value);
  for (int i = 1; i < 9; i++)
    CHECK(values[i - 1] <= values[i]);
  CHECK(bsearch(&key, values, 9, sizeof *values, by_value) == &values[6]);
  key = 8;
  CHECK(!bsearch(&key, values, 9, sizeof *values, by_value));
}

void check(void)
{
  print();
  texts();
  numbers();
}
