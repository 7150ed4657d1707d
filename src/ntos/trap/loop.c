/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user-mode loop: what a thread does between its start and its exit APC. */
#include "ntos/trap/internal.h"

#include <string.h>

/** User stack of a user APC: KiUserApcDispatcher finds the CONTEXT at rsp, its home slots holding the arguments. */
struct user_apc_frame {
  CONTEXT Context;
  CONTEXT_EX ContextEx;
  MACHINE_FRAME MachineFrame;
};

/* Writes a CONTEXT (and what follows it) below the user stack pointer; *at receives its address. */
static NTSTATUS push_context(const CONTEXT *context, ULONG64 *at)
{
  struct user_apc_frame frame;
  memset(&frame, 0, sizeof frame);
  frame.Context = *context;
  frame.ContextEx.All.Offset = -(LONG)sizeof(CONTEXT);
  frame.ContextEx.All.Length = sizeof(CONTEXT) + sizeof(CONTEXT_EX);
  frame.ContextEx.Legacy.Offset = -(LONG)sizeof(CONTEXT);
  frame.ContextEx.Legacy.Length = sizeof(CONTEXT);
  frame.MachineFrame.Rip = context->Rip;
  frame.MachineFrame.Rsp = context->Rsp;
  ULONG64 rsp = ((context->Rsp - sizeof(MACHINE_FRAME)) & ~0xFull) - offsetof(struct user_apc_frame, MachineFrame);
  *at = rsp;
  /* Not sizeof frame: its tail padding would reach the bytes at the old rsp. */
  return mm_user_write(rsp, &frame, offsetof(struct user_apc_frame, MachineFrame) + sizeof(MACHINE_FRAME));
}

static void current_context(KTHREAD *Thread, CONTEXT *context)
{
  memset(context, 0, sizeof *context);
  context->ContextFlags = CONTEXT_FULL | CONTEXT_SEGMENTS;
  KeContextFromKframes(Thread->TrapFrame, Thread->ExceptionFrame, Thread, context);
}

void ki_deliver_user_apc(KTHREAD *Thread)
{
  KAPC *apc = KeRemoveUserApc(Thread);
  if (!apc)
    return;
  CONTEXT context;
  ULONG64 rsp;
  current_context(Thread, &context);
  context.P1Home = apc->NormalContext;
  context.P2Home = apc->SystemArgument1;
  context.P3Home = apc->SystemArgument2;
  context.P4Home = apc->NormalRoutine;
  /* The arguments of a call as well, for dispatchers that take them so: (CONTEXT, 1, 2, 3, routine). */
  context.P5Home = apc->NormalRoutine;
  apc->KernelRoutine(apc);
  NTSTATUS status = push_context(&context, &rsp);
  ULONG64 dispatcher = trap_state()->user.KiUserApcDispatcher;
  TRACE(DBGKSIM_TRACE_USER_FRAME, "KiUserApcDispatcher", rsp, dispatcher, (ULONG)status, 0);
  if (!NT_SUCCESS(status)) {
    /* No stack for the frame: Windows raises the fault in the thread. */
    KiExceptionDispatch(Thread->TrapFrame, Thread->ExceptionFrame, status, Thread->TrapFrame->Rip, 2, 1, rsp, 0);
    return;
  }
  KTRAP_FRAME *f = Thread->TrapFrame;
  f->Rcx = rsp;
  f->Rdx = context.P1Home;
  f->R8 = context.P2Home;
  f->R9 = context.P3Home;
  f->Rsp = trap_state()->user.apc_dispatcher_is_called ? rsp - sizeof(ULONG64) : rsp;
  f->Rip = dispatcher;
  f->ExceptionActive = TRAP_INTERRUPT;
  f->EFlags &= ~EFLAGS_TF;
  KiSetupForInstrumentationReturn(f);
  /* More APCs follow when this one ends with NtContinue(.., TRUE). */
}

NTSTATUS KiInitializeUserThunk(ETHREAD *Thread, ULONG64 entry, ULONG64 argument)
{
  CONTEXT context;
  ULONG64 rsp;
  KTRAP_FRAME *f = Thread->Tcb.TrapFrame;
  current_context(&Thread->Tcb, &context);
  NTSTATUS status = push_context(&context, &rsp);
  if (!NT_SUCCESS(status))
    return status;
  f->Rcx = rsp;
  f->Rdx = argument;
  f->R8 = f->R9 = 0;
  /* As if it had been called: compilers count on the alignment that a function has behind its return address. */
  f->Rsp = rsp - sizeof(ULONG64);
  f->Rip = entry;
  f->EFlags &= ~EFLAGS_TF;
  KiSetupForInstrumentationReturn(f);
  return STATUS_SUCCESS;
}

/* Everything that happens between the kernel and user code: exit, suspension and freeze, user APCs. */
static void return_to_user_mode(KTHREAD *Thread)
{
  for (;;) {
    if (Thread->ApcPending[KernelMode])
      KiDeliverKernelApcs();
    if (KeThreadHeld(Thread)) {
      KiWaitWhileHeld();
      continue;
    }
    if (!Thread->ApcPending[UserMode])
      return;
    ki_deliver_user_apc(Thread);
  }
}

/* Single-step trap at the frame's Rip, with nothing executed. */
static void single_step_at_exit(KTHREAD *Thread)
{
  struct cpu_trap trap = {.kind = CPU_TRAP_EXCEPTION, .vector = 1};
  ki_restore_frames(Thread, Thread->TrapFrame, Thread->ExceptionFrame);
  Thread->cpu->dr[6] |= 1u << 14;
  ki_take_interrupt(Thread, &trap);
}

static void take_trap(KTHREAD *Thread, const struct cpu_trap *trap)
{
  if (trap->kind == CPU_TRAP_EXCEPTION) {
    ki_take_interrupt(Thread, trap);
    return;
  }
  if (trap->kind == CPU_TRAP_SYSCALL && ki_is_32_bit_code(Thread->cpu->cs)) {
    /* Intel's processors know the instruction in 64-bit code only. */
    const struct cpu_trap undefined = {.kind = CPU_TRAP_EXCEPTION, .vector = VECTOR_INVALID_OPCODE};
    ki_take_interrupt(Thread, &undefined);
    return;
  }
  if (trap->kind == CPU_TRAP_SYSCALL) {
    ki_system_call(Thread);
    return;
  }
  /* The quantum's end, the host's wish to stop, a failure of the engine: an interrupt between two instructions. */
  const struct ki_origin origin = ki_user_origin(Thread);
  Thread->TrapFrame = ki_frame_of(Thread);
  Thread->ExceptionFrame = (KEXCEPTION_FRAME *)((UCHAR *)Thread->TrapFrame - KI_EXCEPTION_FRAME_ROOM);
  ki_push_machine_frame(Thread->TrapFrame, &origin, 0);
  ki_save_frames(Thread, Thread->TrapFrame, Thread->ExceptionFrame, TRAP_INTERRUPT);
  if (trap->kind == CPU_TRAP_FAILED) {
    TRACE(DBGKSIM_TRACE_LOG, cpu_failure(Thread->cpu), Thread->cpu->rip, 0, 0, 0);
    ke_stop(KE_INTERNAL_ERROR);
  }
  KiQuantumEnd();
}

void trap_inject(ETHREAD *Thread, const struct cpu_trap *Trap)
{
  trap_state()->injected_thread = &Thread->Tcb;
  trap_state()->injected = *Trap;
}

static bool take_injected(const KTHREAD *Thread, struct cpu_trap *trap)
{
  struct trap_state *state = trap_state();
  if (__builtin_expect(state->injected_thread != Thread, 1))
    return false;
  *trap = state->injected;
  state->injected_thread = NULL;
  return true;
}

/* sysret with TF set traps before the next instruction, iretq behind it (spec/2.5). After NtContinue or with an APC the
 * frame is a service's no more. */
static bool steps_at_exit(const KTHREAD *Thread, const struct cpu_trap *entered_by)
{
  const KTRAP_FRAME *f = Thread->TrapFrame;
  return f->EFlags & EFLAGS_TF && f->ExceptionActive == TRAP_SERVICE && entered_by->kind == CPU_TRAP_SYSCALL;
}

_Noreturn void KiUserModeLoop(void)
{
  KTHREAD *thread = KeGetCurrentThread();
  struct cpu_trap trap = {.kind = CPU_TRAP_EXCEPTION};
  for (;;) {
    bool over = false;
    return_to_user_mode(thread);
    if (__builtin_expect(steps_at_exit(thread, &trap), 0)) {
      single_step_at_exit(thread);
      continue;
    }
    ki_restore_frames(thread, thread->TrapFrame, thread->ExceptionFrame);
    thread->TrapFrame = NULL;
    if (!take_injected(thread, &trap)) {
      cpu_run(thread->Process->space, thread->cpu, ke_block_allowance(&over), &trap);
      ke_charge_blocks(trap.blocks);
    }
    take_trap(thread, &trap);
    /* User code that traps in each block never comes to the end of what it may run. */
    if (over && (trap.kind == CPU_TRAP_EXCEPTION || trap.kind == CPU_TRAP_SYSCALL))
      KiQuantumEnd();
  }
}
