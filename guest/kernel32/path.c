/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths: full, long and temporary ones, the folders of the system. */
#include "filep.h"

#define LONGEST_PATH 1024u

DWORD WINAPI GetFullPathNameW(LPCWSTR lpFileName, DWORD nBufferLength, LPWSTR lpBuffer, LPWSTR *lpFilePart)
{
  if (!lpFileName || !*lpFileName)
    return (DWORD)base_fail(ERROR_INVALID_NAME);
  return RtlGetFullPathName_U(lpFileName, nBufferLength * (ULONG)sizeof(WCHAR), lpBuffer, lpFilePart) / sizeof(WCHAR);
}

DWORD WINAPI GetFullPathNameA(LPCSTR lpFileName, DWORD nBufferLength, LPSTR lpBuffer, LPSTR *lpFilePart)
{
  PWSTR name, part = NULL;
  WCHAR full[LONGEST_PATH];
  if (lpFilePart)
    *lpFilePart = NULL;
  if (!base_wide_copy(lpFileName, &name))
    return 0;
  DWORD length = GetFullPathNameW(name, LONGEST_PATH, full, &part);
  base_free(name);
  if (!length || length >= LONGEST_PATH)
    return length;
  length = base_narrow_fill(full, length, lpBuffer, nBufferLength);
  if (length < nBufferLength && part && lpFilePart)
    *lpFilePart = lpBuffer + (part - full);
  return length;
}

/* ---- long and short names: there are no short ones, so they are the names as the folders have them ---- */

/* Replaces each component by the name that its folder has for it. FALSE: one is not there. */
static BOOL true_names(PWSTR path)
{
  DWORD at = path[0] && path[1] == ':' ? 2 : 0;
  while (path[at]) {
    WIN32_FIND_DATAW found;
    DWORD end;
    while (path[at] == '\\' || path[at] == '/')
      at++;
    for (end = at; path[end] && path[end] != '\\' && path[end] != '/'; end++)
      if (path[end] == '*' || path[end] == '?')
        return base_fail(ERROR_INVALID_NAME);
    if (end == at)
      break;
    BOOL dots = path[at] == '.' && (end == at + 1 || (end == at + 2 && path[at + 1] == '.'));
    WCHAR behind = path[end];
    path[end] = 0;
    if (!dots) {
      HANDLE find = FindFirstFileW(path, &found);
      if (find == INVALID_HANDLE_VALUE)
        return FALSE;
      FindClose(find);
      if (base_length(found.cFileName) == end - at)
        memcpy(path + at, found.cFileName, (end - at) * sizeof(WCHAR));
    }
    path[end] = behind;
    at = end;
  }
  return TRUE;
}

DWORD WINAPI GetLongPathNameW(LPCWSTR lpszShortPath, LPWSTR lpszLongPath, DWORD cchBuffer)
{
  WCHAR path[LONGEST_PATH];
  if (!lpszShortPath)
    return (DWORD)base_fail(ERROR_INVALID_PARAMETER);
  DWORD length = base_length(lpszShortPath);
  if (!length)
    return (DWORD)base_fail(ERROR_PATH_NOT_FOUND);
  if (length >= LONGEST_PATH)
    return (DWORD)base_fail(ERROR_FILENAME_EXCED_RANGE);
  memcpy(path, lpszShortPath, (length + 1) * sizeof(WCHAR));
  return true_names(path) ? base_wide_fill(path, length, lpszLongPath, cchBuffer) : 0;
}

DWORD WINAPI GetShortPathNameW(LPCWSTR lpszLongPath, LPWSTR lpszShortPath, DWORD cchBuffer)
{
  if (!lpszLongPath)
    return (DWORD)base_fail(ERROR_INVALID_PARAMETER);
  if (GetFileAttributesW(lpszLongPath) == INVALID_FILE_ATTRIBUTES)
    return 0;
  return base_wide_fill(lpszLongPath, base_length(lpszLongPath), lpszShortPath, cchBuffer);
}

/* A function from path to path for ANSI. */
static DWORD narrow_path(LPCSTR from, LPSTR to, DWORD size, DWORD(WINAPI *function)(LPCWSTR, LPWSTR, DWORD))
{
  PWSTR name;
  WCHAR path[LONGEST_PATH];
  if (!base_wide_copy(from, &name))
    return 0;
  DWORD length = function(name, path, LONGEST_PATH);
  base_free(name);
  return length && length < LONGEST_PATH ? base_narrow_fill(path, length, to, size) : length;
}

DWORD WINAPI GetLongPathNameA(LPCSTR lpszShortPath, LPSTR lpszLongPath, DWORD cchBuffer)
{
  return narrow_path(lpszShortPath, lpszLongPath, cchBuffer, GetLongPathNameW);
}

DWORD WINAPI GetShortPathNameA(LPCSTR lpszLongPath, LPSTR lpszShortPath, DWORD cchBuffer)
{
  return narrow_path(lpszLongPath, lpszShortPath, cchBuffer, GetShortPathNameW);
}

/* ---- temporary files ---- */

static DWORD from_environment(PCWSTR name, LPWSTR buffer, DWORD size)
{
  UNICODE_STRING key, value = {0, (USHORT)(size < 0x7FFF ? size * 2 : 0xFFFE), buffer};
  RtlInitUnicodeString(&key, name);
  return NT_SUCCESS(RtlQueryEnvironmentVariable_U(NULL, &key, &value)) ? value.Length / sizeof(WCHAR) : 0;
}

DWORD WINAPI GetTempPathW(DWORD nBufferLength, LPWSTR lpBuffer)
{
  static const PCWSTR names[] = {L"TMP", L"TEMP", L"USERPROFILE"};
  WCHAR path[MAX_PATH + 2], full[MAX_PATH + 2];
  DWORD length = 0;
  for (ULONG i = 0; i < ARRAYSIZE(names) && !length; i++)
    length = from_environment(names[i], path, MAX_PATH);
  if (!length)
    length = GetWindowsDirectoryW(path, MAX_PATH);
  path[length] = 0;
  length = GetFullPathNameW(path, MAX_PATH + 1, full, NULL);
  if (!length || length > MAX_PATH)
    return 0;
  if (full[length - 1] != '\\')
    full[length++] = '\\';
  full[length] = 0;
  return base_wide_fill(full, length, lpBuffer, nBufferLength);
}

DWORD WINAPI GetTempPathA(DWORD nBufferLength, LPSTR lpBuffer)
{
  WCHAR path[MAX_PATH + 2];
  DWORD length = GetTempPathW(ARRAYSIZE(path), path);
  return length ? base_narrow_fill(path, length, lpBuffer, nBufferLength) : 0;
}

/* Appends `unique` in hexadecimal and the extension. */
static void append_unique(PWSTR to, UINT unique)
{
  static const char digits[] = "0123456789ABCDEF";
  int shift = 12;
  while (shift && !(unique >> shift & 15))
    shift -= 4;
  for (; shift >= 0; shift -= 4)
    *to++ = (UCHAR)digits[unique >> shift & 15];
  memcpy(to, L".tmp", sizeof L".tmp");
}

UINT WINAPI GetTempFileNameW(LPCWSTR lpPathName, LPCWSTR lpPrefixString, UINT uUnique, LPWSTR lpTempFileName)
{
  LARGE_INTEGER now;
  DWORD length, attributes;
  if (!lpPathName || !lpTempFileName)
    return (UINT)base_fail(ERROR_INVALID_PARAMETER);
  length = base_length(lpPathName);
  if (!length || length > MAX_PATH - 14)
    return (UINT)base_fail(length ? ERROR_BUFFER_OVERFLOW : ERROR_DIRECTORY);
  attributes = GetFileAttributesW(lpPathName);
  if (attributes == INVALID_FILE_ATTRIBUTES || !(attributes & FILE_ATTRIBUTE_DIRECTORY))
    return (UINT)base_fail(ERROR_DIRECTORY);
  memcpy(lpTempFileName, lpPathName, length * sizeof(WCHAR));
  if (lpTempFileName[length - 1] != '\\' && lpTempFileName[length - 1] != '/')
    lpTempFileName[length++] = '\\';
  for (ULONG i = 0; lpPrefixString && i < 3 && lpPrefixString[i]; i++)
    lpTempFileName[length++] = lpPrefixString[i];
  if (uUnique & 0xFFFF) {
    append_unique(lpTempFileName + length, uUnique & 0xFFFF);
    return uUnique & 0xFFFF;
  }
  NtQuerySystemTime(&now);
  for (UINT unique = (UINT)(now.QuadPart / 10000) & 0xFFFF, tries = 0; tries < 0x10000; tries++, unique = (unique + 1) & 0xFFFF) {
    unique = unique ? unique : 1;
    append_unique(lpTempFileName + length, unique);
    HANDLE file = CreateFileW(lpTempFileName, GENERIC_READ, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file != INVALID_HANDLE_VALUE) {
      NtClose(file);
      return unique;
    }
    if (NtCurrentTeb()->LastErrorValue != ERROR_FILE_EXISTS)
      return 0;
  }
  return 0;
}

UINT WINAPI GetTempFileNameA(LPCSTR lpPathName, LPCSTR lpPrefixString, UINT uUnique, LPSTR lpTempFileName)
{
  PWSTR path, prefix;
  WCHAR name[MAX_PATH];
  UINT unique = 0;
  if (!base_wide_copy(lpPathName, &path))
    return 0;
  if (base_wide_copy(lpPrefixString, &prefix)) {
    unique = GetTempFileNameW(path, prefix, uUnique, name);
    base_free(prefix);
  }
  base_free(path);
  if (unique)
    base_narrow_fill(name, base_length(name), lpTempFileName, MAX_PATH);
  return unique;
}

/* ---- the system's folders ---- */

UINT WINAPI GetWindowsDirectoryW(LPWSTR lpBuffer, UINT uSize) { return base_wide_fill(L"C:\\windows", 10, lpBuffer, uSize); }
UINT WINAPI GetSystemWindowsDirectoryW(LPWSTR lpBuffer, UINT uSize) { return GetWindowsDirectoryW(lpBuffer, uSize); }
UINT WINAPI GetWindowsDirectoryA(LPSTR lpBuffer, UINT uSize) { return base_narrow_fill(L"C:\\windows", 10, lpBuffer, uSize); }
UINT WINAPI GetSystemWindowsDirectoryA(LPSTR lpBuffer, UINT uSize) { return GetWindowsDirectoryA(lpBuffer, uSize); }
UINT WINAPI GetSystemDirectoryW(LPWSTR lpBuffer, UINT uSize)
{
  return base_wide_fill(L"C:\\windows\\system32", 19, lpBuffer, uSize);
}

UINT WINAPI GetSystemDirectoryA(LPSTR lpBuffer, UINT uSize)
{
  return base_narrow_fill(L"C:\\windows\\system32", 19, lpBuffer, uSize);
}
