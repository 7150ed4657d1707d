/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults inside handlers, eight deep, and a change of the context that takes effect. */
#include "nano.h"

PROBE(load, "mov (%rcx), %al");

static volatile unsigned depth, deepest;

static LONG handler(EXCEPTION_POINTERS *pointers)
{
  CHECK(pointers->ExceptionRecord->ExceptionCode == STATUS_ACCESS_VIOLATION);
  CHECK(pointers->ExceptionRecord->ExceptionInformation[1] == depth + 1);
  if (++depth > deepest)
    deepest = depth;
  if (depth < 8)
    load((void *)(ULONG64)(depth + 1));
  depth--;
  pointers->ContextRecord->Rip = (ULONG64)load_next;
  pointers->ContextRecord->Rax = 0x1234;
  return EXCEPTION_CONTINUE_EXECUTION;
}

ULONG start(void *peb)
{
  (void)peb;
  RtlAddVectoredExceptionHandler(TRUE, handler);
  ULONG64 result;
  __asm__ volatile("sub $0x20, %%rsp\n\tmov $1, %%ecx\n\tcall load\n\tadd $0x20, %%rsp"
                   : "=a"(result)
                   :
                   : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
  CHECK(result == 0x1234 && deepest == 8 && depth == 0);
  return 0;
}
