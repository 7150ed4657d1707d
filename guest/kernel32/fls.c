/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fiber local storage: ntdll has it. */
#include "kernel32p.h"

DWORD WINAPI FlsAlloc(PFLS_CALLBACK_FUNCTION callback)
{
  ULONG index;
  return BaseSetLastNTError(RtlFlsAlloc(callback, &index)) ? index : FLS_OUT_OF_INDEXES;
}

BOOL WINAPI FlsFree(DWORD index) { return BaseSetLastNTError(RtlFlsFree(index)); }

PVOID WINAPI FlsGetValue(DWORD index)
{
  PVOID value = NULL;
  if (!BaseSetLastNTError(RtlFlsGetValue(index, &value)))
    return NULL;
  NtCurrentTeb()->LastErrorValue = ERROR_SUCCESS;
  return value;
}

BOOL WINAPI FlsSetValue(DWORD index, PVOID value) { return BaseSetLastNTError(RtlFlsSetValue(index, value)); }
