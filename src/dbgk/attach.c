/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attaching to a running process (spec/3.2): its creations are long past, so messages are made up that replay them,
 * and the debugger sees one shape of history. */
#include "dbgk/internal.h"

/* Loader data that the module walk reads, in user memory that may be hostile. */
#define PEB_LDR 0x18u
#define LDR_IN_LOAD_ORDER 0x10u
#define LDR_ENTRY_DLL_BASE 0x30u
#define MAX_MODULES 500u
#define TEB_ARBITRARY_USER_POINTER 0x28u

/* The CreateProcess or CreateThread message for a thread that runs already. */
static NTSTATUS post_thread(EPROCESS *Process, ETHREAD *thread, DEBUG_OBJECT *object, ULONG flags, bool first)
{
  DBGKM_APIMSG msg;
  NTSTATUS status;
  if (!first) {
    dbgk_init_message(&msg, DbgKmCreateThreadApi, sizeof msg.u.CreateThread);
    msg.u.CreateThread.StartAddress = thread->Win32StartAddress;
    return DbgkpQueueMessage(Process, thread, &msg, flags, object);
  }
  dbgk_init_message(&msg, DbgKmCreateProcessApi, sizeof msg.u.CreateProcessInfo);
  dbgk_fill_create_process(Process, &msg.u.CreateProcessInfo);
  /* The start address of an attached process is not told (fact 5: an era datum). */
  msg.u.CreateProcessInfo.InitialThread.StartAddress = 0;
  HANDLE file = msg.u.CreateProcessInfo.FileHandle;
  status = DbgkpQueueMessage(Process, thread, &msg, flags, object);
  if (!NT_SUCCESS(status))
    dbgk_close_kernel_handle(file);
  return status;
}

static NTSTATUS post_load_dll(EPROCESS *Process, ETHREAD *thread, DEBUG_OBJECT *object, SECTION *section, ULONG64 base)
{
  DBGKM_APIMSG msg;
  dbgk_init_message(&msg, DbgKmLoadDllApi, sizeof msg.u.LoadDll);
  dbgk_fill_load_dll(section, base, thread->Tcb.Teb ? thread->Tcb.Teb + TEB_ARBITRARY_USER_POINTER : 0, &msg.u.LoadDll);
  HANDLE file = msg.u.LoadDll.FileHandle;
  NTSTATUS status = DbgkpQueueMessage(Process, thread, &msg, DEBUG_EVENT_NOWAIT, object);
  if (!NT_SUCCESS(status))
    dbgk_close_kernel_handle(file);
  return status;
}

/* Posts the threads from StartThread on (NULL: all, the first of them with the process message). First and last thread
 * come referenced. */
static NTSTATUS DbgkpPostFakeThreadMessages(EPROCESS *Process, DEBUG_OBJECT *object, ETHREAD *StartThread,
                                            ETHREAD **FirstThread, ETHREAD **LastThread)
{
  NTSTATUS status = STATUS_UNSUCCESSFUL;
  bool process_message = StartThread == NULL;
  ETHREAD *first = NULL, *last = NULL, *thread = StartThread;
  if (thread)
    ObReferenceObject(thread);
  else
    thread = PsGetNextProcessThread(Process, NULL);
  for (; thread; thread = PsGetNextProcessThread(Process, thread)) {
    ULONG flags = DEBUG_EVENT_NOWAIT;
    bool first_message;
    if (last)
      ObDereferenceObject(last);
    last = thread;
    ObReferenceObject(last);
    /* PsSynchronizeWithThreadInsertion has nothing to wait for: no scheduling choice lies between a thread's allocation
     * and its insertion, so one that is seen without the flag was given up. */
    if (!(thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_THREAD_INSERTED))
      continue;
    ke_race_point();
    if (ExAcquireRundownProtection(&thread->RundownProtect)) {
      flags |= DEBUG_EVENT_RELEASE;
      if (NT_SUCCESS(PsSuspendThread(thread, NULL)))
        flags |= DEBUG_EVENT_SUSPEND;
    } else {
      flags |= DEBUG_EVENT_PROTECT_FAILED;
    }
    first_message = process_message && !(flags & DEBUG_EVENT_PROTECT_FAILED);
    status = post_thread(Process, thread, object, flags, first_message);
    if (!NT_SUCCESS(status)) {
      if (flags & DEBUG_EVENT_SUSPEND)
        PsResumeThread(thread, NULL);
      if (flags & DEBUG_EVENT_RELEASE)
        ExReleaseRundownProtection(&thread->RundownProtect);
      ObDereferenceObject(thread);
      break;
    }
    if (first_message) {
      process_message = false;
      first = thread;
      ObReferenceObject(first);
      if (dbgk_state()->system_dll && era_current()->attach_ntdll_before_threads)
        post_load_dll(Process, thread, object, dbgk_state()->system_dll, dbgk_state()->system_dll_base);
    }
  }
  if (!NT_SUCCESS(status)) {
    if (first)
      ObDereferenceObject(first);
    if (last)
      ObDereferenceObject(last);
    return status;
  }
  if (FirstThread)
    *FirstThread = first;
  else if (first)
    ObDereferenceObject(first);
  *LastThread = last;
  return STATUS_SUCCESS;
}

static bool read_pointer(EPROCESS *Process, ULONG64 address, ULONG64 *value)
{
  return NT_SUCCESS(mm_process_read(Process, address, value, sizeof *value, NULL));
}

/* The loader's list, in load order, without the image itself and without ntdll where it was told of already (fact 4). A
 * broken list ends the walk; it is no error of the attach. */
static void DbgkpPostModuleMessages(EPROCESS *Process, ETHREAD *thread, DEBUG_OBJECT *object)
{
  ULONG64 ldr, head, entry, base;
  if (!Process->Peb || !read_pointer(Process, Process->Peb + PEB_LDR, &ldr) || !ldr)
    return;
  head = ldr + LDR_IN_LOAD_ORDER;
  if (!read_pointer(Process, head, &entry))
    return;
  for (unsigned i = 0; i < MAX_MODULES && entry != head; i++) {
    if (!read_pointer(Process, entry + LDR_ENTRY_DLL_BASE, &base))
      return;
    if (i && (base != dbgk_state()->system_dll_base || !era_current()->attach_ntdll_before_threads)) {
      ULONG64 view;
      SECTION *section = mm_section_at(Process, base, &view);
      if (section) {
        if (view == base && mm_section_headers(section))
          post_load_dll(Process, thread, object, section, base);
        ObDereferenceObject(section);
      }
    }
    if (!read_pointer(Process, entry, &entry))
      return;
  }
}

static NTSTATUS DbgkpPostFakeProcessCreateMessages(EPROCESS *Process, DEBUG_OBJECT *object, ETHREAD **LastThread)
{
  ETHREAD *first = NULL;
  NTSTATUS status = DbgkpPostFakeThreadMessages(Process, object, NULL, &first, LastThread);
  if (!NT_SUCCESS(status)) {
    *LastThread = NULL;
    return status;
  }
  if (first) {
    DbgkpPostModuleMessages(Process, first, object);
    ObDereferenceObject(first);
  }
  return STATUS_SUCCESS;
}

/* Sets the port unless the process has one; threads that came after `last` are posted first. Returns with the port
 * mutex held. */
static NTSTATUS claim_port(EPROCESS *Process, DEBUG_OBJECT *object, NTSTATUS status, ETHREAD **last)
{
  dbgk_lock_port();
  while (NT_SUCCESS(status)) {
    if (Process->DebugPort)
      return STATUS_PORT_ALREADY_SET;
    Process->DebugPort = object;
    ObReferenceObject(*last);
    ETHREAD *newer = PsGetNextProcessThread(Process, *last);
    if (!newer)
      break;
    Process->DebugPort = NULL;
    dbgk_unlock_port();
    ObDereferenceObject(*last);
    status = DbgkpPostFakeThreadMessages(Process, object, newer, NULL, last);
    if (!NT_SUCCESS(status))
      *last = NULL;
    ObDereferenceObject(newer);
    dbgk_lock_port();
  }
  return status;
}

/* Commits or backs out the events that the attaching thread queued. The object's Mutex is held; those to wake are in
 * `taken`. Windows walks the whole list; a thread attaches to one process at a time, so the events of that one do. */
static void settle_events(DEBUG_OBJECT *object, EPROCESS *Process, bool commit, LIST_ENTRY *taken)
{
  bool first = true;
  InitializeListHead(taken);
  for (DEBUG_EVENT *event = dbgk_first_event(object, Process->UniqueProcessId), *next; event; event = next) {
    next = dbgk_next_event(event);
    if (!(event->Flags & DEBUG_EVENT_INACTIVE) || event->BackoutThread != PsGetCurrentThread())
      continue;
    ETHREAD *thread = event->Thread;
    if (commit && !(event->Flags & DEBUG_EVENT_PROTECT_FAILED)) {
      if (first) {
        dbgk_activate_event(object, event);
        KeSetEvent(&object->EventsPresent);
        first = false;
      }
      event->BackoutThread = NULL;
      thread->CrossThreadFlags |= PS_CROSS_THREAD_FLAGS_SKIP_CREATION_MSG;
    } else {
      if (commit)
        thread->CrossThreadFlags |= PS_CROSS_THREAD_FLAGS_SKIP_TERMINATION_MSG;
      dbgk_unlink_event(object, event);
      InsertTailList(taken, &event->EventList);
    }
    if (event->Flags & DEBUG_EVENT_RELEASE) {
      event->Flags &= ~DEBUG_EVENT_RELEASE;
      ExReleaseRundownProtection(&thread->RundownProtect);
    }
  }
}

static NTSTATUS DbgkpSetProcessDebugObject(EPROCESS *Process, DEBUG_OBJECT *object, NTSTATUS MessageStatus,
                                           ETHREAD *LastThread)
{
  LIST_ENTRY taken;
  NTSTATUS status = claim_port(Process, object, MessageStatus, &LastThread);
  ExAcquireFastMutex(&object->Mutex);
  if (NT_SUCCESS(status)) {
    if (object->Flags & DEBUG_OBJECT_DELETE_PENDING) {
      Process->DebugPort = NULL;
      status = STATUS_DEBUGGER_INACTIVE;
    } else {
      Process->Flags |= PS_PROCESS_FLAGS_NO_DEBUG_INHERIT | PS_PROCESS_FLAGS_CREATE_REPORTED;
      ObReferenceObject(object);
    }
  }
  settle_events(object, Process, NT_SUCCESS(status), &taken);
  ExReleaseFastMutex(&object->Mutex);
  /* Until here, or a detach in between would leak the port's reference. */
  dbgk_unlock_port();
  if (LastThread)
    ObDereferenceObject(LastThread);
  dbgk_wake_events(&taken);
  if (NT_SUCCESS(status))
    DbgkpMarkProcessPeb(Process);
  return status;
}

/* Whether the caller may debug a process at all. */
static NTSTATUS may_debug(const EPROCESS *process)
{
  const EPROCESS *debugger = PsGetCurrentProcess();
  /* A native process is the host's, and so is the System process. */
  if (process == debugger || process->native)
    return STATUS_ACCESS_DENIED;
  /* PsTestProtectedProcessIncompatibility */
  if (process->Protection > debugger->Protection)
    return STATUS_PROCESS_IS_PROTECTED;
  return debugger->WoW64Process && !process->WoW64Process ? STATUS_NOT_SUPPORTED : STATUS_SUCCESS;
}

NTSTATUS NtDebugActiveProcess(HANDLE ProcessHandle, HANDLE DebugObjectHandle)
{
  EPROCESS *process;
  DEBUG_OBJECT *object;
  ETHREAD *last;
  NTSTATUS status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_SET_PORT, ob_types()->Process, KeGetPreviousMode(),
                                              (void **)&process, NULL);
  if (!NT_SUCCESS(status))
    return status;
  status = may_debug(process);
  if (!NT_SUCCESS(status)) {
    ObDereferenceObject(process);
    return status;
  }
  status = ObReferenceObjectByHandle(DebugObjectHandle, DEBUG_PROCESS_ASSIGN, ob_types()->DebugObject,
                                     KeGetPreviousMode(), (void **)&object, NULL);
  if (NT_SUCCESS(status)) {
    if (ExAcquireRundownProtection(&process->RundownProtect)) {
      status = DbgkpPostFakeProcessCreateMessages(process, object, &last);
      status = DbgkpSetProcessDebugObject(process, object, status, last);
      ExReleaseRundownProtection(&process->RundownProtect);
    } else {
      status = STATUS_PROCESS_IS_TERMINATING;
    }
    ObDereferenceObject(object);
  }
  ObDereferenceObject(process);
  return status;
}
