/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Heaps: what Microsoft documents of HeapCreate, HeapAlloc, HeapReAlloc, HeapFree, HeapSize, HeapWalk and HeapValidate.
 */
#include "check.h"

static ULONG random_state = 12345;

static ULONG random(ULONG below)
{
  random_state = random_state * 1664525 + 1013904223;
  return (random_state >> 8) % below;
}

static BOOLEAN is_filled(const UCHAR *bytes, UCHAR value, SIZE_T size)
{
  /* Of many bytes, some. */
  for (SIZE_T i = 0; i<size; i += size - i> 4096 ? 509 : 1)
    if (bytes[i] != value)
      return FALSE;
  return TRUE;
}

static void basic(PVOID heap)
{
  UCHAR *block = RtlAllocateHeap(heap, HEAP_ZERO_MEMORY, 100);
  CHECK(block && !((ULONG_PTR)block & 15) && is_filled(block, 0, 100));
  CHECK_EQ(RtlSizeHeap(heap, 0, block), 100);
  memset(block, 0x5A, 100);
  block = RtlReAllocateHeap(heap, HEAP_ZERO_MEMORY, block, 5000);
  CHECK(block && is_filled(block, 0x5A, 100) && is_filled(block + 100, 0, 4900));
  CHECK_EQ(RtlSizeHeap(heap, 0, block), 5000);
  UCHAR *same = RtlReAllocateHeap(heap, HEAP_REALLOC_IN_PLACE_ONLY, block, 40);
  CHECK(same == block && RtlSizeHeap(heap, 0, block) == 40 && is_filled(block, 0x5A, 40));
  CHECK(RtlFreeHeap(heap, 0, block));
  CHECK(RtlFreeHeap(heap, 0, NULL));
  block = RtlAllocateHeap(heap, 0, 0);
  CHECK(block && RtlSizeHeap(heap, 0, block) == 0);
  CHECK(RtlFreeHeap(heap, 0, block));
  /* Blocks with ranges of their own. */
  block = RtlAllocateHeap(heap, 0, 3 << 20);
  CHECK(block && RtlSizeHeap(heap, 0, block) == 3 << 20 && is_filled(block, 0, 3 << 20));
  memset(block, 7, 3 << 20);
  block = RtlReAllocateHeap(heap, HEAP_ZERO_MEMORY, block, 5 << 20);
  CHECK(block && is_filled(block, 7, 3 << 20) && is_filled(block + (3 << 20), 0, 2 << 20));
  block = RtlReAllocateHeap(heap, 0, block, 10);
  CHECK(block && is_filled(block, 7, 10) && RtlSizeHeap(heap, 0, block) == 10);
  CHECK(RtlFreeHeap(heap, 0, block));
  NtCurrentTeb()->LastErrorValue = 0;
  CHECK(!RtlAllocateHeap(heap, 0, ~(SIZE_T)0 - 8));
  CHECK_EQ(NtCurrentTeb()->LastErrorValue, ERROR_NOT_ENOUGH_MEMORY);
}

static __attribute__((noinline)) void allocate_too_much(PVOID heap)
{
  RtlAllocateHeap(heap, HEAP_GENERATE_EXCEPTIONS, ~(SIZE_T)0 - 64);
}

static void exceptions(PVOID heap)
{
  volatile DWORD code = 0;
  __try {
    allocate_too_much(heap);
  } __except (code = GetExceptionCode(), EXCEPTION_EXECUTE_HANDLER) {
  }
  CHECK_STATUS(code, STATUS_NO_MEMORY);
}

enum { BLOCKS = 200 };

/* Any sequence leaves every block's bytes alone and the heap whole. */
static void stress(PVOID heap)
{
  static UCHAR *blocks[BLOCKS];
  static SIZE_T sizes[BLOCKS];
  for (ULONG round = 0; round < 1500; round++) {
    ULONG i = random(BLOCKS);
    SIZE_T size = random(8) ? random(600) : random(20000);
    if (!blocks[i]) {
      blocks[i] = RtlAllocateHeap(heap, 0, size);
    } else if (random(3)) {
      SIZE_T kept = size < sizes[i] ? size : sizes[i];
      blocks[i] = RtlReAllocateHeap(heap, 0, blocks[i], size);
      CHECK(blocks[i] && is_filled(blocks[i], (UCHAR)i, kept > 64 ? 64 : kept));
    } else {
      CHECK(is_filled(blocks[i] + (sizes[i] > 64 ? sizes[i] - 64 : 0), (UCHAR)i, sizes[i] > 64 ? 64 : sizes[i]));
      CHECK(RtlFreeHeap(heap, 0, blocks[i]));
      blocks[i] = NULL;
      continue;
    }
    CHECK(blocks[i]);
    if (!blocks[i])
      return;
    sizes[i] = size;
    memset(blocks[i], (int)i, size);
    if (round % 500 == 0)
      CHECK(RtlValidateHeap(heap, 0, NULL));
  }
  CHECK(RtlValidateHeap(heap, 0, NULL));
  for (ULONG i = 0; i < BLOCKS; i++)
    CHECK(RtlFreeHeap(heap, 0, blocks[i]));
  CHECK(RtlValidateHeap(heap, 0, NULL));
}

static void fixed_heap(void)
{
  PVOID heap = RtlCreateHeap(HEAP_NO_SERIALIZE, NULL, 0x20000, 0x1000, NULL, NULL);
  CHECK(heap);
  CHECK(!RtlAllocateHeap(heap, 0, 0x20000));
  ULONG count = 0;
  while (RtlAllocateHeap(heap, 0, 1000))
    count++;
  CHECK_NUMBER(count > 115 && count < 131, count);
  CHECK(RtlValidateHeap(heap, 0, NULL));
  CHECK(!RtlDestroyHeap(heap));
}

/* Busy blocks are what was allocated; the walk ends with STATUS_NO_MORE_ENTRIES. */
static void walk(void)
{
  PVOID heap = RtlCreateHeap(HEAP_GROWABLE | HEAP_CLASS_1, NULL, 0, 0, NULL, NULL);
  PVOID wanted[3] = {RtlAllocateHeap(heap, 0, 33), RtlAllocateHeap(heap, 0, 500), RtlAllocateHeap(heap, 0, 2 << 20)};
  SIZE_T sizes[3] = {33, 500, 2 << 20};
  RTL_HEAP_WALK_ENTRY entry = {0};
  ULONG busy = 0, found = 0, segments = 0, steps = 0;
  NTSTATUS status;
  while (NT_SUCCESS(status = RtlWalkHeap(heap, &entry)) && steps++ < 100) {
    segments += entry.Flags == RTL_HEAP_SEGMENT;
    if (!(entry.Flags & RTL_HEAP_BUSY))
      continue;
    busy++;
    for (ULONG i = 0; i < 3; i++)
      found += entry.DataAddress == wanted[i] && entry.DataSize == sizes[i];
  }
  CHECK_STATUS(status, STATUS_NO_MORE_ENTRIES);
  CHECK_EQ(busy, 3);
  CHECK_EQ(found, 3);
  CHECK_EQ(segments, 1);
  ULONG count = RtlGetProcessHeaps(0, NULL);
  CHECK(!RtlDestroyHeap(heap));
  CHECK_EQ(RtlGetProcessHeaps(0, NULL), count - 1);
}

static void user_values(PVOID heap)
{
  PVOID value = NULL;
  ULONG flags = 0;
  PVOID block = RtlAllocateHeap(heap, HEAP_SETTABLE_USER_VALUE | 0x200, 24);
  CHECK(RtlSetUserValueHeap(heap, 0, block, (PVOID)0x1234));
  CHECK(RtlSetUserFlagsHeap(heap, 0, block, 0x200, 0x400));
  block = RtlReAllocateHeap(heap, 0, block, 4000);
  CHECK(RtlGetUserInfoHeap(heap, 0, block, &value, &flags));
  CHECK_EQ((ULONG_PTR)value, 0x1234);
  CHECK_EQ(flags, 0x400);
  CHECK(RtlFreeHeap(heap, 0, block));
}

/* The low fragmentation heap: documented not to be had in a heap of fixed size or with debug checks. */
static void information(void)
{
  ULONG low = 2, now = 7;
  SIZE_T length = 0;
  BOOLEAN checks = (NtCurrentPeb()->NtGlobalFlag & FLG_DEBUG_HEAP) != 0;
  PVOID heap = RtlCreateHeap(HEAP_GROWABLE, NULL, 0, 0, NULL, NULL);
  PVOID fixed = RtlCreateHeap(0, NULL, 0x20000, 0, NULL, NULL);
  CHECK_STATUS(RtlQueryHeapInformation(heap, HeapCompatibilityInformation, &now, 2, &length), STATUS_BUFFER_TOO_SMALL);
  CHECK_EQ(length, sizeof now);
  CHECK_STATUS(RtlSetHeapInformation(fixed, HeapCompatibilityInformation, &low, sizeof low), STATUS_UNSUCCESSFUL);
  CHECK_STATUS(RtlSetHeapInformation(heap, HeapCompatibilityInformation, &low, sizeof low),
               checks ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS);
  CHECK_STATUS(RtlQueryHeapInformation(heap, HeapCompatibilityInformation, &now, sizeof now, NULL), STATUS_SUCCESS);
  CHECK_EQ(now, checks ? 0 : 2);
  CHECK(!RtlDestroyHeap(heap) && !RtlDestroyHeap(fixed));
}

void check(void)
{
  PPEB peb = NtCurrentPeb();
  const ULONG *flags = (const ULONG *)((UCHAR *)peb->ProcessHeap + 0x70);
  ULONG wanted = peb->NtGlobalFlag & FLG_DEBUG_HEAP ? 0x40000060 : 0;
  CHECK_EQ(flags[0], wanted | HEAP_GROWABLE);
  CHECK_EQ(flags[1], wanted);
  CHECK(peb->NumberOfHeaps >= 1 && peb->ProcessHeaps[0] == peb->ProcessHeap);
  PVOID heap = RtlCreateHeap(HEAP_GROWABLE, NULL, 0, 0, NULL, NULL);
  CHECK(heap);
  basic(heap);
  basic(peb->ProcessHeap);
  exceptions(heap);
  stress(heap);
  user_values(heap);
  CHECK(!RtlDestroyHeap(heap));
  CHECK(RtlDestroyHeap(peb->ProcessHeap) == peb->ProcessHeap);
  fixed_heap();
  walk();
  information();
}
