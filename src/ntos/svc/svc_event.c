/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc.h"
#include "ntos/svc/svc_named.h"
#include "ntos/svc/svc_sync.h"

struct event_basic_information {
  ULONG EventType;
  LONG EventState;
};
C_ASSERT_SIZE(struct event_basic_information, 8);

NTSTATUS NtCreateEvent(ULONG64 EventHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG EventType,
                       BOOLEAN InitialState)
{
  struct svc_object_attributes attributes;
  void *event;
  NTSTATUS status = svc_probe_handle(EventHandle);
  if (!NT_SUCCESS(status))
    return status;
  if (EventType != NotificationEvent && EventType != SynchronizationEvent)
    return STATUS_INVALID_PARAMETER;
  status = svc_capture_object_attributes(ObjectAttributes, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  status = ObCreateObject(ob_types()->Event, sizeof(KEVENT), &event);
  if (!NT_SUCCESS(status)) {
    svc_release_object_attributes(&attributes);
    return status;
  }
  KeInitializeEvent(event, (EVENT_TYPE)EventType, InitialState != 0);
  return svc_finish_create(event, DesiredAccess, &attributes, EventHandle);
}

NTSTATUS NtOpenEvent(ULONG64 EventHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes)
{
  return svc_open_named(EventHandle, DesiredAccess, ObjectAttributes, ob_types()->Event);
}

static NTSTATUS reference_event(HANDLE handle, ACCESS_MASK access, KEVENT **event)
{
  void *object;
  NTSTATUS status = ObReferenceObjectByHandle(handle, access, ob_types()->Event, KeGetPreviousMode(), &object, NULL);
  *event = object;
  return status;
}

/* Applies `change` to an event and tells the state before. */
static NTSTATUS change_event(HANDLE handle, ULONG64 previous_state, LONG (*change)(KEVENT *))
{
  KEVENT *event;
  NTSTATUS status = previous_state ? ProbeForWrite(previous_state, sizeof(LONG), 4) : STATUS_SUCCESS;
  if (NT_SUCCESS(status))
    status = reference_event(handle, EVENT_MODIFY_STATE, &event);
  if (!NT_SUCCESS(status))
    return status;
  LONG previous = change(event);
  ObDereferenceObject(event);
  if (previous_state)
    (void)mm_user_write(previous_state, &previous, sizeof previous);
  return STATUS_SUCCESS;
}

NTSTATUS NtSetEvent(HANDLE EventHandle, ULONG64 PreviousState)
{
  return change_event(EventHandle, PreviousState, KeSetEvent);
}

NTSTATUS NtSetEventBoostPriority(HANDLE EventHandle) { return change_event(EventHandle, 0, KeSetEvent); }

NTSTATUS NtResetEvent(HANDLE EventHandle, ULONG64 PreviousState)
{
  return change_event(EventHandle, PreviousState, KeResetEvent);
}

NTSTATUS NtClearEvent(HANDLE EventHandle) { return change_event(EventHandle, 0, KeResetEvent); }

NTSTATUS NtPulseEvent(HANDLE EventHandle, ULONG64 PreviousState)
{
  return change_event(EventHandle, PreviousState, KePulseEvent);
}

NTSTATUS NtQueryEvent(HANDLE EventHandle, ULONG InformationClass, ULONG64 Information, ULONG Length,
                      ULONG64 ReturnLength)
{
  struct event_basic_information out;
  KEVENT *event;
  NTSTATUS status = svc_begin_query(InformationClass, Information, Length, sizeof out, ReturnLength);
  if (NT_SUCCESS(status))
    status = reference_event(EventHandle, EVENT_QUERY_STATE, &event);
  if (!NT_SUCCESS(status))
    return status;
  out.EventType =
      event->Header.Type == EventNotificationObject ? (ULONG)NotificationEvent : (ULONG)SynchronizationEvent;
  out.EventState = event->Header.SignalState;
  ObDereferenceObject(event);
  return svc_write_information(Information, &out, sizeof out, ReturnLength);
}

SVC_THUNK_5(NtCreateEvent, ULONG64, ACCESS_MASK, ULONG64, ULONG, BOOLEAN)
SVC_THUNK_3(NtOpenEvent, ULONG64, ACCESS_MASK, ULONG64)
SVC_THUNK_2(NtSetEvent, HANDLE, ULONG64)
SVC_THUNK_1(NtSetEventBoostPriority, HANDLE)
SVC_THUNK_2(NtResetEvent, HANDLE, ULONG64)
SVC_THUNK_1(NtClearEvent, HANDLE)
SVC_THUNK_2(NtPulseEvent, HANDLE, ULONG64)
SVC_THUNK_5(NtQueryEvent, HANDLE, ULONG, ULONG64, ULONG, ULONG64)

const struct svc_entry svc_event_table[] = {
    SVC(NtCreateEvent, 5), SVC(NtOpenEvent, 3),  SVC(NtSetEvent, 2),   SVC(NtSetEventBoostPriority, 1),
    SVC(NtResetEvent, 2),  SVC(NtClearEvent, 1), SVC(NtPulseEvent, 2), SVC(NtQueryEvent, 5),
    {NULL, NULL, 0},
};
