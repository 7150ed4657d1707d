/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system DLLs that programs get (spec/7): found on the host, mapped, told to life. */
#include "machine/embedded.h"
#include "machine/machine.h"

#include "base/host.h"
#include "loader/loader.h"
#include "ntos/io/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where distributions put Wine's PE DLLs and its NLS files. */
static const char *const wine_dlls[] = {
    "/usr/lib/x86_64-linux-gnu/wine/x86_64-windows", "/usr/lib/aarch64-linux-gnu/wine/x86_64-windows",
    "/usr/lib/wine/x86_64-windows",                  "/usr/lib64/wine/x86_64-windows",
    "/usr/local/lib/wine/x86_64-windows",            "/opt/wine-stable/lib64/wine/x86_64-windows",
};
static const char *const wine_nls[] = {"/usr/share/wine/nls", "/usr/local/share/wine/nls",
                                       "/opt/wine-stable/share/wine/nls"};
/** Service number of the stub behind Wine's Unix calls: above ntdll's, below win32u's. */
#define UNIX_CALL_SERVICE 0x0FFFu

static bool is_kind(const char *folder, const char *name, enum host_kind kind)
{
  char path[4200];
  struct host_stat facts;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return host_stat_path(path, &facts) && facts.kind == kind;
}

bool machine_find_userland(const char *name, struct machine_userland *out, char *message, size_t size)
{
  memset(out, 0, sizeof *out);
  if (strcmp(name, "none") == 0 || strcmp(name, "auto") == 0)
    return true;
  out->builtin = strcmp(name, "builtin") == 0 || strcmp(name, "hybrid") == 0;
  if (strcmp(name, "builtin") == 0)
    return true;
  if (strcmp(name, "wine") && strcmp(name, "hybrid")) {
    if (!is_kind(name, "ntdll.dll", HOST_FILE)) {
      snprintf(message, size, "userland %s: no ntdll.dll in that folder", name);
      return false;
    }
    snprintf(out->dlls, sizeof out->dlls, "%s", name);
    snprintf(out->nls, sizeof out->nls, "%s", is_kind(name, "nls", HOST_DIRECTORY) ? name : "");
    if (out->nls[0])
      snprintf(out->nls, sizeof out->nls, "%.4000s/nls", name);
    return true;
  }
  for (size_t i = 0; i < sizeof wine_dlls / sizeof wine_dlls[0] && !out->dlls[0]; i++)
    if (is_kind(wine_dlls[i], "ntdll.dll", HOST_FILE))
      snprintf(out->dlls, sizeof out->dlls, "%s", wine_dlls[i]);
  for (size_t i = 0; i < sizeof wine_nls / sizeof wine_nls[0] && !out->nls[0]; i++)
    if (is_kind(wine_nls[i], "locale.nls", HOST_FILE))
      snprintf(out->nls, sizeof out->nls, "%s", wine_nls[i]);
  if (out->dlls[0] && out->nls[0])
    return true;
  snprintf(message, size, "userland %s: %s not found; install Debian's package libwine, or name a folder of DLLs",
           name, out->dlls[0] ? "NLS files" : "ntdll.dll");
  return false;
}

enum dbgksim_status machine_open_section(dbgksim_machine *m, const char *nt_path, bool image, SECTION **section)
{
  FILE_OBJECT *file;
  const char *dos = strlen(nt_path) > 4 ? nt_path + 4 : nt_path;
  void *bytes;
  size_t size;
  NTSTATUS nt = IoCreateFile(nt_path, GENERIC_READ | SYNCHRONIZE, FILE_OPEN,
                             FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE, &file, NULL);
  if (!NT_SUCCESS(nt)) {
    m->last_nt_status = nt;
    return machine_fail(m, DBGKSIM_NOT_FOUND, "%s can not be opened: %s", dos,
                        dbgksim_nt_status_name(nt) ? dbgksim_nt_status_name(nt) : "error");
  }
  enum dbgksim_status status = DBGKSIM_OK;
  nt = io_read_all(file, &bytes, &size);
  if (!NT_SUCCESS(nt)) {
    ObDereferenceObject(file);
    return machine_nt(m, nt, dos);
  }
  if (image) {
    const char *why = "";
    struct pe_headers *headers = ExAllocatePoolWithTag(sizeof *headers, POOL_TAG('P', 'e', 'H', 'd'));
    nt = headers ? pe_check(bytes, size, headers, &why) : STATUS_NO_MEMORY;
    ExFreePool(headers);
    if (!NT_SUCCESS(nt)) {
      m->last_nt_status = nt;
      status = machine_fail(m, DBGKSIM_BAD_IMAGE, "%s is not a 64-bit Windows program: %s (%s)", dos, why,
                            dbgksim_nt_status_name(nt) ? dbgksim_nt_status_name(nt) : "error");
    }
  }
  if (status == DBGKSIM_OK) {
    const struct mm_file_source source = {.file_object = file,
                                          .path = file->path,
                                          .identity = file->identity,
                                          .bytes = bytes,
                                          .malloced = &bytes,
                                          .size = size};
    nt = MmCreateSection(section, &source, 0, image ? PAGE_EXECUTE : PAGE_READONLY, image ? SEC_IMAGE : SEC_COMMIT);
    if (!NT_SUCCESS(nt)) {
      m->last_nt_status = nt;
      status = machine_fail(m, DBGKSIM_BAD_IMAGE, "%s can not be mapped: %s (%08X)", dos,
                            dbgksim_nt_status_name(nt) ? dbgksim_nt_status_name(nt) : "status", (unsigned)nt);
    }
  }
  free(bytes);
  ObDereferenceObject(file);
  return status;
}

/* File offset of a section of a PE file that holds no code, 0 if it has none of that name. */
static ULONG section_offset(dbgksim_machine *m, const char *nt_path, const char *name)
{
  SECTION *image;
  ULONG offset = 0;
  if (machine_open_section(m, nt_path, true, &image) != DBGKSIM_OK)
    return 0;
  const struct pe_headers *headers = mm_section_headers(image);
  for (unsigned i = 0; i < headers->section_count; i++)
    if (!strcmp(headers->sections[i].name, name))
      offset = headers->sections[i].raw_offset;
  ObDereferenceObject(image);
  return offset;
}

/* Its folders behind those of the configuration. */
static enum dbgksim_status add_folders(dbgksim_machine *m, const char *name)
{
  char text[512] = "";
  struct machine_userland *found = ExAllocatePoolWithTag(sizeof *found, POOL_TAG('U', 's', 'r', 'l'));
  enum dbgksim_status status = DBGKSIM_OK;
  if (!found)
    return machine_fail(m, DBGKSIM_NO_MEMORY, "no memory for the userland");
  const struct io_root roots[] = {
      {.embedded = machine_builtin_dlls, .guest = "C:\\windows\\system32"},
      {.host = found->dlls, .guest = "C:\\windows\\system32"},
      {.host = found->nls, .guest = "C:\\windows\\system32"},
  };
  if (!machine_find_userland(name, found, text, sizeof text))
    status = machine_fail(m, DBGKSIM_NO_USERLAND, "%s", text);
  const bool wanted[] = {found->builtin, found->dlls[0] != 0, found->nls[0] != 0};
  for (size_t i = 0; i < sizeof roots / sizeof roots[0] && status == DBGKSIM_OK; i++)
    if (wanted[i] && !io_add_root(&roots[i]))
      status = machine_fail(m, DBGKSIM_NO_MEMORY, "no memory for the userland");
  ExFreePool(found);
  return status;
}

/* Maps ntdll and the map of API sets, and tells life. */
static enum dbgksim_status load(dbgksim_machine *m, const char *name)
{
  static const char ntdll[] = "\\??\\C:\\windows\\system32\\ntdll.dll";
  static const char schema[] = "\\??\\C:\\windows\\system32\\apisetschema.dll";
  struct life_userland userland = {0};
  struct io_basic facts;
  enum dbgksim_status status = machine_open_section(m, ntdll, true, &userland.ntdll);
  if (status != DBGKSIM_OK)
    return status;
  const struct pe_headers *headers = mm_section_headers(userland.ntdll);
  userland.unix_call_slot = pe_export_rva(mm_section_image(userland.ntdll), headers->size_of_image, headers,
                                          "__wine_unix_call_dispatcher");
  if (userland.unix_call_slot)
    userland.unix_call_service = UNIX_CALL_SERVICE;
  if (strcmp(name, "hybrid") && NT_SUCCESS(io_query_path(schema, &facts)) && facts.exists) {
    userland.api_set_offset = section_offset(m, schema, ".apiset");
    if (userland.api_set_offset)
      status = machine_open_section(m, schema, false, &userland.api_set);
    if (status != DBGKSIM_OK)
      return status;
  }
  NTSTATUS nt = life_set_userland(&userland);
  if (nt == STATUS_ENTRYPOINT_NOT_FOUND)
    return machine_fail(m, DBGKSIM_NO_USERLAND,
                        "ntdll.dll of the userland lacks LdrInitializeThunk, RtlUserThreadStart or "
                        "KiUserExceptionDispatcher");
  return machine_nt(m, nt, "ntdll.dll");
}

enum dbgksim_status machine_load_userland(dbgksim_machine *m, const char *name)
{
  size_t size = strlen(name) + 1;
  char *copy = ExAllocatePoolWithTag(size, POOL_TAG('U', 's', 'r', 'l'));
  if (!copy)
    return machine_fail(m, DBGKSIM_NO_MEMORY, "no memory for the userland");
  memcpy(copy, name, size);
  enum dbgksim_status status = add_folders(m, name);
  if (status == DBGKSIM_OK && strcmp(name, "none") != 0 && strcmp(name, "auto") != 0)
    status = load(m, name);
  if (status == DBGKSIM_OK)
    m->userland = copy;
  return status;
}
