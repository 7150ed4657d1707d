/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hard errors: what a process reports to the error port of the system, whose server asks the user (csrss on Windows).
 */
#include "dbgk/internal.h"

#include <string.h>

/* TEB.HardErrorMode and its bit: no reports of this thread. */
#define TEB_HARD_ERROR_MODE 0x16B0u
#define RTL_SEM_FAILCRITICALERRORS 0x10u

NTSTATUS ExpSetDefaultErrorPort(LPCP_PORT_OBJECT *Port)
{
  struct dbgk_state *dbgk = dbgk_state();
  if (dbgk->ExpDefaultErrorPort)
    return STATUS_UNSUCCESSFUL;
  ObReferenceObject(Port);
  dbgk->ExpDefaultErrorPort = Port;
  dbgk->ExpDefaultErrorPortProcess = PsGetCurrentProcess();
  ObReferenceObject(dbgk->ExpDefaultErrorPortProcess);
  return STATUS_SUCCESS;
}

BOOLEAN IoSetThreadHardErrorMode(BOOLEAN EnableHardErrors)
{
  ULONG *flags = &PsGetCurrentThread()->CrossThreadFlags;
  BOOLEAN enabled = !(*flags & PS_CROSS_THREAD_FLAGS_HARD_ERRORS_DISABLED);
  if (EnableHardErrors)
    *flags &= ~PS_CROSS_THREAD_FLAGS_HARD_ERRORS_DISABLED;
  else
    *flags |= PS_CROSS_THREAD_FLAGS_HARD_ERRORS_DISABLED;
  return enabled;
}

static bool disabled_for_thread(const ETHREAD *thread)
{
  ULONG mode = 0;
  if (thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_HARD_ERRORS_DISABLED)
    return true;
  if (thread->Tcb.Teb && !NT_SUCCESS(mm_user_read(&mode, thread->Tcb.Teb + TEB_HARD_ERROR_MODE, sizeof mode)))
    return false;
  return (mode & RTL_SEM_FAILCRITICALERRORS) != 0;
}

/* The port that the running thread reports to, referenced; NULL: none. */
static LPCP_PORT_OBJECT *port_for(NTSTATUS error)
{
  struct dbgk_state *dbgk = dbgk_state();
  EPROCESS *process = PsGetCurrentProcess();
  if (!(process->DefaultHardErrorProcessing & PROCESS_HARDERROR_REPORT) &&
      !((ULONG)error & HARDERROR_OVERRIDE_ERRORMODE))
    return NULL;
  if (disabled_for_thread(PsGetCurrentThread()))
    return NULL;
  LPCP_PORT_OBJECT *port = PsCaptureExceptionPort(process);
  if (!port && dbgk->ExpDefaultErrorPort) {
    port = dbgk->ExpDefaultErrorPort;
    ObReferenceObject(port);
  }
  /* The server cannot answer itself. */
  if (port && process == dbgk->ExpDefaultErrorPortProcess) {
    ObDereferenceObject(port);
    return NULL;
  }
  return port;
}

NTSTATUS ExpRaiseHardError(HARDERROR_MSG *Error, ULONG *Response)
{
  LPC_MESSAGE request, reply;
  *Response = ResponseReturnToCaller;
  LPCP_PORT_OBJECT *port = port_for(Error->Status);
  if (!port)
    return STATUS_SUCCESS;
  Error->Status = (NTSTATUS)((ULONG)Error->Status & ~HARDERROR_OVERRIDE_ERRORMODE);
  Error->ErrorTime = KeQuerySystemTime();
  Error->Response = ResponseNotHandled;
  Error->h.DataLength = sizeof *Error - sizeof Error->h;
  Error->h.TotalLength = sizeof *Error;
  Error->h.Type = LPC_ERROR_EVENT;
  memcpy(&request, Error, sizeof *Error);
  TRACE(DBGKSIM_TRACE_SEND, NULL, DbgKmErrorReportApi, DBGKP_SEND_LPC, (ULONG)Error->Status, 0);
  NTSTATUS status = LpcRequestWaitReplyPort(port, &request, &reply);
  ObDereferenceObject(port);
  if (status == STATUS_SUCCESS && reply.h.DataLength >= offsetof(HARDERROR_MSG, NumberOfParameters) - sizeof reply.h) {
    memcpy(Response, reply.data + offsetof(HARDERROR_MSG, Response) - sizeof reply.h, sizeof *Response);
    if (*Response > ResponseContinue)
      *Response = ResponseReturnToCaller;
  }
  return status;
}

NTSTATUS DbgkpSendErrorMessage(const EXCEPTION_RECORD64 *ExceptionRecord)
{
  struct dbgk_state *dbgk = dbgk_state();
  DBGKM_APIMSG msg;
  LPCP_PORT_OBJECT *port = dbgk->ExpDefaultErrorPort;
  if (!port || PsGetCurrentProcess() == dbgk->ExpDefaultErrorPortProcess)
    return DBG_EXCEPTION_NOT_HANDLED;
  dbgk_init_message(&msg, DbgKmErrorReportApi, sizeof msg.u.Exception);
  msg.h.Type = LPC_ERROR_EVENT;
  msg.u.Exception.ExceptionRecord = *ExceptionRecord;
  ObReferenceObject(port);
  NTSTATUS status = DbgkpSendApiMessageLpc(&msg, port);
  ObDereferenceObject(port);
  if (status == STATUS_SUCCESS)
    status = msg.ReturnedStatus;
  else if (NT_SUCCESS(status))
    status = DBG_EXCEPTION_NOT_HANDLED;
  TRACE(DBGKSIM_TRACE_EXCEPTION_PORT, NULL, NT_SUCCESS(status), (ULONG)status, (ULONG)msg.ReturnedStatus, TRUE);
  return status;
}
