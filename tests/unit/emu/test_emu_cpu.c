/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Register files, extended state, the quantum, time and identification of the processor. */
#include "guest.h"

#include <signal.h>
#include <unistd.h>

static struct guest g;

static void setup(void) { guest_open(&g); }
static void teardown(void) { guest_close(&g); }

/* ---- register files ---- */

START_TEST(a_new_thread_has_the_reset_state_of_windows)
{
  XSAVE_FORMAT fx;
  ck_assert_uint_eq(g.cpu->cs, KGDT64_R3_CODE);
  ck_assert_uint_eq(g.cpu->ss, KGDT64_R3_DATA);
  ck_assert_uint_eq(g.cpu->rflags, EFLAGS_IF | 2);
  ck_assert_uint_eq(cpu_mxcsr(g.cpu), 0x1F80);
  cpu_get_fx(g.cpu, &fx);
  ck_assert_uint_eq(fx.ControlWord, 0x27F);
  ck_assert_uint_eq(fx.StatusWord, 0);
  ck_assert_uint_eq(fx.TagWord, 0);
  ck_assert_uint_eq(fx.MxCsr, 0x1F80);
  g.cpu->gpr[CPU_RBX] = DATA;
  RUN(&g, "\x0F\xAE\x1B\xD9\x7B\x04\xCC"); /* stmxcsr [rbx]; fnstcw [rbx + 4] */
  ck_int3(&g, 6);
  ck_assert_uint_eq(guest_u64(g.space, DATA), 0x027F00001F80ull);
}
END_TEST

START_TEST(fx_round_trip_through_the_guest)
{
  XSAVE_FORMAT in, out, *seen = space_host(g.space, DATA, sizeof *seen);
  memset(&in, 0, sizeof in);
  in.ControlWord = 0x37F;
  in.StatusWord = 0x3800; /* top of stack 7 */
  in.TagWord = 0x80;
  in.ErrorOpcode = 0x123;
  in.ErrorOffset = 0x11223344;
  in.DataOffset = 0x55667788;
  in.FloatRegisters[0].Low = 0x8000000000000000ull;
  in.FloatRegisters[0].High = 0x3FFF; /* 1.0 */
  in.MxCsr = 0xFFFF9FC0;
  for (unsigned i = 0; i < 16; i++) {
    in.XmmRegisters[i].Low = 0x1111111111111111ull * i;
    in.XmmRegisters[i].High = 7 * i;
  }
  cpu_set_fx(g.cpu, &in);
  ck_assert_uint_eq(cpu_mxcsr(g.cpu), 0x9FC0);
  cpu_get_fx(g.cpu, &out);
  ck_assert_uint_eq(out.ControlWord, 0x37F);
  ck_assert_uint_eq(out.StatusWord, 0x3800);
  ck_assert_uint_eq(out.TagWord, 0x80);
  ck_assert_uint_eq(out.ErrorOpcode, 0x123);
  ck_assert_uint_eq(out.ErrorOffset, 0x11223344);
  ck_assert_uint_eq(out.DataOffset, 0x55667788);
  ck_assert_mem_eq(out.FloatRegisters, in.FloatRegisters, sizeof in.FloatRegisters);
  ck_assert_mem_eq(out.XmmRegisters, in.XmmRegisters, sizeof in.XmmRegisters);
  g.cpu->gpr[CPU_RBX] = DATA;
  RUN(&g, "\x0F\xAE\x03\xD9\xE8\x0F\x57\xED\xCC"); /* fxsave [rbx]; fld1; xorps xmm5, xmm5 */
  ck_int3(&g, 8);
  ck_assert_uint_eq(seen->ControlWord, 0x37F);
  ck_assert_uint_eq(seen->StatusWord, 0x3800);
  ck_assert_uint_eq(seen->TagWord, 0x80);
  ck_assert_uint_eq(seen->MxCsr, 0x9FC0);
  ck_assert_mem_eq(seen->XmmRegisters, in.XmmRegisters, sizeof in.XmmRegisters);
  ck_assert_mem_eq(seen->FloatRegisters, in.FloatRegisters, 10);
  cpu_get_fx(g.cpu, &out);
  ck_assert_uint_eq(out.StatusWord, 0x3000);
  ck_assert_uint_eq(out.TagWord, 0xC0);
  ck_assert_uint_eq(out.FloatRegisters[0].Low, 0x8000000000000000ull);
  ck_assert_uint_eq(out.XmmRegisters[5].Low, 0);
  ck_assert_uint_eq(out.XmmRegisters[6].Low, in.XmmRegisters[6].Low);
}
END_TEST

START_TEST(mxcsr_rounding_takes_effect)
{
  M128A x = {0x4004000000000000ull, 0}, out; /* 2.5 */
  cpu_set_xmm(g.cpu, 0, 1, &x);
  RUN(&g, "\xF2\x48\x0F\x2D\xC0\xCC"); /* cvtsd2si rax, xmm0 */
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 2);
  cpu_set_mxcsr(g.cpu, 0x1F80 | 0x4000); /* up */
  RUN(&g, "\xF2\x48\x0F\x2D\xC0\xCC");
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 3);
  cpu_get_xmm(g.cpu, 0, 1, &out);
  ck_assert_mem_eq(&out, &x, sizeof x);
}
END_TEST

START_TEST(two_threads_keep_their_state)
{
  cpu *other = cpu_create(g.emu);
  struct cpu_trap trap;
  M128A x = {1, 2}, out;
  ck_assert_ptr_nonnull(other);
  /* inc rax; paddq xmm1, xmm0; int3; jmp start */
  static const char code[] = "\x48\xFF\xC0\x66\x0F\xD4\xC8\xCC\xEB\xF6";
  cpu_set_xmm(g.cpu, 0, 1, &x);
  x.Low = 10;
  cpu_set_xmm(other, 0, 1, &x);
  RUN(&g, code);
  other->rip = CODE;
  other->gpr[CPU_RAX] = 100;
  for (unsigned i = 1; i < 20; i++) {
    cpu_run(g.space, other, FOREVER, &trap);
    ck_assert_uint_eq(trap.vector, 3);
    guest_continue(&g);
    ck_int3(&g, 7);
    ck_assert_uint_eq(other->gpr[CPU_RAX], 100 + i);
    ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 1 + i);
    cpu_get_xmm(other, 1, 1, &out);
    ck_assert_uint_eq(out.Low, 10 * i);
    cpu_get_xmm(g.cpu, 1, 1, &out);
    ck_assert_uint_eq(out.Low, 1 + i);
  }
  cpu_destroy(g.emu, other);
}
END_TEST

START_TEST(a_context_moves_between_engines)
{
  address_space *other = space_create(g.emu);
  struct cpu_trap trap;
  M128A x = {3, 4}, out;
  guest_layout(other);
  guest_put(other, CODE, "\x48\xFF\xC0\x66\x0F\xD4\xC8\xCC", 8);
  cpu_set_xmm(g.cpu, 0, 1, &x);
  RUN(&g, "\x48\xFF\xC0\x66\x0F\xD4\xC8\xCC");
  g.cpu->rip = CODE;
  cpu_run(other, g.cpu, FOREVER, &trap);
  ck_assert_uint_eq(trap.vector, 3);
  g.cpu->rip = CODE;
  guest_continue(&g);
  ck_int3(&g, 7);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 3);
  cpu_get_xmm(g.cpu, 1, 1, &out);
  ck_assert_uint_eq(out.Low, 9);
  space_destroy(other);
}
END_TEST

START_TEST(a_copy_is_a_whole_register_file)
{
  cpu *copy = cpu_create(g.emu);
  struct cpu_trap trap;
  M128A x = {5, 6}, out;
  g.cpu->gpr[CPU_R12] = 12;
  cpu_set_xmm(g.cpu, 9, 1, &x);
  RUN(&g, "\xF9\xCC\x73\x01\xCC\x90"); /* stc; int3; jnc +1; int3 */
  ck_int3(&g, 1);
  cpu_copy(copy, g.cpu);
  RUN(&g, "\xF8\xCC\x73\x01\xCC\x90");
  cpu_run(g.space, copy, FOREVER, &trap);
  ck_assert_uint_eq(trap.vector, 3);
  ck_assert_uint_eq(copy->rip, CODE + 5);
  ck_assert_uint_eq(copy->gpr[CPU_R12], 12);
  cpu_get_xmm(copy, 9, 1, &out);
  ck_assert_mem_eq(&out, &x, sizeof x);
  cpu_destroy(g.emu, copy);
}
END_TEST

START_TEST(register_changes_between_runs_are_seen)
{
  /* int3; then store all that the kernel changed */
  static const char code[] = "\xCC\x48\x89\x03\x48\x89\x4B\x08\x9C\x58\xCC";
  RUN(&g, code);
  for (uint64_t n = 0; n < 40; n++) {
    for (unsigned i = 0; i < CPU_REGISTERS; i++) {
      if (i != CPU_RSP && (n & 1) == 0)
        g.cpu->gpr[i] = n * 1000 + i;
    }
    g.cpu->gpr[CPU_RBX] = DATA;
    g.cpu->gpr[CPU_RAX] = n;
    g.cpu->gpr[CPU_RCX] = n + 1;
    g.cpu->rip = CODE + 1;
    g.cpu->rflags = EFLAGS_IF | 2 | (n & 1) | (n & 4);
    guest_continue(&g);
    ck_int3(&g, 10);
    ck_assert_uint_eq(guest_u64(g.space, DATA), n);
    ck_assert_uint_eq(guest_u64(g.space, DATA + 8), n + 1);
    ck_assert_uint_eq(g.cpu->gpr[CPU_RAX] & 0xFFF, EFLAGS_IF | 2 | (n & 1) | (n & 4));
  }
}
END_TEST

START_TEST(forbidden_flags_never_reach_the_guest)
{
  /* IOPL 3, VM, VIF, VIP: with IOPL 3 cli would run. */
  RUN(&g, "\xCC\xFA\xCC");
  g.cpu->rflags = EFLAGS_IF | 2 | 0x3000 | 0x20000 | 0x80000 | 0x100000;
  guest_continue(&g);
  ck_exception(&g, 13, 1);
  ck_assert_uint_eq(g.cpu->rflags & (0x3000 | 0x20000 | 0x80000 | 0x100000), 0);
}
END_TEST

/* ---- quantum, stop, time ---- */

START_TEST(the_budget_is_exact)
{
  /* loop: inc rax; jmp loop */
  guest_put(g.space, CODE, "\x48\xFF\xC0\xEB\xFB", 5);
  g.cpu->rip = CODE;
  uint64_t sum = 0;
  static const uint64_t budget[] = {1, 2, 3, 1000, 0, 77, 100000};
  for (size_t i = 0; i < sizeof budget / sizeof budget[0]; i++) {
    cpu_run(g.space, g.cpu, budget[i], &g.trap);
    ck_assert_uint_eq(g.trap.kind, CPU_TRAP_BUDGET);
    ck_assert_uint_eq(g.trap.blocks, budget[i]);
    sum += budget[i];
    ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], sum);
    ck_assert_uint_eq(g.cpu->rip, CODE);
  }
}
END_TEST

START_TEST(the_block_count_is_the_same_warm_and_cold)
{
  /* mov ecx, 50; l: rdtsc; call f; dec ecx; jnz l; int3; f: ret */
  static const char code[] = "\xB9\x32\x00\x00\x00\x0F\x31\xE8\x05\x00\x00\x00\xFF\xC9\x75\xF5\xCC\xC3";
  uint64_t first = 0;
  for (unsigned i = 0; i < 6; i++) {
    if ((i & 1) == 0)
      space_code_changed(g.space, CODE, 0x1000);
    if (i == 0)
      RUN(&g, code);
    g.cpu->rip = CODE;
    guest_continue(&g);
    ck_int3(&g, 16);
    if (i == 0)
      first = g.trap.blocks;
    ck_assert_uint_eq(g.trap.blocks, first);
  }
  /* Three of each round (to the call, the callee, the rest after the return) and the last one. */
  ck_assert_uint_eq(first, 151);
}
END_TEST

START_TEST(budget_in_small_pieces_gives_the_same_run)
{
  static const char code[] = "\xB9\x32\x00\x00\x00\x0F\x31\xE8\x05\x00\x00\x00\xFF\xC9\x75\xF5\xCC\xC3";
  RUN(&g, code);
  uint64_t whole = g.trap.blocks, sum = 0;
  g.cpu->rip = CODE;
  do {
    cpu_run(g.space, g.cpu, 7, &g.trap);
    sum += g.trap.blocks;
  } while (g.trap.kind == CPU_TRAP_BUDGET);
  ck_int3(&g, 16);
  ck_assert_uint_eq(sum, whole);
}
END_TEST

START_TEST(the_stop_flag_ends_an_endless_loop)
{
  guest_put(g.space, CODE, "\xEB\xFE", 2); /* jmp $ */
  g.cpu->rip = CODE;
  g.stop = 1;
  cpu_run(g.space, g.cpu, UINT64_MAX, &g.trap);
  ck_assert_uint_eq(g.trap.kind, CPU_TRAP_STOPPED);
  ck_assert_uint_eq(g.cpu->rip, CODE);
  g.stop = 0;
  cpu_run(g.space, g.cpu, 5, &g.trap);
  ck_assert_uint_eq(g.trap.kind, CPU_TRAP_BUDGET);
}
END_TEST

static volatile int *alarm_flag;
static void on_alarm(int n)
{
  (void)n;
  *alarm_flag = 1;
}

START_TEST(a_signal_handler_can_stop_jmp_self_and_rep)
{
  alarm_flag = &g.stop;
  signal(SIGALRM, on_alarm);
  guest_put(g.space, CODE, "\xEB\xFE", 2);
  g.cpu->rip = CODE;
  ualarm(20000, 0);
  cpu_run(g.space, g.cpu, UINT64_MAX, &g.trap);
  ck_assert_uint_eq(g.trap.kind, CPU_TRAP_STOPPED);
  g.stop = 0;
  /* rep lodsb with an endless count */
  guest_put(g.space, CODE, "\xF3\xAC\xEB\xFC", 4);
  g.cpu->gpr[CPU_RSI] = DATA;
  g.cpu->rflags |= EFLAGS_DF;
  g.cpu->gpr[CPU_RCX] = 0xFFF;
  ualarm(20000, 0);
  uint64_t loops = 0;
  do {
    g.cpu->rip = CODE;
    g.cpu->gpr[CPU_RSI] = DATA + 0x1FFF;
    g.cpu->gpr[CPU_RCX] = 0x1000;
    cpu_run(g.space, g.cpu, 0x1800, &g.trap);
    loops++;
  } while (g.trap.kind == CPU_TRAP_BUDGET);
  ck_assert_uint_eq(g.trap.kind, CPU_TRAP_STOPPED);
  ck_assert_uint_ge(loops, 1);
}
END_TEST

START_TEST(rdtsc_comes_from_the_virtual_clock)
{
  g.tsc = 0x123456789Aull;
  g.cpu->gpr[CPU_RAX] = g.cpu->gpr[CPU_RDX] = ~0ull;
  RUN(&g, "\x0F\x31\xCC");
  ck_int3(&g, 2);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RAX], 0x3456789A + 1); /* one block was entered */
  ck_assert_uint_eq(g.cpu->gpr[CPU_RDX], 0x12);
  g.cpu->gpr[CPU_RCX] = ~0ull;
  RUN(&g, "\x0F\x01\xF9\xCC"); /* rdtscp */
  ck_int3(&g, 3);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RDX], 0x12);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RCX], 0);
  RUN(&g, "\x66\x48\x0F\x31\xCC"); /* with prefixes */
  ck_int3(&g, 4);
}
END_TEST

/* ---- identification ---- */

static void cpuid(uint32_t leaf)
{
  g.cpu->gpr[CPU_RAX] = 0xFFFFFFFF00000000ull | leaf;
  g.cpu->gpr[CPU_RCX] = 0;
  RUN(&g, "\x0F\xA2\xCC");
  ck_int3(&g, 2);
}

START_TEST(cpuid_claims_only_what_runs)
{
  static const struct {
    const char *name, *code;
    size_t size;
    unsigned bit; /* of leaf 1 ECX */
  } claimed[] = {{"SSE3 haddps", "\xF2\x0F\x7C\xC0\xCC", 5, 0},
                 {"SSSE3 pshufb", "\x66\x0F\x38\x00\xC0\xCC", 6, 9},
                 {"CMPXCHG16B", "\x48\x0F\xC7\x0B\xCC", 5, 13},
                 {"SSE4.1 pmulld", "\x66\x0F\x38\x40\xC0\xCC", 6, 19}};
  cpuid(1);
  uint64_t features = g.cpu->gpr[CPU_RCX];
  g.cpu->gpr[CPU_RBX] = DATA;
  for (size_t i = 0; i < sizeof claimed / sizeof claimed[0]; i++) {
    ck_assert_msg((features >> claimed[i].bit) & 1, "%s", claimed[i].name);
    guest_run(&g, claimed[i].code, claimed[i].size);
    ck_assert_msg(g.trap.vector == 3, "%s: vector %d", claimed[i].name, g.trap.vector);
    features &= ~(1ull << claimed[i].bit);
  }
  ck_assert_uint_eq(features, 0); /* no POPCNT, XSAVE, AVX, MOVBE, RDRAND, no hypervisor */
  cpuid(0x80000001);
  ck_assert_uint_ne(g.cpu->gpr[CPU_RDX] & (1u << 29), 0);
  ck_assert_uint_ne(g.cpu->gpr[CPU_RDX] & (1u << 27), 0);
  cpuid(7);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RBX], 0);
}
END_TEST

START_TEST(cpuid_has_a_fixed_brand)
{
  char brand[49] = "";
  for (uint32_t i = 0; i < 3; i++) {
    cpuid(0x80000002u + i);
    const uint32_t part[4] = {(uint32_t)g.cpu->gpr[CPU_RAX], (uint32_t)g.cpu->gpr[CPU_RBX],
                              (uint32_t)g.cpu->gpr[CPU_RCX], (uint32_t)g.cpu->gpr[CPU_RDX]};
    memcpy(brand + 16 * i, part, 16);
  }
  ck_assert_str_eq(brand, "dbgksim virtual x86-64 processor");
}
END_TEST

/* ---- decoding ---- */

static bool read_guest(void *context, uint64_t va, void *buffer, size_t size)
{
  struct guest *guest = context;
  const void *host = space_host(guest->space, va, size);
  if (host == NULL || (space_pte(guest->space, va) & PTE_PRESENT) == 0)
    return false;
  memcpy(buffer, host, size);
  return true;
}

static bool overflows(const char *code, size_t size)
{
  guest_run(&g, code, size);
  ck_exception(&g, 0, 0);
  return emu_decode_divide_overflow(g.cpu, (const uint8_t *)code, size, read_guest, &g);
}
#define OVERFLOWS(code) overflows(code, sizeof(code) - 1)

START_TEST(divide_cause_is_decoded)
{
  g.cpu->gpr[CPU_RAX] = 1;
  g.cpu->gpr[CPU_RDX] = 0x100;
  g.cpu->gpr[CPU_RCX] = 0xAA00;
  g.cpu->gpr[CPU_RBX] = DATA;
  g.cpu->gpr[CPU_RSI] = 4;
  ck_assert(!OVERFLOWS("\xF6\xF1")); /* div cl = 0 */
  g.cpu->gpr[CPU_RAX] = 0xFFFF;
  ck_assert(OVERFLOWS("\xF6\xF5"));      /* div ch = AA */
  ck_assert(!OVERFLOWS("\x48\xF7\x33")); /* div qword [rbx] = 0 */
  guest_put(g.space, DATA + 8, "\x02\x00\x00\x00", 4);
  ck_assert(OVERFLOWS("\xF7\x34\x73")); /* div dword [rbx + rsi * 2] = 2 */
  g.cpu->gs_base = DATA;
  ck_assert(OVERFLOWS("\x65\xF7\x3C\x25\x08\x00\x00\x00")); /* idiv dword gs:[8] */
  ck_assert(!OVERFLOWS("\x65\xF7\x3C\x25\x10\x00\x00\x00"));
  ck_assert(OVERFLOWS("\xF7\x35\x00\x00\x00\x00\x01\x00\x00\x00")); /* div dword [rip + 0] = 1 */
}
END_TEST

START_TEST(privileged_is_told_from_the_rest)
{
  static const struct {
    const char *code;
    size_t size;
    bool privileged;
    unsigned length;
  } list[] = {{"\xEC", 1, true, 1},
              {"\xE5\x10", 2, true, 2},
              {"\x6C", 1, true, 1},
              {"\x66\x6F", 2, true, 2},
              {"\x48\x0F\x01\xF8", 4, true, 4},
              {"\x90", 1, false, 1},
              {"\x0F\x01\xD9", 3, false, 3}, /* vmmcall */
              {"\x0F\x01\xE0", 3, false, 3}, /* smsw eax */
              {"\x8E\xD8", 2, false, 2},
              {"\x0F\x00\xC0", 3, false, 3}, /* sldt eax */
              {"\x06", 1, false, 0},
              {"\x0F", 1, false, 0},
              {"", 0, false, 0}};
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
    unsigned length = 99;
    const uint8_t *code = (const uint8_t *)list[i].code;
    ck_assert_msg(emu_decode_privileged(code, list[i].size, true, &length) == list[i].privileged, "%zu", i);
    ck_assert_msg(length == list[i].length, "%zu: %u", i, length);
  }
}
END_TEST

START_TEST(disassembly)
{
  char text[64];
  ck_assert_uint_eq(emu_disassemble((const uint8_t *)"\x48\x89\xC8", 3, 0, text, sizeof text), 3);
  ck_assert_str_eq(text, "mov rax, rcx");
  ck_assert_uint_eq(emu_disassemble((const uint8_t *)"\xEB\x02", 2, 0x1000, text, sizeof text), 2);
  ck_assert_str_eq(text, "jmp 0x1004");
  ck_assert_uint_eq(emu_disassemble((const uint8_t *)"\x06", 1, 0, text, sizeof text), 0);
  ck_assert_uint_eq(emu_disassemble((const uint8_t *)"\x48\x89\xC8", 3, 0, text, 4), 3);
  ck_assert_str_eq(text, "mov");
}
END_TEST

START_TEST(the_self_check_passes_here)
{
  char report[400];
  ck_assert_msg(emu_self_check(report, sizeof report), "%s", report);
  ck_assert_ptr_nonnull(strstr(report, emu_engine_version()));
}
END_TEST

int main(void)
{
  Suite *s = suite_create("emu cpu");
  TCase *t = tcase_create("cpu");
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_set_timeout(t, 60);
  tcase_add_test(t, a_new_thread_has_the_reset_state_of_windows);
  tcase_add_test(t, fx_round_trip_through_the_guest);
  tcase_add_test(t, mxcsr_rounding_takes_effect);
  tcase_add_test(t, two_threads_keep_their_state);
  tcase_add_test(t, a_context_moves_between_engines);
  tcase_add_test(t, a_copy_is_a_whole_register_file);
  tcase_add_test(t, register_changes_between_runs_are_seen);
  tcase_add_test(t, forbidden_flags_never_reach_the_guest);
  tcase_add_test(t, the_budget_is_exact);
  tcase_add_test(t, the_block_count_is_the_same_warm_and_cold);
  tcase_add_test(t, budget_in_small_pieces_gives_the_same_run);
  tcase_add_test(t, the_stop_flag_ends_an_endless_loop);
  tcase_add_test(t, a_signal_handler_can_stop_jmp_self_and_rep);
  tcase_add_test(t, rdtsc_comes_from_the_virtual_clock);
  tcase_add_test(t, cpuid_claims_only_what_runs);
  tcase_add_test(t, cpuid_has_a_fixed_brand);
  tcase_add_test(t, divide_cause_is_decoded);
  tcase_add_test(t, privileged_is_told_from_the_rest);
  tcase_add_test(t, disassembly);
  tcase_add_test(t, the_self_check_passes_here);
  suite_add_tcase(s, t);
  return run_suite(s);
}
