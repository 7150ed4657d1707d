/* SPDX-License-Identifier: GPL-2.0-or-later */
/* first_chance: an access violation that the program handles.
 *
 * Look for: one EXCEPTION C0000005, first chance, with two parameters: 1 (a write) and the address (fact 26). The debugger
 * passes it on; the __except takes it, so there is no second chance. */
#include "sample.h"

static APART void write_to(volatile int *address) { *address = 1; }

int start(void)
{
  __try {
    write_to((volatile int *)0x1000);
  } __except (GetExceptionCode() == EXCEPTION_ACCESS_VIOLATION) {
    say("handled: %x\n", N((DWORD)GetExceptionCode()));
  }
  return 0;
}
