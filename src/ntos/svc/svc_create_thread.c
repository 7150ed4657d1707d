/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that are made: by start routine (NtCreateThreadEx), and by context and stack (NtCreateThread). */
#include "ntos/ke/ke.h"
#include "ntos/life/life.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_capture.h"
#include "ntos/svc/svc_process.h"

#define VALID_CREATE_FLAGS 0x7Fu

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

/* Where a new thread's handle goes. */
struct destination {
  ULONG64 address;
  ACCESS_MASK access;
  ULONG attributes;
};

/* Gives a thread that was created suspended its handle, and lets it run unless it is to stay so. What the caller was to
 * be told comes before that; a failure there (`status`) ends the thread. Drops the reference. */
static NTSTATUS publish(ETHREAD *thread, NTSTATUS status, const struct destination *to, bool suspended)
{
  HANDLE handle;
  if (NT_SUCCESS(status))
    status = ObOpenObjectByPointer(thread, to->attributes, to->access, ob_types()->Thread, &handle);
  if (NT_SUCCESS(status)) {
    svc_write_handle(to->address, handle);
    if (!suspended)
      PsResumeThread(thread, NULL);
  } else {
    PspTerminateThreadByPointer(thread, status);
  }
  ObDereferenceObject(thread);
  return status;
}

/* What both ways capture last: the attributes of the handle, and the process, referenced. */
static NTSTATUS capture_target(ULONG64 object_attributes, HANDLE process_handle, struct destination *to,
                               EPROCESS **process)
{
  struct svc_object_attributes captured;
  NTSTATUS status = svc_capture_object_attributes(object_attributes, &captured);
  if (!NT_SUCCESS(status))
    return status;
  to->attributes = captured.Attributes;
  svc_release_object_attributes(&captured);
  return svc_reference_process(process_handle, PROCESS_CREATE_THREAD, process);
}

NTSTATUS NtCreateThreadEx(ULONG64 ThreadHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                          HANDLE ProcessHandle, ULONG64 StartRoutine, ULONG64 Argument, ULONG CreateFlags,
                          ULONG64 ZeroBits, ULONG64 StackSize, ULONG64 MaximumStackSize, ULONG64 AttributeList)
{
  struct destination to = {ThreadHandle, DesiredAccess, 0};
  struct svc_attribute attributes[SVC_MAX_ATTRIBUTES];
  ULONG count;
  EPROCESS *process;
  ETHREAD *thread;
  (void)ZeroBits;
  if (CreateFlags & ~VALID_CREATE_FLAGS)
    return STATUS_INVALID_PARAMETER;
  NTSTATUS status = svc_probe_handle(ThreadHandle);
  if (NT_SUCCESS(status))
    status = svc_capture_attributes(AttributeList, attributes, &count);
  if (NT_SUCCESS(status))
    status = capture_target(ObjectAttributes, ProcessHandle, &to, &process);
  if (!NT_SUCCESS(status))
    return status;
  status = PspCreateUserThread(process, StartRoutine, Argument, CreateFlags | THREAD_CREATE_FLAGS_CREATE_SUSPENDED,
                               StackSize, MaximumStackSize, &thread);
  ObDereferenceObject(process);
  if (!NT_SUCCESS(status))
    return status;
  status = svc_return_thread_attributes(attributes, count, thread);
  return publish(thread, status, &to, CreateFlags & THREAD_CREATE_FLAGS_CREATE_SUSPENDED);
}

/* ---- the older way ---- */

static NTSTATUS capture_start(ULONG64 context_address, ULONG64 teb_address, CONTEXT *context, INITIAL_TEB64 *teb)
{
  if (!context_address)
    return STATUS_INVALID_PARAMETER;
  NTSTATUS status = ProbeForRead(context_address, sizeof *context, 16);
  if (NT_SUCCESS(status))
    status = mm_user_read(context, context_address, sizeof *context);
  if (NT_SUCCESS(status))
    status = ProbeForRead(teb_address, sizeof *teb, 4);
  return NT_SUCCESS(status) ? mm_user_read(teb, teb_address, sizeof *teb) : status;
}

NTSTATUS NtCreateThread(ULONG64 ThreadHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, HANDLE ProcessHandle,
                        ULONG64 ClientId, ULONG64 ThreadContext, ULONG64 InitialTeb, BOOLEAN CreateSuspended)
{
  struct destination to = {ThreadHandle, DesiredAccess, 0};
  CONTEXT context;
  INITIAL_TEB64 teb;
  EPROCESS *process;
  ETHREAD *thread;
  NTSTATUS status = svc_probe_handle(ThreadHandle);
  if (NT_SUCCESS(status) && ClientId)
    status = ProbeForWrite(ClientId, sizeof(CLIENT_ID), 4);
  if (NT_SUCCESS(status))
    status = capture_start(ThreadContext, InitialTeb, &context, &teb);
  if (NT_SUCCESS(status))
    status = capture_target(ObjectAttributes, ProcessHandle, &to, &process);
  if (!NT_SUCCESS(status))
    return status;
  status = PspCreateThread(process, &context, &teb, THREAD_CREATE_FLAGS_CREATE_SUSPENDED, &thread);
  ObDereferenceObject(process);
  if (!NT_SUCCESS(status))
    return status;
  if (ClientId)
    status = mm_user_write(ClientId, &thread->Cid, sizeof thread->Cid);
  return publish(thread, status, &to, CreateSuspended);
}

SVC_THUNK_11(NtCreateThreadEx, ULONG64, ACCESS_MASK, ULONG64, HANDLE, ULONG64, ULONG64, ULONG, ULONG64, ULONG64,
             ULONG64, ULONG64)
SVC_THUNK_8(NtCreateThread, ULONG64, ACCESS_MASK, ULONG64, HANDLE, ULONG64, ULONG64, ULONG64, BOOLEAN)

const struct svc_entry svc_create_thread_table[] = {
    SVC(NtCreateThreadEx, 11),
    SVC(NtCreateThread, 8),
    {NULL, NULL, 0},
};
