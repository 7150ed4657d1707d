/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc.h"
#include "ntos/svc/svc_named.h"
#include "ntos/svc/svc_sync.h"

#include <string.h>

struct mutant_basic_information {
  LONG CurrentCount;
  BOOLEAN OwnedByCaller;
  BOOLEAN AbandonedState;
  USHORT padding;
};
C_ASSERT_SIZE(struct mutant_basic_information, 8);

#define MUTANT_OWNER_INFORMATION 1u

NTSTATUS NtCreateMutant(ULONG64 MutantHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, BOOLEAN InitialOwner)
{
  struct svc_object_attributes attributes;
  void *mutant;
  NTSTATUS status = svc_begin_create(MutantHandle, ObjectAttributes, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  status = ObCreateObject(ob_types()->Mutant, sizeof(KMUTANT), &mutant);
  if (!NT_SUCCESS(status)) {
    svc_release_object_attributes(&attributes);
    return status;
  }
  KeInitializeMutant(mutant, InitialOwner != 0);
  return svc_finish_create(mutant, DesiredAccess, &attributes, MutantHandle);
}

NTSTATUS NtOpenMutant(ULONG64 MutantHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes)
{
  return svc_open_named(MutantHandle, DesiredAccess, ObjectAttributes, ob_types()->Mutant);
}

NTSTATUS NtReleaseMutant(HANDLE MutantHandle, ULONG64 PreviousCount)
{
  void *mutant;
  LONG previous = 0;
  NTSTATUS status = PreviousCount ? ProbeForWrite(PreviousCount, sizeof(LONG), 4) : STATUS_SUCCESS;
  if (NT_SUCCESS(status))
    status = ObReferenceObjectByHandle(MutantHandle, 0, ob_types()->Mutant, KeGetPreviousMode(), &mutant, NULL);
  if (!NT_SUCCESS(status))
    return status;
  status = KeReleaseMutant(mutant, FALSE, &previous);
  ObDereferenceObject(mutant);
  if (NT_SUCCESS(status) && PreviousCount)
    (void)mm_user_write(PreviousCount, &previous, sizeof previous);
  return status;
}

NTSTATUS NtQueryMutant(HANDLE MutantHandle, ULONG InformationClass, ULONG64 Information, ULONG Length,
                       ULONG64 ReturnLength)
{
  union {
    struct mutant_basic_information basic;
    CLIENT_ID owner;
  } out;
  bool owner = InformationClass == MUTANT_OWNER_INFORMATION;
  ULONG size = owner ? sizeof out.owner : sizeof out.basic;
  void *object;
  NTSTATUS status = svc_begin_query(owner ? 0 : InformationClass, Information, Length, size, ReturnLength);
  if (NT_SUCCESS(status))
    status = ObReferenceObjectByHandle(MutantHandle, MUTANT_QUERY_STATE, ob_types()->Mutant, KeGetPreviousMode(),
                                       &object, NULL);
  if (!NT_SUCCESS(status))
    return status;
  const KMUTANT *mutant = object;
  memset(&out, 0, sizeof out);
  if (!owner) {
    out.basic.CurrentCount = mutant->Header.SignalState;
    out.basic.OwnedByCaller = mutant->OwnerThread == KeGetCurrentThread();
    out.basic.AbandonedState = mutant->Abandoned;
  } else if (mutant->OwnerThread) {
    out.owner = ((const ETHREAD *)mutant->OwnerThread)->Cid;
  }
  ObDereferenceObject(object);
  return svc_write_information(Information, &out, size, ReturnLength);
}

SVC_THUNK_4(NtCreateMutant, ULONG64, ACCESS_MASK, ULONG64, BOOLEAN)
SVC_THUNK_3(NtOpenMutant, ULONG64, ACCESS_MASK, ULONG64)
SVC_THUNK_2(NtReleaseMutant, HANDLE, ULONG64)
SVC_THUNK_5(NtQueryMutant, HANDLE, ULONG, ULONG64, ULONG, ULONG64)

const struct svc_entry svc_mutant_table[] = {
    SVC(NtCreateMutant, 4), SVC(NtOpenMutant, 3), SVC(NtReleaseMutant, 2), SVC(NtQueryMutant, 5), {NULL, NULL, 0},
};
