/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file options.h  The command line of the subcommands. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <dbgksim/dbgksim.h>

/* Exit statuses of the command. */
#define CLI_OK 0
#define CLI_DIFFERS 1    /**< a replay that is not like its recording */
#define CLI_BAD_USE 2    /**< bad use, or a program that can not run */
#define CLI_INCOMPLETE 3 /**< deadlock, budget used up, failure inside */
#define CLI_INTERRUPTED 130

enum cli_command { CLI_RUN = 1, CLI_TRACE = 2, CLI_DOCTOR = 4, CLI_REPLAY = 8, CLI_STRACE = 16, CLI_IDT = 32,
                   CLI_SAMPLES = 64 };
enum cli_format { CLI_TEXT, CLI_LINES, CLI_JSONL };

/** An option as it was given. */
struct option_given {
  int option;
  const char *value;
};

struct options {
  enum cli_command command;
  const char *program;          /**< host path, as it was given */
  const char *program_file;     /**< host path where it is now, NULL: the same */
  const char *const *arguments; /**< of the program, NULL-terminated */
  const char *userland;
  const char *era; /**< NULL: the default */
  struct dbgksim_root *roots; /**< owned, with their strings */
  unsigned root_count;
  uint64_t seed, budget;
  uint64_t quantum; /**< blocks, 0: the default */
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
  bool kernel_debugger;
  uint32_t kd_print_mask; /**< 0: default */
  bool undebugged; /**< no debugger but the kernel's */
  const char *record;    /**< file that the run is recorded to, NULL: none */
  const char *recording; /**< to be replayed */
  uint64_t until;        /**< event to stop the replay at, 0: the end */
  bool force;            /**< replay although files are not as they were */
  const char *filter;    /**< services that strace shows, NULL: all */
  bool summary;          /**< strace shows totals instead of calls */
  const char **gates; /**< owned, not the strings: changes of the IDT (--gate), in order */
  unsigned gate_count;
  struct option_given *given; /**< owned; in order */
  unsigned given_count;
};

/** Name of a subcommand. */
const char *options_command(enum cli_command command);
/** What counts if nothing is given. */
void options_default(struct options *options, enum cli_command command);
/** CLI_OK, or an exit status after one line about options that do not go together. */
int options_check(const struct options *options);
/** The n-th of the given options that a recording keeps as they are, "--name=value" (malloc'ed); NULL behind the last. */
char *options_kept(const struct options *options, unsigned n);
/** Takes such an option over; `text` must outlive the options. False: there is none of that name and value. */
bool options_take_kept(struct options *options, const char *text);
/** Takes what was given to replay over what was recorded; folders (--map) are left out. */
void options_override(struct options *options, const struct options *given);

/** Reads a subcommand's command line; argv[0] is the subcommand's name.
 *  @return -1: go on; else the exit status (help was printed, or one line about the fault) */
int options_parse(struct options *options, enum cli_command command, int argc, char **argv);
/** Frees what options_parse allocated. */
void options_free(struct options *options);

#endif
