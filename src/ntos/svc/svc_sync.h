/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_sync.h  Services of dispatcher objects, waits and keyed events. Pointers into user memory are ULONG64; all
 *  may return STATUS_ACCESS_VIOLATION or STATUS_DATATYPE_MISALIGNMENT from their probes, and the statuses of
 *  ObReferenceObjectByHandle. */
#ifndef NTOS_SVC_SVC_SYNC_H
#define NTOS_SVC_SVC_SYNC_H

#include "ntos/inc/pcr.h"
#include "ntos/inc/services.h"

extern const struct svc_entry svc_event_table[];
extern const struct svc_entry svc_mutant_table[];
extern const struct svc_entry svc_semaphore_table[];
extern const struct svc_entry svc_timer_table[];
extern const struct svc_entry svc_wait_table[];
extern const struct svc_entry svc_keyed_event_table[];

/* ---- svc_event.c ---- */

/** Makes an event. STATUS_INVALID_PARAMETER: unknown EventType. */
NTSTATUS NtCreateEvent(ULONG64 EventHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG EventType,
                       BOOLEAN InitialState);
/** Opens a named event. */
NTSTATUS NtOpenEvent(ULONG64 EventHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes);
/** Signals; PreviousState (LONG *) may be 0. */
NTSTATUS NtSetEvent(HANDLE EventHandle, ULONG64 PreviousState);
/** Signals a synchronization event and gives its waiter a priority boost, of which nothing is modelled. */
NTSTATUS NtSetEventBoostPriority(HANDLE EventHandle);
/** Resets; PreviousState (LONG *) may be 0. */
NTSTATUS NtResetEvent(HANDLE EventHandle, ULONG64 PreviousState);
/** Resets. */
NTSTATUS NtClearEvent(HANDLE EventHandle);
/** Releases those who wait now; PreviousState (LONG *) may be 0. */
NTSTATUS NtPulseEvent(HANDLE EventHandle, ULONG64 PreviousState);
/** EventBasicInformation (0): type, state. */
NTSTATUS NtQueryEvent(HANDLE EventHandle, ULONG InformationClass, ULONG64 Information, ULONG Length,
                      ULONG64 ReturnLength);

/* ---- svc_mutant.c ---- */

/** Makes a mutant, owned by the caller if InitialOwner. */
NTSTATUS NtCreateMutant(ULONG64 MutantHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                        BOOLEAN InitialOwner);
/** Opens a named mutant. */
NTSTATUS NtOpenMutant(ULONG64 MutantHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes);
/** Releases once; needs no access right. STATUS_MUTANT_NOT_OWNED. */
NTSTATUS NtReleaseMutant(HANDLE MutantHandle, ULONG64 PreviousCount);
/** MutantBasicInformation (0): count, owned by caller, abandoned; MutantOwnerInformation (1): CLIENT_ID. */
NTSTATUS NtQueryMutant(HANDLE MutantHandle, ULONG InformationClass, ULONG64 Information, ULONG Length,
                       ULONG64 ReturnLength);

/* ---- svc_semaphore.c ---- */

/** STATUS_INVALID_PARAMETER unless 0 <= InitialCount <= MaximumCount and MaximumCount > 0. */
NTSTATUS NtCreateSemaphore(ULONG64 SemaphoreHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                           LONG InitialCount, LONG MaximumCount);
/** Opens a named semaphore. */
NTSTATUS NtOpenSemaphore(ULONG64 SemaphoreHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes);
/** STATUS_INVALID_PARAMETER for a count below 1; STATUS_SEMAPHORE_LIMIT_EXCEEDED. */
NTSTATUS NtReleaseSemaphore(HANDLE SemaphoreHandle, LONG ReleaseCount, ULONG64 PreviousCount);
/** SemaphoreBasicInformation (0): count, maximum. */
NTSTATUS NtQuerySemaphore(HANDLE SemaphoreHandle, ULONG InformationClass, ULONG64 Information, ULONG Length,
                          ULONG64 ReturnLength);

/* ---- svc_timer.c ---- */

/** Makes a timer that is not set. STATUS_INVALID_PARAMETER_4: unknown TimerType. */
NTSTATUS NtCreateTimer(ULONG64 TimerHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG TimerType);
/** Opens a named timer. */
NTSTATUS NtOpenTimer(ULONG64 TimerHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes);
/** Sets a timer; with an APC routine, the APC goes to the calling thread at each expiry.
 *  @return STATUS_INVALID_PARAMETER_6: negative period; STATUS_TIMER_RESUME_IGNORED (a success) */
NTSTATUS NtSetTimer(HANDLE TimerHandle, ULONG64 DueTime, ULONG64 TimerApcRoutine, ULONG64 TimerContext,
                    BOOLEAN ResumeTimer, LONG Period, ULONG64 PreviousState);
/** Cancels; CurrentState (BOOLEAN *) receives whether it had expired. */
NTSTATUS NtCancelTimer(HANDLE TimerHandle, ULONG64 CurrentState);
/** TimerBasicInformation (0): time that remains, state. */
NTSTATUS NtQueryTimer(HANDLE TimerHandle, ULONG InformationClass, ULONG64 Information, ULONG Length,
                      ULONG64 ReturnLength);

#define STATUS_TIMER_RESUME_IGNORED NT_STATUS_VALUE(0x40000025)

/* ---- svc_wait.c ---- */

/** STATUS_SUCCESS, STATUS_ABANDONED_WAIT_0, STATUS_TIMEOUT, STATUS_ALERTED, STATUS_USER_APC;
 *  STATUS_OBJECT_TYPE_MISMATCH for objects that can not be waited for. */
NTSTATUS NtWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, ULONG64 Timeout);
/** STATUS_INVALID_PARAMETER_1: count not 1..64; STATUS_INVALID_PARAMETER_3: unknown WaitType;
 *  STATUS_INVALID_PARAMETER_MIX: an object twice with WaitAll. */
NTSTATUS NtWaitForMultipleObjects(ULONG Count, ULONG64 Handles, ULONG WaitType, BOOLEAN Alertable, ULONG64 Timeout);
/** Signals an event, releases a mutant or a semaphore, then waits. */
NTSTATUS NtSignalAndWaitForSingleObject(HANDLE SignalHandle, HANDLE WaitHandle, BOOLEAN Alertable, ULONG64 Timeout);
/** Sleeps; without an interval for ever. */
NTSTATUS NtDelayExecution(BOOLEAN Alertable, ULONG64 DelayInterval);
/** STATUS_NO_YIELD_PERFORMED: nobody else was ready. */
NTSTATUS NtYieldExecution(void);
/** Ends a present or future NtWaitForAlertByThreadId of a thread of this process.
 *  STATUS_INVALID_CID; STATUS_ACCESS_DENIED for another process's. */
NTSTATUS NtAlertThreadByThreadId(HANDLE ThreadId);
/** STATUS_ALERTED, STATUS_TIMEOUT. Address is only a name for reports. */
NTSTATUS NtWaitForAlertByThreadId(ULONG64 Address, ULONG64 Timeout);

/* ---- svc_keyed_event.c: handle 0 is a keyed event that always exists ---- */

/** STATUS_INVALID_PARAMETER_4: flags that are not 0. */
NTSTATUS NtCreateKeyedEvent(ULONG64 KeyedEventHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG Flags);
/** Opens a named keyed event. */
NTSTATUS NtOpenKeyedEvent(ULONG64 KeyedEventHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes);
/** Blocks until a thread of this process releases the same key. STATUS_INVALID_PARAMETER_1: odd key. */
NTSTATUS NtWaitForKeyedEvent(HANDLE KeyedEventHandle, ULONG64 Key, BOOLEAN Alertable, ULONG64 Timeout);
/** Blocks until a thread of this process waits for the same key. STATUS_INVALID_PARAMETER_1: odd key. */
NTSTATUS NtReleaseKeyedEvent(HANDLE KeyedEventHandle, ULONG64 Key, BOOLEAN Alertable, ULONG64 Timeout);

#endif
