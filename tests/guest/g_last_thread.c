/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exit code 9: the first thread ends, the process goes on until its last thread ends, with that thread's code
 * (spec/5 fact 10). */
#include "nano.h"

static ULONG other(void *argument)
{
  CHECK_STATUS(NtWaitForSingleObject((HANDLE)argument, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  CHECK(thread_exit_status((HANDLE)argument) == 3);
  RtlExitUserThread(9);
}

ULONG start(void *peb)
{
  HANDLE self;
  (void)peb;
  CHECK_STATUS(NtDuplicateObject(NtCurrentProcess, NtCurrentThread, NtCurrentProcess, &self, 0, 0, 2), STATUS_SUCCESS);
  create_thread(other, (void *)self);
  CHECK_STATUS(NtDelayExecution(FALSE, MILLISECONDS(5)), STATUS_SUCCESS);
  RtlExitUserThread(3);
}
