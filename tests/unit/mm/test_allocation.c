/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#define RC (MEM_RESERVE | MEM_COMMIT)

START_TEST(a_reservation_starts_at_64_kb_and_ends_at_a_page)
{
  ULONG64 base = 0x20012345, size = 0x1000;
  ck_status(MmAllocateVirtualMemory(process, &base, 0, &size, MEM_RESERVE, PAGE_READWRITE), STATUS_SUCCESS);
  ck_assert_uint_eq(base, 0x20010000);
  ck_assert_uint_eq(size, 0x4000);
  MEMORY_BASIC_INFORMATION64 info = query(0x20012FFF);
  ck_assert_uint_eq(info.BaseAddress, 0x20012000);
  ck_assert_uint_eq(info.AllocationBase, 0x20010000);
  ck_assert_uint_eq(info.AllocationProtect, PAGE_READWRITE);
  ck_assert_uint_eq(info.RegionSize, 0x2000);
  ck_assert_uint_eq(info.State, MEM_RESERVE);
  ck_assert_uint_eq(info.Protect, 0);
  ck_assert_uint_eq(info.Type, MEM_PRIVATE);
}
END_TEST

START_TEST(a_commit_without_a_base_reserves_too)
{
  ULONG64 base = allocate(0, 1, MEM_COMMIT, PAGE_EXECUTE_READ);
  ck_assert_uint_eq(base % 0x10000, 0);
  ck_region(base, MEM_COMMIT, PAGE_EXECUTE_READ, PAGE);
}
END_TEST

START_TEST(free_memory_is_noaccess_and_reaches_to_the_next_allocation)
{
  allocate(0x30000000, PAGE, MEM_RESERVE, PAGE_READWRITE);
  MEMORY_BASIC_INFORMATION64 info = query(0x2FFF0123);
  ck_assert_uint_eq(info.BaseAddress, 0x2FFF0000);
  ck_assert_uint_eq(info.AllocationBase, 0);
  ck_assert_uint_eq(info.State, MEM_FREE);
  ck_assert_uint_eq(info.Protect, PAGE_NOACCESS);
  ck_assert_uint_eq(info.RegionSize, 0x10000);
  ck_assert_uint_eq(info.Type, 0);
  info = query(MM_HIGHEST_USER_ADDRESS);
  ck_assert_uint_eq(info.RegionSize, PAGE);
  ck_status(MmQueryVirtualMemory(process, MM_HIGHEST_USER_ADDRESS + 1, &info), STATUS_INVALID_PARAMETER);
}
END_TEST

START_TEST(arguments_are_refused_in_the_order_of_windows)
{
  ULONG64 base = 0, size = 0;
  ck_status(MmAllocateVirtualMemory(process, &base, 22, &size, 0, 0), STATUS_INVALID_PARAMETER_3);
  ck_status(try_allocate(0, 0, 0, 0), STATUS_INVALID_PARAMETER_5);
  ck_status(try_allocate(0, PAGE, MEM_TOP_DOWN, PAGE_READWRITE), STATUS_INVALID_PARAMETER_5);
  ck_status(try_allocate(0, PAGE, MEM_RESET | MEM_COMMIT, PAGE_READWRITE), STATUS_INVALID_PARAMETER_5);
  ck_status(try_allocate(0, PAGE, MEM_RELEASE | MEM_COMMIT, PAGE_READWRITE), STATUS_INVALID_PARAMETER_5);
  ck_status(try_allocate(0, 0, RC, 0), STATUS_INVALID_PAGE_PROTECTION);
  ck_status(try_allocate(0, 0, RC, PAGE_READWRITE), STATUS_INVALID_PARAMETER_4);
  ck_status(try_allocate(0x7FFFFFFF0000, PAGE, RC, PAGE_READWRITE), STATUS_INVALID_PARAMETER_2);
  ck_status(try_allocate(0x10000, ~0ull, RC, PAGE_READWRITE), STATUS_INVALID_PARAMETER_4);
  ck_status(try_allocate(0x10000, 0x7FFFFFFF0000, RC, PAGE_READWRITE), STATUS_INVALID_PARAMETER_4);
  ck_status(try_allocate(1, PAGE, RC, PAGE_READWRITE), STATUS_INVALID_PARAMETER_2);
}
END_TEST

START_TEST(protections_that_mean_nothing_are_refused)
{
  static const ULONG bad[] = {0,
                              PAGE_READONLY | PAGE_READWRITE,
                              PAGE_READWRITE | PAGE_EXECUTE_READ,
                              PAGE_NOACCESS | PAGE_GUARD,
                              PAGE_NOACCESS | PAGE_NOCACHE,
                              PAGE_READWRITE | PAGE_GUARD | PAGE_NOCACHE,
                              PAGE_READWRITE | 0x800,
                              PAGE_GUARD,
                              PAGE_WRITECOPY,
                              PAGE_EXECUTE_WRITECOPY};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    ck_status(try_allocate(0, PAGE, RC, bad[i]), STATUS_INVALID_PAGE_PROTECTION);
}
END_TEST

START_TEST(what_is_taken_or_no_memory_conflicts)
{
  ULONG64 base = allocate(0, 0x20000, MEM_RESERVE, PAGE_READWRITE);
  ck_status(try_allocate(base, PAGE, MEM_RESERVE, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
  ck_status(try_allocate(base + 0x10000, 0x20000, RC, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
  ck_status(try_allocate(base + 0x1F000, 0x2000, MEM_COMMIT, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
  ck_status(try_allocate(0x50000000, PAGE, MEM_COMMIT, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
  ck_status(try_allocate(EMU_PAGE_TABLES_BASE, PAGE, RC, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
  ck_status(try_allocate(0x100000000000, PAGE, RC, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
  ck_status(try_allocate(MM_SHARED_USER_DATA_VA, PAGE, RC, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
  ck_status(try_allocate(0, 16ull << 30, MEM_RESERVE, PAGE_READWRITE), STATUS_NO_MEMORY);
}
END_TEST

START_TEST(room_is_found_low_or_from_the_top)
{
  ULONG64 first = allocate(0, PAGE, MEM_RESERVE, PAGE_READWRITE);
  ck_assert_uint_eq(first, 0x10000);
  ck_assert_uint_eq(allocate(0, 0x11000, MEM_RESERVE, PAGE_READWRITE), 0x20000);
  ck_assert_uint_eq(allocate(0, PAGE, MEM_RESERVE, PAGE_READWRITE), 0x40000);
  ck_status(try_free(first, 0, MEM_RELEASE), STATUS_SUCCESS);
  ck_assert_uint_eq(allocate(0, PAGE, MEM_RESERVE, PAGE_READWRITE), 0x10000);
  ck_assert_uint_eq(allocate(0, PAGE, MEM_RESERVE | MEM_TOP_DOWN, PAGE_READWRITE), 0x7FFFFFFE0000);
  ck_assert_uint_eq(allocate(0, 0x11000, MEM_RESERVE | MEM_TOP_DOWN, PAGE_READWRITE), 0x7FFFFFFC0000);
}
END_TEST

START_TEST(zero_bits_bound_the_address)
{
  ULONG64 base = 0, size = PAGE;
  ck_status(MmAllocateVirtualMemory(process, &base, 1, &size, RC | MEM_TOP_DOWN, PAGE_READWRITE), STATUS_SUCCESS);
  ck_assert_uint_eq(base, 0x7FFF0000);
  base = 0;
  ck_status(MmAllocateVirtualMemory(process, &base, 0xFFFFF, &size, RC | MEM_TOP_DOWN, PAGE_READWRITE), STATUS_SUCCESS);
  ck_assert_uint_eq(base, 0xF0000);
}
END_TEST

START_TEST(shared_user_data_is_one_read_only_page_of_all_processes)
{
  mm_shared_user_data()[0x26C] = 10;
  ULONG value;
  ck_status(mm_user_read_u32(MM_SHARED_USER_DATA_VA + 0x26C, &value), STATUS_SUCCESS);
  ck_assert_uint_eq(value, 10);
  ck_status(mm_user_write_u32(MM_SHARED_USER_DATA_VA + 0x26C, 11), STATUS_ACCESS_VIOLATION);
  EPROCESS *other = new_process();
  ck_assert_uint_eq(bytes_at(other, MM_SHARED_USER_DATA_VA)[0x26C], 10);
  end_process(other);
  ck_region(MM_SHARED_USER_DATA_VA, MEM_COMMIT, PAGE_READONLY, PAGE);
  ck_assert_uint_eq(query(MM_SHARED_USER_DATA_VA).Type, MEM_PRIVATE);
  ck_status(try_protect(MM_SHARED_USER_DATA_VA, PAGE, PAGE_READWRITE, NULL), STATUS_INVALID_PAGE_PROTECTION);
  ck_status(try_free(MM_SHARED_USER_DATA_VA, 0, MEM_RELEASE), STATUS_INVALID_PAGE_PROTECTION);
  ck_status(MmUnmapViewOfSection(process, MM_SHARED_USER_DATA_VA, NULL), STATUS_NOT_MAPPED_VIEW);
}
END_TEST

START_TEST(committing_again_changes_the_protection_and_keeps_the_bytes)
{
  ULONG64 base = allocate(0, 4 * PAGE, MEM_RESERVE, PAGE_NOACCESS);
  allocate(base + PAGE, PAGE, MEM_COMMIT, PAGE_READWRITE);
  ck_status(mm_user_write_u32(base + PAGE, 0x1234), STATUS_SUCCESS);
  allocate(base, 3 * PAGE, MEM_COMMIT, PAGE_READONLY);
  ck_region(base, MEM_COMMIT, PAGE_READONLY, 3 * PAGE);
  ULONG value;
  ck_status(mm_user_read_u32(base + PAGE, &value), STATUS_SUCCESS);
  ck_assert_uint_eq(value, 0x1234);
  ck_assert_uint_eq(mm_committed(), 3 * PAGE);
}
END_TEST

START_TEST(regions_of_one_allocation_differ_by_state_and_protection)
{
  ULONG64 base = allocate(0, 8 * PAGE, MEM_RESERVE, PAGE_READWRITE);
  allocate(base + 2 * PAGE, 4 * PAGE, MEM_COMMIT, PAGE_READWRITE);
  ck_status(try_protect(base + 3 * PAGE, PAGE, PAGE_READWRITE | PAGE_GUARD, NULL), STATUS_SUCCESS);
  ck_region(base, MEM_RESERVE, 0, 2 * PAGE);
  ck_region(base + 2 * PAGE, MEM_COMMIT, PAGE_READWRITE, PAGE);
  ck_region(base + 3 * PAGE, MEM_COMMIT, PAGE_READWRITE | PAGE_GUARD, PAGE);
  ck_region(base + 4 * PAGE, MEM_COMMIT, PAGE_READWRITE, 2 * PAGE);
  ck_region(base + 6 * PAGE, MEM_RESERVE, 0, 2 * PAGE);
}
END_TEST

START_TEST(decommitted_pages_come_back_as_zeros)
{
  ULONG64 base = allocate(0, 4 * PAGE, RC, PAGE_READWRITE), value;
  ck_status(mm_user_write_u64(base + PAGE, ~0ull), STATUS_SUCCESS);
  ck_status(try_free(base + PAGE, PAGE, MEM_DECOMMIT), STATUS_SUCCESS);
  ck_region(base + PAGE, MEM_RESERVE, 0, PAGE);
  ck_status(mm_user_read_u64(base + PAGE, &value), STATUS_ACCESS_VIOLATION);
  ck_status(try_protect(base, 2 * PAGE, PAGE_READONLY, NULL), STATUS_NOT_COMMITTED);
  allocate(base + PAGE, PAGE, MEM_COMMIT, PAGE_READWRITE);
  ck_status(mm_user_read_u64(base + PAGE, &value), STATUS_SUCCESS);
  ck_assert_uint_eq(value, 0);
  ck_status(try_free(base, 0, MEM_DECOMMIT), STATUS_SUCCESS);
  ck_assert_uint_eq(mm_committed(), 0);
  ck_region(base, MEM_RESERVE, 0, 4 * PAGE);
}
END_TEST

START_TEST(freeing_is_refused_in_the_order_of_windows)
{
  ULONG64 base = allocate(0x40000000, 4 * PAGE, RC, PAGE_READWRITE);
  ck_status(try_free(base, 0, MEM_RELEASE | MEM_DECOMMIT), STATUS_INVALID_PARAMETER_4);
  ck_status(try_free(base, 0, 0), STATUS_INVALID_PARAMETER_4);
  ck_status(try_free(~0ull, 0, MEM_RELEASE), STATUS_INVALID_PARAMETER_2);
  ck_status(try_free(base, ~0ull, MEM_RELEASE), STATUS_INVALID_PARAMETER_3);
  ck_status(try_free(0x41000000, 0, MEM_RELEASE), STATUS_MEMORY_NOT_ALLOCATED);
  ck_status(try_free(base + PAGE, 0, MEM_RELEASE), STATUS_FREE_VM_NOT_AT_BASE);
  ck_status(try_free(base + PAGE, 0, MEM_DECOMMIT), STATUS_FREE_VM_NOT_AT_BASE);
  ck_status(try_free(base, 5 * PAGE, MEM_RELEASE), STATUS_UNABLE_TO_FREE_VM);
  ck_status(try_free(base + 123, 0, MEM_RELEASE), STATUS_SUCCESS);
  ck_status(try_free(base, 0, MEM_RELEASE), STATUS_MEMORY_NOT_ALLOCATED);
}
END_TEST

START_TEST(releasing_the_middle_leaves_two_allocations)
{
  ULONG64 base = allocate(0, 16 * PAGE, RC, PAGE_READWRITE), committed, peak, size;
  ck_status(try_free(base + 4 * PAGE, 8 * PAGE, MEM_RELEASE), STATUS_SUCCESS);
  ck_region(base, MEM_COMMIT, PAGE_READWRITE, 4 * PAGE);
  ck_assert_uint_eq(query(base + 4 * PAGE).State, MEM_FREE);
  ck_assert_uint_eq(query(base + 13 * PAGE).AllocationBase, base + 12 * PAGE);
  mm_process_sizes(process, &committed, &peak, &size);
  ck_assert_uint_eq(committed, 8 * PAGE);
  ck_assert_uint_eq(peak, 16 * PAGE);
  ck_assert_uint_eq(size, 8 * PAGE);
  ck_status(try_free(base + 12 * PAGE, PAGE, MEM_RELEASE), STATUS_SUCCESS);
  ck_status(try_free(base + 3 * PAGE, PAGE, MEM_RELEASE), STATUS_SUCCESS);
  ck_status(try_free(base + 13 * PAGE, 0, MEM_RELEASE), STATUS_SUCCESS);
  ck_status(try_free(base, 0, MEM_RELEASE), STATUS_SUCCESS);
  mm_process_sizes(process, &committed, &peak, &size);
  ck_assert_uint_eq(committed, 0);
  ck_assert_uint_eq(size, 0);
}
END_TEST

START_TEST(commitment_has_a_limit_and_is_given_back)
{
  ck_status(try_allocate(0, LIMIT + PAGE, RC, PAGE_READWRITE), STATUS_COMMITMENT_LIMIT);
  ULONG64 base = allocate(0, LIMIT - PAGE, RC, PAGE_READWRITE);
  ck_status(try_allocate(0, 2 * PAGE, RC, PAGE_READWRITE), STATUS_COMMITMENT_LIMIT);
  /* A refused allocation leaves no reservation. */
  ck_assert_uint_eq(allocate(0, PAGE, RC, PAGE_READWRITE), base + ((LIMIT - PAGE + 0xFFFF) & ~0xFFFFull));
  ck_status(try_free(base, 0, MEM_RELEASE), STATUS_SUCCESS);
  ck_assert_uint_eq(mm_committed(), PAGE);
  allocate(0, LIMIT - PAGE, RC, PAGE_READWRITE);
}
END_TEST

START_TEST(every_committed_page_has_a_frame_number_of_its_own)
{
  ULONG64 base = allocate(0, 3 * PAGE, RC, PAGE_READWRITE);
  ULONG64 a = pte_of(process, base) & PTE_PFN_MASK, b = pte_of(process, base + PAGE) & PTE_PFN_MASK;
  ck_assert_uint_ne(a, b);
  ck_assert_uint_ne(a, 0);
}
END_TEST

START_TEST(memory_of_a_native_process_is_denied)
{
  process->native = TRUE;
  size_t done;
  ck_status(try_allocate(0, PAGE, RC, PAGE_READWRITE), STATUS_ACCESS_DENIED);
  ck_status(try_free(0x10000, 0, MEM_RELEASE), STATUS_ACCESS_DENIED);
  ck_status(mm_process_read(process, 0x10000, &done, 1, &done), STATUS_ACCESS_DENIED);
  process->native = FALSE;
}
END_TEST

TCase *allocation_tests(void)
{
  TCase *t = tcase_create("allocation");
  tcase_set_timeout(t, 60);
  tcase_add_checked_fixture(t, machine_setup, machine_teardown);
  tcase_add_test(t, a_reservation_starts_at_64_kb_and_ends_at_a_page);
  tcase_add_test(t, a_commit_without_a_base_reserves_too);
  tcase_add_test(t, free_memory_is_noaccess_and_reaches_to_the_next_allocation);
  tcase_add_test(t, arguments_are_refused_in_the_order_of_windows);
  tcase_add_test(t, protections_that_mean_nothing_are_refused);
  tcase_add_test(t, what_is_taken_or_no_memory_conflicts);
  tcase_add_test(t, room_is_found_low_or_from_the_top);
  tcase_add_test(t, zero_bits_bound_the_address);
  tcase_add_test(t, shared_user_data_is_one_read_only_page_of_all_processes);
  tcase_add_test(t, committing_again_changes_the_protection_and_keeps_the_bytes);
  tcase_add_test(t, regions_of_one_allocation_differ_by_state_and_protection);
  tcase_add_test(t, decommitted_pages_come_back_as_zeros);
  tcase_add_test(t, freeing_is_refused_in_the_order_of_windows);
  tcase_add_test(t, releasing_the_middle_leaves_two_allocations);
  tcase_add_test(t, commitment_has_a_limit_and_is_given_back);
  tcase_add_test(t, every_committed_page_has_a_frame_number_of_its_own);
  tcase_add_test(t, memory_of_a_native_process_is_denied);
  return t;
}
