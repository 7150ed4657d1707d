/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The library call with scenarios of one's own, what it refuses, and the checks themselves: each is shown events or
 * memory that it must complain about. */
#include "explore/internal.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

TCase *scenarios_case(void);

static struct dbgksim_explore_result explore(const struct dbgksim_scenario *s, const struct dbgksim_explore_options *o)
{
  struct dbgksim_explore_result r;
  ck_assert_msg(dbgksim_explore(s, o, &r) == DBGKSIM_OK, "%s: %s", s->name, dbgksim_message(NULL));
  return r;
}

static struct dbgksim_explore_options defaults(void)
{
  struct dbgksim_explore_options o;
  dbgksim_explore_options_init(&o);
  return o;
}

/* ---- scenarios ---- */

struct counters {
  unsigned first, second;
  unsigned order[2], arrived;
};

static void first_body(dbgksim_explorer *x, void *state)
{
  struct counters *c = state;
  dbgksim_explore_begin(x);
  c->order[c->arrived++] = 1;
  c->first++;
}

static void second_body(dbgksim_explorer *x, void *state)
{
  struct counters *c = state;
  dbgksim_explore_begin(x);
  c->order[c->arrived++] = 2;
  c->second++;
}

static unsigned seen_first, seen_second, checks;

static void two_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  dbgksim_explore_thread(x, dbgksim_explore_process(x, "one"), "first", first_body);
  dbgksim_explore_thread(x, dbgksim_explore_process(x, "two"), "second", second_body);
  dbgksim_explore_settle(x);
}

static void two_check(dbgksim_explorer *x, void *state)
{
  const struct counters *c = state;
  checks++;
  if (c->first != 1 || c->second != 1)
    dbgksim_explore_fail(x, "bodies ran %u and %u times", c->first, c->second);
  seen_first += c->order[0] == 1;
  seen_second += c->order[0] == 2;
}

static const struct dbgksim_scenario two = {"two", "", sizeof(struct counters), two_setup, two_check};

START_TEST(every_schedule_starts_from_the_state_that_setup_left)
{
  struct dbgksim_explore_options o = defaults();
  seen_first = seen_second = checks = 0;
  struct dbgksim_explore_result r = explore(&two, &o);
  ck_assert(r.complete);
  ck_assert_uint_eq(r.found, 0);
  ck_assert_uint_eq(checks, r.schedules);
  ck_assert_uint_gt(seen_first, 0);
  ck_assert_uint_gt(seen_second, 0);
  dbgksim_explore_free(&r);
}
END_TEST

static void second_first_check(dbgksim_explorer *x, void *state)
{
  if (((struct counters *)state)->order[0] == 2)
    dbgksim_explore_fail(x, "second came first");
}

START_TEST(a_check_of_the_scenario_s_own_is_a_finding)
{
  const struct dbgksim_scenario s = {"own", "", sizeof(struct counters), two_setup, second_first_check};
  struct dbgksim_explore_options o = defaults();
  struct dbgksim_explore_result r = explore(&s, &o);
  const struct dbgksim_finding *f = &r.findings[DBGKSIM_FINDING_CHECK];
  ck_assert_uint_gt(f->schedules, 0);
  ck_assert_uint_lt(f->schedules, r.schedules);
  ck_assert_str_eq(f->what, "second came first");
  ck_assert_uint_eq(f->preemptions, 0);
  dbgksim_explore_free(&r);
}
END_TEST

START_TEST(stop_at_first_and_progress_end_an_exploration)
{
  const struct dbgksim_scenario s = {"own", "", sizeof(struct counters), two_setup, second_first_check};
  struct dbgksim_explore_options o = defaults();
  o.stop_at_first = true;
  struct dbgksim_explore_result r = explore(&s, &o);
  ck_assert_uint_eq(r.found, 1);
  ck_assert(!r.complete);
  dbgksim_explore_free(&r);
}
END_TEST

static bool twice(void *context, uint64_t schedules, uint64_t findings)
{
  (void)schedules, (void)findings;
  return ++*(unsigned *)context < 2;
}

START_TEST(the_caller_can_end_it)
{
  unsigned calls = 0;
  struct dbgksim_explore_options o = defaults();
  o.mode = DBGKSIM_EXPLORE_RANDOM;
  o.schedules = 1000000;
  o.progress = twice;
  o.progress_context = &calls;
  struct dbgksim_explore_result r = explore(&two, &o);
  ck_assert_uint_eq(calls, 2);
  ck_assert_uint_lt(r.schedules, 10000);
  dbgksim_explore_free(&r);
}
END_TEST

static void waits_for_ever(dbgksim_explorer *x, void *state)
{
  DBGUI_WAIT_STATE_CHANGE change;
  (void)state;
  dbgksim_explore_wait(x, dbgksim_explore_debug_object(x, false), -1, &change);
}

static void lonely_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  dbgksim_explore_thread(x, dbgksim_explore_process(x, "lonely"), "lonely", waits_for_ever);
}

START_TEST(a_thread_that_sleeps_for_ever_is_a_finding)
{
  const struct dbgksim_scenario s = {"lonely", "", 0, lonely_setup, NULL};
  struct dbgksim_explore_options o = defaults();
  struct dbgksim_explore_result r = explore(&s, &o);
  ck_assert_uint_eq(r.findings[DBGKSIM_FINDING_ASLEEP].schedules, r.schedules);
  ck_assert_str_eq(r.findings[DBGKSIM_FINDING_ASLEEP].what,
                   "nobody can run any more; asleep for ever: lonely in NtWaitForDebugEvent");
  ck_assert_str_eq(r.findings[DBGKSIM_FINDING_ASLEEP].replay, "s1:");
  dbgksim_explore_free(&r);
}
END_TEST

static void crowd_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  for (unsigned i = 0; i < 100; i++)
    dbgksim_explore_thread(x, dbgksim_explore_process(x, "many"), "many", first_body);
}

static void thread_of_nobody_setup(dbgksim_explorer *x, void *state)
{
  (void)state;
  dbgksim_explore_thread(x, 7, "nobody's", first_body);
}

static void empty_setup(dbgksim_explorer *x, void *state) { (void)x, (void)state; }

START_TEST(what_is_wrong_is_refused_with_a_reason)
{
  struct dbgksim_explore_options o = defaults();
  struct dbgksim_explore_result r;
  struct dbgksim_scenario s = two;
  ck_assert_int_eq(dbgksim_explore(NULL, &o, &r), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_explore(&two, NULL, &r), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_explore(&two, &o, NULL), DBGKSIM_BAD_ARGUMENT);
  s.setup = NULL;
  ck_assert_int_eq(dbgksim_explore(&s, &o, &r), DBGKSIM_BAD_ARGUMENT);
  s.setup = crowd_setup;
  ck_assert_int_eq(dbgksim_explore(&s, &o, &r), DBGKSIM_BAD_ARGUMENT);
  ck_assert_ptr_nonnull(strstr(dbgksim_message(NULL), "can not be made"));
  s.setup = thread_of_nobody_setup;
  ck_assert_int_eq(dbgksim_explore(&s, &o, &r), DBGKSIM_BAD_ARGUMENT);
  o.size--;
  ck_assert_int_eq(dbgksim_explore(&two, &o, &r), DBGKSIM_BAD_ARGUMENT);
  o = defaults();
  o.mode = DBGKSIM_EXPLORE_REPLAY;
  ck_assert_int_eq(dbgksim_explore(&two, &o, &r), DBGKSIM_BAD_ARGUMENT);
  o.replay = "s1:1=1,1=1";
  ck_assert_int_eq(dbgksim_explore(&two, &o, &r), DBGKSIM_BAD_ARGUMENT);
  ck_assert_ptr_nonnull(strstr(dbgksim_message(NULL), "ascend"));
  o.mode = (enum dbgksim_explore_mode)9;
  ck_assert_int_eq(dbgksim_explore(&two, &o, &r), DBGKSIM_BAD_ARGUMENT);
}
END_TEST

START_TEST(a_scenario_without_threads_is_one_schedule)
{
  const struct dbgksim_scenario s = {"empty", "", 0, empty_setup, NULL};
  struct dbgksim_explore_options o = defaults();
  struct dbgksim_explore_result r = explore(&s, &o);
  ck_assert_uint_eq(r.schedules, 1);
  ck_assert_uint_eq(r.found, 0);
  ck_assert(r.complete);
  dbgksim_explore_free(&r);
}
END_TEST

START_TEST(replay_strings_of_other_scenarios_do_no_harm)
{
  static const char *const strings[] = {"s1:1=200", "s1:65536=1", "s1:1=1,2=1,3=1,4=1,5=1,6=1,7=1,8=1,9=1"};
  struct dbgksim_explore_options o = defaults();
  o.mode = DBGKSIM_EXPLORE_REPLAY;
  o.steps = true;
  for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
    o.replay = strings[i];
    struct dbgksim_explore_result r = explore(&two, &o);
    ck_assert_uint_eq(r.found, 0);
    ck_assert_ptr_nonnull(r.steps);
    dbgksim_explore_free(&r);
  }
}
END_TEST

/* ---- the order of events: what the checks must complain about ---- */

static struct explore_stage stage;
static dbgksim_explorer explorer;
static const DEBUG_OBJECT *const some_object = (const DEBUG_OBJECT *)0x1000;

static void fresh_stage(void)
{
  memset(&stage, 0, sizeof stage);
  memset(&explorer, 0, sizeof explorer);
  stage.explorer = &explorer;
  explorer.stage = &stage;
}

/* An event of thread `thread` (process 8) is read and continued. */
static void read_event(DBG_STATE state, ULONG64 thread)
{
  DBGUI_WAIT_STATE_CHANGE change = {.NewState = state, .AppClientId = {8, thread}};
  watch_read(&stage, some_object, &change);
  watch_continued(&stage, some_object, &change, DBG_CONTINUE);
}

static void ck_only(enum dbgksim_finding_kind kind)
{
  ck_assert_uint_eq(explorer.found, 1u << kind);
  fresh_stage();
}

START_TEST(a_good_history_is_no_finding)
{
  fresh_stage();
  read_event(DbgCreateProcessStateChange, 12);
  read_event(DbgLoadDllStateChange, 12);
  read_event(DbgCreateThreadStateChange, 16);
  read_event(DbgExceptionStateChange, 16);
  read_event(DbgExitThreadStateChange, 16);
  read_event(DbgExitProcessStateChange, 12);
  ck_assert_uint_eq(explorer.found, 0);
}
END_TEST

START_TEST(bad_histories_are_findings)
{
  fresh_stage();
  read_event(DbgExceptionStateChange, 12);
  ck_only(DBGKSIM_FINDING_ORDER);

  read_event(DbgCreateProcessStateChange, 12);
  read_event(DbgLoadDllStateChange, 16);
  ck_only(DBGKSIM_FINDING_ORDER);

  read_event(DbgCreateProcessStateChange, 12);
  read_event(DbgExitProcessStateChange, 12);
  read_event(DbgUnloadDllStateChange, 12);
  ck_only(DBGKSIM_FINDING_ORDER);

  read_event(DbgCreateProcessStateChange, 12);
  read_event(DbgCreateThreadStateChange, 16);
  read_event(DbgExitThreadStateChange, 16);
  read_event(DbgBreakpointStateChange, 16);
  ck_only(DBGKSIM_FINDING_ORDER);

  read_event(DbgCreateProcessStateChange, 12);
  read_event(DbgCreateProcessStateChange, 12);
  ck_only(DBGKSIM_FINDING_TWICE);

  read_event(DbgCreateProcessStateChange, 12);
  read_event(DbgCreateThreadStateChange, 16);
  read_event(DbgCreateThreadStateChange, 16);
  ck_only(DBGKSIM_FINDING_TWICE);

  read_event(DbgCreateProcessStateChange, 12);
  read_event(DbgCreateThreadStateChange, 16);
  read_event(DbgExitProcessStateChange, 12);
  ck_only(DBGKSIM_FINDING_LOST);
}
END_TEST

START_TEST(an_event_after_the_detach_is_a_finding)
{
  fresh_stage();
  read_event(DbgCreateProcessStateChange, 12);
  watch_detached(&stage, some_object, 8);
  read_event(DbgLoadDllStateChange, 12);
  ck_only(DBGKSIM_FINDING_LATE);

  read_event(DbgCreateProcessStateChange, 12);
  watch_detached(&stage, some_object, 8);
  watch_attached(&stage, some_object, 8);
  read_event(DbgCreateProcessStateChange, 12);
  ck_assert_uint_eq(explorer.found, 0);
}
END_TEST

START_TEST(an_attach_tells_of_the_oldest_thread_first)
{
  fresh_stage();
  watch_attached(&stage, some_object, 8);
  read_event(DbgCreateProcessStateChange, 16);
  read_event(DbgCreateThreadStateChange, 12);
  ck_only(DBGKSIM_FINDING_ORDER);
}
END_TEST

START_TEST(two_outstanding_events_are_a_finding)
{
  const DBGUI_WAIT_STATE_CHANGE change = {.NewState = DbgCreateProcessStateChange, .AppClientId = {8, 12}};
  const DBGUI_WAIT_STATE_CHANGE next = {.NewState = DbgLoadDllStateChange, .AppClientId = {8, 12}};
  fresh_stage();
  watch_read(&stage, some_object, &change);
  watch_read(&stage, some_object, &next);
  ck_only(DBGKSIM_FINDING_ORDER);
}
END_TEST

START_TEST(an_exception_that_comes_twice_is_a_finding)
{
  DBGUI_WAIT_STATE_CHANGE change = {.NewState = DbgBreakpointStateChange, .AppClientId = {8, 12}};
  fresh_stage();
  read_event(DbgCreateProcessStateChange, 12);
  change.StateInfo.Exception.ExceptionRecord.ExceptionInformation[0] = 5;
  for (unsigned i = 0; i < 2; i++) {
    ck_assert_uint_eq(explorer.found, 0);
    watch_read(&stage, some_object, &change);
    watch_continued(&stage, some_object, &change, DBG_CONTINUE);
  }
  ck_only(DBGKSIM_FINDING_TWICE);

  read_event(DbgCreateProcessStateChange, 12);
  for (unsigned i = 0; i < 2; i++) {
    watch_read(&stage, some_object, &change);
    watch_continued(&stage, some_object, &change, i ? DBG_CONTINUE : DBG_REPLY_LATER);
  }
  ck_assert_uint_eq(explorer.found, 0);
}
END_TEST

/* ---- freed memory ---- */

static dbgksim_machine *machine;

static void enter_machine(void)
{
  struct dbgksim_config config;
  dbgksim_config_init(&config);
  config.userland = "none";
  ck_assert_msg(dbgksim_machine_create(&config, &machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  ck_assert_int_eq(machine_enter(machine), DBGKSIM_OK);
}

static void leave_machine(void)
{
  machine_leave(machine);
  dbgksim_machine_destroy(machine);
}

START_TEST(freed_memory_keeps_its_bytes_and_its_use_is_noted)
{
  ck_assert(ke_quarantine_start(4));
  KEVENT *event = ExAllocatePoolWithTag(sizeof *event, POOL_TAG('T', 'e', 's', 't'));
  KeInitializeEvent(event, NotificationEvent, FALSE);
  ck_assert_int_eq(KeSetEvent(event), 0);
  ck_assert_ptr_null(ke_quarantine_finding());
  ExFreePool(event);
  ck_assert(ke_quarantine_holds(event));
  ck_assert(ke_quarantine_holds((char *)event + sizeof *event - 1));
  ck_assert(!ke_quarantine_holds((char *)event + sizeof *event));
  void *other = ExAllocatePoolWithTag(sizeof *event, POOL_TAG('T', 'e', 's', 't'));
  ck_assert_ptr_ne(other, event);
  /* As KeSetEvent left it. */
  ck_assert_int_eq(KeSetEvent(event), 1);
  const struct ke_freed_use *use = ke_quarantine_finding();
  ck_assert_ptr_nonnull(use);
  ck_assert_ptr_eq(use->block, event);
  ck_assert_uint_eq(use->offset, 0);
  ck_assert_uint_eq(use->size, sizeof *event);
}
END_TEST

START_TEST(locks_waits_and_references_of_freed_memory_are_noted)
{
  const LONG64 poll = 0;
  ck_assert(ke_quarantine_start(64));
  struct {
    OBJECT_HEADER header;
    FAST_MUTEX mutex;
    KEVENT event;
  } *block = ExAllocatePoolWithTag(sizeof *block, POOL_TAG('T', 'e', 's', 't'));
  ExInitializeFastMutex(&block->mutex);
  KeInitializeEvent(&block->event, NotificationEvent, FALSE);
  block->header.PointerCount = 2;
  ExFreePool(block);
  switch (_i) {
  case 0:
    ExAcquireFastMutex(&block->mutex);
    break;
  case 1:
    KeWaitForSingleObject(&block->event, Executive, KernelMode, FALSE, &poll);
    break;
  case 2:
    ObReferenceObject(&block->header + 1);
    break;
  case 3:
    ObDereferenceObject(&block->header + 1);
    break;
  default:
    ExFreePool(block);
    break;
  }
  ck_assert_ptr_nonnull(ke_quarantine_finding());
  ck_assert_ptr_eq(ke_quarantine_finding()->block, block);
}
END_TEST

START_TEST(a_block_that_moves_leaves_a_freed_one)
{
  ck_assert(ke_quarantine_start(4));
  char *block = ExAllocatePoolWithTag(16, POOL_TAG('T', 'e', 's', 't'));
  memcpy(block, "fifteen letters", 16);
  char *moved = ExReallocatePool(block, 64, POOL_TAG('T', 'e', 's', 't'));
  ck_assert_ptr_ne(moved, block);
  ck_assert_str_eq(moved, "fifteen letters");
  ck_assert(ke_quarantine_holds(block));
  ck_assert(!ke_quarantine_holds(moved));
}
END_TEST

START_TEST(more_freed_blocks_than_are_known_do_no_harm)
{
  ck_assert(ke_quarantine_start(2));
  for (unsigned i = 0; i < 100; i++)
    ExFreePool(ExAllocatePoolWithTag(16, POOL_TAG('T', 'e', 's', 't')));
  ck_assert_ptr_null(ke_quarantine_finding());
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("explore");
  TCase *own = tcase_create("own scenarios");
  tcase_add_test(own, every_schedule_starts_from_the_state_that_setup_left);
  tcase_add_test(own, a_check_of_the_scenario_s_own_is_a_finding);
  tcase_add_test(own, stop_at_first_and_progress_end_an_exploration);
  tcase_add_test(own, the_caller_can_end_it);
  tcase_add_test(own, a_thread_that_sleeps_for_ever_is_a_finding);
  tcase_add_test(own, what_is_wrong_is_refused_with_a_reason);
  tcase_add_test(own, a_scenario_without_threads_is_one_schedule);
  tcase_add_test(own, replay_strings_of_other_scenarios_do_no_harm);
  tcase_add_test(own, a_good_history_is_no_finding);
  tcase_add_test(own, bad_histories_are_findings);
  tcase_add_test(own, an_event_after_the_detach_is_a_finding);
  tcase_add_test(own, an_attach_tells_of_the_oldest_thread_first);
  tcase_add_test(own, two_outstanding_events_are_a_finding);
  tcase_add_test(own, an_exception_that_comes_twice_is_a_finding);
  TCase *freed = tcase_create("freed memory");
  tcase_add_checked_fixture(freed, enter_machine, leave_machine);
  tcase_add_test(freed, freed_memory_keeps_its_bytes_and_its_use_is_noted);
  tcase_add_loop_test(freed, locks_waits_and_references_of_freed_memory_are_noted, 0, 5);
  tcase_add_test(freed, a_block_that_moves_leaves_a_freed_one);
  tcase_add_test(freed, more_freed_blocks_than_are_known_do_no_harm);
  suite_add_tcase(suite, own);
  suite_add_tcase(suite, freed);
  suite_add_tcase(suite, scenarios_case());
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
