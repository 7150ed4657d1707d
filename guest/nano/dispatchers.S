/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the kernel enters user mode, and what needs the exact register state of its caller. */

  .macro exported name
  .section .drectve, "yn"
  .ascii " -export:\name"
  .text
  .balign 16
  .globl \name
  .endm

#define CONTEXT_SIZE 0x4D0
#define RECORD_OFFSET 0x4F0        /* EXCEPTION_RECORD, after CONTEXT and CONTEXT_EX */
#define MACHINE_FRAME_OFFSET 0x590 /* spec/5 fact 19 */

/* rsp = CONTEXT. The CONTEXT's home fields serve as the home space of the calls. */
  exported KiUserExceptionDispatcher
  .seh_proc KiUserExceptionDispatcher
KiUserExceptionDispatcher:
  .seh_pushframe
  .seh_stackalloc MACHINE_FRAME_OFFSET
  .seh_savereg %rbx, 0x90
  .seh_savereg %rbp, 0xA0
  .seh_savereg %rsi, 0xA8
  .seh_savereg %rdi, 0xB0
  .seh_savereg %r12, 0xD8
  .seh_savereg %r13, 0xE0
  .seh_savereg %r14, 0xE8
  .seh_savereg %r15, 0xF0
  .seh_savexmm %xmm6, 0x200
  .seh_savexmm %xmm7, 0x210
  .seh_savexmm %xmm8, 0x220
  .seh_savexmm %xmm9, 0x230
  .seh_savexmm %xmm10, 0x240
  .seh_savexmm %xmm11, 0x250
  .seh_savexmm %xmm12, 0x260
  .seh_savexmm %xmm13, 0x270
  .seh_savexmm %xmm14, 0x280
  .seh_savexmm %xmm15, 0x290
  .seh_endprologue
  cld
  lea RECORD_OFFSET(%rsp), %rcx
  mov %rsp, %rdx
  call RtlDispatchException
  test %al, %al
  jz 1f
  mov %rsp, %rcx
  xor %edx, %edx
  call NtContinue
  jmp 2f
1:
  lea RECORD_OFFSET(%rsp), %rcx
  mov %rsp, %rdx
  xor %r8d, %r8d
  call NtRaiseException
2:
  mov %eax, %ecx
  call dispatch_failed
  int3
  .seh_endproc

/* rsp = CONTEXT; P1Home NormalContext, P2Home and P3Home the system arguments, P4Home NormalRoutine. */
  exported KiUserApcDispatcher
  .seh_proc KiUserApcDispatcher
KiUserApcDispatcher:
  .seh_pushframe
  .seh_stackalloc CONTEXT_SIZE
  .seh_endprologue
  mov 0x00(%rsp), %rcx
  mov 0x08(%rsp), %rdx
  mov 0x10(%rsp), %r8
  mov %rsp, %r9
  call *0x18(%rsp)
  mov %rsp, %rcx
  mov $1, %edx
  call NtContinue
  mov %eax, %ecx
  call dispatch_failed
  int3
  .seh_endproc

/* rcx = CONTEXT of the thread's real start, rdx = ntdll's base. */
  exported LdrInitializeThunk
LdrInitializeThunk:
  sub $0x28, %rsp
  and $-16, %rsp
  call ldr_initialize
  int3

/* rcx = start routine, rdx = its argument. Never returns; the stack is empty above it. */
  exported RtlUserThreadStart
  .seh_proc RtlUserThreadStart
RtlUserThreadStart:
  sub $0x28, %rsp
  .seh_stackalloc 0x28
  .seh_endprologue
  mov %rcx, %rax
  mov %rdx, %rcx
  call *%rax
  mov %eax, %ecx
  call thread_returned
  int3
  .seh_endproc

  exported DbgBreakPoint
DbgBreakPoint:
  int3
  ret

#define RtlpRaiseWithContext raise_with_context
#define RtlRaiseStatus dispatch_failed
#include "../ntdll/machine.S"

/* ULONG nano_try(routine, argument): calls the routine; the code of the exception that ended it, or 0. The frame is
 * linked at TEB.NtTib.ExceptionList, which x64 leaves free: {previous, where to resume}, 0x20 above the resumed rsp. */
  exported nano_try
  .seh_proc nano_try
nano_try:
  push %rbp
  .seh_pushreg %rbp
  push %rbx
  .seh_pushreg %rbx
  push %rsi
  .seh_pushreg %rsi
  push %rdi
  .seh_pushreg %rdi
  push %r12
  .seh_pushreg %r12
  push %r13
  .seh_pushreg %r13
  push %r14
  .seh_pushreg %r14
  push %r15
  .seh_pushreg %r15
  sub $0x38, %rsp
  .seh_stackalloc 0x38
  .seh_endprologue
  mov %gs:0, %rax
  mov %rax, 0x20(%rsp)
  lea 1f(%rip), %rax
  mov %rax, 0x28(%rsp)
  lea 0x20(%rsp), %rax
  mov %rax, %gs:0
  mov %rcx, %rax
  mov %rdx, %rcx
  call *%rax
  xor %eax, %eax
1:
  mov 0x20(%rsp), %rcx
  mov %rcx, %gs:0
  add $0x38, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rdi
  pop %rsi
  pop %rbx
  pop %rbp
  ret
  .seh_endproc

/* An absolute address, so that the image has base relocations like any system DLL. */
  .section .rdata, "dr"
  .balign 8
  .quad DbgBreakPoint
