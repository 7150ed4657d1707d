/* SPDX-License-Identifier: GPL-2.0-or-later */
/* privileged: instructions that user mode may not use.
 *
 * Look for: HLT is C0000096, an INT n without a gate for users is C0000005 with (0, -1), UD2 is C000001D, INT 2C is
 * C0000420 (fact 25). */
#include "sample.h"

static ULONG length;

static LONG CALLBACK skip(EXCEPTION_POINTERS *pointers)
{
  say("%x\n", N(pointers->ExceptionRecord->ExceptionCode));
  pointers->ContextRecord->Rip = (ULONG_PTR)pointers->ExceptionRecord->ExceptionAddress + length;
  return EXCEPTION_CONTINUE_EXECUTION;
}

int start(void)
{
  AddVectoredExceptionHandler(1, skip);
  length = 1;
  __asm__ volatile("hlt");
  length = 2;
  __asm__ volatile("int $0x40");
  __asm__ volatile("ud2");
  __asm__ volatile("int $0x2c");
  say("done\n");
  return 0;
}
