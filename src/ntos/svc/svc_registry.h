/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_registry.h  Registry services: there is no key, so opening finds none and no handle is one. */
#ifndef NTOS_SVC_SVC_REGISTRY_H
#define NTOS_SVC_SVC_REGISTRY_H

#include "ntos/svc/svc.h"

extern const struct svc_entry svc_registry_table[];

/** STATUS_OBJECT_NAME_NOT_FOUND for every well-formed name. */
NTSTATUS NtOpenKey(ULONG64 KeyHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes);
/** The same: with the parent missing, nothing can be created. */
NTSTATUS NtCreateKey(ULONG64 KeyHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes);
/** What every service on a key handle answers: STATUS_INVALID_HANDLE or STATUS_OBJECT_TYPE_MISMATCH. */
NTSTATUS svc_key_by_handle(HANDLE KeyHandle);

#endif
