/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_section.h  Services on sections and views. */
#ifndef NTOS_SVC_SVC_SECTION_H
#define NTOS_SVC_SVC_SECTION_H

#include "ntos/mm/mm.h"
#include "ntos/svc/svc.h"

extern const struct svc_entry svc_section_table[];

typedef struct _SECTION_IMAGE_INFORMATION {
  ULONG64 TransferAddress;
  ULONG ZeroBits;
  ULONG Reserved;
  ULONG64 MaximumStackSize;
  ULONG64 CommittedStackSize;
  ULONG SubSystemType;
  USHORT SubSystemMinorVersion;
  USHORT SubSystemMajorVersion;
  USHORT MajorOperatingSystemVersion;
  USHORT MinorOperatingSystemVersion;
  USHORT ImageCharacteristics;
  USHORT DllCharacteristics;
  USHORT Machine;
  BOOLEAN ImageContainsCode;
  UCHAR ImageFlags;
  ULONG LoaderFlags;
  ULONG ImageFileSize;
  ULONG CheckSum;
} SECTION_IMAGE_INFORMATION;
C_ASSERT_SIZE(SECTION_IMAGE_INFORMATION, 0x40);
C_ASSERT_OFFSET(SECTION_IMAGE_INFORMATION, Machine, 0x30);

/** Fills what SectionImageInformation and ProcessImageInformation tell. False for a data section. */
bool svc_image_information(const SECTION *Section, SECTION_IMAGE_INFORMATION *out);

/** Creates a section of a file or of the page file. Statuses of MmCreateSection and ObInsertObject. */
NTSTATUS NtCreateSection(ULONG64 SectionHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                         ULONG64 MaximumSize, ULONG SectionPageProtection, ULONG AllocationAttributes,
                         HANDLE FileHandle);
/** Opens a named section. */
NTSTATUS NtOpenSection(ULONG64 SectionHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes);
/** SectionBasicInformation, SectionImageInformation. STATUS_SECTION_NOT_IMAGE. */
NTSTATUS NtQuerySection(HANDLE SectionHandle, ULONG SectionInformationClass, ULONG64 SectionInformation,
                        ULONG64 Length, ULONG64 ReturnLength);
/** Maps a view and, for an image in the caller's process, sends the debugger its message before the base is known to
 *  user mode. */
NTSTATUS NtMapViewOfSection(HANDLE SectionHandle, HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 ZeroBits,
                            ULONG64 CommitSize, ULONG64 SectionOffset, ULONG64 ViewSize, ULONG InheritDisposition,
                            ULONG AllocationType, ULONG Win32Protect);
/** The same with extended parameters, none of which is supported. */
NTSTATUS NtMapViewOfSectionEx(HANDLE SectionHandle, HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG64 SectionOffset,
                              ULONG64 ViewSize, ULONG AllocationType, ULONG Win32Protect, ULONG64 ExtendedParameters,
                              ULONG ExtendedParameterCount);
/** Unmaps the view that holds an address. STATUS_NOT_MAPPED_VIEW. */
NTSTATUS NtUnmapViewOfSection(HANDLE ProcessHandle, ULONG64 BaseAddress);
/** The same with flags, which change nothing here. */
NTSTATUS NtUnmapViewOfSectionEx(HANDLE ProcessHandle, ULONG64 BaseAddress, ULONG Flags);
/** STATUS_NOT_SAME_DEVICE if the files differ; STATUS_INVALID_ADDRESS, STATUS_CONFLICTING_ADDRESSES. */
NTSTATUS NtAreMappedFilesTheSame(ULONG64 File1MappedAsAnImage, ULONG64 File2MappedAsFile);
/** STATUS_SECTION_NOT_EXTENDED: a section keeps the size it was made with. */
NTSTATUS NtExtendSection(HANDLE SectionHandle, ULONG64 NewSectionSize);

#define STATUS_INVALID_ADDRESS NT_STATUS_VALUE(0xC0000141)

#endif
