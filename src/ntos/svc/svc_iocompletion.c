/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/svc/svc_iocompletion.h"

#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/ob/ob_bodies.h"
#include "ntos/svc/svc.h"
#include "ntos/svc/svc_named.h"

#define IO_COMPLETION_QUERY_STATE 0x1u
#define IO_COMPLETION_MODIFY_STATE 0x2u

struct file_io_completion_information {
  ULONG64 KeyContext;
  ULONG64 ApcContext;
  IO_STATUS_BLOCK64 IoStatusBlock;
};
C_ASSERT_SIZE(struct file_io_completion_information, 0x20);

NTSTATUS NtCreateIoCompletion(ULONG64 IoCompletionHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                              ULONG Count)
{
  struct svc_object_attributes attributes;
  void *object;
  (void)Count;
  NTSTATUS status = svc_begin_create(IoCompletionHandle, ObjectAttributes, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  status = ObCreateObject(ob_types()->IoCompletion, sizeof(IO_COMPLETION), &object);
  if (!NT_SUCCESS(status)) {
    svc_release_object_attributes(&attributes);
    return status;
  }
  IO_COMPLETION *completion = object;
  KeInitializeEvent(&completion->available, NotificationEvent, FALSE);
  InitializeListHead(&completion->packets);
  return svc_finish_create(completion, DesiredAccess, &attributes, IoCompletionHandle);
}

NTSTATUS NtOpenIoCompletion(ULONG64 IoCompletionHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes)
{
  return svc_open_named(IoCompletionHandle, DesiredAccess, ObjectAttributes, ob_types()->IoCompletion);
}

static NTSTATUS reference_completion(HANDLE handle, ACCESS_MASK access, IO_COMPLETION **completion)
{
  void *object;
  NTSTATUS status =
      ObReferenceObjectByHandle(handle, access, ob_types()->IoCompletion, KeGetPreviousMode(), &object, NULL);
  *completion = object;
  return status;
}

NTSTATUS NtSetIoCompletion(HANDLE IoCompletionHandle, ULONG64 KeyContext, ULONG64 ApcContext, NTSTATUS IoStatus,
                           ULONG64 IoStatusInformation)
{
  IO_COMPLETION *completion;
  NTSTATUS status = reference_completion(IoCompletionHandle, IO_COMPLETION_MODIFY_STATE, &completion);
  if (!NT_SUCCESS(status))
    return status;
  struct io_completion_packet *packet = ExAllocatePoolWithTag(sizeof *packet, POOL_TAG('I', 'c', 'p', ' '));
  if (packet) {
    packet->key = KeyContext;
    packet->apc_context = ApcContext;
    packet->status = IoStatus;
    packet->information = IoStatusInformation;
    InsertTailList(&completion->packets, &packet->entry);
    completion->depth++;
    KeSetEvent(&completion->available);
  } else {
    status = STATUS_INSUFFICIENT_RESOURCES;
  }
  ObDereferenceObject(completion);
  return status;
}

static bool take(IO_COMPLETION *completion, struct file_io_completion_information *out)
{
  if (IsListEmpty(&completion->packets))
    return false;
  struct io_completion_packet *packet =
      CONTAINING_RECORD(RemoveHeadList(&completion->packets), struct io_completion_packet, entry);
  out->KeyContext = packet->key;
  out->ApcContext = packet->apc_context;
  out->IoStatusBlock = (IO_STATUS_BLOCK64){.Status = packet->status, .Information = packet->information};
  ExFreePool(packet);
  if (--completion->depth == 0)
    KeResetEvent(&completion->available);
  return true;
}

/* Waits until there is a packet. Another thread may take what woke this one: the rest of the time is waited anew. */
static NTSTATUS wait_for_packet(IO_COMPLETION *completion, BOOLEAN alertable, const LONG64 *timeout)
{
  LONG64 due = 0;
  if (timeout && *timeout < 0) {
    due = (LONG64)KeQuerySystemTime() - *timeout;
    timeout = &due;
  }
  while (IsListEmpty(&completion->packets)) {
    NTSTATUS status =
        KeWaitForSingleObject(&completion->available, UserRequest, KeGetPreviousMode(), alertable, timeout);
    if (status != STATUS_SUCCESS)
      return status;
  }
  return STATUS_SUCCESS;
}

NTSTATUS NtRemoveIoCompletion(HANDLE IoCompletionHandle, ULONG64 KeyContext, ULONG64 ApcContext, ULONG64 IoStatusBlock,
                              ULONG64 Timeout)
{
  LONG64 storage;
  const LONG64 *timeout;
  IO_COMPLETION *completion;
  struct file_io_completion_information packet;
  NTSTATUS status = svc_capture_timeout(Timeout, &storage, &timeout);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(KeyContext, sizeof packet.KeyContext, 8);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(ApcContext, sizeof packet.ApcContext, 8);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(IoStatusBlock, sizeof packet.IoStatusBlock, 8);
  if (NT_SUCCESS(status))
    status = reference_completion(IoCompletionHandle, IO_COMPLETION_MODIFY_STATE, &completion);
  if (!NT_SUCCESS(status))
    return status;
  status = wait_for_packet(completion, FALSE, timeout);
  bool taken = status == STATUS_SUCCESS && take(completion, &packet);
  ObDereferenceObject(completion);
  if (!taken)
    return status;
  status = mm_user_write(KeyContext, &packet.KeyContext, sizeof packet.KeyContext);
  if (NT_SUCCESS(status))
    status = mm_user_write(ApcContext, &packet.ApcContext, sizeof packet.ApcContext);
  if (NT_SUCCESS(status))
    status = mm_user_write(IoStatusBlock, &packet.IoStatusBlock, sizeof packet.IoStatusBlock);
  return status;
}

NTSTATUS NtRemoveIoCompletionEx(HANDLE IoCompletionHandle, ULONG64 IoCompletionInformation, ULONG Count,
                                ULONG64 NumEntriesRemoved, ULONG64 Timeout, BOOLEAN Alertable)
{
  LONG64 storage;
  const LONG64 *timeout;
  IO_COMPLETION *completion;
  struct file_io_completion_information packet;
  ULONG removed = 0;
  if (Count == 0)
    return STATUS_INVALID_PARAMETER;
  NTSTATUS status = svc_capture_timeout(Timeout, &storage, &timeout);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(NumEntriesRemoved, sizeof removed, 4);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(IoCompletionInformation, Count * sizeof packet, 8);
  if (NT_SUCCESS(status))
    status = reference_completion(IoCompletionHandle, IO_COMPLETION_MODIFY_STATE, &completion);
  if (!NT_SUCCESS(status))
    return status;
  status = wait_for_packet(completion, Alertable != 0, timeout);
  while (status == STATUS_SUCCESS && removed < Count && take(completion, &packet))
    status = mm_user_write(IoCompletionInformation + removed++ * sizeof packet, &packet, sizeof packet);
  ObDereferenceObject(completion);
  /* A wait that ended without a packet still tells its count: 1 as on Windows, the entry is not written. */
  if (removed == 0)
    removed = 1;
  (void)mm_user_write(NumEntriesRemoved, &removed, sizeof removed);
  return status;
}

NTSTATUS NtQueryIoCompletion(HANDLE IoCompletionHandle, ULONG InformationClass, ULONG64 Information, ULONG Length,
                             ULONG64 ReturnLength)
{
  IO_COMPLETION *completion;
  LONG depth;
  NTSTATUS status = svc_begin_query(InformationClass, Information, Length, sizeof depth, ReturnLength);
  if (NT_SUCCESS(status))
    status = reference_completion(IoCompletionHandle, IO_COMPLETION_QUERY_STATE, &completion);
  if (!NT_SUCCESS(status))
    return status;
  depth = (LONG)completion->depth;
  ObDereferenceObject(completion);
  return svc_write_information(Information, &depth, sizeof depth, ReturnLength);
}

SVC_THUNK_4(NtCreateIoCompletion, ULONG64, ACCESS_MASK, ULONG64, ULONG)
SVC_THUNK_3(NtOpenIoCompletion, ULONG64, ACCESS_MASK, ULONG64)
SVC_THUNK_5(NtSetIoCompletion, HANDLE, ULONG64, ULONG64, NTSTATUS, ULONG64)
SVC_THUNK_5(NtRemoveIoCompletion, HANDLE, ULONG64, ULONG64, ULONG64, ULONG64)
SVC_THUNK_6(NtRemoveIoCompletionEx, HANDLE, ULONG64, ULONG, ULONG64, ULONG64, BOOLEAN)
SVC_THUNK_5(NtQueryIoCompletion, HANDLE, ULONG, ULONG64, ULONG, ULONG64)

const struct svc_entry svc_iocompletion_table[] = {
    SVC(NtCreateIoCompletion, 4),
    SVC(NtOpenIoCompletion, 3),
    SVC(NtSetIoCompletion, 5),
    SVC(NtRemoveIoCompletion, 5),
    SVC(NtRemoveIoCompletionEx, 6),
    SVC(NtQueryIoCompletion, 5),
    {NULL, NULL, 0},
};
