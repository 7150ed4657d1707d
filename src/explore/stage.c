/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stage: processes, threads and the services that scenarios use. Each service ends as it would in user code: the
 * thread may be told to exit, or be held, before it goes on. */
#include "explore/internal.h"
#include "ntos/svc/svc_object.h"
#include "ntos/svc/svc_process.h"
#include "ntos/svc/svc_sync.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/** Marks a PEB, so that attach and detach take the locks that marking takes; there is no memory behind it. */
#define STAGE_PEB 0x7FFD0000u
#define STAGE_IMAGE_BASE 0x400000u
#define AT(p) ((ULONG64)(uintptr_t)(p))
/** ProcessDebugObjectHandle */
#define PROCESS_DEBUG_OBJECT_HANDLE 0x1Eu
/** Virtual time that dbgksim_explore_settle lets pass, 100 ns units. */
#define SETTLE_TIME 10000
/** When schedules begin, after the machine's start: later than any setup. */
#define BEGIN_TIME 600000000

void explore_found(dbgksim_explorer *x, enum dbgksim_finding_kind kind, const char *format, ...)
{
  if (x->found >> kind & 1)
    return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(x->what[kind], sizeof x->what[kind], format, arguments);
  va_end(arguments);
  x->found |= 1u << kind;
}

void dbgksim_explore_fail(dbgksim_explorer *explorer, const char *format, ...)
{
  if (explorer->found >> DBGKSIM_FINDING_CHECK & 1)
    return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(explorer->what[DBGKSIM_FINDING_CHECK], sizeof explorer->what[0], format, arguments);
  va_end(arguments);
  explorer->found |= 1u << DBGKSIM_FINDING_CHECK;
}

const char *explore_thread_name(const struct explore_stage *stage, const KTHREAD *thread)
{
  for (unsigned i = 0; i < stage->thread_count; i++)
    if ((const KTHREAD *)stage->threads[i].thread == thread)
      return stage->threads[i].name;
  for (unsigned i = 0; i < stage->process_count; i++)
    if (thread->Process == &stage->processes[i].process->Pcb)
      return stage->processes[i].name;
  return "?";
}

/* ---- setting the stage ---- */

/* Scenarios set the stage from outside of the machine, and their bodies from inside. */
static bool come_in(dbgksim_explorer *x)
{
  return KeGetPcr() != &x->machine->pcr && machine_enter(x->machine) == DBGKSIM_OK;
}

static void go_out(dbgksim_explorer *x, bool entered)
{
  if (entered)
    machine_leave(x->machine);
}

dbgksim_machine *dbgksim_explore_machine(dbgksim_explorer *explorer) { return explorer->machine; }

/* A handle of `in` to `to`. Opened when it is needed, it could have the value of one that was closed meanwhile. */
static void open_handle(struct explore_stage *stage, unsigned in, unsigned to)
{
  struct stage_process *owner = &stage->processes[in];
  if (owner->process->Flags3 & PS_PROCESS_FLAGS3_MINIMAL &&
      !NT_SUCCESS(ob_open_in(owner->process, stage->processes[to].process, 0, PROCESS_ALL_ACCESS, &owner->handles[to])))
    explore_found(stage->explorer, DBGKSIM_FINDING_CHECK, "%s gets no handles", owner->name);
}

static unsigned add_process(struct explore_stage *stage, const char *name, EPROCESS *process)
{
  const unsigned number = stage->process_count++;
  stage->processes[number] = (struct stage_process){.name = name, .process = process};
  for (unsigned i = 0; i <= number; i++) {
    open_handle(stage, i, number);
    if (i != number)
      open_handle(stage, number, i);
  }
  return number;
}

unsigned dbgksim_explore_process(dbgksim_explorer *explorer, const char *name)
{
  struct explore_stage *stage = explorer->stage;
  EPROCESS *process;
  bool entered = come_in(explorer);
  unsigned number = 0;
  if (stage->process_count == EXPLORE_MAX_PROCESSES ||
      !NT_SUCCESS(PsCreateMinimalProcess(explorer->machine->host_process, name, stage->section, &process))) {
    explore_found(explorer, DBGKSIM_FINDING_CHECK, "process %s can not be made", name);
  } else {
    process->Peb = STAGE_PEB;
    process->SectionBaseAddress = STAGE_IMAGE_BASE;
    number = add_process(stage, name, process);
  }
  go_out(explorer, entered);
  return number;
}

unsigned dbgksim_explore_spawned(dbgksim_explorer *explorer, const char *name, uint32_t pid)
{
  EPROCESS *process;
  bool entered = come_in(explorer);
  unsigned number = 0;
  if (explorer->stage->process_count == EXPLORE_MAX_PROCESSES || !NT_SUCCESS(PsLookupProcessByProcessId(pid, &process)))
    explore_found(explorer, DBGKSIM_FINDING_CHECK, "process %u can not be taken on the stage", (unsigned)pid);
  else
    number = add_process(explorer->stage, name, process);
  go_out(explorer, entered);
  return number;
}

static void run_body(void *argument)
{
  struct stage_thread *thread = argument;
  thread->body(thread->stage->explorer, thread->stage->state);
}

/* Between the service and the next line of a body. */
static void back_to_user_mode(void)
{
  if (PsGetCurrentProcess()->Flags3 & PS_PROCESS_FLAGS3_MINIMAL)
    life_return_to_user_mode();
}

unsigned dbgksim_explore_thread(dbgksim_explorer *explorer, unsigned process, const char *name,
                                dbgksim_explore_body *body)
{
  struct explore_stage *stage = explorer->stage;
  bool entered = come_in(explorer);
  unsigned number = stage->thread_count;
  struct stage_thread *thread = &stage->threads[number];
  NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
  if (number < EXPLORE_MAX_THREADS && process < stage->process_count) {
    *thread = (struct stage_thread){.name = name, .process = process, .body = body, .stage = stage};
    stage->thread_count++;
    ETHREAD *made = NULL;
    status = life_create_minimal_thread(stage->processes[process].process, run_body, thread, 0, &made);
    thread->thread = made;
  }
  /* A process that is being ended takes no new threads; that is no finding. */
  if (!NT_SUCCESS(status) && status != STATUS_PROCESS_IS_TERMINATING)
    explore_found(explorer, DBGKSIM_FINDING_CHECK, "thread %s can not be made: %08X", name, (unsigned)status);
  if (!entered)
    back_to_user_mode();
  go_out(explorer, entered);
  return number;
}

void dbgksim_explore_settle(dbgksim_explorer *explorer)
{
  const LONG64 time = -SETTLE_TIME;
  bool entered = come_in(explorer);
  KeDelayExecutionThread(UserMode, FALSE, &time);
  go_out(explorer, entered);
}

/* All sleep to one moment, so that none comes before another. */
void dbgksim_explore_begin(dbgksim_explorer *explorer)
{
  (void)explorer;
  const LONG64 moment = KE_BOOT_TIME + KE_START_UPTIME + BEGIN_TIME;
  KeDelayExecutionThread(UserMode, FALSE, &moment);
  back_to_user_mode();
}

/* A section that opens as a file, as images do, at no cost of the host's. */
static SECTION *make_section(void)
{
  static const char path[] = "\\??\\NUL", bytes[1] = "";
  const struct mm_file_source source = {.path = path, .bytes = bytes, .size = sizeof bytes};
  SECTION *section;
  return NT_SUCCESS(MmCreateSection(&section, &source, 0, PAGE_READONLY, SEC_COMMIT)) ? section : NULL;
}

bool explore_set_stage(dbgksim_explorer *x)
{
  if (machine_enter(x->machine) != DBGKSIM_OK)
    return false;
  struct explore_stage *stage = ExAllocatePoolWithTag(sizeof *stage, POOL_TAG('S', 't', 'a', 'g'));
  bool good = stage && ke_quarantine_start(EXPLORE_FREED_BLOCKS);
  dbgk_set_locking((enum dbgk_locking)x->options.locking, x->options.plant);
  if (good) {
    watch_take_stock(&x->stock);
    stage->explorer = x;
    stage->section = make_section();
    stage->state = ExAllocatePoolWithTag(x->scenario->state_size, POOL_TAG('S', 't', 'a', 't'));
    good = stage->section && stage->state;
  }
  x->stage = stage;
  x->found = 0;
  machine_leave(x->machine);
  if (good)
    x->scenario->setup(x, stage->state);
  return good && !x->found;
}

void explore_clear_stage(dbgksim_explorer *x)
{
  struct explore_stage *stage = x->stage;
  for (unsigned i = 0; i < stage->thread_count; i++)
    if (stage->threads[i].thread)
      ObDereferenceObject(stage->threads[i].thread);
  for (unsigned i = 0; i < stage->process_count; i++)
    ObDereferenceObject(stage->processes[i].process);
  ObDereferenceObject(stage->section);
  stage->thread_count = stage->process_count = 0;
}

/* ---- what bodies do ---- */

/* A service of the running thread begins. */
static void says(dbgksim_explorer *x, const char *service)
{
  if (x->noting)
    explore_note(x, KE_CHOICE_RACE, KeGetCurrentThread(), service, NULL, true);
}

DEBUG_OBJECT *explore_object_of(HANDLE handle)
{
  void *object;
  if (!NT_SUCCESS(ObReferenceObjectByHandle(handle, 0, ob_types()->DebugObject, KernelMode, &object, NULL)))
    return NULL;
  ObDereferenceObject(object);
  return object;
}

/* The running process's handle to a process. */
static HANDLE process_handle(const struct explore_stage *stage, unsigned process)
{
  for (unsigned i = 0; i < stage->process_count && process < stage->process_count; i++)
    if (stage->processes[i].process == PsGetCurrentProcess())
      return stage->processes[i].handles[process];
  return 0;
}

static void close_handle(HANDLE handle)
{
  if (handle)
    ob_close_in(PsGetCurrentProcess(), handle, KernelMode);
}

HANDLE dbgksim_explore_debug_object(dbgksim_explorer *explorer, bool kill_on_close)
{
  struct explore_stage *stage = explorer->stage;
  HANDLE handle = 0;
  says(explorer, "NtCreateDebugObject");
  NTSTATUS status = NtCreateDebugObject(AT(&handle), DEBUG_ALL_ACCESS, 0, kill_on_close ? DEBUG_KILL_ON_CLOSE : 0);
  if (!NT_SUCCESS(status))
    handle = 0;
  else if (stage->object_count < EXPLORE_MAX_OBJECTS)
    stage->objects[stage->object_count++].object = explore_object_of(handle);
  back_to_user_mode();
  return handle;
}

static void change_begins(struct explore_stage *stage)
{
  stage->changes++;
  stage->changing++;
}

static void change_ends(struct explore_stage *stage)
{
  stage->changes++;
  stage->changing--;
}

NTSTATUS dbgksim_explore_debug(dbgksim_explorer *explorer, HANDLE object, unsigned process)
{
  struct explore_stage *stage = explorer->stage;
  void *body;
  if (process >= stage->process_count)
    return STATUS_INVALID_PARAMETER;
  says(explorer, "creation under a debugger");
  NTSTATUS status =
      ObReferenceObjectByHandle(object, DEBUG_PROCESS_ASSIGN, ob_types()->DebugObject, UserMode, &body, NULL);
  if (NT_SUCCESS(status)) {
    change_begins(stage);
    DbgkCopyProcessDebugPort(stage->processes[process].process, NULL, body);
    ObDereferenceObject(body);
    change_ends(stage);
    watch_ports(stage);
  }
  back_to_user_mode();
  return status;
}

NTSTATUS dbgksim_explore_attach(dbgksim_explorer *explorer, HANDLE object, unsigned process)
{
  struct explore_stage *stage = explorer->stage;
  const DEBUG_OBJECT *body = explore_object_of(object);
  HANDLE handle = process_handle(stage, process);
  says(explorer, "NtDebugActiveProcess");
  change_begins(stage);
  if (body && handle)
    watch_attached(stage, body, stage->processes[process].process->UniqueProcessId);
  NTSTATUS status = NtDebugActiveProcess(handle, object);
  change_ends(stage);
  watch_ports(stage);
  back_to_user_mode();
  return status;
}

NTSTATUS dbgksim_explore_detach(dbgksim_explorer *explorer, HANDLE object, unsigned process)
{
  struct explore_stage *stage = explorer->stage;
  const DEBUG_OBJECT *body = explore_object_of(object);
  HANDLE handle = process_handle(stage, process);
  says(explorer, "NtRemoveProcessDebug");
  change_begins(stage);
  NTSTATUS status = NtRemoveProcessDebug(handle, object);
  change_ends(stage);
  if (NT_SUCCESS(status) && body)
    watch_detached(stage, body, stage->processes[process].process->UniqueProcessId);
  back_to_user_mode();
  return status;
}

/* The handles that came with an event; user mode closes them sooner or later. */
static void close_event_handles(const DBGUI_WAIT_STATE_CHANGE *change)
{
  HANDLE handles[DBGK_EVENT_HANDLES];
  const unsigned count = dbgk_event_handles(change, handles);
  for (unsigned i = 0; i < count; i++)
    close_handle(handles[i]);
}

NTSTATUS dbgksim_explore_wait(dbgksim_explorer *explorer, HANDLE object, int64_t timeout,
                              DBGUI_WAIT_STATE_CHANGE *change)
{
  const LONG64 time = -timeout;
  const DEBUG_OBJECT *body = explore_object_of(object);
  memset(change, 0, sizeof *change);
  says(explorer, "NtWaitForDebugEvent");
  NTSTATUS status = NtWaitForDebugEvent(object, FALSE, timeout < 0 ? 0 : AT(&time), AT(change));
  if (status == STATUS_SUCCESS) {
    watch_read(explorer->stage, body, change);
    close_event_handles(change);
  }
  back_to_user_mode();
  return status;
}

NTSTATUS dbgksim_explore_continue(dbgksim_explorer *explorer, HANDLE object, const DBGUI_WAIT_STATE_CHANGE *change,
                                  NTSTATUS status)
{
  const DEBUG_OBJECT *body = explore_object_of(object);
  says(explorer, "NtDebugContinue");
  /* Before the service: its end may come later than the next event. */
  watch_continued(explorer->stage, body, change, status);
  status = NtDebugContinue(object, AT(&change->AppClientId), status);
  back_to_user_mode();
  return status;
}

NTSTATUS dbgksim_explore_close(dbgksim_explorer *explorer, HANDLE handle)
{
  says(explorer, "NtClose");
  watch_queues(explorer->stage);
  change_begins(explorer->stage);
  NTSTATUS status = NtClose(handle);
  change_ends(explorer->stage);
  watch_ports(explorer->stage);
  back_to_user_mode();
  return status;
}

NTSTATUS dbgksim_explore_wait_process(dbgksim_explorer *explorer, unsigned process)
{
  HANDLE handle = process_handle(explorer->stage, process);
  says(explorer, "NtWaitForSingleObject");
  NTSTATUS status = NtWaitForSingleObject(handle, FALSE, 0);
  back_to_user_mode();
  return status;
}

NTSTATUS dbgksim_explore_wait_events_or_end(dbgksim_explorer *explorer, HANDLE object, unsigned process)
{
  const HANDLE handles[2] = {object, process_handle(explorer->stage, process)};
  says(explorer, "NtWaitForMultipleObjects");
  NTSTATUS status = NtWaitForMultipleObjects(2, AT(handles), WaitAny, FALSE, 0);
  back_to_user_mode();
  return status;
}

NTSTATUS dbgksim_explore_query_object(dbgksim_explorer *explorer, unsigned process, HANDLE *object)
{
  *object = 0;
  says(explorer, "NtQueryInformationProcess");
  NTSTATUS status = NtQueryInformationProcess(process_handle(explorer->stage, process), PROCESS_DEBUG_OBJECT_HANDLE,
                                              AT(object), sizeof *object, 0);
  back_to_user_mode();
  return status;
}

NTSTATUS dbgksim_explore_terminate(dbgksim_explorer *explorer, unsigned process, NTSTATUS status)
{
  HANDLE handle = process_handle(explorer->stage, process);
  says(explorer, "NtTerminateProcess");
  explorer->stage->changes++;
  status = NtTerminateProcess(handle, status);
  back_to_user_mode();
  return status;
}

NTSTATUS dbgksim_explore_exit_status(dbgksim_explorer *explorer, unsigned process)
{
  const struct explore_stage *stage = explorer->stage;
  return process < stage->process_count ? stage->processes[process].process->ExitStatus : STATUS_INVALID_PARAMETER;
}

bool dbgksim_explore_ended(dbgksim_explorer *explorer, unsigned process)
{
  const struct explore_stage *stage = explorer->stage;
  return process >= stage->process_count || ps_process_ended(stage->processes[process].process);
}

bool dbgksim_explore_raise(dbgksim_explorer *explorer, NTSTATUS code)
{
  struct explore_stage *stage = explorer->stage;
  const EPROCESS *process = PsGetCurrentProcess();
  const ULONG64 serial = ++stage->raised, changes = stage->changes;
  EXCEPTION_RECORD64 record = {.ExceptionCode = code, .ExceptionAddress = STAGE_IMAGE_BASE, .NumberParameters = 1};
  record.ExceptionInformation[0] = serial;
  const DEBUG_OBJECT *port = stage->changing ? NULL : process->DebugPort;
  says(explorer, "an exception");
  bool handled = DbgkForwardException(&record, TRUE, FALSE);
  if (port && port == process->DebugPort && changes == stage->changes && serial < 64 &&
      !(port->Flags & DEBUG_OBJECT_DELETE_PENDING) && !(stage->delivered >> serial & 1))
    explore_found(explorer, DBGKSIM_FINDING_LOST,
                  "%s: the exception was not delivered, though the process was debugged "
                  "all the time",
                  explore_thread_name(stage, KeGetCurrentThread()));
  back_to_user_mode();
  return handled;
}

void dbgksim_explore_load_image(dbgksim_explorer *explorer)
{
  says(explorer, "an image was mapped");
  DbgkMapViewOfSection(PsGetCurrentProcess(), explorer->stage->section, STAGE_IMAGE_BASE);
  back_to_user_mode();
}
