/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two threads of a debugger detach from the same process: exactly one may succeed, in every schedule. */
#include <dbgksim/explore.h>

#include <stdio.h>

/* What bodies change lies in the scenario's state: it is put back between schedules. */
struct state {
  HANDLE object;
  NTSTATUS first, second;
};

static unsigned debuggee;

static void debuggee_body(dbgksim_explorer *x, void *state)
{
  (void)state;
  dbgksim_explore_begin(x);
  dbgksim_explore_raise(x, STATUS_BREAKPOINT);
}

static void first_body(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  DBGUI_WAIT_STATE_CHANGE change;
  s->object = dbgksim_explore_debug_object(x, false);
  dbgksim_explore_debug(x, s->object, debuggee);
  dbgksim_explore_wait(x, s->object, -1, &change);
  dbgksim_explore_continue(x, s->object, &change, DBG_CONTINUE);
  dbgksim_explore_begin(x);
  s->first = dbgksim_explore_detach(x, s->object, debuggee);
}

static void second_body(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  dbgksim_explore_begin(x);
  s->second = dbgksim_explore_detach(x, s->object, debuggee);
}

static void setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  unsigned debugger = dbgksim_explore_process(x, "debugger");
  debuggee = dbgksim_explore_process(x, "debuggee");
  dbgksim_explore_thread(x, debugger, "first", first_body);
  dbgksim_explore_thread(x, debuggee, "debuggee", debuggee_body);
  dbgksim_explore_thread(x, debugger, "second", second_body);
  dbgksim_explore_settle(x);
}

static void check(dbgksim_explorer *x, void *state)
{
  const struct state *s = state;
  if ((s->first == STATUS_SUCCESS) == (s->second == STATUS_SUCCESS))
    dbgksim_explore_fail(x, "the detaches gave %08X and %08X", (unsigned)s->first, (unsigned)s->second);
}

int main(void)
{
  const struct dbgksim_scenario scenario = {"detach-twice", "two threads detach", sizeof(struct state), setup, check};
  struct dbgksim_explore_options options;
  struct dbgksim_explore_result result;
  dbgksim_explore_options_init(&options);
  options.preemptions = 2;
  if (dbgksim_explore(&scenario, &options, &result) != DBGKSIM_OK) {
    fprintf(stderr, "%s\n", dbgksim_message(NULL));
    return 2;
  }
  printf("%llu schedules%s, %llu with findings\n", (unsigned long long)result.schedules,
         result.complete ? ", all there are" : "", (unsigned long long)result.found);
  for (int kind = 0; kind < DBGKSIM_FINDING_KINDS; kind++) {
    const struct dbgksim_finding *f = &result.findings[kind];
    if (f->schedules)
      printf("%s: %s\n%sreplay: %s\n", dbgksim_finding_name(kind), f->what, f->steps ? f->steps : "", f->replay);
  }
  int found = result.found != 0;
  dbgksim_explore_free(&result);
  return found;
}
