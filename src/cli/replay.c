/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dbgksim replay: the recorded program, options, answers and input again, each line of the run compared with the
 * recorded one. */
#include "cli/commands.h"
#include "cli/recording.h"
#include "cli/tape.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Why a replay stopped before the run's end. */
enum stop { STOP_NONE, STOP_UNTIL, STOP_CUT, STOP_DIFFERS };

struct player {
  struct tape tape;
  struct recording recording;
  const struct options *asked; /**< of the replay's own command line */
  size_t line, input;          /**< next ones */
  size_t input_used;           /**< bytes of the next input */
  uint64_t events;             /**< replayed */
  enum stop stop;
  struct dbgksim_event last_event; /**< that the run was stopped at */
  struct view_event last;
};

/* ---- comparing ---- */

static void print_differences(const json_t *recorded, const json_t *now)
{
  const char *name, *comma = "  differs   ";
  json_t *value;
  json_t *both = json_copy((json_t *)(uintptr_t)recorded);
  json_object_update_missing(both, (json_t *)(uintptr_t)now);
  json_object_foreach(both, name, value)
  {
    if (json_equal(json_object_get(recorded, name), json_object_get(now, name)))
      continue;
    fprintf(stderr, "%s%s", comma, name);
    comma = ", ";
  }
  fputc('\n', stderr);
  json_decref(both);
}

static void report(const struct player *p, const struct recording_line *line, const json_t *recorded, const char *now,
                   const json_t *now_object)
{
  const struct recording *r = &p->recording;
  const char *type = json_string_value(json_object_get(recorded, "type"));
  fflush(stdout);
  fprintf(stderr, "dbgksim replay: %s: the run differs from the recorded one ", r->path);
  if (type && strcmp(type, "event") == 0)
    fprintf(stderr, "at event %llu", (unsigned long long)p->events + 1);
  else
    fprintf(stderr, "after event %llu", (unsigned long long)p->events);
  fprintf(stderr, " (line %u)\n  recorded  %.*s\n  now       %s\n", line->number, (int)line->length, line->text, now);
  print_differences(recorded, now_object);
  if (strcmp(r->version, dbgksim_version()) || strcmp(r->engine, dbgksim_engine_version()))
    recording_say(r, "it was recorded by dbgksim %s with engine %s; this is dbgksim %s with engine %s", r->version,
                  r->engine, dbgksim_version(), dbgksim_engine_version());
}

static void stop(struct player *p, struct view *view, enum stop why)
{
  if (!view->stopped)
    p->stop = why;
  view->stopped = true;
}

static const struct recording_line *next_line(const struct player *p)
{
  return p->line < p->recording.line_count ? &p->recording.lines[p->line] : NULL;
}

/* True if two lines say the same; else the difference is reported. */
static bool same_line(const struct player *p, const struct recording_line *line, const char *now)
{
  if (line && now && strlen(now) == line->length && memcmp(now, line->text, line->length) == 0)
    return true;
  /* It may have been edited: white space and the order of members do not count. */
  json_t *recorded = line ? json_loadb(line->text, line->length, 0, NULL) : NULL;
  json_t *object = now ? json_loads(now, 0, NULL) : NULL;
  bool same = recorded && object && json_equal(recorded, object);
  if (!recorded || !object)
    recording_say(&p->recording, "no memory to compare");
  else if (!same)
    report(p, line, recorded, now, object);
  json_decref(recorded);
  json_decref(object);
  return same;
}

/* Compares a line of the run (which is freed) with the recorded one. */
static bool compare(struct player *p, struct view *view, char *now)
{
  bool same = same_line(p, next_line(p), now);
  if (same)
    p->line++;
  else
    stop(p, view, STOP_DIFFERS);
  free(now);
  return same;
}

/* ---- the run ---- */

/* True if a file holds what it held, or is still absent. */
static bool holds(dbgksim_machine *machine, const struct recording_file *recorded, struct dbgksim_file *now)
{
  bool found = dbgksim_hash_file(machine, recorded->path, now) == DBGKSIM_OK;
  if (!recorded->existed)
    return !found;
  return found && now->known && now->size == recorded->size &&
         memcmp(now->sha256, recorded->sha256, sizeof now->sha256) == 0;
}

/* False after a line about a file that is not as it was. */
static bool check_file(const struct player *p, dbgksim_machine *machine, const struct recording_file *recorded)
{
  struct dbgksim_file now;
  char was[65], is[65];
  if (holds(machine, recorded, &now))
    return true;
  const char *hint = p->asked->force ? "" : " (--force replays nevertheless)";
  recording_hash_text(recorded->sha256, was);
  if (!recorded->existed)
    recording_say(&p->recording, "%s is there: the recorded run did not find it%s", recorded->path, hint);
  else if (now.known)
    recording_say(&p->recording, "%s has changed: recorded with %s, found with %s%s", recorded->path, was,
                  recording_hash_text(now.sha256, is), hint);
  else
    recording_say(&p->recording, "%s is missing: recorded with %s%s", recorded->path, was, hint);
  return false;
}

static int begin(struct tape *tape, struct view *view)
{
  struct player *p = (struct player *)tape;
  for (size_t i = 0; i < p->recording.file_count; i++) {
    if (check_file(p, view->session->machine, &p->recording.files[i]))
      continue;
    if (!p->asked->force)
      return CLI_BAD_USE;
    break;
  }
  if (!p->recording.line_count)
    stop(p, view, STOP_CUT);
  if (p->recording.interrupted)
    dbgksim_interrupt_at(view->session->machine, &p->recording.point);
  return CLI_OK;
}

static bool event(struct tape *tape, struct view *view, struct view_event *seen)
{
  struct player *p = (struct player *)tape;
  const struct recording_line *line = next_line(p);
  if (line && line->answer)
    seen->answer = line->answer;
  if (!compare(p, view, tape_event_line(tape, view, seen)))
    return false;
  p->events++;
  if (p->events == p->asked->until) {
    stop(p, view, STOP_UNTIL);
    p->last_event = *seen->event;
    p->last = *seen;
    p->last.event = &p->last_event;
  }
  if (!next_line(p))
    stop(p, view, STOP_CUT);
  return true;
}

static bool act(struct tape *tape, struct view *view, enum view_act what, uint32_t pid, uint32_t exit_code)
{
  struct player *p = (struct player *)tape;
  if (!compare(p, view, tape_act_line(tape, view, what, pid, exit_code)))
    return false;
  if (!next_line(p))
    stop(p, view, STOP_CUT);
  return true;
}

static size_t input(struct tape *tape, void *bytes, size_t size)
{
  struct player *p = (struct player *)tape;
  if (p->input == p->recording.input_count)
    return 0;
  const struct recording_input *in = &p->recording.inputs[p->input];
  size_t left = in->size - p->input_used, taken = left < size ? left : size;
  memcpy(bytes, in->bytes + p->input_used, taken);
  p->input_used += taken;
  if (p->input_used == in->size) {
    p->input++;
    p->input_used = 0;
  }
  return taken;
}

static int close_run(struct tape *tape, struct view *view, enum dbgksim_status reason, int result)
{
  struct player *p = (struct player *)tape;
  session_begin_line(view->session);
  switch (p->stop) {
  case STOP_UNTIL:
    state_show(view, &p->last);
    return CLI_OK;
  case STOP_CUT:
    recording_say(&p->recording, "the recording was cut off after event %llu", (unsigned long long)p->events);
    return CLI_INCOMPLETE;
  case STOP_DIFFERS:
    return CLI_DIFFERS;
  default:
    /* Ctrl-C ends a replay as it ends a trace. */
    if (reason == DBGKSIM_INTERRUPTED && !p->recording.interrupted)
      return result;
    return compare(p, view, tape_end_line(tape, view, reason, result)) ? result : CLI_DIFFERS;
  }
}

/* ---- the command ---- */

/* Where the program is: as it is asked for, as seen from the recording, or as it was given then. */
static void find_program(const struct player *p, struct options *options)
{
  struct recording_file near = p->recording.program, given = near;
  struct dbgksim_file now;
  if (options->program_file)
    return;
  given.path = (char *)(uintptr_t)options->program;
  options->program_file = near.path;
  if (!holds(NULL, &near, &now) && (holds(NULL, &given, &now) || access(near.path, F_OK) != 0))
    options->program_file = options->program;
}

static struct dbgksim_root *find_root(const struct options *options, const char *guest)
{
  for (unsigned i = 0; i < options->root_count; i++)
    if (strcmp(options->roots[i].guest, guest) == 0)
      return &options->roots[i];
  return NULL;
}

/* A recording may come from anywhere: it does not decide what is written to. */
static int check_roots(const struct player *p, const struct options *options)
{
  for (unsigned i = 0; i < options->root_count; i++) {
    const struct dbgksim_root *root = &options->roots[i];
    if (!root->writable || find_root(p->asked, root->guest))
      continue;
    recording_say(&p->recording, "programs may write to %s: say where, by --map DIR=%s:rw", root->guest, root->guest);
    return CLI_BAD_USE;
  }
  return CLI_OK;
}

/* Folders that are given stand in for those of the recording with the same guest path. */
static int take_roots(const struct player *p, struct options *options)
{
  for (unsigned i = 0; i < p->asked->root_count; i++) {
    const struct dbgksim_root *given = &p->asked->roots[i];
    struct dbgksim_root *root = find_root(options, given->guest);
    char *host = root ? strdup(given->host) : NULL;
    if (!host) {
      recording_say(&p->recording, "%s", root ? "no memory" : "--map is for folders of the recording");
      return CLI_BAD_USE;
    }
    free((char *)(uintptr_t)root->host);
    root->host = host;
    root->writable = given->writable;
  }
  return check_roots(p, options);
}

static int prepare(struct player *p, struct options *options)
{
  int result = recording_read(&p->recording, p->asked->recording, options);
  if (result != CLI_OK)
    return result;
  options_override(options, p->asked);
  result = options_check(options);
  if (result == CLI_OK)
    result = take_roots(p, options);
  if (result != CLI_OK)
    return result;
  if (p->asked->until > p->recording.events) {
    recording_say(&p->recording, "it has only %llu events", (unsigned long long)p->recording.events);
    return CLI_BAD_USE;
  }
  find_program(p, options);
  struct recording_file program = p->recording.program;
  program.path = (char *)(uintptr_t)options->program_file;
  return p->asked->force || check_file(p, NULL, &program) ? CLI_OK : CLI_BAD_USE;
}

static int replay(struct player *p)
{
  struct options options;
  struct session session;
  options_default(&options, CLI_REPLAY);
  int result = prepare(p, &options);
  if (result == CLI_OK) {
    result = session_open(&session, &options, &p->tape);
    if (result == CLI_OK)
      result = trace_program(&session);
    result = session_close(&session, result);
  }
  options_free(&options);
  return result;
}

int command_replay(int argc, char **argv)
{
  static const struct tape_functions functions = {
      .begin = begin, .event = event, .act = act, .input = input, .close = close_run};
  struct options asked;
  struct player *p = calloc(1, sizeof *p);
  int result = options_parse(&asked, CLI_REPLAY, argc, argv);
  if (result < 0 && p) {
    p->tape.functions = &functions;
    p->asked = &asked;
    result = replay(p);
    recording_free(&p->recording);
  }
  options_free(&asked);
  free(p);
  return result;
}
