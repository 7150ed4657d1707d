/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raising exceptions, the filter of last resort, error modes. */
#include "kernel32p.h"
#include "nt_process.h"

static LPTOP_LEVEL_EXCEPTION_FILTER program_filter;

void WINAPI RaiseException(DWORD code, DWORD flags, DWORD count, const ULONG_PTR *arguments)
{
  EXCEPTION_RECORD record = {.ExceptionCode = code,
                             .ExceptionFlags = flags & EXCEPTION_NONCONTINUABLE,
                             .ExceptionAddress = (PVOID)RaiseException};
  if (arguments) {
    record.NumberParameters = count < EXCEPTION_MAXIMUM_PARAMETERS ? count : EXCEPTION_MAXIMUM_PARAMETERS;
    memcpy(record.ExceptionInformation, arguments, record.NumberParameters * sizeof *arguments);
  }
  RtlRaiseException(&record);
}

LPTOP_LEVEL_EXCEPTION_FILTER WINAPI SetUnhandledExceptionFilter(LPTOP_LEVEL_EXCEPTION_FILTER filter)
{
  return __atomic_exchange_n(&program_filter, filter, __ATOMIC_ACQ_REL);
}

static BOOLEAN is_debugged(void)
{
  ULONG_PTR port = 0;
  return NT_SUCCESS(NtQueryInformationProcess(NtCurrentProcess(), ProcessDebugPort, &port, sizeof port, NULL)) && port;
}

/* Under a debugger the search ends here, so that the second chance follows; the program's own filter is not asked. */
LONG WINAPI UnhandledExceptionFilter(EXCEPTION_POINTERS *pointers)
{
  LPTOP_LEVEL_EXCEPTION_FILTER filter = __atomic_load_n(&program_filter, __ATOMIC_ACQUIRE);
  if (is_debugged())
    return EXCEPTION_CONTINUE_SEARCH;
  if (filter) {
    LONG answer = filter(pointers);
    if (answer == EXCEPTION_EXECUTE_HANDLER || answer == EXCEPTION_CONTINUE_EXECUTION)
      return answer;
  }
  return GetErrorMode() & SEM_NOGPFAULTERRORBOX ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH;
}

/* ---- error modes ---- */

/* The kernel's mode has the lowest bit the other way round: set, errors are shown. */
UINT WINAPI GetErrorMode(void)
{
  ULONG mode = 0;
  NTSTATUS status =
      NtQueryInformationProcess(NtCurrentProcess(), ProcessDefaultHardErrorMode, &mode, sizeof mode, NULL);
  return BaseSetLastNTError(status) ? mode ^ SEM_FAILCRITICALERRORS : 0;
}

UINT WINAPI SetErrorMode(UINT mode)
{
  UINT before = GetErrorMode();
  /* Alignment faults stay fixed up once they are. */
  ULONG kernel = (mode | (before & SEM_NOALIGNMENTFAULTEXCEPT)) ^ SEM_FAILCRITICALERRORS;
  NtSetInformationProcess(NtCurrentProcess(), ProcessDefaultHardErrorMode, &kernel, sizeof kernel);
  return before;
}

/* TEB.HardErrorMode: SEM_FAILCRITICALERRORS 0x10, SEM_NOGPFAULTERRORBOX 0x20, SEM_NOOPENFILEERRORBOX 0x40. */
#define THREAD_MODES (SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX)

static DWORD from_teb(ULONG mode)
{
  return (mode & 0x10 ? SEM_FAILCRITICALERRORS : 0) | (mode & 0x20 ? SEM_NOGPFAULTERRORBOX : 0) |
         (mode & 0x40 ? SEM_NOOPENFILEERRORBOX : 0);
}

DWORD WINAPI GetThreadErrorMode(void) { return from_teb(NtCurrentTeb()->HardErrorMode); }

BOOL WINAPI SetThreadErrorMode(DWORD mode, DWORD *before)
{
  PTEB teb = NtCurrentTeb();
  if (mode & ~(DWORD)THREAD_MODES)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (before)
    *before = from_teb(teb->HardErrorMode);
  teb->HardErrorMode = (mode & SEM_FAILCRITICALERRORS ? 0x10 : 0) | (mode & SEM_NOGPFAULTERRORBOX ? 0x20 : 0) |
                       (mode & SEM_NOOPENFILEERRORBOX ? 0x40 : 0);
  return TRUE;
}
