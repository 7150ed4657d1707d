/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Heaps, local and global memory, locks of user mode. */
#include "check.h"

static void heaps(void)
{
  HANDLE heap = HeapCreate(0, 0x1000, 0x10000), all[16];
  CHECK(heap && GetProcessHeap() && heap != GetProcessHeap());
  CHECK(GetProcessHeaps(16, all) >= 2);
  char *block = HeapAlloc(heap, HEAP_ZERO_MEMORY, 100);
  CHECK(block && ((ULONG_PTR)block & 15) == 0 && block[0] == 0 && block[99] == 0);
  CHECK(HeapSize(heap, 0, block) == 100);
  block[99] = 'x';
  block = HeapReAlloc(heap, HEAP_ZERO_MEMORY, block, 3000);
  CHECK(block && block[99] == 'x' && block[2999] == 0 && HeapSize(heap, 0, block) == 3000);
  CHECK(HeapValidate(heap, 0, NULL) && HeapValidate(heap, 0, block));
  CHECK(HeapAlloc(heap, 0, 0x100000) == NULL);
  PROCESS_HEAP_ENTRY entry = {.lpData = NULL};
  int busy = 0;
  while (HeapWalk(heap, &entry))
    busy += (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) && entry.lpData == block && entry.cbData == 3000;
  CHECK(GetLastError() == ERROR_NO_MORE_ITEMS && busy == 1);
  CHECK(HeapLock(heap) && HeapUnlock(heap));
  CHECK(HeapFree(heap, 0, block) && HeapFree(heap, 0, NULL) && HeapCompact(heap, 0) > 0);
  CHECK(HeapDestroy(heap));
  CHECK_ERROR(HeapDestroy(GetProcessHeap()), ERROR_INVALID_HANDLE);
}

static void fixed_blocks(void)
{
  char *block = LocalAlloc(LPTR, 50);
  CHECK(block && block[0] == 0 && block[49] == 0 && LocalSize(block) == 50);
  CHECK(LocalLock(block) == block && LocalHandle(block) == block && LocalFlags(block) == 0);
  CHECK_ERROR(LocalUnlock(block), ERROR_NOT_LOCKED);
  CHECK(GlobalUnlock(block));
  block = LocalReAlloc(block, 5000, LMEM_MOVEABLE | LMEM_ZEROINIT);
  CHECK(block && LocalSize(block) == 5000 && block[4999] == 0);
  CHECK(LocalFree(block) == NULL && LocalFree(NULL) == NULL);
  CHECK_ERROR(GlobalAlloc(0x8, 1), ERROR_INVALID_PARAMETER);
}

static void moveable_blocks(void)
{
  HGLOBAL handle = GlobalAlloc(GHND, 64);
  char *block = GlobalLock(handle);
  CHECK(handle && block && block != (char *)handle && block[63] == 0);
  CHECK(GlobalHandle(block) == handle && GlobalSize(handle) == 64 && GlobalFlags(handle) == 1);
  CHECK(GlobalLock(handle) == block && GlobalFlags(handle) == 2);
  CHECK(GlobalUnlock(handle));
  CHECK_ERROR(GlobalUnlock(handle), NO_ERROR);
  CHECK_ERROR(GlobalUnlock(handle), ERROR_NOT_LOCKED);
  block[5] = 9;
  CHECK(GlobalReAlloc(handle, 10000, GMEM_MOVEABLE) == handle && GlobalSize(handle) == 10000);
  block = GlobalLock(handle);
  CHECK(block && block[5] == 9);
  GlobalUnlock(handle);
  CHECK(GlobalReAlloc(handle, 0, GMEM_MOVEABLE) == handle && (GlobalFlags(handle) & GMEM_DISCARDED));
  CHECK_ERROR(GlobalLock(handle), ERROR_DISCARDED);
  CHECK(GlobalFree(handle) == NULL);
  SetLastError(0);
  CHECK(GlobalFree(handle) == handle && GetLastError() == ERROR_INVALID_HANDLE);
}

static void critical_sections(void)
{
  CRITICAL_SECTION section;
  CHECK(InitializeCriticalSectionAndSpinCount(&section, 0x80000400));
  EnterCriticalSection(&section);
  CHECK(TryEnterCriticalSection(&section) && section.RecursionCount == 2);
  LeaveCriticalSection(&section);
  LeaveCriticalSection(&section);
  CHECK(section.OwningThread == NULL);
  DeleteCriticalSection(&section);
}

void checks(void)
{
  heaps();
  fixed_blocks();
  moveable_blocks();
  critical_sections();
}
