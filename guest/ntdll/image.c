/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers of images, as loaded or as files. */
#include "ntdllp.h"

NTSTATUS NTAPI RtlImageNtHeaderEx(ULONG Flags, PVOID BaseAddress, ULONG64 Size, IMAGE_NT_HEADERS64 **OutHeaders)
{
  enum { NO_RANGE_CHECK = 1 };
  const IMAGE_DOS_HEADER *dos = BaseAddress;
  if (!OutHeaders)
    return STATUS_INVALID_PARAMETER;
  *OutHeaders = NULL;
  if ((Flags & ~(ULONG)NO_RANGE_CHECK) || !BaseAddress || BaseAddress == (PVOID)-1)
    return STATUS_INVALID_PARAMETER;
  if (!(Flags & NO_RANGE_CHECK) && Size < sizeof(IMAGE_DOS_HEADER))
    return STATUS_INVALID_IMAGE_FORMAT;
  if (dos->e_magic != IMAGE_DOS_SIGNATURE || dos->e_lfanew < 0 || dos->e_lfanew >= 0x10000000)
    return STATUS_INVALID_IMAGE_FORMAT;
  if (!(Flags & NO_RANGE_CHECK) && (ULONG64)dos->e_lfanew + sizeof(IMAGE_NT_HEADERS64) > Size)
    return STATUS_INVALID_IMAGE_FORMAT;
  IMAGE_NT_HEADERS64 *headers = (IMAGE_NT_HEADERS64 *)((UCHAR *)BaseAddress + dos->e_lfanew);
  if (headers->Signature != IMAGE_NT_SIGNATURE)
    return STATUS_INVALID_IMAGE_FORMAT;
  *OutHeaders = headers;
  return STATUS_SUCCESS;
}

IMAGE_NT_HEADERS64 *NTAPI RtlImageNtHeader(PVOID BaseAddress)
{
  IMAGE_NT_HEADERS64 *headers;
  return NT_SUCCESS(RtlImageNtHeaderEx(1, BaseAddress, 0, &headers)) ? headers : NULL;
}

IMAGE_SECTION_HEADER *NTAPI RtlImageRvaToSection(const IMAGE_NT_HEADERS64 *NtHeaders, PVOID BaseAddress, ULONG Rva)
{
  IMAGE_SECTION_HEADER *section = IMAGE_FIRST_SECTION((IMAGE_NT_HEADERS64 *)NtHeaders);
  (void)BaseAddress;
  for (ULONG i = 0; i < NtHeaders->FileHeader.NumberOfSections; i++, section++)
    if (Rva >= section->VirtualAddress && Rva - section->VirtualAddress < section->SizeOfRawData)
      return section;
  return NULL;
}

PVOID NTAPI RtlImageRvaToVa(const IMAGE_NT_HEADERS64 *NtHeaders, PVOID BaseAddress, ULONG Rva,
                            IMAGE_SECTION_HEADER **LastRvaSection)
{
  IMAGE_SECTION_HEADER *section = LastRvaSection ? *LastRvaSection : NULL;
  if (!section || Rva < section->VirtualAddress || Rva - section->VirtualAddress >= section->SizeOfRawData)
    section = RtlImageRvaToSection(NtHeaders, BaseAddress, Rva);
  if (!section)
    return NULL;
  if (LastRvaSection)
    *LastRvaSection = section;
  return (UCHAR *)BaseAddress + section->PointerToRawData + (Rva - section->VirtualAddress);
}

PVOID NTAPI RtlImageDirectoryEntryToData(PVOID BaseAddress, BOOLEAN MappedAsImage, USHORT Directory, ULONG *Size)
{
  /* The low bit marks a file that was mapped as data. */
  if ((ULONG_PTR)BaseAddress & 1) {
    BaseAddress = (PVOID)((ULONG_PTR)BaseAddress & ~1ull);
    MappedAsImage = FALSE;
  }
  IMAGE_NT_HEADERS64 *headers = RtlImageNtHeader(BaseAddress);
  *Size = 0;
  if (!headers || Directory >= headers->OptionalHeader.NumberOfRvaAndSizes ||
      headers->OptionalHeader.Magic != IMAGE_NT_OPTIONAL_HDR64_MAGIC)
    return NULL;
  const IMAGE_DATA_DIRECTORY *entry = &headers->OptionalHeader.DataDirectory[Directory];
  if (!entry->VirtualAddress)
    return NULL;
  *Size = entry->Size;
  if (MappedAsImage || entry->VirtualAddress < headers->OptionalHeader.SizeOfHeaders)
    return (UCHAR *)BaseAddress + entry->VirtualAddress;
  return RtlImageRvaToVa(headers, BaseAddress, entry->VirtualAddress, NULL);
}
