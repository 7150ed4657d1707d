/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unhandled_filter: SetUnhandledExceptionFilter and a debugger.
 *
 * Look for: under a debugger the filter is not called: UnhandledExceptionFilter asks for the debug port, and with one it
 * passes the exception on, to the second chance. Run it without a debugger (dbgksim run) to see the filter. */
#include "sample.h"

static LONG WINAPI filter(EXCEPTION_POINTERS *pointers)
{
  say("filter for %x\n", N(pointers->ExceptionRecord->ExceptionCode));
  ExitProcess(7);
}

int start(void)
{
  SetUnhandledExceptionFilter(filter);
  RaiseException(0xE0000001, 0, 0, NULL);
  return 0;
}
