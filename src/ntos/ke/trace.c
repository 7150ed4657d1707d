/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/ke/trace.h"

#include "ntos/ke/ke.h"

#include <string.h>

#define TRACE_FIRST_CAPACITY 256u
/** Records kept while nobody drains; later ones are counted as dropped. */
#define TRACE_MAX_CAPACITY (1u << 17)

/* Makes room for one record; false when the limit or the pool is exhausted. */
static bool grow(struct trace_buffer *buffer)
{
  size_t capacity = buffer->capacity ? buffer->capacity * 2 : TRACE_FIRST_CAPACITY;
  if (capacity > TRACE_MAX_CAPACITY)
    return false;
  struct dbgksim_trace_record *records =
      ExAllocatePoolWithTag(capacity * sizeof *records, POOL_TAG('T', 'r', 'a', 'c'));
  if (!records)
    return false;
  for (size_t i = 0; i < buffer->count; i++)
    records[i] = buffer->records[(buffer->head + i) & (buffer->capacity - 1)];
  ExFreePool(buffer->records);
  buffer->records = records;
  buffer->capacity = capacity;
  buffer->head = 0;
  return true;
}

void trace_emit(enum dbgksim_trace_kind kind, const char *text, ULONG64 a, ULONG64 b, ULONG64 c, ULONG64 d, ULONG64 e,
                ULONG64 f)
{
  struct trace_buffer *buffer = trace_buffer_of(KeGetPcr());
  if (!(buffer->mask >> kind & 1))
    return;
  if (buffer->count == buffer->capacity && !grow(buffer)) {
    buffer->dropped++;
    return;
  }
  struct dbgksim_trace_record *r = &buffer->records[(buffer->head + buffer->count) & (buffer->capacity - 1)];
  memset(r, 0, sizeof *r);
  ETHREAD *thread = PsGetCurrentThread();
  r->sequence = ++buffer->sequence;
  r->nanoseconds = ke_nanoseconds();
  r->pid = (uint32_t)thread->Cid.UniqueProcess;
  r->tid = (uint32_t)thread->Cid.UniqueThread;
  r->kind = kind;
  r->a = a, r->b = b, r->c = c, r->d = d, r->e = e, r->f = f;
  if (text)
    strncpy(r->text, text, sizeof r->text - 1);
  buffer->count++;
}

void trace_select(uint64_t mask)
{
  trace_buffer_of(KeGetPcr())->mask = mask;
}

bool trace_take(struct dbgksim_trace_record *out)
{
  struct trace_buffer *buffer = trace_buffer_of(KeGetPcr());
  if (!buffer->count)
    return false;
  *out = buffer->records[buffer->head];
  buffer->head = (buffer->head + 1) & (buffer->capacity - 1);
  buffer->count--;
  return true;
}
