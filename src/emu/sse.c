/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which floating-point exceptions an SSE instruction raises. The engine does not tell, so the host's own unit is asked
 * with the guest's rounding and denormal modes; a host of another kind knows of none (CAVEATS). */
#include "emu/internal.h"

#define MODES 0xE040u /* FZ, RC, DAZ */
#define MASKS 0x1F80u
#define FLAGS 0x3Fu
#define BEFORE_RESULT 0x07u /* invalid, denormal, divide by zero */

#define UNDERFLOW 0x10u
#define INEXACT 0x20u
#define FLUSH 0x8000u
#define TO_ZERO 0x6000u

/* Of SSE4.1: rounding and dot products. */
static bool is_rounding(const struct insn *i) { return i->opcode >= 0x08 && i->opcode <= 0x0B; }
static bool is_product(const struct insn *i) { return i->opcode == 0x40 || i->opcode == 0x41; }

bool sse_can_raise(const struct insn *i)
{
  if (i->map == MAP_0F3A)
    return i->sse == 0x66 && (is_rounding(i) || is_product(i));
  if (i->map != MAP_0F || i->vex)
    return false;
  switch (i->opcode) {
  case 0x2A: /* integers are exact doubles */
    return i->sse != 0x66;
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
  if (i->map == MAP_0F3A)
    return i->opcode == 0x0A ? 4 : i->opcode == 0x0B ? 8 : 16;
  if (i->opcode == 0x2A)
    return wide || i->sse == 0 ? 8 : 4;
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
    if (i->sse == 0)
      ONE("cvtdq2ps");
    else if (i->sse == 0xF3 && (i->rex & 8) != 0)
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

/* The rounding mode is MXCSR's. */
static void execute_rounding(const struct insn *i, __m128 a, __m128 b)
{
  switch (i->opcode) {
  case 0x08:
    __asm__ volatile("roundps $4, %1, %0" : "=x"(a) : "x"(b));
    break;
  case 0x09:
    __asm__ volatile("roundpd $4, %1, %0" : "=x"(a) : "x"(b));
    break;
  case 0x0A:
    __asm__ volatile("roundss $4, %1, %0" : "+x"(a) : "x"(b));
    break;
  default:
    __asm__ volatile("roundsd $4, %1, %0" : "+x"(a) : "x"(b));
    break;
  }
}

/* Instructions that truncate. */
static bool truncates(const struct insn *i)
{
  return i->map == MAP_0F &&
         (i->opcode == 0x2C || (i->opcode == 0x5B && i->sse == 0xF3) || (i->opcode == 0xE6 && i->sse == 0x66));
}

/* What one step of an instruction raises; the flags of `mxcsr` are masks and modes. */
static unsigned flags_of(const struct insn *i, __m128 a, __m128 b, uint64_t integer, unsigned predicate, unsigned modes)
{
  unsigned saved = _mm_getcsr();
  _mm_setcsr(modes | MASKS);
  if (i->map == MAP_0F3A)
    execute_rounding(i, a, b);
  else
    execute(i, a, b, integer, predicate);
  unsigned flags = _mm_getcsr() & FLAGS;
  _mm_setcsr(saved);
  return flags;
}

/* An unmasked exception of the operands keeps the result from being computed. */
static unsigned without_result(unsigned flags, uint32_t mxcsr)
{
  return (flags & BEFORE_RESULT & ~(mxcsr >> 7)) != 0 ? flags & BEFORE_RESULT : flags;
}

/* Underflow that is unmasked is raised by tiny results that are exact, too; those that are flushed to zero raise it. */
static unsigned step_flags(const struct insn *i, __m128 a, __m128 b, uint64_t integer, unsigned predicate,
                           uint32_t mxcsr)
{
  unsigned modes = mxcsr & MODES;
  if (truncates(i))
    modes |= TO_ZERO;
  if ((mxcsr >> 7 & UNDERFLOW) != 0)
    return without_result(flags_of(i, a, b, integer, predicate, modes), mxcsr);
  unsigned flags = flags_of(i, a, b, integer, predicate, modes & ~FLUSH) & ~UNDERFLOW;
  return without_result(flags | (flags_of(i, a, b, integer, predicate, modes | FLUSH) & UNDERFLOW), mxcsr);
}

static unsigned rounding_flags(const struct insn *i, __m128 a, __m128 b, unsigned how, uint32_t mxcsr)
{
  if ((how & 4) == 0)
    mxcsr = (mxcsr & ~TO_ZERO) | (how & 3) << 13;
  unsigned flags = step_flags(i, a, b, 0, 0, mxcsr);
  return (how & 8) != 0 ? flags & ~INEXACT : flags;
}

/* A multiplication and one or two additions; the first that raises an unmasked exception is the last. Products that are
 * not asked for are 0. */
static unsigned product_flags(const struct insn *i, const void *target, const void *source, unsigned which,
                              uint32_t mxcsr)
{
  const bool wide = i->opcode == 0x41;
  const struct insn multiply = {.map = MAP_0F, .opcode = 0x59, .sse = wide ? 0x66 : 0};
  const struct insn add = {.map = MAP_0F, .opcode = 0x7C, .sse = wide ? 0x66 : 0xF2};
  const unsigned width = wide ? 8 : 4, rounds = wide ? 1 : 2;
  uint8_t left[16], right[16];
  memcpy(left, target, sizeof left);
  memcpy(right, source, sizeof right);
  for (unsigned k = 0; k < 16 / width; k++) {
    if ((which >> (4 + k) & 1) == 0) {
      memset(left + k * width, 0, width);
      memset(right + k * width, 0, width);
    }
  }
  __m128 a, b;
  memcpy(&a, left, sizeof a);
  memcpy(&b, right, sizeof b);
  unsigned flags = step_flags(&multiply, a, b, 0, 0, mxcsr), saved = _mm_getcsr();
  _mm_setcsr((mxcsr & MODES) | MASKS);
  if (wide)
    __asm__ volatile("mulpd %1, %0" : "+x"(a) : "x"(b));
  else
    __asm__ volatile("mulps %1, %0" : "+x"(a) : "x"(b));
  _mm_setcsr(saved);
  for (unsigned k = 0; k < rounds && (flags & ~(mxcsr >> 7)) == 0; k++) {
    flags |= step_flags(&add, a, a, 0, 0, mxcsr);
    _mm_setcsr((mxcsr & MODES) | MASKS);
    if (!wide)
      __asm__ volatile("haddps %0, %0" : "+x"(a));
    _mm_setcsr(saved);
  }
  return flags;
}

unsigned sse_exceptions(const struct insn *i, const void *target, const void *source, unsigned immediate,
                        uint32_t mxcsr)
{
  __m128 a, b;
  uint64_t integer;
  memcpy(&a, target, sizeof a);
  memcpy(&b, source, sizeof b);
  memcpy(&integer, source, sizeof integer);
  if (i->map == MAP_0F)
    return step_flags(i, a, b, integer, immediate, mxcsr);
  if (is_product(i))
    return product_flags(i, target, source, immediate, mxcsr);
  return __builtin_cpu_supports("sse4.1") ? rounding_flags(i, a, b, immediate, mxcsr) : 0;
}
#else
unsigned sse_exceptions(const struct insn *i, const void *target, const void *source, unsigned immediate,
                        uint32_t mxcsr)
{
  (void)i;
  (void)target;
  (void)source;
  (void)immediate;
  (void)mxcsr;
  return 0;
}
#endif
