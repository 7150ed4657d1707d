/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/ke/ke.h"
#include "ntos/life/life.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_capture.h"
#include "ntos/svc/svc_process.h"
#include "ntos/trap/trap.h"

#define VALID_CREATE_FLAGS 0x7Fu
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

/* ---- attribute lists ---- */

NTSTATUS svc_capture_attributes(ULONG64 list, struct svc_attribute attributes[SVC_MAX_ATTRIBUTES], ULONG *count)
{
  ULONG64 total;
  *count = 0;
  if (!list)
    return STATUS_SUCCESS;
  NTSTATUS status = ProbeForRead(list, sizeof total, 8);
  if (NT_SUCCESS(status))
    status = mm_user_read_u64(list, &total);
  if (!NT_SUCCESS(status))
    return status;
  if (total < sizeof total || (total - sizeof total) % sizeof *attributes ||
      (total - sizeof total) / sizeof *attributes > SVC_MAX_ATTRIBUTES)
    return STATUS_INVALID_PARAMETER;
  ULONG n = (ULONG)((total - sizeof total) / sizeof *attributes);
  status = n ? mm_user_read(attributes, list + sizeof total, n * sizeof *attributes) : STATUS_SUCCESS;
  if (NT_SUCCESS(status))
    *count = n;
  return status;
}

NTSTATUS svc_return_attribute(const struct svc_attribute *attribute, const void *value, size_t size)
{
  ULONG64 written = attribute->Size < size ? attribute->Size : size;
  NTSTATUS status = mm_user_write(attribute->Value, value, written);
  if (NT_SUCCESS(status) && attribute->ReturnLength)
    status = mm_user_write(attribute->ReturnLength, &written, sizeof written);
  return status;
}

NTSTATUS svc_return_thread_attributes(const struct svc_attribute *attributes, ULONG count, const ETHREAD *Thread)
{
  NTSTATUS status = STATUS_SUCCESS;
  for (ULONG i = 0; i < count && NT_SUCCESS(status); i++) {
    if (attributes[i].Attribute == PS_ATTRIBUTE_CLIENT_ID)
      status = svc_return_attribute(&attributes[i], &Thread->Cid, sizeof Thread->Cid);
    else if (attributes[i].Attribute == PS_ATTRIBUTE_TEB_ADDRESS)
      status = svc_return_attribute(&attributes[i], &Thread->Tcb.Teb, sizeof Thread->Tcb.Teb);
  }
  return status;
}

/* ---- creation ---- */

/* Creates suspended, so that the caller has handle and ids before the thread runs. */
static NTSTATUS create_thread(EPROCESS *process, const struct svc_object_attributes *object_attributes,
                              ULONG64 handle_address, ACCESS_MASK access, ULONG64 start, ULONG64 argument, ULONG flags,
                              ULONG64 commit, ULONG64 reserve, const struct svc_attribute *attributes, ULONG count)
{
  ETHREAD *thread;
  HANDLE handle;
  NTSTATUS status = PspCreateUserThread(process, start, argument, flags | THREAD_CREATE_FLAGS_CREATE_SUSPENDED, commit,
                                        reserve, &thread);
  if (!NT_SUCCESS(status))
    return status;
  status = svc_return_thread_attributes(attributes, count, thread);
  if (NT_SUCCESS(status))
    status = ObOpenObjectByPointer(thread, object_attributes->Attributes, access, ob_types()->Thread, &handle);
  if (NT_SUCCESS(status)) {
    svc_write_handle(handle_address, handle);
    if (!(flags & THREAD_CREATE_FLAGS_CREATE_SUSPENDED))
      PsResumeThread(thread, NULL);
  } else {
    PspTerminateThreadByPointer(thread, status);
  }
  ObDereferenceObject(thread);
  return status;
}

NTSTATUS NtCreateThreadEx(ULONG64 ThreadHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                          HANDLE ProcessHandle, ULONG64 StartRoutine, ULONG64 Argument, ULONG CreateFlags,
                          ULONG64 ZeroBits, ULONG64 StackSize, ULONG64 MaximumStackSize, ULONG64 AttributeList)
{
  struct svc_object_attributes object_attributes;
  struct svc_attribute attributes[SVC_MAX_ATTRIBUTES];
  ULONG count;
  EPROCESS *process;
  (void)ZeroBits;
  if (CreateFlags & ~VALID_CREATE_FLAGS)
    return STATUS_INVALID_PARAMETER;
  NTSTATUS status = svc_probe_handle(ThreadHandle);
  if (NT_SUCCESS(status))
    status = svc_capture_attributes(AttributeList, attributes, &count);
  if (NT_SUCCESS(status))
    status = svc_capture_object_attributes(ObjectAttributes, &object_attributes);
  if (!NT_SUCCESS(status))
    return status;
  status = svc_reference_process(ProcessHandle, PROCESS_CREATE_THREAD, &process);
  if (NT_SUCCESS(status)) {
    status = create_thread(process, &object_attributes, ThreadHandle, DesiredAccess, StartRoutine, Argument,
                           CreateFlags, StackSize, MaximumStackSize, attributes, count);
    ObDereferenceObject(process);
  }
  svc_release_object_attributes(&object_attributes);
  return status;
}

NTSTATUS NtOpenThread(ULONG64 ThreadHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG64 ClientId)
{
  struct svc_object_attributes attributes;
  CLIENT_ID id;
  ETHREAD *thread;
  HANDLE handle;
  NTSTATUS status = svc_probe_handle(ThreadHandle);
  if (NT_SUCCESS(status))
    status = ClientId ? ProbeForRead(ClientId, sizeof id, 4) : STATUS_INVALID_PARAMETER_MIX;
  if (NT_SUCCESS(status))
    status = mm_user_read(&id, ClientId, sizeof id);
  if (NT_SUCCESS(status))
    status = svc_capture_object_attributes(ObjectAttributes, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  status = attributes.name ? STATUS_INVALID_PARAMETER_MIX : PsLookupThreadByThreadId(id.UniqueThread, &thread);
  if (NT_SUCCESS(status)) {
    ACCESS_MASK wanted = ob_map_access(ob_types()->Thread, DesiredAccess);
    if (id.UniqueProcess && id.UniqueProcess != thread->Cid.UniqueProcess)
      status = STATUS_INVALID_CID;
    else if (thread->Tcb.native && PsThreadProcess(thread) != PsGetCurrentProcess() &&
             (wanted & ~(THREAD_QUERY_LIMITED_INFORMATION | SYNCHRONIZE)))
      status = STATUS_ACCESS_DENIED;
    else
      status = ObOpenObjectByPointer(thread, attributes.Attributes, DesiredAccess, ob_types()->Thread, &handle);
    ObDereferenceObject(thread);
  }
  svc_release_object_attributes(&attributes);
  if (NT_SUCCESS(status))
    svc_write_handle(ThreadHandle, handle);
  return status;
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

SVC_THUNK_11(NtCreateThreadEx, ULONG64, ACCESS_MASK, ULONG64, HANDLE, ULONG64, ULONG64, ULONG, ULONG64, ULONG64,
             ULONG64, ULONG64)
SVC_THUNK_4(NtOpenThread, ULONG64, ACCESS_MASK, ULONG64, ULONG64)
SVC_THUNK_6(NtGetNextThread, HANDLE, HANDLE, ACCESS_MASK, ULONG, ULONG, ULONG64)
SVC_THUNK_2(NtTerminateThread, HANDLE, NTSTATUS)
SVC_THUNK_2(NtSuspendThread, HANDLE, ULONG64)
SVC_THUNK_2(NtResumeThread, HANDLE, ULONG64)
SVC_THUNK_2(NtGetContextThread, HANDLE, ULONG64)
SVC_THUNK_2(NtSetContextThread, HANDLE, ULONG64)

const struct svc_entry svc_thread_table[] = {
    SVC(NtCreateThreadEx, 11),  SVC(NtOpenThread, 4),       SVC(NtGetNextThread, 6),
    SVC(NtTerminateThread, 2),  SVC(NtSuspendThread, 2),    SVC(NtResumeThread, 2),
    SVC(NtGetContextThread, 2), SVC(NtSetContextThread, 2), {NULL, NULL, 0},
};
