/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#include <string.h>

static NTSTATUS make(ULONG64 size, ULONG protect, ULONG attributes)
{
  SECTION *section;
  NTSTATUS status = MmCreateSection(&section, NULL, size, protect, attributes);
  if (NT_SUCCESS(status))
    ObDereferenceObject(section);
  else
    ck_assert_ptr_null(section);
  return status;
}

static NTSTATUS from_file(SECTION **section, const char *text, ULONG64 size, ULONG protect)
{
  struct mm_file_source source = {.path = "\\??\\C:\\a.txt", .identity = 7, .bytes = text, .size = strlen(text)};
  return MmCreateSection(section, &source, size, protect, SEC_COMMIT);
}

START_TEST(sections_are_refused_as_on_windows)
{
  ck_status(make(PAGE, 0, SEC_COMMIT), STATUS_INVALID_PAGE_PROTECTION);
  ck_status(make(PAGE, PAGE_READWRITE | PAGE_GUARD, SEC_COMMIT), STATUS_INVALID_PAGE_PROTECTION);
  ck_status(make(PAGE, PAGE_READWRITE, 0), STATUS_INVALID_PARAMETER_6);
  ck_status(make(PAGE, PAGE_READWRITE, SEC_COMMIT | SEC_RESERVE), STATUS_INVALID_PARAMETER_6);
  ck_status(make(PAGE, PAGE_READONLY, SEC_IMAGE), STATUS_INVALID_FILE_FOR_SECTION);
  ck_status(make(0, PAGE_READWRITE, SEC_COMMIT), STATUS_INVALID_PARAMETER_4);
  ck_status(make(~0ull, PAGE_READWRITE, SEC_COMMIT), STATUS_SECTION_TOO_BIG);
  ck_status(make(2 * LIMIT, PAGE_READWRITE, SEC_COMMIT), STATUS_COMMITMENT_LIMIT);
  ck_status(make(2 * LIMIT, PAGE_READWRITE, SEC_RESERVE), STATUS_SUCCESS);
}
END_TEST

START_TEST(views_of_one_section_share_their_bytes)
{
  EPROCESS *other = new_process();
  SECTION *section = page_file_section(0x12345, PAGE_READWRITE, SEC_COMMIT);
  ck_assert_uint_eq(section->SizeOfSection, 0x13000);
  ULONG64 a = map(section, process, PAGE_READWRITE), b = map(section, other, PAGE_READONLY);
  ck_status(mm_user_write_u32(a + 0x12000, 0xABCD), STATUS_SUCCESS);
  ck_assert_uint_eq(bytes_at(other, b + 0x12000)[0], 0xCD);
  ck_assert_uint_eq(pte_of(process, a) & PTE_PFN_MASK, pte_of(other, b) & PTE_PFN_MASK);
  MEMORY_BASIC_INFORMATION64 info = query(a);
  ck_assert_uint_eq(info.Type, MEM_MAPPED);
  ck_assert_uint_eq(info.RegionSize, 0x13000);
  ck_assert_uint_eq(info.AllocationProtect, PAGE_READWRITE);
  ObDereferenceObject(section);
  ck_status(MmUnmapViewOfSection(process, a + 0x5000, NULL), STATUS_SUCCESS);
  ck_assert_uint_eq(query(a).State, MEM_FREE);
  ck_status(MmUnmapViewOfSection(process, a, NULL), STATUS_NOT_MAPPED_VIEW);
  ck_assert_uint_eq(mm_committed(), 0x13000);
  end_process(other);
  ck_assert_uint_eq(mm_committed(), 0);
}
END_TEST

START_TEST(a_view_shows_what_was_asked_for)
{
  SECTION *section = page_file_section(0x40000, PAGE_READWRITE, SEC_COMMIT);
  ULONG64 whole = map(section, process, PAGE_READWRITE), base = 0, size = 0x8001;
  LONG64 offset = 0x20000;
  ck_status(mm_user_write_u32(whole + 0x28000, 77), STATUS_SUCCESS);
  ck_status(MmMapViewOfSection(section, process, &base, 0, 0, &offset, &size, 0, PAGE_READONLY), STATUS_SUCCESS);
  ck_assert_uint_eq(size, 0x9000);
  ULONG value;
  ck_status(mm_user_read_u32(base + 0x8000, &value), STATUS_SUCCESS);
  ck_assert_uint_eq(value, 77);
  ck_status(mm_user_read_u32(base + 0x9000, &value), STATUS_ACCESS_VIOLATION);
  ULONG64 view;
  SECTION *found = mm_section_at(process, base + 0x8FFF, &view);
  ck_assert_ptr_eq(found, section);
  ck_assert_uint_eq(view, base);
  ObDereferenceObject(found);
  ck_assert_ptr_null(mm_section_at(process, base + 0x9000, &view));
  ObDereferenceObject(section);
}
END_TEST

START_TEST(views_are_refused_as_on_windows)
{
  SECTION *section = page_file_section(0x20000, PAGE_READONLY, SEC_COMMIT);
  ULONG64 base = 0, size = 0;
  LONG64 offset = 0;
#define MAP(type, protect) MmMapViewOfSection(section, process, &base, 0, 0, &offset, &size, type, protect)
  ck_status(MAP(MEM_COMMIT, PAGE_READONLY), NT_STATUS_VALUE(0xC00000F7));
  ck_status(MAP(0, 0), STATUS_INVALID_PAGE_PROTECTION);
  ck_status(MAP(0, PAGE_READWRITE), STATUS_SECTION_PROTECTION);
  ck_status(MAP(0, PAGE_EXECUTE_READ), STATUS_SECTION_PROTECTION);
  ck_status(MmMapViewOfSection(section, process, &base, 25, 0, &offset, &size, 0, PAGE_READONLY),
            STATUS_INVALID_PARAMETER_4);
  base = 0x30001000;
  ck_status(MAP(0, PAGE_READONLY), NT_STATUS_VALUE(0xC0000220));
  base = 0x7FFFFFFF0000;
  ck_status(MAP(0, PAGE_READONLY), STATUS_INVALID_PARAMETER_3);
  base = 0;
  offset = 0x1000;
  ck_status(MAP(0, PAGE_READONLY), NT_STATUS_VALUE(0xC0000220));
  offset = 0x20000;
  ck_status(MAP(0, PAGE_READONLY), STATUS_INVALID_VIEW_SIZE);
  offset = -0x10000;
  ck_status(MAP(0, PAGE_READONLY), STATUS_INVALID_VIEW_SIZE);
  offset = 0;
  size = 0x21000;
  ck_status(MAP(0, PAGE_READONLY), STATUS_INVALID_VIEW_SIZE);
  size = 0;
  base = allocate(0, PAGE, MEM_RESERVE, PAGE_READWRITE);
  ck_status(MAP(0, PAGE_READONLY), STATUS_CONFLICTING_ADDRESSES);
#undef MAP
  ObDereferenceObject(section);
}
END_TEST

START_TEST(pages_of_a_view_can_not_exceed_it)
{
  SECTION *section = page_file_section(0x10000, PAGE_READWRITE, SEC_COMMIT);
  ULONG64 base = map(section, process, PAGE_READONLY);
  ck_status(try_protect(base, PAGE, PAGE_READWRITE, NULL), STATUS_SECTION_PROTECTION);
  ck_status(try_protect(base, PAGE, PAGE_EXECUTE_READ, NULL), STATUS_SECTION_PROTECTION);
  ck_status(try_protect(base, PAGE, PAGE_NOACCESS, NULL), STATUS_SUCCESS);
  ck_status(try_protect(base, PAGE, PAGE_READONLY, NULL), STATUS_SUCCESS);
  ck_status(try_free(base, 0, MEM_RELEASE), NT_STATUS_VALUE(0xC000001B));
  ObDereferenceObject(section);
}
END_TEST

START_TEST(a_write_copy_page_becomes_the_processes_own)
{
  SECTION *section = page_file_section(0x10000, PAGE_READWRITE, SEC_COMMIT);
  ULONG64 shared = map(section, process, PAGE_READWRITE), own = map(section, process, PAGE_WRITECOPY);
  ck_assert_uint_eq(mm_committed(), 0x20000);
  ULONG64 frame = pte_of(process, own) & PTE_PFN_MASK;
  ck_status(MmAccessFault(process, own, MM_WRITE), STATUS_SUCCESS);
  /* The section's bytes are the process's from the fault on, even before the store. */
  ck_status(mm_user_write_u32(shared, 5), STATUS_SUCCESS);
  ck_assert_uint_eq(*bytes_at(process, own), 0);
  ck_status(mm_user_write_u32(shared + PAGE, 6), STATUS_SUCCESS);
  ck_assert_uint_eq(*bytes_at(process, own + PAGE), 6);
  ck_region(own, MEM_COMMIT, PAGE_READWRITE, PAGE);
  ck_region(own + PAGE, MEM_COMMIT, PAGE_WRITECOPY, 15 * PAGE);
  ck_assert_uint_ne(pte_of(process, own) & PTE_PFN_MASK, frame);
  ck_status(mm_user_write_u32(own, 9), STATUS_SUCCESS);
  ck_assert_uint_eq(*bytes_at(process, shared), 5);
  /* Write-copy again is writable: there is nothing left to copy. */
  ULONG old;
  ck_status(try_protect(own, PAGE, PAGE_WRITECOPY, &old), STATUS_SUCCESS);
  ck_assert_uint_eq(old, PAGE_READWRITE);
  ck_assert_uint_eq(query(own).Protect, PAGE_READWRITE);
  ck_assert_uint_eq(mm_committed(), 0x20000);
  ObDereferenceObject(section);
}
END_TEST

START_TEST(a_file_section_is_a_copy_of_its_bytes)
{
  SECTION *section;
  ck_status(from_file(&section, "", 0, PAGE_READONLY), STATUS_MAPPED_FILE_SIZE_ZERO);
  ck_status(from_file(&section, "abc", 4, PAGE_READONLY), STATUS_SECTION_TOO_BIG);
  ck_status(from_file(&section, "hello", 0, PAGE_READONLY), STATUS_SUCCESS);
  ck_assert_uint_eq(section->SizeOfSection, 5);
  ck_assert_str_eq(mm_section_path(section), "\\??\\C:\\a.txt");
  ck_assert_ptr_null(mm_section_headers(section));
  ULONG64 base = map(section, process, PAGE_READONLY);
  ck_region(base, MEM_COMMIT, PAGE_READONLY, PAGE);
  char text[8];
  ck_status(mm_user_read(text, base, sizeof text), STATUS_SUCCESS);
  ck_assert_mem_eq(text, "hello\0\0\0", 8);
  ObDereferenceObject(section);
}
END_TEST

START_TEST(reserved_sections_commit_for_every_view)
{
  EPROCESS *other = new_process();
  SECTION *section = page_file_section(MB, PAGE_READWRITE, SEC_RESERVE);
  ULONG64 a = map(section, process, PAGE_READWRITE), b = map(section, other, PAGE_READWRITE), value = 1;
  ck_region(a, MEM_RESERVE, 0, MB);
  ck_status(mm_user_write_u64(a, 1), STATUS_ACCESS_VIOLATION);
  ck_status(try_protect(a, PAGE, PAGE_READONLY, NULL), STATUS_NOT_COMMITTED);
  allocate(a + 2 * PAGE, PAGE, MEM_COMMIT, PAGE_READWRITE);
  ck_region(a, MEM_RESERVE, 0, 2 * PAGE);
  ck_region(a + 2 * PAGE, MEM_COMMIT, PAGE_READWRITE, PAGE);
  ck_assert_uint_eq(mm_committed(), PAGE);
  size_t done;
  ck_status(mm_process_read(other, b + 2 * PAGE, &value, sizeof value, &done), STATUS_SUCCESS);
  ck_assert_uint_eq(value, 0);
  ck_status(mm_process_read(other, b + 3 * PAGE, &value, sizeof value, &done), STATUS_PARTIAL_COPY);
  ck_status(try_allocate(a, PAGE, MEM_COMMIT, PAGE_EXECUTE_READ), STATUS_SECTION_PROTECTION);
  ck_status(try_allocate(a, LIMIT, MEM_COMMIT, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
  /* A later view has the pages too. */
  ULONG64 c = map(section, process, PAGE_READONLY);
  ck_region(c + 2 * PAGE, MEM_COMMIT, PAGE_READONLY, PAGE);
  ObDereferenceObject(section);
  end_process(other);
}
END_TEST

#define W PTE_WRITE
#define NX PTE_NO_EXECUTE

START_TEST(a_shared_page_is_writable_or_executable_but_never_both)
{
  EPROCESS *other = new_process();
  SECTION *section = page_file_section(0x10000, PAGE_EXECUTE_READWRITE, SEC_COMMIT);
  ULONG64 data = map(section, process, PAGE_READWRITE);
  ck_assert_uint_eq(pte_of(process, data) & W, W);
  ULONG64 code = map(section, other, PAGE_EXECUTE_READ);
  ck_assert_uint_eq(pte_of(other, code) & NX, NX);
  for (int round = 0; round < 2; round++) {
    ck_status(MmAccessFault(other, code, MM_EXECUTE), STATUS_SUCCESS);
    ck_assert_uint_eq(pte_of(other, code) & NX, 0);
    ck_assert_uint_eq(pte_of(process, data) & W, 0);
    ck_assert_uint_eq(pte_of(process, data + PAGE) & W, W);
    ck_status(mm_user_write_u32(data, 0xCC), STATUS_SUCCESS);
    ck_assert_uint_eq(pte_of(process, data) & W, W);
    ck_assert_uint_eq(pte_of(other, code) & NX, NX);
  }
  ck_region(data, MEM_COMMIT, PAGE_READWRITE, 0x10000);
  /* A new view of both kinds starts with neither right. */
  ULONG64 both = map(section, process, PAGE_EXECUTE_READWRITE);
  ck_assert_uint_eq(pte_of(process, both) & (W | NX), NX);
  ck_status(MmAccessFault(process, both, MM_EXECUTE), STATUS_SUCCESS);
  ck_assert_uint_eq(pte_of(process, data) & W, 0);
  ObDereferenceObject(section);
  end_process(other);
}
END_TEST

START_TEST(a_lone_view_may_be_writable_and_executable)
{
  SECTION *section = page_file_section(0x10000, PAGE_EXECUTE_READWRITE, SEC_COMMIT);
  ULONG64 base = map(section, process, PAGE_EXECUTE_READWRITE);
  ck_assert_uint_eq(pte_of(process, base) & (W | NX), W);
  ObDereferenceObject(section);
}
END_TEST

/* mov eax, N; int3 */
static ULONG64 run_code(EPROCESS *p, ULONG64 code)
{
  cpu *c = cpu_create(machine_emu);
  struct cpu_trap trap;
  c->rip = code;
  for (int faults = 0; faults < 5; faults++) {
    cpu_run(p->Pcb.space, c, 1000, &trap);
    ck_assert_uint_eq(trap.kind, CPU_TRAP_EXCEPTION);
    if (trap.vector != 14)
      break;
    ck_status(MmAccessFault(p, trap.fault_address, (trap.error_code & 0x10) != 0 ? MM_EXECUTE : MM_WRITE),
              STATUS_SUCCESS);
  }
  ck_assert_uint_eq(trap.vector, 3);
  ULONG64 result = c->gpr[CPU_RAX];
  cpu_destroy(machine_emu, c);
  return result;
}

START_TEST(code_written_through_another_view_runs_as_written)
{
  EPROCESS *other = new_process();
  SECTION *section = page_file_section(0x10000, PAGE_EXECUTE_READWRITE, SEC_COMMIT);
  ULONG64 data = map(section, process, PAGE_READWRITE), code = map(section, other, PAGE_EXECUTE_READ);
  for (unsigned char n = 1; n < 5; n++) {
    const unsigned char bytes[] = {0xB8, n, 0, 0, 0, 0xCC};
    ck_status(mm_user_write(data, bytes, sizeof bytes), STATUS_SUCCESS);
    ck_assert_uint_eq(run_code(other, code), n);
  }
  ObDereferenceObject(section);
  end_process(other);
}
END_TEST

START_TEST(sections_have_a_limit_in_number)
{
  static SECTION *sections[2000];
  unsigned count = 0;
  NTSTATUS status = STATUS_SUCCESS;
  while (count < 2000 && NT_SUCCESS(status)) {
    status = MmCreateSection(&sections[count], NULL, PAGE, PAGE_READWRITE, SEC_COMMIT);
    count += NT_SUCCESS(status);
  }
  ck_status(status, STATUS_INSUFFICIENT_RESOURCES);
  while (count > 0)
    ObDereferenceObject(sections[--count]);
  ck_status(make(PAGE, PAGE_READWRITE, SEC_COMMIT), STATUS_SUCCESS);
}
END_TEST

TCase *section_tests(void)
{
  TCase *t = tcase_create("section");
  tcase_set_timeout(t, 60);
  tcase_add_checked_fixture(t, machine_setup, machine_teardown);
  tcase_add_test(t, sections_are_refused_as_on_windows);
  tcase_add_test(t, views_of_one_section_share_their_bytes);
  tcase_add_test(t, a_view_shows_what_was_asked_for);
  tcase_add_test(t, views_are_refused_as_on_windows);
  tcase_add_test(t, pages_of_a_view_can_not_exceed_it);
  tcase_add_test(t, a_write_copy_page_becomes_the_processes_own);
  tcase_add_test(t, a_file_section_is_a_copy_of_its_bytes);
  tcase_add_test(t, reserved_sections_commit_for_every_view);
  tcase_add_test(t, a_shared_page_is_writable_or_executable_but_never_both);
  tcase_add_test(t, a_lone_view_may_be_writable_and_executable);
  tcase_add_test(t, code_written_through_another_view_runs_as_written);
  tcase_add_test(t, sections_have_a_limit_in_number);
  return t;
}
