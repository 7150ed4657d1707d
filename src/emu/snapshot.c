/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots of all address spaces (DESIGN 8). A snapshot has a copy of the page tables and of every page that was ever
 * written; what else there is reads as zero or as its view's file. The D bits are cleared when it is taken, so that they
 * and the `touched` bits tell what a restore must copy back. */
#include "emu/internal.h"

#include "base/host.h"

#include <stdlib.h>

#define ENTRIES 512u
#define WORDS (ENTRIES / 64)
/* So many pages to clear in one page table, and their memory is given back instead. */
#define DISCARD_PAGES 64

/* The pages of one leaf table. */
struct saved_pages {
  uint8_t *page[ENTRIES]; /* NULL: zero, or the view's file; looked up when it has been written */
};

struct saved_engine {
  engine *g;
  uint32_t tables_used;
  uint8_t *tables;
  struct leaf_info *leaves;
  struct saved_pages **pages; /* by table index; NULL: nothing of it was written */
  struct view *views;
  unsigned view_count;
  bool private_data; /* a view is a private one of a file that may change: no image */
};

struct emu_snapshot {
  emu *e;
  struct saved_engine *engines;
  unsigned count, spaces;
  uint64_t *kernel_pages; /* those that the kernel uses ... */
  uint8_t *kernel;        /* ... and their bytes, one page behind the other */
  size_t size;
};

static uint8_t zero_page[EMU_PAGE_SIZE];

static const struct view *live_view_at(const struct view *views, unsigned count, uint64_t va)
{
  for (unsigned i = 0; i < count; i++) {
    if (!views[i].dormant && va - views[i].va < views[i].size)
      return &views[i];
  }
  return NULL;
}

static bool is_private_data(const struct view *v)
{
  return !v->dormant && v->copy_on_write && v->image_id == 0;
}

/* ---- take ---- */

static void *copy_of(emu_snapshot *s, const void *bytes, size_t size)
{
  void *copy = malloc(size != 0 ? size : 1);
  if (copy != NULL && size != 0)
    memcpy(copy, bytes, size);
  s->size += size;
  return copy;
}

/* From here on the D bits of a table mean: since the snapshot. */
static void fold_dirty_bits(engine *g, uint32_t table)
{
  struct leaf_info *info = &g->leaves[table];
  uint64_t *entry = table_host(g, table);
  for (unsigned i = 0; i < ENTRIES; i++) {
    if ((entry[i] & PTE_DIRTY) != 0) {
      set_bit(info->modified, i);
      entry[i] &= ~PTE_DIRTY;
    }
  }
  memset(info->touched, 0, sizeof info->touched);
}

static bool save_pages(emu_snapshot *s, struct saved_engine *saved, uint32_t table)
{
  const engine *g = saved->g;
  const struct leaf_info *info = &g->leaves[table];
  for (unsigned i = 0; i < ENTRIES; i++) {
    uint64_t va = info->va - 1 + (uint64_t)i * EMU_PAGE_SIZE;
    if (info->modified[i / 64] == 0) {
      i |= 63;
      continue;
    }
    if (!test_bit(info->modified, i))
      continue;
    const struct view *v = live_view_at(g->views, g->view_count, va);
    if (v != NULL && !v->copy_on_write)
      continue;
    if (saved->pages[table] == NULL)
      saved->pages[table] = calloc(1, sizeof *saved->pages[table]);
    if (saved->pages[table] == NULL)
      return false;
    uint8_t **page = &saved->pages[table]->page[i];
    *page = copy_of(s, engine_host(g, va), EMU_PAGE_SIZE);
    if (*page == NULL)
      return false;
  }
  return true;
}

static bool save_engine(emu_snapshot *s, struct saved_engine *saved, engine *g)
{
  saved->g = g;
  g->kept++;
  saved->tables_used = g->tables_used;
  saved->pages = calloc(g->tables_used, sizeof(struct saved_pages *));
  if (saved->pages == NULL)
    return false;
  for (uint32_t table = 1; table < g->tables_used; table++) {
    if (g->leaves[table].va == 0)
      continue;
    fold_dirty_bits(g, table);
    if (!save_pages(s, saved, table))
      return false;
  }
  saved->tables = copy_of(s, g->tables, (size_t)g->tables_used * EMU_PAGE_SIZE);
  saved->leaves = copy_of(s, g->leaves, (size_t)g->tables_used * sizeof *g->leaves);
  saved->views = copy_of(s, g->views, g->view_count * sizeof *g->views);
  saved->view_count = g->view_count;
  for (unsigned i = 0; i < g->view_count; i++)
    saved->private_data |= is_private_data(&g->views[i]);
  return saved->tables != NULL && saved->leaves != NULL && saved->views != NULL;
}

static size_t kernel_words(const emu *e) { return (size_t)(e->config.kernel_arena_size >> EMU_PAGE_SHIFT) / 64; }

static bool save_kernel(emu_snapshot *s)
{
  const emu *e = s->e;
  size_t words = kernel_words(e), count = 0;
  s->kernel_pages = copy_of(s, e->kernel_pages, words * sizeof *s->kernel_pages);
  for (size_t w = 0; w < words; w++)
    count += (size_t)__builtin_popcountll(e->kernel_pages[w]);
  s->kernel = malloc(count * EMU_PAGE_SIZE + 1);
  if (s->kernel_pages == NULL || s->kernel == NULL)
    return false;
  uint8_t *to = s->kernel;
  for (size_t w = 0; w < words; w++) {
    for (uint64_t pages = e->kernel_pages[w]; pages != 0; pages &= pages - 1, to += EMU_PAGE_SIZE)
      memcpy(to, e->kernel + (w * 64 + (size_t)__builtin_ctzll(pages)) * EMU_PAGE_SIZE, EMU_PAGE_SIZE);
  }
  s->size += count * EMU_PAGE_SIZE;
  return true;
}

emu_snapshot *emu_snapshot_take(emu *e)
{
  emu_snapshot *s = calloc(1, sizeof *s);
  if (s == NULL)
    return NULL;
  unsigned count = 0;
  for (const LIST_ENTRY *l = e->in_use.Flink; l != &e->in_use; l = l->Flink)
    count++;
  s->e = e;
  s->spaces = e->spaces;
  s->engines = calloc(count != 0 ? count : 1, sizeof *s->engines);
  /* The marks change with the first engine, whether or not all goes well. */
  e->base = NULL;
  bool complete = s->engines != NULL && save_kernel(s);
  for (LIST_ENTRY *l = e->in_use.Flink; complete && l != &e->in_use; l = l->Flink) {
    engine *g = CONTAINING_RECORD(l, engine, link);
    complete = save_engine(s, &s->engines[s->count++], g);
    engine_flush_tlb(g);
  }
  if (!complete) {
    emu_snapshot_drop(s);
    return NULL;
  }
  e->base = s;
  return s;
}

/* ---- restore ---- */

/* A page that was the file's is the file's again, and shows what is written there later. */
static void reload_private(uint8_t *host, const uint8_t *bytes)
{
  host_discard(host, EMU_PAGE_SIZE);
  if (bytes != NULL && memcmp(host, bytes, EMU_PAGE_SIZE) != 0)
    memcpy(host, bytes, EMU_PAGE_SIZE);
}

/* Brings one page's bytes back. */
static bool reload_page(struct saved_engine *saved, uint32_t table, unsigned index, uint64_t va)
{
  struct saved_pages *pages = table < saved->tables_used ? saved->pages[table] : NULL;
  uint8_t *host = engine_host(saved->g, va);
  if (saved->private_data) {
    const struct view *view = live_view_at(saved->views, saved->view_count, va);
    if (view != NULL && is_private_data(view)) {
      reload_private(host, pages != NULL ? pages->page[index] : NULL);
      return true;
    }
  }
  if (pages != NULL && pages->page[index] != NULL) {
    memcpy(host, pages->page[index], EMU_PAGE_SIZE);
    return true;
  }
  const struct view *v = live_view_at(saved->views, saved->view_count, va);
  if (v != NULL && !v->copy_on_write)
    return true;
  if (v == NULL)
    memset(host, 0, EMU_PAGE_SIZE);
  else
    host_discard(host, EMU_PAGE_SIZE); /* the file's bytes show again */
  if (table >= saved->tables_used)
    return true;
  /* Written once, it will be written again: the next time it is one copy. */
  if (pages == NULL)
    pages = saved->pages[table] = calloc(1, sizeof *pages);
  if (pages == NULL)
    return false;
  if (v == NULL) {
    pages->page[index] = zero_page;
    return true;
  }
  pages->page[index] = malloc(EMU_PAGE_SIZE);
  if (pages->page[index] == NULL)
    return false;
  memcpy(pages->page[index], host, EMU_PAGE_SIZE);
  return true;
}

/* Ends the views that the snapshot does not have and maps those that are gone. What was translated from either may
 * come from other bytes. */
static bool restore_views(struct saved_engine *saved)
{
  engine *g = saved->g;
  bool same = g->view_count == saved->view_count;
  for (unsigned i = 0; same && i < g->view_count; i++)
    same = g->views[i].serial == saved->views[i].serial && g->views[i].dormant == saved->views[i].dormant;
  if (same)
    return true;
  for (unsigned i = 0; i < g->view_count; i++) {
    const struct view *v = &g->views[i], *was = live_view_at(saved->views, saved->view_count, v->va);
    if (v->dormant || (was != NULL && was->serial == v->serial))
      continue;
    engine_remove_code(g, v->va, v->size);
    if (!host_map_zero(engine_host(g, v->va), v->size))
      return false;
  }
  for (unsigned i = 0; i < saved->view_count; i++) {
    const struct view *v = &saved->views[i], *is = live_view_at(g->views, g->view_count, v->va);
    if (v->dormant || (is != NULL && is->serial == v->serial))
      continue;
    engine_remove_code(g, v->va, v->size);
    if (!host_map_fd(engine_host(g, v->va), v->size, v->fd, v->offset, v->copy_on_write))
      return false;
    /* Its written pages are the file's again. */
    for (uint64_t at = v->va; at < v->va + v->size; at += EMU_PAGE_SIZE) {
      uint32_t table = tables_find(g, at);
      if (table != 0 && table < saved->tables_used && test_bit(saved->leaves[table].modified, SLOT(at)))
        set_bit(g->leaves[table].touched, SLOT(at));
    }
  }
  if (g->view_room < saved->view_count) {
    struct view *grown = realloc(g->views, saved->view_count * sizeof *grown);
    if (grown == NULL)
      return false;
    g->views = grown;
    g->view_room = saved->view_count;
  }
  memcpy(g->views, saved->views, saved->view_count * sizeof *g->views);
  g->view_count = saved->view_count;
  return true;
}

/* Pages whose bit is set in `pages`, 64 of them from `va` on: their translations go. */
static void remove_pages(engine *g, uint64_t va, uint64_t pages)
{
  while (pages != 0) {
    unsigned first = (unsigned)__builtin_ctzll(pages);
    uint64_t rest = ~(pages >> first);
    unsigned run = rest == 0 ? 64 - first : (unsigned)__builtin_ctzll(rest);
    if (run > 64 - first)
      run = 64 - first;
    engine_remove_code(g, va + (uint64_t)first * EMU_PAGE_SIZE, (uint64_t)run * EMU_PAGE_SIZE);
    pages &= run == 64 ? 0 : ~(((1ull << run) - 1) << first);
  }
}

static bool reload_pages(struct saved_engine *saved, uint32_t table, unsigned word, uint64_t va, uint64_t pages)
{
  while (pages != 0) {
    unsigned i = (unsigned)__builtin_ctzll(pages);
    if (!reload_page(saved, table, word * 64 + i, va + (uint64_t)i * EMU_PAGE_SIZE))
      return false;
    pages &= pages - 1;
  }
  return true;
}

static uint64_t dirty_entries(const uint64_t *entry)
{
  uint64_t dirty = 0;
  for (unsigned i = 0; i < 64; i++)
    dirty |= ((entry[i] & PTE_DIRTY) != 0 ? 1ull : 0) << i;
  return dirty;
}

/* A table that the snapshot has, at the same addresses. */
static bool restore_table(struct saved_engine *saved, uint32_t table)
{
  engine *g = saved->g;
  struct leaf_info *info = &g->leaves[table];
  const struct leaf_info *was = &saved->leaves[table];
  uint64_t *entry = table_host(g, table);
  const uint64_t *old = (const uint64_t *)(const void *)(saved->tables + (size_t)table * EMU_PAGE_SIZE);
  bool same = memcmp(entry, old, EMU_PAGE_SIZE) == 0;
  if (same && memcmp(info, was, sizeof *info) == 0)
    return true;
  for (unsigned w = 0; w < WORDS; w++, entry += 64, old += 64) {
    uint64_t written = info->touched[w], va = info->va - 1 + (uint64_t)w * 64 * EMU_PAGE_SIZE;
    if (!same && memcmp(entry, old, 64 * sizeof *entry) != 0) {
      written |= dirty_entries(entry);
      memcpy(entry, old, 64 * sizeof *entry);
    }
    uint64_t code = (info->executable[w] & ~was->executable[w]) | (info->executable[w] & written);
    if (written != 0 && !reload_pages(saved, table, w, va, written))
      return false;
    if (code != 0)
      remove_pages(g, va, code);
  }
  *info = *was;
  return true;
}

/* A table that the snapshot does not have there: its pages read as zero again, and nothing of it is translated. */
static bool wipe_table(struct saved_engine *saved, uint32_t table)
{
  engine *g = saved->g;
  const struct leaf_info *info = &g->leaves[table];
  const uint64_t *entry = table_host(g, table);
  unsigned count = 0;
  for (unsigned w = 0; w < WORDS; w++)
    count += (unsigned)__builtin_popcountll(info->touched[w] | dirty_entries(entry + w * 64));
  bool discard = count > DISCARD_PAGES;
  for (unsigned i = 0; discard && i < saved->view_count; i++)
    discard = saved->views[i].dormant || info->va - 1 >= saved->views[i].va + saved->views[i].size ||
              saved->views[i].va >= info->va - 1 + ENTRIES * EMU_PAGE_SIZE;
  if (discard)
    host_discard(engine_host(g, info->va - 1), (size_t)ENTRIES * EMU_PAGE_SIZE);
  for (unsigned w = 0; w < WORDS; w++, entry += 64) {
    uint64_t va = info->va - 1 + (uint64_t)w * 64 * EMU_PAGE_SIZE;
    uint64_t written = info->touched[w] | dirty_entries(entry);
    if (!discard && written != 0 && !reload_pages(saved, UINT32_MAX, w, va, written))
      return false;
    remove_pages(g, va, info->executable[w]);
  }
  return true;
}

/* Forgets the tables behind the snapshot's. */
static void cut_tables(struct saved_engine *saved)
{
  engine *g = saved->g;
  if (g->tables_used > saved->tables_used) {
    uint32_t count = g->tables_used - saved->tables_used;
    memset(g->tables + (size_t)saved->tables_used * EMU_PAGE_SIZE, 0, (size_t)count * EMU_PAGE_SIZE);
    memset(&g->leaves[saved->tables_used], 0, count * sizeof *g->leaves);
    memset(g->cache, 0, sizeof g->cache);
    g->tables_used = saved->tables_used;
  }
}

/* The upper levels of the tables; leaves were done one by one. */
static void restore_directories(struct saved_engine *saved)
{
  engine *g = saved->g;
  for (uint32_t table = 0; table < saved->tables_used; table++) {
    if (saved->leaves[table].va == 0)
      memcpy(table_host(g, table), saved->tables + (size_t)table * EMU_PAGE_SIZE, EMU_PAGE_SIZE);
  }
}

/* What was executed in shared views may have been written through other ones. */
static void drop_shared_code(struct saved_engine *saved)
{
  for (unsigned i = 0; i < saved->view_count; i++) {
    const struct view *v = &saved->views[i];
    if (!v->dormant && !v->copy_on_write)
      space_executable_runs(saved->g, v->va, v->va + v->size, engine_remove_code);
  }
}

/* The state derives from the snapshot: tables have grown, none has moved. */
static bool restore_changes(struct saved_engine *saved)
{
  engine *g = saved->g;
  for (uint32_t table = 1; table < g->tables_used; table++) {
    if (g->leaves[table].va == 0)
      continue;
    if (!(table < saved->tables_used ? restore_table(saved, table) : wipe_table(saved, table)))
      return false;
  }
  if (g->tables_used > saved->tables_used) {
    cut_tables(saved);
    restore_directories(saved);
  }
  return true;
}

/* Any other state: everything goes, then everything comes. Table numbers may stand for other addresses. */
static bool restore_all(struct saved_engine *saved)
{
  engine *g = saved->g;
  for (uint32_t table = 1; table < g->tables_used; table++) {
    struct leaf_info *info = &g->leaves[table];
    if (info->va == 0)
      continue;
    for (unsigned w = 0; w < WORDS; w++)
      info->touched[w] |= info->modified[w];
    if (!wipe_table(saved, table))
      return false;
  }
  cut_tables(saved);
  memcpy(g->tables, saved->tables, (size_t)saved->tables_used * EMU_PAGE_SIZE);
  memcpy(g->leaves, saved->leaves, (size_t)saved->tables_used * sizeof *g->leaves);
  g->tables_used = saved->tables_used;
  memset(g->cache, 0, sizeof g->cache);
  for (uint32_t table = 1; table < saved->tables_used; table++) {
    const struct leaf_info *info = &g->leaves[table];
    for (unsigned w = 0; info->va != 0 && w < WORDS; w++) {
      if (!reload_pages(saved, table, w, info->va - 1 + (uint64_t)w * 64 * EMU_PAGE_SIZE, info->modified[w]))
        return false;
    }
  }
  return true;
}

static struct saved_engine *find_saved(const emu_snapshot *s, const engine *g)
{
  for (unsigned i = 0; i < s->count; i++) {
    if (s->engines[i].g == g)
      return &s->engines[i];
  }
  return NULL;
}

/* A page of which the kernel has no address yet is zero, but for those that emu fills once and for all. */
static void restore_kernel(const emu_snapshot *s)
{
  emu *e = s->e;
  const uint8_t *from = s->kernel;
  for (size_t w = 0; w < kernel_words(e); w++) {
    for (uint64_t pages = e->kernel_pages[w] | s->kernel_pages[w]; pages != 0; pages &= pages - 1) {
      unsigned bit = (unsigned)__builtin_ctzll(pages);
      uint8_t *to = e->kernel + (w * 64 + bit) * EMU_PAGE_SIZE;
      if ((s->kernel_pages[w] >> bit & 1) != 0) {
        memcpy(to, from, EMU_PAGE_SIZE);
        from += EMU_PAGE_SIZE;
      } else if (to != e->kernel + (EMU_GDT_ADDRESS - EMU_KERNEL_BASE) &&
                 to != e->kernel + (EMU_STUBS_ADDRESS - EMU_KERNEL_BASE)) {
        memset(to, 0, EMU_PAGE_SIZE);
      }
    }
    e->kernel_pages[w] = s->kernel_pages[w];
  }
}

bool emu_snapshot_restore(emu_snapshot *s)
{
  emu *e = s->e;
  bool changes_only = e->base == s, complete = true;
  for (LIST_ENTRY *l = e->in_use.Flink, *next; l != &e->in_use; l = next) {
    engine *g = CONTAINING_RECORD(l, engine, link);
    next = l->Flink;
    if (find_saved(s, g) == NULL)
      engine_return(g);
  }
  for (unsigned i = 0; i < s->count && complete; i++) {
    struct saved_engine *saved = &s->engines[i];
    engine *g = saved->g;
    /* In the order of the snapshot: which engine the next space gets must not depend on what was run. */
    RemoveEntryList(&g->link);
    e->in_use_count += g->parked ? 1 : 0;
    g->parked = false;
    InsertTailList(&e->in_use, &g->link);
    complete = restore_views(saved);
    if (complete)
      drop_shared_code(saved);
    complete = complete && (changes_only ? restore_changes(saved) : restore_all(saved));
    engine_flush_tlb(g);
    g->held = 0;
  }
  restore_kernel(s);
  e->spaces = s->spaces;
  e->base = complete ? s : NULL;
  return complete;
}

/* ---- drop ---- */

static void free_engine(struct saved_engine *saved)
{
  for (uint32_t table = 0; saved->pages != NULL && table < saved->tables_used; table++) {
    struct saved_pages *pages = saved->pages[table];
    for (unsigned i = 0; pages != NULL && i < ENTRIES; i++) {
      if (pages->page[i] != zero_page)
        free(pages->page[i]);
    }
    free(pages);
  }
  free(saved->pages);
  free(saved->tables);
  free(saved->leaves);
  free(saved->views);
}

void emu_snapshot_drop(emu_snapshot *s)
{
  if (s == NULL)
    return;
  for (unsigned i = 0; i < s->count; i++) {
    engine *g = s->engines[i].g;
    free_engine(&s->engines[i]);
    if (--g->kept == 0 && g->parked) {
      g->parked = false;
      RemoveEntryList(&g->link);
      InsertTailList(&s->e->in_use, &g->link);
      s->e->in_use_count++;
      engine_return(g);
    }
  }
  if (s->e->base == s)
    s->e->base = NULL;
  free(s->engines);
  free(s->kernel_pages);
  free(s->kernel);
  free(s);
}

size_t emu_snapshot_size(const emu_snapshot *s) { return s->size; }
