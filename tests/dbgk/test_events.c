/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Live events and their continuation (spec/3.3, 3.4, 3.6; spec/5 facts 8, 10, 12, 14 to 16, 44, 45). */
#include "kit.h"

#include "ntos/io/io.h"

/* A debuggee past its loader breakpoint. */
static struct debuggee debugged(HANDLE object)
{
  struct debuggee d = start("g_spin", object, 0, NULL);
  pass_start(object);
  return d;
}

/* A thread of a debuggee that stops at DbgBreakPoint; its exception event. */
static DBGUI_WAIT_STATE_CHANGE breakpoint(HANDLE object, const struct debuggee *d, HANDLE *thread)
{
  *thread = remote_thread(d, export_address("DbgBreakPoint"), 0, 0);
  pass(object, DbgCreateThreadStateChange);
  return next(object, DbgBreakpointStateChange);
}

static void kill(struct debuggee *d, HANDLE object)
{
  ck_status(NtRemoveProcessDebug(d->process, object), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(d);
}

static ULONG64 executed(HANDLE thread) { return thread_of(thread)->Tcb.CycleTime; }

START_TEST(fact_8_one_outstanding_event_per_process)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee a = spinning(), b = spinning();
  HANDLE thread = remote_thread(&a, process_of(a.process)->entry_point, 0, 0);
  run_for(5);
  ck_status(NtDebugActiveProcess(a.process, object), STATUS_SUCCESS);
  DBGUI_WAIT_STATE_CHANGE first = next(object, DbgCreateProcessStateChange);
  nothing(object);
  /* events of another process come all the same */
  ck_status(NtDebugActiveProcess(b.process, object), STATUS_SUCCESS);
  DBGUI_WAIT_STATE_CHANGE other = next(object, DbgCreateProcessStateChange);
  ck_assert_uint_eq(other.AppClientId.UniqueProcess, b.id.UniqueProcess);
  nothing(object);
  /* a continue releases the next event of its own process, no other */
  answer(object, &other, DBG_CONTINUE);
  other = next(object, DbgLoadDllStateChange);
  ck_assert_uint_eq(other.AppClientId.UniqueProcess, b.id.UniqueProcess);
  nothing(object);
  answer(object, &first, DBG_CONTINUE);
  first = next(object, DbgLoadDllStateChange);
  ck_assert_uint_eq(first.AppClientId.UniqueProcess, a.id.UniqueProcess);
  nothing(object);
  answer(object, &other, DBG_CONTINUE);
  nothing(object);
  answer(object, &first, DBG_CONTINUE);
  pass(object, DbgCreateThreadStateChange);
  nothing(object);
  ck_status(NtClose(thread), STATUS_SUCCESS);
  ck_status(NtRemoveProcessDebug(a.process, object), STATUS_SUCCESS);
  end(&a);
  kill(&b, object);
}
END_TEST

/* A live event of a thread that runs already waits behind the messages of the attach. */
START_TEST(fact_8_a_live_event_waits_behind_the_outstanding_one)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = spinning();
  HANDLE held = remote_thread(&d, process_of(d.process)->entry_point, 0, 0);
  run_for(5);
  ck_status(NtDebugActiveProcess(d.process, object), STATUS_SUCCESS);
  HANDLE thread = remote_thread(&d, export_address("DbgBreakPoint"), 0, 0);
  run_for(5);
  pass(object, DbgCreateProcessStateChange);
  pass(object, DbgLoadDllStateChange);
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgCreateThreadStateChange);
  ck_assert_uint_eq(change.AppClientId.UniqueThread, thread_of(held)->Cid.UniqueThread);
  nothing(object);
  answer(object, &change, DBG_CONTINUE);
  change = next(object, DbgCreateThreadStateChange);
  ck_assert_uint_eq(change.AppClientId.UniqueThread, thread_of(thread)->Cid.UniqueThread);
  answer(object, &change, DBG_CONTINUE);
  pass(object, DbgBreakpointStateChange);
  pass(object, DbgExitThreadStateChange);
  join(thread);
  ck_status(NtClose(held), STATUS_SUCCESS);
  kill(&d, object);
}
END_TEST

START_TEST(fact_10_exit_thread_freezes_the_others_exit_process_does_not)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = debugged(object);
  HANDLE thread = remote_thread(&d, export_address("RtlExitUserThread"), 7, 0);
  pass(object, DbgCreateThreadStateChange);
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgExitThreadStateChange);
  ck_assert_int_eq(change.StateInfo.ExitThread.ExitStatus, 7);
  run_for(1);
  ULONG64 before = executed(d.thread);
  run_for(20);
  ck_assert_uint_eq(executed(d.thread), before);
  ck_assert_int_gt(process_of(d.process)->Pcb.FreezeCount, 0);
  answer(object, &change, DBG_CONTINUE);
  join(thread);
  run_for(20);
  ck_assert_uint_gt(executed(d.thread), before);
  ck_status(NtTerminateThread(d.thread, 9), STATUS_SUCCESS);
  change = next(object, DbgExitProcessStateChange);
  ck_assert_int_eq(change.StateInfo.ExitProcess.ExitStatus, 9);
  ck_assert_int_eq(process_of(d.process)->Pcb.FreezeCount, 0);
  answer(object, &change, DBG_CONTINUE);
  ended(&d, 9);
  nothing(object);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

/* Threads that TerminateProcess kills report in their own contexts; the last gives EXIT_PROCESS only, after the others'
 * events are continued. */
START_TEST(fact_10_terminated_threads_report)
{
  HANDLE threads[3], object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = debugged(object);
  for (int i = 0; i < 3; i++) {
    threads[i] = remote_thread(&d, process_of(d.process)->entry_point, 0, 0);
    pass(object, DbgCreateThreadStateChange);
  }
  ck_status(NtTerminateProcess(d.process, 9), STATUS_SUCCESS);
  for (int i = 0; i < 3; i++) {
    DBGUI_WAIT_STATE_CHANGE change = next(object, DbgExitThreadStateChange);
    ck_assert_int_eq(change.StateInfo.ExitThread.ExitStatus, 9);
    ck_assert_int_eq(process_of(d.process)->Pcb.FreezeCount, 0);
    answer(object, &change, DBG_CONTINUE);
  }
  pass(object, DbgExitProcessStateChange);
  ended(&d, 9);
  for (int i = 0; i < 3; i++)
    join(threads[i]);
  nothing(object);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

START_TEST(fact_12_handles_are_opened_at_the_read_in_the_readers_table)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = start("g_spin", object, 0, NULL);
  ck_status(NtWaitForSingleObject(object, FALSE, MS(1000)), STATUS_SUCCESS);
  ULONG before = ob_handle_count(PsGetCurrentProcess()), system = ob_handle_count(PsInitialSystemProcess());
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgCreateProcessStateChange);
  const DBGUI_CREATE_PROCESS *info = &change.StateInfo.CreateProcessInfo;
  ck_assert_uint_eq(ob_handle_count(PsGetCurrentProcess()), before + 3);
  /* the kernel's own file handle has gone over to the reader */
  ck_assert_uint_eq(ob_handle_count(PsInitialSystemProcess()), system - 1);
  ck_assert_ptr_eq(process_of(info->HandleToProcess), process_of(d.process));
  ck_assert_ptr_eq(thread_of(info->HandleToThread), thread_of(d.thread));
  void *file;
  ck_status(ObReferenceObjectByHandle(info->NewProcess.FileHandle, 1, ob_types()->File, UserMode, &file, NULL),
            STATUS_SUCCESS);
  ck_assert_str_eq(((FILE_OBJECT *)file)->path, "\\??\\C:\\app\\g_spin.exe");
  ObDereferenceObject(file);
  answer(object, &change, DBG_CONTINUE);
  change = next(object, DbgLoadDllStateChange);
  ck_assert_uint_eq(ob_handle_count(PsGetCurrentProcess()), before + 1);
  answer(object, &change, DBG_CONTINUE);
  pass(object, DbgBreakpointStateChange);
  HANDLE thread = remote_thread(&d, export_address("RtlExitUserThread"), 7, 0);
  change = next(object, DbgCreateThreadStateChange);
  ck_assert_ptr_eq(thread_of(change.StateInfo.CreateThread.HandleToThread), thread_of(thread));
  answer(object, &change, DBG_CONTINUE);
  pass(object, DbgExitThreadStateChange);
  join(thread);
  ck_assert_uint_eq(ob_handle_count(PsGetCurrentProcess()), before);
  kill(&d, object);
}
END_TEST

/* Nothing else is lost when the reader has no room for handles. */
START_TEST(fact_12_handles_that_can_not_be_opened_are_null)
{
  static HANDLE handles[0x20000];
  unsigned count = 0;
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = start("g_exit42", object, 0, NULL);
  while (NT_SUCCESS(NtCreateEvent(AT(&handles[count]), 0x1F0003, 0, 0, FALSE)))
    count++;
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgCreateProcessStateChange);
  ck_assert_uint_eq(change.StateInfo.CreateProcessInfo.HandleToProcess, 0);
  ck_assert_uint_eq(change.StateInfo.CreateProcessInfo.HandleToThread, 0);
  ck_assert_uint_eq(change.StateInfo.CreateProcessInfo.NewProcess.FileHandle, 0);
  answer(object, &change, DBG_CONTINUE);
  change = next(object, DbgLoadDllStateChange);
  ck_assert_uint_eq(change.StateInfo.LoadDll.FileHandle, 0);
  answer(object, &change, DBG_CONTINUE);
  while (count)
    ck_status(NtClose(handles[--count]), STATUS_SUCCESS);
  pass(object, DbgBreakpointStateChange);
  pass(object, DbgExitProcessStateChange);
  ended(&d, 42);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

START_TEST(fact_14_legal_statuses)
{
  static const NTSTATUS legal[] = {DBG_EXCEPTION_HANDLED, DBG_CONTINUE, DBG_TERMINATE_THREAD, DBG_TERMINATE_PROCESS,
                                   DBG_EXCEPTION_NOT_HANDLED};
  static const NTSTATUS illegal[] = {STATUS_SUCCESS, STATUS_UNSUCCESSFUL, DBG_CONTROL_C,     0x10003,
                                     0x40010002,     STATUS_PENDING,      STATUS_BREAKPOINT, -1};
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = debugged(object);
  for (size_t i = 0; i < sizeof legal / sizeof legal[0]; i++) {
    /* no status ends anything, and only an exception heeds it */
    HANDLE thread = remote_thread(&d, export_address("RtlExitUserThread"), 7, 0);
    DBGUI_WAIT_STATE_CHANGE change = next(object, DbgCreateThreadStateChange);
    for (size_t k = 0; k < sizeof illegal / sizeof illegal[0]; k++)
      ck_status(NtDebugContinue(object, AT(&change.AppClientId), illegal[k]), STATUS_INVALID_PARAMETER);
    answer(object, &change, legal[i]);
    change = next(object, DbgExitThreadStateChange);
    ck_assert_int_eq(change.StateInfo.ExitThread.ExitStatus, 7);
    answer(object, &change, legal[i]);
    join(thread);
  }
  for (size_t i = 0; i < 4; i++) {
    HANDLE thread;
    DBGUI_WAIT_STATE_CHANGE change = breakpoint(object, &d, &thread);
    answer(object, &change, legal[i]);
    pass(object, DbgExitThreadStateChange);
    join(thread);
  }
  ck_status(NtWaitForSingleObject(d.process, FALSE, MS(0)), STATUS_TIMEOUT);
  kill(&d, object);
}
END_TEST

/* The status is looked at before the handle; the client id is of an event that was read. */
START_TEST(continue_wants_an_event_that_was_read)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS), other = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = start("g_spin", object, 0, NULL);
  ck_status(NtWaitForSingleObject(object, FALSE, MS(1000)), STATUS_SUCCESS);
  ck_status(NtDebugContinue(object, AT(&d.id), DBG_CONTINUE), STATUS_INVALID_PARAMETER);
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgCreateProcessStateChange);
  const CLIENT_ID wrong[] = {{d.id.UniqueProcess + 4, d.id.UniqueThread},
                             {d.id.UniqueProcess, d.id.UniqueThread + 4},
                             {d.id.UniqueProcess, 0},
                             {0, d.id.UniqueThread},
                             {d.id.UniqueThread, d.id.UniqueProcess}};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    ck_status(NtDebugContinue(object, AT(&wrong[i]), DBG_CONTINUE), STATUS_INVALID_PARAMETER);
  ck_status(NtDebugContinue(other, AT(&d.id), DBG_CONTINUE), STATUS_INVALID_PARAMETER);
  ck_status(NtDebugContinue(0, AT(&d.id), STATUS_SUCCESS), STATUS_INVALID_PARAMETER);
  answer(object, &change, DBG_CONTINUE);
  ck_status(NtDebugContinue(object, AT(&d.id), DBG_CONTINUE), STATUS_INVALID_PARAMETER);
  pass(object, DbgLoadDllStateChange);
  pass(object, DbgBreakpointStateChange);
  ck_status(NtClose(other), STATUS_SUCCESS);
  kill(&d, object);
}
END_TEST

START_TEST(fact_15_reply_later_replays_the_event)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = start("g_spin", object, 0, NULL);
  for (int i = 0; i < 3; i++) {
    DBGUI_WAIT_STATE_CHANGE change = next(object, DbgCreateProcessStateChange);
    const DBGUI_CREATE_PROCESS *info = &change.StateInfo.CreateProcessInfo;
    /* the file went with the first reading (spec/3.3) */
    ck_assert_int_eq(info->NewProcess.FileHandle != 0, i == 0);
    ck_assert_uint_ne(info->HandleToProcess, 0);
    ck_assert_uint_ne(info->HandleToThread, 0);
    ck_assert_uint_eq(info->NewProcess.BaseOfImage, process_of(d.process)->SectionBaseAddress);
    answer(object, &change, i < 2 ? DBG_REPLY_LATER : DBG_CONTINUE);
  }
  for (int i = 0; i < 2; i++) {
    DBGUI_WAIT_STATE_CHANGE change = next(object, DbgLoadDllStateChange);
    ck_assert_int_eq(change.StateInfo.LoadDll.FileHandle != 0, i == 0);
    answer(object, &change, i < 1 ? DBG_REPLY_LATER : DBG_CONTINUE);
  }
  DBGUI_WAIT_STATE_CHANGE first = next(object, DbgBreakpointStateChange);
  answer(object, &first, DBG_REPLY_LATER);
  DBGUI_WAIT_STATE_CHANGE again = next(object, DbgBreakpointStateChange);
  ck_assert_mem_eq(&first, &again, sizeof first);
  answer(object, &again, DBG_CONTINUE);
  nothing(object);
  kill(&d, object);
}
END_TEST

START_TEST(fact_15_a_suspended_thread_replays_after_its_resume)
{
  HANDLE thread, object = debug_object(0, DEBUG_ALL_ACCESS);
  ULONG previous;
  struct debuggee d = debugged(object);
  DBGUI_WAIT_STATE_CHANGE change = breakpoint(object, &d, &thread);
  ck_status(NtSuspendThread(thread, AT(&previous)), STATUS_SUCCESS);
  answer(object, &change, DBG_REPLY_LATER);
  /* the others run meanwhile */
  ULONG64 before = executed(d.thread);
  nothing(object);
  ck_assert_uint_gt(executed(d.thread), before);
  ck_status(NtResumeThread(thread, AT(&previous)), STATUS_SUCCESS);
  ck_assert_uint_eq(previous, 1);
  DBGUI_WAIT_STATE_CHANGE again = next(object, DbgBreakpointStateChange);
  ck_assert_mem_eq(&change, &again, sizeof change);
  answer(object, &again, DBG_CONTINUE);
  pass(object, DbgExitThreadStateChange);
  join(thread);
  kill(&d, object);
}
END_TEST

/* A thread that waits for its resume to replay is ended by a detach or a termination like any other. */
START_TEST(fact_15_end_of_a_thread_that_is_to_replay)
{
  HANDLE thread, object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = debugged(object);
  DBGUI_WAIT_STATE_CHANGE change = breakpoint(object, &d, &thread);
  ck_status(NtSuspendThread(thread, 0), STATUS_SUCCESS);
  answer(object, &change, DBG_REPLY_LATER);
  ck_status(NtTerminateThread(thread, 5), STATUS_SUCCESS);
  /* it replays, for the message is not answered yet; then it ends */
  pass(object, DbgBreakpointStateChange);
  pass(object, DbgExitThreadStateChange);
  ck_assert_int_eq(thread_of(thread)->ExitStatus, 5);
  join(thread);
  kill(&d, object);
}
END_TEST

/* Without an exception port a second chance that is not handled goes on to the end. */
START_TEST(fact_16_second_chance_not_handled_ends_the_process)
{
  HANDLE thread, object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = debugged(object);
  DBGUI_WAIT_STATE_CHANGE change = breakpoint(object, &d, &thread);
  ck_assert_uint_eq(change.StateInfo.Exception.FirstChance, 1);
  answer(object, &change, DBG_EXCEPTION_NOT_HANDLED);
  change = next(object, DbgBreakpointStateChange);
  ck_assert_uint_eq(change.StateInfo.Exception.FirstChance, 0);
  answer(object, &change, DBG_EXCEPTION_NOT_HANDLED);
  change = next(object, DbgExitThreadStateChange);
  ck_assert_int_eq(change.StateInfo.ExitThread.ExitStatus, STATUS_BREAKPOINT);
  answer(object, &change, DBG_CONTINUE);
  change = next(object, DbgExitProcessStateChange);
  ck_assert_int_eq(change.StateInfo.ExitProcess.ExitStatus, STATUS_BREAKPOINT);
  answer(object, &change, DBG_CONTINUE);
  join(thread);
  ended(&d, STATUS_BREAKPOINT);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

START_TEST(fact_44_start_address_is_the_routine_that_was_passed)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = debugged(object);
  ULONG64 routine = export_address("RtlExitUserThread");
  HANDLE thread = remote_thread(&d, routine, 7, 0);
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgCreateThreadStateChange);
  ck_assert_uint_eq(change.StateInfo.CreateThread.NewThread.StartAddress, routine);
  answer(object, &change, DBG_CONTINUE);
  pass(object, DbgExitThreadStateChange);
  join(thread);
  kill(&d, object);
}
END_TEST

START_TEST(fact_45_suspend_count_of_a_frozen_thread_is_0)
{
  HANDLE thread, object = debug_object(0, DEBUG_ALL_ACCESS);
  ULONG previous;
  struct debuggee d = debugged(object);
  DBGUI_WAIT_STATE_CHANGE change = breakpoint(object, &d, &thread);
  const HANDLE frozen[] = {d.thread, thread};
  for (int i = 0; i < 2; i++) {
    ck_status(NtSuspendThread(frozen[i], AT(&previous)), STATUS_SUCCESS);
    ck_assert_uint_eq(previous, 0);
    ck_status(NtResumeThread(frozen[i], AT(&previous)), STATUS_SUCCESS);
    ck_assert_uint_eq(previous, 1);
  }
  /* a resume does not thaw */
  run_for(1);
  ULONG64 before = executed(d.thread);
  run_for(20);
  ck_assert_uint_eq(executed(d.thread), before);
  answer(object, &change, DBG_CONTINUE);
  pass(object, DbgExitThreadStateChange);
  join(thread);
  kill(&d, object);
}
END_TEST

START_TEST(fact_45_a_thread_held_by_an_attach_has_a_count)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  ULONG previous;
  struct debuggee d = spinning();
  ck_status(NtDebugActiveProcess(d.process, object), STATUS_SUCCESS);
  for (int read = 0; read < 2; read++) {
    DBGUI_WAIT_STATE_CHANGE change = {0};
    if (read)
      change = next(object, DbgCreateProcessStateChange);
    ck_status(NtSuspendThread(d.thread, AT(&previous)), STATUS_SUCCESS);
    ck_assert_uint_eq(previous, 1);
    ck_status(NtResumeThread(d.thread, AT(&previous)), STATUS_SUCCESS);
    ck_assert_uint_eq(previous, 2);
    if (read)
      answer(object, &change, DBG_CONTINUE);
  }
  ck_status(NtSuspendThread(d.thread, AT(&previous)), STATUS_SUCCESS);
  ck_assert_uint_eq(previous, 0);
  ck_status(NtResumeThread(d.thread, 0), STATUS_SUCCESS);
  pass(object, DbgLoadDllStateChange);
  kill(&d, object);
}
END_TEST

TCase *events_case(void)
{
  TCase *tests = kit_case("events");
  tcase_add_test(tests, fact_8_one_outstanding_event_per_process);
  tcase_add_test(tests, fact_8_a_live_event_waits_behind_the_outstanding_one);
  tcase_add_test(tests, fact_10_exit_thread_freezes_the_others_exit_process_does_not);
  tcase_add_test(tests, fact_10_terminated_threads_report);
  tcase_add_test(tests, fact_12_handles_are_opened_at_the_read_in_the_readers_table);
  tcase_add_test(tests, fact_12_handles_that_can_not_be_opened_are_null);
  tcase_add_test(tests, fact_14_legal_statuses);
  tcase_add_test(tests, continue_wants_an_event_that_was_read);
  tcase_add_test(tests, fact_15_reply_later_replays_the_event);
  tcase_add_test(tests, fact_15_a_suspended_thread_replays_after_its_resume);
  tcase_add_test(tests, fact_15_end_of_a_thread_that_is_to_replay);
  tcase_add_test(tests, fact_16_second_chance_not_handled_ends_the_process);
  tcase_add_test(tests, fact_44_start_address_is_the_routine_that_was_passed);
  tcase_add_test(tests, fact_45_suspend_count_of_a_frozen_thread_is_0);
  tcase_add_test(tests, fact_45_a_thread_held_by_an_attach_has_a_count);
  return tests;
}
