/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file sanitizer.h  What src/base tells AddressSanitizer and LeakSanitizer; nothing in a plain build. */
#ifndef BASE_SANITIZER_H
#define BASE_SANITIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__)
#define BASE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BASE_ASAN 1
#endif
#endif
#ifndef BASE_ASAN
#define BASE_ASAN 0
#endif

#if BASE_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#define BASE_NO_ASAN __attribute__((no_sanitize_address))
#define BASE_POISON(address, size) __asan_poison_memory_region(address, size)
#define BASE_UNPOISON(address, size) __asan_unpoison_memory_region(address, size)
#else
#define BASE_NO_ASAN
#define BASE_POISON(address, size) ((void)(address), (void)(size))
#define BASE_UNPOISON(address, size) ((void)(address), (void)(size))
#endif

/** memcpy of memory that may be poisoned. */
void sanitizer_copy(void *to, const void *from, size_t size);
/** Copies the poison marks of a range into malloc'ed *shadow (NULL in a plain build). False: no memory. */
bool sanitizer_save_shadow(const void *address, size_t size, uint8_t **shadow);
/** Puts the poison marks of a range back. */
void sanitizer_load_shadow(void *address, size_t size, const uint8_t *shadow);

#endif
