/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as names: the export table of the mapped image, and the COFF symbol table that compilers like MinGW leave
 * in the file. Both are read in place: their bytes are a guest's and may say anything. */
#include "client/client.h"

#include <stdio.h>
#include <string.h>

#define COFF_SYMBOL_SIZE 18u
#define COFF_CLASS_EXTERNAL 2u
#define COFF_CLASS_STATIC 3u
#define COFF_TYPE_FUNCTION 0x20u
#define SYMBOL_NAME_SIZE 96

/** The nearest symbol at or below an address that was found so far. */
struct nearest {
  uint32_t rva;
  uint32_t target;
  uint32_t floor; /**< start of the target's section: a symbol of another one says nothing */
  bool found;
  char name[SYMBOL_NAME_SIZE];
};

/** A file name and where it begins in a path. */
static const char *last_component(const char *path)
{
  const char *name = path;
  for (const char *p = path; *p; p++)
    if (*p == '\\' || *p == '/')
      name = p + 1;
  return name;
}

static uint32_t read_u32(const unsigned char *p)
{
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* `name` ends at a NUL or after `length` bytes; only printable characters are taken. */
static void consider(struct nearest *nearest, uint32_t rva, const char *name, size_t length)
{
  if (rva > nearest->target || rva < nearest->floor || (nearest->found && rva <= nearest->rva))
    return;
  size_t n = 0;
  while (n < length && n < sizeof nearest->name - 1 && name[n] > ' ' && name[n] < 0x7F)
    n++;
  if (!n)
    return;
  memcpy(nearest->name, name, n);
  nearest->name[n] = 0;
  nearest->rva = rva;
  nearest->found = true;
}

static void consider_export(void *context, const char *name, uint32_t rva)
{
  consider(context, rva, name, SYMBOL_NAME_SIZE);
}

static void consider_coff(struct nearest *nearest, const struct pe_headers *headers, const unsigned char *file,
                          size_t size)
{
  uint64_t table = headers->pointer_to_symbol_table;
  uint64_t strings = table + (uint64_t)headers->number_of_symbols * COFF_SYMBOL_SIZE;
  if (!table || strings > size)
    return;
  for (uint64_t at = table; at < strings; at += COFF_SYMBOL_SIZE) {
    const unsigned char *symbol = file + at;
    uint32_t value = read_u32(symbol + 8);
    unsigned section = symbol[12] | (unsigned)symbol[13] << 8;
    unsigned type = symbol[14] | (unsigned)symbol[15] << 8;
    unsigned storage = symbol[16];
    at += (uint64_t)symbol[17] * COFF_SYMBOL_SIZE;
    bool named = storage == COFF_CLASS_EXTERNAL || (storage == COFF_CLASS_STATIC && type == COFF_TYPE_FUNCTION);
    if (!named || !section || section > headers->section_count)
      continue;
    uint32_t rva = headers->sections[section - 1].virtual_address + value;
    if (read_u32(symbol)) {
      consider(nearest, rva, (const char *)symbol, 8);
      continue;
    }
    uint64_t name = strings + read_u32(symbol + 4);
    if (name < size)
      consider(nearest, rva, (const char *)file + name, size - name);
  }
}

/* The nearest symbol of an image section at or below `rva`. */
static void look_up(const SECTION *section, const struct pe_headers *headers, uint32_t rva, struct nearest *nearest)
{
  size_t size = 0;
  memset(nearest, 0, sizeof *nearest);
  nearest->target = rva;
  for (unsigned i = 0; i < headers->section_count; i++)
    if (headers->sections[i].virtual_address <= rva && headers->sections[i].virtual_address > nearest->floor)
      nearest->floor = headers->sections[i].virtual_address;
  const void *image = mm_section_image(section);
  if (image)
    pe_for_each_export(image, headers->size_of_image, headers, consider_export, nearest);
  const void *file = mm_section_file_bytes(section, &size);
  if (file)
    consider_coff(nearest, headers, file, size);
}

/* "module!symbol+0x12" without what is not known. */
static void format_address(EPROCESS *process, uint64_t address, char *out, size_t size)
{
  ULONG64 base = 0;
  SECTION *section = mm_section_at(process, address, &base);
  const struct pe_headers *headers = section ? mm_section_headers(section) : NULL;
  const char *path = headers ? mm_section_path(section) : NULL;
  if (!path) {
    snprintf(out, size, "0x%llx", (unsigned long long)address);
  } else {
    struct nearest nearest;
    const char *name = last_component(path);
    const char *dot = strrchr(name, '.');
    int stem = (int)(dot && dot != name ? dot - name : (long)strlen(name));
    uint32_t rva = (uint32_t)(address - base);
    look_up(section, headers, rva, &nearest);
    if (!nearest.found)
      snprintf(out, size, "%.*s+0x%x", stem, name, rva);
    else if (nearest.rva == rva)
      snprintf(out, size, "%.*s!%s", stem, name, nearest.name);
    else
      snprintf(out, size, "%.*s!%s+0x%x", stem, name, nearest.name, rva - nearest.rva);
  }
  if (section)
    ObDereferenceObject(section);
}

static enum dbgksim_status enter(struct dbgksim_machine *machine, uint32_t pid, EPROCESS **process)
{
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  if (!NT_SUCCESS(PsLookupProcessByProcessId(pid, process))) {
    status = machine_fail(machine, DBGKSIM_NOT_FOUND, "no process %u", pid);
    machine_leave(machine);
  }
  return status;
}

enum dbgksim_status dbgksim_symbolize(dbgksim_machine *machine, uint32_t pid, uint64_t address, char *out, size_t size)
{
  EPROCESS *process;
  if (!machine || !out || !size)
    return DBGKSIM_BAD_ARGUMENT;
  snprintf(out, size, "0x%llx", (unsigned long long)address);
  enum dbgksim_status status = enter(machine, pid, &process);
  if (status != DBGKSIM_OK)
    return status;
  if (!process->native)
    format_address(process, address, out, size);
  ObDereferenceObject(process);
  machine_leave(machine);
  return DBGKSIM_OK;
}

enum dbgksim_status dbgksim_disassemble(dbgksim_machine *machine, uint32_t pid, uint64_t address, char *out,
                                        size_t size, unsigned *length)
{
  EPROCESS *process;
  unsigned char bytes[15];
  size_t got = 0;
  if (!machine || !out || !size)
    return DBGKSIM_BAD_ARGUMENT;
  *out = 0;
  enum dbgksim_status status = enter(machine, pid, &process);
  if (status != DBGKSIM_OK)
    return status;
  mm_process_read(process, address, bytes, sizeof bytes, &got);
  unsigned n = got ? emu_disassemble(bytes, got, address, out, size) : 0;
  if (length)
    *length = n;
  if (!n)
    status = machine_fail(machine, DBGKSIM_NOT_FOUND, "no instruction at 0x%llx", (unsigned long long)address);
  ObDereferenceObject(process);
  machine_leave(machine);
  return status;
}

/* Describes the image view at `base`; false if there is none. */
static bool describe(EPROCESS *process, uint64_t base, struct dbgksim_module *module)
{
  SECTION *section = mm_section_at(process, base, NULL);
  const struct pe_headers *headers = section ? mm_section_headers(section) : NULL;
  if (headers) {
    const char *path = mm_section_path(section);
    memset(module, 0, sizeof *module);
    module->base = base;
    module->size = headers->size_of_image;
    if (path) {
      if (strncmp(path, "\\??\\", 4) == 0)
        path += 4;
      strncpy(module->path, path, sizeof module->path - 1);
      strncpy(module->name, last_component(path), sizeof module->name - 1);
    }
  }
  if (section)
    ObDereferenceObject(section);
  return headers != NULL;
}

enum dbgksim_status dbgksim_list_modules(dbgksim_machine *machine, uint32_t pid, struct dbgksim_module *modules,
                                         size_t *count)
{
  EPROCESS *process;
  if (!machine || !count || (!modules && *count))
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = enter(machine, pid, &process);
  if (status != DBGKSIM_OK)
    return status;
  size_t found = 0;
  ULONG64 last = 0, address = MM_LOWEST_USER_ADDRESS;
  MEMORY_BASIC_INFORMATION64 region;
  while (!process->native && address <= MM_HIGHEST_USER_ADDRESS &&
         NT_SUCCESS(MmQueryVirtualMemory(process, address, &region)) && region.RegionSize) {
    if (region.State != MEM_FREE && region.Type == MEM_IMAGE && region.AllocationBase != last) {
      struct dbgksim_module module;
      last = region.AllocationBase;
      if (describe(process, last, &module)) {
        if (found < *count)
          modules[found] = module;
        found++;
      }
    }
    address = region.BaseAddress + region.RegionSize;
  }
  *count = found;
  ObDereferenceObject(process);
  machine_leave(machine);
  return DBGKSIM_OK;
}
