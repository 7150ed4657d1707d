/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queue of a debug object against a model that scans its list as Windows does (spec/3.3, 3.4): random operations
 * on both, and both must read the same events in the same order with the same flags. */
#include "base/pool.h"
#include "dbgk/internal.h"

#include <check.h>
#include <string.h>

#define SEQUENCES 4000u
#define STEPS 120u
#define MAX_EVENTS 128u
#define MAX_PROCESSES 12u

struct model_event {
  DEBUG_EVENT *event; /**< the same event in the real queue */
  HANDLE process;
  ULONG flags;
};
struct model {
  struct model_event list[MAX_EVENTS];
  unsigned count;
};

static KPCR pcr;
static DEBUG_OBJECT object;
static DEBUG_EVENT events[MAX_EVENTS];
static bool used[MAX_EVENTS];
static struct model model;
static uint64_t state, seed;

static unsigned random_below(unsigned n)
{
  state = state * 6364136223846793005ull + 1442695040888963407ull;
  return (unsigned)(state >> 33) % n;
}

/* Windows' scan, word for word. */
static struct model_event *model_next(void)
{
  for (unsigned i = 0; i < model.count; i++) {
    struct model_event *e = &model.list[i];
    bool earlier = false;
    if (e->flags & (DEBUG_EVENT_READ | DEBUG_EVENT_INACTIVE))
      continue;
    for (unsigned j = 0; j < i && !earlier; j++)
      earlier = model.list[j].process == e->process;
    if (!earlier)
      return e;
    e->flags |= DEBUG_EVENT_INACTIVE;
  }
  return NULL;
}

static DEBUG_EVENT *queue_next(void)
{
  DEBUG_EVENT *event;
  while ((event = object.active) && !dbgk_is_first(event))
    dbgk_deactivate_event(&object, event, DEBUG_EVENT_INACTIVE);
  return event;
}

static void model_remove(unsigned i)
{
  used[model.list[i].event - events] = false;
  memmove(&model.list[i], &model.list[i + 1], (--model.count - i) * sizeof model.list[0]);
}

static void add(HANDLE process, ULONG flags)
{
  unsigned slot = 0;
  while (slot < MAX_EVENTS && used[slot])
    slot++;
  if (slot == MAX_EVENTS)
    return;
  used[slot] = true;
  DEBUG_EVENT *event = &events[slot];
  memset(event, 0xA5, sizeof *event);
  event->ClientId = (CLIENT_ID){process, 4};
  event->Flags = flags;
  dbgk_link_event(&object, event);
  model.list[model.count++] = (struct model_event){event, process, flags};
}

static void read_next(void)
{
  struct model_event *expected = model_next();
  DEBUG_EVENT *event = queue_next();
  if (event != (expected ? expected->event : NULL))
    ck_abort_msg("another event is read, seed %u", (unsigned)seed);
  if (!event)
    return;
  dbgk_deactivate_event(&object, event, DEBUG_EVENT_READ);
  expected->flags |= DEBUG_EVENT_READ;
}

/* NtDebugContinue: the READ event of a process goes, the next one loses INACTIVE. */
static void continue_process(HANDLE process)
{
  DEBUG_EVENT *event = dbgk_first_event(&object, process);
  bool found = false;
  for (unsigned i = 0; i < model.count; i++) {
    struct model_event *e = &model.list[i];
    if (e->process != process)
      continue;
    if (found) {
      e->flags &= ~DEBUG_EVENT_INACTIVE;
      break;
    }
    if (e->flags & DEBUG_EVENT_READ) {
      if (e->event != event)
        ck_abort_msg("an event that was read is not the first of its process, seed %u", (unsigned)seed);
      model_remove(i--);
      found = true;
    }
  }
  if ((event && event->Flags & DEBUG_EVENT_READ) != found)
    ck_abort_msg("another event is continued, seed %u", (unsigned)seed);
  if (!found)
    return;
  DEBUG_EVENT *next = dbgk_next_event(event);
  dbgk_unlink_event(&object, event);
  if (next)
    dbgk_activate_event(&object, next);
}

/* An attach that fails: the INACTIVE events of a process go, from the middle of its ring too. */
static void back_out(HANDLE process)
{
  for (DEBUG_EVENT *event = dbgk_first_event(&object, process), *next; event; event = next) {
    next = dbgk_next_event(event);
    if (event->Flags & DEBUG_EVENT_INACTIVE && event->Flags & DEBUG_EVENT_NOWAIT)
      dbgk_unlink_event(&object, event);
  }
  for (unsigned i = 0; i < model.count;)
    if (model.list[i].process == process && model.list[i].flags & DEBUG_EVENT_INACTIVE &&
        model.list[i].flags & DEBUG_EVENT_NOWAIT)
      model_remove(i);
    else
      i++;
}

/* An attach that commits: the first of its INACTIVE events may be read. */
static void commit(HANDLE process)
{
  DEBUG_EVENT *event = dbgk_first_event(&object, process);
  while (event && !(event->Flags & DEBUG_EVENT_INACTIVE))
    event = dbgk_next_event(event);
  if (event)
    dbgk_activate_event(&object, event);
  for (unsigned i = 0; i < model.count; i++)
    if (model.list[i].process == process && model.list[i].flags & DEBUG_EVENT_INACTIVE) {
      model.list[i].flags &= ~DEBUG_EVENT_INACTIVE;
      return;
    }
}

/* The taken list is what the model drops (of one process; 0: of all), in the model's order. */
static void compare_taken(const LIST_ENTRY *taken, HANDLE process)
{
  const LIST_ENTRY *e = taken->Flink, *previous = taken;
  for (unsigned i = 0; i < model.count;) {
    if (process && model.list[i].process != process) {
      i++;
      continue;
    }
    if (e != &model.list[i].event->EventList || e->Blink != previous)
      ck_abort_msg("another event is taken, seed %u", (unsigned)seed);
    previous = e;
    e = e->Flink;
    model_remove(i);
  }
  if (e != taken || taken->Blink != previous)
    ck_abort_msg("too many events are taken, seed %u", (unsigned)seed);
}

/* Detach. */
static void take_process(HANDLE process)
{
  LIST_ENTRY taken;
  dbgk_take_process(&object, process, &taken);
  compare_taken(&taken, process);
}

/* Close. */
static void take_all(void)
{
  LIST_ENTRY taken;
  dbgk_take_all(&object, &taken);
  compare_taken(&taken, 0);
}

/* Check's assertions write to a file each: one for the whole list. */
static void compare_lists(void)
{
  LIST_ENTRY *e = object.EventList.Flink;
  unsigned i = 0;
  while (i < model.count && e == &model.list[i].event->EventList && model.list[i].event->Flags == model.list[i].flags)
    i++, e = e->Flink;
  if (i != model.count || e != &object.EventList)
    ck_abort_msg("event %u of %u differs, seed %u", i, model.count, (unsigned)seed);
}

START_TEST(the_queue_reads_what_windows_scan_reads)
{
  pcr = (KPCR){.pool = pool_create(16u << 20)};
  ck_assert_ptr_nonnull(pcr.pool);
  ki_current_pcr = &pcr;
  for (unsigned sequence = 0; sequence < SEQUENCES; sequence++) {
    state = seed = sequence;
    memset(&object, 0, sizeof object);
    dbgk_init_order(&object);
    unsigned processes = 1 + random_below(MAX_PROCESSES);
    for (unsigned step = 0; step < STEPS; step++) {
      HANDLE process = 8 + 4 * random_below(processes);
      switch (random_below(12)) {
      case 0:
      case 1:
      case 2:
        add(process, 0);
        break;
      case 3:
      case 4:
        add(process, DEBUG_EVENT_NOWAIT | DEBUG_EVENT_INACTIVE);
        break;
      case 5:
      case 6:
      case 7:
        read_next();
        break;
      case 8:
      case 9:
        continue_process(process);
        break;
      case 10:
        random_below(3) ? commit(process) : back_out(process);
        break;
      default:
        switch (random_below(24)) {
        case 0:
          take_all();
          break;
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
        case 6:
          take_process(process);
        }
      }
      compare_lists();
    }
    if (random_below(2))
      take_all();
    for (unsigned i = 0; i < processes; i++)
      take_process(8 + 4 * i);
    ck_assert(IsListEmpty(&object.EventList));
    ck_assert_ptr_null(object.active);
    ck_assert_uint_eq(object.process_count, 0);
    dbgk_free_order(&object);
    struct pool_stats stats;
    pool_query(pcr.pool, &stats);
    ck_assert_uint_eq(stats.blocks_live, 0);
  }
  pool_destroy(pcr.pool);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("queue order");
  TCase *tests = tcase_create("model");
  tcase_add_test(tests, the_queue_reads_what_windows_scan_reads);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? 1 : 0;
}
