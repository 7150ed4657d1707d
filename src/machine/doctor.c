/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host has for the simulator, and what is missing. */
#include "machine/embedded.h"
#include "machine/machine.h"

#include "emu/emu.h"
#include "loader/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *dbgksim_engine_version(void) { return emu_engine_version(); }

/* The builtin DLLs, and Wine's: programs that import more need them. */
static void describe(const struct machine_userland *found, bool wine, const char *text, char *out, size_t size)
{
  size_t used = 0, bytes = 0;
  for (const struct io_embedded *dll = machine_builtin_dlls; dll->name; dll++)
    bytes += dll->size;
  if (found->builtin || !found->dlls[0])
    used = (size_t)snprintf(out, size, "builtin    %zu KB of DLLs in the library\n", bytes / 1024);
  if (used >= size)
    return;
  if (found->dlls[0])
    snprintf(out + used, size - used, "%s       %s, NLS files %s\n", wine ? "wine" : "DLLs", found->dlls,
             found->nls[0] ? found->nls : "none");
  else if (text)
    snprintf(out + used, size - used, "wine       %s\n", text);
}

bool dbgksim_doctor(const char *userland, char *out, size_t size)
{
  char text[1024] = "";
  struct machine_userland *found = malloc(sizeof *found);
  if (!found)
    return false;
  bool engine = emu_self_check(text, sizeof text);
  int n = snprintf(out, size, "dbgksim    %s\nengine     Unicorn %s: %s\n%s%sPE facts   LIEF %s\n", dbgksim_version(),
                   emu_engine_version(), engine ? "usable" : "not usable", text, text[0] && text[0] != '\n' ? "\n" : "",
                   pe_facts_version());
  const bool automatic = !userland || strcmp(userland, "auto") == 0;
  bool usable = machine_find_userland(automatic ? "hybrid" : userland, found, text, sizeof text);
  if (n > 0 && (size_t)n < size) {
    if (automatic || usable)
      describe(found, automatic || strcmp(userland, "wine") == 0 || strcmp(userland, "hybrid") == 0,
               usable ? NULL : text, out + n, size - (size_t)n);
    else
      snprintf(out + n, size - (size_t)n, "userland   %s\n", text);
  }
  free(found);
  return engine && (usable || automatic);
}
