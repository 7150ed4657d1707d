/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/svc/svc_section.h"

#include "dbgk/dbgk.h"
#include "ntos/svc/svc_io.h"
#include "ntos/svc/svc_named.h"

#include <stdlib.h>
#include <string.h>

#define STATUS_SECTION_NOT_EXTENDED NT_STATUS_VALUE(0xC0000087)
#define STATUS_INVALID_PARAMETER_8 NT_STATUS_VALUE(0xC00000F6)
#define STATUS_INVALID_PARAMETER_9 NT_STATUS_VALUE(0xC00000F7)

#define SEC_BASED 0x200000u
#define SEC_NO_CHANGE 0x400000u
#define SEC_NOCACHE 0x10000000u
#define SEC_IMAGE_NO_EXECUTE 0x11000000u
#define SEC_KINDS (SEC_IMAGE | SEC_RESERVE | SEC_COMMIT)
#define ViewShare 1u
#define ViewUnmap 2u
#define MEM_LARGE_PAGES 0x20000000u
#define MEM_DIFFERENT_IMAGE_BASE_OK 0x800000u
#define VALID_MAP_TYPES (MEM_RESERVE | MEM_TOP_DOWN | SEC_NO_CHANGE | MEM_DIFFERENT_IMAGE_BASE_OK | MEM_LARGE_PAGES)

/* ---- creation ---- */

static bool writes(ULONG protection)
{
  return (protection & 0xFF) == PAGE_READWRITE || (protection & 0xFF) == PAGE_EXECUTE_READWRITE;
}

static NTSTATUS check_attributes(ULONG attributes)
{
  ULONG kind = attributes & SEC_KINDS;
  bool image_only = (attributes & SEC_IMAGE) && (attributes & ~SEC_IMAGE_NO_EXECUTE & ~SEC_NO_CHANGE);
  if ((kind != SEC_IMAGE && kind != SEC_RESERVE && kind != SEC_COMMIT) || image_only ||
      (attributes & ~(SEC_KINDS | SEC_BASED | SEC_NO_CHANGE | SEC_NOCACHE | SEC_FILE)))
    return STATUS_INVALID_PARAMETER_6;
  return STATUS_SUCCESS;
}

static NTSTATUS reference_file(HANDLE FileHandle, ULONG protection, ULONG attributes, FILE_OBJECT **file)
{
  ACCESS_MASK granted = 0;
  NTSTATUS status = svc_reference_file(FileHandle, 0, file, &granted);
  if (!NT_SUCCESS(status) || KeGetPreviousMode() == KernelMode)
    return status;
  /* An executable view needs no FILE_EXECUTE here: Wine's loader opens DLLs with GENERIC_READ. */
  bool readable = (granted & (FILE_READ_DATA | FILE_EXECUTE)) != 0;
  bool writable = (granted & FILE_WRITE_DATA) != 0 || !writes(protection) || (attributes & SEC_IMAGE);
  if (readable && writable)
    return STATUS_SUCCESS;
  ObDereferenceObject(*file);
  *file = NULL;
  return STATUS_ACCESS_DENIED;
}

static NTSTATUS create(SECTION **section, FILE_OBJECT *file, ULONG64 size, ULONG protection, ULONG attributes)
{
  void *bytes = NULL;
  size_t length = 0;
  if (file == NULL)
    return MmCreateSection(section, NULL, size, protection, attributes);
  /* What a guest can write may differ next time at the same size: never taken from the cache. */
  struct mm_file_source source = {
      .file_object = file, .path = file->path, .identity = file->writable ? 0 : file->identity};
  NTSTATUS status = attributes & SEC_IMAGE ? io_read_all(file, &bytes, &length) : io_section_size(file, &source.size);
  if (!NT_SUCCESS(status))
    return status;
  if (attributes & SEC_IMAGE) {
    source.bytes = bytes;
    source.malloced = &bytes;
    source.size = length;
  }
  status = MmCreateSection(section, &source, size, protection, attributes);
  free(bytes);
  return status;
}

NTSTATUS NtCreateSection(ULONG64 SectionHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                         ULONG64 MaximumSize, ULONG SectionPageProtection, ULONG AllocationAttributes,
                         HANDLE FileHandle)
{
  struct svc_object_attributes attributes;
  FILE_OBJECT *file = NULL;
  SECTION *section = NULL;
  ULONG64 size = 0;
  NTSTATUS status = check_attributes(AllocationAttributes);
  if (NT_SUCCESS(status) && MaximumSize != 0)
    status = mm_user_read(&size, MaximumSize, sizeof(size));
  if (NT_SUCCESS(status))
    status = svc_begin_create(SectionHandle, ObjectAttributes, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  if (FileHandle != 0)
    status = reference_file(FileHandle, SectionPageProtection, AllocationAttributes, &file);
  else if (AllocationAttributes & SEC_IMAGE)
    status = STATUS_INVALID_FILE_FOR_SECTION;
  else if (size == 0)
    status = STATUS_INVALID_PARAMETER_4;
  if (NT_SUCCESS(status))
    status = create(&section, file, size, SectionPageProtection, AllocationAttributes);
  if (file != NULL)
    ObDereferenceObject(file);
  if (NT_SUCCESS(status))
    return svc_finish_create(section, DesiredAccess, &attributes, SectionHandle);
  svc_release_object_attributes(&attributes);
  return status;
}

NTSTATUS NtOpenSection(ULONG64 SectionHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes)
{
  return svc_open_named(SectionHandle, DesiredAccess, ObjectAttributes, ob_types()->Section);
}

/* ---- queries ---- */

typedef struct _SECTION_BASIC_INFORMATION {
  ULONG64 BaseAddress;
  ULONG AllocationAttributes;
  ULONG Reserved;
  LONG64 MaximumSize;
} SECTION_BASIC_INFORMATION;
C_ASSERT_SIZE(SECTION_BASIC_INFORMATION, 0x18);

#define IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE 0x40u
#define IMAGE_FLAG_DYNAMICALLY_RELOCATED 0x4u
#define IMAGE_FLAG_MAPPED_FLAT 0x8u
#define PAGE_BYTES 0x1000u

bool svc_image_information(const SECTION *Section, SECTION_IMAGE_INFORMATION *out)
{
  const struct pe_headers *pe = mm_section_headers(Section);
  size_t file_size = 0;
  memset(out, 0, sizeof(*out));
  if (pe == NULL)
    return false;
  (void)mm_section_file_bytes(Section, &file_size);
  out->TransferAddress = pe->image_base + pe->entry_point;
  out->MaximumStackSize = pe->stack_reserve;
  out->CommittedStackSize = pe->stack_commit;
  out->SubSystemType = pe->subsystem;
  out->SubSystemMinorVersion = pe->subsystem_minor;
  out->SubSystemMajorVersion = pe->subsystem_major;
  out->MajorOperatingSystemVersion = pe->os_major;
  out->MinorOperatingSystemVersion = pe->os_minor;
  out->ImageCharacteristics = pe->characteristics;
  out->DllCharacteristics = pe->dll_characteristics;
  out->Machine = pe->machine;
  for (unsigned i = 0; i < pe->section_count; i++) {
    if (pe->sections[i].characteristics & (IMAGE_SCN_CNT_CODE | IMAGE_SCN_MEM_EXECUTE))
      out->ImageContainsCode = TRUE;
  }
  if ((pe->dll_characteristics & IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE) &&
      !(pe->characteristics & IMAGE_FILE_RELOCS_STRIPPED))
    out->ImageFlags |= IMAGE_FLAG_DYNAMICALLY_RELOCATED;
  if (pe->section_alignment < PAGE_BYTES)
    out->ImageFlags |= IMAGE_FLAG_MAPPED_FLAT;
  out->LoaderFlags = pe->loader_flags;
  out->ImageFileSize = (ULONG)file_size;
  out->CheckSum = pe->checksum;
  return true;
}

static NTSTATUS write_long_length(ULONG64 address, const void *information, ULONG64 size, ULONG64 return_length)
{
  NTSTATUS status = mm_user_write(address, information, size);
  if (NT_SUCCESS(status) && return_length != 0)
    status = mm_user_write(return_length, &size, sizeof(size));
  return status;
}

NTSTATUS NtQuerySection(HANDLE SectionHandle, ULONG SectionInformationClass, ULONG64 SectionInformation,
                        ULONG64 Length, ULONG64 ReturnLength)
{
  void *object;
  SECTION_BASIC_INFORMATION basic = {.BaseAddress = 0};
  SECTION_IMAGE_INFORMATION image;
  ULONG64 size = SectionInformationClass == 0 ? sizeof(basic) : sizeof(image);
  if (SectionInformationClass > 1)
    return STATUS_INVALID_INFO_CLASS;
  if (Length < size)
    return STATUS_INFO_LENGTH_MISMATCH;
  NTSTATUS status = ProbeForWrite(SectionInformation, size, 4);
  if (NT_SUCCESS(status) && ReturnLength != 0)
    status = ProbeForWrite(ReturnLength, sizeof(ULONG64), 8);
  if (NT_SUCCESS(status))
    status = ObReferenceObjectByHandle(SectionHandle, SECTION_QUERY, ob_types()->Section, KeGetPreviousMode(), &object,
                                       NULL);
  if (!NT_SUCCESS(status))
    return status;
  const SECTION *section = object;
  if (SectionInformationClass == 0) {
    basic.AllocationAttributes = section->AllocationAttributes | (section->FileObject != NULL ? SEC_FILE : 0);
    basic.MaximumSize = (LONG64)section->SizeOfSection;
    status = write_long_length(SectionInformation, &basic, sizeof(basic), ReturnLength);
  } else if (svc_image_information(section, &image)) {
    status = write_long_length(SectionInformation, &image, sizeof(image), ReturnLength);
  } else {
    status = STATUS_SECTION_NOT_IMAGE;
  }
  ObDereferenceObject(object);
  return status;
}

/* ---- views ---- */

static ACCESS_MASK access_for(ULONG protection)
{
  switch (protection & 0xFF) {
  case PAGE_READWRITE:
    return SECTION_MAP_WRITE;
  case PAGE_EXECUTE:
    return SECTION_MAP_EXECUTE;
  case PAGE_EXECUTE_READ:
  case PAGE_EXECUTE_WRITECOPY:
    return SECTION_MAP_EXECUTE | SECTION_MAP_READ;
  case PAGE_EXECUTE_READWRITE:
    return SECTION_MAP_EXECUTE | SECTION_MAP_WRITE;
  default:
    return SECTION_MAP_READ;
  }
}

struct view {
  ULONG64 base, zero_bits, commit, size, type;
  LONG64 offset;
  ULONG protection;
};

static NTSTATUS map(HANDLE SectionHandle, HANDLE ProcessHandle, struct view *view)
{
  void *section, *object;
  NTSTATUS status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_VM_OPERATION, ob_types()->Process,
                                              KeGetPreviousMode(), &object, NULL);
  if (!NT_SUCCESS(status))
    return status;
  EPROCESS *process = object;
  status = process->native ? STATUS_ACCESS_DENIED
                           : ObReferenceObjectByHandle(SectionHandle, access_for(view->protection), ob_types()->Section,
                                                       KeGetPreviousMode(), &section, NULL);
  if (NT_SUCCESS(status)) {
    status = MmMapViewOfSection(section, process, &view->base, view->zero_bits, view->commit, &view->offset,
                                &view->size, (ULONG)view->type, view->protection);
    if (NT_SUCCESS(status) && process == PsGetCurrentProcess() && mm_section_headers(section) != NULL)
      DbgkMapViewOfSection(process, section, view->base);
    ObDereferenceObject(section);
  }
  ObDereferenceObject(process);
  return status;
}

static NTSTATUS capture_view(struct view *view, ULONG64 base, ULONG64 offset, ULONG64 size)
{
  NTSTATUS status = ProbeForWrite(base, sizeof(ULONG64), 8);
  if (NT_SUCCESS(status))
    status = mm_user_read_u64(base, &view->base);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(size, sizeof(ULONG64), 8);
  if (NT_SUCCESS(status))
    status = mm_user_read_u64(size, &view->size);
  if (NT_SUCCESS(status) && offset != 0) {
    status = ProbeForWrite(offset, sizeof(LONG64), 4);
    if (NT_SUCCESS(status))
      status = mm_user_read(&view->offset, offset, sizeof(view->offset));
  }
  return status;
}

static void return_view(const struct view *view, ULONG64 base, ULONG64 offset, ULONG64 size)
{
  (void)mm_user_write_u64(base, view->base);
  (void)mm_user_write_u64(size, view->size);
  if (offset != 0)
    (void)mm_user_write(offset, &view->offset, sizeof(view->offset));
}

NTSTATUS NtMapViewOfSection(HANDLE SectionHandle, HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 ZeroBits,
                            ULONG64 CommitSize, ULONG64 SectionOffset, ULONG64 ViewSize, ULONG InheritDisposition,
                            ULONG AllocationType, ULONG Win32Protect)
{
  struct view view = {
      .zero_bits = ZeroBits, .commit = CommitSize, .type = AllocationType, .protection = Win32Protect};
  if (InheritDisposition != ViewShare && InheritDisposition != ViewUnmap)
    return STATUS_INVALID_PARAMETER_8;
  if (AllocationType & ~VALID_MAP_TYPES)
    return STATUS_INVALID_PARAMETER_9;
  NTSTATUS status = capture_view(&view, BaseAddress, SectionOffset, ViewSize);
  if (NT_SUCCESS(status))
    status = map(SectionHandle, ProcessHandle, &view);
  if (NT_SUCCESS(status))
    return_view(&view, BaseAddress, SectionOffset, ViewSize);
  return status;
}

NTSTATUS NtMapViewOfSectionEx(HANDLE SectionHandle, HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 SectionOffset,
                              ULONG64 ViewSize, ULONG AllocationType, ULONG Win32Protect, ULONG64 ExtendedParameters,
                              ULONG ExtendedParameterCount)
{
  (void)ExtendedParameters;
  if (ExtendedParameterCount != 0)
    return STATUS_NOT_SUPPORTED;
  return NtMapViewOfSection(SectionHandle, ProcessHandle, BaseAddress, 0, 0, SectionOffset, ViewSize, ViewUnmap,
                            AllocationType, Win32Protect);
}

NTSTATUS NtUnmapViewOfSection(HANDLE ProcessHandle, ULONG64 BaseAddress)
{
  void *object;
  ULONG64 image_base = 0;
  NTSTATUS status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_VM_OPERATION, ob_types()->Process,
                                              KeGetPreviousMode(), &object, NULL);
  if (!NT_SUCCESS(status))
    return status;
  EPROCESS *process = object;
  if (BaseAddress > MM_HIGHEST_USER_ADDRESS)
    status = STATUS_NOT_MAPPED_VIEW;
  else
    status = process->native ? STATUS_ACCESS_DENIED : MmUnmapViewOfSection(process, BaseAddress, &image_base);
  if (NT_SUCCESS(status) && image_base != 0 && process == PsGetCurrentProcess())
    DbgkUnMapViewOfSection(process, image_base);
  ObDereferenceObject(process);
  return status;
}

NTSTATUS NtUnmapViewOfSectionEx(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG Flags)
{
  (void)Flags;
  return NtUnmapViewOfSection(ProcessHandle, BaseAddress);
}

static NTSTATUS file_section_at(ULONG64 address, SECTION **section)
{
  ULONG64 base;
  MEMORY_BASIC_INFORMATION64 information;
  EPROCESS *process = PsGetCurrentProcess();
  *section = NULL;
  if (process->native)
    return STATUS_ACCESS_DENIED;
  NTSTATUS status = MmQueryVirtualMemory(process, address, &information);
  if (!NT_SUCCESS(status) || information.State == MEM_FREE)
    return STATUS_INVALID_ADDRESS;
  *section = mm_section_at(process, address, &base);
  if (*section == NULL)
    return STATUS_CONFLICTING_ADDRESSES;
  if ((*section)->FileObject != NULL)
    return STATUS_SUCCESS;
  ObDereferenceObject(*section);
  *section = NULL;
  return STATUS_CONFLICTING_ADDRESSES;
}

NTSTATUS NtAreMappedFilesTheSame(ULONG64 File1MappedAsAnImage, ULONG64 File2MappedAsFile)
{
  SECTION *first, *second;
  NTSTATUS status = file_section_at(File1MappedAsAnImage, &first);
  if (!NT_SUCCESS(status))
    return status;
  status = file_section_at(File2MappedAsFile, &second);
  if (NT_SUCCESS(status)) {
    const FILE_OBJECT *a = first->FileObject, *b = second->FileObject;
    if (a != b && (a->identity == 0 || a->identity != b->identity))
      status = STATUS_NOT_SAME_DEVICE;
    ObDereferenceObject(second);
  }
  ObDereferenceObject(first);
  return status;
}

NTSTATUS NtExtendSection(HANDLE SectionHandle, ULONG64 NewSectionSize)
{
  void *object;
  LONG64 size;
  NTSTATUS status = ProbeForWrite(NewSectionSize, sizeof(size), 4);
  if (NT_SUCCESS(status))
    status = mm_user_read(&size, NewSectionSize, sizeof(size));
  if (NT_SUCCESS(status))
    status = ObReferenceObjectByHandle(SectionHandle, SECTION_EXTEND_SIZE, ob_types()->Section, KeGetPreviousMode(),
                                       &object, NULL);
  if (!NT_SUCCESS(status))
    return status;
  ObDereferenceObject(object);
  return STATUS_SECTION_NOT_EXTENDED;
}

SVC_THUNK_7(NtCreateSection, ULONG64, ACCESS_MASK, ULONG64, ULONG64, ULONG, ULONG, HANDLE)
SVC_THUNK_3(NtOpenSection, ULONG64, ACCESS_MASK, ULONG64)
SVC_THUNK_5(NtQuerySection, HANDLE, ULONG, ULONG64, ULONG64, ULONG64)
SVC_THUNK_10(NtMapViewOfSection, HANDLE, HANDLE, ULONG64, ULONG64, ULONG64, ULONG64, ULONG64, ULONG, ULONG, ULONG)
SVC_THUNK_9(NtMapViewOfSectionEx, HANDLE, HANDLE, ULONG64, ULONG64, ULONG64, ULONG, ULONG, ULONG64, ULONG)
SVC_THUNK_2(NtUnmapViewOfSection, HANDLE, ULONG64)
SVC_THUNK_3(NtUnmapViewOfSectionEx, HANDLE, ULONG64, ULONG)
SVC_THUNK_2(NtAreMappedFilesTheSame, ULONG64, ULONG64)
SVC_THUNK_2(NtExtendSection, HANDLE, ULONG64)

const struct svc_entry svc_section_table[] = {
    SVC(NtCreateSection, 7),
    SVC(NtOpenSection, 3),
    SVC(NtQuerySection, 5),
    SVC(NtMapViewOfSection, 10),
    SVC(NtMapViewOfSectionEx, 9),
    SVC(NtUnmapViewOfSection, 2),
    SVC(NtUnmapViewOfSectionEx, 3),
    SVC(NtAreMappedFilesTheSame, 2),
    SVC(NtExtendSection, 2),
    {0},
};
