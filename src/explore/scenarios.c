/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scenarios that come with the library. Each is two or three threads and a few events, so that all of its schedules
 * with two preemptions can be run. */
#include <dbgksim/explore.h>

#define MILLISECOND 10000

/* Processes are numbered in the order in which they are made. */
enum { DEBUGGEE, DEBUGGER, OTHER };

struct state {
  HANDLE object;
  NTSTATUS status, other_status;
  bool handled;
  unsigned attached;
};

/* Reads and continues events until the debuggee has ended. */
static void pump(dbgksim_explorer *x, HANDLE object)
{
  DBGUI_WAIT_STATE_CHANGE change;
  while (dbgksim_explore_wait(x, object, -1, &change) == STATUS_SUCCESS) {
    dbgksim_explore_continue(x, object, &change, DBG_EXCEPTION_NOT_HANDLED);
    if (change.NewState == DbgExitProcessStateChange)
      return;
  }
}

/* The same after an attach, which may have come too late for any event. */
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

static void raise_one(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  dbgksim_explore_begin(x);
  s->handled = dbgksim_explore_raise(x, STATUS_BREAKPOINT);
}

static void nothing(dbgksim_explorer *x, void *state)
{
  (void)state;
  dbgksim_explore_begin(x);
}

static void set_stage(dbgksim_explorer *x, dbgksim_explore_body *debugger, dbgksim_explore_body *debuggee)
{
  dbgksim_explore_process(x, "debuggee");
  dbgksim_explore_process(x, "debugger");
  dbgksim_explore_thread(x, DEBUGGER, "debugger", debugger);
  dbgksim_explore_thread(x, DEBUGGEE, "debuggee", debuggee);
}

/* The debuggee runs under the debugger from its start; its first event is over. */
static void debug_from_start(dbgksim_explorer *x, struct state *s)
{
  DBGUI_WAIT_STATE_CHANGE change;
  s->object = dbgksim_explore_debug_object(x, false);
  dbgksim_explore_debug(x, s->object, DEBUGGEE);
  if (dbgksim_explore_wait(x, s->object, -1, &change) == STATUS_SUCCESS)
    dbgksim_explore_continue(x, s->object, &change, DBG_CONTINUE);
}

/* ---- detach and close while the debuggee sends ---- */

static void keep_body(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  debug_from_start(x, s);
  dbgksim_explore_begin(x);
  dbgksim_explore_detach(x, s->object, DEBUGGEE);
  dbgksim_explore_wait_process(x, DEBUGGEE);
  dbgksim_explore_close(x, s->object);
}

static void keep_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_stage(x, keep_body, raise_one);
  dbgksim_explore_settle(x);
}

static void wait_body(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  DBGUI_WAIT_STATE_CHANGE change;
  debug_from_start(x, s);
  dbgksim_explore_begin(x);
  dbgksim_explore_detach(x, s->object, DEBUGGEE);
  s->status = dbgksim_explore_wait(x, s->object, MILLISECOND, &change);
  if (s->status == STATUS_SUCCESS)
    dbgksim_explore_continue(x, s->object, &change, DBG_CONTINUE);
  dbgksim_explore_close(x, s->object);
}

static void wait_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_stage(x, wait_body, raise_one);
  dbgksim_explore_settle(x);
}

static void detach_close_body(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  debug_from_start(x, s);
  dbgksim_explore_begin(x);
  dbgksim_explore_detach(x, s->object, DEBUGGEE);
  dbgksim_explore_close(x, s->object);
}

static void detach_close_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_stage(x, detach_close_body, raise_one);
  dbgksim_explore_settle(x);
}

static void close_body(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  debug_from_start(x, s);
  dbgksim_explore_begin(x);
  dbgksim_explore_close(x, s->object);
}

static void close_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_stage(x, close_body, raise_one);
  dbgksim_explore_settle(x);
}

static void unhandled_check(dbgksim_explorer *x, void *state)
{
  if (((struct state *)state)->handled)
    dbgksim_explore_fail(x, "the exception counts as handled, and nobody handled it");
}

/* ---- an event is pending ---- */

static void pending_body(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  DBGUI_WAIT_STATE_CHANGE change;
  debug_from_start(x, s);
  /* Read, and never continued. */
  dbgksim_explore_wait(x, s->object, -1, &change);
  dbgksim_explore_begin(x);
  s->status = dbgksim_explore_detach(x, s->object, DEBUGGEE);
  s->other_status = dbgksim_explore_continue(x, s->object, &change, DBG_CONTINUE);
  dbgksim_explore_close(x, s->object);
}

static void raise_at_once(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  s->handled = dbgksim_explore_raise(x, STATUS_BREAKPOINT);
}

/* Told to end while its event is pending, and while the debugger detaches. */
static void end_debuggee(dbgksim_explorer *x, void *state)
{
  (void)state;
  dbgksim_explore_begin(x);
  dbgksim_explore_terminate(x, DEBUGGEE, STATUS_SUCCESS);
}

static void pending_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_stage(x, pending_body, raise_at_once);
  dbgksim_explore_process(x, "other");
  dbgksim_explore_thread(x, OTHER, "other", end_debuggee);
  dbgksim_explore_settle(x);
}

static void pending_check(dbgksim_explorer *x, void *state)
{
  const struct state *s = state;
  unhandled_check(x, state);
  if (s->status == STATUS_SUCCESS && s->other_status == STATUS_SUCCESS)
    dbgksim_explore_fail(x, "an event could be continued after the detach");
}

/* ---- kill on close during a wait ---- */

static void kill_body(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  DBGUI_WAIT_STATE_CHANGE change;
  s->object = dbgksim_explore_debug_object(x, true);
  dbgksim_explore_debug(x, s->object, DEBUGGEE);
  if (dbgksim_explore_wait(x, s->object, -1, &change) == STATUS_SUCCESS)
    dbgksim_explore_continue(x, s->object, &change, DBG_CONTINUE);
  dbgksim_explore_begin(x);
  while ((s->status = dbgksim_explore_wait(x, s->object, -1, &change)) == STATUS_SUCCESS)
    ;
}

static void closer_body(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  dbgksim_explore_begin(x);
  s->other_status = dbgksim_explore_close(x, s->object);
}

static void kill_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_stage(x, kill_body, raise_one);
  dbgksim_explore_thread(x, DEBUGGER, "closer", closer_body);
  dbgksim_explore_settle(x);
}

static void kill_check(dbgksim_explorer *x, void *state)
{
  const struct state *s = state;
  NTSTATUS exit = dbgksim_explore_exit_status(x, DEBUGGEE);
  unhandled_check(x, state);
  if (s->other_status != STATUS_SUCCESS)
    dbgksim_explore_fail(x, "the close failed: %08X", (unsigned)s->other_status);
  if (s->status != STATUS_DEBUGGER_INACTIVE && s->status != STATUS_INVALID_HANDLE)
    dbgksim_explore_fail(x, "the wait ended with %08X", (unsigned)s->status);
  /* It may have come to its end by itself before. */
  if (exit != STATUS_DEBUGGER_INACTIVE && exit != STATUS_SUCCESS)
    dbgksim_explore_fail(x, "the debuggee ended with %08X", (unsigned)exit);
}

/* ---- attach ---- */

static void attach_and_pump(dbgksim_explorer *x, struct state *s, bool kill_on_close, NTSTATUS *status)
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
  attach_and_pump(x, state, false, &((struct state *)state)->status);
}

static void attach_kill_body(dbgksim_explorer *x, void *state)
{
  attach_and_pump(x, state, true, &((struct state *)state)->status);
}

static void other_attach_body(dbgksim_explorer *x, void *state)
{
  attach_and_pump(x, state, false, &((struct state *)state)->other_status);
}

static void attach_race_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_stage(x, attach_body, raise_one);
  dbgksim_explore_process(x, "other");
  dbgksim_explore_thread(x, OTHER, "other", other_attach_body);
  dbgksim_explore_settle(x);
}

static bool attach_may_fail_with(NTSTATUS status)
{
  /* STATUS_UNSUCCESSFUL: no thread was left to tell of. */
  return status == STATUS_PROCESS_IS_TERMINATING || status == STATUS_UNSUCCESSFUL;
}

static void attach_race_check(dbgksim_explorer *x, void *state)
{
  const struct state *s = state;
  bool first = s->status == STATUS_SUCCESS, second = s->other_status == STATUS_SUCCESS;
  if (!first && s->status != STATUS_PORT_ALREADY_SET && !attach_may_fail_with(s->status))
    dbgksim_explore_fail(x, "debugger: %08X", (unsigned)s->status);
  if (!second && s->other_status != STATUS_PORT_ALREADY_SET && !attach_may_fail_with(s->other_status))
    dbgksim_explore_fail(x, "other: %08X", (unsigned)s->other_status);
}

static void attach_check(dbgksim_explorer *x, void *state)
{
  const struct state *s = state;
  if (s->status != STATUS_SUCCESS && !attach_may_fail_with(s->status))
    dbgksim_explore_fail(x, "the attach gave %08X", (unsigned)s->status);
}

static void short_thread(dbgksim_explorer *x, void *state)
{
  (void)x, (void)state;
}

static void starter_body(dbgksim_explorer *x, void *state)
{
  (void)state;
  dbgksim_explore_begin(x);
  dbgksim_explore_thread(x, DEBUGGEE, "new thread", short_thread);
}

static void attach_threads_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_stage(x, attach_body, starter_body);
  dbgksim_explore_settle(x);
}

static void exit_attach_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_stage(x, attach_body, nothing);
  dbgksim_explore_thread(x, DEBUGGEE, "leaver", nothing);
  dbgksim_explore_settle(x);
}

/* The object's only handle is closed meanwhile, by another thread of the debugger. */
static void attach_once_body(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  s->object = dbgksim_explore_debug_object(x, false);
  dbgksim_explore_begin(x);
  s->status = dbgksim_explore_attach(x, s->object, DEBUGGEE);
}

static void attach_close_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_stage(x, attach_once_body, raise_one);
  dbgksim_explore_thread(x, DEBUGGER, "closer", closer_body);
  dbgksim_explore_settle(x);
}

static void attach_close_check(dbgksim_explorer *x, void *state)
{
  const struct state *s = state;
  unhandled_check(x, state);
  if (s->other_status != STATUS_SUCCESS)
    dbgksim_explore_fail(x, "the close gave %08X", (unsigned)s->other_status);
  if (s->status != STATUS_DEBUGGER_INACTIVE && s->status != STATUS_INVALID_HANDLE)
    attach_check(x, state);
}

/* ---- a debugger dies ---- */

static void killer_body(dbgksim_explorer *x, void *state)
{
  (void)state;
  dbgksim_explore_begin(x);
  dbgksim_explore_terminate(x, DEBUGGER, STATUS_SUCCESS);
}

static void busy_body(dbgksim_explorer *x, void *state)
{
  (void)state;
  dbgksim_explore_begin(x);
  dbgksim_explore_raise(x, STATUS_BREAKPOINT);
  dbgksim_explore_load_image(x);
}

static void set_dying_stage(dbgksim_explorer *x, dbgksim_explore_body *debugger, dbgksim_explore_body *debuggee)
{
  set_stage(x, debugger, debuggee);
  dbgksim_explore_process(x, "killer");
  dbgksim_explore_thread(x, OTHER, "killer", killer_body);
  dbgksim_explore_settle(x);
}

static void dies_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_dying_stage(x, attach_body, busy_body);
}

static void dies_kill_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_dying_stage(x, attach_kill_body, raise_one);
}

static void dies_kill_check(dbgksim_explorer *x, void *state)
{
  NTSTATUS exit = dbgksim_explore_exit_status(x, DEBUGGEE);
  unhandled_check(x, state);
  if (exit != STATUS_DEBUGGER_INACTIVE && exit != STATUS_SUCCESS)
    dbgksim_explore_fail(x, "the debuggee ended with %08X", (unsigned)exit);
}

/* ---- other ways to the object ---- */

/* Its holder keeps the debugger's close from being the last (fact 43). */
static void query_body(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  HANDLE object;
  dbgksim_explore_begin(x);
  s->other_status = dbgksim_explore_query_object(x, DEBUGGEE, &object);
  if (s->other_status == STATUS_SUCCESS)
    dbgksim_explore_close(x, object);
}

static void query_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_stage(x, close_body, raise_one);
  dbgksim_explore_process(x, "other");
  dbgksim_explore_thread(x, OTHER, "other", query_body);
  dbgksim_explore_settle(x);
}

static void query_check(dbgksim_explorer *x, void *state)
{
  const struct state *s = state;
  unhandled_check(x, state);
  if (s->other_status != STATUS_SUCCESS && s->other_status != STATUS_PORT_NOT_SET)
    dbgksim_explore_fail(x, "the query gave %08X", (unsigned)s->other_status);
}

/* A debuggee is made while the object is closed. */
static void create_body(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  s->object = dbgksim_explore_debug_object(x, false);
  dbgksim_explore_begin(x);
  s->status = dbgksim_explore_debug(x, s->object, DEBUGGEE);
  dbgksim_explore_thread(x, DEBUGGEE, "debuggee", raise_one);
  pump(x, s->object);
}

static void create_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  dbgksim_explore_process(x, "debuggee");
  dbgksim_explore_process(x, "debugger");
  dbgksim_explore_thread(x, DEBUGGER, "debugger", create_body);
  dbgksim_explore_thread(x, DEBUGGER, "closer", closer_body);
  dbgksim_explore_settle(x);
}

/* The sender may be on its way to send again, or not yet. */
static void later_body(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  DBGUI_WAIT_STATE_CHANGE change;
  debug_from_start(x, s);
  dbgksim_explore_begin(x);
  if (dbgksim_explore_wait(x, s->object, -1, &change) == STATUS_SUCCESS)
    dbgksim_explore_continue(x, s->object, &change, DBG_REPLY_LATER);
  dbgksim_explore_detach(x, s->object, DEBUGGEE);
  dbgksim_explore_close(x, s->object);
}

static void later_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_stage(x, later_body, raise_one);
  dbgksim_explore_settle(x);
}

/* ---- nothing but events ---- */

static void events_body(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  debug_from_start(x, s);
  dbgksim_explore_begin(x);
  pump(x, s->object);
  dbgksim_explore_close(x, s->object);
}

static void events_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  set_stage(x, events_body, busy_body);
  dbgksim_explore_settle(x);
}

/* Of two events of a process the second can be read when the first is continued, and not before (fact 8). */
static void one_by_one_body(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  DBGUI_WAIT_STATE_CHANGE change, other;
  debug_from_start(x, s);
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
  set_stage(x, one_by_one_body, raise_one);
  dbgksim_explore_thread(x, DEBUGGEE, "second", raise_one);
  dbgksim_explore_settle(x);
}

static const struct dbgksim_scenario scenarios[] = {
    {"detach-keep", "the debugger detaches, keeps its handle and waits for the process's end", sizeof(struct state),
     keep_setup, unhandled_check},
    {"detach-wait", "the debugger detaches and waits for events", sizeof(struct state), wait_setup, NULL},
    {"detach-close", "the debugger detaches and closes its handle", sizeof(struct state), detach_close_setup,
     unhandled_check},
    {"close", "the debugger closes its handle", sizeof(struct state), close_setup, unhandled_check},
    {"detach-pending", "detach with an event pending, while the process is told to end", sizeof(struct state),
     pending_setup, pending_check},
    {"kill-on-close", "a KILL_ON_CLOSE handle is closed during a wait for events", sizeof(struct state), kill_setup,
     kill_check},
    {"attach-race", "two debuggers attach to one process", sizeof(struct state), attach_race_setup,
     attach_race_check},
    {"attach-threads", "attach while a thread is made and ends", sizeof(struct state), attach_threads_setup,
     attach_check},
    {"attach-close", "attach while the object's only handle is closed", sizeof(struct state), attach_close_setup,
     attach_close_check},
    {"exit-attach", "attach while threads exit", sizeof(struct state), exit_attach_setup, attach_check},
    {"debugger-dies", "a debugger is terminated while it attaches and handles events", sizeof(struct state), dies_setup,
     NULL},
    {"debugger-dies-kill", "likewise, and its debuggee is to die with it", sizeof(struct state), dies_kill_setup,
     dies_kill_check},
    {"query-close", "a handle to the debug object is asked for while it is closed", sizeof(struct state), query_setup,
     query_check},
    {"create-close", "a debuggee is made while the debug object is closed", sizeof(struct state), create_setup,
     unhandled_check},
    {"reply-later", "an answer of DBG_REPLY_LATER, then detach and close", sizeof(struct state), later_setup,
     unhandled_check},
    {"events", "a debugger handles events from start to end", sizeof(struct state), events_setup, NULL},
    {"two-senders", "two threads send; the debugger asks again before it continues", sizeof(struct state),
     two_senders_setup, NULL},
};

const struct dbgksim_scenario *dbgksim_explore_scenarios(size_t *count)
{
  *count = sizeof scenarios / sizeof scenarios[0];
  return scenarios;
}
