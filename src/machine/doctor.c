/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host has for the simulator, and what is missing. */
#include "machine/machine.h"

#include "emu/emu.h"
#include "loader/loader.h"

#include <stdio.h>
#include <stdlib.h>

const char *dbgksim_engine_version(void) { return emu_engine_version(); }

bool dbgksim_doctor(const char *userland, char *out, size_t size)
{
  char text[1024] = "";
  struct machine_userland *found = malloc(sizeof *found);
  if (!found)
    return false;
  bool engine = emu_self_check(text, sizeof text);
  int n = snprintf(out, size, "dbgksim    %s\nengine     Unicorn %s: %s\n%s%sPE facts   LIEF %s\n", dbgksim_version(),
                   emu_engine_version(), engine ? "usable" : "not usable", text,
                   text[0] && text[0] != '\n' ? "\n" : "", pe_facts_version());
  bool usable = machine_find_userland(userland ? userland : "wine", found, text, sizeof text);
  if (n > 0 && (size_t)n < size) {
    if (usable)
      snprintf(out + n, size - (size_t)n, "userland   %s, NLS files %s\n", found->dlls, found->nls[0] ? found->nls : "none");
    else
      snprintf(out + n, size - (size_t)n, "userland   %s\n", text);
  }
  free(found);
  return engine && usable;
}
