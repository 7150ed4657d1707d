/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User APCs: delivered in alertable waits and by NtTestAlert, in order, and not before; alerts. */
#include "nano.h"

static volatile ULONG calls;
static volatile ULONG64 last[3];
static HANDLE never;

static void apc(void *a, void *b, void *c)
{
  calls++;
  last[0] = (ULONG64)a;
  last[1] = (ULONG64)b;
  last[2] = (ULONG64)c;
}

static void queue(HANDLE thread, ULONG64 number)
{
  CHECK_STATUS(NtQueueApcThread(thread, apc, (void *)number, (void *)2, (void *)3), STATUS_SUCCESS);
}

static ULONG sleeper(void *argument)
{
  (void)argument;
  NTSTATUS status = NtWaitForSingleObject(never, TRUE, INFINITE_WAIT);
  return status == STATUS_USER_APC && calls ? 0x11 : 0x12;
}

static ULONG alerted(void *argument)
{
  (void)argument;
  return NtDelayExecution(TRUE, MILLISECONDS(100000)) == STATUS_ALERTED ? 0x21 : 0x22;
}

ULONG start(void *peb)
{
  (void)peb;
  CHECK_STATUS(NtCreateEvent(&never, EVENT_ALL_ACCESS, NULL, 0, FALSE), STATUS_SUCCESS);
  queue(NtCurrentThread, 7);
  CHECK_STATUS(NtDelayExecution(FALSE, MILLISECONDS(1)), STATUS_SUCCESS);
  CHECK(calls == 0);
  CHECK_STATUS(NtWaitForSingleObject(never, TRUE, INFINITE_WAIT), STATUS_USER_APC);
  CHECK(calls == 1 && last[0] == 7 && last[1] == 2 && last[2] == 3);
  CHECK_STATUS(NtTestAlert(), STATUS_SUCCESS);
  CHECK(calls == 1);
  for (ULONG64 i = 1; i <= 3; i++)
    queue(NtCurrentThread, i);
  CHECK_STATUS(NtTestAlert(), STATUS_SUCCESS);
  CHECK(calls == 4 && last[0] == 3);
  CHECK_STATUS(NtDelayExecution(TRUE, MILLISECONDS(1)), STATUS_SUCCESS);
  calls = 0;
  HANDLE thread = create_thread(sleeper, NULL);
  CHECK_STATUS(NtDelayExecution(FALSE, MILLISECONDS(5)), STATUS_SUCCESS);
  queue(thread, 9);
  CHECK_STATUS(NtWaitForSingleObject(thread, FALSE, MILLISECONDS(1000)), STATUS_SUCCESS);
  CHECK(thread_exit_status(thread) == 0x11 && calls == 1);
  CHECK(!NT_SUCCESS(NtQueueApcThread(thread, apc, NULL, NULL, NULL)));
  HANDLE other = create_thread(alerted, NULL);
  CHECK_STATUS(NtDelayExecution(FALSE, MILLISECONDS(5)), STATUS_SUCCESS);
  CHECK_STATUS(NtAlertThread(other), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForSingleObject(other, FALSE, MILLISECONDS(1000)), STATUS_SUCCESS);
  CHECK(thread_exit_status(other) == 0x21);
  CHECK_STATUS(NtAlertThread(NtCurrentThread), STATUS_SUCCESS);
  CHECK_STATUS(NtTestAlert(), STATUS_ALERTED);
  return 0;
}
