/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DbgkForwardException (spec/2.2). */
#include "dbgk/internal.h"

BOOLEAN DbgkForwardException(const EXCEPTION_RECORD64 *ExceptionRecord, BOOLEAN DebugPort, BOOLEAN SecondChance)
{
  ETHREAD *thread = PsGetCurrentThread();
  EPROCESS *process = PsThreadProcess(thread);
  DBGKM_APIMSG msg;

  if (SecondChance)
    PsSetProcessFaultInformation(process, ExceptionRecord->ExceptionCode);
  /* No process has an exception port yet: no port is "not handled". */
  if (!DebugPort) {
    TRACE(DBGKSIM_TRACE_EXCEPTION_PORT, NULL, 0, 0, 0, 0);
    return FALSE;
  }
  ke_race_point();
  bool port = process->DebugPort && !(thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_HIDE_FROM_DEBUGGER);
  TRACE(DBGKSIM_TRACE_FORWARD, NULL, (ULONG)ExceptionRecord->ExceptionCode, DebugPort, SecondChance, port);
  if (!port)
    return FALSE;

  dbgk_init_message(&msg, DbgKmExceptionApi, sizeof msg.u.Exception);
  msg.u.Exception.ExceptionRecord = *ExceptionRecord;
  msg.u.Exception.FirstChance = !SecondChance;
  NTSTATUS status = DbgkpSendApiMessage(process, DBGKP_SEND_SUSPEND, &msg);
  BOOLEAN handled =
      NT_SUCCESS(status) && msg.ReturnedStatus != DBG_EXCEPTION_NOT_HANDLED && NT_SUCCESS(msg.ReturnedStatus);
  TRACE(DBGKSIM_TRACE_FORWARD_RESULT, NULL, handled, (ULONG)status, (ULONG)msg.ReturnedStatus, 0);
  return handled;
}
