/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clocks, and conversions between the forms of time. */
#include "check.h"

#define TIME(value) ((FILETIME){(DWORD)(value), (DWORD)((value) >> 32)})

static BOOL is(const SYSTEMTIME *t, WORD year, WORD month, WORD weekday, WORD day, WORD hour, WORD minute)
{
  return t->wYear == year && t->wMonth == month && t->wDayOfWeek == weekday && t->wDay == day && t->wHour == hour &&
         t->wMinute == minute;
}

static void conversions(void)
{
  SYSTEMTIME parts;
  FILETIME time = TIME(0ull), back;
  CHECK(FileTimeToSystemTime(&time, &parts) && is(&parts, 1601, 1, 1, 1, 0, 0));
  time = TIME(116444736000000000ull);
  CHECK(FileTimeToSystemTime(&time, &parts) && is(&parts, 1970, 1, 4, 1, 0, 0));
  time = TIME(116444736000000000ull + 951827696ull * 10000000 + 1230000); /* 29 February 2000 12:34:56.123 */
  CHECK(FileTimeToSystemTime(&time, &parts) && is(&parts, 2000, 2, 2, 29, 12, 34));
  CHECK(parts.wSecond == 56 && parts.wMilliseconds == 123);
  CHECK(SystemTimeToFileTime(&parts, &back) && CompareFileTime(&time, &back) == 0);
  time = TIME(116444736000000000ull + 1735689599ull * 10000000); /* the last second of 2024 */
  CHECK(FileTimeToSystemTime(&time, &parts) && is(&parts, 2024, 12, 2, 31, 23, 59) && parts.wSecond == 59);
  CHECK(CompareFileTime(&back, &time) == -1 && CompareFileTime(&time, &back) == 1);
  time = TIME(0x8000000000000000ull);
  CHECK_ERROR(FileTimeToSystemTime(&time, &parts), ERROR_INVALID_PARAMETER);
  parts = (SYSTEMTIME){.wYear = 2023, .wMonth = 2, .wDay = 29};
  CHECK_ERROR(SystemTimeToFileTime(&parts, &back), ERROR_INVALID_PARAMETER);
  WORD date = 0, clock = 0;
  time = TIME(116444736000000000ull + 951827696ull * 10000000);
  CHECK(FileTimeToDosDateTime(&time, &date, &clock) && date == (20 << 9 | 2 << 5 | 29) &&
        clock == (12 << 11 | 34 << 5 | 28));
  CHECK(DosDateTimeToFileTime(date, clock, &back) && CompareFileTime(&time, &back) == 0);
}

static void zones(void)
{
  /* Central Europe: one hour ahead, two from the last Sunday of March to that of October. */
  TIME_ZONE_INFORMATION zone = {.Bias = -60,
                                .DaylightBias = -60,
                                .DaylightDate = {.wMonth = 3, .wDay = 5, .wHour = 2},
                                .StandardDate = {.wMonth = 10, .wDay = 5, .wHour = 3}};
  SYSTEMTIME utc = {.wYear = 2024, .wMonth = 3, .wDay = 31, .wHour = 0, .wMinute = 59}, local, back;
  CHECK(SystemTimeToTzSpecificLocalTime(&zone, &utc, &local) && is(&local, 2024, 3, 0, 31, 1, 59));
  utc.wHour = 1, utc.wMinute = 0;
  CHECK(SystemTimeToTzSpecificLocalTime(&zone, &utc, &local) && is(&local, 2024, 3, 0, 31, 3, 0));
  CHECK(TzSpecificLocalTimeToSystemTime(&zone, &local, &back) && is(&back, 2024, 3, 0, 31, 1, 0));
  utc = (SYSTEMTIME){.wYear = 2024, .wMonth = 12, .wDay = 31, .wHour = 23, .wMinute = 30};
  CHECK(SystemTimeToTzSpecificLocalTime(&zone, &utc, &local) && is(&local, 2025, 1, 3, 1, 0, 30));
  CHECK(SystemTimeToTzSpecificLocalTime(NULL, &utc, &local) && is(&local, 2024, 12, 2, 31, 23, 30));
  CHECK(GetTimeZoneInformation(&zone) == TIME_ZONE_ID_UNKNOWN && zone.Bias == 0);
}

static void clocks(void)
{
  FILETIME before, after, precise, converted;
  SYSTEMTIME parts;
  LARGE_INTEGER first, second, frequency, due = {.QuadPart = -500000};
  ULONGLONG ticks = GetTickCount64();
  HANDLE timer = CreateWaitableTimerW(NULL, TRUE, NULL);
  GetSystemTimeAsFileTime(&before);
  CHECK(QueryPerformanceCounter(&first) && QueryPerformanceFrequency(&frequency) && frequency.QuadPart > 0);
  SetWaitableTimer(timer, &due, 0, NULL, NULL, FALSE);
  WaitForSingleObject(timer, INFINITE);
  GetSystemTimeAsFileTime(&after);
  GetSystemTimePreciseAsFileTime(&precise);
  QueryPerformanceCounter(&second);
  CHECK(CompareFileTime(&before, &after) < 0 && CompareFileTime(&after, &precise) <= 0);
  CHECK((second.QuadPart - first.QuadPart) * 1000 / frequency.QuadPart >= 49);
  CHECK(GetTickCount64() - ticks >= 40 && GetTickCount64() - ticks < 10000);
  CHECK(GetTickCount() == (DWORD)GetTickCount64());
  GetSystemTime(&parts);
  CHECK(SystemTimeToFileTime(&parts, &converted) && CompareFileTime(&converted, &before) > 0);
  GetLocalTime(&parts);
  CHECK(SystemTimeToFileTime(&parts, &converted) && CompareFileTime(&converted, &before) > 0);
}

void checks(void)
{
  conversions();
  zones();
  clocks();
}
