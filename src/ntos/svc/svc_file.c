/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening files, reading and writing them. */
#include "ntos/svc/svc_file.h"

#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_capture.h"
#include "ntos/svc/svc_io.h"
#include "ntos/svc/svc_pipe.h"

#define SYNCHRONOUS (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)
#define FILE_OPEN_BY_FILE_ID 0x2000u
#define VALID_SHARE_ACCESS 0x7u

static NTSTATUS check_options(ACCESS_MASK DesiredAccess, ULONG ShareAccess, ULONG Options)
{
  ACCESS_MASK access = ob_map_access(ob_types()->File, DesiredAccess);
  if ((ShareAccess & ~VALID_SHARE_ACCESS) || (Options & SYNCHRONOUS) == SYNCHRONOUS)
    return STATUS_INVALID_PARAMETER;
  if ((Options & SYNCHRONOUS) && !(access & SYNCHRONIZE))
    return STATUS_INVALID_PARAMETER;
  return Options & FILE_OPEN_BY_FILE_ID ? STATUS_NOT_SUPPORTED : STATUS_SUCCESS;
}

NTSTATUS NtCreateFile(ULONG64 FileHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG64 IoStatusBlock,
                      ULONG64 AllocationSize, ULONG FileAttributes, ULONG ShareAccess, ULONG CreateDisposition,
                      ULONG CreateOptions, ULONG64 EaBuffer, ULONG EaLength)
{
  char *path;
  ULONG attributes = 0;
  FILE_OBJECT *file;
  HANDLE handle = 0;
  IO_STATUS_BLOCK64 block = {.Status = STATUS_SUCCESS};
  (void)AllocationSize;
  (void)FileAttributes;
  (void)EaBuffer;
  (void)EaLength;
  NTSTATUS status = svc_probe_handle(FileHandle);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(IoStatusBlock, sizeof(block), 4);
  if (NT_SUCCESS(status))
    status = check_options(DesiredAccess, ShareAccess, CreateOptions);
  if (NT_SUCCESS(status))
    status = svc_capture_file_path(ObjectAttributes, &path, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  status = IoCreateFile(path, DesiredAccess, CreateDisposition, CreateOptions, &file, &block.Information);
  ExFreePool(path);
  if (!NT_SUCCESS(status))
    return status;
  status = ObOpenObjectByPointer(file, attributes, io_grant(file, DesiredAccess), ob_types()->File, &handle);
  ObDereferenceObject(file);
  if (!NT_SUCCESS(status))
    return status;
  svc_write_handle(FileHandle, handle);
  (void)mm_user_write(IoStatusBlock, &block, sizeof(block));
  return STATUS_SUCCESS;
}

NTSTATUS NtOpenFile(ULONG64 FileHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG64 IoStatusBlock,
                    ULONG ShareAccess, ULONG OpenOptions)
{
  return NtCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, 0, 0, ShareAccess, FILE_OPEN,
                      OpenOptions, 0, 0);
}

/* ---- transfer ---- */

struct transfer {
  FILE_OBJECT *file;
  struct svc_request request;
  UCHAR *chunk;
  LONG64 offset;
  bool has_offset;
};

static void end_transfer(struct transfer *t)
{
  ExFreePool(t->chunk);
  if (t->file != NULL)
    ObDereferenceObject(t->file);
}

static NTSTATUS begin_transfer(struct transfer *t, HANDLE FileHandle, ACCESS_MASK access, HANDLE Event,
                               ULONG64 ApcRoutine, ULONG64 ApcContext, ULONG64 IoStatusBlock, ULONG Length,
                               ULONG64 ByteOffset)
{
  ACCESS_MASK granted = 0;
  NTSTATUS status = svc_reference_file(FileHandle, 0, &t->file, &granted);
  if (!NT_SUCCESS(status))
    return status;
  if (KeGetPreviousMode() == UserMode && !(granted & access))
    status = STATUS_ACCESS_DENIED;
  if (NT_SUCCESS(status) && ByteOffset != 0) {
    status = mm_user_read(&t->offset, ByteOffset, sizeof(t->offset));
    t->has_offset = true;
  }
  /* Only a file opened for synchronous access has a position of its own. */
  if (NT_SUCCESS(status) && t->file->kind == IO_FILE && !t->file->synchronous && !t->file->append &&
      (!t->has_offset || t->offset == FILE_USE_FILE_POINTER_POSITION))
    status = STATUS_INVALID_PARAMETER;
  if (NT_SUCCESS(status) && t->file->kind != IO_PIPE) {
    t->chunk = ExAllocatePoolWithTag(Length < SVC_CHUNK ? (size_t)Length + 1 : SVC_CHUNK, POOL_TAG('I', 'o', 'B', 'f'));
    status = t->chunk != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
  }
  if (NT_SUCCESS(status))
    status = svc_begin_request(&t->request, t->file, Event, ApcRoutine, ApcContext, IoStatusBlock);
  if (!NT_SUCCESS(status))
    end_transfer(t);
  return status;
}

static void advance(struct transfer *t, ULONG moved)
{
  if (t->has_offset && t->offset >= 0)
    t->offset += moved;
}

NTSTATUS NtReadFile(HANDLE FileHandle, HANDLE Event, ULONG64 ApcRoutine, ULONG64 ApcContext, ULONG64 IoStatusBlock,
                    ULONG64 Buffer, ULONG Length, ULONG64 ByteOffset, ULONG64 Key)
{
  struct transfer t = {.file = NULL};
  ULONG total = 0;
  (void)Key;
  NTSTATUS status = ProbeForWrite(Buffer, Length, 1);
  if (!NT_SUCCESS(status))
    return status;
  status = begin_transfer(&t, FileHandle, FILE_READ_DATA, Event, ApcRoutine, ApcContext, IoStatusBlock, Length,
                          ByteOffset);
  if (!NT_SUCCESS(status))
    return status;
  if (t.file->kind == IO_PIPE) {
    status = svc_pipe_read(t.file, &t.request, Buffer, Length);
    end_transfer(&t);
    return status;
  }
  do {
    ULONG wanted = Length - total < SVC_CHUNK ? Length - total : SVC_CHUNK;
    ULONG moved = 0;
    status = io_read(t.file, t.chunk, wanted, t.has_offset ? &t.offset : NULL, &moved);
    if (NT_SUCCESS(status))
      status = mm_user_write(Buffer + total, t.chunk, moved);
    if (!NT_SUCCESS(status))
      break;
    total += moved;
    advance(&t, moved);
    if (moved < wanted || t.file->kind != IO_FILE)
      break;
  } while (total < Length);
  if (total > 0)
    status = STATUS_SUCCESS;
  status = svc_end_request(&t.request, status, total);
  end_transfer(&t);
  return status;
}

NTSTATUS NtWriteFile(HANDLE FileHandle, HANDLE Event, ULONG64 ApcRoutine, ULONG64 ApcContext, ULONG64 IoStatusBlock,
                     ULONG64 Buffer, ULONG Length, ULONG64 ByteOffset, ULONG64 Key)
{
  struct transfer t = {.file = NULL};
  ULONG total = 0;
  (void)Key;
  NTSTATUS status = ProbeForRead(Buffer, Length, 1);
  if (!NT_SUCCESS(status))
    return status;
  status = begin_transfer(&t, FileHandle, FILE_WRITE_DATA | FILE_APPEND_DATA, Event, ApcRoutine, ApcContext,
                          IoStatusBlock, Length, ByteOffset);
  if (!NT_SUCCESS(status))
    return status;
  if (t.file->kind == IO_PIPE) {
    status = svc_pipe_write(t.file, &t.request, Buffer, Length);
    end_transfer(&t);
    return status;
  }
  do {
    ULONG wanted = Length - total < SVC_CHUNK ? Length - total : SVC_CHUNK;
    ULONG moved = 0;
    status = mm_user_read(t.chunk, Buffer + total, wanted);
    if (NT_SUCCESS(status))
      status = io_write(t.file, t.chunk, wanted, t.has_offset ? &t.offset : NULL, &moved);
    if (!NT_SUCCESS(status))
      break;
    total += moved;
    advance(&t, moved);
    if (moved < wanted)
      break;
  } while (total < Length);
  if (total > 0)
    status = STATUS_SUCCESS;
  status = svc_end_request(&t.request, status, total);
  end_transfer(&t);
  return status;
}

/* ---- the rest ---- */

NTSTATUS NtFlushBuffersFile(HANDLE FileHandle, ULONG64 IoStatusBlock)
{
  FILE_OBJECT *file;
  ACCESS_MASK granted = 0;
  IO_STATUS_BLOCK64 block = {.Status = STATUS_SUCCESS};
  NTSTATUS status = ProbeForWrite(IoStatusBlock, sizeof(block), 4);
  if (!NT_SUCCESS(status))
    return status;
  status = svc_reference_file(FileHandle, 0, &file, &granted);
  if (!NT_SUCCESS(status))
    return status;
  if (KeGetPreviousMode() == UserMode && !(granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
    status = STATUS_ACCESS_DENIED;
  else
    (void)mm_user_write(IoStatusBlock, &block, sizeof(block));
  ObDereferenceObject(file);
  return status;
}

NTSTATUS NtDeleteFile(ULONG64 ObjectAttributes)
{
  char *path;
  FILE_OBJECT *file;
  HANDLE handle;
  NTSTATUS status = svc_capture_file_path(ObjectAttributes, &path, NULL);
  if (!NT_SUCCESS(status))
    return status;
  status = IoCreateFile(path, DELETE_ACCESS, FILE_OPEN, FILE_DELETE_ON_CLOSE, &file, NULL);
  ExFreePool(path);
  if (!NT_SUCCESS(status))
    return status;
  /* The file goes with its last handle, so it needs one. */
  status = io_set_delete(file, true);
  if (NT_SUCCESS(status))
    status = ObOpenObjectByPointer(file, 0, DELETE_ACCESS, ob_types()->File, &handle);
  else
    file->delete_on_close = false;
  ObDereferenceObject(file);
  return NT_SUCCESS(status) ? ObCloseHandle(handle, KernelMode) : status;
}

NTSTATUS NtLockFile(HANDLE FileHandle, HANDLE Event, ULONG64 ApcRoutine, ULONG64 ApcContext, ULONG64 IoStatusBlock,
                    ULONG64 ByteOffset, ULONG64 Length, ULONG Key, BOOLEAN FailImmediately, BOOLEAN ExclusiveLock)
{
  FILE_OBJECT *file;
  struct svc_request request;
  ULONG64 range[2];
  (void)Key;
  (void)FailImmediately;
  (void)ExclusiveLock;
  NTSTATUS status = mm_user_read(&range[0], ByteOffset, sizeof(range[0]));
  if (NT_SUCCESS(status))
    status = mm_user_read(&range[1], Length, sizeof(range[1]));
  if (NT_SUCCESS(status))
    status = svc_reference_file(FileHandle, 0, &file, NULL);
  if (!NT_SUCCESS(status))
    return status;
  status = svc_begin_request(&request, file, Event, ApcRoutine, ApcContext, IoStatusBlock);
  if (NT_SUCCESS(status))
    status = svc_end_request(&request, file->kind == IO_FILE ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER, 0);
  ObDereferenceObject(file);
  return status;
}

NTSTATUS NtUnlockFile(HANDLE FileHandle, ULONG64 IoStatusBlock, ULONG64 ByteOffset, ULONG64 Length, ULONG Key)
{
  return NtLockFile(FileHandle, 0, 0, 0, IoStatusBlock, ByteOffset, Length, Key, TRUE, FALSE);
}

static NTSTATUS cancel(HANDLE FileHandle, ULONG64 request, bool own_thread, ULONG64 IoStatusBlock, ULONG *count)
{
  FILE_OBJECT *file;
  IO_STATUS_BLOCK64 block = {.Status = STATUS_SUCCESS};
  NTSTATUS status = ProbeForWrite(IoStatusBlock, sizeof(block), 4);
  if (NT_SUCCESS(status))
    status = svc_reference_file(FileHandle, 0, &file, NULL);
  if (!NT_SUCCESS(status))
    return status;
  *count = svc_pipe_cancel(file, request, own_thread);
  (void)mm_user_write(IoStatusBlock, &block, sizeof(block));
  ObDereferenceObject(file);
  return STATUS_SUCCESS;
}

NTSTATUS NtCancelIoFile(HANDLE FileHandle, ULONG64 IoStatusBlock)
{
  ULONG count;
  return cancel(FileHandle, 0, true, IoStatusBlock, &count);
}

NTSTATUS NtCancelIoFileEx(HANDLE FileHandle, ULONG64 IoRequestToCancel, ULONG64 IoStatusBlock)
{
  ULONG count = 0;
  NTSTATUS status = cancel(FileHandle, IoRequestToCancel, false, IoStatusBlock, &count);
  return NT_SUCCESS(status) && count == 0 ? STATUS_NOT_FOUND : status;
}

NTSTATUS NtCancelSynchronousIoFile(HANDLE ThreadHandle, ULONG64 IoRequestToCancel, ULONG64 IoStatusBlock)
{
  void *thread;
  (void)IoRequestToCancel;
  NTSTATUS status = ProbeForWrite(IoStatusBlock, sizeof(IO_STATUS_BLOCK64), 4);
  if (NT_SUCCESS(status))
    status = ObReferenceObjectByHandle(ThreadHandle, THREAD_TERMINATE, ob_types()->Thread, KeGetPreviousMode(),
                                       &thread, NULL);
  if (!NT_SUCCESS(status))
    return status;
  ObDereferenceObject(thread);
  return STATUS_NOT_FOUND;
}

SVC_THUNK_11(NtCreateFile, ULONG64, ACCESS_MASK, ULONG64, ULONG64, ULONG64, ULONG, ULONG, ULONG, ULONG, ULONG64, ULONG)
SVC_THUNK_6(NtOpenFile, ULONG64, ACCESS_MASK, ULONG64, ULONG64, ULONG, ULONG)
SVC_THUNK_9(NtReadFile, HANDLE, HANDLE, ULONG64, ULONG64, ULONG64, ULONG64, ULONG, ULONG64, ULONG64)
SVC_THUNK_9(NtWriteFile, HANDLE, HANDLE, ULONG64, ULONG64, ULONG64, ULONG64, ULONG, ULONG64, ULONG64)
SVC_THUNK_2(NtFlushBuffersFile, HANDLE, ULONG64)
SVC_THUNK_1(NtDeleteFile, ULONG64)
SVC_THUNK_10(NtLockFile, HANDLE, HANDLE, ULONG64, ULONG64, ULONG64, ULONG64, ULONG64, ULONG, BOOLEAN, BOOLEAN)
SVC_THUNK_5(NtUnlockFile, HANDLE, ULONG64, ULONG64, ULONG64, ULONG)
SVC_THUNK_2(NtCancelIoFile, HANDLE, ULONG64)
SVC_THUNK_3(NtCancelIoFileEx, HANDLE, ULONG64, ULONG64)
SVC_THUNK_3(NtCancelSynchronousIoFile, HANDLE, ULONG64, ULONG64)

const struct svc_entry svc_file_table[] = {
    SVC(NtCreateFile, 11),
    SVC(NtOpenFile, 6),
    SVC(NtReadFile, 9),
    SVC(NtWriteFile, 9),
    SVC(NtFlushBuffersFile, 2),
    SVC(NtDeleteFile, 1),
    SVC(NtLockFile, 10),
    SVC(NtUnlockFile, 5),
    SVC(NtCancelIoFile, 2),
    SVC(NtCancelIoFileEx, 3),
    SVC(NtCancelSynchronousIoFile, 3),
    {0},
};
