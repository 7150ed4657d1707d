/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads: creation, ends, priorities, sleeping, user APCs. */
#include "kernel32p.h"
#include "nt_process.h"

HANDLE WINAPI GetCurrentThread(void) { return NtCurrentThread(); }
DWORD WINAPI GetCurrentThreadId(void) { return (DWORD)(ULONG_PTR)NtCurrentTeb()->ClientId.UniqueThread; }

/* ---- beginning and end ---- */

HANDLE WINAPI CreateRemoteThreadEx(HANDLE process, LPSECURITY_ATTRIBUTES security, SIZE_T stack,
                                   LPTHREAD_START_ROUTINE start, LPVOID parameter, DWORD flags,
                                   LPPROC_THREAD_ATTRIBUTE_LIST attribute_list, LPDWORD thread_id)
{
  OBJECT_ATTRIBUTES attributes;
  CLIENT_ID id = {NULL, NULL};
  HANDLE thread;
  BOOLEAN reservation = (flags & STACK_SIZE_PARAM_IS_A_RESERVATION) != 0;
  struct {
    SIZE_T TotalLength;
    PS_ATTRIBUTE Attribute;
  } list = {sizeof list, {.Attribute = PS_ATTRIBUTE_CLIENT_ID, .Size = sizeof id, .ValuePtr = &id}};
  (void)attribute_list;
  if (flags & ~(DWORD)(CREATE_SUSPENDED | STACK_SIZE_PARAM_IS_A_RESERVATION)) {
    base_fail(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  InitializeObjectAttributes(&attributes, NULL, security && security->bInheritHandle ? OBJ_INHERIT : 0, NULL,
                             security ? security->lpSecurityDescriptor : NULL);
  NTSTATUS status = NtCreateThreadEx(&thread, THREAD_ALL_ACCESS, &attributes, process, (PVOID)start, parameter,
                                     flags & CREATE_SUSPENDED ? THREAD_CREATE_FLAGS_CREATE_SUSPENDED : 0, 0,
                                     reservation ? 0 : stack, reservation ? stack : 0, &list);
  if (!BaseSetLastNTError(status))
    return NULL;
  if (thread_id)
    *thread_id = (DWORD)(ULONG_PTR)id.UniqueThread;
  return thread;
}

HANDLE WINAPI CreateRemoteThread(HANDLE process, LPSECURITY_ATTRIBUTES security, SIZE_T stack,
                                 LPTHREAD_START_ROUTINE start, LPVOID parameter, DWORD flags, LPDWORD thread_id)
{
  return CreateRemoteThreadEx(process, security, stack, start, parameter, flags, NULL, thread_id);
}

HANDLE WINAPI CreateThread(LPSECURITY_ATTRIBUTES security, SIZE_T stack, LPTHREAD_START_ROUTINE start, LPVOID parameter,
                           DWORD flags, LPDWORD thread_id)
{
  return CreateRemoteThreadEx(NtCurrentProcess(), security, stack, start, parameter, flags, NULL, thread_id);
}

HANDLE WINAPI OpenThread(DWORD access, BOOL inherit, DWORD thread_id)
{
  OBJECT_ATTRIBUTES attributes;
  CLIENT_ID id = {NULL, (HANDLE)(ULONG_PTR)thread_id};
  HANDLE thread;
  InitializeObjectAttributes(&attributes, NULL, inherit ? OBJ_INHERIT : 0, NULL, NULL);
  NTSTATUS status = NtOpenThread(&thread, access, &attributes, &id);
  /* An id of no thread is a wrong argument here. */
  if (status == STATUS_INVALID_CID) {
    base_fail(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  return BaseSetLastNTError(status) ? thread : NULL;
}

void WINAPI ExitThread(DWORD code) { RtlExitUserThread((NTSTATUS)code); }

BOOL WINAPI TerminateThread(HANDLE thread, DWORD code)
{
  return thread ? BaseSetLastNTError(NtTerminateThread(thread, (NTSTATUS)code)) : base_fail(ERROR_INVALID_HANDLE);
}

DWORD WINAPI SuspendThread(HANDLE thread)
{
  ULONG count;
  return BaseSetLastNTError(NtSuspendThread(thread, &count)) ? count : (DWORD)-1;
}

DWORD WINAPI ResumeThread(HANDLE thread)
{
  ULONG count;
  return BaseSetLastNTError(NtResumeThread(thread, &count)) ? count : (DWORD)-1;
}

/* ---- information ---- */

static BOOL query_basic(HANDLE thread, THREAD_BASIC_INFORMATION *basic)
{
  return BaseSetLastNTError(NtQueryInformationThread(thread, ThreadBasicInformation, basic, sizeof *basic, NULL));
}

BOOL WINAPI GetExitCodeThread(HANDLE thread, LPDWORD code)
{
  THREAD_BASIC_INFORMATION basic;
  if (!query_basic(thread, &basic))
    return FALSE;
  *code = (DWORD)basic.ExitStatus;
  return TRUE;
}

DWORD WINAPI GetThreadId(HANDLE thread)
{
  THREAD_BASIC_INFORMATION basic;
  return query_basic(thread, &basic) ? (DWORD)(ULONG_PTR)basic.ClientId.UniqueThread : 0;
}

DWORD WINAPI GetProcessIdOfThread(HANDLE thread)
{
  THREAD_BASIC_INFORMATION basic;
  return query_basic(thread, &basic) ? (DWORD)(ULONG_PTR)basic.ClientId.UniqueProcess : 0;
}

BOOL WINAPI GetThreadTimes(HANDLE thread, LPFILETIME creation, LPFILETIME end, LPFILETIME kernel, LPFILETIME user)
{
  KERNEL_USER_TIMES times;
  if (!BaseSetLastNTError(NtQueryInformationThread(thread, ThreadTimes, &times, sizeof times, NULL)))
    return FALSE;
  memcpy(creation, &times.CreateTime, sizeof *creation);
  memcpy(end, &times.ExitTime, sizeof *end);
  memcpy(kernel, &times.KernelTime, sizeof *kernel);
  memcpy(user, &times.UserTime, sizeof *user);
  return TRUE;
}

/* The two extremes are one step beyond what the kernel calls a base priority: saturation. */
#define SATURATED (THREAD_BASE_PRIORITY_LOWRT + 1)

int WINAPI GetThreadPriority(HANDLE thread)
{
  THREAD_BASIC_INFORMATION basic;
  if (!query_basic(thread, &basic))
    return THREAD_PRIORITY_ERROR_RETURN;
  if (basic.BasePriority == SATURATED)
    return THREAD_PRIORITY_TIME_CRITICAL;
  return basic.BasePriority == -SATURATED ? THREAD_PRIORITY_IDLE : basic.BasePriority;
}

BOOL WINAPI SetThreadPriority(HANDLE thread, int priority)
{
  LONG base = priority;
  if (priority == THREAD_PRIORITY_TIME_CRITICAL)
    base = SATURATED;
  else if (priority == THREAD_PRIORITY_IDLE)
    base = -SATURATED;
  return BaseSetLastNTError(NtSetInformationThread(thread, ThreadBasePriority, &base, sizeof base));
}

BOOL WINAPI GetThreadPriorityBoost(HANDLE thread, PBOOL disabled)
{
  ULONG value;
  if (!BaseSetLastNTError(NtQueryInformationThread(thread, ThreadPriorityBoost, &value, sizeof value, NULL)))
    return FALSE;
  *disabled = (BOOL)value;
  return TRUE;
}

BOOL WINAPI SetThreadPriorityBoost(HANDLE thread, BOOL disable)
{
  ULONG value = disable != 0;
  return BaseSetLastNTError(NtSetInformationThread(thread, ThreadPriorityBoost, &value, sizeof value));
}

DWORD_PTR WINAPI SetThreadAffinityMask(HANDLE thread, DWORD_PTR mask)
{
  THREAD_BASIC_INFORMATION basic;
  if (!query_basic(thread, &basic) ||
      !BaseSetLastNTError(NtSetInformationThread(thread, ThreadAffinityMask, &mask, sizeof mask)))
    return 0;
  return basic.AffinityMask;
}

BOOL WINAPI SetThreadStackGuarantee(PULONG size)
{
  PTEB teb = NtCurrentTeb();
  ULONG before = teb->GuaranteedStackBytes, wanted = (*size + 0xFFF) & ~0xFFFu;
  if (wanted > (SIZE_T)((UCHAR *)teb->NtTib.StackBase - (UCHAR *)teb->DeallocationStack))
    return base_fail(ERROR_INVALID_PARAMETER);
  /* It never shrinks. */
  if (wanted > before)
    teb->GuaranteedStackBytes = wanted;
  *size = before;
  return TRUE;
}

/* ---- names ---- */

HRESULT WINAPI SetThreadDescription(HANDLE thread, PCWSTR description)
{
  UNICODE_STRING name;
  RtlInitUnicodeString(&name, description);
  NTSTATUS status = NtSetInformationThread(thread, ThreadNameInformation, &name, sizeof name);
  return NT_SUCCESS(status) ? S_OK : (HRESULT)(status | FACILITY_NT_BIT);
}

HRESULT WINAPI GetThreadDescription(HANDLE thread, PWSTR *description)
{
  ULONG size = 0;
  *description = NULL;
  NtQueryInformationThread(thread, ThreadNameInformation, NULL, 0, &size);
  size += sizeof(UNICODE_STRING) + sizeof(WCHAR);
  UNICODE_STRING *name = base_allocate(size);
  if (!name)
    return E_OUTOFMEMORY;
  NTSTATUS status = NtQueryInformationThread(thread, ThreadNameInformation, name, size, NULL);
  if (!NT_SUCCESS(status)) {
    base_free(name);
    return (HRESULT)(status | FACILITY_NT_BIT);
  }
  /* LocalFree takes the block: the text moves to its start. */
  USHORT length = name->Length;
  memmove(name, name->Buffer, length);
  *description = (PWSTR)name;
  (*description)[length / sizeof(WCHAR)] = 0;
  return S_OK;
}

/* ---- sleeping, yielding, APCs ---- */

BOOL WINAPI SwitchToThread(void) { return NtYieldExecution() != STATUS_NO_YIELD_PERFORMED; }

DWORD WINAPI SleepEx(DWORD milliseconds, BOOL alertable)
{
  LARGE_INTEGER room;
  const LARGE_INTEGER *timeout = BaseFormatTimeOut(&room, milliseconds);
  NTSTATUS status;
  if (!timeout) {
    room.QuadPart = MINLONGLONG;
    timeout = &room;
  }
  do
    status = NtDelayExecution(alertable != 0, timeout);
  while (alertable && status == STATUS_ALERTED);
  return status == STATUS_USER_APC ? WAIT_IO_COMPLETION : 0;
}

void WINAPI Sleep(DWORD milliseconds) { SleepEx(milliseconds, FALSE); }

static void NTAPI dispatch_apc(PAPCFUNC routine, ULONG_PTR data, PVOID reserved)
{
  (void)reserved;
  routine(data);
}

DWORD WINAPI QueueUserAPC(PAPCFUNC routine, HANDLE thread, ULONG_PTR data)
{
  return (DWORD)BaseSetLastNTError(NtQueueApcThread(thread, (PVOID)dispatch_apc, (PVOID)routine, (PVOID)data, NULL));
}
