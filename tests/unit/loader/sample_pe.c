/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sample_pe.h"

#include <string.h>

void sample_put(uint8_t *at, uint64_t value, unsigned width)
{
  for (unsigned i = 0; i < width; i++) {
    at[i] = (uint8_t)(value >> (8 * i));
  }
}

uint64_t sample_get(const uint8_t *at, unsigned width)
{
  uint64_t value = 0;
  for (unsigned i = 0; i < width; i++) {
    value |= (uint64_t)at[i] << (8 * i);
  }
  return value;
}

static void put_section(uint8_t *entry, const char *name, const uint32_t values[5])
{
  memcpy(entry, name, strlen(name));
  for (unsigned i = 0; i < 4; i++) { /* VirtualSize, VirtualAddress, SizeOfRawData, PointerToRawData */
    sample_put(entry + 8 + 4 * i, values[i], 4);
  }
  sample_put(entry + 36, values[4], 4);
}

static void put_exports(uint8_t *d)
{
  const uint32_t rva = SAMPLE_DATA + 0x40;
  sample_put(d + 12, rva + 0x60, 4); /* Name */
  sample_put(d + 16, 1, 4);          /* Base */
  sample_put(d + 20, 3, 4);          /* NumberOfFunctions, NumberOfNames */
  sample_put(d + 24, 3, 4);
  sample_put(d + 28, rva + 0x28, 4); /* AddressOfFunctions, Names, NameOrdinals */
  sample_put(d + 32, rva + 0x38, 4);
  sample_put(d + 36, rva + 0x48, 4);
  sample_put(d + 0x28, SAMPLE_ALPHA, 4);
  sample_put(d + 0x2C, rva + 0x80, 4);
  sample_put(d + 0x30, SAMPLE_TEXT, 4);
  sample_put(d + 0x38, rva + 0x68, 4);
  sample_put(d + 0x3C, rva + 0x70, 4);
  sample_put(d + 0x40, rva + 0x78, 4);
  sample_put(d + 0x48, 0x0000000200010000, 8);
  memcpy(d + 0x60, "s.dll\0\0\0alpha\0\0\0beta\0\0\0\0gamma\0\0\0other.Beta", 42);
}

void sample_build(uint8_t *file)
{
  memset(file, 0, SAMPLE_ROOM);
  memcpy(file, "MZ", 2);
  sample_put(file + 0x3C, SAMPLE_PE, 4);
  uint8_t *pe = file + SAMPLE_PE;
  memcpy(pe, "PE", 2);
  sample_put(pe + 4, 0x8664, 2);
  sample_put(pe + 6, 3, 2);
  sample_put(pe + 20, 240, 2);
  sample_put(pe + 22, 0x22, 2); /* executable, large address aware */
  uint8_t *optional = file + SAMPLE_OPTIONAL;
  sample_put(optional, 0x20B, 2);
  sample_put(optional + 16, SAMPLE_TEXT, 4);
  sample_put(optional + 24, SAMPLE_BASE, 8);
  sample_put(optional + 32, 0x1000, 4);
  sample_put(optional + 36, 0x200, 4);
  sample_put(optional + 40, 0x00010006, 4); /* operating system 6.1, image 2.3, subsystem 5.2 */
  sample_put(optional + 44, 0x00030002, 4);
  sample_put(optional + 48, 0x00020005, 4);
  sample_put(optional + 56, SAMPLE_IMAGE_SIZE, 4);
  sample_put(optional + 60, 0x400, 4);
  sample_put(optional + 68, 3, 2);
  sample_put(optional + 70, 0x160, 2);
  sample_put(optional + 72, 0x100000, 8);
  sample_put(optional + 80, 0x1000, 8);
  sample_put(optional + 108, 16, 4);
  sample_put(file + SAMPLE_DIRECTORIES, SAMPLE_DATA + 0x40, 4); /* exports */
  sample_put(file + SAMPLE_DIRECTORIES + 4, 0xA0, 4);
  sample_put(file + SAMPLE_DIRECTORIES + 5 * 8, SAMPLE_RELOC, 4);
  sample_put(file + SAMPLE_DIRECTORIES + 5 * 8 + 4, 12, 4);
  put_section(file + SAMPLE_SECTION(0), ".text",
              (const uint32_t[]){0x100, SAMPLE_TEXT, 0x200, SAMPLE_TEXT_RAW, 0x60000020});
  put_section(file + SAMPLE_SECTION(1), ".data",
              (const uint32_t[]){0x1800, SAMPLE_DATA, 0x200, SAMPLE_DATA_RAW, 0xC0000040});
  put_section(file + SAMPLE_SECTION(2), ".reloc",
              (const uint32_t[]){0x20, SAMPLE_RELOC, 0x200, SAMPLE_RELOC_RAW, 0x42000040});
  memset(file + SAMPLE_TEXT_RAW, 0xC3, 0x200);
  sample_put(file + SAMPLE_DATA_RAW + 8, SAMPLE_BASE + SAMPLE_TEXT, 8);
  put_exports(file + SAMPLE_EXPORTS_RAW);
  sample_put(file + SAMPLE_RELOC_RAW, SAMPLE_DATA, 4);
  sample_put(file + SAMPLE_RELOC_RAW + 4, 12, 4);
  sample_put(file + SAMPLE_RELOC_RAW + 8, 0xA008, 2); /* DIR64 at +8, then padding */
}
