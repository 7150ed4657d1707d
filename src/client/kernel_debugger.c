/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native kernel debugger: waits for what KdpTrap reports, and answers. */
#include "client/client.h"

#include "ntos/kd/kd.h"

#include <string.h>

static const char *const kind_names[] = {
    [DBGKSIM_KD_EXCEPTION] = "EXCEPTION",
    [DBGKSIM_KD_PRINT] = "PRINT",
    [DBGKSIM_KD_PROMPT] = "PROMPT",
    [DBGKSIM_KD_LOAD_SYMBOLS] = "LOAD_SYMBOLS",
    [DBGKSIM_KD_UNLOAD_SYMBOLS] = "UNLOAD_SYMBOLS",
    [DBGKSIM_KD_COMMAND_STRING] = "COMMAND_STRING",
};

const char *dbgksim_kd_kind_name(enum dbgksim_kd_kind kind)
{
  return kind >= DBGKSIM_KD_EXCEPTION && kind <= DBGKSIM_KD_COMMAND_STRING ? kind_names[kind] : "?";
}

/* Enters the machine if it has a kernel debugger and the caller is the host's thread. */
static enum dbgksim_status enter(dbgksim_machine *machine)
{
  if (!machine)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  if (!kd_enabled())
    status = machine_fail(machine, DBGKSIM_BAD_ARGUMENT, "the machine has no kernel debugger");
  else if (machine->pcr.CurrentThread != &machine->host_thread->Tcb)
    status = machine_fail(machine, DBGKSIM_BAD_ARGUMENT, "a native thread can not be the kernel debugger");
  if (status != DBGKSIM_OK)
    machine_leave(machine);
  return status;
}

enum dbgksim_status dbgksim_kd_wait(dbgksim_machine *machine, int64_t timeout_ns, struct dbgksim_kd_event *event)
{
  if (!event)
    return DBGKSIM_BAD_ARGUMENT;
  memset(event, 0, sizeof *event);
  enum dbgksim_status status = enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  if (!kd_pending()) {
    machine_leave(machine);
    status = dbgksim_run(machine, 0, timeout_ns);
    if (status != DBGKSIM_OK && status != DBGKSIM_KERNEL_DEBUGGER)
      return status;
    status = enter(machine);
    if (status != DBGKSIM_OK)
      return status;
  }
  if (kd_pending())
    *event = *kd_pending();
  else
    status = machine_fail(machine, DBGKSIM_NO_PROCESS, "no program is left");
  machine_leave(machine);
  return status;
}

enum dbgksim_status dbgksim_kd_continue(dbgksim_machine *machine, const struct dbgksim_kd_answer *answer)
{
  static const struct dbgksim_kd_answer none = {.status = DBG_EXCEPTION_NOT_HANDLED};
  enum dbgksim_status status = enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  if (!answer)
    answer = &none;
  if (!kd_pending())
    status = machine_fail(machine, DBGKSIM_BAD_ARGUMENT, "the kernel debugger has no event to answer");
  else if (answer->status != DBG_CONTINUE && answer->status != DBG_EXCEPTION_NOT_HANDLED)
    status = machine_fail(machine, DBGKSIM_BAD_ARGUMENT, "status %08X: DBG_CONTINUE or DBG_EXCEPTION_NOT_HANDLED",
                          (unsigned)answer->status);
  else
    kd_answer(answer);
  machine_leave(machine);
  return status;
}
