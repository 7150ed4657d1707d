/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file loader.h  PE images: the strict header check that decides what may be mapped (our own code), the layout of
 *  an image in memory, and facts that only a debugger's view needs (from LIEF, lazily, cached). */
#ifndef LOADER_LOADER_H
#define LOADER_LOADER_H

#include <dbgksim/nttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_FILE_MACHINE_AMD64 0x8664u
#define IMAGE_FILE_MACHINE_I386 0x014Cu
#define IMAGE_FILE_RELOCS_STRIPPED 0x0001u
#define IMAGE_FILE_EXECUTABLE_IMAGE 0x0002u
#define IMAGE_FILE_DLL 0x2000u
#define IMAGE_SCN_CNT_CODE 0x00000020u
#define IMAGE_SCN_MEM_SHARED 0x10000000u
#define IMAGE_SCN_MEM_EXECUTE 0x20000000u
#define IMAGE_SCN_MEM_READ 0x40000000u
#define IMAGE_SCN_MEM_WRITE 0x80000000u
#define IMAGE_NUMBEROF_DIRECTORY_ENTRIES 16
#define IMAGE_DIRECTORY_ENTRY_EXPORT 0
#define IMAGE_DIRECTORY_ENTRY_IMPORT 1
#define IMAGE_DIRECTORY_ENTRY_EXCEPTION 3
#define IMAGE_DIRECTORY_ENTRY_BASERELOC 5
#define IMAGE_DIRECTORY_ENTRY_DEBUG 6
#define IMAGE_DIRECTORY_ENTRY_TLS 9
#define PE_MAX_SECTIONS 96
/** Largest image that may be mapped. */
#define PE_MAX_IMAGE_SIZE 0x40000000u

struct pe_section {
  char name[9]; /**< NUL-terminated */
  uint32_t virtual_address, virtual_size;
  uint32_t raw_offset, raw_size; /**< raw_size is cut to what the loader maps */
  uint32_t characteristics;
};

/** The headers of an image that passed the check. */
struct pe_headers {
  uint16_t machine, characteristics, section_count;
  uint32_t header_offset; /**< e_lfanew */
  uint32_t pointer_to_symbol_table, number_of_symbols;
  uint64_t image_base;
  uint32_t entry_point; /**< RVA; 0: none */
  uint32_t section_alignment, file_alignment;
  uint32_t size_of_image; /**< rounded up to pages */
  uint32_t size_of_headers, checksum;
  uint16_t subsystem, dll_characteristics;
  uint16_t os_major, os_minor, image_major, image_minor, subsystem_major, subsystem_minor;
  uint64_t stack_reserve, stack_commit, heap_reserve, heap_commit;
  uint32_t loader_flags;
  struct {
    uint32_t rva, size;
  } directories[IMAGE_NUMBEROF_DIRECTORY_ENTRIES];
  struct pe_section sections[PE_MAX_SECTIONS];
};

/** Checks a file as strictly as the NT image loader does.
 *  @param why receives a static text that names the first fault; may be NULL
 *  @return STATUS_SUCCESS; STATUS_INVALID_IMAGE_NOT_MZ; STATUS_INVALID_IMAGE_FORMAT; STATUS_INVALID_IMAGE_WIN_32 for
 *  a 32-bit image; STATUS_INVALID_IMAGE_PROTECT for a 16-bit DOS program; STATUS_INVALID_IMAGE_NE_FORMAT for a 16-bit
 *  Windows program; STATUS_FILE_INVALID for an empty file. The entry point, the directories and, unless relocations
 *  are stripped, the image base may be anything (the base is a multiple of 64 KB): the mapper relocates. */
NTSTATUS pe_check(const void *file, size_t size, struct pe_headers *out, const char **why);
/** Names the parts of the file that are in the image, headers first: `size` bytes at file offset `offset` go to `rva`.
 *  `size_of_file` is that of the check. An image whose section_alignment is below a page is the file as it is. Stops
 *  and returns false when fn does. */
bool pe_for_each_part(const struct pe_headers *headers, size_t size_of_file,
                      bool (*fn)(void *context, uint32_t rva, uint32_t offset, size_t size), void *context);
/** Lays the image out as it is mapped (headers, then sections); `file` and `size` are those of the check. `image` has
 *  size_of_image bytes that are zero: gaps and zero fill are not touched, so fresh memory stays uncommitted there.
 *  Relocations are not applied. */
void pe_layout(const void *file, size_t size, const struct pe_headers *headers, void *image);
/** Applies base relocations to a laid-out image for `new_base` (and sets ImageBase in its headers).
 *  STATUS_INVALID_IMAGE_FORMAT on a malformed table (the image is then of no use), STATUS_CONFLICTING_ADDRESSES if
 *  stripped. An image without a table moves as it is. */
NTSTATUS pe_relocate(void *image, size_t size, const struct pe_headers *headers, uint64_t new_base);
/** Section characteristics -> initial page protection (PAGE_*; writable sections are copy-on-write unless shared).
 *  Every page of an image whose section_alignment is below a page is PAGE_EXECUTE_WRITECOPY instead. */
uint32_t pe_section_protection(uint32_t characteristics);
/** RVA of a named export in a laid-out image, bounds-checked, forwarders excluded; 0 if absent. */
uint32_t pe_export_rva(const void *image, size_t size, const struct pe_headers *headers, const char *name);
/** Calls fn(name, rva) for each named export of a laid-out image that is no forwarder. Malformed tables end it. */
void pe_for_each_export(const void *image, size_t size, const struct pe_headers *headers,
                        void (*fn)(void *context, const char *name, uint32_t rva), void *context);
/** Service number of a stub (mov r10,rcx; mov eax,N; ...; syscall) at `rva`, -1 if it is no stub (spec/1.4). */
int32_t pe_service_number(const void *image, size_t size, uint32_t rva);

/* ---- imports.c: what a file of a PE image wants and has, read in place ---- */

/** A function, or a DLL. */
struct pe_import {
  const char *dll;
  const char *name; /**< NULL for an import by ordinal */
  uint16_t ordinal; /**< name NULL and ordinal 0: the DLL itself */
};
/** Calls fn for each DLL and each function that a file imports; delay-loaded ones are none. Malformed tables end it; false
 *  if fn did. */
bool pe_for_each_import(const void *file, size_t size, const struct pe_headers *headers,
                        bool (*fn)(void *context, const struct pe_import *import), void *context);
/** True if a file exports the function, by a forwarder too. */
bool pe_has_export(const void *file, size_t size, const struct pe_headers *headers, const struct pe_import *import);

/* ---- facts for a debugger's view (LIEF) ---- */

struct pe_symbol {
  uint32_t rva;
  const char *name;
};
struct pe_facts {
  struct pe_symbol *exports; /**< ascending by rva */
  size_t export_count;
  struct pe_import *imports;
  size_t import_count;
  uint32_t *tls_callbacks; /**< RVAs */
  size_t tls_callback_count;
  uint32_t relocation_count;
  const char *pdb_name; /**< from the debug directory, NULL if none */
};

/** Facts of a PE file that passed pe_check, parsed at first use and cached by content for the life of the host
 *  process; thread-safe. NULL: LIEF could not read it (text in *why). Never called on a fiber. */
const struct pe_facts *pe_facts_get(const void *file, size_t size, const char **why);
/** Nearest export at or below `rva`; NULL if none. */
const struct pe_symbol *pe_facts_nearest(const struct pe_facts *facts, uint32_t rva);
/** Version of LIEF, as "0.9.0". */
const char *pe_facts_version(void);

#endif
