/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file ps.h  Processes and threads as objects: creation of the bare objects, look-up, suspend and freeze, and the
 *  marks that end them. How they start and exit is life's. */
#ifndef NTOS_PS_PS_H
#define NTOS_PS_PS_H

#include "ntos/lpc/lpc.h"
#include "ntos/ob/ob.h"

struct ps_config {
  ULONG max_processes; /**< 0: default */
  ULONG max_threads;   /**< 0: default */
};

/** Sets up ps: Process and Thread types, the System process (pid 4, native). False: no memory. */
bool PsInitSystem(const struct ps_config *config);
/** The System process: owner of kernel handles. */
EPROCESS *PsInitialSystemProcess(void);
/** Makes a process object with id, handle table and, unless native, an address space; referenced once for the caller
 *  and once until it has ended. STATUS_QUOTA_EXCEEDED at the limit. */
NTSTATUS PspAllocateProcess(EPROCESS *Parent, bool native, bool inherit_handles, const char *image_file_name,
                            EPROCESS **Process);
/** Says that a process without a thread lives by its handles only, until PspAllocateThread gives it the first one: the
 *  reference that it held until it has ended is dropped. */
void ps_leave_threadless(EPROCESS *Process);
/** Makes a thread object with an id, referenced once for the caller and once until it has ended; it is in its
 *  process's list but not started. STATUS_PROCESS_IS_TERMINATING, STATUS_QUOTA_EXCEEDED. */
NTSTATUS PspAllocateThread(EPROCESS *Process, ETHREAD **Thread);
/** Undoes PspAllocateThread for a thread that will never start. */
void PspDiscardThread(ETHREAD *Thread);
/** Finds by id and references. STATUS_INVALID_CID for unknown ids and ended objects. */
NTSTATUS PsLookupProcessByProcessId(HANDLE ProcessId, EPROCESS **Process);
NTSTATUS PsLookupThreadByThreadId(HANDLE ThreadId, ETHREAD **Thread);
/** Next process after `Process` (NULL: the first) in order of creation; references it, dereferences the old one.
 *  Processes that have ended are among them until their objects are deleted; likewise threads. */
EPROCESS *PsGetNextProcess(EPROCESS *Process);
/** Next thread of a process, in order of creation; references it, dereferences the old one. */
ETHREAD *PsGetNextProcessThread(EPROCESS *Process, ETHREAD *Thread);
/** A process or thread has ended: drops the reference that it held on itself. Once each. */
void PspRemoveProcess(EPROCESS *Process);
void PspRemoveThread(ETHREAD *Thread);

/** STATUS_THREAD_IS_TERMINATING; STATUS_SUSPEND_COUNT_EXCEEDED. */
NTSTATUS PsSuspendThread(ETHREAD *Thread, ULONG *PreviousSuspendCount);
NTSTATUS PsResumeThread(ETHREAD *Thread, ULONG *PreviousSuspendCount);
/** Suspends or resumes all threads. */
NTSTATUS PsSuspendProcess(EPROCESS *Process);
NTSTATUS PsResumeProcess(EPROCESS *Process);
/** Freezes every thread but the running one; returns how many. Threads created later start frozen. */
ULONG PsFreezeProcess(EPROCESS *Process);
void PsThawProcess(EPROCESS *Process);

/** Marks a thread for exit and queues its exit APC; another thread ends at its next return to user mode, the
 *  running one likewise. A thread that never started is made to start, so that it can end. */
NTSTATUS PspTerminateThreadByPointer(ETHREAD *Thread, NTSTATUS ExitStatus);
/** Marks a process (PROCESS_DELETE) and all its threads for exit. STATUS_PROCESS_IS_TERMINATING if it was. */
NTSTATUS PsTerminateProcess(EPROCESS *Process, NTSTATUS ExitStatus);
/** What happens when a critical object ends (PspCatchCriticalBreak); Thread NULL: it is the process. May not return.
 *  @param Exited  it has ended by itself; else it is about to be marked */
typedef void (*PPS_CRITICAL_ROUTINE)(const EPROCESS *Process, const ETHREAD *Thread, bool Exited);
/** Sets it (kd does, at start-up). */
void ps_set_critical_routine(PPS_CRITICAL_ROUTINE routine);
/** Calls it, once, for an object that breaks on termination. Not on a native thread, which nothing can break into: what
 *  that ends is caught when it exits. */
void ps_catch_critical_process(EPROCESS *Process, bool Exited);
void ps_catch_critical_thread(ETHREAD *Thread, bool Exited);
/** Sets the kernel routine of the exit APC (life does, at start-up). */
void ps_set_exit_routine(PKKERNEL_ROUTINE routine);
/** Privileges of an elevated administrator: those it has, and those that are enabled (change notify, impersonate, create
 *  global). */
#define PS_PRIVILEGE(luid) (1ull << (luid))
#define SE_DEBUG_PRIVILEGE 20u
#define PS_PRIVILEGES_ENABLED_BY_DEFAULT (PS_PRIVILEGE(23) | PS_PRIVILEGE(29) | PS_PRIVILEGE(30))
#define PS_DEFAULT_PRIVILEGES 0xE73DEFF20ull
/** Kernel pool that a process may be charged with, in bytes. */
#define PS_DEFAULT_POOL_QUOTA 0x10000000u
/** Hard errors of a process without a parent are reported; others have their parent's mode. */
#define PS_DEFAULT_HARD_ERROR_PROCESSING 1u
/** Charges a process with pool memory that it caused. STATUS_QUOTA_EXCEEDED changes nothing. */
NTSTATUS PsChargeProcessPoolQuota(EPROCESS *Process, size_t size);
/** Gives a charge back. */
void PsReturnPoolQuota(EPROCESS *Process, size_t size);
/** Gives a process its exception port, for good; it holds a reference. STATUS_PORT_ALREADY_SET;
 *  STATUS_PROCESS_IS_TERMINATING: its last thread is ending. */
NTSTATUS PspSetExceptionPort(EPROCESS *Process, LPCP_PORT_OBJECT *Port);
/** The exception port of a process, referenced; NULL: none. A new process has its parent's. */
LPCP_PORT_OBJECT *PsCaptureExceptionPort(EPROCESS *Process);
/** Drops the exception port of a process whose threads have ended. */
void PspReleaseExceptionPort(EPROCESS *Process);
/** PsSetProcessFaultInformation: remembers the last second-chance exception of a process. */
void PsSetProcessFaultInformation(EPROCESS *Process, NTSTATUS ExceptionCode);
/** Counts for limits and information classes. */
void ps_counts(ULONG *processes, ULONG *threads);

#endif
