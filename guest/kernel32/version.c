/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system's version, as the program may know it: one that does not name newer systems in its manifest is told
 * Windows 8. */
#include "kernel32p.h"

typedef struct {
  DWORD Major, Minor, Build;
} VERSION;

static BOOL contains(const char *text, DWORD size, const char *wanted)
{
  DWORD length = 0;
  while (wanted[length])
    length++;
  for (DWORD at = 0; at + length <= size; at++) {
    DWORD i = 0;
    for (; i < length; i++) {
      char c = text[at + i];
      if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != wanted[i])
        break;
    }
    if (i == length)
      return TRUE;
  }
  return FALSE;
}

/* 10, 8 (.1) or 0: what the program's manifest (resource 1 of type 24) supports. */
static DWORD manifest_level(void)
{
  HRSRC found = FindResourceW(NULL, MAKEINTRESOURCEW(1), MAKEINTRESOURCEW(24));
  const char *text = found ? LoadResource(NULL, found) : NULL;
  DWORD size = text ? SizeofResource(NULL, found) : 0;
  if (contains(text, size, "{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}"))
    return 10;
  return contains(text, size, "{1f676c76-80e1-4239-95bb-83d0f6d0da78}") ? 8 : 0;
}

static VERSION version(void)
{
  PPEB peb = NtCurrentPeb();
  DWORD error = NtCurrentTeb()->LastErrorValue;
  VERSION real = {peb->OSMajorVersion, peb->OSMinorVersion, peb->OSBuildNumber};
  if (real.Major >= 10) {
    DWORD level = manifest_level();
    base_fail(error);
    if (level != 10)
      return level == 8 ? (VERSION){6, 3, 9600} : (VERSION){6, 2, 9200};
  }
  return real;
}

DWORD WINAPI GetVersion(void)
{
  VERSION v = version();
  return v.Major | v.Minor << 8 | v.Build << 16;
}

BOOL WINAPI GetVersionExW(LPOSVERSIONINFOW info)
{
  DWORD size = info->dwOSVersionInfoSize;
  if (size != sizeof(OSVERSIONINFOW) && size != sizeof(OSVERSIONINFOEXW))
    return base_fail(ERROR_INSUFFICIENT_BUFFER);
  VERSION v = version();
  memset(info, 0, size);
  *info = (OSVERSIONINFOW){.dwOSVersionInfoSize = size, .dwMajorVersion = v.Major, .dwMinorVersion = v.Minor,
                           .dwBuildNumber = v.Build, .dwPlatformId = VER_PLATFORM_WIN32_NT};
  if (size == sizeof(OSVERSIONINFOEXW)) {
    ((OSVERSIONINFOEXW *)info)->wProductType = VER_NT_WORKSTATION;
    ((OSVERSIONINFOEXW *)info)->wSuiteMask = VER_SUITE_SINGLEUSERTS;
  }
  return TRUE;
}

BOOL WINAPI GetVersionExA(LPOSVERSIONINFOA info)
{
  OSVERSIONINFOEXW wide = {.dwOSVersionInfoSize = sizeof(wide)};
  DWORD size = info->dwOSVersionInfoSize;
  if (size != sizeof(OSVERSIONINFOA) && size != sizeof(OSVERSIONINFOEXA))
    return base_fail(ERROR_INSUFFICIENT_BUFFER);
  GetVersionExW((OSVERSIONINFOW *)&wide);
  memset(info, 0, size);
  *info = (OSVERSIONINFOA){.dwOSVersionInfoSize = size, .dwMajorVersion = wide.dwMajorVersion,
                           .dwMinorVersion = wide.dwMinorVersion, .dwBuildNumber = wide.dwBuildNumber,
                           .dwPlatformId = wide.dwPlatformId};
  if (size == sizeof(OSVERSIONINFOEXA)) {
    ((OSVERSIONINFOEXA *)info)->wProductType = (BYTE)wide.wProductType;
    ((OSVERSIONINFOEXA *)info)->wSuiteMask = wide.wSuiteMask;
  }
  return TRUE;
}

static BOOL compare(ULONGLONG actual, ULONGLONG wanted, ULONG condition)
{
  switch (condition) {
  case VER_EQUAL:
    return actual == wanted;
  case VER_GREATER:
    return actual > wanted;
  case VER_GREATER_EQUAL:
    return actual >= wanted;
  case VER_LESS:
    return actual < wanted;
  case VER_LESS_EQUAL:
    return actual <= wanted;
  default:
    return FALSE;
  }
}

static BOOL suite_fits(WORD actual, WORD wanted, ULONG condition)
{
  return condition == VER_OR ? !wanted || (actual & wanted) : (actual & wanted) == wanted;
}

BOOL WINAPI VerifyVersionInfoW(LPOSVERSIONINFOEXW wanted, DWORD type, DWORDLONG mask)
{
  OSVERSIONINFOEXW actual = {.dwOSVersionInfoSize = sizeof(actual)};
  const DWORD release = VER_MAJORVERSION | VER_MINORVERSION | VER_SERVICEPACKMAJOR | VER_SERVICEPACKMINOR;
  if (!type || !mask)
    return base_fail(ERROR_BAD_ARGUMENTS);
  GetVersionExW((OSVERSIONINFOW *)&actual);
#define CONDITION(index) ((ULONG)(mask >> ((index) * 3)) & 7)
  BOOL fits = TRUE;
  if (type & VER_SUITENAME)
    fits &= suite_fits(actual.wSuiteMask, wanted->wSuiteMask, CONDITION(6));
  if (type & VER_PRODUCT_TYPE)
    fits &= compare(actual.wProductType, wanted->wProductType, CONDITION(7));
  if (type & VER_BUILDNUMBER)
    fits &= compare(actual.dwBuildNumber, wanted->dwBuildNumber, CONDITION(2));
  if (type & VER_PLATFORMID)
    fits &= compare(actual.dwPlatformId, wanted->dwPlatformId, CONDITION(3));
  if (type & release) {
    /* Versions are compared as one number, under the condition of its first part. */
    ULONGLONG have = 0, want = 0;
    ULONG condition = 0;
    const struct {
      DWORD Type, Have, Want;
      ULONG Index;
    } parts[4] = {{VER_MAJORVERSION, actual.dwMajorVersion, wanted->dwMajorVersion, 1},
                  {VER_MINORVERSION, actual.dwMinorVersion, wanted->dwMinorVersion, 0},
                  {VER_SERVICEPACKMAJOR, actual.wServicePackMajor, wanted->wServicePackMajor, 5},
                  {VER_SERVICEPACKMINOR, actual.wServicePackMinor, wanted->wServicePackMinor, 4}};
    for (ULONG i = 0; i < 4; i++) {
      if (!(type & parts[i].Type))
        continue;
      have = have << 16 | (USHORT)parts[i].Have;
      want = want << 16 | (USHORT)parts[i].Want;
      if (!condition)
        condition = CONDITION(parts[i].Index);
    }
    fits &= compare(have, want, condition);
  }
#undef CONDITION
  return fits ? TRUE : base_fail(ERROR_OLD_WIN_VERSION);
}

BOOL WINAPI VerifyVersionInfoA(LPOSVERSIONINFOEXA wanted, DWORD type, DWORDLONG mask)
{
  OSVERSIONINFOEXW wide = {.dwOSVersionInfoSize = sizeof(wide),
                           .dwMajorVersion = wanted->dwMajorVersion,
                           .dwMinorVersion = wanted->dwMinorVersion,
                           .dwBuildNumber = wanted->dwBuildNumber,
                           .dwPlatformId = wanted->dwPlatformId,
                           .wServicePackMajor = wanted->wServicePackMajor,
                           .wServicePackMinor = wanted->wServicePackMinor,
                           .wSuiteMask = wanted->wSuiteMask,
                           .wProductType = wanted->wProductType};
  return VerifyVersionInfoW(&wide, type, mask);
}
