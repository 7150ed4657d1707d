/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Protections and page-table entries; commitment of private pages. */
#include "ntos/mm/internal.h"

#define PAGE_TARGETS_INVALID 0x40000000u
#define PFN_COUNT (1ull << 28)
#define CLASS_BASIC(pte) (1u << (((pte)&MM_PTE_CLASS_MASK) >> MM_PTE_CLASS_SHIFT))

#define WRITABLE (PAGE_READWRITE | PAGE_WRITECOPY | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY)
#define COPYING (PAGE_WRITECOPY | PAGE_EXECUTE_WRITECOPY)
#define EXECUTABLE (PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY)

bool mm_protection_valid(ULONG protect)
{
  ULONG basic = PAGE_BASIC(protect), modifiers = protect & ~0xFFu;
  if (basic == 0 || (basic & (basic - 1)) != 0)
    return false;
  if ((modifiers & PAGE_TARGETS_INVALID) != 0 && (basic & EXECUTABLE) != 0)
    modifiers &= ~PAGE_TARGETS_INVALID;
  if (modifiers == 0)
    return true;
  /* One modifier at a time, and none on a page that can not be accessed anyway. */
  return basic != PAGE_NOACCESS &&
         (modifiers == PAGE_GUARD || modifiers == PAGE_NOCACHE || modifiers == PAGE_WRITECOMBINE);
}

/* x64 hardware has no execute-only pages: what can be executed can be read. */
bool mm_protection_reads(ULONG protect) { return PAGE_BASIC(protect) != PAGE_NOACCESS; }
bool mm_protection_writes(ULONG protect) { return (protect & WRITABLE) != 0; }
bool mm_protection_copies(ULONG protect) { return (protect & COPYING) != 0; }
bool mm_protection_executes(ULONG protect) { return (protect & EXECUTABLE) != 0; }

bool mm_protection_within(ULONG limit, ULONG wanted)
{
  if (PAGE_BASIC(wanted) == PAGE_NOACCESS)
    return true;
  if (!mm_protection_reads(limit))
    return false;
  if (mm_protection_executes(wanted) && !mm_protection_executes(limit))
    return false;
  return !mm_protection_writes(wanted) || mm_protection_copies(wanted) ||
         (mm_protection_writes(limit) && !mm_protection_copies(limit));
}

ULONG mm_protection_after_copy(ULONG protect)
{
  /* PAGE_WRITECOPY and PAGE_EXECUTE_WRITECOPY are the double of their writable forms. */
  return mm_protection_copies(protect) ? (protect & ~0xFFu) | PAGE_BASIC(protect) >> 1 : protect;
}

/* ---- entries ---- */

ULONG mm_pte_protection(ULONG64 pte)
{
  return CLASS_BASIC(pte) | ((pte & MM_PTE_GUARD) != 0 ? PAGE_GUARD : 0) |
         ((pte & MM_PTE_NOCACHE) != 0 ? PAGE_NOCACHE : 0) | ((pte & MM_PTE_WRITECOMBINE) != 0 ? PAGE_WRITECOMBINE : 0);
}

ULONG64 mm_pte_protect(ULONG64 pte, ULONG protect)
{
  ULONG basic = PAGE_BASIC(protect);
  pte &= PTE_PFN_MASK | PTE_ACCESSED | PTE_DIRTY | MM_PTE_COMMITTED | MM_PTE_COPIED | MM_PTE_CHARGED;
  pte |= (ULONG64)__builtin_ctz(basic) << MM_PTE_CLASS_SHIFT;
  pte |= (protect & PAGE_GUARD) != 0 ? MM_PTE_GUARD : 0;
  pte |= (protect & PAGE_NOCACHE) != 0 ? MM_PTE_NOCACHE : 0;
  pte |= (protect & PAGE_WRITECOMBINE) != 0 ? MM_PTE_WRITECOMBINE : 0;
  if ((protect & PAGE_GUARD) == 0 && mm_protection_reads(protect))
    pte |= PTE_PRESENT | PTE_USER;
  if (mm_protection_writes(protect) && !mm_protection_copies(protect))
    pte |= PTE_WRITE;
  if (!mm_protection_executes(protect))
    pte |= PTE_NO_EXECUTE;
  return pte;
}

ULONG64 mm_pte_make(ULONG64 pfn, ULONG protect, ULONG64 flags)
{
  return mm_pte_protect((pfn % PFN_COUNT) << PTE_PFN_SHIFT | MM_PTE_COMMITTED | flags, protect);
}

ULONG64 mm_take_pfns(ULONG64 count)
{
  ULONG64 first = mm()->next_pfn;
  mm()->next_pfn += count;
  return first;
}

void mm_set_protection(struct mm_vad *vad, ULONG64 va, ULONG protect)
{
  address_space *space = vad->process->Pcb.space;
  (void)space_set_pte(space, va, mm_withhold(vad, va, mm_pte_protect(space_pte(space, va), protect)));
}

bool mm_copy_page(struct mm_vad *vad, ULONG64 va, ULONG protect)
{
  address_space *space = vad->process->Pcb.space;
  ULONG64 pte = space_pte(space, va);
  if ((pte & MM_PTE_CHARGED) == 0) {
    if (!mm_charge(vad->process->Vm, 1))
      return false;
    vad->charged++;
  }
  ULONG64 seen = pte & (PTE_ACCESSED | PTE_DIRTY);
  (void)space_set_pte(space, va, mm_pte_make(mm_take_pfns(1), protect, MM_PTE_COPIED | MM_PTE_CHARGED | seen));
  /* The host copies its page at this store: stores of others to the section stay out from now on. */
  volatile UCHAR *host = space_host(space, va, 1);
  *host = *host;
  return true;
}

/* ---- private pages ---- */

static ULONG64 count_committed(address_space *space, ULONG64 start, ULONG64 end)
{
  ULONG64 count = 0;
  for (ULONG64 va = start; (va = space_next_pte(space, va, end)) < end; va += PAGE_SIZE)
    count++;
  return count;
}

/* Undoes a commit that ran out of page tables: the pages it made are those with its frame numbers. */
static void take_back(address_space *space, ULONG64 start, ULONG64 end, ULONG64 first_pfn, ULONG64 made)
{
  for (ULONG64 va = start; (va = space_next_pte(space, va, end)) < end; va += PAGE_SIZE) {
    ULONG64 pfn = (space_pte(space, va) & PTE_PFN_MASK) >> PTE_PFN_SHIFT;
    if ((pfn - first_pfn) % PFN_COUNT < made)
      (void)space_set_pte(space, va, 0);
  }
}

NTSTATUS mm_commit_private(struct mm_vad *vad, ULONG64 start, ULONG64 end, ULONG protect)
{
  address_space *space = vad->process->Pcb.space;
  ULONG64 committed = count_committed(space, start, end);
  ULONG64 needed = (end - start) / PAGE_SIZE - committed, made = 0;
  if (!mm_charge(vad->process->Vm, needed))
    return STATUS_COMMITMENT_LIMIT;
  ULONG64 pfn = mm_take_pfns(needed);
  for (ULONG64 va = start; va < end; va += PAGE_SIZE) {
    if (committed != 0 && space_pte(space, va) != 0)
      continue;
    if (!space_set_pte(space, va, mm_pte_make(pfn + made, protect, MM_PTE_CHARGED))) {
      take_back(space, start, va, pfn, made);
      mm_uncharge(vad->process->Vm, needed);
      return STATUS_NO_MEMORY;
    }
    made++;
  }
  for (ULONG64 va = start; committed != 0 && va < end; va += PAGE_SIZE)
    mm_set_protection(vad, va, protect);
  vad->charged += needed;
  return STATUS_SUCCESS;
}

void mm_decommit_private(struct mm_vad *vad, ULONG64 start, ULONG64 end)
{
  address_space *space = vad->process->Pcb.space;
  ULONG64 pages = 0;
  for (ULONG64 va = start; (va = space_next_pte(space, va, end)) < end; va += PAGE_SIZE) {
    (void)space_set_pte(space, va, 0);
    pages++;
  }
  if (pages == 0)
    return;
  space_discard(space, start, end - start);
  vad->charged -= pages;
  mm_uncharge(vad->process->Vm, pages);
}
