/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The driver: one stage, many schedules, what was found. */
#include "explore/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Schedules between two calls of the caller's progress function. */
#define PROGRESS_EVERY 1024u
#define DEFAULT_RANDOM_SCHEDULES 1000u
/** Runs that shortening one finding may take. */
#define MAX_SHORTENING 500u

void dbgksim_explore_options_init(struct dbgksim_explore_options *options)
{
  memset(options, 0, sizeof *options);
  options->size = sizeof *options;
  options->preemptions = 1;
}

const char *dbgksim_finding_name(enum dbgksim_finding_kind kind)
{
  static const char *const names[] = {"asleep", "freed",  "late",  "lost",    "twice",
                                      "order",  "counts", "check", "internal"};
  _Static_assert(sizeof names / sizeof names[0] == DBGKSIM_FINDING_KINDS, "a name for each kind");
  return (unsigned)kind < DBGKSIM_FINDING_KINDS ? names[kind] : "?";
}

/* ---- one schedule ---- */

static enum dbgksim_status build_machine(dbgksim_explorer *x)
{
  struct dbgksim_config config;
  dbgksim_config_init(&config);
  config.userland = "none";
  enum dbgksim_status status = dbgksim_machine_create(x->options.machine ? x->options.machine : &config, &x->machine);
  if (status != DBGKSIM_OK)
    return status;
  if (!explore_set_stage(x))
    return machine_create_failed(DBGKSIM_BAD_ARGUMENT, "scenario %s: its setup failed%s%s", x->scenario->name,
                                 x->found ? ": " : "", x->found ? x->what[DBGKSIM_FINDING_CHECK] : "");
  return DBGKSIM_OK;
}

static void observe(void *context, enum ke_choice_point point, KTHREAD *running, const char *place, const void *object)
{
  dbgksim_explorer *x = CONTAINING_RECORD(context, dbgksim_explorer, schedule);
  if (running != &x->machine->host_thread->Tcb)
    explore_note(x, point, running, place, object, false);
}

/* Lets everybody run until all processes have ended. False: somebody sleeps for ever, or the machine stopped. */
static bool wait_for_all(struct explore_stage *stage)
{
  void *ends[EXPLORE_MAX_PROCESSES];
  for (unsigned i = 0; i < stage->process_count; i++)
    ends[i] = stage->processes[i].process;
  return !stage->process_count || KeWaitForMultipleObjects(stage->process_count, ends, WaitAll, UserRequest, UserMode,
                                                           FALSE, NULL) == STATUS_SUCCESS;
}

/* Runs the schedule that is prepared. */
static enum dbgksim_status run_schedule(dbgksim_explorer *x)
{
  enum dbgksim_status status = dbgksim_snapshot_restore(x->snapshot);
  if (status == DBGKSIM_OK)
    status = machine_enter(x->machine);
  if (status != DBGKSIM_OK)
    return status;
  struct explore_stage *stage = x->stage;
  struct ke_policy policy = ke_schedule_policy(&x->schedule);
  if (x->noting)
    policy.observe = observe;
  x->found = 0;
  x->note_count = 0;
  ke_set_policy(&policy);
  bool asleep = !wait_for_all(stage);
  if (x->noting) {
    free(x->result->steps);
    x->result->steps = explore_steps_text(x);
  }
  policy = (struct ke_policy){0};
  ke_set_policy(&policy);
  watch_end(stage, asleep);
  if (!asleep) {
    if (x->scenario->check)
      x->scenario->check(x, stage->state);
    watch_nothing_left(stage, &x->stock);
  }
  ke_resume();
  machine_leave(x->machine);
  return DBGKSIM_OK;
}

/* ---- findings ---- */

static bool is_shorter(const dbgksim_explorer *x, const struct dbgksim_finding *f, size_t deviations,
                       size_t best_deviations)
{
  unsigned preemptions = ke_schedule_preemptions(&x->schedule);
  if (!f->schedules || preemptions != f->preemptions)
    return !f->schedules || preemptions < f->preemptions;
  if (deviations != best_deviations)
    return deviations < best_deviations;
  return x->schedule.count < f->choices;
}

static size_t deviations_of(const struct ke_step *steps, size_t count)
{
  const struct ke_schedule schedule = {.steps = (struct ke_step *)steps, .capacity = count, .count = count};
  return ke_schedule_deviations(&schedule);
}

static void keep_if_shorter(dbgksim_explorer *x, enum dbgksim_finding_kind kind)
{
  struct dbgksim_finding *f = &x->result->findings[kind];
  const size_t count = x->schedule.count < x->schedule.capacity ? x->schedule.count : x->schedule.capacity;
  if (!is_shorter(x, f, ke_schedule_deviations(&x->schedule), deviations_of(x->best[kind].steps, x->best[kind].count)))
    return;
  struct ke_step *steps = realloc(x->best[kind].steps, (count + 1) * sizeof *steps);
  if (!steps)
    return;
  memcpy(steps, x->schedule.steps, count * sizeof *steps);
  x->best[kind].steps = steps;
  x->best[kind].count = count;
  f->preemptions = ke_schedule_preemptions(&x->schedule);
  f->choices = x->schedule.count;
  memcpy(f->what, x->what[kind], sizeof f->what);
}

static void note_findings(dbgksim_explorer *x)
{
  for (unsigned kind = 0; kind < DBGKSIM_FINDING_KINDS; kind++) {
    if (!(x->found >> kind & 1))
      continue;
    keep_if_shorter(x, (enum dbgksim_finding_kind)kind);
    x->result->findings[kind].schedules++;
  }
  x->result->found += x->found != 0;
}

static void prepare_best(dbgksim_explorer *x, unsigned kind)
{
  memcpy(x->schedule.steps, x->best[kind].steps, x->best[kind].count * sizeof *x->schedule.steps);
  x->schedule.count = x->best[kind].count;
  ke_schedule_again(&x->schedule);
}

/* Takes deviations away as long as the finding stays. */
static enum dbgksim_status shorten(dbgksim_explorer *x, unsigned kind)
{
  unsigned runs = 0;
  for (size_t i = x->best[kind].count; i-- > 0 && runs < MAX_SHORTENING;) {
    if (i >= x->best[kind].count)
      continue;
    const size_t before = deviations_of(x->best[kind].steps, x->best[kind].count);
    prepare_best(x, kind);
    x->schedule.steps[i].answer = KE_STEP_DEFAULT;
    const struct ke_step kept = x->best[kind].steps[i];
    const struct ke_schedule one = {.steps = (struct ke_step[]){kept}, .capacity = 1, .count = 1};
    if (!ke_schedule_deviations(&one) || !before)
      continue;
    enum dbgksim_status status = run_schedule(x);
    if (status != DBGKSIM_OK)
      return status;
    runs++;
    if (x->found >> kind & 1)
      keep_if_shorter(x, (enum dbgksim_finding_kind)kind);
  }
  return DBGKSIM_OK;
}

/* Runs the shortest schedule of each kind again, for its text. */
static enum dbgksim_status describe(dbgksim_explorer *x)
{
  for (unsigned kind = 0; kind < DBGKSIM_FINDING_KINDS; kind++) {
    struct dbgksim_finding *f = &x->result->findings[kind];
    if (!f->schedules)
      continue;
    enum dbgksim_status status = x->options.mode == DBGKSIM_EXPLORE_REPLAY ? DBGKSIM_OK : shorten(x, kind);
    prepare_best(x, kind);
    x->noting = true;
    if (status == DBGKSIM_OK)
      status = run_schedule(x);
    x->noting = false;
    if (status != DBGKSIM_OK)
      return status;
    if (!ke_schedule_print(&x->schedule, f->replay, sizeof f->replay))
      f->replay[0] = 0;
    f->steps = x->result->steps;
    x->result->steps = NULL;
    if (x->found >> kind & 1)
      memcpy(f->what, x->what[kind], sizeof f->what);
  }
  return DBGKSIM_OK;
}

/* ---- many schedules ---- */

/* Prepares schedule number n (from 0). False: there is none. */
static bool prepare_schedule(dbgksim_explorer *x, uint64_t n)
{
  const struct dbgksim_explore_options *o = &x->options;
  switch (o->mode) {
  case DBGKSIM_EXPLORE_REPLAY:
    return n == 0;
  case DBGKSIM_EXPLORE_RANDOM:
    if (n == (o->schedules ? o->schedules : DEFAULT_RANDOM_SCHEDULES))
      return false;
    ke_schedule_random(&x->schedule, o->seed * 0x9E3779B97F4A7C15ull + n);
    return true;
  default:
    if (n && !ke_schedule_next(&x->schedule, o->preemptions)) {
      x->result->complete = true;
      return false;
    }
    return !o->schedules || n < o->schedules;
  }
}

static enum dbgksim_status run_all(dbgksim_explorer *x)
{
  struct dbgksim_explore_result *r = x->result;
  for (uint64_t n = 0; prepare_schedule(x, n); n++) {
    enum dbgksim_status status = run_schedule(x);
    if (status != DBGKSIM_OK)
      return status;
    r->schedules++;
    r->choices += x->schedule.count;
    if (x->schedule.count > r->most_choices)
      r->most_choices = x->schedule.count;
    if (ke_schedule_preemptions(&x->schedule) > r->most_preemptions)
      r->most_preemptions = ke_schedule_preemptions(&x->schedule);
    if (x->found) {
      note_findings(x);
      if (x->options.stop_at_first)
        break;
    }
    if (x->options.progress && r->schedules % PROGRESS_EVERY == 0 &&
        !x->options.progress(x->options.progress_context, r->schedules, r->found))
      break;
  }
  if (r->most_choices > EXPLORE_MAX_CHOICES)
    r->complete = false;
  return DBGKSIM_OK;
}

static enum dbgksim_status explore(dbgksim_explorer *x)
{
  const char *why;
  if (x->options.mode == DBGKSIM_EXPLORE_REPLAY &&
      (!x->options.replay || !ke_schedule_parse(&x->schedule, x->options.replay, &why)))
    return machine_create_failed(DBGKSIM_BAD_ARGUMENT, "replay %.100s: %s",
                                 x->options.replay ? x->options.replay : "(none)", x->options.replay ? why : "");
  enum dbgksim_status status = build_machine(x);
  if (status != DBGKSIM_OK)
    return status;
  status = dbgksim_snapshot_take(x->machine, &x->snapshot);
  if (status != DBGKSIM_OK)
    return machine_create_failed(status, "%s", dbgksim_message(x->machine));
  x->noting = x->options.mode == DBGKSIM_EXPLORE_REPLAY && x->options.steps;
  status = run_all(x);
  x->noting = false;
  char *steps = x->result->steps;
  x->result->steps = NULL;
  if (status == DBGKSIM_OK)
    status = describe(x);
  x->result->steps = steps;
  if (status != DBGKSIM_OK && x->machine)
    machine_create_failed(status, "%s", dbgksim_message(x->machine));
  return status;
}

static bool scenario_good(const struct dbgksim_scenario *s)
{
  return s && s->name && s->setup && s->state_size <= 1u << 20;
}

enum dbgksim_status dbgksim_explore(const struct dbgksim_scenario *scenario,
                                    const struct dbgksim_explore_options *options,
                                    struct dbgksim_explore_result *result)
{
  if (!scenario_good(scenario) || !result || !options || options->size != sizeof *options ||
      (unsigned)options->mode > DBGKSIM_EXPLORE_REPLAY || (unsigned)options->locking > DBGKSIM_OBJECT_MUTEX_RECHECK)
    return machine_create_failed(DBGKSIM_BAD_ARGUMENT, "dbgksim_explore: the scenario or the options are not complete");
  memset(result, 0, sizeof *result);
  struct ke_step *steps = calloc(EXPLORE_MAX_CHOICES, sizeof *steps);
  dbgksim_explorer *x = calloc(1, sizeof *x);
  enum dbgksim_status status = DBGKSIM_NO_MEMORY;
  if (x && steps) {
    x->scenario = scenario;
    x->options = *options;
    x->has_programs = options->machine && options->machine->userland && strcmp(options->machine->userland, "none") != 0;
    x->result = result;
    ke_schedule_init(&x->schedule, steps, EXPLORE_MAX_CHOICES);
    status = explore(x);
    dbgksim_machine_destroy(x->machine);
    free(x->notes);
    for (unsigned i = 0; i < DBGKSIM_FINDING_KINDS; i++)
      free(x->best[i].steps);
  } else {
    machine_create_failed(status, "no memory for an exploration");
  }
  free(x);
  free(steps);
  if (status != DBGKSIM_OK)
    dbgksim_explore_free(result);
  return status;
}

void dbgksim_explore_free(struct dbgksim_explore_result *result)
{
  for (unsigned i = 0; i < DBGKSIM_FINDING_KINDS; i++) {
    free(result->findings[i].steps);
    result->findings[i].steps = NULL;
  }
  free(result->steps);
  result->steps = NULL;
}
