/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists that are changed without a lock: depth (16 bits) and sequence (48), then the first entry, in 16 bytes. */
#include "ntdllp.h"

#define DEPTH 0xFFFFull
#define ONE_CHANGE 0x10000ull

static BOOLEAN exchange(SLIST_HEADER *head, ULONG64 *depth, ULONG64 *first, ULONG64 new_depth, ULONG64 new_first)
{
  BOOLEAN done;
  __asm__ volatile("lock cmpxchg16b %1\n\tsete %0"
                   : "=q"(done), "+m"(*(volatile __int128 *)head), "+a"(*depth), "+d"(*first)
                   : "b"(new_depth), "c"(new_first)
                   : "memory", "cc");
  return done;
}

static void load(const SLIST_HEADER *head, ULONG64 *depth, ULONG64 *first)
{
  *depth = ((const volatile ULONG64 *)head)[0];
  *first = ((const volatile ULONG64 *)head)[1];
}

static SLIST_ENTRY *entry_of(ULONG64 first) { return (SLIST_ENTRY *)(first & ~15ull); }

void NTAPI RtlInitializeSListHead(PSLIST_HEADER ListHead)
{
  if ((ULONG_PTR)ListHead & 15)
    RtlRaiseStatus(STATUS_DATATYPE_MISALIGNMENT);
  ((ULONG64 *)ListHead)[0] = ((ULONG64 *)ListHead)[1] = 0;
}

PSLIST_ENTRY NTAPI RtlFirstEntrySList(const SLIST_HEADER *ListHead) { return entry_of(((const ULONG64 *)ListHead)[1]); }

USHORT NTAPI RtlQueryDepthSList(PSLIST_HEADER ListHead) { return (USHORT) * (const volatile ULONG64 *)ListHead; }

PSLIST_ENTRY NTAPI RtlInterlockedPushListSListEx(PSLIST_HEADER ListHead, PSLIST_ENTRY List, PSLIST_ENTRY ListEnd,
                                                 DWORD Count)
{
  ULONG64 depth, first;
  load(ListHead, &depth, &first);
  do {
    ListEnd->Next = entry_of(first);
  } while (
      !exchange(ListHead, &depth, &first, ((depth & ~DEPTH) + ONE_CHANGE) | ((depth + Count) & DEPTH), (ULONG64)List));
  return entry_of(first);
}

PSLIST_ENTRY NTAPI RtlInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry)
{
  return RtlInterlockedPushListSListEx(ListHead, ListEntry, ListEntry, 1);
}

PSLIST_ENTRY NTAPI RtlInterlockedPopEntrySList(PSLIST_HEADER ListHead)
{
  ULONG64 depth, first;
  load(ListHead, &depth, &first);
  do {
    if (!entry_of(first))
      return NULL;
  } while (!exchange(ListHead, &depth, &first, ((depth & ~DEPTH) + ONE_CHANGE) | ((depth - 1) & DEPTH),
                     (ULONG64)entry_of(first)->Next));
  return entry_of(first);
}

PSLIST_ENTRY NTAPI RtlInterlockedFlushSList(PSLIST_HEADER ListHead)
{
  ULONG64 depth, first;
  load(ListHead, &depth, &first);
  do {
    if (!entry_of(first))
      return NULL;
  } while (!exchange(ListHead, &depth, &first, (depth & ~DEPTH) + ONE_CHANGE, 0));
  return entry_of(first);
}
