/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Seeded random cases: one instruction whose operands lie near the few pages that exist, and a state to start from. */
#include "hardware.h"

#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define FLAGS_STATUS 0x8D5u
#define FLAG_TF 0x100u
#define X87_PENDING 0x8080u /* ES and B */
#define FLAG_DF 0x400u
#define FLAG_AC 0x40000u
#define FLAG_ID 0x200000u
#define RCX 1
#define RSP 4
#define RSI 6
#define RDI 7

const struct area_page area_pages[AREA_PAGES] = {
    {CODE_PAGE, PAGE_R | PAGE_X},        {AREA_BASE + 0x7000, PAGE_R},
    {AREA_BASE + 0xA000, PAGE_R},        {DATA_PAGE, PAGE_R | PAGE_W},
    {DATA_PAGE + PAGE, PAGE_R | PAGE_W}, {AREA_BASE + 0x9000, PAGE_R | PAGE_W},
    {STACK_PAGE, PAGE_R | PAGE_W},       {AREA_BASE + 0xE000, PAGE_R | PAGE_W | PAGE_X},
};

/* What is being made. */
struct maker {
  uint64_t random;
  struct test_case *c;
  unsigned n;       /**< bytes written */
  unsigned rip_at;  /**< offset of a displacement relative to RIP, 0 if none */
  unsigned modrm_n; /**< offset of the ModRM byte */
};

static uint64_t next(struct maker *m)
{
  uint64_t z = m->random += 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

static unsigned pick(struct maker *m, unsigned n) { return (unsigned)(next(m) % n); }
static bool one_in(struct maker *m, unsigned n) { return pick(m, n) == 0; }
static void put(struct maker *m, uint64_t byte)
{
  if (m->n < MAX_CODE)
    m->c->code[m->n++] = (uint8_t)byte;
}

/* ---- values ---- */

/* An address in or right beside a page that exists. */
static uint64_t area_address(struct maker *m)
{
  uint64_t va = area_pages[pick(m, AREA_PAGES)].va;
  switch (pick(m, 8)) {
  case 0:
    return va + pick(m, 24);
  case 1:
    return va - pick(m, 24);
  case 2:
    return va + PAGE - pick(m, 24);
  case 3:
    return va + pick(m, PAGE);
  default:
    return va + (pick(m, PAGE) & ~15u);
  }
}

static uint64_t interesting(struct maker *m)
{
  static const uint64_t value[] = {
      0,          1,          2,          0x7F,  0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF,           0x80000000,
      0xFFFFFFFF, 1ull << 63, ~0ull >> 1, ~0ull, 0x23, 0x2B, 0x33,   0x10,   0x18,   0xFFFFFFFFFFFFFF80ull};
  return value[pick(m, ARRAY_SIZE(value))];
}

/* Addresses that no page has: absent, not canonical, the kernel's. */
static uint64_t far_away(struct maker *m)
{
  static const uint64_t value[] = {0x800000000000ull,     0x7FFFFFFFFFFFull,     0xFFFF7FFFFFFFFFF8ull,
                                   0xFFFF800000000000ull, 0x1234567800000000ull, AREA_BASE + 0x100000,
                                   0xFFFFFFFFFFFFFFF0ull, 0x8000000000000000ull};
  return value[pick(m, ARRAY_SIZE(value))] + pick(m, 16);
}

static uint64_t value(struct maker *m)
{
  switch (pick(m, 16)) {
  case 0:
  case 1:
  case 2:
  case 3:
  case 4:
  case 5:
    return area_address(m);
  case 6:
  case 7:
  case 8:
    return pick(m, 80);
  case 9:
    return far_away(m);
  case 10:
  case 11:
    return interesting(m);
  default:
    return next(m);
  }
}

static uint64_t float_bits(struct maker *m)
{
  static const double number[] = {0.0,  -0.0,   1.0,   -1.5,         3.25,
                                  1e10, -1e-10, 1e300, 2147483648.0, -9223372036854775808.0};
  static const uint64_t special[] = {0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000000, 0x7FF4000000000001,
                                     0x0000000000000001, 0x000FFFFFFFFFFFFF, 0x7FEFFFFFFFFFFFFF, 0x3FF0000000000001};
  uint64_t bits;
  float pair[2];
  switch (pick(m, 4)) {
  case 0:
    return next(m);
  case 1:
    return special[pick(m, ARRAY_SIZE(special))];
  case 2:
    memcpy(&bits, &number[pick(m, ARRAY_SIZE(number))], sizeof bits);
    return bits;
  default:
    pair[0] = (float)(number[pick(m, ARRAY_SIZE(number))] * (1 + pick(m, 7)));
    pair[1] = (float)number[pick(m, ARRAY_SIZE(number))] / 3;
    memcpy(&bits, pair, sizeof bits);
    return bits;
  }
}

static void make_extended(struct maker *m, XSAVE_FORMAT *fx)
{
  memset(fx, 0, sizeof *fx);
  fx->ControlWord = (USHORT)(0x7F | (one_in(m, 3) ? pick(m, 4) << 10 : 0) | (one_in(m, 3) ? pick(m, 4) : 3) << 8);
  if ((fx->ControlWord & 0x300) == 0x100)
    fx->ControlWord |= 0x200; /* precision 1 is reserved */
  fx->StatusWord = (USHORT)(pick(m, 8) << 11 | (one_in(m, 4) ? (next(m) & 0x4700) : 0));
  /* Half of the stack is in use from its top on, so that instructions find operands and room. */
  unsigned top = (fx->StatusWord >> 11) & 7u;
  fx->TagWord = (UCHAR)(one_in(m, 8) ? next(m) : 0x0F0Fu << top >> 8);
  fx->MxCsr = 0x1F80 | (one_in(m, 3) ? pick(m, 4) << 13 : 0) | (one_in(m, 8) ? 0x40 : 0) | (one_in(m, 8) ? 0x8000 : 0);
  for (unsigned i = 0; i < 8; i++) {
    uint64_t bits = next(m);
    fx->FloatRegisters[i].Low = bits | 1ull << 63;
    fx->FloatRegisters[i].High = (LONG64)((0x3FFF + pick(m, 80) - 40) | (one_in(m, 2) ? 0x8000 : 0));
    if (one_in(m, 4)) {
      fx->FloatRegisters[i].Low = one_in(m, 2) ? 0 : 1ull << 63;
      fx->FloatRegisters[i].High = fx->FloatRegisters[i].Low == 0 ? 0 : one_in(m, 2) ? 0x7FFF : 0x3FFF;
    }
  }
  for (unsigned i = 0; i < 16; i++) {
    fx->XmmRegisters[i].Low = float_bits(m);
    fx->XmmRegisters[i].High = (LONG64)float_bits(m);
  }
}

static void make_state(struct maker *m)
{
  struct test_case *c = m->c;
  for (unsigned i = 0; i < GPRS; i++)
    c->gpr[i] = value(m);
  if (!one_in(m, 4))
    c->gpr[RSP] = STACK_PAGE + 0x800 + (pick(m, 0x80) & ~7u);
  if (one_in(m, 2))
    c->gpr[RCX] = pick(m, 70);
  c->rflags = 0x202 | (next(m) & FLAGS_STATUS) | (one_in(m, 4) ? FLAG_DF : 0) | (one_in(m, 10) ? FLAG_TF : 0);
  c->fs_base = one_in(m, 4) ? 0 : area_address(m);
  c->gs_base = one_in(m, 4) ? 0 : area_address(m);
  make_extended(m, &c->fx);
  /* Words that are pointers, selectors and numbers; the code page holds code only. */
  for (unsigned page = 1; page < AREA_PAGES; page++) {
    for (unsigned i = 0; i < PAGE / 8; i++) {
      uint64_t r = next(m), word = r;
      if ((r & 3) == 0)
        word = CODE_PAGE + ((r >> 8) & 0xFFF);
      else if ((r & 12) == 0)
        word = (r & 16) != 0 ? float_bits(m) : interesting(m);
      memcpy(&c->memory[page][8 * i], &word, 8);
    }
  }
  memset(c->memory[0], INT3, PAGE);
  memset(c->memory[AREA_PAGES - 1], INT3, PAGE);
}

/* ---- parts of an instruction ---- */

static void put_prefixes(struct maker *m, unsigned without)
{
  static const uint8_t segment[] = {0x64, 0x65, 0x65, 0x2E, 0x36, 0x3E, 0x26};
  if (one_in(m, 6))
    put(m, 0x66);
  if (one_in(m, 14) && !without)
    put(m, 0xF2);
  if (one_in(m, 14) && !without)
    put(m, 0xF3);
  if (one_in(m, 24))
    put(m, 0xF0);
  if (one_in(m, 14))
    put(m, segment[pick(m, ARRAY_SIZE(segment))]);
  if (one_in(m, 16))
    put(m, 0x67);
  if (one_in(m, 2))
    put(m, 0x40 | (next(m) & (one_in(m, 2) ? 15 : 8)));
}

static void put_u32(struct maker *m, uint64_t v)
{
  for (unsigned i = 0; i < 4; i++)
    put(m, v >> (8 * i));
}

/* ModRM, SIB and displacement; reg < 0: any. */
static void put_modrm(struct maker *m, int reg)
{
  unsigned mod = one_in(m, 3) ? 3 : pick(m, 3), rm = pick(m, 8), sib = 0;
  bool disp32 = mod == 2;
  m->modrm_n = m->n;
  put(m, mod << 6 | (reg < 0 ? pick(m, 8) : (unsigned)reg) << 3 | rm);
  if (mod == 3)
    return;
  if (rm == 4) {
    sib = (unsigned)next(m) & 0xFF;
    if (one_in(m, 2))
      sib = (sib & ~0x38u) | 0x20; /* no index */
    put(m, sib);
    if (mod == 0 && (sib & 7) == 5)
      disp32 = true;
  } else if (rm == 5 && mod == 0) {
    m->rip_at = m->n;
    disp32 = true;
  }
  if (mod == 1)
    put(m, next(m));
  else if (disp32)
    put_u32(m, mod == 2 && !one_in(m, 8) ? (uint64_t)pick(m, 64) - 32 : area_address(m));
}

/* Sets the base register so that the operand lies in the area, the index register to a small number. */
static void aim(struct maker *m, const struct instruction *i, unsigned length)
{
  struct test_case *c = m->c;
  unsigned mod = i->modrm >> 6, rm = i->modrm & 7, base = rm, index = 4;
  if (!modrm_memory(i) || one_in(m, 6))
    return;
  if (rm == 4) {
    unsigned sib = c->code[i->modrm_at + 1];
    index = ((sib >> 3) & 7) | (i->rex & 2) << 2;
    base = sib & 7;
  }
  if (mod == 0 && base == 5)
    return;
  base |= (i->rex & 1) << 3;
  if (index != 4)
    c->gpr[index] = pick(m, 256);
  uint64_t target = area_address(m), got = effective_address(c, i, length);
  if (base != RSP || one_in(m, 4))
    c->gpr[base] += target - got;
}

static void put_group(struct maker *m)
{
  static const uint8_t one[] = {0x80, 0x81, 0x83, 0xC0, 0xC1, 0xD0, 0xD1, 0xD2, 0xD3, 0xF6, 0xF7, 0xF6,
                                0xF7, 0xFE, 0xFF, 0xFF, 0x8F, 0xC6, 0xC7, 0x8E, 0x8C, 0x63, 0x69, 0x6B};
  static const uint8_t two[] = {0xBA, 0xC7, 0xC7, 0xAE, 0x00, 0x01, 0x02, 0x03, 0x18, 0xA3,
                                0xAB, 0xB3, 0xBB, 0xA4, 0xA5, 0xAC, 0xAD, 0xAF, 0xB0, 0xB1,
                                0xC0, 0xC1, 0xBC, 0xBD, 0xB2, 0xB4, 0xB5, 0xC3, 0xB6, 0xBE};
  if (one_in(m, 2)) {
    put(m, one[pick(m, ARRAY_SIZE(one))]);
  } else {
    put(m, 0x0F);
    put(m, two[pick(m, ARRAY_SIZE(two))]);
  }
  put_modrm(m, -1);
}

/* A read-modify-write instruction with a lock prefix, legal or not. */
static void put_locked(struct maker *m)
{
  static const uint8_t one[] = {0x00, 0x01, 0x08, 0x09, 0x11, 0x19, 0x21, 0x29, 0x31, 0x80, 0x81,
                                0x83, 0x86, 0x87, 0xF6, 0xF7, 0xFE, 0xFF, 0x39, 0x89, 0x03};
  static const uint8_t two[] = {0xAB, 0xB3, 0xBB, 0xBA, 0xB0, 0xB1, 0xC0, 0xC1, 0xC7, 0xA3};
  put(m, 0xF0);
  if (one_in(m, 4))
    put(m, 0x66);
  if (one_in(m, 2))
    put(m, 0x40 | (next(m) & 15));
  if (one_in(m, 2)) {
    put(m, one[pick(m, ARRAY_SIZE(one))]);
  } else {
    put(m, 0x0F);
    put(m, two[pick(m, ARRAY_SIZE(two))]);
  }
  put_modrm(m, -1);
}

static void put_string(struct maker *m)
{
  static const uint8_t op[] = {0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF, 0x6C, 0x6D, 0x6E, 0x6F};
  if (!one_in(m, 3))
    put(m, one_in(m, 3) ? 0xF2 : 0xF3);
  if (one_in(m, 4))
    put(m, 0x66);
  if (one_in(m, 8))
    put(m, 0x67);
  if (one_in(m, 2))
    put(m, 0x48);
  put(m, op[pick(m, one_in(m, 8) ? ARRAY_SIZE(op) : 10)]);
  if (!one_in(m, 8)) {
    m->c->gpr[RSI] = area_address(m);
    m->c->gpr[RDI] = area_address(m);
    m->c->gpr[RCX] = pick(m, 40);
  }
}

static void put_sse(struct maker *m)
{
  static const uint8_t prefix[] = {0, 0x66, 0xF2, 0xF3};
  static const uint8_t first[] = {0x10, 0x28, 0x50, 0x58, 0x60, 0x70, 0xC0, 0xD0, 0xE0, 0xF0};
  static const uint8_t op38[] = {0x00, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38, 0x40};
  uint8_t p = prefix[pick(m, 4)];
  bool map38 = one_in(m, 8), map3a = !map38 && one_in(m, 8);
  if (p != 0)
    put(m, map38 || map3a ? 0x66 : p);
  if (one_in(m, 2))
    put(m, 0x40 | (next(m) & 15));
  put(m, 0x0F);
  if (map38) {
    put(m, 0x38);
    put(m, op38[pick(m, ARRAY_SIZE(op38))] + pick(m, 8));
  } else if (map3a) {
    static const uint8_t op3a[] = {0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x14,
                                   0x15, 0x16, 0x17, 0x20, 0x21, 0x22, 0x40, 0x41, 0x42};
    put(m, 0x3A);
    put(m, op3a[pick(m, ARRAY_SIZE(op3a))]);
  } else {
    uint8_t row = first[pick(m, ARRAY_SIZE(first))];
    put(m, row + pick(m, row == 0x10 ? 8 : row == 0x28 || row == 0x50 || row == 0x58 ? 8 : 16));
  }
  put_modrm(m, -1);
}

static void put_any(struct maker *m)
{
  put_prefixes(m, false);
  switch (pick(m, 16)) {
  case 0:
  case 1:
  case 2:
  case 3:
  case 4:
  case 5:
  case 6:
    put(m, next(m));
    break;
  case 7:
    put(m, 0x0F);
    put(m, one_in(m, 2) ? 0x38 : 0x3A);
    put(m, next(m));
    break;
  case 8:
    put(m, 0xD8 + pick(m, 8));
    break;
  default:
    put(m, 0x0F);
    put(m, next(m));
    break;
  }
  put_modrm(m, -1);
}

/* Fourteen to seventeen prefixes: up to 15 bytes are an instruction. */
static void put_long(struct maker *m)
{
  static const uint8_t filler[] = {0x66, 0x2E, 0x3E, 0x26, 0x36, 0x67, 0xF3};
  uint8_t byte = filler[pick(m, ARRAY_SIZE(filler))];
  for (unsigned i = 9 + pick(m, 7); i > 0; i--)
    put(m, byte);
  put(m, pick(m, 0xD0));
  put_modrm(m, -1);
}

static void make_instruction(struct maker *m)
{
  memset(m->c->code, INT3, sizeof m->c->code);
  m->n = m->rip_at = m->modrm_n = 0;
  switch (pick(m, 16)) {
  case 0:
    put_string(m);
    break;
  case 1:
    put_locked(m);
    break;
  case 2:
  case 3:
    put_sse(m);
    break;
  case 4:
  case 5:
    put_prefixes(m, false);
    put_group(m);
    break;
  case 6:
    put_prefixes(m, one_in(m, 2));
    put(m, 0xD8 + pick(m, 8));
    put_modrm(m, -1);
    break;
  case 7:
    if (one_in(m, 4))
      put_long(m);
    else
      put_any(m);
    break;
  default:
    put_any(m);
    break;
  }
}

/* Immediate bytes: small, interesting or random. */
static void put_immediates(struct maker *m)
{
  uint64_t v = one_in(m, 2) ? next(m) : interesting(m);
  if (one_in(m, 4))
    v = area_address(m);
  for (unsigned i = 0; i < 8; i++)
    put(m, v >> (8 * i));
}

static bool is_relative32(const struct instruction *i)
{
  return (i->map == MAP_1 && (i->opcode & 0xFE) == 0xE8) || (i->map == MAP_0F && (i->opcode & 0xF0) == 0x80);
}

static bool is_relative8(const struct instruction *i)
{
  return i->map == MAP_1 && ((i->opcode & 0xF0) == 0x70 || (i->opcode & 0xFC) == 0xE0 || i->opcode == 0xEB);
}

/* Cuts the bytes to one instruction, and makes its addresses point into the area. False: it branches into itself. */
static bool fit(struct maker *m, const struct instruction *i)
{
  struct test_case *c = m->c;
  unsigned length = disassemble(c->code, m->n, c->rip, NULL, 0);
  if (length == 0) {
    /* Hints and invalid opcodes; TEST by its second number has an immediate. */
    length = minimal_length(c->code, i);
    if (i->map == MAP_1 && (i->opcode & 0xFE) == 0xF6)
      length += operand_size(i) < 4 ? operand_size(i) : 4;
  }
  /* Capstone takes four bytes with F2 and F3. */
  if (i->map == MAP_1 && i->opcode == 0x68 && i->operand16 && (i->rex & 8) == 0)
    length = i->modrm_at + 2;
  if (length > MAX_CODE)
    return false;
  c->length = length;
  memset(c->code + length, INT3, MAX_CODE - length);
  uint64_t after = c->rip + length;
  uint32_t relative;
  if (m->rip_at != 0 && m->rip_at + 4 <= length) {
    relative = (uint32_t)(area_address(m) - after);
    memcpy(c->code + m->rip_at, &relative, 4);
  }
  if (is_relative32(i) && length >= 5 && !one_in(m, 8)) {
    relative = (uint32_t)(area_address(m) - after);
    memcpy(c->code + length - 4, &relative, 4);
  }
  if (is_relative32(i) && length >= 5) {
    memcpy(&relative, c->code + length - 4, 4);
    return relative < (uint32_t) - (int32_t)length;
  }
  if (is_relative8(i))
    return c->code[length - 1] < (uint8_t) - (int32_t)length;
  return true;
}

/* In some cases exceptions are unmasked, and in some of these one is pending; in some, operands must be aligned. */
static void unmask(struct maker *m)
{
  XSAVE_FORMAT *fx = &m->c->fx;
  if (one_in(m, 4)) {
    fx->ControlWord &= (USHORT)~pick(m, 64);
    if (one_in(m, 4))
      fx->StatusWord |= (USHORT)pick(m, 64);
    if ((fx->StatusWord & ~fx->ControlWord & 0x3F) != 0)
      fx->StatusWord |= X87_PENDING;
  }
  if (one_in(m, 4))
    fx->MxCsr &= ~(ULONG)(pick(m, 64) << 7);
  if (one_in(m, 8))
    m->c->rflags |= FLAG_AC;
}

void generate_case(uint64_t seed, unsigned number, struct test_case *out)
{
  struct maker m = {.random = seed * 0xD1342543DE82EF95ull + number, .c = out};
  struct instruction i;
  memset(out, 0, sizeof *out);
  out->seed = seed;
  out->number = number;
  make_state(&m);
  bool good;
  do {
    out->rip = one_in(&m, 24) ? CODE_PAGE + PAGE - 1 - pick(&m, 15) : CODE_PAGE + 0x100 + pick(&m, 0xD00);
    make_instruction(&m);
    put_immediates(&m);
    parse_instruction(out->code, sizeof out->code, &i);
    good = fit(&m, &i);
    if (good)
      aim(&m, &i, out->length);
  } while (!good || excluded(out, &i, out->length) != NULL);
  size_t room = CODE_PAGE + PAGE - out->rip;
  memcpy(&out->memory[0][out->rip - CODE_PAGE], out->code, room < MAX_CODE ? room : MAX_CODE);
  unmask(&m);
}
