/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Division by zero, and overflow of a division by something else (spec/1.1, vector 0). */
#include "nano.h"

/* eax, edx and ecx are set before the label, so that the division itself is the probe. */
#define DIVIDE(name, set, instruction)                                                                                 \
  void name(void *rcx);                                                                                                \
  extern UCHAR name##_at[], name##_next[];                                                                             \
  __asm__(".text\n.globl " #name "\n" #name ":\n\t" set "\n" #name "_at:\n\t" instruction "\n" #name "_next:"          \
          "\n\tret\n")

DIVIDE(by_zero, "mov $7, %eax\n\txor %edx, %edx\n\txor %ecx, %ecx", "div %ecx");
DIVIDE(signed_by_zero, "mov $7, %eax\n\tcltd\n\txor %ecx, %ecx", "idiv %ecx");
DIVIDE(minimum_by_minus_one, "mov $0x80000000, %eax\n\tcltd\n\tmov $-1, %ecx", "idiv %ecx");
DIVIDE(quotient_too_big, "mov $0, %eax\n\tmov $5, %edx\n\tmov $2, %ecx", "div %ecx");
DIVIDE(memory_by_zero, "pushq $0\n\tpop %r8\n\tmov %r8, 8(%rsp)\n\txor %edx, %edx", "divq 8(%rsp)");

#define CHECK_DIVIDE(name, expected)                                                                                   \
  do {                                                                                                                 \
    RUN_PROBE(name, NULL);                                                                                             \
    CHECK(seen.count == 1);                                                                                            \
    CHECK(seen.code == (expected));                                                                                    \
    CHECK(seen.address == (ULONG64)name##_at && seen.rip == (ULONG64)name##_at);                                       \
    CHECK(seen.parameters == 0);                                                                                       \
  } while (0)

ULONG start(void *peb)
{
  (void)peb;
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  CHECK_DIVIDE(by_zero, STATUS_INTEGER_DIVIDE_BY_ZERO);
  CHECK_DIVIDE(signed_by_zero, STATUS_INTEGER_DIVIDE_BY_ZERO);
  CHECK_DIVIDE(minimum_by_minus_one, STATUS_INTEGER_OVERFLOW);
  CHECK_DIVIDE(quotient_too_big, STATUS_INTEGER_OVERFLOW);
  CHECK_DIVIDE(memory_by_zero, STATUS_INTEGER_DIVIDE_BY_ZERO);
  return 0;
}
