/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file client.h  What the parts of the native client share. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "machine/machine.h"

/** One handle that Win32's book-keeping holds for the debugger until an exit event is continued (spec/4.3), or the file
 *  of an outstanding event. */
struct client_saved {
  LIST_ENTRY entry;
  HANDLE process; /**< of CREATE_PROCESS, else 0 */
  HANDLE thread;  /**< of the thread entries, else 0 */
  HANDLE file;    /**< of the file entries, else 0; closed when their event is continued */
  uint32_t pid;
  uint32_t tid; /**< 0 for a process entry */
  bool marked;  /**< its exit was reported: closed at the continue */
};

/** Lies in the machine's pool, so it ends with the machine at the latest. */
struct dbgksim_debugger {
  struct dbgksim_machine *machine;
  HANDLE object;
  LIST_ENTRY saved;
  unsigned live; /**< process entries that are not marked */
  unsigned marked;
  struct expect_state *expect; /**< of dbgksim_expect, made at its first use */
};

/** Closes the handles that a debugger keeps of a process, and forgets it. Inside the machine. */
void client_forget_process(struct dbgksim_debugger *debugger, uint32_t pid);
/** Turns a state change into the event that Win32 shows (spec/4.2). Inside the machine, in the debugger's process.
 *  STATUS_UNSUCCESSFUL for a state that is none. */
NTSTATUS client_convert(const DBGUI_WAIT_STATE_CHANGE *state, struct dbgksim_event *event);
/** Zeroed pool memory of a machine for a caller outside of it; NULL: no memory, or the machine is busy. */
void *client_allocate(struct dbgksim_machine *machine, size_t size);
/** Tells the expectations of a debugger that an event was continued by dbgksim_continue. */
void expect_note_continue(struct dbgksim_debugger *debugger, const struct dbgksim_event *event);

#endif
