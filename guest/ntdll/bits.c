/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bitmaps: bit i is bit i % 32 of word i / 32. */
#include "ntdllp.h"

void NTAPI RtlInitializeBitMap(RTL_BITMAP *BitMapHeader, ULONG *BitMapBuffer, ULONG SizeOfBitMap)
{
  *BitMapHeader = (RTL_BITMAP){SizeOfBitMap, BitMapBuffer};
}

BOOLEAN NTAPI RtlTestBit(const RTL_BITMAP *BitMapHeader, ULONG BitNumber)
{
  return (BitMapHeader->Buffer[BitNumber / 32] >> BitNumber % 32) & 1;
}

void NTAPI RtlSetBit(RTL_BITMAP *BitMapHeader, ULONG BitNumber)
{
  BitMapHeader->Buffer[BitNumber / 32] |= 1u << BitNumber % 32;
}

void NTAPI RtlClearBit(RTL_BITMAP *BitMapHeader, ULONG BitNumber)
{
  BitMapHeader->Buffer[BitNumber / 32] &= ~(1u << BitNumber % 32);
}

void NTAPI RtlSetBits(RTL_BITMAP *BitMapHeader, ULONG StartingIndex, ULONG NumberToSet)
{
  while (NumberToSet--)
    RtlSetBit(BitMapHeader, StartingIndex++);
}

void NTAPI RtlClearBits(RTL_BITMAP *BitMapHeader, ULONG StartingIndex, ULONG NumberToClear)
{
  while (NumberToClear--)
    RtlClearBit(BitMapHeader, StartingIndex++);
}

void NTAPI RtlSetAllBits(RTL_BITMAP *BitMapHeader)
{
  memset(BitMapHeader->Buffer, 0xFF, (BitMapHeader->SizeOfBitMap + 31) / 32 * 4);
}

void NTAPI RtlClearAllBits(RTL_BITMAP *BitMapHeader)
{
  memset(BitMapHeader->Buffer, 0, (BitMapHeader->SizeOfBitMap + 31) / 32 * 4);
}

static BOOLEAN are(const RTL_BITMAP *map, ULONG start, ULONG length, BOOLEAN set)
{
  if (!length || start >= map->SizeOfBitMap || length > map->SizeOfBitMap - start)
    return FALSE;
  for (ULONG i = 0; i < length; i++)
    if (RtlTestBit(map, start + i) != set)
      return FALSE;
  return TRUE;
}

BOOLEAN NTAPI RtlAreBitsSet(const RTL_BITMAP *BitMapHeader, ULONG StartingIndex, ULONG Length)
{
  return are(BitMapHeader, StartingIndex, Length, TRUE);
}

BOOLEAN NTAPI RtlAreBitsClear(const RTL_BITMAP *BitMapHeader, ULONG StartingIndex, ULONG Length)
{
  return are(BitMapHeader, StartingIndex, Length, FALSE);
}

/* A run within [from, end) whose bits may lie behind end too. */
static ULONG find_run(const RTL_BITMAP *map, ULONG from, ULONG end, ULONG number, BOOLEAN set)
{
  for (ULONG start = from; start < end && number <= map->SizeOfBitMap - start;) {
    ULONG length = 0;
    while (length < number && RtlTestBit(map, start + length) == set)
      length++;
    if (length == number)
      return start;
    start += length + 1;
  }
  return 0xFFFFFFFF;
}

/* From the hint on, then from the start; the hint is rounded down to a multiple of 8. */
static ULONG find(const RTL_BITMAP *map, ULONG number, ULONG hint, BOOLEAN set)
{
  hint = hint < map->SizeOfBitMap ? hint & ~7u : 0;
  if (!number)
    return hint;
  ULONG found = find_run(map, hint, map->SizeOfBitMap, number, set);
  return found == 0xFFFFFFFF && hint ? find_run(map, 0, hint, number, set) : found;
}

ULONG NTAPI RtlFindClearBits(const RTL_BITMAP *BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
  return find(BitMapHeader, NumberToFind, HintIndex, FALSE);
}

ULONG NTAPI RtlFindSetBits(const RTL_BITMAP *BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
  return find(BitMapHeader, NumberToFind, HintIndex, TRUE);
}

ULONG NTAPI RtlFindClearBitsAndSet(RTL_BITMAP *BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
  ULONG start = find(BitMapHeader, NumberToFind, HintIndex, FALSE);
  if (start != 0xFFFFFFFF)
    RtlSetBits(BitMapHeader, start, NumberToFind);
  return start;
}

ULONG NTAPI RtlFindSetBitsAndClear(RTL_BITMAP *BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
  ULONG start = find(BitMapHeader, NumberToFind, HintIndex, TRUE);
  if (start != 0xFFFFFFFF)
    RtlClearBits(BitMapHeader, start, NumberToFind);
  return start;
}

ULONG NTAPI RtlNumberOfSetBits(const RTL_BITMAP *BitMapHeader)
{
  ULONG count = 0;
  for (ULONG i = 0; i < BitMapHeader->SizeOfBitMap; i++)
    count += RtlTestBit(BitMapHeader, i);
  return count;
}

ULONG NTAPI RtlNumberOfClearBits(const RTL_BITMAP *BitMapHeader)
{
  return BitMapHeader->SizeOfBitMap - RtlNumberOfSetBits(BitMapHeader);
}
