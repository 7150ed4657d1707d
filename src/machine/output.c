/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What leaves a machine: program output and trace records, handed over on the caller's stack only (DESIGN 1.3). */
#include "machine/machine.h"

#include <string.h>

void machine_console_write(void *context, int stream, const void *bytes, size_t size)
{
  dbgksim_machine *m = context;
  struct machine_output *out = &m->output;
  const struct machine_piece piece = {(uint32_t)stream, (uint32_t)size};
  if (!size)
    return;
  size_t need = out->used + sizeof piece + size;
  if (need > out->size) {
    char *grown = ExReallocatePool(out->bytes, need * 2, POOL_TAG('O', 'u', 't', 'p'));
    if (!grown)
      return;
    out->bytes = grown;
    out->size = need * 2;
  }
  memcpy(out->bytes + out->used, &piece, sizeof piece);
  memcpy(out->bytes + out->used + sizeof piece, bytes, size);
  out->used = need;
  TRACE(DBGKSIM_TRACE_OUTPUT, NULL, stream, size, 0, 0);
  if (m->running_programs || out->used > MACHINE_OUTPUT_LIMIT)
    ke_wake_host();
}

size_t machine_console_read(void *context, void *bytes, size_t size)
{
  dbgksim_machine *m = context;
  struct machine_input *in = &m->input;
  ExAcquireFastMutex(&in->lock);
  in->bytes = bytes;
  in->size = size;
  in->moved = 0;
  in->wanted = true;
  ke_wake_host();
  KeWaitForSingleObject(&in->done, UserRequest, KernelMode, FALSE, NULL);
  size_t moved = in->moved;
  ExReleaseFastMutex(&in->lock);
  return moved;
}

void machine_call_host(dbgksim_machine *m, void (*fn)(void *argument), void *argument)
{
  struct machine_call *call = &m->call;
  ExAcquireFastMutex(&call->lock);
  call->argument = argument;
  call->fn = fn;
  ke_wake_host();
  KeWaitForSingleObject(&call->done, UserRequest, KernelMode, FALSE, NULL);
  ExReleaseFastMutex(&call->lock);
}

/* Receivers may not enter the machine: it is still ours. */
void machine_flush(dbgksim_machine *m)
{
  struct machine_output *out = &m->output;
  struct dbgksim_trace_record record;
  if (m->pcr.CurrentThread != &m->host_thread->Tcb)
    return;
  for (size_t at = 0; at < out->used;) {
    struct machine_piece piece;
    memcpy(&piece, out->bytes + at, sizeof piece);
    if (m->output_fn)
      m->output_fn(m->io_context, (int)piece.stream, out->bytes + at + sizeof piece, piece.size);
    at += sizeof piece + piece.size;
  }
  out->used = 0;
  if (!trace_buffer_of(&m->pcr)->mask)
    return;
  while (trace_take(&record))
    for (unsigned i = 0; i < MACHINE_MAX_SINKS; i++)
      if (m->sinks[i].mask >> record.kind & 1)
        m->sinks[i].fn(m->sinks[i].context, &record);
}

void machine_serve(dbgksim_machine *m)
{
  struct machine_input *in = &m->input;
  struct machine_call *call = &m->call;
  machine_flush(m);
  if (m->pcr.CurrentThread != &m->host_thread->Tcb)
    return;
  if (call->fn) {
    call->fn(call->argument);
    call->fn = NULL;
    KeSetEvent(&call->done);
  }
  if (!in->wanted)
    return;
  in->moved = m->input_fn(m->io_context, in->bytes, in->size);
  in->wanted = false;
  KeSetEvent(&in->done);
}

enum dbgksim_status dbgksim_trace_subscribe(dbgksim_machine *m, uint64_t mask, dbgksim_trace_fn *fn, void *context)
{
  enum dbgksim_status status = machine_enter(m);
  struct machine_sink *sink = NULL;
  uint64_t all = 0;
  if (status != DBGKSIM_OK)
    return status;
  for (unsigned i = 0; i < MACHINE_MAX_SINKS; i++)
    if (m->sinks[i].mask && m->sinks[i].fn == fn && m->sinks[i].context == context)
      sink = &m->sinks[i];
  for (unsigned i = 0; i < MACHINE_MAX_SINKS && !sink; i++)
    if (!m->sinks[i].mask)
      sink = &m->sinks[i];
  if (!sink || (mask && !fn)) {
    status = machine_fail(m, DBGKSIM_BAD_ARGUMENT, "dbgksim_trace_subscribe: %s",
                          fn ? "all subscriptions are taken" : "no function");
  } else {
    *sink = (struct machine_sink){fn, context, mask};
    for (unsigned i = 0; i < MACHINE_MAX_SINKS; i++)
      all |= m->sinks[i].mask;
    trace_select(all);
  }
  machine_leave(m);
  return status;
}
