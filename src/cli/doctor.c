/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/commands.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

/* Which userland a program gets, and why; or what it lacks. */
static bool tell_program(const struct options *options)
{
  struct dbgksim_config config;
  dbgksim_machine *machine;
  char why[1024] = "";
  dbgksim_config_init(&config);
  if (options->userland)
    config.userland = options->userland;
  enum dbgksim_status status = dbgksim_machine_create(&config, &machine);
  if (status == DBGKSIM_OK)
    status = dbgksim_choose_userland(machine, options->program, why, sizeof why);
  printf("program    %s\n", status == DBGKSIM_OK ? why : dbgksim_message(machine));
  dbgksim_machine_destroy(machine);
  return status == DBGKSIM_OK && !strstr(why, "; missing: ");
}

int command_doctor(int argc, char **argv)
{
  struct options options;
  char text[6144] = "";
  int result = options_parse(&options, CLI_DOCTOR, argc, argv);
  if (result < 0) {
    bool good = dbgksim_doctor(options.userland, text, sizeof text);
    fputs(text, stdout);
    if (options.program)
      good &= tell_program(&options);
    result = good ? CLI_OK : CLI_INCOMPLETE;
  }
  options_free(&options);
  return result;
}
