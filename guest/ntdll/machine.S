/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What needs the exact registers of its caller, of both ntdlls: the includer has the macro `exported` and CONTEXT_SIZE, and
 * may rename the two C functions that are called. */

/* Debug services (spec/2.4): the arguments are where the caller of the stub has put them, rcx to r9. The kernel steps
 * over one byte behind INT 2D. */
  .macro debug_service name, number
  .text
  .balign 16
  .globl \name
\name:
  mov $\number, %eax
  int $0x2D
  int3
  ret
  .endm
  debug_service DebugPrint 1
  debug_service DebugPrompt 2
  debug_service DebugLoadImageSymbols 3
  debug_service DebugUnLoadImageSymbols 4
  debug_service DebugCommandString 5

/* The loader's own breakpoint, at an address that is not DbgBreakPoint (spec/5 fact 2). */
  .text
  .globl LdrpDoDebuggerBreak
  .balign 16
LdrpDoDebuggerBreak:
  int3
  ret

/* RtlCaptureContext(CONTEXT*): the registers as the caller has them after the call has returned. */
  exported RtlCaptureContext
RtlCaptureContext:
  pushfq
  movl $0x10000F, 0x30(%rcx)
  stmxcsr 0x34(%rcx)
  mov %cs, 0x38(%rcx)
  mov %ds, 0x3A(%rcx)
  mov %es, 0x3C(%rcx)
  mov %fs, 0x3E(%rcx)
  mov %gs, 0x40(%rcx)
  mov %ss, 0x42(%rcx)
  mov %rax, 0x78(%rcx)
  mov %rcx, 0x80(%rcx)
  mov %rdx, 0x88(%rcx)
  mov %rbx, 0x90(%rcx)
  mov %rbp, 0xA0(%rcx)
  mov %rsi, 0xA8(%rcx)
  mov %rdi, 0xB0(%rcx)
  mov %r8, 0xB8(%rcx)
  mov %r9, 0xC0(%rcx)
  mov %r10, 0xC8(%rcx)
  mov %r11, 0xD0(%rcx)
  mov %r12, 0xD8(%rcx)
  mov %r13, 0xE0(%rcx)
  mov %r14, 0xE8(%rcx)
  mov %r15, 0xF0(%rcx)
  fxsave 0x100(%rcx)
  pop %rax
  mov %eax, 0x44(%rcx)
  mov (%rsp), %rax
  mov %rax, 0xF8(%rcx)
  lea 8(%rsp), %rax
  mov %rax, 0x98(%rcx)
  mov 0x78(%rcx), %rax
  ret

/* RtlRaiseException(EXCEPTION_RECORD*): the CONTEXT is the caller's, at the return address. */
  exported RtlRaiseException
  .seh_proc RtlRaiseException
RtlRaiseException:
  sub $(CONTEXT_SIZE + 0x38), %rsp
  .seh_stackalloc (CONTEXT_SIZE + 0x38)
  .seh_endprologue
  mov %rcx, 0x28(%rsp)
  lea 0x30(%rsp), %rcx
  call RtlCaptureContext
  lea (CONTEXT_SIZE + 0x38)(%rsp), %rax
  mov (%rax), %r8
  mov %r8, (0x30 + 0xF8)(%rsp)
  add $8, %rax
  mov %rax, (0x30 + 0x98)(%rsp)
  mov 0x28(%rsp), %rcx
  mov %rcx, (0x30 + 0x80)(%rsp)
  mov %r8, 0x10(%rcx)
  lea 0x30(%rsp), %rdx
  call RtlpRaiseWithContext
  mov %eax, %ecx
  call RtlRaiseStatus
  int3
  .seh_endproc
