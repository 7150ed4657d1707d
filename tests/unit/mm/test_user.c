/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#include <string.h>

#define RC (MEM_RESERVE | MEM_COMMIT)

START_TEST(a_copy_checks_every_page_before_the_first_byte)
{
  ULONG64 base = allocate(0, 3 * PAGE, RC, PAGE_READWRITE);
  ck_status(try_protect(base + PAGE, PAGE, PAGE_READONLY, NULL), STATUS_SUCCESS);
  UCHAR ones[0x1800];
  memset(ones, 0xFF, sizeof ones);
  ck_status(mm_user_write(base + 0x800, ones, sizeof ones), STATUS_ACCESS_VIOLATION);
  ck_assert_uint_eq(bytes_at(process, base)[0x800], 0);
  ck_status(mm_user_read(ones, base + 0x800, sizeof ones), STATUS_SUCCESS);
  ck_assert_uint_eq(ones[0], 0);
  ck_status(mm_user_read(ones, base + 2 * PAGE, sizeof ones), STATUS_ACCESS_VIOLATION);
  ck_status(mm_user_write(base + 2 * PAGE, ones, PAGE), STATUS_SUCCESS);
}
END_TEST

START_TEST(hostile_addresses_are_violations)
{
  static const struct {
    ULONG64 address;
    size_t size;
  } bad[] = {{0, 1},           {0xFFFF, 1},     {MM_HIGHEST_USER_ADDRESS, 2}, {MM_HIGHEST_USER_ADDRESS + 1, 1},
             {~0ull, 1},       {~0ull, 2},      {0xFFFFF80000000000, 8},      {0x800000000000, 8},
             {0x10000, ~0ull}, {~0ull - 7, 16}, {EMU_PAGE_TABLES_BASE, 8},    {0x10000, 0x7FFFFFFE0000}};
  UCHAR buffer[16] = {0};
  allocate(0x10000, PAGE, RC, PAGE_READWRITE);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    ck_status(mm_user_read(buffer, bad[i].address, bad[i].size), STATUS_ACCESS_VIOLATION);
    ck_status(mm_user_write(bad[i].address, buffer, bad[i].size), STATUS_ACCESS_VIOLATION);
    ck_status(ProbeForWrite(bad[i].address, bad[i].size, 1), STATUS_ACCESS_VIOLATION);
  }
  ck_status(mm_user_read(buffer, ~0ull, 0), STATUS_SUCCESS);
  ck_status(mm_user_write(~0ull, buffer, 0), STATUS_SUCCESS);
}
END_TEST

START_TEST(probes_check_alignment_then_address)
{
  ULONG64 base = allocate(0, PAGE, RC, PAGE_READONLY);
  ck_status(ProbeForRead(base + 4, 8, 8), STATUS_DATATYPE_MISALIGNMENT);
  ck_status(ProbeForRead(base + 4, 0, 8), STATUS_SUCCESS);
  ck_status(ProbeForRead(~0ull, 8, 1), STATUS_ACCESS_VIOLATION);
  ck_status(ProbeForWrite(base + 2, 4, 4), STATUS_DATATYPE_MISALIGNMENT);
  ck_status(ProbeForWrite(base, 4, 4), STATUS_ACCESS_VIOLATION);
  /* A probe for reading does not look at what is there. */
  ck_status(ProbeForRead(0x60000000, 4, 4), STATUS_SUCCESS);
}
END_TEST

START_TEST(the_kernel_meets_guard_pages_and_grows_stacks)
{
  ULONG64 base = allocate(0, PAGE, RC, PAGE_READWRITE | PAGE_GUARD), value;
  ck_status(mm_user_read_u64(base, &value), STATUS_GUARD_PAGE_VIOLATION);
  ck_status(mm_user_read_u64(base, &value), STATUS_SUCCESS);
  make_stack(MB, PAGE);
  ULONG64 limit = thread->stack_limit;
  ck_status(mm_user_write_u64(limit - 8, 1), STATUS_SUCCESS);
  ck_assert_uint_eq(thread->stack_limit, limit - PAGE);
}
END_TEST

START_TEST(a_kernel_write_sets_the_dirty_bit)
{
  ULONG64 base = allocate(0, PAGE, RC, PAGE_READWRITE);
  ck_assert_uint_eq(pte_of(process, base) & PTE_DIRTY, 0);
  ck_status(mm_user_write_u32(base, 1), STATUS_SUCCESS);
  ck_assert_uint_eq(pte_of(process, base) & PTE_DIRTY, PTE_DIRTY);
}
END_TEST

START_TEST(process_copies_go_as_far_as_they_can)
{
  ULONG64 base = allocate(0, 4 * PAGE, MEM_RESERVE, PAGE_READWRITE);
  allocate(base, 2 * PAGE, MEM_COMMIT, PAGE_READWRITE);
  static UCHAR buffer[0x3000];
  size_t done;
  memset(buffer, 0x5A, sizeof buffer);
  ck_status(mm_process_write(process, base + 0x800, buffer, sizeof buffer, &done), STATUS_PARTIAL_COPY);
  ck_assert_uint_eq(done, 0x1800);
  ck_status(mm_process_read(process, base + 0x1FFF, buffer, 1, &done), STATUS_SUCCESS);
  ck_assert_uint_eq(buffer[0], 0x5A);
  ck_status(mm_process_read(process, ~0ull - 3, buffer, 16, &done), STATUS_PARTIAL_COPY);
  ck_assert_uint_eq(done, 0);
  ck_status(try_protect(base, PAGE, PAGE_READONLY, NULL), STATUS_SUCCESS);
  ck_status(mm_process_write(process, base, buffer, 1, &done), STATUS_PARTIAL_COPY);
  ck_status(try_protect(base, PAGE, PAGE_EXECUTE_READ, NULL), STATUS_SUCCESS);
  ck_status(mm_process_write(process, base, buffer, 1, &done), STATUS_SUCCESS);
  ck_assert_uint_eq(query(base).Protect, PAGE_EXECUTE_READ);
}
END_TEST

START_TEST(a_guard_page_outlives_the_look_of_another_process)
{
  ULONG64 base = allocate(0, PAGE, RC, PAGE_READWRITE | PAGE_GUARD);
  UCHAR byte;
  size_t done;
  ck_status(mm_process_read(process, base, &byte, 1, &done), STATUS_PARTIAL_COPY);
  ck_assert_uint_eq(query(base).Protect, PAGE_READWRITE | PAGE_GUARD);
}
END_TEST

START_TEST(a_native_process_reads_its_own_memory)
{
  ULONG64 value = 7, copy = 0;
  process->native = TRUE;
  ck_status(mm_user_read_u64((ULONG64)(uintptr_t)&value, &copy), STATUS_SUCCESS);
  ck_assert_uint_eq(copy, 7);
  ck_status(mm_user_write_u64((ULONG64)(uintptr_t)&value, 8), STATUS_SUCCESS);
  ck_assert_uint_eq(value, 8);
  ck_status(mm_user_read_u64(0, &copy), STATUS_ACCESS_VIOLATION);
  ck_status(mm_user_write_u64(0, 1), STATUS_ACCESS_VIOLATION);
  ck_status(ProbeForWrite(0, 4, 4), STATUS_ACCESS_VIOLATION);
  process->native = FALSE;
}
END_TEST

static ULONG64 put_string(const WCHAR *text, USHORT bytes)
{
  ULONG64 base = allocate(0, PAGE, RC, PAGE_READWRITE);
  UNICODE_STRING64 string = {.Length = bytes, .MaximumLength = bytes, .Buffer = base + 0x100};
  ck_status(mm_user_write(base, &string, sizeof string), STATUS_SUCCESS);
  ck_status(mm_user_write(base + 0x100, text, bytes), STATUS_SUCCESS);
  return base;
}

START_TEST(strings_are_captured_as_utf16_and_utf8)
{
  static const WCHAR text[] = {'A', 0xE9, 0x20AC, 0xD83D, 0xDE00, 0xD800, 'B'};
  WCHAR *wide;
  char *utf8;
  USHORT bytes;
  ULONG64 string = put_string(text, sizeof text);
  ck_status(mm_user_read_string(string, &wide, &bytes), STATUS_SUCCESS);
  ck_assert_uint_eq(bytes, sizeof text);
  ck_assert_mem_eq(wide, text, sizeof text);
  ck_assert_uint_eq(wide[7], 0);
  ExFreePool(wide);
  ck_status(mm_user_read_utf8(string, &utf8), STATUS_SUCCESS);
  ck_assert_str_eq(utf8, "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xEF\xBF\xBD"
                         "B");
  ExFreePool(utf8);
}
END_TEST

START_TEST(bad_strings_are_refused)
{
  static const WCHAR text[] = {'A', 0, 'B'};
  WCHAR *wide;
  char *utf8;
  struct pool_stats before, after;
  ULONG64 odd = put_string(text, 5), nul = put_string(text, 6), empty = put_string(text, 0);
  pool_query(machine_pool, &before);
  ck_status(mm_user_read_string(odd, &wide, NULL), STATUS_OBJECT_NAME_INVALID);
  ck_status(mm_user_read_utf8(nul, &utf8), STATUS_OBJECT_NAME_INVALID);
  ck_status(mm_user_read_string(0, &wide, NULL), STATUS_ACCESS_VIOLATION);
  ck_assert_ptr_null(wide);
  UNICODE_STRING64 wild = {.Length = 0xFFFE, .MaximumLength = 0xFFFE, .Buffer = ~0ull - 0x100};
  ck_status(mm_user_write(odd, &wild, sizeof wild), STATUS_SUCCESS);
  ck_status(mm_user_read_utf8(odd, &utf8), STATUS_ACCESS_VIOLATION);
  ck_status(mm_user_read_utf8(empty, &utf8), STATUS_SUCCESS);
  ck_assert_str_eq(utf8, "");
  ExFreePool(utf8);
  pool_query(machine_pool, &after);
  ck_assert_uint_eq(before.blocks_live, after.blocks_live);
}
END_TEST

START_TEST(processes_leave_nothing_behind)
{
  struct pool_stats before, after;
  end_process(new_process());
  pool_query(machine_pool, &before);
  for (int i = 0; i < 3; i++) {
    EPROCESS *p = new_process();
    ULONG64 base = 0, size = MB;
    ck_status(MmAllocateVirtualMemory(p, &base, 0, &size, RC, PAGE_READWRITE), STATUS_SUCCESS);
    SECTION *section = page_file_section(MB, PAGE_READWRITE, SEC_COMMIT);
    map(section, p, PAGE_WRITECOPY);
    ObDereferenceObject(section);
    end_process(p);
  }
  pool_query(machine_pool, &after);
  ck_assert_uint_eq(before.blocks_live, after.blocks_live);
  ck_assert_uint_eq(mm_committed(), 0);
}
END_TEST

TCase *user_tests(void)
{
  TCase *t = tcase_create("user memory");
  tcase_set_timeout(t, 60);
  tcase_add_checked_fixture(t, machine_setup, machine_teardown);
  tcase_add_test(t, a_copy_checks_every_page_before_the_first_byte);
  tcase_add_test(t, hostile_addresses_are_violations);
  tcase_add_test(t, probes_check_alignment_then_address);
  tcase_add_test(t, the_kernel_meets_guard_pages_and_grows_stacks);
  tcase_add_test(t, a_kernel_write_sets_the_dirty_bit);
  tcase_add_test(t, process_copies_go_as_far_as_they_can);
  tcase_add_test(t, a_guard_page_outlives_the_look_of_another_process);
  tcase_add_test(t, a_native_process_reads_its_own_memory);
  tcase_add_test(t, strings_are_captured_as_utf16_and_utf8);
  tcase_add_test(t, bad_strings_are_refused);
  tcase_add_test(t, processes_leave_nothing_behind);
  return t;
}
