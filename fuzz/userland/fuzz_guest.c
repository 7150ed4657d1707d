/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that fuzz_dispatch works on. It makes the memory that inputs fill and stops at an int3; from there on the
 * target says what runs. The layout is that of fuzz_dispatch.c. */
#include "tests/guest/nano.h"

#define PAGES 0x20000000ull
#define PAGE 0x1000ull

static volatile ULONG64 *control = (volatile ULONG64 *)(PAGES + 2 * PAGE);

/* The first number on the first data page says what the program's own handler does: 0 nothing, else the address where
 * it continues. */
static LONG on_exception(EXCEPTION_POINTERS *pointers)
{
  ULONG64 target = *control;
  if (!target)
    return EXCEPTION_CONTINUE_SEARCH;
  *control = 0;
  pointers->ContextRecord->Rip = target;
  return EXCEPTION_CONTINUE_EXECUTION;
}

static void make_page(ULONG64 index, ULONG64 pages, ULONG type, ULONG protection)
{
  void *base = (void *)(PAGES + index * PAGE);
  ULONG64 size = pages * PAGE;
  CHECK_STATUS(NtAllocateVirtualMemory(NtCurrentProcess, &base, 0, &size, type, protection), 0);
}

/* Behind an input's code the processor meets an int3, not two thousand times add [rax], al: those would be translated
 * anew for each case. */
static void fill_with_int3(ULONG64 index, ULONG64 pages)
{
  UCHAR *at = (UCHAR *)(PAGES + index * PAGE);
  for (ULONG64 i = 0; i < pages * PAGE; i++)
    at[i] = 0xCC;
}

ULONG start(void *peb)
{
  void *code = (void *)(PAGES + PAGE);
  ULONG64 size = PAGE;
  ULONG old;
  (void)peb;
  make_page(0, 16, MEM_RESERVE, PAGE_NOACCESS);
  make_page(0, 2, MEM_COMMIT, PAGE_EXECUTE_READWRITE);
  fill_with_int3(0, 2);
  CHECK_STATUS(NtProtectVirtualMemory(NtCurrentProcess, &code, &size, PAGE_EXECUTE_READ, &old), 0);
  make_page(2, 9, MEM_COMMIT, PAGE_READWRITE);
  make_page(11, 1, MEM_COMMIT, PAGE_READONLY);
  make_page(12, 1, MEM_COMMIT, PAGE_READWRITE | PAGE_GUARD);
  RtlAddVectoredExceptionHandler(1, on_exception);
  __asm__ volatile("int3");
  return 0;
}
