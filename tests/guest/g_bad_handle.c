/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NtClose of a bad handle: the exit code is the number of exceptions a handler saw: 0 without a debugger or if it
 * answers handled, 2 if it answers not handled; never one for 0 and the pseudo handles (spec/5 fact 28). */
#include "nano.h"

ULONG start(void *peb)
{
  (void)peb;
  HANDLE event;
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  NtClose(0);
  for (LONG64 pseudo = -6; pseudo < 0; pseudo++)
    NtClose((HANDLE)pseudo);
  CHECK(seen.count == 0);
  CHECK_STATUS(NtClose(0xDEAD0), STATUS_INVALID_HANDLE);
  if (seen.count)
    CHECK(seen.code == STATUS_INVALID_HANDLE && seen.parameters == 0);
  CHECK_STATUS(NtCreateEvent(&event, EVENT_ALL_ACCESS, NULL, 0, FALSE), STATUS_SUCCESS);
  CHECK_STATUS(NtClose(event), STATUS_SUCCESS);
  CHECK_STATUS(NtClose(event), STATUS_INVALID_HANDLE);
  CHECK_STATUS(NtSetEvent(event, NULL), STATUS_INVALID_HANDLE);
  return seen.count;
}
