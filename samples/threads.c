/* SPDX-License-Identifier: GPL-2.0-or-later */
/* threads: three threads under one lock.
 *
 * Look for: CREATE_THREAD before anything else that a thread does, its start address that of `work` (not of the code in
 * ntdll where threads really begin, fact 44), EXIT_THREAD with 1, 2 and 3; the main thread, as the last one, gives only
 * EXIT_PROCESS (fact 10). Another --seed with --random-schedule interleaves the lines another way. */
#include "sample.h"

static CRITICAL_SECTION lock;

static DWORD WINAPI work(void *argument)
{
  for (int i = 0; i < 2; i++) {
    EnterCriticalSection(&lock);
    say("thread %u, line %u\n", N(argument), N(i));
    LeaveCriticalSection(&lock);
    Sleep(1);
  }
  return (DWORD)(ULONG_PTR)argument;
}

int start(void)
{
  HANDLE threads[3];
  InitializeCriticalSection(&lock);
  for (ULONG_PTR i = 0; i < 3; i++)
    threads[i] = CreateThread(NULL, 0, work, (void *)(i + 1), 0, NULL);
  WaitForMultipleObjects(3, threads, TRUE, INFINITE);
  for (int i = 0; i < 3; i++) {
    DWORD code = 0;
    GetExitCodeThread(threads[i], &code);
    say("thread %u ended with %u\n", N(i + 1), N(code));
  }
  return 0;
}
