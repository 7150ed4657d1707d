/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DLL's entry, where Win32 threads start, last errors, what the system is. */
#include "kernel32p.h"

const void *WINAPI KernelBaseGetGlobalData(void);

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
  (void)instance, (void)reserved;
  if (reason == DLL_PROCESS_ATTACH)
    RtlSetUnhandledExceptionFilter(UnhandledExceptionFilter);
  return reason != DLL_PROCESS_ATTACH || KernelBaseGetGlobalData() != NULL;
}

void WINAPI BaseThreadInitThunk(ULONG Reserved, PUSER_THREAD_START_ROUTINE StartRoutine, PVOID Argument)
{
  (void)Reserved;
  RtlExitUserThread((NTSTATUS)StartRoutine(Argument));
}

BOOL base_fail(DWORD error)
{
  NtCurrentTeb()->LastErrorValue = error;
  return FALSE;
}

BOOL BaseSetLastNTError(NTSTATUS Status)
{
  return NT_SUCCESS(Status) ? TRUE : base_fail(RtlNtStatusToDosError(Status));
}

DWORD WINAPI GetLastError(void) { return NtCurrentTeb()->LastErrorValue; }

void WINAPI SetLastError(DWORD error)
{
  /* As Windows does: a data breakpoint on the field tells of changes only. */
  if (NtCurrentTeb()->LastErrorValue != error)
    NtCurrentTeb()->LastErrorValue = error;
}

void WINAPI ExitProcess(UINT code) { RtlExitUserProcess((NTSTATUS)code); }

HANDLE base_real_handle(HANDLE handle)
{
  PRTL_USER_PROCESS_PARAMETERS parameters = NtCurrentPeb()->ProcessParameters;
  switch ((LONG_PTR)handle) {
  case (LONG)STD_INPUT_HANDLE:
    return parameters->StandardInput;
  case (LONG)STD_OUTPUT_HANDLE:
    return parameters->StandardOutput;
  case (LONG)STD_ERROR_HANDLE:
    return parameters->StandardError;
  default:
    return handle;
  }
}

LARGE_INTEGER *BaseFormatTimeOut(LARGE_INTEGER *TimeOut, DWORD Milliseconds)
{
  if (Milliseconds == INFINITE)
    return NULL;
  TimeOut->QuadPart = (LONGLONG)Milliseconds * -10000;
  return TimeOut;
}
