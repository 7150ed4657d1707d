/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file nttypes.h  Windows NT x64 structures that user mode, a debugger or the processor can see.
 *  Every layout is asserted at compile time. A pointer into a simulated address space is a ULONG64. */
#ifndef DBGKSIM_NTTYPES_H
#define DBGKSIM_NTTYPES_H

#include <dbgksim/ntstatus.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t UCHAR;
typedef uint8_t BOOLEAN;
typedef uint16_t USHORT;
typedef uint16_t WCHAR;
typedef int32_t LONG;
typedef uint32_t ULONG;
typedef int64_t LONG64;
typedef uint64_t ULONG64;
typedef ULONG ACCESS_MASK;
/** A handle value of some process's handle table, as 64 bits. */
typedef ULONG64 HANDLE;
/** Processor mode of a caller: KernelMode 0, UserMode 1. */
typedef enum _MODE { KernelMode, UserMode } KPROCESSOR_MODE;

#ifndef TRUE
#define TRUE 1
#define FALSE 0
#endif

#ifdef __cplusplus
#define DBGKSIM_STATIC_ASSERT static_assert
#else
#define DBGKSIM_STATIC_ASSERT _Static_assert
#endif
/** Asserts the offset of a field at compile time. */
#define C_ASSERT_OFFSET(type, field, offset)                                                       \
  DBGKSIM_STATIC_ASSERT(offsetof(type, field) == (offset), #type "." #field)
/** Asserts the size of a structure at compile time. */
#define C_ASSERT_SIZE(type, size) DBGKSIM_STATIC_ASSERT(sizeof(type) == (size), #type)

typedef struct _CLIENT_ID {
  HANDLE UniqueProcess;
  HANDLE UniqueThread;
} CLIENT_ID;
C_ASSERT_SIZE(CLIENT_ID, 0x10);

typedef struct _UNICODE_STRING64 {
  USHORT Length;        /**< bytes, without a terminator */
  USHORT MaximumLength; /**< bytes */
  ULONG Reserved;
  ULONG64 Buffer;
} UNICODE_STRING64;
C_ASSERT_SIZE(UNICODE_STRING64, 0x10);

typedef struct _OBJECT_ATTRIBUTES64 {
  ULONG Length;
  ULONG Reserved0;
  HANDLE RootDirectory;
  ULONG64 ObjectName; /**< UNICODE_STRING64* */
  ULONG Attributes;
  ULONG Reserved1;
  ULONG64 SecurityDescriptor;
  ULONG64 SecurityQualityOfService;
} OBJECT_ATTRIBUTES64;
C_ASSERT_SIZE(OBJECT_ATTRIBUTES64, 0x30);

#define OBJ_INHERIT 0x2u
#define OBJ_PERMANENT 0x10u
#define OBJ_CASE_INSENSITIVE 0x40u
#define OBJ_OPENIF 0x80u
#define OBJ_KERNEL_HANDLE 0x200u
#define OBJ_FORCE_ACCESS_CHECK 0x400u

typedef struct _IO_STATUS_BLOCK64 {
  NTSTATUS Status;
  ULONG Reserved;
  ULONG64 Information;
} IO_STATUS_BLOCK64;
C_ASSERT_SIZE(IO_STATUS_BLOCK64, 0x10);

#define EXCEPTION_MAXIMUM_PARAMETERS 15
#define EXCEPTION_NONCONTINUABLE 0x1u

typedef struct _EXCEPTION_RECORD64 {
  NTSTATUS ExceptionCode;
  ULONG ExceptionFlags;
  ULONG64 ExceptionRecord;
  ULONG64 ExceptionAddress;
  ULONG NumberParameters;
  ULONG Reserved;
  ULONG64 ExceptionInformation[EXCEPTION_MAXIMUM_PARAMETERS];
} EXCEPTION_RECORD64;
C_ASSERT_SIZE(EXCEPTION_RECORD64, 0x98);
C_ASSERT_OFFSET(EXCEPTION_RECORD64, ExceptionInformation, 0x20);

typedef struct _M128A {
  ULONG64 Low;
  LONG64 High;
} __attribute__((aligned(16))) M128A;

typedef struct _XSAVE_FORMAT { /* the FXSAVE area */
  USHORT ControlWord;
  USHORT StatusWord;
  UCHAR TagWord;
  UCHAR Reserved1;
  USHORT ErrorOpcode;
  ULONG ErrorOffset;
  USHORT ErrorSelector;
  USHORT Reserved2;
  ULONG DataOffset;
  USHORT DataSelector;
  USHORT Reserved3;
  ULONG MxCsr;
  ULONG MxCsr_Mask;
  M128A FloatRegisters[8];
  M128A XmmRegisters[16];
  UCHAR Reserved4[96];
} XSAVE_FORMAT;
C_ASSERT_SIZE(XSAVE_FORMAT, 0x200);

#define CONTEXT_AMD64 0x00100000u
#define CONTEXT_CONTROL (CONTEXT_AMD64 | 0x1u)
#define CONTEXT_INTEGER (CONTEXT_AMD64 | 0x2u)
#define CONTEXT_SEGMENTS (CONTEXT_AMD64 | 0x4u)
#define CONTEXT_FLOATING_POINT (CONTEXT_AMD64 | 0x8u)
#define CONTEXT_DEBUG_REGISTERS (CONTEXT_AMD64 | 0x10u)
#define CONTEXT_XSTATE (CONTEXT_AMD64 | 0x40u)
#define CONTEXT_FULL (CONTEXT_CONTROL | CONTEXT_INTEGER | CONTEXT_FLOATING_POINT)
#define CONTEXT_ALL (CONTEXT_FULL | CONTEXT_SEGMENTS | CONTEXT_DEBUG_REGISTERS)
#define CONTEXT_EXCEPTION_ACTIVE 0x08000000u
#define CONTEXT_SERVICE_ACTIVE 0x10000000u
#define CONTEXT_EXCEPTION_REQUEST 0x40000000u
#define CONTEXT_EXCEPTION_REPORTING 0x80000000u

/** The x64 thread context. */
typedef struct _CONTEXT {
  ULONG64 P1Home, P2Home, P3Home, P4Home, P5Home, P6Home;
  ULONG ContextFlags;
  ULONG MxCsr;
  USHORT SegCs, SegDs, SegEs, SegFs, SegGs, SegSs;
  ULONG EFlags;
  ULONG64 Dr0, Dr1, Dr2, Dr3, Dr6, Dr7;
  ULONG64 Rax, Rcx, Rdx, Rbx, Rsp, Rbp, Rsi, Rdi;
  ULONG64 R8, R9, R10, R11, R12, R13, R14, R15;
  ULONG64 Rip;
  XSAVE_FORMAT FltSave;
  M128A VectorRegister[26];
  ULONG64 VectorControl;
  ULONG64 DebugControl;
  ULONG64 LastBranchToRip, LastBranchFromRip;
  ULONG64 LastExceptionToRip, LastExceptionFromRip;
} CONTEXT;
C_ASSERT_SIZE(CONTEXT, 0x4D0);
C_ASSERT_OFFSET(CONTEXT, ContextFlags, 0x30);
C_ASSERT_OFFSET(CONTEXT, EFlags, 0x44);
C_ASSERT_OFFSET(CONTEXT, Dr0, 0x48);
C_ASSERT_OFFSET(CONTEXT, Rax, 0x78);
C_ASSERT_OFFSET(CONTEXT, Rip, 0xF8);
C_ASSERT_OFFSET(CONTEXT, FltSave, 0x100);
C_ASSERT_OFFSET(CONTEXT, VectorRegister, 0x300);
C_ASSERT_OFFSET(CONTEXT, DebugControl, 0x4A8);

typedef struct _CONTEXT_CHUNK {
  LONG Offset;
  ULONG Length;
} CONTEXT_CHUNK;

typedef struct _CONTEXT_EX {
  CONTEXT_CHUNK All;
  CONTEXT_CHUNK Legacy;
  CONTEXT_CHUNK XState;
  ULONG64 Reserved;
} CONTEXT_EX;
C_ASSERT_SIZE(CONTEXT_EX, 0x20);

/* ---- ports ---- */

/** What begins every message of a port; the data follow it. */
typedef struct _PORT_MESSAGE {
  USHORT DataLength, TotalLength; /**< bytes; TotalLength counts this header too */
  USHORT Type;                    /**< LPC_* */
  USHORT DataInfoOffset;
  CLIENT_ID ClientId;
  ULONG MessageId;
  ULONG Reserved;
  ULONG64 ClientViewSize;
} PORT_MESSAGE;
C_ASSERT_SIZE(PORT_MESSAGE, 0x28);
C_ASSERT_OFFSET(PORT_MESSAGE, ClientId, 0x8);
C_ASSERT_OFFSET(PORT_MESSAGE, MessageId, 0x18);

#define LPC_REQUEST 1
#define LPC_REPLY 2
#define LPC_DATAGRAM 3
#define LPC_LOST_REPLY 4
#define LPC_PORT_CLOSED 5
#define LPC_CLIENT_DIED 6
#define LPC_EXCEPTION 7
#define LPC_DEBUG_EVENT 8
#define LPC_ERROR_EVENT 9
#define LPC_CONNECTION_REQUEST 10

/* ---- hard errors ---- */

#define MAXIMUM_HARDERROR_PARAMETERS 5

/** Message of type LPC_ERROR_EVENT to a hard error port; its server fills Response and replies. */
typedef struct _HARDERROR_MSG {
  PORT_MESSAGE h;
  NTSTATUS Status;
  ULONG Reserved;
  ULONG64 ErrorTime;
  ULONG ValidResponseOptions; /**< HARDERROR_RESPONSE_OPTION */
  ULONG Response;             /**< HARDERROR_RESPONSE */
  ULONG NumberOfParameters;
  ULONG UnicodeStringParameterMask; /**< these parameters are addresses of UNICODE_STRINGs in the sender */
  ULONG64 Parameters[MAXIMUM_HARDERROR_PARAMETERS];
} HARDERROR_MSG;
C_ASSERT_SIZE(HARDERROR_MSG, 0x70);
C_ASSERT_OFFSET(HARDERROR_MSG, Parameters, 0x48);

typedef enum _HARDERROR_RESPONSE_OPTION {
  OptionAbortRetryIgnore,
  OptionOk,
  OptionOkCancel,
  OptionRetryCancel,
  OptionYesNo,
  OptionYesNoCancel,
  OptionShutdownSystem,
  OptionOkNoWait,
  OptionCancelTryContinue
} HARDERROR_RESPONSE_OPTION;

typedef enum _HARDERROR_RESPONSE {
  ResponseReturnToCaller,
  ResponseNotHandled,
  ResponseAbort,
  ResponseCancel,
  ResponseIgnore,
  ResponseNo,
  ResponseOk,
  ResponseRetry,
  ResponseYes,
  ResponseTryAgain,
  ResponseContinue
} HARDERROR_RESPONSE;

/** What the processor pushes on a trap (spec/2.1 step 7 lays one out on the user stack). */
typedef struct _MACHINE_FRAME {
  ULONG64 Rip, SegCs, EFlags, Rsp, SegSs;
} MACHINE_FRAME;
C_ASSERT_SIZE(MACHINE_FRAME, 0x28);

/* ---- debug objects (spec/3.1) ---- */

#define DEBUG_READ_EVENT 0x1u
#define DEBUG_PROCESS_ASSIGN 0x2u
#define DEBUG_SET_INFORMATION 0x4u
#define DEBUG_QUERY_INFORMATION 0x8u
#define DEBUG_ALL_ACCESS 0x1F000Fu
/** Flag of NtCreateDebugObject. */
#define DEBUG_KILL_ON_CLOSE 0x1u

typedef enum _DBGKM_APINUMBER {
  DbgKmExceptionApi,
  DbgKmCreateThreadApi,
  DbgKmCreateProcessApi,
  DbgKmExitThreadApi,
  DbgKmExitProcessApi,
  DbgKmLoadDllApi,
  DbgKmUnloadDllApi,
  DbgKmErrorReportApi,
  DbgKmMaxApiNumber
} DBGKM_APINUMBER;

typedef struct _DBGKM_EXCEPTION {
  EXCEPTION_RECORD64 ExceptionRecord;
  ULONG FirstChance;
  ULONG Reserved;
} DBGKM_EXCEPTION;
typedef struct _DBGKM_CREATE_THREAD {
  ULONG SubSystemKey;
  ULONG Reserved;
  ULONG64 StartAddress;
} DBGKM_CREATE_THREAD;
typedef struct _DBGKM_CREATE_PROCESS {
  ULONG SubSystemKey;
  ULONG Reserved;
  HANDLE FileHandle;
  ULONG64 BaseOfImage;
  ULONG DebugInfoFileOffset;
  ULONG DebugInfoSize;
  DBGKM_CREATE_THREAD InitialThread;
} DBGKM_CREATE_PROCESS;
typedef struct _DBGKM_EXIT_THREAD {
  NTSTATUS ExitStatus;
} DBGKM_EXIT_THREAD;
typedef struct _DBGKM_EXIT_PROCESS {
  NTSTATUS ExitStatus;
} DBGKM_EXIT_PROCESS;
typedef struct _DBGKM_LOAD_DLL {
  HANDLE FileHandle;
  ULONG64 BaseOfDll;
  ULONG DebugInfoFileOffset;
  ULONG DebugInfoSize;
  ULONG64 NamePointer;
} DBGKM_LOAD_DLL;
typedef struct _DBGKM_UNLOAD_DLL {
  ULONG64 BaseAddress;
} DBGKM_UNLOAD_DLL;

typedef enum _DBG_STATE {
  DbgIdle,
  DbgReplyPending,
  DbgCreateThreadStateChange,
  DbgCreateProcessStateChange,
  DbgExitThreadStateChange,
  DbgExitProcessStateChange,
  DbgExceptionStateChange,
  DbgBreakpointStateChange,
  DbgSingleStepStateChange,
  DbgLoadDllStateChange,
  DbgUnloadDllStateChange
} DBG_STATE;

typedef struct _DBGUI_CREATE_THREAD {
  HANDLE HandleToThread;
  DBGKM_CREATE_THREAD NewThread;
} DBGUI_CREATE_THREAD;
typedef struct _DBGUI_CREATE_PROCESS {
  HANDLE HandleToProcess;
  HANDLE HandleToThread;
  DBGKM_CREATE_PROCESS NewProcess;
} DBGUI_CREATE_PROCESS;

/** What NtWaitForDebugEvent writes. */
typedef struct _DBGUI_WAIT_STATE_CHANGE {
  ULONG NewState; /**< DBG_STATE */
  ULONG Reserved;
  CLIENT_ID AppClientId;
  union {
    DBGKM_EXCEPTION Exception;
    DBGUI_CREATE_THREAD CreateThread;
    DBGUI_CREATE_PROCESS CreateProcessInfo;
    DBGKM_EXIT_THREAD ExitThread;
    DBGKM_EXIT_PROCESS ExitProcess;
    DBGKM_LOAD_DLL LoadDll;
    DBGKM_UNLOAD_DLL UnloadDll;
  } StateInfo;
} DBGUI_WAIT_STATE_CHANGE;
C_ASSERT_SIZE(DBGUI_WAIT_STATE_CHANGE, 0xB8);
C_ASSERT_OFFSET(DBGUI_WAIT_STATE_CHANGE, StateInfo, 0x18);

/* ---- access rights ---- */
#define DELETE_ACCESS 0x00010000u
#define READ_CONTROL 0x00020000u
#define SYNCHRONIZE 0x00100000u
#define STANDARD_RIGHTS_REQUIRED 0x000F0000u
#define MAXIMUM_ALLOWED 0x02000000u
#define GENERIC_READ 0x80000000u
#define GENERIC_WRITE 0x40000000u
#define GENERIC_EXECUTE 0x20000000u
#define GENERIC_ALL 0x10000000u

#define PROCESS_TERMINATE 0x0001u
#define PROCESS_CREATE_THREAD 0x0002u
#define PROCESS_VM_OPERATION 0x0008u
#define PROCESS_VM_READ 0x0010u
#define PROCESS_VM_WRITE 0x0020u
#define PROCESS_DUP_HANDLE 0x0040u
#define PROCESS_CREATE_PROCESS 0x0080u
#define PROCESS_SET_INFORMATION 0x0200u
#define PROCESS_QUERY_INFORMATION 0x0400u
#define PROCESS_SUSPEND_RESUME 0x0800u
#define PROCESS_SET_PORT 0x0800u
#define PROCESS_QUERY_LIMITED_INFORMATION 0x1000u
#define PROCESS_ALL_ACCESS 0x1FFFFFu

#define THREAD_TERMINATE 0x0001u
#define THREAD_SUSPEND_RESUME 0x0002u
#define THREAD_ALERT 0x0004u
#define THREAD_GET_CONTEXT 0x0008u
#define THREAD_SET_CONTEXT 0x0010u
#define THREAD_SET_INFORMATION 0x0020u
#define THREAD_QUERY_INFORMATION 0x0040u
#define THREAD_QUERY_LIMITED_INFORMATION 0x0800u
#define THREAD_ALL_ACCESS 0x1FFFFFu

#define PORT_CONNECT 0x1u
#define PORT_ALL_ACCESS 0x1F0001u

#define EVENT_QUERY_STATE 0x1u
#define EVENT_MODIFY_STATE 0x2u
#define EVENT_ALL_ACCESS 0x1F0003u
#define MUTANT_QUERY_STATE 0x1u
#define MUTANT_ALL_ACCESS 0x1F0001u
#define SEMAPHORE_QUERY_STATE 0x1u
#define SEMAPHORE_MODIFY_STATE 0x2u
#define SEMAPHORE_ALL_ACCESS 0x1F0003u
#define TIMER_QUERY_STATE 0x1u
#define TIMER_MODIFY_STATE 0x2u
#define TIMER_ALL_ACCESS 0x1F0003u
#define SECTION_QUERY 0x1u
#define SECTION_MAP_WRITE 0x2u
#define SECTION_MAP_READ 0x4u
#define SECTION_MAP_EXECUTE 0x8u
#define SECTION_EXTEND_SIZE 0x10u
#define SECTION_ALL_ACCESS 0xF001Fu
#define FILE_READ_DATA 0x1u
#define FILE_WRITE_DATA 0x2u
#define FILE_APPEND_DATA 0x4u
#define FILE_EXECUTE 0x20u
#define FILE_READ_ATTRIBUTES 0x80u
#define FILE_WRITE_ATTRIBUTES 0x100u
#define FILE_ALL_ACCESS 0x1F01FFu

/* ---- virtual memory ---- */
#define PAGE_NOACCESS 0x01u
#define PAGE_READONLY 0x02u
#define PAGE_READWRITE 0x04u
#define PAGE_WRITECOPY 0x08u
#define PAGE_EXECUTE 0x10u
#define PAGE_EXECUTE_READ 0x20u
#define PAGE_EXECUTE_READWRITE 0x40u
#define PAGE_EXECUTE_WRITECOPY 0x80u
#define PAGE_GUARD 0x100u
#define PAGE_NOCACHE 0x200u
#define PAGE_WRITECOMBINE 0x400u
#define MEM_COMMIT 0x1000u
#define MEM_RESERVE 0x2000u
#define MEM_DECOMMIT 0x4000u
#define MEM_RELEASE 0x8000u
#define MEM_FREE 0x10000u
#define MEM_PRIVATE 0x20000u
#define MEM_MAPPED 0x40000u
#define MEM_IMAGE 0x1000000u
#define MEM_RESET 0x80000u
#define MEM_TOP_DOWN 0x100000u
#define MEM_WRITE_WATCH 0x200000u
#define SEC_FILE 0x800000u
#define SEC_IMAGE 0x1000000u
#define SEC_RESERVE 0x4000000u
#define SEC_COMMIT 0x8000000u

typedef struct _MEMORY_BASIC_INFORMATION64 {
  ULONG64 BaseAddress;
  ULONG64 AllocationBase;
  ULONG AllocationProtect;
  ULONG PartitionId;
  ULONG64 RegionSize;
  ULONG State;
  ULONG Protect;
  ULONG Type;
  ULONG Reserved;
} MEMORY_BASIC_INFORMATION64;
C_ASSERT_SIZE(MEMORY_BASIC_INFORMATION64, 0x30);

#endif
