/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exit code 5 while other threads spin, wait and are suspended. */
#include "nano.h"

static ULONG waiter(void *argument)
{
  (void)argument;
  NtDelayExecution(FALSE, MILLISECONDS(1000000));
  return 1;
}

static ULONG spinner(void *argument)
{
  (void)argument;
  for (;;)
    __asm__ volatile("");
  return 0;
}

ULONG start(void *peb)
{
  HANDLE suspended;
  (void)peb;
  create_thread(waiter, NULL);
  create_thread(spinner, NULL);
  CHECK_STATUS(NtCreateThreadEx(&suspended, THREAD_ALL_ACCESS, NULL, NtCurrentProcess, waiter, NULL, 1, 0, 0, 0, NULL),
               STATUS_SUCCESS);
  CHECK_STATUS(NtDelayExecution(FALSE, MILLISECONDS(5)), STATUS_SUCCESS);
  return 5;
}
