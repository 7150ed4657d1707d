/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IN and OUT in user mode are privileged instructions (spec/5 fact 25). */
#include "nano.h"

PROBE(port_in, "in $0x60, %al");
PROBE(port_out, "out %al, $0x80");
PROBE(port_in_dx, "in %dx, %eax");

#define CHECK_PRIVILEGED(name)                                                                                         \
  do {                                                                                                                 \
    RUN_PROBE(name, NULL);                                                                                             \
    CHECK(seen.count == 1);                                                                                            \
    CHECK(seen.code == STATUS_PRIVILEGED_INSTRUCTION && seen.parameters == 0);                                         \
    CHECK(seen.address == (ULONG64)name##_at);                                                                         \
  } while (0)

ULONG start(void *peb)
{
  (void)peb;
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  CHECK_PRIVILEGED(port_in);
  CHECK_PRIVILEGED(port_out);
  CHECK_PRIVILEGED(port_in_dx);
  return 0;
}
