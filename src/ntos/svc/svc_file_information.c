/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about files: by handle, by name, and of their volume. */
#include "ntos/svc/svc_file.h"

#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_capture.h"
#include "ntos/svc/svc_io.h"

#include <string.h>

enum file_class {
  FileBasicInformation = 4,
  FileStandardInformation = 5,
  FileInternalInformation = 6,
  FileEaInformation = 7,
  FileAccessInformation = 8,
  FileNameInformation = 9,
  FileRenameInformation = 10,
  FileDispositionInformation = 13,
  FilePositionInformation = 14,
  FileModeInformation = 16,
  FileAlignmentInformation = 17,
  FileAllInformation = 18,
  FileAllocationInformation = 19,
  FileEndOfFileInformation = 20,
  FileCompletionInformation = 30,
  FileNetworkOpenInformation = 34,
  FileAttributeTagInformation = 35,
  FileNormalizedNameInformation = 48,
  FileIsRemoteDeviceInformation = 51,
  FileIdInformation = 59,
  FileDispositionInformationEx = 64,
  FileRenameInformationEx = 65
};

typedef struct _FILE_BASIC_INFORMATION {
  LONG64 CreationTime, LastAccessTime, LastWriteTime, ChangeTime;
  ULONG FileAttributes;
  ULONG Reserved;
} FILE_BASIC_INFORMATION;
C_ASSERT_SIZE(FILE_BASIC_INFORMATION, 0x28);

typedef struct _FILE_STANDARD_INFORMATION {
  LONG64 AllocationSize, EndOfFile;
  ULONG NumberOfLinks;
  BOOLEAN DeletePending, Directory;
  USHORT Reserved;
} FILE_STANDARD_INFORMATION;
C_ASSERT_SIZE(FILE_STANDARD_INFORMATION, 0x18);

typedef struct _FILE_NETWORK_OPEN_INFORMATION {
  LONG64 CreationTime, LastAccessTime, LastWriteTime, ChangeTime, AllocationSize, EndOfFile;
  ULONG FileAttributes;
  ULONG Reserved;
} FILE_NETWORK_OPEN_INFORMATION;
C_ASSERT_SIZE(FILE_NETWORK_OPEN_INFORMATION, 0x38);

typedef struct _FILE_ALL_INFORMATION {
  FILE_BASIC_INFORMATION BasicInformation;
  FILE_STANDARD_INFORMATION StandardInformation;
  ULONG64 IndexNumber;
  ULONG EaSize;
  ACCESS_MASK AccessFlags;
  LONG64 CurrentByteOffset;
  ULONG Mode;
  ULONG AlignmentRequirement;
  ULONG FileNameLength; /* FILE_NAME_INFORMATION begins here */
  ULONG FirstName;
} FILE_ALL_INFORMATION;
C_ASSERT_SIZE(FILE_ALL_INFORMATION, 0x68);
C_ASSERT_OFFSET(FILE_ALL_INFORMATION, FileNameLength, 0x60);

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

/* ---- one class each, into zeroed structures ---- */

static void fill_basic(const FILE_OBJECT *file, FILE_BASIC_INFORMATION *out)
{
  struct io_basic basic;
  io_query(file, &basic);
  if (file->kind == IO_CONSOLE || file->kind == IO_NULL) {
    out->FileAttributes = FILE_ATTRIBUTE_NORMAL;
    return;
  }
  out->CreationTime = out->LastAccessTime = out->LastWriteTime = out->ChangeTime = (LONG64)IO_FILE_TIME;
  out->FileAttributes = svc_file_attributes(&basic);
}

static void fill_standard(const FILE_OBJECT *file, FILE_STANDARD_INFORMATION *out)
{
  struct io_basic basic;
  io_query(file, &basic);
  out->AllocationSize = (LONG64)svc_allocation_size(&basic);
  out->EndOfFile = (LONG64)basic.size;
  out->NumberOfLinks = file->delete_on_close ? 0 : 1;
  out->DeletePending = file->delete_on_close;
  out->Directory = basic.directory;
}

static void fill_network_open(const struct io_basic *basic, FILE_NETWORK_OPEN_INFORMATION *out)
{
  out->CreationTime = out->LastAccessTime = out->LastWriteTime = out->ChangeTime = (LONG64)IO_FILE_TIME;
  out->AllocationSize = (LONG64)svc_allocation_size(basic);
  out->EndOfFile = (LONG64)basic->size;
  out->FileAttributes = svc_file_attributes(basic);
}

static ULONG mode_of(const FILE_OBJECT *file) { return file->synchronous ? FILE_SYNCHRONOUS_IO_NONALERT : 0; }

/* Name without the volume, in the pool. */
static WCHAR *name_of(const FILE_OBJECT *file, ULONG *bytes)
{
  const char *path = file->path;
  if (strncmp(path, "\\??\\", 4) == 0)
    path += 6;
  else if (strncmp(path, "\\Device\\", 8) == 0 && strchr(path + 8, '\\') != NULL)
    path = strchr(path + 8, '\\');
  else
    path = "";
  return io_utf16(path, bytes);
}

/* Writes a name after `offset` bytes of fixed structure, cut to what fits. */
static NTSTATUS write_name(const FILE_OBJECT *file, ULONG64 address, ULONG length, ULONG offset, ULONG64 *written)
{
  ULONG bytes = 0;
  WCHAR *name = name_of(file, &bytes);
  if (name == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  ULONG room = length - offset - (ULONG)sizeof(ULONG);
  ULONG moved = bytes <= room ? bytes : room & ~1u;
  NTSTATUS status = mm_user_write(address + offset, &bytes, sizeof(bytes));
  if (NT_SUCCESS(status))
    status = mm_user_write(address + offset + sizeof(ULONG), name, moved);
  ExFreePool(name);
  *written = offset + sizeof(ULONG) + moved;
  if (NT_SUCCESS(status) && moved < bytes)
    return STATUS_BUFFER_OVERFLOW;
  return status;
}

static NTSTATUS query_all(const FILE_OBJECT *file, ACCESS_MASK granted, ULONG64 address, ULONG length,
                          ULONG64 *written)
{
  FILE_ALL_INFORMATION all = {.EaSize = 0};
  fill_basic(file, &all.BasicInformation);
  fill_standard(file, &all.StandardInformation);
  all.IndexNumber = io_file_id(file->path);
  all.AccessFlags = granted;
  all.CurrentByteOffset = (LONG64)file->CurrentByteOffset;
  all.Mode = mode_of(file);
  NTSTATUS status = mm_user_write(address, &all, offsetof(FILE_ALL_INFORMATION, FileNameLength));
  if (NT_SUCCESS(status))
    status = write_name(file, address, length, offsetof(FILE_ALL_INFORMATION, FileNameLength), written);
  return status;
}

/* Information of fixed size. */
static ULONG fill_fixed(const FILE_OBJECT *file, ACCESS_MASK granted, ULONG class, void *out)
{
  struct io_basic basic;
  ULONG64 *words = out;
  ULONG *values = out;
  io_query(file, &basic);
  switch (class) {
  case FileBasicInformation:
    fill_basic(file, out);
    return sizeof(FILE_BASIC_INFORMATION);
  case FileStandardInformation:
    fill_standard(file, out);
    return sizeof(FILE_STANDARD_INFORMATION);
  case FileInternalInformation:
    words[0] = io_file_id(file->path);
    return 8;
  case FileAccessInformation:
    values[0] = granted;
    return 4;
  case FilePositionInformation:
    words[0] = file->CurrentByteOffset;
    return 8;
  case FileModeInformation:
    values[0] = mode_of(file);
    return 4;
  case FileEaInformation:
  case FileAlignmentInformation:
    return 4;
  case FileNetworkOpenInformation:
    fill_network_open(&basic, out);
    return sizeof(FILE_NETWORK_OPEN_INFORMATION);
  case FileAttributeTagInformation:
    values[0] = svc_file_attributes(&basic);
    return 8;
  case FileIsRemoteDeviceInformation:
    return 1;
  case FileIdInformation:
    words[0] = 0x12345678;
    words[1] = io_file_id(file->path);
    return 24;
  default:
    return 0;
  }
}

static ULONG query_size(ULONG class)
{
  switch (class) {
  case FileNameInformation:
  case FileNormalizedNameInformation:
    return 8;
  case FileAllInformation:
    return sizeof(FILE_ALL_INFORMATION);
  case FileBasicInformation:
    return sizeof(FILE_BASIC_INFORMATION);
  case FileStandardInformation:
  case FileIdInformation:
    return 24;
  case FileInternalInformation:
  case FilePositionInformation:
  case FileAttributeTagInformation:
    return 8;
  case FileAccessInformation:
  case FileModeInformation:
  case FileEaInformation:
  case FileAlignmentInformation:
    return 4;
  case FileNetworkOpenInformation:
    return sizeof(FILE_NETWORK_OPEN_INFORMATION);
  case FileIsRemoteDeviceInformation:
    return 1;
  default:
    return 0;
  }
}

static ACCESS_MASK query_access(ULONG class)
{
  return class == FileBasicInformation || class == FileNetworkOpenInformation || class == FileAllInformation ||
                 class == FileAttributeTagInformation
             ? FILE_READ_ATTRIBUTES
             : 0;
}

NTSTATUS NtQueryInformationFile(HANDLE FileHandle, ULONG64 IoStatusBlock, ULONG64 FileInformation, ULONG Length,
                                ULONG FileInformationClass)
{
  FILE_OBJECT *file;
  ACCESS_MASK granted = 0;
  struct svc_request request;
  ULONG64 written = 0;
  ULONG64 fixed[8] = {0};
  ULONG size = query_size(FileInformationClass);
  if (size == 0)
    return STATUS_INVALID_INFO_CLASS;
  if (Length < size)
    return STATUS_INFO_LENGTH_MISMATCH;
  NTSTATUS status = ProbeForWrite(FileInformation, Length, 4);
  if (!NT_SUCCESS(status))
    return status;
  status = svc_reference_file(FileHandle, query_access(FileInformationClass), &file, &granted);
  if (!NT_SUCCESS(status))
    return status;
  status = svc_begin_request(&request, file, 0, 0, 0, IoStatusBlock);
  if (NT_SUCCESS(status)) {
    if (FileInformationClass == FileNameInformation || FileInformationClass == FileNormalizedNameInformation) {
      status = write_name(file, FileInformation, Length, 0, &written);
    } else if (FileInformationClass == FileAllInformation) {
      status = query_all(file, granted, FileInformation, Length, &written);
    } else {
      written = fill_fixed(file, granted, FileInformationClass, fixed);
      status = mm_user_write(FileInformation, fixed, written);
    }
    status = svc_end_request(&request, status, written);
  }
  ObDereferenceObject(file);
  return status;
}

/* ---- changes ---- */

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
    *access = FILE_WRITE_ATTRIBUTES;
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
  default:
    /* Times and attributes are constants (determinism), the mode is that of the opening. */
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

/* ---- by name ---- */

static NTSTATUS query_by_name(ULONG64 ObjectAttributes, struct io_basic *basic)
{
  char *path;
  NTSTATUS status = svc_capture_file_path(ObjectAttributes, &path, NULL);
  if (!NT_SUCCESS(status))
    return status;
  status = io_query_path(path, basic);
  ExFreePool(path);
  return status;
}

NTSTATUS NtQueryAttributesFile(ULONG64 ObjectAttributes, ULONG64 FileInformation)
{
  struct io_basic basic;
  FILE_BASIC_INFORMATION information = {.FileAttributes = 0};
  NTSTATUS status = ProbeForWrite(FileInformation, sizeof(information), 8);
  if (NT_SUCCESS(status))
    status = query_by_name(ObjectAttributes, &basic);
  if (!NT_SUCCESS(status))
    return status;
  information.CreationTime = information.LastAccessTime = information.LastWriteTime = information.ChangeTime =
      (LONG64)IO_FILE_TIME;
  information.FileAttributes = svc_file_attributes(&basic);
  return mm_user_write(FileInformation, &information, sizeof(information));
}

NTSTATUS NtQueryFullAttributesFile(ULONG64 ObjectAttributes, ULONG64 FileInformation)
{
  struct io_basic basic;
  FILE_NETWORK_OPEN_INFORMATION information = {.FileAttributes = 0};
  NTSTATUS status = ProbeForWrite(FileInformation, sizeof(information), 8);
  if (NT_SUCCESS(status))
    status = query_by_name(ObjectAttributes, &basic);
  if (!NT_SUCCESS(status))
    return status;
  fill_network_open(&basic, &information);
  return mm_user_write(FileInformation, &information, sizeof(information));
}

SVC_THUNK_5(NtQueryInformationFile, HANDLE, ULONG64, ULONG64, ULONG, ULONG)
SVC_THUNK_5(NtSetInformationFile, HANDLE, ULONG64, ULONG64, ULONG, ULONG)
SVC_THUNK_2(NtQueryAttributesFile, ULONG64, ULONG64)
SVC_THUNK_2(NtQueryFullAttributesFile, ULONG64, ULONG64)

const struct svc_entry svc_file_information_table[] = {
    SVC(NtQueryInformationFile, 5),
    SVC(NtSetInformationFile, 5),
    SVC(NtQueryAttributesFile, 2),
    SVC(NtQueryFullAttributesFile, 2),
    {0},
};
