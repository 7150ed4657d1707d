/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Never ends: a jump to itself. */
#include "nano.h"

ULONG start(void *peb)
{
  (void)peb;
  __asm__ volatile("1: jmp 1b");
  return 0;
}
