/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file client.h  What the parts of the native client share. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "machine/machine.h"

/** Lies in the machine's pool, so it ends with the machine at the latest. */
struct dbgksim_debugger {
  struct dbgksim_machine *machine;
  HANDLE object;
  LIST_ENTRY saved;                 /**< handles of saved.c, in order of saving */
  struct client_saved *saved_table; /**< the same by process, thread and kind */
  unsigned live;                    /**< processes whose exit was not reported */
  struct expect_state *expect; /**< of dbgksim_expect, made at its first use */
};

/* ---- saved.c: handles that are closed when an event is continued (spec/4.3); inside the machine ---- */

/** Keeps the handles of a state change. False: no memory. */
bool client_save_process(struct dbgksim_debugger *debugger, uint32_t pid, HANDLE handle);
bool client_save_thread(struct dbgksim_debugger *debugger, uint32_t pid, uint32_t tid, HANDLE handle);
/** Debuggers close hFile themselves. Here it goes with the event, or with a detach before that. */
bool client_save_file(struct dbgksim_debugger *debugger, uint32_t pid, uint32_t tid, HANDLE handle);
/** A handle of this process is kept. */
bool client_knows_process(const struct dbgksim_debugger *debugger, uint32_t pid);
/** The exit of a thread, or of a process (`tid` 0), was reported. */
void client_mark(struct dbgksim_debugger *debugger, uint32_t pid, uint32_t tid);
/** The event of a thread was continued: closes its file, and what is marked of the thread and of the process. */
void client_close_answered(struct dbgksim_debugger *debugger, uint32_t pid, uint32_t tid);
/** Closes everything. */
void client_forget_all(struct dbgksim_debugger *debugger);
/** Closes the handles that a debugger keeps of a process, and forgets it. */
void client_forget_process(struct dbgksim_debugger *debugger, uint32_t pid);
/** Notes how a process ends that a debugger follows, for dbgksim_exit_code when its object is gone. Inside the
 *  machine. */
void client_note_exit(struct dbgksim_machine *machine, uint32_t pid, NTSTATUS exit_status);
/** Turns a state change into the event that Win32 shows (spec/4.2). Inside the machine, in the debugger's process.
 *  STATUS_UNSUCCESSFUL for a state that is none. */
NTSTATUS client_convert(const DBGUI_WAIT_STATE_CHANGE *state, struct dbgksim_event *event);
/** Zeroed pool memory of a machine for a caller outside of it; NULL: no memory, or the machine is busy. */
void *client_allocate(struct dbgksim_machine *machine, size_t size);
/** Adds to a text what a program of C:\app imports and what neither its folder nor the userland has, if there is any. */
void client_add_missing(struct dbgksim_machine *machine, const char *program, char *text, size_t size);
/** Tells the expectations of a debugger that an event was continued by dbgksim_continue. */
void expect_note_continue(struct dbgksim_debugger *debugger, const struct dbgksim_event *event);

#endif
