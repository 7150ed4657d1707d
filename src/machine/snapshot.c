/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots of a whole machine: pool, stacks, address spaces, sections, and a hold on what it has of the host
 * (DESIGN 8). All is put back in place, so pointers and blocked fibers stay good. */
#include "machine/machine.h"

#include "base/resources.h"
#include "emu/emu.h"
#include "ntos/mm/mm.h"

#include <stdlib.h>
#include <string.h>

struct dbgksim_snapshot {
  dbgksim_machine *machine;
  struct dbgksim_snapshot *next; /* in dbgksim_machine.snapshots */
  pool_copy *pool;
  fiber_stacks_copy *stacks;
  emu_snapshot *spaces;
  struct mm_snapshot *sections;
  resources_mark *resources;
};

/* The host's thread stands between calls: nothing of this machine is live on the caller's stack. */
static bool on_host_thread(const dbgksim_machine *m) { return m->pcr.CurrentThread == &m->host_thread->Tcb; }

static void free_snapshot(struct dbgksim_snapshot *s)
{
  resources_drop(s->machine->pcr.resources, s->resources);
  mm_snapshot_drop(s->sections);
  emu_snapshot_drop(s->spaces);
  fiber_stacks_copy_free(s->stacks);
  pool_copy_free(s->pool);
  free(s);
}

enum dbgksim_status machine_snapshot_take(dbgksim_machine *m, dbgksim_snapshot **snapshot)
{
  *snapshot = NULL;
  if (!on_host_thread(m))
    return machine_fail(m, DBGKSIM_BAD_ARGUMENT, "a snapshot is taken by the host's thread only");
  /* What is under way to the host's receivers belongs to the time before. */
  machine_flush(m);
  struct dbgksim_snapshot *s = calloc(1, sizeof *s);
  if (!s)
    return machine_fail(m, DBGKSIM_NO_MEMORY, "no memory for a snapshot");
  s->machine = m;
  s->resources = resources_hold(m->pcr.resources);
  s->sections = mm_snapshot_take();
  s->spaces = emu_snapshot_take(m->pcr.emu);
  s->stacks = ke_save_stacks();
  s->next = m->snapshots;
  m->snapshots = s;
  s->pool = pool_save(m->pool);
  if (!s->resources || !s->sections || !s->spaces || !s->stacks || !s->pool) {
    m->snapshots = s->next;
    free_snapshot(s);
    return machine_fail(m, DBGKSIM_NO_MEMORY, "no memory for a snapshot");
  }
  *snapshot = s;
  return DBGKSIM_OK;
}

/* What the host said to the machine is no part of the machine's state. */
static void restore_pool(dbgksim_machine *m, const pool_copy *copy)
{
  struct machine_sink sinks[MACHINE_MAX_SINKS];
  dbgksim_snapshot *snapshots = m->snapshots;
  KPCR *outer_pcr = m->outer_pcr;
  int stop_flag = m->stop_flag;
  uint64_t mask = 0;
  memcpy(sinks, m->sinks, sizeof sinks);
  pool_restore(m->pool, copy);
  memcpy(m->sinks, sinks, sizeof sinks);
  m->snapshots = snapshots;
  m->outer_pcr = outer_pcr;
  m->stop_flag = stop_flag;
  m->message[0] = 0;
  for (unsigned i = 0; i < MACHINE_MAX_SINKS; i++)
    mask |= sinks[i].mask;
  trace_select(mask);
}

enum dbgksim_status machine_snapshot_restore(dbgksim_snapshot *s)
{
  dbgksim_machine *m = s->machine;
  if (!on_host_thread(m))
    return machine_fail(m, DBGKSIM_BAD_ARGUMENT, "a snapshot is restored by the host's thread only");
  machine_flush(m);
  fiber host = m->host_thread->Tcb.Fiber;
  bool complete = mm_snapshot_restore(s->sections);
  complete = emu_snapshot_restore(s->spaces) && complete;
  restore_pool(m, s->pool);
  m->host_thread->Tcb.Fiber = host;
  ke_restore_stacks(s->stacks);
  resources_rewind(m->pcr.resources, s->resources);
  return complete ? DBGKSIM_OK : machine_fail(m, DBGKSIM_NO_MEMORY, "no memory to restore a snapshot");
}

void machine_snapshot_drop(dbgksim_snapshot *s)
{
  for (dbgksim_snapshot **at = &s->machine->snapshots; *at; at = &(*at)->next) {
    if (*at == s) {
      *at = s->next;
      break;
    }
  }
  free_snapshot(s);
}

void machine_drop_snapshots(dbgksim_machine *m)
{
  while (m->snapshots)
    machine_snapshot_drop(m->snapshots);
}

enum dbgksim_status dbgksim_snapshot_take(dbgksim_machine *m, dbgksim_snapshot **snapshot)
{
  if (!snapshot)
    return DBGKSIM_BAD_ARGUMENT;
  *snapshot = NULL;
  enum dbgksim_status status = machine_enter(m);
  if (status != DBGKSIM_OK)
    return status;
  status = machine_snapshot_take(m, snapshot);
  machine_leave(m);
  return status;
}

enum dbgksim_status dbgksim_snapshot_restore(dbgksim_snapshot *s)
{
  enum dbgksim_status status = s ? machine_enter(s->machine) : DBGKSIM_BAD_ARGUMENT;
  if (status != DBGKSIM_OK)
    return status;
  status = machine_snapshot_restore(s);
  machine_leave(s->machine);
  return status;
}

void dbgksim_snapshot_drop(dbgksim_snapshot *s)
{
  if (!s)
    return;
  KPCR *outer = ki_current_pcr;
  ki_current_pcr = &s->machine->pcr;
  machine_snapshot_drop(s);
  ki_current_pcr = outer;
}
