/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file kd.h  The kernel debugger's side of exception dispatch (spec/2.4). */
#ifndef NTOS_KD_KD_H
#define NTOS_KD_KD_H

#include "ntos/inc/pcr.h"

#include <dbgksim/kd.h>

/** FLG_STOP_ON_EXCEPTION of NtGlobalFlag. */
#define FLG_STOP_ON_EXCEPTION 0x1u

struct kd_config {
  bool enabled;                 /**< a kernel debugger is there: KdpTrap is behind KiDebugRoutine, else KdpStub */
  bool ignore_user_exceptions;  /**< KdIgnoreUmExceptions: of user mode it sees debug services only */
  ULONG print_mask;             /**< Kd_WIN2000_Mask at the start */
  bool stop_on_exception;       /**< FLG_STOP_ON_EXCEPTION: it sees every first chance, not only debug exceptions */
};

/** Sets up kd, behind trap and mm. False: no memory. */
bool KdInitSystem(const struct kd_config *config);
/** KdDebuggerEnabled (and present); false without a set-up. */
bool kd_enabled(void);
/** KdIgnoreUmExceptions; false without a set-up. */
bool kd_ignores_user_exceptions(void);
/** Components of DbgPrintEx (DPFLTR_TYPE), as many as Windows 7 has. */
#define KD_COMPONENTS 146u
/** The component whose mask counts for all. */
#define KD_EVERY_COMPONENT 0xFFFFFFFFu
/** TRUE or FALSE: whether a text of the level passes. STATUS_INVALID_PARAMETER_1: no such component. */
NTSTATUS kd_query_filter(ULONG ComponentId, ULONG Level);
/** Lets texts of the level pass, or not. STATUS_INVALID_PARAMETER_1. */
NTSTATUS kd_set_filter(ULONG ComponentId, ULONG Level, BOOLEAN State);
/** The event that the machine is held for; NULL: none. */
const struct dbgksim_kd_event *kd_pending(void);
/** Answers it and releases the machine. */
void kd_answer(const struct dbgksim_kd_answer *answer);

#endif
