/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The C library's formatted text, as ntdll exports it. */
#define _CRTIMP /* they are here, not imported */
#include "ntdllp.h"

#define UNBOUNDED 0x7FFFFFFFu

int _vsnprintf(char *buffer, size_t count, const char *format, va_list arguments)
{
  return RtlpFormat(buffer, buffer ? count : 0, format, arguments);
}

int vsprintf(char *buffer, const char *format, va_list arguments)
{
  return RtlpFormat(buffer, UNBOUNDED, format, arguments);
}

int _snprintf(char *buffer, size_t count, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  int result = _vsnprintf(buffer, count, format, arguments);
  va_end(arguments);
  return result;
}

int sprintf(char *buffer, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  int result = vsprintf(buffer, format, arguments);
  va_end(arguments);
  return result;
}

int _vsnwprintf(WCHAR *buffer, size_t count, const WCHAR *format, va_list arguments)
{
  return RtlpFormatWide(buffer, buffer ? count : 0, format, arguments);
}

int _snwprintf(WCHAR *buffer, size_t count, const WCHAR *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  int result = _vsnwprintf(buffer, count, format, arguments);
  va_end(arguments);
  return result;
}

int swprintf(WCHAR *buffer, const WCHAR *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  int result = RtlpFormatWide(buffer, UNBOUNDED, format, arguments);
  va_end(arguments);
  return result;
}
