/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random sequences of debug services: three native threads are debuggers of two processes without a processor, and the
 * input says what each of the five does and who runs next.
 *
 * An input is
 * - 1 byte of flags: 1 the debuggees start with their creation reported, 2 a debugger may be let in at locks,
 *   signals and race points too; the next two bits are the era (fuzz_set_era);
 * - 1 byte n, the number of steps;
 * - n times actor (0-2 a native thread, 3-4 a debuggee; modulo 5), code, a, b, c: see services_debugger.c and
 *   services_debuggee.c;
 * - the rest: the schedule. Each byte is a choice among the ready threads (low 3 bits) and for how many choices
 *   where the running thread may go on it does (high 5 bits). Without bytes nobody is preempted. */
#include "services.h"

#include "ntos/ke/internal.h"
#include "ntos/svc/svc_object.h"

#include <stdlib.h>
#include <string.h>

/** Scheduling choices of one case; the longest that ends takes a tenth. */
#define MAX_CHOICES 100000u
#define SECOND 10000000ll

struct services_case services;
struct services_world world;

struct thread_facts *facts_of(HANDLE thread_id)
{
  HANDLE index = (thread_id - world.first_id) / 4;
  return thread_id >= world.first_id && index < MAX_THREADS ? &services.threads[index] : NULL;
}

unsigned debuggee_index(HANDLE process_id)
{
  unsigned i = 0;
  while (i < PROCESSES && world.process_id[i] != process_id)
    i++;
  return i;
}

bool next_step(unsigned actor, struct step *step)
{
  if (services.next[actor] == services.length[actor])
    return false;
  *step = services.scripts[actor][services.next[actor]++];
  return true;
}

/* At quantum ends and yields an input that says nothing gives the others their turn. */
static unsigned choose(void *context, enum ke_choice_point point, KTHREAD *const ready[], unsigned n)
{
  (void)context, (void)ready;
  const bool turn = point == KE_CHOICE_QUANTUM || point == KE_CHOICE_YIELD;
  FUZZ_CHECK(++services.choices < MAX_CHOICES, "the case does not end: %u scheduling choices", MAX_CHOICES);
  if (point != KE_CHOICE_WAIT && !turn && services.keep) {
    services.keep--;
    return 0;
  }
  if (fuzz_used_up(&services.schedule))
    return turn && n > 1;
  uint8_t byte = fuzz_byte(&services.schedule);
  services.keep = byte >> 3;
  return (byte & 7) % n;
}

/* ---- the state that each case starts from ---- */

/* FUZZ_LOCKING=object-mutex-only or lost-wake-up: a kernel with a known defect, to see that it is found
 * (docs/fuzzing.md). */
static void choose_locking(void)
{
  const char *variant = getenv("FUZZ_LOCKING");
  if (variant && !strcmp(variant, "object-mutex-only"))
    dbgk_set_locking(DBGK_OBJECT_MUTEX, false);
  else if (variant && !strcmp(variant, "lost-wake-up"))
    dbgk_set_locking(DBGK_BOTH_LOCKS, true);
  else
    FUZZ_CHECK(!variant, "FUZZ_LOCKING: object-mutex-only or lost-wake-up");
}

static void prepare(void)
{
  choose_locking();
  EPROCESS *host = fuzz_machine()->host_process;
  FUZZ_CHECK(ob_handle_count(host) == 0, "the native process has handles at the start");
  for (unsigned i = 0; i < PROCESSES; i++) {
    ETHREAD *thread;
    FUZZ_CHECK(NT_SUCCESS(PsCreateMinimalProcess(host, "debuggee", life_userland()->ntdll, &world.process[i])),
               "no process");
    world.process_id[i] = world.process[i]->UniqueProcessId;
    FUZZ_CHECK(
        NT_SUCCESS(ObOpenObjectByPointer(world.process[i], 0, PROCESS_ALL_ACCESS, NULL, &world.process_handle[i])),
        "no handle of a process");
    FUZZ_CHECK(NT_SUCCESS(life_create_minimal_thread(world.process[i], debuggee_main, NULL, 0, &thread)), "no thread");
    ObDereferenceObject(thread);
  }
  world.first_id = world.process_id[0];
}

static void read_scripts(struct fuzz_input *in, unsigned flags)
{
  unsigned steps = fuzz_byte(in) % (MAX_STEPS + 1);
  for (; steps && !fuzz_used_up(in); steps--) {
    unsigned actor = fuzz_byte(in) % ACTORS;
    struct step *step = &services.scripts[actor][services.length[actor]++];
    step->code = fuzz_byte(in);
    step->a = fuzz_byte(in);
    step->b = fuzz_byte(in);
    step->c = fuzz_byte(in);
  }
  services.schedule = fuzz_part(in, in->size);
  ki_state()->policy = (struct ke_policy){.choose = choose, .preempts_at_signals = (flags & 2) != 0};
}

/* ---- the end ---- */

static void wait_for_end(void *object, const char *what)
{
  const LONG64 limit = -10 * SECOND;
  NTSTATUS status = KeWaitForSingleObject(object, UserRequest, UserMode, FALSE, &limit);
  FUZZ_CHECK(status == STATUS_SUCCESS, "%s does not end: wait status %08X, end reason %d", what, (unsigned)status,
             (int)ke_ended());
}

static void sleep_for(LONG64 microseconds)
{
  const LONG64 interval = -10 * microseconds;
  KeDelayExecutionThread(UserMode, FALSE, &interval);
}

/* After a detach nothing of the process stays in the queue. */
static void check_ports(void)
{
  for (unsigned i = 0; i < OBJECTS; i++) {
    DEBUG_OBJECT *object;
    if (!NT_SUCCESS(ObReferenceObjectByHandle(services.object[i], 0, ob_types()->DebugObject, KernelMode,
                                              (void **)&object, NULL)))
      continue;
    for (LIST_ENTRY *e = object->EventList.Flink; e != &object->EventList; e = e->Flink) {
      const DEBUG_EVENT *event = CONTAINING_RECORD(e, DEBUG_EVENT, EventList);
      FUZZ_CHECK(event->Process->DebugPort == object || event->Process->Flags & PS_PROCESS_FLAGS_PROCESS_EXITING,
                 "an event of thread %u is in a queue and its process is not debugged by it",
                 (unsigned)event->ClientId.UniqueThread);
    }
    ObDereferenceObject(object);
  }
}

/* With the last debug object the suspensions of its attaches are gone. */
static void check_suspensions(void)
{
  for (unsigned i = 0; i < PROCESSES; i++)
    for (ETHREAD *t = PsGetNextProcessThread(world.process[i], NULL); t;
         t = PsGetNextProcessThread(world.process[i], t))
      FUZZ_CHECK(t->Tcb.SuspendCount == 0, "thread %u: suspend count %d without a debugger",
                 (unsigned)t->Cid.UniqueThread, (int)t->Tcb.SuspendCount);
}

static void close_all_handles(void)
{
  EPROCESS *host = fuzz_machine()->host_process;
  services.separated = true;
  for (HANDLE handle = 4; ob_handle_count(host); handle += 4)
    NtClose(handle);
}

/* One may debug the other, or keep the object that debugs it: nobody would continue what they send at their end. */
static void terminate_debuggees(void)
{
  for (unsigned i = 0; i < PROCESSES; i++)
    PsTerminateProcess(world.process[i], 9);
  for (unsigned i = 0; i < 2 * PROCESSES; i++) {
    sleep_for(1);
    DbgkClearProcessDebugObject(world.process[i % PROCESSES], NULL);
  }
}

static void check_end(EPROCESS *process)
{
  wait_for_end(process, "a debuggee");
  FUZZ_CHECK(!process->DebugPort, "an ended process has a debug port");
  FUZZ_CHECK(!process->RundownProtect.count, "an ended process's run-down count is %u", process->RundownProtect.count);
  FUZZ_CHECK(!process->Pcb.FreezeCount, "an ended process's freeze count is %d", (int)process->Pcb.FreezeCount);
  FUZZ_CHECK(!process->ActiveThreads, "an ended process has %u threads", process->ActiveThreads);
}

/* More readings of one event than times that a debugger put it off. */
static void check_readings(void)
{
  for (unsigned i = 0; i < services.exception_count; i++) {
    const struct thread_facts *facts = facts_of(services.exceptions[i].thread_id);
    FUZZ_CHECK(!facts || services.exceptions[i].reads <= 1 + facts->replies_later,
               "exception %u was read %u times and put off %u times", i, services.exceptions[i].reads,
               facts->replies_later);
  }
  for (unsigned i = 0; i < MAX_THREADS; i++) {
    const struct thread_facts *facts = &services.threads[i];
    FUZZ_CHECK(facts->exits_read <= 1 + facts->replies_later, "the exit of thread %u was read %u times",
               (unsigned)world.first_id + 4 * i, facts->exits_read);
    FUZZ_CHECK(facts->starts_read <= 1 + services.attaches + facts->replies_later,
               "the start of thread %u was read %u times", (unsigned)world.first_id + 4 * i, facts->starts_read);
  }
}

static void native_main(void *argument)
{
  struct step step;
  while (next_step((unsigned)(uintptr_t)argument, &step))
    debugger_step(&step);
}

static void run(struct fuzz_input *in)
{
  ETHREAD *debuggers[DEBUGGERS];
  memset(&services, 0, sizeof services);
  const uint8_t flags = fuzz_byte(in);
  fuzz_set_era(flags >> 2);
  read_scripts(in, flags);
  if (flags & 1)
    sleep_for(1);
  for (unsigned i = 0; i < DEBUGGERS; i++)
    FUZZ_CHECK(NT_SUCCESS(PsCreateNativeThread(fuzz_machine()->host_process, native_main, (void *)(uintptr_t)i,
                                               &debuggers[i])),
               "no native thread");
  for (unsigned i = 0; i < DEBUGGERS; i++) {
    wait_for_end(debuggers[i], "a native thread");
    ObDereferenceObject(debuggers[i]);
  }
  check_ports();
  close_all_handles();
  if (!services.suspended)
    check_suspensions();
  check_readings();
  terminate_debuggees();
  for (unsigned i = 0; i < PROCESSES; i++)
    check_end(world.process[i]);
  for (unsigned i = 0; i < PROCESSES; i++) {
    /* Not earlier: one may have caused events of the other, which outlast it. */
    size_t charged = world.process[i]->PoolQuotaUsage;
    FUZZ_CHECK(!charged, "an ended process is charged %zu bytes", charged);
    ObDereferenceObject(world.process[i]);
  }
  FUZZ_CHECK(!dbgk_state()->DbgkpProcessDebugPortMutex.Owner, "the port mutex is owned");
  ki_state()->policy = (struct ke_policy){0};
  sleep_for(1000);
  fuzz_check_nothing_left();
}

/* A debugger attaches, and reads and continues four events. */
static const uint8_t warm_up[] = {1, 6, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9, 0, 0,
                                  0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0};

const struct fuzz_target fuzz_target = {
    .name = "fuzz_services", .prepare = prepare, .run = run, .warm_up = warm_up, .warm_up_size = sizeof warm_up};
