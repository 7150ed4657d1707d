/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DOS paths: kinds, devices, full names. */
#include "pathp.h"

static BOOLEAN is_separator(WCHAR c) { return c == '\\' || c == '/'; }

static BOOLEAN is_end(WCHAR c) { return !c || is_separator(c); }

ULONG path_length(PCWSTR text)
{
  ULONG length = 0;
  while (text[length])
    length++;
  return length;
}

ULONG NTAPI RtlDetermineDosPathNameType_U(PCWSTR DosFileName)
{
  if (!DosFileName)
    return RtlPathTypeUnknown;
  if (is_separator(DosFileName[0])) {
    if (!is_separator(DosFileName[1]))
      return RtlPathTypeRooted;
    if (DosFileName[2] != '.' && DosFileName[2] != '?')
      return RtlPathTypeUncAbsolute;
    if (is_separator(DosFileName[3]))
      return RtlPathTypeLocalDevice;
    return DosFileName[3] ? RtlPathTypeUncAbsolute : RtlPathTypeRootLocalDevice;
  }
  if (!DosFileName[0] || DosFileName[1] != ':')
    return RtlPathTypeRelative;
  return is_separator(DosFileName[2]) ? RtlPathTypeDriveAbsolute : RtlPathTypeDriveRelative;
}

static BOOLEAN is_device(PCWSTR name, ULONG length)
{
  static const WCHAR *const names[] = {L"CON", L"PRN", L"AUX", L"NUL", L"COM", L"LPT", L"CONIN$", L"CONOUT$"};
  for (ULONG i = 0; i < ARRAYSIZE(names); i++) {
    ULONG count = path_length(names[i]), same = 0;
    BOOLEAN numbered = i == 4 || i == 5;
    if (length != count + numbered)
      continue;
    while (same < count && RtlUpcaseUnicodeChar(name[same]) == names[i][same])
      same++;
    if (same == count && (!numbered || (name[count] >= '1' && name[count] <= '9')))
      return TRUE;
  }
  return FALSE;
}

ULONG NTAPI RtlIsDosDeviceName_U(PCWSTR DosFileName)
{
  ULONG type = RtlDetermineDosPathNameType_U(DosFileName);
  if (type == RtlPathTypeUnknown || type == RtlPathTypeUncAbsolute || type == RtlPathTypeLocalDevice ||
      type == RtlPathTypeRootLocalDevice)
    return 0;
  ULONG end = path_length(DosFileName), start;
  if (end && DosFileName[end - 1] == ':')
    end--;
  for (start = end; start && !is_separator(DosFileName[start - 1]); start--)
    ;
  if (start == 0 && (type == RtlPathTypeDriveAbsolute || type == RtlPathTypeDriveRelative))
    start = 2;
  /* What follows a dot or a colon does not count, nor do spaces in front of it. */
  ULONG stop = start;
  while (stop < end && DosFileName[stop] != '.' && DosFileName[stop] != ':')
    stop++;
  while (stop > start && DosFileName[stop - 1] == ' ')
    stop--;
  return stop > start && is_device(DosFileName + start, stop - start) ? start * 2 << 16 | (stop - start) * 2 : 0;
}

/* Length of the part that .. does not leave: X:\, \\server\share\, \\.\ */
static ULONG root_length(PCWSTR path, ULONG type)
{
  ULONG at = 2;
  if (type == RtlPathTypeLocalDevice)
    return 4;
  if (type != RtlPathTypeUncAbsolute)
    return 3;
  for (ULONG names = 0; names < 2; names++) {
    while (!is_end(path[at]))
      at++;
    if (path[at])
      at++;
  }
  return at;
}

/* What a name begins at: out gets it with a separator at the end, *skip what of the name it stands for. Lengths in
 * characters. out has room for a current directory and the root of the name. */
static ULONG put_base(PWSTR out, PCWSTR name, ULONG type, ULONG *skip)
{
  ULONG length;
  *skip = 0;
  switch (type) {
  case RtlPathTypeUncAbsolute:
  case RtlPathTypeLocalDevice:
  case RtlPathTypeDriveAbsolute:
    *skip = length = root_length(name, type);
    for (ULONG i = 0; i < length; i++)
      out[i] = is_separator(name[i]) ? '\\' : name[i];
    return length;
  case RtlPathTypeDriveRelative:
    *skip = 2;
    return path_drive_directory(out, name[0]);
  case RtlPathTypeRooted:
    path_current_directory(out);
    *skip = 1;
    return root_length(out, RtlDetermineDosPathNameType_U(out));
  default:
    return path_current_directory(out);
  }
}

/* Adds the components of a name behind the root; the last loses its dots and spaces. */
static ULONG add_components(PWSTR out, ULONG root, ULONG length, PCWSTR name)
{
  while (*name) {
    ULONG count = 0;
    while (!is_end(name[count]))
      count++;
    ULONG kept = count;
    if (!name[count])
      while (kept && (name[kept - 1] == '.' || name[kept - 1] == ' '))
        kept--;
    if (count == 2 && name[0] == '.' && name[1] == '.') {
      if (length > root && out[length - 1] == '\\')
        length--;
      while (length > root && out[length - 1] != '\\')
        length--;
    } else if (count && !(count == 1 && name[0] == '.')) {
      /* One dot in front of a separator goes too. */
      if (name[count] && name[kept - 1] == '.' && !(kept > 1 && name[kept - 2] == '.'))
        kept--;
      memcpy(out + length, name, kept * 2);
      length += kept;
      if (name[count])
        out[length++] = '\\';
    }
    name += count;
    while (is_separator(*name))
      name++;
  }
  return length;
}

ULONG path_make_full(PWSTR out, PCWSTR name)
{
  ULONG type = RtlDetermineDosPathNameType_U(name), device = RtlIsDosDeviceName_U(name), skip;
  if (device) {
    ULONG length = (device & 0xFFFF) / 2;
    memcpy(out, L"\\\\.\\", 8);
    memcpy(out + 4, (const UCHAR *)name + (device >> 16), length * 2);
    out[4 + length] = 0;
    return 4 + length;
  }
  if (type == RtlPathTypeRootLocalDevice) {
    memcpy(out, L"\\\\.\\", 10);
    return 4;
  }
  ULONG length = put_base(out, name, type, &skip);
  out[length] = 0;
  ULONG base_type = RtlDetermineDosPathNameType_U(out), root = root_length(out, base_type);
  length = add_components(out, root < length ? root : length, length, name + skip);
  /* .. leaves the separator of what it came to; only the caller's own one stays. */
  ULONG last = path_length(name);
  if (length > root && out[length - 1] == '\\' && !is_separator(name[last - 1]))
    length--;
  out[length] = 0;
  return length;
}

PWSTR path_room(PCWSTR name)
{
  /* The current directory, a separator, the name. */
  SIZE_T room =
      (SIZE_T)path_length(name) + NtCurrentPeb()->ProcessParameters->CurrentDirectory.DosPath.Length / 2 + 270;
  return RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, room * 2);
}

static BOOLEAN is_blank(PCWSTR name)
{
  while (*name == ' ')
    name++;
  return !*name;
}

ULONG NTAPI RtlGetFullPathName_U(PCWSTR FileName, ULONG BufferLength, PWSTR Buffer, PWSTR *FilePart)
{
  if (FilePart)
    *FilePart = NULL;
  if (!FileName || is_blank(FileName))
    return 0;
  PWSTR full = path_room(FileName);
  if (!full)
    return 0;
  ULONG length = path_make_full(full, FileName);
  BOOLEAN fits = BufferLength >= (length + 1) * 2;
  if (fits) {
    memcpy(Buffer, full, (length + 1) * 2);
    ULONG part = length;
    while (part && Buffer[part - 1] != '\\')
      part--;
    if (FilePart && part < length && !RtlIsDosDeviceName_U(FileName))
      *FilePart = Buffer + part;
  }
  RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, full);
  return fits ? length * 2 : (length + 1) * 2;
}

NTSTATUS NTAPI RtlGetFullPathName_UEx(PCWSTR FileName, ULONG BufferLength, PWSTR Buffer, PWSTR *FilePart,
                                      ULONG *BytesRequired)
{
  ULONG bytes = RtlGetFullPathName_U(FileName, BufferLength, Buffer, FilePart);
  if (BytesRequired)
    *BytesRequired = bytes;
  return bytes ? STATUS_SUCCESS : STATUS_OBJECT_NAME_INVALID;
}
