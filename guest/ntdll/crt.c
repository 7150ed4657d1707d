/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the C library that ntdll has. */
#include "ntdllp.h"

void *memcpy(void *to, const void *from, size_t size)
{
  void *result = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
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
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
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
