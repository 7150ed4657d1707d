/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where DLLs and files are looked for. Lists of folders have semicolons between. */
#include "kernel32p.h"

/* KUSER_SHARED_DATA.NtSystemRoot */
#define SYSTEM_ROOT ((const WCHAR *)(USER_SHARED_DATA + 0x30))
#define LIST_ROOM 0x8000u /* characters */

typedef struct {
  PWSTR Text; /* LIST_ROOM characters of the process heap; what does not fit is left out */
  DWORD Length;
} FOLDER_LIST;

/* What SetDllDirectory gave; NULL: nothing, "": no current folder. The lists are changed under the loader lock. */
static PWSTR dll_directory;
typedef struct _USER_DIRECTORY {
  struct _USER_DIRECTORY *Next;
  WCHAR Path[];
} USER_DIRECTORY;
static USER_DIRECTORY *user_directories;
static DWORD default_directories; /* SetDefaultDllDirectories */

static BOOL is_separator(WCHAR c) { return c == '\\' || c == '/'; }

static void add(FOLDER_LIST *list, PCWSTR folder, DWORD length, PCWSTR below)
{
  DWORD below_length = base_length(below);
  if (!length || list->Length + length + below_length + 2 > LIST_ROOM)
    return;
  if (list->Length)
    list->Text[list->Length++] = ';';
  memcpy(list->Text + list->Length, folder, length * sizeof(WCHAR));
  list->Length += length;
  memcpy(list->Text + list->Length, below, (below_length + 1) * sizeof(WCHAR));
  list->Length += below_length;
}

static void add_text(FOLDER_LIST *list, PCWSTR folder) { add(list, folder, base_length(folder), L""); }
static void add_system32(FOLDER_LIST *list) { add(list, SYSTEM_ROOT, base_length(SYSTEM_ROOT), L"\\system32"); }

static void add_system(FOLDER_LIST *list)
{
  add_system32(list);
  add(list, SYSTEM_ROOT, base_length(SYSTEM_ROOT), L"\\system");
  add_text(list, SYSTEM_ROOT);
}

/* The folder of a file's path. */
static void add_folder_of(FOLDER_LIST *list, PCWSTR path, DWORD length)
{
  while (length && !is_separator(path[length - 1]))
    length--;
  if (length)
    add(list, path, length - 1, L"");
}

static void add_program(FOLDER_LIST *list)
{
  UNICODE_STRING *image = &NtCurrentPeb()->ProcessParameters->ImagePathName;
  add_folder_of(list, image->Buffer, image->Length / sizeof(WCHAR));
}

static void add_path_variable(FOLDER_LIST *list)
{
  UNICODE_STRING variable, value = {0, 0xFFFC, base_allocate(0x10000)};
  RtlInitUnicodeString(&variable, L"PATH");
  if (value.Buffer && NT_SUCCESS(RtlQueryEnvironmentVariable_U(NULL, &variable, &value)))
    add(list, value.Buffer, value.Length / sizeof(WCHAR), L"");
  base_free(value.Buffer);
}

static BOOL is_absolute(PCWSTR name)
{
  return (name[0] && name[1] == ':' && is_separator(name[2])) || (is_separator(name[0]) && is_separator(name[1]));
}

static void add_by_flags(FOLDER_LIST *list, DWORD flags, PCWSTR name)
{
  if (flags & LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR)
    add_folder_of(list, name, base_length(name));
  if (flags & (LOAD_LIBRARY_SEARCH_APPLICATION_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS))
    add_program(list);
  if (flags & (LOAD_LIBRARY_SEARCH_USER_DIRS | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS)) {
    if (dll_directory && *dll_directory)
      add_text(list, dll_directory);
    for (USER_DIRECTORY *directory = user_directories; directory; directory = directory->Next)
      add_text(list, directory->Path);
  }
  if (flags & (LOAD_LIBRARY_SEARCH_SYSTEM32 | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS))
    add_system32(list);
}

#define SEARCH_FLAGS                                                                                          \
  (LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_APPLICATION_DIR | LOAD_LIBRARY_SEARCH_USER_DIRS |   \
   LOAD_LIBRARY_SEARCH_SYSTEM32 | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS)

PWSTR base_dll_search_path(DWORD flags, PCWSTR name)
{
  FOLDER_LIST list = {.Length = 0};
  BOOL altered = (flags & LOAD_WITH_ALTERED_SEARCH_PATH) && is_absolute(name);
  if (!(flags & SEARCH_FLAGS) && !altered)
    flags |= default_directories;
  if (!(flags & SEARCH_FLAGS) && !altered && !dll_directory)
    return NULL;
  list.Text = base_allocate(LIST_ROOM * sizeof(WCHAR));
  if (!list.Text)
    return NULL;
  list.Text[0] = 0;
  if (flags & SEARCH_FLAGS) {
    add_by_flags(&list, flags, name);
    return list.Text;
  }
  if (altered)
    add_folder_of(&list, name, base_length(name));
  else
    add_program(&list);
  if (dll_directory && *dll_directory)
    add_text(&list, dll_directory);
  add_system(&list);
  if (!dll_directory)
    add_text(&list, L".");
  add_path_variable(&list);
  return list.Text;
}

BOOL WINAPI SetDllDirectoryW(LPCWSTR folder)
{
  ULONG disposition;
  PVOID cookie;
  PWSTR copy = NULL, old;
  if (folder) {
    DWORD length = base_length(folder);
    for (DWORD i = 0; i < length; i++)
      if (folder[i] == ';')
        return base_fail(ERROR_INVALID_PARAMETER);
    copy = base_allocate((length + 1ull) * sizeof(WCHAR));
    if (!copy)
      return FALSE;
    base_wide_fill(folder, length, copy, length + 1);
  }
  LdrLockLoaderLock(0, &disposition, &cookie);
  old = dll_directory;
  dll_directory = copy;
  LdrUnlockLoaderLock(0, cookie);
  base_free(old);
  return TRUE;
}

BOOL WINAPI SetDllDirectoryA(LPCSTR folder)
{
  PCWSTR wide;
  return base_wide_static(folder, &wide) && SetDllDirectoryW(wide);
}

DWORD WINAPI GetDllDirectoryW(DWORD size, LPWSTR buffer)
{
  PCWSTR folder = dll_directory ? dll_directory : L"";
  base_fail(ERROR_SUCCESS);
  return base_wide_fill(folder, base_length(folder), buffer, size);
}

DWORD WINAPI GetDllDirectoryA(DWORD size, LPSTR buffer)
{
  PCWSTR folder = dll_directory ? dll_directory : L"";
  base_fail(ERROR_SUCCESS);
  return base_narrow_fill(folder, base_length(folder), buffer, size);
}

DLL_DIRECTORY_COOKIE WINAPI AddDllDirectory(PCWSTR folder)
{
  ULONG disposition;
  PVOID cookie;
  DWORD length = base_length(folder);
  if (!is_absolute(folder)) {
    base_fail(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  USER_DIRECTORY *directory = base_allocate(sizeof(*directory) + (length + 1ull) * sizeof(WCHAR));
  if (!directory)
    return NULL;
  base_wide_fill(folder, length, directory->Path, length + 1);
  LdrLockLoaderLock(0, &disposition, &cookie);
  directory->Next = user_directories;
  user_directories = directory;
  LdrUnlockLoaderLock(0, cookie);
  return directory;
}

BOOL WINAPI RemoveDllDirectory(DLL_DIRECTORY_COOKIE directory)
{
  ULONG disposition;
  PVOID cookie;
  LdrLockLoaderLock(0, &disposition, &cookie);
  USER_DIRECTORY **link = &user_directories;
  while (*link && *link != directory)
    link = &(*link)->Next;
  USER_DIRECTORY *found = *link;
  if (found)
    *link = found->Next;
  LdrUnlockLoaderLock(0, cookie);
  base_free(found);
  return found ? TRUE : base_fail(ERROR_INVALID_PARAMETER);
}

BOOL WINAPI SetDefaultDllDirectories(DWORD flags)
{
  if (!flags || (flags & ~(DWORD)(SEARCH_FLAGS & ~LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR)))
    return base_fail(ERROR_INVALID_PARAMETER);
  default_directories = flags;
  return TRUE;
}

/* ---- SearchPath ---- */

static BOOL has_path(PCWSTR name)
{
  for (; *name; name++)
    if (is_separator(*name) || *name == ':')
      return TRUE;
  return FALSE;
}

static BOOL has_extension(PCWSTR name)
{
  BOOL dot = FALSE;
  for (; *name; name++)
    dot = *name == '.' || (dot && !is_separator(*name));
  return dot;
}

static BOOL exists(PCWSTR path)
{
  struct {
    LARGE_INTEGER Times[4];
    ULONG FileAttributes;
  } facts;
  UNICODE_STRING name;
  OBJECT_ATTRIBUTES attributes;
  WCHAR nt[MAX_PATH + 4] = L"\\??\\";
  DWORD length = base_length(path);
  if (length >= MAX_PATH)
    return FALSE;
  base_wide_fill(path, length, nt + 4, MAX_PATH);
  RtlInitUnicodeString(&name, nt);
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
  return NT_SUCCESS(NtQueryAttributesFile(&attributes, &facts));
}

/* folder\name, with the extension; its full form in `path` if there is such a file. */
static BOOL try_folder(PCWSTR folder, DWORD folder_length, PCWSTR name, PCWSTR extension, WCHAR path[MAX_PATH])
{
  WCHAR text[MAX_PATH];
  DWORD length = folder_length, name_length = base_length(name), extension_length = base_length(extension);
  if (folder_length + name_length + extension_length + 2 > MAX_PATH)
    return FALSE;
  memcpy(text, folder, length * sizeof(WCHAR));
  if (length && !is_separator(text[length - 1]))
    text[length++] = '\\';
  memcpy(text + length, name, name_length * sizeof(WCHAR));
  length += name_length;
  memcpy(text + length, extension, (extension_length + 1) * sizeof(WCHAR));
  ULONG bytes = RtlGetFullPathName_U(text, MAX_PATH * sizeof(WCHAR), path, NULL);
  return bytes && bytes < MAX_PATH * sizeof(WCHAR) && exists(path);
}

static BOOL try_list(PCWSTR list, PCWSTR name, PCWSTR extension, WCHAR path[MAX_PATH])
{
  while (*list) {
    DWORD length = 0;
    while (list[length] && list[length] != ';')
      length++;
    if (length && try_folder(list, length, name, extension, path))
      return TRUE;
    list += length + (list[length] != 0);
  }
  return FALSE;
}

/* The program's folder, the current one, the system's, those of PATH. */
static PWSTR default_list(void)
{
  FOLDER_LIST list = {.Text = base_allocate(LIST_ROOM * sizeof(WCHAR))};
  if (!list.Text)
    return NULL;
  list.Text[0] = 0;
  add_program(&list);
  add_text(&list, L".");
  add_system(&list);
  add_path_variable(&list);
  return list.Text;
}

DWORD WINAPI SearchPathW(LPCWSTR folders, LPCWSTR name, LPCWSTR extension, DWORD size, LPWSTR buffer, LPWSTR *file_part)
{
  WCHAR path[MAX_PATH];
  BOOL found;
  if (!name || !*name) {
    base_fail(ERROR_INVALID_PARAMETER);
    return 0;
  }
  if (!extension || has_extension(name))
    extension = L"";
  if (has_path(name)) {
    found = try_folder(NULL, 0, name, extension, path) || (*extension && try_folder(NULL, 0, name, L"", path));
  } else if (folders) {
    found = try_list(folders, name, extension, path);
  } else {
    PWSTR list = default_list();
    found = list && try_list(list, name, extension, path);
    base_free(list);
  }
  if (!found) {
    base_fail(ERROR_FILE_NOT_FOUND);
    return 0;
  }
  DWORD length = base_length(path), result = base_wide_fill(path, length, buffer, size);
  if (file_part && result == length) {
    *file_part = buffer + length;
    while (*file_part > buffer && !is_separator((*file_part)[-1]))
      --*file_part;
  }
  return result;
}

DWORD WINAPI SearchPathA(LPCSTR folders, LPCSTR name, LPCSTR extension, DWORD size, LPSTR buffer, LPSTR *file_part)
{
  PWSTR wide_folders, wide_name, wide_extension;
  WCHAR path[MAX_PATH];
  LPWSTR part = NULL;
  DWORD result = 0;
  if (!base_wide_copy(folders, &wide_folders))
    return 0;
  if (base_wide_copy(name, &wide_name)) {
    if (base_wide_copy(extension, &wide_extension)) {
      result = SearchPathW(wide_folders, wide_name, wide_extension, MAX_PATH, path, &part);
      base_free(wide_extension);
    }
    base_free(wide_name);
  }
  base_free(wide_folders);
  if (!result || result >= MAX_PATH)
    return 0;
  DWORD filled = base_narrow_fill(path, result, buffer, size);
  if (file_part && filled == result)
    *file_part = buffer + (part - path);
  return filled;
}
