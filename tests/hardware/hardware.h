/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file hardware.h  The same instruction on this host's processor and in src/emu: cases, outcomes, comparison. */
#ifndef TEST_HARDWARE_H
#define TEST_HARDWARE_H

#include <dbgksim/nttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- memory: the same pages on both sides; everything between them is absent ---- */

#define AREA_BASE 0x20000000ull
#define AREA_SIZE 0x10000ull
#define PAGE 0x1000u
#define CODE_PAGE (AREA_BASE + 0x1000)
#define DATA_PAGE (AREA_BASE + 0x4000)
#define STACK_PAGE (AREA_BASE + 0xC000)
#define INT3 0xCC

enum page_rights { PAGE_R = 1, PAGE_W = 2, PAGE_X = 4 };

struct area_page {
  uint64_t va;
  unsigned rights;
};
#define AREA_PAGES 8
#define WRITABLE_PAGES 5
/** Pages that exist. The first is the code's, the last five are writable. */
extern const struct area_page area_pages[AREA_PAGES];
#define FIRST_WRITABLE (AREA_PAGES - WRITABLE_PAGES)

/* ---- a case ---- */

#define MAX_CODE 24
#define GPRS 16

struct test_case {
  uint64_t seed;
  unsigned number;
  uint8_t code[MAX_CODE];
  unsigned length; /**< what the generator wrote; the page is full of INT3 elsewhere */
  uint64_t rip;
  uint64_t gpr[GPRS]; /**< in the processor's encoding order */
  uint64_t rflags, fs_base, gs_base;
  XSAVE_FORMAT fx;
  uint8_t memory[AREA_PAGES][PAGE];
};

/** Makes case `number` of a seed; depends on nothing else. */
void generate_case(uint64_t seed, unsigned number, struct test_case *out);

/* ---- an outcome ---- */

enum outcome_kind {
  OUTCOME_EXCEPTION,
  OUTCOME_SYSCALL,
  OUTCOME_ENDLESS, /**< does not come to an end by itself */
  OUTCOME_FAILED   /**< no answer: the child died, or the engine refused */
};

struct outcome {
  enum outcome_kind kind;
  unsigned vector;
  uint32_t error_code; /**< of vectors that have one, else 0 */
  uint64_t cr2;        /**< of vector 14, else 0 */
  uint64_t gpr[GPRS], rip, rflags;
  uint16_t cs, ss, ds, es, fs, gs;
  XSAVE_FORMAT fx;
  uint8_t memory[WRITABLE_PAGES][PAGE];
};

struct native;
/** Makes the native side, for up to `batch` cases at a time; before the emulator. NULL: this host cannot, the reason is
 *  printed. */
struct native *native_open(unsigned batch);
/** Runs cases [first, first + count) in children. `out` is good until the next call. False: this host cannot. */
bool native_run(struct native *n, uint64_t seed, unsigned first, unsigned count, const struct outcome **out);
void native_close(struct native *n);

struct emulator;
/** Makes a processor of src/emu. NULL: a message is printed. */
struct emulator *emulator_open(void);
void emulator_close(struct emulator *e);
void emulator_run(struct emulator *e, const struct test_case *c, struct outcome *out);

/* ---- what an instruction is ---- */

enum mandatory { NP = 1, P66 = 2, PF3 = 4, PF2 = 8, ANY_PREFIX = 15 };
enum form { FORM_MEMORY = 1, FORM_REGISTER = 2, ANY_FORM = 3 };
/** Opcode maps: one byte, 0F, 0F 38, 0F 3A. */
enum opcode_map { MAP_1, MAP_0F, MAP_38, MAP_3A };

struct instruction {
  bool operand16, address32, lock, repeat; /**< prefixes present */
  bool stray_rex;                          /**< a REX that another prefix follows: it does not count */
  bool segment_then_null;                  /**< FS or GS, and behind it one of the others, which mean nothing */
  bool prefix_clash;                       /**< more than one of 66, F2, F3 */
  enum mandatory mandatory;                /**< the prefix that selects the instruction: F2, F3 over 66 */
  uint8_t segment, rex;
  enum opcode_map map;
  uint8_t opcode;
  bool has_modrm;
  uint8_t modrm;
  unsigned modrm_at; /**< offset of the ModRM byte, or of what follows the opcode */
};

/** Takes prefixes, opcode and ModRM apart; never fails. */
void parse_instruction(const uint8_t *code, size_t size, struct instruction *out);
/** The address a ModRM operand has in a case; `length` is that of the whole instruction. */
uint64_t effective_address(const struct test_case *c, const struct instruction *i, unsigned length);
static inline unsigned modrm_reg(const struct instruction *i) { return (i->modrm >> 3) & 7; }
static inline bool modrm_memory(const struct instruction *i) { return i->has_modrm && i->modrm >> 6 != 3; }
/** 1, 2, 4 or 8: of an instruction whose even opcodes are for bytes. */
unsigned operand_size(const struct instruction *i);
/** Bytes from the first prefix to the end of the memory operand: no immediate. */
unsigned minimal_length(const uint8_t *code, const struct instruction *i);
/** Length and text by Capstone; 0 if it does not know the instruction. */
unsigned disassemble(const uint8_t *code, size_t size, uint64_t va, char *text, size_t text_size);

/* ---- rules ---- */

/** Why an instruction is not compared with this host, or NULL. */
const char *excluded(const struct test_case *c, const struct instruction *i, unsigned length);
/** RFLAGS bits that the manuals leave undefined after this instruction in this case. */
uint64_t undefined_flags(const struct test_case *c, const struct instruction *i, unsigned length);
/** x87 status bits C0-C3 that are undefined after this instruction. */
unsigned undefined_x87_conditions(const struct instruction *i);

/* ---- comparison ---- */

enum aspect {
  ASPECT_VECTOR = 1, /**< kind or vector */
  ASPECT_ERROR = 2,
  ASPECT_CR2 = 4,
  ASPECT_RIP = 8,
  ASPECT_GPR = 0x10,
  ASPECT_RSP = 0x20,
  ASPECT_FLAGS = 0x40,
  ASPECT_SEGMENT = 0x80,
  ASPECT_XMM = 0x100,
  ASPECT_MXCSR = 0x200,
  ASPECT_X87 = 0x400, /**< registers and tags */
  ASPECT_X87_STATUS = 0x800,
  ASPECT_MEMORY = 0x1000
};

/** The aspects in which two outcomes of a case differ. */
unsigned compare_outcomes(const struct test_case *c, const struct outcome *native, const struct outcome *emulated);

struct known_difference;
/** The entry of the list of known differences that covers this one, or NULL. */
const struct known_difference *find_known(const struct test_case *c, const struct outcome *native,
                                          const struct outcome *emulated, unsigned aspects);
/** Its explanation. */
const char *known_reason(const struct known_difference *k);
/** Names of aspects, separated by blanks. */
void aspect_names(unsigned aspects, char *out, size_t size);
/** Prints a case and both outcomes. */
void print_case(const struct test_case *c, const struct outcome *native, const struct outcome *emulated,
                unsigned aspects);

#endif
