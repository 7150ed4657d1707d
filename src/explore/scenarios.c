/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scenarios that come with the library. Each is two or three threads and a few events, so that all of its schedules
 * with two preemptions can be run. */
#include "explore/scenarios.h"

void scenario_pump(dbgksim_explorer *x, HANDLE object)
{
  DBGUI_WAIT_STATE_CHANGE change;
  while (dbgksim_explore_wait(x, object, -1, &change) == STATUS_SUCCESS) {
    dbgksim_explore_continue(x, object, &change, DBG_EXCEPTION_NOT_HANDLED);
    if (change.NewState == DbgExitProcessStateChange)
      return;
  }
}

void scenario_raise_one(dbgksim_explorer *x, void *state)
{
  struct scenario_state *s = state;
  dbgksim_explore_begin(x);
  s->handled = dbgksim_explore_raise(x, STATUS_BREAKPOINT);
}

void scenario_set_stage(dbgksim_explorer *x, dbgksim_explore_body *debugger, dbgksim_explore_body *debuggee)
{
  dbgksim_explore_process(x, "debuggee");
  dbgksim_explore_process(x, "debugger");
  dbgksim_explore_thread(x, DEBUGGER, "debugger", debugger);
  dbgksim_explore_thread(x, DEBUGGEE, "debuggee", debuggee);
}

void scenario_debug_from_start(dbgksim_explorer *x, struct scenario_state *s)
{
  DBGUI_WAIT_STATE_CHANGE change;
  s->object = dbgksim_explore_debug_object(x, false);
  dbgksim_explore_debug(x, s->object, DEBUGGEE);
  if (dbgksim_explore_wait(x, s->object, -1, &change) == STATUS_SUCCESS)
    dbgksim_explore_continue(x, s->object, &change, DBG_CONTINUE);
}

void scenario_unhandled_check(dbgksim_explorer *x, void *state)
{
  if (((struct scenario_state *)state)->handled)
    dbgksim_explore_fail(x, "the exception counts as handled, and nobody handled it");
}

void scenario_closer_body(dbgksim_explorer *x, void *state)
{
  struct scenario_state *s = state;
  dbgksim_explore_begin(x);
  s->other_status = dbgksim_explore_close(x, s->object);
}

void scenario_busy_body(dbgksim_explorer *x, void *state)
{
  (void)state;
  dbgksim_explore_begin(x);
  dbgksim_explore_raise(x, STATUS_BREAKPOINT);
  dbgksim_explore_load_image(x);
}

/* ---- nothing but events ---- */

static void events_body(dbgksim_explorer *x, void *state)
{
  struct scenario_state *s = state;
  scenario_debug_from_start(x, s);
  dbgksim_explore_begin(x);
  scenario_pump(x, s->object);
  dbgksim_explore_close(x, s->object);
}

static void events_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  scenario_set_stage(x, events_body, scenario_busy_body);
  dbgksim_explore_settle(x);
}

/* Of two events of a process the second can be read when the first is continued, and not before (fact 8). */
static void one_by_one_body(dbgksim_explorer *x, void *state)
{
  struct scenario_state *s = state;
  DBGUI_WAIT_STATE_CHANGE change, other;
  scenario_debug_from_start(x, s);
  dbgksim_explore_wait(x, s->object, -1, &change);
  dbgksim_explore_continue(x, s->object, &change, DBG_CONTINUE);
  dbgksim_explore_begin(x);
  for (unsigned i = 0; i < 2; i++) {
    dbgksim_explore_wait(x, s->object, -1, &change);
    if (dbgksim_explore_wait(x, s->object, 0, &other) != STATUS_TIMEOUT)
      dbgksim_explore_fail(x, "a second event could be read before the first was continued");
    dbgksim_explore_continue(x, s->object, &change, DBG_EXCEPTION_NOT_HANDLED);
  }
  dbgksim_explore_detach(x, s->object, DEBUGGEE);
  dbgksim_explore_close(x, s->object);
}

static void two_senders_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  scenario_set_stage(x, one_by_one_body, scenario_raise_one);
  dbgksim_explore_thread(x, DEBUGGEE, "second", scenario_raise_one);
  dbgksim_explore_settle(x);
}

static const struct dbgksim_scenario scenarios[] = {
    {"detach-keep", "the debugger detaches, keeps its handle and waits for the process's end",
     sizeof(struct scenario_state), scenario_keep_setup, scenario_unhandled_check},
    {"detach-wait", "the debugger detaches and waits for events", sizeof(struct scenario_state), scenario_wait_setup,
     NULL},
    {"detach-close", "the debugger detaches and closes its handle", sizeof(struct scenario_state),
     scenario_detach_close_setup, scenario_unhandled_check},
    {"close", "the debugger closes its handle", sizeof(struct scenario_state), scenario_close_setup,
     scenario_unhandled_check},
    {"detach-pending", "detach with an event pending, while the process is told to end", sizeof(struct scenario_state),
     scenario_pending_setup, scenario_pending_check},
    {"kill-on-close", "a KILL_ON_CLOSE handle is closed during a wait for events", sizeof(struct scenario_state),
     scenario_kill_setup, scenario_kill_check},
    {"attach-race", "two debuggers attach to one process", sizeof(struct scenario_state), scenario_attach_race_setup,
     scenario_attach_race_check},
    {"attach-threads", "attach while a thread is made and ends", sizeof(struct scenario_state),
     scenario_attach_threads_setup, scenario_attach_check},
    {"attach-close", "attach while the object's only handle is closed", sizeof(struct scenario_state),
     scenario_attach_close_setup, scenario_attach_close_check},
    {"exit-attach", "attach while threads exit", sizeof(struct scenario_state), scenario_exit_attach_setup,
     scenario_attach_check},
    {"debugger-dies", "a debugger is terminated while it attaches and handles events", sizeof(struct scenario_state),
     scenario_dies_setup, NULL},
    {"debugger-dies-kill", "likewise, and its debuggee is to die with it", sizeof(struct scenario_state),
     scenario_dies_kill_setup, scenario_dies_kill_check},
    {"query-close", "a handle to the debug object is asked for while it is closed", sizeof(struct scenario_state),
     scenario_query_setup, scenario_query_check},
    {"create-close", "a debuggee is made while the debug object is closed", sizeof(struct scenario_state),
     scenario_create_setup, scenario_unhandled_check},
    {"reply-later", "an answer of DBG_REPLY_LATER, then detach and close", sizeof(struct scenario_state),
     scenario_later_setup, scenario_unhandled_check},
    {"events", "a debugger handles events from start to end", sizeof(struct scenario_state), events_setup, NULL},
    {"two-senders", "two threads send; the debugger asks again before it continues", sizeof(struct scenario_state),
     two_senders_setup, NULL},
};

const struct dbgksim_scenario *dbgksim_explore_scenarios(size_t *count)
{
  *count = sizeof scenarios / sizeof scenarios[0];
  return scenarios;
}
