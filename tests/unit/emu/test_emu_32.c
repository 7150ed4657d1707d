/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same traps, checks and breakpoints from a 32-bit code segment (CS 23), and the ways between the modes. */
#include "guest.h"

#define CODE_32 0x60000ull
#define DR6_BITS 0xE00Fu
#define DR6_BS 0x4000u

static struct guest g;

static void setup(void)
{
  guest_open(&g);
  guest_pages(g.space, CODE_32, 1, RX);
}
static void teardown(void) { guest_close(&g); }

static void run_32(const void *code, size_t size)
{
  guest_put(g.space, CODE_32, code, size);
  g.cpu->rip = CODE_32;
  g.cpu->cs = KGDT64_R3_CMCODE;
  g.cpu->rflags = EFLAGS_IF | 2;
  g.cpu->gpr[CPU_RSP] = STACK_TOP - 0x100;
  guest_continue(&g);
}
#define RUN_32(code) run_32(code, sizeof(code) - 1)

#define ck_at(v, offset)                                                                                               \
  do {                                                                                                                 \
    ck_exception(&g, v, CODE_32 - CODE + (offset));                                                                    \
    ck_assert_uint_eq(g.cpu->cs, KGDT64_R3_CMCODE);                                                                    \
  } while (0)

START_TEST(vectors_of_spec_1_1)
{
  RUN_32("\x90\xCC");
  ck_at(3, 2);
  RUN_32("\xCD\x2D");
  ck_at(0x2D, 2);
  RUN_32("\xF1");
  ck_at(1, 1);
  ck_assert(g.trap.icebp);
  RUN_32("\x31\xC9\xF7\xF1"); /* xor ecx, ecx; div ecx */
  ck_at(0, 2);
  RUN_32("\x66\x0F\x0B");
  ck_at(6, 0);
  RUN_32("\xFA");
  ck_at(13, 0);
  RUN_32("\xE4\x60");
  ck_at(13, 0);
  ck_assert_uint_eq(g.trap.error_code, 0);
  RUN_32("\x6E");
  ck_at(13, 0);
  RUN_32("\xA1\x00\x00\x03\x00"); /* mov eax, [30000] */
  ck_at(14, 0);
  ck_assert_uint_eq(g.trap.fault_address, ABSENT);
  ck_assert_uint_eq(g.trap.error_code, 4);
}
END_TEST

START_TEST(into_and_bound)
{
  RUN_32("\xB0\x7F\x04\x01\xCE\xCC"); /* mov al, 7F; add al, 1; into */
  ck_at(4, 5);
  ck_assert(g.trap.software);
  guest_put(g.space, DATA, "\x00\x00\x00\x00\x05\x00\x00\x00", 8);
  g.cpu->gpr[CPU_RAX] = 6;
  g.cpu->gpr[CPU_RBX] = DATA;
  RUN_32("\x62\x03\xCC"); /* bound eax, [ebx] */
  ck_at(5, 0);
  g.cpu->gpr[CPU_RAX] = 5;
  RUN_32("\x62\x03\xCC");
  ck_at(3, 3);
}
END_TEST

START_TEST(aligned_sse_and_vex)
{
  g.cpu->gpr[CPU_RBX] = DATA;
  RUN_32("\x0F\x28\x03\xCC");
  ck_at(3, 4);
  g.cpu->gpr[CPU_RBX] = DATA + 4;
  RUN_32("\x0F\x28\x03\xCC");
  ck_at(13, 0);
  RUN_32("\x0F\x28\x05\x08\x00\x02\x00\xCC"); /* movaps xmm0, [20008] */
  ck_at(13, 0);
  RUN_32("\xC5\xF8\x58\xC1\xCC"); /* vaddps */
  ck_at(6, 0);
  g.cpu->gpr[CPU_RBX] = DATA;
  guest_put(g.space, DATA, "\x78\x56\x34\x12\x2B\x00", 6);
  RUN_32("\xC5\x03\xCC"); /* lds eax, [ebx] */
  ck_at(3, 3);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 0x12345678);
  RUN_32("\xF0\x39\xC8"); /* lock cmp eax, ecx */
  ck_at(6, 0);
}
END_TEST

START_TEST(loope_counts_ecx_or_cx)
{
  g.cpu->gpr[CPU_RCX] = 1;
  RUN_32("\xE1\x01\xCC\xCC");
  ck_at(3, 3);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RCX], 0);
  g.cpu->gpr[CPU_RCX] = 0x50001;
  RUN_32("\x67\xE0\x01\xCC\xCC");
  ck_at(3, 4);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RCX], 0x50000);
}
END_TEST

START_TEST(steps_and_breakpoints)
{
  guest_put(g.space, CODE_32, "\x40\x16\x17\x40\x40\xCC", 6); /* inc eax; push ss; pop ss; inc eax; inc eax */
  g.cpu->rip = CODE_32;
  g.cpu->cs = KGDT64_R3_CMCODE;
  g.cpu->gpr[CPU_RSP] = STACK_TOP - 0x100;
  g.cpu->rflags = EFLAGS_IF | 2 | EFLAGS_TF;
  g.cpu->gpr[CPU_RAX] = 0;
  guest_continue(&g);
  ck_at(1, 1);
  ck_assert_uint_eq(g.cpu->dr[6] & DR6_BITS, DR6_BS);
  guest_continue(&g);
  ck_at(1, 2);
  guest_continue(&g); /* pop ss holds the trap for one instruction */
  ck_at(1, 4);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 2);
  g.cpu->dr[0] = CODE_32 + 1;
  g.cpu->dr[7] = 0x401;
  RUN_32("\x40\x40\xCC");
  ck_at(1, 1);
  ck_assert_uint_eq(g.cpu->dr[6] & DR6_BITS, 1);
  g.cpu->rflags |= EFLAGS_RF;
  guest_continue(&g);
  ck_at(3, 3);
}
END_TEST

START_TEST(data_breakpoints)
{
  g.cpu->dr[2] = DATA + 4;
  g.cpu->dr[7] = 0x400 | 1u << 4 | 0xDu << 24; /* write, 4 bytes */
  RUN_32("\xA3\x04\x00\x02\x00\xCC"); /* mov [20004], eax */
  ck_at(1, 5);
  ck_assert_uint_eq(g.cpu->dr[6] & DR6_BITS, 4);
  g.cpu->dr[2] = STACK_TOP - 0x104;
  RUN_32("\x60\x61\xCC"); /* pusha; popa */
  ck_at(1, 1);
  guest_continue(&g);
  ck_at(3, 3);
}
END_TEST

START_TEST(far_jumps_between_the_modes)
{
  static const uint8_t to_32[] = {0x00, 0x00, 0x06, 0x00, 0x23, 0x00};
  static const uint8_t to_64[] = {0xEA, 0x00, 0x20, 0x06, 0x00, 0x33, 0x00}; /* jmp 33:62000 */
  guest_pages(g.space, CODE_32 + 0x2000, 1, RX);
  guest_put(g.space, DATA, to_32, sizeof to_32);
  guest_put(g.space, CODE_32, to_64, sizeof to_64);
  guest_put(g.space, CODE_32 + 0x2000, "\x48\xB8\x01\x00\x00\x00\x01\x00\x00\x00\x0F\x28\x03\xCC", 14);
  g.cpu->gpr[CPU_RBX] = DATA;
  RUN(&g, "\xFF\x2B"); /* jmp far [rbx] */
  ck_int3(&g, CODE_32 + 0x2000 + 13 - CODE);
  ck_assert_uint_eq(g.cpu->cs, KGDT64_R3_CODE);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 0x100000001ull);
  /* Step by step. */
  g.cpu->rip = CODE;
  g.cpu->rflags = EFLAGS_IF | 2 | EFLAGS_TF;
  guest_continue(&g);
  ck_at(1, 0);
  guest_continue(&g);
  ck_exception(&g, 1, CODE_32 + 0x2000 - CODE);
  ck_assert_uint_eq(g.cpu->cs, KGDT64_R3_CODE);
}
END_TEST

START_TEST(iretd_takes_no_vm)
{
  /* eip, cs 23, flags with VM, IF and CF */
  guest_put(g.space, STACK_TOP - 0x100, "\x03\x00\x06\x00\x23\x00\x00\x00\x03\x02\x02\x00", 12);
  RUN_32("\x90\xCF\x90\x90\xCC");
  ck_at(3, 5);
  ck_assert_uint_eq(g.cpu->rflags, EFLAGS_IF | 3);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RSP], STACK_TOP - 0x100 + 12);
  ck_assert_uint_eq(guest_u64(g.space, STACK_TOP - 0x100 + 8) & 0xFFFFFFFF, 0x20203);
}
END_TEST

START_TEST(sysenter_has_no_target)
{
  for (unsigned warm = 0; warm < 2; warm++) {
    RUN_32("\x40\x0F\x34\xCC"); /* inc eax; sysenter */
    ck_at(13, 1);
    ck_assert(g.trap.has_error_code);
    ck_assert_uint_eq(g.trap.error_code, 0);
  }
}
END_TEST

START_TEST(privileged_instructions_are_decoded_in_their_mode)
{
  unsigned length;
  ck_assert(emu_decode_privileged((const uint8_t *)"\x40\xFA", 2, true, &length)); /* with REX */
  ck_assert_uint_eq(length, 2);
  ck_assert(!emu_decode_privileged((const uint8_t *)"\x40\xFA", 2, false, &length)); /* inc eax */
  ck_assert_uint_eq(length, 1);
  ck_assert(emu_decode_privileged((const uint8_t *)"\x2E\xFA", 2, false, &length));
  ck_assert_uint_eq(length, 2);
  ck_assert(!emu_decode_privileged((const uint8_t *)"\xEA\0\0\0\0\x10\0", 7, false, &length));
  ck_assert_uint_eq(length, 7);
  ck_assert(!emu_decode_privileged((const uint8_t *)"\xEA\0\0\0\0\x10\0", 7, true, &length));
  ck_assert_uint_eq(length, 0);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("emu 32-bit");
  TCase *t = tcase_create("32");
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_set_timeout(t, 60);
  tcase_add_test(t, vectors_of_spec_1_1);
  tcase_add_test(t, into_and_bound);
  tcase_add_test(t, aligned_sse_and_vex);
  tcase_add_test(t, loope_counts_ecx_or_cx);
  tcase_add_test(t, steps_and_breakpoints);
  tcase_add_test(t, data_breakpoints);
  tcase_add_test(t, far_jumps_between_the_modes);
  tcase_add_test(t, iretd_takes_no_vm);
  tcase_add_test(t, sysenter_has_no_target);
  tcase_add_test(t, privileged_instructions_are_decoded_in_their_mode);
  suite_add_tcase(s, t);
  return run_suite(s);
}
