/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sample programs that the library has in itself. */
#include "machine/embedded.h"

#include <stdio.h>
#include <string.h>

const struct dbgksim_sample *dbgksim_sample_at(unsigned index)
{
  for (const struct dbgksim_sample *sample = machine_samples; sample->name; sample++, index--)
    if (!index)
      return sample;
  return NULL;
}

const struct io_embedded *machine_find_sample(const char *path)
{
  const size_t prefix = sizeof MACHINE_SAMPLE_PREFIX - 1;
  char file[64];
  if (strncmp(path, MACHINE_SAMPLE_PREFIX, prefix) != 0)
    return NULL;
  int length = snprintf(file, sizeof file, "%s.exe", path + prefix);
  if (length < 0 || (size_t)length >= sizeof file)
    return NULL;
  for (const struct io_embedded *sample = machine_sample_files; sample->name; sample++)
    if (strcmp(sample->name, file) == 0)
      return sample;
  return NULL;
}
