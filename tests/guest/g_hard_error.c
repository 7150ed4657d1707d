/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hard errors (spec/2.2): parameters and statuses of NtRaiseHardError, who is told, what switches reports off, and an
 * exception that the exception port's server does not handle. Each response is printed; 0 is ResponseReturnToCaller.
 * Exit code 0; without a server of the error port, and without a debugger, that of the exception. */
#include "nano.h"

#define ProcessExceptionPort 8
#define ProcessDefaultHardErrorMode 0xC
#define HARDERROR_OVERRIDE_ERRORMODE 0x10000000
#define FAILURE NT_STATUS_VALUE(0xC0000222)
#define UNANSWERED NT_STATUS_VALUE(0xE0000007)
#define TEB_HARD_ERROR_MODE ((volatile ULONG *)((UCHAR *)nano_teb() + 0x16B0))

union message {
  HARDERROR_MSG hard_error;
  struct {
    PORT_MESSAGE h;
    ULONG ApiNumber;
    NTSTATUS ReturnedStatus;
    EXCEPTION_RECORD64 ExceptionRecord;
    UCHAR rest[0x280 - 0xC8];
  } api;
};

static HANDLE port;

static ULONG raise_error(NTSTATUS status, ULONG options)
{
  static const WCHAR text[] = u"C:\\lost.txt";
  UNICODE_STRING64 name = {sizeof(text) - 2, sizeof(text), 0, (ULONG64)text};
  ULONG64 parameters[2] = {0x1234, (ULONG64)&name};
  ULONG response = 99;
  CHECK_STATUS(NtRaiseHardError(status, 2, 2, parameters, options, &response), STATUS_SUCCESS);
  return response;
}

static void statuses(void)
{
  ULONG64 parameters[5] = {0x10};
  ULONG response = 99;
  CHECK_STATUS(NtRaiseHardError(FAILURE, 6, 0, parameters, OptionOk, &response), STATUS_INVALID_PARAMETER_2);
  CHECK_STATUS(NtRaiseHardError(FAILURE, 0, 0, parameters, OptionOk, &response), STATUS_INVALID_PARAMETER_2);
  CHECK_STATUS(NtRaiseHardError(FAILURE, 0, 0, NULL, 9, &response), STATUS_INVALID_PARAMETER_4);
  CHECK_STATUS(NtRaiseHardError(FAILURE, 0, 0, NULL, OptionOk, NULL), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtRaiseHardError(FAILURE, 0, 0, NULL, OptionOk, (ULONG *)((UCHAR *)parameters + 2)),
               STATUS_DATATYPE_MISALIGNMENT);
  CHECK_STATUS(NtRaiseHardError(FAILURE, 1, 0, (ULONG64 *)0x10, OptionOk, &response), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtRaiseHardError(FAILURE, 1, 1, parameters, OptionOk, &response), STATUS_ACCESS_VIOLATION);
  CHECK(response == 99);
  CHECK_STATUS(NtRaiseHardError(FAILURE, 0, 0, NULL, OptionShutdownSystem, &response), STATUS_PRIVILEGE_NOT_HELD);
  CHECK(response == ResponseNotHandled);
  CHECK_STATUS(NtSetDefaultHardErrorPort(port), STATUS_PRIVILEGE_NOT_HELD);
}

static void set_mode(ULONG mode)
{
  ULONG now = 99;
  CHECK_STATUS(NtSetInformationProcess(NtCurrentProcess, ProcessDefaultHardErrorMode, &mode, sizeof(mode)),
               STATUS_SUCCESS);
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, ProcessDefaultHardErrorMode, &now, sizeof(now), NULL),
               STATUS_SUCCESS);
  CHECK(now == mode);
}

static void switches(void)
{
  ULONG mode = 99;
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, ProcessDefaultHardErrorMode, &mode, sizeof(mode), NULL),
               STATUS_SUCCESS);
  CHECK(mode == 1);
  CHECK_STATUS(NtSetInformationProcess(NtCurrentProcess, ProcessDefaultHardErrorMode, &mode, 2),
               STATUS_INFO_LENGTH_MISMATCH);
  print_number("reported: ", raise_error(FAILURE, OptionRetryCancel));
  set_mode(0);
  print_number("mode 0: ", raise_error(FAILURE, OptionRetryCancel));
  print_number("mode 0, overridden: ", raise_error(FAILURE | HARDERROR_OVERRIDE_ERRORMODE, OptionYesNo));
  set_mode(1);
  *TEB_HARD_ERROR_MODE = 0x10;
  print_number("off in the thread: ", raise_error(FAILURE | HARDERROR_OVERRIDE_ERRORMODE, OptionOk));
  *TEB_HARD_ERROR_MODE = 0;
}

/* The exception port is asked first: it answers the error, and refuses the exception. */
static ULONG serve(void *argument)
{
  union message m;
  (void)argument;
  CHECK_STATUS(NtReplyWaitReceivePort(port, NULL, NULL, &m.api.h), STATUS_SUCCESS);
  CHECK(m.api.h.Type == LPC_ERROR_EVENT && m.api.h.TotalLength == sizeof(m.hard_error));
  CHECK(m.hard_error.Status == FAILURE && m.hard_error.ValidResponseOptions == OptionYesNo);
  CHECK(m.hard_error.NumberOfParameters == 2 && m.hard_error.UnicodeStringParameterMask == 2);
  CHECK(m.hard_error.Parameters[0] == 0x1234 && m.hard_error.Parameters[2] == 0);
  m.hard_error.Response = ResponseNo;
  CHECK_STATUS(NtReplyWaitReceivePort(port, NULL, &m.api.h, &m.api.h), STATUS_SUCCESS);
  m.hard_error.Response = ResponseContinue + 1;
  CHECK_STATUS(NtReplyWaitReceivePort(port, NULL, &m.api.h, &m.api.h), STATUS_SUCCESS);
  CHECK(m.api.h.Type == LPC_EXCEPTION && m.api.ExceptionRecord.ExceptionCode == UNANSWERED);
  m.api.ReturnedStatus = DBG_EXCEPTION_NOT_HANDLED;
  CHECK_STATUS(NtReplyPort(port, &m.api.h), STATUS_SUCCESS);
  return 0;
}

ULONG start(void *peb)
{
  OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof(attributes)};
  EXCEPTION_RECORD64 record = {.ExceptionCode = UNANSWERED};
  CONTEXT context;
  (void)peb;
  CHECK_STATUS(NtCreatePort(&port, &attributes, 0, sizeof(union message), 0), STATUS_SUCCESS);
  statuses();
  switches();
  CHECK_STATUS(NtSetInformationProcess(NtCurrentProcess, ProcessExceptionPort, &port, sizeof(port)), STATUS_SUCCESS);
  create_thread(serve, NULL);
  CHECK(raise_error(FAILURE, OptionYesNo) == ResponseNo);
  /* no such response */
  CHECK(raise_error(FAILURE, OptionYesNo) == ResponseReturnToCaller);
  if (nano_teb()->ProcessEnvironmentBlock->BeingDebugged)
    return 0;
  print("an exception");
  RtlCaptureContext(&context);
  if (seen.count++)
    return 0;
  NtRaiseException(&record, &context, FALSE);
  return 1;
}
