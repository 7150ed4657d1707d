/* SPDX-License-Identifier: GPL-2.0-or-later */
/* second_chance: an access violation that nobody handles.
 *
 * Look for: the same exception twice, first and second chance. In between, the program's handlers were asked: RtlUser-
 * ThreadStart's filter came last, and as the process has a debugger, it let the exception go on. Not handled again, the
 * process ends with the exception's code (fact 16). */
#include "sample.h"

static APART void read_from(const volatile int *address) { (void)*address; }

int start(void)
{
  read_from((const volatile int *)0x2000);
  say("never printed\n");
  return 0;
}
