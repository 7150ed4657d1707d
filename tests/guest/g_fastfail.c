/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exit code 0xC0000409: INT 29 reaches no handler (spec/5 fact 24). */
#include "nano.h"

static LONG exit_handler(EXCEPTION_POINTERS *pointers)
{
  (void)pointers;
  RtlExitUserProcess(1);
}

ULONG start(void *peb)
{
  (void)peb;
  RtlAddVectoredExceptionHandler(TRUE, exit_handler);
  __asm__ volatile("int $0x29" : : "c"(5));
  return 2;
}
