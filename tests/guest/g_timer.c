/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timers of both kinds, periods, cancelling, and a timer's APC. */
#include "nano.h"

static volatile ULONG calls;

static void timer_apc(void *context, ULONG low, LONG high)
{
  CHECK((ULONG64)context == 0x77 && (low || high));
  calls++;
}

ULONG start(void *peb)
{
  HANDLE notification, synchronization;
  BOOLEAN state = 9;
  LONG64 before, after;
  (void)peb;
  CHECK_STATUS(NtCreateTimer(&notification, TIMER_ALL_ACCESS, NULL, 0), STATUS_SUCCESS);
  CHECK_STATUS(NtCreateTimer(&synchronization, TIMER_ALL_ACCESS, NULL, 1), STATUS_SUCCESS);
  NtQuerySystemTime(&before);
  CHECK_STATUS(NtSetTimer(notification, MILLISECONDS(30), NULL, NULL, FALSE, 0, &state), STATUS_SUCCESS);
  CHECK(state == 0);
  CHECK_STATUS(NtWaitForSingleObject(notification, FALSE, MILLISECONDS(5)), STATUS_TIMEOUT);
  CHECK_STATUS(NtWaitForSingleObject(notification, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  NtQuerySystemTime(&after);
  CHECK(after - before >= 300000);
  CHECK_STATUS(NtWaitForSingleObject(notification, FALSE, MILLISECONDS(0)), STATUS_SUCCESS);
  CHECK_STATUS(NtSetTimer(synchronization, MILLISECONDS(10), NULL, NULL, FALSE, 10, NULL), STATUS_SUCCESS);
  for (unsigned i = 0; i < 3; i++)
    CHECK_STATUS(NtWaitForSingleObject(synchronization, FALSE, MILLISECONDS(1000)), STATUS_SUCCESS);
  CHECK_STATUS(NtCancelTimer(synchronization, &state), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForSingleObject(synchronization, FALSE, MILLISECONDS(50)), STATUS_TIMEOUT);
  CHECK_STATUS(NtSetTimer(notification, MILLISECONDS(5), (void *)timer_apc, (void *)0x77, FALSE, 0, NULL),
               STATUS_SUCCESS);
  CHECK_STATUS(NtDelayExecution(TRUE, MILLISECONDS(1000)), STATUS_USER_APC);
  CHECK(calls == 1);
  return 0;
}
