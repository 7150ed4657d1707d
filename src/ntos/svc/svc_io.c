/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/svc/svc_io.h"

#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/ob/ob_bodies.h"
#include "ntos/svc/svc_capture.h"

#include <string.h>

#define CLUSTER 0x1000ull

static void free_apc(KAPC *Apc) { ExFreePool(Apc); }

NTSTATUS svc_begin_request(struct svc_request *request, const FILE_OBJECT *file, HANDLE Event, ULONG64 ApcRoutine,
                           ULONG64 ApcContext, ULONG64 IoStatusBlock)
{
  void *event = NULL;
  memset(request, 0, sizeof(*request));
  if (ApcRoutine != 0 && file->completion != NULL)
    return STATUS_INVALID_PARAMETER;
  NTSTATUS status = ProbeForWrite(IoStatusBlock, sizeof(IO_STATUS_BLOCK64), 4);
  if (!NT_SUCCESS(status))
    return status;
  if (Event != 0) {
    status = ObReferenceObjectByHandle(Event, EVENT_MODIFY_STATE, ob_types()->Event, KeGetPreviousMode(), &event, NULL);
    if (!NT_SUCCESS(status))
      return status;
    (void)KeResetEvent(event);
  }
  request->IoStatusBlock = IoStatusBlock;
  request->event = event;
  if (ApcRoutine != 0) {
    request->apc = ExAllocatePoolWithTag(sizeof(KAPC), POOL_TAG('I', 'o', 'A', 'p'));
    if (request->apc == NULL) {
      if (event != NULL)
        ObDereferenceObject(event);
      return STATUS_INSUFFICIENT_RESOURCES;
    }
    KeInitializeApc(request->apc, KeGetCurrentThread(), free_apc, ApcRoutine, UserMode, ApcContext);
  }
  request->ApcContext = ApcContext;
  if (file->completion != NULL && ApcContext != 0) {
    request->completion = file->completion;
    request->completion_key = file->completion_key;
    ObReferenceObject(request->completion);
  }
  return STATUS_SUCCESS;
}

static void queue_packet(const struct svc_request *request, NTSTATUS status, ULONG64 information)
{
  IO_COMPLETION *completion = request->completion;
  struct io_completion_packet *packet = ExAllocatePoolWithTag(sizeof(*packet), POOL_TAG('I', 'c', 'p', ' '));
  if (packet == NULL)
    return;
  packet->key = request->completion_key;
  packet->apc_context = request->ApcContext;
  packet->status = status;
  packet->information = information;
  InsertTailList(&completion->packets, &packet->entry);
  completion->depth++;
  (void)KeSetEvent(&completion->available);
}

static bool is_error(NTSTATUS status) { return ((ULONG)status >> 30) == 3; }

static void end_request(struct svc_request *request, bool served, NTSTATUS status, ULONG64 information)
{
  if (request->event != NULL) {
    if (served)
      (void)KeSetEvent(request->event);
    ObDereferenceObject(request->event);
  }
  if (request->apc != NULL && (!served || !KeInsertQueueApc(request->apc, request->IoStatusBlock, 0)))
    ExFreePool(request->apc);
  if (request->completion != NULL) {
    if (served)
      queue_packet(request, status, information);
    ObDereferenceObject(request->completion);
  }
  memset(request, 0, sizeof(*request));
}

NTSTATUS svc_end_request(struct svc_request *request, NTSTATUS status, ULONG64 information)
{
  bool served = !is_error(status) || status == STATUS_END_OF_FILE;
  if (served) {
    IO_STATUS_BLOCK64 block = {.Status = status, .Information = information};
    (void)mm_user_write(request->IoStatusBlock, &block, sizeof(block));
  }
  end_request(request, served, status, information);
  return status;
}

NTSTATUS svc_write_to(EPROCESS *process, ULONG64 address, const void *bytes, size_t size)
{
  return process == PsGetCurrentProcess() ? mm_user_write(address, bytes, size)
                                          : mm_process_write(process, address, bytes, size, NULL);
}

void svc_complete_request(struct svc_request *request, EPROCESS *process, NTSTATUS status, ULONG64 information)
{
  IO_STATUS_BLOCK64 block = {.Status = status, .Information = information};
  (void)svc_write_to(process, request->IoStatusBlock, &block, sizeof(block));
  end_request(request, true, status, information);
}

NTSTATUS svc_capture_file_path(ULONG64 ObjectAttributes, char **path, ULONG *attributes)
{
  struct svc_object_attributes captured;
  *path = NULL;
  if (ObjectAttributes == 0)
    return STATUS_INVALID_PARAMETER;
  NTSTATUS status = svc_capture_object_attributes(ObjectAttributes, &captured);
  if (!NT_SUCCESS(status))
    return status;
  if (attributes != NULL)
    *attributes = captured.Attributes;
  if (captured.root != NULL && ob_header(captured.root)->Type != ob_types()->File)
    status = STATUS_OBJECT_TYPE_MISMATCH;
  else if (captured.name == NULL && captured.root == NULL)
    status = STATUS_OBJECT_PATH_SYNTAX_BAD;
  else
    status = io_normalise(captured.root, captured.name != NULL ? captured.name : "", path);
  svc_release_object_attributes(&captured);
  return status;
}

NTSTATUS svc_reference_file(HANDLE Handle, ACCESS_MASK access, FILE_OBJECT **File, ACCESS_MASK *granted)
{
  void *object = NULL;
  NTSTATUS status =
    ObReferenceObjectByHandle(Handle, access, ob_types()->File, KeGetPreviousMode(), &object, granted);
  *File = object;
  return status;
}

ULONG svc_file_attributes(const struct io_basic *basic)
{
  return basic->directory ? FILE_ATTRIBUTE_DIRECTORY : FILE_ATTRIBUTE_ARCHIVE;
}

ULONG64 svc_allocation_size(const struct io_basic *basic)
{
  return basic->directory ? 0 : (basic->size + CLUSTER - 1) & ~(CLUSTER - 1);
}
