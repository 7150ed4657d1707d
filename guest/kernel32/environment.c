/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The environment and the current folder. */
#include "kernel32p.h"

#define MAX_BYTES 0xFFFCu /* of a counted string, with room for a terminator */

DWORD WINAPI GetEnvironmentVariableW(LPCWSTR name, LPWSTR buffer, DWORD size)
{
  UNICODE_STRING variable, value = {.Buffer = buffer};
  DWORD bytes = size > MAX_BYTES / sizeof(WCHAR) ? MAX_BYTES : size * (DWORD)sizeof(WCHAR);
  if (!name) {
    base_fail(ERROR_ENVVAR_NOT_FOUND);
    return 0;
  }
  RtlInitUnicodeString(&variable, name);
  value.MaximumLength = (USHORT)(bytes ? bytes - sizeof(WCHAR) : 0);
  NTSTATUS status = RtlQueryEnvironmentVariable_U(NULL, &variable, &value);
  DWORD length = value.Length / sizeof(WCHAR);
  if (status == STATUS_BUFFER_TOO_SMALL || (NT_SUCCESS(status) && !size))
    return length + 1;
  if (!BaseSetLastNTError(status))
    return 0;
  buffer[length] = 0;
  if (!length)
    base_fail(ERROR_SUCCESS);
  return length;
}

DWORD WINAPI GetEnvironmentVariableA(LPCSTR name, LPSTR buffer, DWORD size)
{
  PWSTR wide, value;
  DWORD result = 0;
  if (!base_wide_copy(name, &wide))
    return 0;
  DWORD room = GetEnvironmentVariableW(wide, NULL, 0);
  value = room ? base_allocate(room * sizeof(WCHAR)) : NULL;
  if (value) {
    DWORD length = GetEnvironmentVariableW(wide, value, room);
    if (length < room)
      result = base_narrow_fill(value, length, buffer, size);
    base_free(value);
  }
  base_free(wide);
  return result;
}

BOOL WINAPI SetEnvironmentVariableW(LPCWSTR name, LPCWSTR value)
{
  UNICODE_STRING variable, text;
  if (!name || !*name)
    return base_fail(ERROR_INVALID_PARAMETER);
  RtlInitUnicodeString(&variable, name);
  RtlInitUnicodeString(&text, value);
  return BaseSetLastNTError(RtlSetEnvironmentVariable(NULL, &variable, value ? &text : NULL));
}

BOOL WINAPI SetEnvironmentVariableA(LPCSTR name, LPCSTR value)
{
  PWSTR wide_name, wide_value;
  BOOL result = FALSE;
  if (!base_wide_copy(name, &wide_name))
    return FALSE;
  if (base_wide_copy(value, &wide_value)) {
    result = SetEnvironmentVariableW(wide_name, wide_value);
    base_free(wide_value);
  }
  base_free(wide_name);
  return result;
}

/* Characters of a block: of its variables, and the empty one at its end. */
static DWORD block_length(PCWSTR block)
{
  DWORD length = 0;
  while (block[length])
    length += base_length(block + length) + 1;
  return length + (length ? 1 : 2);
}

/* A copy of the process's block, of characters of the given width. */
static PVOID copy_block(DWORD width)
{
  RtlAcquirePebLock();
  PCWSTR block = NtCurrentPeb()->ProcessParameters->Environment;
  DWORD length = block_length(block);
  PVOID copy = base_allocate((SIZE_T)length * width);
  for (DWORD i = 0; copy && i < length; i++) {
    if (width == sizeof(WCHAR))
      ((WCHAR *)copy)[i] = block[i];
    else
      ((char *)copy)[i] = base_narrow_char(block[i]);
  }
  RtlReleasePebLock();
  return copy;
}

LPWCH WINAPI GetEnvironmentStringsW(void) { return copy_block(sizeof(WCHAR)); }
#undef GetEnvironmentStringsA
LPCH WINAPI GetEnvironmentStringsA(void);
LPCH WINAPI GetEnvironmentStringsA(void) { return copy_block(1); }
LPCH WINAPI GetEnvironmentStrings(void) { return copy_block(1); }

BOOL WINAPI FreeEnvironmentStringsW(LPWCH block) { return RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, block) != 0; }
BOOL WINAPI FreeEnvironmentStringsA(LPCH block) { return RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, block) != 0; }

DWORD WINAPI ExpandEnvironmentStringsW(LPCWSTR source, LPWSTR buffer, DWORD size)
{
  UNICODE_STRING text, result = {.Buffer = buffer};
  ULONG bytes = 0;
  result.MaximumLength = (USHORT)(size > MAX_BYTES / sizeof(WCHAR) ? MAX_BYTES : size * sizeof(WCHAR));
  RtlInitUnicodeString(&text, source);
  NTSTATUS status = RtlExpandEnvironmentStrings_U(NULL, &text, &result, &bytes);
  if (status != STATUS_BUFFER_TOO_SMALL && !BaseSetLastNTError(status))
    return 0;
  return bytes / sizeof(WCHAR);
}

DWORD WINAPI ExpandEnvironmentStringsA(LPCSTR source, LPSTR buffer, DWORD size)
{
  PWSTR wide;
  DWORD result = 0;
  if (!base_wide_copy(source, &wide))
    return 0;
  DWORD room = ExpandEnvironmentStringsW(wide, NULL, 0);
  PWSTR text = room ? base_allocate(room * sizeof(WCHAR)) : NULL;
  if (text && (result = ExpandEnvironmentStringsW(wide, text, room)))
    base_narrow_fill(text, result - 1, buffer, size);
  base_free(text);
  base_free(wide);
  return result;
}

DWORD WINAPI GetCurrentDirectoryW(DWORD size, LPWSTR buffer)
{
  return RtlGetCurrentDirectory_U(size > 0x7FFFFFFF ? 0xFFFFFFFE : size * (ULONG)sizeof(WCHAR), buffer) / sizeof(WCHAR);
}

DWORD WINAPI GetCurrentDirectoryA(DWORD size, LPSTR buffer)
{
  WCHAR path[MAX_PATH + 1];
  DWORD length = GetCurrentDirectoryW(MAX_PATH + 1, path);
  return length > MAX_PATH ? 0 : base_narrow_fill(path, length, buffer, size);
}

BOOL WINAPI SetCurrentDirectoryW(LPCWSTR path)
{
  UNICODE_STRING text;
  if (!path)
    return base_fail(ERROR_INVALID_NAME);
  RtlInitUnicodeString(&text, path);
  return BaseSetLastNTError(RtlSetCurrentDirectory_U(&text));
}

BOOL WINAPI SetCurrentDirectoryA(LPCSTR path)
{
  PCWSTR wide;
  return base_wide_static(path, &wide) && SetCurrentDirectoryW(wide);
}
