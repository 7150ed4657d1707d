/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where every process and thread is while the machine stands at an event. */
#include "cli/tape.h"

#include <inttypes.h>
#include <stdlib.h>

/* Lines of the format `lines` that are no events begin with it. */
static const char *mark(const struct view *view) { return view->session->options->format == CLI_LINES ? "# " : ""; }

/* Calls fn for each thread with its context, NULL if it has none. */
static void for_each_thread(struct view *view, uint32_t pid,
                            void (*fn)(struct view *view, uint32_t pid, uint32_t tid, const CONTEXT *context))
{
  dbgksim_machine *machine = view->session->machine;
  size_t count = 0;
  dbgksim_list_threads(machine, pid, NULL, &count);
  uint32_t *tids = calloc(count + 1, sizeof *tids);
  if (!tids || dbgksim_list_threads(machine, pid, tids, &count) != DBGKSIM_OK)
    count = 0;
  for (size_t i = 0; i < count; i++) {
    CONTEXT context = {.ContextFlags = CONTEXT_CONTROL};
    bool known = dbgksim_get_context(machine, tids[i], &context) == DBGKSIM_OK;
    fn(view, pid, tids[i], known ? &context : NULL);
  }
  free(tids);
}

static void print_thread(struct view *view, uint32_t pid, uint32_t tid, const CONTEXT *context)
{
  char place[256];
  fprintf(view->out, "%s  thread %-6u", mark(view), tid);
  if (context)
    fprintf(view->out, " rip %016" PRIx64 "  rsp %016" PRIx64 "  %s\n", (uint64_t)context->Rip, (uint64_t)context->Rsp,
            view_place(view, pid, context->Rip, place, sizeof place));
  else
    fputs(" has ended\n", view->out);
}

static void put_thread(struct view *view, uint32_t pid, uint32_t tid, const CONTEXT *context)
{
  char place[256];
  struct json json;
  json_begin(&json, view->out);
  json_text(&json, "type", "thread");
  json_number(&json, "pid", pid);
  json_number(&json, "tid", tid);
  if (context) {
    json_hex(&json, "rip", context->Rip);
    json_text(&json, "rip_symbol", view_place(view, pid, context->Rip, place, sizeof place));
    json_hex(&json, "rsp", context->Rsp);
    json_hex(&json, "eflags", context->EFlags);
  }
  json_end(&json);
}

static const char *image_of(const struct view *view, uint32_t pid)
{
  for (size_t i = 0; i < view->process_count; i++)
    if (view->processes[i].pid == pid && view->processes[i].module_count)
      return view->processes[i].modules[0].name;
  return "";
}

static void put_head(struct view *view, const struct dbgksim_event *event)
{
  struct json json;
  json_begin(&json, view->out);
  json_text(&json, "type", "state");
  json_number(&json, "number", view->events);
  json_number(&json, "time_ns", dbgksim_time(view->session->machine));
  json_text(&json, "pending", view_event_name(event->code));
  json_number(&json, "pid", event->pid);
  json_number(&json, "tid", event->tid);
  json_end(&json);
}

void state_show(struct view *view, const struct view_event *seen)
{
  dbgksim_machine *machine = view->session->machine;
  const struct dbgksim_event *event = seen->event;
  bool lines = view->session->options->format == CLI_JSONL;
  size_t count = 0;
  dbgksim_list_processes(machine, NULL, &count);
  uint32_t *pids = calloc(count + 1, sizeof *pids);
  if (!pids || dbgksim_list_processes(machine, pids, &count) != DBGKSIM_OK)
    count = 0;
  if (lines)
    put_head(view, event);
  else
    fprintf(view->out, "%sstopped at event %" PRIu64 ", %.3f ms: %s of %u:%u waits for its answer\n", mark(view),
            view->events, (double)dbgksim_time(machine) / 1e6, view_event_name(event->code), event->pid, event->tid);
  for (size_t i = 0; i < count; i++) {
    if (!lines)
      fprintf(view->out, "%sprocess %-5u %s\n", mark(view), pids[i], image_of(view, pids[i]));
    for_each_thread(view, pids[i], lines ? put_thread : print_thread);
  }
  free(pids);
}
