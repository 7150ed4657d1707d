/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kit.h"

#include "machine/machine.h"
#include "ntos/trap/trap.h"

#include <stdio.h>
#include <string.h>

#define FIRST_NUMBER 0x1800u
#define STACK_ARGUMENTS 0x28u
/** The program lies below, the DLL with the first breakpoint above. */
#define DLLS 0x160000000ull

static void take_call(void *context, const struct dbgksim_service_call *call)
{
  struct kit *kit = context;
  char *argument = kit->argument;
  if (call->phase == DBGKSIM_SERVICE_ENTERED) {
    kit->entered++;
    return;
  }
  kit->left++;
  kit->status = call->status;
  size_t used = (size_t)snprintf(kit->line, sizeof kit->line, "%s(", call->name);
  for (unsigned i = 0; i < call->argument_count; i++) {
    size_t n = dbgksim_service_argument(call, i, argument, sizeof kit->argument);
    ck_assert_msg(n < sizeof kit->argument && strlen(argument) == n, "%s, argument %u: %zu bytes", call->name, i, n);
    if (used < sizeof kit->line)
      used += (size_t)snprintf(kit->line + used, sizeof kit->line - used, "%s%s", i ? ", " : "", argument);
  }
  const char *name = dbgksim_nt_status_name(call->status);
  char number[16];
  snprintf(number, sizeof number, "0x%08x", (unsigned)call->status);
  if (used < sizeof kit->line)
    snprintf(kit->line + used, sizeof kit->line - used, ") = %s",
             call->outcome != DBGKSIM_SERVICE_RETURNS ? "?" : name ? name : number);
}

static void bind_services(dbgksim_machine *machine)
{
  const char *name;
  ck_assert_int_eq(machine_enter(machine), DBGKSIM_OK);
  for (unsigned i = 0; (name = dbgksim_service_name(i, NULL)) != NULL; i++)
    ck_assert(trap_bind_service(FIRST_NUMBER + i, name));
  machine_leave(machine);
}

static uint64_t number_of(const char *name)
{
  const char *known;
  for (unsigned i = 0; (known = dbgksim_service_name(i, NULL)) != NULL; i++)
    if (strcmp(known, name) == 0)
      return FIRST_NUMBER + i;
  ck_abort_msg("no service %s", name);
  return 0;
}

/* Runs to the next int3 of the program itself. */
static bool to_breakpoint(struct kit *kit, bool first)
{
  for (;;) {
    if (dbgksim_wait(kit->debugger, 50000000, &kit->event) != DBGKSIM_OK)
      return false;
    const bool ended = kit->event.code == DBGKSIM_EXIT_PROCESS && kit->event.pid == kit->pid;
    if (kit->event.pid == kit->pid && kit->event.code == DBGKSIM_EXCEPTION) {
      CONTEXT context = {.ContextFlags = CONTEXT_FULL};
      if (dbgksim_get_context(kit->machine, kit->event.tid, &context) == DBGKSIM_OK &&
          kit->event.exception.ExceptionCode == STATUS_BREAKPOINT &&
          (first ? context.Rip < DLLS : context.Rip == kit->context.Rip + 3)) {
        kit->tid = kit->event.tid;
        if (first)
          kit->context = context;
        return true;
      }
      if (!first) {
        /* An exception instead of a return: the next call begins from here. */
        kit->tid = kit->event.tid;
        return kit->tid != 0;
      }
    }
    ck_api(dbgksim_continue(kit->debugger, &kit->event, DBG_CONTINUE), DBGKSIM_OK);
    if (ended)
      return false;
  }
}

static void start_program(struct kit *kit)
{
  const struct dbgksim_program program = {.path = PROGRAM_DIR "/caller.exe"};
  ck_api(dbgksim_debugger_create(kit->machine, true, &kit->debugger), DBGKSIM_OK);
  ck_api(dbgksim_spawn(kit->machine, &program, kit->debugger, &kit->pid), DBGKSIM_OK);
  ck_assert(to_breakpoint(kit, true));
}

void kit_open(struct kit *kit)
{
  struct dbgksim_config config;
  memset(kit, 0, sizeof *kit);
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  ck_api(dbgksim_machine_create(&config, &kit->machine), DBGKSIM_OK);
  ck_api(dbgksim_monitor_services(kit->machine, take_call, kit, &kit->monitor), DBGKSIM_OK);
  start_program(kit);
  bind_services(kit->machine);
}

void kit_restart(struct kit *kit)
{
  dbgksim_debugger_destroy(kit->debugger);
  dbgksim_run(kit->machine, 0, 10000000);
  start_program(kit);
}

void kit_close(struct kit *kit)
{
  dbgksim_debugger_destroy(kit->debugger);
  dbgksim_monitor_remove(kit->monitor);
  dbgksim_machine_destroy(kit->machine);
}

void kit_write(struct kit *kit, uint64_t address, const void *bytes, size_t size)
{
  ck_api(dbgksim_write_memory(kit->machine, kit->pid, address, bytes, size, NULL), DBGKSIM_OK);
}

void kit_write64(struct kit *kit, uint64_t address, uint64_t value) { kit_write(kit, address, &value, sizeof value); }

uint64_t kit_read64(struct kit *kit, uint64_t address)
{
  uint64_t value = 0;
  ck_api(dbgksim_read_memory(kit->machine, kit->pid, address, &value, sizeof value, NULL), DBGKSIM_OK);
  return value;
}

void kit_write_string(struct kit *kit, uint64_t address, const char *ascii)
{
  uint16_t text[300];
  const uint16_t bytes = (uint16_t)(strlen(ascii) * 2);
  const UNICODE_STRING64 string = {.Length = bytes, .MaximumLength = bytes, .Buffer = address + 0x10};
  for (size_t i = 0; i < bytes / 2u; i++)
    text[i] = (uint8_t)ascii[i];
  kit_write(kit, address, &string, sizeof string);
  kit_write(kit, address + 0x10, text, bytes);
}

void kit_write_attributes(struct kit *kit, uint64_t address, const char *name, uint64_t root, uint32_t attributes)
{
  const OBJECT_ATTRIBUTES64 a = {.Length = sizeof a,
                                 .RootDirectory = root,
                                 .ObjectName = name ? address + sizeof a : 0,
                                 .Attributes = attributes};
  kit_write(kit, address, &a, sizeof a);
  if (name)
    kit_write_string(kit, address + sizeof a, name);
}

bool kit_try(struct kit *kit, const char *name, unsigned count, const uint64_t *arguments)
{
  CONTEXT context = kit->context;
  context.ContextFlags = CONTEXT_FULL;
  context.Rsp = KIT_STACK;
  context.Rax = number_of(name);
  context.R10 = count > 0 ? arguments[0] : 0;
  context.Rdx = count > 1 ? arguments[1] : 0;
  context.R8 = count > 2 ? arguments[2] : 0;
  context.R9 = count > 3 ? arguments[3] : 0;
  if (count > 4 && dbgksim_write_memory(kit->machine, kit->pid, KIT_STACK + STACK_ARGUMENTS, arguments + 4,
                                        (count - 4) * sizeof *arguments, NULL) != DBGKSIM_OK)
    return false;
  if (dbgksim_set_context(kit->machine, kit->tid, &context) != DBGKSIM_OK)
    return false;
  kit->line[0] = 0;
  ck_api(dbgksim_continue(kit->debugger, &kit->event, DBG_CONTINUE), DBGKSIM_OK);
  return to_breakpoint(kit, false);
}

const char *kit_call(struct kit *kit, const char *name, unsigned count, const uint64_t *arguments)
{
  ck_assert_msg(kit_try(kit, name, count, arguments), "%s does not come back: %s", name, kit->line);
  return kit->line;
}

bool kit_like(const char *line, const char *pattern)
{
  const char *star = NULL, *back = NULL;
  while (*line) {
    if (*pattern == '*') {
      star = pattern++;
      back = line;
    } else if (*pattern == *line) {
      pattern++, line++;
    } else if (back) {
      pattern = star + 1;
      line = ++back;
    } else {
      return false;
    }
  }
  while (*pattern == '*')
    pattern++;
  return !*pattern;
}
