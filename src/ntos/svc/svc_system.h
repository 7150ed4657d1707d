/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_system.h  Services that tell facts of the machine, and small machine-wide ones: time, atoms, ids. */
#ifndef NTOS_SVC_SVC_SYSTEM_H
#define NTOS_SVC_SVC_SYSTEM_H

#include "ntos/svc/svc.h"

extern const struct svc_entry svc_system_table[];
extern const struct svc_entry svc_hard_error_table[];
extern const struct svc_entry svc_debug_filter_table[];
extern const struct svc_entry svc_system_information_table[];
extern const struct svc_entry svc_atom_table[];

/** STATUS_INVALID_INFO_CLASS for what is not modelled; STATUS_INFO_LENGTH_MISMATCH with the length needed. */
NTSTATUS NtQuerySystemInformation(ULONG SystemInformationClass, ULONG64 SystemInformation,
                                  ULONG SystemInformationLength, ULONG64 ReturnLength);
/** Classes that want input; only the logical processors are known. */
NTSTATUS NtQuerySystemInformationEx(ULONG SystemInformationClass, ULONG64 InputBuffer, ULONG InputBufferLength,
                                    ULONG64 SystemInformation, ULONG SystemInformationLength, ULONG64 ReturnLength);
/** Virtual time since 1601, 100 ns units. */
NTSTATUS NtQuerySystemTime(ULONG64 SystemTime);
/** Virtual time since start-up at 10 MHz. */
NTSTATUS NtQueryPerformanceCounter(ULONG64 PerformanceCounter, ULONG64 PerformanceFrequency);
/** Constants: 15.625 ms, 0.5 ms. */
NTSTATUS NtQueryTimerResolution(ULONG64 MaximumTime, ULONG64 MinimumTime, ULONG64 CurrentTime);
/** Accepted; the virtual clock is finer than any resolution. */
NTSTATUS NtSetTimerResolution(ULONG DesiredTime, BOOLEAN SetResolution, ULONG64 ActualTime);
/** Milliseconds of virtual time, as the service's result. */
NTSTATUS NtGetTickCount(void);
/** The text goes to the trace's log. */
NTSTATUS NtDisplayString(ULONG64 String);
/** Reports an error to the error port and returns its server's response (ExpRaiseHardError).
 *  @return STATUS_INVALID_PARAMETER_2: more than 5 parameters, or parameters without a count; STATUS_INVALID_PARAMETER_4:
 *  an unknown option; STATUS_PRIVILEGE_NOT_HELD: OptionShutdownSystem, whose response is ResponseNotHandled; statuses of
 *  LpcRequestWaitReplyPort */
NTSTATUS NtRaiseHardError(NTSTATUS ErrorStatus, ULONG NumberOfParameters, ULONG UnicodeStringParameterMask,
                          ULONG64 Parameters, ULONG ValidResponseOptions, ULONG64 Response);
/** Makes a port the error port. STATUS_PRIVILEGE_NOT_HELD: the caller is a guest; STATUS_UNSUCCESSFUL: there is one. */
NTSTATUS NtSetDefaultHardErrorPort(HANDLE PortHandle);
/** STATUS_PRIVILEGE_NOT_HELD: a guest does not end the machine. */
NTSTATUS NtShutdownSystem(ULONG Action);
/** STATUS_PRIVILEGE_NOT_HELD: the clock is the machine's. */
NTSTATUS NtSetSystemTime(ULONG64 SystemTime, ULONG64 PreviousTime);
/** A range of time stamps, each given once. */
NTSTATUS NtAllocateUuids(ULONG64 Time, ULONG64 Range, ULONG64 Sequence, ULONG64 Seed);
/** The next number, from 0x10000. */
NTSTATUS NtAllocateLocallyUniqueId(ULONG64 Luid);
/** STATUS_OBJECT_NAME_NOT_FOUND: there are no licences. */
NTSTATUS NtQueryLicenseValue(ULONG64 ValueName, ULONG64 Type, ULONG64 Data, ULONG DataSize, ULONG64 ResultDataSize);
/** STATUS_DEBUGGER_INACTIVE; with a kernel debugger STATUS_ACCESS_DENIED. */
NTSTATUS NtSystemDebugControl(ULONG Command, ULONG64 InputBuffer, ULONG InputBufferLength, ULONG64 OutputBuffer,
                              ULONG OutputBufferLength, ULONG64 ReturnLength);
/** TRUE or FALSE, whether DbgPrintEx of a component (-1: of none) and level passes. STATUS_INVALID_PARAMETER_1: no such
 *  component. */
NTSTATUS NtQueryDebugFilterState(ULONG ComponentId, ULONG Level);
/** Changes that. STATUS_ACCESS_DENIED: SeDebugPrivilege is not enabled; STATUS_INVALID_PARAMETER_1. */
NTSTATUS NtSetDebugFilterState(ULONG ComponentId, ULONG Level, BOOLEAN State);
/** No battery; one processor. STATUS_INVALID_PARAMETER for other levels. */
NTSTATUS NtPowerInformation(ULONG InformationLevel, ULONG64 InputBuffer, ULONG InputBufferLength,
                            ULONG64 OutputBuffer, ULONG OutputBufferLength);
/** The old state is always ES_CONTINUOUS. */
NTSTATUS NtSetThreadExecutionState(ULONG NewFlags, ULONG64 PreviousFlags);
/** 0. */
NTSTATUS NtGetCurrentProcessorNumber(void);
/** One processor: nothing to flush. */
NTSTATUS NtFlushProcessWriteBuffers(void);

/** Adds a global atom, or counts one more use of it. STATUS_OBJECT_NAME_INVALID, STATUS_INVALID_PARAMETER. */
NTSTATUS NtAddAtom(ULONG64 AtomName, ULONG Length, ULONG64 Atom);
/** STATUS_OBJECT_NAME_NOT_FOUND. */
NTSTATUS NtFindAtom(ULONG64 AtomName, ULONG Length, ULONG64 Atom);
/** Takes back one use. STATUS_INVALID_HANDLE. */
NTSTATUS NtDeleteAtom(USHORT Atom);
/** AtomBasicInformation: uses, flags, name. STATUS_BUFFER_TOO_SMALL. */
NTSTATUS NtQueryInformationAtom(USHORT Atom, ULONG AtomInformationClass, ULONG64 AtomInformation,
                                ULONG AtomInformationLength, ULONG64 ReturnLength);

#endif
