/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers that a service must preserve do survive services that switch threads (spec/5 fact 39). */
#include "nano.h"

/* Sets rbx rbp rsi rdi r12-r15 and xmm6-xmm15 from `seed`, calls routine(a, b), and returns 0 if all are unchanged. */
ULONG64 preserved(ULONG64 seed, void *routine, ULONG64 a, const void *b);
__asm__(".text\n.globl preserved\npreserved:\n"
        "\tpush %rbx\n\tpush %rbp\n\tpush %rsi\n\tpush %rdi\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n"
        "\tsub $0xE8, %rsp\n"
        ".irp n,6,7,8,9,10,11,12,13,14,15\n\tmovups %xmm\\n, (0x30+16*(\\n-6))(%rsp)\n.endr\n"
        "\tmov %rcx, 0x28(%rsp)\n\tmov %rdx, %rax\n"
        "\tmov %rcx, %rbx\n\tlea 1(%rcx), %rbp\n\tlea 2(%rcx), %rsi\n\tlea 3(%rcx), %rdi\n\tlea 4(%rcx), %r12\n"
        "\tlea 5(%rcx), %r13\n\tlea 6(%rcx), %r14\n\tlea 7(%rcx), %r15\n"
        ".irp n,6,7,8,9,10,11,12,13,14,15\n\tlea \\n(%rcx), %r10\n\tmovq %r10, %xmm\\n\n\tpunpcklqdq %xmm\\n, %xmm\\n\n"
        ".endr\n"
        "\tmov %r8, %rcx\n\tmov %r9, %rdx\n\tcall *%rax\n"
        "\tmov 0x28(%rsp), %rcx\n\txor %eax, %eax\n"
        "\tsub %rcx, %rbx\n\tor %rbx, %rax\n\tsub %rcx, %rbp\n\tsub $1, %rbp\n\tor %rbp, %rax\n"
        "\tsub %rcx, %rsi\n\tsub $2, %rsi\n\tor %rsi, %rax\n\tsub %rcx, %rdi\n\tsub $3, %rdi\n\tor %rdi, %rax\n"
        "\tsub %rcx, %r12\n\tsub $4, %r12\n\tor %r12, %rax\n\tsub %rcx, %r13\n\tsub $5, %r13\n\tor %r13, %rax\n"
        "\tsub %rcx, %r14\n\tsub $6, %r14\n\tor %r14, %rax\n\tsub %rcx, %r15\n\tsub $7, %r15\n\tor %r15, %rax\n"
        ".irp n,6,7,8,9,10,11,12,13,14,15\n\tmovq %xmm\\n, %r10\n\tsub %rcx, %r10\n\tsub $\\n, %r10\n\tor %r10, %rax\n"
        "\tpsrldq $8, %xmm\\n\n\tmovq %xmm\\n, %r10\n\tsub %rcx, %r10\n\tsub $\\n, %r10\n\tor %r10, %rax\n.endr\n"
        ".irp n,6,7,8,9,10,11,12,13,14,15\n\tmovups (0x30+16*(\\n-6))(%rsp), %xmm\\n\n.endr\n"
        "\tadd $0xE8, %rsp\n"
        "\tpop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rdi\n\tpop %rsi\n\tpop %rbp\n\tpop %rbx\n\tret\n");

static const LONG64 millisecond = -10000;
static LONG64 time_value;
static volatile BOOLEAN stop;

static ULONG churn(void *seed)
{
  while (!stop) {
    CHECK(preserved((ULONG64)seed, (void *)NtDelayExecution, FALSE, &millisecond) == 0);
    CHECK(preserved((ULONG64)seed + 100, (void *)NtYieldExecution, 0, NULL) == 0);
  }
  return 0;
}

ULONG start(void *peb)
{
  (void)peb;
  HANDLE threads[2] = {create_thread(churn, (void *)0x1111222233334444),
                       create_thread(churn, (void *)0xFEDCBA9876543210)};
  for (ULONG64 i = 0; i < 50; i++) {
    CHECK(preserved(i << 40, (void *)NtDelayExecution, FALSE, &millisecond) == 0);
    CHECK(preserved(~i, (void *)NtQuerySystemTime, (ULONG64)&time_value, NULL) == 0);
    CHECK(preserved(i * 0x0123456789ABCDEF, (void *)NtYieldExecution, 0, NULL) == 0);
  }
  stop = TRUE;
  CHECK_STATUS(NtWaitForMultipleObjects(2, threads, 0, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  return 0;
}
