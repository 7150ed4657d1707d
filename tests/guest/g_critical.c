/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ends something critical; what, says the last character of the command line: p the process, t a second thread, e the
 * first thread, as the last one, x the process by an exception, w nothing until somebody ends it. Exit code 5, that of
 * the exception for x. */
#include "privileges.h"

#define ProcessBreakOnTermination 0x1D
#define ThreadBreakOnTermination 0x12

PROBE(breakpoint, "int3");

static ULONG second(void *argument)
{
  ULONG one = 1;
  (void)argument;
  CHECK_STATUS(NtSetInformationThread(NtCurrentThread, ThreadBreakOnTermination, &one, sizeof(one)), STATUS_SUCCESS);
  NtTerminateThread(NtCurrentThread, 6);
  return 0;
}

ULONG start(void *peb)
{
  const UNICODE_STRING64 *line = &((NANO_PEB *)peb)->ProcessParameters->CommandLine;
  const WCHAR what = ((const WCHAR *)line->Buffer)[line->Length / 2 - 1];
  ULONG one = 1;
  CHECK_STATUS(set_privilege(SE_DEBUG_PRIVILEGE, SE_PRIVILEGE_ENABLED), STATUS_SUCCESS);
  if (what == 't') {
    HANDLE thread = create_thread(second, NULL);
    CHECK_STATUS(NtWaitForSingleObject(thread, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
    CHECK(thread_exit_status(thread) == 6);
    return 5;
  }
  CHECK_STATUS(NtSetInformationProcess(NtCurrentProcess, ProcessBreakOnTermination, &one, sizeof(one)),
               STATUS_SUCCESS);
  if (what == 'e')
    NtTerminateThread(NtCurrentThread, 5);
  if (what == 'x')
    breakpoint(NULL);
  if (what == 'w')
    NtDelayExecution(FALSE, MILLISECONDS(1000000));
  return 5;
}
