/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_memory.h  Services on virtual memory: of the caller's process and, with access, of others. */
#ifndef NTOS_SVC_SVC_MEMORY_H
#define NTOS_SVC_SVC_MEMORY_H

#include "ntos/svc/svc.h"

extern const struct svc_entry svc_memory_table[];

/** Reserves or commits. Statuses of MmAllocateVirtualMemory. */
NTSTATUS NtAllocateVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 ZeroBits, ULONG64 RegionSize,
                                 ULONG AllocationType, ULONG Protect);
/** The same with extended parameters: address requirements of zeros only. */
NTSTATUS NtAllocateVirtualMemoryEx(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 RegionSize, ULONG AllocationType,
                                   ULONG Protect, ULONG64 ExtendedParameters, ULONG ExtendedParameterCount);
/** Decommits or releases. Statuses of MmFreeVirtualMemory. */
NTSTATUS NtFreeVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 RegionSize, ULONG FreeType);
/** Changes protection. Statuses of MmProtectVirtualMemory. */
NTSTATUS NtProtectVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 RegionSize, ULONG NewProtect,
                                ULONG64 OldProtect);
/** Classes 0 (basic), 2 (mapped file name), 3 (region), 6 (image), in Wine's userland 1000 (Unix functions).
 *  STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_ADDRESS, STATUS_BUFFER_OVERFLOW. */
NTSTATUS NtQueryVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG MemoryInformationClass,
                              ULONG64 MemoryInformation, ULONG64 MemoryInformationLength, ULONG64 ReturnLength);
/** STATUS_PARTIAL_COPY with the bytes that were moved before the first bad page. */
NTSTATUS NtReadVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 Buffer, ULONG64 BufferSize,
                             ULONG64 NumberOfBytesRead);
/** The same for writing. */
NTSTATUS NtWriteVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 Buffer, ULONG64 BufferSize,
                              ULONG64 NumberOfBytesWritten);
/** Translations follow writes by themselves: checks the handle only. */
NTSTATUS NtFlushInstructionCache(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 Length);
/** Views of files are copies: nothing to write back. STATUS_NOT_MAPPED_VIEW. */
NTSTATUS NtFlushVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 RegionSize, ULONG64 IoStatusBlock);
/** All memory is resident: rounds the range, and fails where nothing is committed. */
NTSTATUS NtLockVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 RegionSize, ULONG MapType);
/** The same. */
NTSTATUS NtUnlockVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 RegionSize, ULONG MapType);
/** STATUS_NOT_SUPPORTED: writes are not watched. */
NTSTATUS NtGetWriteWatch(HANDLE ProcessHandle, ULONG Flags, ULONG64 BaseAddress, ULONG64 RegionSize,
                         ULONG64 UserAddressArray, ULONG64 EntriesInUserAddressArray, ULONG64 Granularity);
/** STATUS_NOT_SUPPORTED: writes are not watched. */
NTSTATUS NtResetWriteWatch(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 RegionSize);
/** Prefetching (class 0) is granted; other classes STATUS_INVALID_PARAMETER_2. */
NTSTATUS NtSetInformationVirtualMemory(HANDLE ProcessHandle, ULONG VmInformationClass, ULONG64 NumberOfEntries,
                                       ULONG64 VirtualAddresses, ULONG64 VmInformation, ULONG VmInformationLength);

#endif
