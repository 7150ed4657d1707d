/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file dbgk.h  The debug subsystem of the kernel: debug objects, the event queue, the message sources, the
 *  forwarding of exceptions (spec/2.2, 2.3, spec/3). */
#ifndef DBGK_DBGK_H
#define DBGK_DBGK_H

#include "ntos/lpc/lpc.h"
#include "ntos/mm/mm.h"
#include "ntos/ob/ob.h"

/** Sets up dbgk: the DebugObject type and DbgkpProcessDebugPortMutex. False: no memory. */
bool DbgkInitSystem(void);

/** How the pointer DebugPort is guarded (spec/2.3, "why two locks"). Windows has both locks; the others show why. */
enum dbgk_locking {
  DBGK_BOTH_LOCKS,          /**< DbgkpProcessDebugPortMutex around "read DebugPort, then append" */
  DBGK_OBJECT_MUTEX,        /**< the debug object's Mutex alone */
  DBGK_OBJECT_MUTEX_RECHECK /**< likewise, and DbgkpQueueMessage reads DebugPort again under it */
};
/** Sets the locking of a machine, for exploration; nothing that a guest does changes it.
 *  @param signals_early  plants a bug: DbgkpQueueMessage signals EventsPresent before it takes the Mutex */
void dbgk_set_locking(enum dbgk_locking locking, bool signals_early);

/* ---- services (spec/3.2-3.5); user pointers as ULONG64 ---- */

/** Creates a debug object. STATUS_INVALID_PARAMETER for flags other than DEBUG_KILL_ON_CLOSE. */
NTSTATUS NtCreateDebugObject(ULONG64 DebugObjectHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                             ULONG Flags);
/** Waits for the next event (spec/3.3). STATUS_TIMEOUT, STATUS_ALERTED, STATUS_USER_APC, STATUS_DEBUGGER_INACTIVE. */
NTSTATUS NtWaitForDebugEvent(HANDLE DebugObjectHandle, BOOLEAN Alertable, ULONG64 Timeout, ULONG64 WaitStateChange);
/** Answers an event (spec/3.4). STATUS_INVALID_PARAMETER: illegal status, or no such event is outstanding. */
NTSTATUS NtDebugContinue(HANDLE DebugObjectHandle, ULONG64 ClientId, NTSTATUS ContinueStatus);
/** Attaches (spec/3.2). */
NTSTATUS NtDebugActiveProcess(HANDLE ProcessHandle, HANDLE DebugObjectHandle);
/** Detaches (spec/3.5). STATUS_PORT_NOT_SET. */
NTSTATUS NtRemoveProcessDebug(HANDLE ProcessHandle, HANDLE DebugObjectHandle);
/** Class 1: kill on close (spec/3.5). */
NTSTATUS NtSetInformationDebugObject(HANDLE DebugObjectHandle, ULONG InformationClass, ULONG64 Information,
                                     ULONG Length, ULONG64 ReturnLength);

/* ---- message sources (spec/3.6) ---- */

/** A thread starts, in its own context: the process or thread message, and ntdll's for the first. */
void DbgkCreateThread(ETHREAD *Thread);
/** The running thread ends, and is not the last. */
void DbgkExitThread(NTSTATUS ExitStatus);
/** The running thread is the last of its process. */
void DbgkExitProcess(NTSTATUS ExitStatus);
/** An image view was mapped into the current process from user mode. */
void DbgkMapViewOfSection(EPROCESS *Process, SECTION *Section, ULONG64 Base);
/** An image view of the current process was unmapped. */
void DbgkUnMapViewOfSection(EPROCESS *Process, ULONG64 Base);
/** Offers an exception of the running thread to the debug port or (DebugPort FALSE) the exception port.
 *  TRUE: handled. */
BOOLEAN DbgkForwardException(const EXCEPTION_RECORD64 *ExceptionRecord, BOOLEAN DebugPort, BOOLEAN SecondChance);

/* ---- the error port (error_port.c) ---- */

/** In a status: an error that is reported whatever the process's mode is. */
#define HARDERROR_OVERRIDE_ERRORMODE 0x10000000u
/** EPROCESS.DefaultHardErrorProcessing: errors are reported. */
#define PROCESS_HARDERROR_REPORT 0x1u

/** Makes a port the one that hard errors go to, for good; the running process is its server. STATUS_UNSUCCESSFUL: there
 *  is one. */
NTSTATUS ExpSetDefaultErrorPort(LPCP_PORT_OBJECT *Port);
/** Reports a hard error of the running thread to its process's exception port, or to the error port, and waits for the
 *  response. All parameters were checked.
 *  @param Error     its fields behind the header, but for the time and the response
 *  @param Response  HARDERROR_RESPONSE; ResponseReturnToCaller: nobody is to be told
 *  @return what LpcRequestWaitReplyPort returns */
NTSTATUS ExpRaiseHardError(HARDERROR_MSG *Error, ULONG *Response);
/** Says whether hard errors of the running thread are reported; the previous state. */
BOOLEAN IoSetThreadHardErrorMode(BOOLEAN EnableHardErrors);

/* ---- what a debugger reads ---- */

/** Handles that come with one event, at most. */
#define DBGK_EVENT_HANDLES 3
/** Lists the handles that NtWaitForDebugEvent opened for its caller, who is to close them; 0 where one could not be opened.
 *  Their number. */
static inline unsigned dbgk_event_handles(const DBGUI_WAIT_STATE_CHANGE *change, HANDLE handles[DBGK_EVENT_HANDLES])
{
  switch (change->NewState) {
  case DbgCreateProcessStateChange:
    handles[0] = change->StateInfo.CreateProcessInfo.HandleToProcess;
    handles[1] = change->StateInfo.CreateProcessInfo.HandleToThread;
    handles[2] = change->StateInfo.CreateProcessInfo.NewProcess.FileHandle;
    return 3;
  case DbgCreateThreadStateChange:
    handles[0] = change->StateInfo.CreateThread.HandleToThread;
    return 1;
  case DbgLoadDllStateChange:
    handles[0] = change->StateInfo.LoadDll.FileHandle;
    return 1;
  default:
    return 0;
  }
}

/* ---- creation under a debugger ---- */

/** Gives a process that has not started yet its debug port.
 *  @param Object  NULL: inherit the parent's unless it has NO_DEBUG_INHERIT (DbgkCopyProcessDebugPort) */
void DbgkCopyProcessDebugPort(EPROCESS *Process, EPROCESS *Parent, struct _DEBUG_OBJECT *Object);
/** Takes a process away from its debug object. STATUS_PORT_NOT_SET if it has none or another (Object NULL: any). */
NTSTATUS DbgkClearProcessDebugObject(EPROCESS *Process, struct _DEBUG_OBJECT *Object);
/** ProcessDebugObjectHandle (class 0x1E): a new handle. STATUS_PORT_NOT_SET. */
NTSTATUS DbgkOpenProcessDebugPort(EPROCESS *Process, ACCESS_MASK DesiredAccess, HANDLE *Handle);
/** Tells dbgk where the system DLL is mapped (ntdll; every process has it at this base). */
void dbgk_set_system_dll(SECTION *Section, ULONG64 Base);

#endif
