/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Static TLS: a slot for each module with a TLS directory, a vector of blocks for each thread, callbacks. */
#include "ldrp.h"

typedef void(NTAPI *TLS_CALLBACK)(PVOID DllHandle, DWORD Reason, PVOID Reserved);

/* Guarded by the loader lock. A slot in use points to its module. */
static LDRP_MODULE **slots;
static ULONG slot_count;
static LIST_ENTRY threads; /* TEB.TlsLinks of the threads that have a vector */

static const IMAGE_TLS_DIRECTORY64 *directory_of(const LDRP_MODULE *module)
{
  return LdrpDirectory(module->Entry.DllBase, IMAGE_DIRECTORY_ENTRY_TLS, NULL);
}

static PVOID new_block(const LDRP_MODULE *module)
{
  const IMAGE_TLS_DIRECTORY64 *tls = directory_of(module);
  SIZE_T raw = tls->EndAddressOfRawData - tls->StartAddressOfRawData;
  ULONG alignment = (tls->Characteristics >> 20) & 15;
  SIZE_T extra = alignment > 5 ? (SIZE_T)1 << (alignment - 1) : 0;
  /* The address that the heap gave lies in front of the block. */
  UCHAR *start = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, HEAP_ZERO_MEMORY, raw + tls->SizeOfZeroFill + extra + 16);
  if (!start)
    return NULL;
  UCHAR *block = start + 16;
  if (extra)
    block = (UCHAR *)(((ULONG_PTR)block + extra - 1) & ~(extra - 1));
  ((PVOID *)block)[-1] = start;
  memcpy(block, (const void *)tls->StartAddressOfRawData, raw);
  return block;
}

static void free_block(PVOID block)
{
  if (block)
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, ((PVOID *)block)[-1]);
}

/* A thread's vector with room for all slots; what it had stays. */
static NTSTATUS grow_vector(PTEB teb, ULONG old_count)
{
  PVOID *vector = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, HEAP_ZERO_MEMORY, (slot_count + 1) * sizeof(PVOID));
  if (!vector)
    return STATUS_NO_MEMORY;
  for (ULONG i = 0; i < old_count; i++)
    vector[i] = teb->ThreadLocalStoragePointer[i];
  /* The old vector is not freed: its thread may be reading it. */
  teb->ThreadLocalStoragePointer = vector;
  return STATUS_SUCCESS;
}

NTSTATUS LdrpAllocateTlsSlot(LDRP_MODULE *Module)
{
  const IMAGE_TLS_DIRECTORY64 *tls = directory_of(Module);
  PVOID heap = NtCurrentPeb()->ProcessHeap;
  ULONG slot = 0, old_count = slot_count;
  if (!tls || Module->HasTls)
    return STATUS_SUCCESS;
  if (!threads.Flink)
    threads.Flink = threads.Blink = &threads;
  while (slot < slot_count && slots[slot])
    slot++;
  if (slot == slot_count) {
    LDRP_MODULE **longer = RtlAllocateHeap(heap, HEAP_ZERO_MEMORY, (slot_count + 8) * sizeof(*longer));
    if (!longer)
      return STATUS_NO_MEMORY;
    for (ULONG i = 0; i < slot_count; i++)
      longer[i] = slots[i];
    RtlFreeHeap(heap, 0, slots);
    slots = longer;
    slot_count += 8;
  }
  for (LIST_ENTRY *link = threads.Flink; link != &threads; link = link->Flink) {
    PTEB teb = CONTAINING_RECORD(link, TEB, TlsLinks);
    if (slot_count > old_count && !NT_SUCCESS(grow_vector(teb, old_count)))
      return STATUS_NO_MEMORY;
    teb->ThreadLocalStoragePointer[slot] = new_block(Module);
    if (!teb->ThreadLocalStoragePointer[slot])
      return STATUS_NO_MEMORY;
  }
  slots[slot] = Module;
  Module->HasTls = TRUE;
  Module->Entry.TlsIndex = (USHORT)slot;
  *(ULONG *)tls->AddressOfIndex = slot;
  return STATUS_SUCCESS;
}

void LdrpReleaseTlsSlot(LDRP_MODULE *Module)
{
  if (!Module->HasTls)
    return;
  ULONG slot = Module->Entry.TlsIndex;
  for (LIST_ENTRY *link = threads.Flink; link != &threads; link = link->Flink) {
    PTEB teb = CONTAINING_RECORD(link, TEB, TlsLinks);
    free_block(teb->ThreadLocalStoragePointer[slot]);
    teb->ThreadLocalStoragePointer[slot] = NULL;
  }
  slots[slot] = NULL;
  Module->HasTls = FALSE;
}

NTSTATUS LdrpAllocateThreadTls(void)
{
  PTEB teb = NtCurrentTeb();
  if (!threads.Flink)
    threads.Flink = threads.Blink = &threads;
  NTSTATUS status = grow_vector(teb, 0);
  for (ULONG i = 0; i < slot_count && NT_SUCCESS(status); i++)
    if (slots[i] && !(teb->ThreadLocalStoragePointer[i] = new_block(slots[i])))
      status = STATUS_NO_MEMORY;
  if (!NT_SUCCESS(status))
    return status;
  teb->TlsLinks.Flink = &threads;
  teb->TlsLinks.Blink = threads.Blink;
  threads.Blink->Flink = &teb->TlsLinks;
  threads.Blink = &teb->TlsLinks;
  return status;
}

void LdrpFreeThreadTls(void)
{
  PTEB teb = NtCurrentTeb();
  PVOID *vector = teb->ThreadLocalStoragePointer;
  if (!teb->TlsLinks.Flink || !vector)
    return;
  teb->TlsLinks.Blink->Flink = teb->TlsLinks.Flink;
  teb->TlsLinks.Flink->Blink = teb->TlsLinks.Blink;
  teb->ThreadLocalStoragePointer = NULL;
  for (ULONG i = 0; i < slot_count; i++)
    free_block(vector[i]);
  RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, vector);
}

void LdrpCallTlsInitializers(LDRP_MODULE *Module, ULONG Reason)
{
  const IMAGE_TLS_DIRECTORY64 *tls = directory_of(Module);
  if (!tls || !tls->AddressOfCallBacks)
    return;
  for (TLS_CALLBACK *callback = (TLS_CALLBACK *)tls->AddressOfCallBacks; *callback; callback++)
    (*callback)(Module->Entry.DllBase, Reason, NULL);
}
