/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Views: file memory mapped over an arena, and the translations of image pages that outlive their space (DESIGN 8). */
#include "emu/internal.h"

#include "base/host.h"

#include <stdlib.h>

/* More dormant views than this are not worth a search through them. */
#define MAX_DORMANT 128

struct view *view_at(engine *g, uint64_t va)
{
  for (unsigned i = 0; i < g->view_count; i++) {
    if (va - g->views[i].va < g->views[i].size)
      return &g->views[i];
  }
  return NULL;
}

static void drop_view(engine *g, struct view *v) { *v = g->views[--g->view_count]; }

void view_forget(engine *g, struct view *v)
{
  engine_remove_code(g, v->va, v->size);
  drop_view(g, v);
}

static bool page_written(engine *g, uint64_t va)
{
  uint32_t table = tables_find(g, va);
  return table != 0 &&
         ((table_host(g, table)[SLOT(va)] & PTE_DIRTY) != 0 || test_bit(g->leaves[table].modified, SLOT(va)));
}

/* The pages of a run that were written no longer have the file's bytes, so their translations go. */
static void remove_written(engine *g, uint64_t va, uint64_t size)
{
  uint64_t start = va, end = va + size;
  for (uint64_t at = va; at <= end; at += EMU_PAGE_SIZE) {
    if (at == end || !page_written(g, at)) {
      engine_remove_code(g, start, at - start);
      start = at + EMU_PAGE_SIZE;
    }
  }
}

static void clear_page_bits(engine *g, uint64_t va, uint64_t end)
{
  for (; (va = tables_next(g, va, end)) < end; va += EMU_PAGE_SIZE) {
    struct leaf_info *info = &g->leaves[tables_find(g, va)];
    clear_bit(info->executable, SLOT(va));
    clear_bit(info->modified, SLOT(va));
  }
}

/* Ends a view. True if it is still in the list, dormant. */
static bool retire(engine *g, struct view *v)
{
  bool keep = g->uc != NULL && v->image_id != 0;
  space_executable_runs(g, v->va, v->va + v->size, keep ? remove_written : engine_remove_code);
  clear_page_bits(g, v->va, v->va + v->size);
  host_map_zero(engine_host(g, v->va), v->size);
  if (keep)
    v->dormant = true;
  else
    drop_view(g, v);
  return keep;
}

void views_retire_all(engine *g)
{
  for (unsigned i = 0; i < g->view_count;) {
    if (g->views[i].dormant || retire(g, &g->views[i]))
      i++;
  }
  while (g->view_count > MAX_DORMANT)
    view_forget(g, &g->views[0]);
}

void views_drop_dormant(engine *g)
{
  for (unsigned i = 0; i < g->view_count;) {
    if (g->views[i].dormant)
      drop_view(g, &g->views[i]);
    else
      i++;
  }
}

/* True if `v` is the view that the arguments describe, left from earlier. */
static bool same_image(const struct view *v, uint64_t va, uint64_t size, uint64_t offset, uint64_t image_id)
{
  return v->dormant && image_id != 0 && v->va == va && v->size == size && v->offset == offset &&
         v->image_id == image_id;
}

static bool make_room(engine *g)
{
  if (g->view_count < g->view_room)
    return true;
  unsigned room = g->view_room == 0 ? 32 : g->view_room * 2;
  struct view *grown = realloc(g->views, room * sizeof *grown);
  if (grown == NULL)
    return false;
  g->views = grown;
  g->view_room = room;
  return true;
}

bool space_map_view(address_space *s, uint64_t va, uint64_t size, int fd, uint64_t offset, bool copy_on_write,
                    uint64_t image_id)
{
  engine *g = s->engine;
  struct host_stat file;
  uint8_t *host = space_host(s, va, size);
  if (host == NULL || size == 0 || ((va | size) & (EMU_VIEW_GRANULARITY - 1)) != 0 ||
      (offset & (EMU_PAGE_SIZE - 1)) != 0)
    return false;
  /* A page past the end of the file would be a SIGBUS. */
  if (!host_stat_fd(fd, &file) || offset + size < offset || offset + size > PAGE_UP(file.size))
    return false;
  bool reused = false;
  for (unsigned i = 0; i < g->view_count;) {
    struct view *v = &g->views[i];
    if (va + size <= v->va || v->va + v->size <= va) {
      i++;
    } else if (!v->dormant) {
      return false;
    } else if (copy_on_write && same_image(v, va, size, offset, image_id)) {
      reused = true;
      drop_view(g, v);
    } else {
      view_forget(g, v);
    }
  }
  if (!reused)
    space_code_changed(s, va, size);
  if (!make_room(g) || !host_map_fd(host, size, fd, offset, copy_on_write)) {
    if (reused)
      engine_remove_code(g, va, size);
    return false;
  }
  clear_page_bits(g, va, va + size);
  /* Kept translations must be found by space_code_changed even before a PTE makes their page executable. */
  for (uint64_t at = va; reused && at < va + size; at += EMU_PAGE_SIZE) {
    uint32_t table = tables_make(g, at);
    if (table != 0)
      set_bit(g->leaves[table].executable, SLOT(at));
    else
      engine_remove_code(g, at, EMU_PAGE_SIZE);
  }
  g->views[g->view_count++] = (struct view){.va = va,
                                            .size = size,
                                            .offset = offset,
                                            .serial = ++s->owner->next_view_serial,
                                            .fd = fd,
                                            .image_id = copy_on_write ? image_id : 0,
                                            .copy_on_write = copy_on_write};
  return true;
}

void space_unmap_view(address_space *s, uint64_t va, uint64_t size)
{
  engine *g = s->engine;
  struct view *v = view_at(g, va);
  if (v != NULL && !s->closing && !v->dormant && v->va == va && v->size == size)
    retire(g, v);
}
