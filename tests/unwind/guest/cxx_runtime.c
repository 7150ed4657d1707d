/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libsupc++ and libgcc take from a C runtime, as little as an exception needs. */
#include <windows.h>

#define heap GetProcessHeap()
int _CRT_MT;

void *malloc(size_t size) { return HeapAlloc(heap, 0, size); }
void *calloc(size_t count, size_t size) { return HeapAlloc(heap, HEAP_ZERO_MEMORY, count * size); }
void *realloc(void *block, size_t size) { return block ? HeapReAlloc(heap, 0, block, size) : malloc(size); }
void free(void *block) { HeapFree(heap, 0, block); }
void abort(void) { ExitProcess(3); }
int atexit(void (*function)(void)) { return !function; }
int __mingwthr_key_dtor(DWORD key, void (*destructor)(void *)) { return !key && !destructor; }

void *memcpy(void *to, const void *from, size_t size)
{
  for (size_t i = 0; i < size; i++)
    ((volatile char *)to)[i] = ((const char *)from)[i];
  return to;
}

void *memset(void *to, int value, size_t size)
{
  for (size_t i = 0; i < size; i++)
    ((volatile char *)to)[i] = (char)value;
  return to;
}

size_t strlen(const char *text)
{
  size_t n = 0;
  while (((const volatile char *)text)[n])
    n++;
  return n;
}

int strncmp(const char *a, const char *b, size_t size)
{
  for (; size; size--, a++, b++)
    if (*a != *b || !*a)
      return (unsigned char)*a - (unsigned char)*b;
  return 0;
}

int strcmp(const char *a, const char *b) { return strncmp(a, b, (size_t)-1); }

/* Messages of a terminate that does not happen. */
static void *no_stream(unsigned index) { return (void)index, (void *)0; }
void *(*__imp___acrt_iob_func)(unsigned) = no_stream;
int fputc(int c, void *stream) { return (void)stream, c; }
int fputs(const char *text, void *stream) { return (void)stream, !text; }
size_t fwrite(const void *data, size_t size, size_t count, void *stream)
{
  (void)data, (void)stream;
  return size * count;
}
int __mingw_vsprintf(char *to, const char *format, va_list list) { return (void)format, (void)list, *to = 0; }
