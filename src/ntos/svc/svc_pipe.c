/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests on pipes. One that waits keeps its process and its file, and is completed by whoever serves it. */
#include "ntos/svc/svc_pipe.h"

#include "ntos/io/pipe.h"
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/ps/ps.h"
#include "ntos/svc/svc_capture.h"

#define SYNCHRONOUS (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)
#define PIPE_TAG POOL_TAG('P', 'i', 'p', 'e')
/* A write that does not wait piece by piece is kept whole. */
#define LARGEST_WRITE 0x1000000u

struct pending {
  struct io_operation operation;
  struct svc_request request;
  FILE_OBJECT *file; /* referenced */
  EPROCESS *process; /* referenced; whose memory the addresses mean */
  ETHREAD *thread;   /* referenced; it asked, and its APC is queued */
  ULONG64 Buffer;
  KEVENT served; /* what a synchronous request waits for */
};

NTSTATUS NtCreateNamedPipeFile(ULONG64 FileHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                               ULONG64 IoStatusBlock, ULONG ShareAccess, ULONG CreateDisposition, ULONG CreateOptions,
                               ULONG NamedPipeType, ULONG ReadMode, ULONG CompletionMode, ULONG MaximumInstances,
                               ULONG InboundQuota, ULONG OutboundQuota, ULONG64 DefaultTimeout)
{
  char *path;
  ULONG attributes = 0;
  FILE_OBJECT *file;
  HANDLE handle = 0;
  IO_STATUS_BLOCK64 block = {.Status = STATUS_SUCCESS};
  struct io_pipe_options options = {CreateDisposition,
                                    ShareAccess,
                                    NamedPipeType,
                                    ReadMode,
                                    CompletionMode,
                                    MaximumInstances,
                                    {InboundQuota, OutboundQuota}};
  (void)DefaultTimeout;
  NTSTATUS status = svc_probe_handle(FileHandle);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(IoStatusBlock, sizeof(block), 4);
  if (!NT_SUCCESS(status))
    return status;
  if ((CreateOptions & SYNCHRONOUS) == SYNCHRONOUS ||
      ((CreateOptions & SYNCHRONOUS) && !(ob_map_access(ob_types()->File, DesiredAccess) & SYNCHRONIZE)))
    return STATUS_INVALID_PARAMETER;
  status = svc_capture_file_path(ObjectAttributes, &path, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  status = io_pipe_create(path, &options, &file, &block.Information);
  ExFreePool(path);
  if (!NT_SUCCESS(status))
    return status;
  file->synchronous = (CreateOptions & SYNCHRONOUS) != 0;
  status = ObOpenObjectByPointer(file, attributes, io_grant(file, DesiredAccess), ob_types()->File, &handle);
  ObDereferenceObject(file);
  if (!NT_SUCCESS(status))
    return status;
  svc_write_handle(FileHandle, handle);
  (void)mm_user_write(IoStatusBlock, &block, sizeof(block));
  return STATUS_SUCCESS;
}

static void free_pending(struct pending *p)
{
  ExFreePool(p->operation.data);
  ObDereferenceObject(p->thread);
  ObDereferenceObject(p->process);
  ObDereferenceObject(p->file);
  ExFreePool(p);
}

/* Bytes read go to the caller's memory, even if another thread of it has unmapped that by now. */
static NTSTATUS deliver(struct pending *p, NTSTATUS status)
{
  if (p->operation.kind != IO_READ || p->operation.done == 0 || p->operation.data == NULL)
    return status;
  return NT_SUCCESS(svc_write_to(p->process, p->Buffer, p->operation.data, p->operation.done))
             ? status
             : STATUS_ACCESS_VIOLATION;
}

static void complete_later(struct io_operation *operation)
{
  struct pending *p = CONTAINING_RECORD(operation, struct pending, operation);
  NTSTATUS status = deliver(p, operation->status);
  svc_complete_request(&p->request, p->process, status, operation->done);
  (void)KeSetEvent(&p->file->Event);
  free_pending(p);
}

static void complete_waiting(struct io_operation *operation)
{
  (void)KeSetEvent(&CONTAINING_RECORD(operation, struct pending, operation)->served);
}

/* Waits for the end of a synchronous request; a thread that is to end takes it back. */
static NTSTATUS wait_served(struct pending *p)
{
  NTSTATUS status = KeWaitForSingleObject(&p->served, Executive, UserMode, FALSE, NULL);
  if (status == STATUS_SUCCESS)
    return p->operation.status;
  (void)io_pipe_cancel(&p->operation);
  return STATUS_CANCELLED;
}

/* Takes `data` over. */
static NTSTATUS run_operation(FILE_OBJECT *file, struct svc_request *request, enum io_operation_kind kind, UCHAR *data,
                              ULONG64 Buffer, ULONG Length)
{
  struct pending *p = ExAllocatePoolWithTag(sizeof(*p), PIPE_TAG);
  if (p == NULL) {
    ExFreePool(data);
    return svc_end_request(request, STATUS_INSUFFICIENT_RESOURCES, 0);
  }
  p->operation = (struct io_operation){.file = file, .kind = kind, .data = data, .size = Length};
  p->operation.complete = file->synchronous ? complete_waiting : complete_later;
  p->file = file;
  p->process = PsGetCurrentProcess();
  p->thread = PsGetCurrentThread();
  p->Buffer = Buffer;
  ObReferenceObject(p->file);
  ObReferenceObject(p->process);
  ObReferenceObject(p->thread);
  KeInitializeEvent(&p->served, NotificationEvent, FALSE);
  if (!file->synchronous) {
    p->request = *request;
    (void)KeResetEvent(&file->Event);
  }
  NTSTATUS status = io_pipe_start(&p->operation);
  if (status == STATUS_PENDING && !file->synchronous)
    return STATUS_PENDING;
  if (status == STATUS_PENDING)
    status = wait_served(p);
  status = deliver(p, status);
  ULONG done = p->operation.done;
  free_pending(p);
  (void)KeSetEvent(&file->Event);
  return svc_end_request(request, status, done);
}

NTSTATUS svc_pipe_read(FILE_OBJECT *file, struct svc_request *request, ULONG64 Buffer, ULONG Length)
{
  return run_operation(file, request, IO_READ, NULL, Buffer, Length);
}

NTSTATUS svc_pipe_write(FILE_OBJECT *file, struct svc_request *request, ULONG64 Buffer, ULONG Length)
{
  UCHAR *data = Length <= LARGEST_WRITE ? ExAllocatePoolWithTag((size_t)Length + 1, PIPE_TAG) : NULL;
  NTSTATUS status = data != NULL ? mm_user_read(data, Buffer, Length) : STATUS_INSUFFICIENT_RESOURCES;
  if (!NT_SUCCESS(status)) {
    ExFreePool(data);
    return svc_end_request(request, status, 0);
  }
  return run_operation(file, request, IO_WRITE, data, 0, Length);
}

NTSTATUS svc_pipe_listen(FILE_OBJECT *file, struct svc_request *request)
{
  return run_operation(file, request, IO_LISTEN, NULL, 0, 0);
}

struct cancellation {
  ULONG64 IoStatusBlock;
  bool own_thread;
};

static bool chosen(const struct io_operation *operation, void *context)
{
  const struct pending *p = CONTAINING_RECORD((struct io_operation *)(uintptr_t)operation, struct pending, operation);
  const struct cancellation *c = context;
  return p->process == PsGetCurrentProcess() && (!c->own_thread || p->thread == PsGetCurrentThread()) &&
         (c->IoStatusBlock == 0 || c->IoStatusBlock == p->request.IoStatusBlock);
}

ULONG svc_pipe_cancel(FILE_OBJECT *file, ULONG64 IoStatusBlock, bool own_thread)
{
  struct cancellation c = {IoStatusBlock, own_thread};
  return file->kind == IO_PIPE ? io_pipe_cancel_all(file, chosen, &c) : 0;
}

NTSTATUS svc_pipe_peek(FILE_OBJECT *file, ULONG64 Output, ULONG Length, ULONG64 *written)
{
  struct io_pipe_peek peek;
  ULONG copied, room;
  if (Length < sizeof(peek))
    return STATUS_INVALID_PARAMETER;
  room = Length - (ULONG)sizeof(peek) < SVC_CHUNK ? Length - (ULONG)sizeof(peek) : SVC_CHUNK;
  UCHAR *data = ExAllocatePoolWithTag((size_t)room + 1, PIPE_TAG);
  if (data == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  NTSTATUS status = io_pipe_peek(file, &peek, data, room, &copied);
  if (NT_SUCCESS(status) || status == STATUS_BUFFER_OVERFLOW) {
    NTSTATUS moved = mm_user_write(Output, &peek, sizeof(peek));
    if (NT_SUCCESS(moved))
      moved = mm_user_write(Output + sizeof(peek), data, copied);
    *written = sizeof(peek) + copied;
    if (!NT_SUCCESS(moved))
      status = moved;
  }
  ExFreePool(data);
  return status;
}

SVC_BODY(NtCreateNamedPipeFile, a[0], (ACCESS_MASK)a[1], a[2], a[3], (ULONG)a[4], (ULONG)a[5], (ULONG)a[6], (ULONG)a[7],
         (ULONG)a[8], (ULONG)a[9], (ULONG)a[10], (ULONG)a[11], (ULONG)a[12], a[13])

const struct svc_entry svc_pipe_table[] = {
    SVC(NtCreateNamedPipeFile, 14),
    {0},
};
