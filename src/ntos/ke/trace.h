/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file trace.h  The one event stream (DESIGN 1.7): probe points in NT routines emit records into a ring that the
 *  client drains on the caller's stack. */
#ifndef NTOS_KE_TRACE_H
#define NTOS_KE_TRACE_H

#include "ntos/inc/pcr.h"

#include <dbgksim/trace.h>

/** True if anybody listens to `kind`: the one branch that a silent probe costs. */
static inline bool trace_on(enum dbgksim_trace_kind kind);

/** Emits a record of the running thread with up to six numbers and a text (cut to the record's size); any may be 0. */
void trace_emit(enum dbgksim_trace_kind kind, const char *text, ULONG64 a, ULONG64 b, ULONG64 c, ULONG64 d, ULONG64 e,
                ULONG64 f);
/** Selects kinds (bit per kind) that are recorded. */
void trace_select(uint64_t mask);
/** Takes the oldest record out. False if none is left. */
bool trace_take(struct dbgksim_trace_record *out);

struct trace_buffer {
  uint64_t mask;
  uint64_t sequence;
  struct dbgksim_trace_record *records; /**< ring in the pool */
  size_t capacity, head, count;
  uint64_t dropped;
};
/** The machine's buffer (first field of ke_state). */
static inline struct trace_buffer *trace_buffer_of(KPCR *pcr) { return (struct trace_buffer *)pcr->ke; }
static inline bool trace_on(enum dbgksim_trace_kind kind)
{
  return (trace_buffer_of(KeGetPcr())->mask >> kind & 1) != 0;
}
/** Emits if somebody listens. */
#define TRACE(kind, text, a, b, c, d)                                                                                  \
  do {                                                                                                                 \
    if (__builtin_expect(trace_on(kind), 0))                                                                           \
      trace_emit(kind, text, (ULONG64)(a), (ULONG64)(b), (ULONG64)(c), (ULONG64)(d), 0, 0);                            \
  } while (0)

#endif
