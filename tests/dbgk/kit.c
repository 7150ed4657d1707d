/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kit.h"

#include "dbgk/internal.h"
#include "ntos/ke/internal.h"

#include <stdio.h>
#include <string.h>

#define MAX_TYPES 64

/* What a machine holds of each object type, and its debug events. */
struct holdings {
  const char *names[MAX_TYPES];
  ULONG objects[MAX_TYPES], handles[MAX_TYPES];
  unsigned types;
  unsigned debug_events;
};

static dbgksim_machine *machine;
static struct holdings at_start;

static struct {
  unsigned at, seen;
  bool let_in; /* the rival was given the processor */
  KTHREAD *subject, *rival;
} preemption;

/* The rival's turn comes with the preemption; after that the subject's comes when the rival has ended, or waits for
 * more than its own time. */
static bool stands_back(const KTHREAD *thread)
{
  const KTHREAD *rival = preemption.rival;
  if (thread == rival)
    return !preemption.let_in;
  return thread == preemption.subject && preemption.let_in && rival->State != Terminated &&
         (rival->State != Waiting || rival->WaitReason == DelayExecution);
}

static void count_type(void *context, OBJECT_TYPE *type)
{
  struct holdings *h = context;
  ck_assert_uint_lt(h->types, MAX_TYPES);
  h->names[h->types] = type->Name;
  h->objects[h->types] = type->TotalNumberOfObjects;
  h->handles[h->types++] = type->TotalNumberOfHandles;
}

static void count_block(void *context, uint32_t tag, size_t size, void *block)
{
  (void)size, (void)block;
  if (tag == POOL_TAG('D', 'b', 'g', 'E'))
    ((struct holdings *)context)->debug_events++;
}

static struct holdings take_stock(void)
{
  struct holdings h = {0};
  ob_for_each_type(count_type, &h);
  pool_walk(machine->pool, count_block, &h);
  return h;
}

void kit_setup(void)
{
  static const struct dbgksim_root app = {GUEST_PROGRAM_DIR, "C:\\app", false};
  struct dbgksim_config config;
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  config.roots = &app;
  config.root_count = 1;
  ck_assert_msg(dbgksim_machine_create(&config, &machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  ck_assert_int_eq(machine_enter(machine), DBGKSIM_OK);
  at_start = take_stock();
}

void kit_teardown(void)
{
  /* What has ended is reaped when somebody else runs. */
  run_for(1);
  struct holdings now = take_stock();
  ck_assert_int_eq(ke_ended(), KE_RUNNING);
  ck_assert_uint_eq(now.types, at_start.types);
  for (unsigned i = 0; i < now.types; i++) {
    ck_assert_msg(now.objects[i] == at_start.objects[i], "%s objects: %u at the start, %u now", now.names[i],
                  at_start.objects[i], now.objects[i]);
    ck_assert_msg(now.handles[i] == at_start.handles[i], "%s handles: %u at the start, %u now", now.names[i],
                  at_start.handles[i], now.handles[i]);
  }
  ck_assert_uint_eq(now.debug_events, 0);
  ck_assert_ptr_null(dbgk_state()->DbgkpProcessDebugPortMutex.Owner);
  ck_assert_uint_eq(KeGetCurrentThread()->KernelApcDisable, 0);
  ck_assert_uint_eq(machine->host_process->RundownProtect.count, 0);
  ck_assert_uint_eq(machine->host_process->PoolQuotaUsage, 0);
  machine_leave(machine);
  dbgksim_machine_destroy(machine);
}

dbgksim_machine *kit_machine(void) { return machine; }

TCase *kit_case(const char *name)
{
  TCase *tests = tcase_create(name);
  tcase_add_checked_fixture(tests, kit_setup, kit_teardown);
  return tests;
}

HANDLE debug_object(ULONG flags, ACCESS_MASK access)
{
  HANDLE object;
  ck_status(NtCreateDebugObject(AT(&object), access, 0, flags), STATUS_SUCCESS);
  return object;
}

struct debuggee start(const char *program, HANDLE object, ULONG flags, EPROCESS *parent)
{
  struct debuggee d;
  char path[256];
  SECTION *section;
  void *port = NULL;
  EPROCESS *process;
  ETHREAD *thread;
  snprintf(path, sizeof path, "\\??\\C:\\app\\%s.exe", program);
  ck_assert_msg(machine_open_section(machine, path, true, &section) == DBGKSIM_OK, "%s", machine->message);
  if (object)
    ck_status(ObReferenceObjectByHandle(object, DEBUG_PROCESS_ASSIGN, ob_types()->DebugObject, UserMode, &port, NULL),
              STATUS_SUCCESS);
  const struct life_process_request request = {
      .section = section,
      .parent = parent ? parent : machine->host_process,
      .image_path = path + 4,
      .command_line = program,
      .current_directory = "C:\\app\\",
      .environment = "\0",
      .debug_object = port,
      .flags = flags,
  };
  ck_status(PspCreateUserProcess(&request, &process, &thread), STATUS_SUCCESS);
  d.id = thread->Cid;
  ck_status(ObOpenObjectByPointer(process, 0, PROCESS_ALL_ACCESS, NULL, &d.process), STATUS_SUCCESS);
  ck_status(ObOpenObjectByPointer(thread, 0, THREAD_ALL_ACCESS, NULL, &d.thread), STATUS_SUCCESS);
  ObDereferenceObject(process);
  ObDereferenceObject(thread);
  ObDereferenceObject(section);
  if (port)
    ObDereferenceObject(port);
  return d;
}

struct debuggee spinning(void)
{
  struct debuggee d = start("g_spin", 0, 0, NULL);
  run_for(5);
  return d;
}

void ended(struct debuggee *d, NTSTATUS status)
{
  ck_status(NtWaitForSingleObject(d->process, FALSE, MS(1000)), STATUS_SUCCESS);
  EPROCESS *process = process_of(d->process);
  ck_assert_msg(process->ExitStatus == status, "exit status %08X, not %08X", (unsigned)process->ExitStatus,
                (unsigned)status);
  ck_assert_ptr_null(process->DebugPort);
  ck_assert_int_eq(process->Pcb.FreezeCount, 0);
  ck_assert_uint_eq(process->RundownProtect.count, 0);
  ck_status(NtClose(d->thread), STATUS_SUCCESS);
  ck_status(NtClose(d->process), STATUS_SUCCESS);
}

void end(struct debuggee *d)
{
  ck_assert_ptr_null(process_of(d->process)->DebugPort);
  ck_status(NtTerminateProcess(d->process, 0x1234), STATUS_SUCCESS);
  ended(d, 0x1234);
}

static void *body_of(HANDLE handle, OBJECT_TYPE *type)
{
  void *object;
  ck_status(ObReferenceObjectByHandle(handle, 0, type, KernelMode, &object, NULL), STATUS_SUCCESS);
  ObDereferenceObject(object);
  return object;
}

EPROCESS *process_of(HANDLE process) { return body_of(process, ob_types()->Process); }

ETHREAD *thread_of(HANDLE thread) { return body_of(thread, ob_types()->Thread); }

UCHAR being_debugged(HANDLE process)
{
  EPROCESS *p = process_of(process);
  UCHAR byte = 9;
  ck_status(mm_process_read(p, p->Peb + 2, &byte, 1, NULL), STATUS_SUCCESS);
  return byte;
}

ULONG64 export_address(const char *name)
{
  SECTION *ntdll = life_userland()->ntdll;
  const struct pe_headers *headers = mm_section_headers(ntdll);
  uint32_t rva = pe_export_rva(mm_section_image(ntdll), headers->size_of_image, headers, name);
  ck_assert_msg(rva, "ntdll has no %s", name);
  return dbgk_state()->system_dll_base + rva;
}

HANDLE remote_thread(const struct debuggee *d, ULONG64 routine, ULONG64 argument, ULONG flags)
{
  HANDLE thread;
  ck_status(NtCreateThreadEx(AT(&thread), THREAD_ALL_ACCESS, 0, d->process, routine, argument, flags, 0, 0, 0, 0),
            STATUS_SUCCESS);
  return thread;
}

DBGUI_WAIT_STATE_CHANGE next(HANDLE object, DBG_STATE state)
{
  DBGUI_WAIT_STATE_CHANGE change = {0};
  NTSTATUS status = NtWaitForDebugEvent(object, FALSE, MS(1000), AT(&change));
  ck_assert_msg(status == STATUS_SUCCESS, "NtWaitForDebugEvent gave %08X where state %d was expected", (unsigned)status,
                (int)state);
  ck_assert_msg(change.NewState == (ULONG)state, "state %u, not %d", change.NewState, (int)state);
  return change;
}

void nothing(HANDLE object)
{
  DBGUI_WAIT_STATE_CHANGE change = {.NewState = 99};
  NTSTATUS status = NtWaitForDebugEvent(object, FALSE, MS(20), AT(&change));
  ck_assert_msg(status == STATUS_TIMEOUT, "NtWaitForDebugEvent gave %08X (state %u), not a timeout", (unsigned)status,
                change.NewState);
}

static void close_if(HANDLE handle)
{
  if (handle)
    ck_status(NtClose(handle), STATUS_SUCCESS);
}

void close_handles(const DBGUI_WAIT_STATE_CHANGE *change)
{
  HANDLE handles[DBGK_EVENT_HANDLES];
  const unsigned count = dbgk_event_handles(change, handles);
  for (unsigned i = 0; i < count; i++)
    close_if(handles[i]);
}

void answer(HANDLE object, const DBGUI_WAIT_STATE_CHANGE *change, NTSTATUS status)
{
  close_handles(change);
  ck_status(NtDebugContinue(object, AT(&change->AppClientId), status), STATUS_SUCCESS);
}

void pass(HANDLE object, DBG_STATE state)
{
  DBGUI_WAIT_STATE_CHANGE change = next(object, state);
  answer(object, &change, DBG_CONTINUE);
}

void pass_start(HANDLE object)
{
  pass(object, DbgCreateProcessStateChange);
  pass(object, DbgLoadDllStateChange);
  pass(object, DbgBreakpointStateChange);
}

void attach(HANDLE object, const struct debuggee *d)
{
  ck_status(NtDebugActiveProcess(d->process, object), STATUS_SUCCESS);
  pass(object, DbgCreateProcessStateChange);
  pass(object, DbgLoadDllStateChange);
}

void run_for(unsigned milliseconds) { ck_status(NtDelayExecution(FALSE, MS((LONG64)milliseconds)), STATUS_SUCCESS); }

HANDLE native_thread(void (*fn)(void *), void *argument)
{
  ETHREAD *thread;
  HANDLE handle;
  ck_status(PsCreateNativeThread(machine->host_process, fn, argument, &thread), STATUS_SUCCESS);
  ck_status(ObOpenObjectByPointer(thread, 0, THREAD_ALL_ACCESS, NULL, &handle), STATUS_SUCCESS);
  ObDereferenceObject(thread);
  return handle;
}

void join(HANDLE thread)
{
  ck_status(NtWaitForSingleObject(thread, FALSE, MS(1000)), STATUS_SUCCESS);
  ck_status(NtClose(thread), STATUS_SUCCESS);
}

/* At quantum ends and yields the next thread runs, as in round robin; elsewhere the running one goes on, but for the
 * one preemption. */
static unsigned choose(void *context, enum ke_choice_point point, KTHREAD *const ready[], unsigned n)
{
  (void)context;
  const bool turn = point == KE_CHOICE_QUANTUM || point == KE_CHOICE_YIELD;
  if (turn || ready[0]->State != Running) {
    unsigned i = turn && n > 1;
    while (i + 1 < n && stands_back(ready[i]))
      i++;
    return i;
  }
  if (ready[0] != preemption.subject || ++preemption.seen != preemption.at)
    return 0;
  for (unsigned i = 1; i < n; i++)
    if (ready[i] == preemption.rival) {
      preemption.let_in = true;
      return i;
    }
  return 0;
}

void preempt_at(unsigned n, HANDLE subject, HANDLE rival)
{
  preemption.at = n;
  preemption.seen = 0;
  preemption.let_in = false;
  preemption.subject = subject ? &thread_of(subject)->Tcb : KeGetCurrentThread();
  preemption.rival = &thread_of(rival)->Tcb;
  ki_state()->policy = (struct ke_policy){.choose = choose, .preempts_at_signals = true};
}

unsigned preempt_end(void)
{
  ki_state()->policy = (struct ke_policy){0};
  return preemption.seen;
}

int main(void)
{
  Suite *suite = suite_create("dbgk");
  suite_add_tcase(suite, objects_case());
  suite_add_tcase(suite, inherit_case());
  suite_add_tcase(suite, create_case());
  suite_add_tcase(suite, create_user_case());
  suite_add_tcase(suite, races_case());
  suite_add_tcase(suite, waits_case());
  suite_add_tcase(suite, attach_case());
  suite_add_tcase(suite, events_case());
  suite_add_tcase(suite, exception_port_case());
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
