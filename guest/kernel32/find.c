/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listing directories. A search handle is a heap block: the directory, and one record that comes next. */
#include "filep.h"

#define FIND_SIGNATURE 0x444E4946u

struct find {
  ULONG signature;
  HANDLE directory;
  RTL_CRITICAL_SECTION lock; /* guards the directory's position */
};

/* A record and the longest name. */
struct record {
  _Alignas(8) UCHAR bytes[sizeof(FILE_BOTH_DIR_INFORMATION) + 260 * sizeof(WCHAR)];
};

static void copy_record(const FILE_BOTH_DIR_INFORMATION *from, WIN32_FIND_DATAW *to)
{
  ULONG length = from->FileNameLength / sizeof(WCHAR);
  memset(to, 0, sizeof *to);
  to->dwFileAttributes = from->FileAttributes;
  memcpy(&to->ftCreationTime, &from->CreationTime, sizeof(FILETIME));
  memcpy(&to->ftLastAccessTime, &from->LastAccessTime, sizeof(FILETIME));
  memcpy(&to->ftLastWriteTime, &from->LastWriteTime, sizeof(FILETIME));
  to->nFileSizeHigh = (DWORD)from->EndOfFile.HighPart;
  to->nFileSizeLow = from->EndOfFile.LowPart;
  memcpy(to->cFileName, from->FileName, (length < MAX_PATH ? length : MAX_PATH - 1) * sizeof(WCHAR));
  memcpy(to->cAlternateFileName, from->ShortName, (ULONG)(UCHAR)from->ShortNameLength);
}

/* The next record; mask: for the first. */
static NTSTATUS next_record(HANDLE directory, UNICODE_STRING *mask, WIN32_FIND_DATAW *data)
{
  struct record record;
  IO_STATUS_BLOCK io;
  NTSTATUS status = NtQueryDirectoryFile(directory, NULL, NULL, NULL, &io, &record, sizeof record, FileBothDirectoryInformation,
                                         TRUE, mask, FALSE);
  if (NT_SUCCESS(status))
    copy_record((const FILE_BOTH_DIR_INFORMATION *)record.bytes, data);
  return status;
}

/* Splits a kernel path into its directory, which keeps the backslash, and the mask behind it. */
static void split(const UNICODE_STRING *path, UNICODE_STRING *directory, UNICODE_STRING *mask)
{
  USHORT at = path->Length / sizeof(WCHAR);
  while (at && path->Buffer[at - 1] != '\\')
    at--;
  *directory = (UNICODE_STRING){(USHORT)(at * sizeof(WCHAR)), (USHORT)(at * sizeof(WCHAR)), path->Buffer};
  USHORT rest = (USHORT)(path->Length - at * sizeof(WCHAR));
  *mask = (UNICODE_STRING){rest, rest, path->Buffer + at};
}

static NTSTATUS start(const UNICODE_STRING *path, HANDLE *directory, WIN32_FIND_DATAW *data)
{
  static WCHAR star[] = L"*";
  UNICODE_STRING folder, mask;
  OBJECT_ATTRIBUTES attributes;
  IO_STATUS_BLOCK io;
  split(path, &folder, &mask);
  if (!mask.Length)
    return STATUS_OBJECT_NAME_NOT_FOUND;
  if (mask.Length == 6 && mask.Buffer[0] == '*' && mask.Buffer[1] == '.' && mask.Buffer[2] == '*')
    mask = (UNICODE_STRING){2, 2, star};
  InitializeObjectAttributes(&attributes, &folder, OBJ_CASE_INSENSITIVE, NULL, NULL);
  NTSTATUS status = NtOpenFile(directory, FILE_LIST_DIRECTORY | SYNCHRONIZE, &attributes, &io,
                               FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                               FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT | FILE_OPEN_FOR_BACKUP_INTENT);
  if (status == STATUS_OBJECT_NAME_NOT_FOUND)
    return STATUS_OBJECT_PATH_NOT_FOUND;
  if (!NT_SUCCESS(status))
    return status;
  status = next_record(*directory, &mask, data);
  if (!NT_SUCCESS(status))
    NtClose(*directory);
  return status == STATUS_NO_MORE_FILES ? STATUS_NO_SUCH_FILE : status;
}

HANDLE WINAPI FindFirstFileExW(LPCWSTR lpFileName, FINDEX_INFO_LEVELS fInfoLevelId, LPVOID lpFindFileData,
                               FINDEX_SEARCH_OPS fSearchOp, LPVOID lpSearchFilter, DWORD dwAdditionalFlags)
{
  UNICODE_STRING path;
  struct find *find;
  (void)dwAdditionalFlags;
  if (fInfoLevelId > FindExInfoBasic || fSearchOp > FindExSearchLimitToDirectories || lpSearchFilter) {
    base_fail(ERROR_INVALID_PARAMETER);
    return INVALID_HANDLE_VALUE;
  }
  if (!base_nt_path(lpFileName, &path))
    return INVALID_HANDLE_VALUE;
  find = base_allocate(sizeof *find);
  NTSTATUS status = find ? start(&path, &find->directory, lpFindFileData) : STATUS_NO_MEMORY;
  base_free_path(&path);
  if (!NT_SUCCESS(status)) {
    base_free(find);
    BaseSetLastNTError(status);
    return INVALID_HANDLE_VALUE;
  }
  find->signature = FIND_SIGNATURE;
  RtlInitializeCriticalSection(&find->lock);
  return find;
}

HANDLE WINAPI FindFirstFileW(LPCWSTR lpFileName, LPWIN32_FIND_DATAW lpFindFileData)
{
  return FindFirstFileExW(lpFileName, FindExInfoStandard, lpFindFileData, FindExSearchNameMatch, NULL, 0);
}

static struct find *find_of(HANDLE handle)
{
  struct find *find = handle;
  if (!handle || handle == INVALID_HANDLE_VALUE || find->signature != FIND_SIGNATURE)
    return base_fail(ERROR_INVALID_HANDLE), NULL;
  return find;
}

WINBOOL WINAPI FindNextFileW(HANDLE hFindFile, LPWIN32_FIND_DATAW lpFindFileData)
{
  struct find *find = find_of(hFindFile);
  if (!find)
    return FALSE;
  RtlEnterCriticalSection(&find->lock);
  NTSTATUS status = next_record(find->directory, NULL, lpFindFileData);
  RtlLeaveCriticalSection(&find->lock);
  return BaseSetLastNTError(status);
}

WINBOOL WINAPI FindClose(HANDLE hFindFile)
{
  struct find *find = find_of(hFindFile);
  if (!find)
    return FALSE;
  find->signature = 0;
  NtClose(find->directory);
  RtlDeleteCriticalSection(&find->lock);
  base_free(find);
  return TRUE;
}

/* ---- ANSI ---- */

static void narrow_record(const WIN32_FIND_DATAW *from, WIN32_FIND_DATAA *to)
{
  memcpy(to, from, offsetof(WIN32_FIND_DATAA, cFileName));
  for (ULONG i = 0; i < MAX_PATH; i++)
    to->cFileName[i] = base_narrow_char(from->cFileName[i]);
  for (ULONG i = 0; i < 14; i++)
    to->cAlternateFileName[i] = base_narrow_char(from->cAlternateFileName[i]);
}

HANDLE WINAPI FindFirstFileExA(LPCSTR lpFileName, FINDEX_INFO_LEVELS fInfoLevelId, LPVOID lpFindFileData,
                               FINDEX_SEARCH_OPS fSearchOp, LPVOID lpSearchFilter, DWORD dwAdditionalFlags)
{
  WIN32_FIND_DATAW wide;
  PWSTR name;
  if (!base_wide_copy(lpFileName, &name))
    return INVALID_HANDLE_VALUE;
  HANDLE find = FindFirstFileExW(name, fInfoLevelId, &wide, fSearchOp, lpSearchFilter, dwAdditionalFlags);
  base_free(name);
  if (find != INVALID_HANDLE_VALUE)
    narrow_record(&wide, lpFindFileData);
  return find;
}

HANDLE WINAPI FindFirstFileA(LPCSTR lpFileName, LPWIN32_FIND_DATAA lpFindFileData)
{
  return FindFirstFileExA(lpFileName, FindExInfoStandard, lpFindFileData, FindExSearchNameMatch, NULL, 0);
}

WINBOOL WINAPI FindNextFileA(HANDLE hFindFile, LPWIN32_FIND_DATAA lpFindFileData)
{
  WIN32_FIND_DATAW wide;
  if (!FindNextFileW(hFindFile, &wide))
    return FALSE;
  narrow_record(&wide, lpFindFileData);
  return TRUE;
}
