/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resources of mapped images and of data files: a tree of directories, by type, name and language. */
#include "ldrp.h"

/* A base with bit 0 is a file mapped as it lies on the disk, one with bit 1 an image that is no module. */
#define IS_DATA_FILE(base) ((ULONG_PTR)(base) & 1)
#define BASE_OF(base) ((UCHAR *)((ULONG_PTR)(base) & ~(ULONG_PTR)3))
#define USER_LANGUAGE 0x409

/* Where an address of the image is in memory. NULL: nowhere in the file. */
static PVOID address_of(PVOID base, ULONG rva)
{
  UCHAR *image = BASE_OF(base);
  if (!IS_DATA_FILE(base))
    return image + rva;
  IMAGE_NT_HEADERS64 *headers = LdrpHeaders(image);
  IMAGE_SECTION_HEADER *section = IMAGE_FIRST_SECTION(headers);
  for (USHORT i = 0; i < headers->FileHeader.NumberOfSections; i++, section++)
    if (rva - section->VirtualAddress < section->SizeOfRawData)
      return image + section->PointerToRawData + (rva - section->VirtualAddress);
  return NULL;
}

static IMAGE_RESOURCE_DIRECTORY *root_of(PVOID base)
{
  IMAGE_NT_HEADERS64 *headers = LdrpHeaders(BASE_OF(base));
  const IMAGE_DATA_DIRECTORY *directories = headers->OptionalHeader.DataDirectory;
  if (headers->OptionalHeader.Magic == IMAGE_NT_OPTIONAL_HDR32_MAGIC)
    directories = ((IMAGE_NT_HEADERS32 *)headers)->OptionalHeader.DataDirectory;
  ULONG rva = directories[IMAGE_DIRECTORY_ENTRY_RESOURCE].VirtualAddress;
  return rva ? address_of(base, rva) : NULL;
}

static BOOLEAN is_name(const UCHAR *root, const IMAGE_RESOURCE_DIRECTORY_ENTRY *entry, const WCHAR *name)
{
  const IMAGE_RESOURCE_DIR_STRING_U *text = (const IMAGE_RESOURCE_DIR_STRING_U *)(root + entry->NameOffset);
  for (USHORT i = 0; i < text->Length; i++)
    if (RtlUpcaseUnicodeChar(name[i]) != RtlUpcaseUnicodeChar(text->NameString[i]))
      return FALSE;
  return !name[text->Length];
}

/* The entry of a directory with a name, or with a number (a pointer below 10000). */
static IMAGE_RESOURCE_DIRECTORY_ENTRY *find_entry(const UCHAR *root, IMAGE_RESOURCE_DIRECTORY *directory, ULONG_PTR id)
{
  IMAGE_RESOURCE_DIRECTORY_ENTRY *entry = (IMAGE_RESOURCE_DIRECTORY_ENTRY *)(directory + 1);
  ULONG count = directory->NumberOfNamedEntries + (ULONG)directory->NumberOfIdEntries;
  for (ULONG i = 0; i < count; i++, entry++) {
    if (entry->NameIsString ? id > 0xFFFF && is_name(root, entry, (const WCHAR *)id) : id == entry->Id)
      return entry;
  }
  return NULL;
}

static IMAGE_RESOURCE_DIRECTORY_ENTRY *find_language(const UCHAR *root, IMAGE_RESOURCE_DIRECTORY *directory, ULONG_PTR id)
{
  IMAGE_RESOURCE_DIRECTORY_ENTRY *entry = find_entry(root, directory, id);
  if (entry || (id & 0x3FF))
    return entry;
  /* No language was asked for: the neutral one, the user's, then any. */
  if (!entry)
    entry = find_entry(root, directory, 0);
  if (!entry)
    entry = find_entry(root, directory, USER_LANGUAGE);
  if (!entry && directory->NumberOfNamedEntries + directory->NumberOfIdEntries)
    entry = (IMAGE_RESOURCE_DIRECTORY_ENTRY *)(directory + 1);
  return entry;
}

static NTSTATUS find(PVOID base, const LDR_RESOURCE_INFO *info, ULONG level, BOOLEAN want_directory, PVOID *result)
{
  static const NTSTATUS absent[3] = {STATUS_RESOURCE_TYPE_NOT_FOUND, STATUS_RESOURCE_NAME_NOT_FOUND,
                                     STATUS_RESOURCE_LANG_NOT_FOUND};
  IMAGE_RESOURCE_DIRECTORY *directory = root_of(base);
  UCHAR *root = (UCHAR *)directory;
  const ULONG_PTR ids[3] = {info->Type, info->Name, info->Language};
  if (level > 3)
    return STATUS_INVALID_PARAMETER;
  if (!directory)
    return STATUS_RESOURCE_DATA_NOT_FOUND;
  for (ULONG i = 0; i < level; i++) {
    IMAGE_RESOURCE_DIRECTORY_ENTRY *entry =
        i == 2 ? find_language(root, directory, ids[i]) : find_entry(root, directory, ids[i]);
    if (!entry)
      return absent[i];
    if (!entry->DataIsDirectory) {
      *result = root + entry->OffsetToData;
      return !want_directory && i == level - 1 ? STATUS_SUCCESS : STATUS_RESOURCE_DATA_NOT_FOUND;
    }
    directory = (IMAGE_RESOURCE_DIRECTORY *)(root + entry->OffsetToDirectory);
  }
  *result = directory;
  return want_directory ? STATUS_SUCCESS : STATUS_RESOURCE_DATA_NOT_FOUND;
}

NTSTATUS NTAPI LdrFindResource_U(PVOID BaseAddress, const LDR_RESOURCE_INFO *ResourceInfo, ULONG Level,
                                 IMAGE_RESOURCE_DATA_ENTRY **ResourceDataEntry)
{
  return find(BaseAddress, ResourceInfo, Level, FALSE, (PVOID *)ResourceDataEntry);
}

NTSTATUS NTAPI LdrFindResourceDirectory_U(PVOID BaseAddress, const LDR_RESOURCE_INFO *ResourceInfo, ULONG Level,
                                          IMAGE_RESOURCE_DIRECTORY **ResourceDirectory)
{
  return find(BaseAddress, ResourceInfo, Level, TRUE, (PVOID *)ResourceDirectory);
}

NTSTATUS NTAPI LdrAccessResource(PVOID BaseAddress, const IMAGE_RESOURCE_DATA_ENTRY *ResourceDataEntry, PVOID *Resource,
                                 ULONG *Size)
{
  PVOID address = address_of(BaseAddress, ResourceDataEntry->OffsetToData);
  if (!address)
    return STATUS_RESOURCE_DATA_NOT_FOUND;
  if (Resource)
    *Resource = address;
  if (Size)
    *Size = ResourceDataEntry->Size;
  return STATUS_SUCCESS;
}
