/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mutants: recursion, ownership, abandonment; semaphores: counts and limits. */
#include "nano.h"

static HANDLE mutant;

static ULONG abandons(void *argument)
{
  (void)argument;
  CHECK_STATUS(NtWaitForSingleObject(mutant, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  return 0;
}

static ULONG not_owner(void *argument)
{
  (void)argument;
  CHECK_STATUS(NtReleaseMutant(mutant, NULL), STATUS_MUTANT_NOT_OWNED);
  CHECK_STATUS(NtWaitForSingleObject(mutant, FALSE, MILLISECONDS(2)), STATUS_TIMEOUT);
  return 0;
}

static void finish(HANDLE thread)
{
  CHECK_STATUS(NtWaitForSingleObject(thread, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  NtClose(thread);
}

static void semaphores(void)
{
  struct {
    LONG current, maximum;
  } information;
  HANDLE semaphore;
  LONG previous = 9;
  CHECK_STATUS(NtCreateSemaphore(&semaphore, SEMAPHORE_ALL_ACCESS, NULL, 3, 2), STATUS_INVALID_PARAMETER);
  CHECK_STATUS(NtCreateSemaphore(&semaphore, SEMAPHORE_ALL_ACCESS, NULL, 0, 0), STATUS_INVALID_PARAMETER);
  CHECK_STATUS(NtCreateSemaphore(&semaphore, SEMAPHORE_ALL_ACCESS, NULL, 1, 3), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForSingleObject(semaphore, FALSE, MILLISECONDS(0)), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForSingleObject(semaphore, FALSE, MILLISECONDS(0)), STATUS_TIMEOUT);
  CHECK_STATUS(NtReleaseSemaphore(semaphore, 2, &previous), STATUS_SUCCESS);
  CHECK(previous == 0);
  CHECK_STATUS(NtReleaseSemaphore(semaphore, 2, &previous), STATUS_SEMAPHORE_LIMIT_EXCEEDED);
  CHECK_STATUS(NtReleaseSemaphore(semaphore, 0, &previous), STATUS_INVALID_PARAMETER);
  CHECK_STATUS(NtQuerySemaphore(semaphore, 0, &information, sizeof(information), NULL), STATUS_SUCCESS);
  CHECK(information.current == 2 && information.maximum == 3);
}

ULONG start(void *peb)
{
  struct {
    LONG count;
    BOOLEAN owned, abandoned;
  } information;
  LONG previous = 9;
  (void)peb;
  CHECK_STATUS(NtCreateMutant(&mutant, MUTANT_ALL_ACCESS, NULL, TRUE), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForSingleObject(mutant, FALSE, MILLISECONDS(0)), STATUS_SUCCESS);
  CHECK_STATUS(NtQueryMutant(mutant, 0, &information, sizeof(information), NULL), STATUS_SUCCESS);
  CHECK(information.count == -1 && information.owned && !information.abandoned);
  finish(create_thread(not_owner, NULL));
  CHECK_STATUS(NtReleaseMutant(mutant, &previous), STATUS_SUCCESS);
  CHECK(previous == -1);
  CHECK_STATUS(NtReleaseMutant(mutant, &previous), STATUS_SUCCESS);
  CHECK(previous == 0);
  CHECK_STATUS(NtReleaseMutant(mutant, NULL), STATUS_MUTANT_NOT_OWNED);
  finish(create_thread(abandons, NULL));
  CHECK_STATUS(NtQueryMutant(mutant, 0, &information, sizeof(information), NULL), STATUS_SUCCESS);
  CHECK(information.count == 1 && !information.owned && information.abandoned);
  CHECK_STATUS(NtWaitForSingleObject(mutant, FALSE, MILLISECONDS(0)), STATUS_ABANDONED_WAIT_0);
  CHECK_STATUS(NtReleaseMutant(mutant, NULL), STATUS_SUCCESS);
  finish(create_thread(abandons, NULL));
  HANDLE pair[2];
  CHECK_STATUS(NtCreateEvent(&pair[0], EVENT_ALL_ACCESS, NULL, 0, FALSE), STATUS_SUCCESS);
  pair[1] = mutant;
  CHECK_STATUS(NtWaitForMultipleObjects(2, pair, 1, FALSE, MILLISECONDS(0)), STATUS_ABANDONED_WAIT_0 + 1);
  CHECK_STATUS(NtReleaseMutant(mutant, NULL), STATUS_SUCCESS);
  semaphores();
  return 0;
}
