/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel stack slots that trap frames lie on: how many there are, how they come back, and what happens without
 * memory. */
#include "stage.h"

#include <string.h>

/* More than the list of returned slots has room for at first. */
#define MANY 150u

static struct stage s;
static ETHREAD threads[MANY];

static void setup(void)
{
  stage_start(&s);
  memset(threads, 0, sizeof threads);
}

static void teardown(void) { stage_end(&s); }

static const CONTEXT start = {.ContextFlags = CONTEXT_FULL, .Rip = STAGE_CODE, .Rsp = STAGE_STACK, .SegCs = 0x33};

static NTSTATUS begin(ETHREAD *thread) { return KiInitializeContextThread(thread, &start); }

/* Takes the slots that threads have left behind. Returns how many. */
static unsigned take_left_slots(void)
{
  unsigned n = 0;
  for (; trap_state()->free_slot_count; n++)
    ck_assert_int_eq(begin(&threads[n]), STATUS_SUCCESS);
  return n;
}

START_TEST(a_new_thread_starts_in_its_context)
{
  STAGE_INSIDE(&s, {
    KTHREAD *t = &threads[0].Tcb;
    ck_assert_int_eq(begin(&threads[0]), STATUS_SUCCESS);
    ck_assert_uint_eq(ki_kernel_address(t->TrapFrame) + sizeof(KTRAP_FRAME), t->InitialStack);
    /* spec/1.3: the exception frame lies 1E0 bytes below */
    ck_assert_uint_eq(ki_kernel_address(t->TrapFrame) - ki_kernel_address(t->ExceptionFrame), 0x1E0);
    ck_assert_uint_eq(t->TrapFrame->Rip, STAGE_CODE);
    ck_assert_uint_eq(t->TrapFrame->Rsp, STAGE_STACK);
    ck_assert_uint_eq(t->TrapFrame->SegCs, KGDT64_R3_CODE);
    ck_assert_uint_eq(t->TrapFrame->EFlags & EFLAGS_IF, EFLAGS_IF);
    ck_assert_uint_eq(t->TrapFrame->ExceptionActive, TRAP_INTERRUPT);
    ck_assert_int_eq(t->PreviousMode, UserMode);
    KiDeleteContextThread(&threads[0]);
    ck_assert_ptr_null(t->TrapFrame);
    ck_assert_ptr_null(t->cpu);
    /* a second time nothing is left to give back */
    unsigned count = (unsigned)trap_state()->free_slot_count;
    KiDeleteContextThread(&threads[0]);
    ck_assert_uint_eq(trap_state()->free_slot_count, count);
  });
}
END_TEST

START_TEST(slots_are_used_again)
{
  STAGE_INSIDE(&s, {
    static ULONG64 stacks[MANY];
    for (unsigned i = 0; i < MANY; i++) {
      ck_assert_int_eq(begin(&threads[i]), STATUS_SUCCESS);
      stacks[i] = threads[i].Tcb.InitialStack;
      for (unsigned k = 0; k < i; k++)
        ck_assert_uint_ne(stacks[k], stacks[i]);
      memset(threads[i].Tcb.ExceptionFrame, 0xA5, sizeof(KEXCEPTION_FRAME));
    }
    const ULONG64 end = trap_state()->next_slot;
    for (unsigned i = 0; i < MANY; i++)
      KiDeleteContextThread(&threads[i]);
    /* the last that came back goes first, and nobody's registers are left in it */
    for (unsigned i = 0; i < MANY; i++) {
      ck_assert_int_eq(begin(&threads[i]), STATUS_SUCCESS);
      ck_assert_uint_eq(threads[i].Tcb.InitialStack, stacks[MANY - 1 - i]);
      ck_assert_uint_eq(threads[i].Tcb.ExceptionFrame->R15, 0);
      ck_assert_uint_eq(threads[i].Tcb.ExceptionFrame->P1Home, 0);
    }
    ck_assert_uint_eq(trap_state()->next_slot, end);
    for (unsigned i = 0; i < MANY; i++)
      KiDeleteContextThread(&threads[i]);
  });
}
END_TEST

/* NtCreateThreadEx, whose fifth argument and the further ones lie on the stack. */
static NTSTATUS create_thread(void)
{
  const uint64_t arguments[7] = {STAGE_CODE};
  stage_write(&s, STAGE_STACK + 0x28, arguments, sizeof arguments);
  return stage_service(&s, "NtCreateThreadEx", STAGE_DATA, THREAD_ALL_ACCESS, 0, (uint64_t)-1);
}

START_TEST(no_slot_is_left)
{
  ULONG64 next = 0;
  unsigned left = 0;
  STAGE_INSIDE(&s, {
    left = take_left_slots();
    next = trap_state()->next_slot;
    trap_state()->next_slot = EMU_KERNEL_BASE + emu_kernel_size(KeGetPcr()->emu) - KI_SLOT_SIZE;
    ck_assert_int_eq(begin(&threads[left]), STATUS_SUCCESS);
    ck_assert_int_eq(begin(&threads[left + 1]), STATUS_INSUFFICIENT_RESOURCES);
    ck_assert_uint_eq(threads[left + 1].Tcb.InitialStack, 0);
  });
  /* the service says so, and the process goes on */
  ck_assert_int_eq(create_thread(), STATUS_INSUFFICIENT_RESOURCES);
  STAGE_INSIDE(&s, {
    trap_state()->next_slot = next;
    for (unsigned i = 0; i <= left; i++)
      KiDeleteContextThread(&threads[i]);
  });
}
END_TEST

START_TEST(no_memory_for_the_register_file)
{
  STAGE_INSIDE(&s, {
    ck_assert_int_eq(begin(&threads[0]), STATUS_SUCCESS);
    KiDeleteContextThread(&threads[0]);
    const size_t count = trap_state()->free_slot_count;
    const ULONG64 slot = trap_state()->free_slots[count - 1];
    stage_exhaust_memory(true);
    ck_assert_int_eq(begin(&threads[0]), STATUS_INSUFFICIENT_RESOURCES);
    ck_assert_uint_eq(threads[0].Tcb.InitialStack, 0);
    ck_assert_ptr_null(threads[0].Tcb.cpu);
    /* the slot is free again */
    ck_assert_uint_eq(trap_state()->free_slot_count, count);
    stage_exhaust_memory(false);
    ck_assert_int_eq(begin(&threads[0]), STATUS_SUCCESS);
    ck_assert_uint_eq(threads[0].Tcb.InitialStack, slot + KI_SLOT_SIZE);
    KiDeleteContextThread(&threads[0]);
  });
  stage_expect(stage_run(&s, "\xCC", 1, 0x33), STATUS_BREAKPOINT, STAGE_CODE, 1);
}
END_TEST

/* Where not even the list of returned slots can grow, a slot is lost; nothing else is. */
START_TEST(no_memory_to_remember_a_slot)
{
  STAGE_INSIDE(&s, {
    struct trap_state *trap = trap_state();
    unsigned n = take_left_slots();
    do
      ck_assert_int_eq(begin(&threads[n]), STATUS_SUCCESS);
    while (++n <= trap->free_slot_capacity + 1 && n < MANY);
    for (unsigned i = 0; i + 1 < n && trap->free_slot_count < trap->free_slot_capacity; i++)
      KiDeleteContextThread(&threads[i]);
    const size_t count = trap->free_slot_count;
    ck_assert_uint_eq(count, trap->free_slot_capacity);
    stage_exhaust_memory(true);
    KiDeleteContextThread(&threads[n - 1]);
    ck_assert_uint_eq(threads[n - 1].Tcb.InitialStack, 0);
    ck_assert_uint_eq(trap->free_slot_count, count);
    stage_exhaust_memory(false);
    ck_assert_int_eq(begin(&threads[n - 1]), STATUS_SUCCESS);
    KiDeleteContextThread(&threads[n - 1]);
  });
  stage_expect(stage_run(&s, "\xCC", 1, 0x33), STATUS_BREAKPOINT, STAGE_CODE, 1);
}
END_TEST

TCase *frame_tests(void)
{
  TCase *tests = tcase_create("frames");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, a_new_thread_starts_in_its_context);
  tcase_add_test(tests, slots_are_used_again);
  tcase_add_test(tests, no_slot_is_left);
  tcase_add_test(tests, no_memory_for_the_register_file);
  tcase_add_test(tests, no_memory_to_remember_a_slot);
  return tests;
}
