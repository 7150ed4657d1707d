/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks up what the arguments of a service are. */
#include "ntos/trap/arguments_internal.h"

#include <string.h>

static const struct service_description *const tables[] = {
    service_descriptions_process,
    service_descriptions_memory,
    service_descriptions_file,
};
#define TABLES (sizeof tables / sizeof tables[0])

const struct service_description *service_describe(const char *name)
{
  for (size_t i = 0; i < TABLES; i++)
    for (const struct service_description *d = tables[i]; d->name; d++)
      if (strcmp(d->name, name) == 0)
        return d;
  return NULL;
}

const struct service_description *service_description_at(size_t n)
{
  for (size_t i = 0; i < TABLES; i++)
    for (const struct service_description *d = tables[i]; d->name; d++)
      if (!n--)
        return d;
  return NULL;
}
