/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fast_fail: __fastfail, INT 29.
 *
 * Look for: one event, C0000409, second chance only, noncontinuable: neither vectored nor frame handlers are asked, and the
 * process ends (fact 24). */
#include "sample.h"

static LONG CALLBACK never(EXCEPTION_POINTERS *pointers)
{
  (void)pointers;
  say("never called\n");
  return EXCEPTION_CONTINUE_SEARCH;
}

int start(void)
{
  AddVectoredExceptionHandler(1, never);
  __asm__ volatile("int $0x29" : : "c"(7)); /* FAST_FAIL_FATAL_APP_EXIT */
  return 0;
}
