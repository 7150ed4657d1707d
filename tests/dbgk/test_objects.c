/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug objects: creation, access, information, the last close (spec/3.2, 3.5; spec/5 facts 32, 33, 42, 43). */
#include "kit.h"

#include "client/client.h"

#define TEB_DEBUG_HANDLE 0x16A8u

struct basic_information {
  ULONG Attributes, GrantedAccess, HandleCount, PointerCount, rest[10];
};

static ACCESS_MASK granted(HANDLE handle)
{
  struct basic_information basic;
  ck_status(NtQueryObject(handle, 0, AT(&basic), sizeof basic, 0), STATUS_SUCCESS);
  return basic.GrantedAccess;
}

static NTSTATUS set_kill(HANDLE object, ULONG flags, ULONG *length)
{
  return NtSetInformationDebugObject(object, 1, AT(&flags), sizeof flags, AT(length));
}

START_TEST(create_refuses_unknown_flags)
{
  static const ULONG flags[] = {2, 3, 4, 0x80000001};
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
    HANDLE handle = 0x1234;
    ck_status(NtCreateDebugObject(AT(&handle), DEBUG_ALL_ACCESS, 0, flags[i]), STATUS_INVALID_PARAMETER);
    ck_assert_uint_eq(handle, 0);
  }
}
END_TEST

START_TEST(create_fails_when_the_handle_table_is_full)
{
  static HANDLE handles[0x20000];
  unsigned count = 0;
  HANDLE handle;
  NTSTATUS status;
  while (NT_SUCCESS(status = NtCreateDebugObject(AT(&handle), DEBUG_ALL_ACCESS, 0, 0)))
    handles[count++] = handle;
  ck_status(status, STATUS_INSUFFICIENT_RESOURCES);
  ck_assert_uint_eq(handle, 0);
  while (count)
    ck_status(NtClose(handles[--count]), STATUS_SUCCESS);
}
END_TEST

START_TEST(fact_32_kill_on_exit_information)
{
  ULONG flags = 1, length = 99;
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  for (ULONG size = 0; size <= 8; size++) {
    if (size == sizeof flags)
      continue;
    length = 99;
    ck_status(NtSetInformationDebugObject(object, 1, AT(&flags), size, AT(&length)), STATUS_INFO_LENGTH_MISMATCH);
    ck_assert_uint_eq(length, 4);
    ck_status(NtSetInformationDebugObject(object, 1, AT(&flags), size, 0), STATUS_INFO_LENGTH_MISMATCH);
  }
  for (ULONG value = 0; value <= 1; value++) {
    length = 99;
    ck_status(set_kill(object, value, &length), STATUS_SUCCESS);
    ck_assert_uint_eq(length, 0);
  }
  ck_status(set_kill(object, 2, &length), STATUS_INVALID_PARAMETER);
  ck_status(set_kill(object, 3, &length), STATUS_INVALID_PARAMETER);
  ck_status(set_kill(object, 0x80000000, &length), STATUS_INVALID_PARAMETER);
  ck_status(NtSetInformationDebugObject(object, 0, AT(&flags), sizeof flags, 0), STATUS_INVALID_PARAMETER);
  ck_status(NtSetInformationDebugObject(object, 2, AT(&flags), sizeof flags, 0), STATUS_INVALID_PARAMETER);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

/* spec/3.5: class, length, flag bits, handle. */
START_TEST(fact_32_order_of_the_checks)
{
  ULONG flags = 2, length = 99;
  ck_status(NtSetInformationDebugObject(0, 2, AT(&flags), 3, AT(&length)), STATUS_INVALID_PARAMETER);
  ck_status(NtSetInformationDebugObject(0, 1, AT(&flags), 3, AT(&length)), STATUS_INFO_LENGTH_MISMATCH);
  ck_status(set_kill(0, 2, &length), STATUS_INVALID_PARAMETER);
  ck_status(set_kill(0, 1, &length), STATUS_INVALID_HANDLE);
}
END_TEST

START_TEST(services_check_the_type_of_the_object)
{
  HANDLE event, object = debug_object(0, DEBUG_ALL_ACCESS);
  ULONG length;
  DBGUI_WAIT_STATE_CHANGE change;
  struct debuggee d = spinning();
  ck_status(NtCreateEvent(AT(&event), 0x1F0003, 0, 0, FALSE), STATUS_SUCCESS);
  ck_status(NtWaitForDebugEvent(event, FALSE, MS(0), AT(&change)), STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(NtDebugContinue(event, AT(&d.id), DBG_CONTINUE), STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(NtDebugActiveProcess(d.process, event), STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(NtRemoveProcessDebug(d.process, event), STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(set_kill(event, 1, &length), STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(NtDebugActiveProcess(d.thread, object), STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(NtRemoveProcessDebug(object, object), STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(NtClose(event), STATUS_SUCCESS);
  ck_status(NtWaitForDebugEvent(event, FALSE, MS(0), AT(&change)), STATUS_INVALID_HANDLE);
  ck_status(NtDebugContinue(event, AT(&d.id), DBG_CONTINUE), STATUS_INVALID_HANDLE);
  ck_status(NtDebugActiveProcess(event, object), STATUS_INVALID_HANDLE);
  ck_status(NtRemoveProcessDebug(d.process, event), STATUS_INVALID_HANDLE);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
}
END_TEST

START_TEST(services_check_the_access_of_the_handle)
{
  DBGUI_WAIT_STATE_CHANGE change;
  ULONG length;
  HANDLE process;
  struct debuggee d = spinning();
  HANDLE no_read = debug_object(0, DEBUG_ALL_ACCESS & ~DEBUG_READ_EVENT);
  HANDLE no_assign = debug_object(0, DEBUG_ALL_ACCESS & ~DEBUG_PROCESS_ASSIGN);
  HANDLE no_set = debug_object(0, DEBUG_ALL_ACCESS & ~DEBUG_SET_INFORMATION);
  HANDLE no_wait = debug_object(0, DEBUG_ALL_ACCESS & ~SYNCHRONIZE);
  ck_status(NtDuplicateObject(NtCurrentProcess(), d.process, NtCurrentProcess(), AT(&process),
                              PROCESS_ALL_ACCESS & ~PROCESS_SET_PORT, 0, 0),
            STATUS_SUCCESS);
  ck_status(NtWaitForDebugEvent(no_read, FALSE, MS(0), AT(&change)), STATUS_ACCESS_DENIED);
  ck_status(NtDebugContinue(no_read, AT(&d.id), DBG_CONTINUE), STATUS_ACCESS_DENIED);
  ck_status(NtDebugActiveProcess(d.process, no_assign), STATUS_ACCESS_DENIED);
  ck_status(NtRemoveProcessDebug(d.process, no_assign), STATUS_ACCESS_DENIED);
  ck_status(set_kill(no_set, 1, &length), STATUS_ACCESS_DENIED);
  ck_status(NtWaitForSingleObject(no_wait, FALSE, MS(0)), STATUS_ACCESS_DENIED);
  ck_status(NtDebugActiveProcess(process, no_set), STATUS_ACCESS_DENIED);
  ck_status(NtRemoveProcessDebug(process, no_set), STATUS_ACCESS_DENIED);
  /* each of the others does what its rights allow */
  ck_status(NtDebugActiveProcess(d.process, no_read), STATUS_SUCCESS);
  ck_status(NtRemoveProcessDebug(d.process, no_read), STATUS_SUCCESS);
  ck_status(NtWaitForDebugEvent(no_assign, FALSE, MS(0), AT(&change)), STATUS_TIMEOUT);
  ck_status(NtClose(process), STATUS_SUCCESS);
  ck_status(NtClose(no_read), STATUS_SUCCESS);
  ck_status(NtClose(no_assign), STATUS_SUCCESS);
  ck_status(NtClose(no_set), STATUS_SUCCESS);
  ck_status(NtClose(no_wait), STATUS_SUCCESS);
  end(&d);
}
END_TEST

START_TEST(fact_42_generic_access)
{
  static const struct {
    ACCESS_MASK generic, mapped;
  } cases[] = {{GENERIC_READ, READ_CONTROL | 1},
               {GENERIC_WRITE, READ_CONTROL | 2},
               {GENERIC_EXECUTE, READ_CONTROL | SYNCHRONIZE},
               {GENERIC_ALL, 0x1F000F},
               {MAXIMUM_ALLOWED, 0x1F000F},
               {4, 4}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    HANDLE object = debug_object(0, cases[i].generic);
    ck_assert_uint_eq(granted(object), cases[i].mapped);
    ck_status(NtClose(object), STATUS_SUCCESS);
  }
}
END_TEST

START_TEST(fact_42_the_debug_handle_is_waitable)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  ck_status(NtWaitForSingleObject(object, FALSE, MS(10)), STATUS_TIMEOUT);
  struct debuggee d = start("g_exit42", object, 0, NULL);
  ck_status(NtWaitForSingleObject(object, FALSE, MS(1000)), STATUS_SUCCESS);
  /* EventsPresent is a notification event: a wait takes nothing away (fact 34) */
  ck_status(NtWaitForSingleObject(object, FALSE, MS(0)), STATUS_SUCCESS);
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgCreateProcessStateChange);
  /* it is cleared by the reader who finds nothing */
  nothing(object);
  ck_status(NtWaitForSingleObject(object, FALSE, MS(0)), STATUS_TIMEOUT);
  answer(object, &change, DBG_CONTINUE);
  ck_status(NtWaitForSingleObject(object, FALSE, MS(1000)), STATUS_SUCCESS);
  pass(object, DbgLoadDllStateChange);
  pass(object, DbgBreakpointStateChange);
  pass(object, DbgExitProcessStateChange);
  ended(&d, 42);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

START_TEST(fact_33_the_last_close_kills)
{
  HANDLE second, object = debug_object(DEBUG_KILL_ON_CLOSE, DEBUG_ALL_ACCESS);
  struct debuggee created = start("g_spin", object, 0, NULL), attached = spinning();
  ck_status(NtDebugActiveProcess(attached.process, object), STATUS_SUCCESS);
  ck_status(NtDuplicateObject(NtCurrentProcess(), object, NtCurrentProcess(), AT(&second), 0, 0, DUPLICATE_SAME_ACCESS),
            STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  ck_status(NtWaitForSingleObject(created.process, FALSE, MS(20)), STATUS_TIMEOUT);
  ck_status(NtClose(second), STATUS_SUCCESS);
  ended(&created, STATUS_DEBUGGER_INACTIVE);
  ended(&attached, STATUS_DEBUGGER_INACTIVE);
}
END_TEST

/* The threads that an attach holds are let go, and the process ends although none of its events was read. */
START_TEST(fact_33_the_last_close_kills_whatever_waits)
{
  for (int read = 0; read < 3; read++) {
    DBGUI_WAIT_STATE_CHANGE change;
    HANDLE object = debug_object(DEBUG_KILL_ON_CLOSE, DEBUG_ALL_ACCESS);
    struct debuggee created = start("g_spin", object, 0, NULL);
    run_for(5);
    for (int i = 0; i < read; i++) {
      change = next(object, i ? DbgLoadDllStateChange : DbgCreateProcessStateChange);
      close_handles(&change);
      if (i + 1 < read)
        ck_status(NtDebugContinue(object, AT(&change.AppClientId), DBG_CONTINUE), STATUS_SUCCESS);
    }
    ck_status(NtClose(object), STATUS_SUCCESS);
    ended(&created, STATUS_DEBUGGER_INACTIVE);
  }
}
END_TEST

START_TEST(fact_33_a_cleared_flag_only_detaches)
{
  ULONG length;
  HANDLE object = debug_object(DEBUG_KILL_ON_CLOSE, DEBUG_ALL_ACCESS);
  struct debuggee d = start("g_spin", object, 0, NULL);
  pass_start(object);
  ck_assert_uint_eq(being_debugged(d.process), 1);
  ck_status(set_kill(object, 0, &length), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  ck_assert_uint_eq(being_debugged(d.process), 0);
  ck_status(NtWaitForSingleObject(d.process, FALSE, MS(20)), STATUS_TIMEOUT);
  end(&d);
}
END_TEST

START_TEST(fact_33_a_set_flag_kills)
{
  ULONG length;
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = spinning();
  attach(object, &d);
  ck_status(set_kill(object, 1, &length), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  ended(&d, STATUS_DEBUGGER_INACTIVE);
}
END_TEST

/* The debugger is a guest: the handle lies in the TEB of one of its threads, and goes with that thread. */
static void end_of_a_debugger_thread(BOOLEAN terminate)
{
  HANDLE handle, object = debug_object(DEBUG_KILL_ON_CLOSE, DEBUG_ALL_ACCESS);
  struct debuggee debugger = spinning(), d = spinning();
  HANDLE thread = remote_thread(&debugger, export_address("RtlExitUserThread"), 7, 1);
  attach(object, &d);
  ck_status(NtDuplicateObject(NtCurrentProcess(), object, debugger.process, AT(&handle), 0, 0,
                              DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE),
            STATUS_SUCCESS);
  ck_status(mm_process_write(process_of(debugger.process), thread_of(thread)->Tcb.Teb + TEB_DEBUG_HANDLE, &handle,
                             sizeof handle, NULL),
            STATUS_SUCCESS);
  ck_status(NtWaitForSingleObject(d.process, FALSE, MS(20)), STATUS_TIMEOUT);
  ck_status(terminate ? NtTerminateThread(thread, 8) : NtResumeThread(thread, 0), STATUS_SUCCESS);
  join(thread);
  ended(&d, STATUS_DEBUGGER_INACTIVE);
  end(&debugger);
}

START_TEST(fact_33_exit_of_the_debugger_thread_closes)
{
  end_of_a_debugger_thread(FALSE);
}
END_TEST

START_TEST(fact_33_termination_of_the_debugger_thread_closes)
{
  end_of_a_debugger_thread(TRUE);
}
END_TEST

START_TEST(fact_33_the_end_of_the_debugger_process_closes)
{
  HANDLE handle, object = debug_object(DEBUG_KILL_ON_CLOSE, DEBUG_ALL_ACCESS);
  struct debuggee debugger = spinning(), d = spinning();
  ck_status(NtDebugActiveProcess(d.process, object), STATUS_SUCCESS);
  ck_status(NtDuplicateObject(NtCurrentProcess(), object, debugger.process, AT(&handle), 0, 0,
                              DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE),
            STATUS_SUCCESS);
  ck_status(NtWaitForSingleObject(d.process, FALSE, MS(20)), STATUS_TIMEOUT);
  end(&debugger);
  ended(&d, STATUS_DEBUGGER_INACTIVE);
}
END_TEST

START_TEST(fact_35_conversion_of_other_states)
{
  static const ULONG states[] = {DbgIdle, DbgReplyPending, 11, 0xFFFFFFFF};
  for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
    const DBGUI_WAIT_STATE_CHANGE change = {.NewState = states[i], .AppClientId = {0x1111, 0x2222}};
    struct dbgksim_event event = {0};
    ck_status(client_convert(&change, &event), STATUS_UNSUCCESSFUL);
    ck_assert_uint_eq(event.pid, 0x1111);
    ck_assert_uint_eq(event.tid, 0x2222);
  }
}
END_TEST

START_TEST(fact_43_the_queried_handle_keeps_the_object)
{
  HANDLE queried = 0x1234, object = debug_object(DEBUG_KILL_ON_CLOSE, DEBUG_ALL_ACCESS);
  struct debuggee d = spinning();
  ck_status(NtQueryInformationProcess(d.process, 0x1E, AT(&queried), sizeof queried, 0), STATUS_PORT_NOT_SET);
  ck_assert_uint_eq(queried, 0);
  attach(object, &d);
  ck_status(NtQueryInformationProcess(d.process, 0x1E, AT(&queried), sizeof queried, 0), STATUS_SUCCESS);
  ck_assert_uint_ne(queried, object);
  ck_status(NtCompareObjects(queried, object), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  ck_status(NtWaitForSingleObject(d.process, FALSE, MS(20)), STATUS_TIMEOUT);
  /* it is as good as the first: events are read through it */
  HANDLE thread = remote_thread(&d, export_address("RtlExitUserThread"), 7, 0);
  pass(queried, DbgCreateThreadStateChange);
  pass(queried, DbgExitThreadStateChange);
  join(thread);
  ck_status(NtClose(queried), STATUS_SUCCESS);
  ended(&d, STATUS_DEBUGGER_INACTIVE);
}
END_TEST

START_TEST(the_last_close_takes_the_port_away)
{
  HANDLE queried, object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = spinning();
  attach(object, &d);
  ck_status(NtClose(object), STATUS_SUCCESS);
  ck_assert_ptr_null(process_of(d.process)->DebugPort);
  ck_status(NtQueryInformationProcess(d.process, 0x1E, AT(&queried), sizeof queried, 0), STATUS_PORT_NOT_SET);
  end(&d);
}
END_TEST

TCase *objects_case(void)
{
  TCase *tests = kit_case("objects");
  tcase_add_test(tests, create_refuses_unknown_flags);
  tcase_add_test(tests, create_fails_when_the_handle_table_is_full);
  tcase_add_test(tests, fact_32_kill_on_exit_information);
  tcase_add_test(tests, fact_32_order_of_the_checks);
  tcase_add_test(tests, services_check_the_type_of_the_object);
  tcase_add_test(tests, services_check_the_access_of_the_handle);
  tcase_add_test(tests, fact_42_generic_access);
  tcase_add_test(tests, fact_42_the_debug_handle_is_waitable);
  tcase_add_test(tests, fact_33_the_last_close_kills);
  tcase_add_test(tests, fact_33_the_last_close_kills_whatever_waits);
  tcase_add_test(tests, fact_33_a_cleared_flag_only_detaches);
  tcase_add_test(tests, fact_33_a_set_flag_kills);
  tcase_add_test(tests, fact_33_exit_of_the_debugger_thread_closes);
  tcase_add_test(tests, fact_33_termination_of_the_debugger_thread_closes);
  tcase_add_test(tests, fact_33_the_end_of_the_debugger_process_closes);
  tcase_add_test(tests, fact_35_conversion_of_other_states);
  tcase_add_test(tests, fact_43_the_queried_handle_keeps_the_object);
  tcase_add_test(tests, the_last_close_takes_the_port_away);
  return tests;
}
