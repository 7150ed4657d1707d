/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file dispatch.h  One case of fuzz_dispatch: the process under test and the debugger's part. */
#ifndef FUZZ_DISPATCH_H
#define FUZZ_DISPATCH_H

#include "fuzz_kit.h"

#include "dbgk/dbgk.h"

/** Where the pages lie that inputs fill (fuzz_dispatch.c); fuzz_guest.c makes them. */
#define FUZZ_PAGES 0x20000000ull
#define FUZZ_PAGE_COUNT 16u

/** Made by `prepare`; `object` is 0 once the debugger has left. */
struct dispatch_case {
  EPROCESS *process;
  ETHREAD *thread;
  HANDLE process_handle, thread_handle, object;
  DBGUI_WAIT_STATE_CHANGE stopped; /**< the event that the process waits in: read, not continued */
};
extern struct dispatch_case dispatch;

/** Closes the handles that came with an event. */
void dispatch_close_handles(const DBGUI_WAIT_STATE_CHANGE *change);
/** Answers an event as the input says; changes the debuggee before, or leaves it. */
void dispatch_answer(struct fuzz_input *in, const DBGUI_WAIT_STATE_CHANGE *change);
/** Writes bytes of the input to the pages of the debuggee. */
void dispatch_write_memory(struct fuzz_input *in);

#endif
