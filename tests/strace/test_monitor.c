/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LSTAR and monitors in its place (spec/1.4). */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EFER 0xC0000080u
#define STAR 0xC0000081u
#define LSTAR 0xC0000082u
#define CSTAR 0xC0000083u
#define SFMASK 0xC0000084u
#define FS_BASE 0xC0000100u
#define SYSENTER_EIP 0x176u

static dbgksim_machine *machine;

static dbgksim_machine *make_machine(void)
{
  struct dbgksim_config config;
  dbgksim_machine *made;
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  ck_api(dbgksim_machine_create(&config, &made), DBGKSIM_OK);
  return made;
}

static void open_machine(void) { machine = make_machine(); }
static void close_machine(void) { dbgksim_machine_destroy(machine); }

static uint64_t msr(uint32_t number)
{
  uint64_t value;
  ck_api(dbgksim_read_msr(machine, number, &value), DBGKSIM_OK);
  return value;
}

static NTSTATUS refused(enum dbgksim_status status)
{
  ck_assert_int_eq(status, DBGKSIM_NT_ERROR);
  return dbgksim_last_nt_status(machine);
}

struct calls {
  unsigned entered, left, wrong;
  uint64_t last;      /* number of the call that was entered last */
  struct calls *next; /* the monitor that sees a call after this one; NULL: not checked */
  char names[1500];
};

static void count_call(void *context, const struct dbgksim_service_call *call)
{
  struct calls *calls = context;
  if (call->phase == DBGKSIM_SERVICE_ENTERED) {
    calls->entered++;
    calls->last = call->call;
    strncat(calls->names, call->name, sizeof calls->names - strlen(calls->names) - 1);
    strncat(calls->names, " ", sizeof calls->names - strlen(calls->names) - 1);
  } else {
    calls->left++;
    calls->wrong += call->call > calls->last;
  }
}

static uint32_t spawn(dbgksim_machine *where, const char *name)
{
  char path[300];
  uint32_t pid;
  snprintf(path, sizeof path, GUEST_PROGRAM_DIR "/%s.exe", name);
  const struct dbgksim_program program = {.path = path};
  ck_api(dbgksim_spawn(where, &program, NULL, &pid), DBGKSIM_OK);
  return pid;
}

static void run_to_end(const char *name, NTSTATUS expected)
{
  NTSTATUS code;
  uint32_t pid = spawn(machine, name);
  ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_OK);
  ck_api(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
  ck_assert_int_eq(code, expected);
}

START_TEST(registers_begin_as_the_spec_says)
{
  ck_assert_uint_eq(msr(STAR), 0x0023001000000000ull);
  ck_assert_uint_eq(msr(SFMASK), 0x4700);
  ck_assert_uint_ge(msr(LSTAR), 0xFFFF800000000000ull);
  ck_assert_uint_ne(msr(LSTAR), msr(CSTAR));
  ck_assert_uint_ne(msr(SYSENTER_EIP), 0);
  ck_assert_uint_eq(msr(EFER) & 0x501, 0x501); /* SCE, LME, LMA */
}
END_TEST

START_TEST(registers_that_do_not_exist_fault)
{
  uint64_t value = 1;
  ck_assert_int_eq(refused(dbgksim_read_msr(machine, 0xC0000085u, &value)), STATUS_PRIVILEGED_INSTRUCTION);
  ck_assert_uint_eq(value, 0);
  ck_assert_int_eq(refused(dbgksim_write_msr(machine, 0x12345, 0)), STATUS_PRIVILEGED_INSTRUCTION);
  /* wrmsr of an address that is not canonical, and of reserved bits. */
  ck_assert_int_eq(refused(dbgksim_write_msr(machine, LSTAR, 0x0000800000000000ull)), STATUS_PRIVILEGED_INSTRUCTION);
  ck_assert_int_eq(refused(dbgksim_write_msr(machine, SFMASK, 1ull << 32)), STATUS_PRIVILEGED_INSTRUCTION);
  ck_assert_int_eq(refused(dbgksim_write_msr(machine, FS_BASE, 0)), STATUS_NOT_SUPPORTED);
  ck_assert_int_eq(refused(dbgksim_write_msr(machine, EFER, 0)), STATUS_NOT_SUPPORTED);
  ck_api(dbgksim_read_msr(machine, LSTAR, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_write_msr(machine, CSTAR, 0xFFFF800000001234ull), DBGKSIM_OK);
  ck_assert_uint_eq(msr(CSTAR), 0xFFFF800000001234ull);
}
END_TEST

START_TEST(a_monitor_takes_lstar_and_gives_it_back)
{
  struct calls calls = {0};
  dbgksim_monitor *monitor;
  const uint64_t before = msr(LSTAR);
  ck_api(dbgksim_monitor_services(machine, count_call, &calls, &monitor), DBGKSIM_OK);
  ck_assert_uint_ne(msr(LSTAR), before);
  run_to_end("g_hello", 0);
  ck_assert_uint_gt(calls.entered, 2);
  ck_assert_uint_eq(calls.entered, calls.left);
  ck_assert_ptr_nonnull(strstr(calls.names, "NtWriteFile "));
  dbgksim_monitor_remove(monitor);
  ck_assert_uint_eq(msr(LSTAR), before);
  const unsigned seen = calls.entered;
  run_to_end("g_hello", 0);
  ck_assert_uint_eq(calls.entered, seen);
}
END_TEST

START_TEST(monitors_chain_and_leave_in_any_order)
{
  struct calls calls[4] = {{0}};
  dbgksim_monitor *monitors[5];
  const uint64_t before = msr(LSTAR);
  for (int i = 0; i < 4; i++)
    ck_api(dbgksim_monitor_services(machine, count_call, &calls[i], &monitors[i]), DBGKSIM_OK);
  ck_api(dbgksim_monitor_services(machine, count_call, &calls[0], &monitors[4]), DBGKSIM_NO_MEMORY);
  ck_assert_ptr_null(monitors[4]);
  run_to_end("g_threads", 0);
  ck_assert_uint_gt(calls[0].entered, 2);
  for (int i = 0; i < 4; i++) {
    ck_assert_uint_eq(calls[i].entered, calls[0].entered);
    ck_assert_uint_eq(calls[i].left, calls[0].left);
    ck_assert_uint_eq(calls[i].wrong, 0);
    ck_assert_str_eq(calls[i].names, calls[0].names);
  }
  /* From the middle, from the bottom, from the top. */
  const unsigned first = calls[0].entered;
  dbgksim_monitor_remove(monitors[1]);
  dbgksim_monitor_remove(monitors[0]);
  run_to_end("g_hello", 0);
  ck_assert_uint_eq(calls[0].entered, first);
  ck_assert_uint_gt(calls[2].entered, first);
  ck_assert_uint_eq(calls[2].entered, calls[3].entered);
  dbgksim_monitor_remove(monitors[3]);
  dbgksim_monitor_remove(monitors[2]);
  ck_assert_uint_eq(msr(LSTAR), before);
}
END_TEST

START_TEST(without_lstar_there_is_no_monitor)
{
  struct calls calls = {0};
  dbgksim_monitor *monitor;
  const uint64_t before = msr(LSTAR);
  ck_api(dbgksim_monitor_services(machine, count_call, &calls, &monitor), DBGKSIM_OK);
  const uint64_t address = msr(LSTAR);
  ck_api(dbgksim_write_msr(machine, LSTAR, before), DBGKSIM_OK);
  run_to_end("g_hello", 0);
  ck_assert_uint_eq(calls.entered, 0);
  ck_api(dbgksim_write_msr(machine, LSTAR, address), DBGKSIM_OK);
  run_to_end("g_hello", 0);
  ck_assert_uint_gt(calls.entered, 0);
  dbgksim_monitor_remove(monitor);
}
END_TEST

static void keep_text(void *context, const struct dbgksim_trace_record *record)
{
  snprintf(context, DBGKSIM_TRACE_TEXT, "%s", record->text);
}

START_TEST(lstar_to_nowhere_stops_the_machine)
{
  static const uint64_t nowhere[] = {0, 0x401000, 0xFFFFF80000000000ull, 0xFFFFFFFFFFFFFFFFull};
  char text[DBGKSIM_TRACE_TEXT] = "";
  const uint64_t before = msr(LSTAR);
  NTSTATUS code;
  ck_api(dbgksim_trace_subscribe(machine, DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_LOG), keep_text, text), DBGKSIM_OK);
  for (unsigned i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
    char expected[40];
    ck_api(dbgksim_write_msr(machine, LSTAR, nowhere[i]), DBGKSIM_OK);
    uint32_t pid = spawn(machine, "g_hello");
    ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_INTERNAL);
    ck_assert_ptr_nonnull(strstr(dbgksim_message(machine), "LSTAR"));
    snprintf(expected, sizeof expected, "LSTAR %llX leads", (unsigned long long)nowhere[i]);
    ck_assert_msg(strstr(text, expected) != NULL, "%s: %s", expected, text);
    ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_INTERNAL);
    /* With an entry again it goes on. */
    ck_api(dbgksim_write_msr(machine, LSTAR, before), DBGKSIM_OK);
    ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_OK);
    ck_api(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
    ck_assert_int_eq(code, 0);
  }
}
END_TEST

/* An address that only a removed monitor had, below a monitor that goes on to it. */
START_TEST(a_stale_address_is_no_entry)
{
  struct calls calls = {0};
  dbgksim_monitor *first, *second;
  const uint64_t before = msr(LSTAR);
  ck_api(dbgksim_monitor_services(machine, count_call, &calls, &first), DBGKSIM_OK);
  const uint64_t stale = msr(LSTAR);
  dbgksim_monitor_remove(first);
  ck_api(dbgksim_write_msr(machine, LSTAR, stale), DBGKSIM_OK);
  /* It gets the same place, so it would go on to itself. */
  ck_api(dbgksim_monitor_services(machine, count_call, &calls, &second), DBGKSIM_OK);
  uint32_t pid = spawn(machine, "g_hello");
  ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_INTERNAL);
  ck_api(dbgksim_write_msr(machine, LSTAR, before), DBGKSIM_OK);
  ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_OK);
  dbgksim_monitor_remove(second);
  ck_assert_uint_eq(msr(LSTAR), before);
}
END_TEST

/* ---- the dispatcher's own records ---- */

struct ended {
  char (*names)[DBGKSIM_SERVICE_NAME];
  NTSTATUS *status;
  size_t count;
};

static void add_ended(struct ended *e, const char *name, NTSTATUS status)
{
  e->names = realloc(e->names, (e->count + 1) * sizeof *e->names);
  e->status = realloc(e->status, (e->count + 1) * sizeof *e->status);
  ck_assert(e->names && e->status);
  snprintf(e->names[e->count], sizeof e->names[0], "%s", name);
  e->status[e->count++] = status;
}

static void end_call(void *context, const struct dbgksim_service_call *call)
{
  if (call->phase == DBGKSIM_SERVICE_LEFT)
    add_ended(context, call->name, call->status);
}

static void end_record(void *context, const struct dbgksim_trace_record *record)
{
  add_ended(context, record->text, (NTSTATUS)record->a);
}

/* SERVICE_RESULT records come from the service dispatcher, which knows nothing of monitors. */
START_TEST(calls_are_those_of_the_dispatcher)
{
  static const char *const names[] = {"g_hello", "g_interleave", "g_hostile", "g_debugger", "g_terminate_thread"};
  struct ended calls = {NULL, NULL, 0}, records = {NULL, NULL, 0};
  dbgksim_monitor *monitor;
  ck_api(dbgksim_trace_subscribe(machine, DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_SERVICE_RESULT), end_record, &records),
         DBGKSIM_OK);
  ck_api(dbgksim_monitor_services(machine, end_call, &calls, &monitor), DBGKSIM_OK);
  spawn(machine, names[_i]);
  ck_api(dbgksim_run(machine, 0, -1), DBGKSIM_OK);
  dbgksim_monitor_remove(monitor);
  ck_assert_uint_gt(calls.count, 2);
  ck_assert_uint_eq(calls.count, records.count);
  for (size_t i = 0; i < calls.count; i++) {
    if (records.names[i][0])
      ck_assert_str_eq(calls.names[i], records.names[i]);
    else
      ck_assert_int_eq(strncmp(calls.names[i], "service 0x", 10), 0);
    /* A call that goes on elsewhere has no status that its caller sees. */
    if (strncmp(calls.names[i], "NtContinue", 10) && strncmp(calls.names[i], "NtRaise", 7))
      ck_assert_int_eq(calls.status[i], records.status[i]);
  }
  free(calls.names), free(calls.status), free(records.names), free(records.status);
}
END_TEST

/* ---- programs do not notice ---- */

#define UNSEEN (~(DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_MONITOR) | DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_KINDS)))

struct trace {
  struct dbgksim_trace_record *records;
  size_t count;
};

static void keep_record(void *context, const struct dbgksim_trace_record *record)
{
  struct trace *trace = context;
  trace->records = realloc(trace->records, (trace->count + 1) * sizeof *record);
  ck_assert_ptr_nonnull(trace->records);
  trace->records[trace->count] = *record;
  trace->records[trace->count++].sequence = 0;
}

static struct trace record_program(const char *name, bool monitored)
{
  struct trace trace = {NULL, 0};
  struct calls calls = {0};
  dbgksim_monitor *monitor = NULL;
  dbgksim_machine *m = make_machine();
  ck_api(dbgksim_trace_subscribe(m, UNSEEN & (DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_KINDS) - 1), keep_record, &trace),
         DBGKSIM_OK);
  if (monitored)
    ck_api(dbgksim_monitor_services(m, count_call, &calls, &monitor), DBGKSIM_OK);
  spawn(m, name);
  dbgksim_run(m, 0, 1000000000);
  dbgksim_monitor_remove(monitor);
  dbgksim_machine_destroy(m);
  ck_assert(!monitored || calls.entered > 0);
  return trace;
}

START_TEST(programs_do_not_notice)
{
  static const char *const names[] = {"g_hello",      "g_interleave", "g_virtual_memory", "g_guard_page",
                                      "g_debugger",   "g_hostile",    "g_user_apc",       "g_terminate_thread",
                                      "g_port",       "g_timer",      "g_wait",           "g_create_by_hand"};
  const char *name = names[_i];
  struct trace without = record_program(name, false), with = record_program(name, true);
  ck_assert_uint_gt(without.count, 10);
  ck_assert_uint_eq(without.count, with.count);
  ck_assert_int_eq(memcmp(without.records, with.records, without.count * sizeof *without.records), 0);
  free(without.records);
  free(with.records);
}
END_TEST

/* ---- snapshots ---- */

START_TEST(a_restored_machine_has_the_monitors_of_its_time)
{
  struct calls calls = {0};
  dbgksim_monitor *monitor;
  dbgksim_snapshot *bare, *monitored;
  const uint64_t before = msr(LSTAR);
  ck_api(dbgksim_snapshot_take(machine, &bare), DBGKSIM_OK);
  ck_api(dbgksim_monitor_services(machine, count_call, &calls, &monitor), DBGKSIM_OK);
  const uint64_t during = msr(LSTAR);
  ck_api(dbgksim_snapshot_take(machine, &monitored), DBGKSIM_OK);
  ck_api(dbgksim_snapshot_restore(bare), DBGKSIM_OK);
  ck_assert_uint_eq(msr(LSTAR), before);
  run_to_end("g_hello", 0);
  ck_assert_uint_eq(calls.entered, 0);
  ck_api(dbgksim_snapshot_restore(monitored), DBGKSIM_OK);
  ck_assert_uint_eq(msr(LSTAR), during);
  run_to_end("g_hello", 0);
  ck_assert_uint_gt(calls.entered, 0);
  const unsigned seen = calls.entered;
  dbgksim_monitor_remove(monitor);
  ck_assert_uint_eq(msr(LSTAR), before);
  /* The machine knows a monitor again that nobody listens to any more. */
  ck_api(dbgksim_snapshot_restore(monitored), DBGKSIM_OK);
  run_to_end("g_hello", 0);
  ck_assert_uint_eq(calls.entered, seen);
  dbgksim_snapshot_drop(bare);
  dbgksim_snapshot_drop(monitored);
}
END_TEST

/* A call that began under a monitor ends after it has gone. */
START_TEST(a_monitor_leaves_while_a_call_waits)
{
  struct calls calls = {0}, later = {0};
  dbgksim_monitor *monitor;
  ck_api(dbgksim_monitor_services(machine, count_call, &calls, &monitor), DBGKSIM_OK);
  uint32_t pid = spawn(machine, "g_sleep");
  ck_api(dbgksim_run(machine, pid, 1000000), DBGKSIM_TIMEOUT);
  ck_assert_uint_eq(calls.entered, calls.left + 1);
  const unsigned left = calls.left;
  dbgksim_monitor_remove(monitor);
  /* Another takes its place meanwhile: it did not see the call begin. */
  ck_api(dbgksim_monitor_services(machine, count_call, &later, &monitor), DBGKSIM_OK);
  ck_api(dbgksim_terminate(machine, pid, 1), DBGKSIM_OK);
  ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_OK);
  ck_assert_uint_eq(calls.left, left);
  ck_assert_uint_eq(later.entered, later.left);
  dbgksim_monitor_remove(monitor);
}
END_TEST

START_TEST(bad_arguments)
{
  struct calls calls = {0};
  dbgksim_monitor *monitor;
  char text[8] = "x";
  struct dbgksim_service_call call = {.argument_count = 1, .arguments = {0x12345678}};
  ck_api(dbgksim_monitor_services(NULL, count_call, &calls, &monitor), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_monitor_services(machine, NULL, &calls, &monitor), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_monitor_services(machine, count_call, &calls, NULL), DBGKSIM_BAD_ARGUMENT);
  dbgksim_monitor_remove(NULL);
  ck_assert_uint_eq(dbgksim_service_argument(&call, 0, text, sizeof text), 10);
  ck_assert_str_eq(text, "0x12345");
  ck_assert_uint_eq(dbgksim_service_argument(&call, 0, NULL, 0), 10);
  ck_assert_uint_eq(dbgksim_service_argument(&call, 1, text, sizeof text), 0);
  ck_assert_str_eq(text, "");
  ck_assert_ptr_null(dbgksim_service_argument_name(&call, 0));
  ck_assert_ptr_null(dbgksim_service_name(100000, NULL));
  ck_assert_ptr_null(dbgksim_service_group(3));
  ck_assert_str_eq(dbgksim_service_group(DBGKSIM_SERVICES_DEBUG), "debug");
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("monitor");
  TCase *cases = tcase_create("monitor");
  tcase_add_checked_fixture(cases, open_machine, close_machine);
  tcase_add_test(cases, registers_begin_as_the_spec_says);
  tcase_add_test(cases, registers_that_do_not_exist_fault);
  tcase_add_test(cases, a_monitor_takes_lstar_and_gives_it_back);
  tcase_add_test(cases, monitors_chain_and_leave_in_any_order);
  tcase_add_test(cases, without_lstar_there_is_no_monitor);
  tcase_add_test(cases, lstar_to_nowhere_stops_the_machine);
  tcase_add_test(cases, a_stale_address_is_no_entry);
  tcase_add_loop_test(cases, calls_are_those_of_the_dispatcher, 0, 5);
  tcase_add_loop_test(cases, programs_do_not_notice, 0, 12);
  tcase_add_test(cases, a_restored_machine_has_the_monitors_of_its_time);
  tcase_add_test(cases, a_monitor_leaves_while_a_call_waits);
  tcase_add_test(cases, bad_arguments);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
