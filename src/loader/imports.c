/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Imports and exports of a file that is not laid out. Every number in it may be anything. */
#include "loader/bytes.h"
#include "loader/loader.h"

#include <string.h>

#define DESCRIPTOR_SIZE 20u
#define EXPORT_DIRECTORY_SIZE 40u
#define MAX_NAME 4096u
#define MAX_DESCRIPTORS 4096u
#define MAX_FUNCTIONS 65536u
#define ORDINAL_FLAG (1ull << 63)

struct file {
  const uint8_t *bytes;
  size_t size;
  const struct pe_headers *headers;
};

/* The bytes at an RVA, and how many follow in the same part of the file; NULL: none. */
static const uint8_t *at(const struct file *f, uint32_t rva, size_t *room)
{
  uint64_t offset = rva, end = f->headers->size_of_headers;
  if (f->headers->section_alignment < PE_PAGE_SIZE)
    end = f->size;
  for (unsigned i = 0; i < f->headers->section_count && offset >= end; i++) {
    const struct pe_section *s = &f->headers->sections[i];
    if (rva < s->virtual_address || rva - s->virtual_address >= s->raw_size)
      continue;
    offset = (uint64_t)s->raw_offset + (rva - s->virtual_address);
    end = (uint64_t)s->raw_offset + s->raw_size;
  }
  if (end > f->size)
    end = f->size;
  if (offset >= end)
    return NULL;
  *room = (size_t)(end - offset);
  return f->bytes + offset;
}

static const uint8_t *bytes_at(const struct file *f, uint64_t rva, uint64_t size)
{
  size_t room;
  const uint8_t *p = rva <= UINT32_MAX ? at(f, (uint32_t)rva, &room) : NULL;
  return p && room >= size ? p : NULL;
}

static const char *text_at(const struct file *f, uint64_t rva)
{
  size_t room;
  const uint8_t *p = rva <= UINT32_MAX ? at(f, (uint32_t)rva, &room) : NULL;
  return p && memchr(p, 0, room < MAX_NAME ? room : MAX_NAME) ? (const char *)p : NULL;
}

static bool each_function(const struct file *f, const char *dll, uint32_t thunks,
                          bool (*fn)(void *context, const struct pe_import *import), void *context)
{
  struct pe_import import = {.dll = dll};
  if (!fn(context, &import))
    return false;
  for (uint32_t i = 0; i < MAX_FUNCTIONS; i++) {
    const uint8_t *thunk = bytes_at(f, thunks + 8ull * i, 8);
    uint64_t value = thunk ? read_u64(thunk) : 0;
    if (!value)
      return true;
    import.ordinal = (uint16_t)(value & ORDINAL_FLAG ? value : 0);
    import.name = value & ORDINAL_FLAG ? NULL : text_at(f, value + 2);
    if (!import.name && !import.ordinal)
      return true;
    if (!fn(context, &import))
      return false;
  }
  return true;
}

bool pe_for_each_import(const void *file, size_t size, const struct pe_headers *headers,
                        bool (*fn)(void *context, const struct pe_import *import), void *context)
{
  const struct file f = {file, size, headers};
  uint32_t rva = headers->directories[IMAGE_DIRECTORY_ENTRY_IMPORT].rva;
  for (uint32_t i = 0; rva && i < MAX_DESCRIPTORS; i++) {
    const uint8_t *descriptor = bytes_at(&f, rva + (uint64_t)DESCRIPTOR_SIZE * i, DESCRIPTOR_SIZE);
    /* The loader ends at a descriptor without a name or without an address table. */
    if (!descriptor || !read_u32(descriptor + 12) || !read_u32(descriptor + 16))
      return true;
    const char *dll = text_at(&f, read_u32(descriptor + 12));
    uint32_t thunks = read_u32(descriptor) ? read_u32(descriptor) : read_u32(descriptor + 16);
    if (!dll)
      return true;
    if (!each_function(&f, dll, thunks, fn, context))
      return false;
  }
  return true;
}

/* Index in the address table of a name; -1: none. Names are sorted, as loaders expect them. */
static int64_t find_name(const struct file *f, const uint8_t *directory, const char *name)
{
  uint32_t count = read_u32(directory + 24);
  const uint8_t *names = bytes_at(f, read_u32(directory + 32), 4ull * count);
  const uint8_t *ordinals = bytes_at(f, read_u32(directory + 36), 2ull * count);
  uint32_t low = 0, high = names && ordinals ? count : 0;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    const char *text = text_at(f, read_u32(names + 4ull * middle));
    int order = text ? strcmp(text, name) : 1;
    if (!order)
      return read_u16(ordinals + 2ull * middle);
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return -1;
}

bool pe_has_export(const void *file, size_t size, const struct pe_headers *headers, const struct pe_import *import)
{
  const struct file f = {file, size, headers};
  const uint8_t *directory =
      bytes_at(&f, headers->directories[IMAGE_DIRECTORY_ENTRY_EXPORT].rva, EXPORT_DIRECTORY_SIZE);
  if (!directory || !headers->directories[IMAGE_DIRECTORY_ENTRY_EXPORT].rva)
    return false;
  uint32_t count = read_u32(directory + 20);
  int64_t index = import->name ? find_name(&f, directory, import->name)
                               : (int64_t)import->ordinal - (int64_t)read_u32(directory + 16);
  const uint8_t *functions = bytes_at(&f, read_u32(directory + 28), 4ull * count);
  return functions && index >= 0 && index < count && read_u32(functions + 4 * index);
}
