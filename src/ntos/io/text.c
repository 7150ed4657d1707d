/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names in UTF-8: case, order, patterns, and the way to UTF-16 and back. */
#include "base/utf.h"
#include "ntos/io/io_internal.h"

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

int io_compare_names(const char *left, const char *right)
{
  uint32_t a, b;
  do {
    a = io_upcase(utf8_next(&left));
    b = io_upcase(utf8_next(&right));
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
  for (uint32_t c; (c = utf8_next(&pattern)) != 0;) {
    if (p.length == IO_MAX_COMPONENT)
      return false;
    p.code_points[p.length++] = io_upcase(c);
  }
  p.active[0] = true;
  while (*name != 0) {
    bool is_last_dot = name == last_dot;
    close_states(&p, *name == '.', false);
    step(&p, io_upcase(utf8_next(&name)), is_last_dot);
  }
  close_states(&p, true, true);
  return p.active[p.length];
}

WCHAR *io_utf16(const char *text, ULONG *bytes)
{
  WCHAR *out = ExAllocatePoolWithTag((strlen(text) + 1) * sizeof(WCHAR), IO_TAG), *p = out;
  if (out == NULL)
    return NULL;
  for (uint32_t c; (c = utf8_next(&text)) != 0;)
    p = utf16_put(p, c);
  *bytes = (ULONG)((size_t)(p - out) * sizeof(WCHAR));
  return out;
}

char *io_utf8(const WCHAR *text, size_t characters)
{
  char *out = ExAllocatePoolWithTag(characters * 3 + 1, IO_TAG);
  char *p = out;
  if (out == NULL)
    return NULL;
  for (size_t i = 0; i < characters && text[i] != 0;)
    p = utf8_put(p, utf16_next(text, characters, &i));
  *p = 0;
  return out;
}
