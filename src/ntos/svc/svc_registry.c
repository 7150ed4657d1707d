/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/svc/svc_registry.h"

#include "ntos/ob/ob.h"
#include "ntos/svc/svc_capture.h"

NTSTATUS NtOpenKey(ULONG64 KeyHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes)
{
  struct svc_object_attributes attributes;
  (void)DesiredAccess;
  NTSTATUS status = svc_probe_handle(KeyHandle);
  if (!NT_SUCCESS(status))
    return status;
  if (ObjectAttributes == 0)
    return STATUS_ACCESS_VIOLATION;
  status = svc_capture_object_attributes(ObjectAttributes, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  if (attributes.root != NULL)
    status = STATUS_OBJECT_TYPE_MISMATCH;
  else
    status = attributes.name != NULL ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_SYNTAX_BAD;
  svc_release_object_attributes(&attributes);
  return status;
}

NTSTATUS NtCreateKey(ULONG64 KeyHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes)
{
  return NtOpenKey(KeyHandle, DesiredAccess, ObjectAttributes);
}

NTSTATUS svc_key_by_handle(HANDLE KeyHandle)
{
  void *object;
  NTSTATUS status = ObReferenceObjectByHandle(KeyHandle, 0, NULL, KeGetPreviousMode(), &object, NULL);
  if (!NT_SUCCESS(status))
    return status;
  ObDereferenceObject(object);
  return STATUS_OBJECT_TYPE_MISMATCH;
}

static NTSTATUS open_key(const ULONG64 *a) { return NtOpenKey(a[0], (ACCESS_MASK)a[1], a[2]); }
static NTSTATUS create_key(const ULONG64 *a) { return NtCreateKey(a[0], (ACCESS_MASK)a[1], a[2]); }
static NTSTATUS by_handle(const ULONG64 *a) { return svc_key_by_handle((HANDLE)a[0]); }

const struct svc_entry svc_registry_table[] = {
    {"NtOpenKey", open_key, 3},
    {"NtOpenKeyEx", open_key, 4},
    {"NtOpenKeyTransacted", open_key, 4},
    {"NtOpenKeyTransactedEx", open_key, 5},
    {"NtCreateKey", create_key, 7},
    {"NtCreateKeyTransacted", create_key, 8},
    {"NtDeleteKey", by_handle, 1},
    {"NtDeleteValueKey", by_handle, 2},
    {"NtEnumerateKey", by_handle, 6},
    {"NtEnumerateValueKey", by_handle, 6},
    {"NtFlushKey", by_handle, 1},
    {"NtNotifyChangeKey", by_handle, 10},
    {"NtNotifyChangeMultipleKeys", by_handle, 12},
    {"NtQueryKey", by_handle, 5},
    {"NtQueryMultipleValueKey", by_handle, 6},
    {"NtQueryValueKey", by_handle, 6},
    {"NtRenameKey", by_handle, 2},
    {"NtSetInformationKey", by_handle, 4},
    {"NtSetValueKey", by_handle, 6},
    {0},
};
