/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NtProtectVirtualMemory. */
#include "ntos/mm/internal.h"

/* What a page of an image or of a write-copy view gets for the protection that was asked for: writing means copying
 * until the page is the process's own, and no longer after that. */
static ULONG effective_protection(const struct mm_vad *vad, ULONG64 pte, ULONG protect)
{
  if (vad->type == VAD_PRIVATE || vad->shared_view)
    return protect;
  if ((pte & MM_PTE_COPIED) != 0)
    return mm_protection_after_copy(protect);
  if (mm_protection_writes(protect) && !mm_protection_copies(protect))
    return (protect & ~0xFFu) | PAGE_BASIC(protect) << 1;
  return protect;
}

static NTSTATUS check_kind(const struct mm_vad *vad, ULONG protect)
{
  switch (vad->type) {
  case VAD_PRIVATE:
    return mm_protection_copies(protect) ? STATUS_INVALID_PAGE_PROTECTION : STATUS_SUCCESS;
  case VAD_IMAGE:
    return STATUS_SUCCESS;
  case VAD_MAPPED:
    /* Pages of a shared view can not become copy-on-write one by one: host mappings are whole views (CAVEATS). */
    if (vad->shared_view && mm_protection_copies(protect))
      return STATUS_SECTION_PROTECTION;
    if (!vad->shared_view)
      return mm_protection_executes(protect) && !mm_protection_executes(vad->protect) ? STATUS_SECTION_PROTECTION
                                                                                      : STATUS_SUCCESS;
    return mm_protection_within(vad->protect, protect) ? STATUS_SUCCESS : STATUS_SECTION_PROTECTION;
  default:
    return STATUS_INVALID_PAGE_PROTECTION;
  }
}

/* Counts the pages that become copy-on-write and are not charged yet. STATUS_NOT_COMMITTED. */
static NTSTATUS check_pages(const struct mm_vad *vad, ULONG64 start, ULONG64 end, ULONG protect, ULONG64 *charge)
{
  *charge = 0;
  for (ULONG64 va = start; va < end; va += PAGE_SIZE) {
    ULONG64 pte = space_pte(vad->process->Pcb.space, va);
    if (pte == 0)
      return STATUS_NOT_COMMITTED;
    if ((pte & MM_PTE_CHARGED) == 0 && mm_protection_copies(effective_protection(vad, pte, protect)))
      ++*charge;
  }
  return STATUS_SUCCESS;
}

static void change_page(struct mm_vad *vad, ULONG64 va, ULONG protect)
{
  address_space *space = vad->process->Pcb.space;
  ULONG64 pte = space_pte(space, va);
  protect = effective_protection(vad, pte, protect);
  if (mm_protection_copies(protect))
    pte |= MM_PTE_CHARGED;
  (void)space_set_pte(space, va, mm_withhold(vad, va, mm_pte_protect(pte, protect)));
}

NTSTATUS MmProtectVirtualMemory(EPROCESS *Process, ULONG64 *Base, ULONG64 *RegionSize, ULONG NewProtect,
                                ULONG *OldProtect)
{
  ULONG64 charge;
  if (!mm_protection_valid(NewProtect))
    return STATUS_INVALID_PAGE_PROTECTION;
  if (*Base > MM_HIGHEST_USER_ADDRESS)
    return STATUS_INVALID_PARAMETER_2;
  if (*RegionSize == 0 || *RegionSize > MM_HIGHEST_USER_ADDRESS + 1 - *Base)
    return STATUS_INVALID_PARAMETER_3;
  NTSTATUS status = mm_check_process(Process);
  if (status != STATUS_SUCCESS)
    return status;
  ULONG64 start = PAGE_DOWN(*Base), end = PAGE_UP(*Base + *RegionSize);
  struct mm_vad *vad = mm_vad_find(Process->Vm, start);
  if (vad == NULL || end > vad->end)
    return STATUS_CONFLICTING_ADDRESSES;
  status = check_kind(vad, NewProtect);
  if (status == STATUS_SUCCESS)
    status = check_pages(vad, start, end, NewProtect, &charge);
  if (status != STATUS_SUCCESS)
    return status;
  if (!mm_charge(Process->Vm, charge))
    return STATUS_COMMITMENT_LIMIT;
  vad->charged += charge;
  if (vad->shared_view && mm_protection_executes(NewProtect))
    mm_note_code(vad);
  *OldProtect = mm_pte_protection(space_pte(Process->Pcb.space, start));
  for (ULONG64 va = start; va < end; va += PAGE_SIZE)
    change_page(vad, va, NewProtect);
  *Base = start;
  *RegionSize = end - start;
  return STATUS_SUCCESS;
}
