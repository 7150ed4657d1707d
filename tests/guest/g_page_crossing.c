/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accesses and code that cross into an unusable page: the address is the first unusable byte, and what comes before in
 * the same straight line of code has been executed. */
#include "nano.h"

PROBE(load8, "mov (%rcx), %rax");
PROBE(jump, "jmp *%rcx");

ULONG start(void *peb)
{
  (void)peb;
  UCHAR *pages = allocate(0x2000, PAGE_EXECUTE_READWRITE);
  ULONG old;
  CHECK(pages);
  CHECK_STATUS(set_protection(pages + 0x1000, 0x1000, PAGE_NOACCESS, &old), STATUS_SUCCESS);
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  RUN_PROBE(load8, pages + 0xFFC);
  CHECK(seen.count == 1 && seen.code == STATUS_ACCESS_VIOLATION && seen.parameter[0] == 0);
  CHECK(seen.parameter[1] == (ULONG64)pages + 0x1000);
  /* inc dword [pages], then nops up to the end of the page */
  static const UCHAR increment[] = {0x48, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0x00};
  memset(pages + 0xFC0, 0x90, 0x40);
  memcpy(pages + 0xFC0, increment, sizeof(increment));
  memcpy(pages + 0xFC2, &pages, sizeof(pages));
  RUN_PROBE(jump, pages + 0xFC0);
  CHECK(seen.count == 1 && seen.code == STATUS_ACCESS_VIOLATION && seen.parameter[0] == 8);
  CHECK(seen.parameter[1] == (ULONG64)pages + 0x1000);
  CHECK(seen.address == (ULONG64)pages + 0x1000);
  CHECK(*(ULONG *)pages == 1);
  /* a five-byte instruction, three bytes of it in the next page: it is named as a whole */
  pages[0xFFE] = 0xB8;
  pages[0xFFF] = 0x01;
  RUN_PROBE(jump, pages + 0xFFE);
  CHECK(seen.count == 1 && seen.code == STATUS_ACCESS_VIOLATION && seen.parameter[0] == 8);
  CHECK(seen.parameter[1] == (ULONG64)pages + 0x1000);
  CHECK(seen.address == (ULONG64)pages + 0xFFE);
  return 0;
}
