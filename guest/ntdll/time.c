/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time: 100 ns since 1 January 1601, its fields, seconds of other epochs, and the clocks. */
#include "ntdllp.h"

#define UNITS_PER_SECOND 10000000ll
#define SECONDS_PER_DAY 86400ll
#define SECONDS_TO_1970 11644473600ll
#define SECONDS_TO_1980 11960006400ll

static BOOLEAN to_seconds(const LARGE_INTEGER *time, LONGLONG epoch, ULONG *seconds)
{
  LONGLONG value = time->QuadPart / UNITS_PER_SECOND - epoch;
  if (time->QuadPart < epoch * UNITS_PER_SECOND || value > 0xFFFFFFFFll)
    return FALSE;
  *seconds = (ULONG)value;
  return TRUE;
}

BOOLEAN NTAPI RtlTimeToSecondsSince1970(const LARGE_INTEGER *Time, ULONG *ElapsedSeconds)
{
  return to_seconds(Time, SECONDS_TO_1970, ElapsedSeconds);
}

BOOLEAN NTAPI RtlTimeToSecondsSince1980(const LARGE_INTEGER *Time, ULONG *ElapsedSeconds)
{
  return to_seconds(Time, SECONDS_TO_1980, ElapsedSeconds);
}

void NTAPI RtlSecondsSince1970ToTime(ULONG ElapsedSeconds, LARGE_INTEGER *Time)
{
  Time->QuadPart = (ElapsedSeconds + SECONDS_TO_1970) * UNITS_PER_SECOND;
}

void NTAPI RtlSecondsSince1980ToTime(ULONG ElapsedSeconds, LARGE_INTEGER *Time)
{
  Time->QuadPart = (ElapsedSeconds + SECONDS_TO_1980) * UNITS_PER_SECOND;
}

static BOOLEAN is_leap(LONG year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static LONG days_of_month(LONG year, LONG month)
{
  static const UCHAR days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1 January 1601 to 1 January of a year. */
static LONG days_before(LONG year)
{
  LONG n = year - 1601;
  return n * 365 + n / 4 - n / 100 + n / 400;
}

void NTAPI RtlTimeToTimeFields(const LARGE_INTEGER *Time, TIME_FIELDS *TimeFields)
{
  LONGLONG seconds = Time->QuadPart / UNITS_PER_SECOND;
  LONG days = (LONG)(seconds / SECONDS_PER_DAY), rest = (LONG)(seconds % SECONDS_PER_DAY);
  LONG year = 1601 + (LONG)((LONGLONG)days * 400 / 146097), month = 1;
  TimeFields->Weekday = (SHORT)((days + 1) % 7); /* 1 January 1601 was a Monday */
  while (days_before(year) > days)
    year--;
  while (days_before(year + 1) <= days)
    year++;
  days -= days_before(year);
  while (days >= days_of_month(year, month))
    days -= days_of_month(year, month++);
  TimeFields->Year = (SHORT)year;
  TimeFields->Month = (SHORT)month;
  TimeFields->Day = (SHORT)(days + 1);
  TimeFields->Hour = (SHORT)(rest / 3600);
  TimeFields->Minute = (SHORT)(rest / 60 % 60);
  TimeFields->Second = (SHORT)(rest % 60);
  TimeFields->Milliseconds = (SHORT)(Time->QuadPart % UNITS_PER_SECOND / 10000);
}

BOOLEAN NTAPI RtlTimeFieldsToTime(const TIME_FIELDS *TimeFields, LARGE_INTEGER *Time)
{
  const TIME_FIELDS *t = TimeFields;
  if (t->Year < 1601 || t->Month < 1 || t->Month > 12 || t->Day < 1 || t->Day > days_of_month(t->Year, t->Month) ||
      t->Hour < 0 || t->Hour > 23 || t->Minute < 0 || t->Minute > 59 || t->Second < 0 || t->Second > 59 ||
      t->Milliseconds < 0 || t->Milliseconds > 999)
    return FALSE;
  LONG days = days_before(t->Year) + t->Day - 1;
  for (LONG month = 1; month < t->Month; month++)
    days += days_of_month(t->Year, month);
  LONGLONG seconds = days * SECONDS_PER_DAY + t->Hour * 3600 + t->Minute * 60 + t->Second;
  Time->QuadPart = seconds * UNITS_PER_SECOND + t->Milliseconds * 10000ll;
  return TRUE;
}

/* KUSER_SHARED_DATA.TimeZoneBias */
static LONGLONG time_zone_bias(void)
{
  const volatile LONG *bias = (const volatile LONG *)(USER_SHARED_DATA + 0x20);
  return (LONGLONG)bias[1] << 32 | (ULONG)bias[0];
}

NTSTATUS NTAPI RtlSystemTimeToLocalTime(const LARGE_INTEGER *SystemTime, LARGE_INTEGER *LocalTime)
{
  LocalTime->QuadPart = SystemTime->QuadPart - time_zone_bias();
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlLocalTimeToSystemTime(const LARGE_INTEGER *LocalTime, LARGE_INTEGER *SystemTime)
{
  SystemTime->QuadPart = LocalTime->QuadPart + time_zone_bias();
  return STATUS_SUCCESS;
}

BOOLEAN NTAPI RtlQueryPerformanceCounter(LARGE_INTEGER *PerformanceCount)
{
  return NT_SUCCESS(NtQueryPerformanceCounter(PerformanceCount, NULL));
}

BOOLEAN NTAPI RtlQueryPerformanceFrequency(LARGE_INTEGER *Frequency)
{
  LARGE_INTEGER count;
  return NT_SUCCESS(NtQueryPerformanceCounter(&count, Frequency));
}

LONGLONG NTAPI RtlGetSystemTimePrecise(void)
{
  LARGE_INTEGER now = {0};
  NtQuerySystemTime(&now);
  return now.QuadPart;
}

LONGLONG NTAPI RtlGetInterruptTimePrecise(LARGE_INTEGER *PerformanceCounter)
{
  RtlQueryPerformanceCounter(PerformanceCounter);
  const volatile LONG *time = (const volatile LONG *)(USER_SHARED_DATA + 0x08);
  return (LONGLONG)time[1] << 32 | (ULONG)time[0];
}

ULONG NTAPI NtGetTickCount(void)
{
  return (ULONG)(*(const volatile ULONG64 *)(USER_SHARED_DATA + 0x320) * *(const ULONG *)(USER_SHARED_DATA + 0x04) >>
                 24);
}
