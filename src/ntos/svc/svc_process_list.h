/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_process_list.h  What SystemProcessInformation tells. */
#ifndef NTOS_SVC_SVC_PROCESS_LIST_H
#define NTOS_SVC_SVC_PROCESS_LIST_H

#include <dbgksim/nttypes.h>

/** Lists all processes and their threads, in order of creation, in a new pool block.
 *  @param base  user address where the list will lie: name pointers refer to it
 *  @return STATUS_INSUFFICIENT_RESOURCES */
NTSTATUS svc_list_processes(ULONG64 base, UCHAR **list, ULONG *size);

#endif
