/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KiSystemCall64 and its table (spec/1.4): numbers and names, services without a number or a routine, no memory; and
 * what services do to the frame that they return through. */
#include "stage.h"

#include <stdio.h>
#include <string.h>

#define FAMILY 400u
/* Of the numbers that no ntdll uses, the first of a table of their own. */
#define NUMBER 0x1F00u
#define CODE_64 0x33

static struct stage s;
static struct svc_entry family[FAMILY + 1];
static char names[FAMILY][16];

static NTSTATUS count_arguments(const ULONG64 *arguments) { return (NTSTATUS)(arguments[0] + arguments[3]); }

static void setup(void)
{
  stage_start(&s);
  memset(family, 0, sizeof family);
  for (unsigned i = 0; i < FAMILY; i++) {
    snprintf(names[i], sizeof names[i], "Test%u", i);
    family[i] = (struct svc_entry){names[i], count_arguments, 4};
  }
}

static void teardown(void) { stage_end(&s); }

/* The status of a number. */
static NTSTATUS call_number(ULONG number)
{
  stage_set(&s, "\x0F\x05\xCC", 3, CODE_64);
  CONTEXT context = stage_context(&s);
  context.Rax = number;
  stage_set_context(&s, &context);
  stage_next(&s, DBG_CONTINUE);
  return (NTSTATUS)stage_context(&s).Rax;
}

START_TEST(families_of_any_size)
{
  STAGE_INSIDE(&s, {
    ck_assert(KeAddSystemServiceTable(family));
    for (unsigned i = 0; i < 3; i++)
      ck_assert(trap_bind_service(NUMBER + i, names[i * (FAMILY - 1) / 2]));
    ck_assert_str_eq(trap_service_name(NUMBER + 2), names[FAMILY - 1]);
  });
  ck_assert_int_eq(stage_service(&s, names[0], 0x10, 0, 0, 2), 0x12);
  ck_assert_int_eq(stage_service(&s, names[FAMILY - 1], 0x20, 0, 0, 4), 0x24);
  /* the others are still found */
  ck_assert_int_eq(stage_service(&s, "NtTestAlert", 0, 0, 0, 0), STATUS_SUCCESS);
}
END_TEST

START_TEST(a_number_may_be_bound_again)
{
  STAGE_INSIDE(&s, {
    ck_assert(KeAddSystemServiceTable(family));
    ck_assert(trap_bind_service(NUMBER, "NtClose"));
    ck_assert(trap_bind_service(NUMBER, names[1]));
    ck_assert_str_eq(trap_service_name(NUMBER), names[1]);
  });
  ck_assert_int_eq(stage_service(&s, names[1], 5, 0, 0, 6), 11);
}
END_TEST

/* A neighbour of a bound number is none itself. */
START_TEST(numbers_between_bound_ones)
{
  STAGE_INSIDE(&s, {
    ck_assert(trap_bind_service(NUMBER, "NtYieldExecution"));
    ck_assert_ptr_null(trap_service_name(NUMBER + 1));
    ck_assert_ptr_null(trap_service_name(TRAP_MAX_SERVICES));
  });
  ck_assert_int_eq(call_number(NUMBER + 1), STATUS_INVALID_SYSTEM_SERVICE);
  ck_assert_int_ge(call_number(NUMBER), 0);
}
END_TEST

static unsigned told;

static void count_missing(void *context, const struct dbgksim_trace_record *r)
{
  (void)context;
  told += r->kind == DBGKSIM_TRACE_LOG && strcmp(r->text, "NtNothing is not implemented") == 0;
}

START_TEST(a_missing_service_is_told_once)
{
  STAGE_INSIDE(&s, ck_assert(trap_bind_service(NUMBER, "NtNothing")));
  if (_i)
    stage_stop_trace(&s);
  else
    dbgksim_trace_subscribe(s.machine, DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_LOG), count_missing, NULL);
  told = 0;
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq(call_number(NUMBER), STATUS_NOT_IMPLEMENTED);
  ck_assert_uint_eq(told, !_i);
}
END_TEST

START_TEST(no_memory_for_the_table)
{
  STAGE_INSIDE(&s, {
    stage_exhaust_memory(true);
    ck_assert(!KeAddSystemServiceTable(family));
    stage_exhaust_memory(false);
  });
  /* what was known is known */
  ck_assert_int_eq(stage_service(&s, "NtTestAlert", 0, 0, 0, 0), STATUS_SUCCESS);
  STAGE_INSIDE(&s, ck_assert(KeAddSystemServiceTable(family) && trap_bind_service(NUMBER, names[FAMILY - 1])));
  ck_assert_int_eq(stage_service(&s, names[FAMILY - 1], 1, 0, 0, 1), 2);
}
END_TEST

START_TEST(no_memory_for_a_number)
{
  STAGE_INSIDE(&s, {
    ck_assert_ptr_null(trap_state()->bound[NUMBER / TRAP_BOUND_SERVICES]);
    stage_exhaust_memory(true);
    ck_assert(!trap_bind_service(NUMBER, "NtYieldExecution"));
    ck_assert_ptr_null(trap_service_name(NUMBER));
    stage_exhaust_memory(false);
    ck_assert(trap_bind_service(NUMBER, "NtYieldExecution"));
    /* the table is there now, the name has no room */
    stage_exhaust_memory(true);
    ck_assert(!trap_bind_service(NUMBER + 1, "NtYieldExecution"));
    ck_assert_ptr_null(trap_service_name(NUMBER + 1));
    stage_exhaust_memory(false);
  });
  ck_assert_int_eq(call_number(NUMBER + 1), STATUS_INVALID_SYSTEM_SERVICE);
  ck_assert_int_ge(call_number(NUMBER), 0);
}
END_TEST

START_TEST(no_memory_for_the_trap_system)
{
  STAGE_INSIDE(&s, {
    const struct trap_state *trap = trap_state();
    stage_exhaust_memory(true);
    ck_assert(!KiInitializeTrapSystem());
    ck_assert_ptr_eq(trap_state(), trap);
    stage_exhaust_memory(false);
  });
  stage_expect(stage_run(&s, "\xCC", 1, CODE_64), STATUS_BREAKPOINT, STAGE_CODE, 1);
}
END_TEST

/* fact 28, in a userland that has no KiRaiseUserExceptionDispatcher: the status is only returned. */
START_TEST(no_dispatcher_for_exceptions_of_services)
{
  STAGE_INSIDE(&s, {
    struct user_entry_points points = *trap_entry_points();
    points.KiRaiseUserExceptionDispatcher = 0;
    trap_set_entry_points(&points);
  });
  ck_assert_int_eq(stage_service(&s, "NtClose", 0x1234, 0, 0, 0), STATUS_INVALID_HANDLE);
}
END_TEST

/* NtRaiseException of a record that ends where no memory is. */
static NTSTATUS raise_at(uint64_t record_at, ULONG parameters)
{
  const EXCEPTION_RECORD64 record = {
      .ExceptionCode = NT_STATUS_VALUE(0xE0000001), .ExceptionAddress = 0x1234, .NumberParameters = parameters};
  CONTEXT context = stage_context(&s);
  context.Rip = STAGE_CODE + 2;
  stage_write(&s, record_at, &record, 0x20);
  stage_write(&s, STAGE_DATA + 0x1000, &context, sizeof context);
  return stage_service(&s, "NtRaiseException", record_at, STAGE_DATA + 0x1000, true, 0);
}

START_TEST(records_are_captured_as_far_as_they_reach)
{
  static const uint64_t end = STAGE_DATA + STAGE_PAGES;
  ck_assert_int_eq(raise_at(end - 0x20, 1), STATUS_ACCESS_VIOLATION);
  ck_assert_int_eq(raise_at(end - 0x20, EXCEPTION_MAXIMUM_PARAMETERS), STATUS_ACCESS_VIOLATION);
  ck_assert_int_eq(raise_at(end - 0x20, EXCEPTION_MAXIMUM_PARAMETERS + 1), STATUS_INVALID_PARAMETER);
  /* one without parameters is whole */
  const EXCEPTION_RECORD64 record = {.ExceptionCode = NT_STATUS_VALUE(0xE0000002), .ExceptionAddress = 0x1234};
  stage_write(&s, end - 0x20, &record, 0x20);
  stage_set_service(&s, "NtRaiseException", end - 0x20, STAGE_DATA + 0x1000, true, 0);
  stage_expect(stage_next(&s, DBG_CONTINUE), NT_STATUS_VALUE(0xE0000002), 0x1234, 0);
}
END_TEST

/* spec/2.4: a raised STATUS_BREAKPOINT without a parameter is no debug service. */
static unsigned asked;

static BOOLEAN count_questions(KTRAP_FRAME *TrapFrame, KEXCEPTION_FRAME *ExceptionFrame,
                               EXCEPTION_RECORD64 *ExceptionRecord, CONTEXT *Context, KPROCESSOR_MODE PreviousMode,
                               BOOLEAN SecondChance)
{
  (void)TrapFrame, (void)ExceptionFrame, (void)ExceptionRecord, (void)Context, (void)PreviousMode, (void)SecondChance;
  asked++;
  return FALSE;
}

START_TEST(a_breakpoint_without_parameters_is_no_debug_service)
{
  EXCEPTION_RECORD64 record = {.ExceptionCode = STATUS_BREAKPOINT, .ExceptionAddress = 0x1234};
  CONTEXT context = stage_context(&s);
  record.ExceptionInformation[0] = 7;
  STAGE_INSIDE(&s, trap_set_debug_routine(count_questions, FALSE));
  asked = 0;
  for (ULONG parameters = 0; parameters < 2; parameters++) {
    record.NumberParameters = parameters;
    stage_write(&s, STAGE_DATA, &record, sizeof record);
    stage_write(&s, STAGE_DATA + 0x1000, &context, sizeof context);
    stage_set_service(&s, "NtRaiseException", STAGE_DATA, STAGE_DATA + 0x1000, true, 0);
    stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, 0x1234, parameters);
    ck_assert_uint_eq(asked, parameters);
  }
}
END_TEST

TCase *service_tests(void)
{
  TCase *tests = tcase_create("services");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, families_of_any_size);
  tcase_add_test(tests, a_number_may_be_bound_again);
  tcase_add_test(tests, numbers_between_bound_ones);
  tcase_add_loop_test(tests, a_missing_service_is_told_once, 0, 2);
  tcase_add_test(tests, no_memory_for_the_table);
  tcase_add_test(tests, no_memory_for_a_number);
  tcase_add_test(tests, no_memory_for_the_trap_system);
  tcase_add_test(tests, no_dispatcher_for_exceptions_of_services);
  tcase_add_test(tests, records_are_captured_as_far_as_they_reach);
  tcase_add_test(tests, a_breakpoint_without_parameters_is_no_debug_service);
  return tests;
}
