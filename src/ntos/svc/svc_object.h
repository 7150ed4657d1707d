/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_object.h  Services of handles, object queries, directories and symbolic links. Pointers into user memory
 *  are ULONG64; all may return the statuses of their probes and of ObReferenceObjectByHandle. */
#ifndef NTOS_SVC_SVC_OBJECT_H
#define NTOS_SVC_SVC_OBJECT_H

#include "ntos/inc/pcr.h"
#include "ntos/inc/services.h"

extern const struct svc_entry svc_object_table[];
extern const struct svc_entry svc_query_object_table[];
extern const struct svc_entry svc_namespace_table[];

#define DUPLICATE_CLOSE_SOURCE 0x1u
#define DUPLICATE_SAME_ACCESS 0x2u
#define DUPLICATE_SAME_ATTRIBUTES 0x4u

/* ---- svc_object.c ---- */

/** Closes a handle. In a debugged process a bad handle (but 0 and -1..-6) or a protected one also raises the status as
 *  an exception (fact 28). */
NTSTATUS NtClose(HANDLE Handle);
/** Copies a handle between processes; both need PROCESS_DUP_HANDLE. With DUPLICATE_CLOSE_SOURCE the source is closed
 *  whatever becomes of the copy, and no target process is needed to just close it. */
NTSTATUS NtDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
                           ULONG64 TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Options);
/** STATUS_SUCCESS if both handles are of one object, else STATUS_NOT_SAME_OBJECT. */
NTSTATUS NtCompareObjects(HANDLE FirstObjectHandle, HANDLE SecondObjectHandle);
/** Lets the name of an object vanish with its last handle. */
NTSTATUS NtMakeTemporaryObject(HANDLE Handle);
/** STATUS_PRIVILEGE_NOT_HELD: no simulated user holds SeCreatePermanentPrivilege. */
NTSTATUS NtMakePermanentObject(HANDLE Handle);
/** A security descriptor without owner, group and lists. STATUS_BUFFER_TOO_SMALL with the length that is needed. */
NTSTATUS NtQuerySecurityObject(HANDLE Handle, ULONG SecurityInformation, ULONG64 SecurityDescriptor, ULONG Length,
                               ULONG64 LengthNeeded);
/** Checks access and forgets the descriptor. */
NTSTATUS NtSetSecurityObject(HANDLE Handle, ULONG SecurityInformation, ULONG64 SecurityDescriptor);

/* ---- svc_query_object.c ---- */

/** ObjectBasicInformation 0, ObjectNameInformation 1, ObjectTypeInformation 2, ObjectTypesInformation 3 (the handle is
 *  not looked at), ObjectHandleFlagInformation 4.
 *  @return STATUS_INVALID_INFO_CLASS; STATUS_INFO_LENGTH_MISMATCH with the length that is needed */
NTSTATUS NtQueryObject(HANDLE Handle, ULONG InformationClass, ULONG64 Information, ULONG Length, ULONG64 ReturnLength);
/** ObjectHandleFlagInformation 4: inherit, protect from close. */
NTSTATUS NtSetInformationObject(HANDLE Handle, ULONG InformationClass, ULONG64 Information, ULONG Length);

/* ---- svc_namespace.c ---- */

/** Makes an object directory. */
NTSTATUS NtCreateDirectoryObject(ULONG64 DirectoryHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes);
/** Opens an object directory. */
NTSTATUS NtOpenDirectoryObject(ULONG64 DirectoryHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes);
/** Makes a symbolic link; LinkTarget is a UNICODE_STRING. STATUS_INVALID_PARAMETER for an empty target. */
NTSTATUS NtCreateSymbolicLinkObject(ULONG64 LinkHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                                    ULONG64 LinkTarget);
/** Opens the link itself. */
NTSTATUS NtOpenSymbolicLinkObject(ULONG64 LinkHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes);
/** Fills the UNICODE_STRING at LinkTarget. STATUS_BUFFER_TOO_SMALL with the bytes that are needed. */
NTSTATUS NtQuerySymbolicLinkObject(HANDLE LinkHandle, ULONG64 LinkTarget, ULONG64 ReturnedLength);

#define STATUS_NOT_SAME_OBJECT NT_STATUS_VALUE(0xC00001AC)

#endif
