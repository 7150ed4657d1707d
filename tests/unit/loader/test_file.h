/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file test_file.h  Whole files for tests. */
#ifndef TEST_FILE_H
#define TEST_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/** Reads a file into memory of its exact size (so that a sanitizer sees a read past the end). NULL: unreadable. */
static inline uint8_t *test_read_file(const char *path, size_t *size)
{
  FILE *f = fopen(path, "rb");
  if (f == NULL)
    return NULL;
  uint8_t *bytes = NULL;
  long length = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
  if (length > 0 && fseek(f, 0, SEEK_SET) == 0)
    bytes = malloc((size_t)length);
  if (bytes != NULL && fread(bytes, 1, (size_t)length, f) != (size_t)length) {
    free(bytes);
    bytes = NULL;
  }
  fclose(f);
  *size = length > 0 ? (size_t)length : 0;
  return bytes;
}

#endif
