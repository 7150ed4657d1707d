/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What LIEF says of a program that MinGW built (its path is the argument), and of a few files that it must not see. */
#include "loader/loader.h"
#include "sample_pe.h"
#include "test_file.h"

#include <check.h>
#include <pthread.h>
#include <string.h>

static const char *target_path;
static uint8_t *target;
static size_t target_size;
static uint8_t sample[SAMPLE_ROOM];

static void setup(void)
{
  sample_build(sample);
  target = test_read_file(target_path, &target_size);
  ck_assert_ptr_nonnull(target);
}

static void teardown(void) { free(target); }

static const struct pe_facts *target_facts(void)
{
  const char *why = NULL;
  const struct pe_facts *facts = pe_facts_get(target, target_size, &why);
  ck_assert_msg(facts != NULL, "%s", why);
  return facts;
}

struct comparison {
  const struct pe_facts *facts;
  size_t count, found;
};

static void compare_export(void *context, const char *name, uint32_t rva)
{
  struct comparison *c = context;
  c->count++;
  for (size_t i = 0; i < c->facts->export_count; i++) {
    if (c->facts->exports[i].rva == rva && strcmp(c->facts->exports[i].name, name) == 0)
      c->found++;
  }
}

START_TEST(exports_agree_with_our_own_walk)
{
  struct pe_headers h;
  ck_assert_int_eq(pe_check(target, target_size, &h, NULL), STATUS_SUCCESS);
  uint8_t *image = calloc(1, h.size_of_image);
  pe_layout(target, target_size, &h, image);
  struct comparison c = {target_facts(), 0, 0};
  pe_for_each_export(image, h.size_of_image, &h, compare_export, &c);
  ck_assert_uint_eq(c.count, 2); /* target_add and target_value, not the forwarder */
  ck_assert_uint_eq(c.found, 2);
  ck_assert_uint_eq(c.facts->export_count, 2);
  free(image);
}
END_TEST

START_TEST(imports_name_their_dll)
{
  const struct pe_facts *facts = target_facts();
  bool found_printf = false, found_kernel32 = false;
  for (size_t i = 0; i < facts->import_count; i++) {
    ck_assert_ptr_nonnull(facts->imports[i].name);
    if (strcmp(facts->imports[i].name, "vfprintf") == 0)
      found_printf = true;
    if (strcmp(facts->imports[i].dll, "KERNEL32.dll") == 0)
      found_kernel32 = true;
  }
  ck_assert(found_printf);
  ck_assert(found_kernel32);
}
END_TEST

START_TEST(tls_callbacks_are_addresses_of_code)
{
  struct pe_headers h;
  ck_assert_int_eq(pe_check(target, target_size, &h, NULL), STATUS_SUCCESS);
  const struct pe_facts *facts = target_facts();
  ck_assert_uint_ge(facts->tls_callback_count, 1);
  for (size_t i = 0; i < facts->tls_callback_count; i++) {
    ck_assert_uint_ge(facts->tls_callbacks[i], h.sections[0].virtual_address);
    ck_assert_uint_lt(facts->tls_callbacks[i], h.sections[0].virtual_address + h.sections[0].virtual_size);
  }
}
END_TEST

START_TEST(the_debug_directory_names_the_pdb)
{
  const char *name = target_facts()->pdb_name;
  ck_assert_ptr_nonnull(name);
  ck_assert_msg(strstr(name, "target.pdb") != NULL, "%s", name);
}
END_TEST

START_TEST(relocations_are_counted_without_padding)
{
  const struct pe_facts *facts = pe_facts_get(sample, SAMPLE_SIZE, NULL);
  ck_assert_ptr_nonnull(facts);
  ck_assert_uint_eq(facts->relocation_count, 1);
  ck_assert_uint_gt(target_facts()->relocation_count, 10);
}
END_TEST

START_TEST(a_forwarder_is_no_symbol)
{
  const struct pe_facts *facts = pe_facts_get(sample, SAMPLE_SIZE, NULL);
  ck_assert_ptr_nonnull(facts);
  ck_assert_uint_eq(facts->export_count, 2);
  ck_assert_str_eq(facts->exports[0].name, "gamma"); /* by address */
  ck_assert_str_eq(facts->exports[1].name, "alpha");
}
END_TEST

START_TEST(nearest_export)
{
  const struct pe_facts *facts = pe_facts_get(sample, SAMPLE_SIZE, NULL);
  ck_assert_ptr_null(pe_facts_nearest(facts, SAMPLE_TEXT - 1));
  ck_assert_str_eq(pe_facts_nearest(facts, SAMPLE_TEXT)->name, "gamma");
  ck_assert_str_eq(pe_facts_nearest(facts, SAMPLE_ALPHA - 1)->name, "gamma");
  ck_assert_str_eq(pe_facts_nearest(facts, SAMPLE_ALPHA)->name, "alpha");
  ck_assert_str_eq(pe_facts_nearest(facts, 0xFFFFFFFF)->name, "alpha");
}
END_TEST

START_TEST(facts_are_cached_by_content)
{
  uint8_t *copy = malloc(target_size);
  memcpy(copy, target, target_size);
  const struct pe_facts *facts = target_facts();
  ck_assert_ptr_eq(pe_facts_get(copy, target_size, NULL), facts);
  copy[target_size - 1] ^= 1;
  ck_assert_ptr_ne(pe_facts_get(copy, target_size, NULL), facts);
  free(copy);
}
END_TEST

static void *get_in_thread(void *unused)
{
  (void)unused;
  return (void *)(uintptr_t)pe_facts_get(target, target_size, NULL);
}

START_TEST(threads_get_the_same_facts)
{
  pthread_t thread[4];
  void *result[4];
  for (unsigned i = 0; i < 4; i++) {
    ck_assert_int_eq(pthread_create(&thread[i], NULL, get_in_thread, NULL), 0);
  }
  for (unsigned i = 0; i < 4; i++) {
    ck_assert_int_eq(pthread_join(thread[i], &result[i]), 0);
  }
  for (unsigned i = 0; i < 4; i++) {
    ck_assert_ptr_eq(result[i], target_facts());
  }
}
END_TEST

START_TEST(an_invalid_image_has_the_reason_of_the_check)
{
  const char *why = NULL;
  sample_put(sample + SAMPLE_PE + 6, 0xCD1F, 2); /* a count of sections that kept LIEF busy for 46 seconds */
  ck_assert_ptr_null(pe_facts_get(sample, SAMPLE_SIZE, &why));
  ck_assert_str_eq(why, "there are more than 96 sections");
}
END_TEST

START_TEST(tables_with_absurd_counts_are_left_out)
{
  const char *why = NULL;
  sample_put(sample + SAMPLE_EXPORTS_RAW + 24, 0xFFFFFFFF, 4);
  sample_put(sample + SAMPLE_RELOC_RAW + 4, 0, 4);
  const struct pe_facts *facts = pe_facts_get(sample, SAMPLE_SIZE, &why);
  ck_assert_msg(facts != NULL, "%s", why);
  ck_assert_uint_eq(facts->export_count, 0);
  ck_assert_uint_eq(facts->relocation_count, 0);
}
END_TEST

START_TEST(version_is_a_number)
{
  const char *version = pe_facts_version();
  ck_assert_uint_ge(strlen(version), 3);
  ck_assert_uint_eq(strspn(version, "0123456789."), strlen(version));
}
END_TEST

int main(int argc, char **argv)
{
  if (argc != 2 || argv[1][0] == 0) {
    puts("skipped: there is no MinGW compiler to build the program that is read");
    return 77;
  }
  target_path = argv[1];
  Suite *suite = suite_create("loader facts");
  TCase *tc = tcase_create("facts");
  tcase_add_checked_fixture(tc, setup, teardown);
  tcase_add_test(tc, exports_agree_with_our_own_walk);
  tcase_add_test(tc, imports_name_their_dll);
  tcase_add_test(tc, tls_callbacks_are_addresses_of_code);
  tcase_add_test(tc, the_debug_directory_names_the_pdb);
  tcase_add_test(tc, relocations_are_counted_without_padding);
  tcase_add_test(tc, a_forwarder_is_no_symbol);
  tcase_add_test(tc, nearest_export);
  tcase_add_test(tc, facts_are_cached_by_content);
  tcase_add_test(tc, threads_get_the_same_facts);
  tcase_add_test(tc, an_invalid_image_has_the_reason_of_the_check);
  tcase_add_test(tc, tables_with_absurd_counts_are_left_out);
  tcase_add_test(tc, version_is_a_number);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
