/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scheduler: fibers under one policy interface. A thread leaves the processor in KiSwapThread only. */
#include "ntos/ke/internal.h"

#include <stdio.h>

__thread KPCR *ki_current_pcr __attribute__((tls_model("initial-exec")));

static unsigned choose_at_random(void *context, enum ke_choice_point point, KTHREAD *const ready[], unsigned n)
{
  (void)context, (void)point, (void)ready;
  return (unsigned)(ke_random("schedule") % n);
}

bool KeInitSystem(const struct ke_config *config)
{
  struct ke_state *ke = ExAllocatePoolWithTag(sizeof *ke, POOL_TAG('K', 'e', ' ', ' '));
  if (!ke)
    return false;
  KeGetPcr()->ke = ke;
  ke->stacks = fiber_stacks_create(config->max_threads);
  if (!ke->stacks)
    return false;
  if (config->stack_prefill)
    fiber_stacks_prefill(ke->stacks, config->stack_prefill);
  InitializeListHead(&ke->ready);
  InitializeListHead(&ke->all_threads);
  ke->seed = config->seed;
  ke->stop_flag = config->stop_flag;
  ke->quantum_blocks = config->quantum_blocks ? config->quantum_blocks : KE_DEFAULT_QUANTUM;
  ke->quantum_left = ke->quantum_blocks;
  if (config->random_schedule) {
    ke->policy.choose = choose_at_random;
    ke->policy.preempts_at_signals = true;
  }
  ke_set_block_budget(config->block_budget);
  return true;
}

void KeShutdownSystem(void)
{
  struct ke_state *ke = ki_state();
  if (ke && ke->stacks)
    fiber_stacks_destroy(ke->stacks);
}

/* Runs on the stack of whoever follows an ended thread. Out of line: the address of ki_current_pcr must not come from
 * before the switch, when the fiber may have been on another host thread. */
static __attribute__((noinline)) void reap(void)
{
  struct ke_state *ke = ki_state();
  KTHREAD *zombie = ke->zombie;
  if (!zombie)
    return;
  ke->zombie = NULL;
  fiber_stack_return(ke->stacks, zombie->stack);
  zombie->stack = NULL;
  ke->zombie_reaped(zombie);
}

static void thread_start(void *argument)
{
  KTHREAD *thread = argument;
  reap();
  thread->SystemRoutine(thread->StartContext);
  KeTerminateThread(NULL);
}

static void init_common(KTHREAD *Thread, KPROCESS *Process)
{
  Thread->Header.Type = ThreadObject;
  InitializeListHead(&Thread->Header.WaitListHead);
  InitializeListHead(&Thread->MutantListHead);
  InitializeListHead(&Thread->ApcListHead[KernelMode]);
  InitializeListHead(&Thread->ApcListHead[UserMode]);
  InitializeListHead(&Thread->ready_entry);
  KeInitializeTimerEx(&Thread->Timer, NotificationTimer);
  Thread->Timer.wait_thread = Thread;
  Thread->Process = Process;
  Thread->State = Initialized;
  Thread->CreateTime = KeQuerySystemTime();
  InsertTailList(&Process->ThreadListHead, &Thread->ThreadListEntry);
  InsertTailList(&ki_state()->all_threads, &Thread->all_entry);
}

NTSTATUS KeInitThread(KTHREAD *Thread, PKSYSTEM_ROUTINE SystemRoutine, void *StartContext, KPROCESS *Process)
{
  Thread->stack = fiber_stack_take(ki_state()->stacks);
  if (!Thread->stack)
    return STATUS_INSUFFICIENT_RESOURCES;
  init_common(Thread, Process);
  Thread->SystemRoutine = SystemRoutine;
  Thread->StartContext = StartContext;
  fiber_init(&Thread->Fiber, Thread->stack, thread_start, Thread);
  return STATUS_SUCCESS;
}

void ke_init_host_thread(KTHREAD *Thread, KPROCESS *Process)
{
  init_common(Thread, Process);
  Thread->native = TRUE;
  Thread->PreviousMode = UserMode;
  Thread->State = Running;
  fiber_adopt(&Thread->Fiber);
  ki_state()->host_thread = Thread;
}

void KiReadyThread(KTHREAD *Thread)
{
  struct ke_state *ke = ki_state();
  Thread->State = Ready;
  InsertTailList(&ke->ready, &Thread->ready_entry);
  ke->ready_count++;
}

void KeReadyThread(KTHREAD *Thread)
{
  KiReadyThread(Thread);
  ki_choice(KE_CHOICE_SIGNAL);
}

static KTHREAD *take_ready(struct ke_state *ke, KTHREAD *thread)
{
  RemoveEntryList(&thread->ready_entry);
  ke->ready_count--;
  return thread;
}

/* Lists the choices for the policy: `first` (if any), then the ready list. */
static unsigned list_choices(struct ke_state *ke, KTHREAD *first)
{
  size_t need = ke->ready_count + 1;
  if (need > ke->choice_capacity) {
    KTHREAD **choices = ExReallocatePool(ke->choices, need * 2 * sizeof *choices, POOL_TAG('C', 'h', 'o', 'i'));
    if (!choices)
      return 0;
    ke->choices = choices;
    ke->choice_capacity = need * 2;
  }
  unsigned n = 0;
  if (first)
    ke->choices[n++] = first;
  for (LIST_ENTRY *e = ke->ready.Flink; e != &ke->ready; e = e->Flink)
    ke->choices[n++] = CONTAINING_RECORD(e, KTHREAD, ready_entry);
  return n;
}

static void check_stop_flag(struct ke_state *ke)
{
  ke->stop_checks++;
  if (ke->stop_flag && *ke->stop_flag && ke->end == KE_RUNNING)
    ke_stop(KE_INTERRUPTED);
  ki_check_stop_point(ke);
}

/* The next thread to run, taken off the ready list. An idle machine jumps to its next timer; one that has none, and
 * nobody to wake, is dead: the host is told. */
static KTHREAD *select_next(struct ke_state *ke)
{
  for (unsigned idle = 0;; idle++) {
    KiExpireTimers();
    check_stop_flag(ke);
    if (ke->end != KE_RUNNING && ke->host_thread->State == Ready)
      return take_ready(ke, ke->host_thread);
    if (ke->ready_count) {
      if (!ke->policy.choose || ke->ready_count == 1)
        return take_ready(ke, CONTAINING_RECORD(ke->ready.Flink, KTHREAD, ready_entry));
      unsigned n = list_choices(ke, NULL);
      unsigned i = n ? ke->policy.choose(ke->policy.context, KE_CHOICE_WAIT, ke->choices, n) : 0;
      return take_ready(ke, i < n ? ke->choices[i] : CONTAINING_RECORD(ke->ready.Flink, KTHREAD, ready_entry));
    }
    ULONG64 due;
    if (idle < KE_IDLE_LIMIT && ki_next_timer(&due)) {
      ki_advance_to(due);
      continue;
    }
    ke_stop(KE_DEADLOCK);
    if (ke->host_thread->State == Waiting)
      KiUnwaitThread(ke->host_thread, KE_WAIT_STOPPED);
  }
}

/* One round of multiply and fold for each number. */
KI_INLINE void note_switch(struct ke_state *ke, KTHREAD *next)
{
  uint64_t digest = (ke->schedule_digest ^ ((ETHREAD *)next)->Cid.UniqueThread) * 0x9E3779B97F4A7C15ull;
  digest = (digest ^ digest >> 32 ^ ke->nanoseconds) * 0xD6E8FEB86659FD93ull;
  ke->schedule_digest = digest ^ digest >> 32;
}

ULONG64 ke_schedule_digest(void)
{
  return ki_state()->schedule_digest;
}

KI_INLINE void switch_to(struct ke_state *ke, KTHREAD *old, KTHREAD *next)
{
  next->State = Running;
  ke->quantum_left = ke->quantum_blocks;
  if (next == old)
    return;
  note_switch(ke, next);
  KeGetPcr()->CurrentThread = next;
  TRACE(DBGKSIM_TRACE_SWITCH, NULL, ((ETHREAD *)next)->Cid.UniqueThread, 0, 0, 0);
  fiber_switch(&old->Fiber, &next->Fiber);
  reap();
}

void KiSwapThread(void)
{
  struct ke_state *ke = ki_state();
  KTHREAD *old = KeGetCurrentThread();
  switch_to(ke, old, select_next(ke));
}

void ke_set_policy(const struct ke_policy *policy) { ki_state()->policy = *policy; }

void ki_ask_policy(enum ke_choice_point point)
{
  struct ke_state *ke = ki_state();
  KTHREAD *old = KeGetCurrentThread();
  if (ke->end != KE_RUNNING || old->State != Running)
    return;
  if (ke->policy.observe)
    ke->policy.observe(ke->policy.context, point, old, old->place, old->place_object);
  if (!ke->ready_count)
    return;
  unsigned n = list_choices(ke, old);
  unsigned i = n ? ke->policy.choose(ke->policy.context, point, ke->choices, n) : 0;
  if (i == 0 || i >= n)
    return;
  KTHREAD *next = take_ready(ke, ke->choices[i]);
  KiReadyThread(old);
  switch_to(ke, old, next);
}

void(ke_race_point)(void)
{
  ki_choice(KE_CHOICE_RACE);
}

_Noreturn void KeTerminateThread(void (*reaped)(KTHREAD *))
{
  struct ke_state *ke = ki_state();
  KTHREAD *thread = KeGetCurrentThread();
  RemoveEntryList(&thread->ThreadListEntry);
  RemoveEntryList(&thread->all_entry);
  thread->State = Terminated;
  ke_signal_forever(&thread->Header);
  ke->zombie = thread;
  ke->zombie_reaped = reaped;
  KTHREAD *next = select_next(ke);
  next->State = Running;
  ke->quantum_left = ke->quantum_blocks;
  note_switch(ke, next);
  KeGetPcr()->CurrentThread = next;
  fiber_exit_to(&thread->Fiber, &next->Fiber);
}

/* Lets another ready thread run; the running one stays ready. */
static bool give_way(struct ke_state *ke, enum ke_choice_point point)
{
  KTHREAD *old = KeGetCurrentThread();
  if (!ke->ready_count) {
    ke->quantum_left = ke->quantum_blocks;
    return false;
  }
  KTHREAD *next = CONTAINING_RECORD(ke->ready.Flink, KTHREAD, ready_entry);
  if (ke->end != KE_RUNNING && ke->host_thread->State == Ready) {
    next = ke->host_thread;
  } else if (ke->policy.choose) {
    unsigned n = list_choices(ke, old);
    unsigned i = n ? ke->policy.choose(ke->policy.context, point, ke->choices, n) : 0;
    if (i == 0 || i >= n) {
      ke->quantum_left = ke->quantum_blocks;
      return false;
    }
    next = ke->choices[i];
  }
  take_ready(ke, next);
  KiReadyThread(old);
  switch_to(ke, old, next);
  return true;
}

bool KeYieldExecution(void)
{
  KiExpireTimers();
  return give_way(ki_state(), KE_CHOICE_YIELD);
}

void KiQuantumEnd(void)
{
  struct ke_state *ke = ki_state();
  KeUpdateSharedTime();
  KiExpireTimers();
  check_stop_flag(ke);
  if (ke->budget_limited && !ke->budget_left && ke->end == KE_RUNNING)
    ke_stop(KE_BUDGET);
  while (ke->end != KE_RUNNING && ke->host_thread->State == Ready)
    give_way(ke, KE_CHOICE_QUANTUM);
  if (!ke->quantum_left)
    give_way(ke, KE_CHOICE_QUANTUM);
}

/* Nothing runs after it. */
static bool is_final(enum ke_end_reason reason)
{
  return reason == KE_BUGCHECK || reason == KE_TRIPLE_FAULT;
}

void ke_stop(enum ke_end_reason reason)
{
  struct ke_state *ke = ki_state();
  if (ke->end == KE_RUNNING || is_final(reason))
    ke->end = reason;
  ke_wake_host();
}

void ke_wake_host(void)
{
  KTHREAD *host = ki_state()->host_thread;
  if (host->State == Waiting && host->WaitMode == UserMode)
    KiUnwaitThread(host, KE_WAIT_STOPPED);
  else
    ki_state()->host_wanted = true;
}

enum ke_end_reason ke_ended(void)
{
  return ki_state()->end;
}

void ke_get_point(struct ke_point *out)
{
  *out = (struct ke_point){ki_state()->blocks, ki_state()->stop_checks};
}

void ke_stop_at(const struct ke_point *point)
{
  ki_state()->stop_at = *point;
  ki_check_stop_point(ki_state());
}

void ke_resume(void)
{
  if (!is_final(ki_state()->end))
    ki_state()->end = ki_state()->held ? KE_KERNEL_DEBUGGER : KE_RUNNING;
}

void ke_hold(void)
{
  ki_state()->held = true;
  ke_stop(KE_KERNEL_DEBUGGER);
}

void ke_release(void)
{
  struct ke_state *ke = ki_state();
  ke->held = false;
  if (ke->end == KE_KERNEL_DEBUGGER)
    ke->end = KE_RUNNING;
}

void ke_set_block_budget(uint64_t blocks)
{
  struct ke_state *ke = ki_state();
  ke->budget_limited = blocks != 0;
  ke->budget_left = blocks;
}

void ke_for_each_thread(void (*fn)(void *context, KTHREAD *), void *context)
{
  struct ke_state *ke = ki_state();
  for (LIST_ENTRY *e = ke->all_threads.Flink, *next; e != &ke->all_threads; e = next) {
    next = e->Flink;
    fn(context, CONTAINING_RECORD(e, KTHREAD, all_entry));
  }
}

fiber_stacks_copy *ke_save_stacks(void)
{
  struct ke_state *ke = ki_state();
  size_t count = 0, room = 0;
  for (LIST_ENTRY *e = ke->all_threads.Flink; e != &ke->all_threads; e = e->Flink)
    room++;
  const fiber **fibers = ExAllocatePoolWithTag((room + 1) * sizeof *fibers, POOL_TAG('K', 'e', ' ', ' '));
  if (!fibers)
    return NULL;
  for (LIST_ENTRY *e = ke->all_threads.Flink; e != &ke->all_threads; e = e->Flink) {
    const KTHREAD *thread = CONTAINING_RECORD(e, KTHREAD, all_entry);
    if (thread->stack)
      fibers[count++] = &thread->Fiber;
  }
  fiber_stacks_copy *copy = fiber_stacks_save(ke->stacks, fibers, count);
  ExFreePool(fibers);
  return copy;
}

void ke_restore_stacks(const fiber_stacks_copy *copy)
{
  fiber_stacks_restore(ki_state()->stacks, copy);
}

void ke_report_waits(char *out, size_t size)
{
  static const char *const reasons[] = {"Executive",  "FreePage",    "PageIn",      "PoolAllocation", "DelayExecution",
                                        "Suspended",  "UserRequest", "WrRundown",   "WrFastMutex",    "WrPushLock",
                                        "WrLpcReceive", "WrLpcReply"};
  static const char *const types[] = {"event", "event", "mutant", "process", "queue", "semaphore", "thread",
                                      "?",     "timer", "timer"};
  struct ke_state *ke = ki_state();
  size_t used = 0;
  if (size)
    out[0] = 0;
  for (LIST_ENTRY *e = ke->all_threads.Flink; e != &ke->all_threads && used < size; e = e->Flink) {
    KTHREAD *t = CONTAINING_RECORD(e, KTHREAD, all_entry);
    ETHREAD *thread = (ETHREAD *)t;
    int n;
    if (t->State == Waiting && t->wait_count)
      n = snprintf(out + used, size - used, "process %u thread %u waits (%s, %s mode) for %u object%s, first a %s\n",
                   (unsigned)thread->Cid.UniqueProcess, (unsigned)thread->Cid.UniqueThread, reasons[t->WaitReason],
                   t->WaitMode == UserMode ? "user" : "kernel", t->wait_count, t->wait_count == 1 ? "" : "s",
                   types[t->WaitBlockList[0].Object->Type < 10 ? t->WaitBlockList[0].Object->Type : 7]);
    else
      n = snprintf(out + used, size - used, "process %u thread %u is %s (suspend count %d, freeze count %d)\n",
                   (unsigned)thread->Cid.UniqueProcess, (unsigned)thread->Cid.UniqueThread,
                   t->State == Waiting ? "held" : t->State == Initialized ? "not started" : "ready", t->SuspendCount,
                   t->FreezeCount);
    if (n < 0)
      break;
    used += (size_t)n;
  }
}
