/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87 exceptions: #MF comes of the next instruction that waits (spec/1.1, vector 16). */
#include "guest.h"

enum { INVALID = 1, DENORMAL = 2, ZERO = 4, OVERFLOWS = 8, UNDERFLOWS = 0x10, INEXACT = 0x20, STACK = 0x40 };
#define ERROR_SUMMARY 0x80u
#define CONDITION_1 0x200u
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define MAX_CODE 64

static struct guest g;

static void setup(void) { guest_open(&g); }
static void teardown(void) { guest_close(&g); }

static USHORT status_word(void)
{
  XSAVE_FORMAT fx;
  cpu_get_fx(g.cpu, &fx);
  return fx.StatusWord;
}

/* Numbers that the rows load from DATA: [rbx + 8] and on. */
static void put_numbers(void)
{
  static const uint64_t numbers[] = {
      0,
      0x3FF0000000000000, /* +8: 1 */
      0x0000000000000000, /* +10: 0 */
      0x0000000000000001, /* +18: a denormal */
      0x7FEFFFFFFFFFFFFF, /* +20: the largest */
      0x0010000000000000, /* +28: the smallest normal one */
      0x4008000000000000, /* +30: 3 */
      0x7FF4000000000001, /* +38: a signalling NaN */
      0xBFF0000000000000, /* +40: -1 */
      0x3FF8000000000000, /* +48: 1.5 */
  };
  guest_put(g.space, DATA, numbers, sizeof numbers);
  g.cpu->gpr[CPU_RBX] = DATA;
}

/* fninit; fldcw [rbx]; CODE; nop; fwait; int3. What comes of it, with `unmasked` exceptions. */
static unsigned run_wait(unsigned unmasked, const char *code, size_t size)
{
  uint8_t bytes[MAX_CODE] = {0xDB, 0xE3, 0xD9, 0x2B};
  uint16_t control = (uint16_t)(0x37F & ~unmasked);
  put_numbers();
  guest_put(g.space, DATA, &control, sizeof control);
  memcpy(bytes + 4, code, size);
  memcpy(bytes + 4 + size, "\x90\x9B\xCC", 3);
  guest_run(&g, bytes, sizeof bytes);
  return g.trap.vector;
}

struct row {
  const char *name, *code;
  size_t size;
  unsigned flags; /* of the exception */
};
#define ROW(name, code, flags)                                                                                         \
  {                                                                                                                    \
    name, code, sizeof(code) - 1, flags                                                                                \
  }
#define FLD1 "\xD9\xE8"
#define FLDZ "\xD9\xEE"
#define FLD(at) "\xDD\x43" at /* fld qword [rbx + at] */

static const struct row rows[] = {
    ROW("1 / 0", FLD1 FLDZ "\xDE\xF9", ZERO),
    ROW("0 / 0", FLDZ FLDZ "\xDE\xF9", INVALID),
    ROW("fsqrt of -1", FLD("\x40") "\xD9\xFA", INVALID),
    ROW("fld of a signalling NaN", FLD("\x38"), INVALID),
    ROW("fld of a denormal", FLD("\x18"), DENORMAL),
    ROW("1 / 3", FLD1 FLD("\x30") "\xDE\xF9", INEXACT),
    ROW("fst overflows", FLD("\x20") "\xDC\xC0\xDD\x5B\x50", OVERFLOWS),
    ROW("fst underflows", FLD("\x28") FLD("\x30") "\xDE\xF9\xDD\x5B\x50", UNDERFLOWS),
    ROW("fistp of a number too large", FLD("\x20") "\xDB\x5B\x50", INVALID),
    ROW("fist, inexact", FLD("\x48") "\xDB\x53\x50", INEXACT),
    ROW("pop of an empty stack", "\xDD\xD8", INVALID | STACK),
    ROW("add with an empty stack", "\xD8\xC1", INVALID | STACK),
    ROW("nine pushes", FLD1 FLD1 FLD1 FLD1 FLD1 FLD1 FLD1 FLD1 FLD1, INVALID | STACK),
    ROW("fcom with a signalling NaN", FLD1 "\xDC\x53\x38", INVALID),
    ROW("fbstp of a number too large", FLD("\x20") "\xDF\x73\x50", INVALID),
};

START_TEST(each_unmasked_exception_is_vector_16_at_the_next_wait)
{
  for (size_t i = 0; i < COUNT(rows); i++) {
    const struct row *r = &rows[i];
    unsigned vector = run_wait(r->flags & 0x3F, r->code, r->size);
    ck_assert_msg(vector == 16 && g.cpu->rip == CODE + 4 + r->size + 1 && !g.trap.has_error_code &&
                      (g.cpu->rflags & EFLAGS_RF) != 0,
                  "%s: vector %u at %llx", r->name, vector, (unsigned long long)g.cpu->rip);
    unsigned expected = r->flags | ERROR_SUMMARY;
    ck_assert_msg((status_word() & expected) == expected && (r->flags & STACK) == (status_word() & STACK),
                  "%s: status %x", r->name, status_word());
    /* The wait meets it again; fnclex clears it. */
    guest_continue(&g);
    ck_assert_uint_eq(g.trap.vector, 16);
  }
}
END_TEST

START_TEST(masked_ones_are_not_waited_for)
{
  for (size_t i = 0; i < COUNT(rows); i++) {
    const struct row *r = &rows[i];
    unsigned others = 0x3F & ~(r->flags | INEXACT | DENORMAL | UNDERFLOWS | OVERFLOWS);
    ck_assert_msg(run_wait(others, r->code, r->size) == 3, "%s: vector %u", r->name, g.trap.vector);
    ck_assert_msg(run_wait(0, r->code, r->size) == 3, "%s masked: vector %u", r->name, g.trap.vector);
  }
}
END_TEST

START_TEST(a_stack_fault_tells_overflow_from_underflow_by_c1)
{
  ck_assert_uint_eq(run_wait(INVALID, "\xDD\xD8", 2), 16);
  ck_assert_uint_eq(status_word() & CONDITION_1, 0);
  ck_assert_uint_eq(run_wait(INVALID, FLD1 FLD1 FLD1 FLD1 FLD1 FLD1 FLD1 FLD1 FLD1, 18), 16);
  ck_assert_uint_ne(status_word() & CONDITION_1, 0);
}
END_TEST

/* Behind 1 / 0 with divide by zero unmasked. */
static const struct row waiting[] = {
    ROW("fld1", FLD1, 0),
    ROW("fld m64", FLD("\x08"), 0),
    ROW("fst m64", "\xDD\x53\x50", 0),
    ROW("fldcw", "\xD9\x2B", 0),
    ROW("fnop", "\xD9\xD0", 0),
    ROW("ffree", "\xDD\xC0", 0),
    ROW("fincstp", "\xD9\xF7", 0),
    ROW("frstor", "\xDD\x63\x50", 0),
    ROW("fldenv", "\xD9\x63\x50", 0),
    ROW("emms", "\x0F\x77", 0),
    ROW("pxor mm0, mm1", "\x0F\xEF\xC1", 0),
    ROW("movq mm0, [rbx]", "\x0F\x6F\x03", 0),
    ROW("movd eax, mm0", "\x0F\x7E\xC0", 0),
    ROW("pshufb mm0, mm1", "\x0F\x38\x00\xC1", 0),
    ROW("palignr mm0, mm1, 1", "\x0F\x3A\x0F\xC1\x01", 0),
    ROW("cvtps2pi mm0, xmm0", "\x0F\x2D\xC0", 0),
    ROW("movdq2q mm0, xmm0", "\xF2\x0F\xD6\xC0", 0),
};
static const struct row not_waiting[] = {
    ROW("fnstsw ax", "\xDF\xE0", 0),
    ROW("fnstsw m16", "\xDD\x7B\x50", 0),
    ROW("fnstcw m16", "\xD9\x7B\x50", 0),
    ROW("pxor xmm0, xmm1", "\x66\x0F\xEF\xC1", 0),
    ROW("addss xmm0, xmm1", "\xF3\x0F\x58\xC1", 0),
    ROW("nop", "\x90", 0),
};
/* These make an end of it. */
static const struct row clearing[] = {
    ROW("fnclex", "\xDB\xE2", 0),
    ROW("fninit", "\xDB\xE3", 0),
    ROW("fnsave", "\xDD\x73\x50", 0),
    ROW("fnstenv", "\xD9\x73\x50", 0),
};

static unsigned run_behind_exception(const struct row *r)
{
  uint8_t code[40];
  memcpy(code, FLD1 FLDZ "\xDE\xF9", 6);
  memcpy(code + 6, r->code, r->size);
  return run_wait(ZERO, (const char *)code, 6 + r->size);
}

START_TEST(x87_and_mmx_instructions_wait_and_those_of_control_do_not)
{
  for (size_t i = 0; i < COUNT(waiting); i++)
    ck_assert_msg(run_behind_exception(&waiting[i]) == 16 && g.cpu->rip == CODE + 10, "%s: vector %u at %llx",
                  waiting[i].name, g.trap.vector, (unsigned long long)g.cpu->rip);
  for (size_t i = 0; i < COUNT(not_waiting); i++)
    ck_assert_msg(run_behind_exception(&not_waiting[i]) == 16 && g.cpu->rip == CODE + 11 + not_waiting[i].size,
                  "%s: vector %u at %llx", not_waiting[i].name, g.trap.vector, (unsigned long long)g.cpu->rip);
  for (size_t i = 0; i < COUNT(clearing); i++)
    ck_assert_msg(run_behind_exception(&clearing[i]) == 3, "%s: vector %u at %llx", clearing[i].name, g.trap.vector,
                  (unsigned long long)g.cpu->rip);
}
END_TEST

START_TEST(what_is_stored_behind_an_exception)
{
  static const struct row save = ROW("fnsave", "\xDD\x73\x50", 0), status = ROW("fnstsw", "\xDF\xE0", 0);
  uint8_t *at = space_host(g.space, DATA + 0x50, 108);
  ck_assert_uint_eq(run_behind_exception(&status), 16);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX] & 0xBF, ERROR_SUMMARY | ZERO);
  ck_assert_uint_eq(run_behind_exception(&save), 3);
  ck_assert_uint_eq(at[4] & 0xBF, ERROR_SUMMARY | ZERO);
  uint32_t instruction;
  memcpy(&instruction, at + 12, sizeof instruction);
  ck_assert_uint_eq(instruction, (uint32_t)(CODE + 8)); /* fdivp */
  ck_assert_uint_eq(at[16] | at[17] << 8, KGDT64_R3_CODE);
  ck_assert_uint_eq(at[18] | at[19] << 8, 0x6F9); /* DE F9 without the bits that all have */
}
END_TEST

START_TEST(an_unmasked_exception_leaves_operands_and_memory)
{
  XSAVE_FORMAT fx;
  ck_assert_uint_eq(run_wait(ZERO, FLD1 FLDZ "\xDE\xF9", 6), 16);
  cpu_get_fx(g.cpu, &fx);
  ck_assert_uint_eq(fx.FloatRegisters[0].Low, 0); /* 0 and 1, not popped */
  ck_assert_uint_eq(fx.FloatRegisters[1].Low, 1ull << 63);
  guest_put(g.space, DATA + 0x50, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
  ck_assert_uint_eq(run_wait(OVERFLOWS, FLD("\x20") "\xDC\xC0\xDD\x5B\x50", 8), 16);
  ck_assert_uint_eq(guest_u64(g.space, DATA + 0x50), 0x8877665544332211ull);
  /* An inexact result is stored. */
  ck_assert_uint_eq(run_wait(INEXACT, FLD("\x48") "\xDF\x7B\x50", 6), 16);
  ck_assert_uint_eq(guest_u64(g.space, DATA + 0x50), 2);
}
END_TEST

START_TEST(unmasking_what_was_raised_before_is_found_pending)
{
  XSAVE_FORMAT fx;
  RUN(&g, "\xCC");
  cpu_get_fx(g.cpu, &fx);
  fx.StatusWord = ZERO;
  fx.ControlWord = 0x37F;
  cpu_set_fx(g.cpu, &fx);
  guest_put(g.space, DATA, "\x7B\x03", 2);
  g.cpu->gpr[CPU_RBX] = DATA;
  RUN(&g, "\xD9\xD0\xD9\x2B\xDF\xE0\x90\xD9\xD0\xCC"); /* fnop; fldcw [rbx]; fnstsw ax; nop; fnop */
  ck_exception(&g, 16, 7);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX] & 0x80FF, 0x8000 | ERROR_SUMMARY | ZERO);
  /* By its register file, too. */
  fx.ControlWord = 0x37B;
  cpu_set_fx(g.cpu, &fx);
  RUN(&g, "\x90\xD9\xE8\xCC");
  ck_exception(&g, 16, 1);
}
END_TEST

START_TEST(results_while_something_is_unmasked)
{
  /* 1 + 3 = 4 in st0; fcomi st0, st1; fistp dword [rbx + 50] */
  put_numbers();
  guest_put(g.space, DATA, "\x7E\x03", 2);
  RUN(&g, "\xDB\xE3\xD9\x2B\xDD\x43\x30\xD9\xE8\xDC\x43\x30\xDB\xF1\x77\x01\xCC\xDB\x5B\x50\xCC");
  ck_int3(&g, 20);
  ck_assert_uint_eq((uint32_t)guest_u64(g.space, DATA + 0x50), 4);
}
END_TEST

START_TEST(page_faults_and_steps_of_x87_instructions)
{
  put_numbers();
  guest_put(g.space, DATA, "\x7E\x03", 2);
  RUN(&g, "\xDB\xE3\xD9\x2B\xD9\xE8\xCC");
  ck_int3(&g, 6);
  g.cpu->gpr[CPU_RBX] = ABSENT;
  RUN(&g, "\x90\xDD\x13\xCC"); /* fst qword [rbx] */
  ck_page_fault(&g, 6, ABSENT, 1);
  g.cpu->gpr[CPU_RBX] = READ_ONLY;
  RUN(&g, "\x90\xDD\x1B\xCC"); /* fstp qword [rbx] */
  ck_page_fault(&g, 7, READ_ONLY, 1);
  g.cpu->gpr[CPU_RBX] = DATA;
  g.cpu->dr[0] = DATA + 0x50;
  g.cpu->dr[7] = 0x00090401 | 0x10000; /* 8 bytes, written */
  RUN(&g, "\x90\xDD\x5B\x50\xCC");
  ck_exception(&g, 1, 4);
  ck_assert_uint_eq(g.cpu->dr[6] & 0x400F, 1);
  ck_assert_uint_eq(guest_u64(g.space, DATA + 0x50), 0x3FF0000000000000);
  g.cpu->dr[7] = 0x400;
  guest_put(g.space, CODE, "\xD9\xE8\xD9\xE8\xCC", 5);
  g.cpu->rip = CODE;
  g.cpu->rflags = EFLAGS_IF | 2 | EFLAGS_TF;
  guest_continue(&g);
  ck_exception(&g, 1, 2);
  guest_continue(&g);
  ck_exception(&g, 1, 4);
}
END_TEST

START_TEST(a_store_drops_the_code_that_it_overwrites)
{
  /* fninit; fldcw [rbx]; l: call 50000; fild word [rbx + 10]; fistp word [50000]; jmp l */
  put_numbers();
  guest_put(g.space, DATA, "\x7E\x03", 2);
  guest_put(g.space, DATA + 0x10, "\xCC\x90", 2);
  guest_put(g.space, WRITABLE_CODE, "\x90\xC3", 2);
  g.cpu->gpr[CPU_RDI] = WRITABLE_CODE;
  RUN(&g, "\xDB\xE3\xD9\x2B\xFF\xD7\xDF\x43\x10\xDF\x1F\xEB\xF7");
  ck_assert_uint_eq(g.trap.vector, 3);
  ck_assert_uint_eq(g.cpu->rip, WRITABLE_CODE + 1);
}
END_TEST

START_TEST(x87_state_that_is_set_between_two_runs_counts)
{
  XSAVE_FORMAT fx;
  RUN(&g, "\x0F\x05\xDF\xE0\xCC"); /* syscall; fnstsw ax */
  ck_assert_uint_eq(g.trap.kind, CPU_TRAP_SYSCALL);
  cpu_get_fx(g.cpu, &fx);
  fx.StatusWord = 0x4100;
  cpu_set_fx(g.cpu, &fx);
  g.cpu->rip += 2;
  guest_continue(&g);
  ck_int3(&g, 4);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX] & 0x4700, 0x4100);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("emu x87");
  TCase *t = tcase_create("x87");
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_set_timeout(t, 60);
  tcase_add_test(t, each_unmasked_exception_is_vector_16_at_the_next_wait);
  tcase_add_test(t, masked_ones_are_not_waited_for);
  tcase_add_test(t, a_stack_fault_tells_overflow_from_underflow_by_c1);
  tcase_add_test(t, x87_and_mmx_instructions_wait_and_those_of_control_do_not);
  tcase_add_test(t, what_is_stored_behind_an_exception);
  tcase_add_test(t, an_unmasked_exception_leaves_operands_and_memory);
  tcase_add_test(t, unmasking_what_was_raised_before_is_found_pending);
  tcase_add_test(t, results_while_something_is_unmasked);
  tcase_add_test(t, page_faults_and_steps_of_x87_instructions);
  tcase_add_test(t, a_store_drops_the_code_that_it_overwrites);
  tcase_add_test(t, x87_state_that_is_set_between_two_runs_counts);
  suite_add_tcase(s, t);
  return run_suite(s);
}
