/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dbgk/dbgk.h"
#include "ntos/ke/ke.h"
#include "ntos/life/life.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_process.h"
#include "ntos/svc/svc_section.h"
#include "ntos/svc/svc_token.h"

#include <string.h>

enum process_information_class {
  ProcessBasicInformation = 0,
  ProcessIoCounters = 2,
  ProcessVmCounters = 3,
  ProcessTimes = 4,
  ProcessBasePriority = 5,
  ProcessDebugPort = 7,
  ProcessExceptionPort = 8,
  ProcessDefaultHardErrorMode = 0xC,
  ProcessPriorityClass = 0x12,
  ProcessHandleCount = 0x14,
  ProcessAffinityMask = 0x15,
  ProcessPriorityBoost = 0x16,
  ProcessSessionInformation = 0x18,
  ProcessForegroundInformation = 0x19,
  ProcessWow64Information = 0x1A,
  ProcessImageFileName = 0x1B,
  ProcessLUIDDeviceMapsEnabled = 0x1C,
  ProcessBreakOnTermination = 0x1D,
  ProcessDebugObjectHandle = 0x1E,
  ProcessDebugFlags = 0x1F,
  ProcessIoPriority = 0x21,
  ProcessExecuteFlags = 0x22,
  ProcessCookie = 0x24,
  ProcessImageInformation = 0x25,
  ProcessPagePriority = 0x27,
  ProcessInstrumentationCallback = 0x28,
  ProcessThreadStackAllocation = 0x29,
  ProcessImageFileNameWin32 = 0x2B
};

typedef struct _PROCESS_BASIC_INFORMATION {
  NTSTATUS ExitStatus;
  ULONG Reserved0;
  ULONG64 PebBaseAddress;
  ULONG64 AffinityMask;
  LONG BasePriority;
  ULONG Reserved1;
  HANDLE UniqueProcessId;
  HANDLE InheritedFromUniqueProcessId;
} PROCESS_BASIC_INFORMATION;
C_ASSERT_SIZE(PROCESS_BASIC_INFORMATION, 0x30);

typedef struct _VM_COUNTERS_EX {
  ULONG64 PeakVirtualSize, VirtualSize;
  ULONG PageFaultCount, Reserved;
  ULONG64 PeakWorkingSetSize, WorkingSetSize;
  ULONG64 QuotaPeakPagedPoolUsage, QuotaPagedPoolUsage, QuotaPeakNonPagedPoolUsage, QuotaNonPagedPoolUsage;
  ULONG64 PagefileUsage, PeakPagefileUsage, PrivateUsage;
} VM_COUNTERS_EX;
C_ASSERT_SIZE(VM_COUNTERS_EX, 0x60);
#define VM_COUNTERS_SIZE 0x58u

typedef struct _KERNEL_USER_TIMES {
  ULONG64 CreateTime, ExitTime, KernelTime, UserTime;
} KERNEL_USER_TIMES;
C_ASSERT_SIZE(KERNEL_USER_TIMES, 0x20);

typedef struct _PROCESS_STACK_ALLOCATION_INFORMATION {
  ULONG64 ReserveSize, ZeroBits, StackBase;
} PROCESS_STACK_ALLOCATION_INFORMATION;
C_ASSERT_SIZE(PROCESS_STACK_ALLOCATION_INFORMATION, 0x18);
/* The extended form has a NUMA node and reserved words before it. */
#define STACK_ALLOCATION_EX_HEAD 0x18u

typedef struct _PROCESS_INSTRUMENTATION_CALLBACK_INFORMATION {
  ULONG Version, Reserved;
  ULONG64 Callback;
} PROCESS_INSTRUMENTATION_CALLBACK_INFORMATION;
C_ASSERT_SIZE(PROCESS_INSTRUMENTATION_CALLBACK_INFORMATION, 0x10);

typedef struct _PROCESS_EXCEPTION_PORT {
  HANDLE ExceptionPortHandle;
  ULONG StateFlags, Reserved;
} PROCESS_EXCEPTION_PORT;
C_ASSERT_SIZE(PROCESS_EXCEPTION_PORT, 0x10);

union process_information {
  PROCESS_BASIC_INFORMATION basic;
  VM_COUNTERS_EX memory;
  KERNEL_USER_TIMES times;
  SECTION_IMAGE_INFORMATION image;
  PROCESS_INSTRUMENTATION_CALLBACK_INFORMATION callback;
  UCHAR counters[0x30];
  ULONG64 word;
  ULONG number;
  UCHAR bytes[2];
};

#define NORMAL_PRIORITY 8
#define PROCESS_PRIORITY_CLASS_NORMAL 2
/* MEM_EXECUTE_OPTION_DISABLE, _PERMANENT, _EXECUTE_DISPATCH...: what an x64 process has for good. */
#define EXECUTE_FLAGS 0x0Du
#define SESSION_ID 1u
#define NORMAL_IO_PRIORITY 2u
#define NORMAL_PAGE_PRIORITY 5u

/* ---- query ---- */

/* 0: no such class, or no fixed size. */
static ULONG information_size(ULONG class, ULONG length)
{
  switch (class) {
  case ProcessBasicInformation:
    return sizeof(PROCESS_BASIC_INFORMATION);
  case ProcessIoCounters:
    return 0x30;
  case ProcessVmCounters:
    return length == sizeof(VM_COUNTERS_EX) ? length : VM_COUNTERS_SIZE;
  case ProcessTimes:
    return sizeof(KERNEL_USER_TIMES);
  case ProcessDebugPort:
  case ProcessAffinityMask:
  case ProcessWow64Information:
  case ProcessDebugObjectHandle:
    return sizeof(ULONG64);
  case ProcessDefaultHardErrorMode:
  case ProcessHandleCount:
  case ProcessPriorityBoost:
  case ProcessSessionInformation:
  case ProcessLUIDDeviceMapsEnabled:
  case ProcessBreakOnTermination:
  case ProcessDebugFlags:
  case ProcessIoPriority:
  case ProcessExecuteFlags:
  case ProcessCookie:
  case ProcessPagePriority:
    return sizeof(ULONG);
  case ProcessPriorityClass:
    return 2;
  case ProcessImageInformation:
    return sizeof(SECTION_IMAGE_INFORMATION);
  default:
    return 0;
  }
}

static bool limited_right_is_enough(ULONG class)
{
  switch (class) {
  case ProcessDebugPort:
  case ProcessDebugObjectHandle:
  case ProcessDebugFlags:
  case ProcessExecuteFlags:
  case ProcessCookie:
  case ProcessDefaultHardErrorMode:
  case ProcessBreakOnTermination:
    return false;
  default:
    return true;
  }
}

static void fill_memory(const EPROCESS *process, VM_COUNTERS_EX *out)
{
  if (process->native)
    return;
  mm_process_sizes(process, &out->PrivateUsage, &out->PeakPagefileUsage, &out->VirtualSize);
  out->PeakVirtualSize = out->VirtualSize;
  out->PagefileUsage = out->WorkingSetSize = out->PrivateUsage;
  out->PeakWorkingSetSize = out->PeakPagefileUsage;
}

static void fill_times(EPROCESS *process, KERNEL_USER_TIMES *out)
{
  out->CreateTime = process->CreateTime;
  out->ExitTime = process->ExitTime;
  for (ETHREAD *t = PsGetNextProcessThread(process, NULL); t; t = PsGetNextProcessThread(process, t))
    out->UserTime += t->Tcb.CycleTime * KE_NANOSECONDS_PER_BLOCK / 100;
}

/* Windows' kernelbase gives the kernel the complement of SEM_FAILCRITICALERRORS, Wine's the flag itself. */
static ULONG inverted_hard_error_bit(void)
{
  return life_userland()->unix_call_slot ? PROCESS_HARDERROR_REPORT : 0;
}

static NTSTATUS fill(EPROCESS *process, ULONG class, union process_information *out)
{
  memset(out, 0, sizeof *out);
  switch (class) {
  case ProcessBasicInformation:
    out->basic.ExitStatus = process->ExitStatus;
    out->basic.PebBaseAddress = process->Peb;
    out->basic.AffinityMask = 1;
    out->basic.BasePriority = NORMAL_PRIORITY;
    out->basic.UniqueProcessId = process->UniqueProcessId;
    out->basic.InheritedFromUniqueProcessId = process->InheritedFromUniqueProcessId;
    return STATUS_SUCCESS;
  case ProcessVmCounters:
    fill_memory(process, &out->memory);
    return STATUS_SUCCESS;
  case ProcessTimes:
    fill_times(process, &out->times);
    return STATUS_SUCCESS;
  case ProcessDebugPort:
    out->word = process->DebugPort ? ~0ull : 0;
    return STATUS_SUCCESS;
  case ProcessAffinityMask:
    out->word = 1;
    return STATUS_SUCCESS;
  case ProcessDebugObjectHandle:
    return DbgkOpenProcessDebugPort(process, MAXIMUM_ALLOWED, &out->word);
  case ProcessDefaultHardErrorMode:
    out->number = process->DefaultHardErrorProcessing ^ inverted_hard_error_bit();
    return STATUS_SUCCESS;
  case ProcessHandleCount:
    out->number = process->ObjectTable ? ob_handle_count(process) : 0;
    return STATUS_SUCCESS;
  case ProcessSessionInformation:
    out->number = SESSION_ID;
    return STATUS_SUCCESS;
  case ProcessLUIDDeviceMapsEnabled:
    out->number = 1;
    return STATUS_SUCCESS;
  case ProcessBreakOnTermination:
    out->number = (process->Flags & PS_PROCESS_FLAGS_BREAK_ON_TERMINATION) != 0;
    return STATUS_SUCCESS;
  case ProcessDebugFlags:
    out->number = !(process->Flags & PS_PROCESS_FLAGS_NO_DEBUG_INHERIT);
    return STATUS_SUCCESS;
  case ProcessIoPriority:
    out->number = NORMAL_IO_PRIORITY;
    return STATUS_SUCCESS;
  case ProcessExecuteFlags:
    out->number = EXECUTE_FLAGS;
    return STATUS_SUCCESS;
  case ProcessCookie:
    out->number = process->Cookie;
    return process == PsGetCurrentProcess() ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
  case ProcessPagePriority:
    out->number = NORMAL_PAGE_PRIORITY;
    return STATUS_SUCCESS;
  case ProcessPriorityClass:
    out->bytes[1] = PROCESS_PRIORITY_CLASS_NORMAL;
    return STATUS_SUCCESS;
  case ProcessImageInformation:
    if (!process->SectionObject || !svc_image_information(process->SectionObject, &out->image))
      return STATUS_INVALID_PARAMETER;
    out->image.TransferAddress = process->entry_point;
    return STATUS_SUCCESS;
  default: /* zeros: no WOW64, no counted I/O, no boost, not critical */
    return STATUS_SUCCESS;
  }
}

/* The image's path: \??\C:\x as \Device\HarddiskVolume1\x or as C:\x. */
static NTSTATUS query_image_name(const EPROCESS *process, bool win32, ULONG64 address, ULONG length,
                                 ULONG64 return_length)
{
  static const char volume[] = "\\Device\\HarddiskVolume1";
  static const char prefix[] = "\\??\\";
  const char *path = process->SectionObject ? mm_section_path(process->SectionObject) : NULL;
  size_t drive = sizeof prefix - 1;
  if (!path)
    return svc_return_name(address, length, "", return_length);
  if (strncmp(path, prefix, drive) != 0 || strlen(path) < drive + 2)
    return svc_return_name(address, length, path, return_length);
  if (win32)
    return svc_return_name(address, length, path + drive, return_length);
  const char *tail = path + drive + 2;
  char *name = ExAllocatePoolWithTag(sizeof volume + strlen(tail), POOL_TAG('P', 's', 'N', 'm'));
  if (!name)
    return STATUS_INSUFFICIENT_RESOURCES;
  memcpy(name, volume, sizeof volume - 1);
  memcpy(name + sizeof volume - 1, tail, strlen(tail) + 1);
  NTSTATUS status = svc_return_name(address, length, name, return_length);
  ExFreePool(name);
  return status;
}

NTSTATUS NtQueryInformationProcess(HANDLE ProcessHandle, ULONG ProcessInformationClass, ULONG64 ProcessInformation,
                                   ULONG ProcessInformationLength, ULONG64 ReturnLength)
{
  union process_information out;
  void *process;
  const ULONG class = ProcessInformationClass;
  bool name = class == ProcessImageFileName || class == ProcessImageFileNameWin32;
  ULONG size = information_size(class, ProcessInformationLength);
  NTSTATUS status = svc_probe_information(ProcessInformation, ProcessInformationLength, ReturnLength);
  if (!NT_SUCCESS(status))
    return status;
  if (!size && !name)
    return STATUS_INVALID_INFO_CLASS;
  if (size && ProcessInformationLength != size)
    return svc_return_information(ProcessInformation, ProcessInformationLength, NULL, size, ReturnLength);
  status = limited_right_is_enough(class)
               ? svc_reference_for_query(ProcessHandle, ob_types()->Process, PROCESS_QUERY_INFORMATION,
                                         PROCESS_QUERY_LIMITED_INFORMATION, &process)
               : ObReferenceObjectByHandle(ProcessHandle, PROCESS_QUERY_INFORMATION, ob_types()->Process,
                                           KeGetPreviousMode(), &process, NULL);
  if (!NT_SUCCESS(status))
    return status;
  if (name) {
    status = query_image_name(process, class == ProcessImageFileNameWin32, ProcessInformation, ProcessInformationLength,
                              ReturnLength);
  } else {
    status = fill(process, class, &out);
    /* Without a debugger the handle is written too: 0 (fact 30). */
    if (NT_SUCCESS(status) || class == ProcessDebugObjectHandle) {
      NTSTATUS written = svc_return_information(ProcessInformation, ProcessInformationLength, &out, size, ReturnLength);
      if (!NT_SUCCESS(written)) {
        if (NT_SUCCESS(status) && class == ProcessDebugObjectHandle)
          ObCloseHandle(out.word, KernelMode);
        status = written;
      }
    }
  }
  ObDereferenceObject(process);
  return status;
}

/* ---- set ---- */

static bool settable(ULONG class, ULONG length, bool *length_fits)
{
  switch (class) {
  case ProcessBasePriority:
  case ProcessDefaultHardErrorMode:
  case ProcessPriorityBoost:
  case ProcessBreakOnTermination:
  case ProcessDebugFlags:
  case ProcessIoPriority:
  case ProcessExecuteFlags:
  case ProcessPagePriority:
    *length_fits = length == sizeof(ULONG);
    return true;
  case ProcessPriorityClass:
    *length_fits = length == 2;
    return true;
  case ProcessForegroundInformation:
    *length_fits = length == 1;
    return true;
  case ProcessAffinityMask:
    *length_fits = length == sizeof(ULONG64);
    return true;
  case ProcessInstrumentationCallback:
    *length_fits = length == sizeof(PROCESS_INSTRUMENTATION_CALLBACK_INFORMATION);
    return true;
  default:
    return false;
  }
}

static NTSTATUS set(EPROCESS *process, ULONG class, const union process_information *in)
{
  switch (class) {
  case ProcessDebugFlags: /* fact 41 */
    if (in->number & ~1u)
      return STATUS_INVALID_PARAMETER;
    if (in->number)
      process->Flags &= ~PS_PROCESS_FLAGS_NO_DEBUG_INHERIT;
    else
      process->Flags |= PS_PROCESS_FLAGS_NO_DEBUG_INHERIT;
    return STATUS_SUCCESS;
  case ProcessBreakOnTermination:
    if (!SeSinglePrivilegeCheck(SE_DEBUG_PRIVILEGE, KeGetPreviousMode()))
      return STATUS_PRIVILEGE_NOT_HELD;
    if (in->number)
      process->Flags |= PS_PROCESS_FLAGS_BREAK_ON_TERMINATION;
    else
      process->Flags &= ~PS_PROCESS_FLAGS_BREAK_ON_TERMINATION;
    return STATUS_SUCCESS;
  case ProcessDefaultHardErrorMode:
    process->DefaultHardErrorProcessing = in->number ^ inverted_hard_error_bit();
    return STATUS_SUCCESS;
  case ProcessExecuteFlags: /* permanent */
    return STATUS_ACCESS_DENIED;
  case ProcessAffinityMask:
    return in->word == 1 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
  case ProcessInstrumentationCallback:
    if (in->callback.Version || in->callback.Reserved)
      return STATUS_INVALID_PARAMETER;
    process->Pcb.InstrumentationCallback = in->callback.Callback;
    return STATUS_SUCCESS;
  default: /* priorities: one processor, one class */
    return STATUS_SUCCESS;
  }
}

/* Reserves a stack for a fiber of the caller. */
static NTSTATUS allocate_stack(HANDLE ProcessHandle, ULONG64 address, ULONG length)
{
  PROCESS_STACK_ALLOCATION_INFORMATION stack;
  ULONG64 at = length == sizeof stack ? address : address + STACK_ALLOCATION_EX_HEAD;
  if (length != sizeof stack && length != STACK_ALLOCATION_EX_HEAD + sizeof stack)
    return STATUS_INFO_LENGTH_MISMATCH;
  if (ProcessHandle != NtCurrentProcess() || PsGetCurrentProcess()->native)
    return STATUS_INVALID_PARAMETER;
  NTSTATUS status = ProbeForWrite(at, sizeof stack, 8);
  if (NT_SUCCESS(status))
    status = mm_user_read(&stack, at, sizeof stack);
  if (!NT_SUCCESS(status))
    return status;
  stack.StackBase = 0;
  status = MmAllocateVirtualMemory(PsGetCurrentProcess(), &stack.StackBase, stack.ZeroBits, &stack.ReserveSize,
                                   MEM_RESERVE, PAGE_READWRITE);
  return NT_SUCCESS(status) ? mm_user_write(at, &stack, sizeof stack) : status;
}

/* A handle; since Windows Vista also a handle and flags, of which none is known. */
static NTSTATUS set_exception_port(HANDLE ProcessHandle, ULONG64 address, ULONG length)
{
  PROCESS_EXCEPTION_PORT in = {0};
  EPROCESS *process;
  void *port;
  if (length != sizeof in.ExceptionPortHandle && length != sizeof in)
    return STATUS_INFO_LENGTH_MISMATCH;
  NTSTATUS status = mm_user_read(&in, address, length);
  if (!NT_SUCCESS(status))
    return status;
  if (in.StateFlags)
    return STATUS_INVALID_PARAMETER;
  status = ObReferenceObjectByHandle(in.ExceptionPortHandle, 0, ob_types()->Port, KeGetPreviousMode(), &port, NULL);
  if (!NT_SUCCESS(status))
    return status;
  status = svc_reference_process(ProcessHandle, PROCESS_SET_PORT, &process);
  if (NT_SUCCESS(status)) {
    status = PspSetExceptionPort(process, port);
    ObDereferenceObject(process);
  }
  ObDereferenceObject(port);
  return status;
}

NTSTATUS NtSetInformationProcess(HANDLE ProcessHandle, ULONG ProcessInformationClass, ULONG64 ProcessInformation,
                                 ULONG ProcessInformationLength)
{
  EPROCESS *process;
  union process_information in;
  bool length_fits;
  NTSTATUS status = STATUS_SUCCESS;
  if (ProcessInformationLength) {
    bool bytes =
        ProcessInformationClass == ProcessPriorityClass || ProcessInformationClass == ProcessForegroundInformation;
    status = ProbeForRead(ProcessInformation, ProcessInformationLength, bytes ? 1 : 4);
  }
  if (!NT_SUCCESS(status))
    return status;
  if (ProcessInformationClass == ProcessThreadStackAllocation)
    return allocate_stack(ProcessHandle, ProcessInformation, ProcessInformationLength);
  if (ProcessInformationClass == ProcessExceptionPort)
    return set_exception_port(ProcessHandle, ProcessInformation, ProcessInformationLength);
  if (!settable(ProcessInformationClass, ProcessInformationLength, &length_fits))
    return STATUS_INVALID_INFO_CLASS;
  if (!length_fits)
    return STATUS_INFO_LENGTH_MISMATCH;
  memset(&in, 0, sizeof in);
  status = mm_user_read(&in, ProcessInformation, ProcessInformationLength);
  if (NT_SUCCESS(status))
    status = svc_reference_process(ProcessHandle, PROCESS_SET_INFORMATION, &process);
  if (!NT_SUCCESS(status))
    return status;
  status = set(process, ProcessInformationClass, &in);
  ObDereferenceObject(process);
  return status;
}

SVC_THUNK_5(NtQueryInformationProcess, HANDLE, ULONG, ULONG64, ULONG, ULONG64)
SVC_THUNK_4(NtSetInformationProcess, HANDLE, ULONG, ULONG64, ULONG)

const struct svc_entry svc_process_query_table[] = {
    SVC(NtQueryInformationProcess, 5),
    SVC(NtSetInformationProcess, 4),
    {NULL, NULL, 0},
};
