/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counted strings. */
#include "ntdllp.h"

static SIZE_T length_of(PCWSTR text)
{
  SIZE_T length = 0;
  while (text[length])
    length++;
  return length;
}

NTSTATUS NTAPI RtlInitUnicodeStringEx(UNICODE_STRING *DestinationString, PCWSTR SourceString)
{
  SIZE_T bytes = SourceString ? length_of(SourceString) * 2 : 0;
  *DestinationString = (UNICODE_STRING){0, 0, (PWSTR)SourceString};
  if (bytes > 0xFFFC)
    return STATUS_NAME_TOO_LONG;
  DestinationString->Length = (USHORT)bytes;
  DestinationString->MaximumLength = (USHORT)(SourceString ? bytes + 2 : 0);
  return STATUS_SUCCESS;
}

void NTAPI RtlInitUnicodeString(UNICODE_STRING *DestinationString, PCWSTR SourceString)
{
  /* A longer text is cut. */
  if (!NT_SUCCESS(RtlInitUnicodeStringEx(DestinationString, SourceString)))
    *DestinationString = (UNICODE_STRING){0xFFFC, 0xFFFE, (PWSTR)SourceString};
}

NTSTATUS NTAPI RtlInitAnsiStringEx(ANSI_STRING *DestinationString, const char *SourceString)
{
  SIZE_T bytes = 0;
  while (SourceString && SourceString[bytes])
    bytes++;
  *DestinationString = (ANSI_STRING){0, 0, (PCHAR)SourceString};
  if (bytes > 0xFFFE)
    return STATUS_NAME_TOO_LONG;
  DestinationString->Length = (USHORT)bytes;
  DestinationString->MaximumLength = (USHORT)(SourceString ? bytes + 1 : 0);
  return STATUS_SUCCESS;
}

void NTAPI RtlInitAnsiString(ANSI_STRING *DestinationString, const char *SourceString)
{
  if (!NT_SUCCESS(RtlInitAnsiStringEx(DestinationString, SourceString)))
    *DestinationString = (ANSI_STRING){0xFFFE, 0xFFFF, (PCHAR)SourceString};
}

void NTAPI RtlInitString(ANSI_STRING *DestinationString, const char *SourceString)
{
  RtlInitAnsiString(DestinationString, SourceString);
}

WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR SourceCharacter)
{
  WCHAR c = SourceCharacter;
  if (c < 0x80)
    return c >= 'a' && c <= 'z' ? c - 32 : c;
  /* Latin-1 without the division sign; its y with diaeresis is elsewhere. */
  if (c >= 0xE0 && c <= 0xFE && c != 0xF7)
    return c - 32;
  if (c == 0xFF)
    return 0x178;
  /* Latin Extended-A: pairs, the capital on even numbers, then on odd ones, then on even ones again. */
  if ((c >= 0x100 && c <= 0x137 && c != 0x131) || (c >= 0x14A && c <= 0x177))
    return c & ~1;
  if (((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E)) && !(c & 1))
    return c - 1;
  /* Greek and Cyrillic without their exceptions. */
  if (c >= 0x3B1 && c <= 0x3C9 && c != 0x3C2)
    return c - 32;
  if (c >= 0x430 && c <= 0x44F)
    return c - 32;
  if (c >= 0x450 && c <= 0x45F)
    return c - 80;
  return c;
}

WCHAR NTAPI RtlDowncaseUnicodeChar(WCHAR SourceCharacter)
{
  WCHAR c = SourceCharacter;
  if (c < 0x80)
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
  if (c == 0x178)
    return 0xFF;
  if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9 && c != 0x3A2) || (c >= 0x410 && c <= 0x42F))
    return c + 32;
  if (c >= 0x400 && c <= 0x40F)
    return c + 80;
  WCHAR next = c + 1;
  return c >= 0x100 && c < 0x17F && c != 0x130 && RtlUpcaseUnicodeChar(next) == c ? next : c;
}

char NTAPI RtlUpperChar(char Character)
{
  return Character >= 'a' && Character <= 'z' ? (char)(Character - 32) : Character;
}

/* Difference of the first characters that differ among length. */
static LONG compare(PCWSTR a, PCWSTR b, SIZE_T length, BOOLEAN case_insensitive)
{
  for (SIZE_T i = 0; i < length; i++) {
    WCHAR left = a[i], right = b[i];
    if (case_insensitive && left != right)
      left = RtlUpcaseUnicodeChar(left), right = RtlUpcaseUnicodeChar(right);
    if (left != right)
      return (LONG)left - (LONG)right;
  }
  return 0;
}

LONG NTAPI RtlCompareUnicodeStrings(PCWSTR String1, SIZE_T String1Length, PCWSTR String2, SIZE_T String2Length,
                                    BOOLEAN CaseInSensitive)
{
  LONG result =
      compare(String1, String2, String1Length < String2Length ? String1Length : String2Length, CaseInSensitive);
  return result ? result : (LONG)String1Length - (LONG)String2Length;
}

LONG NTAPI RtlCompareUnicodeString(const UNICODE_STRING *String1, const UNICODE_STRING *String2,
                                   BOOLEAN CaseInSensitive)
{
  USHORT shorter = String1->Length < String2->Length ? String1->Length : String2->Length;
  LONG result = compare(String1->Buffer, String2->Buffer, shorter / 2u, CaseInSensitive);
  return result ? result : (LONG)String1->Length - (LONG)String2->Length;
}

BOOLEAN NTAPI RtlEqualUnicodeString(const UNICODE_STRING *String1, const UNICODE_STRING *String2,
                                    BOOLEAN CaseInSensitive)
{
  return String1->Length == String2->Length &&
         !compare(String1->Buffer, String2->Buffer, String1->Length / 2u, CaseInSensitive);
}

BOOLEAN NTAPI RtlPrefixUnicodeString(const UNICODE_STRING *String1, const UNICODE_STRING *String2,
                                     BOOLEAN CaseInSensitive)
{
  return String1->Length <= String2->Length &&
         !compare(String1->Buffer, String2->Buffer, String1->Length / 2u, CaseInSensitive);
}

LONG NTAPI RtlCompareString(const ANSI_STRING *String1, const ANSI_STRING *String2, BOOLEAN CaseInSensitive)
{
  ULONG length = String1->Length < String2->Length ? String1->Length : String2->Length;
  for (ULONG i = 0; i < length; i++) {
    UCHAR a = (UCHAR)String1->Buffer[i], b = (UCHAR)String2->Buffer[i];
    if (CaseInSensitive)
      a = (UCHAR)RtlUpperChar((char)a), b = (UCHAR)RtlUpperChar((char)b);
    if (a != b)
      return (LONG)a - (LONG)b;
  }
  return (LONG)String1->Length - (LONG)String2->Length;
}

BOOLEAN NTAPI RtlEqualString(const ANSI_STRING *String1, const ANSI_STRING *String2, BOOLEAN CaseInSensitive)
{
  return String1->Length == String2->Length && !RtlCompareString(String1, String2, CaseInSensitive);
}

void NTAPI RtlCopyUnicodeString(UNICODE_STRING *DestinationString, const UNICODE_STRING *SourceString)
{
  USHORT length = 0;
  if (SourceString) {
    length = SourceString->Length < DestinationString->MaximumLength ? SourceString->Length
                                                                     : DestinationString->MaximumLength;
    memcpy(DestinationString->Buffer, SourceString->Buffer, length);
  }
  DestinationString->Length = length;
  if (length + 2u <= DestinationString->MaximumLength)
    DestinationString->Buffer[length / 2] = 0;
}

void NTAPI RtlCopyString(ANSI_STRING *DestinationString, const ANSI_STRING *SourceString)
{
  USHORT length = 0;
  if (SourceString) {
    length = SourceString->Length < DestinationString->MaximumLength ? SourceString->Length
                                                                     : DestinationString->MaximumLength;
    memcpy(DestinationString->Buffer, SourceString->Buffer, length);
  }
  DestinationString->Length = length;
}

static NTSTATUS append(UNICODE_STRING *destination, const WCHAR *text, SIZE_T bytes)
{
  if (destination->Length + bytes > destination->MaximumLength)
    return STATUS_BUFFER_TOO_SMALL;
  memmove((UCHAR *)destination->Buffer + destination->Length, text, bytes);
  destination->Length += (USHORT)bytes;
  if (destination->Length + 2u <= destination->MaximumLength)
    destination->Buffer[destination->Length / 2] = 0;
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAppendUnicodeToString(UNICODE_STRING *Destination, PCWSTR Source)
{
  return Source ? append(Destination, Source, length_of(Source) * 2) : STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAppendUnicodeStringToString(UNICODE_STRING *Destination, const UNICODE_STRING *Source)
{
  return append(Destination, Source->Buffer, Source->Length);
}

static PVOID string_memory(SIZE_T bytes) { return RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, bytes); }

BOOLEAN NTAPI RtlCreateUnicodeString(UNICODE_STRING *DestinationString, PCWSTR SourceString)
{
  SIZE_T bytes = length_of(SourceString) * 2 + 2;
  if (bytes > 0xFFFE)
    return FALSE;
  PWSTR buffer = string_memory(bytes);
  if (!buffer)
    return FALSE;
  memcpy(buffer, SourceString, bytes);
  *DestinationString = (UNICODE_STRING){(USHORT)(bytes - 2), (USHORT)bytes, buffer};
  return TRUE;
}

void NTAPI RtlFreeUnicodeString(UNICODE_STRING *UnicodeString)
{
  if (UnicodeString->Buffer)
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, UnicodeString->Buffer);
  *UnicodeString = (UNICODE_STRING){0};
}

void NTAPI RtlFreeAnsiString(ANSI_STRING *AnsiString)
{
  if (AnsiString->Buffer)
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, AnsiString->Buffer);
  *AnsiString = (ANSI_STRING){0};
}

void NTAPI RtlFreeOemString(ANSI_STRING *OemString)
{
  if (OemString->Buffer)
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, OemString->Buffer);
}

NTSTATUS NTAPI RtlDuplicateUnicodeString(ULONG Flags, const UNICODE_STRING *Source, UNICODE_STRING *Destination)
{
  enum { TERMINATED = 1, EMPTY_TOO = 2 };
  if (!Source || !Destination || Flags > 3 || Flags == EMPTY_TOO || (Source->Length & 1) ||
      Source->Length > Source->MaximumLength || (Source->Length && !Source->Buffer))
    return STATUS_INVALID_PARAMETER;
  SIZE_T bytes = Source->Length + (Flags & TERMINATED ? 2u : 0);
  if (!Source->Length && !(Flags & EMPTY_TOO)) {
    *Destination = (UNICODE_STRING){0};
    return STATUS_SUCCESS;
  }
  if (bytes > 0xFFFE)
    return STATUS_NAME_TOO_LONG;
  PWSTR buffer = string_memory(bytes);
  if (!buffer)
    return STATUS_NO_MEMORY;
  memcpy(buffer, Source->Buffer, Source->Length);
  if (Flags & TERMINATED)
    buffer[Source->Length / 2] = 0;
  *Destination = (UNICODE_STRING){Source->Length, (USHORT)bytes, buffer};
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlHashUnicodeString(const UNICODE_STRING *String, BOOLEAN CaseInSensitive, ULONG HashAlgorithm,
                                    ULONG *HashValue)
{
  ULONG hash = 0;
  if (!String || !HashValue || HashAlgorithm > 1)
    return STATUS_INVALID_PARAMETER;
  for (ULONG i = 0; i < String->Length / 2u; i++)
    hash = hash * 65599 + (CaseInSensitive ? RtlUpcaseUnicodeChar(String->Buffer[i]) : String->Buffer[i]);
  *HashValue = hash;
  return STATUS_SUCCESS;
}
