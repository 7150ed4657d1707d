/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captures of user strings. */
#include "ntos/mm/internal.h"

#define TAG_STRING POOL_TAG('M', 'm', 'S', 't')
#define REPLACEMENT 0xFFFDu

NTSTATUS mm_user_read_string(ULONG64 unicode_string, WCHAR **text, USHORT *bytes)
{
  UNICODE_STRING64 string;
  *text = NULL;
  NTSTATUS status = mm_user_read(&string, unicode_string, sizeof string);
  if (status != STATUS_SUCCESS)
    return status;
  if ((string.Length & 1) != 0)
    return STATUS_OBJECT_NAME_INVALID;
  WCHAR *copy = ExAllocatePoolWithTag((size_t)string.Length + sizeof(WCHAR), TAG_STRING);
  if (copy == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  status = mm_user_read(copy, string.Buffer, string.Length);
  if (status != STATUS_SUCCESS) {
    ExFreePool(copy);
    return status;
  }
  *text = copy;
  if (bytes != NULL)
    *bytes = string.Length;
  return STATUS_SUCCESS;
}

/* The next code point; half a surrogate pair is a replacement character. */
static ULONG next_code_point(const WCHAR *text, ULONG count, ULONG *at)
{
  ULONG c = text[(*at)++];
  if (c < 0xD800 || c > 0xDFFF)
    return c;
  if (c > 0xDBFF || *at == count || text[*at] < 0xDC00 || text[*at] > 0xDFFF)
    return REPLACEMENT;
  return 0x10000 + ((c - 0xD800) << 10) + (text[(*at)++] - 0xDC00u);
}

static char *put_utf8(char *out, ULONG c)
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

NTSTATUS mm_user_read_utf8(ULONG64 unicode_string, char **text)
{
  WCHAR *wide;
  USHORT bytes;
  *text = NULL;
  NTSTATUS status = mm_user_read_string(unicode_string, &wide, &bytes);
  if (status != STATUS_SUCCESS)
    return status;
  ULONG count = bytes / sizeof(WCHAR), at = 0;
  char *out = ExAllocatePoolWithTag((size_t)count * 3 + 1, TAG_STRING), *end = out;
  status = out != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
  while (status == STATUS_SUCCESS && at < count) {
    ULONG c = next_code_point(wide, count, &at);
    /* A NUL inside would make another, shorter name of it. */
    if (c == 0)
      status = STATUS_OBJECT_NAME_INVALID;
    else
      end = put_utf8(end, c);
  }
  ExFreePool(wide);
  if (status != STATUS_SUCCESS) {
    ExFreePool(out);
    return status;
  }
  *text = out;
  return STATUS_SUCCESS;
}
