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

static bool good(dbgksim_machine *machine, const char *what, enum dbgksim_status status)
{
  if (status != DBGKSIM_OK)
    fprintf(stderr, "%s: %s: %s\n", what, dbgksim_status_name(status), dbgksim_message(machine));
  return status == DBGKSIM_OK;
}

bool recording_begin(dbgksim_machine *machine, const struct run_setup *setup, struct run_state *state)
{
  struct dbgksim_program program = {.path = setup->program};
  memset(state, 0, sizeof *state);
  state->first_breakpoint = true;
  return good(machine, "debugger", dbgksim_debugger_create(machine, true, &state->debugger)) &&
         good(machine, setup->program, dbgksim_spawn(machine, &program, state->debugger, &state->pid));
}

bool recording_step(struct recording *out, struct run_state *state)
{
  dbgksim_machine *machine = dbgksim_debugger_machine(state->debugger);
  const struct dbgksim_event *event = &state->event;
  if (state->pending) {
    NTSTATUS answer = DBG_EXCEPTION_NOT_HANDLED;
    if (event->code == DBGKSIM_EXCEPTION && event->exception.ExceptionCode == STATUS_BREAKPOINT &&
        state->first_breakpoint) {
      state->first_breakpoint = false;
      answer = DBG_CONTINUE;
    }
    state->pending = false;
    state->finished = event->code == DBGKSIM_EXIT_PROCESS;
    if (!good(machine, "continue", dbgksim_continue(state->debugger, event, answer)))
      return false;
  }
  if (state->finished)
    return true;
  if (!good(machine, "wait", dbgksim_wait(state->debugger, -1, &state->event)))
    return false;
  state->pending = true;
  write_event(out, event, dbgksim_time(machine));
  return true;
}

bool recording_end(dbgksim_machine *machine, struct recording *out, struct run_state *state)
{
  NTSTATUS code = 0;
  bool ended = good(machine, "run", dbgksim_run(machine, state->pid, -1)) &&
               good(machine, "exit code", dbgksim_exit_code(machine, state->pid, &code));
  out->exit_code = (uint32_t)code;
  out->end_time = dbgksim_time(machine);
  dbgksim_debugger_destroy(state->debugger);
  return ended;
}

bool recording_run(dbgksim_machine *machine, const struct run_setup *setup, struct recording *out)
{
  struct run_state state;
  bool going = recording_begin(machine, setup, &state);
  while (going && !state.finished)
    going = recording_step(out, &state);
  return recording_end(machine, out, &state) && going;
}

bool recording_make(const struct run_setup *setup, struct recording *out)
{
  memset(out, 0, sizeof *out);
  dbgksim_machine *machine = recording_machine(setup, out);
  bool complete = machine && recording_run(machine, setup, out);
  dbgksim_machine_destroy(machine);
  return complete;
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
