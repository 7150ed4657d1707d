/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attach, break-in and detach by kernel32 (spec/4.1, 4.5; spec/5 facts 4, 6, 7). */
#include "debuggee.h"
#include "nt_process.h"
#include "ntdll.h"

#define MAX_EVENTS 16

static DWORD WINAPI sleep_thread(LPVOID unused)
{
  (void)unused;
  Sleep(200);
  return 0;
}

static void fact_4_order_of_an_attach(DEBUGGEE *d)
{
  DWORD codes[MAX_EVENTS], count = 0, at = 0, breaker = 0;
  CHECK(DebugActiveProcess(d->info.dwProcessId));
  while (count < MAX_EVENTS && next_event(d, FALSE)) {
    codes[count++] = d->event.dwDebugEventCode;
    if (d->event.dwDebugEventCode == CREATE_THREAD_DEBUG_EVENT)
      breaker = d->event.dwThreadId;
    if (d->event.dwDebugEventCode == EXCEPTION_DEBUG_EVENT)
      break;
    CHECK(answer(d, DBG_CONTINUE));
  }
  CHECK(codes[at++] == CREATE_PROCESS_DEBUG_EVENT);
  CHECK(codes[at++] == LOAD_DLL_DEBUG_EVENT); /* ntdll */
  CHECK(codes[at++] == CREATE_THREAD_DEBUG_EVENT);
  CHECK(codes[at++] == LOAD_DLL_DEBUG_EVENT && codes[at++] == LOAD_DLL_DEBUG_EVENT);
  CHECK(codes[at++] == CREATE_THREAD_DEBUG_EVENT);
  CHECK(codes[at++] == EXCEPTION_DEBUG_EVENT && at == count);
  CHECK(d->event.u.Exception.ExceptionRecord.ExceptionAddress == (PVOID)DbgBreakPoint);
  CHECK(d->event.dwThreadId == breaker);
}

static void fact_6_the_break_in_thread_ends(DEBUGGEE *d)
{
  DWORD breaker = d->event.dwThreadId;
  CHECK(answer(d, DBG_EXCEPTION_NOT_HANDLED)); /* it breaks in a try */
  CHECK(next_event(d, FALSE) == EXIT_THREAD_DEBUG_EVENT);
  CHECK(d->event.dwThreadId == breaker && d->event.u.ExitThread.dwExitCode == 0);
  CHECK(answer(d, DBG_CONTINUE));
}

static void a_break_in_later(DEBUGGEE *d)
{
  CHECK(DebugBreakProcess(d->info.hProcess));
  CHECK(next_event(d, FALSE) == CREATE_THREAD_DEBUG_EVENT);
  CHECK(d->event.u.CreateThread.lpStartAddress == (LPTHREAD_START_ROUTINE)DbgUiRemoteBreakin);
  CHECK(answer(d, DBG_CONTINUE) && next_event(d, FALSE) == EXCEPTION_DEBUG_EVENT);
  CHECK(d->event.u.Exception.ExceptionRecord.ExceptionAddress == (PVOID)DbgBreakPoint);
  CHECK(answer(d, DBG_CONTINUE) && next_event(d, FALSE) == EXIT_THREAD_DEBUG_EVENT);
  CHECK(answer(d, DBG_CONTINUE));
}

static void detach(DEBUGGEE *d)
{
  DWORD code;
  BOOL present = TRUE;
  CHECK(NtCurrentTeb()->DbgSsReserved[0] != NULL);
  CHECK(DebugActiveProcessStop(d->info.dwProcessId));
  CHECK(NtCurrentTeb()->DbgSsReserved[0] == NULL);
  CHECK(CheckRemoteDebuggerPresent(d->info.hProcess, &present) && !present);
  CHECK_ERROR(DebugActiveProcessStop(d->info.dwProcessId), ERROR_ACCESS_DENIED);
  CHECK(DbgUiStopDebugging(d->info.hProcess) == STATUS_PORT_NOT_SET);
  CHECK(WaitForSingleObject(d->info.hProcess, 2000) == WAIT_OBJECT_0);
  /* The process's own last word: it saw no debugger any more. */
  CHECK(GetExitCodeProcess(d->info.hProcess, &code) && code == 20);
}

static void an_undebugged_process_is_not_broken(void)
{
  DEBUGGEE d;
  DWORD code;
  CHECK(start_part("wait", 0, &d));
  Sleep(20);
  CHECK(DebugBreakProcess(d.info.hProcess)); /* the thread sees no debugger and ends */
  CHECK(WaitForSingleObject(d.info.hProcess, 2000) == WAIT_OBJECT_0);
  CHECK(GetExitCodeProcess(d.info.hProcess, &code) && code == 20);
}

/* A handle that may be debugged by, but not made threads with. */
static void fact_6_without_a_break_in_it_detaches(void)
{
  DEBUGGEE d;
  DWORD code;
  BOOL present = TRUE;
  CHECK(start_part("wait", 0, &d));
  HANDLE process = OpenProcess(0x800 /* PROCESS_SET_PORT */ | PROCESS_QUERY_INFORMATION, FALSE, d.info.dwProcessId);
  CHECK(DbgUiConnectToDbg() == STATUS_SUCCESS);
  CHECK(DbgUiDebugActiveProcess(process) == STATUS_ACCESS_DENIED);
  CHECK(CheckRemoteDebuggerPresent(process, &present) && !present);
  CHECK(WaitForSingleObject(d.info.hProcess, 2000) == WAIT_OBJECT_0);
  CHECK(GetExitCodeProcess(d.info.hProcess, &code) && code == 20);
}

/* Threads that attach has reported run only when their create event is continued. */
static void fact_7_threads_stay_suspended_until_their_create_event_is_continued(void)
{
  DEBUGGEE d;
  CHECK(start_part("wait", 0, &d));
  Sleep(20);
  CHECK(DebugActiveProcess(d.info.dwProcessId));
  CHECK(run_to(&d, CREATE_THREAD_DEBUG_EVENT, FALSE));
  HANDLE thread = d.event.u.CreateThread.hThread;
  CHECK(SuspendThread(thread) == 1 && ResumeThread(thread) == 2); /* fact 45 */
  CHECK(answer(&d, DBG_CONTINUE) && run_to(&d, LOAD_DLL_DEBUG_EVENT, FALSE));
  CHECK(SuspendThread(thread) == 0 && ResumeThread(thread) == 1);
  CHECK(run_to_end(&d) == 21);
}

void checks(void)
{
  DEBUGGEE d;
  if (plays("wait")) {
    WaitForSingleObject(CreateThread(NULL, 0, sleep_thread, NULL, 0, NULL), INFINITE);
    ExitProcess(20u + IsDebuggerPresent());
  }
  CHECK(start_part("wait", 0, &d));
  Sleep(20);
  fact_4_order_of_an_attach(&d);
  fact_6_the_break_in_thread_ends(&d);
  a_break_in_later(&d);
  detach(&d);
  an_undebugged_process_is_not_broken();
  fact_6_without_a_break_in_it_detaches();
  fact_7_threads_stay_suspended_until_their_create_event_is_continued();
}
