/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Section objects and the control areas behind them. A data section is a memory file of the host: empty, with a copy of
 * the file's bytes, or filled with them page by page (paging.c). */
#include "base/host.h"
#include "base/resources.h"
#include "ntos/mm/internal.h"

#include <string.h>

/** Largest data section. */
#define MAX_SECTION_SIZE (64ull << 30)

/* ---- control areas ---- */

static void evict_cached_image(void)
{
  struct mm_state *state = mm();
  for (LIST_ENTRY *e = state->control_areas.Flink; e != &state->control_areas; e = e->Flink) {
    struct mm_control_area *area = CONTAINING_RECORD(e, struct mm_control_area, entry);
    if (area->references == 0) {
      state->cached_images--;
      mm_control_area_destroy(area);
      return;
    }
  }
}

struct mm_control_area *mm_control_area_create(void)
{
  struct mm_state *state = mm();
  if (state->control_area_count >= MM_MAX_CONTROL_AREAS && state->cached_images != 0)
    evict_cached_image();
  if (state->control_area_count >= MM_MAX_CONTROL_AREAS)
    return NULL;
  struct mm_control_area *area = ExAllocatePoolWithTag(sizeof *area, TAG_CONTROL_AREA);
  if (area == NULL)
    return NULL;
  area->fd = -1;
  area->references = 1;
  InitializeListHead(&area->views);
  InsertTailList(&state->control_areas, &area->entry);
  state->control_area_count++;
  return area;
}

void mm_control_area_destroy(struct mm_control_area *area)
{
  resources *host = KeGetPcr()->resources;
  RemoveEntryList(&area->entry);
  mm()->control_area_count--;
  mm_uncharge(NULL, area->charged);
  resources_close_fd(host, area->fd);
  resources_free_bytes(host, area->file_bytes);
  resources_unmap(host, area->image_bytes, GRANULE_UP(area->size));
  ExFreePool(area->commit_map);
  ExFreePool(area->resident);
  ExFreePool(area->headers);
  ExFreePool(area);
}

void mm_control_area_release(struct mm_control_area *area)
{
  struct mm_state *state = mm();
  if (--area->references != 0)
    return;
  if (!area->image || area->identity == 0) {
    mm_control_area_destroy(area);
    return;
  }
  RemoveEntryList(&area->entry);
  InsertTailList(&state->control_areas, &area->entry);
  if (++state->cached_images > MM_MAX_CACHED_IMAGES)
    evict_cached_image();
}

bool mm_area_committed(const struct mm_control_area *area, ULONG64 index)
{
  return area->commit_map == NULL || (area->commit_map[index / 8] >> index % 8 & 1) != 0;
}

/* ---- data sections ---- */

/* A copy of a file is host memory as much as the page file is, so it is charged alike. */
static NTSTATUS fill_data_area(struct mm_control_area *area, const struct mm_file_source *source, ULONG64 size,
                               bool reserve_only)
{
  ULONG64 pages = PAGE_UP(size) / PAGE_SIZE;
  area->size = pages * PAGE_SIZE;
  area->first_pfn = mm_take_pfns(pages);
  if (reserve_only) {
    area->commit_map = ExAllocatePoolWithTag(pages / 8 + 1, TAG_CONTROL_AREA);
    if (area->commit_map == NULL)
      return STATUS_INSUFFICIENT_RESOURCES;
  } else {
    if (!mm_charge(NULL, pages))
      return STATUS_COMMITMENT_LIMIT;
    area->charged = pages;
  }
  area->fd = host_memfd("section", GRANULE_UP(size));
  if (area->fd < 0 || !resources_add_fd(KeGetPcr()->resources, area->fd))
    return STATUS_NO_MEMORY;
  if (source != NULL) {
    size_t bytes = source->size < size ? source->size : size;
    if (source->bytes == NULL)
      return mm_prepare_paging(area, source->file_object, bytes);
    if (host_pwrite(area->fd, source->bytes, bytes, 0) != (ssize_t)bytes)
      return STATUS_NO_MEMORY;
  }
  return STATUS_SUCCESS;
}

static NTSTATUS data_control_area(const struct mm_file_source *source, ULONG64 *size, ULONG protect, ULONG attributes,
                                  struct mm_control_area **out)
{
  if (source != NULL) {
    if (*size == 0 && source->size == 0)
      return STATUS_MAPPED_FILE_SIZE_ZERO;
    if (*size == 0)
      *size = source->size;
    if (*size > source->size && (!mm_protection_writes(protect) || mm_protection_copies(protect)))
      return STATUS_SECTION_TOO_BIG;
  } else if (*size == 0) {
    return STATUS_INVALID_PARAMETER_4;
  }
  if (*size > MAX_SECTION_SIZE)
    return STATUS_SECTION_TOO_BIG;
  if (source == NULL)
    *size = PAGE_UP(*size);
  struct mm_control_area *area = mm_control_area_create();
  if (area == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  area->writable = mm_protection_writes(protect) && !mm_protection_copies(protect);
  NTSTATUS status = fill_data_area(area, source, *size, source == NULL && (attributes & SEC_RESERVE) != 0);
  if (!NT_SUCCESS(status)) {
    mm_control_area_destroy(area);
    return status;
  }
  *out = area;
  return STATUS_SUCCESS;
}

/* ---- section objects ---- */

static NTSTATUS check_attributes(const struct mm_file_source *source, ULONG protect, ULONG attributes)
{
  ULONG kind = attributes & (SEC_IMAGE | SEC_RESERVE | SEC_COMMIT);
  if (!mm_protection_valid(protect) || (protect & PAGE_GUARD) != 0)
    return STATUS_INVALID_PAGE_PROTECTION;
  if (kind == 0 || (kind & (kind - 1)) != 0)
    return STATUS_INVALID_PARAMETER_6;
  if (kind == SEC_IMAGE && source == NULL)
    return STATUS_INVALID_FILE_FOR_SECTION;
  return STATUS_SUCCESS;
}

static char *copy_path(const char *path)
{
  size_t size = strlen(path) + 1;
  char *copy = ExAllocatePoolWithTag(size, TAG_CONTROL_AREA);
  if (copy != NULL)
    memcpy(copy, path, size);
  return copy;
}

NTSTATUS MmCreateSection(SECTION **Section, const struct mm_file_source *source, ULONG64 MaximumSize,
                         ULONG PageProtection, ULONG AllocationAttributes)
{
  void *object = NULL;
  struct mm_control_area *area = NULL;
  *Section = NULL;
  NTSTATUS status = check_attributes(source, PageProtection, AllocationAttributes);
  if (!NT_SUCCESS(status))
    return status;
  if ((AllocationAttributes & SEC_IMAGE) != 0) {
    status = mm_image_control_area(source, &area);
    MaximumSize = NT_SUCCESS(status) ? area->headers->size_of_image : 0;
  } else {
    status = data_control_area(source, &MaximumSize, PageProtection, AllocationAttributes, &area);
  }
  if (!NT_SUCCESS(status))
    return status;
  status = ObCreateObject(ob_types()->Section, sizeof(SECTION), &object);
  if (!NT_SUCCESS(status)) {
    mm_control_area_release(area);
    return status;
  }
  SECTION *section = object;
  section->control_area = area;
  section->SizeOfSection = MaximumSize;
  section->AllocationAttributes = AllocationAttributes;
  section->InitialPageProtection = PageProtection;
  if (source != NULL && source->path != NULL) {
    section->path = copy_path(source->path);
    if (section->path == NULL) {
      ObDereferenceObject(section);
      return STATUS_INSUFFICIENT_RESOURCES;
    }
  }
  if (source != NULL && source->file_object != NULL) {
    ObReferenceObject(source->file_object);
    section->FileObject = source->file_object;
  }
  *Section = section;
  return STATUS_SUCCESS;
}

const struct pe_headers *mm_section_headers(const SECTION *Section) { return Section->control_area->headers; }

const char *mm_section_path(const SECTION *Section) { return Section->path; }

const void *mm_section_image(const SECTION *Section) { return Section->control_area->image_bytes; }

const void *mm_section_file_bytes(const SECTION *Section, size_t *size)
{
  *size = Section->control_area->image ? (size_t)Section->control_area->file_size : 0;
  return Section->control_area->file_bytes;
}

SECTION *mm_section_at(EPROCESS *Process, ULONG64 va, ULONG64 *base)
{
  struct mm_vad *vad = NT_SUCCESS(mm_check_process(Process)) ? mm_vad_find(Process->Vm, va) : NULL;
  bool found = vad != NULL && vad->section != NULL;
  if (base != NULL)
    *base = found ? vad->start : 0;
  if (!found)
    return NULL;
  ObReferenceObject(vad->section);
  return vad->section;
}
