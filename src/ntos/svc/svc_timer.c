/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/ob/ob_bodies.h"
#include "ntos/svc/svc.h"
#include "ntos/svc/svc_named.h"
#include "ntos/svc/svc_sync.h"

struct timer_basic_information {
  LONG64 RemainingTime;
  BOOLEAN TimerState;
  UCHAR padding[7];
};
C_ASSERT_SIZE(struct timer_basic_information, 16);

NTSTATUS NtCreateTimer(ULONG64 TimerHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG TimerType)
{
  struct svc_object_attributes attributes;
  void *object;
  NTSTATUS status = svc_probe_handle(TimerHandle);
  if (!NT_SUCCESS(status))
    return status;
  if (TimerType != NotificationTimer && TimerType != SynchronizationTimer)
    return STATUS_INVALID_PARAMETER_4;
  status = svc_capture_object_attributes(ObjectAttributes, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  status = ObCreateObject(ob_types()->Timer, sizeof(ETIMER), &object);
  if (!NT_SUCCESS(status)) {
    svc_release_object_attributes(&attributes);
    return status;
  }
  KeInitializeTimerEx(&((ETIMER *)object)->KeTimer, (TIMER_TYPE)TimerType);
  return svc_finish_create(object, DesiredAccess, &attributes, TimerHandle);
}

NTSTATUS NtOpenTimer(ULONG64 TimerHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes)
{
  return svc_open_named(TimerHandle, DesiredAccess, ObjectAttributes, ob_types()->Timer);
}

/* The APC is about to be delivered; a timer that fires once needs its thread no longer. */
static void timer_apc_delivered(KAPC *Apc)
{
  ETIMER *timer = CONTAINING_RECORD(Apc, ETIMER, TimerApc);
  if (timer->KeTimer.Period == 0 && timer->KeTimer.heap_index == 0)
    ob_timer_forget_apc(timer);
}

static NTSTATUS reference_timer(HANDLE handle, ACCESS_MASK access, ETIMER **timer)
{
  void *object;
  NTSTATUS status = ObReferenceObjectByHandle(handle, access, ob_types()->Timer, KeGetPreviousMode(), &object, NULL);
  *timer = object;
  return status;
}

NTSTATUS NtSetTimer(HANDLE TimerHandle, ULONG64 DueTime, ULONG64 TimerApcRoutine, ULONG64 TimerContext,
                    BOOLEAN ResumeTimer, LONG Period, ULONG64 PreviousState)
{
  ETIMER *timer;
  LONG64 due;
  NTSTATUS status = PreviousState ? ProbeForWrite(PreviousState, sizeof(BOOLEAN), 1) : STATUS_SUCCESS;
  if (NT_SUCCESS(status))
    status = mm_user_read(&due, DueTime, sizeof due);
  if (!NT_SUCCESS(status))
    return status;
  if (Period < 0)
    return STATUS_INVALID_PARAMETER_6;
  status = reference_timer(TimerHandle, TIMER_MODIFY_STATE, &timer);
  if (!NT_SUCCESS(status))
    return status;
  BOOLEAN previous = timer->KeTimer.Header.SignalState > 0;
  KeCancelTimer(&timer->KeTimer);
  ob_timer_forget_apc(timer);
  if (TimerApcRoutine) {
    ETHREAD *thread = PsGetCurrentThread();
    ObReferenceObject(thread);
    timer->apc_thread = thread;
    KeInitializeApc(&timer->TimerApc, &thread->Tcb, timer_apc_delivered, TimerApcRoutine, UserMode, TimerContext);
    timer->KeTimer.Apc = &timer->TimerApc;
  }
  KeSetTimerEx(&timer->KeTimer, due, (ULONG)Period);
  ObDereferenceObject(timer);
  if (PreviousState)
    (void)mm_user_write(PreviousState, &previous, sizeof previous);
  return ResumeTimer ? STATUS_TIMER_RESUME_IGNORED : STATUS_SUCCESS;
}

NTSTATUS NtCancelTimer(HANDLE TimerHandle, ULONG64 CurrentState)
{
  ETIMER *timer;
  NTSTATUS status = CurrentState ? ProbeForWrite(CurrentState, sizeof(BOOLEAN), 1) : STATUS_SUCCESS;
  if (NT_SUCCESS(status))
    status = reference_timer(TimerHandle, TIMER_MODIFY_STATE, &timer);
  if (!NT_SUCCESS(status))
    return status;
  BOOLEAN state = timer->KeTimer.Header.SignalState > 0;
  KeCancelTimer(&timer->KeTimer);
  ob_timer_forget_apc(timer);
  ObDereferenceObject(timer);
  if (CurrentState)
    (void)mm_user_write(CurrentState, &state, sizeof state);
  return STATUS_SUCCESS;
}

NTSTATUS NtQueryTimer(HANDLE TimerHandle, ULONG InformationClass, ULONG64 Information, ULONG Length,
                      ULONG64 ReturnLength)
{
  struct timer_basic_information out = {0};
  ETIMER *timer;
  NTSTATUS status = svc_begin_query(InformationClass, Information, Length, sizeof out, ReturnLength);
  if (NT_SUCCESS(status))
    status = reference_timer(TimerHandle, TIMER_QUERY_STATE, &timer);
  if (!NT_SUCCESS(status))
    return status;
  out.RemainingTime = (LONG64)((timer->KeTimer.heap_index ? timer->KeTimer.DueTime : 0) - KeQueryInterruptTime());
  out.TimerState = timer->KeTimer.Header.SignalState > 0;
  ObDereferenceObject(timer);
  return svc_write_information(Information, &out, sizeof out, ReturnLength);
}

SVC_THUNK_4(NtCreateTimer, ULONG64, ACCESS_MASK, ULONG64, ULONG)
SVC_THUNK_3(NtOpenTimer, ULONG64, ACCESS_MASK, ULONG64)
SVC_THUNK_7(NtSetTimer, HANDLE, ULONG64, ULONG64, ULONG64, BOOLEAN, LONG, ULONG64)
SVC_THUNK_2(NtCancelTimer, HANDLE, ULONG64)
SVC_THUNK_5(NtQueryTimer, HANDLE, ULONG, ULONG64, ULONG, ULONG64)

const struct svc_entry svc_timer_table[] = {
    SVC(NtCreateTimer, 4), SVC(NtOpenTimer, 3),  SVC(NtSetTimer, 7),
    SVC(NtCancelTimer, 2), SVC(NtQueryTimer, 5), {NULL, NULL, 0},
};
