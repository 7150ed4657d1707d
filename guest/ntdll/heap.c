/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heap. */
#include "ntdllp.h"

static UCHAR *arena, *arena_end;

NTSTATUS RtlpInitializeProcess(PPEB Peb)
{
  SIZE_T size = 0x100000;
  PVOID base = NULL;
  NTSTATUS status = NtAllocateVirtualMemory(NtCurrentProcess(), &base, 0, &size, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
  arena = base;
  arena_end = arena + size;
  Peb->ProcessHeap = base;
  return status;
}

PVOID NTAPI RtlAllocateHeap(PVOID HeapHandle, ULONG Flags, SIZE_T Size)
{
  (void)HeapHandle, (void)Flags;
  PVOID result = arena;
  Size = (Size + 31) & ~15ull;
  if (Size > (SIZE_T)(arena_end - arena))
    return NULL;
  arena += Size;
  return result;
}

BOOLEAN NTAPI RtlFreeHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress)
{
  (void)HeapHandle, (void)Flags, (void)BaseAddress;
  return TRUE;
}
