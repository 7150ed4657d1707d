/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many blocks of plain arithmetic, for run budgets and speed; exit code 0. */
#include "nano.h"

ULONG start(void *peb)
{
  (void)peb;
  ULONG64 value = 1;
  for (ULONG i = 0; i < 100000000; i++) {
    value = value * 6364136223846793005u + i;
    __asm__ volatile("" : "+r"(value));
  }
  return value == 0;
}
