/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small things: strings of the lstr family, multiplication, atoms. */
#include "kernel32p.h"

int WINAPI MulDiv(int number, int numerator, int denominator)
{
  if (!denominator)
    return -1;
  LONGLONG product = (LONGLONG)number * numerator, divisor = denominator;
  BOOL negative = (product < 0) != (divisor < 0);
  product = product < 0 ? -product : product;
  divisor = divisor < 0 ? -divisor : divisor;
  LONGLONG result = (product + divisor / 2) / divisor;
  if (result > 0x7FFFFFFF)
    return -1;
  return (int)(negative ? -result : result);
}

/* Bad pointers make these functions fail, not the program; only calls are covered by __try. */
static __attribute__((noinline)) int length_wide(const volatile WCHAR *text)
{
  int length = 0;
  while (text[length])
    length++;
  return length;
}

static __attribute__((noinline)) int length_narrow(const volatile char *text)
{
  int length = 0;
  while (text[length])
    length++;
  return length;
}

int WINAPI lstrlenW(LPCWSTR text)
{
  int length = 0;
  if (!text)
    return 0;
  __try {
    length = length_wide(text);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    length = 0;
  }
  return length;
}

int WINAPI lstrlenA(LPCSTR text)
{
  int length = 0;
  if (!text)
    return 0;
  __try {
    length = length_narrow(text);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    length = 0;
  }
  return length;
}

/* Copies up to `room` characters, the last of them a terminator. */
static __attribute__((noinline)) void copy_wide(volatile WCHAR *to, const volatile WCHAR *from, int room)
{
  for (; room > 1 && *from; room--)
    *to++ = *from++;
  if (room > 0)
    *to = 0;
}

static __attribute__((noinline)) void copy_narrow(volatile char *to, const volatile char *from, int room)
{
  for (; room > 1 && *from; room--)
    *to++ = *from++;
  if (room > 0)
    *to = 0;
}

LPWSTR WINAPI lstrcpynW(LPWSTR to, LPCWSTR from, int room)
{
  LPWSTR result = to;
  __try {
    copy_wide(to, from, room);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    base_fail(ERROR_INVALID_PARAMETER);
    result = NULL;
  }
  return result;
}

LPSTR WINAPI lstrcpynA(LPSTR to, LPCSTR from, int room)
{
  LPSTR result = to;
  __try {
    copy_narrow(to, from, room);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    base_fail(ERROR_INVALID_PARAMETER);
    result = NULL;
  }
  return result;
}

LPWSTR WINAPI lstrcpyW(LPWSTR to, LPCWSTR from) { return lstrcpynW(to, from, 0x7FFFFFFF); }
LPSTR WINAPI lstrcpyA(LPSTR to, LPCSTR from) { return lstrcpynA(to, from, 0x7FFFFFFF); }
LPWSTR WINAPI lstrcatW(LPWSTR to, LPCWSTR from) { return lstrcpyW(to + lstrlenW(to), from) ? to : NULL; }
LPSTR WINAPI lstrcatA(LPSTR to, LPCSTR from) { return lstrcpyA(to + lstrlenA(to), from) ? to : NULL; }

/* The order of words in the user's language. NULL is less than any text. */
static int compare_wide(LPCWSTR a, LPCWSTR b, DWORD flags)
{
  if (!a || !b)
    return a ? 1 : b ? -1 : 0;
  return CompareStringW(LOCALE_USER_DEFAULT, flags, a, -1, b, -1) - CSTR_EQUAL;
}

static int compare_narrow(LPCSTR a, LPCSTR b, DWORD flags)
{
  if (!a || !b)
    return a ? 1 : b ? -1 : 0;
  return CompareStringA(LOCALE_USER_DEFAULT, flags, a, -1, b, -1) - CSTR_EQUAL;
}

int WINAPI lstrcmpW(LPCWSTR a, LPCWSTR b) { return compare_wide(a, b, 0); }
int WINAPI lstrcmpA(LPCSTR a, LPCSTR b) { return compare_narrow(a, b, 0); }
int WINAPI lstrcmpiW(LPCWSTR a, LPCWSTR b) { return compare_wide(a, b, NORM_IGNORECASE); }
int WINAPI lstrcmpiA(LPCSTR a, LPCSTR b) { return compare_narrow(a, b, NORM_IGNORECASE); }

DWORD WINAPI GetCurrentProcessorNumber(void) { return (DWORD)NtGetCurrentProcessorNumber(); }

BOOL WINAPI Beep(DWORD frequency, DWORD milliseconds)
{
  LARGE_INTEGER time;
  if (frequency && (frequency < 37 || frequency > 32767))
    return base_fail(ERROR_INVALID_PARAMETER);
  if (frequency)
    NtDelayExecution(FALSE, BaseFormatTimeOut(&time, milliseconds));
  return TRUE;
}

/* ---- atoms: one table of the machine ---- */

typedef NTSTATUS(NTAPI *ATOM_ROUTINE)(const WCHAR *, ULONG, USHORT *);

static ATOM with_name(ATOM_ROUTINE routine, LPCWSTR name)
{
  USHORT atom;
  /* The number of an integer atom is the atom. */
  if ((ULONG_PTR)name < 0x10000) {
    if ((ULONG_PTR)name && (ULONG_PTR)name < MAXINTATOM)
      return (ATOM)(ULONG_PTR)name;
    base_fail(ERROR_INVALID_PARAMETER);
    return 0;
  }
  return BaseSetLastNTError(routine(name, base_length(name) * sizeof(WCHAR), &atom)) ? atom : 0;
}

static ATOM with_name_ansi(ATOM_ROUTINE routine, LPCSTR name)
{
  PCWSTR wide = (LPCWSTR)name;
  if ((ULONG_PTR)name >= 0x10000 && !base_wide_static(name, &wide))
    return 0;
  return with_name(routine, wide);
}

ATOM WINAPI GlobalAddAtomW(LPCWSTR name) { return with_name(NtAddAtom, name); }
ATOM WINAPI GlobalAddAtomA(LPCSTR name) { return with_name_ansi(NtAddAtom, name); }
ATOM WINAPI GlobalFindAtomW(LPCWSTR name) { return with_name(NtFindAtom, name); }
ATOM WINAPI GlobalFindAtomA(LPCSTR name) { return with_name_ansi(NtFindAtom, name); }

ATOM WINAPI GlobalDeleteAtom(ATOM atom)
{
  return atom < MAXINTATOM || BaseSetLastNTError(NtDeleteAtom(atom)) ? 0 : atom;
}

UINT WINAPI GlobalGetAtomNameW(ATOM atom, LPWSTR buffer, int size)
{
  struct {
    USHORT UsageCount, Flags, NameLength;
    WCHAR Name[256];
  } basic;
  NTSTATUS status = NtQueryInformationAtom(atom, 0 /* AtomBasicInformation */, &basic, sizeof(basic), NULL);
  if (size <= 0 || !buffer) {
    base_fail(ERROR_MORE_DATA);
    return 0;
  }
  if (!BaseSetLastNTError(status))
    return 0;
  DWORD length = basic.NameLength / sizeof(WCHAR);
  if (length >= (DWORD)size)
    length = (DWORD)size - 1;
  return base_wide_fill(basic.Name, length, buffer, (DWORD)size);
}

UINT WINAPI GlobalGetAtomNameA(ATOM atom, LPSTR buffer, int size)
{
  WCHAR name[256];
  DWORD length = GlobalGetAtomNameW(atom, name, buffer && size > 0 ? 256 : 0);
  if (length >= (DWORD)size && length)
    length = (DWORD)size - 1;
  return length ? base_narrow_fill(name, length, buffer, (DWORD)size) : 0;
}

/* There is no limit to set. */
UINT WINAPI SetHandleCount(UINT count) { return count; }
