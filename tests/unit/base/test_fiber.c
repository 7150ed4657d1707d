/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fiber.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Two fibers and what they wrote, in the order in which they ran. */
struct duet {
  fiber host;
  fiber guest;
  char log[64];
  size_t length;
};

static void note(struct duet *d, char c)
{
  ck_assert_uint_lt(d->length, sizeof(d->log) - 1);
  d->log[d->length++] = c;
}

static void ping_body(void *arg)
{
  struct duet *d = arg;
  for (int i = 0; i < 3; i++) {
    note(d, 'g');
    fiber_switch(&d->guest, &d->host);
  }
  note(d, 'e');
  fiber_exit_to(&d->guest, &d->host);
}

static void run_duet(void)
{
  struct duet d = {0};
  fiber_stacks *stacks = fiber_stacks_create(4);
  ck_assert_ptr_nonnull(stacks);
  void *stack = fiber_stack_take(stacks);
  fiber_adopt(&d.host);
  fiber_init(&d.guest, stack, ping_body, &d);
  ck_assert(!d.guest.started);
  for (int i = 0; i < 4; i++) {
    note(&d, 'h');
    fiber_switch(&d.host, &d.guest);
  }
  ck_assert(d.guest.started);
  ck_assert_str_eq(d.log, "hghghghe");
  fiber_stack_return(stacks, stack);
  fiber_stacks_destroy(stacks);
}

START_TEST(switch_alternates_and_keeps_locals)
{
  run_duet();
}
END_TEST

static void *duet_thread(void *unused)
{
  run_duet();
  return unused;
}

START_TEST(switch_works_on_another_host_thread)
{
  pthread_t thread;
  ck_assert_int_eq(pthread_create(&thread, NULL, duet_thread, NULL), 0);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

/* Goes on, from another host thread, with a fiber that was left in the middle. */
static void *resume_thread(void *arg)
{
  struct duet *d = arg;
  fiber_adopt(&d->host);
  for (int i = 0; i < 3; i++) {
    fiber_switch(&d->host, &d->guest);
  }
  return NULL;
}

START_TEST(blocked_fiber_resumes_on_another_host_thread)
{
  struct duet d = {0};
  pthread_t thread;
  fiber_stacks *stacks = fiber_stacks_create(1);
  void *stack = fiber_stack_take(stacks);
  fiber_adopt(&d.host);
  fiber_init(&d.guest, stack, ping_body, &d);
  fiber_switch(&d.host, &d.guest);
  ck_assert_int_eq(pthread_create(&thread, NULL, resume_thread, &d), 0);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  ck_assert_str_eq(d.log, "ggge");
  fiber_stack_return(stacks, stack);
  fiber_stacks_destroy(stacks);
}
END_TEST

static unsigned deep(unsigned depth)
{
  volatile char frame[256];
  for (size_t i = 0; i < sizeof(frame); i++) {
    frame[i] = (char)depth;
  }
  unsigned below = depth > 0 ? deep(depth - 1) : 0;
  return below + (unsigned char)frame[depth % sizeof(frame)];
}

static void deep_body(void *arg)
{
  struct duet *d = arg;
  /* Most of the stack; the plain build has 64 KB and about 300 bytes a level. */
  unsigned sum = deep(150);
  note(d, sum == 150 * 151 / 2 ? 'y' : 'n');
  fiber_exit_to(&d->guest, &d->host);
}

START_TEST(stack_serves_deep_calls)
{
  struct duet d = {0};
  fiber_stacks *stacks = fiber_stacks_create(1);
  void *stack = fiber_stack_take(stacks);
  fiber_adopt(&d.host);
  fiber_init(&d.guest, stack, deep_body, &d);
  fiber_switch(&d.host, &d.guest);
  ck_assert_str_eq(d.log, "y");
  fiber_stack_return(stacks, stack);
  fiber_stacks_destroy(stacks);
}
END_TEST

START_TEST(page_below_a_stack_is_inaccessible)
{
  (void)signal(SIGSEGV, SIG_DFL); /* AddressSanitizer's handler would report and exit */
  fiber_stacks *stacks = fiber_stacks_create(2);
  (void)fiber_stack_take(stacks);
  volatile char *stack = fiber_stack_take(stacks);
  stack[0] = 1;
  stack[-1] = 1;
}
END_TEST

START_TEST(stacks_are_reused_last_in_first_out)
{
  fiber_stacks *stacks = fiber_stacks_create(3);
  void *a = fiber_stack_take(stacks);
  void *b = fiber_stack_take(stacks);
  void *c = fiber_stack_take(stacks);
  ck_assert_ptr_null(fiber_stack_take(stacks));
  fiber_stack_return(stacks, a);
  fiber_stack_return(stacks, c);
  fiber_stack_return(stacks, b);
  ck_assert_ptr_eq(fiber_stack_take(stacks), b);
  ck_assert_ptr_eq(fiber_stack_take(stacks), c);
  ck_assert_ptr_eq(fiber_stack_take(stacks), a);
  fiber_stacks_destroy(stacks);
}
END_TEST

/* Leaves for good in the middle of a call, so that its frames are never torn down. */
static void abandon_body(void *arg)
{
  struct duet *d = arg;
  volatile char frame[2000];
  memset((void *)frame, 'x', sizeof(frame));
  fiber_exit_to(&d->guest, &d->host);
}

START_TEST(returned_stack_is_writable_everywhere)
{
  struct duet d = {0};
  fiber_stacks *stacks = fiber_stacks_create(1);
  void *stack = fiber_stack_take(stacks);
  fiber_adopt(&d.host);
  fiber_init(&d.guest, stack, abandon_body, &d);
  fiber_switch(&d.host, &d.guest);
  fiber_stack_return(stacks, stack);
  ck_assert_ptr_eq(fiber_stack_take(stacks), stack);
  memset(stack, 0x5A, fiber_stack_size);
  ck_assert_uint_eq(((uint8_t *)stack)[fiber_stack_size - 1], 0x5A);
  fiber_stacks_destroy(stacks);
}
END_TEST

START_TEST(prefill_shows_in_unused_stack_bytes)
{
  fiber_stacks *stacks = fiber_stacks_create(2);
  fiber_stacks_prefill(stacks, 0xA5);
  for (int round = 0; round < 2; round++) {
    uint8_t *stack = fiber_stack_take(stacks);
    ck_assert_uint_eq(stack[0], 0xA5);
    ck_assert_uint_eq(stack[fiber_stack_size - 1], 0xA5);
    memset(stack, 0, fiber_stack_size);
    fiber_stack_return(stacks, stack);
  }
  fiber_stacks_destroy(stacks);
}
END_TEST

enum { CROWD = 10000 };

struct member {
  fiber self;
  fiber *next;
  fiber *host;
  unsigned number;
  unsigned *visits;
};

static void member_body(void *arg)
{
  struct member *m = arg;
  unsigned square = m->number * m->number;
  for (;;) {
    *m->visits += square == m->number * m->number;
    fiber_switch(&m->self, m->next);
  }
}

START_TEST(ten_thousand_fibers_live_at_once)
{
  fiber host;
  unsigned visits = 0;
  fiber_stacks *stacks = fiber_stacks_create(CROWD);
  ck_assert_ptr_nonnull(stacks);
  struct member *crowd = calloc(CROWD, sizeof(*crowd));
  ck_assert_ptr_nonnull(crowd);
  fiber_adopt(&host);
  for (unsigned i = 0; i < CROWD; i++) {
    void *stack = fiber_stack_take(stacks);
    ck_assert_ptr_nonnull(stack);
    crowd[i] = (struct member){.next = i + 1 < CROWD ? &crowd[i + 1].self : &host, .number = i, .visits = &visits};
    fiber_init(&crowd[i].self, stack, member_body, &crowd[i]);
  }
  fiber_switch(&host, &crowd[0].self);
  fiber_switch(&host, &crowd[0].self);
  ck_assert_uint_eq(visits, 2 * CROWD);
  fiber_stacks_destroy(stacks);
  free(crowd);
}
END_TEST

START_TEST(impossible_stack_counts_are_refused)
{
  ck_assert_ptr_null(fiber_stacks_create(0));
  ck_assert_ptr_null(fiber_stacks_create(SIZE_MAX));
  ck_assert_ptr_null(fiber_stacks_create(UINT32_MAX));
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("base fiber");
  TCase *tests = tcase_create("fiber");
  tcase_add_test(tests, switch_alternates_and_keeps_locals);
  tcase_add_test(tests, switch_works_on_another_host_thread);
  tcase_add_test(tests, blocked_fiber_resumes_on_another_host_thread);
  tcase_add_test(tests, stack_serves_deep_calls);
  tcase_add_test(tests, stacks_are_reused_last_in_first_out);
  tcase_add_test(tests, returned_stack_is_writable_everywhere);
  tcase_add_test(tests, prefill_shows_in_unused_stack_bytes);
  tcase_add_test(tests, ten_thousand_fibers_live_at_once);
  tcase_add_test(tests, impossible_stack_counts_are_refused);
  tcase_add_test_raise_signal(tests, page_below_a_stack_is_inaccessible, SIGSEGV);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
