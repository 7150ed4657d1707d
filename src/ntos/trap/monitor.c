/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the syscall instruction goes: through LSTAR to KiSystemCall64, or to a monitor that goes on to what it found
 * there (spec/1.4). What monitors see waits in the pool until the client fetches it. */
#include "ntos/trap/monitor.h"

#include "ntos/trap/internal.h"

#include <stdio.h>
#include <string.h>

#define MONITOR_TAG POOL_TAG('M', 'o', 'n', 'i')
#define REGISTER_ARGUMENTS 4u
/** Stack slots between the return address and the fifth argument. */
#define STACK_ARGUMENTS 0x28u
#define FIRST_ROOM 0x10000u
/** Waiting bytes at which the host is woken to take them, and at which no more are kept. The former is rarely reached:
 *  mostly the host comes for output before, and a wake is a switch of threads that there is not without a monitor. */
#define WAKE_ROOM 0x1000000u
#define MOST_ROOM 0x8000000u
/** Routines before the monitors': 256 vectors, KiSystemCall64, KiSystemCall32, KiSystemCall of SYSENTER. */
#define FIRST_MONITOR 260u

struct ki_monitor {
  bool installed;
  ULONG64 old_entry;    /**< what LSTAR was: the monitor goes on there */
  ULONG64 installation; /**< tells this one from a later one in its place */
  UCHAR *records;       /**< struct monitor_record one after the other */
  size_t head, used, room;
  ULONG64 lost; /**< records that there was no room for */
};

static ULONG64 monitor_address(ULONG monitor) { return ki_handler_address(FIRST_MONITOR + monitor); }

static struct ki_monitor *monitor_at(ULONG64 address)
{
  struct ki_monitor *monitors = trap_state()->monitors;
  for (ULONG i = 0; i < KI_MAX_MONITORS && monitors; i++)
    if (monitors[i].installed && monitor_address(i) == address)
      return &monitors[i];
  return NULL;
}

/* NULL: not installed any more, or not yet (a snapshot was restored). */
static struct ki_monitor *find_monitor(ULONG monitor, ULONG64 installation)
{
  struct ki_monitor *m = trap_state()->monitors ? &trap_state()->monitors[monitor] : NULL;
  return m && m->installed && m->installation == installation ? m : NULL;
}

NTSTATUS ki_install_monitor(ULONG *monitor, ULONG64 *installation)
{
  struct trap_state *trap = trap_state();
  if (!trap->monitors)
    trap->monitors = ExAllocatePoolWithTag(KI_MAX_MONITORS * sizeof *trap->monitors, MONITOR_TAG);
  if (!trap->monitors)
    return STATUS_INSUFFICIENT_RESOURCES;
  for (ULONG i = 0; i < KI_MAX_MONITORS; i++) {
    struct ki_monitor *m = &trap->monitors[i];
    ULONG64 old_entry;
    if (m->installed)
      continue;
    (void)ki_read_msr(MSR_LSTAR, &old_entry);
    *m = (struct ki_monitor){.installed = true, .old_entry = old_entry, .installation = ++trap->installations};
    *monitor = i;
    *installation = m->installation;
    return ki_write_msr(MSR_LSTAR, monitor_address(i));
  }
  return STATUS_INSUFFICIENT_RESOURCES;
}

void ki_remove_monitor(ULONG monitor, ULONG64 installation)
{
  struct trap_state *trap = trap_state();
  struct ki_monitor *m = find_monitor(monitor, installation);
  if (!m)
    return;
  const ULONG64 address = monitor_address(monitor);
  for (ULONG i = 0; i < KI_MAX_MONITORS; i++)
    if (trap->monitors[i].installed && trap->monitors[i].old_entry == address)
      trap->monitors[i].old_entry = m->old_entry;
  if (trap->lstar == address)
    (void)ki_write_msr(MSR_LSTAR, m->old_entry);
  ExFreePool(m->records);
  *m = (struct ki_monitor){0};
}

const struct monitor_record *ki_monitor_next(ULONG monitor, ULONG64 installation)
{
  struct ki_monitor *m = find_monitor(monitor, installation);
  if (!m || m->head == m->used)
    return NULL;
  const struct monitor_record *record = (const void *)(m->records + m->head);
  m->head += record->size;
  return record;
}

ULONG64 ki_monitor_lost(ULONG monitor, ULONG64 installation)
{
  const struct ki_monitor *m = find_monitor(monitor, installation);
  return m ? m->lost : 0;
}

/* Room at the end of the queue; NULL: none. */
static struct monitor_record *append(struct ki_monitor *m, ULONG size)
{
  if (m->head == m->used)
    m->head = m->used = 0;
  if (m->used + size > m->room) {
    size_t room = m->room ? m->room * 2 : FIRST_ROOM;
    UCHAR *grown = room <= MOST_ROOM ? ExReallocatePool(m->records, room, MONITOR_TAG) : NULL;
    if (!grown)
      return NULL;
    m->records = grown;
    m->room = room;
  }
  struct monitor_record *record = (void *)(m->records + m->used);
  m->used += size;
  if (m->used > WAKE_ROOM)
    ke_wake_host();
  return record;
}

/* A call on its way through a monitor. Lies on the thread's kernel stack. */
struct monitored_call {
  struct ki_monitor *monitor;
  ULONG64 installation;
  struct monitor_record record;
  struct capture capture;
};

static void note(struct monitored_call *call, enum dbgksim_service_phase phase)
{
  struct monitor_record *r = &call->record;
  struct ki_monitor *m = call->monitor;
  /* After a restored snapshot there may be nobody to take it. */
  if (!m->installed || m->installation != call->installation || !trace_on(DBGKSIM_TRACE_MONITOR))
    return;
  r->phase = (UCHAR)phase;
  r->nanoseconds = ke_nanoseconds();
  r->captured = call->capture.used;
  r->size = (ULONG)sizeof *r + r->captured;
  struct monitor_record *to = append(m, r->size);
  if (!to) {
    m->lost++;
    return;
  }
  *to = *r;
  memcpy(to + 1, call->capture.bytes, call->capture.used);
  trace_emit(DBGKSIM_TRACE_MONITOR, r->name, (ULONG64)(m - trap_state()->monitors), r->call, phase, (ULONG)r->status, 0,
             0);
}

static void read_call(struct monitored_call *call, const cpu *c)
{
  struct monitor_record *r = &call->record;
  const CLIENT_ID *id = &PsGetCurrentThread()->Cid;
  ULONG64 *v = r->arguments;
  r->number = (ULONG)c->gpr[CPU_RAX];
  r->pid = (ULONG)id->UniqueProcess;
  r->tid = (ULONG)id->UniqueThread;
  r->call = ++trap_state()->monitored_calls;
  r->description = ki_service_description(r->number, r->name, sizeof r->name, &r->argument_count);
  v[0] = c->gpr[CPU_R10], v[1] = c->gpr[CPU_RDX], v[2] = c->gpr[CPU_R8], v[3] = c->gpr[CPU_R9];
  if (r->argument_count > REGISTER_ARGUMENTS &&
      !NT_SUCCESS(mm_process_read(PsGetCurrentProcess(), c->gpr[CPU_RSP] + STACK_ARGUMENTS, v + REGISTER_ARGUMENTS,
                                  (r->argument_count - REGISTER_ARGUMENTS) * sizeof *v, NULL))) {
    /* The service will not run either. */
    r->description = NULL;
    r->argument_count = REGISTER_ARGUMENTS;
  }
}

static bool enter(KTHREAD *Thread, ULONG64 entry, unsigned depth);

static bool monitor_service(KTHREAD *Thread, struct ki_monitor *m, unsigned depth)
{
  struct monitored_call call;
  memset(&call.record, 0, sizeof call.record);
  call.monitor = m;
  call.installation = m->installation;
  call.capture.used = 0;
  read_call(&call, Thread->cpu);
  struct monitor_record *r = &call.record;
  if (r->description)
    service_capture_entry(&call.capture, r->description, r->arguments);
  note(&call, DBGKSIM_SERVICE_ENTERED);
  if (!enter(Thread, m->old_entry, depth + 1))
    return false;
  r->status = (NTSTATUS)Thread->TrapFrame->Rax;
  r->outcome = ((const ETHREAD *)Thread)->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_TERMINATED ? DBGKSIM_SERVICE_ENDS_THREAD
               : Thread->context_loaded                                             ? DBGKSIM_SERVICE_CONTINUES
                                                                                    : DBGKSIM_SERVICE_RETURNS;
  if (r->description && r->outcome == DBGKSIM_SERVICE_RETURNS)
    service_capture_end(&call.capture, r->description, r->arguments, r->status);
  note(&call, DBGKSIM_SERVICE_LEFT);
  return true;
}

/* Runs the kernel's code at an address. False: there is none, or it goes round in circles. */
static bool enter(KTHREAD *Thread, ULONG64 entry, unsigned depth)
{
  struct ki_monitor *monitor = monitor_at(entry);
  if (depth > KI_MAX_MONITORS)
    return false;
  if (monitor)
    return monitor_service(Thread, monitor, depth);
  if (entry != KI_SYSTEM_CALL_64)
    return false;
  KiSystemCall64(Thread);
  return true;
}

void ki_system_call(KTHREAD *Thread)
{
  char text[DBGKSIM_TRACE_TEXT];
  for (;;) {
    const ULONG64 entry = trap_state()->lstar;
    if (__builtin_expect(entry == KI_SYSTEM_CALL_64, 1)) {
      KiSystemCall64(Thread);
      return;
    }
    if (enter(Thread, entry, 0))
      return;
    snprintf(text, sizeof text, "syscall: LSTAR %llX leads to no code: the machine stops", (unsigned long long)entry);
    TRACE(DBGKSIM_TRACE_LOG, text, entry, 0, 0, 0);
    ke_stop(KE_NO_SERVICE_ENTRY);
    KiQuantumEnd();
  }
}
