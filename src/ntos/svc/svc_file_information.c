/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about files: by handle, by name, and of their volume. */
#include "ntos/svc/svc_file.h"

#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_file_classes.h"
#include "ntos/svc/svc_io.h"

#include <string.h>

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

/* ---- one class each, into zeroed structures ---- */

static void fill_basic(const FILE_OBJECT *file, FILE_BASIC_INFORMATION *out)
{
  struct io_basic basic;
  io_query(file, &basic);
  if (file->kind == IO_CONSOLE || file->kind == IO_NULL || file->kind == IO_PIPE) {
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
