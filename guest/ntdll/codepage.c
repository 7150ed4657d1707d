/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text of bytes and UTF-16: the ANSI code page (Windows-1252), the OEM code page (437) and UTF-8. */
#include "ntdllp.h"

/* Bytes 80-9F of Windows-1252; those that it leaves free stay controls. */
static const WCHAR ansi_80[32] = {0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021,
                                  0x2C6,  0x2030, 0x160,  0x2039, 0x152,  0x8D,   0x17D,  0x8F,
                                  0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                  0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};
/* Bytes 80-FF of code page 437. */
static const WCHAR oem_80[128] =
    L"\u00C7\u00FC\u00E9\u00E2\u00E4\u00E0\u00E5\u00E7\u00EA\u00EB\u00E8\u00EF\u00EE\u00EC\u00C4\u00C5"
    L"\u00C9\u00E6\u00C6\u00F4\u00F6\u00F2\u00FB\u00F9\u00FF\u00D6\u00DC\u00A2\u00A3\u00A5\u20A7\u0192"
    L"\u00E1\u00ED\u00F3\u00FA\u00F1\u00D1\u00AA\u00BA\u00BF\u2310\u00AC\u00BD\u00BC\u00A1\u00AB\u00BB"
    L"\u2591\u2592\u2593\u2502\u2524\u2561\u2562\u2556\u2555\u2563\u2551\u2557\u255D\u255C\u255B\u2510"
    L"\u2514\u2534\u252C\u251C\u2500\u253C\u255E\u255F\u255A\u2554\u2569\u2566\u2560\u2550\u256C\u2567"
    L"\u2568\u2564\u2565\u2559\u2558\u2552\u2553\u256B\u256A\u2518\u250C\u2588\u2584\u258C\u2590\u2580"
    L"\u03B1\u00DF\u0393\u03C0\u03A3\u03C3\u00B5\u03C4\u03A6\u0398\u03A9\u03B4\u221E\u03C6\u03B5\u2229"
    L"\u2261\u00B1\u2265\u2264\u2320\u2321\u00F7\u2248\u00B0\u2219\u00B7\u221A\u207F\u00B2\u25A0\u00A0";

static WCHAR from_ansi(UCHAR byte) { return byte >= 0x80 && byte < 0xA0 ? ansi_80[byte - 0x80] : byte; }

static WCHAR from_oem(UCHAR byte) { return byte < 0x80 ? byte : oem_80[byte - 0x80]; }

static UCHAR to_ansi(WCHAR c)
{
  if (c < 0x80 || (c >= 0xA0 && c < 0x100))
    return (UCHAR)c;
  for (ULONG i = 0; i < 32; i++)
    if (ansi_80[i] == c)
      return (UCHAR)(0x80 + i);
  return '?';
}

static UCHAR to_oem(WCHAR c)
{
  if (c < 0x80)
    return (UCHAR)c;
  for (ULONG i = 0; i < 128; i++)
    if (oem_80[i] == c)
      return (UCHAR)(0x80 + i);
  return '?';
}

static NTSTATUS widen(WCHAR (*map)(UCHAR), PWSTR to, ULONG room, ULONG *written, const char *from, ULONG bytes)
{
  ULONG count = bytes < room / 2 ? bytes : room / 2;
  for (ULONG i = 0; i < count; i++)
    to[i] = map((UCHAR)from[i]);
  if (written)
    *written = count * 2;
  return count < bytes ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static NTSTATUS narrow(UCHAR (*map)(WCHAR), char *to, ULONG room, ULONG *written, const WCHAR *from, ULONG bytes)
{
  ULONG count = bytes / 2 < room ? bytes / 2 : room;
  for (ULONG i = 0; i < count; i++)
    to[i] = (char)map(from[i]);
  if (written)
    *written = count;
  return count < bytes / 2 ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlMultiByteToUnicodeN(PWSTR UnicodeString, ULONG MaxBytesInUnicodeString, ULONG *BytesInUnicodeString,
                                      const char *MultiByteString, ULONG BytesInMultiByteString)
{
  widen(from_ansi, UnicodeString, MaxBytesInUnicodeString, BytesInUnicodeString, MultiByteString,
        BytesInMultiByteString);
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlOemToUnicodeN(PWSTR UnicodeString, ULONG MaxBytesInUnicodeString, ULONG *BytesInUnicodeString,
                                const char *OemString, ULONG BytesInOemString)
{
  widen(from_oem, UnicodeString, MaxBytesInUnicodeString, BytesInUnicodeString, OemString, BytesInOemString);
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUnicodeToMultiByteN(char *MultiByteString, ULONG MaxBytesInMultiByteString,
                                      ULONG *BytesInMultiByteString, PCWSTR UnicodeString, ULONG BytesInUnicodeString)
{
  return narrow(to_ansi, MultiByteString, MaxBytesInMultiByteString, BytesInMultiByteString, UnicodeString,
                BytesInUnicodeString);
}

NTSTATUS NTAPI RtlUnicodeToOemN(char *OemString, ULONG MaxBytesInOemString, ULONG *BytesInOemString,
                                PCWSTR UnicodeString, ULONG BytesInUnicodeString)
{
  return narrow(to_oem, OemString, MaxBytesInOemString, BytesInOemString, UnicodeString, BytesInUnicodeString);
}

NTSTATUS NTAPI RtlMultiByteToUnicodeSize(ULONG *BytesInUnicodeString, const char *MultiByteString,
                                         ULONG BytesInMultiByteString)
{
  (void)MultiByteString;
  *BytesInUnicodeString = BytesInMultiByteString * 2;
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUnicodeToMultiByteSize(ULONG *BytesInMultiByteString, PCWSTR UnicodeString,
                                         ULONG BytesInUnicodeString)
{
  (void)UnicodeString;
  *BytesInMultiByteString = BytesInUnicodeString / 2;
  return STATUS_SUCCESS;
}

/* ---- counted strings ---- */

static NTSTATUS to_unicode(WCHAR (*map)(UCHAR), UNICODE_STRING *to, const ANSI_STRING *from, BOOLEAN allocate)
{
  ULONG bytes = from->Length * 2u, needed = bytes + 2;
  if (needed > 0xFFFF)
    return STATUS_INVALID_PARAMETER_2;
  if (allocate) {
    to->Buffer = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, needed);
    if (!to->Buffer)
      return STATUS_NO_MEMORY;
    to->MaximumLength = (USHORT)needed;
  } else if (needed > to->MaximumLength) {
    return STATUS_BUFFER_OVERFLOW;
  }
  to->Length = (USHORT)bytes;
  widen(map, to->Buffer, bytes, NULL, from->Buffer, from->Length);
  to->Buffer[bytes / 2] = 0;
  return STATUS_SUCCESS;
}

static NTSTATUS to_bytes(UCHAR (*map)(WCHAR), ANSI_STRING *to, const UNICODE_STRING *from, BOOLEAN allocate)
{
  ULONG bytes = from->Length / 2u, needed = bytes + 1;
  NTSTATUS status = STATUS_SUCCESS;
  if (allocate) {
    to->Buffer = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, needed);
    if (!to->Buffer)
      return STATUS_NO_MEMORY;
    to->MaximumLength = (USHORT)needed;
  } else if (needed > to->MaximumLength) {
    /* What fits is stored. */
    if (!to->MaximumLength)
      return STATUS_BUFFER_OVERFLOW;
    bytes = to->MaximumLength - 1u;
    status = STATUS_BUFFER_OVERFLOW;
  }
  to->Length = (USHORT)bytes;
  narrow(map, to->Buffer, bytes, NULL, from->Buffer, bytes * 2);
  to->Buffer[bytes] = 0;
  return status;
}

NTSTATUS NTAPI RtlAnsiStringToUnicodeString(UNICODE_STRING *DestinationString, const ANSI_STRING *SourceString,
                                            BOOLEAN AllocateDestinationString)
{
  return to_unicode(from_ansi, DestinationString, SourceString, AllocateDestinationString);
}

NTSTATUS NTAPI RtlOemStringToUnicodeString(UNICODE_STRING *DestinationString, const ANSI_STRING *SourceString,
                                           BOOLEAN AllocateDestinationString)
{
  return to_unicode(from_oem, DestinationString, SourceString, AllocateDestinationString);
}

NTSTATUS NTAPI RtlUnicodeStringToAnsiString(ANSI_STRING *DestinationString, const UNICODE_STRING *SourceString,
                                            BOOLEAN AllocateDestinationString)
{
  return to_bytes(to_ansi, DestinationString, SourceString, AllocateDestinationString);
}

NTSTATUS NTAPI RtlUnicodeStringToOemString(ANSI_STRING *DestinationString, const UNICODE_STRING *SourceString,
                                           BOOLEAN AllocateDestinationString)
{
  return to_bytes(to_oem, DestinationString, SourceString, AllocateDestinationString);
}

BOOLEAN NTAPI RtlCreateUnicodeStringFromAsciiz(UNICODE_STRING *DestinationString, const char *SourceString)
{
  ANSI_STRING source;
  return NT_SUCCESS(RtlInitAnsiStringEx(&source, SourceString)) &&
         NT_SUCCESS(RtlAnsiStringToUnicodeString(DestinationString, &source, TRUE));
}

WCHAR NTAPI RtlAnsiCharToUnicodeChar(UCHAR **SourceCharacter) { return from_ansi(*(*SourceCharacter)++); }

ULONG NTAPI RtlAnsiStringToUnicodeSize(const ANSI_STRING *AnsiString) { return AnsiString->Length * 2u + 2; }

ULONG NTAPI RtlUnicodeStringToAnsiSize(const UNICODE_STRING *UnicodeString) { return UnicodeString->Length / 2u + 1; }

NTSTATUS NTAPI RtlUpcaseUnicodeString(UNICODE_STRING *DestinationString, const UNICODE_STRING *SourceString,
                                      BOOLEAN AllocateDestinationString)
{
  if (AllocateDestinationString) {
    DestinationString->Buffer = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, SourceString->Length);
    if (!DestinationString->Buffer)
      return STATUS_NO_MEMORY;
    DestinationString->MaximumLength = SourceString->Length;
  } else if (SourceString->Length > DestinationString->MaximumLength) {
    return STATUS_BUFFER_OVERFLOW;
  }
  for (ULONG i = 0; i < SourceString->Length / 2u; i++)
    DestinationString->Buffer[i] = RtlUpcaseUnicodeChar(SourceString->Buffer[i]);
  DestinationString->Length = SourceString->Length;
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlDowncaseUnicodeString(UNICODE_STRING *DestinationString, const UNICODE_STRING *SourceString,
                                        BOOLEAN AllocateDestinationString)
{
  NTSTATUS status = RtlUpcaseUnicodeString(DestinationString, SourceString, AllocateDestinationString);
  if (!NT_SUCCESS(status))
    return status;
  for (ULONG i = 0; i < SourceString->Length / 2u; i++)
    DestinationString->Buffer[i] = RtlDowncaseUnicodeChar(SourceString->Buffer[i]);
  return status;
}
