/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file view.h  What the formats of a trace share: who is who, which files lie where, and the formats themselves. */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include "cli/json.h"
#include "cli/session.h"

#include <dbgksim/kd.h>

/** A mapped file, as its events told it. */
struct view_module {
  uint64_t base, size;
  char name[64];
};

struct view_process {
  uint32_t pid;
  bool broke; /**< the first breakpoint was seen */
  struct view_module *modules;
  size_t module_count, module_room;
};

/** Probe points of one trap before its dispatch; a gate that faults adds more. */
#define VIEW_HELD 8

/** A trace being shown. */
struct view {
  struct session *session;
  FILE *out;
  struct view_process *processes; /**< in order of appearance */
  size_t process_count;
  uint32_t *threads; /**< ids in order of appearance */
  size_t thread_count;
  uint64_t events;
  bool no_memory;
  struct dbgksim_trace_record *pending; /**< probe records not shown yet, in order */
  size_t pending_count, pending_room;
  struct dbgksim_trace_record held[VIEW_HELD]; /**< of a trap that may be resolved without an exception */
  size_t held_count;
  bool stopped;        /**< by the replay: the run ends here */
  uint32_t last_probe; /**< kind of the last record explained */
};

/** An event, and all that the formats say of it. */
struct view_event {
  const struct dbgksim_event *event;
  struct view_process *process;
  size_t process_index, thread_index;
  uint64_t nanoseconds;
  char file[64]; /**< last component of the file's path, "<nofile>" */
  bool initial;  /**< the process's first breakpoint */
  NTSTATUS answer;
  bool has_context;
  CONTEXT context; /**< control, integer and debug registers, for exceptions */
};

/** An event of the kernel debugger, and how it is answered. */
struct view_kd {
  const struct dbgksim_kd_event *event;
  const struct dbgksim_kd_answer *answer;
  size_t process_index, thread_index;
  uint64_t nanoseconds;
};

/** What the tracer did to a process, between its events. */
enum view_act {
  VIEW_ATTACHED,
  VIEW_DETACHED,
  VIEW_ENDED /**< after a detach */
};

/** One format. Any function may be NULL. */
struct format {
  void (*begin)(struct view *view);
  void (*event)(struct view *view, const struct view_event *event);
  void (*kd)(struct view *view, const struct view_kd *kd);
  void (*act)(struct view *view, enum view_act act, uint32_t pid, uint32_t exit_code);
  void (*probe)(struct view *view, const struct dbgksim_trace_record *record);
  void (*end)(struct view *view, enum dbgksim_status reason);
};
extern const struct format format_text, format_lines, format_jsonl;

/* Of the kernel debugger's events, in format_kd.c. */
void kd_text(struct view *view, const struct view_kd *kd);
void kd_lines(struct view *view, const struct view_kd *kd);
void kd_jsonl(struct view *view, const struct view_kd *kd);

/** Members of a JSON Lines record, without its end; recordings consist of the same. */
void jsonl_event(struct view *view, struct json *json, const struct view_event *event);
void jsonl_act(struct view *view, struct json *json, enum view_act act, uint32_t pid, uint32_t exit_code);
void jsonl_end(struct view *view, struct json *json, enum dbgksim_status reason);

/** Fills *out for an event and notes what it says about processes, threads and modules. False: no memory. */
bool view_inspect(struct view *view, const struct dbgksim_event *event, struct view_event *out);
/** Fills the indices and the time of a kernel debugger's event. False: no memory. */
bool view_inspect_kd(struct view *view, struct view_kd *kd);
/** Writes a text in quotes, control characters and quotes escaped. */
void view_quote(FILE *out, const char *text);
/** Forgets a module after its UNLOAD_DLL was shown. */
void view_unload(struct view_process *process, uint64_t base);
/** Name of the module at `base`, NULL if none was told. */
const char *view_module_name(const struct view_process *process, uint64_t base);
/** Reads a debug string as UTF-8 (8-bit text as it is); at most size - 1 bytes. Returns its length. */
size_t view_string(struct view *view, const struct dbgksim_event *event, char *out, size_t size);
/** Reads the name that a LOAD_DLL points to as UTF-8; false if it leads to none. */
bool view_image_name(struct view *view, const struct dbgksim_event *event, char *out, size_t size);
/** Name of an event, "LOAD_DLL". */
const char *view_event_name(enum dbgksim_event_code code);
/** Name of a status, or its number in hexadecimal written to `number`. */
const char *view_status(NTSTATUS status, char number[16]);
/** "module!symbol+0x12" in a buffer of the caller. */
const char *view_place(struct view *view, uint32_t pid, uint64_t address, char *out, size_t size);
/** UTF-16 to UTF-8, up to a NUL; what does not fit is left out. Returns the length. */
size_t view_utf8(const uint16_t *text, size_t characters, char *out, size_t size);
/** Frees what a view holds. */
void view_free(struct view *view);

/** Shows a probe record of a trap as one indented line (--explain). */
void explain_record(struct view *view, const struct dbgksim_trace_record *record);
/** The probe points that --explain shows: the kernel's remarks, and all from the trap to the end. Those of program
 *  output tell where it comes between them. */
#define EXPLAIN_MASK ((DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_TERMINATE + 1) - 1) | DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_OUTPUT))

#endif
