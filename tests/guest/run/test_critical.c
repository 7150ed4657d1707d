/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Critical processes and threads (ProcessBreakOnTermination, ThreadBreakOnTermination): their end is a bug check, or a
 * question to the kernel debugger. */
#include <check.h>
#include <dbgksim/kd.h>
#include <dbgksim/kernel.h>
#include <stdio.h>
#include <string.h>

#define CRITICAL_PROCESS_DIED 0xEF
#define CRITICAL_OBJECT_TERMINATION 0xF4

static dbgksim_machine *machine;
static uint32_t pid;

static void start(const char *era, bool kernel_debugger, const char *what)
{
  char path[1024];
  struct dbgksim_config config;
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  config.era = era;
  config.kernel_debugger = kernel_debugger;
  ck_assert_msg(dbgksim_machine_create(&config, &machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  snprintf(path, sizeof path, "%s/g_critical.exe", GUEST_PROGRAM_DIR);
  const char *const arguments[] = {what, NULL};
  struct dbgksim_program program = {.path = path, .arguments = arguments};
  ck_assert_msg(dbgksim_spawn(machine, &program, NULL, &pid) == DBGKSIM_OK, "%s", dbgksim_message(machine));
}

static void teardown(void)
{
  dbgksim_machine_destroy(machine);
  machine = NULL;
}

static void expect_bugcheck(uint32_t code, uint64_t p0, uint64_t p1)
{
  struct dbgksim_bugcheck b;
  ck_assert_int_eq(dbgksim_run(machine, pid, -1), DBGKSIM_BUGCHECK);
  ck_assert_int_eq(dbgksim_get_bugcheck(machine, &b), DBGKSIM_OK);
  ck_assert_uint_eq(b.code, code);
  ck_assert_uint_eq(b.parameters[0], p0);
  ck_assert_uint_eq(b.parameters[1], p1);
  ck_assert_uint_eq(b.parameters[2], 0);
  ck_assert_uint_eq(b.parameters[3], 0);
  ck_assert_str_eq(b.name, code == CRITICAL_PROCESS_DIED ? "CRITICAL_PROCESS_DIED" : "CRITICAL_OBJECT_TERMINATION");
}

static const char *const process_ends[] = {"p", "e", "x"};

START_TEST(the_end_of_a_critical_process_is_a_bug_check)
{
  start("win10", false, process_ends[_i]);
  expect_bugcheck(CRITICAL_PROCESS_DIED, pid, 0);
}
END_TEST

START_TEST(the_end_of_a_critical_thread_is_a_bug_check)
{
  start("win10", false, "t");
  expect_bugcheck(CRITICAL_PROCESS_DIED, pid + 8, 1);
}
END_TEST

START_TEST(older_builds_have_another_bug_check)
{
  start("win7", false, "p");
  expect_bugcheck(CRITICAL_OBJECT_TERMINATION, 3, pid);
  teardown();
  start("xp", false, "t");
  expect_bugcheck(CRITICAL_OBJECT_TERMINATION, 6, pid + 8);
}
END_TEST

/* By the host, and by a native debugger that closes its object: the process's own exit meets the bug check. */
START_TEST(whoever_ends_it)
{
  start("win10", false, "w");
  ck_assert_int_eq(dbgksim_run(machine, pid, 20000000), DBGKSIM_TIMEOUT);
  if (_i) {
    dbgksim_debugger *debugger;
    ck_assert_int_eq(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
    ck_assert_int_eq(dbgksim_attach(debugger, pid, false), DBGKSIM_OK);
    dbgksim_debugger_destroy(debugger);
  } else {
    ck_assert_int_eq(dbgksim_terminate(machine, pid, 9), DBGKSIM_OK);
  }
  expect_bugcheck(CRITICAL_PROCESS_DIED, pid, 0);
}
END_TEST

static void next(struct dbgksim_kd_event *event, enum dbgksim_kd_kind kind)
{
  ck_assert_msg(dbgksim_kd_wait(machine, -1, event) == DBGKSIM_OK, "%s", dbgksim_message(machine));
  ck_assert_int_eq(event->kind, kind);
  ck_assert_uint_eq(event->pid, pid);
  ck_assert(event->kernel_mode);
}

static void answer(const char *reply, NTSTATUS status)
{
  const struct dbgksim_kd_answer answer = {.status = status, .reply = reply};
  ck_assert_int_eq(dbgksim_kd_continue(machine, &answer), DBGKSIM_OK);
}

static void expect_exit(uint32_t expected)
{
  NTSTATUS code;
  ck_assert_msg(dbgksim_run(machine, pid, -1) == DBGKSIM_OK, "%s", dbgksim_message(machine));
  ck_assert_int_eq(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
  ck_assert_uint_eq((uint32_t)code, expected);
}

START_TEST(the_kernel_debugger_may_ignore_it)
{
  static const char *const what[] = {"p", "e", "t"};
  struct dbgksim_kd_event event;
  char text[80];
  start("win10", true, what[_i]);
  next(&event, DBGKSIM_KD_PRINT);
  if (_i == 0)
    snprintf(text, sizeof text, "Terminating critical process %u (g_critical.exe)\n", pid);
  else if (_i == 1)
    snprintf(text, sizeof text, "Critical process %u (g_critical.exe) exited\n", pid);
  else
    snprintf(text, sizeof text, "Terminating critical thread %u (in g_critical.exe)\n", pid + 8);
  ck_assert_str_eq(event.text, text);
  answer(NULL, DBG_CONTINUE);
  next(&event, DBGKSIM_KD_PROMPT);
  ck_assert_str_eq(event.text, "Break, or Ignore (bi)? ");
  /* what is neither is asked again */
  answer("x", DBG_CONTINUE);
  next(&event, DBGKSIM_KD_PROMPT);
  answer("i", DBG_CONTINUE);
  expect_exit(5);
}
END_TEST

START_TEST(the_kernel_debugger_may_break_in)
{
  struct dbgksim_kd_event event;
  start("win10", true, "p");
  next(&event, DBGKSIM_KD_PRINT);
  answer(NULL, DBG_CONTINUE);
  next(&event, DBGKSIM_KD_PROMPT);
  answer("b", DBG_CONTINUE);
  next(&event, DBGKSIM_KD_EXCEPTION);
  ck_assert_int_eq(event.exception.ExceptionCode, STATUS_BREAKPOINT);
  ck_assert_uint_ge(event.context.Rip, 0xFFFF800000000000ull);
  answer(NULL, DBG_CONTINUE);
  expect_exit(5);
}
END_TEST

/* A breakpoint of kernel mode that nobody handles. */
START_TEST(a_break_that_is_not_handled_is_a_bug_check)
{
  struct dbgksim_kd_event event;
  struct dbgksim_bugcheck b;
  start("win10", true, "p");
  next(&event, DBGKSIM_KD_PRINT);
  answer(NULL, DBG_CONTINUE);
  next(&event, DBGKSIM_KD_PROMPT);
  answer("b", DBG_CONTINUE);
  for (int chance = 0; chance < 2; chance++) {
    next(&event, DBGKSIM_KD_EXCEPTION);
    answer(NULL, DBG_EXCEPTION_NOT_HANDLED);
  }
  ck_assert_int_eq(dbgksim_run(machine, pid, -1), DBGKSIM_BUGCHECK);
  ck_assert_int_eq(dbgksim_get_bugcheck(machine, &b), DBGKSIM_OK);
  ck_assert_uint_eq(b.code, 0x1E);
}
END_TEST

START_TEST(no_answer_is_a_bug_check)
{
  struct dbgksim_kd_event event;
  start("win10", true, "p");
  next(&event, DBGKSIM_KD_PRINT);
  answer(NULL, DBG_CONTINUE);
  next(&event, DBGKSIM_KD_PROMPT);
  answer("", DBG_CONTINUE);
  expect_bugcheck(CRITICAL_PROCESS_DIED, pid, 0);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("critical");
  TCase *tests = tcase_create("critical");
  tcase_set_timeout(tests, 60);
  tcase_add_checked_fixture(tests, NULL, teardown);
  tcase_add_loop_test(tests, the_end_of_a_critical_process_is_a_bug_check, 0, 3);
  tcase_add_test(tests, the_end_of_a_critical_thread_is_a_bug_check);
  tcase_add_test(tests, older_builds_have_another_bug_check);
  tcase_add_loop_test(tests, whoever_ends_it, 0, 2);
  tcase_add_loop_test(tests, the_kernel_debugger_may_ignore_it, 0, 3);
  tcase_add_test(tests, the_kernel_debugger_may_break_in);
  tcase_add_test(tests, a_break_that_is_not_handled_is_a_bug_check);
  tcase_add_test(tests, no_answer_is_a_bug_check);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
