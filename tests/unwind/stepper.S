/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls a function with known registers and the trap flag set; the functions that the generated ones call. */

/* u64 call_stepped(void *function, const u64 *arguments): six of them */
  .text
  .balign 16
  .globl call_stepped
call_stepped:
  push %rbx
  push %rbp
  push %rsi
  push %rdi
  push %r12
  push %r13
  push %r14
  push %r15
  sub $0xE8, %rsp
  movaps %xmm6, 0x40(%rsp)
  movaps %xmm7, 0x50(%rsp)
  movaps %xmm8, 0x60(%rsp)
  movaps %xmm9, 0x70(%rsp)
  movaps %xmm10, 0x80(%rsp)
  movaps %xmm11, 0x90(%rsp)
  movaps %xmm12, 0xA0(%rsp)
  movaps %xmm13, 0xB0(%rsp)
  movaps %xmm14, 0xC0(%rsp)
  movaps %xmm15, 0xD0(%rsp)
  mov %rsp, stepped_rsp(%rip)
  mov %rcx, %rax
  mov 0x20(%rdx), %r10
  mov %r10, 0x20(%rsp)
  mov 0x28(%rdx), %r10
  mov %r10, 0x28(%rsp)
  mov 0x00(%rdx), %rcx
  mov 0x10(%rdx), %r8
  mov 0x18(%rdx), %r9
  mov 0x08(%rdx), %rdx
  mov stepped_integers+0x00(%rip), %rbx
  mov stepped_integers+0x08(%rip), %rbp
  mov stepped_integers+0x10(%rip), %rsi
  mov stepped_integers+0x18(%rip), %rdi
  mov stepped_integers+0x20(%rip), %r12
  mov stepped_integers+0x28(%rip), %r13
  mov stepped_integers+0x30(%rip), %r14
  mov stepped_integers+0x38(%rip), %r15
  movups stepped_xmm+0x00(%rip), %xmm6
  movups stepped_xmm+0x10(%rip), %xmm7
  movups stepped_xmm+0x20(%rip), %xmm8
  movups stepped_xmm+0x30(%rip), %xmm9
  movups stepped_xmm+0x40(%rip), %xmm10
  movups stepped_xmm+0x50(%rip), %xmm11
  movups stepped_xmm+0x60(%rip), %xmm12
  movups stepped_xmm+0x70(%rip), %xmm13
  movups stepped_xmm+0x80(%rip), %xmm14
  movups stepped_xmm+0x90(%rip), %xmm15
  xor %r11d, %r11d
  pushfq
  orl $0x100, (%rsp)
  popfq
  call *%rax
  .globl stepped_return
stepped_return:
  nop
  mov stepped_rsp(%rip), %rsp
  movaps 0x40(%rsp), %xmm6
  movaps 0x50(%rsp), %xmm7
  movaps 0x60(%rsp), %xmm8
  movaps 0x70(%rsp), %xmm9
  movaps 0x80(%rsp), %xmm10
  movaps 0x90(%rsp), %xmm11
  movaps 0xA0(%rsp), %xmm12
  movaps 0xB0(%rsp), %xmm13
  movaps 0xC0(%rsp), %xmm14
  movaps 0xD0(%rsp), %xmm15
  add $0xE8, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rdi
  pop %rsi
  pop %rbp
  pop %rbx
  ret

/* Leaf functions. They leave what an assembler function counts on: rcx, rdx, r10 and r11. */
  .globl helper_0
helper_0:
  lea (%rcx,%rdx), %rax
  ret
  .globl helper_1
helper_1:
  mov %r8, %rax
  xor %rcx, %rax
  ret
  .globl helper_2
helper_2:
  mov %r9, %rax
  add 0x28(%rsp), %rax
  ret

/* The compilers call it before a large frame is taken: rax bytes. The whole stack is committed. */
  .globl ___chkstk_ms
___chkstk_ms:
  ret

  .data
  .balign 16
  .globl stepped_xmm
stepped_xmm:
  .space 160
  .globl stepped_integers
stepped_integers:
  .space 64
  .globl stepped_rsp
stepped_rsp:
  .quad 0
