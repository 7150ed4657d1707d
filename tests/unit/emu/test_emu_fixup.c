/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engine gets wrong and is put right: found by tests/hardware, each expectation is from the manuals. */
#include "guest.h"

static struct guest g;

static void setup(void) { guest_open(&g); }
static void teardown(void) { guest_close(&g); }

static void run_with_tf(const void *code, size_t size)
{
  guest_put(g.space, CODE, code, size);
  g.cpu->rip = CODE;
  g.cpu->rflags = EFLAGS_IF | EFLAGS_TF | 2;
  guest_continue(&g);
}

/* F3 90; nop */
START_TEST(pause_is_one_step)
{
  run_with_tf("\xF3\x90\x90\xCC", 4);
  ck_exception(&g, 1, 2);
  guest_continue(&g);
  ck_exception(&g, 1, 3);
}
END_TEST

START_TEST(pause_at_page_end)
{
  guest_put(g.space, CODE + 0xFFE, "\xF3\x90", 2);
  g.cpu->rip = CODE + 0xFFE;
  g.cpu->rflags = EFLAGS_IF | 2;
  guest_continue(&g);
  ck_page_fault(&g, 0x14, CODE + 0x1000, 0x1000);
}
END_TEST

START_TEST(non_canonical_through_the_stack)
{
  static const struct {
    const char *code;
    size_t size;
    unsigned vector;
  } row[] = {
      {"\x50", 1, 12},                 /* push rax */
      {"\x58", 1, 12},                 /* pop rax */
      {"\xC3", 1, 12},                 /* ret */
      {"\xC9", 1, 12},                 /* leave */
      {"\x48\x8B\x04\x24", 4, 12},     /* mov rax, [rsp] */
      {"\x48\x8B\x45\x00", 4, 12},     /* mov rax, [rbp] */
      {"\x49\x8B\x45\x00", 4, 13},     /* mov rax, [r13] */
      {"\x48\x8B\x00", 3, 13},         /* mov rax, [rax] */
      {"\x65\x48\x8B\x04\x24", 5, 13}, /* mov rax, gs:[rsp] */
  };
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
    guest_put(g.space, CODE, row[i].code, row[i].size);
    g.cpu->rip = CODE;
    g.cpu->rflags = EFLAGS_IF | 2;
    g.cpu->gpr[CPU_RSP] = g.cpu->gpr[CPU_RBP] = g.cpu->gpr[CPU_RAX] = g.cpu->gpr[CPU_R13] = 0x8000000000000100ull;
    guest_continue(&g);
    ck_exception(&g, row[i].vector, 0);
    ck_assert(g.trap.has_error_code);
    ck_assert_uint_eq(g.trap.error_code, 0);
  }
}
END_TEST

START_TEST(control_registers_that_do_not_exist)
{
  RUN(&g, "\x0F\x20\xC0"); /* mov rax, cr0 */
  ck_exception(&g, 13, 0);
  RUN(&g, "\x44\x0F\x20\xC0"); /* mov rax, cr8 */
  ck_exception(&g, 13, 0);
  RUN(&g, "\x0F\x20\xE8"); /* mov rax, cr5 */
  ck_exception(&g, 6, 0);
  ck_assert(!g.trap.has_error_code);
  RUN(&g, "\x44\x0F\x23\xC0"); /* mov dr8, rax */
  ck_exception(&g, 6, 0);
}
END_TEST

START_TEST(step_over_a_branch_to_nowhere)
{
  g.cpu->gpr[CPU_RAX] = 0x8000000000000000ull;
  run_with_tf("\xFF\xE0", 2); /* jmp rax */
  ck_exception(&g, 13, 0);
}
END_TEST

/* Register operand twice: both halves of the result are the sums of neighbours. */
START_TEST(horizontal_sums_of_one_register)
{
  const int16_t words[8] = {1, 2, 30, 40, 32767, 1, -32768, -1};
  const int16_t sum[8] = {3, 70, -32768, 32767, 3, 70, -32768, 32767};
  const int16_t saturated[8] = {3, 70, 32767, -32768, 3, 70, 32767, -32768};
  const int32_t dwords[4] = {1, 2, 2147483647, 1}, difference[4] = {-1, 2147483646, -1, 2147483646};
  M128A value;
  memcpy(&value, words, 16);
  cpu_set_xmm(g.cpu, 9, 1, &value);
  RUN(&g, "\x66\x45\x0F\x38\x01\xC9\xCC"); /* phaddw xmm9, xmm9 */
  ck_int3(&g, 6);
  cpu_get_xmm(g.cpu, 9, 1, &value);
  ck_assert_mem_eq(&value, sum, 16);
  memcpy(&value, words, 16);
  cpu_set_xmm(g.cpu, 1, 1, &value);
  RUN(&g, "\x66\x0F\x38\x03\xC9\xCC"); /* phaddsw xmm1, xmm1 */
  ck_int3(&g, 5);
  cpu_get_xmm(g.cpu, 1, 1, &value);
  ck_assert_mem_eq(&value, saturated, 16);
  memcpy(&value, dwords, 16);
  cpu_set_xmm(g.cpu, 1, 1, &value);
  RUN(&g, "\x66\x0F\x38\x06\xC9\xCC"); /* phsubd xmm1, xmm1 */
  ck_int3(&g, 5);
  cpu_get_xmm(g.cpu, 1, 1, &value);
  ck_assert_mem_eq(&value, difference, 16);
}
END_TEST

START_TEST(flags_and_ah_with_rex)
{
  g.cpu->gpr[CPU_RAX] = 0xD500;
  uint64_t rsp = STACK_TOP - 0x100;
  RUN(&g, "\x48\x9E\xCC"); /* sahf */
  ck_int3(&g, 2);
  ck_assert_uint_eq(g.cpu->rflags & 0xFF, 0xD7);
  g.cpu->gpr[CPU_RAX] = 0;
  RUN(&g, "\x48\x9F\xCC"); /* lahf */
  ck_int3(&g, 2);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 0x200);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RSP], rsp);
}
END_TEST

/* A write-copy page: the instruction is repeated, so the carry that it rotates in must still be there. */
START_TEST(rotate_that_faults_keeps_the_carry)
{
  static const char code[] = "\xF9\xD0\x10\xCC"; /* stc; rcl byte [rax], 1 */
  uint8_t *byte = space_host(g.space, READ_ONLY, 1);
  *byte = 0x01;
  g.cpu->gpr[CPU_RAX] = READ_ONLY;
  RUN(&g, code);
  ck_page_fault(&g, 7, READ_ONLY, 1);
  ck_assert_uint_eq(g.cpu->rflags & 1, 1);
  guest_pages(g.space, READ_ONLY, 1, RW);
  guest_continue(&g);
  ck_int3(&g, 3);
  ck_assert_uint_eq(*byte, 0x03);
  ck_assert_uint_eq(g.cpu->rflags & 1, 0);
}
END_TEST

START_TEST(ret_of_many_bytes)
{
  uint64_t target = CODE + 0x40;
  guest_put(g.space, CODE + 0x40, "\xCC", 1);
  memcpy(space_host(g.space, STACK_TOP - 0x100, 8), &target, 8);
  RUN(&g, "\xC2\x00\x80");
  ck_int3(&g, 0x40);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RSP], STACK_TOP - 0x100 + 8 + 0x8000);
}
END_TEST

START_TEST(encodings_that_do_not_exist)
{
  static const struct {
    const char *code;
    size_t size;
  } row[] = {
      {"\xF3\x0F\x63\xC1", 4},     /* packsswb with F3 */
      {"\x66\x0F\xC3\x00", 4},     /* movnti with 66 */
      {"\x0F\x50\x00", 3},         /* movmskps of memory */
      {"\x0F\x71\x20\x01", 4},     /* psraw of memory by a number */
      {"\x66\x0F\x38\x37\xC1", 5}, /* pcmpgtq: SSE4.2 */
      {"\x0F\x38\xC8\xC1", 4},     /* sha1nexte */
      {"\x0F\x38\xF0\x00", 4},     /* movbe */
      {"\xF2\x0F\x2B\x00", 4},     /* movntsd: SSE4A */
      {"\x44\x0F\x38\x1D\xC6", 5}, /* pabsw mm0, mm6 with REX.R: the engine would write behind mm7 */
  };
  g.cpu->gpr[CPU_RAX] = DATA;
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
    guest_put(g.space, CODE, row[i].code, row[i].size);
    guest_put(g.space, CODE + row[i].size, "\xCC", 1);
    g.cpu->rip = CODE;
    guest_continue(&g);
    ck_exception(&g, 6, 0);
  }
}
END_TEST

int main(void)
{
  Suite *s = suite_create("emu_fixup");
  TCase *t = tcase_create("fixup");
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_add_test(t, pause_is_one_step);
  tcase_add_test(t, pause_at_page_end);
  tcase_add_test(t, non_canonical_through_the_stack);
  tcase_add_test(t, control_registers_that_do_not_exist);
  tcase_add_test(t, step_over_a_branch_to_nowhere);
  tcase_add_test(t, horizontal_sums_of_one_register);
  tcase_add_test(t, flags_and_ah_with_rex);
  tcase_add_test(t, rotate_that_faults_keeps_the_carry);
  tcase_add_test(t, ret_of_many_bytes);
  tcase_add_test(t, encodings_that_do_not_exist);
  suite_add_tcase(s, t);
  return run_suite(s);
}
