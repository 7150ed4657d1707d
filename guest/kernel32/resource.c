/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resources. */
#include "kernel32p.h"

static PVOID base_of(HMODULE module) { return module ? (PVOID)module : NtCurrentPeb()->ImageBaseAddress; }

/* "#123" is the number. */
static ULONG_PTR identifier(LPCWSTR name)
{
  ULONG_PTR number = 0;
  if (IS_INTRESOURCE(name) || name[0] != '#')
    return (ULONG_PTR)name;
  for (name++; *name >= '0' && *name <= '9'; name++)
    number = number * 10 + (ULONG_PTR)(*name - '0');
  return number & 0xFFFF;
}

HRSRC WINAPI FindResourceExW(HMODULE module, LPCWSTR type, LPCWSTR name, WORD language)
{
  LDR_RESOURCE_INFO info = {identifier(type), identifier(name), language};
  IMAGE_RESOURCE_DATA_ENTRY *entry;
  return BaseSetLastNTError(LdrFindResource_U(base_of(module), &info, 3, &entry)) ? (HRSRC)entry : NULL;
}

HRSRC WINAPI FindResourceW(HMODULE module, LPCWSTR name, LPCWSTR type) { return FindResourceExW(module, type, name, 0); }

HRSRC WINAPI FindResourceExA(HMODULE module, LPCSTR type, LPCSTR name, WORD language)
{
  PWSTR wide_type = (PWSTR)type, wide_name = (PWSTR)name;
  HRSRC result = NULL;
  if (!IS_INTRESOURCE(type) && !base_wide_copy(type, &wide_type))
    return NULL;
  if (IS_INTRESOURCE(name) || base_wide_copy(name, &wide_name)) {
    result = FindResourceExW(module, wide_type, wide_name, language);
    if (!IS_INTRESOURCE(name))
      base_free(wide_name);
  }
  if (!IS_INTRESOURCE(type))
    base_free(wide_type);
  return result;
}

HRSRC WINAPI FindResourceA(HMODULE module, LPCSTR name, LPCSTR type) { return FindResourceExA(module, type, name, 0); }

HGLOBAL WINAPI LoadResource(HMODULE module, HRSRC resource)
{
  PVOID address;
  if (!resource)
    return NULL;
  return BaseSetLastNTError(LdrAccessResource(base_of(module), (PVOID)resource, &address, NULL)) ? address : NULL;
}

DWORD WINAPI SizeofResource(HMODULE module, HRSRC resource)
{
  ULONG size;
  return BaseSetLastNTError(LdrAccessResource(base_of(module), (PVOID)resource, NULL, &size)) ? size : 0;
}

LPVOID WINAPI LockResource(HGLOBAL data) { return data; }

BOOL WINAPI FreeResource(HGLOBAL data)
{
  (void)data;
  return FALSE;
}
