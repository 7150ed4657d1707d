/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FormatMessage: texts of a module's message table or of the caller, with inserts. The system has no table of messages. */
#include "kernel32p.h"

#define ROOM 0x8000u /* characters of a message, with its terminator */

typedef struct {
  PWSTR Text; /* ROOM characters */
  DWORD Length;
  BOOL OneLine;        /* the text's own line ends become blanks */
  BOOL Overflow, Ansi; /* inserts of an A function are narrow */
  DWORD Flags;
  ULONG_PTR *Array;
  __builtin_ms_va_list *List;
  ULONG_PTR Arguments[99];
  DWORD Count; /* arguments that were taken off the list */
} OUTPUT;

static void put(OUTPUT *out, WCHAR c)
{
  if (out->Length + 1 >= ROOM) {
    out->Overflow = TRUE;
    return;
  }
  out->Text[out->Length++] = c;
}

static void put_line_end(OUTPUT *out)
{
  put(out, '\r');
  put(out, '\n');
}

static ULONG_PTR argument(OUTPUT *out, DWORD index)
{
  if (out->Array)
    return out->Array[index];
  while (out->Count <= index)
    out->Arguments[out->Count++] = __builtin_va_arg(*out->List, ULONG_PTR);
  return out->Arguments[index];
}

static void put_padded(OUTPUT *out, const WCHAR *text, DWORD length, DWORD width, BOOL left, WCHAR fill)
{
  for (DWORD i = length; i < width && !left; i++)
    put(out, fill);
  for (DWORD i = 0; i < length; i++)
    put(out, text[i]);
  for (DWORD i = length; i < width && left; i++)
    put(out, ' ');
}

static void put_string(OUTPUT *out, ULONG_PTR value, BOOL narrow, DWORD width, DWORD precision, BOOL left)
{
  DWORD length = 0;
  const char *bytes = (const char *)value;
  const WCHAR *words = value ? (const WCHAR *)value : L"(null)";
  narrow = narrow && value;
  while (length < precision && (narrow ? (WCHAR)(UCHAR)bytes[length] : words[length]))
    length++;
  for (DWORD i = length; i < width && !left; i++)
    put(out, ' ');
  for (DWORD i = 0; i < length; i++)
    put(out, narrow ? base_wide_char(bytes[i]) : words[i]);
  for (DWORD i = length; i < width && left; i++)
    put(out, ' ');
}

static void put_number(OUTPUT *out, ULONG64 value, WCHAR kind, DWORD width, BOOL left, BOOL zeros)
{
  WCHAR digits[24];
  DWORD at = 24, base = kind == 'x' || kind == 'X' ? 16 : kind == 'o' ? 8 : 10;
  BOOL negative = kind == 'd' && (LONG64)value < 0;
  if (negative)
    value = 0 - value;
  do {
    DWORD digit = (DWORD)(value % base);
    digits[--at] = (WCHAR)(digit < 10 ? '0' + digit : (kind == 'X' ? 'A' : 'a') + digit - 10);
  } while (value /= base);
  if (negative)
    digits[--at] = '-';
  put_padded(out, digits + at, 24 - at, width, left, zeros ? '0' : ' ');
}

static DWORD take_number(const WCHAR **at)
{
  DWORD value = 0;
  while (**at >= '0' && **at <= '9')
    value = value * 10 + (DWORD)(*(*at)++ - '0');
  return value;
}

/* An insert's format, as printf has it, between exclamation marks; `at` is behind the first. */
static const WCHAR *put_formatted(OUTPUT *out, const WCHAR *at, DWORD *index)
{
  BOOL left = FALSE, zeros = FALSE, wide = FALSE, narrow = FALSE, large = FALSE;
  DWORD width, precision = 0xFFFFFFFF;
  for (;; at++) {
    if (*at == '-')
      left = TRUE;
    else if (*at == '0')
      zeros = TRUE;
    else if (*at != '+' && *at != ' ' && *at != '#')
      break;
  }
  if (*at == '*')
    width = (DWORD)argument(out, (*index)++), at++;
  else
    width = take_number(&at);
  if (*at == '.') {
    at++;
    if (*at == '*')
      precision = (DWORD)argument(out, (*index)++), at++;
    else
      precision = take_number(&at);
  }
  for (;; at++) {
    if (*at == 'l')
      large = wide, wide = TRUE;
    else if (*at == 'w')
      wide = TRUE;
    else if (*at == 'h')
      narrow = TRUE;
    else if (*at == 'I' && at[1] == '6' && at[2] == '4')
      large = TRUE, at += 2;
    else
      break;
  }
  WCHAR kind = *at;
  ULONG_PTR value = argument(out, *index);
  if (kind == 's' || kind == 'S') {
    BOOL bytes = narrow || (!wide && out->Ansi == (kind == 's'));
    put_string(out, value, bytes, width, precision, left);
  } else if (kind == 'c' || kind == 'C') {
    WCHAR c = out->Ansi && !wide ? base_wide_char((char)value) : (WCHAR)value;
    put_padded(out, &c, 1, width, left, ' ');
  } else {
    if (kind == 'i')
      kind = 'd';
    if (!large && kind != 'p')
      value = kind == 'd' ? (ULONG_PTR)(LONG_PTR)(LONG)value : (ULONG)value;
    put_number(out, value, kind == 'p' ? 'X' : kind, kind == 'p' ? 16 : width, left, zeros || kind == 'p');
  }
  while (*at && *at != '!')
    at++;
  return *at ? at + 1 : at;
}

static const WCHAR *put_insert(OUTPUT *out, const WCHAR *at)
{
  const WCHAR *first = at;
  DWORD index = (DWORD)(*at++ - '1');
  if (*at >= '0' && *at <= '9')
    index = (index + 1) * 10 + (DWORD)(*at++ - '0') - 1;
  if (out->Flags & FORMAT_MESSAGE_IGNORE_INSERTS) {
    put(out, '%');
    while (first < at)
      put(out, *first++);
    return at;
  }
  if (*at == '!')
    return put_formatted(out, at + 1, &index);
  put_string(out, argument(out, index), out->Ansi, 0, 0xFFFFFFFF, FALSE);
  return at;
}

/* What follows a percent sign. NULL: the text ends here. */
static const WCHAR *put_escape(OUTPUT *out, const WCHAR *at)
{
  switch (*at) {
  case '0':
    return NULL;
  case 'n':
    put_line_end(out);
    return at + 1;
  case 'r':
    put(out, '\r');
    return at + 1;
  case 't':
    put(out, '\t');
    return at + 1;
  case 'b':
    put(out, ' ');
    return at + 1;
  case 0:
    return at;
  default:
    if (*at >= '1' && *at <= '9')
      return put_insert(out, at);
    put(out, *at);
    return at + 1;
  }
}

static void format(OUTPUT *out, const WCHAR *at)
{
  while (at && *at) {
    if (*at == '%') {
      at = put_escape(out, at + 1);
    } else if (*at == '\r' || *at == '\n') {
      at += at[0] == '\r' && at[1] == '\n' ? 2 : 1;
      if (out->OneLine)
        put(out, ' ');
      else
        put_line_end(out);
    } else {
      put(out, *at++);
    }
  }
  out->Text[out->Length] = 0;
}

/* The text of a message in a module's table, in the process heap. */
static PWSTR table_message(HMODULE module, DWORD id, WORD language)
{
  HRSRC found = FindResourceExW(module, (LPCWSTR)RT_MESSAGETABLE, MAKEINTRESOURCEW(1), language);
  const MESSAGE_RESOURCE_DATA *data = found ? LoadResource(module, found) : NULL;
  for (DWORD i = 0; data && i < data->NumberOfBlocks; i++) {
    const MESSAGE_RESOURCE_BLOCK *block = &data->Blocks[i];
    if (id < block->LowId || id > block->HighId)
      continue;
    const MESSAGE_RESOURCE_ENTRY *entry = (const MESSAGE_RESOURCE_ENTRY *)((const UCHAR *)data + block->OffsetToEntries);
    for (DWORD skip = id - block->LowId; skip; skip--)
      entry = (const MESSAGE_RESOURCE_ENTRY *)((const UCHAR *)entry + entry->Length);
    PWSTR text = NULL;
    if (!(entry->Flags & 1 /* wide */))
      return base_wide_copy((const char *)entry->Text, &text) ? text : NULL;
    DWORD length = base_length((const WCHAR *)entry->Text);
    text = base_allocate((length + 1) * sizeof(WCHAR));
    if (text)
      base_wide_fill((const WCHAR *)entry->Text, length, text, length + 1);
    return text;
  }
  base_fail(ERROR_MR_MID_NOT_FOUND);
  return NULL;
}

/* Formats into out->Text; FALSE with the last error. */
static BOOL format_message(OUTPUT *out, LPCVOID source, DWORD id, DWORD language, PVOID arguments)
{
  PWSTR text = NULL;
  DWORD flags = out->Flags;
  out->OneLine = (flags & FORMAT_MESSAGE_MAX_WIDTH_MASK) != 0;
  if (flags & FORMAT_MESSAGE_ARGUMENT_ARRAY)
    out->Array = arguments;
  else
    out->List = arguments;
  if (!arguments && !(flags & FORMAT_MESSAGE_IGNORE_INSERTS))
    out->Array = out->Arguments;
  if (flags & FORMAT_MESSAGE_FROM_STRING) {
    if (out->Ansi ? !base_wide_copy(source, &text) : FALSE)
      return FALSE;
    if (!out->Ansi) {
      DWORD length = base_length(source);
      text = base_allocate((length + 1) * sizeof(WCHAR));
      if (text)
        base_wide_fill(source, length, text, length + 1);
    }
  } else if (flags & FORMAT_MESSAGE_FROM_HMODULE) {
    text = table_message((HMODULE)source, id, (WORD)language);
  } else {
    return base_fail(flags & FORMAT_MESSAGE_FROM_SYSTEM ? ERROR_MR_MID_NOT_FOUND : ERROR_INVALID_PARAMETER);
  }
  if (!text)
    return FALSE;
  format(out, text);
  base_free(text);
  return out->Overflow ? base_fail(ERROR_MORE_DATA) : TRUE;
}

static OUTPUT *new_output(DWORD flags, BOOL ansi)
{
  OUTPUT *out = base_allocate(sizeof(*out) + ROOM * sizeof(WCHAR));
  if (out) {
    memset(out, 0, sizeof(*out));
    out->Text = (PWSTR)(out + 1);
    out->Flags = flags;
    out->Ansi = ansi;
  }
  return out;
}

static PVOID result_buffer(const OUTPUT *out, PVOID buffer, DWORD *size, DWORD width)
{
  if (!(out->Flags & FORMAT_MESSAGE_ALLOCATE_BUFFER))
    return buffer;
  if (*size <= out->Length)
    *size = out->Length + 1;
  PVOID block = LocalAlloc(LMEM_FIXED, *size * width);
  *(PVOID *)buffer = block;
  return block;
}

DWORD WINAPI FormatMessageW(DWORD flags, LPCVOID source, DWORD id, DWORD language, LPWSTR buffer, DWORD size,
                            va_list *arguments)
{
  DWORD length = 0;
  OUTPUT *out = new_output(flags, FALSE);
  if (out && format_message(out, source, id, language, arguments)) {
    PWSTR to = result_buffer(out, buffer, &size, sizeof(WCHAR));
    if (to && base_wide_fill(out->Text, out->Length, to, size) == out->Length)
      length = out->Length;
    else
      base_fail(to ? ERROR_INSUFFICIENT_BUFFER : ERROR_NOT_ENOUGH_MEMORY);
  }
  base_free(out);
  return length;
}

DWORD WINAPI FormatMessageA(DWORD flags, LPCVOID source, DWORD id, DWORD language, LPSTR buffer, DWORD size,
                            va_list *arguments)
{
  DWORD length = 0;
  OUTPUT *out = new_output(flags, TRUE);
  if (out && format_message(out, source, id, language, arguments)) {
    PSTR to = result_buffer(out, buffer, &size, 1);
    if (to && base_narrow_fill(out->Text, out->Length, to, size) == out->Length)
      length = out->Length;
    else
      base_fail(to ? ERROR_INSUFFICIENT_BUFFER : ERROR_NOT_ENOUGH_MEMORY);
  }
  base_free(out);
  return length;
}
