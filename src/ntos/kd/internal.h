/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file internal.h  State of kd. */
#ifndef NTOS_KD_INTERNAL_H
#define NTOS_KD_INTERNAL_H

#include "ntos/inc/era.h"
#include "ntos/kd/kd.h"
#include "ntos/ke/ke.h"
#include "ntos/ke/trace.h"
#include "ntos/trap/trap.h"

/* Debug services (spec/2.4). */
enum {
  BREAKPOINT_BREAK = 0,
  BREAKPOINT_PRINT = 1,
  BREAKPOINT_PROMPT = 2,
  BREAKPOINT_LOAD_SYMBOLS = 3,
  BREAKPOINT_UNLOAD_SYMBOLS = 4,
  BREAKPOINT_COMMAND_STRING = 5
};
/** Bytes of the instruction that a service's caller has behind INT 2D. */
#define KD_BREAKPOINT_SIZE 1u

struct kd_state {
  struct kd_config config;
  ULONG Kd_WIN2000_Mask; /**< levels that pass for every component */
  ULONG component_masks[KD_COMPONENTS];
  ULONG NtGlobalFlag;
  FAST_MUTEX KdpDebuggerLock; /**< guards the rest: one thread at a time talks to the debugger */
  KEVENT answered;            /**< synchronization event that it waits for */
  bool pending;
  struct dbgksim_kd_event event;
  /* the answer: */
  NTSTATUS status;
  bool break_in;
  ULONG reply_length;
  char reply[DBGKSIM_KD_TEXT];
};
static inline struct kd_state *kd_state(void) { return KeGetPcr()->kd; }

/** KiDebugRoutine of a machine with a kernel debugger. */
BOOLEAN KdpTrap(KTRAP_FRAME *TrapFrame, KEXCEPTION_FRAME *ExceptionFrame, EXCEPTION_RECORD64 *ExceptionRecord,
                CONTEXT *Context, KPROCESSOR_MODE PreviousMode, BOOLEAN SecondChance);

/** Calls of the kernel itself: what KdpTrap does for the INT 2D of DbgPrint and DbgPrompt in kernel mode. The level is
 *  DPFLTR_ERROR_LEVEL of DPFLTR_DEFAULT_ID. */
void kd_print(const char *text);
/** Length of the reply, which is not terminated. */
ULONG kd_prompt(const char *text, char *reply, ULONG maximum);
/** What ends critical objects (ps_set_critical_routine). */
void PspCatchCriticalBreak(const EPROCESS *Process, const ETHREAD *Thread, bool Exited);

#endif
