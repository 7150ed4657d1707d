/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deleting, moving and copying files; making and removing directories. */
#include "filep.h"

/* Calls a function of one wide name with an ANSI one. */
static BOOL with_name(LPCSTR name, WINBOOL(WINAPI *function)(LPCWSTR))
{
  PWSTR wide;
  if (!base_wide_copy(name, &wide))
    return FALSE;
  BOOL done = function(wide);
  base_free(wide);
  return done;
}

static BOOL remove_it(PCWSTR name, ULONG options)
{
  BOOLEAN gone = TRUE;
  IO_STATUS_BLOCK io;
  HANDLE file;
  NTSTATUS status = base_open(name, DELETE, options | FILE_OPEN_FOR_BACKUP_INTENT | FILE_OPEN_REPARSE_POINT, &file);
  if (NT_SUCCESS(status)) {
    status = NtSetInformationFile(file, &io, &gone, sizeof gone, FileDispositionInformation);
    NtClose(file);
  }
  if (status == STATUS_FILE_IS_A_DIRECTORY)
    return base_fail(ERROR_ACCESS_DENIED);
  if (status == STATUS_NOT_A_DIRECTORY)
    return base_fail(ERROR_DIRECTORY);
  return BaseSetLastNTError(status);
}

WINBOOL WINAPI DeleteFileW(LPCWSTR lpFileName) { return remove_it(lpFileName, FILE_NON_DIRECTORY_FILE); }
WINBOOL WINAPI DeleteFileA(LPCSTR lpFileName) { return with_name(lpFileName, DeleteFileW); }
WINBOOL WINAPI RemoveDirectoryW(LPCWSTR lpPathName) { return remove_it(lpPathName, FILE_DIRECTORY_FILE); }
WINBOOL WINAPI RemoveDirectoryA(LPCSTR lpPathName) { return with_name(lpPathName, RemoveDirectoryW); }

WINBOOL WINAPI CreateDirectoryW(LPCWSTR lpPathName, LPSECURITY_ATTRIBUTES lpSecurityAttributes)
{
  UNICODE_STRING path;
  OBJECT_ATTRIBUTES attributes;
  IO_STATUS_BLOCK io;
  HANDLE directory;
  if (!base_nt_path(lpPathName, &path))
    return FALSE;
  InitializeObjectAttributes(&attributes, &path, OBJ_CASE_INSENSITIVE, NULL,
                             lpSecurityAttributes ? lpSecurityAttributes->lpSecurityDescriptor : NULL);
  NTSTATUS status = NtCreateFile(&directory, FILE_LIST_DIRECTORY | SYNCHRONIZE, &attributes, &io, NULL, FILE_ATTRIBUTE_NORMAL,
                                 FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_CREATE,
                                 FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT | FILE_OPEN_FOR_BACKUP_INTENT, NULL, 0);
  base_free_path(&path);
  if (NT_SUCCESS(status))
    NtClose(directory);
  if (status == STATUS_NOT_A_DIRECTORY)
    return base_fail(ERROR_DIRECTORY);
  return BaseSetLastNTError(status);
}

WINBOOL WINAPI CreateDirectoryA(LPCSTR lpPathName, LPSECURITY_ATTRIBUTES lpSecurityAttributes)
{
  PWSTR wide;
  if (!base_wide_copy(lpPathName, &wide))
    return FALSE;
  BOOL done = CreateDirectoryW(wide, lpSecurityAttributes);
  base_free(wide);
  return done;
}

WINBOOL WINAPI CreateDirectoryExW(LPCWSTR lpTemplateDirectory, LPCWSTR lpNewDirectory, LPSECURITY_ATTRIBUTES lpSecurityAttributes)
{
  (void)lpTemplateDirectory;
  return CreateDirectoryW(lpNewDirectory, lpSecurityAttributes);
}

/* ---- moving and copying ---- */

static NTSTATUS rename_to(HANDLE file, const UNICODE_STRING *path, BOOLEAN replace)
{
  IO_STATUS_BLOCK io;
  ULONG size = (ULONG)(offsetof(FILE_RENAME_INFORMATION, FileName) + path->Length + sizeof(WCHAR));
  FILE_RENAME_INFORMATION *information = base_allocate(size);
  if (!information)
    return STATUS_NO_MEMORY;
  *information = (FILE_RENAME_INFORMATION){.ReplaceIfExists = replace, .FileNameLength = path->Length};
  memcpy(information->FileName, path->Buffer, path->Length);
  NTSTATUS status = NtSetInformationFile(file, &io, information, size, FileRenameInformation);
  base_free(information);
  return status;
}

WINBOOL WINAPI MoveFileExW(LPCWSTR lpExistingFileName, LPCWSTR lpNewFileName, DWORD dwFlags)
{
  UNICODE_STRING to;
  HANDLE file;
  if (dwFlags & MOVEFILE_DELAY_UNTIL_REBOOT)
    return base_fail(ERROR_NOT_SUPPORTED);
  if (!lpNewFileName)
    return base_fail(ERROR_INVALID_PARAMETER);
  NTSTATUS status = base_open(lpExistingFileName, DELETE, FILE_OPEN_FOR_BACKUP_INTENT | FILE_OPEN_REPARSE_POINT, &file);
  if (!NT_SUCCESS(status))
    return BaseSetLastNTError(status);
  if (!base_nt_path(lpNewFileName, &to)) {
    NtClose(file);
    return FALSE;
  }
  status = rename_to(file, &to, (dwFlags & MOVEFILE_REPLACE_EXISTING) != 0);
  base_free_path(&to);
  NtClose(file);
  if (status == STATUS_NOT_SAME_DEVICE && (dwFlags & MOVEFILE_COPY_ALLOWED))
    return CopyFileW(lpExistingFileName, lpNewFileName, !(dwFlags & MOVEFILE_REPLACE_EXISTING)) && DeleteFileW(lpExistingFileName);
  return BaseSetLastNTError(status);
}

WINBOOL WINAPI MoveFileExA(LPCSTR lpExistingFileName, LPCSTR lpNewFileName, DWORD dwFlags)
{
  PWSTR from, to;
  BOOL done = FALSE;
  if (!base_wide_copy(lpExistingFileName, &from))
    return FALSE;
  if (base_wide_copy(lpNewFileName, &to)) {
    done = MoveFileExW(from, to, dwFlags);
    base_free(to);
  }
  base_free(from);
  return done;
}

WINBOOL WINAPI MoveFileW(LPCWSTR lpExistingFileName, LPCWSTR lpNewFileName)
{
  return MoveFileExW(lpExistingFileName, lpNewFileName, MOVEFILE_COPY_ALLOWED);
}

WINBOOL WINAPI MoveFileA(LPCSTR lpExistingFileName, LPCSTR lpNewFileName)
{
  return MoveFileExA(lpExistingFileName, lpNewFileName, MOVEFILE_COPY_ALLOWED);
}

static BOOL copy_content(HANDLE from, HANDLE to)
{
  const DWORD chunk = 0x10000;
  PVOID buffer = base_allocate(chunk);
  BOOL done = buffer != NULL;
  for (DWORD moved = 1, written; done && moved;) {
    done = ReadFile(from, buffer, chunk, &moved, NULL);
    if (done && moved)
      done = WriteFile(to, buffer, moved, &written, NULL) && written == moved;
  }
  base_free(buffer);
  return done;
}

WINBOOL WINAPI CopyFileW(LPCWSTR lpExistingFileName, LPCWSTR lpNewFileName, WINBOOL bFailIfExists)
{
  HANDLE from = CreateFileW(lpExistingFileName, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL), to;
  if (from == INVALID_HANDLE_VALUE)
    return FALSE;
  to = CreateFileW(lpNewFileName, GENERIC_WRITE, 0, NULL, bFailIfExists ? CREATE_NEW : CREATE_ALWAYS, 0, NULL);
  BOOL done = to != INVALID_HANDLE_VALUE && copy_content(from, to);
  NtClose(from);
  if (to != INVALID_HANDLE_VALUE)
    NtClose(to);
  return done;
}

WINBOOL WINAPI CopyFileA(LPCSTR lpExistingFileName, LPCSTR lpNewFileName, WINBOOL bFailIfExists)
{
  PWSTR from, to;
  BOOL done = FALSE;
  if (!base_wide_copy(lpExistingFileName, &from))
    return FALSE;
  if (base_wide_copy(lpNewFileName, &to)) {
    done = CopyFileW(from, to, bFailIfExists);
    base_free(to);
  }
  base_free(from);
  return done;
}

WINBOOL WINAPI CopyFileExW(LPCWSTR lpExistingFileName, LPCWSTR lpNewFileName, LPPROGRESS_ROUTINE lpProgressRoutine, LPVOID lpData,
                           LPBOOL pbCancel, DWORD dwCopyFlags)
{
  (void)lpProgressRoutine, (void)lpData;
  if (pbCancel && *pbCancel)
    return base_fail(ERROR_REQUEST_ABORTED);
  return CopyFileW(lpExistingFileName, lpNewFileName, (dwCopyFlags & COPY_FILE_FAIL_IF_EXISTS) != 0);
}

WINBOOL WINAPI ReplaceFileW(LPCWSTR lpReplacedFileName, LPCWSTR lpReplacementFileName, LPCWSTR lpBackupFileName,
                            DWORD dwReplaceFlags, LPVOID lpExclude, LPVOID lpReserved)
{
  (void)dwReplaceFlags;
  if (lpExclude || lpReserved || !lpReplacedFileName || !lpReplacementFileName)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (GetFileAttributesW(lpReplacedFileName) == INVALID_FILE_ATTRIBUTES)
    return FALSE;
  if (lpBackupFileName && !MoveFileExW(lpReplacedFileName, lpBackupFileName, MOVEFILE_REPLACE_EXISTING))
    return FALSE;
  return MoveFileExW(lpReplacementFileName, lpReplacedFileName, MOVEFILE_REPLACE_EXISTING);
}
