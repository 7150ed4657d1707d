/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KiExceptionDispatch and KiDispatchException (spec/1.3, 2.1; the numbers in comments are the steps of 2.1). */
#include "dbgk/dbgk.h"
#include "ntos/trap/internal.h"

#include <stdio.h>
#include <string.h>

void KiExceptionDispatch(KTRAP_FRAME *TrapFrame, KEXCEPTION_FRAME *ExceptionFrame, NTSTATUS code, ULONG64 address,
                         ULONG count, ULONG64 p0, ULONG64 p1, ULONG64 p2)
{
  EXCEPTION_RECORD64 record = {
      .ExceptionCode = code,
      .ExceptionAddress = address,
      .NumberParameters = count,
  };
  const ULONG64 parameters[3] = {p0, p1, p2};
  for (ULONG i = 0; i < count; i++)
    record.ExceptionInformation[i] = parameters[i];
  KiDispatchException(&record, ExceptionFrame, TrapFrame, (KPROCESSOR_MODE)(TrapFrame->SegCs & 1), TRUE);
}

void ki_decided(const char *who, const char *what, NTSTATUS code, ULONG64 b, ULONG64 c)
{
  if (!trace_on(DBGKSIM_TRACE_DECISION))
    return;
  char text[DBGKSIM_TRACE_TEXT];
  snprintf(text, sizeof text, "%s: %s", who, what);
  trace_emit(DBGKSIM_TRACE_DECISION, text, (ULONG)code, b, c, 0, 0, 0);
}

BOOLEAN ki_call_debugger(EXCEPTION_RECORD64 *ExceptionRecord, KEXCEPTION_FRAME *ExceptionFrame, KTRAP_FRAME *TrapFrame,
                         CONTEXT *Context, KPROCESSOR_MODE PreviousMode, BOOLEAN SecondChance)
{
  PKDEBUG_ROUTINE routine = trap_state()->KiDebugRoutine;
  if (!routine)
    return FALSE;
  BOOLEAN handled = routine(TrapFrame, ExceptionFrame, ExceptionRecord, Context, PreviousMode, SecondChance);
  TRACE(DBGKSIM_TRACE_KD_STUB, NULL, (ULONG)ExceptionRecord->ExceptionCode, ExceptionRecord->ExceptionInformation[0],
        handled, SecondChance);
  return handled;
}

/* 2.4: a debug service, not a plain breakpoint. */
static BOOLEAN KdIsThisAKdTrap(const EXCEPTION_RECORD64 *record)
{
  return record->ExceptionCode == STATUS_BREAKPOINT && record->NumberParameters >= 1 &&
         record->ExceptionInformation[0] != 0;
}

/* The kernel debugger sees what no user-mode debugger will, and the debug services. */
static bool kernel_debugger_first(const EXCEPTION_RECORD64 *record)
{
  if (KdIsThisAKdTrap(record))
    return true;
  if (PsGetCurrentProcess()->DebugPort) {
    ki_decided("KiDebugRoutine", "not asked, the process has a debug port", record->ExceptionCode, 0, 0);
    return false;
  }
  if (trap_state()->KdIgnoreUmExceptions) {
    ki_decided("KiDebugRoutine", "not asked, it ignores user mode (KdIgnoreUmExceptions)", record->ExceptionCode, 0, 0);
    return false;
  }
  return true;
}

static void adjust_for_32_bit_code(EXCEPTION_RECORD64 *record, CONTEXT *context)
{
  if (record->ExceptionCode == STATUS_BREAKPOINT)
    record->ExceptionCode = STATUS_WX86_BREAKPOINT;
  else if (record->ExceptionCode == STATUS_SINGLE_STEP)
    record->ExceptionCode = STATUS_WX86_SINGLE_STEP;
  context->Rsp = (ULONG)context->Rsp & ~0xFull;
  ki_decided("32-bit code", "breakpoint and step have codes of their own, rsp has 32 bits", record->ExceptionCode,
             context->Rsp, 0);
}

static void zero_unused_parameters(EXCEPTION_RECORD64 *record)
{
  for (ULONG i = record->NumberParameters; i < EXCEPTION_MAXIMUM_PARAMETERS; i++)
    record->ExceptionInformation[i] = 0;
}

/* False: the exception was only the alignment check's, which is now off (WoW64). */
static bool adjust_for_user_mode(EXCEPTION_RECORD64 *record, KTRAP_FRAME *frame, CONTEXT *context)
{
  const EPROCESS *process = PsGetCurrentProcess();
  if (process->Flags3 & PS_PROCESS_FLAGS3_MINIMAL)
    return true;
  if (process->WoW64Process && record->ExceptionCode == STATUS_DATATYPE_MISALIGNMENT && frame->EFlags & EFLAGS_AC) {
    frame->EFlags &= ~EFLAGS_AC;
    ki_decided("WoW64", "EFlags.AC is cleared, the instruction runs again", record->ExceptionCode, 0, 0);
    return false;
  }
  if (ki_is_32_bit_code(context->SegCs))
    adjust_for_32_bit_code(record, context);
  return true;
}

/* The end of step 7. A stack that is used up replaces the record, without another question to the debugger. */
static NTSTATUS deliver(const EXCEPTION_RECORD64 *record, const CONTEXT *context, KTRAP_FRAME *frame)
{
  ULONG64 at;
  NTSTATUS status = ki_deliver_to_user_mode(record, context, frame, &at);
  if (status != STATUS_STACK_OVERFLOW)
    return status;
  /* A write, at the first address that failed: the guard page is the end of the stack, so the frame's lowest. */
  const EXCEPTION_RECORD64 overflow = {
      .ExceptionCode = STATUS_STACK_OVERFLOW,
      .ExceptionAddress = record->ExceptionAddress,
      .NumberParameters = 2,
      .ExceptionInformation = {1, at},
  };
  return ki_deliver_to_user_mode(&overflow, context, frame, &at);
}

void KiDispatchException(EXCEPTION_RECORD64 *ExceptionRecord, KEXCEPTION_FRAME *ExceptionFrame, KTRAP_FRAME *TrapFrame,
                         KPROCESSOR_MODE PreviousMode, BOOLEAN FirstChance)
{
  KTHREAD *thread = KeGetCurrentThread();
  EXCEPTION_RECORD64 *const record = ExceptionRecord;
  CONTEXT context;

  /* 1 */
  trap_state()->KeExceptionDispatchCount++;
  /* 2 */
  memset(&context, 0, sizeof context);
  context.ContextFlags = CONTEXT_ALL;
  KeContextFromKframes(TrapFrame, ExceptionFrame, thread, &context);
  /* 3 */
  if (record->ExceptionCode == STATUS_BREAKPOINT)
    context.Rip -= 1;
  if (trace_on(DBGKSIM_TRACE_DISPATCH))
    trace_emit(DBGKSIM_TRACE_DISPATCH, NULL, (ULONG)record->ExceptionCode, record->ExceptionAddress, FirstChance,
               context.Rip, PreviousMode, 0);
  /* 4 */
  if (PreviousMode == UserMode && ki_pico_dispatch(record, ExceptionFrame, TrapFrame, 0))
    goto resume;
  if (KiPreprocessFault(record, &context, PreviousMode))
    goto handled;
  /* 5 */
  if (PreviousMode == KernelMode) {
    if (ki_dispatch_kernel(record, ExceptionFrame, TrapFrame, &context, FirstChance))
      goto handled;
    KeBugCheckEx(KMODE_EXCEPTION_NOT_HANDLED, (ULONG64)(LONG64)record->ExceptionCode, record->ExceptionAddress,
                 record->ExceptionInformation[0], record->ExceptionInformation[1]);
  }
  /* 6 */
  if (!adjust_for_user_mode(record, TrapFrame, &context))
    goto resume;
  zero_unused_parameters(record);
  if (FirstChance) {
    /* 7 */
    if (kernel_debugger_first(record) &&
        ki_call_debugger(record, ExceptionFrame, TrapFrame, &context, UserMode, FALSE))
      goto handled;
    if (DbgkForwardException(record, TRUE, FALSE))
      goto resume;
    if (ki_pico_dispatch(record, ExceptionFrame, TrapFrame, 1) || NT_SUCCESS(deliver(record, &context, TrapFrame)))
      goto resume;
  }
  /* 8 */
  if (!DbgkForwardException(record, TRUE, TRUE) && !ki_pico_dispatch(record, ExceptionFrame, TrapFrame, 2) &&
      !DbgkForwardException(record, FALSE, TRUE))
    PsTerminateProcess(PsGetCurrentProcess(), record->ExceptionCode);
  goto resume;
handled:
  /* 9 */
  KeContextToKframes(TrapFrame, ExceptionFrame, thread, &context, KernelMode);
resume:
  TRACE(DBGKSIM_TRACE_RESUME, NULL, TrapFrame->Rip, TrapFrame->Rsp, TrapFrame->EFlags, PreviousMode);
}

void trap_set_debug_routine(PKDEBUG_ROUTINE routine, BOOLEAN IgnoreUmExceptions)
{
  trap_state()->KiDebugRoutine = routine;
  trap_state()->KdIgnoreUmExceptions = IgnoreUmExceptions;
}

void trap_set_entry_points(const struct user_entry_points *points)
{
  trap_state()->user = *points;
}

const struct user_entry_points *trap_entry_points(void)
{
  return &trap_state()->user;
}
