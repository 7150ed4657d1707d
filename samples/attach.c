/* SPDX-License-Identifier: GPL-2.0-or-later */
/* attach: a program that runs long enough to be attached to.
 *
 * Look for (dbgksim trace --attach-after 5ms sample:attach): CREATE_PROCESS without a start address, LOAD_DLL for ntdll,
 * CREATE_THREAD for the other thread, the other DLLs, then the thread that breaks in: CREATE_THREAD, a breakpoint in
 * ntdll!DbgBreakPoint, its EXIT_THREAD (fact 4). */
#include "sample.h"

static DWORD WINAPI work(void *argument)
{
  (void)argument;
  Sleep(20);
  return 3;
}

int start(void)
{
  HANDLE thread = CreateThread(NULL, 0, work, NULL, 0, NULL);
  WaitForSingleObject(thread, INFINITE);
  say("debugged: %u\n", N(IsDebuggerPresent()));
  return 0;
}
