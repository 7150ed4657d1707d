/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest.h"

#include "ntos/svc/svc_file.h"
#include "ntos/svc/svc_memory.h"
#include "ntos/svc/svc_system.h"

#include <string.h>

static NTSTATUS allocate(HANDLE process, ULONG64 base, ULONG64 size, ULONG type, ULONG protect)
{
  put64(scratch, base);
  put64(scratch + 8, size);
  return NtAllocateVirtualMemory(process, scratch, 0, scratch + 8, type, protect);
}

START_TEST(memory_is_allocated_protected_queried_and_freed)
{
  MEMORY_BASIC_INFORMATION64 information;
  ck_status(allocate(NtCurrentProcess(), 0, 0x1234, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
  ULONG64 base = get64(scratch);
  ck_assert_uint_eq(base % 0x10000, 0);
  ck_assert_uint_eq(get64(scratch + 8), 0x2000);
  put64(scratch, base);
  put64(scratch + 8, 1);
  ck_status(NtProtectVirtualMemory(NtCurrentProcess(), scratch, scratch + 8, PAGE_READONLY, scratch + 16),
            STATUS_SUCCESS);
  ck_assert_uint_eq(get32(scratch + 16), PAGE_READWRITE);
  ck_assert_uint_eq(get64(scratch + 8), PAGE);
  ck_status(NtQueryVirtualMemory(NtCurrentProcess(), base + 0x10, 0, scratch + 0x100, 0x30, scratch + 24),
            STATUS_SUCCESS);
  get(scratch + 0x100, &information, sizeof(information));
  ck_assert_uint_eq(get64(scratch + 24), 0x30);
  ck_assert_uint_eq(information.BaseAddress, base);
  ck_assert_uint_eq(information.RegionSize, PAGE);
  ck_assert_uint_eq(information.Protect, PAGE_READONLY);
  ck_assert_uint_eq(information.AllocationProtect, PAGE_READWRITE);
  ck_status(NtQueryVirtualMemory(NtCurrentProcess(), base, 3, scratch + 0x100, 0x20, 0), STATUS_SUCCESS);
  ck_assert_uint_eq(get64(scratch + 0x100), base);
  ck_assert_uint_eq(get64(scratch + 0x110), 0x2000);
  ck_assert_uint_eq(get64(scratch + 0x118), 0x2000);
  put64(scratch, base);
  put64(scratch + 8, 0);
  ck_status(NtFreeVirtualMemory(NtCurrentProcess(), scratch, scratch + 8, MEM_RELEASE), STATUS_SUCCESS);
  ck_status(NtFreeVirtualMemory(NtCurrentProcess(), scratch, scratch + 8, MEM_RELEASE), STATUS_MEMORY_NOT_ALLOCATED);
}
END_TEST

START_TEST(another_processs_memory_needs_access)
{
  HANDLE weak;
  ck_status(ObOpenObjectByPointer(other, 0, PROCESS_QUERY_INFORMATION, ob_types()->Process, &weak), STATUS_SUCCESS);
  ck_status(allocate(weak, 0, PAGE, MEM_COMMIT, PAGE_READWRITE), STATUS_ACCESS_DENIED);
  ck_status(NtReadVirtualMemory(weak, 0x10000, scratch, 8, 0), STATUS_ACCESS_DENIED);
  ck_status(NtWriteVirtualMemory(weak, 0x10000, scratch, 8, 0), STATUS_ACCESS_DENIED);
  ck_status(NtQueryVirtualMemory(weak, 0x10000, 0, scratch + 0x100, 0x30, 0), STATUS_SUCCESS);
  ck_status(allocate(other_handle, 0, PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
}
END_TEST

START_TEST(copies_stop_at_the_first_bad_page_and_tell_how_far_they_came)
{
  ck_status(allocate(other_handle, 0, 0x30000, MEM_RESERVE, PAGE_READWRITE), STATUS_SUCCESS);
  ULONG64 base = get64(scratch);
  ck_status(allocate(other_handle, base, 2 * PAGE, MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
  put64(scratch + 0x1000, 0x1122334455667788);
  ck_status(NtWriteVirtualMemory(other_handle, base + 2 * PAGE - 8, scratch + 0x1000, 8, scratch + 16),
            STATUS_SUCCESS);
  ck_assert_uint_eq(get64(scratch + 16), 8);
  ck_status(NtReadVirtualMemory(other_handle, base + PAGE, scratch + 0x2000, 2 * PAGE, scratch + 16),
            STATUS_PARTIAL_COPY);
  ck_assert_uint_eq(get64(scratch + 16), PAGE);
  ck_assert_uint_eq(get64(scratch + 0x2000 + PAGE - 8), 0x1122334455667788);
  ck_status(NtReadVirtualMemory(other_handle, base + 4 * PAGE, scratch + 0x2000, 8, scratch + 16),
            STATUS_PARTIAL_COPY);
  ck_assert_uint_eq(get64(scratch + 16), 0);
  ck_status(NtReadVirtualMemory(other_handle, MM_HIGHEST_USER_ADDRESS, scratch, 8, 0), STATUS_ACCESS_VIOLATION);
  ck_status(NtReadVirtualMemory(other_handle, ~7ull, scratch, 8, 0), STATUS_ACCESS_VIOLATION);
  ck_status(NtReadVirtualMemory(0x5554, base, scratch, 0, scratch + 16), STATUS_SUCCESS);
  ck_assert_uint_eq(get64(scratch + 16), 0);
}
END_TEST

START_TEST(a_buffer_that_ends_in_unmapped_memory_is_refused_before_a_byte_moves)
{
  HANDLE file = guest_open("text.txt");
  ULONG64 end = scratch + 0x10000;
  put64(end - 8, 0);
  ck_status(NtReadFile(file, 0, 0, 0, scratch, end - 8, 10, 0, 0), STATUS_ACCESS_VIOLATION);
  ck_assert_uint_eq(get64(end - 8), 0);
  ck_status(NtReadFile(file, 0, 0, 0, scratch, end - 8, 0xFFFFFFFF, 0, 0), STATUS_ACCESS_VIOLATION);
  ck_status(NtReadFile(file, 0, 0, 0, end, end - 8, 8, 0, 0), STATUS_ACCESS_VIOLATION);
  ck_status(NtReadFile(file, 0, 0, 0, scratch, end - 8, 8, 0, 0), STATUS_SUCCESS);
  char text[8];
  get(end - 8, text, 8);
  ck_assert_mem_eq(text, "01234567", 8);
}
END_TEST

START_TEST(ranges_are_locked_only_where_memory_is)
{
  put64(scratch + 32, scratch + 5);
  put64(scratch + 40, PAGE);
  ck_status(NtLockVirtualMemory(NtCurrentProcess(), scratch + 32, scratch + 40, 1), STATUS_SUCCESS);
  ck_assert_uint_eq(get64(scratch + 32), scratch);
  ck_assert_uint_eq(get64(scratch + 40), 2 * PAGE);
  put64(scratch + 40, 0x20000);
  ck_status(NtLockVirtualMemory(NtCurrentProcess(), scratch + 32, scratch + 40, 1), STATUS_ACCESS_VIOLATION);
  ck_status(NtLockVirtualMemory(NtCurrentProcess(), scratch + 32, scratch + 40, 0), STATUS_INVALID_PARAMETER);
}
END_TEST

START_TEST(all_processes_are_listed_with_their_threads)
{
  ck_status(NtQuerySystemInformation(5, scratch + 0x1000, 0x10, scratch), STATUS_INFO_LENGTH_MISMATCH);
  ULONG needed = get32(scratch);
  ck_status(NtQuerySystemInformation(5, scratch + 0x1000, needed, scratch), STATUS_SUCCESS);
  ULONG64 system = scratch + 0x1000, first = system + get32(system), second = first + get32(first);
  ck_assert_uint_eq(get64(system + 0x50), 4);
  ck_assert_uint_eq(get64(first + 0x50), guest->UniqueProcessId);
  ck_assert_uint_eq(get32(first + 4), 1); /* NumberOfThreads */
  ck_assert_uint_eq(get64(first + 0x100 + 0x28), guest->UniqueProcessId);
  ck_assert_uint_eq(get32(first + 0x38) & 0xFFFF, 2 * strlen("guest.exe"));
  ck_assert_uint_eq(get32(get64(first + 0x40)), 'g' | 'u' << 16);
  ck_assert_uint_eq(get64(second + 0x58), guest->UniqueProcessId); /* InheritedFromUniqueProcessId */
  ck_assert_uint_eq(get32(second), 0);
}
END_TEST

TCase *guest_memory_tests(void)
{
  TCase *tcase = tcase_create("memory");
  tcase_add_checked_fixture(tcase, guest_setup, guest_teardown);
  tcase_add_test(tcase, memory_is_allocated_protected_queried_and_freed);
  tcase_add_test(tcase, another_processs_memory_needs_access);
  tcase_add_test(tcase, copies_stop_at_the_first_bad_page_and_tell_how_far_they_came);
  tcase_add_test(tcase, a_buffer_that_ends_in_unmapped_memory_is_refused_before_a_byte_moves);
  tcase_add_test(tcase, all_processes_are_listed_with_their_threads);
  tcase_add_test(tcase, ranges_are_locked_only_where_memory_is);
  return tcase;
}
