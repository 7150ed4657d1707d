/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_run: turns what the engine does into what the processor would have done (the table of spec/6.2). */
#include "emu/run.h"

#include <stdio.h>

#define PF_WRITE 0x2u
#define PF_FETCH 0x10u

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
  g->skipped = NO_ADDRESS;
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
    /* In the saved context the arithmetic flags lie where they do only while the engine runs: write them again. */
    x->engine_rflags = UINT64_MAX;
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

enum next run_checked(struct run *r, bool *done);

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
enum stop_reason run_execute(struct run *r, uint64_t flags)
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
    r->checked = run_checked(r, &done);
    if (done || r->checked == NEXT_TRAP)
      return STOP_CHECK;
    g->skip = r->c->rip;
    r->free_block = true;
  }
}

void run_fetch_opcode(const struct run *r, uint64_t va, struct decoded *out)
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
enum next run_fault(struct run *r, unsigned vector)
{
  if (UNLIKELY(r->kept_flags != 0 && r->kept_at == r->c->rip))
    r->c->rflags = r->kept_flags;
  r->c->rflags |= EFLAGS_RF;
  r->trap->has_error_code = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
  if (r->trap->has_error_code)
    r->trap->error_code = blob_u32(r->c->extended->blob, r->g->owner->calibration->at.error_code);
  return exception(r, vector);
}

enum next run_debug(struct run *r, uint64_t dr6)
{
  r->c->dr[6] = (r->c->dr[6] & ~(0xFull | DR6_BD | DR6_BS)) | dr6;
  return exception(r, 1);
}

/* RF at a string instruction that is not finished stays set for its next iteration. */
void run_keep_rf_in_string(struct run *r, uint64_t started)
{
  struct decoded d;
  if (r->c->rip != started)
    return;
  run_fetch_opcode(r, started, &d);
  if (d.rep && is_string(&d))
    r->c->rflags |= EFLAGS_RF;
}

static void undo_branch(struct run *r);
enum next run_general_protection(struct run *r);

/* TF is set and one instruction was executed, the one at g->block. */
static enum next stepped(struct run *r)
{
  struct decoded d;
  uint64_t at = r->g->block;
  run_fetch_opcode(r, at, &d);
  if (UNLIKELY(!canonical(r->c->rip))) {
    undo_branch(r);
    return run_general_protection(r);
  }
  /* A load of SS holds debug traps off for one instruction (spec/5 fact 23). */
  if ((d.opcode[0] == 0x8E && ((d.modrm >> 3) & 7) == 2) || (!is_64(r->c) && d.opcode[0] == 0x17))
    return NEXT_RUN;
  run_keep_rf_in_string(r, at);
  if (r->shadow == r->c->rip)
    r->c->rflags |= EFLAGS_RF;
  return run_debug(r, DR6_BS);
}

static enum next breakpoint(struct run *r)
{
  uint64_t hit = 0;
  bool shadow = r->shadow == r->c->rip;
  r->shadow = NO_ADDRESS;
  if (shadow)
    return run_pass_breakpoint(r);
  for (unsigned i = 0; i < 4; i++) {
    if ((r->g->breakpoint_mask & (1u << i)) != 0 && r->g->breakpoint[i] == r->c->rip)
      hit |= 1ull << i;
  }
  return run_debug(r, hit);
}

/* An instruction that was done here instead of in the engine is complete: a step ends after it. */
enum next run_emulated(struct run *r, uint64_t next_rip)
{
  r->c->rip = next_rip;
  if ((r->c->rflags & EFLAGS_TF) != 0)
    return run_debug(r, DR6_BS);
  r->free_block = true;
  return NEXT_RUN;
}

static bool emulate_tsc(struct run *r, enum next *next)
{
  cpu *c = r->c;
  struct decoded d;
  const struct emu_config *config = &r->g->owner->config;
  run_fetch_opcode(r, c->rip, &d);
  bool rdtscp = d.opcode[0] == 0x0F && d.opcode[1] == 0x01 && d.modrm == 0xF9;
  if (d.opcode[0] != 0x0F || (d.opcode[1] != 0x31 && !rdtscp))
    return false;
  uint64_t blocks = r->budget - r->g->blocks_left;
  uint64_t tsc = config->read_tsc != NULL ? config->read_tsc(config->read_tsc_context, blocks) : blocks;
  c->gpr[CPU_RAX] = (uint32_t)tsc;
  c->gpr[CPU_RDX] = tsc >> 32;
  if (rdtscp)
    c->gpr[CPU_RCX] = 0;
  *next = run_emulated(r, c->rip + d.length + rdtscp);
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

enum next run_general_protection(struct run *r)
{
  run_fault(r, 13);
  r->trap->error_code = 0;
  return NEXT_TRAP;
}

/* The library aborted over the block at RIP. Everything that makes it do so is no valid instruction. */
static enum next untranslatable(struct run *r, bool stepping)
{
  return stepping || (r->c->rflags & EFLAGS_TF) != 0 ? run_fault(r, 6) : run_walk_block(r);
}

enum next run_watched_access(struct run *r, bool stepping);
enum next run_watched_fetch(struct run *r, bool stepping);

static enum next page_fault(struct run *r, bool stepping)
{
  cpu *c = r->c;
  uint64_t cr2 = 0;
  uc_reg_read(r->g->uc, UC_X86_REG_CR2, &cr2);
  run_fault(r, 14);
  r->trap->fault_address = cr2;
  if ((r->trap->error_code & PF_FETCH) != 0) {
    /* The translator ran over a page end: nothing was executed, and execution may never get there (spec/6.2). */
    if (!same_page(cr2, c->rip) && !stepping && (c->rflags & EFLAGS_TF) == 0)
      return run_walk_block(r);
    if (databp_covers(r->g, cr2))
      return run_watched_fetch(r, stepping);
  } else if (databp_covers(r->g, cr2)) {
    return run_watched_access(r, stepping);
  } else if ((r->trap->error_code & PF_WRITE) == 0) {
    /* The engine loads and then stores; the processor asks for the right to write at once. */
    struct decoded d;
    run_fetch_opcode(r, c->rip, &d);
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
  run_fault(r, 13);
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
    return run_fault(r, vector);
  }
}

static enum next invalid(struct run *r)
{
  struct decoded d;
  run_fetch_opcode(r, r->c->rip, &d);
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
    run_fault(r, 13);
    r->trap->error_code = 0;
    return NEXT_TRAP;
  }
  return run_fault(r, 6);
}

enum next run_handle(struct run *r, enum stop_reason reason, bool stepping)
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
  case STOP_FLAG:
    r->trap->kind = reason == STOP_BUDGET ? CPU_TRAP_BUDGET : CPU_TRAP_STOPPED;
    if (r->shadow == r->c->rip)
      r->c->rflags |= EFLAGS_RF;
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
  struct run r = {.s = s,
                  .g = s->engine,
                  .c = c,
                  .trap = trap,
                  .budget = block_budget,
                  .vm_byte = NO_ADDRESS,
                  .shadow = NO_ADDRESS};
  enum next next = NEXT_RUN;
  memset(trap, 0, sizeof *trap);
  if (UNLIKELY(r.g->uc == NULL) && !engine_open(r.g, c->extended->failure, sizeof c->extended->failure)) {
    trap->kind = CPU_TRAP_FAILED;
    return;
  }
  run_note_mxcsr(&r, cpu_mxcsr(c));
  run_note_x87(&r, cpu_x87_control(c));
  if (UNLIKELY((c->dr[7] & 0xFF) != 0))
    set_watches(&r);
  if (s->tlb_stale) {
    engine_flush_tlb(r.g);
    s->tlb_stale = false;
  }
  r.g->blocks_left = block_budget;
  /* What an earlier run wanted to have translated again is none of this one's. */
  if (UNLIKELY(r.g->replant.va != NO_ADDRESS)) {
    r.g->replant.va = NO_ADDRESS;
    engine_set_window(r.g, NO_ADDRESS, NO_ADDRESS);
  }
  set_breakpoints(&r);
  /* The engine would look like after a branch there. */
  if (UNLIKELY(!canonical(c->rip)))
    next = run_general_protection(&r);
  else if ((c->rflags & EFLAGS_RF) != 0 && at_breakpoint(&r))
    next = (c->rflags & EFLAGS_AC) != 0 && run_is_misaligned(&r) ? run_alignment_fault(&r) : run_pass_breakpoint(&r);
  while (next == NEXT_RUN)
    next = UNLIKELY((c->rflags & EFLAGS_AC) != 0) ? run_aligned(&r) : run_handle(&r, run_execute(&r, 0), false);
  if (UNLIKELY(r.g->watch_count != 0)) {
    databp_disarm(r.g);
    r.g->watch_count = 0;
  }
  trap->blocks = block_budget - r.g->blocks_left;
}
