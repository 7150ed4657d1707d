/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system's version. */
#include "ntdllp.h"

/* Three bits a field of the mask, in the order of the VER_* bits of the fields. */
static const DWORD fields[8] = {VER_MINORVERSION,     VER_MAJORVERSION,     VER_BUILDNUMBER, VER_PLATFORMID,
                                VER_SERVICEPACKMINOR, VER_SERVICEPACKMAJOR, VER_SUITENAME,   VER_PRODUCT_TYPE};

ULONGLONG NTAPI VerSetConditionMask(ULONGLONG mask, DWORD type, BYTE condition)
{
  condition &= 7;
  mask |= 0x8000000000000000ull;
  if (condition)
    for (ULONG i = 0; i < 8; i++)
      if (type & fields[i])
        mask = (mask & ~(7ull << (i * 3))) | (ULONGLONG)condition << (i * 3);
  return mask;
}

NTSTATUS NTAPI RtlGetVersion(RTL_OSVERSIONINFOW *VersionInformation)
{
  PPEB peb = NtCurrentPeb();
  VersionInformation->dwMajorVersion = peb->OSMajorVersion;
  VersionInformation->dwMinorVersion = peb->OSMinorVersion;
  VersionInformation->dwBuildNumber = peb->OSBuildNumber;
  VersionInformation->dwPlatformId = peb->OSPlatformId;
  VersionInformation->szCSDVersion[0] = 0;
  if (VersionInformation->dwOSVersionInfoSize == sizeof(RTL_OSVERSIONINFOEXW)) {
    RTL_OSVERSIONINFOEXW *more = (RTL_OSVERSIONINFOEXW *)VersionInformation;
    more->wServicePackMajor = more->wServicePackMinor = 0;
    more->wSuiteMask = VER_SUITE_SINGLEUSERTS;
    more->wProductType = VER_NT_WORKSTATION;
  }
  return STATUS_SUCCESS;
}
