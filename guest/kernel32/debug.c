/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Win32 debugging functions, and the list of handles that they keep for a debugger (spec/4.1, 4.3). */
#include "kernel32p.h"
#include "nt_process.h"

/** DbgSsReserved[0] heads a list of these. A process's entry has ThreadId 0. */
typedef struct _DBGSS_THREAD_DATA {
  struct _DBGSS_THREAD_DATA *Next;
  HANDLE ThreadHandle, ProcessHandle;
  DWORD ProcessId, ThreadId;
  BOOLEAN HandleMarked; /**< its thread or process has ended: closed at the next continue */
} DBGSS_THREAD_DATA;

#define ATTACH_ACCESS                                                                                                  \
  (PROCESS_CREATE_THREAD | PROCESS_VM_OPERATION | PROCESS_VM_WRITE | PROCESS_VM_READ | PROCESS_SUSPEND_RESUME |        \
   PROCESS_QUERY_INFORMATION | 0x800 /* PROCESS_SET_PORT */)

/* ---- saved handles ---- */

static DBGSS_THREAD_DATA **saved(void) { return (DBGSS_THREAD_DATA **)&NtCurrentTeb()->DbgSsReserved[0]; }

static void save(HANDLE process, HANDLE thread, DWORD process_id, DWORD thread_id)
{
  DBGSS_THREAD_DATA *data = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, sizeof *data);
  if (!data)
    return;
  *data = (DBGSS_THREAD_DATA){*saved(), thread, process, process_id, thread_id, FALSE};
  *saved() = data;
}

static void mark(DWORD process_id, DWORD thread_id)
{
  for (DBGSS_THREAD_DATA *data = *saved(); data; data = data->Next)
    if (thread_id ? data->ThreadId == thread_id : data->ProcessId == process_id && !data->ThreadId) {
      data->HandleMarked = TRUE;
      return;
    }
}

/* Closes what has ended, of one process or thread, or all of one process. */
static void close_saved(DWORD process_id, DWORD thread_id, BOOLEAN all)
{
  DBGSS_THREAD_DATA **link = saved();
  while (*link) {
    DBGSS_THREAD_DATA *data = *link;
    BOOLEAN match = all ? data->ProcessId == process_id
                        : data->HandleMarked && (data->ProcessId == process_id || data->ThreadId == thread_id);
    if (!match) {
      link = &data->Next;
      continue;
    }
    *link = data->Next;
    if (data->ThreadHandle)
      NtClose(data->ThreadHandle);
    if (data->ProcessHandle)
      NtClose(data->ProcessHandle);
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, data);
  }
}

static void keep_handles(const DEBUG_EVENT *event)
{
  switch (event->dwDebugEventCode) {
  case CREATE_THREAD_DEBUG_EVENT:
    save(NULL, event->u.CreateThread.hThread, event->dwProcessId, event->dwThreadId);
    break;
  case CREATE_PROCESS_DEBUG_EVENT:
    save(event->u.CreateProcessInfo.hProcess, NULL, event->dwProcessId, 0);
    save(NULL, event->u.CreateProcessInfo.hThread, event->dwProcessId, event->dwThreadId);
    break;
  case EXIT_PROCESS_DEBUG_EVENT:
    mark(event->dwProcessId, 0);
    mark(event->dwProcessId, event->dwThreadId);
    break;
  case EXIT_THREAD_DEBUG_EVENT:
    mark(event->dwProcessId, event->dwThreadId);
    break;
  default:
    break;
  }
}

/* ---- events ---- */

static BOOLEAN is_wide_string(const DBGUI_WAIT_STATE_CHANGE *state)
{
  const EXCEPTION_RECORD *record = &state->StateInfo.Exception.ExceptionRecord;
  return state->NewState == DbgExceptionStateChange && record->ExceptionCode == (DWORD)DBG_PRINTEXCEPTION_WIDE_C &&
         record->NumberParameters >= 2;
}

/* An alert or APC begins the whole wait anew. */
static NTSTATUS wait_state_change(DBGUI_WAIT_STATE_CHANGE *state, LARGE_INTEGER *timeout)
{
  NTSTATUS status;
  do
    status = DbgUiWaitStateChange(state, timeout);
  while (status == STATUS_ALERTED || status == STATUS_USER_APC);
  return status;
}

static BOOL wait_for_event(DEBUG_EVENT *event, DWORD milliseconds, BOOLEAN wide)
{
  DBGUI_WAIT_STATE_CHANGE state;
  LARGE_INTEGER time, *timeout = BaseFormatTimeOut(&time, milliseconds);
  for (;;) {
    NTSTATUS status = wait_state_change(&state, timeout);
    if (!NT_SUCCESS(status))
      return BaseSetLastNTError(status);
    if (status == (NTSTATUS)DBG_UNABLE_TO_PROVIDE_HANDLE)
      return base_fail(ERROR_MR_MID_NOT_FOUND);
    if (status == STATUS_TIMEOUT)
      return base_fail(ERROR_SEM_TIMEOUT);
    if (wide || !is_wide_string(&state))
      break;
    /* The program raises the narrow form next (spec/5 fact 27). */
    DbgUiContinue(&state.AppClientId, DBG_EXCEPTION_NOT_HANDLED);
  }
  NTSTATUS status =
      wide ? DbgUiConvertStateChangeStructureEx(&state, event) : DbgUiConvertStateChangeStructure(&state, event);
  if (!NT_SUCCESS(status))
    return BaseSetLastNTError(status);
  keep_handles(event);
  return TRUE;
}

BOOL WINAPI WaitForDebugEvent(LPDEBUG_EVENT event, DWORD milliseconds)
{
  return wait_for_event(event, milliseconds, FALSE);
}

BOOL WINAPI WaitForDebugEventEx(LPDEBUG_EVENT event, DWORD milliseconds)
{
  return wait_for_event(event, milliseconds, TRUE);
}

BOOL WINAPI ContinueDebugEvent(DWORD process_id, DWORD thread_id, DWORD continue_status)
{
  CLIENT_ID id = {(HANDLE)(ULONG_PTR)process_id, (HANDLE)(ULONG_PTR)thread_id};
  NTSTATUS status = DbgUiContinue(&id, (NTSTATUS)continue_status);
  if (!NT_SUCCESS(status))
    return BaseSetLastNTError(status);
  close_saved(process_id, thread_id, FALSE);
  return TRUE;
}

/* ---- attach and detach ---- */

static NTSTATUS open_process(DWORD process_id, HANDLE *process)
{
  OBJECT_ATTRIBUTES attributes;
  CLIENT_ID id = {(HANDLE)(ULONG_PTR)process_id, NULL};
  InitializeObjectAttributes(&attributes, NULL, 0, NULL, NULL);
  return NtOpenProcess(process, ATTACH_ACCESS, &attributes, &id);
}

BOOL WINAPI DebugActiveProcess(DWORD process_id)
{
  HANDLE process;
  NTSTATUS status = DbgUiConnectToDbg();
  if (NT_SUCCESS(status))
    status = open_process(process_id, &process);
  if (!NT_SUCCESS(status))
    return BaseSetLastNTError(status);
  status = DbgUiDebugActiveProcess(process);
  NtClose(process);
  return BaseSetLastNTError(status);
}

BOOL WINAPI DebugActiveProcessStop(DWORD process_id)
{
  HANDLE process;
  NTSTATUS status = open_process(process_id, &process);
  if (NT_SUCCESS(status)) {
    close_saved(process_id, 0, TRUE);
    status = DbgUiStopDebugging(process);
    NtClose(process);
  }
  return NT_SUCCESS(status) ? TRUE : base_fail(ERROR_ACCESS_DENIED);
}

BOOL WINAPI DebugSetProcessKillOnExit(BOOL kill_on_exit)
{
  ULONG flags = kill_on_exit ? DBG_KILL_ON_CLOSE : 0;
  HANDLE object = DbgUiGetThreadDebugObject();
  if (!object)
    return base_fail(ERROR_INVALID_HANDLE);
  return BaseSetLastNTError(
      NtSetInformationDebugObject(object, DebugObjectKillProcessOnExitInformation, &flags, sizeof flags, NULL));
}

BOOL WINAPI DebugBreakProcess(HANDLE process) { return BaseSetLastNTError(DbgUiIssueRemoteBreakin(process)); }

/* ---- the debuggee's side ---- */

void WINAPI DebugBreak(void) { __asm__ volatile("int3"); }

BOOL WINAPI IsDebuggerPresent(void) { return NtCurrentPeb()->BeingDebugged; }

BOOL WINAPI CheckRemoteDebuggerPresent(HANDLE process, PBOOL present)
{
  ULONG_PTR port = 0;
  if (!process || !present)
    return base_fail(ERROR_INVALID_PARAMETER);
  NTSTATUS status = NtQueryInformationProcess(process, ProcessDebugPort, &port, sizeof port, NULL);
  if (!NT_SUCCESS(status))
    return BaseSetLastNTError(status);
  *present = port != 0;
  return TRUE;
}

/* Gives the debugger a last look. */
void WINAPI FatalExit(int exit_code)
{
  if (IsDebuggerPresent())
    DbgBreakPoint();
  ExitProcess((UINT)exit_code);
}

/* ---- memory and contexts of a debuggee ---- */

BOOL WINAPI ReadProcessMemory(HANDLE process, LPCVOID address, LPVOID buffer, SIZE_T size, SIZE_T *read)
{
  SIZE_T done = 0;
  NTSTATUS status = NtReadVirtualMemory(process, address, buffer, size, &done);
  if (read)
    *read = done;
  return BaseSetLastNTError(status);
}

#define WRITABLE (PAGE_READWRITE | PAGE_WRITECOPY | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY)

/* Code is made writable for the write; memory that is neither writable nor code is refused. */
BOOL WINAPI WriteProcessMemory(HANDLE process, LPVOID address, LPCVOID buffer, SIZE_T size, SIZE_T *written)
{
  SIZE_T region = size, done = 0;
  PVOID base = address;
  ULONG protection, ignored;
  NTSTATUS status = NtProtectVirtualMemory(process, &base, &region, PAGE_EXECUTE_READWRITE, &protection);
  if (!NT_SUCCESS(status))
    return BaseSetLastNTError(status);
  if (protection & (WRITABLE | PAGE_NOACCESS | PAGE_READONLY))
    NtProtectVirtualMemory(process, &base, &region, protection, &ignored);
  if (protection & (PAGE_NOACCESS | PAGE_READONLY))
    return BaseSetLastNTError(STATUS_ACCESS_VIOLATION);
  status = NtWriteVirtualMemory(process, address, buffer, size, &done);
  if (!(protection & WRITABLE))
    NtProtectVirtualMemory(process, &base, &region, protection, &ignored);
  if (written)
    *written = done;
  if (NT_SUCCESS(status))
    NtFlushInstructionCache(process, address, size);
  return BaseSetLastNTError(status);
}

BOOL WINAPI FlushInstructionCache(HANDLE process, LPCVOID address, SIZE_T size)
{
  return BaseSetLastNTError(NtFlushInstructionCache(process, address, size));
}

BOOL WINAPI GetThreadContext(HANDLE thread, LPCONTEXT context)
{
  return BaseSetLastNTError(NtGetContextThread(thread, context));
}

BOOL WINAPI SetThreadContext(HANDLE thread, const CONTEXT *context)
{
  return BaseSetLastNTError(NtSetContextThread(thread, (CONTEXT *)context));
}

BOOL WINAPI GetThreadSelectorEntry(HANDLE thread, DWORD selector, LPLDT_ENTRY entry)
{
  struct {
    ULONG Selector;
    LDT_ENTRY Descriptor;
  } information = {selector, {0}};
  NTSTATUS status =
      NtQueryInformationThread(thread, ThreadDescriptorTableEntry, &information, sizeof information, NULL);
  if (NT_SUCCESS(status))
    memcpy(entry, &information.Descriptor, sizeof information.Descriptor);
  return BaseSetLastNTError(status);
}
