/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest.h"

#include "../loader/sample_pe.h"
#include "base/host.h"
#include "base/pool.h"
#include "dbgk/dbgk.h"
#include "ntos/ps/ps.h"
#include "ntos/svc/svc_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTRIBUTES_OFFSET 0x8000u

static KPCR pcr;
static char folder[64];
ULONG64 scratch;
EPROCESS *guest;
HANDLE other_handle;
EPROCESS *other;

static void host_file(const char *name, const void *bytes, size_t size)
{
  char path[128];
  (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
  int fd = host_open(path, true, true, true);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(host_pwrite(fd, bytes, size, 0), (ssize_t)size);
  host_close(fd);
}

static void make_files(void)
{
  static uint8_t image[SAMPLE_ROOM];
  strcpy(folder, "/tmp/dbgksim-svc-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(folder));
  sample_build(image);
  host_file("sample.dll", image, SAMPLE_SIZE);
  host_file("text.txt", "0123456789", 10);
  host_file("empty", "", 0);
}

static void make_machine(void)
{
  static const struct ke_config ke = {.max_threads = 2};
  const struct emu_config config = {
      .arenas = {{0, 8ull << 30}, {0x7FF000000000, 1ull << 30}, {0x7FFFC0000000, 1ull << 30}},
      .arena_count = 3,
      .pool = pcr.pool};
  const struct io_root roots[] = {{.host = folder, .guest = "C:\\app"},
                                   {.host = folder, .guest = "C:\\windows\\system32"}};
  char message[200] = "";
  ck_assert_msg(emu_create(&config, &pcr.emu, message, sizeof(message)) == EMU_OK, "%s", message);
  ck_assert(KeInitSystem(&ke));
  ck_assert(ObInitSystem(10000));
  ck_assert(IoInitSystem(&(struct io_config){.roots = roots, .root_count = 2}));
  ck_assert(MmInitSystem(&(struct mm_config){.commit_limit = 64 << 20}));
  ck_assert(PsInitSystem(&(struct ps_config){.max_threads = 2}));
  ck_assert(DbgkInitSystem());
}

void guest_setup(void)
{
  static ETHREAD boot_thread;
  ETHREAD *thread;
  ULONG64 size = 0x10000;
  make_files();
  pcr = (KPCR){.pool = pool_create(256u << 20), .CurrentThread = &boot_thread.Tcb};
  ck_assert_ptr_nonnull(pcr.pool);
  ki_current_pcr = &pcr;
  make_machine();
  ck_status(PspAllocateProcess(NULL, false, false, "guest.exe", &guest), STATUS_SUCCESS);
  ck_status(PspAllocateProcess(guest, false, false, "other.exe", &other), STATUS_SUCCESS);
  ck_status(PspAllocateThread(guest, &thread), STATUS_SUCCESS);
  ke_init_host_thread(&thread->Tcb, &guest->Pcb);
  pcr.CurrentThread = &thread->Tcb;
  thread->Tcb.PreviousMode = UserMode;
  scratch = 0;
  ck_status(MmAllocateVirtualMemory(guest, &scratch, 0, &size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE),
            STATUS_SUCCESS);
  ck_status(ObOpenObjectByPointer(other, 0, PROCESS_ALL_ACCESS, ob_types()->Process, &other_handle), STATUS_SUCCESS);
}

void guest_teardown(void)
{
  char path[128];
  static const char *const names[] = {"sample.dll", "text.txt", "empty"};
  for (size_t i = 0; i < 3; i++) {
    (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
    ck_assert(host_remove(path));
  }
  ck_assert(host_remove(folder));
  ObKillProcess(guest);
  MmDeleteProcessAddressSpace(guest);
  MmDeleteProcessAddressSpace(other);
  ck_assert_uint_eq(mm_committed(), 0);
  IoShutdownSystem();
  MmShutdownSystem();
  KeShutdownSystem();
  emu_destroy(pcr.emu);
  pool_destroy(pcr.pool);
  ki_current_pcr = NULL;
}

void put(ULONG64 address, const void *bytes, size_t size)
{
  ck_status(mm_user_write(address, bytes, size), STATUS_SUCCESS);
}

void get(ULONG64 address, void *bytes, size_t size) { ck_status(mm_user_read(bytes, address, size), STATUS_SUCCESS); }

void put64(ULONG64 address, ULONG64 value) { put(address, &value, sizeof(value)); }

ULONG64 get64(ULONG64 address)
{
  ULONG64 value;
  get(address, &value, sizeof(value));
  return value;
}

ULONG get32(ULONG64 address)
{
  ULONG value;
  get(address, &value, sizeof(value));
  return value;
}

ULONG64 attributes(const char *name)
{
  ULONG64 at = scratch + ATTRIBUTES_OFFSET;
  OBJECT_ATTRIBUTES64 object = {.Length = sizeof(object), .ObjectName = at + 0x40, .Attributes = OBJ_CASE_INSENSITIVE};
  UNICODE_STRING64 string = {
      .Length = (USHORT)(2 * strlen(name)), .MaximumLength = (USHORT)(2 * strlen(name)), .Buffer = at + 0x60};
  put(at, &object, sizeof(object));
  put(at + 0x40, &string, sizeof(string));
  for (size_t i = 0; name[i] != 0; i++) {
    WCHAR c = (UCHAR)name[i];
    put(at + 0x60 + 2 * i, &c, sizeof(c));
  }
  return at;
}

HANDLE guest_open(const char *name)
{
  char path[64];
  (void)snprintf(path, sizeof(path), "\\??\\C:\\app\\%s", name);
  ck_status(NtOpenFile(scratch + 0x7000, GENERIC_READ | SYNCHRONIZE, attributes(path), scratch + 0x7010, 7,
                       FILE_SYNCHRONOUS_IO_NONALERT),
            STATUS_SUCCESS);
  return get64(scratch + 0x7000);
}

int main(void)
{
  Suite *suite = suite_create("services of a guest");
  suite_add_tcase(suite, guest_section_tests());
  suite_add_tcase(suite, guest_memory_tests());
  suite_add_tcase(suite, guest_pipe_tests());
  suite_add_tcase(suite, hostile_tests());
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
