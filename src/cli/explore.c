/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dbgksim explore: scenarios under many schedules (docs/exploration.md). */
#include "cli/commands.h"
#include "cli/options.h"

#include <dbgksim/explore.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/** Exit status: something was found. */
#define EXPLORE_FOUND 1
#define DEFAULT_PREEMPTIONS 2u

enum {
  OPTION_LIST = 256,
  OPTION_PREEMPTIONS,
  OPTION_RANDOM,
  OPTION_SEED,
  OPTION_REPLAY,
  OPTION_WITHOUT_PORT_MUTEX,
  OPTION_RECHECK_PORT,
  OPTION_PLANT,
  OPTION_LIMIT,
  OPTION_FIRST,
  OPTION_COMPARE,
  OPTION_ERA,
  OPTION_HELP
};

static const struct option long_options[] = {
    {"list", no_argument, NULL, OPTION_LIST},
    {"preemptions", required_argument, NULL, OPTION_PREEMPTIONS},
    {"random", required_argument, NULL, OPTION_RANDOM},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"replay", required_argument, NULL, OPTION_REPLAY},
    {"without-port-mutex", no_argument, NULL, OPTION_WITHOUT_PORT_MUTEX},
    {"recheck-port", no_argument, NULL, OPTION_RECHECK_PORT},
    {"plant", no_argument, NULL, OPTION_PLANT},
    {"limit", required_argument, NULL, OPTION_LIMIT},
    {"first", no_argument, NULL, OPTION_FIRST},
    {"compare", no_argument, NULL, OPTION_COMPARE},
    {"era", required_argument, NULL, OPTION_ERA},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static void print_help(void)
{
  puts("usage: dbgksim explore [OPTION...] [SCENARIO...]\n"
       "Runs scenarios of debuggers and debuggees (default: all) under many schedules, and tells what may not be.\n\n"
       "  --list                the scenarios\n"
       "  --preemptions N       every schedule with at most N preemptions (default: 2)\n"
       "  --random N            N random schedules instead\n"
       "  --seed N              of the random schedules (default: 0)\n"
       "  --limit N             run at most N schedules\n"
       "  --first               stop at the first finding\n"
       "  --replay STRING       one schedule again, step by step; with one SCENARIO\n"
       "  --without-port-mutex  the kernel does without DbgkpProcessDebugPortMutex\n"
       "  --recheck-port        likewise, but it reads DebugPort again under the debug object's mutex\n"
       "  --compare             a table of the three lockings; --random N runs N random schedules, too\n"
       "  --era NAME            win10 (default), win7 or xp: where builds of the kernel differ\n"
       "  --plant               with a bug on purpose: a lost wake-up in DbgkpQueueMessage\n\n"
       "Exit status: 0 nothing found, 1 something found, 2 bad use.");
}

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int fault(const char *text, const char *what)
{
  fprintf(stderr, "dbgksim explore: %s%s (see dbgksim explore --help)\n", text, what);
  return CLI_BAD_USE;
}

static bool parse_number(const char *text, uint64_t *number)
{
  char *end;
  errno = 0;
  *number = strtoull(text, &end, 10);
  return *text >= '0' && *text <= '9' && !*end && !errno;
}

static void list_scenarios(void)
{
  size_t count;
  const struct dbgksim_scenario *s = dbgksim_explore_scenarios(&count);
  for (size_t i = 0; i < count; i++)
    printf("%-18s  %s\n", s[i].name, s[i].summary);
}

static const struct dbgksim_scenario *find_scenario(const char *name)
{
  size_t count;
  const struct dbgksim_scenario *s = dbgksim_explore_scenarios(&count);
  for (size_t i = 0; i < count; i++)
    if (strcmp(s[i].name, name) == 0)
      return &s[i];
  return NULL;
}

/* ---- one exploration ---- */

static void print_summary(const char *name, const struct dbgksim_explore_options *o,
                          const struct dbgksim_explore_result *r, double seconds)
{
  printf("%s: %s%llu ", name, r->complete ? "all " : "", (unsigned long long)r->schedules);
  if (o->mode == DBGKSIM_EXPLORE_RANDOM)
    printf("random schedules (seed %llu)", (unsigned long long)o->seed);
  else
    printf("%sschedules with at most %u preemption%s", r->complete ? "" : "of the ", o->preemptions,
           o->preemptions == 1 ? "" : "s");
  printf(", up to %zu choices each: ", r->most_choices);
  if (r->found)
    printf("%llu with findings", (unsigned long long)r->found);
  else
    printf("nothing found");
  printf(" (%.0f/s)\n", seconds > 0 ? (double)r->schedules / seconds : 0);
}

static const char *locking_option(enum dbgksim_locking locking)
{
  static const char *const options[] = {"", " --without-port-mutex", " --recheck-port"};
  return options[locking];
}

static void print_findings(const char *name, const struct dbgksim_explore_options *o,
                           const struct dbgksim_explore_result *r)
{
  const char *shown = NULL;
  for (unsigned kind = 0; kind < DBGKSIM_FINDING_KINDS; kind++) {
    const struct dbgksim_finding *f = &r->findings[kind];
    if (!f->schedules)
      continue;
    printf("\n%s, in %llu schedule%s: %s\n", dbgksim_finding_name((enum dbgksim_finding_kind)kind),
           (unsigned long long)f->schedules, f->schedules == 1 ? "" : "s", f->what);
    if (shown && strcmp(shown, f->replay) == 0) {
      puts("The shortest is the one above.");
      continue;
    }
    shown = f->replay;
    printf("The shortest has %u preemption%s:\n\n%s\nAgain: dbgksim explore %s%s%s%s%s --replay %s\n", f->preemptions,
           f->preemptions == 1 ? "" : "s", f->steps ? f->steps : "", name, locking_option(o->locking),
           o->plant ? " --plant" : "", o->machine ? " --era " : "", o->machine ? o->machine->era : "",
           f->replay[0] ? f->replay : "(too long)");
  }
}

static int explore_one(const struct dbgksim_scenario *scenario, const struct dbgksim_explore_options *o)
{
  struct dbgksim_explore_result r;
  double start = now();
  if (dbgksim_explore(scenario, o, &r) != DBGKSIM_OK) {
    fprintf(stderr, "dbgksim explore: %s\n", dbgksim_message(NULL));
    return CLI_BAD_USE;
  }
  double seconds = now() - start;
  bool found = r.found != 0;
  if (o->mode == DBGKSIM_EXPLORE_REPLAY)
    printf("%s%s%s\n", r.steps ? r.steps : "", found ? "" : "\n", found ? "" : "nothing found");
  else
    print_summary(scenario->name, o, &r, seconds);
  if (o->mode == DBGKSIM_EXPLORE_REPLAY) {
    for (unsigned kind = 0; kind < DBGKSIM_FINDING_KINDS; kind++)
      if (r.findings[kind].schedules)
        printf("%s: %s\n", dbgksim_finding_name((enum dbgksim_finding_kind)kind), r.findings[kind].what);
  } else {
    print_findings(scenario->name, o, &r);
    if (found)
      putchar('\n');
  }
  dbgksim_explore_free(&r);
  fflush(stdout);
  return found ? EXPLORE_FOUND : CLI_OK;
}

/* ---- the three lockings beside each other ---- */

static void add_cell(char *cell, size_t size, const struct dbgksim_explore_result *r, bool random)
{
  size_t used = strlen(cell);
  snprintf(cell + used, size - used, "%s%s %llu: ", used ? "; " : "",
           random        ? "random"
           : r->complete ? "all"
                         : "first",
           (unsigned long long)r->schedules);
  if (!r->found)
    strncat(cell, "nothing", size - strlen(cell) - 1);
  bool first = true;
  for (unsigned kind = 0; kind < DBGKSIM_FINDING_KINDS; kind++)
    if (r->findings[kind].schedules) {
      used = strlen(cell);
      snprintf(cell + used, size - used, "%s%s in %llu", first ? "" : ", ",
               dbgksim_finding_name((enum dbgksim_finding_kind)kind), (unsigned long long)r->findings[kind].schedules);
      first = false;
    }
}

static int compare_one(const struct dbgksim_scenario *scenario, const struct dbgksim_explore_options *options,
                       uint64_t random)
{
  int result = CLI_OK;
  printf("| %s |", scenario->name);
  for (unsigned locking = 0; locking < 3; locking++) {
    char cell[512] = "";
    for (unsigned mode = 0; mode < (random ? 2u : 1u); mode++) {
      struct dbgksim_explore_options o = *options;
      struct dbgksim_explore_result r;
      o.locking = (enum dbgksim_locking)locking;
      o.mode = mode ? DBGKSIM_EXPLORE_RANDOM : DBGKSIM_EXPLORE_SYSTEMATIC;
      o.schedules = mode ? random : options->schedules;
      if (dbgksim_explore(scenario, &o, &r) != DBGKSIM_OK) {
        fprintf(stderr, "dbgksim explore: %s\n", dbgksim_message(NULL));
        return CLI_BAD_USE;
      }
      add_cell(cell, sizeof cell, &r, mode != 0);
      if (r.found && locking == DBGKSIM_BOTH_LOCKS)
        result = EXPLORE_FOUND;
      dbgksim_explore_free(&r);
    }
    printf(" %s |", cell);
    fflush(stdout);
  }
  putchar('\n');
  return result;
}

/* ---- the command line ---- */

struct explore_command {
  struct dbgksim_config machine;
  struct dbgksim_explore_options options;
  uint64_t random;
  bool compare;
};

/* -1: go on; else the exit status. */
static int take_option(struct explore_command *c, int option, const char *argument)
{
  uint64_t number = 0;
  const bool numeric =
      option == OPTION_PREEMPTIONS || option == OPTION_RANDOM || option == OPTION_SEED || option == OPTION_LIMIT;
  if (numeric && !parse_number(argument, &number))
    return fault("not a number: ", argument);
  switch (option) {
  case OPTION_LIST:
    list_scenarios();
    return CLI_OK;
  case OPTION_HELP:
    print_help();
    return CLI_OK;
  case OPTION_PREEMPTIONS:
    if (number > 255)
      return fault("too many preemptions: ", argument);
    c->options.preemptions = (unsigned)number;
    return -1;
  case OPTION_RANDOM:
    c->options.mode = DBGKSIM_EXPLORE_RANDOM;
    c->random = number;
    return number ? -1 : fault("no schedules: ", argument);
  case OPTION_SEED:
    c->options.seed = number;
    return -1;
  case OPTION_LIMIT:
    c->options.schedules = number;
    return -1;
  case OPTION_REPLAY:
    c->options.mode = DBGKSIM_EXPLORE_REPLAY;
    c->options.replay = argument;
    c->options.steps = true;
    return -1;
  case OPTION_WITHOUT_PORT_MUTEX:
    c->options.locking = DBGKSIM_OBJECT_MUTEX;
    return -1;
  case OPTION_RECHECK_PORT:
    c->options.locking = DBGKSIM_OBJECT_MUTEX_RECHECK;
    return -1;
  case OPTION_PLANT:
    c->options.plant = true;
    return -1;
  case OPTION_ERA:
    c->machine.era = argument;
    c->options.machine = &c->machine;
    return -1;
  case OPTION_FIRST:
    c->options.stop_at_first = true;
    return -1;
  default:
    c->compare = true;
    return -1;
  }
}

static int run_command(const struct explore_command *c, char **names)
{
  int result = CLI_OK;
  size_t count;
  const struct dbgksim_scenario *all = dbgksim_explore_scenarios(&count);
  for (char **name = names; *name; name++)
    if (!find_scenario(*name))
      return fault("no such scenario: ", *name);
  for (size_t i = 0; names[0] ? names[i] != NULL : i < count; i++) {
    const struct dbgksim_scenario *s = names[0] ? find_scenario(names[i]) : &all[i];
    int one = c->compare ? compare_one(s, &c->options, c->random) : explore_one(s, &c->options);
    if (one == CLI_BAD_USE)
      return one;
    result = one ? one : result;
  }
  return result;
}

int command_explore(int argc, char **argv)
{
  struct explore_command c = {.compare = false};
  int option, result;
  dbgksim_explore_options_init(&c.options);
  dbgksim_config_init(&c.machine);
  c.machine.userland = "none";
  c.options.preemptions = DEFAULT_PREEMPTIONS;
  opterr = 0;
  while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
    if (option == '?')
      return fault("unknown option, or one without its value: ", argv[optind - 1]);
    result = take_option(&c, option == 'h' ? OPTION_HELP : option, optarg);
    if (result >= 0)
      return result;
  }
  if (c.options.mode == DBGKSIM_EXPLORE_REPLAY && (optind + 1 != argc || c.compare))
    return fault("--replay goes with one scenario", "");
  if (c.random && !c.compare)
    c.options.schedules = c.random;
  if (c.compare)
    puts("| scenario | both locks | object mutex only | object mutex, DebugPort read again |\n|---|---|---|---|");
  return run_command(&c, argv + optind);
}
