/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hide_from_debugger: a thread that the debugger hears nothing of.
 *
 * Look for: CREATE_THREAD of the second thread, then nothing more of it: no breakpoint event, no EXIT_THREAD. Its handler
 * still sees the exception (fact 31). */
#include "sample.h"

NTSYSAPI LONG NTAPI NtSetInformationThread(HANDLE thread, ULONG information, PVOID buffer, ULONG length);
#define THREAD_HIDE_FROM_DEBUGGER 17

static LONG CALLBACK step_over(EXCEPTION_POINTERS *pointers)
{
  if (pointers->ExceptionRecord->ExceptionCode != EXCEPTION_BREAKPOINT)
    return EXCEPTION_CONTINUE_SEARCH;
  say("the handler sees it\n");
  pointers->ContextRecord->Rip += 1;
  return EXCEPTION_CONTINUE_EXECUTION;
}

static DWORD WINAPI work(void *argument)
{
  (void)argument;
  NtSetInformationThread(GetCurrentThread(), THREAD_HIDE_FROM_DEBUGGER, NULL, 0);
  __asm__ volatile("int3");
  return 1;
}

int start(void)
{
  AddVectoredExceptionHandler(1, step_over);
  HANDLE thread = CreateThread(NULL, 0, work, NULL, 0, NULL);
  WaitForSingleObject(thread, INFINITE);
  say("done\n");
  return 0;
}
