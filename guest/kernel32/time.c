/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clocks, and the conversions of time. */
#include "kernel32p.h"

/* KUSER_SHARED_DATA */
typedef struct {
  volatile ULONG Low;
  volatile LONG High1, High2;
} SHARED_TIME;
#define SHARED_INTERRUPT_TIME ((const SHARED_TIME *)(USER_SHARED_DATA + 0x08))
#define SHARED_SYSTEM_TIME ((const SHARED_TIME *)(USER_SHARED_DATA + 0x14))
#define SHARED_TIME_ZONE_BIAS ((const SHARED_TIME *)(USER_SHARED_DATA + 0x20))
#define SHARED_TICK_MULTIPLIER (*(const ULONG *)(USER_SHARED_DATA + 0x04))
#define SHARED_TICK_COUNT (*(const volatile ULONG64 *)(USER_SHARED_DATA + 0x320))

#define UNITS_PER_SECOND 10000000ll
#define UNITS_PER_DAY (86400 * UNITS_PER_SECOND)

/* The writer sets High2, Low, High1: equal halves are a whole value. */
static LONGLONG shared_time(const SHARED_TIME *time)
{
  for (;;) {
    LONG high = time->High1;
    ULONG low = time->Low;
    if (high == time->High2)
      return (LONGLONG)high << 32 | low;
  }
}

static void store_file_time(FILETIME *out, LONGLONG value)
{
  *out = (FILETIME){(DWORD)value, (DWORD)((ULONGLONG)value >> 32)};
}

static LONGLONG load_file_time(const FILETIME *in)
{
  return (LONGLONG)((ULONGLONG)in->dwHighDateTime << 32 | in->dwLowDateTime);
}

void WINAPI GetSystemTimeAsFileTime(FILETIME *out) { store_file_time(out, shared_time(SHARED_SYSTEM_TIME)); }

void WINAPI GetSystemTimePreciseAsFileTime(FILETIME *out)
{
  LARGE_INTEGER now;
  NtQuerySystemTime(&now);
  store_file_time(out, now.QuadPart);
}

DWORD WINAPI GetTickCount(void) { return (DWORD)(SHARED_TICK_COUNT * SHARED_TICK_MULTIPLIER >> 24); }
ULONGLONG WINAPI GetTickCount64(void) { return SHARED_TICK_COUNT * SHARED_TICK_MULTIPLIER >> 24; }

BOOL WINAPI QueryUnbiasedInterruptTime(ULONGLONG *time)
{
  if (!time)
    return base_fail(ERROR_INVALID_PARAMETER);
  *time = (ULONGLONG)shared_time(SHARED_INTERRUPT_TIME);
  return TRUE;
}

BOOL WINAPI QueryPerformanceCounter(LARGE_INTEGER *count)
{
  return BaseSetLastNTError(NtQueryPerformanceCounter(count, NULL));
}

BOOL WINAPI QueryPerformanceFrequency(LARGE_INTEGER *frequency)
{
  LARGE_INTEGER count;
  return BaseSetLastNTError(NtQueryPerformanceCounter(&count, frequency));
}

static BOOL is_leap(LONG year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static LONG days_of_month(LONG year, LONG month)
{
  static const BYTE days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1 January 1601 to 1 January of a year. */
static LONG days_before_year(LONG year)
{
  LONG n = year - 1601;
  return n * 365 + n / 4 - n / 100 + n / 400;
}

static void split_time(LONGLONG value, SYSTEMTIME *out)
{
  LONG days = (LONG)(value / UNITS_PER_DAY);
  LONG milliseconds = (LONG)(value % UNITS_PER_DAY / 10000);
  LONG year = 1601 + (LONG)((LONGLONG)days * 400 / 146097), month = 1;
  while (days_before_year(year) > days)
    year--;
  while (days_before_year(year + 1) <= days)
    year++;
  LONG day = days - days_before_year(year);
  while (day >= days_of_month(year, month))
    day -= days_of_month(year, month++);
  *out = (SYSTEMTIME){(WORD)year,
                      (WORD)month,
                      (WORD)((days + 1) % 7), /* 1 January 1601 was a Monday */
                      (WORD)(day + 1),
                      (WORD)(milliseconds / 3600000),
                      (WORD)(milliseconds / 60000 % 60),
                      (WORD)(milliseconds / 1000 % 60),
                      (WORD)(milliseconds % 1000)};
}

static BOOL join_time(const SYSTEMTIME *in, LONGLONG *value)
{
  if (in->wYear < 1601 || in->wYear > 30827 || in->wMonth < 1 || in->wMonth > 12 || in->wDay < 1 ||
      in->wDay > days_of_month(in->wYear, in->wMonth) || in->wHour > 23 || in->wMinute > 59 || in->wSecond > 59 ||
      in->wMilliseconds > 999)
    return base_fail(ERROR_INVALID_PARAMETER);
  LONGLONG days = days_before_year(in->wYear) + in->wDay - 1;
  for (LONG month = 1; month < in->wMonth; month++)
    days += days_of_month(in->wYear, month);
  LONGLONG milliseconds = ((in->wHour * 60ll + in->wMinute) * 60 + in->wSecond) * 1000 + in->wMilliseconds;
  *value = days * UNITS_PER_DAY + milliseconds * 10000;
  return TRUE;
}

BOOL WINAPI FileTimeToSystemTime(const FILETIME *in, SYSTEMTIME *out)
{
  LONGLONG value = load_file_time(in);
  if (value < 0)
    return base_fail(ERROR_INVALID_PARAMETER);
  split_time(value, out);
  return TRUE;
}

BOOL WINAPI SystemTimeToFileTime(const SYSTEMTIME *in, FILETIME *out)
{
  LONGLONG value;
  if (!join_time(in, &value))
    return FALSE;
  store_file_time(out, value);
  return TRUE;
}

void WINAPI GetSystemTime(SYSTEMTIME *out) { split_time(shared_time(SHARED_SYSTEM_TIME), out); }

void WINAPI GetLocalTime(SYSTEMTIME *out)
{
  split_time(shared_time(SHARED_SYSTEM_TIME) - shared_time(SHARED_TIME_ZONE_BIAS), out);
}

BOOL WINAPI SetSystemTime(const SYSTEMTIME *in)
{
  LARGE_INTEGER time;
  return join_time(in, &time.QuadPart) && BaseSetLastNTError(NtSetSystemTime(&time, NULL));
}

LONG WINAPI CompareFileTime(const FILETIME *first, const FILETIME *second)
{
  ULONGLONG a = (ULONGLONG)load_file_time(first), b = (ULONGLONG)load_file_time(second);
  return a < b ? -1 : a > b;
}

BOOL WINAPI FileTimeToLocalFileTime(const FILETIME *in, FILETIME *out)
{
  store_file_time(out, load_file_time(in) - shared_time(SHARED_TIME_ZONE_BIAS));
  return TRUE;
}

BOOL WINAPI LocalFileTimeToFileTime(const FILETIME *in, FILETIME *out)
{
  store_file_time(out, load_file_time(in) + shared_time(SHARED_TIME_ZONE_BIAS));
  return TRUE;
}

BOOL WINAPI FileTimeToDosDateTime(const FILETIME *in, WORD *date, WORD *time)
{
  SYSTEMTIME parts;
  if (!FileTimeToSystemTime(in, &parts))
    return FALSE;
  if (parts.wYear < 1980 || parts.wYear > 2107)
    return base_fail(ERROR_INVALID_PARAMETER);
  *date = (WORD)((parts.wYear - 1980) << 9 | parts.wMonth << 5 | parts.wDay);
  *time = (WORD)(parts.wHour << 11 | parts.wMinute << 5 | parts.wSecond / 2);
  return TRUE;
}

BOOL WINAPI DosDateTimeToFileTime(WORD date, WORD time, FILETIME *out)
{
  SYSTEMTIME parts = {.wYear = (WORD)(1980 + (date >> 9)), .wMonth = date >> 5 & 15, .wDay = date & 31,
                      .wHour = time >> 11, .wMinute = time >> 5 & 63, .wSecond = (WORD)((time & 31) * 2)};
  return SystemTimeToFileTime(&parts, out);
}

/* The machine's zone has one bias all year, and the names of UTC. */
static void time_zone(TIME_ZONE_INFORMATION *zone)
{
  static const WCHAR name[] = L"Coordinated Universal Time";
  memset(zone, 0, sizeof(*zone));
  zone->Bias = (LONG)(shared_time(SHARED_TIME_ZONE_BIAS) / (60 * UNITS_PER_SECOND));
  memcpy(zone->StandardName, name, sizeof(name));
  memcpy(zone->DaylightName, name, sizeof(name));
}

DWORD WINAPI GetTimeZoneInformation(TIME_ZONE_INFORMATION *zone)
{
  time_zone(zone);
  return TIME_ZONE_ID_UNKNOWN;
}

DWORD WINAPI GetDynamicTimeZoneInformation(DYNAMIC_TIME_ZONE_INFORMATION *zone)
{
  memset(zone, 0, sizeof(*zone));
  time_zone((TIME_ZONE_INFORMATION *)zone);
  memcpy(zone->TimeZoneKeyName, L"UTC", sizeof(L"UTC"));
  return TIME_ZONE_ID_UNKNOWN;
}

/* The moment of a year at which a transition rule says a period begins. */
static LONGLONG transition(const SYSTEMTIME *rule, LONG year)
{
  SYSTEMTIME first = *rule;
  LONGLONG value = 0;
  first.wDay = 1;
  if (rule->wYear)
    return join_time(rule, &value) ? value : 0;
  first.wYear = (WORD)year;
  if (!join_time(&first, &value))
    return 0;
  LONG weekday = (LONG)((value / UNITS_PER_DAY + 1) % 7);
  LONG day = (rule->wDayOfWeek - weekday + 7) % 7 + 7 * (rule->wDay - 1);
  while (day >= days_of_month(year, rule->wMonth))
    day -= 7;
  return value + day * UNITS_PER_DAY;
}

/* Minutes to add to a local time to get UTC. The rules are in local time of the period that ends. */
static LONGLONG zone_bias(const TIME_ZONE_INFORMATION *zone, LONGLONG value, BOOL is_utc)
{
  SYSTEMTIME parts;
  if (!zone->StandardDate.wMonth || !zone->DaylightDate.wMonth)
    return zone->Bias;
  LONGLONG to_standard = zone->Bias + zone->StandardBias, to_daylight = zone->Bias + zone->DaylightBias;
  LONGLONG minute = 60 * UNITS_PER_SECOND;
  split_time(is_utc ? value - to_standard * minute : value, &parts);
  LONGLONG daylight = transition(&zone->DaylightDate, parts.wYear);
  LONGLONG standard = transition(&zone->StandardDate, parts.wYear);
  if (is_utc)
    daylight += to_standard * minute, standard += to_daylight * minute;
  BOOL in_daylight = daylight < standard ? value >= daylight && value < standard
                                         : value >= daylight || value < standard;
  return in_daylight ? to_daylight : to_standard;
}

BOOL WINAPI SystemTimeToTzSpecificLocalTime(const TIME_ZONE_INFORMATION *zone, const SYSTEMTIME *in, SYSTEMTIME *out)
{
  TIME_ZONE_INFORMATION current;
  LONGLONG value;
  if (!zone) {
    time_zone(&current);
    zone = &current;
  }
  if (!join_time(in, &value))
    return FALSE;
  value -= zone_bias(zone, value, TRUE) * 60 * UNITS_PER_SECOND;
  if (value < 0)
    return base_fail(ERROR_INVALID_PARAMETER);
  split_time(value, out);
  return TRUE;
}

BOOL WINAPI TzSpecificLocalTimeToSystemTime(const TIME_ZONE_INFORMATION *zone, const SYSTEMTIME *in, SYSTEMTIME *out)
{
  TIME_ZONE_INFORMATION current;
  LONGLONG value;
  if (!zone) {
    time_zone(&current);
    zone = &current;
  }
  if (!join_time(in, &value))
    return FALSE;
  value += zone_bias(zone, value, FALSE) * 60 * UNITS_PER_SECOND;
  if (value < 0)
    return base_fail(ERROR_INVALID_PARAMETER);
  split_time(value, out);
  return TRUE;
}

BOOL WINAPI GetSystemTimes(FILETIME *idle, FILETIME *kernel, FILETIME *user)
{
  struct {
    LARGE_INTEGER Idle, Kernel, User, Dpc, Interrupt;
    ULONG Interrupts;
  } times;
  NTSTATUS status = NtQuerySystemInformation(8 /* SystemProcessorPerformanceInformation */, &times, sizeof(times), NULL);
  if (!BaseSetLastNTError(status))
    return FALSE;
  if (idle)
    store_file_time(idle, times.Idle.QuadPart);
  if (kernel)
    store_file_time(kernel, times.Kernel.QuadPart);
  if (user)
    store_file_time(user, times.User.QuadPart);
  return TRUE;
}
