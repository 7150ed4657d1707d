/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/options.h"

#include "cli/strace.h"

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
  OPTION_RECORD,
  OPTION_UNTIL,
  OPTION_FORCE,
  OPTION_PROGRAM,
  OPTION_CALLS_FORMAT,
  OPTION_GATE,
  OPTION_KERNEL_DEBUGGER,
  OPTION_KD_PRINT_MASK,
  OPTION_UNDEBUGGED,
};

#define NANOSECONDS_PER_MILLISECOND 1000000u
#define MAX_ATTACH 1000000000u
#define RUNS (CLI_RUN | CLI_TRACE | CLI_REPLAY | CLI_STRACE)
#define TRACES (CLI_TRACE | CLI_REPLAY)
#define NO_PROGRAM (CLI_DOCTOR | CLI_IDT | CLI_SAMPLES)
/** A recording has another place for the option, or it has no effect on the run. Options without this bit are kept as
 *  they were given. */
#define ELSEWHERE 0x100u

static const struct description {
  unsigned commands; /**< bits of enum cli_command; ELSEWHERE */
  int value;
  const char *name, *argument, *help;
} descriptions[] = {
    {TRACES, OPTION_FORMAT, "format", "text|lines|jsonl", "text to read (default), lines to diff, JSON Lines"},
    {CLI_TRACE, OPTION_ON_EXCEPTION, "on-exception", "not-handled|handled",
     "answer to exceptions but the first breakpoint (not-handled)"},
    {CLI_TRACE, OPTION_ATTACH_AFTER, "attach-after", "N|Nms",
     "attach when the program had N events of its own, or ran N ms"},
    {CLI_TRACE, OPTION_DETACH_AFTER, "detach-after", "N",
     "detach after N debug events; the program runs on to its end"},
    {CLI_TRACE, OPTION_FOLLOW_CHILDREN, "follow-children", NULL, "debug the processes that the program starts, too"},
    {CLI_TRACE, OPTION_KERNEL_DEBUGGER, "kernel-debugger", NULL,
     "have a kernel debugger, and show what programs say to it"},
    {CLI_TRACE, OPTION_KD_PRINT_MASK, "kd-print-mask", "MASK",
     "levels of DbgPrint that are shown, a bit each (1: errors)"},
    {CLI_TRACE, OPTION_UNDEBUGGED, "undebugged", NULL, "have no other debugger than the kernel's"},
    {TRACES, OPTION_EXPLAIN, "explain", NULL, "show each step between a trap and the continue"},
    {CLI_REPLAY, OPTION_UNTIL, "until", "N", "stop at event N, and show processes and threads"},
    {CLI_REPLAY, OPTION_FORCE, "force", NULL, "replay although files are not as they were"},
    {CLI_REPLAY, OPTION_PROGRAM, "program", "PATH", "where the program is now"},
    {CLI_STRACE | ELSEWHERE, 'e', "expression", "LIST",
     "show only NAME, * and ?, families (debug, memory...), not !ITEM; commas between"},
    {CLI_STRACE | ELSEWHERE, 'c', "summary", NULL, "count calls, failures and virtual time of each service instead"},
    {CLI_STRACE | ELSEWHERE, OPTION_CALLS_FORMAT, "format", "text|jsonl", "text to read (default), JSON Lines"},
    {TRACES | CLI_STRACE | ELSEWHERE, 'o', "output", "FILE", "write the trace to FILE"},
    {CLI_RUN | CLI_TRACE | CLI_STRACE | CLI_IDT, OPTION_GATE, "gate", "VECTOR:CHANGE,...",
     "change the IDT (docs/interrupts.md): absent, dpl=N, to=ROUTINE..."},
    {CLI_TRACE | ELSEWHERE, OPTION_RECORD, "record", "FILE", "keep in FILE what dbgksim replay needs"},
    {RUNS | ELSEWHERE, OPTION_PROGRAM_OUTPUT, "program-output", "FILE", "write what the program prints to FILE"},
    {RUNS | ELSEWHERE, OPTION_LOG, "log", "FILE", "write the kernel's remarks to FILE, as a service that is missing"},
    {RUNS | CLI_DOCTOR | ELSEWHERE, OPTION_USERLAND, "userland", "NAME|DIR",
     "system DLLs: auto (default), builtin, hybrid, wine, or those in DIR"},
    {RUNS | ELSEWHERE, OPTION_MAP, "map", "DIR=C:\\path[:rw]",
     "let programs see a folder; repeatable, read-only without :rw"},
    {RUNS | CLI_IDT | ELSEWHERE, OPTION_ERA, "era", "win10|win7|xp", "whose debug subsystem, where builds differ (win10)"},
    {RUNS | ELSEWHERE, OPTION_SEED, "seed", "N", "seed of everything random (0)"},
    {RUNS | ELSEWHERE, OPTION_RANDOM, "random-schedule", NULL, "schedule threads at random, by the seed"},
    {RUNS | ELSEWHERE, OPTION_BUDGET, "budget", "N", "stop after N translated blocks"},
    {RUNS | NO_PROGRAM | ELSEWHERE, 'h', "help", NULL, "show this help"},
};
#define DESCRIPTIONS (sizeof descriptions / sizeof descriptions[0])

const char *options_command(enum cli_command command)
{
  return command == CLI_RUN       ? "run"
         : command == CLI_TRACE   ? "trace"
         : command == CLI_REPLAY  ? "replay"
         : command == CLI_STRACE  ? "strace"
         : command == CLI_IDT     ? "idt"
         : command == CLI_SAMPLES ? "samples"
                                  : "doctor";
}

static void print_help(enum cli_command command)
{
  static const char *const summaries[] = {
      [CLI_RUN] = "Runs a Windows program (x86-64) without a debugger; ends with the low 8 bits of its exit code.",
      [CLI_TRACE] = "Runs a Windows program (x86-64) under a debugger and shows its debug events.",
      [CLI_REPLAY] = "Runs again what dbgksim trace --record kept: the same trace, or where the run differs.",
      [CLI_STRACE] = "Runs a Windows program (x86-64) and shows the system services that it and its children call.",
      [CLI_SAMPLES] = "Lists the programs that dbgksim has in itself, and what each shows.",
      [CLI_IDT] = "Shows the interrupt descriptor table: each gate, and where it leads.",
      [CLI_DOCTOR] = "Tells what was found of the processor engine and the system DLLs, or what to install;\n"
                     "of a program, which DLLs it gets and why.",
  };
  printf("usage: dbgksim %s [OPTION...]%s\n%s\n\n", options_command(command),
         command == CLI_DOCTOR   ? " [PROGRAM]"
         : command & NO_PROGRAM  ? ""
         : command == CLI_REPLAY ? " RECORDING"
                                 : " PROGRAM [ARGUMENT...]",
         summaries[command]);
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
  if (command == CLI_REPLAY)
    puts("\nExit status: the recorded run's; 0 after --until; 1 for a run that differs; 2 for bad use, and for a file "
         "that\n"
         "is missing or has changed; 3 for a recording without an end.");
  else if (command == CLI_STRACE)
    puts("\nFamilies: debug memory process file section sync registry object token port system. Exit status: 2 for bad use"
         "\nor a program that can not run, 3 for a run that did not come to its end, else the low 8 bits of the program's.");
  else if (command == CLI_SAMPLES)
    puts("\nEach is a PROGRAM of dbgksim run, trace and strace, with sample: before its name: dbgksim trace sample:threads");
  else if (!(command & NO_PROGRAM))
    puts("\nPrograms see their own folder as C:\\app. Exit status: 2 for bad use or a program that can not run,\n"
         "3 for a run that did not come to its end (deadlock, budget).");
}

static int bad_use(enum cli_command command, const char *what, const char *value)
{
  fprintf(stderr, "dbgksim %s: %s%s%s (see dbgksim %s --help)\n", options_command(command), what, value ? " " : "",
          value ? value : "", options_command(command));
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

static bool parse_mask(const char *text, uint32_t *mask)
{
  uint64_t number;
  if (!parse_number(text, &number) || !number || number > UINT32_MAX)
    return false;
  *mask = (uint32_t)number;
  return true;
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
  case OPTION_KERNEL_DEBUGGER:
    options->kernel_debugger = true;
    return NULL;
  case OPTION_KD_PRINT_MASK:
    return parse_mask(value, &options->kd_print_mask)
               ? NULL
               : "--kd-print-mask wants 32 bits that are not all 0, as 0xf, not";
  case OPTION_UNDEBUGGED:
    options->undebugged = true;
    return NULL;
  case OPTION_RECORD:
    options->record = value;
    return NULL;
  case OPTION_UNTIL:
    return parse_number(value, &options->until) && options->until ? NULL : "--until wants the number of an event, not";
  case OPTION_GATE: {
    const char **gates = realloc(options->gates, (options->gate_count + 1) * sizeof *gates);
    if (!gates)
      return "no memory for";
    options->gates = gates;
    gates[options->gate_count++] = value;
    return NULL;
  }
  case OPTION_FORCE:
    options->force = true;
    return NULL;
  case 'e':
    options->filter = value;
    return strace_check_filter(value) ? NULL : "no service or family is called like that:";
  case 'c':
    options->summary = true;
    return NULL;
  case OPTION_CALLS_FORMAT:
    options->format = strcmp(value, "jsonl") == 0 ? CLI_JSONL : CLI_TEXT;
    return options->format == CLI_JSONL || strcmp(value, "text") == 0 ? NULL : "--format is text or jsonl, not";
  case OPTION_PROGRAM:
    options->program_file = value;
    return NULL;
  default:
    options->output = value;
    return NULL;
  }
}

static const struct description *find_description(const char *name, size_t length)
{
  for (size_t i = 0; i < DESCRIPTIONS; i++)
    if (strlen(descriptions[i].name) == length && memcmp(descriptions[i].name, name, length) == 0)
      return &descriptions[i];
  return NULL;
}

static const struct description *description_of(int value)
{
  for (size_t i = 0; i < DESCRIPTIONS; i++)
    if (descriptions[i].value == value)
      return &descriptions[i];
  return NULL;
}

char *options_kept(const struct options *options, unsigned n)
{
  for (unsigned i = 0; i < options->given_count; i++) {
    const struct option_given *given = &options->given[i];
    const struct description *d = description_of(given->option);
    if (d->commands & ELSEWHERE || n--)
      continue;
    char *text = malloc(strlen(d->name) + (given->value ? strlen(given->value) : 0) + 4);
    if (text)
      sprintf(text, "--%s%s%s", d->name, given->value ? "=" : "", given->value ? given->value : "");
    return text;
  }
  return NULL;
}

bool options_take_kept(struct options *options, const char *text)
{
  const char *value = strchr(text, '=');
  if (strncmp(text, "--", 2) != 0)
    return false;
  size_t length = value ? (size_t)(value - text) : strlen(text);
  const struct description *d = find_description(text + 2, length - 2);
  if (!d || d->commands & ELSEWHERE || !(d->commands & CLI_TRACE) || !value != !d->argument)
    return false;
  return !take(options, d->value, value ? value + 1 : NULL);
}

void options_override(struct options *options, const struct options *given)
{
  for (unsigned i = 0; i < given->given_count; i++) {
    const struct option_given *g = &given->given[i];
    if (g->option != OPTION_MAP)
      take(options, g->option, g->value);
  }
  if (options->format == CLI_LINES)
    options->explain = given->explain;
}

void options_default(struct options *options, enum cli_command command)
{
  memset(options, 0, sizeof *options);
  options->command = command;
  options->answer = DBG_EXCEPTION_NOT_HANDLED;
}

/* NULL, or why the options do not go together. */
static const char *contradiction(const struct options *options)
{
  if (options->explain && options->format == CLI_LINES)
    return "--explain goes with the formats text and jsonl";
  if (options->follow_children && options->attach)
    return "--follow-children has no effect with --attach-after: an attached process's children are free";
  if (options->undebugged && !options->kernel_debugger)
    return "--undebugged goes with --kernel-debugger: else there is nothing to show";
  if (options->undebugged && (options->attach || options->detach || options->follow_children))
    return "--undebugged has no debugger that could attach, detach or follow";
  if (options->kernel_debugger && options->record)
    return "a recording keeps no events of a kernel debugger";
  return NULL;
}

int options_check(const struct options *options)
{
  const char *why = contradiction(options);
  return why ? bad_use(options->command, why, NULL) : CLI_OK;
}

int options_parse(struct options *options, enum cli_command command, int argc, char **argv)
{
  struct option table[DESCRIPTIONS + 1];
  char letters[2 * DESCRIPTIONS + 3] = "+:";
  size_t n = 0, letter = 2;
  options_default(options, command);
  options->given = calloc((size_t)argc, sizeof *options->given);
  if (!options->given)
    return bad_use(command, "no memory for the options", NULL);
  memset(table, 0, sizeof table);
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
    options->given[options->given_count++] = (struct option_given){option, optarg};
  }
  if (command == CLI_DOCTOR && optind < argc)
    options->program = argv[optind++];
  if (command & NO_PROGRAM)
    return optind < argc ? bad_use(command, "unknown argument", argv[optind]) : -1;
  if (optind == argc)
    return bad_use(command, command == CLI_REPLAY ? "no recording given" : "no program given", NULL);
  int result = options_check(options);
  if (result != CLI_OK)
    return result;
  if (command == CLI_REPLAY) {
    options->recording = argv[optind];
    return optind + 1 < argc ? bad_use(command, "unknown argument", argv[optind + 1]) : -1;
  }
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
  free(options->gates);
  free(options->given);
}
