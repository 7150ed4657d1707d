/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening files, reading, writing, positions. */
#include "filep.h"

BOOL base_nt_path(PCWSTR name, UNICODE_STRING *path)
{
  if (!name || !*name)
    return base_fail(ERROR_PATH_NOT_FOUND);
  return BaseSetLastNTError(RtlDosPathNameToNtPathName_U_WithStatus(name, path, NULL, NULL));
}

void base_free_path(UNICODE_STRING *path) { base_free(path->Buffer); }

NTSTATUS base_open(PCWSTR name, ACCESS_MASK access, ULONG options, HANDLE *handle)
{
  UNICODE_STRING path;
  OBJECT_ATTRIBUTES attributes;
  IO_STATUS_BLOCK io;
  if (!base_nt_path(name, &path))
    return STATUS_OBJECT_PATH_NOT_FOUND;
  InitializeObjectAttributes(&attributes, &path, OBJ_CASE_INSENSITIVE, NULL, NULL);
  NTSTATUS status = NtOpenFile(handle, access | SYNCHRONIZE, &attributes, &io,
                               FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, options | FILE_SYNCHRONOUS_IO_NONALERT);
  base_free_path(&path);
  return status;
}

static ULONG create_options(DWORD flags)
{
  ULONG options = flags & FILE_FLAG_BACKUP_SEMANTICS ? FILE_OPEN_FOR_BACKUP_INTENT : FILE_NON_DIRECTORY_FILE;
  if (!(flags & FILE_FLAG_OVERLAPPED))
    options |= FILE_SYNCHRONOUS_IO_NONALERT;
  if (flags & FILE_FLAG_WRITE_THROUGH)
    options |= FILE_WRITE_THROUGH;
  if (flags & FILE_FLAG_NO_BUFFERING)
    options |= FILE_NO_INTERMEDIATE_BUFFERING;
  if (flags & FILE_FLAG_RANDOM_ACCESS)
    options |= FILE_RANDOM_ACCESS;
  if (flags & FILE_FLAG_SEQUENTIAL_SCAN)
    options |= FILE_SEQUENTIAL_ONLY;
  if (flags & FILE_FLAG_DELETE_ON_CLOSE)
    options |= FILE_DELETE_ON_CLOSE;
  if (flags & FILE_FLAG_OPEN_REPARSE_POINT)
    options |= FILE_OPEN_REPARSE_POINT;
  return options;
}

static BOOL same_name(PCWSTR name, const char *text)
{
  ULONG i = 0;
  for (; text[i]; i++)
    if (RtlUpcaseUnicodeChar(name[i]) != (UCHAR)text[i])
      return FALSE;
  return name[i] == 0;
}

/* The console by name: CON is read or written, as it is opened. */
static PCWSTR console_name(PCWSTR name, DWORD access)
{
  if (same_name(name, "CONIN$"))
    return L"\\??\\CONIN$";
  if (same_name(name, "CONOUT$"))
    return L"\\??\\CONOUT$";
  if (same_name(name, "CON"))
    return access & GENERIC_WRITE ? L"\\??\\CONOUT$" : L"\\??\\CONIN$";
  return NULL;
}

static HANDLE create(UNICODE_STRING *path, DWORD access, DWORD share, const SECURITY_ATTRIBUTES *security, DWORD how, DWORD flags)
{
  /* By creation disposition: CREATE_NEW, CREATE_ALWAYS, OPEN_EXISTING, OPEN_ALWAYS, TRUNCATE_EXISTING. */
  static const ULONG dispositions[] = {0, FILE_CREATE, FILE_OVERWRITE_IF, FILE_OPEN, FILE_OPEN_IF, FILE_OVERWRITE};
  OBJECT_ATTRIBUTES attributes;
  IO_STATUS_BLOCK io = {.Information = 0};
  HANDLE file;
  InitializeObjectAttributes(&attributes, path, OBJ_CASE_INSENSITIVE | (security && security->bInheritHandle ? OBJ_INHERIT : 0),
                             NULL, security ? security->lpSecurityDescriptor : NULL);
  if (flags & FILE_FLAG_DELETE_ON_CLOSE)
    access |= DELETE;
  NTSTATUS status = NtCreateFile(&file, access | SYNCHRONIZE | FILE_READ_ATTRIBUTES, &attributes, &io, NULL,
                                 flags & 0x7FB7u, share, dispositions[how], create_options(flags), NULL, 0);
  if (!NT_SUCCESS(status)) {
    BaseSetLastNTError(status);
    if (status == STATUS_OBJECT_NAME_COLLISION)
      base_fail(ERROR_FILE_EXISTS);
    if (status == STATUS_FILE_IS_A_DIRECTORY)
      base_fail(ERROR_ACCESS_DENIED);
    return INVALID_HANDLE_VALUE;
  }
  base_fail((how == CREATE_ALWAYS && io.Information == FILE_OVERWRITTEN) || (how == OPEN_ALWAYS && io.Information == FILE_OPENED)
                ? ERROR_ALREADY_EXISTS
                : 0);
  return file;
}

HANDLE WINAPI CreateFileW(LPCWSTR lpFileName, DWORD dwDesiredAccess, DWORD dwShareMode,
                          LPSECURITY_ATTRIBUTES lpSecurityAttributes, DWORD dwCreationDisposition, DWORD dwFlagsAndAttributes,
                          HANDLE hTemplateFile)
{
  UNICODE_STRING path;
  PCWSTR console;
  (void)hTemplateFile;
  if (!lpFileName || !*lpFileName) {
    base_fail(ERROR_PATH_NOT_FOUND);
    return INVALID_HANDLE_VALUE;
  }
  if (!dwCreationDisposition || dwCreationDisposition > TRUNCATE_EXISTING ||
      (dwCreationDisposition == TRUNCATE_EXISTING && !(dwDesiredAccess & GENERIC_WRITE))) {
    base_fail(ERROR_INVALID_PARAMETER);
    return INVALID_HANDLE_VALUE;
  }
  console = console_name(lpFileName, dwDesiredAccess);
  if (console) {
    RtlInitUnicodeString(&path, console);
    return create(&path, dwDesiredAccess, dwShareMode, lpSecurityAttributes, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL);
  }
  if (!base_nt_path(lpFileName, &path))
    return INVALID_HANDLE_VALUE;
  HANDLE file = create(&path, dwDesiredAccess, dwShareMode, lpSecurityAttributes, dwCreationDisposition, dwFlagsAndAttributes);
  base_free_path(&path);
  return file;
}

HANDLE WINAPI CreateFileA(LPCSTR lpFileName, DWORD dwDesiredAccess, DWORD dwShareMode,
                          LPSECURITY_ATTRIBUTES lpSecurityAttributes, DWORD dwCreationDisposition, DWORD dwFlagsAndAttributes,
                          HANDLE hTemplateFile)
{
  PWSTR name;
  if (!base_wide_copy(lpFileName, &name))
    return INVALID_HANDLE_VALUE;
  HANDLE file = CreateFileW(name, dwDesiredAccess, dwShareMode, lpSecurityAttributes, dwCreationDisposition,
                            dwFlagsAndAttributes, hTemplateFile);
  base_free(name);
  return file;
}

/* ---- transfer ---- */

/* How a request of an OVERLAPPED went: its own status block is the one in the structure. */
static BOOL overlapped_result(NTSTATUS status, LPDWORD moved, LPOVERLAPPED overlapped)
{
  if (NT_SUCCESS(status) && status != STATUS_PENDING) {
    if (moved)
      *moved = (DWORD)overlapped->InternalHigh;
    return TRUE;
  }
  if (moved)
    *moved = 0;
  if (status == STATUS_PENDING)
    return base_fail(ERROR_IO_PENDING);
  return BaseSetLastNTError(status);
}

static LARGE_INTEGER offset_of(const OVERLAPPED *overlapped)
{
  return (LARGE_INTEGER){.LowPart = overlapped->Offset, .HighPart = (LONG)overlapped->OffsetHigh};
}

/* An event with its lowest bit set keeps the packet from the completion port. */
static PVOID context_of(LPOVERLAPPED overlapped) { return (ULONG_PTR)overlapped->hEvent & 1 ? NULL : overlapped; }
static HANDLE event_of(LPOVERLAPPED overlapped) { return (HANDLE)((ULONG_PTR)overlapped->hEvent & ~1ull); }

WINBOOL WINAPI ReadFile(HANDLE hFile, LPVOID lpBuffer, DWORD nNumberOfBytesToRead, LPDWORD lpNumberOfBytesRead,
                        LPOVERLAPPED lpOverlapped)
{
  IO_STATUS_BLOCK io = {.Information = 0};
  NTSTATUS status;
  hFile = base_real_handle(hFile);
  if (lpNumberOfBytesRead)
    *lpNumberOfBytesRead = 0;
  if (lpOverlapped) {
    LARGE_INTEGER at = offset_of(lpOverlapped);
    lpOverlapped->Internal = STATUS_PENDING;
    status = NtReadFile(hFile, event_of(lpOverlapped), NULL, context_of(lpOverlapped), (IO_STATUS_BLOCK *)lpOverlapped, lpBuffer,
                        nNumberOfBytesToRead, &at, NULL);
    return overlapped_result(status, lpNumberOfBytesRead, lpOverlapped);
  }
  status = NtReadFile(hFile, NULL, NULL, NULL, &io, lpBuffer, nNumberOfBytesToRead, NULL, NULL);
  if (status == STATUS_PENDING) {
    status = NtWaitForSingleObject(hFile, FALSE, NULL);
    status = NT_SUCCESS(status) ? io.Status : status;
  }
  if (status == STATUS_END_OF_FILE)
    return TRUE;
  if (NT_SUCCESS(status) || status == STATUS_BUFFER_OVERFLOW)
    if (lpNumberOfBytesRead)
      *lpNumberOfBytesRead = (DWORD)io.Information;
  return BaseSetLastNTError(status);
}

WINBOOL WINAPI WriteFile(HANDLE hFile, LPCVOID lpBuffer, DWORD nNumberOfBytesToWrite, LPDWORD lpNumberOfBytesWritten,
                         LPOVERLAPPED lpOverlapped)
{
  IO_STATUS_BLOCK io = {.Information = 0};
  NTSTATUS status;
  hFile = base_real_handle(hFile);
  if (lpNumberOfBytesWritten)
    *lpNumberOfBytesWritten = 0;
  if (lpOverlapped) {
    LARGE_INTEGER at = offset_of(lpOverlapped);
    lpOverlapped->Internal = STATUS_PENDING;
    status = NtWriteFile(hFile, event_of(lpOverlapped), NULL, context_of(lpOverlapped), (IO_STATUS_BLOCK *)lpOverlapped, lpBuffer,
                         nNumberOfBytesToWrite, &at, NULL);
    return overlapped_result(status, lpNumberOfBytesWritten, lpOverlapped);
  }
  status = NtWriteFile(hFile, NULL, NULL, NULL, &io, lpBuffer, nNumberOfBytesToWrite, NULL, NULL);
  if (status == STATUS_PENDING) {
    status = NtWaitForSingleObject(hFile, FALSE, NULL);
    status = NT_SUCCESS(status) ? io.Status : status;
  }
  if (NT_SUCCESS(status) && lpNumberOfBytesWritten)
    *lpNumberOfBytesWritten = (DWORD)io.Information;
  return BaseSetLastNTError(status);
}

static void NTAPI call_completion(PVOID routine, IO_STATUS_BLOCK *io, ULONG reserved)
{
  (void)reserved;
  DWORD error = NT_SUCCESS(io->Status) ? 0 : RtlNtStatusToDosError(io->Status);
  ((LPOVERLAPPED_COMPLETION_ROUTINE)routine)(error, (DWORD)io->Information, (LPOVERLAPPED)io);
}

WINBOOL WINAPI ReadFileEx(HANDLE hFile, LPVOID lpBuffer, DWORD nNumberOfBytesToRead, LPOVERLAPPED lpOverlapped,
                          LPOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine)
{
  LARGE_INTEGER at = offset_of(lpOverlapped);
  lpOverlapped->Internal = STATUS_PENDING;
  return BaseSetLastNTError(NtReadFile(hFile, NULL, call_completion, lpCompletionRoutine, (IO_STATUS_BLOCK *)lpOverlapped,
                                       lpBuffer, nNumberOfBytesToRead, &at, NULL));
}

WINBOOL WINAPI WriteFileEx(HANDLE hFile, LPCVOID lpBuffer, DWORD nNumberOfBytesToWrite, LPOVERLAPPED lpOverlapped,
                           LPOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine)
{
  LARGE_INTEGER at = offset_of(lpOverlapped);
  lpOverlapped->Internal = STATUS_PENDING;
  return BaseSetLastNTError(NtWriteFile(hFile, NULL, call_completion, lpCompletionRoutine, (IO_STATUS_BLOCK *)lpOverlapped,
                                        lpBuffer, nNumberOfBytesToWrite, &at, NULL));
}

WINBOOL WINAPI GetOverlappedResult(HANDLE hFile, LPOVERLAPPED lpOverlapped, LPDWORD lpNumberOfBytesTransferred, WINBOOL bWait)
{
  volatile ULONG_PTR *internal = &lpOverlapped->Internal;
  if (*internal == (ULONG)STATUS_PENDING) {
    if (!bWait)
      return base_fail(ERROR_IO_INCOMPLETE);
    HANDLE event = event_of(lpOverlapped);
    NTSTATUS status = NtWaitForSingleObject(event ? event : hFile, FALSE, NULL);
    if (!NT_SUCCESS(status))
      return BaseSetLastNTError(status);
  }
  *lpNumberOfBytesTransferred = (DWORD)lpOverlapped->InternalHigh;
  return BaseSetLastNTError((NTSTATUS)*internal);
}

WINBOOL WINAPI CancelIo(HANDLE hFile)
{
  IO_STATUS_BLOCK io;
  return BaseSetLastNTError(NtCancelIoFile(hFile, &io));
}

WINBOOL WINAPI CancelIoEx(HANDLE hFile, LPOVERLAPPED lpOverlapped)
{
  IO_STATUS_BLOCK io;
  return BaseSetLastNTError(NtCancelIoFileEx(hFile, (IO_STATUS_BLOCK *)lpOverlapped, &io));
}

WINBOOL WINAPI FlushFileBuffers(HANDLE hFile)
{
  IO_STATUS_BLOCK io;
  return BaseSetLastNTError(NtFlushBuffersFile(base_real_handle(hFile), &io));
}

WINBOOL WINAPI DeviceIoControl(HANDLE hDevice, DWORD dwIoControlCode, LPVOID lpInBuffer, DWORD nInBufferSize, LPVOID lpOutBuffer,
                               DWORD nOutBufferSize, LPDWORD lpBytesReturned, LPOVERLAPPED lpOverlapped)
{
  IO_STATUS_BLOCK own = {.Information = 0}, *io = lpOverlapped ? (IO_STATUS_BLOCK *)lpOverlapped : &own;
  HANDLE event = lpOverlapped ? event_of(lpOverlapped) : NULL;
  PVOID context = lpOverlapped ? context_of(lpOverlapped) : NULL;
  BOOL of_file_system = dwIoControlCode >> 16 == FILE_DEVICE_FILE_SYSTEM || dwIoControlCode >> 16 == FILE_DEVICE_NAMED_PIPE;
  if (lpOverlapped)
    lpOverlapped->Internal = STATUS_PENDING;
  NTSTATUS status = of_file_system ? NtFsControlFile(hDevice, event, NULL, context, io, dwIoControlCode, lpInBuffer,
                                                     nInBufferSize, lpOutBuffer, nOutBufferSize)
                                   : NtDeviceIoControlFile(hDevice, event, NULL, context, io, dwIoControlCode, lpInBuffer,
                                                           nInBufferSize, lpOutBuffer, nOutBufferSize);
  if (lpOverlapped)
    return overlapped_result(status, lpBytesReturned, lpOverlapped);
  if (status == STATUS_PENDING) {
    status = NtWaitForSingleObject(hDevice, FALSE, NULL);
    status = NT_SUCCESS(status) ? io->Status : status;
  }
  if (lpBytesReturned)
    *lpBytesReturned = (DWORD)io->Information;
  return BaseSetLastNTError(status);
}

/* ---- positions and sizes ---- */

WINBOOL WINAPI GetFileSizeEx(HANDLE hFile, PLARGE_INTEGER lpFileSize)
{
  FILE_STANDARD_INFORMATION facts;
  IO_STATUS_BLOCK io;
  NTSTATUS status = NtQueryInformationFile(base_real_handle(hFile), &io, &facts, sizeof facts, FileStandardInformation);
  if (NT_SUCCESS(status))
    *lpFileSize = facts.EndOfFile;
  return BaseSetLastNTError(status);
}

DWORD WINAPI GetFileSize(HANDLE hFile, LPDWORD lpFileSizeHigh)
{
  LARGE_INTEGER size;
  if (!GetFileSizeEx(hFile, &size))
    return INVALID_FILE_SIZE;
  if (lpFileSizeHigh)
    *lpFileSizeHigh = (DWORD)size.HighPart;
  if (size.LowPart == INVALID_FILE_SIZE)
    base_fail(0);
  return size.LowPart;
}

WINBOOL WINAPI SetFilePointerEx(HANDLE hFile, LARGE_INTEGER liDistanceToMove, PLARGE_INTEGER lpNewFilePointer, DWORD dwMoveMethod)
{
  LARGE_INTEGER position = {.QuadPart = 0}, size;
  IO_STATUS_BLOCK io;
  NTSTATUS status = STATUS_SUCCESS;
  hFile = base_real_handle(hFile);
  if (dwMoveMethod > FILE_END)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (dwMoveMethod == FILE_CURRENT)
    status = NtQueryInformationFile(hFile, &io, &position, sizeof position, FilePositionInformation);
  else if (dwMoveMethod == FILE_END && !GetFileSizeEx(hFile, &size))
    return FALSE;
  else if (dwMoveMethod == FILE_END)
    position = size;
  if (!NT_SUCCESS(status))
    return BaseSetLastNTError(status);
  position.QuadPart += liDistanceToMove.QuadPart;
  if (position.QuadPart < 0)
    return base_fail(ERROR_NEGATIVE_SEEK);
  status = NtSetInformationFile(hFile, &io, &position, sizeof position, FilePositionInformation);
  if (NT_SUCCESS(status) && lpNewFilePointer)
    *lpNewFilePointer = position;
  return BaseSetLastNTError(status);
}

DWORD WINAPI SetFilePointer(HANDLE hFile, LONG lDistanceToMove, PLONG lpDistanceToMoveHigh, DWORD dwMoveMethod)
{
  LARGE_INTEGER distance = {.QuadPart = lDistanceToMove}, position;
  if (lpDistanceToMoveHigh)
    distance = (LARGE_INTEGER){.LowPart = (DWORD)lDistanceToMove, .HighPart = *lpDistanceToMoveHigh};
  if (!SetFilePointerEx(hFile, distance, &position, dwMoveMethod))
    return INVALID_SET_FILE_POINTER;
  if (!lpDistanceToMoveHigh && position.HighPart) {
    base_fail(ERROR_INVALID_PARAMETER);
    return INVALID_SET_FILE_POINTER;
  }
  if (lpDistanceToMoveHigh)
    *lpDistanceToMoveHigh = position.HighPart;
  if (position.LowPart == INVALID_SET_FILE_POINTER)
    base_fail(0);
  return position.LowPart;
}

WINBOOL WINAPI SetEndOfFile(HANDLE hFile)
{
  LARGE_INTEGER position;
  IO_STATUS_BLOCK io;
  NTSTATUS status = NtQueryInformationFile(hFile, &io, &position, sizeof position, FilePositionInformation);
  if (NT_SUCCESS(status))
    status = NtSetInformationFile(hFile, &io, &position, sizeof position, FileEndOfFileInformation);
  if (NT_SUCCESS(status))
    status = NtSetInformationFile(hFile, &io, &position, sizeof position, FileAllocationInformation);
  return BaseSetLastNTError(status);
}

/* ---- locks ---- */

WINBOOL WINAPI LockFileEx(HANDLE hFile, DWORD dwFlags, DWORD dwReserved, DWORD nNumberOfBytesToLockLow,
                          DWORD nNumberOfBytesToLockHigh, LPOVERLAPPED lpOverlapped)
{
  LARGE_INTEGER at, count = {.LowPart = nNumberOfBytesToLockLow, .HighPart = (LONG)nNumberOfBytesToLockHigh};
  if (dwReserved || !lpOverlapped)
    return base_fail(ERROR_INVALID_PARAMETER);
  at = offset_of(lpOverlapped);
  lpOverlapped->Internal = STATUS_PENDING;
  return overlapped_result(NtLockFile(hFile, event_of(lpOverlapped), NULL, NULL, (IO_STATUS_BLOCK *)lpOverlapped, &at, &count, 0,
                                      (dwFlags & LOCKFILE_FAIL_IMMEDIATELY) != 0, (dwFlags & LOCKFILE_EXCLUSIVE_LOCK) != 0),
                           NULL, lpOverlapped);
}

WINBOOL WINAPI LockFile(HANDLE hFile, DWORD dwFileOffsetLow, DWORD dwFileOffsetHigh, DWORD nNumberOfBytesToLockLow,
                        DWORD nNumberOfBytesToLockHigh)
{
  LARGE_INTEGER at = {.LowPart = dwFileOffsetLow, .HighPart = (LONG)dwFileOffsetHigh};
  LARGE_INTEGER count = {.LowPart = nNumberOfBytesToLockLow, .HighPart = (LONG)nNumberOfBytesToLockHigh};
  IO_STATUS_BLOCK io;
  return BaseSetLastNTError(NtLockFile(hFile, NULL, NULL, NULL, &io, &at, &count, 0, TRUE, TRUE));
}

WINBOOL WINAPI UnlockFile(HANDLE hFile, DWORD dwFileOffsetLow, DWORD dwFileOffsetHigh, DWORD nNumberOfBytesToUnlockLow,
                          DWORD nNumberOfBytesToUnlockHigh)
{
  LARGE_INTEGER at = {.LowPart = dwFileOffsetLow, .HighPart = (LONG)dwFileOffsetHigh};
  LARGE_INTEGER count = {.LowPart = nNumberOfBytesToUnlockLow, .HighPart = (LONG)nNumberOfBytesToUnlockHigh};
  IO_STATUS_BLOCK io;
  return BaseSetLastNTError(NtUnlockFile(hFile, &io, &at, &count, 0));
}

WINBOOL WINAPI UnlockFileEx(HANDLE hFile, DWORD dwReserved, DWORD nNumberOfBytesToUnlockLow, DWORD nNumberOfBytesToUnlockHigh,
                            LPOVERLAPPED lpOverlapped)
{
  if (dwReserved)
    return base_fail(ERROR_INVALID_PARAMETER);
  return UnlockFile(hFile, lpOverlapped->Offset, lpOverlapped->OffsetHigh, nNumberOfBytesToUnlockLow, nNumberOfBytesToUnlockHigh);
}
