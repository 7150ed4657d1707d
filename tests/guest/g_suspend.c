/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suspend counts, the context of a suspended thread, and moving its Rip. */
#include "nano.h"

static volatile ULONG64 counter;

__attribute__((noinline)) static ULONG spinner(void *argument)
{
  (void)argument;
  for (;;)
    counter++;
  return 0;
}

static void landing(void) { RtlExitUserThread(0x55); }

ULONG start(void *peb)
{
  (void)peb;
  HANDLE thread = create_thread(spinner, NULL);
  ULONG previous = 99;
  CHECK_STATUS(NtDelayExecution(FALSE, MILLISECONDS(20)), STATUS_SUCCESS);
  CHECK_STATUS(NtSuspendThread(thread, &previous), STATUS_SUCCESS);
  CHECK(previous == 0);
  CHECK_STATUS(NtSuspendThread(thread, &previous), STATUS_SUCCESS);
  CHECK(previous == 1);
  CONTEXT context = {.ContextFlags = CONTEXT_FULL};
  CHECK_STATUS(NtGetContextThread(thread, &context), STATUS_SUCCESS);
  ULONG64 at = counter;
  CHECK(at > 0);
  CHECK(context.Rip - (ULONG64)spinner < 64);
  CHECK(context.SegCs == 0x33 && context.SegSs == 0x2B);
  CHECK_STATUS(NtDelayExecution(FALSE, MILLISECONDS(20)), STATUS_SUCCESS);
  CHECK(counter == at);
  CHECK_STATUS(NtResumeThread(thread, &previous), STATUS_SUCCESS);
  CHECK(previous == 2);
  CHECK_STATUS(NtResumeThread(thread, &previous), STATUS_SUCCESS);
  CHECK(previous == 1);
  CHECK_STATUS(NtDelayExecution(FALSE, MILLISECONDS(20)), STATUS_SUCCESS);
  CHECK(counter > at);
  CHECK_STATUS(NtResumeThread(thread, &previous), STATUS_SUCCESS);
  CHECK(previous == 0);
  for (unsigned i = 0; i < 127; i++)
    CHECK_STATUS(NtSuspendThread(thread, NULL), STATUS_SUCCESS);
  CHECK_STATUS(NtSuspendThread(thread, NULL), STATUS_SUSPEND_COUNT_EXCEEDED);
  context = (CONTEXT){.ContextFlags = CONTEXT_CONTROL};
  CHECK_STATUS(NtGetContextThread(thread, &context), STATUS_SUCCESS);
  context.Rip = (ULONG64)landing;
  context.Rsp = (context.Rsp & ~0xFull) - 0x108;
  CHECK_STATUS(NtSetContextThread(thread, &context), STATUS_SUCCESS);
  for (unsigned i = 0; i < 127; i++)
    CHECK_STATUS(NtResumeThread(thread, NULL), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForSingleObject(thread, FALSE, MILLISECONDS(1000)), STATUS_SUCCESS);
  CHECK(thread_exit_status(thread) == 0x55);
  CHECK_STATUS(NtSuspendThread(thread, NULL), STATUS_THREAD_IS_TERMINATING);
  return 0;
}
