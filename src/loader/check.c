/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decides whether a file may be mapped as an image, as NtCreateSection(SEC_IMAGE) of x64 Windows decides it. Where the
 * format's description is stricter than the system (SizeOfOptionalHeader, AddressOfEntryPoint, unaligned raw data),
 * the system's leniency is kept: real packers rely on it. */
#include "loader/bytes.h"
#include "loader/loader.h"

#include <string.h>

#define DOS_HEADER_SIZE 64u
#define FILE_HEADER_SIZE 24u   /* signature and IMAGE_FILE_HEADER */
#define NT_HEADERS64_SIZE 264u /* since Windows 7 all of it must be in the file, whatever SizeOfOptionalHeader says */
#define SECTION_HEADER_SIZE 40u
#define OPTIONAL_MAGIC_PE32 0x10Bu
#define OPTIONAL_MAGIC_PE64 0x20Bu
#define HIGHEST_USER_ADDRESS 0x7FFFFFFEFFFFull

struct verdict {
  NTSTATUS status;
  const char *why;
};

static struct verdict accepted(void) { return (struct verdict){STATUS_SUCCESS, "the image is valid"}; }

static struct verdict bad_format(const char *why) { return (struct verdict){STATUS_INVALID_IMAGE_FORMAT, why}; }

static bool is_power_of_two(uint32_t value) { return value != 0 && (value & (value - 1)) == 0; }

static uint64_t round_up(uint64_t value, uint64_t alignment) { return (value + alignment - 1) & ~(alignment - 1); }

/* From the first byte to the PE signature: is this a PE file at all? */
static struct verdict check_dos_header(const uint8_t *file, size_t size, struct pe_headers *out)
{
  if (size == 0)
    return (struct verdict){STATUS_FILE_INVALID, "the file is empty"};
  if (size < 2 || file[0] != 'M' || file[1] != 'Z')
    return (struct verdict){STATUS_INVALID_IMAGE_NOT_MZ, "the file does not start with MZ"};
  if (size < DOS_HEADER_SIZE)
    return (struct verdict){STATUS_INVALID_IMAGE_NOT_MZ, "the file is too small for a DOS header"};
  uint32_t offset = read_u32(file + 0x3C);
  if ((offset & 3) != 0)
    return (struct verdict){STATUS_INVALID_IMAGE_PROTECT, "e_lfanew is not a multiple of 4"};
  if (offset > size - 4)
    return (struct verdict){STATUS_INVALID_IMAGE_PROTECT, "e_lfanew is beyond the end of the file"};
  if (memcmp(file + offset, "PE\0\0", 4) != 0) {
    if (memcmp(file + offset, "NE", 2) == 0)
      return (struct verdict){STATUS_INVALID_IMAGE_NE_FORMAT, "the file is a 16-bit Windows program"};
    return (struct verdict){STATUS_INVALID_IMAGE_PROTECT, "there is no PE signature: a DOS program"};
  }
  out->header_offset = offset;
  return accepted();
}

static struct verdict check_file_header(const uint8_t *file, size_t size, struct pe_headers *out)
{
  const uint8_t *nt = file + out->header_offset;
  size_t left = size - out->header_offset;
  if (left < FILE_HEADER_SIZE + 2)
    return bad_format("the file ends inside the PE header");
  uint16_t magic = read_u16(nt + FILE_HEADER_SIZE);
  out->machine = read_u16(nt + 4);
  out->section_count = read_u16(nt + 6);
  out->pointer_to_symbol_table = read_u32(nt + 12);
  out->number_of_symbols = read_u32(nt + 16);
  out->characteristics = read_u16(nt + 22);
  if (out->machine == IMAGE_FILE_MACHINE_I386 && magic == OPTIONAL_MAGIC_PE32)
    return (struct verdict){STATUS_INVALID_IMAGE_WIN_32, "the image is 32-bit"};
  if (out->machine != IMAGE_FILE_MACHINE_AMD64)
    return bad_format("the machine is not x64");
  if (magic != OPTIONAL_MAGIC_PE64)
    return bad_format("the optional header is not that of a 64-bit image");
  if (left < NT_HEADERS64_SIZE)
    return bad_format("the file ends inside the PE header");
  if ((out->characteristics & IMAGE_FILE_EXECUTABLE_IMAGE) == 0)
    return bad_format("the image is not marked executable (unresolved symbols)");
  if (out->section_count > PE_MAX_SECTIONS)
    return bad_format("there are more than 96 sections");
  return accepted();
}

static void read_optional_header(const uint8_t *optional, struct pe_headers *out)
{
  out->entry_point = read_u32(optional + 16);
  out->image_base = read_u64(optional + 24);
  out->section_alignment = read_u32(optional + 32);
  out->file_alignment = read_u32(optional + 36);
  out->os_major = read_u16(optional + 40);
  out->os_minor = read_u16(optional + 42);
  out->image_major = read_u16(optional + 44);
  out->image_minor = read_u16(optional + 46);
  out->subsystem_major = read_u16(optional + 48);
  out->subsystem_minor = read_u16(optional + 50);
  out->size_of_image = read_u32(optional + 56);
  out->size_of_headers = read_u32(optional + 60);
  out->checksum = read_u32(optional + 64);
  out->subsystem = read_u16(optional + 68);
  out->dll_characteristics = read_u16(optional + 70);
  out->stack_reserve = read_u64(optional + 72);
  out->stack_commit = read_u64(optional + 80);
  out->heap_reserve = read_u64(optional + 88);
  out->heap_commit = read_u64(optional + 96);
  out->loader_flags = read_u32(optional + 104);
  uint32_t count = read_u32(optional + 108);
  if (count > IMAGE_NUMBEROF_DIRECTORY_ENTRIES)
    count = IMAGE_NUMBEROF_DIRECTORY_ENTRIES;
  for (uint32_t i = 0; i < count; i++) {
    out->directories[i].rva = read_u32(optional + 112 + 8 * i);
    out->directories[i].size = read_u32(optional + 116 + 8 * i);
  }
}

static struct verdict check_optional_header(const uint8_t *file, struct pe_headers *out)
{
  read_optional_header(file + out->header_offset + FILE_HEADER_SIZE, out);
  if (!is_power_of_two(out->file_alignment))
    return bad_format("the file alignment is not a power of two");
  if (!is_power_of_two(out->section_alignment))
    return bad_format("the section alignment is not a power of two");
  if (out->section_alignment < out->file_alignment)
    return bad_format("the section alignment is less than the file alignment");
  if (out->section_alignment != out->file_alignment) {
    if (out->file_alignment < 0x200)
      return bad_format("the file alignment is less than 512");
    if (out->file_alignment > 0x10000)
      return bad_format("the file alignment is more than 64 KB");
    if (out->section_alignment < PE_PAGE_SIZE)
      return bad_format("the section alignment is less than a page and not the file alignment");
  }
  if (out->size_of_image == 0)
    return bad_format("SizeOfImage is 0");
  if (out->size_of_image > PE_MAX_IMAGE_SIZE)
    return bad_format("SizeOfImage is too large");
  if (out->size_of_headers >= out->size_of_image)
    return bad_format("SizeOfHeaders is not less than SizeOfImage");
  out->size_of_image = (uint32_t)round_up(out->size_of_image, PE_PAGE_SIZE);
  if ((out->image_base & 0xFFFF) != 0)
    return bad_format("the image base is not a multiple of 64 KB");
  if ((out->characteristics & IMAGE_FILE_RELOCS_STRIPPED) != 0 &&
      (out->image_base < 0x10000 || out->image_base > HIGHEST_USER_ADDRESS ||
       out->size_of_image - 1 > HIGHEST_USER_ADDRESS - out->image_base))
    return bad_format("the image base is no user address and there are no relocations");
  return accepted();
}

/* Below page alignment the file is mapped as it is, so a section must lie at the same place in both. */
static struct verdict check_flat_section(const struct pe_section *s, const struct pe_headers *out)
{
  if (s->raw_size != 0 && s->raw_offset != s->virtual_address)
    return bad_format("a section of an image below page alignment is not at its file offset");
  if ((uint64_t)s->virtual_address + s->virtual_size > out->size_of_image)
    return bad_format("SizeOfImage is too small for the sections");
  return accepted();
}

static struct verdict check_section(const uint8_t *entry, size_t size, uint64_t *next_address, struct pe_headers *out,
                                    struct pe_section *s)
{
  memcpy(s->name, entry, 8);
  s->name[8] = 0;
  s->virtual_size = read_u32(entry + 8);
  s->virtual_address = read_u32(entry + 12);
  s->raw_size = read_u32(entry + 16);
  s->raw_offset = read_u32(entry + 20);
  s->characteristics = read_u32(entry + 36);
  if (s->virtual_size == 0)
    s->virtual_size = s->raw_size;
  if (s->raw_size == 0)
    s->raw_offset = 0; /* linkers leave anything there */
  uint64_t raw_end = (uint64_t)s->raw_offset + s->raw_size;
  if (raw_end > UINT32_MAX)
    return bad_format("a section's place in the file wraps around");
  if (raw_end > size)
    return bad_format("a section's data is beyond the end of the file");
  if (out->section_alignment < PE_PAGE_SIZE)
    return check_flat_section(s, out);

  if (s->virtual_size == 0)
    return bad_format("a section is empty");
  if (s->virtual_address < *next_address)
    return bad_format("sections overlap or are out of order");
  if (s->virtual_address > *next_address)
    return bad_format("there is a gap before a section");
  uint64_t end = s->virtual_address + round_up(s->virtual_size, PE_PAGE_SIZE);
  if (end > out->size_of_image)
    return bad_format("SizeOfImage is too small for the sections");
  *next_address = round_up(end, out->section_alignment);
  /* Files are mapped in sectors: the start is rounded down, the end up, and what exceeds the pages is left out. */
  uint32_t skew = s->raw_offset & 0x1FF;
  uint64_t mapped = s->raw_size == 0 ? 0 : round_up((uint64_t)s->raw_size + skew, 0x200);
  s->raw_offset -= skew;
  if (mapped > end - s->virtual_address)
    mapped = end - s->virtual_address;
  if (mapped > size - s->raw_offset)
    mapped = size - s->raw_offset;
  s->raw_size = (uint32_t)mapped;
  return accepted();
}

static struct verdict check_sections(const uint8_t *file, size_t size, struct pe_headers *out)
{
  uint64_t table = (uint64_t)out->header_offset + FILE_HEADER_SIZE + read_u16(file + out->header_offset + 20);
  uint64_t table_size = (uint64_t)out->section_count * SECTION_HEADER_SIZE;
  if (out->section_count != 0 && table + table_size > size)
    return bad_format("the section table is beyond the end of the file");
  uint64_t next_address = round_up(out->size_of_headers, out->section_alignment);
  for (uint32_t i = 0; i < out->section_count; i++) {
    struct verdict v =
        check_section(file + table + (size_t)i * SECTION_HEADER_SIZE, size, &next_address, out, &out->sections[i]);
    if (v.status != STATUS_SUCCESS)
      return v;
  }
  return accepted();
}

NTSTATUS pe_check(const void *file, size_t size, struct pe_headers *out, const char **why)
{
  const uint8_t *bytes = file;
  memset(out, 0, sizeof(*out));
  struct verdict v = check_dos_header(bytes, size, out);
  if (v.status == STATUS_SUCCESS)
    v = check_file_header(bytes, size, out);
  if (v.status == STATUS_SUCCESS)
    v = check_optional_header(bytes, out);
  if (v.status == STATUS_SUCCESS)
    v = check_sections(bytes, size, out);
  if (why != NULL)
    *why = v.why;
  return v.status;
}
