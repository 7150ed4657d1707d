/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heap. */
#include "ntdllp.h"

PVOID NTAPI RtlAllocateHeap(PVOID HeapHandle, ULONG Flags, SIZE_T Size)
{
  (void)HeapHandle, (void)Flags, (void)Size;
  return NULL;
}
