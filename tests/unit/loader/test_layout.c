/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image in memory: where bytes go, what a relocation changes, what is exported, what is a service stub. */
#include "loader/loader.h"
#include "sample_pe.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static uint8_t file[SAMPLE_ROOM];
static struct pe_headers headers;
static uint8_t *image;

static void setup(void)
{
  sample_build(file);
  ck_assert_int_eq(pe_check(file, SAMPLE_SIZE, &headers, NULL), STATUS_SUCCESS);
  image = calloc(1, SAMPLE_IMAGE_SIZE);
  pe_layout(file, SAMPLE_SIZE, &headers, image);
}

static void teardown(void) { free(image); }

/* Puts a changed file into the image. */
static void lay_out_again(void)
{
  const char *why = NULL;
  ck_assert_msg(pe_check(file, SAMPLE_SIZE, &headers, &why) == STATUS_SUCCESS, "%s", why);
  memset(image, 0, SAMPLE_IMAGE_SIZE);
  pe_layout(file, SAMPLE_SIZE, &headers, image);
}

START_TEST(sections_lie_at_their_addresses)
{
  ck_assert_mem_eq(image, file, 0x400);
  ck_assert_mem_eq(image + SAMPLE_TEXT, file + SAMPLE_TEXT_RAW, 0x200);
  ck_assert_mem_eq(image + SAMPLE_DATA, file + SAMPLE_DATA_RAW, 0x200);
  ck_assert_mem_eq(image + SAMPLE_RELOC, file + SAMPLE_RELOC_RAW, 0x200);
}
END_TEST

START_TEST(what_the_file_does_not_fill_is_zero)
{
  static const uint8_t zeros[0x1E00];
  ck_assert_mem_eq(image + 0x400, zeros, 0xC00);
  ck_assert_mem_eq(image + SAMPLE_TEXT + 0x200, zeros, 0xE00);
  ck_assert_mem_eq(image + SAMPLE_DATA + 0x200, zeros, 0x1E00);
}
END_TEST

START_TEST(headers_end_at_SizeOfHeaders)
{
  sample_put(file + SAMPLE_OPTIONAL + 60, 0x200, 4);
  memset(file + 0x200, 0xEE, 0x200);
  lay_out_again();
  ck_assert_uint_eq(image[0x200], 0);
  ck_assert_uint_eq(image[0x1FF], file[0x1FF]);
}
END_TEST

START_TEST(an_image_below_page_alignment_is_the_file)
{
  static const uint32_t raws[] = {SAMPLE_TEXT_RAW, SAMPLE_DATA_RAW, SAMPLE_RELOC_RAW};
  sample_put(file + SAMPLE_OPTIONAL + 32, 0x200, 4);
  for (unsigned i = 0; i < 3; i++) {
    sample_put(file + SAMPLE_SECTION(i) + 12, raws[i], 4);
    sample_put(file + SAMPLE_SECTION(i) + 8, 0x200, 4);
  }
  sample_put(file + SAMPLE_OPTIONAL + 56, SAMPLE_SIZE, 4);
  lay_out_again();
  ck_assert_uint_eq(headers.size_of_image, 0x1000);
  ck_assert_mem_eq(image, file, SAMPLE_SIZE);
}
END_TEST

START_TEST(a_64_bit_relocation_adds_the_difference)
{
  ck_assert_int_eq(pe_relocate(image, SAMPLE_IMAGE_SIZE, &headers, 0x7FF612340000), STATUS_SUCCESS);
  ck_assert_uint_eq(sample_get(image + SAMPLE_POINTER, 8), 0x7FF612340000 + SAMPLE_TEXT);
  ck_assert_uint_eq(sample_get(image + SAMPLE_OPTIONAL + 24, 8), 0x7FF612340000);
}
END_TEST

START_TEST(a_lower_base_wraps_correctly)
{
  ck_assert_int_eq(pe_relocate(image, SAMPLE_IMAGE_SIZE, &headers, 0x10000), STATUS_SUCCESS);
  ck_assert_uint_eq(sample_get(image + SAMPLE_POINTER, 8), 0x10000 + SAMPLE_TEXT);
}
END_TEST

START_TEST(the_preferred_base_changes_nothing)
{
  sample_put(image + SAMPLE_RELOC + 4, 3, 4);
  uint8_t *before = malloc(SAMPLE_IMAGE_SIZE);
  memcpy(before, image, SAMPLE_IMAGE_SIZE);
  ck_assert_int_eq(pe_relocate(image, SAMPLE_IMAGE_SIZE, &headers, SAMPLE_BASE), STATUS_SUCCESS);
  ck_assert_mem_eq(image, before, SAMPLE_IMAGE_SIZE);
  free(before);
}
END_TEST

START_TEST(each_relocation_type)
{
  static const struct {
    uint16_t entry;
    uint64_t expected;
  } types[] = {{0x0008, 0}, {0x1008, 0x1234}, {0x2008, 0x5678}, {0x3008, 0x12345678}, {0xA008, 0x7F0012345678}};
  sample_put(image + SAMPLE_POINTER, 0, 8);
  sample_put(image + SAMPLE_RELOC + 8, types[_i].entry, 2);
  headers.image_base = 0;
  ck_assert_int_eq(pe_relocate(image, SAMPLE_IMAGE_SIZE, &headers, 0x7F0012345678), STATUS_SUCCESS);
  ck_assert_uint_eq(sample_get(image + SAMPLE_POINTER, 8), types[_i].expected);
}
END_TEST

START_TEST(a_malformed_relocation_table_is_an_error)
{
  static const struct {
    uint32_t offset, width;
    uint32_t value;
  } faults[] = {{0, 4, SAMPLE_IMAGE_SIZE - 8}, /* the address reaches past the image */
                {0, 4, 0xFFFFFFFF},            /* the address wraps */
                {4, 4, 7},                     /* a block smaller than its header */
                {4, 4, 13},                    /* a block larger than the table */
                {8, 2, 0x4008},
                {8, 2, 0xF008}}; /* types that x64 does not have */
  sample_put(image + SAMPLE_RELOC + faults[_i].offset, faults[_i].value, faults[_i].width);
  ck_assert_int_eq(pe_relocate(image, SAMPLE_IMAGE_SIZE, &headers, 0x10000), STATUS_INVALID_IMAGE_FORMAT);
}
END_TEST

START_TEST(a_relocation_table_outside_of_the_image_is_an_error)
{
  headers.directories[IMAGE_DIRECTORY_ENTRY_BASERELOC].rva = 0xFFFFFFF0;
  ck_assert_int_eq(pe_relocate(image, SAMPLE_IMAGE_SIZE, &headers, 0x10000), STATUS_INVALID_IMAGE_FORMAT);
  headers.directories[IMAGE_DIRECTORY_ENTRY_BASERELOC].rva = SAMPLE_RELOC;
  headers.directories[IMAGE_DIRECTORY_ENTRY_BASERELOC].size = 0x1001;
  ck_assert_int_eq(pe_relocate(image, SAMPLE_IMAGE_SIZE, &headers, 0x10000), STATUS_INVALID_IMAGE_FORMAT);
}
END_TEST

START_TEST(a_stripped_image_cannot_move)
{
  headers.characteristics |= IMAGE_FILE_RELOCS_STRIPPED;
  ck_assert_int_eq(pe_relocate(image, SAMPLE_IMAGE_SIZE, &headers, 0x10000), STATUS_CONFLICTING_ADDRESSES);
  ck_assert_int_eq(pe_relocate(image, SAMPLE_IMAGE_SIZE, &headers, SAMPLE_BASE), STATUS_SUCCESS);
}
END_TEST

START_TEST(an_image_without_a_table_moves_as_it_is)
{
  headers.directories[IMAGE_DIRECTORY_ENTRY_BASERELOC].rva = 0;
  ck_assert_int_eq(pe_relocate(image, SAMPLE_IMAGE_SIZE, &headers, 0x10000), STATUS_SUCCESS);
  ck_assert_uint_eq(sample_get(image + SAMPLE_POINTER, 8), SAMPLE_BASE + SAMPLE_TEXT);
}
END_TEST

START_TEST(protection_follows_the_characteristics)
{
  static const struct {
    uint32_t characteristics, protection;
  } cases[] = {{0, PAGE_NOACCESS},
               {0x40000000, PAGE_READONLY},
               {0x20000000, PAGE_EXECUTE},
               {0x60000020, PAGE_EXECUTE_READ},
               {0xC0000040, PAGE_WRITECOPY},
               {0x80000000, PAGE_WRITECOPY},
               {0xE0000020, PAGE_EXECUTE_WRITECOPY},
               {0xA0000000, PAGE_EXECUTE_WRITECOPY},
               {0xD0000040, PAGE_READWRITE},
               {0xF0000020, PAGE_EXECUTE_READWRITE},
               {0x50000040, PAGE_READONLY}};
  ck_assert_uint_eq(pe_section_protection(cases[_i].characteristics), cases[_i].protection);
}
END_TEST

struct walk {
  unsigned calls;
  char text[64];
};

static void note_export(void *context, const char *name, uint32_t rva)
{
  struct walk *w = context;
  w->calls++;
  strcat(w->text, name);
  strcat(w->text, rva == SAMPLE_ALPHA ? "=alpha " : "=other ");
}

START_TEST(exports_without_forwarders)
{
  struct walk w = {0};
  pe_for_each_export(image, SAMPLE_IMAGE_SIZE, &headers, note_export, &w);
  ck_assert_str_eq(w.text, "alpha=alpha gamma=other ");
  ck_assert_uint_eq(pe_export_rva(image, SAMPLE_IMAGE_SIZE, &headers, "alpha"), SAMPLE_ALPHA);
  ck_assert_uint_eq(pe_export_rva(image, SAMPLE_IMAGE_SIZE, &headers, "gamma"), SAMPLE_TEXT);
  ck_assert_uint_eq(pe_export_rva(image, SAMPLE_IMAGE_SIZE, &headers, "beta"), 0);
  ck_assert_uint_eq(pe_export_rva(image, SAMPLE_IMAGE_SIZE, &headers, "delta"), 0);
}
END_TEST

START_TEST(a_malformed_export_table_ends_the_walk)
{
  static const struct {
    uint32_t offset, value; /* from the export directory */
    unsigned calls;
  } faults[] = {{20, 0xFFFFFFFF, 0},          {24, 0xFFFFFFFF, 0},          {24, 0x10001, 0},
                {28, 0xFFFFFFF0, 0},          {32, SAMPLE_IMAGE_SIZE, 0},   {36, SAMPLE_IMAGE_SIZE - 4, 0},
                {0x40, SAMPLE_IMAGE_SIZE, 1}, {0x30, SAMPLE_IMAGE_SIZE, 1}, {0x48, 0x00010003, 0}};
  uint8_t *directory = image + SAMPLE_DATA + 0x40;
  sample_put(directory + faults[_i].offset, faults[_i].value, 4);
  struct walk w = {0};
  pe_for_each_export(image, SAMPLE_IMAGE_SIZE, &headers, note_export, &w);
  ck_assert_uint_eq(w.calls, faults[_i].calls);
  ck_assert_uint_eq(pe_export_rva(image, SAMPLE_IMAGE_SIZE, &headers, "gamma"), 0);
}
END_TEST

START_TEST(an_export_name_must_end_in_the_image)
{
  memset(image + SAMPLE_IMAGE_SIZE - 16, 'x', 16);
  sample_put(image + SAMPLE_DATA + 0x40 + 0x38, SAMPLE_IMAGE_SIZE - 16, 4);
  struct walk w = {0};
  pe_for_each_export(image, SAMPLE_IMAGE_SIZE, &headers, note_export, &w);
  ck_assert_uint_eq(w.calls, 0);
}
END_TEST

START_TEST(an_export_directory_outside_of_the_image_has_no_names)
{
  headers.directories[IMAGE_DIRECTORY_ENTRY_EXPORT].rva = SAMPLE_IMAGE_SIZE - 20;
  struct walk w = {0};
  pe_for_each_export(image, SAMPLE_IMAGE_SIZE, &headers, note_export, &w);
  ck_assert_uint_eq(w.calls, 0);
}
END_TEST

START_TEST(service_number_of_a_stub)
{
  /* Windows 7, then Windows 10 and Wine: the latter tests KUSER_SHARED_DATA.SystemCall. */
  static const uint8_t old_stub[] = {0x4C, 0x8B, 0xD1, 0xB8, 0x90, 0, 0, 0, 0x0F, 0x05, 0xC3};
  static const uint8_t new_stub[] = {0x4C, 0x8B, 0xD1, 0xB8, 0xA6, 0x01, 0,    0,    0xF6, 0x04, 0x25,
                                     0x08, 0x03, 0xFE, 0x7F, 0x01, 0x75, 0x03, 0x0F, 0x05, 0xC3};
  memcpy(image + SAMPLE_TEXT, old_stub, sizeof(old_stub));
  ck_assert_int_eq(pe_service_number(image, SAMPLE_IMAGE_SIZE, SAMPLE_TEXT), 0x90);
  memcpy(image + SAMPLE_TEXT, new_stub, sizeof(new_stub));
  ck_assert_int_eq(pe_service_number(image, SAMPLE_IMAGE_SIZE, SAMPLE_TEXT), 0x1A6);
}
END_TEST

START_TEST(what_is_no_service_stub)
{
  uint8_t *stub = image + SAMPLE_TEXT;
  static const uint8_t prologue[] = {0x4C, 0x8B, 0xD1, 0xB8, 0x90, 0, 0, 0};
  memset(stub, 0x90, 64);
  memcpy(stub, prologue, sizeof(prologue));
  ck_assert_int_eq(pe_service_number(image, SAMPLE_IMAGE_SIZE, SAMPLE_TEXT), -1); /* no syscall */
  memcpy(stub + 31, "\x0F\x05", 2);
  ck_assert_int_eq(pe_service_number(image, SAMPLE_IMAGE_SIZE, SAMPLE_TEXT), -1); /* too far away */
  memcpy(stub + 30, "\x0F\x05", 2);
  ck_assert_int_eq(pe_service_number(image, SAMPLE_IMAGE_SIZE, SAMPLE_TEXT), 0x90);
  sample_put(stub + 4, 0x2000, 4);
  ck_assert_int_eq(pe_service_number(image, SAMPLE_IMAGE_SIZE, SAMPLE_TEXT), -1); /* no such table */
  sample_put(stub + 4, 0x1FFF, 4);
  ck_assert_int_eq(pe_service_number(image, SAMPLE_IMAGE_SIZE, SAMPLE_TEXT), 0x1FFF);
  stub[3] = 0xB9;
  ck_assert_int_eq(pe_service_number(image, SAMPLE_IMAGE_SIZE, SAMPLE_TEXT), -1);
  memcpy(image + SAMPLE_IMAGE_SIZE - sizeof(prologue), prologue, sizeof(prologue));
  ck_assert_int_eq(pe_service_number(image, SAMPLE_IMAGE_SIZE, SAMPLE_IMAGE_SIZE - sizeof(prologue)), -1);
  ck_assert_int_eq(pe_service_number(image, SAMPLE_IMAGE_SIZE, SAMPLE_IMAGE_SIZE), -1);
  ck_assert_int_eq(pe_service_number(image, SAMPLE_IMAGE_SIZE, 0xFFFFFFFF), -1);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("loader layout");
  TCase *tc = tcase_create("layout");
  tcase_add_checked_fixture(tc, setup, teardown);
  tcase_add_test(tc, sections_lie_at_their_addresses);
  tcase_add_test(tc, what_the_file_does_not_fill_is_zero);
  tcase_add_test(tc, headers_end_at_SizeOfHeaders);
  tcase_add_test(tc, an_image_below_page_alignment_is_the_file);
  tcase_add_test(tc, a_64_bit_relocation_adds_the_difference);
  tcase_add_test(tc, a_lower_base_wraps_correctly);
  tcase_add_test(tc, the_preferred_base_changes_nothing);
  tcase_add_loop_test(tc, each_relocation_type, 0, 5);
  tcase_add_loop_test(tc, a_malformed_relocation_table_is_an_error, 0, 6);
  tcase_add_test(tc, a_relocation_table_outside_of_the_image_is_an_error);
  tcase_add_test(tc, a_stripped_image_cannot_move);
  tcase_add_test(tc, an_image_without_a_table_moves_as_it_is);
  tcase_add_loop_test(tc, protection_follows_the_characteristics, 0, 11);
  tcase_add_test(tc, exports_without_forwarders);
  tcase_add_loop_test(tc, a_malformed_export_table_ends_the_walk, 0, 9);
  tcase_add_test(tc, an_export_name_must_end_in_the_image);
  tcase_add_test(tc, an_export_directory_outside_of_the_image_has_no_names);
  tcase_add_test(tc, service_number_of_a_stub);
  tcase_add_test(tc, what_is_no_service_stub);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
