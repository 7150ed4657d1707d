/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold in every schedule: the order of events (spec/4.5), and what is left at the end. */
#include "explore/internal.h"

#include <stdio.h>
#include <string.h>

/* ---- the order of events ---- */

static struct stage_told *told(struct explore_stage *stage, const DEBUG_OBJECT *object, HANDLE process_id,
                               HANDLE thread_id)
{
  for (unsigned i = 0; i < stage->told_count; i++) {
    struct stage_told *t = &stage->told[i];
    if (t->object == object && t->process_id == process_id && t->thread_id == thread_id)
      return t;
  }
  if (stage->told_count == EXPLORE_MAX_EVENTS)
    return NULL;
  struct stage_told *t = &stage->told[stage->told_count++];
  *t = (struct stage_told){.object = object, .process_id = process_id, .thread_id = thread_id};
  return t;
}

void watch_attached(struct explore_stage *stage, const DEBUG_OBJECT *object, HANDLE process_id)
{
  /* An attach after a detach tells all anew. */
  struct stage_told *process = told(stage, object, process_id, 0);
  if (process)
    process->attached = true;
  if (!process || !process->detached)
    return;
  for (unsigned i = 0; i < stage->told_count; i++)
    if (stage->told[i].object == object && stage->told[i].process_id == process_id)
      stage->told[i].created = stage->told[i].ended = stage->told[i].outstanding = false;
  process->detached = false;
}

void watch_detached(struct explore_stage *stage, const DEBUG_OBJECT *object, HANDLE process_id)
{
  struct stage_told *process = told(stage, object, process_id, 0);
  if (process)
    process->detached = true;
}

static void check_exception(struct explore_stage *stage, const DBGUI_WAIT_STATE_CHANGE *change)
{
  ULONG64 serial = change->StateInfo.Exception.ExceptionRecord.ExceptionInformation[0];
  /* A program's exceptions carry no serial numbers. */
  if (!serial || serial >= 64 || stage->explorer->has_programs)
    return;
  if (stage->delivered >> serial & 1)
    explore_found(stage->explorer, DBGKSIM_FINDING_TWICE, "exception %u was delivered twice", (unsigned)serial);
  stage->delivered |= 1ull << serial;
}

/* Every other thread that was told of must have been told to have ended. */
static void check_last(struct explore_stage *stage, const DEBUG_OBJECT *object, const CLIENT_ID *last)
{
  for (unsigned i = 0; i < stage->told_count; i++) {
    const struct stage_told *t = &stage->told[i];
    if (t->object == object && t->process_id == last->UniqueProcess && t->thread_id &&
        t->thread_id != last->UniqueThread && t->created && !t->ended)
      explore_found(stage->explorer, DBGKSIM_FINDING_LOST, "EXIT_PROCESS, but thread %u had no EXIT_THREAD",
                    (unsigned)t->thread_id);
  }
}

static bool is_exception(DBG_STATE state)
{
  return state == DbgExceptionStateChange || state == DbgBreakpointStateChange || state == DbgSingleStepStateChange;
}

static void check_created(dbgksim_explorer *x, struct stage_told *process, struct stage_told *thread, DBG_STATE state)
{
  const unsigned id = (unsigned)thread->thread_id;
  if (state == DbgCreateProcessStateChange) {
    if (process->created)
      explore_found(x, DBGKSIM_FINDING_TWICE, "CREATE_PROCESS was delivered twice");
    process->created = true;
    process->first = thread->thread_id;
  } else if (!process->created) {
    explore_found(x, DBGKSIM_FINDING_ORDER, "the first event of the process is not CREATE_PROCESS, but state %d",
                  (int)state);
  }
  if (state == DbgCreateProcessStateChange || state == DbgCreateThreadStateChange) {
    if (thread->created)
      explore_found(x, DBGKSIM_FINDING_TWICE, "the creation of thread %u was delivered twice", id);
    /* The list of threads is in order of creation, and so are ids. */
    if (process->attached && thread->thread_id < process->first)
      explore_found(x, DBGKSIM_FINDING_ORDER, "CREATE_PROCESS is not of the oldest thread, which is %u", id);
    thread->created = true;
  } else if (!thread->created) {
    explore_found(x, DBGKSIM_FINDING_ORDER, "an event (state %d) of thread %u before its creation", (int)state, id);
  }
}

void watch_read(struct explore_stage *stage, const DEBUG_OBJECT *object, const DBGUI_WAIT_STATE_CHANGE *change)
{
  dbgksim_explorer *x = stage->explorer;
  const CLIENT_ID *id = &change->AppClientId;
  const DBG_STATE state = (DBG_STATE)change->NewState;
  struct stage_told *process = told(stage, object, id->UniqueProcess, 0);
  struct stage_told *thread = told(stage, object, id->UniqueProcess, id->UniqueThread);
  if (!process || !thread)
    return;
  if (process->detached)
    explore_found(x, DBGKSIM_FINDING_LATE, "an event (state %d) was delivered after its process was detached",
                  (int)state);
  if (process->ended)
    explore_found(x, DBGKSIM_FINDING_ORDER, "an event (state %d) after EXIT_PROCESS", (int)state);
  else if (thread->ended)
    explore_found(x, DBGKSIM_FINDING_ORDER, "an event (state %d) of thread %u after its EXIT_THREAD", (int)state,
                  (unsigned)id->UniqueThread);
  if (process->outstanding)
    explore_found(x, DBGKSIM_FINDING_ORDER, "two events of one process are outstanding");
  process->outstanding = true;
  check_created(x, process, thread, state);
  if (is_exception(state))
    check_exception(stage, change);
  if (state == DbgExitThreadStateChange || state == DbgExitProcessStateChange)
    thread->ended = true;
  if (state == DbgExitProcessStateChange) {
    process->ended = true;
    check_last(stage, object, id);
  }
}

void watch_continued(struct explore_stage *stage, const DEBUG_OBJECT *object, const DBGUI_WAIT_STATE_CHANGE *change,
                     NTSTATUS status)
{
  struct stage_told *process = told(stage, object, change->AppClientId.UniqueProcess, 0);
  if (process)
    process->outstanding = false;
  if (status == DBG_REPLY_LATER && is_exception((DBG_STATE)change->NewState)) {
    ULONG64 serial = change->StateInfo.Exception.ExceptionRecord.ExceptionInformation[0];
    stage->delivered &= serial < 64 ? ~(1ull << serial) : ~0ull;
  }
}

/* ---- the end of a schedule ---- */

/* No event waits in an object that is not its process's. While an attach goes on, there are such. */
void watch_queues(struct explore_stage *stage)
{
  if (stage->changing)
    return;
  for (unsigned i = 0; i < stage->object_count; i++) {
    const DEBUG_OBJECT *object = stage->objects[i].object;
    if (!object || ke_quarantine_holds(object))
      continue;
    for (const LIST_ENTRY *e = object->EventList.Flink; e != &object->EventList; e = e->Flink) {
      const DEBUG_EVENT *event = CONTAINING_RECORD(e, DEBUG_EVENT, EventList);
      if (event->Process->DebugPort != object && !event->BackoutThread)
        explore_found(stage->explorer, DBGKSIM_FINDING_LATE, "an event of %s was queued after its process was detached",
                      explore_thread_name(stage, &event->Thread->Tcb));
    }
  }
}

void watch_ports(struct explore_stage *stage)
{
  for (unsigned i = 0; i < stage->process_count && !stage->changing; i++) {
    const DEBUG_OBJECT *port = stage->processes[i].process->DebugPort;
    if (port && port->Flags & DEBUG_OBJECT_DELETE_PENDING)
      explore_found(stage->explorer, DBGKSIM_FINDING_LATE, "%s is debugged by an object that was closed",
                    stage->processes[i].name);
  }
}

static const char *thread_name_by_id(const struct explore_stage *stage, ULONG64 id)
{
  for (unsigned i = 0; i < stage->thread_count; i++)
    if (stage->threads[i].thread && stage->threads[i].thread->Cid.UniqueThread == id)
      return stage->threads[i].name;
  return "?";
}

static void check_freed(struct explore_stage *stage)
{
  const struct ke_freed_use *use = ke_quarantine_finding();
  if (!use)
    return;
  const OBJECT_HEADER *header = use->block;
  const char *type = "memory";
  for (unsigned i = 0; i < stage->object_count; i++)
    if ((const void *)stage->objects[i].object == header + 1)
      type = "a debug object";
  explore_found(stage->explorer, DBGKSIM_FINDING_FREED, "%s uses %s in %s, which %s has freed in %s",
                thread_name_by_id(stage, use->user), type, use->routine ? use->routine : "?",
                thread_name_by_id(stage, use->freer), use->freed_by ? use->freed_by : "?");
}

static void check_asleep(struct explore_stage *stage)
{
  char text[200] = "";
  size_t used = 0;
  for (unsigned i = 0; i < stage->thread_count; i++) {
    const ETHREAD *thread = stage->threads[i].thread;
    if (!thread || ps_thread_ended(thread))
      continue;
    int n = snprintf(text + used, sizeof text - used, "%s%s in %s", used ? ", " : "", stage->threads[i].name,
                     thread->Tcb.place ? thread->Tcb.place : "?");
    used += n > 0 && (size_t)n < sizeof text - used ? (size_t)n : 0;
  }
  explore_found(stage->explorer, DBGKSIM_FINDING_ASLEEP, "nobody can run any more; asleep for ever: %s", text);
}

void watch_end(struct explore_stage *stage, bool asleep)
{
  if (ke_ended() == KE_INTERNAL_ERROR)
    explore_found(stage->explorer, DBGKSIM_FINDING_INTERNAL, "the kernel stopped with an internal error");
  else if (asleep)
    check_asleep(stage);
  watch_queues(stage);
  check_freed(stage);
}

/* ---- counts ---- */

static void count_type(void *context, OBJECT_TYPE *type)
{
  struct explore_stock *stock = context;
  if (stock->types == EXPLORE_MAX_TYPES)
    return;
  stock->objects[stock->types] = type->TotalNumberOfObjects;
  stock->handles[stock->types++] = type->TotalNumberOfHandles;
}

void watch_take_stock(struct explore_stock *stock)
{
  stock->types = 0;
  ob_for_each_type(count_type, stock);
}

struct comparison {
  dbgksim_explorer *x;
  const struct explore_stock *before;
  unsigned type;
};

static void compare_type(void *context, OBJECT_TYPE *type)
{
  struct comparison *c = context;
  unsigned i = c->type++;
  if (i >= c->before->types || type == ob_types()->Type)
    return;
  /* Programs of a userland leave what the machine keeps of them. */
  if (c->x->has_programs && type != ob_types()->DebugObject)
    return;
  if (type->TotalNumberOfObjects != c->before->objects[i] || type->TotalNumberOfHandles != c->before->handles[i])
    explore_found(c->x, DBGKSIM_FINDING_COUNTS, "%s: %u objects and %u handles, %u and %u before", type->Name,
                  type->TotalNumberOfObjects, type->TotalNumberOfHandles, c->before->objects[i], c->before->handles[i]);
}

static void check_process(dbgksim_explorer *x, const struct stage_process *p)
{
  const EPROCESS *process = p->process;
  if (process->DebugPort)
    explore_found(x, DBGKSIM_FINDING_COUNTS, "%s has ended with a debug port", p->name);
  if (process->Pcb.FreezeCount)
    explore_found(x, DBGKSIM_FINDING_COUNTS, "%s has ended with a freeze count of %d", p->name,
                  (int)process->Pcb.FreezeCount);
  if (process->RundownProtect.count)
    explore_found(x, DBGKSIM_FINDING_COUNTS, "%s has ended with its run-down protection held", p->name);
  if (process->PoolQuotaUsage)
    explore_found(x, DBGKSIM_FINDING_COUNTS, "%s is charged with %zu bytes of events", p->name,
                  process->PoolQuotaUsage);
}

void watch_nothing_left(struct explore_stage *stage, const struct explore_stock *before)
{
  dbgksim_explorer *x = stage->explorer;
  struct comparison comparison = {x, before, 0};
  for (unsigned i = 0; i < stage->process_count; i++)
    check_process(x, &stage->processes[i]);
  if (dbgk_state()->DbgkpProcessDebugPortMutex.Owner)
    explore_found(x, DBGKSIM_FINDING_COUNTS, "DbgkpProcessDebugPortMutex has an owner");
  explore_clear_stage(x);
  ob_for_each_type(compare_type, &comparison);
}
