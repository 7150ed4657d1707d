/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asynchronous procedure calls. Kernel APCs run at the return to user mode; delivery of user APCs (the user frame)
 * is trap's. */
#include "ntos/ke/internal.h"

void KeInitializeApc(KAPC *Apc, KTHREAD *Thread, PKKERNEL_ROUTINE KernelRoutine, ULONG64 NormalRoutine,
                     KPROCESSOR_MODE Mode, ULONG64 NormalContext)
{
  Apc->Thread = Thread;
  Apc->KernelRoutine = KernelRoutine;
  Apc->NormalRoutine = NormalRoutine;
  Apc->NormalContext = NormalContext;
  Apc->ApcMode = (UCHAR)Mode;
  Apc->Inserted = FALSE;
  InitializeListHead(&Apc->ApcListEntry);
}

BOOLEAN(KeInsertQueueApc)(KAPC *Apc, ULONG64 SystemArgument1, ULONG64 SystemArgument2)
{
  KTHREAD *thread = Apc->Thread;
  if (Apc->Inserted || thread->State == Terminated)
    return FALSE;
  Apc->SystemArgument1 = SystemArgument1;
  Apc->SystemArgument2 = SystemArgument2;
  Apc->Inserted = TRUE;
  InsertTailList(&thread->ApcListHead[Apc->ApcMode], &Apc->ApcListEntry);
  if (Apc->ApcMode == KernelMode) {
    thread->ApcPending[KernelMode] = TRUE;
    if (thread->State == Waiting && (thread->WaitMode == UserMode || thread->WaitReason == Suspended) &&
        thread->apc_exit_queued)
      KiUnwaitThread(thread, STATUS_USER_APC);
  } else if (thread->State == Waiting && thread->WaitMode == UserMode && thread->Alertable && !KeThreadHeld(thread)) {
    thread->ApcPending[UserMode] = TRUE;
    KiUnwaitThread(thread, STATUS_USER_APC);
  }
  ki_choice(KE_CHOICE_SIGNAL);
  return TRUE;
}

static KAPC *take_apc(KTHREAD *thread, KPROCESSOR_MODE mode)
{
  if (IsListEmpty(&thread->ApcListHead[mode]))
    return NULL;
  KAPC *apc = CONTAINING_RECORD(RemoveHeadList(&thread->ApcListHead[mode]), KAPC, ApcListEntry);
  apc->Inserted = FALSE;
  return apc;
}

void KiDeliverKernelApcs(void)
{
  KTHREAD *thread = KeGetCurrentThread();
  while (thread->ApcPending[KernelMode] && !thread->KernelApcDisable) {
    KAPC *apc = take_apc(thread, KernelMode);
    if (!apc) {
      thread->ApcPending[KernelMode] = FALSE;
      break;
    }
    apc->KernelRoutine(apc);
  }
}

KAPC *KeRemoveUserApc(KTHREAD *Thread)
{
  KAPC *apc = take_apc(Thread, UserMode);
  Thread->ApcPending[UserMode] = FALSE;
  return apc;
}

void KeFlushUserApcs(KTHREAD *Thread)
{
  for (KAPC *apc; (apc = take_apc(Thread, UserMode)) != NULL;)
    apc->KernelRoutine(apc);
}
