/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KiExceptionDispatch and KiDispatchException (spec/1.3, 2.1). */
#include "dbgk/dbgk.h"
#include "ntos/trap/internal.h"

#include <string.h>

/* What KiDispatchException lays out on the user stack, lowest address first (fact 19): CONTEXT, CONTEXT_EX (not before
 * Windows 7, spec/2.5), EXCEPTION_RECORD, MACHINE_FRAME. */
#define USER_FRAME_CONTEXT_EX 0x4D0u
#define USER_FRAME_RECORD 0x4F0u
#define USER_FRAME_RECORD_BEFORE_CONTEXT_EX 0x4D0u
#define USER_FRAME_MACHINE_FRAME 0xA0u /**< behind the record */
#define USER_FRAME_SIZE (USER_FRAME_RECORD + USER_FRAME_MACHINE_FRAME + sizeof(MACHINE_FRAME))

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

void KiSetupForInstrumentationReturn(KTRAP_FRAME *TrapFrame)
{
  ULONG64 callback = KeGetCurrentThread()->Process->InstrumentationCallback;
  if (callback) {
    TrapFrame->R10 = TrapFrame->Rip;
    TrapFrame->Rip = callback;
  }
}

/* Step 7, delivery to user mode. Leaves the frame at KiUserExceptionDispatcher. */
static NTSTATUS deliver(const EXCEPTION_RECORD64 *record, const CONTEXT *context, KTRAP_FRAME *TrapFrame)
{
  UCHAR frame[USER_FRAME_SIZE] = {0};
  const bool extended = era_current()->context_ex;
  const size_t record_at = extended ? USER_FRAME_RECORD : USER_FRAME_RECORD_BEFORE_CONTEXT_EX;
  const size_t machine_frame_at = record_at + USER_FRAME_MACHINE_FRAME;
  const size_t size = machine_frame_at + sizeof(MACHINE_FRAME);
  const MACHINE_FRAME machine_frame = {.Rip = context->Rip, .Rsp = context->Rsp};
  const CONTEXT_EX context_ex = {
      .All = {-(LONG)sizeof(CONTEXT), sizeof(CONTEXT) + sizeof(CONTEXT_EX)},
      .Legacy = {-(LONG)sizeof(CONTEXT), sizeof(CONTEXT)},
  };
  ULONG64 rsp = ((context->Rsp - sizeof(MACHINE_FRAME)) & ~0xFull) - machine_frame_at;
  memcpy(frame, context, sizeof *context);
  if (extended)
    memcpy(frame + USER_FRAME_CONTEXT_EX, &context_ex, sizeof context_ex);
  memcpy(frame + record_at, record, sizeof *record);
  memcpy(frame + machine_frame_at, &machine_frame, sizeof machine_frame);
  NTSTATUS status = ProbeForWrite(rsp, size, 1);
  if (NT_SUCCESS(status))
    status = mm_user_write(rsp, frame, size);
  ULONG64 dispatcher = trap_state()->user.KiUserExceptionDispatcher;
  TRACE(DBGKSIM_TRACE_USER_FRAME, "KiUserExceptionDispatcher", rsp, dispatcher, (ULONG)status, 0);
  if (!NT_SUCCESS(status))
    return status;
  TrapFrame->EFlags &= ~EFLAGS_TF;
  TrapFrame->Rsp = rsp;
  TrapFrame->SegCs = KGDT64_R3_CODE;
  TrapFrame->Rip = dispatcher;
  KiSetupForInstrumentationReturn(TrapFrame);
  return STATUS_SUCCESS;
}

/* 2.4: a debug service, not a plain breakpoint. */
static BOOLEAN KdIsThisAKdTrap(const EXCEPTION_RECORD64 *record)
{
  return record->ExceptionCode == STATUS_BREAKPOINT && record->NumberParameters >= 1 &&
         record->ExceptionInformation[0] != 0;
}

static void adjust_for_32_bit_code(EXCEPTION_RECORD64 *record, CONTEXT *context)
{
  if ((context->SegCs & 0xFFF8) != 0x20)
    return;
  if (record->ExceptionCode == STATUS_BREAKPOINT)
    record->ExceptionCode = STATUS_WX86_BREAKPOINT;
  else if (record->ExceptionCode == STATUS_SINGLE_STEP)
    record->ExceptionCode = STATUS_WX86_SINGLE_STEP;
  context->Rsp = (ULONG)context->Rsp & ~0xFull;
}

static void second_chance(const EXCEPTION_RECORD64 *record)
{
  if (DbgkForwardException(record, TRUE, TRUE) || DbgkForwardException(record, FALSE, TRUE))
    return;
  PsTerminateProcess(PsGetCurrentProcess(), record->ExceptionCode);
}

void KiDispatchException(EXCEPTION_RECORD64 *ExceptionRecord, KEXCEPTION_FRAME *ExceptionFrame, KTRAP_FRAME *TrapFrame,
                         KPROCESSOR_MODE PreviousMode, BOOLEAN FirstChance)
{
  struct trap_state *trap = trap_state();
  KTHREAD *thread = KeGetCurrentThread();
  CONTEXT context;

  /* 1, 2 */
  trap->KeExceptionDispatchCount++;
  memset(&context, 0, sizeof context);
  context.ContextFlags = CONTEXT_ALL;
  KeContextFromKframes(TrapFrame, ExceptionFrame, thread, &context);
  /* 3 */
  if (ExceptionRecord->ExceptionCode == STATUS_BREAKPOINT)
    context.Rip -= 1;
  TRACE(DBGKSIM_TRACE_DISPATCH, NULL, (ULONG)ExceptionRecord->ExceptionCode, ExceptionRecord->ExceptionAddress,
        FirstChance, context.Rip);
  /* 5: no kernel-mode code is executed, so only user mode gets here. */
  (void)PreviousMode;
  /* 6 */
  if (!(PsGetCurrentProcess()->Flags3 & PS_PROCESS_FLAGS3_MINIMAL))
    adjust_for_32_bit_code(ExceptionRecord, &context);
  ULONG count = ExceptionRecord->NumberParameters;
  for (ULONG i = count < EXCEPTION_MAXIMUM_PARAMETERS ? count : EXCEPTION_MAXIMUM_PARAMETERS;
       i < EXCEPTION_MAXIMUM_PARAMETERS; i++)
    ExceptionRecord->ExceptionInformation[i] = 0;

  if (!FirstChance) {
    /* 8 */
    second_chance(ExceptionRecord);
  } else {
    /* 7 */
    bool asks = !PsGetCurrentProcess()->DebugPort && !trap->KdIgnoreUmExceptions;
    if ((asks || KdIsThisAKdTrap(ExceptionRecord)) && trap->KiDebugRoutine) {
      BOOLEAN handled =
          trap->KiDebugRoutine(TrapFrame, ExceptionFrame, ExceptionRecord, &context, UserMode, FALSE);
      TRACE(DBGKSIM_TRACE_KD_STUB, NULL, (ULONG)ExceptionRecord->ExceptionCode,
            ExceptionRecord->ExceptionInformation[0], handled, 0);
      if (handled) {
        /* 9 */
        KeContextToKframes(TrapFrame, ExceptionFrame, thread, &context, KernelMode);
        goto resume;
      }
    }
    if (DbgkForwardException(ExceptionRecord, TRUE, FALSE))
      goto resume;
    NTSTATUS status = deliver(ExceptionRecord, &context, TrapFrame);
    if (status == STATUS_STACK_OVERFLOW) {
      EXCEPTION_RECORD64 overflow = {
          .ExceptionCode = STATUS_STACK_OVERFLOW,
          .ExceptionAddress = ExceptionRecord->ExceptionAddress,
      };
      status = deliver(&overflow, &context, TrapFrame);
    }
    if (!NT_SUCCESS(status))
      second_chance(ExceptionRecord);
  }
resume:
  TRACE(DBGKSIM_TRACE_RESUME, NULL, TrapFrame->Rip, TrapFrame->Rsp, TrapFrame->EFlags, 0);
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
