/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes to eight pages, then stops at an int3, again and again. */
#include "../tests/guest/nano.h"

#define PAGES 8u

ULONG start(void *peb)
{
  void *base = NULL;
  ULONG64 size = PAGES * 0x1000;
  (void)peb;
  CHECK_STATUS(NtAllocateVirtualMemory(NtCurrentProcess, &base, 0, &size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE), 0);
  volatile ULONG *numbers = base;
  for (ULONG turn = 1;; turn++) {
    for (ULONG i = 0; i < PAGES; i++)
      numbers[i * 0x400] = turn;
    __asm__ volatile("int3");
  }
}
