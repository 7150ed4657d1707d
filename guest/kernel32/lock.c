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

/* A wait of a millisecond count under one of ntdll's waits: FALSE and ERROR_TIMEOUT when it is over. */
static BOOL waited(NTSTATUS status)
{
  return status == STATUS_TIMEOUT ? base_fail(ERROR_TIMEOUT) : BaseSetLastNTError(status);
}

BOOL WINAPI SleepConditionVariableCS(PCONDITION_VARIABLE variable, LPCRITICAL_SECTION section, DWORD milliseconds)
{
  LARGE_INTEGER room;
  return waited(RtlSleepConditionVariableCS(variable, section, BaseFormatTimeOut(&room, milliseconds)));
}

BOOL WINAPI SleepConditionVariableSRW(PCONDITION_VARIABLE variable, PSRWLOCK lock, DWORD milliseconds, ULONG flags)
{
  LARGE_INTEGER room;
  return waited(RtlSleepConditionVariableSRW(variable, lock, BaseFormatTimeOut(&room, milliseconds), flags));
}

BOOL WINAPI WaitOnAddress(volatile void *address, PVOID compare, SIZE_T size, DWORD milliseconds)
{
  LARGE_INTEGER room;
  return waited(RtlWaitOnAddress(address, compare, size, BaseFormatTimeOut(&room, milliseconds)));
}

BOOL WINAPI InitOnceBeginInitialize(LPINIT_ONCE once, DWORD flags, PBOOL pending, LPVOID *context)
{
  NTSTATUS status = (NTSTATUS)RtlRunOnceBeginInitialize(once, flags, context);
  if (!BaseSetLastNTError(status))
    return FALSE;
  *pending = status == STATUS_PENDING;
  return TRUE;
}

BOOL WINAPI InitOnceComplete(LPINIT_ONCE once, DWORD flags, LPVOID context)
{
  return BaseSetLastNTError((NTSTATUS)RtlRunOnceComplete(once, flags, context));
}

BOOL WINAPI InitOnceExecuteOnce(PINIT_ONCE once, PINIT_ONCE_FN routine, PVOID parameter, LPVOID *context)
{
  /* The routine sets the last error when it fails. */
  return NT_SUCCESS((NTSTATUS)RtlRunOnceExecuteOnce(once, (PRTL_RUN_ONCE_INIT_FN)(ULONG_PTR)routine, parameter, context));
}
