/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug events of guest programs; each test is named after its fact in spec/5. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

#define STARTED(program) "CREATE_PROCESS " program ".exe\nLOAD_DLL ntdll.dll\nEXCEPTION 80000003 first\n"
#define ThreadContextAll (CONTEXT_FULL | CONTEXT_DEBUG_REGISTERS)

static CONTEXT context_of(struct session *s)
{
  CONTEXT context = {.ContextFlags = ThreadContextAll};
  ck_assert_int_eq(dbgksim_get_context(s->machine, s->event.tid, &context), DBGKSIM_OK);
  return context;
}

static void set_context(struct session *s, const CONTEXT *context)
{
  ck_assert_int_eq(dbgksim_set_context(s->machine, s->event.tid, context), DBGKSIM_OK);
}

START_TEST(fact_1_order_of_creation)
{
  struct session *s = session_start("g_exit42");
  ck_assert_uint_eq(session_finish(s, DBG_EXCEPTION_NOT_HANDLED), 42);
  session_expect(s, STARTED("g_exit42") "EXIT_PROCESS 2a\n");
  session_end(s);
}
END_TEST

START_TEST(fact_2_loader_breakpoint_may_be_not_handled)
{
  struct session *s = session_start("g_exit42");
  session_run_to(s, DBGKSIM_EXCEPTION, DBG_CONTINUE);
  char where[128] = "";
  dbgksim_symbolize(s->machine, s->pid, s->event.exception.ExceptionAddress, where, sizeof(where));
  ck_assert_str_ne(where, "ntdll!DbgBreakPoint");
  session_continue(s, DBG_EXCEPTION_NOT_HANDLED);
  ck_assert_uint_eq(session_finish(s, DBG_EXCEPTION_NOT_HANDLED), 42);
  session_expect(s, STARTED("g_exit42") "EXIT_PROCESS 2a\n");
  session_end(s);
}
END_TEST

/* The UTF-16 name that a LOAD_DLL's lpImageName leads to, as ASCII. */
static void read_image_name(struct session *s, char *name, size_t size)
{
  uint64_t pointer = 0;
  WCHAR wide = 1;
  size_t length = 0;
  ck_assert_int_eq(dbgksim_read_memory(s->machine, s->pid, s->event.image_name, &pointer, 8, NULL), DBGKSIM_OK);
  for (; pointer && wide && length < size - 1; length++) {
    ck_assert_int_eq(dbgksim_read_memory(s->machine, s->pid, pointer + 2 * length, &wide, 2, NULL), DBGKSIM_OK);
    name[length] = (char)wide;
  }
  name[length] = 0;
}

START_TEST(fact_3_image_names)
{
  char name[260];
  struct session *s = session_start("g_load_dll");
  session_run_to(s, DBGKSIM_CREATE_PROCESS, DBG_CONTINUE);
  uint64_t teb = s->event.teb;
  ck_assert_uint_eq(s->event.image_name, 0);
  ck_assert(s->event.unicode);
  session_continue(s, DBG_CONTINUE);
  session_run_to(s, DBGKSIM_LOAD_DLL, DBG_CONTINUE);
  ck_assert_uint_eq(s->event.image_name, teb + 0x28);
  ck_assert(s->event.unicode);
  read_image_name(s, name, sizeof(name));
  ck_assert_msg(strstr(name, "ntdll.dll"), "ntdll's name is %s", name);
  session_continue(s, DBG_CONTINUE);
  session_run_to(s, DBGKSIM_LOAD_DLL, DBG_CONTINUE);
  ck_assert_uint_eq(s->event.image_name, teb + 0x28);
  read_image_name(s, name, sizeof(name));
  ck_assert_msg(strstr(name, "g_dll.dll"), "the name is %s", name);
  session_end(s);
}
END_TEST

START_TEST(dll_events)
{
  struct session *s = session_start("g_load_dll");
  ck_assert_uint_eq(session_finish(s, DBG_EXCEPTION_NOT_HANDLED), 0);
  session_expect(s, STARTED("g_load_dll") "LOAD_DLL g_dll.dll\nLOAD_DLL g_dll.dll\nUNLOAD_DLL\nUNLOAD_DLL\n"
                                          "EXCEPTION c0000005 first\nEXIT_PROCESS 0\n");
  session_end(s);
}
END_TEST

START_TEST(fact_10_last_thread_gives_exit_process_only)
{
  struct session *s = session_start("g_last_thread");
  ck_assert_uint_eq(session_finish(s, DBG_EXCEPTION_NOT_HANDLED), 9);
  session_expect(s, STARTED("g_last_thread") "CREATE_THREAD\nEXIT_THREAD 3\nEXIT_PROCESS 9\n");
  session_end(s);
}
END_TEST

START_TEST(fact_10_threads_that_are_terminated_at_exit_report)
{
  struct session *s = session_start("g_terminate_thread");
  ck_assert_uint_eq(session_finish(s, DBG_EXCEPTION_NOT_HANDLED), 0);
  const char *last = strstr(s->lines, "EXIT_PROCESS 0\n");
  ck_assert(last && last[15] == 0);
  ck_assert(strstr(s->lines, "EXIT_THREAD 77\n") && strstr(s->lines, "EXIT_THREAD 78\n"));
  ck_assert(strstr(s->lines, "EXIT_THREAD 66\n"));
  session_end(s);
}
END_TEST

START_TEST(fact_14_illegal_statuses_are_refused)
{
  static const NTSTATUS illegal[] = {0, STATUS_UNSUCCESSFUL, DBG_CONTROL_C, STATUS_PENDING, 0x10003};
  struct session *s = session_start("g_exit42");
  session_run_to(s, DBGKSIM_CREATE_PROCESS, DBG_CONTINUE);
  for (size_t i = 0; i < sizeof(illegal) / sizeof(illegal[0]); i++) {
    ck_assert_int_eq(dbgksim_continue(s->debugger, &s->event, illegal[i]), DBGKSIM_NT_ERROR);
    ck_assert_int_eq(dbgksim_last_nt_status(s->machine), STATUS_INVALID_PARAMETER);
  }
  session_continue(s, DBG_EXCEPTION_HANDLED);
  ck_assert_uint_eq(session_finish(s, DBG_CONTINUE), 42);
  session_end(s);
}
END_TEST

START_TEST(fact_15_reply_later_replays_the_event)
{
  struct session *s = session_start("g_int3_veh");
  session_run_to(s, DBGKSIM_EXCEPTION, DBG_CONTINUE);
  for (int i = 0; i < 3; i++) {
    uint64_t address = s->event.exception.ExceptionAddress;
    session_continue(s, DBG_REPLY_LATER);
    ck_assert(session_next(s));
    ck_assert_int_eq(s->event.code, DBGKSIM_EXCEPTION);
    ck_assert_uint_eq(s->event.exception.ExceptionAddress, address);
  }
  session_continue(s, DBG_CONTINUE);
  s->breakpoints = 1;
  ck_assert_uint_eq(session_finish(s, DBG_EXCEPTION_NOT_HANDLED), 0);
  session_end(s);
}
END_TEST

START_TEST(fact_16_second_chance_not_handled_ends_the_process)
{
  struct session *s = session_start("g_int3_unhandled");
  ck_assert_uint_eq(session_finish(s, DBG_EXCEPTION_NOT_HANDLED), 0x80000003);
  session_expect(s, STARTED("g_int3_unhandled") "EXCEPTION 80000003 first\nEXCEPTION 80000003 second\n"
                                                "EXIT_PROCESS 80000003\n");
  session_end(s);
}
END_TEST

START_TEST(fact_18_handled_exception_resumes_from_the_edited_frame)
{
  struct session *s = session_start("g_access_violation");
  do {
    session_run_to(s, DBGKSIM_EXCEPTION, DBG_CONTINUE);
    if (s->event.exception.ExceptionCode != STATUS_ACCESS_VIOLATION)
      session_continue(s, DBG_CONTINUE);
  } while (s->event.exception.ExceptionCode != STATUS_ACCESS_VIOLATION);
  CONTEXT context = context_of(s);
  ck_assert_uint_eq(context.Rip, s->event.exception.ExceptionAddress);
  ck_assert_uint_eq(context.Rcx, 0);
  context.Rcx = context.Rsp;
  set_context(s, &context);
  session_continue(s, DBG_CONTINUE);
  /* the load worked, so the program's handler was not called, which it reports by its exit code */
  ck_assert(session_next(s));
  ck_assert_int_eq(s->event.code, DBGKSIM_EXIT_PROCESS);
  ck_assert_uint_ne(s->event.exit_code, 0);
  session_end(s);
}
END_TEST

START_TEST(fact_20_int3)
{
  struct session *s = session_start("g_int3_unhandled");
  session_run_to(s, DBGKSIM_EXCEPTION, DBG_CONTINUE);
  session_continue(s, DBG_CONTINUE);
  session_run_to(s, DBGKSIM_EXCEPTION, DBG_CONTINUE);
  const EXCEPTION_RECORD64 *record = &s->event.exception;
  ck_assert_int_eq(record->ExceptionCode, STATUS_BREAKPOINT);
  ck_assert_uint_eq(record->NumberParameters, 1);
  ck_assert_uint_eq(record->ExceptionInformation[0], 0);
  ck_assert_uint_eq(context_of(s).Rip, record->ExceptionAddress + 1);
  session_continue(s, DBG_CONTINUE);
  ck_assert_uint_eq(session_finish(s, DBG_CONTINUE), 7);
  session_end(s);
}
END_TEST

START_TEST(fact_22_int2d_skips_a_byte)
{
  struct session *s = session_start("g_int2d");
  ck_assert_uint_eq(session_finish(s, DBG_CONTINUE), 0x222222);
  session_expect(s, STARTED("g_int2d") "EXCEPTION 80000003 first\nEXCEPTION 80000003 first\nEXIT_PROCESS 222222\n");
  session_end(s);
}
END_TEST

START_TEST(fact_24_fast_fail_is_second_chance_only)
{
  struct session *s = session_start("g_fastfail");
  session_run_to(s, DBGKSIM_EXCEPTION, DBG_CONTINUE);
  session_continue(s, DBG_CONTINUE);
  session_run_to(s, DBGKSIM_EXCEPTION, DBG_CONTINUE);
  ck_assert_uint_eq(s->event.exception.ExceptionFlags, EXCEPTION_NONCONTINUABLE);
  ck_assert_uint_eq(s->event.exception.NumberParameters, 1);
  ck_assert_uint_eq(s->event.exception.ExceptionInformation[0], 5);
  session_continue(s, DBG_EXCEPTION_NOT_HANDLED);
  ck_assert_uint_eq(session_finish(s, DBG_EXCEPTION_NOT_HANDLED), 0xC0000409);
  session_expect(s, STARTED("g_fastfail") "EXCEPTION c0000409 second\nEXIT_PROCESS c0000409\n");
  session_end(s);
}
END_TEST

START_TEST(fact_27_debug_string)
{
  struct session *s = session_start("g_debug_string");
  ck_assert_uint_eq(session_finish(s, DBG_EXCEPTION_NOT_HANDLED), 0);
  session_expect(s, STARTED("g_debug_string") "OUTPUT_DEBUG_STRING hello, debugger\nEXIT_PROCESS 0\n");
  session_end(s);
}
END_TEST

START_TEST(fact_28_bad_handle_raises_under_a_debugger)
{
  struct session *s = session_start("g_bad_handle");
  ck_assert_uint_eq(session_finish(s, DBG_CONTINUE), 0);
  session_expect(s, STARTED("g_bad_handle") "EXCEPTION c0000008 first\nEXCEPTION c0000008 first\nEXIT_PROCESS 0\n");
  session_end(s);
}
END_TEST

START_TEST(fact_31_hidden_thread_sends_nothing)
{
  struct session *s = session_start("g_hide");
  ck_assert_uint_eq(session_finish(s, DBG_CONTINUE), 0);
  session_expect(s, STARTED("g_hide"));
  session_end(s);
}
END_TEST

START_TEST(fact_33_close_ends_the_debuggee)
{
  NTSTATUS code = 0;
  struct session *s = session_start("g_spin");
  session_run_to(s, DBGKSIM_EXCEPTION, DBG_CONTINUE);
  dbgksim_debugger_destroy(s->debugger);
  s->debugger = NULL;
  ck_assert_int_eq(dbgksim_run(s->machine, s->pid, -1), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_exit_code(s->machine, s->pid, &code), DBGKSIM_OK);
  ck_assert_int_eq(code, STATUS_DEBUGGER_INACTIVE);
  session_end(s);
}
END_TEST

START_TEST(fact_44_start_address_of_a_thread)
{
  struct session *s = session_start("g_threads");
  session_run_to(s, DBGKSIM_CREATE_THREAD, DBG_CONTINUE);
  ck_assert_msg(s->event.start_address > s->exe && s->event.start_address < s->exe + 0x10000, "start address %llx",
                (unsigned long long)s->event.start_address);
  ck_assert_uint_ne(s->event.teb, 0);
  session_end(s);
}
END_TEST

START_TEST(fact_45_freeze_is_not_suspend)
{
  uint32_t previous = 99;
  struct session *s = session_start("g_exit42");
  session_run_to(s, DBGKSIM_EXCEPTION, DBG_CONTINUE);
  ck_assert_int_eq(dbgksim_suspend_thread(s->machine, s->event.tid, &previous), DBGKSIM_OK);
  ck_assert_uint_eq(previous, 0);
  ck_assert_int_eq(dbgksim_resume_thread(s->machine, s->event.tid, &previous), DBGKSIM_OK);
  ck_assert_uint_eq(previous, 1);
  session_continue(s, DBG_CONTINUE);
  ck_assert_uint_eq(session_finish(s, DBG_CONTINUE), 42);
  session_end(s);
}
END_TEST

START_TEST(breakpoint_written_by_the_debugger_and_single_steps)
{
  uint8_t byte = 0, breakpoint = 0xCC;
  struct session *s = session_start("g_exit42");
  session_run_to(s, DBGKSIM_CREATE_PROCESS, DBG_CONTINUE);
  uint64_t at = s->event.start_address;
  ck_assert_int_eq(dbgksim_read_memory(s->machine, s->pid, at, &byte, 1, NULL), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_write_memory(s->machine, s->pid, at, &breakpoint, 1, NULL), DBGKSIM_OK);
  session_continue(s, DBG_CONTINUE);
  session_run_to(s, DBGKSIM_EXCEPTION, DBG_CONTINUE);
  session_continue(s, DBG_CONTINUE);
  session_run_to(s, DBGKSIM_EXCEPTION, DBG_CONTINUE);
  ck_assert_uint_eq(s->event.exception.ExceptionAddress, at);
  ck_assert_int_eq(dbgksim_write_memory(s->machine, s->pid, at, &byte, 1, NULL), DBGKSIM_OK);
  for (int step = 0; step < 3; step++) {
    CONTEXT context = context_of(s);
    if (step == 0)
      context.Rip = at;
    context.EFlags |= 0x100;
    set_context(s, &context);
    session_continue(s, DBG_CONTINUE);
    session_run_to(s, DBGKSIM_EXCEPTION, DBG_CONTINUE);
    ck_assert_int_eq(s->event.exception.ExceptionCode, STATUS_SINGLE_STEP);
    ck_assert_uint_eq(s->event.exception.ExceptionAddress, context_of(s).Rip);
    ck_assert_uint_ne(context_of(s).Rip, context.Rip);
  }
  session_continue(s, DBG_CONTINUE);
  ck_assert_uint_eq(session_finish(s, DBG_CONTINUE), 42);
  session_end(s);
}
END_TEST

START_TEST(execute_breakpoint_set_by_the_debugger)
{
  struct session *s = session_start("g_exit42");
  session_run_to(s, DBGKSIM_CREATE_PROCESS, DBG_CONTINUE);
  uint64_t at = s->event.start_address;
  session_continue(s, DBG_CONTINUE);
  session_run_to(s, DBGKSIM_EXCEPTION, DBG_CONTINUE);
  CONTEXT context = {.ContextFlags = CONTEXT_DEBUG_REGISTERS, .Dr1 = at, .Dr7 = 4};
  set_context(s, &context);
  session_continue(s, DBG_CONTINUE);
  session_run_to(s, DBGKSIM_EXCEPTION, DBG_CONTINUE);
  ck_assert_int_eq(s->event.exception.ExceptionCode, STATUS_SINGLE_STEP);
  ck_assert_uint_eq(s->event.exception.ExceptionAddress, at);
  ck_assert_uint_eq(context_of(s).Dr6 & 0xF, 2);
  context.Dr7 = 0;
  set_context(s, &context);
  session_continue(s, DBG_CONTINUE);
  ck_assert_uint_eq(session_finish(s, DBG_CONTINUE), 42);
  session_end(s);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("guest events");
  TCase *tests = tcase_create("events");
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, fact_1_order_of_creation);
  tcase_add_test(tests, fact_2_loader_breakpoint_may_be_not_handled);
  tcase_add_test(tests, fact_3_image_names);
  tcase_add_test(tests, dll_events);
  tcase_add_test(tests, fact_10_last_thread_gives_exit_process_only);
  tcase_add_test(tests, fact_10_threads_that_are_terminated_at_exit_report);
  tcase_add_test(tests, fact_14_illegal_statuses_are_refused);
  tcase_add_test(tests, fact_15_reply_later_replays_the_event);
  tcase_add_test(tests, fact_16_second_chance_not_handled_ends_the_process);
  tcase_add_test(tests, fact_18_handled_exception_resumes_from_the_edited_frame);
  tcase_add_test(tests, fact_20_int3);
  tcase_add_test(tests, fact_22_int2d_skips_a_byte);
  tcase_add_test(tests, fact_24_fast_fail_is_second_chance_only);
  tcase_add_test(tests, fact_27_debug_string);
  tcase_add_test(tests, fact_28_bad_handle_raises_under_a_debugger);
  tcase_add_test(tests, fact_31_hidden_thread_sends_nothing);
  tcase_add_test(tests, fact_33_close_ends_the_debuggee);
  tcase_add_test(tests, fact_44_start_address_of_a_thread);
  tcase_add_test(tests, fact_45_freeze_is_not_suspend);
  tcase_add_test(tests, breakpoint_written_by_the_debugger_and_single_steps);
  tcase_add_test(tests, execute_breakpoint_set_by_the_debugger);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
