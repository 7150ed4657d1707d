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

/** A heap; HEAP_GROWABLE: beyond ReserveSize too. Sizes 0: the process's defaults. HeapBase and Lock must be NULL: the
 * heap makes its own. NULL: no memory. */
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
/** Classes HeapCompatibilityInformation and HeapEnableTerminationOnCorruption. STATUS_UNSUCCESSFUL: the heap can not.
 */
NTDLL_API DWORD NTAPI RtlSetHeapInformation(PVOID HeapHandle, HEAP_INFORMATION_CLASS HeapInformationClass,
                                            PVOID HeapInformation, SIZE_T HeapInformationLength);
NTDLL_API DWORD NTAPI RtlQueryHeapInformation(PVOID HeapHandle, HEAP_INFORMATION_CLASS HeapInformationClass,
                                              PVOID HeapInformation, SIZE_T HeapInformationLength,
                                              PSIZE_T ReturnLength);
/** User value and flags of a block that was allocated with HEAP_SETTABLE_USER_*. */
NTDLL_API BOOLEAN NTAPI RtlGetUserInfoHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress, PVOID *UserValue,
                                           ULONG *UserFlags);
NTDLL_API BOOLEAN NTAPI RtlSetUserValueHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress, PVOID UserValue);
NTDLL_API BOOLEAN NTAPI RtlSetUserFlagsHeap(PVOID HeapHandle, ULONG Flags, PVOID BaseAddress, ULONG UserFlagsReset,
                                            ULONG UserFlagsSet);

/* ---- critsec.c ---- */

NTDLL_API NTSTATUS NTAPI RtlInitializeCriticalSection(RTL_CRITICAL_SECTION *CriticalSection);
NTDLL_API NTSTATUS NTAPI RtlInitializeCriticalSectionAndSpinCount(RTL_CRITICAL_SECTION *CriticalSection,
                                                                  ULONG SpinCount);
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
NTDLL_API LONG NTAPI RtlCompareUnicodeStrings(PCWSTR String1, SIZE_T String1Length, PCWSTR String2,
                                              SIZE_T String2Length, BOOLEAN CaseInSensitive);
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
NTDLL_API NTSTATUS NTAPI RtlDuplicateUnicodeString(ULONG Flags, const UNICODE_STRING *Source,
                                                   UNICODE_STRING *Destination);
/** Algorithms 0 and 1: x65599. */
NTDLL_API NTSTATUS NTAPI RtlHashUnicodeString(const UNICODE_STRING *String, BOOLEAN CaseInSensitive,
                                              ULONG HashAlgorithm, ULONG *HashValue);

/* ---- codepage.c, utf8.c: sizes in bytes; what does not fit is cut ---- */

/** Bytes of the ANSI code page 1252 (Oem: 437) as UTF-16. */
NTDLL_API NTSTATUS NTAPI RtlMultiByteToUnicodeN(PWSTR UnicodeString, ULONG MaxBytesInUnicodeString,
                                                ULONG *BytesInUnicodeString, const char *MultiByteString,
                                                ULONG BytesInMultiByteString);
NTDLL_API NTSTATUS NTAPI RtlOemToUnicodeN(PWSTR UnicodeString, ULONG MaxBytesInUnicodeString,
                                          ULONG *BytesInUnicodeString, const char *OemString, ULONG BytesInOemString);
/** A character that the code page lacks becomes a question mark. STATUS_BUFFER_OVERFLOW */
NTDLL_API NTSTATUS NTAPI RtlUnicodeToMultiByteN(char *MultiByteString, ULONG MaxBytesInMultiByteString,
                                                ULONG *BytesInMultiByteString, PCWSTR UnicodeString,
                                                ULONG BytesInUnicodeString);
NTDLL_API NTSTATUS NTAPI RtlUnicodeToOemN(char *OemString, ULONG MaxBytesInOemString, ULONG *BytesInOemString,
                                          PCWSTR UnicodeString, ULONG BytesInUnicodeString);
NTDLL_API NTSTATUS NTAPI RtlMultiByteToUnicodeSize(ULONG *BytesInUnicodeString, const char *MultiByteString,
                                                   ULONG BytesInMultiByteString);
NTDLL_API NTSTATUS NTAPI RtlUnicodeToMultiByteSize(ULONG *BytesInMultiByteString, PCWSTR UnicodeString,
                                                   ULONG BytesInUnicodeString);
/** Into a buffer of the caller or a new one for RtlFreeUnicodeString, RtlFreeAnsiString. STATUS_BUFFER_OVERFLOW */
NTDLL_API NTSTATUS NTAPI RtlAnsiStringToUnicodeString(UNICODE_STRING *DestinationString,
                                                      const ANSI_STRING *SourceString,
                                                      BOOLEAN AllocateDestinationString);
NTDLL_API NTSTATUS NTAPI RtlOemStringToUnicodeString(UNICODE_STRING *DestinationString, const ANSI_STRING *SourceString,
                                                     BOOLEAN AllocateDestinationString);
NTDLL_API NTSTATUS NTAPI RtlUnicodeStringToAnsiString(ANSI_STRING *DestinationString,
                                                      const UNICODE_STRING *SourceString,
                                                      BOOLEAN AllocateDestinationString);
NTDLL_API NTSTATUS NTAPI RtlUnicodeStringToOemString(ANSI_STRING *DestinationString, const UNICODE_STRING *SourceString,
                                                     BOOLEAN AllocateDestinationString);
NTDLL_API BOOLEAN NTAPI RtlCreateUnicodeStringFromAsciiz(UNICODE_STRING *DestinationString, const char *SourceString);
NTDLL_API WCHAR NTAPI RtlAnsiCharToUnicodeChar(UCHAR **SourceCharacter);
/** Bytes with the terminator. */
NTDLL_API ULONG NTAPI RtlAnsiStringToUnicodeSize(const ANSI_STRING *AnsiString);
NTDLL_API ULONG NTAPI RtlUnicodeStringToAnsiSize(const UNICODE_STRING *UnicodeString);
NTDLL_API NTSTATUS NTAPI RtlUpcaseUnicodeString(UNICODE_STRING *DestinationString, const UNICODE_STRING *SourceString,
                                                BOOLEAN AllocateDestinationString);
NTDLL_API NTSTATUS NTAPI RtlDowncaseUnicodeString(UNICODE_STRING *DestinationString, const UNICODE_STRING *SourceString,
                                                  BOOLEAN AllocateDestinationString);
/** Destination NULL: only the size. STATUS_SOME_NOT_MAPPED, STATUS_BUFFER_TOO_SMALL */
NTDLL_API NTSTATUS NTAPI RtlUTF8ToUnicodeN(PWSTR UnicodeStringDestination, ULONG UnicodeStringMaxByteCount,
                                           ULONG *UnicodeStringActualByteCount, const char *UTF8StringSource,
                                           ULONG UTF8StringByteCount);
NTDLL_API NTSTATUS NTAPI RtlUnicodeToUTF8N(char *UTF8StringDestination, ULONG UTF8StringMaxByteCount,
                                           ULONG *UTF8StringActualByteCount, PCWSTR UnicodeStringSource,
                                           ULONG UnicodeStringByteCount);

/* ---- wait_address.c, srw.c: timeouts as those of NtWaitForSingleObject ---- */

/** Sleeps while Address holds what CompareAddress holds, until it is woken. STATUS_TIMEOUT */
NTDLL_API NTSTATUS NTAPI RtlWaitOnAddress(const volatile void *Address, PVOID CompareAddress, SIZE_T AddressSize,
                                          const LARGE_INTEGER *Timeout);
NTDLL_API void NTAPI RtlWakeAddressSingle(PVOID Address);
NTDLL_API void NTAPI RtlWakeAddressAll(PVOID Address);
NTDLL_API void NTAPI RtlInitializeSRWLock(RTL_SRWLOCK *SRWLock);
NTDLL_API void NTAPI RtlAcquireSRWLockExclusive(RTL_SRWLOCK *SRWLock);
NTDLL_API BOOLEAN NTAPI RtlTryAcquireSRWLockExclusive(RTL_SRWLOCK *SRWLock);
/** A lock that is not held raises STATUS_RESOURCE_NOT_OWNED. */
NTDLL_API void NTAPI RtlReleaseSRWLockExclusive(RTL_SRWLOCK *SRWLock);
NTDLL_API void NTAPI RtlAcquireSRWLockShared(RTL_SRWLOCK *SRWLock);
NTDLL_API BOOLEAN NTAPI RtlTryAcquireSRWLockShared(RTL_SRWLOCK *SRWLock);
NTDLL_API void NTAPI RtlReleaseSRWLockShared(RTL_SRWLOCK *SRWLock);
NTDLL_API void NTAPI RtlInitializeConditionVariable(RTL_CONDITION_VARIABLE *ConditionVariable);
/** STATUS_TIMEOUT; the lock is held again in any case. */
NTDLL_API NTSTATUS NTAPI RtlSleepConditionVariableCS(RTL_CONDITION_VARIABLE *ConditionVariable,
                                                     RTL_CRITICAL_SECTION *CriticalSection,
                                                     const LARGE_INTEGER *Timeout);
NTDLL_API NTSTATUS NTAPI RtlSleepConditionVariableSRW(RTL_CONDITION_VARIABLE *ConditionVariable, RTL_SRWLOCK *SRWLock,
                                                      const LARGE_INTEGER *Timeout, ULONG Flags);
NTDLL_API void NTAPI RtlWakeConditionVariable(RTL_CONDITION_VARIABLE *ConditionVariable);
NTDLL_API void NTAPI RtlWakeAllConditionVariable(RTL_CONDITION_VARIABLE *ConditionVariable);
NTDLL_API void NTAPI RtlRunOnceInitialize(RTL_RUN_ONCE *RunOnce);
/** Flags: RTL_RUN_ONCE_*. STATUS_PENDING: the caller does it. */
NTDLL_API DWORD NTAPI RtlRunOnceBeginInitialize(RTL_RUN_ONCE *RunOnce, ULONG Flags, PVOID *Context);
NTDLL_API DWORD NTAPI RtlRunOnceComplete(RTL_RUN_ONCE *RunOnce, ULONG Flags, PVOID Context);
NTDLL_API DWORD NTAPI RtlRunOnceExecuteOnce(RTL_RUN_ONCE *RunOnce, PRTL_RUN_ONCE_INIT_FN InitFn, PVOID Parameter,
                                            PVOID *Context);

/* ---- path.c, current_directory.c, nt_path.c: lengths in bytes ---- */

enum {
  RtlPathTypeUnknown,
  RtlPathTypeUncAbsolute,
  RtlPathTypeDriveAbsolute,
  RtlPathTypeDriveRelative,
  RtlPathTypeRooted,
  RtlPathTypeRelative,
  RtlPathTypeLocalDevice,
  RtlPathTypeRootLocalDevice
};
typedef struct _RTL_RELATIVE_NAME_U {
  UNICODE_STRING RelativeName;
  HANDLE ContainingDirectory;
  PVOID CurDirRef;
} RTL_RELATIVE_NAME_U;

/** RtlPathType* */
NTDLL_API ULONG NTAPI RtlDetermineDosPathNameType_U(PCWSTR DosFileName);
/** Where in a name a device (NUL, COM1...) stands: offset << 16 | length; 0: nowhere. */
NTDLL_API ULONG NTAPI RtlIsDosDeviceName_U(PCWSTR DosFileName);
/** Full path of a DOS name; bytes of the text, or bytes needed if it does not fit, 0 for a name that is none. */
NTDLL_API ULONG NTAPI RtlGetFullPathName_U(PCWSTR FileName, ULONG BufferLength, PWSTR Buffer, PWSTR *FilePart);
/** STATUS_OBJECT_NAME_INVALID */
NTDLL_API NTSTATUS NTAPI RtlGetFullPathName_UEx(PCWSTR FileName, ULONG BufferLength, PWSTR Buffer, PWSTR *FilePart,
                                                ULONG *BytesRequired);
/** The name of an object (\??\C:\...), for RtlFreeUnicodeString. RelativeName is cleared: names are always full.
 *  STATUS_OBJECT_NAME_INVALID, STATUS_NAME_TOO_LONG */
NTDLL_API NTSTATUS NTAPI RtlDosPathNameToNtPathName_U_WithStatus(PCWSTR DosFileName, UNICODE_STRING *NtFileName,
                                                                 PWSTR *FilePart, RTL_RELATIVE_NAME_U *RelativeName);
NTDLL_API BOOLEAN NTAPI RtlDosPathNameToNtPathName_U(PCWSTR DosFileName, UNICODE_STRING *NtFileName, PWSTR *FilePart,
                                                     RTL_RELATIVE_NAME_U *RelativeName);
NTDLL_API NTSTATUS NTAPI RtlDosPathNameToRelativeNtPathName_U_WithStatus(PCWSTR DosFileName, UNICODE_STRING *NtFileName,
                                                                         PWSTR *FilePart,
                                                                         RTL_RELATIVE_NAME_U *RelativeName);
NTDLL_API BOOLEAN NTAPI RtlDosPathNameToRelativeNtPathName_U(PCWSTR DosFileName, UNICODE_STRING *NtFileName,
                                                             PWSTR *FilePart, RTL_RELATIVE_NAME_U *RelativeName);
NTDLL_API void NTAPI RtlReleaseRelativeName(RTL_RELATIVE_NAME_U *RelativeName);
NTDLL_API BOOLEAN NTAPI RtlDoesFileExists_U(PCWSTR FileName);
/** Looks for a file in the directories of Path; full name as RtlGetFullPathName_U. 0: not found. */
NTDLL_API ULONG NTAPI RtlDosSearchPath_U(PCWSTR Path, PCWSTR FileName, PCWSTR Extension, ULONG BufferLength,
                                         PWSTR Buffer, PWSTR *FilePart);
/** Without a separator at the end, but for a root. */
NTDLL_API ULONG NTAPI RtlGetCurrentDirectory_U(ULONG BufferLength, PWSTR Buffer);
/** Statuses of NtOpenFile */
NTDLL_API NTSTATUS NTAPI RtlSetCurrentDirectory_U(const UNICODE_STRING *PathName);

/* ---- environment.c: Environment NULL: the process's ---- */

NTDLL_API void NTAPI RtlAcquirePebLock(void);
NTDLL_API void NTAPI RtlReleasePebLock(void);
/** Value of a variable. STATUS_VARIABLE_NOT_FOUND, STATUS_BUFFER_TOO_SMALL (Length: what is needed) */
NTDLL_API NTSTATUS NTAPI RtlQueryEnvironmentVariable_U(PWSTR Environment, const UNICODE_STRING *Name,
                                                       UNICODE_STRING *Value);
/** The same in characters; ReturnLength counts the terminator only if the value does not fit. */
NTDLL_API NTSTATUS NTAPI RtlQueryEnvironmentVariable(PWSTR Environment, PCWSTR Name, SIZE_T NameLength, PWSTR Value,
                                                     SIZE_T ValueLength, SIZE_T *ReturnLength);
/** Value NULL removes. STATUS_VARIABLE_NOT_FOUND, STATUS_INVALID_PARAMETER */
NTDLL_API NTSTATUS NTAPI RtlSetEnvironmentVariable(PWSTR *Environment, const UNICODE_STRING *Name,
                                                   const UNICODE_STRING *Value);
NTDLL_API NTSTATUS NTAPI RtlSetEnvironmentVar(PWSTR *Environment, PCWSTR Name, SIZE_T NameLength, PCWSTR Value,
                                              SIZE_T ValueLength);
NTDLL_API NTSTATUS NTAPI RtlCreateEnvironment(BOOLEAN CloneCurrentEnvironment, PWSTR *Environment);
NTDLL_API NTSTATUS NTAPI RtlDestroyEnvironment(PWSTR Environment);
/** OldEnvironment NULL: the old one is freed. */
NTDLL_API void NTAPI RtlSetCurrentEnvironment(PWSTR NewEnvironment, PWSTR *OldEnvironment);
/** Puts values for %NAME%. Lengths with the terminator. STATUS_BUFFER_TOO_SMALL */
NTDLL_API NTSTATUS NTAPI RtlExpandEnvironmentStrings(PWSTR Environment, PCWSTR Source, SIZE_T SourceLength,
                                                     PWSTR Destination, SIZE_T DestinationLength, SIZE_T *ReturnLength);
NTDLL_API NTSTATUS NTAPI RtlExpandEnvironmentStrings_U(PWSTR Environment, const UNICODE_STRING *Source,
                                                       UNICODE_STRING *Destination, ULONG *ReturnedLength);

/* ---- time.c: times are 100 ns since 1601 ---- */

typedef struct _TIME_FIELDS {
  SHORT Year, Month, Day, Hour, Minute, Second, Milliseconds, Weekday;
} TIME_FIELDS;

/** FALSE: the time lies outside of what 32 bits of seconds hold. */
NTDLL_API BOOLEAN NTAPI RtlTimeToSecondsSince1970(const LARGE_INTEGER *Time, ULONG *ElapsedSeconds);
NTDLL_API BOOLEAN NTAPI RtlTimeToSecondsSince1980(const LARGE_INTEGER *Time, ULONG *ElapsedSeconds);
NTDLL_API void NTAPI RtlSecondsSince1970ToTime(ULONG ElapsedSeconds, LARGE_INTEGER *Time);
NTDLL_API void NTAPI RtlSecondsSince1980ToTime(ULONG ElapsedSeconds, LARGE_INTEGER *Time);
NTDLL_API void NTAPI RtlTimeToTimeFields(const LARGE_INTEGER *Time, TIME_FIELDS *TimeFields);
/** FALSE: no such date or time. Weekday is not read. */
NTDLL_API BOOLEAN NTAPI RtlTimeFieldsToTime(const TIME_FIELDS *TimeFields, LARGE_INTEGER *Time);
NTDLL_API NTSTATUS NTAPI RtlSystemTimeToLocalTime(const LARGE_INTEGER *SystemTime, LARGE_INTEGER *LocalTime);
NTDLL_API NTSTATUS NTAPI RtlLocalTimeToSystemTime(const LARGE_INTEGER *LocalTime, LARGE_INTEGER *SystemTime);
NTDLL_API BOOLEAN NTAPI RtlQueryPerformanceCounter(LARGE_INTEGER *PerformanceCount);
NTDLL_API BOOLEAN NTAPI RtlQueryPerformanceFrequency(LARGE_INTEGER *Frequency);
NTDLL_API LONGLONG NTAPI RtlGetSystemTimePrecise(void);
NTDLL_API LONGLONG NTAPI RtlGetInterruptTimePrecise(LARGE_INTEGER *PerformanceCounter);
/** Milliseconds since the start; no service. */
NTDLL_API ULONG NTAPI NtGetTickCount(void);

/* ---- bits.c ---- */

typedef struct _RTL_BITMAP {
  ULONG SizeOfBitMap; /**< bits */
  ULONG *Buffer;
} RTL_BITMAP;

NTDLL_API void NTAPI RtlInitializeBitMap(RTL_BITMAP *BitMapHeader, ULONG *BitMapBuffer, ULONG SizeOfBitMap);
NTDLL_API BOOLEAN NTAPI RtlTestBit(const RTL_BITMAP *BitMapHeader, ULONG BitNumber);
NTDLL_API void NTAPI RtlSetBit(RTL_BITMAP *BitMapHeader, ULONG BitNumber);
NTDLL_API void NTAPI RtlClearBit(RTL_BITMAP *BitMapHeader, ULONG BitNumber);
NTDLL_API void NTAPI RtlSetBits(RTL_BITMAP *BitMapHeader, ULONG StartingIndex, ULONG NumberToSet);
NTDLL_API void NTAPI RtlClearBits(RTL_BITMAP *BitMapHeader, ULONG StartingIndex, ULONG NumberToClear);
NTDLL_API void NTAPI RtlSetAllBits(RTL_BITMAP *BitMapHeader);
NTDLL_API void NTAPI RtlClearAllBits(RTL_BITMAP *BitMapHeader);
/** FALSE also for no bits, and for bits beyond the map. */
NTDLL_API BOOLEAN NTAPI RtlAreBitsSet(const RTL_BITMAP *BitMapHeader, ULONG StartingIndex, ULONG Length);
NTDLL_API BOOLEAN NTAPI RtlAreBitsClear(const RTL_BITMAP *BitMapHeader, ULONG StartingIndex, ULONG Length);
/** Start of a run, looked for from the hint on, then from 0; 0xFFFFFFFF: there is none. */
NTDLL_API ULONG NTAPI RtlFindClearBits(const RTL_BITMAP *BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
NTDLL_API ULONG NTAPI RtlFindSetBits(const RTL_BITMAP *BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
NTDLL_API ULONG NTAPI RtlFindClearBitsAndSet(RTL_BITMAP *BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
NTDLL_API ULONG NTAPI RtlFindSetBitsAndClear(RTL_BITMAP *BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
NTDLL_API ULONG NTAPI RtlNumberOfSetBits(const RTL_BITMAP *BitMapHeader);
NTDLL_API ULONG NTAPI RtlNumberOfClearBits(const RTL_BITMAP *BitMapHeader);

/* ---- number.c: Base 2, 8, 10, 16, or 0 for 10 (for reading: the prefix's) ---- */

/** STATUS_INVALID_PARAMETER: no such base. STATUS_BUFFER_OVERFLOW */
NTDLL_API NTSTATUS NTAPI RtlIntegerToChar(ULONG Value, ULONG Base, ULONG Length, char *String);
NTDLL_API NTSTATUS NTAPI RtlLargeIntegerToChar(const ULONG64 *Value, ULONG Base, ULONG Length, char *String);
NTDLL_API NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG Value, ULONG Base, UNICODE_STRING *String);
NTDLL_API NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONG64 Value, ULONG Base, UNICODE_STRING *String);
NTDLL_API NTSTATUS NTAPI RtlUnicodeStringToInteger(const UNICODE_STRING *String, ULONG Base, ULONG *Value);
NTDLL_API NTSTATUS NTAPI RtlCharToInteger(const char *String, ULONG Base, ULONG *Value);
/** For RtlFreeUnicodeString. */
NTDLL_API NTSTATUS NTAPI RtlStringFromGUID(const GUID *Guid, UNICODE_STRING *GuidString);
NTDLL_API NTSTATUS NTAPI RtlGUIDFromString(const UNICODE_STRING *GuidString, GUID *Guid);

/* ---- misc.c ---- */

NTDLL_API void NTAPI RtlGetNtVersionNumbers(ULONG *MajorVersion, ULONG *MinorVersion, ULONG *BuildNumber);
NTDLL_API BOOLEAN NTAPI RtlGetNtProductType(ULONG *ProductType);
NTDLL_API ULONG NTAPI RtlGetNtGlobalFlags(void);
NTDLL_API PPEB NTAPI RtlGetCurrentPeb(void);
NTDLL_API BOOLEAN NTAPI RtlIsProcessorFeaturePresent(ULONG ProcessorFeature);
NTDLL_API BOOLEAN NTAPI RtlDllShutdownInProgress(void);
/** Below 2^31 - 1; the seed goes on. */
NTDLL_API ULONG NTAPI RtlUniform(ULONG *Seed);
NTDLL_API ULONG NTAPI RtlRandom(ULONG *Seed);
NTDLL_API ULONG NTAPI RtlRandomEx(ULONG *Seed);
NTDLL_API ULONG NTAPI RtlComputeCrc32(ULONG PartialCrc, const void *Buffer, ULONG Length);
/** Bytes that are equal from the start on. */
NTDLL_API SIZE_T NTAPI RtlCompareMemory(const void *Source1, const void *Source2, SIZE_T Length);
NTDLL_API SIZE_T NTAPI RtlCompareMemoryUlong(PVOID Source, SIZE_T Length, ULONG Pattern);
NTDLL_API void NTAPI RtlFillMemoryUlong(PVOID Destination, SIZE_T Length, ULONG Pattern);
NTDLL_API PVOID NTAPI RtlEncodePointer(PVOID Pointer);
NTDLL_API PVOID NTAPI RtlDecodePointer(PVOID Pointer);
NTDLL_API PVOID NTAPI RtlEncodeSystemPointer(PVOID Pointer);
NTDLL_API PVOID NTAPI RtlDecodeSystemPointer(PVOID Pointer);

/* ---- slist.c: lists that change without a lock ---- */

NTDLL_API void NTAPI RtlInitializeSListHead(PSLIST_HEADER ListHead);
NTDLL_API PSLIST_ENTRY NTAPI RtlFirstEntrySList(const SLIST_HEADER *ListHead);
NTDLL_API USHORT NTAPI RtlQueryDepthSList(PSLIST_HEADER ListHead);
/** The entry that was first. */
NTDLL_API PSLIST_ENTRY NTAPI RtlInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry);
NTDLL_API PSLIST_ENTRY NTAPI RtlInterlockedPushListSListEx(PSLIST_HEADER ListHead, PSLIST_ENTRY List,
                                                           PSLIST_ENTRY ListEnd, DWORD Count);
NTDLL_API PSLIST_ENTRY NTAPI RtlInterlockedPopEntrySList(PSLIST_HEADER ListHead);
NTDLL_API PSLIST_ENTRY NTAPI RtlInterlockedFlushSList(PSLIST_HEADER ListHead);

/* ---- image.c ---- */

/** Flags 1: no check against Size. STATUS_INVALID_IMAGE_FORMAT, STATUS_INVALID_PARAMETER */
NTDLL_API NTSTATUS NTAPI RtlImageNtHeaderEx(ULONG Flags, PVOID BaseAddress, ULONG64 Size,
                                            IMAGE_NT_HEADERS64 **OutHeaders);
NTDLL_API IMAGE_NT_HEADERS64 *NTAPI RtlImageNtHeader(PVOID BaseAddress);
NTDLL_API IMAGE_SECTION_HEADER *NTAPI RtlImageRvaToSection(const IMAGE_NT_HEADERS64 *NtHeaders, PVOID BaseAddress,
                                                           ULONG Rva);
/** Where an RVA lies in an image that is mapped as a file. */
NTDLL_API PVOID NTAPI RtlImageRvaToVa(const IMAGE_NT_HEADERS64 *NtHeaders, PVOID BaseAddress, ULONG Rva,
                                      IMAGE_SECTION_HEADER **LastRvaSection);
NTDLL_API PVOID NTAPI RtlImageDirectoryEntryToData(PVOID BaseAddress, BOOLEAN MappedAsImage, USHORT Directory,
                                                   ULONG *Size);

/* ---- fls.c ---- */

/** STATUS_NO_MEMORY: all 127 are in use. */
NTDLL_API NTSTATUS NTAPI RtlFlsAlloc(PFLS_CALLBACK_FUNCTION Callback, ULONG *FlsIndex);
/** Calls back for the value of each thread. STATUS_INVALID_PARAMETER */
NTDLL_API NTSTATUS NTAPI RtlFlsFree(ULONG FlsIndex);
NTDLL_API NTSTATUS NTAPI RtlFlsGetValue(ULONG FlsIndex, PVOID *FlsData);
NTDLL_API NTSTATUS NTAPI RtlFlsSetValue(ULONG FlsIndex, PVOID FlsData);
/** For a fiber that ends: Flags 1 calls back, 2 frees. */
NTDLL_API void NTAPI RtlProcessFlsData(PVOID FlsData, ULONG Flags);

/* ---- params.c ---- */

/** A block with all that is given; what is NULL is this process's or empty. Flags 1: with pointers, else with offsets.
 *  STATUS_NO_MEMORY, STATUS_NAME_TOO_LONG */
NTDLL_API NTSTATUS NTAPI RtlCreateProcessParametersEx(
    PRTL_USER_PROCESS_PARAMETERS *pProcessParameters, const UNICODE_STRING *ImagePathName,
    const UNICODE_STRING *DllPath, const UNICODE_STRING *CurrentDirectory, const UNICODE_STRING *CommandLine,
    PWSTR Environment, const UNICODE_STRING *WindowTitle, const UNICODE_STRING *DesktopInfo,
    const UNICODE_STRING *ShellInfo, const UNICODE_STRING *RuntimeData, ULONG Flags);
NTDLL_API NTSTATUS NTAPI RtlCreateProcessParameters(PRTL_USER_PROCESS_PARAMETERS *pProcessParameters,
                                                    const UNICODE_STRING *ImagePathName, const UNICODE_STRING *DllPath,
                                                    const UNICODE_STRING *CurrentDirectory,
                                                    const UNICODE_STRING *CommandLine, PWSTR Environment,
                                                    const UNICODE_STRING *WindowTitle,
                                                    const UNICODE_STRING *DesktopInfo, const UNICODE_STRING *ShellInfo,
                                                    const UNICODE_STRING *RuntimeData);
NTDLL_API NTSTATUS NTAPI RtlDestroyProcessParameters(PRTL_USER_PROCESS_PARAMETERS ProcessParameters);
/** Offsets to pointers, and back. */
NTDLL_API PRTL_USER_PROCESS_PARAMETERS NTAPI RtlNormalizeProcessParams(PRTL_USER_PROCESS_PARAMETERS ProcessParameters);
NTDLL_API PRTL_USER_PROCESS_PARAMETERS NTAPI
RtlDeNormalizeProcessParams(PRTL_USER_PROCESS_PARAMETERS ProcessParameters);

#endif
