/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hard errors with a server in the host, and without one (spec/2.2). */
#include <check.h>
#include <dbgksim/dbgksim.h>
#include <stdio.h>
#include <string.h>

#define UNANSWERED NT_STATUS_VALUE(0xE0000007)

static dbgksim_machine *machine;
static char output[4096], errors[4096];
static HARDERROR_RESPONSE to_exceptions;

static void add(char *text, size_t size, const char *bytes, size_t count)
{
  size_t used = strlen(text), room = size - 1 - used;
  memcpy(text + used, bytes, count < room ? count : room);
}

static void collect(void *context, int stream, const void *bytes, size_t size)
{
  (void)context, (void)stream;
  add(output, sizeof output, bytes, size);
}

static void setup(void)
{
  struct dbgksim_config config;
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  config.output = collect;
  ck_assert_msg(dbgksim_machine_create(&config, &machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
}

static void teardown(void) { dbgksim_machine_destroy(machine); }

static HARDERROR_RESPONSE serve(void *context, const struct dbgksim_hard_error *error)
{
  char line[400];
  ck_assert_ptr_eq(context, errors);
  /* it may not enter the machine */
  ck_assert_int_eq(dbgksim_run(machine, 0, 0), DBGKSIM_BUSY);
  if (error->is_exception)
    snprintf(line, sizeof line, "exception %08x\n", (unsigned)error->exception.ExceptionCode);
  else
    snprintf(line, sizeof line, "%08x option %u, %u: %llx, \"%s\"\n", (unsigned)error->status, (unsigned)error->options,
             error->parameter_count, (unsigned long long)error->parameters[0], error->texts[1]);
  add(errors, sizeof errors, line, strlen(line));
  return error->is_exception ? to_exceptions : error->options == OptionYesNo ? ResponseYes : ResponseRetry;
}

static uint32_t run(const char *name)
{
  char path[1024];
  uint32_t pid;
  NTSTATUS code = 0;
  snprintf(path, sizeof path, "%s/%s.exe", GUEST_PROGRAM_DIR, name);
  struct dbgksim_program program = {.path = path};
  ck_assert_msg(dbgksim_spawn(machine, &program, NULL, &pid) == DBGKSIM_OK, "%s", dbgksim_message(machine));
  enum dbgksim_status status = dbgksim_run(machine, pid, -1);
  ck_assert_msg(status == DBGKSIM_OK, "%s\n%s", dbgksim_message(machine), output);
  ck_assert_int_eq(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
  return (uint32_t)code;
}

#define ERRORS                                                                                                         \
  "c0000222 option 3, 2: 1234, \"C:\\lost.txt\"\nc0000222 option 4, 2: 1234, \"C:\\lost.txt\"\nexception e0000007\n"

START_TEST(without_a_server_errors_return_to_their_caller)
{
  /* ... and an exception that its port's server refuses ends the process */
  ck_assert_msg(run("g_hard_error") == (uint32_t)UNANSWERED, "%s", output);
  ck_assert_str_eq(output, "reported: 0\nmode 0: 0\nmode 0, overridden: 0\noff in the thread: 0\nan exception\n");
}
END_TEST

START_TEST(the_server_answers)
{
  ck_assert_int_eq(dbgksim_serve_hard_errors(machine, serve, errors), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_serve_hard_errors(machine, serve, errors), DBGKSIM_BAD_ARGUMENT);
  to_exceptions = _i ? ResponseContinue : ResponseOk;
  ck_assert_msg(run("g_hard_error") == (_i ? 0 : (uint32_t)UNANSWERED), "%s%s", output, errors);
  ck_assert_str_eq(output, "reported: 7\nmode 0: 0\nmode 0, overridden: 8\noff in the thread: 0\nan exception\n");
  ck_assert_str_eq(errors, ERRORS);
}
END_TEST

/* What is outstanding at the snapshot is asked again. */
START_TEST(the_server_is_in_snapshots)
{
  dbgksim_snapshot *snapshot;
  static char first[sizeof errors];
  ck_assert_int_eq(dbgksim_serve_hard_errors(machine, serve, errors), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_run(machine, 0, 0), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_snapshot_take(machine, &snapshot), DBGKSIM_OK);
  for (int i = 0; i < 2; i++) {
    memset(errors, 0, sizeof errors);
    ck_assert_uint_eq(run("g_hard_error"), (uint32_t)UNANSWERED);
    if (i)
      ck_assert_str_eq(errors, first);
    strcpy(first, errors);
    ck_assert_int_eq(dbgksim_snapshot_restore(snapshot), DBGKSIM_OK);
  }
  ck_assert_str_eq(first, ERRORS);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("hard errors");
  TCase *tests = tcase_create("hard errors");
  tcase_set_timeout(tests, 60);
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, without_a_server_errors_return_to_their_caller);
  tcase_add_loop_test(tests, the_server_answers, 0, 2);
  tcase_add_test(tests, the_server_is_in_snapshots);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
