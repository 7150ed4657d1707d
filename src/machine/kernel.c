/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dbgksim/kernel.h: the interrupt descriptor table, and what a machine stopped with. */
#include "machine/machine.h"

#include "ntos/trap/trap.h"

static enum dbgksim_status bad_vector(dbgksim_machine *machine, unsigned vector)
{
  return machine_fail(machine, DBGKSIM_BAD_ARGUMENT, "no gate %u, or a field of it that is too wide", vector);
}

enum dbgksim_status dbgksim_get_gate(dbgksim_machine *machine, unsigned vector, struct dbgksim_gate *gate)
{
  if (!gate)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  if (!KiGetGate(vector, gate))
    status = bad_vector(machine, vector);
  machine_leave(machine);
  return status;
}

enum dbgksim_status dbgksim_set_gate(dbgksim_machine *machine, unsigned vector, const struct dbgksim_gate *gate)
{
  if (!gate)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  if (!KiSetGate(vector, gate))
    status = bad_vector(machine, vector);
  machine_leave(machine);
  return status;
}

enum dbgksim_status dbgksim_get_idt_limit(dbgksim_machine *machine, uint16_t *limit)
{
  if (!limit)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  *limit = KiGetIdtLimit();
  machine_leave(machine);
  return status;
}

enum dbgksim_status dbgksim_set_idt_limit(dbgksim_machine *machine, uint16_t limit)
{
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  if (!KiSetIdtLimit(limit))
    status = machine_fail(machine, DBGKSIM_BAD_ARGUMENT, "the table's limit is at most FFF");
  machine_leave(machine);
  return status;
}

enum dbgksim_status dbgksim_find_routine(dbgksim_machine *machine, const char *name, uint64_t *address)
{
  if (!name || !address)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  *address = KiFindRoutine(name);
  if (!*address)
    status = machine_fail(machine, DBGKSIM_NOT_FOUND, "no gate can lead to %s", name);
  machine_leave(machine);
  return status;
}

enum dbgksim_status dbgksim_get_bugcheck(dbgksim_machine *machine, struct dbgksim_bugcheck *bugcheck)
{
  if (!bugcheck)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  if (KiGetBugCheck())
    *bugcheck = *KiGetBugCheck();
  else
    status = machine_fail(machine, DBGKSIM_NOT_FOUND, "no bug check");
  machine_leave(machine);
  return status;
}

enum dbgksim_status dbgksim_report_stop(dbgksim_machine *machine, char *out, size_t size)
{
  if (!out || !size)
    return DBGKSIM_BAD_ARGUMENT;
  out[0] = 0;
  enum dbgksim_status status = machine_enter(machine);
  if (status != DBGKSIM_OK)
    return status;
  if (!KiReportStop(out, size))
    status = machine_fail(machine, DBGKSIM_NOT_FOUND, "the machine has not stopped for good");
  machine_leave(machine);
  return status;
}
