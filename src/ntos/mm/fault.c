/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MmAccessFault: copy-on-write, guard pages, stacks that grow, pages of files. */
#include "ntos/mm/internal.h"

#define TEB_STACK_BASE 0x08u
#define TEB_STACK_LIMIT 0x10u
#define TEB_DEALLOCATION_STACK 0x1478u
#define TEB_GUARANTEED_STACK_BYTES 0x1748u /* ULONG */

/* ---- stacks ---- */

/* A field of the thread's TEB, which user mode may have damaged; NULL: not accessible. */
static ULONG64 *teb_field(const EPROCESS *Process, ULONG64 teb, ULONG offset)
{
  const ULONG64 needed = PTE_PRESENT | PTE_USER | PTE_WRITE;
  address_space *space = Process->Pcb.space;
  ULONG64 va = teb + offset;
  if (teb == 0 || (va & 7) != 0 || va > MM_HIGHEST_USER_ADDRESS || (space_pte(space, va) & needed) != needed)
    return NULL;
  return space_host(space, va, sizeof(ULONG64));
}

/* The stack that the thread runs on: a fiber's is known to the TEB only. */
static void stack_bounds(const EPROCESS *Process, const ETHREAD *Thread, ULONG64 *allocation, ULONG64 *base)
{
  const ULONG64 *teb_base = teb_field(Process, Thread->Tcb.Teb, TEB_STACK_BASE);
  const ULONG64 *teb_allocation = teb_field(Process, Thread->Tcb.Teb, TEB_DEALLOCATION_STACK);
  *base = teb_base != NULL && teb_allocation != NULL ? *teb_base : Thread->stack_base;
  *allocation = PAGE_DOWN(teb_base != NULL && teb_allocation != NULL ? *teb_allocation : Thread->stack_allocation);
}

static void set_stack_limit(EPROCESS *Process, ETHREAD *Thread, ULONG64 limit)
{
  ULONG64 *field = teb_field(Process, Thread->Tcb.Teb, TEB_STACK_LIMIT);
  if (field != NULL) {
    *field = limit;
    mm_written(Process, Thread->Tcb.Teb + TEB_STACK_LIMIT, sizeof *field);
  }
  if (limit >= Thread->stack_allocation && limit < Thread->stack_base)
    Thread->stack_limit = limit;
}

/* Pages that an overflow leaves to its handlers below the guard page: two on x64, more if the thread asked for more
 * (SetThreadStackGuarantee). */
static ULONG64 guaranteed_size(EPROCESS *Process, const ETHREAD *Thread)
{
  const ULONG64 *asked = teb_field(Process, Thread->Tcb.Teb, TEB_GUARANTEED_STACK_BYTES);
  ULONG64 pages = asked != NULL ? ((ULONG)*asked + PAGE_SIZE - 1ull) / PAGE_SIZE : 0;
  return (pages > 2 ? pages : 2) * PAGE_SIZE;
}

/* The guard page at `va` was touched and is an ordinary page now. The page below becomes the guard, unless what is left
 * above the lowest page of the reservation, which is never committed, is for handling the overflow. */
static NTSTATUS grow_stack(EPROCESS *Process, struct mm_vad *vad, ULONG64 va)
{
  ETHREAD *thread = PsGetCurrentThread();
  ULONG64 allocation, base;
  if (Process != PsGetCurrentProcess() || vad->type != VAD_PRIVATE)
    return STATUS_GUARD_PAGE_VIOLATION;
  stack_bounds(Process, thread, &allocation, &base);
  if (va < allocation || va >= base)
    return STATUS_GUARD_PAGE_VIOLATION;
  ULONG64 next = va - PAGE_SIZE;
  if (va <= allocation + PAGE_SIZE + guaranteed_size(Process, thread) || next < vad->start) {
    ULONG64 last = allocation + PAGE_SIZE;
    for (ULONG64 page = last; page < va; page += PAGE_SIZE)
      if (page >= vad->start && page < vad->end && space_pte(Process->Pcb.space, page) == 0)
        (void)mm_commit_private(vad, page, page + PAGE_SIZE, PAGE_READWRITE);
    set_stack_limit(Process, thread, last);
    return STATUS_STACK_OVERFLOW;
  }
  if (space_pte(Process->Pcb.space, next) == 0 &&
      mm_commit_private(vad, next, va, PAGE_READWRITE | PAGE_GUARD) != STATUS_SUCCESS)
    return STATUS_STACK_OVERFLOW;
  set_stack_limit(Process, thread, va);
  return STATUS_SUCCESS;
}

/* ---- faults ---- */

static bool may(ULONG protect, enum mm_access Access)
{
  switch (Access) {
  case MM_READ:
    return mm_protection_reads(protect);
  case MM_WRITE:
    return mm_protection_writes(protect);
  default:
    return mm_protection_executes(protect);
  }
}

static bool hardware_allows(ULONG64 pte, enum mm_access Access)
{
  return (pte & PTE_PRESENT) != 0 && (Access != MM_WRITE || (pte & PTE_WRITE) != 0) &&
         (Access != MM_EXECUTE || (pte & PTE_NO_EXECUTE) == 0);
}

/* A page of a SEC_RESERVE section that another view committed when this one could get no page table. */
static bool fill_section_page(struct mm_vad *vad, ULONG64 va)
{
  if (vad->type != VAD_MAPPED)
    return false;
  const struct mm_control_area *area = vad->section->control_area;
  ULONG64 index = (vad->offset + (va - vad->start)) / PAGE_SIZE;
  ULONG64 flags = mm_protection_copies(vad->protect) ? MM_PTE_CHARGED : 0;
  ULONG64 pte = mm_pte_make(area->first_pfn + index, vad->protect, flags);
  return mm_area_committed(area, index) && space_set_pte(vad->process->Pcb.space, va, mm_withhold(vad, va, pte));
}

NTSTATUS MmAccessFault(EPROCESS *Process, ULONG64 Address, enum mm_access Access)
{
  ULONG64 va = PAGE_DOWN(Address);
  if (Address > MM_HIGHEST_USER_ADDRESS || !NT_SUCCESS(mm_check_process(Process)))
    return STATUS_ACCESS_VIOLATION;
  struct mm_vad *vad = mm_vad_find(Process->Vm, va);
  ULONG64 pte = space_pte(Process->Pcb.space, va);
  if (vad == NULL)
    return STATUS_ACCESS_VIOLATION;
  if (pte == 0)
    return fill_section_page(vad, va) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
  ULONG protect = mm_pte_protection(pte);
  if ((protect & PAGE_GUARD) != 0) {
    mm_set_protection(vad, va, protect & ~PAGE_GUARD);
    return grow_stack(Process, vad, va);
  }
  if (!may(protect, Access))
    return STATUS_ACCESS_VIOLATION;
  if ((pte & PTE_PRESENT) == 0 && vad->type == VAD_MAPPED) {
    NTSTATUS status = mm_page_in(vad, va);
    if (status != STATUS_SUCCESS)
      return status;
    pte = space_pte(Process->Pcb.space, va);
  }
  if (hardware_allows(pte, Access))
    return STATUS_SUCCESS;
  if (Access == MM_WRITE && mm_protection_copies(protect))
    return mm_copy_page(vad, va, mm_protection_after_copy(protect)) ? STATUS_SUCCESS : STATUS_COMMITMENT_LIMIT;
  if (vad->type == VAD_MAPPED)
    mm_grant(vad, va, Access);
  return STATUS_SUCCESS;
}
