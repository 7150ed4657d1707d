/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes without user memory, whose threads are host code: what exploration runs its scenarios in. */
#include "ntos/life/internal.h"

#include "dbgk/dbgk.h"

NTSTATUS PsCreateMinimalProcess(EPROCESS *Parent, const char *image_file_name, SECTION *Section, EPROCESS **Process)
{
  EPROCESS *process;
  /* As a native one it gets no address space. */
  NTSTATUS status = PspAllocateProcess(Parent, true, false, image_file_name, &process);
  if (!NT_SUCCESS(status))
    return status;
  process->native = FALSE;
  process->Flags3 |= PS_PROCESS_FLAGS3_MINIMAL;
  ObReferenceObject(Section);
  process->SectionObject = Section;
  *Process = process;
  return STATUS_SUCCESS;
}

void life_return_to_user_mode(void)
{
  const KTHREAD *thread = KeGetCurrentThread();
  do {
    if (thread->ApcPending[KernelMode])
      KiDeliverKernelApcs();
    KiWaitWhileHeld();
  } while (thread->ApcPending[KernelMode]);
}

struct minimal_start {
  void (*fn)(void *);
  void *argument;
};

/* As PspUserThreadStartup, up to the first instruction. */
static void minimal_thread_startup(void *StartContext)
{
  ETHREAD *thread = PsGetCurrentThread();
  struct minimal_start start = *(struct minimal_start *)StartContext;
  ExFreePool(StartContext);
  KiWaitWhileHeld();
  TRACE(DBGKSIM_TRACE_THREAD, NULL, thread->Cid.UniqueThread, 1, 0, 0);
  if (thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_TERMINATED) {
    thread->CrossThreadFlags |= PS_CROSS_THREAD_FLAGS_SKIP_TERMINATION_MSG;
    PspExitThread(thread->ExitStatus);
  }
  DbgkCreateThread(thread);
  life_return_to_user_mode();
  start.fn(start.argument);
  PspExitThread(STATUS_SUCCESS);
}

NTSTATUS life_create_minimal_thread(EPROCESS *Process, void (*fn)(void *argument), void *argument, ULONG CreateFlags,
                                    ETHREAD **Thread)
{
  ETHREAD *thread;
  if (!(Process->Flags3 & PS_PROCESS_FLAGS3_MINIMAL))
    return STATUS_ACCESS_DENIED;
  struct minimal_start *start = ExAllocatePoolWithTag(sizeof *start, POOL_TAG('M', 'i', 'n', 'i'));
  if (!start)
    return STATUS_INSUFFICIENT_RESOURCES;
  start->fn = fn;
  start->argument = argument;
  NTSTATUS status = PspAllocateThread(Process, &thread);
  if (NT_SUCCESS(status)) {
    status = KeInitThread(&thread->Tcb, minimal_thread_startup, start, &Process->Pcb);
    if (!NT_SUCCESS(status))
      PspDiscardThread(thread);
  }
  if (!NT_SUCCESS(status)) {
    ExFreePool(start);
    return status;
  }
  thread->Tcb.PreviousMode = UserMode;
  thread->CrossThreadFlags |= PS_CROSS_THREAD_FLAGS_THREAD_INSERTED;
  if (CreateFlags & THREAD_CREATE_FLAGS_HIDE_FROM_DEBUGGER)
    thread->CrossThreadFlags |= PS_CROSS_THREAD_FLAGS_HIDE_FROM_DEBUGGER;
  if (CreateFlags & THREAD_CREATE_FLAGS_CREATE_SUSPENDED)
    KeSuspendThread(&thread->Tcb);
  *Thread = thread;
  KeReadyThread(&thread->Tcb);
  return STATUS_SUCCESS;
}
