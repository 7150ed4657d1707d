/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every fault of a header that keeps an image from being mapped, and the oddities that must not. */
#include "loader/loader.h"
#include "sample_pe.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct patch {
  uint32_t offset, width;
  uint64_t value;
};

struct fault {
  const char *why;
  NTSTATUS status;
  size_t size; /* of the file; 0: unchanged */
  struct patch patches[4];
};

#define FORMAT STATUS_INVALID_IMAGE_FORMAT
#define OPT SAMPLE_OPTIONAL
#define SEC(i, field) (SAMPLE_SECTION(i) + (field))

static const struct fault faults[] = {
    {"the file does not start with MZ", STATUS_INVALID_IMAGE_NOT_MZ, 0, {{0, 2, 0x4D5A}}},
    {"the file does not start with MZ", STATUS_INVALID_IMAGE_NOT_MZ, 1, {{0, 0, 0}}},
    {"the file is too small for a DOS header", STATUS_INVALID_IMAGE_NOT_MZ, 63, {{0, 0, 0}}},
    {"e_lfanew is not a multiple of 4", STATUS_INVALID_IMAGE_PROTECT, 0, {{0x3C, 4, SAMPLE_PE + 2}}},
    {"e_lfanew is beyond the end of the file", STATUS_INVALID_IMAGE_PROTECT, 0, {{0x3C, 4, SAMPLE_SIZE}}},
    {"e_lfanew is beyond the end of the file", STATUS_INVALID_IMAGE_PROTECT, 0, {{0x3C, 4, 0xFFFFFFFC}}},
    {"there is no PE signature: a DOS program", STATUS_INVALID_IMAGE_PROTECT, 0, {{SAMPLE_PE, 4, 0xDEADBEEF}}},
    {"the file is a 16-bit Windows program", STATUS_INVALID_IMAGE_NE_FORMAT, 0, {{SAMPLE_PE, 4, 0x454E}}},
    {"the file ends inside the PE header", FORMAT, SAMPLE_PE + 25, {{0, 0, 0}}},
    {"the file ends inside the PE header", FORMAT, SAMPLE_PE + 263, {{0, 0, 0}}},
    {"the image is 32-bit", STATUS_INVALID_IMAGE_WIN_32, 0, {{SAMPLE_PE + 4, 2, 0x14C}, {OPT, 2, 0x10B}}},
    {"the machine is not x64", FORMAT, 0, {{SAMPLE_PE + 4, 2, 0x14C}}},
    {"the machine is not x64", FORMAT, 0, {{SAMPLE_PE + 4, 2, 0xAA64}}},
    {"the machine is not x64", FORMAT, 0, {{SAMPLE_PE + 4, 2, 0}}},
    {"the optional header is not that of a 64-bit image", FORMAT, 0, {{OPT, 2, 0x10B}}},
    {"the image is not marked executable (unresolved symbols)", FORMAT, 0, {{SAMPLE_PE + 22, 2, 0x20}}},
    {"there are more than 96 sections", FORMAT, 0, {{SAMPLE_PE + 6, 2, 97}}},
    {"the file alignment is not a power of two", FORMAT, 0, {{OPT + 36, 4, 0}}},
    {"the file alignment is not a power of two", FORMAT, 0, {{OPT + 36, 4, 0x300}}},
    {"the section alignment is not a power of two", FORMAT, 0, {{OPT + 32, 4, 0}}},
    {"the section alignment is not a power of two", FORMAT, 0, {{OPT + 32, 4, 0x1800}}},
    {"the section alignment is less than the file alignment", FORMAT, 0, {{OPT + 32, 4, 0x200}, {OPT + 36, 4, 0x1000}}},
    {"the file alignment is less than 512", FORMAT, 0, {{OPT + 36, 4, 0x100}}},
    {"the file alignment is more than 64 KB", FORMAT, 0, {{OPT + 32, 4, 0x40000}, {OPT + 36, 4, 0x20000}}},
    {"the section alignment is less than a page and not the file alignment", FORMAT, 0, {{OPT + 32, 4, 0x800}}},
    {"SizeOfImage is 0", FORMAT, 0, {{OPT + 56, 4, 0}}},
    {"SizeOfImage is too large", FORMAT, 0, {{OPT + 56, 4, PE_MAX_IMAGE_SIZE + 1}}},
    {"SizeOfHeaders is not less than SizeOfImage", FORMAT, 0, {{OPT + 60, 4, SAMPLE_IMAGE_SIZE}}},
    {"the image base is not a multiple of 64 KB", FORMAT, 0, {{OPT + 24, 8, SAMPLE_BASE + 0x1000}}},
    {"the image base is no user address and there are no relocations",
     FORMAT,
     0,
     {{OPT + 24, 8, 0xFFFFF80000000000}, {SAMPLE_PE + 22, 2, 0x23}}},
    {"the image base is no user address and there are no relocations",
     FORMAT,
     0,
     {{OPT + 24, 8, 0x7FFFFFFF0000}, {SAMPLE_PE + 22, 2, 0x23}}},
    {"the image base is no user address and there are no relocations",
     FORMAT,
     0,
     {{OPT + 24, 8, 0}, {SAMPLE_PE + 22, 2, 0x23}}},
    {"the section table is beyond the end of the file", FORMAT, 0, {{SAMPLE_PE + 20, 2, 0xFFFF}}},
    {"the section table is beyond the end of the file", FORMAT, SAMPLE_SECTION(3) - 1, {{0, 0, 0}}},
    {"a section's place in the file wraps around", FORMAT, 0, {{SEC(1, 16), 4, 0x200}, {SEC(1, 20), 4, 0xFFFFFF00}}},
    {"a section's data is beyond the end of the file", FORMAT, SAMPLE_SIZE - 1, {{0, 0, 0}}},
    {"a section's data is beyond the end of the file", FORMAT, 0, {{SEC(2, 20), 4, SAMPLE_SIZE}}},
    {"a section is empty", FORMAT, 0, {{SEC(0, 8), 4, 0}, {SEC(0, 16), 4, 0}}},
    {"sections overlap or are out of order", FORMAT, 0, {{SEC(1, 12), 4, SAMPLE_TEXT}}},
    {"sections overlap or are out of order", FORMAT, 0, {{SEC(0, 8), 4, 0x1001}}},
    {"sections overlap or are out of order", FORMAT, 0, {{SEC(0, 12), 4, 0}}},
    {"there is a gap before a section", FORMAT, 0, {{SEC(2, 12), 4, SAMPLE_RELOC + 0x1000}, {OPT + 56, 4, 0x8000}}},
    {"SizeOfImage is too small for the sections", FORMAT, 0, {{OPT + 56, 4, SAMPLE_RELOC}}},
    {"SizeOfImage is too small for the sections", FORMAT, 0, {{SEC(2, 8), 4, 0xFFFFFFFF}}},
    {"a section of an image below page alignment is not at its file offset", FORMAT, 0, {{OPT + 32, 4, 0x200}}},
};

static const struct fault accepted[] = {
    {"SizeOfImage need not be whole pages", 0, 0, {{OPT + 56, 4, SAMPLE_RELOC + 1}}},
    {"SizeOfImage may exceed the sections", 0, 0, {{OPT + 56, 4, SAMPLE_IMAGE_SIZE + 0x10000}}},
    {"the entry point may be anywhere", 0, 0, {{OPT + 16, 4, 0x12345678}}},
    {"more directories than 16 are counted as 16", 0, 0, {{OPT + 108, 4, 0xFFFFFFFF}}},
    {"a section without data may name any offset", 0, 0, {{SEC(2, 16), 4, 0}, {SEC(2, 20), 4, 0xFFFFFF00}}},
    {"VirtualSize 0 means SizeOfRawData", 0, 0, {{SEC(2, 8), 4, 0}}},
    {"data may exceed the section's pages", 0, SAMPLE_ROOM, {{SEC(0, 16), 4, 0x2000}}},
    {"raw data need not be aligned", 0, 0, {{SEC(0, 20), 4, 0x410}, {SEC(0, 16), 4, 0x10}}},
    {"an image with relocations may ask for a kernel address", 0, 0, {{OPT + 24, 8, 0xFFFFF80000000000}}},
    {"an image without sections", 0, 0, {{SAMPLE_PE + 6, 2, 0}}},
    {"SizeOfHeaders may exceed the file", 0, 0, {{OPT + 60, 4, 0x1000}}},
    {"one alignment for both, a page or more", 0, 0, {{OPT + 36, 4, 0x1000}}},
};

static uint8_t file[SAMPLE_ROOM];

static void setup(void)
{
  sample_build(file);
}

static uint8_t *copy_of(const struct fault *f, size_t *size)
{
  for (size_t i = 0; i < 4; i++) {
    sample_put(file + f->patches[i].offset, f->patches[i].value, f->patches[i].width);
  }
  *size = f->size == 0 ? SAMPLE_SIZE : f->size;
  uint8_t *copy = malloc(*size); /* its exact size, so that a sanitizer sees a read past the end */
  memcpy(copy, file, *size);
  return copy;
}

START_TEST(each_fault_has_its_status_and_reason)
{
  const struct fault *f = &faults[_i];
  size_t size;
  uint8_t *copy = copy_of(f, &size);
  struct pe_headers h;
  const char *why = NULL;
  NTSTATUS status = pe_check(copy, size, &h, &why);
  ck_assert_str_eq(why, f->why);
  ck_assert_int_eq(status, f->status);
  ck_assert_int_eq(pe_check(copy, size, &h, NULL), f->status);
  free(copy);
}
END_TEST

START_TEST(what_windows_accepts_is_accepted)
{
  const struct fault *f = &accepted[_i];
  size_t size;
  uint8_t *copy = copy_of(f, &size);
  struct pe_headers h;
  const char *why = NULL;
  ck_assert_msg(pe_check(copy, size, &h, &why) == STATUS_SUCCESS, "%s: %s", f->why, why);
  uint8_t *image = calloc(1, h.size_of_image);
  pe_layout(copy, size, &h, image);
  pe_relocate(image, h.size_of_image, &h, 0x7FF600000000);
  free(image);
  free(copy);
}
END_TEST

START_TEST(an_empty_file_is_invalid)
{
  struct pe_headers h;
  const char *why = NULL;
  ck_assert_int_eq(pe_check("", 0, &h, &why), STATUS_FILE_INVALID);
  ck_assert_str_eq(why, "the file is empty");
}
END_TEST

START_TEST(headers_are_read)
{
  struct pe_headers h;
  ck_assert_int_eq(pe_check(file, SAMPLE_SIZE, &h, NULL), STATUS_SUCCESS);
  ck_assert_uint_eq(h.machine, IMAGE_FILE_MACHINE_AMD64);
  ck_assert_uint_eq(h.characteristics, 0x22);
  ck_assert_uint_eq(h.header_offset, SAMPLE_PE);
  ck_assert_uint_eq(h.section_count, 3);
  ck_assert_uint_eq(h.image_base, SAMPLE_BASE);
  ck_assert_uint_eq(h.entry_point, SAMPLE_TEXT);
  ck_assert_uint_eq(h.section_alignment, 0x1000);
  ck_assert_uint_eq(h.file_alignment, 0x200);
  ck_assert_uint_eq(h.size_of_image, SAMPLE_IMAGE_SIZE);
  ck_assert_uint_eq(h.size_of_headers, 0x400);
  ck_assert_uint_eq(h.subsystem, 3);
  ck_assert_uint_eq(h.dll_characteristics, 0x160);
  ck_assert_uint_eq(h.os_major, 6);
  ck_assert_uint_eq(h.os_minor, 1);
  ck_assert_uint_eq(h.image_major, 2);
  ck_assert_uint_eq(h.image_minor, 3);
  ck_assert_uint_eq(h.subsystem_major, 5);
  ck_assert_uint_eq(h.subsystem_minor, 2);
  ck_assert_uint_eq(h.stack_reserve, 0x100000);
  ck_assert_uint_eq(h.stack_commit, 0x1000);
  ck_assert_uint_eq(h.directories[IMAGE_DIRECTORY_ENTRY_BASERELOC].rva, SAMPLE_RELOC);
  ck_assert_uint_eq(h.directories[IMAGE_DIRECTORY_ENTRY_BASERELOC].size, 12);
  ck_assert_str_eq(h.sections[1].name, ".data");
  ck_assert_uint_eq(h.sections[1].virtual_size, 0x1800);
  ck_assert_uint_eq(h.sections[1].raw_offset, SAMPLE_DATA_RAW);
}
END_TEST

START_TEST(size_of_image_is_rounded_to_pages)
{
  sample_put(file + OPT + 56, SAMPLE_RELOC + 1, 4);
  struct pe_headers h;
  ck_assert_int_eq(pe_check(file, SAMPLE_SIZE, &h, NULL), STATUS_SUCCESS);
  ck_assert_uint_eq(h.size_of_image, SAMPLE_RELOC + 0x1000);
}
END_TEST

START_TEST(directories_past_the_count_are_absent)
{
  sample_put(file + OPT + 108, 5, 4);
  struct pe_headers h;
  ck_assert_int_eq(pe_check(file, SAMPLE_SIZE, &h, NULL), STATUS_SUCCESS);
  ck_assert_uint_ne(h.directories[IMAGE_DIRECTORY_ENTRY_EXPORT].rva, 0);
  ck_assert_uint_eq(h.directories[IMAGE_DIRECTORY_ENTRY_BASERELOC].rva, 0);
}
END_TEST

START_TEST(raw_size_is_cut_to_what_is_mapped)
{
  struct pe_headers h;
  sample_put(file + SEC(0, 16), 0x2000, 4); /* more data than pages */
  sample_put(file + SEC(1, 20), 0x650, 4);  /* sectors: 0x600..0x800 hold 0x650..0x660 */
  sample_put(file + SEC(1, 16), 0x10, 4);
  ck_assert_int_eq(pe_check(file, SAMPLE_ROOM, &h, NULL), STATUS_SUCCESS);
  ck_assert_uint_eq(h.sections[0].raw_size, 0x1000);
  ck_assert_uint_eq(h.sections[1].raw_offset, 0x600);
  ck_assert_uint_eq(h.sections[1].raw_size, 0x200);
}
END_TEST

START_TEST(ninety_six_sections_are_allowed)
{
  sample_put(file + SAMPLE_PE + 6, PE_MAX_SECTIONS, 2);
  sample_put(file + OPT + 60, 0x1000, 4);
  sample_put(file + OPT + 56, 0x1000 * (PE_MAX_SECTIONS + 2), 4);
  for (uint32_t i = 0; i < PE_MAX_SECTIONS; i++) {
    memset(file + SAMPLE_SECTION(i), 0, 40);
    sample_put(file + SEC(i, 8), 0x1000, 4);
    sample_put(file + SEC(i, 12), 0x1000 * (i + 1), 4);
  }
  struct pe_headers h;
  const char *why;
  ck_assert_msg(pe_check(file, SAMPLE_ROOM, &h, &why) == STATUS_SUCCESS, "%s", why);
  ck_assert_uint_eq(h.sections[PE_MAX_SECTIONS - 1].virtual_address, 0x1000 * PE_MAX_SECTIONS);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("loader check");
  TCase *tc = tcase_create("check");
  tcase_add_checked_fixture(tc, setup, NULL);
  tcase_add_loop_test(tc, each_fault_has_its_status_and_reason, 0, sizeof(faults) / sizeof(faults[0]));
  tcase_add_loop_test(tc, what_windows_accepts_is_accepted, 0, sizeof(accepted) / sizeof(accepted[0]));
  tcase_add_test(tc, an_empty_file_is_invalid);
  tcase_add_test(tc, headers_are_read);
  tcase_add_test(tc, size_of_image_is_rounded_to_pages);
  tcase_add_test(tc, directories_past_the_count_are_absent);
  tcase_add_test(tc, raw_size_is_cut_to_what_is_mapped);
  tcase_add_test(tc, ninety_six_sections_are_allowed);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
