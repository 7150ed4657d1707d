/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_run: turns what the engine does into what the processor would have done (the table of spec/6.2). */
#include "emu/internal.h"

#include <stdio.h>

#define PF_WRITE 0x2u
#define MXCSR_MASKS 0x1F80u
#define PF_FETCH 0x10u

/* What comes after an event. */
enum next {
  NEXT_TRAP, /**< the trap is filled in */
  NEXT_RUN   /**< the engine's own affair: go on */
};

struct run {
  address_space *s;
  engine *g;
  cpu *c;
  struct cpu_trap *trap;
  uint64_t budget;
  bool free_block;  /**< the next block is the rest of one that was counted */
  uint64_t vm_byte; /**< a VM bit on the guest's stack that is hidden from the engine, NO_ADDRESS: none */
  enum next checked;
  uint64_t kept_at, kept_flags; /**< RFLAGS before the instruction at kept_at, for its faults; 0: none */
};

static bool same_page(uint64_t a, uint64_t b) { return a >> EMU_PAGE_SHIFT == b >> EMU_PAGE_SHIFT; }
static bool canonical(uint64_t va) { return (uint64_t)((int64_t)(va << 16) >> 16) == va; }
static bool is_64(const cpu *c) { return c->cs != KGDT64_R3_CMCODE; }

static enum next fail(struct run *r, const char *text)
{
  snprintf(r->c->extended->failure, sizeof r->c->extended->failure, "%s", text);
  r->trap->kind = CPU_TRAP_FAILED;
  return NEXT_TRAP;
}

/* Starts the engine once. */
static enum stop_reason start(struct run *r, uint64_t flags)
{
  engine *g = r->g;
  g->stop = STOP_NONE;
  g->stopped_at = NO_ADDRESS;
  cpu_load(g, r->c, flags);
  uint64_t before = g->blocks_left;
  if (r->free_block && before != UINT64_MAX)
    g->blocks_left++;
  if (UNLIKELY(g->replant.va != NO_ADDRESS)) {
    bool now = g->replant.va == r->c->rip;
    if (!now)
      g->replant.va = NO_ADDRESS;
    engine_set_window(g, now ? g->replant.range[0] : NO_ADDRESS, now ? g->replant.range[1] : NO_ADDRESS);
  }
  uc_err error = UC_ERR_OK;
  bool aborted = !guard_start(g->uc, r->c->rip, &error);
  cpu_store(g, r->c);
  if (g->stopped_at != NO_ADDRESS)
    r->c->rip = g->stopped_at;
  if (UNLIKELY(r->vm_byte != NO_ADDRESS)) {
    uint8_t *host = space_host(r->s, r->vm_byte, 1);
    *host |= EFLAGS_VM >> 16;
    r->vm_byte = NO_ADDRESS;
  }
  if (r->free_block && g->blocks_left > before)
    g->blocks_left = before; /* no block was run, so the free one is still to come */
  else
    r->free_block = false;
  if (UNLIKELY(aborted)) {
    struct cpu_extended *x = r->c->extended;
    if (!engine_reopen(g, x->failure, sizeof x->failure)) {
      r->trap->kind = CPU_TRAP_FAILED;
      return STOP_NONE;
    }
    engine_plant_breakpoints(g);
    return STOP_ABORTED;
  }
  if (g->stop == STOP_NONE) {
    char text[96];
    snprintf(text, sizeof text, "the engine stopped by itself at %llx: %s", (unsigned long long)r->c->rip,
             uc_strerror(error));
    fail(r, text);
  }
  return g->stop;
}

/* The new block at RIP needs other calls of on_check. Only its first byte's translations go: those of blocks behind it
 * that overlap it stay, so that blocks never take turns in removing each other. */
static void retranslate(struct run *r)
{
  engine *g = r->g;
  if (UNLIKELY(scan_is_full(g))) {
    engine_remove_all_code(g);
    scan_forget(g);
    g->replant.va = NO_ADDRESS;
    return;
  }
  engine_remove_code(g, g->replant.va, 1);
}

static enum next checked(struct run *r, bool *done);

/* The engine takes a pause and the instruction behind it for one step. */
static bool step_pause(struct run *r)
{
  engine *g = r->g;
  cpu *c = r->c;
  uint8_t code[MAX_INSTRUCTION];
  struct insn i;
  size_t n = space_fetch(r->s, c->rip, code, sizeof code);
  if (n < 2 || (code[0] != 0xF3 && code[0] != 0x66))
    return false;
  if (!insn_decode(code, n, is_64(c), &i) || i.map != MAP_ONE_BYTE || i.opcode != 0x90 || i.sse != 0xF3 ||
      (i.rex & 1) != 0 || i.lock || (g->breakpoint_mask != 0 && engine_has_breakpoint(g, c->rip)))
    return false;
  g->block = c->rip;
  g->interrupt = 1;
  blob_set32(c->extended->blob, g->owner->calibration->at.is_int, 0);
  c->rip += i.length;
  c->rflags &= ~(uint64_t)EFLAGS_RF;
  return true;
}

/* Runs until there is something to handle. STOP_NONE: it cannot go on, the trap is filled in. STOP_CHECK: an
 * instruction was looked at and r->checked is what comes after it. */
static enum stop_reason execute(struct run *r, uint64_t flags)
{
  engine *g = r->g;
  if (UNLIKELY(((flags | r->c->rflags) & EFLAGS_TF) != 0) && step_pause(r))
    return STOP_INTERRUPT;
  for (;;) {
    enum stop_reason reason = start(r, flags);
    g->skip = NO_ADDRESS;
    if (LIKELY(reason != STOP_RETRANSLATE && reason != STOP_CHECK))
      return reason;
    if (reason == STOP_RETRANSLATE) {
      retranslate(r);
      continue;
    }
    bool done = false;
    if ((flags & EFLAGS_TF) != 0)
      r->c->rflags &= ~(uint64_t)EFLAGS_TF; /* that of a step of our own */
    r->checked = checked(r, &done);
    if (done || r->checked == NEXT_TRAP)
      return STOP_CHECK;
    g->skip = r->c->rip;
    r->free_block = true;
  }
}

static void fetch_opcode(const struct run *r, uint64_t va, struct decoded *out)
{
  uint8_t code[MAX_INSTRUCTION];
  size_t n = space_fetch(r->s, va, code, sizeof code);
  decode_opcode(code, n, is_64(r->c), out);
}

static bool is_string(const struct decoded *d)
{
  uint8_t op = d->opcode[0];
  return (op >= 0xA4 && op <= 0xA7) || (op >= 0xAA && op <= 0xAF) || (op >= 0x6C && op <= 0x6F);
}

/* ---- traps ---- */

static enum next exception(struct run *r, unsigned vector)
{
  r->trap->kind = CPU_TRAP_EXCEPTION;
  r->trap->vector = (uint8_t)vector;
  return NEXT_TRAP;
}

/* A fault restarts its instruction, and RF in the pushed flags keeps a breakpoint there from firing twice. */
static enum next fault(struct run *r, unsigned vector)
{
  if (UNLIKELY(r->kept_flags != 0 && r->kept_at == r->c->rip))
    r->c->rflags = r->kept_flags;
  r->c->rflags |= EFLAGS_RF;
  r->trap->has_error_code = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
  if (r->trap->has_error_code)
    r->trap->error_code = blob_u32(r->c->extended->blob, r->g->owner->calibration->at.error_code);
  return exception(r, vector);
}

static enum next debug(struct run *r, uint64_t dr6)
{
  r->c->dr[6] = (r->c->dr[6] & ~(0xFull | DR6_BD | DR6_BS)) | dr6;
  return exception(r, 1);
}

/* RF at a string instruction that is not finished stays set for its next iteration. */
static void keep_rf_in_string(struct run *r, uint64_t started)
{
  struct decoded d;
  if (r->c->rip != started)
    return;
  fetch_opcode(r, started, &d);
  if (d.rep && is_string(&d))
    r->c->rflags |= EFLAGS_RF;
}

static void undo_branch(struct run *r);
static enum next general_protection(struct run *r);

/* TF is set and one instruction was executed, the one at g->block. */
static enum next stepped(struct run *r)
{
  struct decoded d;
  uint64_t at = r->g->block;
  fetch_opcode(r, at, &d);
  if (UNLIKELY(!canonical(r->c->rip))) {
    undo_branch(r);
    return general_protection(r);
  }
  /* A load of SS holds debug traps off for one instruction (spec/5 fact 23). */
  if ((d.opcode[0] == 0x8E && ((d.modrm >> 3) & 7) == 2) || (!is_64(r->c) && d.opcode[0] == 0x17))
    return NEXT_RUN;
  keep_rf_in_string(r, at);
  return debug(r, DR6_BS);
}

static enum next breakpoint(struct run *r)
{
  uint64_t hit = 0;
  for (unsigned i = 0; i < 4; i++) {
    if ((r->g->breakpoint_mask & (1u << i)) != 0 && r->g->breakpoint[i] == r->c->rip)
      hit |= 1ull << i;
  }
  return debug(r, hit);
}

/* An instruction that was done here instead of in the engine is complete: a step ends after it. */
static enum next emulated(struct run *r, uint64_t next_rip)
{
  r->c->rip = next_rip;
  if ((r->c->rflags & EFLAGS_TF) != 0)
    return debug(r, DR6_BS);
  r->free_block = true;
  return NEXT_RUN;
}

static bool emulate_tsc(struct run *r, enum next *next)
{
  cpu *c = r->c;
  struct decoded d;
  const struct emu_config *config = &r->g->owner->config;
  fetch_opcode(r, c->rip, &d);
  bool rdtscp = d.opcode[0] == 0x0F && d.opcode[1] == 0x01 && d.modrm == 0xF9;
  if (d.opcode[0] != 0x0F || (d.opcode[1] != 0x31 && !rdtscp))
    return false;
  uint64_t blocks = r->budget - r->g->blocks_left;
  uint64_t tsc = config->read_tsc != NULL ? config->read_tsc(config->read_tsc_context, blocks) : blocks;
  c->gpr[CPU_RAX] = (uint32_t)tsc;
  c->gpr[CPU_RDX] = tsc >> 32;
  if (rdtscp)
    c->gpr[CPU_RCX] = 0;
  *next = emulated(r, c->rip + d.length + rdtscp);
  return true;
}

/* Finds the branch that ended the last block. */
static bool last_branch(const struct run *r, struct block_branch *out)
{
  uint8_t code[EMU_PAGE_SIZE];
  size_t n = space_fetch(r->s, r->g->block, code, sizeof code);
  return decode_block_branch(code, n, is_64(r->c), out);
}

/* The engine faults after a branch to a non-canonical address, the processor on it. */
static void undo_branch(struct run *r)
{
  cpu *c = r->c;
  struct block_branch branch;
  if (!last_branch(r, &branch) || branch.kind == 'i')
    return;
  c->rip = r->g->block + branch.offset;
  if (branch.kind == 'c')
    c->gpr[CPU_RSP] += 8;
  else if (branch.kind == 'r')
    c->gpr[CPU_RSP] -= 8 + branch.pop;
}

static enum next general_protection(struct run *r)
{
  fault(r, 13);
  r->trap->error_code = 0;
  return NEXT_TRAP;
}

static bool read_user(const struct run *r, uint64_t va, void *out, size_t size)
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

static uint64_t operand_address(const struct run *r, const struct insn *i)
{
  const cpu *c = r->c;
  uint64_t va = insn_offset(i, c->gpr, c->rip, is_64(c));
  if (i->segment == 0x64)
    va += c->fs_base;
  else if (i->segment == 0x65)
    va += c->gs_base;
  return is_64(c) ? va : (uint32_t)va;
}

/* SSE arithmetic is checked from the first time that an exception is unmasked in this space. */
static void note_mxcsr(struct run *r, uint32_t mxcsr)
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
  if (!read_user(r, operand_address(r, i) + at, &mxcsr, sizeof mxcsr))
    return false;
  if ((mxcsr & ~0xFFFFu) != 0)
    return true;
  note_mxcsr(r, mxcsr);
  return false;
}

/* SSE arithmetic: raises #XM if it must, else only sets the flags of MXCSR. */
static enum next check_sse(struct run *r, const struct insn *i, uint8_t immediate)
{
  cpu *c = r->c;
  uint32_t mxcsr = cpu_mxcsr(c);
  M128A target, source;
  uint8_t bytes[16];
  if (i->memory && must_be_aligned(i) && (operand_address(r, i) & 15) != 0)
    return general_protection(r);
  if ((~mxcsr & MXCSR_MASKS) == 0)
    return NEXT_RUN;
  unsigned size = sse_operand_size(i);
  cpu_get_xmm(c, insn_reg(i), 1, &target);
  if (i->memory) {
    if (!read_user(r, operand_address(r, i), bytes, size))
      return NEXT_RUN;
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
  return (flags & ~(mxcsr >> 7)) != 0 ? fault(r, 19) : NEXT_RUN;
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
    return general_protection(r);
  /* Writing 32 bits of a register clears the others, writing 16 does not. */
  c->gpr[CPU_RCX] = mask == 0xFFFF ? (c->gpr[CPU_RCX] & ~mask) | count : count;
  c->rip = next;
  return (c->rflags & EFLAGS_TF) != 0 ? debug(r, DR6_BS) : NEXT_RUN;
}

/* A near ret of 32768 bytes and more. What faults is left to the engine. */
static enum next emulate_return(struct run *r, const struct insn *i, const uint8_t *code, bool *done)
{
  cpu *c = r->c;
  unsigned pop = (unsigned)(code[i->length - 2] | code[i->length - 1] << 8);
  uint64_t target;
  if (pop < 0x8000 || !is_64(c) || !read_user(r, c->gpr[CPU_RSP], &target, sizeof target))
    return NEXT_RUN;
  if (!canonical(target))
    return general_protection(r);
  *done = true;
  c->rip = target;
  c->gpr[CPU_RSP] += sizeof target + pop;
  return (c->rflags & EFLAGS_TF) != 0 ? debug(r, DR6_BS) : NEXT_RUN;
}

/* An iretd whose stack has VM set: in long mode nothing comes of it. */
static void ignore_vm(struct run *r)
{
  cpu *c = r->c;
  uint64_t at = c->gpr[CPU_RSP] + 8 + 2;
  if (!is_64(c))
    at = (uint32_t)at;
  uint8_t byte, *host = space_host(r->s, at, 1);
  if (read_user(r, at, &byte, 1) && host != NULL && (byte & (EFLAGS_VM >> 16)) != 0) {
    *host = byte & (uint8_t) ~(EFLAGS_VM >> 16);
    r->vm_byte = at;
  }
}

/* Stopped before an instruction that the engine may get wrong. NEXT_RUN: it may execute it, or *done. */
static enum next checked(struct run *r, bool *done)
{
  cpu *c = r->c;
  uint8_t code[MAX_INSTRUCTION];
  struct insn i;
  size_t n = space_fetch(r->s, c->rip, code, sizeof code);
  if (!insn_decode(code, n, is_64(c), &i))
    return NEXT_RUN;
  switch (check_of(&i, r->g->check_sse)) {
  case CHECK_PORT:
    return general_protection(r);
  case CHECK_UNDEFINED:
    return fault(r, 6);
  case CHECK_ALIGNED:
    return (operand_address(r, &i) & 15) != 0 ? general_protection(r) : NEXT_RUN;
  case CHECK_LDMXCSR:
    return bad_mxcsr(r, &i, 0) ? general_protection(r) : NEXT_RUN;
  case CHECK_FXRSTOR:
    return bad_mxcsr(r, &i, 24) ? general_protection(r) : NEXT_RUN;
  case CHECK_SSE:
    return check_sse(r, &i, code[i.length - 1]);
  case CHECK_LOOP:
    *done = true;
    return emulate_loop(r, &i, (int8_t)code[i.length - 1]);
  case CHECK_RETURN:
    return emulate_return(r, &i, code, done);
  case CHECK_FLAGS_AND_AH:
    *done = true;
    fixup_flags_and_ah(c, &i);
    return emulated(r, c->rip + i.length);
  case CHECK_HORIZONTAL:
    *done = true;
    fixup_horizontal(c, &i);
    return emulated(r, c->rip + i.length);
  case CHECK_KEEP_FLAGS:
    r->kept_at = c->rip;
    r->kept_flags = c->rflags;
    return NEXT_RUN;
  case CHECK_IRET:
    ignore_vm(r);
    return NEXT_RUN;
  case CHECK_NONE:
    break;
  }
  return NEXT_RUN;
}

static enum next walk_block(struct run *r);

/* The library aborted over the block at RIP. Everything that makes it do so is no valid instruction. */
static enum next untranslatable(struct run *r, bool stepping)
{
  return stepping || (r->c->rflags & EFLAGS_TF) != 0 ? fault(r, 6) : walk_block(r);
}

static enum next watched_access(struct run *r, bool stepping);
static enum next watched_fetch(struct run *r, bool stepping);

static enum next page_fault(struct run *r, bool stepping)
{
  cpu *c = r->c;
  uint64_t cr2 = 0;
  uc_reg_read(r->g->uc, UC_X86_REG_CR2, &cr2);
  fault(r, 14);
  r->trap->fault_address = cr2;
  if ((r->trap->error_code & PF_FETCH) != 0) {
    /* The translator ran over a page end: nothing was executed, and execution may never get there (spec/6.2). */
    if (!same_page(cr2, c->rip) && !stepping && (c->rflags & EFLAGS_TF) == 0)
      return walk_block(r);
    if (databp_covers(r->g, cr2))
      return watched_fetch(r, stepping);
  } else if (databp_covers(r->g, cr2)) {
    return watched_access(r, stepping);
  } else if ((r->trap->error_code & PF_WRITE) == 0) {
    /* The engine loads and then stores; the processor asks for the right to write at once. */
    struct decoded d;
    fetch_opcode(r, c->rip, &d);
    if (decode_modifies_memory(&d))
      r->trap->error_code |= PF_WRITE;
  }
  return NEXT_TRAP;
}

/* The engine knows no #SS. */
static enum next protection_fault(struct run *r)
{
  uint8_t code[MAX_INSTRUCTION];
  struct insn i;
  fault(r, 13);
  if (r->trap->error_code == 0 && is_64(r->c) &&
      insn_decode(code, space_fetch(r->s, r->c->rip, code, sizeof code), true, &i))
    r->trap->vector = (uint8_t)fixup_protection_vector(r->c, &i);
  r->trap->has_error_code = r->trap->vector != 6;
  return NEXT_TRAP;
}

static enum next interrupted(struct run *r, bool stepping)
{
  cpu *c = r->c;
  unsigned vector = r->g->interrupt;
  enum next next;
  if (blob_u32(c->extended->blob, r->g->owner->calibration->at.is_int) != 0) {
    r->trap->software = true;
    return exception(r, vector);
  }
  switch (vector) {
  case 1:
    return stepped(r);
  case 13:
    if (!canonical(c->rip))
      undo_branch(r);
    else if (emulate_tsc(r, &next))
      return next;
    return protection_fault(r);
  case 14:
    return page_fault(r, stepping);
  default:
    return fault(r, vector);
  }
}

static enum next invalid(struct run *r)
{
  struct decoded d;
  fetch_opcode(r, r->c->rip, &d);
  if (d.opcode[0] == 0xF1) {
    r->c->rip += d.length;
    r->trap->icebp = true;
    return exception(r, 1);
  }
  /* INT 6 comes as the invalid opcode whose vector it names. */
  if (d.opcode[0] == 0xCD) {
    r->c->rip += d.length + 1;
    r->trap->software = true;
    return exception(r, 6);
  }
  /* RDPMC and SYSEXIT are known to the processor and forbidden; SYSENTER has no target selector. */
  if (d.opcode[0] == 0x0F && d.opcode[1] >= 0x33 && d.opcode[1] <= 0x35) {
    fault(r, 13);
    r->trap->error_code = 0;
    return NEXT_TRAP;
  }
  return fault(r, 6);
}

static enum next handle(struct run *r, enum stop_reason reason, bool stepping)
{
  switch (reason) {
  case STOP_INTERRUPT:
    return interrupted(r, stepping);
  case STOP_INVALID:
    return invalid(r);
  case STOP_SYSCALL:
    r->c->rip -= 2;
    r->trap->kind = CPU_TRAP_SYSCALL;
    return NEXT_TRAP;
  case STOP_BREAKPOINT:
    return breakpoint(r);
  case STOP_BUDGET:
    r->trap->kind = CPU_TRAP_BUDGET;
    return NEXT_TRAP;
  case STOP_FLAG:
    r->trap->kind = CPU_TRAP_STOPPED;
    return NEXT_TRAP;
  case STOP_CHECK:
    return r->checked;
  case STOP_ABORTED:
    return untranslatable(r, stepping);
  case STOP_RETRANSLATE:
  case STOP_NONE:
    break;
  }
  return NEXT_TRAP;
}

/* ---- steps of our own, invisible to the guest ---- */

/* Executes one instruction without charge although TF is clear. NEXT_RUN: it is complete. */
static enum next step(struct run *r)
{
  cpu *c = r->c;
  engine *g = r->g;
  struct decoded d;
  fetch_opcode(r, c->rip, &d);
  uint64_t left = g->blocks_left;
  g->blocks_left = UINT64_MAX;
  r->free_block = false;
  enum stop_reason reason = execute(r, EFLAGS_TF);
  g->blocks_left = left;
  bool done = reason == STOP_INTERRUPT && g->interrupt == 1 &&
              blob_u32(c->extended->blob, g->owner->calibration->at.is_int) == 0;
  if (reason == STOP_CHECK && r->checked == NEXT_RUN)
    done = true;
  bool loads_flags = d.opcode[0] == 0x9D || d.opcode[0] == 0xCF;
  if (!done || !loads_flags)
    c->rflags &= ~(uint64_t)EFLAGS_TF;
  if (!done)
    return handle(r, reason, true);
  if (d.opcode[0] == 0x9C) {
    /* pushf stored our TF; byte 1 of the flags holds it. */
    uint8_t *flags = space_host(r->s, c->gpr[CPU_RSP] + 1, 1);
    if (flags != NULL)
      *flags &= (uint8_t) ~(EFLAGS_TF >> 8);
  }
  return NEXT_RUN;
}

/* True if RIP, behind an instruction of `length` bytes at `from`, is still in the block that was counted last. */
static bool same_block(const struct run *r, uint64_t from, unsigned length)
{
  const engine *g = r->g;
  return r->c->rip == from + length && from >= g->block && r->c->rip < g->block_end;
}

/* Executes one instruction while the watched pages are as they are. */
static enum next watched_step(struct run *r, bool stepping)
{
  engine *g = r->g;
  cpu *c = r->c;
  uint64_t at = c->rip, block = g->block, end = g->block_end;
  uint8_t code[MAX_INSTRUCTION];
  struct insn i;
  enum next next;
  if (!insn_decode(code, space_fetch(r->s, at, code, sizeof code), is_64(c), &i))
    i.length = 0;
  bool guest_tf = !stepping && (c->rflags & EFLAGS_TF) != 0;
  memset(r->trap, 0, sizeof *r->trap);
  c->rflags &= ~(uint64_t)EFLAGS_RF;
  databp_begin(g, at);
  next = guest_tf ? handle(r, execute(r, 0), false) : step(r);
  databp_end(g, at);
  g->block = block;
  g->block_end = end;
  r->free_block = next == NEXT_RUN && !stepping && same_block(r, at, i.length);
  return next;
}

/* A page with a data breakpoint was touched: executes the instruction with the page as it is and compares what it
 * accessed. The debug exception comes after it; after a load of SS, which holds it off for one instruction as it does
 * the engine's step, after the next. */
static enum next watched_access(struct run *r, bool stepping)
{
  engine *g = r->g;
  cpu *c = r->c;
  uint64_t at = c->rip;
  databp_disarm(g);
  g->watch_hits = 0;
  enum next next = watched_step(r, stepping);
  bool stepped_over = next == NEXT_TRAP && r->trap->kind == CPU_TRAP_EXCEPTION && r->trap->vector == 1 &&
                      !r->trap->software && !r->trap->icebp && (c->dr[6] & DR6_BS) != 0;
  if (g->watch_hits != 0 && (next == NEXT_RUN || stepped_over)) {
    if (next == NEXT_RUN)
      keep_rf_in_string(r, at);
    return debug(r, g->watch_hits | (stepped_over ? DR6_BS : 0));
  }
  if (next == NEXT_RUN && databp_arm(g))
    engine_flush_tlb(g);
  return next;
}

/* Code in a page that may not be read: each instruction is a step, and each branch is charged as a block. */
static enum next watched_fetch(struct run *r, bool stepping)
{
  engine *g = r->g;
  uint64_t at = r->c->rip;
  if (!stepping && (*g->stop_flag != 0 || g->blocks_left == 0)) {
    memset(r->trap, 0, sizeof *r->trap);
    r->trap->kind = *g->stop_flag != 0 ? CPU_TRAP_STOPPED : CPU_TRAP_BUDGET;
    r->c->rflags &= ~(uint64_t)EFLAGS_RF;
    return NEXT_TRAP;
  }
  enum next next = watched_access(r, stepping);
  if (!stepping && next == NEXT_RUN && r->c->rip - at - 1 >= MAX_INSTRUCTION)
    g->blocks_left--;
  return next;
}

/* Executes the block at RIP one instruction at a time, because the translator cannot take it whole. */
static enum next walk_block(struct run *r)
{
  cpu *c = r->c;
  uint64_t start = c->rip, rip;
  memset(r->trap, 0, sizeof *r->trap);
  c->rflags &= ~(uint64_t)EFLAGS_RF;
  do {
    rip = c->rip;
    if (*r->g->stop_flag != 0) {
      r->trap->kind = CPU_TRAP_STOPPED;
      return NEXT_TRAP;
    }
    if (step(r) == NEXT_TRAP)
      return NEXT_TRAP;
    /* Until the flow leaves this page or turns: a string instruction ends its block by itself. */
  } while ((c->rflags & EFLAGS_TF) == 0 && c->rip > rip && c->rip <= rip + MAX_INSTRUCTION && same_page(c->rip, start));
  return NEXT_RUN;
}

/* RF is set at a breakpoint: gets past the instruction. */
static enum next pass_breakpoint(struct run *r)
{
  engine *g = r->g;
  uint64_t rip = r->c->rip;
  unsigned mask = g->breakpoint_mask;
  enum next next;
  do {
    if (*g->stop_flag != 0 || g->blocks_left == 0) {
      r->trap->kind = *g->stop_flag != 0 ? CPU_TRAP_STOPPED : CPU_TRAP_BUDGET;
      r->c->rflags |= EFLAGS_RF;
      return NEXT_TRAP;
    }
    r->c->rflags &= ~(uint64_t)EFLAGS_RF;
    g->breakpoint_mask = 0;
    if ((r->c->rflags & EFLAGS_TF) != 0) {
      next = handle(r, execute(r, 0), false);
    } else {
      next = step(r);
      if (next == NEXT_RUN)
        keep_rf_in_string(r, rip);
    }
    g->breakpoint_mask = mask;
    g->blocks_left -= next == NEXT_RUN && (r->c->rflags & EFLAGS_RF) != 0;
  } while (next == NEXT_RUN && (r->c->rflags & EFLAGS_RF) != 0);
  return next;
}

static void set_breakpoints(struct run *r)
{
  engine *g = r->g;
  uint64_t dr7 = r->c->dr[7];
  g->breakpoint_mask = 0;
  if ((dr7 & 0xFF) == 0)
    return;
  for (unsigned i = 0; i < 4; i++) {
    if (((dr7 >> (2 * i)) & 3) != 0 && ((dr7 >> (16 + 4 * i)) & 3) == 0) {
      g->breakpoint[i] = r->c->dr[i];
      g->breakpoint_mask |= 1u << i;
    }
  }
  engine_plant_breakpoints(g);
}

/* Data breakpoints; I/O breakpoints (R/W 2) never fire, as no port can be reached. */
static void set_watches(struct run *r)
{
  static const uint8_t length[4] = {1, 2, 8, 4};
  engine *g = r->g;
  uint64_t dr7 = r->c->dr[7];
  g->watch_count = 0;
  for (unsigned i = 0; i < 4; i++) {
    unsigned kind = (dr7 >> (16 + 4 * i)) & 3, size = length[(dr7 >> (18 + 4 * i)) & 3];
    if (((dr7 >> (2 * i)) & 3) == 0 || (kind & 1) == 0)
      continue;
    g->watch[g->watch_count++] = (struct watch){
        .va = r->c->dr[i] & ~(uint64_t)(size - 1), .size = (uint8_t)size, .index = (uint8_t)i, .reads = kind == 3};
  }
  if (g->watch_count != 0 && databp_arm(g))
    r->s->tlb_stale = true;
}

static bool at_breakpoint(const struct run *r) { return engine_has_breakpoint(r->g, r->c->rip); }

void cpu_run(address_space *s, cpu *c, uint64_t block_budget, struct cpu_trap *trap)
{
  struct run r = {.s = s, .g = s->engine, .c = c, .trap = trap, .budget = block_budget, .vm_byte = NO_ADDRESS};
  enum next next = NEXT_RUN;
  memset(trap, 0, sizeof *trap);
  if (UNLIKELY(r.g->uc == NULL) && !engine_open(r.g, c->extended->failure, sizeof c->extended->failure)) {
    trap->kind = CPU_TRAP_FAILED;
    return;
  }
  note_mxcsr(&r, cpu_mxcsr(c));
  if (UNLIKELY((c->dr[7] & 0xFF) != 0))
    set_watches(&r);
  if (s->tlb_stale) {
    engine_flush_tlb(r.g);
    s->tlb_stale = false;
  }
  r.g->blocks_left = block_budget;
  set_breakpoints(&r);
  if ((c->rflags & EFLAGS_RF) != 0 && at_breakpoint(&r))
    next = pass_breakpoint(&r);
  while (next == NEXT_RUN)
    next = handle(&r, execute(&r, 0), false);
  if (UNLIKELY(r.g->watch_count != 0)) {
    databp_disarm(r.g);
    r.g->watch_count = 0;
  }
  trap->blocks = block_budget - r.g->blocks_left;
}
