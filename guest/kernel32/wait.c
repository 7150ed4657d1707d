/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waits, and what is done with handles of any kind. */
#include "kernel32p.h"

#define STATUS_NOT_SAME_OBJECT ((NTSTATUS)0xC00001AC)
#define ERROR_NOT_SAME_OBJECT 1656

DWORD WINAPI WaitForSingleObjectEx(HANDLE handle, DWORD milliseconds, BOOL alertable)
{
  LARGE_INTEGER room;
  const LARGE_INTEGER *timeout = BaseFormatTimeOut(&room, milliseconds);
  NTSTATUS status;
  do
    status = NtWaitForSingleObject(base_real_handle(handle), alertable != 0, timeout);
  while (alertable && status == STATUS_ALERTED);
  return BaseSetLastNTError(status) ? (DWORD)status : WAIT_FAILED;
}

DWORD WINAPI WaitForSingleObject(HANDLE handle, DWORD milliseconds)
{
  return WaitForSingleObjectEx(handle, milliseconds, FALSE);
}

DWORD WINAPI WaitForMultipleObjectsEx(DWORD count, const HANDLE *handles, BOOL all, DWORD milliseconds, BOOL alertable)
{
  HANDLE real[MAXIMUM_WAIT_OBJECTS];
  LARGE_INTEGER room;
  NTSTATUS status;
  if (!count || count > MAXIMUM_WAIT_OBJECTS) {
    base_fail(ERROR_INVALID_PARAMETER);
    return WAIT_FAILED;
  }
  for (DWORD i = 0; i < count; i++)
    real[i] = base_real_handle(handles[i]);
  const LARGE_INTEGER *timeout = BaseFormatTimeOut(&room, milliseconds);
  do
    status = NtWaitForMultipleObjects(count, real, all ? 0 /* WaitAll */ : 1 /* WaitAny */, alertable != 0, timeout);
  while (alertable && status == STATUS_ALERTED);
  return BaseSetLastNTError(status) ? (DWORD)status : WAIT_FAILED;
}

DWORD WINAPI WaitForMultipleObjects(DWORD count, const HANDLE *handles, BOOL all, DWORD milliseconds)
{
  return WaitForMultipleObjectsEx(count, handles, all, milliseconds, FALSE);
}

DWORD WINAPI SignalObjectAndWait(HANDLE signal, HANDLE wait, DWORD milliseconds, BOOL alertable)
{
  LARGE_INTEGER room;
  const LARGE_INTEGER *timeout = BaseFormatTimeOut(&room, milliseconds);
  NTSTATUS status =
      NtSignalAndWaitForSingleObject(base_real_handle(signal), base_real_handle(wait), alertable != 0, timeout);
  /* The signal was given: only the wait is done again. */
  while (alertable && status == STATUS_ALERTED)
    status = NtWaitForSingleObject(base_real_handle(wait), TRUE, timeout);
  return BaseSetLastNTError(status) ? (DWORD)status : WAIT_FAILED;
}

BOOL WINAPI CloseHandle(HANDLE handle) { return BaseSetLastNTError(NtClose(base_real_handle(handle))); }

BOOL WINAPI DuplicateHandle(HANDLE source_process, HANDLE source, HANDLE target_process, HANDLE *target, DWORD access,
                            BOOL inherit, DWORD options)
{
  return BaseSetLastNTError(NtDuplicateObject(source_process, base_real_handle(source), target_process, target, access,
                                              inherit ? OBJ_INHERIT : 0, options));
}

/* OBJECT_HANDLE_FLAG_INFORMATION, class 4. */
typedef struct {
  BOOLEAN Inherit, ProtectFromClose;
} HANDLE_FLAGS;
enum { ObjectHandleFlagInformation = 4 };

BOOL WINAPI GetHandleInformation(HANDLE handle, DWORD *flags)
{
  HANDLE_FLAGS information;
  NTSTATUS status =
      NtQueryObject(base_real_handle(handle), ObjectHandleFlagInformation, &information, sizeof(information), NULL);
  if (!BaseSetLastNTError(status))
    return FALSE;
  *flags = (information.Inherit ? HANDLE_FLAG_INHERIT : 0u) |
           (information.ProtectFromClose ? HANDLE_FLAG_PROTECT_FROM_CLOSE : 0u);
  return TRUE;
}

BOOL WINAPI SetHandleInformation(HANDLE handle, DWORD mask, DWORD flags)
{
  HANDLE_FLAGS information;
  handle = base_real_handle(handle);
  NTSTATUS status = NtQueryObject(handle, ObjectHandleFlagInformation, &information, sizeof(information), NULL);
  if (!BaseSetLastNTError(status))
    return FALSE;
  if (mask & HANDLE_FLAG_INHERIT)
    information.Inherit = (flags & HANDLE_FLAG_INHERIT) != 0;
  if (mask & HANDLE_FLAG_PROTECT_FROM_CLOSE)
    information.ProtectFromClose = (flags & HANDLE_FLAG_PROTECT_FROM_CLOSE) != 0;
  return BaseSetLastNTError(
      NtSetInformationObject(handle, ObjectHandleFlagInformation, &information, sizeof(information)));
}

BOOL WINAPI CompareObjectHandles(HANDLE first, HANDLE second)
{
  NTSTATUS status = NtCompareObjects(base_real_handle(first), base_real_handle(second));
  return status == STATUS_NOT_SAME_OBJECT ? base_fail(ERROR_NOT_SAME_OBJECT) : BaseSetLastNTError(status);
}
