/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The C library's numbers from texts, sorting and searching, as ntdll exports them. */
#define _CRTIMP /* they are here, not imported */
#include "ntdllp.h"

/** A number in a text of either width. */
typedef struct {
  const UCHAR *Start;
  ULONG Width; /**< bytes of a character */
} TEXT_AT;

static WCHAR at(TEXT_AT text, size_t i) { return text.Width == 1 ? text.Start[i] : ((const WCHAR *)text.Start)[i]; }

static ULONG digit_of(WCHAR c)
{
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'z' ? c - 'a' + 10u
         : c >= 'A' && c <= 'Z' ? c - 'A' + 10u
                                : 99;
}

/* The value, its sign apart; what is too large is all ones. *end: characters that were read, 0 if there is no number.
 */
static ULONG64 parse(TEXT_AT text, int base, BOOLEAN *negative, BOOLEAN *overflow, size_t *end)
{
  size_t i = 0, digits;
  ULONG64 value = 0;
  *overflow = FALSE;
  while (at(text, i) == ' ' || (at(text, i) >= '\t' && at(text, i) <= '\r'))
    i++;
  *negative = at(text, i) == '-';
  if (at(text, i) == '-' || at(text, i) == '+')
    i++;
  if ((!base || base == 16) && at(text, i) == '0' && (at(text, i + 1) | 32) == 'x' && digit_of(at(text, i + 2)) < 16) {
    i += 2;
    base = 16;
  } else if (!base) {
    base = at(text, i) == '0' ? 8 : 10;
  }
  for (digits = 0; digit_of(at(text, i)) < (ULONG)base; digits++, i++) {
    ULONG64 next = value * (ULONG64)base + digit_of(at(text, i));
    if (value > (~0ull - digit_of(at(text, i))) / (ULONG64)base)
      *overflow = TRUE;
    value = next;
  }
  if (*overflow)
    value = ~0ull;
  *end = digits ? i : 0;
  return value;
}

static LONG64 to_signed(TEXT_AT text, int base, size_t *end, ULONG64 most)
{
  BOOLEAN negative, overflow;
  ULONG64 value = parse(text, base, &negative, &overflow, end);
  if (value > most + negative)
    value = most + negative;
  return (LONG64)(negative ? 0 - value : value);
}

static ULONG64 to_unsigned(TEXT_AT text, int base, size_t *end, ULONG64 most)
{
  BOOLEAN negative, overflow;
  ULONG64 value = parse(text, base, &negative, &overflow, end);
  if (value > most)
    return most;
  return negative ? 0 - value : value;
}

#define TEXT_FUNCTIONS(CHAR, SIGNED, UNSIGNED)                                                                         \
  long SIGNED(const CHAR *text, CHAR **end, int base)                                                                  \
  {                                                                                                                    \
    size_t length;                                                                                                     \
    long value = (long)to_signed((TEXT_AT){(const UCHAR *)text, sizeof(CHAR)}, base, &length, 0x7FFFFFFF);             \
    if (end)                                                                                                           \
      *end = (CHAR *)text + length;                                                                                    \
    return value;                                                                                                      \
  }                                                                                                                    \
  unsigned long UNSIGNED(const CHAR *text, CHAR **end, int base)                                                       \
  {                                                                                                                    \
    size_t length;                                                                                                     \
    unsigned long value =                                                                                              \
        (unsigned long)to_unsigned((TEXT_AT){(const UCHAR *)text, sizeof(CHAR)}, base, &length, 0xFFFFFFFF);           \
    if (end)                                                                                                           \
      *end = (CHAR *)text + length;                                                                                    \
    return value;                                                                                                      \
  }
TEXT_FUNCTIONS(char, strtol, strtoul)
TEXT_FUNCTIONS(WCHAR, wcstol, wcstoul)

static LONG64 decimal(const void *text, ULONG width)
{
  size_t length;
  return to_signed((TEXT_AT){text, width}, 10, &length, 0x7FFFFFFFFFFFFFFF);
}

int atoi(const char *text) { return (int)decimal(text, 1); }
long atol(const char *text) { return (long)decimal(text, 1); }
__int64 _atoi64(const char *text) { return decimal(text, 1); }
int _wtoi(const WCHAR *text) { return (int)decimal(text, 2); }
long _wtol(const WCHAR *text) { return (long)decimal(text, 2); }
__int64 _wtoi64(const WCHAR *text) { return decimal(text, 2); }
int abs(int value) { return value < 0 ? -value : value; }
long labs(long value) { return value < 0 ? -value : value; }

/* ---- sorting and searching ---- */

static void swap(UCHAR *a, UCHAR *b, size_t size)
{
  while (size--) {
    UCHAR byte = a[size];
    a[size] = b[size];
    b[size] = byte;
  }
}

/* Moves an element down a heap of which it is the only one out of place. */
static void sift(UCHAR *base, size_t root, size_t count, size_t size, int (*compare)(const void *, const void *))
{
  for (size_t child = root * 2 + 1; child < count; root = child, child = root * 2 + 1) {
    if (child + 1 < count && compare(base + child * size, base + (child + 1) * size) < 0)
      child++;
    if (compare(base + root * size, base + child * size) >= 0)
      return;
    swap(base + root * size, base + child * size, size);
  }
}

void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
  for (size_t i = count / 2; i--;)
    sift(base, i, count, size, compare);
  for (size_t i = count; i-- > 1;) {
    swap(base, (UCHAR *)base + i * size, size);
    sift(base, 0, i, size, compare);
  }
}

void *bsearch(const void *key, const void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
  const UCHAR *low = base;
  while (count) {
    const UCHAR *middle = low + count / 2 * size;
    int order = compare(key, middle);
    if (!order)
      return (void *)middle;
    if (order > 0)
      low = middle + size;
    count = order > 0 ? count - count / 2 - 1 : count / 2;
  }
  return NULL;
}
