/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Critical sections. LockCount as documented since Windows Server 2003 SP1: bit 0 clear is locked, bit 1 clear says
 * that a thread was woken for it, the rest is the ones' complement of the number of waiters; so -1 is free and -2 is
 * owned. */
#include "ntdllp.h"

#define UNLOCKED 1
#define NOBODY_WOKEN 2
#define ONE_WAITER 4

#define SPIN_COUNT_MASK 0x00FFFFFFu

NTSTATUS NTAPI RtlInitializeCriticalSectionEx(RTL_CRITICAL_SECTION *CriticalSection, ULONG SpinCount, ULONG Flags)
{
  if (Flags & ~(RTL_CRITICAL_SECTION_ALL_FLAG_BITS))
    return STATUS_INVALID_PARAMETER_3;
  if (SpinCount & ~SPIN_COUNT_MASK)
    return STATUS_INVALID_PARAMETER_2;
  /* Spinning is of no use with one processor. */
  *CriticalSection = (RTL_CRITICAL_SECTION){.DebugInfo = RtlpCriticalSectionDebugInfo, .LockCount = -1};
  CriticalSection->SpinCount = NtCurrentPeb()->NumberOfProcessors > 1 ? SpinCount : 0;
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlInitializeCriticalSectionAndSpinCount(RTL_CRITICAL_SECTION *CriticalSection, ULONG SpinCount)
{
  return RtlInitializeCriticalSectionEx(CriticalSection, SpinCount & SPIN_COUNT_MASK, 0);
}

NTSTATUS NTAPI RtlInitializeCriticalSection(RTL_CRITICAL_SECTION *CriticalSection)
{
  return RtlInitializeCriticalSectionEx(CriticalSection, 0, 0);
}

ULONG NTAPI RtlSetCriticalSectionSpinCount(RTL_CRITICAL_SECTION *CriticalSection, ULONG SpinCount)
{
  ULONG old = (ULONG)CriticalSection->SpinCount & SPIN_COUNT_MASK;
  CriticalSection->SpinCount = NtCurrentPeb()->NumberOfProcessors > 1 ? SpinCount & SPIN_COUNT_MASK : 0;
  return old;
}

NTSTATUS NTAPI RtlDeleteCriticalSection(RTL_CRITICAL_SECTION *CriticalSection)
{
  NTSTATUS status = STATUS_SUCCESS;
  if (CriticalSection->LockSemaphore)
    status = NtClose(CriticalSection->LockSemaphore);
  *CriticalSection = (RTL_CRITICAL_SECTION){0};
  return status;
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

static BOOLEAN change(RTL_CRITICAL_SECTION *section, LONG from, LONG to)
{
  return __atomic_compare_exchange_n(&section->LockCount, &from, to, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void take(RTL_CRITICAL_SECTION *section, HANDLE self)
{
  section->OwningThread = self;
  section->RecursionCount = 1;
}

static void sleep_on(RTL_CRITICAL_SECTION *section)
{
  PPEB_LDR_DATA ldr = NtCurrentPeb()->Ldr;
  /* The owner was ended with the other threads: nobody will ever leave. */
  if (ldr && ldr->ShutdownInProgress && ldr->ShutdownThreadId == NtCurrentTeb()->ClientId.UniqueThread)
    NtTerminateProcess(NtCurrentProcess(), STATUS_THREAD_IS_TERMINATING);
  HANDLE event = semaphore_of(section);
  if (event)
    NtWaitForSingleObject(event, FALSE, NULL);
  else
    NtYieldExecution();
}

/* Waits until the section is this thread's. */
static void wait_for(RTL_CRITICAL_SECTION *section)
{
  LONG woken = 0; /* what a thread that was woken gives back */
  for (;;) {
    LONG count = section->LockCount;
    if (count & UNLOCKED) {
      if (change(section, count, count - UNLOCKED + woken))
        return;
    } else if (change(section, count, count - ONE_WAITER + woken)) {
      sleep_on(section);
      woken = NOBODY_WOKEN;
    }
  }
}

NTSTATUS NTAPI RtlEnterCriticalSection(RTL_CRITICAL_SECTION *CriticalSection)
{
  HANDLE self = NtCurrentTeb()->ClientId.UniqueThread;
  if (!change(CriticalSection, -1, -2)) {
    if (CriticalSection->OwningThread == self) {
      CriticalSection->RecursionCount++;
      return STATUS_SUCCESS;
    }
    wait_for(CriticalSection);
  }
  take(CriticalSection, self);
  return STATUS_SUCCESS;
}

BOOLEAN NTAPI RtlTryEnterCriticalSection(RTL_CRITICAL_SECTION *CriticalSection)
{
  HANDLE self = NtCurrentTeb()->ClientId.UniqueThread;
  LONG count = CriticalSection->LockCount;
  if ((count & UNLOCKED) && change(CriticalSection, count, count - UNLOCKED)) {
    take(CriticalSection, self);
    return TRUE;
  }
  if (CriticalSection->OwningThread != self)
    return FALSE;
  CriticalSection->RecursionCount++;
  return TRUE;
}

NTSTATUS NTAPI RtlLeaveCriticalSection(RTL_CRITICAL_SECTION *CriticalSection)
{
  if (--CriticalSection->RecursionCount)
    return STATUS_SUCCESS;
  CriticalSection->OwningThread = NULL;
  LONG count = __atomic_add_fetch(&CriticalSection->LockCount, UNLOCKED, __ATOMIC_ACQ_REL);
  /* One waiter is woken, if none is on its way and no other thread took the section at once. */
  while (count != -1 && (count & UNLOCKED) && (count & NOBODY_WOKEN)) {
    if (change(CriticalSection, count, count + ONE_WAITER - NOBODY_WOKEN)) {
      HANDLE event = semaphore_of(CriticalSection);
      if (event)
        NtSetEvent(event, NULL);
      return STATUS_SUCCESS;
    }
    count = CriticalSection->LockCount;
  }
  return STATUS_SUCCESS;
}

BOOLEAN NTAPI RtlIsCriticalSectionLocked(RTL_CRITICAL_SECTION *CriticalSection)
{
  return !(CriticalSection->LockCount & UNLOCKED);
}

BOOLEAN NTAPI RtlIsCriticalSectionLockedByThread(RTL_CRITICAL_SECTION *CriticalSection)
{
  return RtlIsCriticalSectionLocked(CriticalSection) &&
         CriticalSection->OwningThread == NtCurrentTeb()->ClientId.UniqueThread;
}
