/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code pages, kinds of characters, order, case, the locale, dates and times as text. */
#include "check.h"

static BOOL same(const WCHAR *a, const WCHAR *b)
{
  while (*a && *a == *b)
    a++, b++;
  return *a == *b;
}

static void from_bytes(void)
{
  WCHAR wide[16];
  CHECK(GetACP() == 1252 && GetOEMCP() == 437);
  CHECK(MultiByteToWideChar(CP_ACP, 0, "a\x80\xFF", 3, wide, 16) == 3 && wide[0] == 'a' && wide[1] == 0x20AC && wide[2] == 0xFF);
  CHECK(MultiByteToWideChar(CP_OEMCP, 0, "\x81\xE1", -1, wide, 16) == 3 && wide[0] == 0xFC && wide[1] == 0xDF && wide[2] == 0);
  CHECK(MultiByteToWideChar(CP_ACP, 0, "abc", -1, NULL, 0) == 4);
  CHECK(MultiByteToWideChar(CP_UTF8, 0, "\xE2\x82\xAC\xF0\x9F\x98\x80", 7, wide, 16) == 3);
  CHECK(wide[0] == 0x20AC && wide[1] == 0xD83D && wide[2] == 0xDE00);
  /* Each longest start of an invalid sequence is one replacement. */
  CHECK(MultiByteToWideChar(CP_UTF8, 0, "\xE2\x82x\xC0\x80", 5, wide, 16) == 4);
  CHECK(wide[0] == 0xFFFD && wide[1] == 'x' && wide[2] == 0xFFFD && wide[3] == 0xFFFD);
  CHECK_ERROR(MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, "\xFF", 1, wide, 16), ERROR_NO_UNICODE_TRANSLATION);
  CHECK_ERROR(MultiByteToWideChar(CP_UTF8, MB_PRECOMPOSED, "a", 1, wide, 16), ERROR_INVALID_FLAGS);
  CHECK_ERROR(MultiByteToWideChar(CP_ACP, MB_PRECOMPOSED | MB_COMPOSITE, "a", 1, wide, 16), ERROR_INVALID_FLAGS);
  CHECK_ERROR(MultiByteToWideChar(CP_ACP, 0, "abc", 3, wide, 2), ERROR_INSUFFICIENT_BUFFER);
  CHECK_ERROR(MultiByteToWideChar(CP_ACP, 0, "abc", 0, wide, 2), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(MultiByteToWideChar(4711, 0, "abc", 3, wide, 16), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(MultiByteToWideChar(CP_ACP, 0, NULL, 3, wide, 16), ERROR_INVALID_PARAMETER);
}

static void to_bytes(void)
{
  char bytes[16];
  BOOL used = TRUE;
  CHECK(WideCharToMultiByte(CP_ACP, 0, L"a\x20AC", 2, bytes, 16, NULL, &used) == 2 && bytes[1] == (char)0x80 && !used);
  CHECK(WideCharToMultiByte(CP_ACP, 0, L"a\x3B1", -1, bytes, 16, "#", &used) == 3 && bytes[1] == '#' && used);
  CHECK(WideCharToMultiByte(CP_OEMCP, 0, L"\x3B1", 1, bytes, 16, NULL, NULL) == 1 && bytes[0] == (char)0xE0);
  CHECK(WideCharToMultiByte(CP_UTF8, 0, L"\xE4\x20AC\xD83D\xDE00", 4, bytes, 16, NULL, NULL) == 9);
  CHECK(bytes[0] == (char)0xC3 && bytes[2] == (char)0xE2 && bytes[5] == (char)0xF0 && bytes[8] == (char)0x80);
  CHECK(WideCharToMultiByte(CP_UTF8, 0, L"\xD800", 1, bytes, 16, NULL, NULL) == 3 && bytes[0] == (char)0xEF);
  CHECK_ERROR(WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, L"\xD800", 1, bytes, 16, NULL, NULL),
              ERROR_NO_UNICODE_TRANSLATION);
  CHECK_ERROR(WideCharToMultiByte(CP_UTF8, 0, L"a", 1, bytes, 16, NULL, &used), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(WideCharToMultiByte(CP_ACP, 0x80000000, L"a", 1, bytes, 16, NULL, NULL), ERROR_INVALID_FLAGS);
  CHECK_ERROR(WideCharToMultiByte(CP_ACP, 0, L"ab", 2, bytes, 1, NULL, NULL), ERROR_INSUFFICIENT_BUFFER);
}

static void kinds(void)
{
  CPINFO info;
  WORD types[4];
  CHECK(GetCPInfo(CP_ACP, &info) && info.MaxCharSize == 1 && info.DefaultChar[0] == '?' && info.LeadByte[0] == 0);
  CHECK(GetCPInfo(CP_UTF8, &info) && info.MaxCharSize == 4);
  CHECK_ERROR(GetCPInfo(4711, &info), ERROR_INVALID_PARAMETER);
  CHECK(IsValidCodePage(1252) && IsValidCodePage(65001) && !IsValidCodePage(4711) && !IsValidCodePage(0));
  CHECK(GetStringTypeW(CT_CTYPE1, L"aA1 ", 4, types));
  CHECK(types[0] == (C1_ALPHA | C1_LOWER | C1_XDIGIT | C1_DEFINED) && types[1] == (C1_ALPHA | C1_UPPER | C1_XDIGIT | C1_DEFINED));
  CHECK(types[2] == (C1_DIGIT | C1_XDIGIT | C1_DEFINED) && types[3] == (C1_SPACE | C1_BLANK | C1_DEFINED));
  CHECK(GetStringTypeA(LOCALE_USER_DEFAULT, CT_CTYPE1, "\t!\xE4", -1, types) && types[0] & C1_CNTRL && types[1] & C1_PUNCT &&
        types[2] & C1_LOWER);
  CHECK_ERROR(GetStringTypeW(7, L"a", 1, types), ERROR_INVALID_PARAMETER);
}

static void order(void)
{
  CHECK(CompareStringA(LOCALE_USER_DEFAULT, 0, "abc", -1, "ABC", -1) == CSTR_LESS_THAN);
  CHECK(CompareStringA(LOCALE_USER_DEFAULT, NORM_IGNORECASE, "abc", -1, "ABC", -1) == CSTR_EQUAL);
  CHECK(CompareStringW(LOCALE_USER_DEFAULT, 0, L"a", 1, L"B", 1) == CSTR_LESS_THAN);
  CHECK(CompareStringW(LOCALE_USER_DEFAULT, 0, L"z", 1, L"\xE4", 1) == CSTR_GREATER_THAN);
  CHECK(CompareStringW(LOCALE_USER_DEFAULT, 0, L"9", 1, L"a", 1) == CSTR_LESS_THAN);
  /* Hyphens and apostrophes only break ties: co-op stands beside coop, not before all letters. */
  CHECK(CompareStringW(LOCALE_USER_DEFAULT, 0, L"co-op", -1, L"coop", -1) == CSTR_GREATER_THAN);
  CHECK(CompareStringW(LOCALE_USER_DEFAULT, 0, L"co-op", -1, L"cop", -1) == CSTR_LESS_THAN);
  CHECK(CompareStringW(LOCALE_USER_DEFAULT, SORT_STRINGSORT, L"co-op", -1, L"coop", -1) == CSTR_LESS_THAN);
  CHECK(CompareStringOrdinal(L"b", -1, L"A", -1, FALSE) == CSTR_GREATER_THAN);
  CHECK(CompareStringOrdinal(L"\xE4", -1, L"\xC4", -1, TRUE) == CSTR_EQUAL);
  CHECK_ERROR(CompareStringW(LOCALE_USER_DEFAULT, 0x4000000, L"a", 1, L"a", 1), ERROR_INVALID_FLAGS);
  CHECK_ERROR(CompareStringW(LOCALE_USER_DEFAULT, 0, NULL, 1, L"a", 1), ERROR_INVALID_PARAMETER);
}

static int key_order(const WCHAR *a, const WCHAR *b)
{
  BYTE x[128], y[128];
  int m = LCMapStringW(LOCALE_USER_DEFAULT, LCMAP_SORTKEY, a, -1, (LPWSTR)x, sizeof x), i = 0;
  int n = LCMapStringW(LOCALE_USER_DEFAULT, LCMAP_SORTKEY, b, -1, (LPWSTR)y, sizeof y);
  CHECK(m > 0 && n > 0 && !x[m - 1] && !y[n - 1]);
  while (i < m - 1 && x[i] == y[i])
    i++;
  return x[i] < y[i] ? CSTR_LESS_THAN : x[i] > y[i] ? CSTR_GREATER_THAN : CSTR_EQUAL;
}

static void maps(void)
{
  static const WCHAR *const texts[] = {L"", L"9", L"a", L"A", L"\xE4", L"ab", L"b", L"co-op", L"coop", L"cop", L"z"};
  WCHAR wide[8];
  char bytes[8];
  CHECK(LCMapStringW(LOCALE_USER_DEFAULT, LCMAP_UPPERCASE, L"a\xE4\xFF\x3B1", -1, wide, 8) == 5);
  CHECK(same(wide, L"A\xC4\x178\x391"));
  CHECK(LCMapStringW(LOCALE_USER_DEFAULT, LCMAP_LOWERCASE, L"A\xC4\xD7", -1, wide, 8) == 4 && same(wide, L"a\xE4\xD7"));
  CHECK(LCMapStringA(LOCALE_USER_DEFAULT, LCMAP_UPPERCASE, "x\xE9", 2, bytes, 8) == 2 && bytes[1] == (char)0xC9);
  CHECK(LCMapStringW(LOCALE_USER_DEFAULT, LCMAP_UPPERCASE, L"abc", 3, NULL, 0) == 3);
  CHECK_ERROR(LCMapStringW(LOCALE_USER_DEFAULT, LCMAP_UPPERCASE, L"abc", 3, wide, 2), ERROR_INSUFFICIENT_BUFFER);
  CHECK_ERROR(LCMapStringW(LOCALE_USER_DEFAULT, LCMAP_UPPERCASE | LCMAP_LOWERCASE, L"abc", 3, wide, 8), ERROR_INVALID_FLAGS);
  for (ULONG i = 1; i < ARRAYSIZE(texts); i++)
    for (ULONG j = 1; j < ARRAYSIZE(texts); j++)
      CHECK(key_order(texts[i], texts[j]) == CompareStringW(LOCALE_USER_DEFAULT, 0, texts[i], -1, texts[j], -1));
}

static void locale(void)
{
  WCHAR wide[80];
  char bytes[80];
  DWORD number;
  CHECK(GetUserDefaultLCID() == 0x409 && GetThreadLocale() == 0x409 && GetUserDefaultUILanguage() == 0x409);
  CHECK(GetLocaleInfoA(LOCALE_USER_DEFAULT, LOCALE_SDECIMAL, bytes, 80) == 2 && bytes[0] == '.');
  CHECK(GetLocaleInfoW(0x409, LOCALE_SMONTHNAME1 + 11, wide, 80) == 9 && same(wide, L"December"));
  CHECK(GetLocaleInfoW(0x409, LOCALE_SABBREVDAYNAME7, wide, 80) == 4 && same(wide, L"Sun"));
  CHECK(GetLocaleInfoW(0x409, LOCALE_IDEFAULTANSICODEPAGE | LOCALE_RETURN_NUMBER, (LPWSTR)&number, 2) == 2 && number == 1252);
  CHECK(GetLocaleInfoW(0x409, LOCALE_ILANGUAGE | LOCALE_RETURN_NUMBER, (LPWSTR)&number, 2) == 2 && number == 0x409);
  CHECK(GetLocaleInfoW(0x409, LOCALE_SENGLANGUAGE, NULL, 0) == 8);
  CHECK(GetLocaleInfoEx(L"en-US", LOCALE_SNAME, wide, 80) == 6 && same(wide, L"en-US"));
  CHECK_ERROR(GetLocaleInfoW(0x409, LOCALE_SENGLANGUAGE, wide, 7), ERROR_INSUFFICIENT_BUFFER);
  CHECK_ERROR(GetLocaleInfoW(0x409, 0x7FFF, wide, 80), ERROR_INVALID_FLAGS);
  CHECK_ERROR(GetLocaleInfoW(0x407, LOCALE_SDECIMAL, wide, 80), ERROR_INVALID_PARAMETER);
  CHECK(LocaleNameToLCID(L"EN-us", 0) == 0x409 && LocaleNameToLCID(L"", 0) == LOCALE_INVARIANT);
  CHECK_ERROR(LocaleNameToLCID(L"xx-XX", 0), ERROR_INVALID_PARAMETER);
  CHECK(LCIDToLocaleName(0x409, wide, 80, 0) == 6 && same(wide, L"en-US"));
  CHECK(IsValidLocale(0x409, LCID_INSTALLED) && !IsValidLocale(0x407, LCID_INSTALLED));
}

static void dates(void)
{
  SYSTEMTIME time = {.wYear = 2024, .wMonth = 2, .wDay = 29, .wHour = 15, .wMinute = 4, .wSecond = 5};
  WCHAR wide[80];
  CHECK(GetDateFormatW(0x409, 0, &time, NULL, wide, 80) && same(wide, L"2/29/2024"));
  CHECK(GetDateFormatW(0x409, DATE_LONGDATE, &time, NULL, wide, 80) && same(wide, L"Thursday, February 29, 2024"));
  CHECK(GetDateFormatW(0x409, 0, &time, L"yyyy-MM-dd", NULL, 0) == 11);
  CHECK(GetTimeFormatW(0x409, 0, &time, NULL, wide, 80) && same(wide, L"3:04:05 PM"));
  CHECK(GetTimeFormatW(0x409, TIME_NOSECONDS, &time, NULL, wide, 80) && same(wide, L"3:04 PM"));
  CHECK(GetTimeFormatW(0x409, TIME_FORCE24HOURFORMAT | TIME_NOTIMEMARKER, &time, NULL, wide, 80) && same(wide, L"15:04:05"));
  CHECK(GetTimeFormatW(0x409, 0, &time, L"HH'h'mm", wide, 80) && same(wide, L"15h04"));
  CHECK_ERROR(GetDateFormatW(0x409, DATE_LONGDATE, &time, L"d", wide, 80), ERROR_INVALID_FLAGS);
  CHECK_ERROR(GetDateFormatW(0x409, 0, &time, NULL, wide, 3), ERROR_INSUFFICIENT_BUFFER);
  time.wYear = 2023;
  CHECK_ERROR(GetDateFormatW(0x409, 0, &time, NULL, wide, 80), ERROR_INVALID_PARAMETER);
  time.wHour = 24;
  CHECK_ERROR(GetTimeFormatW(0x409, 0, &time, NULL, wide, 80), ERROR_INVALID_PARAMETER);
}

void checks(void)
{
  from_bytes();
  to_bytes();
  kinds();
  order();
  maps();
  locale();
  dates();
}
