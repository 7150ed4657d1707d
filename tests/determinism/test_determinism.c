/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same inputs and seed give the same run, byte for byte (DESIGN 8), whatever the host does: its addresses, what
 * fresh memory held, its environment, what ran before, who watches.
 *
 * test_determinism PROGRAM USERLAND          the tests
 * test_determinism PROGRAM USERLAND record   one recording on standard output, for runs in another process */
#include "recording.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEED 5
#define RUNS 20
#define OTHER_SEEDS 10

static const char *self_path, *program_path, *userland;

static struct run_setup standard_setup(void)
{
  return (struct run_setup){
      .program = program_path, .userland = userland, .seed = SEED, .random_schedule = true, .trace = TRACE_ALL};
}

static void make(const struct run_setup *setup, struct recording *out)
{
  ck_assert_msg(recording_make(setup, out), "no recording of %s", setup->program);
  ck_assert_uint_eq(out->exit_code, 0);
  ck_assert_uint_gt(out->output.used, 0);
  ck_assert_uint_gt(out->events.used, 0);
}

#define check_same_text(a, b, member)                                                                                  \
  do {                                                                                                                 \
    const char *difference = recording_difference(&(a)->member, &(b)->member);                                         \
    ck_assert_msg(!difference, #member " differs: %s", difference);                                                    \
  } while (0)

/* All but the trace, which may have been made by other subscriptions. */
static void check_same_run(const struct recording *a, const struct recording *b)
{
  check_same_text(a, b, events);
  check_same_text(a, b, output);
  ck_assert_uint_eq(a->end_time, b->end_time);
}

static void check_identical(const struct recording *a, const struct recording *b)
{
  check_same_text(a, b, trace);
  check_same_run(a, b);
}

START_TEST(one_seed_gives_one_trace)
{
  const struct run_setup setup = standard_setup();
  struct recording first, again;
  make(&setup, &first);
  ck_assert_uint_gt(first.trace.used, 0);
  for (int i = 1; i < RUNS; i++) {
    make(&setup, &again);
    check_identical(&first, &again);
    recording_free(&again);
  }
  recording_free(&first);
}
END_TEST

START_TEST(trace_sinks_change_nothing)
{
  static const uint64_t selections[] = {0, DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_SWITCH),
                                        DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_SERVICE) |
                                            DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_TRAP)};
  struct run_setup setup = standard_setup();
  struct recording all, some;
  make(&setup, &all);
  for (size_t i = 0; i < sizeof selections / sizeof selections[0]; i++) {
    setup.trace = selections[i];
    make(&setup, &some);
    ck_assert((some.trace.used != 0) == (selections[i] != 0));
    check_same_run(&all, &some);
    recording_free(&some);
  }
  recording_free(&all);
}
END_TEST

START_TEST(nobody_takes_the_output_and_nothing_changes)
{
  struct run_setup setup = standard_setup();
  struct recording heard, unheard;
  make(&setup, &heard);
  setup.silent = true;
  ck_assert(recording_make(&setup, &unheard));
  ck_assert_uint_eq(unheard.output.used, 0);
  check_same_text(&heard, &unheard, trace);
  check_same_text(&heard, &unheard, events);
  recording_free(&heard);
  recording_free(&unheard);
}
END_TEST

START_TEST(what_fresh_memory_holds_changes_nothing)
{
  static const uint8_t fills[] = {0xA5, 0xFF, 0x01};
  struct run_setup setup = standard_setup();
  struct recording clean, filled;
  make(&setup, &clean);
  for (size_t i = 0; i < sizeof fills; i++) {
    setup.prefill = fills[i];
    make(&setup, &filled);
    check_identical(&clean, &filled);
    recording_free(&filled);
  }
  recording_free(&clean);
}
END_TEST

/* Records in a process of its own. False: address randomisation can not be switched off here. */
static bool record_in_child(bool fixed_addresses, const char *const *environment, struct run_text *out)
{
  int ends[2];
  ck_assert_int_eq(pipe(ends), 0);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    if (fixed_addresses && personality(ADDR_NO_RANDOMIZE) == -1)
      _exit(77);
    for (const char *const *e = environment; e && e[0]; e += 2)
      setenv(e[0], e[1], 1);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    execl(self_path, self_path, program_path, userland, "record", (char *)NULL);
    _exit(1);
  }
  close(ends[1]);
  memset(out, 0, sizeof *out);
  ssize_t n;
  do {
    if (out->size - out->used < 4096) {
      out->size = out->size * 2 + 65536;
      out->bytes = realloc(out->bytes, out->size);
      ck_assert_ptr_nonnull(out->bytes);
    }
    n = read(ends[0], out->bytes + out->used, out->size - out->used - 1);
    out->used += n > 0 ? (size_t)n : 0;
  } while (n > 0);
  out->bytes[out->used] = 0;
  close(ends[0]);
  int status;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  if (fixed_addresses && WIFEXITED(status) && WEXITSTATUS(status) == 77)
    return false;
  ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the recording process ended with %x", status);
  ck_assert_uint_gt(out->used, 0);
  return true;
}

static void check_child(bool fixed_addresses, const char *const *environment, const struct run_text *expected)
{
  struct run_text text;
  if (record_in_child(fixed_addresses, environment, &text)) {
    const char *difference = recording_difference(expected, &text);
    ck_assert_msg(!difference, "another process: %s", difference);
  } else {
    fputs("skipped: address randomisation can not be switched off here\n", stderr);
  }
  free(text.bytes);
}

START_TEST(host_addresses_change_nothing)
{
  struct run_text expected;
  ck_assert(record_in_child(false, NULL, &expected));
  check_child(false, NULL, &expected);
  check_child(true, NULL, &expected);
  check_child(true, NULL, &expected);
  free(expected.bytes);
}
END_TEST

START_TEST(the_host_environment_changes_nothing)
{
  static const char *const strange[] = {"LC_ALL", "tr_TR.UTF-8", "TZ", "Asia/Kathmandu", "MALLOC_PERTURB_", "90", NULL};
  struct run_text expected;
  ck_assert(record_in_child(false, NULL, &expected));
  check_child(false, strange, &expected);
  free(expected.bytes);
}
END_TEST

/* Engines keep translations from one process to the next; ids go on counting, so only what the program prints and the
 * order of its events are compared, scheduled in turns because the random stream goes on too. */
START_TEST(warm_engines_change_nothing)
{
  struct run_setup setup = standard_setup();
  struct recording cold, warm;
  setup.random_schedule = false;
  make(&setup, &cold);
  memset(&warm, 0, sizeof warm);
  dbgksim_machine *machine = recording_machine(&setup, &warm);
  ck_assert_ptr_nonnull(machine);
  uint64_t length = 0;
  for (int i = 0; i < 4; i++) {
    uint64_t start = dbgksim_time(machine);
    warm.output.used = 0;
    ck_assert(recording_run(machine, &setup, &warm));
    ck_assert_uint_eq(warm.exit_code, 0);
    check_same_text(&cold, &warm, output);
    if (i > 0)
      ck_assert_uint_eq(warm.end_time - start, length);
    else
      ck_assert_uint_eq(warm.end_time, cold.end_time);
    length = warm.end_time - start;
  }
  dbgksim_machine_destroy(machine);
  recording_free(&warm);
  recording_free(&cold);
}
END_TEST

START_TEST(machines_side_by_side_do_not_meet)
{
  const struct run_setup setup = standard_setup();
  struct recording alone, beside, other;
  make(&setup, &alone);
  memset(&beside, 0, sizeof beside);
  memset(&other, 0, sizeof other);
  dbgksim_machine *first = recording_machine(&setup, &other), *second = recording_machine(&setup, &beside);
  ck_assert(first && second);
  ck_assert(recording_run(first, &setup, &other));
  ck_assert(recording_run(second, &setup, &beside));
  dbgksim_machine_destroy(second);
  dbgksim_machine_destroy(first);
  check_identical(&alone, &beside);
  check_identical(&alone, &other);
  recording_free(&alone);
  recording_free(&beside);
  recording_free(&other);
}
END_TEST

/* The thread that a line of output tells of: "A3" of g_interleave, "thread 1, line 2" of the sample. */
static int line_thread(const char *line)
{
  int thread;
  if (line[0] >= 'A' && line[0] <= 'D' && line[1] >= '0' && line[1] <= '9')
    return line[0] - 'A';
  return sscanf(line, "thread %d, line", &thread) == 1 && thread >= 0 && thread < 8 ? thread : 8;
}

/* The output's lines, sorted by thread, those of one thread in their order. */
static char *lines_by_thread(const struct run_text *output)
{
  char *sorted = malloc(output->used + 1), *at = sorted;
  ck_assert_ptr_nonnull(sorted);
  for (int thread = 0; thread <= 8; thread++)
    for (const char *line = output->bytes; *line; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] != 0)) {
      size_t length = strcspn(line, "\n");
      if (line_thread(line) != thread)
        continue;
      memcpy(at, line, length);
      at += length;
      *at++ = '\n';
    }
  *at = 0;
  return sorted;
}

START_TEST(another_seed_gives_another_legal_order)
{
  struct run_setup setup = standard_setup();
  struct recording first, other;
  make(&setup, &first);
  char *expected = lines_by_thread(&first.output);
  unsigned different = 0;
  for (uint64_t seed = SEED + 1; seed <= SEED + OTHER_SEEDS; seed++) {
    setup.seed = seed;
    make(&setup, &other);
    different += recording_difference(&first.output, &other.output) != NULL;
    char *lines = lines_by_thread(&other.output);
    ck_assert_str_eq(lines, expected);
    free(lines);
    recording_free(&other);
  }
  ck_assert_uint_ge(different, OTHER_SEEDS / 2);
  free(expected);
  recording_free(&first);
}
END_TEST

static int record(void)
{
  const struct run_setup setup = standard_setup();
  struct recording recording;
  if (!recording_make(&setup, &recording))
    return 1;
  fwrite(recording.trace.bytes, 1, recording.trace.used, stdout);
  fwrite(recording.events.bytes, 1, recording.events.used, stdout);
  fwrite(recording.output.bytes, 1, recording.output.used, stdout);
  recording_free(&recording);
  return fflush(stdout) != 0;
}

int main(int argc, char **argv)
{
  if (argc < 3) {
    fputs("usage: test_determinism PROGRAM USERLAND [record]\n", stderr);
    return 2;
  }
  self_path = argv[0];
  program_path = argv[1];
  userland = argv[2];
  if (argc == 4)
    return record();
  struct dbgksim_config config;
  dbgksim_machine *machine;
  dbgksim_config_init(&config);
  config.userland = userland;
  if (dbgksim_machine_create(&config, &machine) == DBGKSIM_NO_USERLAND) {
    printf("skipped: %s\n", dbgksim_message(NULL));
    return 77;
  }
  dbgksim_machine_destroy(machine);
  Suite *suite = suite_create("determinism");
  TCase *tests = tcase_create("determinism");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, one_seed_gives_one_trace);
  tcase_add_test(tests, trace_sinks_change_nothing);
  tcase_add_test(tests, nobody_takes_the_output_and_nothing_changes);
  tcase_add_test(tests, what_fresh_memory_holds_changes_nothing);
  tcase_add_test(tests, host_addresses_change_nothing);
  tcase_add_test(tests, the_host_environment_changes_nothing);
  tcase_add_test(tests, warm_engines_change_nothing);
  tcase_add_test(tests, machines_side_by_side_do_not_meet);
  tcase_add_test(tests, another_seed_gives_another_legal_order);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
