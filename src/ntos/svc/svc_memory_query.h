/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_memory_query.h  What memory services share. */
#ifndef NTOS_SVC_SVC_MEMORY_QUERY_H
#define NTOS_SVC_SVC_MEMORY_QUERY_H

#include "ntos/inc/pcr.h"

/** References a process whose memory may be touched. STATUS_ACCESS_DENIED for a native one. */
NTSTATUS svc_reference_process(HANDLE Handle, ACCESS_MASK access, EPROCESS **Process);

#endif
