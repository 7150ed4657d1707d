/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file api.h  What the tests of the public interface share. */
#ifndef TESTS_API_API_H
#define TESTS_API_API_H

#include <check.h>
#include <dbgksim/dbgksim.h>

/** What a machine's programs printed. */
struct api_output {
  char text[4096];
  size_t size;
};

/** A machine on the nano userland whose output goes to `output` (NULL: nowhere); fails the test if there is none. */
dbgksim_machine *api_machine(struct api_output *output);
/** Starts a guest program; its pid. */
uint32_t api_spawn(dbgksim_machine *machine, const char *name, dbgksim_debugger *debugger);
/** Host path of a guest program (static text). */
const char *api_program(const char *name);
/** Answers events until the last process of a debugger has ended; how many there were. */
unsigned api_debug_to_the_end(dbgksim_debugger *debugger);

/** Compares a status; the names are in the message. */
#define ck_api(call, expected)                                                                                         \
  do {                                                                                                                 \
    enum dbgksim_status ck_status = (call);                                                                            \
    ck_assert_msg(ck_status == (expected), "%s: %s instead of %s", #call, dbgksim_status_name(ck_status), #expected);  \
  } while (0)

TCase *argument_tests(void);
TCase *ending_tests(void);
TCase *input_tests(void);
TCase *paging_tests(void);
TCase *thread_tests(void);
TCase *userland_tests(void);

#endif
