/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engine computes wrongly and is put right here; found by tests/hardware. */
#include "emu/internal.h"

#define NP 1u
#define P66 2u
#define PF3 4u
#define PF2 8u

/* ---- encodings that exist ---- */

/* Prefixes with which 0F 10 to 0F 7F and 0F C2 to 0F FE are SSE or MMX instructions; 0: something else. */
static const uint8_t low_prefixes[0x70] = {
    15, 15, 15, 3, 3, 3, 7, 3, 0,  0,  0,  0, 0,  0,  0,  0,  /* 10 */
    0,  0,  0,  0, 0, 0, 0, 0, 3,  3,  15, 3, 15, 15, 3,  3,  /* 20 */
    0,  0,  0,  0, 0, 0, 0, 0, 0,  0,  0,  0, 0,  0,  0,  0,  /* 30 */
    0,  0,  0,  0, 0, 0, 0, 0, 0,  0,  0,  0, 0,  0,  0,  0,  /* 40 */
    3,  15, 5,  5, 3, 3, 3, 3, 15, 15, 15, 7, 15, 15, 15, 15, /* 50 */
    3,  3,  3,  3, 3, 3, 3, 3, 3,  3,  3,  3, 2,  2,  3,  7,  /* 60 */
    15, 3,  3,  3, 3, 3, 3, 0, 0,  0,  0,  0, 10, 10, 7,  7,  /* 70 */
};
static const uint8_t high_prefixes[0x40] = {
    0,  0, 15, 1, 3, 3, 3,  0, 0, 0, 0, 0, 0, 0, 0, 0, /* C0 */
    10, 3, 3,  3, 3, 3, 14, 3, 3, 3, 3, 3, 3, 3, 3, 3, /* D0 */
    3,  3, 3,  3, 3, 3, 14, 3, 3, 3, 3, 3, 3, 3, 3, 3, /* E0 */
    8,  3, 3,  3, 3, 3, 3,  3, 3, 3, 3, 3, 3, 3, 3, 0, /* F0 */
};

static unsigned prefix_bit(const struct insn *i)
{
  return i->sse == 0x66 ? P66 : i->sse == 0xF3 ? PF3 : i->sse == 0xF2 ? PF2 : NP;
}

/* Some exist with a memory operand or with registers only. */
static bool form_exists(const struct insn *i)
{
  unsigned reg = (i->modrm >> 3) & 7u, prefix = prefix_bit(i);
  switch (i->opcode) {
  case 0x50: /* movmskps, pextrw, pmovmskb, maskmovq */
  case 0xC5:
  case 0xD7:
  case 0xF7:
    return !i->memory;
  case 0x13: /* movlps, movhps, movntps, movnti, movntq, lddqu */
  case 0x17:
  case 0x2B:
  case 0xC3:
  case 0xE7:
  case 0xF0:
    return i->memory;
  case 0x12:
  case 0x16:
    return prefix != P66 || i->memory;
  case 0xD6: /* movq2dq, movdq2q */
    return prefix == P66 || !i->memory;
  case 0x71: /* shifts by a number */
  case 0x72:
    return !i->memory && (reg == 2 || reg == 4 || reg == 6);
  case 0x73:
    return !i->memory && (reg == 2 || reg == 6 || ((reg == 3 || reg == 7) && prefix == P66));
  default:
    return true;
  }
}

static bool exists_38(const struct insn *i)
{
  uint8_t op = i->opcode;
  if (op <= 0x0B || (op >= 0x1C && op <= 0x1E))
    return i->sse == 0 || i->sse == 0x66;
  return i->sse == 0x66 && (op == 0x10 || op == 0x14 || op == 0x15 || op == 0x17 || (op >= 0x20 && op <= 0x25) ||
                            (op >= 0x28 && op <= 0x2B) || (op >= 0x30 && op <= 0x35) || (op >= 0x38 && op <= 0x41));
}

static bool exists_3a(const struct insn *i)
{
  uint8_t op = i->opcode;
  if (op == 0x0F)
    return i->sse == 0 || i->sse == 0x66;
  return i->sse == 0x66 && ((op >= 0x08 && op <= 0x0E) || (op >= 0x14 && op <= 0x17) || (op >= 0x20 && op <= 0x22) ||
                            (op >= 0x40 && op <= 0x42));
}

bool fixup_exists(const struct insn *i)
{
  uint8_t prefixes = 0;
  switch (i->map) {
  case MAP_0F:
    if (i->opcode == 0xAE && i->memory && i->sse != 0) /* clwb, clflushopt */
      return false;
    if (i->opcode == 0xBA && ((i->modrm >> 3) & 7u) < 4)
      return false;
    if (i->opcode >= 0x10 && i->opcode < 0x80)
      prefixes = low_prefixes[i->opcode - 0x10];
    else if (i->opcode >= 0xC0)
      prefixes = high_prefixes[i->opcode - 0xC0];
    return prefixes == 0 || ((prefixes & prefix_bit(i)) != 0 && form_exists(i));
  case MAP_0F38:
  case MAP_0F3A:
    /* The engine takes mm8 to mm15 for registers, and what lies behind mm7 for their contents. */
    if (i->sse == 0 && ((i->rex & 4) != 0 || (!i->memory && (i->rex & 1) != 0)))
      return false;
    return i->map == MAP_0F38 ? exists_38(i) : exists_3a(i);
  default:
    return true;
  }
}

/* ---- instructions done here ---- */

static int32_t dword_pair(const uint32_t *in, bool subtract)
{
  return (int32_t)(subtract ? in[0] - in[1] : in[0] + in[1]);
}

static int16_t word_pair(const int16_t *in, bool subtract, bool saturate)
{
  int32_t v = subtract ? in[0] - in[1] : in[0] + in[1];
  if (saturate)
    v = v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v;
  return (int16_t)v;
}

bool fixup_is_horizontal(const struct insn *i)
{
  return i->map == MAP_0F38 && i->sse == 0x66 && i->opcode >= 0x01 && i->opcode <= 0x07 && i->opcode != 0x04 &&
         !i->memory && insn_reg(i) == insn_rm(i);
}

void fixup_horizontal(cpu *c, const struct insn *i)
{
  bool subtract = i->opcode >= 0x05, saturate = (i->opcode & 3) == 3;
  M128A value;
  cpu_get_xmm(c, insn_reg(i), 1, &value);
  if ((i->opcode & 3) == 2) {
    uint32_t in[4];
    int32_t out[4];
    memcpy(in, &value, sizeof in);
    for (unsigned k = 0; k < 4; k++)
      out[k] = dword_pair(&in[2 * (k & 1)], subtract);
    memcpy(&value, out, sizeof out);
  } else {
    int16_t in[8], out[8];
    memcpy(in, &value, sizeof in);
    for (unsigned k = 0; k < 8; k++)
      out[k] = word_pair(&in[2 * (k & 3)], subtract, saturate);
    memcpy(&value, out, sizeof out);
  }
  cpu_set_xmm(c, insn_reg(i), 1, &value);
}

void fixup_flags_and_ah(cpu *c, const struct insn *i)
{
  const uint64_t low = 0xD5;
  if (i->opcode == 0x9E)
    c->rflags = (c->rflags & ~low) | ((c->gpr[CPU_RAX] >> 8) & low);
  else
    c->gpr[CPU_RAX] = (c->gpr[CPU_RAX] & ~0xFF00ull) | ((c->rflags & low) | EFLAGS_FIXED) << 8;
}

/* ---- the vector of a general protection fault ---- */

static bool canonical(uint64_t va) { return (uint64_t)((int64_t)(va << 16) >> 16) == va; }

/* Instructions that push or pop. */
static bool uses_stack(const struct insn *i)
{
  uint8_t op = i->opcode;
  unsigned reg = (i->modrm >> 3) & 7u;
  if (i->map == MAP_0F)
    return op == 0xA0 || op == 0xA1 || op == 0xA8 || op == 0xA9; /* push and pop of fs, gs */
  if (i->map != MAP_ONE_BYTE)
    return false;
  return (op >= 0x50 && op <= 0x5F) || op == 0x68 || op == 0x6A || op == 0x8F || op == 0x9C || op == 0x9D ||
         op == 0xC2 || op == 0xC3 || op == 0xC8 || op == 0xC9 || op == 0xCA || op == 0xCB || op == 0xCF || op == 0xE8 ||
         (op == 0xFF && (reg == 2 || reg == 3 || reg == 6));
}

static bool control_register_exists(unsigned number) { return number <= 4 ? number != 1 : number == 8; }

unsigned fixup_protection_vector(const cpu *c, const struct insn *i)
{
  if (i->map == MAP_0F && i->opcode >= 0x20 && i->opcode <= 0x23) {
    bool exists = i->lock ? false : (i->opcode & 1) != 0 ? insn_reg(i) < 8 : control_register_exists(insn_reg(i));
    return exists ? 13 : 6;
  }
  bool verify = i->opcode == 0x00 && (i->modrm & 0x30) == 0x20; /* verr, verw */
  if (i->map == MAP_0F && i->opcode <= 0x01 && !verify)         /* privileged */
    return i->lock ? 6 : 13;
  if (i->memory) {
    uint64_t va = insn_offset(i, c->gpr, c->rip, true);
    bool stack = i->segment == 0 && (i->base == CPU_RSP || i->base == CPU_RBP);
    bool bits = i->map == MAP_0F && (i->opcode & 0xE7) == 0xA3; /* bt and its kind count from there */
    if (bits || !canonical(va) || !canonical(va + 7))
      return stack ? 12 : 13;
  }
  if (i->map == MAP_ONE_BYTE && i->opcode == 0xC8 && !canonical(c->gpr[CPU_RBP]))
    return 12; /* a nested enter reads there */
  uint64_t top = c->gpr[i->map == MAP_ONE_BYTE && i->opcode == 0xC9 ? CPU_RBP : CPU_RSP];
  return uses_stack(i) && (!canonical(top) || !canonical(top - 8) || !canonical(top + 7)) ? 12 : 13;
}
