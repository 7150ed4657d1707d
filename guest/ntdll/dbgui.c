/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The debugger's side of debug objects, and the thread that breaks into a debuggee (spec/4.1, 4.2). */
#include "nt_process.h"
#include "ntdllp.h"

#define BREAK_IN_STACK 0x4000u

HANDLE NTAPI DbgUiGetThreadDebugObject(void) { return NtCurrentTeb()->DbgSsReserved[1]; }

void NTAPI DbgUiSetThreadDebugObject(HANDLE DebugObject) { NtCurrentTeb()->DbgSsReserved[1] = DebugObject; }

NTSTATUS NTAPI DbgUiConnectToDbg(void)
{
  OBJECT_ATTRIBUTES attributes;
  if (DbgUiGetThreadDebugObject())
    return STATUS_SUCCESS;
  InitializeObjectAttributes(&attributes, NULL, 0, NULL, NULL);
  return NtCreateDebugObject(&NtCurrentTeb()->DbgSsReserved[1], DEBUG_ALL_ACCESS, &attributes, DBG_KILL_ON_CLOSE);
}

NTSTATUS NTAPI DbgUiWaitStateChange(DBGUI_WAIT_STATE_CHANGE *StateChange, LARGE_INTEGER *Timeout)
{
  return NtWaitForDebugEvent(DbgUiGetThreadDebugObject(), TRUE, Timeout, StateChange);
}

NTSTATUS NTAPI DbgUiContinue(CLIENT_ID *AppClientId, NTSTATUS ContinueStatus)
{
  return NtDebugContinue(DbgUiGetThreadDebugObject(), AppClientId, ContinueStatus);
}

NTSTATUS NTAPI DbgUiStopDebugging(HANDLE Process) { return NtRemoveProcessDebug(Process, DbgUiGetThreadDebugObject()); }

NTSTATUS NTAPI DbgUiIssueRemoteBreakin(HANDLE Process)
{
  HANDLE thread;
  NTSTATUS status = NtCreateThreadEx(&thread, THREAD_ALL_ACCESS, NULL, Process, (PVOID)DbgUiRemoteBreakin, NULL,
                                     THREAD_CREATE_FLAGS_SKIP_THREAD_ATTACH, 0, 0, BREAK_IN_STACK, NULL);
  if (NT_SUCCESS(status))
    NtClose(thread);
  return status;
}

NTSTATUS NTAPI DbgUiDebugActiveProcess(HANDLE Process)
{
  NTSTATUS status = NtDebugActiveProcess(Process, DbgUiGetThreadDebugObject());
  if (!NT_SUCCESS(status))
    return status;
  status = DbgUiIssueRemoteBreakin(Process);
  if (!NT_SUCCESS(status))
    DbgUiStopDebugging(Process); /* fact 6 */
  return status;
}

static __attribute__((noinline)) void break_in(void) { DbgBreakPoint(); }

ULONG NTAPI DbgUiRemoteBreakin(PVOID Context)
{
  (void)Context;
  if (NtCurrentPeb()->BeingDebugged) {
    __try {
      break_in();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
    }
  }
  RtlExitUserThread(0);
}

/* ---- state change to debug event ---- */

static PTEB teb_of_handle(HANDLE thread)
{
  THREAD_BASIC_INFORMATION basic;
  NTSTATUS status = NtQueryInformationThread(thread, ThreadBasicInformation, &basic, sizeof basic, NULL);
  return NT_SUCCESS(status) ? basic.TebBaseAddress : NULL;
}

/* Where the reporting thread's loader keeps the DLL's path: a pointer that may be NULL (spec/5 fact 3). */
static PVOID image_name_of(CLIENT_ID *id)
{
  OBJECT_ATTRIBUTES attributes;
  HANDLE thread;
  InitializeObjectAttributes(&attributes, NULL, 0, NULL, NULL);
  if (!NT_SUCCESS(NtOpenThread(&thread, THREAD_QUERY_INFORMATION, &attributes, id)))
    return NULL;
  PTEB teb = teb_of_handle(thread);
  NtClose(thread);
  return teb ? &teb->NtTib.ArbitraryUserPointer : NULL;
}

static void convert_exception(const DBGKM_EXCEPTION *from, DEBUG_EVENT *to, BOOLEAN wide)
{
  const EXCEPTION_RECORD *record = &from->ExceptionRecord;
  if (record->ExceptionCode == (DWORD)DBG_PRINTEXCEPTION_C ||
      (wide && record->ExceptionCode == (DWORD)DBG_PRINTEXCEPTION_WIDE_C)) {
    to->dwDebugEventCode = OUTPUT_DEBUG_STRING_EVENT;
    to->u.DebugString.lpDebugStringData = (PVOID)record->ExceptionInformation[1];
    to->u.DebugString.nDebugStringLength = (WORD)record->ExceptionInformation[0];
    to->u.DebugString.fUnicode = record->ExceptionCode != (DWORD)DBG_PRINTEXCEPTION_C;
  } else if (record->ExceptionCode == (DWORD)DBG_RIPEXCEPTION) {
    to->dwDebugEventCode = RIP_EVENT;
    to->u.RipInfo.dwType = (DWORD)record->ExceptionInformation[1];
    to->u.RipInfo.dwError = (DWORD)record->ExceptionInformation[0];
  } else {
    to->dwDebugEventCode = EXCEPTION_DEBUG_EVENT;
    to->u.Exception.ExceptionRecord = *record;
    to->u.Exception.dwFirstChance = from->FirstChance;
  }
}

static void convert_create_process(const DBGUI_WAIT_STATE_CHANGE *from, CREATE_PROCESS_DEBUG_INFO *to)
{
  const DBGKM_CREATE_PROCESS *process = &from->StateInfo.CreateProcessInfo.NewProcess;
  to->hFile = process->FileHandle;
  to->hProcess = from->StateInfo.CreateProcessInfo.HandleToProcess;
  to->hThread = from->StateInfo.CreateProcessInfo.HandleToThread;
  to->lpBaseOfImage = process->BaseOfImage;
  to->dwDebugInfoFileOffset = process->DebugInfoFileOffset;
  to->nDebugInfoSize = process->DebugInfoSize;
  to->lpStartAddress = (LPTHREAD_START_ROUTINE)process->InitialThread.StartAddress;
  to->lpThreadLocalBase = teb_of_handle(to->hThread);
  to->lpImageName = NULL;
  to->fUnicode = TRUE;
}

static NTSTATUS convert(DBGUI_WAIT_STATE_CHANGE *from, DEBUG_EVENT *to, BOOLEAN wide)
{
  to->dwProcessId = (DWORD)(ULONG_PTR)from->AppClientId.UniqueProcess;
  to->dwThreadId = (DWORD)(ULONG_PTR)from->AppClientId.UniqueThread;
  switch (from->NewState) {
  case DbgCreateThreadStateChange:
    to->dwDebugEventCode = CREATE_THREAD_DEBUG_EVENT;
    to->u.CreateThread.hThread = from->StateInfo.CreateThread.HandleToThread;
    to->u.CreateThread.lpStartAddress = (LPTHREAD_START_ROUTINE)from->StateInfo.CreateThread.NewThread.StartAddress;
    to->u.CreateThread.lpThreadLocalBase = teb_of_handle(to->u.CreateThread.hThread);
    return STATUS_SUCCESS;
  case DbgCreateProcessStateChange:
    to->dwDebugEventCode = CREATE_PROCESS_DEBUG_EVENT;
    convert_create_process(from, &to->u.CreateProcessInfo);
    return STATUS_SUCCESS;
  case DbgExitThreadStateChange:
    to->dwDebugEventCode = EXIT_THREAD_DEBUG_EVENT;
    to->u.ExitThread.dwExitCode = (DWORD)from->StateInfo.ExitThread.ExitStatus;
    return STATUS_SUCCESS;
  case DbgExitProcessStateChange:
    to->dwDebugEventCode = EXIT_PROCESS_DEBUG_EVENT;
    to->u.ExitProcess.dwExitCode = (DWORD)from->StateInfo.ExitProcess.ExitStatus;
    return STATUS_SUCCESS;
  case DbgExceptionStateChange:
  case DbgBreakpointStateChange:
  case DbgSingleStepStateChange:
    convert_exception(&from->StateInfo.Exception, to, wide);
    return STATUS_SUCCESS;
  case DbgLoadDllStateChange:
    to->dwDebugEventCode = LOAD_DLL_DEBUG_EVENT;
    to->u.LoadDll.hFile = from->StateInfo.LoadDll.FileHandle;
    to->u.LoadDll.lpBaseOfDll = from->StateInfo.LoadDll.BaseOfDll;
    to->u.LoadDll.dwDebugInfoFileOffset = from->StateInfo.LoadDll.DebugInfoFileOffset;
    to->u.LoadDll.nDebugInfoSize = from->StateInfo.LoadDll.DebugInfoSize;
    to->u.LoadDll.lpImageName = image_name_of(&from->AppClientId);
    to->u.LoadDll.fUnicode = TRUE;
    return STATUS_SUCCESS;
  case DbgUnloadDllStateChange:
    to->dwDebugEventCode = UNLOAD_DLL_DEBUG_EVENT;
    to->u.UnloadDll.lpBaseOfDll = from->StateInfo.UnloadDll.BaseAddress;
    return STATUS_SUCCESS;
  default:
    return STATUS_UNSUCCESSFUL; /* the ids are written: fact 35 */
  }
}

NTSTATUS NTAPI DbgUiConvertStateChangeStructure(DBGUI_WAIT_STATE_CHANGE *StateChange, DEBUG_EVENT *DebugEvent)
{
  return convert(StateChange, DebugEvent, FALSE);
}

NTSTATUS NTAPI DbgUiConvertStateChangeStructureEx(DBGUI_WAIT_STATE_CHANGE *StateChange, DEBUG_EVENT *DebugEvent)
{
  return convert(StateChange, DebugEvent, TRUE);
}
