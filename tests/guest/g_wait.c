/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of both kinds, timeouts, single and multiple waits. */
#include "nano.h"

#define WAIT_ALL 0
#define WAIT_ANY 1
#define NOTIFICATION 0
#define SYNCHRONIZATION 1

static HANDLE events[3];

static ULONG setter(void *argument)
{
  NtDelayExecution(FALSE, MILLISECONDS(3));
  NtSetEvent(events[(ULONG64)argument], NULL);
  return 0;
}

static void timeouts(HANDLE event)
{
  LONG64 before, after, past;
  CHECK_STATUS(NtWaitForSingleObject(event, FALSE, MILLISECONDS(0)), STATUS_TIMEOUT);
  NtQuerySystemTime(&before);
  CHECK_STATUS(NtWaitForSingleObject(event, FALSE, MILLISECONDS(50)), STATUS_TIMEOUT);
  NtQuerySystemTime(&after);
  CHECK(after - before >= 500000 && after - before < 5000000);
  past = before;
  CHECK_STATUS(NtWaitForSingleObject(event, FALSE, &past), STATUS_TIMEOUT);
  past = after + 100000;
  CHECK_STATUS(NtWaitForSingleObject(event, FALSE, &past), STATUS_TIMEOUT);
  NtQuerySystemTime(&before);
  CHECK(before >= past);
  CHECK_STATUS(NtWaitForSingleObject(0xDEAD0, FALSE, MILLISECONDS(0)), STATUS_INVALID_HANDLE);
  CHECK_STATUS(NtWaitForSingleObject(event, FALSE, (const LONG64 *)0x18), STATUS_ACCESS_VIOLATION);
}

static void multiple(void)
{
  HANDLE many[65] = {0};
  CHECK_STATUS(NtWaitForMultipleObjects(3, events, WAIT_ANY, FALSE, MILLISECONDS(0)), STATUS_TIMEOUT);
  NtSetEvent(events[2], NULL);
  CHECK_STATUS(NtWaitForMultipleObjects(3, events, WAIT_ANY, FALSE, MILLISECONDS(0)), STATUS_WAIT_0 + 2);
  NtSetEvent(events[1], NULL);
  NtSetEvent(events[2], NULL);
  CHECK_STATUS(NtWaitForMultipleObjects(3, events, WAIT_ANY, FALSE, MILLISECONDS(0)), STATUS_WAIT_0 + 1);
  CHECK_STATUS(NtWaitForMultipleObjects(2, events + 1, WAIT_ALL, FALSE, MILLISECONDS(1)), STATUS_TIMEOUT);
  CHECK_STATUS(NtWaitForSingleObject(events[2], FALSE, MILLISECONDS(0)), STATUS_SUCCESS);
  create_thread(setter, (void *)1);
  create_thread(setter, (void *)2);
  CHECK_STATUS(NtWaitForMultipleObjects(2, events + 1, WAIT_ALL, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForMultipleObjects(0, events, WAIT_ANY, FALSE, NULL), STATUS_INVALID_PARAMETER_1);
  CHECK_STATUS(NtWaitForMultipleObjects(65, many, WAIT_ANY, FALSE, NULL), STATUS_INVALID_PARAMETER_1);
  CHECK_STATUS(NtWaitForMultipleObjects(2, many, WAIT_ANY, FALSE, NULL), STATUS_INVALID_HANDLE);
}

ULONG start(void *peb)
{
  struct {
    LONG type, state;
  } information;
  LONG previous = 9;
  ULONG length = 0;
  (void)peb;
  CHECK_STATUS(NtCreateEvent(&events[0], EVENT_ALL_ACCESS, NULL, NOTIFICATION, FALSE), STATUS_SUCCESS);
  CHECK_STATUS(NtCreateEvent(&events[1], EVENT_ALL_ACCESS, NULL, SYNCHRONIZATION, FALSE), STATUS_SUCCESS);
  CHECK_STATUS(NtCreateEvent(&events[2], EVENT_ALL_ACCESS, NULL, SYNCHRONIZATION, FALSE), STATUS_SUCCESS);
  CHECK_STATUS(NtCreateEvent(&events[2], EVENT_ALL_ACCESS, NULL, 2, FALSE), STATUS_INVALID_PARAMETER);
  timeouts(events[0]);
  multiple();
  CHECK_STATUS(NtSetEvent(events[0], &previous), STATUS_SUCCESS);
  CHECK(previous == 0);
  CHECK_STATUS(NtSetEvent(events[0], &previous), STATUS_SUCCESS);
  CHECK(previous == 1);
  CHECK_STATUS(NtWaitForSingleObject(events[0], FALSE, MILLISECONDS(0)), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForSingleObject(events[0], FALSE, MILLISECONDS(0)), STATUS_SUCCESS);
  CHECK_STATUS(NtQueryEvent(events[0], 0, &information, sizeof(information), &length), STATUS_SUCCESS);
  CHECK(information.type == NOTIFICATION && information.state == 1 && length == 8);
  CHECK_STATUS(NtQueryEvent(events[0], 0, &information, 4, NULL), STATUS_INFO_LENGTH_MISMATCH);
  CHECK_STATUS(NtResetEvent(events[0], &previous), STATUS_SUCCESS);
  CHECK(previous == 1);
  CHECK_STATUS(NtSetEvent(events[0], NULL), STATUS_SUCCESS);
  CHECK_STATUS(NtClearEvent(events[0]), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForSingleObject(events[0], FALSE, MILLISECONDS(0)), STATUS_TIMEOUT);
  CHECK_STATUS(NtPulseEvent(events[0], &previous), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForSingleObject(events[0], FALSE, MILLISECONDS(0)), STATUS_TIMEOUT);
  CHECK_STATUS(NtReleaseMutant(events[0], NULL), STATUS_OBJECT_TYPE_MISMATCH);
  return 0;
}
