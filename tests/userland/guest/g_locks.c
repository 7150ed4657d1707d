/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Critical sections, slim locks, condition variables, one-time initialisation, waits on addresses. */
#include "check.h"

enum { THREADS = 4, ROUNDS = 200 };

static RTL_CRITICAL_SECTION section;
static RTL_SRWLOCK lock;
static RTL_CONDITION_VARIABLE changed;
static RTL_RUN_ONCE once;
static volatile ULONG count, srw_count, tokens, served, initialised;

static HANDLE run(PUSER_THREAD_START_ROUTINE routine, ULONG_PTR argument)
{
  HANDLE thread = NULL;
  CHECK_STATUS(RtlCreateUserThread(NtCurrentProcess(), NULL, FALSE, 0, 0, 0, routine, (PVOID)argument, &thread, NULL),
               0);
  return thread;
}

static void join(HANDLE thread)
{
  CHECK_STATUS(NtWaitForSingleObject(thread, FALSE, NULL), STATUS_WAIT_0);
  NtClose(thread);
}

static void add_slowly(volatile ULONG *number)
{
  ULONG value = *number;
  if (value % 16 == 0)
    NtYieldExecution();
  *number = value + 1;
}

static ULONG NTAPI add(PVOID argument)
{
  (void)argument;
  for (ULONG i = 0; i < ROUNDS; i++) {
    RtlEnterCriticalSection(&section);
    add_slowly(&count);
    RtlLeaveCriticalSection(&section);
    RtlAcquireSRWLockExclusive(&lock);
    add_slowly(&srw_count);
    RtlReleaseSRWLockExclusive(&lock);
  }
  return 0;
}

static void sections(void)
{
  HANDLE threads[THREADS];
  RtlInitializeCriticalSection(&section);
  CHECK_EQ((ULONG)section.LockCount, (ULONG)-1);
  RtlEnterCriticalSection(&section);
  /* As documented: bit 0 clear is locked, nobody waits. */
  CHECK_EQ((ULONG)section.LockCount, (ULONG)-2);
  CHECK(section.OwningThread == NtCurrentTeb()->ClientId.UniqueThread);
  CHECK(RtlTryEnterCriticalSection(&section) && section.RecursionCount == 2);
  CHECK(RtlIsCriticalSectionLockedByThread(&section));
  RtlLeaveCriticalSection(&section);
  for (ULONG i = 0; i < THREADS; i++)
    threads[i] = run(add, 0);
  NtYieldExecution();
  RtlLeaveCriticalSection(&section);
  for (ULONG i = 0; i < THREADS; i++)
    join(threads[i]);
  CHECK_EQ(count, THREADS * ROUNDS);
  CHECK_EQ(srw_count, THREADS * ROUNDS);
  CHECK_EQ((ULONG)section.LockCount, (ULONG)-1);
  CHECK(!lock.Ptr);
  CHECK_EQ(RtlSetCriticalSectionSpinCount(&section, 4000), 0);
  CHECK_STATUS(RtlInitializeCriticalSectionEx(&section, 0x1000000, 0), STATUS_INVALID_PARAMETER_2);
  CHECK_STATUS(RtlDeleteCriticalSection(&section), STATUS_SUCCESS);
}

static ULONG NTAPI try_lock(PVOID argument)
{
  BOOLEAN shared = RtlTryAcquireSRWLockShared(&lock), exclusive = RtlTryAcquireSRWLockExclusive(&lock);
  if (shared)
    RtlReleaseSRWLockShared(&lock);
  if (exclusive)
    RtlReleaseSRWLockExclusive(&lock);
  *(ULONG *)argument = (ULONG)shared | (ULONG)exclusive << 1;
  return 0;
}

static void slim_locks(void)
{
  ULONG result = 0;
  RtlAcquireSRWLockShared(&lock);
  join(run(try_lock, (ULONG_PTR)&result));
  CHECK_EQ(result, 1);
  RtlReleaseSRWLockShared(&lock);
  RtlAcquireSRWLockExclusive(&lock);
  join(run(try_lock, (ULONG_PTR)&result));
  CHECK_EQ(result, 0);
  RtlReleaseSRWLockExclusive(&lock);
  CHECK(!lock.Ptr);
}

static ULONG NTAPI serve(PVOID argument)
{
  (void)argument;
  RtlAcquireSRWLockExclusive(&lock);
  while (!tokens)
    RtlSleepConditionVariableSRW(&changed, &lock, NULL, 0);
  tokens--;
  served++;
  RtlReleaseSRWLockExclusive(&lock);
  return 0;
}

static void condition_variables(void)
{
  HANDLE threads[THREADS];
  const LARGE_INTEGER soon = {.QuadPart = -10000};
  for (ULONG i = 0; i < THREADS; i++)
    threads[i] = run(serve, 0);
  for (ULONG i = 0; i < THREADS; i++) {
    NtDelayExecution(FALSE, &soon);
    RtlAcquireSRWLockExclusive(&lock);
    tokens++;
    RtlReleaseSRWLockExclusive(&lock);
    if (i % 2)
      RtlWakeConditionVariable(&changed);
    else
      RtlWakeAllConditionVariable(&changed);
  }
  for (ULONG i = 0; i < THREADS; i++)
    join(threads[i]);
  CHECK_EQ(served, THREADS);
  RtlInitializeCriticalSection(&section);
  RtlEnterCriticalSection(&section);
  CHECK_STATUS(RtlSleepConditionVariableCS(&changed, &section, &soon), STATUS_TIMEOUT);
  CHECK(RtlIsCriticalSectionLockedByThread(&section));
  RtlLeaveCriticalSection(&section);
}

static DWORD WINAPI initialise(PRTL_RUN_ONCE run_once, PVOID parameter, PVOID *context)
{
  (void)run_once;
  NtYieldExecution();
  initialised++;
  *context = parameter;
  return TRUE;
}

static ULONG NTAPI use(PVOID argument)
{
  PVOID context = NULL;
  (void)argument;
  CHECK_STATUS(RtlRunOnceExecuteOnce(&once, initialise, (PVOID)0x1230, &context), STATUS_SUCCESS);
  CHECK_EQ((ULONG_PTR)context, 0x1230);
  return 0;
}

static void run_once(void)
{
  HANDLE threads[THREADS];
  RTL_RUN_ONCE other = RTL_RUN_ONCE_INIT;
  PVOID context;
  for (ULONG i = 0; i < THREADS; i++)
    threads[i] = run(use, 0);
  for (ULONG i = 0; i < THREADS; i++)
    join(threads[i]);
  CHECK_EQ(initialised, 1);
  CHECK_STATUS(RtlRunOnceBeginInitialize(&other, RTL_RUN_ONCE_CHECK_ONLY, &context), STATUS_UNSUCCESSFUL);
  CHECK_STATUS(RtlRunOnceBeginInitialize(&other, 0, &context), STATUS_PENDING);
  CHECK_STATUS(RtlRunOnceComplete(&other, RTL_RUN_ONCE_INIT_FAILED, NULL), STATUS_SUCCESS);
  CHECK_STATUS(RtlRunOnceBeginInitialize(&other, RTL_RUN_ONCE_ASYNC, &context), STATUS_PENDING);
  CHECK_STATUS(RtlRunOnceBeginInitialize(&other, RTL_RUN_ONCE_ASYNC, &context), STATUS_PENDING);
  CHECK_STATUS(RtlRunOnceComplete(&other, RTL_RUN_ONCE_ASYNC, (PVOID)0x40), STATUS_SUCCESS);
  CHECK_STATUS(RtlRunOnceComplete(&other, RTL_RUN_ONCE_ASYNC, (PVOID)0x80), STATUS_OBJECT_NAME_COLLISION);
  CHECK_STATUS(RtlRunOnceBeginInitialize(&other, 0, &context), STATUS_SUCCESS);
  CHECK_EQ((ULONG_PTR)context, 0x40);
}

static void addresses(void)
{
  volatile USHORT value = 5;
  USHORT other = 6, same = 5;
  const LARGE_INTEGER soon = {.QuadPart = -10000};
  CHECK_STATUS(RtlWaitOnAddress(&value, &other, 2, &soon), STATUS_SUCCESS);
  CHECK_STATUS(RtlWaitOnAddress(&value, &same, 2, &soon), STATUS_TIMEOUT);
  CHECK_STATUS(RtlWaitOnAddress(&value, &same, 3, &soon), STATUS_INVALID_PARAMETER);
}

void check(void)
{
  sections();
  slim_locks();
  condition_variables();
  run_once();
  addresses();
}
