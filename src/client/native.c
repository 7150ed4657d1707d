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

static void forget(struct dbgksim_debugger *debugger, struct client_saved *saved)
{
  const HANDLE handles[] = {saved->process, saved->thread, saved->file};
  for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++)
    if (handles[i])
      ObCloseHandle(handles[i], UserMode);
  if (saved->marked)
    debugger->marked--;
  else if (saved->process)
    debugger->live--;
  RemoveEntryList(&saved->entry);
  ExFreePool(saved);
}

void client_forget_process(struct dbgksim_debugger *debugger, uint32_t pid)
{
  for (LIST_ENTRY *e = debugger->saved.Flink, *next; e != &debugger->saved; e = next) {
    struct client_saved *saved = CONTAINING_RECORD(e, struct client_saved, entry);
    next = e->Flink;
    if (saved->pid == pid)
      forget(debugger, saved);
  }
}

void dbgksim_debugger_destroy(dbgksim_debugger *debugger)
{
  if (!debugger)
    return;
  struct dbgksim_machine *machine = debugger->machine;
  if (machine_enter(machine) != DBGKSIM_OK)
    return;
  while (!IsListEmpty(&debugger->saved))
    forget(debugger, CONTAINING_RECORD(debugger->saved.Flink, struct client_saved, entry));
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
    if ((void *)p->DebugPort != object || !p->ActiveThreads)
      continue;
    bool read = false;
    for (const LIST_ENTRY *e = debugger->saved.Flink; e != &debugger->saved && !read; e = e->Flink) {
      const struct client_saved *saved = CONTAINING_RECORD(e, struct client_saved, entry);
      read = saved->pid == p->UniqueProcessId && saved->process;
    }
    count += !read;
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

static bool save(struct dbgksim_debugger *debugger, uint32_t pid, uint32_t tid, HANDLE process, HANDLE thread,
                 HANDLE file)
{
  struct client_saved *saved = ExAllocatePoolWithTag(sizeof *saved, CLIENT_TAG);
  if (!saved)
    return false;
  saved->pid = pid;
  saved->tid = tid;
  saved->process = process;
  saved->thread = thread;
  saved->file = file;
  InsertTailList(&debugger->saved, &saved->entry);
  return true;
}

static void mark(struct dbgksim_debugger *debugger, uint32_t pid, uint32_t tid)
{
  for (LIST_ENTRY *e = debugger->saved.Flink; e != &debugger->saved; e = e->Flink) {
    struct client_saved *saved = CONTAINING_RECORD(e, struct client_saved, entry);
    if (saved->pid != pid || saved->tid != tid || saved->file || saved->marked)
      continue;
    saved->marked = true;
    debugger->marked++;
    if (!tid)
      debugger->live--;
    return;
  }
}

/* Debuggers close hFile themselves. Here it goes with the event, or with a detach before that. */
static bool keep_file(struct dbgksim_debugger *debugger, const struct dbgksim_event *event, HANDLE file)
{
  return !file || save(debugger, event->pid, event->tid, 0, 0, file);
}

/* The book-keeping of WaitForDebugEvent (spec/4.3). False: no memory. */
static bool keep_handles(struct dbgksim_debugger *debugger, const struct dbgksim_event *event)
{
  const DBGUI_WAIT_STATE_CHANGE *s = &event->state;
  switch (s->NewState) {
  case DbgCreateThreadStateChange:
    return save(debugger, event->pid, event->tid, 0, s->StateInfo.CreateThread.HandleToThread, 0);
  case DbgCreateProcessStateChange: {
    const DBGUI_CREATE_PROCESS *info = &s->StateInfo.CreateProcessInfo;
    if (!save(debugger, event->pid, 0, info->HandleToProcess, 0, 0))
      return false;
    debugger->live++;
    return save(debugger, event->pid, event->tid, 0, info->HandleToThread, 0) &&
           keep_file(debugger, event, info->NewProcess.FileHandle);
  }
  case DbgLoadDllStateChange:
    return keep_file(debugger, event, s->StateInfo.LoadDll.FileHandle);
  case DbgExitProcessStateChange:
    mark(debugger, event->pid, 0);
    mark(debugger, event->pid, event->tid);
    return true;
  case DbgExitThreadStateChange:
    mark(debugger, event->pid, event->tid);
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
  if (!debugger->live && !unread_processes(debugger)) {
    status = machine_fail(machine, DBGKSIM_NO_PROCESS, "the debugger has no process");
    goto out;
  }
  /* Absolute, because the wait is taken up again after each hand-over of output. */
  LONG64 timeout = timeout_ns > 0 ? (LONG64)KeQuerySystemTime() + (timeout_ns - 1) / 100 + 1 : 0;
  NTSTATUS nt;
  bool woken;
  do {
    nt = NtWaitForDebugEvent(debugger->object, TRUE, timeout_ns < 0 ? 0 : (ULONG64)(uintptr_t)&timeout,
                             (ULONG64)(uintptr_t)&event->state);
    woken = nt == KE_WAIT_STOPPED && ke_ended() == KE_RUNNING;
    if (woken)
      machine_serve(machine);
  } while (woken || nt == STATUS_ALERTED || nt == STATUS_USER_APC);
  if (nt == STATUS_TIMEOUT) {
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

static void close_file(struct dbgksim_debugger *debugger, const struct dbgksim_event *event)
{
  /* It is among the last that were saved: one event of a process is outstanding. */
  for (LIST_ENTRY *e = debugger->saved.Blink; event->has_file && e != &debugger->saved; e = e->Blink) {
    struct client_saved *saved = CONTAINING_RECORD(e, struct client_saved, entry);
    if (!saved->file || saved->pid != event->pid || saved->tid != event->tid)
      continue;
    forget(debugger, saved);
    return;
  }
}

/* ContinueDebugEvent closes the marked handles of the process or thread that it answers. */
static void close_marked(struct dbgksim_debugger *debugger, const struct dbgksim_event *event)
{
  LIST_ENTRY *e = debugger->saved.Flink;
  while (debugger->marked && e != &debugger->saved) {
    struct client_saved *saved = CONTAINING_RECORD(e, struct client_saved, entry);
    e = e->Flink;
    if (!saved->marked || saved->pid != event->pid || (saved->tid && saved->tid != event->tid))
      continue;
    forget(debugger, saved);
  }
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
    close_file(debugger, event);
    close_marked(debugger, event);
    expect_note_continue(debugger, event);
  } else {
    status = machine_nt(machine, nt, "NtDebugContinue");
  }
  machine_leave(machine);
  return status;
}
