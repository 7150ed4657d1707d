/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file run.h  What the files of cpu_run share: the run itself (run.c), instructions that the engine gets wrong
 *  (checked.c), steps of our own (steps.c). */
#ifndef EMU_RUN_H
#define EMU_RUN_H

#include "emu/internal.h"

#define MXCSR_MASKS 0x1F80u

/** What comes after an event. */
enum next {
  NEXT_TRAP, /**< the trap is filled in */
  NEXT_RUN   /**< the engine's own affair: go on */
};

/** A cpu_run in progress. */
struct run {
  address_space *s;
  engine *g;
  cpu *c;
  struct cpu_trap *trap;
  uint64_t budget;
  bool stepping;    /**< in run_step */
  bool free_block;  /**< the next block is the rest of one that was counted */
  uint64_t vm_byte; /**< a VM bit on the guest's stack that is hidden from the engine, NO_ADDRESS: none */
  enum next checked;
  uint64_t shadow; /**< the breakpoint here does not fire now: SS or RF was just loaded; NO_ADDRESS: none */
  uint64_t kept_at, kept_flags; /**< RFLAGS before the instruction at kept_at, for its faults; 0: none */
};

static inline bool same_page(uint64_t a, uint64_t b) { return a >> EMU_PAGE_SHIFT == b >> EMU_PAGE_SHIFT; }
static inline bool canonical(uint64_t va) { return (uint64_t)((int64_t)(va << 16) >> 16) == va; }
static inline bool is_64(const cpu *c) { return c->cs != KGDT64_R3_CMCODE; }

/* ---- run.c ---- */

/** Runs until a hook stops the engine, with `flags` added to RFLAGS. STOP_NONE: it cannot go on, the trap is filled in. */
enum stop_reason run_execute(struct run *r, uint64_t flags);
/** What an event means; `stepping`: it came in a step of our own. */
enum next run_handle(struct run *r, enum stop_reason reason, bool stepping);
/** The opcode of the instruction at `va`. */
void run_fetch_opcode(const struct run *r, uint64_t va, struct decoded *out);
/** A fault of the instruction at RIP. */
enum next run_fault(struct run *r, unsigned vector);
/** #GP(0). */
enum next run_general_protection(struct run *r);
/** #DB with these bits of DR6. */
enum next run_debug(struct run *r, uint64_t dr6);
/** Goes on behind an instruction that was done here instead of in the engine. */
enum next run_emulated(struct run *r, uint64_t next_rip);
/** RF at a string instruction that is not finished stays set for its next iteration. */
void run_keep_rf_in_string(struct run *r, uint64_t started);

/* ---- checked.c ---- */

/** Stopped before an instruction that the engine may get wrong. NEXT_RUN: it may execute it, or it is *done. */
enum next run_checked(struct run *r, bool *done);
/** SSE arithmetic is checked from the first time that an exception is unmasked in this space. */
void run_note_mxcsr(struct run *r, uint32_t mxcsr);
/** Address of the memory operand of the instruction at RIP. */
uint64_t run_operand_address(const struct run *r, const struct insn *i);
/** Copies what user mode can read. */
bool run_read_user(const struct run *r, uint64_t va, void *out, size_t size);

/* ---- alignment.c ---- */

/** True if the instruction at RIP has an operand that is not aligned. */
bool run_is_misaligned(const struct run *r);

/* ---- checked_x87.c ---- */

/** x87 instructions are checked from the first time that an exception is unmasked in this space. */
void run_note_x87(struct run *r, uint16_t control);
/** True if the instruction would raise #MF. */
bool run_x87_is_pending(const struct run *r, const struct insn *i);
/** Stopped before an instruction that loads a control word, while none has unmasked anything. */
enum next run_x87_control(struct run *r, const struct insn *i, bool *done);
/** Stopped before an x87 or MMX instruction. */
enum next run_x87(struct run *r, const struct insn *i, bool *done);

/* ---- steps.c ---- */

/** Executes one instruction without charge although TF is clear. NEXT_RUN: it is complete. */
enum next run_step(struct run *r);
/** A page with a data breakpoint was touched. */
enum next run_watched_access(struct run *r, bool stepping);
/** Code in a page with a data breakpoint. */
enum next run_watched_fetch(struct run *r, bool stepping);
/** Executes the block at RIP one instruction at a time, because the translator cannot take it whole. */
enum next run_walk_block(struct run *r);
/** #AC of the instruction at RIP. */
enum next run_alignment_fault(struct run *r);
/** Executes one instruction while EFLAGS.AC is set. */
enum next run_aligned(struct run *r);
/** Stopped before an instruction that sets EFLAGS.AC: executes it alone, so that the next one is checked. */
enum next run_set_ac(struct run *r, bool *done);
/** RF is set at a breakpoint: gets past the instruction. */
enum next run_pass_breakpoint(struct run *r);

#endif
