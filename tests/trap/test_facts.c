/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts of spec/5 about single instructions and services, beside those in test_dispatch.c and test_context.c. */
#include "stage.h"

#include <string.h>

#define CODE_64 0x33
#define THREAD ((uint64_t)-2)
#define THREAD_HIDE_FROM_DEBUGGER 0x11
#define TEB_EXCEPTION_CODE 0x2C0
#define GUARDED 0x20300000ull

static struct stage s;

static void setup(void) { stage_start(&s); }
static void teardown(void) { stage_end(&s); }

static void next_event(NTSTATUS answer)
{
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, answer), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_wait(s.debugger, -1, &s.event), DBGKSIM_OK);
}

/* mov ecx, 7; int 29. The handlers of user mode would stop at stage_catch_deliveries' INT3. */
START_TEST(fact_24_no_handler_runs)
{
  stage_catch_deliveries(&s);
  const EXCEPTION_RECORD64 *r = stage_run(&s, "\xB9\x07\0\0\0\xCD\x29", 7, CODE_64);
  stage_expect(r, STATUS_STACK_BUFFER_OVERRUN, STAGE_CODE + 5, 1);
  ck_assert_uint_eq(r->ExceptionInformation[0], 7);
  ck_assert_uint_eq(r->ExceptionFlags, EXCEPTION_NONCONTINUABLE);
  ck_assert(!s.event.first_chance);
  next_event(DBG_EXCEPTION_NOT_HANDLED);
  ck_assert_int_eq(s.event.code, DBGKSIM_EXIT_PROCESS);
  ck_assert_uint_eq(s.event.exit_code, 0xC0000409);
}
END_TEST

/* mov rax, 0000800000000000 (and the other end of the hole); mov eax, [rax]; mov [rax], eax: the address is not told.
 */
START_TEST(fact_25_non_canonical_addresses)
{
  static const char codes[][13] = {"\x48\xB8\0\0\0\0\0\x80\0\0\x8B\x00",
                                   "\x48\xB8\xFF\xFF\xFF\xFF\xFF\x7F\xFF\xFF\x8B\x00",
                                   "\x48\xB8\0\0\0\0\0\x80\0\0\x89\x00"};
  for (size_t i = 0; i < 3; i++)
    stage_expect_access_violation(stage_run(&s, codes[i], 12, CODE_64), STAGE_CODE + 10, 0, ~0ull);
}
END_TEST

START_TEST(fact_26_a_guard_page_has_two_parameters)
{
  stage_allocate(&s, GUARDED, 0x1000, PAGE_READWRITE | PAGE_GUARD);
  /* mov eax, [20300010]; int3 */
  const EXCEPTION_RECORD64 *r = stage_run(&s, "\x8B\x04\x25\x10\0\x30\x20\xCC", 8, CODE_64);
  stage_expect(r, STATUS_GUARD_PAGE_VIOLATION, STAGE_CODE, 2);
  ck_assert_uint_eq(r->ExceptionInformation[0], 0);
  ck_assert_uint_eq(r->ExceptionInformation[1], GUARDED + 0x10);
  /* once: the page has lost its guard */
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE + 7, 1);
}
END_TEST

/* What OutputDebugString raises, the wide form first: the debugger is told of a string, a handler of the parameters. */
START_TEST(fact_27_strings_are_exceptions)
{
  static const struct {
    NTSTATUS code;
    ULONG parameters;
    bool unicode;
  } forms[] = {{DBG_PRINTEXCEPTION_WIDE_C, 4, true}, {DBG_PRINTEXCEPTION_C, 2, false}};
  const uint64_t dispatcher = stage_catch_deliveries(&s);
  for (size_t i = 0; i < 2; i++) {
    EXCEPTION_RECORD64 record = {.ExceptionCode = forms[i].code,
                                 .ExceptionAddress = 0x1234,
                                 .NumberParameters = forms[i].parameters,
                                 .ExceptionInformation = {6, STAGE_DATA + 0x100, 7, STAGE_DATA + 0x200}};
    const CONTEXT context = stage_context(&s);
    stage_write(&s, STAGE_DATA, &record, sizeof record);
    stage_write(&s, STAGE_DATA + 0x1000, &context, sizeof context);
    stage_set_service(&s, "NtRaiseException", STAGE_DATA, STAGE_DATA + 0x1000, true, 0);
    next_event(DBG_CONTINUE);
    ck_assert_int_eq(s.event.code, DBGKSIM_OUTPUT_DEBUG_STRING);
    ck_assert(s.event.unicode == forms[i].unicode);
    ck_assert_uint_eq(s.event.string_length, 6);
    ck_assert_uint_eq(s.event.string_address, STAGE_DATA + 0x100);
    stage_expect(stage_next(&s, DBG_EXCEPTION_NOT_HANDLED), STATUS_BREAKPOINT, dispatcher, 1);
    stage_read(&s, stage_context(&s).Rsp + 0x4F0, &record, sizeof record);
    stage_expect(&record, forms[i].code, 0x1234, forms[i].parameters);
    ck_assert_uint_eq(record.ExceptionInformation[forms[i].parameters - 1],
                      forms[i].unicode ? STAGE_DATA + 0x200 : STAGE_DATA + 0x100);
  }
}
END_TEST

START_TEST(fact_28_pseudo_handles_do_not_raise)
{
  ck_assert_int_lt(stage_service(&s, "NtClose", 0, 0, 0, 0), 0);
  for (int handle = -6; handle < 0; handle++)
    stage_service(&s, "NtClose", (uint64_t)handle, 0, 0, 0);
}
END_TEST

/* The port decides whether a bad handle raises, not the PEB's byte. */
START_TEST(fact_28_the_port_decides)
{
  const uint64_t dispatcher = STAGE_CODE + 0xE00, byte_at = stage_process(&s)->Peb + 2;
  ULONG code = 0;
  stage_write(&s, dispatcher, "\xCC", 1);
  STAGE_INSIDE(&s, {
    struct user_entry_points points = *trap_entry_points();
    points.KiRaiseUserExceptionDispatcher = dispatcher;
    trap_set_entry_points(&points);
  });
  for (unsigned char byte = 0; byte < 2; byte++) {
    stage_write(&s, byte_at, &byte, 1);
    stage_set_service(&s, "NtClose", 0xDEAD0, 0, 0, 0);
    stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, dispatcher, 1);
    stage_read(&s, stage_thread(&s)->Tcb.Teb + TEB_EXCEPTION_CODE, &code, sizeof code);
    ck_assert_uint_eq(code, 0xC0000008);
    ck_assert_uint_eq((ULONG)stage_context(&s).Rax, 0xC0000008);
  }
}
END_TEST

/* Setting wants no buffer, asking one byte; afterwards the thread's breakpoint, its end and that of its process are
 * nobody's to see. */
START_TEST(fact_31_set_wants_0_query_wants_1)
{
  const uint64_t none = 0;
  unsigned char hidden = 7;
  NTSTATUS code = 0;
  stage_write(&s, STAGE_STACK + 0x28, &none, sizeof none);
  ck_assert_int_eq(stage_service(&s, "NtSetInformationThread", THREAD, THREAD_HIDE_FROM_DEBUGGER, STAGE_DATA, 1),
                   STATUS_INFO_LENGTH_MISMATCH);
  ck_assert_int_eq(stage_service(&s, "NtQueryInformationThread", THREAD, THREAD_HIDE_FROM_DEBUGGER, STAGE_DATA, 4),
                   STATUS_INFO_LENGTH_MISMATCH);
  stage_write(&s, STAGE_DATA, &hidden, 1);
  ck_assert_int_eq(stage_service(&s, "NtQueryInformationThread", THREAD, THREAD_HIDE_FROM_DEBUGGER, STAGE_DATA, 1),
                   STATUS_SUCCESS);
  stage_read(&s, STAGE_DATA, &hidden, 1);
  ck_assert_uint_eq(hidden, 0);
  stage_set_service(&s, "NtSetInformationThread", THREAD, THREAD_HIDE_FROM_DEBUGGER, 0, 0);
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
  /* the debugger waits for what nobody will send */
  ck_assert_int_eq(dbgksim_wait(s.debugger, -1, &s.event), DBGKSIM_DEADLOCK);
  ck_assert_int_eq(dbgksim_exit_code(s.machine, s.pid, &code), DBGKSIM_OK);
  ck_assert_int_eq(code, STATUS_BREAKPOINT);
}
END_TEST

/* KdpStub, asked directly: TRUE for services 1, 3, 4 and 5, with Rip one further; at no second chance. */
START_TEST(fact_40_the_stub_swallows_1_3_4_5)
{
  STAGE_INSIDE(&s, {
    const PKDEBUG_ROUTINE stub = trap_state()->KiDebugRoutine;
    for (ULONG64 service = 0; service < 9; service++) {
      EXCEPTION_RECORD64 record = {
          .ExceptionCode = STATUS_BREAKPOINT, .NumberParameters = 1, .ExceptionInformation = {service}};
      CONTEXT context = {.ContextFlags = CONTEXT_ALL, .Rip = STAGE_CODE};
      const bool swallowed = service == 1 || (service >= 3 && service <= 5);
      ck_assert(stub(NULL, NULL, &record, &context, UserMode, FALSE) == swallowed);
      ck_assert_uint_eq(context.Rip, STAGE_CODE + swallowed);
      record.ExceptionCode = STATUS_ACCESS_VIOLATION;
      ck_assert(!stub(NULL, NULL, &record, &context, UserMode, FALSE));
    }
  });
}
END_TEST

TCase *fact_tests(void)
{
  TCase *tests = tcase_create("facts");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, fact_24_no_handler_runs);
  tcase_add_test(tests, fact_25_non_canonical_addresses);
  tcase_add_test(tests, fact_26_a_guard_page_has_two_parameters);
  tcase_add_test(tests, fact_27_strings_are_exceptions);
  tcase_add_test(tests, fact_28_pseudo_handles_do_not_raise);
  tcase_add_test(tests, fact_28_the_port_decides);
  tcase_add_test(tests, fact_31_set_wants_0_query_wants_1);
  tcase_add_test(tests, fact_40_the_stub_swallows_1_3_4_5);
  return tests;
}
