/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file session.h  A machine with its program and its streams, from the options of the command line. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/options.h"

#include <stdio.h>

/** Heads a piece of program output. */
struct session_piece {
  int stream;
  size_t size;
};

struct tape;

struct session {
  const struct options *options;
  dbgksim_machine *machine;
  FILE *trace;       /**< where the trace goes; NULL for run */
  FILE *log;         /**< where remarks of the kernel go, NULL: nowhere */
  FILE *program[2];  /**< where standard output and standard error of programs go */
  bool shares[2];    /**< program[i] shows in one place with the trace */
  bool mid_line;     /**< a program's output stopped inside a line of that place */
  bool colour;       /**< the trace is shown by a terminal */
  bool holds_output; /**< program output waits for session_release, so that it comes in order with records */
  char *held;        /**< pieces: struct session_piece and its bytes */
  size_t held_size;
  struct tape *tape; /**< the run is recorded, or replayed; NULL: neither */
};

/** Opens the streams and builds the machine. CLI_OK, or an exit status after one line about the fault. */
int session_open(struct session *session, const struct options *options, struct tape *tape);
/** Starts the program of the options, under `debugger` unless that is NULL. CLI_OK or an exit status, as above. */
int session_spawn(struct session *session, dbgksim_debugger *debugger, uint32_t *pid);
/** Writes the first JSON Lines record of a trace: what was run, and how. */
void session_write_start(const struct session *session, FILE *out);
/** Writes what a program printed. */
void session_write(struct session *session, int stream, const void *bytes, size_t size);
/** Writes the oldest pieces that are held, at most `count`. */
void session_release(struct session *session, size_t count);
/** Reads standard input; 0 at its end. */
size_t session_read(void *bytes, size_t size);
/** Ends a line that a program left open, so that trace text begins on its own. */
void session_begin_line(struct session *session);
/** One line about a run that did not come to its end; returns the exit status. */
int session_failed(struct session *session, enum dbgksim_status status);
/** False, after one line about the reason, for an exit code that says that the program could not be loaded. */
bool session_loaded(struct session *session, uint32_t pid, NTSTATUS code);
/** Applies the changes of --gate. CLI_OK, or an exit status after one line. */
int session_change_gates(struct session *session);
/** True if what is written to two streams goes to one place. */
bool session_same_place(FILE *a, FILE *b);
/** Destroys the machine and closes the streams; `result`, or CLI_INCOMPLETE if something could not be written. */
int session_close(struct session *session, int result);
/** Makes Ctrl-C interrupt the machine of this session. */
void session_catch_interrupt(struct session *session);

#endif
