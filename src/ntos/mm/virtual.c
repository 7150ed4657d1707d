/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NtAllocateVirtualMemory and NtFreeVirtualMemory, and user stacks. */
#include "ntos/mm/internal.h"

#define MEM_PHYSICAL 0x400000u
#define MEM_RESET_UNDO 0x1000000u
#define MEM_LARGE_PAGES 0x20000000u

#define DEFAULT_STACK_RESERVE 0x100000ull
#define DEFAULT_STACK_COMMIT 0x1000ull

/* ---- allocation ---- */

static NTSTATUS check_type(ULONG type)
{
  const ULONG known = MEM_COMMIT | MEM_RESERVE | MEM_RESET | MEM_RESET_UNDO | MEM_TOP_DOWN | MEM_WRITE_WATCH |
                      MEM_PHYSICAL | MEM_LARGE_PAGES;
  ULONG action = type & (MEM_COMMIT | MEM_RESERVE | MEM_RESET | MEM_RESET_UNDO);
  if ((type & ~known) != 0 || action == 0)
    return STATUS_INVALID_PARAMETER_5;
  /* Resetting goes with nothing else. */
  if ((action & (MEM_RESET | MEM_RESET_UNDO)) != 0 && ((action & (action - 1)) != 0 || (type & ~action) != 0))
    return STATUS_INVALID_PARAMETER_5;
  if ((type & MEM_WRITE_WATCH) != 0 && (type & MEM_RESERVE) == 0)
    return STATUS_INVALID_PARAMETER_5;
  if ((type & MEM_LARGE_PAGES) != 0)
    return STATUS_PRIVILEGE_NOT_HELD;
  return (type & MEM_PHYSICAL) != 0 ? STATUS_INVALID_PARAMETER_5 : STATUS_SUCCESS;
}

static NTSTATUS check_allocation(ULONG64 base, ULONG64 ZeroBits, ULONG64 size, ULONG type, ULONG Protect)
{
  if (mm_zero_bits_limit(ZeroBits) == 0)
    return STATUS_INVALID_PARAMETER_3;
  NTSTATUS status = check_type(type);
  if (status != STATUS_SUCCESS)
    return status;
  if (!mm_protection_valid(Protect))
    return STATUS_INVALID_PAGE_PROTECTION;
  if (base > MM_HIGHEST_USER_ADDRESS)
    return STATUS_INVALID_PARAMETER_2;
  if (size == 0 || size > MM_HIGHEST_USER_ADDRESS + 1 - base)
    return STATUS_INVALID_PARAMETER_4;
  return STATUS_SUCCESS;
}

/* Reserves, and commits if asked to. */
static NTSTATUS reserve(EPROCESS *Process, ULONG64 *Base, ULONG64 ZeroBits, ULONG64 *RegionSize, ULONG type,
                        ULONG Protect)
{
  ULONG64 start, end;
  if (mm_protection_copies(Protect))
    return STATUS_INVALID_PAGE_PROTECTION;
  if (*Base != 0) {
    start = GRANULE_DOWN(*Base);
    end = PAGE_UP(*Base + *RegionSize);
    if (start < MM_LOWEST_USER_ADDRESS)
      return STATUS_INVALID_PARAMETER_2;
    if (!mm_range_free(Process, start, end))
      return STATUS_CONFLICTING_ADDRESSES;
  } else {
    ULONG64 size = PAGE_UP(*RegionSize);
    start = mm_find_gap(Process, size, mm_zero_bits_limit(ZeroBits), (type & MEM_TOP_DOWN) != 0);
    if (start == 0)
      return STATUS_NO_MEMORY;
    end = start + size;
  }
  struct mm_vad *vad = mm_vad_create(Process, start, end, VAD_PRIVATE, Protect);
  if (vad == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  if ((type & MEM_COMMIT) != 0) {
    NTSTATUS status = mm_commit_private(vad, start, end, Protect);
    if (!NT_SUCCESS(status)) {
      mm_vad_remove(Process, vad);
      return status;
    }
  }
  *Base = start;
  *RegionSize = end - start;
  return STATUS_SUCCESS;
}

static NTSTATUS commit(struct mm_vad *vad, ULONG64 start, ULONG64 end, ULONG Protect)
{
  switch (vad->type) {
  case VAD_PRIVATE:
    return mm_protection_copies(Protect) ? STATUS_INVALID_PAGE_PROTECTION : mm_commit_private(vad, start, end, Protect);
  case VAD_MAPPED:
    return mm_commit_view(vad, start, end, Protect);
  default:
    return STATUS_CONFLICTING_ADDRESSES;
  }
}

NTSTATUS MmAllocateVirtualMemory(EPROCESS *Process, ULONG64 *Base, ULONG64 ZeroBits, ULONG64 *RegionSize,
                                 ULONG AllocationType, ULONG Protect)
{
  NTSTATUS status = check_allocation(*Base, ZeroBits, *RegionSize, AllocationType, Protect);
  if (status == STATUS_SUCCESS)
    status = mm_check_process(Process);
  if (status != STATUS_SUCCESS)
    return status;
  if ((AllocationType & MEM_RESERVE) != 0 || (*Base == 0 && (AllocationType & MEM_COMMIT) != 0))
    return reserve(Process, Base, ZeroBits, RegionSize, AllocationType, Protect);
  ULONG64 start = PAGE_DOWN(*Base), end = PAGE_UP(*Base + *RegionSize);
  struct mm_vad *vad = mm_vad_find(Process->Vm, start);
  if (vad == NULL || vad->end < end)
    return STATUS_CONFLICTING_ADDRESSES;
  /* The contents that MEM_RESET gives up may stay; keeping them is a legal outcome. */
  if ((AllocationType & MEM_COMMIT) != 0)
    status = commit(vad, start, end, Protect);
  if (NT_SUCCESS(status)) {
    *Base = start;
    *RegionSize = end - start;
  }
  return status;
}

/* ---- freeing ---- */

/* Gives back [start, end) of a private range, which may leave a piece on either side. */
static NTSTATUS release(EPROCESS *Process, struct mm_vad *vad, ULONG64 start, ULONG64 end)
{
  struct mm_process *vm = Process->Vm;
  if (start == vad->start && end == vad->end) {
    mm_decommit_private(vad, start, end);
    mm_vad_remove(Process, vad);
    return STATUS_SUCCESS;
  }
  if (start > vad->start && end < vad->end) {
    ULONG64 whole_end = vad->end;
    vad->end = end;
    struct mm_vad *upper = mm_vad_create(Process, end, whole_end, VAD_PRIVATE, vad->protect);
    if (upper == NULL) {
      vad->end = whole_end;
      return STATUS_INSUFFICIENT_RESOURCES;
    }
    vm->virtual_size -= whole_end - end;
    address_space *space = Process->Pcb.space;
    for (ULONG64 va = end; (va = space_next_pte(space, va, whole_end)) < whole_end; va += PAGE_SIZE)
      upper->charged++;
    vad->charged -= upper->charged;
  }
  mm_decommit_private(vad, start, end);
  vm->virtual_size -= end - start;
  if (start == vad->start)
    vad->start = end;
  else
    vad->end = start;
  return STATUS_SUCCESS;
}

NTSTATUS MmFreeVirtualMemory(EPROCESS *Process, ULONG64 *Base, ULONG64 *RegionSize, ULONG FreeType)
{
  if (FreeType != MEM_DECOMMIT && FreeType != MEM_RELEASE)
    return STATUS_INVALID_PARAMETER_4;
  if (*Base > MM_HIGHEST_USER_ADDRESS)
    return STATUS_INVALID_PARAMETER_2;
  if (*RegionSize > MM_HIGHEST_USER_ADDRESS + 1 - *Base)
    return STATUS_INVALID_PARAMETER_3;
  NTSTATUS status = mm_check_process(Process);
  if (status != STATUS_SUCCESS)
    return status;
  ULONG64 start = PAGE_DOWN(*Base), end = PAGE_UP(*Base + *RegionSize);
  struct mm_vad *vad = mm_vad_find(Process->Vm, start);
  if (vad == NULL)
    return STATUS_MEMORY_NOT_ALLOCATED;
  if (vad->type == VAD_SYSTEM)
    return STATUS_INVALID_PAGE_PROTECTION; /* as for ranges that MmSecureVirtualMemory holds */
  if (*RegionSize == 0) {
    if (start != vad->start)
      return STATUS_FREE_VM_NOT_AT_BASE;
    end = vad->end;
  }
  if (end > vad->end)
    return STATUS_UNABLE_TO_FREE_VM;
  if (vad->type != VAD_PRIVATE)
    return STATUS_UNABLE_TO_DELETE_SECTION;
  if (FreeType == MEM_DECOMMIT)
    mm_decommit_private(vad, start, end);
  else
    status = release(Process, vad, start, end);
  if (NT_SUCCESS(status)) {
    *Base = start;
    *RegionSize = end - start;
  }
  return status;
}

/* ---- stacks ---- */

static void default_stack(const EPROCESS *Process, ULONG64 *reserve_size, ULONG64 *commit_size)
{
  const struct pe_headers *headers = Process->SectionObject != NULL ? mm_section_headers(Process->SectionObject) : NULL;
  if (*reserve_size == 0)
    *reserve_size = headers != NULL && headers->stack_reserve != 0 ? headers->stack_reserve : DEFAULT_STACK_RESERVE;
  if (*commit_size == 0)
    *commit_size = headers != NULL && headers->stack_commit != 0 ? headers->stack_commit : DEFAULT_STACK_COMMIT;
}

/* As RtlCreateUserStack: the committed part at the top, a guard page below it if there is room. */
NTSTATUS MmCreateUserStack(EPROCESS *Process, ULONG64 reserve_size, ULONG64 commit_size, ULONG64 *allocation_base,
                           ULONG64 *stack_base, ULONG64 *stack_limit)
{
  const ULONG64 megabyte = 1ull << 20;
  default_stack(Process, &reserve_size, &commit_size);
  if (reserve_size > MM_HIGHEST_USER_ADDRESS || commit_size > MM_HIGHEST_USER_ADDRESS)
    return STATUS_NO_MEMORY;
  commit_size = PAGE_UP(commit_size);
  if (commit_size >= reserve_size)
    reserve_size = (commit_size + megabyte - 1) & ~(megabyte - 1);
  reserve_size = GRANULE_UP(reserve_size);
  ULONG64 base = 0, size = reserve_size;
  NTSTATUS status = MmAllocateVirtualMemory(Process, &base, 0, &size, MEM_RESERVE, PAGE_READWRITE);
  if (!NT_SUCCESS(status))
    return status;
  struct mm_vad *vad = mm_vad_find(Process->Vm, base);
  ULONG64 top = base + reserve_size, limit = top - commit_size;
  status = mm_commit_private(vad, limit, top, PAGE_READWRITE);
  if (NT_SUCCESS(status) && limit > base)
    status = mm_commit_private(vad, limit - PAGE_SIZE, limit, PAGE_READWRITE | PAGE_GUARD);
  if (!NT_SUCCESS(status)) {
    (void)release(Process, vad, vad->start, vad->end);
    return status;
  }
  *allocation_base = base;
  *stack_base = top;
  *stack_limit = limit;
  return STATUS_SUCCESS;
}
