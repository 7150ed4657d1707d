/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables: bump-allocated pages in a buffer that the emulator sees at EMU_PAGE_TABLES_BASE. */
#include "emu/internal.h"

#define LEAF_SHIFT 21
#define ENTRY(va, shift) (((va) >> (shift)) & 511)

static uint32_t index_of(uint64_t entry)
{
  return (uint32_t)(((entry & PTE_PFN_MASK) - EMU_PAGE_TABLES_BASE) >> EMU_PAGE_SHIFT);
}

static bool in_arena(const engine *g, uint64_t va)
{
  const struct emu_config *config = &g->owner->config;
  for (unsigned i = 0; i < config->arena_count; i++) {
    if (va - config->arenas[i].base < config->arenas[i].size)
      return true;
  }
  return false;
}

uint8_t *engine_host(const engine *g, uint64_t va)
{
  const struct emu_config *config = &g->owner->config;
  for (unsigned i = 0; i < config->arena_count; i++) {
    if (va - config->arenas[i].base < config->arenas[i].size)
      return g->arena[i] + (va - config->arenas[i].base);
  }
  return NULL;
}

uint32_t tables_find(engine *g, uint64_t va)
{
  uint64_t key = (va >> LEAF_SHIFT) + 1;
  unsigned slot = (va >> LEAF_SHIFT) % LEAF_CACHE;
  if (LIKELY(g->cache[slot].key == key))
    return g->cache[slot].table;
  if (va >> 47 != 0)
    return 0;
  uint32_t table = 0;
  for (unsigned shift = 39; shift > EMU_PAGE_SHIFT; shift -= 9) {
    uint64_t entry = table_host(g, table)[ENTRY(va, shift)];
    if (entry == 0)
      return 0;
    table = index_of(entry);
  }
  g->cache[slot].key = key;
  g->cache[slot].table = table;
  return table;
}

uint32_t tables_make(engine *g, uint64_t va)
{
  uint32_t table = tables_find(g, va);
  if (table != 0)
    return table;
  /* Arenas are whole leaf tables, so an existing leaf needs no such check. */
  if (!in_arena(g, va))
    return 0;
  if (g->tables_limit - g->tables_used < 3)
    return 0;
  for (unsigned shift = 39; shift > EMU_PAGE_SHIFT; shift -= 9) {
    uint64_t *entry = &table_host(g, table)[ENTRY(va, shift)];
    if (*entry == 0)
      *entry = (EMU_PAGE_TABLES_BASE + (uint64_t)EMU_PAGE_SIZE * g->tables_used++) | PTE_TABLE;
    table = index_of(*entry);
  }
  g->leaves[table].va = (va >> LEAF_SHIFT << LEAF_SHIFT) + 1;
  return table;
}

uint64_t tables_next(engine *g, uint64_t va, uint64_t end)
{
  while (va < end) {
    uint32_t table = 0;
    unsigned shift;
    if (va >> 47 != 0)
      return end;
    for (shift = 39; shift > EMU_PAGE_SHIFT; shift -= 9) {
      uint64_t entry = table_host(g, table)[ENTRY(va, shift)];
      if (entry == 0)
        break;
      table = index_of(entry);
    }
    if (shift == EMU_PAGE_SHIFT)
      return va;
    va = ((va >> shift) + 1) << shift;
  }
  return end;
}

void tables_reset(engine *g)
{
  memset(g->tables, 0, (size_t)g->tables_used * EMU_PAGE_SIZE);
  memset(g->leaves, 0, (size_t)g->tables_used * sizeof *g->leaves);
  memset(g->cache, 0, sizeof g->cache);
  g->tables_used = 1;
  /* Supervisor only: the entry lacks the user bit, so user accesses are protection faults on a present page. */
  table_host(g, 0)[ENTRY(EMU_KERNEL_BASE, 39)] = EMU_KERNEL_TABLES_BASE | PTE_PRESENT | PTE_WRITE;
}
