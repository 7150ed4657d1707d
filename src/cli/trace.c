/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/commands.h"
#include "cli/view.h"

#include <stdlib.h>
#include <string.h>

static const struct format *const formats[] = {
    [CLI_TEXT] = &format_text,
    [CLI_LINES] = &format_lines,
    [CLI_JSONL] = &format_jsonl,
};

/* Records come while a call of the library is still busy with the machine: they are shown after it. */
static void keep_record(void *context, const struct dbgksim_trace_record *record)
{
  struct view *view = context;
  if (view->pending_count == view->pending_room) {
    size_t room = view->pending_room ? view->pending_room * 2 : 64;
    struct dbgksim_trace_record *grown = realloc(view->pending, room * sizeof *grown);
    if (!grown) {
      view->no_memory = true;
      return;
    }
    view->pending = grown;
    view->pending_room = room;
  }
  view->pending[view->pending_count++] = *record;
}

/* What leads to a trap is shown only if it becomes an exception: resolved page faults would drown the rest. */
static bool hold(struct view *view, const struct dbgksim_trace_record *record)
{
  if (record->kind != DBGKSIM_TRACE_TRAP && record->kind != DBGKSIM_TRACE_GATE &&
      record->kind != DBGKSIM_TRACE_TRAP_FRAME)
    return false;
  if (record->kind == DBGKSIM_TRACE_TRAP)
    view->held_count = 0;
  if (view->held_count < VIEW_HELD)
    view->held[view->held_count++] = *record;
  return true;
}

static void show_records(struct view *view, const struct format *format)
{
  for (size_t i = 0; i < view->pending_count && format->probe; i++) {
    const struct dbgksim_trace_record *record = &view->pending[i];
    if (record->kind == DBGKSIM_TRACE_OUTPUT) {
      session_release(view->session, 1);
      continue;
    }
    if (hold(view, record))
      continue;
    session_begin_line(view->session);
    if (record->kind == DBGKSIM_TRACE_DISPATCH) {
      for (size_t j = 0; j < view->held_count && view->held[0].tid == record->tid; j++)
        format->probe(view, &view->held[j]);
      view->held_count = 0;
    }
    format->probe(view, record);
  }
  view->pending_count = 0;
  session_release(view->session, SIZE_MAX);
}

/* Answers events until no process is left. */
static enum dbgksim_status follow(struct view *view, const struct format *format, dbgksim_debugger *debugger)
{
  for (;;) {
    struct dbgksim_event event;
    struct view_event seen;
    enum dbgksim_status status = dbgksim_wait(debugger, -1, &event);
    show_records(view, format);
    if (status != DBGKSIM_OK)
      return status;
    if (!view_inspect(view, &event, &seen) || view->no_memory)
      return DBGKSIM_NO_MEMORY;
    session_begin_line(view->session);
    format->event(view, &seen);
    if (event.code == DBGKSIM_UNLOAD_DLL)
      view_unload(seen.process, event.base);
    status = dbgksim_continue(debugger, &event, seen.answer);
    show_records(view, format);
    if (status != DBGKSIM_OK)
      return status;
  }
}

static int trace(struct session *session)
{
  struct view view;
  uint32_t pid;
  dbgksim_debugger *debugger;
  const struct format *format = formats[session->options->format];
  memset(&view, 0, sizeof view);
  view.session = session;
  view.out = session->trace;
  enum dbgksim_status status = dbgksim_debugger_create(session->machine, true, &debugger);
  if (status != DBGKSIM_OK)
    return session_failed(session, status);
  if (session->options->explain) {
    session->holds_output = true;
    dbgksim_trace_subscribe(session->machine, EXPLAIN_MASK, keep_record, &view);
  }
  int result = session_spawn(session, debugger, &pid);
  if (result == CLI_OK) {
    session_catch_interrupt(session);
    if (format->begin)
      format->begin(&view);
    status = follow(&view, format, debugger);
    if (status == DBGKSIM_NO_PROCESS)
      status = DBGKSIM_OK;
    session_begin_line(session);
    fflush(view.out);
    if (status != DBGKSIM_OK)
      result = session_failed(session, status);
    if (format->end)
      format->end(&view, status);
  }
  if (session->options->explain)
    dbgksim_trace_subscribe(session->machine, 0, keep_record, &view);
  dbgksim_debugger_destroy(debugger);
  view_free(&view);
  return result;
}

int command_trace(int argc, char **argv)
{
  struct options options;
  struct session session;
  int result = options_parse(&options, CLI_TRACE, argc, argv);
  if (result < 0) {
    result = session_open(&session, &options);
    if (result == CLI_OK)
      result = trace(&session);
    result = session_close(&session, result);
  }
  options_free(&options);
  return result;
}
