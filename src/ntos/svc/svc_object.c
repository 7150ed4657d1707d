/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/svc/svc_object.h"

#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc.h"
#include "ntos/svc/svc_named.h"
#include "ntos/trap/trap.h"

#define WRITE_DAC 0x00040000u
#define WRITE_OWNER 0x00080000u
#define ACCESS_SYSTEM_SECURITY 0x01000000u
#define OWNER_SECURITY_INFORMATION 0x1u
#define GROUP_SECURITY_INFORMATION 0x2u
#define DACL_SECURITY_INFORMATION 0x4u
#define SACL_SECURITY_INFORMATION 0x8u
#define SE_SELF_RELATIVE 0x8000u

struct security_descriptor_relative {
  UCHAR Revision, Sbz1;
  USHORT Control;
  ULONG Owner, Group, Sacl, Dacl;
};
C_ASSERT_SIZE(struct security_descriptor_relative, 20);

/* Closes for user mode, as NtClose does while attached to `process`. */
static NTSTATUS close_handle(EPROCESS *process, HANDLE handle)
{
  NTSTATUS status = ob_close_in(process, handle, KeGetPreviousMode());
  bool pseudo = (LONG64)handle <= 0 && (LONG64)handle >= -6;
  bool raises = status == STATUS_HANDLE_NOT_CLOSABLE || (status == STATUS_INVALID_HANDLE && !pseudo);
  if (raises && KeGetPreviousMode() == UserMode && process->DebugPort && !KeGetCurrentThread()->native)
    return KeRaiseUserException(status);
  return status;
}

NTSTATUS NtClose(HANDLE Handle) { return close_handle(PsGetCurrentProcess(), Handle); }

static NTSTATUS reference_process(HANDLE handle, EPROCESS **process)
{
  void *object;
  NTSTATUS status =
      ObReferenceObjectByHandle(handle, PROCESS_DUP_HANDLE, ob_types()->Process, KeGetPreviousMode(), &object, NULL);
  *process = object;
  return status;
}

/* Makes the copy of a handle; a target address of 0 is legal only when the source is closed. */
static NTSTATUS duplicate(EPROCESS *source, HANDLE source_handle, EPROCESS *target, ULONG64 target_address,
                          ACCESS_MASK access, ULONG attributes, ULONG options)
{
  void *object;
  ACCESS_MASK granted;
  ULONG source_attributes;
  HANDLE handle;
  if (!source->ObjectTable)
    return STATUS_PROCESS_IS_TERMINATING;
  NTSTATUS status =
      ob_reference_in(source, source_handle, 0, NULL, KeGetPreviousMode(), &object, &granted, &source_attributes);
  if (!NT_SUCCESS(status))
    return status;
  if (options & DUPLICATE_SAME_ACCESS)
    access = granted;
  if (options & DUPLICATE_SAME_ATTRIBUTES)
    attributes = source_attributes;
  status = ob_open_in(target, object, attributes, access, &handle);
  ObDereferenceObject(object);
  if (NT_SUCCESS(status) && target_address)
    svc_write_handle(target_address, handle);
  return status;
}

NTSTATUS NtDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
                           ULONG64 TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Options)
{
  EPROCESS *source, *target = NULL;
  NTSTATUS status = TargetHandle ? svc_probe_handle(TargetHandle) : STATUS_SUCCESS;
  if (NT_SUCCESS(status) && TargetHandle)
    svc_write_handle(TargetHandle, 0);
  if (NT_SUCCESS(status))
    status = reference_process(SourceProcessHandle, &source);
  if (!NT_SUCCESS(status))
    return status;
  bool only_close = (Options & DUPLICATE_CLOSE_SOURCE) && !TargetProcessHandle;
  if (!only_close) {
    status = reference_process(TargetProcessHandle, &target);
    if (NT_SUCCESS(status)) {
      status = duplicate(source, SourceHandle, target, TargetHandle, DesiredAccess, HandleAttributes, Options);
      ObDereferenceObject(target);
    }
  }
  if (Options & DUPLICATE_CLOSE_SOURCE) {
    NTSTATUS closed = close_handle(source, SourceHandle);
    if (only_close)
      status = closed;
  }
  ObDereferenceObject(source);
  return status;
}

NTSTATUS NtCompareObjects(HANDLE FirstObjectHandle, HANDLE SecondObjectHandle)
{
  void *first, *second;
  NTSTATUS status = ObReferenceObjectByHandle(FirstObjectHandle, 0, NULL, KeGetPreviousMode(), &first, NULL);
  if (!NT_SUCCESS(status))
    return status;
  status = ObReferenceObjectByHandle(SecondObjectHandle, 0, NULL, KeGetPreviousMode(), &second, NULL);
  if (NT_SUCCESS(status)) {
    status = first == second ? STATUS_SUCCESS : STATUS_NOT_SAME_OBJECT;
    ObDereferenceObject(second);
  }
  ObDereferenceObject(first);
  return status;
}

NTSTATUS NtMakeTemporaryObject(HANDLE Handle)
{
  void *object;
  NTSTATUS status = ObReferenceObjectByHandle(Handle, DELETE_ACCESS, NULL, KeGetPreviousMode(), &object, NULL);
  if (!NT_SUCCESS(status))
    return status;
  ObMakeTemporaryObject(object);
  ObDereferenceObject(object);
  return STATUS_SUCCESS;
}

NTSTATUS NtMakePermanentObject(HANDLE Handle)
{
  (void)Handle;
  return STATUS_PRIVILEGE_NOT_HELD;
}

NTSTATUS NtQuerySecurityObject(HANDLE Handle, ULONG SecurityInformation, ULONG64 SecurityDescriptor, ULONG Length,
                               ULONG64 LengthNeeded)
{
  static const struct security_descriptor_relative empty = {.Revision = 1, .Control = SE_SELF_RELATIVE};
  ACCESS_MASK access = 0;
  void *object;
  if (SecurityInformation & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION))
    access |= READ_CONTROL;
  if (SecurityInformation & SACL_SECURITY_INFORMATION)
    access |= ACCESS_SYSTEM_SECURITY;
  NTSTATUS status = ProbeForWrite(LengthNeeded, sizeof(ULONG), 4);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(SecurityDescriptor, Length, 4);
  if (NT_SUCCESS(status))
    status = ObReferenceObjectByHandle(Handle, access, NULL, KeGetPreviousMode(), &object, NULL);
  if (!NT_SUCCESS(status))
    return status;
  ObDereferenceObject(object);
  status = mm_user_write_u32(LengthNeeded, sizeof empty);
  if (!NT_SUCCESS(status))
    return status;
  return Length < sizeof empty ? STATUS_BUFFER_TOO_SMALL : mm_user_write(SecurityDescriptor, &empty, sizeof empty);
}

NTSTATUS NtSetSecurityObject(HANDLE Handle, ULONG SecurityInformation, ULONG64 SecurityDescriptor)
{
  ACCESS_MASK access = 0;
  struct security_descriptor_relative descriptor;
  void *object;
  if (SecurityInformation & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION))
    access |= WRITE_OWNER;
  if (SecurityInformation & DACL_SECURITY_INFORMATION)
    access |= WRITE_DAC;
  if (SecurityInformation & SACL_SECURITY_INFORMATION)
    access |= ACCESS_SYSTEM_SECURITY;
  NTSTATUS status = mm_user_read(&descriptor, SecurityDescriptor, sizeof descriptor);
  if (NT_SUCCESS(status))
    status = ObReferenceObjectByHandle(Handle, access, NULL, KeGetPreviousMode(), &object, NULL);
  if (NT_SUCCESS(status))
    ObDereferenceObject(object);
  return status;
}

SVC_THUNK_1(NtClose, HANDLE)
SVC_THUNK_7(NtDuplicateObject, HANDLE, HANDLE, HANDLE, ULONG64, ACCESS_MASK, ULONG, ULONG)
SVC_THUNK_2(NtCompareObjects, HANDLE, HANDLE)
SVC_THUNK_1(NtMakeTemporaryObject, HANDLE)
SVC_THUNK_1(NtMakePermanentObject, HANDLE)
SVC_THUNK_5(NtQuerySecurityObject, HANDLE, ULONG, ULONG64, ULONG, ULONG64)
SVC_THUNK_3(NtSetSecurityObject, HANDLE, ULONG, ULONG64)

const struct svc_entry svc_object_table[] = {
    SVC(NtClose, 1),
    SVC(NtDuplicateObject, 7),
    SVC(NtCompareObjects, 2),
    SVC(NtMakeTemporaryObject, 1),
    SVC(NtMakePermanentObject, 1),
    SVC(NtQuerySecurityObject, 5),
    SVC(NtSetSecurityObject, 3),
    {NULL, NULL, 0},
};
