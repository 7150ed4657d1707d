/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of a schedule, as text: who came to which scheduling choice in which routine, and where it was preempted.
 */
#include "explore/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NOTES 20000u

void explore_note(dbgksim_explorer *x, enum ke_choice_point point, KTHREAD *thread, const char *place,
                  const void *object, bool is_text)
{
  if (x->note_count == x->note_capacity) {
    size_t capacity = x->note_capacity ? x->note_capacity * 2 : 256;
    struct explore_note *notes = capacity > MAX_NOTES ? NULL : realloc(x->notes, capacity * sizeof *notes);
    if (!notes)
      return;
    x->notes = notes;
    x->note_capacity = capacity;
  }
  x->notes[x->note_count++] = (struct explore_note){thread, point, place, object, x->schedule.count, is_text};
}

struct text {
  char *bytes;
  size_t used, size;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *t, const char *format, ...)
{
  va_list arguments;
  for (;;) {
    va_start(arguments, format);
    int n = vsnprintf(t->bytes + t->used, t->size - t->used, format, arguments);
    va_end(arguments);
    if (n < 0)
      return;
    if ((size_t)n < t->size - t->used) {
      t->used += (size_t)n;
      return;
    }
    char *grown = realloc(t->bytes, t->size * 2 + (size_t)n);
    if (!grown)
      return;
    t->bytes = grown;
    t->size = t->size * 2 + (size_t)n;
  }
}

/* What a lock, signal or wait is about. */
static const char *object_name(const struct explore_stage *stage, const void *object)
{
  if (object == &dbgk_state()->DbgkpProcessDebugPortMutex)
    return "DbgkpProcessDebugPortMutex";
  for (unsigned i = 0; i < stage->object_count; i++) {
    const DEBUG_OBJECT *o = stage->objects[i].object;
    if (object == &o->Mutex)
      return "the debug object's Mutex";
    if (object == &o->EventsPresent)
      return "EventsPresent";
  }
  for (unsigned i = 0; i < stage->process_count; i++) {
    const EPROCESS *process = stage->processes[i].process;
    if (object == process)
      return "the process's end";
    if (object == &process->RundownProtect)
      return "the process's run-down protection";
  }
  for (unsigned i = 0; i < stage->thread_count; i++) {
    const ETHREAD *thread = stage->threads[i].thread;
    if (thread && object == thread)
      return stage->threads[i].name;
    if (thread && object == &thread->RundownProtect)
      return "the thread's run-down protection";
  }
  return NULL;
}

static void add_point(struct text *t, const struct explore_stage *stage, const struct explore_note *note)
{
  static const char *const verbs[] = {
      [KE_CHOICE_WAIT] = "waits",
      [KE_CHOICE_SIGNAL] = "has signalled",
      [KE_CHOICE_LOCK] = "is about to take",
      [KE_CHOICE_UNLOCK] = "has released",
      [KE_CHOICE_QUANTUM] = "quantum end",
      [KE_CHOICE_YIELD] = "yields",
      [KE_CHOICE_RACE] = "is about to read without a lock",
      [KE_CHOICE_BEFORE_WAIT] = "is about to wait for",
  };
  const char *object = note->object ? object_name(stage, note->object) : NULL;
  if (!object && note->point == KE_CHOICE_BEFORE_WAIT)
    object = strcmp(note->place, "DbgkpQueueMessage") == 0 ? "ContinueEvent" : "something";
  if (!object && note->point == KE_CHOICE_SIGNAL && strcmp(note->place, "DbgkpWakeTarget") == 0)
    object = "ContinueEvent";
  add(t, "%s%s%s", verbs[note->point], object ? " " : "", object ? object : "");
}

char *explore_steps_text(dbgksim_explorer *x)
{
  const struct explore_stage *stage = x->stage;
  struct text t = {malloc(4096), 0, 4096};
  if (!t.bytes)
    return NULL;
  t.bytes[0] = 0;
  const KTHREAD *running = NULL;
  for (size_t i = 0; i < x->note_count; i++) {
    const struct explore_note *note = &x->notes[i];
    const char *name = explore_thread_name(stage, note->thread);
    add(&t, "  %-12s ", note->thread == running ? "" : name);
    running = note->thread;
    if (note->is_text) {
      add(&t, "%s\n", note->place);
      continue;
    }
    add(&t, "  %-28s ", note->place ? note->place : "?");
    add_point(&t, stage, note);
    /* It was asked whether to go on, and somebody else ran. */
    const struct ke_step *step = note->choice < x->schedule.capacity ? &x->schedule.steps[note->choice] : NULL;
    if (step && note->choice < x->schedule.count && step->point == note->point && step->answer &&
        (i + 1 == x->note_count || x->notes[i + 1].choice != note->choice))
      add(&t, "  -- preempted (choice %zu)", note->choice + 1);
    add(&t, "\n");
  }
  for (unsigned i = 0; i < stage->thread_count; i++) {
    const ETHREAD *thread = stage->threads[i].thread;
    if (!thread || ps_thread_ended(thread) || thread->Tcb.State != Waiting)
      continue;
    add(&t, "  %-12s sleeps in %s\n", stage->threads[i].name, thread->Tcb.place ? thread->Tcb.place : "?");
  }
  return t.bytes;
}
