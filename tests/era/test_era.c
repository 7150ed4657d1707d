/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where builds differ: a test for each row of spec/3.8 that the kernel has a part in, over its three columns. */
#include "machine/machine.h"
#include "ntos/ke/ke.h"

#include <dbgksim/dbgksim.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const eras[] = {"xp", "win7", "win10"};
enum { XP, WIN7, WIN10 };

static dbgksim_machine *machine;
static dbgksim_debugger *debugger;
static struct dbgksim_event event;
static uint32_t pid;

static void start_machine(const char *era, const char *userland)
{
  struct dbgksim_config config;
  dbgksim_config_init(&config);
  config.userland = userland;
  config.era = era;
  ck_assert_msg(dbgksim_machine_create(&config, &machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  ck_assert_int_eq(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
}

static void start_program(const char *folder, const char *name, bool debugged)
{
  char path[1024];
  snprintf(path, sizeof path, "%s/%s.exe", folder, name);
  const struct dbgksim_program program = {.path = path};
  ck_assert_msg(dbgksim_spawn(machine, &program, debugged ? debugger : NULL, &pid) == DBGKSIM_OK, "%s",
                dbgksim_message(machine));
}

static void end(void)
{
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
}

static void next(enum dbgksim_event_code code)
{
  ck_assert_msg(dbgksim_wait(debugger, -1, &event) == DBGKSIM_OK, "%s", dbgksim_message(machine));
  ck_assert_int_eq(event.code, code);
}

static void answer(NTSTATUS status) { ck_assert_int_eq(dbgksim_continue(debugger, &event, status), DBGKSIM_OK); }

static void pass(enum dbgksim_event_code code)
{
  next(code);
  answer(DBG_CONTINUE);
}

static ULONG flags_of(uint32_t id)
{
  EPROCESS *process;
  ck_assert_int_eq(machine_enter(machine), DBGKSIM_OK);
  ck_assert(NT_SUCCESS(PsLookupProcessByProcessId(id, &process)));
  ULONG flags = process->Flags;
  ObDereferenceObject(process);
  machine_leave(machine);
  return flags;
}

START_TEST(who_sets_create_reported)
{
  start_machine(eras[_i], NANO_DIR);
  start_program(GUEST_PROGRAM_DIR, "g_spin", false);
  dbgksim_run(machine, pid, 1000000);
  /* Without a debugger nothing is sent, so only DbgkCreateThread's test-and-set leaves the mark. */
  ck_assert_int_eq(!(flags_of(pid) & PS_PROCESS_FLAGS_CREATE_REPORTED), _i == XP);
  end();
  start_machine(eras[_i], NANO_DIR);
  start_program(GUEST_PROGRAM_DIR, "g_spin", true);
  next(DBGKSIM_CREATE_PROCESS);
  ck_assert(flags_of(pid) & PS_PROCESS_FLAGS_CREATE_REPORTED);
  end();
}
END_TEST

START_TEST(ntdll_event_at_an_attach)
{
  start_machine(eras[_i], NANO_DIR);
  start_program(TARGET_DIR, "target", false);
  ck_assert_int_eq(dbgksim_run(machine, pid, 20000000), DBGKSIM_TIMEOUT);
  ck_assert_int_eq(dbgksim_attach(debugger, pid, false), DBGKSIM_OK);
  pass(DBGKSIM_CREATE_PROCESS);
  if (_i != XP)
    pass(DBGKSIM_LOAD_DLL);
  next(DBGKSIM_CREATE_THREAD);
  unsigned ntdll = 0;
  while (event.code == DBGKSIM_CREATE_THREAD) {
    answer(DBG_CONTINUE);
    ck_assert_int_eq(dbgksim_wait(debugger, 0, &event), DBGKSIM_OK);
  }
  while (event.code == DBGKSIM_LOAD_DLL) {
    ntdll += strstr(event.file, "ntdll.dll") != NULL;
    answer(DBG_CONTINUE);
    if (dbgksim_wait(debugger, 0, &event) != DBGKSIM_OK)
      break;
  }
  ck_assert_uint_eq(ntdll, _i == XP);
  end();
}
END_TEST

START_TEST(live_ntdll_event_whose_file_cannot_be_opened)
{
  char folder[] = "/tmp/dbgksim-era-XXXXXX", command[1200], path[64];
  ck_assert_ptr_nonnull(mkdtemp(folder));
  snprintf(command, sizeof command, "cp '%s/ntdll.dll' %s", NANO_DIR, folder);
  ck_assert_int_eq(system(command), 0);
  start_machine(eras[_i], folder);
  snprintf(path, sizeof path, "%s/ntdll.dll", folder);
  ck_assert_int_eq(unlink(path), 0);
  rmdir(folder);
  start_program(GUEST_PROGRAM_DIR, "g_exit42", true);
  pass(DBGKSIM_CREATE_PROCESS);
  if (_i == WIN10) {
    next(DBGKSIM_LOAD_DLL);
    ck_assert(!event.has_file);
    answer(DBG_CONTINUE);
  }
  pass(DBGKSIM_EXCEPTION);
  pass(DBGKSIM_EXIT_PROCESS);
  end();
}
END_TEST

START_TEST(reply_later)
{
  start_machine(eras[_i], NANO_DIR);
  start_program(GUEST_PROGRAM_DIR, "g_exit42", true);
  pass(DBGKSIM_CREATE_PROCESS);
  pass(DBGKSIM_LOAD_DLL);
  next(DBGKSIM_EXCEPTION);
  enum dbgksim_status status = dbgksim_continue(debugger, &event, DBG_REPLY_LATER);
  if (_i == WIN10) {
    ck_assert_int_eq(status, DBGKSIM_OK);
    next(DBGKSIM_EXCEPTION);
  } else {
    ck_assert_int_eq(status, DBGKSIM_NT_ERROR);
    ck_assert_int_eq(dbgksim_last_nt_status(machine), STATUS_INVALID_PARAMETER);
  }
  answer(DBG_CONTINUE);
  pass(DBGKSIM_EXIT_PROCESS);
  end();
}
END_TEST

/* Where the EXCEPTION_RECORD lies for KiUserExceptionDispatcher: caught there by an execute breakpoint (an INT3, because
 * a fault leaves RF set, which lets the first instruction pass). */
START_TEST(user_frame)
{
  start_machine(eras[_i], NANO_DIR);
  start_program(GUEST_PROGRAM_DIR, "g_int3_unhandled", true);
  pass(DBGKSIM_CREATE_PROCESS);
  pass(DBGKSIM_LOAD_DLL);
  pass(DBGKSIM_EXCEPTION);
  next(DBGKSIM_EXCEPTION);
  ck_assert_int_eq(event.exception.ExceptionCode, STATUS_BREAKPOINT);
  ck_assert_int_eq(machine_enter(machine), DBGKSIM_OK);
  const struct pe_headers *headers = mm_section_headers(life_userland()->ntdll);
  uint32_t rva = pe_export_rva(mm_section_image(life_userland()->ntdll), headers->size_of_image, headers,
                               "KiUserExceptionDispatcher");
  ULONG64 dispatcher = headers->image_base + rva;
  machine_leave(machine);
  CONTEXT context = {.ContextFlags = CONTEXT_DEBUG_REGISTERS, .Dr0 = dispatcher, .Dr7 = 1};
  ck_assert_int_eq(dbgksim_set_context(machine, event.tid, &context), DBGKSIM_OK);
  ULONG64 address = event.exception.ExceptionAddress;
  answer(DBG_EXCEPTION_NOT_HANDLED);
  next(DBGKSIM_EXCEPTION);
  ck_assert_int_eq(event.exception.ExceptionCode, STATUS_SINGLE_STEP);
  context.ContextFlags = CONTEXT_CONTROL;
  ck_assert_int_eq(dbgksim_get_context(machine, event.tid, &context), DBGKSIM_OK);
  ck_assert_uint_eq(context.Rip, dispatcher);
  EXCEPTION_RECORD64 record;
  ck_assert_int_eq(dbgksim_read_memory(machine, pid, context.Rsp + (_i == XP ? 0x4D0 : 0x4F0), &record, sizeof record,
                                       NULL),
                   DBGKSIM_OK);
  ck_assert_int_eq(record.ExceptionCode, STATUS_BREAKPOINT);
  ck_assert_uint_eq(record.ExceptionAddress, address);
  ck_assert_uint_eq(context.Rsp % 16, 0);
  end();
}
END_TEST

START_TEST(int_2e)
{
  NTSTATUS code;
  start_machine(eras[_i], NANO_DIR);
  start_program(ERA_PROGRAM_DIR, "g_int2e", false);
  ck_assert_int_eq(dbgksim_run(machine, pid, -1), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_exit_code(machine, pid, &code), DBGKSIM_OK);
  ck_assert_int_eq(code, _i == XP ? 0 : STATUS_ACCESS_VIOLATION);
  end();
}
END_TEST

START_TEST(cross_thread_flags_layout)
{
  const ULONG all = PS_CROSS_THREAD_FLAGS_TERMINATED | PS_CROSS_THREAD_FLAGS_HIDE_FROM_DEBUGGER |
                    PS_CROSS_THREAD_FLAGS_HARD_ERRORS_DISABLED | PS_CROSS_THREAD_FLAGS_SKIP_CREATION_MSG |
                    PS_CROSS_THREAD_FLAGS_SKIP_TERMINATION_MSG | PS_CROSS_THREAD_FLAGS_BREAK_ON_TERMINATION;
  ck_assert_uint_eq(era_cross_thread_flags(era_find(eras[_i]), all), _i == WIN10 ? 0xF5 : 0x1E5);
}
END_TEST

START_TEST(break_in_thread)
{
  start_machine(eras[_i], NANO_DIR);
  start_program(GUEST_PROGRAM_DIR, "g_spin", false);
  dbgksim_run(machine, pid, 1000000);
  ck_assert_int_eq(dbgksim_attach(debugger, pid, true), DBGKSIM_OK);
  do
    ck_assert_int_eq(dbgksim_wait(debugger, -1, &event), DBGKSIM_OK);
  while (event.code != DBGKSIM_EXCEPTION && dbgksim_continue(debugger, &event, DBG_CONTINUE) == DBGKSIM_OK);
  ck_assert_int_eq(event.exception.ExceptionCode, STATUS_BREAKPOINT);
  end();
}
END_TEST

START_TEST(unknown_era_is_refused)
{
  struct dbgksim_config config;
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  config.era = "dos";
  ck_assert_int_eq(dbgksim_machine_create(&config, &machine), DBGKSIM_BAD_ARGUMENT);
  ck_assert_str_eq(dbgksim_message(NULL), "era dos: known are win10, win7 and xp");
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("era");
  TCase *tcase = tcase_create("rows");
  tcase_set_timeout(tcase, 60);
  tcase_add_loop_test(tcase, who_sets_create_reported, XP, WIN10 + 1);
  tcase_add_loop_test(tcase, ntdll_event_at_an_attach, XP, WIN10 + 1);
  tcase_add_loop_test(tcase, live_ntdll_event_whose_file_cannot_be_opened, XP, WIN10 + 1);
  tcase_add_loop_test(tcase, reply_later, XP, WIN10 + 1);
  tcase_add_loop_test(tcase, user_frame, XP, WIN10 + 1);
  tcase_add_loop_test(tcase, int_2e, XP, WIN10 + 1);
  tcase_add_loop_test(tcase, cross_thread_flags_layout, XP, WIN10 + 1);
  tcase_add_loop_test(tcase, break_in_thread, XP, WIN10 + 1);
  tcase_add_test(tcase, unknown_era_is_refused);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
