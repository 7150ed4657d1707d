/* SPDX-License-Identifier: GPL-2.0-or-later */
/* detach: a program whose debugger goes.
 *
 * Look for (dbgksim trace --detach-after 5 sample:detach): after the loader's breakpoint the debugger detaches; the program
 * runs on, its texts are not seen any more, and the PEB's byte is cleared. */
#include "sample.h"

int start(void)
{
  OutputDebugStringA("the debugger is gone");
  say("debugged: %u\n", N(IsDebuggerPresent()));
  return 0;
}
