/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Four threads whose lines interleave as the scheduler decides: the output depends on the seed and on nothing else.
 * A yields, B and C hand an event to and fro, D spins across quantum ends; all take a mutant to print. */
#include "nano.h"

#define ROUNDS 8

static HANDLE mutant, ping, pong;
static volatile ULONG64 sink;

static void say(char who, unsigned round)
{
  char line[3] = {who, (char)('0' + round), '\n'};
  CHECK_STATUS(NtWaitForSingleObject(mutant, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  write_output(line, 3);
  CHECK_STATUS(NtReleaseMutant(mutant, NULL), STATUS_SUCCESS);
}

static ULONG yielder(void *argument)
{
  (void)argument;
  for (unsigned i = 0; i < ROUNDS; i++) {
    say('A', i);
    NtYieldExecution();
  }
  return 1;
}

static ULONG pinger(void *argument)
{
  (void)argument;
  for (unsigned i = 0; i < ROUNDS; i++) {
    say('B', i);
    CHECK_STATUS(NtSignalAndWaitForSingleObject(ping, pong, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  }
  return 2;
}

static ULONG ponger(void *argument)
{
  (void)argument;
  for (unsigned i = 0; i < ROUNDS; i++) {
    CHECK_STATUS(NtWaitForSingleObject(ping, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
    say('C', i);
    CHECK_STATUS(NtSetEvent(pong, NULL), STATUS_SUCCESS);
  }
  return 3;
}

static ULONG spinner(void *argument)
{
  (void)argument;
  for (unsigned i = 0; i < ROUNDS; i++) {
    say('D', i);
    for (unsigned n = 0; n < 100000; n++)
      sink += n;
  }
  return 4;
}

ULONG start(void *peb)
{
  (void)peb;
  CHECK_STATUS(NtCreateMutant(&mutant, MUTANT_ALL_ACCESS, NULL, FALSE), STATUS_SUCCESS);
  CHECK_STATUS(NtCreateEvent(&ping, EVENT_ALL_ACCESS, NULL, 1, FALSE), STATUS_SUCCESS);
  CHECK_STATUS(NtCreateEvent(&pong, EVENT_ALL_ACCESS, NULL, 1, FALSE), STATUS_SUCCESS);
  HANDLE threads[4] = {create_thread(yielder, NULL), create_thread(pinger, NULL), create_thread(ponger, NULL),
                       create_thread(spinner, NULL)};
  CHECK_STATUS(NtWaitForMultipleObjects(4, threads, 0, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  for (unsigned i = 0; i < 4; i++)
    CHECK(thread_exit_status(threads[i]) == (NTSTATUS)(i + 1));
  print("done");
  return 0;
}
