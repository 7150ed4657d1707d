/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/commands.h"
#include "cli/options.h"

#include <stdio.h>

int command_samples(int argc, char **argv)
{
  struct options options;
  int result = options_parse(&options, CLI_SAMPLES, argc, argv);
  if (result < 0) {
    const struct dbgksim_sample *sample;
    for (unsigned i = 0; (sample = dbgksim_sample_at(i)) != NULL; i++)
      printf("%-20s  %s\n", sample->name, sample->lesson);
    result = CLI_OK;
  }
  options_free(&options);
  return result;
}
