/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file machine.h  The composition root: builds a machine and registers everything with everything. */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "base/pool.h"
#include "ntos/ke/ke.h"
#include "ntos/ke/trace.h"
#include "ntos/life/life.h"

#include <dbgksim/dbgksim.h>

struct machine_sink {
  dbgksim_trace_fn *fn;
  void *context;
  uint64_t mask;
};
#define MACHINE_MAX_SINKS 8

/** Output of guests that waits to be handed to the user's callback outside the fibers; in the pool. */
struct machine_output {
  char *bytes;   /**< pieces: struct machine_piece, then its bytes */
  size_t used, size;
};
struct machine_piece {
  uint32_t stream, size;
};
/** Input that a guest waits for until the host has fetched it. */
struct machine_input {
  FAST_MUTEX lock; /**< one guest at a time */
  KEVENT done;
  void *bytes;
  size_t size, moved;
  bool wanted;
};
/** A call that a native thread on a fiber has made on the host's stack. */
struct machine_call {
  FAST_MUTEX lock; /**< one at a time */
  KEVENT done;
  void (*fn)(void *argument); /**< NULL: none is wanted */
  void *argument;
};
/** Output that is kept before the host is woken to take it. */
#define MACHINE_OUTPUT_LIMIT 0x10000u

/** Lies in the machine's own pool, like everything that changes while it runs. */
struct dbgksim_machine {
  KPCR pcr;
  pool *pool;
  ETHREAD boot_thread;    /**< current until ps has made the host's */
  EPROCESS *host_process; /**< the API's caller as a native process */
  ETHREAD *host_thread;
  volatile int stop_flag;
  bool inside;            /**< a host thread is inside; atomic */
  bool initialized[8];    /**< what has to be shut down */
  KPCR *outer_pcr;        /**< what ki_current_pcr was before machine_enter */
  dbgksim_output_fn *output_fn;
  dbgksim_input_fn *input_fn;
  void *io_context;
  bool app_writable;
  bool running_programs;  /**< in dbgksim_run: output is handed over as it comes */
  const char *userland;   /**< pool; the name in use; "auto": it waits for the first program */
  char *environment;      /**< pool; extra NAME=VALUE strings */
  char *app_folder;       /**< pool; host folder that is C:\app */
  struct machine_sink sinks[MACHINE_MAX_SINKS];
  struct dbgksim_snapshot *snapshots; /**< those that live; malloc'ed */
  struct machine_output output;
  struct machine_input input;
  struct machine_call call;
  dbgksim_hard_error_fn *hard_error_fn;
  void *hard_error_context;
  HANDLE hard_error_port; /**< 0: the host does not serve hard errors */
  NTSTATUS last_nt_status;
  char message[512];      /**< text of the last failure */
  struct machine_process *processes; /**< spawned, or followed to their end */
  size_t process_count, process_capacity;
};
struct machine_process {
  uint32_t pid;
  EPROCESS *process;    /**< spawned: referenced, so that its object stays; else NULL */
  NTSTATUS exit_status; /**< of one without a kept object */
};

/** Enters a machine: the caller's stack becomes its host thread's. DBGKSIM_BUSY if another thread is inside. */
enum dbgksim_status machine_enter(struct dbgksim_machine *m);
/** Leaves: hands output and trace records to their sinks, on the caller's stack. */
void machine_leave(struct dbgksim_machine *m);
/** Notes a failure's text and returns `status`. */
enum dbgksim_status machine_fail(struct dbgksim_machine *m, enum dbgksim_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** Turns an NTSTATUS into a public status; the text names what was tried. */
enum dbgksim_status machine_nt(struct dbgksim_machine *m, NTSTATUS status, const char *what);
/** Notes why no machine could be made (of the calling thread; dbgksim_message(NULL)). */
enum dbgksim_status machine_create_failed(enum dbgksim_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** Hands waiting output and trace records to their receivers. On a fiber they go on waiting. */
void machine_flush(struct dbgksim_machine *m);
/** machine_flush, and fetches the input that a guest waits for: in calls that wait. */
void machine_serve(struct dbgksim_machine *m);
/** On a native thread's fiber: calls fn on the caller's stack, in a call that waits; it may not enter the machine. */
void machine_call_host(struct dbgksim_machine *m, void (*fn)(void *argument), void *argument);
/** io's console: stores output until the next flush. */
void machine_console_write(void *context, int stream, const void *bytes, size_t size);
/** io's console: waits until the host has fetched input. */
size_t machine_console_read(void *context, void *bytes, size_t size);
/** dbgksim_snapshot_take inside of a machine. */
enum dbgksim_status machine_snapshot_take(struct dbgksim_machine *m, dbgksim_snapshot **snapshot);
/** dbgksim_snapshot_restore inside of a machine. */
enum dbgksim_status machine_snapshot_restore(dbgksim_snapshot *snapshot);
/** dbgksim_snapshot_drop inside of a machine. */
void machine_snapshot_drop(dbgksim_snapshot *snapshot);
/** Drops all snapshots of a machine. */
void machine_drop_snapshots(struct dbgksim_machine *m);
/** Folders of a userland. */
struct machine_userland {
  bool builtin;               /**< the embedded DLLs come first */
  char dlls[4096], nls[4096]; /**< host folders; may be empty */
};
/** Finds a userland by its configuration name. False: the text says what was looked for and what to install. */
bool machine_find_userland(const char *name, struct machine_userland *out, char *message, size_t size);
/** Makes a userland's folders visible, maps its ntdll and tells life. "auto": does nothing yet. */
enum dbgksim_status machine_load_userland(struct dbgksim_machine *m, const char *name);
/** If the userland is "auto": loads the one that a program of C:\app needs. `why` receives the name and the reason. */
enum dbgksim_status machine_choose_userland(struct dbgksim_machine *m, const char *program, char *why, size_t size);
/** Counts what a program of C:\app and the DLLs of its folder import and what is neither there nor in the userland, and
 *  names it: "absent.dll, kernel32.dll!Foo (helper.dll)". With builtin DLLs what others import from them counts, too. */
unsigned machine_missing_imports(const char *program, const struct machine_userland *userland, char *out, size_t size);
/** Opens a PE file as an image or data section. */
enum dbgksim_status machine_open_section(struct dbgksim_machine *m, const char *nt_path, bool image, SECTION **section);
/** Public status for a host wait that ended with KE_WAIT_STOPPED. */
enum dbgksim_status machine_stopped(struct dbgksim_machine *m);

#endif
