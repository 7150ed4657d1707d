/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A debugger's view of memory, threads and the lists of them. */
#include "client/client.h"

#include "ntos/trap/trap.h"

/* Enters the machine and references a process by id; on failure the machine is left. */
static enum dbgksim_status enter_process(struct dbgksim_machine *machine, uint32_t pid, EPROCESS **process)
{
  if (!machine)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  if (!NT_SUCCESS(PsLookupProcessByProcessId(pid, process))) {
    status = machine_fail(machine, DBGKSIM_NOT_FOUND, "no process %u", pid);
    machine_leave(machine);
  }
  return status;
}

static enum dbgksim_status enter_thread(struct dbgksim_machine *machine, uint32_t tid, ETHREAD **thread)
{
  if (!machine)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  if (!NT_SUCCESS(PsLookupThreadByThreadId(tid, thread))) {
    status = machine_fail(machine, DBGKSIM_NOT_FOUND, "no thread %u", tid);
    machine_leave(machine);
  } else if ((*thread)->Tcb.native) {
    ObDereferenceObject(*thread);
    status = machine_nt(machine, STATUS_ACCESS_DENIED, "a thread of host code");
    machine_leave(machine);
  }
  return status;
}

static enum dbgksim_status leave(struct dbgksim_machine *machine, void *object, NTSTATUS nt, const char *what)
{
  enum dbgksim_status status = NT_SUCCESS(nt) ? DBGKSIM_OK : machine_nt(machine, nt, what);
  ObDereferenceObject(object);
  machine_leave(machine);
  return status;
}

enum dbgksim_status dbgksim_read_memory(dbgksim_machine *machine, uint32_t pid, uint64_t address, void *buffer,
                                        size_t size, size_t *done)
{
  EPROCESS *process;
  size_t moved = 0;
  if (done)
    *done = 0;
  if (!buffer && size)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = enter_process(machine, pid, &process);
  if (status != DBGKSIM_OK)
    return status;
  NTSTATUS nt = mm_process_read(process, address, buffer, size, &moved);
  if (done)
    *done = moved;
  return leave(machine, process, nt, "reading memory");
}

enum dbgksim_status dbgksim_write_memory(dbgksim_machine *machine, uint32_t pid, uint64_t address, const void *buffer,
                                         size_t size, size_t *done)
{
  EPROCESS *process;
  size_t moved = 0;
  if (done)
    *done = 0;
  if (!buffer && size)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = enter_process(machine, pid, &process);
  if (status != DBGKSIM_OK)
    return status;
  NTSTATUS nt = mm_process_write(process, address, buffer, size, &moved);
  if (done)
    *done = moved;
  return leave(machine, process, nt, "writing memory");
}

enum dbgksim_status dbgksim_get_context(dbgksim_machine *machine, uint32_t tid, CONTEXT *context)
{
  ETHREAD *thread;
  if (!context)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = enter_thread(machine, tid, &thread);
  if (status != DBGKSIM_OK)
    return status;
  return leave(machine, thread, PsGetContextThread(thread, context), "reading a thread's context");
}

enum dbgksim_status dbgksim_set_context(dbgksim_machine *machine, uint32_t tid, const CONTEXT *context)
{
  ETHREAD *thread;
  if (!context)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = enter_thread(machine, tid, &thread);
  if (status != DBGKSIM_OK)
    return status;
  return leave(machine, thread, PsSetContextThread(thread, context), "setting a thread's context");
}

enum dbgksim_status dbgksim_suspend_thread(dbgksim_machine *machine, uint32_t tid, uint32_t *previous)
{
  ETHREAD *thread;
  enum dbgksim_status status = enter_thread(machine, tid, &thread);
  if (status != DBGKSIM_OK)
    return status;
  return leave(machine, thread, PsSuspendThread(thread, previous), "suspending a thread");
}

enum dbgksim_status dbgksim_resume_thread(dbgksim_machine *machine, uint32_t tid, uint32_t *previous)
{
  ETHREAD *thread;
  enum dbgksim_status status = enter_thread(machine, tid, &thread);
  if (status != DBGKSIM_OK)
    return status;
  return leave(machine, thread, PsResumeThread(thread, previous), "resuming a thread");
}

enum dbgksim_status dbgksim_list_processes(dbgksim_machine *machine, uint32_t *pids, size_t *count)
{
  if (!machine || !count || (!pids && *count))
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  size_t found = 0;
  for (EPROCESS *p = PsGetNextProcess(NULL); p; p = PsGetNextProcess(p)) {
    if (p->native || ps_process_ended(p))
      continue;
    if (found < *count)
      pids[found] = (uint32_t)p->UniqueProcessId;
    found++;
  }
  *count = found;
  machine_leave(machine);
  return DBGKSIM_OK;
}

enum dbgksim_status dbgksim_list_threads(dbgksim_machine *machine, uint32_t pid, uint32_t *tids, size_t *count)
{
  EPROCESS *process;
  if (!count || (!tids && *count))
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = enter_process(machine, pid, &process);
  if (status != DBGKSIM_OK)
    return status;
  size_t found = 0;
  for (ETHREAD *t = PsGetNextProcessThread(process, NULL); t; t = PsGetNextProcessThread(process, t)) {
    if (ps_thread_ended(t))
      continue;
    if (found < *count)
      tids[found] = (uint32_t)t->Cid.UniqueThread;
    found++;
  }
  *count = found;
  return leave(machine, process, STATUS_SUCCESS, NULL);
}
