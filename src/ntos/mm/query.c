/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NtQueryVirtualMemory, MemoryBasicInformation. */
#include "ntos/mm/internal.h"

#include <string.h>

static void describe_free(const struct mm_process *vm, ULONG64 va, MEMORY_BASIC_INFORMATION64 *out)
{
  ULONG index = mm_vad_index(vm, va);
  ULONG64 end = index < vm->count ? vm->vads[index]->start : MM_HIGHEST_USER_ADDRESS + 1;
  out->RegionSize = end - va;
  out->State = MEM_FREE;
  out->Protect = PAGE_NOACCESS;
}

/* Entries tell all: committing pages of a section gives every view its entries. */
static void describe_pages(address_space *space, const struct mm_vad *vad, ULONG64 va, MEMORY_BASIC_INFORMATION64 *out)
{
  ULONG64 pte = space_pte(space, va), end = va + PAGE_SIZE;
  if (pte == 0) {
    out->State = MEM_RESERVE;
    end = space_next_pte(space, va, vad->end);
  } else {
    out->State = MEM_COMMIT;
    out->Protect = mm_pte_protection(pte);
    while (end < vad->end) {
      ULONG64 next = space_pte(space, end);
      if (next == 0 || mm_pte_protection(next) != out->Protect)
        break;
      end += PAGE_SIZE;
    }
  }
  out->RegionSize = end - va;
}

NTSTATUS MmQueryVirtualMemory(EPROCESS *Process, ULONG64 Address, MEMORY_BASIC_INFORMATION64 *Information)
{
  static const ULONG types[] = {
      [VAD_PRIVATE] = MEM_PRIVATE, [VAD_MAPPED] = MEM_MAPPED, [VAD_IMAGE] = MEM_IMAGE, [VAD_SYSTEM] = MEM_PRIVATE};
  memset(Information, 0, sizeof *Information);
  if (Address > MM_HIGHEST_USER_ADDRESS)
    return STATUS_INVALID_PARAMETER;
  NTSTATUS status = mm_check_process(Process);
  if (status != STATUS_SUCCESS)
    return status;
  ULONG64 va = PAGE_DOWN(Address);
  const struct mm_vad *vad = mm_vad_find(Process->Vm, va);
  Information->BaseAddress = va;
  if (vad == NULL) {
    describe_free(Process->Vm, va, Information);
    return STATUS_SUCCESS;
  }
  Information->AllocationBase = vad->start;
  Information->AllocationProtect = vad->protect;
  Information->Type = types[vad->type];
  describe_pages(Process->Pcb.space, vad, va, Information);
  return STATUS_SUCCESS;
}
