/* SPDX-License-Identifier: GPL-2.0-or-later */
/* small_debugger: a debugger in a hundred lines, that runs inside the simulation.
 *
 * Look for: it starts hello.exe with DEBUG_ONLY_THIS_PROCESS, waits and continues; the first breakpoint is the loader's and
 * is continued, all other exceptions are passed on. It closes the file handles of create and load events, and no others:
 * ContinueDebugEvent closes those (fact 12). sample:debugger prints everything there is in an event. */
#include "sample.h"

static const char *const names[] = {"?",           "EXCEPTION",    "CREATE_THREAD", "CREATE_PROCESS",      "EXIT_THREAD",
                                    "EXIT_PROCESS", "LOAD_DLL",     "UNLOAD_DLL",    "OUTPUT_DEBUG_STRING", "RIP"};

static HANDLE process;
static BOOL broke;

/* The text of a string in the debuggee, as far as it fits. */
static void read_text(LPCVOID address, char *text, SIZE_T size)
{
  SIZE_T done = 0;
  ReadProcessMemory(process, address, text, size - 1, &done);
  text[done] = 0;
}

static DWORD on_exception(const EXCEPTION_DEBUG_INFO *info)
{
  say(" %x %s chance", N(info->ExceptionRecord.ExceptionCode), info->dwFirstChance ? "first" : "second");
  if (!broke && info->ExceptionRecord.ExceptionCode == EXCEPTION_BREAKPOINT) {
    broke = TRUE;
    say(", the loader's");
    return DBG_CONTINUE;
  }
  return (DWORD)DBG_EXCEPTION_NOT_HANDLED;
}

static void on_string(const OUTPUT_DEBUG_STRING_INFO *info)
{
  char text[128];
  SIZE_T length = info->nDebugStringLength < sizeof(text) ? info->nDebugStringLength : sizeof(text);
  read_text(info->lpDebugStringData, text, length ? length : 1);
  say(" \"%s\"", text);
}

/* What there is to say of an event; how to continue it. */
static DWORD tell(const DEBUG_EVENT *event)
{
  DWORD answer = DBG_CONTINUE;
  say("%s", names[event->dwDebugEventCode < 10 ? event->dwDebugEventCode : 0]);
  switch (event->dwDebugEventCode) {
  case EXCEPTION_DEBUG_EVENT:
    answer = on_exception(&event->u.Exception);
    break;
  case CREATE_PROCESS_DEBUG_EVENT:
    process = event->u.CreateProcessInfo.hProcess;
    say(" at %x", N(event->u.CreateProcessInfo.lpBaseOfImage));
    CloseHandle(event->u.CreateProcessInfo.hFile);
    break;
  case LOAD_DLL_DEBUG_EVENT:
    say(" at %x", N(event->u.LoadDll.lpBaseOfDll));
    CloseHandle(event->u.LoadDll.hFile);
    break;
  case OUTPUT_DEBUG_STRING_EVENT:
    on_string(&event->u.DebugString);
    break;
  case EXIT_PROCESS_DEBUG_EVENT:
    say(" with %u", N(event->u.ExitProcess.dwExitCode));
    break;
  }
  say("\n");
  return answer;
}

int start(void)
{
  static WCHAR command[] = L"hello.exe";
  static STARTUPINFOW startup;
  static PROCESS_INFORMATION child;
  static DEBUG_EVENT event;
  startup.cb = sizeof(startup);
  if (!CreateProcessW(NULL, command, NULL, NULL, FALSE, DEBUG_ONLY_THIS_PROCESS, NULL, NULL, &startup, &child)) {
    say("CreateProcess fails with %u\n", N(GetLastError()));
    return 1;
  }
  while (WaitForDebugEvent(&event, INFINITE)) {
    ContinueDebugEvent(event.dwProcessId, event.dwThreadId, tell(&event));
    if (event.dwDebugEventCode == EXIT_PROCESS_DEBUG_EVENT)
      break;
  }
  CloseHandle(child.hThread);
  CloseHandle(child.hProcess);
  return 0;
}
