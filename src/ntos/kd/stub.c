/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/kd/internal.h"
#include "ntos/mm/mm.h"
#include "ntos/ps/ps.h"

/* KUSER_SHARED_DATA.KdDebuggerEnabled: bit 0 enabled, bit 1 present. */
#define SHARED_KD_DEBUGGER_ENABLED 0x2D4
#define KD_ENABLED_AND_PRESENT 3

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
    Context->Rip += KD_BREAKPOINT_SIZE;
    return TRUE;
  default:
    return FALSE;
  }
}

bool KdInitSystem(const struct kd_config *config)
{
  struct kd_state *kd = ExAllocatePoolWithTag(sizeof *kd, POOL_TAG('K', 'd', ' ', ' '));
  if (!kd)
    return false;
  KeGetPcr()->kd = kd;
  kd->config = *config;
  kd->Kd_WIN2000_Mask = config->print_mask;
  kd->NtGlobalFlag = config->stop_on_exception ? FLG_STOP_ON_EXCEPTION : 0;
  ExInitializeFastMutex(&kd->KdpDebuggerLock);
  KeInitializeEvent(&kd->answered, SynchronizationEvent, FALSE);
  mm_shared_user_data()[SHARED_KD_DEBUGGER_ENABLED] = config->enabled ? KD_ENABLED_AND_PRESENT : 0;
  ps_set_critical_routine(PspCatchCriticalBreak);
  trap_set_debug_routine(config->enabled ? KdpTrap : KdpStub, config->ignore_user_exceptions);
  return true;
}

bool kd_enabled(void) { return kd_state() && kd_state()->config.enabled; }

bool kd_ignores_user_exceptions(void) { return kd_state() && kd_state()->config.ignore_user_exceptions; }
