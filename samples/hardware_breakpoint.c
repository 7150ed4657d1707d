/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hardware_breakpoint: a data breakpoint on a variable.
 *
 * Look for: EXCEPTION 80000004 (single step) behind the write, Dr6 with bit 0: the trap comes after the instruction. The
 * program sets its own debug registers, as a debugger would do from outside. */
#include "sample.h"

static volatile int watched;
static HANDLE main_thread;

static DWORD WINAPI set_breakpoint(void *argument)
{
  static CONTEXT context;
  (void)argument;
  context.ContextFlags = CONTEXT_DEBUG_REGISTERS;
  SuspendThread(main_thread);
  GetThreadContext(main_thread, &context);
  context.Dr0 = (ULONG_PTR)&watched;
  context.Dr7 = 1 | 1 << 16 | 3 << 18; /* on, writes, four bytes */
  SetThreadContext(main_thread, &context);
  ResumeThread(main_thread);
  return 0;
}

static LONG CALLBACK on_step(EXCEPTION_POINTERS *pointers)
{
  if (pointers->ExceptionRecord->ExceptionCode != EXCEPTION_SINGLE_STEP)
    return EXCEPTION_CONTINUE_SEARCH;
  say("stepped: dr6 & f is %u, the value is %u\n", N(pointers->ContextRecord->Dr6 & 15), N(watched));
  pointers->ContextRecord->Dr7 = 0;
  return EXCEPTION_CONTINUE_EXECUTION;
}

int start(void)
{
  AddVectoredExceptionHandler(1, on_step);
  DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &main_thread, 0, FALSE,
                  DUPLICATE_SAME_ACCESS);
  HANDLE thread = CreateThread(NULL, 0, set_breakpoint, NULL, 0, NULL);
  WaitForSingleObject(thread, INFINITE);
  watched = 1;
  watched = 2;
  say("the value is %u\n", N(watched));
  return 0;
}
