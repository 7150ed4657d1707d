/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formatted text: the conversions of the C runtime but for floating point, and %wZ and %Z. Compiled for both widths of
 * characters: format_wide.c includes this file. */
#include "ntdllp.h"

#ifndef FORMAT_FUNCTION
#define FORMAT_FUNCTION RtlpFormat
#define FORMAT_CHAR char
#endif
#define FORMAT_WIDE (sizeof(FORMAT_CHAR) == sizeof(WCHAR))

typedef struct {
  FORMAT_CHAR *At, *End; /**< characters behind End are only counted */
  ULONG Count;
} OUTPUT;

typedef struct {
  BOOLEAN Left, Zero, Sign, Space, Alternate;
  ULONG Width;
  LONG Precision;  /**< -1: none */
  ULONG Bytes;     /**< of an integer */
  BOOLEAN Wide;
} CONVERSION;

static void put(OUTPUT *out, WCHAR c)
{
  if (out->At < out->End)
    *out->At++ = (FORMAT_CHAR)(FORMAT_WIDE || c < 0x100 ? c : '?');
  out->Count++;
}

static void pad(OUTPUT *out, WCHAR c, ULONG width, ULONG length)
{
  for (; length < width; length++)
    put(out, c);
}

static void put_text(OUTPUT *out, const CONVERSION *c, const void *text, ULONG length, BOOLEAN wide)
{
  if (!c->Left)
    pad(out, ' ', c->Width, length);
  for (ULONG i = 0; i < length; i++) {
    put(out, wide ? ((const WCHAR *)text)[i] : ((const UCHAR *)text)[i]);
  }
  if (c->Left)
    pad(out, ' ', c->Width, length);
}

static void put_string(OUTPUT *out, const CONVERSION *c, const void *text, BOOLEAN wide)
{
  ULONG length = 0, most = c->Precision < 0 ? 0xFFFF : (ULONG)c->Precision;
  if (!text) {
    text = "(null)";
    wide = FALSE;
  }
  while (length < most && (wide ? ((const WCHAR *)text)[length] : ((const char *)text)[length]))
    length++;
  put_text(out, c, text, length, wide);
}

static void put_counted(OUTPUT *out, const CONVERSION *c, const UNICODE_STRING *string)
{
  if (!string || !string->Buffer)
    put_string(out, c, NULL, FALSE);
  else
    put_text(out, c, string->Buffer, c->Wide ? string->Length / 2u : string->Length, c->Wide);
}

static void put_number(OUTPUT *out, const CONVERSION *c, ULONG64 value, ULONG base, const char *prefix, BOOLEAN upper)
{
  char digits[24];
  ULONG count = 0, prefix_length = 0, zeros;
  for (; value; value /= base)
    digits[count++] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];
  if (!count && c->Precision)
    digits[count++] = '0';
  while (prefix[prefix_length])
    prefix_length++;
  zeros = c->Precision > (LONG)count ? (ULONG)c->Precision - count : 0;
  if (c->Zero && !c->Left && c->Precision < 0 && c->Width > count + prefix_length)
    zeros = c->Width - count - prefix_length;
  ULONG length = prefix_length + zeros + count;
  if (!c->Left)
    pad(out, ' ', c->Width, length);
  for (ULONG i = 0; i < prefix_length; i++)
    put(out, (WCHAR)prefix[i]);
  pad(out, '0', zeros, 0);
  while (count)
    put(out, (WCHAR)digits[--count]);
  if (c->Left)
    pad(out, ' ', c->Width, length);
}

static const FORMAT_CHAR *read_number(const FORMAT_CHAR *format, ULONG *number)
{
  for (*number = 0; *format >= '0' && *format <= '9'; format++)
    *number = *number * 10 + (ULONG)(*format - '0');
  return format;
}

static const FORMAT_CHAR *read_size(const FORMAT_CHAR *format, CONVERSION *c)
{
  for (;; format++) {
    if (format[0] == 'l' && format[1] == 'l') {
      c->Bytes = 8;
      format++;
    } else if (format[0] == 'I' && format[1] == '6' && format[2] == '4') {
      c->Bytes = 8;
      format += 2;
    } else if (format[0] == 'I' && format[1] == '3' && format[2] == '2') {
      format += 2;
    } else if (format[0] == 'I' || format[0] == 'z' || format[0] == 't' || format[0] == 'j') {
      c->Bytes = 8;
    } else if (format[0] == 'h') {
      c->Bytes = c->Bytes == 2 ? 1 : 2;
    } else if (format[0] == 'l' || format[0] == 'w') {
      c->Wide = TRUE;
    } else {
      return format;
    }
  }
}

static LONG64 sign_extended(ULONG64 value, ULONG bytes)
{
  switch (bytes) {
  case 1:
    return (signed char)value;
  case 2:
    return (SHORT)value;
  case 4:
    return (LONG)value;
  default:
    return (LONG64)value;
  }
}

static void convert(OUTPUT *out, CONVERSION *c, WCHAR letter, ULONG64 value)
{
  LONG64 number = sign_extended(value, c->Bytes);
  ULONG64 magnitude = c->Bytes == 8 ? value : value & ((1ull << c->Bytes * 8) - 1);
  const char *sign = number < 0 ? "-" : c->Sign ? "+" : c->Space ? " " : "";
  WCHAR character = (WCHAR)value;
  switch (letter) {
  case 'd':
  case 'i':
    put_number(out, c, number < 0 ? 0 - (ULONG64)number : (ULONG64)number, 10, sign, FALSE);
    break;
  case 'u':
    put_number(out, c, magnitude, 10, "", FALSE);
    break;
  case 'o':
    put_number(out, c, magnitude, 8, c->Alternate ? "0" : "", FALSE);
    break;
  case 'x':
  case 'X':
    put_number(out, c, magnitude, 16, !c->Alternate || !magnitude ? "" : letter == 'x' ? "0x" : "0X", letter == 'X');
    break;
  case 'p':
    c->Precision = 16;
    put_number(out, c, value, 16, "", TRUE);
    break;
  case 'c':
  case 'C':
    if (!FORMAT_WIDE && letter == 'c' && !c->Wide)
      character &= 0xFF;
    put_text(out, c, &character, 1, TRUE);
    break;
  case 's':
    /* Of the format's own width, but for %ls, %ws and %hs. */
    put_string(out, c, (const void *)value, c->Wide || (FORMAT_WIDE && c->Bytes != 2));
    break;
  case 'S':
    put_string(out, c, (const void *)value, FORMAT_WIDE ? c->Wide : c->Bytes != 2);
    break;
  case 'Z':
    put_counted(out, c, (const UNICODE_STRING *)value);
    break;
  default:
    put(out, letter);
  }
}

LONG FORMAT_FUNCTION(FORMAT_CHAR *Buffer, SIZE_T Size, const FORMAT_CHAR *Format, va_list Arguments)
{
  OUTPUT out = {Buffer, Buffer + Size, 0};
  while (*Format) {
    CONVERSION c = {.Precision = -1, .Bytes = 4};
    if (*Format != '%') {
      put(&out, (WCHAR)(FORMAT_WIDE ? *Format : (UCHAR)*Format));
      Format++;
      continue;
    }
    if (*++Format == '%') {
      put(&out, '%');
      Format++;
      continue;
    }
    for (;; Format++) {
      if (*Format == '-')
        c.Left = TRUE;
      else if (*Format == '0')
        c.Zero = TRUE;
      else if (*Format == '+')
        c.Sign = TRUE;
      else if (*Format == ' ')
        c.Space = TRUE;
      else if (*Format == '#')
        c.Alternate = TRUE;
      else
        break;
    }
    if (*Format == '*') {
      LONG width = va_arg(Arguments, LONG);
      c.Left |= width < 0;
      c.Width = width < 0 ? 0u - (ULONG)width : (ULONG)width;
      Format++;
    } else {
      Format = read_number(Format, &c.Width);
    }
    if (*Format == '.') {
      ULONG precision;
      if (*++Format == '*') {
        c.Precision = va_arg(Arguments, LONG);
        Format++;
      } else {
        Format = read_number(Format, &precision);
        c.Precision = (LONG)precision;
      }
    }
    Format = read_size(Format, &c);
    if (!*Format)
      break;
    convert(&out, &c, (WCHAR)*Format++, va_arg(Arguments, ULONG64));
  }
  if (out.At < out.End)
    *out.At = 0;
  return out.Count <= Size ? (LONG)out.Count : -1;
}
