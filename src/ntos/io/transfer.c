/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes in and out of files, console streams and the null device. */
#include "ntos/io/io_internal.h"

#include <stdlib.h>

static NTSTATUS read_console(FILE_OBJECT *File, void *buffer, ULONG size, ULONG *done)
{
  const struct io_state *io = io_state_of();
  if (File->stream != 0)
    return STATUS_INVALID_DEVICE_REQUEST;
  size_t moved = io->console_read != NULL && size > 0 ? io->console_read(io->console_context, buffer, size) : 0;
  *done = moved <= size ? (ULONG)moved : 0;
  return *done > 0 || size == 0 || File->device_type == FILE_DEVICE_CONSOLE ? STATUS_SUCCESS : STATUS_PIPE_BROKEN;
}

NTSTATUS io_read(FILE_OBJECT *File, void *buffer, ULONG size, const LONG64 *offset, ULONG *done)
{
  *done = 0;
  if (File->kind == IO_CONSOLE)
    return read_console(File, buffer, size, done);
  if (File->kind == IO_NULL)
    return STATUS_END_OF_FILE;
  if (File->kind != IO_FILE || File->fd < 0)
    return STATUS_INVALID_DEVICE_REQUEST;
  ULONG64 at = File->CurrentByteOffset;
  if (offset != NULL && *offset != FILE_USE_FILE_POINTER_POSITION) {
    if (*offset < 0)
      return STATUS_INVALID_PARAMETER;
    at = (ULONG64)*offset;
  }
  if (size == 0)
    return STATUS_SUCCESS;
  io_note_read(File);
  ssize_t moved = at <= (ULONG64)INT64_MAX - size ? host_pread(File->fd, buffer, size, at) : 0;
  if (moved < 0)
    return STATUS_INVALID_DEVICE_REQUEST;
  if (File->synchronous)
    File->CurrentByteOffset = at + (ULONG64)moved;
  *done = (ULONG)moved;
  return moved > 0 ? STATUS_SUCCESS : STATUS_END_OF_FILE;
}

static NTSTATUS write_console(const FILE_OBJECT *File, const void *buffer, ULONG size, ULONG *done)
{
  const struct io_state *io = io_state_of();
  if (File->stream == 0)
    return STATUS_INVALID_DEVICE_REQUEST;
  if (io->console_write != NULL && size > 0)
    io->console_write(io->console_context, File->stream, buffer, size);
  *done = size;
  return STATUS_SUCCESS;
}

NTSTATUS io_write(FILE_OBJECT *File, const void *buffer, ULONG size, const LONG64 *offset, ULONG *done)
{
  *done = 0;
  if (File->kind == IO_CONSOLE)
    return write_console(File, buffer, size, done);
  if (File->kind == IO_NULL) {
    *done = size;
    return STATUS_SUCCESS;
  }
  if (File->kind != IO_FILE || File->fd < 0)
    return STATUS_INVALID_DEVICE_REQUEST;
  if (!File->writable)
    return STATUS_MEDIA_WRITE_PROTECTED;
  ULONG64 at = File->CurrentByteOffset;
  struct host_stat facts;
  if (host_stat_fd(File->fd, &facts))
    File->size = facts.size; /* another handle may have written */
  if (File->append || (offset != NULL && *offset == FILE_WRITE_TO_END_OF_FILE)) {
    at = File->size;
  } else if (offset != NULL && *offset != FILE_USE_FILE_POINTER_POSITION) {
    if (*offset < 0)
      return STATUS_INVALID_PARAMETER;
    at = (ULONG64)*offset;
  }
  if (size == 0)
    return STATUS_SUCCESS;
  if (at > (ULONG64)IO_MAX_FILE_SIZE - size)
    return STATUS_DISK_FULL;
  io_note_change(File);
  ssize_t moved = host_pwrite(File->fd, buffer, size, at);
  if (moved <= 0)
    return STATUS_DISK_FULL;
  if (io_state_of()->file_written != NULL)
    io_state_of()->file_written(File->identity, at, buffer, (size_t)moved);
  if (at + (ULONG64)moved > File->size)
    File->size = at + (ULONG64)moved;
  if (File->synchronous)
    File->CurrentByteOffset = at + (ULONG64)moved;
  *done = (ULONG)moved;
  return STATUS_SUCCESS;
}

bool io_can_be_cut(ULONG64 identity, ULONG64 size)
{
  const struct io_state *io = io_state_of();
  return io->file_can_be_cut == NULL || io->file_can_be_cut(identity, size);
}

NTSTATUS io_set_size(FILE_OBJECT *File, ULONG64 size)
{
  if (File->kind != IO_FILE || File->fd < 0)
    return STATUS_INVALID_DEVICE_REQUEST;
  if (!File->writable)
    return STATUS_MEDIA_WRITE_PROTECTED;
  if (!io_can_be_cut(File->identity, size))
    return STATUS_USER_MAPPED_FILE;
  io_note_change(File);
  if (size > (ULONG64)IO_MAX_FILE_SIZE || !host_truncate(File->fd, size))
    return STATUS_DISK_FULL;
  File->size = size;
  return STATUS_SUCCESS;
}

NTSTATUS io_section_size(FILE_OBJECT *File, ULONG64 *size)
{
  struct host_stat facts;
  *size = 0;
  if (File->kind != IO_FILE || File->fd < 0 || !host_stat_fd(File->fd, &facts))
    return STATUS_INVALID_FILE_FOR_SECTION;
  if (facts.size > IO_MAX_SECTION_FILE)
    return STATUS_SECTION_TOO_BIG;
  io_note_read(File);
  *size = File->size = facts.size;
  return STATUS_SUCCESS;
}

NTSTATUS io_read_page(const FILE_OBJECT *File, void *buffer, ULONG size, ULONG64 offset, ULONG *done)
{
  ssize_t moved = host_pread(File->fd, buffer, size, offset);
  *done = moved > 0 ? (ULONG)moved : 0;
  if (moved < 0)
    return STATUS_IO_DEVICE_ERROR;
  return moved > 0 ? STATUS_SUCCESS : STATUS_END_OF_FILE;
}

NTSTATUS io_read_all(FILE_OBJECT *File, void **bytes, size_t *size)
{
  ULONG64 file_size;
  *bytes = NULL;
  *size = 0;
  NTSTATUS status = io_section_size(File, &file_size);
  if (!NT_SUCCESS(status))
    return status;
  void *copy = malloc(file_size > 0 ? (size_t)file_size : 1);
  if (copy == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  ssize_t moved = host_pread(File->fd, copy, (size_t)file_size, 0);
  if (moved < 0) {
    free(copy);
    return STATUS_INVALID_FILE_FOR_SECTION;
  }
  *bytes = copy;
  *size = (size_t)moved;
  return STATUS_SUCCESS;
}
