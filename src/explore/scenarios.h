/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file scenarios.h  What the scenarios of the library share, and the parts that their table names. */
#ifndef EXPLORE_SCENARIOS_H
#define EXPLORE_SCENARIOS_H

#include <dbgksim/explore.h>

/* Processes are numbered in the order in which they are made. */
enum { DEBUGGEE, DEBUGGER, OTHER };

struct scenario_state {
  HANDLE object;
  NTSTATUS status, other_status;
  bool handled;      /**< the debuggee's exception */
  unsigned attached; /**< debuggers that are attached now */
};

/** Reads and continues events until the debuggee has ended. */
void scenario_pump(dbgksim_explorer *x, HANDLE object);
/** Makes debuggee and debugger, with a thread each. */
void scenario_set_stage(dbgksim_explorer *x, dbgksim_explore_body *debugger, dbgksim_explore_body *debuggee);
/** The debuggee runs under the debugger from its start; its first event is over. */
void scenario_debug_from_start(dbgksim_explorer *x, struct scenario_state *s);

/* Bodies. */

/** Raises one exception. */
void scenario_raise_one(dbgksim_explorer *x, void *state);
/** Raises one exception and maps an image. */
void scenario_busy_body(dbgksim_explorer *x, void *state);
/** Closes the object. */
void scenario_closer_body(dbgksim_explorer *x, void *state);

/* Setups and checks. */

void scenario_unhandled_check(dbgksim_explorer *x, void *state);
void scenario_keep_setup(dbgksim_explorer *x, void *state);
void scenario_wait_setup(dbgksim_explorer *x, void *state);
void scenario_detach_close_setup(dbgksim_explorer *x, void *state);
void scenario_close_setup(dbgksim_explorer *x, void *state);
void scenario_pending_setup(dbgksim_explorer *x, void *state);
void scenario_pending_check(dbgksim_explorer *x, void *state);
void scenario_kill_setup(dbgksim_explorer *x, void *state);
void scenario_kill_check(dbgksim_explorer *x, void *state);
void scenario_attach_race_setup(dbgksim_explorer *x, void *state);
void scenario_attach_race_check(dbgksim_explorer *x, void *state);
void scenario_attach_check(dbgksim_explorer *x, void *state);
void scenario_attach_threads_setup(dbgksim_explorer *x, void *state);
void scenario_exit_attach_setup(dbgksim_explorer *x, void *state);
void scenario_attach_close_setup(dbgksim_explorer *x, void *state);
void scenario_attach_close_check(dbgksim_explorer *x, void *state);
void scenario_dies_setup(dbgksim_explorer *x, void *state);
void scenario_dies_kill_setup(dbgksim_explorer *x, void *state);
void scenario_dies_kill_check(dbgksim_explorer *x, void *state);
void scenario_query_setup(dbgksim_explorer *x, void *state);
void scenario_query_check(dbgksim_explorer *x, void *state);
void scenario_create_setup(dbgksim_explorer *x, void *state);
void scenario_later_setup(dbgksim_explorer *x, void *state);

#endif
