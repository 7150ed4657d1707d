/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/kd/kd.h"

#include "ntos/trap/trap.h"

/* Debug services (spec/2.4). */
enum { BREAKPOINT_PRINT = 1, BREAKPOINT_LOAD_SYMBOLS = 3, BREAKPOINT_UNLOAD_SYMBOLS = 4, BREAKPOINT_COMMAND_STRING = 5 };

/* Swallows prints, symbol notifications and command strings and steps over the byte behind INT 2D (fact 40). */
static BOOLEAN KdpStub(KTRAP_FRAME *TrapFrame, KEXCEPTION_FRAME *ExceptionFrame, EXCEPTION_RECORD64 *ExceptionRecord,
                       CONTEXT *Context, KPROCESSOR_MODE PreviousMode, BOOLEAN SecondChance)
{
  (void)TrapFrame, (void)ExceptionFrame, (void)PreviousMode, (void)SecondChance;
  if (ExceptionRecord->ExceptionCode != STATUS_BREAKPOINT || !ExceptionRecord->NumberParameters)
    return FALSE;
  switch (ExceptionRecord->ExceptionInformation[0]) {
  case BREAKPOINT_PRINT:
  case BREAKPOINT_LOAD_SYMBOLS:
  case BREAKPOINT_UNLOAD_SYMBOLS:
  case BREAKPOINT_COMMAND_STRING:
    Context->Rip += 1;
    return TRUE;
  default:
    return FALSE;
  }
}

bool KdInitSystem(void)
{
  trap_set_debug_routine(KdpStub);
  return true;
}
