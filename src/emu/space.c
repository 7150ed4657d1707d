/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address spaces: page-table entries, host addresses, views, and what of them has been translated. */
#include "emu/internal.h"

#include "base/host.h"

#define TAG_SPACE 0x53756D45u /* 'EmuS' */

address_space *space_create(emu *e)
{
  address_space *s = pool_alloc(e->config.pool, sizeof *s, TAG_SPACE);
  if (s == NULL)
    return NULL;
  s->owner = e;
  s->engine = engine_take(e);
  if (s->engine == NULL) {
    pool_free(e->config.pool, s);
    return NULL;
  }
  s->tlb_stale = true;
  e->spaces++;
  return s;
}

void space_close(address_space *s)
{
  if (s != NULL)
    s->closing = s->engine->kept != 0;
}

void space_destroy(address_space *s)
{
  if (s == NULL)
    return;
  emu *e = s->owner;
  engine_return(s->engine);
  e->spaces--;
  pool_free(e->config.pool, s);
}

const struct emu_arena *space_arenas(const address_space *s, unsigned *count)
{
  *count = s->owner->config.arena_count;
  return s->owner->config.arenas;
}

const struct emu_arena *space_arena(const address_space *s, uint64_t va)
{
  const struct emu_config *config = &s->owner->config;
  for (unsigned i = 0; i < config->arena_count; i++) {
    if (va - config->arenas[i].base < config->arenas[i].size)
      return &config->arenas[i];
  }
  return NULL;
}

void *space_host(const address_space *s, uint64_t va, size_t size)
{
  const struct emu_arena *a = space_arena(s, va);
  if (a == NULL || size > a->size - (va - a->base))
    return NULL;
  return s->engine->arena[a - s->owner->config.arenas] + (va - a->base);
}

uint64_t space_pte(const address_space *s, uint64_t va)
{
  uint32_t table = tables_find(s->engine, va);
  if (table == 0)
    return 0;
  const uint64_t *entry = &table_host(s->engine, table)[SLOT(va)];
  return UNLIKELY(s->engine->watch_armed) ? databp_true_entry(s->engine, entry) : *entry;
}

uint64_t space_next_pte(const address_space *s, uint64_t va, uint64_t end)
{
  engine *g = s->engine;
  va = PAGE_DOWN(va);
  while ((va = tables_next(g, va, end)) < end) {
    const uint64_t *pte = table_host(g, tables_find(g, va));
    do {
      if (pte[SLOT(va)] != 0)
        return va;
      va += EMU_PAGE_SIZE;
    } while (va < end && SLOT(va) != 0);
  }
  return end;
}

void space_executable_runs(engine *g, uint64_t va, uint64_t end, void (*fn)(engine *g, uint64_t va, uint64_t size))
{
  uint64_t start = 0, next = 0; /* the run [start, next) is still open */
  va = PAGE_DOWN(va);
  while ((va = tables_next(g, va, end)) < end) {
    const struct leaf_info *info = &g->leaves[tables_find(g, va)];
    do {
      if (test_bit(info->executable, SLOT(va))) {
        if (next != va) {
          if (next != start)
            fn(g, start, next - start);
          start = va;
        }
        next = va + EMU_PAGE_SIZE;
      }
      va += EMU_PAGE_SIZE;
    } while (va < end && SLOT(va) != 0);
  }
  if (next != start)
    fn(g, start, next - start);
}

/* ---- page-table entries ---- */

bool space_set_pte(address_space *s, uint64_t va, uint64_t pte)
{
  engine *g = s->engine;
  if (UNLIKELY(s->closing))
    return true;
  uint32_t table = pte == 0 ? tables_find(g, va) : tables_make(g, va);
  if (table == 0)
    return pte == 0;
  uint64_t *entry = &table_host(g, table)[SLOT(va)], old = *entry;
  struct leaf_info *info = &g->leaves[table];
  if ((old & PTE_PRESENT) != 0) {
    const uint64_t rights = PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY;
    if ((old & ~pte & rights) != 0 || (pte & ~old & PTE_NO_EXECUTE) != 0)
      s->tlb_stale = true;
    if ((old & PTE_DIRTY) != 0) {
      set_bit(info->modified, SLOT(va));
      set_bit(info->touched, SLOT(va));
    }
  }
  *entry = pte;
  if ((pte & PTE_PRESENT) != 0 && (pte & PTE_NO_EXECUTE) == 0 && !test_bit(info->executable, SLOT(va))) {
    struct view *v = view_at(g, va);
    set_bit(info->executable, SLOT(va));
    if (v != NULL && v->dormant)
      view_forget(g, v);
  }
  return true;
}

static void mark_modified(engine *g, uint64_t va, uint64_t end)
{
  while ((va = tables_next(g, va, end)) < end) {
    struct leaf_info *info = &g->leaves[tables_find(g, va)];
    do {
      set_bit(info->modified, SLOT(va));
      set_bit(info->touched, SLOT(va));
      va += EMU_PAGE_SIZE;
    } while (va < end && SLOT(va) != 0);
  }
}

void space_code_changed(address_space *s, uint64_t va, uint64_t size)
{
  if (size == 0 || va + size < va || s->closing)
    return;
  uint64_t end = PAGE_UP(va + size);
  va = PAGE_DOWN(va);
  mark_modified(s->engine, va, end);
  if (s->engine->uc != NULL)
    space_executable_runs(s->engine, va, end, engine_remove_code);
}

size_t space_fetch(const address_space *s, uint64_t va, uint8_t *out, size_t size)
{
  size_t done = 0;
  while (done < size) {
    uint64_t at = va + done, pte = space_pte(s, at);
    size_t n = EMU_PAGE_SIZE - (at & (EMU_PAGE_SIZE - 1));
    const void *host = space_host(s, at, 1);
    if (host == NULL || (pte & (PTE_PRESENT | PTE_USER)) != (PTE_PRESENT | PTE_USER) || (pte & PTE_NO_EXECUTE) != 0)
      break;
    if (n > size - done)
      n = size - done;
    memcpy(out + done, host, n);
    done += n;
  }
  return done;
}

/* ---- contents ---- */

void space_discard(address_space *s, uint64_t va, uint64_t size)
{
  engine *g = s->engine;
  uint8_t *host = space_host(s, va, size);
  if (host == NULL || size == 0 || ((va | size) & (EMU_PAGE_SIZE - 1)) != 0 || s->closing)
    return;
  bool whole = true;
  for (unsigned i = 0; i < g->view_count && whole; i++) {
    const struct view *v = &g->views[i];
    whole = v->dormant || va >= v->va + v->size || va + size <= v->va;
  }
  if (whole) {
    host_discard(host, size);
  } else {
    /* Discarding a private page of a file would bring the file's bytes back. */
    for (uint64_t at = 0; at < size; at += EMU_PAGE_SIZE) {
      const struct view *v = view_at(g, va + at);
      if (v == NULL || v->dormant)
        host_discard(host + at, EMU_PAGE_SIZE);
      else if (v->copy_on_write)
        memset(host + at, 0, EMU_PAGE_SIZE);
    }
  }
  space_code_changed(s, va, size);
}

void space_set_block_callback(address_space *s, void (*fn)(void *context, uint64_t va, uint32_t size), void *context)
{
  engine *g = s->engine;
  bool fresh = fn != NULL && g->block_callback == NULL;
  g->block_callback = fn;
  g->block_callback_context = context;
  /* Blocks that are translated already would never be reported. */
  if (fresh && g->uc != NULL)
    engine_remove_all_code(g);
}
