/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug events of a native debugger, and processes from create to exit. The bare loop of an engine's stops, beside
 * which the first figure is read, is emu_bench's. */
#include "base/host.h"

#include <dbgksim/dbgksim.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define EVENTS 200000u

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
    if (event.code == DBGKSIM_EXCEPTION) {
      end = host_nanoseconds();
      if (!count++)
        start = end;
    }
    dbgksim_continue(debugger, &event, DBG_CONTINUE);
  }
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
  return count > EVENTS ? (double)(end - start) / (double)(count - 1) : 0;
}

/* Milliseconds of one process from create to exit in a machine that lives already (after one to warm up). */
static double processes(const char *userland, const char *program_path, unsigned count, double *first)
{
  uint64_t before = host_nanoseconds();
  dbgksim_machine *machine = make_machine(userland);
  const struct dbgksim_program program = {.path = program_path};
  uint64_t start = 0;
  for (unsigned i = 0; machine && i <= count; i++) {
    uint32_t pid;
    if (dbgksim_spawn(machine, &program, NULL, &pid) != DBGKSIM_OK || dbgksim_run(machine, pid, -1) != DBGKSIM_OK) {
      fprintf(stderr, "%s\n", dbgksim_message(machine));
      return 0;
    }
    if (i == 0) {
      start = host_nanoseconds();
      *first = (double)(start - before) / 1e6;
    }
  }
  double each = (double)(host_nanoseconds() - start) / 1e6 / count;
  dbgksim_machine_destroy(machine);
  return each;
}

int main(int argc, char **argv)
{
  if (argc < 5) {
    fprintf(stderr, "use: event_bench NANO-FOLDER INT3-PROGRAM EXIT-PROGRAM HELLO-PROGRAM\n");
    return 2;
  }
  double ns = 0, first;
  for (int i = 0; i < 5; i++) {
    double one = events(argv[1], argv[2]);
    if (one && (!ns || one < ns))
      ns = one;
  }
  printf("debug event, int3 to continue (native client)   %8.0f ns   %.2f million/s\n", ns, ns ? 1e3 / ns : 0);
  double nano = processes(argv[1], argv[3], 200, &first);
  printf("process create to exit, nano guest             %8.2f ms   first with its machine %.2f ms\n", nano, first);
  printf("peak memory so far                             %8.1f MB\n", (double)peak_kilobytes() / 1024);
  double wine = processes("wine", argv[4], 20, &first);
  printf("process create to exit, hello on Wine's DLLs   %8.2f ms   first with its machine %.2f ms\n", wine, first);
  printf("peak memory                                    %8.1f MB\n", (double)peak_kilobytes() / 1024);
  return ns && nano && wine ? 0 : 1;
}
