/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random sequences of debug services from three native threads on two guest processes, under the random schedule. What
 * the services answer is not looked at: the host must not crash, the machine must not stop or lose a thread, and when
 * everything is closed and ended nothing may be left of objects, handles, events or rundown references.
 *
 * test_random_services PROGRAMS USERLAND. DBGKSIM_SEQUENCES is how many (default 10,000), DBGKSIM_BATCH runs that one
 * batch alone. */
#include "dbgk/internal.h"
#include "machine/machine.h"
#include "ntos/svc/svc_object.h"
#include "ntos/svc/svc_process.h"
#include "ntos/svc/svc_sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SEQUENCES 10000u
#define SEQUENCES_PER_BATCH 25u
#define THREADS 3u
#define OPERATIONS 16u
#define PROCESSES 2u
#define OBJECTS 3u
#define EVENTS 8u
#define MAX_TYPES 64u
/** A host address as a service takes it. */
#define AT(pointer) ((ULONG64)(uintptr_t)(pointer))

/* The first ones make no threads or suspensions of their own. */
static const char *const programs[] = {
    "g_spin",       "g_sleep",      "g_threads",  "g_debug_string",      "g_load_dll",
    "g_int3_veh",   "g_raise",      "g_attach",   "g_exit_with_threads", "g_last_thread",
    "g_bad_handle", "g_interleave", "g_debugger", "g_int3_unhandled"};
#define CALM_PROGRAMS 2u
/** Of so many batches one has no suspensions but those of attaches: all must be undone after each sequence. */
#define CALM_BATCHES 5u
static const char *const eras[] = {"win10", "win10", "win7", "xp"};
#define PROGRAMS (sizeof programs / sizeof *programs)

struct stock {
  ULONG objects[MAX_TYPES], handles[MAX_TYPES];
  const char *names[MAX_TYPES];
  unsigned types, events;
};

static struct {
  dbgksim_machine *machine;
  SECTION *sections[PROGRAMS];
  HANDLE process[PROCESSES], thread[PROCESSES]; /**< 0: none yet */
  HANDLE object[OBJECTS];
  struct {
    CLIENT_ID client;
    unsigned object; /**< place of the handle that it was read from */
  } events[EVENTS];  /**< read and perhaps not continued */
  unsigned event_count;
  unsigned batch, sequence;
  uint64_t random;
  unsigned long long calls, successes, read;
} t;

static _Noreturn void give_up(const char *what, const char *which, unsigned value, unsigned expected)
{
  char waits[4096] = "";
  ke_report_waits(waits, sizeof waits);
  fprintf(stderr, "batch %u, sequence %u: %s %s: %u, not %u\n%s", t.batch, t.sequence, what, which, value, expected,
          waits);
  exit(1);
}

static void expect(unsigned value, unsigned expected, const char *what, const char *which)
{
  if (value != expected)
    give_up(what, which, value, expected);
}

/* One stream for the three threads: the machine is deterministic, so the batch repeats. */
static unsigned below(unsigned n)
{
  t.random = t.random * 6364136223846793005ull + 1442695040888963407ull;
  return (unsigned)(t.random >> 33) % n;
}

static void count(NTSTATUS status)
{
  t.calls++;
  t.successes += NT_SUCCESS(status);
}

static bool calm(void) { return t.batch % CALM_BATCHES == 0; }

static void close_handle(HANDLE handle)
{
  if (handle)
    count(NtClose(handle));
}

static void sleep_for(LONG64 microseconds)
{
  LONG64 interval = -10 * microseconds;
  NtDelayExecution(FALSE, AT(&interval));
}

static void start_process(unsigned slot, HANDLE object)
{
  unsigned program = below(calm() ? CALM_PROGRAMS : PROGRAMS);
  char path[64];
  void *port = NULL;
  EPROCESS *process;
  ETHREAD *thread;
  snprintf(path, sizeof path, "C:\\app\\%s.exe", programs[program]);
  if (object && !NT_SUCCESS(ObReferenceObjectByHandle(object, DEBUG_PROCESS_ASSIGN, ob_types()->DebugObject, UserMode,
                                                      &port, NULL)))
    port = NULL;
  const struct life_process_request request = {
      .section = t.sections[program],
      .parent = t.machine->host_process,
      .image_path = path,
      .command_line = programs[program],
      .current_directory = "C:\\app\\",
      .environment = "\0",
      .debug_object = port,
      .flags = (below(4) || calm() ? 0 : LIFE_CREATE_SUSPENDED) | (below(2) ? 0 : LIFE_NO_DEBUG_INHERIT),
  };
  NTSTATUS status = PspCreateUserProcess(&request, &process, &thread);
  count(status);
  if (NT_SUCCESS(status)) {
    HANDLE old_process = t.process[slot], old_thread = t.thread[slot];
    ObOpenObjectByPointer(process, 0, PROCESS_ALL_ACCESS, NULL, &t.process[slot]);
    ObOpenObjectByPointer(thread, 0, THREAD_ALL_ACCESS, NULL, &t.thread[slot]);
    /* Another thread may have filled the slot meanwhile. */
    if (old_process)
      NtTerminateProcess(old_process, 1);
    close_handle(old_process);
    close_handle(old_thread);
    ObDereferenceObject(process);
    ObDereferenceObject(thread);
  }
  if (port)
    ObDereferenceObject(port);
}

static bool process_ended(unsigned slot)
{
  LONG64 poll = 0;
  return !t.process[slot] || NtWaitForSingleObject(t.process[slot], FALSE, AT(&poll)) != STATUS_TIMEOUT;
}

/* A thread of a process: its first, or any other. */
static HANDLE some_thread(unsigned slot, bool *close)
{
  HANDLE thread = 0, next;
  *close = false;
  if (below(2))
    return t.thread[slot];
  for (unsigned n = below(4) + 1; n; n--) {
    if (NtGetNextThread(t.process[slot], thread, THREAD_ALL_ACCESS, 0, 0, AT(&next)) != STATUS_SUCCESS)
      break;
    close_handle(thread);
    thread = next;
  }
  *close = thread != 0;
  return thread;
}

static void read_event(unsigned which)
{
  DBGUI_WAIT_STATE_CHANGE change = {0};
  LONG64 timeout = -(LONG64)below(3) * 500;
  NTSTATUS status = NtWaitForDebugEvent(t.object[which], below(2) != 0, AT(&timeout), AT(&change));
  count(status);
  if (status != STATUS_SUCCESS)
    return;
  t.read++;
  unsigned place = t.event_count++ % EVENTS;
  t.events[place].client = change.AppClientId;
  t.events[place].object = which;
  if (change.NewState == DbgCreateProcessStateChange) {
    close_handle(change.StateInfo.CreateProcessInfo.HandleToProcess);
    close_handle(change.StateInfo.CreateProcessInfo.HandleToThread);
    close_handle(change.StateInfo.CreateProcessInfo.NewProcess.FileHandle);
  } else if (change.NewState == DbgCreateThreadStateChange) {
    close_handle(change.StateInfo.CreateThread.HandleToThread);
  } else if (change.NewState == DbgLoadDllStateChange) {
    close_handle(change.StateInfo.LoadDll.FileHandle);
  }
}

static void continue_event(HANDLE object)
{
  static const NTSTATUS statuses[] = {DBG_CONTINUE,          DBG_CONTINUE,
                                      DBG_EXCEPTION_HANDLED, DBG_EXCEPTION_NOT_HANDLED,
                                      DBG_REPLY_LATER,       DBG_TERMINATE_THREAD,
                                      DBG_TERMINATE_PROCESS, STATUS_SUCCESS,
                                      STATUS_PENDING,        NT_STATUS_VALUE(0x40010005)};
  unsigned known = t.event_count < EVENTS ? t.event_count : EVENTS, chosen = known ? below(known) : 0;
  CLIENT_ID client = known ? t.events[chosen].client : (CLIENT_ID){8, 12};
  if (known && below(8))
    object = t.object[t.events[chosen].object];
  if (below(16) == 0)
    client.UniqueThread += 4;
  count(NtDebugContinue(object, AT(&client), statuses[below(sizeof statuses / sizeof *statuses)]));
}

static void query(HANDLE process)
{
  static const ULONG classes[] = {7, 0x1E, 0x1F};
  ULONG64 value = 0;
  ULONG class = classes[below(3)], length = 0, flags = below(3);
  NTSTATUS status = NtQueryInformationProcess(process, class, AT(&value), class == 0x1F ? 4 : 8, AT(&length));
  count(status);
  if (class == 0x1E && NT_SUCCESS(status))
    close_handle(value);
  if (below(4) == 0)
    count(NtSetInformationProcess(process, 0x1F, AT(&flags), sizeof flags));
}

static void set_information(HANDLE object)
{
  ULONG flags = below(3), length = 0;
  count(NtSetInformationDebugObject(object, below(8) ? 1 : 2, AT(&flags), below(8) ? sizeof flags : 8, AT(&length)));
}

static void context(HANDLE thread)
{
  CONTEXT c = {.ContextFlags = CONTEXT_FULL | CONTEXT_DEBUG_REGISTERS};
  NTSTATUS status = NtGetContextThread(thread, AT(&c));
  count(status);
  if (NT_SUCCESS(status) && below(2)) {
    c.EFlags ^= below(4) ? 0 : 0x100;
    count(NtSetContextThread(thread, AT(&c)));
  }
}

static void duplicate(unsigned slot, HANDLE object, unsigned to)
{
  HANDLE copy = 0;
  if (below(8) == 0 && !calm()) {
    /* The debuggee keeps its own debugger alive. */
    count(NtDuplicateObject(NtCurrentProcess(), object, t.process[slot], 0, 0, 0, DUPLICATE_SAME_ACCESS));
    return;
  }
  count(NtDuplicateObject(NtCurrentProcess(), object, NtCurrentProcess(), AT(&copy), below(DEBUG_ALL_ACCESS + 1), 0,
                          below(2) ? DUPLICATE_SAME_ACCESS : 0));
  HANDLE old = t.object[to];
  if (copy) {
    t.object[to] = copy;
    close_handle(old);
  }
}

static void replace_object(unsigned slot, bool create)
{
  HANDLE object = 0, old;
  if (create)
    count(NtCreateDebugObject(AT(&object), below(8) ? DEBUG_ALL_ACCESS : below(16), 0, below(2) + below(8) / 7));
  old = t.object[slot];
  t.object[slot] = object;
  close_handle(old);
}

static void hold_threads(unsigned slot)
{
  bool close;
  ULONG previous;
  HANDLE thread;
  switch (below(6)) {
  case 0:
    count(NtSuspendProcess(t.process[slot]));
    break;
  case 1:
    count(NtResumeProcess(t.process[slot]));
    break;
  default:
    thread = some_thread(slot, &close);
    count(below(2) ? NtSuspendThread(thread, AT(&previous)) : NtResumeThread(thread, AT(&previous)));
    if (close)
      close_handle(thread);
  }
}

static void operate(void)
{
  unsigned slot = below(PROCESSES), which = below(OBJECTS);
  HANDLE object = t.object[which], process = t.process[slot], thread;
  bool close;
  switch (below(24)) {
  case 0:
    replace_object(which, true);
    break;
  case 1:
    if (below(3) == 0)
      replace_object(which, false);
    break;
  case 2:
  case 3:
  case 4:
    count(NtDebugActiveProcess(process, object));
    break;
  case 5:
  case 6:
  case 7:
  case 8:
  case 9:
    read_event(which);
    if (below(2))
      continue_event(object);
    break;
  case 10:
  case 11:
  case 12:
  case 13:
  case 14:
    continue_event(object);
    break;
  case 15:
    count(NtRemoveProcessDebug(process, object));
    break;
  case 16:
    set_information(object);
    break;
  case 17:
    if (!calm())
      hold_threads(slot);
    break;
  case 18:
    duplicate(slot, object, below(OBJECTS));
    break;
  case 19:
    query(process);
    break;
  case 20:
    thread = some_thread(slot, &close);
    context(thread);
    if (close)
      close_handle(thread);
    break;
  case 21:
    if (process_ended(slot))
      start_process(slot, below(2) ? object : 0);
    else if (below(12) == 0)
      count(NtTerminateProcess(process, below(2) ? 7 : DBG_TERMINATE_PROCESS));
    else if (below(8) == 0 && (thread = some_thread(slot, &close)) != 0) {
      count(NtTerminateThread(thread, 8));
      if (close)
        close_handle(thread);
    }
    break;
  default:
    sleep_for(below(100));
  }
}

static void native_thread(void *argument)
{
  (void)argument;
  for (unsigned i = 0; i < OPERATIONS; i++)
    operate();
}

static void count_type(void *where, OBJECT_TYPE *type)
{
  struct stock *stock = where;
  if (stock->types == MAX_TYPES)
    return;
  stock->names[stock->types] = type->Name;
  stock->objects[stock->types] = type->TotalNumberOfObjects;
  stock->handles[stock->types++] = type->TotalNumberOfHandles;
}

static void count_block(void *where, uint32_t tag, size_t size, void *block)
{
  (void)size, (void)block;
  ((struct stock *)where)->events += tag == POOL_TAG('D', 'b', 'g', 'E') || tag == POOL_TAG('D', 'b', 'g', 'H');
}

static struct stock take_stock(void)
{
  struct stock stock = {0};
  ob_for_each_type(count_type, &stock);
  pool_walk(t.machine->pool, count_block, &stock);
  return stock;
}

/* With the last debug object the suspensions of its attaches are gone. */
static void check_suspensions(void)
{
  for (EPROCESS *p = PsGetNextProcess(NULL); p; p = PsGetNextProcess(p))
    for (ETHREAD *thread = PsGetNextProcessThread(p, NULL); thread; thread = PsGetNextProcessThread(p, thread))
      expect((unsigned)thread->Tcb.SuspendCount, 0, "thread", "suspend count");
}

/* Three threads do their operations; then the debug handles of the native process are closed. */
static void run_sequence(void)
{
  HANDLE threads[THREADS];
  LONG64 limit = -10000000;
  t.event_count = 0;
  for (unsigned i = 0; i < OBJECTS; i++)
    if (below(4))
      replace_object(i, true);
  for (unsigned slot = 0; slot < PROCESSES; slot++) {
    if (process_ended(slot))
      start_process(slot, below(2) ? t.object[below(OBJECTS)] : 0);
    else if (below(2))
      NtResumeProcess(t.process[slot]);
  }
  for (unsigned i = 0; i < THREADS; i++) {
    ETHREAD *thread;
    expect((unsigned)PsCreateNativeThread(t.machine->host_process, native_thread, NULL, &thread), 0, "native thread",
           "status");
    expect((unsigned)ObOpenObjectByPointer(thread, 0, THREAD_ALL_ACCESS, NULL, &threads[i]), 0, "native thread",
           "handle");
    ObDereferenceObject(thread);
  }
  for (unsigned i = 0; i < THREADS; i++) {
    expect((unsigned)NtWaitForSingleObject(threads[i], FALSE, AT(&limit)), 0, "end of a native thread", "wait");
    close_handle(threads[i]);
  }
  for (unsigned i = 0; i < OBJECTS; i++) {
    close_handle(t.object[i]);
    t.object[i] = 0;
  }
  if (calm())
    check_suspensions();
  expect(ke_ended(), KE_RUNNING, "machine", "end reason");
  expect(KeGetCurrentThread()->KernelApcDisable, 0, "host thread", "KernelApcDisable");
}

/* Every process ends. One whose debug object only guests hold, perhaps itself, waits for a debugger that will not come,
 * on Windows too: it is detached. */
static void end_processes(void)
{
  LONG64 limit = -10000000;
  for (EPROCESS *p = PsGetNextProcess(NULL); p; p = PsGetNextProcess(p)) {
    if (p->native)
      continue;
    PsTerminateProcess(p, 9);
    DbgkClearProcessDebugObject(p, NULL);
  }
  for (unsigned slot = 0; slot < PROCESSES; slot++) {
    if (!t.process[slot])
      continue;
    expect((unsigned)NtWaitForSingleObject(t.process[slot], FALSE, AT(&limit)), 0, "end of a process", "wait");
    void *body;
    expect((unsigned)ObReferenceObjectByHandle(t.process[slot], 0, ob_types()->Process, KernelMode, &body, NULL), 0,
           "process", "reference");
    const EPROCESS *process = body;
    expect((unsigned)process->RundownProtect.count, 0, "process", "rundown count");
    expect((unsigned)process->Pcb.FreezeCount, 0, "process", "freeze count");
    expect(process->DebugPort != NULL, 0, "process", "debug port");
    expect(process->ActiveThreads, 0, "process", "active threads");
    ObDereferenceObject(body);
    close_handle(t.process[slot]);
    close_handle(t.thread[slot]);
    t.process[slot] = t.thread[slot] = 0;
  }
  sleep_for(1000);
}

static void compare_stock(const struct stock *before)
{
  struct stock after = take_stock();
  for (unsigned i = 0; i < after.types; i++) {
    expect(after.objects[i], before->objects[i], "objects left:", after.names[i]);
    expect(after.handles[i], before->handles[i], "handles left:", after.names[i]);
  }
  expect(after.events, 0, "blocks left:", "debug events");
  expect(dbgk_state()->DbgkpProcessDebugPortMutex.Owner != NULL, 0, "port mutex", "owner");
}

static void run_batch(const char *folder, const char *userland, unsigned sequences)
{
  const struct dbgksim_root app = {folder, "C:\\app", false};
  struct dbgksim_config config;
  dbgksim_config_init(&config);
  config.userland = userland;
  config.roots = &app;
  config.root_count = 1;
  config.seed = t.batch;
  config.random_schedule = true;
  config.era = eras[t.batch % (sizeof eras / sizeof *eras)];
  config.quantum_blocks = 500;
  t.random = t.batch;
  if (dbgksim_machine_create(&config, &t.machine) != DBGKSIM_OK || machine_enter(t.machine) != DBGKSIM_OK) {
    fprintf(stderr, "%s\n", dbgksim_message(NULL));
    exit(1);
  }
  for (unsigned i = 0; i < PROGRAMS; i++) {
    char path[64];
    snprintf(path, sizeof path, "\\??\\C:\\app\\%s.exe", programs[i]);
    expect(machine_open_section(t.machine, path, true, &t.sections[i]), DBGKSIM_OK, "program", programs[i]);
  }
  const struct stock before = take_stock();
  for (t.sequence = 0; t.sequence < sequences; t.sequence++) {
    run_sequence();
  }
  end_processes();
  compare_stock(&before);
  machine_leave(t.machine);
  dbgksim_machine_destroy(t.machine);
}

static unsigned number(const char *name, unsigned otherwise)
{
  const char *text = getenv(name);
  return text && *text ? (unsigned)strtoul(text, NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
  if (argc != 3)
    return 2;
  unsigned sequences = number("DBGKSIM_SEQUENCES", DEFAULT_SEQUENCES), only = number("DBGKSIM_BATCH", ~0u), done = 0;
  if (only != ~0u) {
    t.batch = only;
    run_batch(argv[1], argv[2], SEQUENCES_PER_BATCH);
    done = SEQUENCES_PER_BATCH;
  }
  for (; done < sequences && only == ~0u; t.batch++) {
    unsigned n = sequences - done < SEQUENCES_PER_BATCH ? sequences - done : SEQUENCES_PER_BATCH;
    run_batch(argv[1], argv[2], n);
    done += n;
  }
  printf("%u sequences, %llu calls, %llu successful, %llu events read\n", done, t.calls, t.successes, t.read);
  return 0;
}
