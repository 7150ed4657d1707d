/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data breakpoints: a trap after the access, exact to the byte, and nothing else changes (spec/2.5, spec/6.2). */
#include "guest.h"

#define DR6_BITS 0xE00Fu
#define DR6_BS 0x4000u
enum kind { ON_WRITE = 1, ON_PORT = 2, ON_ACCESS = 3 };

static struct guest g;

static void setup(void) { guest_open(&g); }
static void teardown(void) { guest_close(&g); }

static void watch(cpu *c, unsigned n, uint64_t va, enum kind kind, unsigned size)
{
  unsigned length = size == 8 ? 2 : size - 1;
  c->dr[n] = va;
  c->dr[7] &= ~(0xFull << (16 + 4 * n));
  c->dr[7] |= 1ull << (2 * n) | (uint64_t)((unsigned)kind | length << 2) << (16 + 4 * n);
}

static void clear(void) { g.cpu->dr[7] = 0x400, g.cpu->dr[6] = 0xFFFF0FF0; }

#define ck_hit(bits, offset)                                                                                           \
  do {                                                                                                                 \
    ck_exception(&g, 1, offset);                                                                                       \
    ck_assert(!g.trap.software && !g.trap.icebp && !g.trap.has_error_code);                                            \
    ck_assert_uint_eq(g.cpu->dr[6] & DR6_BITS, (bits));                                                                \
  } while (0)

START_TEST(write_is_reported_after_the_instruction)
{
  g.cpu->gpr[CPU_RBX] = DATA + 0x10;
  g.cpu->gpr[CPU_RAX] = 0x1122334455667788ull;
  watch(g.cpu, 1, DATA + 0x10, ON_WRITE, 4);
  RUN(&g, "\x90\x89\x03\x90\xCC"); /* nop; mov [rbx], eax; nop; int3 */
  ck_hit(2, 3);
  ck_assert_uint_eq(guest_u64(g.space, DATA + 0x10), 0x55667788);
  ck_assert_uint_eq(g.cpu->rflags & (EFLAGS_TF | EFLAGS_RF), 0);
  guest_continue(&g);
  ck_int3(&g, 4);
}
END_TEST

START_TEST(reads_fire_for_read_write_only)
{
  g.cpu->gpr[CPU_RBX] = DATA + 0x10;
  watch(g.cpu, 0, DATA + 0x10, ON_WRITE, 8);
  RUN(&g, "\x8B\x03\xCC");
  ck_int3(&g, 2);
  watch(g.cpu, 0, DATA + 0x10, ON_ACCESS, 8);
  RUN(&g, "\x8B\x03\xCC");
  ck_hit(1, 2);
  RUN(&g, "\x89\x03\xCC");
  ck_hit(1, 2);
  watch(g.cpu, 0, DATA + 0x10, ON_PORT, 8);
  RUN(&g, "\x8B\x03\x89\x03\xCC");
  ck_int3(&g, 4);
}
END_TEST

START_TEST(each_byte_of_each_length_and_none_beside)
{
  static const unsigned lengths[] = {1, 2, 4, 8};
  for (size_t k = 0; k < 4; k++) {
    for (unsigned at = 0; at < 24; at++) {
      clear();
      watch(g.cpu, 0, DATA + 8, ON_WRITE, lengths[k]);
      g.cpu->gpr[CPU_RBX] = DATA + at;
      RUN(&g, "\x88\x03\xCC"); /* a byte */
      if (at >= 8 && at < 8 + lengths[k])
        ck_hit(1, 2);
      else
        ck_int3(&g, 2);
      RUN(&g, "\x48\x89\x03\xCC"); /* eight bytes */
      if (at + 8 > 8 && at < 8 + lengths[k])
        ck_hit(1, 3);
      else
        ck_int3(&g, 3);
    }
  }
}
END_TEST

START_TEST(low_bits_of_the_address_do_not_count)
{
  watch(g.cpu, 0, DATA + 0xE, ON_WRITE, 8); /* DATA + 8 .. F */
  g.cpu->gpr[CPU_RBX] = DATA + 8;
  RUN(&g, "\x88\x03\xCC");
  ck_hit(1, 2);
  g.cpu->gpr[CPU_RBX] = DATA + 0x10;
  RUN(&g, "\x88\x03\xCC");
  ck_int3(&g, 2);
}
END_TEST

START_TEST(all_that_are_hit_are_named)
{
  watch(g.cpu, 0, DATA + 0, ON_WRITE, 1);
  watch(g.cpu, 1, DATA + 4, ON_ACCESS, 4);
  watch(g.cpu, 2, DATA + 8, ON_WRITE, 8);
  watch(g.cpu, 3, DATA + 7, ON_WRITE, 1);
  g.cpu->gpr[CPU_RBX] = DATA + 4;
  RUN(&g, "\x48\x89\x03\xCC");
  ck_hit(2 | 4 | 8, 3);
  g.cpu->dr[7] &= ~(1ull << 4); /* number 2 is off */
  RUN(&g, "\x48\x89\x03\xCC");
  ck_hit(2 | 8, 3);
  g.cpu->dr[7] = (g.cpu->dr[7] & ~0xFFull) | 2; /* enabled by the global bit */
  g.cpu->gpr[CPU_RBX] = DATA;
  RUN(&g, "\x88\x03\xCC");
  ck_hit(1, 2);
}
END_TEST

START_TEST(stack_accesses_of_push_call_ret_and_pop)
{
  uint64_t rsp = STACK_TOP - 0x100;
  watch(g.cpu, 0, rsp - 8, ON_WRITE, 8);
  RUN(&g, "\x50\x58\xCC"); /* push; pop */
  ck_hit(1, 1);
  guest_continue(&g);
  ck_int3(&g, 2);
  RUN(&g, "\xE8\x00\x00\x00\x00\xCC"); /* call */
  ck_hit(1, 5);
  ck_assert_uint_eq(guest_u64(g.space, rsp - 8), CODE + 5);
  watch(g.cpu, 0, rsp - 8, ON_ACCESS, 8);
  RUN(&g, "\xE8\x01\x00\x00\x00\xCC\xC3");
  ck_hit(1, 6);
  guest_continue(&g);
  ck_hit(1, 5);
  RUN(&g, "\x9C\xCC"); /* pushf: a step of the processor's own does not show */
  ck_hit(1, 1);
  ck_assert_uint_eq(guest_u64(g.space, rsp - 8), EFLAGS_IF | 2);
}
END_TEST

START_TEST(both_accesses_of_one_instruction_count)
{
  g.cpu->gpr[CPU_RSI] = DATA + 0x100;
  g.cpu->gpr[CPU_RDI] = DATA + 0x200;
  watch(g.cpu, 0, DATA + 0x200, ON_WRITE, 8);
  watch(g.cpu, 1, DATA + 0x100, ON_ACCESS, 8);
  for (unsigned turn = 0; turn < 3; turn++) {
    g.cpu->gpr[CPU_RSI] = DATA + 0x100;
    g.cpu->gpr[CPU_RDI] = DATA + 0x200;
    RUN(&g, "\x48\xA5\xCC"); /* movsq, both in one page */
    ck_hit(3, 2);
  }
  g.cpu->gpr[CPU_RBX] = DATA + 0x200;
  RUN(&g, "\xFF\x03\xCC"); /* inc dword: read and write */
  ck_hit(1, 2);
  g.cpu->gpr[CPU_RBX] = DATA + 0x1F8;
  RUN(&g, "\x0F\x29\x43\x08\xCC"); /* movaps: 16 bytes from 200 */
  ck_hit(1, 4);
  g.cpu->gpr[CPU_RBX] = DATA;
  RUN(&g, "\x0F\xAE\x03\xCC"); /* fxsave: 512 bytes, up to 1FF */
  ck_hit(2, 3);
}
END_TEST

START_TEST(inside_rep_after_the_iteration)
{
  g.cpu->gpr[CPU_RDI] = DATA;
  g.cpu->gpr[CPU_RCX] = 16;
  g.cpu->gpr[CPU_RAX] = 0x5A;
  watch(g.cpu, 2, DATA + 5, ON_WRITE, 1);
  RUN(&g, "\xF3\xAA\xCC");
  ck_hit(4, 0);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RCX], 10);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RDI], DATA + 6);
  ck_assert_uint_ne(g.cpu->rflags & EFLAGS_RF, 0);
  guest_continue(&g);
  ck_int3(&g, 2);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RCX], 0);
  /* The last iteration ends the instruction. */
  g.cpu->gpr[CPU_RDI] = DATA;
  g.cpu->gpr[CPU_RCX] = 6;
  RUN(&g, "\xF3\xAA\xCC");
  ck_assert_uint_eq(g.trap.vector, 1);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RCX], 0);
  guest_continue(&g);
  ck_int3(&g, 2);
}
END_TEST

START_TEST(only_the_thread_that_has_them)
{
  cpu *other[3];
  struct cpu_trap trap;
  guest_put(g.space, CODE, "\x88\x03\xCC", 3);
  g.cpu->rip = CODE;
  for (unsigned i = 0; i < 3; i++) {
    other[i] = cpu_create(g.emu);
    cpu_copy(other[i], g.cpu);
    other[i]->gpr[CPU_RBX] = DATA + 8 * i;
    watch(other[i], i, DATA + 8 * i, ON_WRITE, 8);
  }
  g.cpu->gpr[CPU_RBX] = DATA + 8;
  for (unsigned turn = 0; turn < 2; turn++) {
    for (unsigned i = 0; i < 3; i++) {
      other[i]->rip = CODE;
      other[i]->rflags = EFLAGS_IF | 2;
      cpu_run(g.space, other[i], FOREVER, &trap);
      ck_assert_uint_eq(trap.vector, 1);
      ck_assert_uint_eq(other[i]->dr[6] & DR6_BITS, 1u << i);
      g.cpu->rip = CODE;
      guest_continue(&g);
      ck_int3(&g, 2);
    }
  }
  for (unsigned i = 0; i < 3; i++)
    cpu_destroy(g.emu, other[i]);
}
END_TEST

START_TEST(with_tf_one_exception_has_both_causes)
{
  g.cpu->gpr[CPU_RBX] = DATA;
  watch(g.cpu, 0, DATA, ON_WRITE, 1);
  guest_put(g.space, CODE, "\x88\x03\x88\x43\x08\xCC", 6);
  g.cpu->rip = CODE;
  g.cpu->rflags = EFLAGS_IF | 2 | EFLAGS_TF;
  guest_continue(&g);
  ck_hit(DR6_BS | 1, 2);
  ck_assert_uint_ne(g.cpu->rflags & EFLAGS_TF, 0);
  guest_continue(&g); /* the same page, beside it */
  ck_hit(DR6_BS, 5);
}
END_TEST

START_TEST(with_an_execute_breakpoint_on_the_same_instruction)
{
  g.cpu->gpr[CPU_RBX] = DATA;
  watch(g.cpu, 0, DATA, ON_WRITE, 1);
  g.cpu->dr[1] = CODE;
  g.cpu->dr[7] |= 4;
  RUN(&g, "\x88\x03\xCC");
  ck_hit(2, 0);
  g.cpu->rflags |= EFLAGS_RF;
  guest_continue(&g);
  ck_hit(1, 2);
  guest_continue(&g);
  ck_int3(&g, 2);
}
END_TEST

START_TEST(real_faults_are_what_they_were)
{
  g.cpu->gpr[CPU_RBX] = READ_ONLY;
  watch(g.cpu, 0, READ_ONLY, ON_ACCESS, 8);
  RUN(&g, "\x88\x03\xCC");
  ck_page_fault(&g, 7, READ_ONLY, 0);
  RUN(&g, "\x8A\x03\xCC");
  ck_hit(1, 2);
  watch(g.cpu, 0, ABSENT, ON_ACCESS, 8);
  g.cpu->gpr[CPU_RBX] = ABSENT;
  RUN(&g, "\x88\x03\xCC");
  ck_page_fault(&g, 6, ABSENT, 0);
  guest_pages(g.space, ABSENT, 1, RW);
  guest_continue(&g);
  ck_hit(1, 2);
  /* Kernel addresses stay out of reach. */
  watch(g.cpu, 0, EMU_KERNEL_BASE, ON_ACCESS, 8);
  g.cpu->gpr[CPU_RBX] = EMU_KERNEL_BASE;
  RUN(&g, "\x8A\x03\xCC");
  ck_page_fault(&g, 5, EMU_KERNEL_BASE, 0);
}
END_TEST

START_TEST(straddling_accesses)
{
  /* Over the border of a watched page, from both sides, and into a page that cannot be written. */
  watch(g.cpu, 0, DATA + 0xFFF, ON_WRITE, 1);
  g.cpu->gpr[CPU_RBX] = DATA + 0xFFD;
  RUN(&g, "\x48\x89\x03\xCC");
  ck_hit(1, 3);
  watch(g.cpu, 0, DATA + 0x1000, ON_WRITE, 1);
  RUN(&g, "\x48\x89\x03\xCC");
  ck_hit(1, 3);
  watch(g.cpu, 0, DATA + 0x1008, ON_WRITE, 1);
  RUN(&g, "\x48\x89\x03\xCC");
  ck_int3(&g, 3);
  watch(g.cpu, 0, READ_ONLY - 1, ON_WRITE, 1);
  g.cpu->gpr[CPU_RBX] = READ_ONLY - 3;
  RUN(&g, "\x48\x89\x03\xCC");
  ck_page_fault(&g, 7, READ_ONLY, 0);
}
END_TEST

START_TEST(page_table_entries_look_untouched)
{
  guest_pages(g.space, DATA, 1, RW);
  g.cpu->gpr[CPU_RBX] = DATA + 0x800;
  watch(g.cpu, 0, DATA, ON_ACCESS, 8);
  RUN(&g, "\x90\xCC");
  ck_assert_uint_eq(space_pte(g.space, DATA), RW);
  RUN(&g, "\x8A\x03\xCC");
  ck_int3(&g, 2);
  ck_assert_uint_eq(space_pte(g.space, DATA), RW | PTE_ACCESSED);
  RUN(&g, "\x88\x03\xCC");
  ck_int3(&g, 2);
  ck_assert_uint_eq(space_pte(g.space, DATA), RW | PTE_ACCESSED | PTE_DIRTY);
  clear();
  RUN(&g, "\x88\x03\x8A\x03\xCC"); /* and the trick is gone */
  ck_int3(&g, 4);
}
END_TEST

START_TEST(host_writes_do_not_fire)
{
  watch(g.cpu, 0, DATA, ON_ACCESS, 8);
  guest_put(g.space, DATA, "12345678", 8);
  RUN(&g, "\x90\xCC");
  ck_int3(&g, 1);
}
END_TEST

START_TEST(mov_ss_holds_the_trap_for_one_instruction)
{
  guest_put(g.space, DATA, "\x2B\x00", 2);
  g.cpu->gpr[CPU_RBX] = DATA;
  watch(g.cpu, 0, DATA, ON_ACCESS, 2);
  RUN(&g, "\x8E\x13\x90\x90\xCC"); /* mov ss, [rbx]; nop; nop */
  ck_hit(1, 3);
  RUN(&g, "\x8E\x13\xCC"); /* into an int3, the trap is lost */
  ck_int3(&g, 2);
}
END_TEST

START_TEST(code_in_a_watched_page)
{
  g.cpu->gpr[CPU_RBX] = WRITABLE_CODE + 0x800;
  watch(g.cpu, 0, WRITABLE_CODE + 0x800, ON_ACCESS, 8);
  guest_put(g.space, WRITABLE_CODE, "\x90\x90\x8A\x03\x90\xCC", 6);
  g.cpu->rip = WRITABLE_CODE;
  g.cpu->rflags = EFLAGS_IF | 2;
  guest_continue(&g);
  ck_hit(1, WRITABLE_CODE + 4 - CODE);
  guest_continue(&g);
  ck_int3(&g, WRITABLE_CODE + 5 - CODE);
  /* An endless loop there still uses up its budget. */
  guest_put(g.space, WRITABLE_CODE, "\xEB\xFE", 2);
  g.cpu->rip = WRITABLE_CODE;
  cpu_run(g.space, g.cpu, 50, &g.trap);
  ck_assert_uint_eq(g.trap.kind, CPU_TRAP_BUDGET);
  ck_assert_uint_eq(g.trap.blocks, 50);
}
END_TEST

START_TEST(the_block_count_is_the_same_with_and_without)
{
  /* mov ecx, 30; l: mov [rbx + 8], al; nop; rep stosb with rdx; push; pop; dec ecx; jnz l; int3 */
  static const char code[] = "\xB9\x1E\x00\x00\x00\x88\x43\x08\x90\x51\x59\xFF\xC9\x75\xF6\xCC";
  uint64_t without;
  g.cpu->gpr[CPU_RBX] = DATA;
  RUN(&g, code);
  ck_int3(&g, 15);
  without = g.trap.blocks;
  watch(g.cpu, 0, DATA, ON_ACCESS, 8);
  watch(g.cpu, 1, STACK_TOP - 0x200, ON_ACCESS, 8);
  RUN(&g, code);
  ck_int3(&g, 15);
  ck_assert_uint_eq(g.trap.blocks, without);
  uint64_t sum = 0;
  g.cpu->rip = CODE;
  do {
    cpu_run(g.space, g.cpu, 1, &g.trap);
    sum += g.trap.blocks;
  } while (g.trap.kind == CPU_TRAP_BUDGET);
  ck_int3(&g, 15);
  ck_assert_uint_eq(sum, without);
}
END_TEST

START_TEST(snapshots_do_not_see_the_trick)
{
  watch(g.cpu, 0, DATA, ON_ACCESS, 8);
  g.cpu->gpr[CPU_RBX] = DATA + 0x800;
  g.cpu->gpr[CPU_RAX] = 0x77;
  RUN(&g, "\x88\x03\xCC");
  ck_int3(&g, 2);
  emu_snapshot *s = emu_snapshot_take(g.emu);
  ck_assert_ptr_nonnull(s);
  g.cpu->gpr[CPU_RAX] = 0x78;
  g.cpu->rip = CODE;
  guest_continue(&g);
  ck_int3(&g, 2);
  ck_assert_uint_eq(guest_u64(g.space, DATA + 0x800), 0x78);
  ck_assert(emu_snapshot_restore(s));
  ck_assert_uint_eq(guest_u64(g.space, DATA + 0x800), 0x77);
  g.cpu->gpr[CPU_RBX] = DATA;
  g.cpu->rip = CODE;
  guest_continue(&g);
  ck_hit(1, 2);
  emu_snapshot_drop(s);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("emu watch");
  TCase *t = tcase_create("watch");
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_set_timeout(t, 60);
  tcase_add_test(t, write_is_reported_after_the_instruction);
  tcase_add_test(t, reads_fire_for_read_write_only);
  tcase_add_test(t, each_byte_of_each_length_and_none_beside);
  tcase_add_test(t, low_bits_of_the_address_do_not_count);
  tcase_add_test(t, all_that_are_hit_are_named);
  tcase_add_test(t, stack_accesses_of_push_call_ret_and_pop);
  tcase_add_test(t, both_accesses_of_one_instruction_count);
  tcase_add_test(t, inside_rep_after_the_iteration);
  tcase_add_test(t, only_the_thread_that_has_them);
  tcase_add_test(t, with_tf_one_exception_has_both_causes);
  tcase_add_test(t, with_an_execute_breakpoint_on_the_same_instruction);
  tcase_add_test(t, real_faults_are_what_they_were);
  tcase_add_test(t, straddling_accesses);
  tcase_add_test(t, page_table_entries_look_untouched);
  tcase_add_test(t, host_writes_do_not_fire);
  tcase_add_test(t, mov_ss_holds_the_trap_for_one_instruction);
  tcase_add_test(t, code_in_a_watched_page);
  tcase_add_test(t, the_block_count_is_the_same_with_and_without);
  tcase_add_test(t, snapshots_do_not_see_the_trick);
  suite_add_tcase(s, t);
  return run_suite(s);
}
