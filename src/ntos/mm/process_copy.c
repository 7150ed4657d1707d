/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies to and from the memory of any process, page by page, as far as it goes. */
#include "ntos/mm/internal.h"

#include <string.h>

/* A guard page ends a copy and stays one: it belongs to the process's own threads. */
static bool is_guard(const EPROCESS *Process, ULONG64 va)
{
  return (space_pte(Process->Pcb.space, va) & MM_PTE_GUARD) != 0;
}

/* Read-only code can be written from outside, as a breakpoint; the process then has a page of its own. */
static bool make_writable(EPROCESS *Process, ULONG64 va)
{
  ULONG64 pte = space_pte(Process->Pcb.space, va);
  struct mm_vad *vad = mm_vad_find(Process->Vm, va);
  ULONG protect = pte != 0 ? mm_pte_protection(pte) : PAGE_NOACCESS;
  if (vad == NULL)
    return false;
  if (pte == 0 || mm_protection_writes(protect))
    return mm_touch(Process, va, MM_WRITE) == STATUS_SUCCESS;
  if (!mm_protection_executes(protect) || vad->type == VAD_SYSTEM || vad->shared_view)
    return false;
  if (vad->type == VAD_PRIVATE || (pte & MM_PTE_COPIED) != 0)
    return true;
  return mm_touch(Process, va, MM_READ) == STATUS_SUCCESS && mm_copy_page(vad, PAGE_DOWN(va), protect);
}

static NTSTATUS copy(EPROCESS *Process, ULONG64 address, void *to, const void *from, size_t size, size_t *done)
{
  size_t nobody_asks;
  if (done == NULL)
    done = &nobody_asks;
  *done = 0;
  NTSTATUS status = mm_check_process(Process);
  if (status != STATUS_SUCCESS)
    return status;
  while (*done < size) {
    ULONG64 va = address + *done;
    size_t chunk = PAGE_SIZE - (va & (PAGE_SIZE - 1));
    if (chunk > size - *done)
      chunk = size - *done;
    if (va < address || va > MM_HIGHEST_USER_ADDRESS || is_guard(Process, va))
      return STATUS_PARTIAL_COPY;
    if (from != NULL ? !make_writable(Process, va) : mm_touch(Process, va, MM_READ) != STATUS_SUCCESS)
      return STATUS_PARTIAL_COPY;
    void *host = space_host(Process->Pcb.space, va, chunk);
    if (from != NULL) {
      memcpy(host, (const UCHAR *)from + *done, chunk);
      mm_written(Process, va, chunk);
    } else {
      memcpy((UCHAR *)to + *done, host, chunk);
    }
    *done += chunk;
  }
  return STATUS_SUCCESS;
}

NTSTATUS mm_process_read(EPROCESS *Process, ULONG64 address, void *to, size_t size, size_t *done)
{
  return copy(Process, address, to, NULL, size, done);
}

NTSTATUS mm_process_write(EPROCESS *Process, ULONG64 address, const void *from, size_t size, size_t *done)
{
  return copy(Process, address, NULL, from, size, done);
}
