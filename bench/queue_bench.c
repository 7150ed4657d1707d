/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cost per debug event against the number of events that are queued, in nanoseconds of processor time. The events are
 * those of attaching to processes with many threads, through the services themselves; then those of many threads that
 * send and wait for the answer. At last what the native debugger keeps of many threads. */
#include "client/client.h"
#include "dbgk/internal.h"

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
  HANDLE handles[DBGK_EVENT_HANDLES];
  const unsigned count = dbgk_event_handles(&change, handles);
  for (unsigned i = 0; i < count; i++)
    ObCloseHandle(handles[i], UserMode);
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

/* ---- senders that wait for the answer ---- */

struct sender_cost {
  double event, drop;
};

/* Sends until the debugger is gone. EXIT_THREAD: nothing to close, and without a freeze of the process, whose cost is
 * that of its threads. */
static void sender(void *argument)
{
  DBGKM_APIMSG message;
  (void)argument;
  do
    dbgk_init_message(&message, DbgKmExitThreadApi, sizeof message.u.ExitThread);
  while (DbgkpQueueMessage(PsGetCurrentProcess(), PsGetCurrentThread(), &message, 0, NULL) == STATUS_SUCCESS);
}

static void start_senders(HANDLE handle, unsigned count)
{
  EPROCESS *process;
  check("a process", ObReferenceObjectByHandle(handle, 0, ob_types()->Process, KernelMode, (void **)&process, NULL));
  for (unsigned i = 0; i < count; i++) {
    ETHREAD *thread;
    check("a sender", PsCreateNativeThread(process, sender, NULL, &thread));
    ObDereferenceObject(thread);
  }
  ObDereferenceObject(process);
}

static void wait_for_senders(const HANDLE *processes, unsigned count)
{
  const LONG64 millisecond = -10000;
  for (unsigned i = 0; i < count; i++) {
    EPROCESS *process;
    check("a process",
          ObReferenceObjectByHandle(processes[i], 0, ob_types()->Process, KernelMode, (void **)&process, NULL));
    while (process->ActiveThreads > 1)
      KeDelayExecutionThread(KernelMode, FALSE, &millisecond);
    ObDereferenceObject(process);
  }
}

/* All senders are blocked with an event each, but for the one whose event is continued and that sends the next. */
static struct sender_cost measure_senders(const char *userland, const char *program, unsigned processes, unsigned each)
{
  dbgksim_machine *machine = make_machine(userland);
  static HANDLE handles[MAX_PROCESSES];
  struct sender_cost best = {0};
  for (unsigned i = 0; i < processes; i++)
    handles[i] = make_process(machine, program, 1);
  if (machine_enter(machine) != DBGKSIM_OK)
    fail("entering the machine", 0);
  for (unsigned turn = 0; turn < TURNS; turn++) {
    const unsigned blocked = processes * each;
    HANDLE object = make_object();
    attach_all(handles, processes, object);
    read_all(object);
    for (unsigned i = 0; i < processes; i++)
      start_senders(handles[i], each);
    uint64_t start = 0;
    for (unsigned i = 0; i < blocked + EVENTS; i++) {
      if (i == blocked)
        start = now();
      const LONG64 second = -10000000;
      DBGUI_WAIT_STATE_CHANGE change;
      check("NtWaitForDebugEvent",
            NtWaitForDebugEvent(object, FALSE, (ULONG64)(uintptr_t)&second, (ULONG64)(uintptr_t)&change));
      answer(object, change.AppClientId);
    }
    uint64_t events = now();
    detach_all(handles, processes, object);
    uint64_t dropped = now();
    best.event = least(best.event, (double)(events - start) / EVENTS);
    best.drop = least(best.drop, (double)(dropped - events) / blocked);
    wait_for_senders(handles, processes);
    ObCloseHandle(object, UserMode);
  }
  machine_leave(machine);
  dbgksim_machine_destroy(machine);
  return best;
}

/* ---- handles that the native debugger keeps ---- */

/* Nanoseconds per thread to save its handle, mark it at its exit and close it at the continue: in the order of creation,
 * which was the quadratic case of a list. The handles are 0, which is not closed. */
static double measure_saved(const char *userland, unsigned threads)
{
  enum { PID = 8 };
  dbgksim_machine *machine = make_machine(userland);
  dbgksim_debugger *debugger;
  double best = 0;
  if (dbgksim_debugger_create(machine, false, &debugger) != DBGKSIM_OK || machine_enter(machine) != DBGKSIM_OK)
    fail("a debugger", 0);
  for (unsigned turn = 0; turn < TURNS; turn++) {
    const unsigned rounds = (EVENTS + threads - 1) / threads;
    uint64_t start = now();
    for (unsigned round = 0; round < rounds; round++) {
      for (unsigned i = 0; i < threads; i++)
        client_save_thread(debugger, PID, PID + 4 * (i + 1), 0);
      for (unsigned i = 0; i < threads; i++) {
        client_mark(debugger, PID, PID + 4 * (i + 1));
        client_close_answered(debugger, PID, PID + 4 * (i + 1));
      }
    }
    best = least(best, (double)(now() - start) / (rounds * threads));
  }
  machine_leave(machine);
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
  return best;
}

/* ---- the tables ---- */

static void print_ratio(const char *what, double large, double small)
{
  printf("ratio %.2f %s\n", large / small, what);
  fflush(stdout);
}

static void attach_table(const char *userland, const char *program)
{
  static const struct {
    unsigned processes, threads;
  } rows[] = {{1, 100}, {1, 1000}, {1, 10000}, {1, 100000}, {10, 1000}, {100, 100}, {1000, 10}, {1000, 100}};
  enum { SMALL = 0, LARGE = 3, ROWS = sizeof rows / sizeof *rows, MANY = ROWS - 1 };
  struct cost costs[ROWS];
  /* What an attach costs whatever the number of threads: the files of the program and of ntdll are opened. */
  struct cost alone = measure(userland, program, 1, 1);
  double attach = alone.attach * ATTACH_EVENTS;
  printf("attaching to a process of one thread: %.1f microseconds, not in the column `queue`\n\n", attach / 1e3);
  printf("%9s %13s %7s   %6s %14s %7s %6s   nanoseconds per event\n", "processes", "threads each", "events", "queue",
         "wait, continue", "detach", "close");
  for (unsigned i = 0; i < ROWS; i++) {
    struct cost *c = &costs[i];
    *c = measure(userland, program, rows[i].processes, rows[i].threads);
    c->attach -= attach / (rows[i].threads + 1);
    printf("%9u %13u %7u   %6.0f %14.0f %7.0f %6.0f\n", rows[i].processes, rows[i].threads,
           rows[i].processes * (rows[i].threads + 1), c->attach, c->read, c->detach, c->close);
    fflush(stdout);
  }
  printf("\n");
  print_ratio("queue: 100,000 events of a process, 100 = 1", costs[LARGE].attach, costs[SMALL].attach);
  print_ratio("wait, continue: 100,000 events of a process, 100 = 1", costs[LARGE].read, costs[SMALL].read);
  print_ratio("detach: 100,000 events of a process, 100 = 1", costs[LARGE].detach, costs[SMALL].detach);
  print_ratio("close: 100,000 events of a process, 100 = 1", costs[LARGE].close, costs[SMALL].close);
  print_ratio("queue to continue: 1,000 processes of 100, one = 1", costs[MANY].attach + costs[MANY].read,
              costs[SMALL].attach + costs[SMALL].read);
}

static void sender_table(const char *userland, const char *program)
{
  enum { EACH = 100, ROWS = 3 };
  struct sender_cost costs[ROWS];
  printf("\n%9s %13s %7s   %25s %7s   nanoseconds per event\n", "processes", "senders each", "blocked",
         "send, wait, continue", "detach");
  for (unsigned i = 0, processes = 1; i < ROWS; i++, processes *= 10) {
    costs[i] = measure_senders(userland, program, processes, EACH);
    printf("%9u %13u %7u   %25.0f %7.0f\n", processes, EACH, processes * EACH, costs[i].event, costs[i].drop);
    fflush(stdout);
  }
  printf("\n");
  print_ratio("send, wait, continue: 10,000 blocked, 100 = 1", costs[ROWS - 1].event, costs[0].event);
  print_ratio("detach: 10,000 blocked, 100 = 1", costs[ROWS - 1].drop, costs[0].drop);
}

static void saved_table(const char *userland)
{
  enum { ROWS = 4 };
  double costs[ROWS];
  printf("\n%31s   %s\n", "threads of a native debugger", "save, mark, close: nanoseconds per thread");
  for (unsigned i = 0, threads = 100; i < ROWS; i++, threads *= 10) {
    costs[i] = measure_saved(userland, threads);
    printf("%31u   %8.0f\n", threads, costs[i]);
  }
  printf("\n");
  print_ratio("saved handles: 10,000 threads, 100 = 1", costs[2], costs[0]);
  print_ratio("saved handles: 100,000 threads, 100 = 1", costs[3], costs[0]);
}

/* queue_bench USERLAND PROGRAM */
int main(int argc, char **argv)
{
  if (argc != 3)
    return 2;
  attach_table(argv[1], argv[2]);
  sender_table(argv[1], argv[2]);
  saved_table(argv[1]);
  return 0;
}
