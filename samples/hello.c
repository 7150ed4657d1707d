/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hello: the events of the smallest program.
 *
 * Look for: CREATE_PROCESS, LOAD_DLL for ntdll, kernel32 and kernelbase, the loader's breakpoint, EXIT_PROCESS. The first
 * two are posted by the new thread itself; the EXE is never a LOAD_DLL (spec/5 fact 1). */
#include "sample.h"

int start(void)
{
  say("hello\n");
  return 0;
}
