/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/commands.h"
#include "cli/tape.h"
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
  if (record->kind != DBGKSIM_TRACE_TRAP && record->kind != DBGKSIM_TRACE_GATE_FAULT &&
      record->kind != DBGKSIM_TRACE_GATE && record->kind != DBGKSIM_TRACE_TRAP_FRAME)
    return false;
  /* A gate that leads nowhere is followed by the fault of what is there. */
  const bool goes_on = view->held_count && view->held[view->held_count - 1].kind == DBGKSIM_TRACE_GATE;
  if (record->kind == DBGKSIM_TRACE_TRAP && !goes_on)
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
    if (record->kind == DBGKSIM_TRACE_DISPATCH || record->kind == DBGKSIM_TRACE_BUGCHECK) {
      for (size_t j = 0; j < view->held_count && view->held[0].tid == record->tid; j++)
        format->probe(view, &view->held[j]);
      view->held_count = 0;
    }
    format->probe(view, record);
  }
  view->pending_count = 0;
  session_release(view->session, SIZE_MAX);
}

/* Nothing is shown of an act that a replay does not expect: it ends the run. */
static void show_act(struct view *view, const struct format *format, enum view_act act, uint32_t pid, uint32_t code)
{
  struct tape *tape = view->session->tape;
  if (tape && !tape->functions->act(tape, view, act, pid, code))
    return;
  session_begin_line(view->session);
  if (format->act)
    format->act(view, act, pid, code);
}

/* A line of standard input without its end; what there is no room for is lost. */
static void read_line(char *line, size_t size)
{
  size_t n = 0;
  char c;
  while (session_read(&c, 1) && c != '\n')
    if (n < size - 1)
      line[n++] = c;
  line[n] = 0;
}

/* Shows and answers what the machine is held for. An instruction that was only a stop is stepped over when it is
 * continued. */
static enum dbgksim_status converse(struct view *view, const struct format *format)
{
  dbgksim_machine *machine = view->session->machine;
  struct dbgksim_kd_event event;
  struct dbgksim_kd_answer answer = {.status = view->session->options->answer};
  struct view_kd kd = {.event = &event, .answer = &answer};
  char reply[DBGKSIM_KD_TEXT + 1];
  enum dbgksim_status status = dbgksim_kd_wait(machine, 0, &event);
  show_records(view, format);
  if (status != DBGKSIM_OK)
    return status;
  if (event.kind == DBGKSIM_KD_PROMPT) {
    read_line(reply, event.reply_maximum + 1);
    answer.reply = reply;
  }
  if (!view_inspect_kd(view, &kd))
    return DBGKSIM_NO_MEMORY;
  session_begin_line(view->session);
  format->kd(view, &kd);
  if (event.kind == DBGKSIM_KD_EXCEPTION && answer.status == DBG_CONTINUE) {
    NTSTATUS code = event.exception.ExceptionCode;
    event.context.Rip += code == STATUS_BREAKPOINT ? 1 : code == STATUS_ASSERTION_FAILURE ? 2 : 0;
    answer.context = &event.context;
  }
  status = dbgksim_kd_continue(machine, &answer);
  show_records(view, format);
  return status;
}

/* dbgksim_run, with the kernel debugger. */
static enum dbgksim_status run_on(struct view *view, const struct format *format, uint32_t pid, int64_t timeout_ns)
{
  dbgksim_machine *machine = view->session->machine;
  const uint64_t end = dbgksim_time(machine) + (uint64_t)(timeout_ns < 0 ? 0 : timeout_ns);
  for (;;) {
    enum dbgksim_status status = dbgksim_run(machine, pid, timeout_ns);
    if (status == DBGKSIM_KERNEL_DEBUGGER)
      status = converse(view, format);
    else
      return status;
    if (status != DBGKSIM_OK)
      return status;
    const uint64_t now = dbgksim_time(machine);
    if (timeout_ns >= 0)
      timeout_ns = now < end ? (int64_t)(end - now) : 0;
  }
}

/* dbgksim_wait, with the kernel debugger. */
static enum dbgksim_status wait_on(struct view *view, const struct format *format, dbgksim_debugger *debugger,
                                   struct dbgksim_event *event)
{
  enum dbgksim_status status;
  do
    status = dbgksim_wait(debugger, -1, event);
  while (status == DBGKSIM_KERNEL_DEBUGGER && (status = converse(view, format)) == DBGKSIM_OK);
  return status;
}

/* Events of a process's own, with a debugger or without. */
struct own_events {
  uint32_t pid;
  uint64_t count;
};
#define OWN_EVENTS                                                                                                     \
  (DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_IMAGE) | DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_THREAD) |                                  \
   DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_DISPATCH))

static void count_event(void *context, const struct dbgksim_trace_record *record)
{
  struct own_events *own = context;
  own->count += record->pid == own->pid;
}

/* Records come when the machine is left, so the run is cut in slices; longer ones when nothing happens, and an end to
 * the wait for a program that will never do anything. */
static enum dbgksim_status run_events(struct view *view, const struct format *format, uint32_t pid, uint64_t wanted)
{
  enum { SLICE = 1000, LONG_SLICE = 1000000, PATIENCE = 1000000, END = 1600000 };
  dbgksim_machine *machine = view->session->machine;
  struct own_events own = {pid, 0};
  uint64_t last = 0, quiet = 0;
  enum dbgksim_status status = dbgksim_trace_subscribe(machine, OWN_EVENTS, count_event, &own);
  while (status == DBGKSIM_OK && own.count < wanted && quiet < END) {
    status = run_on(view, format, pid, quiet < PATIENCE ? SLICE : LONG_SLICE);
    show_records(view, format);
    quiet = own.count == last ? quiet + 1 : 0;
    last = own.count;
    status = status == DBGKSIM_TIMEOUT ? DBGKSIM_OK : status == DBGKSIM_OK ? DBGKSIM_NO_PROCESS : status;
  }
  dbgksim_trace_subscribe(machine, 0, count_event, &own);
  return status == DBGKSIM_OK && own.count < wanted ? DBGKSIM_TIMEOUT : status;
}

/* Lets the program run until the attach is due, and attaches. */
static enum dbgksim_status join(struct view *view, const struct format *format, dbgksim_debugger *debugger,
                                uint32_t pid)
{
  const struct options *options = view->session->options;
  enum dbgksim_status status = DBGKSIM_OK;
  if (options->attach_ns) {
    status = run_on(view, format, pid, (int64_t)options->attach_ns);
    show_records(view, format);
    status = status == DBGKSIM_TIMEOUT ? DBGKSIM_OK : status == DBGKSIM_OK ? DBGKSIM_NO_PROCESS : status;
  } else if (options->attach_events) {
    status = run_events(view, format, pid, options->attach_events);
  }
  if (status == DBGKSIM_OK)
    status = dbgksim_attach(debugger, pid, true);
  show_records(view, format);
  if (status == DBGKSIM_OK)
    show_act(view, format, VIEW_ATTACHED, pid, 0);
  return status;
}

/* Lets a program run to its end without a debugger. */
static enum dbgksim_status run_out(struct view *view, const struct format *format, uint32_t pid)
{
  NTSTATUS code = 0;
  enum dbgksim_status status = run_on(view, format, pid, -1);
  show_records(view, format);
  if (status == DBGKSIM_OK)
    status = dbgksim_exit_code(view->session->machine, pid, &code);
  if (status == DBGKSIM_OK)
    show_act(view, format, VIEW_ENDED, pid, (uint32_t)code);
  return status;
}

/* Detaches from every process and lets the program run to its end. */
static enum dbgksim_status leave(struct view *view, const struct format *format, dbgksim_debugger *debugger,
                                 uint32_t pid)
{
  dbgksim_machine *machine = view->session->machine;
  size_t count = 0;
  dbgksim_list_processes(machine, NULL, &count);
  uint32_t *pids = calloc(count + 1, sizeof *pids);
  if (!pids)
    return DBGKSIM_NO_MEMORY;
  enum dbgksim_status status = dbgksim_list_processes(machine, pids, &count);
  for (size_t i = 0; i < count && status == DBGKSIM_OK && !view->stopped; i++) {
    enum dbgksim_status left = dbgksim_detach(debugger, pids[i]);
    if (left == DBGKSIM_OK)
      show_act(view, format, VIEW_DETACHED, pids[i], 0);
    else if (left != DBGKSIM_NT_ERROR || dbgksim_last_nt_status(machine) != STATUS_PORT_NOT_SET)
      status = left;
  }
  free(pids);
  if (view->stopped)
    return status;
  if (status == DBGKSIM_OK)
    status = run_out(view, format, pid);
  return status;
}

/* Answers events until no process is left, or it is time to detach. */
static enum dbgksim_status follow(struct view *view, const struct format *format, dbgksim_debugger *debugger,
                                  uint32_t pid)
{
  const struct options *options = view->session->options;
  struct tape *tape = view->session->tape;
  while (!view->stopped) {
    struct dbgksim_event event;
    struct view_event seen;
    if (options->detach && view->events >= options->detach_after && dbgksim_live_processes(debugger))
      return leave(view, format, debugger, pid);
    enum dbgksim_status status = wait_on(view, format, debugger, &event);
    show_records(view, format);
    if (status != DBGKSIM_OK)
      return status;
    if (!view_inspect(view, &event, &seen) || view->no_memory)
      return DBGKSIM_NO_MEMORY;
    if (tape && !tape->functions->event(tape, view, &seen))
      break;
    session_begin_line(view->session);
    format->event(view, &seen);
    if (view->stopped)
      break;
    if (event.code == DBGKSIM_UNLOAD_DLL)
      view_unload(seen.process, event.base);
    status = dbgksim_continue(debugger, &event, seen.answer);
    show_records(view, format);
    if (status != DBGKSIM_OK)
      return status;
  }
  return DBGKSIM_OK;
}

static int never_attached(const struct session *session, enum dbgksim_status status)
{
  fprintf(stderr, "dbgksim %s: the program %s before the attach\n", options_command(session->options->command),
          status == DBGKSIM_TIMEOUT ? "did nothing for ten minutes of virtual time" : "ended");
  return CLI_INCOMPLETE;
}

/* Shows how the run ended; the exit status. */
static int conclude(struct view *view, const struct format *format, uint32_t pid, bool joined,
                    enum dbgksim_status status)
{
  struct session *session = view->session;
  int result = CLI_OK;
  NTSTATUS code;
  session_begin_line(session);
  fflush(view->out);
  if (!joined && (status == DBGKSIM_NO_PROCESS || status == DBGKSIM_TIMEOUT))
    result = never_attached(session, status);
  else if (status != DBGKSIM_OK)
    result = session_failed(session, status);
  if (format->end)
    format->end(view, status);
  /* After the last continue the process has its last steps still before it. */
  if (result == CLI_OK && run_on(view, format, pid, -1) == DBGKSIM_OK &&
      dbgksim_exit_code(session->machine, pid, &code) == DBGKSIM_OK && !session_loaded(session, pid, code))
    result = CLI_BAD_USE;
  return result;
}

/* Runs a program that was started; the exit status. */
static int run(struct view *view, const struct format *format, dbgksim_debugger *debugger, uint32_t pid)
{
  struct session *session = view->session;
  struct tape *tape = session->tape;
  enum dbgksim_status status = DBGKSIM_OK;
  int result = tape ? tape->functions->begin(tape, view) : CLI_OK;
  if (result != CLI_OK)
    return result;
  session_catch_interrupt(session);
  if (format->begin)
    format->begin(view);
  bool joined = !session->options->attach;
  if (!joined && !view->stopped)
    status = join(view, format, debugger, pid);
  joined |= status == DBGKSIM_OK;
  if (session->options->undebugged)
    status = run_out(view, format, pid);
  else if (joined && !view->stopped)
    status = follow(view, format, debugger, pid);
  if (joined && status == DBGKSIM_NO_PROCESS)
    status = DBGKSIM_OK;
  if (!view->stopped)
    result = conclude(view, format, pid, joined, status);
  return tape ? tape->functions->close(tape, view, status, result) : result;
}

int trace_program(struct session *session)
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
  int result = session_spawn(session, session->options->attach || session->options->undebugged ? NULL : debugger, &pid);
  if (result == CLI_OK)
    result = run(&view, format, debugger, pid);
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
  struct tape *tape = NULL;
  int result = options_parse(&options, CLI_TRACE, argc, argv);
  if (result < 0) {
    result = options.record ? record_open(&options, &tape) : CLI_OK;
    if (result == CLI_OK) {
      result = session_open(&session, &options, tape);
      if (result == CLI_OK)
        result = trace_program(&session);
      result = session_close(&session, result);
    }
    result = record_close(tape, result);
  }
  options_free(&options);
  return result;
}
