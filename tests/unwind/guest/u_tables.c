/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unwind data for code that a program makes: added, called for, grown, taken away. */
#include "check.h"

#define APART __attribute__((noinline))

/* push %rbx; sub $0x20, %rsp; mov $-1, %rbx; call *%rcx; nop; add $0x20, %rsp; pop %rbx; ret */
static const UCHAR code[] = {0x53, 0x48, 0x83, 0xEC, 0x20, 0x48, 0xC7, 0xC3, 0xFF, 0xFF, 0xFF,
                             0xFF, 0xFF, 0xD1, 0x90, 0x48, 0x83, 0xC4, 0x20, 0x5B, 0xC3};
/* Version 1, prologue of 5 bytes, 2 codes: at 5 alloc 0x20, at 1 push rbx. */
static const UCHAR unwind_info[] = {1, 5, 2, 0, 5, 0x32, 1, 0x30};

enum { FUNCTION_SIZE = 64, FUNCTIONS = 100, INFO_AT = FUNCTION_SIZE * FUNCTIONS };
static UCHAR *made;
static RUNTIME_FUNCTION entries[FUNCTIONS];

static void make_code(void)
{
  SIZE_T size = INFO_AT + sizeof unwind_info;
  PVOID base = NULL;
  CHECK_STATUS(NtAllocateVirtualMemory(NtCurrentProcess(), &base, 0, &size, MEM_COMMIT | MEM_RESERVE,
                                       PAGE_EXECUTE_READWRITE), 0);
  made = base;
  memcpy(made + INFO_AT, unwind_info, sizeof unwind_info);
  for (ULONG i = 0; i < FUNCTIONS; i++) {
    memcpy(made + i * FUNCTION_SIZE, code, sizeof code);
    entries[i] = (RUNTIME_FUNCTION){i * FUNCTION_SIZE, i * FUNCTION_SIZE + sizeof code, .UnwindData = INFO_AT};
  }
}

static APART void raise(void)
{
  EXCEPTION_RECORD record = {.ExceptionCode = 0xE0000001};
  RtlRaiseException(&record);
}

typedef void (*MADE)(void (*)(void));

static APART void call_made(ULONG which) { ((MADE)(made + which * FUNCTION_SIZE))(raise); }

/* TRUE: an exception from below generated code found its handler, with the caller's rbx. */
static APART BOOLEAN unwinds_through(ULONG which)
{
  BOOLEAN found = FALSE;
  volatile ULONG64 kept = 0x123456789ull + which;
  __try {
    call_made(which);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    found = kept == 0x123456789ull + which;
  }
  return found;
}

static const RUNTIME_FUNCTION *look_up(ULONG which)
{
  ULONG64 base = 0;
  const RUNTIME_FUNCTION *entry = RtlLookupFunctionEntry((ULONG64)made + which * FUNCTION_SIZE + 3, &base, NULL);
  CHECK(!entry || base == (ULONG64)made);
  return entry;
}

static void an_added_table_is_used_until_it_is_deleted(void)
{
  CHECK(!look_up(0));
  CHECK(RtlAddFunctionTable(entries, FUNCTIONS, (ULONG64)made));
  CHECK(look_up(0) == &entries[0] && look_up(99) == &entries[99]);
  CHECK(unwinds_through(0) && unwinds_through(99));
  CHECK(RtlDeleteFunctionTable(entries));
  CHECK(!look_up(0));
  CHECK(!RtlDeleteFunctionTable(entries));
}

static void a_table_need_not_be_sorted(void)
{
  static RUNTIME_FUNCTION two[2];
  two[0] = entries[7], two[1] = entries[3];
  CHECK(RtlAddFunctionTable(two, 2, (ULONG64)made));
  CHECK(look_up(3) == &two[1] && look_up(7) == &two[0] && !look_up(5));
  CHECK(unwinds_through(3) && unwinds_through(7));
  CHECK(RtlDeleteFunctionTable(two));
}

static void there_may_be_a_table_for_each_function(void)
{
  for (ULONG i = 0; i < FUNCTIONS; i++)
    CHECK(RtlAddFunctionTable(&entries[i], 1, (ULONG64)made));
  for (ULONG i = 0; i < FUNCTIONS; i += 11)
    CHECK(look_up(i) == &entries[i] && unwinds_through(i));
  for (ULONG i = 0; i < FUNCTIONS; i++)
    CHECK(RtlDeleteFunctionTable(&entries[i]));
  CHECK(!look_up(50));
}

static ULONG calls;

static PRUNTIME_FUNCTION find_by_callback(DWORD64 pc, PVOID context)
{
  CHECK(context == entries);
  calls++;
  return &entries[(pc - (ULONG64)made) / FUNCTION_SIZE];
}

static void a_callback_is_asked_for_its_range(void)
{
  ULONG64 identifier = (ULONG64)made | 3;
  CHECK(!RtlInstallFunctionTableCallback((ULONG64)made, (ULONG64)made, INFO_AT, find_by_callback, entries, NULL));
  CHECK(RtlInstallFunctionTableCallback(identifier, (ULONG64)made, INFO_AT, find_by_callback, entries, NULL));
  calls = 0;
  CHECK(look_up(20) == &entries[20] && calls == 1);
  CHECK(unwinds_through(20) && calls > 1);
  CHECK(RtlDeleteFunctionTable((PRUNTIME_FUNCTION)identifier));
  CHECK(!look_up(20));
}

static void a_growable_table_grows(void)
{
  PVOID handle = NULL;
  CHECK_STATUS(RtlAddGrowableFunctionTable(&handle, entries, 5, 10, (ULONG64)made, (ULONG64)made + INFO_AT), 0);
  CHECK(handle && look_up(4) == &entries[4] && !look_up(5));
  RtlGrowFunctionTable(handle, 6);
  CHECK(look_up(5) == &entries[5] && unwinds_through(5));
  RtlDeleteGrowableFunctionTable(handle);
  CHECK(!look_up(4));
}

void check(void)
{
  make_code();
  an_added_table_is_used_until_it_is_deleted();
  a_table_need_not_be_sorted();
  there_may_be_a_table_for_each_function();
  a_callback_is_asked_for_its_range();
  a_growable_table_grows();
}
