/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void collect(void *context, int stream, const void *bytes, size_t size)
{
  struct session *s = context;
  size_t used = strlen(s->output), room = sizeof(s->output) - 1 - used;
  (void)stream;
  memcpy(s->output + used, bytes, size < room ? size : room);
}

struct session *session_start(const char *name)
{
  struct session *s = calloc(1, sizeof(*s));
  struct dbgksim_config config;
  char path[1024];
  ck_assert_ptr_nonnull(s);
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  config.output = collect;
  config.io_context = s;
  snprintf(path, sizeof(path), "%s/%s.exe", GUEST_PROGRAM_DIR, name);
  ck_assert_msg(dbgksim_machine_create(&config, &s->machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  ck_assert_int_eq(dbgksim_debugger_create(s->machine, true, &s->debugger), DBGKSIM_OK);
  struct dbgksim_program program = {.path = path};
  ck_assert_msg(dbgksim_spawn(s->machine, &program, s->debugger, &s->pid) == DBGKSIM_OK, "%s: %s", name,
                dbgksim_message(s->machine));
  return s;
}

__attribute__((format(printf, 2, 3))) static void note(struct session *s, const char *format, ...)
{
  size_t used = strlen(s->lines);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(s->lines + used, sizeof(s->lines) - used, format, arguments);
  va_end(arguments);
}

static const char *file_name(const char *path)
{
  const char *last = strrchr(path, '\\');
  return last ? last + 1 : path;
}

static void note_string(struct session *s)
{
  char text[256] = "";
  size_t size = s->event.string_length < sizeof(text) ? s->event.string_length : sizeof(text) - 1;
  dbgksim_read_memory(s->machine, s->pid, s->event.string_address, text, size, NULL);
  note(s, "OUTPUT_DEBUG_STRING %s\n", text);
}

static void note_event(struct session *s)
{
  const struct dbgksim_event *event = &s->event;
  switch (event->code) {
  case DBGKSIM_CREATE_PROCESS:
    s->exe = event->base;
    note(s, "CREATE_PROCESS %s\n", file_name(event->file));
    break;
  case DBGKSIM_LOAD_DLL:
    if (!s->ntdll)
      s->ntdll = event->base;
    note(s, "LOAD_DLL %s\n", file_name(event->file));
    break;
  case DBGKSIM_UNLOAD_DLL:
    note(s, "UNLOAD_DLL\n");
    break;
  case DBGKSIM_CREATE_THREAD:
    note(s, "CREATE_THREAD\n");
    break;
  case DBGKSIM_EXIT_THREAD:
    note(s, "EXIT_THREAD %x\n", event->exit_code);
    break;
  case DBGKSIM_EXIT_PROCESS:
    note(s, "EXIT_PROCESS %x\n", event->exit_code);
    break;
  case DBGKSIM_EXCEPTION:
    note(s, "EXCEPTION %08x %s\n", (uint32_t)event->exception.ExceptionCode, event->first_chance ? "first" : "second");
    s->breakpoints += event->exception.ExceptionCode == STATUS_BREAKPOINT;
    break;
  case DBGKSIM_OUTPUT_DEBUG_STRING:
    note_string(s);
    break;
  default:
    note(s, "EVENT %d\n", (int)event->code);
    break;
  }
}

bool session_next(struct session *s)
{
  if (dbgksim_wait(s->debugger, -1, &s->event) != DBGKSIM_OK)
    return false;
  note_event(s);
  return true;
}

void session_continue(struct session *s, NTSTATUS status)
{
  ck_assert_msg(dbgksim_continue(s->debugger, &s->event, status) == DBGKSIM_OK, "%s", dbgksim_message(s->machine));
}

static void answer_event(struct session *s, NTSTATUS answer)
{
  bool exception = s->event.code == DBGKSIM_EXCEPTION || s->event.code == DBGKSIM_OUTPUT_DEBUG_STRING;
  bool loader = s->event.code == DBGKSIM_EXCEPTION && s->breakpoints == 1 &&
                s->event.exception.ExceptionCode == STATUS_BREAKPOINT && s->event.first_chance;
  session_continue(s, exception && !loader ? answer : DBG_CONTINUE);
}

void session_run_to(struct session *s, enum dbgksim_event_code code, NTSTATUS answer)
{
  for (;;) {
    ck_assert_msg(session_next(s), "no event %d; so far:\n%s%s", (int)code, s->lines, s->output);
    if (s->event.code == code)
      return;
    answer_event(s, answer);
  }
}

uint32_t session_finish(struct session *s, NTSTATUS answer)
{
  NTSTATUS code = 0;
  while (session_next(s)) {
    bool end = s->event.code == DBGKSIM_EXIT_PROCESS;
    answer_event(s, answer);
    if (end)
      break;
  }
  enum dbgksim_status status = dbgksim_run(s->machine, s->pid, -1);
  ck_assert_msg(status == DBGKSIM_OK, "%s: %s\n%s%s", dbgksim_status_name(status), dbgksim_message(s->machine),
                s->lines, s->output);
  ck_assert_int_eq(dbgksim_exit_code(s->machine, s->pid, &code), DBGKSIM_OK);
  return (uint32_t)code;
}

void session_end(struct session *s)
{
  dbgksim_debugger_destroy(s->debugger);
  dbgksim_machine_destroy(s->machine);
  free(s);
}
