/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/commands.h"
#include "cli/session.h"

static int run(struct session *session)
{
  uint32_t pid;
  NTSTATUS code;
  int result = session_spawn(session, NULL, &pid);
  if (result != CLI_OK)
    return result;
  session_catch_interrupt(session);
  enum dbgksim_status status = dbgksim_run(session->machine, pid, -1);
  if (status == DBGKSIM_OK)
    status = dbgksim_exit_code(session->machine, pid, &code);
  if (status != DBGKSIM_OK)
    return session_failed(session, status);
  return session_loaded(session, pid, code) ? (int)((uint32_t)code & 0xFF) : CLI_BAD_USE;
}

int command_run(int argc, char **argv)
{
  struct options options;
  struct session session;
  int result = options_parse(&options, CLI_RUN, argc, argv);
  if (result < 0) {
    result = session_open(&session, &options, NULL);
    if (result == CLI_OK)
      result = run(&session);
    result = session_close(&session, result);
  }
  options_free(&options);
  return result;
}
