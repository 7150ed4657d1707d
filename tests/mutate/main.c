/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mutate_pe SEED INPUT OUTPUT: writes one damaged copy and says what was done to it. */
#include "mutate_pe.h"

#include <stdio.h>
#include <stdlib.h>

static uint8_t *read_whole(const char *path, size_t *size)
{
  FILE *f = fopen(path, "rb");
  if (f == NULL)
    return NULL;
  uint8_t *bytes = NULL;
  long length = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
  if (length >= 0 && fseek(f, 0, SEEK_SET) == 0)
    bytes = malloc((size_t)length + 1);
  if (bytes != NULL && fread(bytes, 1, (size_t)length, f) != (size_t)length) {
    free(bytes);
    bytes = NULL;
  }
  fclose(f);
  *size = length < 0 ? 0 : (size_t)length;
  return bytes;
}

int main(int argc, char **argv)
{
  if (argc != 4) {
    fprintf(stderr, "usage: mutate_pe SEED INPUT OUTPUT\n");
    return 2;
  }
  size_t size;
  uint8_t *in = read_whole(argv[2], &size);
  uint8_t *out = in == NULL ? NULL : malloc(size + MUTATE_PE_GROWTH);
  if (out == NULL) {
    fprintf(stderr, "mutate_pe: cannot read %s\n", argv[2]);
    free(in);
    return 2;
  }
  char what[512];
  size_t written = mutate_pe(strtoull(argv[1], NULL, 0), in, size, out, what, sizeof(what));
  FILE *f = fopen(argv[3], "wb");
  int failed = f == NULL || fwrite(out, 1, written, f) != written;
  if (f != NULL && fclose(f) != 0)
    failed = 1;
  if (failed)
    fprintf(stderr, "mutate_pe: cannot write %s\n", argv[3]);
  else
    printf("seed %s:%s\n", argv[1], what);
  free(in);
  free(out);
  return failed ? 2 : 0;
}
