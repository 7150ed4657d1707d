/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resources of the program, as a module, a data file and an image; the version that a program with a manifest is told. */
#include "check.h"

static BOOL holds(HMODULE module, HRSRC found, const char *text)
{
  DWORD size = (DWORD)lstrlenA(text);
  const char *data = found ? LockResource(LoadResource(module, found)) : NULL;
  if (!data || SizeofResource(module, found) != size)
    return FALSE;
  for (DWORD i = 0; i < size; i++)
    if (data[i] != text[i])
      return FALSE;
  return TRUE;
}

static void find(HMODULE module)
{
  const LPCWSTR number = MAKEINTRESOURCEW(7), data = (LPCWSTR)RT_RCDATA;
  CHECK(holds(module, FindResourceW(module, L"NOTE", MAKEINTRESOURCEW(256)), "a note"));
  CHECK(holds(module, FindResourceA(module, "note", "#256"), "a note"));
  CHECK(holds(module, FindResourceExW(module, data, number, MAKELANGID(LANG_GERMAN, SUBLANG_GERMAN)), "german"));
  CHECK(holds(module, FindResourceExW(module, data, L"#7", MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US)), "english"));
  CHECK(holds(module, FindResourceW(module, number, data), "english"));
  CHECK_ERROR(FindResourceW(module, number, MAKEINTRESOURCEW(99)), ERROR_RESOURCE_TYPE_NOT_FOUND);
  CHECK_ERROR(FindResourceW(module, L"none", data), ERROR_RESOURCE_NAME_NOT_FOUND);
  CHECK_ERROR(FindResourceExW(module, data, number, MAKELANGID(LANG_FRENCH, SUBLANG_FRENCH)),
              ERROR_RESOURCE_LANG_NOT_FOUND);
}

void checks(void)
{
  WCHAR path[MAX_PATH];
  OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof(version)};
  find(NULL);
  GetModuleFileNameW(NULL, path, MAX_PATH);
  HMODULE module = LoadLibraryExW(path, NULL, LOAD_LIBRARY_AS_DATAFILE);
  find(module);
  CHECK(FreeLibrary(module));
  module = LoadLibraryExW(path, NULL, LOAD_LIBRARY_AS_IMAGE_RESOURCE);
  find(module);
  CHECK(FreeLibrary(module));
  CHECK_ERROR(FindResourceW(GetModuleHandleA("ntdll"), L"none", (LPCWSTR)RT_RCDATA), ERROR_RESOURCE_DATA_NOT_FOUND);
  CHECK(GetVersionExW(&version) && version.dwMajorVersion == 10 && version.dwMinorVersion == 0 &&
        version.dwBuildNumber == 10586);
}
