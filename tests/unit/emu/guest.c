/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest.h"

static uint64_t read_tsc(void *context, uint64_t blocks)
{
  struct guest *g = context;
  return g->tsc + blocks;
}

void guest_pages(address_space *s, uint64_t va, unsigned pages, uint64_t rights)
{
  for (unsigned i = 0; i < pages; i++)
    ck_assert(space_set_pte(s, va + i * EMU_PAGE_SIZE, rights));
}

void guest_put(address_space *s, uint64_t va, const void *bytes, size_t size)
{
  void *host = space_host(s, va, size);
  ck_assert_ptr_nonnull(host);
  memcpy(host, bytes, size);
  space_code_changed(s, va, size);
}

uint64_t guest_u64(const address_space *s, uint64_t va)
{
  uint64_t v;
  const void *host = space_host(s, va, sizeof v);
  ck_assert_ptr_nonnull(host);
  memcpy(&v, host, sizeof v);
  return v;
}

void guest_layout(address_space *s)
{
  guest_pages(s, CODE, 1, RX);
  guest_pages(s, DATA, 2, RW);
  guest_pages(s, READ_ONLY, 1, RO);
  guest_pages(s, STACK_TOP - 0x2000, 2, RW);
  guest_pages(s, WRITABLE_CODE, 1, RWX);
}

void guest_open(struct guest *g)
{
  char message[200] = "";
  memset(g, 0, sizeof *g);
  g->pool = pool_create(64u << 20);
  ck_assert_ptr_nonnull(g->pool);
  const struct emu_config config = {
      .read_tsc = read_tsc, .read_tsc_context = g, .stop_flag = &g->stop, .pool = g->pool};
  enum emu_status status = emu_create(&config, &g->emu, message, sizeof message);
  ck_assert_msg(status == EMU_OK, "%s", message);
  g->space = space_create(g->emu);
  ck_assert_ptr_nonnull(g->space);
  g->cpu = cpu_create(g->emu);
  ck_assert_ptr_nonnull(g->cpu);
  guest_layout(g->space);
}

void guest_close(struct guest *g)
{
  struct pool_stats stats;
  cpu_destroy(g->emu, g->cpu);
  space_destroy(g->space);
  emu_destroy(g->emu);
  pool_query(g->pool, &stats);
  ck_assert_uint_eq(stats.blocks_live, 0);
  pool_destroy(g->pool);
}

void guest_continue(struct guest *g) { cpu_run(g->space, g->cpu, FOREVER, &g->trap); }

void guest_run(struct guest *g, const void *code, size_t size)
{
  guest_put(g->space, CODE, code, size);
  g->cpu->rip = CODE;
  g->cpu->rflags = EFLAGS_IF | 2;
  g->cpu->gpr[CPU_RSP] = STACK_TOP - 0x100;
  guest_continue(g);
}

int run_suite(Suite *s)
{
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_NORMAL);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
