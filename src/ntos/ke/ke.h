/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file ke.h  The kernel proper: pool, clock, scheduler and its policy, dispatcher objects, waits, APCs, trace. */
#ifndef NTOS_KE_KE_H
#define NTOS_KE_KE_H

#include "ntos/inc/era.h"
#include "ntos/inc/pcr.h"

#include <stddef.h>

/* ---- pool.c ---- */

/** Zeroed memory of the machine's own pool; NULL when the machine's limit is reached. */
void *ExAllocatePoolWithTag(size_t size, ULONG tag);
/** Frees a block; NULL is allowed. */
void ExFreePool(void *block);
/** Resizes a block, new bytes zero; NULL leaves the old one. */
void *ExReallocatePool(void *block, size_t size, ULONG tag);
#define POOL_TAG(a, b, c, d) ((ULONG)(a) | (ULONG)(b) << 8 | (ULONG)(c) << 16 | (ULONG)(d) << 24)

/* ---- machine-wide ke state ---- */

/** Where the scheduler is asked who runs next (DESIGN 1.5). */
enum ke_choice_point {
  KE_CHOICE_WAIT,        /**< the running thread has to wait, or has ended */
  KE_CHOICE_SIGNAL,      /**< something was signalled */
  KE_CHOICE_LOCK,        /**< before a lock is taken */
  KE_CHOICE_UNLOCK,      /**< after a lock was released */
  KE_CHOICE_QUANTUM,
  KE_CHOICE_YIELD,
  KE_CHOICE_RACE,        /**< between an unlocked read and its use */
  KE_CHOICE_BEFORE_WAIT  /**< before a wait looks at its objects */
};

/** Who runs next. `choose` gets the ready threads in order of readiness; at every point but KE_CHOICE_WAIT the
 *  running thread is the *first* of them. It returns an index below n. */
struct ke_policy {
  unsigned (*choose)(void *context, enum ke_choice_point point, KTHREAD *const ready[], unsigned n);
  void *context;
  bool preempts_at_signals; /**< asked at signals, locks and race points too; else these cost one branch */
  /** NULL, or called at each of those points before `choose`, also where nobody else is ready: the routine that the
   *  running thread is in, and what it locks, signals or waits for. */
  void (*observe)(void *context, enum ke_choice_point point, KTHREAD *running, const char *place, const void *object);
};

/** Makes a policy the machine's; all zero is round robin. */
void ke_set_policy(const struct ke_policy *policy);

/** Why a machine stopped running although threads are left. */
enum ke_end_reason {
  KE_RUNNING,
  KE_DEADLOCK,
  KE_BUDGET,
  KE_INTERRUPTED,
  KE_TRIPLE_FAULT, /**< for good */
  KE_INTERNAL_ERROR,
  KE_KERNEL_DEBUGGER,
  KE_NO_SERVICE_ENTRY,
  KE_BUGCHECK /**< for good */
};

struct ke_config {
  size_t max_threads;       /**< fiber stacks to reserve */
  uint64_t seed;
  bool random_schedule;     /**< seeded random policy instead of round robin */
  uint64_t block_budget;    /**< blocks the machine may execute, 0: no limit */
  uint64_t quantum_blocks;  /**< 0: default */
  volatile int *stop_flag;  /**< dbgksim_interrupt */
  uint8_t stack_prefill;    /**< determinism test: byte that stacks start with */
};

/** Sets up ke for a machine; KeGetPcr() must be set and have a pool. False: no memory. */
bool KeInitSystem(const struct ke_config *config);
/** Gives back what is not in the pool. */
void KeShutdownSystem(void);

/* ---- era.c ---- */

/** The era of a name; NULL gives the default, Windows 10 1511. NULL for an unknown name. */
const struct era *era_find(const char *name);

/* ---- clock.c: virtual time; 100 ns units since the boot (interrupt time) and since 1601 (system time) ---- */

/** Virtual system time of the boot: 2024-01-01 00:00 UTC, so that runs are alike. */
#define KE_BOOT_TIME 133485408000000000ull
/** Uptime at the first instruction, 100 ns units: 10 minutes. User mode takes the first moments after a boot for
 *  special (Wine's kernelbase serves what it has not cached yet). */
#define KE_START_UPTIME 6000000000ull
/** Nanoseconds of virtual time that one translated block takes. */
#define KE_NANOSECONDS_PER_BLOCK 10u
/** Blocks per quantum. */
#define KE_DEFAULT_QUANTUM 200000u

ULONG64 KeQueryInterruptTime(void);
ULONG64 KeQuerySystemTime(void);
/** Nanoseconds since the machine was made: the finest virtual clock. */
ULONG64 ke_nanoseconds(void);
/** Charges executed blocks to the clock; timers that became due fire at the next quantum end or wait. */
void ke_charge_blocks(ULONG64 blocks);
/** Fires all timers that are due. */
void KiExpireTimers(void);
/** Blocks that the running thread may execute now: what is left of the quantum, the budget and the next timer.
 *  @param over  true: nothing is left; KiQuantumEnd is due whatever ends the run */
ULONG64 ke_block_allowance(bool *over);
/** Host address of the KUSER_SHARED_DATA page, whose times are kept current; set by mm/ps at start-up. */
void ke_set_shared_data(UCHAR *page);
/** Writes the current times into KUSER_SHARED_DATA (service entry, quantum end). */
void KeUpdateSharedTime(void);
/** Next number of the named random stream of this machine (seeded; each user has its own stream). */
ULONG64 ke_random(const char *stream);

/* ---- sched.c ---- */

/** Prepares a thread: not ready, its stack taken. STATUS_INSUFFICIENT_RESOURCES: no stack left. */
NTSTATUS KeInitThread(KTHREAD *Thread, PKSYSTEM_ROUTINE SystemRoutine, void *StartContext, KPROCESS *Process);
/** Prepares the thread that is the caller of the API: no stack of its own, running. */
void ke_init_host_thread(KTHREAD *Thread, KPROCESS *Process);
/** Makes an initialized thread ready for the first time. */
void KeReadyThread(KTHREAD *Thread);
/** Ends the running thread: signals it, gives its stack back, never returns. `reaped` is called on another stack. */
_Noreturn void KeTerminateThread(void (*reaped)(KTHREAD *));
/** Gives others a turn (NtYieldExecution). True if somebody else ran. */
bool KeYieldExecution(void);
/** Quantum end: time is current, timers fire, somebody else may run. */
void KiQuantumEnd(void);
/** A scheduling choice between an unlocked read and its use (DESIGN 1.5). */
void ke_race_point(void);
/** Sets an end reason: the host's thread is woken from a UserMode wait with KE_WAIT_STOPPED. */
void ke_stop(enum ke_end_reason reason);
/** Wakes the host's thread from its UserMode wait, or from its next one, with KE_WAIT_STOPPED although the machine goes
 *  on (output to hand over, input to fetch). */
void ke_wake_host(void);
/** Current end reason. */
enum ke_end_reason ke_ended(void);
/** A place in a run: blocks charged, and looks at the stop flag, since the machine was made. */
struct ke_point {
  uint64_t blocks, checks;
};
/** Where the run is. After an interruption: the place that another run with the same inputs is to be interrupted at. */
void ke_get_point(struct ke_point *out);
/** Sets the stop flag when the run comes to a place. */
void ke_stop_at(const struct ke_point *point);
/** Clears a reason that running may continue after (interrupt, budget raised, deadlock). A machine that is held stays so. */
void ke_resume(void);
/** Holds the machine for the kernel debugger: nothing but the host's thread runs until ke_release. */
void ke_hold(void);
void ke_release(void);
/** Adds blocks to the run budget; 0 removes the limit. */
void ke_set_block_budget(uint64_t blocks);
/** Status of a host wait that ended because the machine stopped; never seen by a guest. */
#define KE_WAIT_STOPPED NT_STATUS_VALUE(0x2D000001)
/** Writes who waits for what, one line per thread (deadlock report). */
void ke_report_waits(char *out, size_t size);
/** Digest of every switch so far: equal if the same threads ran at the same times. */
ULONG64 ke_schedule_digest(void);
/** Calls fn for each thread that ke knows and that has not ended. */
void ke_for_each_thread(void (*fn)(void *context, KTHREAD *), void *context);

/** Copies the stacks of all threads but the host's (base/fiber.h). NULL: no memory. */
fiber_stacks_copy *ke_save_stacks(void);
/** Puts them back; the threads themselves lie in the pool, which is restored by the caller. */
void ke_restore_stacks(const fiber_stacks_copy *copy);

/* ---- dispatcher.c ---- */

void KeInitializeEvent(KEVENT *Event, EVENT_TYPE Type, BOOLEAN State);
/** Previous state. */
LONG KeSetEvent(KEVENT *Event);
LONG KeResetEvent(KEVENT *Event);
LONG KePulseEvent(KEVENT *Event);
void KeInitializeMutant(KMUTANT *Mutant, BOOLEAN InitialOwner);
/** Previous count in *Previous; STATUS_MUTANT_NOT_OWNED. `Abandoned` releases wholly (thread exit). */
NTSTATUS KeReleaseMutant(KMUTANT *Mutant, BOOLEAN Abandoned, LONG *Previous);
void KeInitializeSemaphore(KSEMAPHORE *Semaphore, LONG Count, LONG Limit);
/** STATUS_SEMAPHORE_LIMIT_EXCEEDED leaves it unchanged. */
NTSTATUS KeReleaseSemaphore(KSEMAPHORE *Semaphore, LONG Adjustment, LONG *Previous);
void KeInitializeTimerEx(KTIMER *Timer, TIMER_TYPE Type);
/** DueTime < 0 relative, else absolute system time, 100 ns units. True if it was set before. */
BOOLEAN KeSetTimerEx(KTIMER *Timer, LONG64 DueTime, ULONG Period);
BOOLEAN KeCancelTimer(KTIMER *Timer);
/** Signals a process or thread object for good. */
void ke_signal_forever(DISPATCHER_HEADER *Header);

/* ---- wait.c ---- */

/** Timeout: NULL for ever; negative relative, else absolute, 100 ns units; 0 polls.
 *  @return STATUS_SUCCESS, STATUS_ABANDONED_WAIT_0, STATUS_TIMEOUT, STATUS_ALERTED, STATUS_USER_APC;
 *  KE_WAIT_STOPPED for the host's thread only. A UserMode wait also ends (STATUS_USER_APC) when the thread is told to exit. */
NTSTATUS KeWaitForSingleObject(void *Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                               const LONG64 *Timeout);
/** The same for 1..MAXIMUM_WAIT_OBJECTS objects. */
NTSTATUS KeWaitForMultipleObjects(ULONG Count, void *const Object[], WAIT_TYPE WaitType, KWAIT_REASON WaitReason,
                                  KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, const LONG64 *Timeout);
/** Sleeps; zero yields. */
NTSTATUS KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, const LONG64 *Interval);
/** True if the alert state was pending (it is cleared). */
BOOLEAN KeTestAlertThread(KPROCESSOR_MODE AlertMode);
BOOLEAN KeAlertThread(KTHREAD *Thread, KPROCESSOR_MODE AlertMode);
/** Previous count, or -1 when MAXIMUM_SUSPEND_COUNT would be passed. Takes effect at the return to user mode. */
LONG KeSuspendThread(KTHREAD *Thread);
LONG KeResumeThread(KTHREAD *Thread);
#define MAXIMUM_SUSPEND_COUNT 0x7F
/** Freeze is not suspend: it is not seen in any count that user mode can read. */
void KeFreezeThread(KTHREAD *Thread);
void KeThawThread(KTHREAD *Thread);
/** True if the thread may not run user code now. */
static inline bool KeThreadHeld(const KTHREAD *Thread)
{
  return Thread->SuspendCount + Thread->FreezeCount > 0 && !Thread->apc_exit_queued;
}
/** Blocks the running thread while it is suspended or frozen (return to user mode). */
void KiWaitWhileHeld(void);

/* ---- apc.c ---- */

void KeInitializeApc(KAPC *Apc, KTHREAD *Thread, PKKERNEL_ROUTINE KernelRoutine, ULONG64 NormalRoutine,
                     KPROCESSOR_MODE Mode, ULONG64 NormalContext);
/** False if it is queued already or the thread has ended. */
BOOLEAN KeInsertQueueApc(KAPC *Apc, ULONG64 SystemArgument1, ULONG64 SystemArgument2);
/** Runs pending kernel APCs (the exit APC does not return). */
void KiDeliverKernelApcs(void);
/** Takes the next user APC for delivery; NULL if none. Its KernelRoutine was not yet called. */
KAPC *KeRemoveUserApc(KTHREAD *Thread);
/** Runs KernelRoutine for all user APCs of an ended thread. */
void KeFlushUserApcs(KTHREAD *Thread);

/* ---- sync.c ---- */

void ExInitializeFastMutex(FAST_MUTEX *Mutex);
void ExAcquireFastMutex(FAST_MUTEX *Mutex);
void ExReleaseFastMutex(FAST_MUTEX *Mutex);
void ExInitializeRundownProtection(EX_RUNDOWN_REF *Ref);
/** False once the run-down began. */
BOOLEAN ExAcquireRundownProtection(EX_RUNDOWN_REF *Ref);
void ExReleaseRundownProtection(EX_RUNDOWN_REF *Ref);
/** Begins the run-down and waits until nobody holds it. */
void ExWaitForRundownProtectionRelease(EX_RUNDOWN_REF *Ref);
void KeEnterCriticalRegion(void);
void KeLeaveCriticalRegion(void);

/* ---- quarantine.c: freed memory while schedules are explored ---- */

/** The first use of a freed block. */
struct ke_freed_use {
  const char *routine; /**< that used it */
  const char *freed_by;
  ULONG64 user, freer; /**< thread ids */
  const void *block;   /**< start of the freed block; its bytes are kept */
  size_t size, offset; /**< of the block; where in it */
};

/** From now on freed blocks of the pool keep their bytes and are not used again, and a use of one is noted. Up to
 *  `limit` blocks are known. False: no memory. */
bool ke_quarantine_start(size_t limit);
/** The first use of a freed block, or NULL. */
const struct ke_freed_use *ke_quarantine_finding(void);
/** Whether an address lies in a freed block. */
bool ke_quarantine_holds(const void *object);
/** Takes a block in; false if there is no quarantine. */
bool ke_quarantine_take(void *block);
/** The rest of ke_check_live. */
void ke_quarantine_check(const void *object);
/** Said wherever an object is touched that others may have freed: locks, signals, waits, references. */
static inline void ke_check_live(const void *object)
{
  if (__builtin_expect(KeGetPcr()->quarantine != NULL, 0))
    ke_quarantine_check(object);
}

/* ---- where a scheduling choice is: for the steps of an explored schedule ---- */

/** Notes the routine that comes to a scheduling choice, and the object that it is about. */
static inline void ke_note_place(const char *routine, const void *object)
{
  KTHREAD *thread = KeGetCurrentThread();
  thread->place = routine;
  thread->place_object = object;
}
/* These evaluate their first argument twice. */
#define ke_race_point() (ke_note_place(__func__, NULL), (ke_race_point)())
#define ExAcquireFastMutex(Mutex) (ke_note_place(__func__, (Mutex)), (ExAcquireFastMutex)(Mutex))
#define ExReleaseFastMutex(Mutex) (ke_note_place(__func__, (Mutex)), (ExReleaseFastMutex)(Mutex))
#define ExWaitForRundownProtectionRelease(Ref)                                                                         \
  (ke_note_place(__func__, (Ref)), (ExWaitForRundownProtectionRelease)(Ref))
#define ExReleaseRundownProtection(Ref) (ke_note_place(__func__, (Ref)), (ExReleaseRundownProtection)(Ref))
#define KeSetEvent(Event) (ke_note_place(__func__, (Event)), (KeSetEvent)(Event))
#define KeWaitForSingleObject(Object, ...)                                                                             \
  (ke_note_place(__func__, (Object)), (KeWaitForSingleObject)((Object), __VA_ARGS__))
#define KeWaitForMultipleObjects(Count, Objects, ...)                                                                  \
  (ke_note_place(__func__, (Objects)[0]), (KeWaitForMultipleObjects)((Count), (Objects), __VA_ARGS__))
#define KeDelayExecutionThread(...) (ke_note_place(__func__, NULL), (KeDelayExecutionThread)(__VA_ARGS__))
#define KeInsertQueueApc(Apc, ...) (ke_note_place(__func__, (Apc)->Thread), (KeInsertQueueApc)((Apc), __VA_ARGS__))
#define KeResumeThread(Thread) (ke_note_place(__func__, (Thread)), (KeResumeThread)(Thread))

#endif
