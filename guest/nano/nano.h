/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file nano.h  What the nano guest's ntdll.dll exports, for its own sources and for programs that import it.
 *  Code that includes this runs inside the simulation: a pointer here is a guest pointer. */
#ifndef NANO_NANO_H
#define NANO_NANO_H

#include <dbgksim/nttypes.h>

#ifdef NANO_BUILD
#define NANO_API
#else
#define NANO_API __declspec(dllimport)
#endif

#define NtCurrentProcess ((HANDLE)-1)
#define NtCurrentThread ((HANDLE)-2)
#define EXCEPTION_CONTINUE_EXECUTION (-1)
#define EXCEPTION_CONTINUE_SEARCH 0

typedef struct _EXCEPTION_POINTERS {
  EXCEPTION_RECORD64 *ExceptionRecord;
  CONTEXT *ContextRecord;
} EXCEPTION_POINTERS;
/** A vectored handler; answers EXCEPTION_CONTINUE_EXECUTION or EXCEPTION_CONTINUE_SEARCH. */
typedef LONG (*PVECTORED_EXCEPTION_HANDLER)(EXCEPTION_POINTERS *);
typedef void (*PNTAPCFUNC)(void *, void *, void *);
typedef ULONG (*PUSER_THREAD_START_ROUTINE)(void *);

typedef struct _LIST_ENTRY64 {
  struct _LIST_ENTRY64 *Flink, *Blink;
} LIST_ENTRY64;

typedef struct _LDR_DATA_TABLE_ENTRY64 {
  LIST_ENTRY64 InLoadOrderLinks;
  LIST_ENTRY64 InMemoryOrderLinks;
  LIST_ENTRY64 InInitializationOrderLinks;
  ULONG64 DllBase;
  ULONG64 EntryPoint;
  ULONG64 SizeOfImage;
  UNICODE_STRING64 FullDllName;
  UNICODE_STRING64 BaseDllName;
  ULONG Flags;
  USHORT LoadCount;
  USHORT TlsIndex;
  LIST_ENTRY64 HashLinks;
  ULONG TimeDateStamp;
} LDR_DATA_TABLE_ENTRY64;
C_ASSERT_OFFSET(LDR_DATA_TABLE_ENTRY64, BaseDllName, 0x58);
C_ASSERT_OFFSET(LDR_DATA_TABLE_ENTRY64, TimeDateStamp, 0x80);

typedef struct _PEB_LDR_DATA64 {
  ULONG Length;
  ULONG Initialized;
  ULONG64 SsHandle;
  LIST_ENTRY64 InLoadOrderModuleList;
  LIST_ENTRY64 InMemoryOrderModuleList;
  LIST_ENTRY64 InInitializationOrderModuleList;
  ULONG64 EntryInProgress;
  ULONG64 ShutdownInProgress;
  ULONG64 ShutdownThreadId;
} PEB_LDR_DATA64;
C_ASSERT_SIZE(PEB_LDR_DATA64, 0x58);

typedef struct _NANO_PROCESS_PARAMETERS { /* RTL_USER_PROCESS_PARAMETERS, as far as it is used */
  ULONG MaximumLength, Length, Flags, DebugFlags;
  HANDLE ConsoleHandle;
  ULONG64 ConsoleFlags;
  HANDLE StandardInput, StandardOutput, StandardError;
  UNICODE_STRING64 CurrentDirectory;
  HANDLE CurrentDirectoryHandle;
  UNICODE_STRING64 DllPath, ImagePathName, CommandLine;
} NANO_PROCESS_PARAMETERS;
C_ASSERT_OFFSET(NANO_PROCESS_PARAMETERS, StandardOutput, 0x28);
C_ASSERT_OFFSET(NANO_PROCESS_PARAMETERS, ImagePathName, 0x60);
C_ASSERT_OFFSET(NANO_PROCESS_PARAMETERS, CommandLine, 0x70);

typedef struct _NANO_PEB { /* PEB, as far as it is used */
  UCHAR InheritedAddressSpace, ReadImageFileExecOptions;
  volatile UCHAR BeingDebugged;
  UCHAR BitField;
  HANDLE Mutant;
  ULONG64 ImageBaseAddress;
  PEB_LDR_DATA64 *Ldr;
  NANO_PROCESS_PARAMETERS *ProcessParameters;
  UCHAR Unused[0xBC - 0x28];
  ULONG NtGlobalFlag;
} NANO_PEB;
C_ASSERT_OFFSET(NANO_PEB, NtGlobalFlag, 0xBC);
C_ASSERT_OFFSET(NANO_PEB, ProcessParameters, 0x20);

typedef struct _NANO_TEB { /* TEB, as far as it is used */
  ULONG64 ExceptionList, StackBase, StackLimit, SubSystemTib, FiberData;
  const void *ArbitraryUserPointer;
  ULONG64 Self, EnvironmentPointer;
  CLIENT_ID ClientId;
  ULONG64 ActiveRpcHandle, ThreadLocalStoragePointer;
  NANO_PEB *ProcessEnvironmentBlock;
  UCHAR Unused[0x2C0 - 0x68];
  volatile NTSTATUS ExceptionCode;
} NANO_TEB;
C_ASSERT_OFFSET(NANO_TEB, ArbitraryUserPointer, 0x28);
C_ASSERT_OFFSET(NANO_TEB, ClientId, 0x40);
C_ASSERT_OFFSET(NANO_TEB, ProcessEnvironmentBlock, 0x60);
C_ASSERT_OFFSET(NANO_TEB, ExceptionCode, 0x2C0);

/** The TEB of the thread that runs. */
static inline NANO_TEB *nano_teb(void)
{
  NANO_TEB *teb;
  __asm__ volatile("mov %%gs:0x30, %0" : "=r"(teb));
  return teb;
}

typedef struct _THREAD_BASIC_INFORMATION64 {
  NTSTATUS ExitStatus;
  ULONG Reserved;
  ULONG64 TebBaseAddress;
  CLIENT_ID ClientId;
  ULONG64 AffinityMask;
  LONG Priority, BasePriority;
} THREAD_BASIC_INFORMATION64;
C_ASSERT_SIZE(THREAD_BASIC_INFORMATION64, 0x30);

/* Service prototypes; a service of services.h that is not here is reached through nano_service. */
#define NANO_SERVICE(name, ...) NANO_API NTSTATUS name(__VA_ARGS__)
NANO_SERVICE(NtAcceptConnectPort, HANDLE *, ULONG64, PORT_MESSAGE *, ULONG, void *, void *);
NANO_SERVICE(NtAlertThread, HANDLE);
NANO_SERVICE(NtAlertResumeThread, HANDLE, ULONG *);
NANO_SERVICE(NtAllocateVirtualMemory, HANDLE, void **, ULONG64, ULONG64 *, ULONG, ULONG);
NANO_SERVICE(NtCancelTimer, HANDLE, BOOLEAN *);
NANO_SERVICE(NtClearEvent, HANDLE);
NANO_SERVICE(NtClose, HANDLE);
NANO_SERVICE(NtCompleteConnectPort, HANDLE);
NANO_SERVICE(NtConnectPort, HANDLE *, UNICODE_STRING64 *, void *, void *, void *, ULONG *, void *, ULONG *);
NANO_SERVICE(NtContinue, CONTEXT *, ULONG64);
NANO_SERVICE(NtContinueEx, CONTEXT *, const void *);
NANO_SERVICE(NtCreateDebugObject, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES64 *, ULONG);
NANO_SERVICE(NtCreateEvent, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES64 *, ULONG, ULONG);
NANO_SERVICE(NtCreateMutant, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES64 *, ULONG);
NANO_SERVICE(NtCreatePort, HANDLE *, OBJECT_ATTRIBUTES64 *, ULONG, ULONG, ULONG);
NANO_SERVICE(NtCreateProcess, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES64 *, HANDLE, BOOLEAN, HANDLE, HANDLE, HANDLE);
NANO_SERVICE(NtCreateProcessEx, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES64 *, HANDLE, ULONG, HANDLE, HANDLE, HANDLE,
             ULONG);
NANO_SERVICE(NtCreateSection, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES64 *, LONG64 *, ULONG, ULONG, HANDLE);
NANO_SERVICE(NtCreateSemaphore, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES64 *, LONG, LONG);
NANO_SERVICE(NtCreateThread, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES64 *, HANDLE, CLIENT_ID *, CONTEXT *, void *,
             BOOLEAN);
NANO_SERVICE(NtCreateThreadEx, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES64 *, HANDLE, PUSER_THREAD_START_ROUTINE, void *,
             ULONG, ULONG64, ULONG64, ULONG64, void *);
NANO_SERVICE(NtCreateTimer, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES64 *, ULONG);
NANO_SERVICE(NtCreateUserProcess, HANDLE *, HANDLE *, ACCESS_MASK, ACCESS_MASK, OBJECT_ATTRIBUTES64 *,
             OBJECT_ATTRIBUTES64 *, ULONG, ULONG, void *, void *, void *);
NANO_SERVICE(NtDebugActiveProcess, HANDLE, HANDLE);
NANO_SERVICE(NtDebugContinue, HANDLE, CLIENT_ID *, NTSTATUS);
NANO_SERVICE(NtDelayExecution, ULONG, const LONG64 *);
NANO_SERVICE(NtDuplicateObject, HANDLE, HANDLE, HANDLE, HANDLE *, ACCESS_MASK, ULONG, ULONG);
NANO_SERVICE(NtFlushInstructionCache, HANDLE, const void *, ULONG64);
NANO_SERVICE(NtFreeVirtualMemory, HANDLE, void **, ULONG64 *, ULONG);
NANO_SERVICE(NtGetContextThread, HANDLE, CONTEXT *);
NANO_SERVICE(NtListenPort, HANDLE, PORT_MESSAGE *);
NANO_SERVICE(NtMapViewOfSection, HANDLE, HANDLE, void **, ULONG64, ULONG64, LONG64 *, ULONG64 *, ULONG, ULONG, ULONG);
NANO_SERVICE(NtOpenEvent, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES64 *);
NANO_SERVICE(NtOpenFile, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES64 *, IO_STATUS_BLOCK64 *, ULONG, ULONG);
NANO_SERVICE(NtOpenProcess, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES64 *, CLIENT_ID *);
NANO_SERVICE(NtOpenThread, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES64 *, CLIENT_ID *);
NANO_SERVICE(NtProtectVirtualMemory, HANDLE, void **, ULONG64 *, ULONG, ULONG *);
NANO_SERVICE(NtPulseEvent, HANDLE, LONG *);
NANO_SERVICE(NtQueryDebugFilterState, ULONG, ULONG);
NANO_SERVICE(NtQueryEvent, HANDLE, ULONG, void *, ULONG, ULONG *);
NANO_SERVICE(NtQueryInformationProcess, HANDLE, ULONG, void *, ULONG, ULONG *);
NANO_SERVICE(NtQueryInformationThread, HANDLE, ULONG, void *, ULONG, ULONG *);
NANO_SERVICE(NtQueryMutant, HANDLE, ULONG, void *, ULONG, ULONG *);
NANO_SERVICE(NtQueryPerformanceCounter, LONG64 *, LONG64 *);
NANO_SERVICE(NtQuerySection, HANDLE, ULONG, void *, ULONG64, ULONG64 *);
NANO_SERVICE(NtQuerySemaphore, HANDLE, ULONG, void *, ULONG, ULONG *);
NANO_SERVICE(NtQuerySystemTime, LONG64 *);
NANO_SERVICE(NtQueryTimer, HANDLE, ULONG, void *, ULONG, ULONG *);
NANO_SERVICE(NtQueryVirtualMemory, HANDLE, const void *, ULONG, void *, ULONG64, ULONG64 *);
NANO_SERVICE(NtQueueApcThread, HANDLE, PNTAPCFUNC, void *, void *, void *);
NANO_SERVICE(NtRaiseException, EXCEPTION_RECORD64 *, CONTEXT *, ULONG);
NANO_SERVICE(NtRaiseHardError, NTSTATUS, ULONG, ULONG, ULONG64 *, ULONG, ULONG *);
NANO_SERVICE(NtReadFile, HANDLE, HANDLE, void *, void *, IO_STATUS_BLOCK64 *, void *, ULONG, LONG64 *, ULONG *);
NANO_SERVICE(NtReadVirtualMemory, HANDLE, const void *, void *, ULONG64, ULONG64 *);
NANO_SERVICE(NtReleaseMutant, HANDLE, LONG *);
NANO_SERVICE(NtReleaseSemaphore, HANDLE, LONG, LONG *);
NANO_SERVICE(NtRemoveProcessDebug, HANDLE, HANDLE);
NANO_SERVICE(NtReplyPort, HANDLE, PORT_MESSAGE *);
NANO_SERVICE(NtReplyWaitReceivePort, HANDLE, ULONG64 *, PORT_MESSAGE *, PORT_MESSAGE *);
NANO_SERVICE(NtReplyWaitReceivePortEx, HANDLE, ULONG64 *, PORT_MESSAGE *, PORT_MESSAGE *, const LONG64 *);
NANO_SERVICE(NtRequestPort, HANDLE, PORT_MESSAGE *);
NANO_SERVICE(NtRequestWaitReplyPort, HANDLE, PORT_MESSAGE *, PORT_MESSAGE *);
NANO_SERVICE(NtResetEvent, HANDLE, LONG *);
NANO_SERVICE(NtResumeThread, HANDLE, ULONG *);
NANO_SERVICE(NtSetContextThread, HANDLE, CONTEXT *);
NANO_SERVICE(NtSetDefaultHardErrorPort, HANDLE);
NANO_SERVICE(NtSetEvent, HANDLE, LONG *);
NANO_SERVICE(NtSetInformationDebugObject, HANDLE, ULONG, void *, ULONG, ULONG *);
NANO_SERVICE(NtSetDebugFilterState, ULONG, ULONG, BOOLEAN);
NANO_SERVICE(NtSetInformationProcess, HANDLE, ULONG, void *, ULONG);
NANO_SERVICE(NtSetInformationThread, HANDLE, ULONG, void *, ULONG);
NANO_SERVICE(NtSetTimer, HANDLE, const LONG64 *, void *, void *, ULONG, LONG, BOOLEAN *);
NANO_SERVICE(NtSignalAndWaitForSingleObject, HANDLE, HANDLE, ULONG, const LONG64 *);
NANO_SERVICE(NtSuspendThread, HANDLE, ULONG *);
NANO_SERVICE(NtTerminateProcess, HANDLE, NTSTATUS);
NANO_SERVICE(NtTerminateThread, HANDLE, NTSTATUS);
NANO_SERVICE(NtTestAlert, void);
NANO_SERVICE(NtUnmapViewOfSection, HANDLE, void *);
NANO_SERVICE(NtWaitForDebugEvent, HANDLE, BOOLEAN, const LONG64 *, DBGUI_WAIT_STATE_CHANGE *);
NANO_SERVICE(NtWaitForMultipleObjects, ULONG, const HANDLE *, ULONG, ULONG, const LONG64 *);
NANO_SERVICE(NtWaitForSingleObject, HANDLE, ULONG, const LONG64 *);
NANO_SERVICE(NtWriteFile, HANDLE, HANDLE, void *, void *, IO_STATUS_BLOCK64 *, const void *, ULONG, LONG64 *, ULONG *);
NANO_SERVICE(NtWriteVirtualMemory, HANDLE, void *, const void *, ULONG64, ULONG64 *);
NANO_SERVICE(NtYieldExecution, void);

/** Counted text of 8-bit characters. */
typedef struct _STRING64 {
  USHORT Length, MaximumLength; /**< bytes */
  ULONG Reserved;
  const char *Buffer;
} STRING64;
C_ASSERT_SIZE(STRING64, 0x10);

typedef struct _KD_SYMBOLS_INFO {
  ULONG64 BaseOfDll, ProcessId;
  ULONG CheckSum, SizeOfImage;
} KD_SYMBOLS_INFO;
C_ASSERT_SIZE(KD_SYMBOLS_INFO, 0x18);

NANO_API void DbgBreakPoint(void);
/** Tells the debugger of the process a text, or without one the kernel debugger. There is no formatting. */
NANO_API NTSTATUS DbgPrint(const char *text);
/** Tells the kernel debugger, or the debugger of the process, a text of a component. */
NANO_API NTSTATUS DbgPrintEx(ULONG component, ULONG level, const char *text);
/** Asks the kernel debugger; bytes of the reply, which has no terminator. Without one it raises a breakpoint. */
NANO_API ULONG DbgPrompt(const char *prompt, char *reply, ULONG maximum);
/** Tells the kernel debugger of an image of a process. */
NANO_API void DbgLoadImageSymbols(STRING64 *file, void *base, ULONG64 process_id);
NANO_API void DbgUnLoadImageSymbols(STRING64 *file, void *base, ULONG64 process_id);
/** Gives the kernel debugger a command. */
NANO_API void DbgCommandString(STRING64 *name, STRING64 *command);
/** Start routine of the thread that a debugger creates to break in: breaks if BeingDebugged, then ends the thread. */
NANO_API ULONG DbgUiRemoteBreakin(void *context);
NANO_API void RtlCaptureContext(CONTEXT *context);
/** Raises a software exception; returns if it was continued. */
NANO_API void RtlRaiseException(EXCEPTION_RECORD64 *record);
/** True if a handler continued the exception; `context` is as the handlers left it. */
NANO_API BOOLEAN RtlDispatchException(EXCEPTION_RECORD64 *record, CONTEXT *context);
/** Registers a handler, at the head of the list if `first`. NULL if the table is full. */
NANO_API void *RtlAddVectoredExceptionHandler(ULONG first, PVECTORED_EXCEPTION_HANDLER handler);
/** Registers a handler that is called when an exception is continued. */
NANO_API void *RtlAddVectoredContinueHandler(ULONG first, PVECTORED_EXCEPTION_HANDLER handler);
/** Removes what RtlAddVectoredExceptionHandler returned; 0 if it is not there. */
NANO_API ULONG RtlRemoveVectoredExceptionHandler(void *handle);
NANO_API ULONG RtlRemoveVectoredContinueHandler(void *handle);
/** A last filter, asked when nothing else handled an exception (SetUnhandledExceptionFilter) and the process has no
 *  debugger; NULL for none. */
NANO_API void nano_set_unhandled_filter(PVECTORED_EXCEPTION_HANDLER filter);
NANO_API void RtlExitUserProcess(NTSTATUS status) __attribute__((noreturn));
NANO_API void RtlExitUserThread(NTSTATUS status) __attribute__((noreturn));
/** Calls routine(argument) under a frame handler: the code of the exception that ended it, or 0. */
NANO_API ULONG nano_try(void (*routine)(void *), void *argument);
/** Raises DBG_PRINTEXCEPTION_C as OutputDebugStringA does. */
NANO_API void nano_output_debug_string(const char *text);
/** Maps the DLL at an NT path (NUL-terminated), binds its imports from ntdll and calls its entry.
 *  @param base receives the base address. */
NANO_API NTSTATUS nano_load_dll(const WCHAR *path, void **base);
/** Calls the DLL's entry with DLL_PROCESS_DETACH and unmaps it. */
NANO_API NTSTATUS nano_unload_dll(void *base);
/** Address of an export of a mapped image by name, NULL if there is none. */
NANO_API void *nano_find_export(void *base, const char *name);
NANO_API void *memcpy(void *to, const void *from, size_t size);
NANO_API void *memset(void *to, int value, size_t size);

#endif
