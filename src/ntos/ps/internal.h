/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file internal.h  State of ps. */
#ifndef NTOS_PS_INTERNAL_H
#define NTOS_PS_INTERNAL_H

#include "ntos/ke/ke.h"
#include "ntos/ke/trace.h"
#include "ntos/ps/ps.h"

struct ps_state {
  LIST_ENTRY processes; /**< EPROCESS.ActiveProcessLinks, in order of creation */
  EPROCESS *system;
  void **ids; /**< process and thread objects by id / 4 - 1; NULL once they are deleted */
  size_t id_count, id_capacity;
  ULONG process_count, thread_count, max_processes, max_threads;
  PKKERNEL_ROUTINE exit_routine;
  PPS_CRITICAL_ROUTINE critical_routine; /**< NULL: critical objects end like others */
};

static inline struct ps_state *ps_state(void) { return KeGetPcr()->ps; }

#endif
