/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each row of the vector table of spec/1.1, in 64-bit code: status, parameters, address, frame. What the processor does
 * not raise by itself is injected. */
#include "stage.h"

#include <string.h>

#define CODE_64 0x33
#define RUN(s, bytes) stage_run(s, bytes, sizeof(bytes) - 1, CODE_64)

static struct stage s;

static void setup(void) { stage_start(&s); }
static void teardown(void) { stage_end(&s); }

/* The frame of a fault: at the instruction, RF set, a hardware exception. */
static void expect_fault_frame(uint64_t rip, uint64_t error_code)
{
  const KTRAP_FRAME *f = stage_frame(&s);
  ck_assert_uint_eq(f->Rip, rip);
  ck_assert_uint_eq(f->ErrorCode, error_code);
  ck_assert_uint_eq(f->SegCs, CODE_64);
  ck_assert_uint_eq(f->SegSs, 0x2B);
  ck_assert_uint_eq(f->Rsp, STAGE_STACK);
  ck_assert_uint_eq(f->ExceptionActive, 1);
  ck_assert_uint_eq(f->EFlags & EFLAGS_RF, EFLAGS_RF);
}

START_TEST(vector_0_divide_by_zero)
{
  const EXCEPTION_RECORD64 *r = RUN(&s, "\x31\xD2\x31\xC9\xF7\xF1"); /* xor edx, edx; xor ecx, ecx; div ecx */
  stage_expect(r, STATUS_INTEGER_DIVIDE_BY_ZERO, STAGE_CODE + 4, 0);
  expect_fault_frame(STAGE_CODE + 4, 0);
}
END_TEST

START_TEST(vector_0_overflow_is_told_by_the_divisor)
{
  /* mov edx, 5; mov ecx, 2; div ecx */
  const EXCEPTION_RECORD64 *r = RUN(&s, "\xBA\x05\0\0\0\xB9\x02\0\0\0\xF7\xF1");
  stage_expect(r, STATUS_INTEGER_OVERFLOW, STAGE_CODE + 10, 0);
  expect_fault_frame(STAGE_CODE + 10, 0);
}
END_TEST

START_TEST(vector_1_single_step)
{
  stage_set(&s, "\x90\x90", 2, CODE_64);
  CONTEXT context = stage_context(&s);
  context.EFlags |= EFLAGS_TF;
  stage_set_context(&s, &context);
  const EXCEPTION_RECORD64 *r = stage_next(&s, DBG_CONTINUE);
  stage_expect(r, STATUS_SINGLE_STEP, STAGE_CODE + 1, 0);
  ck_assert_uint_eq(stage_frame(&s)->EFlags & (EFLAGS_TF | EFLAGS_RF), 0);
}
END_TEST

START_TEST(vector_1_other_faults_keep_the_trap_flag)
{
  stage_set(&s, "\x0F\x0B", 2, CODE_64);
  CONTEXT context = stage_context(&s);
  context.EFlags |= EFLAGS_TF;
  stage_set_context(&s, &context);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
  ck_assert_uint_eq(stage_context(&s).EFlags & EFLAGS_TF, EFLAGS_TF);
}
END_TEST

START_TEST(vector_1_icebp_passes_the_gate)
{
  const EXCEPTION_RECORD64 *r = RUN(&s, "\xF1");
  stage_expect(r, STATUS_SINGLE_STEP, STAGE_CODE + 1, 0);
}
END_TEST

START_TEST(vector_3_breakpoint)
{
  const EXCEPTION_RECORD64 *r = RUN(&s, "\x90\xCC");
  stage_expect(r, STATUS_BREAKPOINT, STAGE_CODE + 1, 1);
  ck_assert_uint_eq(r->ExceptionInformation[0], 0);
  ck_assert_uint_eq(stage_frame(&s)->Rip, STAGE_CODE + 2);
  ck_assert_uint_eq(stage_frame(&s)->ErrorCode, 0);
}
END_TEST

START_TEST(vector_4_overflow)
{
  const EXCEPTION_RECORD64 *r = RUN(&s, "\xCD\x04");
  stage_expect(r, STATUS_INTEGER_OVERFLOW, STAGE_CODE + 2, 0);
}
END_TEST

START_TEST(vector_5_bound)
{
  const struct cpu_trap trap = {.vector = 5};
  stage_expect(stage_inject(&s, &trap, CODE_64), STATUS_ARRAY_BOUNDS_EXCEEDED, STAGE_CODE, 0);
  expect_fault_frame(STAGE_CODE, 0);
}
END_TEST

START_TEST(vector_6_invalid_opcode)
{
  /* ud2, and what 64-bit code lost: INTO, BOUND */
  static const char *const codes[] = {"\x0F\x0B", "\xCE", "\x62\x00"};
  for (size_t i = 0; i < 3; i++) {
    stage_expect(stage_run(&s, codes[i], 2, CODE_64), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
    expect_fault_frame(STAGE_CODE, 0);
  }
}
END_TEST

START_TEST(vector_6_lahf_and_sahf_are_emulated)
{
  const struct cpu_trap trap = {.vector = 6};
  CONTEXT context;
  ETHREAD *thread = stage_thread(&s);
  static const char *const codes[] = {"\x9F\xCC", "\x9E\xCC"};
  for (size_t i = 0; i < 2; i++) {
    stage_set(&s, codes[i], 2, CODE_64);
    context = stage_context(&s);
    context.EFlags |= i ? 0 : 0x41; /* ZF CF */
    context.Rax = i ? 0x8400 : 0x1122;
    stage_set_context(&s, &context);
    ck_assert_int_eq(machine_enter(s.machine), DBGKSIM_OK);
    trap_inject(thread, &trap);
    machine_leave(s.machine);
    stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE + 1, 1);
    context = stage_context(&s);
    if (i)
      ck_assert_uint_eq(context.EFlags & 0xD5, 0x84); /* SF PF */
    else
      ck_assert_uint_eq(context.Rax, 0x4322);
  }
}
END_TEST

START_TEST(vectors_10_to_12_are_access_violations)
{
  for (uint8_t vector = 10; vector <= 12; vector++) {
    const struct cpu_trap trap = {.vector = vector, .has_error_code = true, .error_code = 0x18};
    stage_expect_access_violation(stage_inject(&s, &trap, CODE_64), STAGE_CODE, 0, ~0ull);
    expect_fault_frame(STAGE_CODE, 0x18);
  }
}
END_TEST

START_TEST(vector_13_privileged_instructions)
{
  static const struct {
    const char *bytes;
    size_t size;
  } codes[] = {
      {"\xFA", 1},             /* cli */
      {"\xFB", 1},             /* sti */
      {"\xF4", 1},             /* hlt */
      {"\x0F\x20\xC0", 3},     /* mov rax, cr0 */
      {"\x0F\x22\xC0", 3},     /* mov cr0, rax */
      {"\x0F\x23\xC0", 3},     /* mov dr0, rax */
      {"\x0F\x01\x10", 3},     /* lgdt [rax] */
      {"\x0F\x30", 2},         /* wrmsr */
      {"\x0F\x32", 2},         /* rdmsr */
      {"\x0F\x01\xF8", 3},     /* swapgs */
      {"\x0F\x08", 2},         /* invd */
      {"\x0F\x06", 2},         /* clts */
      {"\x48\x0F\x07", 3},     /* sysretq */
  };
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    stage_expect(stage_run(&s, codes[i].bytes, codes[i].size, CODE_64), STATUS_PRIVILEGED_INSTRUCTION, STAGE_CODE, 0);
    expect_fault_frame(STAGE_CODE, 0);
  }
}
END_TEST

START_TEST(vector_13_more_than_15_bytes)
{
  char code[17];
  memset(code, 0x66, 15);
  memcpy(code + 15, "\x90\xCC", 2);
  stage_expect(stage_run(&s, code, sizeof code, CODE_64), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
}
END_TEST

/* What can not be read of an instruction is not decoded. */
START_TEST(vector_13_at_the_end_of_memory)
{
  static const struct cpu_trap trap = {.vector = 13, .has_error_code = true};
  const uint64_t last = STAGE_CODE + STAGE_PAGES - 1;
  ETHREAD *thread = stage_thread(&s);
  stage_write(&s, last, "\xF4", 1);
  for (int readable = 1; readable >= 0; readable--) {
    const uint64_t rip = readable ? last : 0x1000;
    stage_set(&s, "\xCC", 1, CODE_64);
    CONTEXT context = stage_context(&s);
    context.Rip = rip;
    stage_set_context(&s, &context);
    ck_assert_int_eq(machine_enter(s.machine), DBGKSIM_OK);
    trap_inject(thread, &trap);
    machine_leave(s.machine);
    if (readable)
      stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_PRIVILEGED_INSTRUCTION, rip, 0);
    else
      stage_expect_access_violation(stage_next(&s, DBG_CONTINUE), rip, 0, ~0ull);
  }
}
END_TEST

START_TEST(vector_13_bad_selector)
{
  const EXCEPTION_RECORD64 *r = RUN(&s, "\x66\xB8\xFB\x01\x8E\xD8"); /* mov ax, 1fb; mov ds, ax */
  stage_expect_access_violation(r, STAGE_CODE + 4, 0, 0x1F8);
  expect_fault_frame(STAGE_CODE + 4, 0x1F8);
}
END_TEST

START_TEST(vector_13_non_canonical_address)
{
  /* mov rax, 8000000000000000; mov eax, [rax] */
  const EXCEPTION_RECORD64 *r = RUN(&s, "\x48\xB8\0\0\0\0\0\0\0\x80\x8B\x00");
  stage_expect_access_violation(r, STAGE_CODE + 10, 0, ~0ull);
  expect_fault_frame(STAGE_CODE + 10, 0);
}
END_TEST

START_TEST(vector_14_read_write_execute)
{
  /* mov eax, [1000]; mov [1000], eax */
  stage_expect_access_violation(RUN(&s, "\x8B\x04\x25\0\x10\0\0"), STAGE_CODE, 0, 0x1000);
  expect_fault_frame(STAGE_CODE, 4);
  ck_assert_uint_eq(stage_frame(&s)->FaultAddress, 0x1000);
  stage_expect_access_violation(RUN(&s, "\x89\x04\x25\0\x10\0\0"), STAGE_CODE, 1, 0x1000);
  expect_fault_frame(STAGE_CODE, 6);
  ck_assert_uint_eq(stage_frame(&s)->FaultIndicator, 1);
  /* mov eax, STAGE_DATA; jmp rax: no execution there */
  stage_expect_access_violation(RUN(&s, "\xB8\0\0\x20\x20\xFF\xE0"), STAGE_DATA, 8, STAGE_DATA);
}
END_TEST

START_TEST(vector_14_kernel_addresses_tell_themselves)
{
  /* mov rax, FFFFF80000000000; mov eax, [rax] */
  const EXCEPTION_RECORD64 *r = RUN(&s, "\x48\xB8\0\0\0\0\0\xF8\xFF\xFF\x8B\x00");
  stage_expect_access_violation(r, STAGE_CODE + 10, 0, 0xFFFFF80000000000ull);
}
END_TEST

/* An instruction that ends before a guard page is looked at without touching the page (KiPreprocessFault). */
START_TEST(vectors_6_and_13_leave_a_guard_page_alone)
{
  static const struct {
    const char *code;
    size_t size;
    NTSTATUS status;
  } cases[] = {{"\x0F\x0B", 2, STATUS_ILLEGAL_INSTRUCTION},
               {"\xFA", 1, STATUS_PRIVILEGED_INSTRUCTION},
               {"\xF7\xF1", 2, STATUS_INTEGER_OVERFLOW}}; /* div ecx */
  const uint64_t guard = STAGE_CODE + 0x1000;
  stage_protect(&s, guard, 0x1000, PAGE_EXECUTE_READWRITE | PAGE_GUARD);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    ULONG64 base = guard, size = 0x1000;
    ULONG old = 0;
    stage_set(&s, NULL, 0, CODE_64);
    stage_write(&s, guard - cases[i].size, cases[i].code, cases[i].size);
    CONTEXT context = stage_context(&s);
    context.Rip = guard - cases[i].size;
    context.Rdx = context.Rcx = 1;
    stage_set_context(&s, &context);
    stage_expect(stage_next(&s, DBG_CONTINUE), cases[i].status, guard - cases[i].size, 0);
    EPROCESS *process = stage_process(&s);
    STAGE_INSIDE(&s, {
      ck_assert_int_eq(MmProtectVirtualMemory(process, &base, &size, PAGE_EXECUTE_READWRITE | PAGE_GUARD, &old), 0);
    });
    ck_assert_uint_eq(old, PAGE_EXECUTE_READWRITE | PAGE_GUARD);
  }
}
END_TEST

START_TEST(vector_14_guard_page)
{
  stage_allocate(&s, 0x20300000, 0x1000, PAGE_READWRITE | PAGE_GUARD);
  const EXCEPTION_RECORD64 *r = RUN(&s, "\x89\x04\x25\x08\0\x30\x20\xCC"); /* mov [20300008], eax; int3 */
  stage_expect(r, STATUS_GUARD_PAGE_VIOLATION, STAGE_CODE, 2);
  ck_assert_uint_eq(r->ExceptionInformation[0], 1);
  ck_assert_uint_eq(r->ExceptionInformation[1], 0x20300008);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE + 7, 1);
}
END_TEST

/* x87 status and control words, and what #MF says of them. */
static void check_x87(USHORT status, USHORT control, NTSTATUS code, ULONG parameters)
{
  const struct cpu_trap trap = {.vector = 16};
  stage_set(&s, "\xCC", 1, CODE_64);
  CONTEXT context = stage_context(&s);
  context.FltSave.StatusWord = status;
  context.FltSave.ControlWord = control;
  stage_set_context(&s, &context);
  const EXCEPTION_RECORD64 *r = stage_inject(&s, &trap, CODE_64);
  stage_expect(r, code, STAGE_CODE, parameters);
  ck_assert_uint_eq(r->ExceptionInformation[0], 0);
  expect_fault_frame(STAGE_CODE, 0);
}

START_TEST(vector_16_by_the_x87_status_word)
{
  check_x87(0x81, 0x37E, STATUS_FLOAT_INVALID_OPERATION, 1);
  check_x87(0x82, 0x37D, STATUS_FLOAT_DENORMAL_OPERAND, 1);
  check_x87(0x84, 0x37B, STATUS_FLOAT_DIVIDE_BY_ZERO, 1);
  check_x87(0x88, 0x377, STATUS_FLOAT_OVERFLOW, 1);
  check_x87(0x90, 0x36F, STATUS_FLOAT_UNDERFLOW, 1);
  check_x87(0xA0, 0x35F, STATUS_FLOAT_INEXACT_RESULT, 1);
  check_x87(0xC1, 0x37E, STATUS_FLOAT_STACK_CHECK, 2);
  /* masked ones do not count: inexact came too, and only zero divide is unmasked */
  check_x87(0xA5, 0x37B, STATUS_FLOAT_DIVIDE_BY_ZERO, 1);
  /* nothing at all */
  check_x87(0, 0x37F, STATUS_FLOAT_INVALID_OPERATION, 1);
}
END_TEST

START_TEST(vector_16_of_an_instruction)
{
  /* fninit; push 33b; fldcw [rsp]; fld1; fldz; fdivp; fwait */
  const EXCEPTION_RECORD64 *r = RUN(&s, "\xDB\xE3\x68\x3B\x03\0\0\xD9\x2C\x24\xD9\xE8\xD9\xEE\xDE\xF9\x9B\xCC");
  stage_expect(r, STATUS_FLOAT_DIVIDE_BY_ZERO, STAGE_CODE + 16, 1);
}
END_TEST

START_TEST(vector_17_alignment_check)
{
  const struct cpu_trap trap = {.vector = 17, .has_error_code = true};
  stage_set(&s, "\xCC", 1, CODE_64);
  stage_expect(stage_inject(&s, &trap, CODE_64), STATUS_DATATYPE_MISALIGNMENT, STAGE_CODE, 0);
  expect_fault_frame(STAGE_CODE, 0);
}
END_TEST

START_TEST(vector_17_the_handler_sees_ac_and_runs_without)
{
  const uint64_t dispatcher = stage_catch_deliveries(&s);
  const struct cpu_trap trap = {.vector = 17, .has_error_code = true};
  CONTEXT delivered;
  stage_inject(&s, &trap, CODE_64);
  /* AC is the guest's to set, by popf: not the debugger's */
  stage_frame(&s)->EFlags |= EFLAGS_AC;
  ck_assert_uint_eq(stage_context(&s).EFlags & EFLAGS_AC, EFLAGS_AC);
  stage_next(&s, DBG_EXCEPTION_NOT_HANDLED);
  ck_assert_uint_eq(s.event.exception.ExceptionAddress, dispatcher);
  ck_assert_uint_eq(stage_frame(&s)->EFlags & EFLAGS_AC, 0);
  stage_read(&s, stage_context(&s).Rsp, &delivered, sizeof delivered);
  ck_assert_uint_eq(delivered.Rip, STAGE_CODE);
}
END_TEST

/* MXCSR, and what #XM says of it. */
static void check_mxcsr(ULONG mxcsr, NTSTATUS code)
{
  const struct cpu_trap trap = {.vector = 19};
  stage_set(&s, "\xCC", 1, CODE_64);
  CONTEXT context = stage_context(&s);
  context.MxCsr = context.FltSave.MxCsr = mxcsr;
  stage_set_context(&s, &context);
  const EXCEPTION_RECORD64 *r = stage_inject(&s, &trap, CODE_64);
  stage_expect(r, code, STAGE_CODE, 2);
  ck_assert_uint_eq(r->ExceptionInformation[0], 0);
  ck_assert_uint_eq(r->ExceptionInformation[1], mxcsr);
  expect_fault_frame(STAGE_CODE, 0);
}

START_TEST(vector_19_by_the_mxcsr_status)
{
  check_mxcsr(0x1F01, STATUS_FLOAT_INVALID_OPERATION);
  check_mxcsr(0x1E82, STATUS_FLOAT_DENORMAL_OPERAND);
  check_mxcsr(0x1D84, STATUS_FLOAT_DIVIDE_BY_ZERO);
  check_mxcsr(0x1B88, STATUS_FLOAT_OVERFLOW);
  check_mxcsr(0x1790, STATUS_FLOAT_UNDERFLOW);
  check_mxcsr(0x0FA0, STATUS_FLOAT_INEXACT_RESULT);
  check_mxcsr(0x1DA4, STATUS_FLOAT_DIVIDE_BY_ZERO);
}
END_TEST

START_TEST(vector_19_of_an_instruction)
{
  /* push 1d80; ldmxcsr [rsp]; xorps xmm0, xmm0; mov eax, 1; cvtsi2ss xmm1, eax; divss xmm1, xmm0 */
  const EXCEPTION_RECORD64 *r =
      RUN(&s, "\x68\x80\x1D\0\0\x0F\xAE\x14\x24\x0F\x57\xC0\xB8\x01\0\0\0\xF3\x0F\x2A\xC8\xF3\x0F\x5E\xC8\xCC");
  stage_expect(r, STATUS_FLOAT_DIVIDE_BY_ZERO, STAGE_CODE + 21, 2);
  ck_assert_uint_eq(r->ExceptionInformation[1], 0x1D84);
}
END_TEST

START_TEST(vector_29_fast_fail)
{
  const EXCEPTION_RECORD64 *r = RUN(&s, "\xB9\x07\0\0\0\xCD\x29"); /* mov ecx, 7; int 29 */
  stage_expect(r, STATUS_STACK_BUFFER_OVERRUN, STAGE_CODE + 5, 1);
  ck_assert_uint_eq(r->ExceptionInformation[0], 7);
  ck_assert_uint_eq(r->ExceptionFlags, EXCEPTION_NONCONTINUABLE);
  ck_assert(!s.event.first_chance);
}
END_TEST

START_TEST(vector_2c_assertion_runs_again)
{
  stage_expect(RUN(&s, "\xCD\x2C\xCC"), STATUS_ASSERTION_FAILURE, STAGE_CODE, 0);
  ck_assert_uint_eq(stage_frame(&s)->Rip, STAGE_CODE);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_ASSERTION_FAILURE, STAGE_CODE, 0);
}
END_TEST

START_TEST(vector_2d_debug_service)
{
  const EXCEPTION_RECORD64 *r = RUN(&s, "\xB8\x07\0\0\0\xCD\x2D\x90\x90\xCC"); /* mov eax, 7; int 2d */
  stage_expect(r, STATUS_BREAKPOINT, STAGE_CODE + 8, 1);
  ck_assert_uint_eq(r->ExceptionInformation[0], 7);
  ck_assert_uint_eq(stage_context(&s).Rip, STAGE_CODE + 8);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE + 9, 1);
}
END_TEST

/* Interrupts of devices: if a guest could cause one, nothing would come of it. */
START_TEST(vectors_nobody_waits_for)
{
  static const uint8_t vectors[] = {2, 21, 29, 30, 0x1F, 0x2F, 0xFF};
  for (size_t i = 0; i < sizeof vectors; i++) {
    const struct cpu_trap trap = {.vector = vectors[i]};
    stage_expect(stage_inject(&s, &trap, CODE_64), STATUS_BREAKPOINT, STAGE_CODE, 1);
  }
}
END_TEST

/* All 256 of INT n, under the DPL of their gates. */
START_TEST(int_n_of_every_number)
{
  for (unsigned n = 0; n < 256; n++) {
    const unsigned char code[] = {0xB8, 0, 0, 0, 0, 0xCD, (unsigned char)n, 0x90, 0x90}; /* mov eax, 0; int n */
    const EXCEPTION_RECORD64 *r = stage_run(&s, code, sizeof code, CODE_64);
    switch (n) {
    case 3:
      stage_expect(r, STATUS_BREAKPOINT, STAGE_CODE + 6, 1);
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
      stage_expect(r, STATUS_BREAKPOINT, STAGE_CODE + 8, 1);
      break;
    default:
      stage_expect_access_violation(r, STAGE_CODE + 5, 0, ~0ull);
      expect_fault_frame(STAGE_CODE + 5, n * 8 + 2);
    }
  }
}
END_TEST

TCase *vector_tests(void)
{
  TCase *tests = tcase_create("vectors");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, vector_0_divide_by_zero);
  tcase_add_test(tests, vector_0_overflow_is_told_by_the_divisor);
  tcase_add_test(tests, vector_1_single_step);
  tcase_add_test(tests, vector_1_other_faults_keep_the_trap_flag);
  tcase_add_test(tests, vector_1_icebp_passes_the_gate);
  tcase_add_test(tests, vector_3_breakpoint);
  tcase_add_test(tests, vector_4_overflow);
  tcase_add_test(tests, vector_5_bound);
  tcase_add_test(tests, vector_6_invalid_opcode);
  tcase_add_test(tests, vector_6_lahf_and_sahf_are_emulated);
  tcase_add_test(tests, vectors_10_to_12_are_access_violations);
  tcase_add_test(tests, vector_13_privileged_instructions);
  tcase_add_test(tests, vector_13_more_than_15_bytes);
  tcase_add_test(tests, vector_13_at_the_end_of_memory);
  tcase_add_test(tests, vector_13_bad_selector);
  tcase_add_test(tests, vector_13_non_canonical_address);
  tcase_add_test(tests, vector_14_read_write_execute);
  tcase_add_test(tests, vector_14_kernel_addresses_tell_themselves);
  tcase_add_test(tests, vectors_6_and_13_leave_a_guard_page_alone);
  tcase_add_test(tests, vector_14_guard_page);
  tcase_add_test(tests, vector_16_by_the_x87_status_word);
  tcase_add_test(tests, vector_16_of_an_instruction);
  tcase_add_test(tests, vector_17_alignment_check);
  tcase_add_test(tests, vector_17_the_handler_sees_ac_and_runs_without);
  tcase_add_test(tests, vector_19_by_the_mxcsr_status);
  tcase_add_test(tests, vector_19_of_an_instruction);
  tcase_add_test(tests, vector_29_fast_fail);
  tcase_add_test(tests, vector_2c_assertion_runs_again);
  tcase_add_test(tests, vector_2d_debug_service);
  tcase_add_test(tests, vectors_nobody_waits_for);
  tcase_add_test(tests, int_n_of_every_number);
  return tests;
}
