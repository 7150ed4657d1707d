/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads g_dll.dll from the program's folder, twice at once, calls it and unloads it. */
#include "nano.h"

PROBE(load, "mov (%rcx), %al");

static WCHAR path[300];

static void make_path(const char *file)
{
  static const WCHAR prefix[] = u"\\??\\";
  UNICODE_STRING64 *image = &nano_teb()->ProcessEnvironmentBlock->ProcessParameters->ImagePathName;
  const WCHAR *name = (const WCHAR *)image->Buffer;
  ULONG length = 0, end = 0;
  if (name[0] != '\\')
    for (; prefix[length]; length++)
      path[length] = prefix[length];
  end = length;
  for (ULONG i = 0; i < image->Length / 2u && length < 270; i++) {
    path[length++] = name[i];
    if (name[i] == '\\')
      end = length;
  }
  for (; *file; file++)
    path[end++] = (WCHAR)*file;
  path[end] = 0;
}

static ULONG call_answer(void *base)
{
  ULONG (*answer)(void) = (ULONG(*)(void))nano_find_export(base, "dll_answer");
  CHECK(answer);
  return answer();
}

ULONG start(void *peb)
{
  (void)peb;
  void *base = NULL, *second = NULL;
  make_path("g_none.dll");
  CHECK_STATUS(nano_load_dll(path, &base), STATUS_OBJECT_NAME_NOT_FOUND);
  make_path("g_dll.dll");
  CHECK_STATUS(nano_load_dll(path, &base), STATUS_SUCCESS);
  CHECK(call_answer(base) == 42);
  CHECK_STATUS(nano_load_dll(path, &second), STATUS_SUCCESS);
  CHECK(second != base && call_answer(second) == 42);
  MEMORY_BASIC_INFORMATION64 information = query_memory((UCHAR *)second + 0x1000);
  CHECK(information.Type == MEM_IMAGE && information.State == MEM_COMMIT);
  CHECK(information.AllocationBase == (ULONG64)second && information.Protect == PAGE_EXECUTE_READ);
  CHECK_STATUS(nano_unload_dll(second), STATUS_SUCCESS);
  CHECK(call_answer(base) == 42);
  CHECK_STATUS(nano_unload_dll(base), STATUS_SUCCESS);
  CHECK(query_memory(base).State == MEM_FREE);
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  RUN_PROBE(load, base);
  CHECK(seen.count == 1 && seen.code == STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtUnmapViewOfSection(NtCurrentProcess, base), STATUS_NOT_MAPPED_VIEW);
  return 0;
}
