/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captures of user strings. */
#include "base/utf.h"
#include "ntos/mm/internal.h"

#define TAG_STRING POOL_TAG('M', 'm', 'S', 't')

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

NTSTATUS mm_user_read_utf8(ULONG64 unicode_string, char **text)
{
  WCHAR *wide;
  USHORT bytes;
  *text = NULL;
  NTSTATUS status = mm_user_read_string(unicode_string, &wide, &bytes);
  if (status != STATUS_SUCCESS)
    return status;
  size_t count = bytes / sizeof(WCHAR), at = 0;
  char *out = ExAllocatePoolWithTag(count * 3 + 1, TAG_STRING), *end = out;
  status = out != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
  while (status == STATUS_SUCCESS && at < count) {
    uint32_t c = utf16_next(wide, count, &at);
    /* A NUL inside would make another, shorter name of it. */
    if (c == 0)
      status = STATUS_OBJECT_NAME_INVALID;
    else
      end = utf8_put(end, c);
  }
  ExFreePool(wide);
  if (status != STATUS_SUCCESS) {
    ExFreePool(out);
    return status;
  }
  *text = out;
  return STATUS_SUCCESS;
}
