/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_registry.h  Registry services over cm's fixed tree: keys are opened and read, never made or changed. */
#ifndef NTOS_SVC_SVC_REGISTRY_H
#define NTOS_SVC_SVC_REGISTRY_H

#include "ntos/svc/svc.h"

extern const struct svc_entry svc_registry_table[];

/** Opens a key. STATUS_OBJECT_NAME_NOT_FOUND for all but the fixed ones. */
NTSTATUS NtOpenKey(ULONG64 KeyHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes);
/** Opens a key that is there (Disposition: REG_OPENED_EXISTING_KEY, 2); none is made. */
NTSTATUS NtCreateKey(ULONG64 KeyHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG TitleIndex,
                     ULONG64 Class, ULONG CreateOptions, ULONG64 Disposition);
/** Basic, node, full, name and cached information. STATUS_BUFFER_TOO_SMALL, STATUS_BUFFER_OVERFLOW. */
NTSTATUS NtQueryKey(HANDLE KeyHandle, ULONG KeyInformationClass, ULONG64 KeyInformation, ULONG Length,
                    ULONG64 ResultLength);
/** The same of the index-th subkey. STATUS_NO_MORE_ENTRIES. */
NTSTATUS NtEnumerateKey(HANDLE KeyHandle, ULONG Index, ULONG KeyInformationClass, ULONG64 KeyInformation, ULONG Length,
                        ULONG64 ResultLength);
/** Basic, full and partial information of a value. STATUS_OBJECT_NAME_NOT_FOUND. */
NTSTATUS NtQueryValueKey(HANDLE KeyHandle, ULONG64 ValueName, ULONG KeyValueInformationClass,
                         ULONG64 KeyValueInformation, ULONG Length, ULONG64 ResultLength);
/** The same of the index-th value. STATUS_NO_MORE_ENTRIES. */
NTSTATUS NtEnumerateValueKey(HANDLE KeyHandle, ULONG Index, ULONG KeyValueInformationClass,
                             ULONG64 KeyValueInformation, ULONG Length, ULONG64 ResultLength);
/** Services that change a key: STATUS_ACCESS_DENIED. */
NTSTATUS svc_change_key(HANDLE KeyHandle);

#endif
