/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the C library that ntdll has. */
#include "ntdllp.h"

void *memcpy(void *to, const void *from, size_t size)
{
  void *result = to;
  size_t quads = size / 8, rest = size % 8;
  __asm__ volatile("rep movsq\n\tmov %3, %%rcx\n\trep movsb"
                   : "+D"(to), "+S"(from), "+c"(quads)
                   : "r"(rest)
                   : "memory");
  return result;
}

void *memmove(void *to, const void *from, size_t size)
{
  UCHAR *d = to;
  const UCHAR *s = from;
  if (d <= s || d >= s + size)
    return memcpy(to, from, size);
  while (size--)
    d[size] = s[size];
  return to;
}

void *memset(void *to, int value, size_t size)
{
  void *result = to;
  size_t quads = size / 8, rest = size % 8;
  ULONG64 pattern = (value & 0xFF) * 0x0101010101010101ull;
  __asm__ volatile("rep stosq\n\tmov %2, %%rcx\n\trep stosb"
                   : "+D"(to), "+c"(quads)
                   : "r"(rest), "a"(pattern)
                   : "memory");
  return result;
}

int memcmp(const void *a, const void *b, size_t size)
{
  const UCHAR *left = a, *right = b;
  for (size_t i = 0; i < size; i++)
    if (left[i] != right[i])
      return left[i] < right[i] ? -1 : 1;
  return 0;
}
