/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_process.h"
#include "ntos/trap/trap.h"

#define KCONTINUE_FLAG_TEST_ALERT 1u
#define KCONTINUE_FLAG_DELIVER_APC 2u
/* KCONTINUE_UNWIND, _RESUME, _LONGJUMP and _SET: they differ where return addresses are checked, which is not here. */
#define KCONTINUE_LAST 4u

typedef struct _KCONTINUE_ARGUMENT {
  ULONG ContinueType;
  ULONG ContinueFlags;
  ULONG64 Reserved[2];
} KCONTINUE_ARGUMENT;
C_ASSERT_SIZE(KCONTINUE_ARGUMENT, 0x18);

NTSTATUS NtContinue(ULONG64 ContextRecord, BOOLEAN TestAlert) { return KiContinue(ContextRecord, TestAlert); }

NTSTATUS NtContinueEx(ULONG64 ContextRecord, ULONG64 ContinueArgument)
{
  KCONTINUE_ARGUMENT argument;
  /* An address below a page is the BOOLEAN that NtContinue takes. */
  if (ContinueArgument <= 0xFF)
    return KiContinue(ContextRecord, ContinueArgument != 0);
  NTSTATUS status = ProbeForRead(ContinueArgument, sizeof argument, 4);
  if (NT_SUCCESS(status))
    status = mm_user_read(&argument, ContinueArgument, sizeof argument);
  if (!NT_SUCCESS(status))
    return status;
  if (argument.ContinueType >= KCONTINUE_LAST ||
      argument.ContinueFlags & ~(KCONTINUE_FLAG_TEST_ALERT | KCONTINUE_FLAG_DELIVER_APC))
    return STATUS_INVALID_PARAMETER;
  return KiContinue(ContextRecord, argument.ContinueFlags != 0);
}

NTSTATUS NtRaiseException(ULONG64 ExceptionRecord, ULONG64 ContextRecord, BOOLEAN FirstChance)
{
  return KiRaiseException(ExceptionRecord, ContextRecord, FirstChance);
}

NTSTATUS NtTestAlert(void) { return KeTestAlertThread(UserMode) ? STATUS_ALERTED : STATUS_SUCCESS; }

NTSTATUS NtAlertThread(HANDLE ThreadHandle)
{
  ETHREAD *thread;
  NTSTATUS status = svc_reference_thread(ThreadHandle, THREAD_ALERT, &thread);
  if (!NT_SUCCESS(status))
    return status;
  KeAlertThread(&thread->Tcb, UserMode);
  ObDereferenceObject(thread);
  return STATUS_SUCCESS;
}

NTSTATUS NtAlertResumeThread(HANDLE ThreadHandle, ULONG64 PreviousSuspendCount)
{
  ETHREAD *thread;
  ULONG previous = 0;
  NTSTATUS status = PreviousSuspendCount ? ProbeForWrite(PreviousSuspendCount, sizeof previous, 4) : STATUS_SUCCESS;
  if (NT_SUCCESS(status))
    status = svc_reference_thread(ThreadHandle, THREAD_SUSPEND_RESUME, &thread);
  if (!NT_SUCCESS(status))
    return status;
  KeAlertThread(&thread->Tcb, UserMode);
  PsResumeThread(thread, &previous);
  ObDereferenceObject(thread);
  if (PreviousSuspendCount)
    (void)mm_user_write(PreviousSuspendCount, &previous, sizeof previous);
  return STATUS_SUCCESS;
}

static void free_apc(KAPC *Apc) { ExFreePool(Apc); }

NTSTATUS NtQueueApcThreadEx(HANDLE ThreadHandle, HANDLE ReserveHandle, ULONG64 ApcRoutine, ULONG64 ApcArgument1,
                            ULONG64 ApcArgument2, ULONG64 ApcArgument3)
{
  ETHREAD *thread;
  if (ReserveHandle)
    return STATUS_INVALID_HANDLE;
  NTSTATUS status = svc_reference_thread(ThreadHandle, THREAD_SET_CONTEXT, &thread);
  if (!NT_SUCCESS(status))
    return status;
  KAPC *apc = ExAllocatePoolWithTag(sizeof *apc, POOL_TAG('P', 's', 'a', 'p'));
  if (!apc) {
    status = STATUS_NO_MEMORY;
  } else {
    KeInitializeApc(apc, &thread->Tcb, free_apc, ApcRoutine, UserMode, ApcArgument1);
    if (!KeInsertQueueApc(apc, ApcArgument2, ApcArgument3)) {
      ExFreePool(apc);
      status = STATUS_UNSUCCESSFUL;
    }
  }
  ObDereferenceObject(thread);
  return status;
}

NTSTATUS NtQueueApcThread(HANDLE ThreadHandle, ULONG64 ApcRoutine, ULONG64 ApcArgument1, ULONG64 ApcArgument2,
                          ULONG64 ApcArgument3)
{
  return NtQueueApcThreadEx(ThreadHandle, 0, ApcRoutine, ApcArgument1, ApcArgument2, ApcArgument3);
}

NTSTATUS NtCallbackReturn(ULONG64 OutputBuffer, ULONG OutputLength, NTSTATUS Status)
{
  (void)OutputBuffer;
  (void)OutputLength;
  (void)Status;
  return STATUS_NO_CALLBACK_ACTIVE;
}

SVC_THUNK_2(NtContinue, ULONG64, BOOLEAN)
SVC_THUNK_2(NtContinueEx, ULONG64, ULONG64)
SVC_THUNK_3(NtRaiseException, ULONG64, ULONG64, BOOLEAN)
SVC_THUNK_0(NtTestAlert)
SVC_THUNK_1(NtAlertThread, HANDLE)
SVC_THUNK_2(NtAlertResumeThread, HANDLE, ULONG64)
SVC_THUNK_5(NtQueueApcThread, HANDLE, ULONG64, ULONG64, ULONG64, ULONG64)
SVC_THUNK_6(NtQueueApcThreadEx, HANDLE, HANDLE, ULONG64, ULONG64, ULONG64, ULONG64)
SVC_THUNK_3(NtCallbackReturn, ULONG64, ULONG, NTSTATUS)

const struct svc_entry svc_exception_table[] = {
    SVC(NtContinue, 2),       SVC(NtContinueEx, 2),       SVC(NtRaiseException, 3),
    SVC(NtTestAlert, 0),      SVC(NtAlertThread, 1),      SVC(NtAlertResumeThread, 2),
    SVC(NtQueueApcThread, 5), SVC(NtQueueApcThreadEx, 6), SVC(NtCallbackReturn, 3),
    {NULL, NULL, 0},
};
