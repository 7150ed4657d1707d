/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Detach and keep, as in the library's scenario, but the debuggee is a program: its breakpoint comes out of emulated
 * code. */
#include <dbgksim/explore.h>

#include <check.h>
#include <string.h>

enum { DEBUGGER, DEBUGGEE };

struct state {
  HANDLE object;
  DBGUI_WAIT_STATE_CHANGE load;
};

static void debugger_body(dbgksim_explorer *x, void *state)
{
  struct state *s = state;
  DBGUI_WAIT_STATE_CHANGE change;
  s->object = dbgksim_explore_debug_object(x, false);
  dbgksim_explore_debug(x, s->object, DEBUGGEE);
  dbgksim_explore_wait(x, s->object, -1, &change);
  dbgksim_explore_continue(x, s->object, &change, DBG_CONTINUE);
  dbgksim_explore_wait(x, s->object, -1, &s->load);
  dbgksim_explore_begin(x);
  /* From here the program runs to its first breakpoint. */
  dbgksim_explore_continue(x, s->object, &s->load, DBG_CONTINUE);
  dbgksim_explore_detach(x, s->object, DEBUGGEE);
  dbgksim_explore_wait_process(x, DEBUGGEE);
  dbgksim_explore_close(x, s->object);
}

static void setup(dbgksim_explorer *x, void *state)
{
  const struct dbgksim_program program = {.path = GUEST_PROGRAM_DIR "/g_int3_veh.exe"};
  uint32_t pid = 0;
  (void)state;
  dbgksim_explore_thread(x, dbgksim_explore_process(x, "debugger"), "debugger", debugger_body);
  if (dbgksim_spawn(dbgksim_explore_machine(x), &program, NULL, &pid) != DBGKSIM_OK)
    dbgksim_explore_fail(x, "%s", dbgksim_message(dbgksim_explore_machine(x)));
  dbgksim_explore_spawned(x, "program", pid);
  dbgksim_explore_settle(x);
}

static void check(dbgksim_explorer *x, void *state)
{
  const struct state *s = state;
  NTSTATUS status = dbgksim_explore_exit_status(x, DEBUGGEE);
  if (s->load.NewState != DbgLoadDllStateChange)
    dbgksim_explore_fail(x, "the second event is state %u", s->load.NewState);
  if (status != STATUS_SUCCESS)
    dbgksim_explore_fail(x, "the program ended with %08X", (unsigned)status);
}

static const struct dbgksim_scenario scenario = {"guest-detach-keep", "detach and keep, from a program",
                                                 sizeof(struct state), setup, check};

static struct dbgksim_explore_result explore(struct dbgksim_explore_options *o)
{
  static struct dbgksim_config config;
  struct dbgksim_explore_result r;
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  o->machine = &config;
  ck_assert_msg(dbgksim_explore(&scenario, o, &r) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  return r;
}

START_TEST(two_locks_a_program_can_be_left_at_any_time)
{
  struct dbgksim_explore_options o;
  dbgksim_explore_options_init(&o);
  o.preemptions = 2;
  struct dbgksim_explore_result r = explore(&o);
  ck_assert(r.complete);
  ck_assert_uint_gt(r.schedules, 20);
  for (unsigned k = 0; k < DBGKSIM_FINDING_KINDS; k++)
    ck_assert_msg(!r.findings[k].schedules, "%s: %s\n%s", dbgksim_finding_name((enum dbgksim_finding_kind)k),
                  r.findings[k].what, r.findings[k].steps);
  dbgksim_explore_free(&r);
}
END_TEST

START_TEST(object_mutex_only_a_program_sleeps_for_ever)
{
  static struct dbgksim_explore_result r, again;
  struct dbgksim_explore_options o;
  dbgksim_explore_options_init(&o);
  o.preemptions = 2;
  o.locking = DBGKSIM_OBJECT_MUTEX;
  r = explore(&o);
  const struct dbgksim_finding *f = &r.findings[DBGKSIM_FINDING_ASLEEP];
  ck_assert_uint_gt(f->schedules, 0);
  ck_assert_msg(strstr(f->steps, "DbgkForwardException"), "%s", f->steps);
  o.mode = DBGKSIM_EXPLORE_REPLAY;
  o.replay = f->replay;
  again = explore(&o);
  ck_assert_uint_eq(again.findings[DBGKSIM_FINDING_ASLEEP].schedules, 1);
  ck_assert_str_eq(again.findings[DBGKSIM_FINDING_ASLEEP].steps, f->steps);
  dbgksim_explore_free(&again);
  dbgksim_explore_free(&r);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("explored program");
  TCase *tests = tcase_create("program");
  tcase_add_test(tests, two_locks_a_program_can_be_left_at_any_time);
  tcase_add_test(tests, object_mutex_only_a_program_sleeps_for_ever);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
