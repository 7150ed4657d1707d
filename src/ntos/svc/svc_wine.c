/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/ke/ke.h"
#include "ntos/ke/trace.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_process.h"
#include "ntos/svc/svc_state.h"

#include <stdio.h>
#include <string.h>

/* Functions of ntdll's Unix side. */
enum { UNIX_LOAD_SO_DLL = 0, UNIX_UNWIND_BUILTIN_DLL = 1, UNIX_SYSTEM_TIME_PRECISE = 2 };
/* Lines of Wine's log are short; what follows this is not shown. */
#define DBG_WRITE_LIMIT 1024u

/* Each code is named once. */
static void report_missing(ULONG code)
{
  struct svc_state *state = svc_state_of();
  char text[DBGKSIM_TRACE_TEXT];
  ULONG64 bit = 1ull << (code < 63 ? code : 63);
  if (!state || (state->unix_calls_reported & bit))
    return;
  state->unix_calls_reported |= bit;
  snprintf(text, sizeof text, "unix call %u is not implemented", code);
  TRACE(DBGKSIM_TRACE_LOG, text, code, 0, 0, 0);
}

NTSTATUS wine_unix_call(ULONG64 handle, ULONG code, ULONG64 arguments)
{
  ULONG64 now;
  /* The codes are those of ntdll's own Unix side, whose handle is 0; other DLLs have codes of their own. */
  if (handle) {
    report_missing(code);
    return STATUS_NOT_IMPLEMENTED;
  }
  switch (code) {
  case UNIX_LOAD_SO_DLL:
    return STATUS_SUCCESS;
  case UNIX_UNWIND_BUILTIN_DLL:
    /* No host unwind information: the unwinder then takes the function for a leaf. */
    return STATUS_UNSUCCESSFUL;
  case UNIX_SYSTEM_TIME_PRECISE:
    now = KeQuerySystemTime();
    return mm_user_write(arguments, &now, sizeof now);
  default:
    report_missing(code);
    return STATUS_NOT_IMPLEMENTED;
  }
}

NTSTATUS wine_dbg_write(ULONG64 buffer, ULONG length)
{
  char text[DBGKSIM_TRACE_TEXT];
  ULONG shown = length < DBG_WRITE_LIMIT ? length : DBG_WRITE_LIMIT;
  for (ULONG at = 0, n; at < shown; at += n) {
    n = shown - at < sizeof text - 1 ? shown - at : (ULONG)sizeof text - 1;
    memset(text, 0, sizeof text);
    NTSTATUS status = mm_user_read(text, buffer + at, n);
    if (!NT_SUCCESS(status))
      return status;
    TRACE(DBGKSIM_TRACE_LOG, text, 0, 0, 0, 0);
  }
  return (NTSTATUS)length;
}

SVC_THUNK_3(wine_unix_call, ULONG64, ULONG, ULONG64)
SVC_THUNK_2(wine_dbg_write, ULONG64, ULONG)

const struct svc_entry svc_wine_table[] = {
    SVC(wine_unix_call, 3),
    {"__wine_dbg_write", svc_wine_dbg_write, 2},
    {NULL, NULL, 0},
};
