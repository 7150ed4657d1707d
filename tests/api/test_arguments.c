/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments that are missing, unknown or wrong: a status, never more. */
#include "api.h"

#include <dbgksim/expect.h>
#include <stdio.h>
#include <string.h>

static dbgksim_machine *machine;
static dbgksim_debugger *debugger;

static void setup(void)
{
  machine = api_machine(NULL);
  ck_api(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
}

static void teardown(void)
{
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
}

static void nothing(void *argument) { (void)argument; }
static void take_record(void *context, const struct dbgksim_trace_record *record) { (void)context, (void)record; }

START_TEST(no_machine_is_a_bad_argument)
{
  const struct dbgksim_program program = {.path = api_program("g_hello")};
  const char *const patterns[] = {"CREATE_PROCESS", NULL};
  struct dbgksim_module module;
  struct dbgksim_event event;
  CONTEXT context = {.ContextFlags = CONTEXT_FULL};
  NTSTATUS code;
  char text[16];
  uint32_t id;
  size_t count = 1;
  unsigned length;
  ck_api(dbgksim_machine_create(NULL, NULL), DBGKSIM_BAD_ARGUMENT);
  dbgksim_machine_destroy(NULL);
  dbgksim_debugger_destroy(NULL);
  dbgksim_interrupt(NULL);
  ck_assert_ptr_nonnull(dbgksim_message(NULL));
  ck_assert_int_ne(dbgksim_last_nt_status(NULL), STATUS_SUCCESS);
  ck_assert_uint_eq(dbgksim_time(NULL), 0);
  ck_api(dbgksim_set_budget(NULL, 1), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_report_waits(NULL, text, sizeof text), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_spawn(NULL, &program, NULL, &id), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_run(NULL, 0, -1), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_exit_code(NULL, 4, &code), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_terminate(NULL, 4, 0), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_native_thread(NULL, nothing, NULL, &id), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_debugger_create(NULL, true, &debugger), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_wait(NULL, 0, &event), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_continue(NULL, &event, DBG_CONTINUE), DBGKSIM_BAD_ARGUMENT);
  ck_assert_uint_eq(dbgksim_debug_object(NULL), 0);
  ck_assert_uint_eq(dbgksim_live_processes(NULL), 0);
  ck_assert_ptr_null(dbgksim_debugger_machine(NULL));
  ck_api(dbgksim_read_memory(NULL, 4, 0, text, sizeof text, &count), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_write_memory(NULL, 4, 0, text, sizeof text, &count), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_get_context(NULL, 4, &context), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_set_context(NULL, 4, &context), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_suspend_thread(NULL, 4, &id), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_resume_thread(NULL, 4, &id), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_list_processes(NULL, &id, &count), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_list_threads(NULL, 4, &id, &count), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_list_modules(NULL, 4, &module, &count), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_symbolize(NULL, 4, 0, text, sizeof text), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_disassemble(NULL, 4, 0, text, sizeof text, &length), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_trace_subscribe(NULL, 1, take_record, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_expect_list(NULL, patterns), 0);
  ck_assert_str_eq(dbgksim_expect_report(NULL), "");
  ck_assert_ptr_null(dbgksim_expect_event(NULL));
}
END_TEST

START_TEST(missing_arguments_are_bad_ones)
{
  const struct dbgksim_program no_path = {.path = NULL};
  struct dbgksim_event event;
  uint32_t pid = api_spawn(machine, "g_hello", debugger), id;
  size_t count = 1;
  ck_api(dbgksim_wait(debugger, -1, &event), DBGKSIM_OK);
  ck_api(dbgksim_report_waits(machine, NULL, 10), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_spawn(machine, NULL, NULL, &id), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_spawn(machine, &no_path, NULL, &id), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_native_thread(machine, NULL, NULL, &id), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_debugger_create(machine, true, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_wait(debugger, 0, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_continue(debugger, NULL, DBG_CONTINUE), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_read_memory(machine, pid, event.base, NULL, 1, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_write_memory(machine, pid, event.base, NULL, 1, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_read_memory(machine, pid, event.base, NULL, 0, NULL), DBGKSIM_OK);
  ck_api(dbgksim_get_context(machine, event.tid, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_set_context(machine, event.tid, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_list_processes(machine, NULL, &count), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_list_processes(machine, &id, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_list_threads(machine, pid, NULL, &count), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_list_threads(machine, pid, &id, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_list_modules(machine, pid, NULL, &count), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_list_modules(machine, pid, NULL, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_symbolize(machine, pid, event.base, NULL, 10), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_disassemble(machine, pid, event.base, NULL, 10, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_trace_subscribe(machine, 1, NULL, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_expect_list(debugger, NULL), 0);
  /* what may be left out */
  ck_api(dbgksim_suspend_thread(machine, event.tid, NULL), DBGKSIM_OK);
  ck_api(dbgksim_resume_thread(machine, event.tid, NULL), DBGKSIM_OK);
  ck_api(dbgksim_report_waits(machine, NULL, 0), DBGKSIM_OK);
  ck_api(dbgksim_spawn(machine, &(struct dbgksim_program){.path = api_program("g_hello")}, NULL, NULL), DBGKSIM_OK);
}
END_TEST

START_TEST(unknown_ids_are_not_found)
{
  static const uint32_t unknown[] = {0, 1, 3, 0x7FFFFFFC, UINT32_MAX};
  CONTEXT context = {.ContextFlags = CONTEXT_FULL};
  NTSTATUS code;
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    char text[64];
    uint32_t id;
    size_t count = 1;
    ck_api(dbgksim_exit_code(machine, unknown[i], &code), DBGKSIM_NOT_FOUND);
    ck_api(dbgksim_terminate(machine, unknown[i], 0), DBGKSIM_NOT_FOUND);
    ck_api(dbgksim_read_memory(machine, unknown[i], 0x10000, text, 1, NULL), DBGKSIM_NOT_FOUND);
    ck_api(dbgksim_write_memory(machine, unknown[i], 0x10000, text, 1, NULL), DBGKSIM_NOT_FOUND);
    ck_api(dbgksim_get_context(machine, unknown[i], &context), DBGKSIM_NOT_FOUND);
    ck_api(dbgksim_set_context(machine, unknown[i], &context), DBGKSIM_NOT_FOUND);
    ck_api(dbgksim_suspend_thread(machine, unknown[i], &id), DBGKSIM_NOT_FOUND);
    ck_api(dbgksim_resume_thread(machine, unknown[i], &id), DBGKSIM_NOT_FOUND);
    ck_api(dbgksim_list_threads(machine, unknown[i], &id, &count), DBGKSIM_NOT_FOUND);
    count = 0;
    ck_api(dbgksim_list_modules(machine, unknown[i], NULL, &count), DBGKSIM_NOT_FOUND);
    ck_api(dbgksim_symbolize(machine, unknown[i], 0, text, sizeof text), DBGKSIM_NOT_FOUND);
    ck_api(dbgksim_disassemble(machine, unknown[i], 0, text, sizeof text, NULL), DBGKSIM_NOT_FOUND);
    if (unknown[i])
      ck_api(dbgksim_run(machine, unknown[i], -1), DBGKSIM_NOT_FOUND);
  }
}
END_TEST

START_TEST(wild_addresses_are_statuses)
{
  static const uint64_t addresses[] = {0, 1, 0xFFFF, 0x7FFFFFFF0000, 0x800000000000, 0xFFFF800000000000, UINT64_MAX};
  struct dbgksim_event event;
  char text[64];
  uint32_t pid = api_spawn(machine, "g_hello", debugger);
  ck_api(dbgksim_wait(debugger, -1, &event), DBGKSIM_OK);
  for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
    size_t done = 99;
    ck_api(dbgksim_read_memory(machine, pid, addresses[i], text, sizeof text, &done), DBGKSIM_NT_ERROR);
    ck_assert_uint_eq(done, 0);
    ck_assert_int_lt(dbgksim_last_nt_status(machine), 0);
    ck_api(dbgksim_write_memory(machine, pid, addresses[i], text, sizeof text, &done), DBGKSIM_NT_ERROR);
    ck_assert_uint_eq(done, 0);
    ck_api(dbgksim_symbolize(machine, pid, addresses[i], text, sizeof text), DBGKSIM_OK);
    ck_api(dbgksim_disassemble(machine, pid, addresses[i], text, sizeof text, NULL), DBGKSIM_NOT_FOUND);
  }
}
END_TEST

START_TEST(text_is_cut_to_its_room)
{
  struct dbgksim_event event;
  char text[8];
  uint32_t pid = api_spawn(machine, "g_hello", debugger);
  ck_api(dbgksim_wait(debugger, -1, &event), DBGKSIM_OK);
  for (size_t size = 1; size <= 4; size++) {
    memset(text, 'x', sizeof text);
    ck_api(dbgksim_symbolize(machine, pid, event.start_address, text, size), DBGKSIM_OK);
    ck_assert_uint_eq(strlen(text), size - 1);
    memset(text, 'x', sizeof text);
    ck_api(dbgksim_report_waits(machine, text, size), DBGKSIM_OK);
    ck_assert_uint_eq(strlen(text), size - 1);
    memset(text, 'x', sizeof text);
    dbgksim_disassemble(machine, pid, event.start_address, text, size, NULL);
    ck_assert_ptr_nonnull(memchr(text, 0, size));
    ck_assert_int_eq(text[size], 'x');
  }
  char nothing_fits[1] = "x";
  dbgksim_doctor(NANO_DIR, nothing_fits, 0);
  ck_assert_int_eq(nothing_fits[0], 'x');
  dbgksim_doctor(NANO_DIR, NULL, 0);
}
END_TEST

START_TEST(lists_tell_how_many_there_are)
{
  struct dbgksim_module modules[4];
  struct dbgksim_event event;
  uint32_t ids[4];
  size_t count = 0;
  uint32_t pid = api_spawn(machine, "g_hello", debugger);
  ck_api(dbgksim_list_processes(machine, NULL, &count), DBGKSIM_OK);
  ck_assert_uint_eq(count, 1);
  ck_api(dbgksim_list_processes(machine, ids, &count), DBGKSIM_OK);
  ck_assert_uint_eq(ids[0], pid);
  count = 4;
  ck_api(dbgksim_list_threads(machine, pid, ids, &count), DBGKSIM_OK);
  ck_assert_uint_eq(count, 1);
  ck_api(dbgksim_wait(debugger, -1, &event), DBGKSIM_OK);
  ck_assert_uint_eq(ids[0], event.tid);
  ck_assert_uint_eq(pid, event.pid);
  count = 1;
  ck_api(dbgksim_list_modules(machine, pid, modules, &count), DBGKSIM_OK);
  ck_assert_uint_eq(count, 2);
  count = 4;
  ck_api(dbgksim_list_modules(machine, pid, modules, &count), DBGKSIM_OK);
  ck_assert_uint_eq(count, 2);
  ck_assert_str_eq(modules[0].name, "g_hello.exe");
  ck_assert_uint_eq(modules[0].base, event.base);
  ck_assert_str_eq(modules[1].name, "ntdll.dll");
}
END_TEST

START_TEST(bad_configurations_make_no_machine)
{
  static const struct dbgksim_root roots[] = {{NULL, "C:\\x", false}, {"/tmp", NULL, false}};
  struct dbgksim_config config;
  dbgksim_machine *none = machine;
  memset(&config, 0, sizeof config);
  ck_api(dbgksim_machine_create(&config, &none), DBGKSIM_BAD_ARGUMENT);
  ck_assert_ptr_null(none);
  ck_api(dbgksim_machine_create(NULL, &none), DBGKSIM_BAD_ARGUMENT);
  dbgksim_config_init(&config);
  ck_api(dbgksim_machine_create(&config, NULL), DBGKSIM_BAD_ARGUMENT);
  config.userland = NANO_DIR;
  config.root_count = 1;
  ck_api(dbgksim_machine_create(&config, &none), DBGKSIM_BAD_ARGUMENT);
  for (int i = 0; i < 2; i++) {
    config.roots = &roots[i];
    ck_api(dbgksim_machine_create(&config, &none), DBGKSIM_BAD_ARGUMENT);
    ck_assert_str_ne(dbgksim_message(NULL), "");
  }
  dbgksim_config_init(&config);
  config.userland = "/nowhere/at/all";
  ck_api(dbgksim_machine_create(&config, &none), DBGKSIM_NO_USERLAND);
  ck_assert_ptr_null(none);
  ck_assert_ptr_nonnull(strstr(dbgksim_message(NULL), "/nowhere/at/all"));
}
END_TEST

START_TEST(programs_that_can_not_run_say_why)
{
  static const struct {
    const char *path;
    enum dbgksim_status status;
  } cases[] = {
      {"/nowhere/program.exe", DBGKSIM_NOT_FOUND},
      {"", DBGKSIM_NOT_FOUND},
      {"/tmp", DBGKSIM_BAD_IMAGE},
      {"/dev/null", DBGKSIM_BAD_IMAGE},
      {"/etc/passwd", DBGKSIM_BAD_IMAGE},
      {GUEST_PROGRAM_DIR "/g_dll.dll", DBGKSIM_BAD_IMAGE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    dbgksim_machine *own = api_machine(NULL);
    const struct dbgksim_program program = {.path = cases[i].path};
    enum dbgksim_status status = dbgksim_spawn(own, &program, NULL, NULL);
    ck_assert_msg(status == cases[i].status, "%s: %s: %s", cases[i].path, dbgksim_status_name(status),
                  dbgksim_message(own));
    ck_assert_str_ne(dbgksim_message(own), "");
    dbgksim_machine_destroy(own);
  }
}
END_TEST

START_TEST(a_debugger_of_another_machine_is_refused)
{
  dbgksim_machine *other = api_machine(NULL);
  const struct dbgksim_program program = {.path = api_program("g_hello")};
  ck_api(dbgksim_spawn(other, &program, debugger, NULL), DBGKSIM_BAD_ARGUMENT);
  dbgksim_machine_destroy(other);
}
END_TEST

START_TEST(the_native_process_is_out_of_bounds)
{
  uint32_t tid, ids[8];
  size_t count = 8;
  char text[8];
  CONTEXT context = {.ContextFlags = CONTEXT_FULL};
  ck_api(dbgksim_native_thread(machine, nothing, NULL, &tid), DBGKSIM_OK);
  ck_api(dbgksim_get_context(machine, tid, &context), DBGKSIM_NT_ERROR);
  ck_assert_int_eq(dbgksim_last_nt_status(machine), STATUS_ACCESS_DENIED);
  ck_api(dbgksim_suspend_thread(machine, tid, NULL), DBGKSIM_NT_ERROR);
  ck_api(dbgksim_list_processes(machine, ids, &count), DBGKSIM_OK);
  ck_assert_uint_eq(count, 0);
  uint32_t guest = api_spawn(machine, "g_hello", NULL);
  /* ids are multiples of 4 from one counter: the native process and the system are among those below the first guest */
  unsigned native = 0;
  for (uint32_t pid = 4; pid < guest; pid += 4) {
    enum dbgksim_status status = dbgksim_read_memory(machine, pid, (uint64_t)(uintptr_t)text, text, 1, NULL);
    ck_assert(status == DBGKSIM_NOT_FOUND || status == DBGKSIM_NT_ERROR);
    native += status == DBGKSIM_NT_ERROR && dbgksim_last_nt_status(machine) == STATUS_ACCESS_DENIED;
    if (status == DBGKSIM_NT_ERROR)
      ck_api(dbgksim_terminate(machine, pid, 0), DBGKSIM_NT_ERROR);
  }
  ck_assert_uint_ge(native, 1);
}
END_TEST

START_TEST(an_event_is_continued_once)
{
  struct dbgksim_event event, stale;
  api_spawn(machine, "g_hello", debugger);
  memset(&stale, 0, sizeof stale);
  ck_api(dbgksim_continue(debugger, &stale, DBG_CONTINUE), DBGKSIM_NT_ERROR);
  ck_api(dbgksim_wait(debugger, -1, &event), DBGKSIM_OK);
  ck_api(dbgksim_continue(debugger, &event, 0x12345678), DBGKSIM_NT_ERROR);
  ck_assert_int_eq(dbgksim_last_nt_status(machine), STATUS_INVALID_PARAMETER);
  ck_api(dbgksim_continue(debugger, &event, DBG_CONTINUE), DBGKSIM_OK);
  ck_api(dbgksim_continue(debugger, &event, DBG_CONTINUE), DBGKSIM_NT_ERROR);
  api_debug_to_the_end(debugger);
}
END_TEST

START_TEST(subscriptions_end)
{
  int contexts[9];
  for (int i = 0; i < 8; i++)
    ck_api(dbgksim_trace_subscribe(machine, UINT64_MAX, take_record, &contexts[i]), DBGKSIM_OK);
  ck_api(dbgksim_trace_subscribe(machine, 1, take_record, &contexts[8]), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_trace_subscribe(machine, 1, take_record, &contexts[3]), DBGKSIM_OK);
  for (int i = 0; i < 8; i++)
    ck_api(dbgksim_trace_subscribe(machine, 0, take_record, &contexts[i]), DBGKSIM_OK);
  ck_api(dbgksim_trace_subscribe(machine, 1, take_record, &contexts[8]), DBGKSIM_OK);
}
END_TEST

START_TEST(every_number_has_a_name_or_none)
{
  NTSTATUS status;
  for (int i = -2; i < 100; i++) {
    ck_assert_ptr_nonnull(dbgksim_status_name((enum dbgksim_status)i));
    ck_assert_ptr_nonnull(dbgksim_trace_kind_name((enum dbgksim_trace_kind)i));
  }
  ck_assert_ptr_null(dbgksim_nt_status_name((NTSTATUS)0xDEADBEEF));
  ck_assert(!dbgksim_nt_status_value("STATUS_NO_SUCH_NAME", &status));
  ck_assert(!dbgksim_nt_status_value(NULL, &status));
  ck_assert(dbgksim_nt_status_value("STATUS_ACCESS_VIOLATION", &status));
  ck_assert_int_eq(status, STATUS_ACCESS_VIOLATION);
}
END_TEST

TCase *argument_tests(void)
{
  TCase *tests = tcase_create("arguments");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, no_machine_is_a_bad_argument);
  tcase_add_test(tests, missing_arguments_are_bad_ones);
  tcase_add_test(tests, unknown_ids_are_not_found);
  tcase_add_test(tests, wild_addresses_are_statuses);
  tcase_add_test(tests, text_is_cut_to_its_room);
  tcase_add_test(tests, lists_tell_how_many_there_are);
  tcase_add_test(tests, bad_configurations_make_no_machine);
  tcase_add_test(tests, programs_that_can_not_run_say_why);
  tcase_add_test(tests, a_debugger_of_another_machine_is_refused);
  tcase_add_test(tests, the_native_process_is_out_of_bounds);
  tcase_add_test(tests, an_event_is_continued_once);
  tcase_add_test(tests, subscriptions_end);
  tcase_add_test(tests, every_number_has_a_name_or_none);
  return tests;
}
