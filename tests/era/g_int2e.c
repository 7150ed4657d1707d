/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A service entered by INT 2E, with the number of NtYieldExecution read from its stub. Exit code 0: it was a service;
 * where the gate is closed to user mode the access violation ends the program. */
#include "../guest/nano.h"

ULONG start(void *peb)
{
  NTSTATUS status;
  ULONG number;
  const UCHAR *stub = (const UCHAR *)(ULONG64)NtYieldExecution;
  (void)peb;
  /* The address may be that of a jump through the import table. */
  if (stub[0] == 0xFF && stub[1] == 0x25)
    stub = *(const UCHAR *const *)(stub + 6 + *(const LONG *)(const void *)(stub + 2));
  CHECK(stub[3] == 0xB8);
  number = *(const ULONG *)(const void *)(stub + 4);
  __asm__ volatile("int $0x2E" : "=a"(status) : "a"(number) : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
  CHECK(status == STATUS_SUCCESS || status == STATUS_NO_YIELD_PERFORMED);
  return 0;
}
