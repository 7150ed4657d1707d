/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the guest programs on the nano userland: without a debugger, and under one that answers every exception, the
 * loader breakpoint included, with DBG_EXCEPTION_NOT_HANDLED. They check themselves; the exit code tells. */
#include <check.h>
#include <dbgksim/dbgksim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name;
  uint32_t without_debugger, not_handled;
} programs[] = {
#include "guest_cases.h"
};
#define PROGRAMS ((int)(sizeof(programs) / sizeof(programs[0])))

struct output {
  char text[1 << 16];
  size_t size;
};

static void collect(void *context, int stream, const void *bytes, size_t size)
{
  struct output *output = context;
  (void)stream;
  if (size > sizeof(output->text) - 1 - output->size)
    size = sizeof(output->text) - 1 - output->size;
  memcpy(output->text + output->size, bytes, size);
  output->size += size;
  output->text[output->size] = 0;
}

static struct output output;

static dbgksim_machine *create_machine(uint64_t seed, uint64_t budget)
{
  struct dbgksim_config config;
  dbgksim_machine *machine;
  dbgksim_config_init(&config);
  memset(&output, 0, sizeof(output));
  config.userland = NANO_DIR;
  config.seed = seed;
  config.random_schedule = seed != 0;
  config.block_budget = budget;
  config.output = collect;
  config.io_context = &output;
  enum dbgksim_status status = dbgksim_machine_create(&config, &machine);
  ck_assert_msg(status == DBGKSIM_OK, "machine: %s", dbgksim_message(NULL));
  return machine;
}

static uint32_t spawn(dbgksim_machine *machine, const char *name, const char *const *arguments,
                      dbgksim_debugger *debugger)
{
  char path[1024];
  uint32_t pid = 0;
  snprintf(path, sizeof(path), "%s/%s.exe", GUEST_PROGRAM_DIR, name);
  struct dbgksim_program program = {.path = path, .arguments = arguments};
  ck_assert_msg(dbgksim_spawn(machine, &program, debugger, &pid) == DBGKSIM_OK, "%s: %s", name,
                dbgksim_message(machine));
  return pid;
}

/* Runs a program to its end and returns its exit code. */
static uint32_t run(dbgksim_machine *machine, const char *name, const char *const *arguments)
{
  NTSTATUS code = 0;
  uint32_t pid = spawn(machine, name, arguments, NULL);
  enum dbgksim_status status = dbgksim_run(machine, pid, -1);
  ck_assert_msg(status == DBGKSIM_OK, "%s: %s: %s\n%s", name, dbgksim_status_name(status), dbgksim_message(machine),
                output.text);
  ck_assert_int_eq(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
  return (uint32_t)code;
}

START_TEST(exit_code_without_debugger)
{
  dbgksim_machine *machine = create_machine(0, 0);
  uint32_t code = run(machine, programs[_i].name, NULL);
  ck_assert_msg(code == programs[_i].without_debugger, "%s: exit code %u (%08x)\n%s", programs[_i].name, code, code,
                output.text);
  dbgksim_machine_destroy(machine);
}
END_TEST

START_TEST(exit_code_under_debugger_that_answers_not_handled)
{
  const char *name = programs[_i].name;
  dbgksim_machine *machine = create_machine(0, 0);
  dbgksim_debugger *debugger;
  struct dbgksim_event event;
  NTSTATUS code = 0;
  ck_assert_int_eq(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
  uint32_t pid = spawn(machine, name, NULL, debugger);
  static const enum dbgksim_event_code first[] = {DBGKSIM_CREATE_PROCESS, DBGKSIM_LOAD_DLL, DBGKSIM_EXCEPTION};
  enum dbgksim_event_code last = DBGKSIM_RIP;
  for (int n = 0; dbgksim_wait(debugger, -1, &event) == DBGKSIM_OK; n++) {
    if (n < 3)
      ck_assert_msg(event.code == first[n], "%s: event %d has code %d", name, n, (int)event.code);
    last = event.code;
    ck_assert_int_eq(dbgksim_continue(debugger, &event, DBG_EXCEPTION_NOT_HANDLED), DBGKSIM_OK);
    if (last == DBGKSIM_EXIT_PROCESS)
      break;
  }
  ck_assert_int_eq(dbgksim_run(machine, pid, -1), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
  ck_assert_msg((uint32_t)code == programs[_i].not_handled, "%s: exit code %d (%08x)\n%s", name, code, (uint32_t)code,
                output.text);
  /* fact 31: a hidden thread does not report the exit */
  if (strcmp(name, "g_hide"))
    ck_assert_msg(last == DBGKSIM_EXIT_PROCESS, "%s: last event %d", name, (int)last);
  else
    ck_assert_int_ne(last, DBGKSIM_EXIT_PROCESS);
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
}
END_TEST

START_TEST(no_trace_of_a_debugger_without_one)
{
  dbgksim_machine *machine = create_machine(0, 0);
  uint32_t code = run(machine, "g_information", NULL);
  ck_assert_msg(code == 0, "exit code %u\n%s", code, output.text);
  dbgksim_machine_destroy(machine);
}
END_TEST

START_TEST(wild_service_calls_do_no_harm)
{
  char seed[16];
  const char *const arguments[] = {seed, "3", NULL};
  snprintf(seed, sizeof(seed), "%d", _i + 1);
  dbgksim_machine *machine = create_machine(0, 0);
  uint32_t code = run(machine, "g_hostile", arguments);
  ck_assert_msg(code == 0, "seed %s: exit code %u\n%s", seed, code, output.text);
  /* the machine still works */
  ck_assert_uint_eq(run(machine, "g_hello", NULL), 0);
  dbgksim_machine_destroy(machine);
}
END_TEST

START_TEST(endless_loop_ends_with_the_budget)
{
  dbgksim_machine *machine = create_machine(0, 1000000);
  uint32_t pid = spawn(machine, "g_spin", NULL, NULL);
  ck_assert_int_eq(dbgksim_run(machine, pid, -1), DBGKSIM_BUDGET);
  ck_assert_int_eq(dbgksim_set_budget(machine, 1000000), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_run(machine, pid, -1), DBGKSIM_BUDGET);
  dbgksim_machine_destroy(machine);
}
END_TEST

START_TEST(deadlock_is_reported)
{
  char report[4096] = "";
  dbgksim_machine *machine = create_machine(0, 0);
  uint32_t pid = spawn(machine, "g_deadlock", NULL, NULL);
  ck_assert_int_eq(dbgksim_run(machine, pid, -1), DBGKSIM_DEADLOCK);
  ck_assert_int_eq(dbgksim_report_waits(machine, report, sizeof(report)), DBGKSIM_OK);
  ck_assert_str_ne(report, "");
  dbgksim_machine_destroy(machine);
}
END_TEST

/* Sorts the two-character lines, so that only what was printed counts, not when. */
static int compare_lines(const void *a, const void *b) { return memcmp(a, b, 3); }

START_TEST(seed_decides_the_interleaving)
{
  static struct output outputs[3];
  static const uint64_t seeds[3] = {5, 5, 6};
  for (int i = 0; i < 3; i++) {
    dbgksim_machine *machine = create_machine(seeds[i], 0);
    ck_assert_uint_eq(run(machine, "g_interleave", NULL), 0);
    dbgksim_machine_destroy(machine);
    outputs[i] = output;
  }
  ck_assert_uint_eq(outputs[0].size, 4 * 8 * 3 + 5);
  ck_assert_str_eq(outputs[0].text, outputs[1].text);
  ck_assert_str_ne(outputs[0].text, outputs[2].text);
  for (int i = 0; i < 3; i++)
    qsort(outputs[i].text, 4 * 8, 3, compare_lines);
  ck_assert_str_eq(outputs[0].text, outputs[2].text);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("guest programs");
  TCase *tests = tcase_create("programs");
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, exit_code_without_debugger, 0, PROGRAMS);
  tcase_add_loop_test(tests, exit_code_under_debugger_that_answers_not_handled, 0, PROGRAMS);
  tcase_add_test(tests, no_trace_of_a_debugger_without_one);
  tcase_add_loop_test(tests, wild_service_calls_do_no_harm, 0, 4);
  tcase_add_test(tests, endless_loop_ends_with_the_budget);
  tcase_add_test(tests, deadlock_is_reported);
  tcase_add_test(tests, seed_decides_the_interleaving);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
