/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_hardware [SEED] [COUNT] [CASE]: runs COUNT random instructions on the host and in src/emu, or shows one CASE.
 * Exit status 0: every difference is a known one; 1: not so; 77: this host cannot be compared with. */
#include "hardware.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SEED 1
#define DEFAULT_COUNT 5000
#define BATCH 256
#define MAX_GROUPS 1024
#define SKIPPED 77

/* Differences of one kind: the same opcode differs in the same way. */
struct group {
  char key[160];
  unsigned cases, first;
  char example[160];
};

struct report {
  struct group group[MAX_GROUPS];
  unsigned groups;
  unsigned compared, equal, known, failed;
  unsigned by_vector[256];
};

static void describe(const struct test_case *c, const struct outcome *a, const struct outcome *b, unsigned aspects,
                     const char *reason, char *out, size_t size)
{
  static const char *const map[] = {"", "0F ", "0F 38 ", "0F 3A "};
  static const char *const prefix[] = {"", "", "66 ", "", "F3 ", "", "", "", "F2 "};
  struct instruction i;
  char names[128], form[16] = "", vectors[48] = "";
  if (reason != NULL) {
    snprintf(out, size, "known: %s", reason);
    return;
  }
  parse_instruction(c->code, c->length, &i);
  aspect_names(aspects, names, sizeof names);
  if (i.has_modrm)
    snprintf(form, sizeof form, " /%u %s", modrm_reg(&i), modrm_memory(&i) ? "mem" : "reg");
  if ((aspects & ASPECT_VECTOR) != 0)
    snprintf(vectors, sizeof vectors, " (%u.%u, here %u.%u)", a->kind, a->vector, b->kind, b->vector);
  snprintf(out, size, "%s%s%s%02X%s: %s%s", i.lock ? "lock " : "", prefix[i.mandatory], map[i.map], i.opcode, form,
           names, vectors);
}

static void add_difference(struct report *r, const struct test_case *c, const char *key)
{
  struct group *g = r->group;
  while (g < r->group + r->groups && strcmp(g->key, key) != 0)
    g++;
  if (g == r->group + MAX_GROUPS)
    return;
  if (g == r->group + r->groups) {
    r->groups++;
    snprintf(g->key, sizeof g->key, "%s", key);
    g->first = c->number;
    disassemble(c->code, c->length, c->rip, g->example, sizeof g->example);
  }
  g->cases++;
}

static void compare_case(struct report *r, const struct test_case *c, const struct outcome *native,
                         const struct outcome *emulated)
{
  char key[160];
  if (native->kind == OUTCOME_FAILED) {
    r->failed++;
    return;
  }
  r->compared++;
  if (native->kind == OUTCOME_EXCEPTION)
    r->by_vector[native->vector & 0xFF]++;
  unsigned aspects = compare_outcomes(c, native, emulated);
  if (aspects == 0) {
    r->equal++;
    return;
  }
  const struct known_difference *k = find_known(c, native, emulated, aspects);
  r->known += k != NULL;
  describe(c, native, emulated, aspects, k != NULL ? known_reason(k) : NULL, key, sizeof key);
  add_difference(r, c, key);
}

static void print_report(const struct report *r)
{
  printf("%u cases compared: %u equal, %u differ in a known way, %u differ otherwise; %u without an answer\n",
         r->compared, r->equal, r->known, r->compared - r->equal - r->known, r->failed);
  printf("ended on the host by vector");
  for (unsigned i = 0; i < 256; i++) {
    if (r->by_vector[i] != 0)
      printf(" %u: %u", i, r->by_vector[i]);
  }
  printf("\n");
  for (unsigned i = 0; i < r->groups; i++)
    printf("%6u  %s; case %u: %s\n", r->group[i].cases, r->group[i].key, r->group[i].first, r->group[i].example);
}

static int run_cases(struct native *host, struct emulator *e, uint64_t seed, unsigned first, unsigned count, bool show)
{
  static struct report report;
  static struct outcome emulated;
  static struct test_case c;
  const struct outcome *native;
  for (unsigned done = 0; done < count;) {
    unsigned n = count - done < BATCH ? count - done : BATCH;
    if (!native_run(host, seed, first + done, n, &native))
      return SKIPPED;
    for (unsigned i = 0; i < n; i++) {
      generate_case(seed, first + done + i, &c);
      emulator_run(e, &c, &emulated);
      compare_case(&report, &c, &native[i], &emulated);
      if (show)
        print_case(&c, &native[i], &emulated, compare_outcomes(&c, &native[i], &emulated));
    }
    done += n;
  }
  print_report(&report);
  return report.equal + report.known == report.compared && report.failed * 1000 <= count ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
  uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : DEFAULT_SEED;
  unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : DEFAULT_COUNT;
  bool show = argc > 3;
  unsigned first = show ? (unsigned)strtoul(argv[3], NULL, 0) : 0;
  struct native *host = native_open(BATCH);
  if (host == NULL)
    return SKIPPED;
  struct emulator *e = emulator_open();
  int status = e != NULL ? run_cases(host, e, seed, first, show ? 1 : count, show) : EXIT_FAILURE;
  if (e != NULL)
    emulator_close(e);
  native_close(host);
  return status;
}
