/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NtQueryVirtualMemory. */
#include "ntos/svc/svc_process.h"

#include "ntos/io/io.h"
#include "ntos/ke/ke.h"
#include "ntos/life/life.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_memory.h"
#include "ntos/svc/svc_section.h"

#include <string.h>

enum memory_class {
  MemoryBasicInformation = 0,
  MemoryMappedFilenameInformation = 2,
  MemoryRegionInformation = 3,
  MemoryImageInformation = 6,
  MemoryWineUnixFuncs = 1000
};

typedef struct _MEMORY_REGION_INFORMATION {
  ULONG64 AllocationBase;
  ULONG AllocationProtect;
  ULONG RegionType;
  ULONG64 RegionSize;
  ULONG64 CommitSize;
} MEMORY_REGION_INFORMATION;
C_ASSERT_SIZE(MEMORY_REGION_INFORMATION, 0x20);
#define REGION_PRIVATE 0x1u
#define REGION_MAPPED_DATA_FILE 0x2u
#define REGION_MAPPED_IMAGE 0x4u

typedef struct _MEMORY_IMAGE_INFORMATION {
  ULONG64 ImageBase;
  ULONG64 SizeOfImage;
  ULONG ImageFlags;
  ULONG Reserved;
} MEMORY_IMAGE_INFORMATION;
C_ASSERT_SIZE(MEMORY_IMAGE_INFORMATION, 0x18);

static NTSTATUS query_name(EPROCESS *process, ULONG64 address, ULONG64 out, ULONG64 length, ULONG64 *needed)
{
  static const char volume[] = "\\Device\\HarddiskVolume1";
  ULONG64 base;
  SECTION *section = mm_section_at(process, address, &base);
  const char *path = section != NULL ? mm_section_path(section) : NULL;
  NTSTATUS status = STATUS_INVALID_ADDRESS;
  if (path != NULL && strlen(path) >= 6) {
    /* \??\C: is the volume. */
    size_t tail = strlen(path + 6);
    char *name = ExAllocatePoolWithTag(sizeof(volume) + tail, POOL_TAG('M', 'm', 'N', 'm'));
    ULONG bytes = 0;
    WCHAR *wide = NULL;
    if (name != NULL) {
      memcpy(name, volume, sizeof(volume) - 1);
      memcpy(name + sizeof(volume) - 1, path + 6, tail + 1);
      wide = io_utf16(name, &bytes);
    }
    UNICODE_STRING64 string = {.Length = (USHORT)bytes,
                               .MaximumLength = (USHORT)(bytes + sizeof(WCHAR)),
                               .Buffer = out + sizeof(UNICODE_STRING64)};
    WCHAR terminator = 0;
    *needed = sizeof(string) + string.MaximumLength;
    if (wide == NULL)
      status = STATUS_INSUFFICIENT_RESOURCES;
    else if (length < sizeof(string))
      status = STATUS_INFO_LENGTH_MISMATCH;
    else if (bytes > 0xFFF0 || length < *needed)
      status = STATUS_BUFFER_OVERFLOW;
    else
      status = mm_user_write(out, &string, sizeof(string));
    if (status == STATUS_SUCCESS)
      status = mm_user_write(string.Buffer, wide, bytes);
    if (status == STATUS_SUCCESS)
      status = mm_user_write(string.Buffer + bytes, &terminator, sizeof(terminator));
    ExFreePool(wide);
    ExFreePool(name);
  }
  if (section != NULL)
    ObDereferenceObject(section);
  return status;
}

static NTSTATUS query_region(EPROCESS *process, ULONG64 address, MEMORY_REGION_INFORMATION *out)
{
  MEMORY_BASIC_INFORMATION64 information;
  NTSTATUS status = MmQueryVirtualMemory(process, address, &information);
  if (!NT_SUCCESS(status))
    return status;
  if (information.State == MEM_FREE)
    return STATUS_INVALID_ADDRESS;
  out->AllocationBase = information.AllocationBase;
  out->AllocationProtect = information.AllocationProtect;
  out->RegionType = information.Type == MEM_IMAGE    ? REGION_MAPPED_IMAGE
                    : information.Type == MEM_MAPPED ? REGION_MAPPED_DATA_FILE
                                                     : REGION_PRIVATE;
  for (ULONG64 at = out->AllocationBase;; at = information.BaseAddress + information.RegionSize) {
    status = MmQueryVirtualMemory(process, at, &information);
    if (!NT_SUCCESS(status) || information.State == MEM_FREE || information.AllocationBase != out->AllocationBase ||
        information.RegionSize == 0)
      break;
    out->RegionSize += information.RegionSize;
    if (information.State == MEM_COMMIT)
      out->CommitSize += information.RegionSize;
  }
  return STATUS_SUCCESS;
}

static NTSTATUS query_image(EPROCESS *process, ULONG64 address, MEMORY_IMAGE_INFORMATION *out)
{
  ULONG64 base;
  SECTION *section = mm_section_at(process, address, &base);
  if (section == NULL)
    return STATUS_INVALID_ADDRESS;
  const struct pe_headers *pe = mm_section_headers(section);
  if (pe != NULL) {
    out->ImageBase = base;
    out->SizeOfImage = pe->size_of_image;
  }
  ObDereferenceObject(section);
  return pe != NULL ? STATUS_SUCCESS : STATUS_INVALID_ADDRESS;
}

/* Where Wine's DLLs ask for the table of their Unix side. Each but ntdll (whose handle stays 0) gets its base for a
 * handle, since some refuse to load without one; the calls themselves are not implemented. */
static NTSTATUS query_unix_functions(EPROCESS *process, ULONG64 address, ULONG64 *handle)
{
  ULONG64 base;
  const struct life_userland *userland = life_userland();
  if (userland->unix_call_slot == 0)
    return STATUS_INVALID_INFO_CLASS;
  SECTION *section = mm_section_at(process, address, &base);
  if (section == NULL)
    return STATUS_INVALID_ADDRESS;
  *handle = base;
  NTSTATUS status = section != userland->ntdll && mm_section_headers(section) != NULL ? STATUS_SUCCESS
                                                                                      : STATUS_INVALID_INFO_CLASS;
  ObDereferenceObject(section);
  return status;
}

static ULONG size_of_class(ULONG class)
{
  switch (class) {
  case MemoryBasicInformation:
    return sizeof(MEMORY_BASIC_INFORMATION64);
  case MemoryMappedFilenameInformation:
    return sizeof(UNICODE_STRING64);
  case MemoryRegionInformation:
    return offsetof(MEMORY_REGION_INFORMATION, CommitSize);
  case MemoryImageInformation:
    return sizeof(MEMORY_IMAGE_INFORMATION);
  case MemoryWineUnixFuncs:
    return sizeof(ULONG64);
  default:
    return 0;
  }
}

NTSTATUS NtQueryVirtualMemory(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG MemoryInformationClass,
                              ULONG64 MemoryInformation, ULONG64 MemoryInformationLength, ULONG64 ReturnLength)
{
  EPROCESS *process;
  union {
    MEMORY_BASIC_INFORMATION64 basic;
    MEMORY_REGION_INFORMATION region;
    MEMORY_IMAGE_INFORMATION image;
    ULONG64 handle;
  } out;
  ULONG64 size = size_of_class(MemoryInformationClass);
  memset(&out, 0, sizeof(out));
  if (size == 0)
    return STATUS_INVALID_INFO_CLASS;
  if (MemoryInformationLength < size)
    return STATUS_INFO_LENGTH_MISMATCH;
  if (BaseAddress > MM_HIGHEST_USER_ADDRESS)
    return STATUS_INVALID_PARAMETER;
  if (MemoryInformationClass == MemoryRegionInformation && MemoryInformationLength >= sizeof(out.region))
    size = sizeof(out.region);
  NTSTATUS status = ProbeForWrite(MemoryInformation, size, 8);
  if (NT_SUCCESS(status) && ReturnLength != 0)
    status = ProbeForWrite(ReturnLength, sizeof(size), 8);
  if (NT_SUCCESS(status))
    status = svc_reference_process(ProcessHandle, PROCESS_QUERY_INFORMATION, &process);
  if (!NT_SUCCESS(status))
    return status;
  switch (MemoryInformationClass) {
  case MemoryBasicInformation:
    status = MmQueryVirtualMemory(process, BaseAddress, &out.basic);
    break;
  case MemoryMappedFilenameInformation:
    status = query_name(process, BaseAddress, MemoryInformation, MemoryInformationLength, &size);
    break;
  case MemoryRegionInformation:
    status = query_region(process, BaseAddress, &out.region);
    break;
  case MemoryWineUnixFuncs:
    status = query_unix_functions(process, BaseAddress, &out.handle);
    break;
  default:
    status = query_image(process, BaseAddress, &out.image);
    break;
  }
  ObDereferenceObject(process);
  if (NT_SUCCESS(status) && MemoryInformationClass != MemoryMappedFilenameInformation)
    status = mm_user_write(MemoryInformation, &out, size);
  if (ReturnLength != 0 && (NT_SUCCESS(status) || status == STATUS_BUFFER_OVERFLOW))
    (void)mm_user_write_u64(ReturnLength, size);
  return status;
}
