/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Restoring a machine very often: the same trace each time, no memory, descriptors or mappings left behind; and what a
 * snapshot refuses.
 *
 * test_snapshot NANO PROGRAMS CYCLES */
#include "../determinism/recording.h"

#include "base/resources.h"
#include "base/sanitizer.h"
#include "machine/machine.h"
#include "ntos/trap/trap.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARM_CYCLES 200u
#define BLOCKED_CYCLES 1000u
/* What the allocator of the host and the page tables may still take. */
#define SLACK_KILOBYTES 512

static const char *nano, *program_folder;
static unsigned cycles;

static const char *program_path(const char *name)
{
  static char path[1024];
  snprintf(path, sizeof path, "%s/%s.exe", program_folder, name);
  return path;
}

/* ---- what the host sees of this process ---- */

struct host_use {
  long kilobytes, mappings, descriptors;
};

static struct host_use host_use(void)
{
  struct host_use use = {0};
  char line[4096];
  FILE *status = fopen("/proc/self/status", "r");
  while (status && fgets(line, sizeof line, status))
    (void)sscanf(line, "VmRSS: %ld", &use.kilobytes);
  fclose(status);
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps && fgets(line, sizeof line, maps))
    use.mappings++;
  fclose(maps);
  DIR *descriptors = opendir("/proc/self/fd");
  while (descriptors && readdir(descriptors))
    use.descriptors++;
  closedir(descriptors);
  return use;
}

static void expect_flat(struct host_use before)
{
  struct host_use now = host_use();
  /* The sanitizer keeps what is freed; its own check for leaks comes at the end. */
  ck_assert_msg(BASE_ASAN || now.kilobytes <= before.kilobytes + SLACK_KILOBYTES, "%ld KB before, %ld KB after",
                before.kilobytes, now.kilobytes);
  ck_assert_msg(now.mappings <= before.mappings + 2, "%ld mappings, then %ld", before.mappings, now.mappings);
  ck_assert_int_eq(now.descriptors, before.descriptors);
}

/* ---- runs ---- */

static void cut(struct run_text *text, size_t used)
{
  text->used = used;
  if (text->bytes)
    text->bytes[used] = 0;
}

static void finish(struct recording *out, struct run_state state, dbgksim_machine *machine)
{
  cut(&out->trace, 0), cut(&out->events, 0), cut(&out->output, 0);
  while (!state.finished)
    ck_assert(recording_step(out, &state));
  ck_assert(recording_end(machine, out, &state));
}

static dbgksim_machine *run_to(const char *name, unsigned events, bool random_schedule, struct recording *out,
                               struct run_state *state)
{
  const struct run_setup setup = {.program = program_path(name),
                                  .userland = nano,
                                  .seed = 11,
                                  .random_schedule = random_schedule,
                                  .trace = TRACE_ALL};
  dbgksim_machine *machine = recording_machine(&setup, out);
  ck_assert_ptr_nonnull(machine);
  ck_assert(recording_begin(machine, &setup, state));
  for (unsigned i = 0; i < events; i++)
    ck_assert(recording_step(out, state));
  return machine;
}

/* ---- very many runs: a digest instead of texts ---- */

struct digest {
  uint64_t value, records;
};

static void add_bytes(struct digest *digest, const void *bytes, size_t size)
{
  for (size_t i = 0; i < size; i++)
    digest->value = (digest->value ^ ((const unsigned char *)bytes)[i]) * 0x100000001B3ull;
}

static void add_record(void *context, const struct dbgksim_trace_record *record)
{
  struct digest *digest = context;
  add_bytes(digest, record, offsetof(struct dbgksim_trace_record, text));
  add_bytes(digest, record->text, strlen(record->text));
  digest->records++;
}

static struct digest digest_to_end(struct digest *digest, struct run_state state)
{
  *digest = (struct digest){0};
  while (state.event.code != DBGKSIM_EXIT_PROCESS) {
    ck_assert_int_eq(dbgksim_continue(state.debugger, &state.event, DBG_EXCEPTION_NOT_HANDLED), DBGKSIM_OK);
    ck_assert_int_eq(dbgksim_wait(state.debugger, -1, &state.event), DBGKSIM_OK);
    add_bytes(digest, &state.event.state, sizeof state.event.state);
  }
  ck_assert_int_eq(dbgksim_continue(state.debugger, &state.event, DBG_CONTINUE), DBGKSIM_OK);
  return *digest;
}

/* Finishes a run and restores the machine, `count` times. */
static void repeat(dbgksim_machine *machine, struct run_state state, unsigned count)
{
  struct digest digest, first = {0};
  struct host_use before = {0};
  dbgksim_snapshot *snapshot;
  for (unsigned i = 0; i < MACHINE_MAX_SINKS; i++)
    machine->sinks[i].mask = 0;
  ck_assert_int_eq(dbgksim_trace_subscribe(machine, TRACE_ALL, add_record, &digest), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_snapshot_take(machine, &snapshot), DBGKSIM_OK);
  for (unsigned i = 0; i < count; i++) {
    struct digest now = digest_to_end(&digest, state);
    if (i == 0)
      first = now;
    ck_assert_msg(now.value == first.value && now.records == first.records, "cycle %u has another trace", i);
    ck_assert_int_eq(dbgksim_snapshot_restore(snapshot), DBGKSIM_OK);
    if (i == WARM_CYCLES)
      before = host_use();
  }
  ck_assert_uint_gt(first.records, 20);
  expect_flat(before);
}

START_TEST(a_hundred_thousand_restores_give_one_trace_and_keep_nothing)
{
  struct recording out = {0};
  struct run_state state;
  dbgksim_machine *machine = run_to("g_int3_veh", 3, false, &out, &state);
  ck_assert_int_eq(dbgksim_continue(state.debugger, &state.event, DBG_CONTINUE), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_wait(state.debugger, -1, &state.event), DBGKSIM_OK);
  repeat(machine, state, cycles);
  dbgksim_machine_destroy(machine);
  recording_free(&out);
}
END_TEST

/* ---- blocked threads ---- */

struct states {
  unsigned in_queue, in_timed_wait, preempted;
};

static void note_state(void *context, KTHREAD *thread)
{
  struct states *seen = context;
  if (thread->native)
    return;
  if (thread->State == Waiting && thread->wait_count && thread->WaitReason == Executive)
    seen->in_queue++;
  else if (thread->State == Waiting && thread->WaitReason == DelayExecution && thread->Timer.heap_index)
    seen->in_timed_wait++;
  else if (!thread->wait_count && thread->TrapFrame && thread->TrapFrame->ExceptionActive == TRAP_INTERRUPT)
    seen->preempted++;
}

START_TEST(threads_blocked_in_the_queue_in_a_timed_wait_and_preempted_go_on)
{
  struct recording out = {0};
  struct run_state state;
  struct states seen = {0};
  dbgksim_machine *machine = run_to("g_blocked", 0, false, &out, &state);
  do
    ck_assert(recording_step(&out, &state));
  while (state.event.code != DBGKSIM_EXCEPTION || state.first_breakpoint);
  ck_assert_int_eq(machine_enter(machine), DBGKSIM_OK);
  ke_for_each_thread(note_state, &seen);
  machine_leave(machine);
  ck_assert_uint_eq(seen.in_queue, 1);
  ck_assert_uint_eq(seen.in_timed_wait, 1);
  ck_assert_uint_eq(seen.preempted, 1);
  repeat(machine, state, cycles < BLOCKED_CYCLES ? cycles : BLOCKED_CYCLES);
  dbgksim_machine_destroy(machine);
  recording_free(&out);
}
END_TEST

/* ---- the host's resources ---- */

START_TEST(what_a_snapshot_needs_of_the_host_is_parked_until_it_is_dropped)
{
  struct recording out = {0};
  struct run_state state;
  dbgksim_snapshot *snapshot;
  size_t live, parked, live_later;
  dbgksim_machine *machine = run_to("g_load_dll", 1, false, &out, &state);
  resources_count(machine->pcr.resources, &live, &parked);
  ck_assert_uint_eq(parked, 0);
  ck_assert_int_eq(dbgksim_snapshot_take(machine, &snapshot), DBGKSIM_OK);
  finish(&out, state, machine);
  resources_count(machine->pcr.resources, &live_later, &parked);
  ck_assert_uint_gt(parked, 0);
  ck_assert_int_eq(dbgksim_snapshot_restore(snapshot), DBGKSIM_OK);
  resources_count(machine->pcr.resources, &live_later, &parked);
  ck_assert_uint_eq(live_later, live);
  ck_assert_uint_eq(parked, 0);
  finish(&out, state, machine);
  dbgksim_snapshot_drop(snapshot);
  resources_count(machine->pcr.resources, &live_later, &parked);
  ck_assert_uint_eq(parked, 0);
  dbgksim_machine_destroy(machine);
  recording_free(&out);
}
END_TEST

START_TEST(a_machine_forgets_its_snapshots_when_it_ends)
{
  struct recording out = {0};
  struct run_state state;
  dbgksim_snapshot *snapshot[3];
  dbgksim_machine *machine = run_to("g_int3_veh", 2, false, &out, &state);
  for (unsigned i = 0; i < 3; i++)
    ck_assert_int_eq(dbgksim_snapshot_take(machine, &snapshot[i]), DBGKSIM_OK);
  dbgksim_snapshot_drop(snapshot[1]);
  ck_assert_int_eq(dbgksim_snapshot_restore(snapshot[0]), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_snapshot_restore(snapshot[2]), DBGKSIM_OK);
  finish(&out, state, machine);
  dbgksim_machine_destroy(machine);
  recording_free(&out);
}
END_TEST

/* ---- refusals ---- */

static enum dbgksim_status from_native_thread;

static void take_from_native_thread(void *argument)
{
  dbgksim_snapshot *snapshot = (dbgksim_snapshot *)argument;
  from_native_thread = dbgksim_snapshot_take(argument, &snapshot);
  ck_assert_ptr_null(snapshot);
}

START_TEST(a_native_thread_takes_no_snapshot)
{
  struct recording out = {0};
  struct run_state state;
  uint32_t tid;
  dbgksim_machine *machine = run_to("g_int3_veh", 1, false, &out, &state);
  ck_assert_int_eq(dbgksim_native_thread(machine, take_from_native_thread, machine, &tid), DBGKSIM_OK);
  ck_assert(recording_step(&out, &state));
  ck_assert_int_eq(from_native_thread, DBGKSIM_BAD_ARGUMENT);
  dbgksim_machine_destroy(machine);
  recording_free(&out);
}
END_TEST

START_TEST(arguments_that_are_missing_are_refused)
{
  dbgksim_snapshot *snapshot;
  ck_assert_int_eq(dbgksim_snapshot_take(NULL, &snapshot), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_snapshot_take(NULL, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_snapshot_restore(NULL), DBGKSIM_BAD_ARGUMENT);
  dbgksim_snapshot_drop(NULL);
}
END_TEST

int main(int argc, char **argv)
{
  if (argc != 4) {
    fputs("usage: test_snapshot NANO PROGRAMS CYCLES\n", stderr);
    return 2;
  }
  nano = argv[1];
  program_folder = argv[2];
  cycles = (unsigned)strtoul(argv[3], NULL, 10);
  Suite *suite = suite_create("snapshot");
  TCase *tests = tcase_create("snapshot");
  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, a_hundred_thousand_restores_give_one_trace_and_keep_nothing);
  tcase_add_test(tests, threads_blocked_in_the_queue_in_a_timed_wait_and_preempted_go_on);
  tcase_add_test(tests, what_a_snapshot_needs_of_the_host_is_parked_until_it_is_dropped);
  tcase_add_test(tests, a_machine_forgets_its_snapshots_when_it_ends);
  tcase_add_test(tests, a_native_thread_takes_no_snapshot);
  tcase_add_test(tests, arguments_that_are_missing_are_refused);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
