/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native debugger attaches and detaches (spec/3.2, 3.5, 4.5), on target.exe and its parent. */
#include <dbgksim/dbgksim.h>

#include <check.h>
#include <stdio.h>
#include <string.h>

#define MILLISECOND INT64_C(1000000)
#define BREAK_IN true

static dbgksim_machine *machine;
static dbgksim_debugger *debugger;
static struct dbgksim_event event;

static void build(unsigned max_threads, uint64_t seed)
{
  struct dbgksim_config config;
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  config.max_threads = max_threads;
  config.seed = seed;
  config.random_schedule = seed != 0;
  ck_assert_msg(dbgksim_machine_create(&config, &machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  ck_assert_int_eq(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
}

static void set_up(void) { build(0, 0); }

static void tear_down(void)
{
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
}

static uint32_t spawn(const char *name, dbgksim_debugger *owner, bool children)
{
  char path[1024];
  uint32_t pid = 0;
  snprintf(path, sizeof path, "%s/%s.exe", PROGRAM_DIR, name);
  const struct dbgksim_program program = {.path = path, .debug_children = children};
  ck_assert_msg(dbgksim_spawn(machine, &program, owner, &pid) == DBGKSIM_OK, "%s", dbgksim_message(machine));
  return pid;
}

/* A target that has run for a while: its DLL is loaded, its threads sleep. */
static uint32_t running_target(void)
{
  uint32_t pid = spawn("target", NULL, false);
  ck_assert_int_eq(dbgksim_run(machine, pid, 20 * MILLISECOND), DBGKSIM_TIMEOUT);
  return pid;
}

static void refused(enum dbgksim_status status, NTSTATUS nt)
{
  ck_assert_int_eq(status, DBGKSIM_NT_ERROR);
  ck_assert_int_eq(dbgksim_last_nt_status(machine), nt);
}

static void attach(dbgksim_debugger *to, uint32_t pid, bool break_in)
{
  ck_assert_msg(dbgksim_attach(to, pid, break_in) == DBGKSIM_OK, "%s", dbgksim_message(machine));
}

static void next_of(dbgksim_debugger *of, enum dbgksim_event_code code)
{
  ck_assert_msg(dbgksim_wait(of, -1, &event) == DBGKSIM_OK, "%s", dbgksim_message(machine));
  ck_assert_int_eq(event.code, code);
}

static void answer(dbgksim_debugger *of, NTSTATUS status)
{
  ck_assert_msg(dbgksim_continue(of, &event, status) == DBGKSIM_OK, "%s", dbgksim_message(machine));
}

static void pass(enum dbgksim_event_code code)
{
  next_of(debugger, code);
  answer(debugger, DBG_CONTINUE);
}

static void pass_file(enum dbgksim_event_code code, const char *file)
{
  pass(code);
  const char *name = strrchr(event.file, '\\');
  ck_assert_ptr_nonnull(name);
  ck_assert_str_eq(name + 1, file);
}

static uint32_t exit_code(uint32_t pid)
{
  NTSTATUS code = 0;
  ck_assert_msg(dbgksim_run(machine, pid, -1) == DBGKSIM_OK, "%s", dbgksim_message(machine));
  ck_assert_int_eq(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
  return (uint32_t)code;
}

/* PEB.BeingDebugged, by way of a TEB. */
static uint8_t being_debugged(uint32_t pid, uint64_t teb)
{
  uint64_t peb = 0;
  uint8_t byte = 9;
  ck_assert_int_eq(dbgksim_read_memory(machine, pid, teb + 0x60, &peb, sizeof peb, NULL), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_read_memory(machine, pid, peb + 2, &byte, 1, NULL), DBGKSIM_OK);
  return byte;
}

/* The events that an attach makes up. */
static void pass_fake_events(uint32_t pid)
{
  pass_file(DBGKSIM_CREATE_PROCESS, "target.exe");
  ck_assert_uint_eq(event.pid, pid);
  pass_file(DBGKSIM_LOAD_DLL, "ntdll.dll");
  pass(DBGKSIM_CREATE_THREAD);
  pass(DBGKSIM_CREATE_THREAD);
  pass_file(DBGKSIM_LOAD_DLL, "target_dll.dll");
}

START_TEST(fact_4_attach_order)
{
  uint32_t tids[3], pid = running_target();
  size_t count = 3;
  ck_assert_int_eq(dbgksim_list_threads(machine, pid, tids, &count), DBGKSIM_OK);
  ck_assert_uint_eq(count, 3);
  attach(debugger, pid, BREAK_IN);
  ck_assert_uint_eq(dbgksim_live_processes(debugger), 1);
  pass_file(DBGKSIM_CREATE_PROCESS, "target.exe");
  ck_assert_uint_eq(event.tid, tids[0]);
  ck_assert_uint_eq(event.start_address, 0);
  uint64_t teb = event.teb;
  ck_assert_uint_eq(being_debugged(pid, teb), 1);
  pass_file(DBGKSIM_LOAD_DLL, "ntdll.dll");
  for (size_t i = 1; i < 3; i++) {
    pass(DBGKSIM_CREATE_THREAD);
    ck_assert_uint_eq(event.tid, tids[i]);
    ck_assert_uint_ne(event.start_address, 0);
  }
  pass_file(DBGKSIM_LOAD_DLL, "target_dll.dll");
  ck_assert_uint_eq(event.tid, tids[0]);
  pass(DBGKSIM_CREATE_THREAD);
  uint32_t breaker = event.tid;
  char place[64];
  dbgksim_symbolize(machine, pid, event.start_address, place, sizeof place);
  ck_assert_str_eq(place, "ntdll!DbgUiRemoteBreakin");
  pass(DBGKSIM_EXCEPTION);
  ck_assert_uint_eq(event.tid, breaker);
  ck_assert_int_eq(event.exception.ExceptionCode, STATUS_BREAKPOINT);
  dbgksim_symbolize(machine, pid, event.exception.ExceptionAddress, place, sizeof place);
  ck_assert_str_eq(place, "ntdll!DbgBreakPoint");
  pass(DBGKSIM_EXIT_THREAD);
  ck_assert_uint_eq(event.tid, breaker);
  pass(DBGKSIM_EXIT_THREAD);
  pass(DBGKSIM_EXIT_THREAD);
  next_of(debugger, DBGKSIM_EXCEPTION);
  answer(debugger, DBG_EXCEPTION_NOT_HANDLED);
  pass(DBGKSIM_EXIT_PROCESS);
  ck_assert_uint_eq(event.exit_code, 7);
  ck_assert_int_eq(dbgksim_wait(debugger, -1, &event), DBGKSIM_NO_PROCESS);
}
END_TEST

START_TEST(fact_6_the_kernel_attach_alone_gives_no_breakpoint)
{
  uint32_t pid = running_target();
  attach(debugger, pid, !BREAK_IN);
  pass_fake_events(pid);
  ck_assert_int_eq(dbgksim_wait(debugger, 10 * MILLISECOND, &event), DBGKSIM_TIMEOUT);
}
END_TEST

START_TEST(fact_6_without_a_break_in_thread_there_is_no_attach)
{
  tear_down();
  /* The host's, the System process's and the target's threads leave no room. */
  build(4, 0);
  uint32_t pid = running_target();
  refused(dbgksim_attach(debugger, pid, BREAK_IN), STATUS_QUOTA_EXCEEDED);
  ck_assert_uint_eq(dbgksim_live_processes(debugger), 0);
  ck_assert_int_eq(dbgksim_wait(debugger, 0, &event), DBGKSIM_NO_PROCESS);
  ck_assert_uint_eq(exit_code(pid), 7);
}
END_TEST

START_TEST(fact_9_a_second_debugger_is_refused)
{
  dbgksim_debugger *second;
  uint32_t pid = running_target();
  ck_assert_int_eq(dbgksim_debugger_create(machine, true, &second), DBGKSIM_OK);
  attach(debugger, pid, BREAK_IN);
  refused(dbgksim_attach(second, pid, BREAK_IN), STATUS_PORT_ALREADY_SET);
  refused(dbgksim_attach(debugger, pid, BREAK_IN), STATUS_PORT_ALREADY_SET);
  refused(dbgksim_detach(second, pid), STATUS_PORT_NOT_SET);
  ck_assert_uint_eq(dbgksim_live_processes(second), 0);
  pass_fake_events(pid);
  ck_assert_int_eq(dbgksim_detach(debugger, pid), DBGKSIM_OK);
  attach(second, pid, !BREAK_IN);
  next_of(second, DBGKSIM_CREATE_PROCESS);
  dbgksim_debugger_destroy(second);
  ck_assert_uint_eq(exit_code(pid), (uint32_t)STATUS_DEBUGGER_INACTIVE);
}
END_TEST

START_TEST(statuses_of_attach_and_detach)
{
  ck_assert_int_eq(dbgksim_attach(NULL, 4, BREAK_IN), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_detach(NULL, 4), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_set_kill_on_close(NULL, true), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_attach(debugger, 7777, BREAK_IN), DBGKSIM_NOT_FOUND);
  ck_assert_int_eq(dbgksim_detach(debugger, 7777), DBGKSIM_NOT_FOUND);
  refused(dbgksim_attach(debugger, 4, BREAK_IN), STATUS_ACCESS_DENIED);
  uint32_t pid = running_target();
  refused(dbgksim_detach(debugger, pid), STATUS_PORT_NOT_SET);
  ck_assert_uint_eq(exit_code(pid), 7);
  ck_assert_int_ne(dbgksim_attach(debugger, pid, BREAK_IN), DBGKSIM_OK);
}
END_TEST

START_TEST(fact_7_threads_stay_suspended_until_their_create_event_is_continued)
{
  uint32_t previous, pid = running_target(), first;
  attach(debugger, pid, !BREAK_IN);
  pass_file(DBGKSIM_CREATE_PROCESS, "target.exe");
  first = event.tid;
  ck_assert_int_eq(dbgksim_suspend_thread(machine, first, &previous), DBGKSIM_OK);
  ck_assert_uint_eq(previous, 0);
  ck_assert_int_eq(dbgksim_resume_thread(machine, first, NULL), DBGKSIM_OK);
  pass_file(DBGKSIM_LOAD_DLL, "ntdll.dll");
  next_of(debugger, DBGKSIM_CREATE_THREAD);
  ck_assert_int_eq(dbgksim_suspend_thread(machine, event.tid, &previous), DBGKSIM_OK);
  ck_assert_uint_eq(previous, 1);
  ck_assert_int_eq(dbgksim_resume_thread(machine, event.tid, &previous), DBGKSIM_OK);
  answer(debugger, DBG_CONTINUE);
  ck_assert_int_eq(dbgksim_suspend_thread(machine, event.tid, &previous), DBGKSIM_OK);
  ck_assert_uint_eq(previous, 0);
}
END_TEST

START_TEST(fact_36_detach_with_a_pending_event_is_not_handled)
{
  uint32_t pid = running_target();
  uint64_t teb;
  attach(debugger, pid, !BREAK_IN);
  next_of(debugger, DBGKSIM_CREATE_PROCESS);
  teb = event.teb;
  answer(debugger, DBG_CONTINUE);
  for (unsigned i = 0; i < 6; i++) {
    ck_assert_int_eq(dbgksim_wait(debugger, -1, &event), DBGKSIM_OK);
    answer(debugger, DBG_CONTINUE);
  }
  next_of(debugger, DBGKSIM_EXCEPTION);
  ck_assert_int_eq(dbgksim_detach(debugger, pid), DBGKSIM_OK);
  ck_assert_uint_eq(being_debugged(pid, teb), 0);
  ck_assert_uint_eq(dbgksim_live_processes(debugger), 0);
  refused(dbgksim_continue(debugger, &event, DBG_CONTINUE), STATUS_INVALID_PARAMETER);
  ck_assert_int_eq(dbgksim_wait(debugger, -1, &event), DBGKSIM_NO_PROCESS);
  ck_assert_uint_eq(exit_code(pid), 7);
}
END_TEST

START_TEST(detach_with_unread_events_lets_all_threads_go)
{
  uint32_t pid = running_target();
  for (unsigned round = 0; round < 3; round++) {
    attach(debugger, pid, BREAK_IN);
    for (unsigned i = 0; i < round; i++) {
      ck_assert_int_eq(dbgksim_wait(debugger, -1, &event), DBGKSIM_OK);
      answer(debugger, DBG_CONTINUE);
    }
    ck_assert_int_eq(dbgksim_wait(debugger, -1, &event), DBGKSIM_OK);
    ck_assert_int_eq(dbgksim_detach(debugger, pid), DBGKSIM_OK);
  }
  ck_assert_uint_eq(exit_code(pid), 7);
}
END_TEST

START_TEST(fact_33_last_close_kills_or_only_detaches)
{
  uint32_t killed = running_target(), spared = spawn("target", NULL, false);
  dbgksim_debugger *second;
  ck_assert_int_eq(dbgksim_run(machine, spared, 20 * MILLISECOND), DBGKSIM_TIMEOUT);
  ck_assert_int_eq(dbgksim_debugger_create(machine, true, &second), DBGKSIM_OK);
  attach(debugger, killed, BREAK_IN);
  attach(second, spared, !BREAK_IN);
  next_of(second, DBGKSIM_CREATE_PROCESS);
  ck_assert_int_eq(dbgksim_set_kill_on_close(second, false), DBGKSIM_OK);
  dbgksim_debugger_destroy(second);
  dbgksim_debugger_destroy(debugger);
  ck_assert_uint_eq(exit_code(killed), (uint32_t)STATUS_DEBUGGER_INACTIVE);
  ck_assert_uint_eq(exit_code(spared), 7);
  debugger = NULL;
}
END_TEST

START_TEST(one_debugger_several_processes)
{
  uint32_t pids[3] = {spawn("target", NULL, false), spawn("target", debugger, false), spawn("target", NULL, false)};
  unsigned ends = 0;
  ck_assert_int_eq(dbgksim_run(machine, pids[0], 10 * MILLISECOND), DBGKSIM_TIMEOUT);
  attach(debugger, pids[0], BREAK_IN);
  attach(debugger, pids[2], !BREAK_IN);
  ck_assert_uint_eq(dbgksim_live_processes(debugger), 3);
  while (dbgksim_wait(debugger, -1, &event) == DBGKSIM_OK) {
    ends += event.code == DBGKSIM_EXIT_PROCESS && event.exit_code == 7;
    bool own = event.code == DBGKSIM_EXCEPTION;
    answer(debugger, own ? DBG_EXCEPTION_NOT_HANDLED : DBG_CONTINUE);
  }
  ck_assert_uint_eq(ends, 3);
  for (unsigned i = 0; i < 3; i++)
    ck_assert_uint_eq(exit_code(pids[i]), 7);
}
END_TEST

START_TEST(fact_37_children_inherit_the_debugger)
{
  uint32_t parent = spawn("parent", debugger, true), child = 0;
  while (!child && dbgksim_wait(debugger, -1, &event) == DBGKSIM_OK) {
    if (event.code == DBGKSIM_CREATE_PROCESS && event.pid != parent)
      child = event.pid;
    answer(debugger, DBG_CONTINUE);
  }
  ck_assert_uint_ne(child, 0);
  ck_assert_uint_eq(dbgksim_live_processes(debugger), 2);
  ck_assert_int_eq(dbgksim_detach(debugger, child), DBGKSIM_OK);
  ck_assert_uint_eq(dbgksim_live_processes(debugger), 1);
  while (dbgksim_wait(debugger, -1, &event) == DBGKSIM_OK) {
    ck_assert_uint_eq(event.pid, parent);
    answer(debugger, DBG_CONTINUE);
  }
  ck_assert_uint_eq(exit_code(parent), 8);
}
END_TEST

START_TEST(fact_37_children_of_an_attached_process_are_not_debugged)
{
  uint32_t parent = spawn("parent", NULL, false);
  attach(debugger, parent, !BREAK_IN);
  while (dbgksim_wait(debugger, -1, &event) == DBGKSIM_OK) {
    ck_assert_uint_eq(event.pid, parent);
    answer(debugger, DBG_CONTINUE);
  }
  ck_assert_uint_eq(exit_code(parent), 8);
}
END_TEST

/* Of a child that a program started: while it lives, and after its object is gone because a debugger followed it. */
START_TEST(exit_code_of_a_child_that_a_program_started)
{
  NTSTATUS code = 99;
  uint32_t parent = spawn("parent", debugger, true), child = 0;
  while (dbgksim_wait(debugger, -1, &event) == DBGKSIM_OK) {
    if (event.code == DBGKSIM_CREATE_PROCESS && event.pid != parent)
      child = event.pid;
    if (child && event.pid == child)
      ck_assert_int_eq(dbgksim_exit_code(machine, child, &code), DBGKSIM_TIMEOUT);
    bool own = event.code == DBGKSIM_EXCEPTION && event.exception.ExceptionAddress < 0x180000000;
    answer(debugger, own ? DBG_EXCEPTION_NOT_HANDLED : DBG_CONTINUE);
  }
  ck_assert_uint_eq(exit_code(parent), 8);
  uint64_t byte;
  ck_assert_int_eq(dbgksim_read_memory(machine, child, 0x10000, &byte, 1, NULL), DBGKSIM_NOT_FOUND);
  ck_assert_int_eq(code, 99);
  ck_assert_uint_eq(exit_code(child), 7);
}
END_TEST

START_TEST(exit_codes_that_nobody_knows)
{
  NTSTATUS code = 99;
  uint32_t parent = spawn("parent", NULL, false);
  ck_assert_uint_eq(exit_code(parent), 8);
  /* processes of the host, an id of nothing, and the child that nobody followed */
  for (uint32_t id = 0; id < 100; id += 4) {
    if (id == parent)
      continue;
    ck_assert_int_eq(dbgksim_exit_code(machine, id, &code), DBGKSIM_NOT_FOUND);
    if (id)
      ck_assert_int_eq(dbgksim_run(machine, id, -1), DBGKSIM_NOT_FOUND);
  }
  ck_assert_int_eq(code, 99);
}
END_TEST

/* Its last thread waits in its ExitProcess message; the events before that are still to be read. */
START_TEST(an_end_before_the_first_wait_is_told)
{
  uint32_t pid = running_target();
  attach(debugger, pid, !BREAK_IN);
  ck_assert_int_eq(dbgksim_terminate(machine, pid, 9), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_run(machine, pid, 20 * MILLISECOND), DBGKSIM_TIMEOUT);
  pass_file(DBGKSIM_CREATE_PROCESS, "target.exe");
  while (dbgksim_wait(debugger, -1, &event) == DBGKSIM_OK)
    answer(debugger, DBG_CONTINUE);
  ck_assert_int_eq(event.code, 0);
  ck_assert_uint_eq(exit_code(pid), 9);
}
END_TEST

/* Follows a target to its end; false if its exit code is another. `untold`: it ended without EXIT_PROCESS behind the
 * EXIT_THREAD of its first thread. */
static bool follow_to_end(unsigned *events, bool *untold)
{
  uint32_t code = 0;
  *untold = false;
  for (*events = 0; dbgksim_wait(debugger, -1, &event) == DBGKSIM_OK; ++*events) {
    if (event.code == DBGKSIM_EXIT_PROCESS)
      code = event.exit_code;
    *untold = event.code == DBGKSIM_EXIT_THREAD && event.exit_code == 7;
    bool own = event.code == DBGKSIM_EXCEPTION && event.exception.ExceptionAddress < 0x180000000;
    answer(debugger, own ? DBG_EXCEPTION_NOT_HANDLED : DBG_CONTINUE);
  }
  return code == 7;
}

/* While it starts, while it sleeps and while it ends, with changing schedules: an attach succeeds and sees the end, or
 * the process is ending already: it is refused, or all threads are PROTECT_FAILED and it sees nothing (spec/3.2), or the
 * break-in thread is terminated before it starts: never reported, it tells of no end, and it is the last (fact 11). */
START_TEST(attach_at_any_moment)
{
  static const int64_t begins[] = {0, 100000000};
  unsigned attached = 0, ended = 0, events;
  bool untold;
  for (unsigned i = 0; i < 120; i++) {
    tear_down();
    build(0, i % 3);
    uint32_t pid = spawn("target", NULL, false);
    dbgksim_run(machine, pid, begins[i % 2] + i * INT64_C(500));
    enum dbgksim_status status = dbgksim_attach(debugger, pid, i % 4 < 2);
    if (status == DBGKSIM_OK) {
      bool seen = follow_to_end(&events, &untold);
      ck_assert_msg(seen || !events || (untold && i % 4 < 2), "case %u: %s", i, dbgksim_message(machine));
      attached += seen;
      ended += !seen;
    } else {
      ended++;
      ck_assert_msg(status == DBGKSIM_NOT_FOUND || dbgksim_last_nt_status(machine) == STATUS_PROCESS_IS_TERMINATING ||
                        dbgksim_last_nt_status(machine) == STATUS_UNSUCCESSFUL,
                    "case %u: %s", i, dbgksim_message(machine));
    }
    ck_assert_uint_eq(exit_code(pid), 7);
  }
  ck_assert_uint_ge(attached, 60);
  ck_assert_uint_ge(ended, 1);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("attach");
  TCase *tests = tcase_create("attach");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, fact_4_attach_order);
  tcase_add_test(tests, fact_6_the_kernel_attach_alone_gives_no_breakpoint);
  tcase_add_test(tests, fact_6_without_a_break_in_thread_there_is_no_attach);
  tcase_add_test(tests, fact_7_threads_stay_suspended_until_their_create_event_is_continued);
  tcase_add_test(tests, fact_9_a_second_debugger_is_refused);
  tcase_add_test(tests, fact_33_last_close_kills_or_only_detaches);
  tcase_add_test(tests, fact_36_detach_with_a_pending_event_is_not_handled);
  tcase_add_test(tests, fact_37_children_inherit_the_debugger);
  tcase_add_test(tests, fact_37_children_of_an_attached_process_are_not_debugged);
  tcase_add_test(tests, statuses_of_attach_and_detach);
  tcase_add_test(tests, detach_with_unread_events_lets_all_threads_go);
  tcase_add_test(tests, one_debugger_several_processes);
  tcase_add_test(tests, an_end_before_the_first_wait_is_told);
  tcase_add_test(tests, exit_code_of_a_child_that_a_program_started);
  tcase_add_test(tests, exit_codes_that_nobody_knows);
  tcase_add_test(tests, attach_at_any_moment);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
