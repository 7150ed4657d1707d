/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes instructions apart, independently of what is tested. */
#include "hardware.h"

#include <capstone/capstone.h>
#include <stdio.h>
#include <string.h>

/* One-byte opcodes with a ModRM byte, a bit each. */
static const uint16_t one_byte_modrm[16] = {0x0F0F, 0x0F0F, 0x0F0F, 0x0F0F, 0x0000, 0x0000, 0x0A0C, 0x0000,
                                            0xFFFF, 0x0000, 0x0000, 0x0000, 0x00F3, 0xFF0F, 0x0000, 0xC0C0};
/* Two-byte opcodes without one. */
static const uint16_t two_byte_plain[16] = {0x4BE0, 0x0000, 0x0000, 0x00FF, 0x0000, 0x0000, 0x0000, 0x0080,
                                            0xFFFF, 0x0000, 0x0707, 0x0000, 0xFF00, 0x0000, 0x0000, 0x0000};

static bool in_map(const uint16_t *map, uint8_t opcode) { return (map[opcode >> 4] >> (opcode & 15)) & 1; }

void parse_instruction(const uint8_t *code, size_t size, struct instruction *out)
{
  size_t n = 0;
  memset(out, 0, sizeof *out);
  out->mandatory = NP;
  for (; n < size; n++) {
    uint8_t b = code[n];
    if (b == 0x66)
      out->operand16 = true;
    else if (b == 0x67)
      out->address32 = true;
    else if (b == 0xF0)
      out->lock = true;
    else if (b == 0xF2 || b == 0xF3) {
      out->prefix_clash |= out->mandatory != NP && out->mandatory != (b == 0xF2 ? PF2 : PF3);
      out->mandatory = b == 0xF2 ? PF2 : PF3;
    } else if (b == 0x64 || b == 0x65)
      out->segment = b;
    else if ((b & 0xF0) == 0x40)
      out->rex = b;
    else if (b == 0x2E || b == 0x36 || b == 0x3E || b == 0x26)
      out->segment_then_null |= out->segment != 0;
    else
      break;
    /* REX counts only right before the opcode. */
    out->stray_rex |= n != 0 && (code[n - 1] & 0xF0) == 0x40;
    if ((b & 0xF0) != 0x40)
      out->rex = 0;
  }
  out->repeat = out->mandatory != NP;
  out->prefix_clash |= out->repeat && out->operand16;
  if (out->mandatory == NP && out->operand16)
    out->mandatory = P66;
  uint8_t opcode = n < size ? code[n++] : INT3;
  if (opcode == 0x0F) {
    out->map = MAP_0F;
    opcode = n < size ? code[n++] : INT3;
    if (opcode == 0x38 || opcode == 0x3A) {
      out->map = opcode == 0x38 ? MAP_38 : MAP_3A;
      opcode = n < size ? code[n++] : INT3;
    }
  }
  out->opcode = opcode;
  out->has_modrm = out->map == MAP_1    ? in_map(one_byte_modrm, opcode)
                   : out->map == MAP_0F ? !in_map(two_byte_plain, opcode)
                                        : true;
  out->modrm_at = (unsigned)n;
  if (out->has_modrm)
    out->modrm = n < size ? code[n] : INT3;
}

unsigned operand_size(const struct instruction *i)
{
  if ((i->opcode & 1) == 0)
    return 1;
  return (i->rex & 8) != 0 ? 8 : i->operand16 ? 2 : 4;
}

uint64_t effective_address(const struct test_case *c, const struct instruction *i, unsigned length)
{
  const uint8_t *p = c->code + i->modrm_at + 1;
  unsigned mod = i->modrm >> 6, rm = i->modrm & 7;
  uint64_t address = 0;
  int32_t disp = 0;
  bool disp32 = mod == 2;
  if (rm == 4) {
    unsigned sib = *p++, index = ((sib >> 3) & 7) | (i->rex & 2) << 2;
    if ((sib & 7) == 5 && mod == 0)
      disp32 = true;
    else
      address = c->gpr[(sib & 7) | (i->rex & 1) << 3];
    if (index != 4)
      address += c->gpr[index] << (sib >> 6);
  } else if (rm == 5 && mod == 0) {
    disp32 = true;
    address = c->rip + length;
  } else {
    address = c->gpr[rm | (i->rex & 1) << 3];
  }
  if (disp32)
    memcpy(&disp, p, sizeof disp);
  else if (mod == 1)
    disp = (int8_t)*p;
  address += (uint64_t)(int64_t)disp;
  if (i->address32)
    address = (uint32_t)address;
  if (i->segment != 0)
    address += i->segment == 0x64 ? c->fs_base : c->gs_base;
  return address;
}

unsigned minimal_length(const uint8_t *code, const struct instruction *i)
{
  unsigned mod = i->modrm >> 6, rm = i->modrm & 7, length = i->modrm_at;
  if (!i->has_modrm)
    return length;
  length++;
  if (mod == 3)
    return length;
  bool sib = rm == 4;
  unsigned base = sib ? code[i->modrm_at + 1] & 7 : rm;
  return length + sib + (mod == 1 ? 1 : mod == 2 || base == 5 ? 4 : 0);
}

unsigned disassemble(const uint8_t *code, size_t size, uint64_t va, char *text, size_t text_size)
{
  static csh handle;
  cs_insn *insn = NULL;
  unsigned length = 0;
  if (text_size != 0)
    snprintf(text, text_size, "?");
  if (handle == 0 && cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK)
    return 0;
  if (cs_disasm(handle, code, size < 15 ? size : 15, va, 1, &insn) == 1) {
    if (text_size != 0)
      snprintf(text, text_size, "%s%s%s", insn->mnemonic, insn->op_str[0] != 0 ? " " : "", insn->op_str);
    length = insn->size;
    cs_free(insn, 1);
  }
  return length;
}
