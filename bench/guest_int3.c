/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug events one after another: 200,000 breakpoints. */
#include "../tests/guest/nano.h"

ULONG start(void *peb)
{
  (void)peb;
  for (ULONG i = 0; i < 200000; i++)
    __asm__ volatile("int3");
  return 0;
}
