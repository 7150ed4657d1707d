/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_named.h  What NtCreateXxx and NtOpenXxx of nameable kernel objects have in common. */
#ifndef NTOS_SVC_SVC_NAMED_H
#define NTOS_SVC_SVC_NAMED_H

#include "ntos/ob/ob.h"
#include "ntos/svc/svc_capture.h"

/** First half of NtCreateXxx: probes the handle's place and captures the attributes. Nothing to release on failure. */
NTSTATUS svc_begin_create(ULONG64 handle_address, ULONG64 object_attributes, struct svc_object_attributes *attributes);
/** Second half: names `Object` and writes its handle; takes over the object's reference and releases the attributes.
 *  @return what ObInsertObject returns; STATUS_OBJECT_TYPE_MISMATCH below a root that is not a Directory;
 *  STATUS_PRIVILEGE_NOT_HELD for OBJ_PERMANENT */
NTSTATUS svc_finish_create(void *Object, ACCESS_MASK DesiredAccess, struct svc_object_attributes *attributes,
                           ULONG64 handle_address);
/** All of NtOpenXxx. STATUS_INVALID_PARAMETER without attributes, STATUS_OBJECT_PATH_SYNTAX_BAD without a name. */
NTSTATUS svc_open_named(ULONG64 handle_address, ACCESS_MASK DesiredAccess, ULONG64 object_attributes,
                        OBJECT_TYPE *Type);
/** Probes of a query service with one fixed-size class 0, in Windows' order: the buffers, the class, the length. */
NTSTATUS svc_begin_query(ULONG information_class, ULONG64 address, ULONG length, ULONG expected_length,
                         ULONG64 return_length);

#endif
