/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/utf.h"

#define REPLACEMENT 0xFFFDu

uint32_t utf8_next(const char **text)
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

uint32_t utf16_next(const uint16_t *text, size_t count, size_t *at)
{
  uint32_t c = text[(*at)++];
  if (c < 0xD800 || c > 0xDFFF)
    return c;
  if (c > 0xDBFF || *at == count || text[*at] < 0xDC00 || text[*at] > 0xDFFF)
    return REPLACEMENT;
  return 0x10000 + ((c - 0xD800) << 10) + (text[(*at)++] - 0xDC00u);
}

char *utf8_put(char *out, uint32_t code_point)
{
  uint32_t c = code_point;
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

uint16_t *utf16_put(uint16_t *out, uint32_t code_point)
{
  if (code_point >= 0x10000) {
    *out++ = (uint16_t)(0xD7C0 + (code_point >> 10));
    code_point = 0xDC00 | (code_point & 0x3FF);
  }
  *out++ = (uint16_t)code_point;
  return out;
}
