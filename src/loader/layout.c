/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image in memory: laying it out, base relocations, page protections, exports, service stubs. A laid-out image is as
 * hostile as its file: every table is walked with its bounds checked, and the work is bounded too. */
#include "loader/bytes.h"
#include "loader/loader.h"

#include <string.h>

#define RELOCATION_BLOCK_HEADER 8u
#define IMAGE_REL_BASED_ABSOLUTE 0u
#define IMAGE_REL_BASED_HIGH 1u
#define IMAGE_REL_BASED_LOW 2u
#define IMAGE_REL_BASED_HIGHLOW 3u
#define IMAGE_REL_BASED_DIR64 10u
#define IMAGE_BASE_OFFSET 48u /* of ImageBase from the PE signature */
#define EXPORT_DIRECTORY_SIZE 40u
#define MAX_EXPORTS 65536u /* ordinals have 16 bits */
#define MAX_EXPORT_NAME 4096u
#define MAX_SERVICE_NUMBER 0x2000u
#define SERVICE_STUB_SIZE 32u

bool pe_for_each_part(const struct pe_headers *headers, size_t size_of_file,
                      bool (*fn)(void *context, uint32_t rva, uint32_t offset, size_t size), void *context)
{
  bool flat = headers->section_alignment < PE_PAGE_SIZE;
  size_t header_bytes = flat ? headers->size_of_image : headers->size_of_headers;
  if (!fn(context, 0, 0, header_bytes < size_of_file ? header_bytes : size_of_file))
    return false;
  for (uint32_t i = 0; i < headers->section_count && !flat; i++) {
    const struct pe_section *s = &headers->sections[i];
    if (s->raw_size != 0 && !fn(context, s->virtual_address, s->raw_offset, s->raw_size))
      return false;
  }
  return true;
}

struct copy {
  const uint8_t *file;
  uint8_t *image;
};

static bool copy_part(void *context, uint32_t rva, uint32_t offset, size_t size)
{
  const struct copy *c = context;
  memcpy(c->image + rva, c->file + offset, size);
  return true;
}

void pe_layout(const void *file, size_t size, const struct pe_headers *headers, void *image)
{
  struct copy c = {file, image};
  pe_for_each_part(headers, size, copy_part, &c);
}

/* True if [offset, offset + length) lies in `size` bytes. */
static bool in_range(uint64_t offset, uint64_t length, uint64_t size)
{
  return offset <= size && length <= size - offset;
}

static bool relocate_one(uint8_t *image, size_t size, uint32_t rva, uint32_t type, uint64_t delta)
{
  switch (type) {
  case IMAGE_REL_BASED_ABSOLUTE:
    return true;
  case IMAGE_REL_BASED_HIGH:
    if (!in_range(rva, 2, size))
      return false;
    write_u16(image + rva, (uint16_t)(read_u16(image + rva) + (uint16_t)(delta >> 16)));
    return true;
  case IMAGE_REL_BASED_LOW:
    if (!in_range(rva, 2, size))
      return false;
    write_u16(image + rva, (uint16_t)(read_u16(image + rva) + (uint16_t)delta));
    return true;
  case IMAGE_REL_BASED_HIGHLOW:
    if (!in_range(rva, 4, size))
      return false;
    write_u32(image + rva, read_u32(image + rva) + (uint32_t)delta);
    return true;
  case IMAGE_REL_BASED_DIR64:
    if (!in_range(rva, 8, size))
      return false;
    write_u64(image + rva, read_u64(image + rva) + delta);
    return true;
  default:
    return false;
  }
}

static bool relocate_block(uint8_t *image, size_t size, const uint8_t *block, uint32_t block_size, uint64_t delta)
{
  uint32_t page = read_u32(block);
  for (uint32_t i = RELOCATION_BLOCK_HEADER; i + 2 <= block_size; i += 2) {
    uint16_t entry = read_u16(block + i);
    uint32_t offset = entry & 0xFFFu;
    if (page > UINT32_MAX - offset || !relocate_one(image, size, page + offset, entry >> 12, delta))
      return false;
  }
  return true;
}

NTSTATUS pe_relocate(void *image, size_t size, const struct pe_headers *headers, uint64_t new_base)
{
  uint8_t *bytes = image;
  uint64_t delta = new_base - headers->image_base;
  if (delta == 0)
    return STATUS_SUCCESS;
  if ((headers->characteristics & IMAGE_FILE_RELOCS_STRIPPED) != 0)
    return STATUS_CONFLICTING_ADDRESSES;
  uint32_t rva = headers->directories[IMAGE_DIRECTORY_ENTRY_BASERELOC].rva;
  uint32_t left = headers->directories[IMAGE_DIRECTORY_ENTRY_BASERELOC].size;
  if (rva == 0)
    left = 0;
  if (!in_range(rva, left, size))
    return STATUS_INVALID_IMAGE_FORMAT;
  while (left >= RELOCATION_BLOCK_HEADER) {
    /* The block's size is read once: a block may relocate itself. */
    uint32_t block_size = read_u32(bytes + rva + 4);
    if (block_size == 0)
      break; /* padding */
    if (block_size < RELOCATION_BLOCK_HEADER || block_size > left)
      return STATUS_INVALID_IMAGE_FORMAT;
    if (!relocate_block(bytes, size, bytes + rva, block_size, delta))
      return STATUS_INVALID_IMAGE_FORMAT;
    rva += block_size;
    left -= block_size;
  }
  uint64_t field = (uint64_t)headers->header_offset + IMAGE_BASE_OFFSET;
  bool flat = headers->section_alignment < PE_PAGE_SIZE;
  if (in_range(field, 8, flat ? size : headers->size_of_headers) && in_range(field, 8, size))
    write_u64(bytes + field, new_base);
  return STATUS_SUCCESS;
}

uint32_t pe_section_protection(uint32_t characteristics)
{
  bool executable = (characteristics & IMAGE_SCN_MEM_EXECUTE) != 0;
  if ((characteristics & IMAGE_SCN_MEM_WRITE) != 0) {
    if ((characteristics & IMAGE_SCN_MEM_SHARED) != 0)
      return executable ? PAGE_EXECUTE_READWRITE : PAGE_READWRITE;
    return executable ? PAGE_EXECUTE_WRITECOPY : PAGE_WRITECOPY;
  }
  if ((characteristics & IMAGE_SCN_MEM_READ) != 0)
    return executable ? PAGE_EXECUTE_READ : PAGE_READONLY;
  return executable ? PAGE_EXECUTE : PAGE_NOACCESS;
}

/* The export directory of an image, its arrays inside the image. */
struct export_table {
  const uint8_t *image;
  size_t size;
  uint32_t rva, end; /* of the directory: an address inside it is a forwarder's text */
  uint32_t function_count, name_count;
  uint32_t functions, names, ordinals; /* RVAs */
};

static bool export_table_open(struct export_table *t, const void *image, size_t size, const struct pe_headers *headers)
{
  uint32_t rva = headers->directories[IMAGE_DIRECTORY_ENTRY_EXPORT].rva;
  uint32_t length = headers->directories[IMAGE_DIRECTORY_ENTRY_EXPORT].size;
  if (rva == 0 || length < EXPORT_DIRECTORY_SIZE || !in_range(rva, length, size))
    return false;
  const uint8_t *directory = (const uint8_t *)image + rva;
  *t = (struct export_table){.image = image,
                             .size = size,
                             .rva = rva,
                             .end = rva + length,
                             .function_count = read_u32(directory + 20),
                             .name_count = read_u32(directory + 24),
                             .functions = read_u32(directory + 28),
                             .names = read_u32(directory + 32),
                             .ordinals = read_u32(directory + 36)};
  return t->function_count <= MAX_EXPORTS && t->name_count <= MAX_EXPORTS &&
         in_range(t->functions, (uint64_t)t->function_count * 4, size) &&
         in_range(t->names, (uint64_t)t->name_count * 4, size) &&
         in_range(t->ordinals, (uint64_t)t->name_count * 2, size);
}

/* Name and address of the index-th named export; *rva is 0 for a forwarder. False: the table is malformed. */
static bool export_table_get(const struct export_table *t, uint32_t index, const char **name, uint32_t *rva)
{
  uint32_t text = read_u32(t->image + t->names + 4 * (size_t)index);
  uint32_t ordinal = read_u16(t->image + t->ordinals + 2 * (size_t)index);
  if (text >= t->size || ordinal >= t->function_count)
    return false;
  size_t room = t->size - text;
  if (room > MAX_EXPORT_NAME)
    room = MAX_EXPORT_NAME;
  if (memchr(t->image + text, 0, room) == NULL)
    return false;
  uint32_t address = read_u32(t->image + t->functions + 4 * (size_t)ordinal);
  if (address >= t->size)
    return false;
  *name = (const char *)t->image + text;
  *rva = address >= t->rva && address < t->end ? 0 : address;
  return true;
}

uint32_t pe_export_rva(const void *image, size_t size, const struct pe_headers *headers, const char *name)
{
  struct export_table t;
  if (!export_table_open(&t, image, size, headers))
    return 0;
  for (uint32_t i = 0; i < t.name_count; i++) {
    const char *candidate;
    uint32_t rva;
    if (!export_table_get(&t, i, &candidate, &rva))
      return 0;
    if (strcmp(candidate, name) == 0)
      return rva;
  }
  return 0;
}

void pe_for_each_export(const void *image, size_t size, const struct pe_headers *headers,
                        void (*fn)(void *context, const char *name, uint32_t rva), void *context)
{
  struct export_table t;
  if (!export_table_open(&t, image, size, headers))
    return;
  for (uint32_t i = 0; i < t.name_count; i++) {
    const char *name;
    uint32_t rva;
    if (!export_table_get(&t, i, &name, &rva))
      return;
    if (rva != 0)
      fn(context, name, rva);
  }
}

int32_t pe_service_number(const void *image, size_t size, uint32_t rva)
{
  static const uint8_t prologue[] = {0x4C, 0x8B, 0xD1, 0xB8}; /* mov r10,rcx; mov eax,imm32 */
  if (!in_range(rva, sizeof(prologue) + 4, size))
    return -1;
  const uint8_t *stub = (const uint8_t *)image + rva;
  if (memcmp(stub, prologue, sizeof(prologue)) != 0)
    return -1;
  uint32_t number = read_u32(stub + sizeof(prologue));
  if (number >= MAX_SERVICE_NUMBER)
    return -1;
  size_t end = size - rva < SERVICE_STUB_SIZE ? size - rva : SERVICE_STUB_SIZE;
  for (size_t i = sizeof(prologue) + 4; i + 2 <= end; i++)
    if (stub[i] == 0x0F && stub[i + 1] == 0x05)
      return (int32_t)number;
  return -1;
}
