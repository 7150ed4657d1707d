/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dbgksim idt, and the option --gate of the commands that run programs. */
#include "cli/commands.h"
#include "cli/session.h"

#include <dbgksim/kernel.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GATES 256u

static bool number(const char *text, uint64_t *value)
{
  char *end;
  if (*text < '0' || *text > '9')
    return false;
  *value = strtoull(text, &end, 0);
  return *end == 0;
}

/* to=ROUTINE or to=ADDRESS */
static bool lead_to(dbgksim_machine *machine, const char *where, struct dbgksim_gate *gate)
{
  return number(where, &gate->offset) || dbgksim_find_routine(machine, where, &gate->offset) == DBGKSIM_OK;
}

static bool change_gate(dbgksim_machine *machine, const char *change, struct dbgksim_gate *gate)
{
  const struct {
    const char *name;
    uint64_t maximum;
  } fields[] = {{"dpl=", 3}, {"ist=", 7}, {"type=", 15}, {"selector=", 0xFFFF}};
  uint64_t value;
  if (strcmp(change, "absent") == 0 || strcmp(change, "present") == 0) {
    gate->present = change[0] == 'p';
    return true;
  }
  if (strncmp(change, "to=", 3) == 0)
    return lead_to(machine, change + 3, gate);
  for (unsigned i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    size_t n = strlen(fields[i].name);
    if (strncmp(change, fields[i].name, n) != 0)
      continue;
    if (!number(change + n, &value) || value > fields[i].maximum)
      return false;
    gate->dpl = i == 0 ? (uint8_t)value : gate->dpl;
    gate->ist = i == 1 ? (uint8_t)value : gate->ist;
    gate->type = i == 2 ? (uint8_t)value : gate->type;
    gate->selector = i == 3 ? (uint16_t)value : gate->selector;
    return true;
  }
  return false;
}

/* VECTOR:CHANGE,CHANGE... or limit:N; the text is cut up. */
static bool apply(dbgksim_machine *machine, char *text)
{
  struct dbgksim_gate gate;
  uint64_t value;
  char *changes = strchr(text, ':'), *rest;
  if (!changes)
    return false;
  *changes++ = 0;
  if (strcmp(text, "limit") == 0)
    return number(changes, &value) && value <= UINT16_MAX &&
           dbgksim_set_idt_limit(machine, (uint16_t)value) == DBGKSIM_OK;
  if (!number(text, &value) || value >= GATES || dbgksim_get_gate(machine, (unsigned)value, &gate) != DBGKSIM_OK)
    return false;
  const char *change = strtok_r(changes, ",", &rest);
  if (!change)
    return false;
  for (; change; change = strtok_r(NULL, ",", &rest))
    if (!change_gate(machine, change, &gate))
      return false;
  return dbgksim_set_gate(machine, (unsigned)value, &gate) == DBGKSIM_OK;
}

int session_change_gates(struct session *session)
{
  for (unsigned i = 0; i < session->options->gate_count; i++) {
    char *text = strdup(session->options->gates[i]);
    bool good = text && apply(session->machine, text);
    free(text);
    if (!good) {
      fprintf(stderr, "dbgksim %s: --gate wants VECTOR:CHANGE,... or limit:N (at most 0xFFF), not %s\n",
              options_command(session->options->command), session->options->gates[i]);
      return CLI_BAD_USE;
    }
  }
  return CLI_OK;
}

static const char *type_name(unsigned type)
{
  return type == 0xE ? "interrupt" : type == 0xF ? "trap" : "none";
}

static void print_row(unsigned vector, unsigned last, const struct dbgksim_gate *gate, unsigned limit)
{
  char vectors[16], stack[8] = "-";
  snprintf(vectors, sizeof vectors, vector == last ? "%02X" : "%02X-%02X", vector, last);
  if (gate->ist)
    snprintf(stack, sizeof stack, "IST%u", gate->ist);
  printf("%-7s%-30s%016" PRIx64 "  %02X   %u    %-5s %-10s%s%s\n", vectors,
         gate->routine[0] ? gate->routine : "(no code)", gate->offset, gate->selector, gate->dpl, stack,
         type_name(gate->type), gate->present ? "present" : "absent", last * 16 + 15 > limit ? ", past the limit" : "");
}

/* Neighbours that differ in their address only are one row. */
static bool alike(const struct dbgksim_gate *a, const struct dbgksim_gate *b)
{
  return strcmp(a->routine, "KiUnexpectedInterrupt") == 0 && strcmp(a->routine, b->routine) == 0 &&
         a->selector == b->selector && a->ist == b->ist && a->type == b->type && a->dpl == b->dpl &&
         a->present == b->present;
}

static void print_table(const struct dbgksim_gate gates[GATES], unsigned limit)
{
  printf("vector routine                       offset            sel  DPL  stack type      (limit %X)\n", limit);
  for (unsigned v = 0, last; v < GATES; v = last + 1) {
    for (last = v; last + 1 < GATES && alike(&gates[v], &gates[last + 1]) &&
                   (last * 16 + 15 > limit) == (last * 16 + 31 > limit);)
      last++;
    print_row(v, last, &gates[v], limit);
  }
}

static int show_table(dbgksim_machine *machine)
{
  uint16_t limit = 0;
  struct dbgksim_gate *gates = calloc(GATES, sizeof *gates);
  bool good = gates && dbgksim_get_idt_limit(machine, &limit) == DBGKSIM_OK;
  for (unsigned v = 0; v < GATES && good; v++)
    good = dbgksim_get_gate(machine, v, &gates[v]) == DBGKSIM_OK;
  if (good)
    print_table(gates, limit);
  free(gates);
  return good ? CLI_OK : CLI_INCOMPLETE;
}

int command_idt(int argc, char **argv)
{
  struct options options;
  struct session session;
  int result = options_parse(&options, CLI_IDT, argc, argv);
  if (result < 0) {
    /* The table is the kernel's: no programs, no userland. */
    options.userland = "none";
    result = session_open(&session, &options, NULL);
    if (result == CLI_OK)
      result = show_table(session.machine);
    result = session_close(&session, result);
  }
  options_free(&options);
  return result;
}
