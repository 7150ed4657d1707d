/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fast mutexes, run-down protection, critical regions. */
#include "ntos/ke/internal.h"

void ExInitializeFastMutex(FAST_MUTEX *Mutex)
{
  Mutex->Owner = NULL;
  Mutex->Contention = 0;
  Mutex->waiters = 0;
  KeInitializeEvent(&Mutex->Event, SynchronizationEvent, FALSE);
}

void(ExAcquireFastMutex)(FAST_MUTEX *Mutex)
{
  KTHREAD *thread = KeGetCurrentThread();
  ki_choice(KE_CHOICE_LOCK);
  ke_check_live(Mutex);
  while (Mutex->Owner) {
    Mutex->Contention++;
    Mutex->waiters++;
    NTSTATUS status = (KeWaitForSingleObject)(&Mutex->Event, WrFastMutex, KernelMode, FALSE, NULL);
    ke_check_live(Mutex);
    Mutex->waiters--;
    /* Nobody can run who would release it: an inconsistency, which must not become a hang. */
    if (status == KE_WAIT_STOPPED) {
      ke_resume();
      ke_stop(KE_INTERNAL_ERROR);
      break;
    }
  }
  Mutex->Owner = thread;
  thread->KernelApcDisable++;
}

void(ExReleaseFastMutex)(FAST_MUTEX *Mutex)
{
  ke_check_live(Mutex);
  Mutex->Owner = NULL;
  KeGetCurrentThread()->KernelApcDisable--;
  if (Mutex->waiters)
    (KeSetEvent)(&Mutex->Event);
  else
    ki_choice(KE_CHOICE_UNLOCK);
}

void ExInitializeRundownProtection(EX_RUNDOWN_REF *Ref)
{
  Ref->count = 0;
  Ref->run_down = false;
  Ref->waiter = NULL;
}

BOOLEAN ExAcquireRundownProtection(EX_RUNDOWN_REF *Ref)
{
  if (Ref->run_down)
    return FALSE;
  Ref->count++;
  return TRUE;
}

void(ExReleaseRundownProtection)(EX_RUNDOWN_REF *Ref)
{
  if (--Ref->count == 0 && Ref->waiter)
    (KeSetEvent)(Ref->waiter);
}

void(ExWaitForRundownProtectionRelease)(EX_RUNDOWN_REF *Ref)
{
  Ref->run_down = true;
  while (Ref->count) {
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    Ref->waiter = &event;
    NTSTATUS status = (KeWaitForSingleObject)(&event, WrRundown, KernelMode, FALSE, NULL);
    Ref->waiter = NULL;
    if (status == KE_WAIT_STOPPED) {
      ke_resume();
      ke_stop(KE_INTERNAL_ERROR);
      break;
    }
  }
}

void KeEnterCriticalRegion(void)
{
  KeGetCurrentThread()->KernelApcDisable++;
}

void KeLeaveCriticalRegion(void)
{
  KeGetCurrentThread()->KernelApcDisable--;
}
