/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file internal.h  State of ke and what its files share. */
#ifndef NTOS_KE_INTERNAL_H
#define NTOS_KE_INTERNAL_H

#include "ntos/ke/ke.h"
#include "ntos/ke/trace.h"

/** Expirations in a row that wake nobody before an idle machine counts as dead. */
#define KE_IDLE_LIMIT 1000000u
/** Named random streams of a machine. */
#define KE_RANDOM_STREAMS 8

struct ke_random_stream {
  const char *name;
  uint64_t state;
};

struct ke_state {
  struct trace_buffer trace; /**< first: trace_buffer_of() relies on it */
  fiber_stacks *stacks;
  LIST_ENTRY ready;       /**< KTHREAD.ready_entry, longest ready first */
  ULONG ready_count;
  LIST_ENTRY all_threads; /**< KTHREAD.all_entry */
  KTHREAD *host_thread;   /**< the API's caller; its fiber is the caller's stack */
  bool host_wanted;       /**< it was to be woken while it did not wait: its next UserMode wait ends at once */
  KTHREAD *zombie;        /**< ended, still on its own stack until the next fiber runs */
  void (*zombie_reaped)(KTHREAD *);
  struct ke_policy policy; /**< choose == NULL: round robin, first in first out */
  KTHREAD **choices;       /**< scratch for the policy */
  size_t choice_capacity;
  enum ke_end_reason end;
  bool held; /**< between ke_hold and ke_release; then `end` is not KE_RUNNING */
  volatile int *stop_flag;
  uint64_t stop_checks;     /**< how often it was looked at */
  struct ke_point stop_at;  /**< where it is set, if checks is not 0 */

  uint64_t nanoseconds; /**< virtual time since start-up */
  uint64_t blocks;      /**< executed since start-up */
  uint64_t schedule_digest; /**< of every switch: who, and when */
  uint64_t quantum_blocks, quantum_left;
  uint64_t budget_left;
  bool budget_limited;
  UCHAR *shared_data;
  KTIMER **timers; /**< binary heap by DueTime, then sequence; heap_index is place + 1 */
  size_t timer_count, timer_capacity;
  uint64_t timer_sequence;

  uint64_t seed;
  struct ke_random_stream streams[KE_RANDOM_STREAMS];
};

/** For what lies between a wait and the switch of fibers: every return of a thread that was blocked is mispredicted, so
 *  each call less counts. */
#define KI_INLINE static inline __attribute__((always_inline))

static inline struct ke_state *ki_state(void) { return KeGetPcr()->ke; }

/** Sets the stop flag where ke_stop_at wants it: whatever happens before the next look at it is the same then. */
KI_INLINE void ki_check_stop_point(struct ke_state *ke)
{
  if (__builtin_expect(ke->stop_at.checks != 0, 0) && ke->blocks == ke->stop_at.blocks &&
      ke->stop_checks + 1 == ke->stop_at.checks)
    *ke->stop_flag = 1;
}

/** Makes a waiting thread ready with a wait status; its wait blocks and timer are withdrawn. */
void KiUnwaitThread(KTHREAD *Thread, NTSTATUS WaitStatus);
/** Gives waiters of a signalled object what they wait for, in order, as long as it stays signalled. */
void KiWaitTest(DISPATCHER_HEADER *Header);
/** Tries to end the wait of a thread that was thawed or resumed. */
void KiRetestWait(KTHREAD *Thread);
/** Puts a thread at the end of the ready list. */
void KiReadyThread(KTHREAD *Thread);
/** Leaves the processor until somebody makes the running thread ready; its State is set by the caller. */
void KiSwapThread(void);
/** The rest of ki_choice, for policies that want to be asked. */
void ki_ask_policy(enum ke_choice_point point);
/** Asks the policy whether somebody else is to run at `point`; the running thread stays ready. */
static inline void ki_choice(enum ke_choice_point point)
{
  const struct ke_state *ke = ki_state();
  if (ke->policy.preempts_at_signals && (ke->ready_count || ke->policy.observe))
    ki_ask_policy(point);
}
/** Sets a timer on absolute interrupt time (100 ns). */
void ki_insert_timer(KTIMER *Timer, ULONG64 DueTime);
void ki_remove_timer(KTIMER *Timer);
/** Due time in interrupt time for an NT timeout (negative relative, else absolute system time). */
ULONG64 ki_due_time(LONG64 Timeout);
/** Due time of the first timer; false if none is set. */
bool ki_next_timer(ULONG64 *due);
/** Jumps the idle clock forward to `due`. */
void ki_advance_to(ULONG64 due);

#endif
