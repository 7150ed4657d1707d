/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processor as a whole: its kernel arena and the engines, which are emptied and reused, not closed. */
#include "emu/internal.h"

#include "base/host.h"

#include <stdio.h>
#include <stdlib.h>

#define GB (1ull << 30)
#define ROUND_2MB 0x1FFFFFull
#define DEFAULT_IDLE 8

/* DESIGN 8: images, stacks and heaps; what Go programs ask for; system DLLs. */
static const struct emu_arena default_arenas[] = {
    {0, 16 * GB},
    {0xC000000000ull, 8 * GB},
    {0x7FFE00000000ull, 4 * GB},
};

static bool config_valid(const struct emu_config *config)
{
  uint64_t last = 0;
  if (config->pool == NULL || config->arena_count > EMU_MAX_ARENAS)
    return false;
  for (unsigned i = 0; i < config->arena_count; i++) {
    const struct emu_arena *a = &config->arenas[i];
    if (((a->base | a->size) & ROUND_2MB) != 0 || a->size == 0 || a->base < last || a->base >> 47 != 0 ||
        a->base + a->size > 1ull << 47)
      return false;
    last = a->base + a->size;
    if (a->base < EMU_PAGE_TABLES_BASE + EMU_PAGE_TABLES_SIZE && last > EMU_PAGE_TABLES_BASE)
      return false;
  }
  return config->kernel_arena_size <= GB;
}

/* The tables of the kernel arena, made once: the PDPT is at EMU_KERNEL_TABLES_BASE. */
static void build_kernel_tables(emu *e)
{
  uint64_t *pdpt = (uint64_t *)(void *)e->kernel_tables, *directory = pdpt + 512, *leaf = directory + 512;
  pdpt[0] = (EMU_KERNEL_TABLES_BASE + EMU_PAGE_SIZE) | PTE_PRESENT | PTE_WRITE;
  for (uint64_t i = 0; i < e->config.kernel_arena_size >> EMU_PAGE_SHIFT; i++) {
    bool code = i == (EMU_STUBS_ADDRESS - EMU_KERNEL_BASE) >> EMU_PAGE_SHIFT;
    if ((i & 511) == 0)
      directory[i >> 9] = (EMU_KERNEL_TABLES_BASE + (2 + (i >> 9)) * EMU_PAGE_SIZE) | PTE_PRESENT | PTE_WRITE;
    leaf[i] = (i << EMU_PAGE_SHIFT) | PTE_PRESENT | PTE_WRITE | (code ? 0 : PTE_NO_EXECUTE);
  }
}

static enum emu_status fail(enum emu_status status, const char *text, char *message, size_t size)
{
  if (message != NULL && size != 0)
    snprintf(message, size, "%s", text);
  return status;
}

enum emu_status emu_create(const struct emu_config *config, emu **out, char *message, size_t message_size)
{
  const struct calibration *calibration = calibration_get();
  *out = NULL;
  if (calibration->status != EMU_OK)
    return fail(calibration->status, calibration->message, message, message_size);
  if (!config_valid(config))
    return fail(EMU_NO_MEMORY, "the arenas of the processor are not valid", message, message_size);
  host_guard_install();
  emu *e = calloc(1, sizeof *e);
  if (e == NULL)
    return fail(EMU_NO_MEMORY, "no memory for the processor", message, message_size);
  e->config = *config;
  e->calibration = calibration;
  if (e->config.arena_count == 0) {
    e->config.arena_count = sizeof default_arenas / sizeof default_arenas[0];
    memcpy(e->config.arenas, default_arenas, sizeof default_arenas);
  }
  if (e->config.kernel_arena_size == 0)
    e->config.kernel_arena_size = 64ull << 20;
  e->config.kernel_arena_size = (e->config.kernel_arena_size + ROUND_2MB) & ~ROUND_2MB;
  if (e->config.idle_engines == 0)
    e->config.idle_engines = DEFAULT_IDLE;
  /* Full leaf coverage, directories, and slack for the upper levels. */
  for (unsigned i = 0; i < e->config.arena_count; i++)
    e->tables_size += (e->config.arenas[i].size >> 9) + (e->config.arenas[i].size >> 18) + 0x10000;
  e->tables_size = (e->tables_size + ROUND_2MB) & ~(size_t)ROUND_2MB;
  InitializeListHead(&e->in_use);
  InitializeListHead(&e->idle);
  InitializeListHead(&e->parked);
  e->kernel = host_reserve(e->config.kernel_arena_size);
  e->kernel_tables = host_reserve(EMU_KERNEL_TABLES_SIZE);
  e->kernel_pages = calloc(e->config.kernel_arena_size >> EMU_PAGE_SHIFT, sizeof(uint64_t) / 8);
  if (e->kernel == NULL || e->kernel_tables == NULL || e->kernel_pages == NULL || e->tables_size > EMU_PAGE_TABLES_SIZE - EMU_KERNEL_TABLES_SIZE) {
    emu_destroy(e);
    return fail(EMU_NO_MEMORY, "no address space for the processor", message, message_size);
  }
  kernel_area_init(e->kernel);
  build_kernel_tables(e);
  *out = e;
  return EMU_OK;
}

void emu_destroy(emu *e)
{
  if (e == NULL)
    return;
  while (!IsListEmpty(&e->idle))
    engine_destroy(CONTAINING_RECORD(RemoveHeadList(&e->idle), engine, link));
  while (!IsListEmpty(&e->in_use))
    engine_destroy(CONTAINING_RECORD(RemoveHeadList(&e->in_use), engine, link));
  while (!IsListEmpty(&e->parked))
    engine_destroy(CONTAINING_RECORD(RemoveHeadList(&e->parked), engine, link));
  if (e->kernel != NULL)
    host_release(e->kernel, e->config.kernel_arena_size);
  if (e->kernel_tables != NULL)
    host_release(e->kernel_tables, EMU_KERNEL_TABLES_SIZE);
  free(e->kernel_pages);
  free(e);
}

const char *emu_engine_version(void) { return calibration_get()->version; }

void *emu_kernel_host(emu *e, uint64_t va, size_t size)
{
  uint64_t at = va - EMU_KERNEL_BASE;
  if (at >= e->config.kernel_arena_size || size > e->config.kernel_arena_size - at)
    return NULL;
  for (uint64_t page = at >> EMU_PAGE_SHIFT; size != 0 && page <= (at + size - 1) >> EMU_PAGE_SHIFT; page++)
    set_bit(e->kernel_pages, (unsigned)page);
  return e->kernel + at;
}

uint64_t emu_kernel_size(const emu *e) { return e->config.kernel_arena_size; }

void emu_engine_counts(const emu *e, unsigned *in_use, unsigned *idle)
{
  *in_use = *idle = 0;
  for (const LIST_ENTRY *l = e->in_use.Flink; l != &e->in_use; l = l->Flink)
    *in_use += CONTAINING_RECORD(l, engine, link)->uc != NULL;
  for (const LIST_ENTRY *l = e->idle.Flink; l != &e->idle; l = l->Flink)
    *idle += CONTAINING_RECORD(l, engine, link)->uc != NULL;
}

/* ---- engines ---- */

static engine *engine_create(emu *e)
{
  engine *g = calloc(1, sizeof *g);
  if (g == NULL)
    return NULL;
  g->owner = e;
  g->tables_limit = (uint32_t)(e->tables_size >> EMU_PAGE_SHIFT);
  g->tables_used = 1;
  g->tables = host_reserve(e->tables_size);
  g->leaves = host_reserve(g->tables_limit * sizeof *g->leaves);
  bool complete = g->tables != NULL && g->leaves != NULL;
  for (unsigned i = 0; i < e->config.arena_count; i++) {
    g->arena[i] = host_reserve(e->config.arenas[i].size);
    complete = complete && g->arena[i] != NULL;
  }
  if (!complete) {
    engine_destroy(g);
    return NULL;
  }
  tables_reset(g);
  return g;
}

void engine_destroy(engine *g)
{
  const emu *e = g->owner;
  engine_close(g);
  for (unsigned i = 0; i < e->config.arena_count; i++) {
    if (g->arena[i] != NULL)
      host_release(g->arena[i], e->config.arenas[i].size);
  }
  if (g->tables != NULL)
    host_release(g->tables, e->tables_size);
  if (g->leaves != NULL)
    host_release(g->leaves, g->tables_limit * sizeof *g->leaves);
  free(g->views);
  scan_forget(g);
  free(g);
}

engine *engine_take(emu *e)
{
  engine *g;
  if (!IsListEmpty(&e->idle)) {
    /* The last one returned: its caches are warm. */
    g = CONTAINING_RECORD(e->idle.Blink, engine, link);
    RemoveEntryList(&g->link);
    e->idle_count--;
  } else {
    g = engine_create(e);
    if (g == NULL)
      return NULL;
  }
  InsertTailList(&e->in_use, &g->link);
  e->in_use_count++;
  return g;
}

void engine_return(engine *g)
{
  emu *e = g->owner;
  RemoveEntryList(&g->link);
  e->in_use_count--;
  if (g->kept != 0) {
    g->parked = true;
    InsertTailList(&e->parked, &g->link);
    return;
  }
  if (e->idle_count >= e->config.idle_engines) {
    engine_destroy(g);
    return;
  }
  g->block_callback = NULL;
  if (g->uc != NULL)
    engine_unplant_all(g);
  views_retire_all(g);
  if (g->check_sse || g->check_x87) {
    engine_remove_all_code(g);
    scan_forget(g);
    g->check_sse = g->check_x87 = false;
  } else {
    space_executable_runs(g, 0, 1ull << 47, engine_remove_code);
  }
  for (unsigned i = 0; i < e->config.arena_count; i++)
    host_discard(g->arena[i], e->config.arenas[i].size);
  tables_reset(g);
  g->held = 0;
  InsertTailList(&e->idle, &g->link);
  e->idle_count++;
}
