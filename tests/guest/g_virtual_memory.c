/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reserve, commit, protect, query, decommit and release, with their statuses. */
#include "nano.h"

PROBE(load, "mov (%rcx), %al");
PROBE(store, "movb $1, (%rcx)");

static NTSTATUS change(void *address, ULONG64 size, ULONG type, ULONG protection)
{
  return NtAllocateVirtualMemory(NtCurrentProcess, &address, 0, &size, type, protection);
}

static NTSTATUS release(void *address, ULONG64 size, ULONG type)
{
  return NtFreeVirtualMemory(NtCurrentProcess, &address, &size, type);
}

static void check_region(void *at, void *base, ULONG64 size, ULONG state, ULONG protection)
{
  MEMORY_BASIC_INFORMATION64 information = query_memory(at);
  CHECK(information.BaseAddress == (ULONG64)base);
  CHECK(information.RegionSize == size);
  CHECK(information.State == state);
  CHECK(information.Protect == protection);
}

static void regions(UCHAR *base)
{
  check_region(base, base, 0x10000, MEM_RESERVE, 0);
  RUN_PROBE(load, base);
  CHECK(seen.count == 1 && seen.code == STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(change(base + 0x2000, 0x3000, MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
  check_region(base, base, 0x2000, MEM_RESERVE, 0);
  check_region(base + 0x2000, base + 0x2000, 0x3000, MEM_COMMIT, PAGE_READWRITE);
  check_region(base + 0x3001, base + 0x3000, 0x2000, MEM_COMMIT, PAGE_READWRITE);
  check_region(base + 0x5000, base + 0x5000, 0xB000, MEM_RESERVE, 0);
  CHECK(query_memory(base + 0x5000).AllocationBase == (ULONG64)base);
  CHECK(query_memory(base).Type == MEM_PRIVATE && query_memory(base).AllocationProtect == PAGE_NOACCESS);
  CHECK(base[0x2000] == 0 && base[0x4FFF] == 0);
  base[0x3FFF] = 7;
  CHECK_STATUS(change(base + 0x2000, 0x3000, MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
  CHECK(base[0x3FFF] == 7);
}

static void protections(UCHAR *base)
{
  ULONG old = 0;
  CHECK_STATUS(set_protection(base + 0x3010, 0x10, PAGE_READONLY, &old), STATUS_SUCCESS);
  CHECK(old == PAGE_READWRITE);
  check_region(base + 0x3000, base + 0x3000, 0x1000, MEM_COMMIT, PAGE_READONLY);
  RUN_PROBE(store, base + 0x3000);
  CHECK(seen.count == 1 && seen.parameter[0] == 1);
  CHECK_STATUS(set_protection(base + 0x3FFF, 2, PAGE_READWRITE, &old), STATUS_SUCCESS);
  CHECK(old == PAGE_READONLY);
  CHECK_STATUS(set_protection(base + 0x4000, 0x2000, PAGE_READONLY, &old), STATUS_NOT_COMMITTED);
  CHECK_STATUS(set_protection(base + 0x4000, 0x1000, 0x3, &old), STATUS_INVALID_PAGE_PROTECTION);
  CHECK_STATUS(set_protection(base + 0x4000, 0x1000, PAGE_READWRITE, (ULONG *)0x10), STATUS_ACCESS_VIOLATION);
}

static void freeing(UCHAR *base)
{
  CHECK_STATUS(release(base + 0x3000, 0x1000, MEM_DECOMMIT), STATUS_SUCCESS);
  check_region(base + 0x3000, base + 0x3000, 0x1000, MEM_RESERVE, 0);
  CHECK_STATUS(change(base + 0x3000, 0x1000, MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
  CHECK(base[0x3FFF] == 0);
  CHECK_STATUS(release(base, 0, MEM_COMMIT), STATUS_INVALID_PARAMETER_4);
  CHECK_STATUS(release(base + 0x1000, 0, MEM_RELEASE), STATUS_FREE_VM_NOT_AT_BASE);
  CHECK_STATUS(release(base, 0, MEM_RELEASE), STATUS_SUCCESS);
  CHECK(query_memory(base).State == MEM_FREE && query_memory(base).AllocationBase == 0);
  CHECK_STATUS(release(base, 0, MEM_RELEASE), STATUS_MEMORY_NOT_ALLOCATED);
  CHECK_STATUS(change(base, 0x1000, MEM_COMMIT, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
  CHECK_STATUS(change(base, 0x1000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
  CHECK_STATUS(change(base, 0x1000, MEM_RESERVE, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
}

ULONG start(void *peb)
{
  (void)peb;
  void *base = NULL;
  ULONG64 size = 0xF001;
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  CHECK_STATUS(NtAllocateVirtualMemory(NtCurrentProcess, &base, 0, &size, MEM_RESERVE, PAGE_NOACCESS), STATUS_SUCCESS);
  CHECK(base && !((ULONG64)base & 0xFFFF) && size == 0x10000);
  regions(base);
  protections(base);
  freeing(base);
  CHECK_STATUS(change(NULL, 0, MEM_RESERVE, PAGE_READWRITE), STATUS_INVALID_PARAMETER_4);
  CHECK_STATUS(change(NULL, 0x1000, 0, PAGE_READWRITE), STATUS_INVALID_PARAMETER_5);
  CHECK_STATUS(change(NULL, 0x1000, MEM_RESERVE, 0), STATUS_INVALID_PAGE_PROTECTION);
  CHECK(!NT_SUCCESS(change(NULL, 0xFFFFFFFFFFFF0000, MEM_RESERVE, PAGE_READWRITE)));
  CHECK(!NT_SUCCESS(change((void *)0xFFFFF80000000000, 0x1000, MEM_RESERVE, PAGE_READWRITE)));
  CHECK_STATUS(NtQueryVirtualMemory(NtCurrentProcess, base, 0, &size, 8, NULL), STATUS_INFO_LENGTH_MISMATCH);
  return 0;
}
