/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pool.h"
#include "ntos/ke/ke.h"

#include <string.h>

void *ExAllocatePoolWithTag(size_t size, ULONG tag)
{
  return pool_alloc(KeGetPcr()->pool, size, tag);
}

void ExFreePool(void *block)
{
  if (!ke_quarantine_take(block))
    pool_free(KeGetPcr()->pool, block);
}

void *ExReallocatePool(void *block, size_t size, ULONG tag)
{
  if (!KeGetPcr()->quarantine || !block)
    return pool_realloc(KeGetPcr()->pool, block, size, tag);
  void *moved = ExAllocatePoolWithTag(size, tag);
  if (moved) {
    size_t old = pool_block_size(block);
    memcpy(moved, block, old < size ? old : size);
    ExFreePool(block);
  }
  return moved;
}
