/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The modules of any process, from the lists of its loader. */
#include "kernel32p.h"
#include <psapi.h>

#define MAX_MODULES 4096u /* a list that is longer goes round */

static BOOL read(HANDLE process, const void *address, PVOID to, SIZE_T size)
{
  return BaseSetLastNTError(NtReadVirtualMemory(process, address, to, size, NULL));
}

typedef struct {
  NTSTATUS ExitStatus;
  PPEB PebBaseAddress;
  ULONG_PTR AffinityMask, BasePriority, UniqueProcessId, Parent;
} BASIC_INFORMATION;

/* The head of the module list in load order, and its first link. */
static BOOL list_of(HANDLE process, PLIST_ENTRY *head, PLIST_ENTRY *first)
{
  BASIC_INFORMATION basic;
  PPEB_LDR_DATA loader;
  if (!BaseSetLastNTError(NtQueryInformationProcess(process, 0, &basic, sizeof(basic), NULL)) ||
      !read(process, &basic.PebBaseAddress->Ldr, &loader, sizeof(loader)))
    return FALSE;
  /* The process's loader did not run yet. */
  if (!loader)
    return base_fail(ERROR_PARTIAL_COPY);
  *head = &loader->InLoadOrderModuleList;
  return read(process, &(*head)->Flink, first, sizeof(*first));
}

/* The entry of a module; NULL is the program. */
static BOOL find(HANDLE process, HMODULE module, LDR_DATA_TABLE_ENTRY *entry)
{
  PLIST_ENTRY head, link;
  if (!list_of(process, &head, &link))
    return FALSE;
  for (ULONG i = 0; link != head && i < MAX_MODULES; i++, link = entry->InLoadOrderLinks.Flink) {
    if (!read(process, link, entry, sizeof(*entry)))
      return FALSE;
    if (!module || entry->DllBase == module)
      return TRUE;
  }
  return base_fail(ERROR_INVALID_HANDLE);
}

BOOL WINAPI K32EnumProcessModules(HANDLE process, HMODULE *modules, DWORD size, LPDWORD needed)
{
  PLIST_ENTRY head, link;
  LDR_DATA_TABLE_ENTRY entry;
  DWORD count = 0;
  if (!list_of(process, &head, &link))
    return FALSE;
  for (; link != head && count < MAX_MODULES; link = entry.InLoadOrderLinks.Flink, count++) {
    if (!read(process, link, &entry, sizeof(entry)))
      return FALSE;
    if (count < size / sizeof(HMODULE))
      modules[count] = entry.DllBase;
  }
  *needed = count * (DWORD)sizeof(HMODULE);
  return TRUE;
}

BOOL WINAPI K32EnumProcessModulesEx(HANDLE process, HMODULE *modules, DWORD size, LPDWORD needed, DWORD filter)
{
  /* There are 64 bit modules only. */
  if (filter == LIST_MODULES_32BIT) {
    *needed = 0;
    return TRUE;
  }
  return K32EnumProcessModules(process, modules, size, needed);
}

BOOL WINAPI K32GetModuleInformation(HANDLE process, HMODULE module, LPMODULEINFO info, DWORD size)
{
  LDR_DATA_TABLE_ENTRY entry;
  if (size < sizeof(*info))
    return base_fail(ERROR_INSUFFICIENT_BUFFER);
  if (!find(process, module, &entry))
    return FALSE;
  *info = (MODULEINFO){entry.DllBase, entry.SizeOfImage, entry.EntryPoint};
  return TRUE;
}

/* A copy of a name of a module, cut at `size` characters. Its length, 0 for an error. */
static DWORD name_of(HANDLE process, HMODULE module, BOOL whole_path, PWSTR buffer, DWORD size)
{
  LDR_DATA_TABLE_ENTRY entry;
  if (!size) {
    base_fail(ERROR_INSUFFICIENT_BUFFER);
    return 0;
  }
  if (!find(process, module, &entry))
    return 0;
  const UNICODE_STRING *name = whole_path ? &entry.FullDllName : &entry.BaseDllName;
  DWORD length = name->Length / sizeof(WCHAR), fitting = length < size ? length : size - 1;
  if (!read(process, name->Buffer, buffer, fitting * sizeof(WCHAR)))
    return 0;
  buffer[fitting] = 0;
  if (length < size)
    return length;
  base_fail(ERROR_INSUFFICIENT_BUFFER);
  return size;
}

static DWORD name_of_ansi(HANDLE process, HMODULE module, BOOL whole_path, PSTR buffer, DWORD size)
{
  PWSTR wide = base_allocate(size * sizeof(WCHAR) + sizeof(WCHAR));
  if (!wide)
    return 0;
  DWORD result = name_of(process, module, whole_path, wide, size);
  if (result)
    base_narrow_fill(wide, base_length(wide), buffer, size);
  base_free(wide);
  return result;
}

DWORD WINAPI K32GetModuleFileNameExW(HANDLE process, HMODULE module, LPWSTR buffer, DWORD size)
{
  return name_of(process, module, TRUE, buffer, size);
}

DWORD WINAPI K32GetModuleFileNameExA(HANDLE process, HMODULE module, LPSTR buffer, DWORD size)
{
  return name_of_ansi(process, module, TRUE, buffer, size);
}

DWORD WINAPI K32GetModuleBaseNameW(HANDLE process, HMODULE module, LPWSTR buffer, DWORD size)
{
  return name_of(process, module, FALSE, buffer, size);
}

DWORD WINAPI K32GetModuleBaseNameA(HANDLE process, HMODULE module, LPSTR buffer, DWORD size)
{
  return name_of_ansi(process, module, FALSE, buffer, size);
}

/* The name of the file that is mapped at an address, in the kernel's form (\Device\...). */
DWORD WINAPI K32GetMappedFileNameW(HANDLE process, LPVOID address, LPWSTR buffer, DWORD size)
{
  struct {
    UNICODE_STRING Name;
    WCHAR Text[MAX_PATH];
  } section;
  SIZE_T length;
  NTSTATUS status =
      NtQueryVirtualMemory(process, address, 2 /* MemoryMappedFilenameInformation */, &section, sizeof(section), &length);
  if (!BaseSetLastNTError(status) || !size)
    return 0;
  DWORD characters = section.Name.Length / sizeof(WCHAR), fitting = characters < size ? characters : size - 1;
  memcpy(buffer, section.Name.Buffer, fitting * sizeof(WCHAR));
  buffer[fitting] = 0;
  return fitting;
}
