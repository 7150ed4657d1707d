/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keyed events: a waiter and a releaser of one key and one process meet; whoever is first blocks. */
#include "ntos/ke/ke.h"
#include "ntos/ob/ob_bodies.h"
#include "ntos/svc/svc.h"
#include "ntos/svc/svc_named.h"
#include "ntos/svc/svc_sync.h"

#define KEYEDEVENT_WAIT 0x1u
#define KEYEDEVENT_WAKE 0x2u

enum side { WAITER, RELEASER };

/* One blocked thread; lies on its stack. */
struct keyed_wait {
  LIST_ENTRY entry; /* KEYED_EVENT.waiters of its side; linked to itself once met */
  ULONG64 key;
  const EPROCESS *process;
  KEVENT met;
};

NTSTATUS NtCreateKeyedEvent(ULONG64 KeyedEventHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG Flags)
{
  struct svc_object_attributes attributes;
  void *object;
  if (Flags != 0)
    return STATUS_INVALID_PARAMETER_4;
  NTSTATUS status = svc_begin_create(KeyedEventHandle, ObjectAttributes, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  status = ob_create_keyed_event(&object);
  if (!NT_SUCCESS(status)) {
    svc_release_object_attributes(&attributes);
    return status;
  }
  return svc_finish_create(object, DesiredAccess, &attributes, KeyedEventHandle);
}

NTSTATUS NtOpenKeyedEvent(ULONG64 KeyedEventHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes)
{
  return svc_open_named(KeyedEventHandle, DesiredAccess, ObjectAttributes, ob_types()->KeyedEvent);
}

static struct keyed_wait *find_partner(LIST_ENTRY *list, ULONG64 key, const EPROCESS *process)
{
  for (LIST_ENTRY *entry = list->Flink; entry != list; entry = entry->Flink) {
    struct keyed_wait *wait = CONTAINING_RECORD(entry, struct keyed_wait, entry);
    if (wait->key == key && wait->process == process)
      return wait;
  }
  return NULL;
}

static NTSTATUS meet(KEYED_EVENT *event, enum side side, ULONG64 key, BOOLEAN alertable, const LONG64 *timeout)
{
  struct keyed_wait *partner = find_partner(&event->waiters[1 - side], key, PsGetCurrentProcess());
  if (partner) {
    RemoveEntryList(&partner->entry);
    KeSetEvent(&partner->met);
    return STATUS_SUCCESS;
  }
  struct keyed_wait wait = {.key = key, .process = PsGetCurrentProcess()};
  KeInitializeEvent(&wait.met, SynchronizationEvent, FALSE);
  InsertTailList(&event->waiters[side], &wait.entry);
  NTSTATUS status = KeWaitForSingleObject(&wait.met, UserRequest, KeGetPreviousMode(), alertable, timeout);
  if (status == STATUS_SUCCESS || IsListEmpty(&wait.entry))
    return STATUS_SUCCESS; /* met between the end of the wait and now: the partner has gone on already */
  RemoveEntryList(&wait.entry);
  return status;
}

static NTSTATUS keyed_event(HANDLE handle, ULONG64 key, BOOLEAN alertable, ULONG64 timeout_address, enum side side)
{
  LONG64 storage;
  const LONG64 *timeout;
  void *event;
  if (key & 1)
    return STATUS_INVALID_PARAMETER_1;
  NTSTATUS status = svc_capture_timeout(timeout_address, &storage, &timeout);
  if (!NT_SUCCESS(status))
    return status;
  if (handle)
    status = ObReferenceObjectByHandle(handle, side == WAITER ? KEYEDEVENT_WAIT : KEYEDEVENT_WAKE,
                                       ob_types()->KeyedEvent, KeGetPreviousMode(), &event, NULL);
  else
    status = ObReferenceObjectByName(OB_CRITICAL_SECTION_OUT_OF_MEMORY_EVENT, ob_types()->KeyedEvent, &event);
  if (!NT_SUCCESS(status))
    return status;
  status = meet(event, side, key, alertable != 0, timeout);
  ObDereferenceObject(event);
  return status;
}

NTSTATUS NtWaitForKeyedEvent(HANDLE KeyedEventHandle, ULONG64 Key, BOOLEAN Alertable, ULONG64 Timeout)
{
  return keyed_event(KeyedEventHandle, Key, Alertable, Timeout, WAITER);
}

NTSTATUS NtReleaseKeyedEvent(HANDLE KeyedEventHandle, ULONG64 Key, BOOLEAN Alertable, ULONG64 Timeout)
{
  return keyed_event(KeyedEventHandle, Key, Alertable, Timeout, RELEASER);
}

SVC_THUNK_4(NtCreateKeyedEvent, ULONG64, ACCESS_MASK, ULONG64, ULONG)
SVC_THUNK_3(NtOpenKeyedEvent, ULONG64, ACCESS_MASK, ULONG64)
SVC_THUNK_4(NtWaitForKeyedEvent, HANDLE, ULONG64, BOOLEAN, ULONG64)
SVC_THUNK_4(NtReleaseKeyedEvent, HANDLE, ULONG64, BOOLEAN, ULONG64)

const struct svc_entry svc_keyed_event_table[] = {
    SVC(NtCreateKeyedEvent, 4),  SVC(NtOpenKeyedEvent, 3), SVC(NtWaitForKeyedEvent, 4),
    SVC(NtReleaseKeyedEvent, 4), {NULL, NULL, 0},
};
