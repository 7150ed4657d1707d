/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dates and times as text: the pictures of en-US and those that programs give. */
#include "kernel32p.h"

#define DATE_KINDS (DATE_SHORTDATE | DATE_LONGDATE | DATE_YEARMONTH | DATE_MONTHDAY)

struct text {
  LPWSTR to;
  int room, made;
};

static void put(struct text *t, WCHAR c)
{
  if (t->made < t->room)
    t->to[t->made] = c;
  t->made++;
}

static void put_number(struct text *t, ULONG value, ULONG digits)
{
  WCHAR reversed[10];
  ULONG count = 0;
  do
    reversed[count++] = (WCHAR)('0' + value % 10);
  while ((value /= 10));
  while (count < digits)
    reversed[count++] = '0';
  while (count)
    put(t, reversed[--count]);
}

static void put_info(struct text *t, LCTYPE type, int most)
{
  WCHAR name[80];
  GetLocaleInfoW(LOCALE_USER_DEFAULT, type, name, ARRAYSIZE(name));
  for (int i = 0; name[i] && i < most; i++)
    put(t, name[i]);
}

/* How often the character at the start of a picture stands there. */
static int run_of(LPCWSTR picture)
{
  int count = 0;
  while (picture[count] == picture[0])
    count++;
  return count;
}

/* Text between apostrophes, two of which are one; what comes behind it. */
static LPCWSTR quoted(struct text *t, LPCWSTR picture)
{
  for (picture++; *picture; picture++) {
    if (*picture == '\'' && *++picture != '\'')
      return picture;
    put(t, *picture);
  }
  return picture;
}

static int finish(struct text *t)
{
  put(t, 0);
  return t->room && t->made > t->room ? base_fail(ERROR_INSUFFICIENT_BUFFER) : t->made;
}

static const UCHAR month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

/* 0 Monday to 6 Sunday; -1 if there is no such date. */
static int weekday(const SYSTEMTIME *date)
{
  ULONG year = date->wYear, days;
  BOOL leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (year < 1601 || year > 30827 || !date->wMonth || date->wMonth > 12 || !date->wDay ||
      date->wDay > month_days[date->wMonth - 1] + (date->wMonth == 2 && leap))
    return -1;
  days = (year - 1) * 365 + (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 + date->wDay - 1u;
  for (int i = 1; i < date->wMonth; i++)
    days += month_days[i - 1] + (i == 2 && leap);
  return (int)(days % 7);
}

static void put_date(struct text *t, LPCWSTR picture, const SYSTEMTIME *date, int day)
{
  while (*picture) {
    int run = run_of(picture);
    switch (*picture) {
    case '\'':
      picture = quoted(t, picture);
      continue;
    case 'd':
      if (run > 2)
        put_info(t, (run > 3 ? LOCALE_SDAYNAME1 : LOCALE_SABBREVDAYNAME1) + (LCTYPE)day, 80);
      else
        put_number(t, date->wDay, (ULONG)run);
      break;
    case 'M':
      if (run > 2)
        put_info(t, (run > 3 ? LOCALE_SMONTHNAME1 : LOCALE_SABBREVMONTHNAME1) + date->wMonth - 1u, 80);
      else
        put_number(t, date->wMonth, (ULONG)run);
      break;
    case 'y':
      put_number(t, run > 2 ? date->wYear : date->wYear % 100u, run > 2 ? 4 : (ULONG)run);
      break;
    case 'g':
      put(t, 'A'), put(t, '.'), put(t, 'D'), put(t, '.');
      break;
    default:
      put(t, *picture);
      run = 1;
    }
    picture += run;
  }
}

static void put_time(struct text *t, LPCWSTR picture, const SYSTEMTIME *time, DWORD flags)
{
  ULONG hour = time->wHour;
  /* Where the last number or mark ended: what is left out takes the separator before it along. */
  int end = 0;
  while (*picture) {
    int run = run_of(picture);
    ULONG digits = run > 1 ? 2 : 1;
    switch (*picture) {
    case '\'':
      picture = quoted(t, picture);
      continue;
    case 'h':
      put_number(t, flags & TIME_FORCE24HOURFORMAT ? hour : hour % 12 ? hour % 12 : 12, digits);
      end = t->made;
      break;
    case 'H':
      put_number(t, hour, digits);
      end = t->made;
      break;
    case 'm':
    case 's': {
      ULONG drop = *picture == 'm' ? TIME_NOMINUTESORSECONDS : TIME_NOMINUTESORSECONDS | TIME_NOSECONDS;
      if (flags & drop)
        t->made = end;
      else
        put_number(t, *picture == 'm' ? time->wMinute : time->wSecond, digits);
      end = t->made;
      break;
    }
    case 't':
      if (flags & TIME_NOTIMEMARKER)
        t->made = end;
      else
        put_info(t, hour < 12 ? LOCALE_S1159 : LOCALE_S2359, run > 1 ? 80 : 1);
      end = t->made;
      break;
    default:
      put(t, *picture);
      run = 1;
    }
    picture += run;
  }
}

int WINAPI GetDateFormatW(LCID Locale, DWORD dwFlags, const SYSTEMTIME *lpDate, LPCWSTR lpFormat, LPWSTR lpDateStr, int cchDate)
{
  struct text t = {lpDateStr, cchDate, 0};
  WCHAR picture[80];
  SYSTEMTIME now;
  LCTYPE kind = dwFlags & DATE_LONGDATE    ? LOCALE_SLONGDATE
                : dwFlags & DATE_YEARMONTH ? LOCALE_SYEARMONTH
                : dwFlags & DATE_MONTHDAY  ? LOCALE_SMONTHDAY
                                           : LOCALE_SSHORTDATE;
  if (cchDate < 0 || (cchDate && !lpDateStr))
    return base_fail(ERROR_INVALID_PARAMETER);
  if ((lpFormat && (dwFlags & DATE_KINDS)) || ((dwFlags & DATE_KINDS) & ((dwFlags & DATE_KINDS) - 1)))
    return base_fail(ERROR_INVALID_FLAGS);
  if (!lpDate) {
    GetLocalTime(&now);
    lpDate = &now;
  }
  if (weekday(lpDate) < 0)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (!lpFormat) {
    if (!GetLocaleInfoW(Locale, kind, picture, ARRAYSIZE(picture)))
      return 0;
    lpFormat = picture;
  }
  put_date(&t, lpFormat, lpDate, weekday(lpDate));
  return finish(&t);
}

int WINAPI GetTimeFormatW(LCID Locale, DWORD dwFlags, const SYSTEMTIME *lpTime, LPCWSTR lpFormat, LPWSTR lpTimeStr, int cchTime)
{
  struct text t = {lpTimeStr, cchTime, 0};
  WCHAR picture[80];
  SYSTEMTIME now;
  if (cchTime < 0 || (cchTime && !lpTimeStr))
    return base_fail(ERROR_INVALID_PARAMETER);
  if (!lpTime) {
    GetLocalTime(&now);
    lpTime = &now;
  }
  if (lpTime->wHour > 23 || lpTime->wMinute > 59 || lpTime->wSecond > 59 || lpTime->wMilliseconds > 999)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (!lpFormat) {
    if (!GetLocaleInfoW(Locale, LOCALE_STIMEFORMAT, picture, ARRAYSIZE(picture)))
      return 0;
    lpFormat = picture;
  }
  put_time(&t, lpFormat, lpTime, dwFlags);
  return finish(&t);
}

int WINAPI GetDateFormatEx(LPCWSTR lpLocaleName, DWORD dwFlags, const SYSTEMTIME *lpDate, LPCWSTR lpFormat, LPWSTR lpDateStr,
                           int cchDate, LPCWSTR lpCalendar)
{
  LCID id = LocaleNameToLCID(lpLocaleName, 0);
  if (lpCalendar)
    return base_fail(ERROR_INVALID_PARAMETER);
  return id ? GetDateFormatW(id, dwFlags, lpDate, lpFormat, lpDateStr, cchDate) : 0;
}

int WINAPI GetTimeFormatEx(LPCWSTR lpLocaleName, DWORD dwFlags, const SYSTEMTIME *lpTime, LPCWSTR lpFormat, LPWSTR lpTimeStr,
                           int cchTime)
{
  LCID id = LocaleNameToLCID(lpLocaleName, 0);
  return id ? GetTimeFormatW(id, dwFlags, lpTime, lpFormat, lpTimeStr, cchTime) : 0;
}

/* A picture in UTF-16; a longer one is cut. */
static LPCWSTR widen(LPCSTR format, LPWSTR to, int room)
{
  if (!format)
    return NULL;
  if (!MultiByteToWideChar(CP_ACP, 0, format, -1, to, room))
    to[room - 1] = 0;
  return to;
}

int WINAPI GetDateFormatA(LCID Locale, DWORD dwFlags, const SYSTEMTIME *lpDate, LPCSTR lpFormat, LPSTR lpDateStr, int cchDate)
{
  WCHAR format[128], text[256];
  int length = GetDateFormatW(Locale, dwFlags, lpDate, widen(lpFormat, format, 128), text, 256);
  return length ? WideCharToMultiByte(CP_ACP, 0, text, length, lpDateStr, cchDate, NULL, NULL) : 0;
}

int WINAPI GetTimeFormatA(LCID Locale, DWORD dwFlags, const SYSTEMTIME *lpTime, LPCSTR lpFormat, LPSTR lpTimeStr, int cchTime)
{
  WCHAR format[128], text[256];
  int length = GetTimeFormatW(Locale, dwFlags, lpTime, widen(lpFormat, format, 128), text, 256);
  return length ? WideCharToMultiByte(CP_ACP, 0, text, length, lpTimeStr, cchTime, NULL, NULL) : 0;
}
