/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single steps, execute breakpoints, and the steps that emu makes for itself (spec/6.2, spec/2.5). */
#include "guest.h"

#define DR6_BS 0x4000u
#define DR6_BITS 0xE00Fu

static struct guest g;

static void setup(void) { guest_open(&g); }
static void teardown(void) { guest_close(&g); }

/* Continues with TF and asserts one step to `offset`. */
static void step_to(uint64_t offset)
{
  g.cpu->rflags |= EFLAGS_TF;
  g.cpu->dr[6] = 0xFFFF0FF0;
  guest_continue(&g);
  ck_exception(&g, 1, offset);
  ck_assert(!g.trap.software && !g.trap.icebp && !g.trap.has_error_code);
  ck_assert_uint_eq(g.cpu->dr[6] & DR6_BITS, DR6_BS);
}

static void place(const void *code, size_t size)
{
  guest_put(g.space, CODE, code, size);
  g.cpu->rip = CODE;
  g.cpu->rflags = EFLAGS_IF | 2;
  g.cpu->gpr[CPU_RSP] = STACK_TOP - 0x100;
}
#define PLACE(code) place(code, sizeof(code) - 1)

static void set_breakpoint(unsigned n, uint64_t va)
{
  g.cpu->dr[n] = va;
  g.cpu->dr[7] |= 1u << (2 * n);
}

START_TEST(tf_steps_one_instruction)
{
  PLACE("\x90\x48\xFF\xC0\xEB\x01\xCC\x90\xCC"); /* nop; inc rax; jmp +1; int3; nop; int3 */
  step_to(1);
  ck_assert_uint_ne(g.cpu->rflags & EFLAGS_TF, 0);
  step_to(4);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 1);
  step_to(7);
  step_to(8);
  g.cpu->rflags &= ~(uint64_t)EFLAGS_TF;
  guest_continue(&g);
  ck_int3(&g, 8);
}
END_TEST

START_TEST(tf_steps_each_iteration_of_rep)
{
  g.cpu->gpr[CPU_RDI] = DATA;
  g.cpu->gpr[CPU_RAX] = 0x33;
  g.cpu->gpr[CPU_RCX] = 3;
  PLACE("\xF3\xAA\xCC");
  step_to(0);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RCX], 2);
  ck_assert_uint_ne(g.cpu->rflags & EFLAGS_RF, 0);
  step_to(0);
  step_to(2);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RCX], 0);
  ck_assert_uint_eq(guest_u64(g.space, DATA), 0x333333);
}
END_TEST

START_TEST(popf_sets_tf_for_the_instruction_after_the_next)
{
  /* pushf; or dword [rsp], 100; popf; nop; nop */
  PLACE("\x9C\x81\x0C\x24\x00\x01\x00\x00\x9D\x90\x90\xCC");
  guest_continue(&g);
  ck_exception(&g, 1, 10);
  ck_assert_uint_eq(g.cpu->dr[6] & DR6_BITS, DR6_BS);
}
END_TEST

START_TEST(popf_that_clears_tf_still_traps_after_itself)
{
  PLACE("\x9C\x9D\x90\xCC"); /* pushf without TF, then step the popf */
  guest_continue(&g);
  PLACE("\x9C\x9D\x90\xCC");
  g.cpu->gpr[CPU_RSP] = DATA + 0x100;
  guest_put(g.space, DATA + 0x100, "\x02\x02\x00\x00\x00\x00\x00\x00", 8);
  g.cpu->rip = CODE + 1;
  g.cpu->rflags |= EFLAGS_TF;
  guest_continue(&g);
  ck_exception(&g, 1, 2);
  ck_assert_uint_eq(g.cpu->rflags & EFLAGS_TF, 0);
}
END_TEST

START_TEST(pushf_under_tf_shows_tf)
{
  PLACE("\x9C\xCC");
  step_to(1);
  ck_assert_uint_ne(guest_u64(g.space, g.cpu->gpr[CPU_RSP]) & EFLAGS_TF, 0);
}
END_TEST

START_TEST(tf_over_branch_call_and_syscall)
{
  PLACE("\xE8\x01\x00\x00\x00\xCC\x0F\x05\x90\xCC"); /* call +1; int3; syscall; nop; int3 */
  step_to(6);
  g.cpu->rflags |= EFLAGS_TF;
  guest_continue(&g);
  ck_assert_uint_eq(g.trap.kind, CPU_TRAP_SYSCALL);
  ck_assert_uint_eq(g.cpu->rip, CODE + 6);
  ck_assert_uint_ne(g.cpu->rflags & EFLAGS_TF, 0);
  g.cpu->rip += 2;
  step_to(9);
}
END_TEST

START_TEST(a_fault_under_tf_keeps_tf)
{
  g.cpu->gpr[CPU_RBX] = ABSENT;
  PLACE("\x88\x03\x90\xCC");
  g.cpu->rflags |= EFLAGS_TF;
  guest_continue(&g);
  ck_page_fault(&g, 6, ABSENT, 0);
  ck_assert_uint_ne(g.cpu->rflags & EFLAGS_TF, 0);
  guest_pages(g.space, ABSENT, 1, RW);
  step_to(2);
}
END_TEST

START_TEST(mov_ss_holds_the_step_for_one_instruction)
{
  PLACE("\x66\xB8\x2B\x00\x8E\xD0\x90\x90\xCC"); /* mov ax, 2B; mov ss, ax; nop; nop */
  step_to(4);
  step_to(7);
}
END_TEST

START_TEST(fact_23_an_int3_behind_mov_ss_takes_no_step)
{
  PLACE("\x66\xB8\x2B\x00\x8E\xD0\xCC\x90"); /* mov ax, 2B; mov ss, ax; int3 */
  step_to(4);
  guest_continue(&g);
  ck_int3(&g, 6);
  ck_assert_uint_ne(g.cpu->rflags & EFLAGS_TF, 0);
}
END_TEST

START_TEST(no_execute_breakpoint_behind_a_load_of_ss)
{
  g.cpu->dr[0] = CODE + 6;
  g.cpu->dr[7] = 0x401;
  for (unsigned turn = 0; turn < 2; turn++) {
    RUN(&g, "\x66\xB8\x2B\x00\x8E\xD0\x90\x90\xCC"); /* mov ax, 2B; mov ss, ax; nop; nop */
    ck_int3(&g, 8);
  }
  g.cpu->dr[1] = CODE + 7;
  g.cpu->dr[7] = 0x405;
  RUN(&g, "\x66\xB8\x2B\x00\x8E\xD0\x90\x90\xCC");
  ck_exception(&g, 1, 7);
  ck_assert_uint_eq(g.cpu->dr[6] & 0xF, 2);
  /* What comes there by another way, and behind mov ds, stops. */
  RUN(&g, "\x66\xB8\x2B\x00\x8E\xD8\x90\x90\xCC");
  ck_exception(&g, 1, 6);
  RUN(&g, "\xEB\x04\x90\x90\x90\x90\x90\x90\xCC");
  ck_exception(&g, 1, 6);
  /* Between two runs. */
  RUN(&g, "\xEB\x00\x90\x90\x8E\xD0\x90\x90\xCC");
  for (uint64_t budget = 1; budget < 4; budget++) {
    g.cpu->gpr[CPU_RAX] = KGDT64_R3_DATA;
    g.cpu->rip = CODE;
    g.cpu->rflags = EFLAGS_IF | 2;
    do
      cpu_run(g.space, g.cpu, budget, &g.trap);
    while (g.trap.kind == CPU_TRAP_BUDGET);
    ck_exception(&g, 1, 7);
  }
  /* A step goes over both, and the breakpoint does not fire in between. */
  PLACE("\x66\xB8\x2B\x00\x8E\xD0\x90\x90\xCC");
  step_to(4);
  g.cpu->dr[7] = 0x401;
  step_to(7);
}
END_TEST

START_TEST(rf_loaded_by_iretq_covers_one_instruction)
{
  uint64_t frame[5] = {CODE + 3, KGDT64_R3_CODE, EFLAGS_IF | EFLAGS_RF | 2, STACK_TOP - 0x80, KGDT64_R3_DATA};
  g.cpu->dr[0] = CODE + 3;
  g.cpu->dr[1] = CODE + 5;
  g.cpu->dr[7] = 0x401;
  for (unsigned turn = 0; turn < 2; turn++) {
    guest_put(g.space, STACK_TOP - 0x100, frame, sizeof frame);
    RUN(&g, "\x48\xCF\x90\x90\x90\x90\xCC"); /* iretq to the second nop */
    ck_int3(&g, 6);
    ck_assert_uint_eq(g.cpu->rflags & EFLAGS_RF, 0);
  }
  g.cpu->dr[7] = 0x405;
  RUN(&g, "\x48\xCF\x90\x90\x90\x90\xCC");
  ck_exception(&g, 1, 5);
  /* To one instruction before the breakpoint, and without RF. */
  frame[0] = CODE + 2;
  guest_put(g.space, STACK_TOP - 0x100, frame, sizeof frame);
  RUN(&g, "\x48\xCF\x90\x90\x90\x90\xCC");
  ck_exception(&g, 1, 3);
  frame[0] = CODE + 3;
  frame[2] = EFLAGS_IF | 2;
  guest_put(g.space, STACK_TOP - 0x100, frame, sizeof frame);
  RUN(&g, "\x48\xCF\x90\x90\x90\x90\xCC");
  ck_exception(&g, 1, 3);
  /* A run that ends at the target keeps it. */
  frame[2] |= EFLAGS_RF;
  guest_put(g.space, STACK_TOP - 0x100, frame, sizeof frame);
  g.cpu->rip = CODE;
  g.cpu->rflags = EFLAGS_IF | 2;
  g.cpu->gpr[CPU_RSP] = STACK_TOP - 0x100;
  cpu_run(g.space, g.cpu, 1, &g.trap);
  ck_assert_uint_eq(g.trap.kind, CPU_TRAP_BUDGET);
  ck_assert_uint_eq(g.cpu->rip, CODE + 3);
  guest_continue(&g);
  ck_exception(&g, 1, 5);
}
END_TEST

START_TEST(iretq_leaves_the_bases_of_fs_and_gs)
{
  uint64_t frame[5] = {CODE + 2, KGDT64_R3_CODE, EFLAGS_IF | 2, STACK_TOP - 0x80, KGDT64_R3_DATA};
  guest_put(g.space, STACK_TOP - 0x100, frame, sizeof frame);
  g.cpu->fs_base = 0x11000;
  g.cpu->gs_base = 0x22000;
  RUN(&g, "\x48\xCF\x90\xCC"); /* iretq; nop; int3 */
  ck_int3(&g, 3);
  ck_assert_uint_eq(g.cpu->fs_base, 0x11000);
  ck_assert_uint_eq(g.cpu->gs_base, 0x22000);
}
END_TEST

START_TEST(tf_loaded_by_iretq_traps_behind_its_target)
{
  uint64_t frame[5] = {CODE + 3, KGDT64_R3_CODE, EFLAGS_IF | EFLAGS_TF | 2, STACK_TOP - 0x80, KGDT64_R3_DATA};
  guest_put(g.space, STACK_TOP - 0x100, frame, sizeof frame);
  PLACE("\x48\xCF\x90\x90\x90\xCC"); /* iretq to the second nop */
  guest_continue(&g);
  ck_exception(&g, 1, 4);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RSP], STACK_TOP - 0x80);
  /* Under TF it is stepped over as any other instruction. */
  frame[2] = EFLAGS_IF | 2;
  guest_put(g.space, STACK_TOP - 0x100, frame, sizeof frame);
  PLACE("\x48\xCF\x90\x90\x90\xCC");
  g.cpu->rflags |= EFLAGS_TF;
  guest_continue(&g);
  ck_exception(&g, 1, 3);
  ck_assert_uint_eq(g.cpu->rflags & EFLAGS_TF, 0);
}
END_TEST

START_TEST(tf_over_emulated_rdtsc_and_cpuid)
{
  g.tsc = 0x500000000ull;
  PLACE("\x0F\x31\x0F\xA2\xCC");
  step_to(2);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RDX], 5);
  g.cpu->gpr[CPU_RAX] = 0;
  step_to(4);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RBX], 0x756E6547);
}
END_TEST

START_TEST(execute_breakpoint_stops_before_the_instruction)
{
  PLACE("\x48\xFF\xC0\x48\xFF\xC0\x48\xFF\xC0\xCC"); /* 3 times inc rax */
  set_breakpoint(2, CODE + 3);
  guest_continue(&g);
  ck_exception(&g, 1, 3);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 1);
  ck_assert_uint_eq(g.cpu->dr[6] & DR6_BITS, 4);
  ck_assert_uint_eq(g.cpu->rflags & EFLAGS_RF, 0);
  ck_assert(!g.trap.software && !g.trap.has_error_code);
  /* Without RF it fires again and again. */
  guest_continue(&g);
  ck_exception(&g, 1, 3);
  g.cpu->rflags |= EFLAGS_RF;
  guest_continue(&g);
  ck_int3(&g, 9);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 3);
  ck_assert_uint_eq(g.cpu->rflags & EFLAGS_RF, 0);
}
END_TEST

START_TEST(rf_suppresses_only_the_first_instruction)
{
  PLACE("\xFF\xC0\xEB\xFC"); /* inc eax; jmp back */
  set_breakpoint(0, CODE);
  guest_continue(&g);
  ck_exception(&g, 1, 0);
  for (unsigned i = 1; i < 4; i++) {
    g.cpu->rflags |= EFLAGS_RF;
    guest_continue(&g);
    ck_exception(&g, 1, 0);
    ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], i);
    ck_assert_uint_eq(g.cpu->dr[6] & DR6_BITS, 1);
  }
}
END_TEST

START_TEST(rf_covers_a_whole_string_instruction)
{
  g.cpu->gpr[CPU_RDI] = DATA;
  g.cpu->gpr[CPU_RCX] = 100;
  PLACE("\xF3\xAA\xCC");
  set_breakpoint(0, CODE);
  g.cpu->rflags |= EFLAGS_RF;
  guest_continue(&g);
  ck_int3(&g, 2);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RCX], 0);
}
END_TEST

START_TEST(step_first_then_the_breakpoint)
{
  PLACE("\x90\x90\x90\xCC");
  set_breakpoint(1, CODE + 1);
  step_to(1);
  guest_continue(&g); /* TF is still set */
  ck_exception(&g, 1, 1);
  ck_assert_uint_eq(g.cpu->dr[6] & DR6_BITS, 2);
  g.cpu->rflags |= EFLAGS_RF;
  step_to(2);
}
END_TEST

START_TEST(breakpoints_belong_to_the_thread)
{
  cpu *other = cpu_create(g.emu);
  struct cpu_trap trap;
  PLACE("\x90\x90\xCC");
  cpu_copy(other, g.cpu);
  set_breakpoint(0, CODE + 1);
  guest_continue(&g);
  ck_exception(&g, 1, 1);
  cpu_run(g.space, other, FOREVER, &trap);
  ck_assert_uint_eq(trap.vector, 3);
  g.cpu->dr[7] = 0x400;
  guest_continue(&g);
  ck_int3(&g, 2);
  cpu_destroy(g.emu, other);
}
END_TEST

START_TEST(many_breakpoint_addresses)
{
  uint8_t code[64];
  memset(code, 0x90, sizeof code);
  code[63] = 0xCC;
  for (unsigned i = 0; i < 60; i++) {
    place(code, sizeof code);
    g.cpu->dr[7] = 0x400;
    set_breakpoint(i % 4, CODE + i);
    guest_continue(&g);
    ck_exception(&g, 1, i);
  }
  g.cpu->dr[7] = 0x400;
  guest_continue(&g);
  ck_int3(&g, 63);
}
END_TEST

START_TEST(data_breakpoints_are_not_execute_breakpoints)
{
  PLACE("\x90\xCC");
  g.cpu->dr[0] = CODE;
  g.cpu->dr[7] = 0x00030001; /* read or write */
  guest_continue(&g);
  ck_int3(&g, 1);
}
END_TEST

/* ---- blocks that run over a page end (spec/6.2) ---- */

#define END (CODE + 0x1000)

static void at_page_end(const void *code, size_t size)
{
  guest_put(g.space, END - size, code, size);
  g.cpu->rip = END - size;
  g.cpu->rflags = EFLAGS_IF | 2;
  g.cpu->gpr[CPU_RSP] = STACK_TOP - 0x100;
  guest_continue(&g);
}
#define AT_PAGE_END(code) at_page_end(code, sizeof(code) - 1)

START_TEST(block_over_the_page_end_runs_to_the_last_instruction)
{
  AT_PAGE_END("\x48\xFF\xC0\x48\xFF\xC0\x90");
  ck_page_fault(&g, 0x14, END, 0x1000);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 2);
  ck_assert_uint_eq(g.cpu->rflags & EFLAGS_TF, 0);
  /* The same with a page that is there but NX, then repaired. */
  guest_pages(g.space, END, 1, RO);
  AT_PAGE_END("\x48\xFF\xC0\x48\xFF\xC0\x90");
  ck_page_fault(&g, 0x15, END, 0x1000);
  guest_pages(g.space, END, 1, RX);
  guest_put(g.space, END, "\xCC", 1);
  guest_continue(&g);
  ck_int3(&g, 0x1000);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 4);
}
END_TEST

START_TEST(straddling_instruction_faults_at_itself)
{
  AT_PAGE_END("\x90\x90\xB8\x01\x00"); /* mov eax, imm32 lacks two bytes */
  ck_page_fault(&g, 0x14, END, 0x1000 - 3);
}
END_TEST

START_TEST(other_events_before_the_page_end_come_first)
{
  g.cpu->gpr[CPU_RBX] = ABSENT;
  AT_PAGE_END("\x90\x88\x03\x90\x90");
  ck_page_fault(&g, 6, ABSENT, 0x1000 - 4);
  AT_PAGE_END("\x90\x0F\x05\x90");
  ck_assert_uint_eq(g.trap.kind, CPU_TRAP_SYSCALL);
  ck_assert_uint_eq(g.cpu->rip, END - 3);
  ck_assert_uint_eq(g.cpu->rflags & EFLAGS_TF, 0);
  AT_PAGE_END("\x90\x0F\x31\x90");
  ck_page_fault(&g, 0x14, END, 0x1000);
  AT_PAGE_END("\x90\xCD\x2D\x90");
  ck_exception(&g, 0x2D, 0x1000 - 1);
  ck_assert_uint_eq(g.cpu->rflags & EFLAGS_TF, 0);
}
END_TEST

START_TEST(own_steps_do_not_show_in_pushed_flags)
{
  AT_PAGE_END("\x90\x9C\x58\x90"); /* nop; pushf; pop rax; nop */
  ck_page_fault(&g, 0x14, END, 0x1000);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], EFLAGS_IF | 2);
  AT_PAGE_END("\x90\x9C\x81\x0C\x24\x00\x01\x00\x00\x9D\x90"); /* the guest's own TF is honoured */
  ck_exception(&g, 1, 0x1000);
  ck_assert_uint_ne(g.cpu->rflags & EFLAGS_TF, 0);
}
END_TEST

START_TEST(string_instruction_before_the_page_end)
{
  g.cpu->gpr[CPU_RDI] = DATA;
  g.cpu->gpr[CPU_RCX] = 500;
  AT_PAGE_END("\x90\xF3\xAA\x90");
  ck_page_fault(&g, 0x14, END, 0x1000);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RCX], 0);
}
END_TEST

START_TEST(block_over_the_page_end_in_a_loop)
{
  /* A page of nops between a counter and a jump back over the border, while the second page comes and goes. */
  guest_pages(g.space, END, 1, RX);
  guest_put(g.space, END, "\xEB\xF6", 2); /* jmp END - 8 */
  g.cpu->gpr[CPU_RCX] = 3;
  at_page_end("\xFF\xC9\x75\x01\xCC\x90\x90\x90", 8); /* dec ecx; jnz +1; int3; nops */
  ck_int3(&g, 0x1000 - 4);
  guest_pages(g.space, END, 1, RO);
  g.cpu->gpr[CPU_RCX] = 3;
  at_page_end("\xFF\xC9\x75\x01\xCC\x90\x90\x90", 8);
  ck_page_fault(&g, 0x15, END, 0x1000);
}
END_TEST

/* mov byte [rip + 1], CC; nop; nop (becomes int3): the store changes its own block, which the engine then translates
 * again up to the store. A place where a breakpoint or a port instruction once was is no reason to begin anew each
 * time. */
START_TEST(block_that_changes_itself_where_calls_were)
{
  static const char code[] = "\xC6\x05\x01\x00\x00\x00\xCC\x90\x90";
  uint64_t blocks = 0;
  guest_pages(g.space, CODE, 1, RWX);
  for (uint64_t at = 0; at < 10; at++) {
    if (at) {
      set_breakpoint(0, CODE + at - 1);
      RUN(&g, "\x90\x90\x90\x90\x90\x90\x90\x90\x90\xCC");
      ck_exception(&g, 1, at - 1);
    }
    g.cpu->dr[7] = 0x400;
    if (at) { /* an instruction that was looked at before it ran */
      char in[10] = "\x90\x90\x90\x90\x90\x90\x90\x90\x90\xCC";
      in[at - 1] = (char)0xEC;
      guest_run(&g, in, sizeof in);
      ck_exception(&g, 13, at - 1);
    }
    RUN(&g, code);
    ck_int3(&g, 8);
    if (at)
      ck_assert_uint_eq(g.trap.blocks, blocks);
    blocks = g.trap.blocks;
  }
}
END_TEST

int main(void)
{
  Suite *s = suite_create("emu debug");
  TCase *t = tcase_create("debug");
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_set_timeout(t, 30);
  tcase_add_test(t, tf_steps_one_instruction);
  tcase_add_test(t, block_that_changes_itself_where_calls_were);
  tcase_add_test(t, tf_steps_each_iteration_of_rep);
  tcase_add_test(t, popf_sets_tf_for_the_instruction_after_the_next);
  tcase_add_test(t, popf_that_clears_tf_still_traps_after_itself);
  tcase_add_test(t, pushf_under_tf_shows_tf);
  tcase_add_test(t, tf_over_branch_call_and_syscall);
  tcase_add_test(t, a_fault_under_tf_keeps_tf);
  tcase_add_test(t, mov_ss_holds_the_step_for_one_instruction);
  tcase_add_test(t, fact_23_an_int3_behind_mov_ss_takes_no_step);
  tcase_add_test(t, no_execute_breakpoint_behind_a_load_of_ss);
  tcase_add_test(t, rf_loaded_by_iretq_covers_one_instruction);
  tcase_add_test(t, iretq_leaves_the_bases_of_fs_and_gs);
  tcase_add_test(t, tf_loaded_by_iretq_traps_behind_its_target);
  tcase_add_test(t, tf_over_emulated_rdtsc_and_cpuid);
  tcase_add_test(t, execute_breakpoint_stops_before_the_instruction);
  tcase_add_test(t, rf_suppresses_only_the_first_instruction);
  tcase_add_test(t, rf_covers_a_whole_string_instruction);
  tcase_add_test(t, step_first_then_the_breakpoint);
  tcase_add_test(t, breakpoints_belong_to_the_thread);
  tcase_add_test(t, many_breakpoint_addresses);
  tcase_add_test(t, data_breakpoints_are_not_execute_breakpoints);
  tcase_add_test(t, block_over_the_page_end_runs_to_the_last_instruction);
  tcase_add_test(t, straddling_instruction_faults_at_itself);
  tcase_add_test(t, other_events_before_the_page_end_come_first);
  tcase_add_test(t, own_steps_do_not_show_in_pushed_flags);
  tcase_add_test(t, string_instruction_before_the_page_end);
  tcase_add_test(t, block_over_the_page_end_in_a_loop);
  suite_add_tcase(s, t);
  return run_suite(s);
}
