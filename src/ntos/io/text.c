/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names in UTF-8: case, order, patterns, and the way to UTF-16 and back. */
#include "ntos/io/io_internal.h"

#define REPLACEMENT 0xFFFDu

uint32_t io_upcase(uint32_t c)
{
  if (c >= 'a' && c <= 'z')
    return c - 0x20;
  if (c < 0xE0)
    return c;
  if (c <= 0xFE)
    return c == 0xF7 ? c : c - 0x20;
  if (c == 0xFF)
    return 0x178;
  if (c >= 0x3B1 && c <= 0x3C9 && c != 0x3C2)
    return c - 0x20;
  if (c >= 0x430 && c <= 0x44F)
    return c - 0x20;
  if (c >= 0x450 && c <= 0x45F)
    return c - 0x50;
  return c;
}

uint32_t io_next_code_point(const char **text)
{
  const unsigned char *p = (const unsigned char *)*text;
  static const uint32_t smallest[4] = {0, 0x80, 0x800, 0x10000};
  unsigned more;
  uint32_t c = p[0];
  if (c == 0)
    return 0;
  if (c < 0x80) {
    (*text)++;
    return c;
  }
  more = c >= 0xF0 && c < 0xF8 ? 3 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xC0 && c < 0xE0 ? 1 : 0;
  c &= 0x3Fu >> more;
  for (unsigned i = 1; i <= more; i++) {
    if ((p[i] & 0xC0) != 0x80) {
      more = 0;
      break;
    }
    c = c << 6 | (p[i] & 0x3Fu);
  }
  if (more == 0 || c < smallest[more] || c > 0x10FFFF) {
    (*text)++;
    return REPLACEMENT;
  }
  *text += more + 1;
  return c;
}

int io_compare_names(const char *left, const char *right)
{
  uint32_t a, b;
  do {
    a = io_upcase(io_next_code_point(&left));
    b = io_upcase(io_next_code_point(&right));
  } while (a == b && a != 0);
  return a < b ? -1 : a > b;
}

/* The pattern as a machine with one state per character: `active[i]` says that the first i characters can have matched
 * what was read so far. Linear in pattern times name, whatever the guest wrote. */
struct pattern {
  uint32_t code_points[IO_MAX_COMPONENT + 1];
  bool active[IO_MAX_COMPONENT + 2];
  size_t length;
};

static bool may_match_nothing(uint32_t c, bool at_dot_or_end, bool at_end)
{
  return c == '*' || c == '<' || (c == '>' && at_dot_or_end) || (c == '"' && at_end);
}

static void close_states(struct pattern *p, bool at_dot_or_end, bool at_end)
{
  for (size_t i = 0; i < p->length; i++) {
    if (p->active[i] && may_match_nothing(p->code_points[i], at_dot_or_end, at_end))
      p->active[i + 1] = true;
  }
}

static void step(struct pattern *p, uint32_t c, bool is_last_dot)
{
  for (size_t i = p->length + 1; i-- > 0;) {
    bool stays = false;
    bool comes = false;
    if (i < p->length) {
      uint32_t state = p->code_points[i];
      /* DOS_STAR takes everything but the last dot of the name. */
      stays = p->active[i] && (state == '*' || (state == '<' && !is_last_dot));
    }
    if (i > 0 && p->active[i - 1]) {
      uint32_t state = p->code_points[i - 1];
      comes = state == '?' || (state == '>' && c != '.') || (state == '"' && c == '.') ||
              (state != '*' && state != '<' && state == c);
    }
    p->active[i] = stays || comes;
  }
}

bool io_name_matches(const char *pattern, const char *name)
{
  struct pattern p = {.length = 0};
  const char *last_dot = strrchr(name, '.');
  if (strcmp(pattern, "*.*") == 0)
    return true;
  for (uint32_t c; (c = io_next_code_point(&pattern)) != 0;) {
    if (p.length == IO_MAX_COMPONENT)
      return false;
    p.code_points[p.length++] = io_upcase(c);
  }
  p.active[0] = true;
  while (*name != 0) {
    bool is_last_dot = name == last_dot;
    close_states(&p, *name == '.', false);
    step(&p, io_upcase(io_next_code_point(&name)), is_last_dot);
  }
  close_states(&p, true, true);
  return p.active[p.length];
}

WCHAR *io_utf16(const char *text, ULONG *bytes)
{
  size_t n = 0;
  WCHAR *out = ExAllocatePoolWithTag((strlen(text) + 1) * sizeof(WCHAR), IO_TAG);
  if (out == NULL)
    return NULL;
  for (uint32_t c; (c = io_next_code_point(&text)) != 0;) {
    if (c >= 0x10000) {
      out[n++] = (WCHAR)(0xD7C0 + (c >> 10));
      c = 0xDC00 | (c & 0x3FF);
    }
    out[n++] = (WCHAR)c;
  }
  *bytes = (ULONG)(n * sizeof(WCHAR));
  return out;
}

static char *put_utf8(char *out, uint32_t c)
{
  if (c < 0x80) {
    *out++ = (char)c;
    return out;
  }
  if (c < 0x800) {
    *out++ = (char)(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      *out++ = (char)(0xE0 | c >> 12);
    } else {
      *out++ = (char)(0xF0 | c >> 18);
      *out++ = (char)(0x80 | (c >> 12 & 0x3F));
    }
    *out++ = (char)(0x80 | (c >> 6 & 0x3F));
  }
  *out++ = (char)(0x80 | (c & 0x3F));
  return out;
}

char *io_utf8(const WCHAR *text, size_t characters)
{
  char *out = ExAllocatePoolWithTag(characters * 3 + 1, IO_TAG);
  char *p = out;
  if (out == NULL)
    return NULL;
  for (size_t i = 0; i < characters && text[i] != 0; i++) {
    uint32_t c = text[i];
    if (c >= 0xD800 && c < 0xDC00 && i + 1 < characters && text[i + 1] >= 0xDC00 && text[i + 1] < 0xE000)
      c = 0x10000 + ((c & 0x3FF) << 10) + (text[++i] & 0x3FFu);
    p = put_utf8(p, c);
  }
  *p = 0;
  return out;
}
