/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is not compared, and why; which flags the manuals leave undefined. */
#include "hardware.h"

#include <string.h>

#define CF 0x1ull
#define PF 0x4ull
#define AF 0x10ull
#define ZF 0x40ull
#define SF 0x80ull
#define OF 0x800ull
#define FLAG_TF 0x100u
#define RCX 1
#define RSP 4

#define REG(n) (1u << (n))
#define ANY_REG 0xFFu

struct exclusion {
  enum opcode_map map;
  uint8_t first, last;
  uint8_t regs; /**< bit set of ModRM.reg */
  uint8_t forms, prefixes;
  const char *reason;
};

#define OURS_LACKS "a feature that our CPUID does not claim: #UD for us, while a newer host executes it"
#define HYPERVISOR "hypervisors are known to intercept it and to answer differently"
#define UMIP "Linux emulates it for user mode (UMIP), with constant results"
#define VENDOR "differs between AMD and Intel"
#define CHANGES "its result changes from run to run or from host to host"
#define APPROXIMATE "an approximation, whose last bits are the maker's"
#define POINTERS "stores the address of the last x87 instruction, which processors keep differently"
#define LIBM "x87 transcendental: the engine computes it by the host's libm (CAVEATS)"

static const struct exclusion exclusions[] = {
    {MAP_1, 0x62, 0x62, ANY_REG, ANY_FORM, ANY_PREFIX, OURS_LACKS},
    {MAP_1, 0xC4, 0xC5, ANY_REG, ANY_FORM, ANY_PREFIX, OURS_LACKS},
    {MAP_1, 0x8F, 0x8F, ANY_REG & ~REG(0), ANY_FORM, ANY_PREFIX, OURS_LACKS}, /* XOP */
    {MAP_1, 0xD5, 0xD5, ANY_REG, ANY_FORM, ANY_PREFIX, OURS_LACKS},           /* REX2 */
    {MAP_1, 0xC6, 0xC7, REG(7), ANY_FORM, ANY_PREFIX, OURS_LACKS},            /* xabort, xbegin */
    {MAP_1, 0xF1, 0xF1, ANY_REG, ANY_FORM, ANY_PREFIX, HYPERVISOR},
    {MAP_1, 0xD9, 0xD9, REG(6), FORM_MEMORY, ANY_PREFIX, POINTERS}, /* fnstenv */
    {MAP_1, 0xDD, 0xDD, REG(6), FORM_MEMORY, ANY_PREFIX, POINTERS}, /* fnsave */
    {MAP_0F, 0x00, 0x00, REG(0) | REG(1), ANY_FORM, ANY_PREFIX, UMIP},
    {MAP_0F, 0x01, 0x01, REG(0) | REG(1), FORM_MEMORY, ANY_PREFIX, UMIP},
    {MAP_0F, 0x01, 0x01, REG(4), ANY_FORM, ANY_PREFIX, UMIP},
    {MAP_0F, 0x01, 0x01, REG(0) | REG(3), FORM_REGISTER, ANY_PREFIX, HYPERVISOR}, /* vmcall, vmrun, ... */
    {MAP_0F, 0x01, 0x01, REG(1) | REG(2) | REG(5) | REG(7), FORM_REGISTER, ANY_PREFIX, OURS_LACKS},
    {MAP_0F, 0x01, 0x01, REG(5), FORM_MEMORY, ANY_PREFIX, OURS_LACKS}, /* rstorssp */
    {MAP_0F, 0x05, 0x05, ANY_REG, ANY_FORM, ANY_PREFIX, "a system call of the host"},
    {MAP_0F, 0x34, 0x35, ANY_REG, ANY_FORM, ANY_PREFIX, VENDOR},                         /* sysenter, sysexit */
    {MAP_0F, 0x2B, 0x2B, ANY_REG, ANY_FORM, PF3 | PF2, OURS_LACKS},                      /* movntss, movntsd */
    {MAP_0F, 0x31, 0x31, ANY_REG, ANY_FORM, ANY_PREFIX, CHANGES},                        /* rdtsc */
    {MAP_0F, 0x33, 0x33, ANY_REG, ANY_FORM, ANY_PREFIX, CHANGES},                        /* rdpmc */
    {MAP_0F, 0xA2, 0xA2, ANY_REG, ANY_FORM, ANY_PREFIX, CHANGES},                        /* cpuid */
    {MAP_0F, 0x37, 0x37, ANY_REG, ANY_FORM, ANY_PREFIX, HYPERVISOR},                     /* getsec */
    {MAP_0F, 0x0E, 0x0F, ANY_REG, ANY_FORM, ANY_PREFIX, OURS_LACKS},                     /* 3DNow */
    {MAP_0F, 0x1A, 0x1B, ANY_REG, ANY_FORM, ANY_PREFIX, OURS_LACKS},                     /* MPX */
    {MAP_0F, 0x1C, 0x1C, REG(0), FORM_MEMORY, ANY_PREFIX, OURS_LACKS},                   /* cldemote */
    {MAP_0F, 0x1E, 0x1E, ANY_REG, ANY_FORM, PF3, OURS_LACKS},                            /* rdssp, endbr */
    {MAP_0F, 0x52, 0x53, ANY_REG, ANY_FORM, NP | PF3, APPROXIMATE},                      /* rsqrtps, rcpps */
    {MAP_0F, 0x78, 0x79, ANY_REG, ANY_FORM, ANY_PREFIX, OURS_LACKS},                     /* SSE4A, vmread */
    {MAP_0F, 0xAA, 0xAA, ANY_REG, ANY_FORM, ANY_PREFIX, HYPERVISOR},                     /* rsm */
    {MAP_0F, 0xB8, 0xB8, ANY_REG, ANY_FORM, ANY_PREFIX, OURS_LACKS},                     /* popcnt */
    {MAP_0F, 0xBC, 0xBD, ANY_REG, ANY_FORM, PF3, OURS_LACKS},                            /* tzcnt, lzcnt */
    {MAP_0F, 0xAE, 0xAE, REG(0), FORM_MEMORY, ANY_PREFIX, POINTERS},                     /* fxsave */
    {MAP_0F, 0xAE, 0xAE, REG(4) | REG(5) | REG(6), FORM_MEMORY, ANY_PREFIX, OURS_LACKS}, /* xsave */
    {MAP_0F, 0xAE, 0xAE, REG(7), FORM_MEMORY, P66, OURS_LACKS},                          /* clflushopt */
    {MAP_0F, 0xAE, 0xAE, ANY_REG, FORM_REGISTER, P66 | PF3 | PF2, OURS_LACKS},           /* rdfsbase, incssp, tpause */
    {MAP_0F, 0xC7, 0xC7, ANY_REG & ~REG(1), ANY_FORM, ANY_PREFIX, OURS_LACKS},           /* xsaves, rdrand, vmptrld */
    {MAP_0F, 0x18, 0x18, REG(6) | REG(7), FORM_MEMORY, ANY_PREFIX, OURS_LACKS},          /* prefetchit */
    {MAP_38, 0x37, 0x37, ANY_REG, ANY_FORM, ANY_PREFIX, OURS_LACKS},                     /* SSE4.2 */
    {MAP_38, 0x80, 0xFF, ANY_REG, ANY_FORM, ANY_PREFIX, OURS_LACKS}, /* AES, SHA, movbe, crc32, adx */
    {MAP_3A, 0x44, 0x44, ANY_REG, ANY_FORM, ANY_PREFIX, OURS_LACKS}, /* pclmulqdq */
    {MAP_3A, 0x60, 0x63, ANY_REG, ANY_FORM, ANY_PREFIX, OURS_LACKS}, /* SSE4.2 */
    {MAP_3A, 0xC0, 0xFF, ANY_REG, ANY_FORM, ANY_PREFIX, OURS_LACKS}, /* SHA, AES, GFNI */
};

/* Descriptors that only one of the two descriptor tables has: TLS and the processor number here, the TEB there. */
static bool selector_differs(uint16_t selector)
{
  return (selector & 4) == 0 && (selector & 0xFFF8) >= 0x50 && (selector & 0xFFF8) < 0x80;
}

static bool read_area(const struct test_case *c, uint64_t va, void *out, size_t size)
{
  for (unsigned i = 0; i < AREA_PAGES; i++) {
    if (va - area_pages[i].va < PAGE - size + 1) {
      memcpy(out, &c->memory[i][va - area_pages[i].va], size);
      return true;
    }
  }
  return false;
}

static bool memory_selector_differs(const struct test_case *c, uint64_t va)
{
  uint16_t selector;
  return read_area(c, va, &selector, sizeof selector) && selector_differs(selector);
}

/* The selector operand of an instruction that has one. */
static bool loads_other_selector(const struct test_case *c, const struct instruction *i, unsigned length)
{
  unsigned size = (i->rex & 8) != 0 ? 8 : i->operand16 ? 2 : 4, reg = modrm_reg(i);
  bool system = i->map == MAP_0F && (i->opcode == 0x00 || i->opcode == 0x02 || i->opcode == 0x03);
  if ((i->map == MAP_1 && i->opcode == 0x8E) || system) {
    if (!modrm_memory(i))
      return selector_differs((uint16_t)c->gpr[(i->modrm & 7) | (i->rex & 1) << 3]);
    return memory_selector_differs(c, effective_address(c, i, length));
  }
  bool far_pointer = i->map == MAP_0F && (i->opcode == 0xB2 || i->opcode == 0xB4 || i->opcode == 0xB5);
  if (far_pointer || (i->map == MAP_1 && i->opcode == 0xFF && (reg == 3 || reg == 5)))
    return modrm_memory(i) && memory_selector_differs(c, effective_address(c, i, length) + size);
  if (i->map == MAP_0F && (i->opcode == 0xA1 || i->opcode == 0xA9)) /* pop fs, pop gs */
    return memory_selector_differs(c, c->gpr[RSP]);
  if (i->map == MAP_1 && (i->opcode == 0xCA || i->opcode == 0xCB || i->opcode == 0xCF))
    return memory_selector_differs(c, c->gpr[RSP] + size) || memory_selector_differs(c, c->gpr[RSP] + 4 * size);
  return false;
}

static bool is_transcendental(const struct instruction *i)
{
  if (i->map != MAP_1 || i->opcode != 0xD9 || modrm_memory(i))
    return false;
  switch (i->modrm) {
  case 0xF0: /* f2xm1, fyl2x, fptan, fpatan */
  case 0xF1:
  case 0xF2:
  case 0xF3:
  case 0xF9: /* fyl2xp1 */
  case 0xFB: /* fsincos */
  case 0xFE: /* fsin, fcos */
  case 0xFF:
    return true;
  default:
    return false;
  }
}

static unsigned shift_count(const struct test_case *c, const struct instruction *i, unsigned length)
{
  unsigned count = (unsigned)c->gpr[RCX];
  if (i->map == MAP_0F ? (i->opcode & 1) == 0 : i->opcode < 0xD0)
    count = c->code[length - 1];
  else if (i->map == MAP_1 && i->opcode < 0xD2)
    count = 1;
  return count & ((i->rex & 8) != 0 ? 63 : 31);
}

static bool is_double_shift(const struct instruction *i)
{
  return i->map == MAP_0F && (i->opcode == 0xA4 || i->opcode == 0xA5 || i->opcode == 0xAC || i->opcode == 0xAD);
}

static const char *excluded_specially(const struct test_case *c, const struct instruction *i, unsigned length)
{
  if (i->map == MAP_1 && i->opcode == 0xCD && c->code[i->modrm_at] == 0x80)
    return "a system call of the host";
  if (is_transcendental(i))
    return LIBM;
  if (loads_other_selector(c, i, length))
    return "the descriptor tables differ there";
  bool loads_ss =
      (i->map == MAP_1 && i->opcode == 0x8E && modrm_reg(i) == 2) || (i->map == MAP_0F && i->opcode == 0xB2);
  if (loads_ss && (c->rflags & FLAG_TF) != 0)
    return "MOV SS with TF: the INT3 after it would carry the pending debug trap into the kernel";
  if (i->map == MAP_0F && (i->opcode & 0xF8) == 0xC8 && i->operand16 && (i->rex & 8) == 0)
    return "bswap of 16 bits is undefined";
  if (is_double_shift(i) && i->operand16 && (i->rex & 8) == 0 && shift_count(c, i, length) > 16)
    return "shld and shrd of more bits than the operand has are undefined";
  bool near_branch =
      i->map == MAP_1 && ((i->opcode & 0xF0) == 0x70 || (i->opcode & 0xFC) == 0xE0 ||
                          (i->opcode >= 0xE8 && i->opcode <= 0xEB && i->opcode != 0xEA) || (i->opcode & 0xFE) == 0xC2 ||
                          (i->opcode == 0xFF && (modrm_reg(i) == 2 || modrm_reg(i) == 4)));
  near_branch |= i->map == MAP_0F && (i->opcode & 0xF0) == 0x80;
  if (near_branch && i->operand16)
    return VENDOR; /* Intel ignores the prefix, AMD branches with 16 bits */
  return NULL;
}

const char *excluded(const struct test_case *c, const struct instruction *i, unsigned length)
{
  for (size_t n = 0; n < sizeof exclusions / sizeof exclusions[0]; n++) {
    const struct exclusion *e = &exclusions[n];
    if (e->map == i->map && i->opcode >= e->first && i->opcode <= e->last && (e->prefixes & i->mandatory) != 0 &&
        (!i->has_modrm ||
         ((e->regs & REG(modrm_reg(i))) != 0 && (e->forms & (modrm_memory(i) ? FORM_MEMORY : FORM_REGISTER)) != 0)))
      return e->reason;
  }
  return excluded_specially(c, i, length);
}

static uint64_t undefined_after_shift(const struct test_case *c, const struct instruction *i, unsigned length)
{
  unsigned count = shift_count(c, i, length), reg = modrm_reg(i), bits = 8 * operand_size(i);
  uint64_t mask = count > 1 ? OF : 0;
  if (count == 0)
    return 0;
  if (is_double_shift(i))
    return mask | AF;
  if (reg >= 4)
    mask |= AF;
  if (reg >= 4 && reg != 7 && count >= bits)
    mask |= CF;
  return mask;
}

static uint64_t undefined_two_byte(const struct test_case *c, const struct instruction *i, unsigned length)
{
  if (is_double_shift(i))
    return undefined_after_shift(c, i, length);
  switch (i->opcode) {
  case 0xA3: /* bt, bts, btr, btc */
  case 0xAB:
  case 0xB3:
  case 0xBB:
  case 0xBA:
    return OF | SF | AF | PF;
  case 0xAF: /* imul */
    return SF | ZF | AF | PF;
  case 0xBC: /* bsf, bsr */
  case 0xBD:
    return CF | OF | SF | AF | PF;
  default:
    return 0;
  }
}

uint64_t undefined_flags(const struct test_case *c, const struct instruction *i, unsigned length)
{
  unsigned reg = modrm_reg(i);
  if (i->map != MAP_1)
    return i->map == MAP_0F ? undefined_two_byte(c, i, length) : 0;
  if (i->opcode < 0x38 && (i->opcode & 7) < 6) {
    unsigned operation = i->opcode >> 3;
    return operation == 1 || operation == 4 || operation == 6 ? AF : 0; /* or, and, xor */
  }
  switch (i->opcode) {
  case 0x69: /* imul */
  case 0x6B:
    return SF | ZF | AF | PF;
  case 0x80:
  case 0x81:
  case 0x83:
    return reg == 1 || reg == 4 || reg == 6 ? AF : 0;
  case 0x84: /* test */
  case 0x85:
  case 0xA8:
  case 0xA9:
    return AF;
  case 0xC0:
  case 0xC1:
  case 0xD0:
  case 0xD1:
  case 0xD2:
  case 0xD3:
    return undefined_after_shift(c, i, length);
  case 0xF6:
  case 0xF7:
    return reg <= 1 ? AF : reg == 4 || reg == 5 ? SF | ZF | AF | PF : reg >= 6 ? CF | PF | AF | ZF | SF | OF : 0;
  default:
    return 0;
  }
}

unsigned undefined_x87_conditions(const struct instruction *i)
{
  const unsigned c0 = 0x100, c1 = 0x200, c2 = 0x400, c3 = 0x4000;
  unsigned reg = modrm_reg(i);
  if (i->map != MAP_1 || (i->opcode & 0xF8) != 0xD8)
    return 0;
  bool compare = modrm_memory(i) ? (i->opcode & 1) == 0 && (reg == 2 || reg == 3)
                                 : i->opcode == 0xD8 || i->opcode == 0xDD || i->opcode == 0xDE || i->opcode == 0xDA;
  compare |= i->opcode == 0xD9 && i->modrm >= 0xE4 && i->modrm <= 0xE5;   /* ftst, fxam */
  compare |= i->opcode == 0xD9 && (i->modrm == 0xF5 || i->modrm == 0xF8); /* fprem1, fprem */
  compare |= i->opcode == 0xDB && i->modrm == 0xE3;
  return compare ? c1 : c0 | c1 | c2 | c3;
}
