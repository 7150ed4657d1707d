/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#include "../loader/sample_pe.h"

#include <string.h>

static uint8_t file[SAMPLE_ROOM];

static NTSTATUS make(SECTION **section, uint64_t identity)
{
  struct mm_file_source source = {.path = "\\??\\C:\\a.dll", .identity = identity, .bytes = file, .size = SAMPLE_SIZE};
  return MmCreateSection(section, &source, 0, PAGE_EXECUTE, SEC_IMAGE);
}

static SECTION *image(uint64_t identity)
{
  SECTION *section;
  sample_build(file);
  ck_status(make(&section, identity), STATUS_SUCCESS);
  return section;
}

START_TEST(an_image_lies_at_its_base_with_its_sections_protections)
{
  SECTION *section = image(1);
  ULONG64 base = 0;
  ck_status(try_map(section, process, &base, 0, PAGE_EXECUTE_READ), STATUS_SUCCESS);
  ck_assert_uint_eq(base, SAMPLE_BASE);
  ck_region(base, MEM_COMMIT, PAGE_READONLY, PAGE);
  ck_region(base + SAMPLE_TEXT, MEM_COMMIT, PAGE_EXECUTE_READ, PAGE);
  ck_region(base + SAMPLE_DATA, MEM_COMMIT, PAGE_WRITECOPY, SAMPLE_RELOC - SAMPLE_DATA);
  ck_region(base + SAMPLE_RELOC, MEM_COMMIT, PAGE_READONLY, PAGE);
  MEMORY_BASIC_INFORMATION64 info = query(base + SAMPLE_TEXT);
  ck_assert_uint_eq(info.AllocationBase, base);
  ck_assert_uint_eq(info.AllocationProtect, PAGE_EXECUTE_WRITECOPY);
  ck_assert_uint_eq(info.Type, MEM_IMAGE);
  ck_assert_uint_eq(mm_section_headers(section)->image_base, SAMPLE_BASE);
  ck_assert_mem_eq(mm_section_image(section), "MZ", 2);
  size_t size;
  ck_assert_mem_eq(mm_section_file_bytes(section, &size), file, SAMPLE_SIZE);
  ck_assert_uint_eq(size, SAMPLE_SIZE);
  ULONG64 unmapped;
  ck_status(MmUnmapViewOfSection(process, base + 0x2345, &unmapped), STATUS_SUCCESS);
  ck_assert_uint_eq(unmapped, base);
  ObDereferenceObject(section);
}
END_TEST

START_TEST(an_image_whose_base_is_taken_goes_elsewhere)
{
  EPROCESS *other = new_process();
  SECTION *section = image(1);
  ULONG64 first = 0, second = 0, third = 0, there = SAMPLE_BASE;
  ck_status(try_map(section, process, &first, 0, PAGE_EXECUTE_READ), STATUS_SUCCESS);
  ck_status(try_map(section, process, &second, 0, PAGE_EXECUTE_READ), STATUS_IMAGE_NOT_AT_BASE);
  ck_assert_uint_ne(second, first);
  ck_status(try_map(section, process, &there, 0, PAGE_EXECUTE_READ), STATUS_CONFLICTING_ADDRESSES);
  /* Where it was put once it is put again: one base a machine. */
  ULONG64 taken = SAMPLE_BASE, size = PAGE;
  ck_status(MmAllocateVirtualMemory(other, &taken, 0, &size, MEM_RESERVE, PAGE_READWRITE), STATUS_SUCCESS);
  ck_status(try_map(section, other, &third, 0, PAGE_EXECUTE_READ), STATUS_IMAGE_NOT_AT_BASE);
  ck_assert_uint_eq(third, second);
  /* Not relocated: that is the loader's work. */
  ULONG64 pointer;
  ck_status(mm_user_read_u64(second + SAMPLE_POINTER, &pointer), STATUS_SUCCESS);
  ck_assert_uint_eq(pointer, SAMPLE_BASE + SAMPLE_TEXT);
  ObDereferenceObject(section);
  end_process(other);
}
END_TEST

START_TEST(writing_to_image_data_is_private_and_shows_as_readwrite)
{
  EPROCESS *other = new_process();
  SECTION *section = image(1);
  ULONG64 base = map(section, process, PAGE_EXECUTE_READ), at = base + SAMPLE_DATA;
  ck_assert_uint_eq(map(section, other, PAGE_EXECUTE_READ), base);
  ULONG before = *bytes_at(other, at);
  ULONG64 committed = mm_committed();
  ck_status(mm_user_write_u32(at, ~before), STATUS_SUCCESS);
  ck_assert_uint_eq(*bytes_at(other, at), (UCHAR)before);
  ck_region(at, MEM_COMMIT, PAGE_READWRITE, PAGE);
  ck_assert_uint_eq(mm_committed(), committed);
  ck_assert_uint_eq(query(at + PAGE).Protect, PAGE_WRITECOPY);
  ObDereferenceObject(section);
  end_process(other);
}
END_TEST

START_TEST(making_image_code_writable_makes_it_write_copy)
{
  SECTION *section = image(1);
  ULONG64 base = map(section, process, PAGE_EXECUTE_READ), at = base + SAMPLE_TEXT;
  ULONG old;
  ck_status(try_protect(at, PAGE, PAGE_EXECUTE_READWRITE, &old), STATUS_SUCCESS);
  ck_assert_uint_eq(old, PAGE_EXECUTE_READ);
  ck_assert_uint_eq(query(at).Protect, PAGE_EXECUTE_WRITECOPY);
  ck_assert_uint_eq(pte_of(process, at) & PTE_WRITE, 0);
  ck_status(MmAccessFault(process, at, MM_WRITE), STATUS_SUCCESS);
  ck_assert_uint_eq(query(at).Protect, PAGE_EXECUTE_READWRITE);
  ck_status(try_protect(at, PAGE, PAGE_EXECUTE_READ, &old), STATUS_SUCCESS);
  ck_assert_uint_eq(old, PAGE_EXECUTE_READWRITE);
  ck_status(try_protect(at, PAGE, PAGE_READWRITE, &old), STATUS_SUCCESS);
  ck_assert_uint_eq(query(at).Protect, PAGE_READWRITE);
  ObDereferenceObject(section);
}
END_TEST

START_TEST(a_debugger_writes_to_code_without_changing_its_protection)
{
  EPROCESS *other = new_process();
  SECTION *section = image(1);
  ULONG64 base = map(section, process, PAGE_EXECUTE_READ), at = base + SAMPLE_TEXT;
  map(section, other, PAGE_EXECUTE_READ);
  UCHAR before = *bytes_at(process, at), int3 = 0xCC;
  size_t done;
  ck_status(mm_process_write(process, at, &int3, 1, &done), STATUS_SUCCESS);
  ck_assert_uint_eq(done, 1);
  ck_assert_uint_eq(*bytes_at(process, at), 0xCC);
  ck_assert_uint_eq(*bytes_at(other, at), before);
  ck_assert_uint_eq(query(at).Protect, PAGE_EXECUTE_READ);
  ck_status(mm_process_write(process, base, &int3, 1, &done), STATUS_PARTIAL_COPY);
  ck_status(mm_user_write(at, &int3, 1), STATUS_ACCESS_VIOLATION);
  ObDereferenceObject(section);
  end_process(other);
}
END_TEST

START_TEST(one_file_is_one_image_while_its_bytes_stay)
{
  SECTION *a = image(5), *b = image(5), *c, *d = image(0);
  ck_assert_ptr_eq(a->control_area, b->control_area);
  ck_assert_ptr_ne(a->control_area, d->control_area);
  file[SAMPLE_TEXT_RAW] ^= 1;
  ck_status(make(&c, 5), STATUS_SUCCESS);
  ck_assert_ptr_ne(a->control_area, c->control_area);
  const void *kept = a->control_area;
  ObDereferenceObject(a);
  ObDereferenceObject(b);
  ObDereferenceObject(c);
  ObDereferenceObject(d);
  a = image(5);
  ck_assert_ptr_eq(a->control_area, kept);
  ObDereferenceObject(a);
}
END_TEST

START_TEST(what_is_no_image_makes_no_section)
{
  SECTION *section;
  sample_build(file);
  file[0] = 'X';
  ck_status(make(&section, 1), STATUS_INVALID_IMAGE_NOT_MZ);
  ck_assert_ptr_null(section);
  sample_build(file);
  sample_put(file + SAMPLE_PE + 4, 0x14C, 2);
  ck_assert(!NT_SUCCESS(make(&section, 1)));
}
END_TEST

START_TEST(an_image_survives_its_section_object_and_comes_back_clean)
{
  SECTION *section = image(1);
  ULONG64 base = map(section, process, PAGE_EXECUTE_READ);
  ObDereferenceObject(section);
  ck_status(mm_user_write_u32(base + SAMPLE_DATA + 0x1000, 0x77), STATUS_SUCCESS);
  ck_status(MmUnmapViewOfSection(process, base, NULL), STATUS_SUCCESS);
  section = image(1);
  ck_assert_uint_eq(map(section, process, PAGE_EXECUTE_READ), base);
  ULONG value;
  ck_status(mm_user_read_u32(base + SAMPLE_DATA + 0x1000, &value), STATUS_SUCCESS);
  ck_assert_uint_eq(value, 0);
  ObDereferenceObject(section);
}
END_TEST

TCase *image_tests(void)
{
  TCase *t = tcase_create("image");
  tcase_set_timeout(t, 60);
  tcase_add_checked_fixture(t, machine_setup, machine_teardown);
  tcase_add_test(t, an_image_lies_at_its_base_with_its_sections_protections);
  tcase_add_test(t, an_image_whose_base_is_taken_goes_elsewhere);
  tcase_add_test(t, writing_to_image_data_is_private_and_shows_as_readwrite);
  tcase_add_test(t, making_image_code_writable_makes_it_write_copy);
  tcase_add_test(t, a_debugger_writes_to_code_without_changing_its_protection);
  tcase_add_test(t, one_file_is_one_image_while_its_bytes_stay);
  tcase_add_test(t, what_is_no_image_makes_no_section);
  tcase_add_test(t, an_image_survives_its_section_object_and_comes_back_clean);
  return t;
}
