/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls as lines, like strace's. */
#include "cli/strace.h"

#include <inttypes.h>
#include <string.h>

static void begin_line(struct strace *s, uint32_t pid, uint32_t tid)
{
  session_begin_line(s->session);
  fprintf(s->out, "[%" PRIu32 ":%" PRIu32 "] ", pid, tid);
}

static void put_arguments(struct strace *s, const struct dbgksim_service_call *call)
{
  for (unsigned i = 0; i < call->argument_count; i++) {
    dbgksim_service_argument(call, i, s->text, sizeof s->text);
    if (i)
      fputs(", ", s->out);
    fputs(s->text, s->out);
  }
}

/* What the service added to the arguments that an unfinished line has shown already. */
static void put_changes(struct strace *s, const struct dbgksim_service_call *call, const struct strace_open *open)
{
  const char *separator = " ";
  for (unsigned i = 0; i < call->argument_count; i++) {
    const char *name = dbgksim_service_argument_name(call, i);
    dbgksim_service_argument(&open->call, i, s->before, sizeof s->before);
    dbgksim_service_argument(call, i, s->text, sizeof s->text);
    if (strcmp(s->before, s->text) == 0)
      continue;
    fprintf(s->out, "%s%s %s", separator, name ? name : "", s->text);
    separator = ", ";
  }
}

static void put_status(FILE *out, NTSTATUS status)
{
  const char *name = dbgksim_nt_status_name(status);
  if (name)
    fputs(name, out);
  else
    fprintf(out, "0x%08" PRIx32, (uint32_t)status);
}

static void put_result(struct strace *s, const struct dbgksim_service_call *call)
{
  fputs(") = ", s->out);
  if (call->outcome == DBGKSIM_SERVICE_RETURNS)
    put_status(s->out, call->status);
  else
    fputs(call->outcome == DBGKSIM_SERVICE_CONTINUES ? "? (another context)" : "?", s->out);
  fputc('\n', s->out);
}

static void show_call(struct strace *s, const struct dbgksim_service_call *call, const struct strace_open *open)
{
  begin_line(s, call->pid, call->tid);
  if (open && open->shown) {
    fprintf(s->out, "<... %s resumed>", call->name);
    put_changes(s, call, open);
  } else {
    fprintf(s->out, "%s(", call->name);
    put_arguments(s, call);
  }
  put_result(s, call);
}

static void show_unfinished(struct strace *s, const struct strace_open *open)
{
  begin_line(s, open->call.pid, open->call.tid);
  fprintf(s->out, "%s(", open->call.name);
  put_arguments(s, &open->call);
  fputs(" <unfinished ...>\n", s->out);
}

static void interrupt(struct strace *s, struct strace_open *open)
{
  show_unfinished(s, open);
  open->shown = true;
}

static void end_unfinished(struct strace *s, const struct strace_open *open)
{
  if (!open->shown)
    show_unfinished(s, open);
}

static void show_record(struct strace *s, const struct dbgksim_trace_record *r)
{
  begin_line(s, r->pid, r->tid);
  switch (r->kind) {
  case DBGKSIM_TRACE_DISPATCH:
    fputs("--- ", s->out);
    put_status(s->out, (NTSTATUS)r->a);
    fprintf(s->out, " at 0x%" PRIx64 ", %s chance ---\n", r->b, r->c ? "first" : "second");
    return;
  case DBGKSIM_TRACE_THREAD:
    if (r->b)
      fprintf(s->out, "+++ thread %" PRIu64 " starts +++\n", r->a);
    else
      fprintf(s->out, "+++ thread %" PRIu64 " ends with 0x%" PRIx32 " +++\n", r->a, (uint32_t)r->c);
    return;
  case DBGKSIM_TRACE_PROCESS:
    if (r->b)
      fprintf(s->out, "+++ process %" PRIu64 " is created: %s +++\n", r->a, r->text);
    else
      fprintf(s->out, "+++ process %" PRIu64 " ends with 0x%" PRIx32 " +++\n", r->a, (uint32_t)r->c);
    return;
  default:
    fprintf(s->out, "%s\n", r->text);
  }
}

static void put_total(struct strace *s, const struct strace_total *t, const char *name)
{
  fprintf(s->out, "%9" PRIu64 " %9" PRIu64 " %12.3f  %s\n", t->calls, t->failures, (double)t->nanoseconds / 1e6, name);
}

static void summary(struct strace *s, const struct strace_total *total, const struct strace_total *all)
{
  session_begin_line(s->session);
  fprintf(s->out, "%9s %9s %12s  %s\n", "calls", "failures", "virtual ms", "service");
  for (size_t i = 0; i < s->total_count; i++)
    put_total(s, &total[i], total[i].name);
  put_total(s, all, "total");
}

const struct strace_format strace_text = {
    .call = show_call,
    .interrupt = interrupt,
    .unfinished = end_unfinished,
    .record = show_record,
    .summary = summary,
};
