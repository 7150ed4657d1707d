/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host threads and native threads: one host thread is inside a machine, native threads are simulated. */
#include "api.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* ---- a second host thread is told that the machine is busy ---- */

struct intruder {
  dbgksim_machine *machine;
  dbgksim_debugger *debugger;
  uint32_t pid;
  unsigned visits; /* how often the second thread was there */
  unsigned wrong;  /* calls that did not say DBGKSIM_BUSY */
};

static void nothing(void *argument) { (void)argument; }
static void take_record(void *context, const struct dbgksim_trace_record *record) { (void)context, (void)record; }

static void *intrude(void *argument)
{
  struct intruder *i = argument;
  const struct dbgksim_program program = {.path = api_program("g_hello")};
  dbgksim_debugger *debugger;
  struct dbgksim_event event;
  struct dbgksim_module module;
  CONTEXT context = {.ContextFlags = CONTEXT_FULL};
  NTSTATUS code;
  char text[64];
  uint32_t id;
  size_t count = 1;
  memset(&event, 0, sizeof event);
  const enum dbgksim_status results[] = {
      dbgksim_set_budget(i->machine, 0),
      dbgksim_report_waits(i->machine, text, sizeof text),
      dbgksim_spawn(i->machine, &program, NULL, &id),
      dbgksim_run(i->machine, i->pid, 0),
      dbgksim_exit_code(i->machine, i->pid, &code),
      dbgksim_terminate(i->machine, i->pid, 0),
      dbgksim_native_thread(i->machine, nothing, NULL, &id),
      dbgksim_debugger_create(i->machine, true, &debugger),
      dbgksim_wait(i->debugger, 0, &event),
      dbgksim_continue(i->debugger, &event, DBG_CONTINUE),
      dbgksim_read_memory(i->machine, i->pid, 0x10000, text, 1, NULL),
      dbgksim_write_memory(i->machine, i->pid, 0x10000, text, 1, NULL),
      dbgksim_get_context(i->machine, i->pid, &context),
      dbgksim_set_context(i->machine, i->pid, &context),
      dbgksim_suspend_thread(i->machine, i->pid, NULL),
      dbgksim_resume_thread(i->machine, i->pid, NULL),
      dbgksim_list_processes(i->machine, &id, &count),
      dbgksim_list_threads(i->machine, i->pid, &id, &count),
      dbgksim_list_modules(i->machine, i->pid, &module, &count),
      dbgksim_symbolize(i->machine, i->pid, 0, text, sizeof text),
      dbgksim_disassemble(i->machine, i->pid, 0, text, sizeof text, NULL),
      dbgksim_trace_subscribe(i->machine, 1, take_record, NULL),
  };
  for (size_t n = 0; n < sizeof results / sizeof results[0]; n++)
    i->wrong += results[n] != DBGKSIM_BUSY;
  i->wrong += dbgksim_time(i->machine) != 0;
  i->wrong += dbgksim_live_processes(i->debugger) != 0;
  i->visits++;
  return NULL;
}

/* Called while the machine belongs to the thread that runs it. */
static void let_in(void *context, int stream, const void *bytes, size_t size)
{
  struct intruder *i = context;
  pthread_t thread;
  (void)stream, (void)bytes, (void)size;
  if (pthread_create(&thread, NULL, intrude, i) == 0)
    pthread_join(thread, NULL);
  intrude(i); /* the receiver itself may not enter either */
}

START_TEST(a_second_thread_finds_the_machine_busy)
{
  struct intruder intruder = {0};
  struct dbgksim_config config;
  NTSTATUS code;
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  config.output = let_in;
  config.io_context = &intruder;
  ck_api(dbgksim_machine_create(&config, &intruder.machine), DBGKSIM_OK);
  ck_api(dbgksim_debugger_create(intruder.machine, true, &intruder.debugger), DBGKSIM_OK);
  intruder.pid = api_spawn(intruder.machine, "g_hello", NULL);
  ck_api(dbgksim_run(intruder.machine, intruder.pid, -1), DBGKSIM_OK);
  ck_assert_uint_ge(intruder.visits, 2);
  ck_assert_uint_eq(intruder.wrong, 0);
  ck_api(dbgksim_exit_code(intruder.machine, intruder.pid, &code), DBGKSIM_OK);
  ck_assert_int_eq(code, 0);
  dbgksim_debugger_destroy(intruder.debugger);
  dbgksim_machine_destroy(intruder.machine);
}
END_TEST

/* ---- input is fetched by the caller, outside of the machine ---- */

struct source {
  struct intruder intruder;
  unsigned left, wrong;
  struct api_output output;
};

static size_t supply(void *context, void *bytes, size_t size)
{
  struct source *source = context;
  char here;
  /* a simulated thread's stack is far from the one that the test runs on */
  uintptr_t a = (uintptr_t)&here;
  pthread_attr_t attributes;
  void *low;
  size_t room;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &low, &room);
  pthread_attr_destroy(&attributes);
  source->wrong += a < (uintptr_t)low || a >= (uintptr_t)low + room;
  intrude(&source->intruder);
  if (!source->left)
    return 0;
  source->left--;
  memset(bytes, 'x', size < 10 ? size : 10);
  return size < 10 ? size : 10;
}

static void keep_source_output(void *context, int stream, const void *bytes, size_t size)
{
  struct source *source = context;
  (void)stream, (void)bytes;
  source->output.size += size;
}

START_TEST(input_is_asked_for_on_the_callers_stack)
{
  for (int debugged = 0; debugged < 2; debugged++) {
    struct source source = {.left = 20};
    struct dbgksim_config config;
    NTSTATUS code;
    dbgksim_config_init(&config);
    config.userland = NANO_DIR;
    config.random_schedule = true;
    config.seed = 4;
    config.input = supply;
    config.output = keep_source_output;
    config.io_context = &source;
    ck_api(dbgksim_machine_create(&config, &source.intruder.machine), DBGKSIM_OK);
    dbgksim_machine *machine = source.intruder.machine;
    ck_api(dbgksim_debugger_create(machine, true, &source.intruder.debugger), DBGKSIM_OK);
    uint32_t pid = api_spawn(machine, "g_echo", debugged ? source.intruder.debugger : NULL);
    api_debug_to_the_end(source.intruder.debugger);
    ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_OK);
    ck_api(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
    ck_assert_int_eq(code, 200);
    ck_assert_uint_eq(source.output.size, 200);
    ck_assert_uint_eq(source.wrong, 0);
    ck_assert_uint_eq(source.intruder.wrong, 0);
    ck_assert_uint_ge(source.intruder.visits, 22);
    dbgksim_debugger_destroy(source.intruder.debugger);
    dbgksim_machine_destroy(machine);
  }
}
END_TEST

/* ---- a machine may move from one host thread to another ---- */

struct visit {
  dbgksim_debugger *debugger;
  struct dbgksim_event event;
  enum dbgksim_status waited, continued;
};

static void *one_event(void *argument)
{
  struct visit *visit = argument;
  visit->waited = dbgksim_wait(visit->debugger, -1, &visit->event);
  visit->continued = dbgksim_continue(visit->debugger, &visit->event, DBG_CONTINUE);
  return NULL;
}

START_TEST(each_event_may_be_taken_by_another_thread)
{
  struct api_output output;
  struct visit visit = {0};
  NTSTATUS code;
  pthread_t thread;
  dbgksim_machine *machine = api_machine(&output);
  ck_api(dbgksim_debugger_create(machine, true, &visit.debugger), DBGKSIM_OK);
  uint32_t pid = api_spawn(machine, "g_threads", visit.debugger);
  while (dbgksim_live_processes(visit.debugger)) {
    ck_assert_int_eq(pthread_create(&thread, NULL, one_event, &visit), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_api(visit.waited, DBGKSIM_OK);
    ck_api(visit.continued, DBGKSIM_OK);
  }
  ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_OK);
  ck_api(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
  ck_assert_int_eq(code, 0);
  dbgksim_debugger_destroy(visit.debugger);
  dbgksim_machine_destroy(machine);
}
END_TEST

/* ---- several machines in several host threads ---- */

#define ROUNDS 5

struct worker {
  pthread_t thread;
  struct api_output output;
  unsigned wrong;
  uint64_t time;
};

static void keep(void *context, int stream, const void *bytes, size_t size)
{
  struct api_output *output = context;
  (void)stream;
  if (size > sizeof output->text - 1 - output->size)
    size = sizeof output->text - 1 - output->size;
  memcpy(output->text + output->size, bytes, size);
  output->size += size;
}

/* No assertions: they are the main thread's. */
static void *work(void *argument)
{
  struct worker *w = argument;
  const struct dbgksim_program program = {.path = api_program("g_interleave")};
  for (int i = 0; i < ROUNDS; i++) {
    struct dbgksim_config config;
    dbgksim_machine *machine;
    uint32_t pid;
    NTSTATUS code = -1;
    memset(&w->output, 0, sizeof w->output);
    dbgksim_config_init(&config);
    config.userland = NANO_DIR;
    config.random_schedule = true;
    config.seed = 3;
    config.output = keep;
    config.io_context = &w->output;
    if (dbgksim_machine_create(&config, &machine) != DBGKSIM_OK) {
      w->wrong++;
      continue;
    }
    w->wrong += dbgksim_spawn(machine, &program, NULL, &pid) != DBGKSIM_OK;
    w->wrong += dbgksim_run(machine, pid, -1) != DBGKSIM_OK;
    w->wrong += dbgksim_exit_code(machine, pid, &code) != DBGKSIM_OK || code != 0;
    w->time = dbgksim_time(machine);
    dbgksim_machine_destroy(machine);
  }
  return NULL;
}

START_TEST(two_machines_run_in_two_threads)
{
  static struct worker workers[2], alone;
  for (int i = 0; i < 2; i++)
    ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  for (int i = 0; i < 2; i++)
    ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
  work(&alone);
  ck_assert_uint_eq(alone.wrong, 0);
  ck_assert_uint_gt(alone.output.size, 0);
  for (int i = 0; i < 2; i++) {
    ck_assert_uint_eq(workers[i].wrong, 0);
    ck_assert_str_eq(workers[i].output.text, alone.output.text);
    ck_assert_uint_eq(workers[i].time, alone.time);
  }
}
END_TEST

/* ---- native threads ---- */

struct native_debugger {
  dbgksim_machine *machine;
  const char *program;
  unsigned wrong, events, exits;
  bool done;
};

/* A debugger as a simulated thread. */
static void debug_natively(void *argument)
{
  struct native_debugger *n = argument;
  const struct dbgksim_program program = {.path = api_program(n->program)};
  struct dbgksim_event event;
  dbgksim_debugger *debugger;
  uint32_t pid;
  if (dbgksim_debugger_create(n->machine, true, &debugger) != DBGKSIM_OK ||
      dbgksim_spawn(n->machine, &program, debugger, &pid) != DBGKSIM_OK) {
    n->wrong++;
    return;
  }
  while (dbgksim_wait(debugger, -1, &event) == DBGKSIM_OK) {
    n->events++;
    n->exits += event.code == DBGKSIM_EXIT_PROCESS;
    n->wrong += event.pid != pid;
    bool breakpoint = event.code == DBGKSIM_EXCEPTION && event.exception.ExceptionCode == STATUS_BREAKPOINT;
    NTSTATUS answer = breakpoint ? DBG_CONTINUE : DBG_EXCEPTION_NOT_HANDLED;
    n->wrong += dbgksim_continue(debugger, &event, answer) != DBGKSIM_OK;
  }
  dbgksim_debugger_destroy(debugger);
  n->done = true;
}

START_TEST(native_threads_wait_for_debug_events)
{
  static const char *const programs[] = {"g_hello", "g_threads", "g_raise"};
  struct native_debugger debuggers[3];
  struct api_output output;
  dbgksim_machine *machine = api_machine(&output);
  uint32_t tids[3];
  memset(debuggers, 0, sizeof debuggers);
  for (int i = 0; i < 3; i++) {
    debuggers[i].machine = machine;
    debuggers[i].program = programs[i];
    ck_api(dbgksim_native_thread(machine, debug_natively, &debuggers[i], &tids[i]), DBGKSIM_OK);
  }
  ck_assert(tids[0] && tids[0] != tids[1] && tids[1] != tids[2]);
  /* Another program keeps the machine going until the debuggers have theirs. */
  ck_api(dbgksim_run(machine, api_spawn(machine, "g_sleep", NULL), 60000000000), DBGKSIM_TIMEOUT);
  for (int i = 0; i < 3; i++) {
    ck_assert_msg(debuggers[i].done, "%s: %u events", programs[i], debuggers[i].events);
    ck_assert_uint_eq(debuggers[i].wrong, 0);
    ck_assert_uint_ge(debuggers[i].events, 4);
    ck_assert_uint_eq(debuggers[i].exits, 1);
  }
  ck_assert_uint_gt(output.size, 0);
  dbgksim_machine_destroy(machine);
}
END_TEST

static void wait_for_ever(void *argument)
{
  struct native_debugger *n = argument;
  const struct dbgksim_program program = {.path = api_program("g_spin")};
  struct dbgksim_event event;
  dbgksim_debugger *debugger;
  if (dbgksim_debugger_create(n->machine, true, &debugger) == DBGKSIM_OK &&
      dbgksim_spawn(n->machine, &program, debugger, NULL) == DBGKSIM_OK)
    while (dbgksim_wait(debugger, -1, &event) == DBGKSIM_OK)
      n->events++; /* no continue */
}

START_TEST(a_machine_ends_with_native_threads_blocked)
{
  struct native_debugger n = {0};
  n.machine = api_machine(NULL);
  ck_api(dbgksim_native_thread(n.machine, wait_for_ever, &n, NULL), DBGKSIM_OK);
  ck_api(dbgksim_run(n.machine, api_spawn(n.machine, "g_hello", NULL), -1), DBGKSIM_OK);
  ck_api(dbgksim_run(n.machine, 0, 1000000000), DBGKSIM_TIMEOUT);
  ck_assert_uint_eq(n.events, 1);
  dbgksim_machine_destroy(n.machine);
}
END_TEST

struct native_run {
  dbgksim_machine *machine;
  enum dbgksim_status status;
  NTSTATUS code;
  uint64_t time;
};

static void run_natively(void *argument)
{
  struct native_run *r = argument;
  const struct dbgksim_program program = {.path = api_program("g_exit42")};
  uint32_t pid;
  r->status = dbgksim_spawn(r->machine, &program, NULL, &pid);
  if (r->status == DBGKSIM_OK)
    r->status = dbgksim_run(r->machine, pid, -1);
  if (r->status == DBGKSIM_OK)
    r->status = dbgksim_exit_code(r->machine, pid, &r->code);
  r->time = dbgksim_time(r->machine);
}

START_TEST(native_threads_run_programs)
{
  struct native_run runs[4];
  struct api_output output;
  dbgksim_machine *machine = api_machine(&output);
  for (int i = 0; i < 4; i++) {
    runs[i] = (struct native_run){.machine = machine, .status = DBGKSIM_INTERNAL};
    ck_api(dbgksim_native_thread(machine, run_natively, &runs[i], NULL), DBGKSIM_OK);
  }
  ck_api(dbgksim_run(machine, api_spawn(machine, "g_sleep", NULL), 60000000000), DBGKSIM_TIMEOUT);
  for (int i = 0; i < 4; i++) {
    ck_api(runs[i].status, DBGKSIM_OK);
    ck_assert_int_eq(runs[i].code, 42);
    ck_assert_uint_gt(runs[i].time, 0);
  }
  dbgksim_machine_destroy(machine);
}
END_TEST

TCase *thread_tests(void)
{
  TCase *tests = tcase_create("threads");
  tcase_add_test(tests, a_second_thread_finds_the_machine_busy);
  tcase_add_test(tests, input_is_asked_for_on_the_callers_stack);
  tcase_add_test(tests, each_event_may_be_taken_by_another_thread);
  tcase_add_test(tests, two_machines_run_in_two_threads);
  tcase_add_test(tests, native_threads_wait_for_debug_events);
  tcase_add_test(tests, a_machine_ends_with_native_threads_blocked);
  tcase_add_test(tests, native_threads_run_programs);
  return tests;
}
