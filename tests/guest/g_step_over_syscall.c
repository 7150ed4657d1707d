/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single-stepping through a service stub sees the instruction after SYSCALL, and nothing of the kernel. */
#include "nano.h"

static volatile unsigned steps, in_stub;
static volatile ULONG64 last;

static LONG step_on(EXCEPTION_POINTERS *pointers)
{
  CONTEXT *context = pointers->ContextRecord;
  CHECK(pointers->ExceptionRecord->ExceptionCode == STATUS_SINGLE_STEP);
  CHECK(context->Rip < 0x800000000000);
  last = context->Rip;
  if (++steps < 40)
    context->EFlags |= 0x100;
  return EXCEPTION_CONTINUE_EXECUTION;
}

ULONG start(void *peb)
{
  (void)peb;
  LONG64 before = 0, after = 0;
  RtlAddVectoredExceptionHandler(TRUE, step_on);
  __asm__ volatile("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
  NTSTATUS status = NtQuerySystemTime(&before);
  NtQuerySystemTime(&after);
  CHECK(status == STATUS_SUCCESS && before && after >= before);
  while (steps < 40)
    ;
  CHECK(steps == 40);
  return 0;
}
