/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs that do not end by themselves: interrupts, budgets, deadlocks; and what is left when machines end. */
#include "api.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Interrupts a machine from another thread after a while. */
struct interrupter {
  pthread_t thread;
  dbgksim_machine *machine;
};

static void *interrupt_later(void *argument)
{
  struct interrupter *interrupter = argument;
  const struct timespec while_ = {0, 30000000};
  nanosleep(&while_, NULL);
  dbgksim_interrupt(interrupter->machine);
  return NULL;
}

static void start_interrupter(struct interrupter *interrupter, dbgksim_machine *machine)
{
  interrupter->machine = machine;
  ck_assert_int_eq(pthread_create(&interrupter->thread, NULL, interrupt_later, interrupter), 0);
}

static void end_interrupter(struct interrupter *interrupter)
{
  ck_assert_int_eq(pthread_join(interrupter->thread, NULL), 0);
}

static void check_interrupted_run(const char *program)
{
  struct interrupter interrupter;
  NTSTATUS code;
  dbgksim_machine *machine = api_machine(NULL);
  uint32_t pid = api_spawn(machine, program, NULL);
  for (int i = 0; i < 3; i++) {
    start_interrupter(&interrupter, machine);
    ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_INTERRUPTED);
    end_interrupter(&interrupter);
    ck_api(dbgksim_exit_code(machine, pid, &code), DBGKSIM_TIMEOUT);
  }
  ck_api(dbgksim_terminate(machine, pid, 77), DBGKSIM_OK);
  ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_OK);
  ck_api(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
  ck_assert_int_eq(code, 77);
  dbgksim_machine_destroy(machine);
}

START_TEST(an_interrupt_breaks_an_endless_loop)
{
  check_interrupted_run("g_spin");
}
END_TEST

START_TEST(an_interrupt_breaks_endless_sleep)
{
  check_interrupted_run("g_sleep");
}
END_TEST

START_TEST(an_interrupt_breaks_a_debuggers_endless_wait)
{
  struct interrupter interrupter;
  struct dbgksim_event event;
  dbgksim_debugger *debugger;
  dbgksim_machine *machine = api_machine(NULL);
  ck_api(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
  api_spawn(machine, "g_spin", debugger);
  for (int i = 0; i < 3; i++) { /* creation, ntdll, the loader's breakpoint */
    ck_api(dbgksim_wait(debugger, -1, &event), DBGKSIM_OK);
    ck_api(dbgksim_continue(debugger, &event, DBG_CONTINUE), DBGKSIM_OK);
  }
  for (int i = 0; i < 3; i++) {
    start_interrupter(&interrupter, machine);
    ck_api(dbgksim_wait(debugger, -1, &event), DBGKSIM_INTERRUPTED);
    end_interrupter(&interrupter);
  }
  ck_assert_uint_eq(dbgksim_live_processes(debugger), 1);
  dbgksim_debugger_destroy(debugger);                                                  /* kills on close */
  ck_api(dbgksim_run(machine, 0, -1), DBGKSIM_OK);
  dbgksim_machine_destroy(machine);
}
END_TEST

START_TEST(an_early_interrupt_ends_the_next_wait_only)
{
  NTSTATUS code;
  dbgksim_machine *machine = api_machine(NULL);
  uint32_t pid = api_spawn(machine, "g_exit42", NULL);
  dbgksim_interrupt(machine);
  ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_INTERRUPTED);
  ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_OK);
  ck_api(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
  ck_assert_int_eq(code, 42);
  dbgksim_machine_destroy(machine);
}
END_TEST

START_TEST(a_budget_ends_a_run_and_a_new_one_takes_it_up)
{
  struct dbgksim_event event;
  dbgksim_debugger *debugger;
  dbgksim_machine *machine = api_machine(NULL);
  uint32_t pid = api_spawn(machine, "g_spin", NULL);
  ck_api(dbgksim_set_budget(machine, 100000), DBGKSIM_OK);
  ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_BUDGET);
  uint64_t first = dbgksim_time(machine);
  ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_BUDGET);
  ck_assert_uint_lt(dbgksim_time(machine) - first, first);
  ck_api(dbgksim_set_budget(machine, 100000), DBGKSIM_OK);
  ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_BUDGET);
  ck_assert_uint_ge(dbgksim_time(machine), 2 * first - first / 10);
  /* a debugger's wait ends so, too */
  ck_api(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
  api_spawn(machine, "g_spin", debugger);
  ck_api(dbgksim_set_budget(machine, 100000), DBGKSIM_OK);
  enum dbgksim_status status;
  while ((status = dbgksim_wait(debugger, -1, &event)) == DBGKSIM_OK)
    ck_api(dbgksim_continue(debugger, &event, DBG_CONTINUE), DBGKSIM_OK);
  ck_api(status, DBGKSIM_BUDGET);
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
}
END_TEST

START_TEST(a_time_limit_ends_a_wait_at_its_time)
{
  struct dbgksim_event event;
  dbgksim_debugger *debugger;
  dbgksim_machine *machine = api_machine(NULL);
  uint32_t pid = api_spawn(machine, "g_sleep", NULL);
  ck_api(dbgksim_run(machine, pid, 0), DBGKSIM_TIMEOUT);
  ck_api(dbgksim_run(machine, pid, 5000000000), DBGKSIM_TIMEOUT);
  ck_assert_uint_ge(dbgksim_time(machine), 5000000000);
  ck_assert_uint_lt(dbgksim_time(machine), 5001000000);
  ck_api(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
  ck_api(dbgksim_wait(debugger, -1, &event), DBGKSIM_NO_PROCESS);
  api_spawn(machine, "g_sleep", debugger);
  enum dbgksim_status status;
  while ((status = dbgksim_wait(debugger, 2000000000, &event)) == DBGKSIM_OK)
    ck_api(dbgksim_continue(debugger, &event, DBG_CONTINUE), DBGKSIM_OK);
  ck_api(status, DBGKSIM_TIMEOUT);
  ck_api(dbgksim_wait(debugger, 0, &event), DBGKSIM_TIMEOUT);
  ck_assert_uint_ge(dbgksim_time(machine), 7000000000);
  ck_assert_uint_lt(dbgksim_time(machine), 7010000000);
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
}
END_TEST

START_TEST(a_deadlock_tells_who_waits)
{
  char report[4096], expected[64];
  struct dbgksim_event event;
  dbgksim_debugger *debugger;
  dbgksim_machine *machine = api_machine(NULL);
  uint32_t pid = api_spawn(machine, "g_deadlock", NULL);
  for (int i = 0; i < 2; i++) {
    ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_DEADLOCK);
    ck_api(dbgksim_report_waits(machine, report, sizeof report), DBGKSIM_OK);
    snprintf(expected, sizeof expected, "process %u thread", pid);
    ck_assert_msg(strstr(report, expected) && strstr(report, "mutant"), "%s", report);
  }
  /* nobody answers an event: that is a deadlock of the debuggee with its debugger */
  ck_api(dbgksim_terminate(machine, pid, 0), DBGKSIM_OK);
  ck_api(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
  pid = api_spawn(machine, "g_hello", debugger);
  ck_api(dbgksim_wait(debugger, -1, &event), DBGKSIM_OK);
  ck_api(dbgksim_wait(debugger, -1, &event), DBGKSIM_DEADLOCK);
  ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_DEADLOCK);
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
}
END_TEST

static size_t count_entries(const char *folder)
{
  size_t count = 0;
  DIR *directory = opendir(folder);
  ck_assert_ptr_nonnull(directory);
  while (readdir(directory))
    count++;
  closedir(directory);
  return count;
}

static size_t count_lines(const char *path)
{
  size_t count = 0;
  FILE *f = fopen(path, "r");
  ck_assert_ptr_nonnull(f);
  for (int c; (c = getc(f)) != EOF;)
    count += c == '\n';
  fclose(f);
  return count;
}

/* Megabytes. */
static size_t resident(void)
{
  size_t pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  ck_assert_ptr_nonnull(f);
  ck_assert_int_eq(fscanf(f, "%*u %zu", &pages), 1);
  fclose(f);
  return pages * (size_t)sysconf(_SC_PAGESIZE) >> 20;
}

static void live_and_die(void)
{
  struct dbgksim_event event;
  dbgksim_debugger *debugger;
  dbgksim_machine *machine = api_machine(NULL);
  ck_api(dbgksim_run(machine, api_spawn(machine, "g_hello", NULL), -1), DBGKSIM_OK);
  ck_api(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
  api_spawn(machine, "g_hello", debugger);
  api_debug_to_the_end(debugger);
  api_spawn(machine, "g_threads", debugger); /* dies with the machine, in the middle of an event */
  ck_api(dbgksim_wait(debugger, -1, &event), DBGKSIM_OK);
  dbgksim_machine_destroy(machine);
}

#define MACHINES 200
#define WARM_UP 20
/* The engine library leaks a little of its own per engine; AddressSanitizer keeps freed memory for a while. */
#if defined(__SANITIZE_ADDRESS__)
#define ALLOWED_MB 400
#else
#define ALLOWED_MB 16
#endif

START_TEST(two_hundred_machines_leave_nothing_behind)
{
  for (int i = 0; i < WARM_UP; i++)
    live_and_die();
  size_t descriptors = count_entries("/proc/self/fd"), mappings = count_lines("/proc/self/maps"), memory = resident();
  for (int i = 0; i < MACHINES; i++)
    live_and_die();
  ck_assert_uint_eq(count_entries("/proc/self/fd"), descriptors);
#if !defined(__SANITIZE_ADDRESS__)
  ck_assert_uint_le(count_lines("/proc/self/maps"), mappings + 8);
#else
  (void)mappings;
#endif
  size_t now = resident();
  ck_assert_msg(now <= memory + ALLOWED_MB, "%zu MB after %d machines, %zu after %d", memory, WARM_UP, now,
                WARM_UP + MACHINES);
}
END_TEST

TCase *ending_tests(void)
{
  TCase *tests = tcase_create("endings");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, an_interrupt_breaks_an_endless_loop);
  tcase_add_test(tests, an_interrupt_breaks_endless_sleep);
  tcase_add_test(tests, an_interrupt_breaks_a_debuggers_endless_wait);
  tcase_add_test(tests, an_early_interrupt_ends_the_next_wait_only);
  tcase_add_test(tests, a_budget_ends_a_run_and_a_new_one_takes_it_up);
  tcase_add_test(tests, a_time_limit_ends_a_wait_at_its_time);
  tcase_add_test(tests, a_deadlock_tells_who_waits);
  tcase_add_test(tests, two_hundred_machines_leave_nothing_behind);
  return tests;
}
