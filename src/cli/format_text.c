/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The format to read: aligned columns, addresses as module!symbol+offset, colours on a terminal. */
#include "cli/view.h"

#include <inttypes.h>
#include <string.h>

#define PLAIN "\033[0m"
#define DIM "\033[2m"

/* Details of an event go behind this column. */
#define EVENT_WIDTH 19

static const char *colour_of(const struct dbgksim_event *event)
{
  switch (event->code) {
  case DBGKSIM_EXCEPTION:
    return event->first_chance ? "\033[31m" : "\033[1;31m";
  case DBGKSIM_CREATE_PROCESS:
  case DBGKSIM_EXIT_PROCESS:
    return "\033[1m";
  case DBGKSIM_CREATE_THREAD:
  case DBGKSIM_EXIT_THREAD:
    return "\033[32m";
  case DBGKSIM_OUTPUT_DEBUG_STRING:
    return "\033[33m";
  default:
    return "\033[36m";
  }
}

static const char *paint(const struct view *view, const char *colour) { return view->session->colour ? colour : ""; }

/* What a memory exception tried: the parameters of access violations, in-page errors and guard pages. */
static void print_parameters(struct view *view, const EXCEPTION_RECORD64 *record)
{
  ULONG n =
      record->NumberParameters < EXCEPTION_MAXIMUM_PARAMETERS ? record->NumberParameters : EXCEPTION_MAXIMUM_PARAMETERS;
  bool memory = record->ExceptionCode == STATUS_ACCESS_VIOLATION || record->ExceptionCode == STATUS_IN_PAGE_ERROR ||
                record->ExceptionCode == STATUS_GUARD_PAGE_VIOLATION;
  if (memory && n >= 2) {
    ULONG64 kind = record->ExceptionInformation[0];
    fprintf(view->out, ", %s 0x%" PRIx64,
            kind == 0   ? "reading"
            : kind == 1 ? "writing"
                        : "executing",
            record->ExceptionInformation[1]);
    return;
  }
  if (record->ExceptionCode == STATUS_BREAKPOINT && n == 1 && !record->ExceptionInformation[0])
    return;
  for (ULONG i = 0; i < n; i++)
    fprintf(view->out, "%s0x%" PRIx64, i ? ", " : ", parameters ", record->ExceptionInformation[i]);
}

static void print_exception(struct view *view, const struct view_event *e)
{
  const EXCEPTION_RECORD64 *record = &e->event->exception;
  char number[16], place[256], instruction[128];
  fprintf(view->out, "%s, %s chance%s, at %s", view_status(record->ExceptionCode, number),
          e->event->first_chance ? "first" : "second", record->ExceptionFlags & 1 ? ", noncontinuable" : "",
          view_place(view, e->event->pid, record->ExceptionAddress, place, sizeof place));
  print_parameters(view, record);
  fprintf(view->out, "%s -> %s\n", e->initial ? " (first breakpoint)" : "",
          e->answer == DBG_CONTINUE ? "continue" : "not handled");
  if (dbgksim_disassemble(view->session->machine, e->event->pid, record->ExceptionAddress, instruction,
                          sizeof instruction, NULL) == DBGKSIM_OK)
    fprintf(view->out, "%*s%s%016" PRIx64 "  %s%s\n", 26 + EVENT_WIDTH, "", paint(view, DIM), record->ExceptionAddress,
            instruction, paint(view, PLAIN));
}

static void print_exit_code(struct view *view, uint32_t code)
{
  const char *name = (NTSTATUS)code < 0 || code >= 0x40000000 ? dbgksim_nt_status_name((NTSTATUS)code) : NULL;
  if (name)
    fprintf(view->out, "code 0x%x, %s\n", code, name);
  else if (code < 10)
    fprintf(view->out, "code %u\n", code);
  else
    fprintf(view->out, "code %" PRId32 " (0x%x)\n", (int32_t)code, code);
}

static void begin(struct view *view)
{
  fprintf(view->out, "%s%11s  %-11s  %-*s %s%s\n", paint(view, DIM), "ms", "pid:tid", EVENT_WIDTH, "event", "details",
          paint(view, PLAIN));
}

static void show(struct view *view, const struct view_event *e)
{
  const struct dbgksim_event *event = e->event;
  char who[32], place[256], text[1024];
  snprintf(who, sizeof who, "%u:%u", event->pid, event->tid);
  fprintf(view->out, "%11.3f  %-11s  %s%-*s%s ", (double)e->nanoseconds / 1e6, who, paint(view, colour_of(event)),
          EVENT_WIDTH, view_event_name(event->code), paint(view, PLAIN));
  switch (event->code) {
  case DBGKSIM_CREATE_PROCESS:
    fprintf(view->out, "%-16s %12" PRIx64 "  entry %s\n", e->file, event->base,
            view_place(view, event->pid, event->start_address, place, sizeof place));
    break;
  case DBGKSIM_CREATE_THREAD:
    fprintf(view->out, "start %s\n", view_place(view, event->pid, event->start_address, place, sizeof place));
    break;
  case DBGKSIM_EXIT_THREAD:
  case DBGKSIM_EXIT_PROCESS:
    print_exit_code(view, event->exit_code);
    break;
  case DBGKSIM_LOAD_DLL:
    fprintf(view->out, "%-16s %12" PRIx64 "  %s\n", e->file, event->base, event->file);
    break;
  case DBGKSIM_UNLOAD_DLL: {
    const char *name = view_module_name(e->process, event->base);
    fprintf(view->out, "%-16s %12" PRIx64 "\n", name ? name : "?", event->base);
    break;
  }
  case DBGKSIM_OUTPUT_DEBUG_STRING:
    view_string(view, event, text, sizeof text);
    view_quote(view->out, text);
    fprintf(view->out, "%s\n", event->unicode ? " (wide)" : "");
    break;
  case DBGKSIM_EXCEPTION:
    print_exception(view, e);
    break;
  case DBGKSIM_RIP:
    fprintf(view->out, "error %u, type %u\n", event->rip_error, event->rip_type);
    break;
  default:
    fputc('\n', view->out);
  }
}

static void act(struct view *view, enum view_act what, uint32_t pid, uint32_t exit_code)
{
  static const char *const names[] = {
      [VIEW_ATTACHED] = "attached", [VIEW_DETACHED] = "detached", [VIEW_ENDED] = "ended"};
  fprintf(view->out, "%11.3f  %-11u  %s%-*s%s ", (double)dbgksim_time(view->session->machine) / 1e6, pid,
          paint(view, "\033[1m"), EVENT_WIDTH, names[what], paint(view, PLAIN));
  if (what == VIEW_ENDED)
    print_exit_code(view, exit_code);
  else
    fputc('\n', view->out);
}

static void probe(struct view *view, const struct dbgksim_trace_record *record)
{
  fputs(paint(view, DIM), view->out);
  explain_record(view, record);
  fputs(paint(view, PLAIN), view->out);
}

static void end(struct view *view, enum dbgksim_status reason)
{
  char waits[4096];
  if (reason == DBGKSIM_DEADLOCK && dbgksim_report_waits(view->session->machine, waits, sizeof waits) == DBGKSIM_OK)
    fprintf(view->out, "who waits for what:\n%s", waits);
}

const struct format format_text = {
    .begin = begin, .event = show, .kd = kd_text, .act = act, .probe = probe, .end = end};
