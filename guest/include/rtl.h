/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file rtl.h  The run-time library of ntdll: a section for each source file. Included by ntdll.h. */
#ifndef GUEST_RTL_H
#define GUEST_RTL_H

#include "nt.h"

/* ---- heap.c, heap_segment.c, heap_check.c ---- */

/* Flags of heaps and blocks that windows.h lacks. */
#define HEAP_SETTABLE_USER_VALUE 0x100u
#define HEAP_SETTABLE_USER_FLAGS 0xE00u
#define HEAP_CLASS_1 0x1000u /**< a heap of HeapCreate */
#define HEAP_VALIDATE_ALL_ENABLED 0x20000000u
#define HEAP_VALIDATE_PARAMETERS_ENABLED 0x40000000u

/** One element of a heap, as RtlWalkHeap tells it. DataAddress NULL starts the walk. */
typedef struct _RTL_HEAP_WALK_ENTRY {
  PVOID DataAddress;
  SIZE_T DataSize;
  UCHAR OverheadBytes, SegmentIndex;
  USHORT Flags; /**< RTL_HEAP_* */
  union {
    struct {
      SIZE_T Settable;
      USHORT TagIndex, AllocatorBackTraceIndex;
      ULONG Reserved[2];
    } Block;
    struct {
      ULONG CommittedSize, UnCommittedSize;
      PVOID FirstEntry, LastEntry;
    } Segment;
  };
} RTL_HEAP_WALK_ENTRY;
#define RTL_HEAP_BUSY 0x1u
#define RTL_HEAP_SEGMENT 0x2u
#define RTL_HEAP_UNCOMMITTED_RANGE 0x100u

/** A heap; HEAP_GROWABLE: beyond ReserveSize too. Sizes 0: the process's defaults. HeapBase and Lock must be NULL: the heap
 *  makes its own. NULL: no memory. */
NTDLL_API PVOID NTAPI RtlCreateHeap(ULONG Flags, PVOID HeapBase, SIZE_T ReserveSize, SIZE_T CommitSize, PVOID Lock,
                                    PVOID Parameters);
/** NULL, or the heap if it can not be destroyed (the process's heap, no heap). */
NTDLL_API PVOID NTAPI RtlDestroyHeap(PVOID HeapHandle);
/** A block of 16 byte alignment, or NULL and ERROR_NOT_ENOUGH_MEMORY, or STATUS_NO_MEMORY raised
 *  (HEAP_GENERATE_EXCEPTIONS). */
NTDLL_API PVOID NTAPI RtlAllocateHeap(PVOID HeapHandle, ULONG Flags, SIZE_T Size);
/** NULL leaves the block as it was. */
NTDLL_API PVOID NTAPI RtlReAllocateHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress, SIZE_T Size);
/** TRUE for NULL too. */
NTDLL_API BOOLEAN NTAPI RtlFreeHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress);
/** Bytes that were asked for; -1: no block. */
NTDLL_API SIZE_T NTAPI RtlSizeHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress);
/** Checks a block, or with NULL the whole heap. */
NTDLL_API BOOLEAN NTAPI RtlValidateHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress);
NTDLL_API BOOLEAN NTAPI RtlValidateProcessHeaps(void);
/** Bytes of the largest free block. */
NTDLL_API SIZE_T NTAPI RtlCompactHeap(PVOID HeapHandle, ULONG Flags);
NTDLL_API BOOLEAN NTAPI RtlLockHeap(PVOID HeapHandle);
NTDLL_API BOOLEAN NTAPI RtlUnlockHeap(PVOID HeapHandle);
/** Next element. STATUS_NO_MORE_ENTRIES */
NTDLL_API NTSTATUS NTAPI RtlWalkHeap(PVOID HeapHandle, RTL_HEAP_WALK_ENTRY *Entry);
/** Number of heaps; the first Count are stored. */
NTDLL_API ULONG NTAPI RtlGetProcessHeaps(ULONG Count, PVOID *Heaps);
/** User value and flags of a block that was allocated with HEAP_SETTABLE_USER_*. */
NTDLL_API BOOLEAN NTAPI RtlGetUserInfoHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress, PVOID *UserValue,
                                           ULONG *UserFlags);
NTDLL_API BOOLEAN NTAPI RtlSetUserValueHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress, PVOID UserValue);
NTDLL_API BOOLEAN NTAPI RtlSetUserFlagsHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress, ULONG UserFlagsReset,
                                            ULONG UserFlagsSet);

/* ---- critsec.c ---- */

NTDLL_API NTSTATUS NTAPI RtlInitializeCriticalSection(RTL_CRITICAL_SECTION *CriticalSection);
NTDLL_API NTSTATUS NTAPI RtlInitializeCriticalSectionAndSpinCount(RTL_CRITICAL_SECTION *CriticalSection, ULONG SpinCount);
/** Flags: RTL_CRITICAL_SECTION_FLAG_*. STATUS_INVALID_PARAMETER_2, _3 */
NTDLL_API NTSTATUS NTAPI RtlInitializeCriticalSectionEx(RTL_CRITICAL_SECTION *CriticalSection, ULONG SpinCount,
                                                        ULONG Flags);
/** The old count. */
NTDLL_API ULONG NTAPI RtlSetCriticalSectionSpinCount(RTL_CRITICAL_SECTION *CriticalSection, ULONG SpinCount);
NTDLL_API NTSTATUS NTAPI RtlDeleteCriticalSection(RTL_CRITICAL_SECTION *CriticalSection);
NTDLL_API NTSTATUS NTAPI RtlEnterCriticalSection(RTL_CRITICAL_SECTION *CriticalSection);
NTDLL_API BOOLEAN NTAPI RtlTryEnterCriticalSection(RTL_CRITICAL_SECTION *CriticalSection);
NTDLL_API NTSTATUS NTAPI RtlLeaveCriticalSection(RTL_CRITICAL_SECTION *CriticalSection);
NTDLL_API BOOLEAN NTAPI RtlIsCriticalSectionLocked(RTL_CRITICAL_SECTION *CriticalSection);
NTDLL_API BOOLEAN NTAPI RtlIsCriticalSectionLockedByThread(RTL_CRITICAL_SECTION *CriticalSection);

/* ---- error.c ---- */

/** The Win32 error of a status; ERROR_MR_MID_NOT_FOUND: it has none. The status becomes the thread's last. */
NTDLL_API ULONG NTAPI RtlNtStatusToDosError(NTSTATUS Status);
NTDLL_API ULONG NTAPI RtlNtStatusToDosErrorNoTeb(NTSTATUS Status);
NTDLL_API ULONG NTAPI RtlGetLastWin32Error(void);
NTDLL_API NTSTATUS NTAPI RtlGetLastNtStatus(void);
NTDLL_API void NTAPI RtlSetLastWin32Error(ULONG Win32Error);
NTDLL_API void NTAPI RtlRestoreLastWin32Error(ULONG Win32Error);
/** Sets both; the error. */
NTDLL_API ULONG NTAPI RtlSetLastWin32ErrorAndNtStatusFromNtStatus(NTSTATUS Status);
NTDLL_API ULONG NTAPI RtlGetThreadErrorMode(void);
NTDLL_API NTSTATUS NTAPI RtlSetThreadErrorMode(ULONG NewMode, ULONG *OldMode);

/* ---- string.c ---- */

NTDLL_API void NTAPI RtlInitUnicodeString(UNICODE_STRING *DestinationString, PCWSTR SourceString);
/** STATUS_NAME_TOO_LONG */
NTDLL_API NTSTATUS NTAPI RtlInitUnicodeStringEx(UNICODE_STRING *DestinationString, PCWSTR SourceString);
NTDLL_API void NTAPI RtlInitAnsiString(ANSI_STRING *DestinationString, const char *SourceString);
NTDLL_API NTSTATUS NTAPI RtlInitAnsiStringEx(ANSI_STRING *DestinationString, const char *SourceString);
NTDLL_API void NTAPI RtlInitString(ANSI_STRING *DestinationString, const char *SourceString);
NTDLL_API WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR SourceCharacter);
NTDLL_API WCHAR NTAPI RtlDowncaseUnicodeChar(WCHAR SourceCharacter);
NTDLL_API char NTAPI RtlUpperChar(char Character);
/** Lengths in characters. */
NTDLL_API LONG NTAPI RtlCompareUnicodeStrings(PCWSTR String1, SIZE_T String1Length, PCWSTR String2, SIZE_T String2Length,
                                              BOOLEAN CaseInSensitive);
NTDLL_API LONG NTAPI RtlCompareUnicodeString(const UNICODE_STRING *String1, const UNICODE_STRING *String2,
                                             BOOLEAN CaseInSensitive);
NTDLL_API BOOLEAN NTAPI RtlEqualUnicodeString(const UNICODE_STRING *String1, const UNICODE_STRING *String2,
                                              BOOLEAN CaseInSensitive);
/** True if the second string begins with the first. */
NTDLL_API BOOLEAN NTAPI RtlPrefixUnicodeString(const UNICODE_STRING *String1, const UNICODE_STRING *String2,
                                               BOOLEAN CaseInSensitive);
NTDLL_API LONG NTAPI RtlCompareString(const ANSI_STRING *String1, const ANSI_STRING *String2, BOOLEAN CaseInSensitive);
NTDLL_API BOOLEAN NTAPI RtlEqualString(const ANSI_STRING *String1, const ANSI_STRING *String2, BOOLEAN CaseInSensitive);
/** Copies what fits. */
NTDLL_API void NTAPI RtlCopyUnicodeString(UNICODE_STRING *DestinationString, const UNICODE_STRING *SourceString);
NTDLL_API void NTAPI RtlCopyString(ANSI_STRING *DestinationString, const ANSI_STRING *SourceString);
/** STATUS_BUFFER_TOO_SMALL */
NTDLL_API NTSTATUS NTAPI RtlAppendUnicodeToString(UNICODE_STRING *Destination, PCWSTR Source);
NTDLL_API NTSTATUS NTAPI RtlAppendUnicodeStringToString(UNICODE_STRING *Destination, const UNICODE_STRING *Source);
/** A copy on the heap, for RtlFreeUnicodeString. */
NTDLL_API BOOLEAN NTAPI RtlCreateUnicodeString(UNICODE_STRING *DestinationString, PCWSTR SourceString);
NTDLL_API void NTAPI RtlFreeUnicodeString(UNICODE_STRING *UnicodeString);
NTDLL_API void NTAPI RtlFreeAnsiString(ANSI_STRING *AnsiString);
NTDLL_API void NTAPI RtlFreeOemString(ANSI_STRING *OemString);
/** Flags: 1 with a terminator, 3 also for an empty string. STATUS_NO_MEMORY */
NTDLL_API NTSTATUS NTAPI RtlDuplicateUnicodeString(ULONG Flags, const UNICODE_STRING *Source, UNICODE_STRING *Destination);
/** Algorithms 0 and 1: x65599. */
NTDLL_API NTSTATUS NTAPI RtlHashUnicodeString(const UNICODE_STRING *String, BOOLEAN CaseInSensitive, ULONG HashAlgorithm,
                                              ULONG *HashValue);

#endif
