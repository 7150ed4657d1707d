/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file insn.h  A small instruction decoder: length, opcode and memory operand, fast enough for every new block. */
#ifndef EMU_INSN_H
#define EMU_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_INSTRUCTION 15

/** Opcode maps by their escape bytes. */
enum insn_map { MAP_ONE_BYTE, MAP_0F, MAP_0F38, MAP_0F3A };

/** Base "register" of an address relative to the next instruction. */
#define INSN_RIP 16
#define INSN_NO_REGISTER (-1)

/** One decoded instruction. */
struct insn {
  uint8_t length; /**< bytes in all; 0: there were not enough */
  uint8_t map;    /**< enum insn_map */
  uint8_t opcode;
  uint8_t modrm;     /**< 0 if it has none */
  uint8_t sse;       /**< the prefix that selects among SSE instructions: 0, 66, F3 or F2 */
  uint8_t rex;       /**< 0: none */
  uint8_t segment;   /**< last segment prefix, 0: none */
  uint8_t immediate; /**< bytes of the immediate operand, which come last */
  bool operand16, address_prefix, lock, rep;
  bool vex;    /**< C4 or C5 in a mode where they are VEX: only the opcode byte was looked at */
  bool memory; /**< has a memory operand by ModRM, at base + (index << scale) + disp */
  int8_t base, index;
  uint8_t scale;
  int32_t disp;
};

/** Field `reg` of the ModRM byte, extended by REX. */
static inline unsigned insn_reg(const struct insn *i) { return ((i->modrm >> 3) & 7u) | (i->rex & 4u ? 8u : 0u); }
/** Field `rm` as a register, extended by REX. */
static inline unsigned insn_rm(const struct insn *i) { return (i->modrm & 7u) | (i->rex & 1u ? 8u : 0u); }

/** Decodes the instruction at `bytes`. False: `size` bytes are not enough, or it is longer than 15. Whether it is valid
 *  is not asked; the lengths of undefined opcodes are guesses. */
bool insn_decode(const uint8_t *bytes, size_t size, bool code64, struct insn *out);
/** Address of the memory operand without segment base, given the 16 general registers. */
uint64_t insn_offset(const struct insn *i, const uint64_t *gpr, uint64_t rip, bool code64);

#endif
