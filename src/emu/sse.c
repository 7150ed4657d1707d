/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which floating-point exceptions an SSE instruction raises. The engine does not tell, so the host's own unit is asked
 * with the guest's rounding and denormal modes; a host of another kind knows of none (CAVEATS). */
#include "emu/internal.h"

#define MODES 0xE040u /* FZ, RC, DAZ */
#define MASKS 0x1F80u
#define FLAGS 0x3Fu
#define BEFORE_RESULT 0x07u /* invalid, denormal, divide by zero */

bool sse_can_raise(const struct insn *i)
{
  if (i->map != MAP_0F || i->vex)
    return false;
  switch (i->opcode) {
  case 0x2A:
    return i->sse == 0xF2 || i->sse == 0xF3;
  case 0x2C:
  case 0x2D:
  case 0x51:
  case 0x58:
  case 0x59:
  case 0x5A:
  case 0x5C:
  case 0x5D:
  case 0x5E:
  case 0x5F:
  case 0xC2:
    return true;
  case 0x2E:
  case 0x2F:
    return i->sse == 0 || i->sse == 0x66;
  case 0x5B:
    return i->sse != 0xF2;
  case 0x7C:
  case 0x7D:
  case 0xD0:
  case 0xE6:
    return i->sse == 0x66 || i->sse == 0xF2;
  default:
    return false;
  }
}

unsigned sse_operand_size(const struct insn *i)
{
  bool wide = (i->rex & 8) != 0;
  if (i->opcode == 0x2A)
    return wide ? 8 : 4;
  if (i->opcode == 0x2E || i->opcode == 0x2F)
    return i->sse == 0 ? 4 : 8;
  if (i->opcode == 0x5B || i->opcode >= 0xD0 || i->opcode == 0x7C || i->opcode == 0x7D)
    return i->opcode == 0xC2 && i->sse == 0xF3 ? 4 : 16;
  if (i->sse == 0 && (i->opcode == 0x5A || i->opcode == 0x2C || i->opcode == 0x2D))
    return 8;
  return i->sse == 0xF3 ? 4 : i->sse == 0xF2 ? 8 : 16;
}

#if defined(__x86_64__)
#include <xmmintrin.h>

#define BY_PREFIX(name)                                                                                                \
  switch (i->sse) {                                                                                                    \
  case 0xF3:                                                                                                           \
    __asm__ volatile(name "ss %1, %0" : "+x"(a) : "x"(b));                                                             \
    break;                                                                                                             \
  case 0xF2:                                                                                                           \
    __asm__ volatile(name "sd %1, %0" : "+x"(a) : "x"(b));                                                             \
    break;                                                                                                             \
  case 0x66:                                                                                                           \
    __asm__ volatile(name "pd %1, %0" : "+x"(a) : "x"(b));                                                             \
    break;                                                                                                             \
  default:                                                                                                             \
    __asm__ volatile(name "ps %1, %0" : "+x"(a) : "x"(b));                                                             \
  }                                                                                                                    \
  break
#define ONE(text) __asm__ volatile(text " %1, %0" : "+x"(a) : "x"(b))

static void execute(const struct insn *i, __m128 a, __m128 b, uint64_t integer, unsigned predicate)
{
  switch (i->opcode) {
  case 0x2A:
    if (i->sse == 0xF3 && (i->rex & 8) != 0)
      __asm__ volatile("cvtsi2ssq %1, %0" : "+x"(a) : "r"(integer));
    else if (i->sse == 0xF3)
      __asm__ volatile("cvtsi2ssl %1, %0" : "+x"(a) : "r"((uint32_t)integer));
    else if ((i->rex & 8) != 0)
      __asm__ volatile("cvtsi2sdq %1, %0" : "+x"(a) : "r"(integer));
    break;
  case 0x2C:
  case 0x2D:
    if (i->sse == 0xF3 && (i->rex & 8) != 0)
      __asm__ volatile("cvtss2siq %1, %0" : "=r"(integer) : "x"(b));
    else if (i->sse == 0xF3)
      __asm__ volatile("cvtss2sil %1, %k0" : "=r"(integer) : "x"(b));
    else if (i->sse == 0xF2 && (i->rex & 8) != 0)
      __asm__ volatile("cvtsd2siq %1, %0" : "=r"(integer) : "x"(b));
    else if (i->sse == 0xF2)
      __asm__ volatile("cvtsd2sil %1, %k0" : "=r"(integer) : "x"(b));
    else if (i->sse == 0x66)
      ONE("cvtpd2dq");
    else
      ONE("cvtps2dq");
    break;
  case 0x2E:
    if (i->sse == 0x66)
      __asm__ volatile("ucomisd %1, %0" : : "x"(a), "x"(b) : "cc");
    else
      __asm__ volatile("ucomiss %1, %0" : : "x"(a), "x"(b) : "cc");
    break;
  case 0x2F:
    if (i->sse == 0x66)
      __asm__ volatile("comisd %1, %0" : : "x"(a), "x"(b) : "cc");
    else
      __asm__ volatile("comiss %1, %0" : : "x"(a), "x"(b) : "cc");
    break;
  case 0x51:
    BY_PREFIX("sqrt");
  case 0x58:
    BY_PREFIX("add");
  case 0x59:
    BY_PREFIX("mul");
  case 0x5C:
    BY_PREFIX("sub");
  case 0x5D:
    BY_PREFIX("min");
  case 0x5E:
    BY_PREFIX("div");
  case 0x5F:
    BY_PREFIX("max");
  case 0xC2: /* less and less-or-equal, negated too, do not take quiet NaNs */
    if ((predicate & 3) == 1 || (predicate & 3) == 2) {
      BY_PREFIX("cmplt");
    }
    BY_PREFIX("cmpeq");
  case 0x5A:
    if (i->sse == 0xF3)
      ONE("cvtss2sd");
    else if (i->sse == 0xF2)
      ONE("cvtsd2ss");
    else if (i->sse == 0x66)
      ONE("cvtpd2ps");
    else
      ONE("cvtps2pd");
    break;
  case 0x5B:
    if (i->sse == 0)
      ONE("cvtdq2ps");
    else
      ONE("cvtps2dq");
    break;
  case 0xE6:
    ONE("cvtpd2dq");
    break;
  case 0x7C:
    if (i->sse == 0x66)
      ONE("haddpd");
    else
      ONE("haddps");
    break;
  case 0x7D:
    if (i->sse == 0x66)
      ONE("hsubpd");
    else
      ONE("hsubps");
    break;
  default:
    if (i->sse == 0x66)
      ONE("addsubpd");
    else
      ONE("addsubps");
  }
}

unsigned sse_exceptions(const struct insn *i, const void *target, const void *source, unsigned predicate,
                        uint32_t mxcsr)
{
  __m128 a, b;
  uint64_t integer;
  memcpy(&a, target, sizeof a);
  memcpy(&b, source, sizeof b);
  memcpy(&integer, source, sizeof integer);
  unsigned saved = _mm_getcsr();
  _mm_setcsr((mxcsr & MODES) | MASKS);
  execute(i, a, b, integer, predicate);
  unsigned flags = _mm_getcsr() & FLAGS;
  _mm_setcsr(saved);
  /* An unmasked exception of the operands keeps the result from being computed. */
  return (flags & BEFORE_RESULT & ~(mxcsr >> 7)) != 0 ? flags & BEFORE_RESULT : flags;
}
#else
unsigned sse_exceptions(const struct insn *i, const void *target, const void *source, unsigned predicate,
                        uint32_t mxcsr)
{
  (void)i;
  (void)target;
  (void)source;
  (void)predicate;
  (void)mxcsr;
  return 0;
}
#endif
