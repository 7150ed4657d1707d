/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which debug events does worker.exe cause? Each test makes a machine of its own. */
#include <check.h>
#include <dbgksim/expect.h>
#include <stdlib.h>

static dbgksim_machine *machine;
static dbgksim_debugger *debugger;
static uint32_t pid;

static void start(const char *argument)
{
  const char *arguments[] = {argument, NULL};
  struct dbgksim_program program = {.path = "worker.exe", .arguments = arguments};
  struct dbgksim_config config;
  dbgksim_config_init(&config);
  ck_assert_msg(dbgksim_machine_create(&config, &machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  ck_assert_int_eq(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
  ck_assert_msg(dbgksim_spawn(machine, &program, debugger, &pid) == DBGKSIM_OK, "%s", dbgksim_message(machine));
}

static void finish(void)
{
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
}

START_TEST(the_thread_reports_and_ends)
{
  start(NULL);
  ck_assert(dbgksim_expect(debugger, "CREATE_PROCESS worker.exe", "LOAD_DLL ntdll.dll", "LOAD_DLL kernel32.dll", "*",
                           "EXCEPTION 80000003 first", "CREATE_THREAD t1", "OUTPUT_DEBUG_STRING t1 working",
                           "EXIT_THREAD 7 t1", "EXIT_PROCESS 0 t0"));
  finish();
}
END_TEST

START_TEST(a_fault_is_seen_twice_and_ends_the_process)
{
  start("fault");
  ck_assert(dbgksim_expect(debugger, "*", "OUTPUT_DEBUG_STRING t1 working",
                           "EXCEPTION C0000005 first t1 at worker!work -> stop"));
  const EXCEPTION_RECORD64 *record = &dbgksim_expect_event(debugger)->exception;
  ck_assert_uint_eq(record->ExceptionInformation[0], 1);
  ck_assert_uint_eq(record->ExceptionInformation[1], 0x10);
  /* Which of the two threads is the last one is the scheduler's choice. */
  ck_assert(dbgksim_expect(debugger, "EXCEPTION C0000005 second t1", "EXIT_THREAD STATUS_ACCESS_VIOLATION",
                           "EXIT_PROCESS STATUS_ACCESS_VIOLATION"));
  finish();
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("worker");
  TCase *tcase = tcase_create("events");
  tcase_set_timeout(tcase, 60);
  tcase_add_test(tcase, the_thread_reports_and_ends);
  tcase_add_test(tcase, a_fault_is_seen_twice_and_ends_the_process);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
