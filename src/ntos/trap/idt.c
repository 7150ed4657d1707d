/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Delivery of an event, as the processor does it (spec/1.1): gate and privilege checks, the stack of the TSS, the
 * machine frame; double and triple faults as outcomes. */
#include "ntos/trap/internal.h"

#define VECTOR_INVALID_TSS 10u
#define VECTOR_SEGMENT_NOT_PRESENT 11u
#define ERROR_CODE_EXTERNAL 1u
#define ERROR_CODE_IDT 2u
#define IST_COUNT 7
#define FRAMES_SIZE (sizeof(KTRAP_FRAME) + KI_EXCEPTION_FRAME_ROOM)

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
  trap->idt_limit = KI_IDT_LIMIT;
  trap->next_slot = KI_SLOTS_ADDRESS;
  trap->lstar = KI_SYSTEM_CALL_64;
  trap->cstar = KI_SYSTEM_CALL_32;
  trap->sysenter_eip = KI_FAST_CALL_ENTRY;
  trap->star = 0x0023001000000000ull;
  trap->sfmask = EFLAGS_TF | EFLAGS_IF | EFLAGS_DF | EFLAGS_NT;
  for (unsigned v = 0; v < KI_IDT_GATES; v++) {
    const struct dbgksim_gate gate = {
        .offset = ki_handler_address(v),
        .selector = KGDT64_R0_CODE,
        .ist = v == 2 ? 3 : v == VECTOR_DOUBLE_FAULT ? 1 : v == 18 ? 2 : 0,
        .type = IDT_INTERRUPT_GATE,
        .dpl = open_to_user_mode(v) ? 3 : 0,
        .present = true,
    };
    KiSetGate(v, &gate);
  }
  KTSS64 *tss = emu_kernel_host(KeGetPcr()->emu, KI_TSS_ADDRESS, sizeof *tss);
  for (unsigned i = 1; i <= IST_COUNT; i++)
    tss->Ist[i] = KI_IST_STACKS + i * KI_IST_STACK_SIZE;
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
  const struct ki_origin *origin;
  unsigned vector;
  bool software; /**< DPL is checked; no error code; Rip is after the instruction */
  bool fault;    /**< RF is set in the pushed flags (not for #DB) */
  ULONG64 rip, error_code, fault_address;
  struct dbgksim_gate gate;
  ULONG64 stack; /**< where the frame begins, its high end */
};

/* A fault that the delivery of an event gives. */
struct refusal {
  unsigned vector; /**< 0: none */
  ULONG64 error_code;
  const char *why;
};

static struct refusal check_gate(struct delivery *d)
{
  const ULONG64 external = d->software ? 0 : ERROR_CODE_EXTERNAL;
  const ULONG64 entry = d->vector * 8ull + ERROR_CODE_IDT + external;
  if (d->vector * sizeof(KIDTENTRY64) + sizeof(KIDTENTRY64) - 1 > trap_state()->idt_limit)
    return (struct refusal){VECTOR_GENERAL_PROTECTION, entry, "past the limit"};
  KiGetGate(d->vector, &d->gate);
  if (d->gate.type != IDT_INTERRUPT_GATE && d->gate.type != IDT_TRAP_GATE)
    return (struct refusal){VECTOR_GENERAL_PROTECTION, entry, "no gate"};
  if (d->software && (d->origin->SegCs & 3u) > d->gate.dpl)
    return (struct refusal){VECTOR_GENERAL_PROTECTION, entry, "the gate's DPL is too low"};
  if (!d->gate.present)
    return (struct refusal){VECTOR_SEGMENT_NOT_PRESENT, entry, "not present"};
  if ((d->gate.selector & ~7u) != KGDT64_R0_CODE)
    return (struct refusal){VECTOR_GENERAL_PROTECTION, (d->gate.selector & 0xFFFCu) + external,
                            "its selector is no kernel code"};
  if ((ULONG64)((LONG64)(d->gate.offset << 16) >> 16) != d->gate.offset)
    return (struct refusal){VECTOR_GENERAL_PROTECTION, external, "it leads to a non-canonical address"};
  return (struct refusal){0};
}

/* Picks the stack and looks whether the frame can be pushed. */
static struct refusal check_stack(KTHREAD *Thread, struct delivery *d)
{
  KTSS64 *tss = emu_kernel_host(KeGetPcr()->emu, KI_TSS_ADDRESS, sizeof *tss);
  tss->Rsp0 = Thread->InitialStack;
  d->stack = (d->gate.ist ? tss->Ist[d->gate.ist] : d->origin->SegCs & 3 ? tss->Rsp0 : d->origin->Rsp) & ~0xFull;
  /* Each kernel stack is one page; what lies below it counts as its guard page. */
  _Static_assert(KI_SLOT_SIZE == KI_IST_STACK_SIZE, "one size of kernel stack");
  ULONG64 bottom = (d->stack - 1) & ~(ULONG64)(KI_SLOT_SIZE - 1);
  if (d->stack - bottom < FRAMES_SIZE) {
    d->fault_address = bottom - sizeof(ULONG64);
    return (struct refusal){VECTOR_PAGE_FAULT, PF_WRITE, "the kernel stack is used up"};
  }
  return (struct refusal){0};
}

/* Where a fault of the delivery is reported. Rip is after a software interrupt: INT3 (CC) and INTO (CE) are one byte,
 * CD nn two. */
static ULONG64 faulting_instruction(unsigned vector, ULONG64 rip)
{
  UCHAR last = 0;
  if (!NT_SUCCESS(mm_user_read(&last, rip - 1, 1)))
    return rip - 2;
  return (vector == 3 && last == 0xCC) || (vector == 4 && last == 0xCE) ? rip - 1 : rip - 2;
}

/* Turns the event into the fault of its own delivery. False: triple fault. */
static bool fault_in_delivery(struct delivery *d, const struct refusal *refusal)
{
  TRACE(DBGKSIM_TRACE_GATE_FAULT, refusal->why, d->vector, refusal->vector, refusal->error_code, 0);
  if (d->vector == VECTOR_DOUBLE_FAULT && !d->software)
    return false;
  /* Whatever refuses contributes or is #PF itself: behind a #PF it always is the second one. */
  bool to_double = !d->software && (d->vector == VECTOR_PAGE_FAULT ||
                                    (is_contributory(d->vector) && is_contributory(refusal->vector)));
  if (d->software)
    d->rip = faulting_instruction(d->vector, d->rip);
  d->vector = to_double ? VECTOR_DOUBLE_FAULT : refusal->vector;
  d->error_code = to_double ? 0 : refusal->error_code;
  d->software = false;
  d->fault = true;
  return true;
}

static _Noreturn void kernel_fetch_fault(KTHREAD *Thread, ULONG64 rip, ULONG64 stack);

static void deliver(KTHREAD *Thread, struct delivery *d)
{
  for (;;) {
    struct refusal refusal = check_gate(d);
    if (!refusal.vector)
      refusal = check_stack(Thread, d);
    if (!refusal.vector)
      break;
    if (!fault_in_delivery(d, &refusal))
      ki_triple_fault(d->origin->Rip);
  }
  const struct ki_handler *handler = ki_handler_at(d->gate.offset);
  if (trace_on(DBGKSIM_TRACE_GATE))
    trace_emit(DBGKSIM_TRACE_GATE, handler ? handler->name : "no code", d->vector, d->gate.dpl, d->gate.offset,
               d->software, d->gate.ist, 0);
  ULONG64 at = d->stack - sizeof(KTRAP_FRAME);
  KTRAP_FRAME *frame = emu_kernel_host(KeGetPcr()->emu, at, sizeof(KTRAP_FRAME));
  KEXCEPTION_FRAME *exception_frame =
      emu_kernel_host(KeGetPcr()->emu, at - KI_EXCEPTION_FRAME_ROOM, sizeof(KEXCEPTION_FRAME));
  struct ki_origin origin = *d->origin;
  origin.Rip = d->rip;
  origin.EFlags |= d->fault ? EFLAGS_RF : 0;
  ki_push_machine_frame(frame, &origin, !d->software && has_error_code(d->vector) ? d->error_code : 0);
  frame->FaultAddress = d->fault_address;
  Thread->TrapFrame = frame;
  Thread->ExceptionFrame = exception_frame;
  ki_save_frames(Thread, frame, exception_frame, TRAP_EXCEPTION);
  if (!handler)
    kernel_fetch_fault(Thread, d->gate.offset, at - KI_EXCEPTION_FRAME_ROOM);
  TRACE(DBGKSIM_TRACE_TRAP_FRAME, handler->name, at, frame->Rip, frame->Rsp, frame->EFlags);
  handler->routine(frame, exception_frame);
}

/* The gate leads to where no kernel code is: the processor has entered the kernel and faults there, again and again if
 * somebody should say that this was handled. */
static _Noreturn void kernel_fetch_fault(KTHREAD *Thread, ULONG64 rip, ULONG64 stack)
{
  const struct ki_origin origin = {rip, stack, EFLAGS_ALWAYS, KGDT64_R0_CODE, KGDT64_R0_DATA};
  while (++Thread->kernel_traps <= KI_MAX_KERNEL_TRAPS) {
    struct delivery d = {.origin = &origin,
                         .vector = VECTOR_PAGE_FAULT,
                         .fault = true,
                         .rip = rip,
                         .error_code = PF_FETCH,
                         .fault_address = rip};
    TRACE(DBGKSIM_TRACE_TRAP, NULL, d.vector, d.rip, d.error_code, rip);
    deliver(Thread, &d);
  }
  ki_triple_fault(rip);
}

static void take(KTHREAD *Thread, const struct cpu_trap *trap, const struct ki_origin *origin)
{
  struct delivery d = {
      .origin = origin,
      .vector = trap->vector,
      .software = trap->software,
      .fault = !trap->software && !trap->icebp && trap->vector != VECTOR_DEBUG,
      .rip = origin->Rip,
      .error_code = trap->has_error_code ? trap->error_code : 0,
      .fault_address = trap->fault_address,
  };
  TRACE(DBGKSIM_TRACE_TRAP, NULL, d.vector, d.rip, d.error_code, trap->fault_address);
  deliver(Thread, &d);
}

void ki_take_interrupt(KTHREAD *Thread, const struct cpu_trap *trap)
{
  const struct ki_origin origin = ki_user_origin(Thread);
  take(Thread, trap, &origin);
}

bool trap_in_kernel_mode(ULONG Vector, bool Software, ULONG ErrorCode, ULONG64 FaultAddress, ULONG64 Rip,
                         KTRAP_FRAME *After)
{
  KTHREAD *thread = KeGetCurrentThread();
  KTRAP_FRAME *outer = thread->TrapFrame;
  KEXCEPTION_FRAME *outer_exception = thread->ExceptionFrame;
  if (!outer)
    return false;
  const struct cpu_trap trap = {.vector = (uint8_t)Vector,
                                .software = Software,
                                .has_error_code = true,
                                .error_code = ErrorCode,
                                .fault_address = FaultAddress};
  const struct ki_origin origin = {Rip, ki_kernel_stack_pointer(), EFLAGS_IF | EFLAGS_ALWAYS, KGDT64_R0_CODE,
                                   KGDT64_R0_DATA};
  if (++thread->kernel_traps > KI_MAX_KERNEL_TRAPS)
    ki_triple_fault(Rip);
  take(thread, &trap, &origin);
  thread->kernel_traps--;
  if (After)
    *After = *thread->TrapFrame;
  thread->TrapFrame = outer;
  thread->ExceptionFrame = outer_exception;
  return true;
}
