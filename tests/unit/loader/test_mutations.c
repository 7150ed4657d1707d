/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 500 damaged copies of a program that MinGW built (its path is the argument) through everything that reads a PE file:
 * no crash, nothing that a sanitizer sees, no file that takes 2 seconds. */
#include "base/host.h"
#include "loader/loader.h"
#include "mutate_pe.h"
#include "test_file.h"

#include <check.h>
#include <string.h>
#include <time.h>

#define SEEDS 500

static const char *target_path;
static uint8_t *target;
static size_t target_size;

static void setup(void)
{
  target = test_read_file(target_path, &target_size);
  ck_assert_ptr_nonnull(target);
}

static void teardown(void) { free(target); }

static double seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void count_name(void *context, const char *name, uint32_t rva) { *(size_t *)context += strlen(name) + rva; }

/* Everything that the loader offers, on one file. True if the file passed the check. */
static bool read_everything(const uint8_t *file, size_t size)
{
  struct pe_headers h;
  const char *why = NULL;
  NTSTATUS status = pe_check(file, size, &h, &why);
  ck_assert_ptr_nonnull(why);
  const struct pe_facts *facts = pe_facts_get(file, size, &why);
  if (status != STATUS_SUCCESS) {
    ck_assert_ptr_null(facts);
    return false;
  }
  ck_assert_uint_le(h.size_of_image, PE_MAX_IMAGE_SIZE);
  /* Images are nearly empty: fresh pages, which malloc would fill where the test run asks it to (MALLOC_PERTURB_). */
  uint8_t *image = host_reserve(h.size_of_image);
  ck_assert_ptr_nonnull(image);
  pe_layout(file, size, &h, image);
  NTSTATUS moved = pe_relocate(image, h.size_of_image, &h, 0x7FF612340000);
  ck_assert(moved == STATUS_SUCCESS || moved == STATUS_INVALID_IMAGE_FORMAT || moved == STATUS_CONFLICTING_ADDRESSES);
  size_t sum = 0;
  pe_for_each_export(image, h.size_of_image, &h, count_name, &sum);
  pe_export_rva(image, h.size_of_image, &h, "target_add");
  pe_service_number(image, h.size_of_image, h.entry_point);
  for (size_t i = 0; facts != NULL && i < facts->export_count; i++) {
    ck_assert_uint_lt(facts->exports[i].rva, h.size_of_image);
  }
  host_release(image, h.size_of_image);
  return true;
}

START_TEST(damaged_files_do_no_harm)
{
  char what[512];
  uint8_t *out = malloc(target_size + MUTATE_PE_GROWTH);
  unsigned passed = 0;
  for (unsigned seed = 0; seed < SEEDS; seed++) {
    size_t size = mutate_pe(seed, target, target_size, out, what, sizeof(what));
    uint8_t *file = malloc(size == 0 ? 1 : size); /* its exact size, so that a sanitizer sees a read past the end */
    memcpy(file, out, size);
    double start = seconds();
    passed += read_everything(file, size);
    ck_assert_msg(seconds() - start < 2.0, "seed %u took %.1f s:%s", seed, seconds() - start, what);
    free(file);
  }
  free(out);
  /* Both kinds are there, or the mutator is of no use. */
  ck_assert_uint_gt(passed, SEEDS / 10);
  ck_assert_uint_lt(passed, SEEDS * 9 / 10);
}
END_TEST

START_TEST(a_seed_gives_the_same_file_every_time)
{
  char what[2][512];
  uint8_t *out[2] = {malloc(target_size + MUTATE_PE_GROWTH), malloc(target_size + MUTATE_PE_GROWTH)};
  for (unsigned seed = 0; seed < 20; seed++) {
    size_t size = mutate_pe(seed, target, target_size, out[0], what[0], sizeof(what[0]));
    ck_assert_uint_eq(mutate_pe(seed, target, target_size, out[1], what[1], sizeof(what[1])), size);
    ck_assert_str_eq(what[0], what[1]);
    ck_assert(memcmp(out[0], out[1], size) == 0);
  }
  free(out[0]);
  free(out[1]);
}
END_TEST

START_TEST(the_undamaged_file_passes)
{
  ck_assert(read_everything(target, target_size));
}
END_TEST

int main(int argc, char **argv)
{
  if (argc != 2 || argv[1][0] == 0) {
    puts("skipped: there is no MinGW compiler to build the program that is damaged");
    return 77;
  }
  target_path = argv[1];
  Suite *suite = suite_create("loader mutations");
  TCase *tc = tcase_create("mutations");
  tcase_set_timeout(tc, 120);
  tcase_add_checked_fixture(tc, setup, teardown);
  tcase_add_test(tc, the_undamaged_file_passes);
  tcase_add_test(tc, damaged_files_do_no_harm);
  tcase_add_test(tc, a_seed_gives_the_same_file_every_time);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
