/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dbgksim strace: the system services that a program and its children call. */
#include "cli/strace.h"

#include "cli/commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct strace_format *format_of(const struct strace *s)
{
  return s->session->options->format == CLI_JSONL ? &strace_jsonl : &strace_text;
}

static struct strace_open *open_of(struct strace *s, uint32_t tid)
{
  const size_t index = tid / 4;
  if (index >= s->thread_count) {
    const size_t count = index + 16;
    struct strace_open *grown = realloc(s->threads, count * sizeof *grown);
    if (!grown) {
      s->no_memory = true;
      return NULL;
    }
    memset(grown + s->thread_count, 0, (count - s->thread_count) * sizeof *grown);
    s->threads = grown;
    s->thread_count = count;
  }
  return &s->threads[index];
}

static void keep(struct strace *s, struct strace_open *open, const struct dbgksim_service_call *call)
{
  if (open->room < call->captured_size) {
    void *grown = realloc(open->captured, call->captured_size);
    if (!grown) {
      s->no_memory = true;
      return;
    }
    open->captured = grown;
    open->room = call->captured_size;
  }
  open->used = true;
  open->shown = false;
  open->call = *call;
  if (call->captured_size)
    memcpy(open->captured, call->captured, call->captured_size);
  open->call.captured = open->captured;
}

/* A line is to come that is not the end of the call entered last. */
static void close_line(struct strace *s)
{
  struct strace_open *open = s->current ? open_of(s, s->current) : NULL;
  s->current = 0;
  if (open && open->used && !open->shown && format_of(s)->interrupt && !s->session->options->summary)
    format_of(s)->interrupt(s, open);
}

static struct strace_total *total_of(struct strace *s, const char *name)
{
  size_t low = 0, high = s->total_count;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const int order = strcmp(s->totals[middle].name, name);
    if (order == 0)
      return &s->totals[middle];
    *(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
  }
  struct strace_total *grown = realloc(s->totals, (s->total_count + 1) * sizeof *grown);
  if (!grown) {
    s->no_memory = true;
    return NULL;
  }
  s->totals = grown;
  memmove(grown + low + 1, grown + low, (s->total_count++ - low) * sizeof *grown);
  memset(&grown[low], 0, sizeof grown[low]);
  snprintf(grown[low].name, sizeof grown[low].name, "%s", name);
  return &grown[low];
}

static void enter(struct strace *s, const struct dbgksim_service_call *call)
{
  struct strace_open *open = open_of(s, call->tid);
  close_line(s);
  if (!open)
    return;
  keep(s, open, call);
  s->current = call->tid;
  s->shown++;
}

static void leave(struct strace *s, const struct dbgksim_service_call *call)
{
  struct strace_open *open = open_of(s, call->tid);
  const bool entered = open && open->used && open->call.call == call->call;
  if (s->current == call->tid)
    s->current = 0;
  else
    close_line(s);
  if (s->session->options->summary) {
    struct strace_total *total = total_of(s, call->name);
    if (total) {
      total->calls++;
      total->failures += call->outcome == DBGKSIM_SERVICE_RETURNS && !NT_SUCCESS(call->status);
      total->nanoseconds += entered ? call->nanoseconds - open->call.nanoseconds : 0;
    }
  } else {
    format_of(s)->call(s, call, entered ? open : NULL);
  }
  if (open)
    open->used = false;
}

static void on_call(void *context, const struct dbgksim_service_call *call)
{
  struct strace *s = context;
  if (!strace_selected(s->session->options->filter, call->name, call->groups))
    return;
  if (call->phase == DBGKSIM_SERVICE_ENTERED)
    enter(s, call);
  else
    leave(s, call);
}

#define RECORDS                                                                                                        \
  (DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_PROCESS) | DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_THREAD) |                                \
   DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_OUTPUT) | DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_DISPATCH) |                               \
   DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_KD_STUB) | DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_FORWARD) |                               \
   DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_RESUME))

static void show_record(struct strace *s, const struct dbgksim_trace_record *record)
{
  close_line(s);
  format_of(s)->record(s, record);
}

static bool is_of_dispatch(const struct dbgksim_trace_record *record)
{
  return record->kind == DBGKSIM_TRACE_KD_STUB || record->kind == DBGKSIM_TRACE_FORWARD ||
         record->kind == DBGKSIM_TRACE_RESUME || (record->kind == DBGKSIM_TRACE_DISPATCH && record->e == 1);
}

/* An exception of user mode begins with a code of the kernel's own, or with that of 64-bit code, and may be resolved
 * before anybody hears of it: it is shown when the first debugger or port is asked, with the code that it has then. */
static void follow_dispatch(struct strace *s, const struct dbgksim_trace_record *record)
{
  struct strace_open *open = open_of(s, record->tid);
  if (!open)
    return;
  if (record->kind == DBGKSIM_TRACE_DISPATCH) {
    open->dispatch = *record;
    return;
  }
  if (open->dispatch.kind && record->kind != DBGKSIM_TRACE_RESUME) {
    open->dispatch.a = record->a;
    show_record(s, &open->dispatch);
  }
  open->dispatch.kind = 0;
}

static void on_record(void *context, const struct dbgksim_trace_record *record)
{
  struct strace *s = context;
  if (record->kind == DBGKSIM_TRACE_OUTPUT) {
    if (s->session->shares[record->a == 2])
      close_line(s);
    session_release(s->session, 1);
    return;
  }
  if (s->session->options->summary)
    return;
  if (is_of_dispatch(record))
    follow_dispatch(s, record);
  else
    show_record(s, record);
}

static void show_unfinished(struct strace *s)
{
  s->current = 0;
  for (size_t i = 0; i < s->thread_count; i++) {
    const struct strace_open *open = &s->threads[i];
    struct strace_total *total;
    if (!open->used)
      continue;
    if (!s->session->options->summary)
      format_of(s)->unfinished(s, open);
    else if ((total = total_of(s, open->call.name)) != NULL)
      total->calls++, total->unfinished++;
  }
}

static int by_calls(const void *a, const void *b)
{
  const struct strace_total *x = a, *y = b;
  return x->calls != y->calls ? (x->calls < y->calls ? 1 : -1) : strcmp(x->name, y->name);
}

static void show_summary(struct strace *s)
{
  struct strace_total all = {.calls = 0};
  for (size_t i = 0; i < s->total_count; i++) {
    all.calls += s->totals[i].calls;
    all.failures += s->totals[i].failures;
    all.nanoseconds += s->totals[i].nanoseconds;
  }
  if (s->total_count)
    qsort(s->totals, s->total_count, sizeof *s->totals, by_calls);
  format_of(s)->summary(s, s->totals, &all);
}

/* A trace with gaps is no trace. */
static int check_complete(const dbgksim_monitor *monitor, int result)
{
  const uint64_t lost = dbgksim_monitor_lost(monitor);
  if (!lost)
    return result;
  fprintf(stderr, "dbgksim strace: %" PRIu64 " beginnings and ends of calls are missing: no memory for them\n", lost);
  return CLI_INCOMPLETE;
}

static int run(struct strace *s)
{
  struct session *session = s->session;
  const struct strace_format *format = format_of(s);
  dbgksim_monitor *monitor;
  uint32_t pid;
  NTSTATUS code;
  session->holds_output = true;
  enum dbgksim_status status = dbgksim_trace_subscribe(session->machine, RECORDS, on_record, s);
  if (status == DBGKSIM_OK)
    status = dbgksim_monitor_services(session->machine, on_call, s, &monitor);
  if (status != DBGKSIM_OK)
    return session_failed(session, status);
  if (format->begin)
    format->begin(s);
  int result = session_spawn(session, NULL, &pid);
  if (result == CLI_OK) {
    session_catch_interrupt(session);
    status = dbgksim_run(session->machine, 0, -1);
    if (status == DBGKSIM_OK)
      status = dbgksim_exit_code(session->machine, pid, &code);
    session_release(session, SIZE_MAX);
    show_unfinished(s);
    if (session->options->summary)
      show_summary(s);
    session_begin_line(session);
    if (format->end)
      format->end(s, status);
    fflush(s->out);
    if (status == DBGKSIM_OK && s->no_memory)
      status = DBGKSIM_NO_MEMORY;
    if (status != DBGKSIM_OK)
      result = session_failed(session, status);
    else
      result = session_loaded(session, pid, code) ? (int)((uint32_t)code & 0xFF) : CLI_BAD_USE;
  }
  result = check_complete(monitor, result);
  dbgksim_monitor_remove(monitor);
  dbgksim_trace_subscribe(session->machine, 0, on_record, s);
  return result;
}

static int strace_program(struct strace *s, struct session *session)
{
  s->session = session;
  s->out = session->trace;
  int result = run(s);
  for (size_t i = 0; i < s->thread_count; i++)
    free(s->threads[i].captured);
  free(s->threads);
  free(s->totals);
  free(s);
  return result;
}

int command_strace(int argc, char **argv)
{
  struct options options;
  struct session session;
  int result = options_parse(&options, CLI_STRACE, argc, argv);
  if (result < 0) {
    result = session_open(&session, &options, NULL);
    if (result == CLI_OK) {
      struct strace *s = calloc(1, sizeof *s);
      result = s ? strace_program(s, &session) : session_failed(&session, DBGKSIM_NO_MEMORY);
    }
    result = session_close(&session, result);
  }
  options_free(&options);
  return result;
}
