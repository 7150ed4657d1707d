/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The determinism test of DESIGN 8: one program, one seed, the same records, events and output byte for byte, whatever
 * fresh memory holds and whoever listens. Four threads, a debugger, random scheduling. */
#include <check.h>
#include <dbgksim/dbgksim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS 20
#define ALL_KINDS (DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_KINDS) - 1)

struct bytes {
  char *data;
  size_t size, room;
};

/* What one run leaves behind. */
struct result {
  struct bytes records, events, output;
  uint64_t end_time;
};

static void append(struct bytes *to, const void *data, size_t size)
{
  if (to->size + size > to->room) {
    to->room = 2 * (to->size + size);
    to->data = realloc(to->data, to->room);
    ck_assert_ptr_nonnull(to->data);
  }
  memcpy(to->data + to->size, data, size);
  to->size += size;
}

static void collect_output(void *context, int stream, const void *bytes, size_t size)
{
  struct result *result = context;
  (void)stream;
  append(&result->output, bytes, size);
}

static void collect_record(void *context, const struct dbgksim_trace_record *record)
{
  struct result *result = context;
  struct dbgksim_trace_record copy = *record;
  size_t length = strnlen(copy.text, sizeof(copy.text));
  memset(copy.text + length, 0, sizeof(copy.text) - length);
  append(&result->records, &copy, sizeof(copy));
}

static void debug(dbgksim_debugger *debugger, struct result *result)
{
  struct dbgksim_event event;
  bool end = false;
  while (!end && dbgksim_wait(debugger, -1, &event) == DBGKSIM_OK) {
    append(&result->events, &event.state, sizeof(event.state));
    append(&result->events, event.file, strlen(event.file));
    append(&result->events, &event.teb, sizeof(event.teb));
    end = event.code == DBGKSIM_EXIT_PROCESS;
    ck_assert_int_eq(dbgksim_continue(debugger, &event, DBG_EXCEPTION_NOT_HANDLED), DBGKSIM_OK);
  }
  ck_assert(end);
}

static struct result run(const char *name, uint64_t seed, uint8_t prefill, bool listen)
{
  struct result result = {0};
  struct dbgksim_config config;
  dbgksim_machine *machine;
  dbgksim_debugger *debugger;
  char path[1024];
  uint32_t pid;
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  config.seed = seed;
  config.random_schedule = true;
  config.memory_prefill = prefill;
  config.output = collect_output;
  config.io_context = &result;
  ck_assert_msg(dbgksim_machine_create(&config, &machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  if (listen)
    ck_assert_int_eq(dbgksim_trace_subscribe(machine, ALL_KINDS, collect_record, &result), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
  snprintf(path, sizeof(path), "%s/%s.exe", GUEST_PROGRAM_DIR, name);
  struct dbgksim_program program = {.path = path};
  ck_assert_int_eq(dbgksim_spawn(machine, &program, debugger, &pid), DBGKSIM_OK);
  debug(debugger, &result);
  ck_assert_int_eq(dbgksim_run(machine, pid, -1), DBGKSIM_OK);
  result.end_time = dbgksim_time(machine);
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
  return result;
}

static bool same(const struct bytes *a, const struct bytes *b)
{
  return a->size == b->size && (!a->size || !memcmp(a->data, b->data, a->size));
}

/* Index of the first record in which two runs differ. */
static size_t first_difference(const struct bytes *a, const struct bytes *b)
{
  size_t at = 0;
  while (at < a->size && at < b->size && a->data[at] == b->data[at])
    at++;
  return at / sizeof(struct dbgksim_trace_record);
}

static void expect_same(const struct result *a, const struct result *b, const char *what)
{
  ck_assert_msg(same(&a->records, &b->records), "%s: records differ from number %zu on", what,
                first_difference(&a->records, &b->records));
  ck_assert_msg(same(&a->events, &b->events), "%s: events differ", what);
  ck_assert_msg(same(&a->output, &b->output), "%s: output differs", what);
  ck_assert_msg(a->end_time == b->end_time, "%s: time differs", what);
}

static void release(struct result *result)
{
  free(result->records.data);
  free(result->events.data);
  free(result->output.data);
}

START_TEST(one_seed_one_trace)
{
  struct result first = run("g_interleave", 7, 0, true);
  ck_assert_uint_gt(first.records.size, 100 * sizeof(struct dbgksim_trace_record));
  ck_assert_uint_gt(first.output.size, 0);
  for (int i = 1; i < RUNS; i++) {
    struct result again = run("g_interleave", 7, 0, true);
    expect_same(&first, &again, "another run");
    release(&again);
  }
  release(&first);
}
END_TEST

START_TEST(fresh_memory_does_not_show)
{
  static const char *const names[] = {"g_interleave", "g_user_apc", "g_load_dll", "g_nested_fault", "g_suspend"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    struct result zeroes = run(names[i], 3, 0, true), filled = run(names[i], 3, 0xA5, true);
    expect_same(&zeroes, &filled, names[i]);
    release(&zeroes);
    release(&filled);
  }
}
END_TEST

START_TEST(listening_changes_nothing)
{
  struct result heard = run("g_interleave", 9, 0, true), unheard = run("g_interleave", 9, 0, false);
  ck_assert_uint_eq(unheard.records.size, 0);
  ck_assert(same(&heard.events, &unheard.events));
  ck_assert(same(&heard.output, &unheard.output));
  ck_assert_uint_eq(heard.end_time, unheard.end_time);
  release(&heard);
  release(&unheard);
}
END_TEST

START_TEST(another_seed_another_interleaving)
{
  unsigned different = 0;
  struct result first = run("g_interleave", 1, 0, false);
  for (uint64_t seed = 2; seed < 6; seed++) {
    struct result other = run("g_interleave", seed, 0, false);
    ck_assert_uint_eq(first.output.size, other.output.size);
    different += !same(&first.output, &other.output);
    release(&other);
  }
  ck_assert_uint_ge(different, 3);
  release(&first);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("determinism");
  TCase *tests = tcase_create("determinism");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, one_seed_one_trace);
  tcase_add_test(tests, fresh_memory_does_not_show);
  tcase_add_test(tests, listening_changes_nothing);
  tcase_add_test(tests, another_seed_another_interleaving);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
