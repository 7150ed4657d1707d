/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#include <string.h>

/* Names of a directory joined by spaces; directories end in a slash. */
static const char *names(FILE_OBJECT *directory, bool restart, const char *pattern)
{
  static char text[512];
  struct io_entry entry;
  text[0] = 0;
  while (NT_SUCCESS(io_next_entry(directory, restart, pattern, &entry))) {
    restart = false;
    if (text[0] != 0)
      strcat(text, " ");
    strcat(text, entry.name);
    if (entry.basic.directory)
      strcat(text, "/");
  }
  return text;
}

START_TEST(names_of_all_folders_come_once_in_order_of_their_upper_case)
{
  fixture_file("system32/zeta", "");
  fixture_file("system32/Alpha", "");
  fixture_file("nls/LOCALE.NLS", "");
  FILE_OBJECT *directory = fixture_open("\\??\\C:\\windows\\system32", STATUS_SUCCESS);
  ck_assert_str_eq(names(directory, false, NULL), "./ ../ Alpha both.nls LOCALE.NLS NtDll.dll zeta");
  ObDereferenceObject(directory);
}
END_TEST

START_TEST(virtual_directories_show_the_way_to_the_roots)
{
  FILE_OBJECT *directory = fixture_open("\\??\\C:\\", STATUS_SUCCESS);
  ck_assert_str_eq(names(directory, false, NULL), "app/ windows/");
  ObDereferenceObject(directory);
  directory = fixture_open("\\??\\C:\\windows", STATUS_SUCCESS);
  ck_assert_str_eq(names(directory, false, NULL), "./ ../ system32/");
  ObDereferenceObject(directory);
  directory = fixture_open("\\??\\D:\\bin", STATUS_SUCCESS);
  ck_assert_str_eq(names(directory, false, NULL), "./ ../ Tool.exe");
  ObDereferenceObject(directory);
}
END_TEST

START_TEST(the_pattern_of_the_first_query_stays)
{
  struct io_entry entry;
  FILE_OBJECT *directory = fixture_open("\\??\\C:\\windows\\system32", STATUS_SUCCESS);
  ck_assert_str_eq(names(directory, false, "*.NLS"), "both.nls locale.nls");
  ck_status(io_next_entry(directory, false, "*", &entry), STATUS_NO_MORE_FILES);
  ck_assert_str_eq(names(directory, true, NULL), "both.nls locale.nls");
  ck_status(io_next_entry(directory, true, NULL, &entry), STATUS_SUCCESS);
  io_push_back_entry(directory);
  ck_status(io_next_entry(directory, false, NULL, &entry), STATUS_SUCCESS);
  ck_assert_str_eq(entry.name, "both.nls");
  ck_assert_uint_eq(entry.basic.size, strlen("of system32"));
  ObDereferenceObject(directory);
  directory = fixture_open("\\??\\C:\\windows\\system32", STATUS_SUCCESS);
  ck_status(io_next_entry(directory, false, "absent", &entry), STATUS_NO_SUCH_FILE);
  ck_status(io_next_entry(directory, false, NULL, &entry), STATUS_NO_MORE_FILES);
  ObDereferenceObject(directory);
}
END_TEST

START_TEST(names_that_no_guest_could_ask_for_are_hidden)
{
  fixture_file("app/a:b", "");
  fixture_file("app/back\\slash", "");
  fixture_file("app/\xFF\xFE", "");
  FILE_OBJECT *directory = fixture_open("\\??\\C:\\app", STATUS_SUCCESS);
  ck_assert_str_eq(names(directory, false, NULL), "./ ../ sub/");
  ObDereferenceObject(directory);
}
END_TEST

START_TEST(a_file_is_no_directory)
{
  struct io_entry entry;
  FILE_OBJECT *file = fixture_open("\\??\\C:\\app\\sub\\inner.txt", STATUS_SUCCESS);
  ck_status(io_next_entry(file, false, NULL, &entry), STATUS_INVALID_PARAMETER);
  ObDereferenceObject(file);
}
END_TEST

TCase *directory_tests(void)
{
  TCase *tcase = tcase_create("directory");
  tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
  tcase_add_test(tcase, names_of_all_folders_come_once_in_order_of_their_upper_case);
  tcase_add_test(tcase, virtual_directories_show_the_way_to_the_roots);
  tcase_add_test(tcase, the_pattern_of_the_first_query_stays);
  tcase_add_test(tcase, names_that_no_guest_could_ask_for_are_hidden);
  tcase_add_test(tcase, a_file_is_no_directory);
  return tcase;
}
