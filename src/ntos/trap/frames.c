/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trap frames: from the register file and back (spec/1.2), and the kernel stack that they lie on. */
#include "ntos/trap/internal.h"

#include <string.h>

/* Fact 23. */
#define DR6_VISIBLE 0xF00Full
#define DR7_ENABLE 0xFFull

void ki_push_machine_frame(KTRAP_FRAME *TrapFrame, const struct ki_origin *Origin, ULONG64 ErrorCode)
{
  TrapFrame->ErrorCode = ErrorCode;
  TrapFrame->Rip = Origin->Rip;
  TrapFrame->SegCs = Origin->SegCs;
  TrapFrame->EFlags = Origin->EFlags;
  TrapFrame->Rsp = Origin->Rsp;
  TrapFrame->SegSs = Origin->SegSs;
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
  ExceptionFrame->TrapFrame = ki_kernel_address(TrapFrame);
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
  const struct ki_origin start = {context->Rip, context->Rsp, EFLAGS_IF | EFLAGS_ALWAYS, KGDT64_R3_CODE,
                                  KGDT64_R3_DATA};
  ki_push_machine_frame(t->TrapFrame, &start, 0);
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
