/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text between the ANSI code page (1252) and UTF-16, for the functions that end in A; blocks of the process heap. */
#include "kernel32p.h"

/* Bytes 80-9F; the five that 1252 leaves open are the control characters. */
static const WCHAR upper_control[32] = {0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021,
                                        0x2C6,  0x2030, 0x160,  0x2039, 0x152,  0x8D,   0x17D,  0x8F,
                                        0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                        0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};

WCHAR base_wide_char(char c)
{
  UCHAR byte = (UCHAR)c;
  return byte >= 0x80 && byte < 0xA0 ? upper_control[byte - 0x80] : byte;
}

char base_narrow_char(WCHAR c)
{
  if (c < 0x80 || (c >= 0xA0 && c < 0x100))
    return (char)c;
  for (ULONG i = 0; i < 32; i++)
    if (upper_control[i] == c)
      return (char)(0x80 + i);
  return '?';
}

DWORD base_length(PCWSTR text)
{
  DWORD length = 0;
  while (text[length])
    length++;
  return length;
}

static DWORD narrow_length(PCSTR text)
{
  DWORD length = 0;
  while (text[length])
    length++;
  return length;
}

static void widen(PWSTR to, PCSTR from, DWORD length)
{
  for (DWORD i = 0; i < length; i++)
    to[i] = base_wide_char(from[i]);
  to[length] = 0;
}

static void narrow(PSTR to, PCWSTR from, DWORD length)
{
  for (DWORD i = 0; i < length; i++)
    to[i] = base_narrow_char(from[i]);
  to[length] = 0;
}

BOOL base_wide_static(PCSTR text, PCWSTR *wide)
{
  PTEB teb = NtCurrentTeb();
  *wide = NULL;
  if (!text)
    return TRUE;
  DWORD length = narrow_length(text);
  if (length >= sizeof(teb->StaticUnicodeBuffer) / sizeof(WCHAR))
    return base_fail(ERROR_FILENAME_EXCED_RANGE);
  widen(teb->StaticUnicodeBuffer, text, length);
  teb->StaticUnicodeString.Length = (USHORT)(length * sizeof(WCHAR));
  *wide = teb->StaticUnicodeBuffer;
  return TRUE;
}

BOOL base_wide_copy(PCSTR text, PWSTR *wide)
{
  *wide = NULL;
  if (!text)
    return TRUE;
  DWORD length = narrow_length(text);
  *wide = base_allocate((length + 1ull) * sizeof(WCHAR));
  if (!*wide)
    return FALSE;
  widen(*wide, text, length);
  return TRUE;
}

BOOL base_narrow_copy(PCWSTR text, PSTR *copy)
{
  *copy = NULL;
  if (!text)
    return TRUE;
  DWORD length = base_length(text);
  *copy = base_allocate(length + 1ull);
  if (!*copy)
    return FALSE;
  narrow(*copy, text, length);
  return TRUE;
}

DWORD base_narrow_fill(PCWSTR text, DWORD length, PSTR buffer, DWORD size)
{
  if (length >= size)
    return length + 1;
  narrow(buffer, text, length);
  return length;
}

DWORD base_wide_fill(PCWSTR text, DWORD length, PWSTR buffer, DWORD size)
{
  if (length >= size)
    return length + 1;
  memcpy(buffer, text, length * sizeof(WCHAR));
  buffer[length] = 0;
  return length;
}

PVOID base_allocate(SIZE_T size)
{
  PVOID block = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, size);
  if (!block)
    base_fail(ERROR_NOT_ENOUGH_MEMORY);
  return block;
}

void base_free(PVOID block)
{
  DWORD error = NtCurrentTeb()->LastErrorValue;
  if (block)
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, block);
  NtCurrentTeb()->LastErrorValue = error;
}
