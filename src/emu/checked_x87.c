/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87 and MMX instructions while an x87 exception is unmasked. An exception sets flags only; #MF comes of the next
 * instruction that waits. CR0.NE is set. While all are masked, everything is the engine's. */
#include "emu/run.h"

#define OPERAND_MAX 108u
/** Unmasked invalid, overflow and underflow: nothing is stored. */
#define X87_KEEPS_MEMORY 0x19u

static bool masks_all(uint16_t control) { return (~control & X87_EXCEPTIONS) == 0; }

void run_note_x87(struct run *r, uint16_t control)
{
  if (masks_all(control) || r->g->check_x87)
    return;
  engine_remove_all_code(r->g);
  scan_forget(r->g);
  r->g->check_x87 = true;
}

static uint64_t *user_entry(const struct run *r, uint64_t va)
{
  uint32_t table = tables_find(r->g, va);
  return table == 0 ? NULL : &table_host(r->g, table)[SLOT(va)];
}

/* What cannot be accessed is left to the engine, which faults there. */
static bool can_access(const struct run *r, uint64_t va, unsigned size, bool write)
{
  const uint64_t need = PTE_PRESENT | PTE_USER | (write ? PTE_WRITE : 0);
  for (unsigned k = 0; k < size; k++) {
    if (space_host(r->s, va + k, 1) == NULL || (space_pte(r->s, va + k) & need) != need)
      return false;
  }
  return true;
}

static void write_user(struct run *r, uint64_t va, const uint8_t *bytes, unsigned size)
{
  for (unsigned k = 0; k < size; k++) {
    uint8_t *host = space_host(r->s, va + k, 1);
    uint64_t *entry = user_entry(r, va + k);
    if (host == NULL || entry == NULL)
      return;
    *host = bytes[k];
    *entry |= PTE_ACCESSED | PTE_DIRTY;
  }
  space_code_changed(r->s, va, size);
}

/* The debug exception of a breakpoint on its operand comes after the instruction. */
static enum next executed(struct run *r, const struct insn *i, uint64_t hits)
{
  uint64_t step = (r->c->rflags & EFLAGS_TF) != 0 ? DR6_BS : 0;
  if (hits == 0)
    return run_emulated(r, r->c->rip + i->length);
  r->c->rip += i->length;
  return run_debug(r, hits | step);
}

static enum next execute(struct run *r, const struct insn *i, XSAVE_FORMAT *fx, bool *done)
{
  cpu *c = r->c;
  _Alignas(8) uint8_t memory[OPERAND_MAX] = {0};
  struct x87_place at = {.rip = c->rip, .cs = c->cs, .ds = c->ds};
  unsigned size;
  bool written;
  if (!x87_operand(i, &size, &written))
    return NEXT_RUN;
  if (size != 0) {
    at.operand = run_operand_address(r, i);
    if (!can_access(r, at.operand, size, written) || !run_read_user(r, at.operand, memory, size))
      return NEXT_RUN;
  }
  USHORT status = fx->StatusWord;
  c->rflags = x87_execute(i, &at, fx, memory, c->rflags);
  cpu_set_fx(c, fx);
  bool stored = written && (fx->StatusWord & ~status & ~fx->ControlWord & X87_KEEPS_MEMORY) == 0;
  if (stored)
    write_user(r, at.operand, memory, size);
  *done = true;
  return executed(r, i, size == 0 || written != stored ? 0 : databp_hits(r->g, at.operand, size, stored));
}

static bool is_pending(const XSAVE_FORMAT *fx, const struct insn *i)
{
  return (fx->StatusWord & ~fx->ControlWord & X87_EXCEPTIONS) != 0 && x87_waits(i);
}

bool run_x87_is_pending(const struct run *r, const struct insn *i)
{
  XSAVE_FORMAT fx;
  if (masks_all(cpu_x87_control(r->c)))
    return false;
  cpu_get_fx(r->c, &fx);
  return is_pending(&fx, i);
}

enum next run_x87(struct run *r, const struct insn *i, bool *done)
{
  XSAVE_FORMAT fx;
  uint16_t control = cpu_x87_control(r->c);
  if (masks_all(control) && !x87_loads_control(i))
    return NEXT_RUN;
  cpu_get_fx(r->c, &fx);
  if (is_pending(&fx, i))
    return run_fault(r, 16);
  return x87_is_instruction(i) ? execute(r, i, &fx, done) : NEXT_RUN;
}

enum next run_x87_control(struct run *r, const struct insn *i, bool *done)
{
  uint16_t control;
  if (!run_read_user(r, run_operand_address(r, i), &control, sizeof control) || masks_all(control))
    return NEXT_RUN;
  run_note_x87(r, control);
  return run_x87(r, i, done);
}
