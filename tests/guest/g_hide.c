/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ThreadHideFromDebugger: set wants length 0, query 1; a hidden thread's exceptions go to its own handlers only, and
 * it sends no exit event (spec/5 fact 31). */
#include "nano.h"

#define ThreadHideFromDebugger 0x11

PROBE(breakpoint, "int3");

ULONG start(void *peb)
{
  (void)peb;
  ULONG aligned = 7;
  UCHAR hidden = 7;
  CHECK_STATUS(NtQueryInformationThread(NtCurrentThread, ThreadHideFromDebugger, &hidden, 1, NULL), STATUS_SUCCESS);
  CHECK(hidden == 0);
  CHECK_STATUS(NtQueryInformationThread(NtCurrentThread, ThreadHideFromDebugger, &aligned, 4, NULL),
               STATUS_INFO_LENGTH_MISMATCH);
  CHECK_STATUS(NtSetInformationThread(NtCurrentThread, ThreadHideFromDebugger, &aligned, 1),
               STATUS_INFO_LENGTH_MISMATCH);
  CHECK_STATUS(NtSetInformationThread(0xDEAD0, ThreadHideFromDebugger, NULL, 0), STATUS_INVALID_HANDLE);
  CHECK_STATUS(NtSetInformationThread(NtCurrentThread, ThreadHideFromDebugger, NULL, 0), STATUS_SUCCESS);
  CHECK_STATUS(NtQueryInformationThread(NtCurrentThread, ThreadHideFromDebugger, &hidden, 1, NULL), STATUS_SUCCESS);
  CHECK(hidden == 1);
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  RUN_PROBE(breakpoint, NULL);
  CHECK(seen.count == 1);
  return 0;
}
