/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc.h"
#include "ntos/svc/svc_named.h"
#include "ntos/svc/svc_sync.h"

struct semaphore_basic_information {
  LONG CurrentCount;
  LONG MaximumCount;
};
C_ASSERT_SIZE(struct semaphore_basic_information, 8);

NTSTATUS NtCreateSemaphore(ULONG64 SemaphoreHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                           LONG InitialCount, LONG MaximumCount)
{
  struct svc_object_attributes attributes;
  void *semaphore;
  NTSTATUS status = svc_probe_handle(SemaphoreHandle);
  if (!NT_SUCCESS(status))
    return status;
  if (MaximumCount <= 0 || InitialCount < 0 || InitialCount > MaximumCount)
    return STATUS_INVALID_PARAMETER;
  status = svc_capture_object_attributes(ObjectAttributes, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  status = ObCreateObject(ob_types()->Semaphore, sizeof(KSEMAPHORE), &semaphore);
  if (!NT_SUCCESS(status)) {
    svc_release_object_attributes(&attributes);
    return status;
  }
  KeInitializeSemaphore(semaphore, InitialCount, MaximumCount);
  return svc_finish_create(semaphore, DesiredAccess, &attributes, SemaphoreHandle);
}

NTSTATUS NtOpenSemaphore(ULONG64 SemaphoreHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes)
{
  return svc_open_named(SemaphoreHandle, DesiredAccess, ObjectAttributes, ob_types()->Semaphore);
}

NTSTATUS NtReleaseSemaphore(HANDLE SemaphoreHandle, LONG ReleaseCount, ULONG64 PreviousCount)
{
  void *semaphore;
  LONG previous = 0;
  NTSTATUS status = PreviousCount ? ProbeForWrite(PreviousCount, sizeof(LONG), 4) : STATUS_SUCCESS;
  if (!NT_SUCCESS(status))
    return status;
  if (ReleaseCount <= 0)
    return STATUS_INVALID_PARAMETER;
  status = ObReferenceObjectByHandle(SemaphoreHandle, SEMAPHORE_MODIFY_STATE, ob_types()->Semaphore,
                                     KeGetPreviousMode(), &semaphore, NULL);
  if (!NT_SUCCESS(status))
    return status;
  status = KeReleaseSemaphore(semaphore, ReleaseCount, &previous);
  ObDereferenceObject(semaphore);
  if (NT_SUCCESS(status) && PreviousCount)
    (void)mm_user_write(PreviousCount, &previous, sizeof previous);
  return status;
}

NTSTATUS NtQuerySemaphore(HANDLE SemaphoreHandle, ULONG InformationClass, ULONG64 Information, ULONG Length,
                          ULONG64 ReturnLength)
{
  struct semaphore_basic_information out;
  void *object;
  NTSTATUS status = svc_begin_query(InformationClass, Information, Length, sizeof out, ReturnLength);
  if (NT_SUCCESS(status))
    status = ObReferenceObjectByHandle(SemaphoreHandle, SEMAPHORE_QUERY_STATE, ob_types()->Semaphore,
                                       KeGetPreviousMode(), &object, NULL);
  if (!NT_SUCCESS(status))
    return status;
  const KSEMAPHORE *semaphore = object;
  out.CurrentCount = semaphore->Header.SignalState;
  out.MaximumCount = semaphore->Limit;
  ObDereferenceObject(object);
  return svc_write_information(Information, &out, sizeof out, ReturnLength);
}

SVC_THUNK_5(NtCreateSemaphore, ULONG64, ACCESS_MASK, ULONG64, LONG, LONG)
SVC_THUNK_3(NtOpenSemaphore, ULONG64, ACCESS_MASK, ULONG64)
SVC_THUNK_3(NtReleaseSemaphore, HANDLE, LONG, ULONG64)
SVC_THUNK_5(NtQuerySemaphore, HANDLE, ULONG, ULONG64, ULONG, ULONG64)

const struct svc_entry svc_semaphore_table[] = {
    SVC(NtCreateSemaphore, 5), SVC(NtOpenSemaphore, 3), SVC(NtReleaseSemaphore, 3),
    SVC(NtQuerySemaphore, 5),  {NULL, NULL, 0},
};
