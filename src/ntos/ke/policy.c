/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/ke/policy.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "s1:"
/** Most digits of a number in a replay string. */
#define MAX_DIGITS 7

/* ---- answers ---- */

static bool is_turn(unsigned point) { return point == KE_CHOICE_QUANTUM || point == KE_CHOICE_YIELD; }

static unsigned default_answer(unsigned point) { return is_turn(point); }

static bool is_free(unsigned point) { return point == KE_CHOICE_WAIT || is_turn(point); }

static unsigned cost_of(unsigned point, unsigned answer) { return !is_free(point) && answer != 0; }

static uint64_t next_random(uint64_t *state)
{
  /* splitmix64 */
  uint64_t z = *state += 0x9E3779B97F4A7C15ull;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ z >> 27) * 0x94D049BB133111EBull;
  return z ^ z >> 31;
}

static unsigned random_answer(struct ke_schedule *s, unsigned point, unsigned n)
{
  uint64_t r = next_random(&s->random);
  if (is_free(point))
    return (unsigned)((r >> 8) % n);
  if (r & ((1u << s->rarity) - 1))
    return 0;
  return 1 + (unsigned)((r >> 8) % (n - 1));
}

static unsigned choose(void *context, enum ke_choice_point point, KTHREAD *const ready[], unsigned n)
{
  struct ke_schedule *s = context;
  (void)ready;
  if (n > KE_STEP_DEFAULT)
    n = KE_STEP_DEFAULT;
  if (s->count >= s->capacity) {
    s->count++;
    return default_answer(point);
  }
  struct ke_step *step = &s->steps[s->count];
  unsigned answer = default_answer(point);
  if (s->count < s->follow) {
    if (step->answer < n)
      answer = step->answer;
    else if (step->answer != KE_STEP_DEFAULT)
      s->diverged = true;
  } else if (s->mode == KE_SCHEDULE_RANDOM) {
    answer = random_answer(s, point, n);
  }
  unsigned cost = (s->count ? step[-1].cost : 0) + cost_of(point, answer);
  *step = (struct ke_step){(uint8_t)point, (uint8_t)n, (uint8_t)answer, (uint8_t)(cost < 255 ? cost : 255)};
  s->count++;
  return answer;
}

struct ke_policy ke_schedule_policy(struct ke_schedule *schedule)
{
  return (struct ke_policy){.choose = choose, .context = schedule, .preempts_at_signals = true};
}

/* ---- schedules ---- */

void ke_schedule_init(struct ke_schedule *schedule, struct ke_step *steps, size_t capacity)
{
  *schedule = (struct ke_schedule){.steps = steps, .capacity = capacity};
}

static void prepare(struct ke_schedule *s, enum ke_schedule_mode mode, size_t follow)
{
  s->mode = mode;
  s->follow = follow;
  s->count = 0;
  s->diverged = false;
}

void ke_schedule_random(struct ke_schedule *schedule, uint64_t seed)
{
  prepare(schedule, KE_SCHEDULE_RANDOM, 0);
  schedule->random = seed;
  /* Schedules with few preemptions and with many find different things. */
  schedule->rarity = 1 + (unsigned)(next_random(&schedule->random) % 5);
}

static size_t noted(const struct ke_schedule *s) { return s->count < s->capacity ? s->count : s->capacity; }

/* The answer after `answer`: the default comes first, then the others in order. `n` or more: none is left. */
static unsigned next_answer(unsigned point, unsigned answer)
{
  const unsigned first = default_answer(point);
  unsigned next = answer == first ? 0 : answer + 1;
  return next == first ? next + 1 : next;
}

bool ke_schedule_next(struct ke_schedule *schedule, unsigned bound)
{
  for (size_t i = noted(schedule); i-- > 0;) {
    struct ke_step *step = &schedule->steps[i];
    unsigned next = next_answer(step->point, step->answer);
    unsigned before = i ? step[-1].cost : 0;
    if (next >= step->ready || before + cost_of(step->point, next) > bound)
      continue;
    step->answer = (uint8_t)next;
    prepare(schedule, KE_SCHEDULE_FOLLOW, i + 1);
    return true;
  }
  return false;
}

void ke_schedule_again(struct ke_schedule *schedule) { prepare(schedule, KE_SCHEDULE_FOLLOW, noted(schedule)); }

unsigned ke_schedule_preemptions(const struct ke_schedule *schedule)
{
  size_t n = noted(schedule);
  return n ? schedule->steps[n - 1].cost : 0;
}

static bool deviates(const struct ke_step *step) { return step->answer != default_answer(step->point); }

size_t ke_schedule_deviations(const struct ke_schedule *schedule)
{
  size_t deviations = 0;
  for (size_t i = 0; i < noted(schedule); i++)
    deviations += deviates(&schedule->steps[i]);
  return deviations;
}

/* ---- replay strings ---- */

bool ke_schedule_print(const struct ke_schedule *schedule, char *out, size_t size)
{
  size_t used = sizeof PREFIX - 1;
  if (size < sizeof PREFIX)
    return false;
  memcpy(out, PREFIX, sizeof PREFIX);
  for (size_t i = 0; i < noted(schedule); i++) {
    if (!deviates(&schedule->steps[i]))
      continue;
    int n = snprintf(out + used, size - used, "%s%zu=%u", used > sizeof PREFIX - 1 ? "," : "", i + 1,
                     schedule->steps[i].answer);
    if (n < 0 || (size_t)n >= size - used)
      return false;
    used += (size_t)n;
  }
  return true;
}

static bool parse_number(const char **text, unsigned *number)
{
  const char *at = *text;
  *number = 0;
  while (*at >= '0' && *at <= '9' && at - *text <= MAX_DIGITS)
    *number = *number * 10 + (unsigned)(*at++ - '0');
  bool good = at > *text && at - *text <= MAX_DIGITS;
  *text = at;
  return good;
}

bool ke_schedule_parse(struct ke_schedule *schedule, const char *text, const char **why)
{
  unsigned at = 0, previous = 0, answer;
  *why = "a replay string starts with " PREFIX;
  if (strncmp(text, PREFIX, sizeof PREFIX - 1) != 0)
    return false;
  text += sizeof PREFIX - 1;
  while (*text) {
    *why = "a replay string lists CHOICE=THREAD, separated by commas";
    if ((previous && *text++ != ',') || !parse_number(&text, &at) || *text++ != '=' || !parse_number(&text, &answer))
      return false;
    *why = "the choices of a replay string ascend from 1";
    if (at <= previous)
      return false;
    *why = "the replay string has a choice or thread beyond the limits";
    if (at > schedule->capacity || answer >= KE_STEP_DEFAULT)
      return false;
    while (previous < at)
      schedule->steps[previous++].answer = KE_STEP_DEFAULT;
    schedule->steps[at - 1].answer = (uint8_t)answer;
  }
  prepare(schedule, KE_SCHEDULE_FOLLOW, at);
  *why = "";
  return true;
}
