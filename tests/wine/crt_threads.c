/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program with a C runtime: three threads under one lock, that print. */
#include <stdio.h>
#include <windows.h>

static CRITICAL_SECTION lock;

static DWORD WINAPI work(void *argument)
{
  int number = (int)(ULONG_PTR)argument;
  for (int i = 0; i < 3; i++) {
    EnterCriticalSection(&lock);
    printf("thread %d, line %d\n", number, i);
    fflush(stdout);
    LeaveCriticalSection(&lock);
    SwitchToThread();
  }
  return (DWORD)number;
}

int main(void)
{
  HANDLE threads[3];
  InitializeCriticalSection(&lock);
  for (int i = 0; i < 3; i++) {
    threads[i] = CreateThread(NULL, 0, work, (void *)(ULONG_PTR)(i + 1), 0, NULL);
    if (!threads[i])
      return 1;
  }
  WaitForMultipleObjects(3, threads, TRUE, INFINITE);
  for (int i = 0; i < 3; i++) {
    DWORD code = 0;
    GetExitCodeThread(threads[i], &code);
    printf("thread %d ended with %lu\n", i + 1, (unsigned long)code);
  }
  return 0;
}
