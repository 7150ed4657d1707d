/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The debugging functions of kernel32 (spec/4.1 to 4.3), by the facts of spec/5. */
#include "debuggee.h"
#include "nt_process.h"
#include "ntdll.h"

/** What DbgSsReserved[0] heads (spec/4.3). */
typedef struct saved {
  struct saved *next;
  HANDLE thread, process;
  DWORD process_id, thread_id;
  BOOLEAN marked;
} SAVED;

static SAVED *saved(void) { return NtCurrentTeb()->DbgSsReserved[0]; }
static int saved_count(void)
{
  int count = 0;
  for (SAVED *s = saved(); s; s = s->next)
    count++;
  return count;
}

static BOOL is_open(HANDLE handle)
{
  DWORD flags;
  return GetHandleInformation(handle, &flags);
}

/* Creation: the order, the loader's breakpoint, names. */
static void fact_1_events_of_a_creation(DEBUGGEE *d)
{
  CHECK(next_event(d, FALSE) == CREATE_PROCESS_DEBUG_EVENT);
  CHECK(d->event.dwProcessId == d->info.dwProcessId && d->event.dwThreadId == d->info.dwThreadId);
  CHECK(answer(d, DBG_CONTINUE));
  for (int i = 0; i < 3; i++) {
    CHECK(next_event(d, FALSE) == LOAD_DLL_DEBUG_EVENT);
    CHECK(answer(d, DBG_CONTINUE));
  }
  CHECK(next_event(d, FALSE) == EXCEPTION_DEBUG_EVENT);
  CHECK(d->event.u.Exception.ExceptionRecord.ExceptionCode == (DWORD)STATUS_BREAKPOINT);
  CHECK(d->event.u.Exception.dwFirstChance);
}

static void fact_2_the_loader_breaks_elsewhere_and_not_handled_is_harmless(DEBUGGEE *d)
{
  CHECK(d->event.u.Exception.ExceptionRecord.ExceptionAddress != (PVOID)DbgBreakPoint);
  CHECK(answer(d, DBG_EXCEPTION_NOT_HANDLED));
  CHECK(next_event(d, FALSE) == EXIT_PROCESS_DEBUG_EVENT && d->event.u.ExitProcess.dwExitCode == 7);
}

static void fact_3_names(void)
{
  DEBUGGEE d;
  PVOID pointer = NULL;
  WCHAR name[12] = {0};
  SIZE_T got;
  CHECK(start_part("seven", DEBUG_ONLY_THIS_PROCESS, &d));
  CHECK(next_event(&d, FALSE) == CREATE_PROCESS_DEBUG_EVENT);
  CHECK(!d.event.u.CreateProcessInfo.lpImageName && d.event.u.CreateProcessInfo.fUnicode);
  PTEB teb = d.event.u.CreateProcessInfo.lpThreadLocalBase;
  CHECK(teb != NULL);
  CHECK(answer(&d, DBG_CONTINUE) && next_event(&d, FALSE) == LOAD_DLL_DEBUG_EVENT);
  CHECK(d.event.u.LoadDll.lpImageName == &teb->NtTib.ArbitraryUserPointer && d.event.u.LoadDll.fUnicode);
  CHECK(ReadProcessMemory(d.info.hProcess, d.event.u.LoadDll.lpImageName, &pointer, sizeof pointer, &got));
  CHECK(ReadProcessMemory(d.info.hProcess, pointer, name, 18, &got) && got == 18);
  CHECK(name[0] == 'n' && name[8] == 'l');
  CHECK(run_to_end(&d) == 7);
}

static void fact_8_one_event_is_outstanding(void)
{
  DEBUGGEE d;
  DEBUG_EVENT other;
  CHECK(start_part("seven", DEBUG_ONLY_THIS_PROCESS, &d));
  CHECK(next_event(&d, FALSE) == CREATE_PROCESS_DEBUG_EVENT);
  CHECK_ERROR(WaitForDebugEvent(&other, 10), ERROR_SEM_TIMEOUT);
  CHECK_ERROR(ContinueDebugEvent(d.info.dwProcessId, d.info.dwThreadId + 4, DBG_CONTINUE), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(ContinueDebugEvent(d.info.dwProcessId, d.info.dwThreadId, 0), ERROR_INVALID_PARAMETER);
  CHECK(run_to_end(&d) == 7);
}

static void fact_9_attaches_that_are_refused(void)
{
  DEBUGGEE d;
  CHECK_ERROR(DebugActiveProcess(GetCurrentProcessId()), ERROR_ACCESS_DENIED);
  CHECK_ERROR(DebugActiveProcess(0xFFFC), ERROR_INVALID_PARAMETER);
  CHECK(start_part("seven", DEBUG_ONLY_THIS_PROCESS, &d));
  CHECK_ERROR(DebugActiveProcess(d.info.dwProcessId), ERROR_INVALID_PARAMETER); /* PORT_ALREADY_SET */
  CHECK(next_event(&d, FALSE) == CREATE_PROCESS_DEBUG_EVENT);
  CHECK(run_to_end(&d) == 7);
  CHECK_ERROR(DebugActiveProcessStop(0xFFFC), ERROR_ACCESS_DENIED);
}

/* spec/4.3: the process's entry has no thread id, EXIT events mark, the continue closes. */
static void fact_12_handles_of_events_are_kept_and_closed(void)
{
  DEBUGGEE d;
  CHECK(saved_count() == 0);
  CHECK(start_part("thread", DEBUG_ONLY_THIS_PROCESS, &d));
  CHECK(next_event(&d, FALSE) == CREATE_PROCESS_DEBUG_EVENT);
  HANDLE process = d.event.u.CreateProcessInfo.hProcess, initial = d.event.u.CreateProcessInfo.hThread;
  CHECK(saved_count() == 2);
  CHECK(saved()->thread == initial && saved()->thread_id == d.info.dwThreadId && !saved()->process);
  CHECK(saved()->next->process == process && !saved()->next->thread_id && !saved()->next->thread);
  CHECK(answer(&d, DBG_CONTINUE) && run_to(&d, CREATE_THREAD_DEBUG_EVENT, FALSE));
  HANDLE thread = d.event.u.CreateThread.hThread;
  CHECK(d.event.u.CreateThread.lpThreadLocalBase != NULL);
  CHECK(saved_count() == 3 && saved()->thread == thread);
  CHECK(answer(&d, DBG_CONTINUE) && run_to(&d, EXIT_THREAD_DEBUG_EVENT, FALSE));
  CHECK(d.event.u.ExitThread.dwExitCode == 5);
  CHECK(saved()->marked && is_open(thread));
  CHECK(answer(&d, DBG_CONTINUE) && saved_count() == 2 && !is_open(thread));
  CHECK(run_to(&d, EXIT_PROCESS_DEBUG_EVENT, FALSE));
  CHECK(saved()->marked && saved()->next->marked && is_open(process) && is_open(initial));
  CHECK(answer(&d, DBG_CONTINUE) && saved_count() == 0 && !is_open(process) && !is_open(initial));
  CloseHandle(d.info.hThread);
  CloseHandle(d.info.hProcess);
}

static DWORD WINAPI wait_without_object(LPVOID result)
{
  DEBUG_EVENT event;
  SetLastError(0);
  *(BOOL *)result = WaitForDebugEvent(&event, 10);
  return GetLastError();
}

static DWORD run_thread(LPTHREAD_START_ROUTINE routine, LPVOID argument)
{
  DWORD code = 0;
  HANDLE thread = CreateThread(NULL, 0, routine, argument, 0, NULL);
  CHECK(WaitForSingleObject(thread, 5000) == WAIT_OBJECT_0 && GetExitCodeThread(thread, &code));
  CloseHandle(thread);
  return code;
}

static void fact_13_only_the_creating_thread_waits(void)
{
  DEBUGGEE d;
  BOOL waited = TRUE;
  CHECK(start_part("seven", DEBUG_ONLY_THIS_PROCESS, &d));
  CHECK(NtCurrentTeb()->DbgSsReserved[1] == DbgUiGetThreadDebugObject() && DbgUiGetThreadDebugObject());
  CHECK(run_thread(wait_without_object, &waited) == ERROR_INVALID_HANDLE && !waited);
  CHECK(next_event(&d, FALSE) == CREATE_PROCESS_DEBUG_EVENT);
  CHECK(run_to_end(&d) == 7);
}

static void fact_29_two_questions(void)
{
  DEBUGGEE d;
  BOOL present = 9;
  CHECK(!IsDebuggerPresent());
  NtCurrentTeb()->ProcessEnvironmentBlock->BeingDebugged = TRUE;
  CHECK(IsDebuggerPresent());
  CHECK(CheckRemoteDebuggerPresent(GetCurrentProcess(), &present) && !present);
  NtCurrentTeb()->ProcessEnvironmentBlock->BeingDebugged = FALSE;
  CHECK(start_part("seven", DEBUG_ONLY_THIS_PROCESS, &d));
  CHECK(CheckRemoteDebuggerPresent(d.info.hProcess, &present) && present == TRUE);
  CHECK_ERROR(CheckRemoteDebuggerPresent(NULL, &present), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(CheckRemoteDebuggerPresent(d.info.hProcess, NULL), ERROR_INVALID_PARAMETER);
  CHECK(next_event(&d, FALSE) == CREATE_PROCESS_DEBUG_EVENT);
  CHECK(run_to_end(&d) == 7);
}

static DWORD WINAPI debug_and_leave(LPVOID argument)
{
  DEBUGGEE *d = argument;
  return !start_part("sleep", DEBUG_ONLY_THIS_PROCESS, d) || !run_to(d, EXCEPTION_DEBUG_EVENT, FALSE) ||
         !answer(d, DBG_CONTINUE);
}

static DWORD WINAPI debug_without_kill_and_leave(LPVOID argument)
{
  DWORD result = debug_and_leave(argument);
  return DebugSetProcessKillOnExit(FALSE) ? result : 2;
}

static void fact_33_the_last_close_ends_debuggees_or_lets_them_go(void)
{
  DEBUGGEE d;
  DWORD code;
  CHECK(run_thread(debug_and_leave, &d) == 0);
  CHECK(WaitForSingleObject(d.info.hProcess, 1000) == WAIT_OBJECT_0);
  CHECK(GetExitCodeProcess(d.info.hProcess, &code) && code == 0xC0000354);
  CHECK(run_thread(debug_without_kill_and_leave, &d) == 0);
  CHECK(WaitForSingleObject(d.info.hProcess, 1000) == WAIT_OBJECT_0);
  CHECK(GetExitCodeProcess(d.info.hProcess, &code) && code == 8);
}

static DWORD WINAPI kill_on_exit_without_object(LPVOID unused)
{
  (void)unused;
  SetLastError(0);
  return DebugSetProcessKillOnExit(FALSE) ? 0 : GetLastError();
}

static void errors_of_section_4_1(void)
{
  CHECK(RtlNtStatusToDosError(STATUS_PORT_ALREADY_SET) == ERROR_INVALID_PARAMETER);
  CHECK(RtlNtStatusToDosError(STATUS_PORT_NOT_SET) == 642 && RtlNtStatusToDosError(STATUS_DEBUGGER_INACTIVE) == 1284);
  char byte;
  SIZE_T done = 9;
  DWORD before;
  CHECK(run_thread(kill_on_exit_without_object, NULL) == ERROR_INVALID_HANDLE);
  CHECK_ERROR(ReadProcessMemory(GetCurrentProcess(), NULL, &byte, 1, &done), ERROR_PARTIAL_COPY);
  CHECK(done == 0);
  CHECK_ERROR(ReadProcessMemory(NULL, &byte, &byte, 1, &done), ERROR_INVALID_HANDLE);
  static const volatile char constant = 1;
  CHECK_ERROR(WriteProcessMemory(GetCurrentProcess(), (LPVOID)&constant, "x", 1, &done), ERROR_NOACCESS);
  /* Code is written all the same, and stays code. */
  PUCHAR code = VirtualAlloc(NULL, 0x1000, MEM_COMMIT | MEM_RESERVE, PAGE_EXECUTE_READWRITE);
  CHECK(VirtualProtect(code, 0x1000, PAGE_EXECUTE_READ, &before));
  CHECK(WriteProcessMemory(GetCurrentProcess(), code, "\xC3", 1, &done) && done == 1 && *code == 0xC3);
  CHECK(VirtualProtect(code, 0x1000, PAGE_READONLY, &before) && before == PAGE_EXECUTE_READ);
}

static void fact_35_states_that_are_none(void)
{
  static const DBG_STATE states[] = {DbgIdle, DbgReplyPending, (DBG_STATE)11};
  for (int i = 0; i < 3; i++) {
    DBGUI_WAIT_STATE_CHANGE state = {.NewState = states[i],
                                     .AppClientId = {(HANDLE)(ULONG_PTR)(i + 100), (HANDLE)(ULONG_PTR)(i + 200)}};
    DEBUG_EVENT event = {.dwDebugEventCode = 77};
    CHECK(DbgUiConvertStateChangeStructure(&state, &event) == STATUS_UNSUCCESSFUL);
    CHECK(event.dwProcessId == (DWORD)i + 100 && event.dwThreadId == (DWORD)i + 200 && event.dwDebugEventCode == 77);
    event = (DEBUG_EVENT){.dwDebugEventCode = 77};
    CHECK(DbgUiConvertStateChangeStructureEx(&state, &event) == STATUS_UNSUCCESSFUL);
    CHECK(event.dwProcessId == (DWORD)i + 100 && event.dwThreadId == (DWORD)i + 200 && event.dwDebugEventCode == 77);
  }
}

static void section_4_2_exceptions_become_events(void)
{
  DBGUI_WAIT_STATE_CHANGE state = {.NewState = DbgExceptionStateChange};
  EXCEPTION_RECORD *record = &state.StateInfo.Exception.ExceptionRecord;
  DEBUG_EVENT event;
  *record = (EXCEPTION_RECORD){.ExceptionCode = (DWORD)DBG_RIPEXCEPTION, .ExceptionInformation = {3, 2}};
  CHECK(DbgUiConvertStateChangeStructure(&state, &event) == STATUS_SUCCESS && event.dwDebugEventCode == RIP_EVENT);
  CHECK(event.u.RipInfo.dwError == 3 && event.u.RipInfo.dwType == 2);
  *record = (EXCEPTION_RECORD){.ExceptionCode = (DWORD)DBG_PRINTEXCEPTION_C, .ExceptionInformation = {6, 0x1234}};
  CHECK(DbgUiConvertStateChangeStructure(&state, &event) == STATUS_SUCCESS);
  CHECK(event.dwDebugEventCode == OUTPUT_DEBUG_STRING_EVENT && !event.u.DebugString.fUnicode);
  CHECK(event.u.DebugString.lpDebugStringData == (LPSTR)0x1234 && event.u.DebugString.nDebugStringLength == 6);
  record->ExceptionCode = (DWORD)DBG_PRINTEXCEPTION_WIDE_C;
  CHECK(DbgUiConvertStateChangeStructure(&state, &event) == STATUS_SUCCESS);
  CHECK(event.dwDebugEventCode == EXCEPTION_DEBUG_EVENT);
  CHECK(DbgUiConvertStateChangeStructureEx(&state, &event) == STATUS_SUCCESS);
  CHECK(event.dwDebugEventCode == OUTPUT_DEBUG_STRING_EVENT && event.u.DebugString.fUnicode);
}

static DWORD WINAPI five(LPVOID unused)
{
  (void)unused;
  return 5;
}

void checks(void)
{
  DEBUGGEE d;
  if (plays("seven"))
    ExitProcess(7);
  if (plays("thread")) {
    WaitForSingleObject(CreateThread(NULL, 0, five, NULL, 0, NULL), INFINITE);
    ExitProcess(7);
  }
  if (plays("sleep")) {
    Sleep(100);
    ExitProcess(8);
  }
  CHECK(start_part("seven", DEBUG_ONLY_THIS_PROCESS, &d));
  fact_1_events_of_a_creation(&d);
  fact_2_the_loader_breaks_elsewhere_and_not_handled_is_harmless(&d);
  run_to_end(&d);
  fact_3_names();
  fact_8_one_event_is_outstanding();
  fact_9_attaches_that_are_refused();
  fact_12_handles_of_events_are_kept_and_closed();
  fact_13_only_the_creating_thread_waits();
  fact_29_two_questions();
  fact_33_the_last_close_ends_debuggees_or_lets_them_go();
  errors_of_section_4_1();
  fact_35_states_that_are_none();
  section_4_2_exceptions_become_events();
}
