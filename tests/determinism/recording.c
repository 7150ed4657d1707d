/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recording.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void append(struct run_text *text, const void *bytes, size_t size)
{
  if (text->used + size + 1 > text->size) {
    size_t room = (text->used + size + 1) * 2;
    char *grown = realloc(text->bytes, room);
    if (!grown) {
      fputs("no memory for a recording\n", stderr);
      exit(1);
    }
    text->bytes = grown;
    text->size = room;
  }
  memcpy(text->bytes + text->used, bytes, size);
  text->used += size;
  text->bytes[text->used] = 0;
}

static void write_output(void *context, int stream, const void *bytes, size_t size)
{
  struct recording *out = context;
  (void)stream;
  append(&out->output, bytes, size);
}

static void write_record(void *context, const struct dbgksim_trace_record *r)
{
  struct recording *out = context;
  char line[512];
  int n = snprintf(line, sizeof line,
                   "%" PRIu64 " %" PRIu64 " %u:%u kind %u %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64
                   " %" PRIx64 " %s\n",
                   r->sequence, r->nanoseconds, r->pid, r->tid, r->kind, r->a, r->b, r->c, r->d, r->e, r->f, r->text);
  append(&out->trace, line, (size_t)n);
}

static void write_event(struct recording *out, const struct dbgksim_event *event, uint64_t time)
{
  char line[512];
  int n = snprintf(
      line, sizeof line, "%" PRIu64 " %u:%u event %d teb %" PRIx64 " start %" PRIx64 " base %" PRIx64 " %s ", time,
      event->pid, event->tid, (int)event->code, event->teb, event->start_address, event->base, event->file);
  append(&out->events, line, (size_t)n);
  for (size_t i = 0; i < sizeof event->state; i++) {
    snprintf(line, sizeof line, "%02x", ((const unsigned char *)&event->state)[i]);
    append(&out->events, line, 2);
  }
  append(&out->events, "\n", 1);
}

dbgksim_machine *recording_machine(const struct run_setup *setup, struct recording *out)
{
  struct dbgksim_config config;
  dbgksim_machine *machine;
  dbgksim_config_init(&config);
  config.userland = setup->userland;
  config.seed = setup->seed;
  config.random_schedule = setup->random_schedule;
  config.memory_prefill = setup->prefill;
  config.output = setup->silent ? NULL : write_output;
  config.io_context = out;
  if (dbgksim_machine_create(&config, &machine) != DBGKSIM_OK) {
    fprintf(stderr, "machine: %s\n", dbgksim_message(NULL));
    return NULL;
  }
  if (setup->trace && dbgksim_trace_subscribe(machine, setup->trace, write_record, out) != DBGKSIM_OK) {
    fprintf(stderr, "subscription: %s\n", dbgksim_message(machine));
    dbgksim_machine_destroy(machine);
    return NULL;
  }
  return machine;
}

bool recording_run(dbgksim_machine *machine, const struct run_setup *setup, struct recording *out)
{
  struct dbgksim_program program = {.path = setup->program};
  struct dbgksim_event event;
  dbgksim_debugger *debugger;
  uint32_t pid;
  NTSTATUS code = 0;
  enum dbgksim_status status = dbgksim_debugger_create(machine, true, &debugger);
  if (status == DBGKSIM_OK)
    status = dbgksim_spawn(machine, &program, debugger, &pid);
  bool first_breakpoint = true;
  while (status == DBGKSIM_OK && (status = dbgksim_wait(debugger, -1, &event)) == DBGKSIM_OK) {
    write_event(out, &event, dbgksim_time(machine));
    NTSTATUS answer = DBG_EXCEPTION_NOT_HANDLED;
    if (event.code == DBGKSIM_EXCEPTION && event.exception.ExceptionCode == STATUS_BREAKPOINT && first_breakpoint) {
      first_breakpoint = false;
      answer = DBG_CONTINUE;
    }
    status = dbgksim_continue(debugger, &event, answer);
    if (event.code == DBGKSIM_EXIT_PROCESS)
      break;
  }
  if (status == DBGKSIM_OK)
    status = dbgksim_run(machine, pid, -1);
  if (status == DBGKSIM_OK)
    status = dbgksim_exit_code(machine, pid, &code);
  if (status != DBGKSIM_OK)
    fprintf(stderr, "%s: %s: %s\n", setup->program, dbgksim_status_name(status), dbgksim_message(machine));
  out->exit_code = (uint32_t)code;
  out->end_time = dbgksim_time(machine);
  dbgksim_debugger_destroy(debugger);
  return status == DBGKSIM_OK;
}

bool recording_make(const struct run_setup *setup, struct recording *out)
{
  memset(out, 0, sizeof *out);
  dbgksim_machine *machine = recording_machine(setup, out);
  bool good = machine && recording_run(machine, setup, out);
  dbgksim_machine_destroy(machine);
  return good;
}

void recording_free(struct recording *recording)
{
  free(recording->trace.bytes);
  free(recording->events.bytes);
  free(recording->output.bytes);
  memset(recording, 0, sizeof *recording);
}

const char *recording_difference(const struct run_text *a, const struct run_text *b)
{
  static char report[2048];
  const char *x = a->bytes ? a->bytes : "", *y = b->bytes ? b->bytes : "";
  if (a->used == b->used && !memcmp(x, y, a->used))
    return NULL;
  for (unsigned line = 1;; line++) {
    size_t m = strcspn(x, "\n"), n = strcspn(y, "\n");
    if (m != n || memcmp(x, y, m) || !x[m] || !y[n]) {
      snprintf(report, sizeof report, "line %u\n  %.*s\n  %.*s", line, (int)(m < 900 ? m : 900), x,
               (int)(n < 900 ? n : 900), y);
      return report;
    }
    x += m + 1;
    y += n + 1;
  }
}
