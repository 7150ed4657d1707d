/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attaching to a process whose threads come and go, and debuggers that die. */
#include "explore/scenarios.h"

/* Reads and continues events after an attach, which may have come too late for any. */
static void pump_attached(dbgksim_explorer *x, HANDLE object)
{
  DBGUI_WAIT_STATE_CHANGE change;
  do {
    dbgksim_explore_wait_events_or_end(x, object, DEBUGGEE);
    if (dbgksim_explore_wait(x, object, 0, &change) != STATUS_SUCCESS)
      change.NewState = DbgIdle;
    else
      dbgksim_explore_continue(x, object, &change, DBG_EXCEPTION_NOT_HANDLED);
  } while (change.NewState != DbgExitProcessStateChange && !dbgksim_explore_ended(x, DEBUGGEE));
}

static void nothing(dbgksim_explorer *x, void *state)
{
  (void)state;
  dbgksim_explore_begin(x);
}

/* ---- attach ---- */

static void attach_and_pump(dbgksim_explorer *x, struct scenario_state *s, bool kill_on_close, NTSTATUS *status)
{
  DBGUI_WAIT_STATE_CHANGE change;
  HANDLE object = dbgksim_explore_debug_object(x, kill_on_close);
  dbgksim_explore_begin(x);
  *status = dbgksim_explore_attach(x, object, DEBUGGEE);
  if (*status == STATUS_SUCCESS) {
    if (s->attached++)
      dbgksim_explore_fail(x, "two debuggers are attached");
    pump_attached(x, object);
    s->attached--;
  } else if (dbgksim_explore_wait(x, object, 0, &change) == STATUS_SUCCESS) {
    dbgksim_explore_fail(x, "an event (state %u) came although the attach failed", change.NewState);
  }
  dbgksim_explore_close(x, object);
}

static void attach_body(dbgksim_explorer *x, void *state)
{
  attach_and_pump(x, state, false, &((struct scenario_state *)state)->status);
}

static void attach_kill_body(dbgksim_explorer *x, void *state)
{
  attach_and_pump(x, state, true, &((struct scenario_state *)state)->status);
}

static void other_attach_body(dbgksim_explorer *x, void *state)
{
  attach_and_pump(x, state, false, &((struct scenario_state *)state)->other_status);
}

void scenario_attach_race_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  scenario_set_stage(x, attach_body, scenario_raise_one);
  dbgksim_explore_process(x, "other");
  dbgksim_explore_thread(x, OTHER, "other", other_attach_body);
  dbgksim_explore_settle(x);
}

static bool attach_may_fail_with(NTSTATUS status)
{
  /* STATUS_UNSUCCESSFUL: no thread was left to tell of. */
  return status == STATUS_PROCESS_IS_TERMINATING || status == STATUS_UNSUCCESSFUL;
}

void scenario_attach_race_check(dbgksim_explorer *x, void *state)
{
  const struct scenario_state *s = state;
  bool first = s->status == STATUS_SUCCESS, second = s->other_status == STATUS_SUCCESS;
  if (!first && s->status != STATUS_PORT_ALREADY_SET && !attach_may_fail_with(s->status))
    dbgksim_explore_fail(x, "debugger: %08X", (unsigned)s->status);
  if (!second && s->other_status != STATUS_PORT_ALREADY_SET && !attach_may_fail_with(s->other_status))
    dbgksim_explore_fail(x, "other: %08X", (unsigned)s->other_status);
}

void scenario_attach_check(dbgksim_explorer *x, void *state)
{
  const struct scenario_state *s = state;
  if (s->status != STATUS_SUCCESS && !attach_may_fail_with(s->status))
    dbgksim_explore_fail(x, "the attach gave %08X", (unsigned)s->status);
}

static void short_thread(dbgksim_explorer *x, void *state) { (void)x, (void)state; }

static void starter_body(dbgksim_explorer *x, void *state)
{
  (void)state;
  dbgksim_explore_begin(x);
  dbgksim_explore_thread(x, DEBUGGEE, "new thread", short_thread);
}

void scenario_attach_threads_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  scenario_set_stage(x, attach_body, starter_body);
  dbgksim_explore_settle(x);
}

void scenario_exit_attach_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  scenario_set_stage(x, attach_body, nothing);
  dbgksim_explore_thread(x, DEBUGGEE, "leaver", nothing);
  dbgksim_explore_settle(x);
}

/* The object's only handle is closed meanwhile, by another thread of the debugger. */
static void attach_once_body(dbgksim_explorer *x, void *state)
{
  struct scenario_state *s = state;
  s->object = dbgksim_explore_debug_object(x, false);
  dbgksim_explore_begin(x);
  s->status = dbgksim_explore_attach(x, s->object, DEBUGGEE);
}

void scenario_attach_close_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  scenario_set_stage(x, attach_once_body, scenario_raise_one);
  dbgksim_explore_thread(x, DEBUGGER, "closer", scenario_closer_body);
  dbgksim_explore_settle(x);
}

void scenario_attach_close_check(dbgksim_explorer *x, void *state)
{
  const struct scenario_state *s = state;
  scenario_unhandled_check(x, state);
  if (s->other_status != STATUS_SUCCESS)
    dbgksim_explore_fail(x, "the close gave %08X", (unsigned)s->other_status);
  if (s->status != STATUS_DEBUGGER_INACTIVE && s->status != STATUS_INVALID_HANDLE)
    scenario_attach_check(x, state);
}

/* ---- a debugger dies ---- */
static void killer_body(dbgksim_explorer *x, void *state)
{
  (void)state;
  dbgksim_explore_begin(x);
  dbgksim_explore_terminate(x, DEBUGGER, STATUS_SUCCESS);
}

static void set_dying_stage(dbgksim_explorer *x, dbgksim_explore_body *debugger, dbgksim_explore_body *debuggee)
{
  scenario_set_stage(x, debugger, debuggee);
  dbgksim_explore_process(x, "killer");
  dbgksim_explore_thread(x, OTHER, "killer", killer_body);
  dbgksim_explore_settle(x);
}

void scenario_dies_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_dying_stage(x, attach_body, scenario_busy_body);
}

void scenario_dies_kill_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_dying_stage(x, attach_kill_body, scenario_raise_one);
}

void scenario_dies_kill_check(dbgksim_explorer *x, void *state)
{
  NTSTATUS exit = dbgksim_explore_exit_status(x, DEBUGGEE);
  scenario_unhandled_check(x, state);
  if (exit != STATUS_DEBUGGER_INACTIVE && exit != STATUS_SUCCESS)
    dbgksim_explore_fail(x, "the debuggee ended with %08X", (unsigned)exit);
}
