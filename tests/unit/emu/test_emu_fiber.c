/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_run on small stacks that take turns: no engine frame may be live on a fiber that is not running (DESIGN 1.4). */
#include "base/fiber.h"
#include "guest.h"

#define FIBERS 24
#define ROUNDS 50

struct thread {
  fiber fiber;
  struct guest *guest;
  address_space *space;
  cpu *cpu;
  uint8_t *stack;
  unsigned traps, faults;
};

static struct guest g;
static fiber home;
static struct thread threads[FIBERS];

static void setup(void) { guest_open(&g); }
static void teardown(void) { guest_close(&g); }

/* Runs its guest code for ever and goes home after each trap. Odd threads have a space of their own, whose engine is
 * opened, calibrated code translated and faults taken on this stack. */
static void body(void *argument)
{
  struct thread *t = argument;
  struct cpu_trap trap;
  for (;;) {
    cpu_run(t->space, t->cpu, 10000, &trap);
    if (trap.kind == CPU_TRAP_EXCEPTION && trap.vector == 3)
      t->traps++;
    else if (trap.kind == CPU_TRAP_EXCEPTION && trap.vector == 13 && t->cpu->rip == CODE + 10) {
      t->faults++;
      t->cpu->rip = CODE + 12;
    } else {
      t->traps = 1000000;
    }
    fiber_switch(&t->fiber, &home);
  }
}

START_TEST(fibers_take_turns_in_cpu_run)
{
  /* l: inc rax; paddq xmm1, xmm0; int3; jmp +0; jmp rcx (not canonical); jmp l */
  static const uint8_t code[] = {0x48, 0xFF, 0xC0, 0x66, 0x0F, 0xD4, 0xC8, 0xCC, 0xEB, 0x00, 0xFF, 0xE1, 0xEB, 0xF2};
  fiber_stacks *stacks = fiber_stacks_create(FIBERS);
  ck_assert_ptr_nonnull(stacks);
  fiber_stacks_prefill(stacks, 0xA5);
  fiber_adopt(&home);
  guest_put(g.space, CODE, code, sizeof code);
  for (unsigned i = 0; i < FIBERS; i++) {
    struct thread *t = &threads[i];
    memset(t, 0, sizeof *t);
    t->guest = &g;
    t->space = g.space;
    if (i & 1) {
      t->space = space_create(g.emu);
      ck_assert_ptr_nonnull(t->space);
      guest_layout(t->space);
      guest_put(t->space, CODE, code, sizeof code);
    }
    t->cpu = cpu_create(g.emu);
    t->cpu->rip = CODE;
    t->cpu->gpr[CPU_RCX] = 1ull << 55;
    t->cpu->gpr[CPU_RAX] = i * 1000;
    const M128A x = {i, 0};
    cpu_set_xmm(t->cpu, 0, 1, &x);
    t->stack = fiber_stack_take(stacks);
    ck_assert_ptr_nonnull(t->stack);
    fiber_init(&t->fiber, t->stack, body, t);
  }
  for (unsigned round = 0; round < 2 * ROUNDS; round++) {
    for (unsigned i = 0; i < FIBERS; i++)
      fiber_switch(&home, &threads[i].fiber);
  }
  for (unsigned i = 0; i < FIBERS; i++) {
    struct thread *t = &threads[i];
    M128A x;
    size_t untouched = 0;
    while (untouched < fiber_stack_size && t->stack[untouched] == 0xA5)
      untouched++;
    ck_assert_msg(untouched > fiber_stack_size / 2, "%zu bytes of stack were used", fiber_stack_size - untouched);
    ck_assert_uint_eq(t->traps, ROUNDS);
    ck_assert_uint_eq(t->faults, ROUNDS);
    ck_assert_uint_eq(t->cpu->gpr[CPU_RAX], i * 1000 + ROUNDS);
    cpu_get_xmm(t->cpu, 1, 1, &x);
    ck_assert_uint_eq(x.Low, i * ROUNDS);
    cpu_destroy(g.emu, t->cpu);
    if (t->space != g.space)
      space_destroy(t->space);
  }
  fiber_stacks_destroy(stacks);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("emu fiber");
  TCase *t = tcase_create("fiber");
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_set_timeout(t, 60);
  tcase_add_test(t, fibers_take_turns_in_cpu_run);
  suite_add_tcase(s, t);
  return run_suite(s);
}
