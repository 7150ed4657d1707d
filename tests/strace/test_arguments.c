/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each kind of argument as text. What is expected is what the test itself put there, or what the public headers call
 * the values. */
#include "kit.h"

#include "ntos/trap/monitor.h"

#include <stdio.h>
#include <string.h>

#define SELF ((uint64_t)-1)
#define A (KIT_MEMORY + 0x100) /* places for what calls take and leave */
#define B (KIT_MEMORY + 0x800)
#define C (KIT_MEMORY + 0x1000)
#define D (KIT_MEMORY + 0x1800)

static struct kit kit;

static void open_kit(void) { kit_open(&kit); }
static void close_kit(void) { kit_close(&kit); }

static uint64_t create_event(const char *name)
{
  kit_write_attributes(&kit, B, name, 0, OBJ_CASE_INSENSITIVE);
  CALL(&kit, "NtCreateEvent", A, 0x1F0003, name ? B : 0, 1, 0);
  ck_assert_int_eq(kit.status, STATUS_SUCCESS);
  return kit_read64(&kit, A);
}

START_TEST(memory)
{
  kit_write64(&kit, A, 0);
  kit_write64(&kit, B, 0x1800);
  ck_line(CALL(&kit, "NtAllocateVirtualMemory", SELF, A, 0, B, 0x3000, 4),
          "NtAllocateVirtualMemory(-1, &0x0 -> 0x*0000, 0, &0x1800 -> 0x2000, MEM_COMMIT|MEM_RESERVE, PAGE_READWRITE) = "
          "STATUS_SUCCESS");
  ck_line(CALL(&kit, "NtProtectVirtualMemory", SELF, A, B, 0x104, C),
          "NtProtectVirtualMemory(-1, &0x*0000, &0x2000, PAGE_READWRITE|PAGE_GUARD, -> PAGE_READWRITE) = STATUS_SUCCESS");
  ck_line(CALL(&kit, "NtQueryVirtualMemory", SELF, kit_read64(&kit, A), 0, C, 0x30, D),
          "NtQueryVirtualMemory(-1, 0x*0000, MemoryBasicInformation, -> {base 0x*0000, size 0x2000, MEM_COMMIT, "
          "PAGE_READWRITE|PAGE_GUARD, MEM_PRIVATE, allocation 0x*0000 PAGE_READWRITE}, 0x30, -> 48) = STATUS_SUCCESS");
  kit_write64(&kit, B, 0);
  ck_line(CALL(&kit, "NtFreeVirtualMemory", SELF, A, B, 0x8000),
          "NtFreeVirtualMemory(-1, &0x*0000, &0x0 -> 0x2000, MEM_RELEASE) = STATUS_SUCCESS");
  kit_write(&kit, C, "first\nsecond \"x\"", 16);
  ck_line(CALL(&kit, "NtReadVirtualMemory", SELF, C, D, 16, A),
          "NtReadVirtualMemory(-1, 0x*, -> \"first\\nsecond \\\"x\\\"\", 0x10, -> 16) = STATUS_SUCCESS");
  kit_write(&kit, C, "a\\b", 3);
  ck_line(CALL(&kit, "NtWriteVirtualMemory", SELF, D, C, 3, 0), "NtWriteVirtualMemory(-1, 0x*, \"a\\\\b\", 0x3, *");
  kit_write(&kit, C, "a\0\\\0b\0\0\0", 8);
  ck_line(CALL(&kit, "NtWriteVirtualMemory", SELF, D, C, 8, 0), "NtWriteVirtualMemory(-1, 0x*, u\"a\\b\", 0x8, *");
  kit_write(&kit, C, "\x01\xFFmore than thirty-two bytes are not shown", 41);
  ck_line(CALL(&kit, "NtWriteVirtualMemory", SELF, D, C, 41, 0),
          "NtWriteVirtualMemory(-1, 0x*, \"\\x01\\xffmore than thirty-two bytes are\"..., 0x29, NULL) = STATUS_SUCCESS");
}
END_TEST

START_TEST(sections)
{
  kit_write64(&kit, A, 0x3000);
  ck_line(CALL(&kit, "NtCreateSection", B, 0xF001F, 0, A, 4, 0x8000000, 0),
          "NtCreateSection(-> 0x*<Section>, SECTION_ALL_ACCESS, NULL, &12288, PAGE_READWRITE, SEC_COMMIT, NULL) = "
          "STATUS_SUCCESS");
  kit_write64(&kit, A, 0);
  kit_write64(&kit, C, 0);
  ck_line(CALL(&kit, "NtMapViewOfSection", kit_read64(&kit, B), SELF, A, 0, 0, 0, C, 2, 0, 4),
          "NtMapViewOfSection(0x*<Section>, -1, &0x0 -> 0x*0000, 0, 0, NULL, &0x0 -> 0x3000, ViewUnmap, 0, "
          "PAGE_READWRITE) = STATUS_SUCCESS");
  ck_line(CALL(&kit, "NtUnmapViewOfSection", SELF, kit_read64(&kit, A)),
          "NtUnmapViewOfSection(-1, 0x*0000) = STATUS_SUCCESS");
}
END_TEST

START_TEST(debug_services)
{
  kit_write_attributes(&kit, B, NULL, 0, 0);
  ck_line(CALL(&kit, "NtCreateDebugObject", A, 0x1F000F, B, 1),
          "NtCreateDebugObject(-> 0x*<DebugObject>, DEBUG_ALL_ACCESS, {NULL, 0}, DEBUG_KILL_ON_CLOSE) = STATUS_SUCCESS");
  const uint64_t object = kit_read64(&kit, A);
  kit_write64(&kit, B, (uint64_t)-30000000);
  ck_line(CALL(&kit, "NtWaitForDebugEvent", object, 0, 0x1000, C),
          "NtWaitForDebugEvent(0x*<DebugObject>, FALSE, 0x1000, 0x*) = STATUS_ACCESS_VIOLATION");
  kit_write64(&kit, B, (uint64_t)-10000);
  ck_line(CALL(&kit, "NtWaitForDebugEvent", object, 1, B, C),
          "NtWaitForDebugEvent(0x*<DebugObject>, TRUE, &-1ms, 0x*) = STATUS_TIMEOUT");
  kit_write64(&kit, B, 0x123);
  kit_write64(&kit, B + 8, 0x456);
  ck_line(CALL(&kit, "NtDebugContinue", object, B, DBG_CONTINUE & 0xFFFFFFFF),
          "NtDebugContinue(0x*<DebugObject>, &291:1110, DBG_CONTINUE) = *");
  kit_write64(&kit, B, 1);
  ck_line(CALL(&kit, "NtSetInformationDebugObject", object, 1, B, 4, 0),
          "NtSetInformationDebugObject(0x*<DebugObject>, DebugObjectKillProcessOnExitInformation, &0x1, 4, NULL) = "
          "STATUS_SUCCESS");
  ck_line(CALL(&kit, "NtDebugActiveProcess", SELF, object), "NtDebugActiveProcess(-1, 0x*<DebugObject>) = *");
}
END_TEST

START_TEST(objects_and_handles)
{
  const uint64_t event = create_event("\\BaseNamedObjects\\strace test");
  ck_line(kit.line, "NtCreateEvent(-> 0x*<Event \\BaseNamedObjects\\strace test>, EVENT_ALL_ACCESS, "
                    "{\"\\BaseNamedObjects\\strace test\", OBJ_CASE_INSENSITIVE}, SynchronizationEvent, FALSE) = "
                    "STATUS_SUCCESS");
  ck_line(CALL(&kit, "NtSetEvent", event, A), "NtSetEvent(0x*<Event \\BaseNamedObjects\\strace test>, -> 0) = STATUS_SUCCESS");
  const uint64_t second = create_event(NULL);
  ck_line(kit.line, "NtCreateEvent(-> 0x*<Event>, EVENT_ALL_ACCESS, NULL, SynchronizationEvent, FALSE) = STATUS_SUCCESS");
  kit_write64(&kit, B, second);
  kit_write64(&kit, B + 8, event);
  kit_write64(&kit, C, 0);
  ck_line(CALL(&kit, "NtWaitForMultipleObjects", 2, B, 1, 0, C),
          "NtWaitForMultipleObjects(2, [0x*<Event>, 0x*<Event \\BaseNamedObjects\\strace test>], WaitAny, FALSE, &0) = "
          "0x00000001");
  ck_line(CALL(&kit, "NtDuplicateObject", SELF, event, SELF, A, 0, 0, 3),
          "NtDuplicateObject(-1, 0x*<Event \\BaseNamedObjects\\strace test>, -1, -> 0x*<Event \\BaseNamedObjects\\strace "
          "test>, 0, 0, DUPLICATE_CLOSE_SOURCE|DUPLICATE_SAME_ACCESS) = STATUS_SUCCESS");
  ck_line(CALL(&kit, "NtWaitForSingleObject", 0x7000, 0, 0),
          "NtWaitForSingleObject(0x7000, FALSE, NULL) = STATUS_INVALID_HANDLE");
}
END_TEST

START_TEST(processes_and_threads)
{
  char pattern[200];
  kit_write64(&kit, B, kit.pid);
  kit_write64(&kit, B + 8, 0);
  kit_write_attributes(&kit, C, NULL, 0, 0);
  snprintf(pattern, sizeof pattern,
           "NtOpenProcess(-> 0x*<Process %u>, PROCESS_TERMINATE|PROCESS_VM_READ, {NULL, 0}, &%u:0) = STATUS_SUCCESS",
           kit.pid, kit.pid);
  ck_line(CALL(&kit, "NtOpenProcess", A, 0x11, C, B), pattern);
  kit_write64(&kit, B + 8, kit.tid);
  snprintf(pattern, sizeof pattern,
           "NtOpenThread(-> 0x*<Thread %u:%u>, THREAD_ALL_ACCESS, {NULL, 0}, &%u:%u) = STATUS_SUCCESS", kit.pid, kit.tid,
           kit.pid, kit.tid);
  ck_line(CALL(&kit, "NtOpenThread", A, 0x1FFFFF, C, B), pattern);
  ck_line(CALL(&kit, "NtSetInformationThread", (uint64_t)-2, 17, A, 4),
          "NtSetInformationThread(-2, ThreadHideFromDebugger, &0x*, 4) = STATUS_INFO_LENGTH_MISMATCH");
}
END_TEST

START_TEST(information)
{
  ck_line(CALL(&kit, "NtQueryInformationProcess", SELF, 7, A, 8, B),
          "NtQueryInformationProcess(-1, ProcessDebugPort, -> 0xffffffffffffffff, 8, -> 8) = STATUS_SUCCESS");
  char pattern[200];
  snprintf(pattern, sizeof pattern,
           "NtQueryInformationProcess(-1, ProcessBasicInformation, -> {exit status STATUS_PENDING, PEB 0x*, pid %u, parent *}"
           ", 48, NULL) = STATUS_SUCCESS", kit.pid);
  ck_line(CALL(&kit, "NtQueryInformationProcess", SELF, 0, A, 48, 0), pattern);
  ck_line(CALL(&kit, "NtQueryInformationProcess", SELF, 27, A, 300, 0),
          "NtQueryInformationProcess(-1, ProcessImageFileName, -> \"*caller.exe\", 300, NULL) = STATUS_SUCCESS");
  snprintf(pattern, sizeof pattern,
           "NtQueryInformationThread(-2, ThreadBasicInformation, -> {exit status STATUS_PENDING, TEB 0x*, %u:%u}, 48, NULL)"
           " = STATUS_SUCCESS", kit.pid, kit.tid);
  ck_line(CALL(&kit, "NtQueryInformationThread", (uint64_t)-2, 0, A, 48, 0), pattern);
  ck_line(CALL(&kit, "NtQueryInformationProcess", SELF, 0x999, A, 48, 0),
          "NtQueryInformationProcess(-1, 2457, 0x*, 48, NULL) = STATUS_INVALID_INFO_CLASS");
}
END_TEST

START_TEST(files)
{
  kit_write_attributes(&kit, B, "\\??\\C:\\app\\caller.exe", 0, OBJ_CASE_INSENSITIVE);
  ck_line(CALL(&kit, "NtOpenFile", A, 0x120089, B, C, 1, 0x60),
          "NtOpenFile(-> 0x*<File C:\\app\\caller.exe>, FILE_GENERIC_READ, {\"\\??\\C:\\app\\caller.exe\", "
          "OBJ_CASE_INSENSITIVE}, -> {STATUS_SUCCESS, 1}, FILE_SHARE_READ, "
          "FILE_SYNCHRONOUS_IO_NONALERT|FILE_NON_DIRECTORY_FILE) = STATUS_SUCCESS");
  const uint64_t file = kit_read64(&kit, A);
  kit_write64(&kit, A, 0);
  ck_line(CALL(&kit, "NtReadFile", file, 0, 0, 0, C, D, 2, A, 0),
          "NtReadFile(0x*<File C:\\app\\caller.exe>, NULL, NULL, NULL, -> {STATUS_SUCCESS, 2}, -> \"MZ\", 2, &0, NULL) = "
          "STATUS_SUCCESS");
  kit_write_attributes(&kit, B, "no\x01\x1B[31msuch", 0, 0);
  ck_line(CALL(&kit, "NtQueryAttributesFile", B, C), "NtQueryAttributesFile({\"no\\x01\\x1b[31msuch\", 0}, 0x*) = *");
  ck_line(CALL(&kit, "NtClose", file), "NtClose(0x*<File C:\\app\\caller.exe>) = STATUS_SUCCESS");
}
END_TEST

/* Directories relative to a handle, and a registry value. */
START_TEST(names_in_places)
{
  kit_write_attributes(&kit, B, "\\Registry\\Machine\\Software\\Microsoft\\Windows NT", 0, OBJ_CASE_INSENSITIVE);
  CALL(&kit, "NtOpenKey", A, 0x20019, B);
  ck_assert_int_eq(kit.status, STATUS_SUCCESS);
  kit_write_attributes(&kit, B, "CurrentVersion", kit_read64(&kit, A), 0);
  ck_line(CALL(&kit, "NtOpenKey", A, 0x20019, B),
          "NtOpenKey(-> 0x*<Key \\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion>, KEY_READ, {in 0x*<Key "
          "\\Registry\\Machine\\Software\\Microsoft\\Windows NT>, \"CurrentVersion\", 0}) = STATUS_SUCCESS");
  kit_write_string(&kit, B, "CurrentBuildNumber");
  ck_line(CALL(&kit, "NtQueryValueKey", kit_read64(&kit, A), B, 2, C, 64, D),
          "NtQueryValueKey(0x*<Key *CurrentVersion>, \"CurrentBuildNumber\", KeyValuePartialInformation, -> {REG_SZ, "
          "\"*\"}, 64, -> *) = STATUS_SUCCESS");
}
END_TEST

START_TEST(times_contexts_and_records)
{
  kit_write64(&kit, A, (uint64_t)-15);
  ck_line(CALL(&kit, "NtDelayExecution", 0, A), "NtDelayExecution(FALSE, &-1500ns) = STATUS_SUCCESS");
  kit_write64(&kit, A, 7);
  ck_line(CALL(&kit, "NtDelayExecution", 0, A), "NtDelayExecution(FALSE, &7) = STATUS_SUCCESS");
  CONTEXT context = kit.context;
  context.ContextFlags = CONTEXT_FULL | CONTEXT_DEBUG_REGISTERS;
  context.Rip = 0x1234;
  context.Rsp = 0x5678;
  context.EFlags = 0x202;
  context.Dr0 = 0x9abc;
  context.Dr7 = 0x1;
  kit_write(&kit, C, &context, sizeof context);
  ck_line(CALL(&kit, "NtSetContextThread", 0x7000, C),
          "NtSetContextThread(0x7000, {ContextFlags 0x10001b, rip 0x1234, rsp 0x5678, eflags 0x202, dr0 0x9abc, dr7 0x1}) "
          "= STATUS_INVALID_HANDLE");
  const EXCEPTION_RECORD64 record = {.ExceptionCode = STATUS_BREAKPOINT, .ExceptionFlags = 1, .ExceptionAddress = 0x4321};
  kit_write(&kit, B, &record, sizeof record);
  ck_line(CALL(&kit, "NtRaiseException", B, 0x1000, 1),
          "NtRaiseException({STATUS_BREAKPOINT, flags 0x1, at 0x4321}, 0x1000, TRUE) = STATUS_*");
}
END_TEST

START_TEST(what_is_not_there_is_an_address)
{
  ck_line(CALL(&kit, "NtOpenFile", 0x10, 0x8, KIT_UNREADABLE, KIT_UNREADABLE, 0, 0),
          "NtOpenFile(0x10, FILE_READ_EA, 0x1000, 0x1000, 0, 0) = STATUS_ACCESS_VIOLATION");
  /* The attributes are there, their name is not. */
  const OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof attributes, .ObjectName = 0xFFFF800000000000ull};
  kit_write(&kit, B, &attributes, sizeof attributes);
  ck_line(CALL(&kit, "NtQueryAttributesFile", B, C),
          "NtQueryAttributesFile({0xffff800000000000, 0}, 0x*) = STATUS_ACCESS_VIOLATION");
  ck_line(CALL(&kit, "NtAllocateVirtualMemory", SELF, KIT_MEMORY_END - 4, 0, 1, 0, 0),
          "NtAllocateVirtualMemory(-1, 0x20007ffc, 0, 0x1, 0, 0) = STATUS_*");
}
END_TEST

/* A service finds the guard page untouched by the monitor. */
START_TEST(guard_pages_stay)
{
  CALL(&kit, "NtQueryVirtualMemory", SELF, KIT_GUARD, 0, C, 0x30, 0);
  ck_line(kit.line, "*PAGE_READWRITE|PAGE_GUARD*");
  ck_line(CALL(&kit, "NtUnmapViewOfSectionEx", 0x7000, KIT_GUARD, 0), "NtUnmapViewOfSectionEx(0x7000, 0x2000a000, 0) = *");
  CALL(&kit, "NtCreateEvent", 0, 0, KIT_GUARD, 0, 0);
  /* This one itself takes the guard away: the monitor, which read it before, did not. */
  ck_line(kit.line, "NtCreateEvent(NULL, 0, 0x2000a000, NotificationEvent, FALSE) = STATUS_*");
  ck_line(CALL(&kit, "NtSetTimer", 0x7000, KIT_GUARD, 0, 0, 0, 0, 0), "NtSetTimer(0x7000, *");
}
END_TEST

/* The tables against the services that there are. */
START_TEST(every_description_fits_its_service)
{
  uint64_t none[DBGKSIM_SERVICE_ARGUMENTS] = {0};
  const struct service_description *d;
  unsigned n = 0;
  for (; (d = service_description_at(n)) != NULL; n++) {
    unsigned count = 0;
    while (count < DBGKSIM_SERVICE_ARGUMENTS && d->arguments[count].name)
      count++;
    for (unsigned i = 0; i < count; i++) {
      ck_assert_int_lt(d->arguments[i].kind, ARGUMENT_KINDS);
      ck_assert_msg(d->arguments[i].with < count, "%s: %s", d->name, d->arguments[i].name);
    }
    ck_assert_int_ne(d->groups, 0);
    ck_assert_ptr_eq(service_describe(d->name), d);
    if (strstr(d->name, "Terminate") || strstr(d->name, "Continue") || strstr(d->name, "ReplyWait") ||
        strstr(d->name, "WaitForAlert") || strstr(d->name, "KeyedEvent") || strstr(d->name, "Shutdown") || strstr(d->name, "Delay"))
      continue;
    ck_assert_msg(kit_try(&kit, d->name, 0, none), "%s does not come back", d->name);
    unsigned commas = *strchr(kit.line, '(') == '(' && strchr(kit.line, '(')[1] != ')';
    for (const char *c = strchr(kit.line, '('); *c && *c != ')'; c++)
      commas += *c == ',';
    ck_assert_msg(commas == count, "%s has %u arguments: %s", d->name, count, kit.line);
  }
  ck_assert_uint_gt(n, 190);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("arguments");
  TCase *cases = tcase_create("arguments");
  tcase_add_checked_fixture(cases, open_kit, close_kit);
  tcase_add_test(cases, memory);
  tcase_add_test(cases, sections);
  tcase_add_test(cases, debug_services);
  tcase_add_test(cases, objects_and_handles);
  tcase_add_test(cases, processes_and_threads);
  tcase_add_test(cases, information);
  tcase_add_test(cases, files);
  tcase_add_test(cases, names_in_places);
  tcase_add_test(cases, times_contexts_and_records);
  tcase_add_test(cases, what_is_not_there_is_an_address);
  tcase_add_test(cases, guard_pages_stay);
  tcase_add_test(cases, every_description_fits_its_service);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
