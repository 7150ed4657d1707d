/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program under test: a thread says what it does and ends; with the argument "fault" it writes to address 0x10. */
#include <string.h>
#include <windows.h>

static DWORD WINAPI work(void *fault)
{
  OutputDebugStringA("working");
  if (fault)
    *(volatile int *)0x10 = 1;
  return 7;
}

int main(int argc, char **argv)
{
  int fault = argc > 1 && strcmp(argv[1], "fault") == 0;
  HANDLE thread = CreateThread(NULL, 0, work, fault ? "" : NULL, 0, NULL);
  if (!thread)
    return 1;
  WaitForSingleObject(thread, INFINITE);
  CloseHandle(thread);
  return 0;
}
