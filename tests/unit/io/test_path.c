/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void normal(const char *path, NTSTATUS expected, const char *form)
{
  char *out = NULL;
  NTSTATUS status = io_normalise(NULL, path, &out);
  ck_assert_msg(status == expected, "%s: %08X, not %08X", path, (unsigned)status, (unsigned)expected);
  if (form != NULL)
    ck_assert_str_eq(out, form);
  ExFreePool(out);
}

START_TEST(aliases_of_the_drive_and_of_devices_have_one_form)
{
  normal("\\??\\c:\\App\\x.exe", STATUS_SUCCESS, "\\??\\C:\\App\\x.exe");
  normal("\\??\\C:", STATUS_SUCCESS, "\\??\\C:\\");
  normal("\\??\\C:\\", STATUS_SUCCESS, "\\??\\C:\\");
  normal("\\DosDevices\\C:\\a\\", STATUS_SUCCESS, "\\??\\C:\\a\\");
  normal("\\GLOBAL??\\c:\\a", STATUS_SUCCESS, "\\??\\C:\\a");
  normal("\\Device\\HarddiskVolume1\\a", STATUS_SUCCESS, "\\??\\C:\\a");
  normal("\\SystemRoot\\system32", STATUS_SUCCESS, "\\??\\C:\\windows\\system32");
  normal("\\??\\pipe\\A/b", STATUS_SUCCESS, "\\Device\\NamedPipe\\A/b");
  normal("\\??\\nul", STATUS_SUCCESS, "\\Device\\Null");
  normal("\\device\\null", STATUS_SUCCESS, "\\Device\\Null");
  normal("\\??\\CONOUT$", STATUS_SUCCESS, "\\Device\\ConDrv\\CurrentOut");
}
END_TEST

START_TEST(paths_that_leave_or_mislead_are_refused)
{
  char component[300] = "\\??\\C:\\";
  normal("C:\\a", STATUS_OBJECT_PATH_SYNTAX_BAD, NULL);
  normal("", STATUS_OBJECT_PATH_SYNTAX_BAD, NULL);
  normal("\\??\\C:\\a\\..\\b", STATUS_OBJECT_NAME_INVALID, NULL);
  normal("\\??\\C:\\..", STATUS_OBJECT_NAME_INVALID, NULL);
  normal("\\??\\C:\\.", STATUS_OBJECT_NAME_INVALID, NULL);
  normal("\\??\\C:\\a/b", STATUS_OBJECT_NAME_INVALID, NULL);
  normal("\\??\\C:\\a\\\\b", STATUS_OBJECT_NAME_INVALID, NULL);
  normal("\\??\\C:\\a:stream", STATUS_OBJECT_NAME_INVALID, NULL);
  normal("\\??\\C:\\a*", STATUS_OBJECT_NAME_INVALID, NULL);
  normal("\\??\\C:\\\x01", STATUS_OBJECT_NAME_INVALID, NULL);
  normal("\\??\\C:\\\xFF", STATUS_OBJECT_NAME_INVALID, NULL);
  normal("\\??\\UNC\\server\\share", STATUS_BAD_NETWORK_PATH, NULL);
  normal("\\??\\mailslot\\x", STATUS_OBJECT_PATH_NOT_FOUND, NULL);
  normal("\\??\\MountPointManager", STATUS_OBJECT_NAME_NOT_FOUND, NULL);
  normal("\\Device\\Afd", STATUS_OBJECT_PATH_NOT_FOUND, NULL);
  memset(component + 7, 'a', 255);
  normal(component, STATUS_SUCCESS, component);
  component[7 + 255] = 'a';
  normal(component, STATUS_OBJECT_NAME_INVALID, NULL);
}
END_TEST

START_TEST(a_relative_path_starts_at_its_root_directory)
{
  char *out;
  FILE_OBJECT *directory = fixture_open("\\??\\C:\\app", STATUS_SUCCESS);
  FILE_OBJECT *file = fixture_open("\\??\\C:\\app\\sub\\inner.txt", STATUS_SUCCESS);
  ck_status(io_normalise(directory, "sub\\inner.txt", &out), STATUS_SUCCESS);
  ck_assert_str_eq(out, "\\??\\C:\\app\\sub\\inner.txt");
  ExFreePool(out);
  ck_status(io_normalise(directory, "", &out), STATUS_SUCCESS);
  ck_assert_str_eq(out, "\\??\\C:\\app");
  ExFreePool(out);
  ck_status(io_normalise(directory, "\\??\\C:\\x", &out), STATUS_OBJECT_PATH_SYNTAX_BAD);
  ck_status(io_normalise(directory, "..\\x", &out), STATUS_OBJECT_NAME_INVALID);
  ck_status(io_normalise(file, "x", &out), STATUS_OBJECT_PATH_NOT_FOUND);
  ObDereferenceObject(directory);
  ObDereferenceObject(file);
}
END_TEST

START_TEST(lookup_is_case_insensitive_and_the_exact_name_comes_first)
{
  struct io_basic basic;
  ObDereferenceObject(fixture_open("\\??\\c:\\WINDOWS\\System32\\NTDLL.DLL", STATUS_SUCCESS));
  ck_status(io_query_path("\\??\\C:\\windows\\system32\\ntdll.dll", &basic), STATUS_SUCCESS);
  ck_assert_uint_eq(basic.size, 5);
  fixture_file("app/Name", "1");
  fixture_file("app/NAME", "22");
  fixture_file("app/nAME", "333");
  ck_status(io_query_path("\\??\\C:\\app\\nAME", &basic), STATUS_SUCCESS);
  ck_assert_uint_eq(basic.size, 3);
  ck_status(io_query_path("\\??\\C:\\app\\name", &basic), STATUS_SUCCESS);
  ck_assert_uint_eq(basic.size, 2); /* NAME sorts before Name */
}
END_TEST

START_TEST(folders_at_one_guest_path_overlay_in_the_order_given)
{
  struct io_basic basic;
  ck_status(io_query_path("\\??\\C:\\windows\\system32\\locale.nls", &basic), STATUS_SUCCESS);
  ck_assert_uint_eq(basic.size, 6);
  ck_status(io_query_path("\\??\\C:\\windows\\system32\\both.nls", &basic), STATUS_SUCCESS);
  ck_assert_uint_eq(basic.size, strlen("of system32"));
}
END_TEST

START_TEST(parents_of_roots_are_virtual_directories)
{
  static const char *const directories[] = {"\\??\\C:\\", "\\??\\C:\\windows", "\\??\\C:\\WINDOWS\\", "\\??\\D:\\",
                                            "\\??\\D:\\bin"};
  struct io_basic basic;
  for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
    ck_status(io_query_path(directories[i], &basic), STATUS_SUCCESS);
    ck_assert(basic.directory && !basic.writable);
  }
  ck_status(io_query_path("\\??\\D:\\bin\\tool.EXE", &basic), STATUS_SUCCESS);
  ck_assert(!basic.directory);
  ck_assert_uint_eq(basic.size, 4);
}
END_TEST

START_TEST(absent_names_and_absent_paths_differ)
{
  fixture_open("\\??\\C:\\app\\absent", STATUS_OBJECT_NAME_NOT_FOUND);
  fixture_open("\\??\\C:\\app\\absent\\x", STATUS_OBJECT_PATH_NOT_FOUND);
  fixture_open("\\??\\C:\\app\\sub\\inner.txt\\x", STATUS_OBJECT_PATH_NOT_FOUND);
  fixture_open("\\??\\C:\\absent", STATUS_OBJECT_NAME_NOT_FOUND);
  fixture_open("\\??\\C:\\absent\\x", STATUS_OBJECT_PATH_NOT_FOUND);
  fixture_open("\\??\\Q:\\absent", STATUS_OBJECT_PATH_NOT_FOUND);
  fixture_open("\\??\\D:\\bin\\tool.exe\\x", STATUS_OBJECT_PATH_NOT_FOUND);
  fixture_open("\\??\\C:\\app\\sub\\inner.txt\\", STATUS_OBJECT_NAME_INVALID);
}
END_TEST

START_TEST(symbolic_links_do_not_lead_out_of_a_root)
{
  struct io_basic basic;
  char target[128];
  strcpy(target, fixture_host("outside"));
  ck_assert_int_eq(symlink(target, fixture_host("app/link")), 0);
  strcpy(target, fixture_host("outside/secret.txt"));
  ck_assert_int_eq(symlink(target, fixture_host("app/secret")), 0);
  ck_assert_int_eq(symlink("sub/inner.txt", fixture_host("app/inside")), 0);
  fixture_open("\\??\\C:\\app\\link", STATUS_ACCESS_DENIED);
  fixture_open("\\??\\C:\\app\\link\\secret.txt", STATUS_ACCESS_DENIED);
  fixture_open("\\??\\C:\\app\\secret", STATUS_ACCESS_DENIED);
  ck_status(io_query_path("\\??\\C:\\app\\inside", &basic), STATUS_SUCCESS);
  ck_assert_uint_eq(basic.size, 10);
  FILE_OBJECT *file;
  ck_status(IoCreateFile("\\??\\C:\\app\\link\\new", GENERIC_WRITE, FILE_CREATE, 0, &file, NULL),
            STATUS_ACCESS_DENIED);
  struct host_stat facts;
  ck_assert(!host_stat_path(fixture_host("outside/new"), &facts));
}
END_TEST

START_TEST(a_file_that_has_become_a_link_out_of_its_root_is_refused)
{
  char target[128], moved[128], path[128];
  struct io_basic basic;
  strcpy(path, fixture_host("app/sub/inner.txt"));
  strcpy(moved, fixture_host("app/sub/moved.txt"));
  for (unsigned i = 0; i < 3; i++)
    ck_status(io_query_path("\\??\\C:\\app\\sub\\inner.txt", &basic), STATUS_SUCCESS);
  strcpy(target, fixture_host("outside/secret.txt"));
  ck_assert_int_eq(rename(path, moved), 0);
  ck_assert_int_eq(symlink(target, path), 0);
  for (unsigned i = 0; i < 3; i++)
    ck_status(io_query_path("\\??\\C:\\app\\sub\\inner.txt", &basic), STATUS_ACCESS_DENIED);
  ck_assert_int_eq(unlink(path), 0);
  ck_assert_int_eq(rename(moved, path), 0);
  ck_status(io_query_path("\\??\\C:\\app\\sub\\inner.txt", &basic), STATUS_SUCCESS);
}
END_TEST

TCase *path_tests(void)
{
  TCase *tcase = tcase_create("path");
  tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
  tcase_add_test(tcase, aliases_of_the_drive_and_of_devices_have_one_form);
  tcase_add_test(tcase, paths_that_leave_or_mislead_are_refused);
  tcase_add_test(tcase, a_relative_path_starts_at_its_root_directory);
  tcase_add_test(tcase, lookup_is_case_insensitive_and_the_exact_name_comes_first);
  tcase_add_test(tcase, folders_at_one_guest_path_overlay_in_the_order_given);
  tcase_add_test(tcase, parents_of_roots_are_virtual_directories);
  tcase_add_test(tcase, absent_names_and_absent_paths_differ);
  tcase_add_test(tcase, symbolic_links_do_not_lead_out_of_a_root);
  tcase_add_test(tcase, a_file_that_has_become_a_link_out_of_its_root_is_refused);
  return tcase;
}
