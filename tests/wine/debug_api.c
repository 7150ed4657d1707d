/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Win32 debug functions as a guest debugger uses them (spec/4.1-4.3), on a child that is this program again.
 * Exit code 0: all well; else the line of the check that failed. */
#define _WIN32_WINNT 0x0A00
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      printf("line %d: %s (error %lu)\n", __LINE__, #condition, GetLastError());                                      \
      fflush(stdout);                                                                                                  \
      ExitProcess(__LINE__);                                                                                           \
    }                                                                                                                  \
  } while (0)

static int child(const char *what)
{
  if (!strcmp(what, "sleep")) {
    for (int i = 0; i < 40; i++)
      Sleep(50);
    return IsDebuggerPresent() ? 11 : 10;
  }
  return 7;
}

static PROCESS_INFORMATION start(const char *what, DWORD flags)
{
  STARTUPINFOA startup = {.cb = sizeof startup};
  PROCESS_INFORMATION process;
  char path[MAX_PATH], command[MAX_PATH + 32];
  CHECK(GetModuleFileNameA(NULL, path, sizeof path));
  snprintf(command, sizeof command, "\"%s\" %s", path, what);
  CHECK(CreateProcessA(NULL, command, NULL, NULL, FALSE, flags, NULL, NULL, &startup, &process));
  return process;
}

static DEBUG_EVENT expect(DWORD code)
{
  DEBUG_EVENT event;
  CHECK(WaitForDebugEvent(&event, 5000));
  if (event.dwDebugEventCode != code)
    printf("event %lu instead of %lu\n", event.dwDebugEventCode, code);
  CHECK(event.dwDebugEventCode == code);
  if (code == CREATE_PROCESS_DEBUG_EVENT)
    CloseHandle(event.u.CreateProcessInfo.hFile);
  if (code == LOAD_DLL_DEBUG_EVENT)
    CloseHandle(event.u.LoadDll.hFile);
  return event;
}

static void go_on(const DEBUG_EVENT *event)
{
  CHECK(ContinueDebugEvent(event->dwProcessId, event->dwThreadId, DBG_CONTINUE));
}

/* Continues until a breakpoint; that event. */
static DEBUG_EVENT run_to_breakpoint(void)
{
  for (;;) {
    DEBUG_EVENT event;
    CHECK(WaitForDebugEvent(&event, 5000));
    if (event.dwDebugEventCode == EXCEPTION_DEBUG_EVENT) {
      CHECK(event.u.Exception.ExceptionRecord.ExceptionCode == EXCEPTION_BREAKPOINT);
      return event;
    }
    go_on(&event);
  }
}

static DWORD end_of(HANDLE process)
{
  DWORD code = 0;
  CHECK(WaitForSingleObject(process, 10000) == WAIT_OBJECT_0);
  CHECK(GetExitCodeProcess(process, &code));
  return code;
}

/* Attach, break-in, break again, detach: the child lives on and sees no debugger. */
static void attach_and_detach(void)
{
  PROCESS_INFORMATION p = start("sleep", 0);
  BOOL present = TRUE;
  Sleep(100);
  CHECK(CheckRemoteDebuggerPresent(p.hProcess, &present) && !present);
  CHECK(!DebugActiveProcessStop(p.dwProcessId));
  CHECK(DebugActiveProcess(p.dwProcessId));
  CHECK(CheckRemoteDebuggerPresent(p.hProcess, &present) && present);
  CHECK(!DebugActiveProcess(p.dwProcessId));
  DEBUG_EVENT event = expect(CREATE_PROCESS_DEBUG_EVENT);
  CHECK(event.dwProcessId == p.dwProcessId && event.dwThreadId == p.dwThreadId);
  CHECK(event.u.CreateProcessInfo.hProcess && event.u.CreateProcessInfo.hThread);
  go_on(&event);
  event = expect(LOAD_DLL_DEBUG_EVENT);
  go_on(&event);
  event = run_to_breakpoint();
  CHECK(event.dwThreadId != p.dwThreadId);
  go_on(&event);
  event = expect(EXIT_THREAD_DEBUG_EVENT);
  go_on(&event);

  CHECK(DebugBreakProcess(p.hProcess));
  event = expect(CREATE_THREAD_DEBUG_EVENT);
  go_on(&event);
  event = expect(EXCEPTION_DEBUG_EVENT);
  go_on(&event);
  event = expect(EXIT_THREAD_DEBUG_EVENT);
  go_on(&event);

  CHECK(DebugActiveProcessStop(p.dwProcessId));
  CHECK(CheckRemoteDebuggerPresent(p.hProcess, &present) && !present);
  CHECK(!WaitForDebugEvent(&event, 20) && GetLastError() == ERROR_SEM_TIMEOUT);
  CHECK(end_of(p.hProcess) == 10);
}

/* DEBUG_ONLY_THIS_PROCESS: memory, contexts and suspension from the debugger. */
static void created_under_a_debugger(void)
{
  PROCESS_INFORMATION p = start("quick", DEBUG_ONLY_THIS_PROCESS);
  DEBUG_EVENT event = expect(CREATE_PROCESS_DEBUG_EVENT);
  void *start_address = (void *)event.u.CreateProcessInfo.lpStartAddress;
  UCHAR original, breakpoint = 0xCC;
  CONTEXT context = {.ContextFlags = CONTEXT_FULL};
  CHECK(ReadProcessMemory(p.hProcess, start_address, &original, 1, NULL));
  go_on(&event);
  event = run_to_breakpoint();
  CHECK(WriteProcessMemory(p.hProcess, start_address, &breakpoint, 1, NULL));
  CHECK(FlushInstructionCache(p.hProcess, start_address, 1));
  /* Frozen by the event is not suspended (fact 45). */
  CHECK(SuspendThread(p.hThread) == 0 && ResumeThread(p.hThread) == 1);
  go_on(&event);
  event = run_to_breakpoint();
  CHECK(event.u.Exception.ExceptionRecord.ExceptionAddress == start_address);
  CHECK(GetThreadContext(p.hThread, &context));
  CHECK((void *)(ULONG_PTR)context.Rip == (char *)start_address + 1);
  context.Rip--;
  CHECK(SetThreadContext(p.hThread, &context));
  CHECK(WriteProcessMemory(p.hProcess, start_address, &original, 1, NULL));
  go_on(&event);
  do {
    CHECK(WaitForDebugEvent(&event, 5000));
    go_on(&event);
  } while (event.dwDebugEventCode != EXIT_PROCESS_DEBUG_EVENT);
  CHECK(event.u.ExitProcess.dwExitCode == 7);
  CHECK(end_of(p.hProcess) == 7);
}

/* Kill on exit can be turned off: the debugger's end only detaches. */
static DWORD WINAPI short_debugger(void *parameter)
{
  PROCESS_INFORMATION *p = parameter;
  CHECK(DebugActiveProcess(p->dwProcessId));
  CHECK(DebugSetProcessKillOnExit(p[1].hProcess != NULL));
  return 0;
}

static void end_of_a_debugger(BOOL kill)
{
  PROCESS_INFORMATION p[2] = {start("sleep", 0), {0}};
  p[1].hProcess = kill ? (HANDLE)1 : NULL;
  Sleep(50);
  HANDLE thread = CreateThread(NULL, 0, short_debugger, p, 0, NULL);
  CHECK(thread && WaitForSingleObject(thread, 5000) == WAIT_OBJECT_0);
  DWORD code = end_of(p[0].hProcess);
  printf("%s: %lx\n", kill ? "killed" : "detached", code);
  CHECK(code == (kill ? 0xC0000354 : 10));
}

int main(int argc, char **argv)
{
  BOOL present = TRUE;
  if (argc > 1)
    return child(argv[1]);
  CHECK(!IsDebuggerPresent());
  CHECK(CheckRemoteDebuggerPresent(GetCurrentProcess(), &present) && !present);
  CHECK(!DebugActiveProcess(GetCurrentProcessId()));
  created_under_a_debugger();
  attach_and_detach();
  end_of_a_debugger(FALSE);
  end_of_a_debugger(TRUE);
  puts("all well");
  return 0;
}
