/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Service monitors of the public interface: from the machine's queue to the caller's function, outside the fibers. */
#include "client/client.h"

#include "ntos/trap/monitor.h"

#include <stdlib.h>
#include <string.h>

/** Of the caller's, not of the machine's: a snapshot that is older does not know it. */
struct dbgksim_monitor {
  struct dbgksim_machine *machine;
  dbgksim_service_fn *fn;
  void *context;
  ULONG monitor;
  ULONG64 installation;
};

static void convert(const struct monitor_record *r, struct dbgksim_service_call *call)
{
  memset(call, 0, sizeof *call);
  call->phase = (enum dbgksim_service_phase)r->phase;
  call->call = r->call;
  call->nanoseconds = r->nanoseconds;
  call->pid = r->pid;
  call->tid = r->tid;
  call->number = r->number;
  memcpy(call->name, r->name, sizeof call->name);
  call->groups = r->description ? r->description->groups : 0;
  call->known = r->description;
  call->argument_count = r->argument_count;
  memcpy(call->arguments, r->arguments, sizeof call->arguments);
  call->outcome = (enum dbgksim_service_outcome)r->outcome;
  call->status = r->status;
  call->captured = r + 1;
  call->captured_size = r->captured;
}

/* Hands records over to that of `phase` of `call`; call 0: all. */
static void hand_over(const struct dbgksim_monitor *m, ULONG64 number, ULONG64 phase)
{
  const struct monitor_record *r;
  struct dbgksim_service_call call;
  do {
    r = ki_monitor_next(m->monitor, m->installation);
    if (!r)
      return;
    convert(r, &call);
    m->fn(m->context, &call);
  } while (r->call != number || r->phase != phase);
}

/* Each record of the event stream has one in the monitor's queue, in the same order. */
static void take(void *context, const struct dbgksim_trace_record *record)
{
  const struct dbgksim_monitor *m = context;
  if (record->a == m->monitor)
    hand_over(m, record->b, record->c);
}

enum dbgksim_status dbgksim_monitor_services(dbgksim_machine *machine, dbgksim_service_fn *fn, void *context,
                                             dbgksim_monitor **monitor)
{
  if (!machine || !fn || !monitor)
    return DBGKSIM_BAD_ARGUMENT;
  *monitor = NULL;
  struct dbgksim_monitor *m = calloc(1, sizeof *m);
  if (!m)
    return DBGKSIM_NO_MEMORY;
  *m = (struct dbgksim_monitor){.machine = machine, .fn = fn, .context = context};
  enum dbgksim_status status = dbgksim_trace_subscribe(machine, DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_MONITOR), take, m);
  if (status == DBGKSIM_OK && (status = machine_enter(machine)) == DBGKSIM_OK) {
    status = machine_nt(machine, ki_install_monitor(&m->monitor, &m->installation), "replacing LSTAR");
    machine_leave(machine);
    if (status != DBGKSIM_OK)
      dbgksim_trace_subscribe(machine, 0, take, m);
  }
  if (status == DBGKSIM_OK)
    *monitor = m;
  else
    free(m);
  return status;
}

void dbgksim_monitor_remove(dbgksim_monitor *monitor)
{
  if (!monitor || machine_enter(monitor->machine) != DBGKSIM_OK)
    return;
  machine_flush(monitor->machine);
  /* The event stream drops what it has no room for. */
  hand_over(monitor, 0, 0);
  ki_remove_monitor(monitor->monitor, monitor->installation);
  machine_leave(monitor->machine);
  dbgksim_trace_subscribe(monitor->machine, 0, take, monitor);
  free(monitor);
}

uint64_t dbgksim_monitor_lost(const dbgksim_monitor *monitor)
{
  if (!monitor || machine_enter(monitor->machine) != DBGKSIM_OK)
    return 0;
  const uint64_t lost = ki_monitor_lost(monitor->monitor, monitor->installation);
  machine_leave(monitor->machine);
  return lost;
}

const char *dbgksim_service_name(unsigned n, uint32_t *groups)
{
  const struct service_description *d = service_description_at(n);
  if (groups)
    *groups = d ? d->groups : 0;
  return d ? d->name : NULL;
}

const char *dbgksim_service_group(uint32_t group)
{
  static const char *const names[] = {"debug",    "memory", "process", "file", "section", "sync",
                                      "registry", "object", "token",   "port", "system"};
  for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
    if (group == 1u << i)
      return names[i];
  return NULL;
}

enum dbgksim_status dbgksim_read_msr(dbgksim_machine *machine, uint32_t msr, uint64_t *value)
{
  if (!value)
    return DBGKSIM_BAD_ARGUMENT;
  *value = 0;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  ULONG64 read;
  status = machine_nt(machine, ki_read_msr(msr, &read), "rdmsr");
  *value = read;
  machine_leave(machine);
  return status;
}

enum dbgksim_status dbgksim_write_msr(dbgksim_machine *machine, uint32_t msr, uint64_t value)
{
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  status = machine_nt(machine, ki_write_msr(msr, value), "wrmsr");
  machine_leave(machine);
  return status;
}
