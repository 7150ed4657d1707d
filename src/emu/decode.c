/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instruction decoding. Opcode classes are told apart by hand, lengths, operands and text come from Capstone; a
 * handle is opened for each use, because all of them are rare and nothing may be shared between machines. */
#include "emu/internal.h"

#include <capstone/capstone.h>
#include <stdio.h>

void decode_opcode(const uint8_t *bytes, size_t size, bool code64, struct decoded *out)
{
  size_t i = 0;
  memset(out, 0, sizeof *out);
  for (; i < size && i < MAX_INSTRUCTION; i++) {
    uint8_t b = bytes[i];
    if (b == 0xF2 || b == 0xF3)
      out->rep = true;
    else if (b == 0x66)
      out->operand16 = true;
    else if (b != 0x67 && b != 0xF0 && b != 0x2E && b != 0x36 && b != 0x3E && b != 0x26 && b != 0x64 && b != 0x65 &&
             !(code64 && (b & 0xF0) == 0x40))
      break;
  }
  if (i < size)
    out->opcode[0] = bytes[i++];
  if (i < size)
    out->opcode[1] = bytes[i++];
  if (i < size)
    out->modrm = bytes[i];
  out->length = (unsigned)i;
  if (out->opcode[0] != 0x0F) {
    out->modrm = out->opcode[1];
    out->opcode[1] = 0;
    out->length--;
  }
}

bool decode_modifies_memory(const struct decoded *d)
{
  unsigned reg = (d->modrm >> 3) & 7;
  uint8_t op = d->opcode[0];
  if (d->modrm >> 6 == 3)
    return false;
  if (op == 0x0F) {
    switch (d->opcode[1]) {
    case 0xAB: /* bts, btr, btc */
    case 0xB3:
    case 0xBB:
    case 0xA4: /* shld, shrd */
    case 0xA5:
    case 0xAC:
    case 0xAD:
    case 0xB0: /* cmpxchg */
    case 0xB1:
    case 0xC0: /* xadd */
    case 0xC1:
      return true;
    case 0xBA:
      return reg >= 5;
    case 0xC7:
      return reg == 1;
    default:
      return false;
    }
  }
  if (op < 0x38)
    return (op & 7) <= 1; /* add, or, adc, sbb, and, sub, xor */
  if (op >= 0x80 && op <= 0x83)
    return reg != 7;
  if ((op & 0xFE) == 0xF6)
    return reg == 2 || reg == 3;
  if ((op & 0xFE) == 0xFE)
    return reg <= 1;
  return (op & 0xFE) == 0x86 || (op & 0xFE) == 0xC0 || (op & 0xFC) == 0xD0;
}

static unsigned instruction_length(const uint8_t *bytes, size_t size, bool code64)
{
  csh handle;
  cs_insn *insn = NULL;
  unsigned length = 0;
  if (cs_open(CS_ARCH_X86, code64 ? CS_MODE_64 : CS_MODE_32, &handle) != CS_ERR_OK)
    return 0;
  if (cs_disasm(handle, bytes, size < MAX_INSTRUCTION ? size : MAX_INSTRUCTION, 0, 1, &insn) == 1) {
    length = insn->size;
    cs_free(insn, 1);
  }
  cs_close(&handle);
  return length;
}

static bool privileged_two_byte(uint8_t opcode, uint8_t modrm)
{
  unsigned reg = (modrm >> 3) & 7;
  bool memory = modrm >> 6 != 3;
  switch (opcode) {
  case 0x00: /* lldt, ltr */
    return reg == 2 || reg == 3;
  case 0x01: /* lgdt, lidt, lmsw, invlpg, swapgs, xsetbv */
    return reg == 6 || (memory && (reg == 2 || reg == 3 || reg == 7)) || modrm == 0xF8 || modrm == 0xD1;
  case 0x06: /* clts */
  case 0x07: /* sysret */
  case 0x08: /* invd */
  case 0x09: /* wbinvd */
  case 0x20: /* mov cr, mov dr */
  case 0x21:
  case 0x22:
  case 0x23:
  case 0x30: /* wrmsr */
  case 0x32: /* rdmsr */
  case 0x33: /* rdpmc */
  case 0x35: /* sysexit */
    return true;
  default:
    return false;
  }
}

bool emu_decode_privileged(const uint8_t *bytes, size_t size, bool code64, unsigned *length)
{
  struct decoded d;
  decode_opcode(bytes, size, code64, &d);
  *length = instruction_length(bytes, size, code64);
  if (*length == 0)
    return false;
  switch (d.opcode[0]) {
  case 0x0F:
    return privileged_two_byte(d.opcode[1], d.modrm);
  case 0xFA: /* cli */
  case 0xFB: /* sti */
  case 0xF4: /* hlt */
    return true;
  default: /* ins, outs; in, out with a number; in, out with dx */
    return (d.opcode[0] & 0xFC) == 0x6C || (d.opcode[0] & 0xFC) == 0xE4 || (d.opcode[0] & 0xFC) == 0xEC;
  }
}

/* Value of a register by Capstone's number. False if it is none that can be a divisor or an address part. */
static bool register_value(const cpu *c, unsigned reg, uint64_t next_rip, uint64_t *out)
{
  static const struct {
    uint16_t r64, r32, r16, r8;
  } name[CPU_REGISTERS] = {
      {X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL},      {X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL},
      {X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL},      {X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL},
      {X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL},     {X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL},
      {X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL},     {X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL},
      {X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B},     {X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B},
      {X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B}, {X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B},
      {X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B}, {X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B},
      {X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B}, {X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B}};
  static const uint16_t high[4] = {X86_REG_AH, X86_REG_CH, X86_REG_DH, X86_REG_BH};
  for (unsigned i = 0; i < CPU_REGISTERS; i++) {
    uint64_t v = c->gpr[i];
    if (reg == name[i].r64)
      *out = v;
    else if (reg == name[i].r32)
      *out = (uint32_t)v;
    else if (reg == name[i].r16)
      *out = (uint16_t)v;
    else if (reg == name[i].r8)
      *out = (uint8_t)v;
    else
      continue;
    return true;
  }
  for (unsigned i = 0; i < 4; i++) {
    if (reg == high[i]) {
      *out = (uint8_t)(c->gpr[i] >> 8);
      return true;
    }
  }
  *out = reg == X86_REG_RIP || reg == X86_REG_EIP ? next_rip : 0;
  return reg == X86_REG_RIP || reg == X86_REG_EIP || reg == X86_REG_INVALID || reg == X86_REG_RIZ || reg == X86_REG_EIZ;
}

static bool effective_address(const cpu *c, const cs_x86 *x, const x86_op_mem *m, uint64_t next_rip, uint64_t *out)
{
  uint64_t base, index;
  if (!register_value(c, m->base, next_rip, &base) || !register_value(c, m->index, next_rip, &index))
    return false;
  uint64_t va = base + index * (uint64_t)m->scale + (uint64_t)m->disp;
  if (x->addr_size == 4)
    va = (uint32_t)va;
  if (m->segment == X86_REG_FS)
    va += c->fs_base;
  else if (m->segment == X86_REG_GS)
    va += c->gs_base;
  *out = va;
  return true;
}

bool emu_decode_divide_overflow(const cpu *c, const uint8_t *bytes, size_t size,
                                bool (*read)(void *context, uint64_t va, void *buffer, size_t size), void *context)
{
  csh handle;
  cs_insn *insn = NULL;
  bool overflow = false;
  if (cs_open(CS_ARCH_X86, c->cs == KGDT64_R3_CMCODE ? CS_MODE_32 : CS_MODE_64, &handle) != CS_ERR_OK)
    return false;
  cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
  if (cs_disasm(handle, bytes, size < MAX_INSTRUCTION ? size : MAX_INSTRUCTION, c->rip, 1, &insn) == 1) {
    const cs_x86 *x = &insn->detail->x86;
    const cs_x86_op *op = &x->operands[0];
    uint64_t value = 0, va;
    if ((insn->id == X86_INS_DIV || insn->id == X86_INS_IDIV) && x->op_count == 1) {
      if (op->type == X86_OP_REG)
        overflow = register_value(c, op->reg, 0, &value) && value != 0;
      else if (op->type == X86_OP_MEM && op->size <= 8)
        overflow = effective_address(c, x, &op->mem, c->rip + insn->size, &va) && read(context, va, &value, op->size) &&
                   value != 0;
    }
    cs_free(insn, 1);
  }
  cs_close(&handle);
  return overflow;
}

unsigned emu_disassemble(const uint8_t *bytes, size_t size, uint64_t va, char *out, size_t out_size)
{
  csh handle;
  cs_insn *insn = NULL;
  unsigned length = 0;
  if (out_size != 0)
    out[0] = 0;
  if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK)
    return 0;
  if (cs_disasm(handle, bytes, size < MAX_INSTRUCTION ? size : MAX_INSTRUCTION, va, 1, &insn) == 1) {
    snprintf(out, out_size, "%s%s%s", insn->mnemonic, insn->op_str[0] != 0 ? " " : "", insn->op_str);
    length = insn->size;
    cs_free(insn, 1);
  }
  cs_close(&handle);
  return length;
}

bool decode_block_branch(const uint8_t *bytes, size_t size, bool code64, struct block_branch *out)
{
  csh handle;
  cs_insn *insn;
  bool found = false;
  if (cs_open(CS_ARCH_X86, code64 ? CS_MODE_64 : CS_MODE_32, &handle) != CS_ERR_OK)
    return false;
  insn = cs_malloc(handle);
  uint64_t at = 0;
  while (insn != NULL && !found && cs_disasm_iter(handle, &bytes, &size, &at, insn)) {
    struct decoded d;
    decode_opcode(insn->bytes, insn->size, code64, &d);
    unsigned reg = (d.modrm >> 3) & 7;
    out->offset = insn->address;
    out->pop = 0;
    if (d.opcode[0] == 0xC2 || d.opcode[0] == 0xC3) {
      out->kind = 'r';
      if (d.opcode[0] == 0xC2)
        out->pop = (unsigned)(insn->bytes[d.length] | insn->bytes[d.length + 1] << 8);
      found = true;
    } else if (d.opcode[0] == 0xE8 || (d.opcode[0] == 0xFF && reg == 2)) {
      out->kind = 'c';
      found = true;
    } else if (d.opcode[0] == 0xE9 || d.opcode[0] == 0xEB || (d.opcode[0] == 0xFF && reg == 4)) {
      out->kind = 'j';
      found = true;
    } else if (d.opcode[0] == 0xCF) {
      out->kind = 'i';
      found = true;
    }
  }
  if (insn != NULL)
    cs_free(insn, 1);
  cs_close(&handle);
  return found;
}
