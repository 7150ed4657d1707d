/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a thread starts in its own context, and how threads and processes end (spec/3.6). */
#include "ntos/life/internal.h"

#include "dbgk/dbgk.h"

void PspUserThreadStartup(void *StartContext)
{
  ETHREAD *thread = StartContext;
  /* A thread that was created suspended tells of itself when it is first resumed (spec/4.5). */
  KiWaitWhileHeld();
  TRACE(DBGKSIM_TRACE_THREAD, NULL, thread->Cid.UniqueThread, 1, 0, 0);
  if (thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_TERMINATED) {
    /* Its creation was never reported (fact 11). */
    thread->CrossThreadFlags |= PS_CROSS_THREAD_FLAGS_SKIP_TERMINATION_MSG;
    PspExitThread(thread->ExitStatus);
  }
  DbgkCreateThread(thread);
  NTSTATUS status =
      KiInitializeUserThunk(thread, trap_entry_points()->LdrInitializeThunk, life_state()->ntdll_base);
  if (!NT_SUCCESS(status))
    PspTerminateThreadByPointer(thread, status);
  KiUserModeLoop();
}

/* Another thread of the process that has not ended; referenced. */
static ETHREAD *other_thread(EPROCESS *process, const ETHREAD *self)
{
  for (LIST_ENTRY *e = process->ThreadListHead.Flink; e != &process->ThreadListHead; e = e->Flink) {
    ETHREAD *thread = CONTAINING_RECORD(e, ETHREAD, ThreadListEntry);
    if (thread != self && thread->Tcb.Header.SignalState <= 0) {
      ObReferenceObject(thread);
      return thread;
    }
  }
  return NULL;
}

/* Runs on another stack, when the thread's own is free. */
static void thread_reaped(KTHREAD *Thread)
{
  ETHREAD *thread = (ETHREAD *)Thread;
  KiDeleteContextThread(thread);
  PspRemoveThread(thread);
}

/* The thread that connected to the debug subsystem has the debug object's handle in its TEB, and takes it along: with
 * kill-on-close its debuggees end (spec/5 fact 33). */
static void close_debug_handle(const ETHREAD *thread)
{
  HANDLE handle = 0;
  if (!thread->Tcb.Teb)
    return;
  if (NT_SUCCESS(mm_user_read(&handle, thread->Tcb.Teb + TEB_DBG_SS_RESERVED_1, sizeof handle)) && handle)
    ObCloseHandle(handle, UserMode);
}

static void abandon_mutants(KTHREAD *thread)
{
  while (!IsListEmpty(&thread->MutantListHead)) {
    KMUTANT *mutant = CONTAINING_RECORD(thread->MutantListHead.Flink, KMUTANT, MutantListEntry);
    KeReleaseMutant(mutant, TRUE, NULL);
  }
}

/* The last thread's part: handles, the debug port, the process object. */
static void exit_process(EPROCESS *process)
{
  ObKillProcess(process);
  ExWaitForRundownProtectionRelease(&process->RundownProtect);
  DbgkClearProcessDebugObject(process, NULL);
  /* Not when the object goes, as on Windows: that may be between two threads, where the end of a port must not wait. */
  PspReleaseExceptionPort(process);
  process->Peb = 0;
  /* Not when the object goes: whoever keeps a handle would keep the memory, and the engine from its next user. */
  MmCleanProcessAddressSpace(process);
  TRACE(DBGKSIM_TRACE_PROCESS, process->ImageFileName, process->UniqueProcessId, 0, (ULONG)process->ExitStatus, 0);
  ke_signal_forever(&process->Pcb.Header);
  PspRemoveProcess(process);
}

/* What a thread that is not the last leaves in its process: its stack and TEB are freed. */
static void free_thread_memory(EPROCESS *process, ETHREAD *thread)
{
  ULONG64 size = 0, base = thread->stack_allocation;
  if (!process->Vm)
    return;
  if (base)
    MmFreeVirtualMemory(process, &base, &size, MEM_RELEASE);
  /* Wine's loader keeps its threads' TEBs in a list that only an exit of their own leaves. */
  if (thread->ended_by_other && life_userland()->unix_call_slot)
    return;
  size = 0;
  base = thread->Tcb.Teb;
  MmFreeVirtualMemory(process, &base, &size, MEM_RELEASE);
  thread->Tcb.Teb = 0;
}

_Noreturn void PspExitThread(NTSTATUS ExitStatus)
{
  ETHREAD *thread = PsGetCurrentThread();
  EPROCESS *process = PsThreadProcess(thread);
  thread->CrossThreadFlags |= PS_CROSS_THREAD_FLAGS_TERMINATED;
  thread->Tcb.apc_exit_queued = TRUE;
  thread->ExitStatus = ExitStatus;
  ke_race_point();
  /* A thread that an attach has caught can not go before the attach commits. */
  ExWaitForRundownProtectionRelease(&thread->RundownProtect);
  ke_race_point();

  bool last = --process->ActiveThreads == 0;
  if (last) {
    process->Flags |= PS_PROCESS_FLAGS_PROCESS_EXITING;
    if (process->ExitStatus == STATUS_PENDING)
      process->ExitStatus = ExitStatus;
    for (ETHREAD *other; (other = other_thread(process, thread)) != NULL; ObDereferenceObject(other))
      KeWaitForSingleObject(other, Executive, KernelMode, FALSE, NULL);
    DbgkExitProcess(process->ExitStatus);
  } else {
    DbgkExitThread(ExitStatus);
  }
  ps_catch_critical_thread(thread, true);
  if (last)
    ps_catch_critical_process(process, true);
  close_debug_handle(thread);
  abandon_mutants(&thread->Tcb);
  KeFlushUserApcs(&thread->Tcb);
  TRACE(DBGKSIM_TRACE_THREAD, NULL, thread->Cid.UniqueThread, 0, (ULONG)ExitStatus, 0);
  if (last)
    exit_process(process);
  else
    free_thread_memory(process, thread);
  KeTerminateThread(thread_reaped);
}
