/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the system is: processor, memory, the computer's name. */
#include "kernel32p.h"

enum { SystemBasicInformation = 0, SystemProcessorInformation = 1, SystemPerformanceInformation = 2 };

typedef struct {
  ULONG Reserved, TimerResolution, PageSize, NumberOfPhysicalPages, LowestPhysicalPageNumber, HighestPhysicalPageNumber,
      AllocationGranularity, Padding;
  ULONG64 MinimumUserModeAddress, MaximumUserModeAddress, ActiveProcessorsAffinityMask;
  UCHAR NumberOfProcessors;
} SYSTEM_BASIC_INFORMATION;
NT_ASSERT_SIZE(SYSTEM_BASIC_INFORMATION, 0x40);

typedef struct {
  USHORT ProcessorArchitecture, ProcessorLevel, ProcessorRevision, MaximumProcessors;
  ULONG ProcessorFeatureBits;
} SYSTEM_PROCESSOR_INFORMATION;

typedef struct {
  ULONG64 Times[4];
  ULONG Operations[3], AvailablePages, CommittedPages, CommitLimit, PeakCommitment;
  UCHAR Counters[0x138 - 0x3C];
} SYSTEM_PERFORMANCE_INFORMATION;

void WINAPI GetSystemInfo(LPSYSTEM_INFO info)
{
  SYSTEM_BASIC_INFORMATION basic;
  SYSTEM_PROCESSOR_INFORMATION processor;
  memset(info, 0, sizeof(*info));
  if (!NT_SUCCESS(NtQuerySystemInformation(SystemBasicInformation, &basic, sizeof(basic), NULL)) ||
      !NT_SUCCESS(NtQuerySystemInformation(SystemProcessorInformation, &processor, sizeof(processor), NULL)))
    return;
  info->wProcessorArchitecture = processor.ProcessorArchitecture;
  info->dwPageSize = basic.PageSize;
  info->lpMinimumApplicationAddress = (PVOID)basic.MinimumUserModeAddress;
  info->lpMaximumApplicationAddress = (PVOID)basic.MaximumUserModeAddress;
  info->dwActiveProcessorMask = basic.ActiveProcessorsAffinityMask;
  info->dwNumberOfProcessors = basic.NumberOfProcessors;
  info->dwProcessorType = PROCESSOR_AMD_X8664;
  info->dwAllocationGranularity = basic.AllocationGranularity;
  info->wProcessorLevel = processor.ProcessorLevel;
  info->wProcessorRevision = processor.ProcessorRevision;
}

void WINAPI GetNativeSystemInfo(LPSYSTEM_INFO info) { GetSystemInfo(info); }

BOOL WINAPI IsProcessorFeaturePresent(DWORD feature)
{
  /* KUSER_SHARED_DATA.ProcessorFeatures */
  return feature < 64 && *(const UCHAR *)(USER_SHARED_DATA + 0x274 + feature);
}

BOOL WINAPI GlobalMemoryStatusEx(LPMEMORYSTATUSEX status)
{
  SYSTEM_BASIC_INFORMATION basic;
  SYSTEM_PERFORMANCE_INFORMATION performance;
  if (status->dwLength != sizeof(*status))
    return base_fail(ERROR_INVALID_PARAMETER);
  NTSTATUS result = NtQuerySystemInformation(SystemBasicInformation, &basic, sizeof(basic), NULL);
  if (NT_SUCCESS(result))
    result = NtQuerySystemInformation(SystemPerformanceInformation, &performance, sizeof(performance), NULL);
  if (!BaseSetLastNTError(result))
    return FALSE;
  status->ullTotalPhys = (ULONG64)basic.NumberOfPhysicalPages * basic.PageSize;
  status->ullAvailPhys = (ULONG64)performance.AvailablePages * basic.PageSize;
  status->dwMemoryLoad = (DWORD)((status->ullTotalPhys - status->ullAvailPhys) * 100 / status->ullTotalPhys);
  status->ullTotalPageFile = (ULONG64)performance.CommitLimit * basic.PageSize;
  status->ullAvailPageFile = (ULONG64)(performance.CommitLimit - performance.CommittedPages) * basic.PageSize;
  status->ullTotalVirtual = basic.MaximumUserModeAddress - basic.MinimumUserModeAddress + 1;
  status->ullAvailVirtual = status->ullTotalVirtual;
  status->ullAvailExtendedVirtual = 0;
  return TRUE;
}

void WINAPI GlobalMemoryStatus(LPMEMORYSTATUS status)
{
  MEMORYSTATUSEX all = {.dwLength = sizeof(all)};
  memset(status, 0, sizeof(*status));
  if (!GlobalMemoryStatusEx(&all))
    return;
  *status = (MEMORYSTATUS){sizeof(*status),      all.dwMemoryLoad,     all.ullTotalPhys,    all.ullAvailPhys,
                           all.ullTotalPageFile, all.ullAvailPageFile, all.ullTotalVirtual, all.ullAvailVirtual};
}

/* The name in the registry; its characters, 0 if it can not be read. */
static DWORD computer_name(WCHAR name[MAX_COMPUTERNAME_LENGTH + 1])
{
  struct {
    ULONG TitleIndex, Type, DataLength;
    WCHAR Data[MAX_COMPUTERNAME_LENGTH + 1];
  } value;
  UNICODE_STRING key_name, value_name;
  OBJECT_ATTRIBUTES attributes;
  HANDLE key;
  ULONG length;
  RtlInitUnicodeString(&key_name,
                       L"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\ComputerName\\ActiveComputerName");
  RtlInitUnicodeString(&value_name, L"ComputerName");
  InitializeObjectAttributes(&attributes, &key_name, OBJ_CASE_INSENSITIVE, NULL, NULL);
  NTSTATUS status = NtOpenKey(&key, KEY_READ, &attributes);
  if (!BaseSetLastNTError(status))
    return 0;
  status = NtQueryValueKey(key, &value_name, 2 /* KeyValuePartialInformation */, &value, sizeof(value), &length);
  NtClose(key);
  if (!BaseSetLastNTError(status))
    return 0;
  DWORD count = value.DataLength / sizeof(WCHAR);
  while (count && !value.Data[count - 1])
    count--;
  memcpy(name, value.Data, count * sizeof(WCHAR));
  name[count] = 0;
  return count;
}

BOOL WINAPI GetComputerNameW(LPWSTR buffer, LPDWORD size)
{
  WCHAR name[MAX_COMPUTERNAME_LENGTH + 1];
  DWORD length = computer_name(name), room = *size;
  if (!length)
    return FALSE;
  *size = base_wide_fill(name, length, buffer, room);
  return length < room ? TRUE : base_fail(ERROR_BUFFER_OVERFLOW);
}

BOOL WINAPI GetComputerNameA(LPSTR buffer, LPDWORD size)
{
  WCHAR name[MAX_COMPUTERNAME_LENGTH + 1];
  DWORD length = computer_name(name), room = *size;
  if (!length)
    return FALSE;
  *size = base_narrow_fill(name, length, buffer, room);
  return length < room ? TRUE : base_fail(ERROR_BUFFER_OVERFLOW);
}

/* Shows a message, as far as somebody serves hard errors, and ends the process. */
void WINAPI FatalAppExitW(UINT action, LPCWSTR text)
{
  UNICODE_STRING message;
  ULONG_PTR parameters[1] = {(ULONG_PTR)&message};
  ULONG response;
  (void)action;
  RtlInitUnicodeString(&message, text);
  NtRaiseHardError(STATUS_FATAL_APP_EXIT, 1, 1, parameters, 1 /* OptionOk */, &response);
  ExitProcess(0);
}

void WINAPI FatalAppExitA(UINT action, LPCSTR text)
{
  PWSTR wide;
  if (base_wide_copy(text, &wide))
    FatalAppExitW(action, wide);
  ExitProcess(0);
}
