/* SPDX-License-Identifier: GPL-2.0-or-later */
/* F1 gives a single step at the next instruction (spec/5 fact 23). */
#include "nano.h"

PROBE(icebp, ".byte 0xF1");

ULONG start(void *peb)
{
  (void)peb;
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  RUN_PROBE(icebp, NULL);
  CHECK(seen.count == 1);
  CHECK(seen.code == STATUS_SINGLE_STEP);
  CHECK(seen.address == (ULONG64)icebp_next);
  CHECK(seen.rip == (ULONG64)icebp_next);
  CHECK(seen.parameters == 0);
  return 0;
}
