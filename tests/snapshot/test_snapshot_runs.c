/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run that is taken up again from a snapshot is the run that was never interrupted, byte for byte: its trace, its
 * debug events, its output (DESIGN 8). Snapshots are taken at each debug event, where one thread is blocked in
 * DbgkpQueueMessage and the others are wherever they were.
 *
 * test_snapshot_runs USERLAND PROGRAM... */
#include "../determinism/recording.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED 7
#define AGAIN 2
/* Longer runs are tried at evenly spread events. */
#define MAX_PLACES 6u

static const char *userland;
static char **programs;
static int program_count;

static void expect_same(const char *program, unsigned place, const char *what, const struct run_text *a,
                        const struct run_text *b)
{
  const char *difference = recording_difference(a, b);
  ck_assert_msg(!difference, "%s from event %u: %s: %s", program, place, what, difference);
}

static void expect_same_run(const char *program, unsigned place, const struct recording *cold,
                            const struct recording *again)
{
  expect_same(program, place, "trace", &cold->trace, &again->trace);
  expect_same(program, place, "events", &cold->events, &again->events);
  expect_same(program, place, "output", &cold->output, &again->output);
  ck_assert_uint_eq(cold->end_time, again->end_time);
  ck_assert_uint_eq(cold->exit_code, again->exit_code);
}

static void cut(struct run_text *text, size_t used)
{
  text->used = used;
  if (text->bytes)
    text->bytes[used] = 0;
}

static void finish(dbgksim_machine *machine, struct recording *out, struct run_state state)
{
  while (!state.finished)
    ck_assert(recording_step(out, &state));
  ck_assert(recording_end(machine, out, &state));
}

/* The run from its beginning to event number `place`, a snapshot, and then its end several times. */
static void check_place(const struct run_setup *setup, const struct recording *cold, unsigned place)
{
  struct recording out = {0};
  struct run_state state;
  dbgksim_snapshot *snapshot;
  dbgksim_machine *machine = recording_machine(setup, &out);
  ck_assert_ptr_nonnull(machine);
  ck_assert(recording_begin(machine, setup, &state));
  for (unsigned i = 0; i < place; i++)
    ck_assert(recording_step(&out, &state));
  ck_assert_msg(dbgksim_snapshot_take(machine, &snapshot) == DBGKSIM_OK, "%s", dbgksim_message(machine));
  const size_t trace = out.trace.used, events = out.events.used, output = out.output.used;
  for (unsigned i = 0; i < AGAIN; i++) {
    finish(machine, &out, state);
    expect_same_run(setup->program, place, cold, &out);
    ck_assert_msg(dbgksim_snapshot_restore(snapshot) == DBGKSIM_OK, "%s", dbgksim_message(machine));
    cut(&out.trace, trace);
    cut(&out.events, events);
    cut(&out.output, output);
  }
  dbgksim_snapshot_drop(snapshot);
  finish(machine, &out, state);
  expect_same_run(setup->program, place, cold, &out);
  dbgksim_machine_destroy(machine);
  recording_free(&out);
}

static unsigned count_events(const struct recording *r)
{
  unsigned lines = 0;
  for (const char *c = r->events.bytes; c && *c; c++)
    lines += *c == '\n';
  return lines;
}

START_TEST(a_run_from_a_snapshot_is_the_run_that_went_on)
{
  struct run_setup setup = {.program = programs[_i / 2],
                            .userland = userland,
                            .seed = SEED,
                            .random_schedule = _i % 2 != 0,
                            .trace = TRACE_ALL};
  struct recording cold;
  ck_assert(recording_make(&setup, &cold));
  unsigned events = count_events(&cold), step = events > MAX_PLACES ? events / MAX_PLACES : 1;
  ck_assert_uint_gt(events, 2);
  for (unsigned place = 0; place < events; place += step)
    check_place(&setup, &cold, place);
  recording_free(&cold);
}
END_TEST

/* Two snapshots of one run, restored in turn: the one that was not the last one is restored from any state. */
START_TEST(snapshots_of_one_run_can_be_restored_in_any_order)
{
  struct run_setup setup = {
      .program = programs[_i], .userland = userland, .seed = SEED, .random_schedule = true, .trace = TRACE_ALL};
  struct recording cold, out = {0};
  struct run_state state[2];
  size_t trace[2], events[2], output[2];
  dbgksim_snapshot *snapshot[2];
  ck_assert(recording_make(&setup, &cold));
  unsigned count = count_events(&cold);
  dbgksim_machine *machine = recording_machine(&setup, &out);
  ck_assert_ptr_nonnull(machine);
  ck_assert(recording_begin(machine, &setup, &state[0]));
  ck_assert(recording_step(&out, &state[0]));
  for (unsigned i = 0; i < 2; i++) {
    if (i)
      state[1] = state[0];
    for (unsigned k = 0; i && k < count / 2; k++)
      ck_assert(recording_step(&out, &state[1]));
    ck_assert_int_eq(dbgksim_snapshot_take(machine, &snapshot[i]), DBGKSIM_OK);
    trace[i] = out.trace.used, events[i] = out.events.used, output[i] = out.output.used;
  }
  static const unsigned order[] = {0, 1, 1, 0, 0, 1, 0};
  for (unsigned i = 0; i < sizeof order / sizeof order[0]; i++) {
    unsigned which = order[i];
    ck_assert_int_eq(dbgksim_snapshot_restore(snapshot[which]), DBGKSIM_OK);
    /* The texts up to either place are the same in every run. */
    cut(&out.trace, 0), cut(&out.events, 0), cut(&out.output, 0);
    struct recording tail = {0};
    tail.trace.bytes = cold.trace.bytes + trace[which], tail.trace.used = cold.trace.used - trace[which];
    tail.events.bytes = cold.events.bytes + events[which], tail.events.used = cold.events.used - events[which];
    if (cold.output.bytes)
      tail.output.bytes = cold.output.bytes + output[which], tail.output.used = cold.output.used - output[which];
    tail.end_time = cold.end_time;
    tail.exit_code = cold.exit_code;
    finish(machine, &out, state[which]);
    expect_same_run(setup.program, which, &tail, &out);
  }
  dbgksim_machine_destroy(machine);
  recording_free(&out);
  recording_free(&cold);
}
END_TEST

int main(int argc, char **argv)
{
  if (argc < 3) {
    fputs("usage: test_snapshot_runs USERLAND PROGRAM...\n", stderr);
    return 2;
  }
  userland = argv[1];
  programs = argv + 2;
  program_count = argc - 2;
  Suite *suite = suite_create("snapshot runs");
  TCase *tests = tcase_create("runs");
  tcase_set_timeout(tests, 300);
  tcase_add_loop_test(tests, a_run_from_a_snapshot_is_the_run_that_went_on, 0, 2 * program_count);
  tcase_add_loop_test(tests, snapshots_of_one_run_can_be_restored_in_any_order, 0, program_count);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
