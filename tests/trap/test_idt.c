/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interrupt descriptor table as data (spec/1.1): gates that lead elsewhere or are broken, and what the processor
 * does with them. */
#include "stage.h"

#include <stdio.h>
#include <string.h>

static struct stage s;

static void setup(void) { stage_start(&s); }
static void teardown(void) { stage_end(&s); }

static struct dbgksim_gate gate_of(unsigned vector)
{
  struct dbgksim_gate gate;
  ck_assert_int_eq(dbgksim_get_gate(s.machine, vector, &gate), DBGKSIM_OK);
  return gate;
}

static void set_gate(unsigned vector, const struct dbgksim_gate *gate)
{
  ck_assert_int_eq(dbgksim_set_gate(s.machine, vector, gate), DBGKSIM_OK);
}

static void remove_gate(unsigned vector)
{
  struct dbgksim_gate gate = gate_of(vector);
  gate.present = false;
  set_gate(vector, &gate);
}

/* Lets the thread run code that stops the machine for good. */
static enum dbgksim_status run_to_the_end(const void *code, size_t size)
{
  struct dbgksim_event event;
  stage_set(&s, code, size, 0x33);
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
  return dbgksim_wait(s.debugger, -1, &event);
}

static void expect_bugcheck(uint32_t code, uint64_t first)
{
  struct dbgksim_bugcheck b;
  ck_assert_int_eq(dbgksim_get_bugcheck(s.machine, &b), DBGKSIM_OK);
  ck_assert_uint_eq(b.code, code);
  ck_assert_uint_eq(b.parameters[0], first);
  ck_assert_uint_eq(b.pid, s.pid);
  ck_assert_uint_eq(b.tid, s.tid);
}

/* Rows of the table that say more than DPL 0 and no IST. */
START_TEST(table)
{
  static const struct {
    unsigned vector, dpl, ist;
    const char *routine;
  } rows[] = {
      {0, 0, 0, "KiDivideErrorFault"},
      {1, 0, 0, "KiDebugTrapOrFault"},
      {2, 0, 3, "KiNmiInterrupt"},
      {3, 3, 0, "KiBreakpointTrap"},
      {4, 3, 0, "KiOverflowTrap"},
      {5, 0, 0, "KiBoundFault"},
      {6, 0, 0, "KiInvalidOpcodeFault"},
      {7, 0, 0, "KiNpxNotAvailableFault"},
      {8, 0, 1, "KiDoubleFaultAbort"},
      {9, 0, 0, "KiNpxSegmentOverrunAbort"},
      {10, 0, 0, "KiInvalidTssFault"},
      {11, 0, 0, "KiSegmentNotPresentFault"},
      {12, 0, 0, "KiStackFault"},
      {13, 0, 0, "KiGeneralProtectionFault"},
      {14, 0, 0, "KiPageFault"},
      {16, 0, 0, "KiFloatingErrorFault"},
      {17, 0, 0, "KiAlignmentFault"},
      {18, 0, 2, "KiMcheckAbort"},
      {19, 0, 0, "KiXmmException"},
      {0x1F, 0, 0, "KiApcInterrupt"},
      {0x29, 3, 0, "KiRaiseSecurityCheckFailure"},
      {0x2C, 3, 0, "KiRaiseAssertion"},
      {0x2D, 3, 0, "KiDebugServiceTrap"},
      {0x2F, 0, 0, "KiDpcInterrupt"},
  };
  uint16_t limit = 0;
  unsigned row = 0;
  ck_assert_int_eq(dbgksim_get_idt_limit(s.machine, &limit), DBGKSIM_OK);
  ck_assert_uint_eq(limit, 0xFFF);
  for (unsigned v = 0; v < 256; v++) {
    struct dbgksim_gate gate = gate_of(v);
    bool listed = row < sizeof rows / sizeof rows[0] && rows[row].vector == v;
    ck_assert(gate.present);
    ck_assert_uint_eq(gate.type, 0xE);
    ck_assert_uint_eq(gate.selector, 0x10);
    ck_assert_uint_eq(gate.dpl, listed ? rows[row].dpl : 0);
    ck_assert_uint_eq(gate.ist, listed ? rows[row].ist : 0);
    if (listed)
      ck_assert_str_eq(gate.routine, rows[row++].routine);
    else if (v != 0x2E)
      ck_assert_str_eq(gate.routine, "KiUnexpectedInterrupt");
  }
}
END_TEST

START_TEST(bad_arguments)
{
  struct dbgksim_gate gate = gate_of(3), wide;
  uint64_t address;
  ck_assert_int_eq(dbgksim_get_gate(s.machine, 256, &gate), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_set_gate(s.machine, 256, &gate), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_get_gate(s.machine, 3, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_set_gate(s.machine, 3, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_get_gate(NULL, 3, &gate), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_set_gate(NULL, 3, &gate), DBGKSIM_BAD_ARGUMENT);
  wide = gate, wide.ist = 8;
  ck_assert_int_eq(dbgksim_set_gate(s.machine, 3, &wide), DBGKSIM_BAD_ARGUMENT);
  wide = gate, wide.type = 16;
  ck_assert_int_eq(dbgksim_set_gate(s.machine, 3, &wide), DBGKSIM_BAD_ARGUMENT);
  wide = gate, wide.dpl = 4;
  ck_assert_int_eq(dbgksim_set_gate(s.machine, 3, &wide), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_set_idt_limit(s.machine, 0x1000), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_set_idt_limit(NULL, 0x100), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_get_idt_limit(s.machine, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_find_routine(s.machine, "KiNothing", &address), DBGKSIM_NOT_FOUND);
  ck_assert_int_eq(dbgksim_find_routine(s.machine, NULL, &address), DBGKSIM_BAD_ARGUMENT);
}
END_TEST

START_TEST(a_gate_may_lead_to_another_routine)
{
  struct dbgksim_gate gate = gate_of(3);
  ck_assert_int_eq(dbgksim_find_routine(s.machine, "KiInvalidOpcodeFault", &gate.offset), DBGKSIM_OK);
  set_gate(3, &gate);
  ck_assert_str_eq(gate_of(3).routine, "KiInvalidOpcodeFault");
  /* Rip is still after the instruction: the processor does not know that it is to be a fault. */
  stage_expect(stage_run(&s, "\xCC", 1, 0x33), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE + 1, 0);
  /* the name that vectors without a routine of their own show */
  ck_assert_int_eq(dbgksim_find_routine(s.machine, "KiUnexpectedInterrupt", &gate.offset), DBGKSIM_OK);
  set_gate(3, &gate);
  ck_assert_str_eq(gate_of(3).routine, "KiUnexpectedInterrupt");
  /* CD 06 has a gate of its own, which user mode may not use. */
  gate = gate_of(6);
  gate.dpl = 3;
  set_gate(6, &gate);
  stage_expect(stage_run(&s, "\xCD\x06", 2, 0x33), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE + 2, 0);
}
END_TEST

START_TEST(a_gate_that_is_not_present)
{
  remove_gate(3);
  stage_expect_access_violation(stage_run(&s, "\x90\xCC", 2, 0x33), STAGE_CODE + 1, 0, ~0ull);
  /* #NP with the index of the gate; INT n does not count as external */
  ck_assert_uint_eq(stage_frame(&s)->ErrorCode, 3 * 8 + 2);
  ck_assert_uint_eq(stage_frame(&s)->Rip, STAGE_CODE + 1);
  stage_expect_access_violation(stage_run(&s, "\x90\xCD\x03", 3, 0x33), STAGE_CODE + 1, 0, ~0ull);
  /* a fault is external: +1 */
  remove_gate(6);
  stage_expect_access_violation(stage_run(&s, "\x0F\x0B", 2, 0x33), STAGE_CODE, 0, ~0ull);
  ck_assert_uint_eq(stage_frame(&s)->ErrorCode, 6 * 8 + 2 + 1);
}
END_TEST

START_TEST(an_entry_that_is_no_gate)
{
  struct dbgksim_gate gate = gate_of(0x2C);
  gate.type = 0x5;
  set_gate(0x2C, &gate);
  stage_expect_access_violation(stage_run(&s, "\xCD\x2C", 2, 0x33), STAGE_CODE, 0, ~0ull);
  ck_assert_uint_eq(stage_frame(&s)->ErrorCode, 0x2C * 8 + 2);
}
END_TEST

START_TEST(a_trap_gate_is_as_good)
{
  struct dbgksim_gate gate = gate_of(3);
  gate.type = 0xF;
  set_gate(3, &gate);
  stage_expect(stage_run(&s, "\xCC", 1, 0x33), STATUS_BREAKPOINT, STAGE_CODE, 1);
}
END_TEST

START_TEST(a_low_dpl_is_for_software_only)
{
  struct dbgksim_gate gate = gate_of(3);
  gate.dpl = 2;
  set_gate(3, &gate);
  stage_expect_access_violation(stage_run(&s, "\xCC", 1, 0x33), STAGE_CODE, 0, ~0ull);
  ck_assert_uint_eq(stage_frame(&s)->ErrorCode, 3 * 8 + 2);
  /* ICEBP does not ask */
  stage_expect(stage_run(&s, "\xF1", 1, 0x33), STATUS_SINGLE_STEP, STAGE_CODE + 1, 0);
}
END_TEST

START_TEST(a_selector_that_is_no_kernel_code)
{
  struct dbgksim_gate gate = gate_of(3);
  gate.selector = 0x33;
  set_gate(3, &gate);
  stage_expect_access_violation(stage_run(&s, "\xCC", 1, 0x33), STAGE_CODE, 0, 0x30);
  ck_assert_uint_eq(stage_frame(&s)->ErrorCode, 0x30);
  gate.selector = 0;
  set_gate(3, &gate);
  stage_expect_access_violation(stage_run(&s, "\xCC", 1, 0x33), STAGE_CODE, 0, ~0ull);
  ck_assert_uint_eq(stage_frame(&s)->ErrorCode, 0);
}
END_TEST

START_TEST(a_non_canonical_offset)
{
  struct dbgksim_gate gate = gate_of(3);
  gate.offset = 1ull << 63;
  set_gate(3, &gate);
  stage_expect_access_violation(stage_run(&s, "\xCC", 1, 0x33), STAGE_CODE, 0, ~0ull);
  ck_assert_uint_eq(stage_frame(&s)->ErrorCode, 0);
}
END_TEST

START_TEST(a_vector_past_the_limit)
{
  ck_assert_int_eq(dbgksim_set_idt_limit(s.machine, 0x2C * 16 + 14), DBGKSIM_OK);
  stage_expect(stage_run(&s, "\xCC", 1, 0x33), STATUS_BREAKPOINT, STAGE_CODE, 1);
  stage_expect_access_violation(stage_run(&s, "\xCD\x2C", 2, 0x33), STAGE_CODE, 0, ~0ull);
  ck_assert_uint_eq(stage_frame(&s)->ErrorCode, 0x2C * 8 + 2);
  /* one byte more, and it is whole */
  ck_assert_int_eq(dbgksim_set_idt_limit(s.machine, 0x2C * 16 + 15), DBGKSIM_OK);
  stage_expect(stage_run(&s, "\xCD\x2C", 2, 0x33), STATUS_ASSERTION_FAILURE, STAGE_CODE, 0);
}
END_TEST

/* Where the stopped thread's trap frame ends in the kernel arena. */
static ULONG64 frame_end(void)
{
  const KTRAP_FRAME *frame = stage_frame(&s);
  ck_assert_int_eq(machine_enter(s.machine), DBGKSIM_OK);
  ULONG64 end = ki_kernel_address(frame) + sizeof *frame;
  machine_leave(s.machine);
  return end;
}

START_TEST(ist_stacks_are_used_and_left)
{
  const ULONG64 own = stage_thread(&s)->Tcb.InitialStack;
  for (uint8_t ist = 0; ist <= 7; ist++) {
    struct dbgksim_gate gate = gate_of(3);
    gate.ist = ist;
    set_gate(3, &gate);
    stage_expect(stage_run(&s, "\xCC", 1, 0x33), STATUS_BREAKPOINT, STAGE_CODE, 1);
    ck_assert_uint_eq(frame_end(), ist ? KI_IST_STACKS + ist * KI_IST_STACK_SIZE : own);
    /* the next event is on the thread's own stack again */
    stage_expect(stage_run(&s, "\x0F\x0B", 2, 0x33), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
    ck_assert_uint_eq(frame_end(), own);
  }
}
END_TEST

/* #GP whose own gate is gone: contributory after contributory. */
START_TEST(double_fault_is_a_bug_check)
{
  char report[512], again[512];
  struct dbgksim_event event;
  remove_gate(13);
  ck_assert_int_eq(run_to_the_end("\xFA", 1), DBGKSIM_BUGCHECK);
  expect_bugcheck(0x7F, 8);
  ck_assert_int_eq(dbgksim_report_stop(s.machine, report, sizeof report), DBGKSIM_OK);
  ck_assert(strstr(report, "*** STOP: 0x0000007F (0x0000000000000008, ") && strstr(report, "UNEXPECTED_KERNEL_MODE_TRAP"));
  ck_assert(strstr(report, "g_spin.exe"));
  /* the frame is on IST 1, and memory can be read, but nothing runs any more */
  struct dbgksim_bugcheck b;
  dbgksim_get_bugcheck(s.machine, &b);
  ck_assert_uint_eq(b.parameters[1], KI_IST_STACKS + KI_IST_STACK_SIZE - sizeof(KTRAP_FRAME));
  uint8_t byte = 0;
  stage_read(&s, STAGE_CODE, &byte, 1);
  ck_assert_uint_eq(byte, 0xFA);
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(dbgksim_wait(s.debugger, -1, &event), DBGKSIM_BUGCHECK);
    ck_assert_int_eq(dbgksim_run(s.machine, s.pid, -1), DBGKSIM_BUGCHECK);
  }
  ck_assert_int_eq(dbgksim_report_stop(s.machine, again, sizeof again), DBGKSIM_OK);
  ck_assert_str_eq(report, again);
}
END_TEST

/* #PF, and #NP in its delivery. */
START_TEST(page_fault_without_a_gate)
{
  remove_gate(14);
  ck_assert_int_eq(run_to_the_end("\x8B\x04\x25\0\x10\0\0", 7), DBGKSIM_BUGCHECK);
  expect_bugcheck(0x7F, 8);
}
END_TEST

/* A benign event whose gate is gone is #NP; the gate of that is gone, too. */
START_TEST(not_present_without_a_gate)
{
  remove_gate(6);
  remove_gate(11);
  ck_assert_int_eq(run_to_the_end("\x0F\x0B", 2), DBGKSIM_BUGCHECK);
  expect_bugcheck(0x7F, 8);
}
END_TEST

/* #DE contributes, too. */
START_TEST(divide_fault_without_a_gate)
{
  remove_gate(0);
  ck_assert_int_eq(run_to_the_end("\x31\xC9\xF7\xF1", 4), DBGKSIM_BUGCHECK);
  expect_bugcheck(0x7F, 8);
}
END_TEST

/* INT 80, whose page another thread has taken away meanwhile: the fault is two bytes back all the same. */
START_TEST(a_refused_interrupt_of_code_that_is_gone)
{
  const struct cpu_trap trap = {.vector = 0x80, .software = true};
  ETHREAD *thread = stage_thread(&s);
  CONTEXT context = stage_context(&s);
  context.Rip = 0x1002;
  stage_set_context(&s, &context);
  STAGE_INSIDE(&s, trap_inject(thread, &trap));
  stage_expect_access_violation(stage_next(&s, DBG_CONTINUE), 0x1000, 0, ~0ull);
  ck_assert_uint_eq(stage_frame(&s)->ErrorCode, 0x80 * 8 + 2);
}
END_TEST

START_TEST(triple_fault_stops_the_machine)
{
  char report[512];
  struct dbgksim_bugcheck b;
  struct dbgksim_event event;
  remove_gate(13);
  remove_gate(8);
  ck_assert_int_eq(run_to_the_end("\xFA", 1), DBGKSIM_TRIPLE_FAULT);
  ck_assert_int_eq(dbgksim_get_bugcheck(s.machine, &b), DBGKSIM_NOT_FOUND);
  ck_assert_int_eq(dbgksim_report_stop(s.machine, report, sizeof report), DBGKSIM_OK);
  ck_assert(strstr(report, "triple fault") && strstr(report, "0x0000000020000000"));
  ck_assert_int_eq(dbgksim_wait(s.debugger, -1, &event), DBGKSIM_TRIPLE_FAULT);
}
END_TEST

/* Below, between and behind the routines: the entry of services is none that a gate can lead to. */
static const uint64_t nowhere[] = {EMU_KERNEL_BASE, KI_HANDLERS_ADDRESS + 1,
                                   KI_HANDLERS_ADDRESS + 256 * KI_HANDLER_SIZE, 0xFFFFF80012345678ull};
#define NOWHERE (sizeof nowhere / sizeof nowhere[0])

START_TEST(a_gate_that_leads_nowhere)
{
  struct dbgksim_gate gate = gate_of(3);
  gate.offset = nowhere[_i % (int)NOWHERE];
  set_gate(3, &gate);
  ck_assert_str_eq(gate_of(3).routine, "");
  /* whether somebody listens or not */
  if (_i >= (int)NOWHERE)
    stage_stop_trace(&s);
  /* the kernel is entered, and faults there: PAGE_FAULT_IN_NONPAGED_AREA */
  ck_assert_int_eq(run_to_the_end("\xCC", 1), DBGKSIM_BUGCHECK);
  expect_bugcheck(0x50, gate.offset);
}
END_TEST

/* Interrupts that nobody waits for, without a trace: the thread goes on as with one. */
START_TEST(interrupts_that_nobody_hears_of)
{
  static const uint8_t vectors[] = {2, 0x1F, 0x2F, 0x30, 0xFF};
  stage_stop_trace(&s);
  for (size_t i = 0; i < sizeof vectors; i++) {
    const struct cpu_trap trap = {.vector = vectors[i]};
    stage_expect(stage_inject(&s, &trap, 0x33), STATUS_BREAKPOINT, STAGE_CODE, 1);
  }
}
END_TEST

START_TEST(a_gate_that_leads_to_user_code)
{
  struct dbgksim_gate gate = gate_of(3);
  gate.offset = STAGE_CODE;
  set_gate(3, &gate);
  /* no kernel executes that: an access violation in kernel mode that nobody handles */
  ck_assert_int_eq(run_to_the_end("\xCC", 1), DBGKSIM_BUGCHECK);
  expect_bugcheck(0x1E, 0xFFFFFFFFC0000005ull);
}
END_TEST

/* Page faults in the page-fault handler use up the kernel stack; double faults that lead there use up all patience. */
START_TEST(faults_that_lead_to_faults_end)
{
  struct dbgksim_gate gate = gate_of(14);
  gate.offset = 0xFFFFF80012345678ull;
  set_gate(14, &gate);
  gate = gate_of(8);
  gate.offset = 0xFFFFF80012345678ull;
  set_gate(8, &gate);
  ck_assert_int_eq(run_to_the_end("\x8B\x04\x25\0\x10\0\0", 7), DBGKSIM_TRIPLE_FAULT);
}
END_TEST

START_TEST(kernel_stack_that_is_used_up_is_a_double_fault)
{
  struct dbgksim_gate gate = gate_of(14);
  gate.offset = 0xFFFFF80012345678ull;
  set_gate(14, &gate);
  ck_assert_int_eq(run_to_the_end("\x8B\x04\x25\0\x10\0\0", 7), DBGKSIM_BUGCHECK);
  expect_bugcheck(0x7F, 8);
}
END_TEST

START_TEST(aborts_are_bug_checks)
{
  static const struct {
    const char *routine;
    uint32_t code;
    uint64_t first;
  } aborts[] = {{"KiNpxNotAvailableFault", 0x7F, 7},
                {"KiNpxSegmentOverrunAbort", 0x7F, 9},
                {"KiMcheckAbort", 0x9C, 0},
                {"KiDoubleFaultAbort", 0x7F, 8}};
  for (size_t i = 0; i < sizeof aborts / sizeof aborts[0]; i++) {
    struct dbgksim_gate gate = gate_of(3);
    ck_assert_int_eq(dbgksim_find_routine(s.machine, aborts[i].routine, &gate.offset), DBGKSIM_OK);
    set_gate(3, &gate);
    ck_assert_int_eq(run_to_the_end("\xCC", 1), DBGKSIM_BUGCHECK);
    expect_bugcheck(aborts[i].code, aborts[i].first);
    stage_end(&s);
    stage_start(&s);
  }
}
END_TEST

START_TEST(nothing_to_report_while_all_is_well)
{
  char report[64] = "?";
  struct dbgksim_bugcheck b;
  ck_assert_int_eq(dbgksim_report_stop(s.machine, report, sizeof report), DBGKSIM_NOT_FOUND);
  ck_assert_str_eq(report, "");
  ck_assert_int_eq(dbgksim_get_bugcheck(s.machine, &b), DBGKSIM_NOT_FOUND);
  ck_assert_int_eq(dbgksim_get_bugcheck(s.machine, NULL), DBGKSIM_BAD_ARGUMENT);
  ck_assert_int_eq(dbgksim_report_stop(s.machine, report, 0), DBGKSIM_BAD_ARGUMENT);
}
END_TEST

/* A snapshot holds the gates, and a machine that stopped for good is as it was before. */
START_TEST(a_snapshot_undoes_a_bug_check)
{
  dbgksim_snapshot *snapshot;
  struct dbgksim_event event = s.event;
  stage_set(&s, "\xFA", 1, 0x33);
  ck_assert_int_eq(dbgksim_snapshot_take(s.machine, &snapshot), DBGKSIM_OK);
  remove_gate(13);
  ck_assert_int_eq(run_to_the_end("\xFA", 1), DBGKSIM_BUGCHECK);
  ck_assert_int_eq(dbgksim_snapshot_restore(snapshot), DBGKSIM_OK);
  s.event = event;
  ck_assert(gate_of(13).present);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_PRIVILEGED_INSTRUCTION, STAGE_CODE, 0);
  dbgksim_snapshot_drop(snapshot);
}
END_TEST

TCase *idt_tests(void)
{
  TCase *tests = tcase_create("idt");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, table);
  tcase_add_test(tests, bad_arguments);
  tcase_add_test(tests, a_gate_may_lead_to_another_routine);
  tcase_add_test(tests, a_gate_that_is_not_present);
  tcase_add_test(tests, an_entry_that_is_no_gate);
  tcase_add_test(tests, a_trap_gate_is_as_good);
  tcase_add_test(tests, a_low_dpl_is_for_software_only);
  tcase_add_test(tests, a_selector_that_is_no_kernel_code);
  tcase_add_test(tests, a_non_canonical_offset);
  tcase_add_test(tests, a_vector_past_the_limit);
  tcase_add_test(tests, ist_stacks_are_used_and_left);
  tcase_add_test(tests, double_fault_is_a_bug_check);
  tcase_add_test(tests, page_fault_without_a_gate);
  tcase_add_test(tests, not_present_without_a_gate);
  tcase_add_test(tests, divide_fault_without_a_gate);
  tcase_add_test(tests, a_refused_interrupt_of_code_that_is_gone);
  tcase_add_test(tests, triple_fault_stops_the_machine);
  tcase_add_loop_test(tests, a_gate_that_leads_nowhere, 0, 2 * (int)NOWHERE);
  tcase_add_test(tests, interrupts_that_nobody_hears_of);
  tcase_add_test(tests, a_gate_that_leads_to_user_code);
  tcase_add_test(tests, faults_that_lead_to_faults_end);
  tcase_add_test(tests, kernel_stack_that_is_used_up_is_a_double_fault);
  tcase_add_test(tests, aborts_are_bug_checks);
  tcase_add_test(tests, nothing_to_report_while_all_is_well);
  tcase_add_test(tests, a_snapshot_undoes_a_bug_check);
  return tests;
}
