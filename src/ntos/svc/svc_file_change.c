/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NtSetInformationFile. */
#include "ntos/svc/svc_file.h"

#include "ntos/ke/ke.h"
#include "ntos/life/life.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_file_classes.h"
#include "ntos/svc/svc_io.h"

#include <string.h>

typedef struct _FILE_RENAME_INFORMATION {
  BOOLEAN ReplaceIfExists;
  UCHAR Reserved[7];
  HANDLE RootDirectory;
  ULONG FileNameLength;
} FILE_RENAME_INFORMATION;
C_ASSERT_OFFSET(FILE_RENAME_INFORMATION, FileNameLength, 16);
#define RENAME_NAME_OFFSET 20u

#define MAXIMUM_NAME 0xFFFEu
#define IO_COMPLETION_MODIFY_STATE 0x2u

static NTSTATUS set_position(FILE_OBJECT *file, ULONG64 information)
{
  LONG64 position;
  NTSTATUS status = mm_user_read(&position, information, sizeof(position));
  if (NT_SUCCESS(status) && position < 0)
    return STATUS_INVALID_PARAMETER;
  if (NT_SUCCESS(status))
    file->CurrentByteOffset = (ULONG64)position;
  return status;
}

static NTSTATUS set_size(FILE_OBJECT *file, ULONG64 information, bool allocation)
{
  LONG64 size;
  NTSTATUS status = mm_user_read(&size, information, sizeof(size));
  if (!NT_SUCCESS(status))
    return status;
  if (size < 0)
    return STATUS_INVALID_PARAMETER;
  /* An allocation only cuts; room beyond the end is not seen by anybody. */
  if (allocation && (ULONG64)size >= file->size)
    return file->kind == IO_FILE ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST;
  return io_set_size(file, (ULONG64)size);
}

static NTSTATUS set_disposition(FILE_OBJECT *file, ULONG64 information, bool extended)
{
  ULONG flags = 0;
  NTSTATUS status = mm_user_read(&flags, information, extended ? sizeof(ULONG) : sizeof(BOOLEAN));
  return NT_SUCCESS(status) ? io_set_delete(file, (flags & 0xFF) != 0) : status;
}

static NTSTATUS set_rename(FILE_OBJECT *file, ULONG64 information, ULONG length)
{
  FILE_RENAME_INFORMATION rename;
  FILE_OBJECT *root = NULL;
  char *path = NULL;
  NTSTATUS status = mm_user_read(&rename, information, RENAME_NAME_OFFSET);
  if (!NT_SUCCESS(status))
    return status;
  if (rename.FileNameLength == 0 || rename.FileNameLength % 2 != 0 || rename.FileNameLength > MAXIMUM_NAME ||
      rename.FileNameLength > length - RENAME_NAME_OFFSET)
    return STATUS_INVALID_PARAMETER;
  WCHAR *wide = ExAllocatePoolWithTag(rename.FileNameLength, POOL_TAG('I', 'o', 'N', 'm'));
  if (wide == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  status = mm_user_read(wide, information + RENAME_NAME_OFFSET, rename.FileNameLength);
  char *name = NT_SUCCESS(status) ? io_utf8(wide, rename.FileNameLength / 2) : NULL;
  ExFreePool(wide);
  if (NT_SUCCESS(status) && name == NULL)
    status = STATUS_INSUFFICIENT_RESOURCES;
  if (NT_SUCCESS(status) && rename.RootDirectory != 0)
    status = svc_reference_file(rename.RootDirectory, 0, &root, NULL);
  if (NT_SUCCESS(status) && root == NULL && strchr(name, '\\') == NULL) {
    /* A bare name: in the same folder. */
    const char *cut = strrchr(file->path, '\\');
    size_t head = cut != NULL ? (size_t)(cut - file->path) + 1 : 0;
    char *whole = ExAllocatePoolWithTag(head + strlen(name) + 1, POOL_TAG('I', 'o', 'N', 'm'));
    status = whole != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    if (whole != NULL) {
      memcpy(whole, file->path, head);
      strcpy(whole + head, name);
    }
    ExFreePool(name);
    name = whole;
  }
  if (NT_SUCCESS(status))
    status = io_normalise(root, name, &path);
  if (NT_SUCCESS(status))
    status = io_rename(file, path, (rename.ReplaceIfExists & 1) != 0);
  if (root != NULL)
    ObDereferenceObject(root);
  ExFreePool(path);
  ExFreePool(name);
  return status;
}

/* FILE_COMPLETION_INFORMATION: a port and a key, once per file, and only for asynchronous access. */
static NTSTATUS set_completion(FILE_OBJECT *file, ULONG64 information)
{
  ULONG64 pair[2];
  void *port;
  NTSTATUS status = mm_user_read(pair, information, sizeof(pair));
  if (NT_SUCCESS(status) && (file->synchronous || file->completion != NULL))
    status = STATUS_INVALID_PARAMETER;
  if (NT_SUCCESS(status))
    status = ObReferenceObjectByHandle((HANDLE)pair[0], IO_COMPLETION_MODIFY_STATE, ob_types()->IoCompletion,
                                       KeGetPreviousMode(), &port, NULL);
  if (NT_SUCCESS(status)) {
    file->completion = port;
    file->completion_key = pair[1];
  }
  return status;
}

static ULONG set_length(ULONG class, ACCESS_MASK *access)
{
  *access = 0;
  switch (class) {
  case FileBasicInformation:
    /* Wine's SetFileAttributes opens with SYNCHRONIZE alone. */
    *access = life_userland()->unix_call_slot != 0 ? 0 : FILE_WRITE_ATTRIBUTES;
    return sizeof(FILE_BASIC_INFORMATION);
  case FileRenameInformation:
  case FileRenameInformationEx:
    *access = DELETE_ACCESS;
    return sizeof(FILE_RENAME_INFORMATION);
  case FileDispositionInformation:
    *access = DELETE_ACCESS;
    return 1;
  case FileDispositionInformationEx:
    *access = DELETE_ACCESS;
    return 4;
  case FilePositionInformation:
    return 8;
  case FileCompletionInformation:
    return 16;
  case FileModeInformation:
    return 4;
  case FileAllocationInformation:
  case FileEndOfFileInformation:
    *access = FILE_WRITE_DATA;
    return 8;
  default:
    return 0;
  }
}

static NTSTATUS set_class(FILE_OBJECT *file, ULONG64 information, ULONG length, ULONG class)
{
  switch (class) {
  case FilePositionInformation:
    return set_position(file, information);
  case FileEndOfFileInformation:
  case FileAllocationInformation:
    return set_size(file, information, class == FileAllocationInformation);
  case FileDispositionInformation:
  case FileDispositionInformationEx:
    return set_disposition(file, information, class == FileDispositionInformationEx);
  case FileRenameInformation:
  case FileRenameInformationEx:
    return set_rename(file, information, length);
  case FileCompletionInformation:
    return set_completion(file, information);
  case FileBasicInformation:
    /* Times and attributes are constants (determinism). */
    return file->writable ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
  default:
    /* The mode is that of the opening. */
    return STATUS_SUCCESS;
  }
}

NTSTATUS NtSetInformationFile(HANDLE FileHandle, ULONG64 IoStatusBlock, ULONG64 FileInformation, ULONG Length,
                              ULONG FileInformationClass)
{
  FILE_OBJECT *file;
  ACCESS_MASK access;
  struct svc_request request;
  ULONG size = set_length(FileInformationClass, &access);
  if (size == 0)
    return STATUS_INVALID_INFO_CLASS;
  if (Length < size)
    return STATUS_INFO_LENGTH_MISMATCH;
  NTSTATUS status = ProbeForRead(FileInformation, Length, 1);
  if (!NT_SUCCESS(status))
    return status;
  status = svc_reference_file(FileHandle, access, &file, NULL);
  if (!NT_SUCCESS(status))
    return status;
  status = svc_begin_request(&request, file, 0, 0, 0, IoStatusBlock);
  if (NT_SUCCESS(status)) {
    status = set_class(file, FileInformation, Length, FileInformationClass);
    status = svc_end_request(&request, status, 0);
  }
  ObDereferenceObject(file);
  return status;
}
