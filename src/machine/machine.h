/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file machine.h  The composition root: builds a machine and registers everything with everything. */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "ntos/ke/ke.h"
#include "ntos/ke/trace.h"
#include "ntos/life/life.h"

#include <dbgksim/dbgksim.h>

struct machine_sink {
  dbgksim_trace_fn *fn;
  void *context;
  uint64_t mask;
};
#define MACHINE_MAX_SINKS 8

/** Output of guests that waits to be handed to the user's callback outside the fibers. */
struct machine_output {
  struct machine_output_piece {
    uint64_t sequence; /**< of the trace stream when it was written */
    int stream;
    size_t size, offset;
  } * pieces;
  size_t count, capacity;
  char *bytes;
  size_t used, size;
};

struct dbgksim_machine {
  KPCR pcr;
  EPROCESS *host_process; /**< the API's caller as a native process */
  ETHREAD *host_thread;
  volatile int stop_flag;
  volatile int inside;    /**< a host thread is inside (atomic) */
  KPCR *outer_pcr;        /**< what ki_current_pcr was before machine_enter */
  struct dbgksim_config config;
  struct machine_sink sinks[MACHINE_MAX_SINKS];
  struct machine_output output;
  char message[512];      /**< text of the last failure */
  struct machine_file_cache *files; /**< file bytes by path, for symbols */
};

/** Enters a machine: the caller's stack becomes its host thread's. DBGKSIM_BUSY if another thread is inside. */
enum dbgksim_status machine_enter(struct dbgksim_machine *m);
/** Leaves: hands output and trace records to their sinks, on the caller's stack. */
void machine_leave(struct dbgksim_machine *m);
/** Notes a failure's text and returns `status`. */
enum dbgksim_status machine_fail(struct dbgksim_machine *m, enum dbgksim_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** Turns an NTSTATUS into a public status; the text names what was tried. */
enum dbgksim_status machine_nt(struct dbgksim_machine *m, NTSTATUS status, const char *what);
/** Public status for a host wait that ended with KE_WAIT_STOPPED. */
enum dbgksim_status machine_stopped(struct dbgksim_machine *m);

#endif
