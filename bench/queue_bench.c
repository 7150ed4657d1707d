/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cost per debug event against the number of events that are queued. Prints one table: nanoseconds of processor time
 * per event. The events are those of attaching to processes with many threads, through the services themselves. */
#include "dbgk/internal.h"
#include "machine/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_THREADS 110000u
#define MAX_PROCESSES 1000u
/** Events per measurement; few queued events are measured many times over. */
#define EVENTS 200000u
#define TURNS 3
/** Events of attaching to a process of one thread: CREATE_PROCESS and ntdll's LOAD_DLL. */
#define ATTACH_EVENTS 2

struct cost {
  double attach, read, detach, close;
};

/* Nanoseconds of processor time: other work on the host does not show. */
static uint64_t now(void) { return (uint64_t)clock() * (1000000000u / CLOCKS_PER_SEC); }

static _Noreturn void fail(const char *what, NTSTATUS status)
{
  fprintf(stderr, "%s: %08X\n", what, (unsigned)status);
  exit(1);
}

static void check(const char *what, NTSTATUS status)
{
  if (status != STATUS_SUCCESS)
    fail(what, status);
}

static dbgksim_machine *make_machine(const char *userland)
{
  struct dbgksim_config config;
  dbgksim_machine *machine;
  dbgksim_config_init(&config);
  config.userland = userland;
  config.max_threads = MAX_THREADS;
  config.max_handles = MAX_THREADS;
  if (dbgksim_machine_create(&config, &machine) != DBGKSIM_OK) {
    fprintf(stderr, "%s\n", dbgksim_message(NULL));
    exit(1);
  }
  return machine;
}

/* A suspended program with `threads` threads; all but the first are bare objects that never run. */
static HANDLE make_process(dbgksim_machine *machine, const char *path, unsigned threads)
{
  const struct dbgksim_program program = {.path = path, .suspended = true};
  uint32_t pid;
  EPROCESS *process;
  HANDLE handle;
  if (dbgksim_spawn(machine, &program, NULL, &pid) != DBGKSIM_OK) {
    fprintf(stderr, "%s\n", dbgksim_message(machine));
    exit(1);
  }
  if (machine_enter(machine) != DBGKSIM_OK)
    fail("entering the machine", 0);
  check("look-up", PsLookupProcessByProcessId(pid, &process));
  for (unsigned i = 1; i < threads; i++) {
    ETHREAD *thread;
    check("a thread", PspAllocateThread(process, &thread));
    thread->CrossThreadFlags |= PS_CROSS_THREAD_FLAGS_THREAD_INSERTED;
    ObDereferenceObject(thread);
  }
  check("opening", ObOpenObjectByPointer(process, 0, PROCESS_ALL_ACCESS, ob_types()->Process, &handle));
  ObDereferenceObject(process);
  machine_leave(machine);
  return handle;
}

static HANDLE make_object(void)
{
  HANDLE object;
  check("NtCreateDebugObject", NtCreateDebugObject((ULONG64)(uintptr_t)&object, DEBUG_ALL_ACCESS, 0, 0));
  return object;
}

/* Reads one event and closes what came with it. False: none is there. */
static bool read_event(HANDLE object, CLIENT_ID *client)
{
  DBGUI_WAIT_STATE_CHANGE change;
  LONG64 poll = 0;
  NTSTATUS status = NtWaitForDebugEvent(object, FALSE, (ULONG64)(uintptr_t)&poll, (ULONG64)(uintptr_t)&change);
  if (status == STATUS_TIMEOUT)
    return false;
  check("NtWaitForDebugEvent", status);
  *client = change.AppClientId;
  if (change.NewState == DbgCreateThreadStateChange) {
    ObCloseHandle(change.StateInfo.CreateThread.HandleToThread, UserMode);
  } else if (change.NewState == DbgCreateProcessStateChange) {
    ObCloseHandle(change.StateInfo.CreateProcessInfo.HandleToProcess, UserMode);
    ObCloseHandle(change.StateInfo.CreateProcessInfo.HandleToThread, UserMode);
    ObCloseHandle(change.StateInfo.CreateProcessInfo.NewProcess.FileHandle, UserMode);
  } else if (change.NewState == DbgLoadDllStateChange) {
    ObCloseHandle(change.StateInfo.LoadDll.FileHandle, UserMode);
  }
  return true;
}

static void answer(HANDLE object, CLIENT_ID client)
{
  check("NtDebugContinue", NtDebugContinue(object, (ULONG64)(uintptr_t)&client, DBG_CONTINUE));
}

/* Reads and continues all events, one outstanding in each process at any time: the oldest is continued first, so that
 * the events of all processes come in turn. */
static unsigned read_all(HANDLE object)
{
  static CLIENT_ID outstanding[MAX_PROCESSES];
  unsigned first = 0, count = 0, total = 0;
  for (;;) {
    while (count < MAX_PROCESSES && read_event(object, &outstanding[(first + count) % MAX_PROCESSES]))
      count++, total++;
    if (!count)
      return total;
    answer(object, outstanding[first]);
    first = (first + 1) % MAX_PROCESSES;
    count--;
  }
}

static void attach_all(const HANDLE *processes, unsigned count, HANDLE object)
{
  for (unsigned i = 0; i < count; i++)
    check("NtDebugActiveProcess", NtDebugActiveProcess(processes[i], object));
}

static void detach_all(const HANDLE *processes, unsigned count, HANDLE object)
{
  for (unsigned i = 0; i < count; i++)
    check("NtRemoveProcessDebug", NtRemoveProcessDebug(processes[i], object));
}

/* One round: attach, read everything, detach; attach, detach with all queued; attach, close with all queued. */
static void measure_round(const HANDLE *processes, unsigned count, struct cost *sum, unsigned *events)
{
  HANDLE object = make_object();
  uint64_t t0 = now();
  attach_all(processes, count, object);
  uint64_t t1 = now();
  unsigned read = read_all(object);
  uint64_t t2 = now();
  detach_all(processes, count, object);
  attach_all(processes, count, object);
  uint64_t t3 = now();
  detach_all(processes, count, object);
  uint64_t t4 = now();
  attach_all(processes, count, object);
  uint64_t t5 = now();
  ObCloseHandle(object, UserMode);
  uint64_t t6 = now();
  sum->attach += (double)(t1 - t0);
  sum->read += (double)(t2 - t1);
  sum->detach += (double)(t4 - t3);
  sum->close += (double)(t6 - t5);
  *events += read;
}

static double least(double best, double value) { return best == 0 || value < best ? value : best; }

static struct cost measure(const char *userland, const char *program, unsigned processes, unsigned threads)
{
  dbgksim_machine *machine = make_machine(userland);
  static HANDLE handles[MAX_PROCESSES];
  struct cost best = {0};
  for (unsigned i = 0; i < processes; i++)
    handles[i] = make_process(machine, program, threads);
  if (machine_enter(machine) != DBGKSIM_OK)
    fail("entering the machine", 0);
  for (unsigned turn = 0; turn < TURNS; turn++) {
    struct cost sum = {0};
    unsigned events = 0;
    while (events < EVENTS)
      measure_round(handles, processes, &sum, &events);
    best.attach = least(best.attach, sum.attach / events);
    best.read = least(best.read, sum.read / events);
    best.detach = least(best.detach, sum.detach / events);
    best.close = least(best.close, sum.close / events);
  }
  machine_leave(machine);
  dbgksim_machine_destroy(machine);
  return best;
}

/* Keeps the least and the greatest of a figure. */
struct range {
  double least, greatest;
};

static void extend(struct range *range, double value)
{
  range->least = least(range->least, value);
  if (value > range->greatest)
    range->greatest = value;
}

/* queue_bench USERLAND PROGRAM */
int main(int argc, char **argv)
{
  static const struct {
    unsigned processes, threads;
  } rows[] = {{1, 100}, {1, 1000}, {1, 10000}, {1, 100000}, {10, 1000}, {100, 100}, {1000, 10}, {1000, 100}};
  struct range read = {0}, life = {0}, drop = {0};
  if (argc != 3)
    return 2;
  /* What an attach costs whatever the number of threads: the files of the program and of ntdll are opened. */
  struct cost alone = measure(argv[1], argv[2], 1, 1);
  double attach = alone.attach * ATTACH_EVENTS;
  printf("attaching to a process of one thread: %.1f microseconds, not in the column `queue`\n\n", attach / 1e3);
  printf("%9s %13s %7s   %6s %14s %7s %6s   nanoseconds per event\n", "processes", "threads each", "events", "queue",
         "wait, continue", "detach", "close");
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct cost c = measure(argv[1], argv[2], rows[i].processes, rows[i].threads);
    double queue = c.attach - attach / (rows[i].threads + 1);
    printf("%9u %13u %7u   %6.0f %14.0f %7.0f %6.0f\n", rows[i].processes, rows[i].threads,
           rows[i].processes * (rows[i].threads + 1), queue, c.read, c.detach, c.close);
    fflush(stdout);
    if (rows[i].processes != 1)
      continue;
    extend(&read, c.read);
    extend(&life, queue + c.read);
    extend(&drop, queue + c.detach);
  }
  printf("\ngreatest cost per event, the least = 1, from 100 to 100,000 threads of one process (aim <= 2):\n"
         "wait and continue %.2f; queue, wait and continue %.2f; queue and detach %.2f\n",
         read.greatest / read.least, life.greatest / life.least, drop.greatest / drop.least);
  return 0;
}
