/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/host.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static const char *in_folder(const char *name)
{
  static char path[128];
  (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
  return path;
}

static void make_folder(void)
{
  strcpy(folder, "/tmp/dbgksim-host-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
  char **names = host_list_directory(folder);
  for (char **name = names; name != NULL && *name != NULL; name++) {
    (void)host_remove(in_folder(*name));
  }
  host_free_names(names);
  ck_assert(host_remove(folder));
}

START_TEST(reserve_is_zero_and_discard_makes_it_zero_again)
{
  size_t page = host_page_size();
  unsigned char *range = host_reserve((size_t)64 << 30);
  ck_assert_ptr_nonnull(range);
  ck_assert_uint_eq(range[(size_t)63 << 30], 0);
  memset(range + page, 1, page);
  host_discard(range + page, page);
  ck_assert_uint_eq(range[page], 0);
  host_release(range, (size_t)64 << 30);
  ck_assert_ptr_null(host_reserve(SIZE_MAX / 2));
}
END_TEST

START_TEST(guarded_page_faults)
{
  (void)signal(SIGSEGV, SIG_DFL); /* AddressSanitizer's handler would report and exit */
  size_t page = host_page_size();
  volatile char *range = host_reserve(3 * page);
  host_guard((void *)(range + page), page);
  range[page - 1] = 1;
  range[2 * page] = 1;
  range[page] = 1;
}
END_TEST

START_TEST(sealed_memory_file_cannot_be_changed)
{
  size_t page = host_page_size();
  char *range = host_reserve(2 * page);
  int fd = host_memfd("image", page);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(host_pwrite(fd, "MZ", 2, 0), 2);
  ck_assert(host_memfd_seal(fd));
  ck_assert_int_eq(host_pwrite(fd, "NE", 2, 0), -1);
  ck_assert(!host_truncate(fd, 2 * page));
  ck_assert(!host_truncate(fd, 0));
  ck_assert(!host_map_fd(range, page, fd, 0, false));
  ck_assert(host_map_fd(range, page, fd, 0, true));
  ck_assert_int_eq(memcmp(range, "MZ", 2), 0);
  range[0] = 'X';
  char still[2];
  ck_assert_int_eq(host_pread(fd, still, 2, 0), 2);
  ck_assert_int_eq(memcmp(still, "MZ", 2), 0);
  ck_assert(host_map_zero(range, page));
  ck_assert_int_eq(range[0], 0);
  host_close(fd);
  host_release(range, 2 * page);
}
END_TEST

START_TEST(shared_views_see_each_other)
{
  size_t page = host_page_size();
  char *range = host_reserve(2 * page);
  int fd = host_memfd("section", page);
  ck_assert(host_map_fd(range, page, fd, 0, false));
  ck_assert(host_map_fd(range + page, page, fd, 0, false));
  range[5] = 9;
  ck_assert_int_eq(range[page + 5], 9);
  host_close(fd);
  ck_assert_int_eq(range[page + 5], 9);
  host_release(range, 2 * page);
}
END_TEST

START_TEST(file_round_trip)
{
  struct host_stat facts;
  struct host_stat same;
  char bytes[16] = {0};
  int fd = host_open(in_folder("f"), true, true, true);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(host_write(fd, "hello", 5), 5);
  ck_assert_int_eq(host_pwrite(fd, "J", 1, 0), 1);
  ck_assert_int_eq(host_pread(fd, bytes, sizeof(bytes), 1), 4);
  ck_assert_str_eq(bytes, "ello");
  ck_assert_int_eq(host_pread(fd, bytes, sizeof(bytes), 100), 0);
  ck_assert(host_truncate(fd, 3));
  ck_assert(host_stat_fd(fd, &facts));
  ck_assert(host_stat_path(in_folder("f"), &same));
  ck_assert_int_eq(facts.kind, HOST_FILE);
  ck_assert_uint_eq(facts.size, 3);
  ck_assert_uint_eq(facts.inode, same.inode);
  ck_assert_uint_eq(facts.device, same.device);
  host_close(fd);
  size_t size = 0;
  char *content = host_read_file(in_folder("f"), 3, &size);
  ck_assert_uint_eq(size, 3);
  ck_assert_int_eq(memcmp(content, "Jel", 3), 0);
  free(content);
  ck_assert_ptr_null(host_read_file(in_folder("f"), 2, &size));
  ck_assert_int_lt(host_open(in_folder("absent"), false, false, false), 0);
  ck_assert(!host_stat_path(in_folder("absent"), &facts));
  ck_assert_int_eq(facts.kind, HOST_ABSENT);
}
END_TEST

START_TEST(fifo_does_not_block_open)
{
  size_t size;
  ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
  ck_assert_ptr_null(host_read_file(in_folder("pipe"), 100, &size));
  host_close(host_open(in_folder("pipe"), false, false, false));
}
END_TEST

START_TEST(directory_is_listed_in_byte_order)
{
  static const char *const made[] = {"b", "A", "a", "Z10", "Z9", "\xC3\xA4"};
  static const char *const sorted[] = {"A", "Z10", "Z9", "a", "b", "\xC3\xA4"};
  for (size_t i = 0; i < 6; i++) {
    ck_assert(host_mkdir(in_folder(made[i])));
  }
  ck_assert(!host_mkdir(in_folder("a")));
  char **names = host_list_directory(folder);
  ck_assert_ptr_nonnull(names);
  for (size_t i = 0; i < 6; i++) {
    ck_assert_str_eq(names[i], sorted[i]);
  }
  ck_assert_ptr_null(names[6]);
  host_free_names(names);
  ck_assert_ptr_null(host_list_directory(in_folder("absent")));
}
END_TEST

START_TEST(long_directory_is_listed_whole)
{
  for (int i = 0; i < 100; i++) {
    char name[8];
    (void)snprintf(name, sizeof(name), "%03d", i);
    host_close(host_open(in_folder(name), true, true, false));
  }
  char **names = host_list_directory(folder);
  size_t count = 0;
  while (names[count] != NULL) {
    count++;
  }
  ck_assert_uint_eq(count, 100);
  ck_assert_str_eq(names[99], "099");
  host_free_names(names);
}
END_TEST

START_TEST(clock_does_not_go_back)
{
  uint64_t first = host_nanoseconds();
  ck_assert_uint_gt(first, 0);
  ck_assert_uint_ge(host_nanoseconds(), first);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("base host");
  TCase *memory = tcase_create("memory");
  tcase_add_test(memory, reserve_is_zero_and_discard_makes_it_zero_again);
  tcase_add_test(memory, sealed_memory_file_cannot_be_changed);
  tcase_add_test(memory, shared_views_see_each_other);
  tcase_add_test(memory, clock_does_not_go_back);
  tcase_add_test_raise_signal(memory, guarded_page_faults, SIGSEGV);
  suite_add_tcase(suite, memory);
  TCase *files = tcase_create("files");
  tcase_add_checked_fixture(files, make_folder, remove_folder);
  tcase_add_test(files, file_round_trip);
  tcase_add_test(files, fifo_does_not_block_open);
  tcase_add_test(files, directory_is_listed_in_byte_order);
  tcase_add_test(files, long_directory_is_listed_whole);
  suite_add_tcase(suite, files);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
