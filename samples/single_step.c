/* SPDX-License-Identifier: GPL-2.0-or-later */
/* single_step: the trap flag.
 *
 * Look for: EXCEPTION 80000004 at the instruction *behind* the one that was stepped, with TF cleared in the context that
 * is delivered: who wants another step sets it again (fact 23). */
#include "sample.h"

static int steps;

static LONG CALLBACK on_step(EXCEPTION_POINTERS *pointers)
{
  if (pointers->ExceptionRecord->ExceptionCode != EXCEPTION_SINGLE_STEP)
    return EXCEPTION_CONTINUE_SEARCH;
  say("step %u: TF is %u\n", N(steps + 1), N(pointers->ContextRecord->EFlags >> 8 & 1));
  if (++steps < 3)
    pointers->ContextRecord->EFlags |= 0x100;
  return EXCEPTION_CONTINUE_EXECUTION;
}

int start(void)
{
  AddVectoredExceptionHandler(1, on_step);
  __asm__ volatile("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tnop\n\tnop\n\tnop" ::: "memory", "cc");
  say("%u steps\n", N(steps));
  return 0;
}
