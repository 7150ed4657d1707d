/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random bytes as code and as registers: the processor always answers with a trap that a processor could give, and
 * gives the same one again, whole or in small budgets. */
#include "guest.h"

#define CASES 4000
#define CODE_SIZE 64

static struct guest g;

/* No endless rows of zeros: where the library ends a block of thousands of instructions depends on the calls in it. */
static void setup(void)
{
  guest_open(&g);
  memset(space_host(g.space, CODE, EMU_PAGE_SIZE), 0xCC, EMU_PAGE_SIZE);
}
static void teardown(void) { guest_close(&g); }

static uint64_t seed = 0x9E3779B97F4A7C15ull;

static uint64_t next_random(void)
{
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed * 0x2545F4914F6CDD1Dull;
}

struct outcome {
  struct cpu_trap trap;
  uint64_t gpr[CPU_REGISTERS], rip, rflags, sum;
};

/* Registers that point somewhere useful often enough. */
static uint64_t random_value(void)
{
  static const uint64_t place[] = {DATA,
                                   DATA + 0xFFC,
                                   READ_ONLY,
                                   ABSENT,
                                   WRITABLE_CODE,
                                   CODE,
                                   STACK_TOP - 0x80,
                                   EMU_KERNEL_BASE,
                                   EMU_PAGE_TABLES_BASE,
                                   0,
                                   1ull << 47,
                                   ~0ull,
                                   0xFFFF800000000000ull};
  uint64_t r = next_random();
  return (r & 3) == 0 ? next_random() : place[(r >> 8) % (sizeof place / sizeof place[0])] + ((r >> 16) & 15);
}

static void start(uint64_t from, uint64_t base)
{
  static const uint8_t prefix[] = {0x0F, 0x48, 0x66, 0xF3, 0xF2, 0x65, 0xCD, 0xFF, 0x8E, 0xF0};
  uint8_t code[CODE_SIZE];
  seed = from;
  for (unsigned i = 0; i < CODE_SIZE; i++) {
    uint64_t r = next_random();
    code[i] = (r & 7) == 0 ? prefix[(r >> 8) % sizeof prefix] : (uint8_t)(r >> 16);
  }
  memset(space_host(g.space, DATA, 0x2000), 0x11, 0x2000);
  memset(space_host(g.space, STACK_TOP - 0x2000, 0x2000), 0x22, 0x2000);
  memset(space_host(g.space, WRITABLE_CODE, EMU_PAGE_SIZE), 0xCC, EMU_PAGE_SIZE);
  space_code_changed(g.space, WRITABLE_CODE, EMU_PAGE_SIZE);
  guest_put(g.space, WRITABLE_CODE, code, sizeof code);
  guest_put(g.space, CODE, code, sizeof code);
  guest_put(g.space, CODE + 0x1000 - CODE_SIZE, code, sizeof code);
  g.cpu->rip = base;
  for (unsigned i = 0; i < CPU_REGISTERS; i++)
    g.cpu->gpr[i] = random_value();
  if ((next_random() & 3) != 0)
    g.cpu->gpr[CPU_RSP] = STACK_TOP - 0x100;
  g.cpu->rflags = EFLAGS_IF | 2 | ((next_random() & 7) == 0 ? EFLAGS_TF : 0);
  g.cpu->cs = KGDT64_R3_CODE;
  g.cpu->ss = g.cpu->ds = g.cpu->es = g.cpu->gs = KGDT64_R3_DATA;
  g.cpu->fs = KGDT64_R3_CMTEB;
  g.cpu->fs_base = g.cpu->gs_base = DATA;
  const XSAVE_FORMAT fx = {.ControlWord = 0x27F, .MxCsr = 0x1F80};
  cpu_set_fx(g.cpu, &fx);
}

static void finish(struct outcome *o)
{
  memset(o, 0, sizeof *o);
  o->trap = g.trap;
  memcpy(o->gpr, g.cpu->gpr, sizeof o->gpr);
  o->rip = g.cpu->rip;
  o->rflags = g.cpu->rflags;
  const uint8_t *data = space_host(g.space, DATA, 0x2000), *stack = space_host(g.space, STACK_TOP - 0x2000, 0x2000);
  for (unsigned i = 0; i < 0x2000; i++)
    o->sum = o->sum * 31 + data[i] * 256u + stack[i];
}

static void check_plausible(uint64_t from)
{
  const struct cpu_trap *t = &g.trap;
  ck_assert_msg(t->kind != CPU_TRAP_FAILED, "seed %llx: %s", (unsigned long long)from, cpu_failure(g.cpu));
  ck_assert(t->kind != CPU_TRAP_STOPPED);
  ck_assert_msg(g.cpu->cs == KGDT64_R3_CODE || g.cpu->cs == KGDT64_R3_CMCODE, "seed %llx: CS %x",
                (unsigned long long)from, g.cpu->cs);
  ck_assert_uint_eq(g.cpu->rflags & ~0x254FD7ull, 0);
  if (t->kind == CPU_TRAP_EXCEPTION && !t->software) {
    static const uint32_t possible =
        1u << 0 | 1u << 1 | 1u << 5 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 16 | 1u << 19;
    ck_assert_msg(t->vector < 32 && ((possible >> t->vector) & 1) != 0, "seed %llx: vector %u",
                  (unsigned long long)from, t->vector);
    ck_assert(t->vector != 14 || (t->error_code & ~0x17u) == 0);
  }
}

START_TEST(random_code_gives_plausible_traps_twice)
{
  for (unsigned i = 0; i < CASES; i++) {
    struct outcome first, again;
    uint64_t from = 0x1234567ull * (i + 1), base = (i & 1) == 0 ? CODE : CODE + 0x1000 - CODE_SIZE;
    start(from, base);
    cpu_run(g.space, g.cpu, 300, &g.trap);
    check_plausible(from);
    finish(&first);
    start(from, base);
    cpu_run(g.space, g.cpu, 300, &g.trap);
    finish(&again);
    ck_assert_msg(memcmp(&first, &again, sizeof first) == 0, "seed %llx: a second run differs",
                  (unsigned long long)from);
    if (first.trap.kind != CPU_TRAP_BUDGET) {
      uint64_t blocks = 0;
      start(from, base);
      do {
        cpu_run(g.space, g.cpu, 3, &g.trap);
        blocks += g.trap.blocks;
      } while (g.trap.kind == CPU_TRAP_BUDGET);
      g.trap.blocks = blocks;
      finish(&again);
      ck_assert_msg(memcmp(&first, &again, sizeof first) == 0, "seed %llx: a run in pieces differs",
                    (unsigned long long)from);
    }
  }
}
END_TEST

/* Breakpoints of all kinds where the code and its data are. */
static void set_debug_registers(void)
{
  g.cpu->dr[6] = 0xFFFF0FF0;
  g.cpu->dr[7] = next_random() & 0xFFFF00FF;
  for (unsigned i = 0; i < 4; i++) {
    uint64_t r = next_random();
    g.cpu->dr[i] = (r & 1) != 0   ? g.cpu->gpr[(r >> 8) & 15]
                   : (r & 2) != 0 ? g.cpu->gpr[CPU_RSP] - 8
                                  : g.cpu->rip + ((r >> 8) & 15);
  }
}

START_TEST(random_debug_registers_do_no_harm)
{
  uint64_t hits = 0;
  for (unsigned i = 0; i < CASES; i++) {
    struct outcome first, again;
    static const uint64_t bases[] = {CODE, CODE + 0x1000 - CODE_SIZE, WRITABLE_CODE};
    uint64_t from = 0x7654321ull * (i + 1);
    for (unsigned turn = 0; turn < 2; turn++) {
      start(from, bases[i % 3]);
      set_debug_registers();
      if ((next_random() & 3) == 0)
        g.cpu->rflags |= EFLAGS_RF;
      uint64_t before[3] = {space_pte(g.space, DATA), space_pte(g.space, STACK_TOP - 1), space_pte(g.space, CODE)};
      cpu_run(g.space, g.cpu, 100, &g.trap);
      check_plausible(from);
      const uint64_t moving = PTE_ACCESSED | PTE_DIRTY;
      ck_assert_uint_eq(before[0] & ~moving, space_pte(g.space, DATA) & ~moving);
      ck_assert_uint_eq(before[1] & ~moving, space_pte(g.space, STACK_TOP - 1) & ~moving);
      ck_assert_uint_eq(before[2] & ~moving, space_pte(g.space, CODE) & ~moving);
      hits += g.trap.kind == CPU_TRAP_EXCEPTION && g.trap.vector == 1 && (g.cpu->dr[6] & 15) != 0;
      finish(turn == 0 ? &first : &again);
    }
    ck_assert_msg(memcmp(&first, &again, sizeof first) == 0, "seed %llx: a second run differs",
                  (unsigned long long)from);
  }
  ck_assert_uint_gt(hits, CASES / 20);
  g.cpu->dr[7] = 0x400;
}
END_TEST

int main(void)
{
  Suite *s = suite_create("emu random");
  TCase *t = tcase_create("random");
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_set_timeout(t, 120);
  tcase_add_test(t, random_code_gives_plausible_traps_twice);
  tcase_add_test(t, random_debug_registers_do_no_harm);
  suite_add_tcase(s, t);
  return run_suite(s);
}
