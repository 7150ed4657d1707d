/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  OPTION_USERLAND = 256,
  OPTION_MAP,
  OPTION_SEED,
  OPTION_RANDOM,
  OPTION_BUDGET,
  OPTION_FORMAT,
  OPTION_ON_EXCEPTION,
  OPTION_PROGRAM_OUTPUT,
  OPTION_EXPLAIN,
  OPTION_ATTACH_AFTER,
  OPTION_DETACH_AFTER,
  OPTION_FOLLOW_CHILDREN,
  OPTION_LOG,
  OPTION_ERA,
};

#define NANOSECONDS_PER_MILLISECOND 1000000u
#define MAX_ATTACH 1000000000u
#define RUNS (CLI_RUN | CLI_TRACE)

static const struct description {
  unsigned commands; /**< bits of enum cli_command */
  int value;
  const char *name, *argument, *help;
} descriptions[] = {
    {CLI_TRACE, OPTION_FORMAT, "format", "text|lines|jsonl", "text to read (default), lines to diff, JSON Lines"},
    {CLI_TRACE, OPTION_ON_EXCEPTION, "on-exception", "not-handled|handled",
     "answer to exceptions but the first breakpoint (not-handled)"},
    {CLI_TRACE, OPTION_ATTACH_AFTER, "attach-after", "N|Nms",
     "attach when the program had N events of its own, or ran N ms"},
    {CLI_TRACE, OPTION_DETACH_AFTER, "detach-after", "N",
     "detach after N debug events; the program runs on to its end"},
    {CLI_TRACE, OPTION_FOLLOW_CHILDREN, "follow-children", NULL, "debug the processes that the program starts, too"},
    {CLI_TRACE, OPTION_EXPLAIN, "explain", NULL, "show each step between a trap and the continue"},
    {CLI_TRACE, 'o', "output", "FILE", "write the trace to FILE"},
    {RUNS, OPTION_PROGRAM_OUTPUT, "program-output", "FILE", "write what the program prints to FILE"},
    {RUNS, OPTION_LOG, "log", "FILE", "write the kernel's remarks to FILE, as a service that is missing"},
    {RUNS | CLI_DOCTOR, OPTION_USERLAND, "userland", "wine|DIR", "system DLLs: Wine's (default), or those in DIR"},
    {RUNS, OPTION_MAP, "map", "DIR=C:\\path[:rw]", "let programs see a folder; repeatable, read-only without :rw"},
    {RUNS, OPTION_ERA, "era", "win10|win7|xp", "whose debug subsystem, where builds differ (win10)"},
    {RUNS, OPTION_SEED, "seed", "N", "seed of everything random (0)"},
    {RUNS, OPTION_RANDOM, "random-schedule", NULL, "schedule threads at random, by the seed"},
    {RUNS, OPTION_BUDGET, "budget", "N", "stop after N translated blocks"},
    {RUNS | CLI_DOCTOR, 'h', "help", NULL, "show this help"},
};
#define DESCRIPTIONS (sizeof descriptions / sizeof descriptions[0])

static const char *command_name(enum cli_command command)
{
  return command == CLI_RUN ? "run" : command == CLI_TRACE ? "trace" : "doctor";
}

static void print_help(enum cli_command command)
{
  static const char *const summaries[] = {
      [CLI_RUN] = "Runs a Windows program (x86-64) without a debugger; ends with the low 8 bits of its exit code.",
      [CLI_TRACE] = "Runs a Windows program (x86-64) under a debugger and shows its debug events.",
      [CLI_DOCTOR] = "Tells what was found of the processor engine and the system DLLs, or what to install.",
  };
  printf("usage: dbgksim %s [OPTION...]%s\n%s\n\n", command_name(command),
         command == CLI_DOCTOR ? "" : " PROGRAM [ARGUMENT...]", summaries[command]);
  for (size_t i = 0; i < DESCRIPTIONS; i++) {
    const struct description *d = &descriptions[i];
    char left[64], letter[8] = "    ";
    if (!(d->commands & command))
      continue;
    if (d->value < 256)
      snprintf(letter, sizeof letter, "-%c, ", d->value);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, d->name, d->argument ? " " : "", d->argument ? d->argument : "");
    printf("  %-36s  %s\n", left, d->help);
  }
  if (command != CLI_DOCTOR)
    puts("\nPrograms see their own folder as C:\\app. Exit status: 2 for bad use or a program that can not run,\n"
         "3 for a run that did not come to its end (deadlock, budget).");
}

static int bad_use(enum cli_command command, const char *what, const char *value)
{
  fprintf(stderr, "dbgksim %s: %s%s%s (see dbgksim %s --help)\n", command_name(command), what, value ? " " : "",
          value ? value : "", command_name(command));
  return CLI_BAD_USE;
}

static bool parse_number(const char *text, uint64_t *number)
{
  char *end;
  if (*text < '0' || *text > '9')
    return false;
  *number = strtoull(text, &end, 0);
  return *end == 0;
}

/* N: events; Nms: milliseconds of virtual time. */
static bool parse_attach(struct options *options, const char *text)
{
  char number[24];
  size_t n = strlen(text);
  bool time = n > 2 && strcmp(text + n - 2, "ms") == 0;
  snprintf(number, sizeof number, "%.*s", (int)(time ? n - 2 : n), text);
  uint64_t value;
  if (n >= sizeof number || !parse_number(number, &value) || value > MAX_ATTACH)
    return false;
  options->attach = true;
  options->attach_ns = time ? value * NANOSECONDS_PER_MILLISECOND : 0;
  options->attach_events = time ? 0 : value;
  return true;
}

static bool is_drive(const char *text)
{
  return ((*text >= 'A' && *text <= 'Z') || (*text >= 'a' && *text <= 'z')) && text[1] == ':';
}

/* DIR=C:\path[:rw]: the last '=' before a drive divides. */
static bool parse_map(struct options *options, const char *text)
{
  const char *divide = NULL;
  for (const char *p = text; *p; p++)
    if (*p == '=' && is_drive(p + 1))
      divide = p;
  if (!divide || divide == text)
    return false;
  struct dbgksim_root *roots = realloc(options->roots, (options->root_count + 1) * sizeof *roots);
  if (!roots)
    return false;
  options->roots = roots;
  struct dbgksim_root *root = &roots[options->root_count];
  char *guest = strdup(divide + 1);
  char *host = strndup(text, (size_t)(divide - text));
  if (!guest || !host) {
    free(guest);
    free(host);
    return false;
  }
  size_t n = strlen(guest);
  root->writable = n > 5 && strcmp(guest + n - 3, ":rw") == 0;
  if (root->writable)
    guest[n - 3] = 0;
  root->host = host;
  root->guest = guest;
  options->root_count++;
  return true;
}

/* NULL, or what is wrong with the value. */
static const char *take(struct options *options, int option, const char *value)
{
  switch (option) {
  case OPTION_FORMAT:
    if (strcmp(value, "text") == 0)
      options->format = CLI_TEXT;
    else if (strcmp(value, "lines") == 0)
      options->format = CLI_LINES;
    else if (strcmp(value, "jsonl") == 0)
      options->format = CLI_JSONL;
    else
      return "--format is text, lines or jsonl, not";
    return NULL;
  case OPTION_ON_EXCEPTION:
    if (strcmp(value, "handled") == 0)
      options->answer = DBG_CONTINUE;
    else if (strcmp(value, "not-handled") != 0)
      return "--on-exception is not-handled or handled, not";
    return NULL;
  case OPTION_MAP:
    return parse_map(options, value) ? NULL : "--map wants DIR=C:\\path, not";
  case OPTION_SEED:
    return parse_number(value, &options->seed) ? NULL : "--seed wants a number, not";
  case OPTION_BUDGET:
    return parse_number(value, &options->budget) && options->budget ? NULL : "--budget wants a number above 0, not";
  case OPTION_USERLAND:
    options->userland = value;
    return NULL;
  case OPTION_PROGRAM_OUTPUT:
    options->program_output = value;
    return NULL;
  case OPTION_ERA:
    if (strcmp(value, "win10") && strcmp(value, "win7") && strcmp(value, "xp"))
      return "--era is win10, win7 or xp, not";
    options->era = value;
    return NULL;
  case OPTION_LOG:
    options->log = value;
    return NULL;
  case OPTION_RANDOM:
    options->random_schedule = true;
    return NULL;
  case OPTION_ATTACH_AFTER:
    return parse_attach(options, value) ? NULL : "--attach-after wants a number of events, or of ms, not";
  case OPTION_DETACH_AFTER:
    options->detach = true;
    return parse_number(value, &options->detach_after) ? NULL : "--detach-after wants a number, not";
  case OPTION_FOLLOW_CHILDREN:
    options->follow_children = true;
    return NULL;
  case OPTION_EXPLAIN:
    options->explain = true;
    return NULL;
  default:
    options->output = value;
    return NULL;
  }
}

int options_parse(struct options *options, enum cli_command command, int argc, char **argv)
{
  struct option table[DESCRIPTIONS + 1];
  char letters[2 * DESCRIPTIONS + 3] = "+:";
  size_t n = 0, letter = 2;
  memset(options, 0, sizeof *options);
  memset(table, 0, sizeof table);
  options->command = command;
  options->answer = DBG_EXCEPTION_NOT_HANDLED;
  for (size_t i = 0; i < DESCRIPTIONS; i++) {
    const struct description *d = &descriptions[i];
    if (!(d->commands & command))
      continue;
    table[n++] = (struct option){d->name, d->argument ? required_argument : no_argument, NULL, d->value};
    if (d->value >= 256)
      continue;
    letters[letter++] = (char)d->value;
    if (d->argument)
      letters[letter++] = ':';
  }
  opterr = 0;
  optind = 1;
  for (int option; (option = getopt_long(argc, argv, letters, table, NULL)) != -1;) {
    if (option == 'h') {
      print_help(command);
      return CLI_OK;
    }
    if (option == ':')
      return bad_use(command, "a value is missing after", argv[optind - 1]);
    if (option == '?')
      return bad_use(command, "unknown option", argv[optind - 1]);
    const char *wrong = take(options, option, optarg);
    if (wrong)
      return bad_use(command, wrong, optarg);
  }
  if (command == CLI_DOCTOR)
    return optind < argc ? bad_use(command, "unknown argument", argv[optind]) : -1;
  if (optind == argc)
    return bad_use(command, "no program given", NULL);
  if (options->explain && options->format == CLI_LINES)
    return bad_use(command, "--explain goes with the formats text and jsonl", NULL);
  if (options->follow_children && options->attach)
    return bad_use(
        command, "--follow-children has no effect with --attach-after: an attached process's children are free", NULL);
  options->program = argv[optind];
  options->arguments = (const char *const *)argv + optind + 1;
  return -1;
}

void options_free(struct options *options)
{
  for (unsigned i = 0; i < options->root_count; i++) {
    free((char *)(uintptr_t)options->roots[i].host);
    free((char *)(uintptr_t)options->roots[i].guest);
  }
  free(options->roots);
}
