/* SPDX-License-Identifier: GPL-2.0-or-later */
/* INT n through a gate that user mode may not use: an access violation with (0, ~0) (spec/5 fact 25). INT 4 has a gate
 * of its own. */
#include "nano.h"

PROBE(int_00, ".byte 0xCD, 0x00");
PROBE(int_01, ".byte 0xCD, 0x01");
PROBE(int_04, ".byte 0xCD, 0x04");
PROBE(int_0d, ".byte 0xCD, 0x0D");
PROBE(int_0e, ".byte 0xCD, 0x0E");
PROBE(int_20, ".byte 0xCD, 0x20");
PROBE(int_2b, ".byte 0xCD, 0x2B");
PROBE(int_2e, ".byte 0xCD, 0x2E");
PROBE(int_80, ".byte 0xCD, 0x80");
PROBE(int_ff, ".byte 0xCD, 0xFF");

#define CHECK_PROTECTION(name)                                                                                         \
  do {                                                                                                                 \
    RUN_PROBE(name, NULL);                                                                                             \
    CHECK(seen.count == 1);                                                                                            \
    CHECK(seen.code == STATUS_ACCESS_VIOLATION);                                                                       \
    CHECK(seen.address == (ULONG64)name##_at && seen.rip == (ULONG64)name##_at);                                       \
    CHECK(seen.parameters == 2 && seen.parameter[0] == 0 && seen.parameter[1] == ~0ull);                               \
  } while (0)

ULONG start(void *peb)
{
  (void)peb;
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  CHECK_PROTECTION(int_00);
  CHECK_PROTECTION(int_01);
  CHECK_PROTECTION(int_0d);
  CHECK_PROTECTION(int_0e);
  CHECK_PROTECTION(int_20);
  CHECK_PROTECTION(int_2b);
  CHECK_PROTECTION(int_2e);
  CHECK_PROTECTION(int_80);
  CHECK_PROTECTION(int_ff);
  RUN_PROBE(int_04, NULL);
  CHECK(seen.count == 1 && seen.code == STATUS_INTEGER_OVERFLOW);
  return 0;
}
