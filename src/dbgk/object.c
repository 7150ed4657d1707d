/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug objects: creation, last close, the process's debug port. */
#include "dbgk/internal.h"

#include <string.h>

#define TAG_DBGK POOL_TAG('D', 'b', 'g', 'k')

/* The last handle is gone (spec/3.5). */
static void DbgkpCloseObject(EPROCESS *OwnerProcess, void *Object, ACCESS_MASK GrantedAccess, ULONG ProcessHandleCount,
                             ULONG SystemHandleCount)
{
  DEBUG_OBJECT *object = Object;
  LIST_ENTRY events;
  (void)OwnerProcess, (void)GrantedAccess, (void)ProcessHandleCount;
  if (SystemHandleCount > 1)
    return;
  ExAcquireFastMutex(&object->Mutex);
  object->Flags |= DEBUG_OBJECT_DELETE_PENDING;
  dbgk_take_all(object, &events);
  ExReleaseFastMutex(&object->Mutex);
  KeSetEvent(&object->EventsPresent);

  for (EPROCESS *p = PsGetNextProcess(NULL); p; p = PsGetNextProcess(p)) {
    BOOLEAN deref = FALSE;
    ke_race_point();
    if (p->DebugPort != object)
      continue;
    dbgk_lock_port();
    if (p->DebugPort == object) {
      p->DebugPort = NULL;
      deref = TRUE;
    }
    dbgk_unlock_port();
    if (!deref)
      continue;
    DbgkpMarkProcessPeb(p);
    if (object->Flags & DEBUG_OBJECT_KILL_ON_CLOSE)
      PsTerminateProcess(p, STATUS_DEBUGGER_INACTIVE);
    ObDereferenceObject(object);
  }
  dbgk_wake_events(&events);
}

void dbgk_set_locking(enum dbgk_locking locking, bool signals_early)
{
  dbgk_state()->locking = locking;
  dbgk_state()->signals_early = signals_early;
}

static void delete_debug_object(void *Object)
{
  dbgk_free_order(Object);
}

bool DbgkInitSystem(void)
{
  struct dbgk_state *dbgk = ExAllocatePoolWithTag(sizeof *dbgk, TAG_DBGK);
  if (!dbgk)
    return false;
  KeGetPcr()->dbgk = dbgk;
  ExInitializeFastMutex(&dbgk->DbgkpProcessDebugPortMutex);
  static const OBJECT_TYPE type = {
      .Name = "DebugObject",
      .PoolTag = POOL_TAG('D', 'b', 'g', 'O'),
      .GenericMapping = {READ_CONTROL | DEBUG_READ_EVENT, READ_CONTROL | DEBUG_PROCESS_ASSIGN,
                         READ_CONTROL | SYNCHRONIZE, DEBUG_ALL_ACCESS},
      .ValidAccessMask = DEBUG_ALL_ACCESS,
      .dispatcher_offset = offsetof(DEBUG_OBJECT, EventsPresent),
      .CloseProcedure = DbgkpCloseObject,
      .DeleteProcedure = delete_debug_object,
  };
  return (ob_types()->DebugObject = ObCreateObjectType(&type)) != NULL;
}

NTSTATUS NtCreateDebugObject(ULONG64 DebugObjectHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                             ULONG Flags)
{
  DEBUG_OBJECT *object;
  HANDLE handle;
  ULONG attributes = 0;
  NTSTATUS status = mm_user_write_u64(DebugObjectHandle, 0);
  if (!NT_SUCCESS(status))
    return status;
  if (Flags & ~DEBUG_KILL_ON_CLOSE)
    return STATUS_INVALID_PARAMETER;
  if (ObjectAttributes) {
    OBJECT_ATTRIBUTES64 oa;
    status = mm_user_read(&oa, ObjectAttributes, sizeof oa);
    if (!NT_SUCCESS(status))
      return status;
    if (oa.Length != sizeof oa)
      return STATUS_INVALID_PARAMETER;
    attributes = oa.Attributes;
  }
  status = ObCreateObject(ob_types()->DebugObject, sizeof *object, (void **)&object);
  if (!NT_SUCCESS(status))
    return status;
  KeInitializeEvent(&object->EventsPresent, NotificationEvent, FALSE);
  ExInitializeFastMutex(&object->Mutex);
  dbgk_init_order(object);
  if (Flags & DEBUG_KILL_ON_CLOSE)
    object->Flags |= DEBUG_OBJECT_KILL_ON_CLOSE;
  if (PsGetCurrentProcess()->WoW64Process)
    object->Flags |= DEBUG_OBJECT_WOW64_DEBUGGER;
  status = ObInsertObject(object, NULL, attributes & OBJ_INHERIT, DesiredAccess, &handle);
  if (!NT_SUCCESS(status))
    return status;
  return mm_user_write_u64(DebugObjectHandle, handle);
}

NTSTATUS NtSetInformationDebugObject(HANDLE DebugObjectHandle, ULONG InformationClass, ULONG64 Information,
                                     ULONG Length, ULONG64 ReturnLength)
{
  DEBUG_OBJECT *object;
  ULONG flags;
  NTSTATUS status;
  if (ReturnLength && !NT_SUCCESS(status = mm_user_write_u32(ReturnLength, 0)))
    return status;
  if (InformationClass != 1)
    return STATUS_INVALID_PARAMETER;
  if (Length != sizeof flags) {
    if (ReturnLength)
      mm_user_write_u32(ReturnLength, sizeof flags);
    return STATUS_INFO_LENGTH_MISMATCH;
  }
  status = mm_user_read_u32(Information, &flags);
  if (!NT_SUCCESS(status))
    return status;
  if (flags & ~DEBUG_KILL_ON_CLOSE)
    return STATUS_INVALID_PARAMETER;
  status = ObReferenceObjectByHandle(DebugObjectHandle, DEBUG_SET_INFORMATION, ob_types()->DebugObject,
                                     KeGetPreviousMode(), (void **)&object, NULL);
  if (!NT_SUCCESS(status))
    return status;
  ExAcquireFastMutex(&object->Mutex);
  if (flags & DEBUG_KILL_ON_CLOSE)
    object->Flags |= DEBUG_OBJECT_KILL_ON_CLOSE;
  else
    object->Flags &= ~DEBUG_OBJECT_KILL_ON_CLOSE;
  ExReleaseFastMutex(&object->Mutex);
  ObDereferenceObject(object);
  return STATUS_SUCCESS;
}

void DbgkpMarkProcessPeb(EPROCESS *Process)
{
  enum { PEB_BEING_DEBUGGED = 2 };
  if (!Process->Peb || !ExAcquireRundownProtection(&Process->RundownProtect))
    return;
  dbgk_lock_port();
  UCHAR being_debugged = Process->DebugPort != NULL;
  mm_process_write(Process, Process->Peb + PEB_BEING_DEBUGGED, &being_debugged, 1, NULL);
  dbgk_unlock_port();
  ExReleaseRundownProtection(&Process->RundownProtect);
}

void DbgkCopyProcessDebugPort(EPROCESS *Process, EPROCESS *Parent, DEBUG_OBJECT *Object)
{
  dbgk_lock_port();
  if (!Object && Parent && !(Parent->Flags & PS_PROCESS_FLAGS_NO_DEBUG_INHERIT))
    Object = Parent->DebugPort;
  if (Object) {
    ExAcquireFastMutex(&Object->Mutex);
    /* An object whose last handle is gone takes no new process. */
    if (!(Object->Flags & DEBUG_OBJECT_DELETE_PENDING)) {
      ObReferenceObject(Object);
      Process->DebugPort = Object;
    }
    ExReleaseFastMutex(&Object->Mutex);
  }
  dbgk_unlock_port();
  DbgkpMarkProcessPeb(Process);
}

NTSTATUS DbgkClearProcessDebugObject(EPROCESS *Process, DEBUG_OBJECT *Object)
{
  LIST_ENTRY events;
  dbgk_lock_port();
  DEBUG_OBJECT *port = Process->DebugPort;
  if (!port || (Object && port != Object)) {
    dbgk_unlock_port();
    return STATUS_PORT_NOT_SET;
  }
  Process->DebugPort = NULL;
  dbgk_unlock_port();
  DbgkpMarkProcessPeb(Process);
  ExAcquireFastMutex(&port->Mutex);
  dbgk_take_process(port, Process->UniqueProcessId, &events);
  ExReleaseFastMutex(&port->Mutex);
  dbgk_wake_events(&events);
  ObDereferenceObject(port);
  return STATUS_SUCCESS;
}

NTSTATUS NtRemoveProcessDebug(HANDLE ProcessHandle, HANDLE DebugObjectHandle)
{
  EPROCESS *process;
  DEBUG_OBJECT *object;
  NTSTATUS status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_SET_PORT, ob_types()->Process,
                                              KeGetPreviousMode(), (void **)&process, NULL);
  if (!NT_SUCCESS(status))
    return status;
  status = ObReferenceObjectByHandle(DebugObjectHandle, DEBUG_PROCESS_ASSIGN, ob_types()->DebugObject,
                                     KeGetPreviousMode(), (void **)&object, NULL);
  if (NT_SUCCESS(status)) {
    status = DbgkClearProcessDebugObject(process, object);
    ObDereferenceObject(object);
  }
  ObDereferenceObject(process);
  return status;
}

NTSTATUS DbgkOpenProcessDebugPort(EPROCESS *Process, ACCESS_MASK DesiredAccess, HANDLE *Handle)
{
  ke_race_point();
  if (!Process->DebugPort)
    return STATUS_PORT_NOT_SET;
  dbgk_lock_port();
  DEBUG_OBJECT *object = Process->DebugPort;
  if (object)
    ObReferenceObject(object);
  dbgk_unlock_port();
  if (!object)
    return STATUS_PORT_NOT_SET;
  NTSTATUS status = ObOpenObjectByPointer(object, 0, DesiredAccess, ob_types()->DebugObject, Handle);
  ObDereferenceObject(object);
  return status;
}
