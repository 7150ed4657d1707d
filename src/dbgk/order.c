/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of a debug object's events without Windows' scans.
 *
 * Windows has EventList alone. Its wait walks the list for the first event that is neither READ nor INACTIVE, and for
 * each such event walks the list again for an earlier event of the same process; its continue, detach and attach walk
 * all events for those of one process. Three things beside the list answer the same questions:
 *
 * - A heap of the *active* events, those that are neither READ nor INACTIVE, by order of queueing. Windows' outer walk
 *   passes over all others, so its next event is always the top of the heap.
 * - A ring of the events of each process, in order of queueing. An event has an earlier one of its process exactly if
 *   it is not the first of the ring, so the inner walk is one comparison. Only the first can have been READ.
 * - A hash table that finds the first event of a process by its id.
 *
 * An event that the wait finds to have an earlier one becomes INACTIVE and leaves the heap, as on Windows; it returns
 * when a continue makes it the first of its process. So each event enters and leaves the heap twice at most. All of it
 * lies in the events themselves: queueing an event of a waiting sender needs no memory, as on Windows. */
#include "dbgk/internal.h"

#include <string.h>

#define TAG_DEBUG_BUCKETS POOL_TAG('D', 'b', 'g', 'H')
#define INACTIVE_FLAGS (DEBUG_EVENT_READ | DEBUG_EVENT_INACTIVE)

/* ---- the heap of active events: a pairing heap, its root the event queued first ---- */

/* Both roots have no siblings. */
static DEBUG_EVENT *meld(DEBUG_EVENT *a, DEBUG_EVENT *b)
{
  if (!a || !b)
    return a ? a : b;
  if (b->sequence < a->sequence) {
    DEBUG_EVENT *other = a;
    a = b;
    b = other;
  }
  b->heap_previous = a;
  b->heap_next = a->heap_child;
  if (b->heap_next)
    b->heap_next->heap_previous = b;
  a->heap_child = b;
  return a;
}

/* One heap out of siblings: melded in pairs from the left, then the pairs from the right, which makes the cost of a
 * removal logarithmic over any series of them. */
static DEBUG_EVENT *meld_siblings(DEBUG_EVENT *event)
{
  DEBUG_EVENT *pairs = NULL, *root = NULL;
  while (event) {
    DEBUG_EVENT *a = event, *b = a->heap_next;
    event = b ? b->heap_next : NULL;
    a->heap_next = a->heap_previous = NULL;
    if (b)
      b->heap_next = b->heap_previous = NULL;
    a = meld(a, b);
    a->heap_next = pairs;
    pairs = a;
  }
  while (pairs) {
    DEBUG_EVENT *pair = pairs;
    pairs = pair->heap_next;
    pair->heap_next = NULL;
    root = meld(root, pair);
  }
  return root;
}

static void remove_active(DEBUG_OBJECT *object, DEBUG_EVENT *event)
{
  DEBUG_EVENT *children = meld_siblings(event->heap_child);
  if (object->active == event) {
    object->active = children;
  } else {
    if (event->heap_previous->heap_child == event)
      event->heap_previous->heap_child = event->heap_next;
    else
      event->heap_previous->heap_next = event->heap_next;
    if (event->heap_next)
      event->heap_next->heap_previous = event->heap_previous;
    object->active = meld(object->active, children);
  }
  event->heap_child = event->heap_next = event->heap_previous = NULL;
}

/* ---- the table of first events ---- */

/* Place of the pointer to the first event of a process: the one that is NULL if the process has none. */
static DEBUG_EVENT **find_first(const DEBUG_OBJECT *object, HANDLE process_id)
{
  ULONG64 hash = process_id * 0x9E3779B97F4A7C15ull >> 32;
  DEBUG_EVENT **slot = &object->buckets[hash & (object->bucket_count - 1)];
  while (*slot && (*slot)->ClientId.UniqueProcess != process_id)
    slot = &(*slot)->bucket_next;
  return slot;
}

/* Twice the buckets once there are more processes than buckets. Without memory the chains only grow longer. */
static void grow_table(DEBUG_OBJECT *object)
{
  ULONG count = object->bucket_count, new_count = count * 2;
  DEBUG_EVENT **old = object->buckets;
  DEBUG_EVENT **buckets = ExAllocatePoolWithTag(new_count * sizeof *buckets, TAG_DEBUG_BUCKETS);
  if (!buckets)
    return;
  object->buckets = buckets;
  object->bucket_count = new_count;
  for (ULONG i = 0; i < count; i++) {
    for (DEBUG_EVENT *event = old[i], *next; event; event = next) {
      next = event->bucket_next;
      event->bucket_next = NULL;
      *find_first(object, event->ClientId.UniqueProcess) = event;
    }
  }
  if (old != object->first_buckets)
    ExFreePool(old);
}

/* ---- what the queue does ---- */

void dbgk_init_order(DEBUG_OBJECT *object)
{
  InitializeListHead(&object->EventList);
  object->buckets = object->first_buckets;
  object->bucket_count = DBGK_FIRST_BUCKETS;
}

void dbgk_free_order(DEBUG_OBJECT *object)
{
  if (object->buckets != object->first_buckets)
    ExFreePool(object->buckets);
}

DEBUG_EVENT *dbgk_first_event(const DEBUG_OBJECT *object, HANDLE process_id)
{
  return *find_first(object, process_id);
}

DEBUG_EVENT *dbgk_next_event(const DEBUG_EVENT *event)
{
  DEBUG_EVENT *next = CONTAINING_RECORD(event->process_entry.Flink, DEBUG_EVENT, process_entry);
  return next->sequence > event->sequence ? next : NULL;
}

bool dbgk_is_first(const DEBUG_EVENT *event)
{
  /* Before the first of a ring comes its last, or itself. */
  return CONTAINING_RECORD(event->process_entry.Blink, DEBUG_EVENT, process_entry)->sequence >= event->sequence;
}

void dbgk_link_event(DEBUG_OBJECT *object, DEBUG_EVENT *event)
{
  ke_check_live(object);
  InsertTailList(&object->EventList, &event->EventList);
  event->sequence = object->next_sequence++;
  InitializeListHead(&event->process_entry);
  event->bucket_next = NULL;
  event->heap_child = event->heap_next = event->heap_previous = NULL;
  DEBUG_EVENT **first = find_first(object, event->ClientId.UniqueProcess);
  if (*first) {
    InsertTailList(&(*first)->process_entry, &event->process_entry);
  } else {
    *first = event;
    if (++object->process_count > object->bucket_count)
      grow_table(object);
  }
  if (!(event->Flags & INACTIVE_FLAGS))
    object->active = meld(object->active, event);
}

void dbgk_unlink_event(DEBUG_OBJECT *object, DEBUG_EVENT *event)
{
  ke_check_live(event);
  if (!(event->Flags & INACTIVE_FLAGS))
    remove_active(object, event);
  if (dbgk_is_first(event)) {
    DEBUG_EVENT **first = find_first(object, event->ClientId.UniqueProcess), *next = dbgk_next_event(event);
    if (next) {
      next->bucket_next = event->bucket_next;
      *first = next;
    } else {
      *first = event->bucket_next;
      object->process_count--;
    }
  }
  RemoveEntryList(&event->process_entry);
  RemoveEntryList(&event->EventList);
}

/* Moves neighbours of a list to the end of another. */
static void move_run(LIST_ENTRY *first, LIST_ENTRY *last, LIST_ENTRY *list)
{
  first->Blink->Flink = last->Flink;
  last->Flink->Blink = first->Blink;
  first->Blink = list->Blink;
  last->Flink = list;
  list->Blink->Flink = first;
  list->Blink = last;
}

void dbgk_take_all(DEBUG_OBJECT *object, LIST_ENTRY *list)
{
  InitializeListHead(list);
  if (IsListEmpty(&object->EventList))
    return;
  move_run(object->EventList.Flink, object->EventList.Blink, list);
  object->active = NULL;
  memset(object->buckets, 0, object->bucket_count * sizeof *object->buckets);
  object->process_count = 0;
}

void dbgk_take_process(DEBUG_OBJECT *object, HANDLE process_id, LIST_ENTRY *list)
{
  DEBUG_EVENT **first = find_first(object, process_id), *event = *first, *run = event, *next;
  InitializeListHead(list);
  if (!event)
    return;
  /* The usual case, and the one in which the events are not even looked at. */
  if (object->process_count == 1) {
    dbgk_take_all(object, list);
    return;
  }
  *first = event->bucket_next;
  object->process_count--;
  for (; event; event = next) {
    next = dbgk_next_event(event);
    if (!(event->Flags & INACTIVE_FLAGS))
      remove_active(object, event);
    if (!next || event->EventList.Flink != &next->EventList) {
      move_run(&run->EventList, &event->EventList, list);
      run = next;
    }
  }
}

void dbgk_activate_event(DEBUG_OBJECT *object, DEBUG_EVENT *event)
{
  if (!(event->Flags & DEBUG_EVENT_INACTIVE))
    return;
  event->Flags &= ~DEBUG_EVENT_INACTIVE;
  if (!(event->Flags & DEBUG_EVENT_READ))
    object->active = meld(object->active, event);
}

void dbgk_deactivate_event(DEBUG_OBJECT *object, DEBUG_EVENT *event, ULONG flag)
{
  if (!(event->Flags & INACTIVE_FLAGS))
    remove_active(object, event);
  event->Flags |= flag;
}
