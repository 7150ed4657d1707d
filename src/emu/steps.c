/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps of our own, invisible to the guest. */
#include "emu/run.h"

/* Executes one instruction without charge although TF is clear. NEXT_RUN: it is complete. */
enum next run_step(struct run *r)
{
  cpu *c = r->c;
  engine *g = r->g;
  struct decoded d;
  run_fetch_opcode(r, c->rip, &d);
  uint64_t left = g->blocks_left;
  g->blocks_left = UINT64_MAX;
  r->free_block = false;
  bool nested = r->stepping;
  r->stepping = true;
  enum stop_reason reason = run_execute(r, EFLAGS_TF);
  r->stepping = nested;
  g->blocks_left = left;
  bool done = reason == STOP_INTERRUPT && g->interrupt == 1 &&
              blob_u32(c->extended->blob, g->owner->calibration->at.is_int) == 0;
  if (reason == STOP_CHECK && r->checked == NEXT_RUN)
    done = true;
  bool loads_flags = d.opcode[0] == 0x9D || d.opcode[0] == 0xCF;
  if (!done || !loads_flags)
    c->rflags &= ~(uint64_t)EFLAGS_TF;
  if (!done)
    return run_handle(r, reason, true);
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
  next = guest_tf ? run_handle(r, run_execute(r, 0), false) : run_step(r);
  databp_end(g, at);
  g->block = block;
  g->block_end = end;
  r->free_block = next == NEXT_RUN && !stepping && same_block(r, at, i.length);
  return next;
}

/* A page with a data breakpoint was touched: executes the instruction with the page as it is and compares what it
 * accessed. The debug exception comes after it; after a load of SS, which holds it off for one instruction as it does
 * the engine's step, after the next. */
enum next run_watched_access(struct run *r, bool stepping)
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
      run_keep_rf_in_string(r, at);
    return run_debug(r, g->watch_hits | (stepped_over ? DR6_BS : 0));
  }
  if (next == NEXT_RUN && databp_arm(g))
    engine_flush_tlb(g);
  return next;
}

/* Code in a page that may not be read: each instruction is a step, and each branch is charged as a block. */
enum next run_watched_fetch(struct run *r, bool stepping)
{
  engine *g = r->g;
  uint64_t at = r->c->rip;
  if (!stepping && (*g->stop_flag != 0 || g->blocks_left == 0)) {
    memset(r->trap, 0, sizeof *r->trap);
    r->trap->kind = *g->stop_flag != 0 ? CPU_TRAP_STOPPED : CPU_TRAP_BUDGET;
    r->c->rflags &= ~(uint64_t)EFLAGS_RF;
    return NEXT_TRAP;
  }
  enum next next = run_watched_access(r, stepping);
  if (!stepping && next == NEXT_RUN && r->c->rip - at - 1 >= MAX_INSTRUCTION)
    g->blocks_left--;
  return next;
}

/* Executes the block at RIP one instruction at a time, because the translator cannot take it whole. */
enum next run_walk_block(struct run *r)
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
    if (run_step(r) == NEXT_TRAP)
      return NEXT_TRAP;
    /* Until the flow leaves this page or turns: a string instruction ends its block by itself. */
  } while ((c->rflags & (EFLAGS_TF | EFLAGS_AC)) == 0 && c->rip > rip && c->rip <= rip + MAX_INSTRUCTION &&
           same_page(c->rip, start));
  return NEXT_RUN;
}

enum next run_alignment_fault(struct run *r)
{
  run_fault(r, 17);
  r->trap->error_code = 0;
  return NEXT_TRAP;
}

static bool is_load_of_ss(const struct run *r)
{
  uint8_t code[MAX_INSTRUCTION];
  struct insn i;
  return insn_decode(code, space_fetch(r->s, r->c->rip, code, sizeof code), is_64(r->c), &i) && loads_ss(&i);
}

/* The engine's step over a load of SS takes the next instruction, too; but the load ends a block. */
static enum next run_single_block(struct run *r)
{
  engine *g = r->g;
  uint64_t left = g->blocks_left;
  g->blocks_left = 1;
  r->free_block = false;
  enum stop_reason reason = run_execute(r, 0);
  g->blocks_left = left;
  return reason == STOP_BUDGET ? NEXT_RUN : run_handle(r, reason, true);
}

/* Each branch is charged as a block. */
enum next run_aligned(struct run *r)
{
  engine *g = r->g;
  cpu *c = r->c;
  uint64_t at = c->rip;
  enum next next;
  if (*g->stop_flag != 0 || g->blocks_left == 0) {
    r->trap->kind = *g->stop_flag != 0 ? CPU_TRAP_STOPPED : CPU_TRAP_BUDGET;
    return NEXT_TRAP;
  }
  bool stops = g->breakpoint_mask != 0 && engine_has_breakpoint(g, at) && r->shadow != at;
  if (!stops && run_is_misaligned(r))
    return run_alignment_fault(r);
  if ((c->rflags & EFLAGS_TF) != 0)
    return run_handle(r, run_execute(r, 0), false);
  next = is_load_of_ss(r) ? run_single_block(r) : run_step(r);
  if (next == NEXT_RUN && c->rip - at - 1 >= MAX_INSTRUCTION)
    g->blocks_left--;
  return next;
}

enum next run_set_ac(struct run *r, bool *done)
{
  if (r->stepping || (r->c->rflags & (EFLAGS_TF | EFLAGS_AC)) != 0)
    return NEXT_RUN;
  *done = true;
  r->g->skip = r->c->rip;
  return run_step(r);
}

/* RF is set at a breakpoint: gets past the instruction. */
enum next run_pass_breakpoint(struct run *r)
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
      next = run_handle(r, run_execute(r, 0), false);
    } else {
      next = run_step(r);
      if (next == NEXT_RUN)
        run_keep_rf_in_string(r, rip);
    }
    g->breakpoint_mask = mask;
    g->blocks_left -= next == NEXT_RUN && (r->c->rflags & EFLAGS_RF) != 0;
  } while (next == NEXT_RUN && (r->c->rflags & EFLAGS_RF) != 0);
  return next;
}
