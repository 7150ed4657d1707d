/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#include <stdlib.h>

static KPCR pcr;
EPROCESS *process;
ETHREAD *thread;
pool *machine_pool;
emu *machine_emu;

static void make_machine(void)
{
  static const struct ke_config ke = {.max_threads = 4};
  const struct emu_config config = {
      .arenas = {{0, 8ull << 30}, {0x7FF000000000, 1ull << 30}, {0x7FFFC0000000, 1ull << 30}},
      .arena_count = 3,
      .pool = machine_pool};
  char message[200] = "";
  ck_assert_msg(emu_create(&config, &machine_emu, message, sizeof message) == EMU_OK, "%s", message);
  pcr.emu = machine_emu;
  ck_assert(KeInitSystem(&ke));
  ck_assert(ObInitSystem(100));
  ck_assert(MmInitSystem(&(struct mm_config){.commit_limit = LIMIT}));
  ob_types()->Process = ObCreateObjectType(
      &(OBJECT_TYPE){.Name = "Process", .ValidAccessMask = PROCESS_ALL_ACCESS, .dispatcher_offset = 0});
  ob_types()->Thread = ObCreateObjectType(
      &(OBJECT_TYPE){.Name = "Thread", .ValidAccessMask = THREAD_ALL_ACCESS, .dispatcher_offset = 0});
}

EPROCESS *new_process(void)
{
  void *object;
  ck_status(ObCreateObject(ob_types()->Process, sizeof(EPROCESS), &object), STATUS_SUCCESS);
  EPROCESS *p = object;
  InitializeListHead(&p->Pcb.ThreadListHead);
  ck_status(MmCreateProcessAddressSpace(p), STATUS_SUCCESS);
  return p;
}

void end_process(EPROCESS *p)
{
  MmDeleteProcessAddressSpace(p);
  ObDereferenceObject(p);
}

void empty_process(EPROCESS *p)
{
  ULONG64 va = 0;
  MEMORY_BASIC_INFORMATION64 info;
  while (MmQueryVirtualMemory(p, va, &info) == STATUS_SUCCESS) {
    if (info.Type == MEM_MAPPED)
      ck_status(MmUnmapViewOfSection(p, va, NULL), STATUS_SUCCESS);
    va = info.BaseAddress + info.RegionSize;
  }
}

void enter(EPROCESS *p) { thread->Tcb.Process = &p->Pcb; }

void machine_setup(void)
{
  void *object;
  machine_pool = pool_create(256u << 20);
  ck_assert_ptr_nonnull(machine_pool);
  pcr = (KPCR){.pool = machine_pool};
  ki_current_pcr = &pcr;
  make_machine();
  process = new_process();
  ck_status(ObCreateObject(ob_types()->Thread, sizeof(ETHREAD), &object), STATUS_SUCCESS);
  thread = object;
  ke_init_host_thread(&thread->Tcb, &process->Pcb);
  pcr.CurrentThread = &thread->Tcb;
}

void machine_teardown(void)
{
  enter(process);
  end_process(process);
  ck_assert_uint_eq(mm_committed(), 0);
  ck_assert_uint_eq(ob_types()->Section->TotalNumberOfObjects, 0);
  MmShutdownSystem();
  KeShutdownSystem();
  emu_destroy(machine_emu);
  pool_destroy(machine_pool);
  ki_current_pcr = NULL;
}

NTSTATUS try_allocate(ULONG64 base, ULONG64 size, ULONG type, ULONG protect)
{
  return MmAllocateVirtualMemory(process, &base, 0, &size, type, protect);
}

ULONG64 allocate(ULONG64 base, ULONG64 size, ULONG type, ULONG protect)
{
  ck_status(MmAllocateVirtualMemory(process, &base, 0, &size, type, protect), STATUS_SUCCESS);
  return base;
}

NTSTATUS try_free(ULONG64 base, ULONG64 size, ULONG type) { return MmFreeVirtualMemory(process, &base, &size, type); }

NTSTATUS try_protect(ULONG64 base, ULONG64 size, ULONG protect, ULONG *old)
{
  ULONG ignored;
  return MmProtectVirtualMemory(process, &base, &size, protect, old != NULL ? old : &ignored);
}

MEMORY_BASIC_INFORMATION64 query(ULONG64 va)
{
  MEMORY_BASIC_INFORMATION64 out;
  ck_status(MmQueryVirtualMemory(process, va, &out), STATUS_SUCCESS);
  return out;
}

ULONG64 make_stack(ULONG64 reserve, ULONG64 commit)
{
  ULONG64 teb = allocate(0, 2 * PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
  ck_status(
      MmCreateUserStack(process, reserve, commit, &thread->stack_allocation, &thread->stack_base, &thread->stack_limit),
      STATUS_SUCCESS);
  thread->Tcb.Teb = teb;
  ck_status(mm_user_write_u64(teb + 0x08, thread->stack_base), STATUS_SUCCESS);
  ck_status(mm_user_write_u64(teb + 0x10, thread->stack_limit), STATUS_SUCCESS);
  ck_status(mm_user_write_u64(teb + 0x1478, thread->stack_allocation), STATUS_SUCCESS);
  return teb;
}

SECTION *page_file_section(ULONG64 size, ULONG protect, ULONG attributes)
{
  SECTION *section;
  ck_status(MmCreateSection(&section, NULL, size, protect, attributes), STATUS_SUCCESS);
  return section;
}

NTSTATUS try_map(SECTION *section, EPROCESS *p, ULONG64 *base, ULONG64 size, ULONG protect)
{
  LONG64 offset = 0;
  return MmMapViewOfSection(section, p, base, 0, 0, &offset, &size, 0, protect);
}

ULONG64 map(SECTION *section, EPROCESS *p, ULONG protect)
{
  ULONG64 base = 0;
  ck_status(try_map(section, p, &base, 0, protect), STATUS_SUCCESS);
  return base;
}

ULONG64 pte_of(EPROCESS *p, ULONG64 va) { return space_pte(p->Pcb.space, va); }

UCHAR *bytes_at(EPROCESS *p, ULONG64 va)
{
  UCHAR *host = space_host(p->Pcb.space, va, 1);
  ck_assert_ptr_nonnull(host);
  return host;
}

int main(void)
{
  Suite *s = suite_create("mm");
  suite_add_tcase(s, allocation_tests());
  suite_add_tcase(s, protection_tests());
  suite_add_tcase(s, fault_tests());
  suite_add_tcase(s, section_tests());
  suite_add_tcase(s, image_tests());
  suite_add_tcase(s, paging_tests());
  suite_add_tcase(s, user_tests());
  SRunner *runner = srunner_create(s);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
