/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocation from heaps, and the list of a process's heaps. */
#include "heapp.h"

/* Guarded by heaps_lock. */
static PVOID heaps[64];
static RTL_CRITICAL_SECTION heaps_lock = {.DebugInfo = (PVOID)-1, .LockCount = -1};

static ULONG debug_flags(void)
{
  ULONG global = NtCurrentPeb()->NtGlobalFlag;
  return (global & 0x30) << 1 | (global & 0x40 ? HEAP_VALIDATE_PARAMETERS_ENABLED : 0) |
         (global & 0x80 ? HEAP_VALIDATE_ALL_ENABLED : 0);
}

NTSTATUS RtlpInitializeProcess(PPEB Peb)
{
  RtlpInitializePebLock(Peb);
  Peb->ProcessHeaps = heaps;
  Peb->MaximumNumberOfHeaps = ARRAYSIZE(heaps);
  Peb->ProcessHeap = RtlCreateHeap(HEAP_GROWABLE, NULL, 0, 0, NULL, NULL);
  return Peb->ProcessHeap ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

PVOID NTAPI RtlCreateHeap(ULONG Flags, PVOID HeapBase, SIZE_T ReserveSize, SIZE_T CommitSize, PVOID Lock,
                          PVOID Parameters)
{
  PPEB peb = NtCurrentPeb();
  (void)Lock, (void)Parameters;
  if (HeapBase)
    return NULL;
  if (!ReserveSize)
    ReserveSize = peb->HeapSegmentReserve ? peb->HeapSegmentReserve : 0x100000;
  RTL_HEAP *heap = heap_make(Flags | debug_flags(), ReserveSize, CommitSize);
  if (!heap)
    return NULL;
  RtlEnterCriticalSection(&heaps_lock);
  BOOLEAN listed = peb->NumberOfHeaps < peb->MaximumNumberOfHeaps;
  if (listed)
    peb->ProcessHeaps[peb->NumberOfHeaps++] = heap;
  RtlLeaveCriticalSection(&heaps_lock);
  if (listed)
    return heap;
  heap_release(heap);
  return NULL;
}

static void forget_heap(RTL_HEAP *heap)
{
  PPEB peb = NtCurrentPeb();
  RtlEnterCriticalSection(&heaps_lock);
  for (ULONG i = 0, kept = 0, count = peb->NumberOfHeaps; i < count; i++) {
    if (peb->ProcessHeaps[i] != heap)
      peb->ProcessHeaps[kept++] = peb->ProcessHeaps[i];
    peb->NumberOfHeaps = kept;
  }
  RtlLeaveCriticalSection(&heaps_lock);
}

PVOID NTAPI RtlDestroyHeap(PVOID HeapHandle)
{
  RTL_HEAP *heap = HeapHandle;
  if (!heap || heap == NtCurrentPeb()->ProcessHeap || !heap_is(heap))
    return HeapHandle;
  forget_heap(heap);
  while (heap->VirtualBlocks)
    heap_give_virtual(heap, &heap->VirtualBlocks->Block);
  RtlDeleteCriticalSection(&heap->Lock);
  for (HEAP_SEGMENT *segment = heap->Segment.Next; segment;) {
    HEAP_SEGMENT *next = segment->Next;
    heap_release(segment);
    segment = next;
  }
  heap_release(heap);
  return NULL;
}

ULONG NTAPI RtlGetProcessHeaps(ULONG Count, PVOID *Heaps)
{
  PPEB peb = NtCurrentPeb();
  RtlEnterCriticalSection(&heaps_lock);
  ULONG number = peb->NumberOfHeaps;
  for (ULONG i = 0; i < number && i < Count; i++)
    Heaps[i] = peb->ProcessHeaps[i];
  RtlLeaveCriticalSection(&heaps_lock);
  return number;
}

void heap_lock(RTL_HEAP *Heap, ULONG Flags)
{
  if (!((Flags | Heap->ForceFlags) & HEAP_NO_SERIALIZE))
    RtlEnterCriticalSection(&Heap->Lock);
}

void heap_unlock(RTL_HEAP *Heap, ULONG Flags)
{
  if (!((Flags | Heap->ForceFlags) & HEAP_NO_SERIALIZE))
    RtlLeaveCriticalSection(&Heap->Lock);
}

BOOLEAN NTAPI RtlLockHeap(PVOID HeapHandle)
{
  heap_lock(HeapHandle, 0);
  return TRUE;
}

BOOLEAN NTAPI RtlUnlockHeap(PVOID HeapHandle)
{
  heap_unlock(HeapHandle, 0);
  return TRUE;
}

SIZE_T heap_user_size(const HEAP_BLOCK *Block)
{
  if (Block->Flags & BLOCK_VIRTUAL)
    return CONTAINING_RECORD(Block, HEAP_VIRTUAL, Block)->Bytes;
  return (SIZE_T)(Block->Size - 1) * HEAP_UNIT - Block->Unused;
}

/* Bytes of a block with what is kept behind the caller's. */
static SIZE_T full_size(const RTL_HEAP *heap, ULONG flags, SIZE_T size)
{
  SIZE_T extra = (heap->Flags & HEAP_TAIL_CHECKING_ENABLED ? HEAP_TAIL_BYTES : 0) +
                 (flags & HEAP_SETTABLE_USER_VALUE ? HEAP_UNIT : 0);
  SIZE_T full = ((size ? size : 1) + extra + sizeof(HEAP_BLOCK) + HEAP_UNIT - 1) & ~(SIZE_T)(HEAP_UNIT - 1);
  return full < size ? 0 : full;
}

/* What lies behind the caller's bytes. */
static void finish_block(RTL_HEAP *heap, HEAP_BLOCK *block, ULONG flags, SIZE_T size)
{
  if (block->Flags & BLOCK_VIRTUAL)
    return;
  block->Unused = (UCHAR)((SIZE_T)(block->Size - 1) * HEAP_UNIT - size);
  block->Flags |= (UCHAR)((flags & HEAP_SETTABLE_USER_FLAGS) >> BLOCK_USER_SHIFT);
  if (flags & HEAP_SETTABLE_USER_VALUE) {
    block->Flags |= BLOCK_VALUE;
    *(PVOID *)(heap_next(block) - 1) = NULL;
  }
  if (heap->Flags & HEAP_TAIL_CHECKING_ENABLED) {
    block->Flags |= BLOCK_TAIL;
    memset((UCHAR *)(block + 1) + size, HEAP_TAIL_FILL, HEAP_TAIL_BYTES);
  }
  heap_seal(block);
}

/* New bytes of a block. */
static void fill_block(RTL_HEAP *heap, ULONG flags, UCHAR *bytes, SIZE_T from, SIZE_T to)
{
  if (flags & HEAP_ZERO_MEMORY)
    memset(bytes + from, 0, to - from);
  else if (heap->Flags & HEAP_FREE_CHECKING_ENABLED)
    for (from = (from + 3) & ~(SIZE_T)3; from + 4 <= to; from += 4)
      *(ULONG *)(bytes + from) = HEAP_ALLOCATION_FILL;
}

static HEAP_BLOCK *allocate(RTL_HEAP *heap, ULONG flags, SIZE_T size)
{
  SIZE_T full = full_size(heap, flags, size);
  HEAP_BLOCK *block = NULL;
  if (full > HEAP_VIRTUAL_THRESHOLD)
    block = heap_take_virtual(heap, size, full);
  else if (full)
    block = heap_take(heap, (ULONG)(full / HEAP_UNIT));
  if (!block)
    return NULL;
  finish_block(heap, block, flags, size);
  return block;
}

static PVOID no_memory(ULONG flags, SIZE_T size)
{
  if (flags & HEAP_GENERATE_EXCEPTIONS) {
    EXCEPTION_RECORD record = {.ExceptionCode = (DWORD)STATUS_NO_MEMORY, .NumberParameters = 1};
    record.ExceptionInformation[0] = size;
    RtlRaiseException(&record);
  }
  RtlSetLastWin32ErrorAndNtStatusFromNtStatus(STATUS_NO_MEMORY);
  return NULL;
}

PVOID NTAPI RtlAllocateHeap(PVOID HeapHandle, ULONG Flags, SIZE_T Size)
{
  RTL_HEAP *heap = HeapHandle;
  if (!heap_is(heap))
    return NULL;
  Flags |= heap->ForceFlags;
  heap_lock(heap, Flags);
  HEAP_BLOCK *block = allocate(heap, Flags, Size);
  heap_unlock(heap, Flags);
  if (!block)
    return no_memory(Flags, Size);
  /* A fresh range is zero already. */
  if (!(block->Flags & BLOCK_VIRTUAL))
    fill_block(heap, Flags, (UCHAR *)(block + 1), 0, Size);
  return block + 1;
}

static BOOLEAN refuse(RTL_HEAP *heap, PVOID address)
{
  heap_report(heap, address);
  RtlSetLastWin32ErrorAndNtStatusFromNtStatus(STATUS_INVALID_PARAMETER);
  return FALSE;
}

BOOLEAN NTAPI RtlFreeHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress)
{
  RTL_HEAP *heap = HeapHandle;
  HEAP_BLOCK *block = (HEAP_BLOCK *)BaseAddress - 1;
  if (!BaseAddress)
    return TRUE;
  if (!heap_is(heap))
    return refuse(heap, BaseAddress);
  heap_lock(heap, Flags);
  BOOLEAN good = heap_check_block(heap, block);
  if (good && (block->Flags & BLOCK_VIRTUAL))
    heap_give_virtual(heap, block);
  else if (good)
    heap_give(heap, block);
  heap_unlock(heap, Flags);
  return good ? TRUE : refuse(heap, BaseAddress);
}

/* Changes the size of a block where it is. */
static BOOLEAN resize_in_place(RTL_HEAP *heap, HEAP_BLOCK *block, ULONG flags, SIZE_T size)
{
  SIZE_T full = full_size(heap, flags, size);
  ULONG units = (ULONG)(full / HEAP_UNIT);
  if (block->Flags & BLOCK_VIRTUAL) {
    HEAP_VIRTUAL *range = heap_virtual(block);
    if (!full || full <= HEAP_VIRTUAL_THRESHOLD || full + sizeof(HEAP_VIRTUAL) > range->Pages << 12)
      return FALSE;
    range->Bytes = size;
    return TRUE;
  }
  if (!full || full > HEAP_VIRTUAL_THRESHOLD)
    return FALSE;
  PVOID value = block->Flags & BLOCK_VALUE ? *(PVOID *)(heap_next(block) - 1) : NULL;
  if (units > block->Size && !heap_extend(heap, block, units))
    return FALSE;
  heap_trim(heap, block, units);
  finish_block(heap, block, flags, size);
  if (block->Flags & BLOCK_VALUE)
    *(PVOID *)(heap_next(block) - 1) = value;
  return TRUE;
}

static HEAP_BLOCK *move_block(RTL_HEAP *heap, HEAP_BLOCK *block, ULONG flags, SIZE_T old_size, SIZE_T size)
{
  HEAP_BLOCK *other = allocate(heap, flags, size);
  if (!other)
    return NULL;
  memcpy(other + 1, block + 1, old_size < size ? old_size : size);
  if ((block->Flags & BLOCK_VALUE) && (other->Flags & BLOCK_VALUE))
    *(PVOID *)(heap_next(other) - 1) = *(PVOID *)(heap_next(block) - 1);
  if (block->Flags & BLOCK_VIRTUAL)
    heap_give_virtual(heap, block);
  else
    heap_give(heap, block);
  return other;
}

PVOID NTAPI RtlReAllocateHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress, SIZE_T Size)
{
  RTL_HEAP *heap = HeapHandle;
  HEAP_BLOCK *block = (HEAP_BLOCK *)BaseAddress - 1;
  SIZE_T old_size = 0;
  if (!BaseAddress || !heap_is(heap)) {
    RtlSetLastWin32ErrorAndNtStatusFromNtStatus(STATUS_INVALID_PARAMETER);
    return NULL;
  }
  Flags |= heap->ForceFlags;
  heap_lock(heap, Flags);
  BOOLEAN good = heap_check_block(heap, block);
  if (good) {
    old_size = heap_user_size(block);
    /* A block keeps its value and flags unless the call gives others. */
    ULONG kept = Flags | (block->Flags & BLOCK_VALUE ? HEAP_SETTABLE_USER_VALUE : 0) |
                 (ULONG)(block->Flags & BLOCK_USER) << BLOCK_USER_SHIFT;
    if (!resize_in_place(heap, block, kept, Size))
      block = Flags & HEAP_REALLOC_IN_PLACE_ONLY ? NULL : move_block(heap, block, kept, old_size, Size);
  }
  heap_unlock(heap, Flags);
  if (!good) {
    refuse(heap, BaseAddress);
    return NULL;
  }
  if (!block)
    return no_memory(Flags, Size);
  if (Size > old_size)
    fill_block(heap, Flags, (UCHAR *)(block + 1), old_size, Size);
  return block + 1;
}
