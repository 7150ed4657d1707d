/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scenarios that come with the library: nothing is found with both locks; the variants and the planted bug are. */
#include <dbgksim/explore.h>

#include <check.h>
#include <string.h>

/** A systematic space that a test runs whole. */
#define LIMIT 200000

static const struct dbgksim_scenario *scenario(const char *name)
{
  size_t count;
  const struct dbgksim_scenario *s = dbgksim_explore_scenarios(&count);
  for (size_t i = 0; i < count; i++)
    if (strcmp(s[i].name, name) == 0)
      return &s[i];
  ck_abort_msg("no scenario %s", name);
  return NULL;
}

static struct dbgksim_explore_options options(enum dbgksim_locking locking)
{
  struct dbgksim_explore_options o;
  dbgksim_explore_options_init(&o);
  o.locking = locking;
  return o;
}

static struct dbgksim_explore_result explore(const struct dbgksim_scenario *s, const struct dbgksim_explore_options *o)
{
  struct dbgksim_explore_result r;
  ck_assert_msg(dbgksim_explore(s, o, &r) == DBGKSIM_OK, "%s: %s", s->name, dbgksim_message(NULL));
  return r;
}

static void ck_nothing(const struct dbgksim_scenario *s, const struct dbgksim_explore_result *r)
{
  for (unsigned k = 0; k < DBGKSIM_FINDING_KINDS; k++)
    ck_assert_msg(!r->findings[k].schedules, "%s: %s: %s [%s]\n%s", s->name,
                  dbgksim_finding_name((enum dbgksim_finding_kind)k), r->findings[k].what, r->findings[k].replay,
                  r->findings[k].steps);
  ck_assert_uint_eq(r->found, 0);
}

static struct dbgksim_explore_result all_within(const char *name, unsigned preemptions, enum dbgksim_locking locking)
{
  struct dbgksim_explore_options o = options(locking);
  o.preemptions = preemptions;
  o.schedules = LIMIT;
  struct dbgksim_explore_result r = explore(scenario(name), &o);
  ck_assert_msg(r.complete, "%s: more than %d schedules", name, LIMIT);
  ck_assert_uint_ge(r.schedules, preemptions ? 10 : 2);
  return r;
}

/* The finding's replay string finds the same again, and its text names what the reader needs. */
static void ck_found(const char *name, const struct dbgksim_explore_options *how,
                     const struct dbgksim_explore_result *r, enum dbgksim_finding_kind kind, const char *in_steps)
{
  const struct dbgksim_finding *f = &r->findings[kind];
  ck_assert_msg(f->schedules > 0, "%s: no finding of the kind %s", name, dbgksim_finding_name(kind));
  ck_assert_msg(strstr(f->steps, in_steps), "%s: '%s' is not in\n%s", name, in_steps, f->steps);
  struct dbgksim_explore_options o = *how;
  o.mode = DBGKSIM_EXPLORE_REPLAY;
  o.replay = f->replay;
  struct dbgksim_explore_result again = explore(scenario(name), &o);
  ck_assert_uint_eq(again.schedules, 1);
  ck_assert_msg(again.findings[kind].schedules == 1, "%s: %s does not find it again", name, f->replay);
  ck_assert_str_eq(again.findings[kind].what, f->what);
  ck_assert_str_eq(again.findings[kind].steps, f->steps);
  ck_assert_str_eq(again.findings[kind].replay, f->replay);
  dbgksim_explore_free(&again);
}

/* ---- as Windows ---- */

START_TEST(nothing_within_one_preemption)
{
  size_t count;
  const struct dbgksim_scenario *s = &dbgksim_explore_scenarios(&count)[_i];
  struct dbgksim_explore_result r = all_within(s->name, 1, DBGKSIM_BOTH_LOCKS);
  ck_nothing(s, &r);
  dbgksim_explore_free(&r);
}
END_TEST

START_TEST(nothing_in_random_schedules)
{
  size_t count;
  const struct dbgksim_scenario *s = &dbgksim_explore_scenarios(&count)[_i];
  struct dbgksim_explore_options o = options(DBGKSIM_BOTH_LOCKS);
  o.mode = DBGKSIM_EXPLORE_RANDOM;
  o.schedules = 3000;
  struct dbgksim_explore_result r = explore(s, &o);
  ck_nothing(s, &r);
  ck_assert_uint_eq(r.schedules, 3000);
  ck_assert_uint_gt(r.most_preemptions, 3);
  dbgksim_explore_free(&r);
}
END_TEST

/* Those whose whole space takes no more than a moment; the first four are the experiment's. */
static const char *const experiment[] = {"detach-keep",    "detach-wait",   "detach-close", "close",
                                         "detach-pending", "kill-on-close", "attach-close", "query-close",
                                         "reply-later",    "events"};

START_TEST(two_locks_nothing_within_two_preemptions)
{
  struct dbgksim_explore_result r = all_within(experiment[_i], 2, DBGKSIM_BOTH_LOCKS);
  ck_nothing(scenario(experiment[_i]), &r);
  dbgksim_explore_free(&r);
}
END_TEST

START_TEST(two_locks_nothing_in_100000_random_schedules)
{
  struct dbgksim_explore_options o = options(DBGKSIM_BOTH_LOCKS);
  o.mode = DBGKSIM_EXPLORE_RANDOM;
  o.schedules = 100000;
  o.seed = 2;
  struct dbgksim_explore_result r = explore(scenario(experiment[_i]), &o);
  ck_nothing(scenario(experiment[_i]), &r);
  ck_assert_uint_eq(r.schedules, 100000);
  dbgksim_explore_free(&r);
}
END_TEST

/* ---- why two locks (spec/2.3) ---- */

START_TEST(object_mutex_only_detach_and_keep_hangs)
{
  struct dbgksim_explore_options o = options(DBGKSIM_OBJECT_MUTEX);
  struct dbgksim_explore_result r = all_within("detach-keep", 1, DBGKSIM_OBJECT_MUTEX);
  ck_found("detach-keep", &o, &r, DBGKSIM_FINDING_ASLEEP, "debuggee     sleeps in DbgkpQueueMessage");
  ck_found("detach-keep", &o, &r, DBGKSIM_FINDING_LATE, "preempted");
  ck_assert_uint_eq(r.findings[DBGKSIM_FINDING_FREED].schedules, 0);
  ck_assert_uint_eq(r.findings[DBGKSIM_FINDING_ASLEEP].preemptions, 1);
  dbgksim_explore_free(&r);
}
END_TEST

START_TEST(object_mutex_only_detach_and_wait_gets_an_event_after_the_detach)
{
  struct dbgksim_explore_options o = options(DBGKSIM_OBJECT_MUTEX);
  struct dbgksim_explore_result r = all_within("detach-wait", 1, DBGKSIM_OBJECT_MUTEX);
  ck_found("detach-wait", &o, &r, DBGKSIM_FINDING_LATE, "NtRemoveProcessDebug");
  ck_assert_ptr_nonnull(strstr(r.findings[DBGKSIM_FINDING_LATE].what, "delivered after its process was detached"));
  dbgksim_explore_free(&r);
}
END_TEST

START_TEST(object_mutex_only_detach_and_close_uses_a_freed_object)
{
  struct dbgksim_explore_options o = options(DBGKSIM_OBJECT_MUTEX);
  struct dbgksim_explore_result r = all_within("detach-close", 1, DBGKSIM_OBJECT_MUTEX);
  ck_found("detach-close", &o, &r, DBGKSIM_FINDING_FREED, "NtClose");
  ck_assert_str_eq(r.findings[DBGKSIM_FINDING_FREED].what,
                   "debuggee uses a debug object in DbgkpQueueMessage, which debugger has freed in DbgkpCloseObject");
  dbgksim_explore_free(&r);
}
END_TEST

START_TEST(object_mutex_only_close_uses_a_freed_object)
{
  struct dbgksim_explore_options o = options(DBGKSIM_OBJECT_MUTEX);
  struct dbgksim_explore_result r = all_within("close", 1, DBGKSIM_OBJECT_MUTEX);
  ck_found("close", &o, &r, DBGKSIM_FINDING_FREED, "NtClose");
  dbgksim_explore_free(&r);
}
END_TEST

START_TEST(a_second_look_cures_the_hang_and_the_late_event)
{
  for (unsigned i = 0; i < 2; i++) {
    struct dbgksim_explore_result r = all_within(experiment[i], 2, DBGKSIM_OBJECT_MUTEX_RECHECK);
    ck_nothing(scenario(experiment[i]), &r);
    dbgksim_explore_free(&r);
  }
}
END_TEST

START_TEST(a_second_look_does_not_cure_the_freed_object)
{
  struct dbgksim_explore_options o = options(DBGKSIM_OBJECT_MUTEX_RECHECK);
  for (unsigned i = 2; i < 4; i++) {
    struct dbgksim_explore_result r = all_within(experiment[i], 2, DBGKSIM_OBJECT_MUTEX_RECHECK);
    ck_found(experiment[i], &o, &r, DBGKSIM_FINDING_FREED, "DbgkpCloseObject");
    ck_assert_uint_eq(r.findings[DBGKSIM_FINDING_LATE].schedules, 0);
    dbgksim_explore_free(&r);
  }
}
END_TEST

/* ---- a bug on purpose ---- */

START_TEST(a_planted_lost_wakeup_is_found_and_replayed)
{
  struct dbgksim_explore_options o = options(DBGKSIM_BOTH_LOCKS);
  o.plant = true;
  if (_i) {
    o.mode = DBGKSIM_EXPLORE_RANDOM;
    o.schedules = 1000;
    o.seed = 7;
  }
  struct dbgksim_explore_result r = explore(scenario("events"), &o);
  ck_found("events", &o, &r, DBGKSIM_FINDING_ASLEEP, "has signalled EventsPresent  -- preempted");
  /* It depends on the schedule. */
  ck_assert_uint_lt(r.found, r.schedules / 2);
  /* One preemption is enough, and what random schedules add to it is taken away again. */
  ck_assert_uint_eq(r.findings[DBGKSIM_FINDING_ASLEEP].preemptions, 1);
  dbgksim_explore_free(&r);
}
END_TEST

START_TEST(the_planted_bug_s_schedule_is_harmless_without_it)
{
  struct dbgksim_explore_options o = options(DBGKSIM_BOTH_LOCKS);
  o.plant = true;
  o.stop_at_first = true;
  static struct dbgksim_explore_result r, again;
  r = explore(scenario("events"), &o);
  ck_assert_uint_eq(r.found, 1);
  struct dbgksim_explore_options without = options(DBGKSIM_BOTH_LOCKS);
  without.mode = DBGKSIM_EXPLORE_REPLAY;
  without.replay = r.findings[DBGKSIM_FINDING_ASLEEP].replay;
  again = explore(scenario("events"), &without);
  ck_nothing(scenario("events"), &again);
  dbgksim_explore_free(&again);
  dbgksim_explore_free(&r);
}
END_TEST

/* ---- other builds of the kernel ---- */

static struct dbgksim_explore_options of_era(struct dbgksim_config *config, const char *era)
{
  struct dbgksim_explore_options o = options(DBGKSIM_BOTH_LOCKS);
  dbgksim_config_init(config);
  config->userland = "none";
  config->era = era;
  o.machine = config;
  o.mode = DBGKSIM_EXPLORE_RANDOM;
  o.schedules = 2000;
  return o;
}

START_TEST(nothing_in_the_kernel_of_windows_7)
{
  size_t count;
  const struct dbgksim_scenario *s = &dbgksim_explore_scenarios(&count)[_i];
  struct dbgksim_config config;
  struct dbgksim_explore_options o = of_era(&config, "win7");
  struct dbgksim_explore_result r = explore(s, &o);
  ck_nothing(s, &r);
  dbgksim_explore_free(&r);
}
END_TEST

/* CREATE_REPORTED is set when the message is sent, and not tested and set when a thread starts (spec/3.8): a thread
 * that starts while an attach commits takes itself for the first. */
START_TEST(windows_xp_may_report_a_process_twice)
{
  struct dbgksim_config config;
  struct dbgksim_explore_options o = of_era(&config, "xp");
  o.mode = DBGKSIM_EXPLORE_SYSTEMATIC;
  o.preemptions = 2;
  o.schedules = LIMIT;
  struct dbgksim_explore_result r = explore(scenario("attach-threads"), &o);
  ck_found("attach-threads", &o, &r, DBGKSIM_FINDING_TWICE, "DbgkCreateThread");
  ck_assert_str_eq(r.findings[DBGKSIM_FINDING_TWICE].what, "CREATE_PROCESS was delivered twice");
  dbgksim_explore_free(&r);
}
END_TEST

/* ---- exploration itself ---- */

START_TEST(one_seed_gives_one_result)
{
  struct dbgksim_explore_options o = options(DBGKSIM_OBJECT_MUTEX);
  o.mode = DBGKSIM_EXPLORE_RANDOM;
  o.schedules = 2000;
  o.seed = 3;
  static struct dbgksim_explore_result a, b;
  a = explore(scenario("detach-keep"), &o);
  b = explore(scenario("detach-keep"), &o);
  ck_assert_uint_gt(a.found, 0);
  ck_assert_uint_eq(a.found, b.found);
  ck_assert_uint_eq(a.choices, b.choices);
  ck_assert_str_eq(a.findings[DBGKSIM_FINDING_ASLEEP].replay, b.findings[DBGKSIM_FINDING_ASLEEP].replay);
  dbgksim_explore_free(&a);
  dbgksim_explore_free(&b);
}
END_TEST

START_TEST(the_space_grows_with_the_bound)
{
  uint64_t before = 0;
  for (unsigned bound = 0; bound < 4; bound++) {
    struct dbgksim_explore_result r = all_within("detach-close", bound, DBGKSIM_BOTH_LOCKS);
    ck_assert_uint_gt(r.schedules, before);
    ck_assert_uint_le(r.most_preemptions, bound);
    before = r.schedules;
    dbgksim_explore_free(&r);
  }
}
END_TEST

TCase *scenarios_case(void);

TCase *scenarios_case(void)
{
  size_t count;
  TCase *tests = tcase_create("scenarios");
  dbgksim_explore_scenarios(&count);
  tcase_add_loop_test(tests, nothing_within_one_preemption, 0, (int)count);
  tcase_add_loop_test(tests, nothing_in_random_schedules, 0, (int)count);
  tcase_add_loop_test(tests, two_locks_nothing_within_two_preemptions, 0, sizeof experiment / sizeof experiment[0]);
  tcase_add_loop_test(tests, two_locks_nothing_in_100000_random_schedules, 0, 4);
  tcase_add_test(tests, object_mutex_only_detach_and_keep_hangs);
  tcase_add_test(tests, object_mutex_only_detach_and_wait_gets_an_event_after_the_detach);
  tcase_add_test(tests, object_mutex_only_detach_and_close_uses_a_freed_object);
  tcase_add_test(tests, object_mutex_only_close_uses_a_freed_object);
  tcase_add_test(tests, a_second_look_cures_the_hang_and_the_late_event);
  tcase_add_test(tests, a_second_look_does_not_cure_the_freed_object);
  tcase_add_loop_test(tests, a_planted_lost_wakeup_is_found_and_replayed, 0, 2);
  tcase_add_test(tests, the_planted_bug_s_schedule_is_harmless_without_it);
  tcase_add_loop_test(tests, nothing_in_the_kernel_of_windows_7, 0, (int)count);
  tcase_add_test(tests, windows_xp_may_report_a_process_twice);
  tcase_add_test(tests, one_seed_gives_one_result);
  tcase_add_test(tests, the_space_grows_with_the_bound);
  return tests;
}
