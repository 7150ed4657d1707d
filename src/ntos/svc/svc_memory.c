/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocation, protection and copies. */
#include "ntos/svc/svc_memory.h"

#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/ob/ob.h"
#include "ntos/svc/svc_io.h"
#include "ntos/svc/svc_process.h"

#include <string.h>

#define PAGE_BYTES 0x1000ull
#define MemExtendedParameterAddressRequirements 1u

/* The in-out pair that most memory services have. */
static NTSTATUS capture_range(ULONG64 base_pointer, ULONG64 size_pointer, ULONG64 *base, ULONG64 *size)
{
  NTSTATUS status = ProbeForWrite(base_pointer, sizeof(*base), 8);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(size_pointer, sizeof(*size), 8);
  if (NT_SUCCESS(status))
    status = mm_user_read_u64(base_pointer, base);
  if (NT_SUCCESS(status))
    status = mm_user_read_u64(size_pointer, size);
  return status;
}

static void return_range(ULONG64 base_pointer, ULONG64 size_pointer, ULONG64 base, ULONG64 size)
{
  (void)mm_user_write_u64(base_pointer, base);
  (void)mm_user_write_u64(size_pointer, size);
}

NTSTATUS NtAllocateVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 ZeroBits, ULONG64 RegionSize,
                                 ULONG AllocationType, ULONG Protect)
{
  EPROCESS *process;
  ULONG64 base, size;
  NTSTATUS status = capture_range(BaseAddress, RegionSize, &base, &size);
  if (NT_SUCCESS(status))
    status = svc_reference_process(ProcessHandle, PROCESS_VM_OPERATION, &process);
  if (!NT_SUCCESS(status))
    return status;
  status = MmAllocateVirtualMemory(process, &base, ZeroBits, &size, AllocationType, Protect);
  ObDereferenceObject(process);
  if (NT_SUCCESS(status))
    return_range(BaseAddress, RegionSize, base, size);
  return status;
}

/* Address requirements that require nothing are the only extended parameter that is known. */
static NTSTATUS check_extended_parameter(ULONG64 address)
{
  ULONG64 parameter[2], requirements[3];
  NTSTATUS status = mm_user_read(parameter, address, sizeof(parameter));
  if (!NT_SUCCESS(status))
    return status;
  if ((parameter[0] & 0xFF) != MemExtendedParameterAddressRequirements)
    return STATUS_INVALID_PARAMETER;
  status = mm_user_read(requirements, parameter[1], sizeof(requirements));
  if (!NT_SUCCESS(status))
    return status;
  return (requirements[0] | requirements[1] | requirements[2]) == 0 ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED;
}

NTSTATUS NtAllocateVirtualMemoryEx(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 RegionSize, ULONG AllocationType,
                                   ULONG Protect, ULONG64 ExtendedParameters, ULONG ExtendedParameterCount)
{
  if (ExtendedParameterCount > 1)
    return STATUS_INVALID_PARAMETER;
  if (ExtendedParameterCount == 1) {
    NTSTATUS status = check_extended_parameter(ExtendedParameters);
    if (!NT_SUCCESS(status))
      return status;
  }
  return NtAllocateVirtualMemory(ProcessHandle, BaseAddress, 0, RegionSize, AllocationType, Protect);
}

NTSTATUS NtFreeVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 RegionSize, ULONG FreeType)
{
  EPROCESS *process;
  ULONG64 base, size;
  NTSTATUS status = capture_range(BaseAddress, RegionSize, &base, &size);
  if (NT_SUCCESS(status))
    status = svc_reference_process(ProcessHandle, PROCESS_VM_OPERATION, &process);
  if (!NT_SUCCESS(status))
    return status;
  status = MmFreeVirtualMemory(process, &base, &size, FreeType);
  ObDereferenceObject(process);
  if (NT_SUCCESS(status))
    return_range(BaseAddress, RegionSize, base, size);
  return status;
}

NTSTATUS NtProtectVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 RegionSize, ULONG NewProtect,
                                ULONG64 OldProtect)
{
  EPROCESS *process;
  ULONG64 base, size;
  ULONG old = 0;
  NTSTATUS status = capture_range(BaseAddress, RegionSize, &base, &size);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(OldProtect, sizeof(old), 4);
  if (NT_SUCCESS(status))
    status = svc_reference_process(ProcessHandle, PROCESS_VM_OPERATION, &process);
  if (!NT_SUCCESS(status))
    return status;
  status = MmProtectVirtualMemory(process, &base, &size, NewProtect, &old);
  ObDereferenceObject(process);
  if (NT_SUCCESS(status)) {
    return_range(BaseAddress, RegionSize, base, size);
    (void)mm_user_write_u32(OldProtect, old);
  }
  return status;
}

/* ---- copies ---- */

/* Moves one chunk; *done receives its bytes. */
static NTSTATUS move(EPROCESS *process, ULONG64 address, ULONG64 buffer, UCHAR *chunk, size_t size, bool write,
                     size_t *done)
{
  *done = 0;
  if (write) {
    NTSTATUS status = mm_user_read(chunk, buffer, size);
    return NT_SUCCESS(status) ? mm_process_write(process, address, chunk, size, done) : status;
  }
  NTSTATUS status = mm_process_read(process, address, chunk, size, done);
  NTSTATUS copied = mm_user_write(buffer, chunk, *done);
  if (!NT_SUCCESS(copied)) {
    *done = 0;
    return copied;
  }
  return status;
}

static NTSTATUS copy(HANDLE ProcessHandle, ULONG64 address, ULONG64 buffer, ULONG64 size, ULONG64 moved_pointer,
                     bool write)
{
  EPROCESS *process = NULL;
  ULONG64 total = 0;
  NTSTATUS status = STATUS_SUCCESS;
  if (address + size < address || address + size > MM_HIGHEST_USER_ADDRESS || buffer + size < buffer)
    return STATUS_ACCESS_VIOLATION;
  if (moved_pointer != 0)
    status = ProbeForWrite(moved_pointer, sizeof(total), 8);
  if (NT_SUCCESS(status) && size != 0)
    status = svc_reference_process(ProcessHandle, write ? PROCESS_VM_WRITE : PROCESS_VM_READ, &process);
  if (!NT_SUCCESS(status))
    return status;
  if (size != 0) {
    size_t room = size < SVC_CHUNK ? (size_t)size : SVC_CHUNK;
    UCHAR *chunk = ExAllocatePoolWithTag(room, POOL_TAG('V', 'm', 'C', 'p'));
    status = chunk != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    while (status == STATUS_SUCCESS && total < size) {
      size_t wanted = size - total < room ? (size_t)(size - total) : room;
      size_t done;
      status = move(process, address + total, buffer + total, chunk, wanted, write, &done);
      total += done;
    }
    ExFreePool(chunk);
    ObDereferenceObject(process);
  }
  if (moved_pointer != 0)
    (void)mm_user_write_u64(moved_pointer, total);
  return status;
}

NTSTATUS NtReadVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 Buffer, ULONG64 BufferSize,
                             ULONG64 NumberOfBytesRead)
{
  return copy(ProcessHandle, BaseAddress, Buffer, BufferSize, NumberOfBytesRead, false);
}

NTSTATUS NtWriteVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 Buffer, ULONG64 BufferSize,
                              ULONG64 NumberOfBytesWritten)
{
  return copy(ProcessHandle, BaseAddress, Buffer, BufferSize, NumberOfBytesWritten, true);
}

/* ---- caches and locks ---- */

static NTSTATUS check_process(HANDLE ProcessHandle, ACCESS_MASK access)
{
  EPROCESS *process;
  NTSTATUS status = svc_reference_process(ProcessHandle, access, &process);
  if (NT_SUCCESS(status))
    ObDereferenceObject(process);
  return status;
}

NTSTATUS NtFlushInstructionCache(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 Length)
{
  (void)BaseAddress;
  (void)Length;
  return check_process(ProcessHandle, PROCESS_VM_WRITE);
}

NTSTATUS NtFlushVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 RegionSize, ULONG64 IoStatusBlock)
{
  EPROCESS *process;
  ULONG64 base, size, view;
  IO_STATUS_BLOCK64 block = {.Status = STATUS_SUCCESS};
  NTSTATUS status = capture_range(BaseAddress, RegionSize, &base, &size);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(IoStatusBlock, sizeof(block), 4);
  if (NT_SUCCESS(status))
    status = svc_reference_process(ProcessHandle, PROCESS_VM_OPERATION, &process);
  if (!NT_SUCCESS(status))
    return status;
  SECTION *section = mm_section_at(process, base, &view);
  status = section != NULL ? STATUS_SUCCESS : STATUS_NOT_MAPPED_VIEW;
  if (section != NULL) {
    if (size == 0)
      size = section->SizeOfSection - (base - view < section->SizeOfSection ? base - view : 0);
    return_range(BaseAddress, RegionSize, base & ~(PAGE_BYTES - 1), size);
    (void)mm_user_write(IoStatusBlock, &block, sizeof(block));
    ObDereferenceObject(section);
  }
  ObDereferenceObject(process);
  return status;
}

static NTSTATUS lock_range(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 RegionSize, ULONG MapType)
{
  EPROCESS *process;
  ULONG64 base, size;
  if (MapType == 0 || MapType > 3)
    return STATUS_INVALID_PARAMETER;
  NTSTATUS status = capture_range(BaseAddress, RegionSize, &base, &size);
  if (NT_SUCCESS(status) && (base > MM_HIGHEST_USER_ADDRESS || size > MM_HIGHEST_USER_ADDRESS - base))
    status = STATUS_INVALID_PARAMETER;
  if (NT_SUCCESS(status))
    status = svc_reference_process(ProcessHandle, PROCESS_VM_OPERATION, &process);
  if (!NT_SUCCESS(status))
    return status;
  ULONG64 end = (base + size + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
  base &= ~(PAGE_BYTES - 1);
  for (ULONG64 at = base; NT_SUCCESS(status) && at < end;) {
    MEMORY_BASIC_INFORMATION64 information;
    status = MmQueryVirtualMemory(process, at, &information);
    if (NT_SUCCESS(status) && (information.State != MEM_COMMIT || information.RegionSize == 0))
      status = STATUS_ACCESS_VIOLATION;
    at = information.BaseAddress + information.RegionSize;
  }
  ObDereferenceObject(process);
  if (NT_SUCCESS(status))
    return_range(BaseAddress, RegionSize, base, end - base);
  return status;
}

NTSTATUS NtLockVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 RegionSize, ULONG MapType)
{
  return lock_range(ProcessHandle, BaseAddress, RegionSize, MapType);
}

NTSTATUS NtUnlockVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 RegionSize, ULONG MapType)
{
  return lock_range(ProcessHandle, BaseAddress, RegionSize, MapType);
}

NTSTATUS NtGetWriteWatch(HANDLE ProcessHandle, ULONG Flags, ULONG64 BaseAddress, ULONG64 RegionSize,
                         ULONG64 UserAddressArray, ULONG64 EntriesInUserAddressArray, ULONG64 Granularity)
{
  (void)Flags;
  (void)BaseAddress;
  (void)RegionSize;
  (void)UserAddressArray;
  (void)EntriesInUserAddressArray;
  (void)Granularity;
  NTSTATUS status = check_process(ProcessHandle, PROCESS_VM_OPERATION);
  return NT_SUCCESS(status) ? STATUS_NOT_SUPPORTED : status;
}

NTSTATUS NtResetWriteWatch(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 RegionSize)
{
  return NtGetWriteWatch(ProcessHandle, 0, BaseAddress, RegionSize, 0, 0, 0);
}

NTSTATUS NtSetInformationVirtualMemory(HANDLE ProcessHandle, ULONG VmInformationClass, ULONG64 NumberOfEntries,
                                       ULONG64 VirtualAddresses, ULONG64 VmInformation, ULONG VmInformationLength)
{
  (void)NumberOfEntries;
  (void)VirtualAddresses;
  (void)VmInformation;
  (void)VmInformationLength;
  return VmInformationClass == 0 ? check_process(ProcessHandle, PROCESS_VM_OPERATION) : STATUS_INVALID_PARAMETER_2;
}

SVC_THUNK_6(NtAllocateVirtualMemory, HANDLE, ULONG64, ULONG64, ULONG64, ULONG, ULONG)
SVC_THUNK_7(NtAllocateVirtualMemoryEx, HANDLE, ULONG64, ULONG64, ULONG, ULONG, ULONG64, ULONG)
SVC_THUNK_4(NtFreeVirtualMemory, HANDLE, ULONG64, ULONG64, ULONG)
SVC_THUNK_5(NtProtectVirtualMemory, HANDLE, ULONG64, ULONG64, ULONG, ULONG64)
SVC_THUNK_6(NtQueryVirtualMemory, HANDLE, ULONG64, ULONG, ULONG64, ULONG64, ULONG64)
SVC_THUNK_5(NtReadVirtualMemory, HANDLE, ULONG64, ULONG64, ULONG64, ULONG64)
SVC_THUNK_5(NtWriteVirtualMemory, HANDLE, ULONG64, ULONG64, ULONG64, ULONG64)
SVC_THUNK_3(NtFlushInstructionCache, HANDLE, ULONG64, ULONG64)
SVC_THUNK_4(NtFlushVirtualMemory, HANDLE, ULONG64, ULONG64, ULONG64)
SVC_THUNK_4(NtLockVirtualMemory, HANDLE, ULONG64, ULONG64, ULONG)
SVC_THUNK_4(NtUnlockVirtualMemory, HANDLE, ULONG64, ULONG64, ULONG)
SVC_THUNK_7(NtGetWriteWatch, HANDLE, ULONG, ULONG64, ULONG64, ULONG64, ULONG64, ULONG64)
SVC_THUNK_3(NtResetWriteWatch, HANDLE, ULONG64, ULONG64)
SVC_THUNK_6(NtSetInformationVirtualMemory, HANDLE, ULONG, ULONG64, ULONG64, ULONG64, ULONG)

const struct svc_entry svc_memory_table[] = {
    SVC(NtAllocateVirtualMemory, 6),
    SVC(NtAllocateVirtualMemoryEx, 7),
    SVC(NtFreeVirtualMemory, 4),
    SVC(NtProtectVirtualMemory, 5),
    SVC(NtQueryVirtualMemory, 6),
    SVC(NtReadVirtualMemory, 5),
    SVC(NtWriteVirtualMemory, 5),
    SVC(NtFlushInstructionCache, 3),
    SVC(NtFlushVirtualMemory, 4),
    SVC(NtLockVirtualMemory, 4),
    SVC(NtUnlockVirtualMemory, 4),
    SVC(NtGetWriteWatch, 7),
    SVC(NtResetWriteWatch, 3),
    SVC(NtSetInformationVirtualMemory, 6),
    {0},
};
