/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls as JSON Lines, each when it has ended. */
#include "cli/json.h"
#include "cli/strace.h"

#include <stdlib.h>
#include <string.h>

static void begin(struct strace *s)
{
  session_write_start(s->session, s->out);
}

static void put_arguments(struct strace *s, struct json *json, const struct dbgksim_service_call *call)
{
  const char *names[DBGKSIM_SERVICE_ARGUMENTS + 1] = {NULL};
  char *texts[DBGKSIM_SERVICE_ARGUMENTS + 1] = {NULL};
  for (unsigned i = 0; i < call->argument_count; i++) {
    names[i] = dbgksim_service_argument_name(call, i);
    dbgksim_service_argument(call, i, s->text, sizeof s->text);
    texts[i] = strdup(s->text);
    s->no_memory |= !texts[i];
  }
  if (names[0] || !call->argument_count)
    json_text_array(json, "names", names);
  json_hex_array(json, "values", call->arguments, call->argument_count);
  json_text_array(json, "arguments", (const char *const *)texts);
  for (unsigned i = 0; i < call->argument_count; i++)
    free(texts[i]);
}

static void put_call(struct strace *s, const struct dbgksim_service_call *call, uint64_t entered, bool finished)
{
  static const char *const outcomes[] = {
      [DBGKSIM_SERVICE_RETURNS] = "returns",
      [DBGKSIM_SERVICE_CONTINUES] = "continues",
      [DBGKSIM_SERVICE_ENDS_THREAD] = "ends_thread",
  };
  const char *status = dbgksim_nt_status_name(call->status);
  struct json json;
  json_begin(&json, s->out);
  json_text(&json, "type", "call");
  json_number(&json, "number", call->call);
  json_number(&json, "time_ns", entered);
  if (finished)
    json_number(&json, "end_ns", call->nanoseconds);
  json_number(&json, "pid", call->pid);
  json_number(&json, "tid", call->tid);
  json_text(&json, "service", call->name);
  put_arguments(s, &json, call);
  json_text(&json, "outcome", finished ? outcomes[call->outcome] : "unfinished");
  if (finished && call->outcome == DBGKSIM_SERVICE_RETURNS) {
    json_hex(&json, "status", (uint32_t)call->status);
    if (status)
      json_text(&json, "status_name", status);
  }
  json_end(&json);
}

static void show_call(struct strace *s, const struct dbgksim_service_call *call, const struct strace_open *open)
{
  put_call(s, call, open ? open->call.nanoseconds : call->nanoseconds, true);
}

static void unfinished(struct strace *s, const struct strace_open *open)
{
  put_call(s, &open->call, open->call.nanoseconds, false);
}

static void show_record(struct strace *s, const struct dbgksim_trace_record *r)
{
  struct json json;
  json_begin(&json, s->out);
  json_text(&json, "type", r->kind == DBGKSIM_TRACE_DISPATCH  ? "exception"
                           : r->kind == DBGKSIM_TRACE_THREAD ? "thread"
                                                             : "process");
  json_number(&json, "time_ns", r->nanoseconds);
  json_number(&json, "pid", r->pid);
  json_number(&json, "tid", r->tid);
  if (r->kind == DBGKSIM_TRACE_DISPATCH) {
    json_hex(&json, "code", (uint32_t)r->a);
    json_hex(&json, "address", r->b);
    json_bool(&json, "first_chance", r->c != 0);
  } else {
    json_number(&json, "id", r->a);
    json_bool(&json, "begins", r->b != 0);
    if (!r->b)
      json_number(&json, "exit_code", (uint32_t)r->c);
    if (r->text[0])
      json_text(&json, "image", r->text);
  }
  json_end(&json);
}

static void summary(struct strace *s, const struct strace_total *total, const struct strace_total *all)
{
  (void)all;
  for (size_t i = 0; i < s->total_count; i++) {
    struct json json;
    json_begin(&json, s->out);
    json_text(&json, "type", "service");
    json_text(&json, "service", total[i].name);
    json_number(&json, "calls", total[i].calls);
    json_number(&json, "failures", total[i].failures);
    json_number(&json, "unfinished", total[i].unfinished);
    json_number(&json, "virtual_ns", total[i].nanoseconds);
    json_end(&json);
  }
}

static void end(struct strace *s, enum dbgksim_status reason)
{
  struct json json;
  json_begin(&json, s->out);
  json_text(&json, "type", "end");
  json_text(&json, "reason", reason == DBGKSIM_OK ? "exit" : dbgksim_status_name(reason));
  json_number(&json, "calls", s->shown);
  json_number(&json, "time_ns", dbgksim_time(s->session->machine));
  json_end(&json);
}

const struct strace_format strace_jsonl = {
    .begin = begin,
    .call = show_call,
    .unfinished = unfinished,
    .record = show_record,
    .summary = summary,
    .end = end,
};
