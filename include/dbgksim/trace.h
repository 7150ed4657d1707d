/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file trace.h  Records of the simulator's event stream: what passed which probe point of the kernel. */
#ifndef DBGKSIM_TRACE_H
#define DBGKSIM_TRACE_H

#include <stdint.h>

/** Probe points. The numbers a..f of a record mean what the comment says. */
enum dbgksim_trace_kind {
  DBGKSIM_TRACE_LOG,               /**< text: a remark of the kernel (a service that is missing, a limit) */
  DBGKSIM_TRACE_TRAP,              /**< a vector, b RIP, c error code, d fault address */
  DBGKSIM_TRACE_GATE_FAULT,        /**< delivery through the IDT failed: a vector, b the fault that it gives, c its error code;
                                        text: why */
  DBGKSIM_TRACE_GATE,              /**< a vector, b gate DPL, c handler address, d 1 if software, e IST; text: handler */
  DBGKSIM_TRACE_TRAP_FRAME,        /**< a frame address, b RIP, c RSP, d EFLAGS; text: NT routine */
  DBGKSIM_TRACE_DISPATCH,          /**< KiDispatchException: a code, b address, c first chance, d RIP in context, e PreviousMode */
  DBGKSIM_TRACE_PREPROCESS,        /**< KiPreprocessFault: a the internal code, b the code that it becomes, c 1: resolved,
                                        no exception; text: what it saw */
  DBGKSIM_TRACE_DECISION,          /**< KiDispatchException: a code, b and c what decided; text: routine and outcome. a 0: a
                                        debug message that is not sent */
  DBGKSIM_TRACE_KD_STUB,           /**< KiDebugRoutine: a code, b service, c handled, d second chance */
  DBGKSIM_TRACE_FORWARD,           /**< DbgkForwardException: a code, b debug port?, c second chance, d port present; text: why none */
  DBGKSIM_TRACE_FORWARD_RESULT,    /**< a handled, b status of the send, c ReturnedStatus */
  DBGKSIM_TRACE_SEND,              /**< DbgkpSendApiMessage(Lpc): a ApiNumber, b flags (4: to the exception port) */
  DBGKSIM_TRACE_QUEUE,             /**< DbgkpQueueMessage: a ApiNumber, b flags, c status of the queueing; text: why no port */
  DBGKSIM_TRACE_FREEZE,            /**< DbgkpSuspendProcess: a threads frozen */
  DBGKSIM_TRACE_THAW,              /**< DbgkpResumeProcess */
  DBGKSIM_TRACE_WAIT_EVENT,        /**< NtWaitForDebugEvent returns: a status, b new state, c pid, d tid */
  DBGKSIM_TRACE_CONTINUE,          /**< NtDebugContinue: a pid, b tid, c continue status, d result */
  DBGKSIM_TRACE_WAKE,              /**< DbgkpWakeTarget: a ApiNumber, b ReturnedStatus, c flags */
  DBGKSIM_TRACE_USER_FRAME,        /**< a new RSP, b dispatcher RIP, c status; text: dispatcher */
  DBGKSIM_TRACE_RESUME,            /**< a RIP, b RSP, c EFLAGS: the thread returns from an exception; d to the mode (1 user) */
  DBGKSIM_TRACE_EXCEPTION_PORT,    /**< the exception port (d 1: the error port) was asked: a handled, b status of the
                                        send, c ReturnedStatus */
  DBGKSIM_TRACE_BUGCHECK,          /**< KeBugCheckEx: a code, b-e parameters; text: its name. a 0: a triple fault at b */
  DBGKSIM_TRACE_TERMINATE,         /**< a status; text: process or thread */
  DBGKSIM_TRACE_SERVICE,           /**< a service number, b first argument, c second, d third; text: name */
  DBGKSIM_TRACE_SERVICE_RESULT,    /**< a status; text: name */
  DBGKSIM_TRACE_PROCESS,           /**< a pid, b 1 created 0 ended, c exit status; text: image */
  DBGKSIM_TRACE_THREAD,            /**< a tid, b 1 started 0 ended, c exit status */
  DBGKSIM_TRACE_IMAGE,             /**< a base, b size, c 1 mapped 0 unmapped; text: file name */
  DBGKSIM_TRACE_SWITCH,            /**< a tid switched to */
  DBGKSIM_TRACE_OUTPUT,            /**< program output was written: a stream (1, 2), b bytes */
  DBGKSIM_TRACE_MONITOR,           /**< a monitor saw a call: a monitor, b call, c phase, d status; text: service */
  DBGKSIM_TRACE_KINDS
};

#define DBGKSIM_TRACE_TEXT 96

/** One record. */
struct dbgksim_trace_record {
  uint64_t sequence;      /**< from 1, without gaps unless records were dropped */
  uint64_t nanoseconds;   /**< virtual time since start-up */
  uint32_t pid, tid;      /**< of the thread that passed the probe, 0 for none */
  uint32_t kind;          /**< enum dbgksim_trace_kind */
  uint32_t reserved;
  uint64_t a, b, c, d, e, f;
  char text[DBGKSIM_TRACE_TEXT]; /**< NUL-terminated */
};

/** Bit of a kind in a selection mask. */
#define DBGKSIM_TRACE_BIT(kind) (UINT64_C(1) << (kind))

#endif
