/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Samples as programs, and the userland that a machine's first program decides. */
#include "api.h"

#include <string.h>

static dbgksim_machine *make_machine(const char *userland)
{
  struct dbgksim_config config;
  dbgksim_machine *machine;
  dbgksim_config_init(&config);
  config.userland = userland;
  ck_assert_msg(dbgksim_machine_create(&config, &machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  return machine;
}

static NTSTATUS run(dbgksim_machine *machine, const char *path)
{
  const struct dbgksim_program program = {.path = path};
  uint32_t pid;
  NTSTATUS code;
  ck_assert_msg(dbgksim_spawn(machine, &program, NULL, &pid) == DBGKSIM_OK, "%s", dbgksim_message(machine));
  ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_OK);
  ck_api(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
  return code;
}

START_TEST(the_first_program_decides)
{
  static const char *const automatic[] = {NULL, "auto"};
  dbgksim_machine *machine = make_machine(automatic[_i]);
  ck_assert_str_eq(dbgksim_userland(machine), "auto");
  ck_assert_int_eq(run(machine, "sample:hello"), 0);
  ck_assert_str_eq(dbgksim_userland(machine), "builtin");
  /* Another one has what is there. */
  ck_assert_int_eq(run(machine, "sample:first_chance"), 0);
  dbgksim_machine_destroy(machine);
}
END_TEST

START_TEST(it_can_be_asked_before)
{
  dbgksim_machine *machine = make_machine("auto");
  char why[256] = "";
  ck_api(dbgksim_choose_userland(machine, "sample:nothing", why, sizeof why), DBGKSIM_NOT_FOUND);
  ck_api(dbgksim_choose_userland(machine, NULL, why, sizeof why), DBGKSIM_BAD_ARGUMENT);
  ck_assert_str_eq(dbgksim_userland(machine), "auto");
  ck_api(dbgksim_choose_userland(machine, "sample:hello", why, sizeof why), DBGKSIM_OK);
  ck_assert_str_eq(why, "builtin: all that hello.exe imports is builtin");
  ck_assert_str_eq(dbgksim_userland(machine), "builtin");
  ck_assert_int_eq(run(machine, "sample:hello"), 0);
  dbgksim_machine_destroy(machine);
}
END_TEST

START_TEST(a_machine_goes_back_before_its_choice)
{
  dbgksim_machine *machine = make_machine("auto");
  dbgksim_snapshot *snapshot;
  ck_api(dbgksim_snapshot_take(machine, &snapshot), DBGKSIM_OK);
  for (int i = 0; i < 3; i++) {
    ck_assert_str_eq(dbgksim_userland(machine), "auto");
    ck_assert_int_eq(run(machine, "sample:hello"), 0);
    ck_assert_str_eq(dbgksim_userland(machine), "builtin");
    ck_api(dbgksim_snapshot_restore(snapshot), DBGKSIM_OK);
  }
  dbgksim_snapshot_drop(snapshot);
  dbgksim_machine_destroy(machine);
}
END_TEST

START_TEST(samples_are_listed_and_come_from_one_folder)
{
  const struct dbgksim_program elsewhere = {.path = api_program("g_hello")};
  dbgksim_machine *machine = make_machine("builtin");
  unsigned count = 0;
  uint32_t pid;
  for (const struct dbgksim_sample *s; (s = dbgksim_sample_at(count)) != NULL; count++) {
    ck_assert(s->name && *s->name && s->lesson && *s->lesson);
    ck_assert(!count || strcmp(dbgksim_sample_at(count - 1)->name, s->name) < 0);
  }
  ck_assert_uint_ge(count, 20);
  ck_assert_int_eq(run(machine, "sample:hello"), 0);
  ck_api(dbgksim_spawn(machine, &elsewhere, NULL, &pid), DBGKSIM_BAD_ARGUMENT);
  dbgksim_machine_destroy(machine);
}
END_TEST

TCase *userland_tests(void)
{
  TCase *tcase = tcase_create("userland");
  tcase_add_loop_test(tcase, the_first_program_decides, 0, 2);
  tcase_add_test(tcase, it_can_be_asked_before);
  tcase_add_test(tcase, a_machine_goes_back_before_its_choice);
  tcase_add_test(tcase, samples_are_listed_and_come_from_one_folder);
  return tcase;
}
