/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Never ends: two threads wait for each other's mutant. */
#include "nano.h"

static HANDLE mutants[2], ready[2];

static ULONG lock_both(void *argument)
{
  ULONG64 mine = (ULONG64)argument;
  NtWaitForSingleObject(mutants[mine], FALSE, INFINITE_WAIT);
  NtSignalAndWaitForSingleObject(ready[mine], ready[!mine], FALSE, INFINITE_WAIT);
  NtWaitForSingleObject(mutants[!mine], FALSE, INFINITE_WAIT);
  return 1;
}

ULONG start(void *peb)
{
  (void)peb;
  for (unsigned i = 0; i < 2; i++) {
    CHECK_STATUS(NtCreateMutant(&mutants[i], MUTANT_ALL_ACCESS, NULL, FALSE), STATUS_SUCCESS);
    CHECK_STATUS(NtCreateEvent(&ready[i], EVENT_ALL_ACCESS, NULL, 0, FALSE), STATUS_SUCCESS);
  }
  create_thread(lock_both, (void *)1);
  return lock_both((void *)0);
}
