/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cost of a fuzzing case: put the state back, run code that writes to eight pages, stop at its int3. Once with a
 * snapshot of a machine and a debugger that waits and continues, once with the engine library alone, whose pages are
 * put back by looking for D bits in their page table, copying, and flushing the translation buffer. Prints a line of a
 * name and figures for report.py; each figure is the best of several turns taken alternately. */
#include "base/host.h"
#include "emu/internal.h"

#include <dbgksim/dbgksim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGES 8u
#define CASES 20000u
#define TURNS 5u
#define CODE 0x140000000ull
#define DATA 0x20000ull
#define RWX (PTE_PRESENT | PTE_USER | PTE_WRITE)
#define ENTRIES 512u

/* Nanoseconds of processor time: other work on the host does not show. */
static uint64_t now(void) { return (uint64_t)clock() * (1000000000u / CLOCKS_PER_SEC); }

static _Noreturn void die(const char *what)
{
  fprintf(stderr, "snapshot_bench: %s\n", what);
  exit(2);
}

static double least(double a, double b) { return a == 0 || b < a ? b : a; }

/* ---- ours ---- */

struct ours {
  dbgksim_machine *machine;
  dbgksim_debugger *debugger;
  dbgksim_snapshot *snapshot;
  struct dbgksim_event event;
};

static void wait_for_int3(struct ours *o, unsigned count)
{
  while (count) {
    if (dbgksim_wait(o->debugger, -1, &o->event) != DBGKSIM_OK)
      die("no event");
    if (o->event.code == DBGKSIM_EXCEPTION && --count == 0)
      return;
    dbgksim_continue(o->debugger, &o->event, DBG_CONTINUE);
  }
}

static void open_ours(struct ours *o, const char *userland, const char *path)
{
  struct dbgksim_config config;
  const struct dbgksim_program program = {.path = path};
  dbgksim_config_init(&config);
  config.userland = userland;
  if (dbgksim_machine_create(&config, &o->machine) != DBGKSIM_OK ||
      dbgksim_debugger_create(o->machine, true, &o->debugger) != DBGKSIM_OK ||
      dbgksim_spawn(o->machine, &program, o->debugger, NULL) != DBGKSIM_OK)
    die("the guest program can not be started");
  /* The loader's breakpoint is the first. */
  wait_for_int3(o, 3);
  if (dbgksim_snapshot_take(o->machine, &o->snapshot) != DBGKSIM_OK)
    die("no snapshot");
}

static double run_ours(struct ours *o)
{
  const struct dbgksim_event stopped = o->event;
  uint64_t start = now();
  for (unsigned i = 0; i < CASES; i++) {
    dbgksim_continue(o->debugger, &stopped, DBG_CONTINUE);
    if (dbgksim_wait(o->debugger, -1, &o->event) != DBGKSIM_OK || o->event.code != DBGKSIM_EXCEPTION)
      die("a case failed");
    dbgksim_snapshot_restore(o->snapshot);
  }
  uint64_t end = now();
  o->event = stopped;
  return (double)(end - start) / CASES;
}

/* ---- the library alone ---- */

struct bare {
  pool *pool;
  emu *emu;
  address_space *space;
  engine *engine; /* of the space: its memory and page tables are what the bare engine maps */
  uc_engine *uc;
  uint64_t *entries; /* page table of the eight pages */
  uint64_t saved_entries[ENTRIES];
  uint8_t saved[PAGES][EMU_PAGE_SIZE];
  uint8_t blob[BLOB_MAX];
};

static void on_interrupt(uc_engine *uc, uint32_t number, void *context)
{
  (void)number, (void)context;
  uc_emu_stop(uc);
}

static void map_memory(struct bare *b)
{
  const emu *e = b->emu;
  struct emu_arena region[EMU_MAX_ARENAS + 3];
  unsigned n = 0;
  for (unsigned i = 0; i < e->config.arena_count; i++) {
    const struct emu_arena *a = &e->config.arenas[i];
    if (a->base > EMU_PAGE_TABLES_BASE && n != 0 && region[n - 1].base < EMU_PAGE_TABLES_BASE) {
      region[n++] = (struct emu_arena){EMU_PAGE_TABLES_BASE, e->tables_size};
      region[n++] = (struct emu_arena){EMU_KERNEL_TABLES_BASE, EMU_KERNEL_TABLES_SIZE};
    }
    region[n++] = *a;
    uc_mem_map_ptr(b->uc, a->base, a->size, UC_PROT_ALL, b->engine->arena[i]);
  }
  region[n++] = (struct emu_arena){EMU_KERNEL_BASE, e->config.kernel_arena_size};
  uc_mem_map_ptr(b->uc, EMU_PAGE_TABLES_BASE, e->tables_size, UC_PROT_ALL, b->engine->tables);
  uc_mem_map_ptr(b->uc, EMU_KERNEL_TABLES_BASE, EMU_KERNEL_TABLES_SIZE, UC_PROT_ALL, e->kernel_tables);
  uc_mem_map_ptr(b->uc, EMU_KERNEL_BASE, e->config.kernel_arena_size, UC_PROT_ALL, e->kernel);
  if (engine_map_gaps(b->uc, region, n) != UC_ERR_OK)
    die("the engine cannot map the arenas");
}

/* Eight stores, each to its own page, then int3. */
static void write_code(struct bare *b)
{
  uint8_t *code = space_host(b->space, CODE, 16 * PAGES);
  for (unsigned i = 0; i < PAGES; i++) {
    const uint32_t address = (uint32_t)(DATA + i * EMU_PAGE_SIZE);
    *code++ = 0x89; /* mov [address], eax */
    *code++ = 0x04;
    *code++ = 0x25;
    memcpy(code, &address, sizeof address);
    code += sizeof address;
  }
  *code = 0xCC;
}

static void open_bare(struct bare *b)
{
  char message[200];
  uc_hook hook;
  b->pool = pool_create(64u << 20);
  const struct emu_config config = {.pool = b->pool};
  if (b->pool == NULL || emu_create(&config, &b->emu, message, sizeof message) != EMU_OK)
    die("the processor cannot be created");
  b->space = space_create(b->emu);
  if (b->space == NULL || uc_open(UC_ARCH_X86, UC_MODE_64, &b->uc) != UC_ERR_OK)
    die("the engine cannot be opened");
  b->engine = b->space->engine;
  for (unsigned i = 0; i < PAGES; i++)
    space_set_pte(b->space, DATA + i * EMU_PAGE_SIZE, RWX | PTE_NO_EXECUTE);
  space_set_pte(b->space, CODE, RWX);
  map_memory(b);
  write_code(b);
  uc_hook_add(b->uc, &hook, UC_HOOK_INTR, (void *)(uintptr_t)on_interrupt, NULL, 1, 0);
  memcpy(b->blob, b->emu->calibration->user64, b->emu->calibration->at.size);
  blob_set64(b->blob, b->emu->calibration->at.rip, CODE);
  b->entries = table_host(b->engine, tables_find(b->engine, DATA));
  for (unsigned i = 0; i < PAGES; i++)
    memcpy(b->saved[i], space_host(b->space, DATA + i * EMU_PAGE_SIZE, EMU_PAGE_SIZE), EMU_PAGE_SIZE);
  memcpy(b->saved_entries, b->entries, sizeof b->saved_entries);
}

static void restore_bare(struct bare *b)
{
  const unsigned first = (DATA >> EMU_PAGE_SHIFT) % ENTRIES;
  uint64_t cr3 = EMU_PAGE_TABLES_BASE;
  unsigned restored = 0;
  for (unsigned i = 0; i < ENTRIES; i++) {
    if ((b->entries[i] & PTE_DIRTY) == 0)
      continue;
    memcpy(space_host(b->space, (uint64_t)i * EMU_PAGE_SIZE, EMU_PAGE_SIZE), b->saved[i - first], EMU_PAGE_SIZE);
    b->entries[i] = b->saved_entries[i];
    restored++;
  }
  if (restored != PAGES)
    die("the bare engine did not write to eight pages");
  uc_context_restore(b->uc, as_context(b->emu->calibration->kernel));
  uc_reg_write(b->uc, UC_X86_REG_RAX, &cr3);
  uc_emu_start(b->uc, EMU_STUB_MOV_CR3, 0, 0, 0);
}

static double run_bare(struct bare *b)
{
  uint64_t start = now();
  for (unsigned i = 0; i < CASES; i++) {
    uc_context_restore(b->uc, as_context(b->blob));
    uc_emu_start(b->uc, CODE, 0, 0, 0);
    restore_bare(b);
  }
  return (double)(now() - start) / CASES;
}

/* snapshot_bench USERLAND GUEST_PAGES */
int main(int argc, char **argv)
{
  static struct ours ours;
  static struct bare bare;
  double our_time = 0, bare_time = 0;
  if (argc != 3)
    die("use: snapshot_bench USERLAND PROGRAM");
  open_ours(&ours, argv[1], argv[2]);
  open_bare(&bare);
  for (unsigned i = 0; i < TURNS; i++) {
    our_time = least(our_time, run_ours(&ours));
    bare_time = least(bare_time, run_bare(&bare));
  }
  printf("case %.1f %.1f\n", our_time, bare_time);
  dbgksim_machine_destroy(ours.machine);
  uc_close(bare.uc);
  space_destroy(bare.space);
  emu_destroy(bare.emu);
  pool_destroy(bare.pool);
  return 0;
}
