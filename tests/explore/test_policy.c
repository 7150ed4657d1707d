/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies as data: what they enumerate, what they write down, what they accept. */
#include "ntos/ke/policy.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define CHOICES 64
#define MOST_RUNS 4096
#define RUN_SIZE 32

/* ---- a toy: threads of so many steps each, asked before each step and at each end ---- */

struct toy {
  unsigned threads, steps;
  enum ke_choice_point point; /* before a step */
};

/* Runs a schedule of the toy; *out gets a letter for each step. */
static void run_toy(const struct toy *toy, struct ke_schedule *s, char *out)
{
  const struct ke_policy policy = ke_schedule_policy(s);
  KTHREAD *const ready[8] = {0};
  unsigned left[8], order[8], n = toy->threads;
  for (unsigned i = 0; i < n; i++) {
    left[i] = toy->steps;
    order[i] = i;
  }
  /* order[0] runs; the others follow in order of readiness. */
  bool waits = true;
  while (n) {
    unsigned answer = n > 1 ? policy.choose(policy.context, waits ? KE_CHOICE_WAIT : toy->point, ready, n) : 0;
    ck_assert_uint_lt(answer, n);
    unsigned next = order[answer];
    /* The one that was running goes to the end of the list, unless it goes on. */
    memmove(order + answer, order + answer + 1, (n - answer - 1) * sizeof *order);
    if (answer && !waits) {
      unsigned old = order[0];
      memmove(order, order + 1, (n - 2) * sizeof *order);
      order[n - 2] = old;
    }
    memmove(order + 1, order, (n - 1) * sizeof *order);
    order[0] = next;
    *out++ = (char)('a' + next);
    waits = --left[next] == 0;
    if (waits) {
      memmove(order, order + 1, (n - 1) * sizeof *order);
      n--;
    }
  }
  *out = 0;
}

/* All interleavings with at most `bound` preemptions: a letter that follows another whose thread is not at its end. */
static void interleave(const struct toy *toy, unsigned *left, char *text, unsigned at, unsigned bound,
                       char found[][RUN_SIZE], unsigned *count)
{
  if (at == toy->threads * toy->steps) {
    text[at] = 0;
    ck_assert_uint_lt(*count, MOST_RUNS);
    memcpy(found[(*count)++], text, at + 1);
    return;
  }
  for (unsigned t = 0; t < toy->threads; t++) {
    bool preempts = at && text[at - 1] != (char)('a' + t) && left[text[at - 1] - 'a'] > 0;
    if (!left[t] || (preempts && !bound))
      continue;
    left[t]--;
    text[at] = (char)('a' + t);
    interleave(toy, left, text, at + 1, bound - preempts, found, count);
    left[t]++;
  }
}

static char expected[MOST_RUNS][RUN_SIZE];
static bool seen[MOST_RUNS];

static void check_space(const struct toy *toy, unsigned bound)
{
  struct ke_step steps[CHOICES];
  struct ke_schedule s;
  unsigned left[8], count = 0, runs = 0;
  char text[RUN_SIZE];
  for (unsigned i = 0; i < toy->threads; i++)
    left[i] = toy->steps;
  interleave(toy, left, text, 0, bound, expected, &count);
  memset(seen, 0, sizeof seen);
  ke_schedule_init(&s, steps, CHOICES);
  do {
    run_toy(toy, &s, text);
    ck_assert(!s.diverged);
    ck_assert_uint_le(ke_schedule_preemptions(&s), bound);
    unsigned i = 0;
    while (i < count && strcmp(expected[i], text) != 0)
      i++;
    ck_assert_msg(i < count, "%s is no interleaving with %u preemptions", text, bound);
    ck_assert_msg(!seen[i], "%s came twice", text);
    seen[i] = true;
    runs++;
  } while (ke_schedule_next(&s, bound));
  ck_assert_uint_eq(runs, count);
}

START_TEST(systematic_runs_every_interleaving_within_the_bound_once)
{
  for (unsigned bound = 0; bound <= 5; bound++) {
    check_space(&(struct toy){2, 3, KE_CHOICE_LOCK}, bound);
    check_space(&(struct toy){2, 5, KE_CHOICE_RACE}, bound);
    check_space(&(struct toy){3, 2, KE_CHOICE_SIGNAL}, bound);
  }
  check_space(&(struct toy){3, 3, KE_CHOICE_BEFORE_WAIT}, 2);
}
END_TEST

/* 2 threads of n steps without a bound: 2n over n. */
START_TEST(a_quantum_end_costs_no_preemption)
{
  struct ke_step steps[CHOICES];
  struct ke_schedule s;
  const struct toy toy = {2, 3, KE_CHOICE_QUANTUM};
  unsigned runs = 0;
  char text[RUN_SIZE];
  ke_schedule_init(&s, steps, CHOICES);
  do {
    run_toy(&toy, &s, text);
    if (runs++ == 0)
      ck_assert_str_eq(text, "ababab");
  } while (ke_schedule_next(&s, 0));
  ck_assert_uint_eq(runs, 20);
}
END_TEST

START_TEST(a_replay_string_gives_the_same_run)
{
  struct ke_step steps[CHOICES], again[CHOICES];
  struct ke_schedule s, r;
  unsigned different = 0;
  ke_schedule_init(&s, steps, CHOICES);
  ke_schedule_init(&r, again, CHOICES);
  for (uint64_t seed = 0; seed < 500; seed++) {
    const struct toy toy = {3, 4, seed & 1 ? KE_CHOICE_YIELD : KE_CHOICE_LOCK};
    char text[RUN_SIZE], repeated[RUN_SIZE], replay[KE_REPLAY_SIZE], printed[KE_REPLAY_SIZE];
    const char *why;
    ke_schedule_random(&s, seed);
    run_toy(&toy, &s, text);
    ck_assert(ke_schedule_print(&s, replay, sizeof replay));
    ck_assert_msg(ke_schedule_parse(&r, replay, &why), "%s: %s", replay, why);
    run_toy(&toy, &r, repeated);
    ck_assert_str_eq(text, repeated);
    ck_assert(ke_schedule_print(&r, printed, sizeof printed));
    ck_assert_str_eq(replay, printed);
    ck_assert_uint_eq(ke_schedule_preemptions(&s), ke_schedule_preemptions(&r));
    different += strcmp(text, "aaaabbbbcccc") != 0;
  }
  ck_assert_uint_gt(different, 400);
}
END_TEST

START_TEST(one_seed_gives_one_schedule)
{
  struct ke_step steps[CHOICES];
  struct ke_schedule s;
  const struct toy toy = {2, 8, KE_CHOICE_LOCK};
  char first[RUN_SIZE], second[RUN_SIZE];
  unsigned different = 0;
  ke_schedule_init(&s, steps, CHOICES);
  for (uint64_t seed = 0; seed < 50; seed++) {
    ke_schedule_random(&s, seed);
    run_toy(&toy, &s, first);
    ke_schedule_random(&s, seed);
    run_toy(&toy, &s, second);
    ck_assert_str_eq(first, second);
    ke_schedule_random(&s, seed + 1);
    run_toy(&toy, &s, second);
    different += strcmp(first, second) != 0;
  }
  ck_assert_uint_gt(different, 40);
}
END_TEST

START_TEST(choices_beyond_the_room_take_their_defaults)
{
  struct ke_step steps[4];
  struct ke_schedule s;
  const struct toy toy = {2, 6, KE_CHOICE_LOCK};
  char text[RUN_SIZE], replay[KE_REPLAY_SIZE];
  ke_schedule_init(&s, steps, 4);
  for (uint64_t seed = 0; seed < 50; seed++) {
    ke_schedule_random(&s, seed);
    run_toy(&toy, &s, text);
    ck_assert_uint_gt(s.count, 4);
    ck_assert(ke_schedule_print(&s, replay, sizeof replay));
  }
  unsigned runs = 1;
  ke_schedule_init(&s, steps, 4);
  do
    run_toy(&toy, &s, text);
  while (ke_schedule_next(&s, 1) && ++runs < 100);
  ck_assert_uint_lt(runs, 100);
}
END_TEST

START_TEST(a_replay_string_of_another_scenario_is_told_apart)
{
  struct ke_step steps[CHOICES];
  struct ke_schedule s;
  const char *why;
  char text[RUN_SIZE];
  ke_schedule_init(&s, steps, CHOICES);
  ck_assert(ke_schedule_parse(&s, "s1:2=5", &why));
  run_toy(&(struct toy){2, 3, KE_CHOICE_LOCK}, &s, text);
  ck_assert(s.diverged);
  ck_assert_str_eq(text, "aaabbb");
}
END_TEST

START_TEST(hostile_replay_strings_are_refused)
{
  static const char *const bad[] = {
      "",
      "s",
      "s1",
      "s2:1=1",
      "S1:1=1",
      " s1:",
      "s1: ",
      "s1:1",
      "s1:1=",
      "s1:=1",
      "s1:,",
      "s1:1=1,",
      "s1:,1=1",
      "s1:1=1,,2=1",
      "s1:1=1;2=1",
      "s1:0=1",
      "s1:2=1,1=1",
      "s1:2=1,2=1",
      "s1:-1=1",
      "s1:1=-1",
      "s1:+1=1",
      "s1:1=255",
      "s1:1=256",
      "s1:65=1",
      "s1:99999999=1",
      "s1:18446744073709551617=1",
      "s1:1=18446744073709551617",
      "s1:0x1=1",
      "s1:1=1\n",
      "s1:1=1 ",
      "s1:1=%s",
      "s1:1=1,2",
      "s1:1==1",
      "s1:a=1",
      "\xff\xff",
      "s1:1=1,3=1,2=1",
  };
  struct ke_step steps[CHOICES];
  struct ke_schedule s;
  const char *why = NULL;
  ke_schedule_init(&s, steps, CHOICES);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    ck_assert_msg(!ke_schedule_parse(&s, bad[i], &why), "'%s' was accepted", bad[i]);
    ck_assert_ptr_nonnull(why);
  }
  ck_assert(ke_schedule_parse(&s, "s1:", &why));
  ck_assert(ke_schedule_parse(&s, "s1:64=254", &why));
}
END_TEST

START_TEST(random_bytes_as_replay_strings_do_no_harm)
{
  static const char letters[] = "s1:,=0123456789 x-";
  struct ke_step steps[CHOICES];
  struct ke_schedule s;
  const char *why;
  uint32_t random = 1;
  unsigned accepted = 0;
  ke_schedule_init(&s, steps, CHOICES);
  for (unsigned n = 0; n < 20000; n++) {
    char text[24] = "s1:";
    size_t length = 3 + n % 16;
    for (size_t i = n % 4 ? 3 : 0; i < length; i++) {
      random = random * 1664525u + 1013904223u;
      text[i] = letters[(random >> 16) % (sizeof letters - 1)];
    }
    text[length] = 0;
    char run[RUN_SIZE];
    if (!ke_schedule_parse(&s, text, &why))
      continue;
    accepted++;
    run_toy(&(struct toy){2, 3, KE_CHOICE_LOCK}, &s, run);
    ck_assert_uint_eq(strlen(run), 6);
  }
  ck_assert_uint_gt(accepted, 10);
}
END_TEST

START_TEST(a_replay_string_that_does_not_fit_is_not_cut)
{
  struct ke_step steps[CHOICES];
  struct ke_schedule s;
  const char *why;
  char text[RUN_SIZE], small[8];
  ke_schedule_init(&s, steps, CHOICES);
  ck_assert(ke_schedule_parse(&s, "s1:1=1,2=1", &why));
  run_toy(&(struct toy){2, 3, KE_CHOICE_LOCK}, &s, text);
  ck_assert(!ke_schedule_print(&s, small, sizeof small));
  ck_assert(!ke_schedule_print(&s, small, 3));
  ck_assert(!ke_schedule_print(&s, small, 0));
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("policy");
  TCase *tests = tcase_create("policy");
  tcase_add_test(tests, systematic_runs_every_interleaving_within_the_bound_once);
  tcase_add_test(tests, a_quantum_end_costs_no_preemption);
  tcase_add_test(tests, a_replay_string_gives_the_same_run);
  tcase_add_test(tests, one_seed_gives_one_schedule);
  tcase_add_test(tests, choices_beyond_the_room_take_their_defaults);
  tcase_add_test(tests, a_replay_string_of_another_scenario_is_told_apart);
  tcase_add_test(tests, hostile_replay_strings_are_refused);
  tcase_add_test(tests, random_bytes_as_replay_strings_do_no_harm);
  tcase_add_test(tests, a_replay_string_that_does_not_fit_is_not_cut);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
