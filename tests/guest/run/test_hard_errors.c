/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hard errors with a server in the host, and without one (spec/2.2). */
#include "dbgk/dbgk.h"
#include "machine/machine.h"
#include "ntos/svc/svc_object.h"
#include "ntos/svc/svc_port.h"
#include "ntos/svc/svc_sync.h"
#include "ntos/svc/svc_system.h"

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

static uint32_t spawn(const char *name)
{
  char path[1024];
  uint32_t pid;
  snprintf(path, sizeof path, "%s/%s.exe", GUEST_PROGRAM_DIR, name);
  struct dbgksim_program program = {.path = path};
  ck_assert_msg(dbgksim_spawn(machine, &program, NULL, &pid) == DBGKSIM_OK, "%s", dbgksim_message(machine));
  return pid;
}

static uint32_t run_out(uint32_t pid)
{
  NTSTATUS code = 0;
  enum dbgksim_status status = dbgksim_run(machine, pid, -1);
  ck_assert_msg(status == DBGKSIM_OK, "%s\n%s", dbgksim_message(machine), output);
  ck_assert_int_eq(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
  return (uint32_t)code;
}

static uint32_t run(const char *name) { return run_out(spawn(name)); }

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

/* A program without an exception port: its unhandled exception is reported to the error port, if there is one. */
START_TEST(the_server_hears_of_crashes)
{
  if (_i)
    ck_assert_int_eq(dbgksim_serve_hard_errors(machine, serve, errors), DBGKSIM_OK);
  to_exceptions = ResponseOk;
  ck_assert_uint_eq(run("g_int3_unhandled"), (uint32_t)STATUS_BREAKPOINT);
  ck_assert_str_eq(errors, _i ? "exception 80000003\n" : "");
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

/* HardErrorsAreDisabled of the thread: not even what overrides the process's mode is reported. */
START_TEST(errors_of_a_thread_that_has_them_disabled)
{
  uint32_t tid;
  size_t count = 1;
  ETHREAD *thread;
  to_exceptions = ResponseContinue;
  ck_assert_int_eq(dbgksim_serve_hard_errors(machine, serve, errors), DBGKSIM_OK);
  uint32_t pid = spawn("g_hard_error");
  ck_assert_int_eq(dbgksim_list_threads(machine, pid, &tid, &count), DBGKSIM_OK);
  ck_assert_int_eq(machine_enter(machine), DBGKSIM_OK);
  ck_assert_int_eq(PsLookupThreadByThreadId(tid, &thread), STATUS_SUCCESS);
  thread->CrossThreadFlags |= PS_CROSS_THREAD_FLAGS_HARD_ERRORS_DISABLED;
  ObDereferenceObject(thread);
  machine_leave(machine);
  ck_assert_uint_ne(run_out(pid), 0); /* its exception port is not asked, which it does expect */
  ck_assert_ptr_nonnull(strstr(output, "reported: 0\nmode 0: 0\nmode 0, overridden: 0\noff in the thread: 0\n"));
  ck_assert_str_eq(errors, "");
}
END_TEST

START_TEST(IoSetThreadHardErrorMode_tells_the_previous_mode)
{
  ck_assert_int_eq(machine_enter(machine), DBGKSIM_OK);
  ck_assert(IoSetThreadHardErrorMode(TRUE));
  ck_assert(IoSetThreadHardErrorMode(FALSE));
  ck_assert(!IoSetThreadHardErrorMode(FALSE));
  ck_assert_uint_eq(PsGetCurrentThread()->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_HARD_ERRORS_DISABLED,
                    PS_CROSS_THREAD_FLAGS_HARD_ERRORS_DISABLED);
  ck_assert(!IoSetThreadHardErrorMode(TRUE));
  ck_assert(IoSetThreadHardErrorMode(TRUE));
  machine_leave(machine);
}
END_TEST

START_TEST(the_error_port_is_set_once)
{
  const OBJECT_ATTRIBUTES64 unnamed = {.Length = sizeof unnamed};
  HANDLE port, event;
  ULONG response = 99;
  ck_assert_int_eq(machine_enter(machine), DBGKSIM_OK);
  ck_assert_int_eq(NtCreatePort((ULONG64)(uintptr_t)&port, (ULONG64)(uintptr_t)&unnamed, 0, 0x100, 0), STATUS_SUCCESS);
  ck_assert_int_eq(NtCreateEvent((ULONG64)(uintptr_t)&event, EVENT_ALL_ACCESS, 0, 0, FALSE), STATUS_SUCCESS);
  ck_assert_int_eq(NtSetDefaultHardErrorPort(0xDEAD0), STATUS_INVALID_HANDLE);
  ck_assert_int_eq(NtSetDefaultHardErrorPort(event), STATUS_OBJECT_TYPE_MISMATCH);
  ck_assert_int_eq(NtSetDefaultHardErrorPort(port), STATUS_SUCCESS);
  ck_assert_int_eq(NtSetDefaultHardErrorPort(port), STATUS_UNSUCCESSFUL);
  /* the server's own errors return at once: nobody else would answer */
  ck_assert_int_eq(NtRaiseHardError(STATUS_UNSUCCESSFUL, 0, 0, 0, OptionOk, (ULONG64)(uintptr_t)&response),
                   STATUS_SUCCESS);
  ck_assert_uint_eq(response, ResponseReturnToCaller);
  /* no server is left: errors of programs fail, and exceptions end them */
  ck_assert_int_eq(NtClose(port), STATUS_SUCCESS);
  machine_leave(machine);
  ck_assert_uint_ne(run("g_hard_error"), 0);
  ck_assert_ptr_nonnull(strstr(output, "failed at line"));
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
  tcase_add_loop_test(tests, the_server_hears_of_crashes, 0, 2);
  tcase_add_test(tests, the_server_is_in_snapshots);
  tcase_add_test(tests, errors_of_a_thread_that_has_them_disabled);
  tcase_add_test(tests, IoSetThreadHardErrorMode_tells_the_previous_mode);
  tcase_add_test(tests, the_error_port_is_set_once);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
