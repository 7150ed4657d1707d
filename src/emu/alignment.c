/* SPDX-License-Identifier: GPL-2.0-or-later */
/* #AC: which accesses of an instruction are not aligned. CR0.AM is set, so EFLAGS.AC alone decides. */
#include "emu/run.h"

/** Widest alignment that is asked for here; 16-byte operands that must be aligned are #GP's. */
#define PACKED 16u

static unsigned operand_size(const struct insn *i) { return (i->rex & 8) != 0 ? 8 : i->operand16 ? 2 : 4; }

static unsigned stack_size(const struct run *r, const struct insn *i)
{
  return i->operand16 && (i->rex & 8) == 0 ? 2 : is_64(r->c) ? 8 : 4;
}

/* Of one-byte opcodes, odd ones have the operand size, even ones a byte. */
static unsigned by_parity(const struct insn *i) { return (i->opcode & 1) != 0 ? operand_size(i) : 1; }

static unsigned one_byte_size(const struct run *r, const struct insn *i)
{
  unsigned reg = (i->modrm >> 3) & 7u, size;
  uint8_t op = i->opcode;
  bool written;
  if ((op & 0xF8) == 0xD8) {
    (void)x87_operand(i, &size, &written);
    return size == 10 ? 8 : size > 10 ? (operand_size(i) == 2 ? 2 : 4) : size;
  }
  switch (op) {
  case 0x63:
    return 4;
  case 0x69:
  case 0x6B:
  case 0x83:
    return operand_size(i);
  case 0x8C:
  case 0x8E:
    return reg >= 6 || (op == 0x8E && reg == 1) ? 0 : 2;
  case 0x8D:
  case 0x82:
    return 0;
  case 0x8F:
    return stack_size(r, i);
  case 0xFF:
    if (reg == 3 || reg == 5)
      return operand_size(i) == 2 ? 2 : 4;
    return reg <= 1 ? operand_size(i) : stack_size(r, i);
  default:
    return by_parity(i);
  }
}

static unsigned sse_size(const struct insn *i, unsigned none, unsigned p66, unsigned f3, unsigned f2)
{
  return i->sse == 0 ? none : i->sse == 0x66 ? p66 : i->sse == 0xF3 ? f3 : f2;
}

/* What must be aligned in any case does not come here: must_be_aligned. */
static unsigned two_byte_size(const struct insn *i)
{
  unsigned reg = (i->modrm >> 3) & 7u, integer = (i->rex & 8) != 0 ? 8 : 4;
  uint8_t op = i->opcode;
  if (op >= 0x40 && op <= 0x4F)
    return operand_size(i);
  if (op >= 0x90 && op <= 0x9F)
    return 1;
  switch (op) {
  case 0x00:
    return reg == 4 || reg == 5 ? 2 : 0;
  case 0x02:
  case 0x03:
  case 0xB7:
  case 0xBF:
  case 0xC4:
    return 2;
  case 0x10:
  case 0x11:
    return sse_size(i, PACKED, PACKED, 4, 8);
  case 0x2A:
    return sse_size(i, 8, 8, integer, integer);
  case 0x5A:
    return sse_size(i, 8, PACKED, 4, 8);
  case 0x6F:
  case 0x7F:
    return sse_size(i, 8, PACKED, PACKED, 0);
  case 0x6E:
    return integer;
  case 0x7E:
    return sse_size(i, integer, integer, 8, 0);
  case 0x60:
  case 0x61:
  case 0x62:
    return 4;
  case 0xA3:
  case 0xA4:
  case 0xA5:
  case 0xAB:
  case 0xAC:
  case 0xAD:
  case 0xAF:
  case 0xB1:
  case 0xB3:
  case 0xBA:
  case 0xBB:
  case 0xBC:
  case 0xBD:
  case 0xC1:
    return operand_size(i);
  case 0xB2:
  case 0xB4:
  case 0xB5:
    return operand_size(i) == 2 ? 2 : 4;
  case 0xAE:
    return reg <= 1 ? PACKED : reg <= 3 ? 4 : 0;
  case 0xB0:
  case 0xB6:
  case 0xBE:
  case 0xC0:
    return 1;
  case 0xC2:
    return sse_size(i, PACKED, PACKED, 4, 8);
  case 0xC3:
    return integer;
  case 0xC7:
    return reg == 1 && integer == 4 ? 8 : 0;
  case 0xF0:
    return PACKED;
  default:
    if (op == 0x12 || op == 0x13 || op == 0x16 || op == 0x17 || (op >= 0x60 && op <= 0x76) ||
        (op >= 0xD1 && op <= 0xFE))
      return 8;
    return op >= 0x2C && op <= 0x5F ? sse_size(i, op == 0x2E || op == 0x2F ? 4 : 8, 8, 4, 8) : 0;
  }
}

static unsigned three_byte_size(const struct insn *i)
{
  static const uint8_t extended[6] = {8, 4, 2, 8, 4, 8};
  unsigned integer = (i->rex & 8) != 0 ? 8 : 4;
  uint8_t op = i->opcode;
  if (i->sse == 0)
    return 8;
  if (i->map == MAP_0F38)
    return (op & 0xEF) >= 0x20 && (op & 0xEF) <= 0x25 ? extended[op & 7] : 0;
  switch (op) {
  case 0x0A:
  case 0x17:
  case 0x21:
    return 4;
  case 0x0B:
    return 8;
  case 0x15:
    return 2;
  case 0x16:
  case 0x22:
    return integer;
  default:
    return 1;
  }
}

/* What an access comes to. */
enum access { ACCESS_GOOD, ACCESS_MISALIGNED, ACCESS_FAULTS };

/* An address that is not canonical is found first, an absent page last (AMD's order). */
static enum access access_at(const struct run *r, uint64_t va, unsigned size)
{
  uint8_t byte;
  if (size == 0)
    return ACCESS_GOOD;
  if (!canonical(va) || !canonical(va + size - 1))
    return ACCESS_FAULTS;
  if ((va & (size - 1)) != 0)
    return ACCESS_MISALIGNED;
  return run_read_user(r, va, &byte, 1) ? ACCESS_GOOD : ACCESS_FAULTS;
}

/* bt and its kind with a register count from the operand on. */
static uint64_t bit_distance(const struct run *r, const struct insn *i, unsigned size)
{
  uint64_t value = r->c->gpr[insn_reg(i)];
  if (i->map != MAP_0F || (i->opcode & 0xE7) != 0xA3)
    return 0;
  int64_t bit = size == 8 ? (int64_t)value : size == 4 ? (int32_t)value : (int16_t)value;
  return (uint64_t)(bit >> 3) & ~(uint64_t)(size - 1);
}

static enum access operand_access(const struct run *r, const struct insn *i)
{
  if (!i->memory || must_be_aligned(i))
    return ACCESS_GOOD;
  unsigned size = i->map == MAP_ONE_BYTE ? one_byte_size(r, i)
                  : i->map == MAP_0F     ? two_byte_size(i)
                                         : three_byte_size(i);
  return access_at(r, run_operand_address(r, i) + bit_distance(r, i, size), size);
}

/* String instructions, xlat aside, masked moves, and mov with an absolute address. */
static enum access implicit_access(const struct run *r, const struct insn *i, const uint8_t *code)
{
  const cpu *c = r->c;
  unsigned size = by_parity(i);
  uint8_t op = i->opcode & 0xFE;
  uint64_t mask = i->address_prefix || !is_64(c) ? 0xFFFFFFFFull : ~0ull, absolute = 0;
  uint64_t base = i->segment == 0x64 ? c->fs_base : i->segment == 0x65 ? c->gs_base : 0;
  if (i->map == MAP_0F && i->opcode == 0xF7) /* maskmovq, maskmovdqu */
    return access_at(r, (c->gpr[CPU_RDI] & mask) + base, i->sse == 0 ? 8 : PACKED);
  if (i->map != MAP_ONE_BYTE || op < 0xA0 || op > 0xAE || op == 0xA8)
    return ACCESS_GOOD;
  if (op <= 0xA2) {
    memcpy(&absolute, code + i->length - i->immediate, i->immediate);
    return access_at(r, absolute + base, size);
  }
  if (i->rep && (c->gpr[CPU_RCX] & mask) == 0)
    return ACCESS_GOOD;
  if (op == 0xA4 || op == 0xA6 || op == 0xAC) {
    enum access source = access_at(r, (c->gpr[CPU_RSI] & mask) + base, size);
    if (source != ACCESS_GOOD)
      return source;
  }
  return op == 0xAC ? ACCESS_GOOD : access_at(r, c->gpr[CPU_RDI] & mask, size);
}

static enum access stack_access(const struct run *r, const struct insn *i, const uint8_t *code)
{
  const cpu *c = r->c;
  uint8_t op = i->opcode;
  unsigned reg = (i->modrm >> 3) & 7u, size = stack_size(r, i);
  bool push = i->map == MAP_0F && (op == 0xA0 || op == 0xA8), pop = i->map == MAP_0F && (op == 0xA1 || op == 0xA9);
  if (i->map == MAP_ONE_BYTE) {
    push = (op >= 0x50 && op <= 0x57) || op == 0x68 || op == 0x6A || op == 0x9C || op == 0xC8 || op == 0xE8 ||
           (op == 0xFF && (reg == 2 || reg == 3 || reg == 6));
    pop = (op >= 0x58 && op <= 0x5F) || op == 0x8F || op == 0x9D || op == 0xC2 || op == 0xC3;
    if (op == 0xCA || op == 0xCB || op == 0xCF) {
      size = operand_size(i);
      pop = true;
    }
    if (op == 0xC9)
      return access_at(r, c->gpr[CPU_RBP], size);
  }
  enum access top = push  ? access_at(r, c->gpr[CPU_RSP] - size, size)
                    : pop ? access_at(r, c->gpr[CPU_RSP], size)
                          : ACCESS_GOOD;
  bool nested = i->map == MAP_ONE_BYTE && op == 0xC8 && (code[i->length - 1] & 31) > 1;
  return nested && top == ACCESS_GOOD ? access_at(r, c->gpr[CPU_RBP] - size, size) : top;
}

bool run_is_misaligned(const struct run *r)
{
  uint8_t code[MAX_INSTRUCTION];
  struct insn i;
  if (!insn_decode(code, space_fetch(r->s, r->c->rip, code, sizeof code), is_64(r->c), &i) ||
      check_of(r->g, &i) == CHECK_UNDEFINED || run_x87_is_pending(r, &i))
    return false;
  bool pops = i.map == MAP_ONE_BYTE && i.opcode == 0x8F;
  enum access access = pops ? stack_access(r, &i, code) : operand_access(r, &i);
  if (access == ACCESS_GOOD)
    access = pops ? operand_access(r, &i) : implicit_access(r, &i, code);
  if (access == ACCESS_GOOD && !pops)
    access = stack_access(r, &i, code);
  return access == ACCESS_MISALIGNED;
}
