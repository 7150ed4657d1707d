/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guard page raises once, with two parameters, and loses PAGE_GUARD (spec/5 fact 26). */
#include "nano.h"

PROBE(load, "mov (%rcx), %al");
PROBE(store, "movb $1, (%rcx)");

ULONG start(void *peb)
{
  (void)peb;
  UCHAR *page = allocate(0x2000, PAGE_READWRITE | PAGE_GUARD);
  CHECK(page);
  CHECK(query_memory(page).Protect == (PAGE_READWRITE | PAGE_GUARD));
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  RUN_PROBE(store, page + 0x30);
  CHECK(seen.count == 1 && seen.code == STATUS_GUARD_PAGE_VIOLATION);
  CHECK(seen.parameters == 2 && seen.parameter[0] == 1 && seen.parameter[1] == (ULONG64)page + 0x30);
  CHECK(seen.address == (ULONG64)store_at);
  CHECK(query_memory(page).Protect == PAGE_READWRITE);
  CHECK(query_memory(page).RegionSize == 0x1000);
  RUN_PROBE(store, page + 0x30);
  CHECK(seen.count == 0 && page[0x30] == 1);
  RUN_PROBE(load, page + 0x1000);
  CHECK(seen.count == 1 && seen.code == STATUS_GUARD_PAGE_VIOLATION && seen.parameter[0] == 0);
  return 0;
}
