/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Views of sections.
 *
 * Write or execute, never both through two views: the translator knows of a store only at the address that it went to,
 * so code that is reached at another address would stay stale. Once any view of a data section is executable, the
 * entries of all its views are made without the right to write and to execute; a fault gives one view of one page the
 * right that it lacks and takes the opposite right from every other view of that page (mm_grant). A page that is
 * writable and executable in one view only needs none of this: stores at the address of the code are exact. */
#include "ntos/mm/internal.h"

#define VALID_TYPES (MEM_TOP_DOWN | MEM_RESERVE | SEC_NO_CHANGE | MEM_DIFFERENT_IMAGE_BASE_OK)
#define SEC_NO_CHANGE 0x400000u
#define MEM_DIFFERENT_IMAGE_BASE_OK 0x800000u

/* ---- mapping ---- */

static bool set_entries(struct mm_vad *vad)
{
  const struct mm_control_area *area = vad->section->control_area;
  ULONG64 flags = mm_protection_copies(vad->protect) ? MM_PTE_CHARGED : 0;
  for (ULONG64 va = vad->start; va < vad->end; va += PAGE_SIZE) {
    ULONG64 index = (vad->offset + (va - vad->start)) / PAGE_SIZE;
    if (!mm_area_committed(area, index))
      continue;
    ULONG64 pte = mm_pte_make(area->first_pfn + index, vad->protect, flags);
    if (!space_set_pte(vad->process->Pcb.space, va, mm_withhold(vad, va, pte)))
      return false;
  }
  return true;
}

/* Decides offset and size of a data view. */
static NTSTATUS view_extent(const SECTION *Section, ULONG64 offset, ULONG64 *size)
{
  if (offset >= Section->SizeOfSection)
    return STATUS_INVALID_VIEW_SIZE;
  ULONG64 rest = Section->SizeOfSection - offset;
  if (*size == 0)
    *size = rest;
  if (*size > PAGE_UP(rest))
    return STATUS_INVALID_VIEW_SIZE;
  *size = PAGE_UP(*size);
  return STATUS_SUCCESS;
}

static NTSTATUS place(const EPROCESS *Process, ULONG64 *base, ULONG64 highest, ULONG64 host_size, bool top_down)
{
  if (*base != 0)
    return mm_range_free(Process, *base, *base + host_size) ? STATUS_SUCCESS : STATUS_CONFLICTING_ADDRESSES;
  *base = mm_find_gap(Process, host_size, highest, top_down);
  return *base != 0 ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

static NTSTATUS map_data(SECTION *Section, EPROCESS *Process, ULONG64 *Base, ULONG64 highest, ULONG64 CommitSize,
                         ULONG64 offset, ULONG64 *ViewSize, bool top_down, ULONG Protect)
{
  struct mm_control_area *area = Section->control_area;
  ULONG64 size = *ViewSize, base = *Base;
  NTSTATUS status = view_extent(Section, offset, &size);
  if (status == STATUS_SUCCESS && !mm_protection_within(Section->InitialPageProtection, Protect))
    status = STATUS_SECTION_PROTECTION;
  if (status == STATUS_SUCCESS && CommitSize > size)
    status = STATUS_INVALID_PARAMETER_5;
  if (status == STATUS_SUCCESS)
    status = place(Process, &base, highest, GRANULE_UP(size), top_down);
  if (status != STATUS_SUCCESS)
    return status;
  bool copies = mm_protection_copies(Protect);
  ULONG64 charge = copies ? size / PAGE_SIZE : 0;
  if (!mm_charge(Process->Vm, charge))
    return STATUS_COMMITMENT_LIMIT;
  struct mm_vad *vad = mm_vad_create(Process, base, base + size, VAD_MAPPED, Protect);
  if (vad == NULL || !space_map_view(Process->Pcb.space, base, GRANULE_UP(size), area->fd, offset, copies, 0)) {
    mm_uncharge(Process->Vm, charge);
    if (vad != NULL)
      mm_vad_remove(Process, vad);
    return STATUS_NO_MEMORY;
  }
  vad->charged = charge;
  vad->section = Section;
  vad->offset = offset;
  vad->shared_view = !copies;
  area->stored |= area->writable && !copies;
  ObReferenceObject(Section);
  InsertTailList(&area->views, &vad->view_entry);
  if (mm_protection_executes(Protect))
    mm_note_code(vad);
  status = set_entries(vad) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
  if (NT_SUCCESS(status) && CommitSize != 0 && area->commit_map != NULL)
    status = mm_commit_view(vad, base, base + PAGE_UP(CommitSize), Protect);
  if (!NT_SUCCESS(status)) {
    mm_remove_view(Process, vad);
    return status;
  }
  *Base = base;
  *ViewSize = size;
  return STATUS_SUCCESS;
}

NTSTATUS MmMapViewOfSection(SECTION *Section, EPROCESS *Process, ULONG64 *Base, ULONG64 ZeroBits, ULONG64 CommitSize,
                            LONG64 *SectionOffset, ULONG64 *ViewSize, ULONG AllocationType, ULONG Protect)
{
  const ULONG64 misaligned = MM_ALLOCATION_GRANULARITY - 1;
  ULONG64 highest = mm_zero_bits_limit(ZeroBits);
  ULONG64 offset = SectionOffset != NULL ? (ULONG64)*SectionOffset : 0;
  if ((AllocationType & ~VALID_TYPES) != 0)
    return STATUS_INVALID_PARAMETER_9;
  if (!mm_protection_valid(Protect))
    return STATUS_INVALID_PAGE_PROTECTION;
  if (highest == 0)
    return STATUS_INVALID_PARAMETER_4;
  if (*Base > MM_HIGHEST_USER_ADDRESS || *ViewSize > MM_HIGHEST_USER_ADDRESS + 1 - *Base)
    return STATUS_INVALID_PARAMETER_3;
  if (((*Base | offset) & misaligned) != 0)
    return STATUS_MAPPED_ALIGNMENT;
  NTSTATUS status = mm_check_process(Process);
  if (status != STATUS_SUCCESS)
    return status;
  if (Section->control_area->image)
    return mm_map_image(Section, Process, Base, highest, ViewSize);
  return map_data(Section, Process, Base, highest, CommitSize, offset, ViewSize, (AllocationType & MEM_TOP_DOWN) != 0,
                  Protect);
}

void mm_remove_view(EPROCESS *Process, struct mm_vad *vad)
{
  address_space *space = Process->Pcb.space;
  SECTION *section = vad->section;
  for (ULONG64 va = vad->start; (va = space_next_pte(space, va, vad->end)) < vad->end; va += PAGE_SIZE)
    (void)space_set_pte(space, va, 0);
  space_unmap_view(space, vad->start, mm_view_host_size(vad));
  mm_uncharge(Process->Vm, vad->charged);
  RemoveEntryList(&vad->view_entry);
  mm_vad_remove(Process, vad);
  ObDereferenceObject(section);
}

NTSTATUS MmUnmapViewOfSection(EPROCESS *Process, ULONG64 Base, ULONG64 *image_base)
{
  if (image_base != NULL)
    *image_base = 0;
  NTSTATUS status = mm_check_process(Process);
  if (status != STATUS_SUCCESS)
    return status;
  struct mm_vad *vad = mm_vad_find(Process->Vm, Base);
  if (vad == NULL || vad->section == NULL)
    return STATUS_NOT_MAPPED_VIEW;
  if (image_base != NULL && vad->type == VAD_IMAGE)
    *image_base = vad->start;
  mm_remove_view(Process, vad);
  return STATUS_SUCCESS;
}

/* ---- SEC_RESERVE ---- */

/* Gives a view entries for those of the section's pages [first, last) that it shows. */
static bool fill_view(struct mm_vad *vad, ULONG64 first, ULONG64 last)
{
  const struct mm_control_area *area = vad->section->control_area;
  address_space *space = vad->process->Pcb.space;
  ULONG64 low = vad->offset / PAGE_SIZE, high = low + (vad->end - vad->start) / PAGE_SIZE;
  ULONG64 flags = mm_protection_copies(vad->protect) ? MM_PTE_CHARGED : 0;
  for (ULONG64 i = first > low ? first : low; i < last && i < high; i++) {
    ULONG64 va = vad->start + (i - low) * PAGE_SIZE;
    if (space_pte(space, va) != 0)
      continue;
    if (!space_set_pte(space, va, mm_withhold(vad, va, mm_pte_make(area->first_pfn + i, vad->protect, flags))))
      return false;
  }
  return true;
}

NTSTATUS mm_commit_view(struct mm_vad *vad, ULONG64 start, ULONG64 end, ULONG protect)
{
  struct mm_control_area *area = vad->section->control_area;
  if (vad->section->FileObject != NULL)
    return STATUS_ALREADY_COMMITTED;
  if (!mm_protection_within(vad->protect, protect) || (vad->shared_view && mm_protection_copies(protect)))
    return STATUS_SECTION_PROTECTION;
  ULONG64 first = (vad->offset + (start - vad->start)) / PAGE_SIZE;
  ULONG64 last = first + (end - start) / PAGE_SIZE, needed = 0;
  for (ULONG64 i = first; i < last; i++)
    needed += mm_area_committed(area, i) ? 0 : 1;
  if (!mm_charge(NULL, needed))
    return STATUS_COMMITMENT_LIMIT;
  area->charged += needed;
  area->committed += needed;
  for (ULONG64 i = first; i < last && area->commit_map != NULL; i++)
    area->commit_map[i / 8] |= (UCHAR)(1u << i % 8);
  /* Another view that gets no page table now takes its entry at the first fault. */
  for (LIST_ENTRY *e = area->views.Flink; e != &area->views; e = e->Flink) {
    struct mm_vad *view = CONTAINING_RECORD(e, struct mm_vad, view_entry);
    if (!fill_view(view, first, last) && view == vad)
      return STATUS_NO_MEMORY;
  }
  if (mm_protection_executes(protect))
    mm_note_code(vad);
  for (ULONG64 va = start; va < end; va += PAGE_SIZE) {
    if ((space_pte(vad->process->Pcb.space, va) & MM_PTE_COPIED) == 0)
      mm_set_protection(vad, va, protect);
  }
  return STATUS_SUCCESS;
}

/* ---- write or execute ---- */

void mm_note_code(struct mm_vad *vad) { vad->section->control_area->has_code = true; }

ULONG64 mm_withhold(const struct mm_vad *vad, ULONG64 va, ULONG64 pte)
{
  if (vad->type != VAD_MAPPED || (pte & MM_PTE_COPIED) != 0)
    return pte;
  const struct mm_control_area *area = vad->section->control_area;
  bool only_view = area->views.Flink == area->views.Blink;
  if (mm_area_page_absent(area, (vad->offset + (va - vad->start)) / PAGE_SIZE))
    pte &= ~PTE_PRESENT;
  return area->has_code && !only_view ? (pte & ~PTE_WRITE) | PTE_NO_EXECUTE : pte;
}

void mm_grant(struct mm_vad *vad, ULONG64 va, enum mm_access Access)
{
  address_space *own = vad->process->Pcb.space;
  ULONG64 offset = vad->offset + (va - vad->start), pte = space_pte(own, va);
  struct mm_control_area *area = vad->section->control_area;
  for (LIST_ENTRY *e = area->views.Flink; e != &area->views; e = e->Flink) {
    struct mm_vad *view = CONTAINING_RECORD(e, struct mm_vad, view_entry);
    if (view == vad || offset < view->offset || offset - view->offset >= view->end - view->start)
      continue;
    address_space *space = view->process->Pcb.space;
    ULONG64 at = view->start + (offset - view->offset), other = space_pte(space, at);
    if ((other & PTE_PRESENT) == 0 || (other & MM_PTE_COPIED) != 0)
      continue;
    if (Access == MM_WRITE) {
      /* What was translated from there is about to change. */
      space_code_changed(space, at, PAGE_SIZE);
      (void)space_set_pte(space, at, other | PTE_NO_EXECUTE);
    } else {
      (void)space_set_pte(space, at, other & ~PTE_WRITE);
    }
  }
  (void)space_set_pte(own, va, Access == MM_WRITE ? pte | PTE_WRITE : pte & ~PTE_NO_EXECUTE);
}
