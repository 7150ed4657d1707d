/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program to attach to: a DLL, two further threads that end after 100 ms with 0x10 and 0x11, then a breakpoint that
 * its own handler skips. Its exit code is 7. */
#include <tests/guest/child.h>

PROBE(breakpoint, "int3");

static ULONG routine(void *argument)
{
  NtDelayExecution(FALSE, MILLISECONDS(100));
  return 0x10 + (ULONG)(ULONG64)argument;
}

static void load_dll(void)
{
  static WCHAR path[300] = u"\\??\\";
  void *base;
  beside_program("target_dll.dll", path + 4);
  CHECK_STATUS(nano_load_dll(path, &base), STATUS_SUCCESS);
}

ULONG start(void *peb)
{
  (void)peb;
  load_dll();
  HANDLE threads[] = {create_thread(routine, (void *)0), create_thread(routine, (void *)1)};
  NtDelayExecution(FALSE, MILLISECONDS(100));
  CHECK_STATUS(NtWaitForMultipleObjects(2, threads, 0, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  RUN_PROBE(breakpoint, NULL);
  CHECK(seen.count == 1);
  return 7;
}
