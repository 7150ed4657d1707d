/* SPDX-License-Identifier: GPL-2.0-or-later */
/* int2d: the debug service interrupt.
 *
 * Look for: with RAX 1 and no kernel debugger nothing happens, but the byte behind INT 2D is skipped; with another RAX it
 * is EXCEPTION 80000003 (fact 22). Programs use that to see whether a debugger steps over the byte as well. */
#include "sample.h"

/* The byte behind INT 2D is an STC: carry tells whether it was executed. */
extern const char int_2d[];

static APART UCHAR carry(ULONG64 service)
{
  UCHAR result;
  __asm__ volatile("clc\nint_2d:\n\tint $0x2d\n\tstc\n\tsetc %0" : "=r"(result) : "a"(service) : "memory", "cc");
  return result;
}

static LONG CALLBACK on_breakpoint(EXCEPTION_POINTERS *pointers)
{
  if (pointers->ExceptionRecord->ExceptionCode != EXCEPTION_BREAKPOINT)
    return EXCEPTION_CONTINUE_SEARCH;
  say("handler: rip is %u behind INT 2D\n", N(pointers->ContextRecord->Rip - (ULONG_PTR)int_2d));
  return EXCEPTION_CONTINUE_EXECUTION;
}

int start(void)
{
  AddVectoredExceptionHandler(1, on_breakpoint);
  say("service 1: carry %u\n", N(carry(1)));
  say("service 0: carry %u\n", N(carry(0)));
  return 0;
}
