/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages of the mapped file C:\data\data.bin that the host's file no longer has. The host cuts the file to one page at
 * the breakpoint, and puts the rest back while the last exception is in its debugger. Each page is full of its number,
 * from 1 on; page 3 begins with a `ret`. */
#include "nano.h"

#define PAGE 0x1000u
#define FILE_SYNCHRONOUS_IO_NONALERT 0x20u
#define FILE_NON_DIRECTORY_FILE 0x40u
#define STATUS_PARTIAL_COPY NT_STATUS_VALUE(0x8000000D)

PROBE(load, "mov (%rcx), %al");
PROBE(store, "movb $1, (%rcx)");
PROBE(jump, "jmp *%rcx");

static UCHAR *map(HANDLE section, ULONG protection)
{
  void *base = NULL;
  ULONG64 size = 0;
  CHECK_STATUS(NtMapViewOfSection(section, NtCurrentProcess, &base, 0, 0, NULL, &size, 1, 0, protection),
               STATUS_SUCCESS);
  return base;
}

static HANDLE file_section(void)
{
  static WCHAR path[] = u"\\??\\C:\\data\\data.bin";
  HANDLE file, section;
  IO_STATUS_BLOCK64 io;
  UNICODE_STRING64 name = {.Length = sizeof(path) - 2, .MaximumLength = sizeof(path), .Buffer = (ULONG64)path};
  OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof(attributes), .ObjectName = (ULONG64)&name};
  CHECK_STATUS(NtOpenFile(&file, FILE_READ_DATA | FILE_EXECUTE | SYNCHRONIZE, &attributes, &io, 5,
                          FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT),
               STATUS_SUCCESS);
  CHECK_STATUS(NtCreateSection(&section, SECTION_ALL_ACCESS, NULL, NULL, PAGE_EXECUTE_WRITECOPY, SEC_COMMIT, file),
               STATUS_SUCCESS);
  CHECK_STATUS(NtClose(file), STATUS_SUCCESS);
  return section;
}

static void check_in_page_error(ULONG64 access, const void *address, const void *rip)
{
  CHECK(seen.count == 1 && seen.code == STATUS_IN_PAGE_ERROR && seen.flags == 0 && seen.parameters == 3);
  CHECK(seen.parameter[0] == access && seen.parameter[1] == (ULONG64)address);
  CHECK(seen.parameter[2] == 0xC0000011);
  CHECK(seen.address == (ULONG64)rip && seen.rip == (ULONG64)rip);
}

ULONG start(void *peb)
{
  IO_STATUS_BLOCK64 io;
  UCHAR copy[16];
  ULONG64 moved = 99;
  (void)peb;
  RtlAddVectoredExceptionHandler(1, record_exception);
  HANDLE section = file_section(), output = nano_teb()->ProcessEnvironmentBlock->ProcessParameters->StandardOutput;
  UCHAR *data = map(section, PAGE_READONLY), *own = map(section, PAGE_WRITECOPY);
  UCHAR *code = map(section, PAGE_EXECUTE_READ);
  CHECK(data[0] == 1);
  __asm__ volatile("int3");
  CHECK_STATUS(NtWriteFile(output, 0, NULL, NULL, &io, data + PAGE, 1, NULL, NULL), STATUS_IN_PAGE_ERROR);
  CHECK_STATUS(NtReadVirtualMemory(NtCurrentProcess, data + PAGE - 8, copy, 16, &moved), STATUS_PARTIAL_COPY);
  CHECK(moved == 8 && copy[7] == 1);
  CHECK(query_memory(data).RegionSize == 4 * PAGE && query_memory(data).State == MEM_COMMIT);
  RUN_PROBE(load, data + PAGE + 0x10);
  check_in_page_error(0, data + PAGE + 0x10, load_at);
  RUN_PROBE(store, own + 2 * PAGE);
  check_in_page_error(1, own + 2 * PAGE, store_at);
  RUN_PROBE(jump, code + 2 * PAGE);
  check_in_page_error(8, code + 2 * PAGE, code + 2 * PAGE);
  CHECK(query_memory(own + 2 * PAGE).Protect == PAGE_WRITECOPY);
  seen.count = 0;
  CHECK(*(volatile UCHAR *)(data + 3 * PAGE) == 4);
  check_in_page_error(0, data + 3 * PAGE, (const void *)seen.rip);
  seen.count = 0;
  CHECK(data[PAGE] == 2);
  own[2 * PAGE + 1] = 9;
  CHECK(own[2 * PAGE] == 0xC3 && data[2 * PAGE + 1] == 3);
  jump(code + 2 * PAGE);
  CHECK(seen.count == 0);
  return 0;
}
