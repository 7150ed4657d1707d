/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handles: access masks, duplicates, names, types. */
#include "nano.h"

static void names(void)
{
  static const WCHAR name[] = u"\\BaseNamedObjects\\g_handles";
  UNICODE_STRING64 string = {sizeof(name) - 2, sizeof(name), 0, (ULONG64)name};
  OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof(attributes), .ObjectName = (ULONG64)&string};
  HANDLE created, opened;
  CHECK_STATUS(NtOpenEvent(&opened, EVENT_ALL_ACCESS, &attributes), STATUS_OBJECT_NAME_NOT_FOUND);
  CHECK_STATUS(NtCreateEvent(&created, EVENT_ALL_ACCESS, &attributes, 0, FALSE), STATUS_SUCCESS);
  CHECK_STATUS(NtCreateEvent(&opened, EVENT_ALL_ACCESS, &attributes, 0, FALSE), STATUS_OBJECT_NAME_COLLISION);
  CHECK_STATUS(NtOpenEvent(&opened, EVENT_ALL_ACCESS, &attributes), STATUS_SUCCESS);
  CHECK_STATUS(NtSetEvent(opened, NULL), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForSingleObject(created, FALSE, MILLISECONDS(0)), STATUS_SUCCESS);
  CHECK_STATUS(NtClose(opened), STATUS_SUCCESS);
  attributes.Attributes = OBJ_OPENIF;
  CHECK_STATUS(NtCreateEvent(&opened, EVENT_ALL_ACCESS, &attributes, 0, FALSE), STATUS_OBJECT_NAME_EXISTS);
  CHECK_STATUS(NtClose(opened), STATUS_SUCCESS);
  CHECK_STATUS(NtClose(created), STATUS_SUCCESS);
  CHECK_STATUS(NtOpenEvent(&opened, EVENT_ALL_ACCESS, &attributes), STATUS_OBJECT_NAME_NOT_FOUND);
}

ULONG start(void *peb)
{
  (void)peb;
  HANDLE event, weak, same;
  CHECK_STATUS(NtCreateEvent(&event, EVENT_ALL_ACCESS, NULL, 0, FALSE), STATUS_SUCCESS);
  CHECK(event && !(event & 3));
  CHECK_STATUS(NtDuplicateObject(NtCurrentProcess, event, NtCurrentProcess, &weak, EVENT_QUERY_STATE, 0, 0),
               STATUS_SUCCESS);
  CHECK_STATUS(NtSetEvent(weak, NULL), STATUS_ACCESS_DENIED);
  CHECK_STATUS(NtWaitForSingleObject(weak, FALSE, MILLISECONDS(0)), STATUS_ACCESS_DENIED);
  CHECK_STATUS(NtDuplicateObject(NtCurrentProcess, event, NtCurrentProcess, &same, 0, 0, 3), STATUS_SUCCESS);
  CHECK_STATUS(NtSetEvent(event, NULL), STATUS_INVALID_HANDLE);
  CHECK_STATUS(NtSetEvent(same, NULL), STATUS_SUCCESS);
  CHECK_STATUS(NtSetEvent(same | 3, NULL), STATUS_SUCCESS);
  CHECK_STATUS(NtReleaseSemaphore(same, 1, NULL), STATUS_OBJECT_TYPE_MISMATCH);
  CHECK_STATUS(NtSetEvent(NtCurrentProcess, NULL), STATUS_OBJECT_TYPE_MISMATCH);
  CHECK_STATUS(NtCreateEvent((HANDLE *)0x10, EVENT_ALL_ACCESS, NULL, 0, FALSE), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtCreateEvent((HANDLE *)0xFFFFF80000000000, EVENT_ALL_ACCESS, NULL, 0, FALSE), STATUS_ACCESS_VIOLATION);
  names();
  return 0;
}
