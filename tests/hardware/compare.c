/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares two outcomes of a case under the masks of the rules, and shows them. */
#include "hardware.h"

#include <stdio.h>
#include <string.h>

#define COMPARED_FLAGS 0x254FD5ull /* CF to OF, NT, RF, AC, ID; IF and IOPL cannot change at CPL 3 */
#define MXCSR_STATUS 0x3Fu         /* the engine never sets it (CAVEATS); src/emu does while something is unmasked */
#define MXCSR_MASKS 0x1F80u
#define X87_EXCEPTIONS 0x80FFu /* the same: IE to PE, SF, ES and B */
#define X87_MASKS 0x3Fu
#define X87_CONTROL 0x0F3Fu /* the control word without its reserved bits */
#define FIRST_KERNEL_ADDRESS 0x7FFFFFFFF000ull
#define PF_PRESENT 1u
#define FLAG_RF 0x10000u
#define RSP 4

static bool same_st(const M128A *a, const M128A *b)
{
  return a->Low == b->Low && (a->High & 0xFFFF) == (b->High & 0xFFFF);
}

/* An MMX instruction makes the exponents of what it writes all ones; the engine leaves them (CAVEATS). */
static bool same_mm(const M128A *a, const M128A *b) { return a->Low == b->Low; }

static unsigned compare_x87(const struct test_case *c, const struct instruction *i, const XSAVE_FORMAT *a,
                            const XSAVE_FORMAT *b)
{
  unsigned aspects = 0;
  unsigned top = (a->StatusWord >> 11) & 7;
  if (((a->ControlWord ^ b->ControlWord) & X87_CONTROL) != 0 || a->TagWord != b->TagWord)
    aspects |= ASPECT_X87;
  for (unsigned n = 0; n < 8; n++) {
    const M128A *x = &a->FloatRegisters[n], *y = &b->FloatRegisters[n];
    bool used = (a->TagWord >> ((top + n) & 7)) & 1;
    if (used && !(i->map == MAP_1 ? same_st(x, y) : same_mm(x, y)))
      aspects |= ASPECT_X87;
  }
  unsigned kept = (~c->fx.ControlWord & X87_MASKS) != 0 ? 0 : X87_EXCEPTIONS;
  if (((a->StatusWord ^ b->StatusWord) & ~undefined_x87_conditions(i) & ~kept & 0xFFFF) != 0)
    aspects |= ASPECT_X87_STATUS;
  return aspects;
}

static unsigned compare_traps(const struct outcome *a, const struct outcome *b)
{
  unsigned aspects = 0;
  uint32_t error = a->error_code ^ b->error_code;
  if (a->kind != b->kind || a->vector != b->vector)
    return ASPECT_VECTOR;
  /* Linux tells of every address that is not a program's that it is present. */
  if (a->vector == 14 && a->cr2 >= FIRST_KERNEL_ADDRESS)
    error &= ~PF_PRESENT;
  if (error != 0)
    aspects |= ASPECT_ERROR;
  if (a->cr2 != b->cr2)
    aspects |= ASPECT_CR2;
  if (a->rip != b->rip)
    aspects |= ASPECT_RIP;
  return aspects;
}

/* Linux may make 0 of the other null selectors. */
static bool same_selector(uint16_t a, uint16_t b) { return a == b || (a < 4 && b < 4); }

unsigned compare_outcomes(const struct test_case *c, const struct outcome *a, const struct outcome *b)
{
  struct instruction i;
  parse_instruction(c->code, c->length, &i);
  if (a->kind == OUTCOME_ENDLESS && b->kind == OUTCOME_ENDLESS)
    return 0;
  unsigned aspects = compare_traps(a, b);
  uint64_t flags = COMPARED_FLAGS;
  /* Only an instruction that was completed leaves flags undefined. */
  if (a->rip != c->rip)
    flags &= ~undefined_flags(c, &i, c->length);
  /* RF of a step depends on the maker (after a repetition), and on what the host did meanwhile. */
  if (a->vector == 1)
    flags &= ~(uint64_t)FLAG_RF;
  for (unsigned n = 0; n < GPRS; n++) {
    if (a->gpr[n] != b->gpr[n])
      aspects |= n == RSP ? ASPECT_RSP : ASPECT_GPR;
  }
  if (((a->rflags ^ b->rflags) & flags) != 0)
    aspects |= ASPECT_FLAGS;
  if (a->cs != b->cs || a->ss != b->ss || !same_selector(a->ds, b->ds) || !same_selector(a->es, b->es) ||
      !same_selector(a->fs, b->fs) || !same_selector(a->gs, b->gs))
    aspects |= ASPECT_SEGMENT;
  if (memcmp(a->fx.XmmRegisters, b->fx.XmmRegisters, sizeof a->fx.XmmRegisters) != 0)
    aspects |= ASPECT_XMM;
  if (((a->fx.MxCsr ^ b->fx.MxCsr) & ~((~c->fx.MxCsr & MXCSR_MASKS) != 0 ? 0 : MXCSR_STATUS)) != 0)
    aspects |= ASPECT_MXCSR;
  if (memcmp(a->memory, b->memory, sizeof a->memory) != 0)
    aspects |= ASPECT_MEMORY;
  return aspects | compare_x87(c, &i, &a->fx, &b->fx);
}

void aspect_names(unsigned aspects, char *out, size_t size)
{
  static const char *const name[] = {"vector",  "error", "cr2",   "rip", "gpr",        "rsp",   "flags",
                                     "segment", "xmm",   "mxcsr", "x87", "x87-status", "memory"};
  size_t n = 0;
  out[0] = 0;
  for (unsigned i = 0; i < sizeof name / sizeof name[0]; i++) {
    if ((aspects & (1u << i)) != 0 && n < size)
      n += (size_t)snprintf(out + n, size - n, "%s%s", n == 0 ? "" : " ", name[i]);
  }
}

/* ---- showing ---- */

static void print_pair(const char *name, uint64_t start, uint64_t a, uint64_t b)
{
  printf("  %-6s %016llx -> %016llx  %016llx%s\n", name, (unsigned long long)start, (unsigned long long)a,
         (unsigned long long)b, a != b ? "  <<<" : "");
}

static void print_fx(const struct test_case *c, const struct outcome *a, const struct outcome *b)
{
  char name[16];
  print_pair("mxcsr", c->fx.MxCsr, a->fx.MxCsr, b->fx.MxCsr);
  print_pair("fcw", c->fx.ControlWord, a->fx.ControlWord, b->fx.ControlWord);
  print_pair("fsw", c->fx.StatusWord, a->fx.StatusWord, b->fx.StatusWord);
  print_pair("ftw", c->fx.TagWord, a->fx.TagWord, b->fx.TagWord);
  for (unsigned i = 0; i < 8; i++) {
    const M128A *s = &c->fx.FloatRegisters[i], *x = &a->fx.FloatRegisters[i], *y = &b->fx.FloatRegisters[i];
    snprintf(name, sizeof name, "st%u", i);
    if (!same_st(s, x) || !same_st(x, y)) {
      print_pair(name, s->Low, x->Low, y->Low);
      print_pair("", s->High & 0xFFFF, x->High & 0xFFFF, y->High & 0xFFFF);
    }
  }
  for (unsigned i = 0; i < 16; i++) {
    const M128A *s = &c->fx.XmmRegisters[i], *x = &a->fx.XmmRegisters[i], *y = &b->fx.XmmRegisters[i];
    snprintf(name, sizeof name, "xmm%u", i);
    if (memcmp(x, y, sizeof *x) != 0) {
      print_pair(name, s->Low, x->Low, y->Low);
      print_pair("", (uint64_t)s->High, (uint64_t)x->High, (uint64_t)y->High);
    }
  }
}

static void print_memory(const struct outcome *a, const struct outcome *b)
{
  unsigned shown = 0;
  for (unsigned page = 0; page < WRITABLE_PAGES; page++) {
    for (unsigned i = 0; i < PAGE && shown < 16; i++) {
      if (a->memory[page][i] != b->memory[page][i]) {
        printf("  [%llx] %02x  %02x  <<<\n", (unsigned long long)(area_pages[FIRST_WRITABLE + page].va + i),
               a->memory[page][i], b->memory[page][i]);
        shown++;
      }
    }
  }
}

void print_case(const struct test_case *c, const struct outcome *a, const struct outcome *b, unsigned aspects)
{
  static const char *const gpr[GPRS] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
  static const char *const kind[] = {"exception", "syscall", "endless", "failed"};
  char text[128], names[128];
  disassemble(c->code, c->length, c->rip, text, sizeof text);
  aspect_names(aspects, names, sizeof names);
  printf("seed %llu case %u: %s\n  bytes", (unsigned long long)c->seed, c->number, text);
  for (unsigned i = 0; i < c->length; i++)
    printf(" %02x", c->code[i]);
  printf("\n  differs in: %s\n  hardware: %s %u error %x cr2 %llx\n  src/emu:  %s %u error %x cr2 %llx\n",
         aspects != 0 ? names : "nothing", kind[a->kind], a->vector, a->error_code, (unsigned long long)a->cr2,
         kind[b->kind], b->vector, b->error_code, (unsigned long long)b->cr2);
  print_pair("rip", c->rip, a->rip, b->rip);
  print_pair("rflags", c->rflags, a->rflags, b->rflags);
  for (unsigned i = 0; i < GPRS; i++)
    print_pair(gpr[i], c->gpr[i], a->gpr[i], b->gpr[i]);
  printf("  segments cs %x %x ss %x %x ds %x %x es %x %x fs %x %x gs %x %x; bases %llx %llx\n", a->cs, b->cs, a->ss,
         b->ss, a->ds, b->ds, a->es, b->es, a->fs, b->fs, a->gs, b->gs, (unsigned long long)c->fs_base,
         (unsigned long long)c->gs_base);
  print_fx(c, a, b);
  print_memory(a, b);
}
