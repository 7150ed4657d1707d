/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts of files: attributes, times, identity, names. */
#include "filep.h"

static FILETIME file_time(LARGE_INTEGER time) { return (FILETIME){time.LowPart, (DWORD)time.HighPart}; }

static NTSTATUS full_attributes(PCWSTR name, FILE_NETWORK_OPEN_INFORMATION *facts)
{
  UNICODE_STRING path;
  OBJECT_ATTRIBUTES attributes;
  if (!base_nt_path(name, &path))
    return STATUS_OBJECT_PATH_NOT_FOUND;
  InitializeObjectAttributes(&attributes, &path, OBJ_CASE_INSENSITIVE, NULL, NULL);
  NTSTATUS status = NtQueryFullAttributesFile(&attributes, facts);
  base_free_path(&path);
  return status;
}

WINBOOL WINAPI GetFileAttributesExW(LPCWSTR lpFileName, GET_FILEEX_INFO_LEVELS fInfoLevelId, LPVOID lpFileInformation)
{
  FILE_NETWORK_OPEN_INFORMATION facts;
  WIN32_FILE_ATTRIBUTE_DATA *out = lpFileInformation;
  if (fInfoLevelId != GetFileExInfoStandard)
    return base_fail(ERROR_INVALID_PARAMETER);
  NTSTATUS status = full_attributes(lpFileName, &facts);
  if (!NT_SUCCESS(status))
    return BaseSetLastNTError(status);
  *out = (WIN32_FILE_ATTRIBUTE_DATA){facts.FileAttributes,
                                     file_time(facts.CreationTime),
                                     file_time(facts.LastAccessTime),
                                     file_time(facts.LastWriteTime),
                                     (DWORD)facts.EndOfFile.HighPart,
                                     facts.EndOfFile.LowPart};
  return TRUE;
}

WINBOOL WINAPI GetFileAttributesExA(LPCSTR lpFileName, GET_FILEEX_INFO_LEVELS fInfoLevelId, LPVOID lpFileInformation)
{
  PWSTR name;
  if (!base_wide_copy(lpFileName, &name))
    return FALSE;
  BOOL done = GetFileAttributesExW(name, fInfoLevelId, lpFileInformation);
  base_free(name);
  return done;
}

DWORD WINAPI GetFileAttributesW(LPCWSTR lpFileName)
{
  FILE_NETWORK_OPEN_INFORMATION facts;
  NTSTATUS status = full_attributes(lpFileName, &facts);
  if (NT_SUCCESS(status))
    return facts.FileAttributes;
  BaseSetLastNTError(status);
  return INVALID_FILE_ATTRIBUTES;
}

DWORD WINAPI GetFileAttributesA(LPCSTR lpFileName)
{
  PWSTR name;
  if (!base_wide_copy(lpFileName, &name))
    return INVALID_FILE_ATTRIBUTES;
  DWORD attributes = GetFileAttributesW(name);
  base_free(name);
  return attributes;
}

WINBOOL WINAPI SetFileAttributesW(LPCWSTR lpFileName, DWORD dwFileAttributes)
{
  FILE_BASIC_INFORMATION basic = {.FileAttributes = dwFileAttributes ? dwFileAttributes : FILE_ATTRIBUTE_NORMAL};
  IO_STATUS_BLOCK io;
  HANDLE file;
  NTSTATUS status = base_open(lpFileName, FILE_WRITE_ATTRIBUTES, FILE_OPEN_FOR_BACKUP_INTENT, &file);
  if (NT_SUCCESS(status)) {
    status = NtSetInformationFile(file, &io, &basic, sizeof basic, FileBasicInformation);
    NtClose(file);
  }
  return BaseSetLastNTError(status);
}

WINBOOL WINAPI SetFileAttributesA(LPCSTR lpFileName, DWORD dwFileAttributes)
{
  PWSTR name;
  if (!base_wide_copy(lpFileName, &name))
    return FALSE;
  BOOL done = SetFileAttributesW(name, dwFileAttributes);
  base_free(name);
  return done;
}

WINBOOL WINAPI GetFileTime(HANDLE hFile, LPFILETIME lpCreationTime, LPFILETIME lpLastAccessTime, LPFILETIME lpLastWriteTime)
{
  FILE_BASIC_INFORMATION basic;
  IO_STATUS_BLOCK io;
  NTSTATUS status = NtQueryInformationFile(hFile, &io, &basic, sizeof basic, FileBasicInformation);
  if (!NT_SUCCESS(status))
    return BaseSetLastNTError(status);
  if (lpCreationTime)
    *lpCreationTime = file_time(basic.CreationTime);
  if (lpLastAccessTime)
    *lpLastAccessTime = file_time(basic.LastAccessTime);
  if (lpLastWriteTime)
    *lpLastWriteTime = file_time(basic.LastWriteTime);
  return TRUE;
}

/* Zero leaves a time as it is. */
static LARGE_INTEGER changed_time(const FILETIME *time)
{
  return (LARGE_INTEGER){.LowPart = time ? time->dwLowDateTime : 0, .HighPart = time ? (LONG)time->dwHighDateTime : 0};
}

WINBOOL WINAPI SetFileTime(HANDLE hFile, const FILETIME *lpCreationTime, const FILETIME *lpLastAccessTime,
                           const FILETIME *lpLastWriteTime)
{
  FILE_BASIC_INFORMATION basic = {.CreationTime = changed_time(lpCreationTime),
                                  .LastAccessTime = changed_time(lpLastAccessTime),
                                  .LastWriteTime = changed_time(lpLastWriteTime)};
  IO_STATUS_BLOCK io;
  return BaseSetLastNTError(NtSetInformationFile(hFile, &io, &basic, sizeof basic, FileBasicInformation));
}

static NTSTATUS device_type(HANDLE file, ULONG *type)
{
  struct {
    ULONG DeviceType, Characteristics;
  } device;
  IO_STATUS_BLOCK io;
  NTSTATUS status = NtQueryVolumeInformationFile(file, &io, &device, sizeof device, FileFsDeviceInformation);
  if (NT_SUCCESS(status))
    *type = device.DeviceType;
  return status;
}

DWORD WINAPI GetFileType(HANDLE hFile)
{
  ULONG type;
  NTSTATUS status = device_type(base_real_handle(hFile), &type);
  if (!NT_SUCCESS(status)) {
    BaseSetLastNTError(status);
    return FILE_TYPE_UNKNOWN;
  }
  base_fail(0);
  switch (type) {
  case FILE_DEVICE_NAMED_PIPE:
    return FILE_TYPE_PIPE;
  case FILE_DEVICE_CONSOLE:
  case FILE_DEVICE_NULL:
  case FILE_DEVICE_KEYBOARD:
  case FILE_DEVICE_SCREEN:
  case FILE_DEVICE_SERIAL_PORT:
  case FILE_DEVICE_PARALLEL_PORT:
    return FILE_TYPE_CHAR;
  default:
    return FILE_TYPE_DISK;
  }
}

static DWORD volume_serial(HANDLE file)
{
  struct {
    LARGE_INTEGER CreationTime;
    ULONG SerialNumber, LabelLength;
    UCHAR SupportsObjects;
    WCHAR Label[33];
  } volume;
  IO_STATUS_BLOCK io;
  NTSTATUS status = NtQueryVolumeInformationFile(file, &io, &volume, sizeof volume, FileFsVolumeInformation);
  return NT_SUCCESS(status) || status == STATUS_BUFFER_OVERFLOW ? volume.SerialNumber : 0;
}

WINBOOL WINAPI GetFileInformationByHandle(HANDLE hFile, LPBY_HANDLE_FILE_INFORMATION lpFileInformation)
{
  FILE_BASIC_INFORMATION basic;
  FILE_STANDARD_INFORMATION standard;
  LARGE_INTEGER index;
  IO_STATUS_BLOCK io;
  NTSTATUS status = NtQueryInformationFile(hFile, &io, &basic, sizeof basic, FileBasicInformation);
  if (NT_SUCCESS(status))
    status = NtQueryInformationFile(hFile, &io, &standard, sizeof standard, FileStandardInformation);
  if (NT_SUCCESS(status))
    status = NtQueryInformationFile(hFile, &io, &index, sizeof index, FileInternalInformation);
  if (!NT_SUCCESS(status))
    return BaseSetLastNTError(status);
  *lpFileInformation = (BY_HANDLE_FILE_INFORMATION){.dwFileAttributes = basic.FileAttributes,
                                                    .ftCreationTime = file_time(basic.CreationTime),
                                                    .ftLastAccessTime = file_time(basic.LastAccessTime),
                                                    .ftLastWriteTime = file_time(basic.LastWriteTime),
                                                    .dwVolumeSerialNumber = volume_serial(hFile),
                                                    .nFileSizeHigh = (DWORD)standard.EndOfFile.HighPart,
                                                    .nFileSizeLow = standard.EndOfFile.LowPart,
                                                    .nNumberOfLinks = standard.NumberOfLinks,
                                                    .nFileIndexHigh = (DWORD)index.HighPart,
                                                    .nFileIndexLow = index.LowPart};
  return TRUE;
}

/* The kernel's class of a Win32 one, 0 for those that are not handled. */
static ULONG class_of(FILE_INFO_BY_HANDLE_CLASS class)
{
  switch (class) {
  case FileBasicInfo:
    return FileBasicInformation;
  case FileStandardInfo:
    return FileStandardInformation;
  case FileNameInfo:
    return FileNameInformation;
  case FileRenameInfo:
    return FileRenameInformation;
  case FileDispositionInfo:
    return FileDispositionInformation;
  case FileAllocationInfo:
    return FileAllocationInformation;
  case FileEndOfFileInfo:
    return FileEndOfFileInformation;
  case FileAttributeTagInfo:
    return FileAttributeTagInformation;
  case FileIdInfo:
    return FileIdInformation;
  default:
    return 0;
  }
}

WINBOOL WINAPI GetFileInformationByHandleEx(HANDLE hFile, FILE_INFO_BY_HANDLE_CLASS FileInformationClass, LPVOID lpFileInformation,
                                            DWORD dwBufferSize)
{
  IO_STATUS_BLOCK io;
  ULONG class = class_of(FileInformationClass);
  if (!class || class == FileRenameInformation || class == FileDispositionInformation || class == FileAllocationInformation ||
      class == FileEndOfFileInformation)
    return base_fail(ERROR_INVALID_PARAMETER);
  return BaseSetLastNTError(NtQueryInformationFile(hFile, &io, lpFileInformation, dwBufferSize, class));
}

WINBOOL WINAPI SetFileInformationByHandle(HANDLE hFile, FILE_INFO_BY_HANDLE_CLASS FileInformationClass, LPVOID lpFileInformation,
                                          DWORD dwBufferSize)
{
  IO_STATUS_BLOCK io;
  ULONG class = class_of(FileInformationClass);
  if (!class || class == FileStandardInformation || class == FileNameInformation || class == FileAttributeTagInformation ||
      class == FileIdInformation)
    return base_fail(ERROR_INVALID_PARAMETER);
  return BaseSetLastNTError(NtSetInformationFile(hFile, &io, lpFileInformation, dwBufferSize, class));
}

/* ---- names ---- */

DWORD WINAPI GetFinalPathNameByHandleW(HANDLE hFile, LPWSTR lpszFilePath, DWORD cchFilePath, DWORD dwFlags)
{
  static const WCHAR dos[] = L"\\\\?\\C:", nt[] = L"\\Device\\HarddiskVolume1";
  struct {
    ULONG Length;
    WCHAR Name[1024];
  } name;
  IO_STATUS_BLOCK io;
  const WCHAR *head = L"";
  DWORD head_length, length;
  if (dwFlags & ~0xFu || (dwFlags & 7) == VOLUME_NAME_GUID)
    return (DWORD)base_fail(dwFlags & ~0xFu ? ERROR_INVALID_PARAMETER : ERROR_PATH_NOT_FOUND);
  NTSTATUS status = NtQueryInformationFile(hFile, &io, &name, sizeof name, FileNameInformation);
  if (!NT_SUCCESS(status))
    return (DWORD)BaseSetLastNTError(status);
  if ((dwFlags & 7) == VOLUME_NAME_DOS)
    head = dos;
  else if ((dwFlags & 7) == VOLUME_NAME_NT)
    head = nt;
  head_length = base_length(head);
  length = name.Length / sizeof(WCHAR);
  if (head_length + length >= cchFilePath) {
    base_fail(ERROR_NOT_ENOUGH_MEMORY);
    return head_length + length + 1;
  }
  memcpy(lpszFilePath, head, head_length * sizeof(WCHAR));
  memcpy(lpszFilePath + head_length, name.Name, length * sizeof(WCHAR));
  lpszFilePath[head_length + length] = 0;
  return head_length + length;
}

DWORD WINAPI GetFinalPathNameByHandleA(HANDLE hFile, LPSTR lpszFilePath, DWORD cchFilePath, DWORD dwFlags)
{
  WCHAR wide[1100];
  DWORD length = GetFinalPathNameByHandleW(hFile, wide, ARRAYSIZE(wide), dwFlags);
  if (!length || length >= ARRAYSIZE(wide))
    return length;
  return base_narrow_fill(wide, length, lpszFilePath, cchFilePath);
}
