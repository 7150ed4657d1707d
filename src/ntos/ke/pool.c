/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pool.h"
#include "ntos/ke/ke.h"

void *ExAllocatePoolWithTag(size_t size, ULONG tag)
{
  return pool_alloc(KeGetPcr()->pool, size, tag);
}

void ExFreePool(void *block)
{
  pool_free(KeGetPcr()->pool, block);
}

void *ExReallocatePool(void *block, size_t size, ULONG tag)
{
  return pool_realloc(KeGetPcr()->pool, block, size, tag);
}
