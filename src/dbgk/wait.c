/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NtWaitForDebugEvent and NtDebugContinue: the debugger's side of the queue (spec/3.3, 3.4). */
#include "dbgk/internal.h"

#include <string.h>

/* The state change that an event is shown as. */
static void DbgkpConvertKernelToUserStateChange(DBGUI_WAIT_STATE_CHANGE *change, const DEBUG_EVENT *event)
{
  const DBGKM_APIMSG *msg = &event->ApiMsg;
  memset(change, 0, sizeof *change);
  change->AppClientId = event->ClientId;
  switch (msg->ApiNumber) {
  case DbgKmExceptionApi:
    switch (msg->u.Exception.ExceptionRecord.ExceptionCode) {
    case STATUS_BREAKPOINT:
    case STATUS_WX86_BREAKPOINT:
      change->NewState = DbgBreakpointStateChange;
      break;
    case STATUS_SINGLE_STEP:
    case STATUS_WX86_SINGLE_STEP:
      change->NewState = DbgSingleStepStateChange;
      break;
    default:
      change->NewState = DbgExceptionStateChange;
      break;
    }
    change->StateInfo.Exception = msg->u.Exception;
    break;
  case DbgKmCreateThreadApi:
    change->NewState = DbgCreateThreadStateChange;
    change->StateInfo.CreateThread.NewThread = msg->u.CreateThread;
    break;
  case DbgKmCreateProcessApi:
    change->NewState = DbgCreateProcessStateChange;
    change->StateInfo.CreateProcessInfo.NewProcess = msg->u.CreateProcessInfo;
    break;
  case DbgKmExitThreadApi:
    change->NewState = DbgExitThreadStateChange;
    change->StateInfo.ExitThread = msg->u.ExitThread;
    break;
  case DbgKmExitProcessApi:
    change->NewState = DbgExitProcessStateChange;
    change->StateInfo.ExitProcess = msg->u.ExitProcess;
    break;
  case DbgKmLoadDllApi:
    change->NewState = DbgLoadDllStateChange;
    change->StateInfo.LoadDll = msg->u.LoadDll;
    break;
  case DbgKmUnloadDllApi:
    change->NewState = DbgUnloadDllStateChange;
    change->StateInfo.UnloadDll = msg->u.UnloadDll;
    break;
  default:
    break;
  }
}

/* A file handle for the reader, from the kernel's, which is closed; 0 when it can not be duplicated. */
static HANDLE duplicate_file(HANDLE kernel_handle)
{
  void *file;
  HANDLE handle = 0;
  ACCESS_MASK access;
  if (!kernel_handle)
    return 0;
  if (NT_SUCCESS(ob_reference_in(PsInitialSystemProcess(), kernel_handle, 0, NULL, KernelMode, &file, &access, NULL))) {
    if (!NT_SUCCESS(ob_open_in(PsGetCurrentProcess(), file, 0, access, &handle)))
      handle = 0;
    ObDereferenceObject(file);
  }
  dbgk_close_kernel_handle(kernel_handle);
  return handle;
}

static HANDLE open_in_reader(void *object, OBJECT_TYPE *type, ACCESS_MASK access)
{
  HANDLE handle;
  return NT_SUCCESS(ObOpenObjectByPointer(object, 0, access, type, &handle)) ? handle : 0;
}

/* Opens what the state change names, in the reader's table (fact 12). */
static void DbgkpOpenHandles(DBGUI_WAIT_STATE_CHANGE *change, EPROCESS *process, ETHREAD *thread)
{
  switch (change->NewState) {
  case DbgCreateThreadStateChange:
    change->StateInfo.CreateThread.HandleToThread = open_in_reader(thread, ob_types()->Thread, THREAD_ALL_ACCESS);
    break;
  case DbgCreateProcessStateChange: {
    DBGUI_CREATE_PROCESS *info = &change->StateInfo.CreateProcessInfo;
    info->HandleToThread = open_in_reader(thread, ob_types()->Thread, THREAD_ALL_ACCESS);
    info->HandleToProcess = open_in_reader(process, ob_types()->Process, PROCESS_ALL_ACCESS);
    info->NewProcess.FileHandle = duplicate_file(info->NewProcess.FileHandle);
    break;
  }
  case DbgLoadDllStateChange:
    change->StateInfo.LoadDll.FileHandle = duplicate_file(change->StateInfo.LoadDll.FileHandle);
    break;
  default:
    break;
  }
}

/* The first event that may be read: neither READ nor INACTIVE, and no earlier event of its process is in the list
 * (one that has is marked INACTIVE: fact 8). order.c says why this is Windows' walk of the list. */
static DEBUG_EVENT *next_event(DEBUG_OBJECT *object)
{
  DEBUG_EVENT *event;
  while ((event = object->active) && !dbgk_is_first(event)) {
    dbgk_deactivate_event(object, event, DEBUG_EVENT_INACTIVE);
    event->BackoutThread = NULL;
  }
  return event;
}

/* Reads an event: the message's file handle moves to the state change. Process and thread come referenced. */
static void read_event(DEBUG_OBJECT *object, DEBUG_EVENT *event, DBGUI_WAIT_STATE_CHANGE *change, EPROCESS **process,
                       ETHREAD **thread)
{
  *process = event->Process;
  *thread = event->Thread;
  ObReferenceObject(*process);
  ObReferenceObject(*thread);
  DbgkpConvertKernelToUserStateChange(change, event);
  dbgk_deactivate_event(object, event, DEBUG_EVENT_READ);
  if (event->ApiMsg.ApiNumber == DbgKmCreateProcessApi)
    event->ApiMsg.u.CreateProcessInfo.FileHandle = 0;
  else if (event->ApiMsg.ApiNumber == DbgKmLoadDllApi)
    event->ApiMsg.u.LoadDll.FileHandle = 0;
}

NTSTATUS NtWaitForDebugEvent(HANDLE DebugObjectHandle, BOOLEAN Alertable, ULONG64 Timeout, ULONG64 WaitStateChange)
{
  DBGUI_WAIT_STATE_CHANGE change;
  DEBUG_OBJECT *object;
  EPROCESS *process = NULL;
  ETHREAD *thread = NULL;
  LONG64 timeout = 0;
  NTSTATUS status;

  if (Timeout && !NT_SUCCESS(status = mm_user_read(&timeout, Timeout, sizeof timeout)))
    return status;
  if (!NT_SUCCESS(status = ProbeForWrite(WaitStateChange, sizeof change, 8)))
    return status;
  status = ObReferenceObjectByHandle(DebugObjectHandle, DEBUG_READ_EVENT, ob_types()->DebugObject, KeGetPreviousMode(),
                                     (void **)&object, NULL);
  if (!NT_SUCCESS(status))
    return status;

  ULONG64 start = KeQueryInterruptTime();
  for (;;) {
    status = KeWaitForSingleObject(&object->EventsPresent, Executive, KeGetPreviousMode(), Alertable,
                                   Timeout ? &timeout : NULL);
    if (status != STATUS_SUCCESS)
      break;
    ExAcquireFastMutex(&object->Mutex);
    if (object->Flags & DEBUG_OBJECT_DELETE_PENDING) {
      status = STATUS_DEBUGGER_INACTIVE;
    } else {
      DEBUG_EVENT *event = next_event(object);
      if (event)
        read_event(object, event, &change, &process, &thread);
      else
        KeResetEvent(&object->EventsPresent);
    }
    ExReleaseFastMutex(&object->Mutex);
    if (!NT_SUCCESS(status) || process)
      break;
    /* Nothing to read after all: wait again with what is left of a relative timeout (fact 34). */
    if (Timeout && timeout < 0) {
      LONG64 slept = (LONG64)(KeQueryInterruptTime() - start);
      start += (ULONG64)slept;
      timeout += slept;
      if (timeout > 0)
        timeout = 0;
    }
  }

  if (process) {
    DbgkpOpenHandles(&change, process, thread);
    ObDereferenceObject(thread);
    ObDereferenceObject(process);
    TRACE(DBGKSIM_TRACE_WAIT_EVENT, NULL, (ULONG)status, change.NewState, change.AppClientId.UniqueProcess,
          change.AppClientId.UniqueThread);
    NTSTATUS written = mm_user_write(WaitStateChange, &change, sizeof change);
    if (!NT_SUCCESS(written))
      status = written;
  }
  ObDereferenceObject(object);
  return status;
}

static bool legal_continue_status(NTSTATUS status)
{
  switch (status) {
  case DBG_REPLY_LATER:
    return era_current()->reply_later;
  case DBG_EXCEPTION_HANDLED:
  case DBG_CONTINUE:
  case DBG_TERMINATE_THREAD:
  case DBG_TERMINATE_PROCESS:
  case DBG_EXCEPTION_NOT_HANDLED:
    return true;
  default:
    return false;
  }
}

NTSTATUS NtDebugContinue(HANDLE DebugObjectHandle, ULONG64 ClientId, NTSTATUS ContinueStatus)
{
  CLIENT_ID client;
  DEBUG_OBJECT *object;
  DEBUG_EVENT *found = NULL;
  NTSTATUS status = mm_user_read(&client, ClientId, sizeof client);
  if (!NT_SUCCESS(status))
    return status;
  if (!legal_continue_status(ContinueStatus))
    return STATUS_INVALID_PARAMETER;
  status = ObReferenceObjectByHandle(DebugObjectHandle, DEBUG_READ_EVENT, ob_types()->DebugObject, KeGetPreviousMode(),
                                     (void **)&object, NULL);
  if (!NT_SUCCESS(status))
    return status;

  ExAcquireFastMutex(&object->Mutex);
  /* Only the first event of a process can have been read. */
  DEBUG_EVENT *event = dbgk_first_event(object, client.UniqueProcess);
  if (event && event->ClientId.UniqueThread == client.UniqueThread && event->Flags & DEBUG_EVENT_READ) {
    DEBUG_EVENT *next = dbgk_next_event(event);
    found = event;
    dbgk_unlink_event(object, found);
    /* The next event of the same process may be read now. */
    if (next) {
      dbgk_activate_event(object, next);
      KeSetEvent(&object->EventsPresent);
    }
  }
  ExReleaseFastMutex(&object->Mutex);
  ObDereferenceObject(object);

  status = found ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
  TRACE(DBGKSIM_TRACE_CONTINUE, NULL, client.UniqueProcess, client.UniqueThread, (ULONG)ContinueStatus, (ULONG)status);
  if (found) {
    found->ApiMsg.ReturnedStatus = ContinueStatus;
    found->Status = STATUS_SUCCESS;
    DbgkpWakeTarget(found);
  }
  return status;
}
