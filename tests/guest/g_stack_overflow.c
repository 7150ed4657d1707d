/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stack grows by its guard page until it is used up: then a stack overflow, which a handler can still see. */
#include "nano.h"

static LONG overflow_handler(EXCEPTION_POINTERS *pointers)
{
  EXCEPTION_RECORD64 *record = pointers->ExceptionRecord;
  CHECK(record->ExceptionCode == STATUS_STACK_OVERFLOW);
  CHECK(record->NumberParameters == 2);
  CHECK(record->ExceptionInformation[0] == 1);
  CHECK(record->ExceptionInformation[1] < nano_teb()->StackBase);
  RtlExitUserProcess(0);
}

static ULONG recurse(volatile ULONG depth)
{
  volatile UCHAR pad[600];
  pad[0] = (UCHAR)depth;
  return depth ? recurse(depth + 1) + pad[0] : 0;
}

ULONG start(void *peb)
{
  (void)peb;
  ULONG64 limit = nano_teb()->StackLimit;
  volatile UCHAR *below = (UCHAR *)limit;
  for (int i = 1; i < 4; i++)
    below[-0x1000 * i] = 1;
  CHECK(nano_teb()->StackLimit == limit - 0x3000);
  RtlAddVectoredExceptionHandler(TRUE, overflow_handler);
  return recurse(1);
}
