/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_process.h  Services on processes, threads, exceptions and debug objects. Pointers into user memory are
 *  ULONG64; all may return the statuses of probes and of ObReferenceObjectByHandle. Native processes and threads (host
 *  code) may be looked at, never changed: STATUS_ACCESS_DENIED. */
#ifndef NTOS_SVC_SVC_PROCESS_H
#define NTOS_SVC_SVC_PROCESS_H

#include "ntos/ps/ps.h"
#include "ntos/svc/svc.h"

extern const struct svc_entry svc_process_table[];
extern const struct svc_entry svc_process_query_table[];
extern const struct svc_entry svc_create_process_table[];
extern const struct svc_entry svc_create_process_ex_table[];
extern const struct svc_entry svc_create_thread_table[];
extern const struct svc_entry svc_thread_table[];
extern const struct svc_entry svc_thread_query_table[];
extern const struct svc_entry svc_exception_table[];
extern const struct svc_entry svc_debug_table[];
extern const struct svc_entry svc_wine_table[];

/* ---- shared ---- */

/** References a process for a change: STATUS_ACCESS_DENIED for a native one. */
NTSTATUS svc_reference_process(HANDLE Handle, ACCESS_MASK access, EPROCESS **Process);
/** References a thread for a change: STATUS_ACCESS_DENIED for a native one. */
NTSTATUS svc_reference_thread(HANDLE Handle, ACCESS_MASK access, ETHREAD **Thread);
/** Opens a process or thread (Type) by CLIENT_ID: the body of NtOpenProcess and NtOpenThread. STATUS_INVALID_CID,
 *  STATUS_INVALID_PARAMETER_MIX: no id, or a name. */
NTSTATUS svc_open_by_client_id(ULONG64 HandleAddress, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                               ULONG64 ClientId, OBJECT_TYPE *Type);
/** References the parent of a new process, which may be native only if it is the caller. */
NTSTATUS svc_reference_parent(HANDLE Handle, EPROCESS **Parent);
/** References an object for a query that the full or the limited query right allows. */
NTSTATUS svc_reference_for_query(HANDLE Handle, OBJECT_TYPE *Type, ACCESS_MASK full, ACCESS_MASK limited,
                                 void **Object);
/** Probes the buffers of a query: alignment goes before length (fact 30). */
NTSTATUS svc_probe_information(ULONG64 address, ULONG length, ULONG64 return_length);
/** Ends a query of a class with one size: writes the length that it has even if the caller's is another
 *  (STATUS_INFO_LENGTH_MISMATCH). The return length goes last, because it may overlap the output (fact 30). */
NTSTATUS svc_return_information(ULONG64 address, ULONG length, const void *information, ULONG size,
                                ULONG64 return_length);
/** Ends a query of a name: UNICODE_STRING64, then its characters. STATUS_INFO_LENGTH_MISMATCH with the length needed.
 */
NTSTATUS svc_return_name(ULONG64 address, ULONG length, const char *name, ULONG64 return_length);

/** One PS_ATTRIBUTE. */
struct svc_attribute {
  ULONG64 Attribute, Size, Value, ReturnLength;
};
#define SVC_MAX_ATTRIBUTES 32u
#define PS_ATTRIBUTE_PARENT_PROCESS 0x60000u
#define PS_ATTRIBUTE_DEBUG_OBJECT 0x60001u
#define PS_ATTRIBUTE_CLIENT_ID 0x10003u
#define PS_ATTRIBUTE_TEB_ADDRESS 0x10004u
#define PS_ATTRIBUTE_IMAGE_NAME 0x20005u
#define PS_ATTRIBUTE_IMAGE_INFO 0x6u
#define PS_ATTRIBUTE_STD_HANDLE_INFO 0x2000Au
#define PS_ATTRIBUTE_HANDLE_LIST 0x2000Bu
/** Captures a PS_ATTRIBUTE_LIST; 0 gives none. STATUS_INVALID_PARAMETER: a length that is not that of a list. */
NTSTATUS svc_capture_attributes(ULONG64 list, struct svc_attribute attributes[SVC_MAX_ATTRIBUTES], ULONG *count);
/** Writes the value of an attribute that the kernel fills, cut to the room the caller gave, and its length. */
NTSTATUS svc_return_attribute(const struct svc_attribute *attribute, const void *value, size_t size);
/** Writes PS_ATTRIBUTE_CLIENT_ID and PS_ATTRIBUTE_TEB_ADDRESS of a new thread. */
NTSTATUS svc_return_thread_attributes(const struct svc_attribute *attributes, ULONG count, const ETHREAD *Thread);

/* ---- svc_process.c ---- */

/** Handle 0: all threads of the caller's process but the running one. STATUS_PROCESS_IS_TERMINATING. */
NTSTATUS NtTerminateProcess(HANDLE ProcessHandle, NTSTATUS ExitStatus);
/** Opens by CLIENT_ID. STATUS_INVALID_CID. */
NTSTATUS NtOpenProcess(ULONG64 ProcessHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG64 ClientId);
/** The next process in order of creation that can be opened. STATUS_NO_MORE_ENTRIES. */
NTSTATUS NtGetNextProcess(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Flags,
                          ULONG64 NewProcessHandle);
/** STATUS_PROCESS_NOT_IN_JOB: there are no jobs. */
NTSTATUS NtIsProcessInJob(HANDLE ProcessHandle, HANDLE JobHandle);
/** Suspends every thread of a process. */
NTSTATUS NtSuspendProcess(HANDLE ProcessHandle);
/** Resumes every thread of a process. */
NTSTATUS NtResumeProcess(HANDLE ProcessHandle);

/* ---- svc_create_process.c ---- */

/** Makes a process with its first thread from PS_ATTRIBUTE_IMAGE_NAME and a parameter block. */
NTSTATUS NtCreateUserProcess(ULONG64 ProcessHandle, ULONG64 ThreadHandle, ACCESS_MASK ProcessDesiredAccess,
                             ACCESS_MASK ThreadDesiredAccess, ULONG64 ProcessObjectAttributes,
                             ULONG64 ThreadObjectAttributes, ULONG ProcessFlags, ULONG ThreadFlags,
                             ULONG64 ProcessParameters, ULONG64 CreateInfo, ULONG64 AttributeList);

/* ---- svc_create_process_ex.c ---- */

/** Makes a process without a thread from an image section; its creator writes the parameter block and where it is
 *  (PEB.ProcessParameters).
 *  @param Flags          PROCESS_CREATE_FLAGS_BREAKAWAY (no effect), NO_DEBUG_INHERIT, INHERIT_HANDLES,
 *                        OVERRIDE_ADDRESS_SPACE (no effect)
 *  @param SectionHandle  needs SECTION_MAP_EXECUTE; 0, a copy of the parent, is STATUS_NOT_IMPLEMENTED
 *  @param DebugPort      debug object with DEBUG_PROCESS_ASSIGN, or 0
 *  @param ExceptionPort  a port, or 0: none
 *  @return STATUS_INVALID_PARAMETER: no parent, other flags, a job level (there are no jobs); STATUS_SECTION_NOT_IMAGE;
 *  STATUS_PROCESS_IS_TERMINATING: the parent has no handles any more to inherit */
NTSTATUS NtCreateProcessEx(ULONG64 ProcessHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                           HANDLE ParentProcess, ULONG Flags, HANDLE SectionHandle, HANDLE DebugPort,
                           HANDLE ExceptionPort, ULONG JobMemberLevel);
/** The same; BREAKAWAY is bit 0 of SectionHandle, NO_DEBUG_INHERIT bit 0 of DebugPort. */
NTSTATUS NtCreateProcess(ULONG64 ProcessHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                         HANDLE ParentProcess, BOOLEAN InheritObjectTable, HANDLE SectionHandle, HANDLE DebugPort,
                         HANDLE ExceptionPort);

/* ---- svc_process_query.c ---- */

/** STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH, STATUS_PORT_NOT_SET. */
NTSTATUS NtQueryInformationProcess(HANDLE ProcessHandle, ULONG ProcessInformationClass, ULONG64 ProcessInformation,
                                   ULONG ProcessInformationLength, ULONG64 ReturnLength);
/** STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_PARAMETER; STATUS_PORT_ALREADY_SET for a
 *  second ProcessExceptionPort. */
NTSTATUS NtSetInformationProcess(HANDLE ProcessHandle, ULONG ProcessInformationClass, ULONG64 ProcessInformation,
                                 ULONG ProcessInformationLength);

/* ---- svc_create_thread.c ---- */

/** Makes a thread. Statuses of PspCreateUserThread. */
NTSTATUS NtCreateThreadEx(ULONG64 ThreadHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                          HANDLE ProcessHandle, ULONG64 StartRoutine, ULONG64 Argument, ULONG CreateFlags,
                          ULONG64 ZeroBits, ULONG64 StackSize, ULONG64 MaximumStackSize, ULONG64 AttributeList);
/** Makes a thread that goes on at a CONTEXT, on the stack of an INITIAL_TEB; ClientId (CLIENT_ID *) may be 0.
 *  STATUS_INVALID_PARAMETER: no context; the statuses of PspCreateThread. */
NTSTATUS NtCreateThread(ULONG64 ThreadHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                        HANDLE ProcessHandle, ULONG64 ClientId, ULONG64 ThreadContext, ULONG64 InitialTeb,
                        BOOLEAN CreateSuspended);

/* ---- svc_thread.c ---- */

/** Opens by CLIENT_ID. STATUS_INVALID_CID. */
NTSTATUS NtOpenThread(ULONG64 ThreadHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG64 ClientId);
/** Handle 0: the running thread, STATUS_CANT_TERMINATE_SELF if it is the last one. */
NTSTATUS NtTerminateThread(HANDLE ThreadHandle, NTSTATUS ExitStatus);
/** Suspends; PreviousSuspendCount (ULONG *) may be 0. */
NTSTATUS NtSuspendThread(HANDLE ThreadHandle, ULONG64 PreviousSuspendCount);
/** Resumes; PreviousSuspendCount (ULONG *) may be 0. */
NTSTATUS NtResumeThread(HANDLE ThreadHandle, ULONG64 PreviousSuspendCount);
/** STATUS_INVALID_PARAMETER: flags that are not of an x64 context. */
NTSTATUS NtGetContextThread(HANDLE ThreadHandle, ULONG64 ThreadContext);
/** The same for writing. */
NTSTATUS NtSetContextThread(HANDLE ThreadHandle, ULONG64 ThreadContext);
/** The next thread of a process in order of creation. STATUS_NO_MORE_ENTRIES. */
NTSTATUS NtGetNextThread(HANDLE ProcessHandle, HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                         ULONG Flags, ULONG64 NewThreadHandle);

/* ---- svc_thread_query.c ---- */

/** STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH. */
NTSTATUS NtQueryInformationThread(HANDLE ThreadHandle, ULONG ThreadInformationClass, ULONG64 ThreadInformation,
                                  ULONG ThreadInformationLength, ULONG64 ReturnLength);
/** STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH. */
NTSTATUS NtSetInformationThread(HANDLE ThreadHandle, ULONG ThreadInformationClass, ULONG64 ThreadInformation,
                                ULONG ThreadInformationLength);

/* ---- svc_exception.c ---- */

/** Goes on at a CONTEXT. */
NTSTATUS NtContinue(ULONG64 ContextRecord, BOOLEAN TestAlert);
/** The same; ContinueArgument is a BOOLEAN or the address of a KCONTINUE_ARGUMENT. */
NTSTATUS NtContinueEx(ULONG64 ContextRecord, ULONG64 ContinueArgument);
/** Raises an exception at a CONTEXT. */
NTSTATUS NtRaiseException(ULONG64 ExceptionRecord, ULONG64 ContextRecord, BOOLEAN FirstChance);
/** STATUS_ALERTED: an alert was pending. */
NTSTATUS NtTestAlert(void);
/** Alerts a thread. */
NTSTATUS NtAlertThread(HANDLE ThreadHandle);
/** Alerts and resumes a thread; PreviousSuspendCount (ULONG *) may be 0. */
NTSTATUS NtAlertResumeThread(HANDLE ThreadHandle, ULONG64 PreviousSuspendCount);
/** Queues a user APC. STATUS_UNSUCCESSFUL for a thread that has ended. */
NTSTATUS NtQueueApcThread(HANDLE ThreadHandle, ULONG64 ApcRoutine, ULONG64 ApcArgument1, ULONG64 ApcArgument2,
                          ULONG64 ApcArgument3);
/** The same with a reserve object, of which there are none: ReserveHandle is 0. */
NTSTATUS NtQueueApcThreadEx(HANDLE ThreadHandle, HANDLE ReserveHandle, ULONG64 ApcRoutine, ULONG64 ApcArgument1,
                            ULONG64 ApcArgument2, ULONG64 ApcArgument3);
/** STATUS_NO_CALLBACK_ACTIVE: the kernel never calls user mode. */
NTSTATUS NtCallbackReturn(ULONG64 OutputBuffer, ULONG OutputLength, NTSTATUS Status);

/* ---- svc_wine.c: what Wine's ntdll asks of its Unix side (spec/7.2) ---- */

/** Calls function `code` of a DLL's Unix side. STATUS_NOT_IMPLEMENTED for all but three of ntdll's. */
NTSTATUS wine_unix_call(ULONG64 handle, ULONG code, ULONG64 arguments);
/** A line for Wine's log, which goes to the trace; returns the length. */
NTSTATUS wine_dbg_write(ULONG64 buffer, ULONG length);

#define STATUS_CANT_TERMINATE_SELF NT_STATUS_VALUE(0xC00000DB)
#define STATUS_NO_CALLBACK_ACTIVE NT_STATUS_VALUE(0xC0000258)
#define STATUS_PROCESS_NOT_IN_JOB NT_STATUS_VALUE(0x00000123)
#define STATUS_INVALID_PARAMETER_MIX NT_STATUS_VALUE(0xC0000030)

#endif
