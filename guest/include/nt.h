/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file nt.h  What the builtin DLLs know of the system beyond windows.h: the structures of process and thread, the loader's
 *  lists, and the services. Everything here runs inside the simulation. */
#ifndef GUEST_NT_H
#define GUEST_NT_H

#define WIN32_NO_STATUS
#include <windows.h>
#undef WIN32_NO_STATUS
#include <ntstatus.h>
#include <stdarg.h>
#include <stddef.h>

#define NT_ASSERT_OFFSET(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field)
#define NT_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)

#ifdef _NTSYSTEM_
#define NTDLL_API __declspec(dllexport)
#else
#define NTDLL_API __declspec(dllimport)
#endif

typedef LONG NTSTATUS;
enum { NotificationEvent, SynchronizationEvent };
#define NT_SUCCESS(status) ((NTSTATUS)(status) >= 0)
#define NtCurrentProcess() ((HANDLE)(LONG_PTR)-1)
#define NtCurrentThread() ((HANDLE)(LONG_PTR)-2)

typedef struct _UNICODE_STRING {
  USHORT Length, MaximumLength; /**< bytes */
  PWSTR Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;
typedef struct _STRING {
  USHORT Length, MaximumLength;
  PCHAR Buffer;
} STRING, ANSI_STRING, *PSTRING, *PANSI_STRING;

typedef struct _OBJECT_ATTRIBUTES {
  ULONG Length;
  HANDLE RootDirectory;
  PUNICODE_STRING ObjectName;
  ULONG Attributes;
  PVOID SecurityDescriptor, SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;
NT_ASSERT_SIZE(OBJECT_ATTRIBUTES, 0x30);
#define OBJ_INHERIT 0x2u
#define OBJ_CASE_INSENSITIVE 0x40u
#define OBJ_OPENIF 0x80u
#define InitializeObjectAttributes(p, name, attributes, root, descriptor) \
  (*(p) = (OBJECT_ATTRIBUTES){sizeof(OBJECT_ATTRIBUTES), (root), (name), (attributes), (descriptor), NULL})

typedef struct _IO_STATUS_BLOCK {
  union {
    NTSTATUS Status;
    PVOID Pointer;
  };
  ULONG_PTR Information;
} IO_STATUS_BLOCK, *PIO_STATUS_BLOCK;

typedef struct _CLIENT_ID {
  HANDLE UniqueProcess, UniqueThread;
} CLIENT_ID, *PCLIENT_ID;

typedef struct _CURDIR {
  UNICODE_STRING DosPath;
  HANDLE Handle;
} CURDIR;

typedef struct _RTL_DRIVE_LETTER_CURDIR {
  USHORT Flags, Length;
  ULONG TimeStamp;
  STRING DosPath;
} RTL_DRIVE_LETTER_CURDIR;

typedef struct _RTL_USER_PROCESS_PARAMETERS {
  ULONG MaximumLength, Length, Flags, DebugFlags;
  HANDLE ConsoleHandle;
  ULONG ConsoleFlags;
  HANDLE StandardInput, StandardOutput, StandardError;
  CURDIR CurrentDirectory;
  UNICODE_STRING DllPath, ImagePathName, CommandLine;
  PWSTR Environment;
  ULONG StartingX, StartingY, CountX, CountY, CountCharsX, CountCharsY, FillAttribute, WindowFlags, ShowWindowFlags;
  UNICODE_STRING WindowTitle, DesktopInfo, ShellInfo, RuntimeData;
  RTL_DRIVE_LETTER_CURDIR CurrentDirectories[32];
  ULONG_PTR EnvironmentSize, EnvironmentVersion;
} RTL_USER_PROCESS_PARAMETERS, *PRTL_USER_PROCESS_PARAMETERS;
NT_ASSERT_OFFSET(RTL_USER_PROCESS_PARAMETERS, ImagePathName, 0x60);
NT_ASSERT_OFFSET(RTL_USER_PROCESS_PARAMETERS, Environment, 0x80);
NT_ASSERT_OFFSET(RTL_USER_PROCESS_PARAMETERS, EnvironmentSize, 0x3F0);

typedef struct _LDR_DATA_TABLE_ENTRY {
  LIST_ENTRY InLoadOrderLinks, InMemoryOrderLinks, InInitializationOrderLinks;
  PVOID DllBase, EntryPoint;
  ULONG SizeOfImage;
  UNICODE_STRING FullDllName, BaseDllName;
  ULONG Flags;
  USHORT ObsoleteLoadCount, TlsIndex;
  LIST_ENTRY HashLinks;
  ULONG TimeDateStamp;
  PVOID EntryPointActivationContext, Lock;
  struct _LDR_DDAG_NODE *DdagNode;
  LIST_ENTRY NodeModuleLink;
  PVOID LoadContext, ParentDllBase, SwitchBackContext;
  PVOID BaseAddressIndexNode[3], MappingInfoIndexNode[3];
  ULONG_PTR OriginalBase;
  LARGE_INTEGER LoadTime;
  ULONG BaseNameHashValue, LoadReason, ImplicitPathOptions, ReferenceCount;
} LDR_DATA_TABLE_ENTRY, *PLDR_DATA_TABLE_ENTRY;
NT_ASSERT_OFFSET(LDR_DATA_TABLE_ENTRY, BaseDllName, 0x58);
NT_ASSERT_OFFSET(LDR_DATA_TABLE_ENTRY, TimeDateStamp, 0x80);
NT_ASSERT_OFFSET(LDR_DATA_TABLE_ENTRY, OriginalBase, 0xF8);
NT_ASSERT_OFFSET(LDR_DATA_TABLE_ENTRY, ReferenceCount, 0x114);
/* Flags */
#define LDRP_IMAGE_DLL 0x4u
#define LDRP_LOAD_IN_PROGRESS 0x1000u
#define LDRP_ENTRY_PROCESSED 0x4000u
#define LDRP_DONT_CALL_FOR_THREADS 0x40000u
#define LDRP_PROCESS_ATTACH_CALLED 0x80000u

typedef struct _PEB_LDR_DATA {
  ULONG Length;
  BOOLEAN Initialized;
  HANDLE SsHandle;
  LIST_ENTRY InLoadOrderModuleList, InMemoryOrderModuleList, InInitializationOrderModuleList;
  PVOID EntryInProgress;
  BOOLEAN ShutdownInProgress;
  HANDLE ShutdownThreadId;
} PEB_LDR_DATA, *PPEB_LDR_DATA;
NT_ASSERT_SIZE(PEB_LDR_DATA, 0x58);

typedef struct _PEB {
  BOOLEAN InheritedAddressSpace, ReadImageFileExecOptions;
  volatile BOOLEAN BeingDebugged;
  UCHAR BitField;
  HANDLE Mutant;
  PVOID ImageBaseAddress;
  PPEB_LDR_DATA Ldr;
  PRTL_USER_PROCESS_PARAMETERS ProcessParameters;
  PVOID SubSystemData, ProcessHeap;
  PRTL_CRITICAL_SECTION FastPebLock;
  PVOID AtlThunkSListPtr, IFEOKey;
  ULONG CrossProcessFlags;
  PVOID KernelCallbackTable;
  ULONG SystemReserved, AtlThunkSListPtr32;
  PVOID ApiSetMap;
  ULONG TlsExpansionCounter;
  PVOID TlsBitmap;
  ULONG TlsBitmapBits[2];
  PVOID ReadOnlySharedMemoryBase, SharedData, ReadOnlyStaticServerData, AnsiCodePageData, OemCodePageData,
      UnicodeCaseTableData;
  ULONG NumberOfProcessors, NtGlobalFlag;
  LARGE_INTEGER CriticalSectionTimeout;
  ULONG_PTR HeapSegmentReserve, HeapSegmentCommit, HeapDeCommitTotalFreeThreshold, HeapDeCommitFreeBlockThreshold;
  ULONG NumberOfHeaps, MaximumNumberOfHeaps;
  PVOID *ProcessHeaps;
  PVOID GdiSharedHandleTable, ProcessStarterHelper;
  ULONG GdiDCAttributeList;
  PRTL_CRITICAL_SECTION LoaderLock;
  ULONG OSMajorVersion, OSMinorVersion;
  USHORT OSBuildNumber, OSCSDVersion;
  ULONG OSPlatformId, ImageSubsystem, ImageSubsystemMajorVersion, ImageSubsystemMinorVersion;
  ULONG_PTR ActiveProcessAffinityMask;
  ULONG GdiHandleBuffer[60];
  PVOID PostProcessInitRoutine, TlsExpansionBitmap;
  ULONG TlsExpansionBitmapBits[32];
  ULONG SessionId;
} PEB, *PPEB;
NT_ASSERT_OFFSET(PEB, ApiSetMap, 0x68);
NT_ASSERT_OFFSET(PEB, NtGlobalFlag, 0xBC);
NT_ASSERT_OFFSET(PEB, ProcessHeaps, 0xF0);
NT_ASSERT_OFFSET(PEB, LoaderLock, 0x110);
NT_ASSERT_OFFSET(PEB, OSMajorVersion, 0x118);
NT_ASSERT_OFFSET(PEB, TlsExpansionBitmap, 0x238);
NT_ASSERT_OFFSET(PEB, SessionId, 0x2C0);

typedef struct _TEB {
  NT_TIB NtTib; /**< ArbitraryUserPointer 28, Self 30 */
  PVOID EnvironmentPointer;
  CLIENT_ID ClientId;
  PVOID ActiveRpcHandle;
  PVOID *ThreadLocalStoragePointer;
  PPEB ProcessEnvironmentBlock;
  ULONG LastErrorValue, CountOfOwnedCriticalSections;
  UCHAR Reserved70[0x108 - 0x70];
  ULONG CurrentLocale;
  UCHAR Reserved10C[0x2C0 - 0x10C];
  NTSTATUS ExceptionCode;
  PVOID ActivationContextStackPointer;
  UCHAR Reserved2D0[0x1250 - 0x2D0];
  NTSTATUS LastStatusValue;
  UNICODE_STRING StaticUnicodeString;
  WCHAR StaticUnicodeBuffer[261];
  PVOID DeallocationStack;
  PVOID TlsSlots[64];
  LIST_ENTRY TlsLinks;
  PVOID Vdm, ReservedForNtRpc;
  PVOID DbgSsReserved[2]; /**< spec/4.3: the list of saved handles, the debug object */
  ULONG HardErrorMode;
  UCHAR Reserved16B4[0x1720 - 0x16B4];
  PVOID ActivityWinSock;
  UCHAR Reserved1728[0x1748 - 0x1728];
  ULONG GuaranteedStackBytes;
  UCHAR Reserved174C[0x1780 - 0x174C];
  PVOID *TlsExpansionSlots;
  UCHAR Reserved1788[0x17C8 - 0x1788];
  PVOID FlsData;
  PVOID PreferredLanguages, UserPrefLanguages, MergedPrefLanguages;
  ULONG MuiImpersonation;
  USHORT CrossTebFlags, SameTebFlags;
} TEB, *PTEB;
#define TEB_SKIP_THREAD_ATTACH 0x8u /* SameTebFlags */
#define TEB_HAS_FIBER_DATA 0x4u
#define TEB_SUPPRESS_DEBUG_MSG 0x80u
NT_ASSERT_OFFSET(TEB, SameTebFlags, 0x17EE);
NT_ASSERT_OFFSET(TEB, ProcessEnvironmentBlock, 0x60);
NT_ASSERT_OFFSET(TEB, ExceptionCode, 0x2C0);
NT_ASSERT_OFFSET(TEB, StaticUnicodeString, 0x1258);
NT_ASSERT_OFFSET(TEB, DeallocationStack, 0x1478);
NT_ASSERT_OFFSET(TEB, TlsSlots, 0x1480);
NT_ASSERT_OFFSET(TEB, DbgSsReserved, 0x16A0);
NT_ASSERT_OFFSET(TEB, GuaranteedStackBytes, 0x1748);
NT_ASSERT_OFFSET(TEB, TlsExpansionSlots, 0x1780);

/** The PEB of the process that runs. */
static inline PPEB NtCurrentPeb(void)
{
  return NtCurrentTeb()->ProcessEnvironmentBlock;
}

/* KUSER_SHARED_DATA, as far as it is used. */
#define USER_SHARED_DATA 0x7FFE0000ull

/* Section and file constants that windows.h lacks. */
#define SEC_IMAGE_ACCESS (SECTION_QUERY | SECTION_MAP_WRITE | SECTION_MAP_READ | SECTION_MAP_EXECUTE)
/* FLG_HEAP_ENABLE_TAIL_CHECK, _FREE_CHECK, FLG_HEAP_VALIDATE_PARAMETERS (spec/3.7). */
#define FLG_DEBUG_HEAP 0x70u

/* ---- debug objects (spec/3) ---- */

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

typedef struct _DBGKM_EXCEPTION {
  EXCEPTION_RECORD ExceptionRecord;
  ULONG FirstChance;
} DBGKM_EXCEPTION;
typedef struct _DBGKM_CREATE_THREAD {
  ULONG SubSystemKey;
  PVOID StartAddress;
} DBGKM_CREATE_THREAD;
typedef struct _DBGKM_CREATE_PROCESS {
  ULONG SubSystemKey;
  HANDLE FileHandle;
  PVOID BaseOfImage;
  ULONG DebugInfoFileOffset, DebugInfoSize;
  DBGKM_CREATE_THREAD InitialThread;
} DBGKM_CREATE_PROCESS;
typedef struct _DBGKM_LOAD_DLL {
  HANDLE FileHandle;
  PVOID BaseOfDll;
  ULONG DebugInfoFileOffset, DebugInfoSize;
  PVOID NamePointer;
} DBGKM_LOAD_DLL;

typedef struct _DBGUI_WAIT_STATE_CHANGE {
  DBG_STATE NewState;
  CLIENT_ID AppClientId;
  union {
    DBGKM_EXCEPTION Exception;
    struct {
      HANDLE HandleToThread;
      DBGKM_CREATE_THREAD NewThread;
    } CreateThread;
    struct {
      HANDLE HandleToProcess, HandleToThread;
      DBGKM_CREATE_PROCESS NewProcess;
    } CreateProcessInfo;
    struct {
      NTSTATUS ExitStatus;
    } ExitThread, ExitProcess;
    DBGKM_LOAD_DLL LoadDll;
    struct {
      PVOID BaseAddress;
    } UnloadDll;
  } StateInfo;
} DBGUI_WAIT_STATE_CHANGE, *PDBGUI_WAIT_STATE_CHANGE;
NT_ASSERT_OFFSET(DBGUI_WAIT_STATE_CHANGE, StateInfo, 0x18);
NT_ASSERT_SIZE(DBGUI_WAIT_STATE_CHANGE, 0xB8);

#include "nt_services.h"

#endif
