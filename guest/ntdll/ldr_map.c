/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a DLL's name to a mapped image: search order, sections, base relocations. */
#include "ldrp.h"

static ULONG length_of(const WCHAR *text)
{
  ULONG length = 0;
  while (text[length])
    length++;
  return length;
}

static BOOLEAN has_path(const WCHAR *name)
{
  for (; *name; name++)
    if (*name == '\\' || *name == '/' || *name == ':')
      return TRUE;
  return FALSE;
}

NTSTATUS LdrpPreprocessName(const WCHAR *Name, const WCHAR *Importer, WCHAR Out[LDRP_MAX_PATH])
{
  ULONG length = length_of(Name);
  BOOLEAN dot = FALSE;
  if (length + 5 > LDRP_MAX_PATH)
    return STATUS_NAME_TOO_LONG;
  for (ULONG i = 0; i < length; i++) {
    Out[i] = Name[i] == '/' ? '\\' : Name[i];
    dot = Out[i] == '.' || (dot && Out[i] != '\\');
  }
  /* A name without an extension gets one; a dot at the end says that there shall be none. */
  if (!dot)
    for (const char *p = ".dll"; *p; p++)
      Out[length++] = (UCHAR)*p;
  else if (length && Out[length - 1] == '.')
    length--;
  Out[length] = 0;
  WCHAR host[LDRP_MAX_PATH];
  if (LdrpResolveApiSet(Out, Importer, host))
    for (ULONG i = 0; i <= length_of(host); i++)
      Out[i] = host[i];
  return STATUS_SUCCESS;
}

static BOOLEAN file_exists(const WCHAR *path)
{
  WCHAR nt[LDRP_MAX_PATH + 4] = L"\\??\\";
  UNICODE_STRING name;
  OBJECT_ATTRIBUTES attributes;
  struct {
    LARGE_INTEGER Times[4];
    ULONG FileAttributes;
  } facts;
  for (ULONG i = 0; i <= length_of(path); i++)
    nt[4 + i] = path[i];
  RtlInitUnicodeString(&name, nt);
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
  return NT_SUCCESS(NtQueryAttributesFile(&attributes, &facts)) && !(facts.FileAttributes & FILE_ATTRIBUTE_DIRECTORY);
}

/* Folder and name as a path; FALSE if it is too long or the folder is empty. */
static BOOLEAN join(WCHAR out[LDRP_MAX_PATH], const WCHAR *folder, ULONG length, const WCHAR *name)
{
  ULONG name_length = length_of(name);
  if (!length || length + name_length + 2 > LDRP_MAX_PATH)
    return FALSE;
  for (ULONG i = 0; i < length; i++)
    out[i] = folder[i];
  if (out[length - 1] != '\\')
    out[length++] = '\\';
  for (ULONG i = 0; i <= name_length; i++)
    out[length + i] = name[i];
  return TRUE;
}

/* Looks in each folder of a list with semicolons between. */
static BOOLEAN search_list(const WCHAR *list, const WCHAR *name, WCHAR out[LDRP_MAX_PATH])
{
  while (list && *list) {
    ULONG length = 0;
    while (list[length] && list[length] != ';')
      length++;
    if (join(out, list, length, name) && file_exists(out))
      return TRUE;
    list += list[length] ? length + 1 : length;
  }
  return FALSE;
}

/* DLLs that Windows takes from its own folder, whatever lies beside the program (\KnownDlls). */
static BOOLEAN is_known_dll(const WCHAR *name)
{
  static const WCHAR *const known[] = {L"ntdll.dll",  L"kernel32.dll", L"kernelbase.dll", L"advapi32.dll", L"msvcrt.dll",
                                       L"user32.dll", L"gdi32.dll",    L"ole32.dll",      L"rpcrt4.dll",   L"sechost.dll",
                                       L"shell32.dll", L"ws2_32.dll",  L"combase.dll"};
  UNICODE_STRING wanted, one;
  RtlInitUnicodeString(&wanted, name);
  for (ULONG i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    RtlInitUnicodeString(&one, known[i]);
    if (RtlEqualUnicodeString(&one, &wanted, TRUE))
      return TRUE;
  }
  return FALSE;
}

static BOOLEAN search_default(const WCHAR *name, WCHAR out[LDRP_MAX_PATH])
{
  static const WCHAR system[] = L"C:\\windows\\system32", windows[] = L"C:\\windows\\system;C:\\windows";
  PRTL_USER_PROCESS_PARAMETERS parameters = NtCurrentPeb()->ProcessParameters;
  const WCHAR *image = parameters->ImagePathName.Buffer;
  ULONG length = parameters->ImagePathName.Length / 2;
  while (length && image[length - 1] != '\\')
    length--;
  if (length && join(out, image, length, name) && file_exists(out))
    return TRUE;
  if (search_list(system, name, out) || search_list(windows, name, out))
    return TRUE;
  UNICODE_STRING *current = &parameters->CurrentDirectory.DosPath;
  if (join(out, current->Buffer, current->Length / 2, name) && file_exists(out))
    return TRUE;
  WCHAR path[2048];
  UNICODE_STRING variable, value = {0, sizeof(path) - sizeof(WCHAR), path};
  RtlInitUnicodeString(&variable, L"PATH");
  if (!NT_SUCCESS(RtlQueryEnvironmentVariable_U(NULL, &variable, &value)))
    return FALSE;
  path[value.Length / 2] = 0;
  return search_list(path, name, out);
}

const WCHAR *LdrpSearchFolders;

NTSTATUS LdrpSearchPath(const WCHAR *Name, const WCHAR *DllPath, WCHAR FullPath[LDRP_MAX_PATH])
{
  if (has_path(Name)) {
    ULONG bytes = RtlGetFullPathName_U(Name, LDRP_MAX_PATH * sizeof(WCHAR), FullPath, NULL);
    return bytes && bytes < LDRP_MAX_PATH * sizeof(WCHAR) && file_exists(FullPath) ? STATUS_SUCCESS
                                                                                   : STATUS_DLL_NOT_FOUND;
  }
  if (is_known_dll(Name) && search_list(L"C:\\windows\\system32", Name, FullPath))
    return STATUS_SUCCESS;
  if (!DllPath)
    DllPath = LdrpSearchFolders;
  return (DllPath ? search_list(DllPath, Name, FullPath) : search_default(Name, FullPath)) ? STATUS_SUCCESS
                                                                                          : STATUS_DLL_NOT_FOUND;
}

static NTSTATUS protect(PVOID address, SIZE_T size, ULONG protection, ULONG *old)
{
  return NtProtectVirtualMemory(NtCurrentProcess(), &address, &size, protection, old);
}

NTSTATUS LdrpRelocateImage(PVOID Base)
{
  IMAGE_NT_HEADERS64 *headers = LdrpHeaders(Base);
  ULONG64 delta = (ULONG64)Base - headers->OptionalHeader.ImageBase;
  ULONG size;
  /* A kernel that moves images itself leaves the new base in the header. */
  if (!delta)
    return STATUS_SUCCESS;
  IMAGE_BASE_RELOCATION *block = LdrpDirectory(Base, IMAGE_DIRECTORY_ENTRY_BASERELOC, &size);
  if (!block)
    return headers->FileHeader.Characteristics & IMAGE_FILE_RELOCS_STRIPPED ? STATUS_CONFLICTING_ADDRESSES
                                                                            : STATUS_SUCCESS;
  UCHAR *end = (UCHAR *)block + size;
  while ((UCHAR *)block + sizeof(*block) <= end && block->SizeOfBlock >= sizeof(*block)) {
    UCHAR *page = (UCHAR *)Base + block->VirtualAddress;
    ULONG old;
    NTSTATUS status = protect(page, 0x1000, PAGE_READWRITE, &old);
    if (!NT_SUCCESS(status))
      return status;
    USHORT *item = (USHORT *)(block + 1), *items_end = (USHORT *)((UCHAR *)block + block->SizeOfBlock);
    for (; item < items_end; item++)
      if (*item >> 12 == IMAGE_REL_BASED_DIR64)
        *(ULONG64 *)(page + (*item & 0xFFF)) += delta;
    protect(page, 0x1000, old, &old);
    block = (IMAGE_BASE_RELOCATION *)items_end;
  }
  return STATUS_SUCCESS;
}

static NTSTATUS open_section(const WCHAR *path, HANDLE *section)
{
  WCHAR nt[LDRP_MAX_PATH + 4] = L"\\??\\";
  UNICODE_STRING name;
  OBJECT_ATTRIBUTES attributes;
  IO_STATUS_BLOCK io;
  HANDLE file;
  for (ULONG i = 0; i <= length_of(path); i++)
    nt[4 + i] = path[i];
  RtlInitUnicodeString(&name, nt);
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
  NTSTATUS status = NtOpenFile(&file, FILE_READ_DATA | FILE_EXECUTE | SYNCHRONIZE, &attributes, &io,
                               FILE_SHARE_READ | FILE_SHARE_DELETE,
                               FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT);
  if (!NT_SUCCESS(status))
    return status;
  status = NtCreateSection(section, SEC_IMAGE_ACCESS, NULL, NULL, PAGE_EXECUTE, SEC_IMAGE, file);
  NtClose(file);
  return status;
}

NTSTATUS LdrpMapDll(const WCHAR *FullPath, LDRP_MODULE **Module)
{
  PTEB teb = NtCurrentTeb();
  PVOID previous = teb->NtTib.ArbitraryUserPointer, base = NULL;
  SIZE_T size = 0;
  HANDLE section;
  *Module = NULL;
  NTSTATUS status = open_section(FullPath, &section);
  if (!NT_SUCCESS(status))
    return status;
  /* Where the debug event's lpImageName leads (spec/5 fact 3). */
  teb->NtTib.ArbitraryUserPointer = (PVOID)FullPath;
  status = NtMapViewOfSection(section, NtCurrentProcess(), &base, 0, 0, NULL, &size, 1, 0, PAGE_READWRITE);
  teb->NtTib.ArbitraryUserPointer = previous;
  NtClose(section);
  if (!NT_SUCCESS(status))
    return status;
  status = LdrpRelocateImage(base);
  if (NT_SUCCESS(status)) {
    RtlpNoteWineImage(base);
    *Module = LdrpInsertModule(base, FullPath);
    status = *Module ? STATUS_SUCCESS : STATUS_NO_MEMORY;
  }
  if (!NT_SUCCESS(status))
    NtUnmapViewOfSection(NtCurrentProcess(), base);
  return status;
}
