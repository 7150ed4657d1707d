/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a machine stops for good (spec/1.1, 2.1 step 5): the bug check, the triple fault, and their reports. */
#include "stage.h"

#include <stdio.h>
#include <string.h>

static struct stage s;

static void setup(void) { stage_start(&s); }
static void teardown(void) { stage_end(&s); }

static const struct {
  ULONG code;
  const char *name;
} codes[] = {
    {0x1E, "KMODE_EXCEPTION_NOT_HANDLED"},    {0x50, "PAGE_FAULT_IN_NONPAGED_AREA"},
    {0x7F, "UNEXPECTED_KERNEL_MODE_TRAP"},    {0x9C, "MACHINE_CHECK_EXCEPTION"},
    {0x139, "KERNEL_SECURITY_CHECK_FAILURE"}, {0xDEADDEAD, NULL},
};
static ULONG code;

static NTSTATUS bug_check(const ULONG64 *arguments)
{
  (void)arguments;
  KeBugCheckEx(code, 0xA1, 0xA2, 0xA3, 0xFFFFFFFFFFFFFFFFull);
}

static void expect_report(const char *first_line, const char *second_line)
{
  char report[512], expected[512];
  snprintf(expected, sizeof expected, "%s\n    %s\n    process %u (g_spin.exe), thread %u\n", first_line, second_line,
           s.pid, s.tid);
  ck_assert_int_eq(dbgksim_report_stop(s.machine, report, sizeof report), DBGKSIM_OK);
  ck_assert_str_eq(report, expected);
}

START_TEST(bug_checks_are_reported)
{
  struct dbgksim_bugcheck b;
  char line[200];
  code = codes[_i].code;
  stage_set_in_service(&s, bug_check);
  ck_assert_int_eq(stage_run_to_the_end(&s), DBGKSIM_BUGCHECK);
  ck_assert_int_eq(dbgksim_get_bugcheck(s.machine, &b), DBGKSIM_OK);
  ck_assert_uint_eq(b.code, code);
  ck_assert_uint_eq(b.parameters[0], 0xA1);
  ck_assert_uint_eq(b.parameters[3], ~0ull);
  ck_assert_uint_eq(b.pid, s.pid);
  ck_assert_uint_eq(b.tid, s.tid);
  if (codes[_i].name)
    ck_assert_str_eq(b.name, codes[_i].name);
  else
    ck_assert_ptr_null(b.name);
  snprintf(line, sizeof line,
           "*** STOP: 0x%08X (0x00000000000000A1, 0x00000000000000A2, 0x00000000000000A3, 0xFFFFFFFFFFFFFFFF)", code);
  expect_report(line, codes[_i].name ? codes[_i].name : "unknown code");
  /* for good */
  ck_assert_int_eq(dbgksim_run(s.machine, s.pid, -1), DBGKSIM_BUGCHECK);
}
END_TEST

/* A #DF whose gate is not there. */
static void triple_fault(void)
{
  for (unsigned vector = 6; vector <= 13; vector++) {
    struct dbgksim_gate gate;
    ck_assert_int_eq(dbgksim_get_gate(s.machine, vector, &gate), DBGKSIM_OK);
    gate.present = false;
    ck_assert_int_eq(dbgksim_set_gate(s.machine, vector, &gate), DBGKSIM_OK);
  }
  stage_set(&s, "\x0F\x0B", 2, 0x33);
  ck_assert_int_eq(stage_run_to_the_end(&s), DBGKSIM_TRIPLE_FAULT);
}

START_TEST(triple_faults_are_reported)
{
  char line[200];
  struct dbgksim_bugcheck b;
  triple_fault();
  snprintf(line, sizeof line, "at 0x%016llx", (unsigned long long)STAGE_CODE);
  expect_report("*** triple fault: the double fault could not be delivered, and the processor shut down", line);
  ck_assert_int_eq(dbgksim_get_bugcheck(s.machine, &b), DBGKSIM_NOT_FOUND);
  ck_assert_int_eq(dbgksim_run(s.machine, s.pid, -1), DBGKSIM_TRIPLE_FAULT);
}
END_TEST

/* DESIGN 1.7: what nobody listens to changes nothing. */
START_TEST(nobody_listens)
{
  stage_stop_trace(&s);
  code = codes[0].code;
  if (_i) {
    triple_fault();
    return;
  }
  stage_set_in_service(&s, bug_check);
  ck_assert_int_eq(stage_run_to_the_end(&s), DBGKSIM_BUGCHECK);
  expect_report("*** STOP: 0x0000001E (0x00000000000000A1, 0x00000000000000A2, 0x00000000000000A3, 0xFFFFFFFFFFFFFFFF)",
                codes[0].name);
}
END_TEST

TCase *bugcheck_tests(void)
{
  TCase *tests = tcase_create("bug check");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_loop_test(tests, bug_checks_are_reported, 0, (int)(sizeof codes / sizeof codes[0]));
  tcase_add_test(tests, triple_faults_are_reported);
  tcase_add_loop_test(tests, nobody_listens, 0, 2);
  return tests;
}
