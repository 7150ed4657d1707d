/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file kit.h  A program whose system calls a test makes, under a service monitor. */
#ifndef TESTS_STRACE_KIT_H
#define TESTS_STRACE_KIT_H

#include <check.h>
#include <dbgksim/monitor.h>

/** The program's memory: 8 pages to read and write, one that is not there, one read-only, a guard page. */
#define KIT_MEMORY 0x20000000ull
#define KIT_MEMORY_END (KIT_MEMORY + 0x8000)
#define KIT_READ_ONLY (KIT_MEMORY + 0x9000)
#define KIT_GUARD (KIT_MEMORY + 0xA000)
/** Where calls have their stack; the arguments from the fifth on lie above. */
#define KIT_STACK (KIT_MEMORY + 0x7000)
#define KIT_UNREADABLE 0x1000ull

struct kit {
  dbgksim_machine *machine;
  dbgksim_debugger *debugger;
  dbgksim_monitor *monitor;
  uint32_t pid, tid;
  struct dbgksim_event event; /**< outstanding, of the program's int3 */
  CONTEXT context;            /**< of its thread there; Rip at the syscall */
  unsigned entered, left;     /**< calls that the monitor saw */
  char argument[DBGKSIM_SERVICE_TEXT];
  char line[20000];           /**< the last call that ended: "NtClose(0x10) = STATUS_SUCCESS" */
  NTSTATUS status;            /**< of that */
};

/** A machine, the program at its first int3, all services bound to numbers, a monitor. */
void kit_open(struct kit *kit);
void kit_close(struct kit *kit);
/** Starts a new program if the old one has ended, or can not go on. */
void kit_restart(struct kit *kit);
/** Makes a call; false if the program did not come back from it (it ended, or waits). */
bool kit_try(struct kit *kit, const char *name, unsigned count, const uint64_t *arguments);
/** Makes a call that comes back; its line. */
const char *kit_call(struct kit *kit, const char *name, unsigned count, const uint64_t *arguments);
#define CALL(kit, name, ...)                                                                                           \
  kit_call(kit, name, sizeof((const uint64_t[]){__VA_ARGS__}) / 8, (const uint64_t[]){__VA_ARGS__})
/** Writes and reads the program's memory. */
void kit_write(struct kit *kit, uint64_t address, const void *bytes, size_t size);
void kit_write64(struct kit *kit, uint64_t address, uint64_t value);
uint64_t kit_read64(struct kit *kit, uint64_t address);
/** Writes a UNICODE_STRING and, behind it, its text. */
void kit_write_string(struct kit *kit, uint64_t address, const char *ascii);
/** Writes OBJECT_ATTRIBUTES with a name behind them. */
void kit_write_attributes(struct kit *kit, uint64_t address, const char *name, uint64_t root, uint32_t attributes);
/** True if the last call left its line like this; * stands for anything. */
bool kit_like(const char *line, const char *pattern);
#define ck_line(line, pattern)                                                                                         \
  do {                                                                                                                 \
    const char *ck_text = (line);                                                                                      \
    ck_assert_msg(kit_like(ck_text, pattern), "%s\n  is not like\n%s", ck_text, pattern);                              \
  } while (0)
#define ck_api(call, expected)                                                                                         \
  do {                                                                                                                 \
    enum dbgksim_status ck_status = (call);                                                                            \
    ck_assert_msg(ck_status == (expected), "%s: %s instead of %s", #call, dbgksim_status_name(ck_status), #expected);  \
  } while (0)

#endif
