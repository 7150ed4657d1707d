/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks of user mode: what is not ntdll's alone. */
#include "kernel32p.h"

BOOL WINAPI InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION section, DWORD spins)
{
  return BaseSetLastNTError(RtlInitializeCriticalSectionAndSpinCount(section, spins));
}

BOOL WINAPI InitializeCriticalSectionEx(LPCRITICAL_SECTION section, DWORD spins, DWORD flags)
{
  return BaseSetLastNTError(RtlInitializeCriticalSectionEx(section, spins, flags));
}
