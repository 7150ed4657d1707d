/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address ranges of a process: a sorted array of pointers, searched by halving. */
#include "ntos/mm/internal.h"

#include <string.h>

#define FIRST_CAPACITY 32u

ULONG mm_vad_index(const struct mm_process *process, ULONG64 va)
{
  ULONG low = 0, high = process->count;
  while (low < high) {
    ULONG middle = low + (high - low) / 2;
    if (process->vads[middle]->end > va)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

struct mm_vad *mm_vad_find(const struct mm_process *process, ULONG64 va)
{
  ULONG index = mm_vad_index(process, va);
  return index < process->count && process->vads[index]->start <= va ? process->vads[index] : NULL;
}

bool mm_range_free(const EPROCESS *Process, ULONG64 start, ULONG64 end)
{
  const struct mm_process *vm = Process->Vm;
  if (start < MM_LOWEST_USER_ADDRESS || end <= start || end - 1 > MM_HIGHEST_USER_ADDRESS)
    return false;
  if (space_host(Process->Pcb.space, start, end - start) == NULL)
    return false;
  ULONG index = mm_vad_index(vm, start);
  return index == vm->count || vm->vads[index]->start >= end;
}

static bool make_room(struct mm_process *vm)
{
  if (vm->count < vm->capacity)
    return true;
  ULONG capacity = vm->capacity == 0 ? FIRST_CAPACITY : vm->capacity * 2;
  struct mm_vad **grown = vm->vads == NULL ? ExAllocatePoolWithTag(capacity * sizeof *grown, TAG_VAD)
                                           : ExReallocatePool(vm->vads, capacity * sizeof *grown, TAG_VAD);
  if (grown == NULL)
    return false;
  vm->vads = grown;
  vm->capacity = capacity;
  return true;
}

struct mm_vad *mm_vad_create(EPROCESS *Process, ULONG64 start, ULONG64 end, enum mm_vad_type type, ULONG protect)
{
  struct mm_process *vm = Process->Vm;
  struct mm_vad *vad = make_room(vm) ? ExAllocatePoolWithTag(sizeof *vad, TAG_VAD) : NULL;
  if (vad == NULL)
    return NULL;
  *vad = (struct mm_vad){.start = start, .end = end, .type = type, .protect = protect, .process = Process};
  InitializeListHead(&vad->view_entry);
  ULONG index = mm_vad_index(vm, start);
  memmove(&vm->vads[index + 1], &vm->vads[index], (vm->count - index) * sizeof vm->vads[0]);
  vm->vads[index] = vad;
  vm->count++;
  if (type != VAD_SYSTEM)
    vm->virtual_size += end - start;
  return vad;
}

void mm_vad_remove(EPROCESS *Process, struct mm_vad *vad)
{
  struct mm_process *vm = Process->Vm;
  ULONG index = mm_vad_index(vm, vad->start);
  memmove(&vm->vads[index], &vm->vads[index + 1], (vm->count - index - 1) * sizeof vm->vads[0]);
  vm->count--;
  if (vad->type != VAD_SYSTEM)
    vm->virtual_size -= vad->end - vad->start;
  ExFreePool(vad);
}

/* ---- free room ---- */

static ULONG64 gap_upwards(const struct mm_process *vm, ULONG64 low, ULONG64 high, ULONG64 size)
{
  ULONG64 at = GRANULE_UP(low);
  for (ULONG i = mm_vad_index(vm, at); at <= high && size <= high - at; i++) {
    if (i == vm->count || vm->vads[i]->start >= at + size)
      return at;
    at = GRANULE_UP(vm->vads[i]->end);
  }
  return 0;
}

static ULONG64 gap_downwards(const struct mm_process *vm, ULONG64 low, ULONG64 high, ULONG64 size)
{
  ULONG i = mm_vad_index(vm, high - 1);
  if (i < vm->count && vm->vads[i]->start < high)
    i++;
  while (high > low && size <= high - low) {
    ULONG64 at = GRANULE_DOWN(high - size);
    if (at < low)
      return 0;
    if (i == 0 || vm->vads[i - 1]->end <= at)
      return at;
    high = vm->vads[--i]->start;
  }
  return 0;
}

ULONG64 mm_find_gap(const EPROCESS *Process, ULONG64 size, ULONG64 highest, bool top_down)
{
  unsigned count;
  const struct emu_arena *arenas = space_arenas(Process->Pcb.space, &count);
  if (size == 0)
    return 0;
  for (unsigned i = 0; i < count; i++) {
    const struct emu_arena *arena = &arenas[top_down ? count - 1 - i : i];
    ULONG64 low = arena->base, high = arena->base + arena->size;
    if (low < MM_LOWEST_USER_ADDRESS)
      low = MM_LOWEST_USER_ADDRESS;
    if (high > MM_HIGHEST_USER_ADDRESS + 1)
      high = MM_HIGHEST_USER_ADDRESS + 1;
    if (high - 1 > highest)
      high = highest + 1;
    if (low >= high)
      continue;
    ULONG64 at = (top_down ? gap_downwards : gap_upwards)(Process->Vm, low, high, size);
    if (at != 0)
      return at;
  }
  return 0;
}

ULONG64 mm_zero_bits_limit(ULONG64 ZeroBits)
{
  if (ZeroBits == 0)
    return MM_HIGHEST_USER_ADDRESS;
  if (ZeroBits < 32)
    return ZeroBits <= 21 ? 0xFFFFFFFFull >> ZeroBits : 0;
  /* Above 31 it is a mask: its highest bit is the highest that an address may have. */
  ULONG64 mask = ~0ull >> __builtin_clzll(ZeroBits);
  return mask < MM_HIGHEST_USER_ADDRESS ? mask : MM_HIGHEST_USER_ADDRESS;
}
