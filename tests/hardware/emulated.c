/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a case in src/emu, with the gates of a processor in front of it: spec/1.1 for INT n. */
#include "hardware.h"

#include "emu/emu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDLESS_BLOCKS 200000u

struct emulator {
  pool *pool;
  emu *emu;
  address_space *space;
  cpu *cpu;
  volatile int stop;
};

static bool prepare(struct emulator *e)
{
  for (unsigned i = 0; i < AREA_PAGES; i++) {
    uint64_t pte = PTE_PRESENT | PTE_USER;
    if ((area_pages[i].rights & PAGE_W) != 0)
      pte |= PTE_WRITE;
    if ((area_pages[i].rights & PAGE_X) == 0)
      pte |= PTE_NO_EXECUTE;
    if (!space_set_pte(e->space, area_pages[i].va, pte))
      return false;
  }
  return true;
}

struct emulator *emulator_open(void)
{
  char message[200] = "no memory";
  struct emulator *e = calloc(1, sizeof *e);
  if (e == NULL)
    return NULL;
  e->pool = pool_create(64u << 20);
  const struct emu_config config = {.stop_flag = &e->stop, .pool = e->pool};
  if (e->pool != NULL && emu_create(&config, &e->emu, message, sizeof message) == EMU_OK) {
    e->space = space_create(e->emu);
    e->cpu = cpu_create(e->emu);
    if (e->space != NULL && e->cpu != NULL && prepare(e))
      return e;
  }
  fprintf(stderr, "src/emu: %s\n", message);
  emulator_close(e);
  return NULL;
}

void emulator_close(struct emulator *e)
{
  if (e->cpu != NULL)
    cpu_destroy(e->emu, e->cpu);
  if (e->space != NULL)
    space_destroy(e->space);
  if (e->emu != NULL)
    emu_destroy(e->emu);
  if (e->pool != NULL)
    pool_destroy(e->pool);
  free(e);
}

static void load(struct emulator *e, const struct test_case *c)
{
  cpu *p = e->cpu;
  for (unsigned i = 0; i < AREA_PAGES; i++) {
    memcpy(space_host(e->space, area_pages[i].va, PAGE), c->memory[i], PAGE);
    if ((area_pages[i].rights & PAGE_X) != 0)
      space_code_changed(e->space, area_pages[i].va, PAGE);
  }
  memcpy(p->gpr, c->gpr, sizeof p->gpr);
  p->rip = c->rip;
  p->rflags = c->rflags;
  p->cs = KGDT64_R3_CODE;
  p->ss = p->ds = p->es = KGDT64_R3_DATA;
  p->fs = p->gs = 0; /* as Linux has them */
  p->fs_base = c->fs_base;
  p->gs_base = c->gs_base;
  cpu_set_fx(p, &c->fx);
}

/* What the processor does with a trap of src/emu before a handler sees it; Linux opens the gates 3 and 4. */
static void deliver(const struct test_case *c, const struct cpu_trap *trap, struct outcome *out)
{
  out->vector = trap->vector;
  out->error_code = trap->has_error_code ? trap->error_code : 0;
  out->cr2 = trap->vector == 14 ? trap->fault_address : 0;
  if (trap->software && trap->vector != 3 && trap->vector != 4) {
    out->error_code = trap->vector * 8u + 2;
    out->vector = 13;
    out->rip = c->rip;
    out->rflags |= EFLAGS_RF;
  }
}

void emulator_run(struct emulator *e, const struct test_case *c, struct outcome *out)
{
  const cpu *p = e->cpu;
  struct cpu_trap trap;
  load(e, c);
  cpu_run(e->space, e->cpu, ENDLESS_BLOCKS, &trap);
  memset(out, 0, offsetof(struct outcome, memory));
  memcpy(out->gpr, p->gpr, sizeof out->gpr);
  out->rip = p->rip;
  out->rflags = p->rflags;
  out->cs = p->cs;
  out->ss = p->ss;
  out->ds = p->ds;
  out->es = p->es;
  out->fs = p->fs;
  out->gs = p->gs;
  cpu_get_fx(p, &out->fx);
  for (unsigned i = 0; i < WRITABLE_PAGES; i++)
    memcpy(out->memory[i], space_host(e->space, area_pages[FIRST_WRITABLE + i].va, PAGE), PAGE);
  switch (trap.kind) {
  case CPU_TRAP_EXCEPTION:
    out->kind = OUTCOME_EXCEPTION;
    deliver(c, &trap, out);
    break;
  case CPU_TRAP_SYSCALL:
    out->kind = OUTCOME_SYSCALL;
    break;
  case CPU_TRAP_BUDGET:
    out->kind = OUTCOME_ENDLESS;
    break;
  default:
    out->kind = OUTCOME_FAILED;
    fprintf(stderr, "case %u: src/emu: %s\n", c->number, cpu_failure(p));
    break;
  }
}
