/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address spaces: entries and their visibility, code changes, views, and engines that are reused (DESIGN 8). */
#include "base/host.h"
#include "guest.h"

#define VIEW 0x200000000ull
#define VIEW_SIZE 0x20000u

static struct guest g;

static void setup(void) { guest_open(&g); }
static void teardown(void) { guest_close(&g); }

/* Calls the code at `va` in `s`; the value of RAX at its int3. */
static uint64_t call(address_space *s, uint64_t va)
{
  g.cpu->rip = va;
  g.cpu->rflags = EFLAGS_IF | 2;
  g.cpu->gpr[CPU_RAX] = 0;
  cpu_run(s, g.cpu, FOREVER, &g.trap);
  ck_assert_msg(g.trap.kind == CPU_TRAP_EXCEPTION && g.trap.vector == 3, "kind %d vector %d rip %llx %s", g.trap.kind,
                g.trap.vector, (unsigned long long)g.cpu->rip, cpu_failure(g.cpu));
  return g.cpu->gpr[CPU_RAX];
}

/* mov eax, value; int3 */
static void put_value(address_space *s, uint64_t va, uint32_t value)
{
  uint8_t code[6] = {0xB8, 0, 0, 0, 0, 0xCC};
  memcpy(code + 1, &value, 4);
  guest_put(s, va, code, sizeof code);
}

/* A file whose every page starts with code that returns first + number of the page. */
static int code_file(uint32_t first, bool sealed)
{
  int fd = host_memfd("test", VIEW_SIZE);
  ck_assert_int_ge(fd, 0);
  for (uint32_t i = 0; i < VIEW_SIZE / EMU_PAGE_SIZE; i++) {
    uint32_t value = first + i;
    uint8_t code[6] = {0xB8, 0, 0, 0, 0, 0xCC};
    memcpy(code + 1, &value, 4);
    ck_assert_int_eq(host_pwrite(fd, code, sizeof code, (uint64_t)i * EMU_PAGE_SIZE), sizeof code);
  }
  if (sealed)
    ck_assert(host_memfd_seal(fd));
  return fd;
}

START_TEST(entries_read_back_and_next_finds_them)
{
  ck_assert_uint_eq(space_pte(g.space, ABSENT), 0);
  ck_assert(space_set_pte(g.space, ABSENT, 0x123000 | RW | 0x200));
  ck_assert_uint_eq(space_pte(g.space, ABSENT), 0x123000 | RW | 0x200);
  ck_assert(space_set_pte(g.space, 0x3FFFFF000ull, 0x200)); /* last page of the low arena, not present */
  ck_assert_uint_eq(space_next_pte(g.space, WRITABLE_CODE + 0x1000, CODE), CODE);
  ck_assert_uint_eq(space_next_pte(g.space, CODE + 0x1000, 1ull << 47), 0x3FFFFF000ull);
  ck_assert_uint_eq(space_next_pte(g.space, 0x400000000ull, 1ull << 47), 1ull << 47);
  ck_assert_uint_eq(space_next_pte(g.space, 0, DATA), DATA);
  ck_assert_uint_eq(space_next_pte(g.space, 0, DATA + 1), DATA);
  ck_assert(space_set_pte(g.space, ABSENT, 0));
  ck_assert_uint_eq(space_pte(g.space, ABSENT), 0);
}
END_TEST

START_TEST(addresses_outside_the_arenas_are_refused)
{
  static const uint64_t bad[] = {EMU_PAGE_TABLES_BASE, 0x800000000000ull,     EMU_KERNEL_BASE,
                                 0x400000000ull,       0x8000000000000000ull, 0xFFFFFFFFFFFFF000ull};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    ck_assert(!space_set_pte(g.space, bad[i], RW));
    ck_assert(space_set_pte(g.space, bad[i], 0));
    ck_assert_uint_eq(space_pte(g.space, bad[i]), 0);
    ck_assert_ptr_null(space_host(g.space, bad[i], 1));
    ck_assert_ptr_null(space_arena(g.space, bad[i]));
  }
  ck_assert_ptr_nonnull(space_host(g.space, 0x1FFFFFFFFull, 1));
  ck_assert_ptr_null(space_host(g.space, 0x3FFFFFFFFull, 2));
  ck_assert_ptr_null(space_host(g.space, 0x1000, SIZE_MAX));
}
END_TEST

START_TEST(kernel_arena_is_one_buffer)
{
  uint8_t *kernel = emu_kernel_host(g.emu, EMU_KERNEL_FIRST_FREE, 16);
  ck_assert_ptr_nonnull(kernel);
  ck_assert_ptr_null(emu_kernel_host(g.emu, EMU_KERNEL_BASE + emu_kernel_size(g.emu), 1));
  ck_assert_ptr_null(emu_kernel_host(g.emu, EMU_KERNEL_BASE + emu_kernel_size(g.emu) - 4, 5));
  ck_assert_ptr_null(emu_kernel_host(g.emu, 0, 1));
  ck_assert_uint_eq(emu_kernel_size(g.emu), 64u << 20);
}
END_TEST

START_TEST(tightening_is_seen_by_the_next_instruction)
{
  g.cpu->gpr[CPU_RBX] = DATA;
  RUN(&g, "\x88\x03\xCC");
  ck_int3(&g, 2);
  guest_pages(g.space, DATA, 1, RO);
  RUN(&g, "\x88\x03\xCC");
  ck_page_fault(&g, 7, DATA, 0);
  ck_assert(space_set_pte(g.space, DATA, 0));
  RUN(&g, "\x8A\x03\xCC");
  ck_page_fault(&g, 4, DATA, 0);
  guest_pages(g.space, DATA, 1, RW);
  RUN(&g, "\x88\x03\xCC");
  ck_int3(&g, 2);
  guest_pages(g.space, CODE, 1, RO);
  g.cpu->rip = CODE;
  guest_continue(&g);
  ck_page_fault(&g, 0x15, CODE, 0);
}
END_TEST

START_TEST(a_cleared_dirty_bit_is_set_again)
{
  g.cpu->gpr[CPU_RBX] = DATA;
  RUN(&g, "\x88\x03\xCC");
  ck_assert_uint_ne(space_pte(g.space, DATA) & PTE_DIRTY, 0);
  guest_pages(g.space, DATA, 1, RW);
  ck_assert_uint_eq(space_pte(g.space, DATA) & PTE_DIRTY, 0);
  RUN(&g, "\x88\x03\xCC");
  ck_assert_uint_ne(space_pte(g.space, DATA) & PTE_DIRTY, 0);
}
END_TEST

START_TEST(self_modifying_code_is_exact)
{
  /* mov byte [rip + 1], 7 patches the immediate of the next instruction; mov al, 0; int3 */
  static const char code[] = "\xC6\x05\x01\x00\x00\x00\x07\xB0\x00\xCC";
  for (unsigned i = 0; i < 3; i++) {
    guest_put(g.space, WRITABLE_CODE, code, sizeof code - 1);
    ck_assert_uint_eq(call(g.space, WRITABLE_CODE), 7);
  }
}
END_TEST

START_TEST(host_write_to_code_is_seen)
{
  put_value(g.space, CODE, 1);
  ck_assert_uint_eq(call(g.space, CODE), 1);
  put_value(g.space, CODE, 2);
  ck_assert_uint_eq(call(g.space, CODE), 2);
}
END_TEST

START_TEST(host_write_is_seen_whatever_the_page_is_at_that_moment)
{
  static const uint64_t state[] = {RO, RW, 0, 0x200, RX & ~PTE_USER};
  for (unsigned i = 0; i < sizeof state / sizeof state[0]; i++) {
    put_value(g.space, CODE, 100 + i);
    ck_assert_uint_eq(call(g.space, CODE), 100 + i);
    ck_assert(space_set_pte(g.space, CODE, state[i]));
    put_value(g.space, CODE, 200 + i);
    ck_assert(space_set_pte(g.space, CODE, RX));
    ck_assert_uint_eq(call(g.space, CODE), 200 + i);
  }
}
END_TEST

START_TEST(code_change_over_many_pages_with_holes)
{
  for (unsigned i = 0; i < 1200; i += 3) {
    guest_pages(g.space, CODE + i * 0x1000ull, 1, RX);
    put_value(g.space, CODE + i * 0x1000ull, i);
    ck_assert_uint_eq(call(g.space, CODE + i * 0x1000ull), i);
  }
  for (unsigned i = 0; i < 1200; i += 3) {
    uint32_t value = i + 7;
    memcpy((uint8_t *)space_host(g.space, CODE + i * 0x1000ull, 6) + 1, &value, 4);
  }
  ck_assert(space_set_pte(g.space, CODE, 0));
  space_code_changed(g.space, CODE, 1200 * 0x1000ull);
  ck_assert(space_set_pte(g.space, CODE, RX));
  for (unsigned i = 0; i < 1200; i += 3)
    ck_assert_uint_eq(call(g.space, CODE + i * 0x1000ull), i + 7);
}
END_TEST

START_TEST(discarded_pages_are_zero)
{
  put_value(g.space, WRITABLE_CODE, 3);
  ck_assert_uint_eq(call(g.space, WRITABLE_CODE), 3);
  space_discard(g.space, WRITABLE_CODE, 0x1000);
  ck_assert_uint_eq(guest_u64(g.space, WRITABLE_CODE), 0);
  g.cpu->rip = WRITABLE_CODE;
  g.cpu->gpr[CPU_RAX] = ABSENT;
  guest_continue(&g);
  ck_page_fault(&g, 6, ABSENT, WRITABLE_CODE - CODE); /* add [rax], al */
}
END_TEST

START_TEST(copy_on_write_views_of_a_sealed_file)
{
  int fd = code_file(1000, true);
  address_space *other = space_create(g.emu);
  ck_assert_ptr_nonnull(other);
  guest_layout(other);
  ck_assert(space_map_view(g.space, VIEW, VIEW_SIZE, fd, 0, true, 77));
  ck_assert(space_map_view(other, VIEW, VIEW_SIZE, fd, 0, true, 77));
  guest_pages(g.space, VIEW, VIEW_SIZE / 0x1000, RWX);
  guest_pages(other, VIEW, VIEW_SIZE / 0x1000, RWX);
  ck_assert_uint_eq(call(g.space, VIEW + 0x3000), 1003);
  ck_assert_uint_eq(call(other, VIEW + 0x3000), 1003);
  /* The guest of the first space patches its copy. */
  g.cpu->gpr[CPU_RBX] = VIEW + 0x3001;
  RUN(&g, "\xC7\x03\x05\x00\x00\x00\xCC"); /* mov dword [rbx], 5 */
  ck_int3(&g, 6);
  ck_assert_uint_eq(call(g.space, VIEW + 0x3000), 5);
  ck_assert_uint_eq(call(other, VIEW + 0x3000), 1003);
  /* The host patches the other one. */
  put_value(other, VIEW + 0x3000, 6);
  ck_assert_uint_eq(call(g.space, VIEW + 0x3000), 5);
  ck_assert_uint_eq(call(other, VIEW + 0x3000), 6);
  /* Zero pages afterwards, and the file is as it was. */
  space_unmap_view(g.space, VIEW, VIEW_SIZE);
  ck_assert_uint_eq(guest_u64(g.space, VIEW + 0x3000), 0);
  ck_assert(space_map_view(g.space, VIEW, VIEW_SIZE, fd, 0, true, 77));
  ck_assert_uint_eq(call(g.space, VIEW + 0x3000), 1003);
  space_destroy(other);
  host_close(fd);
}
END_TEST

START_TEST(shared_view_is_one_memory)
{
  int fd = code_file(0, false);
  address_space *other = space_create(g.emu);
  guest_layout(other);
  ck_assert(space_map_view(g.space, VIEW, VIEW_SIZE, fd, 0, false, 0));
  ck_assert(space_map_view(other, VIEW + 0x100000, VIEW_SIZE - 0x10000, fd, 0x10000, false, 0));
  guest_pages(g.space, VIEW, VIEW_SIZE / 0x1000, RW);
  guest_pages(other, VIEW + 0x100000, 16, RW);
  g.cpu->gpr[CPU_RBX] = VIEW + 0x10008;
  g.cpu->gpr[CPU_RAX] = 0x123456789ull;
  RUN(&g, "\x48\x89\x03\xCC");
  ck_assert_uint_eq(guest_u64(other, VIEW + 0x100008), 0x123456789ull);
  guest_put(other, CODE, "\x48\x8B\x03\xCC", 4);
  g.cpu->gpr[CPU_RBX] = VIEW + 0x100008;
  ck_assert_uint_eq(call(other, CODE), 0x123456789ull);
  space_destroy(other);
  host_close(fd);
}
END_TEST

START_TEST(views_are_checked)
{
  int fd = code_file(0, false);
  ck_assert(!space_map_view(g.space, VIEW + 0x1000, VIEW_SIZE, fd, 0, true, 1));
  ck_assert(!space_map_view(g.space, VIEW, VIEW_SIZE + 0x1000, fd, 0, true, 1));
  ck_assert(!space_map_view(g.space, VIEW, VIEW_SIZE * 2, fd, 0, true, 1)); /* past the end of the file */
  ck_assert(!space_map_view(g.space, VIEW, VIEW_SIZE, fd, 0xFFFFFFFFFFFF0000ull, true, 1));
  ck_assert(!space_map_view(g.space, EMU_PAGE_TABLES_BASE, VIEW_SIZE, fd, 0, true, 1));
  ck_assert(!space_map_view(g.space, VIEW, 0, fd, 0, true, 1));
  ck_assert(!space_map_view(g.space, VIEW, VIEW_SIZE, -1, 0, true, 1));
  ck_assert(space_map_view(g.space, VIEW, VIEW_SIZE, fd, 0, true, 1));
  ck_assert(!space_map_view(g.space, VIEW + 0x10000, VIEW_SIZE, fd, 0, true, 2)); /* overlaps */
  host_close(fd);
}
END_TEST

START_TEST(discard_in_a_private_view_gives_zeros_not_the_file)
{
  int fd = code_file(50, true);
  ck_assert(space_map_view(g.space, VIEW, VIEW_SIZE, fd, 0, true, 5));
  space_discard(g.space, VIEW + 0x1000, 0x1000);
  ck_assert_uint_eq(guest_u64(g.space, VIEW + 0x1000), 0);
  ck_assert_uint_ne(guest_u64(g.space, VIEW), 0);
  host_close(fd);
}
END_TEST

START_TEST(a_space_without_user_code_has_no_engine)
{
  unsigned in_use, idle;
  emu_engine_counts(g.emu, &in_use, &idle);
  ck_assert_uint_eq(in_use, 0);
  ck_assert_uint_eq(idle, 0);
  put_value(g.space, CODE, 1);
  call(g.space, CODE);
  emu_engine_counts(g.emu, &in_use, &idle);
  ck_assert_uint_eq(in_use, 1);
}
END_TEST

START_TEST(engines_are_reused_and_empty)
{
  unsigned in_use, idle;
  for (unsigned i = 0; i < 50; i++) {
    address_space *s = space_create(g.emu);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(space_next_pte(s, 0, 1ull << 47), 1ull << 47);
    ck_assert_uint_eq(guest_u64(s, DATA), 0);
    ck_assert_uint_eq(guest_u64(s, CODE), 0);
    guest_layout(s);
    put_value(s, CODE, i);
    guest_put(s, DATA, "leftover", 8);
    ck_assert_uint_eq(call(s, CODE), i);
    space_destroy(s);
    emu_engine_counts(g.emu, &in_use, &idle);
    ck_assert_uint_eq(in_use, 0);
    ck_assert_uint_eq(idle, 1);
  }
}
END_TEST

START_TEST(several_spaces_at_once)
{
  enum { N = 12 };
  address_space *s[N];
  unsigned in_use, idle;
  for (unsigned i = 0; i < N; i++) {
    s[i] = space_create(g.emu);
    guest_layout(s[i]);
    put_value(s[i], CODE, i);
  }
  for (unsigned round = 0; round < 3; round++) {
    for (unsigned i = 0; i < N; i++)
      ck_assert_uint_eq(call(s[i], CODE), i);
  }
  emu_engine_counts(g.emu, &in_use, &idle);
  ck_assert_uint_eq(in_use, N);
  for (unsigned i = 0; i < N; i++)
    space_destroy(s[i]);
  emu_engine_counts(g.emu, &in_use, &idle);
  ck_assert_uint_eq(in_use, 0);
  ck_assert_uint_eq(idle, 8);
}
END_TEST

static void count_block(void *context, uint64_t va, uint32_t size)
{
  (void)va;
  (void)size;
  ++*(unsigned *)context;
}

/* New blocks that a call of `va` translates in a fresh space with the image mapped. */
static void image_space(int fd, uint64_t id, address_space **out)
{
  *out = space_create(g.emu);
  guest_layout(*out);
  ck_assert(space_map_view(*out, VIEW, VIEW_SIZE, fd, 0, true, id));
  guest_pages(*out, VIEW, VIEW_SIZE / 0x1000, RWX);
}

START_TEST(an_image_keeps_its_translations_but_never_stale_ones)
{
  int fd = code_file(1000, true), other = code_file(2000, true);
  address_space *s;
  image_space(fd, 7, &s);
  ck_assert_uint_eq(call(s, VIEW), 1000);
  ck_assert_uint_eq(call(s, VIEW + 0x1000), 1001);
  ck_assert_uint_eq(call(s, VIEW + 0x2000), 1002);
  /* Page 1 is patched by the guest, page 2 by the host. */
  g.cpu->gpr[CPU_RBX] = VIEW + 0x1001;
  guest_put(s, CODE, "\xC7\x03\x05\x00\x00\x00\xCC", 7);
  call(s, CODE);
  ck_assert_uint_eq(call(s, VIEW + 0x1000), 5);
  put_value(s, VIEW + 0x2000, 6);
  ck_assert_uint_eq(call(s, VIEW + 0x2000), 6);
  space_destroy(s);
  /* The same image again: the file's bytes everywhere. */
  image_space(fd, 7, &s);
  for (unsigned i = 0; i < 4; i++)
    ck_assert_uint_eq(call(s, VIEW + i * 0x1000), 1000 + i);
  /* A change of a page whose translation was kept, before any entry makes it executable. */
  space_destroy(s);
  s = space_create(g.emu);
  ck_assert(space_map_view(s, VIEW, VIEW_SIZE, fd, 0, true, 7));
  put_value(s, VIEW + 0x3000, 9);
  guest_pages(s, VIEW, VIEW_SIZE / 0x1000, RX);
  ck_assert_uint_eq(call(s, VIEW + 0x3000), 9);
  ck_assert_uint_eq(call(s, VIEW), 1000);
  /* The guest's own writes to pages whose translation is older than the space. */
  space_destroy(s);
  image_space(fd, 7, &s);
  guest_layout(s);
  g.cpu->gpr[CPU_RBX] = VIEW + 1;
  guest_put(s, CODE, "\xC7\x03\x08\x00\x00\x00\xCC", 7);
  call(s, CODE);
  ck_assert_uint_eq(call(s, VIEW), 8);
  space_destroy(s);
  /* Another image at the same place. */
  image_space(other, 8, &s);
  for (unsigned i = 0; i < 4; i++)
    ck_assert_uint_eq(call(s, VIEW + i * 0x1000), 2000 + i);
  space_destroy(s);
  /* No image there at all, but plain memory. */
  s = space_create(g.emu);
  guest_layout(s);
  guest_pages(s, VIEW + 0x1000, 1, RWX);
  put_value(s, VIEW + 0x1000, 4);
  ck_assert_uint_eq(call(s, VIEW + 0x1000), 4);
  space_destroy(s);
  host_close(fd);
  host_close(other);
}
END_TEST

START_TEST(translations_outlive_a_space_under_the_image_identity)
{
  int fd = code_file(1000, true), other = code_file(2000, true);
  address_space *s;
  image_space(fd, 7, &s);
  ck_assert_uint_eq(call(s, VIEW), 1000);
  space_destroy(s);
  /* Only a false identity can show it: the bytes are another file's, the translation is the old one. */
  image_space(other, 7, &s);
  ck_assert_uint_eq(call(s, VIEW), 1000);
  space_destroy(s);
  host_close(fd);
  host_close(other);
}
END_TEST

START_TEST(unmap_and_map_again_in_one_space)
{
  int fd = code_file(1000, true), other = code_file(3000, true);
  for (unsigned i = 0; i < 6; i++) {
    bool second = i % 3 == 2;
    ck_assert(space_map_view(g.space, VIEW, VIEW_SIZE, second ? other : fd, 0, true, second ? 2 : 1));
    guest_pages(g.space, VIEW, VIEW_SIZE / 0x1000, RWX);
    ck_assert_uint_eq(call(g.space, VIEW + 0x1000), second ? 3001 : 1001);
    put_value(g.space, VIEW + 0x1000, i);
    ck_assert_uint_eq(call(g.space, VIEW + 0x1000), i);
    for (unsigned k = 0; k < VIEW_SIZE / 0x1000; k++)
      ck_assert(space_set_pte(g.space, VIEW + k * 0x1000ull, 0));
    space_unmap_view(g.space, VIEW, VIEW_SIZE);
    ck_assert_uint_eq(guest_u64(g.space, VIEW), 0);
  }
  host_close(fd);
  host_close(other);
}
END_TEST

START_TEST(coverage_reports_each_new_block_once)
{
  unsigned blocks = 0;
  put_value(g.space, CODE, 1);
  call(g.space, CODE);
  space_set_block_callback(g.space, count_block, &blocks);
  call(g.space, CODE);
  ck_assert_uint_eq(blocks, 1);
  call(g.space, CODE);
  ck_assert_uint_eq(blocks, 1);
  guest_put(g.space, CODE, "\x90\xEB\x00\xCC", 4);
  call(g.space, CODE);
  ck_assert_uint_eq(blocks, 3);
  space_set_block_callback(g.space, NULL, NULL);
  put_value(g.space, CODE, 1);
  call(g.space, CODE);
  ck_assert_uint_eq(blocks, 3);
}
END_TEST

START_TEST(bad_arenas_are_refused)
{
  struct emu_config config = {.pool = g.pool, .arena_count = 1};
  char message[100];
  emu *e;
  static const struct emu_arena bad[] = {{0x1000, 0x200000},
                                         {0, 0x1000},
                                         {0, 0},
                                         {EMU_PAGE_TABLES_BASE - 0x200000, 0x400000},
                                         {0x7FFFFFE00000ull, 0x400000},
                                         {EMU_KERNEL_BASE, 0x200000}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    config.arenas[0] = bad[i];
    ck_assert_uint_ne(emu_create(&config, &e, message, sizeof message), EMU_OK);
    ck_assert_uint_ne(strlen(message), 0);
  }
}
END_TEST

int main(void)
{
  Suite *s = suite_create("emu space");
  TCase *t = tcase_create("space");
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_set_timeout(t, 60);
  tcase_add_test(t, entries_read_back_and_next_finds_them);
  tcase_add_test(t, addresses_outside_the_arenas_are_refused);
  tcase_add_test(t, kernel_arena_is_one_buffer);
  tcase_add_test(t, tightening_is_seen_by_the_next_instruction);
  tcase_add_test(t, a_cleared_dirty_bit_is_set_again);
  tcase_add_test(t, self_modifying_code_is_exact);
  tcase_add_test(t, host_write_to_code_is_seen);
  tcase_add_test(t, host_write_is_seen_whatever_the_page_is_at_that_moment);
  tcase_add_test(t, code_change_over_many_pages_with_holes);
  tcase_add_test(t, discarded_pages_are_zero);
  tcase_add_test(t, copy_on_write_views_of_a_sealed_file);
  tcase_add_test(t, shared_view_is_one_memory);
  tcase_add_test(t, views_are_checked);
  tcase_add_test(t, discard_in_a_private_view_gives_zeros_not_the_file);
  tcase_add_test(t, a_space_without_user_code_has_no_engine);
  tcase_add_test(t, engines_are_reused_and_empty);
  tcase_add_test(t, several_spaces_at_once);
  tcase_add_test(t, an_image_keeps_its_translations_but_never_stale_ones);
  tcase_add_test(t, translations_outlive_a_space_under_the_image_identity);
  tcase_add_test(t, unmap_and_map_again_in_one_space);
  tcase_add_test(t, coverage_reports_each_new_block_once);
  tcase_add_test(t, bad_arenas_are_refused);
  suite_add_tcase(s, t);
  return run_suite(s);
}
