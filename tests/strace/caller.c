/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls what its debugger says: it stops at an int3, and goes on with a syscall whose registers the debugger has set. The
 * memory is what the calls' pointers lead to (kit.h). */
#include <tests/guest/nano.h>

static void make_page(ULONG64 page, ULONG64 pages, ULONG type, ULONG protection)
{
  void *base = (void *)(0x20000000ull + page * 0x1000);
  ULONG64 size = pages * 0x1000;
  CHECK_STATUS(NtAllocateVirtualMemory(NtCurrentProcess, &base, 0, &size, type, protection), 0);
}

ULONG start(void *peb)
{
  (void)peb;
  make_page(0, 16, MEM_RESERVE, PAGE_NOACCESS);
  make_page(0, 8, MEM_COMMIT, PAGE_READWRITE);
  make_page(9, 1, MEM_COMMIT, PAGE_READONLY);
  make_page(10, 1, MEM_COMMIT, PAGE_READWRITE | PAGE_GUARD);
  __asm__ volatile("int3\n1:\n\tsyscall\n\tint3\n\tjmp 1b");
  return 0;
}
