/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/sanitizer.h"

#include <stdlib.h>
#include <string.h>

#if BASE_ASAN

/* Eight bytes have one byte of marks, at address / 8 + offset. */
#define SHADOW_SHIFT 3

BASE_NO_ASAN static uint8_t *shadow_of(const void *address)
{
  size_t scale, offset;
  __asan_get_shadow_mapping(&scale, &offset);
  return (uint8_t *)(((uintptr_t)address >> SHADOW_SHIFT) + offset);
}

/* A call of memcpy would be checked by its interceptor. */
BASE_NO_ASAN static void copy_unchecked(volatile uint8_t *to, const volatile uint8_t *from, size_t size)
{
  size_t i = 0;
  if ((((uintptr_t)to | (uintptr_t)from) & 7) == 0) {
    for (; i + 8 <= size; i += 8)
      *(volatile uint64_t *)(uintptr_t)(to + i) = *(const volatile uint64_t *)(uintptr_t)(from + i);
  }
  for (; i < size; i++)
    to[i] = from[i];
}

void sanitizer_copy(void *to, const void *from, size_t size) { copy_unchecked(to, from, size); }

static size_t shadow_size(size_t size) { return (size + (1u << SHADOW_SHIFT) - 1) >> SHADOW_SHIFT; }

bool sanitizer_save_shadow(const void *address, size_t size, uint8_t **shadow)
{
  *shadow = malloc(shadow_size(size) + 1);
  if (*shadow == NULL)
    return false;
  copy_unchecked(*shadow, shadow_of(address), shadow_size(size));
  return true;
}

void sanitizer_load_shadow(void *address, size_t size, const uint8_t *shadow)
{
  copy_unchecked(shadow_of(address), shadow, shadow_size(size));
}

#else

void sanitizer_copy(void *to, const void *from, size_t size) { memcpy(to, from, size); }

bool sanitizer_save_shadow(const void *address, size_t size, uint8_t **shadow)
{
  (void)address, (void)size;
  *shadow = NULL;
  return true;
}

void sanitizer_load_shadow(void *address, size_t size, const uint8_t *shadow)
{
  (void)address, (void)size, (void)shadow;
}

#endif
