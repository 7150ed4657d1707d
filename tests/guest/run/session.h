/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file session.h  A guest program under the native debugger, for tests of debug events. */
#ifndef TESTS_GUEST_RUN_SESSION_H
#define TESTS_GUEST_RUN_SESSION_H

#include <check.h>
#include <dbgksim/dbgksim.h>

/** One machine, one debugger, one program. */
struct session {
  dbgksim_machine *machine;
  dbgksim_debugger *debugger;
  uint32_t pid;
  struct dbgksim_event event; /**< the event that waits for its continue */
  uint64_t exe, ntdll;        /**< bases, known after their events */
  unsigned breakpoints;       /**< seen so far */
  char lines[8192];           /**< one line per event so far */
  char output[4096];          /**< what the program printed */
};

/** Starts a guest program under a kill-on-close debugger. */
struct session *session_start(const char *program);
/** Waits for the next event, notes its line; false when there is none any more. */
bool session_next(struct session *s);
/** Continues the current event. */
void session_continue(struct session *s, NTSTATUS status);
/** Runs on to the first event of a kind (which then waits for its continue), answering the first breakpoint handled
 *  and all other exceptions with `answer`. Fails the test if there is none. */
void session_run_to(struct session *s, enum dbgksim_event_code code, NTSTATUS answer);
/** Runs to the end as session_run_to does; the exit code. */
uint32_t session_finish(struct session *s, NTSTATUS answer);
/** Ends machine and debugger. */
void session_end(struct session *s);
/** Asserts the lines so far. */
#define session_expect(s, text) ck_assert_str_eq((s)->lines, text)

#endif
