/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file options.h  The command line of the subcommands. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <dbgksim/dbgksim.h>

/* Exit statuses of the command. */
#define CLI_OK 0
#define CLI_BAD_USE 2    /**< bad use, or a program that can not run */
#define CLI_INCOMPLETE 3 /**< deadlock, budget used up, failure inside */
#define CLI_INTERRUPTED 130

enum cli_command { CLI_RUN = 1, CLI_TRACE = 2, CLI_DOCTOR = 4 };
enum cli_format { CLI_TEXT, CLI_LINES, CLI_JSONL };

struct options {
  enum cli_command command;
  const char *program;          /**< host path */
  const char *const *arguments; /**< of the program, NULL-terminated */
  const char *userland;
  const char *era; /**< NULL: the default */
  struct dbgksim_root *roots; /**< owned, with their strings */
  unsigned root_count;
  uint64_t seed, budget;
  bool random_schedule;
  enum cli_format format;
  NTSTATUS answer;            /**< to exceptions but the first breakpoint */
  const char *output;         /**< file of the trace, NULL: standard output */
  const char *program_output; /**< file of what the program writes, NULL: the standard streams */
  const char *log;            /**< file of the kernel's remarks, NULL: they are not kept */
  bool explain;
  bool attach;            /**< start without a debugger, and attach later: */
  uint64_t attach_ns;     /**< then, in virtual time, if it is not 0 */
  uint64_t attach_events; /**< or after so many events of the program's own */
  bool detach;
  uint64_t detach_after; /**< debug events until then */
  bool follow_children;
};

/** Reads a subcommand's command line; argv[0] is the subcommand's name.
 *  @return -1: go on; else the exit status (help was printed, or one line about the fault) */
int options_parse(struct options *options, enum cli_command command, int argc, char **argv);
/** Frees what options_parse allocated. */
void options_free(struct options *options);

#endif
