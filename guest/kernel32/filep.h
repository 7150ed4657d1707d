/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file filep.h  Files, for the sources of kernel32: the information classes, paths. */
#ifndef GUEST_KERNEL32_FILE_H
#define GUEST_KERNEL32_FILE_H

#include "kernel32p.h"

/* Information classes of files and volumes. */
enum {
  FileBothDirectoryInformation = 3,
  FileBasicInformation = 4,
  FileStandardInformation = 5,
  FileInternalInformation = 6,
  FileNameInformation = 9,
  FileRenameInformation = 10,
  FileDispositionInformation = 13,
  FilePositionInformation = 14,
  FileAllocationInformation = 19,
  FileEndOfFileInformation = 20,
  FileCompletionInformation = 30,
  FileAttributeTagInformation = 35,
  FileIdInformation = 59,
};
enum { FileFsVolumeInformation = 1, FileFsSizeInformation = 3, FileFsDeviceInformation = 4, FileFsAttributeInformation = 5 };

typedef struct _FILE_BASIC_INFORMATION {
  LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime;
  ULONG FileAttributes;
} FILE_BASIC_INFORMATION;
typedef struct _FILE_STANDARD_INFORMATION {
  LARGE_INTEGER AllocationSize, EndOfFile;
  ULONG NumberOfLinks;
  BOOLEAN DeletePending, Directory;
} FILE_STANDARD_INFORMATION;
typedef struct _FILE_NETWORK_OPEN_INFORMATION {
  LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime, AllocationSize, EndOfFile;
  ULONG FileAttributes;
} FILE_NETWORK_OPEN_INFORMATION;
typedef struct _FILE_NAME_INFORMATION {
  ULONG FileNameLength;
  WCHAR FileName[1];
} FILE_NAME_INFORMATION;
typedef struct _FILE_RENAME_INFORMATION {
  BOOLEAN ReplaceIfExists;
  HANDLE RootDirectory;
  ULONG FileNameLength;
  WCHAR FileName[1];
} FILE_RENAME_INFORMATION;
typedef struct _FILE_BOTH_DIR_INFORMATION {
  ULONG NextEntryOffset, FileIndex;
  LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime, EndOfFile, AllocationSize;
  ULONG FileAttributes, FileNameLength, EaSize;
  CHAR ShortNameLength;
  WCHAR ShortName[12];
  WCHAR FileName[1];
} FILE_BOTH_DIR_INFORMATION;
NT_ASSERT_OFFSET(FILE_BOTH_DIR_INFORMATION, FileName, 94);
NT_ASSERT_OFFSET(FILE_RENAME_INFORMATION, FileName, 20);
NT_ASSERT_SIZE(FILE_NETWORK_OPEN_INFORMATION, 0x38);
NT_ASSERT_SIZE(FILE_STANDARD_INFORMATION, 0x18);
NT_ASSERT_SIZE(FILE_BASIC_INFORMATION, 0x28);

/* What NtCreateFile did. */
enum { FILE_SUPERSEDED, FILE_OPENED, FILE_CREATED, FILE_OVERWRITTEN };

/** The kernel's name of a DOS path, to be freed by base_free_path. FALSE: it is none (ERROR_PATH_NOT_FOUND). */
BOOL base_nt_path(PCWSTR name, UNICODE_STRING *path);
void base_free_path(UNICODE_STRING *path);
/** Opens what exists, for synchronous access, shared with everybody. */
NTSTATUS base_open(PCWSTR name, ACCESS_MASK access, ULONG options, HANDLE *handle);

#endif
