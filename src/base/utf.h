/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file utf.h  UTF-8 and UTF-16, code point by code point; what is malformed becomes U+FFFD. */
#ifndef BASE_UTF_H
#define BASE_UTF_H

#include <stddef.h>
#include <stdint.h>

/** Takes the next code point of NUL-terminated UTF-8; 0 at its end, which is not passed. */
uint32_t utf8_next(const char **text);
/** Takes the next code point of `count` UTF-16 units at *at, which is below count. */
uint32_t utf16_next(const uint16_t *text, size_t count, size_t *at);
/** Writes a code point as UTF-8 (up to 4 bytes); the place behind it. */
char *utf8_put(char *out, uint32_t code_point);
/** Writes a code point as UTF-16 (1 or 2 units); the place behind it. */
uint16_t *utf16_put(uint16_t *out, uint32_t code_point);

#endif
