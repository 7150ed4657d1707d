/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trap frames: from the register file and back, and the CONTEXT view of them (spec/1.2, 2.5). */
#include "ntos/trap/internal.h"

#include <string.h>

/* What NtSetContextThread and NtContinue may put into EFLAGS: CF PF AF ZF SF TF DF OF RF AC ID. */
#define EFLAGS_USER_MASK 0x00250DD5u
#define EFLAGS_ALWAYS 0x2u
/* Fact 23. */
#define DR6_VISIBLE 0xF00Full
#define DR7_HIDDEN 0xDC00ull
#define DR7_ENABLE 0xFFull

void ki_push_machine_frame(KTHREAD *Thread, KTRAP_FRAME *TrapFrame, ULONG64 Rip, ULONG EFlags, ULONG64 ErrorCode)
{
  const cpu *c = Thread->cpu;
  TrapFrame->ErrorCode = ErrorCode;
  TrapFrame->Rip = Rip;
  TrapFrame->SegCs = c->cs;
  TrapFrame->EFlags = EFlags;
  TrapFrame->Rsp = c->gpr[CPU_RSP];
  TrapFrame->SegSs = c->ss;
}

void ki_save_frames(KTHREAD *Thread, KTRAP_FRAME *TrapFrame, KEXCEPTION_FRAME *ExceptionFrame, UCHAR ExceptionActive)
{
  const cpu *c = Thread->cpu;
  TrapFrame->PreviousMode = Thread->PreviousMode;
  TrapFrame->ExceptionActive = ExceptionActive;
  TrapFrame->MxCsr = cpu_mxcsr(c);
  TrapFrame->Rax = c->gpr[CPU_RAX];
  TrapFrame->Rcx = c->gpr[CPU_RCX];
  TrapFrame->Rdx = c->gpr[CPU_RDX];
  TrapFrame->R8 = c->gpr[CPU_R8];
  TrapFrame->R9 = c->gpr[CPU_R9];
  TrapFrame->R10 = c->gpr[CPU_R10];
  TrapFrame->R11 = c->gpr[CPU_R11];
  TrapFrame->GsBase = c->gs_base;
  cpu_get_xmm(c, 0, 6, &TrapFrame->Xmm0);
  TrapFrame->Dr0 = c->dr[0];
  TrapFrame->Dr1 = c->dr[1];
  TrapFrame->Dr2 = c->dr[2];
  TrapFrame->Dr3 = c->dr[3];
  TrapFrame->Dr6 = c->dr[6] & DR6_VISIBLE;
  TrapFrame->Dr7 = c->dr[7];
  TrapFrame->SegDs = KGDT64_R3_DATA;
  TrapFrame->SegEs = KGDT64_R3_DATA;
  TrapFrame->SegFs = KGDT64_R3_CMTEB;
  TrapFrame->SegGs = KGDT64_R3_DATA;
  TrapFrame->Rbx = c->gpr[CPU_RBX];
  TrapFrame->Rdi = c->gpr[CPU_RDI];
  TrapFrame->Rsi = c->gpr[CPU_RSI];
  TrapFrame->Rbp = c->gpr[CPU_RBP];
  cpu_get_xmm(c, 6, 10, &ExceptionFrame->Xmm6);
  ExceptionFrame->TrapFrame = Thread->InitialStack - sizeof(KTRAP_FRAME);
  ExceptionFrame->MxCsr = TrapFrame->MxCsr;
  ExceptionFrame->Rbp = c->gpr[CPU_RBP];
  ExceptionFrame->Rbx = c->gpr[CPU_RBX];
  ExceptionFrame->Rdi = c->gpr[CPU_RDI];
  ExceptionFrame->Rsi = c->gpr[CPU_RSI];
  ExceptionFrame->R12 = c->gpr[CPU_R12];
  ExceptionFrame->R13 = c->gpr[CPU_R13];
  ExceptionFrame->R14 = c->gpr[CPU_R14];
  ExceptionFrame->R15 = c->gpr[CPU_R15];
}

void ki_restore_frames(KTHREAD *Thread, const KTRAP_FRAME *TrapFrame, const KEXCEPTION_FRAME *ExceptionFrame)
{
  cpu *c = Thread->cpu;
  c->gpr[CPU_RAX] = TrapFrame->Rax;
  c->gpr[CPU_RCX] = TrapFrame->Rcx;
  c->gpr[CPU_RDX] = TrapFrame->Rdx;
  c->gpr[CPU_RBX] = ExceptionFrame->Rbx;
  c->gpr[CPU_RSP] = TrapFrame->Rsp;
  c->gpr[CPU_RBP] = TrapFrame->Rbp;
  c->gpr[CPU_RSI] = ExceptionFrame->Rsi;
  c->gpr[CPU_RDI] = ExceptionFrame->Rdi;
  c->gpr[CPU_R8] = TrapFrame->R8;
  c->gpr[CPU_R9] = TrapFrame->R9;
  c->gpr[CPU_R10] = TrapFrame->R10;
  c->gpr[CPU_R11] = TrapFrame->R11;
  c->gpr[CPU_R12] = ExceptionFrame->R12;
  c->gpr[CPU_R13] = ExceptionFrame->R13;
  c->gpr[CPU_R14] = ExceptionFrame->R14;
  c->gpr[CPU_R15] = ExceptionFrame->R15;
  c->rip = TrapFrame->Rip;
  c->rflags = TrapFrame->EFlags;
  c->cs = TrapFrame->SegCs;
  c->ss = TrapFrame->SegSs;
  c->dr[0] = TrapFrame->Dr0;
  c->dr[1] = TrapFrame->Dr1;
  c->dr[2] = TrapFrame->Dr2;
  c->dr[3] = TrapFrame->Dr3;
  c->dr[6] = TrapFrame->Dr6;
  c->dr[7] = TrapFrame->Dr7;
  Thread->DebugActive.ActiveDR7 = (TrapFrame->Dr7 & DR7_ENABLE) != 0;
  cpu_set_xmm(c, 0, 6, &TrapFrame->Xmm0);
  cpu_set_xmm(c, 6, 10, &ExceptionFrame->Xmm6);
  cpu_set_mxcsr(c, TrapFrame->MxCsr);
}

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
  if (wants(Context, CONTEXT_CONTROL)) {
    TrapFrame->EFlags = (Context->EFlags & EFLAGS_USER_MASK) | EFLAGS_IF | EFLAGS_ALWAYS;
    TrapFrame->Rip = Context->Rip;
    TrapFrame->Rsp = Context->Rsp;
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

NTSTATUS PsGetContextThread(ETHREAD *Thread, CONTEXT *Context)
{
  if (Thread->Tcb.native || !Thread->Tcb.TrapFrame || Thread->Tcb.State == Terminated)
    return STATUS_UNSUCCESSFUL;
  KeContextFromKframes(Thread->Tcb.TrapFrame, Thread->Tcb.ExceptionFrame, &Thread->Tcb, Context);
  return STATUS_SUCCESS;
}

NTSTATUS PsSetContextThread(ETHREAD *Thread, const CONTEXT *Context)
{
  if (Thread->Tcb.native || !Thread->Tcb.TrapFrame || Thread->Tcb.State == Terminated)
    return STATUS_UNSUCCESSFUL;
  KeContextToKframes(Thread->Tcb.TrapFrame, Thread->Tcb.ExceptionFrame, &Thread->Tcb, Context, UserMode);
  if (&Thread->Tcb == KeGetCurrentThread())
    KiSetupForInstrumentationReturn(Thread->Tcb.TrapFrame);
  return STATUS_SUCCESS;
}

static ULONG64 take_slot(struct trap_state *trap)
{
  if (trap->free_slot_count)
    return trap->free_slots[--trap->free_slot_count];
  if (trap->next_slot + KI_SLOT_SIZE > EMU_KERNEL_BASE + emu_kernel_size(KeGetPcr()->emu))
    return 0;
  ULONG64 slot = trap->next_slot;
  trap->next_slot += KI_SLOT_SIZE;
  return slot;
}

NTSTATUS KiInitializeContextThread(ETHREAD *Thread, const CONTEXT *context)
{
  struct trap_state *trap = trap_state();
  KTHREAD *t = &Thread->Tcb;
  ULONG64 slot = take_slot(trap);
  if (!slot)
    return STATUS_INSUFFICIENT_RESOURCES;
  t->InitialStack = slot + KI_SLOT_SIZE;
  t->cpu = cpu_create(KeGetPcr()->emu);
  if (!t->cpu) {
    KiDeleteContextThread(Thread);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  memset(emu_kernel_host(KeGetPcr()->emu, slot, KI_SLOT_SIZE), 0, KI_SLOT_SIZE);
  t->TrapFrame = ki_frame_of(t);
  t->ExceptionFrame = (KEXCEPTION_FRAME *)((UCHAR *)t->TrapFrame - KI_EXCEPTION_FRAME_ROOM);
  t->cpu->gs_base = t->Teb;
  t->PreviousMode = UserMode;
  ki_push_machine_frame(t, t->TrapFrame, context->Rip, EFLAGS_IF | EFLAGS_ALWAYS, 0);
  ki_save_frames(t, t->TrapFrame, t->ExceptionFrame, TRAP_INTERRUPT);
  KeContextToKframes(t->TrapFrame, t->ExceptionFrame, t, context, KernelMode);
  return STATUS_SUCCESS;
}

void KiDeleteContextThread(ETHREAD *Thread)
{
  struct trap_state *trap = trap_state();
  KTHREAD *t = &Thread->Tcb;
  if (!t->InitialStack)
    return;
  if (trap->free_slot_count == trap->free_slot_capacity) {
    size_t capacity = trap->free_slot_capacity ? trap->free_slot_capacity * 2 : 64;
    ULONG64 *slots = ExReallocatePool(trap->free_slots, capacity * sizeof *slots, POOL_TAG('T', 'r', 'a', 'p'));
    if (slots) {
      trap->free_slots = slots;
      trap->free_slot_capacity = capacity;
    }
  }
  /* Without room to remember it the slot is lost until the machine ends. */
  if (trap->free_slot_count < trap->free_slot_capacity)
    trap->free_slots[trap->free_slot_count++] = t->InitialStack - KI_SLOT_SIZE;
  if (t->cpu)
    cpu_destroy(KeGetPcr()->emu, t->cpu);
  t->cpu = NULL;
  t->InitialStack = 0;
  t->TrapFrame = NULL;
  t->ExceptionFrame = NULL;
}
