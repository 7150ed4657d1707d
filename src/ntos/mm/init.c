/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Start and end of mm, of a process's address space, and the accounts of committed pages. */
#include "base/host.h"
#include "ntos/mm/internal.h"

#include <string.h>

#define DEFAULT_COMMIT_LIMIT (2ull << 30)

static void delete_section(void *Object)
{
  SECTION *section = Object;
  if (section->control_area != NULL)
    mm_control_area_release(section->control_area);
  if (section->FileObject != NULL)
    ObDereferenceObject(section->FileObject);
  ExFreePool(section->path);
}

static bool create_shared_data(struct mm_state *state)
{
  state->shared_data_fd = host_memfd("KUSER_SHARED_DATA", MM_ALLOCATION_GRANULARITY);
  if (state->shared_data_fd < 0)
    return false;
  state->shared_data = host_reserve(MM_ALLOCATION_GRANULARITY);
  return state->shared_data != NULL &&
         host_map_fd(state->shared_data, MM_ALLOCATION_GRANULARITY, state->shared_data_fd, 0, false);
}

bool MmInitSystem(const struct mm_config *config)
{
  static const OBJECT_TYPE template = {.Name = "Section",
                                       .PoolTag = POOL_TAG('S', 'e', 'c', 't'),
                                       .GenericMapping = {READ_CONTROL | SECTION_QUERY | SECTION_MAP_READ,
                                                          READ_CONTROL | SECTION_MAP_WRITE,
                                                          READ_CONTROL | SECTION_MAP_EXECUTE, SECTION_ALL_ACCESS},
                                       .ValidAccessMask = 0x1F001F,
                                       .dispatcher_offset = -1,
                                       .DeleteProcedure = delete_section};
  struct mm_state *state = ExAllocatePoolWithTag(sizeof *state, TAG_MM);
  if (state == NULL)
    return false;
  KeGetPcr()->mm = state;
  state->commit_limit = (config->commit_limit != 0 ? config->commit_limit : DEFAULT_COMMIT_LIMIT) / PAGE_SIZE;
  state->next_pfn = 1;
  state->next_image_id = 1;
  state->shared_data_fd = -1;
  InitializeListHead(&state->control_areas);
  ob_types()->Section = ObCreateObjectType(&template);
  if (ob_types()->Section == NULL || !create_shared_data(state)) {
    MmShutdownSystem();
    return false;
  }
  return true;
}

void MmShutdownSystem(void)
{
  struct mm_state *state = mm();
  if (state == NULL)
    return;
  while (!IsListEmpty(&state->control_areas))
    mm_control_area_destroy(CONTAINING_RECORD(state->control_areas.Flink, struct mm_control_area, entry));
  host_release(state->shared_data, MM_ALLOCATION_GRANULARITY);
  host_close(state->shared_data_fd);
  ExFreePool(state);
  KeGetPcr()->mm = NULL;
}

UCHAR *mm_shared_user_data(void) { return mm()->shared_data; }

/* ---- accounts ---- */

bool mm_charge(struct mm_process *process, ULONG64 pages)
{
  struct mm_state *state = mm();
  if (pages > state->commit_limit - state->committed)
    return false;
  state->committed += pages;
  if (process != NULL) {
    process->committed += pages;
    if (process->committed > process->peak)
      process->peak = process->committed;
  }
  return true;
}

void mm_uncharge(struct mm_process *process, ULONG64 pages)
{
  mm()->committed -= pages;
  if (process != NULL)
    process->committed -= pages;
}

ULONG64 mm_committed(void) { return mm()->committed * PAGE_SIZE; }

void mm_process_sizes(const EPROCESS *Process, ULONG64 *committed, ULONG64 *peak, ULONG64 *virtual_size)
{
  const struct mm_process *vm = Process->Vm;
  *committed = vm != NULL ? vm->committed * PAGE_SIZE : 0;
  *peak = vm != NULL ? vm->peak * PAGE_SIZE : 0;
  *virtual_size = vm != NULL ? vm->virtual_size : 0;
}

/* ---- address spaces ---- */

NTSTATUS mm_check_process(const EPROCESS *Process)
{
  if (Process->native)
    return STATUS_ACCESS_DENIED;
  return Process->Vm != NULL && Process->Pcb.space != NULL ? STATUS_SUCCESS : STATUS_PROCESS_IS_TERMINATING;
}

/* The page tables are user addresses to the emulator; an arena may still lie around them. */
static bool reserve_page_tables(EPROCESS *Process)
{
  return mm_vad_create(Process, EMU_PAGE_TABLES_BASE, EMU_PAGE_TABLES_BASE + EMU_PAGE_TABLES_SIZE, VAD_SYSTEM,
                       PAGE_NOACCESS) != NULL;
}

static bool map_shared_data(EPROCESS *Process)
{
  address_space *space = Process->Pcb.space;
  ULONG64 va = MM_SHARED_USER_DATA_VA;
  return space_map_view(space, va, MM_ALLOCATION_GRANULARITY, mm()->shared_data_fd, 0, false, 0) &&
         space_set_pte(space, va, mm_pte_make(0, PAGE_READONLY, 0)) &&
         mm_vad_create(Process, va, va + MM_ALLOCATION_GRANULARITY, VAD_SYSTEM, PAGE_READONLY) != NULL;
}

NTSTATUS MmCreateProcessAddressSpace(EPROCESS *Process)
{
  Process->Vm = ExAllocatePoolWithTag(sizeof *Process->Vm, TAG_MM);
  if (Process->Vm == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  Process->Pcb.space = space_create(KeGetPcr()->emu);
  if (Process->Pcb.space == NULL || !reserve_page_tables(Process) || !map_shared_data(Process)) {
    MmDeleteProcessAddressSpace(Process);
    return STATUS_NO_MEMORY;
  }
  return STATUS_SUCCESS;
}

static void remove_vad(EPROCESS *Process, struct mm_vad *vad)
{
  if (vad->section != NULL) {
    mm_remove_view(Process, vad);
    return;
  }
  if (vad->type == VAD_PRIVATE)
    mm_decommit_private(vad, vad->start, vad->end);
  else if (vad->start == MM_SHARED_USER_DATA_VA) {
    space_set_pte(Process->Pcb.space, vad->start, 0);
    space_unmap_view(Process->Pcb.space, vad->start, MM_ALLOCATION_GRANULARITY);
  }
  mm_vad_remove(Process, vad);
}

void MmCleanProcessAddressSpace(EPROCESS *Process)
{
  const struct mm_process *vm = Process->Vm;
  space_close(Process->Pcb.space);
  while (vm != NULL && vm->count != 0)
    remove_vad(Process, vm->vads[vm->count - 1]);
  space_destroy(Process->Pcb.space);
  Process->Pcb.space = NULL;
}

void MmDeleteProcessAddressSpace(EPROCESS *Process)
{
  struct mm_process *vm = Process->Vm;
  MmCleanProcessAddressSpace(Process);
  if (vm != NULL) {
    ExFreePool(vm->vads);
    ExFreePool(vm);
  }
  Process->Vm = NULL;
}
