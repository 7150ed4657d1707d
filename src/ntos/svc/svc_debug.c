/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dbgk/dbgk.h"
#include "ntos/svc/svc_process.h"

SVC_THUNK_4(NtCreateDebugObject, ULONG64, ACCESS_MASK, ULONG64, ULONG)
SVC_THUNK_4(NtWaitForDebugEvent, HANDLE, BOOLEAN, ULONG64, ULONG64)
SVC_THUNK_3(NtDebugContinue, HANDLE, ULONG64, NTSTATUS)
SVC_THUNK_2(NtDebugActiveProcess, HANDLE, HANDLE)
SVC_THUNK_2(NtRemoveProcessDebug, HANDLE, HANDLE)
SVC_THUNK_5(NtSetInformationDebugObject, HANDLE, ULONG, ULONG64, ULONG, ULONG64)

const struct svc_entry svc_debug_table[] = {
    SVC(NtCreateDebugObject, 4),
    SVC(NtWaitForDebugEvent, 4),
    SVC(NtDebugContinue, 3),
    SVC(NtDebugActiveProcess, 2),
    SVC(NtRemoveProcessDebug, 2),
    SVC(NtSetInformationDebugObject, 5),
    {NULL, NULL, 0},
};
