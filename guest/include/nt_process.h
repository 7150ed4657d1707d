/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file nt_process.h  Information classes and attributes of processes and threads, for who creates or asks them. */
#ifndef GUEST_NT_PROCESS_H
#define GUEST_NT_PROCESS_H

#include "nt.h"

/* NtQueryInformationProcess, NtSetInformationProcess */
#define ProcessBasicInformation 0u
#define ProcessTimes 4u
#define ProcessDebugPort 7u
#define ProcessDefaultHardErrorMode 12u
#define ProcessHandleCount 20u
#define ProcessWow64Information 26u
#define ProcessPriorityClass 18u
#define ProcessAffinityMask 21u
#define ProcessImageFileName 27u
#define ProcessImageFileNameWin32 43u

/* NtQueryInformationThread, NtSetInformationThread */
#define ThreadBasicInformation 0u
#define ThreadTimes 1u
#define ThreadBasePriority 3u
#define ThreadAffinityMask 4u
#define ThreadDescriptorTableEntry 6u
#define ThreadIdealProcessor 13u
#define ThreadPriorityBoost 14u
#define ThreadIsTerminated 20u
#define ThreadNameInformation 38u

/* NtQuerySystemInformation */
#define SystemProcessInformation 5u

typedef struct _PROCESS_BASIC_INFORMATION {
  NTSTATUS ExitStatus;
  PPEB PebBaseAddress;
  ULONG_PTR AffinityMask;
  LONG BasePriority;
  HANDLE UniqueProcessId, InheritedFromUniqueProcessId;
} PROCESS_BASIC_INFORMATION;
NT_ASSERT_SIZE(PROCESS_BASIC_INFORMATION, 0x30);

typedef struct _THREAD_BASIC_INFORMATION {
  NTSTATUS ExitStatus;
  PTEB TebBaseAddress;
  CLIENT_ID ClientId;
  ULONG_PTR AffinityMask;
  LONG Priority, BasePriority;
} THREAD_BASIC_INFORMATION;
NT_ASSERT_SIZE(THREAD_BASIC_INFORMATION, 0x30);

typedef struct _KERNEL_USER_TIMES {
  LARGE_INTEGER CreateTime, ExitTime, KernelTime, UserTime;
} KERNEL_USER_TIMES;

typedef struct _SYSTEM_THREAD_INFORMATION {
  LARGE_INTEGER KernelTime, UserTime, CreateTime;
  ULONG WaitTime;
  PVOID StartAddress;
  CLIENT_ID ClientId;
  LONG Priority, BasePriority;
  ULONG ContextSwitches, ThreadState, WaitReason;
} SYSTEM_THREAD_INFORMATION;
NT_ASSERT_SIZE(SYSTEM_THREAD_INFORMATION, 0x50);

typedef struct _SYSTEM_PROCESS_INFORMATION {
  ULONG NextEntryOffset, NumberOfThreads;
  UCHAR Reserved8[0x38 - 8];
  UNICODE_STRING ImageName;
  LONG BasePriority;
  HANDLE UniqueProcessId, InheritedFromUniqueProcessId;
  ULONG HandleCount, SessionId;
  UCHAR Reserved68[0x100 - 0x68];
  SYSTEM_THREAD_INFORMATION Threads[];
} SYSTEM_PROCESS_INFORMATION;
NT_ASSERT_OFFSET(SYSTEM_PROCESS_INFORMATION, UniqueProcessId, 0x50);
NT_ASSERT_SIZE(SYSTEM_PROCESS_INFORMATION, 0x100);

/* NtCreateUserProcess, NtCreateThreadEx */
typedef struct _PS_ATTRIBUTE {
  ULONG_PTR Attribute, Size;
  union {
    ULONG_PTR Value;
    const void *ValuePtr;
  };
  SIZE_T *ReturnLength;
} PS_ATTRIBUTE;
#define PS_ATTRIBUTE_PARENT_PROCESS 0x60000u
#define PS_ATTRIBUTE_DEBUG_OBJECT 0x60001u
#define PS_ATTRIBUTE_CLIENT_ID 0x10003u
#define PS_ATTRIBUTE_TEB_ADDRESS 0x10004u
#define PS_ATTRIBUTE_IMAGE_NAME 0x20005u
#define PS_ATTRIBUTE_IMAGE_INFO 0x6u
#define PS_ATTRIBUTE_STD_HANDLE_INFO 0x2000Au
#define PS_ATTRIBUTE_HANDLE_LIST 0x2000Bu

#define THREAD_CREATE_FLAGS_CREATE_SUSPENDED 0x1u
#define THREAD_CREATE_FLAGS_SKIP_THREAD_ATTACH 0x2u

#define PROCESS_CREATE_FLAGS_NO_DEBUG_INHERIT 0x2u
#define PROCESS_CREATE_FLAGS_INHERIT_HANDLES 0x4u

/** What NtCreateUserProcess finds out about an image. */
typedef struct _SECTION_IMAGE_INFORMATION {
  PVOID TransferAddress;
  ULONG ZeroBits;
  SIZE_T MaximumStackSize, CommittedStackSize;
  ULONG SubSystemType;
  USHORT SubSystemMinorVersion, SubSystemMajorVersion;
  ULONG OperatingSystemVersion;
  USHORT ImageCharacteristics, DllCharacteristics, Machine;
  BOOLEAN ImageContainsCode;
  UCHAR ImageFlags;
  ULONG LoaderFlags, ImageFileSize, CheckSum;
} SECTION_IMAGE_INFORMATION;
NT_ASSERT_SIZE(SECTION_IMAGE_INFORMATION, 0x40);

/* Debug objects */
#define DEBUG_ALL_ACCESS 0x1F000Fu
#define DBG_KILL_ON_CLOSE 0x1u
#define DebugObjectKillProcessOnExitInformation 1u

#endif
