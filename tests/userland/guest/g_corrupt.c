/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Heap corruption (spec/3.7): under a debugger a write behind a block and a block that is freed twice are told by a
 * breakpoint each; without one the second free raises STATUS_HEAP_CORRUPTION, which nobody may continue. */
#include "check.h"

static ULONG breakpoints;

static LONG CALLBACK on_exception(EXCEPTION_POINTERS *pointers)
{
  const EXCEPTION_RECORD *record = pointers->ExceptionRecord;
  if (record->ExceptionCode == (DWORD)STATUS_BREAKPOINT) {
    breakpoints++;
    pointers->ContextRecord->Rip++;
    return EXCEPTION_CONTINUE_EXECUTION;
  }
  if (record->ExceptionCode != (DWORD)STATUS_HEAP_CORRUPTION)
    return EXCEPTION_CONTINUE_SEARCH;
  CHECK_EQ(record->ExceptionFlags & EXCEPTION_NONCONTINUABLE, EXCEPTION_NONCONTINUABLE);
  CHECK_EQ(record->NumberParameters, 1);
  CHECK_EQ(breakpoints, 0);
  RtlExitUserProcess(failures || (NtCurrentPeb()->NtGlobalFlag & FLG_DEBUG_HEAP) ? 1 : 0);
}

static void debug_fills(PVOID heap)
{
  UCHAR *block = RtlAllocateHeap(heap, 0, 20);
  CHECK_EQ(*(ULONG *)block, 0xBAADF00D);
  for (ULONG i = 0; i < 16; i++)
    CHECK_EQ(block[20 + i], 0xAB);
  CHECK(RtlValidateHeap(heap, 0, block));
  CHECK_EQ(breakpoints, 0);
  block[20] = 1;
  CHECK(!RtlValidateHeap(heap, 0, NULL));
  CHECK_EQ(breakpoints, 1);
  CHECK(!RtlFreeHeap(heap, 0, block));
  CHECK_EQ(breakpoints, 2);
  block[20] = 0xAB;
  CHECK(RtlFreeHeap(heap, 0, block));
  /* Behind the links of the free list. */
  CHECK_EQ(((ULONG *)block)[4], 0xFEEEFEEE);
  CHECK_EQ(breakpoints, 2);
  CHECK(!RtlFreeHeap(heap, 0, block));
  CHECK_EQ(breakpoints, 3);
}

void check(void)
{
  PVOID heap = NtCurrentPeb()->ProcessHeap;
  RtlAddVectoredExceptionHandler(1, on_exception);
  if (NtCurrentPeb()->NtGlobalFlag & FLG_DEBUG_HEAP) {
    debug_fills(heap);
    return;
  }
  PVOID block = RtlAllocateHeap(heap, 0, 20);
  CHECK(RtlFreeHeap(heap, 0, block));
  RtlFreeHeap(heap, 0, block);
  failures++; /* it came back */
}
