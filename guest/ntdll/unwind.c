/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unwinding. */
#include "ntdllp.h"

NTDLL_API EXCEPTION_DISPOSITION __C_specific_handler(EXCEPTION_RECORD *record, void *frame, CONTEXT *context,
                                                     DISPATCHER_CONTEXT *dispatcher)
{
  (void)record, (void)frame, (void)context, (void)dispatcher;
  return ExceptionContinueSearch;
}
