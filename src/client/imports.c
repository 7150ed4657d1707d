/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program wants from DLLs and what is not there: the loader of the guest only ends with a status. */
#include "client/client.h"

#include <stdio.h>
#include <string.h>

/* Its file is in C:\app, its userland in place. Returns how many there are. */
static unsigned list_missing(dbgksim_machine *m, const char *program, char *out, size_t size)
{
  char text[512];
  struct machine_userland *userland = ExAllocatePoolWithTag(sizeof *userland, POOL_TAG('I', 'm', 'p', 't'));
  unsigned missing = userland && machine_find_userland(m->userland, userland, text, sizeof text)
                         ? machine_missing_imports(program, userland, out, size)
                         : 0;
  ExFreePool(userland);
  return missing;
}

void client_add_missing(dbgksim_machine *m, const char *program, char *text, size_t size)
{
  char names[400];
  size_t used = strlen(text);
  if (list_missing(m, program, names, sizeof names))
    snprintf(text + used, size - used, "; missing: %s", names);
}

static enum dbgksim_status of_process(dbgksim_machine *m, EPROCESS *process, char *out, size_t size)
{
  const char *path = process->SectionObject ? mm_section_path(process->SectionObject) : NULL;
  const char *name = path ? strrchr(path, '\\') : NULL;
  return name && list_missing(m, name + 1, out, size)
             ? DBGKSIM_OK
             : machine_fail(m, DBGKSIM_NOT_FOUND, "the program's own imports are all there");
}

enum dbgksim_status dbgksim_missing_imports(dbgksim_machine *m, uint32_t pid, char *out, size_t size)
{
  enum dbgksim_status status = machine_enter(m);
  EPROCESS *process = NULL;
  if (status != DBGKSIM_OK)
    return status;
  if (out && size)
    out[0] = 0;
  if (!out || !size)
    status = machine_fail(m, DBGKSIM_BAD_ARGUMENT, "dbgksim_missing_imports: no room for the names");
  else if (!NT_SUCCESS(PsLookupProcessByProcessId(pid, &process)))
    status = machine_fail(m, DBGKSIM_NOT_FOUND, "no process %u", pid);
  else
    status = of_process(m, process, out, size);
  if (process)
    ObDereferenceObject(process);
  machine_leave(m);
  return status;
}
