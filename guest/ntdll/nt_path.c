/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DOS paths as names of objects, and files looked for along a path. */
#include "pathp.h"

/* \\?\ and \??\ names are taken as they are. */
static BOOLEAN is_verbatim(PCWSTR name)
{
  return name[0] == '\\' && (name[1] == '\\' || name[1] == '?') && name[2] == '?' && name[3] == '\\';
}

/* \\?\x, \??\x, \\.\x: \??\x. \\server: \??\UNC\server. X:\: \??\X:\. */
static NTSTATUS put_nt_name(PCWSTR full, ULONG length, UNICODE_STRING *name)
{
  BOOLEAN device = full[0] == '\\' && full[2] && (full[2] == '.' || full[2] == '?') && full[3] == '\\';
  BOOLEAN unc = !device && full[0] == '\\';
  ULONG skip = device ? 4 : unc ? 2 : 0;
  const WCHAR *prefix = unc ? L"\\??\\UNC\\" : L"\\??\\";
  ULONG prefix_length = path_length(prefix), total = prefix_length + length - skip;
  if (total > 0x7FFE)
    return STATUS_NAME_TOO_LONG;
  PWSTR buffer = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, (total + 1) * 2);
  if (!buffer)
    return STATUS_NO_MEMORY;
  memcpy(buffer, prefix, prefix_length * 2);
  memcpy(buffer + prefix_length, full + skip, (length - skip) * 2);
  buffer[total] = 0;
  *name = (UNICODE_STRING){(USHORT)(total * 2), (USHORT)(total * 2 + 2), buffer};
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlDosPathNameToNtPathName_U_WithStatus(PCWSTR DosFileName, UNICODE_STRING *NtFileName, PWSTR *FilePart,
                                                       RTL_RELATIVE_NAME_U *RelativeName)
{
  NTSTATUS status;
  if (RelativeName)
    *RelativeName = (RTL_RELATIVE_NAME_U){0};
  if (FilePart)
    *FilePart = NULL;
  PCWSTR blank = DosFileName;
  while (blank && *blank == ' ')
    blank++;
  if (!blank || !*blank)
    return STATUS_OBJECT_NAME_INVALID;
  if (is_verbatim(DosFileName)) {
    status = put_nt_name(DosFileName, path_length(DosFileName), NtFileName);
  } else {
    PWSTR full = path_room(DosFileName);
    if (!full)
      return STATUS_NO_MEMORY;
    status = put_nt_name(full, path_make_full(full, DosFileName), NtFileName);
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, full);
  }
  if (!NT_SUCCESS(status) || !FilePart)
    return status;
  ULONG part = NtFileName->Length / 2u;
  while (part && NtFileName->Buffer[part - 1] != '\\')
    part--;
  *FilePart = NtFileName->Buffer[part] ? NtFileName->Buffer + part : NULL;
  return status;
}

BOOLEAN NTAPI RtlDosPathNameToNtPathName_U(PCWSTR DosFileName, UNICODE_STRING *NtFileName, PWSTR *FilePart,
                                           RTL_RELATIVE_NAME_U *RelativeName)
{
  return NT_SUCCESS(RtlDosPathNameToNtPathName_U_WithStatus(DosFileName, NtFileName, FilePart, RelativeName));
}

NTSTATUS NTAPI RtlDosPathNameToRelativeNtPathName_U_WithStatus(PCWSTR DosFileName, UNICODE_STRING *NtFileName,
                                                               PWSTR *FilePart, RTL_RELATIVE_NAME_U *RelativeName)
{
  return RtlDosPathNameToNtPathName_U_WithStatus(DosFileName, NtFileName, FilePart, RelativeName);
}

BOOLEAN NTAPI RtlDosPathNameToRelativeNtPathName_U(PCWSTR DosFileName, UNICODE_STRING *NtFileName, PWSTR *FilePart,
                                                   RTL_RELATIVE_NAME_U *RelativeName)
{
  return RtlDosPathNameToNtPathName_U(DosFileName, NtFileName, FilePart, RelativeName);
}

void NTAPI RtlReleaseRelativeName(RTL_RELATIVE_NAME_U *RelativeName) { (void)RelativeName; }

BOOLEAN NTAPI RtlDoesFileExists_U(PCWSTR FileName)
{
  UNICODE_STRING name;
  OBJECT_ATTRIBUTES attributes;
  ULONG64 information[5]; /* FILE_BASIC_INFORMATION */
  if (!RtlDosPathNameToNtPathName_U(FileName, &name, NULL, NULL))
    return FALSE;
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
  NTSTATUS status = NtQueryAttributesFile(&attributes, information);
  RtlFreeUnicodeString(&name);
  return NT_SUCCESS(status) || status == STATUS_SHARING_VIOLATION || status == STATUS_ACCESS_DENIED;
}

static BOOLEAN has_extension(PCWSTR name)
{
  ULONG at = path_length(name);
  while (at && name[at - 1] != '\\' && name[at - 1] != '/')
    if (name[--at] == '.')
      return TRUE;
  return FALSE;
}

/* directory\name.extension, with a separator if there is none. */
static void join(PWSTR out, PCWSTR directory, ULONG length, PCWSTR name, PCWSTR extension)
{
  memcpy(out, directory, length * 2);
  if (length && out[length - 1] != '\\' && out[length - 1] != '/')
    out[length++] = '\\';
  memcpy(out + length, name, path_length(name) * 2);
  length += path_length(name);
  memcpy(out + length, extension, path_length(extension) * 2 + 2);
}

ULONG NTAPI RtlDosSearchPath_U(PCWSTR Path, PCWSTR FileName, PCWSTR Extension, ULONG BufferLength, PWSTR Buffer,
                               PWSTR *FilePart)
{
  PVOID heap = NtCurrentPeb()->ProcessHeap;
  ULONG result = 0;
  if (!Extension || has_extension(FileName))
    Extension = L"";
  PWSTR candidate =
      RtlAllocateHeap(heap, 0, ((SIZE_T)path_length(Path) + path_length(FileName) + path_length(Extension) + 2) * 2);
  if (!candidate)
    return 0;
  if (RtlDetermineDosPathNameType_U(FileName) != RtlPathTypeRelative) {
    join(candidate, L"", 0, FileName, Extension);
    if (RtlDoesFileExists_U(candidate))
      result = RtlGetFullPathName_U(candidate, BufferLength, Buffer, FilePart);
    Path = L"";
  }
  while (*Path && !result) {
    ULONG length = 0;
    while (Path[length] && Path[length] != ';')
      length++;
    join(candidate, Path, length, FileName, Extension);
    if (length && RtlDoesFileExists_U(candidate))
      result = RtlGetFullPathName_U(candidate, BufferLength, Buffer, FilePart);
    Path += length + (Path[length] == ';');
  }
  RtlFreeHeap(heap, 0, candidate);
  return result;
}
