/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exit code 0x222121 without a debugger: INT 2D with EAX 0 to 5, a digit each from the right: 1 = a handler saw an
 * exception, 2 = the byte after the instruction was skipped (spec/5 fact 22). A debugger that answers handled makes
 * it 0x222222, one that answers not handled changes nothing. */
#include "nano.h"

/* One byte follows that can be seen: STC. */
ULONG debug_service(ULONG service);
extern UCHAR debug_service_at[];
__asm__(".text\n.globl debug_service\ndebug_service:\n"
        "\tmov %ecx, %eax\n\txor %ecx, %ecx\n\txor %edx, %edx\n\txor %r8d, %r8d\n\txor %r9d, %r9d\n\tclc\n"
        "debug_service_at:\n\tint $0x2D\n\tstc\n\tnop\n\tsetc %al\n\tmovzbl %al, %eax\n\tret\n");

ULONG start(void *peb)
{
  (void)peb;
  ULONG result = 0;
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  for (ULONG service = 0; service < 6; service++) {
    seen.count = 0;
    ULONG ran = debug_service(service);
    if (seen.count) {
      CHECK(seen.count == 1);
      CHECK(seen.code == STATUS_BREAKPOINT);
      CHECK(seen.address == (ULONG64)debug_service_at + 3);
      CHECK(seen.rip == (ULONG64)debug_service_at + 2);
      CHECK(seen.parameters == 1 && seen.parameter[0] == service);
    }
    result |= ((ran ? 0u : 2u) | seen.count) << (4 * service);
  }
  return result;
}
