/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What threads of the debuggees do: raise exceptions, start and end threads, map images, end. */
#include "services.h"

#include "ntos/svc/svc_object.h"
#include "ntos/svc/svc_process.h"
#include "ntos/svc/svc_sync.h"

#define THREAD_HIDE_FROM_DEBUGGER 0x11u

/* An answer can only come from somebody who gave it, and only a separation ends a message without one. */
static void check_answer(const ETHREAD *thread, bool had_port, BOOLEAN handled)
{
  const struct thread_facts *facts = facts_of(thread->Cid.UniqueThread);
  if (!facts)
    return;
  if (handled)
    FUZZ_CHECK(facts->let_go, "thread %u: an exception was handled and nobody continued it",
               (unsigned)thread->Cid.UniqueThread);
  else if (had_port)
    FUZZ_CHECK(facts->not_handled || services.separated,
               "thread %u: an exception was not handled and nobody said so, detached or closed",
               (unsigned)thread->Cid.UniqueThread);
}

static bool forward(ETHREAD *thread, NTSTATUS code, BOOLEAN second_chance)
{
  const EPROCESS *process = PsThreadProcess(thread);
  const unsigned serial = services.exception_count;
  const bool hidden = thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_HIDE_FROM_DEBUGGER;
  EXCEPTION_RECORD64 record = {.ExceptionCode = code, .ExceptionAddress = process->entry_point, .NumberParameters = 1};
  if (serial < MAX_EXCEPTIONS)
    services.exceptions[services.exception_count++].thread_id = thread->Cid.UniqueThread;
  record.ExceptionInformation[0] = serial;
  /* While its mutex is held, an attach may still be backed out. */
  const bool had_port =
      process->DebugPort && !dbgk_state()->DbgkpProcessDebugPortMutex.Owner && !hidden && !services.separated;
  BOOLEAN handled = DbgkForwardException(&record, TRUE, second_chance);
  check_answer(thread, had_port, handled);
  return handled;
}

/* KiDispatchException for a thread without frames; `own_handler` is what the program itself does about it. */
static void raise_exception(ETHREAD *thread, NTSTATUS code, bool own_handler)
{
  if (forward(thread, code, FALSE) || own_handler || forward(thread, code, TRUE))
    return;
  PsTerminateProcess(PsThreadProcess(thread), code);
}

static ETHREAD *pick_thread(EPROCESS *process, unsigned n)
{
  ETHREAD *thread = PsGetNextProcessThread(process, NULL);
  for (n %= MAX_DEBUGGEE_THREADS; thread && n; n--)
    thread = PsGetNextProcessThread(process, thread);
  return thread;
}

static void suspend_or_resume(EPROCESS *process, const struct step *step)
{
  ETHREAD *thread = pick_thread(process, step->b);
  if (!thread)
    return;
  services.suspended = true;
  if (step->a & 1)
    PsResumeThread(thread, NULL);
  else
    PsSuspendThread(thread, NULL);
  ObDereferenceObject(thread);
}

static void start_thread(EPROCESS *process, const struct step *step)
{
  ETHREAD *thread;
  if (process->ActiveThreads >= MAX_DEBUGGEE_THREADS)
    return;
  if (step->a & 1)
    services.suspended = true;
  if (NT_SUCCESS(life_create_minimal_thread(process, debuggee_main, NULL,
                                            step->a & 1 ? THREAD_CREATE_FLAGS_CREATE_SUSPENDED : 0, &thread)))
    ObDereferenceObject(thread);
}

static void change_images(EPROCESS *process, const struct step *step)
{
  const ULONG64 base = 0x10000000 + 0x10000 * (ULONG64)step->b;
  if (step->a & 1)
    DbgkUnMapViewOfSection(process, base);
  else
    DbgkMapViewOfSection(process, process->SectionObject, base);
}

/* A handle that the debuggee has of its own debugger keeps it alive. */
static void hold_debugger(void)
{
  HANDLE port = 0;
  ULONG length;
  services.suspended = true;
  NtQueryInformationProcess(NtCurrentProcess(), 0x1E, AT(&port), sizeof port, AT(&length));
}

static void sleep_for(unsigned microseconds)
{
  const LONG64 interval = -10ll * microseconds;
  NtDelayExecution(FALSE, AT(&interval));
}

/* A debuggee debugs the other one, which perhaps debugs it; its debugger dies with it, or before. */
static void debug_other(const EPROCESS *self, const struct step *step)
{
  const HANDLE other_id = world.process_id[1 - debuggee_index(self->UniqueProcessId)];
  HANDLE object = 0, handle = 0;
  EPROCESS *other;
  CLIENT_ID client;
  services.separated = services.suspended = true;
  services.attaches++;
  if (!NT_SUCCESS(PsLookupProcessByProcessId(other_id, &other)))
    return;
  ObOpenObjectByPointer(other, 0, PROCESS_ALL_ACCESS, NULL, &handle);
  ObDereferenceObject(other);
  NtCreateDebugObject(AT(&object), DEBUG_ALL_ACCESS, 0, step->a & 1);
  NtDebugActiveProcess(handle, object);
  for (unsigned n = step->b % 8; n; n--) {
    life_return_to_user_mode();
    if (!debugger_read(object, step->c & 7, false, &client))
      break;
    life_return_to_user_mode();
    debugger_continue(object, &client, step->c & 8 ? DBG_EXCEPTION_NOT_HANDLED : DBG_CONTINUE);
  }
  if (step->a & 2)
    NtRemoveProcessDebug(handle, object);
  if (step->a & 4)
    NtClose(object);
  NtClose(handle);
}

static void debuggee_step(ETHREAD *thread, const struct step *step)
{
  static const NTSTATUS codes[] = {STATUS_ACCESS_VIOLATION, STATUS_BREAKPOINT, STATUS_SINGLE_STEP,
                                   NT_STATUS_VALUE(0x40010006), NT_STATUS_VALUE(0xE0000001)};
  EPROCESS *process = PsThreadProcess(thread);
  if (step->code >= 0xE0) {
    debug_other(process, step);
    return;
  }
  switch (step->code % 12) {
  case 0:
  case 1:
  case 2:
    raise_exception(thread, codes[step->a % (sizeof codes / sizeof codes[0])], step->b & 1);
    break;
  case 3:
  case 4:
    start_thread(process, step);
    break;
  case 5:
    PspTerminateThreadByPointer(thread, step->a);
    break;
  case 6:
    services.separated = true;
    PsTerminateProcess(process, step->a);
    break;
  case 7:
    change_images(process, step);
    break;
  case 8:
    suspend_or_resume(process, step);
    break;
  case 9:
    if (step->a & 8)
      NtSetInformationThread(NtCurrentThread(), THREAD_HIDE_FROM_DEBUGGER, 0, 0);
    else
      hold_debugger();
    break;
  case 10:
    NtYieldExecution();
    break;
  default:
    sleep_for(step->a);
  }
}

void debuggee_main(void *argument)
{
  ETHREAD *thread = PsGetCurrentThread();
  (void)argument;
  const unsigned actor = DEBUGGERS + debuggee_index(thread->Cid.UniqueProcess);
  struct step step;
  while (next_step(actor, &step)) {
    debuggee_step(thread, &step);
    life_return_to_user_mode();
  }
  for (;;) {
    sleep_for(1000000);
    life_return_to_user_mode();
  }
}
