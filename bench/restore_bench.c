/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cost of restoring a snapshot beside a bare memcpy of the same pages: so many pages of a process are written, then the
 * machine is restored. Prints lines "restore PAGES OURS MEMCPY", nanoseconds, each the least of several turns. */
#include "machine/machine.h"
#include "ntos/mm/mm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGE 0x1000u
#define MAX_PAGES 4096u
#define TURNS 5u

static _Noreturn void die(const char *what)
{
  fprintf(stderr, "restore_bench: %s\n", what);
  exit(2);
}

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Pages of the debuggee that hold something. */
static ULONG64 make_pages(dbgksim_machine *machine, EPROCESS *process)
{
  static UCHAR bytes[PAGE];
  ULONG64 base = 0, size = MAX_PAGES * PAGE;
  memset(bytes, 0x5A, sizeof bytes);
  if (machine_enter(machine) != DBGKSIM_OK ||
      MmAllocateVirtualMemory(process, &base, 0, &size, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE) != STATUS_SUCCESS)
    die("no memory for the pages");
  for (ULONG64 i = 0; i < MAX_PAGES; i++)
    mm_process_write(process, base + i * PAGE, bytes, sizeof bytes, NULL);
  machine_leave(machine);
  return base;
}

/* The pages look as a guest's stores leave them: D bits, new bytes in the host's caches. */
static void write_pages(const EPROCESS *process, ULONG64 base, unsigned pages)
{
  address_space *space = process->Pcb.space;
  for (ULONG64 va = base; va < base + (ULONG64)pages * PAGE; va += PAGE) {
    *(volatile UCHAR *)space_host(space, va, 1) = 1;
    space_set_pte(space, va, space_pte(space, va) | PTE_ACCESSED | PTE_DIRTY);
  }
}

static double restore(dbgksim_snapshot *snapshot, const EPROCESS *process, ULONG64 base, unsigned pages)
{
  double total = 0;
  unsigned rounds = 200000u / (pages + 100);
  for (unsigned i = 0; i < rounds; i++) {
    write_pages(process, base, pages);
    double start = now();
    if (dbgksim_snapshot_restore(snapshot) != DBGKSIM_OK)
      die("the snapshot is not restored");
    total += now() - start;
  }
  return total / rounds;
}

static double copy(const EPROCESS *process, ULONG64 base, unsigned pages)
{
  UCHAR *saved = malloc((size_t)pages * PAGE);
  double total = 0;
  unsigned rounds = 200000u / (pages + 100);
  if (!saved)
    die("no memory");
  memset(saved, 0x5A, (size_t)pages * PAGE);
  for (unsigned i = 0; i < rounds; i++) {
    write_pages(process, base, pages);
    double start = now();
    for (unsigned k = 0; k < pages; k++)
      memcpy(space_host(process->Pcb.space, base + (ULONG64)k * PAGE, PAGE), saved + (size_t)k * PAGE, PAGE);
    total += now() - start;
  }
  free(saved);
  return total / rounds;
}

/* restore_bench USERLAND PROGRAM */
int main(int argc, char **argv)
{
  static const unsigned sizes[] = {0, 8, 64, 512, 4096};
  struct dbgksim_config config;
  dbgksim_machine *machine;
  dbgksim_debugger *debugger;
  dbgksim_snapshot *snapshot;
  struct dbgksim_event event;
  uint32_t pid;
  if (argc != 3)
    die("use: restore_bench USERLAND PROGRAM");
  dbgksim_config_init(&config);
  config.userland = argv[1];
  const struct dbgksim_program program = {.path = argv[2]};
  if (dbgksim_machine_create(&config, &machine) != DBGKSIM_OK ||
      dbgksim_debugger_create(machine, true, &debugger) != DBGKSIM_OK ||
      dbgksim_spawn(machine, &program, debugger, &pid) != DBGKSIM_OK ||
      dbgksim_wait(debugger, -1, &event) != DBGKSIM_OK)
    die("the guest program can not be started");
  EPROCESS *process = NULL;
  if (machine_enter(machine) != DBGKSIM_OK || PsLookupProcessByProcessId(pid, &process) != STATUS_SUCCESS)
    die("the process is not there");
  machine_leave(machine);
  ULONG64 base = make_pages(machine, process);
  if (dbgksim_snapshot_take(machine, &snapshot) != DBGKSIM_OK)
    die("no snapshot");
  for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    double ours = 0, bare = 0;
    for (unsigned turn = 0; turn < TURNS; turn++) {
      double a = restore(snapshot, process, base, sizes[i]), b = copy(process, base, sizes[i]);
      ours = turn == 0 || a < ours ? a : ours;
      bare = turn == 0 || b < bare ? b : bare;
      dbgksim_snapshot_restore(snapshot);
    }
    printf("restore %u %.0f %.0f\n", sizes[i], ours, bare);
  }
  dbgksim_machine_destroy(machine);
  return 0;
}
