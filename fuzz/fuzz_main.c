/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a target without a fuzzing engine, with any compiler: reproduces findings, replays a corpus, measures.
 *
 * TARGET [-mutate=N] [-seed=S] [-repeat=N] [-twice] [-time] FILE-OR-FOLDER...
 *   -mutate=N  after the files, N cases that are random changes of them (the same for the same seed)
 *   -repeat=N  each file N times
 *   -twice     all cases once more in the opposite order: each must leave the same trace, whatever ran before it
 *   -time      prints cases per second
 * Exit status 0: every case was clean. A finding aborts; the file that was running is named before. */
#include "fuzz_kit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MAX_SIZE 4096u
#define MAX_CASES 20000u

struct saved {
  uint8_t *bytes;
  size_t size;
  uint64_t digest;
};

static struct saved cases[MAX_CASES];
static unsigned case_count, repeat = 1;
static unsigned long long executed;
static uint64_t random_state;
static bool twice;

static uint32_t below(uint32_t n)
{
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(random_state >> 33) % n;
}

/* Keeps a case for mutations and for -twice. */
static void save(const uint8_t *bytes, size_t size)
{
  struct saved *saved = &cases[case_count];
  if (case_count == MAX_CASES || !(saved->bytes = malloc(size ? size : 1)))
    return;
  memcpy(saved->bytes, bytes, size);
  saved->size = size;
  saved->digest = fuzz_digest();
  case_count++;
}

static void run_file(const char *path)
{
  uint8_t bytes[MAX_SIZE];
  FILE *file = fopen(path, "rb");
  if (!file) {
    fprintf(stderr, "%s: can not be read\n", path);
    exit(2);
  }
  size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  fprintf(stderr, "%s: %zu bytes\n", path, size);
  for (unsigned i = 0; i < repeat; i++, executed++)
    LLVMFuzzerTestOneInput(bytes, size);
  save(bytes, size);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void run_folder(const char *path)
{
  char **names = NULL;
  size_t count = 0;
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
    if (entry->d_name[0] == '.')
      continue;
    char **more = realloc(names, (count + 1) * sizeof *names);
    if (!more)
      exit(2);
    names = more;
    names[count++] = strdup(entry->d_name);
  }
  if (folder)
    closedir(folder);
  if (count)
    qsort(names, count, sizeof *names, by_name);
  for (size_t i = 0; i < count; i++) {
    char file[4096];
    snprintf(file, sizeof file, "%s/%s", path, names[i]);
    run_file(file);
    free(names[i]);
  }
  free(names);
}

static size_t mutate(uint8_t *bytes, size_t size)
{
  static const uint8_t special[] = {0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF};
  for (unsigned n = 1 + below(8); n; n--) {
    size_t at = size ? below((uint32_t)size) : 0;
    switch (below(5)) {
    case 0:
      if (size)
        bytes[at] = (uint8_t)below(256);
      break;
    case 1:
      if (size)
        bytes[at] = special[below(sizeof special)];
      break;
    case 2:
      if (size < MAX_SIZE) {
        memmove(bytes + at + 1, bytes + at, size - at);
        bytes[at] = (uint8_t)below(256);
        size++;
      }
      break;
    case 3:
      if (size) {
        memmove(bytes + at, bytes + at + 1, size - at - 1);
        size--;
      }
      break;
    default: {
      const struct saved *other = &cases[below(case_count)];
      size_t n_copied = other->size ? 1 + below(other->size < 32 ? (uint32_t)other->size : 32) : 0;
      size_t from = n_copied ? below((uint32_t)(other->size - n_copied + 1)) : 0;
      if (at + n_copied <= MAX_SIZE && n_copied) {
        memcpy(bytes + at, other->bytes + from, n_copied);
        size = at + n_copied > size ? at + n_copied : size;
      }
    }
    }
  }
  return size;
}

/* A finding ends the program: the input must be on disk before. */
static bool write_artefact(const uint8_t *bytes, size_t size)
{
  const char *artefact = getenv("FUZZ_ARTEFACT");
  FILE *file = artefact ? fopen(artefact, "wb") : NULL;
  if (!file)
    return false;
  fwrite(bytes, 1, size, file);
  fclose(file);
  return true;
}

static void run_mutated(unsigned number)
{
  uint8_t bytes[MAX_SIZE];
  const struct saved *from = &cases[below(case_count)];
  memcpy(bytes, from->bytes, from->size);
  size_t size = mutate(bytes, from->size);
  if (!write_artefact(bytes, size) && number % 1000 == 0)
    fprintf(stderr, "mutated %u\n", number);
  LLVMFuzzerTestOneInput(bytes, size);
  executed++;
  if (twice)
    save(bytes, size);
}

static void run_again(void)
{
  for (unsigned i = case_count; i-- > 0; executed++) {
    write_artefact(cases[i].bytes, cases[i].size);
    LLVMFuzzerTestOneInput(cases[i].bytes, cases[i].size);
    if (fuzz_digest() != cases[i].digest)
      fuzz_fail("case %u of %zu bytes ran differently the second time", i, cases[i].size);
  }
}

int main(int argc, char **argv)
{
  unsigned mutations = 0;
  bool timed = false;
  random_state = 1;
  for (int i = 1; i < argc && argv[i][0] == '-'; i++) {
    if (sscanf(argv[i], "-mutate=%u", &mutations) == 1 || sscanf(argv[i], "-repeat=%u", &repeat) == 1)
      continue;
    if (!strncmp(argv[i], "-seed=", 6))
      random_state = strtoull(argv[i] + 6, NULL, 0);
    else if (!strcmp(argv[i], "-twice"))
      twice = true;
    else if (!strcmp(argv[i], "-time"))
      timed = true;
    else {
      fprintf(stderr, "use: %s [-mutate=N] [-seed=S] [-repeat=N] [-twice] [-time] FILE-OR-FOLDER...\n", argv[0]);
      return 2;
    }
  }
  if (twice)
    fuzz_keep_digest();
  clock_t start = clock();
  for (int i = 1; i < argc; i++) {
    struct stat facts;
    if (argv[i][0] == '-')
      continue;
    if (stat(argv[i], &facts) == 0 && S_ISDIR(facts.st_mode))
      run_folder(argv[i]);
    else
      run_file(argv[i]);
  }
  for (unsigned i = 0; case_count && i < mutations; i++)
    run_mutated(i);
  if (twice)
    run_again();
  double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
  fprintf(stderr, "%s: %llu cases, no finding\n", fuzz_target.name, executed);
  if (timed)
    printf("%.1f cases per second\n", (double)executed / (seconds > 0 ? seconds : 1e-9));
  return 0;
}
