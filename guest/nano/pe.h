/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file pe.h  The parts of a mapped PE image that the nano loader reads. */
#ifndef NANO_PE_H
#define NANO_PE_H

#include "nano.h"

/** Offset of e_lfanew in the DOS header. */
#define IMAGE_LFANEW 0x3C
#define IMAGE_DIRECTORY_ENTRY_EXPORT 0
#define IMAGE_DIRECTORY_ENTRY_IMPORT 1
#define IMAGE_DIRECTORY_ENTRY_BASERELOC 5
#define IMAGE_DIRECTORY_ENTRY_IAT 12
#define IMAGE_REL_BASED_DIR64 10

typedef struct _IMAGE_DATA_DIRECTORY {
  ULONG VirtualAddress;
  ULONG Size;
} IMAGE_DATA_DIRECTORY;

typedef struct _IMAGE_NT_HEADERS { /* signature, file header and optional header (PE32+) in one */
  ULONG Signature;
  USHORT Machine, NumberOfSections;
  ULONG TimeDateStamp, PointerToSymbolTable, NumberOfSymbols;
  USHORT SizeOfOptionalHeader, Characteristics;
  USHORT Magic;
  UCHAR MajorLinkerVersion, MinorLinkerVersion;
  ULONG SizeOfCode, SizeOfInitializedData, SizeOfUninitializedData, AddressOfEntryPoint, BaseOfCode;
  ULONG64 ImageBase __attribute__((packed));
  ULONG SectionAlignment, FileAlignment;
  USHORT Versions[6];
  ULONG Win32VersionValue, SizeOfImage, SizeOfHeaders, CheckSum;
  USHORT Subsystem, DllCharacteristics;
  ULONG StackAndHeapSizes[8];
  ULONG LoaderFlags, NumberOfRvaAndSizes;
  IMAGE_DATA_DIRECTORY DataDirectory[16];
} IMAGE_NT_HEADERS;
C_ASSERT_OFFSET(IMAGE_NT_HEADERS, Magic, 0x18);
C_ASSERT_OFFSET(IMAGE_NT_HEADERS, ImageBase, 0x30);
C_ASSERT_OFFSET(IMAGE_NT_HEADERS, SizeOfImage, 0x50);
C_ASSERT_OFFSET(IMAGE_NT_HEADERS, DataDirectory, 0x88);

typedef struct _IMAGE_EXPORT_DIRECTORY {
  ULONG Characteristics, TimeDateStamp, Version, Name, Base, NumberOfFunctions, NumberOfNames;
  ULONG AddressOfFunctions, AddressOfNames, AddressOfNameOrdinals;
} IMAGE_EXPORT_DIRECTORY;
C_ASSERT_SIZE(IMAGE_EXPORT_DIRECTORY, 0x28);

typedef struct _IMAGE_IMPORT_DESCRIPTOR {
  ULONG OriginalFirstThunk, TimeDateStamp, ForwarderChain, Name, FirstThunk;
} IMAGE_IMPORT_DESCRIPTOR;
C_ASSERT_SIZE(IMAGE_IMPORT_DESCRIPTOR, 0x14);

#endif
