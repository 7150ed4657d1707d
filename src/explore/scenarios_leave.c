/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A debugger leaves while its debuggee sends: detach, close, and other ways to the debug object meanwhile. */
#include "explore/scenarios.h"

#define MILLISECOND 10000

/* ---- detach and close while the debuggee sends ---- */

static void keep_body(dbgksim_explorer *x, void *state)
{
  struct scenario_state *s = state;
  scenario_debug_from_start(x, s);
  dbgksim_explore_begin(x);
  dbgksim_explore_detach(x, s->object, DEBUGGEE);
  dbgksim_explore_wait_process(x, DEBUGGEE);
  dbgksim_explore_close(x, s->object);
}

void scenario_keep_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  scenario_set_stage(x, keep_body, scenario_raise_one);
  dbgksim_explore_settle(x);
}

static void wait_body(dbgksim_explorer *x, void *state)
{
  struct scenario_state *s = state;
  DBGUI_WAIT_STATE_CHANGE change;
  scenario_debug_from_start(x, s);
  dbgksim_explore_begin(x);
  dbgksim_explore_detach(x, s->object, DEBUGGEE);
  s->status = dbgksim_explore_wait(x, s->object, MILLISECOND, &change);
  if (s->status == STATUS_SUCCESS)
    dbgksim_explore_continue(x, s->object, &change, DBG_CONTINUE);
  dbgksim_explore_close(x, s->object);
}

void scenario_wait_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  scenario_set_stage(x, wait_body, scenario_raise_one);
  dbgksim_explore_settle(x);
}

static void detach_close_body(dbgksim_explorer *x, void *state)
{
  struct scenario_state *s = state;
  scenario_debug_from_start(x, s);
  dbgksim_explore_begin(x);
  dbgksim_explore_detach(x, s->object, DEBUGGEE);
  dbgksim_explore_close(x, s->object);
}

void scenario_detach_close_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  scenario_set_stage(x, detach_close_body, scenario_raise_one);
  dbgksim_explore_settle(x);
}

static void close_body(dbgksim_explorer *x, void *state)
{
  struct scenario_state *s = state;
  scenario_debug_from_start(x, s);
  dbgksim_explore_begin(x);
  dbgksim_explore_close(x, s->object);
}

void scenario_close_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  scenario_set_stage(x, close_body, scenario_raise_one);
  dbgksim_explore_settle(x);
}

/* ---- an event is pending ---- */

static void pending_body(dbgksim_explorer *x, void *state)
{
  struct scenario_state *s = state;
  DBGUI_WAIT_STATE_CHANGE change;
  scenario_debug_from_start(x, s);
  /* Read, and never continued. */
  dbgksim_explore_wait(x, s->object, -1, &change);
  dbgksim_explore_begin(x);
  s->status = dbgksim_explore_detach(x, s->object, DEBUGGEE);
  s->other_status = dbgksim_explore_continue(x, s->object, &change, DBG_CONTINUE);
  dbgksim_explore_close(x, s->object);
}

static void raise_at_once(dbgksim_explorer *x, void *state)
{
  struct scenario_state *s = state;
  s->handled = dbgksim_explore_raise(x, STATUS_BREAKPOINT);
}

/* Told to end while its event is pending, and while the debugger detaches. */
static void end_debuggee(dbgksim_explorer *x, void *state)
{
  (void)state;
  dbgksim_explore_begin(x);
  dbgksim_explore_terminate(x, DEBUGGEE, STATUS_SUCCESS);
}

void scenario_pending_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  scenario_set_stage(x, pending_body, raise_at_once);
  dbgksim_explore_process(x, "other");
  dbgksim_explore_thread(x, OTHER, "other", end_debuggee);
  dbgksim_explore_settle(x);
}

void scenario_pending_check(dbgksim_explorer *x, void *state)
{
  const struct scenario_state *s = state;
  scenario_unhandled_check(x, state);
  if (s->status == STATUS_SUCCESS && s->other_status == STATUS_SUCCESS)
    dbgksim_explore_fail(x, "an event could be continued after the detach");
}

/* ---- kill on close during a wait ---- */

static void kill_body(dbgksim_explorer *x, void *state)
{
  struct scenario_state *s = state;
  DBGUI_WAIT_STATE_CHANGE change;
  s->object = dbgksim_explore_debug_object(x, true);
  dbgksim_explore_debug(x, s->object, DEBUGGEE);
  if (dbgksim_explore_wait(x, s->object, -1, &change) == STATUS_SUCCESS)
    dbgksim_explore_continue(x, s->object, &change, DBG_CONTINUE);
  dbgksim_explore_begin(x);
  while ((s->status = dbgksim_explore_wait(x, s->object, -1, &change)) == STATUS_SUCCESS)
    ;
}

void scenario_kill_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  scenario_set_stage(x, kill_body, scenario_raise_one);
  dbgksim_explore_thread(x, DEBUGGER, "closer", scenario_closer_body);
  dbgksim_explore_settle(x);
}

void scenario_kill_check(dbgksim_explorer *x, void *state)
{
  const struct scenario_state *s = state;
  NTSTATUS exit = dbgksim_explore_exit_status(x, DEBUGGEE);
  scenario_unhandled_check(x, state);
  if (s->other_status != STATUS_SUCCESS)
    dbgksim_explore_fail(x, "the close failed: %08X", (unsigned)s->other_status);
  if (s->status != STATUS_DEBUGGER_INACTIVE && s->status != STATUS_INVALID_HANDLE)
    dbgksim_explore_fail(x, "the wait ended with %08X", (unsigned)s->status);
  /* It may have come to its end by itself before. */
  if (exit != STATUS_DEBUGGER_INACTIVE && exit != STATUS_SUCCESS)
    dbgksim_explore_fail(x, "the debuggee ended with %08X", (unsigned)exit);
}

/* ---- other ways to the object ---- */

/* Its holder keeps the debugger's close from being the last (fact 43). */
static void query_body(dbgksim_explorer *x, void *state)
{
  struct scenario_state *s = state;
  HANDLE object;
  dbgksim_explore_begin(x);
  s->other_status = dbgksim_explore_query_object(x, DEBUGGEE, &object);
  if (s->other_status == STATUS_SUCCESS)
    dbgksim_explore_close(x, object);
}

void scenario_query_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  scenario_set_stage(x, close_body, scenario_raise_one);
  dbgksim_explore_process(x, "other");
  dbgksim_explore_thread(x, OTHER, "other", query_body);
  dbgksim_explore_settle(x);
}

void scenario_query_check(dbgksim_explorer *x, void *state)
{
  const struct scenario_state *s = state;
  scenario_unhandled_check(x, state);
  if (s->other_status != STATUS_SUCCESS && s->other_status != STATUS_PORT_NOT_SET)
    dbgksim_explore_fail(x, "the query gave %08X", (unsigned)s->other_status);
}

/* A debuggee is made while the object is closed. */
static void create_body(dbgksim_explorer *x, void *state)
{
  struct scenario_state *s = state;
  s->object = dbgksim_explore_debug_object(x, false);
  dbgksim_explore_begin(x);
  s->status = dbgksim_explore_debug(x, s->object, DEBUGGEE);
  dbgksim_explore_thread(x, DEBUGGEE, "debuggee", scenario_raise_one);
  scenario_pump(x, s->object);
}

void scenario_create_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  dbgksim_explore_process(x, "debuggee");
  dbgksim_explore_process(x, "debugger");
  dbgksim_explore_thread(x, DEBUGGER, "debugger", create_body);
  dbgksim_explore_thread(x, DEBUGGER, "closer", scenario_closer_body);
  dbgksim_explore_settle(x);
}

/* The sender may be on its way to send again, or not yet. */
static void later_body(dbgksim_explorer *x, void *state)
{
  struct scenario_state *s = state;
  DBGUI_WAIT_STATE_CHANGE change;
  scenario_debug_from_start(x, s);
  dbgksim_explore_begin(x);
  if (dbgksim_explore_wait(x, s->object, -1, &change) == STATUS_SUCCESS)
    dbgksim_explore_continue(x, s->object, &change, DBG_REPLY_LATER);
  dbgksim_explore_detach(x, s->object, DEBUGGEE);
  dbgksim_explore_close(x, s->object);
}

void scenario_later_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  scenario_set_stage(x, later_body, scenario_raise_one);
  dbgksim_explore_settle(x);
}
