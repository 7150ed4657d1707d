/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Damaged PE files through the whole simulator: each is refused with one line, or runs until it ends, dies, hangs or
 * has used its budget; none harms the host, none takes long.
 *
 * test_malformed COMMAND NANO_DIR PROGRAM_DIR WINE_PROGRAM          the tests
 * test_malformed COMMAND NANO_DIR PROGRAM_DIR WINE_PROGRAM N SEED   one file of group N */
#include "mutate_pe.h"

#include <check.h>
#include <dbgksim/dbgksim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A fork of the test for each batch: machines in one process are quick, and a crash costs one batch. */
#define BATCH 20
#define BUDGET 300000
#define SECONDS_EACH 2.0
/* Of every so many files the command is run too. */
#define COMMAND_EVERY 10

#if defined(__SANITIZE_ADDRESS__)
#define SLOWNESS 5
#else
#define SLOWNESS 1
#endif

/* What is damaged and what runs: the program itself, or a DLL that an undamaged program loads. */
struct group {
  const char *damaged, *program;
  bool wine;
  int count;
};
static const struct group groups[] = {
    {"g_hello.exe", "g_hello.exe", false, 120}, {"g_threads.exe", "g_threads.exe", false, 120},
    {"g_raise.exe", "g_raise.exe", false, 80},  {"g_dll.dll", "g_load_dll.exe", false, 140},
    {"threads.exe", "threads.exe", true, 40},
};
#define GROUPS (sizeof groups / sizeof groups[0])

static const char *command, *nano_dir, *program_dir, *wine_program;
static char folder[64];
static unsigned refused, ended;
static size_t one_group;
static uint64_t one_seed;

static uint8_t *read_file(const char *path, size_t *size)
{
  FILE *f = fopen(path, "rb");
  ck_assert_msg(f != NULL, "%s can not be read", path);
  ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
  *size = (size_t)ftell(f);
  rewind(f);
  uint8_t *bytes = malloc(*size + 1);
  ck_assert_ptr_nonnull(bytes);
  ck_assert_uint_eq(fread(bytes, 1, *size, f), *size);
  fclose(f);
  return bytes;
}

static void write_file(const char *name, const uint8_t *bytes, size_t size)
{
  char path[256];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "wb");
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_eq(fwrite(bytes, 1, size, f), size);
  ck_assert_int_eq(fclose(f), 0);
}

static void make_folder(void)
{
  snprintf(folder, sizeof folder, "/tmp/dbgksim-malformed-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
  char path[256];
  for (size_t i = 0; i < GROUPS; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, groups[i].damaged);
    unlink(path);
    snprintf(path, sizeof path, "%s/%s", folder, groups[i].program);
    unlink(path);
  }
  rmdir(folder);
}

static double seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What a debugger shows of an event: modules, names and instructions come out of the damaged file too. */
static void look_around(dbgksim_machine *machine, const struct dbgksim_event *event)
{
  struct dbgksim_module modules[8];
  size_t count = 8;
  char text[256];
  dbgksim_list_modules(machine, event->pid, modules, &count);
  const uint64_t places[] = {event->base, event->start_address, event->exception.ExceptionAddress, event->base + 0x1234,
                             event->start_address + 7};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    ck_assert_int_eq(dbgksim_symbolize(machine, event->pid, places[i], text, sizeof text), DBGKSIM_OK);
    dbgksim_disassemble(machine, event->pid, places[i], text, sizeof text, NULL);
  }
}

static enum dbgksim_status debug(dbgksim_machine *machine, dbgksim_debugger *debugger)
{
  struct dbgksim_event event;
  enum dbgksim_status status = DBGKSIM_OK;
  while (status == DBGKSIM_OK && (status = dbgksim_wait(debugger, -1, &event)) == DBGKSIM_OK) {
    look_around(machine, &event);
    bool breakpoint = event.code == DBGKSIM_EXCEPTION && event.exception.ExceptionCode == STATUS_BREAKPOINT;
    status = dbgksim_continue(debugger, &event, breakpoint ? DBG_CONTINUE : DBG_EXCEPTION_NOT_HANDLED);
    if (event.code == DBGKSIM_EXIT_PROCESS)
      break;
  }
  return status == DBGKSIM_NO_PROCESS ? DBGKSIM_OK : status;
}

static void check_refusal(enum dbgksim_status status, const char *message, const char *what)
{
  ck_assert_msg(status == DBGKSIM_BAD_IMAGE || status == DBGKSIM_NT_ERROR || status == DBGKSIM_NO_MEMORY, "%s: %s: %s",
                what, dbgksim_status_name(status), message);
  ck_assert_msg(message[0] && !strchr(message, '\n'), "%s: not one line: %s", what, message);
}

/* Bytes of what the command says on its standard error, at most size - 1; *exit_status receives how it ended. */
static size_t run_command(const struct group *group, char *said, size_t size, int *exit_status)
{
  char path[256], budget[32];
  int ends[2];
  size_t used = 0;
  snprintf(path, sizeof path, "%s/%s", folder, group->program);
  snprintf(budget, sizeof budget, "%d", group->wine ? 10 * BUDGET : BUDGET);
  ck_assert_int_eq(pipe(ends), 0);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    execl(command, command, "run", "--program-output", "/dev/null", "--userland", group->wine ? "wine" : nano_dir,
          "--budget", budget, path, (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  for (ssize_t n; used < size - 1 && (n = read(ends[0], said + used, size - 1 - used)) > 0;)
    used += (size_t)n;
  said[used] = 0;
  close(ends[0]);
  ck_assert_int_eq(waitpid(child, exit_status, 0), child);
  return used;
}

static void check_command(const struct group *group, bool is_refused, const char *what)
{
  char said[4096];
  int status;
  size_t size = run_command(group, said, sizeof said, &status);
  ck_assert_msg(WIFEXITED(status), "%s: the command ended with %x: %s", what, status, said);
  if (!is_refused)
    return;
  ck_assert_msg(WEXITSTATUS(status) == 2, "%s: exit status %d: %s", what, WEXITSTATUS(status), said);
  ck_assert_msg(size && strchr(said, '\n') == said + size - 1, "%s: not one line: %s", what, said);
}

/* False if the program was refused. */
static bool run_folder(const struct group *group, bool debugged, const char *what)
{
  struct dbgksim_config config;
  dbgksim_machine *machine;
  dbgksim_debugger *debugger = NULL;
  char path[256];
  uint32_t pid;
  dbgksim_config_init(&config);
  config.userland = group->wine ? "wine" : nano_dir;
  config.block_budget = group->wine ? 10 * BUDGET : BUDGET;
  ck_assert_msg(dbgksim_machine_create(&config, &machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  if (debugged)
    ck_assert_int_eq(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
  snprintf(path, sizeof path, "%s/%s", folder, group->program);
  const struct dbgksim_program program = {.path = path};
  enum dbgksim_status status = dbgksim_spawn(machine, &program, debugger, &pid);
  const bool spawned = status == DBGKSIM_OK;
  if (!spawned) {
    check_refusal(status, dbgksim_message(machine), what);
    refused++;
  } else {
    if (debugged)
      status = debug(machine, debugger);
    if (status == DBGKSIM_OK)
      status = dbgksim_run(machine, pid, -1);
    ck_assert_msg(status == DBGKSIM_OK || status == DBGKSIM_BUDGET || status == DBGKSIM_DEADLOCK, "%s: %s: %s", what,
                  dbgksim_status_name(status), dbgksim_message(machine));
    ended += status == DBGKSIM_OK;
  }
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
  return spawned;
}

/* Damages one file as the seed says and runs what uses it. */
static void run_seed(const struct group *group, uint64_t seed)
{
  char what[512], path[1024];
  size_t size;
  if (group->wine)
    snprintf(path, sizeof path, "%s", wine_program);
  else
    snprintf(path, sizeof path, "%s/%s", program_dir, group->damaged);
  uint8_t *original = read_file(path, &size), *damaged = malloc(size + MUTATE_PE_GROWTH);
  ck_assert_ptr_nonnull(damaged);
  size_t damaged_size = mutate_pe(seed, original, size, damaged, what, sizeof what);
  write_file(group->damaged, damaged, damaged_size);
  fprintf(stderr, "%s, seed %u:%s\n", group->damaged, (unsigned)seed, what);
  double start = seconds();
  bool runs = run_folder(group, seed % 2, what);
  double spent = seconds() - start;
  ck_assert_msg(spent < SECONDS_EACH * SLOWNESS, "%s, seed %u took %.1f s:%s", group->damaged, (unsigned)seed, spent,
                what);
  if (seed % COMMAND_EVERY == 0)
    check_command(group, !runs, what);
  free(original);
  free(damaged);
}

/* The undamaged program that loads the damaged DLL. */
static void copy_program(const struct group *group)
{
  char path[1024];
  size_t size;
  if (!strcmp(group->program, group->damaged))
    return;
  snprintf(path, sizeof path, "%s/%s", program_dir, group->program);
  uint8_t *bytes = read_file(path, &size);
  write_file(group->program, bytes, size);
  free(bytes);
}

/* The batch's group; *first is its first seed. */
static const struct group *group_of_batch(int batch, int *first)
{
  for (size_t i = 0; i < GROUPS; i++) {
    if (batch < groups[i].count / BATCH) {
      *first = batch * BATCH;
      return &groups[i];
    }
    batch -= groups[i].count / BATCH;
  }
  return NULL;
}

START_TEST(damaged_files_do_no_harm)
{
  int first = 0;
  const struct group *group = group_of_batch(_i, &first);
  ck_assert_ptr_nonnull(group);
  if (group->wine && !wine_program[0])
    return;
  copy_program(group);
  for (int i = 0; i < BATCH; i++)
    run_seed(group, (uint64_t)(first + i));
  /* A damaged DLL is its program's trouble; of damaged programs some are refused and some run. */
  if (group->program == group->damaged) {
    ck_assert_uint_gt(refused, 0);
    ck_assert_uint_gt(ended, 0);
  }
}
END_TEST

#define HUGE_SECTION 0x20000000u

static uint32_t get_u32(const uint8_t *at)
{
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void put_u32(uint8_t *at, uint32_t value)
{
  for (int i = 0; i < 4; i++)
    at[i] = (uint8_t)(value >> 8 * i);
}

/* Nearly all of half a gigabyte is zero fill that nobody touches. */
START_TEST(a_huge_image_costs_neither_time_nor_memory)
{
  const struct group group = {"g_hello.exe", "g_hello.exe", false, 1};
  char path[1024];
  size_t size;
  struct rusage before, after;
  snprintf(path, sizeof path, "%s/%s", program_dir, group.program);
  uint8_t *bytes = read_file(path, &size);
  uint8_t *pe = bytes + get_u32(bytes + 0x3C);
  uint8_t *last = pe + 24 + (pe[20] | pe[21] << 8) + 40 * (size_t)((pe[6] | pe[7] << 8) - 1);
  put_u32(last + 8, HUGE_SECTION);
  put_u32(pe + 80, get_u32(last + 12) + HUGE_SECTION);
  write_file(group.program, bytes, size);
  free(bytes);
  getrusage(RUSAGE_SELF, &before);
  double start = seconds();
  ck_assert(run_folder(&group, true, "huge image"));
  ck_assert_uint_eq(ended, 1);
  ck_assert_double_lt(seconds() - start, 1.0 * SLOWNESS);
  getrusage(RUSAGE_SELF, &after);
  ck_assert_int_lt((after.ru_maxrss - before.ru_maxrss) / 1024, 64 * SLOWNESS);
}
END_TEST

START_TEST(one_damaged_file_does_no_harm)
{
  copy_program(&groups[one_group]);
  run_seed(&groups[one_group], one_seed);
  puts(refused ? "refused" : ended ? "ended" : "stopped");
}
END_TEST

int main(int argc, char **argv)
{
  if (argc != 5 && argc != 7) {
    fputs("usage: test_malformed COMMAND NANO_DIR PROGRAM_DIR WINE_PROGRAM [GROUP SEED]\n", stderr);
    return 2;
  }
  command = argv[1];
  nano_dir = argv[2];
  program_dir = argv[3];
  wine_program = argv[4];
  int batches = 0;
  for (size_t i = 0; i < GROUPS; i++)
    batches += groups[i].count / BATCH;
  Suite *suite = suite_create("malformed");
  TCase *tests = tcase_create("malformed");
  tcase_set_timeout(tests, 2 * BATCH * SECONDS_EACH);
  tcase_add_checked_fixture(tests, make_folder, remove_folder);
  if (argc == 7) {
    one_group = strtoul(argv[5], NULL, 0) % GROUPS;
    one_seed = strtoull(argv[6], NULL, 0);
    tcase_add_test(tests, one_damaged_file_does_no_harm);
  } else {
    tcase_add_test(tests, a_huge_image_costs_neither_time_nor_memory);
    tcase_add_loop_test(tests, damaged_files_do_no_harm, 0, batches);
  }
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  if (argc == 7)
    srunner_set_fork_status(runner, CK_NOFORK);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
