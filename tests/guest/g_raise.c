/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A software exception that is continued; the order of handlers; continue handlers; one raised inside a handler; a
 * frame handler. */
#include "nano.h"

static char order[16];
static volatile unsigned length;

static void note(char what)
{
  if (length < sizeof(order))
    order[length++] = what;
}

static LONG first(EXCEPTION_POINTERS *pointers)
{
  (void)pointers;
  note('1');
  return EXCEPTION_CONTINUE_SEARCH;
}

static LONG second(EXCEPTION_POINTERS *pointers)
{
  EXCEPTION_RECORD64 *record = pointers->ExceptionRecord;
  note('2');
  if (record->ExceptionCode == (NTSTATUS)0xE0000001) {
    CHECK(record->NumberParameters == 3 && record->ExceptionInformation[2] == 33);
    EXCEPTION_RECORD64 inner = {.ExceptionCode = (NTSTATUS)0xE0000002};
    RtlRaiseException(&inner);
    note('b');
  }
  return record->ExceptionCode == (NTSTATUS)0xE0000003 ? EXCEPTION_CONTINUE_SEARCH : EXCEPTION_CONTINUE_EXECUTION;
}

static LONG on_continue(EXCEPTION_POINTERS *pointers)
{
  (void)pointers;
  note('c');
  return EXCEPTION_CONTINUE_SEARCH;
}

static void raise_framed(void *argument)
{
  EXCEPTION_RECORD64 record = {.ExceptionCode = (NTSTATUS)0xE0000003};
  (void)argument;
  RtlRaiseException(&record);
  note('x');
}

static BOOLEAN order_is(const char *expected)
{
  unsigned i = 0;
  while (i < length && expected[i] == order[i])
    i++;
  BOOLEAN same = i == length && !expected[i];
  length = 0;
  return same;
}

ULONG start(void *peb)
{
  (void)peb;
  RtlAddVectoredExceptionHandler(FALSE, second);
  RtlAddVectoredExceptionHandler(TRUE, first);
  RtlAddVectoredContinueHandler(TRUE, on_continue);
  EXCEPTION_RECORD64 record = {.ExceptionCode = (NTSTATUS)0xE0000001, .NumberParameters = 3};
  record.ExceptionInformation[2] = 33;
  RtlRaiseException(&record);
  CHECK(order_is("1212cbc"));
  CHECK(nano_try(raise_framed, NULL) == 0xE0000003);
  CHECK(order_is("12c"));
  record = (EXCEPTION_RECORD64){.ExceptionCode = (NTSTATUS)0xE0000004, .ExceptionFlags = EXCEPTION_NONCONTINUABLE};
  RtlRaiseException(&record);
  CHECK(order_is("12c"));
  return 0;
}
