/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of heaps and blocks, what happens to a corrupt one, walks, user values. */
#include "heapp.h"

BOOLEAN heap_is(const RTL_HEAP *Heap) { return Heap && Heap->Signature == HEAP_SIGNATURE; }

static BOOLEAN is_block(const HEAP_BLOCK *block)
{
  return !((ULONG_PTR)block & (HEAP_UNIT - 1)) && (block->Flags & (BLOCK_BUSY | BLOCK_LAST)) == BLOCK_BUSY &&
         block->Check == heap_check(block);
}

/* To be read without a filter being set: component 101, level error. */
#define COMPONENT 101u
#define LEVEL 0u

static void complain(const char *format, const void *block, const void *where, SIZE_T size)
{
  const LDR_DATA_TABLE_ENTRY *program =
      CONTAINING_RECORD(NtCurrentPeb()->Ldr->InLoadOrderModuleList.Flink, LDR_DATA_TABLE_ENTRY, InLoadOrderLinks);
  DbgPrintEx(COMPONENT, LEVEL, "HEAP[%wZ]: ", &program->BaseDllName);
  DbgPrintEx(COMPONENT, LEVEL, format, block, where, size);
  if (NtCurrentPeb()->BeingDebugged)
    DbgBreakPoint();
}

BOOLEAN heap_check_block(RTL_HEAP *Heap, HEAP_BLOCK *Block)
{
  if (!is_block(Block))
    return FALSE;
  if (!(Block->Flags & BLOCK_TAIL) || !(Heap->Flags & HEAP_VALIDATE_PARAMETERS_ENABLED))
    return TRUE;
  SIZE_T size = heap_user_size(Block);
  const UCHAR *tail = (const UCHAR *)(Block + 1) + size;
  for (ULONG i = 0; i < HEAP_TAIL_BYTES; i++)
    if (tail[i] != HEAP_TAIL_FILL) {
      complain("Heap block at %p modified at %p past requested size of %Ix\n", Block, tail + i, size);
      return FALSE;
    }
  return TRUE;
}

void heap_report(RTL_HEAP *Heap, PVOID Address)
{
  if (!heap_is(Heap)) {
    if (NtCurrentPeb()->NtGlobalFlag & FLG_DEBUG_HEAP)
      complain("Invalid heap signature for heap at %p\n", Heap, NULL, 0);
    return;
  }
  if (Heap->Flags & HEAP_VALIDATE_PARAMETERS_ENABLED) {
    /* A bad tail was told already. */
    if (!is_block((HEAP_BLOCK *)Address - 1))
      complain("Invalid address specified to RtlFreeHeap( %p, %p )\n", Heap, Address, 0);
    return;
  }
  /* A 64-bit process always ends at heap corruption. */
  EXCEPTION_RECORD record = {.ExceptionCode = (DWORD)STATUS_HEAP_CORRUPTION,
                             .ExceptionFlags = EXCEPTION_NONCONTINUABLE,
                             .NumberParameters = 1};
  record.ExceptionInformation[0] = (ULONG_PTR)Address;
  if (NtCurrentPeb()->BeingDebugged) {
    DbgPrintEx(COMPONENT, LEVEL, "Critical error detected %lx\n", STATUS_HEAP_CORRUPTION);
    DbgBreakPoint();
  }
  RtlRaiseException(&record);
  NtTerminateProcess(NtCurrentProcess(), STATUS_HEAP_CORRUPTION);
}

SIZE_T NTAPI RtlSizeHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress)
{
  HEAP_BLOCK *block = (HEAP_BLOCK *)BaseAddress - 1;
  (void)Flags;
  if (BaseAddress && heap_is(HeapHandle) && is_block(block))
    return heap_user_size(block);
  RtlSetLastWin32ErrorAndNtStatusFromNtStatus(STATUS_INVALID_PARAMETER);
  return (SIZE_T)-1;
}

static BOOLEAN segment_is_good(RTL_HEAP *heap, HEAP_SEGMENT *segment)
{
  ULONG previous = 0;
  if (segment->SegmentSignature != HEAP_SEGMENT_SIGNATURE || segment->Heap != heap)
    return FALSE;
  for (HEAP_BLOCK *block = segment->FirstEntry;; block = heap_next(block)) {
    if (block->Check != heap_check(block) || block->PreviousSize != previous || !block->Size)
      return FALSE;
    if (block == segment->LastValidEntry)
      return (block->Flags & BLOCK_LAST) != 0;
    if (block > segment->LastValidEntry || ((block->Flags & BLOCK_BUSY) && !heap_check_block(heap, block)))
      return FALSE;
    previous = block->Size;
  }
}

BOOLEAN NTAPI RtlValidateHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress)
{
  RTL_HEAP *heap = HeapHandle;
  if (!heap_is(heap))
    return FALSE;
  BOOLEAN good = TRUE;
  heap_lock(heap, Flags);
  if (BaseAddress) {
    good = heap_check_block(heap, (HEAP_BLOCK *)BaseAddress - 1);
  } else {
    for (HEAP_SEGMENT *segment = &heap->Segment; segment && good; segment = segment->Next)
      good = segment_is_good(heap, segment);
    for (HEAP_VIRTUAL *range = heap->VirtualBlocks; range && good; range = range->Next)
      good = heap_check_block(heap, &range->Block);
  }
  heap_unlock(heap, Flags);
  return good;
}

BOOLEAN NTAPI RtlValidateProcessHeaps(void)
{
  PPEB peb = NtCurrentPeb();
  BOOLEAN good = TRUE;
  for (ULONG i = 0; i < peb->NumberOfHeaps; i++)
    good = RtlValidateHeap(peb->ProcessHeaps[i], 0, NULL) && good;
  return good;
}

SIZE_T NTAPI RtlCompactHeap(PVOID HeapHandle, ULONG Flags)
{
  RTL_HEAP *heap = HeapHandle;
  SIZE_T largest = 0;
  if (!heap_is(heap))
    return 0;
  heap_lock(heap, Flags);
  for (ULONG bin = 0; bin < HEAP_BINS; bin++)
    for (HEAP_FREE *free = heap->Bins[bin]; free; free = free->Next)
      if (free->Block.Size > largest)
        largest = free->Block.Size;
  heap_unlock(heap, Flags);
  return largest ? (largest - 1) * HEAP_UNIT : 0;
}

/* ---- walks ---- */

static NTSTATUS tell_block(RTL_HEAP_WALK_ENTRY *entry, HEAP_BLOCK *block)
{
  BOOLEAN busy = block->Flags & BLOCK_BUSY;
  entry->DataAddress = block + 1;
  entry->DataSize = busy ? heap_user_size(block) : (SIZE_T)(block->Size - 1) * HEAP_UNIT;
  entry->OverheadBytes = (UCHAR)(sizeof(HEAP_BLOCK) + (busy ? block->Unused : 0));
  entry->Flags = busy ? RTL_HEAP_BUSY : 0;
  entry->Block.Settable = block->Flags & BLOCK_VALUE ? *(SIZE_T *)(heap_next(block) - 1) : 0;
  return STATUS_SUCCESS;
}

static NTSTATUS tell_segment(RTL_HEAP_WALK_ENTRY *entry, HEAP_SEGMENT *segment)
{
  *entry =
      (RTL_HEAP_WALK_ENTRY){.DataAddress = segment, .Flags = RTL_HEAP_SEGMENT, .SegmentIndex = (UCHAR)segment->Index};
  entry->DataSize = (SIZE_T)((UCHAR *)segment->FirstEntry - (UCHAR *)segment);
  entry->Segment.UnCommittedSize = segment->NumberOfUnCommittedPages << 12;
  entry->Segment.CommittedSize = (segment->NumberOfPages - segment->NumberOfUnCommittedPages) << 12;
  entry->Segment.FirstEntry = segment->FirstEntry;
  entry->Segment.LastEntry = segment->LastValidEntry;
  return STATUS_SUCCESS;
}

static NTSTATUS tell_virtual(RTL_HEAP_WALK_ENTRY *entry, HEAP_VIRTUAL *range)
{
  if (!range)
    return STATUS_NO_MORE_ENTRIES;
  *entry = (RTL_HEAP_WALK_ENTRY){.DataAddress = &range->Block + 1,
                                 .DataSize = range->Bytes,
                                 .Flags = RTL_HEAP_BUSY,
                                 .OverheadBytes = sizeof(*range)};
  return STATUS_SUCCESS;
}

/* What comes behind the last block of a segment: what is not committed, the next segment, the ranges. */
static NTSTATUS tell_end(RTL_HEAP *heap, HEAP_SEGMENT *segment, RTL_HEAP_WALK_ENTRY *entry, BOOLEAN uncommitted)
{
  if (uncommitted && segment->NumberOfUnCommittedPages) {
    *entry = (RTL_HEAP_WALK_ENTRY){.DataAddress = segment->LastValidEntry + 1,
                                   .Flags = RTL_HEAP_UNCOMMITTED_RANGE,
                                   .SegmentIndex = (UCHAR)segment->Index};
    entry->DataSize = (SIZE_T)segment->NumberOfUnCommittedPages << 12;
    return STATUS_SUCCESS;
  }
  return segment->Next ? tell_segment(entry, segment->Next) : tell_virtual(entry, heap->VirtualBlocks);
}

static NTSTATUS walk(RTL_HEAP *heap, RTL_HEAP_WALK_ENTRY *entry)
{
  UCHAR *at = entry->DataAddress;
  if (!at)
    return tell_segment(entry, &heap->Segment);
  for (HEAP_VIRTUAL *range = heap->VirtualBlocks; range; range = range->Next)
    if (at == (UCHAR *)(&range->Block + 1))
      return tell_virtual(entry, range->Next);
  for (HEAP_SEGMENT *segment = &heap->Segment; segment; segment = segment->Next) {
    if (at < (UCHAR *)segment || at >= (UCHAR *)segment + ((SIZE_T)segment->NumberOfPages << 12))
      continue;
    if (entry->Flags & RTL_HEAP_UNCOMMITTED_RANGE)
      return tell_end(heap, segment, entry, FALSE);
    HEAP_BLOCK *next = at == (UCHAR *)segment ? segment->FirstEntry : heap_next((HEAP_BLOCK *)at - 1);
    entry->SegmentIndex = (UCHAR)segment->Index;
    return next >= segment->LastValidEntry ? tell_end(heap, segment, entry, TRUE) : tell_block(entry, next);
  }
  return STATUS_INVALID_PARAMETER;
}

NTSTATUS NTAPI RtlWalkHeap(PVOID HeapHandle, RTL_HEAP_WALK_ENTRY *Entry)
{
  RTL_HEAP *heap = HeapHandle;
  if (!heap_is(heap))
    return STATUS_INVALID_HANDLE;
  heap_lock(heap, 0);
  NTSTATUS status = walk(heap, Entry);
  heap_unlock(heap, 0);
  return status;
}

/* ---- information ---- */

#define LOW_FRAGMENTATION 2u

DWORD NTAPI RtlSetHeapInformation(PVOID HeapHandle, HEAP_INFORMATION_CLASS HeapInformationClass, PVOID HeapInformation,
                                  SIZE_T HeapInformationLength)
{
  RTL_HEAP *heap = HeapHandle;
  if (HeapInformationClass == HeapEnableTerminationOnCorruption)
    return STATUS_SUCCESS; /* it is on */
  if (HeapInformationClass != HeapCompatibilityInformation || !heap_is(heap))
    return (DWORD)STATUS_INVALID_PARAMETER;
  if (HeapInformationLength < sizeof(ULONG))
    return (DWORD)STATUS_BUFFER_TOO_SMALL;
  ULONG wanted = *(const ULONG *)HeapInformation;
  /* The low fragmentation heap is only a mark here; documented: not with a fixed size, without locks or with checks. */
  if (wanted == LOW_FRAGMENTATION && (heap->Flags & HEAP_GROWABLE) && !(heap->Flags & HEAP_NO_SERIALIZE) &&
      !(heap->Flags & HEAP_TAIL_CHECKING_ENABLED))
    heap->CompatibilityInformation = LOW_FRAGMENTATION;
  return heap->CompatibilityInformation == wanted ? STATUS_SUCCESS : (DWORD)STATUS_UNSUCCESSFUL;
}

DWORD NTAPI RtlQueryHeapInformation(PVOID HeapHandle, HEAP_INFORMATION_CLASS HeapInformationClass,
                                    PVOID HeapInformation, SIZE_T HeapInformationLength, PSIZE_T ReturnLength)
{
  const RTL_HEAP *heap = HeapHandle;
  if (HeapInformationClass != HeapCompatibilityInformation || !heap_is(heap))
    return (DWORD)STATUS_INVALID_PARAMETER;
  if (ReturnLength)
    *ReturnLength = sizeof(ULONG);
  if (HeapInformationLength < sizeof(ULONG))
    return (DWORD)STATUS_BUFFER_TOO_SMALL;
  *(ULONG *)HeapInformation = heap->CompatibilityInformation;
  return STATUS_SUCCESS;
}

/* ---- user values ---- */

BOOLEAN NTAPI RtlGetUserInfoHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress, PVOID *UserValue, ULONG *UserFlags)
{
  HEAP_BLOCK *block = (HEAP_BLOCK *)BaseAddress - 1;
  (void)Flags;
  if (!heap_is(HeapHandle) || !is_block(block))
    return FALSE;
  if (UserValue && (block->Flags & BLOCK_VALUE))
    *UserValue = *(PVOID *)(heap_next(block) - 1);
  if (UserFlags)
    *UserFlags = (ULONG)(block->Flags & BLOCK_USER) << BLOCK_USER_SHIFT;
  return TRUE;
}

BOOLEAN NTAPI RtlSetUserValueHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress, PVOID UserValue)
{
  HEAP_BLOCK *block = (HEAP_BLOCK *)BaseAddress - 1;
  (void)Flags;
  if (!heap_is(HeapHandle) || !is_block(block) || !(block->Flags & BLOCK_VALUE))
    return FALSE;
  *(PVOID *)(heap_next(block) - 1) = UserValue;
  return TRUE;
}

BOOLEAN NTAPI RtlSetUserFlagsHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress, ULONG UserFlagsReset,
                                  ULONG UserFlagsSet)
{
  HEAP_BLOCK *block = (HEAP_BLOCK *)BaseAddress - 1;
  (void)Flags;
  if (!heap_is(HeapHandle) || !is_block(block))
    return FALSE;
  ULONG flags = (ULONG)(block->Flags & BLOCK_USER) << BLOCK_USER_SHIFT;
  flags = (flags & ~UserFlagsReset) | (UserFlagsSet & HEAP_SETTABLE_USER_FLAGS);
  block->Flags = (UCHAR)((block->Flags & ~BLOCK_USER) | flags >> BLOCK_USER_SHIFT);
  return TRUE;
}
