/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stack_overflow: recursion without an end.
 *
 * Look for: EXCEPTION C00000FD at the first chance: the guard page at the stack's end was touched and no page is left to
 * move it to. The handler runs on what is left of the stack; without _resetstkoflw the next overflow is an access
 * violation. */
#include "sample.h"

static volatile int depth;

static APART int recurse(int n)
{
  volatile char room[2048];
  room[0] = (char)n;
  depth = n;
  return n < 0 ? 0 : recurse(n + 1) + room[0];
}

int start(void)
{
  __try {
    recurse(0);
  } __except ((DWORD)GetExceptionCode() == EXCEPTION_STACK_OVERFLOW) {
    say("stack overflow after more than 100 calls: %u\n", N(depth > 100));
  }
  return 0;
}
