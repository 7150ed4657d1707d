/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/commands.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

static const struct {
  const char *name, *help;
  int (*command)(int argc, char **argv);
} commands[] = {
    {"run", "run a program without a debugger", command_run},
    {"trace", "show the debug events of a program", command_trace},
    {"strace", "show the system services that a program calls", command_strace},
    {"replay", "run again what trace --record kept", command_replay},
    {"explore", "run scenarios under many schedules, and tell what goes wrong", command_explore},
    {"idt", "show the interrupt descriptor table", command_idt},
    {"samples", "list the programs that dbgksim has in itself", command_samples},
    {"doctor", "tell what was found, or what to install", command_doctor},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static void print_help(void)
{
  puts("usage: dbgksim COMMAND [OPTION...] [PROGRAM [ARGUMENT...]]\n"
       "Simulates the debug subsystem of Windows: runs x86-64 programs, and debuggers get their events.\n");
  for (size_t i = 0; i < COMMANDS; i++)
    printf("  %-8s  %s\n", commands[i].name, commands[i].help);
  puts("\ndbgksim COMMAND --help tells the options of a command; dbgksim --version the version.");
}

int main(int argc, char **argv)
{
  if (argc < 2) {
    fputs("dbgksim: no command given (see dbgksim --help)\n", stderr);
    return CLI_BAD_USE;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
    print_help();
    return CLI_OK;
  }
  if (strcmp(argv[1], "--version") == 0) {
    printf("dbgksim %s\n", dbgksim_version());
    return CLI_OK;
  }
  for (size_t i = 0; i < COMMANDS; i++)
    if (strcmp(argv[1], commands[i].name) == 0)
      return commands[i].command(argc - 1, argv + 1);
  fprintf(stderr, "dbgksim: unknown command %s (see dbgksim --help)\n", argv[1]);
  return CLI_BAD_USE;
}
