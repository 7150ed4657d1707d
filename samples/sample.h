/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file sample.h  What the samples share: a line of output without a C runtime. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <windows.h>

/** Writes text to standard output: %s a string, %u and %x a 64-bit number; nothing else is known. */
static inline void say(const char *format, ...)
{
  char line[256];
  DWORD n = 0, written;
  __builtin_va_list arguments;
  __builtin_va_start(arguments, format);
  for (; *format && n < sizeof(line) - 24; format++) {
    if (*format != '%') {
      line[n++] = *format;
      continue;
    }
    char kind = *++format, digits[20];
    if (kind == 's') {
      for (const char *s = __builtin_va_arg(arguments, const char *); *s && n < sizeof(line) - 24; s++)
        line[n++] = *s;
      continue;
    }
    ULONG64 number = __builtin_va_arg(arguments, ULONG64), base = kind == 'x' ? 16 : 10;
    int count = 0;
    do
      digits[count++] = "0123456789abcdef"[number % base];
    while (number /= base);
    while (count)
      line[n++] = digits[--count];
  }
  __builtin_va_end(arguments);
  WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), line, n, &written, NULL);
}

/** A number for say. */
#define N(value) ((ULONG64)(value))

/* clang guards only calls inside __try: what may fault stands in a function of its own. */
#define APART __attribute__((noinline))

#endif
