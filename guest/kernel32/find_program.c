/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file that a command line means (CreateProcess without an application name). */
#include "create_process.h"

/* KUSER_SHARED_DATA.NtSystemRoot */
#define SYSTEM_ROOT ((const WCHAR *)(USER_SHARED_DATA + 0x30))
#define PATH_SIZE 0x8000u

static BOOLEAN is_separator(WCHAR c) { return c == '\\' || c == '/'; }

static BOOLEAN is_file(PCWSTR path, DWORD length)
{
  WCHAR name[FIND_PROGRAM_LENGTH + 4] = {'\\', '?', '?', '\\'};
  FILE_BASIC_INFO basic;
  UNICODE_STRING text;
  OBJECT_ATTRIBUTES attributes;
  memcpy(name + 4, path, length * sizeof(WCHAR));
  text = (UNICODE_STRING){(USHORT)((length + 4) * sizeof(WCHAR)), sizeof name, name};
  InitializeObjectAttributes(&attributes, &text, OBJ_CASE_INSENSITIVE, NULL, NULL);
  return NT_SUCCESS(NtQueryAttributesFile(&attributes, &basic)) && !(basic.FileAttributes & FILE_ATTRIBUTE_DIRECTORY);
}

/* A text that is put together; too long a one stays empty. */
typedef struct {
  WCHAR Text[FIND_PROGRAM_LENGTH];
  DWORD Length;
} PATH;

static void add(PATH *path, PCWSTR text, DWORD length)
{
  if (path->Length + length + 1 > FIND_PROGRAM_LENGTH)
    return;
  memcpy(path->Text + path->Length, text, length * sizeof(WCHAR));
  path->Length += length;
  path->Text[path->Length] = 0;
}

/* Looks for folder\name, in full form in `out`. An empty folder: the current one. */
static BOOLEAN try_folder(PCWSTR folder, DWORD folder_length, const PATH *name, PWSTR out)
{
  PATH path = {.Length = 0};
  if (folder_length) {
    add(&path, folder, folder_length);
    if (!is_separator(folder[folder_length - 1]))
      add(&path, L"\\", 1);
  }
  add(&path, name->Text, name->Length);
  ULONG bytes = RtlGetFullPathName_U(path.Text, FIND_PROGRAM_LENGTH * sizeof(WCHAR), out, NULL);
  return bytes && bytes < FIND_PROGRAM_LENGTH * sizeof(WCHAR) && is_file(out, bytes / sizeof(WCHAR));
}

static BOOLEAN try_search_path(const PATH *name, PWSTR out)
{
  UNICODE_STRING variable, value = {0, PATH_SIZE - sizeof(WCHAR), base_allocate(PATH_SIZE)};
  BOOLEAN found = FALSE;
  RtlInitUnicodeString(&variable, L"PATH");
  if (!value.Buffer || !NT_SUCCESS(RtlQueryEnvironmentVariable_U(NULL, &variable, &value)))
    value.Length = 0;
  for (DWORD at = 0, end; at < value.Length / sizeof(WCHAR) && !found; at = end + 1) {
    for (end = at; end < value.Length / sizeof(WCHAR) && value.Buffer[end] != ';';)
      end++;
    if (end > at)
      found = try_folder(value.Buffer + at, end - at, name, out);
  }
  base_free(value.Buffer);
  return found;
}

/* The program's folder, the current one, the system's, PATH. */
static BOOLEAN search(const PATH *name, PWSTR out)
{
  UNICODE_STRING *image = &NtCurrentPeb()->ProcessParameters->ImagePathName;
  DWORD length = image->Length / sizeof(WCHAR);
  PATH system = {.Length = 0};
  while (length && !is_separator(image->Buffer[length - 1]))
    length--;
  if ((length && try_folder(image->Buffer, length, name, out)) || try_folder(NULL, 0, name, out))
    return TRUE;
  add(&system, SYSTEM_ROOT, base_length(SYSTEM_ROOT));
  DWORD root = system.Length;
  add(&system, L"\\system32", 9);
  return try_folder(system.Text, system.Length, name, out) || try_folder(system.Text, root, name, out) ||
         try_search_path(name, out);
}

static BOOLEAN find_name(PCWSTR text, DWORD length, PWSTR out)
{
  BOOLEAN has_path = FALSE, has_extension = FALSE;
  PATH name = {.Length = 0};
  for (DWORD i = 0; i < length; i++) {
    if (is_separator(text[i]) || text[i] == ':') {
      has_path = TRUE;
      has_extension = FALSE;
    } else if (text[i] == '.') {
      has_extension = TRUE;
    }
  }
  add(&name, text, length);
  if (!has_extension)
    add(&name, L".exe", 4);
  return name.Length && (has_path ? try_folder(NULL, 0, &name, out) : search(&name, out));
}

BOOL find_program(PCWSTR command_line, PWSTR path)
{
  DWORD length = 0;
  while (*command_line == ' ' || *command_line == '\t')
    command_line++;
  if (*command_line == '"') {
    while (command_line[1 + length] && command_line[1 + length] != '"')
      length++;
    return find_name(command_line + 1, length, path) || base_fail(ERROR_FILE_NOT_FOUND);
  }
  /* Without quotes a blank may end the name or belong to it: the shortest name that is a file counts. */
  while (command_line[length]) {
    do
      length++;
    while (command_line[length] && command_line[length] != ' ' && command_line[length] != '\t');
    if (find_name(command_line, length, path))
      return TRUE;
  }
  return base_fail(ERROR_FILE_NOT_FOUND);
}
