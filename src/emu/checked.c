/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions that the engine gets wrong: the scan of new blocks (scan.c) stops before them, and here they fault, are
 * done, or are found to be harmless. */
#include "emu/run.h"

bool run_read_user(const struct run *r, uint64_t va, void *out, size_t size)
{
  uint8_t *to = out;
  for (size_t i = 0; i < size; i++) {
    const uint8_t *host = space_host(r->s, va + i, 1);
    const uint64_t need = PTE_PRESENT | PTE_USER;
    if (host == NULL || (space_pte(r->s, va + i) & need) != need)
      return false;
    to[i] = *host;
  }
  return true;
}

uint64_t run_operand_address(const struct run *r, const struct insn *i)
{
  const cpu *c = r->c;
  uint64_t va = insn_offset(i, c->gpr, c->rip, is_64(c));
  if (i->segment == 0x64)
    va += c->fs_base;
  else if (i->segment == 0x65)
    va += c->gs_base;
  return is_64(c) ? va : (uint32_t)va;
}

void run_note_mxcsr(struct run *r, uint32_t mxcsr)
{
  if ((~mxcsr & MXCSR_MASKS) == 0 || r->g->check_sse)
    return;
  engine_remove_all_code(r->g);
  scan_forget(r->g);
  r->g->check_sse = true;
}

/* ldmxcsr and fxrstor: reserved bits of MXCSR. An operand that cannot be read faults in the engine. */
static bool bad_mxcsr(struct run *r, const struct insn *i, unsigned at)
{
  uint32_t mxcsr;
  if (!run_read_user(r, run_operand_address(r, i) + at, &mxcsr, sizeof mxcsr))
    return false;
  if ((mxcsr & ~0xFFFFu) != 0)
    return true;
  run_note_mxcsr(r, mxcsr);
  return false;
}

/* MMX registers are the physical ones of the x87 stack, whatever its top. */
static void get_mmx(const cpu *c, unsigned number, uint8_t out[8])
{
  XSAVE_FORMAT fx;
  cpu_get_fx(c, &fx);
  memcpy(out, &fx.FloatRegisters[(number - (fx.StatusWord >> 11)) & 7u], 8);
}

/* SSE arithmetic: raises #XM if it must, else only sets the flags of MXCSR. */
static enum next check_sse(struct run *r, const struct insn *i, uint8_t immediate)
{
  cpu *c = r->c;
  uint32_t mxcsr = cpu_mxcsr(c);
  M128A target, source;
  uint8_t bytes[16];
  if (i->memory && must_be_aligned(i) && (run_operand_address(r, i) & 15) != 0)
    return run_general_protection(r);
  if ((~mxcsr & MXCSR_MASKS) == 0)
    return NEXT_RUN;
  unsigned size = sse_operand_size(i);
  cpu_get_xmm(c, insn_reg(i), 1, &target);
  if (i->memory) {
    if (!run_read_user(r, run_operand_address(r, i), bytes, size))
      return NEXT_RUN;
  } else if (i->opcode == 0x2A && i->sse == 0) {
    get_mmx(c, i->modrm & 7u, bytes);
  } else if (i->opcode == 0x2A) {
    memcpy(bytes, &c->gpr[insn_rm(i)], size);
  } else {
    cpu_get_xmm(c, insn_rm(i), 1, &source);
    memcpy(bytes, &source, sizeof bytes);
  }
  for (unsigned k = size; k < sizeof bytes; k++)
    bytes[k] = bytes[k - size];
  unsigned flags = sse_exceptions(i, &target, bytes, immediate, mxcsr);
  if (flags == 0)
    return NEXT_RUN;
  cpu_set_mxcsr(c, mxcsr | flags);
  return (flags & ~(mxcsr >> 7)) != 0 ? run_fault(r, 19) : NEXT_RUN;
}

/* loope and loopne, done here. */
static enum next emulate_loop(struct run *r, const struct insn *i, int8_t distance)
{
  cpu *c = r->c;
  bool wide = is_64(c), zero = (c->rflags & EFLAGS_ZF) != 0;
  uint64_t mask = wide ? (i->address_prefix ? 0xFFFFFFFFull : ~0ull) : i->address_prefix ? 0xFFFFull : 0xFFFFFFFFull;
  uint64_t count = (c->gpr[CPU_RCX] - 1) & mask, next = c->rip + i->length;
  bool taken = count != 0 && zero == (i->opcode == 0xE1);
  if (taken)
    next += (uint64_t)(int64_t)distance;
  if (!wide)
    next = i->operand16 ? (uint16_t)next : (uint32_t)next;
  if (taken && !canonical(next))
    return run_general_protection(r);
  /* Writing 32 bits of a register clears the others, writing 16 does not. */
  c->gpr[CPU_RCX] = mask == 0xFFFF ? (c->gpr[CPU_RCX] & ~mask) | count : count;
  c->rip = next;
  return (c->rflags & EFLAGS_TF) != 0 ? run_debug(r, DR6_BS) : NEXT_RUN;
}

/* A near ret of 32768 bytes and more. What faults is left to the engine. */
static enum next emulate_return(struct run *r, const struct insn *i, const uint8_t *code, bool *done)
{
  cpu *c = r->c;
  unsigned pop = (unsigned)(code[i->length - 2] | code[i->length - 1] << 8);
  uint64_t target;
  if (pop < 0x8000 || !is_64(c) || !run_read_user(r, c->gpr[CPU_RSP], &target, sizeof target))
    return NEXT_RUN;
  if (!canonical(target))
    return run_general_protection(r);
  *done = true;
  c->rip = target;
  c->gpr[CPU_RSP] += sizeof target + pop;
  return (c->rflags & EFLAGS_TF) != 0 ? run_debug(r, DR6_BS) : NEXT_RUN;
}

/* An iretd whose stack has VM set: in long mode nothing comes of it. */
static void ignore_vm(struct run *r)
{
  cpu *c = r->c;
  uint64_t at = c->gpr[CPU_RSP] + 8 + 2;
  if (!is_64(c))
    at = (uint32_t)at;
  uint8_t byte, *host = space_host(r->s, at, 1);
  if (run_read_user(r, at, &byte, 1) && host != NULL && (byte & (EFLAGS_VM >> 16)) != 0) {
    *host = byte & (uint8_t) ~(EFLAGS_VM >> 16);
    r->vm_byte = at;
  }
}

static void hold_off_breakpoint(struct run *r, uint64_t va)
{
  if (r->g->breakpoint_mask != 0 && engine_has_breakpoint(r->g, va))
    r->shadow = va;
}

/* RF that an interrupt return loads; the engine drops it. `size` is that of what the stack holds. */
static void look_for_rf(struct run *r, unsigned size)
{
  uint64_t rsp = r->c->gpr[CPU_RSP], target = 0, flags = 0;
  if (!is_64(r->c))
    rsp = (uint32_t)rsp;
  if (run_read_user(r, rsp, &target, size) && run_read_user(r, rsp + (uint64_t)2 * size, &flags, size) &&
      (flags & EFLAGS_RF) != 0)
    hold_off_breakpoint(r, target);
}

enum next run_checked(struct run *r, bool *done)
{
  cpu *c = r->c;
  uint8_t code[MAX_INSTRUCTION];
  struct insn i;
  uint16_t control;
  size_t n = space_fetch(r->s, c->rip, code, sizeof code);
  if (!insn_decode(code, n, is_64(c), &i))
    return NEXT_RUN;
  switch (check_of(r->g, &i)) {
  case CHECK_PORT:
  case CHECK_SYSENTER:
    return run_general_protection(r);
  case CHECK_UNDEFINED:
    return run_fault(r, 6);
  case CHECK_ALIGNED:
    if (r->g->check_x87 && x87_is_mmx(&i) && run_x87(r, &i, done) == NEXT_TRAP)
      return NEXT_TRAP;
    return (run_operand_address(r, &i) & 15) != 0 ? run_general_protection(r) : NEXT_RUN;
  case CHECK_LDMXCSR:
    return bad_mxcsr(r, &i, 0) ? run_general_protection(r) : NEXT_RUN;
  case CHECK_FXRSTOR:
    if (run_read_user(r, run_operand_address(r, &i), &control, sizeof control))
      run_note_x87(r, control);
    return bad_mxcsr(r, &i, 24) ? run_general_protection(r) : NEXT_RUN;
  case CHECK_X87_CONTROL:
    return run_x87_control(r, &i, done);
  case CHECK_X87:
    return run_x87(r, &i, done);
  case CHECK_SSE:
    if (r->g->check_x87 && x87_is_mmx(&i) && run_x87(r, &i, done) == NEXT_TRAP)
      return NEXT_TRAP;
    return check_sse(r, &i, code[i.length - 1]);
  case CHECK_LOOP:
    *done = true;
    return emulate_loop(r, &i, (int8_t)code[i.length - 1]);
  case CHECK_RETURN:
    return emulate_return(r, &i, code, done);
  case CHECK_FLAGS_AND_AH:
    *done = true;
    fixup_flags_and_ah(c, &i);
    return run_emulated(r, c->rip + i.length);
  case CHECK_HORIZONTAL:
    *done = true;
    fixup_horizontal(c, &i);
    return run_emulated(r, c->rip + i.length);
  case CHECK_KEEP_FLAGS:
    r->kept_at = c->rip;
    r->kept_flags = c->rflags;
    return NEXT_RUN;
  case CHECK_LOAD_SS:
    hold_off_breakpoint(r, c->rip + i.length);
    return NEXT_RUN;
  case CHECK_FLAGS:
    if (i.opcode == 0xCF)
      look_for_rf(r, 8);
    return run_set_ac(r, done);
  case CHECK_IRET:
    ignore_vm(r);
    look_for_rf(r, 4);
    return run_set_ac(r, done);
  case CHECK_NONE:
    break;
  }
  return NEXT_RUN;
}
