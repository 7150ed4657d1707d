/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Modules: loading, handles, names, exports, resources. k_library.dll lies beside the program. */
#define PSAPI_VERSION 2
#include "check.h"
#include <psapi.h>

/* Without case; the end is in lower case. */
static BOOL ends_with(const WCHAR *text, const WCHAR *end)
{
  int length = lstrlenW(text), tail = lstrlenW(end);
  if (length < tail)
    return FALSE;
  for (text += length - tail; *end; text++, end++)
    if ((*text >= 'A' && *text <= 'Z' ? *text + 32 : *text) != *end)
      return FALSE;
  return TRUE;
}

static void names(void)
{
  WCHAR path[MAX_PATH], short_path[8];
  char ansi[MAX_PATH];
  DWORD length = GetModuleFileNameW(NULL, path, MAX_PATH);
  CHECK(length && length == (DWORD)lstrlenW(path) && ends_with(path, L"\\k_module.exe"));
  CHECK(GetModuleFileNameA(NULL, ansi, MAX_PATH) == length && ansi[length] == 0 && ansi[1] == ':');
  CHECK(GetModuleFileNameW(NULL, short_path, 8) == 8 && GetLastError() == ERROR_INSUFFICIENT_BUFFER);
  CHECK(short_path[7] == 0 && short_path[6] == path[6]);
  CHECK_ERROR(GetModuleFileNameW((HMODULE)0x10000, path, MAX_PATH), ERROR_MOD_NOT_FOUND);
  CHECK(GetModuleFileNameW(GetModuleHandleA("KERNEL32"), path, MAX_PATH) && ends_with(path, L"\\system32\\kernel32.dll"));
}

static void handles(void)
{
  HMODULE module;
  CHECK(GetModuleHandleW(NULL) && GetModuleHandleA("kernel32.dll") == GetModuleHandleW(L"kernel32"));
  CHECK_ERROR(GetModuleHandleA("k_library"), ERROR_MOD_NOT_FOUND);
  CHECK(GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                           (LPCWSTR)(ULONG_PTR)handles, &module) &&
        module == GetModuleHandleW(NULL));
  CHECK_ERROR(GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, NULL, &module),
              ERROR_INVALID_PARAMETER);
  CHECK(!module);
}

static void loading(void)
{
  int *attached;
  HMODULE module = LoadLibraryA("k_library"), same;
  CHECK(module && GetModuleHandleA("k_library.dll") == module);
  int (*answer)(void) = (int (*)(void))(ULONG_PTR)GetProcAddress(module, "k_library_answer");
  CHECK(answer && answer() == 42);
  attached = (int *)(ULONG_PTR)GetProcAddress(module, "attached");
  CHECK(attached && *attached == 1);
  CHECK((int *)(ULONG_PTR)GetProcAddress(module, (LPCSTR)1) == attached);
  CHECK_ERROR(GetProcAddress(module, "nothing"), ERROR_PROC_NOT_FOUND);
  CHECK_ERROR(GetProcAddress(module, (LPCSTR)77), ERROR_INVALID_ORDINAL);
  CHECK(LoadLibraryW(L"K_LIBRARY.DLL") == module && FreeLibrary(module) && GetModuleHandleA("k_library") == module);
  CHECK(GetModuleHandleExW(0, L"k_library", &same) && same == module);
  CHECK(DisableThreadLibraryCalls(module));
  CHECK(FreeLibrary(module) && FreeLibrary(module));
  CHECK_ERROR(FreeLibrary(module), ERROR_MOD_NOT_FOUND);
  CHECK_ERROR(LoadLibraryA("no_such_library"), ERROR_MOD_NOT_FOUND);
  CHECK_ERROR(LoadLibraryA(""), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(LoadLibraryExA("k_library", (HANDLE)8, 0), ERROR_INVALID_PARAMETER);
}

static void unresolved(void)
{
  HMODULE module = LoadLibraryExA("k_library.dll", NULL, DONT_RESOLVE_DLL_REFERENCES);
  int *attached = (int *)(ULONG_PTR)GetProcAddress(module, "attached");
  CHECK(module && attached && *attached == 0);
  CHECK(FreeLibrary(module) && !GetModuleHandleA("k_library"));
}

static void data_files(void)
{
  HMODULE module = LoadLibraryExA("k_library.dll", NULL, LOAD_LIBRARY_AS_DATAFILE);
  CHECK(((ULONG_PTR)module & 0xFFFF) == 1 && *(WORD *)((ULONG_PTR)module - 1) == IMAGE_DOS_SIGNATURE);
  CHECK(!GetModuleHandleA("k_library"));
  CHECK(FreeLibrary(module));
  module = LoadLibraryExA("k_library.dll", NULL, LOAD_LIBRARY_AS_IMAGE_RESOURCE | LOAD_LIBRARY_AS_DATAFILE);
  CHECK(((ULONG_PTR)module & 0xFFFF) == 2 && *(WORD *)((ULONG_PTR)module - 2) == IMAGE_DOS_SIGNATURE);
  CHECK(!GetModuleHandleA("k_library"));
  CHECK(FreeLibrary(module));
  CHECK_ERROR(LoadLibraryExA("no_such_file", NULL, LOAD_LIBRARY_AS_DATAFILE), ERROR_FILE_NOT_FOUND);
}

static void searches(void)
{
  WCHAR path[MAX_PATH], *file = NULL;
  DWORD length = SearchPathW(NULL, L"kernel32", L".dll", MAX_PATH, path, &file);
  CHECK(length && ends_with(path, L"\\system32\\kernel32.dll") && file && ends_with(file, L"kernel32.dll") && lstrlenW(file) == 12);
  CHECK(SearchPathW(NULL, L"kernel32.dll", NULL, 3, path, NULL) == length + 1);
  CHECK_ERROR(SearchPathW(L"C:\\windows", L"kernel32.dll", NULL, MAX_PATH, path, NULL), ERROR_FILE_NOT_FOUND);
  CHECK_ERROR(SearchPathW(NULL, NULL, NULL, MAX_PATH, path, NULL), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(LoadLibraryExA("k_library.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32), ERROR_MOD_NOT_FOUND);
  HMODULE module = LoadLibraryExA("k_library.dll", NULL, LOAD_LIBRARY_SEARCH_APPLICATION_DIR);
  CHECK(module && FreeLibrary(module));
  CHECK(SetDllDirectoryW(L"C:\\nowhere") && GetDllDirectoryW(MAX_PATH, path) == 10);
  module = LoadLibraryA("k_library.dll");
  CHECK(module && FreeLibrary(module) && SetDllDirectoryW(NULL) && GetDllDirectoryW(MAX_PATH, path) == 0);
}

static void lists(void)
{
  HMODULE modules[8];
  MODULEINFO info;
  WCHAR path[MAX_PATH];
  char name[MAX_PATH];
  DWORD needed = 0;
  CHECK(EnumProcessModules(GetCurrentProcess(), modules, sizeof(modules), &needed) && needed == 4 * sizeof(HMODULE));
  CHECK(modules[0] == GetModuleHandleW(NULL) && modules[1] == GetModuleHandleA("ntdll") &&
        modules[2] == GetModuleHandleA("kernel32") && modules[3] == GetModuleHandleA("kernelbase"));
  CHECK(EnumProcessModules(GetCurrentProcess(), NULL, 0, &needed) && needed == 4 * sizeof(HMODULE));
  CHECK(GetModuleInformation(GetCurrentProcess(), modules[0], &info, sizeof(info)) && info.lpBaseOfDll == modules[0] &&
        info.EntryPoint == (PVOID)(ULONG_PTR)start);
  CHECK(GetModuleFileNameExW(GetCurrentProcess(), NULL, path, MAX_PATH) && ends_with(path, L"\\k_module.exe"));
  CHECK(GetModuleBaseNameA(GetCurrentProcess(), modules[1], name, MAX_PATH) == 9 && !lstrcmpiA(name, "NTDLL.dll"));
  CHECK_ERROR(GetModuleBaseNameA(GetCurrentProcess(), (HMODULE)8, name, MAX_PATH), ERROR_INVALID_HANDLE);
}

void checks(void)
{
  lists();
  names();
  handles();
  unresolved();
  loading();
  data_files();
  searches();
}
