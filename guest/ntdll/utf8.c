/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 and UTF-16. What is ill-formed becomes U+FFFD and STATUS_SOME_NOT_MAPPED. */
#include "ntdllp.h"

/* Reads a character; a maximal part of an ill-formed one is one error. */
static ULONG read_utf8(const UCHAR **at, const UCHAR *end, BOOLEAN *bad)
{
  ULONG c = *(*at)++, more = 0, low = 0x80, high = 0xBF;
  if (c < 0x80)
    return c;
  if (c >= 0xC2 && c <= 0xDF) {
    more = 1;
    c &= 0x1F;
  } else if ((c & 0xF0) == 0xE0) {
    more = 2;
    low = c == 0xE0 ? 0xA0 : 0x80;
    high = c == 0xED ? 0x9F : 0xBF;
    c &= 0xF;
  } else if (c >= 0xF0 && c <= 0xF4) {
    more = 3;
    low = c == 0xF0 ? 0x90 : 0x80;
    high = c == 0xF4 ? 0x8F : 0xBF;
    c &= 7;
  } else {
    *bad = TRUE;
    return 0xFFFD;
  }
  for (; more; more--, low = 0x80, high = 0xBF) {
    if (*at == end || **at < low || **at > high) {
      *bad = TRUE;
      return 0xFFFD;
    }
    c = c << 6 | (*(*at)++ & 0x3Fu);
  }
  return c;
}

NTSTATUS NTAPI RtlUTF8ToUnicodeN(PWSTR UnicodeStringDestination, ULONG UnicodeStringMaxByteCount,
                                 ULONG *UnicodeStringActualByteCount, const char *UTF8StringSource,
                                 ULONG UTF8StringByteCount)
{
  const UCHAR *at = (const UCHAR *)UTF8StringSource, *end = at + UTF8StringByteCount;
  ULONG room = UnicodeStringDestination ? UnicodeStringMaxByteCount / 2 : 0x7FFFFFFF, written = 0;
  BOOLEAN bad = FALSE, full = FALSE;
  if (!UTF8StringSource)
    return STATUS_INVALID_PARAMETER_4;
  if (!UnicodeStringActualByteCount)
    return STATUS_INVALID_PARAMETER;
  while (at < end) {
    ULONG c = read_utf8(&at, end, &bad), units = c > 0xFFFF ? 2 : 1;
    if (written + units > room) {
      full = TRUE;
      break;
    }
    if (UnicodeStringDestination) {
      UnicodeStringDestination[written] = (WCHAR)(units == 1 ? c : 0xD7C0 + (c >> 10));
      if (units == 2)
        UnicodeStringDestination[written + 1] = (WCHAR)(0xDC00 + (c & 0x3FF));
    }
    written += units;
  }
  *UnicodeStringActualByteCount = written * 2;
  return full ? STATUS_BUFFER_TOO_SMALL : bad ? STATUS_SOME_NOT_MAPPED : STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUnicodeToUTF8N(char *UTF8StringDestination, ULONG UTF8StringMaxByteCount,
                                 ULONG *UTF8StringActualByteCount, PCWSTR UnicodeStringSource,
                                 ULONG UnicodeStringByteCount)
{
  ULONG count = UnicodeStringByteCount / 2, written = 0, room = UTF8StringDestination ? UTF8StringMaxByteCount : ~0u;
  NTSTATUS status = STATUS_SUCCESS;
  if (!UnicodeStringSource)
    return STATUS_INVALID_PARAMETER_4;
  if (!UTF8StringActualByteCount || (UTF8StringDestination && (UnicodeStringByteCount & 1)))
    return !UTF8StringActualByteCount ? STATUS_INVALID_PARAMETER : STATUS_INVALID_PARAMETER_5;
  for (ULONG i = 0; i < count; i++) {
    ULONG c = UnicodeStringSource[i];
    if ((c & 0xFC00) == 0xD800 && i + 1 < count && (UnicodeStringSource[i + 1] & 0xFC00) == 0xDC00) {
      c = 0x10000 + ((c & 0x3FF) << 10) + (UnicodeStringSource[++i] & 0x3FF);
    } else if ((c & 0xF800) == 0xD800) {
      c = 0xFFFD;
      status = STATUS_SOME_NOT_MAPPED;
    }
    ULONG bytes = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (written + bytes > room) {
      status = STATUS_BUFFER_TOO_SMALL;
      break;
    }
    static const UCHAR lead[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (ULONG k = bytes; UTF8StringDestination && k--; c >>= 6)
      UTF8StringDestination[written + k] = (char)(k ? 0x80 | (c & 0x3F) : lead[bytes] | c);
    written += bytes;
  }
  *UTF8StringActualByteCount = written;
  return status;
}
