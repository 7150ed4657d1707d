/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DLL's entry, where Win32 threads start, last errors. */
#include "kernel32p.h"

const void *WINAPI KernelBaseGetGlobalData(void);

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
  (void)instance, (void)reserved;
  return reason != DLL_PROCESS_ATTACH || KernelBaseGetGlobalData() != NULL;
}

void WINAPI BaseThreadInitThunk(ULONG Reserved, PUSER_THREAD_START_ROUTINE StartRoutine, PVOID Argument)
{
  (void)Reserved;
  RtlExitUserThread(StartRoutine(Argument));
}

BOOL BaseSetLastNTError(NTSTATUS Status)
{
  if (NT_SUCCESS(Status))
    return TRUE;
  NtCurrentTeb()->LastErrorValue = ERROR_MR_MID_NOT_FOUND;
  return FALSE;
}

void WINAPI ExitProcess(UINT code) { RtlExitUserProcess((NTSTATUS)code); }
