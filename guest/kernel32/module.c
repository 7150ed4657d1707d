/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Modules: loading, finding, names, exports. */
#include "kernel32p.h"

#define DATA_FILE_BITS 3u

/* A module's base; NULL is the program's. */
static PVOID base_of(HMODULE module)
{
  return module ? (PVOID)((ULONG_PTR)module & ~(ULONG_PTR)DATA_FILE_BITS) : NtCurrentPeb()->ImageBaseAddress;
}

/* The file of a name, when the search is not the loader's. */
static DWORD find_file(PCWSTR name, PWSTR path, DWORD size)
{
  DWORD length = SearchPathW(NULL, name, L".DLL", size, path, NULL);
  if (length < size)
    return length;
  base_fail(ERROR_FILENAME_EXCED_RANGE);
  return 0;
}

static NTSTATUS open_image_file(PCWSTR path, DWORD share, HANDLE *file)
{
  UNICODE_STRING name;
  OBJECT_ATTRIBUTES attributes;
  IO_STATUS_BLOCK io;
  WCHAR nt[MAX_PATH + 4] = L"\\??\\";
  DWORD length = base_length(path);
  if (length >= MAX_PATH)
    return STATUS_NAME_TOO_LONG;
  memcpy(nt + 4, path, (length + 1) * sizeof(WCHAR));
  RtlInitUnicodeString(&name, nt);
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
  return NtOpenFile(file, FILE_READ_DATA | FILE_EXECUTE | SYNCHRONIZE, &attributes, &io, share,
                    FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT);
}

/* Maps a section whole. No debugger hears of it: the thread says so in its TEB. */
static NTSTATUS map_quietly(HANDLE section, PVOID *base, DWORD protection)
{
  PTEB teb = NtCurrentTeb();
  SIZE_T size = 0;
  USHORT flags = teb->SameTebFlags;
  *base = NULL;
  teb->SameTebFlags |= TEB_SUPPRESS_DEBUG_MSG;
  NTSTATUS status = NtMapViewOfSection(section, NtCurrentProcess(), base, 0, 0, NULL, &size, 1, 0, protection);
  teb->SameTebFlags = flags;
  return NT_SUCCESS(status) ? STATUS_SUCCESS : status;
}

static NTSTATUS unmap_quietly(PVOID base)
{
  PTEB teb = NtCurrentTeb();
  USHORT flags = teb->SameTebFlags;
  teb->SameTebFlags |= TEB_SUPPRESS_DEBUG_MSG;
  NTSTATUS status = NtUnmapViewOfSection(NtCurrentProcess(), base);
  teb->SameTebFlags = flags;
  return status;
}

static NTSTATUS map_data_file(PCWSTR path, DWORD flags, HMODULE *module)
{
  HANDLE file, section;
  PVOID base;
  BOOL image = (flags & LOAD_LIBRARY_AS_IMAGE_RESOURCE) != 0;
  NTSTATUS status = open_image_file(path, FILE_SHARE_READ | FILE_SHARE_DELETE, &file);
  if (!NT_SUCCESS(status))
    return status;
  status = NtCreateSection(&section, SECTION_QUERY | SECTION_MAP_READ, NULL, NULL, PAGE_READONLY,
                           image ? SEC_IMAGE : SEC_COMMIT, file);
  NtClose(file);
  if (!NT_SUCCESS(status))
    return status;
  status = map_quietly(section, &base, PAGE_READONLY);
  NtClose(section);
  if (!NT_SUCCESS(status))
    return status;
  const IMAGE_DOS_HEADER *dos = base;
  if (!image && dos->e_magic != IMAGE_DOS_SIGNATURE) {
    NtUnmapViewOfSection(NtCurrentProcess(), base);
    return STATUS_INVALID_IMAGE_FORMAT;
  }
  *module = (HMODULE)((ULONG_PTR)base | (image ? 2 : 1));
  return STATUS_SUCCESS;
}

static HMODULE load_data_file(PCWSTR name, DWORD flags)
{
  WCHAR path[MAX_PATH];
  HMODULE module;
  if (!find_file(name, path, MAX_PATH))
    return NULL;
  return BaseSetLastNTError(map_data_file(path, flags, &module)) ? module : NULL;
}

#define KNOWN_LOAD_FLAGS                                                                                                \
  (DONT_RESOLVE_DLL_REFERENCES | LOAD_LIBRARY_AS_DATAFILE | LOAD_WITH_ALTERED_SEARCH_PATH |                            \
   LOAD_IGNORE_CODE_AUTHZ_LEVEL | LOAD_LIBRARY_AS_IMAGE_RESOURCE | LOAD_LIBRARY_AS_DATAFILE_EXCLUSIVE |                \
   LOAD_LIBRARY_REQUIRE_SIGNED_TARGET | LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_APPLICATION_DIR |       \
   LOAD_LIBRARY_SEARCH_USER_DIRS | LOAD_LIBRARY_SEARCH_SYSTEM32 | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS)
#define DATA_FILE_FLAGS (LOAD_LIBRARY_AS_DATAFILE | LOAD_LIBRARY_AS_DATAFILE_EXCLUSIVE)

HMODULE WINAPI LoadLibraryExW(LPCWSTR name, HANDLE file, DWORD flags)
{
  UNICODE_STRING text;
  PVOID base;
  RtlInitUnicodeString(&text, name);
  if (!name || file || (flags & ~(DWORD)KNOWN_LOAD_FLAGS) || (flags & DATA_FILE_FLAGS) == DATA_FILE_FLAGS) {
    base_fail(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  while (text.Length && text.Buffer[text.Length / 2 - 1] == ' ')
    text.Length -= sizeof(WCHAR);
  if (!text.Length) {
    base_fail(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  if (flags & (DATA_FILE_FLAGS | LOAD_LIBRARY_AS_IMAGE_RESOURCE))
    return load_data_file(name, flags);
  /* The loader's own flag for "as a program": map and list, run nothing. */
  ULONG characteristics = flags & DONT_RESOLVE_DLL_REFERENCES ? IMAGE_FILE_EXECUTABLE_IMAGE : 0;
  WCHAR *folders = base_dll_search_path(flags, name);
  NTSTATUS status = LdrLoadDll(folders, &characteristics, &text, &base);
  base_free(folders);
  return BaseSetLastNTError(status) ? base : NULL;
}

HMODULE WINAPI LoadLibraryExA(LPCSTR name, HANDLE file, DWORD flags)
{
  PWSTR wide;
  if (!base_wide_copy(name, &wide))
    return NULL;
  HMODULE module = LoadLibraryExW(wide, file, flags);
  base_free(wide);
  return module;
}

HMODULE WINAPI LoadLibraryW(LPCWSTR name) { return LoadLibraryExW(name, NULL, 0); }
HMODULE WINAPI LoadLibraryA(LPCSTR name) { return LoadLibraryExA(name, NULL, 0); }

BOOL WINAPI FreeLibrary(HMODULE module)
{
  NTSTATUS status;
  if ((ULONG_PTR)module & DATA_FILE_BITS)
    status = unmap_quietly(base_of(module));
  else
    status = LdrUnloadDll(module);
  return BaseSetLastNTError(status);
}

void WINAPI FreeLibraryAndExitThread(HMODULE module, DWORD code)
{
  if ((ULONG_PTR)module & DATA_FILE_BITS)
    FreeLibrary(module);
  else
    LdrUnloadDll(module);
  RtlExitUserThread((NTSTATUS)code);
}

BOOL WINAPI DisableThreadLibraryCalls(HMODULE module)
{
  return BaseSetLastNTError(LdrDisableThreadCalloutsForDll(module));
}

static NTSTATUS find_module(PCWSTR name, DWORD flags, PVOID *base)
{
  UNICODE_STRING text;
  *base = NULL;
  if (flags & GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS)
    return RtlPcToFileHeader((PVOID)name, base) ? STATUS_SUCCESS : STATUS_DLL_NOT_FOUND;
  if (!name) {
    *base = NtCurrentPeb()->ImageBaseAddress;
    return STATUS_SUCCESS;
  }
  RtlInitUnicodeString(&text, name);
  return LdrGetDllHandle(NULL, NULL, &text, base);
}

BOOL WINAPI GetModuleHandleExW(DWORD flags, LPCWSTR name, HMODULE *module)
{
  const DWORD pin = GET_MODULE_HANDLE_EX_FLAG_PIN, unchanged = GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
  PVOID base;
  if (!module)
    return base_fail(ERROR_INVALID_PARAMETER);
  *module = NULL;
  if ((flags & ~(pin | unchanged | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS)) || (flags & (pin | unchanged)) == (pin | unchanged) ||
      ((flags & GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS) && !name))
    return base_fail(ERROR_INVALID_PARAMETER);
  ULONG cookie_kind;
  PVOID cookie;
  LdrLockLoaderLock(0, &cookie_kind, &cookie);
  NTSTATUS status = find_module(name, flags, &base);
  if (NT_SUCCESS(status) && !(flags & unchanged))
    status = LdrAddRefDll(flags & pin ? 1 : 0, base);
  LdrUnlockLoaderLock(0, cookie);
  if (NT_SUCCESS(status))
    *module = base;
  return BaseSetLastNTError(status);
}

BOOL WINAPI GetModuleHandleExA(DWORD flags, LPCSTR name, HMODULE *module)
{
  PCWSTR wide;
  if (flags & GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS)
    return GetModuleHandleExW(flags, (LPCWSTR)name, module);
  if (!base_wide_static(name, &wide)) {
    if (module)
      *module = NULL;
    return FALSE;
  }
  return GetModuleHandleExW(flags, wide, module);
}

HMODULE WINAPI GetModuleHandleW(LPCWSTR name)
{
  PVOID base;
  return BaseSetLastNTError(find_module(name, 0, &base)) ? base : NULL;
}

HMODULE WINAPI GetModuleHandleA(LPCSTR name)
{
  PCWSTR wide;
  return base_wide_static(name, &wide) ? GetModuleHandleW(wide) : NULL;
}

/* A copy of the module's path, in the process heap; NULL with ERROR_MOD_NOT_FOUND. */
static PWSTR module_path(HMODULE module, DWORD *length)
{
  PLDR_DATA_TABLE_ENTRY entry;
  ULONG cookie_kind;
  PVOID cookie, base = base_of(module);
  PWSTR copy = NULL;
  LdrLockLoaderLock(0, &cookie_kind, &cookie);
  if (NT_SUCCESS(LdrFindEntryForAddress(base, &entry)) && entry->DllBase == base) {
    *length = entry->FullDllName.Length / 2;
    copy = base_allocate((*length + 1ull) * sizeof(WCHAR));
    if (copy) {
      memcpy(copy, entry->FullDllName.Buffer, *length * sizeof(WCHAR));
      copy[*length] = 0;
    }
  } else {
    base_fail(ERROR_MOD_NOT_FOUND);
  }
  LdrUnlockLoaderLock(0, cookie);
  return copy;
}

/* A path that does not fit is cut, and the size is the result. */
static DWORD path_result(DWORD length, DWORD size)
{
  base_fail(length < size ? ERROR_SUCCESS : ERROR_INSUFFICIENT_BUFFER);
  return length < size ? length : size;
}

DWORD WINAPI GetModuleFileNameW(HMODULE module, LPWSTR buffer, DWORD size)
{
  DWORD length;
  PWSTR path = module_path(module, &length);
  if (!path)
    return 0;
  if (size) {
    path[length < size ? length : size - 1] = 0;
    base_wide_fill(path, length < size ? length : size - 1, buffer, size);
  }
  base_free(path);
  return path_result(length, size);
}

DWORD WINAPI GetModuleFileNameA(HMODULE module, LPSTR buffer, DWORD size)
{
  DWORD length;
  PWSTR path = module_path(module, &length);
  if (!path)
    return 0;
  if (size) {
    path[length < size ? length : size - 1] = 0;
    base_narrow_fill(path, length < size ? length : size - 1, buffer, size);
  }
  base_free(path);
  return path_result(length, size);
}

FARPROC WINAPI GetProcAddress(HMODULE module, LPCSTR name)
{
  ANSI_STRING text;
  PVOID address;
  BOOL by_name = (ULONG_PTR)name > 0xFFFF;
  if (by_name)
    RtlInitAnsiString(&text, name);
  PVOID base = module ? module : NtCurrentPeb()->ImageBaseAddress;
  NTSTATUS status = LdrGetProcedureAddress(base, by_name ? &text : NULL, by_name ? 0 : (ULONG)(ULONG_PTR)name, &address);
  return BaseSetLastNTError(status) ? (FARPROC)(ULONG_PTR)address : NULL;
}

/* What a delay-loaded import calls when it failed and the program has no hook: nothing to put in its place. */
FARPROC WINAPI DelayLoadFailureHook(LPCSTR dll, LPCSTR procedure)
{
  (void)dll, (void)procedure;
  return NULL;
}
