/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fibers: switches to and fro, what the TEB shows, exceptions and stacks that grow on a fiber, the end of one. */
#include "check.h"

static LPVOID first, second;
static int steps, callbacks;
static DWORD slot;

static __attribute__((noinline)) int deep(int depth)
{
  volatile char room[0xF00];
  room[0] = (char)depth;
  return depth ? deep(depth - 1) + room[0] : 0;
}

static __attribute__((noinline)) void raise_one(void) { RaiseException(0xE0000001, 0, 0, NULL); }

static void CALLBACK routine(LPVOID parameter)
{
  volatile int local = 1;
  volatile double number = 1.5;
  NT_TIB *tib = (NT_TIB *)NtCurrentTeb();
  CHECK(parameter == &steps && GetFiberData() == &steps && GetCurrentFiber() == second);
  CHECK((char *)&local < (char *)tib->StackBase && (char *)&local > (char *)tib->StackLimit);
  CHECK(FlsGetValue(slot) == NULL && FlsSetValue(slot, &steps));
  steps = 1;
  SwitchToFiber(first);
  CHECK(local == 1 && number == 1.5 && steps == 2);
  int handled = 0;
  __try {
    raise_one();
  } __except (GetExceptionCode() == 0xE0000001 ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
    handled = 1;
  }
  CHECK(handled);
  deep(40);
  steps = 3;
  for (;;)
    SwitchToFiber(first);
}

static void WINAPI callback(PVOID value) { callbacks += value == &steps; }

static void switches(void)
{
  slot = FlsAlloc(callback);
  CHECK(slot != FLS_OUT_OF_INDEXES && FlsSetValue(slot, &callbacks));
  CHECK(!IsThreadAFiber());
  CHECK_ERROR(ConvertFiberToThread(), ERROR_ALREADY_THREAD);
  PVOID base = ((NT_TIB *)NtCurrentTeb())->StackBase;
  first = ConvertThreadToFiber((LPVOID)77);
  CHECK(first && IsThreadAFiber() && GetCurrentFiber() == first && GetFiberData() == (LPVOID)77);
  CHECK_ERROR(ConvertThreadToFiber(NULL), ERROR_ALREADY_FIBER);
  second = CreateFiber(0, routine, &steps);
  CHECK(second && steps == 0);
  SwitchToFiber(second);
  CHECK(steps == 1 && GetCurrentFiber() == first && ((NT_TIB *)NtCurrentTeb())->StackBase == base);
  steps = 2;
  SwitchToFiber(second);
  CHECK(steps == 3);
  CHECK(FlsGetValue(slot) == &callbacks && callbacks == 0);
  DeleteFiber(second);
  CHECK(callbacks == 1 && FlsGetValue(slot) == &callbacks && FlsSetValue(slot, NULL) && FlsFree(slot));
  CHECK_ERROR(FlsFree(slot), ERROR_INVALID_PARAMETER);
  CHECK(ConvertFiberToThread() && !IsThreadAFiber());
}

static void CALLBACK returning(LPVOID parameter) { steps = *(int *)parameter; }

static DWORD WINAPI thread(LPVOID parameter)
{
  ConvertThreadToFiber(NULL);
  SwitchToFiber(CreateFiberEx(0x1000, 0x10000, FIBER_FLAG_FLOAT_SWITCH, returning, parameter));
  return 5;
}

static void end_of_a_fiber(void)
{
  DWORD code = 1;
  int value = 9;
  HANDLE handle = CreateThread(NULL, 0, thread, &value, 0, NULL);
  CHECK(WaitForSingleObject(handle, INFINITE) == WAIT_OBJECT_0 && steps == 9);
  CHECK(GetExitCodeThread(handle, &code) && code == 0);
}

void checks(void)
{
  switches();
  end_of_a_fiber();
}
