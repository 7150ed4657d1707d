/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interrupt descriptor table, as the processor walks it (spec/1.1): gate and privilege checks, the stack of the
 * TSS, the machine frame, double and triple faults as outcomes. */
#include "ntos/trap/internal.h"

#define VECTOR_DOUBLE_FAULT 8u
#define VECTOR_INVALID_TSS 10u
#define VECTOR_SEGMENT_NOT_PRESENT 11u
#define VECTOR_GENERAL_PROTECTION 13u
#define VECTOR_PAGE_FAULT 14u
#define VECTOR_DEBUG 1u
#define ERROR_CODE_IDT 2u
#define IST_COUNT 7
#define IST_STACK_SIZE 0x1000u

static void set_gate(unsigned vector, unsigned dpl, unsigned ist)
{
  KIDTENTRY64 *idt = emu_kernel_host(KeGetPcr()->emu, KI_IDT_ADDRESS, 256 * sizeof *idt);
  ULONG64 handler = ki_handler_address(vector);
  idt[vector].OffsetLow = (USHORT)handler;
  idt[vector].Selector = KGDT64_R0_CODE;
  idt[vector].IstIndex = (UCHAR)ist;
  idt[vector].TypeDplPresent = (UCHAR)(0x80u | dpl << 5 | IDT_INTERRUPT_GATE);
  idt[vector].OffsetMiddle = (USHORT)(handler >> 16);
  idt[vector].OffsetHigh = (ULONG)(handler >> 32);
}

static bool open_to_user_mode(unsigned vector)
{
  return vector == 3 || vector == 4 || vector == 0x29 || vector == 0x2C || vector == 0x2D ||
         (vector == 0x2E && era_current()->int_2e_service);
}

bool KiInitializeTrapSystem(void)
{
  struct trap_state *trap = ExAllocatePoolWithTag(sizeof *trap, POOL_TAG('T', 'r', 'a', 'p'));
  if (!trap)
    return false;
  KeGetPcr()->trap = trap;
  trap->idt_base = KI_IDT_ADDRESS;
  trap->idt_limit = 0xFFF;
  trap->next_slot = KI_SLOTS_ADDRESS;
  trap->lstar = KI_SYSTEM_CALL_64;
  trap->cstar = KI_SYSTEM_CALL_32;
  trap->sysenter_eip = KI_FAST_CALL_ENTRY;
  trap->star = 0x0023001000000000ull;
  trap->sfmask = EFLAGS_TF | EFLAGS_IF | EFLAGS_DF | EFLAGS_NT;
  for (unsigned v = 0; v < 256; v++)
    set_gate(v, open_to_user_mode(v) ? 3 : 0,
             v == 2 ? 3 : v == VECTOR_DOUBLE_FAULT ? 1 : v == 18 ? 2 : 0);
  KTSS64 *tss = emu_kernel_host(KeGetPcr()->emu, KI_TSS_ADDRESS, sizeof *tss);
  for (unsigned i = 1; i <= IST_COUNT; i++)
    tss->Ist[i] = KI_IST_STACKS + i * IST_STACK_SIZE;
  tss->IoMapBase = sizeof *tss;
  return true;
}

static bool is_contributory(unsigned vector)
{
  return vector == 0 || (vector >= VECTOR_INVALID_TSS && vector <= VECTOR_GENERAL_PROTECTION);
}

static bool has_error_code(unsigned vector)
{
  return vector == VECTOR_DOUBLE_FAULT || (vector >= VECTOR_INVALID_TSS && vector <= VECTOR_PAGE_FAULT) ||
         vector == 17 || vector == 21 || vector == 29 || vector == 30;
}

/* An event on its way through the IDT. */
struct delivery {
  unsigned vector;
  bool software; /**< DPL is checked; no error code; RIP is after the instruction */
  bool fault;    /**< RF is set in the pushed flags (not for #DB) */
  ULONG64 rip, error_code;
};

/* Checks the gate. 0: passed; else the vector of the fault that the check gives. */
static unsigned check_gate(const struct delivery *d, const KIDTENTRY64 *gate)
{
  unsigned type = gate->TypeDplPresent & 0xFu, dpl = gate->TypeDplPresent >> 5 & 3;
  if (type != IDT_INTERRUPT_GATE && type != IDT_TRAP_GATE)
    return VECTOR_GENERAL_PROTECTION;
  if (d->software && dpl < 3)
    return VECTOR_GENERAL_PROTECTION;
  if (!(gate->TypeDplPresent & 0x80))
    return VECTOR_SEGMENT_NOT_PRESENT;
  return 0;
}

/* Turns the event into the fault of its own delivery. False: triple fault. */
static bool fault_in_delivery(struct delivery *d, unsigned vector, ULONG64 instruction)
{
  if (d->vector == VECTOR_DOUBLE_FAULT && !d->software)
    return false;
  bool to_double = !d->software && (is_contributory(d->vector) || d->vector == VECTOR_PAGE_FAULT);
  d->error_code = to_double ? 0 : (ULONG64)d->vector * 8 + ERROR_CODE_IDT;
  d->vector = to_double ? VECTOR_DOUBLE_FAULT : vector;
  d->software = false;
  d->fault = true;
  d->rip = instruction;
  return true;
}

/* Where a fault of the delivery is reported. RIP is after a software interrupt: CC is one byte, CD nn two. */
static ULONG64 faulting_instruction(ULONG64 rip, bool software)
{
  UCHAR last = 0;
  if (!software)
    return rip;
  return NT_SUCCESS(mm_user_read(&last, rip - 1, 1)) && last == 0xCC ? rip - 1 : rip - 2;
}

static _Noreturn void triple_fault(KTHREAD *Thread)
{
  TRACE(DBGKSIM_TRACE_LOG, "triple fault: the machine stops", 0, 0, 0, 0);
  (void)Thread;
  ke_stop(KE_TRIPLE_FAULT);
  for (;;)
    KiQuantumEnd();
}

void ki_take_interrupt(KTHREAD *Thread, const struct cpu_trap *trap)
{
  struct trap_state *state = trap_state();
  struct delivery d = {
      .vector = trap->vector,
      .software = trap->software,
      .fault = !trap->software && !trap->icebp && trap->vector != VECTOR_DEBUG,
      .rip = Thread->cpu->rip,
      .error_code = trap->has_error_code ? trap->error_code : 0,
  };
  const KIDTENTRY64 *gate;
  const struct ki_handler *handler;
  TRACE(DBGKSIM_TRACE_TRAP, NULL, d.vector, d.rip, d.error_code, trap->fault_address);

  for (;;) {
    gate = d.vector * 16 + 15 <= state->idt_limit
               ? emu_kernel_host(KeGetPcr()->emu, state->idt_base + d.vector * 16, sizeof *gate)
               : NULL;
    unsigned failed = gate ? check_gate(&d, gate) : VECTOR_GENERAL_PROTECTION;
    if (!failed)
      break;
    if (!fault_in_delivery(&d, failed, faulting_instruction(Thread->cpu->rip, trap->software)))
      triple_fault(Thread);
  }
  ULONG64 offset = gate->OffsetLow | (ULONG64)gate->OffsetMiddle << 16 | (ULONG64)gate->OffsetHigh << 32;
  handler = ki_handler_at(offset);
  TRACE(DBGKSIM_TRACE_GATE, handler ? handler->name : "no code", d.vector, gate->TypeDplPresent >> 5 & 3, offset,
        d.software);
  if (!handler)
    triple_fault(Thread);

  KTSS64 *tss = emu_kernel_host(KeGetPcr()->emu, KI_TSS_ADDRESS, sizeof *tss);
  tss->Rsp0 = Thread->InitialStack;
  ULONG64 top = (gate->IstIndex & 7 ? tss->Ist[gate->IstIndex & 7] : tss->Rsp0) & ~0xFull;
  KTRAP_FRAME *frame = emu_kernel_host(KeGetPcr()->emu, top - sizeof(KTRAP_FRAME), sizeof(KTRAP_FRAME));
  KEXCEPTION_FRAME *exception_frame = emu_kernel_host(
      KeGetPcr()->emu, top - sizeof(KTRAP_FRAME) - KI_EXCEPTION_FRAME_ROOM, sizeof(KEXCEPTION_FRAME));
  if (!frame || !exception_frame)
    triple_fault(Thread);
  ULONG flags = (ULONG)Thread->cpu->rflags | (d.fault ? EFLAGS_RF : 0);
  ki_push_machine_frame(Thread, frame, d.rip, flags, !d.software && has_error_code(d.vector) ? d.error_code : 0);
  frame->FaultAddress = trap->fault_address;
  Thread->TrapFrame = frame;
  Thread->ExceptionFrame = exception_frame;
  ki_save_frames(Thread, frame, exception_frame, TRAP_EXCEPTION);
  TRACE(DBGKSIM_TRACE_TRAP_FRAME, handler->name, top - sizeof(KTRAP_FRAME), frame->Rip, frame->Rsp, frame->EFlags);
  handler->routine(frame, exception_frame);
}
