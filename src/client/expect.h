/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file expect.h  Patterns of debug events: their parts, their matching, and events in the same words. */
#ifndef CLIENT_EXPECT_H
#define CLIENT_EXPECT_H

#include "client/client.h"

#define EXPECT_PROCESSES 64
#define EXPECT_THREADS 1024
#define EXPECT_MODULES 512
#define EXPECT_NAME 64
#define EXPECT_TEXT 256
#define EXPECT_REPORT 16384

struct expect_module {
  uint32_t pid; /**< 0: free */
  uint64_t base;
  char name[EXPECT_NAME];
};

/** What dbgksim_expect knows of its debugger's processes; lies in the machine's pool. */
struct expect_state {
  uint32_t processes[EXPECT_PROCESSES]; /**< ids in order of appearance */
  bool broke[EXPECT_PROCESSES];         /**< the first breakpoint was seen */
  unsigned process_count;
  uint32_t threads[EXPECT_THREADS];
  unsigned thread_count;
  struct expect_module modules[EXPECT_MODULES];
  struct dbgksim_event event; /**< the last one */
  bool has_event, outstanding;
  NTSTATUS default_answer;
  char report[EXPECT_REPORT];
  size_t report_used;
};

/** An event with all that a pattern can ask for. */
struct expect_actual {
  const struct dbgksim_event *event;
  unsigned process, thread; /**< indices in order of appearance */
  char module[EXPECT_NAME]; /**< file name for process and DLL events */
  char place[EXPECT_TEXT];  /**< symbolized address of an exception */
  char text[EXPECT_TEXT];   /**< debug string without its last line end */
};

enum expect_answer { EXPECT_DEFAULT, EXPECT_CONTINUE, EXPECT_NOT_HANDLED, EXPECT_LATER, EXPECT_STOP };

/** One pattern, taken apart. */
struct expect_pattern {
  bool any_events; /**< "*" */
  enum dbgksim_event_code code;
  bool has_process, has_thread, has_number, has_chance, has_module, has_place, has_text;
  bool first_chance;
  unsigned process, thread;
  uint32_t number; /**< exception or exit code */
  char module[EXPECT_NAME];
  char place[EXPECT_TEXT];
  char text[EXPECT_TEXT];
  enum expect_answer answer;
};

/** Takes a pattern apart. NULL, or a static text that says what is wrong with it. */
const char *expect_parse(const char *text, struct expect_pattern *pattern);
/** True if an event is what the pattern says. */
bool expect_matches(const struct expect_pattern *pattern, const struct expect_actual *actual);
/** Writes an event in the words of a pattern. */
void expect_describe(const struct expect_actual *actual, char *out, size_t size);
/** Name of an event, "LOAD_DLL". */
const char *expect_event_name(enum dbgksim_event_code code);

#endif
