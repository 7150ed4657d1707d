/* SPDX-License-Identifier: GPL-2.0-or-later */
/* #AC: with EFLAGS.AC, accesses that are not aligned fault with error code 0 (spec/1.1, vector 17). */
#include "guest.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static struct guest g;

static void setup(void) { guest_open(&g); }
static void teardown(void) { guest_close(&g); }

static unsigned run_flags(const char *code, size_t size, uint64_t flags)
{
  uint8_t bytes[40] = {0x90};
  memcpy(bytes + 1, code, size);
  bytes[1 + size] = 0xCC;
  guest_put(g.space, CODE, bytes, sizeof bytes);
  g.cpu->rip = CODE;
  g.cpu->rflags = EFLAGS_IF | 2 | flags;
  guest_continue(&g);
  return g.trap.vector;
}

/* `at` takes [rbx]; whether it faults where RBX is a multiple of `good` and where it is only one of `bad`. */
struct row {
  const char *name, *code;
  size_t size;
  unsigned alignment;
};
#define ROW(name, code, alignment)                                                                                     \
  {                                                                                                                    \
    name, code, sizeof(code) - 1, alignment                                                                            \
  }

static const struct row rows[] = {
    ROW("mov al, [rbx]", "\x8A\x03", 1),
    ROW("mov ax, [rbx]", "\x66\x8B\x03", 2),
    ROW("mov eax, [rbx]", "\x8B\x03", 4),
    ROW("mov [rbx], eax", "\x89\x03", 4),
    ROW("mov rax, [rbx]", "\x48\x8B\x03", 8),
    ROW("add [rbx], rax", "\x48\x01\x03", 8),
    ROW("cmp byte [rbx], 1", "\x80\x3B\x01", 1),
    ROW("movzx eax, word [rbx]", "\x0F\xB7\x03", 2),
    ROW("setz [rbx]", "\x0F\x94\x03", 1),
    ROW("cmpxchg8b [rbx]", "\x0F\xC7\x0B", 8),
    ROW("push qword [rbx]", "\xFF\x33", 8),
    ROW("fld dword [rbx]", "\xD9\x03", 4),
    ROW("fld qword [rbx]", "\xDD\x03", 8),
    ROW("fld tbyte [rbx]", "\xDB\x2B", 8),
    ROW("fild word [rbx]", "\xDF\x03", 2),
    ROW("movss xmm0, [rbx]", "\xF3\x0F\x10\x03", 4),
    ROW("movsd xmm0, [rbx]", "\xF2\x0F\x10\x03", 8),
    ROW("movups xmm0, [rbx]", "\x0F\x10\x03", 16),
    ROW("movdqu [rbx], xmm0", "\xF3\x0F\x7F\x03", 16),
    ROW("movq mm0, [rbx]", "\x0F\x6F\x03", 8),
    ROW("ldmxcsr [rbx]", "\x0F\xAE\x13", 4),
    ROW("pmovzxbw xmm0, [rbx]", "\x66\x0F\x38\x30\x03", 8),
    ROW("lea rax, [rbx]", "\x48\x8D\x03", 1),
    ROW("prefetcht0 [rbx]", "\x0F\x18\x0B", 1),
    ROW("nop [rbx]", "\x0F\x1F\x03", 1),
    ROW("lock inc dword [rbx]", "\xF0\xFF\x03", 4),
};

START_TEST(each_size_has_its_alignment)
{
  for (size_t i = 0; i < COUNT(rows); i++) {
    for (unsigned low = 0; low < 16; low++) {
      g.cpu->gpr[CPU_RBX] = DATA + 0x100 + low;
      g.cpu->gpr[CPU_RSP] = STACK_TOP - 0x100;
      memset(space_host(g.space, DATA, 0x200), 0, 0x200);
      unsigned vector = run_flags(rows[i].code, rows[i].size, EFLAGS_AC);
      if (low % rows[i].alignment == 0) {
        ck_assert_msg(vector == 3 && g.cpu->rip == CODE + rows[i].size + 2, "%s at %x: vector %u", rows[i].name, low,
                      vector);
      } else {
        ck_assert_msg(vector == 17 && g.cpu->rip == CODE + 1, "%s at %x: vector %u", rows[i].name, low, vector);
        ck_assert(g.trap.has_error_code);
        ck_assert_uint_eq(g.trap.error_code, 0);
        ck_assert_uint_eq(g.cpu->rflags & (EFLAGS_AC | EFLAGS_RF), EFLAGS_AC | EFLAGS_RF);
      }
      g.cpu->gpr[CPU_RSP] = STACK_TOP - 0x100;
      memset(space_host(g.space, DATA, 0x200), 0, 0x200);
      ck_assert_uint_eq(run_flags(rows[i].code, rows[i].size, 0), 3);
    }
  }
}
END_TEST

START_TEST(stack_and_string_accesses)
{
  static const struct row stack[] = {
      ROW("push rax", "\x50", 8),    ROW("pop rax", "\x58", 8),         ROW("push 1", "\x6A\x01", 8),
      ROW("pushfq", "\x9C", 8),      ROW("call +0", "\xE8\0\0\0\0", 8), ROW("leave", "\xC9", 8),
      ROW("push ax", "\x66\x50", 2),
  };
  static const struct row string[] = {
      ROW("movsb", "\xA4", 1),     ROW("movsq", "\x48\xA5", 8),         ROW("stosd", "\xAB", 4),
      ROW("lodsw", "\x66\xAD", 2), ROW("rep stosq", "\xF3\x48\xAB", 8), ROW("scasd", "\xAF", 4),
  };
  for (unsigned low = 0; low < 8; low++) {
    for (size_t i = 0; i < COUNT(stack); i++) {
      g.cpu->gpr[CPU_RSP] = g.cpu->gpr[CPU_RBP] = STACK_TOP - 0x100 + low;
      unsigned expected = low % stack[i].alignment == 0 ? 3 : 17;
      ck_assert_msg(run_flags(stack[i].code, stack[i].size, EFLAGS_AC) == expected, "%s at %x: vector %u",
                    stack[i].name, low, g.trap.vector);
    }
    for (size_t i = 0; i < COUNT(string); i++) {
      g.cpu->gpr[CPU_RCX] = 2;
      g.cpu->gpr[CPU_RSI] = g.cpu->gpr[CPU_RDI] = DATA + 0x100 + low;
      unsigned expected = low % string[i].alignment == 0 ? 3 : 17;
      ck_assert_msg(run_flags(string[i].code, string[i].size, EFLAGS_AC) == expected, "%s at %x: vector %u",
                    string[i].name, low, g.trap.vector);
    }
  }
  g.cpu->gpr[CPU_RCX] = 0; /* nothing is accessed */
  ck_assert_uint_eq(run_flags("\xF3\x48\xAB", 3, EFLAGS_AC), 3);
}
END_TEST

START_TEST(popf_and_iret_that_set_ac_count_from_the_next_instruction_on)
{
  /* nop; popfq; mov eax, [rbx]; mov eax, [rbx + 1] */
  const uint64_t flags = EFLAGS_IF | 2 | EFLAGS_AC;
  g.cpu->gpr[CPU_RBX] = DATA;
  guest_put(g.space, STACK_TOP - 0x100, &flags, sizeof flags);
  for (unsigned turn = 0; turn < 2; turn++) {
    RUN(&g, "\x90\x9D\x8B\x03\x8B\x43\x01\xCC");
    ck_exception(&g, 17, 4);
    ck_assert_uint_ne(g.cpu->rflags & EFLAGS_AC, 0);
  }
  /* The popfq itself is not checked by what it loads. */
  guest_put(g.space, STACK_TOP - 0x100 + 1, &flags, sizeof flags);
  RUN(&g, "\x48\xFF\xC4\x9D\x8B\x43\x01\xCC"); /* inc rsp; popfq; ... */
  ck_exception(&g, 17, 4);
  /* One that clears it. */
  const uint64_t plain = EFLAGS_IF | 2;
  guest_put(g.space, STACK_TOP - 0x100, &plain, sizeof plain);
  g.cpu->gpr[CPU_RSP] = STACK_TOP - 0x100;
  ck_assert_uint_eq(run_flags("\x9D\x8B\x43\x01", 4, EFLAGS_AC), 3);
  ck_assert_uint_eq(g.cpu->rip, CODE + 6);
  const uint64_t frame[5] = {CODE + 2, KGDT64_R3_CODE, flags, STACK_TOP - 0x200, KGDT64_R3_DATA};
  guest_put(g.space, STACK_TOP - 0x100, frame, sizeof frame);
  RUN(&g, "\x48\xCF\x8B\x03\x8B\x43\x01\xCC"); /* iretq */
  ck_exception(&g, 17, 4);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RSP], STACK_TOP - 0x200);
}
END_TEST

START_TEST(steps_breakpoints_and_budget_while_ac_is_set)
{
  g.cpu->gpr[CPU_RBX] = DATA;
  guest_put(g.space, CODE, "\x8B\x03\x8B\x43\x01\xCC", 6);
  g.cpu->rip = CODE;
  g.cpu->rflags = EFLAGS_IF | 2 | EFLAGS_AC | EFLAGS_TF;
  guest_continue(&g);
  ck_exception(&g, 1, 2);
  guest_continue(&g);
  ck_exception(&g, 17, 2);
  /* The breakpoint comes first, and RF does not keep the fault away. */
  g.cpu->dr[0] = CODE + 3;
  g.cpu->dr[7] = 0x401;
  ck_assert_uint_eq(run_flags("\x8B\x03\x8B\x43\x01", 5, EFLAGS_AC), 1);
  ck_exception(&g, 1, 3);
  g.cpu->rflags |= EFLAGS_RF;
  guest_continue(&g);
  ck_exception(&g, 17, 3);
  g.cpu->dr[7] = 0x400;
  /* A loop ends with its budget: jmp $ */
  guest_put(g.space, CODE, "\xEB\xFE", 2);
  g.cpu->rip = CODE;
  g.cpu->rflags = EFLAGS_IF | 2 | EFLAGS_AC;
  cpu_run(g.space, g.cpu, 100, &g.trap);
  ck_assert_uint_eq(g.trap.kind, CPU_TRAP_BUDGET);
  ck_assert_uint_eq(g.trap.blocks, 100);
  g.stop = 1;
  guest_continue(&g);
  ck_assert_uint_eq(g.trap.kind, CPU_TRAP_STOPPED);
  g.stop = 0;
}
END_TEST

START_TEST(an_access_behind_a_load_of_ss_is_checked)
{
  g.cpu->gpr[CPU_RBX] = DATA;
  g.cpu->gpr[CPU_RAX] = KGDT64_R3_DATA;
  ck_assert_uint_eq(run_flags("\x8E\xD0\x8B\x43\x01", 5, EFLAGS_AC), 17); /* mov ss, ax; mov eax, [rbx + 1] */
  ck_assert_uint_eq(g.cpu->rip, CODE + 3);
}
END_TEST

START_TEST(other_faults_of_a_misaligned_access)
{
  g.cpu->gpr[CPU_RBX] = ABSENT;
  ck_assert_uint_eq(run_flags("\x8B\x03", 2, EFLAGS_AC), 14);
  g.cpu->gpr[CPU_RBX] = 0x800000000001ull;
  ck_assert_uint_eq(run_flags("\x8B\x03", 2, EFLAGS_AC), 13);
  g.cpu->gpr[CPU_RBX] = DATA + 1;
  ck_assert_uint_eq(run_flags("\x0F\x28\x03", 3, EFLAGS_AC), 13); /* movaps */
  ck_assert_uint_eq(run_flags("\xF0\x8B\x03", 3, EFLAGS_AC), 6);  /* lock mov */
  ck_assert_uint_eq(run_flags("\x0F\x05", 2, EFLAGS_AC), 0);
  ck_assert_uint_eq(g.trap.kind, CPU_TRAP_SYSCALL);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("emu alignment");
  TCase *t = tcase_create("alignment");
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_set_timeout(t, 60);
  tcase_add_test(t, each_size_has_its_alignment);
  tcase_add_test(t, stack_and_string_accesses);
  tcase_add_test(t, popf_and_iret_that_set_ac_count_from_the_next_instruction_on);
  tcase_add_test(t, steps_breakpoints_and_budget_while_ac_is_set);
  tcase_add_test(t, an_access_behind_a_load_of_ss_is_checked);
  tcase_add_test(t, other_faults_of_a_misaligned_access);
  suite_add_tcase(s, t);
  return run_suite(s);
}
