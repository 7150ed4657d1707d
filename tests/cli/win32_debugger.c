/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Win32 debug functions of a debugger that runs inside the machine (spec/4.1, 4.3; facts 9, 13, 29, 33). It debugs
 * itself, started again with an argument. Exit code 0, or the line of the check that failed. */
#define _WIN32_WINNT 0x0A00
#include <windows.h>

#include <stdio.h>

#define CHILD_CODE 0x66
#define DEBUGGER_INACTIVE 0xC0000354u
#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      printf("line %d: %s (last error %lu, event %lu)\n", __LINE__, #condition, GetLastError(),                        \
             event.dwDebugEventCode);                                                                                  \
      fflush(stdout);                                                                                                  \
      ExitProcess(__LINE__);                                                                                           \
    }                                                                                                                  \
  } while (0)
#define FAILS(call, error) CHECK(!(call) && GetLastError() == (error))

static DEBUG_EVENT event;
static PROCESS_INFORMATION child;
static volatile LONG ticks;

/* The target of a breakpoint. */
__attribute__((noinline)) void tick(void) { ticks++; }

static int be_debugged(int milliseconds)
{
  for (; milliseconds > 0; milliseconds -= 10) {
    Sleep(10);
    tick();
  }
  return CHILD_CODE;
}

static void start_child(const char *milliseconds)
{
  STARTUPINFOA startup = {.cb = sizeof startup};
  char path[MAX_PATH], line[MAX_PATH + 32];
  CHECK(GetModuleFileNameA(NULL, path, sizeof path));
  snprintf(line, sizeof line, "\"%s\" %s", path, milliseconds);
  CHECK(CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &child));
  Sleep(50);
}

static DWORD child_code(void)
{
  DWORD code;
  CHECK(WaitForSingleObject(child.hProcess, 5000) == WAIT_OBJECT_0);
  CHECK(GetExitCodeProcess(child.hProcess, &code));
  CloseHandle(child.hThread);
  CloseHandle(child.hProcess);
  return code;
}

static BOOL is_debugged(void)
{
  BOOL present = 9;
  CHECK(CheckRemoteDebuggerPresent(child.hProcess, &present));
  return present;
}

static void proceed(void)
{
  if (event.dwDebugEventCode == LOAD_DLL_DEBUG_EVENT && event.u.LoadDll.hFile)
    CHECK(CloseHandle(event.u.LoadDll.hFile));
  if (event.dwDebugEventCode == CREATE_PROCESS_DEBUG_EVENT && event.u.CreateProcessInfo.hFile)
    CHECK(CloseHandle(event.u.CreateProcessInfo.hFile));
  CHECK(ContinueDebugEvent(event.dwProcessId, event.dwThreadId, DBG_CONTINUE));
}

static void next(DWORD code)
{
  CHECK(WaitForDebugEvent(&event, 1000));
  CHECK(event.dwDebugEventCode == code && event.dwProcessId == child.dwProcessId);
}

/* From the break-in thread's creation to its end; the events before it are passed. */
static void follow_break_in(void)
{
  do {
    CHECK(WaitForDebugEvent(&event, 1000));
    proceed();
  } while (event.dwDebugEventCode != CREATE_THREAD_DEBUG_EVENT);
  DWORD thread = event.dwThreadId;
  next(EXCEPTION_DEBUG_EVENT);
  CHECK(event.dwThreadId == thread && event.u.Exception.dwFirstChance);
  CHECK(event.u.Exception.ExceptionRecord.ExceptionCode == EXCEPTION_BREAKPOINT);
  proceed();
  next(EXIT_THREAD_DEBUG_EVENT);
  CHECK(event.dwThreadId == thread);
  proceed();
}

static void without_object(void)
{
  FAILS(WaitForDebugEvent(&event, 0), ERROR_INVALID_HANDLE);
  FAILS(DebugSetProcessKillOnExit(FALSE), ERROR_INVALID_HANDLE);
  FAILS(DebugActiveProcess(GetCurrentProcessId()), ERROR_ACCESS_DENIED);
}

/* Fact 13: the debug object is the attaching thread's. */
static DWORD WINAPI wait_elsewhere(void *argument)
{
  DEBUG_EVENT other;
  (void)argument;
  return WaitForDebugEvent(&other, 0) ? 0 : GetLastError();
}

static void only_the_attaching_thread_waits(void)
{
  DWORD error;
  HANDLE thread = CreateThread(NULL, 0, wait_elsewhere, NULL, 0, NULL);
  CHECK(thread && WaitForSingleObject(thread, 1000) == WAIT_OBJECT_0);
  CHECK(GetExitCodeThread(thread, &error) && error == ERROR_INVALID_HANDLE);
  CHECK(CloseHandle(thread));
}

static void attach_and_stop(void)
{
  start_child("300");
  CHECK(!is_debugged());
  CHECK(DebugActiveProcess(child.dwProcessId));
  CHECK(is_debugged());
  FAILS(DebugActiveProcess(child.dwProcessId), ERROR_INVALID_PARAMETER);
  only_the_attaching_thread_waits();
  next(CREATE_PROCESS_DEBUG_EVENT);
  FAILS(ContinueDebugEvent(event.dwProcessId, event.dwThreadId, 0), ERROR_INVALID_PARAMETER);
  proceed();
  follow_break_in();
  CHECK(DebugBreakProcess(child.hProcess));
  follow_break_in();
  FAILS(WaitForDebugEvent(&event, 0), ERROR_SEM_TIMEOUT);
  CHECK(DebugActiveProcessStop(child.dwProcessId));
  CHECK(!is_debugged());
  /* Windows says ERROR_ACCESS_DENIED, Wine's kernelbase the status's own code: the error is not the kernel's. */
  CHECK(!DebugActiveProcessStop(child.dwProcessId));
  CHECK(child_code() == CHILD_CODE);
}

/* A breakpoint is written into the running program, met, taken out again and stepped over. */
static void written_breakpoint(void)
{
  BYTE original, int3 = 0xCC;
  CONTEXT context = {.ContextFlags = CONTEXT_CONTROL};
  start_child("300");
  CHECK(DebugActiveProcess(child.dwProcessId));
  follow_break_in();
  CHECK(ReadProcessMemory(child.hProcess, (void *)tick, &original, 1, NULL));
  CHECK(WriteProcessMemory(child.hProcess, (void *)tick, &int3, 1, NULL));
  CHECK(FlushInstructionCache(child.hProcess, (void *)tick, 1));
  next(EXCEPTION_DEBUG_EVENT);
  CHECK(event.u.Exception.ExceptionRecord.ExceptionAddress == (void *)tick);
  CHECK(event.dwThreadId == child.dwThreadId);
  CHECK(WriteProcessMemory(child.hProcess, (void *)tick, &original, 1, NULL));
  CHECK(GetThreadContext(child.hThread, &context));
  CHECK(context.Rip == (DWORD64)tick + 1);
  context.Rip--;
  context.EFlags |= 0x100;
  CHECK(SetThreadContext(child.hThread, &context));
  proceed();
  next(EXCEPTION_DEBUG_EVENT);
  CHECK(event.u.Exception.ExceptionRecord.ExceptionCode == EXCEPTION_SINGLE_STEP);
  proceed();
  next(EXIT_PROCESS_DEBUG_EVENT);
  CHECK(event.u.ExitProcess.dwExitCode == CHILD_CODE);
  proceed();
  CHECK(child_code() == CHILD_CODE);
}

static DWORD WINAPI attach_and_leave(void *kill)
{
  CHECK(DebugActiveProcess(child.dwProcessId));
  CHECK(DebugSetProcessKillOnExit(kill != NULL));
  CHECK(WaitForDebugEvent(&event, 1000));
  return 0;
}

/* The thread that attached ends, and takes its debug object along. */
static void debugger_thread_ends(BOOL kill)
{
  start_child("200");
  HANDLE thread = CreateThread(NULL, 0, attach_and_leave, kill ? &child : NULL, 0, NULL);
  CHECK(thread && WaitForSingleObject(thread, 1000) == WAIT_OBJECT_0);
  CHECK(child_code() == (kill ? DEBUGGER_INACTIVE : CHILD_CODE));
}

int main(int argc, char **argv)
{
  if (argc > 1)
    return be_debugged(atoi(argv[1]));
  without_object();
  attach_and_stop();
  written_breakpoint();
  debugger_thread_ends(TRUE);
  debugger_thread_ends(FALSE);
  puts("all checks hold");
  return 0;
}
