/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as text, and text as numbers. */
#include "ntdllp.h"

/* Digits from the end of a buffer; Base 0: decimal. Their number; 0: no such base. */
static ULONG put_digits(ULONG64 value, ULONG base, char digits[64])
{
  ULONG count = 0;
  if (!base)
    base = 10;
  if (base != 2 && base != 8 && base != 10 && base != 16)
    return 0;
  do {
    digits[63 - count++] = "0123456789ABCDEF"[value % base];
    value /= base;
  } while (value);
  return count;
}

NTSTATUS NTAPI RtlLargeIntegerToChar(const ULONG64 *Value, ULONG Base, ULONG Length, char *String)
{
  char digits[64];
  ULONG count = put_digits(*Value, Base, digits);
  if (!count)
    return STATUS_INVALID_PARAMETER;
  if (count > Length)
    return STATUS_BUFFER_OVERFLOW;
  memcpy(String, digits + 64 - count, count);
  if (count < Length)
    String[count] = 0;
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlIntegerToChar(ULONG Value, ULONG Base, ULONG Length, char *String)
{
  ULONG64 value = Value;
  return RtlLargeIntegerToChar(&value, Base, Length, String);
}

NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONG64 Value, ULONG Base, UNICODE_STRING *String)
{
  char digits[64];
  ULONG count = put_digits(Value, Base, digits);
  if (!count)
    return STATUS_INVALID_PARAMETER;
  if (count * 2 > String->MaximumLength)
    return STATUS_BUFFER_OVERFLOW;
  for (ULONG i = 0; i < count; i++)
    String->Buffer[i] = (WCHAR)digits[64 - count + i];
  String->Length = (USHORT)(count * 2);
  if (String->Length + 2u <= String->MaximumLength)
    String->Buffer[count] = 0;
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG Value, ULONG Base, UNICODE_STRING *String)
{
  return RtlInt64ToUnicodeString(Value, Base, String);
}

static WCHAR character(const void *text, ULONG length, BOOLEAN wide, ULONG i)
{
  if (i >= length)
    return 0;
  return wide ? ((const WCHAR *)text)[i] : ((const UCHAR *)text)[i];
}

static ULONG digit_of(WCHAR c)
{
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'A' && c <= 'F' ? c - 'A' + 10u
         : c >= 'a' && c <= 'f' ? c - 'a' + 10u
                                : 16;
}

/* Spaces, a sign, the prefix of a base (0x, 0o, 0b) if none is given, digits as far as they go. */
static NTSTATUS read_number(const void *text, ULONG length, BOOLEAN wide, ULONG base, ULONG *value)
{
  ULONG at = 0, result = 0;
  while (at < length && character(text, length, wide, at) <= ' ')
    at++;
  WCHAR sign = character(text, length, wide, at);
  if (sign == '+' || sign == '-')
    at++;
  if (!base) {
    base = 10;
    WCHAR letter = character(text, length, wide, at) == '0' ? character(text, length, wide, at + 1) : 0;
    if (letter == 'x' || letter == 'o' || letter == 'b') {
      base = letter == 'x' ? 16 : letter == 'o' ? 8 : 2;
      at += 2;
    }
  } else if (base != 2 && base != 8 && base != 10 && base != 16) {
    return STATUS_INVALID_PARAMETER;
  }
  for (; digit_of(character(text, length, wide, at)) < base; at++)
    result = result * base + digit_of(character(text, length, wide, at));
  *value = sign == '-' ? 0 - result : result;
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUnicodeStringToInteger(const UNICODE_STRING *String, ULONG Base, ULONG *Value)
{
  return read_number(String->Buffer, String->Length / 2u, TRUE, Base, Value);
}

NTSTATUS NTAPI RtlCharToInteger(const char *String, ULONG Base, ULONG *Value)
{
  ULONG length = 0;
  while (String[length])
    length++;
  return read_number(String, length, FALSE, Base, Value);
}

/* ---- GUIDs: {01234567-89AB-CDEF-0123-456789ABCDEF} ---- */

static const char guid_form[] = "{33221100-5544-7766-8899-AABBCCDDEEFF}";

NTSTATUS NTAPI RtlStringFromGUID(const GUID *Guid, UNICODE_STRING *GuidString)
{
  const ULONG length = sizeof guid_form - 1;
  GuidString->Buffer = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, (length + 1) * 2);
  if (!GuidString->Buffer)
    return STATUS_NO_MEMORY;
  GuidString->Length = (USHORT)(length * 2);
  GuidString->MaximumLength = GuidString->Length + 2;
  for (ULONG i = 0; i <= length; i++) {
    WCHAR c = (WCHAR)guid_form[i];
    ULONG byte = digit_of(c);
    GuidString->Buffer[i] = c;
    if (byte == 16)
      continue;
    GuidString->Buffer[i] = (WCHAR) "0123456789ABCDEF"[((const UCHAR *)Guid)[byte] >> 4];
    GuidString->Buffer[++i] = (WCHAR) "0123456789ABCDEF"[((const UCHAR *)Guid)[byte] & 15];
  }
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGUIDFromString(const UNICODE_STRING *GuidString, GUID *Guid)
{
  const ULONG length = sizeof guid_form - 1;
  if (GuidString->Length / 2u < length)
    return STATUS_INVALID_PARAMETER;
  for (ULONG i = 0; i < length; i++) {
    WCHAR c = (WCHAR)guid_form[i];
    ULONG byte = digit_of(c), high, low;
    if (byte == 16) {
      if (GuidString->Buffer[i] != c)
        return STATUS_INVALID_PARAMETER;
      continue;
    }
    high = digit_of(GuidString->Buffer[i]);
    low = digit_of(GuidString->Buffer[++i]);
    if (high == 16 || low == 16)
      return STATUS_INVALID_PARAMETER;
    ((UCHAR *)Guid)[byte] = (UCHAR)(high << 4 | low);
  }
  return STATUS_SUCCESS;
}
