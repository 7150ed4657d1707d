/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User APCs on oneself and on another thread; threads that others end, and new ones after them. */
#include <windows.h>

#include <stdio.h>

static int delivered;

static VOID CALLBACK apc(ULONG_PTR parameter) { delivered = delivered * 10 + (int)parameter; }

static DWORD WINAPI sleeper(void *parameter)
{
  (void)parameter;
  return SleepEx(INFINITE, TRUE);
}

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      printf("line %d: %s\n", __LINE__, #condition);                                                                   \
      return __LINE__;                                                                                                 \
    }                                                                                                                  \
  } while (0)

int main(void)
{
  DWORD code;
  CHECK(QueueUserAPC(apc, GetCurrentThread(), 1) && QueueUserAPC(apc, GetCurrentThread(), 2));
  CHECK(delivered == 0);
  CHECK(SleepEx(0, TRUE) == WAIT_IO_COMPLETION);
  CHECK(delivered == 12);
  HANDLE thread = CreateThread(NULL, 0, sleeper, NULL, 0, NULL);
  Sleep(10);
  CHECK(QueueUserAPC(apc, thread, 3));
  CHECK(WaitForSingleObject(thread, 5000) == WAIT_OBJECT_0);
  CHECK(GetExitCodeThread(thread, &code) && code == WAIT_IO_COMPLETION);
  CHECK(delivered == 123);
  for (int i = 0; i < 5; i++) {
    thread = CreateThread(NULL, 0, (LPTHREAD_START_ROUTINE)(void *)Sleep, (void *)100000, 0, NULL);
    Sleep(5);
    CHECK(TerminateThread(thread, 1));
    CHECK(WaitForSingleObject(thread, 5000) == WAIT_OBJECT_0);
  }
  return 0;
}
