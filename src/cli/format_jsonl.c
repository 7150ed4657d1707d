/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON Lines: one object per line, for programs (docs/trace-formats.md has the schema). */
#include "cli/json.h"
#include "cli/view.h"

#include <stdio.h>

static void begin(struct view *view)
{
  session_write_start(view->session, view->out);
}

static void put_place(struct view *view, struct json *json, uint32_t pid, const char *name, const char *symbol_name,
                      uint64_t address)
{
  char place[256];
  json_hex(json, name, address);
  json_text(json, symbol_name, view_place(view, pid, address, place, sizeof place));
}

static void put_file(struct view *view, struct json *json, const struct dbgksim_event *event)
{
  char name[800];
  if (event->has_file)
    json_text(json, "file", event->file);
  if (view_image_name(view, event, name, sizeof name))
    json_text(json, "image_name", name);
  json_hex(json, "base", event->base);
}

static void put_exception(struct view *view, struct json *json, const struct view_event *e)
{
  const EXCEPTION_RECORD64 *record = &e->event->exception;
  const char *name = dbgksim_nt_status_name(record->ExceptionCode);
  char instruction[128];
  size_t n =
      record->NumberParameters < EXCEPTION_MAXIMUM_PARAMETERS ? record->NumberParameters : EXCEPTION_MAXIMUM_PARAMETERS;
  json_hex(json, "code", (uint32_t)record->ExceptionCode);
  if (name)
    json_text(json, "code_name", name);
  json_bool(json, "first_chance", e->event->first_chance);
  json_bool(json, "first_breakpoint", e->initial);
  json_hex(json, "flags", record->ExceptionFlags);
  put_place(view, json, e->event->pid, "address", "address_symbol", record->ExceptionAddress);
  json_hex_array(json, "parameters", record->ExceptionInformation, n);
  if (dbgksim_disassemble(view->session->machine, e->event->pid, record->ExceptionAddress, instruction,
                          sizeof instruction, NULL) == DBGKSIM_OK)
    json_text(json, "instruction", instruction);
  if (e->has_context) {
    put_place(view, json, e->event->pid, "rip", "rip_symbol", e->context.Rip);
    json_hex(json, "rsp", e->context.Rsp);
    json_hex(json, "eflags", e->context.EFlags);
    json_hex(json, "dr6", e->context.Dr6);
    json_hex(json, "dr7", e->context.Dr7);
  }
}

void jsonl_event(struct view *view, struct json *json, const struct view_event *e)
{
  const struct dbgksim_event *event = e->event;
  char text[1600];
  json_text(json, "type", "event");
  json_number(json, "number", view->events);
  json_number(json, "time_ns", e->nanoseconds);
  json_text(json, "event", view_event_name(event->code));
  json_number(json, "pid", event->pid);
  json_number(json, "tid", event->tid);
  json_number(json, "process", e->process_index);
  json_number(json, "thread", e->thread_index);
  switch (event->code) {
  case DBGKSIM_CREATE_PROCESS:
    put_file(view, json, event);
    put_place(view, json, event->pid, "start", "start_symbol", event->start_address);
    json_hex(json, "teb", event->teb);
    break;
  case DBGKSIM_CREATE_THREAD:
    put_place(view, json, event->pid, "start", "start_symbol", event->start_address);
    json_hex(json, "teb", event->teb);
    break;
  case DBGKSIM_EXIT_THREAD:
  case DBGKSIM_EXIT_PROCESS:
    json_number(json, "exit_code", event->exit_code);
    break;
  case DBGKSIM_LOAD_DLL:
    put_file(view, json, event);
    break;
  case DBGKSIM_UNLOAD_DLL:
    json_hex(json, "base", event->base);
    break;
  case DBGKSIM_OUTPUT_DEBUG_STRING:
    view_string(view, event, text, sizeof text);
    json_text(json, "text", text);
    json_number(json, "length", event->string_length);
    json_bool(json, "unicode", event->unicode);
    break;
  case DBGKSIM_EXCEPTION:
    put_exception(view, json, e);
    break;
  case DBGKSIM_RIP:
    json_number(json, "error", event->rip_error);
    json_number(json, "rip_type", event->rip_type);
    break;
  default:
    break;
  }
  json_text(json, "answer", e->answer == DBG_CONTINUE ? "DBG_CONTINUE" : "DBG_EXCEPTION_NOT_HANDLED");
}

static void show(struct view *view, const struct view_event *e)
{
  struct json json;
  json_begin(&json, view->out);
  jsonl_event(view, &json, e);
  json_end(&json);
}

void jsonl_act(struct view *view, struct json *json, enum view_act what, uint32_t pid, uint32_t exit_code)
{
  static const char *const types[] = {[VIEW_ATTACHED] = "attach", [VIEW_DETACHED] = "detach", [VIEW_ENDED] = "exit"};
  json_text(json, "type", types[what]);
  json_number(json, "time_ns", dbgksim_time(view->session->machine));
  json_number(json, "pid", pid);
  if (what == VIEW_ENDED)
    json_number(json, "exit_code", exit_code);
}

static void act(struct view *view, enum view_act what, uint32_t pid, uint32_t exit_code)
{
  struct json json;
  json_begin(&json, view->out);
  jsonl_act(view, &json, what, pid, exit_code);
  json_end(&json);
}

static void probe(struct view *view, const struct dbgksim_trace_record *record)
{
  const uint64_t numbers[] = {record->a, record->b, record->c, record->d, record->e, record->f};
  struct json json;
  json_begin(&json, view->out);
  json_text(&json, "type", "probe");
  json_number(&json, "sequence", record->sequence);
  json_number(&json, "time_ns", record->nanoseconds);
  json_text(&json, "probe", dbgksim_trace_kind_name((enum dbgksim_trace_kind)record->kind));
  json_number(&json, "pid", record->pid);
  json_number(&json, "tid", record->tid);
  json_hex_array(&json, "values", numbers, 6);
  if (record->text[0])
    json_text(&json, "text", record->text);
  json_end(&json);
}

void jsonl_end(struct view *view, struct json *json, enum dbgksim_status reason)
{
  json_text(json, "type", "end");
  json_text(json, "reason", reason == DBGKSIM_OK ? "exit" : dbgksim_status_name(reason));
  json_number(json, "events", view->events);
  json_number(json, "time_ns", dbgksim_time(view->session->machine));
}

static void end(struct view *view, enum dbgksim_status reason)
{
  struct json json;
  json_begin(&json, view->out);
  jsonl_end(view, &json, reason);
  json_end(&json);
}

const struct format format_jsonl = {
    .begin = begin, .event = show, .kd = kd_jsonl, .act = act, .probe = probe, .end = end};
