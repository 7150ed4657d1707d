/* SPDX-License-Identifier: GPL-2.0-or-later */
/* breakpoint: an INT3 of the program's own.
 *
 * Look for: two EXCEPTION 80000003 events. The first is the loader's, before any line of the program. The second is ours:
 * its address is that of the INT3, while the thread's Rip, in the debugger's context, is one further. Answered "handled"
 * (--on-exception handled), the program goes on after the INT3; answered "not handled", the vectored handler runs: it sees
 * Rip on the INT3 itself, and has to step over it (spec/5 fact 20). */
#include "sample.h"

static LONG CALLBACK step_over(EXCEPTION_POINTERS *pointers)
{
  if (pointers->ExceptionRecord->ExceptionCode != EXCEPTION_BREAKPOINT)
    return EXCEPTION_CONTINUE_SEARCH;
  say("handler: rip - address = %u\n",
      N(pointers->ContextRecord->Rip - (ULONG_PTR)pointers->ExceptionRecord->ExceptionAddress));
  pointers->ContextRecord->Rip += 1;
  return EXCEPTION_CONTINUE_EXECUTION;
}

int start(void)
{
  AddVectoredExceptionHandler(1, step_over);
  say("before\n");
  __asm__ volatile("int3");
  say("after\n");
  return 0;
}
