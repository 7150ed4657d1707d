/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exit code 0x80000003: INT3 that nobody handles. Under a debugger that answers handled, exit code 7. */
#include "nano.h"

ULONG start(void *peb)
{
  (void)peb;
  DbgBreakPoint();
  return 7;
}
