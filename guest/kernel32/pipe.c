/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pipes and completion ports. */
#include "filep.h"

#define FSCTL_PIPE_DISCONNECT CTL_CODE(FILE_DEVICE_NAMED_PIPE, 1, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSCTL_PIPE_LISTEN CTL_CODE(FILE_DEVICE_NAMED_PIPE, 2, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSCTL_PIPE_PEEK CTL_CODE(FILE_DEVICE_NAMED_PIPE, 3, METHOD_BUFFERED, FILE_READ_DATA)
/* 50 ms, how long clients wait for an instance by default. */
#define DEFAULT_TIMEOUT (-500000ll)

/* ---- anonymous pipes ---- */

static ULONG append_number(PWSTR to, ULONG value)
{
  static const char digits[] = "0123456789abcdef";
  for (ULONG i = 0; i < 8; i++)
    to[i] = (UCHAR)digits[value >> (28 - i * 4) & 15];
  return 8;
}

/* \??\PIPE\Win32Pipes.PROCESS.NUMBER */
static void pipe_name(UNICODE_STRING *name, PWSTR text)
{
  static const WCHAR head[] = L"\\??\\PIPE\\Win32Pipes.";
  static LONG number;
  ULONG length = ARRAYSIZE(head) - 1;
  memcpy(text, head, sizeof head);
  length += append_number(text + length, (ULONG)(ULONG_PTR)NtCurrentTeb()->ClientId.UniqueProcess);
  text[length++] = '.';
  length += append_number(text + length, (ULONG)__atomic_add_fetch(&number, 1, __ATOMIC_RELAXED));
  *name = (UNICODE_STRING){(USHORT)(length * 2), (USHORT)(length * 2), text};
}

WINBOOL WINAPI CreatePipe(PHANDLE hReadPipe, PHANDLE hWritePipe, LPSECURITY_ATTRIBUTES lpPipeAttributes, DWORD nSize)
{
  WCHAR text[48];
  UNICODE_STRING name;
  OBJECT_ATTRIBUTES attributes;
  IO_STATUS_BLOCK io;
  LARGE_INTEGER timeout = {.QuadPart = -1200000000ll};
  HANDLE reader, writer;
  ULONG size = nSize ? nSize : 4096;
  pipe_name(&name, text);
  InitializeObjectAttributes(
      &attributes, &name, OBJ_CASE_INSENSITIVE | (lpPipeAttributes && lpPipeAttributes->bInheritHandle ? OBJ_INHERIT : 0), NULL,
      lpPipeAttributes ? lpPipeAttributes->lpSecurityDescriptor : NULL);
  NTSTATUS status = NtCreateNamedPipeFile(&reader, GENERIC_READ | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE, &attributes, &io,
                                          FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT, 0, 0, 0,
                                          1, size, size, &timeout);
  if (!NT_SUCCESS(status))
    return BaseSetLastNTError(status);
  status = NtOpenFile(&writer, GENERIC_WRITE | FILE_READ_ATTRIBUTES | SYNCHRONIZE, &attributes, &io, FILE_SHARE_READ,
                      FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE);
  if (!NT_SUCCESS(status)) {
    NtClose(reader);
    return BaseSetLastNTError(status);
  }
  *hReadPipe = reader;
  *hWritePipe = writer;
  return TRUE;
}

WINBOOL WINAPI PeekNamedPipe(HANDLE hNamedPipe, LPVOID lpBuffer, DWORD nBufferSize, LPDWORD lpBytesRead,
                             LPDWORD lpTotalBytesAvail, LPDWORD lpBytesLeftThisMessage)
{
  struct {
    ULONG state, available, messages, message_length;
    UCHAR data[];
  } *peek = base_allocate(16ull + nBufferSize);
  IO_STATUS_BLOCK io = {.Information = 0};
  if (!peek)
    return FALSE;
  NTSTATUS status =
      NtFsControlFile(hNamedPipe, NULL, NULL, NULL, &io, FSCTL_PIPE_PEEK, NULL, 0, peek, 16 + nBufferSize);
  if (NT_SUCCESS(status) || status == STATUS_BUFFER_OVERFLOW) {
    ULONG got = io.Information > 16 ? (ULONG)io.Information - 16 : 0;
    status = STATUS_SUCCESS;
    if (lpBuffer && nBufferSize)
      memcpy(lpBuffer, peek->data, got);
    if (lpBytesRead)
      *lpBytesRead = got;
    if (lpTotalBytesAvail)
      *lpTotalBytesAvail = peek->available;
    if (lpBytesLeftThisMessage)
      *lpBytesLeftThisMessage = peek->message_length > got ? peek->message_length - got : 0;
  }
  base_free(peek);
  return BaseSetLastNTError(status);
}

/* ---- named pipes ---- */

HANDLE WINAPI CreateNamedPipeW(LPCWSTR lpName, DWORD dwOpenMode, DWORD dwPipeMode, DWORD nMaxInstances, DWORD nOutBufferSize,
                               DWORD nInBufferSize, DWORD nDefaultTimeOut, LPSECURITY_ATTRIBUTES lpSecurityAttributes)
{
  UNICODE_STRING path;
  OBJECT_ATTRIBUTES attributes;
  IO_STATUS_BLOCK io;
  LARGE_INTEGER timeout = {.QuadPart = nDefaultTimeOut ? (LONGLONG)nDefaultTimeOut * -10000 : DEFAULT_TIMEOUT};
  ACCESS_MASK access = SYNCHRONIZE | (dwOpenMode & (WRITE_DAC | WRITE_OWNER | ACCESS_SYSTEM_SECURITY));
  ULONG share = (dwOpenMode & PIPE_ACCESS_INBOUND ? FILE_SHARE_WRITE : 0u) | (dwOpenMode & PIPE_ACCESS_OUTBOUND ? FILE_SHARE_READ : 0u);
  ULONG options = (dwOpenMode & FILE_FLAG_OVERLAPPED ? 0u : FILE_SYNCHRONOUS_IO_NONALERT) |
                  (dwOpenMode & FILE_FLAG_WRITE_THROUGH ? FILE_WRITE_THROUGH : 0u);
  HANDLE pipe;
  access |= (dwOpenMode & PIPE_ACCESS_INBOUND ? GENERIC_READ : 0u) | (dwOpenMode & PIPE_ACCESS_OUTBOUND ? GENERIC_WRITE : 0u);
  if (!share || !nMaxInstances || nMaxInstances > PIPE_UNLIMITED_INSTANCES ||
      ((dwPipeMode & PIPE_READMODE_MESSAGE) && !(dwPipeMode & PIPE_TYPE_MESSAGE))) {
    base_fail(ERROR_INVALID_PARAMETER);
    return INVALID_HANDLE_VALUE;
  }
  if (!base_nt_path(lpName, &path))
    return INVALID_HANDLE_VALUE;
  InitializeObjectAttributes(
      &attributes, &path,
      OBJ_CASE_INSENSITIVE | (lpSecurityAttributes && lpSecurityAttributes->bInheritHandle ? OBJ_INHERIT : 0), NULL,
      lpSecurityAttributes ? lpSecurityAttributes->lpSecurityDescriptor : NULL);
  NTSTATUS status = NtCreateNamedPipeFile(
      &pipe, access, &attributes, &io, share, dwOpenMode & FILE_FLAG_FIRST_PIPE_INSTANCE ? FILE_CREATE : FILE_OPEN_IF, options,
      (dwPipeMode & PIPE_TYPE_MESSAGE) != 0, (dwPipeMode & PIPE_READMODE_MESSAGE) != 0, (dwPipeMode & PIPE_NOWAIT) != 0,
      nMaxInstances == PIPE_UNLIMITED_INSTANCES ? (ULONG)-1 : nMaxInstances, nInBufferSize, nOutBufferSize, &timeout);
  base_free_path(&path);
  if (NT_SUCCESS(status))
    return pipe;
  BaseSetLastNTError(status == STATUS_OBJECT_NAME_COLLISION ? STATUS_ACCESS_DENIED : status);
  return INVALID_HANDLE_VALUE;
}

HANDLE WINAPI CreateNamedPipeA(LPCSTR lpName, DWORD dwOpenMode, DWORD dwPipeMode, DWORD nMaxInstances, DWORD nOutBufferSize,
                               DWORD nInBufferSize, DWORD nDefaultTimeOut, LPSECURITY_ATTRIBUTES lpSecurityAttributes)
{
  PWSTR name;
  if (!base_wide_copy(lpName, &name))
    return INVALID_HANDLE_VALUE;
  HANDLE pipe = CreateNamedPipeW(name, dwOpenMode, dwPipeMode, nMaxInstances, nOutBufferSize, nInBufferSize, nDefaultTimeOut,
                                 lpSecurityAttributes);
  base_free(name);
  return pipe;
}

WINBOOL WINAPI ConnectNamedPipe(HANDLE hNamedPipe, LPOVERLAPPED lpOverlapped)
{
  IO_STATUS_BLOCK own, *io = lpOverlapped ? (IO_STATUS_BLOCK *)lpOverlapped : &own;
  HANDLE event = lpOverlapped ? (HANDLE)((ULONG_PTR)lpOverlapped->hEvent & ~1ull) : NULL;
  PVOID context = lpOverlapped && !((ULONG_PTR)lpOverlapped->hEvent & 1) ? lpOverlapped : NULL;
  if (lpOverlapped)
    lpOverlapped->Internal = STATUS_PENDING;
  NTSTATUS status = NtFsControlFile(hNamedPipe, event, NULL, context, io, FSCTL_PIPE_LISTEN, NULL, 0, NULL, 0);
  if (status == STATUS_PENDING && lpOverlapped)
    return base_fail(ERROR_IO_PENDING);
  if (status == STATUS_PENDING) {
    status = NtWaitForSingleObject(hNamedPipe, FALSE, NULL);
    status = NT_SUCCESS(status) ? own.Status : status;
  }
  return BaseSetLastNTError(status);
}

WINBOOL WINAPI DisconnectNamedPipe(HANDLE hNamedPipe)
{
  IO_STATUS_BLOCK io;
  return BaseSetLastNTError(NtFsControlFile(hNamedPipe, NULL, NULL, NULL, &io, FSCTL_PIPE_DISCONNECT, NULL, 0, NULL, 0));
}

/* ---- completion ports ---- */

HANDLE WINAPI CreateIoCompletionPort(HANDLE FileHandle, HANDLE ExistingCompletionPort, ULONG_PTR CompletionKey,
                                     DWORD NumberOfConcurrentThreads)
{
  struct {
    HANDLE port;
    ULONG_PTR key;
  } association = {ExistingCompletionPort, CompletionKey};
  IO_STATUS_BLOCK io;
  NTSTATUS status = STATUS_SUCCESS;
  if (FileHandle == INVALID_HANDLE_VALUE && ExistingCompletionPort)
    return base_fail(ERROR_INVALID_PARAMETER), NULL;
  if (!ExistingCompletionPort)
    status = NtCreateIoCompletion(&association.port, IO_COMPLETION_ALL_ACCESS, NULL, NumberOfConcurrentThreads);
  if (!NT_SUCCESS(status))
    return BaseSetLastNTError(status), NULL;
  if (FileHandle == INVALID_HANDLE_VALUE)
    return association.port;
  status = NtSetInformationFile(FileHandle, &io, &association, sizeof association, FileCompletionInformation);
  if (NT_SUCCESS(status))
    return association.port;
  if (!ExistingCompletionPort)
    NtClose(association.port);
  return BaseSetLastNTError(status), NULL;
}

WINBOOL WINAPI GetQueuedCompletionStatus(HANDLE CompletionPort, LPDWORD lpNumberOfBytesTransferred, PULONG_PTR lpCompletionKey,
                                         LPOVERLAPPED *lpOverlapped, DWORD dwMilliseconds)
{
  LARGE_INTEGER room;
  IO_STATUS_BLOCK io;
  PVOID key, context;
  NTSTATUS status = NtRemoveIoCompletion(CompletionPort, &key, &context, &io, BaseFormatTimeOut(&room, dwMilliseconds));
  if (!NT_SUCCESS(status) || status == STATUS_TIMEOUT) {
    *lpOverlapped = NULL;
    return status == STATUS_TIMEOUT ? base_fail(WAIT_TIMEOUT) : BaseSetLastNTError(status);
  }
  *lpCompletionKey = (ULONG_PTR)key;
  *lpOverlapped = context;
  *lpNumberOfBytesTransferred = (DWORD)io.Information;
  return BaseSetLastNTError(io.Status);
}

/* Waits for the first packet only, and takes the others that are there. */
WINBOOL WINAPI GetQueuedCompletionStatusEx(HANDLE CompletionPort, LPOVERLAPPED_ENTRY lpCompletionPortEntries, ULONG ulCount,
                                           PULONG ulNumEntriesRemoved, DWORD dwMilliseconds, WINBOOL fAlertable)
{
  LARGE_INTEGER room, now = {.QuadPart = 0}, *timeout = BaseFormatTimeOut(&room, dwMilliseconds);
  ULONG count = 0;
  if (!ulCount || fAlertable)
    return base_fail(fAlertable ? ERROR_NOT_SUPPORTED : ERROR_INVALID_PARAMETER);
  for (; count < ulCount; count++, timeout = &now) {
    OVERLAPPED_ENTRY *entry = &lpCompletionPortEntries[count];
    IO_STATUS_BLOCK io;
    PVOID key, context;
    NTSTATUS status = NtRemoveIoCompletion(CompletionPort, &key, &context, &io, timeout);
    if (!count && status == STATUS_TIMEOUT)
      return base_fail(WAIT_TIMEOUT);
    if (!count && !NT_SUCCESS(status))
      return BaseSetLastNTError(status);
    if (status != STATUS_SUCCESS)
      break;
    *entry = (OVERLAPPED_ENTRY){(ULONG_PTR)key, context, (ULONG_PTR)(ULONG)io.Status, (DWORD)io.Information};
  }
  *ulNumEntriesRemoved = count;
  return TRUE;
}

WINBOOL WINAPI PostQueuedCompletionStatus(HANDLE CompletionPort, DWORD dwNumberOfBytesTransferred, ULONG_PTR dwCompletionKey,
                                          LPOVERLAPPED lpOverlapped)
{
  return BaseSetLastNTError(NtSetIoCompletion(CompletionPort, dwCompletionKey, (ULONG_PTR)lpOverlapped, STATUS_SUCCESS,
                                              dwNumberOfBytesTransferred));
}
