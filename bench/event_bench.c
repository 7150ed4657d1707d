/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug events of a native debugger, and processes from create to exit. Prints lines of a name and figures for
 * report.py, which sets them beside those of emu_bench. */
#include <dbgksim/dbgksim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/** Breakpoints of guest_int3. */
#define EVENTS 200000u
#define TURNS 3

/* Nanoseconds of processor time: other work on the host does not show. */
static uint64_t now(void) { return (uint64_t)clock() * (1000000000u / CLOCKS_PER_SEC); }

static uint64_t peak_kilobytes(void)
{
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (uint64_t)usage.ru_maxrss;
}

static dbgksim_machine *make_machine(const char *userland)
{
  struct dbgksim_config config;
  dbgksim_machine *machine;
  dbgksim_config_init(&config);
  config.userland = userland;
  if (dbgksim_machine_create(&config, &machine) != DBGKSIM_OK) {
    fprintf(stderr, "%s\n", dbgksim_message(NULL));
    return NULL;
  }
  return machine;
}

/* Nanoseconds per int3 event with its continue; 0 on failure. */
static double events(const char *userland, const char *program_path)
{
  dbgksim_machine *machine = make_machine(userland);
  dbgksim_debugger *debugger;
  const struct dbgksim_program program = {.path = program_path};
  static struct dbgksim_event event;
  if (!machine || dbgksim_debugger_create(machine, true, &debugger) != DBGKSIM_OK ||
      dbgksim_spawn(machine, &program, debugger, NULL) != DBGKSIM_OK)
    return 0;
  uint64_t start = 0, end = 0, count = 0;
  while (dbgksim_wait(debugger, -1, &event) == DBGKSIM_OK) {
    if (event.code == DBGKSIM_EXCEPTION && count++ == 0)
      start = now();
    else if (event.code == DBGKSIM_EXIT_PROCESS)
      end = now();
    dbgksim_continue(debugger, &event, DBG_CONTINUE);
  }
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
  return count > EVENTS ? (double)(end - start) / (double)(count - 1) : 0;
}

static int compare(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Prints milliseconds: the median of `count` processes from create to exit, and the first one with its machine. */
static bool processes(const char *userland, const char *program_path, unsigned count)
{
  double *each = calloc(count, sizeof *each), first = 0;
  uint64_t start = now();
  dbgksim_machine *machine = make_machine(userland);
  const struct dbgksim_program program = {.path = program_path};
  bool ok = machine && each;
  for (unsigned i = 0; ok && i <= count; i++) {
    uint32_t pid;
    if (i != 0)
      start = now();
    ok = dbgksim_spawn(machine, &program, NULL, &pid) == DBGKSIM_OK && dbgksim_run(machine, pid, -1) == DBGKSIM_OK;
    *(i == 0 ? &first : &each[i - 1]) = (double)(now() - start) / 1e6;
  }
  if (ok) {
    qsort(each, count, sizeof *each, compare);
    printf("process %.3f %.3f\n", each[count / 2], first);
  } else if (machine) {
    fprintf(stderr, "%s\n", dbgksim_message(machine));
  }
  free(each);
  dbgksim_machine_destroy(machine);
  return ok;
}

static bool best_events(const char *userland, const char *program_path)
{
  double best = 0;
  for (unsigned i = 0; i < TURNS; i++) {
    double ns = events(userland, program_path);
    if (ns == 0)
      return false;
    if (best == 0 || ns < best)
      best = ns;
  }
  printf("event %.1f\n", best);
  return true;
}

/* event_bench events USERLAND INT3-PROGRAM | event_bench processes USERLAND PROGRAM COUNT */
int main(int argc, char **argv)
{
  bool ok = false;
  if (argc == 4 && strcmp(argv[1], "events") == 0)
    ok = best_events(argv[2], argv[3]);
  else if (argc == 5 && strcmp(argv[1], "processes") == 0 && atoi(argv[4]) > 0)
    ok = processes(argv[2], argv[3], (unsigned)atoi(argv[4]));
  printf("peak %.1f\n", (double)peak_kilobytes() / 1024);
  return ok ? 0 : 1;
}
