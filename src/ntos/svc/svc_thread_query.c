/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/io/io.h"
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_process.h"
#include "ntos/svc/svc_token.h"

#include <string.h>

enum thread_information_class {
  ThreadBasicInformation = 0,
  ThreadTimes = 1,
  ThreadPriority = 2,
  ThreadBasePriority = 3,
  ThreadAffinityMask = 4,
  ThreadImpersonationToken = 5,
  ThreadQuerySetWin32StartAddress = 9,
  ThreadZeroTlsCell = 0xA,
  ThreadAmILastThread = 0xC,
  ThreadIdealProcessor = 0xD,
  ThreadPriorityBoost = 0xE,
  ThreadIsIoPending = 0x10,
  ThreadHideFromDebugger = 0x11,
  ThreadBreakOnTermination = 0x12,
  ThreadGroupInformation = 0x1E,
  ThreadSuspendCount = 0x23,
  ThreadNameInformation = 0x26
};

typedef struct _THREAD_BASIC_INFORMATION {
  NTSTATUS ExitStatus;
  ULONG Reserved;
  ULONG64 TebBaseAddress;
  CLIENT_ID ClientId;
  ULONG64 AffinityMask;
  LONG Priority;
  LONG BasePriority;
} THREAD_BASIC_INFORMATION;
C_ASSERT_SIZE(THREAD_BASIC_INFORMATION, 0x30);

typedef struct _KERNEL_USER_TIMES {
  ULONG64 CreateTime, ExitTime, KernelTime, UserTime;
} KERNEL_USER_TIMES;
C_ASSERT_SIZE(KERNEL_USER_TIMES, 0x20);

typedef struct _GROUP_AFFINITY {
  ULONG64 Mask;
  USHORT Group, Reserved[3];
} GROUP_AFFINITY;
C_ASSERT_SIZE(GROUP_AFFINITY, 0x10);

union thread_information {
  THREAD_BASIC_INFORMATION basic;
  KERNEL_USER_TIMES times;
  GROUP_AFFINITY group;
  ULONG64 address;
  ULONG number;
  BOOLEAN flag;
};

/* Thread priority of the normal class. */
#define NORMAL_PRIORITY 8
/* The TEB's TlsSlots and TlsExpansionSlots. */
#define TEB_TLS_SLOTS 0x1480u
#define TLS_SLOTS 64u
#define TEB_TLS_EXPANSION_SLOTS 0x1780u
#define TLS_EXPANSION_SLOTS 1024u

NTSTATUS svc_reference_for_query(HANDLE Handle, OBJECT_TYPE *Type, ACCESS_MASK full, ACCESS_MASK limited, void **Object)
{
  NTSTATUS status = ObReferenceObjectByHandle(Handle, limited, Type, KeGetPreviousMode(), Object, NULL);
  if (status == STATUS_ACCESS_DENIED)
    status = ObReferenceObjectByHandle(Handle, full, Type, KeGetPreviousMode(), Object, NULL);
  return status;
}

NTSTATUS svc_probe_information(ULONG64 address, ULONG length, ULONG64 return_length)
{
  NTSTATUS status = length ? ProbeForWrite(address, length, 4) : STATUS_SUCCESS;
  if (NT_SUCCESS(status) && return_length)
    status = ProbeForWrite(return_length, sizeof(ULONG), 4);
  return status;
}

NTSTATUS svc_return_information(ULONG64 address, ULONG length, const void *information, ULONG size,
                                ULONG64 return_length)
{
  NTSTATUS status = length == size ? mm_user_write(address, information, size) : STATUS_INFO_LENGTH_MISMATCH;
  if (return_length && (NT_SUCCESS(status) || status == STATUS_INFO_LENGTH_MISMATCH))
    (void)mm_user_write(return_length, &size, sizeof size);
  return status;
}

NTSTATUS svc_return_name(ULONG64 address, ULONG length, const char *name, ULONG64 return_length)
{
  ULONG bytes;
  WCHAR *wide = io_utf16(name, &bytes);
  NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
  if (!wide)
    return status;
  if (bytes > 0xFFF0)
    bytes = 0xFFF0;
  ULONG size = (ULONG)sizeof(UNICODE_STRING64) + bytes + (ULONG)sizeof(WCHAR);
  UCHAR *out = ExAllocatePoolWithTag(size, POOL_TAG('P', 's', 'N', 'm'));
  if (out) {
    UNICODE_STRING64 string = {
        .Length = (USHORT)bytes, .MaximumLength = (USHORT)(bytes + sizeof(WCHAR)), .Buffer = address + sizeof string};
    memcpy(out, &string, sizeof string);
    memcpy(out + sizeof string, wide, bytes);
    /* A longer buffer is as good as an exact one. */
    status = svc_return_information(address, length < size ? length : size, out, size, return_length);
  }
  ExFreePool(out);
  ExFreePool(wide);
  return status;
}

/* ---- query ---- */

static ULONG information_size(ULONG class)
{
  switch (class) {
  case ThreadBasicInformation:
    return sizeof(THREAD_BASIC_INFORMATION);
  case ThreadTimes:
    return sizeof(KERNEL_USER_TIMES);
  case ThreadQuerySetWin32StartAddress:
    return sizeof(ULONG64);
  case ThreadAmILastThread:
  case ThreadPriorityBoost:
  case ThreadIsIoPending:
  case ThreadBreakOnTermination:
  case ThreadSuspendCount:
    return sizeof(ULONG);
  case ThreadHideFromDebugger:
    return sizeof(BOOLEAN);
  case ThreadGroupInformation:
    return sizeof(GROUP_AFFINITY);
  default:
    return 0;
  }
}

static void fill(const ETHREAD *thread, ULONG class, union thread_information *out)
{
  bool ended = thread->Tcb.Header.SignalState > 0;
  memset(out, 0, sizeof *out);
  switch (class) {
  case ThreadBasicInformation:
    out->basic.ExitStatus = ended ? thread->ExitStatus : STATUS_PENDING;
    out->basic.TebBaseAddress = thread->Tcb.Teb;
    out->basic.ClientId = thread->Cid;
    out->basic.AffinityMask = 1;
    out->basic.Priority = NORMAL_PRIORITY;
    out->basic.BasePriority = 0; /* what the thread has more than its process */
    break;
  case ThreadTimes:
    out->times.CreateTime = thread->Tcb.CreateTime;
    out->times.UserTime = thread->Tcb.CycleTime * KE_NANOSECONDS_PER_BLOCK / 100;
    break;
  case ThreadQuerySetWin32StartAddress:
    out->address = thread->Win32StartAddress;
    break;
  case ThreadAmILastThread:
    out->number = PsThreadProcess(thread)->ActiveThreads == 1;
    break;
  case ThreadSuspendCount:
    out->number = (ULONG)thread->Tcb.SuspendCount;
    break;
  case ThreadHideFromDebugger:
    out->flag = (thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_HIDE_FROM_DEBUGGER) != 0;
    break;
  case ThreadGroupInformation:
    out->group.Mask = 1;
    break;
  case ThreadBreakOnTermination:
    out->number = (thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_BREAK_ON_TERMINATION) != 0;
    break;
  default: /* no boost, no pending request */
    break;
  }
}

NTSTATUS NtQueryInformationThread(HANDLE ThreadHandle, ULONG ThreadInformationClass, ULONG64 ThreadInformation,
                                  ULONG ThreadInformationLength, ULONG64 ReturnLength)
{
  union thread_information out;
  void *thread;
  ULONG size = information_size(ThreadInformationClass);
  NTSTATUS status = STATUS_SUCCESS;
  if (ThreadInformationClass == ThreadHideFromDebugger) {
    /* One byte has no alignment. */
    if (ThreadInformationLength)
      status = ProbeForWrite(ThreadInformation, ThreadInformationLength, 1);
    if (NT_SUCCESS(status) && ReturnLength)
      status = ProbeForWrite(ReturnLength, sizeof(ULONG), 4);
  } else {
    status = svc_probe_information(ThreadInformation, ThreadInformationLength, ReturnLength);
  }
  if (!NT_SUCCESS(status))
    return status;
  if (!size && ThreadInformationClass != ThreadNameInformation)
    return STATUS_INVALID_INFO_CLASS;
  if (size && ThreadInformationLength != size)
    return svc_return_information(ThreadInformation, ThreadInformationLength, NULL, size, ReturnLength);
  if (ThreadInformationClass == ThreadBasicInformation || ThreadInformationClass == ThreadTimes ||
      ThreadInformationClass == ThreadNameInformation || ThreadInformationClass == ThreadGroupInformation)
    status = svc_reference_for_query(ThreadHandle, ob_types()->Thread, THREAD_QUERY_INFORMATION,
                                     THREAD_QUERY_LIMITED_INFORMATION, &thread);
  else
    status = ObReferenceObjectByHandle(ThreadHandle, THREAD_QUERY_INFORMATION, ob_types()->Thread, KeGetPreviousMode(),
                                       &thread, NULL);
  if (!NT_SUCCESS(status))
    return status;
  if (ThreadInformationClass == ThreadNameInformation) {
    status = svc_return_name(ThreadInformation, ThreadInformationLength, "", ReturnLength);
  } else {
    fill(thread, ThreadInformationClass, &out);
    status = svc_return_information(ThreadInformation, ThreadInformationLength, &out, size, ReturnLength);
  }
  ObDereferenceObject(thread);
  return status;
}

/* ---- set ---- */

static ULONG settable_size(ULONG class)
{
  switch (class) {
  case ThreadPriority:
  case ThreadBasePriority:
  case ThreadZeroTlsCell:
  case ThreadIdealProcessor:
  case ThreadPriorityBoost:
  case ThreadBreakOnTermination:
    return sizeof(ULONG);
  case ThreadAffinityMask:
  case ThreadImpersonationToken:
  case ThreadQuerySetWin32StartAddress:
    return sizeof(ULONG64);
  case ThreadNameInformation:
    return sizeof(UNICODE_STRING64);
  default:
    return 0;
  }
}

/* Zeroes one TLS slot in every thread of the current process (TlsAlloc and TlsFree). */
static NTSTATUS zero_tls_cell(ULONG index)
{
  EPROCESS *process = PsGetCurrentProcess();
  const ULONG64 zero = 0;
  if (process->native || index >= TLS_SLOTS + TLS_EXPANSION_SLOTS)
    return STATUS_INVALID_PARAMETER;
  for (ETHREAD *t = PsGetNextProcessThread(process, NULL); t; t = PsGetNextProcessThread(process, t)) {
    ULONG64 slots = 0;
    if (!t->Tcb.Teb)
      continue;
    if (index < TLS_SLOTS)
      (void)mm_user_write(t->Tcb.Teb + TEB_TLS_SLOTS + index * 8ull, &zero, sizeof zero);
    else if (NT_SUCCESS(mm_user_read(&slots, t->Tcb.Teb + TEB_TLS_EXPANSION_SLOTS, sizeof slots)) && slots)
      (void)mm_user_write(slots + (index - TLS_SLOTS) * 8ull, &zero, sizeof zero);
  }
  return STATUS_SUCCESS;
}

static NTSTATUS set(ETHREAD *thread, ULONG class, ULONG64 value)
{
  switch (class) {
  case ThreadHideFromDebugger:
    thread->CrossThreadFlags |= PS_CROSS_THREAD_FLAGS_HIDE_FROM_DEBUGGER;
    return STATUS_SUCCESS;
  case ThreadQuerySetWin32StartAddress:
    thread->Win32StartAddress = value;
    return STATUS_SUCCESS;
  case ThreadBreakOnTermination:
    if (!SeSinglePrivilegeCheck(SE_DEBUG_PRIVILEGE, KeGetPreviousMode()))
      return STATUS_PRIVILEGE_NOT_HELD;
    if (value)
      thread->CrossThreadFlags |= PS_CROSS_THREAD_FLAGS_BREAK_ON_TERMINATION;
    else
      thread->CrossThreadFlags &= ~PS_CROSS_THREAD_FLAGS_BREAK_ON_TERMINATION;
    return STATUS_SUCCESS;
  case ThreadAffinityMask:
    return value & 1 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
  case ThreadZeroTlsCell:
    return thread == PsGetCurrentThread() ? zero_tls_cell((ULONG)value) : STATUS_INVALID_PARAMETER;
  default: /* one user, one priority: accepted */
    return STATUS_SUCCESS;
  }
}

NTSTATUS NtSetInformationThread(HANDLE ThreadHandle, ULONG ThreadInformationClass, ULONG64 ThreadInformation,
                                ULONG ThreadInformationLength)
{
  ETHREAD *thread;
  ULONG64 value[2] = {0};
  ULONG size = settable_size(ThreadInformationClass);
  NTSTATUS status = STATUS_SUCCESS;
  if (ThreadInformationLength)
    status = ProbeForRead(ThreadInformation, ThreadInformationLength, 4);
  if (!NT_SUCCESS(status))
    return status;
  if (!size && ThreadInformationClass != ThreadHideFromDebugger)
    return STATUS_INVALID_INFO_CLASS;
  if (ThreadInformationLength != size)
    return STATUS_INFO_LENGTH_MISMATCH;
  if (size)
    status = mm_user_read(value, ThreadInformation, size);
  if (NT_SUCCESS(status))
    status = svc_reference_thread(ThreadHandle, THREAD_SET_INFORMATION, &thread);
  if (!NT_SUCCESS(status))
    return status;
  status = set(thread, ThreadInformationClass, value[0]);
  ObDereferenceObject(thread);
  return status;
}

SVC_THUNK_5(NtQueryInformationThread, HANDLE, ULONG, ULONG64, ULONG, ULONG64)
SVC_THUNK_4(NtSetInformationThread, HANDLE, ULONG, ULONG64, ULONG)

const struct svc_entry svc_thread_query_table[] = {
    SVC(NtQueryInformationThread, 5),
    SVC(NtSetInformationThread, 4),
    {NULL, NULL, 0},
};
