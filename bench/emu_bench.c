/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Speed of cpu_run beside the engine library alone, with the same mappings on the same code in the same process:
 * guest code, and the round trip of an int3 on two fibers. Prints lines of a name and figures for report.py; each
 * figure is the best of several turns taken alternately. */
#include "base/fiber.h"
#include "base/host.h"
#include "emu/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CODE 0x140000000ull
#define DATA 0x20000ull
#define STACK_TOP 0x60000ull
#define TURNS 7
#define ROUND_TRIPS 300000u
#define RWX (PTE_PRESENT | PTE_USER | PTE_WRITE)

struct job {
  uint32_t state[8], k[64];
  uint8_t block[64];
  uint64_t rounds;
};

struct bench {
  pool *pool;
  emu *emu;
  address_space *space;
  engine *engine; /* of the space: its memory is what the bare engines map too */
  cpu *cpu[2];
  uc_engine *bare, *bare_block;
  uint8_t blob[2][BLOB_MAX];
};

/* Nanoseconds of processor time: other work on the host does not show. */
static uint64_t now(void) { return (uint64_t)clock() * (1000000000u / CLOCKS_PER_SEC); }

static _Noreturn void die(const char *what)
{
  fprintf(stderr, "emu_bench: %s\n", what);
  exit(2);
}

static void on_interrupt(uc_engine *uc, uint32_t number, void *context)
{
  (void)number;
  (void)context;
  uc_emu_stop(uc);
}

static void on_block(uc_engine *uc, uint64_t va, uint32_t size, void *context)
{
  (void)uc;
  (void)va;
  (void)size;
  (void)context;
}

/* The library with our mappings and nothing but a hook that stops it at the int3. */
static uc_engine *open_bare(struct bench *b, bool block_hook)
{
  uc_engine *uc;
  uc_hook hook;
  const emu *e = b->emu;
  struct emu_arena region[EMU_MAX_ARENAS + 3];
  unsigned n = 0;
  if (uc_open(UC_ARCH_X86, UC_MODE_64, &uc) != UC_ERR_OK)
    die("the engine cannot be opened");
  for (unsigned i = 0; i < e->config.arena_count; i++) {
    const struct emu_arena *a = &e->config.arenas[i];
    if (a->base > EMU_PAGE_TABLES_BASE && n != 0 && region[n - 1].base < EMU_PAGE_TABLES_BASE) {
      region[n++] = (struct emu_arena){EMU_PAGE_TABLES_BASE, e->tables_size};
      region[n++] = (struct emu_arena){EMU_KERNEL_TABLES_BASE, EMU_KERNEL_TABLES_SIZE};
    }
    region[n++] = *a;
    uc_mem_map_ptr(uc, a->base, a->size, UC_PROT_ALL, b->engine->arena[i]);
  }
  region[n++] = (struct emu_arena){EMU_KERNEL_BASE, e->config.kernel_arena_size};
  uc_mem_map_ptr(uc, EMU_PAGE_TABLES_BASE, e->tables_size, UC_PROT_ALL, b->engine->tables);
  uc_mem_map_ptr(uc, EMU_KERNEL_TABLES_BASE, EMU_KERNEL_TABLES_SIZE, UC_PROT_ALL, e->kernel_tables);
  uc_mem_map_ptr(uc, EMU_KERNEL_BASE, e->config.kernel_arena_size, UC_PROT_ALL, e->kernel);
  if (engine_map_gaps(uc, region, n) != UC_ERR_OK)
    die("the engine cannot map the arenas");
  uc_hook_add(uc, &hook, UC_HOOK_INTR, (void *)(uintptr_t)on_interrupt, NULL, 1, 0);
  if (block_hook)
    uc_hook_add(uc, &hook, UC_HOOK_BLOCK, (void *)(uintptr_t)on_block, NULL, 1, 0);
  return uc;
}

static void open_bench(struct bench *b)
{
  char message[200];
  b->pool = pool_create(64u << 20);
  const struct emu_config config = {.pool = b->pool};
  if (b->pool == NULL || emu_create(&config, &b->emu, message, sizeof message) != EMU_OK)
    die("the processor cannot be created");
  b->space = space_create(b->emu);
  if (b->space == NULL)
    die("no space");
  b->engine = b->space->engine;
  for (uint64_t va = DATA; va < STACK_TOP; va += EMU_PAGE_SIZE)
    space_set_pte(b->space, va, RWX | PTE_NO_EXECUTE);
  for (unsigned i = 0; i < 4; i++)
    space_set_pte(b->space, CODE + i * (uint64_t)EMU_PAGE_SIZE, RWX);
  for (unsigned i = 0; i < 2; i++)
    b->cpu[i] = cpu_create(b->emu);
  b->bare = open_bare(b, false);
  b->bare_block = open_bare(b, true);
}

/* ---- guest speed ---- */

struct program {
  const char *name;
  const uint8_t *code;
  size_t size;
  uint64_t count; /* in RCX, or rounds of the job */
  bool job;
};

static void prepare_job(struct bench *b, uint64_t rounds)
{
  struct job *j = space_host(b->space, DATA, sizeof *j);
  memset(j, 0, sizeof *j);
  for (unsigned i = 0; i < 64; i++)
    j->k[i] = 0x9E3779B9u * (i + 1);
  j->rounds = rounds;
}

static double run_ours(struct bench *b, const struct program *p)
{
  cpu *c = b->cpu[0];
  struct cpu_trap trap;
  prepare_job(b, p->count);
  c->rip = CODE;
  c->gpr[CPU_RCX] = p->job ? DATA : p->count;
  c->gpr[CPU_RBX] = DATA;
  c->gpr[CPU_RSP] = STACK_TOP - 0x1008;
  uint64_t start = now();
  cpu_run(b->space, c, UINT64_MAX - 1, &trap);
  uint64_t end = now();
  if (trap.kind != CPU_TRAP_EXCEPTION || trap.vector != 3)
    die("a guest program failed");
  return (double)(end - start);
}

static double run_bare(struct bench *b, uc_engine *uc, const struct program *p)
{
  uint64_t rcx = p->job ? DATA : p->count, rbx = DATA, rsp = STACK_TOP - 0x1008, rip = 0;
  prepare_job(b, p->count);
  uc_context_restore(uc, as_context(b->emu->calibration->user64));
  uc_reg_write(uc, UC_X86_REG_RCX, &rcx);
  uc_reg_write(uc, UC_X86_REG_RBX, &rbx);
  uc_reg_write(uc, UC_X86_REG_RSP, &rsp);
  uint64_t start = now();
  uc_emu_start(uc, CODE, 0, 0, 0);
  uint64_t end = now();
  uc_reg_read(uc, UC_X86_REG_RIP, &rip);
  if (rip <= CODE || rip > CODE + p->size)
    die("a guest program failed in the bare engine");
  return (double)(end - start);
}

static double least(double a, double b) { return a == 0 || b < a ? b : a; }

static void guest_speed(struct bench *b, const struct program *p)
{
  double ours = 0, bare = 0, block = 0;
  memcpy(space_host(b->space, CODE, p->size), p->code, p->size);
  space_code_changed(b->space, CODE, p->size);
  uc_ctl_remove_cache(b->bare, CODE, CODE + 0x4000);
  uc_ctl_remove_cache(b->bare_block, CODE, CODE + 0x4000);
  for (unsigned i = 0; i < TURNS; i++) {
    ours = least(ours, run_ours(b, p));
    bare = least(bare, run_bare(b, b->bare, p));
    block = least(block, run_bare(b, b->bare_block, p));
  }
  printf("guest %.1f %.1f %.1f %s\n", ours / 1e6, bare / 1e6, block / 1e6, p->name);
}

/* ---- round trips ---- */

struct side {
  fiber fiber;
  struct bench *bench;
  unsigned number;
  bool ours;
};

static fiber home;
static struct side sides[2];
static unsigned turns_left;

static void round_trips(void *argument)
{
  struct side *me = argument;
  struct bench *b = me->bench;
  for (;;) {
    if (me->ours) {
      struct cpu_trap trap;
      cpu_run(b->space, b->cpu[me->number], 1000, &trap);
    } else {
      uint64_t rip = CODE;
      uc_context_restore(b->bare_block, as_context(b->blob[me->number]));
      uc_reg_read(b->bare_block, UC_X86_REG_RIP, &rip);
      uc_emu_start(b->bare_block, rip, 0, 0, 0);
      uc_context_save(b->bare_block, as_context(b->blob[me->number]));
    }
    if (turns_left-- == 0)
      fiber_switch(&me->fiber, &home);
    fiber_switch(&me->fiber, &sides[1 - me->number].fiber);
  }
}

static double time_round_trips(struct bench *b, fiber_stacks *stacks, bool ours)
{
  fiber_adopt(&home);
  void *stack[2];
  for (unsigned i = 0; i < 2; i++) {
    sides[i] = (struct side){.bench = b, .number = i, .ours = ours};
    stack[i] = fiber_stack_take(stacks);
    fiber_init(&sides[i].fiber, stack[i], round_trips, &sides[i]);
    b->cpu[i]->rip = CODE;
    memcpy(b->blob[i], b->emu->calibration->user64, b->emu->calibration->at.size);
    blob_set64(b->blob[i], b->emu->calibration->at.rip, CODE);
  }
  turns_left = ROUND_TRIPS;
  uint64_t start = now();
  fiber_switch(&home, &sides[0].fiber);
  uint64_t end = now();
  for (unsigned i = 0; i < 2; i++)
    fiber_stack_return(stacks, stack[i]);
  return (double)(end - start) / ROUND_TRIPS;
}

static void round_trip_speed(struct bench *b)
{
  static const uint8_t code[] = {0xCC, 0xEB, 0xFD}; /* l: int3; jmp l */
  fiber_stacks *stacks = fiber_stacks_create(2);
  double ours = 0, bare = 0;
  if (stacks == NULL)
    die("no stacks");
  memcpy(space_host(b->space, CODE, sizeof code), code, sizeof code);
  space_code_changed(b->space, CODE, sizeof code);
  uc_ctl_remove_cache(b->bare_block, CODE, CODE + 0x1000);
  for (unsigned i = 0; i < TURNS; i++) {
    ours = least(ours, time_round_trips(b, stacks, true));
    bare = least(bare, time_round_trips(b, stacks, false));
  }
  printf("stop %.1f %.1f\n", ours, bare);
  fiber_stacks_destroy(stacks);
}

static void all_guest_speeds(struct bench *b, const char *sha256_path)
{
  static const uint8_t integer_loop[] = {
      0x48, 0x8D, 0x44, 0x49, 0x07,       /* l: lea rax, [rcx + rcx * 2 + 7] */
      0x48, 0x31, 0xC2, 0x48, 0x01, 0xCA, /* xor rdx, rax; add rdx, rcx */
      0x48, 0xC1, 0xC2, 0x05,             /* rol rdx, 5 */
      0x48, 0xFF, 0xC9, 0x75, 0xEC, 0xCC, /* dec rcx; jnz l; int3 */
  };
  static const uint8_t memory_loop[] = {
      0x89, 0xC8, 0x25, 0xFF, 0x1F, 0x00, 0x00, /* l: mov eax, ecx; and eax, 1FFF */
      0x48, 0x8B, 0x14, 0x03,                   /* mov rdx, [rbx + rax] */
      0x48, 0x89, 0x54, 0x03, 0x08,             /* mov [rbx + rax + 8], rdx */
      0x48, 0x01, 0x0C, 0x03,                   /* add [rbx + rax], rcx */
      0x48, 0xFF, 0xC9, 0x75, 0xE7, 0xCC,       /* dec rcx; jnz l; int3 */
  };
  static const uint8_t calls[] = {
      0xE8, 0x06, 0x00, 0x00, 0x00, /* l: call f */
      0x48, 0xFF, 0xC9, 0x75, 0xF6, /* dec rcx; jnz l */
      0xCC, 0x48, 0x01, 0xC8, 0xC3, /* int3; f: add rax, rcx; ret */
  };
  size_t size = 0;
  uint8_t *sha256 = host_read_file(sha256_path, 0x4000, &size);
  if (sha256 == NULL)
    die("the guest program is missing");
  const struct program programs[] = {{"integer loop", integer_loop, sizeof integer_loop, 40000000, false},
                                     {"memory loop", memory_loop, sizeof memory_loop, 3000000, false},
                                     {"calls", calls, sizeof calls, 4000000, false},
                                     {"C: SHA-256", sha256, size, 30000, true}};
  for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
    guest_speed(b, &programs[i]);
  free(sha256);
}

/* emu_bench guest SHA256-CODE | emu_bench stops */
int main(int argc, char **argv)
{
  static struct bench b;
  open_bench(&b);
  if (argc == 3 && strcmp(argv[1], "guest") == 0)
    all_guest_speeds(&b, argv[2]);
  else if (argc == 2 && strcmp(argv[1], "stops") == 0)
    round_trip_speed(&b);
  else
    die("use: emu_bench guest SHA256-CODE, or emu_bench stops");
  uc_close(b.bare);
  uc_close(b.bare_block);
  for (unsigned i = 0; i < 2; i++)
    cpu_destroy(b.emu, b.cpu[i]);
  space_destroy(b.space);
  emu_destroy(b.emu);
  pool_destroy(b.pool);
  return 0;
}
