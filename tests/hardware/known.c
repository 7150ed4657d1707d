/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The differences that are known, each with its explanation. Whatever is not listed here fails the test. */
#include "hardware.h"

#define ANY_REG 0xFFu
#define REG(n) (1u << (n))
#define FLAG_ZF 0x40u
#define X87_STACK_FAULT 0x40u

struct known_difference {
  enum opcode_map map;
  uint8_t first, last;
  uint8_t regs, forms, prefixes;
  /** The further conditions. */
  bool (*when)(const struct test_case *c, const struct instruction *i, const struct outcome *native,
               const struct outcome *emulated, unsigned aspects);
  const char *reason;
};

#define KNOWN_WHEN(name)                                                                                               \
  static bool name(const struct test_case *c, const struct instruction *i, const struct outcome *native,               \
                   const struct outcome *emulated, unsigned aspects)
#define UNUSED_ARGUMENTS (void)c, (void)i, (void)native, (void)emulated, (void)aspects

static bool traps(const struct outcome *native, unsigned a, const struct outcome *emulated, unsigned b)
{
  return native->kind == OUTCOME_EXCEPTION && emulated->kind == OUTCOME_EXCEPTION && native->vector == a &&
         emulated->vector == b;
}

static bool is_fault(const struct test_case *c, const struct outcome *o)
{
  return o->kind == OUTCOME_EXCEPTION && o->rip == c->rip && o->vector != 1 && o->vector != 3;
}

KNOWN_WHEN(x87_stack_fault)
{
  UNUSED_ARGUMENTS;
  return (native->fx.StatusWord & ~c->fx.StatusWord & X87_STACK_FAULT) != 0;
}

KNOWN_WHEN(only_x87)
{
  UNUSED_ARGUMENTS;
  return (aspects & ~(unsigned)(ASPECT_X87 | ASPECT_X87_STATUS)) == 0;
}

KNOWN_WHEN(only_flags)
{
  UNUSED_ARGUMENTS;
  return aspects == ASPECT_FLAGS;
}

KNOWN_WHEN(flags_of_fault)
{
  UNUSED_ARGUMENTS;
  return aspects == ASPECT_FLAGS && is_fault(c, native);
}

KNOWN_WHEN(x87_of_fault) { return only_x87(c, i, native, emulated, aspects) && is_fault(c, native); }

KNOWN_WHEN(stack_fault_vector)
{
  UNUSED_ARGUMENTS;
  return traps(native, 12, emulated, 13);
}

/* Both sides fault, for different reasons. */
KNOWN_WHEN(other_fault)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, native) && is_fault(c, emulated);
}

KNOWN_WHEN(undefined_executes)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, native) && native->vector == 6;
}

KNOWN_WHEN(undefined_here)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, emulated) && emulated->vector == 6;
}

KNOWN_WHEN(test_alias)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, emulated);
}

KNOWN_WHEN(forbidden_executes)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, native) && native->vector == 13;
}

KNOWN_WHEN(locked)
{
  UNUSED_ARGUMENTS;
  return i->lock && native->vector == 6;
}

KNOWN_WHEN(with_rex)
{
  UNUSED_ARGUMENTS;
  return i->rex != 0;
}

KNOWN_WHEN(any_way)
{
  UNUSED_ARGUMENTS;
  return true;
}

KNOWN_WHEN(pops_32k)
{
  UNUSED_ARGUMENTS;
  return c->code[c->length - 1] >= 0x80;
}

KNOWN_WHEN(pushed_before_fault)
{
  UNUSED_ARGUMENTS;
  return aspects == ASPECT_MEMORY && traps(native, 13, emulated, 13);
}

KNOWN_WHEN(relative_to_rip)
{
  UNUSED_ARGUMENTS;
  return (i->modrm & 0xC7) == 5;
}

KNOWN_WHEN(stray_rex)
{
  UNUSED_ARGUMENTS;
  return i->stray_rex;
}

KNOWN_WHEN(only_registers)
{
  UNUSED_ARGUMENTS;
  return aspects == ASPECT_GPR || aspects == ASPECT_RSP;
}

KNOWN_WHEN(only_xmm)
{
  UNUSED_ARGUMENTS;
  return aspects == ASPECT_XMM;
}

KNOWN_WHEN(only_memory)
{
  UNUSED_ARGUMENTS;
  return aspects == ASPECT_MEMORY;
}

/* The operand lies in two pages, and something is wrong with both. */
KNOWN_WHEN(two_pages)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, native) && is_fault(c, emulated) && native->vector == 14 && emulated->vector == 14 &&
         emulated->cr2 % PAGE == 0 && emulated->cr2 - native->cr2 < 16;
}

/* A fault at the operand's end, where the processor reads less. */
KNOWN_WHEN(faults_here)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, emulated) && emulated->vector == 14 && !is_fault(c, native);
}

KNOWN_WHEN(faults_there)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, native) && native->vector >= 12 && !is_fault(c, emulated);
}

KNOWN_WHEN(rex_r)
{
  UNUSED_ARGUMENTS;
  return (i->rex & 4) != 0 && emulated->vector == 6;
}

KNOWN_WHEN(step_branch)
{
  UNUSED_ARGUMENTS;
  return traps(native, 13, emulated, 1);
}

KNOWN_WHEN(too_long)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, native) && native->vector == 13 && is_fault(c, emulated) && i->modrm_at >= 8;
}

KNOWN_WHEN(prefix_clash)
{
  UNUSED_ARGUMENTS;
  return i->prefix_clash;
}

/* Part of the operand lies below, part above the border of canonical addresses. */
KNOWN_WHEN(across_border)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, native) && (native->vector == 12 || native->vector == 13) && emulated->vector == 14 &&
         emulated->cr2 >= 0x7FFFFFFFFFF0 && emulated->cr2 <= 0x800000000000;
}

KNOWN_WHEN(denormals)
{
  UNUSED_ARGUMENTS;
  return aspects == ASPECT_XMM && (c->fx.MxCsr & 0x8040) != 0;
}

KNOWN_WHEN(step_pause)
{
  UNUSED_ARGUMENTS;
  return traps(native, 1, emulated, 3);
}

KNOWN_WHEN(rex_mm)
{
  UNUSED_ARGUMENTS;
  return (i->rex & 5) != 0;
}

static bool is_nan32(uint32_t v) { return (v & 0x7FFFFFFF) > 0x7F800000; }
static bool is_nan64(uint64_t v) { return (v & ~0ull >> 1) > 0x7FF0000000000000; }

static bool nan_difference(uint64_t a, uint64_t b)
{
  bool low = (uint32_t)a == (uint32_t)b || (is_nan32((uint32_t)a) && is_nan32((uint32_t)b));
  bool high = a >> 32 == b >> 32 || (is_nan32((uint32_t)(a >> 32)) && is_nan32((uint32_t)(b >> 32)));
  return (low && high) || (is_nan64(a) && is_nan64(b));
}

/* All that differs is which NaN a result is. */
KNOWN_WHEN(other_nan)
{
  UNUSED_ARGUMENTS;
  for (unsigned n = 0; n < 16; n++) {
    const M128A *a = &native->fx.XmmRegisters[n], *b = &emulated->fx.XmmRegisters[n];
    if (!nan_difference(a->Low, b->Low) || !nan_difference((uint64_t)a->High, (uint64_t)b->High))
      return false;
  }
  return aspects == ASPECT_XMM;
}

KNOWN_WHEN(rex_w)
{
  UNUSED_ARGUMENTS;
  return (i->rex & 8) != 0;
}

KNOWN_WHEN(zero_source)
{
  UNUSED_ARGUMENTS;
  return (aspects == ASPECT_GPR || aspects == ASPECT_RSP) && (native->rflags & FLAG_ZF) != 0;
}

KNOWN_WHEN(far_return)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, native) && native->vector == 13 && emulated->vector == 13;
}

KNOWN_WHEN(lost_segment)
{
  UNUSED_ARGUMENTS;
  return i->segment_then_null;
}

/* The offset is not canonical, but with the base of FS or GS the address is. */
KNOWN_WHEN(offset_border)
{
  UNUSED_ARGUMENTS;
  return i->segment != 0 && traps(native, 13, emulated, 14);
}

KNOWN_WHEN(fxrstor_fault)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, native) && is_fault(c, emulated);
}

KNOWN_WHEN(fetch_first)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, native) && native->vector == 14 && native->cr2 == CODE_PAGE + PAGE &&
         (is_fault(c, emulated) || i->map == MAP_0F);
}

#define ALL ANY_REG, ANY_FORM, ANY_PREFIX

static const struct known_difference known[] = {
    /* Awaited. */
    {MAP_1, 0x00, 0xFF, ALL, locked, "LOCK where it is not allowed executes"},
    {MAP_0F, 0x00, 0xFF, ALL, locked, "LOCK where it is not allowed executes"},
    {MAP_38, 0x00, 0xFF, ALL, locked, "LOCK where it is not allowed executes"},
    {MAP_3A, 0x00, 0xFF, ALL, locked, "LOCK where it is not allowed executes"},
    {MAP_1, 0x6C, 0x6F, ALL, forbidden_executes, "port instructions execute"},
    {MAP_1, 0xE4, 0xE7, ALL, forbidden_executes, "port instructions execute"},
    {MAP_1, 0xEC, 0xEF, ALL, forbidden_executes, "port instructions execute"},
    {MAP_0F, 0x10, 0xFF, ANY_REG, FORM_MEMORY, ANY_PREFIX, forbidden_executes, "unaligned SSE operands are accepted"},
    {MAP_38, 0x00, 0x7F, ANY_REG, FORM_MEMORY, ANY_PREFIX, forbidden_executes, "unaligned SSE operands are accepted"},
    {MAP_3A, 0x00, 0x7F, ANY_REG, FORM_MEMORY, ANY_PREFIX, forbidden_executes, "unaligned SSE operands are accepted"},
    {MAP_1, 0xE0, 0xE1, ALL, any_way, "loope and loopne may lose flags"},
    /* The processor in general. */
    {MAP_1, 0x00, 0xFF, ALL, stray_rex, "a REX that is not right before the opcode is not ignored"},
    {MAP_0F, 0x00, 0xFF, ALL, stray_rex, "a REX that is not right before the opcode is not ignored"},
    {MAP_38, 0x00, 0xFF, ALL, stray_rex, "a REX that is not right before the opcode is not ignored"},
    {MAP_3A, 0x00, 0xFF, ALL, stray_rex, "a REX that is not right before the opcode is not ignored"},
    {MAP_1, 0x00, 0xFF, ALL, two_pages, "an operand in two bad pages: the engine names the second"},
    {MAP_0F, 0x00, 0xFF, ALL, two_pages, "an operand in two bad pages: the engine names the second"},
    {MAP_1, 0x00, 0xFF, ALL, too_long, "an undefined opcode of more than 15 bytes"},
    {MAP_0F, 0x00, 0xFF, ALL, too_long, "an undefined opcode of more than 15 bytes"},
    {MAP_1, 0x00, 0xFF, ALL, across_border, "an operand across the border of canonical addresses"},
    {MAP_0F, 0x00, 0xFF, ALL, across_border, "an operand across the border of canonical addresses"},
    {MAP_1, 0xA4, 0xAF, ALL, prefix_clash, "F2 and F3 together"},
    {MAP_1, 0x90, 0x90, ALL, step_pause, "pause is not a step"},
    {MAP_0F, 0x10, 0xFF, ALL, prefix_clash, "66, F2 and F3 together select another SSE instruction"},
    {MAP_1, 0x00, 0xFF, ALL, lost_segment, "FS or GS followed by a segment prefix without meaning"},
    {MAP_0F, 0x00, 0xFF, ALL, lost_segment, "FS or GS followed by a segment prefix without meaning"},
    {MAP_38, 0x00, 0xFF, ALL, lost_segment, "FS or GS followed by a segment prefix without meaning"},
    {MAP_3A, 0x00, 0xFF, ALL, lost_segment, "FS or GS followed by a segment prefix without meaning"},
    {MAP_1, 0x00, 0xFF, ALL, offset_border, "FS and GS: the offset alone is not canonical"},
    {MAP_0F, 0x00, 0xFF, ALL, offset_border, "FS and GS: the offset alone is not canonical"},
    {MAP_1, 0xC2, 0xC2, ALL, rex_w, "ret with REX.W to a non-canonical address"},
    {MAP_0F, 0xAE, 0xAE, REG(1), FORM_MEMORY, ANY_PREFIX, fxrstor_fault, "fxrstor that faults"},
    {MAP_1, 0xC2, 0xFF, ALL, step_branch, "a step over a branch to a non-canonical address"},
    {MAP_38, 0x00, 0xFF, ALL, fetch_first, "an undefined opcode at a page end: the processor fetches on"},
    {MAP_3A, 0x00, 0xFF, ALL, fetch_first, "an undefined opcode at a page end: the processor fetches on"},
    {MAP_1, 0x00, 0xFF, ALL, stack_fault_vector, "#SS: a non-canonical address through RSP or RBP gives #GP here"},
    {MAP_0F, 0x00, 0xFF, ALL, stack_fault_vector, "#SS: a non-canonical address through RSP or RBP gives #GP here"},
    {MAP_38, 0x00, 0xFF, ALL, stack_fault_vector, "#SS: a non-canonical address through RSP or RBP gives #GP here"},
    {MAP_3A, 0x00, 0xFF, ALL, stack_fault_vector, "#SS: a non-canonical address through RSP or RBP gives #GP here"},
    {MAP_1, 0x00, 0xFF, ALL, fetch_first, "an undefined opcode at a page end: the processor fetches on"},
    {MAP_0F, 0x00, 0xFF, ALL, fetch_first, "an undefined opcode at a page end: the processor fetches on"},
    {MAP_1, 0xA6, 0xA7, ALL, other_fault, "cmps with two bad operands: which is first is not specified"},
    /* Branches and the stack. */
    {MAP_1, 0xC2, 0xC2, ALL, pops_32k, "ret of 32768 bytes and more: the engine takes the number as signed"},
    {MAP_1, 0xCA, 0xCF, ALL, other_fault, "far returns: which check is first is not specified"},
    {MAP_1, 0xCA, 0xCA, ALL, pops_32k, "ret of 32768 bytes and more: the engine takes the number as signed"},
    {MAP_1, 0xCF, 0xCF, ALL, any_way, "iretd with VM"},
    {MAP_1, 0xFF, 0xFF, REG(3) | REG(5), FORM_MEMORY, ANY_PREFIX, other_fault, "far branches: which check is first"},
    {MAP_1, 0xFF, 0xFF, REG(2), ANY_FORM, ANY_PREFIX, pushed_before_fault,
     "a call to a non-canonical address has pushed"},
    {MAP_1, 0xFF, 0xFF, REG(7), ANY_FORM, ANY_PREFIX, undefined_executes, "FF /7"},
    {MAP_1, 0xC8, 0xC8, ALL, any_way, "enter: the last write check, and 16-bit operands"},
    /* Integer instructions. */
    {MAP_1, 0x9E, 0x9F, ALL, with_rex, "lahf and sahf with REX take SPL for AH"},
    {MAP_1, 0xF6, 0xF7, REG(1), ANY_FORM, ANY_PREFIX, test_alias, "F6 /1 and F7 /1 are TEST"},
    {MAP_1, 0xC0, 0xD3, REG(2) | REG(3), FORM_MEMORY, ANY_PREFIX, flags_of_fault, "rcl and rcr whose store faults"},
    {MAP_0F, 0xA4, 0xA4, ANY_REG, FORM_MEMORY, ANY_PREFIX, relative_to_rip,
     "shld and shrd by a number, relative to RIP"},
    {MAP_0F, 0xAC, 0xAC, ANY_REG, FORM_MEMORY, ANY_PREFIX, relative_to_rip,
     "shld and shrd by a number, relative to RIP"},
    {MAP_0F, 0x20, 0x23, ALL, undefined_executes, "mov of a control register that does not exist: #GP here"},
    {MAP_0F, 0x18, 0x1F, ALL, undefined_here, "hints without a memory operand"},
    {MAP_0F, 0xB1, 0xB1, ANY_REG, FORM_REGISTER, ANY_PREFIX, only_registers, "cmpxchg, not equal: upper half, AMD"},
    {MAP_1, 0xC6, 0xC7, REG(0), ANY_FORM, ANY_PREFIX, rex_r, "mov with REX.R"},
    {MAP_1, 0xF6, 0xF7, REG(3), FORM_MEMORY, ANY_PREFIX, only_flags, "lock neg"},
    {MAP_0F, 0xAE, 0xAE, REG(7), FORM_MEMORY, ANY_PREFIX, faults_there, "clflush asks for no page"},
    {MAP_1, 0xCA, 0xCB, ALL, far_return, "a far return to a non-canonical address faults after it"},
    {MAP_0F, 0xBC, 0xBD, ALL, zero_source, "bsf, bsr of 0"},
    {MAP_0F, 0x02, 0x02, ALL, only_registers, "lar: bits 16 to 19"},
    /* x87, MMX, SSE. */
    {MAP_38, 0x00, 0x1E, ANY_REG, ANY_FORM, NP, rex_mm, "SSSE3 on mm8 to mm15"},
    {MAP_3A, 0x0F, 0x0F, ANY_REG, ANY_FORM, NP, rex_mm, "SSSE3 on mm8 to mm15"},
    {MAP_0F, 0x51, 0xE6, ALL, other_nan, "an operation on two NaNs"},
    {MAP_0F, 0xE6, 0xE6, ANY_REG, FORM_MEMORY, ANY_PREFIX, faults_here, "cvtdq2pd reads 16 bytes"},
    {MAP_1, 0xDD, 0xDD, REG(4), FORM_MEMORY, ANY_PREFIX, rex_w, "frstor with REX.W"},
    {MAP_1, 0xD9, 0xDD, REG(0), FORM_MEMORY, ANY_PREFIX, only_x87, "fld of a signalling NaN"},
    {MAP_0F, 0x51, 0xE6, ALL, denormals, "DAZ and FTZ"},
    {MAP_3A, 0x40, 0x41, ALL, only_xmm, "dpps: order"},
    {MAP_0F, 0x2C, 0x2D, ANY_REG, FORM_MEMORY, ANY_PREFIX, faults_here, "cvtps2pi reads 16 bytes"},
    {MAP_0F, 0x2A, 0x2A, ANY_REG, FORM_MEMORY, ANY_PREFIX, only_x87, "cvtpi2ps from memory leaves x87 alone"},
    {MAP_38, 0x00, 0x1E, ALL, only_x87, "SSSE3 MMX does not switch"},
    {MAP_3A, 0x0F, 0x0F, ALL, only_x87, "SSSE3 MMX does not switch"},
    {MAP_0F, 0x5A, 0x5A, ANY_REG, FORM_MEMORY, ANY_PREFIX, faults_here, "cvtps2pd reads 16 bytes"},
    {MAP_0F, 0x60, 0x62, ANY_REG, FORM_MEMORY, ANY_PREFIX, faults_here, "punpckl reads 8 bytes"},
    {MAP_3A, 0x0A, 0x0B, ANY_REG, FORM_MEMORY, ANY_PREFIX, faults_here, "roundss reads 16 bytes"},
    {MAP_0F, 0xF7, 0xF7, ALL, faults_there, "maskmovq asks for no page"},
    {MAP_0F, 0xF7, 0xF7, ALL, other_fault, "maskmovq names its first byte"},
    {MAP_1, 0xDB, 0xDB, REG(1), FORM_MEMORY, ANY_PREFIX, only_memory, "fisttp of a number too large"},
    {MAP_1, 0xDD, 0xDD, REG(1), FORM_MEMORY, ANY_PREFIX, only_memory, "fisttp of a number too large"},
    {MAP_1, 0xDF, 0xDF, REG(6), FORM_MEMORY, ANY_PREFIX, only_memory, "fbstp of a number too large"},
    {MAP_1, 0xD9, 0xDD, REG(4), FORM_MEMORY, ANY_PREFIX, faults_there, "fldenv reads only what it uses"},
    {MAP_38, 0x01, 0x07, ANY_REG, FORM_REGISTER, ANY_PREFIX, only_xmm, "phadd of a register with itself"},
    {MAP_1, 0xD8, 0xDF, ALL, x87_stack_fault, "the engine's x87 stack neither overflows nor underflows"},
    {MAP_1, 0xDB, 0xDB, REG(5) | REG(6), FORM_REGISTER, ANY_PREFIX, only_flags, "fcomi leaves OF, SF and AF"},
    {MAP_1, 0xDF, 0xDF, REG(5) | REG(6), FORM_REGISTER, ANY_PREFIX, only_flags, "fcomi leaves OF, SF and AF"},
    {MAP_1, 0xD9, 0xDF, ANY_REG, FORM_REGISTER, ANY_PREFIX, only_x87, "fst and fstp to an empty register"},
    {MAP_1, 0xDF, 0xDF, REG(4) | REG(6), FORM_MEMORY, ANY_PREFIX, other_fault, "fbld and fbstp: which byte is first"},
    {MAP_1, 0xD9, 0xDD, REG(4), FORM_MEMORY, ANY_PREFIX, other_fault, "fldenv and frstor: which byte is first"},
    {MAP_0F, 0x10, 0xFF, ALL, x87_of_fault, "an MMX instruction that faults has switched the x87 stack"},
    {MAP_0F, 0x77, 0x77, ALL, only_x87, "emms"},
    {MAP_0F, 0xC2, 0xC2, ALL, undefined_here, "cmpps with a number above 7"},
    {MAP_0F, 0x10, 0xFF, ALL, undefined_executes, "SSE and MMX opcodes with a prefix or a form that does not exist"},
    {MAP_38, 0x00, 0xFF, ALL, undefined_executes, "SSE and MMX opcodes with a prefix or a form that does not exist"},
    {MAP_3A, 0x00, 0xFF, ALL, undefined_executes, "SSE and MMX opcodes with a prefix or a form that does not exist"},
};

const struct known_difference *find_known(const struct test_case *c, const struct outcome *native,
                                          const struct outcome *emulated, unsigned aspects)
{
  struct instruction i;
  parse_instruction(c->code, c->length, &i);
  for (size_t n = 0; n < sizeof known / sizeof known[0]; n++) {
    const struct known_difference *k = &known[n];
    bool form = !i.has_modrm || ((k->regs & REG(modrm_reg(&i))) != 0 &&
                                 (k->forms & (modrm_memory(&i) ? FORM_MEMORY : FORM_REGISTER)) != 0);
    if (k->map == i.map && i.opcode >= k->first && i.opcode <= k->last && form && (k->prefixes & i.mandatory) != 0 &&
        k->when(c, &i, native, emulated, aspects))
      return k;
  }
  return NULL;
}

const char *known_reason(const struct known_difference *k) { return k->reason; }
