/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions that the engine library gets wrong and that the scan of new blocks puts right (spec/6.2). */
#include "emu/insn.h"
#include "guest.h"

#include <capstone/capstone.h>

static struct guest g;

static void setup(void) { guest_open(&g); }
static void teardown(void) { guest_close(&g); }

struct row {
  const char *name, *code;
  size_t size;
};
#define ROW(name, code)                                                                                                \
  {                                                                                                                    \
    name, code, sizeof(code) - 1                                                                                       \
  }

/* Behind a nop, so that it is in the middle of a block, and twice. */
static void run_row(const struct row *r)
{
  uint8_t code[32] = {0x90};
  memcpy(code + 1, r->code, r->size);
  code[1 + r->size] = 0xCC;
  guest_run(&g, code, sizeof code);
}

static void expect_general_protection(const struct row *list, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    for (unsigned turn = 0; turn < 2; turn++) {
      if (turn == 0)
        run_row(&list[i]);
      else
        g.cpu->rip = CODE, g.cpu->rflags = EFLAGS_IF | 2, guest_continue(&g);
      ck_assert_msg(g.trap.kind == CPU_TRAP_EXCEPTION && g.trap.vector == 13 && g.trap.has_error_code &&
                        g.trap.error_code == 0 && g.cpu->rip == CODE + 1 && (g.cpu->rflags & EFLAGS_RF) != 0,
                    "%s: kind %d vector %d code %x RIP %llx", list[i].name, g.trap.kind, g.trap.vector,
                    g.trap.error_code, (unsigned long long)g.cpu->rip);
    }
  }
}

static void expect_invalid(const struct row *list, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    run_row(&list[i]);
    ck_assert_msg(g.trap.kind == CPU_TRAP_EXCEPTION && g.trap.vector == 6 && g.cpu->rip == CODE + 1,
                  "%s: kind %d vector %d RIP %llx", list[i].name, g.trap.kind, g.trap.vector,
                  (unsigned long long)g.cpu->rip);
  }
}

static void expect_to_run(const struct row *list, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    run_row(&list[i]);
    ck_assert_msg(g.trap.kind == CPU_TRAP_EXCEPTION && g.trap.vector == 3 && g.cpu->rip == CODE + 2 + list[i].size,
                  "%s: kind %d vector %d RIP %llx", list[i].name, g.trap.kind, g.trap.vector,
                  (unsigned long long)g.cpu->rip);
  }
}
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

START_TEST(fact_25_port_instructions_are_privileged)
{
  static const struct row list[] = {ROW("in al, 60", "\xE4\x60"),  ROW("in eax, 60", "\xE5\x60"),
                                    ROW("out 80, al", "\xE6\x80"), ROW("out 80, eax", "\xE7\x80"),
                                    ROW("in al, dx", "\xEC"),      ROW("in eax, dx", "\xED"),
                                    ROW("in ax, dx", "\x66\xED"),  ROW("out dx, al", "\xEE"),
                                    ROW("out dx, eax", "\xEF"),    ROW("insb", "\x6C"),
                                    ROW("insd", "\x6D"),           ROW("outsb", "\x6E"),
                                    ROW("outsd", "\x6F"),          ROW("rep insb", "\xF3\x6C"),
                                    ROW("rep outsd", "\xF3\x6F")};
  g.cpu->gpr[CPU_RCX] = 2;
  g.cpu->gpr[CPU_RDI] = g.cpu->gpr[CPU_RSI] = DATA;
  expect_general_protection(list, COUNT(list));
  g.cpu->gpr[CPU_RCX] = 0; /* the right is asked for even if there is nothing to do */
  expect_general_protection(list, COUNT(list));
}
END_TEST

/* All take [rbx + 3]; the scalar, unaligned and MMX ones beside them have no rule. */
static const struct row aligned[] = {
    ROW("movaps load", "\x0F\x28\x43\x03"),
    ROW("movaps store", "\x0F\x29\x43\x03"),
    ROW("movapd load", "\x66\x0F\x28\x43\x03"),
    ROW("movapd store", "\x66\x0F\x29\x43\x03"),
    ROW("movdqa load", "\x66\x0F\x6F\x43\x03"),
    ROW("movdqa store", "\x66\x0F\x7F\x43\x03"),
    ROW("movntps", "\x0F\x2B\x43\x03"),
    ROW("movntpd", "\x66\x0F\x2B\x43\x03"),
    ROW("movntdq", "\x66\x0F\xE7\x43\x03"),
    ROW("movntdqa", "\x66\x0F\x38\x2A\x43\x03"),
    ROW("addps", "\x0F\x58\x43\x03"),
    ROW("mulpd", "\x66\x0F\x59\x43\x03"),
    ROW("xorps", "\x0F\x57\x43\x03"),
    ROW("cmpps", "\x0F\xC2\x43\x03\x01"),
    ROW("shufps", "\x0F\xC6\x43\x03\x01"),
    ROW("rcpps", "\x0F\x53\x43\x03"),
    ROW("cvtdq2ps", "\x0F\x5B\x43\x03"),
    ROW("cvtpd2ps", "\x66\x0F\x5A\x43\x03"),
    ROW("cvttps2dq", "\xF3\x0F\x5B\x43\x03"),
    ROW("cvtpd2dq", "\xF2\x0F\xE6\x43\x03"),
    ROW("movsldup", "\xF3\x0F\x12\x43\x03"),
    ROW("haddps", "\xF2\x0F\x7C\x43\x03"),
    ROW("paddd", "\x66\x0F\xFE\x43\x03"),
    ROW("pxor", "\x66\x0F\xEF\x43\x03"),
    ROW("punpcklbw", "\x66\x0F\x60\x43\x03"),
    ROW("pshufd", "\x66\x0F\x70\x43\x03\x01"),
    ROW("pshuflw", "\xF2\x0F\x70\x43\x03\x01"),
    ROW("pcmpeqb", "\x66\x0F\x74\x43\x03"),
    ROW("pshufb", "\x66\x0F\x38\x00\x43\x03"),
    ROW("ptest", "\x66\x0F\x38\x17\x43\x03"),
    ROW("pmulld", "\x66\x0F\x38\x40\x43\x03"),
    ROW("palignr", "\x66\x0F\x3A\x0F\x43\x03\x01"),
    ROW("roundps", "\x66\x0F\x3A\x08\x43\x03\x01"),
    ROW("fxsave", "\x0F\xAE\x43\x03"),
    ROW("fxrstor", "\x0F\xAE\x4B\x03"),
};
static const struct row unaligned[] = {
    ROW("movups load", "\x0F\x10\x43\x03"),
    ROW("movups store", "\x0F\x11\x43\x03"),
    ROW("movdqu load", "\xF3\x0F\x6F\x43\x03"),
    ROW("movdqu store", "\xF3\x0F\x7F\x43\x03"),
    ROW("addss", "\xF3\x0F\x58\x43\x03"),
    ROW("addsd", "\xF2\x0F\x58\x43\x03"),
    ROW("movq load", "\xF3\x0F\x7E\x43\x03"),
    ROW("movq store", "\x66\x0F\xD6\x43\x03"),
    ROW("movd", "\x66\x0F\x6E\x43\x03"),
    ROW("movlps", "\x0F\x12\x43\x03"),
    ROW("movddup", "\xF2\x0F\x12\x43\x03"),
    ROW("lddqu", "\xF2\x0F\xF0\x43\x03"),
    ROW("pxor mmx", "\x0F\xEF\x43\x03"),
    ROW("paddd mmx", "\x0F\xFE\x43\x03"),
    ROW("cvtps2pd", "\x0F\x5A\x43\x03"),
    ROW("cvtdq2pd", "\xF3\x0F\xE6\x43\x03"),
    ROW("comiss", "\x0F\x2F\x43\x03"),
    ROW("pmovzxbw", "\x66\x0F\x38\x30\x43\x03"),
    ROW("pinsrd", "\x66\x0F\x3A\x22\x43\x03\x01"),
    ROW("movaps registers", "\x0F\x28\xC1"),
};

START_TEST(aligned_sse_faults_only_where_the_address_is_not_aligned)
{
  for (unsigned low = 0; low < 16; low++) {
    g.cpu->gpr[CPU_RBX] = DATA + 0x200 + low - 3;
    memset(space_host(g.space, DATA, 0x1000), 0, 0x1000);
    if (low == 0)
      expect_to_run(aligned, COUNT(aligned));
    else
      expect_general_protection(aligned, COUNT(aligned));
    expect_to_run(unaligned, COUNT(unaligned));
  }
}
END_TEST

START_TEST(the_check_of_a_warm_block_sees_each_address)
{
  /* l: movaps xmm0, [rbx + rcx*2 + 10]; dec ecx; jnz l; int3 */
  g.cpu->gpr[CPU_RBX] = DATA;
  g.cpu->gpr[CPU_RCX] = 64;
  RUN(&g, "\x0F\x28\x44\x4B\x10\x83\xE9\x08\x75\xF6\xCC");
  ck_int3(&g, 10);
  for (unsigned i = 0; i < 3; i++) {
    g.cpu->rip = CODE;
    g.cpu->gpr[CPU_RCX] = 64 + 4;
    guest_continue(&g);
    ck_exception(&g, 13, 0);
    ck_assert_uint_eq(g.cpu->gpr[CPU_RCX], 68);
  }
}
END_TEST

START_TEST(alignment_counts_the_segment_base_and_rip)
{
  g.cpu->gs_base = DATA + 8;
  g.cpu->gpr[CPU_RBX] = 0x100;
  RUN(&g, "\x65\x0F\x28\x03\xCC"); /* movaps xmm0, gs:[rbx] */
  ck_exception(&g, 13, 0);
  g.cpu->gpr[CPU_RBX] = 0x108;
  g.cpu->rip = CODE;
  guest_continue(&g);
  ck_int3(&g, 4);
  RUN(&g, "\x0F\x28\x05\x09\x00\x00\x00\xCC"); /* movaps xmm0, [rip + 9]: CODE + 10 */
  ck_int3(&g, 7);
  RUN(&g, "\x0F\x28\x05\x08\x00\x00\x00\xCC");
  ck_exception(&g, 13, 0);
}
END_TEST

START_TEST(misalignment_comes_before_the_page_fault)
{
  g.cpu->gpr[CPU_RBX] = ABSENT;
  RUN(&g, "\x0F\x29\x03\xCC");
  ck_page_fault(&g, 6, ABSENT, 0);
  g.cpu->gpr[CPU_RBX] = ABSENT + 8;
  g.cpu->rip = CODE;
  guest_continue(&g);
  ck_exception(&g, 13, 0);
}
END_TEST

START_TEST(a_breakpoint_comes_before_the_check)
{
  g.cpu->gpr[CPU_RBX] = DATA + 1;
  g.cpu->dr[0] = CODE + 1;
  g.cpu->dr[7] = 0x401;
  RUN(&g, "\x90\x0F\x28\x03\xCC");
  ck_exception(&g, 1, 1);
  g.cpu->rflags |= EFLAGS_RF;
  guest_continue(&g);
  ck_exception(&g, 13, 1);
  /* On an instruction without any check, and on undefined bytes. */
  g.cpu->dr[0] = CODE + 2;
  RUN(&g, "\x90\x90\x0F\x0B");
  ck_exception(&g, 1, 2);
  g.cpu->rflags |= EFLAGS_RF;
  guest_continue(&g);
  ck_exception(&g, 6, 2);
}
END_TEST

START_TEST(tf_steps_over_checked_instructions)
{
  g.cpu->gpr[CPU_RBX] = DATA;
  guest_put(g.space, CODE, "\x0F\x28\x03\xE1\x00\x0F\x28\x43\x01\xCC", 10); /* movaps; loope +0; movaps */
  g.cpu->rip = CODE;
  g.cpu->rflags = EFLAGS_IF | 2 | EFLAGS_TF;
  guest_continue(&g);
  ck_exception(&g, 1, 3);
  guest_continue(&g);
  ck_exception(&g, 1, 5);
  guest_continue(&g);
  ck_exception(&g, 13, 5);
  ck_assert_uint_ne(g.cpu->rflags & EFLAGS_TF, 0);
}
END_TEST

START_TEST(ldmxcsr_and_fxrstor_refuse_reserved_bits)
{
  static const struct row ldmxcsr = ROW("ldmxcsr", "\x0F\xAE\x13"), fxrstor = ROW("fxrstor", "\x0F\xAE\x0B");
  uint8_t area[512] = {0x7F, 0x02};
  g.cpu->gpr[CPU_RBX] = DATA;
  guest_put(g.space, DATA, "\xBF\x1F\x00\x00", 4);
  expect_to_run(&ldmxcsr, 1);
  ck_assert_uint_eq(cpu_mxcsr(g.cpu), 0x1FBF);
  guest_put(g.space, DATA, "\x80\x1F\x01\x00", 4);
  expect_general_protection(&ldmxcsr, 1);
  ck_assert_uint_eq(cpu_mxcsr(g.cpu), 0x1FBF);
  memcpy(area + 24, "\x80\x1F\x00\x00", 4);
  guest_put(g.space, DATA, area, sizeof area);
  expect_to_run(&fxrstor, 1);
  ck_assert_uint_eq(cpu_mxcsr(g.cpu), 0x1F80);
  area[27] = 1;
  guest_put(g.space, DATA, area, sizeof area);
  expect_general_protection(&fxrstor, 1);
  g.cpu->gpr[CPU_RBX] = ABSENT;
  RUN(&g, "\x0F\xAE\x13");
  ck_page_fault(&g, 4, ABSENT, 0);
}
END_TEST

START_TEST(blocks_are_counted_alike_whatever_ran_there_before)
{
  static const uint8_t checked[] = {0x90, 0x90, 0x0F, 0x28, 0x03, 0xCC}; /* movaps xmm0, [rbx] */
  static const uint8_t store[] = {0x08, 0xFF, 0x00, 0x20, 0xCC};         /* or bh, bh; add [rax], ah */
  uint64_t blocks[2];
  for (unsigned i = 0; i < COUNT(blocks); i++) {
    g.cpu->gpr[CPU_RAX] = WRITABLE_CODE + 1; /* its own block, which stays as it is */
    guest_put(g.space, WRITABLE_CODE, store, sizeof store);
    g.cpu->rip = WRITABLE_CODE;
    guest_continue(&g);
    ck_assert_uint_eq(g.trap.vector, 3);
    blocks[i] = g.trap.blocks;
    g.cpu->gpr[CPU_RBX] = DATA + 1;
    guest_put(g.space, WRITABLE_CODE, checked, sizeof checked);
    g.cpu->rip = WRITABLE_CODE;
    guest_continue(&g);
    ck_assert_uint_eq(g.trap.vector, 13);
  }
  ck_assert_uint_eq(blocks[0], blocks[1]);
}
END_TEST

START_TEST(encodings_that_the_processor_does_not_have)
{
  static const struct row list[] = {
      ROW("vaddps", "\xC5\xF8\x58\xC1"),         ROW("vzeroupper", "\xC5\xF8\x77"),
      ROW("andn", "\xC4\xE2\x78\xF2\xC1"),       ROW("bzhi", "\xC4\xE2\x78\xF5\xC1"),
      ROW("rorx", "\xC4\xE3\x7B\xF0\xC1\x05"),   ROW("VEX cpuid", "\xC5\xF8\xA2"),
      ROW("xop", "\x8F\xE9\x78\x01\xC1"),        ROW("pop /1", "\x8F\xC8"),
      ROW("mov /1", "\xC7\xC8\x01\x02\x03\x04"), ROW("lock cmp register", "\xF0\x39\xC8"),
      ROW("lock cmp memory", "\xF0\x39\x03"),    ROW("lock mov", "\xF0\x89\x03"),
      ROW("lock add register", "\xF0\x01\xC8"),  ROW("lock nop", "\xF0\x90"),
      ROW("lock bt", "\xF0\x0F\xA3\x03"),        ROW("lock add reg, mem", "\xF0\x03\x03"),
      ROW("lock test", "\xF0\xF6\x03\x01"),      ROW("lock push", "\xF0\x50"),
      ROW("lock movaps", "\xF0\x0F\x28\x03"),
  };
  static const struct row good[] = {
      ROW("lock add", "\xF0\x01\x03"),           ROW("lock inc", "\xF0\xFF\x03"),
      ROW("lock xchg", "\xF0\x87\x03"),          ROW("lock cmpxchg", "\xF0\x0F\xB1\x03"),
      ROW("lock xadd", "\xF0\x0F\xC1\x03"),      ROW("lock bts", "\xF0\x0F\xBA\x2B\x01"),
      ROW("lock not", "\xF0\xF6\x13"),           ROW("lock or", "\xF0\x83\x0B\x01"),
      ROW("lock cmpxchg8b", "\xF0\x0F\xC7\x0B"),
  };
  g.cpu->gpr[CPU_RBX] = DATA;
  expect_invalid(list, COUNT(list));
  expect_to_run(good, COUNT(good));
}
END_TEST

START_TEST(loope_and_loopne_keep_the_flags)
{
  static const struct {
    uint8_t opcode, zf, count;
    bool taken;
  } row[] = {{0xE1, 1, 2, true},  {0xE1, 1, 1, false}, {0xE1, 0, 2, false}, {0xE0, 0, 2, true},
             {0xE0, 0, 1, false}, {0xE0, 1, 2, false}, {0xE1, 1, 0, true}};
  for (size_t i = 0; i < COUNT(row); i++) {
    for (unsigned flags = 0; flags < 2; flags++) {
      uint8_t code[8] = {row[i].opcode, 1, 0xCC, 0xCC};
      uint64_t arithmetic = (row[i].zf ? 0x40u : 0) | (flags ? 0x895u : 0);
      guest_put(g.space, CODE, code, sizeof code);
      g.cpu->rip = CODE;
      g.cpu->rflags = EFLAGS_IF | 2 | arithmetic;
      g.cpu->gpr[CPU_RCX] = row[i].count;
      guest_continue(&g);
      ck_int3(&g, row[i].taken ? 3 : 2);
      ck_assert_uint_eq(g.cpu->rflags & 0x8D5, arithmetic);
      ck_assert_uint_eq(g.cpu->gpr[CPU_RCX], (uint64_t)row[i].count - 1);
    }
  }
  /* The address-size prefix makes it ecx. */
  g.cpu->gpr[CPU_RCX] = 0xFFFFFFFF00000001ull;
  RUN(&g, "\x67\xE0\x01\xCC\xCC");
  ck_int3(&g, 3);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RCX], 0);
}
END_TEST

START_TEST(checks_do_not_change_the_block_count)
{
  /* l: movaps xmm0, [rbx]; nop; ldmxcsr [rbx + 10]; dec ecx; jnz l; int3 */
  g.cpu->gpr[CPU_RBX] = DATA;
  guest_put(g.space, DATA + 0x10, "\x80\x1F\x00\x00", 4);
  for (unsigned turn = 0; turn < 2; turn++) {
    g.cpu->gpr[CPU_RCX] = 20;
    if (turn == 0)
      RUN(&g, "\x0F\x28\x03\x90\x0F\xAE\x53\x10\xFF\xC9\x75\xF4\xCC");
    else
      g.cpu->rip = CODE, guest_continue(&g);
    ck_int3(&g, 12);
    ck_assert_uint_eq(g.trap.blocks, 21);
  }
  uint64_t sum = 0;
  g.cpu->gpr[CPU_RCX] = 20;
  g.cpu->rip = CODE;
  do {
    cpu_run(g.space, g.cpu, 1, &g.trap);
    sum += g.trap.blocks;
  } while (g.trap.kind == CPU_TRAP_BUDGET);
  ck_int3(&g, 12);
  ck_assert_uint_eq(sum, 21);
}
END_TEST

/* Runs one instruction on xmm0 and xmm1 with MXCSR; the vector that comes of it. */
static unsigned run_sse(uint32_t mxcsr, float a, float b, const char *code, size_t size)
{
  M128A xmm[2];
  memset(xmm, 0, sizeof xmm);
  memcpy(&xmm[0], &a, sizeof a);
  memcpy(&xmm[1], &b, sizeof b);
  cpu_set_xmm(g.cpu, 0, 2, xmm);
  cpu_set_mxcsr(g.cpu, mxcsr);
  const struct row row = {"", code, size};
  run_row(&row);
  return g.trap.vector;
}
#define RUN_SSE(mxcsr, a, b, code) run_sse(mxcsr, a, b, code, sizeof(code) - 1)

START_TEST(unmasked_sse_exceptions_are_vector_19)
{
  enum { INVALID = 1, DENORMAL = 2, ZERO = 4, OVERFLOWS = 8, UNDERFLOWS = 0x10, INEXACT = 0x20, ALL = 0x1F80 };
  static const struct {
    const char *name, *code;
    size_t size;
    float a, b;
    unsigned flag;
  } row[] = {
      {"divss by 0", "\xF3\x0F\x5E\xC1", 4, 1, 0, ZERO},
      {"0 / 0", "\xF3\x0F\x5E\xC1", 4, 0, 0, INVALID},
      {"sqrtss of -1", "\xF3\x0F\x51\xC1", 4, 0, -1, INVALID},
      {"mulss overflows", "\xF3\x0F\x59\xC1", 4, 3e38f, 10, OVERFLOWS},
      {"mulss underflows", "\xF3\x0F\x59\xC1", 4, 1e-30f, 1e-30f, UNDERFLOWS},
      {"addss of a denormal", "\xF3\x0F\x58\xC1", 4, 1, 1e-40f, DENORMAL},
      {"divss 1 by 3", "\xF3\x0F\x5E\xC1", 4, 1, 3, INEXACT},
      {"mulps overflows", "\x0F\x59\xC1", 3, 3e38f, 10, OVERFLOWS},
      {"cvtss2si of 1e20", "\xF3\x0F\x2D\xC1", 4, 0, 1e20f, INVALID},
      {"comiss with NaN", "\x0F\x2F\xC1", 3, 0, (float)__builtin_nanf(""), INVALID},
      {"mulss, tiny and exact", "\xF3\x0F\x59\xC1", 4, 0x1p-126f, 0.5f, UNDERFLOWS},
      {"roundss of 1.5", "\x66\x0F\x3A\x0A\xC1\x00", 6, 1, 1.5f, INEXACT},
      {"roundps of 1.5", "\x66\x0F\x3A\x08\xC1\x04", 6, 1, 1.5f, INEXACT},
      {"dpps overflows", "\x66\x0F\x3A\x40\xC1\x11", 6, 3e38f, 10, OVERFLOWS},
      {"dppd of a denormal", "\x66\x0F\x3A\x41\xC1\x11", 6, 1, 1, DENORMAL},
      {"cvtps2pi of 1e20", "\x0F\x2D\xC1", 3, 0, 1e20f, INVALID},
      {"cvttps2pi of 1e20", "\x0F\x2C\xC1", 3, 0, 1e20f, INVALID},
      {"cvttss2si of 1.5", "\xF3\x0F\x2C\xC1", 4, 0, 1.5f, INEXACT},
  };
  for (size_t i = 0; i < COUNT(row); i++) {
    unsigned vector = run_sse(ALL & ~(row[i].flag << 7), row[i].a, row[i].b, row[i].code, row[i].size);
    ck_assert_msg(vector == 19 && g.cpu->rip == CODE + 1 && !g.trap.has_error_code, "%s: vector %u", row[i].name,
                  vector);
    ck_assert_msg((cpu_mxcsr(g.cpu) & row[i].flag) != 0, "%s: MXCSR %x", row[i].name, cpu_mxcsr(g.cpu));
    /* All others unmasked but this one; the registers were not written. */
    vector = run_sse(row[i].flag << 7 | (INEXACT | UNDERFLOWS | DENORMAL) << 7, row[i].a, row[i].b, row[i].code,
                     row[i].size);
    ck_assert_msg(vector == 3, "%s masked: vector %u", row[i].name, vector);
    ck_assert_uint_eq(run_sse(ALL, row[i].a, row[i].b, row[i].code, row[i].size), 3);
  }
  ck_assert_uint_eq(RUN_SSE(0, 1, 2, "\xF3\x0F\x58\xC1"), 3);
  /* Inexact results are no exception of a rounding that says so, nor products that are not asked for. */
  ck_assert_uint_eq(RUN_SSE(0, 1, 1.5f, "\x66\x0F\x3A\x0A\xC1\x08"), 3);
  ck_assert_uint_eq(RUN_SSE(0, 3e38f, 10, "\x66\x0F\x3A\x40\xC1\xEF"), 3);
  /* mov eax, 7FFFFFFF; movd mm1, eax; cvtpi2ps xmm0, mm1 */
  ck_assert_uint_eq(RUN_SSE(0, 0, 0, "\xB8\xFF\xFF\xFF\x7F\x0F\x6E\xC8\x0F\x2A\xC1"), 19);
  ck_assert_uint_eq(g.cpu->rip, CODE + 9);
  ck_assert_uint_eq(RUN_SSE(0, 0, 0, "\xB8\x00\x00\x00\x40\x0F\x6E\xC8\x0F\x2A\xC1"), 3);
  /* Unmasked by the guest itself, in the middle of a block. */
  cpu_set_mxcsr(g.cpu, ALL);
  M128A xmm[2];
  memset(xmm, 0, sizeof xmm);
  cpu_set_xmm(g.cpu, 0, 2, xmm);
  guest_put(g.space, DATA, "\x00\x1F\x00\x00", 4);
  g.cpu->gpr[CPU_RBX] = DATA;
  RUN(&g, "\x0F\xAE\x13\xF3\x0F\x5E\xC1\xCC"); /* ldmxcsr [rbx]; divss xmm0, xmm1 */
  ck_exception(&g, 19, 3);
}
END_TEST

START_TEST(an_unmasked_x87_divide_by_zero_is_vector_16_at_the_next_wait)
{
  /* fninit; fldcw [rbx]; fld1; fldz; fdivp; nop; fwait */
  guest_put(g.space, DATA, "\x7B\x02", 2);
  g.cpu->gpr[CPU_RBX] = DATA;
  RUN(&g, "\xDB\xE3\xD9\x2B\xD9\xE8\xD9\xEE\xDE\xF9\x90\x9B\xCC");
  ck_exception(&g, 16, 11);
}
END_TEST

START_TEST(new_bytes_have_new_checks)
{
  g.cpu->gpr[CPU_RBX] = DATA + 1;
  RUN(&g, "\x0F\x28\x03\xCC");
  ck_exception(&g, 13, 0);
  RUN(&g, "\x0F\x10\x03\xCC"); /* movups at the same place */
  ck_int3(&g, 3);
  g.cpu->gpr[CPU_RBX] = DATA;
  g.cpu->gpr[CPU_RSI] = DATA + 1;
  RUN(&g, "\x0F\x28\x06\xCC"); /* another register */
  ck_exception(&g, 13, 0);
}
END_TEST

START_TEST(blocks_that_overlap_settle)
{
  /* nop; l: movaps xmm0, [rbx]; dec ecx; jnz l; dec edx; jnz -1...: the inner loop lies in the block of the outer one
   */
  static const char code[] = "\xB9\x03\x00\x00\x00\x0F\x28\x03\xFF\xC9\x75\xF9\xFF\xCA\x75\xF0\xCC";
  g.cpu->gpr[CPU_RBX] = DATA;
  g.cpu->gpr[CPU_RDX] = 100000;
  RUN(&g, code);
  ck_int3(&g, 16);
  ck_assert_uint_eq(g.cpu->gpr[CPU_RDX], 0);
}
END_TEST

START_TEST(instruction_lengths_are_those_of_another_decoder)
{
  uint64_t seed = 88172645463325252ull;
  unsigned compared = 0;
  csh handle[2];
  ck_assert_int_eq(cs_open(CS_ARCH_X86, CS_MODE_32, &handle[0]), CS_ERR_OK);
  ck_assert_int_eq(cs_open(CS_ARCH_X86, CS_MODE_64, &handle[1]), CS_ERR_OK);
  for (unsigned k = 0; k < 200000; k++) {
    uint8_t bytes[15];
    for (unsigned i = 0; i < 15; i++) {
      seed ^= seed << 13;
      seed ^= seed >> 7;
      seed ^= seed << 17;
      bytes[i] = (uint8_t)(seed >> 20);
    }
    if ((k & 1) != 0)
      bytes[(k >> 1) & 1] = 0x0F;
    unsigned mode = (k >> 3) & 1;
    cs_insn *text;
    struct insn i;
    if (cs_disasm(handle[mode], bytes, sizeof bytes, 0, 1, &text) != 1)
      continue;
    bool decoded = insn_decode(bytes, sizeof bytes, mode, &i);
    /* Undefined opcodes that one or the other gives operands, encodings of other processors, and Capstone's idea of an
     * operand-size prefix that is followed by another prefix. */
    bool guess = i.map == MAP_0F && (i.opcode == 0xB9 || i.opcode == 0xFF || i.opcode == 0xA7 || i.opcode == 0xA6 ||
                                     i.opcode == 0x78 || i.opcode == 0x79);
    bool other = i.map == MAP_ONE_BYTE && (i.opcode == 0x62 || i.opcode == 0x8F);
    bool size = i.operand16 && i.immediate != 0 && i.map == MAP_ONE_BYTE;
    if (!i.vex && !guess && !other && !size) {
      ck_assert_msg(decoded && i.length == text->size, "%s %s: %u, not %u bytes", text->mnemonic, text->op_str,
                    i.length, text->size);
      compared++;
    }
    cs_free(text, 1);
  }
  ck_assert_uint_gt(compared, 100000);
  cs_close(&handle[0]);
  cs_close(&handle[1]);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("emu scan");
  TCase *t = tcase_create("scan");
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_set_timeout(t, 60);
  tcase_add_test(t, fact_25_port_instructions_are_privileged);
  tcase_add_test(t, aligned_sse_faults_only_where_the_address_is_not_aligned);
  tcase_add_test(t, the_check_of_a_warm_block_sees_each_address);
  tcase_add_test(t, alignment_counts_the_segment_base_and_rip);
  tcase_add_test(t, misalignment_comes_before_the_page_fault);
  tcase_add_test(t, a_breakpoint_comes_before_the_check);
  tcase_add_test(t, tf_steps_over_checked_instructions);
  tcase_add_test(t, ldmxcsr_and_fxrstor_refuse_reserved_bits);
  tcase_add_test(t, blocks_are_counted_alike_whatever_ran_there_before);
  tcase_add_test(t, encodings_that_the_processor_does_not_have);
  tcase_add_test(t, loope_and_loopne_keep_the_flags);
  tcase_add_test(t, checks_do_not_change_the_block_count);
  tcase_add_test(t, unmasked_sse_exceptions_are_vector_19);
  tcase_add_test(t, an_unmasked_x87_divide_by_zero_is_vector_16_at_the_next_wait);
  tcase_add_test(t, new_bytes_have_new_checks);
  tcase_add_test(t, blocks_that_overlap_settle);
  tcase_add_test(t, instruction_lengths_are_those_of_another_decoder);
  suite_add_tcase(s, t);
  return run_suite(s);
}
