/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NtTerminateThread on a thread that waits, one that spins, one that is suspended, and on oneself. */
#include "nano.h"

static HANDLE never;

static ULONG waiter(void *argument)
{
  (void)argument;
  NtWaitForSingleObject(never, FALSE, INFINITE_WAIT);
  return 1;
}

static ULONG spinner(void *argument)
{
  (void)argument;
  for (;;)
    __asm__ volatile("");
  return 0;
}

static ULONG suicide(void *argument)
{
  (void)argument;
  NtTerminateThread(NtCurrentThread, 0x66);
  return 1;
}

static void end_thread(HANDLE thread, NTSTATUS status)
{
  CHECK_STATUS(NtTerminateThread(thread, status), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForSingleObject(thread, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  CHECK(thread_exit_status(thread) == status);
}

ULONG start(void *peb)
{
  (void)peb;
  CHECK_STATUS(NtCreateEvent(&never, EVENT_ALL_ACCESS, NULL, 0, FALSE), STATUS_SUCCESS);
  HANDLE waiting = create_thread(waiter, NULL), spinning = create_thread(spinner, NULL), suspended;
  CHECK_STATUS(NtDelayExecution(FALSE, MILLISECONDS(20)), STATUS_SUCCESS);
  end_thread(waiting, 0x77);
  end_thread(spinning, 0x78);
  CHECK_STATUS(NtCreateThreadEx(&suspended, THREAD_ALL_ACCESS, NULL, NtCurrentProcess, waiter, NULL, 1, 0, 0, 0, NULL),
               STATUS_SUCCESS);
  end_thread(suspended, 0x79);
  HANDLE self = create_thread(suicide, NULL);
  CHECK_STATUS(NtWaitForSingleObject(self, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  CHECK(thread_exit_status(self) == 0x66);
  CHECK_STATUS(NtTerminateThread(self, 1), STATUS_SUCCESS);
  CHECK(thread_exit_status(self) == 0x66);
  return 0;
}
