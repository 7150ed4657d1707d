/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events, mutexes, semaphores, timers: made, opened, signalled. */
#include "kernel32p.h"

/* The folder where the session's programs name their objects; Local\, Global\ and Session\ are links in it. */
static HANDLE named_objects_directory(void)
{
  static HANDLE directory;
  UNICODE_STRING name;
  OBJECT_ATTRIBUTES attributes;
  HANDLE opened, expected = NULL;
  if (directory)
    return directory;
  WCHAR path[] = L"\\Sessions\\0\\BaseNamedObjects";
  ULONG session = NtCurrentPeb()->SessionId;
  path[10] = (WCHAR)('0' + session % 10);
  RtlInitUnicodeString(&name, session ? path : path + 11);
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
  if (!NT_SUCCESS(NtOpenDirectoryObject(&opened, 0xF /* query, traverse, create */, &attributes)))
    return NULL;
  if (!__atomic_compare_exchange_n(&directory, &expected, opened, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    NtClose(opened);
  return directory;
}

OBJECT_ATTRIBUTES *BaseFormatObjectAttributes(OBJECT_ATTRIBUTES *Attributes, const SECURITY_ATTRIBUTES *Security,
                                              PCWSTR Name, UNICODE_STRING *Room)
{
  if (!Security && !Name)
    return NULL;
  if (Name)
    RtlInitUnicodeString(Room, Name);
  InitializeObjectAttributes(Attributes, Name ? Room : NULL,
                             (Name ? OBJ_OPENIF : 0) | (Security && Security->bInheritHandle ? OBJ_INHERIT : 0),
                             Name ? named_objects_directory() : NULL, Security ? Security->lpSecurityDescriptor : NULL);
  return Attributes;
}

HANDLE base_created(NTSTATUS status, HANDLE handle)
{
  if (!BaseSetLastNTError(status))
    return NULL;
  base_fail(status == STATUS_OBJECT_NAME_EXISTS ? ERROR_ALREADY_EXISTS : ERROR_SUCCESS);
  return handle;
}

BOOL base_open_attributes(OBJECT_ATTRIBUTES *attributes, BOOL inherit, PCWSTR name, UNICODE_STRING *room)
{
  if (!name)
    return base_fail(ERROR_INVALID_PARAMETER);
  RtlInitUnicodeString(room, name);
  InitializeObjectAttributes(attributes, room, inherit ? OBJ_INHERIT : 0, named_objects_directory(), NULL);
  return TRUE;
}

typedef NTSTATUS(NTAPI *OPEN_ROUTINE)(HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *);

static HANDLE open_named(OPEN_ROUTINE open, DWORD access, BOOL inherit, PCWSTR name)
{
  OBJECT_ATTRIBUTES attributes;
  UNICODE_STRING room;
  HANDLE handle;
  if (!base_open_attributes(&attributes, inherit, name, &room))
    return NULL;
  return BaseSetLastNTError(open(&handle, access, &attributes)) ? handle : NULL;
}

static HANDLE open_named_ansi(OPEN_ROUTINE open, DWORD access, BOOL inherit, PCSTR name)
{
  PCWSTR wide;
  return base_wide_static(name, &wide) ? open_named(open, access, inherit, wide) : NULL;
}

HANDLE WINAPI CreateEventExW(LPSECURITY_ATTRIBUTES security, LPCWSTR name, DWORD flags, DWORD access)
{
  OBJECT_ATTRIBUTES room;
  UNICODE_STRING text;
  HANDLE handle;
  if (flags & ~(DWORD)(CREATE_EVENT_MANUAL_RESET | CREATE_EVENT_INITIAL_SET)) {
    base_fail(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  OBJECT_ATTRIBUTES *attributes = BaseFormatObjectAttributes(&room, security, name, &text);
  NTSTATUS status = NtCreateEvent(&handle, access, attributes,
                                  flags & CREATE_EVENT_MANUAL_RESET ? NotificationEvent : SynchronizationEvent,
                                  (flags & CREATE_EVENT_INITIAL_SET) != 0);
  return base_created(status, handle);
}

HANDLE WINAPI CreateEventExA(LPSECURITY_ATTRIBUTES security, LPCSTR name, DWORD flags, DWORD access)
{
  PCWSTR wide;
  return base_wide_static(name, &wide) ? CreateEventExW(security, wide, flags, access) : NULL;
}

HANDLE WINAPI CreateEventW(LPSECURITY_ATTRIBUTES security, BOOL manual, BOOL initial, LPCWSTR name)
{
  return CreateEventExW(security, name,
                        (manual ? CREATE_EVENT_MANUAL_RESET : 0u) | (initial ? CREATE_EVENT_INITIAL_SET : 0u),
                        EVENT_ALL_ACCESS);
}

HANDLE WINAPI CreateEventA(LPSECURITY_ATTRIBUTES security, BOOL manual, BOOL initial, LPCSTR name)
{
  PCWSTR wide;
  return base_wide_static(name, &wide) ? CreateEventW(security, manual, initial, wide) : NULL;
}

HANDLE WINAPI OpenEventW(DWORD access, BOOL inherit, LPCWSTR name)
{
  return open_named(NtOpenEvent, access, inherit, name);
}

HANDLE WINAPI OpenEventA(DWORD access, BOOL inherit, LPCSTR name)
{
  return open_named_ansi(NtOpenEvent, access, inherit, name);
}

BOOL WINAPI SetEvent(HANDLE event) { return BaseSetLastNTError(NtSetEvent(event, NULL)); }
BOOL WINAPI ResetEvent(HANDLE event) { return BaseSetLastNTError(NtClearEvent(event)); }
BOOL WINAPI PulseEvent(HANDLE event) { return BaseSetLastNTError(NtPulseEvent(event, NULL)); }

HANDLE WINAPI CreateMutexExW(LPSECURITY_ATTRIBUTES security, LPCWSTR name, DWORD flags, DWORD access)
{
  OBJECT_ATTRIBUTES room;
  UNICODE_STRING text;
  HANDLE handle;
  if (flags & ~(DWORD)CREATE_MUTEX_INITIAL_OWNER) {
    base_fail(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  OBJECT_ATTRIBUTES *attributes = BaseFormatObjectAttributes(&room, security, name, &text);
  return base_created(NtCreateMutant(&handle, access, attributes, (BOOLEAN)(flags & CREATE_MUTEX_INITIAL_OWNER)),
                      handle);
}

HANDLE WINAPI CreateMutexExA(LPSECURITY_ATTRIBUTES security, LPCSTR name, DWORD flags, DWORD access)
{
  PCWSTR wide;
  return base_wide_static(name, &wide) ? CreateMutexExW(security, wide, flags, access) : NULL;
}

HANDLE WINAPI CreateMutexW(LPSECURITY_ATTRIBUTES security, BOOL owned, LPCWSTR name)
{
  return CreateMutexExW(security, name, owned ? CREATE_MUTEX_INITIAL_OWNER : 0, MUTEX_ALL_ACCESS);
}

HANDLE WINAPI CreateMutexA(LPSECURITY_ATTRIBUTES security, BOOL owned, LPCSTR name)
{
  PCWSTR wide;
  return base_wide_static(name, &wide) ? CreateMutexW(security, owned, wide) : NULL;
}

HANDLE WINAPI OpenMutexW(DWORD access, BOOL inherit, LPCWSTR name)
{
  return open_named(NtOpenMutant, access, inherit, name);
}

HANDLE WINAPI OpenMutexA(DWORD access, BOOL inherit, LPCSTR name)
{
  return open_named_ansi(NtOpenMutant, access, inherit, name);
}

BOOL WINAPI ReleaseMutex(HANDLE mutex) { return BaseSetLastNTError(NtReleaseMutant(mutex, NULL)); }

HANDLE WINAPI CreateSemaphoreExW(LPSECURITY_ATTRIBUTES security, LONG initial, LONG maximum, LPCWSTR name, DWORD flags,
                                 DWORD access)
{
  OBJECT_ATTRIBUTES room;
  UNICODE_STRING text;
  HANDLE handle;
  if (flags) {
    base_fail(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  OBJECT_ATTRIBUTES *attributes = BaseFormatObjectAttributes(&room, security, name, &text);
  return base_created(NtCreateSemaphore(&handle, access, attributes, initial, maximum), handle);
}

HANDLE WINAPI CreateSemaphoreExA(LPSECURITY_ATTRIBUTES security, LONG initial, LONG maximum, LPCSTR name, DWORD flags,
                                 DWORD access)
{
  PCWSTR wide;
  return base_wide_static(name, &wide) ? CreateSemaphoreExW(security, initial, maximum, wide, flags, access) : NULL;
}

HANDLE WINAPI CreateSemaphoreW(LPSECURITY_ATTRIBUTES security, LONG initial, LONG maximum, LPCWSTR name)
{
  return CreateSemaphoreExW(security, initial, maximum, name, 0, SEMAPHORE_ALL_ACCESS);
}

HANDLE WINAPI CreateSemaphoreA(LPSECURITY_ATTRIBUTES security, LONG initial, LONG maximum, LPCSTR name)
{
  PCWSTR wide;
  return base_wide_static(name, &wide) ? CreateSemaphoreW(security, initial, maximum, wide) : NULL;
}

HANDLE WINAPI OpenSemaphoreW(DWORD access, BOOL inherit, LPCWSTR name)
{
  return open_named(NtOpenSemaphore, access, inherit, name);
}

HANDLE WINAPI OpenSemaphoreA(DWORD access, BOOL inherit, LPCSTR name)
{
  return open_named_ansi(NtOpenSemaphore, access, inherit, name);
}

BOOL WINAPI ReleaseSemaphore(HANDLE semaphore, LONG count, LONG *previous)
{
  return BaseSetLastNTError(NtReleaseSemaphore(semaphore, count, previous));
}

HANDLE WINAPI CreateWaitableTimerExW(LPSECURITY_ATTRIBUTES security, LPCWSTR name, DWORD flags, DWORD access)
{
  OBJECT_ATTRIBUTES room;
  UNICODE_STRING text;
  HANDLE handle;
  if (flags & ~(DWORD)CREATE_WAITABLE_TIMER_MANUAL_RESET) {
    base_fail(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  OBJECT_ATTRIBUTES *attributes = BaseFormatObjectAttributes(&room, security, name, &text);
  return base_created(NtCreateTimer(&handle, access, attributes,
                                    flags & CREATE_WAITABLE_TIMER_MANUAL_RESET ? NotificationEvent : SynchronizationEvent),
                      handle);
}

HANDLE WINAPI CreateWaitableTimerExA(LPSECURITY_ATTRIBUTES security, LPCSTR name, DWORD flags, DWORD access)
{
  PCWSTR wide;
  return base_wide_static(name, &wide) ? CreateWaitableTimerExW(security, wide, flags, access) : NULL;
}

HANDLE WINAPI CreateWaitableTimerW(LPSECURITY_ATTRIBUTES security, BOOL manual, LPCWSTR name)
{
  return CreateWaitableTimerExW(security, name, manual ? CREATE_WAITABLE_TIMER_MANUAL_RESET : 0, TIMER_ALL_ACCESS);
}

HANDLE WINAPI CreateWaitableTimerA(LPSECURITY_ATTRIBUTES security, BOOL manual, LPCSTR name)
{
  PCWSTR wide;
  return base_wide_static(name, &wide) ? CreateWaitableTimerW(security, manual, wide) : NULL;
}

HANDLE WINAPI OpenWaitableTimerW(DWORD access, BOOL inherit, LPCWSTR name)
{
  return open_named(NtOpenTimer, access, inherit, name);
}

HANDLE WINAPI OpenWaitableTimerA(DWORD access, BOOL inherit, LPCSTR name)
{
  return open_named_ansi(NtOpenTimer, access, inherit, name);
}

BOOL WINAPI SetWaitableTimer(HANDLE timer, const LARGE_INTEGER *due, LONG period, PTIMERAPCROUTINE routine, LPVOID argument,
                             BOOL resume)
{
  NTSTATUS status = NtSetTimer(timer, due, (PVOID)routine, argument, (ULONG)(resume != 0), period, NULL);
  if (!BaseSetLastNTError(status))
    return FALSE;
  base_fail(status == STATUS_TIMER_RESUME_IGNORED ? ERROR_NOT_SUPPORTED : ERROR_SUCCESS);
  return TRUE;
}

BOOL WINAPI CancelWaitableTimer(HANDLE timer) { return BaseSetLastNTError(NtCancelTimer(timer, NULL)); }
