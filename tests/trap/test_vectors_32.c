/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The vector table from 32-bit code (selector 23), and step 6 of spec/2.1. */
#include "stage.h"

#define CODE_32 0x23
#define RUN(s, bytes) stage_run(s, bytes, sizeof(bytes) - 1, CODE_32)

static struct stage s;

static void setup(void) { stage_start(&s); }
static void teardown(void) { stage_end(&s); }

START_TEST(breakpoint_is_wx86_breakpoint)
{
  const EXCEPTION_RECORD64 *r = RUN(&s, "\xCC");
  stage_expect(r, STATUS_WX86_BREAKPOINT, STAGE_CODE, 1);
  ck_assert_uint_eq(stage_frame(&s)->SegCs, CODE_32);
  ck_assert_uint_eq(stage_frame(&s)->Rip, STAGE_CODE + 1);
}
END_TEST

START_TEST(single_step_is_wx86_single_step)
{
  stage_set(&s, "\x90\x90", 2, CODE_32);
  CONTEXT context = stage_context(&s);
  context.EFlags |= EFLAGS_TF;
  stage_set_context(&s, &context);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_WX86_SINGLE_STEP, STAGE_CODE + 1, 0);
  stage_expect(RUN(&s, "\xF1"), STATUS_WX86_SINGLE_STEP, STAGE_CODE + 1, 0);
}
END_TEST

/* Services 1, 3, 4, 5 are not swallowed: the code has changed before anybody asks (spec/2.4). */
START_TEST(debug_services_reach_user_mode)
{
  for (unsigned char service = 0; service <= 6; service++) {
    const unsigned char code[] = {0xB8, service, 0, 0, 0, 0xCD, 0x2D, 0x90};
    const EXCEPTION_RECORD64 *r = stage_run(&s, code, sizeof code, CODE_32);
    stage_expect(r, STATUS_WX86_BREAKPOINT, STAGE_CODE + 8, 1);
    ck_assert_uint_eq(r->ExceptionInformation[0], service);
  }
}
END_TEST

START_TEST(stack_is_truncated_and_aligned)
{
  const uint64_t dispatcher = stage_catch_deliveries(&s);
  CONTEXT context, delivered;
  MACHINE_FRAME machine_frame;
  stage_set(&s, "\x0F\x0B", 2, CODE_32);
  context = stage_context(&s);
  context.Rsp = 0xABCD00000000ull + STAGE_STACK - 4;
  stage_set_context(&s, &context);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
  stage_next(&s, DBG_EXCEPTION_NOT_HANDLED);
  /* the dispatcher is 64-bit code again */
  stage_expect(&s.event.exception, STATUS_BREAKPOINT, dispatcher, 1);
  context = stage_context(&s);
  ck_assert_uint_eq(context.SegCs, 0x33);
  stage_read(&s, context.Rsp, &delivered, sizeof delivered);
  stage_read(&s, context.Rsp + 0x590, &machine_frame, sizeof machine_frame);
  ck_assert_uint_eq(delivered.SegCs, CODE_32);
  ck_assert_uint_eq(delivered.Rsp, STAGE_STACK - 16);
  ck_assert_uint_eq(machine_frame.Rsp, STAGE_STACK - 16);
  ck_assert_uint_eq(context.Rsp + 0x590, (STAGE_STACK - 16 - 0x28) & ~0xFull);
}
END_TEST

START_TEST(minimal_process_gets_no_conversion)
{
  stage_process(&s)->Flags3 |= PS_PROCESS_FLAGS3_MINIMAL;
  const EXCEPTION_RECORD64 *r = RUN(&s, "\xCC");
  stage_process(&s)->Flags3 &= ~PS_PROCESS_FLAGS3_MINIMAL;
  stage_expect(r, STATUS_BREAKPOINT, STAGE_CODE, 1);
}
END_TEST

/* A WoW64 process with AC set: the flag is cleared, and the instruction runs again. */
START_TEST(alignment_check_of_wow64_is_resolved)
{
  const struct cpu_trap trap = {.vector = 17, .has_error_code = true};
  ETHREAD *thread = stage_thread(&s);
  for (int wow64 = 1; wow64 >= 0; wow64--) {
    stage_process(&s)->WoW64Process = (BOOLEAN)wow64;
    stage_set(&s, "\xCC", 1, CODE_32);
    stage_frame(&s)->EFlags |= EFLAGS_AC;
    ck_assert_int_eq(machine_enter(s.machine), DBGKSIM_OK);
    trap_inject(thread, &trap);
    machine_leave(s.machine);
    const EXCEPTION_RECORD64 *r = stage_next(&s, DBG_CONTINUE);
    if (wow64) {
      stage_expect(r, STATUS_WX86_BREAKPOINT, STAGE_CODE, 1);
      ck_assert_uint_eq(stage_frame(&s)->EFlags & EFLAGS_AC, 0);
    } else {
      stage_expect(r, STATUS_DATATYPE_MISALIGNMENT, STAGE_CODE, 0);
    }
  }
}
END_TEST

/* Without AC it is an exception of a WoW64 process, too. */
START_TEST(alignment_check_of_wow64_without_ac)
{
  const struct cpu_trap trap = {.vector = 17, .has_error_code = true};
  stage_process(&s)->WoW64Process = TRUE;
  stage_expect(stage_inject(&s, &trap, CODE_32), STATUS_DATATYPE_MISALIGNMENT, STAGE_CODE, 0);
  stage_process(&s)->WoW64Process = FALSE;
}
END_TEST

START_TEST(simd_exceptions_have_two_codes)
{
  static const struct {
    ULONG mxcsr;
    NTSTATUS code;
  } cases[] = {
      {0x1F01, STATUS_FLOAT_MULTIPLE_TRAPS},  {0x1E82, STATUS_FLOAT_MULTIPLE_TRAPS},
      {0x1D84, STATUS_FLOAT_MULTIPLE_TRAPS},  {0x1B88, STATUS_FLOAT_MULTIPLE_FAULTS},
      {0x1790, STATUS_FLOAT_MULTIPLE_FAULTS}, {0x0FA0, STATUS_FLOAT_MULTIPLE_FAULTS},
  };
  const struct cpu_trap trap = {.vector = 19};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    stage_set(&s, "\xCC", 1, CODE_32);
    CONTEXT context = stage_context(&s);
    context.MxCsr = context.FltSave.MxCsr = cases[i].mxcsr;
    stage_set_context(&s, &context);
    const EXCEPTION_RECORD64 *r = stage_inject(&s, &trap, CODE_32);
    stage_expect(r, cases[i].code, STAGE_CODE, 1);
    ck_assert_uint_eq(r->ExceptionInformation[0], 0);
  }
}
END_TEST

START_TEST(divide_errors)
{
  stage_expect(RUN(&s, "\x31\xD2\x31\xC9\xF7\xF1"), STATUS_INTEGER_DIVIDE_BY_ZERO, STAGE_CODE + 4, 0);
  stage_expect(RUN(&s, "\xBA\x05\0\0\0\xB9\x02\0\0\0\xF7\xF1"), STATUS_INTEGER_OVERFLOW, STAGE_CODE + 10, 0);
}
END_TEST

START_TEST(into_and_bound)
{
  const struct cpu_trap into = {.vector = 4, .software = true}, bound = {.vector = 5};
  stage_expect(stage_inject(&s, &into, CODE_32), STATUS_INTEGER_OVERFLOW, STAGE_CODE, 0);
  stage_expect(stage_inject(&s, &bound, CODE_32), STATUS_ARRAY_BOUNDS_EXCEEDED, STAGE_CODE, 0);
}
END_TEST

START_TEST(into_and_bound_of_instructions)
{
  /* mov al, 7f; add al, 1; into */
  stage_expect(RUN(&s, "\xB0\x7F\x04\x01\xCE\xCC"), STATUS_INTEGER_OVERFLOW, STAGE_CODE + 5, 0);
  /* mov eax, 7; push 3; push 0; bound eax, [esp] */
  stage_expect(RUN(&s, "\xB8\x07\0\0\0\x6A\x03\x6A\0\x62\x04\x24\xCC"), STATUS_ARRAY_BOUNDS_EXCEEDED, STAGE_CODE + 9, 0);
}
END_TEST

START_TEST(into_whose_gate_is_closed)
{
  struct dbgksim_gate gate;
  ck_assert_int_eq(dbgksim_get_gate(s.machine, 4, &gate), DBGKSIM_OK);
  gate.dpl = 0;
  ck_assert_int_eq(dbgksim_set_gate(s.machine, 4, &gate), DBGKSIM_OK);
  stage_expect_access_violation(RUN(&s, "\xB0\x7F\x04\x01\xCE\xCC"), STAGE_CODE + 4, 0, ~0ull);
  stage_expect_access_violation(RUN(&s, "\xCD\x04"), STAGE_CODE, 0, ~0ull);
}
END_TEST

START_TEST(protection_faults)
{
  stage_expect(RUN(&s, "\xFA"), STATUS_PRIVILEGED_INSTRUCTION, STAGE_CODE, 0);
  stage_expect(RUN(&s, "\xF4"), STATUS_PRIVILEGED_INSTRUCTION, STAGE_CODE, 0);
  stage_expect_access_violation(RUN(&s, "\x66\xB8\xFB\x01\x8E\xD8"), STAGE_CODE + 4, 0, 0x1F8);
  stage_expect(RUN(&s, "\x0F\x0B"), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
  stage_expect_access_violation(RUN(&s, "\xA1\0\x10\0\0"), STAGE_CODE, 0, 0x1000); /* mov eax, [1000] */
}
END_TEST

/* Instructions that only 32-bit code has are not taken for undecodable ones. */
START_TEST(far_branches_to_the_null_selector)
{
  static const char *const codes[] = {"\xEA\0\0\0\0\0\0", "\x9A\0\0\0\0\0\0"};
  for (size_t i = 0; i < 2; i++) {
    stage_set(&s, codes[i], 7, CODE_32);
    stage_expect_access_violation(stage_next(&s, DBG_CONTINUE), STAGE_CODE, 0, ~0ull);
  }
}
END_TEST

/* As on Intel's processors: syscall is for 64-bit code, sysenter has no target selector. */
START_TEST(fast_system_calls)
{
  stage_expect(RUN(&s, "\x0F\x05\xCC"), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
  ck_assert_uint_eq(stage_frame(&s)->SegCs, CODE_32);
  ck_assert_uint_eq(stage_frame(&s)->ExceptionActive, TRAP_EXCEPTION);
  stage_expect_access_violation(RUN(&s, "\x0F\x34\xCC"), STAGE_CODE, 0, ~0ull);
}
END_TEST

START_TEST(lahf_is_no_fault_to_emulate_there)
{
  const struct cpu_trap trap = {.vector = 6};
  ETHREAD *thread = stage_thread(&s);
  stage_set(&s, "\x9F", 1, CODE_32);
  ck_assert_int_eq(machine_enter(s.machine), DBGKSIM_OK);
  trap_inject(thread, &trap);
  machine_leave(s.machine);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
}
END_TEST

START_TEST(int_n_of_every_number)
{
  for (unsigned n = 0; n < 256; n++) {
    const unsigned char code[] = {0xB8, 0, 0, 0, 0, 0xCD, (unsigned char)n, 0x90, 0x90}; /* mov eax, 0; int n */
    const EXCEPTION_RECORD64 *r = stage_run(&s, code, sizeof code, CODE_32);
    switch (n) {
    case 3:
      stage_expect(r, STATUS_WX86_BREAKPOINT, STAGE_CODE + 6, 1);
      break;
    case 4:
      stage_expect(r, STATUS_INTEGER_OVERFLOW, STAGE_CODE + 7, 0);
      break;
    case 0x29:
      stage_expect(r, STATUS_STACK_BUFFER_OVERRUN, STAGE_CODE + 5, 1);
      break;
    case 0x2C:
      stage_expect(r, STATUS_ASSERTION_FAILURE, STAGE_CODE + 5, 0);
      break;
    case 0x2D:
      stage_expect(r, STATUS_WX86_BREAKPOINT, STAGE_CODE + 8, 1);
      break;
    default:
      stage_expect_access_violation(r, STAGE_CODE + 5, 0, ~0ull);
      ck_assert_uint_eq(stage_frame(&s)->ErrorCode, n * 8 + 2);
    }
  }
}
END_TEST

TCase *vector_32_tests(void)
{
  TCase *tests = tcase_create("vectors of 32-bit code");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, breakpoint_is_wx86_breakpoint);
  tcase_add_test(tests, single_step_is_wx86_single_step);
  tcase_add_test(tests, debug_services_reach_user_mode);
  tcase_add_test(tests, stack_is_truncated_and_aligned);
  tcase_add_test(tests, minimal_process_gets_no_conversion);
  tcase_add_test(tests, alignment_check_of_wow64_is_resolved);
  tcase_add_test(tests, alignment_check_of_wow64_without_ac);
  tcase_add_test(tests, simd_exceptions_have_two_codes);
  tcase_add_test(tests, divide_errors);
  tcase_add_test(tests, into_and_bound);
  tcase_add_test(tests, into_and_bound_of_instructions);
  tcase_add_test(tests, into_whose_gate_is_closed);
  tcase_add_test(tests, protection_faults);
  tcase_add_test(tests, far_branches_to_the_null_selector);
  tcase_add_test(tests, fast_system_calls);
  tcase_add_test(tests, lahf_is_no_fault_to_emulate_there);
  tcase_add_test(tests, int_n_of_every_number);
  return tests;
}
