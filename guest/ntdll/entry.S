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

/* Unwind codes of a function that runs on a CONTEXT: the nonvolatile registers are in it. */
  .macro saved_in_context
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
  .endm

/* rsp = CONTEXT. The CONTEXT's home fields serve as the home space of the calls. */
  exported KiUserExceptionDispatcher
  .seh_proc KiUserExceptionDispatcher
KiUserExceptionDispatcher:
  .seh_pushframe
  .seh_stackalloc MACHINE_FRAME_OFFSET
  saved_in_context
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
  call RtlRaiseStatus
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
  call RtlRaiseStatus
  int3
  .seh_endproc

/* rcx = CONTEXT of the thread's real start, rdx = ntdll's base. */
  exported LdrInitializeThunk
LdrInitializeThunk:
  sub $0x28, %rsp
  and $-16, %rsp
  call LdrpInitialize
  int3

  exported DbgBreakPoint
DbgBreakPoint:
  int3
  ret

  exported DbgUserBreakPoint
DbgUserBreakPoint:
  int3
  ret

#include "machine.S"

/* An absolute address, so that the image has base relocations like any system DLL. */
  .section .rdata, "dr"
  .balign 8
  .quad DbgBreakPoint

/* EXCEPTION_DISPOSITION RtlpExecuteHandlerForX(record, frame, context, dispatcher): the dispatcher context lies 0x20 above
 * the frame, where the handlers of these two look for it. */
  .macro execute_handler name, handler
  .text
  .balign 16
  .globl \name
  .seh_proc \name
\name:
  sub $0x28, %rsp
  .seh_stackalloc 0x28
  .seh_endprologue
  .seh_handler \handler, @except, @unwind
  mov %r9, 0x20(%rsp)
  call *0x30(%r9)
  nop
  add $0x28, %rsp
  ret
  .seh_endproc
  .endm
  execute_handler RtlpExecuteHandlerForException, RtlpExceptionHandler
  execute_handler RtlpExecuteHandlerForUnwind, RtlpUnwindHandler

  .macro load_registers
  fxrstor 0x100(%rcx)
  ldmxcsr 0x34(%rcx)
  mov 0x78(%rcx), %rax
  mov 0x88(%rcx), %rdx
  mov 0x90(%rcx), %rbx
  mov 0xA0(%rcx), %rbp
  mov 0xA8(%rcx), %rsi
  mov 0xB0(%rcx), %rdi
  mov 0xB8(%rcx), %r8
  mov 0xC0(%rcx), %r9
  mov 0xC8(%rcx), %r10
  mov 0xD0(%rcx), %r11
  mov 0xD8(%rcx), %r12
  mov 0xE0(%rcx), %r13
  mov 0xE8(%rcx), %r14
  mov 0xF0(%rcx), %r15
  .endm

/* RtlpRestoreContext(CONTEXT*): by an interrupt return, so that nothing is written to the stack that is returned to. */
  .text
  .balign 16
  .globl RtlpRestoreContext
RtlpRestoreContext:
  load_registers
  sub $0x28, %rsp
  and $-16, %rsp
  pushq $0x2B
  pushq 0x98(%rcx)
  pushq $0
  pushq $0x33
  pushq 0xF8(%rcx)
  push %rax
  mov 0x44(%rcx), %eax
  mov %rax, 0x18(%rsp)
  pop %rax
  mov 0x80(%rcx), %rcx
  iretq

/* ULONG64 RtlpConsolidateFrames(context, record, callback): the callback runs below a copy of the context and a machine
 * frame, so that an exception in it unwinds to where the context says. */
  .balign 16
  .globl RtlpConsolidateFrames
  .seh_proc RtlpConsolidateFrames
RtlpConsolidateFrames:
  .seh_pushframe
  .seh_stackalloc (MACHINE_FRAME_OFFSET)
  saved_in_context
  .seh_endprologue
  push %rbx
  push %rsi
  push %rdi
  push %rbp
  mov %rsp, %rbp
  mov %rcx, %rsi
  mov %rdx, %rbx
  sub $(MACHINE_FRAME_OFFSET + 0x28), %rsp
  and $-16, %rsp
  mov 0xF8(%rsi), %rax
  mov %rax, MACHINE_FRAME_OFFSET(%rsp)
  movq $0x33, (MACHINE_FRAME_OFFSET + 8)(%rsp)
  mov 0x44(%rsi), %eax
  mov %rax, (MACHINE_FRAME_OFFSET + 0x10)(%rsp)
  mov 0x98(%rsi), %rax
  mov %rax, (MACHINE_FRAME_OFFSET + 0x18)(%rsp)
  movq $0x2B, (MACHINE_FRAME_OFFSET + 0x20)(%rsp)
  mov %rsp, %rdi
  mov $(CONTEXT_SIZE / 8), %ecx
  rep movsq
  /* What the epilogue needs lies in fields of the record's place. */
  mov %rbp, 0x4E0(%rsp)
  mov %rbx, %rcx
  call *%r8
  mov 0x4E0(%rsp), %rsp
  pop %rbp
  pop %rdi
  pop %rsi
  pop %rbx
  ret
  .seh_endproc
