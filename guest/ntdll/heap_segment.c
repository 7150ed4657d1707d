/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segments of a heap and the free blocks in them. */
#include "heapp.h"

static ULONG bin_of(ULONG units) { return units < 64 ? units : 64u + (31u - (ULONG)__builtin_clz(units)) - 6u; }

static void insert_free(RTL_HEAP *heap, HEAP_BLOCK *block)
{
  HEAP_FREE *free = (HEAP_FREE *)block;
  ULONG bin = bin_of(block->Size);
  block->Flags = 0;
  heap_seal(block);
  free->Previous = NULL;
  free->Next = heap->Bins[bin];
  if (free->Next)
    free->Next->Previous = free;
  heap->Bins[bin] = free;
  heap->FullBins[bin / 64] |= 1ull << bin % 64;
}

static void remove_free(RTL_HEAP *heap, HEAP_BLOCK *block)
{
  HEAP_FREE *free = (HEAP_FREE *)block;
  ULONG bin = bin_of(block->Size);
  if (free->Next)
    free->Next->Previous = free->Previous;
  if (free->Previous) {
    free->Previous->Next = free->Next;
    return;
  }
  heap->Bins[bin] = free->Next;
  if (!free->Next)
    heap->FullBins[bin / 64] &= ~(1ull << bin % 64);
}

static void set_previous(HEAP_BLOCK *block, ULONG units)
{
  block->PreviousSize = units;
  heap_seal(block);
}

/* Makes a block of size units; the next one is told. */
static void set_size(HEAP_BLOCK *block, ULONG units)
{
  block->Size = units;
  heap_seal(block);
  set_previous(heap_next(block), units);
}

static NTSTATUS commit(PVOID base, SIZE_T size, ULONG heap_flags)
{
  ULONG protection = heap_flags & HEAP_CREATE_ENABLE_EXECUTE ? PAGE_EXECUTE_READWRITE : PAGE_READWRITE;
  return NtAllocateVirtualMemory(NtCurrentProcess(), &base, 0, &size, MEM_COMMIT, protection);
}

/* The committed part of a segment behind its header becomes one free block and the end mark. */
static void make_first_block(RTL_HEAP *heap, HEAP_SEGMENT *segment, SIZE_T header, SIZE_T committed)
{
  header = (header + HEAP_UNIT - 1) & ~(SIZE_T)(HEAP_UNIT - 1);
  HEAP_BLOCK *first = (HEAP_BLOCK *)((UCHAR *)segment + header);
  segment->FirstEntry = first;
  segment->LastValidEntry = (HEAP_BLOCK *)((UCHAR *)segment + committed) - 1;
  segment->LastValidEntry->Size = 1;
  segment->LastValidEntry->Flags = BLOCK_BUSY | BLOCK_LAST;
  set_size(first, (ULONG)(segment->LastValidEntry - first));
  insert_free(heap, first);
}

static HEAP_SEGMENT *reserve_segment(ULONG flags, SIZE_T reserve, SIZE_T committed)
{
  PVOID base = NULL;
  ULONG protection = flags & HEAP_CREATE_ENABLE_EXECUTE ? PAGE_EXECUTE_READWRITE : PAGE_READWRITE;
  if (!NT_SUCCESS(NtAllocateVirtualMemory(NtCurrentProcess(), &base, 0, &reserve, MEM_RESERVE, protection)))
    return NULL;
  if (!NT_SUCCESS(commit(base, committed, flags))) {
    heap_release(base);
    return NULL;
  }
  HEAP_SEGMENT *segment = base;
  segment->SegmentSignature = HEAP_SEGMENT_SIGNATURE;
  segment->BaseAddress = base;
  segment->NumberOfPages = (ULONG)(reserve >> 12);
  segment->NumberOfUnCommittedPages = (ULONG)((reserve - committed) >> 12);
  segment->NumberOfUnCommittedRanges = reserve > committed;
  return segment;
}

void heap_release(PVOID Base)
{
  SIZE_T size = 0;
  NtFreeVirtualMemory(NtCurrentProcess(), &Base, &size, MEM_RELEASE);
}

static SIZE_T round_up(SIZE_T size, SIZE_T step) { return (size + step - 1) & ~(step - 1); }

RTL_HEAP *heap_make(ULONG Flags, SIZE_T Reserve, SIZE_T Commit)
{
  Commit = round_up(Commit > HEAP_COMMIT_STEP ? Commit : HEAP_COMMIT_STEP, 0x1000);
  Reserve = round_up(Reserve > Commit ? Reserve : Commit, 0x1000);
  RTL_HEAP *heap = (RTL_HEAP *)reserve_segment(Flags, Reserve, Commit);
  if (!heap)
    return NULL;
  heap->Flags = Flags;
  heap->ForceFlags = Flags & HEAP_FORCED_FLAGS;
  heap->Signature = HEAP_SIGNATURE;
  heap->SegmentReserve = Reserve;
  heap->LastSegment = &heap->Segment;
  heap->Segment.Heap = heap;
  RtlInitializeCriticalSection(&heap->Lock);
  make_first_block(heap, &heap->Segment, sizeof(RTL_HEAP), Commit);
  return heap;
}

/* Commits more of a segment: its end mark becomes the start of a free block. */
static BOOLEAN grow_segment(RTL_HEAP *heap, HEAP_SEGMENT *segment, ULONG units)
{
  SIZE_T room = (SIZE_T)segment->NumberOfUnCommittedPages << 12;
  SIZE_T bytes = round_up((SIZE_T)units * HEAP_UNIT, HEAP_COMMIT_STEP);
  HEAP_BLOCK *last = segment->LastValidEntry;
  if ((SIZE_T)units * HEAP_UNIT > room)
    return FALSE;
  bytes = bytes < room ? bytes : room;
  if (!NT_SUCCESS(commit(last + 1, bytes, heap->Flags)))
    return FALSE;
  segment->NumberOfUnCommittedPages -= (ULONG)(bytes >> 12);
  segment->NumberOfUnCommittedRanges = segment->NumberOfUnCommittedPages != 0;
  segment->LastValidEntry = last + bytes / HEAP_UNIT;
  segment->LastValidEntry->Size = 1;
  segment->LastValidEntry->Flags = BLOCK_BUSY | BLOCK_LAST;
  last->Flags = BLOCK_BUSY;
  set_size(last, (ULONG)(bytes / HEAP_UNIT));
  heap_give(heap, last);
  return TRUE;
}

static BOOLEAN add_segment(RTL_HEAP *heap, ULONG units)
{
  SIZE_T needed = round_up((SIZE_T)units * HEAP_UNIT + sizeof(HEAP_SEGMENT) + HEAP_UNIT, HEAP_COMMIT_STEP);
  SIZE_T reserve = heap->SegmentReserve > 0x100000 ? heap->SegmentReserve : 0x100000;
  if (!(heap->Flags & HEAP_GROWABLE))
    return FALSE;
  HEAP_SEGMENT *segment = reserve_segment(heap->Flags, reserve > needed ? reserve : needed, needed);
  if (!segment)
    return FALSE;
  /* Each segment is twice as large as the one before, up to 16 MB. */
  if (heap->SegmentReserve < 0x1000000)
    heap->SegmentReserve *= 2;
  segment->Heap = heap;
  segment->Index = heap->LastSegment->Index + 1;
  heap->LastSegment->Next = segment;
  heap->LastSegment = segment;
  make_first_block(heap, segment, sizeof(HEAP_SEGMENT), needed);
  return TRUE;
}

static HEAP_BLOCK *find_free(RTL_HEAP *heap, ULONG units)
{
  ULONG bin = bin_of(units);
  /* The list of a power of two has smaller ones too. */
  if (bin >= 64) {
    for (HEAP_FREE *free = heap->Bins[bin]; free; free = free->Next)
      if (free->Block.Size >= units)
        return &free->Block;
    bin++;
  }
  ULONG64 low = bin < 64 ? heap->FullBins[0] >> bin << bin : 0;
  if (low)
    return &heap->Bins[__builtin_ctzll(low)]->Block;
  ULONG64 high = heap->FullBins[1];
  if (bin > 64)
    high = high >> (bin - 64) << (bin - 64);
  return high ? &heap->Bins[64 + __builtin_ctzll(high)]->Block : NULL;
}

static BOOLEAN grow(RTL_HEAP *heap, ULONG units)
{
  for (HEAP_SEGMENT *segment = &heap->Segment; segment; segment = segment->Next)
    if (segment->NumberOfUnCommittedPages && grow_segment(heap, segment, units))
      return TRUE;
  return add_segment(heap, units);
}

HEAP_BLOCK *heap_take(RTL_HEAP *Heap, ULONG Units)
{
  HEAP_BLOCK *block = find_free(Heap, Units);
  if (!block && grow(Heap, Units))
    block = find_free(Heap, Units);
  if (!block)
    return NULL;
  remove_free(Heap, block);
  block->Flags = BLOCK_BUSY;
  heap_trim(Heap, block, Units);
  return block;
}

void heap_trim(RTL_HEAP *Heap, HEAP_BLOCK *Block, ULONG Units)
{
  if (Block->Size < Units + HEAP_MINIMUM_UNITS)
    return;
  ULONG rest = Block->Size - Units;
  HEAP_BLOCK *other = Block + Units;
  other->Flags = BLOCK_BUSY;
  other->Size = rest;
  set_size(Block, Units);
  set_size(other, rest);
  heap_give(Heap, other);
}

BOOLEAN heap_extend(RTL_HEAP *Heap, HEAP_BLOCK *Block, ULONG Units)
{
  HEAP_BLOCK *next = heap_next(Block);
  if ((next->Flags & BLOCK_BUSY) || Block->Size + next->Size < Units)
    return FALSE;
  remove_free(Heap, next);
  set_size(Block, Block->Size + next->Size);
  heap_trim(Heap, Block, Units);
  return TRUE;
}

void heap_give(RTL_HEAP *Heap, HEAP_BLOCK *Block)
{
  HEAP_BLOCK *next = heap_next(Block);
  ULONG units = Block->Size;
  if (!(next->Flags & BLOCK_BUSY)) {
    remove_free(Heap, next);
    units += next->Size;
  }
  if (Block->PreviousSize && !(heap_previous(Block)->Flags & BLOCK_BUSY)) {
    Block = heap_previous(Block);
    remove_free(Heap, Block);
    units += Block->Size;
  }
  Block->Flags = 0;
  set_size(Block, units);
  insert_free(Heap, Block);
  if (Heap->Flags & HEAP_FREE_CHECKING_ENABLED) {
    ULONG *fill = (ULONG *)((HEAP_FREE *)Block + 1), *end = (ULONG *)(Block + units);
    while (fill < end)
      *fill++ = HEAP_FREE_FILL;
  }
}

HEAP_BLOCK *heap_take_virtual(RTL_HEAP *Heap, SIZE_T Bytes, SIZE_T Size)
{
  PVOID base = NULL;
  SIZE_T size = round_up(Size + sizeof(HEAP_VIRTUAL), 0x1000);
  ULONG protection = Heap->Flags & HEAP_CREATE_ENABLE_EXECUTE ? PAGE_EXECUTE_READWRITE : PAGE_READWRITE;
  if (!(Heap->Flags & HEAP_GROWABLE) || size < Size ||
      !NT_SUCCESS(NtAllocateVirtualMemory(NtCurrentProcess(), &base, 0, &size, MEM_RESERVE | MEM_COMMIT, protection)))
    return NULL;
  HEAP_VIRTUAL *block = base;
  block->Next = Heap->VirtualBlocks;
  if (block->Next)
    block->Next->Previous = block;
  Heap->VirtualBlocks = block;
  block->Bytes = Bytes;
  block->Pages = size >> 12;
  block->Block.Flags = BLOCK_BUSY | BLOCK_VIRTUAL;
  heap_seal(&block->Block);
  return &block->Block;
}

void heap_give_virtual(RTL_HEAP *Heap, HEAP_BLOCK *Block)
{
  HEAP_VIRTUAL *block = heap_virtual(Block);
  if (block->Next)
    block->Next->Previous = block->Previous;
  if (block->Previous)
    block->Previous->Next = block->Next;
  else
    Heap->VirtualBlocks = block->Next;
  heap_release(block);
}
