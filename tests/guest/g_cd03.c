/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two-byte INT 3: the address is in mid-instruction (spec/5 fact 21). */
#include "nano.h"

PROBE(two_bytes, ".byte 0xCD, 0x03");

ULONG start(void *peb)
{
  (void)peb;
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  RUN_PROBE(two_bytes, NULL);
  CHECK(seen.count == 1);
  CHECK(seen.code == STATUS_BREAKPOINT);
  CHECK(seen.address == (ULONG64)two_bytes_at + 1);
  CHECK(seen.rip == (ULONG64)two_bytes_at + 1);
  CHECK(seen.parameters == 1 && seen.parameter[0] == 0);
  return 0;
}
