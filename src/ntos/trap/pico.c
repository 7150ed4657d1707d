/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pico processes: the user mode of another system, whose provider sees the exceptions first (spec/2.1 steps 4, 7, 8). */
#include "ntos/trap/internal.h"

NTSTATUS PsRegisterPicoProvider(const PS_PICO_PROVIDER_ROUTINES *ProviderRoutines)
{
  struct trap_state *trap = trap_state();
  if (trap->pico.DispatchException)
    return STATUS_TOO_LATE;
  if (!ProviderRoutines->DispatchException)
    return STATUS_INVALID_PARAMETER;
  trap->pico = *ProviderRoutines;
  return STATUS_SUCCESS;
}

BOOLEAN ki_pico_dispatch(EXCEPTION_RECORD64 *ExceptionRecord, KEXCEPTION_FRAME *ExceptionFrame, KTRAP_FRAME *TrapFrame,
                         ULONG Phase)
{
  const PS_PICO_PROVIDER_ROUTINES *pico = &trap_state()->pico;
  if (!PsGetCurrentProcess()->PicoContext || !pico->DispatchException)
    return FALSE;
  BOOLEAN handled = pico->DispatchException(ExceptionRecord, ExceptionFrame, TrapFrame, Phase, UserMode);
  ki_decided("Pico provider", handled ? "handled" : "passed", ExceptionRecord->ExceptionCode, Phase, handled);
  return handled;
}
