/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Damage where a loader looks: header fields, directories and what they point to, the section table, the file's end. */
#include "mutate_pe.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct mutation {
  uint64_t state; /* splitmix64 */
  uint8_t *bytes;
  size_t size, capacity;
  size_t pe;       /* offset of the PE signature of the original */
  size_t sections; /* offset of its section table */
  uint32_t section_count;
  char *what;
  size_t what_size;
};

struct field {
  const char *name;
  uint32_t offset, width;
};

static const struct field dos_fields[] = {{"e_magic", 0, 2}, {"e_lfanew", 0x3C, 4}};

static const struct field pe_fields[] = {{"Signature", 0, 4},           {"Machine", 4, 2},
                                         {"NumberOfSections", 6, 2},    {"PointerToSymbolTable", 12, 4},
                                         {"NumberOfSymbols", 16, 4},    {"SizeOfOptionalHeader", 20, 2},
                                         {"Characteristics", 22, 2},    {"Magic", 24, 2},
                                         {"SizeOfCode", 28, 4},         {"AddressOfEntryPoint", 40, 4},
                                         {"ImageBase", 48, 8},          {"SectionAlignment", 56, 4},
                                         {"FileAlignment", 60, 4},      {"MajorSubsystemVersion", 72, 2},
                                         {"SizeOfImage", 80, 4},        {"SizeOfHeaders", 84, 4},
                                         {"Subsystem", 92, 2},          {"DllCharacteristics", 94, 2},
                                         {"SizeOfStackReserve", 96, 8}, {"SizeOfStackCommit", 104, 8},
                                         {"SizeOfHeapReserve", 112, 8}, {"NumberOfRvaAndSizes", 132, 4}};

static const struct field section_fields[] = {{"VirtualSize", 8, 4},
                                              {"VirtualAddress", 12, 4},
                                              {"SizeOfRawData", 16, 4},
                                              {"PointerToRawData", 20, 4},
                                              {"Characteristics", 36, 4}};

/* Fields of what a directory points to. */
static const struct field export_fields[] = {{"NumberOfFunctions", 20, 4},     {"NumberOfNames", 24, 4},
                                             {"AddressOfFunctions", 28, 4},    {"AddressOfNames", 32, 4},
                                             {"AddressOfNameOrdinals", 36, 4}, {"Name", 12, 4}};
static const struct field import_fields[] = {{"OriginalFirstThunk", 0, 4}, {"Name", 12, 4}, {"FirstThunk", 16, 4}};
static const struct field exception_fields[] = {{"BeginAddress", 0, 4}, {"EndAddress", 4, 4}, {"UnwindData", 8, 4}};
static const struct field relocation_fields[] = {{"VirtualAddress", 0, 4}, {"SizeOfBlock", 4, 4}, {"entry", 8, 2}};
static const struct field debug_fields[] = {
    {"Type", 12, 4}, {"SizeOfData", 16, 4}, {"AddressOfRawData", 20, 4}, {"PointerToRawData", 24, 4}};
static const struct field tls_fields[] = {{"StartAddressOfRawData", 0, 8},
                                          {"EndAddressOfRawData", 8, 8},
                                          {"AddressOfIndex", 16, 8},
                                          {"AddressOfCallBacks", 24, 8},
                                          {"SizeOfZeroFill", 32, 4}};

#define TABLE(directory, name, fields)                                                                                 \
  {                                                                                                                    \
    directory, name, fields, sizeof(fields) / sizeof((fields)[0])                                                      \
  }
static const struct {
  uint32_t directory;
  const char *name;
  const struct field *fields;
  size_t count;
} tables[] = {TABLE(0, "export", export_fields),       TABLE(1, "import", import_fields),
              TABLE(3, "exception", exception_fields), TABLE(5, "relocation", relocation_fields),
              TABLE(6, "debug", debug_fields),         TABLE(9, "TLS", tls_fields)};

static uint64_t next_random(struct mutation *m)
{
  uint64_t z = m->state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

static uint64_t below(struct mutation *m, uint64_t limit) { return next_random(m) % limit; }

static void say(struct mutation *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct mutation *m, const char *format, ...)
{
  size_t used = strlen(m->what);
  if (used + 1 >= m->what_size)
    return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(m->what + used, m->what_size - used, format, arguments);
  va_end(arguments);
}

static uint64_t get(const struct mutation *m, size_t offset, uint32_t width)
{
  uint64_t value = 0;
  for (uint32_t i = 0; i < width && offset + i < m->size; i++)
    value |= (uint64_t)m->bytes[offset + i] << (8 * i);
  return value;
}

static void put(struct mutation *m, size_t offset, uint32_t width, uint64_t value)
{
  for (uint32_t i = 0; i < width && offset + i < m->size; i++)
    m->bytes[offset + i] = (uint8_t)(value >> (8 * i));
}

/* A value at a boundary more often than any other one. */
static uint64_t hostile_value(struct mutation *m, uint64_t old)
{
  static const uint64_t interesting[] = {0,
                                         1,
                                         2,
                                         3,
                                         4,
                                         7,
                                         0x10,
                                         0x60,
                                         0x61,
                                         0xFF,
                                         0x100,
                                         0x1FF,
                                         0x200,
                                         0xFFF,
                                         0x1000,
                                         0x1001,
                                         0x7FFF,
                                         0x8000,
                                         0xFFFF,
                                         0x10000,
                                         0x100000,
                                         0x3FFFFFFF,
                                         0x40000000,
                                         0x40001000,
                                         0x7FFFFFFF,
                                         0x80000000,
                                         0xFFFFF000,
                                         0xFFFFFFF0,
                                         0xFFFFFFFF,
                                         0x7FFFFFFEFFFFu,
                                         0x800000000000u,
                                         UINT64_MAX};
  switch (below(m, 7)) {
  case 0:
    return next_random(m);
  case 1:
    return old ^ (uint64_t)1 << below(m, 32);
  case 2:
    return old + 1 + below(m, 16);
  case 3:
    return old - 1 - below(m, 16);
  case 4:
    return old + 0x1000 * (1 + below(m, 64));
  default:
    return interesting[below(m, sizeof(interesting) / sizeof(interesting[0]))];
  }
}

static void change(struct mutation *m, const char *group, const struct field *f, size_t base)
{
  uint64_t old = get(m, base + f->offset, f->width);
  uint64_t value = hostile_value(m, old);
  put(m, base + f->offset, f->width, value);
  say(m, " %s.%s=%llx", group, f->name, (unsigned long long)get(m, base + f->offset, f->width));
}

static void change_header(struct mutation *m)
{
  size_t count = sizeof(pe_fields) / sizeof(pe_fields[0]);
  size_t pick = below(m, count + 2);
  if (pick < count)
    change(m, "header", &pe_fields[pick], m->pe);
  else
    change(m, "dos", &dos_fields[pick - count], 0);
}

static void change_directory(struct mutation *m)
{
  struct field f = {NULL, 0, 4};
  uint32_t index = (uint32_t)below(m, 16);
  f.name = below(m, 2) ? "rva" : "size";
  f.offset = 8 * index + (f.name[0] == 's' ? 4 : 0);
  char group[32];
  snprintf(group, sizeof(group), "directory %u", index);
  change(m, group, &f, m->pe + 136);
}

static void change_section(struct mutation *m)
{
  if (m->section_count == 0)
    return;
  uint32_t index = (uint32_t)below(m, m->section_count);
  char group[32];
  snprintf(group, sizeof(group), "section %u", index);
  change(m, group, &section_fields[below(m, 5)], m->sections + 40 * (size_t)index);
}

/* File offset of an RVA by the section table as it stands; 0 if there is none. */
static size_t offset_of(const struct mutation *m, uint64_t rva)
{
  for (uint32_t i = 0; i < m->section_count; i++) {
    size_t entry = m->sections + 40 * (size_t)i;
    uint64_t start = get(m, entry + 12, 4), length = get(m, entry + 16, 4), raw = get(m, entry + 20, 4);
    if (rva >= start && rva - start < length && raw + (rva - start) < m->size)
      return (size_t)(raw + (rva - start));
  }
  return 0;
}

static void change_table(struct mutation *m)
{
  size_t pick = below(m, sizeof(tables) / sizeof(tables[0]));
  size_t entry = m->pe + 136 + 8 * (size_t)tables[pick].directory;
  size_t base = offset_of(m, get(m, entry, 4));
  uint64_t length = get(m, entry + 4, 4);
  if (base == 0 || length == 0) {
    change_directory(m);
    return;
  }
  /* Later records too, not only the first. */
  if (below(m, 2))
    base += (size_t)below(m, length) & ~(size_t)3;
  change(m, tables[pick].name, &tables[pick].fields[below(m, tables[pick].count)], base);
}

static void set_huge_count(struct mutation *m)
{
  static const struct field counts[] = {
      {"NumberOfSections", 6, 2}, {"NumberOfSymbols", 16, 4}, {"NumberOfRvaAndSizes", 132, 4}};
  size_t pick = below(m, 5);
  if (pick < 3) {
    put(m, m->pe + counts[pick].offset, counts[pick].width, UINT64_MAX - below(m, 0x4000));
    say(m, " header.%s=huge", counts[pick].name);
    return;
  }
  size_t base = offset_of(m, get(m, m->pe + 136, 4));
  if (base == 0)
    return;
  put(m, base + (pick == 3 ? 20 : 24), 4, below(m, 2) ? UINT32_MAX - below(m, 0x4000) : 0xFFFF);
  say(m, " export.%s=huge", pick == 3 ? "NumberOfFunctions" : "NumberOfNames");
}

static void truncate_file(struct mutation *m)
{
  size_t headers = m->sections + 40 * (size_t)m->section_count;
  size_t limit = below(m, 2) && headers < m->size ? headers : m->size;
  m->size = (size_t)below(m, limit + 1);
  say(m, " truncate=%zu", m->size);
}

static void flip_bytes(struct mutation *m)
{
  if (m->size == 0)
    return;
  uint64_t count = 1 + below(m, 64);
  size_t range = below(m, 2) && m->size > 1024 ? 1024 : m->size;
  for (uint64_t i = 0; i < count; i++)
    m->bytes[below(m, range)] ^= (uint8_t)(1 + below(m, 255));
  say(m, " flip=%llu/%zu", (unsigned long long)count, range);
}

static void copy_within(struct mutation *m)
{
  if (m->size < 2)
    return;
  size_t length = 1 + (size_t)below(m, m->size < 512 ? m->size : 512);
  size_t from = (size_t)below(m, m->size - length + 1), to = (size_t)below(m, m->size - length + 1);
  memmove(m->bytes + to, m->bytes + from, length);
  say(m, " copy=%zx>%zx+%zu", from, to, length);
}

static void append_bytes(struct mutation *m)
{
  size_t length = 1 + (size_t)below(m, MUTATE_PE_GROWTH);
  if (length > m->capacity - m->size)
    length = m->capacity - m->size;
  for (size_t i = 0; i < length; i++)
    m->bytes[m->size + i] = (uint8_t)next_random(m);
  m->size += length;
  say(m, " append=%zu", length);
}

size_t mutate_pe(uint64_t seed, const uint8_t *in, size_t size, uint8_t *out, char *what, size_t what_size)
{
  static void (*const kinds[])(struct mutation *) = {
      change_header, change_header,  change_directory, change_section, change_section, change_table, change_table,
      change_table,  set_huge_count, truncate_file,    flip_bytes,     copy_within,    append_bytes};
  struct mutation m = {.state = seed,
                       .bytes = out,
                       .size = size,
                       .capacity = size + MUTATE_PE_GROWTH,
                       .what = what,
                       .what_size = what_size};
  memcpy(out, in, size);
  if (what_size != 0)
    what[0] = 0;
  m.pe = (size_t)get(&m, 0x3C, 4);
  if (m.pe > size)
    m.pe = 0;
  m.section_count = (uint32_t)get(&m, m.pe + 6, 2);
  if (m.section_count > 96)
    m.section_count = 96;
  m.sections = m.pe + 24 + (size_t)get(&m, m.pe + 20, 2);
  uint64_t count = 1 + below(&m, 3);
  for (uint64_t i = 0; i < count; i++)
    kinds[below(&m, sizeof(kinds) / sizeof(kinds[0]))](&m);
  return m.size;
}
