/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file strace.h  Parts of dbgksim strace: which services are shown, and how. */
#ifndef CLI_STRACE_H
#define CLI_STRACE_H

#include "cli/session.h"

#include <dbgksim/monitor.h>

/** A call that has not ended, with what was captured of it. */
struct strace_open {
  bool used, shown; /**< shown: as unfinished */
  struct dbgksim_service_call call;
  void *captured; /**< owned */
  size_t room;
  struct dbgksim_trace_record dispatch; /**< an exception whose final code is not known yet; kind 0: none */
};

struct strace_total {
  char name[DBGKSIM_SERVICE_NAME];
  uint64_t calls, failures, unfinished, nanoseconds;
};

struct strace {
  struct session *session;
  FILE *out;
  struct strace_open *threads; /**< by thread id / 4 */
  size_t thread_count;
  uint32_t current; /**< thread whose call was entered last and may still be shown on one line; 0: none */
  uint64_t shown;   /**< calls that passed the filter */
  struct strace_total *totals;
  size_t total_count;
  bool no_memory;
  char text[DBGKSIM_SERVICE_TEXT], before[DBGKSIM_SERVICE_TEXT]; /**< of arguments, while they are shown */
};

/** How calls are shown. */
struct strace_format {
  void (*begin)(struct strace *s);
  void (*call)(struct strace *s, const struct dbgksim_service_call *call, const struct strace_open *open);
  void (*interrupt)(struct strace *s, struct strace_open *open); /**< another line comes before the call's end; may be NULL */
  void (*unfinished)(struct strace *s, const struct strace_open *open); /**< at the end of the run */
  void (*record)(struct strace *s, const struct dbgksim_trace_record *record);
  void (*summary)(struct strace *s, const struct strace_total *total, const struct strace_total *all);
  void (*end)(struct strace *s, enum dbgksim_status reason);
};
extern const struct strace_format strace_text, strace_jsonl;

/** True if each item of a list as -e takes it means something. */
bool strace_check_filter(const char *filter);
/** True if a service is to be shown. NULL: all are. */
bool strace_selected(const char *filter, const char *name, uint32_t groups);

#endif
