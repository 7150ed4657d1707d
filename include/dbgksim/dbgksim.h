/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file dbgksim.h  The public interface: machines, programs, debuggers, memory, threads, trace.
 *
 *  A machine runs only while a call of this interface waits (dbgksim_wait, dbgksim_run...). One host thread is inside a
 *  machine at a time; another gets DBGKSIM_BUSY. No call exits, aborts or prints. */
#ifndef DBGKSIM_DBGKSIM_H
#define DBGKSIM_DBGKSIM_H

#include <dbgksim/nttypes.h>
#include <dbgksim/trace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DBGKSIM_API __attribute__((visibility("default")))
#else
#define DBGKSIM_API
#endif

/** Version of this header. */
#define DBGKSIM_VERSION "0.1.0"

/** Result of every call. */
enum dbgksim_status {
  DBGKSIM_OK = 0,
  DBGKSIM_TIMEOUT,       /**< the wait's (virtual) time is over */
  DBGKSIM_DEADLOCK,      /**< nothing can run and no timer is due; dbgksim_report_waits says who waits for what */
  DBGKSIM_BUDGET,        /**< the block budget is used up; dbgksim_set_budget allows to go on */
  DBGKSIM_INTERRUPTED,   /**< dbgksim_interrupt */
  DBGKSIM_BUSY,          /**< another host thread is inside the machine */
  DBGKSIM_BAD_ARGUMENT,
  DBGKSIM_NO_MEMORY,
  DBGKSIM_NOT_FOUND,     /**< no such file, process, thread or module */
  DBGKSIM_BAD_IMAGE,     /**< not a program that can run; the message says why */
  DBGKSIM_NO_USERLAND,   /**< system DLLs are missing; the message says what to install */
  DBGKSIM_NO_ENGINE,     /**< the processor engine can not be used */
  DBGKSIM_NO_PROCESS,    /**< the debugger has no process left to wait for */
  DBGKSIM_NT_ERROR,      /**< a service failed; dbgksim_last_nt_status tells how */
  DBGKSIM_INTERNAL,      /**< an inconsistency inside; please report */
  DBGKSIM_KERNEL_DEBUGGER,/**< the machine stands still until dbgksim_kd_continue (dbgksim/kd.h) */
  DBGKSIM_BUGCHECK,      /**< the simulated kernel gave up (dbgksim/kernel.h); nothing runs in this machine any more */
  DBGKSIM_TRIPLE_FAULT   /**< the simulated processor shut down; nothing runs in this machine any more */
};

typedef struct dbgksim_machine dbgksim_machine;
typedef struct dbgksim_debugger dbgksim_debugger;

/** A host folder (or file) that programs see. */
struct dbgksim_root {
  const char *host;
  const char *guest; /**< DOS path, e.g. "C:\\data" */
  bool writable;
};

/** Receives what programs write: stream 1 standard output, 2 standard error. Never called on a simulated thread. */
typedef void dbgksim_output_fn(void *context, int stream, const void *bytes, size_t size);
/** Supplies standard input: copies up to `size` bytes, returns how many; 0 ends it. Never called on a simulated
 *  thread. */
typedef size_t dbgksim_input_fn(void *context, void *bytes, size_t size);
/** Receives trace records. Never called on a simulated thread. */
typedef void dbgksim_trace_fn(void *context, const struct dbgksim_trace_record *record);

/** How a machine is to be. Start from dbgksim_config_init. */
struct dbgksim_config {
  size_t size;              /**< sizeof(struct dbgksim_config), set by dbgksim_config_init */
  const char *userland;     /**< the system DLLs of programs (docs/userland.md): "auto" (default), "builtin", "hybrid",
                                 "wine", a host folder with ntdll.dll and its companions, or "none": no programs can
                                 run, only native threads */
  const struct dbgksim_root *roots; /**< further visible folders; the program's own folder is C:\app */
  unsigned root_count;
  bool app_writable;        /**< C:\app may be written */
  uint64_t seed;            /**< of everything random in the machine */
  bool random_schedule;     /**< seeded random scheduling instead of round robin */
  uint64_t block_budget;    /**< translated blocks the machine may execute; 0: no limit */
  uint64_t commit_limit;    /**< bytes of committed guest memory; 0: 2 GB */
  unsigned max_processes, max_threads, max_handles; /**< 0: defaults */
  uint64_t quantum_blocks;  /**< 0: default */
  dbgksim_output_fn *output; /**< NULL: output is dropped */
  dbgksim_input_fn *input;   /**< NULL: end of file */
  void *io_context;
  const char *era;          /**< "win10" (default), "win7" or "xp": where builds of the debug subsystem differ */
  const char *environment;  /**< further NAME=VALUE strings for programs, ended by an empty one; NULL: none */
  bool note_inputs;         /**< dbgksim_input_file tells what programs read or missed; costs a hash of each file */
  bool kernel_debugger;     /**< there is one, dbgksim/kd.h: programs can see it, and it is to be waited for */
  bool kd_ignore_user_exceptions; /**< it sees of programs what they say by debug services, and no exceptions */
  bool kd_stop_on_exception; /**< it sees every exception that no other debugger has, not only breakpoints, single steps
                                  and assertions */
  uint32_t kd_print_mask;    /**< levels of DbgPrint, a bit each, that pass for every component; 1 (default): errors */
  uint8_t memory_prefill;   /**< determinism test: what fresh stacks and pool memory start with */
};

/** Fills a configuration with defaults. */
DBGKSIM_API void dbgksim_config_init(struct dbgksim_config *config);
/** Version of the library, "0.1.0". */
DBGKSIM_API const char *dbgksim_version(void);
/** Name of a status, "DBGKSIM_OK". */
DBGKSIM_API const char *dbgksim_status_name(enum dbgksim_status status);
/** Name of an NTSTATUS, "STATUS_ACCESS_VIOLATION"; NULL if unknown. */
DBGKSIM_API const char *dbgksim_nt_status_name(NTSTATUS status);
/** The NTSTATUS of a name; false if unknown. */
DBGKSIM_API bool dbgksim_nt_status_value(const char *name, NTSTATUS *status);

/* ---- machines ---- */

/** Builds a machine. On failure *machine is NULL and dbgksim_message(NULL) has the reason (of the calling thread). */
DBGKSIM_API enum dbgksim_status dbgksim_machine_create(const struct dbgksim_config *config, dbgksim_machine **machine);
/** Destroys a machine with all its processes and debuggers; NULL is allowed. */
DBGKSIM_API void dbgksim_machine_destroy(dbgksim_machine *machine);
/** One line about the last failed call on this machine; valid until the next call. */
DBGKSIM_API const char *dbgksim_message(const dbgksim_machine *machine);
/** NTSTATUS of the last call that ended with DBGKSIM_NT_ERROR. */
DBGKSIM_API NTSTATUS dbgksim_last_nt_status(const dbgksim_machine *machine);
/** Ends the running wait soon with DBGKSIM_INTERRUPTED; the one call that any thread or signal handler may make. */
DBGKSIM_API void dbgksim_interrupt(dbgksim_machine *machine);
/** Allows `blocks` more blocks (0: no limit). */
DBGKSIM_API enum dbgksim_status dbgksim_set_budget(dbgksim_machine *machine, uint64_t blocks);
/** Virtual nanoseconds since start-up. */
DBGKSIM_API uint64_t dbgksim_time(dbgksim_machine *machine);
/** Who waits for what, one line per thread. */
DBGKSIM_API enum dbgksim_status dbgksim_report_waits(dbgksim_machine *machine, char *out, size_t size);

/* ---- snapshots ---- */

typedef struct dbgksim_snapshot dbgksim_snapshot;

/** Keeps the state of a machine: memory, threads wherever they are blocked, debuggers, the clock. Not kept: files of the
 *  host that programs write, what input was taken, subscriptions to the trace, memory of the caller that native threads
 *  use. Not from a native thread. */
DBGKSIM_API enum dbgksim_status dbgksim_snapshot_take(dbgksim_machine *machine, dbgksim_snapshot **snapshot);
/** Makes the machine what it was; as often as wanted, any snapshot of the machine in any order. It costs in proportion
 *  to what was written since, if this snapshot is the one taken or restored last. Debuggers and native threads made
 *  since are gone; their handles must not be used any more. */
DBGKSIM_API enum dbgksim_status dbgksim_snapshot_restore(dbgksim_snapshot *snapshot);
/** Forgets a snapshot, not the state; NULL is allowed. dbgksim_machine_destroy forgets those that are left. */
DBGKSIM_API void dbgksim_snapshot_drop(dbgksim_snapshot *snapshot);

/* ---- programs ---- */

/** A program to start. */
struct dbgksim_program {
  const char *path;        /**< host path of the PE file; its folder becomes C:\app. Or "sample:NAME": a program that
                                the library has in itself, C:\app\NAME.exe in a folder of all of them */
  const char *const *arguments; /**< NULL-terminated, without the program; may be NULL */
  const char *command_line; /**< instead of arguments: used as it is */
  const char *current_directory; /**< DOS path; NULL: C:\app */
  bool suspended;          /**< the first thread is created suspended */
  bool debug_children;     /**< DEBUG_PROCESS instead of DEBUG_ONLY_THIS_PROCESS */
};

/** A program to study that the library has in itself. */
struct dbgksim_sample {
  const char *name;   /**< dbgksim_program.path is "sample:" and this */
  const char *lesson; /**< what it shows, one sentence or two */
};
/** The samples in order of name; NULL behind the last. */
DBGKSIM_API const struct dbgksim_sample *dbgksim_sample_at(unsigned index);

/** Starts a program, under `debugger` unless that is NULL. */
DBGKSIM_API enum dbgksim_status dbgksim_spawn(dbgksim_machine *machine, const struct dbgksim_program *program,
                                              dbgksim_debugger *debugger, uint32_t *pid);
/** Runs until process `pid` has ended (0: all), at most `timeout_ns` of virtual time (negative: for ever). */
DBGKSIM_API enum dbgksim_status dbgksim_run(dbgksim_machine *machine, uint32_t pid, int64_t timeout_ns);
/** Exit status of a process that has ended; DBGKSIM_TIMEOUT while it lives. One that a program started is known as long
 *  as some handle keeps it, and for good if a debugger has read its EXIT_PROCESS; else DBGKSIM_NOT_FOUND. */
DBGKSIM_API enum dbgksim_status dbgksim_exit_code(dbgksim_machine *machine, uint32_t pid, NTSTATUS *code);
/** Name of the userland in use; "auto" as long as no program has decided. */
DBGKSIM_API const char *dbgksim_userland(const dbgksim_machine *machine);
/** With the userland "auto": decides now, by what the program at `path` imports, as dbgksim_spawn does for the first one.
 *  `why` receives one line like "hybrid: msvcrt.dll is not builtin". DBGKSIM_NO_USERLAND: Wine's DLLs are needed, and not
 *  installed; and what dbgksim_spawn returns for a file that is no program. */
DBGKSIM_API enum dbgksim_status dbgksim_choose_userland(dbgksim_machine *machine, const char *path, char *why,
                                                        size_t size);
/** Names what the program of a process, or a DLL of its folder, imports and what neither its folder nor the userland has,
 *  as "absent.dll, kernel32.dll!Foo, ntdll.dll!#5 (helper.dll)": why it ended with STATUS_DLL_NOT_FOUND,
 *  STATUS_ENTRYPOINT_NOT_FOUND or STATUS_ORDINAL_NOT_FOUND. DBGKSIM_NOT_FOUND: nothing. */
DBGKSIM_API enum dbgksim_status dbgksim_missing_imports(dbgksim_machine *machine, uint32_t pid, char *out, size_t size);
/** NtTerminateProcess from outside. */
DBGKSIM_API enum dbgksim_status dbgksim_terminate(dbgksim_machine *machine, uint32_t pid, NTSTATUS code);
/** Runs fn(argument) as a simulated thread of host code on a fiber (64 KB stack) in the caller's native process; it
 *  may call this interface. Returns its thread id. */
DBGKSIM_API enum dbgksim_status dbgksim_native_thread(dbgksim_machine *machine, void (*fn)(void *argument),
                                                      void *argument, uint32_t *tid);

/* ---- hard errors: what programs want to be shown to the user ---- */

/** An error of NtRaiseHardError, or an exception that neither its process nor an exception port's server handled. */
struct dbgksim_hard_error {
  uint32_t pid, tid;
  bool is_exception;            /**< then only the next field counts */
  EXCEPTION_RECORD64 exception;
  NTSTATUS status;
  HARDERROR_RESPONSE_OPTION options;
  unsigned parameter_count;
  uint64_t parameters[MAXIMUM_HARDERROR_PARAMETERS];
  char texts[MAXIMUM_HARDERROR_PARAMETERS][260]; /**< of parameters that are texts, UTF-8; else empty */
};
/** Answers one. An exception is handled by ResponseContinue, and ends its process by anything else. Never called on a
 *  simulated thread; it may not enter the machine. */
typedef HARDERROR_RESPONSE dbgksim_hard_error_fn(void *context, const struct dbgksim_hard_error *error);
/** Makes `fn` the server of the error port. Without it nobody is told of hard errors, and they return to their caller.
 *  It is called in calls that wait. Once in a machine, not from a native thread. */
DBGKSIM_API enum dbgksim_status dbgksim_serve_hard_errors(dbgksim_machine *machine, dbgksim_hard_error_fn *fn,
                                                          void *context);

/* ---- debuggers ---- */

/** Win32 codes of debug events (spec/4.2). */
enum dbgksim_event_code {
  DBGKSIM_EXCEPTION = 1,
  DBGKSIM_CREATE_THREAD = 2,
  DBGKSIM_CREATE_PROCESS = 3,
  DBGKSIM_EXIT_THREAD = 4,
  DBGKSIM_EXIT_PROCESS = 5,
  DBGKSIM_LOAD_DLL = 6,
  DBGKSIM_UNLOAD_DLL = 7,
  DBGKSIM_OUTPUT_DEBUG_STRING = 8,
  DBGKSIM_RIP = 9
};

/** One debug event, as NtWaitForDebugEvent gave it and as Win32 shows it. */
struct dbgksim_event {
  enum dbgksim_event_code code;
  uint32_t pid, tid;
  DBGUI_WAIT_STATE_CHANGE state; /**< handles in it belong to the debugger and are closed by dbgksim_continue */
  uint64_t teb;             /**< lpThreadLocalBase of create events */
  uint64_t start_address;   /**< lpStartAddress of create events */
  uint64_t base;            /**< lpBaseOfImage, lpBaseOfDll */
  uint64_t image_name;      /**< lpImageName: the address of a pointer, may be 0 */
  bool unicode;             /**< fUnicode; true for the wide form of a debug string, as WaitForDebugEventEx gives it */
  bool first_chance;        /**< exceptions */
  EXCEPTION_RECORD64 exception;
  uint64_t string_address;  /**< OUTPUT_DEBUG_STRING */
  uint32_t string_length;
  uint32_t exit_code;
  uint32_t rip_error, rip_type;
  bool has_file;            /**< hFile is not NULL */
  char file[260];           /**< final path of hFile, UTF-8; empty without one */
};

/** Makes a debugger: a debug object in the native process. */
DBGKSIM_API enum dbgksim_status dbgksim_debugger_create(dbgksim_machine *machine, bool kill_on_close,
                                                        dbgksim_debugger **debugger);
/** Closes the debug object (with kill-on-close its processes end); NULL is allowed. */
DBGKSIM_API void dbgksim_debugger_destroy(dbgksim_debugger *debugger);
/** Waits for the next event by the simulated NtWaitForDebugEvent; the machine runs meanwhile.
 *  @param timeout_ns  virtual; 0 polls, negative waits for ever */
DBGKSIM_API enum dbgksim_status dbgksim_wait(dbgksim_debugger *debugger, int64_t timeout_ns,
                                             struct dbgksim_event *event);
/** Continues an event by the simulated NtDebugContinue: DBG_CONTINUE, DBG_EXCEPTION_NOT_HANDLED, ... (spec/3.4). */
DBGKSIM_API enum dbgksim_status dbgksim_continue(dbgksim_debugger *debugger, const struct dbgksim_event *event,
                                                 NTSTATUS status);
/** Attaches to a process that runs already, as DebugActiveProcess does: events of its creation, its threads and its DLLs
 *  are made up, and each thread stays suspended until its own create event is continued. A debugger may have several
 *  processes; children of an attached process are not debugged.
 *  @param break_in  makes a thread that breaks in ntdll!DbgUiRemoteBreakin and exits; if that fails, nothing is attached
 *  @return DBGKSIM_NOT_FOUND; DBGKSIM_NT_ERROR with STATUS_PORT_ALREADY_SET (it has a debugger),
 *  STATUS_PROCESS_IS_TERMINATING, STATUS_ACCESS_DENIED (a native process), or why there is no break-in thread */
DBGKSIM_API enum dbgksim_status dbgksim_attach(dbgksim_debugger *debugger, uint32_t pid, bool break_in);
/** Leaves a process, as DebugActiveProcessStop does: its handles are closed, an event that is outstanding counts as not
 *  handled and can not be continued any more, and the process runs on without a debugger.
 *  @return DBGKSIM_NOT_FOUND; DBGKSIM_NT_ERROR with STATUS_PORT_NOT_SET if it is no process of this debugger */
DBGKSIM_API enum dbgksim_status dbgksim_detach(dbgksim_debugger *debugger, uint32_t pid);
/** Says whether the debugger's processes end with it (STATUS_DEBUGGER_INACTIVE), as DebugSetProcessKillOnExit does. */
DBGKSIM_API enum dbgksim_status dbgksim_set_kill_on_close(dbgksim_debugger *debugger, bool kill_on_close);
/** Handle of the debug object in the native process, for direct use of services. */
DBGKSIM_API HANDLE dbgksim_debug_object(const dbgksim_debugger *debugger);
/** Processes of this debugger that have not reported their exit. */
DBGKSIM_API unsigned dbgksim_live_processes(const dbgksim_debugger *debugger);
/** The machine of a debugger. */
DBGKSIM_API dbgksim_machine *dbgksim_debugger_machine(const dbgksim_debugger *debugger);

/* ---- memory, threads, modules ---- */

/** Reads guest memory. *done (may be NULL) receives the bytes read before the first bad page. */
DBGKSIM_API enum dbgksim_status dbgksim_read_memory(dbgksim_machine *machine, uint32_t pid, uint64_t address,
                                                    void *buffer, size_t size, size_t *done);
/** Writes guest memory as WriteProcessMemory does: breakpoints take effect at once. */
DBGKSIM_API enum dbgksim_status dbgksim_write_memory(dbgksim_machine *machine, uint32_t pid, uint64_t address,
                                                     const void *buffer, size_t size, size_t *done);
/** Gets or sets what context->ContextFlags names. */
DBGKSIM_API enum dbgksim_status dbgksim_get_context(dbgksim_machine *machine, uint32_t tid, CONTEXT *context);
DBGKSIM_API enum dbgksim_status dbgksim_set_context(dbgksim_machine *machine, uint32_t tid, const CONTEXT *context);
/** Suspends or resumes a thread; *previous (may be NULL) receives the previous suspend count. */
DBGKSIM_API enum dbgksim_status dbgksim_suspend_thread(dbgksim_machine *machine, uint32_t tid, uint32_t *previous);
DBGKSIM_API enum dbgksim_status dbgksim_resume_thread(dbgksim_machine *machine, uint32_t tid, uint32_t *previous);
/** Ids of live processes (without native ones), or of live threads of a process, in order of creation; *count in: room,
 *  out: how many. */
DBGKSIM_API enum dbgksim_status dbgksim_list_processes(dbgksim_machine *machine, uint32_t *pids, size_t *count);
DBGKSIM_API enum dbgksim_status dbgksim_list_threads(dbgksim_machine *machine, uint32_t pid, uint32_t *tids,
                                                     size_t *count);

/** A mapped image. */
struct dbgksim_module {
  uint64_t base, size;
  char name[64];  /**< file name */
  char path[260]; /**< DOS path */
};
/** Mapped images of a process, ascending by base; *count in: room, out: how many. */
DBGKSIM_API enum dbgksim_status dbgksim_list_modules(dbgksim_machine *machine, uint32_t pid,
                                                     struct dbgksim_module *modules, size_t *count);
/** Writes "module!symbol+0x12", "module+0x1234" or "0x..." for an address. */
DBGKSIM_API enum dbgksim_status dbgksim_symbolize(dbgksim_machine *machine, uint32_t pid, uint64_t address, char *out,
                                                  size_t size);
/** Writes the text of the instruction at `address`; *length (may be NULL) receives its size. */
DBGKSIM_API enum dbgksim_status dbgksim_disassemble(dbgksim_machine *machine, uint32_t pid, uint64_t address, char *out,
                                                    size_t size, unsigned *length);

/* ---- trace ---- */

/** Subscribes to records of the kinds in `mask` (DBGKSIM_TRACE_BIT); they come in order, when a call leaves the machine.
 *  Mask 0 unsubscribes. At most 8 subscribers. */
DBGKSIM_API enum dbgksim_status dbgksim_trace_subscribe(dbgksim_machine *machine, uint64_t mask, dbgksim_trace_fn *fn,
                                                        void *context);
/** Name of a kind, "DISPATCH". */
DBGKSIM_API const char *dbgksim_trace_kind_name(enum dbgksim_trace_kind kind);

/* ---- what a run depends on ---- */

/** A file that was read, or one that was looked for in vain. */
struct dbgksim_file {
  const char *path;   /**< DOS path, "C:\\windows\\system32\\ntdll.dll"; valid until the next call */
  bool existed;       /**< when it was looked for first; else the rest is 0 */
  bool known;         /**< size and sha256 are; not of directories and of what can not be read */
  uint64_t size;
  uint8_t sha256[32]; /**< of what it held when it was read first */
};
/** What the machine and its programs have read or missed so far, numbered from 0 in order of first use; files that they
 *  made or changed before anybody read them are left out. The configuration must ask for it (note_inputs).
 *  DBGKSIM_NOT_FOUND behind the last. */
DBGKSIM_API enum dbgksim_status dbgksim_input_file(dbgksim_machine *machine, unsigned number,
                                                   struct dbgksim_file *file);
/** Size and hash of what a file holds now. The path is one that programs use; with machine NULL, one of the host.
 *  DBGKSIM_NOT_FOUND: it is not there. */
DBGKSIM_API enum dbgksim_status dbgksim_hash_file(dbgksim_machine *machine, const char *path,
                                                  struct dbgksim_file *file);
/** Digest of every switch between threads so far, and of its time: equal in runs with one schedule. */
DBGKSIM_API uint64_t dbgksim_schedule_digest(dbgksim_machine *machine);
/** A place in a run. */
struct dbgksim_point {
  uint64_t blocks; /**< translated blocks executed so far */
  uint64_t checks; /**< looks at what dbgksim_interrupt sets, so far */
};
/** Where the run is: after DBGKSIM_INTERRUPTED, where it was interrupted. */
DBGKSIM_API enum dbgksim_status dbgksim_get_point(dbgksim_machine *machine, struct dbgksim_point *point);
/** Interrupts a run with the same inputs at the same place. */
DBGKSIM_API enum dbgksim_status dbgksim_interrupt_at(dbgksim_machine *machine, const struct dbgksim_point *point);

/* ---- the host's parts ---- */

/** Version of the processor engine, "2.0.1". */
DBGKSIM_API const char *dbgksim_engine_version(void);

/** Versions found, engine calibration, userland found or what to install: several lines. True if programs can run. */
DBGKSIM_API bool dbgksim_doctor(const char *userland, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
