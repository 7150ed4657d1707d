/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TF set by POPF: one step, reported at the next instruction, TF cleared in the context (spec/5 fact 23). */
#include "nano.h"

PROBE(one_step, "pushfq\n\torl $0x100, (%rsp)\n\tpopfq\none_step_first: nop\none_step_second: nop");
PROBE(steps, "pushfq\n\torl $0x100, (%rsp)\n\tpopfq\nsteps_first: nop\n\tnop\n\tnop\n\tjmp steps_target\n\tud2\n"
             "steps_target: nop\n\tpush %rax\n\tpop %rax\nsteps_end: nop");
extern UCHAR one_step_second[], steps_first[], steps_target[], steps_end[];

static ULONG64 trail[32];
static volatile unsigned trail_length;

static LONG step_on(EXCEPTION_POINTERS *pointers)
{
  CONTEXT *context = pointers->ContextRecord;
  CHECK(pointers->ExceptionRecord->ExceptionCode == STATUS_SINGLE_STEP);
  CHECK(!(context->EFlags & 0x100));
  CHECK(trail_length < 32);
  trail[trail_length++] = context->Rip;
  if (context->Rip != (ULONG64)steps_end)
    context->EFlags |= 0x100;
  return EXCEPTION_CONTINUE_EXECUTION;
}

ULONG start(void *peb)
{
  (void)peb;
  void *handler = RtlAddVectoredExceptionHandler(TRUE, record_exception);
  seen.count = 0;
  one_step(NULL);
  CHECK(seen.count == 1 && seen.code == STATUS_SINGLE_STEP && seen.parameters == 0);
  CHECK(seen.address == (ULONG64)one_step_second && seen.rip == (ULONG64)one_step_second);
  CHECK(!(seen.eflags & 0x100));
  CHECK(RtlRemoveVectoredExceptionHandler(handler) == 1);
  RtlAddVectoredExceptionHandler(TRUE, step_on);
  steps(NULL);
  CHECK(trail_length == 7);
  CHECK(trail[0] == (ULONG64)steps_first + 1 && trail[1] == (ULONG64)steps_first + 2);
  CHECK(trail[2] == (ULONG64)steps_first + 3 && trail[3] == (ULONG64)steps_target);
  CHECK(trail[4] == (ULONG64)steps_target + 1 && trail[6] == (ULONG64)steps_end);
  return 0;
}
