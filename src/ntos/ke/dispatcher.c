/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events, mutants, semaphores and timers. */
#include "ntos/ke/internal.h"

static void init_header(DISPATCHER_HEADER *header, KOBJECTS type, LONG state)
{
  header->Type = (UCHAR)type;
  header->SignalState = state;
  InitializeListHead(&header->WaitListHead);
}

void KeInitializeEvent(KEVENT *Event, EVENT_TYPE Type, BOOLEAN State)
{
  init_header(&Event->Header, Type == NotificationEvent ? EventNotificationObject : EventSynchronizationObject, State);
}

LONG(KeSetEvent)(KEVENT *Event)
{
  ke_check_live(Event);
  LONG previous = Event->Header.SignalState;
  Event->Header.SignalState = 1;
  if (!previous)
    KiWaitTest(&Event->Header);
  ki_choice(KE_CHOICE_SIGNAL);
  return previous;
}

LONG KeResetEvent(KEVENT *Event)
{
  LONG previous = Event->Header.SignalState;
  Event->Header.SignalState = 0;
  return previous;
}

LONG KePulseEvent(KEVENT *Event)
{
  LONG previous = Event->Header.SignalState;
  Event->Header.SignalState = 1;
  if (!previous)
    KiWaitTest(&Event->Header);
  Event->Header.SignalState = 0;
  ki_choice(KE_CHOICE_SIGNAL);
  return previous;
}

void KeInitializeMutant(KMUTANT *Mutant, BOOLEAN InitialOwner)
{
  init_header(&Mutant->Header, MutantObject, InitialOwner ? 0 : 1);
  InitializeListHead(&Mutant->MutantListEntry);
  if (InitialOwner) {
    Mutant->OwnerThread = KeGetCurrentThread();
    InsertTailList(&Mutant->OwnerThread->MutantListHead, &Mutant->MutantListEntry);
  }
}

NTSTATUS KeReleaseMutant(KMUTANT *Mutant, BOOLEAN Abandoned, LONG *Previous)
{
  if (Previous)
    *Previous = Mutant->Header.SignalState;
  if (Abandoned) {
    Mutant->Header.SignalState = 1;
    Mutant->Abandoned = TRUE;
  } else {
    if (Mutant->OwnerThread != KeGetCurrentThread())
      return STATUS_MUTANT_NOT_OWNED;
    Mutant->Header.SignalState++;
  }
  if (Mutant->Header.SignalState == 1) {
    RemoveEntryList(&Mutant->MutantListEntry);
    Mutant->OwnerThread = NULL;
    KiWaitTest(&Mutant->Header);
    ki_choice(KE_CHOICE_SIGNAL);
  }
  return STATUS_SUCCESS;
}

void KeInitializeSemaphore(KSEMAPHORE *Semaphore, LONG Count, LONG Limit)
{
  init_header(&Semaphore->Header, SemaphoreObject, Count);
  Semaphore->Limit = Limit;
}

NTSTATUS KeReleaseSemaphore(KSEMAPHORE *Semaphore, LONG Adjustment, LONG *Previous)
{
  LONG previous = Semaphore->Header.SignalState;
  if (Previous)
    *Previous = previous;
  if (Adjustment > Semaphore->Limit - previous)
    return STATUS_SEMAPHORE_LIMIT_EXCEEDED;
  Semaphore->Header.SignalState = previous + Adjustment;
  KiWaitTest(&Semaphore->Header);
  ki_choice(KE_CHOICE_SIGNAL);
  return STATUS_SUCCESS;
}

void KeInitializeTimerEx(KTIMER *Timer, TIMER_TYPE Type)
{
  init_header(&Timer->Header, Type == NotificationTimer ? TimerNotificationObject : TimerSynchronizationObject, 0);
}

BOOLEAN KeSetTimerEx(KTIMER *Timer, LONG64 DueTime, ULONG Period)
{
  BOOLEAN was_set = KeCancelTimer(Timer);
  Timer->Header.SignalState = 0;
  Timer->Period = Period;
  ki_insert_timer(Timer, ki_due_time(DueTime));
  KiExpireTimers();
  return was_set;
}

BOOLEAN KeCancelTimer(KTIMER *Timer)
{
  BOOLEAN was_set = Timer->heap_index != 0;
  ki_remove_timer(Timer);
  return was_set;
}

void ke_signal_forever(DISPATCHER_HEADER *Header)
{
  Header->SignalState = 1;
  KiWaitTest(Header);
}
