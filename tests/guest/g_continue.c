/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NtContinue loads every register of a CONTEXT; NtGetContextThread on oneself sees what must survive a service. */
#include "nano.h"

struct registers {
  ULONG64 rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15, rsp, rflags;
  USHORT control_word, pad;
  ULONG mxcsr;
  UCHAR xmm[16][16];
};
struct registers found;
ULONG64 home_rsp;
extern UCHAR landing[];
void round_trip(CONTEXT *context);

__asm__(".text\n.globl round_trip\n.globl landing\nround_trip:\n"
        "\tpush %rbx\n\tpush %rbp\n\tpush %rsi\n\tpush %rdi\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n"
        "\tsub $0xC8, %rsp\n\tmovups %xmm6, 0x20(%rsp)\n\tmovups %xmm7, 0x30(%rsp)\n\tmovups %xmm8, 0x40(%rsp)\n"
        "\tmovups %xmm9, 0x50(%rsp)\n\tmovups %xmm10, 0x60(%rsp)\n\tmovups %xmm11, 0x70(%rsp)\n"
        "\tmovups %xmm12, 0x80(%rsp)\n\tmovups %xmm13, 0x90(%rsp)\n\tmovups %xmm14, 0xA0(%rsp)\n"
        "\tmovups %xmm15, 0xB0(%rsp)\n\tmov %rsp, home_rsp(%rip)\n\txor %edx, %edx\n\tcall *__imp_NtContinue(%rip)\n"
        "\tud2\n"
        "landing:\n"
        "\tmov %rax, found(%rip)\n\tmov %rcx, found+8(%rip)\n\tmov %rdx, found+16(%rip)\n\tmov %rbx, found+24(%rip)\n"
        "\tmov %rbp, found+32(%rip)\n\tmov %rsi, found+40(%rip)\n\tmov %rdi, found+48(%rip)\n"
        "\tmov %r8, found+56(%rip)\n\tmov %r9, found+64(%rip)\n\tmov %r10, found+72(%rip)\n\tmov %r11, found+80(%rip)\n"
        "\tmov %r12, found+88(%rip)\n\tmov %r13, found+96(%rip)\n\tmov %r14, found+104(%rip)\n"
        "\tmov %r15, found+112(%rip)\n\tmov %rsp, found+120(%rip)\n\tmov home_rsp(%rip), %rsp\n"
        "\tpushfq\n\tpopq found+128(%rip)\n\tcld\n\tfnstcw found+136(%rip)\n\tstmxcsr found+140(%rip)\n"
        "\tlea found+144(%rip), %rax\n"
        "\tmovups %xmm0, (%rax)\n\tmovups %xmm1, 16(%rax)\n\tmovups %xmm2, 32(%rax)\n\tmovups %xmm3, 48(%rax)\n"
        "\tmovups %xmm4, 64(%rax)\n\tmovups %xmm5, 80(%rax)\n\tmovups %xmm6, 96(%rax)\n\tmovups %xmm7, 112(%rax)\n"
        "\tmovups %xmm8, 128(%rax)\n\tmovups %xmm9, 144(%rax)\n\tmovups %xmm10, 160(%rax)\n\tmovups %xmm11, 176(%rax)\n"
        "\tmovups %xmm12, 192(%rax)\n\tmovups %xmm13, 208(%rax)\n\tmovups %xmm14, 224(%rax)\n"
        "\tmovups %xmm15, 240(%rax)\n"
        "\tmovups 0x20(%rsp), %xmm6\n\tmovups 0x30(%rsp), %xmm7\n\tmovups 0x40(%rsp), %xmm8\n"
        "\tmovups 0x50(%rsp), %xmm9\n\tmovups 0x60(%rsp), %xmm10\n\tmovups 0x70(%rsp), %xmm11\n"
        "\tmovups 0x80(%rsp), %xmm12\n\tmovups 0x90(%rsp), %xmm13\n\tmovups 0xA0(%rsp), %xmm14\n"
        "\tmovups 0xB0(%rsp), %xmm15\n\tadd $0xC8, %rsp\n"
        "\tpop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rdi\n\tpop %rsi\n\tpop %rbp\n\tpop %rbx\n\tret\n");

C_ASSERT_OFFSET(struct registers, rflags, 128);
C_ASSERT_OFFSET(struct registers, mxcsr, 140);
C_ASSERT_OFFSET(struct registers, xmm, 144);

#define FLAGS 0x0CD5u /* CF PF AF ZF SF DF OF */

static void fill(CONTEXT *context, ULONG64 seed, ULONG flags)
{
  static UCHAR stack[0x400] __attribute__((aligned(16)));
  ULONG64 *integers = &context->Rax;
  for (unsigned i = 0; i < 16; i++)
    integers[i] = seed * (i + 1);
  context->Rsp = (ULONG64)stack + 0x200 + (seed & 0x78);
  context->Rip = (ULONG64)landing;
  context->EFlags = flags;
  for (unsigned i = 0; i < 16; i++) {
    context->FltSave.XmmRegisters[i].Low = seed * (i + 17);
    context->FltSave.XmmRegisters[i].High = (LONG64)(seed ^ i);
  }
}

static void check(const CONTEXT *context)
{
  CHECK(found.rax == context->Rax && found.rcx == context->Rcx && found.rdx == context->Rdx);
  CHECK(found.rbx == context->Rbx && found.rbp == context->Rbp && found.rsi == context->Rsi);
  CHECK(found.rdi == context->Rdi && found.r8 == context->R8 && found.r9 == context->R9);
  CHECK(found.r10 == context->R10 && found.r11 == context->R11 && found.r12 == context->R12);
  CHECK(found.r13 == context->R13 && found.r14 == context->R14 && found.r15 == context->R15);
  CHECK(found.rsp == context->Rsp);
  CHECK((found.rflags & FLAGS) == (context->EFlags & FLAGS));
  CHECK(found.rflags & 0x200);
  for (unsigned i = 0; i < 16; i++)
    for (unsigned byte = 0; byte < 16; byte++)
      CHECK(found.xmm[i][byte] == ((const UCHAR *)&context->FltSave.XmmRegisters[i])[byte]);
}

ULONG start(void *peb)
{
  (void)peb;
  static CONTEXT context __attribute__((aligned(16)));
  RtlCaptureContext(&context);
  context.ContextFlags = CONTEXT_FULL;
  fill(&context, 0x9E3779B97F4A7C15, 0x202);
  round_trip(&context);
  check(&context);
  CHECK(found.mxcsr == 0x1F80 && found.control_word == 0x27F);
  fill(&context, 0xD1B54A32D192ED03, 0x202 | FLAGS);
  context.MxCsr = context.FltSave.MxCsr = 0x9FC0;
  context.FltSave.ControlWord = 0x37F;
  round_trip(&context);
  check(&context);
  CHECK(found.mxcsr == 0x9FC0 && found.control_word == 0x37F);
  /* interrupts cannot be switched off: IF is forced on */
  fill(&context, 0x123456789ABCDEF1, 0x2);
  context.MxCsr = context.FltSave.MxCsr = 0x1F80;
  round_trip(&context);
  check(&context);
  return 0;
}
