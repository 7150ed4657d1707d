/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scan of new blocks. The engine gets some instructions wrong: it runs port instructions at CPL 3, never asks for
 * alignment, takes VEX for nothing. Each new block is decoded once; one that has such instructions is translated again
 * with calls of on_check at them. Other blocks pay nothing.
 *
 * The library looks at a code hook's range while it translates, to see which instructions get a call; where there is
 * only one such hook, the call goes straight to it and the range is not looked at again (calibration makes sure). So
 * one hook, of which the range is opened only while a block is translated again, serves any number of addresses at the
 * cost of one. Execute breakpoints use it, too. */
#include "emu/internal.h"

#include <stdlib.h>

#define FIRST_ROOM 256u
#define MAX_CHECKS 65536u

static bool is_lockable(const struct insn *i)
{
  unsigned reg = (i->modrm >> 3) & 7u;
  uint8_t op = i->opcode;
  if (!i->memory)
    return false;
  if (i->map == MAP_0F)
    return op == 0xAB || op == 0xB3 || op == 0xBB || op == 0xB0 || op == 0xB1 || op == 0xC0 || op == 0xC1 ||
           (op == 0xBA && reg >= 5) || (op == 0xC7 && reg == 1);
  if (i->map != MAP_ONE_BYTE)
    return false;
  if (op < 0x38)
    return (op & 7) <= 1;
  if (op >= 0x80 && op <= 0x83)
    return reg != 7;
  return op == 0x86 || op == 0x87 || ((op & 0xFE) == 0xF6 && (reg == 2 || reg == 3)) ||
         ((op & 0xFE) == 0xFE && reg <= 1);
}

static bool aligned_0f(uint8_t op, uint8_t prefix)
{
  bool packed = prefix == 0 || prefix == 0x66;
  switch (op) {
  case 0x12: /* movsldup, movshdup */
  case 0x16:
    return prefix == 0xF3;
  case 0x14:
  case 0x15:
  case 0x28:
  case 0x29:
  case 0x2B:
  case 0x51:
  case 0x54:
  case 0x55:
  case 0x56:
  case 0x57:
  case 0x58:
  case 0x59:
  case 0x5C:
  case 0x5D:
  case 0x5E:
  case 0x5F:
  case 0xC2:
  case 0xC6:
    return packed;
  case 0x52: /* rsqrtps, rcpps */
  case 0x53:
    return prefix == 0;
  case 0x2C: /* conversions */
  case 0x2D:
  case 0x5A:
    return prefix == 0x66;
  case 0x5B:
    return prefix != 0xF2;
  case 0x70:
    return prefix != 0;
  case 0x7C: /* horizontal and alternating */
  case 0x7D:
  case 0xD0:
  case 0xE6:
    return prefix == 0x66 || prefix == 0xF2;
  case 0x6E: /* moves of 4 and 8 bytes, and lddqu */
  case 0xD6:
  case 0xF0:
    return false;
  default:
    return prefix == 0x66 &&
           ((op >= 0x60 && op <= 0x6F) || (op >= 0x74 && op <= 0x76) || op == 0x7F || (op >= 0xD1 && op <= 0xFE));
  }
}

bool must_be_aligned(const struct insn *i)
{
  uint8_t op = i->opcode;
  switch (i->map) {
  case MAP_0F:
    return aligned_0f(op, i->sse);
  case MAP_0F38:
    return i->sse == 0x66 &&
           (op <= 0x0B || op == 0x10 || op == 0x14 || op == 0x15 || op == 0x17 || (op >= 0x1C && op <= 0x1E) ||
            (op >= 0x28 && op <= 0x2B) || (op >= 0x37 && op <= 0x41) || (op >= 0xDB && op <= 0xDF));
  case MAP_0F3A:
    return i->sse == 0x66 && (op == 0x08 || op == 0x09 || (op >= 0x0C && op <= 0x0F) || (op >= 0x40 && op <= 0x42) ||
                              op == 0x44 || op == 0xDF);
  default:
    return false;
  }
}

bool loads_ss(const struct insn *i)
{
  /* In 64-bit code 17 is no instruction. */
  return i->map == MAP_ONE_BYTE && ((i->opcode == 0x8E && ((i->modrm >> 3) & 7) == 2) || i->opcode == 0x17);
}

static enum check one_byte_check(const struct insn *i)
{
  unsigned reg = (i->modrm >> 3) & 7u;
  uint8_t op = i->opcode;
  if ((op & 0xFC) == 0x6C || (op & 0xFC) == 0xE4 || (op & 0xFC) == 0xEC)
    return CHECK_PORT;
  if ((op == 0x8F || op == 0xC6 || op == 0xC7) && reg != 0)
    return CHECK_UNDEFINED;
  /* Far call and jmp through a register: the engine reads the far pointer from wherever it has read last. */
  if (op == 0xFF && !i->memory && (reg == 3 || reg == 5))
    return CHECK_UNDEFINED;
  if (op == 0xE0 || op == 0xE1)
    return CHECK_LOOP;
  if ((op == 0x9E || op == 0x9F) && i->rex != 0)
    return CHECK_FLAGS_AND_AH;
  if (loads_ss(i))
    return CHECK_LOAD_SS;
  if (op == 0xC2)
    return CHECK_RETURN;
  if (i->memory && (reg == 2 || reg == 3) && (op == 0xC0 || op == 0xC1 || (op >= 0xD0 && op <= 0xD3)))
    return CHECK_KEEP_FLAGS;
  if (op == 0xCF && !i->operand16 && (i->rex & 8) == 0)
    return CHECK_IRET;
  if ((op == 0xCF && (i->rex & 8) != 0) || (op == 0x9D && (!i->operand16 || (i->rex & 8) != 0)))
    return CHECK_FLAGS;
  return CHECK_NONE;
}

/* MMX instructions wait for x87 exceptions. */
static enum check x87_check(const engine *g, const struct insn *i)
{
  return g->check_x87 && x87_is_mmx(i) ? CHECK_X87 : CHECK_NONE;
}

enum check check_of(const engine *g, const struct insn *i)
{
  if (i->vex || (i->lock && !is_lockable(i)) || !fixup_exists(i))
    return CHECK_UNDEFINED;
  if (x87_is_instruction(i))
    return g->check_x87 ? CHECK_X87 : x87_loads_control(i) ? CHECK_X87_CONTROL : CHECK_NONE;
  if (i->map == MAP_ONE_BYTE)
    return one_byte_check(i);
  if (i->map == MAP_0F && i->opcode == 0x34)
    return CHECK_SYSENTER;
  if (fixup_is_horizontal(i))
    return CHECK_HORIZONTAL;
  if (g->check_sse && sse_can_raise(i))
    return CHECK_SSE;
  if (!i->memory)
    return x87_check(g, i);
  if (i->map == MAP_0F && i->opcode == 0xAE) {
    unsigned reg = (i->modrm >> 3) & 7u;
    return reg == 1 ? CHECK_FXRSTOR : reg == 2 ? CHECK_LDMXCSR : CHECK_NONE;
  }
  return must_be_aligned(i) ? CHECK_ALIGNED : x87_check(g, i);
}

/* ---- the addresses that have checks ---- */

static uint64_t slot_of(const engine *g, uint64_t va)
{
  return (va * 0x9E3779B97F4A7C15ull >> 32) & (g->check_room - 1);
}

static struct check_entry *find(const engine *g, uint64_t va)
{
  if (g->check_room == 0)
    return NULL;
  for (uint64_t at = slot_of(g, va);; at = (at + 1) & (g->check_room - 1)) {
    struct check_entry *e = &g->checks[at];
    if (e->key == 0)
      return NULL;
    if (e->key == va + 1)
      return e;
  }
}

static bool make_room(engine *g)
{
  if (g->check_count * 2 < g->check_room)
    return true;
  struct check_entry *old = g->checks;
  unsigned old_room = g->check_room, room = old_room == 0 ? FIRST_ROOM : old_room * 2;
  struct check_entry *grown = calloc(room, sizeof *grown);
  if (grown == NULL)
    return false;
  g->checks = grown;
  g->check_room = room;
  for (unsigned i = 0; i < old_room; i++) {
    if (old[i].key == 0)
      continue;
    uint64_t at = slot_of(g, old[i].key - 1);
    while (grown[at].key != 0)
      at = (at + 1) & (room - 1);
    grown[at] = old[i];
  }
  free(old);
  return true;
}

static void remember(engine *g, const struct check_entry *what)
{
  struct check_entry *e = find(g, what->key - 1);
  if (e != NULL) {
    /* Other bytes, or the other mode: stopping is always right. */
    if (memcmp(e, what, sizeof *e) != 0)
      e->quick = QUICK_NONE;
    return;
  }
  if (!make_room(g)) {
    g->check_all = true;
    return;
  }
  uint64_t at = slot_of(g, what->key - 1);
  while (g->checks[at].key != 0)
    at = (at + 1) & (g->check_room - 1);
  g->checks[at] = *what;
  g->check_count++;
}

void scan_forget(engine *g)
{
  free(g->checks);
  g->checks = NULL;
  g->check_room = g->check_count = 0;
  g->check_all = false;
}

bool scan_is_full(const engine *g) { return g->check_count >= MAX_CHECKS || g->check_all; }

/* ---- the hooks ---- */

/* Where flags come from that an instruction loads. */
static int flags_offset(const struct insn *i) { return i->opcode == 0x9D ? 0 : 16; }

static enum quick_check quick_check_of(const engine *g, const struct insn *i, enum check check, bool code64)
{
  if (check == CHECK_LOAD_SS)
    return QUICK_LOAD_SS;
  if (i->segment == 0x64 || i->segment == 0x65 || i->address_prefix)
    return QUICK_NONE;
  if (check == CHECK_FLAGS)
    return code64 ? QUICK_FLAGS : QUICK_NONE;
  if (check == CHECK_ALIGNED)
    return g->check_x87 && x87_is_mmx(i) ? QUICK_NONE : QUICK_ALIGNED;
  return check == CHECK_X87_CONTROL && code64 ? QUICK_CONTROL : QUICK_NONE;
}

static bool note(engine *g, uint64_t va, const struct insn *i, bool code64)
{
  enum check check = check_of(g, i);
  struct check_entry e;
  if (check == CHECK_NONE)
    return false;
  memset(&e, 0, sizeof e);
  e.key = va + 1;
  e.base = e.index = INSN_NO_REGISTER;
  e.quick = (uint8_t)quick_check_of(g, i, check, code64);
  if (e.quick == QUICK_FLAGS) {
    e.base = CPU_RSP;
    e.disp = flags_offset(i);
  } else if (e.quick != QUICK_NONE) {
    e.base = i->base;
    e.index = i->index;
    e.scale = i->scale;
    e.disp = i->disp + (i->base == INSN_RIP ? i->length : 0);
    bool constant = (e.base == INSN_NO_REGISTER || e.base == INSN_RIP) && e.index == INSN_NO_REGISTER;
    uint64_t at = (uint64_t)(int64_t)e.disp + (e.base == INSN_RIP ? va : 0);
    if (e.quick == QUICK_ALIGNED && constant && (at & 15) == 0)
      return false;
  }
  remember(g, &e);
  return true;
}

static void widen(uint64_t range[2], uint64_t va)
{
  if (va < range[0])
    range[0] = va;
  if (va > range[1])
    range[1] = va;
}

bool scan_block(engine *g, const uint8_t *bytes, uint64_t va, size_t size, bool code64, uint64_t range[2])
{
  struct insn i;
  range[0] = NO_ADDRESS;
  range[1] = 0;
  /* At undefined bytes, too, where a decoder may lose its way. */
  for (unsigned k = 0; k < g->planted_count; k++) {
    if (g->planted[k] - va < (size != 0 ? size : 1))
      widen(range, g->planted[k]);
  }
  /* The engine takes some undefined encodings for shorter ones, so the last may reach behind its block. */
  size_t room = EMU_PAGE_SIZE - va % EMU_PAGE_SIZE;
  if (room < size)
    room = size;
  for (size_t at = 0; at < size && insn_decode(bytes + at, room - at, code64, &i); at += i.length) {
    bool small_return = i.opcode == 0xC2 && i.map == MAP_ONE_BYTE && (!code64 || bytes[at + i.length - 1] < 0x80);
    if (small_return || !note(g, va + at, &i, code64))
      continue;
    widen(range, va + at);
    if (i.vex)
      break;
  }
  return range[0] <= range[1];
}

/* Host memory of a byte that user mode can read; NULL: it cannot. */
static const uint8_t *user_byte(engine *g, uint64_t va)
{
  uint32_t table = tables_find(g, va);
  const uint64_t need = PTE_PRESENT | PTE_USER;
  return table != 0 && (table_host(g, table)[SLOT(va)] & need) == need ? engine_host(g, va) : NULL;
}

static uint64_t address_of(uc_engine *uc, const struct check_entry *e)
{
  uint64_t at = (uint64_t)(int64_t)e->disp, part = 0;
  if (e->base == INSN_RIP) {
    at += e->key - 1;
  } else if (e->base != INSN_NO_REGISTER) {
    uc_reg_read(uc, engine_gpr[e->base], &part);
    at += part;
  }
  if (e->index != INSN_NO_REGISTER) {
    uc_reg_read(uc, engine_gpr[e->index], &part);
    at += part << e->scale;
  }
  return at;
}

static bool passes(engine *g, uc_engine *uc, const struct check_entry *e)
{
  if (e->quick == QUICK_LOAD_SS)
    return g->breakpoint_mask == 0;
  uint64_t at = address_of(uc, e);
  if (e->quick == QUICK_ALIGNED)
    return (at & 15) == 0;
  const uint8_t *byte = user_byte(g, e->quick == QUICK_FLAGS ? at + 2 : at);
  if (e->quick == QUICK_FLAGS)
    return byte != NULL && (*byte & (EFLAGS_AC | EFLAGS_RF) >> 16) == 0;
  return byte != NULL && (~*byte & X87_EXCEPTIONS) == 0;
}

void on_check(uc_engine *uc, uint64_t va, uint32_t size, void *context)
{
  engine *g = context;
  (void)size;
  if (va == g->skip) {
    g->skip = NO_ADDRESS;
    g->skipped = va;
    return;
  }
  if (g->breakpoint_mask != 0 && engine_has_breakpoint(g, va)) {
    engine_stop_at(g, STOP_BREAKPOINT, va);
    return;
  }
  const struct check_entry *e = find(g, va);
  if (e == NULL && !g->check_all)
    return;
  if (e != NULL && e->quick != QUICK_NONE && passes(g, uc, e))
    return;
  engine_stop_at(g, STOP_CHECK, va);
}
