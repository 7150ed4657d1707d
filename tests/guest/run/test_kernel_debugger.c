/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel debugger (spec/2.4, facts 17, 22, 40): what programs say to it, and which exceptions it sees. */
#include "ntos/kd/internal.h"

#include <check.h>
#include <dbgksim/kd.h>
#include <stdio.h>
#include <string.h>

static dbgksim_machine *machine;
static char lines[8192], output[4096];

static void collect(void *context, int stream, const void *bytes, size_t size)
{
  (void)context, (void)stream;
  size_t used = strlen(output), room = sizeof output - 1 - used;
  memcpy(output + used, bytes, size < room ? size : room);
}

enum { IGNORE = 1, STOP = 2, OFF = 4, ERRORS_ONLY = 8 };

static void create(unsigned flags)
{
  struct dbgksim_config config;
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  config.output = collect;
  config.kernel_debugger = !(flags & OFF);
  ck_assert_uint_eq(config.kd_print_mask, 1);
  if (!(flags & ERRORS_ONLY))
    config.kd_print_mask = 0xF;
  config.kd_ignore_user_exceptions = flags & IGNORE;
  config.kd_stop_on_exception = (flags & STOP) != 0;
  ck_assert_msg(dbgksim_machine_create(&config, &machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
}

static uint32_t spawn(const char *name, dbgksim_debugger *debugger)
{
  char path[1024];
  uint32_t pid;
  snprintf(path, sizeof path, "%s/%s.exe", GUEST_PROGRAM_DIR, name);
  struct dbgksim_program program = {.path = path};
  ck_assert_msg(dbgksim_spawn(machine, &program, debugger, &pid) == DBGKSIM_OK, "%s", dbgksim_message(machine));
  return pid;
}

static void teardown(void)
{
  dbgksim_machine_destroy(machine);
  machine = NULL;
}

static void note(const struct dbgksim_kd_event *event)
{
  size_t used = strlen(lines);
  char *at = lines + used;
  const size_t room = sizeof lines - used;
  switch (event->kind) {
  case DBGKSIM_KD_EXCEPTION:
    snprintf(at, room, "EXCEPTION %08x %s\n", (unsigned)event->exception.ExceptionCode,
             event->first_chance ? "first" : "second");
    break;
  case DBGKSIM_KD_PRINT:
    snprintf(at, room, "PRINT %u %u %s\n", event->component, event->level, event->text);
    break;
  default:
    snprintf(at, room, "%s %s%s%s\n", dbgksim_kd_kind_name(event->kind), event->text, *event->command ? ": " : "",
             event->command);
  }
}

/* Runs to the end and answers everything; exceptions with `status`, an INT3 that is continued is stepped over. */
static void follow(NTSTATUS status)
{
  struct dbgksim_kd_event event;
  enum dbgksim_status waited;
  while ((waited = dbgksim_kd_wait(machine, -1, &event)) == DBGKSIM_OK) {
    struct dbgksim_kd_answer answer = {.status = status, .reply = "yes"};
    note(&event);
    if (event.kind == DBGKSIM_KD_EXCEPTION && status == DBG_CONTINUE) {
      event.context.Rip += event.exception.ExceptionCode == STATUS_BREAKPOINT ? 1 : 2;
      answer.context = &event.context;
    }
    ck_assert_int_eq(dbgksim_kd_continue(machine, &answer), DBGKSIM_OK);
  }
  ck_assert_msg(waited == DBGKSIM_NO_PROCESS, "%s\n%s%s", dbgksim_message(machine), lines, output);
}

static uint32_t exit_code(uint32_t pid)
{
  NTSTATUS code = 0;
  ck_assert_int_eq(dbgksim_run(machine, pid, -1), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
  return (uint32_t)code;
}

#define SAID                                                                                                           \
  "PRINT 101 3 hello, kernel\n\nPRINT 77 2 of component 77\n"                                                          \
  "LOAD_SYMBOLS C:\\app\\g_kernel_debugger.exe\nUNLOAD_SYMBOLS C:\\app\\g_kernel_debugger.exe\n"                       \
  "COMMAND_STRING test: .reboot\nPROMPT yes or no? \nPROMPT yes or no? \n"

START_TEST(fact_40_services_of_KdpTrap)
{
  create(0);
  uint32_t pid = spawn("g_kernel_debugger", NULL);
  follow(DBG_CONTINUE);
  /* Of the exceptions it sees breakpoints, single steps and assertions. */
  ck_assert_str_eq(lines, SAID "EXCEPTION 80000003 first\nEXCEPTION c0000420 first\n");
  ck_assert_msg(exit_code(pid) == 1, "%s", output);
}
END_TEST

START_TEST(the_filter_lets_errors_pass)
{
  create(ERRORS_ONLY);
  uint32_t pid = spawn("g_debug_filter", NULL);
  follow(DBG_CONTINUE);
  ck_assert_str_eq(lines, "PRINT 77 0 by default\nPRINT 77 3 by its component\nPRINT 78 2147483648 by a mask\n"
                          "PRINT 79 2 by the mask of all\nPRINT 77 0 raw, an error\n");
  ck_assert_msg(exit_code(pid) == 0, "%s", output);
}
END_TEST

START_TEST(fact_17_the_kernel_debugger_passes_to_the_program)
{
  create(0);
  uint32_t pid = spawn("g_kernel_debugger", NULL);
  follow(DBG_EXCEPTION_NOT_HANDLED);
  ck_assert_str_eq(lines, SAID "EXCEPTION 80000003 first\nEXCEPTION c0000420 first\n");
  ck_assert_msg(exit_code(pid) == 3, "%s", output);
}
END_TEST

START_TEST(stop_on_exception_shows_every_first_chance)
{
  create(STOP);
  uint32_t pid = spawn("g_kernel_debugger", NULL);
  follow(DBG_CONTINUE);
  ck_assert_str_eq(lines, SAID "EXCEPTION 80000003 first\nEXCEPTION c000001d first\nEXCEPTION c0000420 first\n");
  ck_assert_msg(exit_code(pid) == 0, "%s", output);
}
END_TEST

START_TEST(ignoring_user_exceptions_leaves_the_services)
{
  create(IGNORE | STOP);
  uint32_t pid = spawn("g_kernel_debugger", NULL);
  follow(DBG_CONTINUE);
  ck_assert_str_eq(lines, SAID);
  ck_assert_msg(exit_code(pid) == 3, "%s", output);
}
END_TEST

START_TEST(fact_17_a_debugged_process_is_the_debuggers)
{
  dbgksim_debugger *debugger;
  struct dbgksim_event event;
  struct dbgksim_kd_event kd;
  unsigned exceptions = 0;
  enum dbgksim_status status;
  create(STOP);
  ck_assert_int_eq(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
  uint32_t pid = spawn("g_int2d", debugger);
  while ((status = dbgksim_wait(debugger, -1, &event)) != DBGKSIM_NO_PROCESS) {
    if (status == DBGKSIM_KERNEL_DEBUGGER) {
      /* nothing else may go on meanwhile, and the event stays */
      ck_assert_int_eq(dbgksim_wait(debugger, 0, &event), DBGKSIM_KERNEL_DEBUGGER);
      ck_assert_int_eq(dbgksim_run(machine, pid, -1), DBGKSIM_KERNEL_DEBUGGER);
      ck_assert_int_eq(dbgksim_kd_wait(machine, 0, &kd), DBGKSIM_OK);
      ck_assert_int_eq(dbgksim_kd_wait(machine, -1, &kd), DBGKSIM_OK);
      note(&kd);
      ck_assert_int_eq(dbgksim_kd_continue(machine, NULL), DBGKSIM_OK);
      continue;
    }
    ck_assert_msg(status == DBGKSIM_OK, "%s", dbgksim_message(machine));
    exceptions += event.code == DBGKSIM_EXCEPTION;
    ck_assert_int_eq(dbgksim_continue(debugger, &event, DBG_CONTINUE), DBGKSIM_OK);
  }
  dbgksim_debugger_destroy(debugger);
  /* Services 1 to 5 are debug services, even here; 0 is a breakpoint like any. g_int2d's texts have no length, and
   * its symbols and commands no memory. */
  ck_assert_str_eq(lines, "PRINT 0 0 \nPROMPT \n");
  ck_assert_uint_eq(exceptions, 2);
  ck_assert_uint_eq(exit_code(pid), 0x222222);
}
END_TEST

START_TEST(fact_22_without_a_kernel_debugger_the_stub_swallows)
{
  struct dbgksim_kd_event event;
  create(OFF);
  uint32_t pid = spawn("g_kernel_debugger", NULL);
  ck_assert_int_eq(dbgksim_kd_wait(machine, -1, &event), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_kd_continue(machine, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_run(machine, pid, -1), DBGKSIM_OK);
  ck_assert_msg(exit_code(pid) == 0, "%s", output);
}
END_TEST

START_TEST(a_print_that_breaks_in)
{
  struct dbgksim_kd_event event;
  create(0);
  uint32_t pid = spawn("g_kernel_debugger", NULL);
  ck_assert_int_eq(dbgksim_kd_wait(machine, -1, &event), DBGKSIM_OK);
  ck_assert_int_eq(event.kind, DBGKSIM_KD_PRINT);
  ck_assert_uint_eq(event.pid, pid);
  ck_assert_uint_eq(event.length, strlen("hello, kernel\n"));
  const struct dbgksim_kd_answer breaks = {.status = DBG_CONTINUE, .break_in = true};
  ck_assert_int_eq(dbgksim_kd_continue(machine, &breaks), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_kd_wait(machine, -1, &event), DBGKSIM_OK);
  ck_assert_int_eq(event.kind, DBGKSIM_KD_EXCEPTION);
  ck_assert_int_eq(event.exception.ExceptionCode, STATUS_BREAKPOINT);
  char place[128];
  dbgksim_symbolize(machine, pid, event.context.Rip, place, sizeof place);
  ck_assert_str_eq(place, "ntdll!DbgBreakPoint");
}
END_TEST

/* Nobody runs while the machine is held, and what the debugger reads is what it changes. */
START_TEST(the_whole_machine_stands_still)
{
  struct dbgksim_kd_event event;
  size_t got = 0;
  char text[6] = "";
  create(0);
  uint32_t spins = spawn("g_spin", NULL), pid = spawn("g_kernel_debugger", NULL);
  ck_assert_int_eq(dbgksim_kd_wait(machine, -1, &event), DBGKSIM_OK);
  uint64_t then = dbgksim_time(machine);
  ck_assert_int_eq(dbgksim_run(machine, spins, -1), DBGKSIM_KERNEL_DEBUGGER);
  ck_assert_uint_eq(dbgksim_time(machine), then);
  ck_assert_int_eq(dbgksim_read_memory(machine, pid, event.context.Rcx, text, 5, &got), DBGKSIM_OK);
  ck_assert_str_eq(text, "hello");
  ck_assert_int_eq(dbgksim_kd_continue(machine, NULL), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_kd_continue(machine, NULL), DBGKSIM_BAD_ARGUMENT);
  const struct dbgksim_kd_answer wrong = {.status = STATUS_SUCCESS};
  ck_assert_int_eq(dbgksim_kd_wait(machine, -1, &event), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_kd_continue(machine, &wrong), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_kd_continue(machine, NULL), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_kd_wait(machine, -1, &event), DBGKSIM_OK);
  ck_assert_int_eq(event.kind, DBGKSIM_KD_LOAD_SYMBOLS);
  ck_assert_uint_eq(event.process_id, pid);
  ck_assert_uint_ne(event.base, 0);
  ck_assert_uint_ge(event.size_of_image, 0x1000);
}
END_TEST

/* A snapshot of a held machine is held. */
START_TEST(snapshot_of_a_held_machine)
{
  struct dbgksim_kd_event event;
  dbgksim_snapshot *snapshot;
  static char first[sizeof lines];
  create(0);
  uint32_t pid = spawn("g_kernel_debugger", NULL);
  ck_assert_int_eq(dbgksim_kd_wait(machine, -1, &event), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_snapshot_take(machine, &snapshot), DBGKSIM_OK);
  for (int i = 0; i < 3; i++) {
    lines[0] = 0;
    follow(DBG_CONTINUE);
    ck_assert_uint_eq(exit_code(pid), 1);
    if (i)
      ck_assert_str_eq(lines, first);
    strcpy(first, lines);
    ck_assert_int_eq(dbgksim_snapshot_restore(snapshot), DBGKSIM_OK);
    ck_assert_int_eq(dbgksim_run(machine, pid, -1), DBGKSIM_KERNEL_DEBUGGER);
  }
  dbgksim_snapshot_drop(snapshot);
}
END_TEST

static struct {
  EXCEPTION_RECORD64 record;
  CONTEXT context;
  BOOLEAN second_chance, result, returned;
} fault;

/* What KiDispatchException asks for an exception of kernel mode. */
static void fault_in_kernel_mode(void *argument)
{
  (void)argument;
  fault.result = KdpTrap(NULL, NULL, &fault.record, &fault.context, KernelMode, fault.second_chance);
  fault.returned = TRUE;
}

static const struct {
  NTSTATUS code;
  ULONG64 parameter;
  BOOLEAN second_chance, seen;
} kernel_faults[] = {
    {STATUS_ACCESS_VIOLATION, 0, FALSE, FALSE},         {STATUS_ACCESS_VIOLATION, 0, TRUE, TRUE},
    {STATUS_BREAKPOINT, BREAKPOINT_BREAK, FALSE, TRUE}, {STATUS_SINGLE_STEP, 0, FALSE, TRUE},
    {STATUS_ASSERTION_FAILURE, 0, FALSE, TRUE},         {STATUS_BREAKPOINT, BREAKPOINT_COMMAND_STRING + 1, FALSE, TRUE},
    {STATUS_WX86_BREAKPOINT, 1, FALSE, FALSE},
};

/* KdpReport: at the first chance what are debug exceptions, at the second everything. */
START_TEST(exceptions_of_kernel_mode)
{
  struct dbgksim_kd_event event;
  create(0);
  spawn("g_spin", NULL);
  for (int handled = 0; handled < 2; handled++) {
    memset(&fault, 0, sizeof fault);
    fault.record = (EXCEPTION_RECORD64){.ExceptionCode = kernel_faults[_i].code, .NumberParameters = 1};
    fault.record.ExceptionInformation[0] = kernel_faults[_i].parameter;
    fault.second_chance = kernel_faults[_i].second_chance;
    fault.context.Rip = 0x1000;
    ck_assert_int_eq(dbgksim_native_thread(machine, fault_in_kernel_mode, NULL, NULL), DBGKSIM_OK);
    enum dbgksim_status status = dbgksim_kd_wait(machine, 20000000, &event);
    ck_assert_int_eq(status, kernel_faults[_i].seen ? DBGKSIM_OK : DBGKSIM_TIMEOUT);
    if (kernel_faults[_i].seen) {
      struct dbgksim_kd_answer answer = {.status = handled ? DBG_CONTINUE : DBG_EXCEPTION_NOT_HANDLED,
                                         .context = &event.context};
      ck_assert(!fault.returned);
      ck_assert_int_eq(event.kind, DBGKSIM_KD_EXCEPTION);
      ck_assert(event.kernel_mode);
      ck_assert_int_eq(event.first_chance, !fault.second_chance);
      event.context.Rip = 0x2000;
      ck_assert_int_eq(dbgksim_kd_continue(machine, &answer), DBGKSIM_OK);
      ck_assert_int_eq(dbgksim_kd_wait(machine, 20000000, &event), DBGKSIM_TIMEOUT);
    }
    ck_assert(fault.returned);
    ck_assert_int_eq(fault.result, kernel_faults[_i].seen && handled);
    ck_assert_uint_eq(fault.context.Rip, kernel_faults[_i].seen ? 0x2000 : 0x1000);
  }
}
END_TEST

static void call_from_a_fiber(void *argument)
{
  struct dbgksim_kd_event event;
  *(enum dbgksim_status *)argument = dbgksim_kd_wait(machine, 0, &event);
}

START_TEST(bad_arguments)
{
  struct dbgksim_kd_event event;
  enum dbgksim_status status = DBGKSIM_OK;
  create(0);
  ck_assert_int_eq(dbgksim_kd_wait(NULL, 0, &event), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_kd_wait(machine, 0, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_kd_continue(NULL, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_kd_continue(machine, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_kd_wait(machine, -1, &event), DBGKSIM_NO_PROCESS);
  ck_assert_str_eq(dbgksim_kd_kind_name(DBGKSIM_KD_UNLOAD_SYMBOLS), "UNLOAD_SYMBOLS");
  ck_assert_str_eq(dbgksim_kd_kind_name((enum dbgksim_kd_kind)99), "?");
  /* nor may a native thread be the kernel debugger */
  ck_assert_int_eq(dbgksim_native_thread(machine, call_from_a_fiber, &status, NULL), DBGKSIM_OK);
  spawn("g_spin", NULL);
  ck_assert_int_eq(dbgksim_kd_wait(machine, 20000000, &event), DBGKSIM_TIMEOUT);
  ck_assert_int_eq(status, DBGKSIM_BAD_ARGUMENT);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("kernel debugger");
  TCase *tests = tcase_create("kernel debugger");
  tcase_set_timeout(tests, 60);
  tcase_add_checked_fixture(tests, NULL, teardown);
  tcase_add_test(tests, fact_40_services_of_KdpTrap);
  tcase_add_test(tests, the_filter_lets_errors_pass);
  tcase_add_test(tests, fact_17_the_kernel_debugger_passes_to_the_program);
  tcase_add_test(tests, stop_on_exception_shows_every_first_chance);
  tcase_add_test(tests, ignoring_user_exceptions_leaves_the_services);
  tcase_add_test(tests, fact_17_a_debugged_process_is_the_debuggers);
  tcase_add_test(tests, fact_22_without_a_kernel_debugger_the_stub_swallows);
  tcase_add_test(tests, a_print_that_breaks_in);
  tcase_add_test(tests, the_whole_machine_stands_still);
  tcase_add_test(tests, snapshot_of_a_held_machine);
  tcase_add_loop_test(tests, exceptions_of_kernel_mode, 0, (int)(sizeof kernel_faults / sizeof kernel_faults[0]));
  tcase_add_test(tests, bad_arguments);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
