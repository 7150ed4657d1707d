/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/session.h"
#include "cli/json.h"
#include "cli/tape.h"

#include <dbgksim/kernel.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static dbgksim_machine *volatile interrupted_machine;

static void on_interrupt(int number)
{
  dbgksim_machine *machine = interrupted_machine;
  (void)number;
  if (machine)
    dbgksim_interrupt(machine);
}

void session_catch_interrupt(struct session *session)
{
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_interrupt;
  /* A second Ctrl-C ends the command at once. */
  action.sa_flags = SA_RESETHAND;
  interrupted_machine = session->machine;
  sigaction(SIGINT, &action, NULL);
}

bool session_same_place(FILE *a, FILE *b)
{
  struct stat sa, sb;
  return a && b && fstat(fileno(a), &sa) == 0 && fstat(fileno(b), &sb) == 0 && sa.st_dev == sb.st_dev &&
         sa.st_ino == sb.st_ino && !(S_ISCHR(sa.st_mode) && !isatty(fileno(a)));
}

void session_write(struct session *session, int stream, const void *bytes, size_t size)
{
  unsigned i = stream == 2;
  FILE *file = session->program[i];
  if (!size)
    return;
  if (session->shares[i]) {
    session->mid_line = ((const char *)bytes)[size - 1] != '\n';
    if (file != session->trace)
      fflush(session->trace);
  } else if (i && file != session->program[0]) {
    fflush(session->program[0]);
  }
  fwrite(bytes, 1, size, file);
}

static void write_output(void *context, int stream, const void *bytes, size_t size)
{
  struct session *session = context;
  const struct session_piece piece = {stream, size};
  if (session->tape)
    tape_note_output(session->tape, stream, bytes, size);
  char *grown = session->holds_output ? realloc(session->held, session->held_size + sizeof piece + size) : NULL;
  if (!grown) {
    session_release(session, SIZE_MAX);
    session_write(session, stream, bytes, size);
    return;
  }
  session->held = grown;
  memcpy(grown + session->held_size, &piece, sizeof piece);
  memcpy(grown + session->held_size + sizeof piece, bytes, size);
  session->held_size += sizeof piece + size;
}

void session_release(struct session *session, size_t count)
{
  size_t at = 0;
  for (; at < session->held_size && count; count--) {
    struct session_piece piece;
    memcpy(&piece, session->held + at, sizeof piece);
    session_write(session, piece.stream, session->held + at + sizeof piece, piece.size);
    at += sizeof piece + piece.size;
  }
  if (at)
    memmove(session->held, session->held + at, session->held_size - at);
  session->held_size -= at;
}

static size_t read_input(void *context, void *bytes, size_t size)
{
  struct session *session = context;
  return session->tape ? session->tape->functions->input(session->tape, bytes, size) : session_read(bytes, size);
}

size_t session_read(void *bytes, size_t size)
{
  ssize_t n;
  do
    n = read(STDIN_FILENO, bytes, size);
  while (n < 0 && errno == EINTR && interrupted_machine);
  return n > 0 ? (size_t)n : 0;
}

void session_begin_line(struct session *session)
{
  if (!session->mid_line)
    return;
  if (session->shares[1] && session->program[1] != session->trace)
    fflush(session->program[1]);
  fputc('\n', session->trace);
  session->mid_line = false;
}

static void write_remark(void *context, const struct dbgksim_trace_record *record)
{
  struct session *session = context;
  fprintf(session->log, "%" PRIu32 ":%" PRIu32 " %s\n", record->pid, record->tid, record->text);
}

static const char *command_name(const struct session *session)
{
  return options_command(session->options->command);
}

static int cannot_open(const struct session *session, const char *path)
{
  fprintf(stderr, "dbgksim %s: cannot write %s: %s\n", command_name(session), path, strerror(errno));
  return CLI_BAD_USE;
}

static int open_streams(struct session *session)
{
  const struct options *options = session->options;
  session->program[0] = stdout;
  session->program[1] = stderr;
  if (options->program_output) {
    session->program[0] = session->program[1] = fopen(options->program_output, "wb");
    if (!session->program[0])
      return cannot_open(session, options->program_output);
  }
  if (options->log && !(session->log = fopen(options->log, "w")))
    return cannot_open(session, options->log);
  if (options->command == CLI_RUN)
    return CLI_OK;
  session->trace = stdout;
  if (options->output) {
    session->trace = fopen(options->output, "w");
    if (!session->trace)
      return cannot_open(session, options->output);
  }
  if (options->output && options->program_output && session_same_place(session->trace, session->program[0])) {
    fprintf(stderr, "dbgksim %s: the trace and the program's output can not go to one file\n", command_name(session));
    return CLI_BAD_USE;
  }
  for (int i = 0; i < 2; i++)
    session->shares[i] = session_same_place(session->trace, session->program[i]);
  const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
  session->colour =
      isatty(fileno(session->trace)) && !(no_colour && *no_colour) && terminal && strcmp(terminal, "dumb") != 0;
  return CLI_OK;
}

/* Exit status that a failure of the library means. */
static int exit_status(enum dbgksim_status status)
{
  switch (status) {
  case DBGKSIM_BAD_ARGUMENT:
  case DBGKSIM_NOT_FOUND:
  case DBGKSIM_BAD_IMAGE:
  case DBGKSIM_NO_USERLAND:
    return CLI_BAD_USE;
  case DBGKSIM_INTERRUPTED:
    return CLI_INTERRUPTED;
  default:
    return CLI_INCOMPLETE;
  }
}

int session_failed(struct session *session, enum dbgksim_status status)
{
  const char *message = dbgksim_message(session->machine);
  fflush(stdout);
  fprintf(stderr, "dbgksim %s: %s\n", command_name(session),
          message && *message ? message : dbgksim_status_name(status));
  if (status == DBGKSIM_BUGCHECK || status == DBGKSIM_TRIPLE_FAULT) {
    char report[1024];
    dbgksim_report_stop(session->machine, report, sizeof report);
    fputs(report, stderr);
  }
  return exit_status(status);
}

bool session_loaded(struct session *session, uint32_t pid, NTSTATUS code)
{
  char missing[512] = "";
  if (code != STATUS_DLL_NOT_FOUND && code != STATUS_ENTRYPOINT_NOT_FOUND && code != STATUS_ORDINAL_NOT_FOUND)
    return true;
  fflush(stdout);
  fprintf(stderr, "dbgksim %s: %s: ", command_name(session), session->options->program);
  if (dbgksim_missing_imports(session->machine, pid, missing, sizeof missing) == DBGKSIM_OK)
    fprintf(stderr, "needs %s, which is neither in its folder nor in the userland\n", missing);
  else
    fprintf(stderr, "a DLL that it needs lacks %s\n",
            code == STATUS_DLL_NOT_FOUND ? "a DLL of its own" : "a function that is imported");
  return false;
}

static const char *program_path(const struct options *options)
{
  return options->program_file ? options->program_file : options->program;
}

int session_open(struct session *session, const struct options *options, struct tape *tape)
{
  struct dbgksim_config config;
  memset(session, 0, sizeof *session);
  session->options = options;
  session->tape = tape;
  int result = open_streams(session);
  if (result != CLI_OK)
    return result;
  dbgksim_config_init(&config);
  if (options->userland)
    config.userland = options->userland;
  config.roots = options->roots;
  config.root_count = options->root_count;
  config.era = options->era;
  config.seed = options->seed;
  config.random_schedule = options->random_schedule;
  config.kernel_debugger = options->kernel_debugger;
  if (options->kd_print_mask)
    config.kd_print_mask = options->kd_print_mask;
  config.block_budget = options->budget;
  config.quantum_blocks = options->quantum;
  config.note_inputs = options->record != NULL;
  config.output = write_output;
  config.input = read_input;
  config.io_context = session;
  enum dbgksim_status status = dbgksim_machine_create(&config, &session->machine);
  if (status == DBGKSIM_OK && session->log)
    status = dbgksim_trace_subscribe(session->machine, DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_LOG), write_remark, session);
  if (status == DBGKSIM_OK)
    result = session_change_gates(session);
  if (status == DBGKSIM_OK && result == CLI_OK && options->program)
    status = dbgksim_choose_userland(session->machine, program_path(options), NULL, 0);
  return status == DBGKSIM_OK ? result : session_failed(session, status);
}

int session_spawn(struct session *session, dbgksim_debugger *debugger, uint32_t *pid)
{
  struct dbgksim_program program;
  memset(&program, 0, sizeof program);
  program.path = program_path(session->options);
  program.arguments = session->options->arguments;
  program.debug_children = session->options->follow_children;
  enum dbgksim_status status = dbgksim_spawn(session->machine, &program, debugger, pid);
  if (status == DBGKSIM_OK)
    return CLI_OK;
  session_failed(session, status);
  return status == DBGKSIM_NT_ERROR ? CLI_BAD_USE : exit_status(status);
}

static bool close_file(FILE *file)
{
  if (!file)
    return true;
  bool good = fflush(file) == 0 && !ferror(file);
  if (file != stdout && file != stderr)
    good &= fclose(file) == 0;
  return good;
}

void session_write_start(const struct session *session, FILE *out)
{
  const struct options *options = session->options;
  struct json json;
  json_begin(&json, out);
  json_text(&json, "type", "start");
  json_number(&json, "schema", 1);
  json_text(&json, "version", dbgksim_version());
  json_text(&json, "program", options->program);
  json_text_array(&json, "arguments", options->arguments);
  json_number(&json, "seed", options->seed);
  json_bool(&json, "random_schedule", options->random_schedule);
  json_end(&json);
}

int session_close(struct session *session, int result)
{
  interrupted_machine = NULL;
  dbgksim_machine_destroy(session->machine);
  session_release(session, SIZE_MAX);
  free(session->held);
  bool good = close_file(session->program[0]);
  if (session->program[1] != session->program[0])
    good &= close_file(session->program[1]);
  if (session->trace != session->program[0])
    good &= close_file(session->trace);
  good &= close_file(session->log);
  if (good)
    return result;
  fprintf(stderr, "dbgksim %s: output could not be written completely\n", command_name(session));
  return CLI_INCOMPLETE;
}
