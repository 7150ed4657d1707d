/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/io/io.h"
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/ob/ob_bodies.h"
#include "ntos/svc/svc.h"
#include "ntos/svc/svc_named.h"
#include "ntos/svc/svc_object.h"

#define SYMBOLIC_LINK_QUERY 0x1u

NTSTATUS NtCreateDirectoryObject(ULONG64 DirectoryHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes)
{
  struct svc_object_attributes attributes;
  void *object;
  NTSTATUS status = svc_begin_create(DirectoryHandle, ObjectAttributes, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  status = ob_create_directory(&object);
  if (!NT_SUCCESS(status)) {
    svc_release_object_attributes(&attributes);
    return status;
  }
  return svc_finish_create(object, DesiredAccess, &attributes, DirectoryHandle);
}

NTSTATUS NtOpenDirectoryObject(ULONG64 DirectoryHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes)
{
  return svc_open_named(DirectoryHandle, DesiredAccess, ObjectAttributes, ob_types()->Directory);
}

NTSTATUS NtCreateSymbolicLinkObject(ULONG64 LinkHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                                    ULONG64 LinkTarget)
{
  struct svc_object_attributes attributes;
  char *target;
  void *object;
  NTSTATUS status = svc_probe_handle(LinkHandle);
  if (NT_SUCCESS(status))
    status = mm_user_read_utf8(LinkTarget, &target);
  if (!NT_SUCCESS(status))
    return status;
  status = *target ? svc_capture_object_attributes(ObjectAttributes, &attributes) : STATUS_INVALID_PARAMETER;
  if (!NT_SUCCESS(status)) {
    ExFreePool(target);
    return status;
  }
  status = ob_create_symbolic_link(target, &object);
  ExFreePool(target);
  if (!NT_SUCCESS(status)) {
    svc_release_object_attributes(&attributes);
    return status;
  }
  ((OBJECT_SYMBOLIC_LINK *)object)->CreationTime = KeQuerySystemTime();
  return svc_finish_create(object, DesiredAccess, &attributes, LinkHandle);
}

NTSTATUS NtOpenSymbolicLinkObject(ULONG64 LinkHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes)
{
  return svc_open_named(LinkHandle, DesiredAccess, ObjectAttributes, ob_types()->SymbolicLink);
}

/* Writes `bytes` of text into the user's string, with a terminator where it fits. */
static NTSTATUS write_target(ULONG64 string_address, UNICODE_STRING64 *string, const WCHAR *text, ULONG bytes,
                             ULONG64 returned_length)
{
  static const WCHAR terminator = 0;
  ULONG needed = returned_length ? bytes + (ULONG)sizeof terminator : bytes;
  NTSTATUS status = STATUS_BUFFER_TOO_SMALL;
  if (needed <= string->MaximumLength) {
    string->Length = (USHORT)bytes;
    status = mm_user_write(string->Buffer, text, bytes);
    if (NT_SUCCESS(status) && string->MaximumLength - bytes >= sizeof terminator)
      status = mm_user_write(string->Buffer + bytes, &terminator, sizeof terminator);
    if (NT_SUCCESS(status))
      status = mm_user_write(string_address, &string->Length, sizeof string->Length);
  }
  if (returned_length)
    (void)mm_user_write(returned_length, &needed, sizeof needed);
  return status;
}

NTSTATUS NtQuerySymbolicLinkObject(HANDLE LinkHandle, ULONG64 LinkTarget, ULONG64 ReturnedLength)
{
  UNICODE_STRING64 string;
  void *link;
  ULONG bytes;
  NTSTATUS status = mm_user_read(&string, LinkTarget, sizeof string);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(LinkTarget, sizeof string, 8);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(string.Buffer, string.MaximumLength, 1);
  if (NT_SUCCESS(status) && ReturnedLength)
    status = ProbeForWrite(ReturnedLength, sizeof(ULONG), 4);
  if (NT_SUCCESS(status))
    status = ObReferenceObjectByHandle(LinkHandle, SYMBOLIC_LINK_QUERY, ob_types()->SymbolicLink, KeGetPreviousMode(),
                                       &link, NULL);
  if (!NT_SUCCESS(status))
    return status;
  WCHAR *text = io_utf16(((OBJECT_SYMBOLIC_LINK *)link)->target, &bytes);
  ObDereferenceObject(link);
  if (!text)
    return STATUS_INSUFFICIENT_RESOURCES;
  status = write_target(LinkTarget, &string, text, bytes, ReturnedLength);
  ExFreePool(text);
  return status;
}

SVC_THUNK_3(NtCreateDirectoryObject, ULONG64, ACCESS_MASK, ULONG64)
SVC_THUNK_3(NtOpenDirectoryObject, ULONG64, ACCESS_MASK, ULONG64)
SVC_THUNK_4(NtCreateSymbolicLinkObject, ULONG64, ACCESS_MASK, ULONG64, ULONG64)
SVC_THUNK_3(NtOpenSymbolicLinkObject, ULONG64, ACCESS_MASK, ULONG64)
SVC_THUNK_3(NtQuerySymbolicLinkObject, HANDLE, ULONG64, ULONG64)

const struct svc_entry svc_namespace_table[] = {
    SVC(NtCreateDirectoryObject, 3),  SVC(NtOpenDirectoryObject, 3),     SVC(NtCreateSymbolicLinkObject, 4),
    SVC(NtOpenSymbolicLinkObject, 3), SVC(NtQuerySymbolicLinkObject, 3), {NULL, NULL, 0},
};
