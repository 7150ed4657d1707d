/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fault while the stack pointer is outside of the thread's stack: no frame is searched, the second chance follows. Its
 * exit code is the exception's. */
#include "ntdll.h"

void fault_elsewhere(PVOID stack);
__asm__(".text\n"
        "  .globl fault_elsewhere\n"
        "  .seh_proc fault_elsewhere\n"
        "fault_elsewhere:\n"
        "  push %rbp\n  .seh_pushreg %rbp\n"
        "  mov %rsp, %rbp\n  .seh_setframe %rbp, 0\n"
        "  .seh_endprologue\n"
        "  mov %rcx, %rsp\n"
        "  ud2\n"
        "  lea 0(%rbp), %rsp\n"
        "  pop %rbp\n"
        "  ret\n"
        "  .seh_endproc\n");

void start(void)
{
  SIZE_T size = 0x10000;
  PVOID base = NULL;
  NtAllocateVirtualMemory(NtCurrentProcess(), &base, 0, &size, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
  __try {
    fault_elsewhere((UCHAR *)base + 0xF000);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    RtlExitUserProcess(3);
  }
  RtlExitUserProcess(4);
}
