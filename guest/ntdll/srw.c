/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slim reader/writer locks, condition variables and one-time initialisation: a pointer each, waits on its address. */
#include "ntdllp.h"

/* ---- slim reader/writer locks: 1 exclusive, 11 shared by one, 21 by two...; 2 with waiters ---- */

#define LOCKED 1ull
#define WAITERS 2ull
#define ONE_READER 0x10ull

static BOOLEAN change(PVOID *word, ULONG64 from, ULONG64 to)
{
  PVOID expected = (PVOID)from;
  return __atomic_compare_exchange_n(word, &expected, (PVOID)to, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static ULONG64 value_of(PVOID *word) { return (ULONG64)__atomic_load_n(word, __ATOMIC_ACQUIRE); }

static void wait_for_lock(PVOID *word, ULONG64 value)
{
  ULONG64 waiting = value | WAITERS;
  if (value == waiting || change(word, value, waiting))
    RtlWaitOnAddress(word, &waiting, sizeof waiting, NULL);
}

BOOLEAN NTAPI RtlTryAcquireSRWLockExclusive(RTL_SRWLOCK *SRWLock)
{
  ULONG64 value = value_of(&SRWLock->Ptr);
  return !(value & LOCKED) && change(&SRWLock->Ptr, value, value | LOCKED);
}

void NTAPI RtlAcquireSRWLockExclusive(RTL_SRWLOCK *SRWLock)
{
  while (!RtlTryAcquireSRWLockExclusive(SRWLock)) {
    ULONG64 value = value_of(&SRWLock->Ptr);
    if (value & LOCKED)
      wait_for_lock(&SRWLock->Ptr, value);
  }
}

void NTAPI RtlReleaseSRWLockExclusive(RTL_SRWLOCK *SRWLock)
{
  ULONG64 value = (ULONG64)__atomic_exchange_n(&SRWLock->Ptr, NULL, __ATOMIC_ACQ_REL);
  if (!(value & LOCKED))
    RtlRaiseStatus(STATUS_RESOURCE_NOT_OWNED);
  if (value & WAITERS)
    RtlWakeAddressAll(&SRWLock->Ptr);
}

/* Readers join readers, unless somebody waits. */
static BOOLEAN may_share(ULONG64 value) { return !value || (value >= ONE_READER && !(value & WAITERS)); }

BOOLEAN NTAPI RtlTryAcquireSRWLockShared(RTL_SRWLOCK *SRWLock)
{
  for (;;) {
    ULONG64 value = value_of(&SRWLock->Ptr);
    if (!may_share(value))
      return FALSE;
    if (change(&SRWLock->Ptr, value, (value | LOCKED) + ONE_READER))
      return TRUE;
  }
}

void NTAPI RtlAcquireSRWLockShared(RTL_SRWLOCK *SRWLock)
{
  while (!RtlTryAcquireSRWLockShared(SRWLock)) {
    ULONG64 value = value_of(&SRWLock->Ptr);
    if (!may_share(value))
      wait_for_lock(&SRWLock->Ptr, value);
  }
}

void NTAPI RtlReleaseSRWLockShared(RTL_SRWLOCK *SRWLock)
{
  ULONG64 value, left;
  do {
    value = value_of(&SRWLock->Ptr);
    if (value < ONE_READER)
      RtlRaiseStatus(STATUS_RESOURCE_NOT_OWNED);
    left = value - ONE_READER >= ONE_READER ? value - ONE_READER : 0;
  } while (!change(&SRWLock->Ptr, value, left));
  if (!left && (value & WAITERS))
    RtlWakeAddressAll(&SRWLock->Ptr);
}

void NTAPI RtlInitializeSRWLock(RTL_SRWLOCK *SRWLock) { SRWLock->Ptr = NULL; }

/* ---- condition variables: a count of wakes ---- */

void NTAPI RtlInitializeConditionVariable(RTL_CONDITION_VARIABLE *ConditionVariable) { ConditionVariable->Ptr = NULL; }

NTSTATUS NTAPI RtlSleepConditionVariableCS(RTL_CONDITION_VARIABLE *ConditionVariable,
                                           RTL_CRITICAL_SECTION *CriticalSection, const LARGE_INTEGER *Timeout)
{
  ULONG64 value = value_of(&ConditionVariable->Ptr);
  RtlLeaveCriticalSection(CriticalSection);
  NTSTATUS status = RtlWaitOnAddress(&ConditionVariable->Ptr, &value, sizeof value, Timeout);
  RtlEnterCriticalSection(CriticalSection);
  return status;
}

NTSTATUS NTAPI RtlSleepConditionVariableSRW(RTL_CONDITION_VARIABLE *ConditionVariable, RTL_SRWLOCK *SRWLock,
                                            const LARGE_INTEGER *Timeout, ULONG Flags)
{
  ULONG64 value = value_of(&ConditionVariable->Ptr);
  BOOLEAN shared = Flags & RTL_CONDITION_VARIABLE_LOCKMODE_SHARED;
  if (Flags & ~RTL_CONDITION_VARIABLE_LOCKMODE_SHARED)
    return STATUS_INVALID_PARAMETER_4;
  if (shared)
    RtlReleaseSRWLockShared(SRWLock);
  else
    RtlReleaseSRWLockExclusive(SRWLock);
  NTSTATUS status = RtlWaitOnAddress(&ConditionVariable->Ptr, &value, sizeof value, Timeout);
  if (shared)
    RtlAcquireSRWLockShared(SRWLock);
  else
    RtlAcquireSRWLockExclusive(SRWLock);
  return status;
}

void NTAPI RtlWakeConditionVariable(RTL_CONDITION_VARIABLE *ConditionVariable)
{
  __atomic_add_fetch((ULONG64 *)&ConditionVariable->Ptr, 1, __ATOMIC_ACQ_REL);
  RtlWakeAddressSingle(&ConditionVariable->Ptr);
}

void NTAPI RtlWakeAllConditionVariable(RTL_CONDITION_VARIABLE *ConditionVariable)
{
  __atomic_add_fetch((ULONG64 *)&ConditionVariable->Ptr, 1, __ATOMIC_ACQ_REL);
  RtlWakeAddressAll(&ConditionVariable->Ptr);
}

/* ---- one-time initialisation: the context, in its low bits the state ---- */

enum { ONCE_NOT_BEGUN, ONCE_RUNNING, ONCE_DONE, ONCE_RUNNING_ASYNC, ONCE_STATE = 3 };

void NTAPI RtlRunOnceInitialize(RTL_RUN_ONCE *RunOnce) { RunOnce->Ptr = NULL; }

/* ULONG, not NTSTATUS, as winnt.h declares them. */
DWORD NTAPI RtlRunOnceBeginInitialize(RTL_RUN_ONCE *RunOnce, ULONG Flags, PVOID *Context)
{
  BOOLEAN async = (Flags & RTL_RUN_ONCE_ASYNC) != 0;
  if ((Flags & ~(RTL_RUN_ONCE_CHECK_ONLY | RTL_RUN_ONCE_ASYNC)) ||
      Flags == (RTL_RUN_ONCE_CHECK_ONLY | RTL_RUN_ONCE_ASYNC))
    return (DWORD)STATUS_INVALID_PARAMETER_2;
  for (;;) {
    ULONG64 value = value_of(&RunOnce->Ptr);
    ULONG state = value & ONCE_STATE;
    if (state == ONCE_DONE) {
      if (Context)
        *Context = (PVOID)(value & ~(ULONG64)ONCE_STATE);
      return STATUS_SUCCESS;
    }
    if (Flags & RTL_RUN_ONCE_CHECK_ONLY)
      return (DWORD)STATUS_UNSUCCESSFUL;
    if (state == ONCE_NOT_BEGUN) {
      if (change(&RunOnce->Ptr, value, async ? ONCE_RUNNING_ASYNC : ONCE_RUNNING))
        return STATUS_PENDING;
    } else if (async != (state == ONCE_RUNNING_ASYNC)) {
      return (DWORD)STATUS_INVALID_PARAMETER_2;
    } else if (async) {
      return STATUS_PENDING;
    } else {
      RtlWaitOnAddress(&RunOnce->Ptr, &value, sizeof value, NULL);
    }
  }
}

DWORD NTAPI RtlRunOnceComplete(RTL_RUN_ONCE *RunOnce, ULONG Flags, PVOID Context)
{
  BOOLEAN failed = (Flags & RTL_RUN_ONCE_INIT_FAILED) != 0, async = (Flags & RTL_RUN_ONCE_ASYNC) != 0;
  ULONG64 value = value_of(&RunOnce->Ptr);
  ULONG state = value & ONCE_STATE;
  if ((Flags & ~(RTL_RUN_ONCE_ASYNC | RTL_RUN_ONCE_INIT_FAILED)) || (failed && async))
    return (DWORD)STATUS_INVALID_PARAMETER_2;
  if (((ULONG_PTR)Context & ONCE_STATE) || (failed && Context))
    return (DWORD)STATUS_INVALID_PARAMETER_3;
  if (state != ONCE_RUNNING && state != ONCE_RUNNING_ASYNC)
    return (DWORD)(state == ONCE_DONE && async ? STATUS_OBJECT_NAME_COLLISION : STATUS_UNSUCCESSFUL);
  if (async != (state == ONCE_RUNNING_ASYNC))
    return (DWORD)STATUS_INVALID_PARAMETER_2;
  if (!change(&RunOnce->Ptr, value, failed ? ONCE_NOT_BEGUN : (ULONG64)Context | ONCE_DONE))
    return (DWORD)STATUS_OBJECT_NAME_COLLISION;
  if (!async)
    RtlWakeAddressAll(&RunOnce->Ptr);
  return STATUS_SUCCESS;
}

DWORD NTAPI RtlRunOnceExecuteOnce(RTL_RUN_ONCE *RunOnce, PRTL_RUN_ONCE_INIT_FN InitFn, PVOID Parameter, PVOID *Context)
{
  DWORD status = RtlRunOnceBeginInitialize(RunOnce, 0, Context);
  if (status != STATUS_PENDING)
    return status;
  if (InitFn(RunOnce, Parameter, Context))
    return RtlRunOnceComplete(RunOnce, 0, Context ? *Context : NULL);
  RtlRunOnceComplete(RunOnce, RTL_RUN_ONCE_INIT_FAILED, NULL);
  return (DWORD)STATUS_UNSUCCESSFUL;
}
