/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NtQueryDirectoryFile. */
#include "ntos/svc/svc_file.h"

#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_io.h"

#include <string.h>

/* Where the fields of one class lie; all but the names class begin with the same facts. */
struct layout {
  ULONG class;
  ULONG name_length; /* offset of FileNameLength */
  ULONG name;        /* offset of FileName */
  ULONG id;          /* offset of FileId, 0: none */
  ULONG smallest;    /* size of the structure */
};

static const struct layout layouts[] = {
    {1, 60, 64, 0, 72},   /* FileDirectoryInformation */
    {2, 60, 68, 0, 72},   /* FileFullDirectoryInformation */
    {3, 60, 94, 0, 96},   /* FileBothDirectoryInformation */
    {12, 8, 12, 0, 16},   /* FileNamesInformation */
    {37, 60, 104, 96, 112}, /* FileIdBothDirectoryInformation */
    {38, 60, 80, 72, 88}, /* FileIdFullDirectoryInformation */
};

static const struct layout *layout_of(ULONG class)
{
  for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
    if (layouts[i].class == class)
      return &layouts[i];
  }
  return NULL;
}

static void put32(UCHAR *at, ULONG value) { memcpy(at, &value, sizeof(value)); }
static void put64(UCHAR *at, ULONG64 value) { memcpy(at, &value, sizeof(value)); }

/* Number of an entry as its path would give it. */
static ULONG64 id_of(const FILE_OBJECT *file, const char *name)
{
  size_t head = strlen(file->path);
  ULONG64 id = 0;
  char *path = ExAllocatePoolWithTag(head + 1 + strlen(name) + 1, POOL_TAG('D', 'i', 'r', 'N'));
  if (path == NULL)
    return 0;
  memcpy(path, file->path, head);
  if (head > 0 && path[head - 1] != '\\')
    path[head++] = '\\';
  strcpy(path + head, name);
  id = io_file_id(path);
  ExFreePool(path);
  return id;
}

static void put_facts(const FILE_OBJECT *file, const struct layout *layout, const struct io_entry *entry, UCHAR *out)
{
  if (layout->name_length != 60)
    return;
  for (ULONG at = 8; at < 40; at += 8)
    put64(out + at, IO_FILE_TIME);
  put64(out + 40, entry->basic.size);
  put64(out + 48, svc_allocation_size(&entry->basic));
  put32(out + 56, svc_file_attributes(&entry->basic));
  if (layout->id != 0)
    put64(out + layout->id, id_of(file, entry->name));
}

struct listing {
  UCHAR *buffer;
  ULONG size;   /* of the buffer */
  ULONG used;   /* bytes that count */
  ULONG last;   /* offset of the last record */
  ULONG count;
};

/* Adds a record. STATUS_BUFFER_OVERFLOW: it was the first, and its name is cut; STATUS_BUFFER_TOO_SMALL: no room. */
static NTSTATUS add(struct listing *l, const FILE_OBJECT *file, const struct layout *layout,
                    const struct io_entry *entry)
{
  ULONG bytes = 0;
  ULONG at = (l->used + 7) & ~7u;
  NTSTATUS status = STATUS_SUCCESS;
  WCHAR *name = io_utf16(entry->name, &bytes);
  if (name == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  ULONG room = at < l->size ? l->size - at : 0;
  ULONG moved = bytes;
  if (room < layout->name + bytes) {
    if (l->count > 0 || room < layout->name) {
      ExFreePool(name);
      return STATUS_BUFFER_TOO_SMALL;
    }
    moved = (room - layout->name) & ~1u;
    status = STATUS_BUFFER_OVERFLOW;
  }
  UCHAR *record = l->buffer + at;
  put_facts(file, layout, entry, record);
  put32(record + layout->name_length, bytes);
  memcpy(record + layout->name, name, moved);
  ExFreePool(name);
  if (l->count > 0)
    put32(l->buffer + l->last, at - l->last);
  l->last = at;
  l->used = at + layout->name + moved;
  l->count++;
  return status;
}

static NTSTATUS list(struct listing *l, FILE_OBJECT *file, const struct layout *layout, bool single, bool restart,
                     const char *pattern)
{
  struct io_entry entry;
  do {
    NTSTATUS status = io_next_entry(file, restart && l->count == 0, pattern, &entry);
    if (!NT_SUCCESS(status))
      return l->count > 0 ? STATUS_SUCCESS : status;
    status = add(l, file, layout, &entry);
    if (status == STATUS_BUFFER_TOO_SMALL && l->count > 0) {
      io_push_back_entry(file);
      return STATUS_SUCCESS;
    }
    if (status != STATUS_SUCCESS)
      return status;
  } while (!single);
  return STATUS_SUCCESS;
}

NTSTATUS NtQueryDirectoryFile(HANDLE FileHandle, HANDLE Event, ULONG64 ApcRoutine, ULONG64 ApcContext,
                              ULONG64 IoStatusBlock, ULONG64 FileInformation, ULONG Length,
                              ULONG FileInformationClass, BOOLEAN ReturnSingleEntry, ULONG64 FileName,
                              BOOLEAN RestartScan)
{
  FILE_OBJECT *file;
  struct svc_request request;
  char *pattern = NULL;
  struct listing l = {.size = Length < SVC_CHUNK ? Length : SVC_CHUNK};
  const struct layout *layout = layout_of(FileInformationClass);
  if (layout == NULL)
    return STATUS_INVALID_INFO_CLASS;
  if (Length < layout->smallest)
    return STATUS_INFO_LENGTH_MISMATCH;
  /* No alignment is asked for: Wine's FindFirstFile passes a buffer at an odd offset of its own structure. */
  NTSTATUS status = ProbeForWrite(FileInformation, Length, 1);
  if (NT_SUCCESS(status) && FileName != 0)
    status = mm_user_read_utf8(FileName, &pattern);
  if (NT_SUCCESS(status))
    status = svc_reference_file(FileHandle, FILE_READ_DATA, &file, NULL);
  if (!NT_SUCCESS(status)) {
    ExFreePool(pattern);
    return status;
  }
  l.buffer = ExAllocatePoolWithTag(l.size, POOL_TAG('D', 'i', 'r', 'B'));
  status = l.buffer != NULL ? svc_begin_request(&request, file, Event, ApcRoutine, ApcContext, IoStatusBlock)
                            : STATUS_INSUFFICIENT_RESOURCES;
  if (NT_SUCCESS(status)) {
    status = list(&l, file, layout, ReturnSingleEntry != 0, RestartScan != 0, pattern);
    if (l.count > 0) {
      NTSTATUS copied = mm_user_write(FileInformation, l.buffer, l.used);
      status = NT_SUCCESS(copied) ? status : copied;
    }
    status = svc_end_request(&request, status, l.used);
  }
  ExFreePool(l.buffer);
  ExFreePool(pattern);
  ObDereferenceObject(file);
  return status;
}

SVC_THUNK_11(NtQueryDirectoryFile, HANDLE, HANDLE, ULONG64, ULONG64, ULONG64, ULONG64, ULONG, ULONG, BOOLEAN, ULONG64,
             BOOLEAN)

const struct svc_entry svc_directory_table[] = {
    SVC(NtQueryDirectoryFile, 11),
    {0},
};
