/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attaching (spec/3.2; spec/5 facts 4 to 7, 9, 11). */
#include "kit.h"

#include "dbgk/internal.h"

static void map_dll(const struct debuggee *d, ULONG64 *base)
{
  SECTION *section;
  ULONG64 size = 0;
  *base = 0;
  ck_assert_int_eq(machine_open_section(kit_machine(), "\\??\\C:\\app\\g_dll.dll", true, &section), DBGKSIM_OK);
  ck_status(MmMapViewOfSection(section, process_of(d->process), base, 0, 0, NULL, &size, 0, PAGE_EXECUTE_WRITECOPY),
            STATUS_SUCCESS);
  ObDereferenceObject(section);
}

static void write_pointer(const struct debuggee *d, ULONG64 address, ULONG64 value)
{
  ck_status(mm_process_write(process_of(d->process), address, &value, sizeof value, NULL), STATUS_SUCCESS);
}

static ULONG64 read_pointer(const struct debuggee *d, ULONG64 address)
{
  ULONG64 value;
  ck_status(mm_process_read(process_of(d->process), address, &value, sizeof value, NULL), STATUS_SUCCESS);
  return value;
}

static ULONG64 allocate(const struct debuggee *d, ULONG64 size)
{
  ULONG64 base = 0;
  ck_status(MmAllocateVirtualMemory(process_of(d->process), &base, 0, &size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE),
            STATUS_SUCCESS);
  return base;
}

/* Head of the loader's list in load order. */
static ULONG64 list_head(const struct debuggee *d)
{
  return read_pointer(d, process_of(d->process)->Peb + 0x18) + 0x10;
}

/* Appends an entry for an image to the loader's list. */
static ULONG64 append_module(const struct debuggee *d, ULONG64 base)
{
  ULONG64 head = list_head(d), entry = allocate(d, 0x1000), last = read_pointer(d, head + 8);
  write_pointer(d, entry, head);
  write_pointer(d, entry + 8, last);
  write_pointer(d, entry + 0x30, base);
  write_pointer(d, last, entry);
  write_pointer(d, head + 8, entry);
  return entry;
}

START_TEST(fact_4_order_of_the_messages)
{
  HANDLE threads[2], object = debug_object(0, DEBUG_ALL_ACCESS);
  ULONG64 dll;
  struct debuggee d = spinning();
  EPROCESS *process = process_of(d.process);
  for (int i = 0; i < 2; i++)
    threads[i] = remote_thread(&d, process->entry_point + (ULONG64)i, 0, 1);
  map_dll(&d, &dll);
  append_module(&d, dll);
  ck_status(NtDebugActiveProcess(d.process, object), STATUS_SUCCESS);
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgCreateProcessStateChange);
  ck_assert_uint_eq(change.AppClientId.UniqueThread, d.id.UniqueThread);
  ck_assert_uint_eq(change.StateInfo.CreateProcessInfo.NewProcess.BaseOfImage, process->SectionBaseAddress);
  ck_assert_uint_ne(change.StateInfo.CreateProcessInfo.NewProcess.FileHandle, 0);
  /* fact 5: not told here */
  ck_assert_uint_eq(change.StateInfo.CreateProcessInfo.NewProcess.InitialThread.StartAddress, 0);
  answer(object, &change, DBG_CONTINUE);
  change = next(object, DbgLoadDllStateChange);
  ck_assert_uint_eq(change.StateInfo.LoadDll.BaseOfDll, dbgk_state()->system_dll_base);
  ck_assert_uint_eq(change.StateInfo.LoadDll.NamePointer, thread_of(d.thread)->Tcb.Teb + 0x28);
  ck_assert_uint_ne(change.StateInfo.LoadDll.FileHandle, 0);
  answer(object, &change, DBG_CONTINUE);
  for (int i = 0; i < 2; i++) {
    change = next(object, DbgCreateThreadStateChange);
    ck_assert_uint_eq(change.AppClientId.UniqueThread, thread_of(threads[i])->Cid.UniqueThread);
    ck_assert_uint_eq(change.StateInfo.CreateThread.NewThread.StartAddress, process->entry_point + (ULONG64)i);
    answer(object, &change, DBG_CONTINUE);
    ck_status(NtClose(threads[i]), STATUS_SUCCESS);
  }
  change = next(object, DbgLoadDllStateChange);
  ck_assert_uint_eq(change.StateInfo.LoadDll.BaseOfDll, dll);
  ck_assert_uint_ne(change.StateInfo.LoadDll.FileHandle, 0);
  answer(object, &change, DBG_CONTINUE);
  nothing(object);
  HANDLE thread = remote_thread(&d, export_address("DbgUiRemoteBreakin"), 0, 0);
  change = next(object, DbgCreateThreadStateChange);
  ck_assert_uint_eq(change.StateInfo.CreateThread.NewThread.StartAddress, export_address("DbgUiRemoteBreakin"));
  answer(object, &change, DBG_CONTINUE);
  change = next(object, DbgBreakpointStateChange);
  ck_assert_uint_eq(change.AppClientId.UniqueThread, thread_of(thread)->Cid.UniqueThread);
  ck_assert_uint_eq(change.StateInfo.Exception.ExceptionRecord.ExceptionAddress, export_address("DbgBreakPoint"));
  answer(object, &change, DBG_CONTINUE);
  pass(object, DbgExitThreadStateChange);
  join(thread);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
}
END_TEST

START_TEST(fact_6_the_attach_alone_gives_no_breakpoint)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = spinning();
  attach(object, &d);
  nothing(object);
  /* the break-in is made inside a try: not handled, it ends its thread only */
  HANDLE thread = remote_thread(&d, export_address("DbgUiRemoteBreakin"), 0, 0);
  pass(object, DbgCreateThreadStateChange);
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgBreakpointStateChange);
  answer(object, &change, DBG_EXCEPTION_NOT_HANDLED);
  pass(object, DbgExitThreadStateChange);
  join(thread);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  /* and without a debugger it does not break */
  join(remote_thread(&d, export_address("DbgUiRemoteBreakin"), 0, 0));
  end(&d);
}
END_TEST

START_TEST(fact_7_threads_stay_suspended_until_their_events_are_continued)
{
  HANDLE threads[3], object = debug_object(0, DEBUG_ALL_ACCESS);
  ULONG64 before[3];
  struct debuggee d = spinning();
  threads[0] = d.thread;
  for (int i = 1; i < 3; i++)
    threads[i] = remote_thread(&d, process_of(d.process)->entry_point, 0, 0);
  run_for(20);
  ck_status(NtDebugActiveProcess(d.process, object), STATUS_SUCCESS);
  static const DBG_STATE states[] = {DbgCreateProcessStateChange, DbgLoadDllStateChange, DbgCreateThreadStateChange,
                                     DbgCreateThreadStateChange};
  static const int released[] = {1, 1, 2, 3};
  for (int event = 0, running = 0; event < 4; event++) {
    DBGUI_WAIT_STATE_CHANGE change = next(object, states[event]);
    for (int turn = 0; turn < 2; turn++) {
      for (int i = 0; i < 3; i++)
        before[i] = thread_of(threads[i])->Tcb.CycleTime;
      run_for(20);
      for (int i = 0; i < 3; i++) {
        bool ran = thread_of(threads[i])->Tcb.CycleTime > before[i];
        ck_assert_msg(ran == (i < running), "event %d, turn %d: thread %d %s", event, turn, i, ran ? "ran" : "stood");
      }
      if (turn)
        break;
      answer(object, &change, DBG_CONTINUE);
      running = released[event];
    }
  }
  ck_status(NtClose(threads[1]), STATUS_SUCCESS);
  ck_status(NtClose(threads[2]), STATUS_SUCCESS);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
}
END_TEST

/* Nothing makes protected or 32-bit processes yet: the marks are set by hand. */
START_TEST(fact_9_refusals)
{
  HANDLE system, object = debug_object(0, DEBUG_ALL_ACCESS), other = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = spinning();
  EPROCESS *native;
  ck_status(NtDebugActiveProcess(NtCurrentProcess(), object), STATUS_ACCESS_DENIED);
  ck_status(ObOpenObjectByPointer(PsInitialSystemProcess(), 0, PROCESS_ALL_ACCESS, NULL, &system), STATUS_SUCCESS);
  ck_status(NtDebugActiveProcess(system, object), STATUS_ACCESS_DENIED);
  ck_status(NtClose(system), STATUS_SUCCESS);
  /* nobody debugs host code */
  ck_status(PspAllocateProcess(NULL, true, false, "native", &native), STATUS_SUCCESS);
  ck_status(ObOpenObjectByPointer(native, 0, PROCESS_ALL_ACCESS, NULL, &system), STATUS_SUCCESS);
  ck_status(NtDebugActiveProcess(system, object), STATUS_ACCESS_DENIED);
  ck_status(NtClose(system), STATUS_SUCCESS);
  ObKillProcess(native);
  PspRemoveProcess(native);
  ObDereferenceObject(native);

  EPROCESS *target;
  ck_status(PsLookupProcessByProcessId(d.id.UniqueProcess, &target), STATUS_SUCCESS);
  target->Protection = 1;
  ck_status(NtDebugActiveProcess(d.process, object), STATUS_PROCESS_IS_PROTECTED);
  target->Protection = 0;
  PsGetCurrentProcess()->WoW64Process = TRUE;
  ck_status(NtDebugActiveProcess(d.process, object), STATUS_NOT_SUPPORTED);
  PsGetCurrentProcess()->WoW64Process = FALSE;
  ObDereferenceObject(target);

  attach(object, &d);
  ck_status(NtDebugActiveProcess(d.process, object), STATUS_PORT_ALREADY_SET);
  ck_status(NtDebugActiveProcess(d.process, other), STATUS_PORT_ALREADY_SET);
  nothing(other);
  nothing(object);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  attach(other, &d);
  ck_status(NtRemoveProcessDebug(d.process, other), STATUS_SUCCESS);
  ck_status(NtClose(other), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
}
END_TEST

/* Events that nobody waits for are charged to the debugger; without quota the attach fails and leaves nothing. */
START_TEST(events_are_charged_to_the_debugger)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = spinning();
  EPROCESS *debugger = PsGetCurrentProcess();
  size_t limit = debugger->PoolQuotaLimit;
  ck_assert_uint_eq(debugger->PoolQuotaUsage, 0);
  ck_status(NtDebugActiveProcess(d.process, object), STATUS_SUCCESS);
  ck_assert_uint_ge(debugger->PoolQuotaUsage, 2 * 0x110);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_assert_uint_eq(debugger->PoolQuotaUsage, 0);
  debugger->PoolQuotaLimit = 0x100;
  ck_status(NtDebugActiveProcess(d.process, object), STATUS_INSUFFICIENT_RESOURCES);
  debugger->PoolQuotaLimit = limit;
  nothing(object);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
}
END_TEST

START_TEST(attach_to_a_process_without_threads)
{
  EPROCESS *process;
  HANDLE handle, object = debug_object(0, DEBUG_ALL_ACCESS);
  ck_status(PspAllocateProcess(NULL, false, false, "empty", &process), STATUS_SUCCESS);
  ck_status(ObOpenObjectByPointer(process, 0, PROCESS_ALL_ACCESS, NULL, &handle), STATUS_SUCCESS);
  ck_status(NtDebugActiveProcess(handle, object), STATUS_UNSUCCESSFUL);
  ck_assert_ptr_null(process->DebugPort);
  ck_status(NtClose(handle), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  ObKillProcess(process);
  PspRemoveProcess(process);
  ObDereferenceObject(process);
}
END_TEST

START_TEST(attach_to_a_process_that_has_ended)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = start("g_exit42", 0, 0, NULL);
  ck_status(NtWaitForSingleObject(d.process, FALSE, MS(1000)), STATUS_SUCCESS);
  ck_status(NtDebugActiveProcess(d.process, object), STATUS_PROCESS_IS_TERMINATING);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_PORT_NOT_SET);
  ended(&d, 42);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

/* A detach before all is read lets the held threads go, and the files that nobody will read are closed. */
START_TEST(detach_with_attach_messages_pending)
{
  for (int read = 0; read < 4; read++) {
    HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
    struct debuggee d = spinning();
    HANDLE thread = remote_thread(&d, export_address("RtlExitUserThread"), 7, 1);
    ck_status(NtDebugActiveProcess(d.process, object), STATUS_SUCCESS);
    if (read > 0)
      pass(object, DbgCreateProcessStateChange);
    if (read > 1)
      pass(object, DbgLoadDllStateChange);
    if (read > 2)
      pass(object, DbgCreateThreadStateChange);
    ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
    ULONG previous = 99;
    ck_status(NtSuspendThread(d.thread, AT(&previous)), STATUS_SUCCESS);
    ck_assert_uint_eq(previous, 0);
    ck_status(NtResumeThread(d.thread, 0), STATUS_SUCCESS);
    ck_status(NtResumeThread(thread, AT(&previous)), STATUS_SUCCESS);
    ck_assert_uint_eq(previous, 1);
    join(thread);
    nothing(object);
    ck_status(NtClose(object), STATUS_SUCCESS);
    end(&d);
  }
}
END_TEST

/* One created suspended has not told of itself yet; the attach did (SkipCreationMsg). */
START_TEST(fact_11_creation_that_an_attach_reported_is_not_told_again)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = start("g_exit42", 0, LIFE_CREATE_SUSPENDED, NULL);
  attach(object, &d);
  ck_assert_uint_ne(thread_of(d.thread)->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_SKIP_CREATION_MSG, 0);
  nothing(object);
  ck_status(NtResumeThread(d.thread, 0), STATUS_SUCCESS);
  pass(object, DbgBreakpointStateChange);
  pass(object, DbgExitProcessStateChange);
  ended(&d, 42);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

START_TEST(fact_11_a_thread_that_never_started_is_not_told_of)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = spinning();
  attach(object, &d);
  HANDLE thread = remote_thread(&d, export_address("RtlExitUserThread"), 7, 1);
  nothing(object);
  ck_status(NtTerminateThread(thread, 8), STATUS_SUCCESS);
  ck_status(NtWaitForSingleObject(thread, FALSE, MS(1000)), STATUS_SUCCESS);
  ck_assert_uint_ne(thread_of(thread)->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_SKIP_TERMINATION_MSG, 0);
  join(thread);
  nothing(object);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
}
END_TEST

/* A thread in its exit can not be held (PROTECT_FAILED): the attach does not tell of it, nor does it of its end. */
START_TEST(fact_11_a_thread_in_its_exit_is_not_told_of)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS), second = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = spinning();
  attach(object, &d);
  HANDLE thread = remote_thread(&d, export_address("RtlExitUserThread"), 7, 0);
  pass(object, DbgCreateThreadStateChange);
  next(object, DbgExitThreadStateChange);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_status(NtDebugActiveProcess(d.process, second), STATUS_SUCCESS);
  ck_assert_uint_ne(thread_of(thread)->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_SKIP_TERMINATION_MSG, 0);
  pass(second, DbgCreateProcessStateChange);
  pass(second, DbgLoadDllStateChange);
  nothing(second);
  join(thread);
  ck_status(NtRemoveProcessDebug(d.process, second), STATUS_SUCCESS);
  ck_status(NtClose(second), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
}
END_TEST

START_TEST(fact_11_the_oldest_thread_that_can_be_held_has_the_process_message)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS), second = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = spinning();
  attach(object, &d);
  HANDLE thread = remote_thread(&d, process_of(d.process)->entry_point, 0, 0);
  pass(object, DbgCreateThreadStateChange);
  ck_status(NtTerminateThread(d.thread, 5), STATUS_SUCCESS);
  next(object, DbgExitThreadStateChange);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_status(NtDebugActiveProcess(d.process, second), STATUS_SUCCESS);
  DBGUI_WAIT_STATE_CHANGE change = next(second, DbgCreateProcessStateChange);
  ck_assert_uint_eq(change.AppClientId.UniqueThread, thread_of(thread)->Cid.UniqueThread);
  answer(second, &change, DBG_CONTINUE);
  change = next(second, DbgLoadDllStateChange);
  ck_assert_uint_eq(change.AppClientId.UniqueThread, thread_of(thread)->Cid.UniqueThread);
  answer(second, &change, DBG_CONTINUE);
  nothing(second);
  ck_status(NtClose(thread), STATUS_SUCCESS);
  ck_status(NtRemoveProcessDebug(d.process, second), STATUS_SUCCESS);
  ck_status(NtClose(second), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
}
END_TEST

START_TEST(attach_to_a_process_whose_last_thread_is_in_its_exit)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS), second = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = start("g_exit42", object, 0, NULL);
  pass_start(object);
  next(object, DbgExitProcessStateChange);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_status(NtDebugActiveProcess(d.process, second), STATUS_SUCCESS);
  nothing(second);
  ended(&d, 42);
  nothing(second);
  ck_status(NtClose(second), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

/* A thread that an attach has caught and that is told to exit goes when the attach has committed, and says so. */
START_TEST(a_held_thread_that_is_terminated_reports_in_its_turn)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = spinning();
  HANDLE thread = remote_thread(&d, process_of(d.process)->entry_point, 0, 0);
  run_for(5);
  ck_status(NtDebugActiveProcess(d.process, object), STATUS_SUCCESS);
  /* the attach has committed: a suspension holds the thread, no protection does */
  ck_assert_uint_eq(thread_of(thread)->RundownProtect.count, 0);
  ck_assert_int_eq(thread_of(thread)->Tcb.SuspendCount, 1);
  ck_status(NtTerminateThread(thread, 6), STATUS_SUCCESS);
  pass(object, DbgCreateProcessStateChange);
  pass(object, DbgLoadDllStateChange);
  pass(object, DbgCreateThreadStateChange);
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgExitThreadStateChange);
  ck_assert_int_eq(change.StateInfo.ExitThread.ExitStatus, 6);
  answer(object, &change, DBG_CONTINUE);
  join(thread);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
}
END_TEST

/* The messages of an attach have no sender that could replay them. */
START_TEST(reply_later_to_a_message_of_an_attach_is_a_continue)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = spinning();
  ck_status(NtDebugActiveProcess(d.process, object), STATUS_SUCCESS);
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgCreateProcessStateChange);
  answer(object, &change, DBG_REPLY_LATER);
  ck_assert_int_eq(thread_of(d.thread)->Tcb.SuspendCount, 0);
  change = next(object, DbgLoadDllStateChange);
  answer(object, &change, DBG_REPLY_LATER);
  nothing(object);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
}
END_TEST

/* No further suspension is possible: the thread is told of, and its count stays as it is. */
START_TEST(attach_to_a_thread_with_the_greatest_suspend_count)
{
  ULONG previous = 99;
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = spinning();
  while (NtSuspendThread(d.thread, 0) == STATUS_SUCCESS)
    ;
  ck_status(NtSuspendThread(d.thread, 0), STATUS_SUSPEND_COUNT_EXCEEDED);
  attach(object, &d);
  ck_status(NtResumeThread(d.thread, AT(&previous)), STATUS_SUCCESS);
  ck_assert_uint_eq(previous, 127);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
}
END_TEST

START_TEST(fact_31_an_attach_reports_a_hidden_thread)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = spinning();
  HANDLE thread = remote_thread(&d, process_of(d.process)->entry_point, 0, 0);
  run_for(5);
  ck_status(NtSetInformationThread(thread, 0x11, 0, 0), STATUS_SUCCESS);
  attach(object, &d);
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgCreateThreadStateChange);
  ck_assert_uint_eq(change.AppClientId.UniqueThread, thread_of(thread)->Cid.UniqueThread);
  answer(object, &change, DBG_CONTINUE);
  ck_status(NtTerminateThread(thread, 5), STATUS_SUCCESS);
  join(thread);
  nothing(object);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
}
END_TEST

/* How many LOAD_DLLs come after ntdll's. */
static unsigned modules_told(const struct debuggee *d)
{
  unsigned count = 0;
  DBGUI_WAIT_STATE_CHANGE change;
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  attach(object, d);
  while (NtWaitForDebugEvent(object, FALSE, MS(0), AT(&change)) == STATUS_SUCCESS) {
    ck_assert_uint_eq(change.NewState, DbgLoadDllStateChange);
    answer(object, &change, DBG_CONTINUE);
    count++;
  }
  ck_status(NtRemoveProcessDebug(d->process, object), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  return count;
}

START_TEST(a_hostile_module_list_is_no_error)
{
  ULONG64 dll;
  struct debuggee d = spinning();
  ULONG64 head = list_head(&d), peb = process_of(d.process)->Peb, ldr = read_pointer(&d, peb + 0x18);
  map_dll(&d, &dll);
  ck_assert_uint_eq(modules_told(&d), 0);
  ULONG64 entry = append_module(&d, dll);
  ck_assert_uint_eq(modules_told(&d), 1);
  /* bases that are no image's, or not its begin */
  static const ULONG64 bases[] = {0, 1, 0x7FFE0000, 0xFFFF800000000000, ~0ull};
  for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
    write_pointer(&d, entry + 0x30, bases[i]);
    ck_assert_uint_eq(modules_told(&d), 0);
  }
  write_pointer(&d, entry + 0x30, dll + 0x1000);
  ck_assert_uint_eq(modules_told(&d), 0);
  write_pointer(&d, entry + 0x30, dll);
  /* a list that ends nowhere: what came before stays */
  static const ULONG64 links[] = {0, 8, 0xFFFF800000000000, ~0ull, ~7ull};
  for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
    write_pointer(&d, entry, links[i]);
    ck_assert_uint_eq(modules_told(&d), 1);
  }
  /* one that ends never: 500 entries are read, two of them the image and ntdll */
  write_pointer(&d, entry, entry);
  ck_assert_uint_eq(modules_told(&d), 498);
  write_pointer(&d, head, 0);
  ck_assert_uint_eq(modules_told(&d), 0);
  for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
    write_pointer(&d, peb + 0x18, links[i]);
    ck_assert_uint_eq(modules_told(&d), 0);
  }
  write_pointer(&d, peb + 0x18, ldr);
  end(&d);
}
END_TEST

TCase *attach_case(void)
{
  TCase *tests = kit_case("attach");
  tcase_add_test(tests, fact_4_order_of_the_messages);
  tcase_add_test(tests, fact_6_the_attach_alone_gives_no_breakpoint);
  tcase_add_test(tests, fact_7_threads_stay_suspended_until_their_events_are_continued);
  tcase_add_test(tests, fact_9_refusals);
  tcase_add_test(tests, events_are_charged_to_the_debugger);
  tcase_add_test(tests, attach_to_a_process_without_threads);
  tcase_add_test(tests, attach_to_a_process_that_has_ended);
  tcase_add_test(tests, detach_with_attach_messages_pending);
  tcase_add_test(tests, fact_11_creation_that_an_attach_reported_is_not_told_again);
  tcase_add_test(tests, fact_11_a_thread_that_never_started_is_not_told_of);
  tcase_add_test(tests, fact_11_a_thread_in_its_exit_is_not_told_of);
  tcase_add_test(tests, fact_11_the_oldest_thread_that_can_be_held_has_the_process_message);
  tcase_add_test(tests, attach_to_a_process_whose_last_thread_is_in_its_exit);
  tcase_add_test(tests, a_held_thread_that_is_terminated_reports_in_its_turn);
  tcase_add_test(tests, reply_later_to_a_message_of_an_attach_is_a_continue);
  tcase_add_test(tests, attach_to_a_thread_with_the_greatest_suspend_count);
  tcase_add_test(tests, fact_31_an_attach_reports_a_hidden_thread);
  tcase_add_test(tests, a_hostile_module_list_is_no_error);
  return tests;
}
