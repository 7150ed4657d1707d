/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What recordings are made of: files that were read, the schedule as a digest, the place of an interruption. */
#include "api.h"

static dbgksim_machine *make_machine(bool note, bool random, uint64_t seed)
{
  struct dbgksim_config config;
  dbgksim_machine *machine;
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  config.note_inputs = note;
  config.random_schedule = random;
  config.seed = seed;
  ck_api(dbgksim_machine_create(&config, &machine), DBGKSIM_OK);
  return machine;
}

START_TEST(programs_and_dlls_are_inputs_and_so_are_dlls_that_are_not_there)
{
  static const char *const paths[] = {"C:\\windows\\system32\\ntdll.dll", "C:\\windows\\system32\\apisetschema.dll",
                                      "C:\\app\\g_load_dll.exe", "C:\\app\\g_none.dll", "C:\\app\\g_dll.dll"};
  static const bool existed[] = {true, false, true, false, true};
  struct dbgksim_file file, now, host;
  dbgksim_machine *machine = make_machine(true, false, 0);
  api_spawn(machine, "g_load_dll", NULL);
  ck_api(dbgksim_input_file(machine, 3, &file), DBGKSIM_NOT_FOUND);
  ck_api(dbgksim_run(machine, 0, -1), DBGKSIM_OK);
  for (unsigned i = 0; i < 5; i++) {
    ck_api(dbgksim_input_file(machine, i, &file), DBGKSIM_OK);
    ck_assert_str_eq(file.path, paths[i]);
    ck_assert(file.existed == existed[i] && file.known == existed[i]);
    ck_api(dbgksim_hash_file(machine, paths[i], &now), existed[i] ? DBGKSIM_OK : DBGKSIM_NOT_FOUND);
    ck_assert_uint_eq(file.size, now.size);
    ck_assert_mem_eq(file.sha256, now.sha256, sizeof now.sha256);
  }
  ck_api(dbgksim_input_file(machine, 5, &file), DBGKSIM_NOT_FOUND);
  ck_api(dbgksim_hash_file(NULL, api_program("g_load_dll"), &host), DBGKSIM_OK);
  ck_api(dbgksim_hash_file(machine, paths[2], &now), DBGKSIM_OK);
  ck_assert_mem_eq(host.sha256, now.sha256, sizeof now.sha256);
  dbgksim_machine_destroy(machine);
}
END_TEST

START_TEST(nothing_is_noted_unasked_or_absent)
{
  struct dbgksim_file file;
  dbgksim_machine *machine = make_machine(false, false, 0);
  ck_api(dbgksim_input_file(machine, 0, &file), DBGKSIM_NOT_FOUND);
  ck_api(dbgksim_hash_file(machine, "C:\\absent", &file), DBGKSIM_NOT_FOUND);
  ck_api(dbgksim_hash_file(machine, "C:\\windows", &file), DBGKSIM_OK);
  ck_assert(file.existed && !file.known);
  ck_api(dbgksim_hash_file(NULL, "/nonexistent", &file), DBGKSIM_NOT_FOUND);
  ck_api(dbgksim_hash_file(NULL, "/", &file), DBGKSIM_OK);
  ck_assert(file.existed && !file.known);
  ck_api(dbgksim_hash_file(NULL, NULL, &file), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_hash_file(machine, "C:\\x", NULL), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_input_file(machine, 0, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_input_file(NULL, 0, &file), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_get_point(NULL, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_api(dbgksim_interrupt_at(machine, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_assert_uint_eq(dbgksim_schedule_digest(NULL), 0);
  dbgksim_machine_destroy(machine);
}
END_TEST

static uint64_t digest_of_a_run(bool random, uint64_t seed)
{
  dbgksim_machine *machine = make_machine(false, random, seed);
  uint32_t pid = api_spawn(machine, "g_interleave", NULL);
  ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_OK);
  uint64_t digest = dbgksim_schedule_digest(machine);
  dbgksim_machine_destroy(machine);
  return digest;
}

START_TEST(a_schedule_has_one_digest)
{
  uint64_t other = 0;
  for (uint64_t seed = 0; seed < 4; seed++) {
    uint64_t digest = digest_of_a_run(true, seed);
    ck_assert_uint_eq(digest, digest_of_a_run(true, seed));
    ck_assert_uint_ne(digest, other);
    other = digest;
  }
  ck_assert_uint_eq(digest_of_a_run(false, 0), digest_of_a_run(false, 1));
  ck_assert_uint_ne(digest_of_a_run(false, 0), other);
}
END_TEST

struct end {
  struct dbgksim_point point;
  uint64_t time, digest;
};

static struct end end_of(dbgksim_machine *machine, uint32_t pid)
{
  struct end end;
  ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_INTERRUPTED);
  ck_api(dbgksim_get_point(machine, &end.point), DBGKSIM_OK);
  end.time = dbgksim_time(machine);
  end.digest = dbgksim_schedule_digest(machine);
  return end;
}

START_TEST(a_run_is_interrupted_again_where_it_was)
{
  static const char *const programs[] = {"g_spin", "g_sleep", "g_interleave"};
  dbgksim_machine *machine = make_machine(false, true, 3);
  uint32_t pid = api_spawn(machine, programs[_i], NULL);
  ck_api(dbgksim_run(machine, pid, 70000), DBGKSIM_TIMEOUT);
  dbgksim_interrupt(machine);
  struct end first = end_of(machine, pid);
  dbgksim_machine_destroy(machine);

  machine = make_machine(false, true, 3);
  pid = api_spawn(machine, programs[_i], NULL);
  ck_api(dbgksim_interrupt_at(machine, &first.point), DBGKSIM_OK);
  ck_api(dbgksim_run(machine, pid, 70000), DBGKSIM_TIMEOUT);
  struct end again = end_of(machine, pid);
  ck_assert_uint_eq(first.point.blocks, again.point.blocks);
  ck_assert_uint_eq(first.point.checks, again.point.checks);
  ck_assert_uint_eq(first.time, again.time);
  ck_assert_uint_eq(first.digest, again.digest);
  dbgksim_machine_destroy(machine);
}
END_TEST

TCase *input_tests(void)
{
  TCase *tcase = tcase_create("inputs");
  tcase_add_test(tcase, programs_and_dlls_are_inputs_and_so_are_dlls_that_are_not_there);
  tcase_add_test(tcase, nothing_is_noted_unasked_or_absent);
  tcase_add_test(tcase, a_schedule_has_one_digest);
  tcase_add_loop_test(tcase, a_run_is_interrupted_again_where_it_was, 0, 3);
  return tcase;
}
