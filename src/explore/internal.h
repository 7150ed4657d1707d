/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file internal.h  An exploration, and the stage that its schedules start from. */
#ifndef EXPLORE_INTERNAL_H
#define EXPLORE_INTERNAL_H

#include "dbgk/internal.h"
#include "machine/machine.h"
#include "ntos/ke/policy.h"

#include <dbgksim/explore.h>

#define EXPLORE_MAX_PROCESSES 8u
#define EXPLORE_MAX_THREADS 16u
#define EXPLORE_MAX_OBJECTS 4u
#define EXPLORE_MAX_EVENTS 64u
/** Choices of a schedule that are noted; later ones take their defaults. */
#define EXPLORE_MAX_CHOICES 65536u
/** Freed blocks of a schedule that are known. */
#define EXPLORE_FREED_BLOCKS 512u
/** Object types that are counted. */
#define EXPLORE_MAX_TYPES 64u

struct stage_thread {
  const char *name;
  unsigned process;
  dbgksim_explore_body *body;
  struct explore_stage *stage;
  ETHREAD *thread; /**< referenced */
};

struct stage_process {
  const char *name;
  EPROCESS *process; /**< referenced */
  HANDLE handles[EXPLORE_MAX_PROCESSES]; /**< in its table: to the processes of the stage, open from the start */
};

/** A debug object that a body made: known by its address, without a reference, so that it dies when it would. */
struct stage_object {
  DEBUG_OBJECT *object;
};

/** What a debugger was told of a thread, or (thread_id 0) of a process. */
struct stage_told {
  const DEBUG_OBJECT *object;
  HANDLE process_id, thread_id;
  HANDLE first;     /**< of processes: the thread of CREATE_PROCESS */
  bool created, ended;
  bool attached;    /**< of processes */
  bool detached;    /**< of processes: a detach has returned */
  bool outstanding; /**< of processes: an event is read and not continued */
};

/** Everything that changes during a schedule, in the machine's pool. */
struct explore_stage {
  dbgksim_explorer *explorer;
  struct stage_process processes[EXPLORE_MAX_PROCESSES];
  struct stage_thread threads[EXPLORE_MAX_THREADS];
  struct stage_object objects[EXPLORE_MAX_OBJECTS];
  struct stage_told told[EXPLORE_MAX_EVENTS];
  unsigned process_count, thread_count, object_count, told_count;
  ULONG64 raised;        /**< serial number of the last exception */
  ULONG64 delivered;     /**< bit set of delivered serial numbers below 64 */
  ULONG64 changes;       /**< beginnings and ends of what changes who debugs whom */
  unsigned changing;     /**< such services under way */
  SECTION *section;      /**< what processes are made of */
  void *state;           /**< the scenario's */
};

/** What a machine holds. */
struct explore_stock {
  unsigned types;
  ULONG objects[EXPLORE_MAX_TYPES], handles[EXPLORE_MAX_TYPES];
};

/** One noted step of a schedule. */
struct explore_note {
  KTHREAD *thread;
  enum ke_choice_point point;
  const char *place;   /**< routine; for a text note the text */
  const void *object;
  size_t choice;       /**< number that the policy gave it if it was asked, from 0 */
  bool is_text;
};

struct dbgksim_explorer {
  const struct dbgksim_scenario *scenario;
  struct dbgksim_explore_options options;
  struct dbgksim_explore_result *result;
  dbgksim_machine *machine;
  dbgksim_snapshot *snapshot;
  struct explore_stage *stage;
  bool has_programs;          /**< the machine has a userland */
  struct explore_stock stock; /**< before the stage was set */
  struct ke_schedule schedule;
  struct {
    struct ke_step *steps;
    size_t count;
  } best[DBGKSIM_FINDING_KINDS];
  /* of the schedule being run */
  unsigned found; /**< bit set of kinds */
  char what[DBGKSIM_FINDING_KINDS][256];
  bool noting;
  struct explore_note *notes;
  size_t note_count, note_capacity;
};

/* ---- stage.c ---- */

/** Makes the stage and lets the scenario set it. False: no memory, or the setup failed. */
bool explore_set_stage(dbgksim_explorer *x);
/** Drops what the stage holds. */
void explore_clear_stage(dbgksim_explorer *x);
/** Notes a finding of the running schedule; the first one of a kind counts. */
void explore_found(dbgksim_explorer *x, enum dbgksim_finding_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** Name of a participant, "?" if it is none. */
const char *explore_thread_name(const struct explore_stage *stage, const KTHREAD *thread);
/** The debug object behind a handle of the running process, without a reference; NULL: it is none. */
DEBUG_OBJECT *explore_object_of(HANDLE handle);

/* ---- watch.c: what must hold ---- */

/** A debugger has read an event. */
void watch_read(struct explore_stage *stage, const DEBUG_OBJECT *object, const DBGUI_WAIT_STATE_CHANGE *change);
/** It is continued. With DBG_REPLY_LATER it may come again. */
void watch_continued(struct explore_stage *stage, const DEBUG_OBJECT *object, const DBGUI_WAIT_STATE_CHANGE *change,
                     NTSTATUS status);
/** A process was attached, or detached. */
void watch_attached(struct explore_stage *stage, const DEBUG_OBJECT *object, HANDLE process_id);
void watch_detached(struct explore_stage *stage, const DEBUG_OBJECT *object, HANDLE process_id);
/** No event may wait in an object that is not its process's. */
void watch_queues(struct explore_stage *stage);
/** No process may be debugged by an object whose last handle is gone. */
void watch_ports(struct explore_stage *stage);
/** What the machine holds now. */
void watch_take_stock(struct explore_stock *stock);
/** The schedule has come to its end: all threads have ended, or sleep. */
void watch_end(struct explore_stage *stage, bool asleep);
/** The stage is cleared: nothing may be left. */
void watch_nothing_left(struct explore_stage *stage, const struct explore_stock *before);

/* ---- report.c ---- */

/** Notes a step while steps are noted. */
void explore_note(dbgksim_explorer *x, enum ke_choice_point point, KTHREAD *thread, const char *place,
                  const void *object, bool is_text);
/** The noted steps as text, malloc'ed; NULL: no memory. Called before the stage is gone. */
char *explore_steps_text(dbgksim_explorer *x);

#endif
