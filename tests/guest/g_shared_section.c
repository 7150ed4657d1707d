/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page-file sections: two views show the same bytes, and code written through one view runs anew through the other. */
#include "nano.h"

typedef ULONG (*CODE)(void);

static void *map(HANDLE section, ULONG protection)
{
  void *base = NULL;
  ULONG64 size = 0;
  CHECK_STATUS(NtMapViewOfSection(section, NtCurrentProcess, &base, 0, 0, NULL, &size, 1, 0, protection),
               STATUS_SUCCESS);
  CHECK(size == 0x20000);
  return base;
}

ULONG start(void *peb)
{
  (void)peb;
  HANDLE section, readable;
  LONG64 size = 0x1F123;
  CHECK_STATUS(NtCreateSection(&section, SECTION_ALL_ACCESS, NULL, &size, PAGE_EXECUTE_READWRITE, SEC_COMMIT, 0),
               STATUS_SUCCESS);
  UCHAR *writable = map(section, PAGE_READWRITE), *executable = map(section, PAGE_EXECUTE_READ);
  UCHAR *both = map(section, PAGE_EXECUTE_READWRITE);
  CHECK(writable != executable && executable != both);
  CHECK(query_memory(writable).Type == MEM_MAPPED);
  writable[0x1F122] = 9;
  CHECK(executable[0x1F122] == 9 && both[0x1F122] == 9);
  for (ULONG i = 0; i < 10; i++) {
    UCHAR *at = (i & 1) ? both : writable;
    at[0] = 0xB8;
    memcpy(at + 1, &i, 4);
    at[5] = 0xC3;
    CHECK(((CODE)executable)() == i);
    CHECK(((CODE)both)() == i);
  }
  CHECK_STATUS(NtUnmapViewOfSection(NtCurrentProcess, writable), STATUS_SUCCESS);
  CHECK(((CODE)executable)() == 9);
  CHECK_STATUS(NtDuplicateObject(NtCurrentProcess, section, NtCurrentProcess, &readable, SECTION_MAP_READ, 0, 0),
               STATUS_SUCCESS);
  void *base = NULL;
  ULONG64 view = 0;
  CHECK_STATUS(NtMapViewOfSection(readable, NtCurrentProcess, &base, 0, 0, NULL, &view, 1, 0, PAGE_READWRITE),
               STATUS_ACCESS_DENIED);
  CHECK_STATUS(NtClose(section), STATUS_SUCCESS);
  CHECK(executable[0] == 0xB8);
  return 0;
}
