/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections of files whose pages are read at their first touch. */
#include "fixture.h"

#include "base/host.h"
#include "ntos/io/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_PAGES 5u
#define GUEST_PATH "\\??\\C:\\data\\data.bin"
/** The file ends in the middle of its last page. */
#define FILE_BYTES ((FILE_PAGES - 1) * PAGE + 0x800)

static char folder[64], host_path[96];
static int host;
static FILE_OBJECT *file;

/* Each page of the file is full of its number from 1 on, counted from `first`. */
static void write_file(UCHAR first)
{
  UCHAR bytes[PAGE];
  for (unsigned i = 0; i < FILE_PAGES; i++) {
    memset(bytes, first + (int)i, sizeof bytes);
    size_t size = i + 1 < FILE_PAGES ? PAGE : FILE_BYTES - i * PAGE;
    ck_assert_int_eq(host_pwrite(host, bytes, size, i * PAGE), (ssize_t)size);
  }
}

static void setup(void)
{
  machine_setup();
  strcpy(folder, "/tmp/dbgksim-mm-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(folder));
  snprintf(host_path, sizeof host_path, "%s/data.bin", folder);
  host = host_open(host_path, true, true, false);
  ck_assert_int_ge(host, 0);
  write_file(1);
  const struct io_root root = {.host = folder, .guest = "C:\\data", .writable = true};
  const struct io_config io = {
      .roots = &root, .root_count = 1, .file_written = mm_file_written, .file_can_be_cut = MmCanFileBeTruncated};
  ck_assert(IoInitSystem(&io));
  ck_status(IoCreateFile(GUEST_PATH, FILE_READ_DATA | FILE_WRITE_DATA, FILE_OPEN, 0, &file, NULL), STATUS_SUCCESS);
}

static void teardown(void)
{
  ObDereferenceObject(file);
  enter(process);
  empty_process(process);
  IoShutdownSystem();
  machine_teardown();
  host_close(host);
  ck_assert(host_remove(host_path));
  ck_assert(host_remove(folder));
}

static SECTION *file_section(ULONG64 size, ULONG protect)
{
  SECTION *section;
  struct mm_file_source source = {.file_object = file, .path = file->path};
  ck_status(io_section_size(file, &source.size), STATUS_SUCCESS);
  ck_status(MmCreateSection(&section, &source, size, protect, SEC_COMMIT), STATUS_SUCCESS);
  return section;
}

static ULONG64 map_file(ULONG protect)
{
  SECTION *section = file_section(0, protect);
  ULONG64 base = map(section, process, protect);
  ObDereferenceObject(section);
  return base;
}

static UCHAR byte_at(ULONG64 va)
{
  UCHAR value = 0xEE;
  ck_status(mm_user_read(&value, va, 1), STATUS_SUCCESS);
  return value;
}

START_TEST(a_page_is_read_when_it_is_touched)
{
  ULONG64 base = map_file(PAGE_READONLY);
  for (unsigned i = 0; i < FILE_PAGES; i++)
    ck_assert_uint_eq(pte_of(process, base + i * PAGE) & PTE_PRESENT, 0);
  ck_assert_uint_eq(byte_at(base + PAGE), 2);
  ck_assert_uint_ne(pte_of(process, base + PAGE) & PTE_PRESENT, 0);
  write_file(101);
  ck_assert_uint_eq(byte_at(base + PAGE), 2);
  ck_assert_uint_eq(byte_at(base + 2 * PAGE), 103);
  ck_assert_uint_eq(pte_of(process, base) & PTE_PRESENT, 0);
  ck_region(base, MEM_COMMIT, PAGE_READONLY, FILE_PAGES * PAGE);
}
END_TEST

START_TEST(the_last_page_is_zero_behind_the_end_of_the_file)
{
  ULONG64 last = map_file(PAGE_READONLY) + FILE_BYTES;
  ck_assert_uint_eq(byte_at(last - 1), FILE_PAGES);
  ck_assert_uint_eq(byte_at(last), 0);
}
END_TEST

START_TEST(a_page_behind_the_present_end_is_an_in_page_error_until_the_file_has_grown)
{
  static UCHAR bytes[4 * PAGE];
  size_t done;
  ULONG64 base = map_file(PAGE_READONLY), gone = base + 3 * PAGE + 0x123;
  ck_assert(host_truncate(host, 2 * PAGE + 1));
  ck_status(MmAccessFault(process, gone, MM_READ), STATUS_END_OF_FILE);
  ck_assert(mm_fault_is_in_page_error(STATUS_END_OF_FILE));
  ck_status(mm_user_read(bytes, gone, 1), STATUS_IN_PAGE_ERROR);
  ck_status(mm_user_read(bytes, base, sizeof bytes), STATUS_IN_PAGE_ERROR);
  ck_status(mm_process_read(process, base, bytes, sizeof bytes, &done), STATUS_PARTIAL_COPY);
  ck_assert_uint_eq(done, 3 * PAGE);
  ck_assert_uint_eq(bytes[2 * PAGE], 3);
  ck_assert_uint_eq(bytes[2 * PAGE + 1], 0);
  ck_region(base, MEM_COMMIT, PAGE_READONLY, FILE_PAGES * PAGE);
  ck_status(MmAccessFault(process, gone, MM_WRITE), STATUS_ACCESS_VIOLATION);
  write_file(1);
  ck_assert_uint_eq(byte_at(gone), 4);
  ck_assert(host_truncate(host, 0));
  ck_assert_uint_eq(byte_at(gone), 4);
}
END_TEST

START_TEST(a_file_that_can_not_be_read_is_an_in_page_error_with_its_status)
{
  ULONG64 base = map_file(PAGE_READONLY);
  int write_only = open(host_path, O_WRONLY);
  ck_assert_int_eq(dup2(write_only, file->fd), file->fd);
  host_close(write_only);
  ck_status(MmAccessFault(process, base, MM_READ), STATUS_IO_DEVICE_ERROR);
  UCHAR byte;
  ck_status(mm_user_read(&byte, base, 1), STATUS_IN_PAGE_ERROR);
}
END_TEST

START_TEST(protections_of_a_page_that_was_not_read_count_first)
{
  UCHAR byte;
  ULONG64 base = map_file(PAGE_READONLY);
  ck_assert(host_truncate(host, PAGE));
  ck_status(try_protect(base, 2 * PAGE, PAGE_NOACCESS, NULL), STATUS_SUCCESS);
  ck_status(mm_user_read(&byte, base + PAGE, 1), STATUS_ACCESS_VIOLATION);
  ck_status(try_protect(base, 2 * PAGE, PAGE_READONLY | PAGE_GUARD, NULL), STATUS_SUCCESS);
  ck_status(mm_user_read(&byte, base + PAGE, 1), STATUS_GUARD_PAGE_VIOLATION);
  ck_status(mm_user_read(&byte, base + PAGE, 1), STATUS_IN_PAGE_ERROR);
  ck_status(mm_user_read(&byte, base, 1), STATUS_GUARD_PAGE_VIOLATION);
  ck_assert_uint_eq(byte_at(base), 1);
}
END_TEST

START_TEST(what_one_view_has_read_is_there_for_all)
{
  SECTION *section = file_section(0, PAGE_WRITECOPY);
  ULONG64 a = map(section, process, PAGE_READONLY), b = map(section, process, PAGE_WRITECOPY);
  ck_assert_uint_eq(byte_at(a + PAGE), 2);
  ck_assert(host_truncate(host, 0));
  ck_assert_uint_eq(byte_at(b + PAGE), 2);
  ck_status(mm_user_write(b + PAGE + 1, "x", 1), STATUS_SUCCESS);
  ck_assert_uint_eq(byte_at(b + PAGE), 2);
  ck_assert_uint_eq(byte_at(a + PAGE + 1), 2);
  ck_status(mm_user_write(b, "x", 1), STATUS_IN_PAGE_ERROR);
  ck_region(b, MEM_COMMIT, PAGE_WRITECOPY, PAGE);
  ObDereferenceObject(section);
}
END_TEST

START_TEST(a_first_touch_may_be_a_store)
{
  ULONG64 copy = map_file(PAGE_WRITECOPY);
  ck_status(mm_user_write(copy + 0x10, "x", 1), STATUS_SUCCESS);
  ck_assert_uint_eq(byte_at(copy), 1);
  ck_assert_uint_eq(byte_at(copy + 0x10), 'x');
  ck_assert_uint_eq(byte_at(copy + PAGE), 2);
  SECTION *section = file_section(FILE_PAGES * PAGE + 1, PAGE_READWRITE);
  ULONG64 shared = map(section, process, PAGE_READWRITE);
  ck_status(mm_user_write(shared + 0x10, "y", 1), STATUS_SUCCESS);
  ck_assert_uint_eq(byte_at(shared), 1);
  ck_assert_uint_eq(byte_at(shared + 0x10), 'y');
  /* Behind what the file had when the section was made there is nothing to be read. */
  ck_assert(host_truncate(host, 0));
  ck_assert_uint_eq(byte_at(shared + FILE_PAGES * PAGE), 0);
  ObDereferenceObject(section);
}
END_TEST

START_TEST(a_breakpoint_in_a_page_that_was_not_read_leaves_the_rest_of_it)
{
  UCHAR bytes[3];
  ULONG64 base = map_file(PAGE_EXECUTE_WRITECOPY);
  ck_status(try_protect(base, PAGE, PAGE_EXECUTE_READ, NULL), STATUS_SUCCESS);
  ck_status(mm_process_write(process, base + 1, "\xCC", 1, NULL), STATUS_SUCCESS);
  ck_status(mm_process_read(process, base, bytes, sizeof bytes, NULL), STATUS_SUCCESS);
  ck_assert_mem_eq(bytes, "\x01\xCC\x01", 3);
  ck_status(try_protect(base + PAGE, PAGE, PAGE_EXECUTE_READ, NULL), STATUS_SUCCESS);
  ck_assert(host_truncate(host, PAGE));
  ck_status(mm_process_write(process, base + PAGE, "\xCC", 1, NULL), STATUS_PARTIAL_COPY);
}
END_TEST

START_TEST(a_view_may_begin_in_the_middle_of_a_file)
{
  ck_assert(host_truncate(host, 20 * PAGE));
  ck_assert_int_eq(host_pwrite(host, "end", 3, 19 * PAGE), 3);
  SECTION *section = file_section(0, PAGE_READONLY);
  ULONG64 base = 0, size = 0;
  LONG64 offset = 16 * PAGE;
  ck_status(MmMapViewOfSection(section, process, &base, 0, 0, &offset, &size, 0, PAGE_READONLY), STATUS_SUCCESS);
  ck_assert_uint_eq(size, 4 * PAGE);
  ck_assert_uint_eq(byte_at(base + 3 * PAGE), 'e');
  ck_assert(host_truncate(host, 18 * PAGE));
  ck_assert_uint_eq(byte_at(base + PAGE), 0);
  UCHAR byte;
  ck_status(mm_user_read(&byte, base + 2 * PAGE, 1), STATUS_IN_PAGE_ERROR);
  ObDereferenceObject(section);
}
END_TEST

/* As NtWriteFile. */
static void write_from_inside(ULONG64 offset, UCHAR value, ULONG size)
{
  static UCHAR bytes[4 * PAGE];
  LONG64 at = (LONG64)offset;
  ULONG done;
  memset(bytes, value, size);
  ck_status(io_write(file, bytes, size, &at, &done), STATUS_SUCCESS);
  ck_assert_uint_eq(done, size);
}

START_TEST(what_programs_write_to_a_file_shows_in_its_views)
{
  SECTION *section = file_section(0, PAGE_READWRITE);
  ULONG64 base = map(section, process, PAGE_READWRITE), own = map(section, process, PAGE_WRITECOPY);
  ck_assert_uint_eq(byte_at(base + PAGE), 2);
  ck_status(mm_user_write(own + PAGE, "x", 1), STATUS_SUCCESS);
  write_from_inside(PAGE - 1, 77, PAGE + 2);
  ck_assert_uint_eq(byte_at(base + PAGE - 2), 1);
  for (unsigned i = 0; i < PAGE + 2; i++)
    ck_assert_uint_eq(byte_at(base + PAGE - 1 + i), 77);
  ck_assert_uint_eq(byte_at(base + 2 * PAGE + 1), 3);
  ck_assert_uint_eq(byte_at(own + PAGE - 1), 77);
  ck_assert_uint_eq(byte_at(own + PAGE), 'x');
  write_from_inside(FILE_BYTES, 88, 4 * PAGE);
  ck_assert_uint_eq(byte_at(base + FILE_PAGES * PAGE - 1), 88);
  ObDereferenceObject(section);
}
END_TEST

START_TEST(a_program_can_not_cut_a_file_that_is_mapped)
{
  FILE_OBJECT *emptied;
  SECTION *section = file_section(0, PAGE_READONLY);
  ULONG64 base = map(section, process, PAGE_READONLY);
  ObDereferenceObject(section);
  ck_status(io_set_size(file, FILE_BYTES - 1), STATUS_USER_MAPPED_FILE);
  ck_status(io_set_size(file, FILE_BYTES), STATUS_SUCCESS);
  ck_status(IoCreateFile(GUEST_PATH, FILE_WRITE_DATA, FILE_OVERWRITE, 0, &emptied, NULL), STATUS_USER_MAPPED_FILE);
  ck_assert_uint_eq(byte_at(base), 1);
  ck_status(MmUnmapViewOfSection(process, base, NULL), STATUS_SUCCESS);
  ck_status(io_set_size(file, FILE_BYTES - 1), STATUS_SUCCESS);
  section = file_section(PAGE, PAGE_READONLY);
  ck_status(io_set_size(file, PAGE), STATUS_SUCCESS);
  ck_status(io_set_size(file, PAGE - 1), STATUS_USER_MAPPED_FILE);
  ObDereferenceObject(section);
  ck_status(IoCreateFile(GUEST_PATH, FILE_WRITE_DATA, FILE_OVERWRITE, 0, &emptied, NULL), STATUS_SUCCESS);
  ObDereferenceObject(emptied);
}
END_TEST

START_TEST(a_snapshot_reads_what_was_not_read)
{
  ULONG64 base = map_file(PAGE_READONLY);
  struct mm_snapshot *snapshot = mm_snapshot_take();
  ck_assert_ptr_nonnull(snapshot);
  ck_assert(host_truncate(host, 0));
  ck_assert_uint_eq(byte_at(base + 2 * PAGE), 3);
  write_from_inside(2 * PAGE, 77, PAGE);
  ck_assert_uint_eq(byte_at(base + 2 * PAGE), 77);
  ck_assert(mm_snapshot_restore(snapshot));
  ck_assert_uint_eq(byte_at(base + 2 * PAGE), 3);
  mm_snapshot_drop(snapshot);
}
END_TEST

START_TEST(code_in_a_mapped_file_runs_as_it_was_written)
{
  struct cpu_trap trap;
  cpu *c = cpu_create(machine_emu);
  ULONG64 base = map_file(PAGE_EXECUTE_READ);
  write_from_inside(PAGE, 0x90, 2 * PAGE);
  write_from_inside(PAGE, 0xCC, 1);
  for (unsigned i = 0; i < 2; i++) {
    c->rip = base + PAGE;
    do {
      cpu_run(process->Pcb.space, c, 1000, &trap);
      ck_assert_int_eq(trap.kind, CPU_TRAP_EXCEPTION);
    } while (trap.vector == 14 && MmAccessFault(process, trap.fault_address, MM_EXECUTE) == STATUS_SUCCESS);
    ck_assert_uint_eq(trap.vector, 3);
    ck_assert_uint_eq(c->rip, base + PAGE + 1 + i);
    write_from_inside(PAGE, 0x90, 1);
    write_from_inside(PAGE + 1, 0xCC, 1);
  }
  cpu_destroy(machine_emu, c);
}
END_TEST

TCase *paging_tests(void)
{
  TCase *t = tcase_create("paging");
  tcase_set_timeout(t, 60);
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_add_test(t, a_page_is_read_when_it_is_touched);
  tcase_add_test(t, the_last_page_is_zero_behind_the_end_of_the_file);
  tcase_add_test(t, a_page_behind_the_present_end_is_an_in_page_error_until_the_file_has_grown);
  tcase_add_test(t, a_file_that_can_not_be_read_is_an_in_page_error_with_its_status);
  tcase_add_test(t, protections_of_a_page_that_was_not_read_count_first);
  tcase_add_test(t, what_one_view_has_read_is_there_for_all);
  tcase_add_test(t, a_first_touch_may_be_a_store);
  tcase_add_test(t, a_breakpoint_in_a_page_that_was_not_read_leaves_the_rest_of_it);
  tcase_add_test(t, a_view_may_begin_in_the_middle_of_a_file);
  tcase_add_test(t, what_programs_write_to_a_file_shows_in_its_views);
  tcase_add_test(t, a_program_can_not_cut_a_file_that_is_mapped);
  tcase_add_test(t, a_snapshot_reads_what_was_not_read);
  tcase_add_test(t, code_in_a_mapped_file_runs_as_it_was_written);
  return t;
}
