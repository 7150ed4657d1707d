/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where threads start, and how threads and processes end. */
#include "nt_process.h"
#include "ntdllp.h"

void (*RtlpThreadInitThunk)(ULONG Reserved, PUSER_THREAD_START_ROUTINE StartRoutine, PVOID Argument);
static LONG(NTAPI *unhandled_filter)(EXCEPTION_POINTERS *);

void NTAPI RtlSetUnhandledExceptionFilter(LONG(NTAPI *Filter)(EXCEPTION_POINTERS *)) { unhandled_filter = Filter; }

static LONG last_filter(EXCEPTION_POINTERS *pointers)
{
  return unhandled_filter ? unhandled_filter(pointers) : EXCEPTION_CONTINUE_SEARCH;
}

static __attribute__((noinline)) void run(PUSER_THREAD_START_ROUTINE StartRoutine, PVOID Argument)
{
  if (RtlpThreadInitThunk)
    RtlpThreadInitThunk(0, StartRoutine, Argument);
  else
    RtlExitUserThread(StartRoutine(Argument));
}

void NTAPI RtlUserThreadStart(PUSER_THREAD_START_ROUTINE StartRoutine, PVOID Argument)
{
  NTSTATUS code = 0;
  __try {
    run(StartRoutine, Argument);
  } __except (code = (NTSTATUS)GetExceptionCode(), last_filter(GetExceptionInformation())) {
    NtTerminateProcess(NtCurrentProcess(), code);
  }
}

/* The last thread takes the process along: its DLLs hear of that, not of a thread's end. */
void NTAPI RtlExitUserThread(NTSTATUS Status)
{
  ULONG last = 0;
  if (NT_SUCCESS(
          NtQueryInformationThread(NtCurrentThread(), 12 /* ThreadAmILastThread */, &last, sizeof(last), NULL)) &&
      last)
    RtlExitUserProcess(Status);
  LdrShutdownThread();
  if (NtCurrentTeb()->TlsExpansionSlots)
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, NtCurrentTeb()->TlsExpansionSlots);
  NtCurrentTeb()->TlsExpansionSlots = NULL;
  NtTerminateThread(NtCurrentThread(), Status);
  for (;;)
    RtlExitUserProcess(Status);
}

void NTAPI RtlExitUserProcess(NTSTATUS Status)
{
  NtTerminateProcess(NULL, Status);
  LdrShutdownProcess();
  for (;;)
    NtTerminateProcess(NtCurrentProcess(), Status);
}

NTSTATUS NTAPI RtlCreateUserThread(HANDLE Process, PVOID SecurityDescriptor, BOOLEAN CreateSuspended, ULONG ZeroBits,
                                   SIZE_T MaximumStackSize, SIZE_T CommittedStackSize,
                                   PUSER_THREAD_START_ROUTINE StartAddress, PVOID Parameter, HANDLE *Thread,
                                   CLIENT_ID *ClientId)
{
  CLIENT_ID id;
  HANDLE handle;
  struct {
    SIZE_T TotalLength;
    PS_ATTRIBUTE Attribute;
  } list = {sizeof list, {.Attribute = PS_ATTRIBUTE_CLIENT_ID, .Size = sizeof id, .ValuePtr = &id}};
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, NULL, 0, NULL, SecurityDescriptor);
  NTSTATUS status = NtCreateThreadEx(&handle, THREAD_ALL_ACCESS, &attributes, Process, (PVOID)StartAddress, Parameter,
                                     CreateSuspended ? THREAD_CREATE_FLAGS_CREATE_SUSPENDED : 0, ZeroBits,
                                     CommittedStackSize, MaximumStackSize, &list);
  if (!NT_SUCCESS(status))
    return status;
  if (ClientId)
    *ClientId = id;
  if (Thread)
    *Thread = handle;
  else
    NtClose(handle);
  return status;
}
