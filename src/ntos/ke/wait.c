/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waits. A thread that is suspended or frozen inside a user-mode wait consumes no signal (DESIGN 2): its wait is
 * tested again when it is let go. */
#include "ntos/ke/internal.h"

static bool signalled_for(const DISPATCHER_HEADER *object, const KTHREAD *thread)
{
  if (object->SignalState > 0)
    return true;
  return object->Type == MutantObject && ((const KMUTANT *)object)->OwnerThread == thread;
}

/* Takes what the signal grants. Returns true for an abandoned mutant. */
static bool satisfy(DISPATCHER_HEADER *object, KTHREAD *thread)
{
  switch (object->Type) {
  case EventSynchronizationObject:
  case TimerSynchronizationObject:
    object->SignalState = 0;
    return false;
  case SemaphoreObject:
    object->SignalState--;
    return false;
  case MutantObject: {
    KMUTANT *mutant = (KMUTANT *)object;
    if (--object->SignalState == 0) {
      mutant->OwnerThread = thread;
      InsertTailList(&thread->MutantListHead, &mutant->MutantListEntry);
    }
    bool abandoned = mutant->Abandoned;
    mutant->Abandoned = FALSE;
    return abandoned;
  }
  default:
    return false;
  }
}

/* Satisfies the wait described by `blocks` if it can be; the status that the wait returns is in *status. */
static bool try_satisfy(KTHREAD *thread, KWAIT_BLOCK *blocks, ULONG count, WAIT_TYPE type, NTSTATUS *status)
{
  if (type == WaitAny) {
    for (ULONG i = 0; i < count; i++) {
      if (signalled_for(blocks[i].Object, thread)) {
        *status = (satisfy(blocks[i].Object, thread) ? STATUS_ABANDONED_WAIT_0 : STATUS_WAIT_0) + (NTSTATUS)i;
        return true;
      }
    }
    return false;
  }
  for (ULONG i = 0; i < count; i++)
    if (!signalled_for(blocks[i].Object, thread))
      return false;
  *status = STATUS_WAIT_0;
  for (ULONG i = 0; i < count; i++)
    if (satisfy(blocks[i].Object, thread))
      *status = STATUS_ABANDONED_WAIT_0;
  return true;
}

/* True if an alert or an APC ends an (alertable) wait in `mode` at once. */
static bool test_for_alert(KTHREAD *thread, KPROCESSOR_MODE mode, BOOLEAN alertable, NTSTATUS *status)
{
  if (mode == UserMode && thread->apc_exit_queued) {
    *status = STATUS_USER_APC;
    return true;
  }
  if (alertable) {
    if (thread->Alerted[mode]) {
      thread->Alerted[mode] = FALSE;
      *status = STATUS_ALERTED;
      return true;
    }
    if (mode == UserMode && !IsListEmpty(&thread->ApcListHead[UserMode])) {
      thread->ApcPending[UserMode] = TRUE;
      *status = STATUS_USER_APC;
      return true;
    }
    if (thread->Alerted[KernelMode]) {
      thread->Alerted[KernelMode] = FALSE;
      *status = STATUS_ALERTED;
      return true;
    }
  } else if (mode == UserMode && thread->ApcPending[UserMode]) {
    *status = STATUS_USER_APC;
    return true;
  }
  return false;
}

static bool held_in_user_wait(const KTHREAD *thread)
{
  return thread->WaitMode == UserMode && KeThreadHeld(thread);
}

void KiUnwaitThread(KTHREAD *Thread, NTSTATUS WaitStatus)
{
  for (ULONG i = 0; i < Thread->wait_count; i++)
    RemoveEntryList(&Thread->WaitBlockList[i].WaitListEntry);
  Thread->wait_count = 0;
  ki_remove_timer(&Thread->Timer);
  Thread->timed_out_frozen = FALSE;
  Thread->WaitStatus = WaitStatus;
  KiReadyThread(Thread);
}

void KiWaitTest(DISPATCHER_HEADER *Header)
{
  LIST_ENTRY *entry = Header->WaitListHead.Flink;
  while (entry != &Header->WaitListHead && Header->SignalState > 0) {
    KWAIT_BLOCK *block = CONTAINING_RECORD(entry, KWAIT_BLOCK, WaitListEntry);
    KTHREAD *thread = block->Thread;
    NTSTATUS status;
    entry = entry->Flink;
    if (held_in_user_wait(thread))
      continue;
    if (block->WaitType == WaitAny) {
      status = (satisfy(Header, thread) ? STATUS_ABANDONED_WAIT_0 : STATUS_WAIT_0) + block->WaitKey;
    } else if (!try_satisfy(thread, thread->WaitBlockList, thread->wait_count, WaitAll, &status)) {
      continue;
    }
    /* A thread may wait for one object more than once (WaitAny): the walk must not go on at a block that leaves. */
    while (entry != &Header->WaitListHead && CONTAINING_RECORD(entry, KWAIT_BLOCK, WaitListEntry)->Thread == thread)
      entry = entry->Flink;
    KiUnwaitThread(thread, status);
  }
}

void KiRetestWait(KTHREAD *Thread)
{
  NTSTATUS status;
  if (Thread->State != Waiting || Thread->WaitMode != UserMode || KeThreadHeld(Thread))
    return;
  if (Thread->wait_count && try_satisfy(Thread, Thread->WaitBlockList, Thread->wait_count, Thread->WaitType, &status))
    KiUnwaitThread(Thread, status);
  else if (test_for_alert(Thread, UserMode, Thread->Alertable, &status))
    KiUnwaitThread(Thread, status);
  else if (Thread->timed_out_frozen)
    KiUnwaitThread(Thread, STATUS_TIMEOUT);
}

static void wait_timed_out(KTIMER *timer)
{
  KTHREAD *thread = timer->wait_thread;
  if (held_in_user_wait(thread))
    thread->timed_out_frozen = TRUE;
  else
    KiUnwaitThread(thread, STATUS_TIMEOUT);
}

/* Blocks the running thread on `count` prepared blocks. */
KI_INLINE NTSTATUS block_on(KTHREAD *thread, KWAIT_BLOCK *blocks, ULONG count, WAIT_TYPE type, KWAIT_REASON reason,
                         KPROCESSOR_MODE mode, BOOLEAN alertable, const LONG64 *timeout)
{
  for (ULONG i = 0; i < count; i++)
    InsertTailList(&blocks[i].Object->WaitListHead, &blocks[i].WaitListEntry);
  thread->WaitBlockList = blocks;
  thread->wait_count = (USHORT)count;
  thread->WaitType = (UCHAR)type;
  thread->WaitReason = (UCHAR)reason;
  thread->WaitMode = (UCHAR)mode;
  thread->Alertable = alertable;
  thread->timed_out_frozen = FALSE;
  if (timeout) {
    thread->Timer.fired = wait_timed_out;
    ki_insert_timer(&thread->Timer, ki_due_time(*timeout));
  }
  thread->State = Waiting;
  KiSwapThread();
  return thread->WaitStatus;
}

KI_INLINE NTSTATUS wait_for(ULONG Count, void *const Object[], WAIT_TYPE WaitType, KWAIT_REASON WaitReason,
                            KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, const LONG64 *Timeout)
{
  KTHREAD *thread = KeGetCurrentThread();
  KWAIT_BLOCK *blocks = thread->WaitBlock;
  NTSTATUS status;
  if (Count > MAXIMUM_WAIT_OBJECTS)
    return STATUS_INVALID_PARAMETER_1;
  if (Count > THREAD_WAIT_OBJECTS) {
    blocks = ExAllocatePoolWithTag(Count * sizeof *blocks, POOL_TAG('W', 'a', 'i', 't'));
    if (!blocks)
      return STATUS_INSUFFICIENT_RESOURCES;
  }
  ki_choice(KE_CHOICE_BEFORE_WAIT);
  if (WaitMode == UserMode)
    KiWaitWhileHeld();
  for (ULONG i = 0; i < Count; i++) {
    ke_check_live(Object[i]);
    blocks[i].Object = Object[i];
    blocks[i].Thread = thread;
    blocks[i].WaitKey = (USHORT)i;
    blocks[i].WaitType = (UCHAR)WaitType;
    InitializeListHead(&blocks[i].WaitListEntry);
  }
  if (Count && try_satisfy(thread, blocks, Count, WaitType, &status))
    goto done;
  if (test_for_alert(thread, WaitMode, Alertable, &status))
    goto done;
  if (Timeout && (*Timeout == 0 || ki_due_time(*Timeout) <= KeQueryInterruptTime())) {
    status = STATUS_TIMEOUT;
    goto done;
  }
  if (thread == ki_state()->host_thread && WaitMode == UserMode &&
      (ke_ended() != KE_RUNNING || ki_state()->host_wanted)) {
    ki_state()->host_wanted = false;
    status = KE_WAIT_STOPPED;
    goto done;
  }
  status = block_on(thread, blocks, Count, WaitType, WaitReason, WaitMode, Alertable, Timeout);
done:
  if (blocks != thread->WaitBlock)
    ExFreePool(blocks);
  return status;
}

NTSTATUS(KeWaitForMultipleObjects)(ULONG Count, void *const Object[], WAIT_TYPE WaitType, KWAIT_REASON WaitReason,
                                  KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, const LONG64 *Timeout)
{
  return wait_for(Count, Object, WaitType, WaitReason, WaitMode, Alertable, Timeout);
}

NTSTATUS(KeWaitForSingleObject)(void *Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                               const LONG64 *Timeout)
{
  return wait_for(1, &Object, WaitAny, WaitReason, WaitMode, Alertable, Timeout);
}

NTSTATUS(KeDelayExecutionThread)(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, const LONG64 *Interval)
{
  NTSTATUS status = wait_for(0, NULL, WaitAny, DelayExecution, WaitMode, Alertable, Interval);
  if (status != STATUS_TIMEOUT)
    return status;
  if (*Interval == 0)
    return KeYieldExecution() ? STATUS_SUCCESS : STATUS_NO_YIELD_PERFORMED;
  return STATUS_SUCCESS;
}

BOOLEAN KeTestAlertThread(KPROCESSOR_MODE AlertMode)
{
  KTHREAD *thread = KeGetCurrentThread();
  BOOLEAN alerted = thread->Alerted[AlertMode];
  thread->Alerted[AlertMode] = FALSE;
  if (!alerted && AlertMode == UserMode && !IsListEmpty(&thread->ApcListHead[UserMode]))
    thread->ApcPending[UserMode] = TRUE;
  return alerted;
}

BOOLEAN KeAlertThread(KTHREAD *Thread, KPROCESSOR_MODE AlertMode)
{
  BOOLEAN previous = Thread->Alerted[AlertMode];
  if (Thread->State == Waiting && Thread->Alertable && AlertMode <= Thread->WaitMode && !held_in_user_wait(Thread) &&
      !previous)
    KiUnwaitThread(Thread, STATUS_ALERTED);
  else
    Thread->Alerted[AlertMode] = TRUE;
  return previous;
}

void KiWaitWhileHeld(void)
{
  KTHREAD *thread = KeGetCurrentThread();
  while (KeThreadHeld(thread))
    block_on(thread, thread->WaitBlock, 0, WaitAny, Suspended, KernelMode, FALSE, NULL);
}

/* Lets a thread go that nothing holds any more. */
static void release_held(KTHREAD *thread)
{
  if (KeThreadHeld(thread) || thread->State != Waiting)
    return;
  if (thread->WaitReason == Suspended && thread->WaitMode == KernelMode)
    KiUnwaitThread(thread, STATUS_SUCCESS);
  else
    KiRetestWait(thread);
}

LONG KeSuspendThread(KTHREAD *Thread)
{
  LONG previous = Thread->SuspendCount;
  if (previous == MAXIMUM_SUSPEND_COUNT)
    return -1;
  Thread->SuspendCount = previous + 1;
  return previous;
}

LONG(KeResumeThread)(KTHREAD *Thread)
{
  LONG previous = Thread->SuspendCount;
  if (previous) {
    Thread->SuspendCount = previous - 1;
    release_held(Thread);
    ki_choice(KE_CHOICE_SIGNAL);
  }
  return previous;
}

void KeFreezeThread(KTHREAD *Thread)
{
  Thread->FreezeCount++;
}

void KeThawThread(KTHREAD *Thread)
{
  Thread->FreezeCount--;
  release_held(Thread);
}
