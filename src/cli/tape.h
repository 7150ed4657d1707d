/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file tape.h  A run that is being recorded, or replayed (docs/record-replay.md): what `trace` tells of it, and asks.
 */
#ifndef CLI_TAPE_H
#define CLI_TAPE_H

#include "cli/view.h"

struct tape;

struct tape_functions {
  /** The program was started and has not run yet. CLI_OK, or an exit status after one line about the fault. */
  int (*begin)(struct tape *tape, struct view *view);
  /** An event came; its answer may be changed. False: it is not to be shown, and the run stops. */
  bool (*event)(struct tape *tape, struct view *view, struct view_event *event);
  /** The same for an act. */
  bool (*act)(struct tape *tape, struct view *view, enum view_act act, uint32_t pid, uint32_t exit_code);
  /** A program reads standard input. */
  size_t (*input)(struct tape *tape, void *bytes, size_t size);
  /** Everything was shown; the exit status that results from `result`. */
  int (*close)(struct tape *tape, struct view *view, enum dbgksim_status reason, int result);
};

/** What recordings and replays share. */
struct tape {
  const struct tape_functions *functions;
  uint64_t output; /**< digest of what programs wrote so far */
};

/** Adds to the digest of what programs wrote. */
void tape_note_output(struct tape *tape, int stream, const void *bytes, size_t size);
/** Lines of a recording for what happens now (malloc'ed, without the newline); NULL: no memory. */
char *tape_event_line(const struct tape *tape, struct view *view, const struct view_event *event);
char *tape_act_line(const struct tape *tape, struct view *view, enum view_act act, uint32_t pid, uint32_t exit_code);
char *tape_end_line(const struct tape *tape, struct view *view, enum dbgksim_status reason, int result);

/** Makes a tape that records to options->record. CLI_OK, or an exit status after one line about the fault. */
int record_open(const struct options *options, struct tape **tape);
/** Closes and frees it (NULL is allowed); `result`, or CLI_INCOMPLETE if it could not be written. */
int record_close(struct tape *tape, int result);

/** Starts the session's program under a debugger and shows its events; the exit status. */
int trace_program(struct session *session);
/** Shows processes and threads of a run that stopped at an event. */
void state_show(struct view *view, const struct view_event *event);

#endif
