/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native debugger: what Win32's debug functions do in a debugger's process, over the simulated services. */
#include "client/client.h"

#include "dbgk/dbgk.h"

#include <string.h>

#define CLIENT_TAG POOL_TAG('C', 'l', 'n', 't')

void *client_allocate(struct dbgksim_machine *machine, size_t size)
{
  if (machine_enter(machine) != DBGKSIM_OK)
    return NULL;
  void *block = ExAllocatePoolWithTag(size, CLIENT_TAG);
  machine_leave(machine);
  return block;
}

enum dbgksim_status dbgksim_debugger_create(dbgksim_machine *machine, bool kill_on_close, dbgksim_debugger **debugger)
{
  if (!machine || !debugger)
    return DBGKSIM_BAD_ARGUMENT;
  *debugger = NULL;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  struct dbgksim_debugger *d = ExAllocatePoolWithTag(sizeof *d, CLIENT_TAG);
  if (!d) {
    status = machine_fail(machine, DBGKSIM_NO_MEMORY, "no memory for a debugger");
    goto out;
  }
  d->machine = machine;
  InitializeListHead(&d->saved);
  NTSTATUS nt =
      NtCreateDebugObject((ULONG64)(uintptr_t)&d->object, DEBUG_ALL_ACCESS, 0, kill_on_close ? DEBUG_KILL_ON_CLOSE : 0);
  if (!NT_SUCCESS(nt)) {
    ExFreePool(d);
    status = machine_nt(machine, nt, "NtCreateDebugObject");
    goto out;
  }
  *debugger = d;
out:
  machine_leave(machine);
  return status;
}

void dbgksim_debugger_destroy(dbgksim_debugger *debugger)
{
  if (!debugger)
    return;
  struct dbgksim_machine *machine = debugger->machine;
  if (machine_enter(machine) != DBGKSIM_OK)
    return;
  client_forget_all(debugger);
  ObCloseHandle(debugger->object, UserMode);
  ExFreePool(debugger->expect);
  ExFreePool(debugger);
  machine_leave(machine);
}

HANDLE dbgksim_debug_object(const dbgksim_debugger *debugger) { return debugger ? debugger->object : 0; }

dbgksim_machine *dbgksim_debugger_machine(const dbgksim_debugger *debugger)
{
  return debugger ? debugger->machine : NULL;
}

/* Processes whose creation this debugger has not read yet: their port is its object, and their last thread has not
 * begun its end. */
static unsigned unread_processes(const struct dbgksim_debugger *debugger)
{
  void *object;
  unsigned count = 0;
  if (!NT_SUCCESS(ObReferenceObjectByHandle(debugger->object, 0, ob_types()->DebugObject, KernelMode, &object, NULL)))
    return 0;
  for (EPROCESS *p = PsGetNextProcess(NULL); p; p = PsGetNextProcess(p)) {
    if ((void *)p->DebugPort == object && p->ActiveThreads)
      count += !client_knows_process(debugger, (uint32_t)p->UniqueProcessId);
  }
  ObDereferenceObject(object);
  return count;
}

unsigned dbgksim_live_processes(const dbgksim_debugger *debugger)
{
  if (!debugger || machine_enter(debugger->machine) != DBGKSIM_OK)
    return 0;
  unsigned count = debugger->live + unread_processes(debugger);
  machine_leave(debugger->machine);
  return count;
}

/* The book-keeping of WaitForDebugEvent (spec/4.3). False: no memory. */
static bool keep_handles(struct dbgksim_debugger *debugger, const struct dbgksim_event *event)
{
  const DBGUI_WAIT_STATE_CHANGE *s = &event->state;
  switch (s->NewState) {
  case DbgCreateThreadStateChange:
    return client_save_thread(debugger, event->pid, event->tid, s->StateInfo.CreateThread.HandleToThread);
  case DbgCreateProcessStateChange: {
    const DBGUI_CREATE_PROCESS *info = &s->StateInfo.CreateProcessInfo;
    return client_save_process(debugger, event->pid, info->HandleToProcess) &&
           client_save_thread(debugger, event->pid, event->tid, info->HandleToThread) &&
           client_save_file(debugger, event->pid, event->tid, info->NewProcess.FileHandle);
  }
  case DbgLoadDllStateChange:
    return client_save_file(debugger, event->pid, event->tid, s->StateInfo.LoadDll.FileHandle);
  case DbgExitProcessStateChange:
    client_note_exit(debugger->machine, event->pid, s->StateInfo.ExitProcess.ExitStatus);
    client_mark(debugger, event->pid, 0);
    client_mark(debugger, event->pid, event->tid);
    return true;
  case DbgExitThreadStateChange:
    client_mark(debugger, event->pid, event->tid);
    return true;
  default:
    return true;
  }
}

enum dbgksim_status dbgksim_wait(dbgksim_debugger *debugger, int64_t timeout_ns, struct dbgksim_event *event)
{
  if (!debugger || !event)
    return DBGKSIM_BAD_ARGUMENT;
  memset(event, 0, sizeof *event);
  struct dbgksim_machine *machine = debugger->machine;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  if (ke_ended() == KE_KERNEL_DEBUGGER) {
    status = machine_stopped(machine);
    goto out;
  }
  /* A process whose last thread ends is none to wait for, but it may have left events. */
  const bool waits = debugger->live || unread_processes(debugger);
  /* Absolute, because the wait is taken up again after each hand-over of output. */
  LONG64 timeout = waits && timeout_ns > 0 ? (LONG64)KeQuerySystemTime() + (timeout_ns - 1) / 100 + 1 : 0;
  NTSTATUS nt;
  bool woken;
  do {
    nt = NtWaitForDebugEvent(debugger->object, TRUE, waits && timeout_ns < 0 ? 0 : (ULONG64)(uintptr_t)&timeout,
                             (ULONG64)(uintptr_t)&event->state);
    woken = nt == KE_WAIT_STOPPED && ke_ended() == KE_RUNNING;
    if (woken)
      machine_serve(machine);
  } while (woken || nt == STATUS_ALERTED || nt == STATUS_USER_APC);
  if (nt == STATUS_TIMEOUT && !waits) {
    status = machine_fail(machine, DBGKSIM_NO_PROCESS, "the debugger has no process");
  } else if (nt == STATUS_TIMEOUT) {
    status = machine_fail(machine, DBGKSIM_TIMEOUT, "no debug event in time");
  } else if (nt == KE_WAIT_STOPPED) {
    status = machine_stopped(machine);
  } else if (nt != STATUS_SUCCESS) {
    status = machine_nt(machine, nt, "NtWaitForDebugEvent");
  } else {
    nt = client_convert(&event->state, event);
    if (!NT_SUCCESS(nt))
      status = machine_nt(machine, nt, "conversion of a state change");
    else if (!keep_handles(debugger, event))
      status = machine_fail(machine, DBGKSIM_NO_MEMORY, "no memory for a debugger's handles");
  }
out:
  machine_leave(machine);
  return status;
}

enum dbgksim_status dbgksim_continue(dbgksim_debugger *debugger, const struct dbgksim_event *event, NTSTATUS answer)
{
  if (!debugger || !event)
    return DBGKSIM_BAD_ARGUMENT;
  struct dbgksim_machine *machine = debugger->machine;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  CLIENT_ID client = {event->pid, event->tid};
  NTSTATUS nt = NtDebugContinue(debugger->object, (ULONG64)(uintptr_t)&client, answer);
  if (NT_SUCCESS(nt)) {
    client_close_answered(debugger, event->pid, event->tid);
    expect_note_continue(debugger, event);
  } else {
    status = machine_nt(machine, nt, "NtDebugContinue");
  }
  machine_leave(machine);
  return status;
}
