/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DbgkForwardException: the debug port and the exception port (spec/2.2). */
#include "dbgk/internal.h"

#include <string.h>

/* Bytes of a reply that reach its ReturnedStatus. */
#define REPLY_WITH_STATUS (offsetof(DBGKM_APIMSG, u) - sizeof(PORT_MESSAGE))

/* The process is not frozen meanwhile, as it is for a debug port (the debuggers' call passes suspend = TRUE, this one
 * does not): the server may be one of its own threads. */
NTSTATUS DbgkpSendApiMessageLpc(DBGKM_APIMSG *ApiMsg, LPCP_PORT_OBJECT *Port)
{
  LPC_MESSAGE request, reply;
  TRACE(DBGKSIM_TRACE_SEND, NULL, ApiMsg->ApiNumber, DBGKP_SEND_LPC, 0, 0);
  if (era_current()->create_reported_by_send)
    PsGetCurrentProcess()->Flags |= PS_PROCESS_FLAGS_CREATE_REPORTED;
  ApiMsg->ReturnedStatus = STATUS_PENDING;
  memcpy(&request, ApiMsg, sizeof ApiMsg->h + ApiMsg->h.DataLength);
  NTSTATUS status = LpcRequestWaitReplyPort(Port, &request, &reply);
  if (status != STATUS_SUCCESS)
    return status;
  if (reply.h.DataLength < REPLY_WITH_STATUS)
    ApiMsg->ReturnedStatus = DBG_EXCEPTION_NOT_HANDLED;
  else
    memcpy(&ApiMsg->ReturnedStatus, reply.data + offsetof(DBGKM_APIMSG, ReturnedStatus) - sizeof reply.h,
           sizeof ApiMsg->ReturnedStatus);
  return status;
}

static BOOLEAN handled(NTSTATUS sent, const DBGKM_APIMSG *msg)
{
  return NT_SUCCESS(sent) && msg->ReturnedStatus != DBG_EXCEPTION_NOT_HANDLED && NT_SUCCESS(msg->ReturnedStatus);
}

static BOOLEAN forward_to_exception_port(EPROCESS *process, DBGKM_APIMSG *msg)
{
  const EXCEPTION_RECORD64 *record = &msg->u.Exception.ExceptionRecord;
  LPCP_PORT_OBJECT *port = PsCaptureExceptionPort(process);
  TRACE(DBGKSIM_TRACE_FORWARD, port ? NULL : "there is none", (ULONG)record->ExceptionCode, FALSE,
        !msg->u.Exception.FirstChance, port != NULL);
  if (port) {
    msg->h.Type = LPC_EXCEPTION;
    NTSTATUS status = DbgkpSendApiMessageLpc(msg, port);
    ObDereferenceObject(port);
    BOOLEAN result = handled(status, msg);
    TRACE(DBGKSIM_TRACE_EXCEPTION_PORT, NULL, result, (ULONG)status, (ULONG)msg->ReturnedStatus, FALSE);
    if (status != STATUS_SUCCESS || msg->ReturnedStatus != DBG_EXCEPTION_NOT_HANDLED)
      return result;
  }
  /* No port counts as one whose server refuses. */
  return NT_SUCCESS(DbgkpSendErrorMessage(record));
}

/* NULL: an exception of the thread goes to the debug port. */
static const char *why_no_debug_port(const EPROCESS *process, const ETHREAD *thread)
{
  if (!process->DebugPort)
    return "there is none";
  return thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_HIDE_FROM_DEBUGGER
             ? "there is one, but the thread is hidden (HideFromDebugger)"
             : NULL;
}

BOOLEAN DbgkForwardException(const EXCEPTION_RECORD64 *ExceptionRecord, BOOLEAN DebugPort, BOOLEAN SecondChance)
{
  ETHREAD *thread = PsGetCurrentThread();
  EPROCESS *process = PsThreadProcess(thread);
  DBGKM_APIMSG msg;

  if (SecondChance)
    PsSetProcessFaultInformation(process, ExceptionRecord->ExceptionCode);
  dbgk_init_message(&msg, DbgKmExceptionApi, sizeof msg.u.Exception);
  msg.u.Exception.ExceptionRecord = *ExceptionRecord;
  msg.u.Exception.FirstChance = !SecondChance;
  if (!DebugPort)
    return forward_to_exception_port(process, &msg);

  ke_race_point();
  const char *no_port = why_no_debug_port(process, thread);
  TRACE(DBGKSIM_TRACE_FORWARD, no_port, (ULONG)ExceptionRecord->ExceptionCode, DebugPort, SecondChance, !no_port);
  if (no_port)
    return FALSE;
  NTSTATUS status = DbgkpSendApiMessage(process, DBGKP_SEND_SUSPEND, &msg);
  BOOLEAN result = handled(status, &msg);
  TRACE(DBGKSIM_TRACE_FORWARD_RESULT, NULL, result, (ULONG)status, (ULONG)msg.ReturnedStatus, 0);
  return result;
}
