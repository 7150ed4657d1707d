/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_capture.h"
#include "ntos/svc/svc_process.h"
#include "ntos/trap/trap.h"

/* Integer, control... of x64, xstate, CET, and the marks that say where a context is from. */
#define VALID_CONTEXT_FLAGS                                                                                            \
  (CONTEXT_ALL | CONTEXT_XSTATE | 0x80u | 0x20000000u | CONTEXT_EXCEPTION_ACTIVE | CONTEXT_SERVICE_ACTIVE |            \
   CONTEXT_EXCEPTION_REQUEST | CONTEXT_EXCEPTION_REPORTING)

NTSTATUS svc_reference_thread(HANDLE Handle, ACCESS_MASK access, ETHREAD **Thread)
{
  void *object;
  NTSTATUS status = ObReferenceObjectByHandle(Handle, access, ob_types()->Thread, KeGetPreviousMode(), &object, NULL);
  if (!NT_SUCCESS(status))
    return status;
  *Thread = object;
  if (!(*Thread)->Tcb.native)
    return STATUS_SUCCESS;
  ObDereferenceObject(object);
  return STATUS_ACCESS_DENIED;
}

NTSTATUS NtOpenThread(ULONG64 ThreadHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG64 ClientId)
{
  return svc_open_by_client_id(ThreadHandle, DesiredAccess, ObjectAttributes, ClientId, ob_types()->Thread);
}

NTSTATUS NtGetNextThread(HANDLE ProcessHandle, HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                         ULONG Flags, ULONG64 NewThreadHandle)
{
  EPROCESS *process;
  void *thread = NULL;
  HANDLE handle;
  NTSTATUS status = svc_probe_handle(NewThreadHandle);
  if (!NT_SUCCESS(status))
    return status;
  if (Flags)
    return STATUS_INVALID_PARAMETER;
  status = svc_reference_process(ProcessHandle, PROCESS_QUERY_INFORMATION, &process);
  if (!NT_SUCCESS(status))
    return status;
  if (ThreadHandle)
    status = ObReferenceObjectByHandle(ThreadHandle, 0, ob_types()->Thread, KeGetPreviousMode(), &thread, NULL);
  if (NT_SUCCESS(status) && thread && PsThreadProcess(thread) != process) {
    ObDereferenceObject(thread);
    status = STATUS_INVALID_PARAMETER;
  }
  if (NT_SUCCESS(status)) {
    thread = PsGetNextProcessThread(process, thread);
    status = STATUS_NO_MORE_ENTRIES;
    if (thread) {
      status =
          ObOpenObjectByPointer(thread, HandleAttributes & OBJ_INHERIT, DesiredAccess, ob_types()->Thread, &handle);
      ObDereferenceObject(thread);
    }
  }
  ObDereferenceObject(process);
  if (NT_SUCCESS(status))
    svc_write_handle(NewThreadHandle, handle);
  return status;
}

/* ---- control ---- */

NTSTATUS NtTerminateThread(HANDLE ThreadHandle, NTSTATUS ExitStatus)
{
  ETHREAD *thread;
  if (!ThreadHandle) {
    thread = PsGetCurrentThread();
    if (thread->Tcb.native)
      return STATUS_ACCESS_DENIED;
    if (PsThreadProcess(thread)->ActiveThreads == 1)
      return STATUS_CANT_TERMINATE_SELF;
    return PspTerminateThreadByPointer(thread, ExitStatus);
  }
  NTSTATUS status = svc_reference_thread(ThreadHandle, THREAD_TERMINATE, &thread);
  if (!NT_SUCCESS(status))
    return status;
  status = PspTerminateThreadByPointer(thread, ExitStatus);
  ObDereferenceObject(thread);
  return status;
}

static NTSTATUS change_suspension(HANDLE handle, ULONG64 previous_address, NTSTATUS (*change)(ETHREAD *, ULONG *))
{
  ETHREAD *thread;
  ULONG previous = 0;
  NTSTATUS status = previous_address ? ProbeForWrite(previous_address, sizeof previous, 4) : STATUS_SUCCESS;
  if (NT_SUCCESS(status))
    status = svc_reference_thread(handle, THREAD_SUSPEND_RESUME, &thread);
  if (!NT_SUCCESS(status))
    return status;
  status = change(thread, &previous);
  ObDereferenceObject(thread);
  if (NT_SUCCESS(status) && previous_address)
    (void)mm_user_write(previous_address, &previous, sizeof previous);
  return status;
}

NTSTATUS NtSuspendThread(HANDLE ThreadHandle, ULONG64 PreviousSuspendCount)
{
  return change_suspension(ThreadHandle, PreviousSuspendCount, PsSuspendThread);
}

NTSTATUS NtResumeThread(HANDLE ThreadHandle, ULONG64 PreviousSuspendCount)
{
  return change_suspension(ThreadHandle, PreviousSuspendCount, PsResumeThread);
}

/* ---- contexts ---- */

static NTSTATUS capture_context(ULONG64 address, CONTEXT *context)
{
  NTSTATUS status = mm_user_read(context, address, sizeof *context);
  if (!NT_SUCCESS(status))
    return status;
  if (!(context->ContextFlags & CONTEXT_AMD64) || (context->ContextFlags & ~VALID_CONTEXT_FLAGS))
    return STATUS_INVALID_PARAMETER;
  return STATUS_SUCCESS;
}

NTSTATUS NtGetContextThread(HANDLE ThreadHandle, ULONG64 ThreadContext)
{
  ETHREAD *thread;
  CONTEXT context;
  NTSTATUS status = svc_reference_thread(ThreadHandle, THREAD_GET_CONTEXT, &thread);
  if (!NT_SUCCESS(status))
    return status;
  status = ProbeForWrite(ThreadContext, sizeof context, 16);
  if (NT_SUCCESS(status))
    status = capture_context(ThreadContext, &context);
  if (NT_SUCCESS(status))
    status = PsGetContextThread(thread, &context);
  ObDereferenceObject(thread);
  return NT_SUCCESS(status) ? mm_user_write(ThreadContext, &context, sizeof context) : status;
}

NTSTATUS NtSetContextThread(HANDLE ThreadHandle, ULONG64 ThreadContext)
{
  ETHREAD *thread;
  CONTEXT context;
  NTSTATUS status = svc_reference_thread(ThreadHandle, THREAD_SET_CONTEXT, &thread);
  if (!NT_SUCCESS(status))
    return status;
  status = ProbeForRead(ThreadContext, sizeof context, 16);
  if (NT_SUCCESS(status))
    status = capture_context(ThreadContext, &context);
  if (NT_SUCCESS(status))
    status = PsSetContextThread(thread, &context);
  ObDereferenceObject(thread);
  return status;
}

SVC_THUNK_4(NtOpenThread, ULONG64, ACCESS_MASK, ULONG64, ULONG64)
SVC_THUNK_6(NtGetNextThread, HANDLE, HANDLE, ACCESS_MASK, ULONG, ULONG, ULONG64)
SVC_THUNK_2(NtTerminateThread, HANDLE, NTSTATUS)
SVC_THUNK_2(NtSuspendThread, HANDLE, ULONG64)
SVC_THUNK_2(NtResumeThread, HANDLE, ULONG64)
SVC_THUNK_2(NtGetContextThread, HANDLE, ULONG64)
SVC_THUNK_2(NtSetContextThread, HANDLE, ULONG64)

const struct svc_entry svc_thread_table[] = {
    SVC(NtOpenThread, 4),       SVC(NtGetNextThread, 6),    SVC(NtTerminateThread, 2),
    SVC(NtSuspendThread, 2),    SVC(NtResumeThread, 2),     SVC(NtGetContextThread, 2),
    SVC(NtSetContextThread, 2), {NULL, NULL, 0},
};
