/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/kd/kd.h"
#include "ntos/ke/ke.h"
#include "ntos/svc/svc_system.h"
#include "ntos/svc/svc_token.h"

NTSTATUS NtQueryDebugFilterState(ULONG ComponentId, ULONG Level) { return kd_query_filter(ComponentId, Level); }

NTSTATUS NtSetDebugFilterState(ULONG ComponentId, ULONG Level, BOOLEAN State)
{
  if (!SeSinglePrivilegeCheck(SE_DEBUG_PRIVILEGE, KeGetPreviousMode()))
    return STATUS_ACCESS_DENIED;
  return kd_set_filter(ComponentId, Level, State);
}

SVC_THUNK_2(NtQueryDebugFilterState, ULONG, ULONG)
SVC_THUNK_3(NtSetDebugFilterState, ULONG, ULONG, BOOLEAN)

const struct svc_entry svc_debug_filter_table[] = {
    SVC(NtQueryDebugFilterState, 2),
    SVC(NtSetDebugFilterState, 3),
    {0},
};
