/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events, mutexes, semaphores, timers, waits and handles. */
#include "check.h"

static void events(void)
{
  HANDLE automatic = CreateEventW(NULL, FALSE, TRUE, NULL);
  CHECK(WaitForSingleObject(automatic, 0) == WAIT_OBJECT_0);
  CHECK(WaitForSingleObject(automatic, 0) == WAIT_TIMEOUT);
  HANDLE manual = CreateEventExW(NULL, NULL, CREATE_EVENT_MANUAL_RESET | CREATE_EVENT_INITIAL_SET, EVENT_ALL_ACCESS);
  CHECK(WaitForSingleObject(manual, 0) == WAIT_OBJECT_0 && WaitForSingleObject(manual, 0) == WAIT_OBJECT_0);
  CHECK(ResetEvent(manual) && WaitForSingleObject(manual, 0) == WAIT_TIMEOUT);
  CHECK_ERROR(CreateEventExW(NULL, NULL, 8, EVENT_ALL_ACCESS), ERROR_INVALID_PARAMETER);
  HANDLE both[2] = {automatic, manual};
  SetEvent(manual);
  CHECK(WaitForMultipleObjects(2, both, FALSE, 0) == WAIT_OBJECT_0 + 1);
  CHECK(WaitForMultipleObjects(2, both, TRUE, 0) == WAIT_TIMEOUT);
  SetEvent(automatic);
  CHECK(WaitForMultipleObjects(2, both, TRUE, 0) == WAIT_OBJECT_0);
  SetLastError(0);
  CHECK(WaitForMultipleObjects(65, both, FALSE, 0) == WAIT_FAILED && GetLastError() == ERROR_INVALID_PARAMETER);
  CHECK(SignalObjectAndWait(automatic, manual, 0, FALSE) == WAIT_OBJECT_0);
  CHECK(WaitForSingleObject(automatic, 0) == WAIT_OBJECT_0);
  CHECK(CloseHandle(automatic) && CloseHandle(manual));
}

static void names(void)
{
  HANDLE first = CreateEventA(NULL, TRUE, FALSE, "one");
  CHECK(first && GetLastError() == ERROR_SUCCESS);
  HANDLE second = CreateEventA(NULL, FALSE, FALSE, "Local\\one");
  CHECK(second && second != first && GetLastError() == ERROR_ALREADY_EXISTS);
  CHECK(SetEvent(second) && WaitForSingleObject(first, 0) == WAIT_OBJECT_0);
  CHECK_ERROR(OpenEventA(EVENT_ALL_ACCESS, FALSE, "Global\\one"), ERROR_FILE_NOT_FOUND);
  CHECK_ERROR(OpenEventA(EVENT_ALL_ACCESS, FALSE, NULL), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(OpenMutexA(MUTEX_ALL_ACCESS, FALSE, "one"), ERROR_INVALID_HANDLE);
  CHECK_ERROR(CreateMutexA(NULL, FALSE, "one"), ERROR_INVALID_HANDLE);
  HANDLE global = CreateMutexW(NULL, FALSE, L"Global\\two");
  HANDLE opened = OpenMutexW(SYNCHRONIZE, FALSE, L"Global\\two");
  CHECK(global && opened);
  CHECK(CompareObjectHandles(global, opened));
  CHECK_ERROR(CompareObjectHandles(global, first), 1656 /* ERROR_NOT_SAME_OBJECT */);
  CloseHandle(second);
  CloseHandle(first);
  CHECK_ERROR(OpenEventW(EVENT_ALL_ACCESS, FALSE, L"one"), ERROR_FILE_NOT_FOUND);
}

static void counts(void)
{
  LONG previous = -1;
  HANDLE mutex = CreateMutexW(NULL, TRUE, NULL);
  CHECK(WaitForSingleObject(mutex, 0) == WAIT_OBJECT_0);
  CHECK(ReleaseMutex(mutex) && ReleaseMutex(mutex));
  CHECK_ERROR(ReleaseMutex(mutex), ERROR_NOT_OWNER);
  HANDLE semaphore = CreateSemaphoreW(NULL, 1, 3, NULL);
  CHECK(ReleaseSemaphore(semaphore, 2, &previous) && previous == 1);
  CHECK_ERROR(ReleaseSemaphore(semaphore, 1, NULL), ERROR_TOO_MANY_POSTS);
  CHECK_ERROR(CreateSemaphoreW(NULL, 2, 1, NULL), ERROR_INVALID_PARAMETER);
}

static int timer_calls;
static void CALLBACK timer_routine(LPVOID argument, DWORD low, DWORD high)
{
  timer_calls += argument == &timer_calls && (low || high);
}

static void timers(void)
{
  LARGE_INTEGER due = {.QuadPart = -20000};
  HANDLE timer = CreateWaitableTimerW(NULL, TRUE, NULL);
  CHECK(SetWaitableTimer(timer, &due, 0, NULL, NULL, FALSE));
  CHECK(WaitForSingleObject(timer, 0) == WAIT_TIMEOUT);
  CHECK(WaitForSingleObject(timer, INFINITE) == WAIT_OBJECT_0);
  CHECK(SetWaitableTimer(timer, &due, 0, timer_routine, &timer_calls, FALSE));
  HANDLE never = CreateEventW(NULL, FALSE, FALSE, NULL);
  CHECK(WaitForSingleObjectEx(never, 1000, TRUE) == WAIT_IO_COMPLETION && timer_calls == 1);
  CHECK(CancelWaitableTimer(timer));
}

static void handles(void)
{
  DWORD flags = 9;
  HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL), copy;
  CHECK(GetHandleInformation(event, &flags) && flags == 0);
  CHECK(SetHandleInformation(event, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
  CHECK(GetHandleInformation(event, &flags) && flags == HANDLE_FLAG_INHERIT);
  CHECK(DuplicateHandle((HANDLE)-1, event, (HANDLE)-1, &copy, SYNCHRONIZE, FALSE, 0));
  CHECK(CompareObjectHandles(event, copy));
  CHECK_ERROR(SetEvent(copy), ERROR_ACCESS_DENIED);
  CHECK(DuplicateHandle((HANDLE)-1, copy, NULL, NULL, 0, FALSE, DUPLICATE_CLOSE_SOURCE));
  CHECK_ERROR(CloseHandle(copy), ERROR_INVALID_HANDLE);
  CHECK(WaitForSingleObject((HANDLE)0x44444, 0) == WAIT_FAILED && GetLastError() == ERROR_INVALID_HANDLE);
}

void checks(void)
{
  events();
  names();
  counts();
  timers();
  handles();
}
