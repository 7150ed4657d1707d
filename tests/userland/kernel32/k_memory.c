/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual memory, file mappings without a file, tries of pointers. */
#include "check.h"

static void virtual_memory(void)
{
  MEMORY_BASIC_INFORMATION information;
  DWORD old = 0;
  char *block = VirtualAlloc(NULL, 0x3001, MEM_RESERVE, PAGE_READWRITE);
  CHECK(block && ((ULONG_PTR)block & 0xFFFF) == 0);
  CHECK(VirtualQuery(block, &information, sizeof(information)) == sizeof(information));
  CHECK(information.State == MEM_RESERVE && information.RegionSize == 0x4000 && information.Protect == 0);
  CHECK(VirtualAlloc(block + 0x1000, 1, MEM_COMMIT, PAGE_READWRITE) == block + 0x1000);
  CHECK(VirtualQuery(block + 0x1234, &information, sizeof(information)) == sizeof(information));
  CHECK(information.BaseAddress == block + 0x1000 && information.AllocationBase == block);
  CHECK(information.State == MEM_COMMIT && information.Type == MEM_PRIVATE && information.Protect == PAGE_READWRITE);
  block[0x1000] = 1;
  CHECK(VirtualProtect(block + 0x1000, 1, PAGE_READONLY, &old) && old == PAGE_READWRITE);
  CHECK(!IsBadReadPtr(block + 0x1000, 0x1000) && IsBadWritePtr(block + 0x1000, 1));
  CHECK(IsBadReadPtr(block + 0x1FFF, 2) && IsBadReadPtr(block, 1) && !IsBadReadPtr(block + 0x1FFF, 1));
  CHECK(IsBadReadPtr(NULL, 1) && !IsBadReadPtr(NULL, 0) && !IsBadWritePtr(&old, sizeof(old)));
  CHECK(!IsBadCodePtr((FARPROC)virtual_memory) && IsBadCodePtr(NULL));
  CHECK_ERROR(VirtualProtect(block, 1, PAGE_READONLY, &old), ERROR_INVALID_ADDRESS);
  CHECK_ERROR(VirtualProtect(block + 0x1000, 1, 0x3333, &old), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(VirtualFree(block, 0x4000, MEM_RELEASE), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(VirtualAlloc((PVOID)0x1000, 1, MEM_RESERVE, PAGE_READWRITE), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(VirtualAlloc(block, 1, MEM_RESERVE, PAGE_READWRITE), ERROR_INVALID_ADDRESS);
  CHECK(VirtualFree(block, 0, MEM_RELEASE));
  CHECK(VirtualQuery(block, &information, sizeof(information)) && information.State == MEM_FREE);
  CHECK_ERROR(VirtualFree(block, 0, MEM_RELEASE), ERROR_INVALID_ADDRESS);
}

static void strings(void)
{
  char *block = VirtualAlloc(NULL, 0x1000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
  block[0xFFE] = 'a', block[0xFFF] = 'b';
  CHECK(!IsBadStringPtrA(block + 0xFFE, 2) && IsBadStringPtrA(block + 0xFFE, 3));
  block[0xFFF] = 0;
  CHECK(!IsBadStringPtrA(block + 0xFFE, 100) && IsBadStringPtrW((WCHAR *)(block + 0xFFE), 100));
  CHECK(IsBadStringPtrA(NULL, 1) && !IsBadStringPtrA(NULL, 0));
  VirtualFree(block, 0, MEM_RELEASE);
}

static void mappings(void)
{
  HANDLE mapping = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 0x12000, "shared");
  CHECK(mapping && GetLastError() == ERROR_SUCCESS);
  char *first = MapViewOfFile(mapping, FILE_MAP_ALL_ACCESS, 0, 0, 0);
  char *second = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0x10000, 0x2000);
  char *copy = MapViewOfFile(mapping, FILE_MAP_COPY, 0, 0x10000, 0);
  CHECK(first && second && copy && first != second);
  first[0x10010] = 7;
  CHECK(second[0x10] == 7 && copy[0x10] == 7);
  copy[0x10] = 8;
  CHECK(first[0x10010] == 7 && copy[0x10] == 8);
  CHECK(IsBadWritePtr(second, 1));
  HANDLE other = OpenFileMappingA(FILE_MAP_READ, FALSE, "shared");
  CHECK(other);
  CHECK_ERROR(MapViewOfFile(other, FILE_MAP_WRITE, 0, 0, 0), ERROR_ACCESS_DENIED);
  CHECK_ERROR(MapViewOfFile(mapping, FILE_MAP_READ, 0, 0x1000, 0), ERROR_MAPPED_ALIGNMENT);
  CHECK_ERROR(CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 0, NULL), ERROR_INVALID_PARAMETER);
  CHECK(FlushViewOfFile(first, 0));
  CHECK(UnmapViewOfFile(first) && UnmapViewOfFile(second) && UnmapViewOfFile(copy));
  CHECK_ERROR(UnmapViewOfFile(first), ERROR_INVALID_ADDRESS);
}

void checks(void)
{
  virtual_memory();
  strings();
  mappings();
}
