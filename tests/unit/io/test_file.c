/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static FILE_OBJECT *create(const char *path, ACCESS_MASK access, ULONG disposition, ULONG options, NTSTATUS expected,
                           ULONG64 information)
{
  FILE_OBJECT *file;
  ULONG64 got = 99;
  NTSTATUS status =
      IoCreateFile(path, access, disposition, options | FILE_SYNCHRONOUS_IO_NONALERT, &file, &got);
  ck_assert_msg(status == expected, "%s: %08X, not %08X", path, (unsigned)status, (unsigned)expected);
  if (NT_SUCCESS(status))
    ck_assert_uint_eq(got, information);
  return file;
}

START_TEST(reading_moves_the_position_and_ends_with_END_OF_FILE)
{
  char buffer[16];
  ULONG done;
  LONG64 at = 8;
  FILE_OBJECT *file = fixture_open("\\??\\C:\\app\\sub\\inner.txt", STATUS_SUCCESS);
  ck_status(io_read(file, buffer, 4, NULL, &done), STATUS_SUCCESS);
  ck_assert_uint_eq(done, 4);
  ck_assert_mem_eq(buffer, "0123", 4);
  ck_status(io_read(file, buffer, 16, NULL, &done), STATUS_SUCCESS);
  ck_assert_uint_eq(done, 6);
  ck_status(io_read(file, buffer, 16, NULL, &done), STATUS_END_OF_FILE);
  ck_assert_uint_eq(done, 0);
  ck_status(io_read(file, buffer, 16, &at, &done), STATUS_SUCCESS);
  ck_assert_mem_eq(buffer, "89", 2);
  ck_assert_uint_eq(file->CurrentByteOffset, 10);
  at = FILE_USE_FILE_POINTER_POSITION;
  ck_status(io_read(file, buffer, 16, &at, &done), STATUS_END_OF_FILE);
  at = -5;
  ck_status(io_read(file, buffer, 16, &at, &done), STATUS_INVALID_PARAMETER);
  at = INT64_MAX;
  ck_status(io_read(file, buffer, 16, &at, &done), STATUS_END_OF_FILE);
  ObDereferenceObject(file);
  file = fixture_open("\\??\\C:\\app", STATUS_SUCCESS);
  ck_status(io_read(file, buffer, 16, NULL, &done), STATUS_INVALID_DEVICE_REQUEST);
  ObDereferenceObject(file);
}
END_TEST

START_TEST(dispositions_create_open_and_empty)
{
  static const char path[] = "\\??\\C:\\app\\new.txt";
  ULONG done;
  create(path, GENERIC_WRITE, FILE_OPEN, 0, STATUS_OBJECT_NAME_NOT_FOUND, 0);
  create(path, GENERIC_WRITE, FILE_OVERWRITE, 0, STATUS_OBJECT_NAME_NOT_FOUND, 0);
  FILE_OBJECT *file = create(path, GENERIC_WRITE, FILE_CREATE, 0, STATUS_SUCCESS, 2);
  ck_status(io_write(file, "hello", 5, NULL, &done), STATUS_SUCCESS);
  ck_assert_uint_eq(done, 5);
  ck_assert_uint_eq(file->size, 5);
  ObDereferenceObject(file);
  create(path, GENERIC_WRITE, FILE_CREATE, 0, STATUS_OBJECT_NAME_COLLISION, 0);
  file = create(path, GENERIC_READ, FILE_OPEN_IF, 0, STATUS_SUCCESS, 1);
  ck_assert_uint_eq(file->size, 5);
  ObDereferenceObject(file);
  ObDereferenceObject(create(path, GENERIC_WRITE, FILE_OVERWRITE_IF, 0, STATUS_SUCCESS, 3));
  file = create(path, GENERIC_WRITE, FILE_SUPERSEDE, 0, STATUS_SUCCESS, 0);
  ck_assert_uint_eq(file->size, 0);
  ObDereferenceObject(file);
  create(path, GENERIC_WRITE, 6, 0, STATUS_INVALID_PARAMETER, 0);
  create(path, GENERIC_READ, FILE_OPEN, FILE_DIRECTORY_FILE, STATUS_NOT_A_DIRECTORY, 0);
  create("\\??\\C:\\app\\sub", GENERIC_READ, FILE_OPEN, FILE_NON_DIRECTORY_FILE, STATUS_FILE_IS_A_DIRECTORY, 0);
  create("\\??\\C:\\app\\sub", GENERIC_READ, FILE_OPEN, FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE,
         STATUS_INVALID_PARAMETER, 0);
  ObDereferenceObject(create("\\??\\C:\\app\\made", GENERIC_READ, FILE_CREATE, FILE_DIRECTORY_FILE, STATUS_SUCCESS, 2));
  create("\\??\\C:\\app\\made", GENERIC_READ, FILE_CREATE, FILE_DIRECTORY_FILE, STATUS_OBJECT_NAME_COLLISION, 0);
}
END_TEST

START_TEST(nothing_changes_below_a_read_only_root)
{
  static const char path[] = "\\??\\C:\\windows\\system32\\ntdll.dll";
  create(path, GENERIC_READ | GENERIC_WRITE, FILE_OPEN, 0, STATUS_ACCESS_DENIED, 0);
  create(path, DELETE_ACCESS, FILE_OPEN, 0, STATUS_ACCESS_DENIED, 0);
  create(path, GENERIC_READ, FILE_OVERWRITE, 0, STATUS_ACCESS_DENIED, 0);
  create("\\??\\C:\\windows\\system32\\new.dll", GENERIC_WRITE, FILE_CREATE, 0, STATUS_ACCESS_DENIED, 0);
  create("\\??\\C:\\windows\\new", GENERIC_WRITE, FILE_CREATE, 0, STATUS_ACCESS_DENIED, 0);
  create("\\??\\C:\\new", GENERIC_WRITE, FILE_CREATE, FILE_DIRECTORY_FILE, STATUS_ACCESS_DENIED, 0);
  FILE_OBJECT *file = create(path, MAXIMUM_ALLOWED, FILE_OPEN, 0, STATUS_SUCCESS, 1);
  ACCESS_MASK granted = io_grant(file, MAXIMUM_ALLOWED);
  ck_assert_uint_eq(granted & (FILE_READ_DATA | FILE_EXECUTE), FILE_READ_DATA | FILE_EXECUTE);
  ck_assert_uint_eq(granted & (FILE_WRITE_DATA | FILE_APPEND_DATA | DELETE_ACCESS), 0);
  ck_status(io_set_size(file, 0), STATUS_MEDIA_WRITE_PROTECTED);
  ck_status(io_set_delete(file, true), STATUS_CANNOT_DELETE);
  ObDereferenceObject(file);
  struct host_stat facts;
  ck_assert(host_stat_path(fixture_host("system32/NtDll.dll"), &facts));
  ck_assert_uint_eq(facts.size, 5);
}
END_TEST

START_TEST(append_only_handles_write_at_the_end)
{
  LONG64 at = 0;
  ULONG done;
  FILE_OBJECT *file = create("\\??\\C:\\app\\sub\\inner.txt", FILE_APPEND_DATA, FILE_OPEN, 0, STATUS_SUCCESS, 1);
  ck_status(io_write(file, "AB", 2, &at, &done), STATUS_SUCCESS);
  ck_assert_uint_eq(file->size, 12);
  ObDereferenceObject(file);
  file = create("\\??\\C:\\app\\sub\\inner.txt", GENERIC_WRITE, FILE_OPEN, 0, STATUS_SUCCESS, 1);
  at = FILE_WRITE_TO_END_OF_FILE;
  ck_status(io_write(file, "C", 1, &at, &done), STATUS_SUCCESS);
  ck_assert_uint_eq(file->size, 13);
  at = IO_MAX_FILE_SIZE;
  ck_status(io_write(file, "C", 1, &at, &done), STATUS_DISK_FULL);
  ck_status(io_set_size(file, (ULONG64)IO_MAX_FILE_SIZE + 1), STATUS_DISK_FULL);
  ck_status(io_set_size(file, 3), STATUS_SUCCESS);
  ck_assert_uint_eq(file->size, 3);
  ObDereferenceObject(file);
}
END_TEST

START_TEST(renaming_keeps_to_writable_roots)
{
  FILE_OBJECT *file = create("\\??\\C:\\app\\sub\\inner.txt", DELETE_ACCESS, FILE_OPEN, 0, STATUS_SUCCESS, 1);
  struct io_basic basic;
  fixture_file("app/taken", "x");
  ck_status(io_rename(file, "\\??\\C:\\windows\\system32\\x", false), STATUS_ACCESS_DENIED);
  ck_status(io_rename(file, "\\??\\C:\\app\\absent\\x", false), STATUS_OBJECT_PATH_NOT_FOUND);
  ck_status(io_rename(file, "\\Device\\Null", false), STATUS_NOT_SAME_DEVICE);
  ck_status(io_rename(file, "\\??\\C:\\app\\TAKEN", false), STATUS_OBJECT_NAME_COLLISION);
  ck_status(io_rename(file, "\\??\\C:\\app\\moved", false), STATUS_SUCCESS);
  ck_assert_str_eq(file->path, "\\??\\C:\\app\\moved");
  ck_status(io_query_path("\\??\\C:\\app\\sub\\inner.txt", &basic), STATUS_OBJECT_NAME_NOT_FOUND);
  ck_status(io_query_path("\\??\\C:\\app\\moved", &basic), STATUS_SUCCESS);
  ck_status(io_rename(file, "\\??\\C:\\app\\taken", true), STATUS_SUCCESS);
  ck_status(io_query_path("\\??\\C:\\app\\taken", &basic), STATUS_SUCCESS);
  ck_assert_uint_eq(basic.size, 10);
  ObDereferenceObject(file);
}
END_TEST

START_TEST(a_directory_must_be_empty_to_be_deleted)
{
  FILE_OBJECT *file = create("\\??\\C:\\app\\sub", DELETE_ACCESS, FILE_OPEN, FILE_DIRECTORY_FILE, STATUS_SUCCESS, 1);
  ck_status(io_set_delete(file, true), STATUS_DIRECTORY_NOT_EMPTY);
  ck_assert(host_remove(fixture_host("app/sub/inner.txt")));
  ck_status(io_set_delete(file, true), STATUS_SUCCESS);
  ck_assert(file->delete_on_close);
  ck_status(io_set_delete(file, false), STATUS_SUCCESS);
  ck_assert(!file->delete_on_close);
  ObDereferenceObject(file);
}
END_TEST

START_TEST(console_streams_reach_the_host_and_a_closed_pipe_says_so)
{
  FILE_OBJECT *in, *out, *error;
  char buffer[16];
  ULONG done;
  ck_status(io_create_console(0, &in), STATUS_SUCCESS);
  ck_status(io_create_console(1, &out), STATUS_SUCCESS);
  ck_status(io_create_console(2, &error), STATUS_SUCCESS);
  ck_assert_uint_eq(out->device_type, FILE_DEVICE_NAMED_PIPE);
  ck_assert_int_ne(out->Event.Header.SignalState, 0);
  ck_status(io_read(in, buffer, sizeof(buffer), NULL, &done), STATUS_SUCCESS);
  ck_assert_uint_eq(done, 6);
  ck_status(io_read(in, buffer, sizeof(buffer), NULL, &done), STATUS_PIPE_BROKEN);
  ck_status(io_write(in, "x", 1, NULL, &done), STATUS_INVALID_DEVICE_REQUEST);
  ck_status(io_read(out, buffer, sizeof(buffer), NULL, &done), STATUS_INVALID_DEVICE_REQUEST);
  ck_status(io_write(out, "to out ", 7, NULL, &done), STATUS_SUCCESS);
  ck_status(io_write(error, "to error", 8, NULL, &done), STATUS_SUCCESS);
  ck_assert_str_eq(fixture_console + 6, "1:to out 2:to error");
  ObDereferenceObject(in);
  ObDereferenceObject(out);
  ObDereferenceObject(error);
}
END_TEST

START_TEST(the_null_device_takes_all_and_gives_nothing)
{
  char buffer[4];
  ULONG done;
  FILE_OBJECT *file = create("\\??\\NUL", GENERIC_READ | GENERIC_WRITE, FILE_OVERWRITE_IF, 0, STATUS_SUCCESS, 1);
  ck_assert_uint_eq(file->device_type, FILE_DEVICE_NULL);
  ck_status(io_write(file, "abcd", 4, NULL, &done), STATUS_SUCCESS);
  ck_assert_uint_eq(done, 4);
  ck_status(io_read(file, buffer, 4, NULL, &done), STATUS_END_OF_FILE);
  ObDereferenceObject(file);
}
END_TEST

START_TEST(a_whole_file_is_read_for_sections_only)
{
  void *bytes;
  size_t size;
  FILE_OBJECT *file = fixture_open("\\??\\C:\\app\\sub\\inner.txt", STATUS_SUCCESS);
  ck_status(io_read_all(file, &bytes, &size), STATUS_SUCCESS);
  ck_assert_uint_eq(size, 10);
  ck_assert_mem_eq(bytes, "0123456789", 10);
  ck_assert_uint_eq(file->CurrentByteOffset, 0);
  free(bytes);
  ObDereferenceObject(file);
  file = fixture_open("\\??\\C:\\app\\sub", STATUS_SUCCESS);
  ck_status(io_read_all(file, &bytes, &size), STATUS_INVALID_FILE_FOR_SECTION);
  ck_assert_ptr_null(bytes);
  ObDereferenceObject(file);
}
END_TEST

START_TEST(file_numbers_come_from_the_path_without_case)
{
  ck_assert_uint_eq(io_file_id("\\??\\C:\\App\\X"), io_file_id("\\??\\C:\\app\\x"));
  ck_assert_uint_ne(io_file_id("\\??\\C:\\app\\x"), io_file_id("\\??\\C:\\app\\y"));
}
END_TEST

TCase *file_tests(void)
{
  TCase *tcase = tcase_create("file");
  tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
  tcase_add_test(tcase, reading_moves_the_position_and_ends_with_END_OF_FILE);
  tcase_add_test(tcase, dispositions_create_open_and_empty);
  tcase_add_test(tcase, nothing_changes_below_a_read_only_root);
  tcase_add_test(tcase, append_only_handles_write_at_the_end);
  tcase_add_test(tcase, renaming_keeps_to_writable_roots);
  tcase_add_test(tcase, a_directory_must_be_empty_to_be_deleted);
  tcase_add_test(tcase, console_streams_reach_the_host_and_a_closed_pipe_says_so);
  tcase_add_test(tcase, the_null_device_takes_all_and_gives_nothing);
  tcase_add_test(tcase, a_whole_file_is_read_for_sections_only);
  tcase_add_test(tcase, file_numbers_come_from_the_path_without_case);
  return tcase;
}
