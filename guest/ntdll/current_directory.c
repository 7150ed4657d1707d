/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The current directory, of the process and of each drive. Guarded by the PEB lock. */
#include "pathp.h"

ULONG path_current_directory(PWSTR out)
{
  const UNICODE_STRING *path = &NtCurrentPeb()->ProcessParameters->CurrentDirectory.DosPath;
  RtlAcquirePebLock();
  ULONG length = path->Length / 2u;
  memcpy(out, path->Buffer, length * 2);
  RtlReleasePebLock();
  if (!length) {
    memcpy(out, L"C:\\", 6);
    length = 3;
  }
  if (out[length - 1] != '\\')
    out[length++] = '\\';
  out[length] = 0;
  return length;
}

ULONG path_drive_directory(PWSTR out, WCHAR drive)
{
  WCHAR variable[4] = {'=', RtlUpcaseUnicodeChar(drive), ':', 0};
  UNICODE_STRING name, value = {0, 260 * 2, out};
  ULONG length = path_current_directory(out);
  if (out[1] == ':' && RtlUpcaseUnicodeChar(out[0]) == variable[1])
    return length;
  RtlInitUnicodeString(&name, variable);
  if (NT_SUCCESS(RtlQueryEnvironmentVariable_U(NULL, &name, &value)) && value.Length) {
    length = value.Length / 2u;
    if (out[length - 1] != '\\')
      out[length++] = '\\';
    return length;
  }
  out[0] = drive;
  out[1] = ':';
  out[2] = '\\';
  return 3;
}

ULONG NTAPI RtlGetCurrentDirectory_U(ULONG BufferLength, PWSTR Buffer)
{
  PWSTR path = path_room(L"");
  if (!path)
    return 0;
  ULONG length = path_current_directory(path);
  if (length > 3)
    path[--length] = 0;
  BOOLEAN fits = BufferLength >= (length + 1) * 2;
  if (fits)
    memcpy(Buffer, path, (length + 1) * 2);
  RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, path);
  return fits ? length * 2 : (length + 1) * 2;
}

static NTSTATUS open_directory(PCWSTR path, HANDLE *directory)
{
  UNICODE_STRING name;
  OBJECT_ATTRIBUTES attributes;
  IO_STATUS_BLOCK io;
  NTSTATUS status = RtlDosPathNameToNtPathName_U_WithStatus(path, &name, NULL, NULL);
  if (!NT_SUCCESS(status))
    return status;
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_INHERIT, NULL, NULL);
  status = NtOpenFile(directory, FILE_TRAVERSE | SYNCHRONIZE, &attributes, &io, FILE_SHARE_READ | FILE_SHARE_WRITE,
                      0x21 /* FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT */);
  RtlFreeUnicodeString(&name);
  return status;
}

/* Takes over the buffer of a path with room for one character more. */
static void set_directory(PWSTR path, ULONG length, HANDLE directory)
{
  static PWSTR ours; /* the buffer, if it is not the one that the process began with */
  CURDIR *current = &NtCurrentPeb()->ProcessParameters->CurrentDirectory;
  if (path[length - 1] != '\\')
    path[length++] = '\\';
  path[length] = 0;
  RtlAcquirePebLock();
  HANDLE old = current->Handle;
  PWSTR old_path = ours;
  current->Handle = directory;
  current->DosPath.Length = (USHORT)(length * 2);
  if ((length + 1) * 2 <= current->DosPath.MaximumLength && current->DosPath.Buffer) {
    memcpy(current->DosPath.Buffer, path, (length + 1) * 2);
    old_path = path;
  } else {
    current->DosPath.MaximumLength = (USHORT)((length + 1) * 2);
    ours = current->DosPath.Buffer = path;
  }
  RtlReleasePebLock();
  RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, old_path);
  /* The low bits of the handle are flags. */
  if ((ULONG_PTR)old & ~3ull)
    NtClose((HANDLE)((ULONG_PTR)old & ~3ull));
}

NTSTATUS NTAPI RtlSetCurrentDirectory_U(const UNICODE_STRING *PathName)
{
  UNICODE_STRING name;
  HANDLE directory;
  NTSTATUS status = RtlDuplicateUnicodeString(3, PathName, &name);
  if (!NT_SUCCESS(status))
    return status;
  PWSTR full = path_room(name.Buffer);
  ULONG length = full && name.Length ? path_make_full(full, name.Buffer) : 0;
  status = !full ? STATUS_NO_MEMORY : !length ? STATUS_OBJECT_NAME_INVALID : STATUS_SUCCESS;
  if (NT_SUCCESS(status) && length > 258)
    status = STATUS_NAME_TOO_LONG;
  if (NT_SUCCESS(status))
    status = open_directory(full, &directory);
  if (NT_SUCCESS(status))
    set_directory(full, length, directory);
  else
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, full);
  RtlFreeUnicodeString(&name);
  return status;
}
