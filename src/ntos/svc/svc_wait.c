/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/ps/ps.h"
#include "ntos/svc/svc.h"
#include "ntos/svc/svc_named.h"
#include "ntos/svc/svc_sync.h"

#define STATUS_INVALID_PARAMETER_MIX NT_STATUS_VALUE(0xC0000030)

/* References an object that is to be waited for. */
static NTSTATUS reference_waitable(HANDLE handle, void **object, void **dispatcher)
{
  NTSTATUS status = ObReferenceObjectByHandle(handle, SYNCHRONIZE, NULL, KeGetPreviousMode(), object, NULL);
  if (!NT_SUCCESS(status))
    return status;
  *dispatcher = ob_dispatcher(*object);
  if (*dispatcher)
    return STATUS_SUCCESS;
  ObDereferenceObject(*object);
  return STATUS_OBJECT_TYPE_MISMATCH;
}

NTSTATUS NtWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, ULONG64 Timeout)
{
  LONG64 storage;
  const LONG64 *timeout;
  void *object, *dispatcher;
  NTSTATUS status = svc_capture_timeout(Timeout, &storage, &timeout);
  if (NT_SUCCESS(status))
    status = reference_waitable(Handle, &object, &dispatcher);
  if (!NT_SUCCESS(status))
    return status;
  status = KeWaitForSingleObject(dispatcher, UserRequest, KeGetPreviousMode(), Alertable != 0, timeout);
  ObDereferenceObject(object);
  return status;
}

static bool has_duplicate(void *const objects[], ULONG count)
{
  for (ULONG i = 0; i < count; i++)
    for (ULONG j = i + 1; j < count; j++)
      if (objects[i] == objects[j])
        return true;
  return false;
}

NTSTATUS NtWaitForMultipleObjects(ULONG Count, ULONG64 Handles, ULONG WaitType, BOOLEAN Alertable, ULONG64 Timeout)
{
  LONG64 storage;
  const LONG64 *timeout;
  HANDLE handles[MAXIMUM_WAIT_OBJECTS];
  void *objects[MAXIMUM_WAIT_OBJECTS], *dispatchers[MAXIMUM_WAIT_OBJECTS];
  if (Count == 0 || Count > MAXIMUM_WAIT_OBJECTS)
    return STATUS_INVALID_PARAMETER_1;
  if (WaitType != WaitAll && WaitType != WaitAny)
    return STATUS_INVALID_PARAMETER_3;
  NTSTATUS status = svc_capture_timeout(Timeout, &storage, &timeout);
  if (NT_SUCCESS(status))
    status = ProbeForRead(Handles, Count * sizeof handles[0], 8);
  if (NT_SUCCESS(status))
    status = mm_user_read(handles, Handles, Count * sizeof handles[0]);
  ULONG referenced = 0;
  for (; referenced < Count && NT_SUCCESS(status); referenced++) {
    status = reference_waitable(handles[referenced], &objects[referenced], &dispatchers[referenced]);
    if (!NT_SUCCESS(status))
      break;
  }
  if (NT_SUCCESS(status) && WaitType == WaitAll && has_duplicate(dispatchers, Count))
    status = STATUS_INVALID_PARAMETER_MIX;
  if (NT_SUCCESS(status))
    status = KeWaitForMultipleObjects(Count, dispatchers, (WAIT_TYPE)WaitType, UserRequest, KeGetPreviousMode(),
                                      Alertable != 0, timeout);
  while (referenced > 0)
    ObDereferenceObject(objects[--referenced]);
  return status;
}

/* Signals what may be signalled by NtSignalAndWaitForSingleObject. */
static NTSTATUS signal_object(void *object, ACCESS_MASK granted)
{
  const struct ob_types *types = ob_types();
  const OBJECT_TYPE *type = ob_header(object)->Type;
  bool checked = KeGetPreviousMode() == UserMode;
  if (type == types->Event) {
    if (checked && !(granted & EVENT_MODIFY_STATE))
      return STATUS_ACCESS_DENIED;
    KeSetEvent(object);
    return STATUS_SUCCESS;
  }
  if (type == types->Mutant)
    return KeReleaseMutant(object, FALSE, NULL);
  if (type == types->Semaphore) {
    if (checked && !(granted & SEMAPHORE_MODIFY_STATE))
      return STATUS_ACCESS_DENIED;
    return KeReleaseSemaphore(object, 1, NULL);
  }
  return STATUS_OBJECT_TYPE_MISMATCH;
}

NTSTATUS NtSignalAndWaitForSingleObject(HANDLE SignalHandle, HANDLE WaitHandle, BOOLEAN Alertable, ULONG64 Timeout)
{
  LONG64 storage;
  const LONG64 *timeout;
  ACCESS_MASK granted;
  void *signal, *object, *dispatcher;
  NTSTATUS status = svc_capture_timeout(Timeout, &storage, &timeout);
  if (NT_SUCCESS(status))
    status = ObReferenceObjectByHandle(SignalHandle, 0, NULL, KeGetPreviousMode(), &signal, &granted);
  if (!NT_SUCCESS(status))
    return status;
  status = reference_waitable(WaitHandle, &object, &dispatcher);
  if (NT_SUCCESS(status)) {
    status = signal_object(signal, granted);
    if (NT_SUCCESS(status))
      status = KeWaitForSingleObject(dispatcher, UserRequest, KeGetPreviousMode(), Alertable != 0, timeout);
    ObDereferenceObject(object);
  }
  ObDereferenceObject(signal);
  return status;
}

NTSTATUS NtDelayExecution(BOOLEAN Alertable, ULONG64 DelayInterval)
{
  LONG64 storage;
  const LONG64 *interval;
  /* No interval is for ever: so Wine's kernelbase says INFINITE. */
  NTSTATUS status = svc_capture_timeout(DelayInterval, &storage, &interval);
  if (!NT_SUCCESS(status))
    return status;
  return KeDelayExecutionThread(KeGetPreviousMode(), Alertable != 0, interval);
}

NTSTATUS NtYieldExecution(void) { return KeYieldExecution() ? STATUS_SUCCESS : STATUS_NO_YIELD_PERFORMED; }

NTSTATUS NtAlertThreadByThreadId(HANDLE ThreadId)
{
  ETHREAD *thread;
  NTSTATUS status = PsLookupThreadByThreadId(ThreadId, &thread);
  if (!NT_SUCCESS(status))
    return status;
  if (PsThreadProcess(thread) == PsGetCurrentProcess())
    KeSetEvent(&thread->alert_by_id);
  else
    status = STATUS_ACCESS_DENIED;
  ObDereferenceObject(thread);
  return status;
}

NTSTATUS NtWaitForAlertByThreadId(ULONG64 Address, ULONG64 Timeout)
{
  LONG64 storage;
  const LONG64 *timeout;
  ETHREAD *thread = PsGetCurrentThread();
  NTSTATUS status = svc_capture_timeout(Timeout, &storage, &timeout);
  if (!NT_SUCCESS(status))
    return status;
  thread->Tcb.wait_object_id = Address;
  status = KeWaitForSingleObject(&thread->alert_by_id, UserRequest, KeGetPreviousMode(), FALSE, timeout);
  thread->Tcb.wait_object_id = 0;
  return status == STATUS_SUCCESS ? STATUS_ALERTED : status;
}

SVC_THUNK_3(NtWaitForSingleObject, HANDLE, BOOLEAN, ULONG64)
SVC_THUNK_5(NtWaitForMultipleObjects, ULONG, ULONG64, ULONG, BOOLEAN, ULONG64)
SVC_THUNK_4(NtSignalAndWaitForSingleObject, HANDLE, HANDLE, BOOLEAN, ULONG64)
SVC_THUNK_2(NtDelayExecution, BOOLEAN, ULONG64)
SVC_THUNK_0(NtYieldExecution)
SVC_THUNK_1(NtAlertThreadByThreadId, HANDLE)
SVC_THUNK_2(NtWaitForAlertByThreadId, ULONG64, ULONG64)

const struct svc_entry svc_wait_table[] = {
    SVC(NtWaitForSingleObject, 3),
    SVC(NtWaitForMultipleObjects, 5),
    SVC(NtSignalAndWaitForSingleObject, 4),
    SVC(NtDelayExecution, 2),
    SVC(NtYieldExecution, 0),
    SVC(NtAlertThreadByThreadId, 1),
    SVC(NtWaitForAlertByThreadId, 2),
    {NULL, NULL, 0},
};
