/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The debugger's wait and what ends it; detach and close while somebody waits (spec/3.3, 3.5; spec/5 facts 13, 34,
 * 36). */
#include "kit.h"

#include "ntos/ke/ke.h"

/* A native thread that waits for one event. */
struct waiter {
  HANDLE object;
  BOOLEAN alertable;
  LONG64 timeout; /* 0: none */
  NTSTATUS status;
  ULONG64 elapsed; /* 100 ns */
  DBGUI_WAIT_STATE_CHANGE change;
};

static void wait_for_event(void *argument)
{
  struct waiter *w = argument;
  ULONG64 begin = KeQueryInterruptTime();
  w->status = NtWaitForDebugEvent(w->object, w->alertable, w->timeout ? AT(&w->timeout) : 0, AT(&w->change));
  w->elapsed = KeQueryInterruptTime() - begin;
}

START_TEST(fact_34_the_wait_is_alertable)
{
  struct waiter w = {.object = debug_object(0, DEBUG_ALL_ACCESS), .alertable = TRUE};
  HANDLE thread = native_thread(wait_for_event, &w);
  run_for(5);
  ck_assert(!ps_thread_ended(thread_of(thread)));
  KeAlertThread(&thread_of(thread)->Tcb, UserMode);
  join(thread);
  ck_status(w.status, STATUS_ALERTED);
  ck_assert_uint_eq(w.change.NewState, 0);
  ck_status(NtClose(w.object), STATUS_SUCCESS);
}
END_TEST

START_TEST(fact_34_an_alert_does_not_end_a_wait_that_is_not_alertable)
{
  struct waiter w = {.object = debug_object(0, DEBUG_ALL_ACCESS), .timeout = -200000};
  HANDLE thread = native_thread(wait_for_event, &w);
  run_for(5);
  KeAlertThread(&thread_of(thread)->Tcb, UserMode);
  join(thread);
  ck_status(w.status, STATUS_TIMEOUT);
  ck_status(NtClose(w.object), STATUS_SUCCESS);
}
END_TEST

static void forget_apc(KAPC *apc) { (void)apc; }

START_TEST(a_user_apc_ends_an_alertable_wait)
{
  struct waiter w = {.object = debug_object(0, DEBUG_ALL_ACCESS), .alertable = TRUE};
  HANDLE thread = native_thread(wait_for_event, &w);
  KAPC apc;
  run_for(5);
  KeInitializeApc(&apc, &thread_of(thread)->Tcb, forget_apc, 1, UserMode, 0);
  ck_assert(KeInsertQueueApc(&apc, 0, 0));
  join(thread);
  ck_status(w.status, STATUS_USER_APC);
  ck_status(NtClose(w.object), STATUS_SUCCESS);
}
END_TEST

START_TEST(timeouts)
{
  DBGUI_WAIT_STATE_CHANGE change;
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  ULONG64 begin = KeQueryInterruptTime();
  ck_status(NtWaitForDebugEvent(object, FALSE, MS(0), AT(&change)), STATUS_TIMEOUT);
  ck_assert_uint_eq(KeQueryInterruptTime(), begin);
  ck_status(NtWaitForDebugEvent(object, FALSE, MS(30), AT(&change)), STATUS_TIMEOUT);
  ck_assert_uint_eq(KeQueryInterruptTime() - begin, 300000);
  LONG64 absolute = (LONG64)KeQuerySystemTime() + 500000;
  ck_status(NtWaitForDebugEvent(object, FALSE, AT(&absolute), AT(&change)), STATUS_TIMEOUT);
  ck_assert_uint_eq(KeQueryInterruptTime() - begin, 800000);
  ck_status(NtWaitForDebugEvent(object, FALSE, AT(&absolute), AT(&change)), STATUS_TIMEOUT);
  ck_assert_uint_eq(KeQueryInterruptTime() - begin, 800000);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

/* Three readers and two events: the one who comes last finds nothing twice, and waits for what is left of its time. */
static void last_reader(LONG64 timeout)
{
  struct waiter w[3] = {0};
  struct debuggee d[2];
  HANDLE threads[3], object = debug_object(0, DEBUG_ALL_ACCESS);
  unsigned last = 3;
  for (int i = 0; i < 3; i++) {
    w[i] = (struct waiter){.object = object, .timeout = timeout, .status = STATUS_PENDING};
    threads[i] = native_thread(wait_for_event, &w[i]);
  }
  for (int i = 0; i < 2; i++) {
    run_for(35);
    d[i] = start("g_spin", object, 0, NULL);
  }
  run_for(200);
  for (unsigned i = 0; i < 3; i++) {
    join(threads[i]);
    if (w[i].status == STATUS_TIMEOUT) {
      ck_assert_uint_eq(last, 3);
      last = i;
      continue;
    }
    ck_status(w[i].status, STATUS_SUCCESS);
    close_handles(&w[i].change);
  }
  ck_assert_uint_lt(last, 3);
  ck_assert_uint_ge(w[last].elapsed, 1000000);
  ck_assert_uint_lt(w[last].elapsed, 1100000);
  for (int i = 0; i < 2; i++) {
    ck_status(NtRemoveProcessDebug(d[i].process, object), STATUS_SUCCESS);
    end(&d[i]);
  }
  ck_status(NtClose(object), STATUS_SUCCESS);
}

START_TEST(fact_34_a_relative_timeout_is_re_armed_with_what_is_left)
{
  last_reader(-1000000);
}
END_TEST

START_TEST(an_absolute_timeout_does_not_move)
{
  last_reader((LONG64)KeQuerySystemTime() + 1000000);
}
END_TEST

/* That only the thread that connected can wait is the user half's rule, for it keeps the handle in that thread's TEB;
 * the kernel asks for the handle alone. */
START_TEST(fact_13_who_has_the_handle_can_wait)
{
  struct waiter w = {.object = debug_object(DEBUG_KILL_ON_CLOSE, DEBUG_ALL_ACCESS)};
  struct debuggee d = spinning();
  ck_status(NtDebugActiveProcess(d.process, w.object), STATUS_SUCCESS);
  join(native_thread(wait_for_event, &w));
  ck_status(w.status, STATUS_SUCCESS);
  ck_assert_uint_eq(w.change.NewState, DbgCreateProcessStateChange);
  answer(w.object, &w.change, DBG_CONTINUE);
  ck_status(NtClose(w.object), STATUS_SUCCESS);
  ended(&d, STATUS_DEBUGGER_INACTIVE);
}
END_TEST

START_TEST(the_last_close_wakes_those_who_wait_for_events)
{
  struct waiter w[3] = {0};
  HANDLE threads[3], object = debug_object(0, DEBUG_ALL_ACCESS);
  for (int i = 0; i < 3; i++) {
    w[i] = (struct waiter){.object = object, .alertable = i == 1, .timeout = i == 2 ? -10000000 : 0};
    threads[i] = native_thread(wait_for_event, &w[i]);
  }
  run_for(5);
  ck_status(NtClose(object), STATUS_SUCCESS);
  for (int i = 0; i < 3; i++) {
    join(threads[i]);
    ck_status(w[i].status, STATUS_DEBUGGER_INACTIVE);
    ck_assert_uint_lt(w[i].elapsed, 100000);
  }
}
END_TEST

/* Runs to the program's own breakpoint, which its vectored handler takes care of if no debugger does. */
static struct debuggee at_breakpoint(HANDLE object, DBGUI_WAIT_STATE_CHANGE *change)
{
  struct debuggee d = start("g_int3_veh", object, 0, NULL);
  pass_start(object);
  *change = next(object, DbgBreakpointStateChange);
  return d;
}

START_TEST(fact_36_detach_sends_the_exception_to_user_mode)
{
  DBGUI_WAIT_STATE_CHANGE change;
  HANDLE object = debug_object(DEBUG_KILL_ON_CLOSE, DEBUG_ALL_ACCESS);
  struct debuggee d = at_breakpoint(object, &change);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_status(NtDebugContinue(object, AT(&change.AppClientId), DBG_CONTINUE), STATUS_INVALID_PARAMETER);
  ended(&d, 0);
  nothing(object);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

START_TEST(fact_36_close_sends_the_exception_to_user_mode)
{
  DBGUI_WAIT_STATE_CHANGE change;
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = at_breakpoint(object, &change);
  ck_status(NtClose(object), STATUS_SUCCESS);
  ended(&d, 0);
}
END_TEST

START_TEST(fact_36_an_event_that_nobody_read_goes_too)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = start("g_int3_veh", object, 0, NULL);
  pass_start(object);
  ck_status(NtWaitForSingleObject(object, FALSE, MS(1000)), STATUS_SUCCESS);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ended(&d, 0);
  nothing(object);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

/* Detach after the process message, with ntdll's on the way: the file of an unread message is closed. */
START_TEST(detach_at_each_event_of_a_start)
{
  static const DBG_STATE states[] = {DbgCreateProcessStateChange, DbgLoadDllStateChange, DbgBreakpointStateChange,
                                     DbgExitProcessStateChange};
  for (int read = 0; read <= 4; read++) {
    HANDLE object = debug_object(DEBUG_KILL_ON_CLOSE, DEBUG_ALL_ACCESS);
    struct debuggee d = start("g_exit42", object, 0, NULL);
    for (int i = 0; i < read; i++) {
      DBGUI_WAIT_STATE_CHANGE change = next(object, states[i]);
      close_handles(&change);
      if (i + 1 < read)
        ck_status(NtDebugContinue(object, AT(&change.AppClientId), DBG_CONTINUE), STATUS_SUCCESS);
    }
    if (!read)
      run_for(1);
    ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
    ck_assert_ptr_null(process_of(d.process)->DebugPort);
    ck_status(NtRemoveProcessDebug(d.process, object), STATUS_PORT_NOT_SET);
    nothing(object);
    ck_status(NtClose(object), STATUS_SUCCESS);
    /* the loader breakpoint has a handler of its own (fact 2) */
    ended(&d, 42);
  }
}
END_TEST

START_TEST(detach_wants_the_process_port)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS), other = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = spinning();
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_PORT_NOT_SET);
  attach(object, &d);
  ck_status(NtRemoveProcessDebug(d.process, other), STATUS_PORT_NOT_SET);
  ck_assert_uint_eq(being_debugged(d.process), 1);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_assert_uint_eq(being_debugged(d.process), 0);
  ck_status(NtRemoveProcessDebug(NtCurrentProcess(), object), STATUS_PORT_NOT_SET);
  ck_status(NtClose(other), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
}
END_TEST

/* spec/3.5: a debugger that ends its debuggee so is not told of the end. */
START_TEST(terminate_with_dbg_terminate_process_detaches)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = start("g_spin", object, 0, NULL);
  pass(object, DbgCreateProcessStateChange);
  ck_status(NtWaitForSingleObject(object, FALSE, MS(1000)), STATUS_SUCCESS);
  ck_status(NtTerminateProcess(d.process, DBG_TERMINATE_PROCESS), STATUS_SUCCESS);
  ended(&d, DBG_TERMINATE_PROCESS);
  nothing(object);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

/* spec/4.5: terminating a stopped debuggee finishes only when its event is continued. */
START_TEST(a_terminated_debuggee_lives_until_its_event_is_continued)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = start("g_spin", object, 0, NULL);
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgCreateProcessStateChange);
  ck_status(NtTerminateProcess(d.process, 77), STATUS_SUCCESS);
  ck_status(NtTerminateProcess(d.process, 78), STATUS_PROCESS_IS_TERMINATING);
  nothing(object);
  ck_status(NtWaitForSingleObject(d.process, FALSE, MS(0)), STATUS_TIMEOUT);
  answer(object, &change, DBG_CONTINUE);
  DBGUI_WAIT_STATE_CHANGE load = next(object, DbgLoadDllStateChange);
  answer(object, &load, DBG_CONTINUE);
  change = next(object, DbgExitProcessStateChange);
  ck_assert_int_eq(change.StateInfo.ExitProcess.ExitStatus, 77);
  ck_assert_uint_eq(being_debugged(d.process), 1);
  answer(object, &change, DBG_CONTINUE);
  ended(&d, 77);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

TCase *waits_case(void)
{
  TCase *tests = kit_case("waits");
  tcase_add_test(tests, fact_34_the_wait_is_alertable);
  tcase_add_test(tests, fact_34_an_alert_does_not_end_a_wait_that_is_not_alertable);
  tcase_add_test(tests, a_user_apc_ends_an_alertable_wait);
  tcase_add_test(tests, timeouts);
  tcase_add_test(tests, fact_34_a_relative_timeout_is_re_armed_with_what_is_left);
  tcase_add_test(tests, an_absolute_timeout_does_not_move);
  tcase_add_test(tests, fact_13_who_has_the_handle_can_wait);
  tcase_add_test(tests, the_last_close_wakes_those_who_wait_for_events);
  tcase_add_test(tests, fact_36_detach_sends_the_exception_to_user_mode);
  tcase_add_test(tests, fact_36_close_sends_the_exception_to_user_mode);
  tcase_add_test(tests, fact_36_an_event_that_nobody_read_goes_too);
  tcase_add_test(tests, detach_at_each_event_of_a_start);
  tcase_add_test(tests, detach_wants_the_process_port);
  tcase_add_test(tests, terminate_with_dbg_terminate_process_detaches);
  tcase_add_test(tests, a_terminated_debuggee_lives_until_its_event_is_continued);
  return tests;
}
