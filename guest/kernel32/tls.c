/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thread local storage by index: 64 slots in the TEB, 1,024 behind a pointer of it. */
#include "kernel32p.h"

#define SLOTS 64u
#define EXPANSION_SLOTS 1024u
#define ThreadZeroTlsCell 10u

static BOOLEAN is_allocated(DWORD index)
{
  PPEB peb = NtCurrentPeb();
  if (index < SLOTS)
    return (peb->TlsBitmapBits[index / 32] >> index % 32) & 1;
  index -= SLOTS;
  return index < EXPANSION_SLOTS && (peb->TlsExpansionBitmapBits[index / 32] >> index % 32) & 1;
}

/* Takes the first free bit; -1: there is none. */
static LONG take(ULONG *bits, ULONG count)
{
  for (ULONG i = 0; i < count; i++) {
    ULONG mask = 1u << i % 32;
    if (!(__atomic_fetch_or(&bits[i / 32], mask, __ATOMIC_ACQ_REL) & mask))
      return (LONG)i;
  }
  return -1;
}

static PVOID *slot_of(DWORD index, BOOLEAN make)
{
  PTEB teb = NtCurrentTeb();
  if (index < SLOTS)
    return &teb->TlsSlots[index];
  if (!teb->TlsExpansionSlots && make)
    teb->TlsExpansionSlots =
        RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, HEAP_ZERO_MEMORY, EXPANSION_SLOTS * sizeof(PVOID));
  return teb->TlsExpansionSlots ? &teb->TlsExpansionSlots[index - SLOTS] : NULL;
}

DWORD WINAPI TlsAlloc(void)
{
  PPEB peb = NtCurrentPeb();
  LONG index;
  /* Index 0 is never given away. */
  peb->TlsBitmapBits[0] |= 1;
  index = take(peb->TlsBitmapBits, SLOTS);
  if (index < 0) {
    index = take(peb->TlsExpansionBitmapBits, EXPANSION_SLOTS);
    if (index >= 0)
      index += SLOTS;
  }
  PVOID *slot = index < 0 ? NULL : slot_of((DWORD)index, TRUE);
  if (!slot) {
    base_fail(index < 0 ? ERROR_NO_MORE_ITEMS : ERROR_NOT_ENOUGH_MEMORY);
    return TLS_OUT_OF_INDEXES;
  }
  *slot = NULL;
  return (DWORD)index;
}

BOOL WINAPI TlsFree(DWORD index)
{
  PPEB peb = NtCurrentPeb();
  ULONG cell = index;
  if (!index || !is_allocated(index))
    return base_fail(ERROR_INVALID_PARAMETER);
  NtSetInformationThread(NtCurrentThread(), ThreadZeroTlsCell, &cell, sizeof cell);
  ULONG *bits = index < SLOTS ? peb->TlsBitmapBits : peb->TlsExpansionBitmapBits;
  DWORD bit = index < SLOTS ? index : index - SLOTS;
  __atomic_fetch_and(&bits[bit / 32], ~(1u << bit % 32), __ATOMIC_ACQ_REL);
  return TRUE;
}

LPVOID WINAPI TlsGetValue(DWORD index)
{
  if (index >= SLOTS + EXPANSION_SLOTS) {
    base_fail(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  NtCurrentTeb()->LastErrorValue = ERROR_SUCCESS;
  PVOID *slot = slot_of(index, FALSE);
  return slot ? *slot : NULL;
}

BOOL WINAPI TlsSetValue(DWORD index, LPVOID value)
{
  if (index >= SLOTS + EXPANSION_SLOTS)
    return base_fail(ERROR_INVALID_PARAMETER);
  PVOID *slot = slot_of(index, TRUE);
  if (!slot)
    return base_fail(ERROR_NOT_ENOUGH_MEMORY);
  *slot = value;
  return TRUE;
}
