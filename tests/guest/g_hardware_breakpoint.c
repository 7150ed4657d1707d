/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An execute breakpoint that the thread sets on itself: a single step before the instruction, Dr6 names the register;
 * RF passes it once, clearing Dr7 in the handler's context ends it; a new thread has none (spec/5 fact 23, 2.5). */
#include "nano.h"

PROBE(target, "nop");

static volatile unsigned hits;
static volatile BOOLEAN disarm;

static LONG breakpoint_handler(EXCEPTION_POINTERS *pointers)
{
  CONTEXT *context = pointers->ContextRecord;
  CHECK(pointers->ExceptionRecord->ExceptionCode == STATUS_SINGLE_STEP);
  CHECK(pointers->ExceptionRecord->ExceptionAddress == (ULONG64)target_at);
  CHECK(context->Rip == (ULONG64)target_at);
  CHECK((context->Dr6 & 0xF) == 1 && !(context->Dr6 & 0x4000));
  CHECK(context->Dr0 == (ULONG64)target_at);
  CHECK(++hits < 10);
  if (disarm)
    context->Dr7 = 0;
  else
    context->EFlags |= 0x10000;
  return EXCEPTION_CONTINUE_EXECUTION;
}

static ULONG other_thread(void *argument)
{
  CONTEXT context = {.ContextFlags = CONTEXT_DEBUG_REGISTERS};
  (void)argument;
  CHECK_STATUS(NtGetContextThread(NtCurrentThread, &context), STATUS_SUCCESS);
  CHECK(context.Dr0 == 0 && context.Dr7 == 0);
  target(NULL);
  return 0;
}

ULONG start(void *peb)
{
  (void)peb;
  CONTEXT context = {.ContextFlags = CONTEXT_DEBUG_REGISTERS};
  RtlAddVectoredExceptionHandler(TRUE, breakpoint_handler);
  context.Dr0 = (ULONG64)target_at;
  context.Dr7 = 1;
  CHECK_STATUS(NtSetContextThread(NtCurrentThread, &context), STATUS_SUCCESS);
  context = (CONTEXT){.ContextFlags = CONTEXT_DEBUG_REGISTERS};
  CHECK_STATUS(NtGetContextThread(NtCurrentThread, &context), STATUS_SUCCESS);
  CHECK(context.Dr0 == (ULONG64)target_at && context.Dr7 == 1);
  target(NULL);
  CHECK(hits == 1);
  target(NULL);
  CHECK(hits == 2);
  CHECK_STATUS(NtWaitForSingleObject(create_thread(other_thread, NULL), FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  CHECK(hits == 2);
  disarm = TRUE;
  target(NULL);
  target(NULL);
  CHECK(hits == 3);
  return 0;
}
