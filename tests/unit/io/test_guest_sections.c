/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest.h"

#include "../loader/sample_pe.h"
#include "ntos/svc/svc_memory.h"
#include "ntos/svc/svc_nls.h"
#include "ntos/svc/svc_section.h"

#include <string.h>

static HANDLE section(HANDLE file, ULONG64 size, ULONG protect, ULONG kind, NTSTATUS expected)
{
  put64(scratch, 0);
  put64(scratch + 8, size);
  ck_status(NtCreateSection(scratch, SECTION_ALL_ACCESS, 0, size != 0 ? scratch + 8 : 0, protect, kind, file),
            expected);
  return get64(scratch);
}

static NTSTATUS map(HANDLE handle, ULONG64 base, ULONG protect)
{
  put64(scratch, base);
  put64(scratch + 8, 0);
  put64(scratch + 16, 0);
  return NtMapViewOfSection(handle, NtCurrentProcess(), scratch, 0, 0, scratch + 8, scratch + 16, 2, 0, protect);
}

START_TEST(attributes_of_a_section_are_one_kind)
{
  section(0, PAGE, PAGE_READWRITE, 0, STATUS_INVALID_PARAMETER_6);
  section(0, PAGE, PAGE_READWRITE, SEC_COMMIT | SEC_RESERVE, STATUS_INVALID_PARAMETER_6);
  section(0, PAGE, PAGE_READONLY, SEC_IMAGE, STATUS_INVALID_FILE_FOR_SECTION);
  section(0, 0, PAGE_READWRITE, SEC_COMMIT, STATUS_INVALID_PARAMETER_4);
  section(0x5554, 0, PAGE_READONLY, SEC_COMMIT, STATUS_INVALID_HANDLE);
  section(guest_open("empty"), 0, PAGE_READONLY, SEC_COMMIT, STATUS_MAPPED_FILE_SIZE_ZERO);
  section(guest_open("text.txt"), 0, PAGE_READONLY, SEC_IMAGE, STATUS_INVALID_IMAGE_NOT_MZ);
  section(guest_open("text.txt"), 0, PAGE_READWRITE, SEC_COMMIT, STATUS_ACCESS_DENIED);
}
END_TEST

START_TEST(an_image_section_tells_its_headers)
{
  SECTION_IMAGE_INFORMATION image;
  HANDLE handle = section(guest_open("sample.dll"), 0, PAGE_EXECUTE_READ, SEC_IMAGE, STATUS_SUCCESS);
  ck_status(NtQuerySection(handle, 1, scratch + 0x100, 63, 0), STATUS_INFO_LENGTH_MISMATCH);
  ck_status(NtQuerySection(handle, 7, scratch + 0x100, 64, 0), STATUS_INVALID_INFO_CLASS);
  ck_status(NtQuerySection(handle, 1, scratch + 0x100, 64, scratch + 0x200), STATUS_SUCCESS);
  ck_assert_uint_eq(get64(scratch + 0x200), 64);
  get(scratch + 0x100, &image, sizeof(image));
  ck_assert_uint_eq(image.Machine, 0x8664);
  ck_assert_uint_eq(image.ImageFileSize, SAMPLE_SIZE);
  ck_assert_uint_ge(image.TransferAddress, SAMPLE_BASE);
  ck_assert_uint_lt(image.TransferAddress, SAMPLE_BASE + SAMPLE_IMAGE_SIZE);
  ck_assert(image.ImageContainsCode);
  handle = section(guest_open("text.txt"), 0, PAGE_READONLY, SEC_COMMIT, STATUS_SUCCESS);
  ck_status(NtQuerySection(handle, 1, scratch + 0x100, 64, 0), STATUS_SECTION_NOT_IMAGE);
  ck_status(NtQuerySection(handle, 0, scratch + 0x100, 24, 0), STATUS_SUCCESS);
  ck_assert_uint_eq(get64(scratch + 0x110), 10);
  ck_assert_uint_ne(get32(scratch + 0x108) & SEC_FILE, 0);
}
END_TEST

START_TEST(views_are_mapped_named_compared_and_unmapped)
{
  static const char name[] = "\\Device\\HarddiskVolume1\\app\\sample.dll";
  HANDLE file = guest_open("sample.dll");
  HANDLE handle = section(file, 0, PAGE_EXECUTE_READ, SEC_IMAGE, STATUS_SUCCESS);
  ck_status(map(handle, 0, PAGE_EXECUTE_READ), STATUS_SUCCESS);
  ULONG64 image = get64(scratch);
  ck_assert_uint_eq(image, SAMPLE_BASE);
  ck_assert_uint_eq(get64(scratch + 16), SAMPLE_IMAGE_SIZE);
  ck_status(map(handle, 0, PAGE_EXECUTE_READ), STATUS_IMAGE_NOT_AT_BASE);
  handle = section(file, 0, PAGE_READONLY, SEC_COMMIT, STATUS_SUCCESS);
  ck_status(map(handle, 0, PAGE_READONLY), STATUS_SUCCESS);
  ULONG64 data = get64(scratch);
  ck_status(NtAreMappedFilesTheSame(image, data), STATUS_SUCCESS);
  ck_status(NtAreMappedFilesTheSame(image, scratch), STATUS_CONFLICTING_ADDRESSES);
  ck_status(NtAreMappedFilesTheSame(0x10000000000, data), STATUS_INVALID_ADDRESS);
  handle = section(guest_open("text.txt"), 0, PAGE_READONLY, SEC_COMMIT, STATUS_SUCCESS);
  ck_status(map(handle, 0, PAGE_READONLY), STATUS_SUCCESS);
  ck_status(NtAreMappedFilesTheSame(image, get64(scratch)), STATUS_NOT_SAME_DEVICE);
  ck_status(NtQueryVirtualMemory(NtCurrentProcess(), image + PAGE, 2, scratch + 0x100, 40, scratch + 0x90),
            STATUS_BUFFER_OVERFLOW);
  ULONG64 needed = get64(scratch + 0x90);
  ck_assert_uint_eq(needed, 16 + 2 * sizeof(name));
  ck_status(NtQueryVirtualMemory(NtCurrentProcess(), image + PAGE, 2, scratch + 0x100, needed, 0), STATUS_SUCCESS);
  ck_assert_uint_eq(get64(scratch + 0x108), scratch + 0x110);
  for (size_t i = 0; i < sizeof(name); i++)
    ck_assert_uint_eq(get32(scratch + 0x110 + 2 * i) & 0xFFFF, (UCHAR)name[i]);
  ck_status(NtQueryVirtualMemory(NtCurrentProcess(), scratch, 2, scratch + 0x100, needed, 0), STATUS_INVALID_ADDRESS);
  ck_status(NtUnmapViewOfSection(NtCurrentProcess(), image + 0x2345), STATUS_SUCCESS);
  ck_status(NtUnmapViewOfSection(NtCurrentProcess(), image), STATUS_NOT_MAPPED_VIEW);
  ck_status(NtUnmapViewOfSection(NtCurrentProcess(), 0xFFFF800000000000), STATUS_NOT_MAPPED_VIEW);
}
END_TEST

START_TEST(a_view_needs_the_sections_access)
{
  put64(scratch + 8, PAGE);
  ck_status(NtCreateSection(scratch, SECTION_MAP_READ, 0, scratch + 8, PAGE_READWRITE, SEC_COMMIT, 0), STATUS_SUCCESS);
  HANDLE handle = get64(scratch);
  ck_status(map(handle, 0, PAGE_READWRITE), STATUS_ACCESS_DENIED);
  ck_status(map(handle, 0, PAGE_EXECUTE_READ), STATUS_ACCESS_DENIED);
  ck_status(NtQuerySection(handle, 0, scratch + 0x100, 24, 0), STATUS_ACCESS_DENIED);
  ck_status(map(handle, 0, PAGE_READONLY), STATUS_SUCCESS);
  ck_status(NtMapViewOfSection(handle, NtCurrentProcess(), scratch, 0, 0, 0, scratch + 16, 3, 0, PAGE_READONLY),
            (NTSTATUS)0xC00000F6);
  ck_status(NtMapViewOfSection(handle, NtCurrentProcess(), scratch, 0, 0, 0, scratch + 16, 2, 0x10, PAGE_READONLY),
            (NTSTATUS)0xC00000F7);
}
END_TEST

START_TEST(a_named_section_is_shared)
{
  put64(scratch + 8, PAGE);
  ck_status(NtCreateSection(scratch, SECTION_ALL_ACCESS, attributes("\\BaseNamedObjects\\one"), scratch + 8,
                            PAGE_READWRITE, SEC_COMMIT, 0),
            STATUS_SUCCESS);
  ck_status(map(get64(scratch), 0, PAGE_READWRITE), STATUS_SUCCESS);
  ULONG64 first = get64(scratch);
  put64(first, 0x1234);
  ck_status(NtOpenSection(scratch, SECTION_MAP_READ, attributes("\\BaseNamedObjects\\ONE")), STATUS_SUCCESS);
  ck_status(map(get64(scratch), 0, PAGE_READONLY), STATUS_SUCCESS);
  ck_assert_uint_ne(get64(scratch), first);
  ck_assert_uint_eq(get64(get64(scratch)), 0x1234);
  ck_status(NtOpenSection(scratch, SECTION_MAP_READ, attributes("\\BaseNamedObjects\\two")),
            STATUS_OBJECT_NAME_NOT_FOUND);
}
END_TEST

START_TEST(code_page_files_are_mapped_by_number)
{
  ck_status(NtGetNlsSectionPtr(11, 99999, 0, scratch, scratch + 8), STATUS_OBJECT_NAME_NOT_FOUND);
  ck_status(NtGetNlsSectionPtr(12, 3, 0, scratch, scratch + 8), STATUS_OBJECT_NAME_NOT_FOUND);
  ck_status(NtGetNlsSectionPtr(8, 0, 0, scratch, scratch + 8), STATUS_INVALID_PARAMETER_1);
  ck_status(NtInitializeNlsFiles(scratch, scratch + 8, 0), STATUS_OBJECT_NAME_NOT_FOUND);
  ck_status(NtQueryDefaultLocale(0, scratch), STATUS_SUCCESS);
  ck_assert_uint_eq(get32(scratch), 0x409);
}
END_TEST

TCase *guest_section_tests(void)
{
  TCase *tcase = tcase_create("sections");
  tcase_add_checked_fixture(tcase, guest_setup, guest_teardown);
  tcase_add_test(tcase, attributes_of_a_section_are_one_kind);
  tcase_add_test(tcase, an_image_section_tells_its_headers);
  tcase_add_test(tcase, views_are_mapped_named_compared_and_unmapped);
  tcase_add_test(tcase, a_view_needs_the_sections_access);
  tcase_add_test(tcase, a_named_section_is_shared);
  tcase_add_test(tcase, code_page_files_are_mapped_by_number);
  return tcase;
}
