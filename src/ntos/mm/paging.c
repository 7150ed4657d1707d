/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections of files, page by page: a page is read from the host's file when it is touched first. The host's file is
 * never mapped: whoever cuts it would send us SIGBUS. It is read into the section's memory file, whose end nobody
 * moves. */
#include "base/host.h"
#include "ntos/io/io.h"
#include "ntos/mm/internal.h"

bool mm_area_page_absent(const struct mm_control_area *area, ULONG64 index)
{
  return area->absent != 0 && index < area->file_pages && (area->resident[index / 8] >> index % 8 & 1) == 0;
}

NTSTATUS mm_prepare_paging(struct mm_control_area *area, void *file_object, ULONG64 file_bytes)
{
  ULONG64 pages = PAGE_UP(file_bytes) / PAGE_SIZE;
  area->resident = ExAllocatePoolWithTag(pages / 8 + 1, TAG_CONTROL_AREA);
  if (area->resident == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  area->file = file_object;
  area->paged_bytes = file_bytes;
  area->file_pages = area->absent = pages;
  return STATUS_SUCCESS;
}

/* A page that ends behind the file's present end is zero from there on; one that starts there can not be read. */
static NTSTATUS read_page(struct mm_control_area *area, ULONG64 index)
{
  UCHAR page[PAGE_SIZE];
  ULONG bytes;
  NTSTATUS status = io_read_page(area->file, page, PAGE_SIZE, index * PAGE_SIZE, &bytes);
  if (status != STATUS_SUCCESS)
    return status;
  if (host_pwrite(area->fd, page, bytes, index * PAGE_SIZE) != (ssize_t)bytes)
    return STATUS_NO_MEMORY;
  area->resident[index / 8] |= (UCHAR)(1u << index % 8);
  area->absent--;
  return STATUS_SUCCESS;
}

NTSTATUS mm_page_in(struct mm_vad *vad, ULONG64 va)
{
  address_space *space = vad->process->Pcb.space;
  struct mm_control_area *area = vad->section->control_area;
  ULONG64 index = (vad->offset + (va - vad->start)) / PAGE_SIZE, pte = space_pte(space, va);
  NTSTATUS status = mm_area_page_absent(area, index) ? read_page(area, index) : STATUS_SUCCESS;
  if (status == STATUS_SUCCESS)
    (void)space_set_pte(space, va, mm_withhold(vad, va, mm_pte_protect(pte, mm_pte_protection(pte))));
  return status;
}

void mm_read_ahead(struct mm_control_area *area)
{
  for (ULONG64 i = 0; area->absent != 0 && i < area->file_pages; i++) {
    if (mm_area_page_absent(area, i))
      (void)read_page(area, i);
  }
}

/* ---- what programs do to a file that is mapped ---- */

static bool is_of_file(const struct mm_control_area *area, ULONG64 identity)
{
  const FILE_OBJECT *file = area->file;
  return file != NULL && identity != 0 && file->identity == identity;
}

/* What was translated from [offset, offset+size) of a section is about to change. */
static void drop_code(const struct mm_control_area *area, ULONG64 offset, ULONG64 size)
{
  for (const LIST_ENTRY *e = area->views.Flink; area->has_code && e != &area->views; e = e->Flink) {
    const struct mm_vad *view = CONTAINING_RECORD(e, struct mm_vad, view_entry);
    if (offset >= view->offset && offset - view->offset < view->end - view->start)
      space_code_changed(view->process->Pcb.space, view->start + (offset - view->offset), size);
  }
}

/* An absent page is read later, with what was written. */
static void store(struct mm_control_area *area, ULONG64 offset, const UCHAR *bytes, size_t size)
{
  for (size_t done = 0, chunk; done < size && offset + done < area->size; done += chunk) {
    ULONG64 at = offset + done;
    chunk = PAGE_SIZE - (at & (PAGE_SIZE - 1));
    if (chunk > size - done)
      chunk = size - done;
    if (mm_area_page_absent(area, at / PAGE_SIZE))
      continue;
    drop_code(area, at, chunk);
    if (host_pwrite(area->fd, bytes + done, chunk, at) == (ssize_t)chunk)
      area->stored = true;
  }
}

void mm_file_written(ULONG64 identity, ULONG64 offset, const void *bytes, size_t size)
{
  const struct mm_state *state = mm();
  for (const LIST_ENTRY *e = state->control_areas.Flink; e != &state->control_areas; e = e->Flink) {
    struct mm_control_area *area = CONTAINING_RECORD(e, struct mm_control_area, entry);
    if (is_of_file(area, identity))
      store(area, offset, bytes, size);
  }
}

bool MmCanFileBeTruncated(ULONG64 identity, ULONG64 NewFileSize)
{
  const struct mm_state *state = mm();
  for (const LIST_ENTRY *e = state->control_areas.Flink; e != &state->control_areas; e = e->Flink) {
    const struct mm_control_area *area = CONTAINING_RECORD(e, struct mm_control_area, entry);
    if (is_of_file(area, identity) && NewFileSize < area->paged_bytes)
      return false;
  }
  return true;
}
