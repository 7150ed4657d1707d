/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The anti-debug surface (spec/3.7): what g_anti_debug sees without a debugger, created under one, attached to, after a
 * detach, and with a kernel debugger. Each row is a check; each test one state. */
#include <check.h>
#include <dbgksim/kd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum state { UNDEBUGGED, CREATED, ATTACHED, DETACHED, KERNEL, STATES };
#define NOT_SET 0xC0000353
#define INACTIVE 0xC0000354
#define DENIED 0xC0000022
#define ALL_ONES 0xFFFFFFFFFFFFFFFFull
#define MARK 0x7FFFFFF0ull /* where the debugger's breakpoint lies: nothing is executed there */
#define DR7 0x10ull

static const struct {
  const char *name;
  uint64_t values[STATES];
} rows[] = {
    /* fact 29 */
    {"BeingDebugged", {0, 1, 1, 0, 0}},
    {"NtGlobalFlag", {0, 0x70, 0, 0x70, 0}},
    {"ProcessDebugPort", {0, ALL_ONES, ALL_ONES, 0, 0}},
    {"ProcessDebugPort_overlapped", {8, 0xFFFFFFFF00000008, 0xFFFFFFFF00000008, 8, 8}},
    {"CheckRemoteDebuggerPresent", {0, 1, 1, 0, 0}},
    /* fact 41: DEBUG_ONLY_THIS_PROCESS sets NO_DEBUG_INHERIT, and so does an attach */
    {"ProcessDebugFlags", {1, 0, 0, 0, 1}},
    /* fact 30 */
    {"ProcessDebugObjectHandle", {NOT_SET, 0, 0, NOT_SET, NOT_SET}},
    {"ProcessDebugObjectHandle_is_a_handle", {0, 1, 1, 0, 0}},
    {"ProcessDebugObjectHandle_overlapped", {8, 8, 8, 8, 8}},
    {"ObjectTypesInformation", {0, 1, 1, 1, 0}},
    {"ObjectTypeInformation_with_one_more", {1, 2, 2, 2, 1}},
    {"KernelDebuggerEnabled", {0, 0, 0, 0, 1}},
    {"KernelDebuggerNotPresent", {1, 1, 1, 1, 0}},
    {"KdDebuggerEnabled", {0, 0, 0, 0, 3}},
    {"NtSystemDebugControl", {INACTIVE, INACTIVE, INACTIVE, INACTIVE, DENIED}},
    /* fact 28: DebugPort decides, not the PEB */
    {"NtClose_invalid", {0, 1, 1, 0, 0}},
    {"NtClose_invalid_other_PEB_byte", {0, 1, 1, 0, 0}},
    {"NtClose_protected", {0, 1, 1, 0, 0}},
    {"NtDuplicateObject_close_invalid", {0, 1, 1, 0, 0}},
    /* the debuggers answer not handled: handlers run as without one */
    {"int3", {1, 1, 1, 1, 1}},
    {"int3_takes_long", {0, 0, 0, 0, 0}},
    {"int3_of_two_bytes", {1, 1, 1, 1, 1}},
    {"icebp", {1, 1, 1, 1, 1}},
    {"trap_flag", {1, 1, 1, 1, 1}},
    {"guard_page", {1, 1, 1, 1, 1}},
    /* fact 22: a handler continues on the byte; the stub and the kernel debugger skip it */
    {"int2d_0_runs_the_byte_behind", {1, 1, 1, 1, 1}},
    {"int2d_0", {1, 1, 1, 1, 1}},
    {"int2d_1_runs_the_byte_behind", {0, 0, 0, 0, 0}},
    /* what the debugger put there is there for all to see */
    {"Dr2", {0, MARK, MARK, MARK, 0}},
    {"Dr7", {0, DR7, DR7, DR7, 0}},
    /* fact 31 */
    {"int3_of_a_hidden_thread", {1, 1, 1, 1, 1}},
    /* spec/2.1: UnhandledExceptionFilter asks for the debug port */
    {"unhandled_filter", {1, 0, 0, 1, 1}},
};
#define ROWS (sizeof rows / sizeof rows[0])

/* If the debugger answers handled, no handler runs. */
static const char *const silent_when_handled[] = {
    "NtClose_invalid",
    "NtClose_protected",
    "NtDuplicateObject_close_invalid",
    "int3",
    "int3_of_two_bytes",
    "icebp",
    "trap_flag",
    "guard_page",
    "int2d_0",
    "int2d_0_runs_the_byte_behind",
};

static dbgksim_machine *machine;
static dbgksim_debugger *debugger;
static uint32_t pid, main_tid;
static char output[8192];
static uint32_t tids[256];
static unsigned reports;

static void collect(void *context, int stream, const void *bytes, size_t size)
{
  (void)context, (void)stream;
  size_t used = strlen(output), room = sizeof output - 1 - used;
  memcpy(output + used, bytes, size < room ? size : room);
}

static void start(enum state state)
{
  static const char path[] = GUEST_PROGRAM_DIR "/g_anti_debug.exe";
  struct dbgksim_config config;
  const struct dbgksim_program program = {.path = path};
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  config.output = collect;
  config.kernel_debugger = state == KERNEL;
  ck_assert_msg(dbgksim_machine_create(&config, &machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  const bool debugged = state == CREATED || state == ATTACHED || state == DETACHED;
  if (debugged)
    ck_assert_int_eq(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
  ck_assert_msg(dbgksim_spawn(machine, &program, state == CREATED || state == DETACHED ? debugger : NULL, &pid) ==
                    DBGKSIM_OK,
                "%s", dbgksim_message(machine));
  if (state != ATTACHED)
    return;
  ck_assert_int_eq(dbgksim_run(machine, pid, 10000000), DBGKSIM_TIMEOUT);
  ck_assert_str_eq(output, "ready\n");
  ck_assert_int_eq(dbgksim_attach(debugger, pid, true), DBGKSIM_OK);
}

static void set_breakpoint(void)
{
  const CONTEXT context = {.ContextFlags = CONTEXT_DEBUG_REGISTERS, .Dr2 = MARK, .Dr7 = DR7};
  ck_assert_int_eq(dbgksim_set_context(machine, main_tid, &context), DBGKSIM_OK);
}

/* Answers all events. The second chance of what no filter took is continued. */
static void follow(enum state state, NTSTATUS answer)
{
  struct dbgksim_event event;
  enum dbgksim_status status;
  unsigned breakpoints = 0;
  while ((status = dbgksim_wait(debugger, -1, &event)) == DBGKSIM_OK) {
    NTSTATUS with = DBG_CONTINUE;
    if (event.code == DBGKSIM_CREATE_PROCESS)
      main_tid = event.tid;
    if (event.code == DBGKSIM_EXCEPTION) {
      const bool initial = event.exception.ExceptionCode == STATUS_BREAKPOINT && !breakpoints++;
      if (initial)
        set_breakpoint();
      else if (event.first_chance)
        with = answer;
    }
    if (event.code != DBGKSIM_CREATE_THREAD && reports < sizeof tids / sizeof tids[0])
      tids[reports++] = event.tid;
    ck_assert_int_eq(dbgksim_continue(debugger, &event, with), DBGKSIM_OK);
    if (breakpoints && state == DETACHED) {
      ck_assert_int_eq(dbgksim_detach(debugger, pid), DBGKSIM_OK);
      return;
    }
  }
  ck_assert_msg(status == DBGKSIM_NO_PROCESS, "%s\n%s", dbgksim_message(machine), output);
}

static void follow_kernel(void)
{
  struct dbgksim_kd_event event;
  enum dbgksim_status status;
  while ((status = dbgksim_kd_wait(machine, -1, &event)) == DBGKSIM_OK)
    ck_assert_int_eq(dbgksim_kd_continue(machine, NULL), DBGKSIM_OK);
  ck_assert_int_eq(status, DBGKSIM_NO_PROCESS);
}

static uint64_t told(const char *name)
{
  char line[80];
  snprintf(line, sizeof line, "\n%s ", name);
  const char *at = strstr(output, line);
  ck_assert_msg(at != NULL, "%s is not told\n%s", name, output);
  return strtoull(at + strlen(line), NULL, 16);
}

static void finish(void)
{
  NTSTATUS code = -1;
  ck_assert_msg(dbgksim_run(machine, pid, -1) == DBGKSIM_OK, "%s\n%s", dbgksim_message(machine), output);
  ck_assert_int_eq(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
  ck_assert_msg(code == 0, "exit code %d\n%s", (int)code, output);
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
}

START_TEST(what_a_program_sees)
{
  const enum state state = (enum state)_i;
  start(state);
  if (debugger)
    follow(state, DBG_EXCEPTION_NOT_HANDLED);
  else if (state == KERNEL)
    follow_kernel();
  finish();
  for (size_t i = 0; i < ROWS; i++)
    ck_assert_msg(told(rows[i].name) == rows[i].values[state], "state %d, %s: %llx, not %llx", (int)state, rows[i].name,
                  (unsigned long long)told(rows[i].name), (unsigned long long)rows[i].values[state]);
  /* fact 31: the hidden thread reports neither its exception nor its exit */
  const uint64_t hidden = told("hidden_thread");
  for (unsigned i = 0; i < reports; i++)
    ck_assert_uint_ne(tids[i], hidden);
}
END_TEST

/* A debugger that handles everything: no handler runs, and that can be seen, too. */
START_TEST(what_a_program_misses)
{
  const enum state state = (enum state)_i;
  start(state);
  follow(state, DBG_CONTINUE);
  finish();
  for (size_t i = 0; i < sizeof silent_when_handled / sizeof silent_when_handled[0]; i++)
    ck_assert_msg(told(silent_when_handled[i]) == 0, "state %d, %s", (int)state, silent_when_handled[i]);
  /* with a cleared PEB byte user mode dispatches what it raises by itself: the debugger does not see it (spec/2.1) */
  ck_assert_uint_eq(told("NtClose_invalid_other_PEB_byte"), 1);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("anti-debug");
  TCase *tests = tcase_create("anti-debug");
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, what_a_program_sees, 0, STATES);
  tcase_add_loop_test(tests, what_a_program_misses, CREATED, ATTACHED + 1);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
