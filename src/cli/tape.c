/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines that a recording keeps of a run, and a replay compares. */
#include "cli/tape.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a, 64 bits. */
static uint64_t digest(uint64_t value, const void *bytes, size_t size)
{
  for (size_t i = 0; i < size; i++)
    value = (value ^ ((const unsigned char *)bytes)[i]) * 0x100000001B3ull;
  return value;
}

void tape_note_output(struct tape *tape, int stream, const void *bytes, size_t size)
{
  const unsigned char number = (unsigned char)stream;
  tape->output = digest(digest(tape->output, &number, 1), bytes, size);
}

/* What the members before do not show of the run so far. */
static void put_digests(const struct tape *tape, struct view *view, struct json *json)
{
  json_hex(json, "schedule", dbgksim_schedule_digest(view->session->machine));
  json_hex(json, "output", tape->output);
}

/* Rax to Rip. */
#define FIRST_REGISTER offsetof(CONTEXT, Rax)
#define LAST_REGISTER (offsetof(CONTEXT, Rip) + sizeof(ULONG64))

struct line {
  char *text;
  size_t size;
  FILE *file;
  struct json json;
};

static bool begin(struct line *line)
{
  line->text = NULL;
  line->file = open_memstream(&line->text, &line->size);
  if (!line->file)
    return false;
  json_begin(&line->json, line->file);
  return true;
}

static char *end(struct line *line)
{
  json_end(&line->json);
  bool good = !ferror(line->file);
  good &= fclose(line->file) == 0;
  if (!good) {
    free(line->text);
    return NULL;
  }
  line->text[line->size - 1] = 0;
  return line->text;
}

char *tape_event_line(const struct tape *tape, struct view *view, const struct view_event *event)
{
  struct line line;
  if (!begin(&line))
    return NULL;
  jsonl_event(view, &line.json, event);
  if (event->has_context)
    json_hex(&line.json, "registers",
             digest(0, (const char *)&event->context + FIRST_REGISTER, LAST_REGISTER - FIRST_REGISTER));
  put_digests(tape, view, &line.json);
  return end(&line);
}

char *tape_act_line(const struct tape *tape, struct view *view, enum view_act act, uint32_t pid, uint32_t exit_code)
{
  struct line line;
  if (!begin(&line))
    return NULL;
  jsonl_act(view, &line.json, act, pid, exit_code);
  put_digests(tape, view, &line.json);
  return end(&line);
}

char *tape_end_line(const struct tape *tape, struct view *view, enum dbgksim_status reason, int result)
{
  struct line line;
  struct dbgksim_point point;
  if (dbgksim_get_point(view->session->machine, &point) != DBGKSIM_OK || !begin(&line))
    return NULL;
  jsonl_end(view, &line.json, reason);
  json_hex(&line.json, "blocks", point.blocks);
  json_hex(&line.json, "checks", point.checks);
  json_number(&line.json, "exit_status", (uint64_t)result);
  put_digests(tape, view, &line.json);
  return end(&line);
}
