/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a debugger against a list of patterns (docs/expect.md). */
#include "client/expect.h"

#include <dbgksim/expect.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/** Events that "*" skipped are shown up to this many. */
#define SHOWN_SKIPPED 12u

static void report(struct expect_state *state, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void report(struct expect_state *state, const char *format, ...)
{
  va_list arguments;
  size_t room = sizeof state->report - state->report_used;
  va_start(arguments, format);
  int n = vsnprintf(state->report + state->report_used, room, format, arguments);
  va_end(arguments);
  if (n > 0)
    state->report_used += (size_t)n < room ? (size_t)n : room - 1;
}

static void report_line(struct expect_state *state, const char *mark, unsigned number, const char *expected,
                        const char *actual)
{
  report(state, "%-3s", mark);
  if (number)
    report(state, "%3u  ", number);
  else
    report(state, "     ");
  report(state, "%-38s  %s\n", expected, actual);
}

/* Index of an id in order of appearance; the last place is shared by all that come too late. */
static unsigned index_of(uint32_t id, uint32_t *ids, unsigned *count, unsigned room)
{
  for (unsigned i = 0; i < *count; i++)
    if (ids[i] == id)
      return i;
  if (*count == room)
    return room - 1;
  ids[*count] = id;
  return (*count)++;
}

static struct expect_module *module_at(struct expect_state *state, uint32_t pid, uint64_t base)
{
  for (unsigned i = 0; i < EXPECT_MODULES; i++)
    if (state->modules[i].pid == pid && state->modules[i].base == base)
      return &state->modules[i];
  return NULL;
}

static void note_module(struct expect_state *state, const struct dbgksim_event *event, struct expect_actual *actual)
{
  const char *slash = strrchr(event->file, '\\');
  const char *name = event->has_file ? (slash ? slash + 1 : event->file) : "<nofile>";
  snprintf(actual->module, sizeof actual->module, "%.*s", (int)sizeof actual->module - 1, name);
  struct expect_module *slot = module_at(state, event->pid, event->base);
  if (!slot)
    slot = module_at(state, 0, 0);
  if (!slot)
    return;
  slot->pid = event->pid;
  slot->base = event->base;
  memcpy(slot->name, actual->module, sizeof slot->name);
}

static void note_unload(struct expect_state *state, const struct dbgksim_event *event, struct expect_actual *actual)
{
  struct expect_module *slot = module_at(state, event->pid, event->base);
  if (!slot)
    return;
  memcpy(actual->module, slot->name, sizeof actual->module);
  memset(slot, 0, sizeof *slot);
}

/* Reads a debug string as ASCII; anything else shows as '?'. */
static void read_string(dbgksim_machine *machine, const struct dbgksim_event *event, char *text, size_t size)
{
  unsigned char bytes[2 * EXPECT_TEXT];
  size_t width = event->unicode ? 2 : 1, want = event->string_length * width, got = 0, n = 0;
  if (want > sizeof bytes)
    want = sizeof bytes;
  dbgksim_read_memory(machine, event->pid, event->string_address, bytes, want, &got);
  for (size_t i = 0; i + width <= got && n < size - 1; i += width) {
    unsigned c = bytes[i] | (width == 2 ? (unsigned)bytes[i + 1] << 8 : 0);
    if (!c)
      break;
    text[n++] = c < 0x80 ? (char)c : '?';
  }
  while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
    n--;
  text[n] = 0;
}

static void inspect(dbgksim_machine *machine, struct expect_state *state, struct expect_actual *actual)
{
  const struct dbgksim_event *event = &state->event;
  memset(actual, 0, sizeof *actual);
  actual->event = event;
  actual->process = index_of(event->pid, state->processes, &state->process_count, EXPECT_PROCESSES);
  actual->thread = index_of(event->tid, state->threads, &state->thread_count, EXPECT_THREADS);
  state->default_answer = DBG_CONTINUE;
  switch (event->code) {
  case DBGKSIM_CREATE_PROCESS:
  case DBGKSIM_LOAD_DLL:
    note_module(state, event, actual);
    break;
  case DBGKSIM_UNLOAD_DLL:
    note_unload(state, event, actual);
    break;
  case DBGKSIM_OUTPUT_DEBUG_STRING:
    read_string(machine, event, actual->text, sizeof actual->text);
    state->default_answer = DBG_EXCEPTION_NOT_HANDLED;
    break;
  case DBGKSIM_EXCEPTION:
    dbgksim_symbolize(machine, event->pid, event->exception.ExceptionAddress, actual->place, sizeof actual->place);
    state->default_answer = DBG_EXCEPTION_NOT_HANDLED;
    if (event->exception.ExceptionCode == STATUS_BREAKPOINT && !state->broke[actual->process]) {
      state->broke[actual->process] = true;
      state->default_answer = DBG_CONTINUE;
    }
    break;
  default:
    break;
  }
}

/* Answers the outstanding event, if there is one. */
static enum dbgksim_status answer(dbgksim_debugger *debugger, struct expect_state *state, enum expect_answer how)
{
  static const NTSTATUS statuses[] = {[EXPECT_CONTINUE] = DBG_CONTINUE,
                                      [EXPECT_NOT_HANDLED] = DBG_EXCEPTION_NOT_HANDLED,
                                      [EXPECT_LATER] = DBG_REPLY_LATER};
  if (!state->outstanding || how == EXPECT_STOP)
    return DBGKSIM_OK;
  return dbgksim_continue(debugger, &state->event, how == EXPECT_DEFAULT ? state->default_answer : statuses[how]);
}

void expect_note_continue(struct dbgksim_debugger *debugger, const struct dbgksim_event *event)
{
  struct expect_state *state = debugger->expect;
  if (state && state->event.pid == event->pid && state->event.tid == event->tid)
    state->outstanding = false;
}

/* The next event, compared and not yet answered. */
static enum dbgksim_status next_event(dbgksim_debugger *debugger, struct expect_state *state,
                                      struct expect_actual *actual)
{
  enum dbgksim_status status = answer(debugger, state, EXPECT_DEFAULT);
  if (status == DBGKSIM_OK)
    status = dbgksim_wait(debugger, -1, &state->event);
  if (status != DBGKSIM_OK)
    return status;
  state->has_event = state->outstanding = true;
  inspect(dbgksim_debugger_machine(debugger), state, actual);
  return DBGKSIM_OK;
}

static bool check_patterns(struct expect_state *state, const char *const *patterns)
{
  struct expect_pattern pattern;
  for (unsigned i = 0; patterns[i]; i++) {
    const char *wrong = expect_parse(patterns[i], &pattern);
    if (!wrong && pattern.answer == EXPECT_STOP && patterns[i + 1])
      wrong = "only the last pattern may stop";
    if (wrong) {
      report(state, "pattern %u, \"%s\": %s\n", i + 1, patterns[i], wrong);
      return false;
    }
  }
  return true;
}

/* Shows the deviation at pattern `at`, and what else was expected. */
static int deviate(struct expect_state *state, const char *const *patterns, unsigned at, unsigned number,
                   const char *actual)
{
  report_line(state, "=>", number, patterns[at] ? patterns[at] : "(nothing)", actual);
  for (unsigned i = at; patterns[at] && patterns[i + 1]; i++)
    report_line(state, "", 0, patterns[i + 1], "");
  report(state, "first deviation: event %u, expected \"%s\", actual: %s\n", number,
         patterns[at] ? patterns[at] : "(nothing)", actual);
  return 0;
}

int dbgksim_expect_list(dbgksim_debugger *debugger, const char *const *patterns)
{
  if (!debugger || !patterns)
    return 0;
  if (!debugger->expect)
    debugger->expect = client_allocate(debugger->machine, sizeof *debugger->expect);
  struct expect_state *state = debugger->expect;
  if (!state)
    return 0;
  dbgksim_machine *machine = dbgksim_debugger_machine(debugger);
  state->report_used = 0;
  state->report[0] = 0;
  if (!check_patterns(state, patterns))
    return 0;
  report_line(state, "", 0, "expected", "actual");
  unsigned number = 0, skipped = 0;
  bool any = false;
  for (unsigned i = 0; patterns[i] || any;) {
    struct expect_pattern pattern;
    struct expect_actual actual;
    char text[2 * EXPECT_TEXT];
    if (patterns[i])
      expect_parse(patterns[i], &pattern);
    if (patterns[i] && pattern.any_events) {
      any = true;
      skipped = 0;
      i++;
      continue;
    }
    enum dbgksim_status status = next_event(debugger, state, &actual);
    if (status == DBGKSIM_NO_PROCESS && !patterns[i])
      return 1;
    number++;
    if (status != DBGKSIM_OK) {
      snprintf(text, sizeof text, "no event: %s", dbgksim_message(machine));
      return deviate(state, patterns, i, number, text);
    }
    expect_describe(&actual, text, sizeof text);
    if (patterns[i] && expect_matches(&pattern, &actual)) {
      report_line(state, "", number, patterns[i], text);
      any = false;
      i++;
      answer(debugger, state, pattern.answer);
    } else if (any) {
      if (skipped++ < SHOWN_SKIPPED)
        report_line(state, "", number, "*", text);
      else if (skipped == SHOWN_SKIPPED + 1)
        report_line(state, "", 0, "*", "...");
    } else {
      return deviate(state, patterns, i, number, text);
    }
  }
  return 1;
}

const char *dbgksim_expect_report(const dbgksim_debugger *debugger)
{
  return debugger && debugger->expect ? debugger->expect->report : "";
}

const struct dbgksim_event *dbgksim_expect_event(const dbgksim_debugger *debugger)
{
  return debugger && debugger->expect && debugger->expect->has_event ? &debugger->expect->event : NULL;
}
