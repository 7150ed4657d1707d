/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data breakpoints. While a thread that has some runs, the entries of their pages say less than is true: not present,
 * or read-only for breakpoints on writes. The instruction that faults there is executed by a step with the true
 * entries, and hooks compare each of its accesses with the breakpoints. The entries are true whenever the engine is not
 * running; space_pte tells the truth even then. */
#include "emu/internal.h"

static uint64_t hidden(const engine *g, uint64_t *entry)
{
  uint64_t bits = 0;
  for (unsigned i = 0; i < g->watch_count; i++) {
    if (g->watch[i].entry == entry)
      bits |= g->watch[i].reads ? PTE_PRESENT : PTE_WRITE;
  }
  return bits;
}

bool databp_arm(engine *g)
{
  bool armed = false;
  for (unsigned i = 0; i < g->watch_count; i++) {
    struct watch *w = &g->watch[i];
    uint32_t table = tables_find(g, w->va);
    w->entry = table == 0 ? NULL : &table_host(g, table)[SLOT(w->va)];
    if (w->entry != NULL && (*w->entry & (PTE_PRESENT | PTE_USER)) != (PTE_PRESENT | PTE_USER))
      w->entry = NULL;
    if (w->entry != NULL)
      w->saved = *w->entry;
    armed = armed || w->entry != NULL;
  }
  for (unsigned i = 0; i < g->watch_count; i++) {
    struct watch *w = &g->watch[i];
    if (w->entry != NULL)
      *w->entry = w->saved & ~hidden(g, w->entry);
  }
  g->watch_armed = armed;
  engine_note_ends(g, armed);
  return armed;
}

uint64_t databp_true_entry(const engine *g, const uint64_t *entry)
{
  for (unsigned i = 0; i < g->watch_count; i++) {
    if (g->watch[i].entry == entry)
      return g->watch[i].saved | (*entry & (PTE_ACCESSED | PTE_DIRTY));
  }
  return *entry;
}

void databp_disarm(engine *g)
{
  if (!g->watch_armed)
    return;
  for (unsigned i = 0; i < g->watch_count; i++) {
    struct watch *w = &g->watch[i];
    if (w->entry != NULL)
      *w->entry = databp_true_entry(g, w->entry);
  }
  g->watch_armed = false;
  engine_note_ends(g, false);
}

bool databp_covers(const engine *g, uint64_t va)
{
  if (!g->watch_armed)
    return false;
  for (unsigned i = 0; i < g->watch_count; i++) {
    if (g->watch[i].entry != NULL && g->watch[i].va >> EMU_PAGE_SHIFT == va >> EMU_PAGE_SHIFT)
      return true;
  }
  return false;
}

uint64_t databp_hits(const engine *g, uint64_t va, unsigned size, bool write)
{
  uint64_t hits = 0;
  for (unsigned i = 0; i < g->watch_count; i++) {
    const struct watch *w = &g->watch[i];
    if ((w->reads || write) && va < w->va + w->size && w->va < va + size)
      hits |= 1ull << w->index;
  }
  return hits;
}

static void on_access(uc_engine *uc, uc_mem_type type, uint64_t va, int size, int64_t value, void *context)
{
  engine *g = context;
  (void)uc;
  (void)value;
  g->watch_hits |= databp_hits(g, va, (unsigned)size, type == UC_MEM_WRITE);
}

/* An access that finds its page in the engine's own cache of translations comes to the hook only if it was translated
 * while there was one, so steps that were not are dropped. */
void databp_begin(engine *g, uint64_t va)
{
  uint64_t *known = &g->watch_steps[(va ^ (va >> 6)) % WATCH_STEPS];
  engine_note_ends(g, false);
  if (*known != va + 1) {
    engine_remove_code(g, va, 1);
    *known = va + 1;
  }
  if (uc_hook_add(g->uc, &g->watch_hook, UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, (void *)(uintptr_t)on_access, g, 1, 0) !=
      UC_ERR_OK)
    g->watch_hook = 0;
}

void databp_end(engine *g, uint64_t va)
{
  (void)va;
  if (g->watch_hook != 0)
    uc_hook_del(g->uc, g->watch_hook);
  g->watch_hook = 0;
}
