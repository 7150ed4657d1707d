/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls: thread-local storage and its callbacks.
 *
 * Look for: the loader's breakpoint comes before the first callback (fact 2: no code of the program ran before). Callbacks
 * run before the entry point, for each thread's start and end, and each thread has its own copy of the variable. */
#include "sample.h"

ULONG _tls_index;
static int template_of_variable = 5;

static void NTAPI callback(PVOID module, DWORD reason, PVOID reserved)
{
  static const char *const reasons[] = {"process detach", "process attach", "thread attach", "thread detach"};
  (void)module, (void)reserved;
  say("callback: %s\n", reasons[reason & 3]);
}

static const PIMAGE_TLS_CALLBACK callbacks[] = {callback, NULL};
const IMAGE_TLS_DIRECTORY64 _tls_used = {(ULONG_PTR)&template_of_variable, (ULONG_PTR)(&template_of_variable + 1),
                                         (ULONG_PTR)&_tls_index, (ULONG_PTR)callbacks, 0, 0};

static int *variable(void)
{
  void **vector;
  __asm__("mov %%gs:0x58, %0" : "=r"(vector));
  return vector[_tls_index];
}

static DWORD WINAPI work(void *argument)
{
  (void)argument;
  say("new thread: %u\n", N(*variable()));
  *variable() = 7;
  return 0;
}

int start(void)
{
  *variable() = 6;
  HANDLE thread = CreateThread(NULL, 0, work, NULL, 0, NULL);
  WaitForSingleObject(thread, INFINITE);
  say("first thread: %u\n", N(*variable()));
  return 0;
}
