/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CONTEXT view of a thread's frames (spec/2.5). */
#include "ntos/trap/internal.h"

#include <string.h>

/* What NtSetContextThread and NtContinue may put into EFLAGS: CF PF AF ZF SF TF DF OF RF ID. Not AC: a handler's context
 * has it, but after continuing the alignment fault does not recur (spec/1.1, vector 17). */
#define EFLAGS_USER_MASK 0x00210DD5u
/* Fact 23. */
#define DR6_VISIBLE 0xF00Full
#define DR7_HIDDEN 0xDC00ull
#define DR7_ENABLE 0xFFull

static bool wants(const CONTEXT *context, ULONG part)
{
  return (context->ContextFlags & part) == part;
}

void KeContextFromKframes(const KTRAP_FRAME *TrapFrame, const KEXCEPTION_FRAME *ExceptionFrame, KTHREAD *Thread,
                          CONTEXT *Context)
{
  if (wants(Context, CONTEXT_CONTROL)) {
    Context->SegCs = TrapFrame->SegCs;
    Context->SegSs = TrapFrame->SegSs;
    Context->Rip = TrapFrame->Rip;
    Context->Rsp = TrapFrame->Rsp;
    Context->EFlags = TrapFrame->EFlags;
  }
  if (wants(Context, CONTEXT_SEGMENTS)) {
    /* Constants, whatever the guest loaded (spec/2.5). */
    Context->SegDs = Context->SegEs = Context->SegGs = KGDT64_R3_DATA;
    Context->SegFs = KGDT64_R3_CMTEB;
  }
  if (wants(Context, CONTEXT_INTEGER)) {
    Context->Rax = TrapFrame->Rax;
    Context->Rcx = TrapFrame->Rcx;
    Context->Rdx = TrapFrame->Rdx;
    Context->Rbx = ExceptionFrame->Rbx;
    Context->Rbp = TrapFrame->Rbp;
    Context->Rsi = ExceptionFrame->Rsi;
    Context->Rdi = ExceptionFrame->Rdi;
    Context->R8 = TrapFrame->R8;
    Context->R9 = TrapFrame->R9;
    Context->R10 = TrapFrame->R10;
    Context->R11 = TrapFrame->R11;
    Context->R12 = ExceptionFrame->R12;
    Context->R13 = ExceptionFrame->R13;
    Context->R14 = ExceptionFrame->R14;
    Context->R15 = ExceptionFrame->R15;
  }
  if (wants(Context, CONTEXT_FLOATING_POINT)) {
    cpu_get_fx(Thread->cpu, &Context->FltSave);
    memcpy(&Context->FltSave.XmmRegisters[0], &TrapFrame->Xmm0, 6 * sizeof(M128A));
    memcpy(&Context->FltSave.XmmRegisters[6], &ExceptionFrame->Xmm6, 10 * sizeof(M128A));
    Context->FltSave.MxCsr = Context->MxCsr = TrapFrame->MxCsr;
  }
  if (wants(Context, CONTEXT_DEBUG_REGISTERS)) {
    Context->Dr0 = TrapFrame->Dr0;
    Context->Dr1 = TrapFrame->Dr1;
    Context->Dr2 = TrapFrame->Dr2;
    Context->Dr3 = TrapFrame->Dr3;
    Context->Dr6 = TrapFrame->Dr6 & DR6_VISIBLE;
    Context->Dr7 = TrapFrame->Dr7 & ~DR7_HIDDEN;
  }
  if (Context->ContextFlags & CONTEXT_EXCEPTION_REQUEST) {
    Context->ContextFlags &= ~(CONTEXT_EXCEPTION_ACTIVE | CONTEXT_SERVICE_ACTIVE);
    Context->ContextFlags |= CONTEXT_EXCEPTION_REPORTING;
    if (TrapFrame->ExceptionActive == TRAP_EXCEPTION)
      Context->ContextFlags |= CONTEXT_EXCEPTION_ACTIVE;
    else if (TrapFrame->ExceptionActive == TRAP_SERVICE)
      Context->ContextFlags |= CONTEXT_SERVICE_ACTIVE;
  }
}

/* An address that a debug register may hold: user space, else 0. */
static ULONG64 user_debug_address(ULONG64 address)
{
  return address > MM_HIGHEST_USER_ADDRESS ? 0 : address;
}

void KeContextToKframes(KTRAP_FRAME *TrapFrame, KEXCEPTION_FRAME *ExceptionFrame, KTHREAD *Thread,
                        const CONTEXT *Context, KPROCESSOR_MODE PreviousMode)
{
  (void)PreviousMode;
  const bool user = TrapFrame->SegCs & 1;
  if (wants(Context, CONTEXT_CONTROL)) {
    TrapFrame->EFlags = (Context->EFlags & EFLAGS_USER_MASK) | EFLAGS_IF | EFLAGS_ALWAYS;
    TrapFrame->Rip = Context->Rip;
    TrapFrame->Rsp = Context->Rsp;
  }
  /* Kernel code stays in its segments. */
  if (wants(Context, CONTEXT_CONTROL) && user) {
    TrapFrame->SegCs = Context->SegCs == KGDT64_R3_CODE ? KGDT64_R3_CODE : KGDT64_R3_CMCODE;
    TrapFrame->SegSs = KGDT64_R3_DATA;
  }
  if (wants(Context, CONTEXT_INTEGER)) {
    TrapFrame->Rax = Context->Rax;
    TrapFrame->Rcx = Context->Rcx;
    TrapFrame->Rdx = Context->Rdx;
    ExceptionFrame->Rbx = Context->Rbx;
    TrapFrame->Rbp = ExceptionFrame->Rbp = Context->Rbp;
    ExceptionFrame->Rsi = Context->Rsi;
    ExceptionFrame->Rdi = Context->Rdi;
    TrapFrame->R8 = Context->R8;
    TrapFrame->R9 = Context->R9;
    TrapFrame->R10 = Context->R10;
    TrapFrame->R11 = Context->R11;
    ExceptionFrame->R12 = Context->R12;
    ExceptionFrame->R13 = Context->R13;
    ExceptionFrame->R14 = Context->R14;
    ExceptionFrame->R15 = Context->R15;
  }
  if (wants(Context, CONTEXT_FLOATING_POINT)) {
    cpu_set_fx(Thread->cpu, &Context->FltSave);
    memcpy(&TrapFrame->Xmm0, &Context->FltSave.XmmRegisters[0], 6 * sizeof(M128A));
    memcpy(&ExceptionFrame->Xmm6, &Context->FltSave.XmmRegisters[6], 10 * sizeof(M128A));
    TrapFrame->MxCsr = Context->MxCsr & 0xFFFF;
  }
  if (wants(Context, CONTEXT_DEBUG_REGISTERS)) {
    TrapFrame->Dr0 = user_debug_address(Context->Dr0);
    TrapFrame->Dr1 = user_debug_address(Context->Dr1);
    TrapFrame->Dr2 = user_debug_address(Context->Dr2);
    TrapFrame->Dr3 = user_debug_address(Context->Dr3);
    TrapFrame->Dr7 = Context->Dr7 & 0xFFFFFFFFull & ~DR7_HIDDEN;
    Thread->DebugActive.ActiveDR7 = (TrapFrame->Dr7 & DR7_ENABLE) != 0;
    /* Without an enabled breakpoint the register is not loaded: what a handler hands back is not seen again. */
    TrapFrame->Dr6 = Thread->DebugActive.ActiveDR7 ? Context->Dr6 & DR6_VISIBLE : 0;
  }
}

/* Neither host code nor a thread that has ended has frames. */
NTSTATUS PsGetContextThread(ETHREAD *Thread, CONTEXT *Context)
{
  if (!Thread->Tcb.TrapFrame)
    return STATUS_UNSUCCESSFUL;
  KeContextFromKframes(Thread->Tcb.TrapFrame, Thread->Tcb.ExceptionFrame, &Thread->Tcb, Context);
  return STATUS_SUCCESS;
}

NTSTATUS PsSetContextThread(ETHREAD *Thread, const CONTEXT *Context)
{
  if (!Thread->Tcb.TrapFrame)
    return STATUS_UNSUCCESSFUL;
  KeContextToKframes(Thread->Tcb.TrapFrame, Thread->Tcb.ExceptionFrame, &Thread->Tcb, Context, UserMode);
  return STATUS_SUCCESS;
}
