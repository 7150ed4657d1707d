/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz_kit.h"

#include "ntos/ob/ob.h"
#include "ntos/ps/ps.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_TYPES 64u
#define MAX_TAGS 128u

/* What a machine holds. */
struct stock {
  const char *names[MAX_TYPES];
  ULONG objects[MAX_TYPES], handles[MAX_TYPES];
  unsigned types;
  struct {
    uint32_t tag;
    unsigned blocks;
  } tags[MAX_TAGS];
  unsigned tag_count;
  ULONG processes, threads;
};

static struct {
  dbgksim_machine *machine;
  dbgksim_snapshot *start; /**< after `prepare` */
  bool warm;               /**< at_start is valid */
  bool in_case;
  bool digests;               /**< fuzz_keep_digest was called */
  dbgksim_trace_fn *watch_fn; /**< of fuzz_watch; NULL: none */
  void *watch_context;
  uint64_t digest;
  struct stock at_start; /**< after the warm-up */
  char userland[4096];
} kit;

/* ---- input ---- */

uint8_t fuzz_byte(struct fuzz_input *in) { return in->at < in->size ? in->bytes[in->at++] : 0; }

uint64_t fuzz_number(struct fuzz_input *in, unsigned n)
{
  uint64_t value = 0;
  for (unsigned i = 0; i < n; i++)
    value |= (uint64_t)fuzz_byte(in) << (8 * i);
  return value;
}

void fuzz_bytes(struct fuzz_input *in, void *to, size_t n)
{
  struct fuzz_input part = fuzz_part(in, n);
  memset(to, 0, n);
  if (part.size)
    memcpy(to, part.bytes, part.size);
}

bool fuzz_used_up(const struct fuzz_input *in) { return in->at == in->size; }

struct fuzz_input fuzz_part(struct fuzz_input *in, size_t n)
{
  if (n > in->size - in->at)
    n = in->size - in->at;
  struct fuzz_input part = {in->bytes + in->at, n, 0};
  in->at += n;
  return part;
}

/* ---- findings ---- */

/* FNV-1a. */
static void add_to_digest(const void *bytes, size_t size)
{
  for (size_t i = 0; i < size; i++)
    kit.digest = (kit.digest ^ ((const uint8_t *)bytes)[i]) * 0x100000001B3u;
}

static void digest_record(void *context, const struct dbgksim_trace_record *r)
{
  (void)context;
  if (kit.in_case)
    add_to_digest(r, sizeof *r);
}

void fuzz_keep_digest(void) { kit.digests = true; }

void fuzz_watch(dbgksim_trace_fn *fn, void *context)
{
  kit.watch_fn = fn;
  kit.watch_context = context;
}

static void watch_record(void *context, const struct dbgksim_trace_record *r)
{
  (void)context;
  if (kit.in_case)
    kit.watch_fn(kit.watch_context, r);
}

uint64_t fuzz_digest(void) { return kit.digest; }

/* With FUZZ_TRACE set each probe point of the kernel is a line. */
static void print_record(void *context, const struct dbgksim_trace_record *r)
{
  (void)context;
  if (!kit.in_case)
    return;
  fprintf(stderr, "%10llu ns  process %2u thread %2u  %-16s %llx %llx %llx %llx %s\n",
          (unsigned long long)r->nanoseconds, r->pid, r->tid, dbgksim_trace_kind_name((enum dbgksim_trace_kind)r->kind),
          (unsigned long long)r->a, (unsigned long long)r->b, (unsigned long long)r->c, (unsigned long long)r->d,
          r->text);
}

/* What the machine has not handed over yet. */
static void print_trace(void)
{
  struct dbgksim_trace_record record;
  while (trace_take(&record))
    print_record(NULL, &record);
}

_Noreturn void fuzz_fail(const char *format, ...)
{
  static char waits[8192];
  const bool inside = kit.in_case;
  va_list arguments;
  if (inside)
    print_trace();
  fprintf(stderr, "%s: ", fuzz_target.name);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  if (inside) {
    ke_report_waits(waits, sizeof waits);
    fputs(waits, stderr);
  }
  abort();
}

/* ---- what is left ---- */

static void count_type(void *context, OBJECT_TYPE *type)
{
  struct stock *s = context;
  FUZZ_CHECK(s->types < MAX_TYPES, "more than %u object types", MAX_TYPES);
  s->names[s->types] = type->Name;
  s->objects[s->types] = type->TotalNumberOfObjects;
  s->handles[s->types++] = type->TotalNumberOfHandles;
}

static void count_block(void *context, uint32_t tag, size_t size, void *block)
{
  struct stock *s = context;
  unsigned i = 0;
  (void)size, (void)block;
  while (i < s->tag_count && s->tags[i].tag != tag)
    i++;
  FUZZ_CHECK(i < MAX_TAGS, "more than %u pool tags", MAX_TAGS);
  s->tags[i].tag = tag;
  s->tags[i].blocks++;
  if (i == s->tag_count)
    s->tag_count++;
}

static void take_stock(struct stock *s)
{
  memset(s, 0, sizeof *s);
  ob_for_each_type(count_type, s);
  pool_walk(kit.machine->pool, count_block, s);
  ps_counts(&s->processes, &s->threads);
}

/* What is kept for the machine, made when somebody asks first: services' counters, global atoms, registry keys, places
 * for monitors, the buffer of the event stream. */
static bool is_lasting(uint32_t tag)
{
  static const uint32_t lasting[] = {POOL_TAG('S', 'v', 'c', 'S'), POOL_TAG('A', 't', 'o', 'm'),
                                     POOL_TAG('K', 'e', 'y', ' '), POOL_TAG('M', 'o', 'n', 'i'),
                                     POOL_TAG('T', 'r', 'a', 'c')};
  for (size_t i = 0; i < sizeof lasting / sizeof lasting[0]; i++)
    if (lasting[i] == tag)
      return true;
  return false;
}

static unsigned blocks_of(const struct stock *s, uint32_t tag)
{
  for (unsigned i = 0; i < s->tag_count; i++)
    if (s->tags[i].tag == tag)
      return s->tags[i].blocks;
  return 0;
}

void fuzz_check_nothing_left(void)
{
  static struct stock now;
  const struct stock *then = &kit.at_start;
  if (!kit.warm)
    return;
  take_stock(&now);
  FUZZ_CHECK(ke_ended() == KE_RUNNING, "the machine has stopped: end reason %d", (int)ke_ended());
  FUZZ_CHECK(now.processes == then->processes, "processes: %u at the start, %u left", then->processes, now.processes);
  FUZZ_CHECK(now.threads == then->threads, "threads: %u at the start, %u left", then->threads, now.threads);
  for (unsigned i = 0; i < now.types; i++) {
    FUZZ_CHECK(now.objects[i] == then->objects[i], "%s objects: %u at the start, %u left", now.names[i],
               then->objects[i], now.objects[i]);
    FUZZ_CHECK(now.handles[i] == then->handles[i], "%s handles: %u at the start, %u left", now.names[i],
               then->handles[i], now.handles[i]);
  }
  for (unsigned i = 0; i < now.tag_count; i++) {
    uint32_t tag = now.tags[i].tag;
    unsigned before = blocks_of(then, tag);
    FUZZ_CHECK(now.tags[i].blocks <= before || is_lasting(tag), "pool blocks '%c%c%c%c': %u at the start, %u left",
               (char)tag, (char)(tag >> 8), (char)(tag >> 16), (char)(tag >> 24), before, now.tags[i].blocks);
  }
  FUZZ_CHECK(KeGetCurrentThread()->KernelApcDisable == 0, "the host's thread is in a critical region");
}

/* ---- the machine ---- */

dbgksim_machine *fuzz_machine(void) { return kit.machine; }

void fuzz_set_era(unsigned number)
{
  static const char *const eras[] = {"win10", "win10", "win7", "xp"};
  kit.machine->pcr.era = era_find(eras[number % 4]);
}

static bool has_ntdll(const char *folder)
{
  char path[sizeof kit.userland + 16];
  snprintf(path, sizeof path, "%s/ntdll.dll", folder);
  return access(path, R_OK) == 0;
}

const char *fuzz_userland(void)
{
  const char *given = getenv("FUZZ_USERLAND");
  if (given && *given)
    return given;
  if (kit.userland[0])
    return kit.userland;
  ssize_t n = readlink("/proc/self/exe", kit.userland, sizeof kit.userland - 16);
  kit.userland[n > 0 ? n : 0] = 0;
  char *slash = strrchr(kit.userland, '/');
  strcpy(slash ? slash + 1 : kit.userland, "userland");
  if (!has_ntdll(kit.userland))
    snprintf(kit.userland, sizeof kit.userland, "%s", FUZZ_USERLAND_DIR);
  return kit.userland;
}

static void open_machine(void)
{
  const struct dbgksim_root app = {fuzz_userland(), "C:\\app", false};
  struct dbgksim_config config;
  dbgksim_config_init(&config);
  config.userland = fuzz_userland();
  config.roots = &app;
  config.root_count = 1;
  if (fuzz_target.configure)
    fuzz_target.configure(&config);
  if (dbgksim_machine_create(&config, &kit.machine) != DBGKSIM_OK)
    fuzz_fail("%s", dbgksim_message(NULL));
  if (kit.digests)
    dbgksim_trace_subscribe(kit.machine, ~(uint64_t)0, digest_record, NULL);
  if (kit.watch_fn)
    dbgksim_trace_subscribe(kit.machine, ~(uint64_t)0, watch_record, NULL);
  if (getenv("FUZZ_TRACE"))
    dbgksim_trace_subscribe(kit.machine, ~DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_SWITCH), print_record, NULL);
  FUZZ_CHECK(machine_enter(kit.machine) == DBGKSIM_OK, "the machine can not be entered");
  struct fuzz_input warm_up = {fuzz_target.warm_up, fuzz_target.warm_up_size, 0};
  kit.warm = false;
  fuzz_target.prepare();
  fuzz_target.run(&warm_up);
  take_stock(&kit.at_start);
  kit.warm = true;
  fuzz_target.prepare();
  machine_leave(kit.machine);
  FUZZ_CHECK(dbgksim_snapshot_take(kit.machine, &kit.start) == DBGKSIM_OK, "no snapshot: %s",
             dbgksim_message(kit.machine));
}

void fuzz_begin(void)
{
  /* Not before the first case: AFL++'s fork server forks before it, and a machine does not survive a fork. */
  if (!kit.machine)
    open_machine();
  else
    FUZZ_CHECK(dbgksim_snapshot_restore(kit.start) == DBGKSIM_OK, "no restore: %s", dbgksim_message(kit.machine));
}

void fuzz_case(const uint8_t *data, size_t size)
{
  struct fuzz_input in = {data, size, 0};
  FUZZ_CHECK(machine_enter(kit.machine) == DBGKSIM_OK, "the machine can not be entered");
  kit.in_case = true;
  kit.digest = 0xCBF29CE484222325u;
  fuzz_target.run(&in);
  machine_leave(kit.machine);
  kit.in_case = false;
}

#ifdef FUZZ_LIBFUZZER
/* Where libFuzzer's counters are; the linker leads the constructors' call here (--wrap). */
static uint8_t *counters;
static size_t counter_count;
void __real___sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop);
void __wrap___sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop);
void __wrap___sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop)
{
  counters = start;
  counter_count = (size_t)(stop - start);
  __real___sanitizer_cov_8bit_counters_init(start, stop);
}

static void forget_coverage(void) { memset(counters, 0, counter_count); }
#else
static void forget_coverage(void) {}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fuzz_begin();
  forget_coverage();
  fuzz_case(data, size);
  return 0;
}
