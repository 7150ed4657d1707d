/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program wants from DLLs that are not there: the loader of the guest only ends with a status. */
#include "client/client.h"

#include "ntos/io/io.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool exists(const char *folder, const char *dll)
{
  char path[600];
  struct io_basic facts;
  snprintf(path, sizeof path, "\\??\\%s\\%.260s", folder, dll);
  return NT_SUCCESS(io_query_path(path, &facts)) && facts.exists;
}

/* API sets are no files. */
static bool is_api_set(const char *dll) { return !strncasecmp(dll, "api-", 4) || !strncasecmp(dll, "ext-", 4); }

/* Adds the names of DLLs that the image imports and that neither its folder nor the userland has. */
static size_t list_missing(const SECTION *section, char *out, size_t size)
{
  const char *why, *last = "";
  size_t file_size, used = 0;
  const void *bytes = mm_section_file_bytes(section, &file_size);
  const struct pe_facts *facts = bytes ? pe_facts_get(bytes, file_size, &why) : NULL;
  for (size_t i = 0; facts && i < facts->import_count; i++) {
    const char *dll = facts->imports[i].dll;
    if (!strcmp(dll, last) || is_api_set(dll) || exists("C:\\app", dll) || exists("C:\\windows\\system32", dll))
      continue;
    last = dll;
    int n = snprintf(out + used, size - used, "%s%s", used ? ", " : "", dll);
    if (n < 0 || (size_t)n >= size - used)
      break;
    used += (size_t)n;
  }
  return used;
}

enum dbgksim_status dbgksim_missing_dlls(dbgksim_machine *m, uint32_t pid, char *out, size_t size)
{
  enum dbgksim_status status = machine_enter(m);
  EPROCESS *process = NULL;
  if (status != DBGKSIM_OK)
    return status;
  if (out && size)
    out[0] = 0;
  if (!out || !size)
    status = machine_fail(m, DBGKSIM_BAD_ARGUMENT, "dbgksim_missing_dlls: no room for the names");
  else if (!NT_SUCCESS(PsLookupProcessByProcessId(pid, &process)))
    status = machine_fail(m, DBGKSIM_NOT_FOUND, "no process %u", pid);
  else if (!process->SectionObject || !list_missing(process->SectionObject, out, size))
    status = machine_fail(m, DBGKSIM_NOT_FOUND, "the program's own imports are all there");
  if (process)
    ObDereferenceObject(process);
  machine_leave(m);
  return status;
}
