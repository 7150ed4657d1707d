/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Image sections: the laid-out image in a sealed memory file, cached by file, mapped copy-on-write. */
#include "base/host.h"
#include "base/resources.h"
#include "ntos/mm/internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- the control area ---- */

/* What guests can write may make any number of images, so that costs them commitment. */
static bool charge_uncached(struct mm_control_area *area, const struct mm_file_source *source)
{
  ULONG64 pages = source->identity == 0 ? 2 * (PAGE_UP(source->size) / PAGE_SIZE) : 0;
  if (!mm_charge(NULL, pages))
    return false;
  area->charged = pages;
  return true;
}

static bool keep_file_bytes(struct mm_control_area *area, const struct mm_file_source *source)
{
  if (source->malloced != NULL) {
    area->file_bytes = *source->malloced;
    *source->malloced = NULL;
  } else {
    area->file_bytes = malloc(source->size);
    if (area->file_bytes == NULL)
      return false;
    memcpy(area->file_bytes, source->bytes, source->size);
  }
  area->file_size = source->size;
  return resources_add_bytes(KeGetPcr()->resources, area->file_bytes);
}

static bool write_part(void *context, uint32_t rva, uint32_t offset, size_t size)
{
  const struct mm_control_area *area = context;
  return host_pwrite(area->fd, (const UCHAR *)area->file_bytes + offset, size, rva) == (ssize_t)size;
}

/* Written, not copied into a mapping: that would be a page fault for each page. */
static bool build_image(struct mm_control_area *area)
{
  resources *host = KeGetPcr()->resources;
  ULONG64 host_size = GRANULE_UP(area->size);
  area->fd = host_memfd("image", host_size);
  if (area->fd < 0 || !resources_add_fd(host, area->fd) || !pe_for_each_part(area->headers, area->file_size, write_part, area) || !host_memfd_seal(area->fd))
    return false;
  area->image_bytes = host_reserve(host_size);
  return area->image_bytes != NULL && resources_add_mapping(host, area->image_bytes, host_size) &&
         host_map_fd(area->image_bytes, host_size, area->fd, 0, true);
}

static struct mm_control_area *find_cached(const struct mm_file_source *source)
{
  struct mm_state *state = mm();
  for (LIST_ENTRY *e = state->control_areas.Flink; source->identity != 0 && e != &state->control_areas; e = e->Flink) {
    struct mm_control_area *area = CONTAINING_RECORD(e, struct mm_control_area, entry);
    if (area->image && area->identity == source->identity && area->file_size == source->size &&
        memcmp(area->file_bytes, source->bytes, source->size) == 0) {
      if (area->references++ == 0)
        state->cached_images--;
      return area;
    }
  }
  return NULL;
}

NTSTATUS mm_image_control_area(const struct mm_file_source *source, struct mm_control_area **out)
{
  struct mm_control_area *area = find_cached(source);
  *out = area;
  if (area != NULL)
    return STATUS_SUCCESS;
  area = mm_control_area_create();
  if (area == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  area->image = true;
  area->headers = ExAllocatePoolWithTag(sizeof *area->headers, TAG_CONTROL_AREA);
  NTSTATUS status = area->headers != NULL ? pe_check(source->bytes, source->size, area->headers, NULL)
                                          : STATUS_INSUFFICIENT_RESOURCES;
  if (NT_SUCCESS(status)) {
    area->size = PAGE_UP((ULONG64)area->headers->size_of_image);
    area->first_pfn = mm_take_pfns(area->size / PAGE_SIZE);
    area->image_id = mm()->next_image_id++;
    area->identity = source->identity;
    if (!charge_uncached(area, source))
      status = STATUS_COMMITMENT_LIMIT;
    else if (!keep_file_bytes(area, source) || !build_image(area))
      status = STATUS_NO_MEMORY;
  }
  if (!NT_SUCCESS(status)) {
    mm_control_area_destroy(area);
    return status;
  }
  *out = area;
  return STATUS_SUCCESS;
}

/* ---- views ---- */

struct region {
  ULONG64 start, end; /* RVAs, whole pages */
  ULONG protect;
};

/* Region `index` of an image: the headers, then the sections. What lies between is reserved, not committed. */
static bool image_region(const struct pe_headers *headers, ULONG64 size, unsigned index, struct region *out)
{
  if (headers->section_alignment < PAGE_SIZE) {
    *out = (struct region){0, size, PAGE_EXECUTE_WRITECOPY};
    return index == 0;
  }
  if (index > headers->section_count)
    return false;
  if (index == 0) {
    *out = (struct region){0, PAGE_UP((ULONG64)headers->size_of_headers), PAGE_READONLY};
  } else {
    const struct pe_section *s = &headers->sections[index - 1];
    ULONG64 bytes = s->virtual_size != 0 ? s->virtual_size : s->raw_size;
    ULONG protect = pe_section_protection(s->characteristics);
    /* Views are private to the process: shared writable sections are copied too (CAVEATS). */
    if (protect == PAGE_READWRITE || protect == PAGE_EXECUTE_READWRITE)
      protect <<= 1;
    *out =
        (struct region){PAGE_DOWN((ULONG64)s->virtual_address), PAGE_UP((ULONG64)s->virtual_address + bytes), protect};
  }
  if (out->end > size)
    out->end = size;
  return true;
}

static ULONG64 copied_pages(const struct mm_control_area *area)
{
  struct region r;
  ULONG64 pages = 0;
  for (unsigned i = 0; image_region(area->headers, area->size, i, &r); i++) {
    if (mm_protection_copies(r.protect) && r.end > r.start)
      pages += (r.end - r.start) / PAGE_SIZE;
  }
  return pages;
}

static bool set_entries(struct mm_vad *vad, const struct mm_control_area *area)
{
  address_space *space = vad->process->Pcb.space;
  struct region r;
  for (unsigned i = 0; image_region(area->headers, area->size, i, &r); i++) {
    ULONG64 flags = mm_protection_copies(r.protect) ? MM_PTE_CHARGED : 0;
    for (ULONG64 rva = r.start; rva < r.end; rva += PAGE_SIZE) {
      ULONG64 pte = mm_pte_make(area->first_pfn + rva / PAGE_SIZE, r.protect, flags);
      if (!space_set_pte(space, vad->start + rva, pte))
        return false;
    }
  }
  return true;
}

/* Its own base; else where this image was put before; else high, away from what programs ask for by address. */
static ULONG64 choose_base(const EPROCESS *Process, struct mm_control_area *area, ULONG64 highest)
{
  ULONG64 host_size = GRANULE_UP(area->size), preferred = area->headers->image_base;
  const ULONG64 tries[] = {preferred, area->last_base};
  for (unsigned i = 0; i < 2; i++) {
    ULONG64 base = tries[i];
    if (base != 0 && (base & (MM_ALLOCATION_GRANULARITY - 1)) == 0 && base <= highest &&
        host_size - 1 <= highest - base && mm_range_free(Process, base, base + host_size))
      return base;
  }
  area->last_base = mm_find_gap(Process, host_size, highest, true);
  return area->last_base;
}

NTSTATUS mm_map_image(SECTION *Section, EPROCESS *Process, ULONG64 *Base, ULONG64 highest, ULONG64 *ViewSize)
{
  struct mm_control_area *area = Section->control_area;
  ULONG64 host_size = GRANULE_UP(area->size), base = *Base;
  if (*ViewSize > area->size)
    return STATUS_INVALID_VIEW_SIZE;
  if (base == 0)
    base = choose_base(Process, area, highest);
  else if (!mm_range_free(Process, base, base + host_size))
    return STATUS_CONFLICTING_ADDRESSES;
  if (base == 0)
    return STATUS_NO_MEMORY;
  ULONG64 charge = copied_pages(area);
  if (!mm_charge(Process->Vm, charge))
    return STATUS_COMMITMENT_LIMIT;
  struct mm_vad *vad = mm_vad_create(Process, base, base + area->size, VAD_IMAGE, PAGE_EXECUTE_WRITECOPY);
  if (vad == NULL || !space_map_view(Process->Pcb.space, base, host_size, area->fd, 0, true, area->image_id)) {
    mm_uncharge(Process->Vm, charge);
    if (vad != NULL)
      mm_vad_remove(Process, vad);
    return STATUS_NO_MEMORY;
  }
  vad->charged = charge;
  vad->section = Section;
  ObReferenceObject(Section);
  InsertTailList(&area->views, &vad->view_entry);
  if (!set_entries(vad, area)) {
    mm_remove_view(Process, vad);
    return STATUS_NO_MEMORY;
  }
  *Base = base;
  *ViewSize = area->size;
  return base == area->headers->image_base ? STATUS_SUCCESS : STATUS_IMAGE_NOT_AT_BASE;
}
