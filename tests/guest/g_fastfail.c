/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exit code 0xC0000409: user mode is told that INT 29 fails fast, and it reaches no handler (spec/5 fact 24). */
#include "nano.h"

/* KUSER_SHARED_DATA.ProcessorFeatures[PF_FASTFAIL_AVAILABLE]: where it is 0, C runtimes terminate in another way. */
#define FASTFAIL_AVAILABLE (*(volatile const UCHAR *)(0x7FFE0000u + 0x274 + 23))

static LONG exit_handler(EXCEPTION_POINTERS *pointers)
{
  (void)pointers;
  RtlExitUserProcess(1);
}

ULONG start(void *peb)
{
  (void)peb;
  RtlAddVectoredExceptionHandler(TRUE, exit_handler);
  if (!FASTFAIL_AVAILABLE)
    return 3;
  __asm__ volatile("int $0x29" : : "c"(5));
  return 2;
}
