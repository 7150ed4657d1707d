/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The edges of the public interface, on guest programs with the nano userland. */
#include "api.h"

#include <stdio.h>
#include <string.h>

static void collect(void *context, int stream, const void *bytes, size_t size)
{
  struct api_output *output = context;
  (void)stream;
  if (size > sizeof output->text - 1 - output->size)
    size = sizeof output->text - 1 - output->size;
  memcpy(output->text + output->size, bytes, size);
  output->size += size;
}

dbgksim_machine *api_machine(struct api_output *output)
{
  struct dbgksim_config config;
  dbgksim_machine *machine;
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  if (output) {
    memset(output, 0, sizeof *output);
    config.output = collect;
    config.io_context = output;
  }
  ck_assert_msg(dbgksim_machine_create(&config, &machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  return machine;
}

const char *api_program(const char *name)
{
  static __thread char path[1024];
  snprintf(path, sizeof path, "%s/%s.exe", GUEST_PROGRAM_DIR, name);
  return path;
}

uint32_t api_spawn(dbgksim_machine *machine, const char *name, dbgksim_debugger *debugger)
{
  const struct dbgksim_program program = {.path = api_program(name)};
  uint32_t pid = 0;
  ck_assert_msg(dbgksim_spawn(machine, &program, debugger, &pid) == DBGKSIM_OK, "%s: %s", name,
                dbgksim_message(machine));
  ck_assert_uint_ne(pid, 0);
  return pid;
}

unsigned api_debug_to_the_end(dbgksim_debugger *debugger)
{
  struct dbgksim_event event;
  unsigned count = 0;
  while (dbgksim_live_processes(debugger)) {
    ck_api(dbgksim_wait(debugger, -1, &event), DBGKSIM_OK);
    count++;
    bool breakpoint = event.code == DBGKSIM_EXCEPTION && event.exception.ExceptionCode == STATUS_BREAKPOINT;
    ck_api(dbgksim_continue(debugger, &event, breakpoint ? DBG_CONTINUE : DBG_EXCEPTION_NOT_HANDLED), DBGKSIM_OK);
  }
  return count;
}

int main(void)
{
  Suite *suite = suite_create("api");
  suite_add_tcase(suite, argument_tests());
  suite_add_tcase(suite, ending_tests());
  suite_add_tcase(suite, input_tests());
  suite_add_tcase(suite, paging_tests());
  suite_add_tcase(suite, thread_tests());
  suite_add_tcase(suite, userland_tests());
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
