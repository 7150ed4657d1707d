/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An int3 of 32-bit code, and a fault of 64-bit code; both are handled. */
#include <tests/guest/nano.h>

static CONTEXT back;
static volatile int phase;

static LONG go_back(EXCEPTION_POINTERS *exception)
{
  *exception->ContextRecord = back;
  return EXCEPTION_CONTINUE_EXECUTION;
}

ULONG start(void *peb)
{
  (void)peb;
  void *base = (void *)0x20000000ull;
  ULONG64 size = 0x2000;
  CHECK_STATUS(
      NtAllocateVirtualMemory(NtCurrentProcess, &base, 0, &size, MEM_COMMIT | MEM_RESERVE, PAGE_EXECUTE_READWRITE), 0);
  *(volatile UCHAR *)base = 0xCC;
  RtlAddVectoredExceptionHandler(TRUE, go_back);
  back.ContextFlags = CONTEXT_FULL;
  RtlCaptureContext(&back);
  if (phase++ == 0) {
    CONTEXT there = back;
    there.SegCs = 0x23;
    there.Rip = (ULONG64)base;
    there.Rsp = (ULONG64)base + 0x1F00;
    NtContinue(&there, FALSE);
  }
  if (phase++ == 2)
    __asm__ volatile("hlt");
  return 0;
}
