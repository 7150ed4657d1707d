/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A breakpoint that the program sets itself.
 *
 * Look for: two EXCEPTION 80000003 events. The first is the loader's, before any line of the program. The second is
 * ours: its address is that of the INT3, while the thread's Rip (in the debugger's context) is one further.
 * Answered "handled", the program goes on after the INT3. Answered "not handled", the vectored handler below runs: it
 * sees Rip on the INT3 itself, and has to step over it. Without a debugger only the handler sees the exception. */
#include <stdio.h>
#include <windows.h>

static LONG CALLBACK step_over(EXCEPTION_POINTERS *pointers)
{
  if (pointers->ExceptionRecord->ExceptionCode != EXCEPTION_BREAKPOINT)
    return EXCEPTION_CONTINUE_SEARCH;
  printf("handler: rip - address = %lld\n",
         (long long)(pointers->ContextRecord->Rip - (ULONG_PTR)pointers->ExceptionRecord->ExceptionAddress));
  pointers->ContextRecord->Rip += 1;
  return EXCEPTION_CONTINUE_EXECUTION;
}

int main(void)
{
  AddVectoredExceptionHandler(1, step_over);
  printf("before\n");
  __asm__ volatile("int3");
  printf("after\n");
  return 0;
}
