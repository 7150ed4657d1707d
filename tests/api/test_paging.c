/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mapped files that the host changes under a running program. */
#include "api.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 0x1000
#define PAGES 4

static char folder[64], path[96];
static int host;

/* What g_in_page says. */
static void fill_file(void)
{
  for (int i = 0; i < PAGES; i++) {
    unsigned char bytes[PAGE];
    memset(bytes, i + 1, sizeof bytes);
    if (i == 2)
      bytes[0] = 0xC3;
    ck_assert_int_eq(pwrite(host, bytes, sizeof bytes, i * PAGE), PAGE);
  }
}

static void setup(void)
{
  strcpy(folder, "/tmp/dbgksim-api-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/data.bin", folder);
  host = open(path, O_RDWR | O_CREAT, 0600);
  ck_assert_int_ge(host, 0);
  fill_file();
}

static void teardown(void)
{
  close(host);
  ck_assert_int_eq(unlink(path), 0);
  ck_assert_int_eq(rmdir(folder), 0);
}

static dbgksim_machine *make_machine(bool note_inputs)
{
  struct dbgksim_config config;
  dbgksim_machine *machine;
  const struct dbgksim_root root = {.host = folder, .guest = "C:\\data"};
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  config.roots = &root;
  config.root_count = 1;
  config.note_inputs = note_inputs;
  ck_api(dbgksim_machine_create(&config, &machine), DBGKSIM_OK);
  return machine;
}

/* The next event that is an exception of the program's own; others are answered. */
static void next_exception(dbgksim_debugger *debugger, struct dbgksim_event *event)
{
  static const uint64_t nano_ntdll = 0x170000000;
  for (;;) {
    ck_api(dbgksim_wait(debugger, -1, event), DBGKSIM_OK);
    ck_assert_int_ne(event->code, DBGKSIM_EXIT_PROCESS);
    if (event->code == DBGKSIM_EXCEPTION && event->exception.ExceptionAddress < nano_ntdll)
      return;
    ck_api(dbgksim_continue(debugger, event, DBG_CONTINUE), DBGKSIM_OK);
  }
}

static void expect_breakpoint(dbgksim_debugger *debugger, struct dbgksim_event *event)
{
  next_exception(debugger, event);
  ck_assert_int_eq(event->exception.ExceptionCode, STATUS_BREAKPOINT);
}

/* An in-page error at its first chance; its address. */
static uint64_t expect_in_page_error(dbgksim_debugger *debugger, uint64_t access, struct dbgksim_event *event)
{
  next_exception(debugger, event);
  ck_assert_int_eq(event->exception.ExceptionCode, STATUS_IN_PAGE_ERROR);
  ck_assert(event->first_chance);
  ck_assert_uint_eq(event->exception.NumberParameters, 3);
  ck_assert_uint_eq(event->exception.ExceptionInformation[0], access);
  ck_assert_uint_eq(event->exception.ExceptionInformation[2], 0xC0000011);
  return event->exception.ExceptionInformation[1];
}

static void expect_exit(dbgksim_machine *machine, dbgksim_debugger *debugger, uint32_t pid)
{
  NTSTATUS code;
  (void)api_debug_to_the_end(debugger);
  ck_api(dbgksim_run(machine, pid, -1), DBGKSIM_OK);
  ck_api(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
  ck_assert_int_eq(code, 0);
}

/* From the breakpoint, where the file is cut, to the last exception. */
static void run_to_the_last_error(dbgksim_debugger *debugger, struct dbgksim_event *event)
{
  static const uint64_t accesses[] = {0, 1, 8};
  ck_assert_int_eq(ftruncate(host, PAGE), 0);
  ck_api(dbgksim_continue(debugger, event, DBG_CONTINUE), DBGKSIM_OK);
  for (int i = 0; i < 3; i++) {
    (void)expect_in_page_error(debugger, accesses[i], event);
    ck_api(dbgksim_continue(debugger, event, DBG_EXCEPTION_NOT_HANDLED), DBGKSIM_OK);
  }
  (void)expect_in_page_error(debugger, 0, event);
}

START_TEST(a_file_that_shrinks_gives_in_page_errors_until_it_has_grown)
{
  struct dbgksim_event event;
  dbgksim_debugger *debugger;
  unsigned char byte;
  dbgksim_machine *machine = make_machine(_i != 0);
  ck_api(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
  uint32_t pid = api_spawn(machine, "g_in_page", debugger);
  expect_breakpoint(debugger, &event);
  run_to_the_last_error(debugger, &event);
  uint64_t address = event.exception.ExceptionInformation[1];
  ck_assert_uint_eq(address & (PAGE - 1), 0);
  size_t done = 99;
  ck_api(dbgksim_read_memory(machine, pid, address, &byte, 1, &done), DBGKSIM_NT_ERROR);
  ck_assert_uint_eq(done, 0);
  fill_file();
  ck_api(dbgksim_continue(debugger, &event, DBG_EXCEPTION_NOT_HANDLED), DBGKSIM_OK);
  expect_exit(machine, debugger, pid);
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
}
END_TEST

START_TEST(a_page_that_a_snapshot_could_not_read_is_read_after_each_restore)
{
  struct dbgksim_event event, again;
  dbgksim_debugger *debugger;
  dbgksim_snapshot *snapshot;
  dbgksim_machine *machine = make_machine(false);
  ck_api(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
  uint32_t pid = api_spawn(machine, "g_in_page", debugger);
  expect_breakpoint(debugger, &event);
  run_to_the_last_error(debugger, &event);
  ck_api(dbgksim_snapshot_take(machine, &snapshot), DBGKSIM_OK);
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq(ftruncate(host, PAGE), 0);
    ck_api(dbgksim_continue(debugger, &event, DBG_CONTINUE), DBGKSIM_OK);
    ck_assert_uint_eq(expect_in_page_error(debugger, 0, &again), event.exception.ExceptionInformation[1]);
    fill_file();
    ck_api(dbgksim_continue(debugger, &again, DBG_EXCEPTION_NOT_HANDLED), DBGKSIM_OK);
    expect_exit(machine, debugger, pid);
    ck_api(dbgksim_snapshot_restore(snapshot), DBGKSIM_OK);
  }
  dbgksim_snapshot_drop(snapshot);
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
}
END_TEST

START_TEST(a_mapped_file_is_an_input_before_its_pages_are_read)
{
  struct dbgksim_event event;
  struct dbgksim_file file, was;
  dbgksim_debugger *debugger;
  bool found = false;
  dbgksim_machine *machine = make_machine(true);
  ck_api(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
  (void)api_spawn(machine, "g_in_page", debugger);
  expect_breakpoint(debugger, &event);
  ck_api(dbgksim_hash_file(NULL, path, &was), DBGKSIM_OK);
  ck_assert_int_eq(ftruncate(host, PAGE), 0);
  for (unsigned i = 0; !found && dbgksim_input_file(machine, i, &file) == DBGKSIM_OK; i++)
    found = strcmp(file.path, "C:\\data\\data.bin") == 0;
  ck_assert(found && file.known);
  ck_assert_uint_eq(file.size, PAGES * PAGE);
  ck_assert_mem_eq(file.sha256, was.sha256, sizeof was.sha256);
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
}
END_TEST

TCase *paging_tests(void)
{
  TCase *tcase = tcase_create("mapped files");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_loop_test(tcase, a_file_that_shrinks_gives_in_page_errors_until_it_has_grown, 0, 2);
  tcase_add_test(tcase, a_page_that_a_snapshot_could_not_read_is_read_after_each_restore);
  tcase_add_test(tcase, a_mapped_file_is_an_input_before_its_pages_are_read);
  return tcase;
}
