/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Undefined opcodes: an illegal instruction without parameters (spec/1.1). */
#include "nano.h"

PROBE(ud2, "ud2");
PROBE(lock_nop, ".byte 0xF0, 0x90");
PROBE(push_es, ".byte 0x06");

#define CHECK_ILLEGAL(name)                                                                                            \
  do {                                                                                                                 \
    RUN_PROBE(name, NULL);                                                                                             \
    CHECK(seen.count == 1);                                                                                            \
    CHECK(seen.code == STATUS_ILLEGAL_INSTRUCTION);                                                                    \
    CHECK(seen.address == (ULONG64)name##_at && seen.rip == (ULONG64)name##_at);                                       \
    CHECK(seen.parameters == 0);                                                                                       \
  } while (0)

ULONG start(void *peb)
{
  (void)peb;
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  CHECK_ILLEGAL(ud2);
  CHECK_ILLEGAL(lock_nop);
  CHECK_ILLEGAL(push_es);
  return 0;
}
