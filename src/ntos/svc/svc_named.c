/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/svc/svc_named.h"

#include "ntos/mm/mm.h"

NTSTATUS svc_begin_create(ULONG64 handle_address, ULONG64 object_attributes, struct svc_object_attributes *attributes)
{
  NTSTATUS status = svc_probe_handle(handle_address);
  return NT_SUCCESS(status) ? svc_capture_object_attributes(object_attributes, attributes) : status;
}

NTSTATUS svc_finish_create(void *Object, ACCESS_MASK DesiredAccess, struct svc_object_attributes *attributes,
                           ULONG64 handle_address)
{
  HANDLE handle = 0;
  NTSTATUS status;
  if (attributes->root)
    status = STATUS_OBJECT_TYPE_MISMATCH;
  else if (attributes->Attributes & OBJ_PERMANENT)
    status = STATUS_PRIVILEGE_NOT_HELD;
  else
    status = STATUS_SUCCESS;
  if (NT_SUCCESS(status))
    status = ObInsertObject(Object, attributes->name, attributes->Attributes, DesiredAccess, &handle);
  else
    ObDereferenceObject(Object);
  svc_release_object_attributes(attributes);
  if (NT_SUCCESS(status))
    svc_write_handle(handle_address, handle);
  return status;
}

NTSTATUS svc_open_named(ULONG64 handle_address, ACCESS_MASK DesiredAccess, ULONG64 object_attributes, OBJECT_TYPE *Type)
{
  struct svc_object_attributes attributes;
  HANDLE handle = 0;
  NTSTATUS status = svc_begin_create(handle_address, object_attributes, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  if (!object_attributes)
    status = STATUS_INVALID_PARAMETER;
  else if (!attributes.name)
    status = STATUS_OBJECT_PATH_SYNTAX_BAD;
  else if (attributes.root)
    status = STATUS_OBJECT_TYPE_MISMATCH;
  else
    status = ObOpenObjectByName(attributes.name, Type, attributes.Attributes, DesiredAccess, &handle);
  svc_release_object_attributes(&attributes);
  if (NT_SUCCESS(status))
    svc_write_handle(handle_address, handle);
  return status;
}

NTSTATUS svc_begin_query(ULONG information_class, ULONG64 address, ULONG length, ULONG expected_length,
                         ULONG64 return_length)
{
  NTSTATUS status = ProbeForWrite(address, length, 4);
  if (NT_SUCCESS(status) && return_length)
    status = ProbeForWrite(return_length, sizeof(ULONG), 4);
  if (!NT_SUCCESS(status))
    return status;
  if (information_class != 0)
    return STATUS_INVALID_INFO_CLASS;
  return length == expected_length ? STATUS_SUCCESS : STATUS_INFO_LENGTH_MISMATCH;
}
