/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statuses and Win32 errors, and the last of each that a thread saw. */
#include "ntdllp.h"

/* Sorted by status. */
static const struct {
  ULONG Status;
  ULONG Error;
} errors[] = {
#define STATUS_TO_ERROR(status, error) {(ULONG)(status), (error)},
#include "error_table.h"
};

ULONG NTAPI RtlNtStatusToDosErrorNoTeb(NTSTATUS Status)
{
  ULONG status = (ULONG)Status, low = 0, high = ARRAYSIZE(errors);
  /* The customer's own codes stay; the bit of a status in an HRESULT goes. */
  if (!status || (status & 0x20000000))
    return status;
  if ((status & 0xF0000000) == 0xD0000000)
    status &= ~0x10000000u;
  while (low < high) {
    ULONG middle = (low + high) / 2;
    if (errors[middle].Status == status)
      return errors[middle].Error;
    if (errors[middle].Status < status)
      low = middle + 1;
    else
      high = middle;
  }
  /* Statuses that carry a Win32 error. */
  if (status >> 16 == 0x8007 || status >> 16 == 0xC001 || status >> 16 == 0xC007)
    return status & 0xFFFF;
  return ERROR_MR_MID_NOT_FOUND;
}

ULONG NTAPI RtlNtStatusToDosError(NTSTATUS Status)
{
  NtCurrentTeb()->LastStatusValue = Status;
  return RtlNtStatusToDosErrorNoTeb(Status);
}

ULONG NTAPI RtlGetLastWin32Error(void) { return NtCurrentTeb()->LastErrorValue; }

NTSTATUS NTAPI RtlGetLastNtStatus(void) { return NtCurrentTeb()->LastStatusValue; }

void NTAPI RtlSetLastWin32Error(ULONG Win32Error)
{
  if (NtCurrentTeb()->LastErrorValue != Win32Error)
    NtCurrentTeb()->LastErrorValue = Win32Error;
}

void NTAPI RtlRestoreLastWin32Error(ULONG Win32Error) { RtlSetLastWin32Error(Win32Error); }

ULONG NTAPI RtlSetLastWin32ErrorAndNtStatusFromNtStatus(NTSTATUS Status)
{
  ULONG error = RtlNtStatusToDosError(Status);
  RtlSetLastWin32Error(error);
  return error;
}

ULONG NTAPI RtlGetThreadErrorMode(void) { return NtCurrentTeb()->HardErrorMode; }

NTSTATUS NTAPI RtlSetThreadErrorMode(ULONG NewMode, ULONG *OldMode)
{
  /* SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SEM_NOALIGNMENTFAULTEXCEPT in their places of the thread's mode. */
  if (NewMode & ~0x70u)
    return STATUS_INVALID_PARAMETER_1;
  if (OldMode)
    *OldMode = NtCurrentTeb()->HardErrorMode;
  NtCurrentTeb()->HardErrorMode = NewMode;
  return STATUS_SUCCESS;
}
