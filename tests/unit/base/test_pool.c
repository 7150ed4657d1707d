/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/list.h"
#include "base/pool.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define TAG 0x45676244u /* 'DbgE' */
#define LIMIT ((size_t)64 << 20)

static bool all_bytes_are(const void *block, uint8_t value, size_t size)
{
  const uint8_t *bytes = block;
  for (size_t i = 0; i < size; i++) {
    if (bytes[i] != value) {
      return false;
    }
  }
  return true;
}

START_TEST(blocks_are_zeroed_and_aligned)
{
  pool *p = pool_create(LIMIT);
  ck_assert_ptr_nonnull(p);
  for (size_t size = 0; size < 3000; size += 7) {
    for (int round = 0; round < 2; round++) {
      void *block = pool_alloc(p, size, TAG);
      ck_assert_ptr_nonnull(block);
      ck_assert_uint_eq((uintptr_t)block % 16, 0);
      ck_assert_uint_ge(pool_block_size(block), size);
      ck_assert(all_bytes_are(block, 0, size));
      memset(block, 0xEE, size);
      pool_free(p, block);
    }
  }
  pool_destroy(p);
}
END_TEST

START_TEST(prefilled_pool_still_returns_zeroes)
{
  pool *p = pool_create(LIMIT);
  pool_prefill(p, 0xA5);
  void *block = pool_alloc(p, 5000, TAG);
  ck_assert(all_bytes_are(block, 0, 5000));
  pool_destroy(p);
}
END_TEST

START_TEST(an_exhausted_pool_gives_nothing)
{
  pool *p = pool_create(LIMIT);
  char *a = pool_alloc(p, 100, TAG), *b = pool_alloc(p, 100, TAG);
  pool_free(p, b);
  a[99] = 7;
  pool_exhaust(p, true);
  ck_assert_ptr_null(pool_alloc(p, 100, TAG));
  ck_assert_ptr_null(pool_alloc(p, 0, TAG));
  ck_assert_ptr_null(pool_realloc(p, NULL, 100, TAG));
  ck_assert_ptr_null(pool_realloc(p, a, 1000, TAG));
  ck_assert_int_eq(a[99], 7);
  pool_exhaust(p, false);
  ck_assert_ptr_eq(pool_alloc(p, 100, TAG), b);
  ck_assert_ptr_nonnull(pool_realloc(p, a, 1000, TAG));
  pool_destroy(p);
}
END_TEST

START_TEST(freed_block_is_used_again)
{
  pool *p = pool_create(LIMIT);
  void *a = pool_alloc(p, 100, TAG);
  void *b = pool_alloc(p, 100, TAG);
  pool_free(p, a);
  pool_free(p, b);
  ck_assert_ptr_eq(pool_alloc(p, 97, TAG), b);
  ck_assert_ptr_eq(pool_alloc(p, 112, TAG), a);
  struct pool_stats before;
  struct pool_stats after;
  pool_query(p, &before);
  for (int i = 0; i < 10000; i++) {
    pool_free(p, pool_alloc(p, 1000, TAG));
  }
  pool_query(p, &after);
  ck_assert_uint_le(after.high_water_mark - before.high_water_mark, 1100);
  pool_destroy(p);
}
END_TEST

START_TEST(waste_of_a_class_is_at_most_a_quarter)
{
  pool *p = pool_create(LIMIT);
  for (size_t size = 128; size < 200000; size += 61) {
    struct pool_stats stats;
    void *block = pool_alloc(p, size, TAG);
    ck_assert_ptr_nonnull(block);
    pool_query(p, &stats);
    ck_assert_uint_ge(stats.bytes_live, size);
    ck_assert_uint_le(stats.bytes_live, size + size / 4 + 16);
    pool_free(p, block);
  }
  pool_destroy(p);
}
END_TEST

START_TEST(limit_is_kept)
{
  pool *p = pool_create((size_t)1 << 20);
  struct pool_stats stats;
  ck_assert_ptr_null(pool_alloc(p, (size_t)1 << 20, TAG));
  ck_assert_ptr_null(pool_alloc(p, SIZE_MAX, TAG));
  ck_assert_ptr_null(pool_alloc(p, SIZE_MAX / 2, TAG));
  unsigned count = 0;
  void *last = NULL;
  for (void *block; (block = pool_alloc(p, 4096, TAG)) != NULL; count++) {
    last = block;
  }
  ck_assert_uint_ge(count, 250);
  ck_assert_uint_le(count, 256);
  ck_assert_ptr_null(pool_alloc(p, 4096, TAG));
  pool_free(p, last);
  ck_assert_ptr_eq(pool_alloc(p, 4096, TAG), last);
  pool_query(p, &stats);
  ck_assert_uint_le(stats.high_water_mark, stats.limit);
  ck_assert_uint_eq(stats.limit, (size_t)1 << 20);
  pool_destroy(p);
}
END_TEST

START_TEST(large_blocks_come_from_the_pool_too)
{
  pool *p = pool_create(LIMIT);
  char *block = pool_alloc(p, (size_t)40 << 20, TAG);
  ck_assert_ptr_nonnull(block);
  block[((size_t)40 << 20) - 1] = 1;
  ck_assert_ptr_null(pool_alloc(p, (size_t)40 << 20, TAG));
  pool_free(p, block);
  block = pool_alloc(p, (size_t)40 << 20, TAG);
  ck_assert_int_eq(block[((size_t)40 << 20) - 1], 0);
  pool_destroy(p);
}
END_TEST

START_TEST(statistics_count_live_blocks)
{
  pool *p = pool_create(LIMIT);
  struct pool_stats stats;
  void *a = pool_alloc(p, 20, TAG);
  void *b = pool_alloc(p, 129, TAG);
  pool_query(p, &stats);
  ck_assert_uint_eq(stats.blocks_live, 2);
  ck_assert_uint_eq(stats.bytes_live, 32 + 160);
  pool_free(p, a);
  pool_free(p, NULL);
  pool_free(p, b);
  pool_query(p, &stats);
  ck_assert_uint_eq(stats.blocks_live, 0);
  ck_assert_uint_eq(stats.bytes_live, 0);
  pool_destroy(p);
}
END_TEST

START_TEST(realloc_keeps_content_and_zeroes_the_rest)
{
  pool *p = pool_create(LIMIT);
  char *block = pool_realloc(p, NULL, 20, TAG);
  memset(block, 7, 20);
  char *same = pool_realloc(p, block, 30, TAG);
  ck_assert_ptr_eq(same, block);
  ck_assert(all_bytes_are(block, 7, 20));
  ck_assert(all_bytes_are(block + 20, 0, 10));
  memset(block, 7, 30);
  block = pool_realloc(p, block, 25, TAG);
  block = pool_realloc(p, block, 32, TAG);
  ck_assert(all_bytes_are(block, 7, 25));
  ck_assert(all_bytes_are(block + 25, 0, 7));
  block = pool_realloc(p, block, 5000, TAG);
  ck_assert(all_bytes_are(block, 7, 25));
  ck_assert(all_bytes_are(block + 25, 0, 4975));
  ck_assert_ptr_null(pool_realloc(p, block, 2 * LIMIT, TAG));
  ck_assert(all_bytes_are(block, 7, 25));
  block = pool_realloc(p, block, 10, TAG);
  ck_assert(all_bytes_are(block, 7, 10));
  pool_destroy(p);
}
END_TEST

struct seen {
  unsigned count;
  void *last;
  uint32_t tags[8];
  size_t sizes[8];
};

static void see(void *context, uint32_t tag, size_t size, void *block)
{
  struct seen *s = context;
  ck_assert_uint_lt(s->count, 8);
  ck_assert((uintptr_t)block > (uintptr_t)s->last);
  s->last = block;
  s->tags[s->count] = tag;
  s->sizes[s->count++] = size;
}

START_TEST(walk_visits_live_blocks_in_address_order)
{
  pool *p = pool_create(LIMIT);
  struct seen s = {0};
  void *a = pool_alloc(p, 10, 1);
  void *b = pool_alloc(p, 5000, 2);
  (void)pool_alloc(p, 300, 3);
  void *d = pool_alloc(p, 10, 4);
  pool_free(p, b);
  pool_free(p, a);
  pool_free(p, d);
  (void)pool_alloc(p, 11, 5);
  pool_walk(p, see, &s);
  ck_assert_uint_eq(s.count, 2);
  ck_assert_uint_eq(s.tags[0], 3);
  ck_assert_uint_eq(s.sizes[0], 300);
  ck_assert_uint_eq(s.tags[1], 5);
  ck_assert_uint_eq(s.sizes[1], 11);
  pool_destroy(p);
}
END_TEST

START_TEST(random_use_never_mixes_blocks)
{
  enum { SLOTS = 512 };
  pool *p = pool_create(LIMIT);
  static struct {
    uint8_t *block;
    size_t size;
  } slots[SLOTS];
  uint32_t random = 12345;
  for (unsigned step = 0; step < 50000; step++) {
    random = random * 1664525u + 1013904223u;
    unsigned i = (random >> 8) % SLOTS;
    if (slots[i].block != NULL) {
      ck_assert(all_bytes_are(slots[i].block, (uint8_t)i, slots[i].size));
      pool_free(p, slots[i].block);
    }
    slots[i].size = (random >> 17) % ((random & 15) == 0 ? 9000 : 200);
    slots[i].block = pool_alloc(p, slots[i].size, i);
    ck_assert_ptr_nonnull(slots[i].block);
    memset(slots[i].block, (int)i, slots[i].size);
  }
  pool_destroy(p);
}
END_TEST

struct item {
  int number;
  LIST_ENTRY link;
};

static int number_at(LIST_ENTRY *entry) { return CONTAINING_RECORD(entry, struct item, link)->number; }

START_TEST(list_keeps_order_at_both_ends)
{
  LIST_ENTRY head;
  struct item items[4] = {{1, {0}}, {2, {0}}, {3, {0}}, {4, {0}}};
  InitializeListHead(&head);
  ck_assert(IsListEmpty(&head));
  InsertTailList(&head, &items[0].link);
  InsertTailList(&head, &items[1].link);
  InsertHeadList(&head, &items[2].link);
  InsertTailList(&head, &items[3].link);
  RemoveEntryList(&items[1].link);
  ck_assert(IsListEmpty(&items[1].link));
  ck_assert_int_eq(number_at(head.Blink), 4);
  ck_assert_int_eq(number_at(RemoveHeadList(&head)), 3);
  ck_assert_int_eq(number_at(RemoveHeadList(&head)), 1);
  ck_assert_int_eq(number_at(RemoveHeadList(&head)), 4);
  ck_assert(IsListEmpty(&head));
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("base pool");
  TCase *tests = tcase_create("pool");
  tcase_add_test(tests, blocks_are_zeroed_and_aligned);
  tcase_add_test(tests, prefilled_pool_still_returns_zeroes);
  tcase_add_test(tests, an_exhausted_pool_gives_nothing);
  tcase_add_test(tests, freed_block_is_used_again);
  tcase_add_test(tests, waste_of_a_class_is_at_most_a_quarter);
  tcase_add_test(tests, limit_is_kept);
  tcase_add_test(tests, large_blocks_come_from_the_pool_too);
  tcase_add_test(tests, statistics_count_live_blocks);
  tcase_add_test(tests, realloc_keeps_content_and_zeroes_the_rest);
  tcase_add_test(tests, walk_visits_live_blocks_in_address_order);
  tcase_add_test(tests, random_use_never_mixes_blocks);
  tcase_add_test(tests, list_keeps_order_at_both_ends);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
