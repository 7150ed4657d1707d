/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file json.h  Writes one JSON object per line. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** An object or array being written. */
struct json {
  FILE *out;
  bool more; /**< a member was written */
};

/** Begins an object. */
void json_begin(struct json *json, FILE *out);
/** Ends it and the line. */
void json_end(struct json *json);
/** Writes a member. Text is UTF-8; a byte that is not becomes U+FFFD. */
void json_text(struct json *json, const char *name, const char *text);
void json_number(struct json *json, const char *name, uint64_t number);
void json_signed(struct json *json, const char *name, int64_t number);
/** A 64-bit value as "0x..." text, which loses no bits in readers that have only doubles. */
void json_hex(struct json *json, const char *name, uint64_t number);
void json_bool(struct json *json, const char *name, bool value);
/** Writes an array of hexadecimal values. */
void json_hex_array(struct json *json, const char *name, const uint64_t *numbers, size_t count);
/** Writes an array of texts that NULL ends. */
void json_text_array(struct json *json, const char *name, const char *const *texts);

#endif
