/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random arguments, hostile pointers above all, for random services under a monitor that decodes everything: nothing is
 * to be seen but statuses. The sanitizers look on where they are built in. */
#include "kit.h"

#include <stdlib.h>
#include <string.h>

/* Each program's worth; CASES in the environment overrides. */
#define CASES 6000u

static struct kit kit;
static uint64_t random_state;

static uint64_t next_random(void)
{
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

static uint64_t hostile_value(void)
{
  static const uint64_t values[] = {
      0,
      1,
      2,
      (uint64_t)-1,
      (uint64_t)-2,
      (uint64_t)-6,
      4,
      0x10,
      0x14,
      0x1000,
      0xFFFF,
      0x10000,
      KIT_MEMORY,
      KIT_MEMORY + 1,
      KIT_MEMORY_END - 1,
      KIT_MEMORY_END - 4,
      KIT_MEMORY_END - 8,
      KIT_MEMORY_END - 0x18,
      KIT_MEMORY_END,
      KIT_READ_ONLY,
      KIT_READ_ONLY + 0xFFC,
      KIT_GUARD,
      KIT_GUARD + 0xFF8,
      0x7FFE0000,
      0x7FFFFFFEFFF8ull,
      0x7FFFFFFF0000ull,
      0x800000000000ull,
      0xFFFF800000000000ull,
      0xFFFFF80000000000ull,
      0xFFFFFFFFFFFFFFF8ull,
      0x7FFFFFFFFFFFFFFFull,
      0x8000000000000000ull,
      0xFFFFFFFF,
      0x80000000,
  };
  const uint64_t r = next_random();
  if (r % 4 == 0)
    return KIT_MEMORY + (next_random() & 0x6FF8);
  if (r % 16 == 1)
    return next_random() >> (next_random() & 63);
  return values[next_random() % (sizeof values / sizeof values[0])];
}

/* What lies where pointers may lead is hostile, too: pointers, lengths, structures that point to each other. */
static void fill_memory(void)
{
  static uint64_t words[0x6000 / 8];
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    words[i] = next_random() % 3 ? hostile_value() : next_random() & 0x0000FFFF0000FFFFull;
  kit_write(&kit, KIT_MEMORY, words, sizeof words);
}

START_TEST(random_calls)
{
  unsigned services = 0, back = 0, gone = 0;
  const char *cases = getenv("CASES");
  const unsigned count = cases ? (unsigned)strtoul(cases, NULL, 0) : CASES;
  while (dbgksim_service_name(services, NULL))
    services++;
  random_state = 0x9E3779B97F4A7C15ull * (unsigned)(_i + 1);
  kit_open(&kit);
  fill_memory();
  for (unsigned n = 0; n < count; n++) {
    const char *name = dbgksim_service_name((unsigned)(next_random() % services), NULL);
    uint64_t arguments[DBGKSIM_SERVICE_ARGUMENTS];
    /* It would only end the program, again and again. */
    if (strcmp(name, "NtTerminateProcess") == 0 && next_random() % 16)
      continue;
    for (unsigned i = 0; i < DBGKSIM_SERVICE_ARGUMENTS; i++)
      arguments[i] = hostile_value();
    if (kit_try(&kit, name, DBGKSIM_SERVICE_ARGUMENTS, arguments)) {
      back++;
      if (next_random() % 64 == 0 && dbgksim_write_memory(kit.machine, kit.pid, KIT_MEMORY, "", 1, NULL) == DBGKSIM_OK)
        fill_memory();
    } else {
      gone++;
      kit_restart(&kit);
      fill_memory();
    }
  }
  ck_assert_uint_gt(back, count / 2);
  ck_assert_uint_le(kit.left, kit.entered);
  ck_assert_uint_gt(kit.left, count / 2);
  kit_close(&kit);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("hostile");
  TCase *cases = tcase_create("hostile");
  tcase_add_loop_test(cases, random_calls, 0, 4);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
