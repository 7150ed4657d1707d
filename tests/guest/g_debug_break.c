/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exit code = PEB.BeingDebugged at the start; three calls of DbgBreakPoint, each under a frame handler, so that an
 * answer of not handled does not end the program. */
#include "nano.h"

static volatile unsigned passed;

static void break_once(void *argument)
{
  (void)argument;
  DbgBreakPoint();
  passed++;
}

ULONG start(void *peb)
{
  unsigned caught = 0;
  for (unsigned i = 0; i < 3; i++) {
    ULONG code = nano_try(break_once, NULL);
    CHECK(code == 0 || code == (ULONG)STATUS_BREAKPOINT);
    caught += code != 0;
  }
  CHECK(caught + passed == 3);
  return ((NANO_PEB *)peb)->BeingDebugged;
}
