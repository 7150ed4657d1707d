/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attaching to a running process (spec/3.2). */
#include "dbgk/internal.h"

NTSTATUS NtDebugActiveProcess(HANDLE ProcessHandle, HANDLE DebugObjectHandle)
{
  (void)ProcessHandle, (void)DebugObjectHandle;
  TRACE(DBGKSIM_TRACE_LOG, "NtDebugActiveProcess: attaching is not implemented", 0, 0, 0, 0);
  return STATUS_NOT_IMPLEMENTED;
}
