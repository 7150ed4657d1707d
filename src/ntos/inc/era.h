/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file era.h  Where builds of Windows differ (spec/3.8): data, asked at the few places where it matters. */
#ifndef NTOS_INC_ERA_H
#define NTOS_INC_ERA_H

#include "ntos/inc/pcr.h"

/** One column of spec/3.8. */
struct era {
  const char *name;                 /**< "xp", "win7", "win10" */
  bool create_reported_by_send;     /**< DbgkpSendApiMessage sets CREATE_REPORTED, not DbgkCreateThread's test-and-set */
  bool ntdll_event_without_file;    /**< the live ntdll message is sent although its file can not be opened */
  bool attach_ntdll_before_threads; /**< else it comes late, from the loader's list */
  bool reply_later;                 /**< DBG_REPLY_LATER is legal and replays the event */
  bool context_ex;                  /**< CONTEXT_EX lies between CONTEXT and record on the user stack */
  bool int_2e_service;              /**< INT 2E enters the system service dispatcher */
  const char *port_type;            /**< name of the type of ports */
  /** Bits of ETHREAD.CrossThreadFlags as a reader of that build's memory sees them (spec/3.1). */
  ULONG hard_errors_disabled, break_on_termination, skip_creation_msg, skip_termination_msg;
  bool critical_process_died; /**< a critical process ends with CRITICAL_PROCESS_DIED, else CRITICAL_OBJECT_TERMINATION */
};

/** The era of the current machine. */
static inline const struct era *era_current(void) { return KeGetPcr()->era; }

/** CrossThreadFlags in an era's layout. */
static inline ULONG era_cross_thread_flags(const struct era *era, ULONG flags)
{
  ULONG shown = flags & (PS_CROSS_THREAD_FLAGS_TERMINATED | PS_CROSS_THREAD_FLAGS_THREAD_INSERTED |
                         PS_CROSS_THREAD_FLAGS_HIDE_FROM_DEBUGGER);
  if (flags & PS_CROSS_THREAD_FLAGS_HARD_ERRORS_DISABLED)
    shown |= era->hard_errors_disabled;
  if (flags & PS_CROSS_THREAD_FLAGS_BREAK_ON_TERMINATION)
    shown |= era->break_on_termination;
  if (flags & PS_CROSS_THREAD_FLAGS_SKIP_CREATION_MSG)
    shown |= era->skip_creation_msg;
  if (flags & PS_CROSS_THREAD_FLAGS_SKIP_TERMINATION_MSG)
    shown |= era->skip_termination_msg;
  return shown;
}

#endif
