/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file ntdll.h  What the builtin ntdll exports beside the services: for its own sources and for kernel32. What windows.h
 *  declares (RtlCaptureContext, RtlUnwindEx...) is not repeated. */
#ifndef GUEST_NTDLL_H
#define GUEST_NTDLL_H

#include "nt.h"
#include "rtl.h"

/* ---- process.c: starts and ends of threads and processes ---- */

typedef ULONG(NTAPI *PUSER_THREAD_START_ROUTINE)(PVOID);
/** Where every thread starts: StartRoutine(Argument) under the last filter; its result ends the thread. */
NTDLL_API void NTAPI RtlUserThreadStart(PUSER_THREAD_START_ROUTINE StartRoutine, PVOID Argument);
NTDLL_API void NTAPI RtlExitUserThread(NTSTATUS Status) __attribute__((noreturn));
/** Ends the other threads, tells the DLLs, ends the process. */
NTDLL_API void NTAPI RtlExitUserProcess(NTSTATUS Status) __attribute__((noreturn));
/** The filter that is asked when nobody handled an exception of a thread; kernel32 sets UnhandledExceptionFilter. */
NTDLL_API void NTAPI RtlSetUnhandledExceptionFilter(LONG(NTAPI *Filter)(EXCEPTION_POINTERS *));
/** Creates a thread that calls StartAddress(Parameter). Sizes 0: the image's. */
NTDLL_API NTSTATUS NTAPI RtlCreateUserThread(HANDLE Process, PVOID SecurityDescriptor, BOOLEAN CreateSuspended,
                                             ULONG ZeroBits, SIZE_T MaximumStackSize, SIZE_T CommittedStackSize,
                                             PUSER_THREAD_START_ROUTINE StartAddress, PVOID Parameter, HANDLE *Thread,
                                             CLIENT_ID *ClientId);

/* ---- dispatch.c, vectored.c: the user half of exception dispatch (spec/2) ---- */

/** True if a handler continued the exception; the context is as the handlers left it. */
NTDLL_API BOOLEAN NTAPI RtlDispatchException(EXCEPTION_RECORD *ExceptionRecord, CONTEXT *Context);
NTDLL_API PVOID NTAPI RtlAddVectoredExceptionHandler(ULONG First, PVECTORED_EXCEPTION_HANDLER Handler);
NTDLL_API ULONG NTAPI RtlRemoveVectoredExceptionHandler(PVOID Handle);
NTDLL_API PVOID NTAPI RtlAddVectoredContinueHandler(ULONG First, PVECTORED_EXCEPTION_HANDLER Handler);
NTDLL_API ULONG NTAPI RtlRemoveVectoredContinueHandler(PVOID Handle);
/** Raises a software exception; returns if it was continued. */
NTDLL_API void NTAPI RtlRaiseException(EXCEPTION_RECORD *ExceptionRecord);
/** Raises a status that no handler may continue. */
NTDLL_API void NTAPI RtlRaiseStatus(NTSTATUS Status);

/* ---- ldr_*.c ---- */

NTDLL_API NTSTATUS NTAPI LdrFindEntryForAddress(PVOID Address, PLDR_DATA_TABLE_ENTRY *Entry);
NTDLL_API PVOID NTAPI RtlPcToFileHeader(PVOID PcValue, PVOID *BaseOfImage);
/** Flags 1: never unload. */
NTDLL_API NTSTATUS NTAPI LdrAddRefDll(ULONG Flags, PVOID BaseAddress);
NTDLL_API NTSTATUS NTAPI LdrDisableThreadCalloutsForDll(PVOID BaseAddress);
NTDLL_API NTSTATUS NTAPI LdrLockLoaderLock(ULONG Flags, ULONG *Disposition, PVOID *Cookie);
NTDLL_API NTSTATUS NTAPI LdrUnlockLoaderLock(ULONG Flags, PVOID Cookie);
/** Resolves a delay-loaded import at its first call; raises 0xC06D007E or 0xC06D007F if it can not. */
NTDLL_API PVOID NTAPI LdrResolveDelayLoadedAPI(PVOID ParentModuleBase, const IMAGE_DELAYLOAD_DESCRIPTOR *Descriptor,
                                               PVOID FailureDllHook, PVOID FailureSystemHook,
                                               IMAGE_THUNK_DATA64 *ThunkAddress, ULONG Flags);

/** Loads a DLL by name or path; a second load counts. DllPath: search path, NULL for the process's.
 *  STATUS_DLL_NOT_FOUND, STATUS_ENTRYPOINT_NOT_FOUND, STATUS_ORDINAL_NOT_FOUND, STATUS_DLL_INIT_FAILED,
 *  STATUS_INVALID_IMAGE_FORMAT */
NTDLL_API NTSTATUS NTAPI LdrLoadDll(PWSTR DllPath, ULONG *DllCharacteristics, UNICODE_STRING *DllName, PVOID *BaseAddress);
/** Takes a reference back; the last unloads. STATUS_DLL_NOT_FOUND */
NTDLL_API NTSTATUS NTAPI LdrUnloadDll(PVOID BaseAddress);
/** Address of an export by name, or by ordinal if Name is NULL. STATUS_ENTRYPOINT_NOT_FOUND, STATUS_ORDINAL_NOT_FOUND */
NTDLL_API NTSTATUS NTAPI LdrGetProcedureAddress(PVOID BaseAddress, ANSI_STRING *Name, ULONG Ordinal, PVOID *Address);
/** Base of a loaded DLL, without a reference. STATUS_DLL_NOT_FOUND */
NTDLL_API NTSTATUS NTAPI LdrGetDllHandle(PWSTR DllPath, ULONG *DllCharacteristics, UNICODE_STRING *DllName, PVOID *BaseAddress);

/* ---- version.c ---- */

/** The true version, whatever the program's manifest says. */
NTDLL_API NTSTATUS NTAPI RtlGetVersion(RTL_OSVERSIONINFOW *VersionInformation);
/** Adds a comparison of VerifyVersionInfo to a mask. */
NTDLL_API ULONGLONG NTAPI VerSetConditionMask(ULONGLONG ConditionMask, DWORD TypeMask, BYTE Condition);

/* ---- ldr_resource.c: bit 0 of a base says that it is a data file, bit 1 an image that is no module ---- */

/** Names, or numbers below 10000; a language of 0 is any. */
typedef struct _LDR_RESOURCE_INFO {
  ULONG_PTR Type, Name, Language;
} LDR_RESOURCE_INFO;
/** Level 3: type, name and language are given. STATUS_RESOURCE_DATA_NOT_FOUND, STATUS_RESOURCE_TYPE_NOT_FOUND,
 *  STATUS_RESOURCE_NAME_NOT_FOUND, STATUS_RESOURCE_LANG_NOT_FOUND */
NTDLL_API NTSTATUS NTAPI LdrFindResource_U(PVOID BaseAddress, const LDR_RESOURCE_INFO *ResourceInfo, ULONG Level,
                                           IMAGE_RESOURCE_DATA_ENTRY **ResourceDataEntry);
/** The directory below those that are given. Statuses as above. */
NTDLL_API NTSTATUS NTAPI LdrFindResourceDirectory_U(PVOID BaseAddress, const LDR_RESOURCE_INFO *ResourceInfo, ULONG Level,
                                                    IMAGE_RESOURCE_DIRECTORY **ResourceDirectory);
/** Where an entry's bytes are, and how many. */
NTDLL_API NTSTATUS NTAPI LdrAccessResource(PVOID BaseAddress, const IMAGE_RESOURCE_DATA_ENTRY *ResourceDataEntry,
                                           PVOID *Resource, ULONG *Size);

/* ---- dbgui.c: the debugger's side (spec/4) ---- */

NTDLL_API void NTAPI DbgBreakPoint(void);
/** The same at another address: a program that breaks into its own debugger. */
NTDLL_API void NTAPI DbgUserBreakPoint(void);
/** Start of the thread that breaks into a debuggee. */
NTDLL_API ULONG NTAPI DbgUiRemoteBreakin(PVOID Context);
/** The debug object of the running thread; NULL: none yet. */
NTDLL_API HANDLE NTAPI DbgUiGetThreadDebugObject(void);
NTDLL_API void NTAPI DbgUiSetThreadDebugObject(HANDLE DebugObject);
/** Makes the running thread's debug object, which ends its debuggees when it is closed. */
NTDLL_API NTSTATUS NTAPI DbgUiConnectToDbg(void);
NTDLL_API NTSTATUS NTAPI DbgUiWaitStateChange(DBGUI_WAIT_STATE_CHANGE *StateChange, LARGE_INTEGER *Timeout);
NTDLL_API NTSTATUS NTAPI DbgUiContinue(CLIENT_ID *AppClientId, NTSTATUS ContinueStatus);
NTDLL_API NTSTATUS NTAPI DbgUiStopDebugging(HANDLE Process);
/** Attaches and breaks in; without the break-in there is no attach either. */
NTDLL_API NTSTATUS NTAPI DbgUiDebugActiveProcess(HANDLE Process);
NTDLL_API NTSTATUS NTAPI DbgUiIssueRemoteBreakin(HANDLE Process);
/** A state change as a DEBUG_EVENT. A wide debug string stays an exception. STATUS_UNSUCCESSFUL: only the ids are written. */
NTDLL_API NTSTATUS NTAPI DbgUiConvertStateChangeStructure(DBGUI_WAIT_STATE_CHANGE *StateChange, DEBUG_EVENT *DebugEvent);
/** The same, with wide debug strings. */
NTDLL_API NTSTATUS NTAPI DbgUiConvertStateChangeStructureEx(DBGUI_WAIT_STATE_CHANGE *StateChange,
                                                            DEBUG_EVENT *DebugEvent);

/* ---- debug.c: text for a debugger, the process's or else the kernel's ---- */

/** Prints if the filter lets the component's level through (DbgPrint: 101, level 3). At most 512 characters. */
NTDLL_API ULONG DbgPrint(const char *Format, ...);
NTDLL_API ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, const char *Format, ...);
NTDLL_API ULONG NTAPI vDbgPrintEx(ULONG ComponentId, ULONG Level, const char *Format, va_list Arguments);
NTDLL_API ULONG NTAPI vDbgPrintExWithPrefix(const char *Prefix, ULONG ComponentId, ULONG Level, const char *Format,
                                            va_list Arguments);
/** Asks the kernel debugger's user; characters of the reply. */
NTDLL_API ULONG NTAPI DbgPrompt(const char *Prompt, char *Response, ULONG Length);
NTDLL_API NTSTATUS NTAPI DbgQueryDebugFilterState(ULONG ComponentId, ULONG Level);
NTDLL_API NTSTATUS NTAPI DbgSetDebugFilterState(ULONG ComponentId, ULONG Level, BOOLEAN State);
/** Tell the kernel debugger of a module, and hand it a command. */
NTDLL_API NTSTATUS NTAPI DbgLoadImageSymbols(STRING *FileName, PVOID ImageBase, ULONG_PTR ProcessId);
NTDLL_API void NTAPI DbgUnLoadImageSymbols(STRING *FileName, PVOID ImageBase, ULONG_PTR ProcessId);
NTDLL_API void NTAPI DbgCommandString(STRING *Name, STRING *Command);

/* ---- backtrace.c ---- */

/** Return addresses from the caller of the caller on; how many. */
NTDLL_API USHORT NTAPI RtlCaptureStackBackTrace(ULONG FramesToSkip, ULONG FramesToCapture, PVOID *BackTrace,
                                                ULONG *BackTraceHash);

/* ---- crt.c ---- */
NTDLL_API void *memcpy(void *to, const void *from, size_t size);
NTDLL_API void *memmove(void *to, const void *from, size_t size);
NTDLL_API void *memset(void *to, int value, size_t size);
NTDLL_API int memcmp(const void *a, const void *b, size_t size);

#endif
