/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NtQuerySystemInformation. One processor; sizes that depend on nothing but the run itself. */
#include "ntos/svc/svc_system.h"

#include "ntos/kd/kd.h"
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_process_list.h"

#include <string.h>

enum system_class {
  SystemBasicInformation = 0,
  SystemProcessorInformation = 1,
  SystemPerformanceInformation = 2,
  SystemTimeOfDayInformation = 3,
  SystemProcessInformation = 5,
  SystemProcessorPerformanceInformation = 8,
  SystemInterruptInformation = 23,
  SystemTimeAdjustmentInformation = 28,
  SystemKernelDebuggerInformation = 35,
  SystemRegistryQuotaInformation = 37,
  SystemCurrentTimeZoneInformation = 44,
  SystemRangeStartInformation = 50,
  SystemEmulationBasicInformation = 62,
  SystemEmulationProcessorInformation = 63,
  SystemLogicalProcessorInformation = 73,
  SystemDynamicTimeZoneInformation = 102,
  SystemCodeIntegrityInformation = 103,
  SystemLogicalProcessorInformationEx = 107,
  SystemKernelDebuggerInformationEx = 149,
  SystemKernelDebuggerFlags = 163
};

#define PAGE_BYTES 0x1000u
#define PHYSICAL_PAGES 0x80000u /* 2 GB, as KUSER_SHARED_DATA says */
#define COMMIT_LIMIT_PAGES 0x100000u
#define CLOCK_INCREMENT 156250u

typedef struct _SYSTEM_BASIC_INFORMATION {
  ULONG Reserved, TimerResolution, PageSize, NumberOfPhysicalPages, LowestPhysicalPageNumber,
      HighestPhysicalPageNumber, AllocationGranularity, Padding;
  ULONG64 MinimumUserModeAddress, MaximumUserModeAddress, ActiveProcessorsAffinityMask;
  UCHAR NumberOfProcessors;
  UCHAR Padding2[7];
} SYSTEM_BASIC_INFORMATION;
C_ASSERT_SIZE(SYSTEM_BASIC_INFORMATION, 0x40);

typedef struct _SYSTEM_PROCESSOR_INFORMATION {
  USHORT ProcessorArchitecture, ProcessorLevel, ProcessorRevision, MaximumProcessors;
  ULONG ProcessorFeatureBits;
} SYSTEM_PROCESSOR_INFORMATION;
C_ASSERT_SIZE(SYSTEM_PROCESSOR_INFORMATION, 0xC);

typedef struct _SYSTEM_PERFORMANCE_INFORMATION { /* up to PeakCommitment; the counters that follow are 0 */
  ULONG64 IdleProcessTime, IoReadTransferCount, IoWriteTransferCount, IoOtherTransferCount;
  ULONG IoReadOperationCount, IoWriteOperationCount, IoOtherOperationCount;
  ULONG AvailablePages, CommittedPages, CommitLimit, PeakCommitment;
  UCHAR Counters[0x138 - 0x3C];
} SYSTEM_PERFORMANCE_INFORMATION;
C_ASSERT_SIZE(SYSTEM_PERFORMANCE_INFORMATION, 0x138);

typedef struct _SYSTEM_TIMEOFDAY_INFORMATION {
  ULONG64 BootTime, CurrentTime, TimeZoneBias;
  ULONG TimeZoneId, Reserved;
  ULONG64 BootTimeBias, SleepTimeBias;
} SYSTEM_TIMEOFDAY_INFORMATION;
C_ASSERT_SIZE(SYSTEM_TIMEOFDAY_INFORMATION, 0x30);

typedef struct _SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION {
  ULONG64 IdleTime, KernelTime, UserTime, DpcTime, InterruptTime;
  ULONG InterruptCount, Padding;
} SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION;
C_ASSERT_SIZE(SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION, 0x30);

typedef struct _SYSTEM_LOGICAL_PROCESSOR_INFORMATION {
  ULONG64 ProcessorMask;
  ULONG Relationship, Padding;
  ULONG64 Reserved[2];
} SYSTEM_LOGICAL_PROCESSOR_INFORMATION;
C_ASSERT_SIZE(SYSTEM_LOGICAL_PROCESSOR_INFORMATION, 0x20);

/* Room for the largest fixed answer: a time zone. */
#define ANSWER_SIZE 432u
#define TIME_ZONE_SIZE 172u

enum length_rule { EXACT, AT_LEAST, AT_MOST };

struct answer {
  union {
    UCHAR bytes[ANSWER_SIZE];
    ULONG words[ANSWER_SIZE / 4];
    ULONG64 quads[ANSWER_SIZE / 8];
    SYSTEM_BASIC_INFORMATION basic;
    SYSTEM_PROCESSOR_INFORMATION processor;
    SYSTEM_PERFORMANCE_INFORMATION performance;
    SYSTEM_TIMEOFDAY_INFORMATION time_of_day;
    SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION processor_performance;
    SYSTEM_LOGICAL_PROCESSOR_INFORMATION logical[3];
  } u;
  ULONG size;
  enum length_rule rule;
};

static void fill_basic(SYSTEM_BASIC_INFORMATION *out)
{
  out->TimerResolution = CLOCK_INCREMENT;
  out->PageSize = PAGE_BYTES;
  out->NumberOfPhysicalPages = PHYSICAL_PAGES;
  out->LowestPhysicalPageNumber = 1;
  out->HighestPhysicalPageNumber = PHYSICAL_PAGES;
  out->AllocationGranularity = (ULONG)MM_ALLOCATION_GRANULARITY;
  out->MinimumUserModeAddress = MM_LOWEST_USER_ADDRESS;
  out->MaximumUserModeAddress = MM_HIGHEST_USER_ADDRESS;
  out->ActiveProcessorsAffinityMask = 1;
  out->NumberOfProcessors = 1;
}

static void fill_performance(SYSTEM_PERFORMANCE_INFORMATION *out)
{
  ULONG64 committed = mm_committed() / PAGE_BYTES;
  out->CommittedPages = committed < COMMIT_LIMIT_PAGES ? (ULONG)committed : COMMIT_LIMIT_PAGES;
  out->AvailablePages = PHYSICAL_PAGES - (out->CommittedPages < PHYSICAL_PAGES / 2 ? out->CommittedPages
                                                                                   : PHYSICAL_PAGES / 2);
  out->CommitLimit = COMMIT_LIMIT_PAGES;
  out->PeakCommitment = out->CommittedPages;
}

/* UTC without daylight saving time. */
static void fill_time_zone(UCHAR *out)
{
  static const WCHAR name[] = {'U', 'T', 'C'};
  memcpy(out + 4, name, sizeof(name));  /* StandardName */
  memcpy(out + 88, name, sizeof(name)); /* DaylightName */
  memcpy(out + 172, name, sizeof(name)); /* TimeZoneKeyName of the dynamic form */
}

static void fill_logical(SYSTEM_LOGICAL_PROCESSOR_INFORMATION *out)
{
  static const ULONG relationships[3] = {0 /* core */, 1 /* NUMA node */, 3 /* package */};
  for (unsigned i = 0; i < 3; i++) {
    out[i].ProcessorMask = 1;
    out[i].Relationship = relationships[i];
  }
}

static bool answer_of(ULONG class, struct answer *a)
{
  a->rule = AT_LEAST;
  switch (class) {
  case SystemBasicInformation:
  case SystemEmulationBasicInformation:
    fill_basic(&a->u.basic);
    a->size = sizeof(a->u.basic);
    a->rule = EXACT;
    return true;
  case SystemProcessorInformation:
  case SystemEmulationProcessorInformation:
    a->u.processor.ProcessorArchitecture = 9;
    a->u.processor.ProcessorLevel = 6;
    a->u.processor.MaximumProcessors = 1;
    a->size = sizeof(a->u.processor);
    return true;
  case SystemPerformanceInformation:
    fill_performance(&a->u.performance);
    a->size = sizeof(a->u.performance);
    return true;
  case SystemTimeOfDayInformation:
    a->u.time_of_day.BootTime = KE_BOOT_TIME;
    a->u.time_of_day.CurrentTime = KeQuerySystemTime();
    a->size = sizeof(a->u.time_of_day);
    a->rule = AT_MOST;
    return true;
  case SystemProcessorPerformanceInformation:
    a->u.processor_performance.UserTime = KeQueryInterruptTime();
    a->size = sizeof(a->u.processor_performance);
    return true;
  case SystemInterruptInformation:
    /* Wine's RtlGenRandom takes its seed from here. */
    for (unsigned i = 0; i < 3; i++)
      a->u.quads[i] = ke_random("interrupt information");
    a->size = 24;
    return true;
  case SystemTimeAdjustmentInformation:
    a->u.words[0] = a->u.words[1] = CLOCK_INCREMENT;
    a->size = 12;
    return true;
  case SystemKernelDebuggerInformation:
    a->u.bytes[0] = kd_enabled();  /* KernelDebuggerEnabled */
    a->u.bytes[1] = !kd_enabled(); /* KernelDebuggerNotPresent */
    a->size = 2;
    return true;
  case SystemKernelDebuggerInformationEx:
    a->u.bytes[0] = TRUE; /* DebuggerAllowed */
    a->u.bytes[1] = a->u.bytes[2] = kd_enabled(); /* DebuggerEnabled, DebuggerPresent */
    a->size = 3;
    return true;
  case SystemKernelDebuggerFlags:
    a->u.bytes[0] = kd_ignores_user_exceptions();
    a->size = 1;
    return true;
  case SystemRegistryQuotaInformation:
    a->u.words[0] = 0x10000000;
    a->u.quads[1] = 0x10000000;
    a->size = 16;
    return true;
  case SystemCurrentTimeZoneInformation:
    fill_time_zone(a->u.bytes);
    a->size = TIME_ZONE_SIZE;
    return true;
  case SystemDynamicTimeZoneInformation:
    fill_time_zone(a->u.bytes);
    a->size = ANSWER_SIZE;
    return true;
  case SystemRangeStartInformation:
    a->u.quads[0] = 0xFFFF800000000000ull;
    a->size = 8;
    return true;
  case SystemLogicalProcessorInformation:
    fill_logical(a->u.logical);
    a->size = sizeof(a->u.logical);
    return true;
  case SystemCodeIntegrityInformation:
    a->u.words[0] = 8;
    a->u.words[1] = 1; /* CODEINTEGRITY_OPTION_ENABLED */
    a->size = 8;
    return true;
  default:
    return false;
  }
}

static bool length_fits(const struct answer *a, ULONG length)
{
  return a->rule == EXACT ? length == a->size : a->rule == AT_LEAST ? length >= a->size : length <= a->size;
}

static NTSTATUS return_answer(const void *bytes, ULONG size, bool fits, ULONG64 address, ULONG length,
                              ULONG64 return_length)
{
  NTSTATUS status = STATUS_SUCCESS;
  if (return_length != 0)
    status = mm_user_write(return_length, &size, sizeof(size));
  if (!NT_SUCCESS(status))
    return status;
  return fits ? mm_user_write(address, bytes, size < length ? size : length) : STATUS_INFO_LENGTH_MISMATCH;
}

NTSTATUS NtQuerySystemInformation(ULONG SystemInformationClass, ULONG64 SystemInformation,
                                  ULONG SystemInformationLength, ULONG64 ReturnLength)
{
  struct answer a;
  NTSTATUS status = ProbeForWrite(SystemInformation, SystemInformationLength, 4);
  if (NT_SUCCESS(status) && ReturnLength != 0)
    status = ProbeForWrite(ReturnLength, sizeof(ULONG), 4);
  if (!NT_SUCCESS(status))
    return status;
  if (SystemInformationClass == SystemProcessInformation) {
    UCHAR *list;
    ULONG size;
    status = svc_list_processes(SystemInformation, &list, &size);
    if (NT_SUCCESS(status)) {
      status = return_answer(list, size, SystemInformationLength >= size, SystemInformation, SystemInformationLength,
                             ReturnLength);
      ExFreePool(list);
    }
    return status;
  }
  memset(&a, 0, sizeof(a));
  if (!answer_of(SystemInformationClass, &a))
    return STATUS_INVALID_INFO_CLASS;
  return return_answer(&a.u, a.size, length_fits(&a, SystemInformationLength), SystemInformation,
                       SystemInformationLength, ReturnLength);
}

#define RELATION_GROUP 4u
#define EXTENDED_MAXIMUM 80u

/* SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX of one relationship; returns its size. */
static ULONG put_extended(UCHAR *out, ULONG relationship)
{
  ULONG size = relationship == RELATION_GROUP ? EXTENDED_MAXIMUM : 48;
  memset(out, 0, size);
  memcpy(out, &relationship, sizeof(relationship));
  memcpy(out + 4, &size, sizeof(size));
  if (relationship == RELATION_GROUP) {
    out[8] = out[10] = 1;  /* MaximumGroupCount, ActiveGroupCount */
    out[32] = out[33] = 1; /* MaximumProcessorCount, ActiveProcessorCount */
    out[72] = 1;           /* ActiveProcessorMask */
  } else {
    out[30] = 1; /* GroupCount */
    out[32] = 1; /* GroupMask.Mask */
  }
  return size;
}

NTSTATUS NtQuerySystemInformationEx(ULONG SystemInformationClass, ULONG64 InputBuffer, ULONG InputBufferLength,
                                    ULONG64 SystemInformation, ULONG SystemInformationLength, ULONG64 ReturnLength)
{
  static const ULONG relationships[] = {0 /* core */, 1 /* NUMA node */, 3 /* package */, RELATION_GROUP};
  UCHAR out[4 * EXTENDED_MAXIMUM];
  ULONG wanted, size = 0;
  if (SystemInformationClass != SystemLogicalProcessorInformationEx)
    return STATUS_INVALID_INFO_CLASS;
  if (InputBufferLength < sizeof(wanted))
    return STATUS_INVALID_PARAMETER;
  NTSTATUS status = mm_user_read(&wanted, InputBuffer, sizeof(wanted));
  if (NT_SUCCESS(status))
    status = ProbeForWrite(SystemInformation, SystemInformationLength, 4);
  if (!NT_SUCCESS(status))
    return status;
  for (unsigned i = 0; i < sizeof(relationships) / sizeof(relationships[0]); i++) {
    if (wanted == relationships[i] || wanted == 0xFFFF)
      size += put_extended(out + size, relationships[i]);
  }
  return return_answer(out, size, SystemInformationLength >= size, SystemInformation, SystemInformationLength,
                       ReturnLength);
}

SVC_THUNK_4(NtQuerySystemInformation, ULONG, ULONG64, ULONG, ULONG64)
SVC_THUNK_6(NtQuerySystemInformationEx, ULONG, ULONG64, ULONG, ULONG64, ULONG, ULONG64)

const struct svc_entry svc_system_information_table[] = {
    SVC(NtQuerySystemInformation, 4),
    SVC(NtQuerySystemInformationEx, 6),
    {0},
};
