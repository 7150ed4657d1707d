/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Critical sections. LockCount is -1 when free; a waiter sleeps on an event that the first waiter makes. */
#include "ntdllp.h"

NTSTATUS NTAPI RtlInitializeCriticalSection(RTL_CRITICAL_SECTION *CriticalSection)
{
  *CriticalSection = (RTL_CRITICAL_SECTION){.DebugInfo = (PVOID)-1, .LockCount = -1};
  return STATUS_SUCCESS;
}

static HANDLE semaphore_of(RTL_CRITICAL_SECTION *section)
{
  HANDLE made, expected = NULL;
  if (section->LockSemaphore)
    return section->LockSemaphore;
  if (!NT_SUCCESS(NtCreateEvent(&made, EVENT_ALL_ACCESS, NULL, SynchronizationEvent, FALSE)))
    return NULL;
  if (!__atomic_compare_exchange_n(&section->LockSemaphore, &expected, made, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    NtClose(made);
  return section->LockSemaphore;
}

NTSTATUS NTAPI RtlEnterCriticalSection(RTL_CRITICAL_SECTION *CriticalSection)
{
  HANDLE self = NtCurrentTeb()->ClientId.UniqueThread;
  if (__atomic_add_fetch(&CriticalSection->LockCount, 1, __ATOMIC_ACQ_REL) != 0) {
    if (CriticalSection->OwningThread == self) {
      CriticalSection->RecursionCount++;
      return STATUS_SUCCESS;
    }
    NtWaitForSingleObject(semaphore_of(CriticalSection), FALSE, NULL);
  }
  CriticalSection->OwningThread = self;
  CriticalSection->RecursionCount = 1;
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlLeaveCriticalSection(RTL_CRITICAL_SECTION *CriticalSection)
{
  if (--CriticalSection->RecursionCount) {
    __atomic_sub_fetch(&CriticalSection->LockCount, 1, __ATOMIC_ACQ_REL);
    return STATUS_SUCCESS;
  }
  CriticalSection->OwningThread = NULL;
  if (__atomic_sub_fetch(&CriticalSection->LockCount, 1, __ATOMIC_ACQ_REL) >= 0)
    NtSetEvent(semaphore_of(CriticalSection), NULL);
  return STATUS_SUCCESS;
}
