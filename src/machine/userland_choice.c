/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which userland a program needs: the builtin DLLs if they have all of it, else with Wine's above them, else Wine's. */
#include "machine/machine.h"

#include <stdio.h>
#include <string.h>

#define TAG_CHOICE POOL_TAG('C', 'h', 'o', 'i')
#define NAMES 300u

struct choice {
  struct machine_userland builtin, hybrid;
  char not_builtin[NAMES], not_hybrid[NAMES], no_wine[NAMES];
};

static const char *verb(unsigned count) { return count == 1 ? "is" : "are"; }

static enum dbgksim_status choose(dbgksim_machine *m, struct choice *c, const char *program, const char **name,
                                  char *why, size_t size)
{
  char text[16];
  *name = "builtin";
  (void)machine_find_userland("builtin", &c->builtin, text, sizeof text);
  unsigned missing = machine_missing_imports(program, &c->builtin, c->not_builtin, sizeof c->not_builtin);
  if (!missing) {
    snprintf(why, size, "builtin: all that %s imports is builtin", program);
    return DBGKSIM_OK;
  }
  if (!machine_find_userland("hybrid", &c->hybrid, c->no_wine, sizeof c->no_wine)) {
    return machine_fail(m, DBGKSIM_NO_USERLAND, "%s needs %s, which %s neither in its folder nor builtin; %s", program,
                        c->not_builtin, verb(missing), c->no_wine);
  }
  unsigned more = machine_missing_imports(program, &c->hybrid, c->not_hybrid, sizeof c->not_hybrid);
  *name = more ? "wine" : "hybrid";
  if (!more)
    snprintf(why, size, "hybrid: %s %s not builtin", c->not_builtin, verb(missing));
  else
    snprintf(why, size, "wine: %s %s not builtin", c->not_hybrid, verb(more));
  return DBGKSIM_OK;
}

enum dbgksim_status machine_choose_userland(dbgksim_machine *m, const char *program, char *why, size_t size)
{
  const char *name;
  if (strcmp(m->userland, "auto") != 0) {
    snprintf(why, size, "%s: by configuration", m->userland);
    return DBGKSIM_OK;
  }
  struct choice *c = ExAllocatePoolWithTag(sizeof *c, TAG_CHOICE);
  if (!c)
    return machine_fail(m, DBGKSIM_NO_MEMORY, "no memory for the choice of a userland");
  enum dbgksim_status status = choose(m, c, program, &name, why, size);
  ExFreePool(c);
  return status == DBGKSIM_OK ? machine_load_userland(m, name) : status;
}

const char *dbgksim_userland(const dbgksim_machine *m) { return m ? m->userland : NULL; }
