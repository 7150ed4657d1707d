/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static KPCR pcr;
char fixture_folder[64];
char fixture_console[256];
static size_t console_used;

const char *fixture_host(const char *name)
{
  static char path[256];
  (void)snprintf(path, sizeof(path), "%s/%s", fixture_folder, name);
  return path;
}

void fixture_file(const char *name, const char *content)
{
  int fd = host_open(fixture_host(name), true, true, true);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(host_pwrite(fd, content, strlen(content), 0), (ssize_t)strlen(content));
  host_close(fd);
}

static void write_console(void *context, int stream, const void *bytes, size_t size)
{
  ck_assert_ptr_eq(context, &pcr);
  ck_assert_uint_lt(console_used + size + 2, sizeof(fixture_console));
  console_used += (size_t)sprintf(fixture_console + console_used, "%d:", stream);
  memcpy(fixture_console + console_used, bytes, size);
  console_used += size;
  fixture_console[console_used] = 0;
}

static size_t read_console(void *context, void *bytes, size_t size)
{
  static const char line[] = "typed\n";
  (void)context;
  if (console_used != 0 || size < sizeof(line))
    return 0;
  memcpy(bytes, line, sizeof(line) - 1);
  console_used = sizeof(line) - 1;
  return console_used;
}

static void remove_below(const char *path)
{
  char **names = host_list_directory(path);
  for (char **name = names; name != NULL && *name != NULL; name++) {
    char below[512];
    int length = snprintf(below, sizeof(below), "%s/%s", path, *name);
    if (length < 0 || (size_t)length >= sizeof(below))
      continue;
    if (!host_remove(below)) {
      remove_below(below);
      (void)host_remove(below);
    }
  }
  host_free_names(names);
}

void fixture_setup(void)
{
  static const char *const folders[] = {"system32", "nls", "app", "app/sub", "outside"};
  static const struct ke_config config = {.max_threads = 2};
  static char hosts[4][128];
  strcpy(fixture_folder, "/tmp/dbgksim-io-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(fixture_folder));
  for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
    ck_assert(host_mkdir(fixture_host(folders[i])));
  fixture_file("system32/NtDll.dll", "ntdll");
  fixture_file("system32/both.nls", "of system32");
  fixture_file("nls/locale.nls", "locale");
  fixture_file("nls/both.nls", "of nls");
  fixture_file("outside/secret.txt", "secret");
  fixture_file("app/sub/inner.txt", "0123456789");
  fixture_file("outside/tool.exe", "tool");

  strcpy(hosts[0], fixture_host("system32"));
  strcpy(hosts[1], fixture_host("nls"));
  strcpy(hosts[2], fixture_host("app"));
  strcpy(hosts[3], fixture_host("outside/tool.exe"));
  struct io_root roots[] = {
      {.host = hosts[0], .guest = "C:\\windows\\system32"},
      {.host = hosts[1], .guest = "C:\\windows\\system32\\"},
      {.host = hosts[2], .guest = "c:\\app", .writable = true},
      {.host = hosts[3], .guest = "D:\\bin\\Tool.exe"},
  };
  struct io_config io = {.roots = roots,
                         .root_count = 4,
                         .console_write = write_console,
                         .console_read = read_console,
                         .console_context = &pcr};
  console_used = 0;
  fixture_console[0] = 0;
  pcr = (KPCR){.pool = pool_create(64u << 20)};
  ck_assert_ptr_nonnull(pcr.pool);
  ki_current_pcr = &pcr;
  ck_assert(KeInitSystem(&config));
  ck_assert(ObInitSystem(1000));
  ck_assert(IoInitSystem(&io));
}

void fixture_teardown(void)
{
  IoShutdownSystem();
  KeShutdownSystem();
  pool_destroy(pcr.pool);
  ki_current_pcr = NULL;
  remove_below(fixture_folder);
  ck_assert(host_remove(fixture_folder));
}

void fixture_process(void)
{
  void *object;
  ob_types()->Process = ObCreateObjectType(
      &(OBJECT_TYPE){.Name = "Process", .ValidAccessMask = PROCESS_ALL_ACCESS, .dispatcher_offset = 0});
  ob_types()->Thread = ObCreateObjectType(
      &(OBJECT_TYPE){.Name = "Thread", .ValidAccessMask = THREAD_ALL_ACCESS, .dispatcher_offset = 0});
  ck_status(ObCreateObject(ob_types()->Process, sizeof(EPROCESS), &object), STATUS_SUCCESS);
  EPROCESS *process = object;
  process->native = TRUE;
  InitializeListHead(&process->Pcb.ThreadListHead);
  ck_status(ObInitProcess(NULL, process), STATUS_SUCCESS);
  ck_status(ObCreateObject(ob_types()->Thread, sizeof(ETHREAD), &object), STATUS_SUCCESS);
  ke_init_host_thread(object, &process->Pcb);
  KeGetPcr()->CurrentThread = object;
  KeGetCurrentThread()->PreviousMode = UserMode;
}

FILE_OBJECT *fixture_open(const char *nt_path, NTSTATUS expected)
{
  FILE_OBJECT *file;
  ULONG64 information = 0;
  NTSTATUS status =
      IoCreateFile(nt_path, GENERIC_READ, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, &file, &information);
  ck_assert_msg(status == expected, "%s: %08X, not %08X", nt_path, (unsigned)status, (unsigned)expected);
  if (NT_SUCCESS(status))
    ck_assert_uint_eq(information, 1);
  else
    ck_assert_ptr_null(file);
  return file;
}

int main(void)
{
  Suite *suite = suite_create("io");
  suite_add_tcase(suite, input_tests());
  suite_add_tcase(suite, text_tests());
  suite_add_tcase(suite, path_tests());
  suite_add_tcase(suite, file_tests());
  suite_add_tcase(suite, directory_tests());
  suite_add_tcase(suite, service_tests());
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
