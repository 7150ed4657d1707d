/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A debug string: 0x40010006 with the length, its NUL included, and the address (spec/5 fact 27). */
#include "nano.h"

static const char text[] = "hello, debugger";
static volatile unsigned strings;

static LONG watch(EXCEPTION_POINTERS *pointers)
{
  EXCEPTION_RECORD64 *record = pointers->ExceptionRecord;
  CHECK(record->ExceptionCode == DBG_PRINTEXCEPTION_C && record->NumberParameters == 2);
  CHECK(record->ExceptionInformation[0] == sizeof(text) && record->ExceptionInformation[1] == (ULONG64)text);
  strings++;
  return EXCEPTION_CONTINUE_SEARCH;
}

ULONG start(void *peb)
{
  RtlAddVectoredExceptionHandler(TRUE, watch);
  nano_output_debug_string(text);
  CHECK(strings <= 1);
  CHECK(strings == 1 || ((NANO_PEB *)peb)->BeingDebugged);
  return 0;
}
