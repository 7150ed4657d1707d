/* SPDX-License-Identifier: GPL-2.0-or-later */
/* INT 2C: an assertion failure at the instruction itself (spec/5 fact 25). */
#include "nano.h"

PROBE(assertion, "int $0x2C");

ULONG start(void *peb)
{
  (void)peb;
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  RUN_PROBE(assertion, NULL);
  CHECK(seen.count == 1);
  CHECK(seen.code == STATUS_ASSERTION_FAILURE);
  CHECK(seen.address == (ULONG64)assertion_at);
  CHECK(seen.rip == (ULONG64)assertion_at);
  CHECK(seen.parameters == 0);
  return 0;
}
