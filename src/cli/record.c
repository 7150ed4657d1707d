/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dbgksim trace --record: a header, then a line for each thing that happened, each complete on disk before the run goes
 * on, so that a recording is of use whatever ends the run. */
#include "cli/recording.h"
#include "cli/tape.h"

#include <errno.h>
#include <jansson.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct recorder {
  struct tape tape;
  FILE *file;
  unsigned inputs; /**< of the machine that are written */
};

static int failed(const char *path, const char *why)
{
  fprintf(stderr, "dbgksim trace: cannot record to %s: %s\n", path, why);
  return CLI_BAD_USE;
}

/* A path as seen from the folder that the recording lies in (malloc'ed). */
static char *seen_from_recording(const char *recording, const char *path)
{
  char *copy = strdup(recording), *folder = copy ? realpath(dirname(copy), NULL) : NULL;
  char *target = realpath(path, NULL), *result = NULL;
  size_t same = 0, ups = 0;
  if (folder && target) {
    /* What both have in common, cut at the last slash. */
    for (size_t i = 0; folder[i] == target[i] || (!folder[i] && target[i] == '/'); i++) {
      if (target[i] == '/' && (folder[i] == '/' || !folder[i]))
        same = i;
      if (!folder[i] || !target[i])
        break;
    }
    for (const char *p = folder + same; *p; p++)
      ups += *p == '/' && p[1];
    result = malloc(ups * 3 + strlen(target) + 2);
    if (result) {
      *result = 0;
      for (size_t i = 0; i < ups; i++)
        strcat(result, "../");
      strcat(result, target[same] == '/' ? target + same + 1 : target + same);
      if (!*result)
        strcpy(result, ".");
    }
  }
  free(copy);
  free(folder);
  free(target);
  return result ? result : strdup(path);
}

static json_t *seen_path(const struct options *options, const char *path)
{
  char *seen = seen_from_recording(options->record, path);
  json_t *value = seen ? json_string(seen) : NULL;
  free(seen);
  return value;
}

/* Folders stay as they are if they are absolute. */
static json_t *seen_folder(const struct options *options, const char *path)
{
  return *path == '/' ? json_string(path) : seen_path(options, path);
}

static json_t *hex_number(uint64_t number)
{
  char text[24];
  snprintf(text, sizeof text, "0x%llx", (unsigned long long)number);
  return json_string(text);
}

static json_t *program_file(const struct options *options)
{
  char hash[2 * 32 + 1];
  struct dbgksim_file file;
  if (dbgksim_hash_file(NULL, options->program, &file) != DBGKSIM_OK || !file.known)
    return NULL;
  return json_pack("{s:o, s:I, s:s}", "path", seen_path(options, options->program), "size", (json_int_t)file.size,
                   "sha256", recording_hash_text(file.sha256, hash));
}

static json_t *arguments(const struct options *options)
{
  json_t *list = json_array();
  for (size_t i = 0; options->arguments[i]; i++)
    if (json_array_append_new(list, json_string(options->arguments[i])) != 0) {
      json_decref(list);
      return NULL;
    }
  return list;
}

static json_t *roots(const struct options *options)
{
  json_t *list = json_array();
  for (unsigned i = 0; i < options->root_count; i++) {
    const struct dbgksim_root *root = &options->roots[i];
    json_t *entry = json_pack("{s:o, s:s, s:b}", "host", seen_folder(options, root->host), "guest", root->guest,
                              "writable", root->writable);
    if (json_array_append_new(list, entry) != 0) {
      json_decref(list);
      return NULL;
    }
  }
  return list;
}

static json_t *kept_options(const struct options *options)
{
  json_t *list = json_array();
  char *text;
  for (unsigned i = 0; (text = options_kept(options, i)) != NULL; i++) {
    int bad = json_array_append_new(list, json_string(text));
    free(text);
    if (bad) {
      json_decref(list);
      return NULL;
    }
  }
  return list;
}

/* The name of a userland, or its folder as seen from the recording. */
static json_t *userland_name(const struct session *session)
{
  const char *userland = dbgksim_userland(session->machine);
  return recording_is_userland(userland) ? json_string(userland) : seen_folder(session->options, userland);
}

/* The first line; NULL if a text is not UTF-8. */
static char *header(const struct session *session)
{
  const struct options *options = session->options;
  json_t *object = json_pack(
      "{s:s, s:i, s:s, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:{s:s, s:s}, s:o, s:o, s:o, s:o}", "type", "recording",
      "format", RECORDING_FORMAT, "version", dbgksim_version(), "engine", dbgksim_engine_version(), "userland",
      userland_name(session), "era",
      options->era ? options->era : "win10", "program", options->program, "arguments", arguments(options),
      "program_file", program_file(options), "seed", hex_number(options->seed), "schedule", "policy",
      options->random_schedule ? "random" : "round-robin", "string", "", "budget", hex_number(options->budget),
      "quantum", hex_number(options->quantum), "roots", roots(options), "options", kept_options(options));
  char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;
  json_decref(object);
  return line;
}

static void put_line(struct recorder *r, char *line)
{
  if (line)
    fprintf(r->file, "%s\n", line);
  fflush(r->file);
  free(line);
}

/* The files that were read or missed since the last line. */
static void put_inputs(struct recorder *r, struct view *view)
{
  struct dbgksim_file file;
  struct json json;
  char hash[2 * 32 + 1];
  for (; dbgksim_input_file(view->session->machine, r->inputs, &file) == DBGKSIM_OK; r->inputs++) {
    if (file.existed && !file.known)
      continue;
    json_begin(&json, r->file);
    json_text(&json, "type", file.existed ? "file" : "absent");
    json_text(&json, "path", file.path);
    if (!file.existed) {
      json_end(&json);
      continue;
    }
    json_number(&json, "size", file.size);
    json_text(&json, "sha256", recording_hash_text(file.sha256, hash));
    json_end(&json);
  }
}

static int begin(struct tape *tape, struct view *view)
{
  struct recorder *r = (struct recorder *)tape;
  const struct session *session = view->session;
  if (session_same_place(r->file, session->trace) || session_same_place(r->file, session->program[0]) ||
      session_same_place(r->file, session->log))
    return failed(session->options->record, "it is another output of this run, too");
  char *line = header(session);
  if (!line)
    return failed(view->session->options->record, "the program's path and all options must be UTF-8");
  put_line(r, line);
  put_inputs(r, view);
  fflush(r->file);
  return CLI_OK;
}

static bool event(struct tape *tape, struct view *view, struct view_event *seen)
{
  struct recorder *r = (struct recorder *)tape;
  put_inputs(r, view);
  put_line(r, tape_event_line(tape, view, seen));
  return true;
}

static bool act(struct tape *tape, struct view *view, enum view_act what, uint32_t pid, uint32_t exit_code)
{
  struct recorder *r = (struct recorder *)tape;
  put_inputs(r, view);
  put_line(r, tape_act_line(tape, view, what, pid, exit_code));
  return true;
}

static size_t input(struct tape *tape, void *bytes, size_t size)
{
  struct recorder *r = (struct recorder *)tape;
  size_t got = session_read(bytes, size < RECORDING_INPUT ? size : RECORDING_INPUT);
  fputs("{\"type\":\"input\",\"bytes\":\"", r->file);
  for (size_t i = 0; i < got; i++)
    fprintf(r->file, "%02x", ((const unsigned char *)bytes)[i]);
  fputs("\"}\n", r->file);
  fflush(r->file);
  return got;
}

static int close_run(struct tape *tape, struct view *view, enum dbgksim_status reason, int result)
{
  struct recorder *r = (struct recorder *)tape;
  put_inputs(r, view);
  put_line(r, tape_end_line(tape, view, reason, result));
  return result;
}

int record_open(const struct options *options, struct tape **tape)
{
  static const struct tape_functions functions = {
      .begin = begin, .event = event, .act = act, .input = input, .close = close_run};
  *tape = NULL;
  struct recorder *r = calloc(1, sizeof *r);
  if (!r)
    return failed(options->record, "no memory");
  r->tape.functions = &functions;
  r->file = fopen(options->record, "w");
  if (!r->file) {
    free(r);
    return failed(options->record, strerror(errno));
  }
  *tape = &r->tape;
  return CLI_OK;
}

int record_close(struct tape *tape, int result)
{
  struct recorder *r = (struct recorder *)tape;
  if (!r)
    return result;
  bool good = !ferror(r->file);
  good &= fclose(r->file) == 0;
  free(r);
  if (good)
    return result;
  fprintf(stderr, "dbgksim trace: the recording could not be written completely\n");
  return CLI_INCOMPLETE;
}
