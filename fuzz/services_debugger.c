/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the native threads do: every service of the debug subsystem, and those that end or hold its subjects. */
#include "services.h"

#include "ntos/svc/svc_object.h"
#include "ntos/svc/svc_process.h"
#include "ntos/svc/svc_sync.h"

static void close_handle(HANDLE handle)
{
  if (handle)
    NtClose(handle);
}

/* The old handle is closed after the slot has the new one: another thread may use the slot meanwhile. */
static void set_object(unsigned slot, HANDLE handle)
{
  HANDLE old = services.object[slot];
  services.object[slot] = handle;
  if (old)
    services.separated = true;
  close_handle(old);
}

static void create_object(unsigned slot, const struct step *step)
{
  HANDLE object = 0;
  ACCESS_MASK access = step->b & 0x80 ? step->c & DEBUG_ALL_ACCESS : DEBUG_ALL_ACCESS;
  if (step->b & 1)
    services.separated = true; /* its close may kill */
  NtCreateDebugObject(AT(&object), access, 0, step->b & 3);
  if (object)
    set_object(slot, object);
}

/* An attempt that fails counts too: its events are in the queue until it is backed out, and a continue of the event
 * before them lets the debugger read them (spec/3.4; Windows does the same). */
static void attach(unsigned target, HANDLE object)
{
  services.attaches++;
  NtDebugActiveProcess(world.process_handle[target], object);
}

static void note_read(const DBGUI_WAIT_STATE_CHANGE *change)
{
  struct thread_facts *facts = facts_of(change->AppClientId.UniqueThread);
  switch (change->NewState) {
  case DbgCreateProcessStateChange:
  case DbgCreateThreadStateChange:
    if (facts)
      facts->starts_read++;
    break;
  case DbgExitProcessStateChange:
  case DbgExitThreadStateChange:
    if (facts)
      facts->exits_read++;
    break;
  case DbgExceptionStateChange:
  case DbgBreakpointStateChange:
  case DbgSingleStepStateChange: {
    ULONG64 serial = change->StateInfo.Exception.ExceptionRecord.ExceptionInformation[0];
    if (serial < services.exception_count)
      services.exceptions[serial].reads++;
    break;
  }
  default:
    break;
  }
}

static void close_event_handles(const DBGUI_WAIT_STATE_CHANGE *change)
{
  HANDLE handles[DBGK_EVENT_HANDLES];
  const unsigned count = dbgk_event_handles(change, handles);
  for (unsigned i = 0; i < count; i++)
    close_handle(handles[i]);
}

/* An event that may be read is signalled, whoever waits: its queue says the one, its KEVENT the other. */
static void check_signal(HANDLE handle)
{
  DEBUG_OBJECT *object;
  if (!NT_SUCCESS(ObReferenceObjectByHandle(handle, 0, ob_types()->DebugObject, KernelMode, (void **)&object, NULL)))
    return;
  bool readable = false;
  for (LIST_ENTRY *e = object->EventList.Flink; e != &object->EventList && !readable; e = e->Flink) {
    const DEBUG_EVENT *event = CONTAINING_RECORD(e, DEBUG_EVENT, EventList);
    readable = !(event->Flags & (DEBUG_EVENT_READ | DEBUG_EVENT_INACTIVE)) && dbgk_is_first(event);
  }
  FUZZ_CHECK(!readable || object->Mutex.Owner || object->EventsPresent.Header.SignalState,
             "an event can be read and its debug object is not signalled");
  ObDereferenceObject(object);
}

bool debugger_read(HANDLE object, unsigned milliseconds, bool alertable, CLIENT_ID *client)
{
  DBGUI_WAIT_STATE_CHANGE change = {0};
  LONG64 timeout = -10000ll * milliseconds;
  NTSTATUS status = NtWaitForDebugEvent(object, alertable, AT(&timeout), AT(&change));
  if (status == STATUS_SUCCESS) {
    *client = change.AppClientId;
    note_read(&change);
    close_event_handles(&change);
  }
  check_signal(object);
  return status == STATUS_SUCCESS;
}

static void read_event(unsigned slot, const struct step *step)
{
  CLIENT_ID client;
  if (!debugger_read(services.object[slot], step->b & 7, (step->b & 8) != 0, &client))
    return;
  unsigned place = services.event_count++ % MAX_EVENTS;
  services.events[place].client = client;
  services.events[place].object = slot;
}

static void note_answer(const CLIENT_ID *client, NTSTATUS status)
{
  struct thread_facts *facts = facts_of(client->UniqueThread);
  if (!facts)
    return;
  if (status == DBG_REPLY_LATER)
    facts->replies_later++;
  else if (NT_SUCCESS(status))
    facts->let_go = true;
  else
    facts->not_handled = true;
}

void debugger_continue(HANDLE object, const CLIENT_ID *client, NTSTATUS status)
{
  note_answer(client, status);
  NtDebugContinue(object, AT(client), status);
  check_signal(object);
}

static void continue_event(unsigned slot, const struct step *step)
{
  static const NTSTATUS statuses[] = {DBG_CONTINUE,    DBG_EXCEPTION_HANDLED, DBG_EXCEPTION_NOT_HANDLED,
                                      DBG_REPLY_LATER, DBG_TERMINATE_THREAD,  DBG_TERMINATE_PROCESS,
                                      STATUS_PENDING,  DBG_CONTINUE};
  unsigned known = services.event_count < MAX_EVENTS ? services.event_count : MAX_EVENTS;
  CLIENT_ID client = {world.process_id[slot % PROCESSES], step->c * 4u};
  if (known && !(step->c & 0x80)) {
    unsigned chosen = (step->c & 0x40 ? step->c : services.event_count - 1) % known;
    client = services.events[chosen].client;
    if (!(step->c & 0x20))
      slot = services.events[chosen].object;
  }
  debugger_continue(services.object[slot], &client, statuses[step->b % (sizeof statuses / sizeof statuses[0])]);
}

static void duplicate(unsigned slot, const struct step *step)
{
  HANDLE copy = 0;
  NtDuplicateObject(NtCurrentProcess(), services.object[slot], NtCurrentProcess(), AT(&copy),
                    step->c & DEBUG_ALL_ACCESS, 0, step->b & 0x80 ? 0 : DUPLICATE_SAME_ACCESS);
  if (copy)
    set_object(step->b % OBJECTS, copy);
}

/* A handle of one of a debuggee's threads, or 0. */
static HANDLE open_thread(unsigned target, unsigned n)
{
  HANDLE thread = 0, next;
  for (n %= MAX_DEBUGGEE_THREADS;; n--) {
    NTSTATUS status = NtGetNextThread(world.process_handle[target], thread, THREAD_ALL_ACCESS, 0, 0, AT(&next));
    close_handle(thread);
    thread = status == STATUS_SUCCESS ? next : 0;
    if (!thread || !n)
      return thread;
  }
}

static void use_thread(unsigned target, const struct step *step)
{
  HANDLE thread = open_thread(target, step->c);
  ULONG previous;
  CONTEXT context = {.ContextFlags = CONTEXT_FULL};
  switch (step->b % 6) {
  case 0:
    services.suspended = true;
    NtSuspendThread(thread, AT(&previous));
    break;
  case 1:
    services.suspended = true;
    NtResumeThread(thread, AT(&previous));
    break;
  case 2:
    services.separated = true;
    NtTerminateThread(thread, 3);
    break;
  case 3:
    NtAlertThread(thread);
    break;
  case 4:
    NtGetContextThread(thread, AT(&context));
    break;
  default:
    NtSetContextThread(thread, AT(&context));
  }
  close_handle(thread);
}

static void use_process(unsigned target, const struct step *step)
{
  HANDLE process = world.process_handle[target];
  ULONG64 value = 0;
  ULONG length, flags = step->c;
  LONG64 timeout = -(LONG64)step->c * 10;
  switch (step->b % 7) {
  case 0:
    services.suspended = true;
    NtSuspendProcess(process);
    break;
  case 1:
    services.suspended = true;
    NtResumeProcess(process);
    break;
  case 2:
    services.separated = true;
    NtTerminateProcess(process, step->c & 1 ? 7 : DBG_TERMINATE_PROCESS);
    break;
  case 3:
    NtWaitForSingleObject(process, FALSE, AT(&timeout));
    break;
  case 4:
    if (NT_SUCCESS(NtQueryInformationProcess(process, 0x1E, AT(&value), 8, AT(&length))))
      set_object(step->c % OBJECTS, value);
    break;
  case 5:
    NtQueryInformationProcess(process, step->c & 1 ? 7 : 0x1F, AT(&value), step->c & 1 ? 8 : 4, AT(&length));
    break;
  default:
    NtSetInformationProcess(process, 0x1F, AT(&flags), sizeof flags);
  }
}

static void set_information(HANDLE object, const struct step *step)
{
  ULONG flags = step->b & 3, length;
  services.separated = true;
  NtSetInformationDebugObject(object, step->c & 0x80 ? step->c : 1, AT(&flags), step->c & 0x40 ? 8 : 4, AT(&length));
}

static void sleep_for(unsigned microseconds)
{
  const LONG64 interval = -10ll * microseconds;
  NtDelayExecution(FALSE, AT(&interval));
}

/* Addresses below the lowest one that a user may have; all others are the host's own. */
static void bad_pointers(HANDLE object, const struct step *step)
{
  const ULONG64 bad = (ULONG64)step->c << 8;
  DBGUI_WAIT_STATE_CHANGE change;
  LONG64 poll = 0;
  switch (step->b % 5) {
  case 0:
    NtWaitForDebugEvent(object, FALSE, AT(&poll), bad);
    break;
  case 1:
    NtWaitForDebugEvent(object, FALSE, bad | 1, AT(&change));
    break;
  case 2:
    NtDebugContinue(object, bad, DBG_CONTINUE);
    break;
  case 3:
    NtCreateDebugObject(bad, DEBUG_ALL_ACCESS, 0, 0);
    break;
  default:
    NtSetInformationDebugObject(object, 1, bad, 4, bad);
  }
}

void debugger_step(const struct step *step)
{
  const unsigned slot = step->a % OBJECTS, target = (step->a >> 4) % PROCESSES;
  switch (step->code % 20) {
  case 0:
    create_object(slot, step);
    break;
  case 1:
  case 2:
    attach(target, services.object[slot]);
    break;
  case 3:
  case 4:
  case 5:
    read_event(slot, step);
    break;
  case 6:
  case 7:
  case 8:
    continue_event(slot, step);
    break;
  case 9: {
    const struct step answer = {0, step->a, step->c, 0};
    read_event(slot, step);
    continue_event(slot, &answer);
    break;
  }
  case 10:
    services.separated = true;
    NtRemoveProcessDebug(world.process_handle[target], services.object[slot]);
    break;
  case 11:
    set_object(slot, 0);
    break;
  case 12:
    set_information(services.object[slot], step);
    break;
  case 13:
    duplicate(slot, step);
    break;
  case 14:
    use_thread(target, step);
    break;
  case 15:
    use_process(target, step);
    break;
  case 16:
    services.separated = true;
    NtClose(step->b * 4u);
    break;
  case 17:
    bad_pointers(services.object[slot], step);
    break;
  case 18:
    NtYieldExecution();
    break;
  default:
    sleep_for(step->b);
  }
}
