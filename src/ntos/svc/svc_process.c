/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/svc/svc_process.h"
#include "dbgk/dbgk.h"
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_capture.h"

NTSTATUS svc_reference_process(HANDLE Handle, ACCESS_MASK access, EPROCESS **Process)
{
  void *object;
  *Process = NULL;
  NTSTATUS status = ObReferenceObjectByHandle(Handle, access, ob_types()->Process, KeGetPreviousMode(), &object, NULL);
  if (!NT_SUCCESS(status))
    return status;
  *Process = object;
  if (!(*Process)->native)
    return STATUS_SUCCESS;
  ObDereferenceObject(object);
  return STATUS_ACCESS_DENIED;
}

static NTSTATUS terminate_other_threads(NTSTATUS ExitStatus)
{
  EPROCESS *process = PsGetCurrentProcess();
  if (process->native)
    return STATUS_ACCESS_DENIED;
  for (ETHREAD *t = PsGetNextProcessThread(process, NULL); t; t = PsGetNextProcessThread(process, t))
    if (t != PsGetCurrentThread())
      PspTerminateThreadByPointer(t, ExitStatus);
  KeYieldExecution();
  return STATUS_SUCCESS;
}

NTSTATUS NtTerminateProcess(HANDLE ProcessHandle, NTSTATUS ExitStatus)
{
  EPROCESS *process;
  if (!ProcessHandle)
    return terminate_other_threads(ExitStatus);
  NTSTATUS status = svc_reference_process(ProcessHandle, PROCESS_TERMINATE, &process);
  if (!NT_SUCCESS(status))
    return status;
  /* The debugger that ends its debuggee does not want the events of that. */
  if (ExitStatus == DBG_TERMINATE_PROCESS && process != PsGetCurrentProcess())
    DbgkClearProcessDebugObject(process, NULL);
  status = PsTerminateProcess(process, ExitStatus);
  /* No thread will ever close them. */
  if (NT_SUCCESS(status) && process->threadless)
    ObKillProcess(process);
  ObDereferenceObject(process);
  return status;
}

/* Native processes and threads are opened for a look only, but by their own. */
static bool may_open(const EPROCESS *process, const OBJECT_TYPE *type, ACCESS_MASK DesiredAccess)
{
  ACCESS_MASK look = type == ob_types()->Process ? PROCESS_QUERY_LIMITED_INFORMATION : THREAD_QUERY_LIMITED_INFORMATION;
  return !process->native || process == PsGetCurrentProcess() ||
         !(ob_map_access(type, DesiredAccess) & ~(look | SYNCHRONIZE));
}

/* The process or thread that an id names; a process may be named by one of its threads. */
static NTSTATUS look_up(const CLIENT_ID *id, const OBJECT_TYPE *type, void **object)
{
  EPROCESS *process;
  ETHREAD *thread;
  if (type == ob_types()->Process && !id->UniqueThread) {
    NTSTATUS status = PsLookupProcessByProcessId(id->UniqueProcess, &process);
    *object = process;
    return status;
  }
  NTSTATUS status = PsLookupThreadByThreadId(id->UniqueThread, &thread);
  if (!NT_SUCCESS(status))
    return status;
  if (id->UniqueProcess && id->UniqueProcess != thread->Cid.UniqueProcess) {
    ObDereferenceObject(thread);
    return STATUS_INVALID_CID;
  }
  *object = thread;
  if (type == ob_types()->Process) {
    *object = PsThreadProcess(thread);
    ObReferenceObject(*object);
    ObDereferenceObject(thread);
  }
  return STATUS_SUCCESS;
}

NTSTATUS svc_open_by_client_id(ULONG64 HandleAddress, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                               ULONG64 ClientId, OBJECT_TYPE *Type)
{
  struct svc_object_attributes attributes;
  CLIENT_ID id;
  void *object;
  HANDLE handle;
  NTSTATUS status = svc_probe_handle(HandleAddress);
  if (NT_SUCCESS(status))
    status = ClientId ? ProbeForRead(ClientId, sizeof id, 4) : STATUS_INVALID_PARAMETER_MIX;
  if (NT_SUCCESS(status))
    status = mm_user_read(&id, ClientId, sizeof id);
  if (NT_SUCCESS(status))
    status = svc_capture_object_attributes(ObjectAttributes, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  status = attributes.name ? STATUS_INVALID_PARAMETER_MIX : look_up(&id, Type, &object);
  if (NT_SUCCESS(status)) {
    const EPROCESS *process = Type == ob_types()->Process ? object : PsThreadProcess(object);
    status = may_open(process, Type, DesiredAccess)
                 ? ObOpenObjectByPointer(object, attributes.Attributes, DesiredAccess, Type, &handle)
                 : STATUS_ACCESS_DENIED;
    ObDereferenceObject(object);
  }
  svc_release_object_attributes(&attributes);
  if (NT_SUCCESS(status))
    svc_write_handle(HandleAddress, handle);
  return status;
}

NTSTATUS NtOpenProcess(ULONG64 ProcessHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG64 ClientId)
{
  return svc_open_by_client_id(ProcessHandle, DesiredAccess, ObjectAttributes, ClientId, ob_types()->Process);
}

NTSTATUS NtGetNextProcess(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Flags,
                          ULONG64 NewProcessHandle)
{
  void *process = NULL;
  HANDLE handle;
  NTSTATUS status = svc_probe_handle(NewProcessHandle);
  if (!NT_SUCCESS(status))
    return status;
  if (Flags)
    return STATUS_INVALID_PARAMETER;
  if (ProcessHandle)
    status = ObReferenceObjectByHandle(ProcessHandle, 0, ob_types()->Process, KeGetPreviousMode(), &process, NULL);
  if (!NT_SUCCESS(status))
    return status;
  do {
    process = PsGetNextProcess(process);
  } while (process && !may_open(process, ob_types()->Process, DesiredAccess));
  if (!process)
    return STATUS_NO_MORE_ENTRIES;
  status = ObOpenObjectByPointer(process, HandleAttributes & OBJ_INHERIT, DesiredAccess, ob_types()->Process, &handle);
  ObDereferenceObject(process);
  if (NT_SUCCESS(status))
    svc_write_handle(NewProcessHandle, handle);
  return status;
}

NTSTATUS NtIsProcessInJob(HANDLE ProcessHandle, HANDLE JobHandle)
{
  void *process;
  NTSTATUS status = svc_reference_for_query(ProcessHandle, ob_types()->Process, PROCESS_QUERY_INFORMATION,
                                            PROCESS_QUERY_LIMITED_INFORMATION, &process);
  if (!NT_SUCCESS(status))
    return status;
  ObDereferenceObject(process);
  return JobHandle ? STATUS_INVALID_HANDLE : STATUS_PROCESS_NOT_IN_JOB;
}

static NTSTATUS change_suspension(HANDLE handle, NTSTATUS (*change)(EPROCESS *))
{
  EPROCESS *process;
  NTSTATUS status = svc_reference_process(handle, PROCESS_SUSPEND_RESUME, &process);
  if (!NT_SUCCESS(status))
    return status;
  status = change(process);
  ObDereferenceObject(process);
  return status;
}

NTSTATUS NtSuspendProcess(HANDLE ProcessHandle) { return change_suspension(ProcessHandle, PsSuspendProcess); }

NTSTATUS NtResumeProcess(HANDLE ProcessHandle) { return change_suspension(ProcessHandle, PsResumeProcess); }

SVC_THUNK_2(NtTerminateProcess, HANDLE, NTSTATUS)
SVC_THUNK_4(NtOpenProcess, ULONG64, ACCESS_MASK, ULONG64, ULONG64)
SVC_THUNK_5(NtGetNextProcess, HANDLE, ACCESS_MASK, ULONG, ULONG, ULONG64)
SVC_THUNK_2(NtIsProcessInJob, HANDLE, HANDLE)
SVC_THUNK_1(NtSuspendProcess, HANDLE)
SVC_THUNK_1(NtResumeProcess, HANDLE)

const struct svc_entry svc_process_table[] = {
    SVC(NtTerminateProcess, 2), SVC(NtOpenProcess, 4),   SVC(NtGetNextProcess, 5), SVC(NtIsProcessInJob, 2),
    SVC(NtSuspendProcess, 1),   SVC(NtResumeProcess, 1), {NULL, NULL, 0},
};
