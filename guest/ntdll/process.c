/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where threads start, and how threads and processes end. */
#include "ntdllp.h"

void (*RtlpThreadInitThunk)(ULONG Reserved, PUSER_THREAD_START_ROUTINE StartRoutine, PVOID Argument);
static LONG(NTAPI *unhandled_filter)(EXCEPTION_POINTERS *);

void NTAPI RtlSetUnhandledExceptionFilter(LONG(NTAPI *Filter)(EXCEPTION_POINTERS *)) { unhandled_filter = Filter; }

static LONG last_filter(EXCEPTION_POINTERS *pointers)
{
  return unhandled_filter ? unhandled_filter(pointers) : EXCEPTION_CONTINUE_SEARCH;
}

static __attribute__((noinline)) void run(PUSER_THREAD_START_ROUTINE StartRoutine, PVOID Argument)
{
  if (RtlpThreadInitThunk)
    RtlpThreadInitThunk(0, StartRoutine, Argument);
  else
    RtlExitUserThread(StartRoutine(Argument));
}

void NTAPI RtlUserThreadStart(PUSER_THREAD_START_ROUTINE StartRoutine, PVOID Argument)
{
  NTSTATUS code = 0;
  __try {
    run(StartRoutine, Argument);
  } __except (code = (NTSTATUS)GetExceptionCode(), last_filter(GetExceptionInformation())) {
    NtTerminateProcess(NtCurrentProcess(), code);
  }
}

void NTAPI RtlExitUserThread(NTSTATUS Status)
{
  LdrShutdownThread();
  NtTerminateThread(NtCurrentThread(), Status);
  for (;;)
    RtlExitUserProcess(Status);
}

void NTAPI RtlExitUserProcess(NTSTATUS Status)
{
  NtTerminateProcess(NULL, Status);
  LdrShutdownProcess();
  for (;;)
    NtTerminateProcess(NtCurrentProcess(), Status);
}

static __attribute__((noinline)) void break_in(void) { DbgBreakPoint(); }

ULONG NTAPI DbgUiRemoteBreakin(PVOID Context)
{
  (void)Context;
  if (NtCurrentPeb()->BeingDebugged) {
    __try {
      break_in();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
    }
  }
  RtlExitUserThread(0);
}
