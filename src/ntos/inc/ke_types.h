/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file ke_types.h  Dispatcher objects, waits, APCs, kernel threads and processes. */
#ifndef NTOS_INC_KE_TYPES_H
#define NTOS_INC_KE_TYPES_H

#include "base/fiber.h"
#include "base/list.h"

#include <dbgksim/nttypes.h>
#include <stdbool.h>

struct _KTHREAD;
struct _KPROCESS;
struct _KTRAP_FRAME;
struct _KEXCEPTION_FRAME;
struct _EXCEPTION_REGISTRATION_RECORD;
struct cpu;
struct address_space;

typedef enum _KOBJECTS {
  EventNotificationObject = 0,
  EventSynchronizationObject = 1,
  MutantObject = 2,
  ProcessObject = 3,
  QueueObject = 4,
  SemaphoreObject = 5,
  ThreadObject = 6,
  TimerNotificationObject = 8,
  TimerSynchronizationObject = 9
} KOBJECTS;

/** First field of everything that can be waited for. One simulated processor and no preemption inside the kernel:
 *  no dispatcher lock is needed. */
typedef struct _DISPATCHER_HEADER {
  UCHAR Type;      /**< KOBJECTS */
  LONG SignalState; /**< > 0: signalled */
  LIST_ENTRY WaitListHead; /**< KWAIT_BLOCK.WaitListEntry, in order of arrival */
} DISPATCHER_HEADER;

typedef enum _EVENT_TYPE { NotificationEvent, SynchronizationEvent } EVENT_TYPE;
typedef enum _TIMER_TYPE { NotificationTimer, SynchronizationTimer } TIMER_TYPE;
typedef enum _WAIT_TYPE { WaitAll, WaitAny } WAIT_TYPE;
typedef enum _KWAIT_REASON { Executive, FreePage, PageIn, PoolAllocation, DelayExecution, Suspended, UserRequest,
                             WrRundown, WrFastMutex, WrPushLock, WrLpcReceive, WrLpcReply } KWAIT_REASON;

typedef struct _KEVENT {
  DISPATCHER_HEADER Header;
} KEVENT;

typedef struct _KSEMAPHORE {
  DISPATCHER_HEADER Header;
  LONG Limit;
} KSEMAPHORE;

typedef struct _KMUTANT {
  DISPATCHER_HEADER Header; /**< SignalState 1: free; <= 0: owned, 1 - recursion count */
  LIST_ENTRY MutantListEntry; /**< in the owner's MutantListHead */
  struct _KTHREAD *OwnerThread;
  BOOLEAN Abandoned;
} KMUTANT;

struct _KAPC;
typedef struct _KTIMER {
  DISPATCHER_HEADER Header;
  ULONG64 DueTime; /**< virtual interrupt time, 100 ns units */
  ULONG64 sequence; /**< breaks ties: timers due together fire in the order they were set */
  ULONG heap_index; /**< place in ke's timer heap + 1; 0: not set */
  ULONG Period;     /**< milliseconds, 0: once */
  void (*fired)(struct _KTIMER *); /**< called at expiry instead of only signalling (thread wait timers, APC timers) */
  struct _KTHREAD *wait_thread;    /**< owner, for a thread's own wait timer */
  struct _KAPC *Apc;               /**< queued at expiry, may be NULL */
} KTIMER;

#define THREAD_WAIT_OBJECTS 4
#define MAXIMUM_WAIT_OBJECTS 64

typedef struct _KWAIT_BLOCK {
  LIST_ENTRY WaitListEntry;
  struct _KTHREAD *Thread;
  DISPATCHER_HEADER *Object;
  USHORT WaitKey;  /**< index of the object: what WaitAny returns */
  UCHAR WaitType;  /**< WAIT_TYPE */
} KWAIT_BLOCK;

/** An owner may not acquire it again. Modelled with a choice point before it (DESIGN 1.5). */
typedef struct _FAST_MUTEX {
  struct _KTHREAD *Owner;
  KEVENT Event; /**< synchronization event for waiters */
  ULONG Contention;
  ULONG waiters;
} FAST_MUTEX;

/** Run-down protection: counts users; once run down it can not be acquired. */
typedef struct _EX_RUNDOWN_REF {
  ULONG count;
  bool run_down;
  KEVENT *waiter; /**< set when the count reaches 0 after the run-down began */
} EX_RUNDOWN_REF;

typedef void (*PKKERNEL_ROUTINE)(struct _KAPC *Apc);
typedef struct _KAPC {
  LIST_ENTRY ApcListEntry;
  struct _KTHREAD *Thread;
  PKKERNEL_ROUTINE KernelRoutine; /**< runs first; frees the APC; never NULL */
  ULONG64 NormalRoutine;          /**< user address for a user APC, 0 for a special kernel APC */
  ULONG64 NormalContext, SystemArgument1, SystemArgument2;
  UCHAR ApcMode; /**< KPROCESSOR_MODE */
  BOOLEAN Inserted;
} KAPC;

typedef enum _KTHREAD_STATE { Initialized, Ready, Running, Standby, Terminated, Waiting } KTHREAD_STATE;

typedef void (*PKSYSTEM_ROUTINE)(void *StartContext);

typedef struct _KTHREAD {
  DISPATCHER_HEADER Header; /**< signalled when the thread has ended */
  LONG SuspendCount;        /**< what holds a thread lies behind its header: one cache line for a suspension */
  LONG FreezeCount;
  KTHREAD_STATE State;
  BOOLEAN apc_exit_queued;  /**< the exit special APC is queued: no further user code, user-mode waits end */
  LIST_ENTRY MutantListHead;
  LIST_ENTRY ready_entry; /**< in ke's ready list while Ready */
  LIST_ENTRY all_entry;   /**< in ke's list of threads that have not ended */
  struct _KPROCESS *Process;
  LIST_ENTRY ThreadListEntry; /**< KPROCESS.ThreadListHead */

  /* wait; valid while State == Waiting */
  NTSTATUS WaitStatus;
  UCHAR WaitMode;
  UCHAR WaitReason;
  BOOLEAN Alertable;
  BOOLEAN Alerted[2];        /**< by mode */
  BOOLEAN timed_out_frozen;  /**< the timeout passed while the thread was frozen; applied at thaw */
  BOOLEAN ApcPending[2];     /**< by mode: kernel, user */
  UCHAR WaitType;
  USHORT wait_count;
  KWAIT_BLOCK *WaitBlockList;
  KWAIT_BLOCK WaitBlock[THREAD_WAIT_OBJECTS];
  KTIMER Timer;
  ULONG64 wait_object_id; /**< for KeWaitForAlertByThreadId: the address waited on */

  LIST_ENTRY ApcListHead[2]; /**< by mode */
  ULONG KernelApcDisable;    /**< critical region depth */

  const char *place;         /**< routine in which it came to its last scheduling choice (ke_note_place) */
  const void *place_object;  /**< what it waits for, locks or signals there; may be NULL */

  UCHAR PreviousMode;
  BOOLEAN native; /**< host code: no user mode, no trap frame */
  BOOLEAN context_loaded; /**< the running service replaced the whole frame (NtContinue): rax is not its status */
  struct {
    BOOLEAN ActiveDR7 : 1;
    BOOLEAN Instrumented : 1;
  } DebugActive;
  ULONG64 Teb;
  ULONG64 InitialStack;                    /**< RSP0: top of the slot in the kernel arena */
  struct _KTRAP_FRAME *TrapFrame;          /**< host address in the slot; NULL while user code runs */
  struct _KEXCEPTION_FRAME *ExceptionFrame; /**< host address in the slot */
  struct cpu *cpu;
  struct _EXCEPTION_REGISTRATION_RECORD *ExceptionList; /**< kernel-mode handlers of this thread, innermost first */
  UCHAR kernel_traps;                       /**< traps of kernel code that it is inside of */

  fiber Fiber;
  void *stack; /**< from ke's stacks; NULL: the caller's own stack */
  PKSYSTEM_ROUTINE SystemRoutine;
  void *StartContext;
  ULONG64 CycleTime; /**< blocks executed in user mode */
  ULONG64 CreateTime;
} KTHREAD;

typedef struct _KPROCESS {
  DISPATCHER_HEADER Header; /**< signalled when the process has ended */
  LIST_ENTRY ThreadListHead;
  struct address_space *space; /**< NULL: a native process, whose address space is the host's */
  ULONG64 InstrumentationCallback;
  LONG FreezeCount;
} KPROCESS;

#endif
