/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File mappings. */
#include "kernel32p.h"

static ACCESS_MASK section_access(DWORD protection)
{
  ACCESS_MASK access = STANDARD_RIGHTS_REQUIRED | SECTION_QUERY | SECTION_MAP_READ;
  if (protection == PAGE_READWRITE || protection == PAGE_EXECUTE_READWRITE)
    access |= SECTION_MAP_WRITE;
  if (protection & (PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY))
    access |= SECTION_MAP_EXECUTE;
  return access;
}

HANDLE WINAPI CreateFileMappingW(HANDLE file, LPSECURITY_ATTRIBUTES security, DWORD protect, DWORD size_high,
                                 DWORD size_low, LPCWSTR name)
{
  OBJECT_ATTRIBUTES room;
  UNICODE_STRING text;
  HANDLE section;
  LARGE_INTEGER size = {.QuadPart = (LONGLONG)((ULONGLONG)size_high << 32 | size_low)};
  DWORD protection = protect & 0xFF, attributes = protect & 0xFF800000u;
  OBJECT_ATTRIBUTES *object = BaseFormatObjectAttributes(&room, security, name, &text);
  /* No size: the file's. */
  NTSTATUS status = NtCreateSection(&section, section_access(protection), object, size.QuadPart ? &size : NULL, protection,
                                    attributes ? attributes : SEC_COMMIT, file == INVALID_HANDLE_VALUE ? NULL : file);
  return base_created(status, section);
}

HANDLE WINAPI CreateFileMappingA(HANDLE file, LPSECURITY_ATTRIBUTES security, DWORD protect, DWORD size_high,
                                 DWORD size_low, LPCSTR name)
{
  PCWSTR wide;
  return base_wide_static(name, &wide) ? CreateFileMappingW(file, security, protect, size_high, size_low, wide) : NULL;
}

HANDLE WINAPI OpenFileMappingW(DWORD access, BOOL inherit, LPCWSTR name)
{
  OBJECT_ATTRIBUTES attributes;
  UNICODE_STRING text;
  HANDLE section;
  /* FILE_MAP_COPY is SECTION_QUERY, FILE_MAP_EXECUTE its own bit. */
  if (access == FILE_MAP_COPY)
    access = SECTION_MAP_READ;
  else if (access & FILE_MAP_EXECUTE)
    access = (access & ~(DWORD)FILE_MAP_EXECUTE) | SECTION_MAP_EXECUTE;
  if (!base_open_attributes(&attributes, inherit, name, &text))
    return NULL;
  return BaseSetLastNTError(NtOpenSection(&section, access, &attributes)) ? section : NULL;
}

HANDLE WINAPI OpenFileMappingA(DWORD access, BOOL inherit, LPCSTR name)
{
  PCWSTR wide;
  return base_wide_static(name, &wide) ? OpenFileMappingW(access, inherit, wide) : NULL;
}

static DWORD view_protection(DWORD access)
{
  BOOL execute = (access & FILE_MAP_EXECUTE) != 0;
  access &= ~(DWORD)FILE_MAP_EXECUTE;
  if (access == FILE_MAP_COPY)
    return execute ? PAGE_EXECUTE_WRITECOPY : PAGE_WRITECOPY;
  if (access & FILE_MAP_WRITE)
    return execute ? PAGE_EXECUTE_READWRITE : PAGE_READWRITE;
  if (access & FILE_MAP_READ)
    return execute ? PAGE_EXECUTE_READ : PAGE_READONLY;
  return PAGE_NOACCESS;
}

LPVOID WINAPI MapViewOfFileEx(HANDLE mapping, DWORD access, DWORD offset_high, DWORD offset_low, SIZE_T size,
                              LPVOID address)
{
  PVOID base = address;
  LARGE_INTEGER offset = {.QuadPart = (LONGLONG)((ULONGLONG)offset_high << 32 | offset_low)};
  NTSTATUS status = NtMapViewOfSection(mapping, NtCurrentProcess(), &base, 0, 0, &offset, &size, 1 /* ViewShare */, 0,
                                       view_protection(access));
  return BaseSetLastNTError(status) ? base : NULL;
}

LPVOID WINAPI MapViewOfFile(HANDLE mapping, DWORD access, DWORD offset_high, DWORD offset_low, SIZE_T size)
{
  return MapViewOfFileEx(mapping, access, offset_high, offset_low, size, NULL);
}

BOOL WINAPI UnmapViewOfFile(LPCVOID base)
{
  return BaseSetLastNTError(NtUnmapViewOfSection(NtCurrentProcess(), (PVOID)base));
}

BOOL WINAPI FlushViewOfFile(const void *base, SIZE_T size)
{
  PVOID address = (PVOID)base;
  IO_STATUS_BLOCK io;
  NTSTATUS status = NtFlushVirtualMemory(NtCurrentProcess(), &address, &size, &io);
  /* Memory without a file has nothing to write. */
  return status == STATUS_NOT_MAPPED_DATA || BaseSetLastNTError(status);
}
