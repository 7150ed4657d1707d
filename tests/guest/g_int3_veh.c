/* SPDX-License-Identifier: GPL-2.0-or-later */
/* INT3 that a vectored handler skips (spec/5 fact 20). */
#include "nano.h"

PROBE(breakpoint, "int3");

ULONG start(void *peb)
{
  (void)peb;
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  RUN_PROBE(breakpoint, NULL);
  CHECK(seen.count == 1);
  CHECK(seen.code == STATUS_BREAKPOINT);
  CHECK(seen.flags == 0);
  CHECK(seen.address == (ULONG64)breakpoint_at);
  CHECK(seen.rip == (ULONG64)breakpoint_at);
  CHECK(seen.parameters == 1 && seen.parameter[0] == 0);
  return 0;
}
