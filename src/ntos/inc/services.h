/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file services.h  The system service table: the seam between trap (which calls services) and svc (which has them). */
#ifndef NTOS_INC_SERVICES_H
#define NTOS_INC_SERVICES_H

#include <dbgksim/nttypes.h>

/** One service: its name, the routine behind a thunk, and how many argument slots it reads. */
struct svc_entry {
  const char *name; /**< NULL ends a table */
  NTSTATUS (*routine)(const ULONG64 *arguments);
  unsigned argument_count;
};

#endif
