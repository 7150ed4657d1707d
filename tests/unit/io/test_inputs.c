/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is noted of the files that programs read. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define INNER "\\??\\C:\\app\\sub\\inner.txt"
#define INNER_PATH "C:\\app\\sub\\inner.txt"

/* SHA-256 of "0123456789" and of "abc" (FIPS 180-4's example). */
static const uint8_t digits_hash[] = {0x84, 0xd8, 0x98, 0x77, 0xf0, 0xd4, 0x04, 0x1e, 0xfb, 0x6b, 0xf9,
                                      0x1a, 0x16, 0xf0, 0x24, 0x8f, 0x2f, 0xd5, 0x73, 0xe6, 0xaf, 0x05,
                                      0xc1, 0x9f, 0x96, 0xbe, 0xdb, 0x9f, 0x88, 0x2f, 0x78, 0x82};
static const uint8_t abc_hash[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                   0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                   0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};

static void setup(void)
{
  fixture_setup();
  ck_assert(io_note_inputs());
}

static FILE_OBJECT *open_file(const char *path, ACCESS_MASK access, ULONG disposition)
{
  FILE_OBJECT *file;
  ck_status(IoCreateFile(path, access, disposition, FILE_SYNCHRONOUS_IO_NONALERT, &file, NULL), STATUS_SUCCESS);
  return file;
}

static void read_some(const char *path)
{
  char bytes[4];
  ULONG done;
  FILE_OBJECT *file = open_file(path, GENERIC_READ, FILE_OPEN);
  ck_status(io_read(file, bytes, sizeof bytes, NULL, &done), STATUS_SUCCESS);
  ObDereferenceObject(file);
}

static void write_some(const char *path, ULONG disposition)
{
  ULONG done;
  FILE_OBJECT *file = open_file(path, GENERIC_READ | GENERIC_WRITE, disposition);
  ck_status(io_write(file, "written", 7, NULL, &done), STATUS_SUCCESS);
  ObDereferenceObject(file);
}

static void check_digits(const struct io_input *input)
{
  ck_assert_ptr_nonnull(input);
  ck_assert_str_eq(input->path, INNER_PATH);
  ck_assert(input->existed && input->hashed);
  ck_assert_uint_eq(input->size, 10);
  ck_assert_mem_eq(input->sha256, digits_hash, sizeof digits_hash);
}

START_TEST(files_are_noted_once_in_order_of_their_first_reading)
{
  fixture_file("app/abc", "abc");
  ObDereferenceObject(fixture_open("\\??\\C:\\app\\abc", STATUS_SUCCESS));
  ck_assert_ptr_null(io_input_at(0));
  read_some(INNER);
  read_some("\\??\\C:\\app\\abc");
  read_some("\\??\\c:\\APP\\Sub\\INNER.txt");
  check_digits(io_input_at(0));
  ck_assert_mem_eq(io_input_at(1)->sha256, abc_hash, sizeof abc_hash);
  ck_assert_ptr_null(io_input_at(2));
}
END_TEST

START_TEST(what_a_program_wrote_later_does_not_count)
{
  read_some(INNER);
  write_some(INNER, FILE_OPEN);
  read_some(INNER);
  check_digits(io_input_at(0));
  ck_assert_ptr_null(io_input_at(1));
}
END_TEST

START_TEST(a_file_for_a_section_is_noted)
{
  void *bytes;
  size_t size;
  FILE_OBJECT *file = open_file(INNER, GENERIC_READ, FILE_OPEN);
  ck_status(io_read_all(file, &bytes, &size), STATUS_SUCCESS);
  free(bytes);
  ObDereferenceObject(file);
  check_digits(io_input_at(0));
}
END_TEST

/* Each way to make or change a file, then a reading of it. */
START_TEST(what_programs_made_is_nothing_to_depend_on)
{
  FILE_OBJECT *file;
  switch (_i) {
  case 0:
    write_some(INNER, FILE_OPEN);
    break;
  case 1:
    ObDereferenceObject(open_file(INNER, GENERIC_WRITE, FILE_OVERWRITE));
    write_some(INNER, FILE_OPEN);
    break;
  case 2:
    file = open_file(INNER, GENERIC_WRITE, FILE_OPEN);
    ck_status(io_set_size(file, 5), STATUS_SUCCESS);
    ObDereferenceObject(file);
    break;
  case 3:
    fixture_file("app/other", "other");
    file = open_file("\\??\\C:\\app\\other", DELETE_ACCESS, FILE_OPEN);
    ck_status(io_rename(file, INNER, true), STATUS_SUCCESS);
    ObDereferenceObject(file);
    break;
  default:
    write_some(INNER, FILE_SUPERSEDE);
  }
  read_some(INNER);
  ck_assert_ptr_null(io_input_at(0));
}
END_TEST

static void check_absent(unsigned index, const char *path)
{
  ck_assert_ptr_nonnull(io_input_at(index));
  ck_assert_str_eq(io_input_at(index)->path, path);
  ck_assert(!io_input_at(index)->existed && !io_input_at(index)->hashed);
}

START_TEST(names_that_are_not_there_are_noted)
{
  FILE_OBJECT *file;
  struct io_basic basic;
  fixture_open("\\??\\C:\\app\\absent", STATUS_OBJECT_NAME_NOT_FOUND);
  ck_status(io_query_path("\\??\\C:\\APP\\Absent", &basic), STATUS_OBJECT_NAME_NOT_FOUND);
  ck_status(io_query_path("\\??\\C:\\app\\no\\such", &basic), STATUS_OBJECT_PATH_NOT_FOUND);
  write_some("\\??\\C:\\app\\made", FILE_OPEN_IF);
  read_some("\\??\\C:\\app\\made");
  file = open_file(INNER, DELETE_ACCESS, FILE_OPEN);
  ck_status(io_rename(file, "\\??\\C:\\app\\moved", false), STATUS_SUCCESS);
  ObDereferenceObject(file);
  ck_status(io_query_path(INNER, &basic), STATUS_OBJECT_NAME_NOT_FOUND);
  check_absent(0, "C:\\app\\absent");
  check_absent(1, "C:\\app\\no\\such");
  check_absent(2, "C:\\app\\made");
  check_absent(3, "C:\\app\\moved");
  ck_assert_ptr_null(io_input_at(4));
}
END_TEST

START_TEST(many_files_keep_their_order)
{
  enum { FILES = 300 };
  char name[64];
  for (int i = 0; i < FILES; i++) {
    (void)snprintf(name, sizeof name, "app/f%d", i * 7919 % FILES);
    fixture_file(name, name);
    (void)snprintf(name, sizeof name, "\\??\\C:\\app\\f%d", i * 7919 % FILES);
    read_some(name);
  }
  for (int i = 0; i < FILES; i++) {
    (void)snprintf(name, sizeof name, "C:\\app\\f%d", i * 7919 % FILES);
    ck_assert_str_eq(io_input_at((unsigned)i)->path, name);
    (void)snprintf(name, sizeof name, "\\??\\C:\\app\\f%d", i);
    read_some(name);
  }
  ck_assert_ptr_null(io_input_at(FILES));
}
END_TEST

START_TEST(a_path_is_hashed_as_programs_see_it)
{
  struct io_input found;
  ck_status(io_hash_path("\\??\\c:\\app\\SUB\\inner.txt", &found), STATUS_SUCCESS);
  ck_assert_mem_eq(found.sha256, digits_hash, sizeof digits_hash);
  ck_status(io_hash_path("\\??\\C:\\app\\absent", &found), STATUS_OBJECT_NAME_NOT_FOUND);
  ck_assert(!found.existed && !found.hashed);
  ck_status(io_hash_path("\\??\\C:\\app\\sub", &found), STATUS_SUCCESS);
  ck_assert(found.existed && !found.hashed);
  ck_status(io_hash_path("\\Device\\Null", &found), STATUS_INVALID_DEVICE_REQUEST);
  ck_assert_ptr_null(io_input_at(0));
}
END_TEST

TCase *input_tests(void)
{
  TCase *tcase = tcase_create("inputs");
  tcase_add_checked_fixture(tcase, setup, fixture_teardown);
  tcase_add_test(tcase, files_are_noted_once_in_order_of_their_first_reading);
  tcase_add_test(tcase, what_a_program_wrote_later_does_not_count);
  tcase_add_test(tcase, a_file_for_a_section_is_noted);
  tcase_add_loop_test(tcase, what_programs_made_is_nothing_to_depend_on, 0, 5);
  tcase_add_test(tcase, names_that_are_not_there_are_noted);
  tcase_add_test(tcase, many_files_keep_their_order);
  tcase_add_test(tcase, a_path_is_hashed_as_programs_see_it);
  return tcase;
}
