/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every kind of trap, as the processor reports it (spec/6.2, spec/1.1). */
#include "guest.h"

static struct guest g;

static void setup(void) { guest_open(&g); }
static void teardown(void) { guest_close(&g); }

START_TEST(int3_is_software_and_rip_is_after_it)
{
  g.cpu->gpr[CPU_RAX] = 0x1122334455667788;
  RUN(&g, "\x90\xCC");
  ck_int3(&g, 1);
  ck_assert(!g.trap.has_error_code);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 0x1122334455667788);
  ck_assert_uint_eq(g.cpu->rflags & EFLAGS_RF, 0);
}
END_TEST

START_TEST(int_n_is_software_with_its_vector)
{
  RUN(&g, "\xCD\x2D");
  ck_exception(&g, 0x2D, 2);
  ck_assert(g.trap.software);
  RUN(&g, "\xCD\x03");
  ck_exception(&g, 3, 2);
  ck_assert(g.trap.software);
  RUN(&g, "\xCD\x01");
  ck_exception(&g, 1, 2);
  ck_assert(g.trap.software && !g.trap.icebp);
  RUN(&g, "\xCD\x0E");
  ck_exception(&g, 14, 2);
  ck_assert(g.trap.software && !g.trap.has_error_code);
  RUN(&g, "\xCD\xFF");
  ck_exception(&g, 0xFF, 2);
}
END_TEST

START_TEST(syscall_stops_at_the_instruction_without_effects)
{
  g.cpu->gpr[CPU_RCX] = 5;
  g.cpu->gpr[CPU_R11] = 6;
  RUN(&g, "\xB8\x34\x12\x00\x00\x0F\x05\xCC");
  ck_assert_uint_eq(g.trap.kind, CPU_TRAP_SYSCALL);
  ck_assert_uint_eq(g.cpu->rip, CODE + 5);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 0x1234);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RCX], 5);
  ck_assert_uint_eq(g.cpu->gpr[CPU_R11], 6);
  g.cpu->gpr[CPU_RAX] = 0xC0000002;
  g.cpu->rip += 2;
  guest_continue(&g);
  ck_int3(&g, 7);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 0xC0000002);
}
END_TEST

START_TEST(page_fault_read_write_execute)
{
  g.cpu->gpr[CPU_RBX] = ABSENT + 0x123;
  RUN(&g, "\x90\x8A\x03\xCC"); /* mov al, [rbx] */
  ck_page_fault(&g, 4, ABSENT + 0x123, 1);
  ck_assert_uint_ne(g.cpu->rflags & EFLAGS_RF, 0);
  RUN(&g, "\x88\x03\xCC");
  ck_page_fault(&g, 6, ABSENT + 0x123, 0);
  g.cpu->gpr[CPU_RBX] = READ_ONLY + 8;
  RUN(&g, "\x88\x03\xCC");
  ck_page_fault(&g, 7, READ_ONLY + 8, 0);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("emu traps");
  TCase *t = tcase_create("traps");
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_set_timeout(t, 30);
  tcase_add_test(t, int3_is_software_and_rip_is_after_it);
  tcase_add_test(t, int_n_is_software_with_its_vector);
  tcase_add_test(t, syscall_stops_at_the_instruction_without_effects);
  tcase_add_test(t, page_fault_read_write_execute);
  suite_add_tcase(s, t);
  return run_suite(s);
}
