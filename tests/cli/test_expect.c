/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <dbgksim/expect.h>
#include <string.h>

static dbgksim_machine *machine;
static dbgksim_debugger *debugger;
static uint32_t pid;

static void start(const char *name)
{
  char path[1024];
  struct dbgksim_config config;
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  snprintf(path, sizeof path, "%s/%s.exe", GUEST_PROGRAM_DIR, name);
  struct dbgksim_program program = {.path = path};
  ck_assert_msg(dbgksim_machine_create(&config, &machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  ck_assert_int_eq(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
  ck_assert_msg(dbgksim_spawn(machine, &program, debugger, &pid) == DBGKSIM_OK, "%s", dbgksim_message(machine));
}

static void stop(void)
{
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
}

/* dbgksim_expect would show the report of a deviation that is wanted here. */
#define DEVIATES(...) (!dbgksim_expect_list(debugger, (const char *const[]){__VA_ARGS__, NULL}))

START_TEST(whole_run)
{
  start("g_exit42");
  ck_assert(dbgksim_expect(debugger, "CREATE_PROCESS g_exit42.exe t0 p0", "LOAD_DLL ntdll.dll",
                           "EXCEPTION 80000003 first at ntdll", "EXIT_PROCESS 42"));
  ck_assert_uint_eq(dbgksim_live_processes(debugger), 0);
  stop();
}
END_TEST

START_TEST(star_skips_to_the_next_match)
{
  start("g_exit42");
  ck_assert(dbgksim_expect(debugger, "*", "EXIT_PROCESS 42"));
  stop();
  start("g_exit42");
  ck_assert(dbgksim_expect(debugger, "CREATE_PROCESS", "*"));
  struct dbgksim_event event;
  ck_assert_int_eq(dbgksim_wait(debugger, 0, &event), DBGKSIM_NO_PROCESS);
  stop();
}
END_TEST

START_TEST(calls_go_on_where_the_last_ended)
{
  start("g_debug_string");
  ck_assert(dbgksim_expect(debugger, "CREATE_PROCESS", "LOAD_DLL ntdll", "EXCEPTION 80000003"));
  ck_assert(dbgksim_expect(debugger, "OUTPUT_DEBUG_STRING hello, debugger"));
  ck_assert(dbgksim_expect(debugger, "*", "EXIT_PROCESS 0"));
  stop();
}
END_TEST

START_TEST(stop_leaves_the_event_outstanding)
{
  start("g_int3_veh");
  ck_assert(dbgksim_expect(debugger, "*", "EXCEPTION 80000003 first at ntdll"));
  ck_assert(dbgksim_expect(debugger, "EXCEPTION 80000003 first at g_int3_veh -> stop"));
  const struct dbgksim_event *event = dbgksim_expect_event(debugger);
  ck_assert_ptr_nonnull(event);
  unsigned char byte = 0;
  ck_assert_int_eq(dbgksim_read_memory(machine, pid, event->exception.ExceptionAddress, &byte, 1, NULL), DBGKSIM_OK);
  ck_assert_uint_eq(byte, 0xCC);
  struct dbgksim_event other;
  ck_assert_int_eq(dbgksim_wait(debugger, 0, &other), DBGKSIM_TIMEOUT);
  ck_assert(dbgksim_expect(debugger, "EXIT_PROCESS 0"));
  stop();
}
END_TEST

START_TEST(second_chance_by_default_and_its_end)
{
  start("g_int3_unhandled");
  ck_assert(dbgksim_expect(debugger, "*", "EXCEPTION 80000003 first", "EXCEPTION 80000003 first at ntdll!DbgBreakPoint",
                           "EXCEPTION 80000003 second", "EXIT_PROCESS 0x80000003"));
  stop();
}
END_TEST

START_TEST(report_marks_the_first_deviation)
{
  start("g_exit42");
  ck_assert(DEVIATES("CREATE_PROCESS", "LOAD_DLL kernel32.dll", "EXIT_PROCESS 42"));
  const char *report = dbgksim_expect_report(debugger);
  ck_assert_ptr_nonnull(strstr(report, "first deviation: event 2, expected \"LOAD_DLL kernel32.dll\", actual: "
                                       "LOAD_DLL ntdll.dll p0 t0\n"));
  const char *mark = strstr(report, "\n=>");
  ck_assert_ptr_nonnull(mark);
  ck_assert_ptr_nonnull(strstr(mark, "LOAD_DLL kernel32.dll"));
  ck_assert_ptr_nonnull(strstr(mark, "EXIT_PROCESS 42"));
  stop();
}
END_TEST

START_TEST(report_names_the_end_of_events)
{
  start("g_exit42");
  ck_assert(DEVIATES("*", "EXIT_PROCESS 43"));
  ck_assert_ptr_nonnull(strstr(dbgksim_expect_report(debugger), "no event: "));
  stop();
}
END_TEST

START_TEST(report_names_a_bad_pattern_before_running)
{
  start("g_exit42");
  ck_assert(DEVIATES("CREATE_PROCESS", "EXCEPTION frist"));
  ck_assert_ptr_nonnull(strstr(dbgksim_expect_report(debugger), "pattern 2, \"EXCEPTION frist\""));
  ck_assert_ptr_null(dbgksim_expect_event(debugger));
  ck_assert(DEVIATES("CREATE_PROCESS -> stop", "LOAD_DLL"));
  ck_assert(dbgksim_expect(debugger, "CREATE_PROCESS"));
  stop();
}
END_TEST

START_TEST(threads_are_told_apart)
{
  start("g_threads");
  ck_assert(dbgksim_expect(debugger, "*", "CREATE_THREAD t1", "EXIT_THREAD 0x10 t1", "CREATE_THREAD t2",
                           "EXIT_THREAD 0x11 t2", "CREATE_THREAD t3", "EXIT_THREAD 0x22 t3", "*", "EXIT_PROCESS 0 t0"));
  stop();
}
END_TEST

START_TEST(unloads_have_names)
{
  start("g_load_dll");
  ck_assert(dbgksim_expect(debugger, "*", "LOAD_DLL g_dll.dll", "LOAD_DLL g_dll.dll", "UNLOAD_DLL g_dll.dll",
                           "UNLOAD_DLL g_dll.dll", "*"));
  stop();
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("expect");
  TCase *tcase = tcase_create("runs");
  tcase_set_timeout(tcase, 30);
  tcase_add_test(tcase, whole_run);
  tcase_add_test(tcase, star_skips_to_the_next_match);
  tcase_add_test(tcase, calls_go_on_where_the_last_ended);
  tcase_add_test(tcase, stop_leaves_the_event_outstanding);
  tcase_add_test(tcase, second_chance_by_default_and_its_end);
  tcase_add_test(tcase, report_marks_the_first_deviation);
  tcase_add_test(tcase, report_names_the_end_of_events);
  tcase_add_test(tcase, report_names_a_bad_pattern_before_running);
  tcase_add_test(tcase, threads_are_told_apart);
  tcase_add_test(tcase, unloads_have_names);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
