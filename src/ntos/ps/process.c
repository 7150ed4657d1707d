/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Process and thread objects, ids, lists. */
#include "ntos/ps/internal.h"

#include "ntos/mm/mm.h"

#include <string.h>

#define TAG_PS POOL_TAG('P', 's', ' ', ' ')
#define SYSTEM_PROCESS_ID 4u
#define DEFAULT_MAX_PROCESSES 4096u
#define DEFAULT_MAX_THREADS 16384u

static void forget_id(HANDLE id)
{
  if (id)
    ps_state()->ids[id / 4 - 1] = NULL;
}

/* What the last thread's end does otherwise. Nothing waits in the debug object: the process never sent a message. */
static void end_threadless(EPROCESS *process)
{
  ObKillProcess(process);
  if (process->DebugPort)
    ObDereferenceObject(process->DebugPort);
  ps_state()->process_count--;
  TRACE(DBGKSIM_TRACE_PROCESS, process->ImageFileName, process->UniqueProcessId, 0, (ULONG)process->ExitStatus, 0);
}

static void delete_process(void *Object)
{
  EPROCESS *process = Object;
  if (process->threadless)
    end_threadless(process);
  forget_id(process->UniqueProcessId);
  RemoveEntryList(&process->ActiveProcessLinks);
  if (process->SectionObject)
    ObDereferenceObject(process->SectionObject);
  PspReleaseExceptionPort(process);
  if (process->Vm)
    MmDeleteProcessAddressSpace(process);
}

static void delete_thread(void *Object)
{
  ETHREAD *thread = Object;
  forget_id(thread->Cid.UniqueThread);
  RemoveEntryList(&thread->ThreadListEntry);
  if (thread->Tcb.Process)
    ObDereferenceObject(thread->Tcb.Process);
}

bool PsInitSystem(const struct ps_config *config)
{
  struct ps_state *ps = ExAllocatePoolWithTag(sizeof *ps, TAG_PS);
  if (!ps)
    return false;
  KeGetPcr()->ps = ps;
  InitializeListHead(&ps->processes);
  ps->max_processes = config->max_processes ? config->max_processes : DEFAULT_MAX_PROCESSES;
  ps->max_threads = config->max_threads ? config->max_threads : DEFAULT_MAX_THREADS;
  static const OBJECT_TYPE process_type = {
      .Name = "Process",
      .PoolTag = POOL_TAG('P', 'r', 'o', 'c'),
      .GenericMapping = {0x20410, 0x20BEB, 0x121001, PROCESS_ALL_ACCESS},
      .ValidAccessMask = PROCESS_ALL_ACCESS,
      .DeleteProcedure = delete_process,
  };
  static const OBJECT_TYPE thread_type = {
      .Name = "Thread",
      .PoolTag = POOL_TAG('T', 'h', 'r', 'e'),
      .GenericMapping = {0x20048, 0x20437, 0x121800, THREAD_ALL_ACCESS},
      .ValidAccessMask = THREAD_ALL_ACCESS,
      .DeleteProcedure = delete_thread,
  };
  ob_types()->Process = ObCreateObjectType(&process_type);
  ob_types()->Thread = ObCreateObjectType(&thread_type);
  return ob_types()->Process && ob_types()->Thread &&
         NT_SUCCESS(PspAllocateProcess(NULL, true, false, "System", &ps->system));
}

EPROCESS *PsInitialSystemProcess(void)
{
  return ps_state()->system;
}

/* Ids are multiples of 4, in order, never reused: a trace can not confuse two threads. */
static HANDLE assign_id(struct ps_state *ps, void *object)
{
  if (ps->id_count == ps->id_capacity) {
    size_t capacity = ps->id_capacity ? ps->id_capacity * 2 : 64;
    void **ids = ExReallocatePool(ps->ids, capacity * sizeof *ids, TAG_PS);
    if (!ids)
      return 0;
    ps->ids = ids;
    ps->id_capacity = capacity;
  }
  ps->ids[ps->id_count++] = object;
  return (HANDLE)ps->id_count * 4;
}

static void *find_id(HANDLE id, const OBJECT_TYPE *type)
{
  struct ps_state *ps = ps_state();
  if (!id || id % 4 || id / 4 > ps->id_count)
    return NULL;
  void *object = ps->ids[id / 4 - 1];
  return object && ob_header(object)->Type == type ? object : NULL;
}

NTSTATUS PspAllocateProcess(EPROCESS *Parent, bool native, bool inherit_handles, const char *image_file_name,
                            EPROCESS **Process)
{
  struct ps_state *ps = ps_state();
  EPROCESS *process;
  if (ps->process_count >= ps->max_processes)
    return STATUS_QUOTA_EXCEEDED;
  NTSTATUS status = ObCreateObject(ob_types()->Process, sizeof *process, (void **)&process);
  if (!NT_SUCCESS(status))
    return status;
  process->Pcb.Header.Type = ProcessObject;
  InitializeListHead(&process->Pcb.Header.WaitListHead);
  InitializeListHead(&process->Pcb.ThreadListHead);
  InitializeListHead(&process->ThreadListHead);
  InitializeListHead(&process->ActiveProcessLinks);
  ExInitializeRundownProtection(&process->RundownProtect);
  process->native = native;
  process->Privileges = Parent ? Parent->Privileges
                               : (SEP_TOKEN_PRIVILEGES){PS_DEFAULT_PRIVILEGES, PS_PRIVILEGES_ENABLED_BY_DEFAULT};
  process->PoolQuotaLimit = PS_DEFAULT_POOL_QUOTA;
  process->ExitStatus = STATUS_PENDING;
  process->CreateTime = KeQuerySystemTime();
  process->DefaultHardErrorProcessing = Parent ? Parent->DefaultHardErrorProcessing : PS_DEFAULT_HARD_ERROR_PROCESSING;
  process->InheritedFromUniqueProcessId = Parent ? Parent->UniqueProcessId : 0;
  strncpy(process->ImageFileName, image_file_name, sizeof process->ImageFileName - 1);
  process->UniqueProcessId = assign_id(ps, process);
  status = process->UniqueProcessId ? ObInitProcess(inherit_handles ? Parent : NULL, process)
                                    : STATUS_INSUFFICIENT_RESOURCES;
  if (NT_SUCCESS(status) && !native)
    status = MmCreateProcessAddressSpace(process);
  if (!NT_SUCCESS(status)) {
    if (process->ObjectTable)
      ObKillProcess(process);
    ObDereferenceObject(process);
    return status;
  }
  process->Cookie = (ULONG)ke_random("cookie");
  ObReferenceObject(process);
  InsertTailList(&ps->processes, &process->ActiveProcessLinks);
  ps->process_count++;
  *Process = process;
  return STATUS_SUCCESS;
}

void ps_leave_threadless(EPROCESS *Process)
{
  Process->threadless = TRUE;
  ObDereferenceObject(Process);
}

NTSTATUS PspAllocateThread(EPROCESS *Process, ETHREAD **Thread)
{
  struct ps_state *ps = ps_state();
  ETHREAD *thread;
  ke_race_point();
  if (Process->Flags & (PS_PROCESS_FLAGS_PROCESS_EXITING | PS_PROCESS_FLAGS_PROCESS_DELETE))
    return STATUS_PROCESS_IS_TERMINATING;
  if (ps->thread_count >= ps->max_threads)
    return STATUS_QUOTA_EXCEEDED;
  NTSTATUS status = ObCreateObject(ob_types()->Thread, sizeof *thread, (void **)&thread);
  if (!NT_SUCCESS(status))
    return status;
  InitializeListHead(&thread->ThreadListEntry);
  InitializeListHead(&thread->Tcb.Header.WaitListHead);
  thread->Tcb.Header.Type = ThreadObject;
  ExInitializeRundownProtection(&thread->RundownProtect);
  KeInitializeEvent(&thread->alert_by_id, SynchronizationEvent, FALSE);
  thread->ExitStatus = STATUS_PENDING;
  thread->Cid.UniqueProcess = Process->UniqueProcessId;
  thread->Cid.UniqueThread = assign_id(ps, thread);
  if (!thread->Cid.UniqueThread) {
    ObDereferenceObject(thread);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  ObReferenceObject(Process);
  thread->Tcb.Process = &Process->Pcb;
  thread->first_in_process = Process->threadless;
  if (Process->threadless)
    ObReferenceObject(Process);
  Process->threadless = FALSE;
  ObReferenceObject(thread);
  InsertTailList(&Process->ThreadListHead, &thread->ThreadListEntry);
  Process->ActiveThreads++;
  ps->thread_count++;
  /* A thread that comes while its process is frozen starts frozen. */
  thread->Tcb.FreezeCount = Process->Pcb.FreezeCount;
  *Thread = thread;
  return STATUS_SUCCESS;
}

void PspDiscardThread(ETHREAD *Thread)
{
  EPROCESS *process = PsThreadProcess(Thread);
  if (--process->ActiveThreads == 0 && Thread->first_in_process)
    ps_leave_threadless(process);
  PspRemoveThread(Thread);
  ObDereferenceObject(Thread);
}

void PspRemoveThread(ETHREAD *Thread)
{
  ps_state()->thread_count--;
  ObDereferenceObject(Thread);
}

void PspRemoveProcess(EPROCESS *Process)
{
  ps_state()->process_count--;
  ObDereferenceObject(Process);
}

NTSTATUS PsLookupProcessByProcessId(HANDLE ProcessId, EPROCESS **Process)
{
  *Process = find_id(ProcessId, ob_types()->Process);
  return *Process && ObReferenceObjectSafe(*Process) ? STATUS_SUCCESS : STATUS_INVALID_CID;
}

NTSTATUS PsLookupThreadByThreadId(HANDLE ThreadId, ETHREAD **Thread)
{
  *Thread = find_id(ThreadId, ob_types()->Thread);
  return *Thread && ObReferenceObjectSafe(*Thread) ? STATUS_SUCCESS : STATUS_INVALID_CID;
}

/* Both lists hold their objects until these are deleted, so a walk goes on from an entry that has ended meanwhile. */
EPROCESS *PsGetNextProcess(EPROCESS *Process)
{
  LIST_ENTRY *head = &ps_state()->processes;
  EPROCESS *found = NULL;
  for (LIST_ENTRY *e = Process ? Process->ActiveProcessLinks.Flink : head->Flink; e != head && !found; e = e->Flink) {
    found = CONTAINING_RECORD(e, EPROCESS, ActiveProcessLinks);
    if (!ObReferenceObjectSafe(found))
      found = NULL;
  }
  if (Process)
    ObDereferenceObject(Process);
  return found;
}

ETHREAD *PsGetNextProcessThread(EPROCESS *Process, ETHREAD *Thread)
{
  LIST_ENTRY *head = &Process->ThreadListHead;
  ETHREAD *found = NULL;
  for (LIST_ENTRY *e = Thread ? Thread->ThreadListEntry.Flink : head->Flink; e != head && !found; e = e->Flink) {
    found = CONTAINING_RECORD(e, ETHREAD, ThreadListEntry);
    if (!ObReferenceObjectSafe(found))
      found = NULL;
  }
  if (Thread)
    ObDereferenceObject(Thread);
  return found;
}

void ps_counts(ULONG *processes, ULONG *threads)
{
  *processes = ps_state()->process_count;
  *threads = ps_state()->thread_count;
}
