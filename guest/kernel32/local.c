/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local and global memory. Fixed blocks are pointers; a moveable one is the address of a pointer to its block, 8 above a
 * multiple of 16, which tells it from a pointer. */
#include "kernel32p.h"

typedef struct _BASE_HANDLE_ENTRY {
  USHORT Flags, LockCount; /**< LMEM_DISCARDABLE */
  ULONG Unused;
  PVOID Object; /**< the handle is this field's address; NULL: discarded */
  struct _BASE_HANDLE_ENTRY *Next;
} BASE_HANDLE_ENTRY;
NT_ASSERT_OFFSET(BASE_HANDLE_ENTRY, Object, 8);
#define IS_HANDLE(memory) (((ULONG_PTR)(memory) & 15) == 8)

static RTL_CRITICAL_SECTION handle_lock = {.DebugInfo = (PVOID)-1, .LockCount = -1};
static BASE_HANDLE_ENTRY *first_handle; /* guarded by handle_lock */

static PVOID heap(void) { return NtCurrentPeb()->ProcessHeap; }

/* NULL with ERROR_INVALID_HANDLE for one that is none. Called with handle_lock held. */
static BASE_HANDLE_ENTRY *entry_of(HANDLE memory)
{
  for (BASE_HANDLE_ENTRY *entry = first_handle; entry; entry = entry->Next)
    if (&entry->Object == (PVOID *)memory)
      return entry;
  base_fail(ERROR_INVALID_HANDLE);
  return NULL;
}

static HANDLE allocate_handle(DWORD flags, ULONG heap_flags, SIZE_T size)
{
  BASE_HANDLE_ENTRY *entry = RtlAllocateHeap(heap(), HEAP_ZERO_MEMORY, sizeof(*entry));
  if (entry && size)
    entry->Object = RtlAllocateHeap(heap(), heap_flags, size);
  if (!entry || (size && !entry->Object)) {
    base_free(entry);
    base_fail(ERROR_NOT_ENOUGH_MEMORY);
    return NULL;
  }
  entry->Flags = (USHORT)(flags & LMEM_DISCARDABLE);
  RtlEnterCriticalSection(&handle_lock);
  entry->Next = first_handle;
  first_handle = entry;
  RtlLeaveCriticalSection(&handle_lock);
  return &entry->Object;
}

static HANDLE allocate(DWORD flags, SIZE_T size)
{
  ULONG heap_flags = flags & LMEM_ZEROINIT ? HEAP_ZERO_MEMORY : 0;
  if (flags & LMEM_MOVEABLE)
    return allocate_handle(flags, heap_flags, size);
  PVOID block = RtlAllocateHeap(heap(), heap_flags, size);
  if (!block)
    base_fail(ERROR_NOT_ENOUGH_MEMORY);
  return block;
}

static HANDLE free_handle(HANDLE memory)
{
  RtlEnterCriticalSection(&handle_lock);
  BASE_HANDLE_ENTRY *entry = entry_of(memory);
  if (entry) {
    BASE_HANDLE_ENTRY **link = &first_handle;
    while (*link != entry)
      link = &(*link)->Next;
    *link = entry->Next;
  }
  RtlLeaveCriticalSection(&handle_lock);
  if (!entry)
    return memory;
  base_free(entry->Object);
  base_free(entry);
  return NULL;
}

static HANDLE release(HANDLE memory)
{
  if (!memory)
    return NULL;
  if (IS_HANDLE(memory))
    return free_handle(memory);
  if (RtlFreeHeap(heap(), 0, memory))
    return NULL;
  base_fail(ERROR_INVALID_HANDLE);
  return memory;
}

static PVOID lock(HANDLE memory)
{
  PVOID object = NULL;
  if (!IS_HANDLE(memory))
    return memory;
  RtlEnterCriticalSection(&handle_lock);
  BASE_HANDLE_ENTRY *entry = entry_of(memory);
  if (entry) {
    object = entry->Object;
    if (!object)
      base_fail(ERROR_DISCARDED);
    else if (entry->LockCount < LMEM_LOCKCOUNT)
      entry->LockCount++;
  }
  RtlLeaveCriticalSection(&handle_lock);
  return object;
}

/* TRUE while the block is still locked. */
static BOOL unlock(HANDLE memory)
{
  BOOL locked = FALSE;
  RtlEnterCriticalSection(&handle_lock);
  BASE_HANDLE_ENTRY *entry = entry_of(memory);
  if (entry && !entry->LockCount)
    base_fail(ERROR_NOT_LOCKED);
  else if (entry && !(locked = --entry->LockCount != 0))
    base_fail(ERROR_SUCCESS);
  RtlLeaveCriticalSection(&handle_lock);
  return locked;
}

static SIZE_T size_of(HANDLE memory)
{
  PVOID block = memory;
  if (IS_HANDLE(memory)) {
    RtlEnterCriticalSection(&handle_lock);
    BASE_HANDLE_ENTRY *entry = entry_of(memory);
    block = entry ? entry->Object : NULL;
    RtlLeaveCriticalSection(&handle_lock);
    if (!block)
      return 0;
  }
  SIZE_T size = RtlSizeHeap(heap(), 0, block);
  if (size != (SIZE_T)-1)
    return size;
  base_fail(ERROR_INVALID_HANDLE);
  return 0;
}

/* The handle of a block; a fixed one is its own. */
static HANDLE handle_of(LPCVOID block)
{
  HANDLE handle = NULL;
  RtlEnterCriticalSection(&handle_lock);
  for (BASE_HANDLE_ENTRY *entry = first_handle; entry && !handle; entry = entry->Next)
    if (entry->Object == block)
      handle = &entry->Object;
  RtlLeaveCriticalSection(&handle_lock);
  if (!handle && RtlValidateHeap(heap(), 0, (PVOID)block))
    handle = (HANDLE)block;
  if (!handle)
    base_fail(ERROR_INVALID_HANDLE);
  return handle;
}

static UINT flags_of(HANDLE memory)
{
  UINT flags = 0;
  if (!IS_HANDLE(memory))
    return 0;
  RtlEnterCriticalSection(&handle_lock);
  BASE_HANDLE_ENTRY *entry = entry_of(memory);
  flags = entry ? entry->LockCount | entry->Flags | (entry->Object ? 0u : LMEM_DISCARDED) : LMEM_INVALID_HANDLE;
  RtlLeaveCriticalSection(&handle_lock);
  return flags;
}

/* A new size for a moveable block; 0 discards it, if it is not locked. */
static HANDLE resize_handle(HANDLE memory, SIZE_T size, ULONG heap_flags)
{
  HANDLE result = NULL;
  RtlEnterCriticalSection(&handle_lock);
  BASE_HANDLE_ENTRY *entry = entry_of(memory);
  if (entry && !size && entry->LockCount) {
    base_fail(ERROR_INVALID_HANDLE);
  } else if (entry && !size) {
    base_free(entry->Object);
    entry->Object = NULL;
    result = memory;
  } else if (entry) {
    PVOID block = entry->Object ? RtlReAllocateHeap(heap(), heap_flags, entry->Object, size)
                                : RtlAllocateHeap(heap(), heap_flags & HEAP_ZERO_MEMORY, size);
    if (block)
      entry->Object = block, result = memory;
    else
      base_fail(ERROR_NOT_ENOUGH_MEMORY);
  }
  RtlLeaveCriticalSection(&handle_lock);
  return result;
}

static HANDLE reallocate(HANDLE memory, SIZE_T size, UINT flags)
{
  ULONG heap_flags = flags & LMEM_ZEROINIT ? HEAP_ZERO_MEMORY : 0;
  if (flags & LMEM_MODIFY) {
    if (IS_HANDLE(memory)) {
      RtlEnterCriticalSection(&handle_lock);
      BASE_HANDLE_ENTRY *entry = entry_of(memory);
      if (entry)
        entry->Flags = (USHORT)(flags & LMEM_DISCARDABLE);
      RtlLeaveCriticalSection(&handle_lock);
      return entry ? memory : NULL;
    }
    return memory;
  }
  if (IS_HANDLE(memory))
    return resize_handle(memory, size, heap_flags);
  /* A fixed block moves only for one who allows it. */
  PVOID block = RtlReAllocateHeap(heap(), heap_flags | (flags & LMEM_MOVEABLE ? 0u : HEAP_REALLOC_IN_PLACE_ONLY), memory,
                                  size);
  if (!block)
    base_fail(ERROR_NOT_ENOUGH_MEMORY);
  return block;
}

HLOCAL WINAPI LocalAlloc(UINT flags, SIZE_T size)
{
  if (flags & ~(UINT)LMEM_VALID_FLAGS) {
    base_fail(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  return allocate(flags, size);
}

HGLOBAL WINAPI GlobalAlloc(UINT flags, SIZE_T size)
{
  if (flags & ~(UINT)GMEM_VALID_FLAGS) {
    base_fail(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  return allocate(flags, size);
}

HLOCAL WINAPI LocalFree(HLOCAL memory) { return release(memory); }
HGLOBAL WINAPI GlobalFree(HGLOBAL memory) { return release(memory); }
LPVOID WINAPI LocalLock(HLOCAL memory) { return lock(memory); }
LPVOID WINAPI GlobalLock(HGLOBAL memory) { return lock(memory); }
SIZE_T WINAPI LocalSize(HLOCAL memory) { return size_of(memory); }
SIZE_T WINAPI GlobalSize(HGLOBAL memory) { return size_of(memory); }
UINT WINAPI LocalFlags(HLOCAL memory) { return flags_of(memory); }
UINT WINAPI GlobalFlags(HGLOBAL memory) { return flags_of(memory); }
HLOCAL WINAPI LocalHandle(LPCVOID block) { return handle_of(block); }
HGLOBAL WINAPI GlobalHandle(LPCVOID block) { return handle_of(block); }
HLOCAL WINAPI LocalReAlloc(HLOCAL memory, SIZE_T size, UINT flags) { return reallocate(memory, size, flags); }
HGLOBAL WINAPI GlobalReAlloc(HGLOBAL memory, SIZE_T size, UINT flags) { return reallocate(memory, size, flags); }
BOOL WINAPI LocalUnlock(HLOCAL memory) { return IS_HANDLE(memory) ? unlock(memory) : base_fail(ERROR_NOT_LOCKED); }
BOOL WINAPI GlobalUnlock(HGLOBAL memory) { return IS_HANDLE(memory) ? unlock(memory) : TRUE; }
