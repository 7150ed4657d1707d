/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel access to user memory: every byte is checked before the first one moves. */
#include "ntos/mm/internal.h"

#include <string.h>

/* More rounds than one access can need: guard page, then copy-on-write, then the right that another view had. */
#define MAX_FAULTS 4

/* What an access by the kernel raises for a status of MmAccessFault. */
static NTSTATUS fault_status(NTSTATUS status)
{
  return mm_fault_is_in_page_error(status) ? STATUS_IN_PAGE_ERROR : status;
}

NTSTATUS mm_touch(EPROCESS *Process, ULONG64 va, enum mm_access Access)
{
  address_space *space = Process->Pcb.space;
  const ULONG64 needed = PTE_PRESENT | PTE_USER | (Access == MM_WRITE ? PTE_WRITE : 0);
  for (int i = 0; i < MAX_FAULTS; i++) {
    if ((space_pte(space, va) & needed) == needed)
      return STATUS_SUCCESS;
    NTSTATUS status = MmAccessFault(Process, va, Access);
    if (status != STATUS_SUCCESS)
      return fault_status(status);
  }
  return STATUS_ACCESS_VIOLATION;
}

void mm_written(EPROCESS *Process, ULONG64 va, size_t size)
{
  address_space *space = Process->Pcb.space;
  for (ULONG64 page = PAGE_DOWN(va); page < va + size; page += PAGE_SIZE)
    (void)space_set_pte(space, page, space_pte(space, page) | PTE_ACCESSED | PTE_DIRTY);
  space_code_changed(space, va, size);
}

/* ---- the current process ---- */

static bool is_native(const EPROCESS *Process) { return Process->native || Process->Pcb.space == NULL; }

static bool in_user_range(ULONG64 address, size_t size)
{
  return address <= MM_HIGHEST_USER_ADDRESS && size <= MM_HIGHEST_USER_ADDRESS + 1 - address;
}

/* In a native process user addresses are the host's; the lowest ones are nobody's there either. */
static NTSTATUS check_native(ULONG64 address)
{
  return address >= MM_LOWEST_USER_ADDRESS ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
}

static NTSTATUS check_range(EPROCESS *Process, ULONG64 address, size_t size, enum mm_access Access)
{
  if (!in_user_range(address, size))
    return STATUS_ACCESS_VIOLATION;
  for (ULONG64 page = PAGE_DOWN(address); page < address + size; page += PAGE_SIZE) {
    NTSTATUS status = mm_touch(Process, page < address ? address : page, Access);
    if (status != STATUS_SUCCESS)
      return status;
  }
  return STATUS_SUCCESS;
}

/* Bytes from `address` to the end of its page, at most `size`. Arenas that touch are apart on the host. */
static size_t chunk_at(ULONG64 address, size_t size)
{
  size_t chunk = PAGE_SIZE - (address & (PAGE_SIZE - 1));
  return chunk < size ? chunk : size;
}

NTSTATUS mm_user_read(void *to, ULONG64 address, size_t size)
{
  EPROCESS *process = PsGetCurrentProcess();
  if (size == 0)
    return STATUS_SUCCESS;
  if (is_native(process)) {
    NTSTATUS status = check_native(address);
    if (status == STATUS_SUCCESS)
      memcpy(to, (const void *)(uintptr_t)address, size);
    return status;
  }
  NTSTATUS status = check_range(process, address, size, MM_READ);
  if (status != STATUS_SUCCESS)
    return status;
  for (size_t done = 0, chunk; done < size; done += chunk) {
    chunk = chunk_at(address + done, size - done);
    memcpy((UCHAR *)to + done, space_host(process->Pcb.space, address + done, chunk), chunk);
  }
  return STATUS_SUCCESS;
}

NTSTATUS mm_user_write(ULONG64 address, const void *from, size_t size)
{
  EPROCESS *process = PsGetCurrentProcess();
  if (size == 0)
    return STATUS_SUCCESS;
  if (is_native(process)) {
    NTSTATUS status = check_native(address);
    if (status == STATUS_SUCCESS)
      memcpy((void *)(uintptr_t)address, from, size);
    return status;
  }
  NTSTATUS status = check_range(process, address, size, MM_WRITE);
  if (status != STATUS_SUCCESS)
    return status;
  for (size_t done = 0, chunk; done < size; done += chunk) {
    chunk = chunk_at(address + done, size - done);
    memcpy(space_host(process->Pcb.space, address + done, chunk), (const UCHAR *)from + done, chunk);
  }
  mm_written(process, address, size);
  return STATUS_SUCCESS;
}

NTSTATUS mm_user_read_u32(ULONG64 address, ULONG *value) { return mm_user_read(value, address, sizeof *value); }
NTSTATUS mm_user_read_u64(ULONG64 address, ULONG64 *value) { return mm_user_read(value, address, sizeof *value); }
NTSTATUS mm_user_write_u32(ULONG64 address, ULONG value) { return mm_user_write(address, &value, sizeof value); }
NTSTATUS mm_user_write_u64(ULONG64 address, ULONG64 value) { return mm_user_write(address, &value, sizeof value); }

/* As in NT, a probe for reading looks at the address only; what is there shows at the copy. */
NTSTATUS ProbeForRead(ULONG64 address, size_t size, ULONG alignment)
{
  if (size == 0)
    return STATUS_SUCCESS;
  if ((address & (alignment - 1)) != 0)
    return STATUS_DATATYPE_MISALIGNMENT;
  if (is_native(PsGetCurrentProcess()))
    return check_native(address);
  return in_user_range(address, size) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
}

NTSTATUS ProbeForWrite(ULONG64 address, size_t size, ULONG alignment)
{
  EPROCESS *process = PsGetCurrentProcess();
  NTSTATUS status = ProbeForRead(address, size, alignment);
  if (status != STATUS_SUCCESS || size == 0 || is_native(process))
    return status;
  return check_range(process, address, size, MM_WRITE);
}
