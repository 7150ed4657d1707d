/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file explore.h  Schedule exploration: one scenario of threads under many schedules, with what must hold checked
 *  after each (docs/exploration.md).
 *
 *  A scenario is a few processes whose threads are C functions. They have no user memory, but for the kernel they are
 *  processes like any, and what they call are its services. Each schedule starts from the state that `setup` left. */
#ifndef DBGKSIM_EXPLORE_H
#define DBGKSIM_EXPLORE_H

#include <dbgksim/dbgksim.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dbgksim_explorer dbgksim_explorer;

/** How the kernel guards the pointer from a process to its debug object (docs/why-two-locks.md). */
enum dbgksim_locking {
  DBGKSIM_BOTH_LOCKS,          /**< as Windows: DbgkpProcessDebugPortMutex, and inside it the object's Mutex */
  DBGKSIM_OBJECT_MUTEX,        /**< the object's Mutex alone */
  DBGKSIM_OBJECT_MUTEX_RECHECK /**< likewise, and the sender reads DebugPort again under it */
};

/** What may be found. */
enum dbgksim_finding_kind {
  DBGKSIM_FINDING_ASLEEP,   /**< threads sleep for ever */
  DBGKSIM_FINDING_FREED,    /**< memory was used that had been freed */
  DBGKSIM_FINDING_LATE,     /**< an event was queued or delivered after its process was detached */
  DBGKSIM_FINDING_LOST,     /**< an event was not delivered though the debugger was there */
  DBGKSIM_FINDING_TWICE,    /**< an event was delivered twice */
  DBGKSIM_FINDING_ORDER,    /**< events came in an order that may not be */
  DBGKSIM_FINDING_COUNTS,   /**< at the end something was left: objects, handles, references, locks, suspensions */
  DBGKSIM_FINDING_CHECK,    /**< the scenario's own check failed */
  DBGKSIM_FINDING_INTERNAL, /**< the kernel found an inconsistency of its own */
  DBGKSIM_FINDING_KINDS
};

/** A scenario. State that its functions change lies in the block that they are given: memory of their own is not put
 *  back between schedules. */
struct dbgksim_scenario {
  const char *name;    /**< short, of letters and '-' */
  const char *summary; /**< one line */
  size_t state_size;   /**< bytes of state; zeroed before setup */
  /** Makes processes and threads. It runs once, on the caller's stack. */
  void (*setup)(dbgksim_explorer *explorer, void *state);
  /** Called when all threads have ended; NULL: nothing to check. It may use dbgksim_explore_fail,
   *  dbgksim_explore_ended and dbgksim_explore_exit_status. */
  void (*check)(dbgksim_explorer *explorer, void *state);
};

enum dbgksim_explore_mode {
  DBGKSIM_EXPLORE_SYSTEMATIC, /**< all schedules with at most `preemptions` preemptions, depth first */
  DBGKSIM_EXPLORE_RANDOM,     /**< `schedules` seeded random ones */
  DBGKSIM_EXPLORE_REPLAY      /**< the one of `replay` */
};

/** What to explore. Start from dbgksim_explore_options_init. */
struct dbgksim_explore_options {
  size_t size;                    /**< set by dbgksim_explore_options_init */
  enum dbgksim_explore_mode mode;
  unsigned preemptions;           /**< bound of a systematic exploration */
  uint64_t schedules;             /**< most schedules to run; 0: no limit (systematic), 1000 (random) */
  uint64_t seed;                  /**< of random schedules */
  const char *replay;             /**< replay string */
  bool stop_at_first;             /**< end with the first finding */
  enum dbgksim_locking locking;
  bool plant;                     /**< plants a lost wake-up in DbgkpQueueMessage, to see that it is found */
  bool steps;                     /**< the text of a replayed schedule even if it finds nothing */
  const struct dbgksim_config *machine; /**< NULL: defaults, without userland */
  /** NULL, or called now and then; returning false ends the exploration. */
  bool (*progress)(void *context, uint64_t schedules, uint64_t findings);
  void *progress_context;
};

/** What was found of one kind. */
struct dbgksim_finding {
  uint64_t schedules;   /**< that found it; 0: not found */
  unsigned preemptions; /**< of the shortest */
  size_t choices;       /**< of the shortest */
  char replay[512];     /**< of the shortest */
  char what[256];       /**< one line */
  char *steps;          /**< the shortest schedule, step by step; NULL if there is no memory for it */
};

struct dbgksim_explore_result {
  uint64_t schedules;    /**< run */
  bool complete;         /**< the whole space was run (systematic) */
  uint64_t choices;      /**< in all schedules */
  size_t most_choices;   /**< of one schedule */
  unsigned most_preemptions;
  uint64_t found;        /**< schedules with a finding */
  struct dbgksim_finding findings[DBGKSIM_FINDING_KINDS]; /**< by kind */
  char *steps;           /**< of a replayed schedule, if it was asked for */
};

/** Fills options with defaults: systematic, one preemption. */
DBGKSIM_API void dbgksim_explore_options_init(struct dbgksim_explore_options *options);
/** Explores. The result is valid after DBGKSIM_OK, and given back with dbgksim_explore_free.
 *  @return DBGKSIM_BAD_ARGUMENT, also for a bad replay string; dbgksim_message(NULL) has the reason of every failure */
DBGKSIM_API enum dbgksim_status dbgksim_explore(const struct dbgksim_scenario *scenario,
                                                const struct dbgksim_explore_options *options,
                                                struct dbgksim_explore_result *result);
/** Frees what a result holds. */
DBGKSIM_API void dbgksim_explore_free(struct dbgksim_explore_result *result);
/** The scenarios that come with the library, *count of them. */
DBGKSIM_API const struct dbgksim_scenario *dbgksim_explore_scenarios(size_t *count);
/** Name of a kind, "asleep". */
DBGKSIM_API const char *dbgksim_finding_name(enum dbgksim_finding_kind kind);

/* ---- for scenarios: setting the stage ---- */

typedef void dbgksim_explore_body(dbgksim_explorer *explorer, void *state);

/** Makes a process; its number. At most 8. The name is kept by reference. */
DBGKSIM_API unsigned dbgksim_explore_process(dbgksim_explorer *explorer, const char *name);
/** Takes a process that runs already (dbgksim_spawn) on the stage. */
DBGKSIM_API unsigned dbgksim_explore_spawned(dbgksim_explorer *explorer, const char *name, uint32_t pid);
/** Makes a thread in a process of dbgksim_explore_process; its number. At most 16. It tells a debugger of its start,
 *  runs body, and exits when that returns. Also from bodies. */
DBGKSIM_API unsigned dbgksim_explore_thread(dbgksim_explorer *explorer, unsigned process, const char *name,
                                            dbgksim_explore_body *body);
/** In setup: lets the threads run until each has ended, sleeps, or is in dbgksim_explore_begin. Schedules start
 *  there. */
DBGKSIM_API void dbgksim_explore_settle(dbgksim_explorer *explorer);
/** The machine, for setup. */
DBGKSIM_API dbgksim_machine *dbgksim_explore_machine(dbgksim_explorer *explorer);

/* ---- for scenarios: what bodies do ---- */

/** What comes before it happens in setup (dbgksim_explore_settle), what comes after it in each schedule. */
DBGKSIM_API void dbgksim_explore_begin(dbgksim_explorer *explorer);
/** NtCreateDebugObject in the running process; 0 if it fails. */
DBGKSIM_API HANDLE dbgksim_explore_debug_object(dbgksim_explorer *explorer, bool kill_on_close);
/** What the creation of a process under a debugger does: the object becomes the debug port of a process that has no
 *  threads yet. STATUS_INVALID_HANDLE. */
DBGKSIM_API NTSTATUS dbgksim_explore_debug(dbgksim_explorer *explorer, HANDLE object, unsigned process);
/** NtDebugActiveProcess. */
DBGKSIM_API NTSTATUS dbgksim_explore_attach(dbgksim_explorer *explorer, HANDLE object, unsigned process);
/** NtRemoveProcessDebug. */
DBGKSIM_API NTSTATUS dbgksim_explore_detach(dbgksim_explorer *explorer, HANDLE object, unsigned process);
/** NtWaitForDebugEvent; closes the handles of the event. The event is checked against the order rules.
 *  @param timeout  virtual, 100 ns units; 0 polls, negative waits for ever. It passes when nobody can run. */
DBGKSIM_API NTSTATUS dbgksim_explore_wait(dbgksim_explorer *explorer, HANDLE object, int64_t timeout,
                                          DBGUI_WAIT_STATE_CHANGE *change);
/** NtDebugContinue. */
DBGKSIM_API NTSTATUS dbgksim_explore_continue(dbgksim_explorer *explorer, HANDLE object,
                                              const DBGUI_WAIT_STATE_CHANGE *change, NTSTATUS status);
/** NtClose. */
DBGKSIM_API NTSTATUS dbgksim_explore_close(dbgksim_explorer *explorer, HANDLE handle);
/** NtWaitForSingleObject on a process's end, for ever. */
DBGKSIM_API NTSTATUS dbgksim_explore_wait_process(dbgksim_explorer *explorer, unsigned process);
/** NtWaitForMultipleObjects: until the debug object has events or the process has ended. An attach to a process that is
 *  about to end may succeed without an event ever coming. */
DBGKSIM_API NTSTATUS dbgksim_explore_wait_events_or_end(dbgksim_explorer *explorer, HANDLE object, unsigned process);
/** NtQueryInformationProcess, ProcessDebugObjectHandle: a new handle, 0 if it fails. */
DBGKSIM_API NTSTATUS dbgksim_explore_query_object(dbgksim_explorer *explorer, unsigned process, HANDLE *object);
/** NtTerminateProcess; the running process's own too. */
DBGKSIM_API NTSTATUS dbgksim_explore_terminate(dbgksim_explorer *explorer, unsigned process, NTSTATUS status);
/** Exit status of a process; STATUS_PENDING while it lives. */
DBGKSIM_API NTSTATUS dbgksim_explore_exit_status(dbgksim_explorer *explorer, unsigned process);
/** Whether a process has ended. */
DBGKSIM_API bool dbgksim_explore_ended(dbgksim_explorer *explorer, unsigned process);
/** DbgkForwardException, first chance. True: the debugger handled it. */
DBGKSIM_API bool dbgksim_explore_raise(dbgksim_explorer *explorer, NTSTATUS code);
/** DbgkMapViewOfSection, as after an image was mapped. */
DBGKSIM_API void dbgksim_explore_load_image(dbgksim_explorer *explorer);
/** A finding of the scenario's own; the first one of a schedule counts. */
DBGKSIM_API void dbgksim_explore_fail(dbgksim_explorer *explorer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif
#endif
