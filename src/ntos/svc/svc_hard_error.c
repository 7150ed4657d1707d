/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hard errors: capture and checks; whom they are told is dbgk's (error_port.c). */
#include "dbgk/dbgk.h"
#include "ntos/io/io.h"
#include "ntos/ke/ke.h"
#include "ntos/ke/trace.h"
#include "ntos/svc/svc_system.h"

#include <stdio.h>

/* The addresses of the parameters go to the server as they are; those of texts must lead somewhere. The first text is
 * kept for the log (pool; NULL: none). */
static NTSTATUS capture_parameters(HARDERROR_MSG *error, ULONG64 parameters, char **text)
{
  const size_t size = error->NumberOfParameters * sizeof error->Parameters[0];
  NTSTATUS status = ProbeForRead(parameters, size, 8);
  if (NT_SUCCESS(status))
    status = mm_user_read(error->Parameters, parameters, size);
  for (ULONG i = 0; i < error->NumberOfParameters && NT_SUCCESS(status); i++) {
    WCHAR *wide = NULL;
    USHORT bytes;
    if (!(error->UnicodeStringParameterMask >> i & 1))
      continue;
    status = mm_user_read_string(error->Parameters[i], &wide, &bytes);
    if (NT_SUCCESS(status) && !*text)
      *text = io_utf8(wide, bytes / sizeof(WCHAR));
    ExFreePool(wide);
  }
  return status;
}

NTSTATUS NtRaiseHardError(NTSTATUS ErrorStatus, ULONG NumberOfParameters, ULONG UnicodeStringParameterMask,
                          ULONG64 Parameters, ULONG ValidResponseOptions, ULONG64 Response)
{
  char line[DBGKSIM_TRACE_TEXT], *text = NULL;
  HARDERROR_MSG error = {
      .Status = ErrorStatus,
      .ValidResponseOptions = ValidResponseOptions,
      .NumberOfParameters = NumberOfParameters,
      .UnicodeStringParameterMask = UnicodeStringParameterMask,
  };
  ULONG response = ResponseNotHandled;
  if (NumberOfParameters > MAXIMUM_HARDERROR_PARAMETERS || (Parameters && !NumberOfParameters))
    return STATUS_INVALID_PARAMETER_2;
  if (ValidResponseOptions > OptionCancelTryContinue)
    return STATUS_INVALID_PARAMETER_4;
  NTSTATUS status = ProbeForWrite(Response, sizeof(ULONG), 4);
  if (NT_SUCCESS(status) && Parameters)
    status = capture_parameters(&error, Parameters, &text);
  if (NT_SUCCESS(status)) {
    (void)snprintf(line, sizeof line, "hard error %08X%s%.70s", (ULONG)ErrorStatus, text ? ": " : "", text ? text : "");
    TRACE(DBGKSIM_TRACE_LOG, line, (ULONG)ErrorStatus, 0, 0, 0);
    /* Also with SeShutdownPrivilege: a guest does not end the machine. */
    status =
        ValidResponseOptions == OptionShutdownSystem ? STATUS_PRIVILEGE_NOT_HELD : ExpRaiseHardError(&error, &response);
    NTSTATUS written = mm_user_write_u32(Response, response);
    if (!NT_SUCCESS(written))
      status = written;
  }
  ExFreePool(text);
  return status;
}

NTSTATUS NtSetDefaultHardErrorPort(HANDLE PortHandle)
{
  void *port;
  /* SeTcbPrivilege: a program's token does not have it. */
  if (!PsGetCurrentProcess()->native)
    return STATUS_PRIVILEGE_NOT_HELD;
  NTSTATUS status = ObReferenceObjectByHandle(PortHandle, 0, ob_types()->Port, KeGetPreviousMode(), &port, NULL);
  if (!NT_SUCCESS(status))
    return status;
  status = ExpSetDefaultErrorPort(port);
  ObDereferenceObject(port);
  return status;
}

SVC_THUNK_6(NtRaiseHardError, NTSTATUS, ULONG, ULONG, ULONG64, ULONG, ULONG64)
SVC_THUNK_1(NtSetDefaultHardErrorPort, HANDLE)

const struct svc_entry svc_hard_error_table[] = {
    SVC(NtRaiseHardError, 6),
    SVC(NtSetDefaultHardErrorPort, 1),
    {NULL, NULL, 0},
};
