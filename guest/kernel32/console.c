/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Standard handles and console output. */
#include "kernel32p.h"

HANDLE WINAPI GetStdHandle(DWORD which)
{
  PRTL_USER_PROCESS_PARAMETERS parameters = NtCurrentPeb()->ProcessParameters;
  switch (which) {
  case STD_INPUT_HANDLE:
    return parameters->StandardInput;
  case STD_OUTPUT_HANDLE:
    return parameters->StandardOutput;
  case STD_ERROR_HANDLE:
    return parameters->StandardError;
  default:
    BaseSetLastNTError(STATUS_INVALID_PARAMETER);
    return INVALID_HANDLE_VALUE;
  }
}

BOOL WINAPI WriteFile(HANDLE file, LPCVOID buffer, DWORD size, LPDWORD written, LPOVERLAPPED overlapped)
{
  IO_STATUS_BLOCK io = {.Information = 0};
  (void)overlapped;
  NTSTATUS status = NtWriteFile(file, NULL, NULL, NULL, &io, buffer, size, NULL, NULL);
  if (written)
    *written = (DWORD)io.Information;
  return BaseSetLastNTError(status);
}
