/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Freed memory while schedules are explored: it keeps its bytes and is not used again, so that a late use of it is
 * found, and is harmless to the host. What is kept comes back with the snapshot that a schedule starts from. */
#include "base/pool.h"
#include "ntos/ke/ke.h"

struct freed_block {
  uintptr_t start, end;
  const char *freed_by;
  ULONG64 freer;
};

struct ke_quarantine {
  struct ke_freed_use finding; /* valid if finding.block is set */
  uintptr_t low, high;         /* bounds of all blocks, so that most checks are two comparisons */
  size_t count, limit;
  struct freed_block blocks[];
};

bool ke_quarantine_start(size_t limit)
{
  struct ke_quarantine *q =
      ExAllocatePoolWithTag(sizeof *q + limit * sizeof q->blocks[0], POOL_TAG('Q', 'u', 'a', 'r'));
  if (!q)
    return false;
  q->low = UINTPTR_MAX;
  q->limit = limit;
  KeGetPcr()->quarantine = q;
  return true;
}

const struct ke_freed_use *ke_quarantine_finding(void)
{
  const struct ke_quarantine *q = KeGetPcr()->quarantine;
  return q && q->finding.block ? &q->finding : NULL;
}

static const struct freed_block *find(const struct ke_quarantine *q, const void *object)
{
  const uintptr_t at = (uintptr_t)object;
  if (at < q->low || at >= q->high)
    return NULL;
  for (size_t i = 0; i < q->count; i++)
    if (at >= q->blocks[i].start && at < q->blocks[i].end)
      return &q->blocks[i];
  return NULL;
}

bool ke_quarantine_holds(const void *object)
{
  const struct ke_quarantine *q = KeGetPcr()->quarantine;
  return q && find(q, object);
}

void ke_quarantine_check(const void *object)
{
  struct ke_quarantine *q = KeGetPcr()->quarantine;
  const struct freed_block *freed = q->finding.block ? NULL : find(q, object);
  if (!freed)
    return;
  q->finding = (struct ke_freed_use){
      .routine = KeGetCurrentThread()->place,
      .freed_by = freed->freed_by,
      .user = PsGetCurrentThread()->Cid.UniqueThread,
      .freer = freed->freer,
      .block = (const void *)freed->start,
      .size = freed->end - freed->start,
      .offset = (uintptr_t)object - freed->start,
  };
}

bool ke_quarantine_take(void *block)
{
  struct ke_quarantine *q = KeGetPcr()->quarantine;
  if (!q || !block)
    return false;
  if (find(q, block)) {
    ke_quarantine_check(block);
    return true;
  }
  /* Beyond the limit a block is kept all the same, but not known. */
  if (q->count < q->limit) {
    struct freed_block *freed = &q->blocks[q->count++];
    freed->start = (uintptr_t)block;
    freed->end = freed->start + pool_block_size(block);
    freed->freed_by = KeGetCurrentThread()->place;
    freed->freer = PsGetCurrentThread()->Cid.UniqueThread;
    q->low = freed->start < q->low ? freed->start : q->low;
    q->high = freed->end > q->high ? freed->end : q->high;
  }
  return true;
}
