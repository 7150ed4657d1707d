/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts of volumes and devices, and control codes. */
#include "ntos/svc/svc_file.h"

#include "ntos/io/pipe.h"
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_io.h"
#include "ntos/svc/svc_pipe.h"

#include <string.h>

enum volume_class {
  FileFsVolumeInformation = 1,
  FileFsSizeInformation = 3,
  FileFsDeviceInformation = 4,
  FileFsAttributeInformation = 5,
  FileFsFullSizeInformation = 7,
  FileFsSectorSizeInformation = 11
};

/* A volume of 256 GB, half of it free, whatever the host has. */
#define VOLUME_CLUSTERS 0x4000000ull
#define SECTORS_PER_CLUSTER 8u
#define BYTES_PER_SECTOR 512u
#define VOLUME_SERIAL 0x12345678u
#define FILE_DEVICE_IS_MOUNTED 0x20u
/* Case is kept, names are Unicode, no streams, links or security. */
#define FILE_SYSTEM_ATTRIBUTES 0x6u

static ULONG put32(UCHAR *out, ULONG at, ULONG value)
{
  memcpy(out + at, &value, sizeof(value));
  return at + (ULONG)sizeof(value);
}

static ULONG put64(UCHAR *out, ULONG at, ULONG64 value)
{
  memcpy(out + at, &value, sizeof(value));
  return at + (ULONG)sizeof(value);
}

/* Fills zeroed `out` (64 bytes); returns the whole length, 0 for an unknown class. */
static ULONG fill_volume(ULONG class, UCHAR *out)
{
  static const WCHAR ntfs[] = {'N', 'T', 'F', 'S'};
  ULONG at = 0;
  switch (class) {
  case FileFsVolumeInformation:
    at = put64(out, at, IO_FILE_TIME);
    (void)put32(out, at, VOLUME_SERIAL);
    out[16] = 1; /* SupportsObjects */
    return 18;   /* and no label */
  case FileFsSizeInformation:
    at = put64(out, at, VOLUME_CLUSTERS);
    at = put64(out, at, VOLUME_CLUSTERS / 2);
    at = put32(out, at, SECTORS_PER_CLUSTER);
    return put32(out, at, BYTES_PER_SECTOR);
  case FileFsAttributeInformation:
    at = put32(out, at, FILE_SYSTEM_ATTRIBUTES);
    at = put32(out, at, 255);
    at = put32(out, at, sizeof(ntfs));
    memcpy(out + at, ntfs, sizeof(ntfs));
    return at + (ULONG)sizeof(ntfs);
  case FileFsFullSizeInformation:
    at = put64(out, at, VOLUME_CLUSTERS);
    at = put64(out, at, VOLUME_CLUSTERS / 2);
    at = put64(out, at, VOLUME_CLUSTERS / 2);
    at = put32(out, at, SECTORS_PER_CLUSTER);
    return put32(out, at, BYTES_PER_SECTOR);
  case FileFsSectorSizeInformation:
    for (int i = 0; i < 4; i++)
      at = put32(out, at, BYTES_PER_SECTOR);
    return 28;
  default:
    return 0;
  }
}

static ULONG smallest(ULONG class)
{
  switch (class) {
  case FileFsVolumeInformation:
  case FileFsSizeInformation:
    return 24;
  case FileFsDeviceInformation:
    return 8;
  case FileFsAttributeInformation:
    return 16;
  case FileFsFullSizeInformation:
    return 32;
  case FileFsSectorSizeInformation:
    return 28;
  default:
    return 0;
  }
}

static NTSTATUS query_volume(const FILE_OBJECT *file, ULONG64 address, ULONG length, ULONG class, ULONG64 *written)
{
  UCHAR out[64] = {0};
  ULONG whole;
  bool disk = file->device_type == FILE_DEVICE_DISK;
  if (class == FileFsDeviceInformation) {
    (void)put32(out, put32(out, 0, file->device_type), disk ? FILE_DEVICE_IS_MOUNTED : 0);
    whole = 8;
  } else if (!disk) {
    return STATUS_INVALID_DEVICE_REQUEST;
  } else {
    whole = fill_volume(class, out);
  }
  ULONG moved = whole <= length ? whole : length;
  *written = moved;
  NTSTATUS status = mm_user_write(address, out, moved);
  return NT_SUCCESS(status) && moved < whole ? STATUS_BUFFER_OVERFLOW : status;
}

NTSTATUS NtQueryVolumeInformationFile(HANDLE FileHandle, ULONG64 IoStatusBlock, ULONG64 FsInformation, ULONG Length,
                                      ULONG FsInformationClass)
{
  FILE_OBJECT *file;
  struct svc_request request;
  ULONG64 written = 0;
  ULONG size = smallest(FsInformationClass);
  if (size == 0)
    return STATUS_INVALID_INFO_CLASS;
  if (Length < size)
    return STATUS_INFO_LENGTH_MISMATCH;
  NTSTATUS status = ProbeForWrite(FsInformation, Length, 4);
  if (!NT_SUCCESS(status))
    return status;
  status = svc_reference_file(FileHandle, 0, &file, NULL);
  if (!NT_SUCCESS(status))
    return status;
  status = svc_begin_request(&request, file, 0, 0, 0, IoStatusBlock);
  if (NT_SUCCESS(status)) {
    status = query_volume(file, FsInformation, Length, FsInformationClass, &written);
    status = svc_end_request(&request, status, written);
  }
  ObDereferenceObject(file);
  return status;
}

/* ---- control codes ---- */

struct control {
  ULONG code;
  ULONG64 input, output;
  ULONG input_length, output_length;
};

/* Function numbers of the console driver. */
#define CONDRV_GET_MODE 0u
#define CONDRV_SET_MODE 1u
#define CONDRV_WRITE_CONSOLE 30u
/* ENABLE_PROCESSED_INPUT | ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT */
#define DEFAULT_INPUT_MODE 0x7u
/* ENABLE_PROCESSED_OUTPUT | ENABLE_WRAP_AT_EOL_OUTPUT */
#define DEFAULT_OUTPUT_MODE 0x3u

static NTSTATUS write_console(FILE_OBJECT *file, const struct control *c)
{
  /* In pieces, a pair of surrogates never parted. */
  const ULONG piece = 0x1000;
  WCHAR *wide = ExAllocatePoolWithTag(piece * sizeof(WCHAR), POOL_TAG('C', 'o', 'n', 'W'));
  ULONG left = c->input_length / (ULONG)sizeof(WCHAR);
  ULONG64 from = c->input;
  NTSTATUS status = wide != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
  while (NT_SUCCESS(status) && left > 0) {
    ULONG n = left < piece ? left : piece;
    status = mm_user_read(wide, from, n * sizeof(WCHAR));
    if (!NT_SUCCESS(status))
      break;
    if (n < left && n > 1 && (wide[n - 1] & 0xFC00) == 0xD800)
      n--;
    char *text = io_utf8(wide, n);
    ULONG done;
    if (text == NULL) {
      status = STATUS_INSUFFICIENT_RESOURCES;
      break;
    }
    status = io_write(file, text, (ULONG)strlen(text), NULL, &done);
    ExFreePool(text);
    from += n * sizeof(WCHAR);
    left -= n;
  }
  ExFreePool(wide);
  return status;
}

static NTSTATUS control_console(FILE_OBJECT *file, const struct control *c, ULONG64 *written)
{
  ULONG mode = file->stream == 0 ? DEFAULT_INPUT_MODE : DEFAULT_OUTPUT_MODE;
  switch (c->code >> 2 & 0xFFF) {
  case CONDRV_GET_MODE:
    if (c->output_length != sizeof(mode))
      return STATUS_INVALID_PARAMETER;
    *written = sizeof(mode);
    return mm_user_write(c->output, &mode, sizeof(mode));
  case CONDRV_SET_MODE:
    return c->input_length == sizeof(mode) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
  case CONDRV_WRITE_CONSOLE:
    return file->stream != 0 ? write_console(file, c) : STATUS_INVALID_HANDLE;
  default:
    return STATUS_INVALID_DEVICE_REQUEST;
  }
}

#define FSCTL_PIPE_DISCONNECT 0x110004u
#define FSCTL_PIPE_LISTEN 0x110008u
#define FSCTL_PIPE_PEEK 0x11400Cu

/* Ends the request. */
static NTSTATUS control_pipe(FILE_OBJECT *file, struct svc_request *request, const struct control *c)
{
  ULONG64 written = 0;
  NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
  if (c->code == FSCTL_PIPE_LISTEN)
    return svc_pipe_listen(file, request);
  if (c->code == FSCTL_PIPE_DISCONNECT)
    status = io_pipe_disconnect(file);
  else if (c->code == FSCTL_PIPE_PEEK)
    status = svc_pipe_peek(file, c->output, c->output_length, &written);
  return svc_end_request(request, status, written);
}

static NTSTATUS control_file(HANDLE FileHandle, HANDLE Event, ULONG64 ApcRoutine, ULONG64 ApcContext,
                             ULONG64 IoStatusBlock, const struct control *c, bool device)
{
  FILE_OBJECT *file;
  struct svc_request request;
  ULONG64 written = 0;
  NTSTATUS status = ProbeForRead(c->input, c->input_length, 1);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(c->output, c->output_length, 1);
  if (NT_SUCCESS(status))
    status = svc_reference_file(FileHandle, 0, &file, NULL);
  if (!NT_SUCCESS(status))
    return status;
  status = svc_begin_request(&request, file, Event, ApcRoutine, ApcContext, IoStatusBlock);
  if (NT_SUCCESS(status) && !device && file->kind == IO_PIPE) {
    status = control_pipe(file, &request, c);
  } else if (NT_SUCCESS(status)) {
    bool console_code = device && c->code >> 16 == FILE_DEVICE_CONSOLE;
    if (console_code && file->device_type == FILE_DEVICE_CONSOLE)
      status = control_console(file, c, &written);
    else
      status = console_code ? STATUS_OBJECT_TYPE_MISMATCH : STATUS_INVALID_DEVICE_REQUEST;
    status = svc_end_request(&request, status, written);
  }
  ObDereferenceObject(file);
  return status;
}

NTSTATUS NtFsControlFile(HANDLE FileHandle, HANDLE Event, ULONG64 ApcRoutine, ULONG64 ApcContext,
                         ULONG64 IoStatusBlock, ULONG FsControlCode, ULONG64 InputBuffer, ULONG InputBufferLength,
                         ULONG64 OutputBuffer, ULONG OutputBufferLength)
{
  struct control c = {FsControlCode, InputBuffer, OutputBuffer, InputBufferLength, OutputBufferLength};
  return control_file(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, &c, false);
}

NTSTATUS NtDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, ULONG64 ApcRoutine, ULONG64 ApcContext,
                               ULONG64 IoStatusBlock, ULONG IoControlCode, ULONG64 InputBuffer,
                               ULONG InputBufferLength, ULONG64 OutputBuffer, ULONG OutputBufferLength)
{
  struct control c = {IoControlCode, InputBuffer, OutputBuffer, InputBufferLength, OutputBufferLength};
  return control_file(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, &c, true);
}

SVC_THUNK_5(NtQueryVolumeInformationFile, HANDLE, ULONG64, ULONG64, ULONG, ULONG)
SVC_THUNK_10(NtFsControlFile, HANDLE, HANDLE, ULONG64, ULONG64, ULONG64, ULONG, ULONG64, ULONG, ULONG64, ULONG)
SVC_THUNK_10(NtDeviceIoControlFile, HANDLE, HANDLE, ULONG64, ULONG64, ULONG64, ULONG, ULONG64, ULONG, ULONG64, ULONG)

const struct svc_entry svc_device_table[] = {
    SVC(NtQueryVolumeInformationFile, 5),
    SVC(NtFsControlFile, 10),
    SVC(NtDeviceIoControlFile, 10),
    {0},
};
