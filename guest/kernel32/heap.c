/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Heaps: what is not ntdll's alone. */
#include "kernel32p.h"

HANDLE WINAPI GetProcessHeap(void) { return NtCurrentPeb()->ProcessHeap; }
DWORD WINAPI GetProcessHeaps(DWORD count, HANDLE *heaps) { return RtlGetProcessHeaps(count, heaps); }

HANDLE WINAPI HeapCreate(DWORD flags, SIZE_T initial, SIZE_T maximum)
{
  flags &= HEAP_GENERATE_EXCEPTIONS | HEAP_NO_SERIALIZE | HEAP_CREATE_ENABLE_EXECUTE;
  flags |= HEAP_CLASS_1 | (maximum ? 0u : HEAP_GROWABLE);
  if (maximum && maximum < initial)
    maximum = initial;
  HANDLE heap = RtlCreateHeap(flags, NULL, maximum, initial, NULL, NULL);
  if (!heap)
    base_fail(ERROR_NOT_ENOUGH_MEMORY);
  return heap;
}

BOOL WINAPI HeapDestroy(HANDLE heap) { return RtlDestroyHeap(heap) ? base_fail(ERROR_INVALID_HANDLE) : TRUE; }
BOOL WINAPI HeapFree(HANDLE heap, DWORD flags, LPVOID block) { return RtlFreeHeap(heap, flags, block) != 0; }
BOOL WINAPI HeapValidate(HANDLE heap, DWORD flags, LPCVOID block) { return RtlValidateHeap(heap, flags, (PVOID)block) != 0; }
BOOL WINAPI HeapLock(HANDLE heap) { return RtlLockHeap(heap) != 0; }
BOOL WINAPI HeapUnlock(HANDLE heap) { return RtlUnlockHeap(heap) != 0; }
SIZE_T WINAPI HeapCompact(HANDLE heap, DWORD flags) { return RtlCompactHeap(heap, flags); }

BOOL WINAPI HeapSetInformation(HANDLE heap, HEAP_INFORMATION_CLASS what, PVOID information, SIZE_T size)
{
  (void)heap;
  if (what == HeapEnableTerminationOnCorruption)
    return TRUE;
  /* The standard heap, or the low fragmentation heap, which is a matter of speed. */
  if (what == HeapCompatibilityInformation)
    return size >= sizeof(ULONG) && (*(ULONG *)information == 2 || !*(ULONG *)information)
               ? TRUE
               : base_fail(ERROR_GEN_FAILURE);
  return base_fail(ERROR_INVALID_PARAMETER);
}

BOOL WINAPI HeapQueryInformation(HANDLE heap, HEAP_INFORMATION_CLASS what, PVOID information, SIZE_T size, SIZE_T *length)
{
  (void)heap;
  if (what != HeapCompatibilityInformation)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (length)
    *length = sizeof(ULONG);
  if (size < sizeof(ULONG))
    return base_fail(ERROR_INSUFFICIENT_BUFFER);
  *(ULONG *)information = 0;
  return TRUE;
}

BOOL WINAPI HeapWalk(HANDLE heap, PROCESS_HEAP_ENTRY *entry)
{
  RTL_HEAP_WALK_ENTRY walk;
  memset(&walk, 0, sizeof(walk));
  walk.DataAddress = entry->lpData;
  walk.DataSize = entry->cbData;
  walk.OverheadBytes = entry->cbOverhead;
  walk.SegmentIndex = entry->iRegionIndex;
  walk.Flags = entry->wFlags & PROCESS_HEAP_ENTRY_BUSY          ? RTL_HEAP_BUSY
               : entry->wFlags & PROCESS_HEAP_REGION            ? RTL_HEAP_SEGMENT
               : entry->wFlags & PROCESS_HEAP_UNCOMMITTED_RANGE ? RTL_HEAP_UNCOMMITTED_RANGE
                                                                : 0;
  if (!BaseSetLastNTError(RtlWalkHeap(heap, &walk)))
    return FALSE;
  *entry = (PROCESS_HEAP_ENTRY){.lpData = walk.DataAddress,
                                .cbData = (DWORD)walk.DataSize,
                                .cbOverhead = walk.OverheadBytes,
                                .iRegionIndex = walk.SegmentIndex};
  if (walk.Flags & RTL_HEAP_BUSY) {
    entry->wFlags = PROCESS_HEAP_ENTRY_BUSY;
  } else if (walk.Flags & RTL_HEAP_SEGMENT) {
    entry->wFlags = PROCESS_HEAP_REGION;
    entry->Region.dwCommittedSize = walk.Segment.CommittedSize;
    entry->Region.dwUnCommittedSize = walk.Segment.UnCommittedSize;
    entry->Region.lpFirstBlock = walk.Segment.FirstEntry;
    entry->Region.lpLastBlock = walk.Segment.LastEntry;
  } else if (walk.Flags & RTL_HEAP_UNCOMMITTED_RANGE) {
    entry->wFlags = PROCESS_HEAP_UNCOMMITTED_RANGE;
  }
  return TRUE;
}
