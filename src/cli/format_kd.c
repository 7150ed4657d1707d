/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of the kernel debugger in each format (docs/trace-formats.md). */
#include "cli/view.h"

#include <inttypes.h>
#include <string.h>

/* As in format_text.c. */
#define EVENT_WIDTH 19

static const char *answer_name(const struct view_kd *kd, const char *continued, const char *not_handled)
{
  return kd->answer->status == DBG_CONTINUE ? continued : not_handled;
}

void kd_text(struct view *view, const struct view_kd *kd)
{
  const struct dbgksim_kd_event *event = kd->event;
  FILE *out = view->out;
  char who[32], name[32], number[16], place[256];
  const bool colour = view->session->colour;
  snprintf(who, sizeof who, "%u:%u", event->pid, event->tid);
  snprintf(name, sizeof name, "KD %s", dbgksim_kd_kind_name(event->kind));
  fprintf(out, "%11.3f  %-11s  %s%-*s%s ", (double)kd->nanoseconds / 1e6, who, colour ? "\033[35m" : "", EVENT_WIDTH,
          name, colour ? "\033[0m" : "");
  if (event->kind != DBGKSIM_KD_EXCEPTION)
    view_quote(out, event->text);
  switch (event->kind) {
  case DBGKSIM_KD_EXCEPTION:
    fprintf(out, "%s, %s chance, at %s -> %s", view_status(event->exception.ExceptionCode, number),
            event->first_chance ? "first" : "second",
            view_place(view, event->pid, event->exception.ExceptionAddress, place, sizeof place),
            answer_name(kd, "continue", "not handled"));
    break;
  case DBGKSIM_KD_PRINT:
    fprintf(out, ", component %u, level %u", event->component, event->level);
    break;
  case DBGKSIM_KD_PROMPT:
    fputs(" -> ", out);
    view_quote(out, kd->answer->reply);
    break;
  case DBGKSIM_KD_LOAD_SYMBOLS:
  case DBGKSIM_KD_UNLOAD_SYMBOLS:
    fprintf(out, " %" PRIx64 ", %u bytes, of process %" PRIu64, event->base, event->size_of_image, event->process_id);
    break;
  case DBGKSIM_KD_COMMAND_STRING:
    fputs(": ", out);
    view_quote(out, event->command);
    break;
  }
  fputc('\n', out);
}

void kd_lines(struct view *view, const struct view_kd *kd)
{
  const struct dbgksim_kd_event *event = kd->event;
  FILE *out = view->out;
  fprintf(out, "p%zu t%zu KD_%s ", kd->process_index, kd->thread_index, dbgksim_kd_kind_name(event->kind));
  switch (event->kind) {
  case DBGKSIM_KD_EXCEPTION:
    fprintf(out, "0x%08x first=%d np=%u -> %s", (unsigned)event->exception.ExceptionCode, event->first_chance,
            event->exception.NumberParameters, answer_name(kd, "CONTINUE", "NOT_HANDLED"));
    break;
  case DBGKSIM_KD_PRINT:
    fprintf(out, "component=%u level=%u ", event->component, event->level);
    view_quote(out, event->text);
    break;
  case DBGKSIM_KD_PROMPT:
    fprintf(out, "max=%u ", event->reply_maximum);
    view_quote(out, event->text);
    fputs(" -> ", out);
    view_quote(out, kd->answer->reply);
    break;
  case DBGKSIM_KD_LOAD_SYMBOLS:
  case DBGKSIM_KD_UNLOAD_SYMBOLS:
    fprintf(out, "size=0x%x ", event->size_of_image);
    view_quote(out, event->text);
    break;
  case DBGKSIM_KD_COMMAND_STRING:
    view_quote(out, event->text);
    fputc(' ', out);
    view_quote(out, event->command);
    break;
  }
  fputc('\n', out);
}

static void put_exception(struct view *view, struct json *json, const struct view_kd *kd)
{
  const struct dbgksim_kd_event *event = kd->event;
  const EXCEPTION_RECORD64 *record = &event->exception;
  const char *name = dbgksim_nt_status_name(record->ExceptionCode);
  size_t n =
      record->NumberParameters < EXCEPTION_MAXIMUM_PARAMETERS ? record->NumberParameters : EXCEPTION_MAXIMUM_PARAMETERS;
  char place[256];
  json_hex(json, "code", (uint32_t)record->ExceptionCode);
  if (name)
    json_text(json, "code_name", name);
  json_bool(json, "kernel_mode", event->kernel_mode);
  json_bool(json, "first_chance", event->first_chance);
  json_hex(json, "address", record->ExceptionAddress);
  json_text(json, "address_symbol", view_place(view, event->pid, record->ExceptionAddress, place, sizeof place));
  json_hex_array(json, "parameters", record->ExceptionInformation, n);
  json_hex(json, "rip", event->context.Rip);
  json_hex(json, "rsp", event->context.Rsp);
  json_hex(json, "eflags", event->context.EFlags);
  json_text(json, "answer", answer_name(kd, "DBG_CONTINUE", "DBG_EXCEPTION_NOT_HANDLED"));
}

void kd_jsonl(struct view *view, const struct view_kd *kd)
{
  const struct dbgksim_kd_event *event = kd->event;
  struct json json;
  json_begin(&json, view->out);
  json_text(&json, "type", "kd");
  json_number(&json, "time_ns", kd->nanoseconds);
  json_text(&json, "event", dbgksim_kd_kind_name(event->kind));
  json_number(&json, "pid", event->pid);
  json_number(&json, "tid", event->tid);
  json_number(&json, "process", kd->process_index);
  json_number(&json, "thread", kd->thread_index);
  if (event->kind != DBGKSIM_KD_EXCEPTION)
    json_text(&json, "text", event->text);
  switch (event->kind) {
  case DBGKSIM_KD_EXCEPTION:
    put_exception(view, &json, kd);
    break;
  case DBGKSIM_KD_PRINT:
    json_number(&json, "component", event->component);
    json_number(&json, "level", event->level);
    break;
  case DBGKSIM_KD_PROMPT:
    json_number(&json, "maximum", event->reply_maximum);
    json_text(&json, "reply", kd->answer->reply);
    break;
  case DBGKSIM_KD_LOAD_SYMBOLS:
  case DBGKSIM_KD_UNLOAD_SYMBOLS:
    json_hex(&json, "base", event->base);
    json_number(&json, "size", event->size_of_image);
    json_hex(&json, "checksum", event->checksum);
    json_number(&json, "symbols_of", event->process_id);
    break;
  case DBGKSIM_KD_COMMAND_STRING:
    json_text(&json, "command", event->command);
    break;
  }
  json_end(&json);
}
