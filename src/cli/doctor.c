/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/commands.h"
#include "cli/options.h"

#include <stdio.h>

int command_doctor(int argc, char **argv)
{
  struct options options;
  char text[6144] = "";
  int result = options_parse(&options, CLI_DOCTOR, argc, argv);
  if (result < 0) {
    bool good = dbgksim_doctor(options.userland, text, sizeof text);
    fputs(text, stdout);
    result = good ? CLI_OK : CLI_INCOMPLETE;
  }
  options_free(&options);
  return result;
}
