/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time, identifiers, messages to the operator, power. */
#include "ntos/svc/svc_system.h"

#include "ntos/kd/kd.h"
#include "ntos/ke/ke.h"
#include "ntos/ke/trace.h"
#include "ntos/svc/svc_named.h"
#include "ntos/svc/svc_state.h"

#include <stdio.h>
#include <string.h>

#define COUNTER_FREQUENCY 10000000ull
#define MAXIMUM_RESOLUTION 156250u
#define MINIMUM_RESOLUTION 5000u
#define UUID_RANGE 10000u
#define ES_CONTINUOUS 0x80000000u

/* ---- time ---- */

NTSTATUS NtQuerySystemTime(ULONG64 SystemTime)
{
  ULONG64 now = KeQuerySystemTime();
  NTSTATUS status = ProbeForWrite(SystemTime, sizeof(now), 4);
  return NT_SUCCESS(status) ? mm_user_write(SystemTime, &now, sizeof(now)) : status;
}

NTSTATUS NtSetSystemTime(ULONG64 SystemTime, ULONG64 PreviousTime)
{
  (void)SystemTime;
  (void)PreviousTime;
  return STATUS_PRIVILEGE_NOT_HELD;
}

NTSTATUS NtQueryPerformanceCounter(ULONG64 PerformanceCounter, ULONG64 PerformanceFrequency)
{
  ULONG64 counter = ke_nanoseconds() / 100, frequency = COUNTER_FREQUENCY;
  NTSTATUS status = ProbeForWrite(PerformanceCounter, sizeof(counter), 4);
  if (NT_SUCCESS(status) && PerformanceFrequency != 0)
    status = mm_user_write(PerformanceFrequency, &frequency, sizeof(frequency));
  return NT_SUCCESS(status) ? mm_user_write(PerformanceCounter, &counter, sizeof(counter)) : status;
}

NTSTATUS NtQueryTimerResolution(ULONG64 MaximumTime, ULONG64 MinimumTime, ULONG64 CurrentTime)
{
  NTSTATUS status = mm_user_write_u32(MaximumTime, MAXIMUM_RESOLUTION);
  if (NT_SUCCESS(status))
    status = mm_user_write_u32(MinimumTime, MINIMUM_RESOLUTION);
  if (NT_SUCCESS(status))
    status = mm_user_write_u32(CurrentTime, MAXIMUM_RESOLUTION);
  return status;
}

NTSTATUS NtSetTimerResolution(ULONG DesiredTime, BOOLEAN SetResolution, ULONG64 ActualTime)
{
  ULONG actual = DesiredTime;
  if (!SetResolution || actual > MAXIMUM_RESOLUTION)
    actual = MAXIMUM_RESOLUTION;
  else if (actual < MINIMUM_RESOLUTION)
    actual = MINIMUM_RESOLUTION;
  return mm_user_write_u32(ActualTime, actual);
}

NTSTATUS NtGetTickCount(void) { return (NTSTATUS)(ULONG)(KeQueryInterruptTime() / 10000); }

/* ---- messages ---- */

NTSTATUS NtDisplayString(ULONG64 String)
{
  char *text;
  NTSTATUS status = mm_user_read_utf8(String, &text);
  if (!NT_SUCCESS(status))
    return status;
  TRACE(DBGKSIM_TRACE_LOG, text, 0, 0, 0, 0);
  ExFreePool(text);
  return STATUS_SUCCESS;
}

/* ---- identifiers ---- */

NTSTATUS NtAllocateUuids(ULONG64 Time, ULONG64 Range, ULONG64 Sequence, ULONG64 Seed)
{
  static const UCHAR seed[6] = {0x02, 0x00, 0x00, 0x44, 0x42, 0x47};
  struct svc_state *state = svc_state_of();
  ULONG64 now = KeQuerySystemTime();
  if (state == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  NTSTATUS status = mm_user_write(Time, &now, sizeof(now));
  if (NT_SUCCESS(status))
    status = mm_user_write_u32(Range, UUID_RANGE);
  if (NT_SUCCESS(status))
    status = mm_user_write_u32(Sequence, ++state->uuid_sequence);
  if (NT_SUCCESS(status) && Seed != 0)
    status = mm_user_write(Seed, seed, sizeof(seed));
  return status;
}

NTSTATUS NtAllocateLocallyUniqueId(ULONG64 Luid)
{
  struct svc_state *state = svc_state_of();
  NTSTATUS status = ProbeForWrite(Luid, sizeof(ULONG64), 4);
  if (!NT_SUCCESS(status))
    return status;
  if (state == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  ULONG64 luid = state->next_luid++;
  return mm_user_write(Luid, &luid, sizeof(luid));
}

/* ---- control ---- */

NTSTATUS NtShutdownSystem(ULONG Action)
{
  (void)Action;
  return STATUS_PRIVILEGE_NOT_HELD;
}

NTSTATUS NtQueryLicenseValue(ULONG64 ValueName, ULONG64 Type, ULONG64 Data, ULONG DataSize, ULONG64 ResultDataSize)
{
  (void)Type;
  (void)Data;
  (void)DataSize;
  char *name;
  NTSTATUS status = ResultDataSize != 0 ? ProbeForWrite(ResultDataSize, sizeof(ULONG), 4) : STATUS_INVALID_PARAMETER;
  if (NT_SUCCESS(status))
    status = ValueName != 0 ? mm_user_read_utf8(ValueName, &name) : STATUS_INVALID_PARAMETER;
  if (!NT_SUCCESS(status))
    return status;
  ExFreePool(name);
  return STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS NtSystemDebugControl(ULONG Command, ULONG64 InputBuffer, ULONG InputBufferLength, ULONG64 OutputBuffer,
                              ULONG OutputBufferLength, ULONG64 ReturnLength)
{
  (void)Command;
  (void)InputBuffer;
  (void)InputBufferLength;
  (void)OutputBuffer;
  (void)OutputBufferLength;
  (void)ReturnLength;
  /* With a kernel debugger it wants SeDebugPrivilege; no command is modelled. */
  return kd_enabled() ? STATUS_ACCESS_DENIED : STATUS_DEBUGGER_INACTIVE;
}

enum power_level { SystemPowerCapabilities = 4, SystemBatteryState = 5, ProcessorInformation = 11 };

NTSTATUS NtPowerInformation(ULONG InformationLevel, ULONG64 InputBuffer, ULONG InputBufferLength,
                            ULONG64 OutputBuffer, ULONG OutputBufferLength)
{
  UCHAR out[76] = {0};
  ULONG size;
  /* PROCESSOR_POWER_INFORMATION: number, MHz now, at most, limit, idle states. */
  static const ULONG processor[6] = {0, 1000, 1000, 1000, 0, 0};
  (void)InputBuffer;
  (void)InputBufferLength;
  switch (InformationLevel) {
  case SystemPowerCapabilities:
    size = sizeof(out);
    break;
  case SystemBatteryState:
    out[0] = 1; /* AcOnLine */
    size = 32;
    break;
  case ProcessorInformation:
    memcpy(out, processor, sizeof(processor));
    size = sizeof(processor);
    break;
  default:
    return STATUS_INVALID_PARAMETER;
  }
  return OutputBufferLength >= size ? mm_user_write(OutputBuffer, out, size) : STATUS_BUFFER_TOO_SMALL;
}

NTSTATUS NtSetThreadExecutionState(ULONG NewFlags, ULONG64 PreviousFlags)
{
  (void)NewFlags;
  return mm_user_write_u32(PreviousFlags, ES_CONTINUOUS);
}

NTSTATUS NtGetCurrentProcessorNumber(void) { return 0; }

NTSTATUS NtFlushProcessWriteBuffers(void) { return STATUS_SUCCESS; }

SVC_THUNK_1(NtQuerySystemTime, ULONG64)
SVC_THUNK_2(NtSetSystemTime, ULONG64, ULONG64)
SVC_THUNK_2(NtQueryPerformanceCounter, ULONG64, ULONG64)
SVC_THUNK_3(NtQueryTimerResolution, ULONG64, ULONG64, ULONG64)
SVC_THUNK_3(NtSetTimerResolution, ULONG, BOOLEAN, ULONG64)
SVC_THUNK_0(NtGetTickCount)
SVC_THUNK_1(NtDisplayString, ULONG64)
SVC_THUNK_4(NtAllocateUuids, ULONG64, ULONG64, ULONG64, ULONG64)
SVC_THUNK_1(NtAllocateLocallyUniqueId, ULONG64)
SVC_THUNK_1(NtShutdownSystem, ULONG)
SVC_THUNK_5(NtQueryLicenseValue, ULONG64, ULONG64, ULONG64, ULONG, ULONG64)
SVC_THUNK_6(NtSystemDebugControl, ULONG, ULONG64, ULONG, ULONG64, ULONG, ULONG64)
SVC_THUNK_5(NtPowerInformation, ULONG, ULONG64, ULONG, ULONG64, ULONG)
SVC_THUNK_2(NtSetThreadExecutionState, ULONG, ULONG64)
SVC_THUNK_0(NtGetCurrentProcessorNumber)
SVC_THUNK_0(NtFlushProcessWriteBuffers)

const struct svc_entry svc_system_table[] = {
    SVC(NtQuerySystemTime, 1),
    SVC(NtSetSystemTime, 2),
    SVC(NtQueryPerformanceCounter, 2),
    SVC(NtQueryTimerResolution, 3),
    SVC(NtSetTimerResolution, 3),
    SVC(NtGetTickCount, 0),
    SVC(NtDisplayString, 1),
    SVC(NtAllocateUuids, 4),
    SVC(NtAllocateLocallyUniqueId, 1),
    SVC(NtShutdownSystem, 1),
    SVC(NtQueryLicenseValue, 5),
    SVC(NtSystemDebugControl, 6),
    SVC(NtPowerInformation, 5),
    SVC(NtSetThreadExecutionState, 2),
    SVC(NtGetCurrentProcessorNumber, 0),
    SVC(NtFlushProcessWriteBuffers, 0),
    {0},
};
