/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Delivery to user mode (spec/2.1 step 7): what KiUserExceptionDispatcher finds on its stack, and the instrumentation
 * callback. */
#include "ntos/trap/internal.h"

#include <string.h>

/* Lowest address first (fact 19): CONTEXT, CONTEXT_EX (not before Windows 7, spec/2.5), EXCEPTION_RECORD,
 * MACHINE_FRAME. No extended state: the processor claims none. */
#define USER_FRAME_CONTEXT_EX 0x4D0u
#define USER_FRAME_RECORD 0x4F0u
#define USER_FRAME_RECORD_BEFORE_CONTEXT_EX 0x4D0u
#define USER_FRAME_MACHINE_FRAME 0xA0u /**< behind the record */
#define USER_FRAME_SIZE (USER_FRAME_RECORD + USER_FRAME_MACHINE_FRAME + sizeof(MACHINE_FRAME))

void KiSetupForInstrumentationReturn(KTRAP_FRAME *TrapFrame)
{
  ULONG64 callback = KeGetCurrentThread()->Process->InstrumentationCallback;
  if (callback) {
    TrapFrame->R10 = TrapFrame->Rip;
    TrapFrame->Rip = callback;
  }
}

/* Writes the frame; *at receives its address. */
static NTSTATUS write_frame(const EXCEPTION_RECORD64 *record, const CONTEXT *context, ULONG64 *at)
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
  *at = ((context->Rsp - sizeof(MACHINE_FRAME)) & ~0xFull) - machine_frame_at;
  memcpy(frame, context, sizeof *context);
  if (extended)
    memcpy(frame + USER_FRAME_CONTEXT_EX, &context_ex, sizeof context_ex);
  memcpy(frame + record_at, record, sizeof *record);
  memcpy(frame + machine_frame_at, &machine_frame, sizeof machine_frame);
  NTSTATUS status = ProbeForWrite(*at, size, 1);
  return NT_SUCCESS(status) ? mm_user_write(*at, frame, size) : status;
}

NTSTATUS ki_deliver_to_user_mode(const EXCEPTION_RECORD64 *ExceptionRecord, const CONTEXT *Context,
                                 KTRAP_FRAME *TrapFrame, ULONG64 *UserFrame)
{
  const ULONG64 dispatcher = trap_state()->user.KiUserExceptionDispatcher;
  NTSTATUS status = write_frame(ExceptionRecord, Context, UserFrame);
  TRACE(DBGKSIM_TRACE_USER_FRAME, "KiUserExceptionDispatcher", *UserFrame, dispatcher, (ULONG)status, 0);
  if (!NT_SUCCESS(status))
    return status;
  TrapFrame->EFlags &= ~(EFLAGS_TF | EFLAGS_AC);
  TrapFrame->Rsp = *UserFrame;
  TrapFrame->SegCs = KGDT64_R3_CODE;
  TrapFrame->Rip = dispatcher;
  KiSetupForInstrumentationReturn(TrapFrame);
  return STATUS_SUCCESS;
}
