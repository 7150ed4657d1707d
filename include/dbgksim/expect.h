/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file expect.h  Debug events as a unit test says them: run, compare in order, show the first deviation.
 *
 *  dbgksim_expect(debugger, "CREATE_PROCESS", "LOAD_DLL ntdll.dll", "*", "EXIT_PROCESS 42")
 *
 *  The language of the patterns is in docs/expect.md. */
#ifndef DBGKSIM_EXPECT_H
#define DBGKSIM_EXPECT_H

#include <dbgksim/dbgksim.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Waits for events, answers them, and compares each with the next pattern; returns after the last pattern.
 *  The first breakpoint of each process is continued, other exceptions are answered not handled unless their pattern
 *  says otherwise. An event whose pattern ends with "-> stop" is left outstanding for the caller to look at; the next
 *  call, or dbgksim_continue, answers it. So is the event that deviates.
 *  @param patterns  ended by NULL
 *  @return 1 if all events came as said, 0 if not: dbgksim_expect_report tells why */
DBGKSIM_API int dbgksim_expect_list(dbgksim_debugger *debugger, const char *const *patterns);
/** Expected and actual events of the last call with its first deviation; valid until the next call. Empty if there was
 *  no call. */
DBGKSIM_API const char *dbgksim_expect_report(const dbgksim_debugger *debugger);
/** The last event that was compared; NULL if there is none. */
DBGKSIM_API const struct dbgksim_event *dbgksim_expect_event(const dbgksim_debugger *debugger);

/** dbgksim_expect_list, with the report on standard error after a deviation. */
static inline int dbgksim_expect_verbose(dbgksim_debugger *debugger, const char *const *patterns)
{
  int as_expected = dbgksim_expect_list(debugger, patterns);
  if (!as_expected)
    fputs(dbgksim_expect_report(debugger), stderr);
  return as_expected;
}

#ifdef __cplusplus
}

template <typename... Patterns> int dbgksim_expect(dbgksim_debugger *debugger, Patterns... patterns)
{
  const char *const list[] = {patterns..., nullptr};
  return dbgksim_expect_verbose(debugger, list);
}
#else
/** Says the patterns as arguments: dbgksim_expect(debugger, "CREATE_PROCESS", "LOAD_DLL ntdll.dll"). */
#define dbgksim_expect(debugger, ...) dbgksim_expect_verbose(debugger, (const char *const[]){__VA_ARGS__, NULL})
#endif

#endif
