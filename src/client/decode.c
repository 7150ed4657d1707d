/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments of services as text, from what their monitor captured. */
#include "client/decode.h"

#include "client/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NANOSECONDS_PER_UNIT 100
#define UNITS_PER_MILLISECOND 10000

void decode_format(struct decode_text *text, const char *format, ...)
{
  va_list arguments;
  const bool fits = text->used < text->size;
  va_start(arguments, format);
  int n = vsnprintf(fits ? text->out + text->used : NULL, fits ? text->size - text->used : 0, format, arguments);
  va_end(arguments);
  text->used += n > 0 ? (size_t)n : 0;
}

void decode_put(struct decode_text *text, const char *string)
{
  const size_t n = strlen(string);
  if (text->used < text->size) {
    const size_t room = text->size - text->used - 1, kept = n < room ? n : room;
    memcpy(text->out + text->used, string, kept);
    text->out[text->used + kept] = 0;
  }
  text->used += n;
}

static void put_character(struct decode_text *text, ULONG c)
{
  char utf8[5] = {(char)c};
  if (c == '\n' || c == '\r' || c == '\t' || c == '"') {
    decode_put(text, c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : "\\\"");
    return;
  }
  if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
    decode_format(text, "\\x%02x", c);
    return;
  }
  if (c >= 0x10000)
    sprintf(utf8, "%c%c%c%c", (char)(0xF0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3F)), (char)(0x80 | (c >> 6 & 0x3F)),
            (char)(0x80 | (c & 0x3F)));
  else if (c >= 0x800)
    sprintf(utf8, "%c%c%c", (char)(0xE0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3F)), (char)(0x80 | (c & 0x3F)));
  else if (c >= 0x80)
    sprintf(utf8, "%c%c", (char)(0xC0 | c >> 6), (char)(0x80 | (c & 0x3F)));
  decode_put(text, utf8);
}

/* Characters at the beginning that are UTF-16 of ASCII, up to a NUL or the end of whole characters; 0: it is not text. */
static size_t wide_characters(const UCHAR *bytes, size_t size)
{
  size_t n = 0;
  for (; 2 * n + 1 < size && bytes[2 * n]; n++)
    if (bytes[2 * n + 1] || bytes[2 * n] < 0x20 || bytes[2 * n] >= 0x7F)
      return 0;
  return n >= 2 ? n : 0;
}

void decode_bytes(struct decode_text *text, const UCHAR *bytes, size_t size, bool cut)
{
  const size_t wide = wide_characters(bytes, size);
  if (wide) {
    decode_put(text, "u");
    decode_wide(text, bytes, wide * 2, cut || wide * 2 + 3 < size);
    return;
  }
  decode_put(text, "\"");
  for (size_t i = 0; i < size; i++) {
    if (bytes[i] == '\\')
      decode_put(text, "\\\\");
    else if (bytes[i] >= 0x7F)
      decode_format(text, "\\x%02x", bytes[i]);
    else
      put_character(text, bytes[i]);
  }
  decode_put(text, cut ? "\"..." : "\"");
}

void decode_wide(struct decode_text *text, const UCHAR *bytes, size_t size, bool cut)
{
  decode_put(text, "\"");
  for (size_t i = 0; i + 1 < size; i += 2) {
    USHORT unit, low = 0;
    memcpy(&unit, bytes + i, sizeof unit);
    if (i + 3 < size)
      memcpy(&low, bytes + i + 2, sizeof low);
    if (unit >= 0xD800 && unit < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
      put_character(text, 0x10000 + ((ULONG)(unit - 0xD800) << 10) + (ULONG)(low - 0xDC00));
      i += 2;
    } else {
      put_character(text, unit >= 0xD800 && unit < 0xE000 ? 0xFFFD : unit);
    }
  }
  decode_put(text, cut ? "\"..." : "\"");
}

void decode_status(struct decode_text *text, ULONG status)
{
  const char *name = status ? dbgksim_nt_status_name((NTSTATUS)status) : NULL;
  if (name)
    decode_put(text, name);
  else
    decode_format(text, status < 0x10000 ? "%u" : "0x%08x", status);
}

static const struct capture_item *next_item(const struct dbgksim_service_call *call, const struct capture_item *item)
{
  const UCHAR *bytes = call->captured, *end = bytes + call->captured_size;
  const UCHAR *at = item ? (const UCHAR *)(item + 1) + ((item->size + 7) & ~7u) : bytes;
  return at < end ? (const struct capture_item *)(const void *)at : NULL;
}

/* The next item of an argument after `item` (NULL: the first). */
static const struct capture_item *find_after(const struct dbgksim_service_call *call, const struct capture_item *item,
                                             unsigned index, bool leaving, enum capture_content content)
{
  while ((item = next_item(call, item)) != NULL)
    if (item->argument == index && item->leaving == leaving && item->content == content)
      return item;
  return NULL;
}

static const struct capture_item *find(const struct dbgksim_service_call *call, unsigned index, bool leaving,
                                       enum capture_content content)
{
  return find_after(call, NULL, index, leaving, content);
}

static const UCHAR *bytes_of(const struct capture_item *item) { return (const UCHAR *)(item + 1); }

static ULONG64 number_of(const struct capture_item *item)
{
  ULONG64 number = 0;
  memcpy(&number, bytes_of(item), item->size < sizeof number ? item->size : sizeof number);
  return number;
}

static ULONG64 number_at(const struct capture_item *item, size_t offset, size_t size)
{
  ULONG64 number = 0;
  memcpy(&number, bytes_of(item) + offset, size);
  return number;
}

static void put_pointer(struct decode_text *text, ULONG64 value)
{
  if (value)
    decode_format(text, "0x%llx", (unsigned long long)value);
  else
    decode_put(text, "NULL");
}

static void put_hex(struct decode_text *text, ULONG64 value)
{
  decode_format(text, value ? "0x%llx" : "%llu", (unsigned long long)value);
}

static void put_handle(struct decode_text *text, ULONG64 value, const struct capture_item *description)
{
  if ((LONG64)value < 0 && (LONG64)value > -16)
    decode_format(text, "%lld", (long long)value);
  else
    put_pointer(text, value);
  if (!description || !description->size)
    return;
  decode_put(text, "<");
  for (ULONG i = 0; i < description->size; i++) {
    const UCHAR c = bytes_of(description)[i];
    if (c < 0x20 || c == 0x7F)
      decode_format(text, "\\x%02x", c);
    else
      decode_format(text, "%c", c);
  }
  decode_put(text, ">");
}

static void put_handles(struct decode_text *text, const struct dbgksim_service_call *call, unsigned index)
{
  const struct capture_item *handles = find(call, index, false, CAPTURE_MEMORY), *description = NULL;
  const ULONG n = handles->size / (ULONG)sizeof(HANDLE);
  for (ULONG i = 0; i < n; i++) {
    decode_put(text, i ? ", " : "[");
    description = i && !description ? NULL : find_after(call, description, index, false, CAPTURE_HANDLE);
    put_handle(text, number_at(handles, i * sizeof(HANDLE), sizeof(HANDLE)), description);
  }
  decode_put(text, n < (ULONG)call->arguments[0] ? ", ...]" : "]");
}

static void put_attributes(struct decode_text *text, const struct dbgksim_service_call *call, unsigned index,
                           const struct capture_item *memory)
{
  const struct capture_item *name = find(call, index, false, CAPTURE_TEXT);
  OBJECT_ATTRIBUTES64 attributes;
  memcpy(&attributes, bytes_of(memory), sizeof attributes);
  decode_put(text, "{");
  if (attributes.RootDirectory) {
    decode_put(text, "in ");
    put_handle(text, attributes.RootDirectory, find(call, index, false, CAPTURE_HANDLE));
    decode_put(text, ", ");
  }
  if (name)
    decode_wide(text, bytes_of(name), name->size, name->cut);
  else
    put_pointer(text, attributes.ObjectName);
  decode_put(text, ", ");
  decode_named(text, ARGUMENT_HANDLE_ATTRIBUTES, attributes.Attributes);
  decode_put(text, "}");
}

/* Negative: from now; else a point of time. */
static void put_timeout(struct decode_text *text, LONG64 units)
{
  if (units > 0 || units == INT64_MIN) {
    decode_format(text, units > 0 ? "&%lld" : "&forever", (long long)units);
    return;
  }
  const unsigned long long n = (unsigned long long)-units;
  if (n % UNITS_PER_MILLISECOND == 0)
    decode_format(text, n ? "&-%llums" : "&%llu", n / UNITS_PER_MILLISECOND);
  else
    decode_format(text, "&-%lluns", n * NANOSECONDS_PER_UNIT);
}

/* From ContextFlags on (offset 30 of a CONTEXT). */
static void put_context(struct decode_text *text, const struct capture_item *item)
{
  enum { FLAGS = 0, EFLAGS = 0x14, DR0 = 0x18, DR7 = 0x40, RSP = 0x68, RIP = 0xC8 };
  const ULONG flags = (ULONG)number_at(item, FLAGS, 4);
  decode_format(text, "{ContextFlags 0x%x", flags);
  if (flags & 1)
    decode_format(text, ", rip 0x%llx, rsp 0x%llx, eflags 0x%x", (unsigned long long)number_at(item, RIP, 8),
                  (unsigned long long)number_at(item, RSP, 8), (unsigned)number_at(item, EFLAGS, 4));
  if (flags & 0x10)
    decode_format(text, ", dr0 0x%llx, dr7 0x%llx", (unsigned long long)number_at(item, DR0, 8),
                  (unsigned long long)number_at(item, DR7, 8));
  decode_put(text, "}");
}

static void put_record(struct decode_text *text, const struct capture_item *item)
{
  decode_put(text, "{");
  decode_status(text, (ULONG)number_at(item, 0, 4));
  decode_format(text, ", flags 0x%x, at 0x%llx}", (unsigned)number_at(item, 4, 4),
                (unsigned long long)number_at(item, 0x10, 8));
}

/* Small buffers are numbers. Others are only shown where they lie. */
static void put_information(struct decode_text *text, ULONG64 value, const struct capture_item *item, const char *mark)
{
  if (!item || !item->size || item->size > sizeof(ULONG64)) {
    put_pointer(text, value);
    return;
  }
  decode_put(text, mark);
  put_hex(text, number_of(item));
}

static void put_in(struct decode_text *text, const struct dbgksim_service_call *call, unsigned index,
                   enum service_argument_kind kind, const struct capture_item *item)
{
  const ULONG64 value = call->arguments[index];
  const struct capture_item *string = find(call, index, false, CAPTURE_TEXT);
  switch (kind) {
  case ARGUMENT_HANDLE:
  case ARGUMENT_HANDLE_IN:
    put_handle(text, value, find(call, index, false, CAPTURE_HANDLE));
    return;
  case ARGUMENT_STRING:
  case ARGUMENT_IN_WIDE:
    if (string)
      decode_wide(text, bytes_of(string), string->size, string->cut);
    else
      put_pointer(text, value);
    return;
  case ARGUMENT_PARAMETERS:
    if (!string) {
      put_pointer(text, value);
      return;
    }
    for (const char *before = "{"; string; before = ", ") {
      decode_put(text, before);
      decode_wide(text, bytes_of(string), string->size, string->cut);
      string = find_after(call, string, index, false, CAPTURE_TEXT);
    }
    decode_put(text, "}");
    return;
  case ARGUMENT_IN_INFORMATION:
    put_information(text, value, item, "&");
    return;
  default:
    break;
  }
  if (!item) {
    put_pointer(text, value);
    return;
  }
  switch (kind) {
  case ARGUMENT_HANDLES:
    put_handles(text, call, index);
    return;
  case ARGUMENT_CLIENT_ID:
    decode_format(text, "&%u:%u", (unsigned)number_at(item, 0, 8), (unsigned)number_at(item, 8, 8));
    return;
  case ARGUMENT_CONTEXT:
    put_context(text, item);
    return;
  case ARGUMENT_RECORD:
    put_record(text, item);
    return;
  case ARGUMENT_IN_BYTES:
    decode_bytes(text, bytes_of(item), item->size, item->cut);
    return;
  case ARGUMENT_LARGE:
    decode_format(text, "&%lld", (long long)number_of(item));
    return;
  case ARGUMENT_OBJECT_ATTRIBUTES:
    put_attributes(text, call, index, item);
    return;
  case ARGUMENT_TIMEOUT:
    put_timeout(text, (LONG64)number_of(item));
    return;
  default:
    decode_put(text, "&");
    decode_format(text, "0x%llx", (unsigned long long)number_of(item));
  }
}

static bool put_known_class(struct decode_text *text, const struct dbgksim_service_call *call,
                            const struct capture_item *item)
{
  const struct service_description *d = call->known;
  for (unsigned i = 0; d && i < call->argument_count; i++)
    if (d->arguments[i].kind >= ARGUMENT_CLASS_DEBUG && d->arguments[i].kind <= ARGUMENT_CLASS_VOLUME)
      return decode_information(text, (enum service_argument_kind)d->arguments[i].kind, (ULONG)call->arguments[i],
                                bytes_of(item), item->size);
  return false;
}

static void put_out(struct decode_text *text, const struct dbgksim_service_call *call, unsigned index,
                    enum service_argument_kind kind, const struct capture_item *item)
{
  const struct capture_item *string = find(call, index, true, CAPTURE_TEXT);
  const ULONG64 number = item ? number_of(item) : 0;
  DBGUI_WAIT_STATE_CHANGE state;
  if (kind == ARGUMENT_OUT_INFORMATION && !string) {
    if (!item || !put_known_class(text, call, item))
      put_information(text, call->arguments[index], item, "-> ");
    return;
  }
  if (!item && !string) {
    put_pointer(text, call->arguments[index]);
    return;
  }
  decode_put(text, "-> ");
  switch (kind) {
  case ARGUMENT_IO_STATUS:
    decode_put(text, "{");
    if ((ULONG)number)
      decode_status(text, (ULONG)number);
    else
      decode_put(text, "STATUS_SUCCESS");
    decode_format(text, ", %llu}", (unsigned long long)number_at(item, 8, 8));
    return;
  case ARGUMENT_OUT_BOOLEAN:
    decode_put(text, number ? "TRUE" : "FALSE");
    return;
  case ARGUMENT_OUT_BYTES:
    decode_bytes(text, bytes_of(item), item->size, item->cut);
    return;
  case ARGUMENT_OUT_CLIENT_ID:
    decode_format(text, "%u:%u", (unsigned)number, (unsigned)number_at(item, 8, 8));
    return;
  case ARGUMENT_OUT_CONTEXT:
    put_context(text, item);
    return;
  case ARGUMENT_OUT_HANDLE:
  case ARGUMENT_OUT_HANDLE_IN:
    put_handle(text, number, find(call, index, true, CAPTURE_HANDLE));
    return;
  case ARGUMENT_OUT_PAGE:
    decode_named(text, kind, number);
    return;
  case ARGUMENT_OUT_LARGE:
  case ARGUMENT_OUT_NUMBER:
  case ARGUMENT_OUT_SHORT:
  case ARGUMENT_OUT_SIZE:
    decode_format(text, "%llu", (unsigned long long)number);
    return;
  case ARGUMENT_OUT_INFORMATION:
  case ARGUMENT_OUT_STRING:
    decode_wide(text, bytes_of(string), string->size, string->cut);
    return;
  case ARGUMENT_STATE_CHANGE:
    memcpy(&state, bytes_of(item), sizeof state);
    decode_state_change(text, &state);
    return;
  default:
    put_pointer(text, number);
  }
}

/* Where the value alone is enough. */
static bool put_value(struct decode_text *text, enum service_argument_kind kind, ULONG64 value)
{
  switch (kind) {
  case ARGUMENT_HEX:
    put_hex(text, value);
    return true;
  case ARGUMENT_POINTER:
    put_pointer(text, value);
    return true;
  case ARGUMENT_NUMBER:
    decode_format(text, "%u", (ULONG)value);
    return true;
  case ARGUMENT_SIGNED:
    decode_format(text, "%d", (int)value);
    return true;
  case ARGUMENT_BOOLEAN:
    if ((UCHAR)value < 2)
      decode_put(text, (UCHAR)value ? "TRUE" : "FALSE");
    else
      decode_format(text, "%u", (UCHAR)value);
    return true;
  case ARGUMENT_STATUS:
    decode_status(text, (ULONG)value);
    return true;
  case ARGUMENT_CONTROL_CODE:
    decode_format(text, "0x%x", (ULONG)value);
    return true;
  default:
    return kind < ARGUMENT_HANDLE && decode_named(text, kind, value);
  }
}

static const struct service_argument *argument_of(const struct dbgksim_service_call *call, unsigned index)
{
  const struct service_description *d = call->known;
  return d && index < call->argument_count ? &d->arguments[index] : NULL;
}

const char *dbgksim_service_argument_name(const struct dbgksim_service_call *call, unsigned index)
{
  const struct service_argument *argument = call ? argument_of(call, index) : NULL;
  return argument ? argument->name : NULL;
}

size_t dbgksim_service_argument(const struct dbgksim_service_call *call, unsigned index, char *out, size_t size)
{
  struct decode_text text = {out, out ? size : 0, 0};
  if (text.size)
    *out = 0;
  if (!call || index >= call->argument_count)
    return 0;
  const struct service_argument *argument = argument_of(call, index);
  const ULONG64 value = call->arguments[index];
  const enum service_argument_kind kind = argument ? argument->kind : ARGUMENT_HEX;
  if (put_value(&text, kind, value))
    return text.used;
  const struct capture_item *before = find(call, index, false, CAPTURE_MEMORY);
  const struct capture_item *after = find(call, index, true, CAPTURE_MEMORY);
  if (kind < ARGUMENT_IO_POINTER) {
    put_in(&text, call, index, kind, before);
  } else if (kind <= ARGUMENT_IO_SIZE) {
    put_in(&text, call, index, kind, before);
    if (after && (!before || number_of(after) != number_of(before)))
      decode_format(&text, " -> 0x%llx", (unsigned long long)number_of(after));
  } else {
    put_out(&text, call, index, kind, after);
  }
  return text.used;
}
