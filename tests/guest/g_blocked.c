/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Three threads in three states when the first one meets its breakpoint: it waits for its debugger, one sleeps, one is
 * in the middle of a loop. */
#include "nano.h"

#define LOOPS 400000u

static volatile ULONG naps, sum;

static ULONG sleeper(void *argument)
{
  (void)argument;
  for (unsigned i = 0; i < 3; i++) {
    CHECK_STATUS(NtDelayExecution(FALSE, MILLISECONDS(4)), STATUS_SUCCESS);
    naps++;
  }
  return 1;
}

static ULONG spinner(void *argument)
{
  (void)argument;
  ULONG value = 0;
  for (unsigned i = 0; i < LOOPS; i++) {
    value = value * 3 + i;
    __asm__ volatile("" : "+r"(value));
  }
  sum = value;
  return 2;
}

PROBE(breakpoint, "int3");

ULONG start(void *peb)
{
  (void)peb;
  RtlAddVectoredExceptionHandler(1, record_exception);
  HANDLE threads[2] = {create_thread(sleeper, NULL), create_thread(spinner, NULL)};
  CHECK_STATUS(NtDelayExecution(FALSE, MILLISECONDS(1)), STATUS_SUCCESS);
  RUN_PROBE(breakpoint, NULL);
  CHECK(seen.count == 1 && seen.code == STATUS_BREAKPOINT);
  CHECK_STATUS(NtWaitForMultipleObjects(2, threads, 0, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  print_number("sum ", sum);
  CHECK(naps == 3 && thread_exit_status(threads[0]) == 1 && thread_exit_status(threads[1]) == 2);
  return 0;
}
