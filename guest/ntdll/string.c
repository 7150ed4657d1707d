/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counted strings. */
#include "ntdllp.h"

void NTAPI RtlInitUnicodeString(UNICODE_STRING *DestinationString, PCWSTR SourceString)
{
  SIZE_T bytes = 0;
  while (SourceString && SourceString[bytes / 2] && bytes < 0xFFFC)
    bytes += 2;
  *DestinationString = (UNICODE_STRING){(USHORT)bytes, (USHORT)(SourceString ? bytes + 2 : 0), (PWSTR)SourceString};
}

void NTAPI RtlInitAnsiString(ANSI_STRING *DestinationString, const char *SourceString)
{
  SIZE_T bytes = 0;
  while (SourceString && SourceString[bytes] && bytes < 0xFFFE)
    bytes++;
  *DestinationString = (ANSI_STRING){(USHORT)bytes, (USHORT)(SourceString ? bytes + 1 : 0), (PCHAR)SourceString};
}

WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR SourceCharacter)
{
  if (SourceCharacter >= 'a' && SourceCharacter <= 'z')
    return SourceCharacter - 32;
  /* Latin-1 without the division sign; its y with diaeresis is elsewhere. */
  if (SourceCharacter >= 0xE0 && SourceCharacter <= 0xFE && SourceCharacter != 0xF7)
    return SourceCharacter - 32;
  if (SourceCharacter == 0xFF)
    return 0x178;
  /* Greek and Cyrillic without their exceptions. */
  if (SourceCharacter >= 0x3B1 && SourceCharacter <= 0x3C9 && SourceCharacter != 0x3C2)
    return SourceCharacter - 32;
  if (SourceCharacter >= 0x430 && SourceCharacter <= 0x44F)
    return SourceCharacter - 32;
  if (SourceCharacter >= 0x450 && SourceCharacter <= 0x45F)
    return SourceCharacter - 80;
  return SourceCharacter;
}

LONG NTAPI RtlCompareUnicodeString(const UNICODE_STRING *String1, const UNICODE_STRING *String2, BOOLEAN CaseInSensitive)
{
  ULONG length = (String1->Length < String2->Length ? String1->Length : String2->Length) / 2u;
  for (ULONG i = 0; i < length; i++) {
    WCHAR a = String1->Buffer[i], b = String2->Buffer[i];
    if (CaseInSensitive)
      a = RtlUpcaseUnicodeChar(a), b = RtlUpcaseUnicodeChar(b);
    if (a != b)
      return (LONG)a - (LONG)b;
  }
  return (LONG)String1->Length - (LONG)String2->Length;
}

BOOLEAN NTAPI RtlEqualUnicodeString(const UNICODE_STRING *String1, const UNICODE_STRING *String2, BOOLEAN CaseInSensitive)
{
  return String1->Length == String2->Length && !RtlCompareUnicodeString(String1, String2, CaseInSensitive);
}
