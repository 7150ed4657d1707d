/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One emulator: identity paging over the arenas (spec/6.1), its hooks, and the two things that need CPL 0. */
#include "emu/internal.h"

#include "base/host.h"

#include <stdio.h>

/* A code or data descriptor without base, of 4 GB. */
static uint64_t descriptor(unsigned type, unsigned dpl, bool long_mode, bool big)
{
  return 0xFFFFull | (0xFull << 48) | ((uint64_t)(0x90u | type | (dpl << 5)) << 40) | ((uint64_t)long_mode << 53) |
         ((uint64_t)big << 54) | (1ull << 55);
}

void kernel_area_init(uint8_t *host)
{
  static const uint8_t iretq[] = {0x48, 0xCF};
  static const uint8_t mov_cr3[] = {0x0F, 0x22, 0xD8, 0xF4}; /* mov cr3, rax; hlt */
  uint64_t *gdt = (uint64_t *)(void *)host;
  gdt[KGDT64_R0_CODE / 8] = descriptor(0xB, 0, true, false);
  gdt[KGDT64_R0_DATA / 8] = descriptor(0x3, 0, false, true);
  gdt[KGDT64_R3_CMCODE / 8] = descriptor(0xB, 3, false, true);
  gdt[KGDT64_R3_DATA / 8] = descriptor(0x3, 3, false, true);
  gdt[KGDT64_R3_CODE / 8] = descriptor(0xB, 3, true, false);
  gdt[KGDT64_SYS_TSS / 8] =
      0x67ull | ((EMU_TSS_ADDRESS & 0xFFFFFF) << 16) | (0x8Bull << 40) | (((EMU_TSS_ADDRESS >> 24) & 0xFF) << 56);
  gdt[KGDT64_SYS_TSS / 8 + 1] = EMU_TSS_ADDRESS >> 32;
  gdt[KGDT64_R3_CMTEB / 8] = descriptor(0x3, 3, false, true);
  memcpy(host + (EMU_STUB_IRETQ - EMU_KERNEL_BASE), iretq, sizeof iretq);
  memcpy(host + (EMU_STUB_MOV_CR3 - EMU_KERNEL_BASE), mov_cr3, sizeof mov_cr3);
}

/* Never called, for no page-table entry leads to a gap; without them the library itself would refuse the access. */
static uint64_t gap_read(uc_engine *uc, uint64_t offset, unsigned size, void *context)
{
  (void)uc;
  (void)offset;
  (void)size;
  (void)context;
  return 0;
}

static void gap_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *context)
{
  (void)uc;
  (void)offset;
  (void)size;
  (void)value;
  (void)context;
}

static uc_err map_gap(uc_engine *uc, uint64_t first, uint64_t last)
{
  /* Cut where canonical addresses end: one slot is at most 2^63 bytes for the library. */
  static const uint64_t cuts[] = {0x800000000000ull, 0x8000000000000000ull};
  for (;;) {
    uint64_t end = last;
    for (unsigned i = 2; i-- > 0;) {
      if (first < cuts[i] && end >= cuts[i])
        end = cuts[i] - 1;
    }
    uc_err error = uc_mmio_map(uc, first, end - first + 1, gap_read, NULL, gap_write, NULL);
    if (error != UC_ERR_OK || end == last)
      return error;
    first = end + 1;
  }
}

uc_err engine_map_gaps(uc_engine *uc, const struct emu_arena *regions, unsigned count)
{
  uint64_t at = 0;
  for (unsigned i = 0; i < count; i++) {
    if (at < regions[i].base) {
      uc_err error = map_gap(uc, at, regions[i].base - 1);
      if (error != UC_ERR_OK)
        return error;
    }
    at = regions[i].base + regions[i].size;
  }
  return at == 0 ? UC_ERR_OK : map_gap(uc, at, UINT64_MAX);
}

/* ---- hooks: they note the first reason and stop ---- */

static void stop_for(engine *g, enum stop_reason reason)
{
  if (g->stop == STOP_NONE)
    g->stop = reason;
  uc_emu_stop(g->uc);
}

void engine_stop_at(engine *g, enum stop_reason reason, uint64_t va)
{
  if (g->stop == STOP_NONE)
    g->stopped_at = va;
  stop_for(g, reason);
}

/* Charged to every block: nothing here but the count (its load and store are the cost), a flag and the note. */
static void on_block(uc_engine *uc, uint64_t va, uint32_t size, void *context)
{
  engine *g = context;
  (void)uc;
  if (UNLIKELY(g->blocks_left == 0 || *g->block_flag != 0)) {
    if (g->blocks_left == 0 || *g->stop_flag != 0) {
      engine_stop_at(g, g->blocks_left == 0 ? STOP_BUDGET : STOP_FLAG, va);
      return;
    }
    g->block_end = va + size;
  }
  g->blocks_left--;
  g->block = va;
}

static void on_interrupt(uc_engine *uc, uint32_t number, void *context)
{
  engine *g = context;
  (void)uc;
  if (g->stop == STOP_NONE)
    g->interrupt = number;
  stop_for(g, STOP_INTERRUPT);
}

static bool on_invalid(uc_engine *uc, void *context)
{
  (void)uc;
  stop_for(context, STOP_INVALID);
  return true;
}

static void on_syscall(uc_engine *uc, void *context)
{
  (void)uc;
  stop_for(context, STOP_SYSCALL);
}

bool engine_has_breakpoint(const engine *g, uint64_t va)
{
  for (unsigned i = 0; i < 4; i++) {
    if ((g->breakpoint_mask & (1u << i)) != 0 && g->breakpoint[i] == va)
      return true;
  }
  return false;
}

static const uint8_t *code_host(const engine *g, uint64_t va)
{
  const struct emu_config *config = &g->owner->config;
  for (unsigned i = 0; i < config->arena_count; i++) {
    if (va - config->arenas[i].base < config->arenas[i].size)
      return g->arena[i] + (va - config->arenas[i].base);
  }
  return NULL;
}

/* A block was translated and is about to run. One that was translated again for its calls keeps the window: a store
 * into its own block makes the engine begin again with a block of that instruction alone, which needs them, too. */
static void on_edge(uc_engine *uc, uc_tb *now, uc_tb *before, void *context)
{
  engine *g = context;
  uint64_t range[2];
  (void)before;
  const uint8_t *bytes = code_host(g, now->pc);
  if (bytes == NULL)
    return;
  uint64_t cs = 0;
  uc_reg_read(uc, UC_X86_REG_CS, &cs);
  const bool calls = scan_block(g, bytes, now->pc, now->size, cs != KGDT64_R3_CMCODE, range);
  if (g->replant.va != NO_ADDRESS) {
    if (g->replant.va == now->pc && (!calls || (range[0] >= g->window[0] && range[1] <= g->window[1]))) {
      if (g->skipped == now->pc)
        g->skip = now->pc;
      return;
    }
    g->replant.va = NO_ADDRESS;
    engine_set_window(g, NO_ADDRESS, NO_ADDRESS);
  }
  if (calls) {
    g->replant.va = now->pc;
    memcpy(g->replant.range, range, sizeof range);
    engine_stop_at(g, STOP_RETRANSLATE, now->pc);
  }
  if (g->block_callback != NULL)
    g->block_callback(g->block_callback_context, now->pc, now->size);
}

static void *hook_address(void (*fn)(void)) { return (void *)(uintptr_t)fn; }
#define HOOK(fn) hook_address((void (*)(void))(fn))

void engine_set_window(engine *g, uint64_t first, uint64_t last)
{
  g->window[0] = first;
  g->window[1] = last;
}

static bool add_hooks(engine *g)
{
  uc_hook hook, check;
  if (uc_hook_add(g->uc, &check, UC_HOOK_CODE, HOOK(on_check), g, NO_ADDRESS, NO_ADDRESS) != UC_ERR_OK)
    return false;
  g->window = (uint64_t *)(void *)((uint8_t *)check + g->owner->calibration->at.hook_range);
  return uc_hook_add(g->uc, &hook, UC_HOOK_BLOCK, HOOK(on_block), g, 1, 0) == UC_ERR_OK &&
         uc_hook_add(g->uc, &hook, UC_HOOK_INTR, HOOK(on_interrupt), g, 1, 0) == UC_ERR_OK &&
         uc_hook_add(g->uc, &hook, UC_HOOK_INSN_INVALID, HOOK(on_invalid), g, 1, 0) == UC_ERR_OK &&
         uc_hook_add(g->uc, &hook, UC_HOOK_INSN, HOOK(on_syscall), g, 1, 0, UC_X86_INS_SYSCALL) == UC_ERR_OK &&
         uc_hook_add(g->uc, &hook, UC_HOOK_INSN, HOOK(cpuid_hook), g, 1, 0, UC_X86_INS_CPUID) == UC_ERR_OK &&
         uc_hook_add(g->uc, &hook, UC_HOOK_EDGE_GENERATED, HOOK(on_edge), g, 1, 0) == UC_ERR_OK;
}

static bool map_regions(engine *g)
{
  const emu *e = g->owner;
  struct emu_arena region[EMU_MAX_ARENAS + 3];
  unsigned n = 0;
  const struct emu_arena tables = {EMU_PAGE_TABLES_BASE, (uint64_t)e->tables_size};
  const struct emu_arena kernel_tables = {EMU_KERNEL_TABLES_BASE, EMU_KERNEL_TABLES_SIZE};
  bool placed = false;
  for (unsigned i = 0; i < e->config.arena_count; i++) {
    const struct emu_arena *a = &e->config.arenas[i];
    if (!placed && a->base > EMU_PAGE_TABLES_BASE) {
      region[n++] = tables;
      region[n++] = kernel_tables;
      placed = true;
    }
    region[n++] = *a;
    if (uc_mem_map_ptr(g->uc, a->base, a->size, UC_PROT_ALL, g->arena[i]) != UC_ERR_OK)
      return false;
  }
  if (!placed) {
    region[n++] = tables;
    region[n++] = kernel_tables;
  }
  region[n].base = EMU_KERNEL_BASE;
  region[n++].size = e->config.kernel_arena_size;
  return uc_mem_map_ptr(g->uc, EMU_PAGE_TABLES_BASE, e->tables_size, UC_PROT_ALL, g->tables) == UC_ERR_OK &&
         uc_mem_map_ptr(g->uc, EMU_KERNEL_TABLES_BASE, EMU_KERNEL_TABLES_SIZE, UC_PROT_ALL, e->kernel_tables) ==
             UC_ERR_OK &&
         uc_mem_map_ptr(g->uc, EMU_KERNEL_BASE, e->config.kernel_arena_size, UC_PROT_ALL, e->kernel) == UC_ERR_OK &&
         engine_map_gaps(g->uc, region, n) == UC_ERR_OK;
}

static const int never_stop = 0;
static const int always = 1;

void engine_note_ends(engine *g, bool on) { g->block_flag = on ? &always : g->stop_flag; }

bool engine_open(engine *g, char *message, size_t size)
{
  if (g->uc != NULL)
    return true;
  /* The library ends the process if it cannot have its buffer, so ask first (DESIGN 5). */
  if (!host_can_map_translator()) {
    snprintf(message, size, "no memory for the translator");
    return false;
  }
  if (uc_open(UC_ARCH_X86, UC_MODE_64, &g->uc) != UC_ERR_OK) {
    g->uc = NULL;
    snprintf(message, size, "the engine cannot be opened");
    return false;
  }
  g->stop_flag = g->owner->config.stop_flag != NULL ? g->owner->config.stop_flag : &never_stop;
  g->block_flag = g->stop_flag;
  g->held = 0;
  memset(g->watch_steps, 0, sizeof g->watch_steps);
  g->planted_count = 0;
  g->replant.va = g->skip = NO_ADDRESS;
  /* No address ends a run: with `until` = 0 a jump to 0 would look like a stop. */
  if (uc_ctl_exits_enable(g->uc) != UC_ERR_OK || !map_regions(g) || !add_hooks(g) ||
      uc_context_restore(g->uc, as_context(g->owner->calibration->user64)) != UC_ERR_OK) {
    snprintf(message, size, "the engine cannot map the arenas");
    engine_close(g);
    return false;
  }
  /* The library reports no new block before it has run one. */
  engine_flush_tlb(g);
  return true;
}

void engine_close(engine *g)
{
  if (g->uc != NULL)
    uc_close(g->uc);
  g->uc = NULL;
}

bool engine_reopen(engine *g, char *message, size_t size)
{
  guard_close(g->uc);
  g->uc = NULL;
  views_drop_dormant(g);
  return engine_open(g, message, size);
}

void engine_flush_tlb(engine *g)
{
  uint64_t cr3 = EMU_PAGE_TABLES_BASE;
  if (g->uc == NULL)
    return;
  uc_context_restore(g->uc, as_context(g->owner->calibration->kernel));
  uc_reg_write(g->uc, UC_X86_REG_RAX, &cr3);
  g->held = 0;
  uint64_t left = g->blocks_left;
  g->blocks_left = UINT64_MAX;
  const volatile int *flag = g->block_flag;
  g->block_flag = &never_stop;
  uc_emu_start(g->uc, EMU_STUB_MOV_CR3, 0, 0, 0);
  g->block_flag = flag;
  g->blocks_left = left;
}

void engine_remove_code(engine *g, uint64_t va, uint64_t size)
{
  if (g->uc == NULL || size == 0)
    return;
  uc_context_restore(g->uc, as_context(g->owner->calibration->unpaged));
  g->held = 0;
  memset(g->watch_steps, 0, sizeof g->watch_steps);
  uc_ctl_remove_cache(g->uc, va, va + size);
}

/* ---- execute breakpoints ---- */

static void unplant(engine *g, unsigned index)
{
  uint64_t va = g->planted[index];
  g->planted[index] = g->planted[--g->planted_count];
  engine_remove_code(g, va, 1);
}

void engine_plant_breakpoints(engine *g)
{
  for (unsigned i = 0; i < 4; i++) {
    if ((g->breakpoint_mask & (1u << i)) == 0)
      continue;
    bool there = false;
    for (unsigned k = 0; k < g->planted_count && !there; k++)
      there = g->planted[k] == g->breakpoint[i];
    if (there)
      continue;
    for (unsigned k = g->planted_count; k-- > 0 && g->planted_count == MAX_PLANTED;) {
      if (!engine_has_breakpoint(g, g->planted[k]))
        unplant(g, k);
    }
    g->planted[g->planted_count++] = g->breakpoint[i];
    engine_remove_code(g, g->breakpoint[i], 1);
  }
}

void engine_unplant_all(engine *g)
{
  while (g->planted_count != 0)
    unplant(g, g->planted_count - 1);
}

void engine_remove_all_code(engine *g)
{
  for (unsigned i = 0; i < g->view_count;) {
    if (g->views[i].dormant)
      view_forget(g, &g->views[i]);
    else
      i++;
  }
  space_executable_runs(g, 0, 1ull << 47, engine_remove_code);
}
