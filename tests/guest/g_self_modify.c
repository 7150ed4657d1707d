/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code that changes: by its own stores, just ahead of itself, through NtWriteVirtualMemory, and by way of changes of
 * protection. */
#include "nano.h"

typedef ULONG (*CODE)(void);

static void write_code(UCHAR *at, ULONG value)
{
  at[0] = 0xB8; /* mov eax, value; ret */
  memcpy(at + 1, &value, 4);
  at[5] = 0xC3;
}

ULONG start(void *peb)
{
  (void)peb;
  ULONG old;
  UCHAR *page = allocate(0x1000, PAGE_EXECUTE_READWRITE);
  CHECK(page);
  for (ULONG i = 0; i < 20; i++) {
    write_code(page, i);
    CHECK(((CODE)page)() == i);
  }
  /* mov byte [rip+1], 77; mov eax, 1; ret: the store changes the next instruction's operand */
  static const UCHAR ahead[] = {0xC6, 0x05, 0x01, 0, 0, 0, 0x77, 0xB8, 0x01, 0, 0, 0, 0xC3};
  memcpy(page + 0x100, ahead, sizeof(ahead));
  CHECK(((CODE)(page + 0x100))() == 0x77);
  UCHAR bytes[6];
  write_code(bytes, 0x5555);
  CHECK_STATUS(NtWriteVirtualMemory(NtCurrentProcess, page, bytes, 6, NULL), STATUS_SUCCESS);
  CHECK_STATUS(NtFlushInstructionCache(NtCurrentProcess, page, 6), STATUS_SUCCESS);
  CHECK(((CODE)page)() == 0x5555);
  for (ULONG i = 0; i < 5; i++) {
    CHECK_STATUS(set_protection(page, 0x1000, PAGE_READWRITE, &old), STATUS_SUCCESS);
    write_code(page, 0x100 + i);
    CHECK_STATUS(set_protection(page, 0x1000, PAGE_EXECUTE_READ, &old), STATUS_SUCCESS);
    CHECK(((CODE)page)() == 0x100 + i);
  }
  /* freed and allocated anew: nothing of the old code is left */
  void *base = page;
  ULONG64 size = 0;
  CHECK_STATUS(NtFreeVirtualMemory(NtCurrentProcess, &base, &size, MEM_RELEASE), STATUS_SUCCESS);
  base = page;
  size = 0x1000;
  CHECK_STATUS(
      NtAllocateVirtualMemory(NtCurrentProcess, &base, 0, &size, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READWRITE),
      STATUS_SUCCESS);
  CHECK(page[0] == 0);
  write_code(page, 0x4321);
  CHECK(((CODE)page)() == 0x4321);
  return 0;
}
