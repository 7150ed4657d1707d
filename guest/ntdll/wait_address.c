/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waits on addresses: who waits lies in a list, chosen by the address, and sleeps until it is alerted. */
#include "ntdllp.h"

enum { LISTS = 64 };

typedef struct _WAITER {
  struct _WAITER *Next;
  const volatile void *Address;
  HANDLE Thread;
  volatile BOOLEAN Woken; /**< it is off the list */
} WAITER;

static struct {
  volatile LONG Lock; /* guards the list; held for a few instructions */
  WAITER *First;
} lists[LISTS];

static ULONG lock_list(const volatile void *address)
{
  ULONG list = (ULONG)((ULONG_PTR)address >> 4 ^ (ULONG_PTR)address >> 10) % LISTS;
  while (__atomic_exchange_n(&lists[list].Lock, 1, __ATOMIC_ACQUIRE))
    NtYieldExecution();
  return list;
}

static void unlock_list(ULONG list) { __atomic_store_n(&lists[list].Lock, 0, __ATOMIC_RELEASE); }

static WAITER **find(ULONG list, const WAITER *waiter, const volatile void *address)
{
  WAITER **link = &lists[list].First;
  while (*link && (waiter ? *link != waiter : (*link)->Address != address))
    link = &(*link)->Next;
  return link;
}

static BOOLEAN is_equal(const volatile void *address, const void *compare, SIZE_T size)
{
  switch (size) {
  case 1:
    return *(const volatile UCHAR *)address == *(const UCHAR *)compare;
  case 2:
    return *(const volatile USHORT *)address == *(const USHORT *)compare;
  case 4:
    return *(const volatile ULONG *)address == *(const ULONG *)compare;
  default:
    return *(const volatile ULONG64 *)address == *(const ULONG64 *)compare;
  }
}

NTSTATUS NTAPI RtlWaitOnAddress(const volatile void *Address, PVOID CompareAddress, SIZE_T AddressSize,
                                const LARGE_INTEGER *Timeout)
{
  WAITER self = {NULL, Address, NtCurrentTeb()->ClientId.UniqueThread, FALSE};
  NTSTATUS status;
  if (AddressSize != 1 && AddressSize != 2 && AddressSize != 4 && AddressSize != 8)
    return STATUS_INVALID_PARAMETER;
  ULONG list = lock_list(Address);
  BOOLEAN equal = is_equal(Address, CompareAddress, AddressSize);
  if (equal)
    *find(list, &self, NULL) = &self;
  unlock_list(list);
  if (!equal)
    return STATUS_SUCCESS;
  do {
    status = NtWaitForAlertByThreadId((const void *)Address, Timeout);
  } while (!self.Woken && status != STATUS_TIMEOUT);
  lock_list(Address);
  if (!self.Woken) {
    WAITER **link = find(list, &self, NULL);
    *link = self.Next;
  }
  unlock_list(list);
  return self.Woken ? STATUS_SUCCESS : STATUS_TIMEOUT;
}

static BOOLEAN wake(const void *address)
{
  ULONG list = lock_list(address);
  WAITER **link = find(list, NULL, address), *waiter = *link;
  HANDLE thread = NULL;
  if (waiter) {
    thread = waiter->Thread;
    *link = waiter->Next;
    /* From here on it may return, and the structure is gone. */
    waiter->Woken = TRUE;
  }
  unlock_list(list);
  if (thread)
    NtAlertThreadByThreadId(thread);
  return thread != NULL;
}

void NTAPI RtlWakeAddressSingle(PVOID Address) { wake(Address); }

void NTAPI RtlWakeAddressAll(PVOID Address)
{
  while (wake(Address))
    ;
}
