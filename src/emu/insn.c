/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instruction lengths and memory operands by table. */
#include "emu/insn.h"

#include <string.h>

/* What follows an opcode of the first map: - nothing, m ModRM, b w z v an immediate of 1, 2, 2/4, 2/4/8 bytes, M ModRM
 * and b, Z ModRM and z, o an absolute address, e enter's three bytes, p a far pointer, g G the test groups. */
static const char one_byte[257] = "mmmmbz--mmmmbz--"
                                  "mmmmbz--mmmmbz--"
                                  "mmmmbz--mmmmbz--"
                                  "mmmmbz--mmmmbz--"
                                  "----------------"
                                  "----------------"
                                  "--mm----zZbM----"
                                  "bbbbbbbbbbbbbbbb"
                                  "MZMMmmmmmmmmmmmm"
                                  "----------p-----"
                                  "oooo----bz------"
                                  "bbbbbbbbvvvvvvvv"
                                  "MMw-mmMZe-w--b--"
                                  "mmmmbb--mmmmmmmm"
                                  "bbbbbbbbzzpb----"
                                  "------gG------mm";

/* The same behind 0F. */
static const char two_byte[257] = "mmmm---------m-M"
                                  "mmmmmmmmmmmmmmmm"
                                  "mmmmmmmmmmmmmmmm"
                                  "----------------"
                                  "mmmmmmmmmmmmmmmm"
                                  "mmmmmmmmmmmmmmmm"
                                  "mmmmmmmmmmmmmmmm"
                                  "MMMMmmm-mmmmmmmm"
                                  "zzzzzzzzzzzzzzzz"
                                  "mmmmmmmmmmmmmmmm"
                                  "---mMm-----mMmmm"
                                  "mmmmmmmmmmMmmmmm"
                                  "mmMmMMMm--------"
                                  "mmmmmmmmmmmmmmmm"
                                  "mmmmmmmmmmmmmmmm"
                                  "mmmmmmmmmmmmmmmm";

struct cursor {
  const uint8_t *bytes;
  size_t size, at;
};

static int peek(const struct cursor *c) { return c->at < c->size ? c->bytes[c->at] : -1; }

/* Stops at the first byte that is none of them. A REX prefix counts only as the last one. */
static void prefixes(struct cursor *c, bool code64, struct insn *i)
{
  for (;; c->at++) {
    int b = peek(c);
    if (code64 && (b & 0xF0) == 0x40 && b > 0) {
      i->rex = (uint8_t)b;
      continue;
    }
    switch (b) {
    case 0xF2:
    case 0xF3:
      i->sse = (uint8_t)b;
      i->rep = true;
      break;
    case 0x66:
      i->operand16 = true;
      break;
    case 0x67:
      i->address_prefix = true;
      break;
    case 0xF0:
      i->lock = true;
      break;
    case 0x26:
    case 0x2E:
    case 0x36:
    case 0x3E:
      if (!code64)
        i->segment = (uint8_t)b;
      break;
    case 0x64:
    case 0x65:
      i->segment = (uint8_t)b;
      break;
    default:
      return;
    }
    i->rex = 0;
  }
}

static int32_t signed_bytes(const struct cursor *c, unsigned count)
{
  uint32_t v = 0;
  for (unsigned k = 0; k < count && c->at + k < c->size; k++)
    v |= (uint32_t)c->bytes[c->at + k] << (8 * k);
  return count == 1 ? (int8_t)v : count == 2 ? (int16_t)v : (int32_t)v;
}

static void memory_16(struct cursor *c, struct insn *i)
{
  static const int8_t base[8] = {3, 3, 5, 5, 6, 7, 5, 3}, index[8] = {6, 7, 6, 7, -1, -1, -1, -1};
  unsigned mod = i->modrm >> 6, rm = i->modrm & 7u;
  unsigned count = mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0;
  i->base = mod == 0 && rm == 6 ? INSN_NO_REGISTER : base[rm];
  i->index = index[rm];
  if (mod == 0 && rm != 6)
    count = 0;
  i->disp = count != 0 ? signed_bytes(c, count) : 0;
  c->at += count;
}

static void memory_operand(struct cursor *c, bool code64, struct insn *i)
{
  unsigned mod = i->modrm >> 6, rm = i->modrm & 7u, count = mod == 1 ? 1 : mod == 2 ? 4 : 0;
  i->memory = true;
  if (!code64 && i->address_prefix) {
    memory_16(c, i);
    return;
  }
  i->base = (int8_t)insn_rm(i);
  if (rm == 4) {
    int sib = peek(c);
    c->at++;
    if (sib < 0)
      return;
    i->base = (int8_t)((sib & 7) | (i->rex & 1 ? 8 : 0));
    i->index = (int8_t)(((sib >> 3) & 7) | (i->rex & 2 ? 8 : 0));
    i->scale = (uint8_t)(sib >> 6);
    if (i->index == 4)
      i->index = INSN_NO_REGISTER;
    if ((sib & 7) == 5 && mod == 0) {
      i->base = INSN_NO_REGISTER;
      count = 4;
    }
  } else if (rm == 5 && mod == 0) {
    i->base = code64 ? INSN_RIP : INSN_NO_REGISTER;
    count = 4;
  }
  if (count != 0)
    i->disp = signed_bytes(c, count);
  c->at += count;
}

static unsigned immediate_size(const struct insn *i, char what, bool code64)
{
  unsigned z = i->operand16 && (i->rex & 8) == 0 ? 2 : 4, reg = (i->modrm >> 3) & 7u;
  switch (what) {
  case 'b':
  case 'M':
    return 1;
  case 'w':
    return 2;
  case 'z':
  case 'Z':
    return z;
  case 'v':
    return (i->rex & 8) != 0 ? 8 : z;
  case 'o':
    return code64 ? (i->address_prefix ? 4 : 8) : (i->address_prefix ? 2 : 4);
  case 'e':
    return 3;
  case 'p':
    return z + 2;
  case 'g':
    return reg <= 1 ? 1 : 0;
  case 'G':
    return reg <= 1 ? z : 0;
  default:
    return 0;
  }
}

/* Takes escape bytes and opcode; what follows it. 0: nothing that is known to follow. */
static char opcode(struct cursor *c, bool code64, struct insn *i)
{
  int b = peek(c);
  c->at++;
  i->opcode = (uint8_t)b;
  if (b == 0xC4 || b == 0xC5) {
    int next = peek(c);
    i->vex = code64 || next >= 0xC0;
  }
  if (b != 0x0F)
    return one_byte[i->opcode];
  b = peek(c);
  c->at++;
  i->map = MAP_0F;
  i->opcode = (uint8_t)b;
  if (b == 0x38 || b == 0x3A) {
    i->map = b == 0x38 ? MAP_0F38 : MAP_0F3A;
    i->opcode = (uint8_t)peek(c);
    c->at++;
    return i->map == MAP_0F38 ? 'm' : 'M';
  }
  return two_byte[i->opcode];
}

bool insn_decode(const uint8_t *bytes, size_t size, bool code64, struct insn *out)
{
  struct cursor c = {bytes, size < MAX_INSTRUCTION ? size : MAX_INSTRUCTION, 0};
  memset(out, 0, sizeof *out);
  out->base = out->index = INSN_NO_REGISTER;
  prefixes(&c, code64, out);
  if (out->sse == 0 && out->operand16)
    out->sse = 0x66;
  char what = opcode(&c, code64, out);
  if (!out->vex && what != 0 && strchr("mMZgG", what) != NULL) {
    int modrm = peek(&c);
    out->modrm = (uint8_t)modrm;
    c.at++;
    /* Moves from and to control and debug registers take every ModRM byte as one of a register. */
    if (modrm >= 0 && modrm < 0xC0 && !(out->map == MAP_0F && (out->opcode & 0xFC) == 0x20))
      memory_operand(&c, code64, out);
  }
  out->immediate = out->vex ? 0 : (uint8_t)immediate_size(out, what, code64);
  c.at += out->immediate;
  if (c.at > c.size)
    return false;
  out->length = (uint8_t)c.at;
  return true;
}

uint64_t insn_offset(const struct insn *i, const uint64_t *gpr, uint64_t rip, bool code64)
{
  uint64_t va = (uint64_t)(int64_t)i->disp;
  if (i->base == INSN_RIP)
    va += rip + i->length;
  else if (i->base != INSN_NO_REGISTER)
    va += gpr[i->base];
  if (i->index != INSN_NO_REGISTER)
    va += gpr[i->index] << i->scale;
  if (!code64)
    return i->address_prefix ? (uint16_t)va : (uint32_t)va;
  return i->address_prefix ? (uint32_t)va : va;
}
