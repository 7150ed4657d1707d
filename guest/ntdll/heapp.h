/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file heapp.h  The heap, between its files. A heap is a list of segments, reserved address ranges that are committed
 * from their start; a segment is a row of blocks without gaps. Blocks beyond HEAP_VIRTUAL_THRESHOLD are ranges of their
 * own. */
#ifndef GUEST_HEAP_PRIVATE_H
#define GUEST_HEAP_PRIVATE_H

#include "ntdllp.h"

#define HEAP_UNIT 16u         /* sizes of blocks count these */
#define HEAP_MINIMUM_UNITS 2u /* a free block holds its links */
#define HEAP_BINS 96u         /* free lists: one a size below 64 units, then one a power of two */
#define HEAP_VIRTUAL_THRESHOLD 0xFF000u
#define HEAP_SIGNATURE 0xEEFFEEFFu
#define HEAP_SEGMENT_SIGNATURE 0xFFEEFFEEu
#define HEAP_COMMIT_STEP 0x10000u
#define HEAP_TAIL_BYTES 16u /* spec/3.7: AB behind what the caller asked for */
#define HEAP_TAIL_FILL 0xABu
#define HEAP_FREE_FILL 0xFEEEFEEEu
#define HEAP_ALLOCATION_FILL 0xBAADF00Du
/* Flags that a call and its heap both may set. */
#define HEAP_FORCED_FLAGS                                                                                              \
  (HEAP_NO_SERIALIZE | HEAP_GENERATE_EXCEPTIONS | HEAP_ZERO_MEMORY | HEAP_REALLOC_IN_PLACE_ONLY |                      \
   HEAP_TAIL_CHECKING_ENABLED | HEAP_FREE_CHECKING_ENABLED | HEAP_CREATE_ALIGN_16 | HEAP_VALIDATE_ALL_ENABLED |        \
   HEAP_VALIDATE_PARAMETERS_ENABLED)

/** In front of each block. */
typedef struct _HEAP_BLOCK {
  ULONG Size;         /**< units, with this header */
  ULONG PreviousSize; /**< of the block in front; 0: the first of a segment */
  ULONG Check;        /**< of the other fields, so that a header that was overwritten is seen */
  UCHAR Flags;        /**< BLOCK_*, user flags in the high bits */
  UCHAR Unused;       /**< bytes behind what the caller asked for, up to 255 */
  USHORT Reserved;
} HEAP_BLOCK;
NT_ASSERT_SIZE(HEAP_BLOCK, HEAP_UNIT);
#define BLOCK_BUSY 0x1u
#define BLOCK_TAIL 0x2u    /* HEAP_TAIL_FILL lies behind */
#define BLOCK_VALUE 0x4u   /* the last unit holds the user value */
#define BLOCK_VIRTUAL 0x8u /* a range of its own: HEAP_VIRTUAL lies in front */
#define BLOCK_LAST 0x10u   /* end of what is committed of a segment */
#define BLOCK_USER_SHIFT 4 /* HEAP_SETTABLE_USER_FLAGS 0x200-0x800 -> 0x20-0x80 */
#define BLOCK_USER 0xE0u

/** What a free block has behind its header. */
typedef struct _HEAP_FREE {
  HEAP_BLOCK Block;
  struct _HEAP_FREE *Next, *Previous;
} HEAP_FREE;

/** At the start of each segment; the first is the start of the heap. The fields up to Flags lie as in Windows' _HEAP.
 */
typedef struct _HEAP_SEGMENT {
  HEAP_BLOCK Entry;
  ULONG SegmentSignature, SegmentFlags;
  struct _HEAP_SEGMENT *Next, *Unused;
  struct _RTL_HEAP *Heap;
  PVOID BaseAddress;
  ULONG NumberOfPages;
  HEAP_BLOCK *FirstEntry, *LastValidEntry;
  ULONG NumberOfUnCommittedPages, NumberOfUnCommittedRanges;
  ULONG Index, Padding[5];
} HEAP_SEGMENT;
NT_ASSERT_SIZE(HEAP_SEGMENT, 0x70);

/** In front of the header of a block with a range of its own. */
typedef struct _HEAP_VIRTUAL {
  struct _HEAP_VIRTUAL *Next, *Previous;
  SIZE_T Bytes; /**< that the caller asked for */
  SIZE_T Pages;
  HEAP_BLOCK Block;
} HEAP_VIRTUAL;

typedef struct _RTL_HEAP {
  HEAP_SEGMENT Segment;
  ULONG Flags, ForceFlags;
  ULONG CompatibilityInformation;
  UCHAR Unknown7C[0x98 - 0x7C];
  ULONG Signature;
  SIZE_T SegmentReserve;
  HEAP_SEGMENT *LastSegment;
  HEAP_VIRTUAL *VirtualBlocks;
  RTL_CRITICAL_SECTION Lock;
  ULONG64 FullBins[2]; /**< a bit for each list that is not empty */
  HEAP_FREE *Bins[HEAP_BINS];
} RTL_HEAP;
NT_ASSERT_OFFSET(RTL_HEAP, Flags, 0x70);
NT_ASSERT_OFFSET(RTL_HEAP, ForceFlags, 0x74);
NT_ASSERT_OFFSET(RTL_HEAP, Signature, 0x98);

static inline HEAP_BLOCK *heap_next(HEAP_BLOCK *block) { return block + block->Size; }

static inline HEAP_BLOCK *heap_previous(HEAP_BLOCK *block) { return block - block->PreviousSize; }

static inline HEAP_VIRTUAL *heap_virtual(HEAP_BLOCK *block) { return CONTAINING_RECORD(block, HEAP_VIRTUAL, Block); }

static inline ULONG heap_check(const HEAP_BLOCK *block)
{
  return (block->Size ^ block->PreviousSize * 0x10001u ^ (block->Flags & ~BLOCK_USER) * 0x1010101u) + 0x5EA15EA1u;
}

static inline void heap_seal(HEAP_BLOCK *block) { block->Check = heap_check(block); }

/* ---- heap_segment.c: with the heap's lock held ---- */
/** A heap in a segment of its own. NULL: no memory. */
RTL_HEAP *heap_make(ULONG Flags, SIZE_T Reserve, SIZE_T Commit);
/** Takes Units or a few more out of the free blocks, growing the heap if there are none; not marked busy. */
HEAP_BLOCK *heap_take(RTL_HEAP *Heap, ULONG Units);
/** Makes a block free, with what is free beside it. */
void heap_give(RTL_HEAP *Heap, HEAP_BLOCK *Block);
/** Gives back what a busy block has beyond Units. */
void heap_trim(RTL_HEAP *Heap, HEAP_BLOCK *Block, ULONG Units);
/** Extends a busy block over the free one behind it. */
BOOLEAN heap_extend(RTL_HEAP *Heap, HEAP_BLOCK *Block, ULONG Units);
/** A block with a range of its own. */
HEAP_BLOCK *heap_take_virtual(RTL_HEAP *Heap, SIZE_T Bytes, SIZE_T Size);
void heap_give_virtual(RTL_HEAP *Heap, HEAP_BLOCK *Block);
void heap_release(PVOID Base);

/* ---- heap_check.c ---- */
/** True if this is a heap. */
BOOLEAN heap_is(const RTL_HEAP *Heap);
/** True if a busy block of ours is there and its tail is whole. Complains otherwise: a line and a breakpoint under a
 *  debugger. */
BOOLEAN heap_check_block(RTL_HEAP *Heap, HEAP_BLOCK *Block);
/** What Windows does with a block that is none: STATUS_HEAP_CORRUPTION, or a complaint if parameters are validated. */
void heap_report(RTL_HEAP *Heap, PVOID Address);

/* ---- heap.c ---- */
/** Bytes that the caller asked for. */
SIZE_T heap_user_size(const HEAP_BLOCK *Block);
void heap_lock(RTL_HEAP *Heap, ULONG Flags);
void heap_unlock(RTL_HEAP *Heap, ULONG Flags);

#endif
