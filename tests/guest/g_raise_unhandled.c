/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exit code 0xE0000002: a noncontinuable software exception that nobody handles. */
#include "nano.h"

static LONG filter(EXCEPTION_POINTERS *pointers)
{
  CHECK(pointers->ExceptionRecord->ExceptionFlags == EXCEPTION_NONCONTINUABLE);
  print("filter");
  return EXCEPTION_CONTINUE_SEARCH;
}

ULONG start(void *peb)
{
  (void)peb;
  EXCEPTION_RECORD64 record = {.ExceptionCode = (NTSTATUS)0xE0000002, .ExceptionFlags = EXCEPTION_NONCONTINUABLE};
  nano_set_unhandled_filter(filter);
  RtlRaiseException(&record);
  return 1;
}
