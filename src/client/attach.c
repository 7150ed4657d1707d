/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attaching to processes that run already, and leaving them: what DebugActiveProcess, DebugActiveProcessStop and
 * DebugSetProcessKillOnExit do in a debugger's process (spec/4.1). */
#include "client/client.h"

#include "dbgk/dbgk.h"

#define ATTACH_ACCESS                                                                                                  \
  (PROCESS_CREATE_THREAD | PROCESS_VM_OPERATION | PROCESS_VM_READ | PROCESS_VM_WRITE | PROCESS_SUSPEND_RESUME |        \
   PROCESS_QUERY_INFORMATION | PROCESS_SET_PORT)

/* Enters the machine and opens a process; on failure the machine is left. */
static enum dbgksim_status enter(dbgksim_debugger *debugger, uint32_t pid, EPROCESS **process, HANDLE *handle)
{
  if (!debugger)
    return DBGKSIM_BAD_ARGUMENT;
  struct dbgksim_machine *machine = debugger->machine;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  if (!NT_SUCCESS(PsLookupProcessByProcessId(pid, process))) {
    status = machine_fail(machine, DBGKSIM_NOT_FOUND, "no process %u", pid);
  } else {
    NTSTATUS nt = ObOpenObjectByPointer(*process, 0, ATTACH_ACCESS, ob_types()->Process, handle);
    if (NT_SUCCESS(nt))
      return DBGKSIM_OK;
    ObDereferenceObject(*process);
    status = machine_nt(machine, nt, "opening the process");
  }
  machine_leave(machine);
  return status;
}

static void leave(dbgksim_debugger *debugger, EPROCESS *process, HANDLE handle)
{
  ObCloseHandle(handle, UserMode);
  ObDereferenceObject(process);
  machine_leave(debugger->machine);
}

/* DbgUiIssueRemoteBreakin: a thread of the process that breaks and exits. */
static NTSTATUS issue_remote_breakin(EPROCESS *process)
{
  ETHREAD *thread;
  const SECTION *ntdll = life_userland()->ntdll;
  const struct pe_headers *headers = mm_section_headers(ntdll);
  uint32_t rva = pe_export_rva(mm_section_image(ntdll), headers->size_of_image, headers, "DbgUiRemoteBreakin");
  if (!rva)
    return STATUS_ENTRYPOINT_NOT_FOUND;
  NTSTATUS status = PspCreateUserThread(process, headers->image_base + rva, 0, 0, 0, 0, &thread);
  if (NT_SUCCESS(status))
    ObDereferenceObject(thread);
  return status;
}

enum dbgksim_status dbgksim_attach(dbgksim_debugger *debugger, uint32_t pid, bool break_in)
{
  EPROCESS *process;
  HANDLE handle;
  enum dbgksim_status status = enter(debugger, pid, &process, &handle);
  if (status != DBGKSIM_OK)
    return status;
  status = machine_nt(debugger->machine, NtDebugActiveProcess(handle, debugger->object), "NtDebugActiveProcess");
  if (status == DBGKSIM_OK && break_in) {
    status = machine_nt(debugger->machine, issue_remote_breakin(process), "creating the break-in thread");
    /* Fact 6. */
    if (status != DBGKSIM_OK)
      NtRemoveProcessDebug(handle, debugger->object);
  }
  leave(debugger, process, handle);
  return status;
}

enum dbgksim_status dbgksim_detach(dbgksim_debugger *debugger, uint32_t pid)
{
  EPROCESS *process;
  HANDLE handle;
  enum dbgksim_status status = enter(debugger, pid, &process, &handle);
  if (status != DBGKSIM_OK)
    return status;
  client_forget_process(debugger, pid);
  status = machine_nt(debugger->machine, NtRemoveProcessDebug(handle, debugger->object), "NtRemoveProcessDebug");
  leave(debugger, process, handle);
  return status;
}

enum dbgksim_status dbgksim_set_kill_on_close(dbgksim_debugger *debugger, bool kill_on_close)
{
  if (!debugger)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = machine_enter(debugger->machine);
  if (status != DBGKSIM_OK)
    return status;
  ULONG flags = kill_on_close ? DEBUG_KILL_ON_CLOSE : 0;
  NTSTATUS nt = NtSetInformationDebugObject(debugger->object, 1, (ULONG64)(uintptr_t)&flags, sizeof flags, 0);
  status = machine_nt(debugger->machine, nt, "NtSetInformationDebugObject");
  machine_leave(debugger->machine);
  return status;
}
