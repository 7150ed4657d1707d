/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_iocompletion.h  Services of I/O completion objects: a queue of packets that threads wait for. */
#ifndef NTOS_SVC_SVC_IOCOMPLETION_H
#define NTOS_SVC_SVC_IOCOMPLETION_H

#include "ntos/inc/pcr.h"
#include "ntos/inc/services.h"

extern const struct svc_entry svc_iocompletion_table[];

/** Makes an empty queue; the number of concurrent threads is not modelled (one processor). */
NTSTATUS NtCreateIoCompletion(ULONG64 IoCompletionHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                              ULONG Count);
/** Opens a named queue. */
NTSTATUS NtOpenIoCompletion(ULONG64 IoCompletionHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes);
/** Queues a packet. STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS NtSetIoCompletion(HANDLE IoCompletionHandle, ULONG64 KeyContext, ULONG64 ApcContext, NTSTATUS IoStatus,
                           ULONG64 IoStatusInformation);
/** Takes the oldest packet. STATUS_TIMEOUT. */
NTSTATUS NtRemoveIoCompletion(HANDLE IoCompletionHandle, ULONG64 KeyContext, ULONG64 ApcContext, ULONG64 IoStatusBlock,
                              ULONG64 Timeout);
/** Takes up to Count packets into an array of {key, APC context, IO_STATUS_BLOCK}; *NumEntriesRemoved tells how many.
 *  @return STATUS_INVALID_PARAMETER: Count is 0; STATUS_TIMEOUT, STATUS_ALERTED, STATUS_USER_APC */
NTSTATUS NtRemoveIoCompletionEx(HANDLE IoCompletionHandle, ULONG64 IoCompletionInformation, ULONG Count,
                                ULONG64 NumEntriesRemoved, ULONG64 Timeout, BOOLEAN Alertable);
/** IoCompletionBasicInformation (0): number of packets. */
NTSTATUS NtQueryIoCompletion(HANDLE IoCompletionHandle, ULONG InformationClass, ULONG64 Information, ULONG Length,
                             ULONG64 ReturnLength);

#endif
