/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handles: making, looking up with access checks, closing. */
#include "ntos/ke/ke.h"
#include "ntos/ob/ob_private.h"
#include "ntos/ob/ob_table.h"

/* Takes over a reference of Object: it becomes the handle's, or is dropped on failure. */
static NTSTATUS make_handle(EPROCESS *Process, void *Object, ULONG Attributes, ACCESS_MASK DesiredAccess,
                            HANDLE *Handle)
{
  ACCESS_MASK access = ob_map_access(ob_header(Object)->Type, DesiredAccess);
  NTSTATUS status = STATUS_PROCESS_IS_TERMINATING;
  *Handle = 0;
  if (Process->ObjectTable && !Process->ObjectTable->closing) {
    *Handle = ob_table_add(Process->ObjectTable, Object, access, Attributes);
    status = *Handle ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
  }
  if (*Handle)
    ob_count_handle(Object);
  else
    ObDereferenceObject(Object);
  return status;
}

NTSTATUS ObInsertObject(void *Object, const char *name, ULONG Attributes, ACCESS_MASK DesiredAccess, HANDLE *Handle)
{
  OBJECT_HEADER *header = ob_header(Object);
  OBJECT_TYPE *type = header->Type;
  *Handle = 0;
  if (!name)
    return make_handle(PsGetCurrentProcess(), Object, Attributes, DesiredAccess, Handle);

  void *existing;
  NTSTATUS status = ob_lookup_or_insert(name, type != ob_types()->SymbolicLink, Object, &existing);
  if (existing) {
    ObDereferenceObject(Object);
    if (!(Attributes & OBJ_OPENIF))
      status = STATUS_OBJECT_NAME_COLLISION;
    else if (ob_header(existing)->Type != type)
      status = STATUS_OBJECT_TYPE_MISMATCH;
    else {
      status = make_handle(PsGetCurrentProcess(), existing, Attributes, DesiredAccess, Handle);
      return NT_SUCCESS(status) ? STATUS_OBJECT_NAME_EXISTS : status;
    }
    ObDereferenceObject(existing);
    return status;
  }
  if (!header->name) {
    ObDereferenceObject(Object);
    return status;
  }
  header->permanent = (Attributes & OBJ_PERMANENT) != 0;
  ObReferenceObject(Object);
  status = make_handle(PsGetCurrentProcess(), Object, Attributes, DesiredAccess, Handle);
  if (!NT_SUCCESS(status))
    ob_remove_name(header);
  ObDereferenceObject(Object);
  return status;
}

NTSTATUS ob_open_in(EPROCESS *Process, void *Object, ULONG Attributes, ACCESS_MASK DesiredAccess, HANDLE *Handle)
{
  ObReferenceObject(Object);
  return make_handle(Process, Object, Attributes, DesiredAccess, Handle);
}

NTSTATUS ObOpenObjectByPointer(void *Object, ULONG Attributes, ACCESS_MASK DesiredAccess, OBJECT_TYPE *Type,
                               HANDLE *Handle)
{
  *Handle = 0;
  if (Type && ob_header(Object)->Type != Type)
    return STATUS_OBJECT_TYPE_MISMATCH;
  return ob_open_in(PsGetCurrentProcess(), Object, Attributes, DesiredAccess, Handle);
}

NTSTATUS ObOpenObjectByName(const char *name, OBJECT_TYPE *Type, ULONG Attributes, ACCESS_MASK DesiredAccess,
                            HANDLE *Handle)
{
  void *object;
  *Handle = 0;
  NTSTATUS status = ObReferenceObjectByName(name, Type, &object);
  if (!NT_SUCCESS(status))
    return status;
  return make_handle(PsGetCurrentProcess(), object, Attributes, DesiredAccess, Handle);
}

/* The pseudo-handles: `Process` itself (a look-up in another's table acts as if attached to it) and the running
 * thread. False: not one of them. */
static bool pseudo_handle(EPROCESS *Process, HANDLE Handle, void **object, OBJECT_TYPE **type)
{
  if (Handle == NtCurrentProcess()) {
    *object = Process;
    *type = ob_types()->Process;
    return true;
  }
  if (Handle == NtCurrentThread()) {
    *object = PsGetCurrentThread();
    *type = ob_types()->Thread;
    return true;
  }
  return false;
}

NTSTATUS ob_reference_in(EPROCESS *Process, HANDLE Handle, ACCESS_MASK DesiredAccess, OBJECT_TYPE *Type,
                         KPROCESSOR_MODE AccessMode, void **Object, ACCESS_MASK *GrantedAccess, ULONG *Attributes)
{
  void *object = NULL;
  OBJECT_TYPE *type = NULL;
  ACCESS_MASK granted = 0;
  ULONG attributes = 0;
  *Object = NULL;
  if (pseudo_handle(Process, Handle, &object, &type)) {
    if (!type)
      return STATUS_INVALID_HANDLE;
    granted = type->ValidAccessMask;
  } else {
    const struct handle_entry *entry = ob_table_find(Process->ObjectTable, Handle);
    if (!entry)
      return STATUS_INVALID_HANDLE;
    object = entry->Object;
    type = ob_header(object)->Type;
    granted = entry->GrantedAccess;
    attributes = entry->Attributes;
  }
  if (Type && Type != type)
    return STATUS_OBJECT_TYPE_MISMATCH;
  if (AccessMode == UserMode && (DesiredAccess & ~granted))
    return STATUS_ACCESS_DENIED;
  ObReferenceObject(object);
  *Object = object;
  if (GrantedAccess)
    *GrantedAccess = granted;
  if (Attributes)
    *Attributes = attributes;
  return STATUS_SUCCESS;
}

NTSTATUS ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess, OBJECT_TYPE *Type,
                                   KPROCESSOR_MODE AccessMode, void **Object, ACCESS_MASK *GrantedAccess)
{
  return ob_reference_in(PsGetCurrentProcess(), Handle, DesiredAccess, Type, AccessMode, Object, GrantedAccess, NULL);
}

NTSTATUS ob_close_in(EPROCESS *Process, HANDLE Handle, KPROCESSOR_MODE AccessMode)
{
  struct handle_entry *entry = ob_table_find(Process->ObjectTable, Handle);
  if (!entry)
    return STATUS_INVALID_HANDLE;
  if (AccessMode == UserMode && (entry->Attributes & OBJ_PROTECT_CLOSE))
    return STATUS_HANDLE_NOT_CLOSABLE;
  void *object = entry->Object;
  ACCESS_MASK access = entry->GrantedAccess;
  ob_table_remove(Process->ObjectTable, entry);
  ob_uncount_handle(Process, object, access);
  return STATUS_SUCCESS;
}

NTSTATUS ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE AccessMode)
{
  return ob_close_in(PsGetCurrentProcess(), Handle, AccessMode);
}

NTSTATUS ob_handle_attributes(HANDLE Handle, ULONG *Attributes, bool set)
{
  struct handle_entry *entry = ob_table_find(PsGetCurrentProcess()->ObjectTable, Handle);
  if (!entry)
    return STATUS_INVALID_HANDLE;
  if (set)
    entry->Attributes = *Attributes & (OBJ_INHERIT | OBJ_PROTECT_CLOSE);
  else
    *Attributes = entry->Attributes;
  return STATUS_SUCCESS;
}
