/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#define RC (MEM_RESERVE | MEM_COMMIT)

START_TEST(the_old_protection_is_the_first_pages)
{
  ULONG64 base = allocate(0, 4 * PAGE, RC, PAGE_READWRITE), at = base + PAGE + 5, size = PAGE;
  ULONG old = 0;
  ck_status(MmProtectVirtualMemory(process, &at, &size, PAGE_EXECUTE_READ, &old), STATUS_SUCCESS);
  ck_assert_uint_eq(old, PAGE_READWRITE);
  ck_assert_uint_eq(at, base + PAGE);
  ck_assert_uint_eq(size, 2 * PAGE);
  ck_status(try_protect(base, 4 * PAGE, PAGE_READONLY, &old), STATUS_SUCCESS);
  ck_assert_uint_eq(old, PAGE_READWRITE);
  ck_region(base, MEM_COMMIT, PAGE_READONLY, 4 * PAGE);
  ck_assert_uint_eq(query(base).AllocationProtect, PAGE_READWRITE);
}
END_TEST

START_TEST(protecting_is_all_or_nothing)
{
  ULONG64 base = allocate(0, 4 * PAGE, MEM_RESERVE, PAGE_READWRITE);
  allocate(base, 2 * PAGE, MEM_COMMIT, PAGE_READWRITE);
  ck_status(try_protect(base, 3 * PAGE, PAGE_READONLY, NULL), STATUS_NOT_COMMITTED);
  ck_region(base, MEM_COMMIT, PAGE_READWRITE, 2 * PAGE);
}
END_TEST

START_TEST(protecting_is_refused_as_on_windows)
{
  ULONG64 base = allocate(0x40000000, PAGE, RC, PAGE_READWRITE);
  ck_status(try_protect(base, PAGE, 0, NULL), STATUS_INVALID_PAGE_PROTECTION);
  ck_status(try_protect(base, PAGE, PAGE_WRITECOPY, NULL), STATUS_INVALID_PAGE_PROTECTION);
  ck_status(try_protect(base, 0, PAGE_READONLY, NULL), STATUS_INVALID_PARAMETER_3);
  ck_status(try_protect(base, ~0ull, PAGE_READONLY, NULL), STATUS_INVALID_PARAMETER_3);
  ck_status(try_protect(~0ull, PAGE, PAGE_READONLY, NULL), STATUS_INVALID_PARAMETER_2);
  ck_status(try_protect(0x50000000, PAGE, PAGE_READONLY, NULL), STATUS_CONFLICTING_ADDRESSES);
  ck_status(try_protect(base, 2 * PAGE, PAGE_READONLY, NULL), STATUS_CONFLICTING_ADDRESSES);
}
END_TEST

START_TEST(hardware_rights_follow_from_the_protection)
{
  static const struct {
    ULONG protect;
    ULONG64 rights;
  } rows[] = {{PAGE_NOACCESS, PTE_NO_EXECUTE},
              {PAGE_READONLY, PTE_PRESENT | PTE_USER | PTE_NO_EXECUTE},
              {PAGE_READWRITE, PTE_PRESENT | PTE_USER | PTE_WRITE | PTE_NO_EXECUTE},
              {PAGE_EXECUTE, PTE_PRESENT | PTE_USER},
              {PAGE_EXECUTE_READ, PTE_PRESENT | PTE_USER},
              {PAGE_EXECUTE_READWRITE, PTE_PRESENT | PTE_USER | PTE_WRITE}};
  ULONG64 base = allocate(0, PAGE, RC, PAGE_READWRITE);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const ULONG64 bits = PTE_PRESENT | PTE_USER | PTE_WRITE | PTE_NO_EXECUTE;
    ck_status(try_protect(base, PAGE, rows[i].protect, NULL), STATUS_SUCCESS);
    ck_assert_uint_eq(pte_of(process, base) & bits, rows[i].rights);
    ck_assert_uint_eq(query(base).Protect, rows[i].protect);
  }
  ck_status(try_protect(base, PAGE, PAGE_READWRITE | PAGE_GUARD, NULL), STATUS_SUCCESS);
  ck_assert_uint_eq(pte_of(process, base) & PTE_PRESENT, 0);
}
END_TEST

START_TEST(modifiers_are_kept)
{
  ULONG64 base = allocate(0, PAGE, RC, PAGE_READWRITE | PAGE_NOCACHE);
  ck_assert_uint_eq(query(base).Protect, PAGE_READWRITE | PAGE_NOCACHE);
  ck_status(try_protect(base, PAGE, PAGE_READONLY | PAGE_WRITECOMBINE, NULL), STATUS_SUCCESS);
  ck_assert_uint_eq(query(base).Protect, PAGE_READONLY | PAGE_WRITECOMBINE);
}
END_TEST

TCase *protection_tests(void)
{
  TCase *t = tcase_create("protection");
  tcase_set_timeout(t, 60);
  tcase_add_checked_fixture(t, machine_setup, machine_teardown);
  tcase_add_test(t, the_old_protection_is_the_first_pages);
  tcase_add_test(t, protecting_is_all_or_nothing);
  tcase_add_test(t, protecting_is_refused_as_on_windows);
  tcase_add_test(t, hardware_rights_follow_from_the_protection);
  tcase_add_test(t, modifiers_are_kept);
  return t;
}
