/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Three threads one after the other, each with its exit code; then three at once, one of them created suspended. */
#include "nano.h"

static volatile ULONG ran;

static ULONG routine(void *argument)
{
  __atomic_fetch_add(&ran, 1, __ATOMIC_SEQ_CST);
  NANO_TEB *teb = nano_teb();
  ULONG64 here = (ULONG64)&teb;
  CHECK(teb->Self == (ULONG64)teb && here < teb->StackBase && here >= teb->StackLimit);
  if ((ULONG64)argument == 2)
    RtlExitUserThread(0x22);
  return 0x10 + (ULONG)(ULONG64)argument;
}

ULONG start(void *peb)
{
  (void)peb;
  for (ULONG64 i = 0; i < 3; i++) {
    HANDLE thread = create_thread(routine, (void *)i);
    CHECK_STATUS(NtWaitForSingleObject(thread, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
    CHECK(thread_exit_status(thread) == (i == 2 ? 0x22 : (NTSTATUS)(0x10 + i)));
    CHECK_STATUS(NtClose(thread), STATUS_SUCCESS);
  }
  CHECK(ran == 3);
  HANDLE threads[3] = {create_thread(routine, (void *)3), create_thread(routine, (void *)4), 0};
  CHECK_STATUS(
      NtCreateThreadEx(&threads[2], THREAD_ALL_ACCESS, NULL, NtCurrentProcess, routine, (void *)5, 1, 0, 0, 0, NULL),
      STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForMultipleObjects(2, threads, 0, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForSingleObject(threads[2], FALSE, MILLISECONDS(5)), STATUS_TIMEOUT);
  CHECK(thread_exit_status(threads[2]) == STATUS_PENDING && ran == 5);
  ULONG count = 99;
  CHECK_STATUS(NtResumeThread(threads[2], &count), STATUS_SUCCESS);
  CHECK(count == 1);
  CHECK_STATUS(NtWaitForSingleObject(threads[2], FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  CHECK(ran == 6 && thread_exit_status(threads[2]) == 0x15);
  return 0;
}
