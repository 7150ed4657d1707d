/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The differences that are known, each with its explanation. Whatever is not listed here fails the test. */
#include "hardware.h"

#define ANY_REG 0xFFu
#define REG(n) (1u << (n))
#define FLAG_ZF 0x40u
#define X87_STACK_FAULT 0x40u
#define X87_MASKS 0x3Fu
#define MXCSR_INEXACT 0x20u

enum nature { OPEN, DEFECT };

struct known_difference {
  uint8_t maps; /**< bit set of enum opcode_map */
  uint8_t first, last;
  uint8_t regs, forms, prefixes;
  /** The further conditions. */
  bool (*when)(const struct test_case *c, const struct instruction *i, const struct outcome *native,
               const struct outcome *emulated, unsigned aspects);
  enum nature nature;
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
  bool masked = (~c->fx.ControlWord & X87_MASKS) == 0;
  return masked && (native->fx.StatusWord & ~c->fx.StatusWord & X87_STACK_FAULT) != 0;
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

KNOWN_WHEN(x87_of_fault) { return only_x87(c, i, native, emulated, aspects) && is_fault(c, native); }

/* Both sides fault, for different reasons. */
KNOWN_WHEN(other_fault)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, native) && is_fault(c, emulated);
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

KNOWN_WHEN(first_byte)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, native) && native->vector == 14;
}

KNOWN_WHEN(reads_first)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, native) && native->vector == 6 && is_fault(c, emulated);
}

KNOWN_WHEN(lock_ignored)
{
  UNUSED_ARGUMENTS;
  return i->lock && is_fault(c, emulated) && emulated->vector == 6;
}

KNOWN_WHEN(locked_cr)
{
  UNUSED_ARGUMENTS;
  return i->lock && traps(native, 13, emulated, 6);
}

KNOWN_WHEN(locked_flags)
{
  UNUSED_ARGUMENTS;
  return i->lock && aspects == ASPECT_FLAGS;
}

KNOWN_WHEN(repeated_loop)
{
  UNUSED_ARGUMENTS;
  return i->repeat;
}

KNOWN_WHEN(operand16)
{
  UNUSED_ARGUMENTS;
  return i->operand16;
}

KNOWN_WHEN(only_memory)
{
  UNUSED_ARGUMENTS;
  return aspects == ASPECT_MEMORY;
}

KNOWN_WHEN(pops_32k)
{
  UNUSED_ARGUMENTS;
  return c->code[c->length - 1] >= 0x80;
}

KNOWN_WHEN(far_step)
{
  UNUSED_ARGUMENTS;
  return traps(native, 13, emulated, 1);
}

KNOWN_WHEN(far_return)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, native) && traps(native, 13, emulated, 13);
}

KNOWN_WHEN(fetch_first)
{
  UNUSED_ARGUMENTS;
  return is_fault(c, native) && native->vector == 14 && native->cr2 == CODE_PAGE + PAGE &&
         (is_fault(c, emulated) || i->map == MAP_0F);
}

KNOWN_WHEN(memory_of_alignment_fault)
{
  UNUSED_ARGUMENTS;
  return aspects == ASPECT_MEMORY && traps(native, 17, emulated, 17);
}

/* With an exponent without bounds the result would be exact. */
KNOWN_WHEN(inexact_beside)
{
  UNUSED_ARGUMENTS;
  return aspects == ASPECT_MXCSR && traps(native, 19, emulated, 19) &&
         (native->fx.MxCsr ^ emulated->fx.MxCsr) == MXCSR_INEXACT;
}

KNOWN_WHEN(wraps_around)
{
  UNUSED_ARGUMENTS;
  return traps(native, 13, emulated, 17);
}

KNOWN_WHEN(only_x87_status)
{
  UNUSED_ARGUMENTS;
  return i->operand16 && aspects == ASPECT_X87_STATUS;
}

#define ONE (1u << MAP_1)
#define TWO (1u << MAP_0F)
#define EVERY (ONE | TWO | 1u << MAP_38 | 1u << MAP_3A)
#define SSSE3 (1u << MAP_38 | 1u << MAP_3A)
#define ALL ANY_REG, ANY_FORM, ANY_PREFIX
#define MEMORY ANY_REG, FORM_MEMORY, ANY_PREFIX
#define REGISTER ANY_REG, FORM_REGISTER, ANY_PREFIX

/* First what no manual specifies or what makers do differently: this host does one thing, the engine another. Then the
 * engine's defects that stay; CAVEATS.md names those that a program can meet. */
static const struct known_difference known[] = {
    {ONE, 0xA6, 0xA7, ALL, other_fault, OPEN, "cmps with two bad operands: the engine reads at RDI first"},
    {ONE, 0xCA, 0xCF, ALL, other_fault, OPEN, "far returns with several faults: another one is found first"},
    {ONE, 0xFF, 0xFF, REG(3) | REG(5), FORM_MEMORY, ANY_PREFIX, other_fault, OPEN,
     "far branches with several faults: another one is found first"},
    {ONE, 0xDF, 0xDF, REG(4) | REG(6), FORM_MEMORY, ANY_PREFIX, other_fault, OPEN,
     "fbld, fbstp in two bad pages: another byte is named"},
    {ONE, 0xD9, 0xDD, REG(4), FORM_MEMORY, ANY_PREFIX, other_fault, OPEN,
     "fldenv, frstor in two bad pages: another byte is named"},
    {TWO, 0xAE, 0xAE, REG(1), FORM_MEMORY, ANY_PREFIX, first_byte, OPEN,
     "fxrstor: this host names the last bytes first"},
    {TWO, 0xAE, 0xAE, REG(1), FORM_MEMORY, ANY_PREFIX, wraps_around, OPEN,
     "fxrstor over the last address, not aligned: #GP before #AC"},
    {TWO, 0xF7, 0xF7, ALL, first_byte, OPEN, "maskmovq, maskmovdqu: this host names the first byte, masked or not"},
    {ONE | TWO, 0x00, 0xFF, ALL, across_border, OPEN,
     "an operand across the border of canonical addresses: #PF, not #GP"},
    {ONE | TWO, 0x00, 0xFF, ALL, offset_border, OPEN, "FS, GS: this host wants a canonical offset, too"},
    {EVERY, 0x00, 0xFF, ALL, fetch_first, OPEN, "an undefined opcode at a page end: this host fetches on, then #UD"},
    {ONE | TWO, 0x00, 0xFF, ALL, too_long, OPEN, "more than 15 bytes, and another fault: this host gives #GP"},
    {ONE, 0xFF, 0xFF, REG(7), FORM_MEMORY, ANY_PREFIX, reads_first, OPEN, "FF /7: the operand is read before #UD"},
    {TWO, 0x00, 0x00, REG(4) | REG(5), ANY_FORM, ANY_PREFIX, lock_ignored, OPEN,
     "lock verr, verw: this host ignores LOCK"},
    {TWO, 0x20, 0x22, ALL, locked_cr, OPEN, "lock mov cr0: CR8 on this host (AMD)"},
    {ONE, 0xE0, 0xE1, ALL, repeated_loop, OPEN, "loope, loopne with F2 or F3: this host takes the prefix's condition"},
    {ONE, 0xA4, 0xAF, ALL, prefix_clash, OPEN, "F2 and F3 together: the last counts on this host"},
    {ONE, 0xC8, 0xC8, ALL, memory_of_alignment_fault, OPEN,
     "enter with a frame that is not aligned: this host has pushed RBP when it faults"},
    {ONE, 0xC8, 0xC8, ALL, operand16, OPEN, "enter with 66: this host changes BP only"},
    {TWO, 0xB1, 0xB1, REGISTER, only_registers, OPEN, "cmpxchg of 32 bits, not equal: this host keeps the upper half"},
    {TWO, 0xBC, 0xBD, ALL, zero_source, OPEN, "bsf, bsr of 0 to 32 bits: this host keeps the upper half"},
    {TWO, 0x02, 0x02, ALL, only_registers, OPEN, "lar: bits 16 to 19 are undefined"},
    {TWO, 0x77, 0x77, ALL, only_x87, OPEN, "emms: this host clears the top of the x87 stack"},
    {TWO, 0xC2, 0xC2, ALL, undefined_here, OPEN, "cmpps with a reserved number above 7"},
    {TWO, 0x18, 0x1F, ALL, undefined_here, OPEN, "hints with a register: not an instruction for the engine"},

    {EVERY, 0x00, 0xFF, ALL, stray_rex, DEFECT, "a REX that is not right before the opcode counts"},
    {EVERY, 0x00, 0xFF, ALL, lost_segment, DEFECT, "FS or GS is lost when CS, DS, ES or SS follows it"},
    {TWO, 0x10, 0xFF, ALL, prefix_clash, DEFECT, "66 with F2 or F3: 66 selects the SSE instruction"},
    {ONE | TWO, 0x00, 0xFF, ALL, two_pages, DEFECT, "a write to two bad pages names the second"},
    {ONE, 0xFF, 0xFF, REG(2), ANY_FORM, ANY_PREFIX, pushed_before_fault, DEFECT,
     "a call to a non-canonical address has written its return address"},
    {ONE, 0xCA, 0xCB, ALL, far_return, DEFECT, "a far return to a non-canonical address faults after it"},
    {ONE, 0xFF, 0xFF, REG(3) | REG(5), FORM_MEMORY, ANY_PREFIX, far_step, DEFECT,
     "a step over a far branch to a non-canonical address ends after it"},
    {ONE, 0xCA, 0xCA, ALL, pops_32k, DEFECT, "retf takes a number of 32768 and more as signed"},
    {ONE, 0xC8, 0xC8, ALL, faults_there, DEFECT, "enter does not check that the new top of the stack can be written"},
    {ONE, 0xF6, 0xF7, REG(1), ANY_FORM, ANY_PREFIX, test_alias, DEFECT,
     "F6 /1 and F7 /1, other codes of test, are #UD"},
    {ONE, 0xC6, 0xC7, REG(0), ANY_FORM, ANY_PREFIX, rex_r, DEFECT, "mov of a number with REX.R is #UD"},
    {ONE, 0xF6, 0xF7, REG(3), FORM_MEMORY, ANY_PREFIX, locked_flags, DEFECT, "lock neg sets wrong flags"},
    {TWO, 0xA4, 0xA4, MEMORY, relative_to_rip, DEFECT, "shld by a number: addresses relative to RIP are one too low"},
    {TWO, 0xAC, 0xAC, MEMORY, relative_to_rip, DEFECT, "shrd by a number: addresses relative to RIP are one too low"},
    {TWO, 0xAE, 0xAE, REG(7), FORM_MEMORY, ANY_PREFIX, faults_there, DEFECT, "clflush asks for no page"},
    {ONE, 0xD8, 0xDF, ALL, x87_stack_fault, DEFECT, "the x87 stack neither overflows nor underflows"},
    {ONE, 0xDB, 0xDB, REG(5) | REG(6), FORM_REGISTER, ANY_PREFIX, only_flags, DEFECT, "fcomi leaves OF, SF and AF"},
    {ONE, 0xDF, 0xDF, REG(5) | REG(6), FORM_REGISTER, ANY_PREFIX, only_flags, DEFECT, "fcomi leaves OF, SF and AF"},
    {ONE, 0xD9, 0xDF, REGISTER, only_x87, DEFECT, "fst to an empty x87 register leaves it empty"},
    {ONE, 0xD9, 0xDD, REG(0), FORM_MEMORY, ANY_PREFIX, only_x87, DEFECT, "fld does not quiet a signalling NaN"},
    {ONE, 0xDB, 0xDD, REG(1), FORM_MEMORY, ANY_PREFIX, only_memory, DEFECT, "fisttp of a number too large"},
    {ONE, 0xDF, 0xDF, REG(6), FORM_MEMORY, ANY_PREFIX, only_memory, DEFECT, "fbstp of a number too large"},
    {ONE, 0xD9, 0xDD, REG(4), FORM_MEMORY, ANY_PREFIX, faults_there, DEFECT, "fldenv reads only what it uses"},
    {ONE, 0xD9, 0xDD, REG(4), FORM_MEMORY, ANY_PREFIX, only_x87_status, DEFECT,
     "fldenv, frstor with 66 take the error summary from memory"},
    {ONE, 0xDD, 0xDD, REG(4), FORM_MEMORY, ANY_PREFIX, rex_w, DEFECT, "frstor with REX.W reads elsewhere"},
    {TWO, 0x10, 0xFF, ALL, x87_of_fault, DEFECT, "an MMX instruction that faults has already emptied the x87 stack"},
    {TWO, 0x2A, 0x2A, MEMORY, only_x87, DEFECT, "cvtpi2ps, cvtpi2pd from memory empty the x87 stack"},
    {SSSE3, 0x00, 0x1E, ANY_REG, ANY_FORM, NP, only_x87, DEFECT, "SSSE3 on MMX registers does not empty the x87 stack"},
    {SSSE3, 0x00, 0x1E, ANY_REG, ANY_FORM, NP, undefined_here, DEFECT,
     "SSSE3 on MMX registers with REX.R or REX.B is made #UD: the engine would write behind them"},
    {TWO, 0xF7, 0xF7, ALL, faults_there, DEFECT, "maskmovq of no byte asks for no page"},
    {TWO, 0x2C, 0x2D, MEMORY, faults_here, DEFECT, "cvtps2pi reads 16 bytes for 8"},
    {TWO, 0x5A, 0x5A, MEMORY, faults_here, DEFECT, "cvtps2pd reads 16 bytes for 8"},
    {TWO, 0x60, 0x62, MEMORY, faults_here, DEFECT, "punpckl reads 8 bytes for 4"},
    {TWO, 0xE6, 0xE6, MEMORY, faults_here, DEFECT, "cvtdq2pd reads 16 bytes for 8"},
    {1u << MAP_3A, 0x0A, 0x0B, MEMORY, faults_here, DEFECT, "roundss, roundsd read 16 bytes"},
    {1u << MAP_38, 0x20, 0x35, MEMORY, faults_here, DEFECT, "pmovsx, pmovzx read 16 bytes"},
    {TWO, 0x51, 0xE6, ALL, other_nan, DEFECT, "of two NaNs the other one is the result"},
    {TWO, 0x51, 0xE6, ALL, denormals, DEFECT, "DAZ and FTZ are not obeyed everywhere"},
    {TWO | 1u << MAP_3A, 0x40, 0xE6, ALL, inexact_beside, DEFECT,
     "beside an unmasked overflow or underflow PE is set, exact or not"},
    {1u << MAP_3A, 0x40, 0x41, ALL, only_xmm, DEFECT, "dpps, dppd add in another order"},
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
    if ((k->maps >> i.map & 1) != 0 && i.opcode >= k->first && i.opcode <= k->last && form &&
        (k->prefixes & i.mandatory) != 0 && k->when(c, &i, native, emulated, aspects))
      return k;
  }
  return NULL;
}

const char *known_reason(const struct known_difference *k) { return k->reason; }
