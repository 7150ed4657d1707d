/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that fuzz_dispatch works on. It makes the memory that inputs fill and stops at an int3; from there on the
 * target says what runs. The layout is that of fuzz_dispatch.c. */
#include "tests/guest/nano.h"

#define PAGES 0x20000000ull
#define PAGE 0x1000ull

/* What the program's own handler does, at the start of the first data page. */
static volatile struct control {
  ULONG64 target;     /* where it continues; 0: as the disposition says */
  LONG64 disposition; /* what it returns without a target */
  ULONG64 touched;    /* not 0: reads a byte there first, which may fault again */
  ULONG64 changes;    /* of the context, before it is continued */
  struct {
    USHORT offset, value;
  } change[8];
} *control = (volatile struct control *)(PAGES + 2 * PAGE);

static LONG on_exception(EXCEPTION_POINTERS *pointers)
{
  ULONG64 target = control->target, touched = control->touched;
  control->target = control->touched = 0;
  if (touched)
    (void)*(volatile UCHAR *)touched;
  if (control->changes > 8)
    return EXCEPTION_CONTINUE_SEARCH;
  for (ULONG64 i = 0; i < control->changes; i++)
    *(USHORT *)((UCHAR *)pointers->ContextRecord + control->change[i].offset % sizeof(CONTEXT)) =
        control->change[i].value;
  if (!target)
    return (LONG)control->disposition;
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

/* Ways into the kernel, for threads that are made to call a service. */
static void write_service_calls(void)
{
  static const UCHAR by_syscall[] = {0x49, 0x89, 0xCA, 0x0F, 0x05, 0xCC}, by_int[] = {0xCD, 0x2E, 0xCC};
  UCHAR *page = (UCHAR *)(PAGES + PAGE);
  for (ULONG i = 0; i < sizeof(by_syscall); i++)
    page[0xFF0 + i] = by_syscall[i];
  for (ULONG i = 0; i < sizeof(by_int); i++)
    page[0xFE0 + i] = by_int[i];
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
  write_service_calls();
  CHECK_STATUS(NtProtectVirtualMemory(NtCurrentProcess, &code, &size, PAGE_EXECUTE_READ, &old), 0);
  make_page(2, 9, MEM_COMMIT, PAGE_READWRITE);
  make_page(11, 1, MEM_COMMIT, PAGE_READONLY);
  make_page(12, 1, MEM_COMMIT, PAGE_READWRITE | PAGE_GUARD);
  make_page(13, 1, MEM_COMMIT, PAGE_READWRITE);
  RtlAddVectoredExceptionHandler(1, on_exception);
  __asm__ volatile("int3");
  return 0;
}
