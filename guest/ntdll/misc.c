/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Version numbers, random numbers, checksums, memory, encoded pointers. */
#include "ntdllp.h"

void NTAPI RtlGetNtVersionNumbers(ULONG *MajorVersion, ULONG *MinorVersion, ULONG *BuildNumber)
{
  PPEB peb = NtCurrentPeb();
  if (MajorVersion)
    *MajorVersion = peb->OSMajorVersion;
  if (MinorVersion)
    *MinorVersion = peb->OSMinorVersion;
  /* F: a free (not checked) build. */
  if (BuildNumber)
    *BuildNumber = 0xF0000000 | peb->OSBuildNumber;
}

BOOLEAN NTAPI RtlGetNtProductType(ULONG *ProductType)
{
  *ProductType = VER_NT_WORKSTATION;
  return TRUE;
}

ULONG NTAPI RtlGetNtGlobalFlags(void) { return NtCurrentPeb()->NtGlobalFlag; }

PPEB NTAPI RtlGetCurrentPeb(void) { return NtCurrentPeb(); }

BOOLEAN NTAPI RtlIsProcessorFeaturePresent(ULONG ProcessorFeature)
{
  return ProcessorFeature < 64 && ((const UCHAR *)(USER_SHARED_DATA + 0x274))[ProcessorFeature];
}

BOOLEAN NTAPI RtlDllShutdownInProgress(void)
{
  PPEB_LDR_DATA ldr = NtCurrentPeb()->Ldr;
  return ldr && ldr->ShutdownInProgress;
}

ULONG NTAPI RtlUniform(ULONG *Seed)
{
  *Seed = (ULONG)(((ULONG64)*Seed * 0x7FFFFFED + 0x7FFFFFC3) % 0x7FFFFFFF);
  return *Seed;
}

ULONG NTAPI RtlRandomEx(ULONG *Seed)
{
  static ULONG table[128];
  static ULONG last;
  if (!table[0]) {
    ULONG seed = 0x5EED;
    for (ULONG i = 0; i < ARRAYSIZE(table); i++)
      table[i] = RtlUniform(&seed);
  }
  ULONG slot = last & (ARRAYSIZE(table) - 1), result = table[slot];
  table[slot] = RtlUniform(Seed);
  last = result;
  return result;
}

ULONG NTAPI RtlRandom(ULONG *Seed) { return RtlRandomEx(Seed); }

ULONG NTAPI RtlComputeCrc32(ULONG PartialCrc, const void *Buffer, ULONG Length)
{
  ULONG crc = ~PartialCrc;
  for (const UCHAR *byte = Buffer; Length--; byte++) {
    crc ^= *byte;
    for (ULONG bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

#undef RtlZeroMemory
#undef RtlFillMemory
#undef RtlMoveMemory
NTDLL_API void NTAPI RtlZeroMemory(PVOID Destination, SIZE_T Length) { memset(Destination, 0, Length); }

NTDLL_API void NTAPI RtlFillMemory(PVOID Destination, SIZE_T Length, UCHAR Fill) { memset(Destination, Fill, Length); }

NTDLL_API void NTAPI RtlMoveMemory(PVOID Destination, const void *Source, SIZE_T Length)
{
  memmove(Destination, Source, Length);
}

SIZE_T NTAPI RtlCompareMemory(const void *Source1, const void *Source2, SIZE_T Length)
{
  const UCHAR *a = Source1, *b = Source2;
  SIZE_T same = 0;
  while (same < Length && a[same] == b[same])
    same++;
  return same;
}

SIZE_T NTAPI RtlCompareMemoryUlong(PVOID Source, SIZE_T Length, ULONG Pattern)
{
  SIZE_T same = 0;
  while (same + 4 <= Length && ((const ULONG *)Source)[same / 4] == Pattern)
    same += 4;
  return same;
}

void NTAPI RtlFillMemoryUlong(PVOID Destination, SIZE_T Length, ULONG Pattern)
{
  for (SIZE_T i = 0; i < Length / 4; i++)
    ((ULONG *)Destination)[i] = Pattern;
}

/* ---- pointers that a stray write can not forge: turned and crossed with a number of the process ---- */

#define ProcessCookie 36u

static ULONG process_cookie(void)
{
  static ULONG cookie;
  if (!cookie &&
      !NT_SUCCESS(NtQueryInformationProcess(NtCurrentProcess(), ProcessCookie, &cookie, sizeof cookie, NULL)))
    cookie = 0x2B992DDF;
  return cookie;
}

PVOID NTAPI RtlEncodePointer(PVOID Pointer)
{
  ULONG cookie = process_cookie(), turn = cookie & 63;
  ULONG64 value = (ULONG64)Pointer ^ cookie;
  return (PVOID)(turn ? value >> turn | value << (64 - turn) : value);
}

PVOID NTAPI RtlDecodePointer(PVOID Pointer)
{
  ULONG cookie = process_cookie(), turn = cookie & 63;
  ULONG64 value = (ULONG64)Pointer;
  return (PVOID)((turn ? value << turn | value >> (64 - turn) : value) ^ cookie);
}

PVOID NTAPI RtlEncodeSystemPointer(PVOID Pointer)
{
  return (PVOID)((ULONG64)Pointer ^ *(const ULONG *)(USER_SHARED_DATA + 0x330));
}

PVOID NTAPI RtlDecodeSystemPointer(PVOID Pointer) { return RtlEncodeSystemPointer(Pointer); }
