/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every service of these families with arguments that no sound program would pass. */
#include "guest.h"

#include "ntos/svc/svc_file.h"
#include "ntos/svc/svc_memory.h"
#include "ntos/svc/svc_nls.h"
#include "ntos/svc/svc_pipe.h"
#include "ntos/svc/svc_registry.h"
#include "ntos/svc/svc_section.h"
#include "ntos/svc/svc_system.h"
#include "ntos/svc/svc_token.h"

#include <string.h>

#define ROUNDS 320
#define CANARY 0x5AA5C33C0FF0F00Full

static const struct svc_entry *const tables[] = {
    svc_file_table,
    svc_file_information_table,
    svc_device_table,
    svc_directory_table,
    svc_pipe_table,
    svc_section_table,
    svc_memory_table,
    svc_nls_table,
    svc_registry_table,
    svc_system_table,
    svc_system_information_table,
    svc_atom_table,
    svc_token_table,
    svc_privilege_table,
    svc_debug_filter_table,
};

static ULONG64 state;
static ULONG64 next(void)
{
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static ULONG64 read_only, guarded;

/* Memory that a service may have freed or protected comes back. */
static void restore(void)
{
  ULONG64 base = scratch, size = 0x10000;
  ULONG old;
  if (!NT_SUCCESS(MmProtectVirtualMemory(guest, &base, &size, PAGE_READWRITE, &old))) {
    base = scratch;
    size = 0x10000;
    (void)MmAllocateVirtualMemory(guest, &base, 0, &size, MEM_RESERVE, PAGE_READWRITE);
    base = scratch;
    size = 0x10000;
    ck_status(MmAllocateVirtualMemory(guest, &base, 0, &size, MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
  }
}

static ULONG64 argument(const HANDLE *handles, unsigned handle_count)
{
  static const ULONG64 numbers[] = {
      0, 1, 2,      3,          4,          7,          8,        16, 24, 0x30, 0x40, 0x100, 0x1000, 0x10000,
      5, 9, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100020, 10, 11, 12,   14,   18,    37,     0xC0000000};
  switch (next() % 12) {
  case 0:
    return next();
  case 1:
    return 0xFFFF800000000000ull + next() % 0x1000;
  case 2:
    return MM_HIGHEST_USER_ADDRESS - next() % 16;
  case 3:
    return read_only + next() % PAGE;
  case 4:
    return guarded + next() % PAGE;
  case 5:
    return scratch + 0x10000 - next() % 64;
  case 6:
    return handles[next() % handle_count];
  case 7:
    return (ULONG64)0 - 1 - next() % 8;
  case 8:
  case 9:
    return scratch + next() % 0xF000 / 8 * 8;
  default:
    return numbers[next() % (sizeof(numbers) / sizeof(numbers[0]))];
  }
}

static void fill_scratch(const HANDLE *handles, unsigned handle_count)
{
  static const char *const names[] = {"\\??\\C:\\app\\text.txt",
                                      "\\??\\C:\\app",
                                      "\\??\\C:\\",
                                      "\\??\\NUL",
                                      "\\BaseNamedObjects\\s",
                                      "",
                                      "text.txt",
                                      "\\"};
  ULONG64 words[0x200];
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    words[i] = argument(handles, handle_count);
  put(scratch, words, sizeof(words));
  (void)attributes(names[next() % 8]);
}

static void attack(const struct svc_entry *entry, unsigned round)
{
  void *event;
  HANDLE handles[6] = {0, NtCurrentProcess(), other_handle};
  ULONG64 arguments[SVC_MAX_ARGUMENTS] = {0};
  ck_status(ObCreateObject(ob_types()->Event, sizeof(KEVENT), &event), STATUS_SUCCESS);
  KeInitializeEvent(event, NotificationEvent, FALSE);
  ck_status(ObInsertObject(event, NULL, 0, EVENT_ALL_ACCESS, &handles[3]), STATUS_SUCCESS);
  restore();
  handles[4] = guest_open("text.txt");
  ck_status(NtCreateSection(scratch, SECTION_ALL_ACCESS, 0, 0, PAGE_READONLY, SEC_COMMIT, handles[4]), STATUS_SUCCESS);
  handles[5] = get64(scratch);
  for (unsigned i = 0; i < 8; i++) {
    restore();
    fill_scratch(handles, 6);
    for (unsigned a = 0; a < SVC_MAX_ARGUMENTS; a++)
      arguments[a] = argument(handles, 6);
    /* Half the time names and handles are where they are asked for. */
    if (i % 2 != 0) {
      arguments[0] = handles[round % 6];
      arguments[2] = scratch + 0x8000;
    }
    (void)entry->routine(arguments);
  }
  /* Whatever was opened is closed; the other process's handle too. */
  ObKillProcess(guest);
  ck_status(ObInitProcess(NULL, guest), STATUS_SUCCESS);
  ck_status(ObOpenObjectByPointer(other, 0, PROCESS_ALL_ACCESS, ob_types()->Process, &other_handle), STATUS_SUCCESS);
  KeFlushUserApcs(KeGetCurrentThread());
}

static ULONG64 page(ULONG protect)
{
  ULONG64 base = 0, size = PAGE;
  ULONG old;
  ck_status(MmAllocateVirtualMemory(guest, &base, 0, &size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
  put64(base, CANARY);
  ck_status(MmProtectVirtualMemory(guest, &base, &size, protect, &old), STATUS_SUCCESS);
  return base;
}

START_TEST(no_service_believes_its_arguments)
{
  const struct svc_entry *table = tables[_i];
  state = 0x9E3779B97F4A7C15ull + (ULONG64)_i;
  for (const struct svc_entry *entry = table; entry->name != NULL; entry++) {
    read_only = page(PAGE_READONLY);
    guarded = page(PAGE_READWRITE | PAGE_GUARD);
    for (unsigned round = 0; round < ROUNDS / 8; round++)
      attack(entry, round);
    restore();
    put64(scratch, scratch);
    ck_assert_uint_eq(get64(scratch), scratch);
  }
}
END_TEST

START_TEST(services_do_not_write_to_read_only_pages)
{
  state = 7;
  for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
    if (tables[t] == svc_memory_table || tables[t] == svc_section_table)
      continue; /* they may free or unprotect it */
    for (const struct svc_entry *entry = tables[t]; entry->name != NULL; entry++) {
      read_only = guarded = page(PAGE_READONLY);
      for (unsigned round = 0; round < 4; round++)
        attack(entry, round);
      ck_assert_msg(get64(read_only) == CANARY, "%s wrote to a read-only page", entry->name);
    }
  }
}
END_TEST

TCase *hostile_tests(void)
{
  TCase *tcase = tcase_create("hostile");
  tcase_set_timeout(tcase, 60);
  tcase_add_checked_fixture(tcase, guest_setup, guest_teardown);
  tcase_add_loop_test(tcase, no_service_believes_its_arguments, 0, sizeof(tables) / sizeof(tables[0]));
  tcase_add_test(tcase, services_do_not_write_to_read_only_pages);
  return tcase;
}
