/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/json.h"

#include <inttypes.h>

/* Bytes of a well-formed UTF-8 sequence at `p`, 0 if there is none. */
static unsigned sequence_length(const unsigned char *p)
{
  unsigned n = p[0] < 0x80                   ? 1
               : p[0] >= 0xC2 && p[0] < 0xE0 ? 2
               : (p[0] & 0xF0) == 0xE0       ? 3
               : p[0] >= 0xF0 && p[0] < 0xF5 ? 4
                                             : 0;
  for (unsigned i = 1; i < n; i++)
    if ((p[i] & 0xC0) != 0x80)
      return 0;
  if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] >= 0xA0) || (p[0] == 0xF0 && p[1] < 0x90) ||
      (p[0] == 0xF4 && p[1] >= 0x90))
    return 0;
  return n;
}

static void put_text(FILE *out, const char *text)
{
  fputc('"', out);
  for (const unsigned char *p = (const unsigned char *)text; *p;) {
    unsigned n = sequence_length(p);
    if (!n) {
      fputs("\\ufffd", out);
      p++;
      continue;
    }
    if (*p == '"' || *p == '\\')
      fprintf(out, "\\%c", *p);
    else if (*p == '\n')
      fputs("\\n", out);
    else if (*p < 0x20 || *p == 0x7F)
      fprintf(out, "\\u%04x", *p);
    else
      fwrite(p, 1, n, out);
    p += n;
  }
  fputc('"', out);
}

static void put_name(struct json *json, const char *name)
{
  fprintf(json->out, "%s\"%s\":", json->more ? "," : "", name);
  json->more = true;
}

void json_begin(struct json *json, FILE *out)
{
  json->out = out;
  json->more = false;
  fputc('{', out);
}

void json_end(struct json *json) { fputs("}\n", json->out); }

void json_text(struct json *json, const char *name, const char *text)
{
  put_name(json, name);
  put_text(json->out, text);
}

void json_number(struct json *json, const char *name, uint64_t number)
{
  put_name(json, name);
  fprintf(json->out, "%" PRIu64, number);
}

void json_signed(struct json *json, const char *name, int64_t number)
{
  put_name(json, name);
  fprintf(json->out, "%" PRId64, number);
}

void json_hex(struct json *json, const char *name, uint64_t number)
{
  put_name(json, name);
  fprintf(json->out, "\"0x%" PRIx64 "\"", number);
}

void json_bool(struct json *json, const char *name, bool value)
{
  put_name(json, name);
  fputs(value ? "true" : "false", json->out);
}

void json_hex_array(struct json *json, const char *name, const uint64_t *numbers, size_t count)
{
  put_name(json, name);
  fputc('[', json->out);
  for (size_t i = 0; i < count; i++)
    fprintf(json->out, "%s\"0x%" PRIx64 "\"", i ? "," : "", numbers[i]);
  fputc(']', json->out);
}

void json_text_array(struct json *json, const char *name, const char *const *texts)
{
  put_name(json, name);
  fputc('[', json->out);
  for (size_t i = 0; texts[i]; i++) {
    if (i)
      fputc(',', json->out);
    put_text(json->out, texts[i]);
  }
  fputc(']', json->out);
}
