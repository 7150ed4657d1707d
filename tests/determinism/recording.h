/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file recording.h  Everything that a run shows, as text: two runs are the same if their recordings are. */
#ifndef TESTS_DETERMINISM_RECORDING_H
#define TESTS_DETERMINISM_RECORDING_H

#include <dbgksim/dbgksim.h>

/** What is run, and how. */
struct run_setup {
  const char *program;  /**< host path */
  const char *userland; /**< as in dbgksim_config */
  uint64_t seed;
  bool random_schedule;
  bool silent; /**< nobody takes the program's output */
  uint8_t prefill;
  uint64_t trace; /**< kinds that are subscribed to, 0 for none */
};

struct run_text {
  char *bytes; /**< NUL-terminated, NULL while empty */
  size_t used, size;
};

struct recording {
  struct run_text trace;  /**< a line per trace record with all its fields */
  struct run_text events; /**< a line per debug event, its state change as bytes */
  struct run_text output; /**< what the program printed */
  uint64_t end_time;      /**< virtual nanoseconds */
  uint32_t exit_code;
};

#define TRACE_ALL (DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_KINDS) - 1)

/** Where a run stands: between two calls of recording_step. A snapshot of the machine goes with a copy of it. */
struct run_state {
  dbgksim_debugger *debugger;
  uint32_t pid;
  bool first_breakpoint; /**< still to come */
  bool pending;          /**< `event` was waited for and not continued */
  bool finished;         /**< EXIT_PROCESS was continued */
  struct dbgksim_event event;
};

/** Creates a machine whose output and trace go to `out`, which must outlive it; NULL after a message on stderr. */
dbgksim_machine *recording_machine(const struct run_setup *setup, struct recording *out);
/** Runs the program once in a machine, under a debugger that lets programs handle their exceptions; false after a
 *  message on stderr. Appends to `out`. */
bool recording_run(dbgksim_machine *machine, const struct run_setup *setup, struct recording *out);
/** The parts of recording_run: starts the program under a debugger. */
bool recording_begin(dbgksim_machine *machine, const struct run_setup *setup, struct run_state *state);
/** Continues the pending event, if there is one, and waits for the next one. */
bool recording_step(struct recording *out, struct run_state *state);
/** Lets the program come to its end. */
bool recording_end(dbgksim_machine *machine, struct recording *out, struct run_state *state);
/** Both in a new machine, which is destroyed. */
bool recording_make(const struct run_setup *setup, struct recording *out);
/** Frees the texts. */
void recording_free(struct recording *recording);
/** NULL if two texts are equal, else a text (static) that shows the first lines that differ. */
const char *recording_difference(const struct run_text *a, const struct run_text *b);

#endif
