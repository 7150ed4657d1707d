/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event queue: how a message gets in, and how its sender gets away again (spec/2.3, 3.4). */
#include "dbgk/internal.h"

#include "ntos/io/io.h"

#include <string.h>

#define TAG_DEBUG_EVENT POOL_TAG('D', 'b', 'g', 'E')
/* Access, options and attributes of the files of messages (spec/3.2, last bullet). */
#define DBGK_FILE_ACCESS (GENERIC_READ | SYNCHRONIZE)

void dbgk_init_message(DBGKM_APIMSG *ApiMsg, DBGKM_APINUMBER ApiNumber, size_t data_size)
{
  memset(ApiMsg, 0, sizeof *ApiMsg);
  ApiMsg->h.DataLength = (USHORT)(8 + data_size);
  ApiMsg->h.TotalLength = (USHORT)(0x30 + data_size);
  ApiMsg->h.Type = LPC_DEBUG_EVENT;
  ApiMsg->ApiNumber = ApiNumber;
}

BOOLEAN DbgkpSuspendProcess(EPROCESS *Process)
{
  if (Process->Flags & PS_PROCESS_FLAGS_PROCESS_DELETE)
    return FALSE;
  ULONG frozen = PsFreezeProcess(Process);
  KeEnterCriticalRegion();
  TRACE(DBGKSIM_TRACE_FREEZE, NULL, frozen, 0, 0, 0);
  return TRUE;
}

void DbgkpResumeProcess(EPROCESS *Process)
{
  TRACE(DBGKSIM_TRACE_THAW, NULL, 0, 0, 0, 0);
  PsThawProcess(Process);
  KeLeaveCriticalRegion();
}

NTSTATUS DbgkpSendApiMessage(EPROCESS *Process, ULONG Flags, DBGKM_APIMSG *ApiMsg)
{
  NTSTATUS status;
  TRACE(DBGKSIM_TRACE_SEND, NULL, ApiMsg->ApiNumber, Flags, 0, 0);
  do {
    BOOLEAN frozen = FALSE;
    if (Process == PsGetCurrentProcess() && Flags & DBGKP_SEND_SUSPEND)
      frozen = DbgkpSuspendProcess(Process);
    if (era_current()->create_reported_by_send)
      Process->Flags |= PS_PROCESS_FLAGS_CREATE_REPORTED;
    ApiMsg->ReturnedStatus = STATUS_PENDING;
    status = DbgkpQueueMessage(Process, PsGetCurrentThread(), ApiMsg,
                               Flags & DBGKP_SEND_SKIPPABLE ? DEBUG_EVENT_SKIPPABLE : 0, NULL);
    if (frozen)
      DbgkpResumeProcess(Process);
    if (!NT_SUCCESS(status) || ApiMsg->ReturnedStatus != DBG_REPLY_LATER)
      break;
    /* Leaving the critical region lets a suspension take effect: the replay comes after the resume (fact 15). */
    KiWaitWhileHeld();
  } while (true);
  return status;
}

/* The port that a live message goes to; NULL where the thread's marks say that it is skipped (*why: which). */
static DEBUG_OBJECT *live_port(const EPROCESS *process, const ETHREAD *thread, ULONG api, ULONG flags,
                               const char **why)
{
  bool creation = api == DbgKmCreateThreadApi || api == DbgKmCreateProcessApi ||
                  (api == DbgKmLoadDllApi && flags & DEBUG_EVENT_SKIPPABLE);
  bool termination = api == DbgKmExitThreadApi || api == DbgKmExitProcessApi;
  if (!process->DebugPort)
    *why = "the process has no debug port any more";
  else if (creation && thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_SKIP_CREATION_MSG)
    *why = "there is a port, but the attach has told of the thread already (SkipCreationMsg)";
  else if (termination && thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_SKIP_TERMINATION_MSG)
    *why = "there is a port, but the thread was never reported (SkipTerminationMsg)";
  return *why ? NULL : process->DebugPort;
}

/* A NOWAIT event with its message, charged to the process that causes it, at the same size for every message. NULL: no
 * memory, or the quota is used up. */
static DEBUG_EVENT *allocate_event(const DBGKM_APIMSG *ApiMsg)
{
  EPROCESS *charged = PsGetCurrentProcess();
  if (!NT_SUCCESS(PsChargeProcessPoolQuota(charged, sizeof(DEBUG_EVENT))))
    return NULL;
  DEBUG_EVENT *event = ExAllocatePoolWithTag(offsetof(DEBUG_EVENT, ApiMsg) + ApiMsg->h.TotalLength, TAG_DEBUG_EVENT);
  if (!event) {
    PsReturnPoolQuota(charged, sizeof *event);
    return NULL;
  }
  memcpy(&event->ApiMsg, ApiMsg, ApiMsg->h.TotalLength);
  ObReferenceObject(charged);
  event->QuotaProcess = charged;
  return event;
}

static void free_event(DEBUG_EVENT *event)
{
  EPROCESS *charged = event->QuotaProcess;
  ObDereferenceObject(event->Thread);
  ObDereferenceObject(event->Process);
  ExFreePool(event);
  PsReturnPoolQuota(charged, sizeof *event);
  ObDereferenceObject(charged);
}

NTSTATUS DbgkpQueueMessage(EPROCESS *Process, ETHREAD *Thread, DBGKM_APIMSG *ApiMsg, ULONG Flags,
                           DEBUG_OBJECT *TargetDebugObject)
{
  DEBUG_EVENT on_stack, *event = &on_stack;
  DEBUG_OBJECT *object;
  NTSTATUS status;
  const char *no_port = NULL;

  if (Flags & DEBUG_EVENT_NOWAIT) {
    event = allocate_event(ApiMsg);
    if (!event)
      return STATUS_INSUFFICIENT_RESOURCES;
    event->Flags = Flags | DEBUG_EVENT_INACTIVE;
    if (ApiMsg->ApiNumber == DbgKmCreateProcessApi || ApiMsg->ApiNumber == DbgKmLoadDllApi)
      event->Flags |= DEBUG_EVENT_FILE;
    ObReferenceObject(Process);
    ObReferenceObject(Thread);
    event->BackoutThread = PsGetCurrentThread();
    object = TargetDebugObject;
  } else {
    memset(event, 0, offsetof(DEBUG_EVENT, ApiMsg));
    event->Flags = Flags;
    event->ApiMsg = *ApiMsg;
    dbgk_lock_port();
    object = live_port(Process, Thread, ApiMsg->ApiNumber, Flags, &no_port);
    KeInitializeEvent(&event->ContinueEvent, SynchronizationEvent, FALSE);
  }
  event->Process = Process;
  event->Thread = Thread;
  event->ClientId = Thread->Cid;

  if (!object) {
    status = STATUS_PORT_NOT_SET;
  } else {
    const struct dbgk_state *dbgk = dbgk_state();
    if (dbgk->signals_early)
      KeSetEvent(&object->EventsPresent);
    ExAcquireFastMutex(&object->Mutex);
    if (object->Flags & DEBUG_OBJECT_DELETE_PENDING) {
      status = STATUS_DEBUGGER_INACTIVE;
    } else if (dbgk->locking == DBGK_OBJECT_MUTEX_RECHECK && !(Flags & DEBUG_EVENT_NOWAIT) &&
               Process->DebugPort != object) {
      status = STATUS_PORT_NOT_SET;
    } else {
      dbgk_link_event(object, event);
      if (!(Flags & DEBUG_EVENT_NOWAIT) && !dbgk->signals_early)
        KeSetEvent(&object->EventsPresent);
      status = STATUS_SUCCESS;
    }
    ExReleaseFastMutex(&object->Mutex);
  }
  TRACE(DBGKSIM_TRACE_QUEUE, no_port, ApiMsg->ApiNumber, Flags, (ULONG)status, 0);

  if (Flags & DEBUG_EVENT_NOWAIT) {
    if (!NT_SUCCESS(status))
      free_event(event);
    return status;
  }
  dbgk_unlock_port();
  if (NT_SUCCESS(status)) {
    KeWaitForSingleObject(&event->ContinueEvent, Executive, KernelMode, FALSE, NULL);
    status = event->Status;
    *ApiMsg = event->ApiMsg;
  }
  return status;
}

void DbgkpWakeTarget(DEBUG_EVENT *DebugEvent)
{
  ETHREAD *thread = DebugEvent->Thread;
  TRACE(DBGKSIM_TRACE_WAKE, NULL, DebugEvent->ApiMsg.ApiNumber, (ULONG)DebugEvent->ApiMsg.ReturnedStatus,
        DebugEvent->Flags, 0);
  if (DebugEvent->Flags & DEBUG_EVENT_SUSPEND)
    PsResumeThread(thread, NULL);
  if (DebugEvent->Flags & DEBUG_EVENT_RELEASE)
    ExReleaseRundownProtection(&thread->RundownProtect);
  if (DebugEvent->Flags & DEBUG_EVENT_NOWAIT)
    DbgkpFreeDebugEvent(DebugEvent);
  else
    KeSetEvent(&DebugEvent->ContinueEvent);
}

void DbgkpFreeDebugEvent(DEBUG_EVENT *DebugEvent)
{
  if (DebugEvent->Flags & DEBUG_EVENT_FILE)
    dbgk_close_kernel_handle(DebugEvent->ApiMsg.ApiNumber == DbgKmCreateProcessApi
                                 ? DebugEvent->ApiMsg.u.CreateProcessInfo.FileHandle
                                 : DebugEvent->ApiMsg.u.LoadDll.FileHandle);
  free_event(DebugEvent);
}

/* Starts loading what a wake touches of the thread of a taken event; returns the next of the list. */
static LIST_ENTRY *prefetch_wake(LIST_ENTRY *entry)
{
  const DEBUG_EVENT *event = CONTAINING_RECORD(entry, DEBUG_EVENT, EventList);
  __builtin_prefetch(&ob_header(event->Thread)->PointerCount, 1);
  __builtin_prefetch(&event->Thread->Tcb.FreezeCount, 1);
  return entry->Flink;
}

void dbgk_wake_events(LIST_ENTRY *list)
{
  enum { AHEAD = 6 };
  LIST_ENTRY *ahead = list->Flink;
  for (unsigned i = 0; i < AHEAD && ahead != list; i++)
    ahead = prefetch_wake(ahead);
  while (!IsListEmpty(list)) {
    if (ahead != list)
      ahead = prefetch_wake(ahead);
    DEBUG_EVENT *event = CONTAINING_RECORD(RemoveHeadList(list), DEBUG_EVENT, EventList);
    event->Status = STATUS_DEBUGGER_INACTIVE;
    DbgkpWakeTarget(event);
  }
}

HANDLE DbgkpSectionToFileHandle(SECTION *Section)
{
  const char *path = mm_section_path(Section);
  FILE_OBJECT *file;
  HANDLE handle = 0;
  if (!path || !NT_SUCCESS(IoCreateFile(path, DBGK_FILE_ACCESS, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, &file, NULL)))
    return 0;
  if (!NT_SUCCESS(ob_open_in(PsInitialSystemProcess(), file, 0, DBGK_FILE_ACCESS, &handle)))
    handle = 0;
  ObDereferenceObject(file);
  return handle;
}

void dbgk_close_kernel_handle(HANDLE Handle)
{
  if (Handle)
    ob_close_in(PsInitialSystemProcess(), Handle, KernelMode);
}
