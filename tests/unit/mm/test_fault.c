/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#define RC (MEM_RESERVE | MEM_COMMIT)

static NTSTATUS fault(ULONG64 va, enum mm_access access) { return MmAccessFault(process, va, access); }

static ULONG64 teb_limit(void)
{
  ULONG64 limit;
  ck_status(mm_user_read_u64(thread->Tcb.Teb + 0x10, &limit), STATUS_SUCCESS);
  return limit;
}

START_TEST(an_access_that_the_protection_forbids_is_a_violation)
{
  ULONG64 base = allocate(0, 4 * PAGE, RC, PAGE_READONLY);
  ck_status(fault(base, MM_WRITE), STATUS_ACCESS_VIOLATION);
  ck_status(fault(base, MM_EXECUTE), STATUS_ACCESS_VIOLATION);
  ck_status(fault(base, MM_READ), STATUS_SUCCESS);
  ck_status(try_protect(base, PAGE, PAGE_NOACCESS, NULL), STATUS_SUCCESS);
  ck_status(fault(base, MM_READ), STATUS_ACCESS_VIOLATION);
  ck_status(fault(0, MM_READ), STATUS_ACCESS_VIOLATION);
  ck_status(fault(0x7FFFFFFF0000, MM_READ), STATUS_ACCESS_VIOLATION);
  ck_status(fault(0xFFFFF80000000000, MM_READ), STATUS_ACCESS_VIOLATION);
  ck_status(fault(EMU_PAGE_TABLES_BASE, MM_WRITE), STATUS_ACCESS_VIOLATION);
}
END_TEST

START_TEST(a_guard_page_raises_once)
{
  ULONG64 base = allocate(0, PAGE, RC, PAGE_READWRITE | PAGE_GUARD);
  ck_status(fault(base + 8, MM_READ), STATUS_GUARD_PAGE_VIOLATION);
  ck_assert_uint_eq(query(base).Protect, PAGE_READWRITE);
  ck_assert_uint_eq(query(base).AllocationProtect, PAGE_READWRITE | PAGE_GUARD);
  ck_status(fault(base + 8, MM_READ), STATUS_SUCCESS);
}
END_TEST

START_TEST(a_guard_page_comes_before_the_protection)
{
  ULONG64 base = allocate(0, PAGE, RC, PAGE_READONLY | PAGE_GUARD);
  ck_status(fault(base, MM_WRITE), STATUS_GUARD_PAGE_VIOLATION);
  ck_status(fault(base, MM_WRITE), STATUS_ACCESS_VIOLATION);
}
END_TEST

START_TEST(a_new_stack_is_a_reservation_a_guard_page_and_what_is_committed)
{
  make_stack(MB, 2 * PAGE);
  ck_assert_uint_eq(thread->stack_base - thread->stack_allocation, MB);
  ck_assert_uint_eq(thread->stack_limit, thread->stack_base - 2 * PAGE);
  ck_region(thread->stack_allocation, MEM_RESERVE, 0, MB - 3 * PAGE);
  ck_region(thread->stack_limit - PAGE, MEM_COMMIT, PAGE_READWRITE | PAGE_GUARD, PAGE);
  ck_region(thread->stack_limit, MEM_COMMIT, PAGE_READWRITE, 2 * PAGE);
  ck_assert_uint_eq(query(thread->stack_limit).AllocationProtect, PAGE_READWRITE);
}
END_TEST

START_TEST(a_stack_without_sizes_is_a_megabyte_and_one_that_commits_all_grows)
{
  make_stack(0, 0);
  ck_assert_uint_eq(thread->stack_base - thread->stack_allocation, MB);
  ck_assert_uint_eq(thread->stack_base - thread->stack_limit, PAGE);
  make_stack(64 * KB, 64 * KB);
  ck_assert_uint_eq(thread->stack_base - thread->stack_allocation, MB);
  ULONG64 a, b, c;
  ck_status(MmCreateUserStack(process, ~0ull, 0, &a, &b, &c), STATUS_NO_MEMORY);
  ck_status(MmCreateUserStack(process, MB, ~0ull, &a, &b, &c), STATUS_NO_MEMORY);
  ULONG64 before = mm_committed();
  ck_status(MmCreateUserStack(process, 2 * LIMIT, LIMIT, &a, &b, &c), STATUS_COMMITMENT_LIMIT);
  ck_assert_uint_eq(mm_committed(), before);
}
END_TEST

START_TEST(a_touched_stack_guard_moves_down_and_the_limit_with_it)
{
  make_stack(MB, PAGE);
  ULONG64 limit = thread->stack_limit;
  ck_status(fault(limit - 8, MM_WRITE), STATUS_SUCCESS);
  ck_assert_uint_eq(thread->stack_limit, limit - PAGE);
  ck_assert_uint_eq(teb_limit(), limit - PAGE);
  ck_region(limit - PAGE, MEM_COMMIT, PAGE_READWRITE, 2 * PAGE);
  ck_region(limit - 2 * PAGE, MEM_COMMIT, PAGE_READWRITE | PAGE_GUARD, PAGE);
  /* Past the guard there is nothing. */
  ck_status(fault(limit - 3 * PAGE, MM_WRITE), STATUS_ACCESS_VIOLATION);
}
END_TEST

/* Down to where the guard can not move any further. */
static ULONG64 use_up_stack(unsigned *grown)
{
  NTSTATUS status = STATUS_SUCCESS;
  ULONG64 va = thread->stack_base - PAGE;
  for (*grown = 0; status == STATUS_SUCCESS; ++*grown) {
    va -= PAGE;
    status = fault(va, MM_WRITE);
  }
  ck_status(status, STATUS_STACK_OVERFLOW);
  return va;
}

/* x64 guarantees two pages below the guard page: dispatching an exception takes more than one. */
START_TEST(an_overflow_leaves_two_pages_to_its_handlers)
{
  unsigned grown;
  make_stack(64 * KB, PAGE);
  ck_assert_uint_eq(use_up_stack(&grown), thread->stack_allocation + 3 * PAGE);
  ck_assert_uint_eq(grown, 12);
  ck_assert_uint_eq(teb_limit(), thread->stack_allocation + PAGE);
  ck_assert_uint_eq(thread->stack_limit, thread->stack_allocation + PAGE);
  ck_region(thread->stack_allocation, MEM_RESERVE, 0, PAGE);
  ck_region(thread->stack_allocation + PAGE, MEM_COMMIT, PAGE_READWRITE, 15 * PAGE);
  ck_status(mm_user_write_u64(thread->stack_allocation + PAGE, 1), STATUS_SUCCESS);
  ck_status(fault(thread->stack_allocation + 8, MM_WRITE), STATUS_ACCESS_VIOLATION);
}
END_TEST

START_TEST(a_thread_may_ask_for_more_room_for_an_overflow)
{
  unsigned grown;
  ULONG64 teb = make_stack(64 * KB, PAGE);
  ck_status(mm_user_write_u32(teb + 0x1748, 4 * PAGE + 1), STATUS_SUCCESS);
  ck_assert_uint_eq(use_up_stack(&grown), thread->stack_allocation + 6 * PAGE);
  ck_region(thread->stack_allocation + PAGE, MEM_COMMIT, PAGE_READWRITE, 15 * PAGE);
}
END_TEST

START_TEST(a_stack_that_can_not_commit_overflows)
{
  make_stack(MB, PAGE);
  allocate(0, LIMIT - mm_committed(), RC, PAGE_READWRITE);
  ck_status(fault(thread->stack_limit - 8, MM_WRITE), STATUS_STACK_OVERFLOW);
}
END_TEST

START_TEST(the_stack_is_the_one_that_the_teb_names)
{
  ULONG64 teb = make_stack(MB, PAGE), first = thread->stack_limit;
  ULONG64 allocation, base, limit;
  ck_status(MmCreateUserStack(process, 64 * KB, PAGE, &allocation, &base, &limit), STATUS_SUCCESS);
  ck_status(fault(limit - 8, MM_WRITE), STATUS_GUARD_PAGE_VIOLATION);
  ck_status(try_protect(limit - PAGE, PAGE, PAGE_READWRITE | PAGE_GUARD, NULL), STATUS_SUCCESS);
  ck_status(mm_user_write_u64(teb + 0x08, base), STATUS_SUCCESS);
  ck_status(mm_user_write_u64(teb + 0x1478, allocation), STATUS_SUCCESS);
  ck_status(fault(limit - 8, MM_WRITE), STATUS_SUCCESS);
  ck_assert_uint_eq(teb_limit(), limit - PAGE);
  ck_assert_uint_eq(thread->stack_limit, first);
}
END_TEST

START_TEST(a_damaged_teb_harms_nobody)
{
  ULONG64 teb = make_stack(MB, PAGE), guard = thread->stack_limit - PAGE;
  static const ULONG64 bad[] = {0, 1, 0xFFF, 0x10000, 0x7FFFFFFEFFFF, 0xFFFFF80000000000, ~0ull};
  for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    ck_status(mm_user_write_u64(teb + 0x08, ~0ull), STATUS_SUCCESS);
    ck_status(mm_user_write_u64(teb + 0x1478, bad[i]), STATUS_SUCCESS);
    ck_status(try_protect(guard, PAGE, PAGE_READWRITE | PAGE_GUARD, NULL), STATUS_SUCCESS);
    NTSTATUS status = fault(guard, MM_WRITE);
    ck_assert(status == STATUS_SUCCESS || status == STATUS_GUARD_PAGE_VIOLATION);
  }
  thread->Tcb.Teb = 0xFFFFFFFFFFFFFFF0;
  ck_status(try_protect(guard, PAGE, PAGE_READWRITE | PAGE_GUARD, NULL), STATUS_SUCCESS);
  ck_status(fault(guard, MM_WRITE), STATUS_SUCCESS);
}
END_TEST

START_TEST(another_process_meets_a_plain_guard_page)
{
  make_stack(MB, PAGE);
  ULONG64 guard = thread->stack_limit - PAGE;
  EPROCESS *other = new_process();
  enter(other);
  ck_status(fault(guard, MM_WRITE), STATUS_GUARD_PAGE_VIOLATION);
  enter(process);
  end_process(other);
}
END_TEST

TCase *fault_tests(void)
{
  TCase *t = tcase_create("fault");
  tcase_set_timeout(t, 60);
  tcase_add_checked_fixture(t, machine_setup, machine_teardown);
  tcase_add_test(t, an_access_that_the_protection_forbids_is_a_violation);
  tcase_add_test(t, a_guard_page_raises_once);
  tcase_add_test(t, a_guard_page_comes_before_the_protection);
  tcase_add_test(t, a_new_stack_is_a_reservation_a_guard_page_and_what_is_committed);
  tcase_add_test(t, a_stack_without_sizes_is_a_megabyte_and_one_that_commits_all_grows);
  tcase_add_test(t, a_touched_stack_guard_moves_down_and_the_limit_with_it);
  tcase_add_test(t, an_overflow_leaves_two_pages_to_its_handlers);
  tcase_add_test(t, a_thread_may_ask_for_more_room_for_an_overflow);
  tcase_add_test(t, a_stack_that_can_not_commit_overflows);
  tcase_add_test(t, the_stack_is_the_one_that_the_teb_names);
  tcase_add_test(t, a_damaged_teb_harms_nobody);
  tcase_add_test(t, another_process_meets_a_plain_guard_page);
  return t;
}
