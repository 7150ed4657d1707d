/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suspend, freeze, and the marks that end threads and processes. */
#include "ntos/ps/internal.h"

NTSTATUS PsSuspendThread(ETHREAD *Thread, ULONG *PreviousSuspendCount)
{
  ke_race_point();
  if (Thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_TERMINATED)
    return STATUS_THREAD_IS_TERMINATING;
  LONG previous = KeSuspendThread(&Thread->Tcb);
  if (previous < 0)
    return STATUS_SUSPEND_COUNT_EXCEEDED;
  if (PreviousSuspendCount)
    *PreviousSuspendCount = (ULONG)previous;
  return STATUS_SUCCESS;
}

NTSTATUS PsResumeThread(ETHREAD *Thread, ULONG *PreviousSuspendCount)
{
  LONG previous = KeResumeThread(&Thread->Tcb);
  if (PreviousSuspendCount)
    *PreviousSuspendCount = (ULONG)previous;
  return STATUS_SUCCESS;
}

NTSTATUS PsSuspendProcess(EPROCESS *Process)
{
  for (ETHREAD *t = PsGetNextProcessThread(Process, NULL); t; t = PsGetNextProcessThread(Process, t))
    PsSuspendThread(t, NULL);
  return STATUS_SUCCESS;
}

NTSTATUS PsResumeProcess(EPROCESS *Process)
{
  for (ETHREAD *t = PsGetNextProcessThread(Process, NULL); t; t = PsGetNextProcessThread(Process, t))
    PsResumeThread(t, NULL);
  return STATUS_SUCCESS;
}

ULONG PsFreezeProcess(EPROCESS *Process)
{
  ULONG frozen = 0;
  Process->Pcb.FreezeCount++;
  for (LIST_ENTRY *e = Process->ThreadListHead.Flink; e != &Process->ThreadListHead; e = e->Flink) {
    ETHREAD *thread = CONTAINING_RECORD(e, ETHREAD, ThreadListEntry);
    if (&thread->Tcb == KeGetCurrentThread())
      continue;
    KeFreezeThread(&thread->Tcb);
    frozen++;
  }
  return frozen;
}

void PsThawProcess(EPROCESS *Process)
{
  Process->Pcb.FreezeCount--;
  for (LIST_ENTRY *e = Process->ThreadListHead.Flink, *next; e != &Process->ThreadListHead; e = next) {
    ETHREAD *thread = CONTAINING_RECORD(e, ETHREAD, ThreadListEntry);
    next = e->Flink;
    if (&thread->Tcb != KeGetCurrentThread())
      KeThawThread(&thread->Tcb);
  }
}

void ps_set_exit_routine(PKKERNEL_ROUTINE routine) { ps_state()->exit_routine = routine; }

void ps_set_critical_routine(PPS_CRITICAL_ROUTINE routine) { ps_state()->critical_routine = routine; }

static bool catches_critical(void)
{
  return ps_state()->critical_routine && !PsGetCurrentThread()->Tcb.native;
}

void ps_catch_critical_process(EPROCESS *Process, bool Exited)
{
  if (!(Process->Flags & PS_PROCESS_FLAGS_BREAK_ON_TERMINATION) || !catches_critical())
    return;
  Process->Flags &= ~PS_PROCESS_FLAGS_BREAK_ON_TERMINATION;
  ps_state()->critical_routine(Process, NULL, Exited);
}

void ps_catch_critical_thread(ETHREAD *Thread, bool Exited)
{
  if (!(Thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_BREAK_ON_TERMINATION) || !catches_critical())
    return;
  Thread->CrossThreadFlags &= ~PS_CROSS_THREAD_FLAGS_BREAK_ON_TERMINATION;
  ps_state()->critical_routine(PsThreadProcess(Thread), Thread, Exited);
}

NTSTATUS PspTerminateThreadByPointer(ETHREAD *Thread, NTSTATUS ExitStatus)
{
  if (Thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_TERMINATED)
    return STATUS_SUCCESS;
  ps_catch_critical_thread(Thread, false);
  Thread->CrossThreadFlags |= PS_CROSS_THREAD_FLAGS_TERMINATED;
  Thread->ExitStatus = ExitStatus;
  Thread->ended_by_other = Thread != PsGetCurrentThread();
  TRACE(DBGKSIM_TRACE_TERMINATE, "thread", (ULONG)ExitStatus, Thread->Cid.UniqueThread, 0, 0);
  /* Nothing holds a thread back from its end: neither suspension nor a freeze (KeForceResumeThread). */
  Thread->Tcb.apc_exit_queued = TRUE;
  KeInitializeApc(&Thread->exit_apc, &Thread->Tcb, ps_state()->exit_routine, 0, KernelMode, 0);
  KeInsertQueueApc(&Thread->exit_apc, 0, 0);
  return STATUS_SUCCESS;
}

NTSTATUS PsTerminateProcess(EPROCESS *Process, NTSTATUS ExitStatus)
{
  if (Process->Flags & PS_PROCESS_FLAGS_PROCESS_DELETE)
    return STATUS_PROCESS_IS_TERMINATING;
  ps_catch_critical_process(Process, false);
  Process->Flags |= PS_PROCESS_FLAGS_PROCESS_DELETE;
  if (Process->ExitStatus == STATUS_PENDING)
    Process->ExitStatus = ExitStatus;
  TRACE(DBGKSIM_TRACE_TERMINATE, "process", (ULONG)ExitStatus, Process->UniqueProcessId, 0, 0);
  for (ETHREAD *t = PsGetNextProcessThread(Process, NULL); t; t = PsGetNextProcessThread(Process, t))
    PspTerminateThreadByPointer(t, ExitStatus);
  return STATUS_SUCCESS;
}

NTSTATUS PsChargeProcessPoolQuota(EPROCESS *Process, size_t size)
{
  if (size > Process->PoolQuotaLimit - Process->PoolQuotaUsage)
    return STATUS_QUOTA_EXCEEDED;
  Process->PoolQuotaUsage += size;
  return STATUS_SUCCESS;
}

void PsReturnPoolQuota(EPROCESS *Process, size_t size) { Process->PoolQuotaUsage -= size; }

NTSTATUS PspSetExceptionPort(EPROCESS *Process, LPCP_PORT_OBJECT *Port)
{
  if (Process->Flags & PS_PROCESS_FLAGS_PROCESS_EXITING)
    return STATUS_PROCESS_IS_TERMINATING;
  if (Process->ExceptionPort)
    return STATUS_PORT_ALREADY_SET;
  ObReferenceObject(Port);
  Process->ExceptionPort = Port;
  return STATUS_SUCCESS;
}

LPCP_PORT_OBJECT *PsCaptureExceptionPort(EPROCESS *Process)
{
  if (Process->ExceptionPort)
    ObReferenceObject(Process->ExceptionPort);
  return Process->ExceptionPort;
}

void PspReleaseExceptionPort(EPROCESS *Process)
{
  LPCP_PORT_OBJECT *port = Process->ExceptionPort;
  Process->ExceptionPort = NULL;
  if (port)
    ObDereferenceObject(port);
}

void PsSetProcessFaultInformation(EPROCESS *Process, NTSTATUS ExceptionCode) { Process->fault_status = ExceptionCode; }
